//! The world that mail leaves into, without a network: a resolver that reads from a book, policies from another, and
//! certificates by a maker of our own.

use duly::mail::send::{Answering, Directory, Fetch, Fetching, NoRoute, Waits};
use duly::serve::Outside;
use rustls::crypto::aws_lc_rs;
use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// What a resolver says of a domain's mail hosts.
pub type Mx = Result<Vec<(u16, String)>, NoRoute>;

/// A resolver without a network.
#[derive(Default)]
pub struct Book {
    pub mx: HashMap<String, Mx>,
    pub addresses: HashMap<String, Vec<SocketAddr>>,
    /// May change while it is read.
    pub txt: Mutex<HashMap<String, Vec<String>>>,
}

impl Book {
    /// One mail host `mx.DOMAIN` at an address.
    pub fn host(mut self, domain: &str, address: SocketAddr) -> Book {
        let host = format!("mx.{domain}");
        self.mx.insert(domain.to_owned(), Ok(vec![(10, host.clone())]));
        self.addresses.insert(host, vec![address]);
        self
    }

    /// Says something in a TXT record from now on.
    pub fn say(&self, name: &str, text: &str) {
        let mut txt = self.txt.lock().expect("no panic inside");
        txt.insert(name.to_owned(), vec![text.to_owned()]);
    }
}

impl Directory for Book {
    fn mx<'a>(&'a self, domain: &'a str) -> Answering<'a, Vec<(u16, String)>> {
        let found = self.mx.get(domain).cloned().unwrap_or_else(|| Ok(Vec::new()));
        Box::pin(async move { found })
    }

    fn addresses<'a>(&'a self, host: &'a str) -> Answering<'a, Vec<SocketAddr>> {
        let found = self.addresses.get(host).cloned();
        let found = found.ok_or_else(|| NoRoute::Never(format!("{host} has no address")));
        Box::pin(async move { found })
    }

    fn txt<'a>(&'a self, name: &'a str) -> Answering<'a, Vec<String>> {
        let found = self.txt.lock().expect("no panic inside").get(name).cloned();
        Box::pin(async move { Ok(found.unwrap_or_default()) })
    }
}

/// Policies by domain, and how often they were asked for.
#[derive(Default)]
pub struct Shelf {
    pub policies: Mutex<HashMap<String, String>>,
    pub asked: Mutex<Vec<String>>,
}

impl Shelf {
    pub fn put(&self, domain: &str, policy: &str) {
        let mut policies = self.policies.lock().expect("no panic inside");
        policies.insert(domain.to_owned(), policy.to_owned());
    }
}

impl Fetch for Shelf {
    fn policy<'a>(&'a self, domain: &'a str) -> Fetching<'a> {
        self.asked.lock().expect("no panic inside").push(domain.to_owned());
        let found = self.policies.lock().expect("no panic inside").get(domain).cloned();
        Box::pin(async move { found.ok_or_else(|| anyhow::anyhow!("404")) })
    }

    /// By its address, on the same shelf.
    fn calendar<'a>(&'a self, url: &'a str) -> Fetching<'a> {
        self.policy(url)
    }
}

/// Short waits: what is slow here is slow on purpose.
pub fn quick(wait: Duration) -> Waits {
    Waits {
        connect: wait,
        reply: wait,
        dot: wait,
    }
}

/// A maker of certificates.
pub struct Maker {
    issuer: rcgen::Issuer<'static, rcgen::KeyPair>,
    certificate: rustls::pki_types::CertificateDer<'static>,
}

impl Maker {
    pub fn new() -> Maker {
        let mut about = rcgen::CertificateParams::new(Vec::new()).expect("parameters");
        about.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        let key = rcgen::KeyPair::generate().expect("a key");
        let certificate = about.self_signed(&key).expect("a certificate").der().clone();
        Maker {
            issuer: rcgen::Issuer::new(about, key),
            certificate,
        }
    }

    /// A server with a certificate in this name.
    pub fn server(&self, name: &str) -> Arc<rustls::ServerConfig> {
        let key = rcgen::KeyPair::generate().expect("a key");
        let about = rcgen::CertificateParams::new(vec![name.to_owned()]).expect("parameters");
        let certificate = about.signed_by(&key, &self.issuer).expect("a certificate");
        let key = rustls::pki_types::PrivateKeyDer::try_from(key.serialize_der()).expect("a key");
        let config = rustls::ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key);
        Arc::new(config.expect("a server"))
    }

    /// Who believes this maker and nobody else.
    pub fn believed(&self) -> Arc<rustls::ClientConfig> {
        let mut roots = rustls::RootCertStore::empty();
        roots.add(self.certificate.clone()).expect("a root");
        let config = rustls::ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_root_certificates(roots)
            .with_no_client_auth();
        Arc::new(config)
    }
}

/// All of it for a desk.
pub fn outside(book: &Arc<Book>, shelf: &Arc<Shelf>, maker: &Maker, wait: Duration) -> Outside {
    Outside {
        directory: Arc::clone(book) as Arc<dyn Directory>,
        fetch: Arc::clone(shelf) as Arc<dyn Fetch>,
        tls: maker.believed(),
        waits: quick(wait),
    }
}
