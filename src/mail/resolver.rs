//! The one resolver of the desk: names of mail hosts, and what senders publish about their mail.
//!
//! Answers are kept for as long as they say, an hour at most; a server that does not answer is given up after seconds, since
//! mail waits for it.

use crate::limits;
use anyhow::{Context, anyhow};
use hickory_resolver::TokioResolver;
use hickory_resolver::config::{ConnectionConfig, NameServerConfig, ResolverConfig, ResolverOpts};
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::system_conf::read_system_conf;
use std::net::SocketAddr;
use std::time::Duration;

/// A resolver that asks `server` (`host:port`), or the servers that the system names where that is empty.
///
/// # Errors
/// If `server` is no address, or the system's configuration is of no use.
pub fn resolver(server: &str) -> anyhow::Result<TokioResolver> {
    let (config, mut options) = match server {
        "" => read_system_conf().context("read the system's resolver configuration")?,
        server => {
            let at: SocketAddr = server
                .parse()
                .map_err(|_| anyhow!("\"{server}\" is no \"address:port\" of a name server"))?;
            let on_port = |mut connection: ConnectionConfig| {
                connection.port = at.port();
                connection
            };
            let connections = [ConnectionConfig::udp(), ConnectionConfig::tcp()].map(on_port).to_vec();
            let server = NameServerConfig::new(at.ip(), true, connections);
            (
                ResolverConfig::from_parts(None, Vec::new(), vec![server]),
                ResolverOpts::default(),
            )
        }
    };
    options.timeout = Duration::from_secs(limits::DNS_SECONDS);
    options.attempts = 1;
    options.cache_size = limits::DNS_ANSWERS_KEPT;
    options.positive_max_ttl = Some(Duration::from_secs(limits::DNS_KEPT_SECONDS));
    options.negative_max_ttl = Some(Duration::from_secs(limits::DNS_KEPT_SECONDS));
    Ok(
        TokioResolver::builder_with_config(config, TokioRuntimeProvider::default())
            .with_options(options)
            .build()?,
    )
}
