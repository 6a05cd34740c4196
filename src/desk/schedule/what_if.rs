//! What if: the plan made anew from the same rows with one thing changed, beside the plan as it is. Nothing is written.

use super::danger::AtRisk;
use super::{Told, minute, told, work};
use crate::desk::case::LANE;
use crate::desk::engineer::{self, Engineer, Role};
use crate::desk::{CaseId, Desk, EngineerId};
use crate::limits;
use crate::refusal::{Outcome, Refusal};
use crate::store::Tx;
use jiff::Timestamp;
use plan::interval::{Interval, without};
use plan::schedule::Board;
use plan::{Zone, say};
use serde_json::{Value as Json, json};

/// Severity of a normal case.
const NORMAL: u8 = 3;

/// What is thought of.
#[derive(Debug, Clone)]
pub enum Change {
    /// One more, in the desk's hours, who serves these lanes; none are all.
    Add(Vec<String>),
    /// Somebody is away from now on.
    Away(Box<Engineer>, Timestamp),
    /// Another date for what is promised next in a case.
    Move(CaseId, Timestamp),
}

/// One plan.
struct Side {
    /// The earliest reply that could be promised in a new normal case; none within six weeks.
    normal: Option<Timestamp>,
    at_risk: Vec<AtRisk>,
    /// By promise, when it is done.
    done: Vec<Option<i64>>,
}

/// Both plans, in words and for scripts.
///
/// # Errors
/// A case without a promise; what the database said.
pub fn compare(tx: &mut Tx<'_>, now: Timestamp, desk: &Desk, zone: &Zone, change: &Change) -> Outcome<(String, Json)> {
    let everybody = engineer::who_answers(tx, None)?;
    let mut changed = everybody.clone();
    if let Change::Add(lanes) = change {
        changed.push(one_more(&everybody, desk, lanes));
    }
    let is = Side::of(told(tx, now, everybody, &[])?, zone);
    let mut then = told(tx, now, changed, &[])?;
    then.change(change)?;
    let then = Side::of(then, zone);
    Ok(said(&is, &then, now, zone))
}

fn one_more(everybody: &[Engineer], desk: &Desk, lanes: &[String]) -> Engineer {
    let lanes = lanes
        .iter()
        .map(|lane| lane.trim().to_owned())
        .filter(|lane| !lane.is_empty());
    Engineer {
        id: EngineerId(everybody.iter().map(|one| one.id.0).max().unwrap_or(0) + 1),
        address: String::new(),
        name: "one more".into(),
        zone: desk.calendar.zone().clone(),
        hours: desk.calendar.hours().to_string(),
        layer: everybody.iter().map(|one| one.layer).max().unwrap_or(1),
        lanes: lanes.collect(),
        role: Role::Engineer,
        by_mail: false,
    }
}

impl Told {
    fn change(&mut self, change: &Change) -> Outcome<()> {
        match change {
            Change::Add(_) => {}
            Change::Away(who, until) => {
                let away = Interval::new(self.snapshot.now, minute(*until) + 1);
                let own = self.snapshot.engineers.iter_mut().filter(|one| one.id == who.id.0);
                for one in own {
                    one.free = without(&one.free, &[away]);
                    one.absent_until = one.absent_until.max(Some(away.to));
                }
            }
            Change::Move(case, to) => {
                let next = self
                    .pieces
                    .iter()
                    .position(|piece| piece.case == *case && piece.promise.is_some());
                let Some(at) = next else {
                    return Err(Refusal::missing(format!(
                        "Nothing is promised in case {} among the nearest {} promises.",
                        case.0,
                        limits::PROMISES_PLANNED
                    ))
                    .into());
                };
                // A date that we moved has twice the guard.
                let moves = self.pieces[at].moves.saturating_add(1);
                self.pieces[at].due = *to;
                self.snapshot.promises[at].due = self.snapshot.rules.internal(minute(*to), moves);
                self.snapshot.promises[at].moves = moves;
            }
        }
        Ok(())
    }
}

impl Side {
    fn of(mut told: Told, zone: &Zone) -> Side {
        let kind = told.kind(LANE, 1);
        told.learn();
        let asked = plan::request::Request {
            id: told.pieces.len() as i64,
            kind,
            severity: NORMAL,
            want: told.snapshot.now,
            work: work::whole(&told.learnt, kind, NORMAL, true),
            not_before: None,
            owner: None,
            moves: 0,
            hours: Vec::new(),
        };
        let board = Board::within(&told.snapshot, limits::ADVICE_STEPS);
        let normal = board.admit(&asked).ok();
        Side {
            normal: normal.map(|offer| super::instant(offer.promised)),
            at_risk: told.at_risk(&board, zone),
            done: board.placements().iter().map(|one| one.finish_expected).collect(),
        }
    }

    fn endangers(&self, one: &AtRisk) -> bool {
        self.at_risk.iter().any(|other| other.promise == one.promise)
    }
}

fn said(is: &Side, then: &Side, now: Timestamp, zone: &Zone) -> (String, Json) {
    let time = |at: Option<Timestamp>| at.map_or("no time within six weeks".into(), |at| say::short(at, zone, now));
    let mut said = match is.normal == then.normal {
        true => format!("A new normal case could be promised by {}, as now.", time(is.normal)),
        false => format!(
            "A new normal case could be promised by {} instead of {}.",
            time(then.normal),
            time(is.normal)
        ),
    };
    let pairs = || is.done.iter().zip(&then.done);
    // What has no end within the horizon is later than whatever has one.
    let end = |at: &Option<i64>| at.unwrap_or(i64::MAX);
    let earlier = pairs().filter(|(is, then)| end(then) < end(is)).count();
    let later = pairs().filter(|(is, then)| end(then) > end(is)).count();
    said.push_str(&format!(
        "\nOf {} promises {earlier} would be answered earlier, {later} later.",
        is.done.len()
    ));
    let risks: Vec<&AtRisk> = then.at_risk.iter().filter(|one| !is.endangers(one)).collect();
    let saved: Vec<&AtRisk> = is.at_risk.iter().filter(|one| !then.endangers(one)).collect();
    for one in &risks {
        said.push_str(&format!(
            "\n  at risk then: case {}, promised by {}: {}",
            one.case.0,
            time(Some(one.due)),
            one.trouble.said(zone, now)
        ));
    }
    for one in &saved {
        said.push_str(&format!(
            "\n  no more at risk: case {}, promised by {}",
            one.case.0,
            time(Some(one.due))
        ));
    }
    if risks.is_empty() && saved.is_empty() {
        said.push_str(match is.at_risk.is_empty() {
            true => " Every promise could be kept, as now.",
            false => " The same promises would be at risk as now.",
        });
    }
    said.push_str("\nNothing was changed.");
    let row = |one: &&AtRisk| json!({"case": one.case.0, "promise": one.promise.0, "due": one.due.to_string()});
    let data = json!({
        "normal": {"now": is.normal.map(|at| at.to_string()), "then": then.normal.map(|at| at.to_string())},
        "earlier": earlier,
        "later": later,
        "at_risk": risks.iter().map(row).collect::<Vec<_>>(),
        "no_more_at_risk": saved.iter().map(row).collect::<Vec<_>>(),
    });
    (said, data)
}
