//! Everybody's seat in the last certified timetable: a list made anew can be worse than one that was certified, so the seats
//! are handed in again, and no witness may break what they keep (`plan/schedule`).
//!
//! Kept by case, since a case is in one hand however many of its messages want an answer. A seat promises nothing: what
//! stands here may be old, and is looked at only where it is better.

use crate::desk::{CaseId, EngineerId};
use crate::refusal::Outcome;
use crate::store::{Tx, values};
use std::collections::BTreeMap;
use std::fmt::Write;

/// The seats as they were left.
pub(super) fn read(tx: &mut Tx<'_>) -> Outcome<BTreeMap<CaseId, EngineerId>> {
    let row = tx.first("SELECT seats FROM timetable WHERE id = 1", &[])?;
    let pairs = |text: &str| -> BTreeMap<CaseId, EngineerId> {
        let pair = |word: &str| {
            let (case, engineer) = word.split_once(':')?;
            Some((CaseId(case.parse().ok()?), EngineerId(engineer.parse().ok()?)))
        };
        text.split(' ').filter_map(pair).collect()
    };
    Ok(row.map(|row| pairs(row.text(0))).unwrap_or_default())
}

/// Keeps the seats of a witness.
///
/// # Errors
/// What the database said.
pub fn keep(tx: &mut Tx<'_>, seats: &BTreeMap<CaseId, EngineerId>) -> Outcome<()> {
    let mut text = String::with_capacity(12 * seats.len());
    for (case, engineer) in seats {
        let space = if text.is_empty() { "" } else { " " };
        let _ = write!(text, "{space}{}:{}", case.0, engineer.0);
    }
    tx.execute(
        "UPDATE timetable SET seats = $1 WHERE id = 1 AND seats <> $1",
        &values![text],
    )?;
    Ok(())
}
