//! What was agreed: targets and the calendar they count in.
//!
//! There is one agreement so far, the desk's default (PRODUCT.md §3.13): targets by severity for first reply and
//! follow-up alike, in the desk's hours. Agreements per customer come with the issue on promises and answer the same
//! question: by when, and why.

use super::Desk;
use crate::refusal::{Outcome, Refusal};
use jiff::Timestamp;
use plan::Severity;
use serde_json::{Value as Json, json};

/// Which of the two targets counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Word {
    /// The first reply of a case.
    First,
    /// Every later word.
    FollowUp,
}

/// The beginning of an instant's minute: what a time that is said without seconds means.
pub fn to_the_minute(at: Timestamp) -> Timestamp {
    let second = at.as_second();
    Timestamp::from_second(second - second.rem_euclid(60)).unwrap_or(at)
}

/// The due time of a promise made at `from`, and the numbers that produced it.
///
/// # Errors
/// A calendar without hours: the desk's own mistake, said as such.
pub fn due(desk: &Desk, severity: Severity, word: Word, from: Timestamp) -> Outcome<(Timestamp, Json)> {
    let target = match word {
        Word::First => desk.targets.first_reply(severity),
        Word::FollowUp => desk.targets.follow_up(severity),
    };
    let due = desk.calendar.due(from, target, &[]).map_err(|cause| {
        Refusal::usage(format!(
            "No reply time can be computed: {cause}. Set desk.hours in duly.toml."
        ))
    })?;
    // What is said has no seconds, and what is said is what counts: never an instant later than that.
    let due = to_the_minute(due).max(from);
    let why = json!({
        "rule": "default agreement",
        "severity": severity.number(),
        "word": match word { Word::First => "first reply", Word::FollowUp => "follow-up" },
        "target_minutes": target.as_mins(),
        "from": from.to_string(),
        "hours": desk.calendar.hours().to_string(),
        "zone": desk.zone.to_string(),
    });
    Ok((due, why))
}
