//! Small desks for tests: minutes from 0, no overhead, no deviation, so that sums can be done in the head.

use crate::interval::Interval;
use crate::snapshot::{ClassId, Engineer, EngineerId, Kind, KindId, Promise, PromiseId, Rules, Snapshot, Work};

/// A desk without promises, at minute 0.
pub(crate) fn desk(engineers: &[Engineer], kinds: &[Kind]) -> Snapshot {
    Snapshot {
        now: 0,
        rules: Rules {
            horizon: 10_000,
            overhead_percent: 0,
            handover: 0,
            ..Rules::default()
        },
        engineers: engineers.to_vec(),
        kinds: kinds.to_vec(),
        promises: Vec::new(),
    }
}

/// Somebody who is free in these stretches.
pub(crate) fn engineer(id: EngineerId, class: ClassId, free: &[(i64, i64)]) -> Engineer {
    Engineer {
        id,
        class,
        free: free.iter().map(|&(from, to)| Interval::new(from, to)).collect(),
        absent_until: None,
        running: None,
        allowances: Vec::new(),
    }
}

/// What these classes can answer.
pub(crate) fn kind(id: KindId, classes: &[ClassId]) -> Kind {
    Kind {
        id,
        classes: classes.to_vec(),
    }
}

/// Work of exactly so many minutes, which nobody has begun.
pub(crate) fn promise(id: PromiseId, kind: KindId, due: i64, minutes: i64) -> Promise {
    Promise {
        id,
        kind,
        severity: 2,
        due,
        owner: None,
        seat: None,
        work: Work {
            mean: minutes,
            variance: 0,
            worst: minutes,
        },
        not_before: None,
        tentative: false,
        moves: 0,
    }
}
