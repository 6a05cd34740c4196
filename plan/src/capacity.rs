//! The count behind admission, beside the timetable: does one more piece of work fit before a date?
//!
//! A group of engineers has so many open minutes until an instant; what is promised already takes so many of them. A new
//! piece of work fits by a date if neither that date nor any later one holds more work than the group has minutes. It
//! leaves out what a timetable knows: who takes which piece, and that one person cannot be in two places. So it can say
//! yes to what a timetable would refuse, and never refuses what fits. One thing of that it does know: a piece of work is
//! done by one person, however many are free.

use crate::calendar::Calendar;
use crate::walk::OpenSpans;
use jiff::{SignedDuration, Timestamp};
use std::iter::Peekable;

/// Work that is promised by an instant, in minutes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Booked {
    /// By when it is to be done.
    pub by: Timestamp,
    /// How much work.
    pub minutes: i64,
}

/// The first instant at which one more piece of work is done together with everything that is booked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Earliest {
    /// When it is done.
    pub at: Timestamp,
    /// Until when the group is taken by what goes before it; the begin of the count where nothing does.
    pub booked_until: Timestamp,
    /// The work that goes before it, in minutes.
    pub before_minutes: i64,
}

/// The open time of a group, counted forwards from an instant: how much there is until then, and when so much is reached. The
/// hours are walked through once, however often it is asked.
pub struct Hours<'a> {
    group: Vec<&'a Calendar>,
    now: Timestamp,
    people: Vec<Peekable<OpenSpans<'a>>>,
    /// Instants at which somebody begins or ends, in milliseconds, each with the open time until then; between two of them
    /// it grows evenly.
    points: Vec<(i64, i64)>,
}

impl<'a> Hours<'a> {
    /// Of these people, from `now` on.
    pub fn new(group: &[&'a Calendar], now: Timestamp) -> Hours<'a> {
        Hours {
            group: group.to_vec(),
            now,
            people: group.iter().map(|one| OpenSpans::new(one, now).peekable()).collect(),
            points: vec![(now.as_millisecond(), 0)],
        }
    }

    /// Walks on to the next instant at which somebody begins or ends; false if there is none, within the eleven years of a
    /// calendar.
    fn walk(&mut self) -> bool {
        let (at, open) = self.points[self.points.len() - 1];
        let (mut there, mut change) = (0, None::<i64>);
        for spans in &mut self.people {
            while spans.next_if(|span| span.1 <= at).is_some() {}
            let Some(&(begin, end)) = spans.peek() else { continue };
            let next = if begin <= at { end } else { begin };
            there += i64::from(begin <= at);
            change = Some(change.map_or(next, |change| change.min(next)));
        }
        let Some(next) = change else { return false };
        self.points.push((next, open + there * (next - at)));
        true
    }

    /// The open time until an instant, in milliseconds.
    fn until(&mut self, then: i64) -> i64 {
        while self.points[self.points.len() - 1].0 < then && self.walk() {}
        let after = self.points.partition_point(|point| point.0 < then);
        match (self.points[..after].last(), self.points.get(after)) {
            (None, _) => 0,
            (Some(before), None) => before.1,
            (Some(before), Some(next)) => before.1 + (next.1 - before.1) / (next.0 - before.0) * (then - before.0),
        }
    }

    /// When so much open time is reached; none if it never is.
    fn reach(&mut self, wanted: i64) -> Option<i64> {
        while self.points[self.points.len() - 1].1 < wanted {
            if !self.walk() {
                return None;
            }
        }
        let at = self.points.partition_point(|point| point.1 < wanted);
        let next = self.points[at];
        let Some(before) = at.checked_sub(1).map(|at| self.points[at]) else {
            return Some(next.0);
        };
        let people = (next.1 - before.1) / (next.0 - before.0);
        Some(before.0 + (wanted - before.1 + people - 1) / people)
    }

    /// When `minutes` of new work are done at the earliest by these people, who have `booked` before it; `booked` in order of
    /// time. None if they have not that many hours.
    ///
    /// It is the earliest for which every date from then on still holds: what is late already without the new work is not
    /// made later, since the new work goes behind it.
    pub fn earliest(&mut self, booked: &[Booked], minutes: i64) -> Option<Earliest> {
        let now = self.now.as_millisecond();
        let (mut sum, mut tight, mut before) = (0, now, 0);
        for one in booked {
            let by = one.by.as_millisecond();
            sum += one.minutes * MINUTE_MS;
            if self.until(by) - sum < minutes * MINUTE_MS {
                (tight, before) = (by.max(now), sum);
            }
        }
        let booked_until = self.reach(before)?;
        let together = self.reach(before + minutes * MINUTE_MS)?.max(tight);
        let work = SignedDuration::from_mins(minutes);
        let alone = self
            .group
            .iter()
            .filter_map(|one| one.due(self.now, work, &[]).ok())
            .min()?;
        let instant = |at: i64| Timestamp::from_millisecond(at).ok();
        Some(Earliest {
            at: instant(together.max(alone.as_millisecond()))?,
            booked_until: instant(booked_until.max(now))?,
            before_minutes: before / MINUTE_MS,
        })
    }
}

const MINUTE_MS: i64 = 60_000;

/// The next full step of minutes at or after an instant, as people name times.
pub fn rounded_up(at: Timestamp, step_minutes: i64) -> Timestamp {
    let step = step_minutes.max(1) * MINUTE_MS;
    let over = at.as_millisecond().rem_euclid(step);
    match over {
        0 => at,
        over => at + SignedDuration::from_millis(step - over),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn earliest(group: &[&Calendar], now: Timestamp, booked: &[Booked], minutes: i64) -> Option<Earliest> {
        Hours::new(group, now).earliest(booked, minutes)
    }

    fn office() -> Calendar {
        Calendar::from_text("UTC", "mon-fri 09:00-17:00").unwrap()
    }

    fn by(time: &str, minutes: i64) -> Booked {
        Booked { by: at(time), minutes }
    }

    #[test]
    fn work_goes_behind_what_is_booked_and_over_the_night() {
        let (one, now) = (office(), at("2026-11-24T15:00:00Z"));
        let free = earliest(&[&one], now, &[], 60).unwrap();
        assert_eq!((free.at, free.booked_until), (at("2026-11-24T16:00:00Z"), now));
        let taken = [by("2026-11-24T17:00:00Z", 90)];
        let behind = earliest(&[&one], now, &taken, 60).unwrap();
        // Ninety of the hundred and twenty minutes until five are promised: half an hour is left, the rest is tomorrow.
        assert_eq!(behind.at, at("2026-11-25T09:30:00Z"));
        assert_eq!(behind.booked_until, at("2026-11-24T16:30:00Z"));
        assert_eq!(behind.before_minutes, 90);
        // Two people have room for both, and each does one.
        assert_eq!(
            earliest(&[&one, &one], now, &taken, 60).unwrap().at,
            at("2026-11-24T16:00:00Z")
        );
        assert_eq!(earliest(&[], now, &[], 60), None);
    }

    #[test]
    fn what_is_promised_later_keeps_its_minutes() {
        let (one, now) = (office(), at("2026-11-24T15:00:00Z"));
        // The whole of tomorrow and this evening are needed for what is due tomorrow at five.
        let full = [by("2026-11-25T17:00:00Z", 600)];
        assert_eq!(
            earliest(&[&one], now, &full, 30).unwrap().at,
            at("2026-11-26T09:30:00Z")
        );
        let loose = [by("2026-11-25T17:00:00Z", 570)];
        assert_eq!(
            earliest(&[&one], now, &loose, 30).unwrap().at,
            at("2026-11-24T15:30:00Z")
        );
    }

    proptest! {
        #[test]
        fn an_earliest_time_fits_and_a_minute_before_it_does_not(
            points in proptest::collection::vec((0i64..4_000, 1i64..200), 0..12), minutes in 1i64..200, people in 1usize..4
        ) {
            let (one, now) = (office(), at("2026-11-24T10:00:00Z"));
            let mut booked: Vec<Booked> = points.iter().map(|(after, minutes)| Booked {
                by: now + SignedDuration::from_mins(*after), minutes: *minutes }).collect();
            booked.sort_by_key(|one| one.by);
            let group: Vec<&Calendar> = (0..people).map(|_| &one).collect();
            let found = earliest(&group, now, &booked, minutes).unwrap();
            // The oracle asks each date by itself.
            let open = |until: Timestamp| people as i128 * one.open_between(now, until).as_millis();
            let fits = |date: Timestamp| {
                let at_date = booked.iter().filter(|one| one.by <= date).map(|one| one.minutes).sum::<i64>();
                let holds = |until: Timestamp, sum: i64| open(until) >= i128::from((sum + minutes) * MINUTE_MS);
                let one_does_it = one.open_between(now, date).as_millis() >= i128::from(minutes * MINUTE_MS);
                one_does_it && holds(date, at_date) && booked.iter().filter(|one| one.by > date).all(|later| {
                    holds(later.by, booked.iter().filter(|one| one.by <= later.by).map(|one| one.minutes).sum())
                })
            };
            prop_assert!(fits(found.at));
            let before = found.at - SignedDuration::from_mins(1);
            prop_assert!(before < now || !fits(before));
        }
    }
}
