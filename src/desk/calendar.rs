//! Named calendars: hours, zone, holidays and exceptions, kept in versions (I12 of the design's SECURITY.md §4.4).
//!
//! A version is added and never changed, so that a promise can name the one its date was computed with. `desk` is the
//! calendar of the settings and `24x7` has no closed hour; both are entered when the desk starts. All others are written
//! by leads, from a file of hours or with the holidays of an iCalendar file.

use super::Desk;
use super::feed::FeedRow;
use super::ledger::{self, Actor, event};
use crate::limits;
use crate::refusal::{Outcome, Refusal};
use crate::store::{Tx, values};
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use plan::{Calendar, Hours, Window, Zone};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::collections::BTreeMap;

/// The calendar of the settings.
pub const DESK: &str = "desk";
/// The calendar that never closes.
pub const ALWAYS: &str = "24x7";

/// The newest version of a named calendar.
#[derive(Debug, Clone)]
pub struct Named {
    /// Number of the version's row: what a promise names.
    pub version: i64,
    /// Number of the version within its calendar, from 1.
    pub number: i64,
    /// Its name.
    pub name: String,
    /// The hours.
    pub calendar: Calendar,
}

/// A calendar as lists show it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct CalendarRow {
    /// Its name.
    pub name: String,
    /// Number of its newest version.
    pub version: i64,
    /// Zone in which its hours are read.
    pub zone: String,
    /// Hours of a plain week.
    pub hours: String,
    /// Holidays and exceptions in it.
    pub special_dates: usize,
    /// Where the version came from: settings, or whose file.
    pub source: String,
    /// When it was made.
    pub made: Timestamp,
    /// By whom.
    pub by: String,
    /// The whole calendar, as `duly due` takes it.
    pub calendar: serde_json::Value,
    /// The feed that it follows.
    pub feed: Option<FeedRow>,
}

/// A calendar as a person writes it into a file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    zone: String,
    hours: String,
    #[serde(default)]
    holidays: Vec<String>,
    #[serde(default)]
    exceptions: BTreeMap<String, String>,
}

/// Enters the calendars of the settings, where they changed since the last start; returns the desk's.
pub fn enter_own(tx: &mut Tx<'_>, now: Timestamp, desk: &Desk) -> Outcome<Named> {
    let always = Calendar::new(Zone::UTC, Hours::always());
    let mut enter = |name, calendar: &Calendar| match newest(tx, name)? {
        Some(known) if known.calendar == *calendar => Ok(known),
        _ => write(tx, now, Actor::Desk, name, calendar, "settings"),
    };
    enter(ALWAYS, &always)?;
    enter(DESK, &desk.calendar)
}

/// The newest version of a calendar.
pub fn newest(tx: &mut Tx<'_>, name: &str) -> Outcome<Option<Named>> {
    let row = tx.first(
        "SELECT v.id, v.number, v.form FROM calendar_version v JOIN calendar c ON c.id = v.calendar
         WHERE c.name = $1 ORDER BY v.number DESC LIMIT 1",
        &values![name],
    )?;
    row.map(|row| {
        let calendar = serde_json::from_str(row.text(2)).map_err(anyhow::Error::from)?;
        Ok(Named {
            version: row.int(0),
            number: row.int(1),
            name: name.to_owned(),
            calendar,
        })
    })
    .transpose()
}

/// The newest version of a calendar that somebody named.
///
/// # Errors
/// There is none of this name; the refusal lists those there are.
pub fn find(tx: &mut Tx<'_>, name: &str) -> Outcome<Named> {
    if let Some(found) = newest(tx, name)? {
        return Ok(found);
    }
    let names = tx.query("SELECT name FROM calendar ORDER BY name LIMIT 20", &[])?;
    let names: Vec<&str> = names.iter().map(|row| row.text(0)).collect();
    Err(Refusal::missing(format!(
        "There is no calendar \"{name}\". There are: {}. `duly calendar set` adds one.",
        names.join(", ")
    ))
    .into())
}

/// Writes a calendar out of a file of hours: a new one, or a new version of one that is there.
pub fn set(tx: &mut Tx<'_>, now: Timestamp, by: Actor, name: &str, text: &str) -> Outcome<Named> {
    let name = name_of(name)?;
    let calendar = read(text)?;
    write(tx, now, by, name, &calendar, "file")
}

/// Adds the holidays of an iCalendar file (or whatever `source` names) to a calendar; those it has stay. Returns how many
/// dates are new.
pub fn add_holidays(
    tx: &mut Tx<'_>,
    now: Timestamp,
    by: Actor,
    name: &str,
    ics: &str,
    source: &str,
) -> Outcome<(Named, usize)> {
    let name = name_of(name)?;
    let known = find(tx, name)?;
    let year = known.calendar.zone().local(now).year();
    let years = (year - limits::HOLIDAY_YEARS_BACK, year + limits::HOLIDAY_YEARS_AHEAD);
    let read = plan::holidays::read(ics, years.0, years.1)
        .map_err(|cause| Refusal::usage(format!("The iCalendar file: {cause}. Nothing was changed.")))?;
    let had = known.calendar.special_dates();
    let calendar = known
        .calendar
        .with_holidays(read.keys().copied())
        .map_err(|mistake| Refusal::usage(format!("{mistake}.")))?;
    let new = calendar.special_dates() - had;
    if new == 0 {
        let said = format!("All {} holidays of this file stand in \"{name}\" already.", read.len());
        return Err(Refusal::conflict(said).into());
    }
    let named = write(tx, now, by, name, &calendar, source)?;
    Ok((named, new))
}

/// The row of a calendar that a lead may change.
///
/// # Errors
/// It is one of the settings, or there is none of this name.
pub(super) fn changeable(tx: &mut Tx<'_>, name: &str) -> Outcome<i64> {
    find(tx, name_of(name)?)?;
    Ok(tx
        .one("SELECT id FROM calendar WHERE name = $1", &values![name])?
        .int(0))
}

/// A name that a lead may give: those of the settings are changed there.
fn name_of(name: &str) -> Outcome<&str> {
    if matches!(name, DESK | ALWAYS) {
        let said = match name {
            DESK => "The calendar \"desk\" is that of duly.toml: change desk.hours and desk.holidays there.",
            _ => "The calendar \"24x7\" never closes. Give a calendar with other hours a name of its own.",
        };
        return Err(Refusal::usage(said).into());
    }
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    match name.is_empty() || name.len() > 60 || !name.chars().all(plain) {
        true => Err(Refusal::usage(format!(
            "\"{}\" is no name for a calendar: letters, digits, dots, dashes and underscores, at most 60.",
            name.chars().take(60).collect::<String>()
        ))
        .into()),
        false => Ok(name),
    }
}

/// A calendar out of the words of a file.
///
/// # Errors
/// What is wrong, with its line where the file says one.
pub fn read(text: &str) -> Result<Calendar, Refusal> {
    let wrong = |cause: String| Refusal::usage(format!("The calendar: {cause}. Nothing was changed."));
    if text.len() > limits::AGREEMENT_BYTES {
        return Err(wrong(format!("at most {} kB are read", limits::AGREEMENT_BYTES / 1024)));
    }
    let file: File = toml::from_str(text).map_err(|cause| wrong(with_line(text, &cause)))?;
    let date = |text: &str| {
        text.parse::<Date>()
            .map_err(|_| wrong(format!("\"{text}\" is no date; write it as 2026-12-25")))
    };
    let holidays = file
        .holidays
        .iter()
        .map(|text| date(text))
        .collect::<Result<Vec<_>, _>>()?;
    let mut exceptions = Vec::new();
    for (day, windows) in &file.exceptions {
        let windows = windows.split_whitespace().map(str::parse::<Window>);
        let windows = windows
            .collect::<Result<Vec<_>, _>>()
            .map_err(|mistake| wrong(format!("exceptions, {day}: {mistake}")))?;
        exceptions.push((date(day)?, windows));
    }
    let calendar = Calendar::from_text(&file.zone, &file.hours)
        .and_then(|calendar| calendar.with_holidays(holidays))
        .and_then(|calendar| calendar.with_exceptions(exceptions))
        .map_err(|mistake| wrong(mistake.to_string()))?;
    match calendar.next_open(Timestamp::UNIX_EPOCH) {
        Ok(_) => Ok(calendar),
        Err(_) => Err(wrong("hours: it is never open".into())),
    }
}

/// What TOML says is wrong, with the number of the line.
pub(super) fn with_line(text: &str, cause: &toml::de::Error) -> String {
    let words = cause.message().trim().trim_end_matches('.').replace('\n', " ");
    match cause.span().and_then(|span| text.get(..span.start)) {
        Some(before) => format!("line {}: {words}", before.matches('\n').count() + 1),
        None => words,
    }
}

fn write(tx: &mut Tx<'_>, now: Timestamp, by: Actor, name: &str, calendar: &Calendar, source: &str) -> Outcome<Named> {
    let known = tx.first("SELECT id FROM calendar WHERE name = $1", &values![name])?;
    let id = match known {
        Some(row) => row.int(0),
        None => tx.insert("INSERT INTO calendar (name) VALUES ($1)", &values![name])?,
    };
    let number = tx
        .one(
            "SELECT COALESCE(MAX(number), 0) + 1 FROM calendar_version WHERE calendar = $1",
            &values![id],
        )?
        .int(0);
    let form = serde_json::to_string(calendar).map_err(anyhow::Error::from)?;
    let version = tx.insert(
        "INSERT INTO calendar_version (calendar, number, form, source, made_at, made_by) VALUES ($1, $2, $3, $4, $5, $6)",
        &values![id, number, form, source, now, by.text()],
    )?;
    let data = json!({"calendar": name, "version": number, "zone_release": plan::zone::release()});
    ledger::record(tx, now, event("calendar.version", by).with(data))?;
    Ok(Named {
        version,
        number,
        name: name.to_owned(),
        calendar: calendar.clone(),
    })
}

/// Calendars with their newest versions; only the named one where a name is given.
pub fn list(tx: &mut Tx<'_>, named: Option<&str>) -> Outcome<Vec<CalendarRow>> {
    if let Some(name) = named {
        find(tx, name)?;
    }
    let rows = tx.query(
        "SELECT c.name, v.number, v.form, v.source, v.made_at, v.made_by, f.url, f.read_at, f.trouble FROM calendar c
         JOIN calendar_version v ON v.calendar = c.id LEFT JOIN calendar_feed f ON f.calendar = c.id
         WHERE v.number = (SELECT MAX(w.number) FROM calendar_version w WHERE w.calendar = c.id)
           AND (c.name = $1 OR $1 = '') ORDER BY c.name LIMIT $2",
        &values![named.unwrap_or(""), limits::LIST_ROWS_MAX],
    )?;
    rows.iter()
        .map(|row| {
            let form: serde_json::Value = serde_json::from_str(row.text(2)).map_err(anyhow::Error::from)?;
            let calendar: Calendar = serde_json::from_value(form.clone()).map_err(anyhow::Error::from)?;
            Ok(CalendarRow {
                name: row.text(0).to_owned(),
                version: row.int(1),
                zone: calendar.zone().to_string(),
                hours: calendar.hours().to_string(),
                special_dates: calendar.special_dates(),
                source: row.text(3).to_owned(),
                made: row.instant(4),
                by: row.text(5).to_owned(),
                calendar: form,
                feed: row.opt_text(6).map(|url| FeedRow {
                    url: url.to_owned(),
                    read_at: row.opt_instant(7),
                    trouble: row.opt_text(8).map(str::to_owned),
                }),
            })
        })
        .collect()
}

/// The instant at which a date begins in a zone.
pub(super) fn midnight(date: Date, zone: &TimeZone) -> Option<Timestamp> {
    zone.to_ambiguous_timestamp(date.at(0, 0, 0, 0)).compatible().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_calendar_is_read_from_a_file_and_what_is_wrong_is_named_with_its_line() {
        let good = "zone = \"Europe/Berlin\"\nhours = \"mon-fri 09:00-12:30 13:00-17:00\"\nholidays = [\"2026-12-25\"]\n\
                    [exceptions]\n2026-12-24 = \"09:00-12:00\"\n2026-12-31 = \"\"\n";
        let calendar = read(good).unwrap();
        assert_eq!(calendar.special_dates(), 3);
        let eve: Timestamp = "2026-12-24T11:30:00Z".parse().unwrap();
        assert!(!calendar.is_open(eve), "the half day ends at noon in Berlin");
        let said = |text: &str| read(text).unwrap_err().text;
        assert!(said("zone = \"UTC\"\nhuors = \"mon 09:00-10:00\"\n").contains("line 2: unknown field `huors`"));
        assert!(said("zone = \"UTC\"\n").contains("missing field `hours`"));
        assert!(said("zone = \"Mars\"\nhours = \"mon 09:00-10:00\"\n").contains("\"Mars\" is no time zone"));
        assert!(said(&good.replace("-12:00", "-25:00")).contains("exceptions, 2026-12-24: \"09:00-25:00\""));
        assert!(said(&good.replace("2026-12-25", "Christmas")).contains("\"Christmas\" is no date"));
        assert!(said("zone = \"UTC\"\nhours = \"\"\n").contains("never open"));
    }
}
