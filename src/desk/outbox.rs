//! The outbox: what leaves the house is a row before it is a packet.
//!
//! One row a recipient, written in the transaction of its cause, with everything that the letter needs as plain data; the
//! mail door composes and sends it. States: *held* (undo is open), *queued*, *sending*, *accepted*, *deferred*, *failed*,
//! *undone*. A row found *sending* at start may have left: it is sent again with the same Message-ID and says so.
//!
//! Order: a mail of a case that is about to leave stands *behind* an earlier one to the same recipient that has not been
//! taken yet. The later one does not wait for the time that its deferral named: the earlier is tried first, now.

pub use super::key::Key;
use super::ledger::{self, Actor, event};
pub use super::letter::{Choices, Content, DigestRow, Letter};
use super::{
    CaseId, ContactId, Desk, MessageNo, OUTBOX, OutboxId, PromiseId, RawId, destination, promise, reply, thread,
};
use crate::limits;
use crate::refusal::Outcome;
use crate::store::{Row, Tx, values};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

/// A new row.
#[derive(Debug, Clone)]
pub struct New<'a> {
    /// The message it carries.
    pub message: MessageNo,
    /// The case.
    pub case: Option<CaseId>,
    /// The contact it is for; none for a list or our own people.
    pub contact: Option<ContactId>,
    /// Where it goes.
    pub recipient: &'a str,
    /// What it says.
    pub letter: &'a Letter,
    /// Written by the desk itself.
    pub automatic: bool,
    /// Not sent before this instant.
    pub not_before: Timestamp,
}

/// Writes a row; the sender wakes when it is committed.
pub fn put(tx: &mut Tx<'_>, now: Timestamp, new: &New<'_>) -> Outcome<OutboxId> {
    let state = if new.not_before > now { "held" } else { "queued" };
    let letter = serde_json::to_string(new.letter).map_err(anyhow::Error::from)?;
    let recipient = new.recipient.to_lowercase();
    let domain = destination::domain_of(&recipient);
    let number = tx.insert(
        "INSERT INTO outbox (message, case_id, contact, recipient, letter, automatic, state, made_at, not_before, domain)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        &values![
            new.message,
            new.case,
            new.contact,
            recipient,
            letter,
            new.automatic,
            state,
            now,
            new.not_before,
            domain.as_str()
        ],
    )?;
    destination::expects(tx, &domain, new.not_before)?;
    tx.ring(OUTBOX);
    Ok(OutboxId(number))
}

/// Whether an earlier mail of the case to the same recipient has to be taken first; then the row stands behind it, and
/// that one is tried now.
fn waits_for_another(tx: &mut Tx<'_>, now: Timestamp, row: &Due) -> Outcome<bool> {
    let Some(case) = row.case else { return Ok(false) };
    let earlier = tx.first(
        "SELECT id FROM outbox WHERE case_id = $1 AND recipient = $2 AND id < $3
           AND state IN ('held', 'queued', 'deferred', 'sending') AND (state <> 'held' OR not_before <= $4)
         ORDER BY id DESC LIMIT 1",
        &values![case, row.recipient.as_str(), row.id, now],
    )?;
    let Some(earlier) = earlier else { return Ok(false) };
    tx.execute(
        "UPDATE outbox SET behind = $1 WHERE id = $2",
        &values![earlier.int(0), row.id],
    )?;
    // The list of states is the index's own; only a deferred one has a time to give up.
    tx.execute(
        "UPDATE outbox SET not_before = $1 WHERE case_id = $2 AND recipient = $3 AND id < $4
           AND state IN ('held', 'queued', 'deferred', 'sending') AND state = 'deferred' AND not_before > $1",
        &values![now, case, row.recipient.as_str(), row.id],
    )?;
    destination::settle(tx, &row.domain, None)?;
    Ok(true)
}

/// A row is settled or undone: what stood behind it stands behind what it stood behind, or may leave.
fn let_pass(tx: &mut Tx<'_>, id: OutboxId, domain: &str) -> Outcome<()> {
    let freed = tx.execute(
        "UPDATE outbox SET behind = (SELECT o.behind FROM outbox o WHERE o.id = $1) WHERE behind = $1",
        &values![id],
    )?;
    match freed {
        0 => Ok(()),
        _ => destination::settle(tx, domain, None),
    }
}

/// A row that waited is not to leave any more: undone, or failed by other news.
pub(super) fn leaves_the_queue(tx: &mut Tx<'_>, id: OutboxId) -> Outcome<()> {
    let row = tx.one("SELECT domain FROM outbox WHERE id = $1", &values![id])?;
    let_pass(tx, id, row.text(0))?;
    destination::settle(tx, row.text(0), None)
}

/// Holds what is held of a message until an instant; its queues follow.
pub(super) fn hold_until(tx: &mut Tx<'_>, message: MessageNo, until: Timestamp) -> Outcome<()> {
    tx.execute(
        "UPDATE outbox SET not_before = $1 WHERE message = $2 AND state = 'held'",
        &values![until, message],
    )?;
    for row in tx.query(
        "SELECT DISTINCT domain FROM outbox WHERE message = $1",
        &values![message],
    )? {
        destination::settle(tx, row.text(0), None)?;
    }
    tx.ring(OUTBOX);
    Ok(())
}

/// The Message-ID of a message of ours: says case and message to nobody but us, the same for all its recipients.
pub fn message_id(desk: &Desk, case: Option<CaseId>, message: MessageNo) -> String {
    let domain = desk
        .address()
        .rsplit_once('@')
        .map_or("localhost", |(_, domain)| domain);
    format!(
        "case-{}.message-{}.{}@{domain}",
        case.map_or(0, |case| case.0),
        message.0,
        thread::message_tag(desk, message)
    )
}

/// Where the last words of a contact in a case came from, and what a letter in that thread refers to.
pub struct Last {
    /// Message number.
    pub message: MessageNo,
    /// Address they wrote from.
    pub address: String,
    /// Their name.
    pub author: String,
    /// Subject they used.
    pub subject: String,
    /// When.
    pub at: Timestamp,
    /// Their words.
    pub text: String,
    /// Its Message-ID.
    pub message_id: Option<String>,
    /// Its chain.
    pub chain: Vec<String>,
    /// Its facts.
    pub facts: super::message::Facts,
    /// A machine wrote it in their name.
    pub automatic: bool,
}

/// The newest mail of a contact in a case: their own words before what a machine wrote in their name.
pub fn last_of(tx: &mut Tx<'_>, case: CaseId, contact: ContactId) -> Outcome<Option<Last>> {
    let row = tx.first(
        "SELECT id, address, author, subject, at, text, message_id, chain, facts, auto FROM message
         WHERE case_id = $1 AND contact = $2 AND way = 'in'
         ORDER BY CASE WHEN auto IN ('no', 'list') THEN 0 ELSE 1 END, id DESC LIMIT 1",
        &values![case, contact],
    )?;
    Ok(row.map(|row| Last {
        message: MessageNo(row.int(0)),
        address: row.text(1).to_owned(),
        author: row.text(2).to_owned(),
        subject: row.text(3).to_owned(),
        at: row.instant(4),
        text: row.text(5).to_owned(),
        message_id: row.opt_text(6).map(str::to_owned),
        chain: serde_json::from_str(row.text(7)).unwrap_or_default(),
        facts: serde_json::from_str(row.text(8)).unwrap_or_default(),
        automatic: !matches!(row.text(9), "no" | "list"),
    }))
}

/// A row that is to be sent now.
#[derive(Debug, Clone)]
pub struct Due {
    /// Number.
    pub id: OutboxId,
    /// The message it carries.
    pub message: MessageNo,
    /// The case.
    pub case: Option<CaseId>,
    /// Where it goes.
    pub recipient: String,
    /// What it says.
    pub letter: Letter,
    /// Written by the desk itself.
    pub automatic: bool,
    /// When it was written: the times in it are said as of then.
    pub made_at: Timestamp,
    /// Attempts so far.
    pub tries: i64,
    /// First attempt of it, or since when its domain could not be reached while it waited.
    pub first_try_at: Option<Timestamp>,
    /// Where it goes: the name of its queue.
    pub domain: String,
    /// What is known of the domain's MTA-STS policy.
    pub policy: Option<destination::Kept>,
    /// Its Message-ID.
    pub message_id: Option<String>,
    /// The bytes, once composed.
    pub raw: Option<RawId>,
    /// The recipient's key: the letter leaves sealed with it or not at all.
    pub key: Option<Key>,
    /// Due of the promise that a letter makes or moves, for the `Duly-Promise` header.
    pub reply_by: Option<Timestamp>,
    /// The promise that it tells of, and how that stands.
    pub said: Option<(PromiseId, String)>,
}

const DUE: &str =
    "SELECT o.id, o.message, o.case_id, o.recipient, o.letter, o.automatic, o.made_at, o.tries, o.first_try_at,
        m.message_id, o.raw, k.reply_by, o.domain, d.policy_id, d.policy, d.policy_until, d.failing_since,
        y.address, y.file
     FROM outbox o JOIN message m ON m.id = o.message LEFT JOIN cases k ON k.id = o.case_id
     LEFT JOIN destination d ON d.domain = o.domain
     LEFT JOIN contact_address a ON a.address = o.recipient LEFT JOIN contact_key y ON y.contact = a.contact";

fn due_of(row: &Row) -> Outcome<Due> {
    let waited_since = row.opt_instant(16).map(|since| since.max(row.instant(6)));
    Ok(Due {
        id: OutboxId(row.int(0)),
        message: MessageNo(row.int(1)),
        case: row.opt_int(2).map(CaseId),
        recipient: row.text(3).to_owned(),
        letter: serde_json::from_str(row.text(4)).map_err(anyhow::Error::from)?,
        automatic: row.flag(5),
        made_at: row.instant(6),
        tries: row.int(7),
        first_try_at: row.opt_instant(8).or(waited_since),
        message_id: row.opt_text(9).map(str::to_owned),
        raw: row.opt_int(10).map(RawId),
        key: row.opt_text(17).map(|address| Key {
            address: address.to_owned(),
            file: row.opt_bytes(18).unwrap_or_default().to_vec(),
        }),
        reply_by: row.opt_instant(11),
        said: None,
        domain: row.text(12).to_owned(),
        policy: row.opt_text(13).map(|id| destination::Kept {
            id: id.to_owned(),
            text: row.opt_text(14).unwrap_or_default().to_owned(),
            until: row.opt_instant(15).unwrap_or_default(),
        }),
    })
}

/// Rows whose time has come, whatever their destination, unless all mail is held. For the demo, which sends nothing.
pub fn due(tx: &mut Tx<'_>, now: Timestamp, limit: i64) -> Outcome<Vec<Due>> {
    if is_held(tx)? {
        return Ok(Vec::new());
    }
    let sql = format!(
        "{DUE} WHERE o.state IN ('held', 'queued', 'deferred') AND o.behind IS NULL AND o.not_before <= $1
         ORDER BY o.not_before, o.id LIMIT $2"
    );
    tx.query(&sql, &values![now, limit])?.iter().map(due_of).collect()
}

/// One row, as it is to be sent.
pub fn found(tx: &mut Tx<'_>, id: OutboxId) -> Outcome<Due> {
    let mut due = due_of(&tx.one(&format!("{DUE} WHERE o.id = $1"), &values![id])?)?;
    // Those that are sent again have their bytes.
    if let (None, Some(at), Some(case)) = (due.raw, due.letter.content.promised(), due.case) {
        due.said = promise::said(tx, case, id, at)?;
    }
    Ok(due)
}

/// When the next row is due.
pub fn next_due(tx: &mut Tx<'_>) -> Outcome<Option<Timestamp>> {
    if is_held(tx)? {
        return Ok(None);
    }
    let first = destination::waiting(tx, 1)?;
    Ok(first.into_iter().map(|one| one.next_at).min())
}

/// The brake on everything that leaves.
pub fn hold_all(tx: &mut Tx<'_>, now: Timestamp, hold: bool, actor: Actor) -> Outcome<()> {
    tx.execute("DELETE FROM setting WHERE name = 'outbox.held'", &[])?;
    if hold {
        tx.execute("INSERT INTO setting (name, value) VALUES ('outbox.held', '1')", &[])?;
    }
    ledger::record(
        tx,
        now,
        event(if hold { "outbox.held" } else { "outbox.released" }, actor),
    )?;
    tx.ring(OUTBOX);
    Ok(())
}

/// Whether the brake is on.
pub fn is_held(tx: &mut Tx<'_>) -> Outcome<bool> {
    Ok(tx
        .first("SELECT 1 FROM setting WHERE name = 'outbox.held'", &[])?
        .is_some())
}

/// A letter that was made of a row.
#[derive(Debug, Clone)]
pub struct Composed {
    /// The bytes that leave.
    pub bytes: Vec<u8>,
    /// Its words, as the case shows them.
    pub text: String,
    /// How it was sealed, as half a sentence; empty: in clear.
    pub sealed: String,
}

/// Takes a row for sending, with the bytes that will leave: false if it was undone, or all mail held, meanwhile, or if an
/// earlier mail of the case has to go first.
pub fn claim(tx: &mut Tx<'_>, now: Timestamp, row: &Due, composed: Option<Composed>) -> Outcome<bool> {
    if waits_for_another(tx, now, row)? {
        tx.ring(OUTBOX);
        return Ok(false);
    }
    let claimed = tx.execute(
        "UPDATE outbox SET state = 'sending', tries = tries + 1, first_try_at = COALESCE(first_try_at, $1)
         WHERE id = $2 AND state IN ('held', 'queued', 'deferred')
           AND behind IS NULL AND NOT EXISTS (SELECT 1 FROM setting WHERE name = 'outbox.held')",
        &values![now, row.id],
    )?;
    if claimed == 0 {
        return Ok(false);
    }
    destination::settle(tx, &row.domain, Some(now))?;
    tx.ring(OUTBOX);
    if let Some(Composed { bytes, text, sealed }) = composed {
        let raw = super::arrival::keep_raw(tx, bytes)?;
        tx.execute(
            "UPDATE outbox SET raw = $1, sealed = $2 WHERE id = $3",
            &values![raw, sealed, row.id],
        )?;
        tx.execute(
            "UPDATE message SET raw = $1, text = CASE WHEN text = '' THEN $2 ELSE text END WHERE id = $3 AND raw IS NULL",
            &values![raw, text, row.message],
        )?;
    }
    Ok(true)
}

/// A row whose letter must not leave, as the sentence says: it has failed, and a person has to look.
pub fn refuse(tx: &mut Tx<'_>, now: Timestamp, desk: &Desk, row: &Due, why: String) -> Outcome<()> {
    if !claim(tx, now, row, None)? {
        return Ok(());
    }
    let attempt = Attempted {
        began: now,
        server: None,
        said: why,
        how: Ended::Failed,
        doubted: false,
        relayed: false,
    };
    ended(tx, now, desk, row.id, &attempt)
}

/// Rows that were being sent when the desk stopped: they may have left; they are sent again, same Message-ID.
pub fn recover(tx: &mut Tx<'_>) -> Outcome<u64> {
    let again = tx.execute(
        "UPDATE outbox SET state = 'queued', doubted = 1, said = 'the desk stopped while this was being sent; sent again'
         WHERE state = 'sending'",
        &[],
    )?;
    destination::begin(tx)?;
    Ok(again)
}

/// How a row's attempt ended.
#[derive(Debug, Clone)]
pub enum Ended {
    /// The first server outside took it.
    Accepted,
    /// Not yet; tried again at the instant. `in_time`: the customer's own server deferred a first attempt.
    Deferred {
        /// When it is tried again.
        again: Timestamp,
        /// The customer's own server said so.
        by_their_server: bool,
    },
    /// For good.
    Failed,
}

/// What one attempt told.
#[derive(Debug, Clone)]
pub struct Attempted {
    /// When it began.
    pub began: Timestamp,
    /// The server that answered; none if there was nobody to talk to.
    pub server: Option<String>,
    /// Its words, or what went wrong.
    pub said: String,
    /// What became of the mail.
    pub how: Ended,
    /// The mail may have been taken though nobody said so.
    pub doubted: bool,
    /// It went to the relay that takes all mail, not to a mail host of the domain.
    pub relayed: bool,
}

/// Records how an attempt ended; promises and the case follow.
pub fn ended(tx: &mut Tx<'_>, now: Timestamp, desk: &Desk, id: OutboxId, attempt: &Attempted) -> Outcome<()> {
    let domain = record(tx, now, desk, id, attempt)?;
    match &attempt.server {
        Some(_) => destination::reached(tx, now, &domain, attempt.relayed)?,
        None if matches!(attempt.how, Ended::Deferred { .. }) => {
            destination::unreachable(tx, now, &domain, attempt.began)?;
        }
        None => {}
    }
    // Whatever else it is: a row that is settled lets those behind it pass.
    match attempt.how {
        Ended::Deferred { .. } => destination::settle(tx, &domain, None),
        _ => let_pass(tx, id, &domain),
    }
}

fn record(tx: &mut Tx<'_>, now: Timestamp, desk: &Desk, id: OutboxId, attempt: &Attempted) -> Outcome<String> {
    let how = &attempt.how;
    let (state, settled, again, kind) = match how {
        Ended::Accepted => ("accepted", Some(now), now, "mail.accepted"),
        Ended::Deferred { again, .. } => ("deferred", None, *again, "mail.deferred"),
        Ended::Failed => ("failed", Some(now), now, "mail.failed"),
    };
    let row = tx.one(
        "UPDATE outbox SET state = $1, settled_at = $2, not_before = $3, server = $4, said = $5,
             doubted = doubted | $6 WHERE id = $7
         RETURNING message, case_id, contact, first_try_at, domain",
        &values![
            state,
            settled,
            again,
            attempt.server.as_deref(),
            attempt.said.as_str(),
            attempt.doubted,
            id
        ],
    )?;
    let message = MessageNo(row.int(0));
    let case = row.opt_int(1).map(CaseId);
    let (contact, first_try) = (row.opt_int(2).map(ContactId), row.opt_instant(3));
    let mut entry = event(kind, Actor::Desk).message(message).with(json!({"outbox": id.0}));
    if let Some(case) = case {
        entry = entry.of(case);
    }
    ledger::record(tx, now, entry)?;
    tx.ring(OUTBOX);
    reply::progress(tx, now, desk, message, contact, first_try.unwrap_or(now), how)?;
    Ok(row.text(4).to_owned())
}

/// Mails to a domain that nobody could reach for as long as mail is tried: the oldest of them have failed, at most so
/// many. They were never tried one by one, for the domain rested. Says how many.
pub fn give_up(tx: &mut Tx<'_>, now: Timestamp, desk: &Desk, domain: &str, limit: i64) -> Outcome<usize> {
    let patience = SignedDuration::from_hours(limits::DELIVERY_GIVE_UP_HOURS);
    let rows = tx.query(
        "SELECT o.id, d.failing_since FROM outbox o JOIN destination d ON d.domain = o.domain
         WHERE o.domain = $1 AND o.state IN ('held', 'queued', 'deferred') AND o.behind IS NULL
           AND o.not_before <= $2 AND d.failing_since <= $2 ORDER BY o.not_before, o.id LIMIT $3",
        &values![domain, now - patience, limit],
    )?;
    for row in &rows {
        let attempt = Attempted {
            began: now,
            server: None,
            said: "given up after five days: no mail host of this domain could be reached".to_owned(),
            how: Ended::Failed,
            doubted: false,
            relayed: false,
        };
        ended(tx, now, desk, OutboxId(row.int(0)), &attempt)?;
    }
    destination::settle(tx, domain, None)?;
    Ok(rows.len())
}
