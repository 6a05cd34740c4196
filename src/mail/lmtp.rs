//! Handing a mail to a running desk: the client end of LMTP (RFC 2033) on the socket in its data directory.
//!
//! For `duly mail deliver`, which a mail server runs for each mail: blocking, one mail, one answer. LMTP and not the
//! socket of commands, because a mail of 50 MB must pass without anybody holding it in memory, and because the session
//! behind it is the one that takes mail from the internet: same bounds, same durability, same words.
//!
//! What a mail server gives to a pipe is in *local form*: lines end in LF. The desk keeps mail in network form, as every
//! other way brings it: [`Wire`] puts CR LF where a mail's first line ends in LF alone, and changes nothing in a mail that
//! came in network form.

use std::io::{self, BufRead, BufReader, Read, Write};

/// Name of the socket in the data directory.
pub const SOCKET: &str = "deliver.sock";

/// Why a mail was not taken.
#[derive(Debug)]
pub enum Untaken {
    /// The desk said no: code, and its words.
    Refused(u16, String),
    /// It could not be asked, or did not answer: the mail may have been taken. Coming again is safe.
    Broken(io::Error),
}

impl From<io::Error> for Untaken {
    fn from(cause: io::Error) -> Untaken {
        Untaken::Broken(cause)
    }
}

/// Hands over one mail; `Ok` means that the desk has it on disk.
///
/// # Errors
/// What the desk refused, or that it did not answer.
pub fn hand_over(stream: impl Read + Write, from: &str, to: &[String], mail: &mut impl Read) -> Result<(), Untaken> {
    let mut desk = Desk {
        stream: BufReader::new(stream),
    };
    desk.expect(220)?;
    desk.say("LHLO localhost")?;
    desk.expect(250)?;
    let beyond_ascii = std::iter::once(from)
        .chain(to.iter().map(String::as_str))
        .any(|one| !one.is_ascii());
    let utf8 = if beyond_ascii { " SMTPUTF8" } else { "" };
    desk.say(&format!("MAIL FROM:<{from}> BODY=8BITMIME{utf8}"))?;
    desk.expect(250)?;
    for one in to {
        desk.say(&format!("RCPT TO:<{one}>"))?;
        desk.expect(250)?;
    }
    desk.say("DATA")?;
    desk.expect(354)?;
    let mut wire = Wire::to(io::BufWriter::with_capacity(64 * 1024, desk.stream.get_mut()));
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let read = match mail.read(&mut buffer) {
            Err(cause) if cause.kind() == io::ErrorKind::Interrupted => continue,
            read => read?,
        };
        if read == 0 {
            break;
        }
        wire.push(&buffer[..read])?;
    }
    wire.end()?;
    // One answer a recipient; the desk takes a mail for all of them or for none.
    for _ in to {
        desk.expect(250)?;
    }
    // It is taken: what becomes of the connection is of no interest.
    let _ = desk.say("QUIT");
    Ok(())
}

struct Desk<S: Read> {
    stream: BufReader<S>,
}

impl<S: Read + Write> Desk<S> {
    fn say(&mut self, line: &str) -> io::Result<()> {
        if line.contains(['\r', '\n']) {
            return Err(io::Error::other("an address holds a line break"));
        }
        let stream = self.stream.get_mut();
        stream.write_all(line.as_bytes())?;
        stream.write_all(b"\r\n")?;
        stream.flush()
    }

    /// Reads one reply of at most a few lines.
    fn expect(&mut self, code: u16) -> Result<(), Untaken> {
        for _ in 0..50 {
            let mut line = Vec::new();
            (&mut self.stream).take(1024).read_until(b'\n', &mut line)?;
            let text = String::from_utf8_lossy(&line).trim_end().to_owned();
            let said = text.get(..3).and_then(|digits| digits.parse::<u16>().ok());
            match said {
                Some(said) if line.get(3) == Some(&b'-') && said == code => {}
                Some(said) if said == code => return Ok(()),
                Some(said) => return Err(Untaken::Refused(said, text)),
                None => return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into()),
            }
        }
        Err(io::Error::from(io::ErrorKind::InvalidData).into())
    }
}

/// A mail on its way to the wire: in network form, its dots stuffed (RFC 5321 §4.5.2).
pub struct Wire<W> {
    out: W,
    /// Whether the mail is in local form; not known before its first line has ended.
    local: Option<bool>,
    at_line_start: bool,
    after_cr: bool,
}

impl<W: Write> Wire<W> {
    /// A mail of which nothing was pushed yet.
    pub fn to(out: W) -> Self {
        Wire {
            out,
            local: None,
            at_line_start: true,
            after_cr: false,
        }
    }

    /// Writes the next bytes.
    ///
    /// # Errors
    /// As the writer.
    pub fn push(&mut self, bytes: &[u8]) -> io::Result<()> {
        for piece in bytes.split_inclusive(|&byte| byte == b'\n') {
            if self.at_line_start && piece.first() == Some(&b'.') {
                self.out.write_all(b".")?;
            }
            self.at_line_start = false;
            let before = if self.after_cr { b'\r' } else { 0 };
            let Some(line) = piece.strip_suffix(b"\n") else {
                self.after_cr = piece.last() == Some(&b'\r');
                self.out.write_all(piece)?;
                continue;
            };
            let crlf = line.last().copied().unwrap_or(before) == b'\r';
            if *self.local.get_or_insert(!crlf) && !crlf {
                self.out.write_all(line)?;
                self.out.write_all(b"\r\n")?;
                self.at_line_start = true;
            } else {
                self.out.write_all(piece)?;
                self.at_line_start = crlf;
            }
            self.after_cr = false;
        }
        Ok(())
    }

    /// Writes the end of the mail; a last line without an end gets one.
    ///
    /// # Errors
    /// As the writer.
    pub fn end(mut self) -> io::Result<()> {
        if !self.at_line_start {
            self.out.write_all(b"\r\n")?;
        }
        self.out.write_all(b".\r\n")?;
        self.out.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wired(mail: &[u8], step: usize) -> String {
        let mut out = Vec::new();
        let mut wire = Wire::to(&mut out);
        for piece in mail.chunks(step) {
            wire.push(piece).unwrap();
        }
        wire.end().unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_mail_in_local_form_is_put_into_network_form_whatever_the_pieces() {
        for step in [1, 2, 3, 100] {
            assert_eq!(
                wired(b"A: b\n\n.dot\n..\nend", step),
                "A: b\r\n\r\n..dot\r\n...\r\nend\r\n.\r\n"
            );
        }
    }

    #[test]
    fn a_mail_in_network_form_stays_as_it_is() {
        for step in [1, 2, 3, 100] {
            assert_eq!(wired(b"A: b\r\n\r\n.x\n.y\r\n", step), "A: b\r\n\r\n..x\n.y\r\n.\r\n");
        }
        assert_eq!(wired(b"", 1), ".\r\n");
    }

    /// Answers that were written down, and what was said.
    struct Recorded {
        answers: io::Cursor<Vec<u8>>,
        said: Vec<u8>,
    }

    impl Read for Recorded {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            self.answers.read(buffer)
        }
    }

    impl Write for Recorded {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.said.write(bytes)
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn told(answers: &str, to: &[&str]) -> Result<(), Untaken> {
        let stream = Recorded {
            answers: io::Cursor::new(answers.replace('\n', "\r\n").into_bytes()),
            said: Vec::new(),
        };
        let to: Vec<String> = to.iter().map(|one| (*one).to_owned()).collect();
        hand_over(stream, "a@b", &to, &mut &b"x\n"[..])
    }

    const BEGUN: &str = "220 desk LMTP\n250-desk\n250 8BITMIME\n250 ok\n";

    #[test]
    fn taken_is_said_after_the_last_recipients_answer_and_not_before() {
        assert!(
            told(
                &format!("{BEGUN}250 ok\n250 ok\n354 go\n250 a\n250 b\n"),
                &["c@d", "e@f"]
            )
            .is_ok()
        );
        let half = told(&format!("{BEGUN}250 ok\n250 ok\n354 go\n250 a\n"), &["c@d", "e@f"]);
        assert!(matches!(half, Err(Untaken::Broken(_))), "{half:?}");
        let later = told(&format!("{BEGUN}250 ok\n354 go\n451 later\n"), &["c@d"]);
        assert!(matches!(later, Err(Untaken::Refused(451, _))), "{later:?}");
        let nobody = told(&format!("{BEGUN}550 nobody\n"), &["c@d"]);
        assert!(matches!(nobody, Err(Untaken::Refused(550, _))), "{nobody:?}");
    }
}
