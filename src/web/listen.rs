//! HTTP over sockets: accepts, bounds, and ends connections.
//!
//! Our own loop around hyper because `axum::serve` has no limit on the time a request head may take. A silent or
//! dribbling peer is gone after [`limits::HTTP_HEADER_SECONDS`], a head has at most [`limits::HTTP_HEADER_BYTES`], and
//! there are at most [`limits::HTTP_CONNECTIONS`] connections. On stop, requests under way end and open pages hear the
//! end of their stream. Left out: a limit on how slowly an answer is read; answers are small and the place is counted.
//! TLS is a proxy's until the desk has it.

use super::{Door, House, routes};
use crate::limits;
use crate::refusal::{Outcome, Refusal};
use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinError, JoinSet};
use tokio::time::{sleep, timeout};

/// Whether a desk may be open (`web.open`) on this address: only where nobody but this machine reaches it.
///
/// # Errors
/// A refusal for whoever starts the desk.
pub fn may_open(address: SocketAddr) -> Result<(), Refusal> {
    if address.ip().to_canonical().is_loopback() {
        return Ok(());
    }
    Err(Refusal::forbidden(format!(
        "web.open lets everybody who reaches {address} read all cases and answer as any engineer. \
         No page is served. Listen on 127.0.0.1, or set web.open = false.",
    )))
}

/// Serves pages until `stop` says so (or its sender is gone), then lets requests under way end.
///
/// # Errors
/// The refusal of [`may_open`] where the door is open and the listener is not on loopback.
pub async fn serve(listener: TcpListener, door: Arc<Door>, mut stop: watch::Receiver<bool>) -> anyhow::Result<()> {
    if door.open {
        may_open(listener.local_addr()?)?;
    }
    let router = routes(House {
        door,
        stop: stop.clone(),
        writing: super::tus::Writing::default(),
    });
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            biased;
            () = stopped(&mut stop) => break,
            Some(end) = connections.join_next(), if !connections.is_empty() => report(end),
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) if connections.len() >= limits::HTTP_CONNECTIONS => turn_away(stream),
                Ok((stream, _)) => _ = connections.spawn(attend(stream, router.clone(), stop.clone())),
                Err(error) => {
                    // Out of descriptors, most likely: the peers wait in the backlog while connections end.
                    tracing::warn!(%error, "no connection could be accepted");
                    sleep(Duration::from_millis(50)).await;
                }
            },
        }
    }
    drop(listener);
    let finish = async {
        while let Some(end) = connections.join_next().await {
            report(end);
        }
    };
    if timeout(Duration::from_secs(limits::HTTP_FINISH_SECONDS), finish)
        .await
        .is_err()
    {
        tracing::warn!("requests were cut off when the desk stopped");
    }
    Ok(())
}

async fn attend(stream: TcpStream, router: Router, mut stop: watch::Receiver<bool>) -> hyper::Result<()> {
    let _ = stream.set_nodelay(true); // only speed: a page is one write
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(Duration::from_secs(limits::HTTP_HEADER_SECONDS))
        .max_header_size(limits::HTTP_HEADER_BYTES)
        .max_headers(limits::HTTP_HEADERS)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(router));
    let mut connection = pin!(connection);
    tokio::select! {
        ended = connection.as_mut() => return ended,
        () = stopped(&mut stop) => connection.as_mut().graceful_shutdown(),
    }
    connection.await
}

/// Says 503 without waiting: the send buffer of a new connection is empty, and who is turned away costs no task.
fn turn_away(stream: TcpStream) {
    const FULL: &[u8] =
        b"HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/plain\r\nConnection: close\r\nRetry-After: 10\r\n\r\n\
        Too many connections at once. No promise is affected. Try again in ten seconds.\n";
    if let Ok(mut stream) = stream.into_std() {
        let _ = std::io::Write::write(&mut stream, FULL);
    }
}

fn report(end: Result<hyper::Result<()>, JoinError>) {
    match end {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::debug!(%error, "an HTTP connection broke off"),
        Err(error) => tracing::error!(%error, "an HTTP connection failed inside"),
    }
}

/// Returns when the desk stops.
pub(super) async fn stopped(stop: &mut watch::Receiver<bool>) {
    // An error means that nobody can say stop any more: then it is time to.
    let _ = stop.wait_for(|stop| *stop).await;
}

/// Runs what blocks (all of the store) beside the tasks.
pub(super) async fn blocking<T: Send + 'static>(job: impl FnOnce() -> Outcome<T> + Send + 'static) -> Outcome<T> {
    match tokio::task::spawn_blocking(job).await {
        Ok(outcome) => outcome,
        Err(cause) => Err(anyhow::Error::new(cause).into()),
    }
}

/// Runs something to its end though the connection that asked for it breaks: what was received is kept and told.
pub(super) async fn outliving<T: Send + 'static>(job: impl Future<Output = T> + Send + 'static) -> Outcome<T> {
    match tokio::spawn(job).await {
        Ok(done) => Ok(done),
        Err(cause) => Err(anyhow::Error::new(cause).into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_open_desk_is_only_on_this_machine() {
        for near in ["127.0.0.1:80", "127.9.9.9:80", "[::1]:80", "[::ffff:127.0.0.1]:80"] {
            assert!(may_open(near.parse().unwrap()).is_ok(), "{near}");
        }
        for far in [
            "0.0.0.0:80",
            "[::]:80",
            "192.168.1.1:80",
            "[2001:db8::1]:80",
            "[::ffff:10.0.0.1]:80",
        ] {
            let refusal = may_open(far.parse().unwrap()).unwrap_err();
            assert!(refusal.text.contains("web.open"), "{far}");
        }
    }
}
