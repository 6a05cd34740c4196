//! What an engineer does next: the dispatcher of the certified timetable, in words (SCHEDULING.md §4.5 of the design).
//!
//! Asked at a decision point: `next` without a slice, or with one that has lasted a quantum. The case in hand goes on unless
//! that would make another late. What an engineer handed back a moment ago is not pushed at them again while there is
//! anything else. Every answer says why in a sentence with its numbers, so that every screen prints the same.

use super::bound::Bound;
use super::{Piece, Told, instant, seats, told, touch};
use crate::desk::admission::may_answer;
use crate::desk::engineer::{self, Engineer};
use crate::desk::{CaseId, EngineerId};
use crate::limits;
use crate::refusal::Outcome;
use crate::store::Tx;
use jiff::Timestamp;
use plan::dispatch::Next;
use plan::interval::{Interval, Minute, clipped};
use plan::schedule::Board;
use plan::timetable::Placement;
use std::collections::BTreeMap;

/// What to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Turn {
    /// The case in hand goes on.
    GoOn {
        /// Why, in a sentence.
        why: String,
    },
    /// This case; one that was in hand is put aside.
    Take {
        /// The case.
        case: CaseId,
        /// Why, in a sentence.
        why: String,
        /// What whoever resumes the case in hand is to know.
        aside: String,
    },
    /// Nothing that is planned.
    Rest {
        /// When the first case of one's own can go on.
        until: Option<Timestamp>,
        /// More is promised than the plan looked at: what is due from then on was not looked at.
        whole_until: Option<Timestamp>,
    },
}

/// What is to be known of the case in hand between two decisions: its bound is used up, a case of severity 1 waits for this
/// engineer. A bound that may be stretched is stretched by being asked for.
///
/// # Errors
/// What the database said.
pub fn advice(tx: &mut Tx<'_>, now: Timestamp, engineer: &Engineer) -> Outcome<Vec<String>> {
    let everybody = engineer::who_answers(tx, Some(engineer.id))?;
    let told = told(tx, now, everybody, &[])?;
    let board = Board::within(&told.snapshot, limits::PLAN_STEPS);
    said_of_bound(tx, &told, &board, engineer)
}

fn said_of_bound(tx: &mut Tx<'_>, told: &Told, board: &Board<'_>, engineer: &Engineer) -> Outcome<Vec<String>> {
    let mut said = Vec::new();
    let Some(own) = told.in_hand_of(engineer.id) else {
        return Ok(said);
    };
    let case = told.pieces[own].case;
    match told.bound(own) {
        Bound::Within => {}
        Bound::Stretch { promise, used } => {
            touch::stretch(tx, told.now, case, promise)?;
            said.push(format!(
                "{used} minutes of work are used up. {} more fit, once: the plan stays whole.",
                limits::STRETCH_MINUTES
            ));
        }
        Bound::Finding { used, hurt } => {
            let hurt = hurt.map_or(String::new(), |hurt| {
                format!(" Case {} would be late otherwise.", hurt.0)
            });
            said.push(format!(
                "{used} minutes of work are used up. Send what is known, with the time of the next word: duly reply {} --kind \
                 finding --then \"owe …\".{hurt}",
                case.0
            ));
        }
    }
    let asked = told.asked(board);
    if let Some(asked) = asked.iter().find(|one| one.engineer == engineer.id) {
        said.push(format!(
            "Case {} is severity 1 and nobody has begun it: finish your slice, then take it.",
            asked.case.0
        ));
    }
    Ok(said)
}

/// Decides for an engineer, and says what else is to be known of the case that goes on; `handed_back` are cases that they do
/// not want again so soon.
///
/// # Errors
/// What the database said.
pub fn decide(
    tx: &mut Tx<'_>,
    now: Timestamp,
    engineer: &Engineer,
    handed_back: &[CaseId],
) -> Outcome<(Turn, Vec<String>)> {
    let everybody = engineer::who_answers(tx, Some(engineer.id))?;
    let mut told = told(tx, now, everybody, &[])?;
    told.who_asks_is_here(engineer.id);
    let told = told;
    let board = Board::within(&told.snapshot, limits::PLAN_STEPS);
    seats::keep(tx, &told.seats(&board))?;
    let own = told.in_hand_of(engineer.id);
    let not_wanted = |piece: &Piece| handed_back.contains(&piece.case);
    let next = board.next(engineer.id.0, &told.taken(own, |_| false));
    let next = match chosen(next).is_some_and(|at| not_wanted(&told.pieces[at])) {
        true => match board.next(engineer.id.0, &told.taken(own, not_wanted)) {
            Next::Rest { .. } => next,
            other => other,
        },
        false => next,
    };
    let placements = board.placements();
    let view = View {
        told: &told,
        engineer,
        placements: &placements,
    };
    let turn = view.turn(next, own);
    let advice = match turn {
        Turn::Take { .. } => Vec::new(),
        Turn::GoOn { .. } | Turn::Rest { .. } => said_of_bound(tx, &told, &board, engineer)?,
    };
    Ok((turn, advice))
}

fn chosen(next: Next) -> Option<usize> {
    match next {
        Next::GoOn { promise, .. } | Next::Take { promise, .. } | Next::Help { promise, .. } => Some(promise as usize),
        Next::Rest { .. } => None,
    }
}

impl Told {
    /// Whoever asks is at work now. Others have a slice in hand, or may be anywhere in their day: they are counted from the end
    /// of a slice on, so that what is urgent does not wait in the line of somebody who has not asked.
    fn who_asks_is_here(&mut self, asks: EngineerId) {
        let later = self.snapshot.now + self.snapshot.rules.quantum;
        let others = self.snapshot.engineers.iter_mut().filter(|one| one.id != asks.0);
        for one in others {
            let ahead = Interval::new(later, Minute::MAX);
            one.free = clipped(&one.free, ahead);
        }
    }

    /// Pieces that cannot be given: somebody works on their case, a reply is on its way, or `is_left` says so.
    fn taken(&self, own: Option<usize>, is_left: impl Fn(&Piece) -> bool) -> Vec<i64> {
        let mine = own.map(|at| self.pieces[at].case);
        let is_taken = |piece: &Piece| Some(piece.case) != mine && (!piece.is_ready || is_left(piece));
        (0..self.pieces.len())
            .filter(|&at| is_taken(&self.pieces[at]))
            .map(|at| at as i64)
            .collect()
    }

    /// Everybody's seat on a board, case by case.
    pub fn seats(&self, board: &Board<'_>) -> BTreeMap<CaseId, EngineerId> {
        let mut seats = BTreeMap::new();
        for (promise, engineer) in board.seats() {
            if let (Some(piece), Some(engineer)) = (self.pieces.get(promise as usize), engineer) {
                seats.entry(piece.case).or_insert(EngineerId(engineer));
            }
        }
        seats
    }
}

/// A decision that is put into words.
struct View<'a> {
    told: &'a Told,
    engineer: &'a Engineer,
    placements: &'a [Placement],
}

impl View<'_> {
    fn turn(&self, next: Next, own: Option<usize>) -> Turn {
        let mine = own.map(|at| self.told.pieces[at].case);
        match next {
            Next::GoOn { others_safe, .. } => Turn::GoOn {
                why: self.goes_on(others_safe),
            },
            Next::Take { promise, .. } | Next::Help { promise, .. }
                if Some(self.told.pieces[promise as usize].case) == mine =>
            {
                Turn::GoOn { why: self.goes_on(0) }
            }
            Next::Take { .. } | Next::Help { .. } if own.is_some_and(|at| self.is_close(at)) => Turn::GoOn {
                why: "it is due too soon to be put aside: send what is known as a finding, with the next time".into(),
            },
            Next::Take { promise, instead_for } => {
                let at = promise as usize;
                let why = match instead_for {
                    Some(hurt) => format!(
                        "case {} would be late otherwise",
                        self.told.pieces[hurt as usize].case.0
                    ),
                    None => self.first_of_line(at),
                };
                self.take(at, why)
            }
            Next::Help { promise, of } => {
                let whose = self.told.engineer(of).map_or("somebody", |one| one.name.as_str());
                let why = format!("your own line is done; this stood in the line of {whose}, and nobody has begun it");
                self.take(promise as usize, why)
            }
            Next::Rest { until } => match self.left_behind().filter(|_| own.is_none()) {
                Some((at, owner)) => self.take(
                    at,
                    format!("your own line is done; {owner}, who has begun it, is off duty"),
                ),
                None => Turn::Rest {
                    until: until.map(instant),
                    whole_until: self.told.whole_until,
                },
            },
        }
    }

    /// The earliest due that somebody has begun who is off duty now: better in other hands than in nobody's overnight.
    fn left_behind(&self) -> Option<(usize, &str)> {
        let is_there = |id: i64| self.told.on_duty.contains(&id);
        let pieces = self.told.pieces.iter().enumerate();
        let mut left = pieces.filter(|(_, one)| one.is_ready && may_answer(self.engineer, &one.lane, one.layer));
        left.find_map(|(at, one)| {
            let owner = one
                .begun_by
                .filter(|&owner| owner != self.engineer.id.0 && !is_there(owner))?;
            Some((
                at,
                self.told.engineer(owner).map_or("somebody", |one| one.name.as_str()),
            ))
        })
    }

    fn take(&self, at: usize, why: String) -> Turn {
        let case = self.told.pieces[at].case;
        Turn::Take {
            case,
            why: format!("{why}{}", self.slack(at)),
            aside: format!("Put aside at the end of a slice for case {}.", case.0),
        }
    }

    fn goes_on(&self, others: usize) -> String {
        let safe = match others {
            0 => "nobody is late for it".to_owned(),
            1 => "the promise that is due earlier keeps its time".to_owned(),
            _ => format!("the {others} promises that are due earlier keep their time"),
        };
        format!("{} minutes are used; it goes on: {safe}", limits::QUANTUM_MINUTES)
    }

    /// Why the first of one's line: the earliest of all, or what others take before it.
    fn first_of_line(&self, at: usize) -> String {
        let pieces = &self.told.pieces;
        let able: Vec<&Piece> = pieces
            .iter()
            .filter(|one| one.is_ready && may_answer(self.engineer, &one.lane, one.layer))
            .collect();
        let mut cases: Vec<CaseId> = able.iter().map(|one| one.case).collect();
        cases.sort_unstable();
        cases.dedup();
        let chosen = &pieces[at];
        if cases.len() <= 1 {
            return "the only case you can answer".into();
        }
        let earlier = able.iter().find(|one| one.due < chosen.due && one.case != chosen.case);
        if let Some(earlier) = earlier {
            let seat = self.placement_of(earlier.case).and_then(|placement| placement.engineer);
            let whose = seat.and_then(|id| self.told.engineer(id));
            let whose = match whose {
                Some(one) if one.id != self.engineer.id => format!("is for {}", one.name),
                _ => "is not".to_owned(),
            };
            return format!(
                "first in your line of the timetable; case {}, due earlier, {whose}",
                earlier.case.0
            );
        }
        let rivals: Vec<&&Piece> = able
            .iter()
            .filter(|one| one.due == chosen.due && one.case != chosen.case)
            .collect();
        let of_those = match rivals.iter().map(|one| one.nice).min() {
            None => "",
            Some(nice) if nice > chosen.nice => ", lowest nice of those",
            Some(_) => ", oldest of those",
        };
        let nearest = if self.told.whole_until.is_some() {
            "nearest "
        } else {
            ""
        };
        format!(
            "earliest deadline of the {} {nearest}you can answer{of_those}",
            cases.len()
        )
    }

    fn placement_of(&self, case: CaseId) -> Option<&Placement> {
        let at = self.told.pieces.iter().position(|piece| piece.case == case)?;
        self.placements.iter().find(|one| one.promise == at as i64)
    }

    fn slack(&self, at: usize) -> String {
        let found = self.placements.iter().find(|one| one.promise == at as i64);
        match found.map(|one| one.slack) {
            Some(slack) if slack >= 0 => format!("; slack {}", minutes(slack)),
            _ => "; the time that it may take is longer than what is left".into(),
        }
    }

    /// Whether a case that is to be put aside would be late for it, and has come far enough for a finding.
    fn is_close(&self, at: usize) -> bool {
        let piece = &self.told.pieces[at];
        let left = piece.due.duration_since(self.told.now).as_mins();
        piece.worked >= limits::USEFUL_MINUTES && (0..=limits::CLOSE_MINUTES).contains(&left)
    }
}

/// Minutes as people say them.
pub fn minutes(minutes: i64) -> String {
    match (minutes / 60, minutes % 60) {
        (0, rest) => format!("{rest} min"),
        (hours, 0) => format!("{hours} h"),
        (hours, rest) => format!("{hours} h {rest} min"),
    }
}
