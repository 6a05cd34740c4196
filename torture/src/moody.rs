//! A customer's mail server that misbehaves in twelve ways and pulls the desk's plug at ten points of a session; it
//! remembers what it was given and what it said to it.
//!
//! What it remembers is the truth of the campaign: a copy whose 250 was said whole is *taken*; one that came to its last
//! dot without that, or whose 250 the desk had no time to write down before it was killed, is *in doubt*, and only such a
//! one may come again.

use crate::desk::signal;
use crate::dice::Dice;
use rustix::process::Signal;
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// What it does to one session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mood {
    /// Takes the mail.
    Well,
    /// 421 instead of a greeting.
    Busy,
    /// Hangs up without a word.
    Gone,
    /// 451 to EHLO.
    NoEhlo,
    /// 451 to MAIL.
    NotFromYou,
    /// 451 to RCPT.
    Grey,
    /// 550 to RCPT: for good.
    Unknown,
    /// 451 to DATA.
    NoData,
    /// Hangs up in the middle of the mail.
    Half,
    /// 451 to the whole mail.
    NotNow,
    /// 554 to the whole mail: for good.
    Never,
    /// Has the whole mail and hangs up without a word.
    Mute,
    /// Says 250 and resets the connection.
    Reset,
}

const MOODS: [Mood; 12] = [
    Mood::Busy,
    Mood::Gone,
    Mood::NoEhlo,
    Mood::NotFromYou,
    Mood::Grey,
    Mood::Unknown,
    Mood::NoData,
    Mood::Half,
    Mood::NotNow,
    Mood::Never,
    Mood::Mute,
    Mood::Reset,
];

/// Where in a session the desk's process is killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Point {
    /// It has called.
    Called,
    /// It was greeted.
    Greeted,
    /// It said EHLO.
    Ehlo,
    /// It said MAIL.
    Mail,
    /// It said RCPT.
    Rcpt,
    /// It was told 451.
    Refused,
    /// It said DATA.
    Data,
    /// The mail is half there.
    Half,
    /// The mail is there and will be taken, nothing is said yet.
    Dot,
    /// It was told 250.
    Answered,
}

/// All points.
pub const POINTS: [Point; 10] = [
    Point::Called,
    Point::Greeted,
    Point::Ehlo,
    Point::Mail,
    Point::Rcpt,
    Point::Refused,
    Point::Data,
    Point::Half,
    Point::Dot,
    Point::Answered,
];

/// A mail that came to its last dot.
#[derive(Debug, Clone)]
pub struct Came {
    /// Its Message-ID.
    pub message_id: String,
    /// Whom it is for.
    pub to: String,
    /// The return path is empty: a machine wrote it.
    pub is_automatic: bool,
    /// The code that was said to it; none if nothing was.
    pub said: Option<u16>,
    /// The desk may not have heard it: it was killed, or the line was reset.
    pub in_doubt: bool,
    /// When that was said.
    at: Instant,
}

/// A desk that was killed so soon after it was told 250 may not have kept that; a loaded machine needs a while.
const UNKEPT: Duration = Duration::from_secs(2);

#[derive(Default)]
struct Seen {
    came: Vec<Came>,
    kills: Vec<Instant>,
    armed: Option<(Point, u32)>,
}

/// The server; it ends with the process.
#[derive(Clone)]
pub struct Moody {
    /// Where it listens.
    pub address: SocketAddr,
    dice: Arc<Mutex<Dice>>,
    seen: Arc<Mutex<Seen>>,
    calm: Arc<AtomicBool>,
}

fn lock<T>(what: &Mutex<T>) -> MutexGuard<'_, T> {
    what.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Moody {
    /// Starts one that takes everything until it is told otherwise.
    ///
    /// # Errors
    /// If there is no free port.
    pub fn start(dice: Dice) -> std::io::Result<Moody> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let moody = Moody {
            address: listener.local_addr()?,
            dice: Arc::new(Mutex::new(dice)),
            seen: Arc::default(),
            calm: Arc::new(AtomicBool::new(true)),
        };
        let server = moody.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let server = server.clone();
                std::thread::spawn(move || _ = server.attend(stream));
            }
        });
        Ok(moody)
    }

    /// Takes everything, or lets chance decide.
    pub fn be_calm(&self, calm: bool) {
        self.calm.store(calm, Ordering::Relaxed);
    }

    /// Kills this process the next time that a session comes to this point.
    pub fn arm(&self, point: Point, pid: u32) {
        lock(&self.seen).armed = Some((point, pid));
    }

    /// Everything that came to its last dot, in order.
    pub fn came(&self) -> Vec<Came> {
        let seen = lock(&self.seen);
        let mut came = seen.came.clone();
        for one in &mut came {
            let unkept = |kill: &Instant| kill.saturating_duration_since(one.at) < UNKEPT && *kill >= one.at;
            one.in_doubt |= one.said == Some(250) && seen.kills.iter().any(unkept);
        }
        came
    }

    fn mood(&self) -> Mood {
        let mut dice = lock(&self.dice);
        match self.calm.load(Ordering::Relaxed) || dice.one_in(3) {
            true => Mood::Well,
            false => *dice.choose(&MOODS),
        }
    }

    /// Whether the desk was killed here.
    fn passes(&self, point: Point) -> bool {
        let mut seen = lock(&self.seen);
        match seen.armed {
            Some((armed, pid)) if armed == point => {
                seen.armed = None;
                seen.kills.push(Instant::now());
                // It may have died by another session's hand already.
                let _ = signal(pid, Signal::KILL);
                true
            }
            _ => false,
        }
    }

    /// One session, to its end or its first error.
    fn attend(&self, mut stream: TcpStream) -> std::io::Result<()> {
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(Duration::from_secs(60)))?;
        let mood = self.mood();
        self.passes(Point::Called);
        match mood {
            Mood::Gone => return Ok(()),
            Mood::Busy => return stream.write_all(b"421 4.3.2 busy\r\n"),
            _ => stream.write_all(b"220 moody.example ESMTP\r\n")?,
        }
        self.passes(Point::Greeted);
        let mut lines = BufReader::with_capacity(16 * 1024, stream.try_clone()?);
        let (mut to, mut is_automatic) = (String::new(), false);
        loop {
            let mut line = String::new();
            if lines.read_line(&mut line)? == 0 {
                return Ok(());
            }
            let verb = line.get(..4).unwrap_or("").to_ascii_uppercase();
            let (point, refusal): (_, &[u8]) = match (verb.as_str(), mood) {
                ("EHLO", Mood::NoEhlo) => (Point::Ehlo, b"451 4.3.0 not now\r\n"),
                ("MAIL", Mood::NotFromYou) => (Point::Mail, b"451 4.7.1 not from you now\r\n"),
                ("RCPT", Mood::Grey) => (Point::Rcpt, b"451 4.7.1 come again\r\n"),
                ("RCPT", Mood::Unknown) => (Point::Rcpt, b"550 5.1.1 nobody of that name\r\n"),
                ("DATA", Mood::NoData) => (Point::Data, b"451 4.3.0 no data now\r\n"),
                ("EHLO", _) => (Point::Ehlo, b""),
                ("MAIL", _) => (Point::Mail, b""),
                ("RCPT", _) => (Point::Rcpt, b""),
                ("DATA", _) => (Point::Data, b""),
                ("QUIT", _) => return stream.write_all(b"221 2.0.0 bye\r\n"),
                _ => (Point::Called, b"502 5.5.1 what?\r\n"),
            };
            self.passes(point);
            if !refusal.is_empty() {
                stream.write_all(refusal)?;
                self.passes(Point::Refused);
                continue;
            }
            match verb.as_str() {
                "EHLO" => stream.write_all(b"250-moody.example\r\n250-8BITMIME\r\n250 SIZE 60000000\r\n")?,
                "MAIL" => {
                    is_automatic = line.contains("<>");
                    stream.write_all(b"250 2.1.0 fine\r\n")?;
                }
                "RCPT" => {
                    to = line.split(['<', '>']).nth(1).unwrap_or("").to_owned();
                    stream.write_all(b"250 2.1.5 fine\r\n")?;
                }
                _ => {
                    stream.write_all(b"354 go on\r\n")?;
                    return self.mail(stream, lines, mood, to, is_automatic);
                }
            }
        }
    }

    fn mail(
        &self,
        mut stream: TcpStream,
        mut lines: BufReader<TcpStream>,
        mood: Mood,
        to: String,
        is_automatic: bool,
    ) -> std::io::Result<()> {
        let (mut message_id, mut count) = (String::new(), 0);
        loop {
            let mut line = Vec::new();
            if lines.read_until(b'\n', &mut line)? == 0 {
                return Ok(());
            }
            count += 1;
            if count == 5 {
                if mood == Mood::Half {
                    return Ok(());
                }
                if self.passes(Point::Half) {
                    return Ok(());
                }
            }
            if line == b".\r\n" {
                break;
            }
            let text = String::from_utf8_lossy(&line);
            if message_id.is_empty()
                && let Some(id) = text.strip_prefix("Message-ID:")
            {
                message_id = id.trim().trim_matches(['<', '>']).to_owned();
            }
        }
        let answer: Option<(u16, &[u8])> = match mood {
            Mood::NotNow => Some((451, b"451 4.3.0 not now\r\n")),
            Mood::Never => Some((554, b"554 5.7.1 never\r\n")),
            Mood::Mute => None,
            _ => Some((250, b"250 2.0.0 taken\r\n")),
        };
        let mut came = Came {
            message_id,
            to,
            is_automatic,
            said: answer.map(|(code, _)| code),
            in_doubt: matches!(mood, Mood::Mute | Mood::Reset),
            at: Instant::now(),
        };
        // The window that matters is a reply's that was taken: no other mail uses these points up.
        let counts = came.said == Some(250) && !came.is_automatic;
        came.in_doubt |= counts && self.passes(Point::Dot);
        let written = match answer {
            Some((_, words)) => stream.write_all(words),
            None => Ok(()),
        };
        came.in_doubt |= written.is_err() || (counts && self.passes(Point::Answered));
        lock(&self.seen).came.push(came);
        if mood == Mood::Reset {
            // Unread bytes in the buffer make the system say RST instead of FIN.
            socket2::SockRef::from(&stream).set_linger(Some(Duration::ZERO))?;
            return Ok(());
        }
        if mood == Mood::Mute {
            return Ok(());
        }
        let mut rest = String::new();
        let _ = lines.read_line(&mut rest);
        stream.write_all(b"221 2.0.0 bye\r\n")
    }
}
