//! Finding words and people: over mails and notes with who wrote them, newest first, with the line that matches; and the
//! customers whose name has the words, with their newest cases. What is not shown is counted.

pub mod asked;
pub mod sight;

use self::asked::Asked;
use super::{MessageNo, Zone};
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
/// newest first; before them the newest cases of customers who are called so. Operators narrow it ([`asked`]).
pub fn grep(tx: &mut Tx<'_>, zone: &Zone, query: &str, limit: i64) -> Outcome<Found> {
    let asked = Asked::of(query)?;
    if asked.is_empty() {
        return Err(
            Refusal::usage("Say what to look for: `duly grep ORA-00600`, or `duly grep '\"exact words\"'`.").into(),
        );
    }
    let mut words = terms(&asked.words);
    let limit = limit.clamp(1, limits::SEARCH_HITS);
    let (mut hits, found, uncounted) = match asked.narrows() {
        true => {
            let (facts, uncounted) = sight::found(tx, zone, &asked)?;
            words.extend(terms(asked.from.as_deref().unwrap_or("")));
            (Vec::new(), facts.iter().map(|one| one.message).collect(), uncounted)
        }
        false => {
            let hits = of_customers(tx, &words, limit)?;
            let found = tx.find_text(&asked.words, None, limits::SEARCH_HITS)?;
            let uncounted = found.len() as i64 == limits::SEARCH_HITS;
            (hits, found, uncounted)
        }
    };
    let room = (limit as usize - hits.len()).min(found.len());
    let more = (found.len() - room) as i64;
    hits.extend(hits_of(tx, &found[..room], &words)?);
    Ok(Found { hits, more, uncounted })
}

/// The words of a query in lower case, without quotes.
fn terms(query: &str) -> Vec<String> {
    query
        .split(|one: char| one.is_whitespace() || matches!(one, '"' | '\u{201c}' | '\u{201d}' | '\u{201e}'))
        .filter(|one| !one.is_empty())
        .map(str::to_lowercase)
        .collect()
}

/// Messages with the line that has most of the words, the first of several.
fn hits_of(tx: &mut Tx<'_>, messages: &[i64], words: &[String]) -> Outcome<Vec<Hit>> {
    let mut hits = Vec::with_capacity(messages.len());
    for message in messages {
        let row = tx.first(
            "SELECT case_id, at, author, subject, text, address FROM message WHERE id = $1",
            &values![MessageNo(*message)],
        )?;
        let Some(row) = row else { continue };
        let who = format!("{} <{}>", row.text(2), row.text(5));
        hits.push(Hit {
            case: row.opt_int(0),
            message: *message,
            at: row.instant(1),
            from: row.text(2).to_owned(),
            subject: row.text(3).to_owned(),
            line: line_of(row.text(4), &who, words).trim().chars().take(200).collect(),
        });
    }
    Ok(hits)
}

fn line_of<'a>(text: &'a str, who: &'a str, words: &[String]) -> &'a str {
    let count = |line: &str| {
        let line = line.to_lowercase();
        words.iter().filter(|word| line.contains(word.as_str())).count()
    };
    let (mut best, mut most) = (text.lines().next().unwrap_or(""), 0);
    for line in text.lines() {
        let has = count(line);
        if has > most {
            (best, most) = (line, has);
        }
        if most == words.len() {
            break;
        }
    }
    match most == 0 && count(who) > 0 {
        true => who,
        false => best,
    }
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
