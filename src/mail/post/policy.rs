//! Which MTA-STS policy holds for a domain now: looked up, fetched, kept, and believed as long as it said (RFC 8461 §3.3,
//! §5.1).
//!
//! A policy that is known stays in force though its record is gone or its text cannot be fetched: whoever can hide
//! either must not be able to switch encryption off. Without one, mail goes as it would without this file.

use crate::desk::destination::{self, Kept};
use crate::limits;
use crate::mail::send::{Directory, Fetch, Policy, record_id};
use crate::store::Store;
use jiff::{SignedDuration, Timestamp};
use std::sync::Arc;

/// Finds policies.
pub struct Policies {
    store: Store,
    directory: Arc<dyn Directory>,
    fetch: Arc<dyn Fetch>,
}

impl Policies {
    /// Keeps what it finds in `store`.
    pub fn new(store: Store, directory: Arc<dyn Directory>, fetch: Arc<dyn Fetch>) -> Self {
        Policies {
            store,
            directory,
            fetch,
        }
    }

    /// The policy of a domain, of which `kept` is known.
    pub async fn of(&self, domain: &str, kept: Option<Kept>, now: Timestamp) -> Option<Policy> {
        let kept = kept.filter(|kept| kept.until > now);
        let records = self
            .directory
            .txt(&format!("_mta-sts.{domain}"))
            .await
            .unwrap_or_default();
        let id = match (record_id(&records), &kept) {
            (None, _) => return kept.and_then(|kept| Policy::parse(&kept.text)),
            (Some(id), Some(kept)) if id == kept.id => return Policy::parse(&kept.text),
            (Some(id), _) => id,
        };
        let fetched = match self.fetch.policy(domain).await {
            Ok(text) => Policy::parse(&text).map(|policy| (policy, text)),
            Err(error) => {
                tracing::warn!(
                    domain,
                    error = format!("{error:#}"),
                    "the mail policy of a domain cannot be fetched"
                );
                None
            }
        };
        let (policy, text, seconds) = match fetched {
            Some((policy, text)) => {
                let age = policy.max_age;
                (Some(policy), text, age)
            }
            // What is known is better than nothing; if nothing is, it is not asked for again with every mail.
            None => match kept.and_then(|kept| Policy::parse(&kept.text)) {
                Some(known) => return Some(known),
                None => (None, String::new(), limits::STS_RETRY_SECONDS),
            },
        };
        let kept = Kept {
            id,
            text,
            until: now + SignedDuration::from_secs(seconds),
        };
        let domain = domain.to_owned();
        let written = self
            .store
            .write_async(move |tx| destination::keep_policy(tx, &domain, &kept))
            .await;
        if let Err(error) = written {
            tracing::error!(%error, "a mail policy cannot be kept; fetched again with the next mail");
        }
        policy
    }
}
