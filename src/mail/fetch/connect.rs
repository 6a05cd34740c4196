//! Connections to servers that hold mail: reached in bounded time, encrypted with a certificate that is good for the name.

use super::Account;
use crate::limits;
use anyhow::{Context, bail};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

/// A connection, encrypted or not.
pub(super) trait Duplex: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Duplex for T {}

fn patience() -> Duration {
    Duration::from_secs(limits::FETCH_REPLY_SECONDS)
}

/// A connection that is not encrypted yet.
pub(super) async fn plain(account: &Account) -> anyhow::Result<TcpStream> {
    let (host, port) = (account.host.as_str(), account.port);
    let stream = timeout(patience(), TcpStream::connect((host, port)))
        .await
        .with_context(|| format!("{host}:{port} does not answer"))?
        .with_context(|| format!("connect to {host}:{port}"))?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// The same, encrypted. A certificate that is not good for the name ends it: what follows is a password.
pub(super) async fn secure(account: &Account, stream: TcpStream) -> anyhow::Result<Box<dyn Duplex>> {
    let name = ServerName::try_from(account.host.clone()).context("the server's name is no name")?;
    let connector = TlsConnector::from(Arc::new(settings(account)?));
    let stream = timeout(patience(), connector.connect(name, stream))
        .await
        .context("the handshake does not end")?
        .context("the handshake failed")?;
    Ok(Box::new(stream))
}

fn settings(account: &Account) -> anyhow::Result<ClientConfig> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if let Some(path) = &account.roots {
        for certificate in CertificateDer::pem_file_iter(path).with_context(|| format!("read {}", path.display()))? {
            roots.add(certificate.with_context(|| format!("read {}", path.display()))?)?;
        }
    }
    if roots.is_empty() {
        bail!("this system has no trusted certificates, and the setting names none (ca=FILE)");
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    Ok(ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth())
}
