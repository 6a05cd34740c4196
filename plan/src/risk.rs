//! Early warning: which promises are in danger, until when one can act, and what would help.
//!
//! At risk is what would be late if everything took what is expected; to be watched is what would be late in the worst case
//! that is provided for. Probability is that of a normal sum of the work ahead. Remedies come in the order of their harm:
//! another owner, somebody borrowed, a finding now, overtime, and only then another date.

use crate::insertion::{Floor, Guest};
use crate::interval::Minute;
use crate::limits;
use crate::load::{Ask, Load};
use crate::schedule::Board;
use crate::shift::{NEVER, Shift};
use crate::snapshot::{EngineerId, PromiseId};
use crate::team::{Job, NONE};
use serde::{Deserialize, Serialize};

/// How sure it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Danger {
    /// Late if everything takes what is expected.
    AtRisk,
    /// Late in the worst case that is provided for.
    Watch,
}

/// Why a promise is in danger.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Cause {
    /// Nobody here can do it.
    Nobody,
    /// Its due is past.
    Past,
    /// It is longer than what anybody works until then.
    TooLong {
        /// Minutes of its worst case.
        minutes: i64,
        /// The most that one of those who can do it works until its due.
        most: i64,
    },
    /// What is due earlier takes the time.
    Behind {
        /// How many promises.
        promises: usize,
        /// Their planned minutes.
        minutes: i64,
    },
}

/// What would help.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Proposal {
    /// Another who can do it would be in time, and nobody else late.
    GiveTo {
        /// Who.
        engineer: EngineerId,
        /// When it would be done.
        finish: Minute,
    },
    /// Somebody of another lane has the time.
    Borrow {
        /// Who.
        engineer: EngineerId,
        /// When it would be done.
        finish: Minute,
    },
    /// It was begun: send what is known as a finding.
    Finding,
    /// Whoever has it stays longer.
    Overtime {
        /// Who.
        engineer: EngineerId,
        /// Minutes before its due.
        minutes: i64,
    },
    /// Ask the customer for another date ([`crate::renegotiate::least_harm`] says whom).
    Move,
}

/// A promise in danger.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Risk {
    /// Which.
    pub promise: PromiseId,
    /// When it is due.
    pub due: Minute,
    /// How sure.
    pub danger: Danger,
    /// How likely it is late, in thousandths.
    pub permille: u32,
    /// The last moment at which somebody with nothing else to do could begin and be in time; none when it has passed.
    pub act_by: Option<Minute>,
    /// Why.
    pub cause: Cause,
    /// What would help, the least harm first.
    pub proposals: Vec<Proposal>,
}

/// Chance that a normal variable is above its mean by more than so many tenths of a deviation, in thousandths.
const TAIL: [u32; 31] = [
    500, 460, 421, 382, 345, 309, 274, 242, 212, 184, 159, 136, 115, 97, 81, 67, 55, 45, 36, 29, 23, 18, 14, 11, 8, 6,
    5, 3, 3, 2, 1,
];

/// How likely work with so many minutes of slack and this variance is late, in thousandths.
fn chance_of_late(slack: i64, variance: i64) -> u32 {
    let deviation = variance.max(0).unsigned_abs().isqrt() as i64;
    if deviation == 0 {
        return if slack < 0 { 1000 } else { 0 };
    }
    let tenths = (slack.abs() * 10 / deviation).min(30) as usize;
    if slack < 0 { 1000 - TAIL[tenths] } else { TAIL[tenths] }
}

impl Board<'_> {
    /// Promises in danger, the earliest due first; proposals for the first [`limits::ADVISED`] of them.
    pub fn risks(&self) -> Vec<Risk> {
        let mut risks = Vec::new();
        let team = &self.team;
        for (person, list) in self.seating.lists.iter().enumerate() {
            let shift = &team.people[person].shift;
            let mut load = Load::default();
            for (position, &at) in list.iter().enumerate() {
                let job = &team.jobs[at as usize];
                let ask = Ask::of(job, person as u32, shift, team.now, &team.rules);
                let end = load.expected(&ask);
                if !self.seating.is_on_time(&team.jobs, at as usize) {
                    let danger = if shift.reached(end) > job.due {
                        Danger::AtRisk
                    } else {
                        Danger::Watch
                    };
                    let slack = shift.before(job.due) - end;
                    let permille = chance_of_late(slack, load.variance + ask.variance);
                    let cause = self.cause(job, position, load.minutes);
                    risks.push((at, self.risk(job, danger, permille, cause)));
                }
                load.add(&ask);
            }
        }
        for at in (0..team.jobs.len()).filter(|&at| self.seating.seat[at] == NONE) {
            risks.push((
                at as u32,
                self.risk(&team.jobs[at], Danger::AtRisk, 1000, Cause::Nobody),
            ));
        }
        risks.sort_unstable_by_key(|(at, _)| *at);
        for (at, risk) in risks.iter_mut().take(limits::ADVISED) {
            risk.proposals = self.proposals(*at);
        }
        risks.into_iter().map(|(_, risk)| risk).collect()
    }

    fn risk(&self, job: &Job, danger: Danger, permille: u32, cause: Cause) -> Risk {
        Risk {
            promise: job.id,
            due: job.due,
            danger,
            permille,
            act_by: self.act_by(job),
            cause,
            proposals: Vec::new(),
        }
    }

    /// The last moment at which somebody with nothing else to do could begin and be in time.
    fn act_by(&self, job: &Job) -> Option<Minute> {
        let last = self.team.eligible(job.kind).filter_map(|person| {
            let shift = &self.team.people[person as usize].shift;
            let spare = shift.before(job.due) - i64::from(job.worst);
            (spare >= 0).then(|| shift.begins(spare)).filter(|&time| time != NEVER)
        });
        last.max()
    }

    fn cause(&self, job: &Job, position: usize, minutes: i64) -> Cause {
        let worked = |person: u32| self.team.people[person as usize].shift.before(job.due);
        let most = self.team.eligible(job.kind).map(worked).max().unwrap_or(0);
        if job.due <= self.team.now {
            Cause::Past
        } else if most < i64::from(job.worst) || position == 0 {
            Cause::TooLong {
                minutes: i64::from(job.worst),
                most,
            }
        } else {
            Cause::Behind {
                promises: position,
                minutes,
            }
        }
    }

    fn proposals(&self, at: u32) -> Vec<Proposal> {
        let mut proposals = Vec::new();
        let job = self.team.jobs[at as usize];
        let guest = Guest { job: &job, at };
        let mut floor = Floor::new(&self.team, self.seating.clone(), 0);
        floor.lift(at);
        let id = |person: u32| self.team.people[person as usize].id;
        if let Some(place) = floor.place(guest, job.due, true) {
            proposals.push(Proposal::GiveTo {
                engineer: id(place.person),
                finish: place.finish,
            });
        }
        let others = (0..self.team.people.len() as u32).filter(|&person| !self.team.can(person, job.kind));
        let lent = others.filter_map(|person| floor.place_with(person, guest, job.due, true));
        if let Some(place) = lent.min_by_key(|place| (place.finish, place.person)) {
            proposals.push(Proposal::Borrow {
                engineer: id(place.person),
                finish: place.finish,
            });
        }
        if job.owner != NONE {
            proposals.push(Proposal::Finding);
        }
        let seat = self.seating.seat[at as usize];
        if seat != NONE {
            let shift: &Shift = &self.team.people[seat as usize].shift;
            let finish = self.seating.finish[at as usize];
            let needed = if finish == NEVER {
                shift.total() + i64::from(job.worst)
            } else {
                shift.before(finish)
            };
            proposals.push(Proposal::Overtime {
                engineer: id(seat),
                minutes: needed - shift.before(job.due),
            });
        }
        if job.severity >= 2 {
            proposals.push(Proposal::Move);
        }
        proposals
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::{desk, engineer, kind, promise};

    #[test]
    fn a_promise_in_danger_comes_with_its_cause_the_time_to_act_and_remedies() {
        let people = [engineer(1, 1, &[(0, 480)]), engineer(2, 2, &[(0, 480)])];
        let mut snapshot = desk(&people, &[kind(1, &[1]), kind(2, &[2])]);
        snapshot.promises = vec![promise(1, 1, 100, 80), promise(2, 1, 110, 40), promise(3, 2, 400, 10)];
        let risks = Board::new(&snapshot).risks();
        assert_eq!(risks.len(), 1);
        let risk = &risks[0];
        assert_eq!(
            (risk.promise, risk.danger, risk.permille, risk.act_by),
            (2, Danger::AtRisk, 1000, Some(70))
        );
        assert_eq!(
            risk.cause,
            Cause::Behind {
                promises: 1,
                minutes: 80
            }
        );
        let borrow = Proposal::Borrow {
            engineer: 2,
            finish: 40,
        };
        let overtime = Proposal::Overtime {
            engineer: 1,
            minutes: 10,
        };
        assert_eq!(risk.proposals, [borrow, overtime, Proposal::Move]);
    }

    #[test]
    fn what_is_late_only_in_the_worst_case_is_watched() {
        let mut snapshot = desk(&[engineer(1, 1, &[(0, 480)])], &[kind(1, &[1])]);
        snapshot.promises = vec![promise(1, 1, 100, 80)];
        snapshot.promises[0].work.variance = 400;
        snapshot.promises[0].work.worst = 120;
        let risks = Board::new(&snapshot).risks();
        assert_eq!((risks[0].danger, risks[0].permille), (Danger::Watch, 159));
        snapshot.promises[0].kind = 77;
        let risks = Board::new(&snapshot).risks();
        assert_eq!((risks[0].cause.clone(), risks[0].act_by), (Cause::Nobody, None));
    }
}
