//! Letters as a test writes them, and a blocking SMTP client that shares no code with the desk.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

/// A letter: plain text, the headers that matter here, each set by name.
#[derive(Debug, Clone)]
pub struct Mail {
    from: String,
    to: Vec<String>,
    subject: String,
    body: String,
    headers: Vec<(String, String)>,
    /// Return path, if it is not the author.
    envelope: Option<String>,
}

/// A letter to the desk, with a Message-ID that no other has.
pub fn mail(from: &str, subject: &str) -> Mail {
    static COUNTER: AtomicU32 = AtomicU32::new(1);
    let id = format!("letter-{}@client.example", COUNTER.fetch_add(1, Ordering::SeqCst));
    Mail {
        from: from.to_owned(),
        to: vec![super::desk::DESK.to_owned()],
        subject: subject.to_owned(),
        body: "The daemon stops at start and writes nothing into its log.".to_owned(),
        headers: Vec::new(),
        envelope: None,
    }
    .header("Message-ID", &format!("<{id}>"))
    .header("Date", "Mon, 2 Mar 2026 03:00:00 -0500")
}

impl Mail {
    /// Sets a header; what it was before is gone.
    pub fn header(mut self, name: &str, value: &str) -> Mail {
        self.headers.retain(|(one, _)| !one.eq_ignore_ascii_case(name));
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    pub fn without(mut self, name: &str) -> Mail {
        self.headers.retain(|(one, _)| !one.eq_ignore_ascii_case(name));
        self
    }

    /// Its Message-ID, without brackets.
    pub fn id(self, id: &str) -> Mail {
        self.header("Message-ID", &format!("<{id}>"))
    }

    /// Answers a mail with this Message-ID.
    pub fn re(self, id: &str) -> Mail {
        self.header("In-Reply-To", &format!("<{id}>"))
            .header("References", &format!("<{id}>"))
    }

    pub fn to(mut self, address: &str) -> Mail {
        self.to = vec![address.to_owned()];
        self
    }

    pub fn body(mut self, text: &str) -> Mail {
        self.body = text.to_owned();
        self
    }

    /// Another return path; empty is the null sender.
    pub fn envelope(mut self, from: &str) -> Mail {
        self.envelope = Some(from.to_owned());
        self
    }

    pub fn message_id(&self) -> String {
        let found = self.headers.iter().find(|(name, _)| name == "Message-ID");
        found.map_or_else(String::new, |(_, value)| value.trim_matches(['<', '>']).to_owned())
    }

    pub fn envelope_from(&self) -> String {
        let author = || {
            let inner = self.from.rsplit('<').next().unwrap_or(&self.from);
            inner.trim_end_matches('>').to_owned()
        };
        self.envelope.clone().unwrap_or_else(author)
    }

    pub fn recipients(&self) -> Vec<String> {
        self.to.clone()
    }

    pub fn bytes(&self) -> Vec<u8> {
        let mut text = format!(
            "From: {}\r\nTo: {}\r\nSubject: {}\r\n",
            self.from,
            self.to.join(", "),
            self.subject
        );
        for (name, value) in &self.headers {
            text.push_str(&format!("{name}: {value}\r\n"));
        }
        let multi = self
            .headers
            .iter()
            .any(|(name, _)| name.eq_ignore_ascii_case("content-type"));
        if !multi {
            text.push_str("MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n");
        }
        text.push_str("\r\n");
        text.push_str(&self.body.replace("\r\n", "\n").replace('\n', "\r\n"));
        text.push_str("\r\n");
        text.into_bytes()
    }
}

/// A permanent failure as a mail server reports it (RFC 3464) about one of the desk's mails, to the return path of that mail.
pub fn bounce_of(about: &str, recipient: &str, return_path: &str) -> Mail {
    status_of(
        about,
        recipient,
        return_path,
        "failed",
        "5.1.1",
        "550 5.1.1 no such user",
    )
}

/// What a mail server reports (RFC 3464) about one of the desk's mails.
pub fn status_of(about: &str, recipient: &str, return_path: &str, action: &str, status: &str, said: &str) -> Mail {
    let body = format!(
        "--cut\r\nContent-Type: text/plain\r\n\r\nYour mail could not be delivered.\r\n\
         --cut\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.customer.example\r\n\r\n\
         Final-Recipient: rfc822; {recipient}\r\nAction: {action}\r\nStatus: {status}\r\n\
         Diagnostic-Code: smtp; {said}\r\n\r\n\
         --cut\r\nContent-Type: text/rfc822-headers\r\n\r\nFrom: {}\r\nTo: {recipient}\r\nMessage-ID: <{about}>\r\n\r\n--cut--",
        super::desk::DESK
    );
    mail(
        "Mail Delivery Subsystem <mailer-daemon@mx.customer.example>",
        "Undelivered Mail Returned to Sender",
    )
    .header(
        "Content-Type",
        "multipart/report; report-type=delivery-status; boundary=cut",
    )
    .header("MIME-Version", "1.0")
    .header("Auto-Submitted", "auto-replied")
    .envelope("")
    .to(return_path)
    .body(&body)
}

/// A mail server that hands mail to the desk, one command after the other.
pub struct Client {
    answers: BufReader<TcpStream>,
    stream: TcpStream,
}

impl Client {
    pub fn connect(address: SocketAddr) -> Client {
        let stream = TcpStream::connect(address).expect("the desk listens");
        Client::greeted(stream, "mx.customer.example")
    }

    /// A mail server at another address of loopback, which calls itself `helo`.
    pub fn connect_from(address: SocketAddr, source: &str, helo: &str) -> Client {
        let source: std::net::IpAddr = source.parse().expect("an address");
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime");
        let stream = runtime.block_on(async {
            let socket = tokio::net::TcpSocket::new_v4().expect("a socket");
            socket.bind(SocketAddr::new(source, 0)).expect("a loopback address");
            let stream = socket.connect(address).await.expect("the desk listens");
            stream.into_std().expect("a socket")
        });
        stream.set_nonblocking(false).expect("a socket option");
        Client::greeted(stream, helo)
    }

    fn greeted(stream: TcpStream, helo: &str) -> Client {
        stream.set_nodelay(true).expect("a socket option");
        stream
            .set_read_timeout(Some(Duration::from_secs(60)))
            .expect("a socket option");
        let mut client = Client {
            answers: BufReader::new(stream.try_clone().expect("a second handle")),
            stream,
        };
        assert_eq!(client.hear().0, 220);
        assert_eq!(client.ask(&format!("EHLO {helo}")).0, 250);
        client
    }

    /// Hands over one mail; the reply to the last command that was said.
    pub fn send(&mut self, raw: &[u8], from: &str, to: &[&str]) -> (u16, String) {
        let mut begin = vec![format!("MAIL FROM:<{from}>")];
        begin.extend(to.iter().map(|one| format!("RCPT TO:<{one}>")));
        for line in begin {
            let said = self.ask(&line);
            if said.0 >= 400 {
                let _ = self.ask("RSET");
                return said;
            }
        }
        let said = self.ask("DATA");
        if said.0 != 354 {
            return said;
        }
        self.stream.write_all(&stuffed(raw)).expect("the desk reads");
        self.hear()
    }

    fn ask(&mut self, line: &str) -> (u16, String) {
        self.stream
            .write_all(format!("{line}\r\n").as_bytes())
            .expect("the desk reads");
        self.hear()
    }

    fn hear(&mut self) -> (u16, String) {
        loop {
            let mut line = String::new();
            self.answers.read_line(&mut line).expect("the desk answers");
            if line.is_empty() {
                return (421, "the desk hung up".into());
            }
            if line.as_bytes().get(3) != Some(&b'-') {
                let code = line.get(..3).and_then(|code| code.parse().ok()).expect("a code");
                return (code, line.trim_end().to_owned());
            }
        }
    }
}

/// A dot before each dot that begins a line, and the dot that ends it.
fn stuffed(raw: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(raw.len() + 16);
    for (at, &byte) in raw.iter().enumerate() {
        if byte == b'.' && (at == 0 || raw[..at].ends_with(b"\r\n")) {
            out.push(b'.');
        }
        out.push(byte);
    }
    out.extend_from_slice(b".\r\n");
    out
}
