//! Holds what customers were told against what the desk has: through its public API, and one look into its database
//! while it stands still.

use crate::desk::Desk;
use crate::mail::Mail;
use anyhow::{Context, Result, ensure};
use rusqlite::{Connection, OpenFlags};
use serde_json::{Value, json};
use std::collections::HashMap;

/// What was counted, when everything was right.
#[derive(Debug, Clone, Copy)]
pub struct Account {
    /// Mails that customers sent.
    pub mails: usize,
    /// Deliveries that were recognised as repeats.
    pub repeats: usize,
    /// Promises made.
    pub promises: usize,
    /// Entries of the ledger.
    pub entries: i64,
}

/// Arrivals that were acknowledged and have no place yet, in the database of a desk that stands still.
///
/// # Errors
/// If the database cannot be read, or is not whole.
pub fn unplaced(desk: &Desk) -> Result<i64> {
    ensure!(desk.pid().is_none(), "the desk is running");
    let base = Connection::open_with_flags(desk.dir().join("duly.db"), OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    let whole: String = base.query_row("PRAGMA integrity_check", [], |row| row.get(0))?;
    ensure!(whole == "ok", "the database is not whole: {whole}");
    Ok(
        base.query_row("SELECT COUNT(*) FROM arrival WHERE placed_at IS NULL", [], |row| {
            row.get(0)
        })?,
    )
}

/// Every one of these mails, none twice and no other, is in exactly one case of its own, byte for byte, with one promise.
///
/// # Errors
/// The first mail or case for which that is not so.
pub fn settle(desk: &Desk, mails: &[Mail]) -> Result<Account> {
    let cases = desk.rows(&["ps", "-a"])?;
    let log = desk.rows(&["log", "-a"])?;
    let promises = desk.rows(&["ledger"])?;
    let mut came: HashMap<&str, Vec<i64>> = HashMap::new();
    let mut repeats = 0;
    for row in &log {
        match row["kind"].as_str() {
            Some("mail.in") => {
                let id = row["message_id"].as_str().context("a mail without a Message-ID")?;
                came.entry(id).or_default().push(number(row, "case")?);
            }
            Some("mail.repeat") => repeats += 1,
            _ => {}
        }
    }
    let mut promised: HashMap<i64, usize> = HashMap::new();
    for row in &promises {
        *promised.entry(number(row, "case")?).or_default() += 1;
    }
    let lost: Vec<&str> = mails
        .iter()
        .map(|mail| mail.message_id.as_str())
        .filter(|id| !came.contains_key(id))
        .collect();
    ensure!(
        lost.is_empty(),
        "{} of {} acknowledged mails are lost, the first: {:?}",
        lost.len(),
        mails.len(),
        &lost[..lost.len().min(5)]
    );
    let mut line = desk.line()?;
    for mail in mails {
        let id = mail.message_id.as_str();
        let places = came.remove(id).unwrap_or_default();
        ensure!(places.len() == 1, "{id} came into the cases {places:?}");
        let kept = line.ask(&json!({"verb": "raw", "case": places[0]}))?;
        let kept = kept["raw"].as_str().context("raw bytes")?;
        let kept = data_encoding::BASE64
            .decode(kept.as_bytes())
            .context("raw bytes are base64")?;
        ensure!(
            kept == mail.raw,
            "{id}: the raw bytes of case {} are not what was sent",
            places[0]
        );
        let count = promised.remove(&places[0]).unwrap_or(0);
        ensure!(count == 1, "case {} of {id} has {count} promises", places[0]);
    }
    ensure!(came.is_empty(), "mails that nobody sent: {:?}", came.keys().next());
    ensure!(promised.is_empty(), "promises to nobody: {promised:?}");
    ensure!(
        cases.len() == mails.len(),
        "{} cases of {} mails",
        cases.len(),
        mails.len()
    );
    let whole = line.ask(&json!({"verb": "verify"}))?;
    Ok(Account {
        mails: mails.len(),
        repeats,
        promises: promises.len(),
        entries: whole["done"]["entries"].as_i64().context("entries of the ledger")?,
    })
}

fn number(row: &Value, key: &str) -> Result<i64> {
    row[key].as_i64().with_context(|| format!("{key} in {row}"))
}
