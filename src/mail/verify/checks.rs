//! The checks themselves: what is asked of the name servers about one mail, all of it side by side.
//!
//! A signature counts only if it covers From and Subject, covers the whole body, is not SHA-1, not older than
//! [`limits::DKIM_AGE_DAYS`] (a signed mail can be sent again by anybody), and if no field stands twice of which it could
//! cover one (RFC 6376 §8.15). SPF is asked about the return path only (DMARC aligns nothing else), and not at all where a
//! gateway of ours handed the mail over. Of ARC only chains count whose every sealer is believed: a seal says who passed a
//! mail on, not that he is honest.

use super::author::{Head, head};
use super::body::{Scan, Scanned};
use super::judge::{Check, Ended, Found, judge};
use super::results::{self, Said};
use super::{Mail, Question};
use crate::desk::origin::{Finding, Origin};
use crate::limits;
use hickory_resolver::TokioResolver;
use mail_auth::common::crypto::{Algorithm, HashAlgorithm};
use mail_auth::dkim::Canonicalization;
use mail_auth::dmarc::verify::DmarcParameters;
use mail_auth::spf::verify::SpfParameters;
use mail_auth::{
    AuthenticatedMessage, DkimOutput, DkimResult, DmarcResult, MessageAuthenticator, SpfOutput, SpfResult,
    common::to_a_label,
};
use std::net::IpAddr;
use std::sync::Arc;

/// Networks, as `10.0.0.0/8` or a single address.
#[derive(Debug, Clone, Default)]
pub struct Networks(Vec<(IpAddr, u8)>);

impl Networks {
    /// Reads a list.
    ///
    /// # Errors
    /// The entry that is none.
    pub fn read(list: &[String]) -> Result<Networks, String> {
        let network = |text: &String| {
            let (address, bits) = text.split_once('/').unwrap_or((text, ""));
            let address: IpAddr = address.trim().parse().map_err(|_| text.clone())?;
            let most = if address.is_ipv4() { 32 } else { 128 };
            let bits = match bits {
                "" => most,
                bits => bits
                    .trim()
                    .parse()
                    .ok()
                    .filter(|bits| *bits <= most)
                    .ok_or_else(|| text.clone())?,
            };
            Ok((address, bits))
        };
        list.iter().map(network).collect::<Result<_, _>>().map(Networks)
    }

    /// Whether an address is in one of them.
    pub fn contain(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.0.iter().any(|(network, bits)| match (network, address) {
            (IpAddr::V4(network), IpAddr::V4(address)) => {
                let shift = 32 - u32::from(*bits);
                u32::from(*network).checked_shr(shift) == u32::from(address).checked_shr(shift)
            }
            (IpAddr::V6(network), IpAddr::V6(address)) => {
                let shift = 128 - u32::from(*bits);
                u128::from(*network).checked_shr(shift) == u128::from(address).checked_shr(shift)
            }
            _ => false,
        })
    }
}

/// What the checks need to know of the desk.
pub struct Checks {
    dns: MessageAuthenticator,
    /// What this server calls itself.
    host: String,
    /// Hosts whose Authentication-Results, and sealers whose ARC seals, are believed. Lower case.
    believed: Vec<String>,
    /// Hosts that hand over mail which others sent: their own address says nothing of the sender.
    gateways: Networks,
}

impl Checks {
    /// Checks that ask this resolver.
    pub fn new(resolver: TokioResolver, host: String, believed: &[String], gateways: Networks) -> Checks {
        Checks {
            dns: MessageAuthenticator(resolver),
            host,
            believed: believed.iter().map(|one| one.to_lowercase()).collect(),
            gateways,
        }
    }

    fn believes(&self, host: &str) -> bool {
        self.believed.iter().any(|one| one == host)
    }

    /// What is found out about one mail.
    pub async fn origin(&self, question: &Question) -> Origin {
        let scanned = match &question.mail {
            Mail::Whole(bytes) => Arc::new(Scan::whole(bytes)),
            Mail::Scanned(scanned) => Arc::clone(scanned),
        };
        let raw = scanned.head.as_slice();
        let head = match head(raw) {
            Ok(head) => head,
            Err(why) => return unclear(why),
        };
        let author = match head.author() {
            Ok(author) => author,
            Err(why) => return unclear(why),
        };
        let Some(mut message) = AuthenticatedMessage::parse(raw) else {
            return unclear("its header could not be read");
        };
        if message.headers.len() != head.fields.len() {
            return unclear("programs read its header differently");
        }
        message.from = vec![author.clone()];
        hash_bodies(&mut message, &scanned);
        let domain = domain_of(&author);
        let refused = keep_useful(&mut message, &head, &domain, question);
        let peer: Option<IpAddr> = question.peer.parse().ok();
        let through_gateway = question.way != "smtp" || peer.is_none_or(|peer| self.gateways.contain(peer));
        let (spf, dkim, arc) = tokio::join!(
            self.spf(question, peer.filter(|_| !through_gateway)),
            self.dns.verify_dkim(&message),
            self.arc(&message, &head)
        );
        let return_path = match question.from.is_empty() {
            true => question.helo.as_str(),
            false => question.from.rsplit_once('@').map_or("", |(_, domain)| domain),
        };
        let parameters = DmarcParameters {
            message: &message,
            dkim_output: &dkim,
            dkim2_output: None,
            rfc5321_mail_from_domain: return_path,
            spf_output: &spf,
        };
        let dmarc = self.dns.verify_dmarc(mail_auth::Parameters::new(parameters)).await;
        let (arc, sealed) = arc;
        let by_gateway = match through_gateway && !self.believed.is_empty() {
            true => results::of_believed(&head, |host| self.believes(host)),
            false => None,
        };
        let mut checks: Vec<Check> = dkim.iter().filter_map(dkim_check).collect();
        checks.extend(refused);
        let spf_domain = match spf.result() {
            SpfResult::None if through_gateway => String::new(),
            _ => to_a_label(return_path).into_owned(),
        };
        judge(&Found {
            author,
            domain,
            spf: Check {
                domain: spf_domain,
                ended: spf_ended(&spf),
                words: String::new(),
            },
            dkim: checks,
            dmarc: dmarc_ended(&dmarc.result()),
            arc,
            believed: by_gateway.or(sealed),
        })
    }

    async fn spf(&self, question: &Question, peer: Option<IpAddr>) -> SpfOutput {
        let Some(peer) = peer else {
            return SpfOutput::default();
        };
        let peer = peer.to_canonical();
        let parameters = match question.from.is_empty() {
            true => SpfParameters::verify_ehlo(peer, &question.helo, &self.host),
            false => SpfParameters::verify_mail_from(peer, &question.helo, &self.host, &question.from),
        };
        self.dns.verify_spf(parameters).await
    }

    /// How the chain of seals ended, and what its first sealer saw, if every sealer is believed.
    async fn arc(&self, message: &AuthenticatedMessage<'_>, head: &Head<'_>) -> (Ended, Option<Said>) {
        if self.believed.is_empty() || message.as_headers.is_empty() {
            return (Ended::None, None);
        }
        if message.as_headers.len() > limits::VERIFY_SIGNATURES || head.doubled().is_some() {
            return (Ended::Neutral, None);
        }
        let chain = self.dns.verify_arc(message).await;
        let ended = dkim_ended(chain.result());
        let all_believed = chain
            .sets()
            .iter()
            .all(|set| self.believes(&to_a_label(&set.seal.header.d)) && covers(&set.signature.header.h, head));
        let first = chain.sets().first().filter(|_| ended == Ended::Pass && all_believed);
        let said = first.and_then(|set| results::read(set.results.value, true));
        // What counts is who sealed, and that is known; the name he gives himself in the field is his own affair.
        (ended, said)
    }
}

/// Puts our own hashes of the body in the place of those that were taken of the header alone.
fn hash_bodies(message: &mut AuthenticatedMessage<'_>, scanned: &Scanned) {
    for (canonical, algorithm, length, hash) in &mut message.body_hashes {
        *hash = match (canonical, algorithm, length) {
            (Canonicalization::Simple, HashAlgorithm::Sha256, 0) => scanned.simple.clone(),
            (Canonicalization::Relaxed, HashAlgorithm::Sha256, 0) => scanned.relaxed.clone(),
            // What proves nothing matches nothing.
            _ => Vec::new(),
        };
    }
}

/// Drops signatures that prove nothing and those beyond the limit; what is to be said of them.
fn keep_useful(
    message: &mut AuthenticatedMessage<'_>,
    head: &Head<'_>,
    author_domain: &str,
    question: &Question,
) -> Vec<Check> {
    let doubled = head.doubled();
    let oldest = question.received_at.as_second() - limits::DKIM_AGE_DAYS * 86_400;
    let mut refused = Vec::new();
    message.dkim_headers.retain(|one| {
        let signature = &one.header;
        let why = if doubled.is_some() {
            Some("a field stands twice that may stand once")
        } else if !covers(&signature.h, head) {
            Some("it does not cover From and Subject")
        } else if signature.a == Algorithm::RsaSha1 {
            Some("SHA-1 proves nothing")
        } else if signature.t > 0 && i64::try_from(signature.t).is_ok_and(|signed| signed < oldest) {
            Some("it is too old")
        } else {
            None
        };
        if let Some(why) = why {
            refused.push(Check {
                domain: to_a_label(&signature.d).into_owned(),
                ended: Ended::Fail,
                words: why.to_owned(),
            });
        }
        why.is_none()
    });
    // The author's own first: others cannot crowd them out.
    message
        .dkim_headers
        .sort_by_key(|one| !author_domain.ends_with(to_a_label(&one.header.d).as_ref()));
    message.dkim_headers.truncate(limits::VERIFY_SIGNATURES);
    refused.truncate(limits::VERIFY_SIGNATURES);
    refused
}

/// Whether a signature covers what a reader is shown first.
fn covers(signed: &[String], head: &Head<'_>) -> bool {
    let has = |name: &str| signed.iter().any(|one| one.eq_ignore_ascii_case(name));
    has("from") && (has("subject") || !head.has("subject"))
}

fn unclear(why: &str) -> Origin {
    Origin {
        finding: Finding::Unclear,
        reason: format!("nobody can say who wrote it: {why}"),
        ..Origin::default()
    }
}

/// The author's domain, if there is one author.
pub fn author_domain(raw: &[u8]) -> Option<String> {
    let author = head(raw).ok()?.author().ok()?;
    Some(domain_of(&author))
}

fn domain_of(address: &str) -> String {
    let domain = address.rsplit_once('@').map_or("", |(_, domain)| domain);
    to_a_label(domain).into_owned()
}

fn dkim_check(output: &DkimOutput<'_>) -> Option<Check> {
    let signature = output.signature()?;
    let words = match output.result() {
        DkimResult::Neutral(error) | DkimResult::Fail(error) | DkimResult::PermError(error) => error.to_string(),
        DkimResult::TempError(_) => "its key could not be looked up".to_owned(),
        DkimResult::Pass | DkimResult::None => String::new(),
    };
    Some(Check {
        domain: to_a_label(&signature.d).into_owned(),
        ended: dkim_ended(output.result()),
        words,
    })
}

fn dkim_ended(result: &DkimResult) -> Ended {
    match result {
        DkimResult::Pass => Ended::Pass,
        DkimResult::Neutral(_) | DkimResult::Fail(_) | DkimResult::PermError(_) => Ended::Fail,
        DkimResult::TempError(_) => Ended::Trouble,
        DkimResult::None => Ended::None,
    }
}

fn spf_ended(output: &SpfOutput) -> Ended {
    match output.result() {
        SpfResult::Pass => Ended::Pass,
        SpfResult::Fail => Ended::Fail,
        SpfResult::SoftFail | SpfResult::Neutral | SpfResult::PermError => Ended::Neutral,
        SpfResult::TempError => Ended::Trouble,
        SpfResult::None => Ended::None,
    }
}

fn dmarc_ended(result: &DmarcResult) -> Ended {
    match result {
        DmarcResult::Pass => Ended::Pass,
        DmarcResult::Fail(_) | DmarcResult::PermError(_) => Ended::Fail,
        DmarcResult::TempError(_) => Ended::Trouble,
        DmarcResult::None => Ended::None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_contain_what_their_bits_say() {
        let list = ["10.0.0.0/8", "192.0.2.7", "2001:db8::/32", "0.0.0.0/32"].map(str::to_owned);
        let networks = Networks::read(&list).unwrap();
        for inside in ["10.1.2.3", "192.0.2.7", "2001:db8:1::1", "::ffff:10.0.0.1"] {
            assert!(networks.contain(inside.parse().unwrap()), "{inside}");
        }
        for outside in ["11.0.0.1", "192.0.2.8", "2001:db9::1"] {
            assert!(!networks.contain(outside.parse().unwrap()), "{outside}");
        }
        assert!(
            Networks::read(&["0.0.0.0/0".to_owned()])
                .unwrap()
                .contain("8.8.8.8".parse().unwrap())
        );
        for wrong in ["10.0.0.0/33", "acme", "10.0.0/8", "::/129"] {
            assert!(Networks::read(&[wrong.to_owned()]).is_err(), "{wrong}");
        }
    }
}
