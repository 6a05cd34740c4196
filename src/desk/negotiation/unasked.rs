//! What a contact says of a case beside its times: it got worse, a reply did not help, no reply is needed.
//!
//! The first two make a promise and change none; the permanent link is enough for them, since each is echoed to everybody
//! on the case and can be taken back. The third settles promises: only proven words of the contact do that.

use super::{Heard, New, Said, Way, What, put, tell, undo_until};
use crate::desk::agreement::{self, Word};
use crate::desk::case::{self, Case, Hand};
use crate::desk::customer::Contact;
use crate::desk::ledger::{self, Actor, event};
use crate::desk::promise::{self, Promise};
use crate::desk::{CaseId, ContactId, Desk, MessageNo, PromiseId, notice};
use crate::refusal::{Outcome, Refusal};
use crate::store::{Tx, values};
use jiff::Timestamp;
use plan::Severity;
use serde_json::json;

/// A reply that its reader can say something of.
#[derive(Debug, Clone)]
pub struct Delivered {
    /// The message.
    pub message: MessageNo,
    /// When it was written.
    pub at: Timestamp,
    /// Who wrote it.
    pub by: String,
    /// Its reader has said already that it did not help.
    pub disputed: bool,
}

/// A delivered reply of a case: this one, or the newest.
pub fn latest_reply(tx: &mut Tx<'_>, case: CaseId, message: Option<i64>) -> Outcome<Option<Delivered>> {
    let row = tx.first(
        "SELECT m.id, m.at, m.author, r.disputed_at FROM reply r JOIN message m ON m.id = r.message
         WHERE m.case_id = $1 AND r.state = 'delivered' AND (m.id = $2 OR $2 = 0) ORDER BY m.id DESC LIMIT 1",
        &values![case, message.unwrap_or(0)],
    )?;
    Ok(row.map(|row| Delivered {
        message: MessageNo(row.int(0)),
        at: row.instant(1),
        by: row.text(2).to_owned(),
        disputed: row.opt_instant(3).is_some(),
    }))
}

/// The reply did not help: it is marked, stays what it was, and there is a new promise from now (PRODUCT.md §3.3).
pub fn did_not_help(
    tx: &mut Tx<'_>,
    now: Timestamp,
    desk: &Desk,
    way: Way,
    case: &Case,
    contact: &Contact,
    reply: &Delivered,
) -> Outcome<Heard> {
    let marked = tx.execute(
        "UPDATE reply SET disputed_at = $1 WHERE message = $2 AND disputed_at IS NULL",
        &values![now, reply.message],
    )?;
    if marked == 0 {
        return Err(Refusal::conflict(
            "You said so already, and the new time stands. Answer any mail of the case to say what is missing.",
        )
        .into());
    }
    let entry = event("promise.disputed", Actor::Customer)
        .of(case.id)
        .message(reply.message)
        .with(json!({"way": way.text()}));
    ledger::record(tx, now, entry)?;
    let made = promise_of(
        tx,
        now,
        desk,
        case,
        contact.id,
        case.severity,
        Word::FollowUp,
        "disputed",
    )?;
    said(
        tx,
        now,
        desk,
        case,
        way,
        &made,
        "disputed",
        What::Disputed,
        Some(reply.at),
    )
}

/// It got worse: a promise of its own at severity 1, at once; a person looks first.
pub fn got_worse(
    tx: &mut Tx<'_>,
    now: Timestamp,
    desk: &Desk,
    way: Way,
    case: &Case,
    contact: &Contact,
) -> Outcome<Heard> {
    let open = promise::open_of(tx, case.id)?;
    if let Some(urgent) = open
        .iter()
        .find(|one| one.severity == Severity::Stopped && one.contact == contact.id)
    {
        return Ok(Heard::Stays(urgent.due));
    }
    if case.severity != Severity::Stopped {
        case::set_severity(tx, now, case, Severity::Stopped, Actor::Customer)?;
    }
    let made = promise_of(tx, now, desk, case, contact.id, Severity::Stopped, Word::First, "worse")?;
    said(tx, now, desk, case, way, &made, "worse", What::Worse, None)
}

#[expect(clippy::too_many_arguments, reason = "the facts of one promise, each once")]
fn promise_of(
    tx: &mut Tx<'_>,
    now: Timestamp,
    desk: &Desk,
    case: &Case,
    contact: ContactId,
    severity: Severity,
    word: Word,
    basis: &'static str,
) -> Outcome<Promise> {
    let agreed = agreement::in_force(tx, desk, case.id, contact, now)?;
    let mut target = agreed.due(tx, desk, severity, word, now)?;
    let when_full = agreed.terms.when_full;
    let (due, _) = promise::dated(tx, now, case, severity, when_full, (target.at, &mut target.why))?;
    let new = promise::New {
        case: case.id,
        message: None,
        contact,
        severity,
        made_at: now,
        due,
        basis,
        why: target.why,
        under: target.under,
    };
    let id: PromiseId = promise::make(tx, now, Actor::Customer, &new)?;
    let now_ours = case::find(tx, case.id)?;
    case::wake(tx, now, &now_ours, Actor::Customer, basis)?;
    notice::owner(tx, now, desk, case.id, notice::WROTE)?;
    promise::find(tx, id)
}

#[expect(clippy::too_many_arguments, reason = "the facts of one word, each once")]
fn said(
    tx: &mut Tx<'_>,
    now: Timestamp,
    desk: &Desk,
    case: &Case,
    way: Way,
    made: &Promise,
    kind: &'static str,
    what: What,
    about: Option<Timestamp>,
) -> Outcome<Heard> {
    let until = undo_until(now, &[made.due]);
    let new = New {
        made: Some(made.id),
        undo_until: Some(until),
        ..New::said(kind, Actor::Customer, way)
    };
    let step = put(tx, now, desk, made, &new)?;
    let said = Said {
        at: Some(made.due),
        due: about,
        undo: Some((step, until)),
        ..Said::of(what)
    };
    tell::tell(tx, now, desk, case, made.contact, &said)?;
    Ok(Heard::Agreed(made.due))
}

/// The contact says that no reply is needed: what is open for them is withdrawn.
pub fn unneeded(
    tx: &mut Tx<'_>,
    now: Timestamp,
    desk: &Desk,
    way: Way,
    case: &Case,
    contact: ContactId,
) -> Outcome<bool> {
    let open = promise::open_of(tx, case.id)?;
    let theirs: Vec<&Promise> = open.iter().filter(|one| one.contact == contact).collect();
    let Some(first) = theirs.first() else { return Ok(false) };
    for promise in &theirs {
        promise::withdraw(tx, now, promise.id, Actor::Customer, "the customer needs no reply")?;
        put(tx, now, desk, promise, &New::said("unneeded", Actor::Customer, way))?;
    }
    let said = Said {
        due: Some(first.due),
        ..Said::of(What::Unneeded)
    };
    tell::tell(tx, now, desk, case, contact, &said)?;
    after_withdrawal(tx, now, case.id)?;
    Ok(true)
}

/// A case of ours under which nothing is owed any more closes, as after an answer; a reply under way decides by itself.
pub(super) fn after_withdrawal(tx: &mut Tx<'_>, now: Timestamp, id: CaseId) -> Outcome<()> {
    let case = case::find(tx, id)?;
    if case.hand == Hand::Ours && case.reply_by.is_none() && case.under_way == 0 {
        case::shut(tx, now, id, Actor::Customer, "answered", "the customer needs no reply")?;
    }
    Ok(())
}
