//! What an entry of the ledger costs the writer: as it is written today, and as it was before entries had a code and the
//! hash of their case. Processor time, so that a busy machine matters little; both in the same run.

use crate::process::cpu_seconds;
use crate::report::Report;
use anyhow::Result;
use duly::desk::ledger::{self, Actor, Entry, event};
use duly::desk::{CaseId, MIGRATIONS, proof};
use duly::refusal::Outcome;
use duly::store::{Store, Target, Tx};
use duly::values;
use jiff::Timestamp;
use serde_json::json;

/// Entries of one transaction.
const BATCH: i64 = 500;
/// Entries of a case, as a mail and its answer leave them.
const OF_A_CASE: i64 = 12;

/// Writes so many entries both ways, several times.
pub fn measure(report: &mut Report, quick: bool) -> Result<()> {
    let entries: i64 = if quick { 20_000 } else { 200_000 };
    let (mut now, mut before) = (Vec::new(), Vec::new());
    for _ in 0..3 {
        now.push(cost(entries, today)?);
        before.push(cost(entries, as_before)?);
    }
    report.figure("an entry of the ledger, processor time", "µs", &now);
    report.figure(
        "an entry as it was before codes and cases, processor time",
        "µs",
        &before,
    );
    Ok(())
}

/// Microseconds of processor time an entry. The ledger must be whole afterwards.
fn cost(entries: i64, write: impl Fn(&mut Tx<'_>, i64) -> Outcome<()> + Copy + Send + 'static) -> Result<f64> {
    let folder = tempfile::tempdir()?;
    let target = Target::Sqlite(folder.path().join("desk.db"));
    let store = Store::open_sealed(&target, MIGRATIONS, Some([7; 32]))?;
    let began = cpu_seconds(std::process::id())?;
    for first in (0..entries).step_by(BATCH as usize) {
        store.write(move |tx| (first..first + BATCH).try_for_each(|number| write(tx, number)))?;
    }
    let spent = cpu_seconds(std::process::id())? - began;
    store.read(|tx| proof::verify(tx, &[]))?;
    store.close();
    Ok(spent * 1e6 / entries as f64)
}

/// Cases take turns, so that the entry before it in its case was mostly written in an earlier transaction.
fn facts(number: i64) -> (i64, &'static str, serde_json::Value) {
    let case = number / (OF_A_CASE * 50) * 50 + number % 50 + 1;
    let kind = if number / 50 % OF_A_CASE == 0 {
        "case.opened"
    } else {
        "mail.written"
    };
    (
        case,
        kind,
        json!({"kind": "acknowledgement", "due": "2026-03-02T10:00:00Z"}),
    )
}

fn today(tx: &mut Tx<'_>, number: i64) -> Outcome<()> {
    let (case, kind, data) = facts(number);
    let entry = event(kind, Actor::Desk).of(CaseId(case)).with(data);
    ledger::record(tx, Timestamp::UNIX_EPOCH, entry)?;
    Ok(())
}

fn as_before(tx: &mut Tx<'_>, number: i64) -> Outcome<()> {
    let (case, kind, data) = facts(number);
    let seq = tx.next_number("ledger")?;
    let before = match tx.left_by("ledger") {
        Some(hash) => hash.to_vec(),
        None => tx
            .first("SELECT hash FROM event WHERE seq = $1", &values![seq - 1])?
            .map_or_else(Vec::new, |row| row.bytes(0).to_vec()),
    };
    let entry = Entry {
        seq,
        at: 0,
        case: Some(case),
        kind: kind.to_owned(),
        actor: Actor::Desk.text(),
        message: None,
        promise: None,
        data: data.to_string(),
    };
    let hash = entry.hash(1, Some(&before), None);
    tx.execute(
        "INSERT INTO event (seq, at, case_id, kind, actor, message, promise, data, hash)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        &values![
            seq,
            Timestamp::UNIX_EPOCH,
            case,
            entry.kind,
            entry.actor,
            None::<i64>,
            None::<i64>,
            entry.data,
            hash.as_slice()
        ],
    )?;
    tx.leave("ledger", hash.to_vec());
    Ok(())
}
