//! The book of promises as a page reads it: the promises of one week, oldest due first, and the moves of that week.
//!
//! A week is a stretch of the index of due times, so a page costs what its rows cost, however many weeks there are. Of one
//! customer it reads the week's promises and leaves the others out: a week is what a person waits for, not a desk's life.

use super::{CustomerId, Desk, ledger};
use crate::refusal::Outcome;
use crate::store::{Row, Tx, Value, values};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// One promise of the book.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// Its number.
    pub promise: i64,
    /// The case.
    pub case: i64,
    /// Whose it is.
    pub customer: String,
    /// When it was made.
    pub made: Timestamp,
    /// By when.
    pub due: Timestamp,
    /// open, kept, moved, broken, withdrawn.
    pub state: String,
    /// offered, agreed, asked.
    pub word: String,
    /// When it was settled.
    pub settled_at: Option<Timestamp>,
    /// Who settled it.
    pub by: Option<String>,
    /// How long before its due it was kept, in seconds.
    pub margin_seconds: Option<i64>,
}

/// A promise that both sides moved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Move {
    /// The case.
    pub case: i64,
    /// The promise that was given up.
    pub promise: i64,
    /// Its due.
    pub due: Timestamp,
    /// The due that was agreed instead.
    pub to: String,
    /// `us` or `customer`.
    pub asked_by: String,
    /// When both sides had agreed.
    pub agreed_at: Timestamp,
}

/// Where a further page goes on: behind a due time and a number.
pub type Place = (Timestamp, i64);

/// Promises whose due lies between two instants, of one customer or all, `limit` of them behind a place.
pub fn lines(
    tx: &mut Tx<'_>,
    desk: &Desk,
    (from, until): (Timestamp, Timestamp),
    customer: Option<CustomerId>,
    behind: Option<Place>,
    limit: i64,
) -> Outcome<Vec<Line>> {
    let (after, id) = behind.map_or((from, 0), |(at, id)| (at.max(from), id));
    let whose = match customer {
        Some(_) => "AND k.customer = $5",
        None => "",
    };
    let sql = format!(
        "SELECT p.id, p.case_id, u.name, p.made_at, p.due, p.state, p.word, p.settled_at, p.settled_by
         FROM promise p JOIN cases k ON k.id = p.case_id JOIN customer u ON u.id = k.customer
         WHERE p.due >= $1 AND p.due < $2 AND (p.due > $1 OR p.id > $3) {whose} ORDER BY p.due, p.id LIMIT $4"
    );
    let mut bound = values![after, until, id, limit].to_vec();
    bound.extend(customer.map(Value::from));
    let mut found = Vec::new();
    for row in tx.query(&sql, &bound)? {
        let by = match row.opt_text(8) {
            Some(by) => Some(ledger::actor_name(tx, desk, by)?),
            None => None,
        };
        found.push(line(&row, by));
    }
    Ok(found)
}

fn line(row: &Row, by: Option<String>) -> Line {
    let (due, state, settled_at) = (row.instant(4), row.text(5), row.opt_instant(7));
    let kept_at = settled_at.filter(|_| state == "kept");
    Line {
        promise: row.int(0),
        case: row.int(1),
        customer: row.text(2).to_owned(),
        made: row.instant(3),
        due,
        state: state.to_owned(),
        word: row.text(6).to_owned(),
        settled_at,
        by,
        margin_seconds: kept_at.map(|at| due.duration_since(at).as_secs()),
    }
}

/// Moves of promises whose due lay between two instants.
pub fn moves(
    tx: &mut Tx<'_>,
    (from, until): (Timestamp, Timestamp),
    customer: Option<CustomerId>,
    limit: i64,
) -> Outcome<Vec<Move>> {
    let whose = match customer {
        Some(_) => "AND k.customer = $4",
        None => "",
    };
    let sql = format!(
        "SELECT p.case_id, p.id, p.due, v.due, v.asked_by, v.at
         FROM promise p JOIN promise_move v ON v.promise = p.id JOIN cases k ON k.id = p.case_id
         WHERE p.due >= $1 AND p.due < $2 {whose} ORDER BY p.due, p.id LIMIT $3"
    );
    let mut bound = values![from, until, limit].to_vec();
    bound.extend(customer.map(Value::from));
    let read = |row: &Row| Move {
        case: row.int(0),
        promise: row.int(1),
        due: row.instant(2),
        to: row.text(3).to_owned(),
        asked_by: row.text(4).to_owned(),
        agreed_at: row.instant(5),
    };
    Ok(tx.query(&sql, &bound)?.iter().map(read).collect())
}
