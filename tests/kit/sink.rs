//! A scripted SMTP server: takes mail, or misbehaves at a chosen verb, and remembers what it was given.
//!
//! It shares no code with the desk's own receiver, so that the two can be held against each other. One line of script
//! is used up each time its verb comes; without a line the sink says yes.
#![allow(dead_code, reason = "every test binary uses its own part of the kit")]

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// Where in a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verb {
    Greeting,
    Ehlo,
    Helo,
    StartTls,
    Auth,
    Mail,
    Rcpt,
    Data,
    /// The whole mail has come, its dot too.
    Dot,
    /// Half of the mail has come.
    Body,
}

/// What to do there.
#[derive(Debug, Clone)]
pub enum Act {
    /// Say this, line ends added, and go on.
    Say(&'static [u8]),
    /// Say this and hang up.
    SayAndVanish(&'static [u8]),
    /// Hang up without a word.
    Vanish,
    /// Say nothing for so long, then yes.
    Wait(Duration),
}

/// A mail that came whole, whatever was said to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Taken {
    /// The MAIL line.
    pub mail: String,
    /// The RCPT lines.
    pub rcpt: Vec<String>,
    /// The mail, dots unstuffed.
    pub raw: Vec<u8>,
    pub tls: bool,
    /// Whether yes was said.
    pub accepted: bool,
}

impl Taken {
    /// Whether it was handed over for this address.
    pub fn is_to(&self, address: &str) -> bool {
        let wanted = format!("<{}>", address.to_lowercase());
        self.rcpt.iter().any(|line| line.to_lowercase().contains(&wanted))
    }

    /// Whether it has the null return path of automatic mail.
    pub fn is_automatic(&self) -> bool {
        self.mail.contains("<>")
    }

    /// Its text with encoded line ends undone, for looking words up.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.raw)
            .replace("=\r\n", "")
            .replace("\r\n", "\n")
    }
}

#[derive(Default)]
struct Seen {
    taken: Vec<Taken>,
    connections: usize,
}

struct Script {
    acts: Mutex<Vec<(Verb, Act)>>,
    always: Mutex<Vec<(Verb, &'static [u8])>>,
    offers: Vec<&'static str>,
    tls: Option<Arc<rustls::ServerConfig>>,
    seen: Mutex<Seen>,
}

/// The running server; gone when dropped.
pub struct Sink {
    pub address: SocketAddr,
    script: Arc<Script>,
    server: JoinHandle<()>,
}

impl Drop for Sink {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl Sink {
    /// A sink that offers everything but encryption.
    pub async fn start(acts: Vec<(Verb, Act)>) -> Sink {
        Sink::offering(vec!["PIPELINING", "8BITMIME", "SMTPUTF8", "SIZE 50000000"], None, acts).await
    }

    /// A sink with its own list of extensions; with `tls` STARTTLS is among them.
    pub async fn offering(
        offers: Vec<&'static str>,
        tls: Option<Arc<rustls::ServerConfig>>,
        acts: Vec<(Verb, Act)>,
    ) -> Sink {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("its address");
        let script = Arc::new(Script {
            acts: Mutex::new(acts),
            always: Mutex::default(),
            offers,
            tls,
            seen: Mutex::default(),
        });
        let shared = script.clone();
        let server = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                shared.seen.lock().expect("no panic inside").connections += 1;
                let script = shared.clone();
                tokio::spawn(async move {
                    let _ = Box::pin(serve(&script, stream)).await;
                });
            }
        });
        Sink {
            address,
            script,
            server,
        }
    }

    /// Every mail that came whole.
    pub fn taken(&self) -> Vec<Taken> {
        self.script.seen.lock().expect("no panic inside").taken.clone()
    }

    /// Adds a line to the script.
    pub fn next(&self, at: Verb, act: Act) {
        self.script.acts.lock().expect("no panic inside").push((at, act));
    }

    /// Says this at a verb from now on, every time that no line of the script is for it.
    pub fn always(&self, at: Verb, words: &'static [u8]) {
        self.script.always.lock().expect("no panic inside").push((at, words));
    }

    /// Connections so far.
    pub fn connections(&self) -> usize {
        self.script.seen.lock().expect("no panic inside").connections
    }
}

/// `None` ends the session.
type Going<T> = Option<T>;

async fn serve(script: &Script, stream: tokio::net::TcpStream) -> Going<()> {
    let mut talk = Talk {
        stream,
        heard: Vec::new(),
        tls: false,
    };
    script.act(&mut talk, Verb::Greeting, "220 sink.example ESMTP").await?;
    if talk.session(script).await? {
        let tls = tokio_rustls::TlsAcceptor::from(script.tls.clone()?);
        let stream = tls.accept(talk.stream).await.ok()?;
        let mut talk = Talk {
            stream,
            heard: Vec::new(),
            tls: true,
        };
        talk.session(script).await?;
    }
    Some(())
}

impl Script {
    /// Plays the next line for `verb`; whether the answer was `yes`.
    async fn act<S: AsyncWrite + Unpin>(&self, talk: &mut Talk<S>, verb: Verb, yes: &str) -> Going<bool> {
        let act = {
            let mut acts = self.acts.lock().expect("no panic inside");
            acts.iter().position(|(at, _)| *at == verb).map(|at| acts.remove(at).1)
        };
        let always = self
            .always
            .lock()
            .expect("no panic inside")
            .iter()
            .find(|(at, _)| *at == verb)
            .map(|(_, words)| Act::Say(words));
        let act = act.or(always);
        match act {
            None => talk.say(yes.as_bytes()).await.map(|()| true),
            Some(Act::Wait(wait)) => {
                tokio::time::sleep(wait).await;
                talk.say(yes.as_bytes()).await.map(|()| true)
            }
            Some(Act::Say(words)) => talk
                .say(words)
                .await
                .map(|()| words.starts_with(b"2") || words.starts_with(b"3")),
            Some(Act::SayAndVanish(words)) => {
                talk.say(words).await?;
                None
            }
            Some(Act::Vanish) => None,
        }
    }

    fn has(&self, verb: Verb) -> bool {
        self.acts
            .lock()
            .expect("no panic inside")
            .iter()
            .any(|(at, _)| *at == verb)
    }
}

struct Talk<S> {
    stream: S,
    heard: Vec<u8>,
    tls: bool,
}

impl<S: AsyncWrite + Unpin> Talk<S> {
    async fn say(&mut self, words: &[u8]) -> Going<()> {
        self.stream.write_all(&[words, b"\r\n"].concat()).await.ok()?;
        self.stream.flush().await.ok()
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Talk<S> {
    /// Until the end of the session, or until it wants to shake hands: then `true`.
    async fn session(&mut self, script: &Script) -> Going<bool> {
        let (mut mail, mut rcpt) = (String::new(), Vec::new());
        loop {
            let line = self.until(b"\r\n").await?;
            let line = String::from_utf8_lossy(&line).trim_end().to_owned();
            let verb = line.split(' ').next().unwrap_or_default().to_ascii_uppercase();
            match verb.as_str() {
                "EHLO" => {
                    let mut lines = vec!["sink.example"];
                    lines.extend(&script.offers);
                    if script.tls.is_some() && !self.tls {
                        lines.push("STARTTLS");
                    }
                    let last = lines.pop().unwrap_or_default();
                    let more: String = lines.iter().map(|line| format!("250-{line}\r\n")).collect();
                    script.act(self, Verb::Ehlo, &format!("{more}250 {last}")).await?;
                }
                "HELO" => drop(script.act(self, Verb::Helo, "250 sink.example").await?),
                "AUTH" => drop(script.act(self, Verb::Auth, "235 welcome").await?),
                "STARTTLS" => {
                    if script.act(self, Verb::StartTls, "220 go ahead").await? {
                        return Some(true);
                    }
                }
                "MAIL" => {
                    if script.act(self, Verb::Mail, "250 go on").await? {
                        (mail, rcpt) = (line, Vec::new());
                    }
                }
                "RCPT" => {
                    if script.act(self, Verb::Rcpt, "250 go on").await? {
                        rcpt.push(line);
                    }
                }
                "DATA" => {
                    if script.act(self, Verb::Data, "354 go on").await? {
                        self.mail(script, &mail, &rcpt).await?;
                    }
                }
                "QUIT" => {
                    self.say(b"221 bye").await?;
                    return None;
                }
                _ => self.say(b"500 what?").await?,
            }
        }
    }

    async fn mail(&mut self, script: &Script, mail: &str, rcpt: &[String]) -> Going<()> {
        if script.has(Verb::Body) {
            while self.heard.len() < 1_000 {
                self.more().await?;
            }
            script.act(self, Verb::Body, "250 never said").await?;
        }
        // The first line may be the dot.
        self.heard.splice(..0, *b"\r\n");
        let stuffed = self.until(b"\r\n.\r\n").await?;
        let text = &stuffed[2..stuffed.len() - 3];
        let raw = unstuffed(text);
        let at = {
            let mut seen = script.seen.lock().expect("no panic inside");
            seen.taken.push(Taken {
                mail: mail.to_owned(),
                rcpt: rcpt.to_vec(),
                raw,
                tls: self.tls,
                accepted: false,
            });
            seen.taken.len() - 1
        };
        let accepted = script.act(self, Verb::Dot, "250 2.0.0 queued as 42").await?;
        script.seen.lock().expect("no panic inside").taken[at].accepted = accepted;
        Some(())
    }

    /// Bytes up to and including `end`.
    async fn until(&mut self, end: &[u8]) -> Going<Vec<u8>> {
        let mut from = 0;
        loop {
            if let Some(at) = self.heard[from..].windows(end.len()).position(|window| window == end) {
                return Some(self.heard.drain(..from + at + end.len()).collect());
            }
            from = self.heard.len().saturating_sub(end.len());
            self.more().await?;
        }
    }

    async fn more(&mut self) -> Going<()> {
        let read = self.stream.read_buf(&mut self.heard).await.ok()?;
        (read > 0).then_some(())
    }
}

/// Takes one dot from each line that begins with one.
pub fn unstuffed(text: &[u8]) -> Vec<u8> {
    let mut raw = Vec::with_capacity(text.len());
    for (at, &byte) in text.iter().enumerate() {
        let begins = at == 0 || text[..at].ends_with(b"\r\n");
        if !(begins && byte == b'.') {
            raw.push(byte);
        }
    }
    raw
}
