//! Fetches an MTA-STS policy over HTTPS (RFC 8461 §3.3): the certificate must be good, nothing redirects, the answer is
//! short, plain and in time.
//!
//! Addresses come from the [`Directory`], which names none of this machine: what a stranger's domain says cannot make
//! the desk ask its own neighbours on loopback. No client library: one request, one answer, no cookies and no proxies.

use super::{Directory, NoRoute};
use crate::limits;
use anyhow::{Context as _, ensure};
use http_body_util::{BodyExt, Empty, Limited};
use hyper::body::Bytes;
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

/// A policy's text under way.
pub type Fetching<'a> = Pin<Box<dyn Future<Output = anyhow::Result<String>> + Send + 'a>>;

/// Fetches the policy of a domain.
pub trait Fetch: Send + Sync + 'static {
    /// The text at `https://mta-sts.DOMAIN/.well-known/mta-sts.txt`.
    fn policy<'a>(&'a self, domain: &'a str) -> Fetching<'a>;
}

/// Over the network.
pub struct Https {
    directory: Arc<dyn Directory>,
    tls: Arc<ClientConfig>,
    port: u16,
}

impl Https {
    /// Asks at port 443 of what `directory` finds, believing what `tls` believes.
    pub fn new(directory: Arc<dyn Directory>, tls: Arc<ClientConfig>) -> Self {
        Https {
            directory,
            tls,
            port: 443,
        }
    }

    /// The same at another port: for tests.
    #[must_use]
    pub fn at_port(self, port: u16) -> Self {
        Https { port, ..self }
    }

    async fn ask(&self, domain: &str) -> anyhow::Result<String> {
        let host = format!("mta-sts.{domain}");
        let found = self.directory.addresses(&host).await;
        let found = found.map_err(|(NoRoute::Never(why) | NoRoute::NotNow(why))| anyhow::anyhow!(why))?;
        let address = found.first().context("no address")?;
        let stream = TcpStream::connect(SocketAddr::new(address.ip(), self.port)).await?;
        let name = ServerName::try_from(host.clone()).context("no name for a certificate")?;
        let stream = TlsConnector::from(Arc::clone(&self.tls)).connect(name, stream).await?;
        let (mut asker, connection) = hyper::client::conn::http1::Builder::new()
            .max_buf_size(limits::STS_POLICY_BYTES)
            .handshake(TokioIo::new(stream))
            .await?;
        let request = hyper::Request::get("/.well-known/mta-sts.txt")
            .header("host", host.as_str())
            .header("user-agent", "duly")
            .body(Empty::<Bytes>::new())?;
        // It owns the asker: when it is done, the connection is, too.
        let exchange = async move {
            let answer = asker.send_request(request).await?;
            // Not a redirect either (§3.3): whoever holds only a page of the domain must not speak for its mail.
            ensure!(answer.status() == 200, "the server says {}", answer.status());
            let kind = answer.headers().get("content-type").and_then(|kind| kind.to_str().ok());
            let is_plain = kind.is_some_and(|kind| {
                kind.split(';')
                    .next()
                    .is_some_and(|kind| kind.trim().eq_ignore_ascii_case("text/plain"))
            });
            ensure!(is_plain, "the policy is not text/plain");
            let body = Limited::new(answer.into_body(), limits::STS_POLICY_BYTES)
                .collect()
                .await;
            let body = body.map_err(|cause| anyhow::anyhow!("the policy did not come whole: {cause}"))?;
            Ok(String::from_utf8(body.to_bytes().to_vec())?)
        };
        let (told, _) = tokio::join!(exchange, connection);
        told
    }
}

impl Fetch for Https {
    fn policy<'a>(&'a self, domain: &'a str) -> Fetching<'a> {
        Box::pin(async move {
            let wait = Duration::from_secs(limits::STS_FETCH_SECONDS);
            tokio::time::timeout(wait, self.ask(domain))
                .await
                .context("no answer in time")?
        })
    }
}
