//! Mail whose sender could not be looked up, because name servers did not answer: it is looked up again.
//!
//! Some minutes later, then later still, a few times ([`limits::RECHECK_MINUTES`]). When the sender turns out verified, the
//! mail is taken on as if that had been known when it was received: its promise counts from the receipt. When something
//! speaks against the sender, or nothing is known at the end, it stays where it stands, in the spool; text I is sent once
//! the answer is known to be none. Each is a row with a time, so that a restart loses none. Leaves out: the looking up, which
//! is the mail door's.

use super::ledger::{Actor, event};
use super::message::{Auto, Facts, Incoming};
use super::origin::{self, Finding, Origin, Standing};
use super::thread::{self, Match};
use super::{
    ARRIVED, CaseId, Desk, MessageNo, RawId, arrival, automatic, customer, ledger, merge, message, spool, unsorted,
};
use crate::limits;
use crate::refusal::{Fault, Outcome};
use crate::store::{Tx, values};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

/// The mail is looked up again, unless it is only to be seen.
pub(super) fn expect(tx: &mut Tx<'_>, now: Timestamp, message: MessageNo, mail: &Incoming) -> Outcome<()> {
    let trouble = mail
        .facts
        .origin
        .as_ref()
        .is_some_and(|one| one.finding == Finding::Trouble);
    if !trouble || mail.shadow {
        return Ok(());
    }
    tx.execute(
        "INSERT INTO recheck (message, raw, tries, at) VALUES ($1, $2, 0, $3)",
        &values![message, RawId(mail.raw), now + step(0)],
    )?;
    tx.ring(super::ALARM);
    Ok(())
}

fn step(tries: usize) -> SignedDuration {
    let minutes = limits::RECHECK_MINUTES;
    SignedDuration::from_mins(minutes[tries.min(minutes.len() - 1)])
}

/// When the next is due.
pub(super) fn next(tx: &mut Tx<'_>) -> Outcome<Option<Timestamp>> {
    Ok(tx
        .one("SELECT MIN(at) FROM recheck WHERE at IS NOT NULL", &[])?
        .opt_instant(0))
}

/// Those whose time has come are to be looked up now; says how many.
pub(super) fn ring(tx: &mut Tx<'_>, now: Timestamp, limit: i64) -> Outcome<usize> {
    let due = tx.query(
        "SELECT message FROM recheck WHERE at IS NOT NULL AND at <= $1 ORDER BY at, message LIMIT $2",
        &values![now, limit],
    )?;
    for row in &due {
        tx.execute("UPDATE recheck SET at = NULL WHERE message = $1", &values![row.int(0)])?;
    }
    if !due.is_empty() {
        tx.ring(ARRIVED);
    }
    Ok(due.len())
}

/// Mails to be looked up now, among them those that are being looked up.
pub fn waiting(tx: &mut Tx<'_>) -> Outcome<Vec<RawId>> {
    let rows = tx.query(
        "SELECT raw FROM recheck WHERE at IS NULL ORDER BY raw LIMIT $1",
        &values![limits::RECHECKS_AT_ONCE],
    )?;
    Ok(rows.iter().map(|row| RawId(row.int(0))).collect())
}

/// What was found out now about the sender of a mail that waits for it.
pub fn answered(tx: &mut Tx<'_>, now: Timestamp, desk: &Desk, raw: RawId, origin: &Origin) -> Outcome<()> {
    let row = tx.first(
        "SELECT message, tries FROM recheck WHERE raw = $1 AND at IS NULL",
        &values![raw],
    )?;
    let Some(row) = row else { return Ok(()) };
    let (number, tries) = (MessageNo(row.int(0)), row.int(1));
    let mut mail = match stored(tx, raw, number)? {
        Some(mail) => mail,
        // A person decided meanwhile.
        None => return forget(tx, number),
    };
    mail.1.facts.origin = Some(origin.clone());
    let (case, mail) = mail;
    let standing = origin::standing(tx, now, desk, &mail)?;
    let again = (tries + 1).unsigned_abs() as usize;
    if origin.finding == Finding::Trouble && again < limits::RECHECK_MINUTES.len() {
        tx.execute(
            "UPDATE recheck SET tries = tries + 1, at = $1 WHERE message = $2",
            &values![now + step(again), number],
        )?;
        tx.ring(super::ALARM);
        return Ok(());
    }
    forget(tx, number)?;
    let facts = serde_json::to_string(&mail.facts).map_err(anyhow::Error::from)?;
    tx.execute("UPDATE message SET facts = $1 WHERE id = $2", &values![facts, number])?;
    let about = json!({"finding": standing.text()});
    ledger::record(
        tx,
        now,
        event("mail.rechecked", Actor::Desk)
            .of(case)
            .message(number)
            .with(about),
    )?;
    if let Standing::Unverified { answerable } = standing {
        // What stands in the spool for another reason keeps that.
        if mail.auto != Auto::List || mail.served_list.is_some() {
            tx.execute(
                "UPDATE message SET spool_reason = $1 WHERE id = $2",
                &values![unsorted::doubt(&mail), number],
            )?;
            if answerable {
                automatic::tell_unverified(tx, now, desk, case, number, &mail)?;
            }
        }
        return Ok(());
    }
    if mail.auto == Auto::List && mail.served_list.is_none() {
        return Ok(());
    }
    take_on(tx, now, desk, case, number, &mail, standing)
}

/// The mail is taken on as it would have been when it was received: in the case that it answers, else in its own.
fn take_on(
    tx: &mut Tx<'_>,
    now: Timestamp,
    desk: &Desk,
    case: CaseId,
    number: MessageNo,
    mail: &Incoming,
    standing: Standing,
) -> Outcome<()> {
    tx.execute("UPDATE message SET verified = 1 WHERE id = $1", &values![number])?;
    let contact = customer::contact_of_mail(
        tx,
        now,
        &mail.address,
        mail.name.as_deref(),
        customer::Learned::default(),
    )?;
    let alone = tx.one(
        "SELECT COUNT(*) FROM message WHERE case_id = $1 AND way = 'in'",
        &values![case],
    )?;
    if alone.int(0) == 1
        && let Match::Join(into, _) = thread::find(tx, desk, &message::clues(mail), &contact, &mail.address, standing)?
        && into != case
    {
        match merge::merge(tx, now, Actor::Desk, case, Some(into)) {
            // A person has put one of the two elsewhere meanwhile: it is a case of its own.
            Ok(_) | Err(Fault::Refused(_)) => {}
            Err(fault) => return Err(fault),
        }
    }
    spool::verified(tx, now, desk, number, mail.received_at)?;
    Ok(())
}

/// The mail is not looked up again: it waits for a person.
pub fn give_up(tx: &mut Tx<'_>, raw: RawId) -> Outcome<()> {
    tx.execute("DELETE FROM recheck WHERE raw = $1", &values![raw])?;
    Ok(())
}

fn forget(tx: &mut Tx<'_>, message: MessageNo) -> Outcome<()> {
    tx.execute("DELETE FROM recheck WHERE message = $1", &values![message])?;
    Ok(())
}

/// The mail as it came, as far as its place depends on it; none if it stands in the spool no more.
fn stored(tx: &mut Tx<'_>, raw: RawId, number: MessageNo) -> Outcome<Option<(CaseId, Incoming)>> {
    let row = tx.first(
        "SELECT case_id, address, author, subject, text, folded, message_id, chain, facts, auto FROM message
         WHERE id = $1 AND spool_reason IS NOT NULL AND case_id IS NOT NULL",
        &values![number],
    )?;
    let (Some(row), Some(came)) = (row, arrival::found(tx, raw)?) else {
        return Ok(None);
    };
    let facts: Facts = serde_json::from_str(row.text(8)).map_err(anyhow::Error::from)?;
    let mail = Incoming {
        raw: raw.0,
        received_at: came.received_at,
        envelope_from: came.envelope_from,
        recipients: came.envelope_to,
        address: row.text(1).to_owned(),
        name: Some(row.text(2).to_owned()),
        subject: row.text(3).to_owned(),
        text: row.text(4).to_owned(),
        folded: row.text(5).to_owned(),
        message_id: row.opt_text(6).map(str::to_owned),
        chain: serde_json::from_str(row.text(7)).unwrap_or_default(),
        served_list: facts.list.clone(),
        auto: match row.text(9) {
            "list" => Auto::List,
            _ => Auto::No,
        },
        facts,
        ..Incoming::default()
    };
    Ok(Some((CaseId(row.int(0)), mail)))
}
