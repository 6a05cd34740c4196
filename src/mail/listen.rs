//! SMTP over sockets: accepts, guards the door, drives [`Session`], shakes hands.
//!
//! Promises: no more sessions, sessions an address, or bytes in memory than [`Bounds`] says; a peer that is silent,
//! dribbles, or does not read its replies is gone in bounded time; on stop a mail that is being received is finished
//! and answered, everybody else hears 421. Replies are sent once for what came in one read, so a pipelining sender
//! costs one packet each way.
//!
//! Nothing is decided here about mail: that is the gate's ([`Gate`]). No task outlives [`serve`].

use crate::limits;
use crate::mail::session::{Budget, Gate, Reply, Session, Turn};
use anyhow::Context as _;
use rustls::ServerConfig;
use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, Ipv6Addr};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout, timeout_at};
use tokio_rustls::TlsAcceptor;

/// What the listener allows. [`Bounds::default`] is [`crate::limits`]; tests make them small.
#[derive(Debug, Clone)]
pub struct Bounds {
    /// Sessions at once.
    pub sessions: usize,
    /// Sessions at once from one address (IPv6: from one /64).
    pub sessions_per_address: usize,
    /// Bytes of mails in memory over all sessions.
    pub bytes_in_flight: usize,
    /// Wait for the next command.
    pub command: Duration,
    /// Wait for the next bytes of a mail.
    pub data: Duration,
    /// Wait for the next completed command or mail; a large mail that keeps coming has longer.
    pub idle: Duration,
    /// Wait for the desk to store a mail.
    pub take: Duration,
    /// Time for mails half received when the desk is stopped.
    pub finish: Duration,
}

impl Default for Bounds {
    fn default() -> Self {
        Bounds {
            sessions: limits::SMTP_SESSIONS,
            sessions_per_address: limits::SMTP_SESSIONS_PER_ADDRESS,
            bytes_in_flight: limits::SMTP_BYTES_IN_FLIGHT,
            command: Duration::from_secs(limits::SMTP_COMMAND_SECONDS),
            data: Duration::from_secs(limits::SMTP_DATA_SECONDS),
            idle: Duration::from_secs(limits::SMTP_IDLE_SECONDS),
            take: Duration::from_secs(limits::SMTP_TAKE_SECONDS),
            finish: Duration::from_secs(limits::SMTP_FINISH_SECONDS),
        }
    }
}

/// Bytes read at once. Larger brings nothing on loopback; with a thousand sessions this is 16 MiB.
const READ_BYTES: usize = 16 * 1024;
/// Replies waiting to be sent beyond which they are sent before the batch is through.
const REPLY_BYTES: usize = 16 * 1024;

/// Takes mail until `stop` says so (or its sender is gone), then lets mails that are being received end.
///
/// `host` is what the server calls itself; without `tls` STARTTLS is not offered. Returns when every session has ended.
pub async fn serve<G: Gate>(
    listener: TcpListener,
    gate: Arc<G>,
    host: String,
    tls: Option<Arc<ServerConfig>>,
    stop: watch::Receiver<bool>,
) {
    serve_within(Bounds::default(), listener, gate, host, tls, stop).await;
}

/// [`serve`] with bounds of one's own.
pub async fn serve_within<G: Gate>(
    bounds: Bounds,
    listener: TcpListener,
    gate: Arc<G>,
    host: String,
    tls: Option<Arc<ServerConfig>>,
    mut stop: watch::Receiver<bool>,
) {
    let house = Arc::new(House {
        gate,
        host: host.into(),
        tls: tls.map(TlsAcceptor::from),
        budget: Budget::new(bounds.bytes_in_flight),
        door: Door::new(&bounds),
        bounds,
    });
    let mut sessions = JoinSet::new();
    loop {
        tokio::select! {
            biased;
            () = stopped(&mut stop) => break,
            Some(end) = sessions.join_next(), if !sessions.is_empty() => report(end),
            accepted = listener.accept() => match accepted {
                Ok((stream, peer)) => match house.door.enter(peer.ip()) {
                    Ok(place) => {
                        let (house, stop) = (house.clone(), stop.clone());
                        sessions.spawn(async move {
                            let ended = attend(&house, stream, peer.ip(), stop).await;
                            drop(place);
                            ended
                        });
                    }
                    Err(reply) => turn_away(stream, &reply),
                },
                Err(error) => {
                    // Out of descriptors, most likely: the peers wait in the backlog while sessions end.
                    tracing::warn!(%error, "no connection could be accepted");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            },
        }
    }
    drop(listener);
    while let Some(end) = sessions.join_next().await {
        report(end);
    }
}

/// A TLS configuration from PEM files.
///
/// # Errors
/// Files that cannot be read, or a key that does not belong to the certificate.
pub fn from_files(chain: &Path, key: &Path) -> anyhow::Result<Arc<ServerConfig>> {
    use rustls::pki_types::pem::PemObject;
    let certificates: Result<Vec<_>, _> = rustls::pki_types::CertificateDer::pem_file_iter(chain)
        .with_context(|| format!("read {}", chain.display()))?
        .collect();
    let certificates = certificates.with_context(|| format!("read the certificates in {}", chain.display()))?;
    let key =
        rustls::pki_types::PrivateKeyDer::from_pem_file(key).with_context(|| format!("read {}", key.display()))?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .context("choose TLS versions")?
        .with_no_client_auth()
        .with_single_cert(certificates, key)
        .context("use the certificate and its key")?;
    Ok(Arc::new(config))
}

/// A TLS configuration with a certificate that we sign ourselves: enough against listeners-in, as RFC 7435 has it.
///
/// # Errors
/// If the library makes no key or certificate for `host`.
pub fn self_signed(host: &str) -> anyhow::Result<Arc<ServerConfig>> {
    let made = rcgen::generate_simple_self_signed(vec![host.to_owned()]).context("make a certificate")?;
    let key = rustls::pki_types::PrivatePkcs8KeyDer::from(made.signing_key.serialize_der());
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .context("choose TLS versions")?
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key.into())
        .context("use the certificate made")?;
    Ok(Arc::new(config))
}

struct House<G> {
    gate: Arc<G>,
    host: Arc<str>,
    tls: Option<TlsAcceptor>,
    budget: Arc<Budget>,
    door: Arc<Door>,
    bounds: Bounds,
}

fn report(end: Result<io::Result<()>, tokio::task::JoinError>) {
    match end {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::debug!(%error, "an SMTP session broke off"),
        Err(error) => tracing::error!(%error, "an SMTP session failed inside"),
    }
}

async fn stopped(stop: &mut watch::Receiver<bool>) {
    // An error means that nobody can say stop any more: then it is time to.
    let _ = stop.wait_for(|stop| *stop).await;
}

/// Says 421 without waiting: the send buffer of a new connection is empty, and who is turned away costs no task.
fn turn_away(stream: TcpStream, reply: &Reply) {
    let mut out = Vec::new();
    reply.say(&mut out);
    if let Ok(mut stream) = stream.into_std() {
        let _ = io::Write::write(&mut stream, &out);
    }
}

/// Counts sessions, in all and by address.
#[derive(Debug)]
struct Door {
    sessions: usize,
    sessions_per_address: usize,
    inside: Mutex<(usize, HashMap<IpAddr, usize>)>,
}

impl Door {
    fn new(bounds: &Bounds) -> Arc<Self> {
        Arc::new(Door {
            sessions: bounds.sessions,
            sessions_per_address: bounds.sessions_per_address,
            inside: Mutex::new((0, HashMap::new())),
        })
    }

    fn enter(self: &Arc<Self>, peer: IpAddr) -> Result<Place, Reply> {
        let source = source(peer);
        let mut inside = self.inside.lock().unwrap_or_else(PoisonError::into_inner);
        let (all, by_source) = &mut *inside;
        if *all >= self.sessions {
            return Err(Reply::of(
                421,
                "4.3.2",
                "too many sessions; please come again in a minute",
            ));
        }
        let here = by_source.entry(source).or_insert(0);
        if *here >= self.sessions_per_address {
            return Err(Reply::of(
                421,
                "4.7.0",
                "too many sessions from your address; please end one first",
            ));
        }
        *here += 1;
        *all += 1;
        Ok(Place {
            door: self.clone(),
            source,
        })
    }
}

/// A peer's source as counted: IPv6 users own a /64 and can change the rest at will.
fn source(peer: IpAddr) -> IpAddr {
    match peer.to_canonical() {
        IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() >> 64 << 64)),
        v4 => v4,
    }
}

/// One session's place, given back when dropped.
struct Place {
    door: Arc<Door>,
    source: IpAddr,
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut inside = self.door.inside.lock().unwrap_or_else(PoisonError::into_inner);
        inside.0 = inside.0.saturating_sub(1);
        if let Some(here) = inside.1.get_mut(&self.source) {
            *here = here.saturating_sub(1);
            if *here == 0 {
                inside.1.remove(&self.source);
            }
        }
    }
}

async fn attend<G: Gate>(
    house: &House<G>,
    mut stream: TcpStream,
    peer: IpAddr,
    mut stop: watch::Receiver<bool>,
) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut session = Session::new(house.host.clone(), peer, house.tls.is_some(), house.budget.clone());
    let mut out = Vec::with_capacity(512);
    session.greet(&mut out);
    let secure = converse(house, &mut session, &mut stream, &mut out, &mut stop).await?;
    let (true, Some(tls)) = (secure, &house.tls) else {
        return Ok(());
    };
    let handshake = Duration::from_secs(limits::SMTP_HANDSHAKE_SECONDS);
    let mut stream = timeout(handshake, tls.accept(stream)).await??;
    session.secured();
    converse(house, &mut session, &mut stream, &mut out, &mut stop)
        .await
        .map(|_| ())
}

/// Talks until the session is over (`false`) or wants to shake hands (`true`).
async fn converse<G: Gate, S: AsyncRead + AsyncWrite + Unpin>(
    house: &House<G>,
    session: &mut Session,
    stream: &mut S,
    out: &mut Vec<u8>,
    stop: &mut watch::Receiver<bool>,
) -> io::Result<bool> {
    let mut buffer = vec![0; READ_BYTES];
    let mut patience = Patience::new(session);
    loop {
        send(stream, out, &house.bounds).await?;
        let read = match hear(house, session, stream, &mut buffer, &mut patience, stop).await? {
            Heard::Bytes(read) => read,
            Heard::End => return Ok(false),
            Heard::Silence => {
                session.late(out);
                return close(stream, out, &house.bounds).await;
            }
            Heard::Stop => {
                session.stop(out);
                return close(stream, out, &house.bounds).await;
            }
        };
        let mut at = 0;
        while at < read {
            let (used, turn) = session.step(&*house.gate, &buffer[at..read], out);
            at += used;
            match turn {
                Turn::More => {}
                Turn::Take(envelope, raw) => {
                    let answer = timeout(house.bounds.take, house.gate.take(envelope, raw)).await;
                    session.taken(answer.unwrap_or(Err(SLOW_DESK)), out);
                }
                Turn::Secure => return send(stream, out, &house.bounds).await.map(|()| true),
                Turn::Close => return close(stream, out, &house.bounds).await,
            }
            if out.len() > REPLY_BYTES {
                send(stream, out, &house.bounds).await?;
            }
        }
    }
}

const SLOW_DESK: Reply = Reply::of(
    451,
    "4.3.0",
    "the mail could not be stored in time; please send it again",
);

enum Heard {
    Bytes(usize),
    /// The peer closed.
    End,
    Silence,
    /// The desk stops and this session is not amid a mail, or its time to finish is over.
    Stop,
}

/// When a session was last seen to get on with it.
struct Patience {
    completed: u64,
    since: Instant,
    stop_at: Option<Instant>,
}

impl Patience {
    fn new(session: &Session) -> Self {
        Patience {
            completed: session.completed(),
            since: Instant::now(),
            stop_at: None,
        }
    }

    /// The latest moment at which the next bytes are of use.
    fn deadline(&mut self, session: &Session, bounds: &Bounds) -> Instant {
        let now = Instant::now();
        if self.completed != session.completed() {
            self.completed = session.completed();
            self.since = now;
        }
        let wait = if session.is_in_data() {
            bounds.data
        } else {
            bounds.command
        };
        // A large mail over a thin line is work, not idleness, as long as it comes at a rate of any use.
        let earned = Duration::from_secs(session.came() as u64 / limits::SMTP_BYTES_PER_SECOND);
        let deadline = (now + wait).min(self.since + bounds.idle + earned);
        self.stop_at.map_or(deadline, |stop_at| deadline.min(stop_at))
    }
}

async fn hear<G: Gate, S: AsyncRead + Unpin>(
    house: &House<G>,
    session: &Session,
    stream: &mut S,
    buffer: &mut [u8],
    patience: &mut Patience,
    stop: &mut watch::Receiver<bool>,
) -> io::Result<Heard> {
    loop {
        if patience.stop_at.is_some() && !session.is_in_data() {
            return Ok(Heard::Stop);
        }
        let deadline = patience.deadline(session, &house.bounds);
        tokio::select! {
            biased;
            () = stopped(stop), if patience.stop_at.is_none() => {
                patience.stop_at = Some(Instant::now() + house.bounds.finish);
            }
            read = timeout_at(deadline, stream.read(buffer)) => return match read {
                Ok(Ok(0)) => Ok(Heard::End),
                Ok(read) => read.map(Heard::Bytes),
                Err(_) if patience.stop_at.is_some() => Ok(Heard::Stop),
                Err(_) => Ok(Heard::Silence),
            },
        }
    }
}

/// Sends what is waiting; a peer that does not read is not waited for longer than one that does not write.
async fn send<S: AsyncWrite + Unpin>(stream: &mut S, out: &mut Vec<u8>, bounds: &Bounds) -> io::Result<()> {
    if out.is_empty() {
        return Ok(());
    }
    timeout(bounds.command, async {
        stream.write_all(out).await?;
        stream.flush().await
    })
    .await??;
    out.clear();
    Ok(())
}

async fn close<S: AsyncRead + AsyncWrite + Unpin>(
    stream: &mut S,
    out: &mut Vec<u8>,
    bounds: &Bounds,
) -> io::Result<bool> {
    send(stream, out, bounds).await?;
    timeout(bounds.command, stream.shutdown()).await??;
    // A peer still sending would be answered with a reset, and its system would throw our last words away unread.
    let _ = timeout(LINGER, async {
        let mut scrap = [0; 1024];
        for _ in 0..LINGER_READS {
            if stream.read(&mut scrap).await.unwrap_or(0) == 0 {
                break;
            }
        }
    })
    .await;
    Ok(false)
}

/// How long and how much is read after our last words.
const LINGER: Duration = Duration::from_millis(500);
const LINGER_READS: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_network_of_ipv6_is_one_source() {
        let ip = |text: &str| source(text.parse().expect("an address"));
        assert_eq!(ip("2001:db8:0:1::1"), ip("2001:db8:0:1:ffff::2"));
        assert_ne!(ip("2001:db8:0:1::1"), ip("2001:db8:0:2::1"));
        assert_eq!(ip("::ffff:192.0.2.1"), ip("192.0.2.1"));
        assert_ne!(ip("192.0.2.1"), ip("192.0.2.2"));
    }

    #[test]
    fn a_place_is_free_again_when_its_session_has_ended() {
        let door = Door::new(&Bounds {
            sessions: 3,
            sessions_per_address: 2,
            ..Bounds::default()
        });
        let (one, two) = (IpAddr::from([192, 0, 2, 1]), IpAddr::from([192, 0, 2, 2]));
        let first = door.enter(one);
        let _second = door.enter(one);
        assert_eq!(door.enter(one).err().map(|r| r.enhanced), Some("4.7.0"));
        let _third = door.enter(two);
        assert_eq!(door.enter(two).err().map(|r| r.enhanced), Some("4.3.2"));
        drop(first);
        assert!(door.enter(one).is_ok());
    }
}
