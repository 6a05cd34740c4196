//! Finding words and people: over mails and notes with who wrote them, newest first, with the line that matches; and the
//! customers whose name has the words, with their newest cases. What is not shown is counted.

use super::MessageNo;
use crate::limits;
use crate::refusal::{Outcome, Refusal};
use crate::store::{Tx, values};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// One hit.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Hit {
    /// The case; none for mail in the spool.
    pub case: Option<i64>,
    /// The message.
    pub message: i64,
    /// When it was written or received.
    pub at: Timestamp,
    /// Who wrote it.
    pub from: String,
    /// Subject.
    pub subject: String,
    /// The first line that has one of the words.
    pub line: String,
}

/// What was found, and how much more there is.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Found {
    /// What is shown.
    pub hits: Vec<Hit>,
    /// Messages that were found and are not shown.
    pub more: i64,
    /// There are more than these: counting stopped.
    pub uncounted: bool,
}

/// Messages that have all the words and "quoted phrases" of the query in subject, text, or their author's name and address,
/// newest first; before them the newest cases of customers who are called so.
pub fn grep(tx: &mut Tx<'_>, query: &str, limit: i64) -> Outcome<Found> {
    if query.trim().is_empty() {
        return Err(
            Refusal::usage("Say what to look for: `duly grep ORA-00600`, or `duly grep '\"exact words\"'`.").into(),
        );
    }
    let words: Vec<String> = query
        .split(|one: char| one.is_whitespace() || one == '"')
        .filter(|one| !one.is_empty())
        .map(str::to_lowercase)
        .collect();
    let limit = limit.clamp(1, limits::SEARCH_HITS);
    let mut hits = of_customers(tx, &words, limit)?;
    let found = tx.find_text(query, None, limits::SEARCH_HITS)?;
    let room = limit as usize - hits.len();
    let more = found.len().saturating_sub(room) as i64;
    let uncounted = found.len() as i64 == limits::SEARCH_HITS;
    for message in found.into_iter().take(room) {
        let row = tx.first(
            "SELECT case_id, at, author, subject, text, address FROM message WHERE id = $1",
            &values![MessageNo(message)],
        )?;
        let Some(row) = row else { continue };
        let has = |line: &&str| {
            let line = line.to_lowercase();
            words.iter().any(|word| line.contains(word))
        };
        let who = format!("{} <{}>", row.text(2), row.text(5));
        let first = row.text(4).lines().next().unwrap_or("");
        let line = match row.text(4).lines().find(has) {
            Some(line) => line,
            None if has(&who.as_str()) => who.as_str(),
            None => first,
        };
        hits.push(Hit {
            case: row.opt_int(0),
            message,
            at: row.instant(1),
            from: row.text(2).to_owned(),
            subject: row.text(3).to_owned(),
            line: line.trim().chars().take(200).collect(),
        });
    }
    Ok(Found { hits, more, uncounted })
}

/// The newest cases of customers whose name has all the words, a few of each of a few customers.
fn of_customers(tx: &mut Tx<'_>, words: &[String], limit: i64) -> Outcome<Vec<Hit>> {
    let Some(longest) = words.iter().max_by_key(|word| word.len()) else {
        return Ok(Vec::new());
    };
    let pattern = format!("%{}%", longest.replace(['%', '_'], ""));
    let customers = tx.query(
        "SELECT id, name FROM customer WHERE LOWER(name) LIKE $1 ORDER BY entered DESC, id LIMIT $2",
        &values![pattern, limits::LIST_ROWS],
    )?;
    let mut hits = Vec::new();
    let named = customers.iter().filter(|row| {
        let name = row.text(1).to_lowercase();
        words.iter().all(|word| name.contains(word))
    });
    for customer in named.take(limits::CUSTOMERS_FOUND) {
        let cases = tx.query(
            "SELECT k.id, m.at, m.author, k.subject, m.id FROM cases k
             JOIN message m ON m.id = (SELECT MIN(o.id) FROM message o WHERE o.case_id = k.id)
             WHERE k.customer = $1 ORDER BY k.id DESC LIMIT $2",
            &values![customer.int(0), limits::CASES_OF_FOUND],
        )?;
        hits.extend(cases.iter().map(|row| Hit {
            case: row.opt_int(0),
            message: row.int(4),
            at: row.instant(1),
            from: row.text(2).to_owned(),
            subject: row.text(3).to_owned(),
            line: format!("customer {}: {}", customer.text(1), row.text(3)),
        }));
    }
    hits.truncate(limit as usize);
    Ok(hits)
}
