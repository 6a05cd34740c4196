//! Certificates of the server: from files, or one of our own making.

use anyhow::Context as _;
use rustls::ServerConfig;
use std::path::Path;
use std::sync::Arc;

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
