//! SMTP and LMTP over sockets: accepts, guards the door, drives [`Session`], shakes hands, keeps large mails out of memory.
//!
//! Promises: no more sessions, sessions an address, or bytes in memory than [`Bounds`] says; a peer that is silent,
//! dribbles, or does not read its replies is gone in bounded time, which is short while it is crowded; on stop a mail that is being received is finished
//! and answered, everybody else hears 421. Replies are sent once for what came in one read, so a pipelining sender
//! costs one packet each way.
//!
//! Nothing is decided here about mail: that is the gate's ([`Gate`]). No task outlives [`serve`].

mod door;
mod tls;

pub use tls::{from_files, self_signed};

use crate::limits;
use crate::mail::raw::{Body, Spool};
use crate::mail::session::{Budget, Envelope, Gate, Protocol, Reply, Session, Turn};
use door::Door;
use rustls::ServerConfig;
use std::io;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};
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
    /// Sessions at once beyond which `command`, `data` and `idle` shrink to `crowded_patience`.
    pub crowded: usize,
    /// See `crowded`.
    pub crowded_patience: Duration,
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
            crowded: limits::SMTP_CROWDED,
            crowded_patience: Duration::from_secs(limits::SMTP_CROWDED_SECONDS),
            bytes_in_flight: limits::SMTP_BYTES_IN_FLIGHT,
            command: Duration::from_secs(limits::SMTP_COMMAND_SECONDS),
            data: Duration::from_secs(limits::SMTP_DATA_SECONDS),
            idle: Duration::from_secs(limits::SMTP_IDLE_SECONDS),
            take: Duration::from_secs(limits::SMTP_TAKE_SECONDS),
            finish: Duration::from_secs(limits::SMTP_FINISH_SECONDS),
        }
    }
}

impl Bounds {
    /// For mail servers and programs of the same house, who all come from one address.
    pub fn of_the_house() -> Bounds {
        Bounds {
            sessions: limits::LMTP_SESSIONS,
            sessions_per_address: limits::LMTP_SESSIONS,
            ..Bounds::default()
        }
    }
}

/// Where peers knock.
#[derive(Debug)]
pub enum Listener {
    /// A port.
    Tcp(TcpListener),
    /// A socket in the file system; its peers count as this machine.
    Unix(UnixListener),
}

enum Stream {
    Tcp(TcpStream),
    Unix(UnixStream),
}

impl Listener {
    async fn accept(&self) -> io::Result<(Stream, IpAddr)> {
        Ok(match self {
            Listener::Tcp(listener) => {
                let (stream, peer) = listener.accept().await?;
                (Stream::Tcp(stream), peer.ip())
            }
            Listener::Unix(listener) => (Stream::Unix(listener.accept().await?.0), Ipv4Addr::LOCALHOST.into()),
        })
    }
}

/// Bytes read at once of a mail. Larger brings nothing on loopback.
const READ_BYTES: usize = 16 * 1024;
/// Bytes read at once of commands: all that an idle session holds.
const COMMAND_READ_BYTES: usize = 1024;
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
    stop: watch::Receiver<bool>,
) {
    let house = House::new(Protocol::Smtp, bounds, gate, host, tls);
    open(house, Listener::Tcp(listener), stop).await;
}

/// As [`serve`], in LMTP: for mail servers and programs of the same house.
pub async fn serve_lmtp<G: Gate>(listener: Listener, gate: Arc<G>, host: String, stop: watch::Receiver<bool>) {
    let house = House::new(Protocol::Lmtp, Bounds::of_the_house(), gate, host, None);
    open(house, listener, stop).await;
}

async fn open<G: Gate>(house: House<G>, listener: Listener, mut stop: watch::Receiver<bool>) {
    let house = Arc::new(house);
    let mut sessions = JoinSet::new();
    loop {
        tokio::select! {
            biased;
            () = stopped(&mut stop) => break,
            Some(end) = sessions.join_next(), if !sessions.is_empty() => report(end),
            accepted = listener.accept() => match accepted {
                Ok((stream, peer)) => match house.door.enter(peer) {
                    Ok(place) => {
                        let (house, stop) = (house.clone(), stop.clone());
                        sessions.spawn(async move {
                            let ended = match stream {
                                Stream::Tcp(stream) => attend(&house, stream, peer, stop).await,
                                Stream::Unix(stream) => plain(&house, stream, peer, stop).await,
                            };
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

struct House<G> {
    protocol: Protocol,
    gate: Arc<G>,
    host: Arc<str>,
    tls: Option<TlsAcceptor>,
    budget: Arc<Budget>,
    door: Arc<Door>,
    bounds: Bounds,
}

impl<G: Gate> House<G> {
    fn new(protocol: Protocol, bounds: Bounds, gate: Arc<G>, host: String, tls: Option<Arc<ServerConfig>>) -> House<G> {
        House {
            protocol,
            gate,
            host: host.into(),
            tls: tls.map(TlsAcceptor::from),
            budget: Budget::new(bounds.bytes_in_flight),
            door: Door::new(&bounds),
            bounds,
        }
    }

    fn session(&self, peer: IpAddr) -> Session {
        Session::new(self.host.clone(), peer, self.tls.is_some(), self.budget.clone()).speaking(self.protocol)
    }
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
fn turn_away(stream: Stream, reply: &Reply) {
    let mut out = Vec::new();
    reply.say(&mut out);
    let _ = match stream {
        Stream::Tcp(stream) => stream.try_write(&out),
        Stream::Unix(stream) => stream.try_write(&out),
    };
}

async fn attend<G: Gate>(
    house: &House<G>,
    mut stream: TcpStream,
    peer: IpAddr,
    mut stop: watch::Receiver<bool>,
) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut session = house.session(peer);
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

/// A session that never shakes hands.
async fn plain<G: Gate>(
    house: &House<G>,
    mut stream: UnixStream,
    peer: IpAddr,
    mut stop: watch::Receiver<bool>,
) -> io::Result<()> {
    let mut session = house.session(peer);
    let mut out = Vec::with_capacity(512);
    session.greet(&mut out);
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
    let mut buffer = Vec::new();
    let mut patience = Patience::new(session);
    let mut mail = Growing::default();
    loop {
        send(stream, out, &house.bounds).await?;
        let most = if session.is_in_data() {
            READ_BYTES
        } else {
            COMMAND_READ_BYTES
        };
        if buffer.len() != most {
            buffer = vec![0; most];
        }
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
                Turn::Spool(piece) => {
                    let kept = mail.grow(session.completed(), &*house.gate, piece).await;
                    session.spooled(kept);
                }
                Turn::Take(envelope, rest) => {
                    let mail = std::mem::take(&mut mail);
                    let storing = mail.take(session.completed(), &*house.gate, envelope, rest);
                    let answer = timeout(house.bounds.take, storing).await;
                    session.taken(answer.unwrap_or(Err(SLOW_DESK)), out);
                }
                Turn::Secure => return send(stream, out, &house.bounds).await.map(|()| true),
                Turn::Close => return close(stream, out, &house.bounds).await,
            }
            if out.len() > REPLY_BYTES {
                send(stream, out, &house.bounds).await?;
            }
        }
        if !session.is_in_data() {
            // A mail that was refused amid its bytes leaves its file.
            mail = Growing::default();
        }
    }
}

/// The file of a mail that is being received, if it has become large. Files are written outside of tasks: a slow disk
/// holds up one mail and no session.
#[derive(Default)]
struct Growing {
    /// What the session had completed when this mail began: the file of a mail that was refused amid its bytes is never
    /// taken for the next one's, which may have come in the same packet.
    mail: u64,
    spool: Option<Spool>,
}

impl Growing {
    async fn grow<G: Gate>(&mut self, completed: u64, gate: &G, piece: Vec<u8>) -> Result<Vec<u8>, Reply> {
        let same = self.mail == completed;
        let mut spool = self.spool.take().filter(|_| same).unwrap_or_else(|| gate.spool());
        self.mail = completed;
        let grown = tokio::task::spawn_blocking(move || spool.append(&piece).map(|()| (spool, piece))).await;
        let (spool, piece) = written(grown)?;
        self.spool = Some(spool);
        Ok(piece)
    }

    async fn take<G: Gate>(self, completed: u64, gate: &G, envelope: Envelope, rest: Vec<u8>) -> Result<(), Reply> {
        // The end of the mail counts as completed.
        let body = match self.spool.filter(|_| self.mail + 1 == completed) {
            None => Body::Here(rest),
            Some(spool) => written(tokio::task::spawn_blocking(move || spool.end(rest)).await)?,
        };
        gate.take(envelope, body).await
    }
}

fn written<T>(done: Result<io::Result<T>, tokio::task::JoinError>) -> Result<T, Reply> {
    let cause = match done {
        Ok(Ok(done)) => return Ok(done),
        Ok(Err(cause)) => cause.to_string(),
        Err(cause) => cause.to_string(),
    };
    tracing::error!(cause, "a large mail could not be kept in a file; its sender keeps it");
    Err(Reply::of(
        452,
        "4.3.1",
        "the desk has no room for a mail of this size now; your server will try again",
    ))
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
    /// When the peer was last heard.
    heard: Instant,
    stop_at: Option<Instant>,
}

impl Patience {
    fn new(session: &Session) -> Self {
        Patience {
            completed: session.completed(),
            since: Instant::now(),
            heard: Instant::now(),
            stop_at: None,
        }
    }

    /// The latest moment at which the next bytes are of use.
    fn deadline(&mut self, session: &Session, bounds: &Bounds, crowded: bool) -> Instant {
        if self.completed != session.completed() {
            self.completed = session.completed();
            self.since = self.heard;
        }
        let most = if crowded {
            bounds.crowded_patience
        } else {
            Duration::MAX
        };
        let wait = if session.is_in_data() {
            bounds.data.min(most)
        } else {
            bounds.command.min(most)
        };
        // A large mail over a thin line is work, not idleness, as long as it comes at a rate of any use.
        let earned = Duration::from_secs(session.came() as u64 / limits::SMTP_BYTES_PER_SECOND);
        let deadline = (self.heard + wait).min(self.since + bounds.idle.min(most) + earned);
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
    patience.heard = Instant::now();
    loop {
        if patience.stop_at.is_some() && !session.is_in_data() {
            return Ok(Heard::Stop);
        }
        let deadline = patience.deadline(session, &house.bounds, house.door.is_crowded());
        // Looked at again now and then: it may have become crowded meanwhile.
        let look = deadline.min(Instant::now() + house.bounds.crowded_patience);
        tokio::select! {
            biased;
            () = stopped(stop), if patience.stop_at.is_none() => {
                patience.stop_at = Some(Instant::now() + house.bounds.finish);
            }
            read = timeout_at(look, stream.read(buffer)) => return match read {
                Ok(Ok(0)) => Ok(Heard::End),
                Ok(read) => read.map(Heard::Bytes),
                Err(_) if look < deadline => continue,
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
