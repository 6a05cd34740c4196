//! A customer's mail server: sessions from a loopback address of its own, several mails each.
//!
//! Blocking and pipelined as RFC 2920 allows: the commands of the next mail ride behind the text of this one, so that a
//! mail costs one write and the load generator little of the machine that is measured.

use crate::mail::Mail;
use socket2::{Domain, Socket, Type};
use std::io::{self, BufRead, BufReader, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::time::Duration;

/// Wait for one answer.
const ANSWER: Duration = Duration::from_secs(60);

/// What the desk said to a mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Said {
    /// 250: it is the desk's now.
    Taken,
    /// Something else.
    Refused(String),
}

/// One session; ended by dropping it, politely by [`Session::quit`].
pub struct Session {
    answers: BufReader<TcpStream>,
    out: Vec<u8>,
}

/// The loopback address of the customer with this number: 127.0.0.2 and on.
pub fn source(number: usize) -> Ipv4Addr {
    Ipv4Addr::new(127, 0, (number / 200) as u8, (2 + number % 200) as u8)
}

/// Connects from `source`. Never from the address that is called: a port that nobody listens on could answer itself.
///
/// # Errors
/// As the system says.
pub fn connect(to: SocketAddr, source: Ipv4Addr) -> io::Result<TcpStream> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    socket.bind(&SocketAddr::from((source, 0)).into())?;
    socket.connect_timeout(&to.into(), Duration::from_secs(10))?;
    let stream = TcpStream::from(socket);
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(ANSWER))?;
    stream.set_write_timeout(Some(ANSWER))?;
    Ok(stream)
}

impl Session {
    /// Connects and says EHLO.
    ///
    /// # Errors
    /// The network's, or an answer that is no welcome.
    pub fn open(desk: SocketAddr, source: Ipv4Addr) -> io::Result<Session> {
        let mut session = Session {
            answers: BufReader::with_capacity(4096, connect(desk, source)?),
            out: Vec::with_capacity(32 * 1024),
        };
        session.wanted("220")?;
        session.say(b"EHLO mail.customer.example\r\n")?;
        session.wanted("250")?;
        Ok(session)
    }

    /// Sends one mail and hears what is said to it.
    ///
    /// # Errors
    /// The network's: nobody knows then whether the mail was taken.
    pub fn send(&mut self, mail: &Mail) -> io::Result<Said> {
        Ok(self.send_all(std::slice::from_ref(mail))?.remove(0))
    }

    /// Sends mails behind one another, the next one's commands in one write with this one's text.
    ///
    /// # Errors
    /// The network's.
    pub fn send_all(&mut self, mails: &[Mail]) -> io::Result<Vec<Said>> {
        let mut said = Vec::with_capacity(mails.len());
        let Some(first) = mails.first() else { return Ok(said) };
        self.out.clear();
        commands(&mut self.out, first);
        let mut open = self.flushed(first)?;
        for (place, mail) in mails.iter().enumerate() {
            self.out.clear();
            let next = mails.get(place + 1);
            if open.is_none() {
                text(&mut self.out, mail);
            }
            if let Some(next) = next {
                commands(&mut self.out, next);
            }
            let out = std::mem::take(&mut self.out);
            self.say(&out)?;
            self.out = out;
            said.push(match open.take() {
                Some(refused) => Said::Refused(refused),
                None => verdict(self.answer()?),
            });
            if let Some(next) = next {
                open = self.opened(next)?;
            }
        }
        Ok(said)
    }

    /// Sends a mail to its last dot and hangs up without waiting for the answer: its 250 is lost.
    ///
    /// # Errors
    /// The network's.
    pub fn send_deaf(mut self, mail: &Mail) -> io::Result<()> {
        self.out.clear();
        commands(&mut self.out, mail);
        if self.flushed(mail)?.is_none() {
            self.out.clear();
            text(&mut self.out, mail);
            let out = std::mem::take(&mut self.out);
            self.say(&out)?;
        }
        Ok(())
    }

    /// Says good-bye.
    ///
    /// # Errors
    /// The network's.
    pub fn quit(mut self) -> io::Result<()> {
        self.say(b"QUIT\r\n")?;
        self.wanted("221")
    }

    fn flushed(&mut self, mail: &Mail) -> io::Result<Option<String>> {
        let out = std::mem::take(&mut self.out);
        self.say(&out)?;
        self.out = out;
        self.opened(mail)
    }

    /// Hears the answers to MAIL, RCPT and DATA; what was refused, if anything was.
    fn opened(&mut self, mail: &Mail) -> io::Result<Option<String>> {
        let mut refused = None;
        for _ in 0..=mail.to.len() {
            let answer = self.answer()?;
            if !answer.starts_with('2') {
                refused = refused.or(Some(answer));
            }
        }
        let answer = self.answer()?;
        Ok(match answer.starts_with("354") {
            true => None,
            false => refused.or(Some(answer)),
        })
    }

    fn say(&mut self, words: &[u8]) -> io::Result<()> {
        self.answers.get_mut().write_all(words)
    }

    fn wanted(&mut self, code: &str) -> io::Result<()> {
        let answer = self.answer()?;
        match answer.starts_with(code) {
            true => Ok(()),
            false => Err(io::Error::other(format!("the desk says {answer:?}, not {code}"))),
        }
    }

    /// The last line of the next answer.
    fn answer(&mut self) -> io::Result<String> {
        loop {
            let mut line = String::new();
            if self.answers.read_line(&mut line)? == 0 || !line.ends_with('\n') {
                return Err(io::Error::from(io::ErrorKind::UnexpectedEof));
            }
            if line.as_bytes().get(3) != Some(&b'-') {
                line.truncate(line.trim_end().len());
                return Ok(line);
            }
        }
    }
}

fn verdict(answer: String) -> Said {
    match answer.starts_with("250") {
        true => Said::Taken,
        false => Said::Refused(answer),
    }
}

fn commands(out: &mut Vec<u8>, mail: &Mail) {
    out.extend_from_slice(format!("MAIL FROM:<{}>\r\n", mail.from).as_bytes());
    for to in &mail.to {
        out.extend_from_slice(format!("RCPT TO:<{to}>\r\n").as_bytes());
    }
    out.extend_from_slice(b"DATA\r\n");
}

/// The text with its dots doubled (RFC 5321 §4.5.2), and the dot that ends it.
fn text(out: &mut Vec<u8>, mail: &Mail) {
    for line in mail.raw.split_inclusive(|&byte| byte == b'\n') {
        if line.starts_with(b".") {
            out.push(b'.');
        }
        out.extend_from_slice(line);
    }
    out.extend_from_slice(b".\r\n");
}
