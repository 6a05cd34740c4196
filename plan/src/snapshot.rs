//! What the planner is told: engineers, what they can do, open promises, and the rules. Plain data, whole minutes.
//!
//! The desk builds a snapshot from its rows at each event. Everything else (names, mails, zones) stays outside. The order
//! of its lists does not matter; of two entries with one id the first counts. What names nobody (a kind that no class can
//! answer, a class without engineers) is answered as "no date possible", never refused here.

use crate::interval::{Interval, Minute};
use serde::{Deserialize, Serialize};

/// Who works: the desk's number of an engineer.
pub type EngineerId = i64;
/// The desk's number of a promise.
pub type PromiseId = i64;
/// Engineers of the same skills and layer.
pub type ClassId = i64;
/// What a promise needs: lane, layer, language, clearance.
pub type KindId = i64;

/// A desk at one instant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snapshot {
    /// The instant.
    pub now: Minute,
    /// How it plans.
    pub rules: Rules,
    /// Who works here.
    pub engineers: Vec<Engineer>,
    /// Which classes can answer what.
    pub kinds: Vec<Kind>,
    /// Open promises with the ball on our side, reservations among them; a case that waits for its customer has none.
    pub promises: Vec<Promise>,
}

/// How a desk plans; minutes and hundredths.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Rules {
    /// How far ahead dates are given.
    pub horizon: i64,
    /// Width of a bucket of the far plan.
    pub bucket: i64,
    /// Length of a slice: how long somebody works before it is decided again.
    pub quantum: i64,
    /// By how much a promise's bound M may be stretched, once.
    pub stretch: i64,
    /// How many hundredths of a standard deviation of the work ahead are kept free.
    pub z_percent: i64,
    /// What part of the time severity 3 and 4 do not see when they ask for a date.
    pub low_reserve_percent: i64,
    /// What switches and overrun meetings add to planned work.
    pub overhead_percent: i64,
    /// What it costs when somebody takes over a case that another has begun.
    pub handover: i64,
    /// How long a reservation on a screen is good.
    pub reservation: i64,
}

impl Default for Rules {
    /// The figures of the simulation, with the larger guard.
    fn default() -> Rules {
        Rules {
            horizon: 6 * 7 * 24 * 60,
            bucket: 30,
            quantum: 20,
            stretch: 30,
            z_percent: 100,
            low_reserve_percent: 10,
            overhead_percent: 5,
            handover: 10,
            reservation: 10,
        }
    }
}

impl Rules {
    /// Minutes between the planned and the promised time: what one slice of somebody else, or one stretch, can cost.
    pub fn guard(&self) -> i64 {
        self.quantum.max(self.stretch)
    }

    /// The same for a promise; a date that was moved gets it twice, since nobody may be let down a second time.
    pub fn guard_of(&self, moves: u8) -> i64 {
        if moves > 0 { 2 * self.guard() } else { self.guard() }
    }

    /// By when it must be done so that it is sent by `promised`.
    pub fn internal(&self, promised: Minute, moves: u8) -> Minute {
        promised - self.guard_of(moves)
    }

    /// What work of so many minutes takes out of a calendar.
    pub fn planned(&self, mean: i64) -> i64 {
        (mean * (100 + self.overhead_percent) + 99) / 100
    }

    /// Minutes kept free for work whose variance is `variance`: z standard deviations, rounded up.
    pub fn reserve(&self, variance: i64) -> i64 {
        let scaled = self.z_percent.pow(2).saturating_mul(variance.max(0));
        (root(scaled) + 99) / 100
    }
}

/// The whole part of a square root; floating point only proposes it.
fn root(square: i64) -> i64 {
    let mut root = (square as f64).sqrt() as i64;
    while root.saturating_mul(root) > square {
        root -= 1;
    }
    while (root + 1).saturating_mul(root + 1) <= square {
        root += 1;
    }
    root
}

/// Somebody who works.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Engineer {
    /// Their number.
    pub id: EngineerId,
    /// What they can do.
    pub class: ClassId,
    /// When they are free for promised work: hours less leave, meetings and focus blocks; windows only, for layer 3.
    pub free: Vec<Interval>,
    /// Sick or gone until then.
    pub absent_until: Option<Minute>,
    /// The promise in hand.
    pub running: Option<PromiseId>,
    /// Bounds on how much of a stretch of time is for support (layer 3): see [`crate::wall`].
    pub allowances: Vec<Allowance>,
}

/// At most so many minutes of support within a day or a week.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Allowance {
    /// The day or the week; a day lies in one week or in none.
    pub within: Interval,
    /// What is left of it, after the work that was done and the loans that were taken.
    pub minutes: i64,
}

/// What a promise needs, and who has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kind {
    /// Its number.
    pub id: KindId,
    /// The classes that can answer it.
    pub classes: Vec<ClassId>,
}

/// Work still to be done, as far as one can know; minutes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Work {
    /// Expected minutes, cut off at the promise's bound.
    pub mean: i64,
    /// Variance of the minutes.
    pub variance: i64,
    /// Its own worst case: `min(q99, M − spent)`, reply and switch included.
    pub worst: i64,
}

/// A useful technical reply by a date.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Promise {
    /// Its number.
    pub id: PromiseId,
    /// What it needs.
    pub kind: KindId,
    /// 1 (worst) to 4.
    pub severity: u8,
    /// When it must be done: what was promised less the guard ([`Rules::internal`]).
    pub due: Minute,
    /// Who has begun it.
    pub owner: Option<EngineerId>,
    /// Where the last certified timetable had it. A promise that nobody has begun may move, but never at the price of
    /// being late: these seats are the witness that it need not be.
    pub seat: Option<EngineerId>,
    /// What is left to do.
    pub work: Work,
    /// Cannot go on before that: waits for a lab or upstream, or for a branch of a fan-out.
    pub not_before: Option<Minute>,
    /// A reservation: an offer that was not taken yet.
    pub tentative: bool,
    /// How often its date was moved.
    pub moves: u8,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roots_are_whole_and_exact() {
        for square in (0..2000).chain([999_999, 1_000_000, 3_037_000_499 * 3_037_000_499, i64::MAX - 1]) {
            assert_eq!(root(square), square.unsigned_abs().isqrt() as i64, "{square}");
        }
    }

    #[test]
    fn a_moved_date_has_twice_the_guard_and_the_guard_covers_slice_and_stretch() {
        let rules = Rules::default();
        assert_eq!(
            (rules.guard_of(0), rules.guard_of(1), rules.internal(1000, 2)),
            (30, 60, 940)
        );
        let deep = Rules { quantum: 45, ..rules };
        assert_eq!(deep.guard(), 45);
    }

    #[test]
    fn overhead_and_reserve_are_rounded_up() {
        let rules = Rules::default();
        assert_eq!([1, 20, 30].map(|mean| rules.planned(mean)), [2, 21, 32]);
        assert_eq!(
            [0, 1, 2, 900, 901].map(|variance| rules.reserve(variance)),
            [0, 1, 2, 30, 31]
        );
    }
}
