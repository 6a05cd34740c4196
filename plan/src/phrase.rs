//! Times as people type them: `15:00`, `tomorrow 10`, `wed 10:00`, `fri 12:00 cet`, `25 nov 9am`, `+3h`, `2026-11-25 10:00`.
//!
//! One grammar for the command line, for mail words and for forms. It always means the next such time; what is past or
//! could mean two things is refused with a sentence instead of guessed, and whatever is understood is to be echoed in
//! full. What [`crate::say`] prints can be typed back. Zone letters mean the wall clock of the place that uses them
//! (`cet` in July is Berlin's time): people write the letters they are used to.

use crate::hours;
use crate::say;
use crate::zone::Zone;
use jiff::civil::{Date, DateTime, Time};
use jiff::{SignedDuration, Span, Timestamp};

/// Longest text that is looked at; nobody needs more for a time.
const LETTERS: usize = 100;
/// Years ahead that can be asked for.
const YEARS: i16 = 5;

/// Why a text is no time.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unclear {
    /// It cannot be read.
    #[error("\"{0}\" is no time; write 15:00, tomorrow 10:00, wed 10:00, 2026-11-25 10:00 or +3h")]
    Unread(String),
    /// There is a day but no time.
    #[error("\"{0}\" names a day but no time; write for example \"{0} 10:00\"")]
    NoTime(String),
    /// The time is past.
    #[error("{0} is past; name a time to come")]
    Past(String),
    /// The time is too far ahead.
    #[error("\"{0}\" is more than five years ahead")]
    TooFar(String),
    /// Letters that several zones use.
    #[error("\"{0}\" is the name of several time zones; write the place, such as America/Chicago, or UTC-6")]
    ManyZones(String),
    /// The date has another weekday.
    #[error("{date} is a {weekday}; write the date or the weekday that you mean")]
    OtherWeekday {
        /// The date as understood.
        date: String,
        /// Its weekday.
        weekday: &'static str,
    },
}

/// The next instant that a text means, read at `now` in `zone`. Never later than five years from now, never past.
pub fn parse(text: &str, now: Timestamp, zone: &Zone) -> Result<Timestamp, Unclear> {
    let text = text.trim();
    let echo = || text.chars().take(40).collect::<String>();
    if text.len() > LETTERS || text.is_empty() {
        return Err(Unclear::Unread(echo()));
    }
    let (at, said_in) = match text.parse::<Timestamp>() {
        Ok(at) => (at, zone.clone()),
        Err(_) => match relative(text) {
            Some(span) => (
                span.from(now, zone).ok_or_else(|| Unclear::TooFar(echo()))?,
                zone.clone(),
            ),
            None => {
                let words = Words::read(text, now, zone)?;
                let zone = words.zone.clone().unwrap_or_else(|| zone.clone());
                (words.resolve(now, &zone, &echo())?, zone)
            }
        },
    };
    if at <= now {
        return Err(Unclear::Past(say::short(at, &said_in, now)));
    }
    let latest = zone
        .local(now)
        .checked_add(Span::new().years(YEARS))
        .ok()
        .and_then(|latest| zone.instant(latest));
    if latest.is_some_and(|latest| at > latest) {
        return Err(Unclear::TooFar(echo()));
    }
    Ok(at)
}

/// `+3h`, `+2d`, `in 90 minutes`.
#[derive(Default)]
struct Relative {
    days: i64,
    minutes: i64,
}

impl Relative {
    /// Days keep the time of the wall clock, hours and minutes are what a watch counts.
    fn from(&self, now: Timestamp, zone: &Zone) -> Option<Timestamp> {
        let day = match self.days {
            0 => now,
            days => zone.instant(zone.local(now).checked_add(Span::new().try_days(days).ok()?).ok()?)?,
        };
        day.checked_add(SignedDuration::from_mins(self.minutes)).ok()
    }
}

fn relative(text: &str) -> Option<Relative> {
    let lower = text.to_ascii_lowercase();
    let mut rest = match lower.strip_prefix('+') {
        Some(rest) => rest,
        None => lower.strip_prefix("in ")?,
    };
    let mut sum = Relative::default();
    while !rest.trim_start().is_empty() {
        rest = rest.trim_start();
        let digits = rest
            .find(|c: char| !c.is_ascii_digit())
            .filter(|&digits| (1..=6).contains(&digits))?;
        let count: i64 = rest[..digits].parse().ok()?;
        rest = rest[digits..].trim_start();
        let letters = rest.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(rest.len());
        match &rest[..letters] {
            "m" | "min" | "mins" | "minute" | "minutes" => sum.minutes += count,
            "h" | "hr" | "hrs" | "hour" | "hours" => sum.minutes += count * 60,
            "d" | "day" | "days" => sum.days += count,
            "w" | "week" | "weeks" => sum.days += count * 7,
            _ => return None,
        }
        rest = &rest[letters..];
    }
    (sum.days + sum.minutes > 0).then_some(sum)
}

/// The words of a time, sorted by what they name.
#[derive(Default)]
struct Words {
    days_ahead: Option<i64>,
    weekday: Option<usize>,
    date: Option<Date>,
    day_of_month: Option<i8>,
    month: Option<i8>,
    year: Option<i16>,
    time: Option<Time>,
    /// A bare number, an hour only beside a day: `tomorrow 10`.
    hour: Option<i8>,
    zone: Option<Zone>,
}

/// Fills a place that must be empty: a second time or zone means that the text is not understood.
fn put<T>(place: &mut Option<T>, value: T) -> Option<()> {
    place.replace(value).is_none().then_some(())
}

impl Words {
    fn read(text: &str, now: Timestamp, zone: &Zone) -> Result<Words, Unclear> {
        let unread = || Unclear::Unread(text.chars().take(40).collect());
        let mut words = Words::default();
        let mut text = text.to_ascii_lowercase();
        // Our own mail says the place behind the time, and places may have blanks in them.
        if let Some(head) = text.strip_suffix(&format!("({})", zone.place().to_ascii_lowercase())) {
            text = head.to_owned();
            words.zone = Some(zone.clone());
        }
        let list: Vec<&str> = text
            .split(|c: char| c.is_whitespace() || c == ',')
            .filter(|word| !word.is_empty())
            .collect();
        for (place, word) in list.iter().enumerate() {
            let beside_month = list.get(place + 1).is_some_and(|next| month(next).is_some())
                || (place > 0 && month(list[place - 1]).is_some() && words.day_of_month.is_none());
            let taken = words.take(word, beside_month);
            match taken {
                Some(true) => {}
                Some(false) => put(&mut words.zone, zone_named(word, now, zone)?).ok_or_else(unread)?,
                None => return Err(unread()),
            }
        }
        Ok(words)
    }

    /// Takes one word: true if it was taken, false if it can only be a zone, `None` if its place is taken already.
    fn take(&mut self, word: &str, beside_month: bool) -> Option<bool> {
        if matches!(word, "at" | "on" | "by" | "until") {
        } else if let Some(weekday) = hours::weekday(word) {
            put(&mut self.weekday, weekday)?;
        } else if let Some(days) = ["today", "tomorrow"].iter().position(|day| *day == word) {
            put(&mut self.days_ahead, days as i64)?;
        } else if let Some(month) = month(word) {
            put(&mut self.month, month)?;
        } else if let Some(number) = number(word) {
            match number {
                1970..=9998 if word.len() == 4 => put(&mut self.year, number)?,
                1..=31 if beside_month => put(&mut self.day_of_month, number as i8)?,
                0..=23 => put(&mut self.hour, number as i8)?,
                _ => return None,
            }
        } else if let Some(date) = word.parse::<Date>().ok().filter(|_| word.len() == 10) {
            put(&mut self.date, date)?;
        } else if let Some(time) = time(word) {
            put(&mut self.time, time)?;
        } else {
            return Some(false);
        }
        Some(true)
    }

    fn resolve(self, now: Timestamp, zone: &Zone, echo: &str) -> Result<Timestamp, Unclear> {
        let unread = || Unclear::Unread(echo.to_owned());
        let today = zone.local(now).date();
        let month_day = self.month.zip(self.day_of_month);
        let ways = [self.days_ahead.is_some(), self.date.is_some(), self.month.is_some()];
        let named = ways.iter().filter(|way| **way).count();
        let torn = self.month.is_some() != self.day_of_month.is_some() || (self.year.is_some() && self.month.is_none());
        if named > 1 || torn {
            return Err(unread());
        }
        let has_day = named > 0 || self.weekday.is_some();
        let time = match (self.time, self.hour) {
            (Some(time), None) => time,
            (None, Some(hour)) if has_day => Time::constant(hour, 0, 0, 0),
            (None, None) if has_day => return Err(Unclear::NoTime(echo.to_owned())),
            _ => return Err(unread()),
        };
        let ahead = |days: i64| today.checked_add(Span::new().days(days)).map_err(|_| unread());
        let days: Vec<Date> = if let Some((month, day)) = month_day {
            let years = self.year.map_or(today.year()..=today.year() + 8, |year| year..=year);
            years.filter_map(|year| Date::new(year, month, day).ok()).collect()
        } else if let Some(date) = self.date {
            vec![date]
        } else if let Some(days) = self.days_ahead {
            vec![ahead(days)?]
        } else {
            (0..=7).map(ahead).collect::<Result<_, _>>()?
        };
        let weekday_of = |date: &Date| date.weekday().to_monday_zero_offset() as usize;
        let listed = named == 0;
        let fits = |date: &&Date| !listed || self.weekday.is_none_or(|weekday| weekday_of(date) == weekday);
        let instant = |date: &Date| zone.instant(DateTime::from_parts(*date, time)).map(|at| (*date, at));
        let instants: Vec<(Date, Timestamp)> = days.iter().filter(fits).filter_map(instant).collect();
        let next = instants.iter().find(|(_, at)| *at > now).or(instants.last());
        let (date, at) = next.copied().ok_or_else(unread)?;
        if self.weekday.is_some_and(|weekday| weekday != weekday_of(&date)) {
            let weekday = WEEKDAYS[weekday_of(&date)];
            return Err(Unclear::OtherWeekday {
                date: date.strftime("%-d %B %Y").to_string(),
                weekday,
            });
        }
        Ok(at)
    }
}

const WEEKDAYS: [&str; 7] = [
    "Monday",
    "Tuesday",
    "Wednesday",
    "Thursday",
    "Friday",
    "Saturday",
    "Sunday",
];

/// 1 to 12 of `nov` or `november`.
fn month(word: &str) -> Option<i8> {
    const MONTHS: [&str; 12] = [
        "january",
        "february",
        "march",
        "april",
        "may",
        "june",
        "july",
        "august",
        "september",
        "october",
        "november",
        "december",
    ];
    let place = MONTHS
        .iter()
        .position(|month| word == *month || (word.len() == 3 && month.starts_with(word)))?;
    Some(place as i8 + 1)
}

fn number(word: &str) -> Option<i16> {
    (word.len() <= 4 && word.bytes().all(|b| b.is_ascii_digit())).then(|| word.parse().ok())?
}

/// `15:00`, `9:30`, `3pm`, `3:30pm`, `noon`.
fn time(word: &str) -> Option<Time> {
    if word == "noon" {
        return Some(Time::constant(12, 0, 0, 0));
    }
    let (clock, half) = match (word.strip_suffix("am"), word.strip_suffix("pm")) {
        (Some(clock), _) => (clock, Some(0)),
        (_, Some(clock)) => (clock, Some(12)),
        _ => (word, None),
    };
    let (hour, minute) = match clock.split_once(':') {
        Some((hour, minute)) if minute.len() == 2 => (number(hour)?, number(minute)?),
        None if half.is_some() => (number(clock)?, 0),
        _ => return None,
    };
    let hour = match half {
        Some(half) if (1..=12).contains(&hour) => hour % 12 + half,
        Some(_) => return None,
        None => hour,
    };
    Time::new(i8::try_from(hour).ok()?, i8::try_from(minute).ok()?, 0, 0).ok()
}

/// A zone by the letters, the offset, the database name or the place that people write.
fn zone_named(word: &str, now: Timestamp, own: &Zone) -> Result<Zone, Unclear> {
    const PLACES: [(&[&str], &str); 13] = [
        (&["gmt", "z"], "UTC"),
        (&["cet", "cest"], "Europe/Berlin"),
        (&["eet", "eest"], "Europe/Helsinki"),
        (&["wet", "west"], "Europe/Lisbon"),
        (&["bst"], "Europe/London"),
        (&["msk"], "Europe/Moscow"),
        (&["et", "est", "edt"], "America/New_York"),
        (&["ct", "cdt"], "America/Chicago"),
        (&["mt", "mst", "mdt"], "America/Denver"),
        (&["pt", "pst", "pdt"], "America/Los_Angeles"),
        (&["jst"], "Asia/Tokyo"),
        (&["aest", "aedt"], "Australia/Sydney"),
        (&["nzst", "nzdt"], "Pacific/Auckland"),
    ];
    let half_a_year = now.checked_add(SignedDuration::from_hours(26 * 7 * 24)).unwrap_or(now);
    let of_own = [own.abbreviation(now), own.abbreviation(half_a_year), own.place()];
    if of_own.iter().any(|name| name.eq_ignore_ascii_case(word)) {
        return Ok(own.clone());
    }
    if matches!(word, "cst" | "ist" | "ast" | "sst") {
        return Err(Unclear::ManyZones(word.to_ascii_uppercase()));
    }
    let name = PLACES
        .iter()
        .find(|(letters, _)| letters.contains(&word))
        .map_or(word, |(_, name)| name);
    name.parse()
        .map_err(|_| Unclear::Unread(word.chars().take(40).collect()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Tuesday 24 November 2026, 11:50 in Berlin.
    fn now() -> Timestamp {
        "2026-11-24T10:50:00Z".parse().unwrap()
    }

    fn berlin() -> Zone {
        "Europe/Berlin".parse().unwrap()
    }

    fn understood(text: &str) -> String {
        match parse(text, now(), &berlin()) {
            Ok(at) => say::short(at, &berlin(), now()),
            Err(unclear) => unclear.to_string(),
        }
    }

    #[test]
    fn a_time_means_the_next_such_time() {
        assert_eq!(understood("15:00"), "Tue 24 Nov 15:00 CET");
        assert_eq!(understood("9:30"), "Wed 25 Nov 09:30 CET");
        assert_eq!(understood("11:50"), "Wed 25 Nov 11:50 CET");
        assert_eq!(understood("tomorrow 10"), "Wed 25 Nov 10:00 CET");
        assert_eq!(understood("tomorrow at 3:30pm"), "Wed 25 Nov 15:30 CET");
        assert_eq!(understood("Wed 10:00"), "Wed 25 Nov 10:00 CET");
        assert_eq!(understood("tue 15:00"), "Tue 24 Nov 15:00 CET");
        assert_eq!(understood("tuesday 10:00"), "Tue 1 Dec 10:00 CET");
        assert_eq!(understood("2026-11-25 10:00"), "Wed 25 Nov 10:00 CET");
        assert_eq!(understood("25 nov 10:00"), "Wed 25 Nov 10:00 CET");
        assert_eq!(understood("nov 25 noon"), "Wed 25 Nov 12:00 CET");
        assert_eq!(understood("3 feb 9am"), "Wed 3 Feb 2027 09:00 CET");
        assert_eq!(understood("29 feb 9:00"), "Tue 29 Feb 2028 09:00 CET");
        assert_eq!(understood("2026-11-25T10:00:00Z"), "Wed 25 Nov 11:00 CET");
    }

    #[test]
    fn spans_count_from_now() {
        assert_eq!(understood("+3h"), "Tue 24 Nov 14:50 CET");
        assert_eq!(understood("+1h30m"), "Tue 24 Nov 13:20 CET");
        assert_eq!(understood("in 90 minutes"), "Tue 24 Nov 13:20 CET");
        assert_eq!(understood("+2d"), "Thu 26 Nov 11:50 CET");
        assert_eq!(understood("+1w"), "Tue 1 Dec 11:50 CET");
    }

    #[test]
    fn zones_are_read_by_letters_offset_name_and_place() {
        assert_eq!(understood("fri 12:00 cet"), "Fri 27 Nov 12:00 CET");
        assert_eq!(understood("fri 12:00 utc"), "Fri 27 Nov 13:00 CET");
        assert_eq!(understood("fri 12:00 UTC+5:30"), "Fri 27 Nov 07:30 CET");
        assert_eq!(understood("fri 12:00 america/new_york"), "Fri 27 Nov 18:00 CET");
        assert_eq!(understood("fri 12:00 EST"), "Fri 27 Nov 18:00 CET");
        assert_eq!(understood("fri 12:00 berlin"), "Fri 27 Nov 12:00 CET");
        assert!(understood("fri 12:00 cst").contains("several time zones"));
        let chicago: Zone = "America/Chicago".parse().unwrap();
        let at = parse("fri 12:00 cst", now(), &chicago).unwrap();
        assert_eq!(say::short(at, &chicago, now()), "Fri 27 Nov 12:00 CST");
    }

    #[test]
    fn letters_of_a_zone_mean_its_wall_clock_in_summer_too() {
        let summer: Timestamp = "2026-07-01T08:00:00Z".parse().unwrap();
        let at = parse("12:00 cet", summer, &Zone::UTC).unwrap();
        assert_eq!(at.to_string(), "2026-07-01T10:00:00Z");
    }

    #[test]
    fn a_time_in_a_gap_is_read_with_the_offset_before_and_a_double_one_is_the_first() {
        let read = |text: &str| parse(text, now(), &berlin()).unwrap().to_string();
        assert_eq!(read("2027-03-28 02:30"), "2027-03-28T01:30:00Z");
        assert_eq!(read("2027-10-31 02:30"), "2027-10-31T00:30:00Z");
        let eve: Timestamp = "2027-03-27T12:00:00Z".parse().unwrap();
        assert_eq!(
            parse("+1d", eve, &berlin()).unwrap().to_string(),
            "2027-03-28T11:00:00Z"
        );
    }

    #[test]
    fn what_is_past_is_refused() {
        assert_eq!(
            understood("today 10:00"),
            "Tue 24 Nov 10:00 CET is past; name a time to come"
        );
        assert!(understood("2025-01-01 10:00").starts_with("Wed 1 Jan 2025 10:00 CET is past"));
        assert!(understood("2026-11-24T10:50:00Z").contains("is past"));
    }

    #[test]
    fn nonsense_is_refused_with_a_sentence() {
        for text in [
            "",
            "soon",
            "10",
            "25:00",
            "12:60",
            "wed wed 10:00",
            "10:00 11:00",
            "tomorrow today 10:00",
            "+",
            "+0h",
            "+3x",
            "+-3h",
            "31 feb 10:00",
            "13pm",
            "nov 10:00",
            "2026-02-30 10:00",
            "10:00 mars",
            "+9999999h",
            "in",
            "next wed 10:00",
            "\u{FF11}\u{FF15}:00",
            "+3hé",
            "é",
        ] {
            assert!(understood(text).contains("is no time"), "{text}: {}", understood(text));
        }
        assert!(understood("wed").contains("names a day but no time"));
        assert!(understood("mon 25 nov 10:00").contains("25 November 2026 is a Wednesday"));
        assert!(understood("+999999d").contains("five years"));
        assert!(understood("2040-01-01 10:00").contains("five years"));
        assert!(understood(&"x".repeat(1000)).len() < 200);
    }

    #[test]
    fn what_we_print_can_be_typed_back() {
        for zone in [
            "Europe/Berlin",
            "America/Argentina/Buenos_Aires",
            "Asia/Kathmandu",
            "UTC",
            "UTC-3:30",
            "Pacific/Auckland",
        ] {
            let zone: Zone = zone.parse().unwrap();
            for minutes in [10, 1_000, 3_000, 40_000, 300_000] {
                let at = now() + SignedDuration::from_mins(minutes);
                assert_eq!(parse(&say::short(at, &zone, now()), now(), &zone), Ok(at));
                assert_eq!(parse(&say::long(at, &zone, now()), now(), &zone), Ok(at));
            }
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_it_stumble(text in "\\PC{0,40}") {
            let _ = parse(&text, now(), &berlin());
        }

        #[test]
        fn no_row_of_its_words_makes_it_stumble(words in prop::collection::vec(prop::sample::select(vec![
            "15:00", "10", "tomorrow", "wed", "25", "nov", "2027", "cet", "+3h", "at", "3pm", "2026-11-25", "(berlin)", "in", "day", "31", "feb",
        ]), 0..6)) {
            if let Ok(at) = parse(&words.join(" "), now(), &berlin()) {
                prop_assert!(at > now());
            }
        }
    }
}
