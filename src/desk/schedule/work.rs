//! How long work will still take, within the bound of its promise: by what was learnt, or by what a desk without a past
//! begins with ([`plan::budget::DEFAULT_SAMPLE`]).

use super::Piece;
use super::learnt::Learnt;
use crate::limits;
use plan::budget::{Bound, GRID, Sort};
use plan::snapshot::{KindId, Work};

/// Minutes of work after which a promise of this severity comes to a finding (M, PRODUCT.md §3.4).
pub fn bound_minutes(severity: u8) -> i64 {
    limits::BOUND_MINUTES[usize::from(severity.clamp(1, 4)) - 1]
}

/// Work of a promise that nobody has begun.
pub(super) fn whole(learnt: &Learnt, kind: KindId, severity: u8, is_first: bool) -> Work {
    let sort = sort(kind, severity, is_first);
    bounded(
        learnt,
        sort,
        (0, None),
        bound_minutes(severity),
        limits::STRETCH_MINUTES,
    )
}

fn sort(kind: KindId, severity: u8, is_first: bool) -> Sort {
    Sort {
        kind,
        severity,
        is_first,
        tier: 0,
    }
}

/// Work of a message that the reply to an earlier one answers as well: its own words.
pub(super) fn further() -> Work {
    Work {
        mean: limits::FINDING_MINUTES,
        variance: 0,
        worst: limits::FINDING_MINUTES + limits::SWITCH_MINUTES,
    }
}

/// Work that is left of a piece. `there` are the minutes until its due that whoever has begun it is there: a case that has
/// come far enough for a finding never needs more than that, since what is known can be sent at any moment.
pub(super) fn left(learnt: &Learnt, kind: KindId, piece: &Piece, there: Option<i64>) -> Work {
    if piece.is_further {
        return further();
    }
    let stretch = if piece.stretched { limits::STRETCH_MINUTES } else { 0 };
    let mut bound = (bound_minutes(piece.severity) + stretch - piece.worked).max(1);
    let mut more = limits::STRETCH_MINUTES - stretch;
    if let Some(there) = there.filter(|_| piece.worked >= limits::USEFUL_MINUTES) {
        let time = (there - limits::FINDING_MINUTES - limits::SWITCH_MINUTES).max(1);
        (bound, more) = (bound.min(time), more.min((time - bound).max(0)));
    }
    let sort = sort(kind, piece.severity, piece.is_first);
    bounded(learnt, sort, (piece.worked, piece.estimate), bound, more)
}

/// Work of a piece whose bound is used up, if it goes on for the one stretch.
pub(super) fn stretched(learnt: &Learnt, kind: KindId, piece: &Piece) -> Work {
    let sort = sort(kind, piece.severity, piece.is_first);
    bounded(learnt, sort, (piece.worked, piece.estimate), limits::STRETCH_MINUTES, 0)
}

/// Work after `worked` minutes, of which somebody may have made an estimate, that ends `bound` minutes on at the latest; what is
/// likely may use `more`.
fn bounded(learnt: &Learnt, sort: Sort, (worked, estimate): (i64, Option<i64>), bound: i64, more: i64) -> Work {
    let spent = worked.max(0) / GRID * GRID;
    let within = |most: i64| {
        let bound = Bound {
            most: spent + most,
            reply: limits::FINDING_MINUTES,
            switch: limits::SWITCH_MINUTES,
        };
        learnt.work(sort, worked, estimate, bound)
    };
    Work {
        worst: within(bound).worst,
        ..within(bound + more)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::desk::schedule::rules;

    #[test]
    fn the_count_behind_admission_expects_what_the_timetable_expects() {
        let rules = rules();
        let planned = [1, 2, 3, 4].map(|severity| {
            let bound = bound_minutes(severity);
            rules.planned(bounded(&Learnt::default(), sort(0, severity, true), (0, None), bound, 0).mean)
        });
        assert_eq!(planned, limits::WORK_MINUTES);
    }

    #[test]
    fn the_worst_case_of_a_promise_is_its_bound_and_the_words() {
        assert_eq!(
            [1, 2, 3, 4].map(|severity| whole(&Learnt::default(), 0, severity, true).worst),
            [41, 71, 131, 131]
        );
    }
}
