//! What the store asks of a database: what happens in a transaction, and what between two.
//!
//! An engine is one connection. It is an object and not a type parameter, so that group commit, readers and migrations
//! are written once, and so that tests can put an engine with a failing disk under them.

use super::value::{Row, Value};

/// Which of the two databases a connection speaks to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dialect {
    /// SQLite, in this process.
    Sqlite,
    /// A PostgreSQL server.
    Postgres,
}

/// A commit that did not happen, or of which nobody can say.
#[derive(Debug)]
pub(super) struct Unsure {
    /// What the database said.
    pub cause: anyhow::Error,
    /// The disk failed underneath: what this process believes to be written may be lost, and asking the kernel to
    /// write it again would only be told "done". No write after this one may succeed.
    pub poison: bool,
}

/// One connection to a database.
pub(super) trait Engine: Send {
    /// Which dialect it speaks.
    fn dialect(&self) -> Dialect;
    /// Runs one statement; rows touched.
    fn execute(&mut self, sql: &str, values: &[Value]) -> anyhow::Result<u64>;
    /// Runs one `INSERT` of one row into a table whose column `id` the database numbers; that number.
    fn insert(&mut self, sql: &str, values: &[Value]) -> anyhow::Result<i64>;
    /// Runs one statement; its rows, at most `most` of them.
    fn query(&mut self, sql: &str, values: &[Value], most: usize) -> anyhow::Result<Vec<Row>>;
    /// Runs statements without parameters and without rows.
    fn batch(&mut self, sql: &str) -> anyhow::Result<()>;
    /// Runs statements of transaction control, the same few again and again.
    fn control(&mut self, statements: &[&str]) -> anyhow::Result<()> {
        self.batch(&statements.join("; "))
    }
    /// Begins a transaction that writes.
    fn begin(&mut self) -> anyhow::Result<()>;
    /// Begins a transaction that reads one snapshot and cannot write.
    fn begin_reading(&mut self) -> anyhow::Result<()>;
    /// Commits; when this returns, the work is durable.
    fn commit(&mut self) -> Result<(), Unsure>;
    /// Ends the transaction without its work.
    fn rollback(&mut self) -> anyhow::Result<()>;
    /// Whether a transaction that was begun is still there: SQLite gives one up by itself on some errors.
    fn in_transaction(&self) -> bool;
    /// The connection is gone and another one is needed.
    fn is_lost(&self) -> bool;
    /// Housekeeping between two transactions, after the callers have their answers.
    fn tidy(&mut self) -> Result<(), Unsure>;
    /// Gives back memory: nothing was asked for a while.
    fn rest(&mut self);
    /// The last words before the connection closes.
    fn finish(&mut self);
}
