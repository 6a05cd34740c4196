//! The world that mail leaves into: given to a desk, so that a test can give it another one.

use crate::mail::send::{self, Directory, Dns, Fetch, Https, Waits};
use hickory_resolver::TokioResolver;
use std::sync::Arc;

/// What the desk asks and believes when it sends to the mail hosts of a domain.
#[derive(Clone)]
pub struct Outside {
    /// Finds hosts, addresses and texts.
    pub directory: Arc<dyn Directory>,
    /// Fetches policies.
    pub fetch: Arc<dyn Fetch>,
    /// Whose certificates are believed.
    pub tls: Arc<rustls::ClientConfig>,
    /// How long servers are waited for.
    pub waits: Waits,
}

impl Outside {
    /// The real one: the desk's resolver and the system's roots.
    pub fn real(resolver: TokioResolver) -> anyhow::Result<Outside> {
        let directory: Arc<dyn Directory> = Arc::new(Dns::of(resolver));
        let tls = send::system_tls()?;
        Ok(Outside {
            fetch: Arc::new(Https::new(Arc::clone(&directory), Arc::clone(&tls))),
            directory,
            tls,
            waits: Waits::default(),
        })
    }
}
