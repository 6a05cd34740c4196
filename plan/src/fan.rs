//! Fan-out: one promise whose work is split among several engineers and put together by one.
//!
//! Dates are set backwards. The join is due with the promise; the branches are due when whoever joins must begin at the
//! latest. Within a branch the steps follow each other, and each gets its share of the time in proportion to its worst
//! case. Every step is then an ordinary promise: same gates, same certificate. The certificate of the whole is all of
//! them; it is conservative (steps do not borrow from each other) and can be checked step by step.

use crate::admit::admit;
use crate::interval::Minute;
use crate::limits;
use crate::request::{NoDate, Offer, Request};
use crate::schedule::Board;
use crate::snapshot::{KindId, Promise, PromiseId, Snapshot, Work};
use serde::{Deserialize, Serialize};

/// A piece of the work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// The number of its own promise.
    pub id: PromiseId,
    /// What it needs.
    pub kind: KindId,
    /// Its work.
    pub work: Work,
}

/// Work that is split and joined.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fan {
    /// 1 to 4, of the promise.
    pub severity: u8,
    /// The wanted date, as promised to the customer.
    pub want: Minute,
    /// Branches that go on at the same time, each a chain of steps.
    pub branches: Vec<Vec<Step>>,
    /// Putting it together.
    pub join: Step,
}

/// A step with its dates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dated {
    /// Which.
    pub step: Step,
    /// It begins when what it needs is due.
    pub not_before: Option<Minute>,
    /// When it is due.
    pub due: Minute,
}

/// A fan-out that can be kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FanOffer {
    /// What the customer is told.
    pub promised: Minute,
    /// Whether it is later than wanted.
    pub moved: bool,
    /// Every step with its own offer, the join last.
    pub steps: Vec<(Dated, Offer)>,
}

/// Why a fan-out has no date.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NoFan {
    /// No branch, an empty branch, or more branches than the desk allows.
    Branches {
        /// How many there are.
        count: usize,
        /// How many may be.
        most: usize,
    },
    /// A step that has no date.
    Step {
        /// Which.
        promise: PromiseId,
        /// Why.
        why: NoDate,
    },
    /// Every date within the horizon was too early for some step.
    Full {
        /// The end of the horizon.
        until: Minute,
    },
}

/// The dates of all steps if the whole is due at `due`; none if the branches would have to begin before now.
pub fn backwards(board: &Board<'_>, fan: &Fan, due: Minute) -> Option<Vec<Dated>> {
    let now = board.team.now;
    let begins = latest_begin(board, &fan.join, due).filter(|&begins| begins > now)?;
    let mut dated = Vec::new();
    for branch in &fan.branches {
        let worst: i64 = branch.iter().map(|step| step.work.worst.max(1)).sum();
        let (mut done, mut before) = (0, None);
        for step in branch {
            done += step.work.worst.max(1);
            let due = now + ((i128::from(begins - now) * i128::from(done)) / i128::from(worst)) as i64;
            dated.push(Dated {
                step: *step,
                not_before: before,
                due,
            });
            before = Some(due);
        }
    }
    // The critical one first: whoever has least time for their work is seated first.
    dated.sort_by_key(|one| {
        (
            one.due - one.not_before.unwrap_or(now) - one.step.work.worst,
            one.step.id,
        )
    });
    dated.push(Dated {
        step: fan.join,
        not_before: Some(begins),
        due,
    });
    Some(dated)
}

/// The latest time at which somebody who can join must begin so that the worst case is done by `due`.
fn latest_begin(board: &Board<'_>, join: &Step, due: Minute) -> Option<Minute> {
    let team = &board.team;
    let kind = team.kind_place(join.kind)?;
    // Whoever joins may be in the middle of a slice, and half a quantum is what every request must have to spare.
    let worst = team.bounded_work(join.work).worst + team.rules.quantum + team.rules.quantum / 2;
    let begins = team.eligible(kind).filter_map(|person| {
        let shift = &team.people[person as usize].shift;
        let spare = shift.before(due) - worst;
        (spare >= 0).then(|| shift.begins(spare)).filter(|&time| time < due)
    });
    begins.max()
}

/// Asks for a date for the whole: the earliest, in steps of a bucket, then larger ones, at which every step has its own.
pub fn admit_fan(snapshot: &Snapshot, fan: &Fan) -> Result<FanOffer, NoFan> {
    if fan.branches.is_empty() || fan.branches.len() > limits::FAN_OUT || fan.branches.iter().any(Vec::is_empty) {
        return Err(NoFan::Branches {
            count: fan.branches.len(),
            most: limits::FAN_OUT,
        });
    }
    let board = Board::new(snapshot);
    let rules = &board.team.rules;
    let want = fan.want.clamp(board.team.now - rules.horizon, board.team.end) - rules.guard();
    let (mut due, mut step) = (want.max(board.team.now), rules.bucket);
    while due <= board.team.end {
        if let Some(dated) = backwards(&board, fan, due)
            && let Some(steps) = admit_steps(snapshot, fan.severity, &dated)?
        {
            let moved = due > want;
            let guard = rules.guard_of(u8::from(moved));
            return Ok(FanOffer {
                promised: if moved { due + guard } else { fan.want },
                moved,
                steps,
            });
        }
        due += step;
        step += step / 4;
    }
    Err(NoFan::Full { until: board.team.end })
}

/// Admits every step at its own date, one upon the other; none if one of them would be later.
fn admit_steps(snapshot: &Snapshot, severity: u8, dated: &[Dated]) -> Result<Option<Vec<(Dated, Offer)>>, NoFan> {
    let mut desk = snapshot.clone();
    let mut steps = Vec::new();
    for one in dated {
        let request = Request {
            id: one.step.id,
            kind: one.step.kind,
            severity,
            want: one.due + snapshot.rules.guard(),
            work: one.step.work,
            not_before: one.not_before,
            owner: None,
            moves: 0,
            hours: Vec::new(),
        };
        let offer = match admit(&desk, &request) {
            Ok(offer) if !offer.moved => offer,
            Ok(_) | Err(NoDate::Full { .. } | NoDate::TooLong { .. }) => return Ok(None),
            Err(why) => {
                return Err(NoFan::Step {
                    promise: one.step.id,
                    why,
                });
            }
        };
        desk.promises.push(Promise {
            id: one.step.id,
            kind: one.step.kind,
            severity,
            due: offer.due,
            owner: None,
            seat: None,
            work: one.step.work,
            not_before: one.not_before,
            tentative: true,
            moves: 0,
        });
        for promise in &mut desk.promises {
            let seat = offer.seats.iter().find(|(id, _)| *id == promise.id);
            promise.seat = seat.map_or(promise.seat, |&(_, engineer)| Some(engineer));
        }
        steps.push((*one, offer));
    }
    Ok(Some(steps))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::{desk, engineer, kind};

    fn step(id: PromiseId, kind: KindId, minutes: i64) -> Step {
        Step {
            id,
            kind,
            work: Work {
                mean: minutes,
                variance: 0,
                worst: minutes,
            },
        }
    }

    fn three() -> Snapshot {
        let people = [
            engineer(1, 1, &[(0, 480)]),
            engineer(2, 2, &[(0, 480)]),
            engineer(3, 3, &[(0, 480)]),
        ];
        desk(&people, &[kind(1, &[1]), kind(2, &[2]), kind(3, &[3])])
    }

    fn fan(want: Minute) -> Fan {
        Fan {
            severity: 2,
            want,
            branches: vec![vec![step(11, 1, 60)], vec![step(12, 2, 20), step(13, 3, 40)]],
            join: step(14, 1, 30),
        }
    }

    #[test]
    fn branches_work_at_the_same_time_and_the_join_has_its_own() {
        let offer = admit_fan(&three(), &fan(230)).unwrap();
        assert_eq!((offer.promised, offer.moved, offer.steps.len()), (230, false, 4));
        let due = |id: PromiseId| {
            offer
                .steps
                .iter()
                .find(|(one, _)| one.step.id == id)
                .map(|(one, _)| (one.not_before, one.due))
        };
        assert_eq!(
            due(14),
            Some((Some(140), 200)),
            "its work, a quantum and a half before the planned end"
        );
        assert_eq!(due(11), Some((None, 140)));
        assert_eq!(
            (due(12), due(13)),
            (Some((None, 46)), Some((Some(46), 140))),
            "in proportion to their work"
        );
    }

    #[test]
    fn a_date_that_is_too_early_for_a_branch_is_later() {
        let offer = admit_fan(&three(), &fan(90)).unwrap();
        assert!(offer.moved && offer.promised >= 70 + 60 + 60, "{}", offer.promised);
    }

    #[test]
    fn too_many_branches_and_strange_kinds_are_said() {
        let mut wide = fan(230);
        wide.branches = vec![vec![step(1, 1, 5)]; 5];
        assert_eq!(admit_fan(&three(), &wide), Err(NoFan::Branches { count: 5, most: 4 }));
        let mut strange = fan(230);
        strange.branches[0][0].kind = 9;
        let why = NoDate::Nobody { kind: 9 };
        assert_eq!(admit_fan(&three(), &strange), Err(NoFan::Step { promise: 11, why }));
        strange.join.kind = 9;
        assert_eq!(admit_fan(&three(), &strange), Err(NoFan::Full { until: 10_000 }));
    }
}
