//! Half-open stretches of minutes, and the few things that are done with lists of them.
//!
//! The schedule counts in whole minutes since 1970-01-01 00:00 UTC. Zones, daylight saving and leave are resolved before:
//! in here a minute is a minute. Nothing in this file can fail; what is empty or turned round is dropped.

use serde::{Deserialize, Serialize};

/// Minutes since 1970-01-01 00:00 UTC.
pub type Minute = i64;

/// From the first minute to before the last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Interval {
    /// First minute inside.
    pub from: Minute,
    /// First minute behind it.
    pub to: Minute,
}

impl Interval {
    /// From and to; nothing is checked, an interval that ends before it begins holds no minute.
    pub fn new(from: Minute, to: Minute) -> Interval {
        Interval { from, to }
    }

    /// How many minutes it holds.
    pub fn minutes(self) -> i64 {
        self.to.saturating_sub(self.from).max(0)
    }

    /// What both hold; possibly nothing.
    pub fn within(self, other: Interval) -> Interval {
        Interval::new(self.from.max(other.from), self.to.min(other.to))
    }
}

/// The same minutes, in order, without overlaps, touching neighbours joined.
pub fn tidy(intervals: &[Interval]) -> Vec<Interval> {
    let mut sorted: Vec<Interval> = intervals.iter().copied().filter(|one| one.minutes() > 0).collect();
    sorted.sort_unstable();
    let mut joined: Vec<Interval> = Vec::with_capacity(sorted.len());
    for one in sorted {
        match joined.last_mut() {
            Some(last) if one.from <= last.to => last.to = last.to.max(one.to),
            _ => joined.push(one),
        }
    }
    joined
}

/// What is left of `intervals` inside of `window`; tidy if they were.
pub fn clipped(intervals: &[Interval], window: Interval) -> Vec<Interval> {
    let parts = intervals.iter().map(|one| one.within(window));
    parts.filter(|one| one.minutes() > 0).collect()
}

/// What is left of `intervals` when the minutes of `holes` are taken out (leave, meetings, focus blocks).
pub fn without(intervals: &[Interval], holes: &[Interval]) -> Vec<Interval> {
    let holes = tidy(holes);
    let mut left = Vec::new();
    for one in tidy(intervals) {
        let mut from = one.from;
        for hole in holes.iter().filter(|hole| hole.to > one.from && hole.from < one.to) {
            if hole.from > from {
                left.push(Interval::new(from, hole.from));
            }
            from = from.max(hole.to);
        }
        if from < one.to {
            left.push(Interval::new(from, one.to));
        }
    }
    left
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(pairs: &[(i64, i64)]) -> Vec<Interval> {
        pairs.iter().map(|&(from, to)| Interval::new(from, to)).collect()
    }

    #[test]
    fn overlapping_touching_empty_and_turned_intervals_become_a_tidy_list() {
        let wild = list(&[(50, 60), (10, 20), (20, 30), (15, 18), (40, 40), (90, 70)]);
        assert_eq!(tidy(&wild), list(&[(10, 30), (50, 60)]));
    }

    #[test]
    fn meetings_are_taken_out_of_hours_wherever_they_lie() {
        let hours = list(&[(0, 100), (200, 300)]);
        let meetings = list(&[(-10, 10), (20, 30), (25, 40), (90, 210), (295, 400), (150, 160)]);
        assert_eq!(without(&hours, &meetings), list(&[(10, 20), (40, 90), (210, 295)]));
        assert_eq!(without(&hours, &[]), hours);
        assert_eq!(without(&[], &meetings), []);
    }

    #[test]
    fn what_lies_outside_a_window_is_cut_off() {
        assert_eq!(
            clipped(&list(&[(0, 10), (20, 30)]), Interval::new(5, 25)),
            list(&[(5, 10), (20, 25)])
        );
    }
}
