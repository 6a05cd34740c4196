//! Asks clamd about bytes: INSTREAM, one connection a file, over a Unix socket or TCP.
//!
//! The bytes go through in pieces; the answer is one line. A scanner that cannot be reached or takes too long is an error
//! for the caller, who marks the file *not scanned* and asks again: silence never counts as clean. Scanning is what clamd
//! does, and is left to it.

use super::Stream;
use crate::limits;
use anyhow::{Context, bail};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio_stream::StreamExt;

/// Where clamd listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scanner {
    /// `unix:/run/clamav/clamd.ctl`
    Unix(std::path::PathBuf),
    /// `host:port`
    Tcp(String),
}

/// What it says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing was found.
    Clean,
    /// A signature fits; its name.
    Infected(String),
    /// It takes no file of this size.
    TooLarge,
}

impl std::str::FromStr for Scanner {
    type Err = String;
    fn from_str(text: &str) -> Result<Scanner, String> {
        match text.strip_prefix("unix:") {
            Some(path) if path.starts_with('/') => Ok(Scanner::Unix(path.into())),
            None if text
                .rsplit_once(':')
                .is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok()) =>
            {
                Ok(Scanner::Tcp(text.to_owned()))
            }
            _ => Err(format!("\"{text}\" is neither \"unix:/path\" nor \"host:port\"")),
        }
    }
}

impl Scanner {
    /// Scans what a stream brings.
    ///
    /// # Errors
    /// When nobody answers, not in time, or with words of no meaning.
    pub async fn scan(&self, bytes: Stream) -> anyhow::Result<Verdict> {
        let patience = Duration::from_secs(limits::SCAN_SECONDS);
        let connect = Duration::from_secs(limits::SCAN_CONNECT_SECONDS);
        tokio::time::timeout(patience, async {
            match self {
                Scanner::Unix(path) => {
                    let stream = tokio::time::timeout(connect, tokio::net::UnixStream::connect(path)).await??;
                    converse(stream, bytes).await
                }
                Scanner::Tcp(address) => {
                    let stream =
                        tokio::time::timeout(connect, tokio::net::TcpStream::connect(address.as_str())).await??;
                    converse(stream, bytes).await
                }
            }
        })
        .await
        .context("clamd did not answer in time")?
    }
}

async fn converse(mut stream: impl AsyncRead + AsyncWrite + Unpin, mut bytes: Stream) -> anyhow::Result<Verdict> {
    stream.write_all(b"zINSTREAM\0").await?;
    let mut refused = false;
    'sending: while let Some(piece) = bytes.next().await {
        for part in piece?.chunks(64 * 1024) {
            let head = (part.len() as u32).to_be_bytes();
            // It hangs up on a file that is too large, and says so: the words are worth reading.
            if stream.write_all(&head).await.is_err() || stream.write_all(part).await.is_err() {
                refused = true;
                break 'sending;
            }
        }
    }
    if !refused {
        let _ = stream.write_all(&0_u32.to_be_bytes()).await;
        let _ = stream.flush().await;
    }
    let mut answer = Vec::new();
    let heard = (&mut stream)
        .take(limits::SCAN_ANSWER_BYTES)
        .read_to_end(&mut answer)
        .await;
    if answer.is_empty() {
        heard.context("clamd hung up")?;
    }
    verdict(&String::from_utf8_lossy(&answer))
}

/// Reads `stream: OK`, `stream: NAME FOUND`, `… ERROR`.
fn verdict(answer: &str) -> anyhow::Result<Verdict> {
    let line = answer.trim_end_matches(['\0', '\n', '\r']);
    let said = line.strip_prefix("stream: ").unwrap_or(line);
    if said == "OK" {
        return Ok(Verdict::Clean);
    }
    if let Some(name) = said.strip_suffix(" FOUND") {
        let name = name
            .chars()
            .filter(|one| !one.is_control())
            .take(limits::FILE_NAME_CHARS)
            .collect();
        return Ok(Verdict::Infected(name));
    }
    if line.contains("size limit exceeded") {
        return Ok(Verdict::TooLarge);
    }
    bail!("clamd says {:?}", line.chars().take(200).collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_read_and_nonsense_is_never_clean() {
        assert_eq!(verdict("stream: OK\0").unwrap(), Verdict::Clean);
        assert_eq!(
            verdict("stream: Our.Test-1 FOUND\0").unwrap(),
            Verdict::Infected("Our.Test-1".into())
        );
        assert_eq!(
            verdict("INSTREAM size limit exceeded. ERROR\0").unwrap(),
            Verdict::TooLarge
        );
        for nonsense in [
            "",
            "OK?",
            "stream: OK FINE",
            "stream: Can't allocate memory ERROR",
            "HTTP/1.1 400",
        ] {
            assert!(verdict(nonsense).is_err(), "{nonsense}");
        }
    }

    #[test]
    fn a_scanner_is_a_socket_or_a_host_with_a_port() {
        assert_eq!("unix:/run/clamd".parse(), Ok(Scanner::Unix("/run/clamd".into())));
        assert_eq!("127.0.0.1:3310".parse(), Ok(Scanner::Tcp("127.0.0.1:3310".into())));
        for wrong in ["", "clamd", "unix:run", ":3310", "host:port"] {
            assert!(wrong.parse::<Scanner>().is_err(), "{wrong}");
        }
    }
}
