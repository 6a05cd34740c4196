//! The promise: "a useful reply to these messages by this instant" (PRODUCT.md §3).
//!
//! Made for every customer message that wants an answer, counted from its receipt; kept only by a useful human reply that
//! the first server outside accepted in time; otherwise broken at its due instant by a timer and by nobody's choice.
//! What is settled stays settled: the one exception is a permanent bounce of the keeping reply, which the ledger tells.

mod broken;

pub use broken::{Among, break_it};

use super::admission::{self, Request, Verdict};
use super::agreement::{self, Under, WhenFull, Word};
use super::case::{self, Case, severity_of};
use super::ledger::{self, Actor, event};
use super::negotiation::{self, life::Word as Said};
use super::schedule::{learnt, touch};
use super::{ALARM, CaseId, ContactId, Desk, MessageNo, OutboxId, PromiseId, customer};
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
    /// What the contact said of its due.
    pub word: Said,
    /// Why there is this promise.
    pub basis: String,
}

const PROMISE: &str =
    "SELECT id, case_id, message, contact, severity, made_at, due, why, state, word, basis FROM promise";

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
            word: Said::of(row.text(9)),
            basis: row.text(10).to_owned(),
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
    /// Why there is this promise: target, owed, next word, after a break, after a bounce, released, moved, disputed, worse.
    pub basis: &'static str,
    /// The numbers behind the date.
    pub why: Json,
    /// The versions of agreement and calendar that it was made under.
    pub under: Under,
}

/// A time that both sides said: who asked for it, and instead of which promise.
#[derive(Debug, Clone, Copy)]
pub struct Agreement {
    /// The promise that it takes the place of.
    pub moved_from: PromiseId,
    /// `us` or `customer`.
    pub asked_by: &'static str,
}

/// Makes a promise. The case's hand is the caller's business; its `reply_by` follows here.
pub fn make(tx: &mut Tx<'_>, now: Timestamp, actor: Actor, new: &New) -> Outcome<PromiseId> {
    make_agreed(tx, now, actor, new, None)
}

/// As [`make`]; with an agreement the contact has said yes to its due.
pub(super) fn make_agreed(
    tx: &mut Tx<'_>,
    now: Timestamp,
    actor: Actor,
    new: &New,
    agreed: Option<Agreement>,
) -> Outcome<PromiseId> {
    let word = if agreed.is_some() { Said::Agreed } else { Said::Offered };
    let number = tx.insert(
        "INSERT INTO promise (case_id, message, contact, severity, made_at, due, basis, word, why, state, lane, layer, minutes,
             slot, moved_from, asked_by, agreed_at, agreement_version, calendar_version, zone_release)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 'open', (SELECT lane FROM cases WHERE id = $1),
             (SELECT layer FROM cases WHERE id = $1), $10, $11, $12, $13, $14, $15, $16, $17)",
        &values![
            new.case,
            new.message,
            new.contact,
            i64::from(new.severity.number()),
            new.made_at,
            new.due,
            new.basis,
            word.text(),
            new.why.to_string(),
            admission::minutes_of(new.severity),
            admission::slot_of(new.due),
            agreed.map(|one| one.moved_from),
            agreed.map(|one| one.asked_by),
            agreed.map(|_| now),
            new.under.version,
            new.under.calendar,
            plan::zone::release()
        ],
    )?;
    let id = PromiseId(number);
    admission::count_new(tx, new.case, new.severity, new.due)?;
    if let Some(agreed) = agreed {
        touch::carry(tx, agreed.moved_from, id)?;
    }
    let is_dated = new.why["target_due"].is_string() || new.basis == "after a break";
    if is_dated || agreed.is_some_and(|agreed| agreed.asked_by == "us") {
        touch::moved(tx, id)?;
    }
    // A promise more can only make the earliest due earlier.
    tx.execute(
        "UPDATE cases SET reply_by = $1 WHERE id = $2 AND (reply_by IS NULL OR reply_by > $1)",
        &values![new.due, new.case],
    )?;
    let mut data = json!({"made": new.made_at.to_string(), "due": new.due.to_string(), "basis": new.basis});
    if let Some(agreed) = agreed {
        data["moved_from"] = json!(agreed.moved_from.0);
        data["asked_by"] = json!(agreed.asked_by);
    }
    let mut entry = event("promise.made", actor).of(new.case).promise(id).with(data);
    if let Some(message) = new.message {
        entry = entry.message(message);
    }
    ledger::record(tx, now, entry)?;
    tx.ring(ALARM);
    Ok(id)
}

/// How a target fared before the count of what is promised already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Held {
    /// It can be held.
    Yes,
    /// It cannot: the due is the earliest time that can.
    Dated,
    /// It cannot, and stands: this earliest honest time is to be offered.
    Offer(Timestamp),
    /// It cannot be shown, and stands: a lead is to know why.
    Lead(&'static str),
}

/// A promise that a message earned.
#[derive(Debug, Clone, Copy)]
pub struct Earned {
    /// Its number.
    pub promise: PromiseId,
    /// By when.
    pub due: Timestamp,
    /// Whether that is the target, and what follows if not.
    pub held: Held,
}

/// The due of a promise whose target is `due`, as far as everything else that is promised allows (PRODUCT.md §3.2).
pub(super) fn dated(
    tx: &mut Tx<'_>,
    now: Timestamp,
    case: &Case,
    severity: Severity,
    when_full: WhenFull,
    (due, why): (Timestamp, &mut Json),
) -> Outcome<(Timestamp, Held)> {
    let request = Request::of(case, severity, Some(due), &[]);
    let (earliest, full) = match admission::admit(tx, now, &request)? {
        Verdict::Granted { why: numbers, .. } => {
            why["by"] = json!(numbers.by.0);
            why["starts"] = json!(numbers.by.1.to_string());
            return Ok((due, Held::Yes));
        }
        Verdict::NoDate { why: half } => {
            why["no_date"] = json!(half);
            return Ok((due, Held::Lead(half)));
        }
        Verdict::Refused { earliest, why } => (earliest, why),
    };
    why["full"] = full.json();
    Ok(match (severity, when_full) {
        // A person offers, not a machine (PRODUCT.md §3.2).
        (Severity::Stopped, _) => (due, Held::Lead("what is promised already fills the time")),
        (_, WhenFull::Offer) => (due, Held::Offer(earliest)),
        (_, WhenFull::Date) => {
            why["target_due"] = json!(due.to_string());
            (earliest, Held::Dated)
        }
    })
}

/// The promise that a customer's message earns: target of the agreement that holds, from `from`, behind what the customer has
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
) -> Outcome<Earned> {
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
    let agreed = agreement::in_force(tx, desk, case.id, contact.id, from)?;
    let at_target = agreed.terms.at_target.unwrap_or(contact.promises_at_target());
    let crowded = open.int(0) >= at_target;
    let start = match open.opt_instant(1) {
        Some(last) if crowded => last.max(from),
        _ => from,
    };
    let agreement::Due {
        at: due,
        mut why,
        under,
    } = agreed.due(tx, desk, severity, word, start)?;
    if crowded {
        why["behind"] = json!(open.int(0));
    }
    let (due, held) = dated(tx, now, case, severity, agreed.terms.when_full, (due, &mut why))?;
    let new = New {
        case: case.id,
        message: Some(message),
        contact: contact.id,
        severity,
        made_at: from,
        due,
        basis,
        why,
        under,
    };
    let promise = make(tx, now, Actor::Customer, &new)?;
    Ok(Earned { promise, due, held })
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
    let contact = asker(tx, case)?;
    let mut target = agreement::due(tx, desk, case, contact, severity, Word::FollowUp, now)?;
    let whole = case::find(tx, case)?;
    let (due, _) = dated(tx, now, &whole, severity, WhenFull::Date, (target.at, &mut target.why))?;
    let new = New {
        case,
        message: None,
        contact,
        severity,
        made_at: now,
        due,
        basis: "next word",
        why: target.why,
        under: target.under,
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
        break_it(tx, now, desk, &promise, Among::Few)?;
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

/// Both sides agreed on another time: settled as moved, and a new promise for the same messages.
#[expect(clippy::too_many_arguments, reason = "the facts of one move, each once")]
pub(super) fn move_to(
    tx: &mut Tx<'_>,
    now: Timestamp,
    desk: &Desk,
    promise: &Promise,
    due: Timestamp,
    by: Actor,
    asked_by: &'static str,
    why: Json,
) -> Outcome<PromiseId> {
    let data = json!({"due": promise.due.to_string(), "to": due.to_string(), "asked_by": asked_by});
    settle(tx, now, promise, "moved", None, now, by, data)?;
    let under = agreement::in_force(tx, desk, promise.case, promise.contact, now)?.under();
    let new = New {
        case: promise.case,
        message: promise.message,
        contact: promise.contact,
        severity: promise.severity,
        made_at: now,
        due,
        basis: "moved",
        why,
        under,
    };
    let agreed = Agreement {
        moved_from: promise.id,
        asked_by,
    };
    make_agreed(tx, now, by, &new, Some(agreed))
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
    admission::count(tx, promise.id, Some(promise.due))?;
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
        break_it(tx, now, desk, promise, Among::Few)?;
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
    admission::count(tx, promise.id, None)?;
    if state == "kept" {
        learnt::kept(tx, now, promise.id)?;
    }
    negotiation::over(tx, now, promise, state)?;
    refresh(tx, promise.case)?;
    let kind = match state {
        "kept" => "promise.kept",
        "moved" => "promise.moved",
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

/// How a time stands that we named and nobody has answered.
pub const OFFERED: &str = "offered";

/// The promise that a letter of the outbox tells its reader of: its number, and how it stands: offered, agreed, asked while
/// it is open, else what became of it. None where the time is only a proposal.
pub fn said(tx: &mut Tx<'_>, case: CaseId, letter: OutboxId, due: Timestamp) -> Outcome<Option<(PromiseId, String)>> {
    let row = tx.first(
        "SELECT p.id, CASE WHEN p.state = 'open' THEN p.word ELSE p.state END FROM promise p
         WHERE p.case_id = $1 AND p.due = $2
         ORDER BY CASE WHEN p.contact = (SELECT contact FROM outbox WHERE id = $3) THEN 0 ELSE 1 END, p.id DESC LIMIT 1",
        &values![case, due, letter],
    )?;
    Ok(row.map(|row| (PromiseId(row.int(0)), row.text(1).to_owned())))
}

/// Promises whose due time has come.
pub fn due(tx: &mut Tx<'_>, now: Timestamp, limit: i64) -> Outcome<Vec<Promise>> {
    let rows = tx.query(
        &format!("{PROMISE} WHERE state = 'open' AND due <= $1 ORDER BY due, id LIMIT $2"),
        &values![now, limit],
    )?;
    Ok(rows.iter().map(Promise::of).collect())
}
