//! Finding words: over mails and notes, newest first, with the line that matches.

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

/// Messages that have all the words and "quoted phrases" of the query, newest first.
pub fn grep(tx: &mut Tx<'_>, query: &str, limit: i64) -> Outcome<Vec<Hit>> {
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
    let mut hits = Vec::new();
    for message in tx.find_text(query, None, limit.clamp(1, limits::SEARCH_HITS))? {
        let row = tx.first(
            "SELECT case_id, at, author, subject, text FROM message WHERE id = $1",
            &values![MessageNo(message)],
        )?;
        let Some(row) = row else { continue };
        let has = |line: &&str| {
            let line = line.to_lowercase();
            words.iter().any(|word| line.contains(word))
        };
        let line = row
            .text(4)
            .lines()
            .find(has)
            .unwrap_or_else(|| row.text(4).lines().next().unwrap_or(""));
        hits.push(Hit {
            case: row.opt_int(0),
            message,
            at: row.instant(1),
            from: row.text(2).to_owned(),
            subject: row.text(3).to_owned(),
            line: line.trim().chars().take(200).collect(),
        });
    }
    Ok(hits)
}
