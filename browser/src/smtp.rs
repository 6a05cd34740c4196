//! The least of SMTP that a journey needs: a customer who writes, and a relay that takes everything and keeps it.
//!
//! Both are blocking and know one dialogue each; the desk's own SMTP is tested in `mail`, not here.

use anyhow::{Context, Result, ensure};
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Wait for one answer.
const ANSWER: Duration = Duration::from_secs(20);

/// A customer's mail: plain text in UTF-8.
#[derive(Debug, Clone, Copy)]
pub struct Mail<'a> {
    /// Address the mail comes from.
    pub from: &'a str,
    /// Name of whoever writes.
    pub name: &'a str,
    /// Subject as written.
    pub subject: &'a str,
    /// What is said; lines end with `\n`.
    pub text: &'a str,
}

impl Mail<'_> {
    /// Hands the mail to the desk and waits for its `250`: then the mail is on disk.
    pub fn send(&self, desk: SocketAddr, to: &str) -> Result<()> {
        let stream = TcpStream::connect_timeout(&desk, ANSWER).with_context(|| format!("SMTP at {desk}"))?;
        stream.set_read_timeout(Some(ANSWER))?;
        let mut talk = Talk {
            answers: BufReader::new(stream.try_clone()?),
            stream,
        };
        talk.hear("220")?;
        talk.say("EHLO customer.example", "250")?;
        talk.say(&format!("MAIL FROM:<{}>", self.from), "250")?;
        talk.say(&format!("RCPT TO:<{to}>"), "250")?;
        talk.say("DATA", "354")?;
        talk.say(&format!("{}\r\n.", self.lines(to).join("\r\n")), "250")?;
        talk.say("QUIT", "221")
    }

    /// The message in lines, a leading dot doubled as RFC 5321 §4.5.2 asks.
    fn lines(&self, to: &str) -> Vec<String> {
        let now = jiff::Timestamp::now();
        let date = now.strftime("%a, %d %b %Y %H:%M:%S +0000");
        let id = format!("{}.{}@customer.example", now.as_nanosecond(), std::process::id());
        let head = [
            format!("From: {} <{}>", self.name, self.from),
            format!("To: <{to}>"),
            format!("Subject: {}", self.subject),
            format!("Date: {date}"),
            format!("Message-ID: <{id}>"),
            "MIME-Version: 1.0".into(),
            "Content-Type: text/plain; charset=utf-8".into(),
            "Content-Transfer-Encoding: 8bit".into(),
            String::new(),
        ];
        let body = self.text.lines().map(|line| {
            if line.starts_with('.') {
                format!(".{line}")
            } else {
                line.to_owned()
            }
        });
        head.into_iter().chain(body).collect()
    }
}

struct Talk {
    answers: BufReader<TcpStream>,
    stream: TcpStream,
}

impl Talk {
    fn say(&mut self, words: &str, wanted: &str) -> Result<()> {
        self.stream.write_all(format!("{words}\r\n").as_bytes())?;
        self.hear(wanted)
            .with_context(|| format!("after {}", words.lines().next().unwrap_or_default()))
    }

    fn hear(&mut self, wanted: &str) -> Result<()> {
        loop {
            let mut line = String::new();
            ensure!(
                self.answers.read_line(&mut line)? > 0,
                "the desk hung up; {wanted} was wanted"
            );
            if line.as_bytes().get(3) == Some(&b'-') {
                continue; // more lines follow
            }
            ensure!(
                line.starts_with(wanted),
                "the desk says {:?}; {wanted} was wanted",
                line.trim_end()
            );
            return Ok(());
        }
    }
}

/// What a relay was given, mail by mail, as it came.
pub(crate) type Taken = Arc<Mutex<Vec<String>>>;

/// A relay that accepts every mail; it ends with the test's process.
pub(crate) fn relay() -> Result<(SocketAddr, Taken)> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    let taken = Taken::default();
    let keep = Arc::clone(&taken);
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let keep = Arc::clone(&keep);
            std::thread::spawn(move || take(stream, &keep));
        }
    });
    Ok((address, taken))
}

/// One session of the relay, to its end or its first error.
fn take(mut stream: TcpStream, keep: &Mutex<Vec<String>>) -> Result<()> {
    let mut lines = BufReader::new(stream.try_clone()?).lines();
    stream.write_all(b"220 relay.example ESMTP\r\n")?;
    let (mut in_data, mut mail) = (false, String::new());
    while let Some(line) = lines.next().transpose()? {
        let answer = match (in_data, line.to_ascii_uppercase().as_str()) {
            (true, ".") => {
                let mail = std::mem::take(&mut mail);
                keep.lock().unwrap_or_else(|broken| broken.into_inner()).push(mail);
                "250 2.0.0 taken"
            }
            (true, _) => {
                mail.push_str(line.strip_prefix('.').unwrap_or(&line));
                mail.push('\n');
                continue;
            }
            (false, "DATA") => "354 go on",
            (false, "QUIT") => "221 2.0.0 bye",
            (false, _) => "250 2.0.0 fine",
        };
        in_data = answer.starts_with("354");
        stream.write_all(format!("{answer}\r\n").as_bytes())?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAIL: Mail<'_> = Mail {
        from: "a@b.example",
        name: "A",
        subject: "S",
        text: "one\n.\n..three\n",
    };

    #[test]
    fn a_mail_is_taken_whole_by_the_relay() -> Result<()> {
        let (address, taken) = relay()?;
        MAIL.send(address, "support@acme.example")?;
        let mails = taken.lock().unwrap_or_else(|broken| broken.into_inner());
        assert!(mails[0].ends_with("\n\none\n.\n..three\n"), "{mails:?}");
        Ok(())
    }

    #[test]
    fn a_leading_dot_is_doubled() {
        let lines = MAIL.lines("support@acme.example");
        assert_eq!(lines[lines.len() - 3..], ["one", "..", "...three"]);
    }
}
