//! Mailboxes elsewhere that the desk fetches from: how far each has been read, and what became of each mail.
//!
//! A mail and the mark that it was taken are one transaction, so a fetch that breaks off anywhere takes nothing twice and
//! leaves nothing out. A mail that could not be fetched stands here with the reason and is tried again later; the ones
//! behind it do not wait for it. What is to be said to the server about a mail stands here until it was said.

use super::RawId;
use crate::refusal::Outcome;
use crate::store::{Tx, values};
use jiff::{SignedDuration, Timestamp};

/// How far a mailbox has been read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reading {
    /// The server's own mark.
    pub place: String,
    /// When it was first looked into.
    pub first_at: Timestamp,
    /// When something was last taken from it.
    pub seen_at: Timestamp,
}

/// A mail that is still to be fetched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pending {
    /// How the server calls it.
    pub name: String,
    /// What the server received before this is only shown: it was there before, under another name.
    pub before: Option<Timestamp>,
}

/// How far this mailbox has been read; none if it was never looked into.
pub fn reading(tx: &mut Tx<'_>, mailbox: &str) -> Outcome<Option<Reading>> {
    let row = tx.first(
        "SELECT place, first_at, seen_at FROM mailbox WHERE mailbox = $1",
        &values![mailbox],
    )?;
    Ok(row.map(|row| Reading {
        place: row.text(0).to_owned(),
        first_at: row.instant(1),
        seen_at: row.instant(2),
    }))
}

/// From now on the mailbox has been read to `place`.
pub fn reach(tx: &mut Tx<'_>, now: Timestamp, mailbox: &str, place: &str) -> Outcome<()> {
    tx.execute(
        "INSERT INTO mailbox (mailbox, place, first_at, seen_at) VALUES ($1, $2, $3, $3)
         ON CONFLICT (mailbox) DO UPDATE SET place = $2, seen_at = $3",
        &values![mailbox, place, now],
    )?;
    Ok(())
}

/// These mails are to be fetched, though they lie before the place; those that are known are left as they are.
pub fn expect(tx: &mut Tx<'_>, mailbox: &str, names: &[String], before: Option<Timestamp>) -> Outcome<()> {
    for name in names {
        tx.execute(
            "INSERT INTO fetched (mailbox, name, older_than) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
            &values![mailbox, name.as_str(), before],
        )?;
    }
    Ok(())
}

/// The mail became this arrival; `todo` if the server is to be told so.
pub fn took(tx: &mut Tx<'_>, mailbox: &str, name: &str, raw: RawId, todo: bool) -> Outcome<()> {
    tx.execute(
        "INSERT INTO fetched (mailbox, name, arrival, todo) VALUES ($1, $2, $3, $4)
         ON CONFLICT (mailbox, name) DO UPDATE SET arrival = $3, said = NULL, todo = $4",
        &values![mailbox, name, raw, i64::from(todo)],
    )?;
    Ok(())
}

/// The mail is gone from the server, and nothing is left to be done about it.
pub fn gone(tx: &mut Tx<'_>, mailbox: &str, name: &str) -> Outcome<()> {
    tx.execute(
        "DELETE FROM fetched WHERE mailbox = $1 AND name = $2 AND arrival IS NULL",
        &values![mailbox, name],
    )?;
    Ok(())
}

/// The mail could not be fetched; how often by now.
pub fn failed(tx: &mut Tx<'_>, now: Timestamp, mailbox: &str, name: &str, said: &str) -> Outcome<i64> {
    let row = tx.one(
        "INSERT INTO fetched (mailbox, name, tries, said) VALUES ($1, $2, 1, $3)
         ON CONFLICT (mailbox, name) DO UPDATE SET tries = fetched.tries + 1, said = $3 RETURNING tries",
        &values![mailbox, name, said],
    )?;
    let tries = row.int(0);
    // 1, 2, 4, 8 … minutes: what is wrong with one mail at its server often passes.
    let again_at = now + SignedDuration::from_mins(1 << (tries - 1).clamp(0, 10));
    tx.execute(
        "UPDATE fetched SET again_at = $1 WHERE mailbox = $2 AND name = $3",
        &values![again_at, mailbox, name],
    )?;
    Ok(tries)
}

/// Whether a mail waits to be tried again.
pub fn waits(tx: &mut Tx<'_>, mailbox: &str, tries: i64) -> Outcome<bool> {
    let row = tx.first(
        "SELECT 1 FROM fetched WHERE mailbox = $1 AND arrival IS NULL AND tries < $2 LIMIT 1",
        &values![mailbox, tries],
    )?;
    Ok(row.is_some())
}

/// Whether the mail became an arrival.
pub fn is_taken(tx: &mut Tx<'_>, mailbox: &str, name: &str) -> Outcome<bool> {
    let row = tx.first(
        "SELECT 1 FROM fetched WHERE mailbox = $1 AND name = $2 AND arrival IS NOT NULL",
        &values![mailbox, name],
    )?;
    Ok(row.is_some())
}

/// Mails that are to be fetched now and were tried fewer than `tries` times, least tried first.
pub fn pending(tx: &mut Tx<'_>, now: Timestamp, mailbox: &str, tries: i64, limit: usize) -> Outcome<Vec<Pending>> {
    let rows = tx.query(
        "SELECT name, older_than FROM fetched WHERE mailbox = $1 AND arrival IS NULL AND tries < $2 AND (again_at IS NULL OR again_at <= $3)
         ORDER BY tries, name LIMIT $4",
        &values![mailbox, tries, now, limit as i64],
    )?;
    Ok(rows
        .iter()
        .map(|row| Pending {
            name: row.text(0).to_owned(),
            before: row.opt_instant(1),
        })
        .collect())
}

/// Mails of which the server is still to be told that they were taken.
pub fn todo(tx: &mut Tx<'_>, mailbox: &str, limit: usize) -> Outcome<Vec<String>> {
    let rows = tx.query(
        "SELECT name FROM fetched WHERE mailbox = $1 AND todo = 1 ORDER BY name LIMIT $2",
        &values![mailbox, limit as i64],
    )?;
    Ok(rows.iter().map(|row| row.text(0).to_owned()).collect())
}

/// The server has been told, or cannot be any more.
pub fn told(tx: &mut Tx<'_>, mailbox: &str, name: &str) -> Outcome<()> {
    tx.execute(
        "UPDATE fetched SET todo = 0 WHERE mailbox = $1 AND name = $2",
        &values![mailbox, name],
    )?;
    Ok(())
}
