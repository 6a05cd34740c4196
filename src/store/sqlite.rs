//! SQLite: one file, one writer, a few readers, every commit on disk before it is answered.
//!
//! `synchronous=FULL` with a write-ahead log is one fsync a commit. The log is copied into the database by the writer
//! itself, after the callers have their answers, and not by SQLite's automatic checkpoint: that one hides its errors,
//! and an fsync that failed must never be tried again and believed. Readers cannot write (`query_only`).
//! Memory-mapped reading stays off: an error of the disk would be a signal instead of an error.

use super::engine::{Dialect, Engine, Unsure};
use super::value::{Row, Value};
use crate::limits;
use crate::refusal::{Kind, Refusal};
use anyhow::{Context, bail};
use rusqlite::config::DbConfig;
use rusqlite::types::ValueRef;
use rusqlite::{CachedStatement, Connection, ErrorCode, OpenFlags, params_from_iter};
use std::borrow::Cow;
use std::collections::HashSet;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// One connection to the file.
pub(super) struct Sqlite {
    connection: Connection,
    /// Pages in the write-ahead log after the last commit.
    log_pages: Arc<AtomicUsize>,
    /// Pages at which the log is copied next.
    copy_at: usize,
    /// Bytes of large values written since the cache was given back.
    large_bytes: usize,
    /// Statements that SQLite numbers as we do: looking through each at every use was a twenty-fifth of the writer's time.
    in_order: HashSet<String>,
}

/// The lock file beside the database, held while the desk is open; the kernel lets go of it when the process ends.
pub(super) fn lock(database: &Path) -> anyhow::Result<File> {
    let path = database.with_file_name("duly.lock");
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false).mode(0o600);
    let mut file = options
        .open(&path)
        .with_context(|| format!("the lock file {}", path.display()))?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let mut holder = String::new();
            // What the file says is only a hint for people: the lock itself is the kernel's.
            let _ = (&file).take(32).read_to_string(&mut holder);
            let holder = holder
                .trim()
                .parse::<u32>()
                .map_or(String::new(), |pid| format!(" (process {pid})"));
            bail!(Refusal::new(
                Kind::Conflict,
                format!(
                    "Another process{holder} has the desk {} open. Nothing was changed and its promises are safe. \
                     Stop that process, or use the commands of the running desk.",
                    database.display()
                ),
            ));
        }
        Err(TryLockError::Error(cause)) => {
            return Err(cause).with_context(|| format!("locking {}", path.display()));
        }
    }
    file.set_len(0)
        .and_then(|()| writeln!(file, "{}", std::process::id()))
        .context("writing the lock file")?;
    Ok(file)
}

/// Makes the file if there is none, readable by its owner alone; SQLite gives its log the same mode.
fn create(path: &Path) -> anyhow::Result<()> {
    match OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
        Ok(_) => {
            let folder = path
                .parent()
                .filter(|folder| !folder.as_os_str().is_empty())
                .unwrap_or(Path::new("."));
            // The name must be as durable as what will be written under it.
            File::open(folder)
                .and_then(|folder| folder.sync_all())
                .context("syncing the folder of the database")
        }
        Err(cause) if cause.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
        Err(cause) => Err(cause).with_context(|| format!("creating {}", path.display())),
    }
}

impl Sqlite {
    /// The connection that writes; makes the file if there is none.
    pub(super) fn writer(path: &Path) -> anyhow::Result<Sqlite> {
        create(path)?;
        // Given back when the desk rests; while mail comes, its two dozen indexes stay in memory.
        let mut sqlite = Self::open(path, 32 * 1024)?;
        let mode: String = sqlite
            .connection
            .query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0))?;
        if mode != "wal" {
            bail!(
                "{} is on a file system without a write-ahead log (journal mode {mode})",
                path.display()
            );
        }
        sqlite
            .batch("PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 0; PRAGMA journal_size_limit = 67108864;")?;
        let pages = Arc::clone(&sqlite.log_pages);
        sqlite
            .connection
            .wal_hook(Some(move |_: &mut rusqlite::hooks::Wal, in_log: i32| {
                pages.store(usize::try_from(in_log).unwrap_or(0), Ordering::Relaxed);
                Ok(())
            }))?;
        Ok(sqlite)
    }

    /// A connection that reads.
    pub(super) fn reader(path: &Path) -> anyhow::Result<Sqlite> {
        let mut sqlite = Self::open(path, 1024)?;
        sqlite.batch("PRAGMA query_only = ON")?;
        Ok(sqlite)
    }

    fn open(path: &Path, cache_kib: usize) -> anyhow::Result<Sqlite> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags).with_context(|| format!("{}", path.display()))?;
        connection.busy_timeout(Duration::from_secs(limits::SQLITE_BUSY_SECONDS))?;
        connection.set_prepared_statement_cache_capacity(limits::STATEMENTS);
        // Without it the planner looks at bound values, and parses a statement anew at each use with another value:
        // a sixth of the writer's samples (profile of a test build that placed mails and gave slices). Our plans are meant
        // to be the same for every value.
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
        connection.execute_batch(&format!(
            "PRAGMA foreign_keys = ON; PRAGMA temp_store = MEMORY; PRAGMA mmap_size = 0; PRAGMA cache_size = -{cache_kib};"
        ))?;
        Ok(Sqlite {
            connection,
            log_pages: Arc::default(),
            copy_at: limits::WAL_PAGES,
            large_bytes: 0,
            in_order: HashSet::new(),
        })
    }

    fn unsure(cause: rusqlite::Error, doing: &'static str) -> Unsure {
        let poison = matches!(
            cause.sqlite_error_code(),
            Some(ErrorCode::SystemIoFailure | ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase)
        );
        Unsure {
            cause: anyhow::Error::new(cause).context(doing),
            poison,
        }
    }
}

impl Sqlite {
    /// A statement, prepared at its first use.
    fn prepared(&mut self, sql: &str) -> rusqlite::Result<CachedStatement<'_>> {
        if self.in_order.contains(sql) {
            return self.connection.prepare_cached(sql);
        }
        let statement = numbered(sql);
        if matches!(statement, Cow::Borrowed(_)) && self.in_order.len() < limits::STATEMENTS {
            self.in_order.insert(sql.to_owned());
        }
        self.connection.prepare_cached(&statement)
    }
}

impl Engine for Sqlite {
    fn dialect(&self) -> Dialect {
        Dialect::Sqlite
    }

    fn execute(&mut self, sql: &str, values: &[Value]) -> anyhow::Result<u64> {
        let large = values.iter().map(|value| match value {
            Value::Bytes(bytes) if bytes.len() >= limits::SPOOL_BYTES => bytes.len(),
            _ => 0,
        });
        self.large_bytes += large.sum::<usize>();
        let mut statement = self.prepared(sql)?;
        Ok(statement.execute(params_from_iter(values))? as u64)
    }

    fn insert(&mut self, sql: &str, values: &[Value]) -> anyhow::Result<i64> {
        let mut statement = self.prepared(sql)?;
        Ok(statement.insert(params_from_iter(values))?)
    }

    fn query(&mut self, sql: &str, values: &[Value], most: usize) -> anyhow::Result<Vec<Row>> {
        let mut statement = self.prepared(sql)?;
        let columns = statement.column_count();
        // A statement that writes runs to its end: its last step is where SQLite checks foreign keys.
        let writes = !statement.readonly();
        let mut found = Vec::new();
        let mut rows = statement.query(params_from_iter(values))?;
        while (writes || found.len() < most)
            && let Some(row) = rows.next()?
        {
            if found.len() < most {
                found.push(Row((0..columns)
                    .map(|column| cell(row, column))
                    .collect::<anyhow::Result<_>>()?));
            }
        }
        Ok(found)
    }

    fn batch(&mut self, sql: &str) -> anyhow::Result<()> {
        Ok(self.connection.execute_batch(sql)?)
    }

    fn control(&mut self, statements: &[&str]) -> anyhow::Result<()> {
        for statement in statements {
            self.connection.prepare_cached(statement)?.execute([])?;
        }
        Ok(())
    }

    fn begin(&mut self) -> anyhow::Result<()> {
        self.control(&["BEGIN IMMEDIATE"])
    }

    fn begin_reading(&mut self) -> anyhow::Result<()> {
        self.batch("BEGIN DEFERRED")
    }

    fn commit(&mut self) -> Result<(), Unsure> {
        self.connection
            .execute_batch("COMMIT")
            .map_err(|cause| Self::unsure(cause, "committing to SQLite"))
    }

    fn rollback(&mut self) -> anyhow::Result<()> {
        self.batch("ROLLBACK")
    }

    fn in_transaction(&self) -> bool {
        !self.connection.is_autocommit()
    }

    fn is_lost(&self) -> bool {
        false
    }

    fn tidy(&mut self) -> Result<(), Unsure> {
        if self.large_bytes >= limits::PIECES_AT_ONCE * limits::SPOOL_BYTES {
            // The pages of a large mail are not asked for again; in the cache they would only push the indexes out.
            self.large_bytes = 0;
            self.rest();
        }
        let pages = self.log_pages.load(Ordering::Relaxed);
        if pages + limits::WAL_PAGES < self.copy_at {
            // The log began anew since it was copied.
            self.copy_at = limits::WAL_PAGES;
        }
        if pages < self.copy_at {
            return Ok(());
        }
        // A reader may keep some pages back: they are copied one step later, not at every commit.
        self.copy_at = pages + limits::WAL_PAGES;
        self.connection
            .execute_batch("PRAGMA wal_checkpoint(PASSIVE)")
            .map_err(|cause| Self::unsure(cause, "copying SQLite's log into the database"))
    }

    fn rest(&mut self) {
        if let Err(cause) = self.batch("PRAGMA shrink_memory") {
            tracing::warn!("SQLite kept its cache: {cause:#}");
        }
    }

    fn finish(&mut self) {
        if let Err(cause) = self.batch("PRAGMA optimize; PRAGMA wal_checkpoint(TRUNCATE)") {
            tracing::warn!("SQLite's log stays beside the database and is read at the next start: {cause:#}");
        }
    }
}

fn cell(row: &rusqlite::Row<'_>, column: usize) -> anyhow::Result<Value> {
    Ok(match row.get_ref(column)? {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(value) => Value::Int(value),
        ValueRef::Text(bytes) => Value::Text(String::from_utf8_lossy(bytes).into_owned()),
        ValueRef::Blob(bytes) => Value::Bytes(bytes.to_vec()),
        ValueRef::Real(_) => {
            bail!("column {column} is a floating point number: cast it to BIGINT or TEXT")
        }
    })
}

/// `$1` as `?1`. To SQLite `$1` is a *name*, and names are numbered in the order in which they are met: `$2 … $1` would
/// bind the values crosswise. Text in quotes and comments stay as they are.
pub(super) fn numbered(sql: &str) -> Cow<'_, str> {
    if in_order(sql) {
        return Cow::Borrowed(sql);
    }
    let mut out = String::with_capacity(sql.len());
    let mut rest = sql;
    while let Some(at) = rest.find(['$', '\'', '"', '-', '/']) {
        let (before, here) = rest.split_at(at);
        out.push_str(before);
        let taken = match here.as_bytes() {
            [b'$', b'0'..=b'9', ..] => {
                out.push('?');
                rest = &here[1..];
                continue;
            }
            [quote @ (b'\'' | b'"'), ..] => here[1..].find(*quote as char).map_or(here.len(), |end| end + 2),
            [b'-', b'-', ..] => here.find('\n').unwrap_or(here.len()),
            [b'/', b'*', ..] => here.find("*/").map_or(here.len(), |end| end + 2),
            _ => 1,
        };
        out.push_str(&here[..taken]);
        rest = &here[taken..];
    }
    out.push_str(rest);
    Cow::Owned(out)
}

/// Whether the names are met first in the order of their numbers, so that SQLite numbers them the same: nearly all of
/// our statements, which then need no rewriting. Never said of one with a `$` in a quote, or with a comment before one.
fn in_order(sql: &str) -> bool {
    let (mut most, mut quoted) = (0, false);
    let mut rest = sql;
    while let Some(at) = rest.find('$') {
        let before = &rest[..at];
        quoted ^= before.bytes().filter(|&byte| byte == b'\'').count() % 2 == 1;
        if quoted || before.contains('"') || before.contains("--") || before.contains("/*") {
            return false;
        }
        rest = &rest[at + 1..];
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        match rest[..digits].parse::<u32>() {
            Ok(number) if (1..=most).contains(&number) => {}
            Ok(number) if number == most + 1 => most = number,
            _ => return false,
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_parameters_are_rewritten_outside_of_quotes_and_comments() {
        let sql = "SELECT '$1', \"$2\", $2 -- $3\n, $1 /* $4 */ - $10 / 2, 'it''s $5', '$6";
        assert_eq!(
            numbered(sql),
            "SELECT '$1', \"$2\", ?2 -- $3\n, ?1 /* $4 */ - ?10 / 2, 'it''s $5', '$6"
        );
        assert!(matches!(numbered("SELECT 1"), Cow::Borrowed(_)));
        assert!(matches!(numbered("a = 'b' AND $1 = $1 AND $2"), Cow::Borrowed(_)));
        for crossed in [
            "$2 $1",
            "'$1' $1",
            "'it''s $1'",
            "$1 -- $3\n $2",
            "$0",
            "$",
            "$1 \"$2\"",
        ] {
            assert!(!in_order(crossed), "{crossed}");
        }
    }

    #[test]
    fn the_log_is_copied_by_the_writer_when_it_has_grown() {
        let folder = tempfile::tempdir().unwrap();
        let mut sqlite = Sqlite::writer(&folder.path().join("desk.db")).unwrap();
        sqlite.batch("CREATE TABLE heap (bytes BLOB)").unwrap();
        let megabyte = [Value::Bytes(vec![7; 1 << 20])];
        let log_megabytes = limits::WAL_PAGES / 256;
        for _ in 0..log_megabytes + 4 {
            sqlite.execute("INSERT INTO heap VALUES ($1)", &megabyte).unwrap();
            sqlite.tidy().unwrap();
        }
        let copied = std::fs::metadata(folder.path().join("desk.db")).unwrap().len();
        assert!(
            copied as usize > log_megabytes << 20,
            "{copied} bytes have reached the database"
        );
        let before = sqlite.copy_at;
        sqlite.execute("INSERT INTO heap VALUES ($1)", &megabyte).unwrap();
        sqlite.tidy().unwrap();
        assert!(sqlite.copy_at <= before, "the log began anew");
    }

    #[test]
    fn an_error_of_the_disk_poisons_and_a_full_disk_does_not() {
        let failure = |code| {
            Sqlite::unsure(
                rusqlite::Error::SqliteFailure(rusqlite::ffi::Error::new(code), None),
                "",
            )
        };
        assert!(failure(rusqlite::ffi::SQLITE_IOERR_FSYNC).poison);
        assert!(!failure(rusqlite::ffi::SQLITE_FULL).poison);
        assert!(!failure(rusqlite::ffi::SQLITE_BUSY).poison);
    }
}
