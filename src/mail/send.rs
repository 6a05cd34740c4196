//! Sends one mail to one address and says truly what came of it.
//!
//! Promises. The receiver gets exactly the bytes given: dot-stuffing is undone by the other side, nothing else is
//! touched. `Accepted` is said only after the answer to the final dot. A mail that may have been taken though we never
//! heard so is [`Delivery::Unknown`] (RFC 1047) and tried at no further host: whether to double it is the outbox's
//! decision. The server's own words are kept.
//!
//! The client is our own and not lettre's, which adds an empty line to a mail that ends in CR LF, turns a refusal in
//! Latin-1 into a network error (and so an acceptance into "unknown"), reads an answer without line end into memory
//! without limit, keeps plaintext answers over a TLS handshake, and copies each mail. All that is left after working
//! around it is what stands in `dialogue`.
//!
//! One connection a mail: a desk's mails go to many servers, and a dead connection is the costliest thing to reuse.

mod dialogue;
mod directory;
mod fetch;
mod sts;
#[cfg(test)]
mod tests;

pub use directory::{Answering, Directory, Dns, NoRoute};
pub use fetch::{Fetch, Fetching, Https};
pub use sts::{Mode, Policy, record_id};

use crate::limits;
use crate::mail::session::is_address;
use dialogue::{Attempt, End, Stage, TlsUse};
use hickory_resolver::TokioResolver;
use jiff::{SignedDuration, Timestamp};
use rustls::ClientConfig;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

/// Where mail goes.
#[derive(Debug, Clone)]
pub enum Route {
    /// Everything to one server that passes it on.
    Relay {
        /// Name or address of the server.
        host: String,
        /// Its port; 25 or 587.
        port: u16,
        /// With it the connection must be encrypted and the certificate good; else encryption is opportunistic, and
        /// on loopback there is none.
        login: Option<Login>,
    },
    /// To the mail hosts of each recipient's domain (RFC 5321 §5.1).
    Mx,
}

/// Name and password at a relay.
#[derive(Clone)]
pub struct Login {
    /// The name.
    pub name: String,
    /// The password.
    pub password: String,
}

impl std::fmt::Debug for Login {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Login")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

/// What came of one try.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Delivery {
    /// The server took responsibility.
    Accepted {
        /// The server's name.
        server: String,
        /// Its words.
        reply: String,
    },
    /// Not now; try again after [`backoff`].
    Deferred {
        /// The server that said so; none if there was nobody to talk to.
        server: Option<String>,
        /// Its words, or what went wrong.
        reply: String,
        /// It was the recipient's own server (not our relay) that answered: a promise kept in time stays kept (PRODUCT.md §3.3).
        first_try_reached_customer_server: bool,
    },
    /// Never.
    Failed {
        /// The server that said so; none if it never came to that.
        server: Option<String>,
        /// Its words, or the reason.
        reply: String,
    },
    /// The whole mail was sent, and no answer came: it was taken or it was not (RFC 1047).
    Unknown {
        /// The server that fell silent.
        server: String,
        /// What happened instead of an answer.
        reply: String,
    },
}

/// How long a courier waits.
#[derive(Debug, Clone)]
pub struct Waits {
    /// For a connection and for a TLS handshake.
    pub connect: Duration,
    /// For the answer to a command, and for a block of the mail to be read.
    pub reply: Duration,
    /// For the answer to the final dot.
    pub dot: Duration,
}

impl Default for Waits {
    fn default() -> Self {
        Waits {
            connect: Duration::from_secs(limits::DELIVERY_CONNECT_SECONDS),
            reply: Duration::from_secs(limits::DELIVERY_REPLY_SECONDS),
            dot: Duration::from_secs(limits::DELIVERY_DOT_SECONDS),
        }
    }
}

/// Carries mail out. Cheap to share, keeps nothing between mails.
pub struct Courier {
    route: Route,
    helo: String,
    directory: Arc<dyn Directory>,
    waits: Waits,
    /// Any certificate: encryption against listeners-in only (RFC 7435).
    any: Arc<ClientConfig>,
    /// Servers whose certificate the system's roots vouch for.
    verified: Arc<ClientConfig>,
}

impl Courier {
    /// A courier that asks this resolver and calls itself `helo`.
    ///
    /// # Errors
    /// If the TLS library does not work.
    pub fn new(route: Route, helo: String, resolver: TokioResolver) -> anyhow::Result<Self> {
        let directory = Arc::new(Dns::of(resolver));
        Courier::with(route, helo, directory, Waits::default())
    }

    /// A courier that asks `directory` instead.
    ///
    /// # Errors
    /// If the TLS library does not work.
    pub fn with(route: Route, helo: String, directory: Arc<dyn Directory>, waits: Waits) -> anyhow::Result<Self> {
        Ok(Courier {
            route,
            helo,
            directory,
            waits,
            any: dialogue::any_tls()?,
            verified: system_tls()?,
        })
    }

    /// The same, but trusting these certificates' makers instead of the system's.
    #[must_use]
    pub fn trusting(self, verified: Arc<ClientConfig>) -> Self {
        Courier { verified, ..self }
    }

    /// Whether mail goes to the mail hosts of each domain, so that the domain's policy counts.
    pub fn asks_mail_hosts(&self) -> bool {
        matches!(self.route, Route::Mx)
    }

    /// Sends `raw` from `from` (empty: the null return path) to `to`.
    ///
    /// `raw` must use CR LF: bare CR or LF are refused, since servers differ in what they make of them and the reader
    /// would not get what was written. A last line without CR LF gets one, as SMTP knows no other.
    ///
    /// With a policy that says *enforce* only the mail hosts that it names are tried, encrypted and with a certificate
    /// in their name (RFC 8461 §4.2).
    pub async fn deliver(&self, from: &str, to: &str, raw: &[u8], policy: Option<&Policy>) -> Delivery {
        if let Err(reply) = fit_to_send(from, to, raw) {
            return Delivery::Failed { server: None, reply };
        }
        match &self.route {
            Route::Relay { host, port, login } => self.to_relay(host, *port, login.as_ref(), from, to, raw).await,
            Route::Mx => self.to_mail_hosts(from, to, raw, policy).await,
        }
    }

    async fn to_relay(
        &self,
        host: &str,
        port: u16,
        login: Option<&Login>,
        from: &str,
        to: &str,
        raw: &[u8],
    ) -> Delivery {
        let mut outcome = Verdict::new(false);
        let found = tokio::net::lookup_host((host, port)).await;
        let addresses: Vec<SocketAddr> = match found {
            Ok(found) => found.take(limits::MAIL_HOST_ADDRESSES).collect(),
            Err(error) => {
                return outcome.nobody(format!("the relay {host} was not found: {error}"));
            }
        };
        let tls = |address: &SocketAddr| match login {
            Some(_) => TlsUse::Required(&self.verified),
            None if address.ip().to_canonical().is_loopback() => TlsUse::Never,
            None => TlsUse::IfOffered(&self.any),
        };
        let attempt = Attempt {
            helo: &self.helo,
            host,
            login,
            from,
            to,
            raw,
            waits: &self.waits,
        };
        match self.to_host(&attempt, &addresses, tls, &mut outcome).await {
            Some(delivery) => delivery,
            None => outcome.end(),
        }
    }

    async fn to_mail_hosts(&self, from: &str, to: &str, raw: &[u8], policy: Option<&Policy>) -> Delivery {
        let mut outcome = Verdict::new(true);
        // `is_address` has seen to it that there is a domain, but for a lone postmaster.
        let Some((_, domain)) = to.rsplit_once('@') else {
            return Delivery::Failed {
                server: None,
                reply: "this address has no domain to send to".to_owned(),
            };
        };
        let hosts = match directory::mail_hosts(&*self.directory, domain).await {
            Ok(hosts) => hosts,
            Err(NoRoute::Never(reply)) => {
                return Delivery::Failed { server: None, reply };
            }
            Err(NoRoute::NotNow(reply)) => return outcome.nobody(reply),
        };
        let enforced = policy.filter(|policy| policy.mode == Mode::Enforce);
        for host in hosts.iter().take(limits::MAIL_HOSTS) {
            if enforced.is_some_and(|policy| !policy.names(host)) {
                outcome.remark(format!(
                    "{host} is not among the mail hosts that the policy of {domain} names (MTA-STS)"
                ));
                continue;
            }
            let mut addresses = match self.directory.addresses(host).await {
                Ok(addresses) => addresses,
                Err(NoRoute::Never(reply) | NoRoute::NotNow(reply)) => {
                    outcome.remark(reply);
                    continue;
                }
            };
            addresses.truncate(limits::MAIL_HOST_ADDRESSES);
            let attempt = Attempt {
                helo: &self.helo,
                host,
                login: None,
                from,
                to,
                raw,
                waits: &self.waits,
            };
            let tls = |_: &SocketAddr| match enforced {
                Some(_) => TlsUse::Required(&self.verified),
                None => TlsUse::IfOffered(&self.any),
            };
            if let Some(delivery) = self.to_host(&attempt, &addresses, tls, &mut outcome).await {
                return delivery;
            }
        }
        outcome.end()
    }

    /// Tries the addresses of one host until one answers; `None` if another host may be tried.
    async fn to_host<'t>(
        &self,
        attempt: &Attempt<'_>,
        addresses: &[SocketAddr],
        tls: impl Fn(&SocketAddr) -> TlsUse<'t>,
        outcome: &mut Verdict,
    ) -> Option<Delivery> {
        let server = attempt.host.to_owned();
        for address in addresses {
            let mut end = attempt.run(*address, tls(address)).await;
            if let End::Unencryptable(_) = end {
                // Opportunistic: a handshake that fails must not keep mail that would go in the clear (RFC 7435 §3).
                end = attempt.run(*address, TlsUse::Never).await;
            }
            match end {
                End::Accepted(said) => {
                    return Some(Delivery::Accepted {
                        server,
                        reply: said.words(),
                    });
                }
                End::Silent(what) => {
                    return Some(Delivery::Unknown { server, reply: what });
                }
                End::Unfit(reply) => {
                    return Some(Delivery::Failed {
                        server: Some(server),
                        reply,
                    });
                }
                End::Refused(Stage::Mail, said) if said.code >= 500 => {
                    return Some(Delivery::Failed {
                        server: Some(server),
                        reply: said.words(),
                    });
                }
                End::Refused(stage, said) => {
                    outcome.refused(server, stage, said.code >= 500, said.words());
                    return None;
                }
                End::Unencryptable(what) | End::Broken(what) => outcome.remark(format!("{server}: {what}")),
            }
        }
        None
    }
}

/// Servers whose certificate the system's roots vouch for.
///
/// # Errors
/// If the TLS library has no versions to offer.
pub fn system_tls() -> anyhow::Result<Arc<ClientConfig>> {
    dialogue::verified_tls()
}

/// What is known when no host took the mail: a server's word counts more than a connection that failed.
struct Verdict {
    customers_own: bool,
    refused: Option<(String, String)>,
    /// Every mail host of the customer will never talk to us (5xx before any mail was mentioned). A relay that says so
    /// is misconfigured, and that passes.
    all_never: bool,
    remark: Option<String>,
}

impl Verdict {
    fn new(customers_own: bool) -> Self {
        Verdict {
            customers_own,
            refused: None,
            all_never: customers_own,
            remark: None,
        }
    }

    fn refused(&mut self, server: String, stage: Stage, never: bool, words: String) {
        self.all_never &= never && stage == Stage::Greeting;
        self.refused = Some((server, words));
    }

    fn remark(&mut self, what: String) {
        self.all_never = false;
        self.remark = Some(what);
    }

    fn nobody(mut self, reply: String) -> Delivery {
        self.remark(reply);
        self.end()
    }

    fn end(self) -> Delivery {
        match self.refused {
            Some((server, reply)) if self.all_never => Delivery::Failed {
                server: Some(server),
                reply,
            },
            Some((server, reply)) => Delivery::Deferred {
                server: Some(server),
                reply,
                first_try_reached_customer_server: self.customers_own,
            },
            None => Delivery::Deferred {
                server: None,
                reply: clean(&self.remark.unwrap_or_else(|| "the mail host has no address".to_owned())),
                first_try_reached_customer_server: false,
            },
        }
    }
}

fn fit_to_send(from: &str, to: &str, raw: &[u8]) -> Result<(), String> {
    if !(from.is_empty() || is_address(from)) {
        return Err("the sender is no mail address".to_owned());
    }
    if !is_address(to) {
        return Err("the recipient is no mail address".to_owned());
    }
    let mut before = 0;
    for (at, &byte) in raw.iter().enumerate() {
        let is_bare = match byte {
            b'\n' => before != b'\r',
            b'\r' => raw.get(at + 1) != Some(&b'\n'),
            _ => false,
        };
        if is_bare {
            return Err("the mail has a line that does not end in CR LF".to_owned());
        }
        before = byte;
    }
    Ok(())
}

/// Words from outside, made fit for a page and a log: no control characters, bounded.
fn clean(words: &str) -> String {
    let mut clean: String = words
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(limits::SMTP_REPLY_BYTES)
        .collect();
    clean.truncate(clean.trim_end().len());
    clean
}

/// Wait before the next try after `tries` tries: 1, 5, 15, 30, 60 minutes, then every 2 hours.
pub fn backoff(tries: u32) -> Duration {
    let minutes = match tries {
        0 => 0,
        1 => 1,
        2 => 5,
        3 => 15,
        4 => 30,
        5 => 60,
        _ => 120,
    };
    Duration::from_secs(minutes * 60)
}

/// When to try again a mail first due at `first`, tried `tries` times, last at `now`; `None`: it has failed
/// ([`limits::DELIVERY_GIVE_UP_HOURS`]). The last try stands at the end of that time, however the steps fall.
pub fn next_try(first: Timestamp, tries: u32, now: Timestamp) -> Option<Timestamp> {
    let end = first
        .checked_add(SignedDuration::from_hours(limits::DELIVERY_GIVE_UP_HOURS))
        .ok()?;
    if now >= end {
        return None;
    }
    now.checked_add(backoff(tries)).ok().map(|next| next.min(end))
}

/// Whether mail may be sent to a host at this address: what a stranger's MX names must not reach into this machine.
pub(crate) fn is_outside(address: IpAddr) -> bool {
    let address = address.to_canonical();
    let link_local = match address {
        IpAddr::V4(v4) => v4.is_link_local() || v4.is_broadcast(),
        IpAddr::V6(v6) => v6.is_unicast_link_local(),
    };
    !(address.is_loopback() || address.is_unspecified() || address.is_multicast() || link_local)
}
