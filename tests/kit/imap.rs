//! An IMAP server for tests: one folder in memory, and misbehaviour on demand. It shares no code with the desk.

use data_encoding::BASE64;
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

/// One mail of the folder.
#[derive(Debug, Clone)]
pub struct Stored {
    pub uid: u64,
    pub bytes: Vec<u8>,
    /// `17-Jul-1996 02:44:25 -0700`.
    pub date: String,
    pub flags: Vec<String>,
}

/// The folder and how the server behaves.
#[derive(Debug, Default)]
pub struct Folder {
    pub validity: u64,
    pub next: u64,
    pub mails: Vec<Stored>,
    /// Mails whose bytes are refused.
    pub refuse: Vec<u64>,
    /// Mails at whose bytes the server hangs up.
    pub hang_up: Vec<u64>,
    /// Connections that are begun, by how they signed in.
    pub signed_in: Vec<String>,
    /// Every command, without its tag; secrets stand in continuations and are not here.
    pub said: Vec<String>,
    /// Where mails were moved.
    pub moved: Vec<(u64, String)>,
    /// Size that is told of a mail instead of its own.
    pub pretend: Option<(u64, u64)>,
}

/// A running server; it ends with the process.
#[derive(Clone)]
pub struct Imap {
    pub address: SocketAddr,
    folder: Arc<Mutex<Folder>>,
}

/// The only name and password, and the only token.
pub const USER: &str = "desk";
pub const PASSWORD: &str = "pass word \"7\"";
pub const TOKEN: &str = "token-42";

impl Imap {
    pub fn start() -> Imap {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let imap = Imap {
            address: listener.local_addr().expect("its address"),
            folder: Arc::new(Mutex::new(Folder {
                validity: 1000,
                next: 1,
                ..Folder::default()
            })),
        };
        let server = imap.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let server = server.clone();
                std::thread::spawn(move || server.attend(stream));
            }
        });
        imap
    }

    pub fn folder(&self) -> MutexGuard<'_, Folder> {
        self.folder.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// A mail comes in.
    pub fn put(&self, bytes: &[u8]) -> u64 {
        let mut folder = self.folder();
        let uid = folder.next;
        folder.next += 1;
        folder.mails.push(Stored {
            uid,
            bytes: bytes.to_vec(),
            date: "02-Mar-2026 09:00:00 +0100".into(),
            flags: Vec::new(),
        });
        uid
    }

    /// The server numbers its folder anew, and a mail of this date lies in it that did not before.
    pub fn renumber(&self, stray: &[u8], date: &str) {
        let mut folder = self.folder();
        folder.validity += 1;
        for mail in &mut folder.mails {
            mail.uid += 5000;
        }
        let uid = folder.next + 5000;
        folder.next = uid + 1;
        folder.mails.push(Stored {
            uid,
            bytes: stray.to_vec(),
            date: date.to_owned(),
            flags: Vec::new(),
        });
    }

    fn attend(&self, stream: TcpStream) {
        let mut lines = BufReader::new(stream.try_clone().expect("a second handle"));
        let mut out = stream;
        let mut known = 0;
        let _ = out.write_all(b"* OK [CAPABILITY IMAP4rev1] ready\r\n");
        while let Some(line) = next_line(&mut lines) {
            let (tag, rest) = line.split_once(' ').unwrap_or((&line, ""));
            let shown = if rest.starts_with("LOGIN") { "LOGIN" } else { rest };
            self.folder().said.push(shown.to_owned());
            if self.obey(tag, rest, &mut known, &mut lines, &mut out).is_none() {
                return;
            }
        }
    }

    /// Answers one command; none ends the connection.
    fn obey(
        &self,
        tag: &str,
        rest: &str,
        known: &mut u64,
        lines: &mut BufReader<TcpStream>,
        out: &mut TcpStream,
    ) -> Option<()> {
        let upper = rest.to_ascii_uppercase();
        let done = |out: &mut TcpStream, text: &str| out.write_all(format!("{tag} {text}\r\n").as_bytes()).ok();
        if upper == "CAPABILITY" {
            out.write_all(b"* CAPABILITY IMAP4rev1 IDLE MOVE UIDPLUS AUTH=PLAIN AUTH=XOAUTH2\r\n")
                .ok()?;
            return done(out, "OK done");
        }
        if upper.starts_with("AUTHENTICATE") {
            return self.authenticate(tag, &upper, lines, out);
        }
        if upper.starts_with("EXAMINE") || upper.starts_with("SELECT") {
            let folder = self.folder();
            *known = folder.next;
            let text = format!(
                "* {} EXISTS\r\n* OK [UIDVALIDITY {}] valid\r\n* OK [UIDNEXT {}] next\r\n",
                folder.mails.len(),
                folder.validity,
                folder.next
            );
            drop(folder);
            out.write_all(text.as_bytes()).ok()?;
            return done(out, "OK [READ-ONLY] open");
        }
        if let Some(condition) = upper.strip_prefix("UID SEARCH ") {
            return self.search(condition, out).and_then(|()| done(out, "OK done"));
        }
        if let Some(asked) = upper.strip_prefix("UID FETCH ") {
            return self.fetch(tag, asked, out);
        }
        if let Some(asked) = rest.strip_prefix("UID STORE ") {
            let (uid, flags) = asked.split_once(' ')?;
            let flag = flags.split_once('(')?.1.trim_end_matches(')').to_owned();
            let uid: u64 = uid.parse().ok()?;
            for mail in self.folder().mails.iter_mut().filter(|mail| mail.uid == uid) {
                mail.flags.push(flag.clone());
            }
            return done(out, "OK stored");
        }
        if let Some(asked) = rest.strip_prefix("UID MOVE ") {
            let (uid, to) = asked.split_once(' ')?;
            let uid: u64 = uid.parse().ok()?;
            let mut folder = self.folder();
            folder.mails.retain(|mail| mail.uid != uid);
            folder.moved.push((uid, to.trim_matches('"').to_owned()));
            drop(folder);
            return done(out, "OK moved");
        }
        if upper == "IDLE" {
            return self.idle(tag, known, lines, out);
        }
        done(out, "BAD what")
    }

    fn authenticate(
        &self,
        tag: &str,
        upper: &str,
        lines: &mut BufReader<TcpStream>,
        out: &mut TcpStream,
    ) -> Option<()> {
        out.write_all(b"+ \r\n").ok()?;
        let answer = BASE64.decode(next_line(lines)?.as_bytes()).ok()?;
        let expected = match upper.ends_with("PLAIN") {
            true => format!("\0{USER}\0{PASSWORD}"),
            false => format!("user={USER}\u{1}auth=Bearer {TOKEN}\u{1}\u{1}"),
        };
        if answer == expected.as_bytes() {
            self.folder().signed_in.push(upper.to_owned());
            return out.write_all(format!("{tag} OK in\r\n").as_bytes()).ok();
        }
        if !upper.ends_with("PLAIN") {
            out.write_all(b"+ eyJzdGF0dXMiOiI0MDEifQ==\r\n").ok()?;
            next_line(lines)?;
        }
        out.write_all(format!("{tag} NO no\r\n").as_bytes()).ok()
    }

    fn search(&self, condition: &str, out: &mut TcpStream) -> Option<()> {
        let folder = self.folder();
        let last = folder.mails.iter().map(|mail| mail.uid).max().unwrap_or(0);
        let from = condition
            .strip_prefix("UID ")
            .map(|range| range.trim_end_matches(":*").parse::<u64>());
        let found = folder.mails.iter().filter(|mail| match &from {
            // `9:*` names the last mail also where its number is smaller.
            Some(Ok(from)) => mail.uid >= *from || mail.uid == last,
            _ if condition == "UNSEEN" => !mail.flags.iter().any(|flag| flag == "\\Seen"),
            _ => true,
        });
        let uids: String = found.map(|mail| format!(" {}", mail.uid)).collect();
        out.write_all(format!("* SEARCH{uids}\r\n").as_bytes()).ok()
    }

    fn fetch(&self, tag: &str, asked: &str, out: &mut TcpStream) -> Option<()> {
        let (set, what) = asked.split_once(' ')?;
        let uids: Vec<u64> = set.split(',').filter_map(|uid| uid.parse().ok()).collect();
        let folder = self.folder();
        for mail in folder.mails.iter().filter(|mail| uids.contains(&mail.uid)) {
            let size = match folder.pretend {
                Some((uid, size)) if uid == mail.uid => size,
                _ => mail.bytes.len() as u64,
            };
            if what.contains("RFC822.SIZE") {
                let line = format!(
                    "* 1 FETCH (UID {} RFC822.SIZE {size} INTERNALDATE \"{}\")\r\n",
                    mail.uid, mail.date
                );
                out.write_all(line.as_bytes()).ok()?;
                continue;
            }
            if folder.refuse.contains(&mail.uid) {
                return out.write_all(format!("{tag} NO cannot read it\r\n").as_bytes()).ok();
            }
            assert!(what.contains("BODY.PEEK["), "looking must not mark a mail: {what}");
            let header = what.contains("HEADER");
            let bytes = match header {
                true => &mail.bytes[..mail.bytes.windows(4).position(|four| four == b"\r\n\r\n").unwrap_or(0) + 4],
                false => &mail.bytes[..],
            };
            let name = if header { "BODY[HEADER]<0>" } else { "BODY[]" };
            out.write_all(format!("* 1 FETCH (FLAGS () {name} {{{}}}\r\n", bytes.len()).as_bytes())
                .ok()?;
            if folder.hang_up.contains(&mail.uid) {
                out.write_all(&bytes[..bytes.len() / 2]).ok()?;
                return None;
            }
            out.write_all(bytes).ok()?;
            out.write_all(format!(" UID {})\r\n", mail.uid).as_bytes()).ok()?;
        }
        out.write_all(format!("{tag} OK done\r\n").as_bytes()).ok()
    }

    fn idle(&self, tag: &str, known: &mut u64, lines: &mut BufReader<TcpStream>, out: &mut TcpStream) -> Option<()> {
        out.write_all(b"+ idling\r\n").ok()?;
        let validity = self.folder().validity;
        lines.get_ref().set_read_timeout(Some(Duration::from_millis(10))).ok()?;
        let mut line = String::new();
        loop {
            match lines.read_line(&mut line) {
                Ok(0) => return None,
                Ok(_) => break,
                Err(cause)
                    if matches!(
                        cause.kind(),
                        std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut
                    ) => {}
                Err(_) => return None,
            }
            let (next, now, count) = {
                let folder = self.folder();
                (folder.next, folder.validity, folder.mails.len())
            };
            if now != validity {
                // As servers do: who numbers anew disconnects.
                let _ = out.write_all(b"* BYE numbered anew\r\n");
                return None;
            }
            if next > *known {
                *known = next;
                out.write_all(format!("* {count} EXISTS\r\n").as_bytes()).ok()?;
            }
        }
        lines.get_ref().set_read_timeout(None).ok()?;
        out.write_all(format!("{tag} OK idled\r\n").as_bytes()).ok()
    }
}

fn next_line(lines: &mut BufReader<TcpStream>) -> Option<String> {
    let mut line = String::new();
    match lines.read_line(&mut line) {
        Ok(read) if read > 0 => Some(line.trim_end().to_owned()),
        _ => None,
    }
}
