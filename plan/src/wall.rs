//! The wall around layer 3: product engineers give support a bounded part of their day.
//!
//! Fixed windows need nothing here, they are the engineer's free intervals. A floating cap (90 minutes of any day, so many
//! of a week) becomes intervals: the first free minutes of each day until the day's or its week's allowance is used. For
//! work that can begin now this loses nothing, since the earliest minutes meet every due time that later ones would; as
//! the day goes on unused, a new snapshot finds the allowance again behind its now. An interrupt outside is a loan: it is
//! booked against the allowances that follow.

use crate::interval::{Interval, clipped, tidy};
use crate::snapshot::Allowance;

/// The minutes of `free` inside of `window` that the allowances let through; all, where there are none. Minutes that lie
/// in no allowance of a list that is not empty are let through as well: a wall stands where it was built.
pub fn allowed(free: &[Interval], allowances: &[Allowance], window: Interval) -> Vec<Interval> {
    let free = clipped(&tidy(free), window);
    if allowances.is_empty() {
        return free;
    }
    let mut left: Vec<i64> = allowances.iter().map(|one| one.minutes.max(0)).collect();
    let mut through = Vec::new();
    for one in cut_at_bounds(&free, allowances) {
        let over: Vec<usize> = (0..allowances.len())
            .filter(|&at| allowances[at].within.within(one).minutes() > 0)
            .collect();
        let room = over.iter().map(|&at| left[at]).min().unwrap_or(i64::MAX);
        let taken = one.minutes().min(room);
        over.iter().for_each(|&at| left[at] -= taken);
        through.push(Interval::new(one.from, one.from + taken));
    }
    tidy(&through)
}

/// The same minutes, no interval across the bound of an allowance.
fn cut_at_bounds(free: &[Interval], allowances: &[Allowance]) -> Vec<Interval> {
    let mut bounds: Vec<i64> = allowances
        .iter()
        .flat_map(|one| [one.within.from, one.within.to])
        .collect();
    bounds.sort_unstable();
    bounds.dedup();
    let mut pieces = Vec::new();
    for one in free {
        let mut from = one.from;
        let first = bounds.partition_point(|&bound| bound <= one.from);
        for &bound in bounds[first..].iter().take_while(|&&bound| bound < one.to) {
            pieces.push(Interval::new(from, bound));
            from = bound;
        }
        pieces.push(Interval::new(from, one.to));
    }
    pieces
}

/// Books work outside of the wall: `minutes` taken from the allowances that end after `now`, the earliest first. Gives
/// what could not be booked: a debt that someone must see.
pub fn lend(allowances: &mut [Allowance], now: i64, minutes: i64) -> i64 {
    let mut owed = minutes.max(0);
    // The shorter of two that end alike is the day; its week must pay as well.
    allowances.sort_by_key(|one| (one.within.to, one.within.minutes()));
    let within: Vec<Interval> = allowances.iter().map(|one| one.within).collect();
    for at in 0..allowances.len() {
        let day = within[at];
        let is_inner = within.iter().all(|other| *other == day || !encloses(day, *other));
        if day.to <= now || !is_inner {
            continue;
        }
        let around: Vec<usize> = (0..within.len())
            .filter(|&other| other == at || encloses(within[other], day))
            .collect();
        let room = around
            .iter()
            .map(|&other| allowances[other].minutes.max(0))
            .min()
            .unwrap_or(0);
        let taken = room.min(owed);
        around.iter().for_each(|&other| allowances[other].minutes -= taken);
        owed -= taken;
    }
    owed
}

fn encloses(outer: Interval, inner: Interval) -> bool {
    outer != inner && outer.from <= inner.from && outer.to >= inner.to
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: i64 = 24 * 60;

    fn office(days: i64) -> Vec<Interval> {
        (0..days)
            .map(|day| Interval::new(day * DAY + 540, day * DAY + 1020))
            .collect()
    }

    fn day(number: i64, minutes: i64) -> Allowance {
        let within = Interval::new(number * DAY, (number + 1) * DAY);
        Allowance { within, minutes }
    }

    fn total(list: &[Interval]) -> i64 {
        list.iter().map(|one| one.minutes()).sum()
    }

    #[test]
    fn a_floating_cap_lets_through_the_first_minutes_of_each_day() {
        let caps: Vec<_> = (0..5).map(|number| day(number, 90)).collect();
        let through = allowed(&office(5), &caps, Interval::new(600, 5 * DAY));
        assert_eq!(through[0], Interval::new(600, 690), "today it counts from now");
        assert_eq!(through[1], Interval::new(DAY + 540, DAY + 630));
        assert_eq!(total(&through), 450);
    }

    #[test]
    fn a_week_bounds_its_days() {
        let mut caps: Vec<_> = (0..5).map(|number| day(number, 90)).collect();
        let within = Interval::new(0, 7 * DAY);
        caps.push(Allowance { within, minutes: 200 });
        let through = allowed(&office(5), &caps, Interval::new(0, 5 * DAY));
        let by_day: Vec<i64> = (0..5)
            .map(|number| total(&clipped(&through, day(number, 0).within)))
            .collect();
        assert_eq!(by_day, [90, 90, 20, 0, 0]);
    }

    #[test]
    fn an_interrupt_is_booked_against_the_days_that_follow() {
        let mut caps: Vec<_> = (0..3).map(|number| day(number, 90)).collect();
        let within = Interval::new(0, 7 * DAY);
        caps.push(Allowance { within, minutes: 200 });
        assert_eq!(lend(&mut caps, DAY + 5, 100), 0);
        assert_eq!(caps.iter().map(|one| one.minutes).collect::<Vec<_>>(), [90, 0, 80, 100]);
        assert_eq!(lend(&mut caps, DAY + 5, 100), 20, "what no day can pay stays owed");
    }
}
