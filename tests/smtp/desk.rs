//! A desk that remembers what it took, and a client that says what it is told to.

use duly::mail::listen::{Bounds, serve_within};
use duly::mail::raw::Body;
use duly::mail::session::{Envelope, Gate, Reply};
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// What the gate took.
#[derive(Default)]
pub struct Book {
    pub taken: Mutex<Vec<(Envelope, Vec<u8>)>>,
    /// Time that storing takes.
    pub slow: Duration,
    /// What is answered instead of storing.
    pub refuse: Option<Reply>,
}

impl Gate for Book {
    fn sender(&self, _: IpAddr, from: &str, _: Option<usize>) -> Result<(), Reply> {
        if from.starts_with("flood") {
            Err(Reply::of(450, "4.7.1", "too many mails"))
        } else {
            Ok(())
        }
    }

    fn recipient(&self, _: &Envelope, to: &str) -> Result<(), Reply> {
        if to.ends_with("@desk.example") {
            Ok(())
        } else {
            Err(Reply::of(550, "5.1.1", "no such address here"))
        }
    }

    async fn take(&self, envelope: Envelope, mail: Body) -> Result<(), Reply> {
        if !self.slow.is_zero() {
            tokio::time::sleep(self.slow).await;
        }
        if let Some(reply) = &self.refuse {
            return Err(reply.clone());
        }
        let raw = mail.into_bytes().expect("its file can be read");
        self.taken.lock().expect("no panic inside").push((envelope, raw));
        Ok(())
    }
}

/// A desk on a free port.
pub struct Desk {
    pub address: SocketAddr,
    pub book: Arc<Book>,
    pub stop: watch::Sender<bool>,
    pub server: JoinHandle<()>,
}

impl Desk {
    pub async fn open() -> Desk {
        Desk::with(Book::default(), Bounds::default()).await
    }

    pub async fn with(book: Book, bounds: Bounds) -> Desk {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("its address");
        let book = Arc::new(book);
        let (stop, stopped) = watch::channel(false);
        let tls = duly::mail::listen::self_signed("desk.example").expect("a certificate");
        let server = tokio::spawn(serve_within(
            bounds,
            listener,
            book.clone(),
            "desk.example".to_owned(),
            Some(tls),
            stopped,
        ));
        Desk {
            address,
            book,
            stop,
            server,
        }
    }

    pub async fn client(&self) -> Client<TcpStream> {
        let stream = TcpStream::connect(self.address).await.expect("the desk listens");
        stream.set_nodelay(true).expect("a socket option");
        let mut client = Client { stream };
        assert_eq!(client.hear(1).await, [220]);
        client
    }

    pub fn taken(&self) -> Vec<(Envelope, Vec<u8>)> {
        self.book.taken.lock().expect("no panic inside").clone()
    }
}

pub struct Client<S> {
    pub stream: S,
}

/// The commands before a mail's own bytes.
pub const BEGIN: &str = "EHLO c.example\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<help@desk.example>\r\nDATA\r\n";

impl<S: AsyncRead + AsyncWrite + Unpin> Client<S> {
    pub async fn say(&mut self, bytes: impl AsRef<[u8]>) {
        self.stream.write_all(bytes.as_ref()).await.expect("the desk reads");
        self.stream.flush().await.expect("the desk reads");
    }

    /// The whole text of `replies` replies, or less if the desk hangs up.
    pub async fn words(&mut self, replies: usize) -> String {
        let mut heard = String::new();
        let mut byte = [0; 1];
        let is_whole = |heard: &str| {
            let last = heard.trim_end_matches("\r\n").rsplit("\r\n").next().unwrap_or_default();
            heard.ends_with("\r\n") && last.as_bytes().get(3) == Some(&b' ')
        };
        for _ in 0..replies {
            loop {
                match tokio::time::timeout(Duration::from_secs(20), self.stream.read(&mut byte)).await {
                    Ok(Ok(1)) => heard.push(byte[0] as char),
                    Ok(_) => return heard,
                    Err(_) => panic!("no reply; so far: {heard}"),
                }
                if byte[0] == b'\n' && is_whole(&heard) {
                    break;
                }
            }
        }
        heard
    }

    /// The codes of the next `replies` replies, or fewer if the desk hangs up.
    pub async fn hear(&mut self, replies: usize) -> Vec<u16> {
        let words = self.words(replies).await;
        let last_line = |line: &&str| line.as_bytes().get(3) == Some(&b' ');
        words
            .lines()
            .filter(last_line)
            .map(|line| line[..3].parse().expect("a code"))
            .collect()
    }

    pub async fn ask(&mut self, bytes: impl AsRef<[u8]>, replies: usize) -> Vec<u16> {
        self.say(bytes).await;
        self.hear(replies).await
    }

    /// Begins a mail; the next bytes are its own.
    pub async fn begin(&mut self) {
        assert_eq!(self.ask(BEGIN, 4).await, [250, 250, 250, 354]);
    }

    /// Whether the desk has hung up.
    pub async fn is_over(&mut self) -> bool {
        self.hear(1).await.is_empty()
    }
}

/// A dot before each dot that begins a line, and the dot that ends it.
pub fn stuffed(raw: &[u8]) -> Vec<u8> {
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

/// Random numbers that are the same in each run.
pub struct Dice(pub u64);

impl Dice {
    pub fn below(&mut self, end: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % end
    }
}
