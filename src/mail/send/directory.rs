//! Which hosts take mail for a domain (RFC 5321 §5.1, RFC 7505).
//!
//! The resolver stands behind a trait, so that tests need no network; what the records mean is decided here, once.

use super::is_outside;
use hickory_resolver::TokioResolver;
use hickory_resolver::net::NetError;
use hickory_resolver::proto::rr::RData;
use std::future::Future;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;

/// An answer under way.
pub type Answering<'a, T> = Pin<Box<dyn Future<Output = Result<T, NoRoute>> + Send + 'a>>;

/// Why there is nowhere to send to, in words for the case page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NoRoute {
    /// The domain does not exist or takes no mail.
    Never(String),
    /// The resolver does not know now.
    NotNow(String),
}

/// Asks for records.
pub trait Directory: Send + Sync + 'static {
    /// The MX records of a domain, preference and host as they stand; empty if the domain exists without any.
    fn mx<'a>(&'a self, domain: &'a str) -> Answering<'a, Vec<(u16, String)>>;

    /// The addresses of a mail host, with the port to call.
    fn addresses<'a>(&'a self, host: &'a str) -> Answering<'a, Vec<SocketAddr>>;

    /// The TXT records of a name, their pieces joined; empty if there are none.
    fn txt<'a>(&'a self, name: &'a str) -> Answering<'a, Vec<String>>;
}

/// The hosts of a domain, best first.
pub(super) async fn mail_hosts(directory: &dyn Directory, domain: &str) -> Result<Vec<String>, NoRoute> {
    if domain.starts_with('[') {
        return Ok(vec![domain.to_owned()]);
    }
    let mut records = directory.mx(domain).await?;
    if records.is_empty() {
        return Ok(vec![domain.to_owned()]);
    }
    records.retain(|(_, host)| !host.trim_end_matches('.').is_empty());
    if records.is_empty() {
        return Err(NoRoute::Never(format!("{domain} says that it takes no mail (null MX)")));
    }
    // Equal preferences share the load: any order will do that is not always the same.
    let mut salt = [0; 8];
    let _ = getrandom::fill(&mut salt);
    let salt = u64::from_le_bytes(salt);
    let mixed = |host: &str| {
        host.bytes()
            .fold(salt, |h, b| (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3))
    };
    records.sort_by_key(|(preference, host)| (*preference, mixed(host)));
    Ok(records
        .into_iter()
        .map(|(_, host)| host.trim_end_matches('.').to_owned())
        .collect())
}

/// The machine's resolver.
pub struct Dns {
    resolver: TokioResolver,
}

impl Dns {
    /// Asks this resolver.
    pub fn of(resolver: TokioResolver) -> Self {
        Dns { resolver }
    }
}

impl Directory for Dns {
    fn mx<'a>(&'a self, domain: &'a str) -> Answering<'a, Vec<(u16, String)>> {
        Box::pin(async move {
            // The dot says that no search domain of this machine is to be added.
            match self
                .resolver
                .mx_lookup(format!("{}.", domain.trim_end_matches('.')))
                .await
            {
                Ok(found) => Ok(found
                    .answers()
                    .iter()
                    .filter_map(|record| match &record.data {
                        RData::MX(mx) => Some((mx.preference, mx.exchange.to_ascii())),
                        _ => None,
                    })
                    .collect()),
                Err(error) if error.is_nx_domain() => {
                    Err(NoRoute::Never(format!("the domain {domain} does not exist")))
                }
                Err(error) if error.is_no_records_found() => Ok(Vec::new()),
                Err(error) => Err(not_now(domain, &error)),
            }
        })
    }

    fn addresses<'a>(&'a self, host: &'a str) -> Answering<'a, Vec<SocketAddr>> {
        Box::pin(async move {
            let found: Vec<IpAddr> = match literal(host) {
                Some(address) => vec![address],
                None => match self
                    .resolver
                    .lookup_ip(format!("{}.", host.trim_end_matches('.')))
                    .await
                {
                    Ok(found) => found.iter().collect(),
                    Err(error) if error.is_nx_domain() || error.is_no_records_found() => {
                        return Err(NoRoute::Never(format!("the mail host {host} has no address")));
                    }
                    Err(error) => return Err(not_now(host, &error)),
                },
            };
            let outside: Vec<_> = found
                .into_iter()
                .filter(|a| is_outside(*a))
                .map(|a| SocketAddr::new(a, 25))
                .collect();
            if outside.is_empty() {
                return Err(NoRoute::Never(format!(
                    "the mail host {host} is this machine by its own word"
                )));
            }
            Ok(outside)
        })
    }

    fn txt<'a>(&'a self, name: &'a str) -> Answering<'a, Vec<String>> {
        Box::pin(async move {
            match self
                .resolver
                .txt_lookup(format!("{}.", name.trim_end_matches('.')))
                .await
            {
                Ok(found) => Ok(found
                    .answers()
                    .iter()
                    .filter_map(|record| match &record.data {
                        RData::TXT(txt) => Some(joined(&txt.txt_data)),
                        _ => None,
                    })
                    .collect()),
                Err(error) if error.is_nx_domain() || error.is_no_records_found() => Ok(Vec::new()),
                Err(error) => Err(not_now(name, &error)),
            }
        })
    }
}

fn joined(pieces: &[Box<[u8]>]) -> String {
    pieces.iter().map(|piece| String::from_utf8_lossy(piece)).collect()
}

fn not_now(name: &str, error: &NetError) -> NoRoute {
    NoRoute::NotNow(format!("{name} could not be looked up: {error}"))
}

/// The address in `[192.0.2.1]` or `[IPv6:2001:db8::1]` (RFC 5321 §4.1.3).
fn literal(host: &str) -> Option<IpAddr> {
    let inner = host.strip_prefix('[')?.strip_suffix(']')?;
    let bare = inner
        .get(..5)
        .filter(|tag| tag.eq_ignore_ascii_case("IPv6:"))
        .map_or(inner, |tag| &inner[tag.len()..]);
    bare.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn address_literals_are_addresses() {
        assert_eq!(literal("[192.0.2.1]"), Some(IpAddr::from([192, 0, 2, 1])));
        assert_eq!(literal("[ipv6:2001:db8::1]"), "2001:db8::1".parse().ok());
        assert_eq!(literal("mx.example"), None);
        assert_eq!(literal("[mx.example]"), None);
    }
}
