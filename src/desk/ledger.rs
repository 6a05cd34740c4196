//! The ledger: the append-only record of everything promised and done.
//!
//! One table of events with one gapless sequence, from which case history, audit and figures are read. An entry is
//! canonical JSON (RFC 8785: one order of keys, integers and text only) that holds the hash of the entry before it and of
//! the one before it within its case; its own hash is SHA-256 of that text. Beside it stands a code made with a key that is
//! nowhere in the database ([`crate::store::Tx::seal`]): whoever can write to the tables alone can write no entry that
//! [`super::proof`] takes for one of ours. What they can still do is cut the end off; that is what the signed
//! [`super::checkpoint`]s outside the database are for.
//!
//! Entries name people and mails by number, never by address; of words they keep only the reasons that our own people
//! gave. What a customer wrote is not in here.

use super::{CaseId, Desk, EngineerId, MessageNo, PromiseId};
use crate::refusal::Outcome;
use crate::store::{Seal, Tx, values};
use data_encoding::HEXLOWER;
use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use serde::Serialize;
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

/// How entries are hashed today.
const FORM: i64 = 2;
/// Bytes of the code that are kept: half of HMAC-SHA256, as RFC 2104 §5 allows.
const CODE_BYTES: usize = 16;

/// A hash of the ledger.
pub type Hash = [u8; 32];

/// An entry as it stands in its row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Place in the sequence, from 1.
    pub seq: i64,
    /// When, milliseconds since the epoch.
    pub at: i64,
    /// The case it belongs to.
    pub case: Option<i64>,
    /// What happened.
    pub kind: String,
    /// Who did it.
    pub actor: String,
    /// The message it is about.
    pub message: Option<i64>,
    /// The promise it is about.
    pub promise: Option<i64>,
    /// Numbers and reasons, as JSON text.
    pub data: String,
}

impl Entry {
    /// Its hash after the entry `before` it and the one before it within its case, in a form.
    pub fn hash(&self, form: i64, before: Option<&[u8]>, case_before: Option<&[u8]>) -> Hash {
        if form != FORM {
            return self.hash_of_old(before.unwrap_or_default());
        }
        let hex = |hash: &[u8]| HEXLOWER.encode(hash);
        let canonical = Canonical {
            actor: &self.actor,
            at: self.at,
            before: before.map(hex),
            case: self.case,
            case_before: case_before.map(hex),
            data: &self.data,
            kind: &self.kind,
            message: self.message,
            promise: self.promise,
            seq: self.seq,
        };
        // Integers and text cannot fail; an entry that could not be said would be found by every proof.
        Sha256::digest(serde_json::to_vec(&canonical).unwrap_or_default()).into()
    }

    /// As entries were hashed before there was a key: chained to the one before alone.
    fn hash_of_old(&self, before: &[u8]) -> Hash {
        let fields = (
            self.seq,
            self.at,
            self.case,
            &self.kind,
            &self.actor,
            self.message,
            self.promise,
            &self.data,
        );
        let hasher = Sha256::new().chain_update(before);
        hasher
            .chain_update(serde_json::to_vec(&fields).unwrap_or_default())
            .finalize()
            .into()
    }
}

/// The keys in their order.
#[derive(Serialize)]
struct Canonical<'a> {
    actor: &'a str,
    at: i64,
    before: Option<String>,
    case: Option<i64>,
    case_before: Option<String>,
    data: &'a str,
    kind: &'a str,
    message: Option<i64>,
    promise: Option<i64>,
    seq: i64,
}

/// The code of an entry that has this hash: made by whoever has the key, checked by them.
pub fn code(key: &Seal, seq: i64, hash: &Hash) -> Vec<u8> {
    // Any length of key is one for HMAC.
    let Ok(mac) = Hmac::<Sha256>::new_from_slice(key) else {
        return Vec::new();
    };
    let mac = mac.chain_update(seq.to_be_bytes()).chain_update(hash);
    mac.finalize().into_bytes()[..CODE_BYTES].to_vec()
}

/// Writes an event at the end of the ledger. Must be in the transaction of the change it tells of.
pub fn record(tx: &mut Tx<'_>, now: Timestamp, event: Event) -> Outcome<i64> {
    let seq = tx.next_number(LEDGER)?;
    let before = match tx.left_by(LEDGER) {
        Some(hash) => Some(hash.to_vec()),
        None => hash_of(tx, seq - 1)?,
    };
    let case_before = match event.case {
        // The first entry of a case has none before it, and every mail that opens one writes it.
        Some(_) if event.kind == OPENED => None,
        Some(case) => last_of(tx, case)?,
        None => None,
    };
    let entry = Entry {
        seq,
        at: now.as_millisecond(),
        case: event.case.map(|case| case.0),
        kind: event.kind.to_owned(),
        actor: event.actor.text(),
        message: event.message.map(|message| message.0),
        promise: event.promise.map(|promise| promise.0),
        data: event.data.to_string(),
    };
    let hash = entry.hash(FORM, before.as_deref(), case_before.as_deref());
    let code = tx.seal().map(|key| code(key, seq, &hash));
    tx.execute(
        "INSERT INTO event (seq, at, case_id, kind, actor, message, promise, data, hash, form, mac)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        &values![
            seq,
            now,
            entry.case,
            entry.kind,
            entry.actor,
            entry.message,
            entry.promise,
            entry.data,
            hash.as_slice(),
            FORM,
            code
        ],
    )?;
    tx.leave(LEDGER, hash.to_vec());
    if let Some(case) = event.case {
        tx.note(case.0, hash.to_vec());
    }
    tx.ring(super::CHANGED);
    Ok(seq)
}

/// The first entry of every case.
pub(super) const OPENED: &str = "case.opened";

/// The hash of an entry; none before the first.
pub(super) fn hash_of(tx: &mut Tx<'_>, seq: i64) -> Outcome<Option<Vec<u8>>> {
    let row = tx.first("SELECT hash FROM event WHERE seq = $1", &values![seq])?;
    Ok(row.map(|row| row.bytes(0).to_vec()))
}

/// The hash of the newest entry of a case.
fn last_of(tx: &mut Tx<'_>, case: CaseId) -> Outcome<Option<Vec<u8>>> {
    if let Some(hash) = tx.noted(case.0) {
        return Ok(Some(hash.to_vec()));
    }
    let row = tx.first(
        "SELECT hash FROM event WHERE case_id = $1 ORDER BY seq DESC LIMIT 1",
        &values![case],
    )?;
    Ok(row.map(|row| row.bytes(0).to_vec()))
}

/// How many entries there are.
pub fn size(tx: &mut Tx<'_>) -> Outcome<i64> {
    Ok(tx.one("SELECT value FROM counter WHERE name = 'ledger'", &[])?.int(0))
}

/// When the newest entry was written: no time that this desk acts by is earlier.
pub fn newest_at(tx: &mut Tx<'_>) -> Outcome<Option<Timestamp>> {
    let row = tx.first("SELECT at FROM event ORDER BY seq DESC LIMIT 1", &[])?;
    Ok(row.map(|row| row.instant(0)))
}

/// Gives entries that were written before there was a key their code, `limit` of them after `seq`; the last one, or none
/// when all have theirs. Only for a key that was made this moment: given later, a code would vouch for what nobody saw.
pub fn seal_old(tx: &mut Tx<'_>, after: i64, limit: i64) -> Outcome<Option<i64>> {
    let Some(key) = tx.seal().copied() else { return Ok(None) };
    let rows = tx.query(
        "SELECT seq, hash FROM event WHERE seq > $1 ORDER BY seq LIMIT $2",
        &values![after, limit],
    )?;
    for row in &rows {
        let hash: Hash = row.bytes(1).try_into().unwrap_or_default();
        tx.execute(
            "UPDATE event SET mac = $1 WHERE seq = $2",
            &values![code(&key, row.int(0), &hash), row.int(0)],
        )?;
    }
    Ok(rows.last().map(|row| row.int(0)))
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
