//! From a row of the outbox to a mail that left: composing, sending, and recording how it went.
//!
//! A row is claimed and its bytes are kept before the first packet; what the server said is recorded after it. Between the
//! two a crash leaves the row *sending*, and the next start sends it again with the same Message-ID: at least once, and
//! twice only if a server took the mail and never said so.

use super::letter;
use super::send::{Courier, Delivery, next_try};
use super::sign::Signer;
use crate::clock::Clock;
use crate::desk::outbox::{self, Due, Ended};
use crate::desk::{Desk, arrival};
use crate::limits;
use crate::refusal::Outcome;
use crate::store::Store;
use jiff::Timestamp;
use std::sync::Arc;

/// Sends what the outbox holds.
pub struct Post {
    store: Store,
    desk: Arc<Desk>,
    clock: Clock,
    courier: Courier,
    /// Signs what is composed; none where there is no key.
    signer: Option<Signer>,
}

impl Post {
    /// A sender; rows that were being sent when the desk stopped are sent again.
    pub fn begin(
        store: Store,
        desk: Arc<Desk>,
        clock: Clock,
        courier: Courier,
        signer: Option<Signer>,
    ) -> Outcome<Post> {
        store.write(outbox::recover)?;
        Ok(Post {
            store,
            desk,
            clock,
            courier,
            signer,
        })
    }

    /// Rows that are due now, at most so many.
    pub fn due(&self, limit: usize) -> Outcome<Vec<Due>> {
        let now = self.clock.now();
        self.store.read(|tx| outbox::due(tx, now, limit as i64))
    }

    /// When the next row is due.
    pub fn next_due(&self) -> Outcome<Option<Timestamp>> {
        self.store.read(outbox::next_due)
    }

    /// Sends one row and records how it went.
    pub async fn send(&self, row: Due) -> Outcome<()> {
        let Some(bytes) = self.claim(&row).await? else {
            return Ok(());
        };
        // Automatic mail has no return path: nothing may ever answer it (RFC 3834 §3.3).
        let from = if row.automatic { "" } else { row.letter.from.as_str() };
        let delivery = self.courier.deliver(from, &row.recipient, &bytes).await;
        let now = self.clock.now();
        let (how, server, said) = self.judge(&row, delivery, now);
        tracing::info!(outbox = row.id.0, state = ?how, "mail out");
        // What the other server said is recorded however long the store takes: until then the mail is neither sent again
        // nor forgotten.
        loop {
            let (desk, id, server, said, how) = (
                Arc::clone(&self.desk),
                row.id,
                server.clone(),
                said.clone(),
                how.clone(),
            );
            let kept = self
                .store
                .write_async(move |tx| outbox::ended(tx, now, &desk, id, server.as_deref(), &said, &how))
                .await;
            match kept {
                Err(error) if !self.store.poisoned() => {
                    tracing::error!(%error, outbox = row.id.0, "how a mail fared cannot be recorded; tried again");
                    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
                }
                kept => return kept,
            }
        }
    }

    async fn claim(&self, row: &Due) -> Outcome<Option<Vec<u8>>> {
        let now = self.clock.now();
        let kept = match row.raw {
            Some(raw) => Some(self.store.write_async(move |tx| arrival::raw(tx, raw)).await?),
            None => None,
        };
        let composed = match &kept {
            Some(_) => None,
            None => {
                let (bytes, text) = letter::bytes_of(&self.desk, row);
                // Signed once, before the bytes are kept: what is tried again is what was signed.
                Some(match &self.signer {
                    Some(signer) => (signer.sign(now, &bytes)?, text),
                    None => (bytes, text),
                })
            }
        };
        let bytes = kept
            .or_else(|| composed.as_ref().map(|(bytes, _)| bytes.clone()))
            .unwrap_or_default();
        let row = row.clone();
        let claimed = self
            .store
            .write_async(move |tx| outbox::claim(tx, now, &row, composed))
            .await?;
        Ok(claimed.then_some(bytes))
    }

    fn judge(&self, row: &Due, delivery: Delivery, now: Timestamp) -> (Ended, Option<String>, String) {
        let again = next_try(
            row.first_try_at.unwrap_or(now),
            (row.tries + 1).clamp(0, 1_000) as u32,
            now,
        );
        match delivery {
            Delivery::Accepted { server, reply } => (Ended::Accepted, Some(server), reply),
            Delivery::Failed { server, reply } => (Ended::Failed, server, reply),
            Delivery::Deferred {
                server,
                reply,
                first_try_reached_customer_server,
            } => match again {
                Some(again) => {
                    let by_their_server = first_try_reached_customer_server && row.tries == 0;
                    (Ended::Deferred { again, by_their_server }, server, reply)
                }
                None => (Ended::Failed, server, format!("given up after five days: {reply}")),
            },
            Delivery::Unknown { server, reply } => match again {
                Some(again) => {
                    let said =
                        format!("the server took the whole mail and never answered ({reply}); it may arrive twice");
                    (
                        Ended::Deferred {
                            again,
                            by_their_server: false,
                        },
                        Some(server),
                        said,
                    )
                }
                None => (Ended::Failed, Some(server), reply),
            },
        }
    }
}

/// Rows sent at once at most.
pub const AT_ONCE: usize = limits::DELIVERIES;
