//! The time that a person's own calendar takes, out of an iCalendar file (RFC 5545): leave, meetings, time to concentrate.
//!
//! Read are events with `DTSTART` and `DTEND` or `DURATION`, all-day or with a time, in UTC, in a named zone or in that of
//! the person, with `RRULE` (see [`recur`](crate::recur)), `RDATE`, `EXDATE` and single instances that were moved
//! (`RECURRENCE-ID`). An event takes no time if it is cancelled, transparent, marked as free or as work elsewhere, or of the
//! category ON-CALL: who is on call is there. Everything else takes its time. What is not understood is refused with its line
//! and not guessed: an hour too many promises what nobody works for.
//!
//! What an event is about is not read: only when it is.

use crate::holidays::{Unreadable, date_of, short, unfolded, unreadable};
use crate::interval::{Interval, Minute};
use crate::recur::{Rule, STEPS, Until};
use crate::windows;
use crate::zone::Zone;
use jiff::civil::{Date, DateTime};
use jiff::{SignedDuration, Timestamp, ToSpan};
use std::collections::{BTreeMap, BTreeSet};

/// Minutes of one event: nobody is away for longer by one entry.
const EVENT_MINUTES: i64 = 366 * 24 * 60;
/// Minutes from which on an event is leave: whoever has begun a case is not waited for.
const LEAVE_MINUTES: i64 = 22 * 60;

/// Time that one event takes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Taken {
    /// When.
    pub at: Interval,
    /// The event's name, by which a file that is read again replaces it.
    pub uid: String,
    /// The person is not there, rather than busy for a while.
    pub is_leave: bool,
}

/// What a file says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Agenda {
    /// Every event that it names, also those that take no time.
    pub uids: BTreeSet<String>,
    /// What they take, in order of time.
    pub taken: Vec<Taken>,
}

/// Reads a file. Times without a zone, and whole days, are those of `zone`. Told is what lies inside of `window`, at most
/// `most` entries.
///
/// # Errors
/// A file that is no calendar; an event without a name, a time or an end that makes sense; a zone or a repetition that is not
/// understood; more than `most`.
pub fn read(text: &str, zone: &Zone, window: Interval, most: usize) -> Result<Agenda, Unreadable> {
    let lines = unfolded(text)?;
    let reader = Reader {
        zones: Zones::of(&lines, zone),
        window,
        most,
    };
    let events = reader.events(&lines)?;
    let mut moved: BTreeMap<&str, Vec<Timestamp>> = BTreeMap::new();
    for event in &events {
        moved.entry(&event.uid).or_default().extend(event.instead_of);
    }
    let mut agenda = Agenda::default();
    let mut steps = STEPS;
    for event in &events {
        agenda.uids.insert(event.uid.clone());
        if !event.takes_time {
            continue;
        }
        let moved = moved.get(event.uid.as_str()).map_or(&[][..], Vec::as_slice);
        for at in reader.times(event, moved, &mut steps)? {
            agenda.taken.push(Taken {
                at,
                uid: event.uid.clone(),
                is_leave: event.is_out || at.minutes() >= LEAVE_MINUTES,
            });
            if agenda.taken.len() > most {
                let what = format!("more than {most} entries are more than one person's calendar takes");
                return Err(unreadable(event.line, what));
            }
        }
    }
    agenda.taken.sort();
    agenda.taken.dedup();
    Ok(agenda)
}

/// A time as it stands in the file.
#[derive(Debug, Clone)]
struct When {
    local: DateTime,
    zone: Zone,
    is_date: bool,
}

impl When {
    fn instant(&self, line: usize) -> Result<Timestamp, Unreadable> {
        let out_of_range = || unreadable(line, format!("\"{}\" is beyond all calendars", self.local));
        self.zone.instant(self.local).ok_or_else(out_of_range)
    }
}

#[derive(Debug, Default)]
struct Event {
    line: usize,
    uid: String,
    begin: Option<When>,
    end: Option<When>,
    length: Option<(i64, SignedDuration)>,
    rule: Option<(usize, Rule)>,
    also: Vec<(When, Option<i64>)>,
    except: Vec<When>,
    instead_of: Option<Timestamp>,
    takes_time: bool,
    is_out: bool,
}

struct Reader {
    zones: Zones,
    window: Interval,
    most: usize,
}

impl Reader {
    fn events(&self, lines: &[(usize, String)]) -> Result<Vec<Event>, Unreadable> {
        let mut events = Vec::new();
        let mut event: Option<Event> = None;
        let mut inner = 0_usize;
        let mut is_calendar = false;
        for (line, words) in lines {
            let Some((name, parameters, value)) = split(words) else {
                continue;
            };
            match (name.as_str(), value.to_ascii_uppercase().as_str(), event.as_mut()) {
                ("BEGIN", "VCALENDAR", _) => is_calendar = true,
                ("BEGIN", "VEVENT", None) => {
                    event = Some(Event {
                        line: *line,
                        takes_time: true,
                        ..Event::default()
                    });
                }
                ("BEGIN", "VEVENT", Some(_)) => return Err(unreadable(*line, "an event begins in another one".into())),
                // Alarms stand inside of events and have times of their own.
                ("BEGIN", _, Some(_)) => inner += 1,
                ("END", "VEVENT", Some(_)) => {
                    events.push(event.take().unwrap_or_default().checked()?);
                    inner = 0;
                }
                ("END", _, Some(_)) => inner = inner.saturating_sub(1),
                (_, _, Some(event)) if inner == 0 => self.take_line(event, &name, &parameters, value, *line)?,
                _ => {}
            }
            if events.len() > self.most {
                let what = format!(
                    "more than {} events are more than one person's calendar takes",
                    self.most
                );
                return Err(unreadable(*line, what));
            }
        }
        match (is_calendar, event) {
            (false, _) => Err(unreadable(
                1,
                "this is no iCalendar file: BEGIN:VCALENDAR is missing".into(),
            )),
            (true, Some(event)) => Err(unreadable(
                event.line,
                "this event does not end: the file is cut off".into(),
            )),
            (true, None) => Ok(events),
        }
    }

    fn take_line(
        &self,
        event: &mut Event,
        name: &str,
        parameters: &[(String, String)],
        value: &str,
        line: usize,
    ) -> Result<(), Unreadable> {
        let when = |text: &str| self.when(text, parameters, line);
        match name {
            "UID" => event.uid = value.chars().take(1_000).collect(),
            "DTSTART" => event.begin = Some(when(value)?),
            "DTEND" => event.end = Some(when(value)?),
            "DURATION" => event.length = Some(length_of(value).ok_or_else(|| no_length(value, line))?),
            "RRULE" => event.rule = Some((line, rule_of(value, line)?)),
            "EXDATE" => {
                for one in value.split(',').take(self.most) {
                    event.except.push(when(one)?);
                }
            }
            "RDATE" => {
                for one in value.split(',').take(self.most) {
                    event.also.push(self.period(one, parameters, line)?);
                }
            }
            "RECURRENCE-ID" => {
                if parameters.iter().any(|(name, _)| name == "RANGE") {
                    let what = "an instance that moves all later ones is not understood: export the calendar anew";
                    return Err(unreadable(line, what.into()));
                }
                event.instead_of = Some(when(value)?.instant(line)?);
            }
            "STATUS" if value.eq_ignore_ascii_case("CANCELLED") => event.takes_time = false,
            "TRANSP" if value.eq_ignore_ascii_case("TRANSPARENT") => event.takes_time = false,
            "X-MICROSOFT-CDO-BUSYSTATUS" => match value.to_ascii_uppercase().as_str() {
                "FREE" | "WORKINGELSEWHERE" => event.takes_time = false,
                "OOF" => event.is_out = true,
                _ => {}
            },
            "CATEGORIES" => {
                let on_call =
                    |one: &str| ["ON-CALL", "ON CALL", "ONCALL"].contains(&one.trim().to_uppercase().as_str());
                if value.split(',').any(on_call) {
                    event.takes_time = false;
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// `20261225`, `20261225T090000` in a zone, `20261225T080000Z`.
    fn when(&self, text: &str, parameters: &[(String, String)], line: usize) -> Result<When, Unreadable> {
        let text = text.trim();
        let wrong = || unreadable(line, format!("\"{}\" is no date and no time", short(text)));
        let date = date_of(text).ok_or_else(wrong)?;
        if text.len() == 8 {
            return Ok(When {
                local: date.at(0, 0, 0, 0),
                zone: self.zones.own.clone(),
                is_date: true,
            });
        }
        let (time, is_utc) = match text[9..].strip_suffix(['Z', 'z']) {
            Some(time) => (time, true),
            None => (&text[9..], false),
        };
        let named = parameters.iter().find(|(name, _)| name == "TZID");
        let zone = match (is_utc, named) {
            (true, _) => Zone::UTC,
            (false, None) => self.zones.own.clone(),
            (false, Some((_, name))) => self.zones.called(name).ok_or_else(|| {
                let what = format!(
                    "the zone \"{}\" is not known; write one such as Europe/Berlin",
                    short(name)
                );
                unreadable(line, what)
            })?,
        };
        Ok(When {
            local: clock(date, time).ok_or_else(wrong)?,
            zone,
            is_date: false,
        })
    }

    /// A time of RDATE, or a time with an end or a length of its own.
    fn period(
        &self,
        text: &str,
        parameters: &[(String, String)],
        line: usize,
    ) -> Result<(When, Option<i64>), Unreadable> {
        let Some((begin, end)) = text.split_once('/') else {
            return Ok((self.when(text, parameters, line)?, None));
        };
        let begin = self.when(begin, parameters, line)?;
        let from = begin.instant(line)?;
        let until = match end.starts_with(['P', 'p', '+']) {
            true => {
                let (days, rest) = length_of(end).ok_or_else(|| no_length(end, line))?;
                later(&begin, days, rest, line)?
            }
            false => self.when(end, parameters, line)?.instant(line)?,
        };
        let minutes = (until.as_second() - from.as_second()).div_euclid(60);
        Ok((begin, Some(minutes)))
    }

    /// The minutes of every instance that reaches into the window.
    fn times(&self, event: &Event, moved: &[Timestamp], steps: &mut usize) -> Result<Vec<Interval>, Unreadable> {
        let Some(begin) = &event.begin else {
            return Ok(Vec::new());
        };
        let from = begin.instant(event.line)?;
        let lasts = event.lasts(begin, from)?;
        let mut found = Vec::new();
        let mut starts = vec![(begin.local, None)];
        if let Some((line, rule)) = &event.rule {
            starts = self.repeated(begin, rule, &lasts, *line, steps)?;
        }
        starts.extend(
            event
                .also
                .iter()
                .map(|(when, minutes)| (in_zone(when, &begin.zone), *minutes)),
        );
        for (local, own) in starts {
            let when = When { local, ..begin.clone() };
            let start = when.instant(event.line)?;
            let is_off = |except: &When| match except.is_date {
                true => except.local.date() == local.date(),
                false => except.instant(event.line) == Ok(start),
            };
            let is_moved = event.instead_of.is_none() && moved.contains(&start);
            if is_moved || event.except.iter().any(is_off) {
                continue;
            }
            let end = match (own, &lasts) {
                (Some(minutes), _) => start + SignedDuration::from_mins(minutes.clamp(0, EVENT_MINUTES)),
                (None, Lasts::Days(days)) => later(&when, *days, SignedDuration::ZERO, event.line)?,
                (None, Lasts::Exactly(long)) => start + *long,
            };
            let at = Interval::new(start.as_second().div_euclid(60), whole_minute(end)).within(self.window);
            if at.minutes() > 0 {
                found.push(at);
            }
        }
        Ok(found)
    }

    /// The beginnings that a rule makes, as they read in the zone of the first.
    fn repeated(
        &self,
        begin: &When,
        rule: &Rule,
        lasts: &Lasts,
        line: usize,
        steps: &mut usize,
    ) -> Result<Vec<(DateTime, Option<i64>)>, Unreadable> {
        let date = |minute: Minute| {
            let at = Timestamp::from_second(minute.saturating_mul(60)).unwrap_or(Timestamp::MAX);
            begin.zone.local(at).date()
        };
        // An instance that began before the window reaches into it as long as it lasts.
        let from = date(self.window.from - lasts.minutes() - 24 * 60);
        let days = rule.days(begin.local.date(), from, date(self.window.to), steps);
        let days = days.ok_or_else(|| unreadable(line, "this repeats more often than is counted".into()))?;
        let is_before_end = |local: &DateTime| match rule.until {
            None => true,
            Some(Until::Date(last)) => local.date() <= last,
            Some(Until::Local(last)) => *local <= last,
            Some(Until::Instant(last)) => begin.zone.instant(*local).is_some_and(|at| at <= last),
        };
        let time = begin.local.time();
        let starts = days.into_iter().map(|day| day.to_datetime(time)).filter(is_before_end);
        Ok(starts.map(|local| (local, None)).collect())
    }
}

/// How long each instance of an event is: whole days follow the clock on the wall, times do not.
enum Lasts {
    Days(i64),
    Exactly(SignedDuration),
}

impl Lasts {
    fn minutes(&self) -> i64 {
        match self {
            Lasts::Days(days) => days * 24 * 60,
            Lasts::Exactly(long) => long.as_mins(),
        }
    }
}

impl Event {
    fn checked(self) -> Result<Event, Unreadable> {
        if self.uid.is_empty() {
            let what = "this event has no UID: a file that is read again could not replace it";
            return Err(unreadable(self.line, what.into()));
        }
        match self.begin {
            Some(_) => Ok(self),
            None => Err(unreadable(self.line, "this event has no DTSTART".into())),
        }
    }

    fn lasts(&self, begin: &When, from: Timestamp) -> Result<Lasts, Unreadable> {
        let lasts = match (&self.end, self.length) {
            (Some(end), _) if begin.is_date => {
                let until = end.local.date();
                Lasts::Days(until.duration_since(begin.local.date()).as_hours() / 24)
            }
            (Some(end), _) => Lasts::Exactly(end.instant(self.line)?.duration_since(from)),
            (None, Some((days, rest))) if begin.is_date && rest.is_zero() => Lasts::Days(days),
            (None, Some((days, rest))) => Lasts::Exactly(later(begin, days, rest, self.line)?.duration_since(from)),
            (None, None) if begin.is_date => Lasts::Days(1),
            (None, None) => Lasts::Exactly(SignedDuration::ZERO),
        };
        match lasts.minutes() {
            minutes if minutes < 0 => Err(unreadable(self.line, "this event ends before it begins".into())),
            minutes if minutes > EVENT_MINUTES => Err(unreadable(self.line, "this event is longer than a year".into())),
            _ => Ok(lasts),
        }
    }
}

/// So many days later by the clock on the wall, and then so long.
fn later(begin: &When, days: i64, rest: SignedDuration, line: usize) -> Result<Timestamp, Unreadable> {
    let out_of_range = || unreadable(line, "this event is longer than a year".into());
    if days.abs() > 366 || rest.abs() > SignedDuration::from_hours(366 * 24) {
        return Err(out_of_range());
    }
    let local = begin.local.checked_add(days.days()).map_err(|_| out_of_range())?;
    let at = begin.zone.instant(local).ok_or_else(out_of_range)?;
    at.checked_add(rest).map_err(|_| out_of_range())
}

/// A time as it reads in another zone.
fn in_zone(when: &When, zone: &Zone) -> DateTime {
    match when.is_date {
        true => when.local,
        false => when.zone.instant(when.local).map_or(when.local, |at| zone.local(at)),
    }
}

fn whole_minute(at: Timestamp) -> Minute {
    (at.as_second() + 59).div_euclid(60)
}

fn clock(date: Date, time: &str) -> Option<DateTime> {
    let is_digits = time.len() == 6 && time.bytes().all(|b| b.is_ascii_digit());
    let part = |at: usize| time.get(at..at + 2)?.parse::<i8>().ok();
    if !is_digits {
        return None;
    }
    // A leap second is the one before it.
    DateTime::new(
        date.year(),
        date.month(),
        date.day(),
        part(0)?,
        part(2)?,
        part(4)?.min(59),
        0,
    )
    .ok()
}

fn rule_of(value: &str, line: usize) -> Result<Rule, Unreadable> {
    let until = |text: &str| {
        let date = date_of(text)?;
        Some(match text.get(9..) {
            None => Until::Date(date),
            Some(time) => match time.strip_suffix(['Z', 'z']) {
                Some(time) => Until::Instant(Zone::UTC.instant(clock(date, time)?)?),
                None => Until::Local(clock(date, time)?),
            },
        })
    };
    let wrong = || unreadable(line, format!("the repetition \"{}\" is not understood", short(value)));
    Rule::read(value, until).ok_or_else(wrong)
}

fn no_length(value: &str, line: usize) -> Unreadable {
    unreadable(line, format!("\"{}\" is no length", short(value)))
}

/// `P2W`, `P1D`, `PT1H30M`: days, and what is counted exactly.
fn length_of(text: &str) -> Option<(i64, SignedDuration)> {
    let text = text.trim().to_ascii_uppercase();
    let rest = text.strip_prefix('+').unwrap_or(&text).strip_prefix('P')?;
    let (mut days, mut seconds, mut digits, mut in_time, mut parts) = (0_i64, 0_i64, String::new(), false, 0);
    for letter in rest.chars() {
        if letter.is_ascii_digit() && digits.len() < 9 {
            digits.push(letter);
            continue;
        }
        if letter == 'T' && digits.is_empty() && !in_time {
            in_time = true;
            continue;
        }
        let number: i64 = digits.parse().ok()?;
        digits.clear();
        parts += 1;
        match (letter, in_time) {
            ('W', false) => days = days.checked_add(number * 7)?,
            ('D', false) => days = days.checked_add(number)?,
            ('H', true) => seconds += number * 3600,
            ('M', true) => seconds += number * 60,
            ('S', true) => seconds += number,
            _ => return None,
        }
    }
    (digits.is_empty() && parts > 0).then(|| (days, SignedDuration::from_secs(seconds)))
}

/// Names and values behind a property's name.
type Parameters = Vec<(String, String)>;

/// Name, parameters and value of a line; a parameter in quotes may hold colons.
fn split(words: &str) -> Option<(String, Parameters, &str)> {
    let mut quoted = false;
    let ends = |&(_, letter): &(usize, char)| {
        quoted ^= letter == '"';
        letter == ':' && !quoted
    };
    let (colon, _) = words.char_indices().find(ends)?;
    let mut quoted = false;
    let mut parts = words[..colon].split(|letter: char| {
        quoted ^= letter == '"';
        letter == ';' && !quoted
    });
    let name = parts.next()?.trim().to_ascii_uppercase();
    let parameter = |part: &str| {
        let (name, value) = part.split_once('=')?;
        Some((name.trim().to_ascii_uppercase(), value.trim_matches('"').to_owned()))
    };
    let parameters = parts.filter_map(parameter).collect();
    Some((name, parameters, words[colon + 1..].trim()))
}

/// Zones by the names that a file has for them.
struct Zones {
    own: Zone,
    named: BTreeMap<String, Zone>,
}

impl Zones {
    /// Zones that the file itself describes: by the place that it names, or by their offset if they have but one.
    fn of(lines: &[(usize, String)], own: &Zone) -> Zones {
        let mut named = BTreeMap::new();
        let (mut id, mut place, mut offsets) = (None, None, BTreeSet::new());
        for (name, _, value) in lines.iter().filter_map(|(_, words)| split(words)) {
            match (name.as_str(), value.to_ascii_uppercase().as_str()) {
                ("BEGIN", "VTIMEZONE") => (id, place, offsets) = (None, None, BTreeSet::new()),
                ("TZID", _) => id = Some(value.to_owned()),
                ("X-LIC-LOCATION", _) => place = value.parse::<Zone>().ok(),
                ("TZOFFSETTO", _) => _ = offsets.insert(value.to_owned()),
                ("END", "VTIMEZONE") => {
                    let only = offsets.first().filter(|_| offsets.len() == 1);
                    let fixed = only.and_then(|offset| offset_of(offset));
                    if let (Some(id), Some(zone)) = (id.take(), place.take().or(fixed)) {
                        named.insert(id, zone);
                    }
                }
                _ => {}
            }
        }
        let own = own.clone();
        Zones { own, named }
    }

    fn called(&self, name: &str) -> Option<Zone> {
        let known = |name: &str| name.parse::<Zone>().ok();
        let bare = name.trim_start_matches('/');
        // Some programs write "/example.org/20260101/Europe/Berlin".
        let tail = |parts: usize| {
            let cut: Vec<&str> = bare.rsplitn(parts + 1, '/').take(parts).collect();
            known(&cut.into_iter().rev().collect::<Vec<_>>().join("/"))
        };
        let windows = || windows::iana(bare).and_then(known);
        known(bare)
            .or_else(windows)
            .or_else(|| self.named.get(name).cloned())
            .or_else(|| tail(3))
            .or_else(|| tail(2))
    }
}

/// `+0545`.
fn offset_of(text: &str) -> Option<Zone> {
    let is_west = text.starts_with('-');
    let digits = text.trim_start_matches(['+', '-']);
    let hours: i32 = digits.get(..2)?.parse().ok()?;
    let minutes: i32 = digits.get(2..4)?.parse().ok()?;
    let all = hours * 60 + minutes;
    Zone::fixed(if is_west { -all } else { all })
}

#[cfg(test)]
mod tests;
