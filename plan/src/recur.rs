//! Repetitions of a calendar's events (RFC 5545 §3.3.10), on whole days: DAILY, WEEKLY, MONTHLY and YEARLY with INTERVAL,
//! COUNT, UNTIL, BYMONTH, BYMONTHDAY, BYDAY, BYSETPOS and WKST. That is what programs for people's calendars write.
//!
//! Anything else (hours, weeks of the year, days of the year) is refused and not guessed. The crate that knows all of it brings
//! a second library of times with a zone database of its own; two of them in one program may disagree by an hour.

use jiff::Span;
use jiff::civil::{Date, DateTime, Weekday};
use jiff::{Timestamp, ToSpan};

/// How often a rule is looked at its next day, week, month or year, for one file.
pub(crate) const STEPS: usize = 200_000;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Every {
    Day,
    Week,
    Month,
    Year,
}

/// The last instant of a repetition, as it was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Until {
    Date(Date),
    Local(DateTime),
    Instant(Timestamp),
}

/// One rule.
#[derive(Debug, Clone)]
pub(crate) struct Rule {
    every: Every,
    interval: i32,
    count: Option<usize>,
    /// The caller, who knows the zone, ends the repetition.
    pub(crate) until: Option<Until>,
    months: Vec<i8>,
    month_days: Vec<i8>,
    /// Which of the weekdays of a month, 0 for all of them.
    weekdays: Vec<(i8, Weekday)>,
    places: Vec<i16>,
    week_begins: Weekday,
}

impl Rule {
    /// The rule that a text says; none where it is not understood whole.
    pub(crate) fn read(text: &str, until: impl Fn(&str) -> Option<Until>) -> Option<Rule> {
        let mut rule = Rule {
            every: Every::Day,
            interval: 1,
            count: None,
            until: None,
            months: Vec::new(),
            month_days: Vec::new(),
            weekdays: Vec::new(),
            places: Vec::new(),
            week_begins: Weekday::Monday,
        };
        let mut every = None;
        for part in text.split(';').filter(|part| !part.is_empty()) {
            let (name, value) = part.split_once('=')?;
            match name.to_ascii_uppercase().as_str() {
                "FREQ" => every = Some(every_of(value)?),
                "INTERVAL" => rule.interval = value.parse().ok().filter(|n| (1..=10_000).contains(n))?,
                "COUNT" => rule.count = Some(value.parse().ok()?),
                "UNTIL" => rule.until = Some(until(value)?),
                "BYMONTH" => rule.months = numbers(value, 1, 12)?,
                "BYMONTHDAY" => rule.month_days = numbers(value, -31, 31)?,
                "BYSETPOS" => rule.places = numbers(value, -366, 366)?,
                "BYDAY" => rule.weekdays = value.split(',').map(nth_weekday).collect::<Option<_>>()?,
                "WKST" => rule.week_begins = weekday(value)?,
                _ => return None,
            }
        }
        rule.every = every?;
        rule.is_sound().then_some(rule)
    }

    /// Parts that have no meaning together are not guessed at.
    fn is_sound(&self) -> bool {
        let counted = self.weekdays.iter().any(|(nth, _)| *nth != 0);
        match self.every {
            Every::Day => !counted,
            Every::Week => !counted && self.month_days.is_empty(),
            Every::Month => true,
            // The n-th weekday of a year is not that of a month.
            Every::Year => !counted || !self.months.is_empty(),
        }
    }

    /// The days of a repetition that begins on `begin`, from about `from` to `last`, in order; those before `from` only
    /// where they must be counted. Takes its steps from `steps`; none when they are used up.
    pub(crate) fn days(&self, begin: Date, from: Date, last: Date, steps: &mut usize) -> Option<Vec<Date>> {
        let mut found = Vec::new();
        let mut number = match self.count {
            Some(_) => 0,
            None => self.periods_between(begin, from),
        };
        while let Some(first) = self.period(begin, number) {
            if first > last || self.count.is_some_and(|count| found.len() >= count) {
                break;
            }
            *steps = steps.checked_sub(1)?;
            let days = self.within(first, begin);
            found.extend(days.into_iter().filter(|day| *day >= begin));
            number += 1;
        }
        found.truncate(self.count.unwrap_or(usize::MAX));
        found.retain(|day| *day <= last);
        Some(found)
    }

    /// Whole periods that end before `from`.
    fn periods_between(&self, begin: Date, from: Date) -> i32 {
        let days = from.duration_since(begin).as_hours() / 24;
        let months = (i32::from(from.year()) - i32::from(begin.year())) * 12 + i32::from(from.month())
            - i32::from(begin.month());
        let units = match self.every {
            Every::Day => i32::try_from(days).unwrap_or(0),
            Every::Week => i32::try_from(days / 7).unwrap_or(0),
            Every::Month => months,
            Every::Year => months / 12,
        };
        (units / self.interval - 1).max(0)
    }

    /// The first day of a period.
    fn period(&self, begin: Date, number: i32) -> Option<Date> {
        let units = number.checked_mul(self.interval)?;
        match self.every {
            Every::Day => begin.checked_add(Span::new().try_days(units).ok()?).ok(),
            Every::Week => {
                let back = i64::from(begin.weekday().since(self.week_begins));
                let first = begin.checked_sub(back.days()).ok()?;
                first.checked_add(Span::new().try_weeks(units).ok()?).ok()
            }
            Every::Month => begin
                .first_of_month()
                .checked_add(Span::new().try_months(units).ok()?)
                .ok(),
            Every::Year => begin
                .first_of_year()
                .checked_add(Span::new().try_years(units).ok()?)
                .ok(),
        }
    }

    /// The days of one period, in order.
    fn within(&self, first: Date, begin: Date) -> Vec<Date> {
        let mut days = match self.every {
            Every::Day => vec![first],
            Every::Week => (0..7).filter_map(|day| first.checked_add(day.days()).ok()).collect(),
            Every::Month => self.of_month(first, begin),
            Every::Year => self.of_year(first, begin),
        };
        match self.every {
            Every::Day => {
                days.retain(|day| self.is_weekday(*day) && self.is_month_day(*day));
            }
            Every::Week if self.weekdays.is_empty() => days.retain(|day| day.weekday() == begin.weekday()),
            Every::Week => days.retain(|day| self.is_weekday(*day)),
            Every::Month | Every::Year => {}
        }
        days.retain(|day| self.months.is_empty() || self.months.contains(&day.month()));
        days.sort_unstable();
        days.dedup();
        self.placed(days)
    }

    fn of_year(&self, first: Date, begin: Date) -> Vec<Date> {
        let is_spread = !self.weekdays.is_empty() || !self.month_days.is_empty();
        let months: Vec<i8> = match (self.months.is_empty(), is_spread) {
            (false, _) => self.months.clone(),
            (true, true) => (1..=12).collect(),
            (true, false) => vec![begin.month()],
        };
        let months = months.into_iter();
        let months = months.filter_map(|month| Date::new(first.year(), month, 1).ok());
        months.flat_map(|month| self.of_month(month, begin)).collect()
    }

    fn of_month(&self, first: Date, begin: Date) -> Vec<Date> {
        let days = (1..=first.days_in_month()).filter_map(|day| Date::new(first.year(), first.month(), day).ok());
        if self.weekdays.is_empty() && self.month_days.is_empty() {
            return days.filter(|day| day.day() == begin.day()).collect();
        }
        days.filter(|day| self.is_weekday(*day) && self.is_month_day(*day))
            .collect()
    }

    fn is_month_day(&self, day: Date) -> bool {
        let from_end = day.day() - day.days_in_month() - 1;
        self.month_days.is_empty() || self.month_days.contains(&day.day()) || self.month_days.contains(&from_end)
    }

    fn is_weekday(&self, day: Date) -> bool {
        let nth = (day.day() - 1) / 7 + 1;
        let from_end = -((day.days_in_month() - day.day()) / 7 + 1);
        let is = |&(wanted, weekday): &(i8, Weekday)| {
            weekday == day.weekday() && (wanted == 0 || wanted == nth || wanted == from_end)
        };
        self.weekdays.is_empty() || self.weekdays.iter().any(is)
    }

    /// Of the days of a period those that BYSETPOS names, counted from either end.
    fn placed(&self, days: Vec<Date>) -> Vec<Date> {
        if self.places.is_empty() {
            return days;
        }
        let count = days.len() as i64;
        let is_named = |at: usize| {
            let place = at as i64 + 1;
            let named = |&wanted: &i16| i64::from(wanted) == place || i64::from(wanted) == place - count - 1;
            self.places.iter().any(named)
        };
        let days = days.into_iter().enumerate().filter(|(at, _)| is_named(*at));
        days.map(|(_, day)| day).collect()
    }
}

fn every_of(text: &str) -> Option<Every> {
    Some(match text.to_ascii_uppercase().as_str() {
        "DAILY" => Every::Day,
        "WEEKLY" => Every::Week,
        "MONTHLY" => Every::Month,
        "YEARLY" => Every::Year,
        _ => return None,
    })
}

fn numbers<N: std::str::FromStr + PartialOrd + Default>(text: &str, least: N, most: N) -> Option<Vec<N>> {
    let one = |part: &str| {
        let number = part.trim().parse::<N>().ok()?;
        (number >= least && number <= most && number != N::default()).then_some(number)
    };
    text.split(',').map(one).collect()
}

/// `MO`, `4TH`, `-1MO`, `+1SU`.
fn nth_weekday(text: &str) -> Option<(i8, Weekday)> {
    let text = text.trim();
    let (nth, day) = text.split_at_checked(text.len().checked_sub(2)?)?;
    let nth: i8 = match nth {
        "" => 0,
        nth => nth.strip_prefix('+').unwrap_or(nth).parse().ok().filter(|n| *n != 0)?,
    };
    (nth.abs() <= 5).then_some((nth, weekday(day)?))
}

/// A weekday by its two letters.
pub(crate) fn weekday(text: &str) -> Option<Weekday> {
    Some(match text.trim().to_ascii_uppercase().as_str() {
        "MO" => Weekday::Monday,
        "TU" => Weekday::Tuesday,
        "WE" => Weekday::Wednesday,
        "TH" => Weekday::Thursday,
        "FR" => Weekday::Friday,
        "SA" => Weekday::Saturday,
        "SU" => Weekday::Sunday,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    fn days(rule: &str, begin: Date, last: Date) -> Vec<String> {
        let rule = Rule::read(rule, |_| None).unwrap();
        let mut steps = STEPS;
        let found = rule.days(begin, begin, last, &mut steps).unwrap();
        found.iter().map(Date::to_string).collect()
    }

    #[test]
    fn a_rule_names_the_days_that_its_standard_says() {
        // The examples of RFC 5545 §3.8.5.3, as far as they speak of days.
        let begin = date(1997, 9, 2);
        assert_eq!(
            days("FREQ=DAILY;COUNT=3", begin, date(1998, 1, 1)),
            ["1997-09-02", "1997-09-03", "1997-09-04"]
        );
        assert_eq!(
            days(
                "FREQ=WEEKLY;INTERVAL=2;COUNT=4;WKST=SU;BYDAY=TU,TH",
                begin,
                date(1998, 1, 1)
            ),
            ["1997-09-02", "1997-09-04", "1997-09-16", "1997-09-18"]
        );
        assert_eq!(
            days("FREQ=MONTHLY;COUNT=3;BYDAY=1FR", date(1997, 9, 5), date(1998, 1, 1)),
            ["1997-09-05", "1997-10-03", "1997-11-07"]
        );
        assert_eq!(
            days("FREQ=MONTHLY;COUNT=2;BYDAY=-2MO", date(1997, 9, 22), date(1998, 1, 1)),
            ["1997-09-22", "1997-10-20"]
        );
        assert_eq!(
            days("FREQ=MONTHLY;BYMONTHDAY=-3", date(1997, 9, 28), date(1997, 12, 1)),
            ["1997-09-28", "1997-10-29", "1997-11-28"]
        );
        assert_eq!(
            days(
                "FREQ=MONTHLY;COUNT=3;BYDAY=TU,WE,TH;BYSETPOS=3",
                date(1997, 9, 4),
                date(1998, 1, 1)
            ),
            ["1997-09-04", "1997-10-07", "1997-11-06"]
        );
        assert_eq!(
            days("FREQ=YEARLY;COUNT=4;BYMONTH=6,7", date(1997, 6, 10), date(2000, 1, 1)),
            ["1997-06-10", "1997-07-10", "1998-06-10", "1998-07-10"]
        );
        assert_eq!(
            days("FREQ=MONTHLY;BYDAY=FR;BYMONTHDAY=13", begin, date(1998, 12, 1)),
            ["1998-02-13", "1998-03-13", "1998-11-13"]
        );
        assert_eq!(
            days("FREQ=MONTHLY", date(2027, 1, 31), date(2027, 4, 1)),
            ["2027-01-31", "2027-03-31"]
        );
    }

    #[test]
    fn a_rule_that_began_long_ago_is_not_walked_from_its_beginning() {
        for text in [
            "FREQ=DAILY;INTERVAL=3",
            "FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,SU;WKST=SU",
            "FREQ=MONTHLY;INTERVAL=5;BYDAY=-1FR",
            "FREQ=YEARLY;INTERVAL=3;BYMONTH=2,12",
        ] {
            let rule = Rule::read(text, |_| None).unwrap();
            let (begin, from, last) = (date(1980, 1, 31), date(2026, 3, 2), date(2027, 3, 2));
            let mut steps = 500;
            let near = rule.days(begin, from, last, &mut steps).expect("few steps");
            let mut steps = STEPS;
            let whole = rule.days(begin, begin, last, &mut steps).unwrap();
            let later = |days: Vec<Date>| days.into_iter().filter(|day| *day >= from).collect::<Vec<_>>();
            assert_eq!(later(near), later(whole), "{text}");
        }
    }

    #[test]
    fn what_is_not_understood_is_none_and_steps_are_bounded() {
        for text in [
            "FREQ=HOURLY",
            "FREQ=WEEKLY;BYWEEKNO=3",
            "FREQ=YEARLY;BYDAY=20MO",
            "FREQ=WEEKLY;BYDAY=1MO",
            "INTERVAL=2",
            "FREQ=DAILY;INTERVAL=0",
            "FREQ=DAILY;BYMONTH=13",
            "FREQ=WEEKLY;BYDAY=XX",
            "FREQ=DAILY;BYHOUR=9,10",
        ] {
            assert!(Rule::read(text, |_| None).is_none(), "{text}");
        }
        let never = Rule::read("FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30;COUNT=1", |_| None).unwrap();
        let (begin, last) = (date(2026, 1, 1), date(2027, 1, 1));
        assert_eq!(never.days(begin, begin, last, &mut 10), None);
        assert_eq!(never.days(begin, begin, last, &mut 1_000), Some(Vec::new()));
    }
}
