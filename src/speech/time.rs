//! Times and sizes in a language of the catalogue.
//!
//! A time is never without weekday and zone; a year is said where it is not this one; UTC stands beside a local time.
//! English says exactly what `plan::say` says, so that what a customer copies out of a mail can be typed into any door.

use super::Speech;
use jiff::Timestamp;
use jiff::civil::DateTime;
use plan::Zone;
use plan::say::{self, Unit};

impl Speech {
    /// `Tuesday 24 November, 15:00 (Berlin)`.
    pub fn time(self, at: Timestamp, zone: &Zone, now: Timestamp) -> String {
        let local = zone.local(at);
        let (clock, day, year) = (clock(local), local.day().to_string(), local.year().to_string());
        let (weekday, month, place) = (self.weekday("weekday", local), self.month("month", local), zone.place());
        let mut values = vec![
            ("weekday", (&weekday).into()),
            ("day", (&day).into()),
            ("month", (&month).into()),
            ("clock", (&clock).into()),
            ("place", (&place).into()),
        ];
        if zone.local(now).year() == local.year() {
            return self.say("time-long", &values);
        }
        values.push(("year", (&year).into()));
        self.say("time-long-year", &values)
    }

    /// `Fri 25 Dec`.
    pub fn date(self, date: jiff::civil::Date) -> String {
        let local = date.at(0, 0, 0, 0);
        let (weekday, month) = (self.weekday("weekday-short", local), self.month("month-short", local));
        let day = date.day().to_string();
        self.say(
            "date-short",
            &[
                ("weekday", (&weekday).into()),
                ("day", (&day).into()),
                ("month", (&month).into()),
            ],
        )
    }

    /// `14:00 UTC`, or `Monday 20:00 UTC` where that is another date than the zone's; nothing where the zone is UTC.
    pub fn utc(self, at: Timestamp, zone: &Zone) -> Option<String> {
        if zone.abbreviation(at) == "UTC" {
            return None;
        }
        let (here, there) = (zone.local(at), Zone::UTC.local(at));
        let clock = clock(there);
        Some(match here.date() == there.date() {
            true => self.say("time-utc", &[("clock", (&clock).into())]),
            false => {
                let weekday = self.weekday("weekday", there);
                self.say(
                    "time-utc-other-day",
                    &[("clock", (&clock).into()), ("weekday", (&weekday).into())],
                )
            }
        })
    }

    /// `Wednesday 25 November, 10:00 (Berlin), 09:00 UTC`.
    pub fn full(self, at: Timestamp, zone: &Zone, now: Timestamp) -> String {
        let time = self.time(at, zone, now);
        match self.utc(at, zone) {
            Some(utc) => self.say("time-full", &[("time", (&time).into()), ("utc", (&utc).into())]),
            None => time,
        }
    }

    /// `Tue 24 Nov 2026, 09:12 CET`, for what was written when.
    pub fn stamp(self, at: Timestamp, zone: &Zone) -> String {
        let local = zone.local(at);
        let (day, year, clock, letters) = (
            local.day().to_string(),
            local.year().to_string(),
            clock(local),
            zone.abbreviation(at),
        );
        let (weekday, month) = (self.weekday("weekday-short", local), self.month("month-short", local));
        self.say(
            "time-stamp",
            &[
                ("weekday", (&weekday).into()),
                ("day", (&day).into()),
                ("month", (&month).into()),
                ("year", (&year).into()),
                ("clock", (&clock).into()),
                ("zone", (&letters).into()),
            ],
        )
    }

    /// `in about 3 hours`; nothing for what is past.
    pub fn ahead(self, at: Timestamp, now: Timestamp) -> Option<String> {
        let rough = say::rough(at, now);
        let id = match rough.unit {
            Unit::Minute => "in-minutes",
            Unit::Hour => "in-hours",
            Unit::Day => "in-days",
        };
        (!rough.past).then(|| self.say(id, &[("count", rough.count.into())]))
    }

    /// `3.1 MB`.
    pub fn size(self, bytes: u64) -> String {
        let tenths = |unit: f64| {
            let sign = self.say("decimal-sign", &[]);
            format!("{:.1}", bytes as f64 / unit).replace('.', &sign)
        };
        match bytes {
            0..1_000 => self.say("size-bytes", &[("count", bytes.into())]),
            1_000..1_000_000 => self.say("size-kilobytes", &[("count", bytes.div_ceil(1_000).into())]),
            1_000_000..1_000_000_000 => self.say("size-megabytes", &[("count", (&tenths(1e6)).into())]),
            _ => self.say("size-gigabytes", &[("count", (&tenths(1e9)).into())]),
        }
    }

    fn weekday(self, id: &str, day: DateTime) -> String {
        let number = day.weekday().to_monday_one_offset().unsigned_abs();
        self.say(id, &[("number", u64::from(number).into())])
    }

    fn month(self, id: &str, day: DateTime) -> String {
        self.say(id, &[("number", u64::from(day.month().unsigned_abs()).into())])
    }
}

fn clock(local: DateTime) -> String {
    format!("{:02}:{:02}", local.hour(), local.minute())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn german_says_times_as_germans_do() {
        let (berlin, german) = ("Europe/Berlin".parse().unwrap(), Speech::of("de"));
        let (due, now) = (at("2026-11-24T14:00:00Z"), at("2026-11-24T10:50:00Z"));
        assert_eq!(
            german.full(due, &berlin, now),
            "Dienstag, 24. November, 15:00 Uhr (Berlin), 14:00 UTC"
        );
        assert_eq!(german.stamp(due, &berlin), "Di, 24. Nov. 2026, 15:00 CET");
        assert_eq!(german.ahead(due, now).as_deref(), Some("in etwa 3 Stunden"));
        assert_eq!(german.size(3_100_000), "3,1 MB");
        assert_eq!(Speech::of("en").size(3_100_000), "3.1 MB");
        assert_eq!(Speech::of("en").size(1), "1 byte");
        let (due, now) = (at("2027-01-04T20:00:00Z"), at("2026-12-30T10:00:00Z"));
        assert_eq!(
            german.full(due, &"Pacific/Auckland".parse().unwrap(), now),
            "Dienstag, 5. Januar 2027, 09:00 Uhr (Auckland), Montag 20:00 UTC"
        );
        assert_eq!(german.ahead(now, due), None);
    }

    proptest! {
        #[test]
        fn english_says_what_every_other_door_says(
            second in 1_700_000_000i64..1_900_000_000, away in -40_000_000i64..40_000_000,
            zone in prop::sample::select(vec!["Europe/Berlin", "UTC", "America/Argentina/Buenos_Aires", "UTC+5:45", "Pacific/Auckland"]),
        ) {
            let (at, now) = (Timestamp::from_second(second).unwrap(), Timestamp::from_second(second - away).unwrap());
            let (zone, english) = (zone.parse::<Zone>().unwrap(), Speech::of("en"));
            prop_assert_eq!(english.time(at, &zone, now), say::long(at, &zone, now));
            prop_assert_eq!(english.utc(at, &zone), say::utc(at, &zone));
            prop_assert_eq!(english.stamp(at, &zone), say::stamp(at, &zone));
            if away >= 0 {
                prop_assert_eq!(english.ahead(at, now), Some(say::about(at, now)));
            }
        }
    }
}
