//! Feeds of holidays: a calendar whose holidays are read from an address again and again, and how that went last.
//!
//! A feed adds days and takes none away, as a file does: a day that it no longer names stands until somebody writes the
//! calendar anew. A feed that cannot be read changes nothing; `duly calendar` says so until it can.

use super::ledger::{self, Actor, event};
use super::{FEED, calendar};
use crate::limits;
use crate::refusal::{Fault, Kind, Outcome, Refusal};
use crate::store::{Tx, values};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::json;

/// A feed that is due to be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Due {
    /// Name of the calendar.
    pub calendar: String,
    /// Where it is, `https://…`.
    pub url: String,
}

/// A feed as the list of calendars shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FeedRow {
    /// Where it is.
    pub url: String,
    /// When it was read well last; none: not yet.
    pub read_at: Option<Timestamp>,
    /// Why the last look brought nothing.
    pub trouble: Option<String>,
}

/// Lets a calendar follow a feed from now on, instead of the one that it followed; it is read at once.
///
/// # Errors
/// No such calendar, one of the settings, or an address that is not `https://…`.
pub fn follow(tx: &mut Tx<'_>, now: Timestamp, by: Actor, name: &str, url: &str) -> Outcome<()> {
    let id = calendar::changeable(tx, name)?;
    let url = address_of(url)?;
    tx.execute("DELETE FROM calendar_feed WHERE calendar = $1", &values![id])?;
    tx.execute(
        "INSERT INTO calendar_feed (calendar, url, next_at) VALUES ($1, $2, $3)",
        &values![id, url, now],
    )?;
    ledger::record(
        tx,
        now,
        event("calendar.feed", by).with(json!({"calendar": name, "url": url})),
    )?;
    tx.ring(FEED);
    Ok(())
}

/// Ends a feed; the holidays that it brought stay.
pub fn end(tx: &mut Tx<'_>, now: Timestamp, by: Actor, name: &str) -> Outcome<()> {
    let id = calendar::changeable(tx, name)?;
    if tx.execute("DELETE FROM calendar_feed WHERE calendar = $1", &values![id])? == 0 {
        return Err(Refusal::missing(format!("The calendar \"{name}\" follows no feed.")).into());
    }
    ledger::record(tx, now, event("calendar.feed", by).with(json!({"calendar": name})))?;
    Ok(())
}

fn address_of(url: &str) -> Result<&str, Refusal> {
    let url = url.trim();
    let host = url
        .strip_prefix("https://")
        .and_then(|rest| rest.split(['/', '?', '#']).next());
    let plain = url.len() <= limits::FEED_ADDRESS_BYTES && url.bytes().all(|byte| byte.is_ascii_graphic());
    match host {
        Some(host) if plain && !host.is_empty() && !host.contains('@') => Ok(url),
        _ => Err(Refusal::usage(format!(
            "\"{}\" is no address of a feed: https://… without a password in it, at most {} letters. Nothing was changed.",
            url.chars().take(100).collect::<String>(),
            limits::FEED_ADDRESS_BYTES
        ))),
    }
}

/// When the next feed is to be read.
pub fn next(tx: &mut Tx<'_>) -> Outcome<Option<Timestamp>> {
    Ok(tx.one("SELECT MIN(next_at) FROM calendar_feed", &[])?.opt_instant(0))
}

/// Feeds that are due, a few at once.
pub fn due(tx: &mut Tx<'_>, now: Timestamp) -> Outcome<Vec<Due>> {
    let rows = tx.query(
        "SELECT c.name, f.url FROM calendar_feed f JOIN calendar c ON c.id = f.calendar WHERE f.next_at <= $1
         ORDER BY f.next_at LIMIT $2",
        &values![now, limits::FEEDS_AT_ONCE],
    )?;
    let due = |row: &crate::store::Row| Due {
        calendar: row.text(0).to_owned(),
        url: row.text(1).to_owned(),
    };
    Ok(rows.iter().map(due).collect())
}

/// What a look at a feed brought: its text, or why there is none. Days that are new make a new version of the calendar.
pub fn looked(tx: &mut Tx<'_>, now: Timestamp, feed: &Due, found: &Result<String, String>) -> Outcome<()> {
    let trouble = match found {
        Err(why) => Some(why.clone()),
        Ok(text) => match calendar::add_holidays(tx, now, Actor::Desk, &feed.calendar, text, "feed") {
            Ok(_) => None,
            // That nothing is new is how most looks end.
            Err(Fault::Refused(refusal)) if refusal.kind == Kind::Conflict => None,
            Err(Fault::Refused(refusal)) => Some(refusal.text),
            Err(fault) => return Err(fault),
        },
    };
    let (wait, read_at) = match &trouble {
        None => (SignedDuration::from_hours(limits::FEED_HOURS), Some(now)),
        Some(_) => (SignedDuration::from_mins(limits::FEED_AGAIN_MINUTES), None),
    };
    let trouble: Option<String> = trouble.map(|why| why.chars().take(limits::FEED_TROUBLE_CHARS).collect());
    tx.execute(
        "UPDATE calendar_feed SET next_at = $1, read_at = COALESCE($2, read_at), trouble = $3
         WHERE url = $4 AND calendar = (SELECT id FROM calendar WHERE name = $5)",
        &values![now + wait, read_at, trouble, feed.url.as_str(), feed.calendar.as_str()],
    )?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_addresses_of_https_without_a_password_are_taken() {
        for good in [
            "https://feiertage.example/bayern.ics",
            "https://calendar.example:8443/a?b=c",
        ] {
            assert_eq!(address_of(good).as_deref(), Ok(good));
        }
        for bad in [
            "http://feiertage.example/bayern.ics",
            "https://",
            "https:///x",
            "https://anna:secret@feiertage.example/",
            "https://feiertage.example/a b",
            "file:///etc/passwd",
            "",
        ] {
            assert!(address_of(bad).is_err(), "{bad}");
        }
    }
}
