//! One try at one address: connect, greet, encrypt, sign in, hand over, hear.
//!
//! Answers are read as bytes and only then as text, for servers answer in any charset; each is bounded. What was read
//! before a handshake is an answer to nothing and ends the try.

use super::{Login, Waits, clean};
use crate::limits;
use anyhow::Context as _;
use data_encoding::BASE64;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

/// Whether to encrypt.
#[derive(Clone, Copy)]
pub(super) enum TlsUse<'t> {
    Never,
    IfOffered(&'t Arc<ClientConfig>),
    Required(&'t Arc<ClientConfig>),
}

/// What a server was answering when it refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    /// Nothing about this mail yet.
    Greeting,
    /// MAIL, RCPT, DATA or the mail itself.
    Mail,
}

/// How one try ended.
#[derive(Debug)]
pub(super) enum End {
    Accepted(Answer),
    Refused(Stage, Answer),
    /// This mail cannot go to this server, whatever it says.
    Unfit(String),
    /// The handshake failed; without encryption it may go.
    Unencryptable(String),
    /// Nothing was handed over.
    Broken(String),
    /// Everything was handed over, no answer came.
    Silent(String),
}

/// An answer: its code, its lines without it.
#[derive(Debug)]
pub(super) struct Answer {
    pub code: u16,
    lines: Vec<String>,
}

impl Answer {
    /// The server's words on one line, code first, bounded.
    pub fn words(&self) -> String {
        clean(&format!("{} {}", self.code, self.lines.join(" ")))
    }

    /// The largest mail that the server announces; none or 0 says nothing (RFC 1870 §3).
    fn size(&self) -> Option<u64> {
        let words = self.lines.iter().skip(1).map(|line| line.split(' '));
        let size = words.filter_map(|mut words| {
            let is_size = words.next().is_some_and(|word| word.eq_ignore_ascii_case("SIZE"));
            words.next().filter(|_| is_size)
        });
        // More digits than a number has: more than any mail.
        size.filter_map(|digits| digits.parse().ok()).find(|size| *size > 0)
    }

    fn offers(&self, keyword: &str) -> bool {
        let is_keyword = |line: &String| {
            line.split(' ')
                .next()
                .is_some_and(|word| word.eq_ignore_ascii_case(keyword))
        };
        self.lines.iter().skip(1).any(is_keyword)
    }
}

/// One mail on its way to one host.
pub(super) struct Attempt<'a> {
    pub helo: &'a str,
    pub host: &'a str,
    pub login: Option<&'a Login>,
    pub from: &'a str,
    pub to: &'a str,
    pub raw: &'a [u8],
    pub waits: &'a Waits,
}

/// Ends a try early; `?` carries it.
type Step<T> = Result<T, End>;

impl Attempt<'_> {
    /// Tries it.
    pub async fn run(&self, address: SocketAddr, tls: TlsUse<'_>) -> End {
        match self.converse(address, tls).await {
            Ok(said) => End::Accepted(said),
            Err(end) => end,
        }
    }

    async fn converse(&self, address: SocketAddr, tls: TlsUse<'_>) -> Step<Answer> {
        let stream = within(self.waits.connect, TcpStream::connect(address))
            .await
            .map_err(broken)?;
        let _ = stream.set_nodelay(true);
        let mut talk = Talk {
            stream,
            heard: Vec::new(),
            waits: self.waits,
        };
        let greeting = talk.answer(self.waits.reply).await.map_err(broken)?;
        expect(Stage::Greeting, greeting, 220..=220)?;
        let offered = self.hello(&mut talk).await?;
        let (config, required) = match tls {
            TlsUse::Never => return self.hand_over(talk, &offered).await,
            TlsUse::IfOffered(config) => (config, false),
            TlsUse::Required(config) => (config, true),
        };
        let name = ServerName::try_from(self.host.to_owned());
        let (true, Ok(name)) = (offered.offers("STARTTLS"), name) else {
            if required {
                let reason = match self.login {
                    Some(_) => "a password is not sent without",
                    None => "the policy of its domain wants it (MTA-STS)",
                };
                return Err(End::Broken(format!("the server offers no encryption, and {reason}")));
            }
            return self.hand_over(talk, &offered).await;
        };
        let unencryptable = |what| {
            if required {
                End::Broken(what)
            } else {
                End::Unencryptable(what)
            }
        };
        let ready = talk.ask("STARTTLS").await.map_err(broken)?;
        if ready.code != 220 {
            return Err(unencryptable(ready.words()));
        }
        if !talk.heard.is_empty() {
            return Err(unencryptable(
                "the server spoke between STARTTLS and the handshake".to_owned(),
            ));
        }
        let handshake = TlsConnector::from(config.clone()).connect(name, talk.stream);
        let stream = within(self.waits.connect, handshake)
            .await
            .map_err(|e| unencryptable(format!("no encryption: {e}")))?;
        let mut talk = Talk {
            stream,
            heard: Vec::new(),
            waits: self.waits,
        };
        let offered = self.hello(&mut talk).await?;
        self.hand_over(talk, &offered).await
    }

    async fn hello<S: AsyncRead + AsyncWrite + Unpin>(&self, talk: &mut Talk<'_, S>) -> Step<Answer> {
        let offered = talk.ask(&format!("EHLO {}", self.helo)).await.map_err(broken)?;
        if (500..=504).contains(&offered.code) {
            let offered = talk.ask(&format!("HELO {}", self.helo)).await.map_err(broken)?;
            return expect(Stage::Greeting, offered, 250..=250);
        }
        expect(Stage::Greeting, offered, 250..=250)
    }

    async fn hand_over<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        mut talk: Talk<'_, S>,
        offered: &Answer,
    ) -> Step<Answer> {
        if let Some(login) = self.login {
            let secret = BASE64.encode(format!("\0{}\0{}", login.name, login.password).as_bytes());
            let said = talk.ask(&format!("AUTH PLAIN {secret}")).await.map_err(broken)?;
            if said.code != 235 {
                // A wrong password is ours to mend and no mail's fault: it waits.
                return Err(End::Broken(format!(
                    "the relay does not let us sign in: {}",
                    said.words()
                )));
            }
        }
        self.fits(offered)?;
        let mail = self.mail_command(offered)?;
        for command in [mail.as_str(), &format!("RCPT TO:<{}>", self.to)] {
            let said = talk.ask(command).await.map_err(broken)?;
            expect(Stage::Mail, said, 250..=259)?;
        }
        let said = talk.ask("DATA").await.map_err(broken)?;
        expect(Stage::Mail, said, 354..=354)?;
        let said = self.body(&mut talk).await?;
        let said = expect(Stage::Mail, said, 250..=259)?;
        // The mail is theirs now; how they take our leave changes nothing.
        let _ = within(Duration::from_secs(1), talk.stream.write_all(b"QUIT\r\n")).await;
        let _ = within(Duration::from_secs(1), talk.stream.shutdown()).await;
        Ok(said)
    }

    /// Refuses what the server says beforehand that it will refuse (RFC 1870 §5): nothing of it is sent.
    fn fits(&self, offered: &Answer) -> Step<()> {
        match offered.size() {
            Some(most) if self.raw.len() as u64 > most => Err(End::Unfit(format!(
                "this server takes mails of up to {} MB and this one has {} MB with its files encoded; \
                 send the files by link: reply again without them and let the upload link carry them",
                megabytes(most),
                megabytes(self.raw.len() as u64)
            ))),
            _ => Ok(()),
        }
    }

    fn mail_command(&self, offered: &Answer) -> Step<String> {
        let mut command = format!("MAIL FROM:<{}>", self.from);
        if offered.offers("SIZE") {
            command += &format!(" SIZE={}", self.raw.len());
        }
        // Without the offer it goes as it is: whoever cannot take eight bits is gone, and rewriting breaks signatures.
        if !self.raw.is_ascii() && offered.offers("8BITMIME") {
            command += " BODY=8BITMIME";
        }
        if !(self.from.is_ascii() && self.to.is_ascii()) {
            if !offered.offers("SMTPUTF8") {
                return Err(End::Unfit(
                    "the server takes no addresses beyond ASCII (SMTPUTF8)".to_owned(),
                ));
            }
            command += " SMTPUTF8";
        }
        Ok(command)
    }

    /// Sends the mail and the dot, hears the answer.
    async fn body<S: AsyncRead + AsyncWrite + Unpin>(&self, talk: &mut Talk<'_, S>) -> Step<Answer> {
        let mut rest = self.raw;
        let mut at_line_start = true;
        let mut block = Vec::with_capacity(BLOCK_BYTES + BLOCK_BYTES / 2);
        while !rest.is_empty() {
            block.clear();
            while block.len() < BLOCK_BYTES && !rest.is_empty() {
                let end = memchr::memchr(b'\n', rest).map_or(rest.len(), |at| at + 1);
                if at_line_start && rest[0] == b'.' {
                    block.push(b'.');
                }
                at_line_start = rest[end - 1] == b'\n';
                block.extend_from_slice(&rest[..end]);
                rest = &rest[end..];
            }
            if let Err(error) = within(self.waits.reply, talk.stream.write_all(&block)).await {
                // A server that has had enough says so and closes: its words are worth more than "broken pipe".
                return match talk.answer(Duration::from_secs(1)).await {
                    Ok(said) if said.code >= 400 => Ok(said),
                    _ => Err(broken(error)),
                };
            }
        }
        let dot: &[u8] = if at_line_start { b".\r\n" } else { b"\r\n.\r\n" };
        // From here on the mail may be theirs.
        let sent = within(self.waits.reply, async {
            talk.stream.write_all(dot).await?;
            talk.stream.flush().await
        });
        let sent = sent.await;
        let wait = if sent.is_ok() {
            self.waits.dot
        } else {
            Duration::from_secs(1)
        };
        match talk.answer(wait).await {
            Ok(said) if (250..600).contains(&said.code) && !(300..400).contains(&said.code) => Ok(said),
            Ok(said) => Err(End::Silent(clean(&format!(
                "an answer of no meaning: {}",
                said.words()
            )))),
            Err(error) => Err(End::Silent(clean(&format!(
                "the mail was sent whole, and no answer came: {error}"
            )))),
        }
    }
}

/// Megabytes to one place, never less than a tenth.
fn megabytes(bytes: u64) -> String {
    let tenths = bytes.div_ceil(100_000);
    format!("{}.{}", tenths / 10, tenths % 10)
}

/// Bytes written at once; lines longer than this are written whole.
const BLOCK_BYTES: usize = 32 * 1024;

fn broken(error: io::Error) -> End {
    End::Broken(clean(&error.to_string()))
}

fn expect(stage: Stage, said: Answer, wanted: std::ops::RangeInclusive<u16>) -> Step<Answer> {
    match said.code {
        code if wanted.contains(&code) => Ok(said),
        400..=599 => Err(End::Refused(stage, said)),
        _ => Err(End::Broken(clean(&format!("an answer out of turn: {}", said.words())))),
    }
}

async fn within<T>(wait: Duration, work: impl Future<Output = io::Result<T>>) -> io::Result<T> {
    match timeout(wait, work).await {
        Ok(done) => done,
        Err(_) => Err(io::Error::new(
            io::ErrorKind::TimedOut,
            format!("nothing happened for {} s", wait.as_secs_f32()),
        )),
    }
}

/// One side of a conversation.
struct Talk<'a, S> {
    stream: S,
    /// Read and not yet used.
    heard: Vec<u8>,
    waits: &'a Waits,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Talk<'_, S> {
    async fn ask(&mut self, command: &str) -> io::Result<Answer> {
        let line = format!("{command}\r\n");
        within(self.waits.reply, async {
            self.stream.write_all(line.as_bytes()).await?;
            self.stream.flush().await
        })
        .await?;
        self.answer(self.waits.reply).await
    }

    /// Reads one answer, all its lines; `wait` is for the whole of it.
    async fn answer(&mut self, wait: Duration) -> io::Result<Answer> {
        within(wait, async {
            let mut answer = Answer {
                code: 0,
                lines: Vec::new(),
            };
            let mut left = limits::DELIVERY_ANSWER_BYTES;
            loop {
                let line = self.line(left).await?;
                left = left.saturating_sub(line.len() + 1);
                let (code, more, text) = split(&line)?;
                answer.code = code;
                answer.lines.push(text);
                if !more {
                    return Ok(answer);
                }
            }
        })
        .await
    }

    async fn line(&mut self, most: usize) -> io::Result<Vec<u8>> {
        let mut seen = 0;
        loop {
            if let Some(at) = memchr::memchr(b'\n', &self.heard[seen..]) {
                let mut line: Vec<u8> = self.heard.drain(..=seen + at).collect();
                line.pop();
                if line.last() == Some(&b'\r') {
                    line.pop();
                }
                return Ok(line);
            }
            seen = self.heard.len();
            if seen >= most {
                return Err(io::Error::new(io::ErrorKind::InvalidData, "an answer without end"));
            }
            self.heard.reserve(512);
            if self.stream.read_buf(&mut self.heard).await? == 0 {
                return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the server hung up"));
            }
        }
    }
}

/// Code, whether more lines follow, and text of one line of an answer.
fn split(line: &[u8]) -> io::Result<(u16, bool, String)> {
    let no_smtp = || {
        let text = clean(&String::from_utf8_lossy(&line[..line.len().min(80)]));
        io::Error::new(io::ErrorKind::InvalidData, format!("this is no SMTP answer: {text}"))
    };
    let digits = line
        .get(..3)
        .filter(|digits| digits.iter().all(u8::is_ascii_digit))
        .ok_or_else(no_smtp)?;
    let code = digits.iter().fold(0, |code, digit| code * 10 + u16::from(digit - b'0'));
    let (more, text) = match line.get(3) {
        None => (false, &line[3..]),
        Some(b'-') => (true, &line[4..]),
        Some(b' ') => (false, &line[4..]),
        Some(_) => return Err(no_smtp()),
    };
    if !(200..600).contains(&code) {
        return Err(no_smtp());
    }
    Ok((code, more, String::from_utf8_lossy(text).into_owned()))
}

/// Encryption with whomever: a certificate nobody vouches for is better than none (RFC 7435 §3), and mail would go in the clear without.
///
/// # Errors
/// If the TLS library has no versions to offer.
pub(super) fn any_tls() -> anyhow::Result<Arc<ClientConfig>> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .context("choose TLS versions")?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Anybody(provider)))
        .with_no_client_auth();
    Ok(Arc::new(config))
}

/// Encryption with a server whose certificate the system's roots vouch for.
///
/// # Errors
/// If the TLS library has no versions to offer.
pub(super) fn verified_tls() -> anyhow::Result<Arc<ClientConfig>> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .context("choose TLS versions")?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Arc::new(config))
}

/// Takes any certificate; the handshake's own signatures are still checked.
#[derive(Debug)]
struct Anybody(Arc<CryptoProvider>);

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, cert, dss, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, cert, dss, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
