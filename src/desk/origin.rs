//! Who wrote a mail: what was found out about its sender, and what that is worth here (PRODUCT.md §3.1, SECURITY.md §5.6).
//!
//! The mail door looks signatures and policies up and hands an [`Origin`] over; [`standing`] alone decides what it earns.
//! Three things are kept apart on purpose. *Verified* earns a promise. *Author* is what lets a mail act as somebody who is
//! on a case. *Acts* (a policy of the author's own domain was passed) is what words that decide something will need. A DMARC
//! failure is never verified, whoever vouches; where nothing is known, a confirmed address counts for ninety days.

use super::message::Incoming;
use super::{Desk, Unverified, customer};
use crate::limits;
use crate::refusal::Outcome;
use crate::store::Tx;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// How the checks ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Finding {
    /// SPF or DKIM passed for the author's own domain, or a host that is believed vouches.
    Pass,
    /// The author's domain says that this mail is not its own.
    Fail,
    /// Nothing speaks for the author and nothing against.
    #[default]
    Nothing,
    /// It could not be looked up now.
    Trouble,
    /// The mail names its author in a way that programs read differently, or names several.
    Unclear,
}

/// What was found out about the sender of one mail.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// How the checks ended.
    pub finding: Finding,
    /// The address that was checked: the one author in From, lower case; empty where there is not exactly one.
    pub author: String,
    /// Why, as a sentence for people.
    pub reason: String,
    /// The domain that passed and is aligned with the author's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub domain: Option<String>,
    /// The author's domain publishes a DMARC policy, and the mail passed it.
    #[serde(default)]
    pub dmarc: bool,
    /// The author's domain publishes a policy, or it could not be seen whether it does: then nobody is written to on suspicion,
    /// since a forger can bring about that a check does not end.
    #[serde(default)]
    pub policy: bool,
    /// Domains for which SPF (return path) or DKIM passed, whoever the author is: what vouches for a list.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub passed: Vec<String>,
    /// Each check and its result, as an Authentication-Results field says it (RFC 8601).
    #[serde(default)]
    pub results: String,
}

/// What a mail may do here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// The desk believes every sender (`mail.unverified = "schedule"`).
    Believed,
    /// The author's domain speaks for the mail.
    Author {
        /// … and publishes a DMARC policy.
        dmarc: bool,
    },
    /// Nothing is known of the mail, and its author confirmed the address not long ago.
    Confirmed,
    /// A list that the desk serves passed it on; who wrote it is the list's word.
    ByList,
    /// Not verified.
    Unverified {
        /// Nothing speaks against the author: text I may be sent.
        answerable: bool,
    },
}

impl Standing {
    /// Whether the mail earns a promise.
    pub fn is_verified(self) -> bool {
        !matches!(self, Standing::Unverified { .. })
    }

    /// Whether the mail may join a case that its author is on.
    pub fn is_author(self) -> bool {
        matches!(self, Standing::Believed | Standing::Author { .. } | Standing::Confirmed)
    }

    /// Whether the author's own domain speaks for the mail, or the desk believes everybody: what lets it bring others in.
    pub fn is_proven(self) -> bool {
        matches!(self, Standing::Believed | Standing::Author { .. })
    }

    /// Whether words of the mail that decide something may take effect, given a reply address signed for its author.
    pub fn acts(self) -> bool {
        matches!(self, Standing::Believed | Standing::Author { dmarc: true })
    }

    /// As it stands in the ledger.
    pub fn text(self) -> &'static str {
        match self {
            Standing::Believed => "believed",
            Standing::Author { dmarc: true } => "dmarc",
            Standing::Author { dmarc: false } => "aligned",
            Standing::Confirmed => "confirmed",
            Standing::ByList => "list",
            Standing::Unverified { .. } => "unverified",
        }
    }
}

/// What this mail may do.
pub fn standing(tx: &mut Tx<'_>, now: Timestamp, desk: &Desk, mail: &Incoming) -> Outcome<Standing> {
    if desk.unverified == Unverified::Schedule {
        return Ok(Standing::Believed);
    }
    let unverified = |answerable| Ok(Standing::Unverified { answerable });
    let Some(origin) = &mail.facts.origin else {
        return unverified(false);
    };
    let through_list = match &mail.served_list {
        Some(list) => origin.passed.iter().any(|domain| speaks_for(domain, list)),
        None => false,
    };
    let wrote_it = origin.author == mail.address.to_lowercase();
    match origin.finding {
        Finding::Pass if wrote_it => Ok(Standing::Author { dmarc: origin.dmarc }),
        Finding::Pass | Finding::Nothing if through_list => Ok(Standing::ByList),
        Finding::Nothing if wrote_it => {
            let since = now - SignedDuration::from_hours(24 * limits::CONFIRMED_DAYS);
            match customer::confirmed_at(tx, &mail.address)?.is_some_and(|at| at > since) {
                true => Ok(Standing::Confirmed),
                false => unverified(true),
            }
        }
        Finding::Trouble if wrote_it => unverified(!origin.policy),
        _ => unverified(false),
    }
}

/// Whether the mail passed the DMARC policy that its one author's own domain publishes. Words that act for the desk need
/// this even where `mail.unverified` believes every sender.
pub fn passed_dmarc(mail: &Incoming) -> bool {
    let Some(origin) = &mail.facts.origin else {
        return false;
    };
    origin.finding == Finding::Pass && origin.dmarc && origin.author == mail.address.to_lowercase()
}

/// Whether a domain that passed is the list's own, or the one above it.
fn speaks_for(domain: &str, list: &str) -> bool {
    let host = list.rsplit_once('@').map_or("", |(_, host)| host).to_lowercase();
    host == domain || host.strip_suffix(domain).is_some_and(|rest| rest.ends_with('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_vouched_for_by_its_own_domain_only() {
        assert!(speaks_for("lists.acme.example", "users@lists.acme.example"));
        assert!(speaks_for("acme.example", "users@lists.acme.example"));
        for other in [
            "evil.example",
            "sts.acme.example",
            "cme.example",
            "a.lists.acme.example",
        ] {
            assert!(!speaks_for(other, "users@lists.acme.example"), "{other}");
        }
    }

    #[test]
    fn only_a_passed_policy_or_a_believing_desk_lets_words_act() {
        assert!(Standing::Believed.acts() && Standing::Author { dmarc: true }.acts());
        for weak in [
            Standing::Author { dmarc: false },
            Standing::Confirmed,
            Standing::ByList,
            Standing::Unverified { answerable: true },
        ] {
            assert!(!weak.acts(), "{weak:?}");
        }
        assert!(!Standing::ByList.is_author() && Standing::ByList.is_verified());
    }
}
