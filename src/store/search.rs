//! Full text: which messages have these words. The only room in which the two databases are spoken to differently.
//!
//! The newest message comes first. There is no ranking: ordering by relevance reads every hit (measured: a third of a
//! second for a common word at 100,000 cases), and who searches a desk mostly wants the latest.
//!
//! What is asked never reaches a query syntax: [`words`](super::words) cuts texts and questions into plain words, and
//! only those are put together here, quoted, for FTS5 and for tsquery. PostgreSQL's own parser would cut numbers,
//! addresses and paths in ways of its own and depend on its locale, so the vectors are built here as well.

use super::engine::{Dialect, Engine};
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

/// Words of messages that wait for the end of their group: the writer indexes them together, right before it commits.
///
/// FTS5 writes a segment whenever a savepoint or a statement with `RETURNING` follows a text, and merges those segments
/// later. Indexed between the other statements, that was a quarter of the samples of placing a mail (profile of a test
/// build).
#[derive(Default)]
pub(super) struct Texts {
    waiting: Vec<Text>,
    bytes: usize,
}

struct Text {
    message: i64,
    words: String,
    /// The message may have words already, and FTS5 is to look for them.
    again: bool,
}

impl Texts {
    fn push(&mut self, text: Text) {
        self.bytes += text.words.len();
        self.waiting.push(text);
    }

    /// Takes over the texts of a job that is kept.
    pub(super) fn append(&mut self, mut others: Texts) {
        self.bytes += others.bytes;
        self.waiting.append(&mut others.waiting);
    }

    /// Writes all of them, in their order: of two about one message the later stands.
    pub(super) fn write(&mut self, engine: &mut dyn Engine) -> anyhow::Result<()> {
        self.bytes = 0;
        for Text { message, words, again } in self.waiting.drain(..) {
            let (sql, words) = match engine.dialect() {
                Dialect::Sqlite if again => (
                    "INSERT OR REPLACE INTO message_words (rowid, words) VALUES ($1, $2)",
                    words,
                ),
                Dialect::Sqlite => ("INSERT INTO message_words (rowid, words) VALUES ($1, $2)", words),
                Dialect::Postgres => (
                    "INSERT INTO message_words (message, words) VALUES ($1, $2::text::tsvector) \
                     ON CONFLICT (message) DO UPDATE SET words = EXCLUDED.words",
                    vector(&words),
                ),
            };
            engine.execute(sql, &[Value::Int(message), Value::Text(words)])?;
        }
        Ok(())
    }
}

impl Tx<'_> {
    /// Makes a message findable by the words of `text`, in place of what it was findable by before. Only the first
    /// [`limits::INDEX_BYTES`] bytes and [`limits::INDEX_WORDS`] words count. Other jobs find it once this one is
    /// committed.
    ///
    /// # Errors
    /// [`Fault::Failed`](crate::refusal::Fault::Failed) with what the database said.
    pub fn index_text(&mut self, message: i64, text: &str) -> Outcome<()> {
        self.index(message, words::Words::of(text), true)
    }

    /// As [`Tx::index_text`], with words that were taken from a text already, for a message that has none yet.
    ///
    /// # Errors
    /// As [`Tx::index_text`].
    pub fn index_words(&mut self, message: i64, words: words::Words) -> Outcome<()> {
        self.index(message, words, false)
    }

    fn index(&mut self, message: i64, words: words::Words, again: bool) -> Outcome<()> {
        self.texts.push(Text {
            message,
            words: words.0,
            again,
        });
        if self.texts.bytes > limits::INDEX_WAITING_BYTES {
            let outcome = self.texts.write(self.engine);
            self.checked("writing words", outcome)?;
        }
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
        let outcome = self.texts.write(self.engine); // a job finds its own texts
        self.checked("writing words", outcome)?;
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

/// `'disk':1 'full':3`: words with their places, as PostgreSQL writes a vector.
fn vector(words: &str) -> String {
    let mut vector = String::new();
    for (place, word) in (1..).zip(words.split(' ')) {
        if !matches!(word, "" | "_") {
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
        assert_eq!(vector("a _ b"), "'a':1 'b':3 ");
        assert_eq!(vector(""), "");
    }
}
