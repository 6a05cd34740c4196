//! The one reminder half-way through a wait for the customer (text D; PRODUCT.md §3.11).
//!
//! A case that was answered closes at its date and tells so then: only a case that waits for words of the customer's
//! reminds them. At most one a wait, one a case, address and day, and never more than two since their last mail, however
//! often the wait is renewed. Its time stands in the case's row, as every alarm does.

use super::case;
use super::{CaseId, Desk, automatic, promise};
use crate::limits;
use crate::refusal::Outcome;
use crate::store::{Tx, values};
use jiff::{SignedDuration, Timestamp};
use plan::Calendar;

/// Steps in which open hours are looked for, back from the middle.
const STEP: SignedDuration = SignedDuration::from_mins(15);

/// When a wait reminds: at its middle if the desk is open then, else when it last closed before. None for a wait so short
/// that a reminder would come right after the question.
pub fn middle(calendar: &Calendar, from: Timestamp, until: Timestamp) -> Option<Timestamp> {
    let middle = from + until.duration_since(from) / 2;
    let at = match calendar.is_open(middle) {
        true => middle,
        false => (1..=limits::REMINDER_STEPS_BACK)
            .map(|step| middle - STEP * step)
            .find(|at| calendar.is_open(*at))
            .and_then(|at| calendar.closes_at(at))
            .unwrap_or(middle),
    };
    (at.duration_since(from) >= SignedDuration::from_hours(limits::REMINDER_LEAST_HOURS)).then_some(at)
}

/// Sets the reminder of a wait that begins now, or none.
pub fn set(tx: &mut Tx<'_>, now: Timestamp, desk: &Desk, case: CaseId, until: Timestamp, closing: bool) -> Outcome<()> {
    let at = match closing {
        true => None,
        false => middle(&desk.calendar, now, until),
    };
    tx.execute("UPDATE cases SET remind_at = $1 WHERE id = $2", &values![at, case])?;
    Ok(())
}

/// When the next reminder is due.
pub fn next(tx: &mut Tx<'_>) -> Outcome<Option<Timestamp>> {
    let row = tx.one("SELECT MIN(remind_at) FROM cases WHERE remind_at IS NOT NULL", &[])?;
    Ok(row.opt_instant(0))
}

/// Reminds the customers whose time has come; how many were looked at.
pub fn ring(tx: &mut Tx<'_>, now: Timestamp, desk: &Desk, limit: i64) -> Outcome<usize> {
    let rows = tx.query(
        "SELECT id, wake_at FROM cases WHERE remind_at IS NOT NULL AND remind_at <= $1 ORDER BY remind_at LIMIT $2",
        &values![now, limit],
    )?;
    for row in &rows {
        let id = CaseId(row.int(0));
        tx.execute("UPDATE cases SET remind_at = NULL WHERE id = $1", &values![id])?;
        let Some(until) = row.opt_instant(1) else { continue };
        let sent = tx.one(
            "SELECT COUNT(*) FROM message WHERE case_id = $1 AND kind = 'reminder' AND id > COALESCE(
                 (SELECT MAX(i.id) FROM message i WHERE i.case_id = $1 AND i.way = 'in' AND i.auto IN ('no', 'list')), 0)",
            &values![id],
        )?;
        // A desk that was stopped over the wake time has other news for them by now.
        if sent.int(0) < limits::REMINDERS_A_SILENCE && until > now {
            let case = case::find(tx, id)?;
            let contact = promise::asker(tx, id)?;
            automatic::remind(tx, now, desk, &case, contact, until)?;
        }
    }
    Ok(rows.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn a_wait_reminds_in_its_middle_and_never_at_night() {
        let calendar = Calendar::from_text("Europe/Berlin", "mon-fri 09:00-17:00").unwrap();
        let friday = at("2026-11-27T11:00:00Z");
        let said = |from: &str| middle(&calendar, at(from), friday).map(|at| at.to_string());
        // Asked on Tuesday at 11:50: the middle is in the night to Thursday, the desk closed on Wednesday at 17:00.
        assert_eq!(said("2026-11-24T10:50:00Z").as_deref(), Some("2026-11-25T16:00:00Z"));
        // Asked a week before: the middle is a Tuesday morning before nine.
        assert_eq!(said("2026-11-20T11:00:00Z").as_deref(), Some("2026-11-23T16:00:00Z"));
        assert_eq!(said("2026-11-25T11:00:00Z").as_deref(), Some("2026-11-26T11:00:00Z"));
        assert_eq!(said("2026-11-27T08:00:00Z"), None, "three hours need no reminder");
    }
}
