//! The walk over open time: the windows of a calendar as instants, in order, each second counted once.
//!
//! Asking the zone database for every window would cost most of the time of a due date, and nearly all days are plain:
//! far from any change of offset an instant is one subtraction. So the walk keeps the steady stretch it is in and asks
//! the database only near its ends. Instants are whole milliseconds since the epoch, days are counted from 1970-01-01.
//!
//! A table of every day's open time would answer faster still, but it has to be built, kept and thrown away with each
//! change of a calendar; leaping over whole weeks (see [`OpenSpans::leap`]) with the special days added up keeps a target
//! of a year cheap without one.

use crate::calendar::Calendar;
use crate::hours::Window;
use crate::zone::Zone;
use jiff::civil::Date;
use jiff::{Span, Timestamp};

const MINUTE_MS: i64 = 60_000;
pub(crate) const DAY_MS: i64 = 86_400_000;
const WEEK_MS: i64 = 7 * DAY_MS;
/// Distance from a change of offset beyond which local time is plain: no offset and no change exceeds 26 hours.
const MARGIN_MS: i64 = 2 * DAY_MS;
/// Dates looked at before an answer is given up: eleven years.
pub(crate) const DAYS: i64 = 4_000;
/// Dates whose windows are put in order together near a change of offset.
const BATCH_DAYS: i64 = 8;

/// Days since 1970-01-01.
pub(crate) fn day_number(date: Date) -> i64 {
    date.duration_since(Date::constant(1970, 1, 1)).as_hours() / 24
}

fn date_of(day: i64) -> Option<Date> {
    Date::constant(1970, 1, 1)
        .checked_add(Span::new().try_days(day).ok()?)
        .ok()
}

/// 0 for Monday; 1970-01-01 was a Thursday.
pub(crate) fn weekday_of(day: i64) -> usize {
    (day + 3).rem_euclid(7) as usize
}

/// A stretch of a zone without a change of offset; milliseconds.
#[derive(Clone, Copy)]
struct Steady {
    from: i64,
    until: i64,
    offset: i64,
}

impl Steady {
    fn around(zone: &Zone, at: Timestamp) -> Steady {
        let zone = zone.jiff();
        // `preceding` is strict: a change at `at` itself must count as the begin of the stretch.
        let just_after = at.checked_add(jiff::SignedDuration::from_nanos(1)).unwrap_or(at);
        let from = zone
            .preceding(just_after)
            .next()
            .map_or(i64::MIN / 4, |change| change.timestamp().as_millisecond());
        let until = zone
            .following(at)
            .next()
            .map_or(i64::MAX / 4, |change| change.timestamp().as_millisecond());
        Steady {
            from,
            until,
            offset: i64::from(zone.to_offset(at).seconds()) * 1_000,
        }
    }
}

/// Local dates and minutes as instants.
pub(crate) struct Wall<'a> {
    zone: &'a Zone,
    steady: Option<Steady>,
}

impl<'a> Wall<'a> {
    pub(crate) fn new(zone: &'a Zone) -> Wall<'a> {
        Wall { zone, steady: None }
    }

    /// The steady stretch that holds this local day and its neighbours, if one does.
    fn steady(&mut self, day: i64) -> Option<Steady> {
        let noon = day * DAY_MS + DAY_MS / 2;
        let known = self
            .steady
            .filter(|steady| (steady.from..steady.until).contains(&(noon - steady.offset)));
        let steady = match known {
            Some(steady) => steady,
            None => *self
                .steady
                .insert(Steady::around(self.zone, Timestamp::from_millisecond(noon).ok()?)),
        };
        (steady.from + MARGIN_MS <= noon && noon <= steady.until - MARGIN_MS).then_some(steady)
    }

    /// A minute of a local day by the zone database; the minute may lie on the next day.
    fn asked(&self, day: i64, minute: i64) -> Option<i64> {
        let date = date_of(day + minute / 1440)?;
        let minute = minute % 1440;
        let local = date.at((minute / 60) as i8, (minute % 60) as i8, 0, 0);
        Some(self.zone.instant(local)?.as_millisecond())
    }

    /// A zone may skip a date (Samoa had no 30 December 2011): then its midnight is read as one of another date.
    fn exists(&self, day: i64) -> bool {
        self.asked(day, 0)
            .and_then(|at| Timestamp::from_millisecond(at).ok())
            .is_some_and(|at| Some(self.zone.local(at).date()) == date_of(day))
    }

    /// Appends the windows of a day as instants and says whether the day is plain (their order is then the clock's).
    pub(crate) fn spans(&mut self, day: i64, windows: &[Window], spans: &mut Vec<(i64, i64)>) -> bool {
        let minutes = windows
            .iter()
            .map(|window| (i64::from(window.begin_minute()), i64::from(window.end_minute())));
        if let Some(steady) = self.steady(day) {
            let midnight = day * DAY_MS - steady.offset;
            spans.extend(minutes.map(|(begin, end)| (midnight + begin * MINUTE_MS, midnight + end * MINUTE_MS)));
            return true;
        }
        if !windows.is_empty() && self.exists(day) {
            let asked = minutes.filter_map(|(begin, end)| Some((self.asked(day, begin)?, self.asked(day, end)?)));
            // Around a gap the offset before it may read a begin after its end: such a window has no time.
            spans.extend(asked.filter(|(begin, end)| begin < end));
        }
        false
    }
}

/// Open time from shortly before an instant on, in order, without overlaps, for eleven years.
pub(crate) struct OpenSpans<'a> {
    calendar: &'a Calendar,
    wall: Wall<'a>,
    day: i64,
    last: i64,
    /// Plain days without a holiday or exception that lie directly behind.
    quiet: i64,
    /// Plain days that lie directly behind, holidays and exceptions among them.
    steady_days: i64,
    ready: Vec<(i64, i64)>,
    given: usize,
    covered: i64,
}

impl<'a> OpenSpans<'a> {
    pub(crate) fn new(calendar: &'a Calendar, from: Timestamp) -> OpenSpans<'a> {
        // A window of yesterday may still be open, and one of the day before where a gap moves its end.
        let day = day_number(calendar.zone().local(from).date()) - 2;
        OpenSpans {
            calendar,
            wall: Wall::new(calendar.zone()),
            day,
            last: day + DAYS,
            quiet: 0,
            steady_days: 0,
            ready: Vec::new(),
            given: 0,
            covered: i64::MIN,
        }
    }

    fn fill(&mut self) {
        self.ready.clear();
        self.given = 0;
        for _ in 0..BATCH_DAYS {
            if self.day >= self.last {
                break;
            }
            let (windows, special) = self.calendar.windows(self.day);
            let plain = self.wall.spans(self.day, windows, &mut self.ready);
            self.quiet = if plain && !special { self.quiet + 1 } else { 0 };
            self.steady_days = if plain { self.steady_days + 1 } else { 0 };
            self.day += 1;
            // Windows of the days behind begin before those of a plain day end, and of no later day.
            if plain {
                break;
            }
        }
        if self.ready.len() > 1 {
            self.ready.sort_unstable();
        }
    }

    /// Passes whole weeks that hold less than `left` milliseconds of open time in all; returns the open time passed. Only to
    /// be asked when nothing before the end of these weeks is to be taken out.
    pub(crate) fn leap(&mut self, left: i64) -> i64 {
        if self.given < self.ready.len() {
            return 0;
        }
        // After three plain days the receipt lies behind, and no window of a shifted day is still open.
        let by_sums = self.steady_days >= 3 && self.calendar.weeks_ms(self.day, 0).is_some();
        if !by_sums && self.quiet < 3 {
            return 0;
        }
        let Some(steady) = self.wall.steady(self.day) else {
            return 0;
        };
        let until_change = (steady.until - MARGIN_MS - self.day * DAY_MS - DAY_MS) / WEEK_MS;
        let most = until_change.min((self.last - self.day) / 7).max(0);
        let (weeks, open) = match by_sums {
            true => self.weeks_by_sums(most, left),
            false => self.plain_weeks(most, left),
        };
        self.day += weeks * 7;
        self.covered = self.covered.saturating_add(weeks * WEEK_MS);
        open
    }

    /// Of at most so many weeks as many as hold less than `left`, and what they hold: special days are added up.
    fn weeks_by_sums(&self, most: i64, left: i64) -> (i64, i64) {
        let open = |weeks| self.calendar.weeks_ms(self.day, weeks).unwrap_or(i64::MAX);
        let (mut least, mut beyond) = (0, most + 1);
        while beyond - least > 1 {
            let middle = least + (beyond - least) / 2;
            match open(middle) < left {
                true => least = middle,
                false => beyond = middle,
            }
        }
        (least, if least > 0 { open(least) } else { 0 })
    }

    /// The same up to the next special day: where windows cross midnight, a special day is walked.
    fn plain_weeks(&self, most: i64, left: i64) -> (i64, i64) {
        let week = self.calendar.week_ms();
        let enough = if week > 0 { (left - 1) / week } else { i64::MAX };
        let until_special = self
            .calendar
            .next_special(self.day)
            .map_or(i64::MAX, |special| (special - self.day) / 7);
        let weeks = most.min(enough).min(until_special).max(0);
        (weeks, weeks * week)
    }
}

impl Iterator for OpenSpans<'_> {
    type Item = (i64, i64);

    fn next(&mut self) -> Option<(i64, i64)> {
        loop {
            while let Some(&(begin, end)) = self.ready.get(self.given) {
                self.given += 1;
                let begin = begin.max(self.covered);
                if begin < end {
                    self.covered = end;
                    return Some((begin, end));
                }
            }
            if self.day >= self.last {
                return None;
            }
            self.fill();
        }
    }
}
