//! People as the planner counts them: the minutes in which they are there, and who can answer what.

use super::{instant, minute};
use crate::desk::absence;
use crate::desk::admission::may_answer;
use crate::desk::agenda;
use crate::desk::engineer::Engineer;
use crate::refusal::Outcome;
use crate::store::Tx;
use jiff::Timestamp;
use plan::interval::{Interval, without};
use plan::snapshot;

/// Everybody with the minutes of their hours, less the time in which they are away or their own calendar takes.
pub(super) fn planned(
    tx: &mut Tx<'_>,
    now: Timestamp,
    engineers: &[Engineer],
    ahead: Interval,
) -> Outcome<Vec<snapshot::Engineer>> {
    let away = absence::ahead(tx, now)?;
    let taken = agenda::ahead(tx, now, instant(ahead.to))?;
    let mut found = Vec::with_capacity(engineers.len());
    for (at, one) in engineers.iter().enumerate() {
        let hours = one.calendar()?.open_minutes(ahead);
        let own = || away.iter().filter(|absence| absence.engineer == one.id);
        let theirs = || taken.iter().filter(|taken| taken.engineer == one.id);
        let mut gaps: Vec<Interval> = own().map(absence::Absence::minutes).collect();
        gaps.extend(theirs().map(|taken| taken.at));
        // Who is in a meeting comes back to what they have begun; who is on leave is not waited for.
        let on_leave = agenda::on_leave_until(theirs(), now).filter(|until| *until > minute(now));
        let gone = own()
            .filter(|absence| absence.from <= now)
            .map(|absence| absence.minutes().to)
            .chain(on_leave);
        found.push(snapshot::Engineer {
            id: one.id.0,
            class: class(engineers, at),
            free: if gaps.is_empty() { hours } else { without(&hours, &gaps) },
            absent_until: gone.max(),
            running: None,
            allowances: Vec::new(),
        });
    }
    Ok(found)
}

/// Engineers of the same lanes and layer are one class, named by the place of the first of them.
fn class(engineers: &[Engineer], at: usize) -> i64 {
    let own = &engineers[at];
    let same = |other: &Engineer| {
        other.layer == own.layer
            && other.lanes.len() == own.lanes.len()
            && other.lanes.iter().all(|lane| own.lanes.contains(lane))
    };
    engineers.iter().position(same).unwrap_or(at) as i64
}

/// The classes that may answer a lane and layer.
pub(super) fn able(engineers: &[Engineer], lane: &str, layer: i64) -> Vec<i64> {
    let able = (0..engineers.len()).filter(|&at| may_answer(&engineers[at], lane, layer));
    let mut classes: Vec<i64> = able.map(|at| class(engineers, at)).collect();
    classes.sort_unstable();
    classes.dedup();
    classes
}
