//! Fetches a text over HTTPS: an MTA-STS policy (RFC 8461 §3.3), a feed of holidays. The certificate must be good, nothing
//! redirects, the answer is short and in time.
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

/// A text under way.
pub type Fetching<'a> = Pin<Box<dyn Future<Output = anyhow::Result<String>> + Send + 'a>>;

/// Fetches texts.
pub trait Fetch: Send + Sync + 'static {
    /// The policy of a domain, at `https://mta-sts.DOMAIN/.well-known/mta-sts.txt`.
    fn policy<'a>(&'a self, domain: &'a str) -> Fetching<'a>;
    /// A calendar, at an address that a lead entered.
    fn calendar<'a>(&'a self, url: &'a str) -> Fetching<'a>;
}

/// What is asked for.
struct Page<'a> {
    host: &'a str,
    port: u16,
    /// With its query.
    path: &'a str,
    most: usize,
    /// Whether only `text/plain` will do.
    is_plain: bool,
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

    async fn ask(&self, page: &Page<'_>) -> anyhow::Result<String> {
        let host = page.host;
        let found = self.directory.addresses(host).await;
        let found = found.map_err(|(NoRoute::Never(why) | NoRoute::NotNow(why))| anyhow::anyhow!(why))?;
        let address = found.first().context("no address")?;
        let stream = TcpStream::connect(SocketAddr::new(address.ip(), page.port)).await?;
        let name = ServerName::try_from(host.to_owned()).context("no name for a certificate")?;
        let stream = TlsConnector::from(Arc::clone(&self.tls)).connect(name, stream).await?;
        let (mut asker, connection) = hyper::client::conn::http1::Builder::new()
            .max_buf_size(limits::STS_POLICY_BYTES)
            .handshake(TokioIo::new(stream))
            .await?;
        let request = hyper::Request::get(page.path)
            .header("host", host)
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
            ensure!(is_plain || !page.is_plain, "the text is not text/plain");
            let body = Limited::new(answer.into_body(), page.most).collect().await;
            let body = body.map_err(|cause| anyhow::anyhow!("the text did not come whole: {cause}"))?;
            Ok(String::from_utf8(body.to_bytes().to_vec())?)
        };
        let (told, _) = tokio::join!(exchange, connection);
        told
    }

    async fn in_time(&self, page: Page<'_>, seconds: u64) -> anyhow::Result<String> {
        tokio::time::timeout(Duration::from_secs(seconds), self.ask(&page))
            .await
            .context("no answer in time")?
    }
}

impl Fetch for Https {
    fn policy<'a>(&'a self, domain: &'a str) -> Fetching<'a> {
        Box::pin(async move {
            let host = format!("mta-sts.{domain}");
            let page = Page {
                host: &host,
                port: self.port,
                path: "/.well-known/mta-sts.txt",
                most: limits::STS_POLICY_BYTES,
                is_plain: true,
            };
            self.in_time(page, limits::STS_FETCH_SECONDS).await
        })
    }

    fn calendar<'a>(&'a self, url: &'a str) -> Fetching<'a> {
        Box::pin(async move {
            let at: hyper::Uri = url.parse().context("no address")?;
            ensure!(at.scheme_str() == Some("https"), "the address is not https");
            let page = Page {
                host: at.host().context("no host in the address")?,
                port: at.port_u16().unwrap_or(self.port),
                path: at.path_and_query().map_or("/", |path| path.as_str()),
                most: limits::HOLIDAY_FILE_BYTES as usize,
                is_plain: false,
            };
            self.in_time(page, limits::FEED_SECONDS).await
        })
    }
}
