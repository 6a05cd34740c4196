//! Least harm: which dates to move when not all can be kept.
//!
//! Nearly the rule of Moore and Hodgson, which moves the fewest: take the first promise that will be late; among those due
//! no later that use the same people, whose customer can still be told, give up the one that frees most for its harm
//! (minutes × severity² ÷ (1 + 2 · times moved)); repeat until all others are in time. Each that was given up then gets its
//! earliest safe date. Expected work counts, not the worst case: nobody is bothered for what will probably go well.

use crate::admit::admit;
use crate::interval::Minute;
use crate::limits;
use crate::request::{Offer, Request};
use crate::schedule::Board;
use crate::snapshot::{EngineerId, PromiseId, Rules, Snapshot, Work};
use crate::team::NONE;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// A date that would be moved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Move {
    /// Whose.
    pub promise: PromiseId,
    /// When it was to be done.
    pub was: Minute,
    /// When it can be done instead, admitted already; none within the horizon.
    pub due: Option<Minute>,
    /// What its customer would be told.
    pub promised: Option<Minute>,
}

/// Dates to move so that all others are kept, as far as can be.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Renegotiation {
    /// The dates, in the order in which they were admitted.
    pub moves: Vec<Move>,
    /// Promises that stay late whatever is moved: severity 1, in hand, or nobody in time to be told.
    pub lost: Vec<PromiseId>,
    /// Everybody's seat in the witness with the new dates; to be kept with the promises.
    pub seats: Vec<(PromiseId, EngineerId)>,
}

/// Minutes of notice that a customer must have.
pub const NOTICE: i64 = 60;

/// The dates whose move does least harm.
pub fn least_harm(snapshot: &Snapshot) -> Renegotiation {
    let mut expected = expected(snapshot);
    let (mut given_up, mut lost) = (Vec::new(), BTreeSet::new());
    while given_up.len() < limits::MOVES {
        let board = Board::new(&expected);
        let late = (0..board.team.jobs.len())
            .find(|&at| !board.seating.is_on_time(&board.team.jobs, at) && !lost.contains(&board.team.jobs[at].id));
        let Some(late) = late else { break };
        match choice(&board, late) {
            Some(id) => {
                given_up.push(id);
                expected.promises.retain(|promise| promise.id != id);
            }
            None => {
                lost.insert(board.team.jobs[late].id);
            }
        }
    }
    let (moves, seats) = safe_dates(snapshot, &given_up);
    Renegotiation {
        moves,
        lost: lost.into_iter().collect(),
        seats,
    }
}

/// The same desk if everything takes what is expected.
fn expected(snapshot: &Snapshot) -> Snapshot {
    let mut expected = snapshot.clone();
    expected.rules = Rules {
        z_percent: 0,
        ..expected.rules
    };
    for promise in &mut expected.promises {
        promise.work = Work {
            variance: 0,
            worst: promise.work.mean,
            ..promise.work
        };
    }
    expected
}

/// Which to give up for the one at place `late`: most freed for its harm among those whose leaving makes it in time; if
/// none does, most freed.
fn choice(board: &Board<'_>, late: usize) -> Option<PromiseId> {
    let team = &board.team;
    let wanted = team.jobs[late].kind;
    let running: BTreeSet<PromiseId> = team.people.iter().filter_map(|person| person.running).collect();
    let mut candidates: Vec<usize> = (0..=late)
        .filter(|&at| {
            let (job, seat) = (&team.jobs[at], board.seating.seat[at]);
            let shares = at == late || seat != NONE && team.can(seat, wanted);
            shares && job.severity >= 2 && job.due >= team.now + NOTICE && !running.contains(&job.id)
        })
        .collect();
    // Compared as fractions, so that no rounding decides.
    let worth = |at: usize| {
        let job = &team.jobs[at];
        (
            i128::from(job.planned) * i128::from(job.severity).pow(2),
            1 + 2 * i128::from(job.moves),
        )
    };
    candidates.sort_by(|&a, &b| {
        let ((up_a, down_a), (up_b, down_b)) = (worth(a), worth(b));
        (up_b * down_a)
            .cmp(&(up_a * down_b))
            .then(team.jobs[a].id.cmp(&team.jobs[b].id))
    });
    let helps = candidates
        .iter()
        .take(limits::REMEDIES)
        .find(|&&at| at == late || is_cured(board, at, late));
    helps.or(candidates.first()).map(|&at| team.jobs[at].id)
}

/// Whether the promise at `late` is in time when the one at `gone` leaves, and no more are late than before.
fn is_cured(board: &Board<'_>, gone: usize, late: usize) -> bool {
    let mut snapshot = board.snapshot.clone();
    let (gone, late) = (board.team.jobs[gone].id, board.team.jobs[late].id);
    snapshot.promises.retain(|promise| promise.id != gone);
    let after = Board::new(&snapshot);
    after
        .job_place(late)
        .is_some_and(|at| after.seating.is_on_time(&after.team.jobs, at))
}

/// Gives each its earliest safe date, beside all that stays and those that have one already.
fn safe_dates(snapshot: &Snapshot, given_up: &[PromiseId]) -> (Vec<Move>, Vec<(PromiseId, EngineerId)>) {
    let mut left = snapshot.clone();
    let (mut gone, stays) = std::mem::take(&mut left.promises)
        .into_iter()
        .partition(|promise| given_up.contains(&promise.id));
    left.promises = stays;
    let gone: &mut Vec<crate::snapshot::Promise> = &mut gone;
    // The worst hit customer is served first.
    gone.sort_unstable_by_key(|promise| (promise.severity, promise.due, promise.id));
    let mut moves = Vec::new();
    for promise in gone.iter() {
        let moved = promise.moves.saturating_add(1);
        let request = Request {
            id: promise.id,
            kind: promise.kind,
            severity: promise.severity,
            want: promise.due + snapshot.rules.guard_of(moved),
            work: promise.work,
            not_before: promise.not_before,
            owner: promise.owner,
            moves: moved,
            hours: Vec::new(),
        };
        let offer: Option<Offer> = admit(&left, &request).ok();
        if let Some(offer) = &offer {
            left.promises.push(crate::snapshot::Promise {
                due: offer.due,
                seat: Some(offer.engineer),
                moves: if offer.moved { moved } else { promise.moves },
                ..promise.clone()
            });
            let seat = |id: PromiseId| {
                offer
                    .seats
                    .iter()
                    .find(|(other, _)| *other == id)
                    .map(|&(_, engineer)| engineer)
            };
            left.promises.iter_mut().for_each(|one| one.seat = seat(one.id));
        }
        if offer.as_ref().is_some_and(|offer| !offer.moved) {
            continue; // beside the others' new dates its own can be kept after all
        }
        moves.push(Move {
            promise: promise.id,
            was: promise.due,
            due: offer.as_ref().map(|offer| offer.due),
            promised: offer.as_ref().map(|offer| offer.promised),
        });
    }
    let seats = left
        .promises
        .iter()
        .filter_map(|promise| Some((promise.id, promise.seat?)));
    (moves, seats.collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::{desk, engineer, kind, promise};

    #[test]
    fn one_long_wish_is_moved_rather_than_two_short_ones() {
        let mut snapshot = desk(&[engineer(1, 1, &[(0, 300)])], &[kind(1, &[1])]);
        snapshot.promises = vec![promise(1, 1, 100, 60), promise(2, 1, 110, 30), promise(3, 1, 120, 60)];
        snapshot.promises[0].severity = 4;
        let found = least_harm(&snapshot);
        assert_eq!(found.moves.iter().map(|one| one.promise).collect::<Vec<_>>(), [1]);
        assert_eq!(
            (found.moves[0].due, found.lost.len()),
            (Some(167), 0),
            "severity 4 does not see a tenth of the time"
        );
    }

    #[test]
    fn severity_one_and_what_is_too_near_to_be_told_are_not_moved() {
        let mut snapshot = desk(&[engineer(1, 1, &[(0, 300)])], &[kind(1, &[1])]);
        snapshot.promises = vec![promise(1, 1, 50, 60), promise(2, 1, 100, 60)];
        snapshot.promises[1].severity = 1;
        let found = least_harm(&snapshot);
        assert_eq!((found.moves.len(), found.lost), (0, vec![1, 2]));
    }
}
