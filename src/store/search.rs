//! Full text: which messages have these words. The only room in which the two databases are spoken to differently.
//!
//! The newest message comes first. There is no ranking: ordering by relevance reads every hit (measured: a third of a
//! second for a common word at 100,000 cases), and who searches a desk mostly wants the latest.
//!
//! What is asked never reaches a query syntax: [`words`](super::words) cuts texts and questions into plain words, and
//! only those are put together here, quoted, for FTS5 and for tsquery. PostgreSQL's own parser would cut numbers,
//! addresses and paths in ways of its own and depend on its locale, so the vectors are built here as well.

use super::engine::Dialect;
use super::words::{self, Phrase};
use super::{Migration, Tx, Value};
use crate::limits;
use crate::refusal::{Outcome, Refusal};
use std::fmt::Write;

/// The table of words.
pub const SEARCH: Migration = Migration {
    number: 2,
    name: "search",
    sql: "",
    sqlite: include_str!("../../migrations/0002_search.sqlite.sql"),
    postgres: include_str!("../../migrations/0002_search.postgres.sql"),
};

impl Tx<'_> {
    /// Makes a message findable by the words of `text`, in place of what it was findable by before. Only the first
    /// [`limits::INDEX_BYTES`] bytes and [`limits::INDEX_WORDS`] words count.
    ///
    /// # Errors
    /// [`Fault::Failed`](crate::refusal::Fault::Failed) with what the database said.
    pub fn index_text(&mut self, message: i64, text: &str) -> Outcome<()> {
        let words = words::index(text);
        let (sql, words) = match self.engine.dialect() {
            Dialect::Sqlite => (
                "INSERT OR REPLACE INTO message_words (rowid, words) VALUES ($1, $2)",
                in_a_row(&words),
            ),
            Dialect::Postgres => (
                "INSERT INTO message_words (message, words) VALUES ($1, $2::text::tsvector) \
                 ON CONFLICT (message) DO UPDATE SET words = EXCLUDED.words",
                vector(&words),
            ),
        };
        self.execute(sql, &[Value::Int(message), Value::Text(words)])?;
        Ok(())
    }

    /// The messages that have all words and all "quoted phrases" of `query`, newest first, of those `before` a message
    /// if it is given; at most `limit` and [`limits::SEARCH_HITS`]. None if the query has no word.
    ///
    /// # Errors
    /// A refusal if the query is longer than [`limits::QUERY_BYTES`] or has more than [`limits::QUERY_TERMS`] terms.
    pub fn find_text(&mut self, query: &str, before: Option<i64>, limit: i64) -> Outcome<Vec<i64>> {
        let phrases = if query.len() > limits::QUERY_BYTES {
            Vec::new()
        } else {
            words::question(query)
        };
        if query.len() > limits::QUERY_BYTES || phrases.len() > limits::QUERY_TERMS {
            return Err(Refusal::usage(format!(
                "The search is too long. It takes {} words or quoted phrases. Search for the rarest ones.",
                limits::QUERY_TERMS
            ))
            .into());
        }
        if phrases.is_empty() {
            return Ok(Vec::new());
        }
        let (sql, asked) = match self.engine.dialect() {
            Dialect::Sqlite => (
                "SELECT rowid FROM message_words WHERE message_words MATCH $1 AND rowid < $2 ORDER BY rowid DESC LIMIT $3",
                fts5(&phrases),
            ),
            Dialect::Postgres => (
                "SELECT message FROM message_words WHERE words @@ $1::text::tsquery AND message < $2 \
                 ORDER BY message DESC LIMIT $3",
                tsquery(&phrases),
            ),
        };
        let limit = limit.clamp(0, limits::SEARCH_HITS);
        let values = [
            Value::Text(asked),
            Value::Int(before.unwrap_or(i64::MAX)),
            Value::Int(limit),
        ];
        Ok(self.query(sql, &values)?.iter().map(|row| row.int(0)).collect())
    }
}

/// `disk _ full`: the place of a word that is not indexed is held by a word that no question can ask for.
fn in_a_row(words: &[Option<String>]) -> String {
    words
        .iter()
        .map(|word| word.as_deref().unwrap_or("_"))
        .collect::<Vec<_>>()
        .join(" ")
}

/// `'disk':1 'full':3`: words with their places, as PostgreSQL writes a vector.
fn vector(words: &[Option<String>]) -> String {
    let mut vector = String::new();
    for (place, word) in (1..).zip(words) {
        if let Some(word) = word {
            // Writing into a String cannot fail.
            let _ = write!(vector, "'{word}':{place} ");
        }
    }
    vector
}

/// `"disk full" AND "now" *`
fn fts5(phrases: &[Phrase]) -> String {
    let terms = phrases.iter().map(|phrase| {
        let open = if phrase.open { " *" } else { "" };
        format!("\"{}\"{open}", phrase.words.join(" "))
    });
    terms.collect::<Vec<_>>().join(" AND ")
}

/// `'disk' <-> 'full' & 'now':*`
fn tsquery(phrases: &[Phrase]) -> String {
    let terms = phrases.iter().map(|phrase| {
        let open = if phrase.open { ":*" } else { "" };
        format!("'{}'{open}", phrase.words.join("' <-> '"))
    });
    terms.collect::<Vec<_>>().join(" & ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_is_said_in_both_dialects() {
        let asked = words::question("\"disk full\" ORA-00600 日");
        assert_eq!(fts5(&asked), r#""disk full" AND "ora 00600" AND "日" *"#);
        assert_eq!(tsquery(&asked), "'disk' <-> 'full' & 'ora' <-> '00600' & '日':*");
        assert_eq!(vector(&[Some("a".into()), None, Some("b".into())]), "'a':1 'b':3 ");
        assert_eq!(in_a_row(&[Some("a".into()), None, Some("b".into())]), "a _ b");
    }
}
