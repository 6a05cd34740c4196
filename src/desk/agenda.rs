//! People's own calendars: time that leave, meetings and time to concentrate take, out of iCalendar files
//! ([`plan::agenda`]). The hours stay what they are; the plan goes without.
//!
//! Kept is when, not what about: a calendar holds much that is nobody's business here. What repeats is entered as far as
//! [`limits::AGENDA_DAYS`] ahead; a file that is read again replaces its events and brings the next year.

use super::EngineerId;
use super::engineer::Engineer;
use super::ledger::{self, Actor, event};
use super::schedule::{instant, minute, rules};
use crate::limits;
use crate::refusal::{Outcome, Refusal};
use crate::store::{Row, Tx, Value, values};
use data_encoding::BASE32_NOPAD;
use jiff::{SignedDuration, Timestamp};
use plan::agenda::Agenda;
use plan::interval::{Interval, tidy};
use serde_json::json;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

/// Minutes of the longest row.
const ROW_MINUTES: i64 = 24 * 60;

/// Time that is taken.
#[derive(Debug, Clone, Copy)]
pub struct Taken {
    /// Whose.
    pub engineer: EngineerId,
    /// Which minutes.
    pub at: Interval,
    /// They are not there, rather than busy for a while.
    pub is_leave: bool,
}

/// What a file changed.
#[derive(Debug, Clone, Copy)]
pub struct Entered {
    /// Events that the file names.
    pub events: usize,
    /// How often they take time.
    pub times: usize,
    /// Whole minutes of hours that they take.
    pub minutes: i64,
    /// Until when what repeats is entered.
    pub until: Timestamp,
}

/// What is taken from now on, as far as `until`, the first to end first.
pub fn ahead(tx: &mut Tx<'_>, now: Timestamp, until: Timestamp) -> Outcome<Vec<Taken>> {
    let last = until + SignedDuration::from_mins(ROW_MINUTES);
    let rows = tx.query(
        "SELECT engineer, from_at, until, is_leave FROM taken WHERE until > $1 AND until <= $2 ORDER BY until LIMIT $3",
        &values![now, last, limits::AGENDA_READ],
    )?;
    Ok(rows.iter().map(of).collect())
}

fn of(row: &Row) -> Taken {
    Taken {
        engineer: EngineerId(row.int(0)),
        at: Interval::new(minute(row.instant(1)), minute(row.instant(2))),
        is_leave: row.flag(3),
    }
}

/// What is taken as far as the plan reaches: for whoever says until when somebody is away.
pub fn planned(tx: &mut Tx<'_>, now: Timestamp) -> Outcome<Vec<Taken>> {
    ahead(tx, now, now + SignedDuration::from_mins(rules().horizon))
}

/// Until when somebody is on leave without a break, if they are now.
pub fn on_leave_until<'a>(taken: impl Iterator<Item = &'a Taken>, now: Timestamp) -> Option<i64> {
    let leave: Vec<Interval> = taken.filter(|one| one.is_leave).map(|one| one.at).collect();
    holding(&leave, now)
}

/// Until when somebody is taken without a break, if they are now.
pub fn taken_until<'a>(taken: impl Iterator<Item = &'a Taken>, now: Timestamp) -> Option<Timestamp> {
    let all: Vec<Interval> = taken.map(|one| one.at).collect();
    holding(&all, now).map(instant)
}

fn holding(intervals: &[Interval], now: Timestamp) -> Option<i64> {
    let now = minute(now);
    let tidied = tidy(intervals);
    tidied
        .iter()
        .find(|one| one.from <= now && one.to > now)
        .map(|one| one.to)
}

/// Enters what a file says: its events replace what they said before, all others stay.
///
/// # Errors
/// A file that is not understood, with the line; nothing of it is entered.
pub fn enter(tx: &mut Tx<'_>, now: Timestamp, by: Actor, engineer: &Engineer, text: &str) -> Outcome<Entered> {
    let agenda = read(now, engineer, text)?;
    forget(tx, now, engineer, &agenda)?;
    let mut rows: Vec<[Value; 5]> = Vec::with_capacity(agenda.taken.len());
    let mut names: BTreeMap<&str, String> = BTreeMap::new();
    for one in &agenda.taken {
        let uid = names.entry(&one.uid).or_insert_with(|| hash_of(&one.uid));
        for at in by_day(one.at) {
            let [from, until] = [instant(at.from), instant(at.to)];
            rows.push(values![engineer.id, uid.as_str(), from, until, one.is_leave]);
        }
    }
    if rows.len() > limits::AGENDA_ENTRIES {
        return Err(Refusal::usage(format!(
            "More than {} entries within a year are more than one person's calendar takes. Nothing was entered.",
            limits::AGENDA_ENTRIES
        ))
        .into());
    }
    for some in rows.chunks(limits::AGENDA_AT_ONCE) {
        let places: Vec<String> = (0..some.len())
            .map(|at| {
                let n = at * 5;
                format!("(${}, ${}, ${}, ${}, ${})", n + 1, n + 2, n + 3, n + 4, n + 5)
            })
            .collect();
        let sql = format!(
            "INSERT INTO taken (engineer, uid, from_at, until, is_leave) VALUES {}",
            places.join(", ")
        );
        tx.execute(&sql, &some.concat())?;
    }
    let entered = Entered {
        events: agenda.uids.len(),
        times: agenda.taken.len(),
        minutes: of_hours(now, engineer, &agenda)?,
        until: now + SignedDuration::from_hours(24 * limits::AGENDA_DAYS),
    };
    let data = json!({
        "engineer": engineer.id.0, "events": entered.events, "times": entered.times, "minutes": entered.minutes,
    });
    ledger::record(tx, now, event("engineer.calendar", by).with(data))?;
    Ok(entered)
}

/// Forgets what files said: the events of this one, or all. How many rows took time still.
///
/// # Errors
/// A file that is not understood.
pub fn remove(tx: &mut Tx<'_>, now: Timestamp, by: Actor, engineer: &Engineer, text: Option<&str>) -> Outcome<u64> {
    let removed = match text {
        Some(text) => {
            let agenda = read(now, engineer, text)?;
            forget(tx, now, engineer, &agenda)?
        }
        None => tx.execute(
            "DELETE FROM taken WHERE engineer = $1 AND until > $2",
            &values![engineer.id, now],
        )?,
    };
    if removed > 0 {
        let data = json!({"engineer": engineer.id.0, "removed": removed});
        ledger::record(tx, now, event("engineer.calendar", by).with(data))?;
    }
    Ok(removed)
}

fn read(now: Timestamp, engineer: &Engineer, text: &str) -> Outcome<Agenda> {
    let from = minute(now);
    let window = Interval::new(from, from + limits::AGENDA_DAYS * 24 * 60);
    plan::agenda::read(text, &engineer.zone, window, limits::AGENDA_ENTRIES).map_err(|cause| {
        Refusal::usage(format!("The calendar is not understood, {cause}. Nothing was changed.")).into()
    })
}

/// What was before now has been: only what is to come is replaced.
fn forget(tx: &mut Tx<'_>, now: Timestamp, engineer: &Engineer, agenda: &Agenda) -> Outcome<u64> {
    let mut removed = 0;
    for uid in &agenda.uids {
        removed += tx.execute(
            "DELETE FROM taken WHERE engineer = $1 AND uid = $2 AND until > $3",
            &values![engineer.id, hash_of(uid), now],
        )?;
    }
    Ok(removed)
}

/// The same minutes, cut so that no row is longer than a day.
fn by_day(at: Interval) -> impl Iterator<Item = Interval> {
    let parts = (at.minutes() + ROW_MINUTES - 1) / ROW_MINUTES;
    (0..parts).map(move |part| {
        let from = at.from + part * ROW_MINUTES;
        Interval::new(from, at.to.min(from + ROW_MINUTES))
    })
}

/// Minutes of somebody's hours in the next four weeks that are taken: what a person can compare with what they expect.
fn of_hours(now: Timestamp, engineer: &Engineer, agenda: &Agenda) -> Outcome<i64> {
    let from = minute(now);
    let weeks = Interval::new(from, from + limits::TAKEN_SAID_DAYS * 24 * 60);
    let hours = engineer.calendar()?.open_minutes(weeks);
    let taken: Vec<Interval> = agenda.taken.iter().map(|one| one.at).collect();
    let left = plan::interval::without(&hours, &taken);
    let sum = |some: &[Interval]| some.iter().map(|one| one.minutes()).sum::<i64>();
    Ok(sum(&hours) - sum(&left))
}

fn hash_of(uid: &str) -> String {
    let hash = Sha256::digest(uid.as_bytes());
    BASE32_NOPAD.encode(hash.get(..20).unwrap_or_default()).to_lowercase()
}
