//! When a desk or a customer is open, and when a target in open hours falls due.
//!
//! The rules, exact over changes of offset, leap days and dates that a zone skips:
//! a window belongs to the local date on which it begins, so a holiday removes the windows that begin on it, and an
//! exception replaces them, also on a holiday; a local time inside a gap is read with the offset before it, one that
//! occurs twice means the first; time in two windows is open once; due is the first instant at which the open time since
//! receipt, less the pauses, equals the target, so a target that ends with a window is due at its end.
//!
//! Instants are handled in whole milliseconds (what the store keeps); anything finer is cut. Nothing here loops without a
//! bound: after [eleven years](NoHours) the answer is that there are no hours.

use crate::hours::{Hours, WINDOWS_A_DAY, Window, too_many};
use crate::interval::{self, Interval};
use crate::target::Target;
use crate::walk::{DAYS, OpenSpans, Wall, day_number, weekday_of};
use crate::zone::Zone;
use crate::{Mistake, hours};
use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;

/// Holidays and exceptions that one calendar takes: two centuries of twenty a year.
const SPECIAL_DATES: usize = 4_000;

/// The calendar does not hold that much open time in the eleven years after the receipt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the calendar has too few hours in the next eleven years")]
pub struct NoHours;

/// Working hours in a zone, with holidays and exceptions.
///
/// In JSON: `{"zone":"Europe/Berlin","hours":{"mon":["09:00-17:00"]},"holidays":["2026-12-25"],"exceptions":{"2026-12-24":["09:00-12:00"]}}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Form", into = "Form")]
pub struct Calendar {
    zone: Zone,
    hours: Hours,
    /// Days on which the week does not hold, ascending: holidays (no windows) and exceptions.
    special: Vec<(i64, Special)>,
    week_ms: i64,
    /// By how much the first n special days are open longer than their weekdays, milliseconds; empty where a window crosses
    /// midnight: then days cannot be added up one by one.
    longer_ms: Vec<i64>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Special {
    date: Date,
    holiday: bool,
    instead: Option<Vec<Window>>,
}

impl Calendar {
    /// A calendar without holidays and exceptions.
    pub fn new(zone: Zone, hours: Hours) -> Calendar {
        let week_ms = hours.open_minutes() * 60_000;
        let calendar = Calendar {
            zone,
            hours,
            special: Vec::new(),
            week_ms,
            longer_ms: Vec::new(),
        };
        calendar.added_up()
    }

    /// The calendar with its special days added up.
    fn added_up(mut self) -> Calendar {
        let crosses = |windows: &[Window]| windows.iter().any(|window| window.end_minute() > hours::DAY);
        let special = self
            .special
            .iter()
            .filter_map(|(_, special)| special.instead.as_deref());
        self.longer_ms = if (0..7).map(|day| self.hours.of(day)).chain(special).any(crosses) {
            Vec::new()
        } else {
            let mut sum = 0;
            let longer = self.special.iter().map(|(day, _)| {
                let usual = hours::minutes_of_day(self.hours.of(weekday_of(*day)));
                sum += (hours::minutes_of_day(self.windows(*day).0) - usual) * 60_000;
                sum
            });
            std::iter::once(0).chain(longer.collect::<Vec<_>>()).collect()
        };
        self
    }

    /// A calendar from a zone and hours as people write them, such as `mon-fri 09:00-17:00`.
    pub fn from_text(zone: &str, hours: &str) -> Result<Calendar, Mistake> {
        Ok(Calendar::new(zone.parse()?, hours.parse()?))
    }

    /// Adds holidays: no window begins on them.
    pub fn with_holidays(mut self, dates: impl IntoIterator<Item = Date>) -> Result<Calendar, Mistake> {
        for date in dates {
            self.special_mut(date)?.holiday = true;
        }
        Ok(self.added_up())
    }

    /// Adds exceptions: these windows replace those of the date, also on a holiday; none means closed.
    pub fn with_exceptions(
        mut self,
        dates: impl IntoIterator<Item = (Date, Vec<Window>)>,
    ) -> Result<Calendar, Mistake> {
        for (date, mut windows) in dates {
            too_many("windows a day", windows.len(), WINDOWS_A_DAY)?;
            windows.sort_unstable();
            self.special_mut(date)?.instead = Some(windows);
        }
        Ok(self.added_up())
    }

    fn special_mut(&mut self, date: Date) -> Result<&mut Special, Mistake> {
        let day = day_number(date);
        let place = match self.special.binary_search_by_key(&day, |special| special.0) {
            Ok(place) => place,
            Err(place) => {
                too_many("holidays and exceptions", self.special.len() + 1, SPECIAL_DATES)?;
                self.special.insert(
                    place,
                    (
                        day,
                        Special {
                            date,
                            holiday: false,
                            instead: None,
                        },
                    ),
                );
                place
            }
        };
        Ok(&mut self.special[place].1)
    }

    /// The zone in which its hours are written.
    pub fn zone(&self) -> &Zone {
        &self.zone
    }

    /// The hours of a plain week.
    pub fn hours(&self) -> &Hours {
        &self.hours
    }

    /// Dates that are a holiday or have hours of their own.
    pub fn special_dates(&self) -> usize {
        self.special.len()
    }

    /// The same hours, read on the clocks of another zone: where hours local to the customer are agreed.
    pub fn in_zone(mut self, zone: Zone) -> Calendar {
        self.zone = zone;
        self
    }

    /// Due of a target from `from` on, in open time or in business days.
    pub fn due_of(&self, from: Timestamp, target: Target) -> Result<Timestamp, NoHours> {
        match target {
            Target::OpenMinutes(minutes) => self.due(from, SignedDuration::from_mins(i64::from(minutes)), &[]),
            Target::BusinessDays(days) => self.closing_of_business_day(from, days),
        }
    }

    /// Dates between two instants, both local dates included, on which the week has hours and a holiday or exception takes
    /// them all: what a person asks about who counts the days. At most `most`.
    pub fn closed_between(&self, from: Timestamp, until: Timestamp, most: usize) -> Vec<Date> {
        let day = |at| day_number(self.zone.local(at).date());
        let (first, last) = (day(from), day(until));
        let place = self.special.partition_point(|special| special.0 < first);
        let near = self.special[place..].iter().take_while(|special| special.0 <= last);
        let usual = |day| !self.hours.of(weekday_of(day)).is_empty();
        near.filter(|(day, _)| usual(*day) && self.windows(*day).0.is_empty())
            .map(|(_, special)| special.date)
            .take(most)
            .collect()
    }

    /// The first instant at which the open time since `from`, less `pauses`, equals `target`. Pauses may come in any
    /// order and may overlap; one that ends before it begins is none. A target of nothing is due at once.
    pub fn due(
        &self,
        from: Timestamp,
        target: SignedDuration,
        pauses: &[(Timestamp, Timestamp)],
    ) -> Result<Timestamp, NoHours> {
        let start = from.as_millisecond();
        let mut left = i64::try_from(target.as_millis()).map_err(|_| NoHours)?;
        if left <= 0 {
            return Ok(from);
        }
        let pauses = ordered(pauses);
        let mut coming = pauses.as_slice();
        let mut spans = OpenSpans::new(self, from);
        loop {
            if coming.is_empty() {
                left -= spans.leap(left);
            }
            let (begin, end) = spans.next().ok_or(NoHours)?;
            let mut at = begin.max(start);
            while at < end {
                let pause = coming.first().filter(|pause| pause.0 < end).copied();
                let until = pause.map_or(end, |pause| pause.0);
                let open = (until - at).max(0);
                if open >= left {
                    return Timestamp::from_millisecond(at + left).map_err(|_| NoHours);
                }
                left -= open;
                let Some((_, over)) = pause else { break };
                at = at.max(over);
                // A pause that outlasts this window may reach into the next one.
                if over <= end {
                    coming = &coming[1..];
                }
            }
        }
    }

    /// Open time between two instants; nothing if `until` is not after `from`. Counted for eleven years at most.
    pub fn open_between(&self, from: Timestamp, until: Timestamp) -> SignedDuration {
        let (start, stop) = (from.as_millisecond(), until.as_millisecond());
        let open = OpenSpans::new(self, from)
            .take_while(|&(begin, _)| begin < stop)
            .map(|(begin, end)| (end.min(stop) - begin.max(start)).max(0))
            .sum();
        SignedDuration::from_millis(open)
    }

    /// Open time between two minutes (since 1970, UTC), as the schedule counts it: in order, touching windows joined. A
    /// minute that is not open from its first second to its last is none.
    pub fn open_minutes(&self, window: Interval) -> Vec<Interval> {
        let Ok(from) = Timestamp::from_second(window.from.saturating_mul(60)) else {
            return Vec::new();
        };
        let spans = OpenSpans::new(self, from)
            .map(|(begin, end)| Interval::new((begin + 59_999).div_euclid(60_000), end.div_euclid(60_000)))
            .take_while(|one| one.from < window.to);
        interval::tidy(&interval::clipped(&spans.collect::<Vec<_>>(), window))
    }

    /// Whether a window is open; the end of a window is not in it.
    pub fn is_open(&self, at: Timestamp) -> bool {
        self.next_open(at) == Ok(at)
    }

    /// The instant itself if a window is open then, else the begin of the next.
    pub fn next_open(&self, at: Timestamp) -> Result<Timestamp, NoHours> {
        let start = at.as_millisecond();
        let (begin, _) = OpenSpans::new(self, at).find(|&(_, end)| end > start).ok_or(NoHours)?;
        if begin <= start {
            Ok(at)
        } else {
            Timestamp::from_millisecond(begin).map_err(|_| NoHours)
        }
    }

    /// When the window that is open at `at` ends; none if it is closed then. Windows that touch are one.
    pub fn closes_at(&self, at: Timestamp) -> Option<Timestamp> {
        let start = at.as_millisecond();
        let mut closes: Option<i64> = None;
        // A week of windows that all touch is open round the clock: its end is as good as any.
        for (begin, end) in OpenSpans::new(self, at).take(WINDOWS_A_DAY * 7) {
            match closes {
                None if begin <= start && start < end => closes = Some(end),
                Some(edge) if begin <= edge => closes = Some(edge.max(end)),
                None if begin <= start => {}
                _ => break,
            }
        }
        closes.and_then(|edge| Timestamp::from_millisecond(edge).ok())
    }

    /// `days` business days after `from`: the close of the n-th day with hours after the day of receipt. Mail after close
    /// counts as received at the next opening; 0 is the close of the day of receipt itself.
    pub fn closing_of_business_day(&self, from: Timestamp, days: u32) -> Result<Timestamp, NoHours> {
        let start = from.as_millisecond();
        let mut wall = Wall::new(&self.zone);
        let first = day_number(self.zone.local(from).date()) - 2;
        let mut to_pass = u64::from(days);
        let mut received = false;
        let mut spans = Vec::new();
        for day in first..first + DAYS {
            spans.clear();
            wall.spans(day, self.windows(day).0, &mut spans);
            let Some(close) = spans.iter().map(|span| span.1).max() else {
                continue;
            };
            // The day of receipt is the first with a window that closes after it: a window over midnight is still of
            // the day on which it began.
            if !received && close <= start {
                continue;
            }
            if received {
                to_pass -= 1;
            }
            received = true;
            if to_pass == 0 {
                return Timestamp::from_millisecond(close).map_err(|_| NoHours);
            }
        }
        Err(NoHours)
    }

    /// Windows that begin on a day, and whether a holiday or exception makes them.
    pub(crate) fn windows(&self, day: i64) -> (&[Window], bool) {
        match self.special.binary_search_by_key(&day, |special| special.0) {
            Ok(place) => match &self.special[place].1 {
                Special {
                    instead: Some(windows), ..
                } => (windows, true),
                Special { holiday: true, .. } => (&[], true),
                Special { .. } => (self.hours.of(weekday_of(day)), false),
            },
            Err(_) => (self.hours.of(weekday_of(day)), false),
        }
    }

    /// The first day with a holiday or exception from `day` on.
    pub(crate) fn next_special(&self, day: i64) -> Option<i64> {
        let place = self.special.partition_point(|special| special.0 < day);
        self.special.get(place).map(|special| special.0)
    }

    /// Open milliseconds of whole weeks from `day` on, special days included; none where windows cross midnight.
    pub(crate) fn weeks_ms(&self, day: i64, weeks: i64) -> Option<i64> {
        let sum_before = |day| {
            let place = self.special.partition_point(|special| special.0 < day);
            self.longer_ms.get(place).copied()
        };
        Some(weeks * self.week_ms + sum_before(day + weeks * 7)? - sum_before(day)?)
    }

    /// Open milliseconds of a plain week.
    pub(crate) fn week_ms(&self) -> i64 {
        self.week_ms
    }
}

/// Pauses in order and apart, milliseconds.
fn ordered(pauses: &[(Timestamp, Timestamp)]) -> Vec<(i64, i64)> {
    let mut pauses: Vec<_> = pauses
        .iter()
        .map(|(begin, end)| (begin.as_millisecond(), end.as_millisecond()))
        .collect();
    pauses.retain(|(begin, end)| begin < end);
    pauses.sort_unstable();
    pauses.dedup_by(|next, kept| {
        let joined = next.0 <= kept.1;
        if joined {
            kept.1 = kept.1.max(next.1);
        }
        joined
    });
    pauses
}

impl fmt::Display for Calendar {
    /// The hours of the week, as they are written.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.hours.fmt(f)
    }
}

/// How a calendar is written in JSON.
#[derive(Serialize, Deserialize)]
struct Form {
    zone: Zone,
    hours: BTreeMap<String, Vec<Window>>,
    #[serde(default)]
    holidays: Vec<String>,
    #[serde(default)]
    exceptions: BTreeMap<String, Vec<Window>>,
}

impl TryFrom<Form> for Calendar {
    type Error = Mistake;

    fn try_from(form: Form) -> Result<Calendar, Mistake> {
        let mut week: [Vec<Window>; 7] = Default::default();
        for (name, windows) in form.hours {
            let day = hours::weekday(&name).ok_or(Mistake::Weekday(name))?;
            if !week[day].is_empty() {
                return Err(Mistake::Twice(hours::WEEKDAYS[day]));
            }
            week[day] = windows;
        }
        let date = |text: &String| {
            text.parse::<Date>()
                .map_err(|_| Mistake::Date(text.chars().take(60).collect()))
        };
        let holidays = form.holidays.iter().map(date).collect::<Result<Vec<_>, _>>()?;
        let exceptions = form
            .exceptions
            .into_iter()
            .map(|(day, windows)| Ok((date(&day)?, windows)));
        let exceptions = exceptions.collect::<Result<Vec<_>, Mistake>>()?;
        Calendar::new(form.zone, Hours::new(week)?)
            .with_holidays(holidays)?
            .with_exceptions(exceptions)
    }
}

impl From<Calendar> for Form {
    fn from(calendar: Calendar) -> Form {
        let week = hours::WEEKDAYS
            .iter()
            .enumerate()
            .map(|(day, name)| (name.to_string(), calendar.hours.of(day).to_vec()));
        let dates = || calendar.special.iter().map(|(_, special)| special);
        Form {
            hours: week.filter(|(_, windows)| !windows.is_empty()).collect(),
            holidays: dates()
                .filter(|special| special.holiday)
                .map(|special| special.date.to_string())
                .collect(),
            exceptions: dates()
                .filter_map(|special| Some((special.date.to_string(), special.instead.clone()?)))
                .collect(),
            zone: calendar.zone,
        }
    }
}
