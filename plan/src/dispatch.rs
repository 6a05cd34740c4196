//! What an engineer does next: the timetable that was certified, and three rules for what it cannot know.
//!
//! Asked at each decision point: a slice ends, a case starts to wait, a reply is sent, an engineer arrives. The running
//! case goes on unless that would hurt somebody (lazy preemption): forced switches cost a third of all promises. A case
//! that its owner is at work on is never taken away by this. Every answer carries its numbers, so that each screen says
//! the same.

use crate::interval::Minute;
use crate::limits;
use crate::load::{Ask, Load};
use crate::schedule::{Board, best_seating};
use crate::seating::{Guide, Seating, seat};
use crate::shift::NEVER;
use crate::snapshot::{EngineerId, PromiseId, Snapshot, Work};
use crate::team::{Job, NONE, Team};
use serde::{Deserialize, Serialize};

/// What to do at a decision point.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Next {
    /// Go on with the case in hand.
    GoOn {
        /// Its promise.
        promise: PromiseId,
        /// Promises due earlier that still have room for their worst case when it is finished first.
        others_safe: usize,
    },
    /// Take the first of one's own list.
    Take {
        /// Its promise.
        promise: PromiseId,
        /// The promise whose room would be gone if the case in hand went on.
        instead_for: Option<PromiseId>,
    },
    /// One's own list is done: take the earliest due that nobody has begun.
    Help {
        /// Its promise.
        promise: PromiseId,
        /// In whose list it stood.
        of: EngineerId,
    },
    /// There is nothing to do now.
    Rest {
        /// When the first case of one's own list can go on.
        until: Option<Minute>,
    },
}

/// What to do when a promise has used up its bound M.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AtBound {
    /// Go on for one stretch: the timetable stays whole with the case in the same hands.
    Stretch,
    /// Send what is known, and date the next promise.
    Finding {
        /// Who would be late otherwise; it may be the promise itself.
        hurt: PromiseId,
    },
}

/// What to do when a case must wait for a lab or upstream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AtWait {
    /// Put it aside: it can be resumed after a long wait and still be done in time.
    Suspend {
        /// When it is done after such a wait.
        done: Minute,
    },
    /// Send what is known now, and date the next promise from the end of the wait.
    Finding {
        /// When it would be done after a long wait; none within the horizon.
        done: Option<Minute>,
    },
}

impl Board<'_> {
    /// What `engineer` does next, at a decision point of theirs. `in_hand` are promises that others are at work on.
    pub fn next(&self, engineer: EngineerId, in_hand: &[PromiseId]) -> Next {
        let Some(person) = self.team.person_place(engineer) else {
            return Next::Rest { until: None };
        };
        let list: Vec<&Job> = self.seating.lists[person as usize]
            .iter()
            .map(|&at| &self.team.jobs[at as usize])
            .collect();
        let running = self.team.people[person as usize].running;
        let running = running.and_then(|id| list.iter().position(|job| job.id == id && job.release == 0));
        let first = list.iter().find(|job| job.release == 0 && !in_hand.contains(&job.id));
        if let Some(position) = running {
            let promise = list[position].id;
            return match (self.first_hurt(person, &list, position), first) {
                (Some(hurt), Some(first)) if first.id != promise => Next::Take {
                    promise: first.id,
                    instead_for: Some(hurt),
                },
                _ => Next::GoOn {
                    promise,
                    others_safe: position,
                },
            };
        }
        if let Some(first) = first {
            return Next::Take {
                promise: first.id,
                instead_for: None,
            };
        }
        self.help(person, in_hand).unwrap_or_else(|| Next::Rest {
            until: list
                .iter()
                .map(|job| self.team.now + i64::from(job.release))
                .filter(|&time| time > self.team.now)
                .min(),
        })
    }

    /// Which promise due earlier would be late if the case at `position` were finished first; one that is late anyway is
    /// no reason to switch unless it gets nothing but its turn: the earliest due goes first among the late.
    fn first_hurt(&self, person: u32, list: &[&Job], position: usize) -> Option<PromiseId> {
        let team = &self.team;
        let shift = &team.people[person as usize].shift;
        let ask = |job: &Job| Ask::of(job, person, shift, team.now, &team.rules);
        let mut load = Load::default();
        load.add(&ask(list[position]));
        for job in &list[..position] {
            let finish = load.guaranteed(&ask(job), shift, &team.rules);
            if finish > job.due {
                return Some(job.id);
            }
            load.add(&ask(job));
        }
        None
    }

    /// The earliest-due promise that nobody has begun, in the lanes of `person`, who would be in time with it or sooner than
    /// whoever has it: to begin what one cannot finish today helps nobody.
    fn help(&self, person: u32, in_hand: &[PromiseId]) -> Option<Next> {
        let team = &self.team;
        let is_free = |job: &Job| {
            let is_left = job.owner == NONE || team.people[job.owner as usize].is_absent;
            is_left && job.release == 0 && !in_hand.contains(&job.id)
        };
        let (at, job) = team.jobs.iter().enumerate().find(|&(at, job)| {
            let seat = self.seating.seat[at];
            let other = seat != NONE && seat != person && is_free(job) && team.can(person, job.kind);
            other
                && self
                    .finish_beside_own(person, job)
                    .is_some_and(|finish| finish <= job.due.max(self.seating.finish[at]))
        })?;
        Some(Next::Help {
            promise: job.id,
            of: team.people[self.seating.seat[at] as usize].id,
        })
    }

    /// When `person` would be done with a promise of somebody else, in its turn among their own; none if one of those would
    /// be late then.
    fn finish_beside_own(&self, person: u32, guest: &Job) -> Option<Minute> {
        let team = &self.team;
        let shift = &team.people[person as usize].shift;
        let ask = |job: &Job| Ask::of(job, person, shift, team.now, &team.rules);
        let own = self.seating.lists[person as usize].iter().map(|&at| at as usize);
        let (earlier, later): (Vec<usize>, Vec<usize>) =
            own.partition(|&at| (team.jobs[at].due, team.jobs[at].id) < (guest.due, guest.id));
        let mut load = Load::default();
        earlier.iter().for_each(|&at| load.add(&ask(&team.jobs[at])));
        let finish = load.guaranteed(&ask(guest), shift, &team.rules);
        load.add(&ask(guest));
        let is_harmless = later.iter().all(|&at| {
            let (job, mine) = (&team.jobs[at], ask(&team.jobs[at]));
            let fits =
                load.guaranteed(&mine, shift, &team.rules) <= job.due || !self.seating.is_on_time(&team.jobs, at);
            load.add(&mine);
            fits
        });
        is_harmless.then_some(finish)
    }

    /// Whom to ask to put aside what is in hand for a promise of severity 1 that has arrived: of those who can do it the
    /// one whose case in hand has the most slack; whoever has none in hand goes first.
    pub fn interrupt(&self, promise: PromiseId) -> Option<EngineerId> {
        let team = &self.team;
        let kind = team.jobs[self.job_place(promise)?].kind;
        let present = team
            .eligible(kind)
            .filter(|&person| team.people[person as usize].shift.begins(0) <= team.now);
        let slack = |person: u32| {
            let running = team.people[person as usize].running.and_then(|id| self.job_place(id));
            running.map_or(i64::MAX, |at| team.jobs[at].due.saturating_sub(self.seating.finish[at]))
        };
        let best = present.max_by_key(|&person| (slack(person), std::cmp::Reverse(person)))?;
        Some(team.people[best as usize].id)
    }
}

/// What to do when `promise` has used up its bound; `stretched` is what is left to do if it goes on.
pub fn at_bound(snapshot: &Snapshot, promise: PromiseId, stretched: Work) -> AtBound {
    let before = Board::new(snapshot);
    let mut longer = snapshot.clone();
    if let Some(one) = longer.promises.iter_mut().find(|one| one.id == promise) {
        one.work = stretched;
        one.seat = one.owner;
    }
    // Everybody else keeps their seats of now; the certificate must hold with the case in the same hands.
    keep_seats(&before, &mut longer);
    let team = Team::new(&longer);
    let hurt_in = |seating: Seating| {
        let hurt = (0..team.jobs.len()).find(|&at| {
            let job = &team.jobs[at];
            let was = before
                .job_place(job.id)
                .is_some_and(|place| before.seating.is_on_time(&before.team.jobs, place));
            let is_own = job.id == promise;
            (was || is_own) && !seating.is_on_time(&team.jobs, at) || is_own && seating.seat[at] != job.owner
        });
        hurt.map(|at| team.jobs[at].id)
    };
    let hurt = hurt_in(seat(&team, &team.jobs, Guide::Kept));
    match hurt.and_then(|hurt| hurt_in(best_seating(&team, limits::REPAIR_STEPS)).map(|_| hurt)) {
        None => AtBound::Stretch,
        Some(hurt) => AtBound::Finding { hurt },
    }
}

fn keep_seats(board: &Board<'_>, snapshot: &mut Snapshot) {
    let mut seats: Vec<(PromiseId, u32)> = board
        .team
        .jobs
        .iter()
        .map(|job| job.id)
        .zip(board.seating.seat.iter().copied())
        .collect();
    seats.sort_unstable();
    for one in &mut snapshot.promises {
        let found = seats.binary_search_by_key(&one.id, |&(id, _)| id);
        let seat = found.ok().map(|at| seats[at].1).filter(|&seat| seat != NONE);
        one.seat = seat.map(|seat| board.team.people[seat as usize].id);
    }
}

/// What to do when `promise` must wait: `wait_q95` minutes of wall time are what nineteen of twenty such waits take, and
/// `left` is what is to do after it. Its owner must be able to do it then, behind what is due earlier.
pub fn at_wait(snapshot: &Snapshot, promise: PromiseId, wait_q95: i64, left: Work) -> AtWait {
    let mut waiting = snapshot.clone();
    let back = snapshot.now.saturating_add(wait_q95.max(0));
    if let Some(one) = waiting.promises.iter_mut().find(|one| one.id == promise) {
        one.not_before = Some(back);
        one.work = left;
    }
    let board = Board::new(&waiting);
    let at = board.job_place(promise).filter(|_| back < board.team.end);
    let done = at.map(|at| board.seating.finish[at]).filter(|&done| done != NEVER);
    let due = at.map(|at| board.team.jobs[at].due);
    match (done, due) {
        (Some(done), Some(due)) if done <= due => AtWait::Suspend { done },
        _ => AtWait::Finding { done },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::{desk, engineer, kind, promise};

    fn two_days() -> Snapshot {
        desk(
            &[engineer(1, 1, &[(0, 480)]), engineer(2, 1, &[(0, 480)])],
            &[kind(1, &[1])],
        )
    }

    #[test]
    fn the_case_in_hand_goes_on_as_long_as_nobody_is_hurt() {
        let mut snapshot = two_days();
        snapshot.promises = vec![promise(1, 1, 200, 30), promise(2, 1, 400, 30)];
        snapshot.engineers.truncate(1);
        snapshot.engineers[0].running = Some(2);
        snapshot.promises[1].owner = Some(1);
        let next = Board::new(&snapshot).next(1, &[]);
        assert_eq!(
            next,
            Next::GoOn {
                promise: 2,
                others_safe: 1
            }
        );
        snapshot.promises[0].due = 55;
        let next = Board::new(&snapshot).next(1, &[]);
        assert_eq!(
            next,
            Next::Take {
                promise: 1,
                instead_for: Some(1)
            }
        );
    }

    #[test]
    fn who_is_done_helps_with_what_nobody_has_begun() {
        let mut snapshot = two_days();
        snapshot.promises = vec![promise(1, 1, 200, 30), promise(2, 1, 210, 30), promise(3, 1, 220, 30)];
        let board = Board::new(&snapshot);
        assert_eq!(
            board.next(1, &[]),
            Next::Take {
                promise: 1,
                instead_for: None
            }
        );
        assert_eq!(
            board.next(2, &[1]),
            Next::Take {
                promise: 2,
                instead_for: None
            }
        );
        assert_eq!(board.next(2, &[1, 2]), Next::Help { promise: 3, of: 1 });
        snapshot.promises[2].owner = Some(1);
        assert_eq!(
            Board::new(&snapshot).next(2, &[1, 2]),
            Next::Rest { until: None },
            "a case that was begun is not taken away"
        );
        snapshot.engineers[0].absent_until = Some(400);
        snapshot.promises.retain(|promise| promise.id == 3);
        let next = Board::new(&snapshot).next(2, &[]);
        assert!(
            matches!(next, Next::Take { promise: 3, .. } | Next::Help { promise: 3, .. }),
            "unless its owner is gone: {next:?}"
        );
        assert_eq!(
            Board::new(&snapshot).next(99, &[]),
            Next::Rest { until: None },
            "a stranger has nothing to do"
        );
    }

    #[test]
    fn a_bound_is_stretched_only_while_the_timetable_stays_whole() {
        let mut snapshot = two_days();
        snapshot.engineers.truncate(1);
        snapshot.promises = vec![promise(1, 1, 60, 10), promise(2, 1, 100, 20)];
        snapshot.promises[0].owner = Some(1);
        let stretched = |minutes| Work {
            mean: minutes,
            variance: 0,
            worst: minutes,
        };
        assert_eq!(at_bound(&snapshot, 1, stretched(30)), AtBound::Stretch);
        assert_eq!(at_bound(&snapshot, 1, stretched(90)), AtBound::Finding { hurt: 1 });
        snapshot.promises[1].due = 65;
        assert_eq!(at_bound(&snapshot, 1, stretched(50)), AtBound::Finding { hurt: 2 });
    }

    #[test]
    fn a_case_waits_only_if_a_long_wait_still_leaves_time() {
        let mut snapshot = two_days();
        snapshot.promises = vec![promise(1, 1, 300, 30)];
        snapshot.promises[0].owner = Some(1);
        let left = Work {
            mean: 20,
            variance: 0,
            worst: 60,
        };
        assert_eq!(at_wait(&snapshot, 1, 100, left), AtWait::Suspend { done: 180 });
        assert_eq!(at_wait(&snapshot, 1, 260, left), AtWait::Finding { done: Some(340) });
        assert_eq!(at_wait(&snapshot, 1, 450, left), AtWait::Finding { done: None });
    }

    #[test]
    fn whoever_has_most_slack_is_asked_to_put_their_case_aside() {
        let mut snapshot = two_days();
        snapshot.promises = vec![promise(1, 1, 100, 30), promise(2, 1, 300, 30), promise(3, 1, 60, 20)];
        for (at, owner) in [(0, 1), (1, 2)] {
            snapshot.promises[at].owner = Some(owner);
            snapshot.engineers[at].running = Some(owner);
        }
        assert_eq!(Board::new(&snapshot).interrupt(3), Some(2));
        snapshot.engineers[0].running = None;
        assert_eq!(Board::new(&snapshot).interrupt(3), Some(1));
    }
}
