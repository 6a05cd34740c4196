//! The way of mail through the desk, hop by hop: how much waits at each, since when, and when it last went well. Somebody who looks
//! here when no mail comes sees where it stands.
//!
//! Each hop is read from an index, and counting stops at [`limits::LIST_ROWS_MAX`]: a queue that is longer needs no exact number.

use crate::limits;
use crate::refusal::Outcome;
use crate::store::{Tx, Value, values};
use jiff::Timestamp;

/// One hop.
#[derive(Debug, Clone)]
pub struct Hop {
    /// `in` or `out`.
    pub way: &'static str,
    /// Its name.
    pub name: &'static str,
    /// What waits there, in a word or two.
    pub waits: &'static str,
    /// How much waits.
    pub count: i64,
    /// Since when the oldest waits.
    pub oldest: Option<Timestamp>,
    /// When something last passed.
    pub passed: Option<Timestamp>,
    /// Whether what waits there waits for a person.
    pub for_a_person: bool,
}

impl Hop {
    /// There are more than were counted.
    pub fn uncounted(&self) -> bool {
        self.count > limits::LIST_ROWS_MAX
    }
}

/// The hops in the order of a mail's way: in, then out.
pub fn hops(tx: &mut Tx<'_>) -> Outcome<Vec<Hop>> {
    let unread = waiting(
        tx,
        "SELECT received_at AS since FROM arrival WHERE placed_at IS NULL ORDER BY id",
    )?;
    let apart = waiting(
        tx,
        "SELECT at AS since FROM message WHERE spool_reason IS NOT NULL ORDER BY id",
    )?;
    let open = waiting(
        tx,
        "SELECT made_at AS since FROM promise WHERE state = 'open' ORDER BY due",
    )?;
    let queued = waiting(
        tx,
        "SELECT made_at AS since FROM outbox WHERE state IN ('held', 'queued', 'deferred', 'sending') ORDER BY case_id, recipient, id",
    )?;
    let refused = waiting(
        tx,
        "SELECT made_at AS since FROM outbox WHERE state IN ('deferred', 'failed') AND state = 'failed' ORDER BY id",
    )?;
    let came = instant(tx, "SELECT received_at FROM arrival ORDER BY id DESC LIMIT 1", &[])?;
    let read = newest(tx, "SELECT placed_at AS at FROM arrival ORDER BY id DESC LIMIT $1")?;
    let made = instant(tx, "SELECT made_at FROM promise ORDER BY id DESC LIMIT 1", &[])?;
    let written = instant(tx, "SELECT made_at FROM outbox ORDER BY id DESC LIMIT 1", &[])?;
    let taken = newest(
        tx,
        "SELECT CASE WHEN state = 'accepted' THEN settled_at END AS at FROM outbox ORDER BY id DESC LIMIT $1",
    )?;
    let hop = |way, name, waits, (count, oldest): (i64, Option<Timestamp>), passed, for_a_person| Hop {
        way,
        name,
        waits,
        count,
        oldest,
        passed,
        for_a_person,
    };
    Ok(vec![
        hop("in", "mailbox", "taken and not read", unread, came, false),
        hop("in", "parser", "being read", unread, read, false),
        hop("in", "matcher", "without a case or not verified", apart, read, true),
        hop("in", "case", "promises open", open, made, true),
        hop("out", "queue", "waiting to leave", queued, written, false),
        hop("out", "their server", "not taken", refused, taken, true),
    ])
}

/// How many rows there are, and since when the oldest.
fn waiting(tx: &mut Tx<'_>, rows: &str) -> Outcome<(i64, Option<Timestamp>)> {
    let sql = format!("SELECT COUNT(*), MIN(since) FROM ({rows} LIMIT $1) w");
    let row = tx.one(&sql, &values![limits::LIST_ROWS_MAX + 1])?;
    Ok((row.int(0), row.opt_instant(1)))
}

fn instant(tx: &mut Tx<'_>, sql: &str, bound: &[Value]) -> Outcome<Option<Timestamp>> {
    Ok(tx.first(sql, bound)?.and_then(|row| row.opt_instant(0)))
}

/// The latest instant of the newest rows: what settles late is not the last one.
fn newest(tx: &mut Tx<'_>, rows: &str) -> Outcome<Option<Timestamp>> {
    let sql = format!("SELECT MAX(at) FROM ({rows}) n");
    instant(tx, &sql, &values![limits::LIST_ROWS])
}
