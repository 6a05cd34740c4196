//! From a row of the outbox to a mail that left: composing, sending, and recording how it went.
//!
//! A row is claimed and its bytes are kept before the first packet; what the server said is recorded after it. Between the
//! two a crash leaves the row *sending*, and the next start sends it again with the same Message-ID: at least once, and
//! twice only if a server took the mail and never said so.

mod policy;
mod traffic;

pub use policy::Policies;
pub use traffic::Traffic;

use super::compose::PromiseHeader;
use super::compose::enclosed::File;
use super::letter::{self, Enclosure};
use super::seal::KeyFiles;
use super::seal::given::seal_for;
use super::send::{Courier, Delivery, next_try};
use super::sign::Signer;
use crate::clock::Clock;
use crate::desk::destination::{self, Destination};
use crate::desk::letter::Enclosed;
use crate::desk::outbox::{self, Attempted, Composed, Content, Due, Ended};
use crate::desk::promise;
use crate::desk::receipt::{self, Receipt};
use crate::desk::upload::{self, Lies};
use crate::desk::{CaseId, Desk, arrival};
use crate::files::{Files, sniff};
use crate::limits;
use crate::refusal::Outcome;
use crate::store::{Store, Tx};
use jiff::Timestamp;
use std::path::PathBuf;
use std::sync::Arc;

/// Sends what the outbox holds.
pub struct Post {
    store: Store,
    desk: Arc<Desk>,
    clock: Clock,
    courier: Courier,
    policies: Policies,
    /// Signs what is composed; none where there is no key.
    signer: Option<Signer>,
    /// Where the files of replies are.
    files: Arc<Files>,
    /// The folder with the desk's own keys, for sealed letters.
    keys: Option<PathBuf>,
    /// Signs the promises that letters make; without it they are said and not signed.
    receipts: Option<Arc<receipt::Signer>>,
}

/// What may be sent now, and when something else may be.
#[derive(Debug, Default)]
pub struct Round {
    /// Rows with their queues, in the order in which they begin.
    pub rows: Vec<(Due, Destination)>,
    /// When to look again, if nothing ends or comes before.
    pub next: Option<Timestamp>,
}

impl Post {
    /// A sender; rows that were being sent when the desk stopped are sent again.
    pub fn begin(
        store: Store,
        desk: Arc<Desk>,
        clock: Clock,
        (courier, policies): (Courier, Policies),
        signer: Option<Signer>,
        files: Arc<Files>,
    ) -> Outcome<Post> {
        store.write(outbox::recover)?;
        Ok(Post {
            store,
            desk,
            clock,
            courier,
            policies,
            signer,
            files,
            keys: None,
            receipts: None,
        })
    }

    /// The same, with a key that signs the promises of letters.
    pub fn with_receipts(self, signer: Arc<receipt::Signer>) -> Post {
        Post {
            receipts: Some(signer),
            ..self
        }
    }

    /// The same, with the desk's own keys in a folder: sealed letters are signed with them, and can be read by the desk.
    pub fn with_keys(self, folder: PathBuf) -> Post {
        Post {
            keys: Some(folder),
            ..self
        }
    }

    /// What may begin beside what is on its way. Reads a few rows of an index, however many mails wait, and no more of them
    /// than there are free places: on a busy desk every mail that ends leads here.
    pub fn round(&self, traffic: &Traffic) -> Outcome<Round> {
        let (now, room) = (self.clock.now(), traffic.room());
        if room == 0 {
            return Ok(Round::default());
        }
        self.store.read(|tx| {
            if outbox::is_held(tx)? {
                return Ok(Round::default());
            }
            let (mut due, mut next) = (Vec::new(), None);
            // Some of them may have all the places that they may take.
            for to in destination::waiting(tx, room + limits::DELIVERIES)? {
                if due.len() >= room {
                    break;
                }
                if to.next_at > now {
                    next = Some(next.map_or(to.next_at, |next: Timestamp| next.min(to.next_at)));
                } else if traffic.room_to(&to) > 0 {
                    // Those on their way may not be claimed yet: as many more are read.
                    let mut rows = destination::first_of(tx, &to.domain, now, 2 * limits::DELIVERIES_PER_DOMAIN)?;
                    rows.retain(|row| !traffic.has(*row));
                    if !rows.is_empty() {
                        due.push((to, rows));
                    }
                }
            }
            let dealt = traffic.deal(due).into_iter();
            let rows = dealt.map(|(id, to)| Ok((outbox::found(tx, id)?, to)));
            Ok(Round {
                rows: rows.collect::<Outcome<_>>()?,
                next,
            })
        })
    }

    /// Sends one row and records how it went.
    pub async fn send(&self, row: Due) -> Outcome<()> {
        let began = self.clock.now();
        let policy = match self.courier.asks_mail_hosts() {
            true => self.policies.of(&row.domain, row.policy.clone(), began).await,
            false => None,
        };
        let Some(bytes) = self.claim(&row).await? else {
            return Ok(());
        };
        // Automatic mail has no return path: nothing may ever answer it (RFC 3834 §3.3).
        let from = if row.automatic { "" } else { row.letter.from.as_str() };
        let delivery = self
            .courier
            .deliver(from, &row.recipient, &bytes, policy.as_ref())
            .await;
        drop(bytes);
        let now = self.clock.now();
        let attempt = self.judge(&row, delivery, began, now);
        tracing::info!(outbox = row.id.0, state = ?attempt.how, "mail out");
        let nobody_answered = attempt.server.is_none();
        // What the other server said is recorded however long the store takes: until then the mail is neither sent again
        // nor forgotten.
        loop {
            let (desk, id, attempt) = (Arc::clone(&self.desk), row.id, attempt.clone());
            let kept = self
                .store
                .write_async(move |tx| outbox::ended(tx, now, &desk, id, &attempt))
                .await;
            match kept {
                Err(error) if !self.store.poisoned() => {
                    tracing::error!(%error, outbox = row.id.0, "how a mail fared cannot be recorded; tried again");
                    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
                }
                Ok(()) if nobody_answered => return self.give_up(row.domain).await,
                kept => return kept,
            }
        }
    }

    /// Mails to a domain that was dead for as long as mail is tried have failed, a batch in each transaction.
    async fn give_up(&self, domain: String) -> Outcome<()> {
        loop {
            let (desk, now, domain) = (Arc::clone(&self.desk), self.clock.now(), domain.clone());
            let given_up = self
                .store
                .write_async(move |tx| outbox::give_up(tx, now, &desk, &domain, limits::GIVE_UP_AT_ONCE))
                .await?;
            if (given_up as i64) < limits::GIVE_UP_AT_ONCE {
                return Ok(());
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
            None => match self.compose(now, row).await? {
                Ok(composed) => Some(composed),
                Err(why) => {
                    let (desk, row) = (Arc::clone(&self.desk), row.clone());
                    let refuse = move |tx: &mut Tx<'_>| outbox::refuse(tx, now, &desk, &row, why);
                    return self.store.write_async(refuse).await.map(|()| None);
                }
            },
        };
        let bytes = kept
            .or_else(|| composed.as_ref().map(|composed| composed.bytes.clone()))
            .unwrap_or_default();
        let row = row.clone();
        let claimed = self
            .store
            .write_async(move |tx| outbox::claim(tx, now, &row, composed))
            .await?;
        Ok(claimed.then_some(bytes))
    }

    /// The letter of a row as it leaves: composed, sealed where the recipient has a key, signed. Or why it must not leave.
    async fn compose(&self, now: Timestamp, row: &Due) -> Outcome<Result<Composed, String>> {
        let enclosures = self.enclosures(row).await?;
        let (mut bytes, text) = letter::bytes_of(&self.desk, row, self.promise(row), enclosures);
        let mut sealed = String::new();
        if let Some(key) = row.key.clone() {
            let (from, folder) = (self.desk.address().to_owned(), self.keys.clone());
            // A library that panics at a strange key fails this letter only.
            let sealing = tokio::task::spawn_blocking(move || {
                let (own, complaints) = match folder {
                    Some(folder) => KeyFiles::of_folder(&folder, now)?,
                    None => (KeyFiles::default(), Vec::new()),
                };
                for complaint in complaints {
                    tracing::warn!(complaint, "a key of the desk");
                }
                anyhow::Ok(seal_for(&bytes, &from, &key.address, &key.file, &own, now)?)
            });
            match sealing.await.map_err(anyhow::Error::from).flatten() {
                Ok(done) => (bytes, sealed) = done,
                Err(cause) => {
                    let why = format!("it was to be sealed and is not sent in clear: {cause:#}");
                    return Ok(Err(format!("{why} Then `duly spool retry o{}`.", row.id.0)));
                }
            }
        }
        // Signed once, before the bytes are kept: what is tried again is what was signed.
        if let Some(signer) = &self.signer {
            bytes = signer.sign(now, &bytes)?;
        }
        Ok(Ok(Composed { bytes, text, sealed }))
    }

    /// The promise that a letter makes, signed where there is a key.
    fn promise(&self, row: &Due) -> Option<PromiseHeader> {
        let due = row.letter.content.promised()?;
        let said = row.said.clone();
        let (promise, state) = said.map_or((None, promise::OFFERED.to_owned()), |(id, word)| (Some(id.0), word));
        let case = row.letter.case;
        let signed = self.receipts.as_ref().map(|signer| {
            let receipt = Receipt {
                case,
                due,
                state: state.clone(),
                promise,
                desk: signer.domain().to_owned(),
                at: Timestamp::from_second(row.made_at.as_second()).unwrap_or(row.made_at),
            };
            receipt.signed(signer)
        });
        Some(PromiseHeader {
            case,
            due,
            state,
            signed: signed.unwrap_or_default(),
        })
    }

    /// The files that go in a letter, with their bytes.
    async fn enclosures(&self, row: &Due) -> Outcome<Vec<Enclosure>> {
        let mut found = Vec::new();
        let (Content::Reply { files, .. }, Some(case)) = (&row.letter.content, row.case) else {
            return Ok(found);
        };
        for one in files {
            found.push(self.enclosure(case, one).await?);
        }
        Ok(found)
    }

    async fn enclosure(&self, case: CaseId, one: &Enclosed) -> Outcome<Enclosure> {
        let mut is_second = false;
        loop {
            let key = one.key.clone();
            let lies = self.store.write_async(move |tx| upload::lies(tx, case, &key)).await?;
            let (kind, bytes) = match lies {
                Lies::Kept(row) if row.is_infected() => return Ok(Enclosure::HeldBack(one.name.clone())),
                Lies::Kept(row) => (row.kind.clone(), self.files.whole(row.customer, &row.sha256).await?),
                Lies::Staged => match tokio::fs::read(self.files.staged(&one.key)).await {
                    Ok(bytes) => (sniff::kind(&bytes).to_owned(), bytes),
                    // It was put to its place meanwhile.
                    Err(_) if !is_second => {
                        is_second = true;
                        continue;
                    }
                    Err(cause) => return Err(anyhow::Error::new(cause).context("read a file of a reply").into()),
                },
            };
            if bytes.len() as u64 != one.bytes {
                return Err(anyhow::anyhow!("a file of a reply is not whole: {} of {}", bytes.len(), one.bytes).into());
            }
            let name = one.name.clone();
            return Ok(Enclosure::File(File { name, kind, bytes }));
        }
    }

    fn judge(&self, row: &Due, delivery: Delivery, began: Timestamp, now: Timestamp) -> Attempted {
        let again = next_try(
            row.first_try_at.unwrap_or(now),
            (row.tries + 1).clamp(0, 1_000) as u32,
            now,
        );
        let (how, server, said, doubted) = match delivery {
            Delivery::Accepted { server, reply } => (Ended::Accepted, Some(server), reply, false),
            Delivery::Failed { server, reply } => (Ended::Failed, server, reply, false),
            Delivery::Deferred {
                server,
                reply,
                first_try_reached_customer_server,
            } => match again {
                Some(again) => {
                    let by_their_server = first_try_reached_customer_server && row.tries == 0;
                    (Ended::Deferred { again, by_their_server }, server, reply, false)
                }
                None => (
                    Ended::Failed,
                    server,
                    format!("given up after five days: {reply}"),
                    false,
                ),
            },
            Delivery::Unknown { server, reply } => match again {
                Some(again) => {
                    let said =
                        format!("the server took the whole mail and never answered ({reply}); it may arrive twice");
                    let by_their_server = false;
                    (Ended::Deferred { again, by_their_server }, Some(server), said, true)
                }
                None => (Ended::Failed, Some(server), reply, true),
            },
        };
        Attempted {
            began,
            server,
            said,
            how,
            doubted,
            relayed: !self.courier.asks_mail_hosts(),
        }
    }
}

/// Rows sent at once at most.
pub const AT_ONCE: usize = limits::DELIVERIES;
