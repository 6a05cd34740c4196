//! Hours of a week as minutes of a calendar: zones and changes of the clock are resolved here, once, and never later.

use jiff::civil::Date;
use plan::interval::{Interval, Minute};
use plan::shift::{NEVER, Shift};
use plan::{Hours, Zone};

/// The hours of so many dates from a first one, in their zone.
pub fn of_hours(zone: &Zone, hours: &Hours, first: Date, days: u32) -> Vec<Interval> {
    let mut open = Vec::new();
    for date in first.series(jiff::Span::new().days(1)).take(days as usize) {
        let weekday = date.weekday().to_monday_zero_offset() as usize;
        let at = |minute: u16| instant(zone, date, i64::from(minute));
        let windows = hours.of(weekday).iter();
        open.extend(
            windows.filter_map(|window| Some(Interval::new(at(window.begin_minute())?, at(window.end_minute())?))),
        );
    }
    open
}

/// The instant at which a local day is so many minutes old; `None` beyond the years that anybody plans for.
pub fn instant(zone: &Zone, date: Date, minutes: i64) -> Option<Minute> {
    let local = date
        .at(0, 0, 0, 0)
        .checked_add(jiff::Span::new().try_minutes(minutes).ok()?)
        .ok()?;
    Some(zone.instant(local)?.as_second().div_euclid(60))
}

/// Open minutes from one instant to a later one.
pub fn between(open: &Shift, from: Minute, until: Minute) -> i64 {
    open.before(until) - open.before(from)
}

/// When so many open minutes have passed since an instant; [`NEVER`] where there are not so many.
pub fn after(open: &Shift, from: Minute, minutes: i64) -> Minute {
    open.reached(open.before(from) + minutes)
}

/// The interval that is open at an instant.
pub fn at(open: &[Interval], instant: Minute) -> Option<Interval> {
    let next = open.partition_point(|one| one.from <= instant);
    let last = open.get(next.checked_sub(1)?)?;
    (instant < last.to).then_some(*last)
}

/// An instant on the other side of which nothing is open.
pub fn is_never(instant: Minute) -> bool {
    instant == NEVER
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hours_are_those_of_their_zone_and_a_change_of_the_clock_is_kept() {
        let zone: Zone = "Europe/Berlin".parse().unwrap();
        let hours: Hours = "sat-sun 08:00-10:00".parse().unwrap();
        // On Sunday, 2026-03-29, the clock goes forward.
        let open = of_hours(&zone, &hours, Date::constant(2026, 3, 27), 4);
        let utc = Zone::fixed(0).unwrap();
        let hour = |day: i8, hour: i64| instant(&utc, Date::constant(2026, 3, day), hour * 60).unwrap();
        assert_eq!(
            open,
            [
                Interval::new(hour(28, 7), hour(28, 9)),
                Interval::new(hour(29, 6), hour(29, 8))
            ]
        );
    }

    #[test]
    fn an_interval_is_open_from_its_first_minute_and_not_at_its_end() {
        let open = [Interval::new(10, 20), Interval::new(30, 40)];
        assert_eq!(
            [9, 10, 19, 20, 35, 40].map(|time| at(&open, time).map(|one| one.from)),
            [None, Some(10), Some(10), None, Some(30), None]
        );
    }
}
