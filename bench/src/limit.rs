//! The limit: what this machine could do at best with the same mails and the same rows.
//!
//! A bare parser reads every mail on one thread; another writes the rows that the desk wrote for as many mails (copied
//! out of its own database beforehand, with its own tables, indexes and full text) into a new SQLite file, with the
//! same durability and grouping: each commit takes what was accepted of one group and what was understood of the group
//! before, as the desk's one writer does; a group is as large as there are sessions. No SMTP, no rule, no lookup, no
//! second process, no foreign keys. A desk cannot reach it; how near it comes is what its rules cost.

use crate::process::cpu_seconds;
use anyhow::{Context, Result};
use rusqlite::types::Value;
use rusqlite::{Connection, OpenFlags, params_from_iter};
use std::io::Write;
use std::path::Path;
use std::sync::mpsc::sync_channel;
use std::time::Instant;

/// What the limit was.
pub struct Limit {
    /// Mails parsed and written a second.
    pub mails_per_second: f64,
    /// Processor time of all mails.
    pub cpu_seconds: f64,
}

/// Rows of the first transaction of a mail, and of the second; see `migrations/`.
const ACCEPTED: [&str; 2] = ["raw", "arrival"];
const UNDERSTOOD: [&str; 12] = [
    "customer",
    "contact",
    "contact_address",
    "cases",
    "participant",
    "message",
    "known_id",
    "promise",
    "outbox",
    "event",
    "case_subject",
    "destination",
];

struct Table {
    insert: String,
    rows: Vec<Vec<Value>>,
}

/// Parses `mails` and writes as many rows as the desk in `base` has for that number, in groups of `group` mails.
pub fn same_rows(base: &Path, mails: &[&[u8]], group: usize) -> Result<Limit> {
    let source = Connection::open_with_flags(base, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    let arrivals: i64 = source.query_row("SELECT COUNT(*) FROM arrival", [], |row| row.get(0))?;
    let share = mails.len() as f64 / arrivals as f64;
    let accepted = ACCEPTED
        .iter()
        .map(|name| table(&source, name, share))
        .collect::<Result<Vec<_>>>()?;
    let mut understood = UNDERSTOOD
        .iter()
        .map(|name| table(&source, name, share))
        .collect::<Result<Vec<_>>>()?;
    understood.push(words(&source, mails.len())?);
    let folder = tempfile::tempdir()?;
    let target = empty_copy(&source, &folder.path().join("limit.db"))?;
    drop(source);
    let before = cpu_seconds(std::process::id())?;
    let began = Instant::now();
    let (sender, receiver) = sync_channel(8);
    std::thread::scope(|scope| {
        scope.spawn(move || {
            let parser = mail_parser::MessageParser::default();
            for mails in mails.chunks(group) {
                for raw in mails {
                    let parsed = parser.parse(*raw);
                    let read = parsed
                        .as_ref()
                        .and_then(|mail| Some((mail.subject()?, mail.body_text(0)?)));
                    std::hint::black_box(&read);
                }
                if sender.send(()).is_err() {
                    return;
                }
            }
        });
        let groups = mails.len().div_ceil(group);
        for (place, ()) in receiver.iter().enumerate() {
            let before = place.checked_sub(1).map(|before| (understood.as_slice(), before));
            write(
                &target,
                groups,
                before.into_iter().chain([(accepted.as_slice(), place)]),
            )?;
        }
        write(&target, groups, [(understood.as_slice(), groups - 1)].into_iter())?;
        anyhow::Ok(())
    })?;
    let seconds = began.elapsed().as_secs_f64();
    Ok(Limit {
        mails_per_second: mails.len() as f64 / seconds,
        cpu_seconds: cpu_seconds(std::process::id())? - before,
    })
}

/// One transaction: the share that a group of mails has in some tables, for each of these groups.
fn write<'a>(target: &Connection, groups: usize, parts: impl Iterator<Item = (&'a [Table], usize)>) -> Result<()> {
    target.execute_batch("BEGIN IMMEDIATE")?;
    for (tables, group) in parts {
        for table in tables {
            let mut insert = target.prepare_cached(&table.insert)?;
            let part = |place: usize| table.rows.len() * place / groups;
            for row in &table.rows[part(group)..part(group + 1)] {
                insert.execute(params_from_iter(row))?;
            }
        }
    }
    target.execute_batch("COMMIT")?;
    Ok(())
}

/// The first rows of a table, as many as belong to this share of the mails.
fn table(source: &Connection, name: &str, share: f64) -> Result<Table> {
    let count: f64 = source.query_row(&format!("SELECT COUNT(*) FROM {name}"), [], |row| row.get(0))?;
    let mut select = source.prepare(&format!("SELECT * FROM {name} LIMIT {}", (count * share).round()))?;
    let columns = select.column_count();
    let names = select.column_names().collect::<Vec<_>>().join(", ");
    let places = (1..=columns)
        .map(|place| format!("?{place}"))
        .collect::<Vec<_>>()
        .join(", ");
    let rows = select
        .query_map([], |row| (0..columns).map(|column| row.get(column)).collect())?
        .collect::<rusqlite::Result<Vec<Vec<Value>>>>()?;
    Ok(Table {
        insert: format!("INSERT INTO {name} ({names}) VALUES ({places})"),
        rows,
    })
}

/// The words of mails that came in: subject and newly written text, as the desk gives them to the index.
fn words(source: &Connection, mails: usize) -> Result<Table> {
    let mut select = source.prepare("SELECT id, subject || ' ' || text FROM message WHERE way = 'in' LIMIT ?1")?;
    let rows = select
        .query_map([mails as i64], |row| Ok(vec![row.get(0)?, row.get(1)?]))?
        .collect::<rusqlite::Result<Vec<Vec<Value>>>>()?;
    Ok(Table {
        insert: "INSERT INTO message_words (rowid, words) VALUES (?1, ?2)".into(),
        rows,
    })
}

/// A new database with the same tables and indexes, as durable as the desk's.
fn empty_copy(source: &Connection, path: &Path) -> Result<Connection> {
    let target = Connection::open(path)?;
    let mode: String = target.query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0))?;
    anyhow::ensure!(mode == "wal", "no write-ahead log");
    target.execute_batch(
        "PRAGMA synchronous = FULL; PRAGMA foreign_keys = OFF; PRAGMA cache_size = -4096;
         PRAGMA wal_autocheckpoint = 4000",
    )?;
    target.set_prepared_statement_cache_capacity(64);
    let mut made = source.prepare(
        "SELECT sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE 'message_words_%' AND name NOT LIKE 'sqlite_%'
         ORDER BY type DESC, rowid",
    )?;
    for sql in made.query_map([], |row| row.get::<_, String>(0))? {
        target.execute_batch(&sql?)?;
    }
    Ok(target)
}

/// How often this disk takes 4 kB for certain: appends and syncs, five series.
pub fn syncs_per_second() -> Result<Vec<f64>> {
    const SYNCS: usize = 200;
    let folder = tempfile::tempdir()?;
    let mut file = std::fs::File::create(folder.path().join("sync")).context("a file to sync")?;
    let mut rates = Vec::new();
    for run in 0..6 {
        let began = Instant::now();
        for _ in 0..SYNCS {
            file.write_all(&[7; 4096])?;
            file.sync_data()?;
        }
        if run > 0 {
            rates.push(SYNCS as f64 / began.elapsed().as_secs_f64());
        }
    }
    Ok(rates)
}
