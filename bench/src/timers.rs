//! Timers: a million open promises, ten thousand of them due in one second, then some one by one.
//!
//! A promise is recorded with the instant that stood in its row; what is measured is how much later the ledger says so, and
//! what the process has in memory meanwhile. The rows beyond those that cases really have are copies with later dues.

use crate::desk::Large;
use crate::process::memory_mib;
use crate::report::Report;
use anyhow::{Context, Result, ensure};
use jiff::{SignedDuration, Timestamp};
use rusqlite::Connection;
use std::time::{Duration, Instant};

/// Open promises in all.
const PROMISES: i64 = 1_000_000;
/// Due in one second.
pub const AT_ONCE: i64 = 10_000;
/// Due alone, a second and a half apart.
const ALONE: i64 = 40;
/// From the start to the second in which many are due.
const BEFORE: SignedDuration = SignedDuration::from_secs(20);
/// From there to the first of those that are due alone.
const BETWEEN: SignedDuration = SignedDuration::from_secs(75);
const PATIENCE: Duration = Duration::from_secs(240);

/// Fills the desk's rows, serves it, and watches.
pub fn measure(report: &mut Report, large: &mut Large, quick: bool) -> Result<()> {
    let path = large.program.dir().join("duly.db");
    let all = if quick { PROMISES / 10 } else { PROMISES };
    let due = fill(&path, all)?;
    large.program.start()?;
    let pid = large.program.pid().context("the desk runs")?;
    let connection = Connection::open(&path)?;
    let mut most = 0.0_f64;
    let began = Instant::now();
    let wanted = AT_ONCE + ALONE;
    loop {
        let broken: i64 = connection.query_row(
            "SELECT COUNT(*) FROM promise WHERE state = 'broken' AND due >= ?1 AND due <= ?2",
            [due, last_alone(due)],
            |row| row.get(0),
        )?;
        most = most.max(memory_mib(pid)?.0);
        if broken == wanted {
            break;
        }
        ensure!(began.elapsed() < PATIENCE, "{broken} of {wanted} promises are broken");
        std::thread::sleep(Duration::from_millis(500));
    }
    let late = |from: i64, until: i64| -> Result<Vec<f64>> {
        let mut rows = connection.prepare(
            "SELECT v.at - p.due FROM promise p JOIN event v ON v.promise = p.id AND v.kind = 'promise.broken'
             WHERE p.due >= ?1 AND p.due <= ?2 AND p.settled_at = p.due",
        )?;
        let late = rows.query_map([from, until], |row| row.get::<_, i64>(0))?;
        Ok(late
            .map(|late| late.map(|millis| millis as f64 / 1e3))
            .collect::<Result<_, _>>()?)
    };
    let many = late(due, due)?;
    ensure!(
        many.len() as i64 == AT_ONCE,
        "{} of them have their own instant",
        many.len()
    );
    report.spread(
        &format!("{AT_ONCE} promises due in one second, recorded after"),
        "s",
        &many,
    );
    report.spread(
        &format!("promises due alone among {all}, recorded after"),
        "s",
        &late(due + 1, last_alone(due))?,
    );
    report.figure(
        &format!("memory of all processes with {all} open promises, most"),
        "MiB",
        &[most],
    );
    large.program.stop()?;
    Ok(())
}

fn last_alone(due: i64) -> i64 {
    due + BETWEEN.as_millis() as i64 + 1_500 * ALONE
}

/// Gives ten thousand promises one due, some their own, and adds open ones until there are so many; the due.
fn fill(path: &std::path::Path, all: i64) -> Result<i64> {
    let mut connection = Connection::open(path)?;
    let job = connection.transaction()?;
    let far = (Timestamp::now() + SignedDuration::from_hours(24)).as_millisecond();
    job.execute("UPDATE promise SET due = ?1 + id * 1000 WHERE state = 'open'", [far])?;
    job.execute(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?1),
             have(c) AS (SELECT COUNT(*) FROM promise)
         INSERT INTO promise (case_id, message, contact, severity, made_at, due, basis, word, why, state)
         SELECT p.case_id, p.message, p.contact, p.severity, p.made_at, ?2 + n.i * 977, 'target', 'offered', '{}', 'open'
         FROM n, have JOIN promise p ON p.id = 1 + n.i % have.c",
        [all - AT_ONCE, far],
    )?;
    let due = (Timestamp::now() + BEFORE).as_second() * 1_000;
    job.execute("UPDATE promise SET due = ?1 WHERE id <= ?2", [due, AT_ONCE])?;
    job.execute(
        "UPDATE promise SET due = ?1 + (id - ?2) * 1500 WHERE id > ?2 AND id <= ?2 + ?3",
        [due + BETWEEN.as_millis() as i64, AT_ONCE, ALONE],
    )?;
    job.commit()?;
    Ok(due)
}
