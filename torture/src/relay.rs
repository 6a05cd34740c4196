//! A relay that takes whatever the desk sends, keeps none of it, and counts.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// The relay; it ends with the process.
#[derive(Debug, Clone)]
pub struct Relay {
    /// Where it listens.
    pub address: SocketAddr,
    taken: Arc<AtomicU64>,
}

impl Relay {
    /// Starts one on a free port of loopback.
    ///
    /// # Errors
    /// If there is none.
    pub fn start() -> std::io::Result<Relay> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let relay = Relay {
            address: listener.local_addr()?,
            taken: Arc::default(),
        };
        let taken = Arc::clone(&relay.taken);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let taken = Arc::clone(&taken);
                // A desk that was killed hangs up in the middle: that is what campaigns do.
                std::thread::spawn(move || _ = attend(stream, &taken));
            }
        });
        Ok(relay)
    }

    /// Mails taken so far.
    pub fn taken(&self) -> u64 {
        self.taken.load(Ordering::Relaxed)
    }
}

/// One session, to its end or its first error.
fn attend(mut stream: TcpStream, taken: &AtomicU64) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let mut lines = BufReader::with_capacity(16 * 1024, stream.try_clone()?);
    stream.write_all(b"220 relay.example ESMTP\r\n")?;
    let (mut line, mut in_text) = (Vec::new(), false);
    loop {
        line.clear();
        if lines.read_until(b'\n', &mut line)? == 0 {
            return Ok(());
        }
        let answer: &[u8] = match (in_text, line.get(..4).unwrap_or(&line)) {
            (true, b".\r\n") => b"250 2.0.0 taken\r\n",
            (true, _) => continue,
            (false, b"EHLO") => {
                b"250-relay.example\r\n250-PIPELINING\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250 SIZE 60000000\r\n"
            }
            (false, b"DATA") => b"354 go on\r\n",
            (false, b"QUIT") => b"221 2.0.0 bye\r\n",
            (false, _) => b"250 2.0.0 fine\r\n",
        };
        if in_text {
            taken.fetch_add(1, Ordering::Relaxed);
        }
        in_text = answer.starts_with(b"354");
        stream.write_all(answer)?;
    }
}
