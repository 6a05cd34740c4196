//! The promise: "a useful reply to these messages by this instant" (PRODUCT.md §3).
//!
//! Made for every customer message that wants an answer, counted from its receipt; kept only by a useful human reply that
//! the first server outside accepted in time; otherwise broken at its due instant by a timer and by nobody's choice.
//! What is settled stays settled: the one exception is a permanent bounce of the keeping reply, which the ledger tells.

use super::agreement::{self, Word};
use super::case::{self, Case, Hand, severity_of};
use super::ledger::{self, Actor, event};
use super::{ALARM, CaseId, ContactId, Desk, MessageNo, PromiseId, customer};
use crate::limits;
use crate::refusal::{Outcome, Refusal};
use crate::store::{Row, Tx, values};
use jiff::Timestamp;
use plan::Severity;
use serde_json::{Value as Json, json};

/// A promise as the rules need it.
#[derive(Debug, Clone)]
pub struct Promise {
    /// Number.
    pub id: PromiseId,
    /// The case it belongs to.
    pub case: CaseId,
    /// The message it answers; none for a next word that we owe.
    pub message: Option<MessageNo>,
    /// Who asked, and whose server must take the reply.
    pub contact: ContactId,
    /// The severity that its target came from.
    pub severity: Severity,
    /// When it was made: receipt, release, or the act that made it.
    pub made_at: Timestamp,
    /// By when.
    pub due: Timestamp,
    /// Rule, calendar and neighbours that produced the date.
    pub why: String,
    /// open, kept, moved, broken, withdrawn.
    pub state: String,
}

const PROMISE: &str = "SELECT id, case_id, message, contact, severity, made_at, due, why, state FROM promise";

impl Promise {
    fn of(row: &Row) -> Promise {
        Promise {
            id: PromiseId(row.int(0)),
            case: CaseId(row.int(1)),
            message: row.opt_int(2).map(MessageNo),
            contact: ContactId(row.int(3)),
            severity: severity_of(row.int(4)),
            made_at: row.instant(5),
            due: row.instant(6),
            why: row.text(7).to_owned(),
            state: row.text(8).to_owned(),
        }
    }
}

/// What a new promise is made from.
#[derive(Debug, Clone)]
pub struct New {
    /// The case.
    pub case: CaseId,
    /// The message it answers, if any.
    pub message: Option<MessageNo>,
    /// Who asked.
    pub contact: ContactId,
    /// The severity of its target.
    pub severity: Severity,
    /// When it was made.
    pub made_at: Timestamp,
    /// By when.
    pub due: Timestamp,
    /// Why there is this promise: target, owed, next word, after a break, after a bounce, released.
    pub basis: &'static str,
    /// The numbers behind the date.
    pub why: Json,
}

/// Makes a promise. The case's hand is the caller's business; its `reply_by` follows here.
pub fn make(tx: &mut Tx<'_>, now: Timestamp, actor: Actor, new: &New) -> Outcome<PromiseId> {
    let number = tx.insert(
        "INSERT INTO promise (case_id, message, contact, severity, made_at, due, basis, word, why, state)
         VALUES ($1, $2, $3, $4, $5, $6, $7, 'offered', $8, 'open')",
        &values![
            new.case,
            new.message,
            new.contact,
            i64::from(new.severity.number()),
            new.made_at,
            new.due,
            new.basis,
            new.why.to_string()
        ],
    )?;
    let id = PromiseId(number);
    refresh(tx, new.case)?;
    let data = json!({"made": new.made_at.to_string(), "due": new.due.to_string(), "basis": new.basis});
    let mut entry = event("promise.made", actor).of(new.case).promise(id).with(data);
    if let Some(message) = new.message {
        entry = entry.message(message);
    }
    ledger::record(tx, now, entry)?;
    tx.ring(ALARM);
    Ok(id)
}

/// The promise that a customer's message earns: target of the default agreement from `from`, behind what the customer has
/// open already where that is more than they may have at target (PRODUCT.md §3.2).
#[expect(clippy::too_many_arguments, reason = "the facts of one promise, each once")]
pub fn for_message(
    tx: &mut Tx<'_>,
    now: Timestamp,
    desk: &Desk,
    case: &Case,
    message: MessageNo,
    contact: &customer::Contact,
    severity: Severity,
    from: Timestamp,
    basis: &'static str,
) -> Outcome<(PromiseId, Timestamp)> {
    let answered = tx.first(
        "SELECT 1 FROM promise WHERE case_id = $1 AND (state = 'kept' OR state = 'broken') LIMIT 1",
        &values![case.id],
    )?;
    let word = if answered.is_some() {
        Word::FollowUp
    } else {
        Word::First
    };
    let open = tx.one(
        "SELECT COUNT(*), MAX(p.due) FROM promise p JOIN contact c ON c.id = p.contact
         WHERE p.state = 'open' AND c.customer = $1",
        &values![contact.customer],
    )?;
    let crowded = open.int(0) >= contact.promises_at_target();
    let start = match open.opt_instant(1) {
        Some(last) if crowded => last.max(from),
        _ => from,
    };
    let (due, mut why) = agreement::due(desk, severity, word, start)?;
    if crowded {
        why["behind"] = json!(open.int(0));
    }
    let new = New {
        case: case.id,
        message: Some(message),
        contact: contact.id,
        severity,
        made_at: from,
        due,
        basis,
        why,
    };
    let id = make(tx, now, Actor::Customer, &new)?;
    Ok((id, due))
}

/// The promise of the next word, made when a case of theirs wakes without mail: to whoever asked last.
pub fn next_word(
    tx: &mut Tx<'_>,
    now: Timestamp,
    desk: &Desk,
    case: CaseId,
    severity: Severity,
    actor: Actor,
) -> Outcome<()> {
    let (due, why) = agreement::due(desk, severity, Word::FollowUp, now)?;
    let contact = asker(tx, case)?;
    let new = New {
        case,
        message: None,
        contact,
        severity,
        made_at: now,
        due,
        basis: "next word",
        why,
    };
    make(tx, now, actor, &new)?;
    Ok(())
}

/// Who asked last in a case: a person before a machine that wrote in a person's name.
pub fn asker(tx: &mut Tx<'_>, case: CaseId) -> Outcome<ContactId> {
    let row = tx.first(
        "SELECT contact FROM message WHERE case_id = $1 AND way = 'in' AND contact IS NOT NULL
         ORDER BY CASE WHEN auto IN ('no', 'list') THEN 0 ELSE 1 END, id DESC LIMIT 1",
        &values![case],
    )?;
    row.map(|row| ContactId(row.int(0))).ok_or_else(|| {
        Refusal::conflict(format!("Nobody has written to case {} who could be answered.", case.0)).into()
    })
}

/// Open promises of a case, earliest due first.
pub fn open_of(tx: &mut Tx<'_>, case: CaseId) -> Outcome<Vec<Promise>> {
    let rows = tx.query(
        &format!("{PROMISE} WHERE case_id = $1 AND state = 'open' ORDER BY due, id LIMIT $2"),
        &values![case, limits::LIST_ROWS_MAX],
    )?;
    Ok(rows.iter().map(Promise::of).collect())
}

/// The promise with this number.
pub fn find(tx: &mut Tx<'_>, id: PromiseId) -> Outcome<Promise> {
    Ok(Promise::of(&tx.one(&format!("{PROMISE} WHERE id = $1"), &values![id])?))
}

/// The reply was accepted in time: kept. Accepted after the due is the timer's business, which has broken it by then or
/// does so here, at its due instant.
pub fn keep(
    tx: &mut Tx<'_>,
    now: Timestamp,
    desk: &Desk,
    id: PromiseId,
    reply: MessageNo,
    in_time_at: Timestamp,
    by: Actor,
) -> Outcome<bool> {
    let promise = find(tx, id)?;
    if promise.state != "open" {
        return Ok(false);
    }
    if in_time_at > promise.due {
        break_it(tx, now, desk, &promise)?;
        return Ok(false);
    }
    settle(
        tx,
        now,
        &promise,
        "kept",
        Some(reply),
        in_time_at,
        by,
        json!({"margin_seconds": (promise.due.as_second() - in_time_at.as_second())}),
    )?;
    Ok(true)
}

/// Its due time has come without a useful reply: recorded broken at its own instant, told in plain words by the caller,
/// and in the same transaction promised anew for the same message, at the earliest time that is known (PRODUCT.md §3.7).
pub fn break_it(tx: &mut Tx<'_>, now: Timestamp, desk: &Desk, promise: &Promise) -> Outcome<Timestamp> {
    settle(
        tx,
        now,
        promise,
        "broken",
        None,
        promise.due,
        Actor::Desk,
        json!({"due": promise.due.to_string()}),
    )?;
    let (due, why) = agreement::due(desk, promise.severity, Word::FollowUp, now.max(promise.due))?;
    let new = New {
        case: promise.case,
        message: promise.message,
        contact: promise.contact,
        severity: promise.severity,
        made_at: now.max(promise.due),
        due,
        basis: "after a break",
        why,
    };
    make(tx, now, Actor::Desk, &new)?;
    let case = case::find(tx, promise.case)?;
    if case.hand != Hand::Ours {
        case::wake(tx, now, &case, Actor::Desk, "promise broken")?;
    }
    super::automatic::tell_broken(tx, now, desk, &case, promise, due)?;
    Ok(due)
}

/// An engineer withdraws it (spam, misdirected, "no reply needed"); the ledger keeps the reason.
pub fn withdraw(tx: &mut Tx<'_>, now: Timestamp, id: PromiseId, by: Actor, reason: &str) -> Outcome<()> {
    if reason.trim().is_empty() {
        return Err(Refusal::usage("A promise is withdrawn with a reason, which the ledger keeps.").into());
    }
    let promise = find(tx, id)?;
    if promise.state != "open" {
        return Err(Refusal::conflict(format!(
            "This promise is {} already; what is settled stays.",
            promise.state
        ))
        .into());
    }
    settle(tx, now, &promise, "withdrawn", None, now, by, json!({"reason": reason}))
}

/// The promises that a reply kept.
pub fn kept_by(tx: &mut Tx<'_>, reply: MessageNo) -> Outcome<Vec<Promise>> {
    let rows = tx.query(
        &format!("{PROMISE} WHERE reply = $1 AND state = 'kept' ORDER BY id LIMIT $2"),
        &values![reply, limits::LIST_ROWS_MAX],
    )?;
    Ok(rows.iter().map(Promise::of).collect())
}

/// The keeping reply came back for good: the promise is open again with its old due, or broken if that has passed.
pub fn reopen(tx: &mut Tx<'_>, now: Timestamp, desk: &Desk, promise: &Promise) -> Outcome<()> {
    tx.execute(
        "UPDATE promise SET state = 'open', settled_at = NULL, reply = NULL, settled_by = NULL WHERE id = $1",
        &values![promise.id],
    )?;
    refresh(tx, promise.case)?;
    ledger::record(
        tx,
        now,
        event("promise.reopened", Actor::Desk)
            .of(promise.case)
            .promise(promise.id)
            .with(json!({"cause": "bounce"})),
    )?;
    tx.ring(ALARM);
    if promise.due <= now {
        break_it(tx, now, desk, promise)?;
    }
    Ok(())
}

#[expect(clippy::too_many_arguments, reason = "one row's columns, named where they are given")]
fn settle(
    tx: &mut Tx<'_>,
    now: Timestamp,
    promise: &Promise,
    state: &'static str,
    reply: Option<MessageNo>,
    at: Timestamp,
    by: Actor,
    data: Json,
) -> Outcome<()> {
    tx.execute(
        "UPDATE promise SET state = $1, settled_at = $2, reply = $3, settled_by = $4 WHERE id = $5 AND state = 'open'",
        &values![state, at, reply, by.text(), promise.id],
    )?;
    refresh(tx, promise.case)?;
    let kind = match state {
        "kept" => "promise.kept",
        "broken" => "promise.broken",
        _ => "promise.withdrawn",
    };
    let mut entry = event(kind, by).of(promise.case).promise(promise.id).with(data);
    if let Some(reply) = reply {
        entry = entry.message(reply);
    }
    ledger::record(tx, now, entry)?;
    Ok(())
}

/// Keeps the case's earliest open due beside it.
pub(super) fn refresh(tx: &mut Tx<'_>, case: CaseId) -> Outcome<()> {
    tx.execute(
        "UPDATE cases SET reply_by = (SELECT MIN(due) FROM promise WHERE case_id = $1 AND state = 'open') WHERE id = $1",
        &values![case],
    )?;
    Ok(())
}

/// Promises whose due time has come.
pub fn due(tx: &mut Tx<'_>, now: Timestamp, limit: i64) -> Outcome<Vec<Promise>> {
    let rows = tx.query(
        &format!("{PROMISE} WHERE state = 'open' AND due <= $1 ORDER BY due, id LIMIT $2"),
        &values![now, limit],
    )?;
    Ok(rows.iter().map(Promise::of).collect())
}
