//! The working minutes of one engineer, counted: how many lie before a time, and when so many are reached.
//!
//! How many is a binary search over prefix sums; when so many are reached, which the gates ask millions of times, is a look
//! into a table that leads close to the interval. A shift begins at the plan's now and ends at its horizon, so a
//! load that it cannot hold has no end: [`NEVER`], an answer like any other.

use crate::interval::{Interval, Minute, clipped, tidy};

/// The time at which something happens that does not happen within the horizon.
pub const NEVER: Minute = Minute::MAX;

/// Sorted working intervals with the minutes before each.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Shift {
    intervals: Vec<Interval>,
    /// Minutes worked before each interval begins; one more entry than intervals.
    before: Vec<i64>,
    /// For each [`STEP`] of worked minutes the first interval by whose end so many and one more are worked.
    near: Vec<u32>,
}

/// Worked minutes from one entry of the table to the next: about an interval of a day.
const STEP: i64 = 128;

impl Shift {
    /// The minutes of `intervals` that lie inside of `window`.
    pub fn new(intervals: &[Interval], window: Interval) -> Shift {
        let intervals = clipped(&tidy(intervals), window);
        let mut before = Vec::with_capacity(intervals.len() + 1);
        let mut sum = 0;
        before.push(0);
        for one in &intervals {
            sum += one.minutes();
            before.push(sum);
        }
        let mut near = Vec::with_capacity((sum / STEP + 1) as usize);
        let mut at = 0;
        for step in 0..=sum / STEP {
            while at + 1 < intervals.len() && before[at + 1] <= step * STEP {
                at += 1;
            }
            near.push(at as u32);
        }
        Shift {
            intervals,
            before,
            near,
        }
    }

    /// Its intervals, in order.
    pub fn intervals(&self) -> &[Interval] {
        &self.intervals
    }

    /// All its minutes.
    pub fn total(&self) -> i64 {
        self.before.last().copied().unwrap_or(0)
    }

    /// F: minutes worked before `time`.
    pub fn before(&self, time: Minute) -> i64 {
        let at = self.intervals.partition_point(|one| one.to <= time);
        let here = self.intervals.get(at).map_or(0, |one| (time - one.from).max(0));
        self.before.get(at).copied().unwrap_or(0) + here
    }

    /// F⁻¹: the time at which `minutes` have been worked; [`NEVER`] when the shift holds fewer. Nothing to work is
    /// reached where the first minute begins.
    pub fn reached(&self, minutes: i64) -> Minute {
        if minutes <= 0 {
            return self.begins(0);
        }
        if minutes > self.total() {
            return NEVER;
        }
        // The first interval by whose end so many minutes are worked.
        let mut at = self.near[((minutes - 1) / STEP) as usize] as usize;
        while self.before[at + 1] < minutes {
            at += 1;
        }
        self.intervals[at].from + (minutes - self.before[at])
    }

    /// When the minute behind `minutes` worked ones begins; [`NEVER`] when there is none. Differs from
    /// [`reached`](Self::reached) at the end of an interval: there the next minute begins after the break.
    pub fn begins(&self, minutes: i64) -> Minute {
        if minutes >= self.total() {
            return NEVER;
        }
        let minutes = minutes.max(0);
        let at = self.before.partition_point(|&before| before <= minutes) - 1;
        self.intervals[at].from + (minutes - self.before[at])
    }

    /// The wall time of the worked minutes from number `from` to before number `to`, interval by interval.
    pub fn stretch(&self, from: i64, to: i64) -> impl Iterator<Item = Interval> {
        let first = self.before.partition_point(|&before| before <= from.max(0)).max(1) - 1;
        self.intervals[first.min(self.intervals.len())..]
            .iter()
            .zip(self.before[first..].iter())
            .take_while(move |&(_, &before)| before < to)
            .map(move |(one, &before)| {
                Interval::new(one.from + (from - before).max(0), one.to.min(one.from + (to - before)))
            })
            .filter(|part| part.minutes() > 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn shift(pairs: &[(i64, i64)]) -> Shift {
        let list: Vec<_> = pairs.iter().map(|&(from, to)| Interval::new(from, to)).collect();
        Shift::new(&list, Interval::new(0, 10_000))
    }

    #[test]
    fn minutes_are_counted_and_found_again_around_a_break() {
        let day = shift(&[(100, 160), (200, 240)]);
        assert_eq!(
            [90, 100, 130, 160, 180, 200, 239, 500].map(|time| day.before(time)),
            [0, 0, 30, 60, 60, 60, 99, 100]
        );
        assert_eq!(
            [0, 1, 60, 61, 100, 101].map(|minutes| day.reached(minutes)),
            [100, 101, 160, 201, 240, NEVER]
        );
        assert_eq!(
            [0, 59, 60, 99, 100].map(|minutes| day.begins(minutes)),
            [100, 159, 200, 239, NEVER]
        );
        let parts: Vec<_> = day.stretch(50, 70).collect();
        assert_eq!(parts, [Interval::new(150, 160), Interval::new(200, 210)]);
    }

    #[test]
    fn nobody_at_work_is_never_done() {
        let empty = shift(&[]);
        assert_eq!(
            (empty.total(), empty.before(5), empty.reached(0), empty.reached(1)),
            (0, 0, NEVER, NEVER)
        );
        assert_eq!(empty.stretch(0, 10).count(), 0);
    }

    proptest! {
        #[test]
        fn finding_and_counting_are_inverse(
            pairs in proptest::collection::vec((0i64..2000, 1i64..90), 0..20),
            minutes in 1i64..1500,
            cut in 0i64..1500,
        ) {
            let list: Vec<_> = pairs.iter().map(|&(from, long)| Interval::new(from, from + long)).collect();
            let shift = Shift::new(&list, Interval::new(100, 1900));
            let reached = shift.reached(minutes);
            if reached == NEVER {
                prop_assert!(minutes > shift.total());
            } else {
                prop_assert_eq!(shift.before(reached), minutes);
                prop_assert_eq!(shift.before(reached - 1), minutes - 1);
                prop_assert!(shift.begins(minutes) >= reached);
                prop_assert_eq!(shift.stretch(cut.min(minutes), minutes).map(|part| part.minutes()).sum::<i64>(), minutes - cut.min(minutes));
            }
        }
    }
}
