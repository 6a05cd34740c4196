//! From a row of the outbox to a mail that left: composing, sending, and recording how it went.
//!
//! A row is claimed and its bytes are kept before the first packet; what the server said is recorded after it. Between the
//! two a crash leaves the row *sending*, and the next start sends it again with the same Message-ID: at least once, and
//! twice only if a server took the mail and never said so.

use super::compose::{self, Auto, PromiseHeader};
use super::send::{Courier, Delivery, next_try};
use super::sign::Signer;
use super::texts;
use crate::clock::Clock;
use crate::desk::outbox::{self, Content, Due, Ended};
use crate::desk::{Desk, MessageNo, arrival, confirmation, reply};
use crate::limits;
use crate::refusal::Outcome;
use crate::store::Store;
use jiff::Timestamp;
use plan::Zone;
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
                let (bytes, text) = bytes_of(&self.desk, row);
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

/// The bytes of a row's letter, and its words as the case shows them.
pub fn bytes_of(desk: &Desk, row: &Due) -> (Vec<u8>, String) {
    let (letter, text) = letter_of(desk, row);
    (compose::compose(&letter), text)
}

fn letter_of(desk: &Desk, row: &Due) -> (compose::Letter, String) {
    let letter = &row.letter;
    let zone: Zone = letter.zone.parse().unwrap_or_else(|_| desk.zone.clone());
    let text = words(desk, row, &zone);
    let auto = match (&letter.content, row.automatic) {
        (Content::Acknowledgement { .. } | Content::Unverified { .. }, true) => Some(Auto::Replied),
        (_, true) => Some(Auto::Generated),
        (_, false) => None,
    };
    let promise = match &letter.content {
        Content::Acknowledgement { due, .. } | Content::Broken { due, .. } => Some(PromiseHeader {
            case: letter.case,
            due: *due,
            state: "open".into(),
        }),
        Content::Reply {
            next: reply::Next::Owe(due),
            ..
        } => Some(PromiseHeader {
            case: letter.case,
            due: *due,
            state: "open".into(),
        }),
        _ => None,
    };
    let mut chain = letter.chain.clone();
    chain.extend(
        letter
            .in_reply_to
            .iter()
            .filter(|id| !letter.chain.contains(id))
            .cloned(),
    );
    let subject = if letter.is_reply {
        compose::subject_of_reply(&letter.subject)
    } else {
        letter.subject.clone()
    };
    let composed = compose::Letter {
        from_name: letter.from_name.clone(),
        from: letter.from.clone(),
        to: letter.to.clone(),
        cc: letter.cc.clone(),
        subject,
        message_id: row
            .message_id
            .clone()
            .unwrap_or_else(|| outbox::message_id(desk, row.case, row.message)),
        in_reply_to: letter.in_reply_to.clone(),
        references: compose::references_of_reply(&chain),
        thread_index: letter.thread_index.clone(),
        thread_topic: letter.thread_topic.clone(),
        auto,
        promise,
        date: row.made_at,
        zone,
        text: text.clone(),
    };
    (composed, text)
}

fn words(desk: &Desk, row: &Due, zone: &Zone) -> String {
    let now = row.made_at;
    match &row.letter.content {
        Content::Acknowledgement {
            name,
            subject,
            files,
            bytes,
            due,
            by,
        } => texts::acknowledgement(&texts::Acknowledgement {
            greeting_name: name,
            subject,
            files: (*files, *bytes),
            due: *due,
            zone,
            now,
            by: (by != &desk.name).then_some(by.as_str()),
            case: row.letter.case,
            desk_name: &desk.name,
            urgent_hint: None,
            moved_from_target: false,
            time_link: None,
            upload_link: None,
        }),
        Content::Reply {
            text,
            next,
            name,
            quoted,
        } => {
            let next = match next {
                reply::Next::Close(_) => texts::Next::Close,
                reply::Next::Owe(at) => texts::Next::Owe(*at),
                reply::Next::Wait(at) => texts::Next::WaitUntil(*at),
            };
            let foot = texts::reply_foot(&texts::ReplyFoot {
                where_we_stand: "",
                next,
                name,
                zone,
                now,
                quoted: quoted
                    .as_ref()
                    .map(|(at, who, text)| texts::Quoted { at: *at, who, text }),
                case: row.letter.case,
                link: None,
                no_link: None,
            });
            format!("{}\n\n{foot}", text.trim_end())
        }
        Content::Broken { name, said, due, lead } => texts::broken(&texts::Broken {
            greeting_name: name,
            case: row.letter.case,
            said: *said,
            new_time: *due,
            lead: lead.as_deref().unwrap_or(&desk.name),
            changed: "",
            zone,
            now,
            desk_name: &desk.name,
        }),
        Content::Unverified { mail } => {
            let token = mail.map(|mail| confirmation::token(desk, MessageNo(mail), row.made_at));
            let link = token.map(|token| format!("{}/confirm/{token}", desk.web));
            texts::not_verified(&texts::NotVerified {
                case: row.letter.case,
                desk_name: &desk.name,
                link: link.as_deref(),
            })
        }
        Content::Closed { name } => texts::closing(&texts::Closing {
            greeting_name: name,
            case: row.letter.case,
            subject: &row.letter.subject,
            waited_until: now,
            where_we_stand: "",
            zone,
            now,
            desk_name: &desk.name,
        }),
        Content::Note { text } => text.clone(),
    }
}

/// Rows sent at once at most.
pub const AT_ONCE: usize = limits::DELIVERIES;
