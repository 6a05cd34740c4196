//! Whether a time can be kept together with everything that is seated, and why not earlier (SCHEDULING.md §4.4 of the design).

use super::{Told, instant, minute, told, work};
use crate::desk::admission::Request;
use crate::desk::engineer::Engineer;
use crate::desk::{CaseId, EngineerId};
use crate::limits;
use crate::refusal::Outcome;
use crate::store::{Tx, values};
use jiff::Timestamp;
use plan::request::{NoDate, NotEarlier, Offer};
use plan::schedule::Board;
use plan::{Zone, say};
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use std::collections::BTreeMap;

/// A date with a witness.
#[derive(Debug, Clone)]
pub struct Dated {
    /// What can be promised: the time that was asked for, or the earliest after it.
    pub at: Timestamp,
    /// Minutes of the work in its worst case.
    pub minutes: i64,
    /// Who does it in the witness.
    pub engineer: String,
    /// When they begin.
    pub starts: Timestamp,
    /// Why it is not earlier, where it is later than asked for.
    pub short: Option<Short>,
    /// Everybody's seat in the witness; to be kept if the date is.
    pub seats: BTreeMap<CaseId, EngineerId>,
}

/// Why a date is not earlier, in numbers and names: for staff. Customers read [`Short::before`] and nothing else of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Short {
    /// The time before which it does not fit.
    pub before: Timestamp,
    /// Who can answer it.
    pub people: Vec<String>,
    /// Minutes that they have until then; none where the work itself is too long.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub minutes: Option<i64>,
    /// Minutes of these that are promised.
    pub promised: i64,
    /// Minutes that this needs.
    pub asked: i64,
    /// The case that would be late.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hurt: Option<i64>,
    /// The largest of what is promised: case and minutes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub largest: Vec<(i64, i64)>,
}

impl Short {
    /// As staff read it.
    pub fn said(&self, zone: &Zone, now: Timestamp) -> String {
        let before = say::short(self.before, zone, now);
        let people = names(&self.people);
        let Some(minutes) = self.minutes else {
            return format!(
                "The work may take {} minutes: with nothing else to do {people} would be done at {before}.",
                self.asked
            );
        };
        let asked = self.asked;
        let mut said = format!(
            "Before {before} the hours of {people} hold {minutes} minutes; {} of them are promised, and this needs {asked}.",
            self.promised
        );
        if let Some(case) = self.hurt {
            said.push_str(&format!(" Case {case} would be late."));
        }
        let largest: Vec<String> = self
            .largest
            .iter()
            .map(|(case, minutes)| format!("case {case} ({minutes} minutes)"))
            .collect();
        if !largest.is_empty() {
            said.push_str(&format!(" Largest: {}.", largest.join(", ")));
        }
        said
    }

    /// The sentence out of the numbers that stand beside a promise; none where they hold no such reason.
    pub fn said_of(why: &Json, zone: &Zone, now: Timestamp) -> Option<String> {
        let held = [&why["full"]["short"], &why["admitted"]["short"], &why["short"]];
        let found = held.into_iter().find(|one| one.is_object())?;
        let short: Short = serde_json::from_value(found.clone()).ok()?;
        Some(short.said(zone, now))
    }
}

/// Who does it in the timetable that certified it, out of the numbers that stand beside a promise.
pub fn by_of(why: &Json, zone: &Zone, now: Timestamp) -> Option<String> {
    let held = [&why["full"], &why["admitted"], why];
    let found = held.into_iter().find(|one| one["by"].is_string())?;
    let starts: Timestamp = found["starts"].as_str()?.parse().ok()?;
    Some(format!(
        "When it was promised the timetable had it with {}, from {}.",
        found["by"].as_str()?,
        say::short(starts, zone, now)
    ))
}

/// Names as a sentence lists them, the first few of many.
pub fn names(people: &[String]) -> String {
    let said: Vec<&str> = people.iter().take(limits::NAMES_SAID).map(String::as_str).collect();
    match people.len() - said.len() {
        0 => said.join(", "),
        1 => format!("{} and one other", said.join(", ")),
        more => format!("{} and {more} others", said.join(", ")),
    }
}

/// Asks the timetable for a date not before `want`.
///
/// # Errors
/// What the database said. That no date is possible is an answer: half a sentence.
pub fn ask(
    tx: &mut Tx<'_>,
    now: Timestamp,
    everybody: Vec<Engineer>,
    request: &Request<'_>,
    want: Timestamp,
) -> Outcome<Result<Dated, &'static str>> {
    let mut told = told(tx, now, everybody, request.instead_of)?;
    let kind = told.kind(request.lane, request.layer);
    told.learn();
    let severity = request.severity.number();
    let is_further = told
        .pieces
        .iter()
        .any(|piece| piece.case == request.case && piece.due <= want);
    let asked = plan::request::Request {
        id: told.pieces.len() as i64,
        kind,
        severity,
        want: minute(want),
        work: if is_further {
            work::further()
        } else {
            work::whole(&told.learnt, kind, severity, true)
        },
        not_before: not_before(tx, request)?.map(minute),
        owner: None,
        moves: 0,
        hours: Vec::new(),
    };
    let board = Board::within(&told.snapshot, limits::PLAN_STEPS);
    Ok(match board.admit(&asked) {
        Ok(offer) => Ok(told.dated(request, &asked, &offer, want)),
        Err(NoDate::Nobody { .. }) => Err("nobody on the desk may answer it"),
        Err(NoDate::TooLong { .. }) => Err("those who may answer it work too few hours in the next six weeks"),
        Err(NoDate::Full { .. } | NoDate::NoHours { .. }) => {
            Err("the hours of those who may answer it are promised for the next six weeks")
        }
    })
}

/// A case that waits cannot go on before its wait ends; one that a customer's mail wakes has nothing in its place.
fn not_before(tx: &mut Tx<'_>, request: &Request<'_>) -> Outcome<Option<Timestamp>> {
    if request.instead_of.is_empty() {
        return Ok(None);
    }
    let row = tx.first(
        "SELECT wake_at FROM cases WHERE id = $1 AND hand = 'ours' AND party IS NOT NULL",
        &values![request.case],
    )?;
    Ok(row.and_then(|row| row.opt_instant(0)))
}

impl Told {
    fn dated(&self, request: &Request<'_>, asked: &plan::request::Request, offer: &Offer, want: Timestamp) -> Dated {
        let new = asked.id;
        let mut seats = BTreeMap::new();
        for &(promise, engineer) in &offer.seats {
            let case = match self.pieces.get(promise as usize) {
                Some(piece) => piece.case,
                None if promise == new => request.case,
                None => continue,
            };
            seats.entry(case).or_insert(EngineerId(engineer));
        }
        Dated {
            at: if offer.moved { instant(offer.promised) } else { want },
            minutes: asked.work.worst,
            engineer: self
                .engineer(offer.engineer)
                .map(|one| one.name.clone())
                .unwrap_or_default(),
            starts: instant(offer.starts),
            short: offer.why_not_earlier.as_ref().map(|why| self.short(why, asked)),
            seats,
        }
    }

    fn short(&self, why: &NotEarlier, asked: &plan::request::Request) -> Short {
        let case = |promise: i64| self.pieces.get(promise as usize).map(|piece| piece.case.0);
        let name = |id: &i64| self.engineer(*id).map(|one| one.name.clone());
        let who_can = || {
            let kind = self.snapshot.kinds.iter().find(|kind| kind.id == asked.kind);
            let classes = kind.map_or(&[][..], |kind| &kind.classes);
            let able = self
                .snapshot
                .engineers
                .iter()
                .filter(|one| classes.contains(&one.class));
            able.filter_map(|one| name(&one.id)).collect()
        };
        match why {
            NotEarlier::Work { alone } => Short {
                before: instant(*alone),
                people: who_can(),
                minutes: None,
                promised: 0,
                asked: asked.work.worst,
                hurt: None,
                largest: Vec::new(),
            },
            NotEarlier::Cut(cut) => Short {
                before: instant(
                    cut.classes
                        .iter()
                        .map(|&(_, until)| until)
                        .max()
                        .unwrap_or(self.snapshot.now),
                ),
                people: cut.engineers.iter().filter_map(name).collect(),
                minutes: Some(cut.capacity),
                promised: cut.promised,
                asked: cut.asked,
                hurt: None,
                largest: cut
                    .largest
                    .iter()
                    .filter_map(|&(id, minutes, _)| Some((case(id)?, minutes)))
                    .take(limits::LARGEST_SAID)
                    .collect(),
            },
            NotEarlier::Timetable {
                at,
                capacity,
                promised,
                asked,
                hurt,
            } => Short {
                before: instant(*at),
                people: who_can(),
                minutes: Some(*capacity),
                promised: *promised,
                asked: *asked,
                hurt: hurt.and_then(case),
                largest: Vec::new(),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn staff_read_who_can_what_is_promised_and_whom_it_would_hurt() {
        let now: Timestamp = "2026-12-01T08:00:00Z".parse().unwrap();
        let mut short = Short {
            before: "2026-12-01T11:00:00Z".parse().unwrap(),
            people: vec!["Ana".into(), "Li".into()],
            minutes: Some(200),
            promised: 150,
            asked: 60,
            hurt: Some(4711),
            largest: vec![(4698, 64)],
        };
        assert_eq!(
            short.said(&Zone::UTC, now),
            "Before Tue 1 Dec 11:00 UTC the hours of Ana, Li hold 200 minutes; 150 of them are promised, and this needs 60. Case 4711 \
             would be late. Largest: case 4698 (64 minutes)."
        );
        short.minutes = None;
        assert!(short.said(&Zone::UTC, now).contains("may take 60 minutes"));
        let why = serde_json::json!({"full": {"short": short}});
        assert!(Short::said_of(&why, &Zone::UTC, now).is_some());
        assert_eq!(Short::said_of(&serde_json::json!({}), &Zone::UTC, now), None);
    }
}
