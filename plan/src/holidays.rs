//! Holidays out of an iCalendar file (RFC 5545): the dates on which its all-day events fall.
//!
//! Read is what files of public holidays hold: events with a date or a date and time (of which the date as written counts),
//! several days long or one, once or every year (`RRULE` with YEARLY, INTERVAL, COUNT, UNTIL, BYMONTH, BYMONTHDAY and
//! BYDAY as `4TH` or `-1MO`), `RDATE` and `EXDATE`. Cancelled events are left out. Any other repetition is refused and not
//! guessed: a holiday too few makes a promise that nobody works for. Times, zones, alarms and to-dos are not looked at.

use jiff::Span;
use jiff::civil::{Date, Weekday};
use std::collections::BTreeMap;

/// Lines of a file that are read.
const LINES: usize = 200_000;
/// Days of one event: nobody closes for longer.
const EVENT_DAYS: i32 = 366;
/// Dates that one file may make.
const DATES: usize = 4_000;

/// What is wrong with an iCalendar file, and in which line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {what}")]
pub struct Unreadable {
    /// Line, from 1.
    pub line: usize,
    /// What is wrong with it.
    pub what: String,
}

/// The dates and their names, from the first day of `from_year` to the last of `until_year`.
///
/// # Errors
/// A file that is no calendar, a date that is none, or a repetition that is not understood.
pub fn read(text: &str, from_year: i16, until_year: i16) -> Result<BTreeMap<Date, String>, Unreadable> {
    let mut dates = BTreeMap::new();
    let mut event: Option<Event> = None;
    let mut calendar = false;
    for (line, words) in unfolded(text)? {
        let Some((name, value)) = words.split_once(':') else {
            continue;
        };
        let name = name.split(';').next().unwrap_or(name).to_ascii_uppercase();
        match (
            name.as_str(),
            value.trim().to_ascii_uppercase().as_str(),
            event.as_mut(),
        ) {
            ("BEGIN", "VCALENDAR", _) => calendar = true,
            ("BEGIN", "VEVENT", _) => {
                event = Some(Event {
                    line,
                    ..Event::default()
                })
            }
            ("END", "VEVENT", Some(_)) => {
                let done = event.take().unwrap_or_default();
                done.into_dates(from_year, until_year, &mut dates)?;
            }
            (_, _, Some(event)) => event.take_line(&name, value.trim(), line)?,
            _ => {}
        }
        if dates.len() > DATES {
            let what = format!("more than {DATES} holidays are more than one calendar takes");
            return Err(Unreadable { line, what });
        }
    }
    match calendar {
        true => Ok(dates),
        false => Err(Unreadable {
            line: 1,
            what: "this is no iCalendar file: BEGIN:VCALENDAR is missing".into(),
        }),
    }
}

/// Lines with their continuations (RFC 5545 §3.1) and their numbers.
pub(crate) fn unfolded(text: &str) -> Result<Vec<(usize, String)>, Unreadable> {
    let mut lines: Vec<(usize, String)> = Vec::new();
    for (at, line) in text.lines().enumerate() {
        if at >= LINES {
            let what = format!("more than {LINES} lines are not read");
            return Err(Unreadable { line: at + 1, what });
        }
        match (line.strip_prefix([' ', '\t']), lines.last_mut()) {
            (Some(rest), Some((_, before))) => before.push_str(rest),
            _ => lines.push((at + 1, line.to_owned())),
        }
    }
    Ok(lines)
}

#[derive(Default)]
struct Event {
    line: usize,
    begin: Option<Date>,
    end: Option<Date>,
    days: Option<i32>,
    rule: Option<(usize, String)>,
    also: Vec<Date>,
    except: Vec<Date>,
    name: String,
    cancelled: bool,
}

impl Event {
    fn take_line(&mut self, name: &str, value: &str, line: usize) -> Result<(), Unreadable> {
        let date =
            |text: &str| date_of(text).ok_or_else(|| unreadable(line, format!("\"{}\" is no date", short(text))));
        match name {
            "DTSTART" => self.begin = Some(date(value)?),
            "DTEND" => {
                // A day ends at the midnight behind it; an hour on the same day is that day.
                let end = date(value)?;
                let past_midnight = value.contains('T') && !value.contains("T000000");
                self.end = Some(match past_midnight {
                    true => end.tomorrow().unwrap_or(end),
                    false => end,
                });
            }
            "DURATION" => {
                let days = value
                    .strip_prefix('P')
                    .and_then(|rest| rest.strip_suffix('D')?.parse::<i32>().ok());
                self.days = days;
            }
            "RRULE" => self.rule = Some((line, value.to_owned())),
            "RDATE" => self
                .also
                .extend(value.split(',').map(date).collect::<Result<Vec<_>, _>>()?),
            "EXDATE" => self
                .except
                .extend(value.split(',').map(date).collect::<Result<Vec<_>, _>>()?),
            "SUMMARY" => {
                self.name = value
                    .replace("\\,", ",")
                    .replace("\\;", ";")
                    .chars()
                    .take(200)
                    .collect()
            }
            "STATUS" => self.cancelled = value.eq_ignore_ascii_case("cancelled"),
            _ => {}
        }
        Ok(())
    }

    fn into_dates(self, from_year: i16, until_year: i16, dates: &mut BTreeMap<Date, String>) -> Result<(), Unreadable> {
        if self.cancelled {
            return Ok(());
        }
        let begin = self
            .begin
            .ok_or_else(|| unreadable(self.line, "this event has no DTSTART".into()))?;
        let days = match self.end {
            Some(end) => begin.until(end).map_or(1, |span| span.get_days()),
            None => self.days.unwrap_or(1),
        }
        .max(1);
        if days > EVENT_DAYS {
            return Err(unreadable(self.line, format!("an event of {days} days is no holiday")));
        }
        let mut begins = match &self.rule {
            Some((line, rule)) => Rule::read(rule, *line)?.dates(begin, until_year),
            None => vec![begin],
        };
        begins.extend(&self.also);
        begins.retain(|date| !self.except.contains(date));
        for first in begins {
            let days = (0..days).filter_map(|day| first.checked_add(Span::new().try_days(day).ok()?).ok());
            for date in days.filter(|date| (from_year..=until_year).contains(&date.year())) {
                dates.insert(date, self.name.clone());
            }
        }
        Ok(())
    }
}

pub(crate) fn unreadable(line: usize, what: String) -> Unreadable {
    Unreadable { line, what }
}

pub(crate) fn short(text: &str) -> String {
    text.chars().take(60).collect()
}

/// The date of `20261225` or `20261225T090000Z`.
pub(crate) fn date_of(text: &str) -> Option<Date> {
    let digits = text
        .get(..8)
        .filter(|digits| digits.bytes().all(|b| b.is_ascii_digit()))?;
    if text.len() > 8 && !text[8..].starts_with('T') {
        return None;
    }
    let number = |part: &str| part.parse::<i16>().ok();
    Date::new(
        number(&digits[..4])?,
        number(&digits[4..6])? as i8,
        number(&digits[6..])? as i8,
    )
    .ok()
}

/// Every so many years, on a date or on a weekday of a month.
struct Rule {
    interval: i16,
    count: Option<usize>,
    until: Option<Date>,
    months: Vec<i8>,
    month_days: Vec<i8>,
    weekdays: Vec<(i8, Weekday)>,
}

impl Rule {
    fn read(text: &str, line: usize) -> Result<Rule, Unreadable> {
        let wrong = || unreadable(line, format!("the repetition \"{}\" is not understood", short(text)));
        let mut rule = Rule {
            interval: 1,
            count: None,
            until: None,
            months: Vec::new(),
            month_days: Vec::new(),
            weekdays: Vec::new(),
        };
        let mut yearly = false;
        for part in text.split(';').filter(|part| !part.is_empty()) {
            let (name, value) = part.split_once('=').ok_or_else(wrong)?;
            match name.to_ascii_uppercase().as_str() {
                "FREQ" => yearly = value.eq_ignore_ascii_case("yearly"),
                "INTERVAL" => rule.interval = value.parse().ok().filter(|years| *years > 0).ok_or_else(wrong)?,
                "COUNT" => rule.count = Some(value.parse().map_err(|_| wrong())?),
                "UNTIL" => rule.until = Some(date_of(value).ok_or_else(wrong)?),
                "BYMONTH" => rule.months = numbers(value, 1, 12).ok_or_else(wrong)?,
                "BYMONTHDAY" => rule.month_days = numbers(value, -31, 31).ok_or_else(wrong)?,
                "BYDAY" => {
                    let days = value.split(',').map(weekday_of).collect::<Option<Vec<_>>>();
                    rule.weekdays = days.ok_or_else(wrong)?;
                }
                "WKST" => {}
                _ => return Err(wrong()),
            }
        }
        // A weekday without its month would mean the n-th of the year.
        let monthless = !rule.weekdays.is_empty() && rule.months.is_empty();
        let both = !rule.weekdays.is_empty() && !rule.month_days.is_empty();
        if !yearly || monthless || both {
            Err(wrong())
        } else {
            Ok(rule)
        }
    }

    fn dates(&self, begin: Date, until_year: i16) -> Vec<Date> {
        let mut dates = Vec::new();
        let mut year = begin.year();
        while year <= until_year && dates.len() <= DATES {
            let mut of_year = self.of_year(year, begin);
            of_year.sort_unstable();
            dates.extend(of_year.into_iter().filter(|date| *date >= begin));
            let Some(next) = year.checked_add(self.interval) else {
                break;
            };
            year = next;
        }
        dates.retain(|date| self.until.is_none_or(|until| *date <= until));
        dates.truncate(self.count.unwrap_or(usize::MAX));
        dates
    }

    fn of_year(&self, year: i16, begin: Date) -> Vec<Date> {
        let own = [begin.month()];
        let months = if self.months.is_empty() { &own } else { &self.months[..] };
        let mut dates = Vec::new();
        for &month in months {
            let Ok(first) = Date::new(year, month, 1) else { continue };
            for &(nth, weekday) in &self.weekdays {
                dates.extend(first.nth_weekday_of_month(nth, weekday));
            }
            for &day in &self.month_days {
                let day = if day < 0 { first.days_in_month() + 1 + day } else { day };
                dates.extend(Date::new(year, month, day));
            }
            if self.weekdays.is_empty() && self.month_days.is_empty() {
                // 29 February happens in leap years only (RFC 5545 §3.3.10: invalid dates are ignored).
                dates.extend(Date::new(year, month, begin.day()));
            }
        }
        dates
    }
}

fn numbers(text: &str, least: i8, most: i8) -> Option<Vec<i8>> {
    let one = |part: &str| {
        part.trim()
            .parse::<i8>()
            .ok()
            .filter(|n| (least..=most).contains(n) && *n != 0)
    };
    text.split(',').map(one).collect()
}

/// `4TH`, `-1MO`, `+1SU`.
fn weekday_of(text: &str) -> Option<(i8, Weekday)> {
    let text = text.trim();
    let (nth, day) = text.split_at_checked(text.len().checked_sub(2)?)?;
    let nth: i8 = nth.strip_prefix('+').unwrap_or(nth).parse().ok()?;
    (nth != 0 && nth.abs() <= 5).then_some((nth, crate::recur::weekday(day)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn calendar(events: &str) -> String {
        format!("BEGIN:VCALENDAR\r\nVERSION:2.0\r\n{events}END:VCALENDAR\r\n")
    }

    fn event(lines: &str) -> String {
        calendar(&format!(
            "BEGIN:VEVENT\r\n{}\r\nEND:VEVENT\r\n",
            lines.replace(' ', "\r\n")
        ))
    }

    fn dates(lines: &str) -> Vec<String> {
        let read = read(&event(lines), 2024, 2028).unwrap();
        read.keys().map(Date::to_string).collect()
    }

    #[test]
    fn an_event_of_a_day_is_that_day_and_one_of_two_is_both() {
        assert_eq!(dates("DTSTART;VALUE=DATE:20261225 SUMMARY:Christmas"), ["2026-12-25"]);
        assert_eq!(
            dates("DTSTART;VALUE=DATE:20261225 DTEND;VALUE=DATE:20261227"),
            ["2026-12-25", "2026-12-26"]
        );
        assert_eq!(dates("DTSTART:20261225T090000Z DTEND:20261225T170000Z"), ["2026-12-25"]);
        assert_eq!(
            dates("DTSTART;VALUE=DATE:20261225 DURATION:P2D"),
            ["2026-12-25", "2026-12-26"]
        );
        assert_eq!(dates("DTSTART;VALUE=DATE:20261225 STATUS:CANCELLED"), [""; 0]);
    }

    #[test]
    fn a_holiday_of_every_year_falls_on_its_date_or_its_weekday() {
        assert_eq!(
            dates("DTSTART;VALUE=DATE:20200101 RRULE:FREQ=YEARLY EXDATE;VALUE=DATE:20260101"),
            ["2024-01-01", "2025-01-01", "2027-01-01", "2028-01-01"]
        );
        assert_eq!(
            dates("DTSTART;VALUE=DATE:20241128 RRULE:FREQ=YEARLY;BYMONTH=11;BYDAY=4TH"),
            ["2024-11-28", "2025-11-27", "2026-11-26", "2027-11-25", "2028-11-23"]
        );
        assert_eq!(
            dates("DTSTART;VALUE=DATE:20240527 RRULE:FREQ=YEARLY;BYMONTH=5;BYDAY=-1MO;COUNT=2"),
            ["2024-05-27", "2025-05-26"]
        );
        assert_eq!(
            dates("DTSTART;VALUE=DATE:20240229 RRULE:FREQ=YEARLY"),
            ["2024-02-29", "2028-02-29"]
        );
        assert_eq!(
            dates("DTSTART;VALUE=DATE:20240101 RRULE:FREQ=YEARLY;INTERVAL=2;UNTIL=20270101"),
            ["2024-01-01", "2026-01-01"]
        );
    }

    #[test]
    fn a_folded_line_is_read_whole_and_a_name_is_kept() {
        let text = calendar(
            "BEGIN:VEVENT\r\nDTSTART;VALUE=DATE:2026\r\n 1003\r\nSUMMARY:Tag der\r\n  Einheit\r\nEND:VEVENT\r\n",
        );
        let read = read(&text, 2026, 2026).unwrap();
        assert_eq!(read[&Date::constant(2026, 10, 3)], "Tag der Einheit");
    }

    #[test]
    fn what_is_not_understood_is_refused_with_its_line() {
        let said = |text: &str| read(text, 2026, 2027).unwrap_err().to_string();
        assert!(said("hello").contains("BEGIN:VCALENDAR"));
        assert!(said(&event("DTSTART;VALUE=DATE:20261332")).starts_with("line 4: \"20261332\" is no date"));
        assert!(said(&event("DTSTART;VALUE=DATE:20261225 RRULE:FREQ=WEEKLY")).starts_with("line 5: the repetition"));
        assert!(said(&event("SUMMARY:Nothing")).contains("no DTSTART"));
        assert!(said(&event("DTSTART;VALUE=DATE:20260101 DTEND;VALUE=DATE:20280101")).contains("730 days"));
    }
}
