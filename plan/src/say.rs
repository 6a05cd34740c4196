//! Instants and spans as people read them.
//!
//! A time is never without weekday and zone; a year is said where it is not this one. English only so far, and all of
//! it in this file. Times are cut to the minute, so what is said is never later than what is meant; the desk's promises
//! carry their seconds in the ledger.

use crate::zone::Zone;
use jiff::{SignedDuration, Timestamp};

/// `Tue 24 Nov 15:00 CET`; with the year where it is not the year of `now`: `Tue 5 Jan 2027 15:00 CET`.
pub fn short(at: Timestamp, zone: &Zone, now: Timestamp) -> String {
    let form = if same_year(at, zone, now) {
        "%a %-d %b %H:%M"
    } else {
        "%a %-d %b %Y %H:%M"
    };
    format!("{} {}", zone.zoned(at).strftime(form), zone.abbreviation(at))
}

/// `Tue 24 Nov 15:00 CET (14:00 UTC) · in 3 h 10 min`; UTC with its weekday where it has another date.
pub fn line(at: Timestamp, zone: &Zone, now: Timestamp) -> String {
    let said = short(at, zone, now);
    let distance = distance(at, now);
    match utc_beside(at, zone, "%a") {
        Some(utc) => format!("{said} ({utc}) · {distance}"),
        None => format!("{said} · {distance}"),
    }
}

/// `Tuesday 24 November, 15:00 (Berlin)`, as mail says it.
pub fn long(at: Timestamp, zone: &Zone, now: Timestamp) -> String {
    let form = if same_year(at, zone, now) {
        "%A %-d %B, %H:%M"
    } else {
        "%A %-d %B %Y, %H:%M"
    };
    format!("{} ({})", zone.zoned(at).strftime(form), zone.place())
}

/// `14:00 UTC`, or `Monday 20:00 UTC` where that is another date than the zone's; nothing where the zone is UTC itself.
pub fn utc(at: Timestamp, zone: &Zone) -> Option<String> {
    utc_beside(at, zone, "%A")
}

/// `Tue 24 Nov 2026, 09:12 CET`, for what was said when.
pub fn stamp(at: Timestamp, zone: &Zone) -> String {
    format!(
        "{} {}",
        zone.zoned(at).strftime("%a %-d %b %Y, %H:%M"),
        zone.abbreviation(at)
    )
}

/// `in 3 h 10 min`, `in 2 d 4 h`, `now`, `25 min ago`.
pub fn distance(at: Timestamp, now: Timestamp) -> String {
    let away = at.duration_since(now);
    let said = parts(away, [" d", " h", " min"], " ");
    match away.as_mins() {
        0 => "now".to_owned(),
        1.. => format!("in {said}"),
        _ => format!("{said} ago"),
    }
}

/// `in about 3 hours`, for people who plan their day; exact times stand beside it.
pub fn about(at: Timestamp, now: Timestamp) -> String {
    let rough = rough(at, now);
    let unit = match rough.unit {
        Unit::Minute => "minute",
        Unit::Hour => "hour",
        Unit::Day => "day",
    };
    let plural = if rough.count == 1 { "" } else { "s" };
    let said = format!("{} {unit}{plural}", rough.count);
    if rough.past {
        format!("about {said} ago")
    } else {
        format!("in about {said}")
    }
}

/// What a rough distance is counted in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Minutes.
    Minute,
    /// Hours.
    Hour,
    /// Days.
    Day,
}

/// A distance as people round it, before it is said in a language.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rough {
    /// How many, at least one.
    pub count: u64,
    /// Of what.
    pub unit: Unit,
    /// Whether it lies behind.
    pub past: bool,
}

/// The distance of an instant from now as people round it.
pub fn rough(at: Timestamp, now: Timestamp) -> Rough {
    let away = at.duration_since(now);
    let minutes = away.as_secs().unsigned_abs().div_ceil(60);
    let (count, unit) = match minutes {
        0..=10 => (minutes.max(1), Unit::Minute),
        11..=52 => ((minutes + 2) / 5 * 5, Unit::Minute),
        53..=2_129 => ((minutes + 30) / 60, Unit::Hour),
        _ => ((minutes + 720) / 1440, Unit::Day),
    };
    Rough {
        count,
        unit,
        past: away.is_negative(),
    }
}

/// `40m`, `3h10m`, `1d21h`, `-25m`: a column's width of it.
pub fn left(span: SignedDuration) -> String {
    let sign = if span.as_mins() < 0 { "-" } else { "" };
    format!("{sign}{}", parts(span, ["d", "h", "m"], ""))
}

/// The two largest parts that say something, without the sign.
fn parts(span: SignedDuration, units: [&str; 3], between: &str) -> String {
    let minutes = span.as_mins().unsigned_abs();
    let counts = [minutes / 1440, minutes / 60 % 24, minutes % 60];
    let first = counts.iter().position(|&count| count > 0).unwrap_or(2);
    let said = counts
        .iter()
        .zip(units)
        .skip(first)
        .take(2)
        .filter(|(count, _)| **count > 0);
    let said: Vec<String> = said.map(|(count, unit)| format!("{count}{unit}")).collect();
    if said.is_empty() {
        format!("0{}", units[2])
    } else {
        said.join(between)
    }
}

fn same_year(at: Timestamp, zone: &Zone, now: Timestamp) -> bool {
    zone.local(at).year() == zone.local(now).year()
}

fn utc_beside(at: Timestamp, zone: &Zone, weekday: &str) -> Option<String> {
    if zone.abbreviation(at) == "UTC" {
        return None;
    }
    let same_date = zone.local(at).date() == Zone::UTC.local(at).date();
    let form = if same_date {
        "%H:%M UTC".to_owned()
    } else {
        format!("{weekday} %H:%M UTC")
    };
    Some(at.strftime(&form).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn zone(text: &str) -> Zone {
        text.parse().unwrap()
    }

    #[test]
    fn a_time_is_said_with_weekday_and_zone() {
        let (due, now) = (at("2026-11-24T14:00:00Z"), at("2026-11-24T10:50:00Z"));
        let berlin = zone("Europe/Berlin");
        assert_eq!(short(due, &berlin, now), "Tue 24 Nov 15:00 CET");
        assert_eq!(
            line(due, &berlin, now),
            "Tue 24 Nov 15:00 CET (14:00 UTC) · in 3 h 10 min"
        );
        assert_eq!(long(due, &berlin, now), "Tuesday 24 November, 15:00 (Berlin)");
        assert_eq!(utc(due, &berlin).as_deref(), Some("14:00 UTC"));
        assert_eq!(about(due, now), "in about 3 hours");
        assert_eq!(stamp(due, &berlin), "Tue 24 Nov 2026, 15:00 CET");
    }

    #[test]
    fn a_fixed_offset_is_said_as_an_offset() {
        let (due, now) = (at("2026-11-24T14:00:00Z"), at("2026-11-24T10:50:00Z"));
        assert_eq!(
            line(due, &zone("UTC+2"), now),
            "Tue 24 Nov 16:00 UTC+2 (14:00 UTC) · in 3 h 10 min"
        );
        assert_eq!(long(due, &zone("UTC+2"), now), "Tuesday 24 November, 16:00 (UTC+2)");
        assert_eq!(line(due, &zone("UTC"), now), "Tue 24 Nov 14:00 UTC · in 3 h 10 min");
        assert_eq!(utc(due, &Zone::UTC), None);
    }

    #[test]
    fn another_year_and_another_date_in_utc_are_said() {
        let (due, now) = (at("2027-01-04T20:00:00Z"), at("2026-12-30T10:00:00Z"));
        let auckland = zone("Pacific/Auckland");
        assert_eq!(
            line(due, &auckland, now),
            "Tue 5 Jan 2027 09:00 NZDT (Mon 20:00 UTC) · in 5 d 10 h"
        );
        assert_eq!(long(due, &auckland, now), "Tuesday 5 January 2027, 09:00 (Auckland)");
        assert_eq!(utc(due, &auckland).as_deref(), Some("Monday 20:00 UTC"));
    }

    #[test]
    fn what_is_left_fits_a_column() {
        let said = |minutes| left(SignedDuration::from_mins(minutes));
        assert_eq!(
            [said(40), said(190), said(45 * 60), said(22 * 60 + 10)],
            ["40m", "3h10m", "1d21h", "22h10m"]
        );
        assert_eq!(
            [said(0), said(-25), said(120), said(1440), said(1450)],
            ["0m", "-25m", "2h", "1d", "1d"]
        );
        assert_eq!(left(SignedDuration::from_secs(-59)), "0m");
    }

    #[test]
    fn distances_are_said_in_words() {
        let now = at("2026-11-24T10:00:00Z");
        let said = |seconds: i64| {
            let then = now + SignedDuration::from_secs(seconds);
            (distance(then, now), about(then, now))
        };
        let pair = |a: &str, b: &str| (a.to_owned(), b.to_owned());
        assert_eq!(said(30), pair("now", "in about 1 minute"));
        assert_eq!(said(-25 * 60), pair("25 min ago", "about 25 minutes ago"));
        assert_eq!(said(41 * 60), pair("in 41 min", "in about 40 minutes"));
        assert_eq!(said(60 * 60), pair("in 1 h", "in about 1 hour"));
        assert_eq!(said(26 * 3600), pair("in 1 d 2 h", "in about 26 hours"));
        assert_eq!(said(52 * 3600), pair("in 2 d 4 h", "in about 2 days"));
    }
}
