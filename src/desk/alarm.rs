//! Alarms: what happens by the clock alone. Promises break at their due instant, waits end at their wake time, answered
//! cases close at their date, slices end with their engineer's hours, leads hear of unsorted cases after a business day,
//! and senders are looked up again whose name servers did not answer.
//!
//! There is no timer to lose: every alarm is a row with a time, and a restart finds what is overdue. Each is handled with
//! the instant that stands in the row, so that a late start changes when it is noticed and not what is recorded.

use super::case::{self, Hand};
use super::ledger::{self, Actor, event};
use super::promise::Among;
use super::{CaseId, Desk, admission, automatic, message, notice, promise, slice};
use crate::limits;
use crate::refusal::Outcome;
use crate::store::{Tx, values};
use jiff::Timestamp;

/// The instant of the next alarm, if any is set.
pub fn next(tx: &mut Tx<'_>, desk: &Desk) -> Outcome<Option<Timestamp>> {
    let mut earliest: Option<Timestamp> = None;
    for sql in [
        "SELECT MIN(due) FROM promise WHERE state = 'open'",
        "SELECT MIN(wake_at) FROM cases WHERE wake_at IS NOT NULL",
        "SELECT MIN(until) FROM slice WHERE ended_at IS NULL AND until IS NOT NULL",
    ] {
        let at = tx.one(sql, &[])?.opt_instant(0);
        earliest = earliest.into_iter().chain(at).min();
    }
    let unsorted = tx.one(
        "SELECT MIN(at) FROM message WHERE spool_reason IS NOT NULL AND case_id IS NOT NULL AND told_at IS NULL",
        &[],
    )?;
    let lead = unsorted
        .opt_instant(0)
        .and_then(|at| desk.calendar.closing_of_business_day(at, 1).ok());
    let reminder = super::reminder::next(tx)?;
    let by_mail = [super::command::next(tx)?, super::notice::next(tx)?];
    let later = by_mail.into_iter().flatten();
    let recheck = super::recheck::next(tx)?
        .into_iter()
        .chain(super::negotiation::next(tx)?);
    let all = earliest
        .into_iter()
        .chain(lead)
        .chain(reminder)
        .chain(later)
        .chain(recheck);
    Ok(all.min())
}

/// Handles what is due at `now`, a bounded number at once; true if there may be more.
pub fn ring(tx: &mut Tx<'_>, now: Timestamp, desk: &Desk) -> Outcome<bool> {
    let limit = limits::ALARMS_AT_ONCE;
    let broken = promise::due(tx, now, limit)?;
    let dealt = match broken.len() as i64 == limit {
        true => admission::deal(tx, now, &broken)?,
        false => Vec::new(),
    };
    for (at, promise) in broken.iter().enumerate() {
        let among = dealt.get(at).map_or(Among::Few, |dealt| Among::Many(*dealt));
        promise::break_it(tx, now, desk, promise, among)?;
    }
    // Before waits end: a reminder that is overdue says nothing that the end of its wait does not.
    let reminded = super::reminder::ring(tx, now, desk, limit)?;
    let woken = tx.query(
        "SELECT id FROM cases WHERE wake_at IS NOT NULL AND wake_at <= $1 ORDER BY wake_at LIMIT $2",
        &values![now, limit],
    )?;
    for row in &woken {
        wake(tx, now, desk, CaseId(row.int(0)))?;
    }
    let ended = slice::end_with_hours(tx, now, limit)?;
    let told = tell_leads(tx, now, desk, limit)?;
    let digests = notice::ring(tx, now, desk, limit)?;
    let rechecked = super::recheck::ring(tx, now, limit)?;
    // After the due: what was offered for a promise that broke has lapsed with it.
    let lapsed = super::negotiation::ring(tx, now, desk, limit)?;
    Ok([
        broken.len(),
        reminded,
        woken.len(),
        ended,
        told,
        digests,
        rechecked,
        lapsed,
    ]
    .iter()
    .any(|&count| count as i64 == limit))
}

fn wake(tx: &mut Tx<'_>, now: Timestamp, desk: &Desk, id: CaseId) -> Outcome<()> {
    let case = case::find(tx, id)?;
    if case.hand == Hand::Theirs && case.closing {
        let contact = promise::asker(tx, id)?;
        case::shut(
            tx,
            now,
            id,
            Actor::Desk,
            "answered",
            "the closing date came without a further word",
        )?;
        return automatic::tell_closed(tx, now, desk, &case, contact, case.wake_at, "answered", "");
    }
    case::wake_with_promise(tx, now, desk, id, Actor::Desk, "the wake time came")?;
    notice::owner(tx, now, desk, id, notice::WOKEN)
}

/// Unsorted mail, in a case of its own or in one that is there already, that has stood a business day: the lead hears of
/// each once.
fn tell_leads(tx: &mut Tx<'_>, now: Timestamp, desk: &Desk, limit: i64) -> Outcome<usize> {
    let rows = tx.query(
        "SELECT case_id, at FROM message WHERE spool_reason IS NOT NULL AND case_id IS NOT NULL AND told_at IS NULL
         ORDER BY at LIMIT $1",
        &values![limit],
    )?;
    let mut told = Vec::new();
    for row in rows {
        let (id, at) = (CaseId(row.int(0)), row.instant(1));
        let waited = desk.calendar.closing_of_business_day(at, 1).is_ok_and(|by| by <= now);
        if !waited {
            // Oldest first: nobody behind this one has waited longer.
            break;
        }
        if told.contains(&id) {
            continue;
        }
        tx.execute(
            "UPDATE message SET told_at = $1 WHERE case_id = $2 AND spool_reason IS NOT NULL AND told_at IS NULL",
            &values![now, id],
        )?;
        let text = format!(
            "Case {} has mail that has stood unsorted for a business day: nobody has looked whether it is a customer's. It \
             has no promise. `duly spool` lists it, `duly spool release {}` takes it on.",
            id.0, id.0
        );
        let case = case::find(tx, id)?;
        automatic::tell_leads(tx, now, desk, &case, &message::clipped(&text))?;
        ledger::record(tx, now, event("lead.told", Actor::Desk).of(id))?;
        told.push(id);
    }
    Ok(told.len())
}
