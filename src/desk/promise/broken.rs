//! A promise that breaks: recorded at its own instant, told, and promised anew in the same transaction (PRODUCT.md §3.7).

use super::{New, Promise, make, settle};
use crate::desk::admission::{self, Request, Verdict};
use crate::desk::agreement::{self, Due, Word};
use crate::desk::case::{self, Case, Hand};
use crate::desk::ledger::Actor;
use crate::desk::{Desk, automatic};
use crate::refusal::Outcome;
use crate::store::Tx;
use jiff::Timestamp;
use serde_json::json;

/// How many promises break at the same time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Among {
    /// A few: the new time of each is certified by a timetable.
    Few,
    /// As many as are handled at once: this is the new time that was counted for it, if there is one.
    Many(Option<Timestamp>),
}

/// Its due time has come without a useful reply: recorded broken at its own instant, told in plain words by the caller,
/// and in the same transaction promised anew for the same message, at the earliest time that is known (PRODUCT.md §3.7).
pub fn break_it(tx: &mut Tx<'_>, now: Timestamp, desk: &Desk, promise: &Promise, among: Among) -> Outcome<Timestamp> {
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
    let case = case::find(tx, promise.case)?;
    let due = after_break(tx, now.max(promise.due), desk, &case, promise, among)?;
    let new = New {
        case: promise.case,
        message: promise.message,
        contact: promise.contact,
        severity: promise.severity,
        made_at: now.max(promise.due),
        due: due.at,
        basis: "after a break",
        why: due.why,
        under: due.under,
    };
    make(tx, now, Actor::Desk, &new)?;
    if case.hand != Hand::Ours {
        case::wake(tx, now, &case, Actor::Desk, "promise broken")?;
    }
    automatic::tell_broken(tx, now, desk, &case, promise, due.at)?;
    Ok(due.at)
}

/// The earliest time that can be promised after a break; the follow-up target where none is known. What broke twice in a
/// row is not hurried a third time: there the count was wrong, and the later of the two stands.
fn after_break(
    tx: &mut Tx<'_>,
    from: Timestamp,
    desk: &Desk,
    case: &Case,
    promise: &Promise,
    among: Among,
) -> Outcome<Due> {
    let mut due = agreement::due(
        tx,
        desk,
        case.id,
        promise.contact,
        promise.severity,
        Word::FollowUp,
        from,
    )?;
    let request = Request::of(case, promise.severity, None, &[]);
    let admitted = match among {
        Among::Few => match admission::admit(tx, from, &request)? {
            Verdict::Granted { at, why } => Some((at, why.json())),
            _ => None,
        },
        Among::Many(dealt) => dealt.map(|at| (at, json!({"rule": "count"}))),
    };
    let again = promise.basis == "after a break";
    if let Some((at, why)) = admitted.filter(|(at, _)| !again || *at > due.at) {
        due.why["admitted"] = why;
        due.at = at;
    }
    Ok(due)
}
