//! Where an answer ends for now: the bound M with its one stretch, and waits that are longer than the promise
//! (SCHEDULING.md §4.5 of the design).

use super::{Told, instant, minute, told, work};
use crate::desk::engineer;
use crate::desk::{CaseId, PromiseId};
use crate::limits;
use crate::refusal::{Kind, Outcome, Refusal};
use crate::store::Tx;
use jiff::Timestamp;
use plan::dispatch::{AtBound, AtWait, at_bound, at_wait};
use plan::{Zone, say};

/// What is due at the bound of a promise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Bound {
    /// It is not used up.
    Within,
    /// It is, and one stretch fits: the plan stays whole with the case in the same hands.
    Stretch {
        /// The promise.
        promise: PromiseId,
        /// Minutes used.
        used: i64,
    },
    /// It is: what is known is sent now.
    Finding {
        /// Minutes used.
        used: i64,
        /// Who would be late otherwise, if that is another case.
        hurt: Option<CaseId>,
    },
}

impl Told {
    /// What the bound of the piece in hand asks for.
    pub(super) fn bound(&self, at: usize) -> Bound {
        let piece = &self.pieces[at];
        let most = work::bound_minutes(piece.severity) + if piece.stretched { limits::STRETCH_MINUTES } else { 0 };
        let Some(promise) = piece.promise.filter(|_| piece.worked >= most) else {
            return Bound::Within;
        };
        let used = piece.worked;
        // Looked at late, more than the stretch may be used up already.
        if piece.stretched || used >= most + limits::STRETCH_MINUTES {
            return Bound::Finding { used, hurt: None };
        }
        match self.stretches(at) {
            AtBound::Stretch => Bound::Stretch { promise, used },
            AtBound::Finding { hurt } => {
                let hurt = self.pieces.get(hurt as usize).map(|piece| piece.case);
                Bound::Finding {
                    used,
                    hurt: hurt.filter(|case| *case != piece.case),
                }
            }
        }
    }

    /// A stretch may use up the guard of its own promise, and two thirds of that of others: that is what the guard is for.
    fn stretches(&self, at: usize) -> AtBound {
        let mut snapshot = self.snapshot.clone();
        let own = minute(self.pieces[at].due) - limits::FINDING_MINUTES - limits::SWITCH_MINUTES;
        let guard = snapshot.rules.guard();
        for promise in &mut snapshot.promises {
            match promise.id == at as i64 {
                true => promise.due = promise.due.max(own),
                false => promise.due += guard * 2 / 3,
            }
        }
        let kind = self.snapshot.promises[at].kind;
        let longer = work::stretched(&self.learnt, kind, &self.pieces[at]);
        at_bound(&snapshot, at as i64, longer)
    }
}

/// What a wait for the lab or upstream would mean for a promise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wait {
    /// It can be resumed then and still be done in time, or nothing is promised.
    Fits,
    /// It cannot: done then at this time at the earliest; none within the horizon.
    Breaks(Option<Timestamp>),
}

/// The wait rule: a wait that the promise cannot outlast is refused, with what to do instead.
///
/// # Errors
/// [`Kind::Dishonest`], in words.
pub fn insist(tx: &mut Tx<'_>, now: Timestamp, case: CaseId, until: Timestamp, zone: &Zone) -> Outcome<()> {
    let Wait::Breaks(done) = waits(tx, now, case, until)? else {
        return Ok(());
    };
    let when = match done {
        Some(done) => format!("it would be done by {} at the earliest", say::short(done, zone, now)),
        None => "it would not be done in the next six weeks".to_owned(),
    };
    Err(Refusal::new(
        Kind::Dishonest,
        format!(
            "Case {} cannot wait until {}: taken up again then, {when}, and its promise would break.\n  Send what is known now, \
             with the time of the next word:  duly reply {} --kind finding --then \"owe …\"\n  If the wait will be shorter than \
             you say, or somebody answers meanwhile: --anyway.",
            case.0,
            say::short(until, zone, now),
            case.0
        ),
    )
    .into())
}

/// Whether a case may wait until an instant: taken up again then, there must be time to write down what is known, behind what
/// is due earlier. That is less than its whole worst case: most waits end sooner than is said, and a finding can be sent at
/// any moment of the rest.
///
/// # Errors
/// What the database said.
pub fn waits(tx: &mut Tx<'_>, now: Timestamp, case: CaseId, until: Timestamp) -> Outcome<Wait> {
    let everybody = engineer::who_answers(tx, None)?;
    let told = told(tx, now, everybody, &[])?;
    let Some(at) = told.pieces.iter().position(|piece| piece.case == case) else {
        return Ok(Wait::Fits);
    };
    let planned = &told.snapshot.promises[at];
    // Whoever says what a case waits for knows enough of it to write that down, if need be when the wait ends.
    let wait = minute(until) - told.snapshot.now;
    Ok(match at_wait(&told.snapshot, planned.id, wait, work::further()) {
        AtWait::Suspend { .. } => Wait::Fits,
        AtWait::Finding { done } => Wait::Breaks(done.map(instant)),
    })
}
