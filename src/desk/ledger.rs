//! The ledger: the append-only record of everything promised and done.
//!
//! One table of events with one gapless sequence, from which case history, audit and figures are read. Each entry carries
//! the SHA-256 of itself and of the entry before it, so that a changed, removed or reordered entry is found by walking the
//! table ([`verify`]). Entries name people and mails by number, never by address; of words they keep only the reasons that
//! our own people gave. What a customer wrote is not in here. Signed checkpoints outside the machine are not built yet:
//! whoever can write to the database can rewrite the whole chain.

use super::{CaseId, Desk, EngineerId, MessageNo, PromiseId};
use crate::refusal::{Kind, Outcome, Refusal};
use crate::store::{Tx, values};
use jiff::Timestamp;
use serde_json::Value as Json;
use sha2::{Digest, Sha256};

/// The sequence of the ledger's entries.
const LEDGER: &str = "ledger";

/// Who did it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Actor {
    /// The customer's side, by mail.
    Customer,
    /// An engineer.
    Engineer(EngineerId),
    /// The desk itself: a rule or a timer.
    Desk,
    /// The owner of the data directory, on the machine.
    Owner,
}

impl Actor {
    /// As it stands in the ledger.
    pub fn text(self) -> String {
        match self {
            Actor::Customer => "customer".into(),
            Actor::Engineer(id) => format!("engineer:{}", id.0),
            Actor::Desk => "desk".into(),
            Actor::Owner => "owner".into(),
        }
    }
}

/// One thing that happened, before it has its place in the sequence.
#[derive(Debug, Clone)]
pub struct Event {
    kind: &'static str,
    actor: Actor,
    case: Option<CaseId>,
    message: Option<MessageNo>,
    promise: Option<PromiseId>,
    data: Json,
}

/// Begins an event: `event("case.closed", actor).of(case).with(json!({…}))`.
pub fn event(kind: &'static str, actor: Actor) -> Event {
    Event {
        kind,
        actor,
        case: None,
        message: None,
        promise: None,
        data: Json::Null,
    }
}

impl Event {
    /// The case it belongs to.
    pub fn of(mut self, case: CaseId) -> Self {
        self.case = Some(case);
        self
    }
    /// The message it is about.
    pub fn message(mut self, message: MessageNo) -> Self {
        self.message = Some(message);
        self
    }
    /// The promise it is about.
    pub fn promise(mut self, promise: PromiseId) -> Self {
        self.promise = Some(promise);
        self
    }
    /// Numbers and reasons; no addresses, no customer's words.
    pub fn with(mut self, data: Json) -> Self {
        self.data = data;
        self
    }
}

/// Writes an event at the end of the ledger. Must be in the transaction of the change it tells of.
pub fn record(tx: &mut Tx<'_>, now: Timestamp, event: Event) -> Outcome<i64> {
    let seq = tx.next_number(LEDGER)?;
    let before = match tx.left_by(LEDGER) {
        Some(hash) => hash.to_vec(),
        None => hash_of(tx, seq - 1)?,
    };
    let actor = event.actor.text();
    let data = event.data.to_string();
    let hash = chained(
        &before,
        seq,
        now.as_millisecond(),
        event.case.map(|case| case.0),
        event.kind,
        &actor,
        event.message.map(|message| message.0),
        event.promise.map(|promise| promise.0),
        &data,
    );
    tx.execute(
        "INSERT INTO event (seq, at, case_id, kind, actor, message, promise, data, hash)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        &values![
            seq,
            now,
            event.case,
            event.kind,
            actor,
            event.message,
            event.promise,
            data,
            hash.as_slice()
        ],
    )?;
    tx.leave(LEDGER, hash);
    tx.ring(super::CHANGED);
    Ok(seq)
}

/// The hash of an entry; empty before the first.
fn hash_of(tx: &mut Tx<'_>, seq: i64) -> Outcome<Vec<u8>> {
    let row = tx.first("SELECT hash FROM event WHERE seq = $1", &values![seq])?;
    Ok(row.map_or_else(Vec::new, |row| row.bytes(0).to_vec()))
}

#[expect(
    clippy::too_many_arguments,
    reason = "the entry's fields, each once, in the order they are hashed"
)]
fn chained(
    before: &[u8],
    seq: i64,
    at: i64,
    case: Option<i64>,
    kind: &str,
    actor: &str,
    message: Option<i64>,
    promise: Option<i64>,
    data: &str,
) -> Vec<u8> {
    let canonical = serde_json::to_vec(&(seq, at, case, kind, actor, message, promise, data)).unwrap_or_default();
    Sha256::new()
        .chain_update(before)
        .chain_update(canonical)
        .finalize()
        .to_vec()
}

/// Walks the whole ledger and says how many entries stand and the hash of the last one (hexadecimal).
///
/// # Errors
/// The first entry that does not follow from the one before it, or is missing.
pub fn verify(tx: &mut Tx<'_>) -> Outcome<(i64, String)> {
    let (mut seq, mut before) = (0_i64, Vec::new());
    loop {
        let page = tx.query(
            "SELECT seq, at, case_id, kind, actor, message, promise, data, hash FROM event
             WHERE seq > $1 ORDER BY seq LIMIT 5000",
            &values![seq],
        )?;
        for row in &page {
            let hash = chained(
                &before,
                row.int(0),
                row.int(1),
                row.opt_int(2),
                row.text(3),
                row.text(4),
                row.opt_int(5),
                row.opt_int(6),
                row.text(7),
            );
            if row.int(0) != seq + 1 || hash != row.bytes(8) {
                let bad = if row.int(0) == seq + 1 { row.int(0) } else { seq + 1 };
                return Err(Refusal::new(
                    Kind::Failed,
                    format!(
                        "The ledger is not whole: entry {bad} was changed or removed after it was written. \
                         What it says of promises from there on is not proven. Compare with a backup."
                    ),
                )
                .into());
            }
            (seq, before) = (row.int(0), hash);
        }
        if page.is_empty() {
            let last = tx.one("SELECT value FROM counter WHERE name = 'ledger'", &[])?.int(0);
            if last != seq {
                return Err(Refusal::new(
                    Kind::Failed,
                    format!("The ledger ends at entry {seq}, but {last} were written: the end was removed."),
                )
                .into());
            }
            return Ok((seq, data_encoding::HEXLOWER.encode(&before)));
        }
    }
}

/// The name that stands for an actor on a screen.
pub fn actor_name(tx: &mut Tx<'_>, desk: &Desk, actor: &str) -> Outcome<String> {
    match actor.strip_prefix("engineer:").and_then(|id| id.parse::<i64>().ok()) {
        Some(id) => Ok(tx
            .first("SELECT name FROM engineer WHERE id = $1", &values![id])?
            .map_or_else(|| actor.to_owned(), |row| row.text(0).to_owned())),
        None if actor == "desk" => Ok(desk.name.clone()),
        None => Ok(actor.to_owned()),
    }
}
