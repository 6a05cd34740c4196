//! What a desk has learnt of its work before the replay begins: minutes of past mails, and how long waits last.
//!
//! From the half of the trace that is not replayed ([`crate::trace::halves`]).

use crate::dice::Dice;
use crate::trace::Case;
use crate::world::{BLOCK_MEDIAN_MINUTES, BLOCK_SIGMA};
use plan::budget::Residuals;

/// Waits that the desk remembers.
const WAITS: usize = 4_000;

/// What a desk has learnt.
#[derive(Debug, Clone)]
pub struct Learnt {
    /// Work of first and of later mails; severity and lane are drawn, so they say nothing of it.
    pub work: [Residuals; 2],
    /// Waits for the lab or upstream.
    pub waits: Residuals,
}

impl Learnt {
    /// From past cases. A desk that has no later mails takes the first ones for them.
    pub fn new(cases: &[Case]) -> Learnt {
        let turns = || cases.iter().flat_map(|case| &case.turns);
        let minutes = |later| {
            turns()
                .filter(|turn| (turn.number > 0) == later)
                .map(|turn| turn.work_minutes)
                .collect()
        };
        let (first, later): (Vec<i64>, Vec<i64>) = (minutes(false), minutes(true));
        let all = || turns().map(|turn| turn.work_minutes).collect::<Vec<i64>>();
        let enough = |sample: Vec<i64>| {
            if sample.len() < plan::budget::ENOUGH {
                all()
            } else {
                sample
            }
        };
        // Waits of a past that is not the one that is lived.
        let mut dice = Dice::new(0, "waits of the past");
        let waits = (0..WAITS).map(|_| dice.lognormal(BLOCK_MEDIAN_MINUTES, BLOCK_SIGMA));
        Learnt {
            work: [Residuals::new(&enough(first)), Residuals::new(&enough(later))],
            waits: Residuals::new(&waits.collect::<Vec<i64>>()),
        }
    }

    /// Mean minutes of a first and of a later mail.
    pub fn mean_minutes(&self) -> [i64; 2] {
        [0, 1].map(|later: usize| self.work[later].left(0, crate::limits::WORK_MINUTES).0)
    }
}
