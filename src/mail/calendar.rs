//! Calendar parts: what an invitation, its answer or its cancellation says (RFC 5545, RFC 5546).
//!
//! Promises: one pass over the lines, every list bounded, times as instants where their zone is known and as written
//! where it is not; nothing here believes or decides. Leaves out: rules of repetition (it is said that there is one),
//! alarms, to-dos' own fields.
//!
//! Why our own: a meeting that somebody sends is twenty lines of which we want ten; the crates build the whole calendar.

use jiff::civil::{Date, DateTime, Time};
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};
use serde::{Deserialize, Serialize};

use crate::limits;
use crate::mail::header::Mailbox;

/// A calendar part, understood.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Calendar {
    /// What it wants, in capitals: `REQUEST`, `REPLY`, `COUNTER`, `CANCEL`, …; empty where it does not say.
    pub method: String,
    /// The entries, in order; repetitions that were changed stand as entries of their own.
    pub entries: Vec<Entry>,
}

/// One entry.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Names the meeting through all its changes.
    pub uid: String,
    /// Counts the changes; an answer names the one it answers.
    pub sequence: i64,
    /// What it is called.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub summary: Option<String>,
    /// Where it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub location: Option<String>,
    /// `CONFIRMED`, `TENTATIVE`, `CANCELLED`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    /// When it begins.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start: Option<Moment>,
    /// When it ends; computed where only a duration is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end: Option<Moment>,
    /// Which repetition it is about, as written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recurrence: Option<String>,
    /// Whether it repeats.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub repeats: bool,
    /// Who invites.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub organizer: Option<Mailbox>,
    /// Who is invited, each with the answer so far. In a `REPLY` this is who answers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attendees: Vec<Attendee>,
    /// What the sender wrote with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
    /// What it is about, at length.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
}

/// A time of a calendar.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Moment {
    /// The instant; of a whole day its beginning. `None` where the zone is not known here or the time floats.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Timestamp>,
    /// As it stands there, without punctuation: `20261009T150000`.
    pub written: String,
    /// The zone that it names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zone: Option<String>,
    /// A day, and no time.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub whole_day: bool,
}

/// Somebody who is invited.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attendee {
    /// Who.
    #[serde(flatten)]
    pub who: Mailbox,
    /// The answer: `ACCEPTED`, `DECLINED`, `TENTATIVE`, `DELEGATED`, `NEEDS-ACTION`.
    pub partstat: String,
}

/// One line: name, parameters, value.
struct Line {
    name: String,
    parameters: Vec<(String, String)>,
    value: String,
}

impl Line {
    fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str())
    }
}

/// Reads a calendar part; `None` if no calendar stands there.
pub fn read(text: &str) -> Option<Calendar> {
    let text = &text[..text.floor_char_boundary(limits::HTML_BYTES)];
    let mut calendar = Calendar::default();
    let mut zones = Zones::default();
    let mut inside: Vec<String> = Vec::new();
    let mut begun = false;
    let mut entry: Option<Entry> = None;
    let mut duration = None;
    for line in unfolded(text) {
        let Some(line) = line_of(&line) else { continue };
        match line.name.as_str() {
            "BEGIN" => {
                let what = line.value.trim().to_ascii_uppercase();
                begun |= what == "VCALENDAR";
                if matches!(what.as_str(), "VEVENT" | "VTODO") && calendar.entries.len() < limits::CALENDAR_ENTRIES {
                    (entry, duration) = (Some(Entry::default()), None);
                }
                if inside.len() < limits::MIME_DEPTH {
                    inside.push(what);
                }
                continue;
            }
            "END" => {
                let what = line.value.trim().to_ascii_uppercase();
                if matches!(what.as_str(), "VEVENT" | "VTODO")
                    && let Some(mut done) = entry.take()
                {
                    done.end = done.end.or_else(|| ended(done.start.as_ref()?, duration?));
                    calendar.entries.push(done);
                }
                if let Some(at) = inside.iter().rposition(|open| *open == what) {
                    inside.truncate(at);
                }
                continue;
            }
            _ => {}
        }
        match (inside.last().map(String::as_str), entry.as_mut()) {
            (Some("VCALENDAR"), _) if line.name == "METHOD" => {
                calendar.method = short(&line.value.trim().to_ascii_uppercase());
            }
            (Some("VTIMEZONE" | "STANDARD" | "DAYLIGHT"), _) => zones.learn(&line),
            (Some("VEVENT" | "VTODO"), Some(entry)) => take(entry, &mut duration, &line, &zones),
            _ => {}
        }
    }
    if let Some(cut) = entry {
        calendar.entries.push(cut);
    }
    begun.then_some(calendar)
}

fn take(entry: &mut Entry, duration: &mut Option<Span>, line: &Line, zones: &Zones) {
    let text = || Some(unescaped(&line.value)).filter(|t| !t.trim().is_empty());
    match line.name.as_str() {
        "UID" => entry.uid = short(line.value.trim()),
        "SEQUENCE" => entry.sequence = line.value.trim().parse().unwrap_or(0),
        "SUMMARY" => entry.summary = text().map(|t| short(&t)),
        "LOCATION" => entry.location = text().map(|t| short(&t)),
        "STATUS" => entry.status = Some(short(&line.value.trim().to_ascii_uppercase())),
        "DTSTART" => entry.start = moment(line, zones),
        "DTEND" | "DUE" => entry.end = moment(line, zones),
        "DURATION" => *duration = line.value.trim().parse().ok(),
        "RECURRENCE-ID" => entry.recurrence = Some(short(line.value.trim())),
        "RRULE" | "RDATE" => entry.repeats = true,
        "ORGANIZER" => entry.organizer = person(line),
        "ATTENDEE" if entry.attendees.len() < limits::ADDRESSES => {
            if let Some(who) = person(line) {
                let partstat = line.parameter("PARTSTAT").unwrap_or("NEEDS-ACTION");
                entry.attendees.push(Attendee {
                    who,
                    partstat: short(&partstat.to_ascii_uppercase()),
                });
            }
        }
        "COMMENT" => entry.comment = text(),
        "DESCRIPTION" => entry.description = text(),
        _ => {}
    }
}

fn person(line: &Line) -> Option<Mailbox> {
    let value = line.value.trim();
    let address = match value.get(..7) {
        Some(scheme) if scheme.eq_ignore_ascii_case("mailto:") => &value[7..],
        _ => line.parameter("EMAIL").unwrap_or(value),
    };
    let name = line.parameter("CN").map(|n| short(n.trim())).filter(|n| !n.is_empty());
    (!address.is_empty()).then(|| Mailbox {
        name: name.filter(|n| n != address),
        address: short(address),
    })
}

fn short(text: &str) -> String {
    text.chars()
        .filter(|c| !c.is_control())
        .take(limits::SUBJECT_CHARS)
        .collect()
}

/// Lines whose folds are undone (RFC 5545 §3.1), the longest cut, the number bounded.
fn unfolded(text: &str) -> impl Iterator<Item = String> {
    let mut lines = text
        .split('\n')
        .map(|line| line.strip_suffix('\r').unwrap_or(line))
        .peekable();
    std::iter::from_fn(move || {
        let mut whole = lines.next()?.to_owned();
        while let Some(more) = lines.next_if(|next| next.starts_with([' ', '\t'])) {
            if whole.len() < limits::HEADER_BYTES {
                whole.push_str(&more[1..]);
            }
        }
        Some(whole)
    })
    .take(limits::CALENDAR_LINES)
}

/// `NAME;PARAMETER="value":value`. Quotes are heeded: a colon inside them ends nothing.
fn line_of(line: &str) -> Option<Line> {
    let mut quoted = false;
    let colon = line.char_indices().find_map(|(at, c)| {
        quoted ^= c == '"';
        (c == ':' && !quoted).then_some(at)
    })?;
    let (head, value) = (&line[..colon], &line[colon + 1..]);
    let mut quoted = false;
    let mut pieces = head.split(|c| {
        quoted ^= c == '"';
        c == ';' && !quoted
    });
    let name = pieces.next()?.trim().to_ascii_uppercase();
    let parameters = pieces
        .take(limits::PART_HEADERS)
        .filter_map(|piece| {
            let (name, value) = piece.split_once('=')?;
            Some((name.trim().to_ascii_uppercase(), value.trim_matches('"').to_owned()))
        })
        .collect();
    Some(Line {
        name,
        parameters,
        value: value.to_owned(),
    })
}

/// Text without its escapes (RFC 5545 §3.3.11).
fn unescaped(value: &str) -> String {
    let mut out = String::with_capacity(value.len());
    let mut chars = value.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => match chars.next() {
                Some('n' | 'N') => out.push('\n'),
                Some(other) => out.push(other),
                None => {}
            },
            c => out.push(c),
        }
    }
    out
}

/// The zones that the calendar brings along: the name and the offset of its standard time.
#[derive(Default)]
struct Zones {
    names: Vec<(String, Vec<i32>)>,
}

impl Zones {
    fn learn(&mut self, line: &Line) {
        match line.name.as_str() {
            "TZID" if self.names.len() < limits::CALENDAR_ENTRIES => {
                self.names.push((line.value.trim().to_owned(), Vec::new()));
            }
            "TZOFFSETTO" => {
                if let (Some((_, offsets)), Some(offset)) = (self.names.last_mut(), offset(line.value.trim()))
                    && offsets.len() < 16
                    && !offsets.contains(&offset)
                {
                    offsets.push(offset);
                }
            }
            _ => {}
        }
    }

    /// The zone of a name: IANA's, else what Windows calls it, else the one offset that the calendar itself gives it.
    fn find(&self, name: &str) -> Option<TimeZone> {
        // Some programs put a path before the name: `/mozilla.org/20070129_1/Europe/Berlin`.
        let bare = name.trim_matches(['"', '/']);
        let tail: Vec<&str> = bare.rsplitn(3, '/').collect();
        let tail = match tail.as_slice() {
            [city, area, _] => format!("{area}/{city}"),
            _ => bare.to_owned(),
        };
        if let Some(zone) = [bare, tail.as_str()].into_iter().find_map(|n| TimeZone::get(n).ok()) {
            return Some(zone);
        }
        if let Some(iana) = plan::windows::iana(bare) {
            return TimeZone::get(iana).ok();
        }
        match self
            .names
            .iter()
            .find(|(n, _)| n == name)
            .map(|(_, offsets)| offsets.as_slice())
        {
            Some([one]) => jiff::tz::Offset::from_seconds(*one).ok().map(TimeZone::fixed),
            _ => None,
        }
    }
}

fn offset(text: &str) -> Option<i32> {
    let (sign, digits) = match text.as_bytes().first()? {
        b'-' => (-1, &text[1..]),
        b'+' => (1, &text[1..]),
        _ => (1, text),
    };
    let number = |range: std::ops::Range<usize>| digits.get(range)?.parse::<i32>().ok();
    let seconds = if digits.len() >= 6 { number(4..6)? } else { 0 };
    Some(sign * (number(0..2)? * 3_600 + number(2..4)? * 60 + seconds))
}

fn moment(line: &Line, zones: &Zones) -> Option<Moment> {
    let written = short(line.value.trim());
    let zone = line.parameter("TZID").map(short);
    let whole_day = line.parameter("VALUE") == Some("DATE") || written.len() == 8;
    let digits = |range: std::ops::Range<usize>| written.get(range)?.parse::<i16>().ok();
    let small = |range: std::ops::Range<usize>| digits(range).and_then(|n| i8::try_from(n).ok());
    let date = || Date::new(digits(0..4)?, small(4..6)?, small(6..8)?).ok();
    let time = || Time::new(small(9..11)?, small(11..13)?, small(13..15)?.min(59), 0).ok();
    let at = || {
        let tz = match &zone {
            _ if written.ends_with(['Z', 'z']) => TimeZone::UTC,
            Some(name) => zones.find(name)?,
            None => return None,
        };
        let civil = DateTime::from_parts(date()?, if whole_day { Time::midnight() } else { time()? });
        tz.to_timestamp(civil).ok()
    };
    let at = at();
    date().is_some().then(|| Moment {
        at,
        written: written.clone(),
        zone: zone.clone(),
        whole_day,
    })
}

/// The end that a duration gives; of a floating time nothing is computed.
fn ended(start: &Moment, duration: Span) -> Option<Moment> {
    let seconds = duration
        .total((jiff::Unit::Second, jiff::SpanRelativeTo::days_are_24_hours()))
        .ok()?;
    let at = start
        .at?
        .checked_add(Span::new().try_seconds(seconds as i64).ok()?)
        .ok()?;
    Some(Moment {
        at: Some(at),
        written: String::new(),
        zone: start.zone.clone(),
        whole_day: start.whole_day,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(body: &str) -> Entry {
        let text =
            format!("BEGIN:VCALENDAR\r\nMETHOD:REPLY\r\nBEGIN:VEVENT\r\n{body}\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n");
        read(&text).expect("a calendar").entries.remove(0)
    }

    #[test]
    fn an_answer_says_who_answers_what() {
        let entry = one(
            "UID:42@duly.example\r\nSEQUENCE:3\r\nDTSTART;TZID=Europe/Berlin:20261009T150000\r\nDURATION:PT1H30M\r\n\
             SUMMARY:A call\\, at last\r\nATTENDEE;CN=\"Doe; Jane\";PARTSTAT=ACCEPTED:mailto:jane@customer.exam\r\n ple\r\n\
             COMMENT:Fine\\nwith me",
        );
        assert_eq!((entry.uid.as_str(), entry.sequence), ("42@duly.example", 3));
        assert_eq!(entry.summary.as_deref(), Some("A call, at last"));
        assert_eq!(entry.attendees[0].partstat, "ACCEPTED");
        assert_eq!(entry.attendees[0].who.address, "jane@customer.example");
        assert_eq!(entry.attendees[0].who.name.as_deref(), Some("Doe; Jane"));
        assert_eq!(entry.comment.as_deref(), Some("Fine\nwith me"));
        let at = |m: &Option<Moment>| m.as_ref().and_then(|m| m.at).map(|t| t.to_string());
        assert_eq!(at(&entry.start).as_deref(), Some("2026-10-09T13:00:00Z"));
        assert_eq!(at(&entry.end).as_deref(), Some("2026-10-09T14:30:00Z"));
    }

    #[test]
    fn zones_of_windows_and_zones_that_the_calendar_brings_are_known() {
        let start = |line: &str| one(line).start.and_then(|m| m.at).map(|t| t.to_string());
        assert_eq!(
            start("DTSTART;TZID=W. Europe Standard Time:20260109T090000").as_deref(),
            Some("2026-01-09T08:00:00Z")
        );
        let own = "BEGIN:VCALENDAR\nBEGIN:VTIMEZONE\nTZID:Here\nBEGIN:STANDARD\nTZOFFSETTO:+0545\nEND:STANDARD\nEND:VTIMEZONE\nBEGIN:VEVENT\nDTSTART;TZID=Here:20260101T054500\nEND:VEVENT\nEND:VCALENDAR\n";
        let entry = read(own).expect("a calendar").entries.remove(0);
        assert_eq!(
            entry.start.and_then(|m| m.at).map(|t| t.to_string()).as_deref(),
            Some("2026-01-01T00:00:00Z")
        );
    }

    #[test]
    fn a_time_that_floats_or_a_zone_of_nowhere_is_no_instant() {
        let entry = one("DTSTART:20260109T090000\r\nDTEND;TZID=Middle Earth:20260109T100000");
        assert_eq!(entry.start.as_ref().map(|m| m.at), Some(None));
        assert_eq!(entry.end.and_then(|m| m.zone).as_deref(), Some("Middle Earth"));
    }

    #[test]
    fn what_is_no_calendar_is_none_and_what_is_broken_is_read_as_far_as_it_goes() {
        assert_eq!(read("Dear all,\nBEGIN: tomorrow"), None);
        let cut = read("BEGIN:VCALENDAR\nMETHOD:CANCEL\nBEGIN:VEVENT\nUID:x\nDTSTART:2026").expect("a calendar");
        assert_eq!((cut.method.as_str(), cut.entries[0].uid.as_str()), ("CANCEL", "x"));
        assert_eq!(cut.entries[0].start, None);
    }

    #[test]
    fn a_million_entries_are_cut() {
        let bomb = format!(
            "BEGIN:VCALENDAR\n{}",
            "BEGIN:VEVENT\nUID:x\nEND:VEVENT\n".repeat(100_000)
        );
        assert_eq!(read(&bomb).expect("a calendar").entries.len(), limits::CALENDAR_ENTRIES);
    }
}
