//! Group commit: one thread writes, and as many jobs as wait share one commit.
//!
//! An fsync costs more than a hundred small jobs. The writer takes the oldest job, runs it, and goes on with the next
//! until none waits or the group is full by count or time; then it commits once, rings the bells, and answers everybody.
//! After a large group it waits a moment for as many: whoever was answered together comes again together.
//! Nobody hears of work that is not durable, and a refusal is answered no earlier either: it may rest on a neighbour's
//! work. A job that fails or panics is undone alone, by a savepoint; those that accept mail, which nothing but the
//! database refuses, do without and would take their group with them: a savepoint copies every page that is touched above
//! it, and each is as many as the mails. They let others go first into a group, where those need no savepoint either.
//!
//! The first job that has work to keep needs no savepoint: undoing everything is undoing it. So a group of one, which is
//! what a quiet desk has, costs no more than a plain transaction.
//!
//! After an error of the disk the store is *poisoned*: the kernel may have thrown away what it could not write and
//! forgotten the error, so a second fsync would lie. Every later write fails until the process has started again and
//! read back what is really there.

use super::engine::{Engine, Unsure};
use super::job::Job;
use super::queue::{Popped, Queue};
use super::readers::Readers;
use super::search::Texts;
use super::sequence::Sequences;
use super::{Seal, TOPICS, Tx};
use crate::limits;
use anyhow::bail;
use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio::sync::watch;

/// What the writer and the callers share.
pub(super) struct Shared {
    /// Jobs that wait.
    pub queue: Queue<Box<dyn Job>>,
    /// Connections that read.
    pub readers: Readers,
    /// One for each topic.
    pub bells: [watch::Sender<u64>; TOPICS],
    /// Commits so far.
    pub commits: AtomicU64,
    /// The disk failed; nothing is written any more.
    pub poisoned: AtomicBool,
    /// What jobs authenticate with.
    pub seal: Option<Seal>,
}

/// Makes a connection that writes: the first, and another when one was lost.
pub(super) type Connect = dyn FnMut() -> anyhow::Result<Box<dyn Engine>> + Send;

/// The thread that writes.
pub(super) struct Writer {
    engine: Box<dyn Engine>,
    connect: Box<Connect>,
    shared: Arc<Shared>,
    pause: Duration,
    again_at: Option<Instant>,
    /// Jobs of the group before.
    before: usize,
}

/// The transaction of a group as it stands.
#[derive(Default)]
struct Open {
    begun: bool,
    /// It holds work of a job that succeeded.
    holds_work: bool,
    savepoint: Savepoint,
    rung: u8,
    texts: Texts,
    sequences: Sequences,
}

#[derive(Default, PartialEq)]
enum Savepoint {
    #[default]
    None,
    /// Nothing has been written since it was set.
    Fresh,
    /// A job's work lies above it.
    Used,
}

/// The first pause before PostgreSQL is tried again; it doubles up to `limits::POSTGRES_BACKOFF_MILLIS`.
const PAUSE: Duration = Duration::from_millis(100);

impl Writer {
    pub(super) fn new(engine: Box<dyn Engine>, connect: Box<Connect>, shared: Arc<Shared>) -> Self {
        Writer {
            engine,
            connect,
            shared,
            pause: PAUSE,
            again_at: None,
            before: 0,
        }
    }

    /// Serves the queue until it is closed and empty.
    pub(super) fn serve(mut self) {
        let _at_end = CloseAtEnd(Arc::clone(&self.shared));
        WRITING.set(true);
        let rest = Some(Duration::from_secs(limits::WRITER_REST_SECONDS));
        let mut patience = rest;
        loop {
            match self.shared.queue.pop(patience) {
                Popped::Job(job) => {
                    self.group(job);
                    patience = rest;
                }
                Popped::Idle => {
                    self.engine.rest();
                    patience = None;
                }
                Popped::Closed => break,
            }
        }
        self.shared.readers.close();
        if !self.shared.poisoned.load(Ordering::SeqCst) {
            self.engine.finish();
        }
    }

    /// Runs, commits and answers one group: `first` and whoever waits behind it.
    fn group(&mut self, first: Box<dyn Job>) {
        let mut jobs = Vec::with_capacity(limits::GROUP_JOBS);
        // Accepted mail has no order to keep with what the desk does, and whoever comes first needs no savepoint. The mail that
        // was overtaken is the second of this group, however long the first takes.
        if !first.is_undone_alone() {
            jobs.extend(self.shared.queue.pop_such(|job| job.is_undone_alone()));
        }
        jobs.push(first);
        let failed = self.ready().and_then(|()| self.run(&mut jobs)).err().map(|cause| {
            if self.engine.in_transaction() {
                // Should it fail as well, the next `BEGIN` does and says so.
                let _ = self.engine.rollback();
            }
            let cause = format!("{cause:#}");
            tracing::error!("a group of {} jobs failed: {cause}", jobs.len());
            cause
        });
        for job in jobs {
            job.answer(failed.as_deref());
        }
        if failed.is_none()
            && let Err(unsure) = self.engine.tidy()
        {
            self.poison(&unsure);
        }
    }

    /// A connection that may be written to.
    fn ready(&mut self) -> anyhow::Result<()> {
        if self.shared.poisoned.load(Ordering::SeqCst) {
            bail!("the disk failed at an earlier write, and nothing is written until the desk has started again");
        }
        if self.engine.is_lost() {
            self.reconnect()
        } else {
            Ok(())
        }
    }

    fn reconnect(&mut self) -> anyhow::Result<()> {
        if let Some(at) = self.again_at {
            std::thread::sleep(at.saturating_duration_since(Instant::now()));
        }
        match (self.connect)() {
            Ok(engine) => {
                self.engine = engine;
                self.pause = PAUSE;
                self.again_at = None;
                Ok(())
            }
            Err(cause) => {
                self.again_at = Some(Instant::now() + self.pause);
                self.pause = (self.pause * 2).min(Duration::from_millis(limits::POSTGRES_BACKOFF_MILLIS));
                Err(cause)
            }
        }
    }

    /// Runs `jobs` and those in the queue until the group is full, and commits. On an error all of them failed.
    fn run(&mut self, jobs: &mut Vec<Box<dyn Job>>) -> anyhow::Result<()> {
        let started = Instant::now();
        let (mut open, mut done) = (Open::default(), 0);
        while let Some(job) = jobs.get_mut(done) {
            self.one(&mut open, job.as_mut())?;
            done += 1;
            if done < jobs.len() {
                continue;
            }
            if jobs.len() >= limits::GROUP_JOBS || started.elapsed().as_millis() >= limits::GROUP_MILLIS {
                break;
            }
            match self.next(jobs.len()) {
                Some(next) => jobs.push(next),
                None => break,
            }
        }
        self.before = jobs.len();
        if !open.holds_work {
            return Ok(());
        }
        open.texts.write(self.engine.as_mut())?;
        open.sequences.write(self.engine.as_mut())?;
        if let Err(unsure) = self.engine.commit() {
            self.poison(&unsure);
            return Err(unsure.cause);
        }
        self.shared.commits.fetch_add(1, Ordering::SeqCst);
        for (topic, bell) in self.shared.bells.iter().enumerate() {
            if open.rung & (1 << topic) != 0 {
                bell.send_modify(|rung| *rung += 1);
            }
        }
        Ok(())
    }

    /// The next job of a group that has `jobs`. On a busy desk it is waited for: a commit costs as much as many jobs, and a
    /// quiet desk never comes here.
    fn next(&self, jobs: usize) -> Option<Box<dyn Job>> {
        if let Some(next) = self.shared.queue.pop_now() {
            return Some(next);
        }
        if self.before < limits::GATHER_JOBS || jobs >= self.before {
            return None;
        }
        match self
            .shared
            .queue
            .pop(Some(Duration::from_millis(limits::GATHER_MILLIS)))
        {
            Popped::Job(next) => Some(next),
            Popped::Idle | Popped::Closed => None,
        }
    }

    /// Runs one job; what it did is kept in the transaction or undone. An error is the whole group's.
    fn one(&mut self, open: &mut Open, job: &mut dyn Job) -> anyhow::Result<()> {
        if !open.begun {
            self.begin()?;
            open.begun = true;
        }
        match (&open.savepoint, job.is_undone_alone()) {
            (Savepoint::None, true) if open.holds_work => self.engine.control(&["SAVEPOINT job"])?,
            (Savepoint::Used, true) => self.engine.control(&["RELEASE SAVEPOINT job", "SAVEPOINT job"])?,
            // Above a savepoint that nobody needs each page that is touched would still be copied.
            (Savepoint::Fresh | Savepoint::Used, false) => self.engine.control(&["RELEASE SAVEPOINT job"])?,
            (Savepoint::Fresh, true) | (Savepoint::None, _) => {}
        }
        open.savepoint = match open.holds_work && job.is_undone_alone() {
            true => Savepoint::Fresh,
            false => Savepoint::None,
        };
        let mut tx = Tx::new(self.engine.as_mut(), self.shared.seal);
        tx.sequences = open.sequences.clone();
        let keep = job.run(&mut tx);
        let (rung, texts, sequences) = (
            tx.rung,
            std::mem::take(&mut tx.texts),
            std::mem::take(&mut tx.sequences),
        );
        if !self.engine.in_transaction() {
            // SQLite gives a transaction up when the disk is full, PostgreSQL when it goes away.
            if keep || open.holds_work {
                bail!("the database gave up the transaction of the group");
            }
            open.begun = false;
        } else if keep {
            open.rung |= rung;
            open.texts.append(texts);
            open.sequences = sequences;
            if open.savepoint != Savepoint::None {
                open.savepoint = Savepoint::Used;
            }
            open.holds_work = true;
        } else if open.holds_work && !job.is_undone_alone() {
            bail!("a job failed that takes its group with it");
        } else if open.holds_work {
            self.engine.batch("ROLLBACK TO SAVEPOINT job")?;
        } else {
            self.engine.rollback()?;
            open.begun = false;
        }
        Ok(())
    }

    fn begin(&mut self) -> anyhow::Result<()> {
        match self.engine.begin() {
            // It was lost while nobody used it, and nothing of this transaction has been done.
            Err(_) if self.engine.is_lost() => {
                self.reconnect()?;
                self.engine.begin()
            }
            begun => begun,
        }
    }

    fn poison(&self, unsure: &Unsure) {
        if unsure.poison {
            self.shared.poisoned.store(true, Ordering::SeqCst);
            tracing::error!(
                "the disk failed; nothing is written until the desk has started again: {:#}",
                unsure.cause
            );
        } else {
            tracing::warn!("{:#}", unsure.cause);
        }
    }
}

thread_local! {
    static WRITING: Cell<bool> = const { Cell::new(false) };
}

/// Whether this thread is a writer: a job that waited for another job would wait for itself.
pub(super) fn inside_a_job() -> bool {
    WRITING.get()
}

/// However the writer ends, nobody waits for it for ever.
struct CloseAtEnd(Arc<Shared>);

impl Drop for CloseAtEnd {
    fn drop(&mut self) {
        self.0.queue.close();
        self.0.readers.close();
        while self.0.queue.pop_now().is_some() {}
    }
}

#[cfg(test)]
mod tests {
    use super::super::engine::Dialect;
    use super::super::job::Task;
    use super::super::sqlite::Sqlite;
    use super::super::value::{Row, Value};
    use super::*;
    use crate::refusal::Outcome;
    use anyhow::anyhow;
    use std::path::Path;
    use std::sync::mpsc;

    /// SQLite on a disk that fails when it is told to.
    struct Failing {
        sqlite: Sqlite,
        commits_left: u32,
        poison: bool,
    }

    impl Engine for Failing {
        fn dialect(&self) -> Dialect {
            self.sqlite.dialect()
        }
        fn execute(&mut self, sql: &str, values: &[Value]) -> anyhow::Result<u64> {
            self.sqlite.execute(sql, values)
        }
        fn insert(&mut self, sql: &str, values: &[Value]) -> anyhow::Result<i64> {
            self.sqlite.insert(sql, values)
        }
        fn query(&mut self, sql: &str, values: &[Value], most: usize) -> anyhow::Result<Vec<Row>> {
            self.sqlite.query(sql, values, most)
        }
        fn batch(&mut self, sql: &str) -> anyhow::Result<()> {
            self.sqlite.batch(sql)
        }
        fn begin(&mut self) -> anyhow::Result<()> {
            self.sqlite.begin()
        }
        fn begin_reading(&mut self) -> anyhow::Result<()> {
            self.sqlite.begin_reading()
        }
        fn commit(&mut self) -> Result<(), Unsure> {
            if self.commits_left == 0 {
                self.commits_left = u32::MAX;
                return Err(Unsure {
                    cause: anyhow!("the disk is gone"),
                    poison: self.poison,
                });
            }
            self.commits_left -= 1;
            self.sqlite.commit()
        }
        fn rollback(&mut self) -> anyhow::Result<()> {
            self.sqlite.rollback()
        }
        fn in_transaction(&self) -> bool {
            self.sqlite.in_transaction()
        }
        fn is_lost(&self) -> bool {
            false
        }
        fn tidy(&mut self) -> Result<(), Unsure> {
            self.sqlite.tidy()
        }
        fn rest(&mut self) {}
        fn finish(&mut self) {}
    }

    /// Puts three groups of two jobs before a disk whose second commit fails; the outcomes, and the rows that are left.
    fn three_groups(folder: &Path, poison: bool) -> (Vec<bool>, i64, Arc<Shared>) {
        let path = folder.join("desk.db");
        let mut sqlite = Sqlite::writer(&path).unwrap();
        sqlite.batch("CREATE TABLE note (number BIGINT)").unwrap();
        let shared = Arc::new(Shared {
            queue: Queue::new(limits::GROUP_QUEUE),
            readers: Readers::new(Box::new(|| bail!("nobody reads"))),
            bells: std::array::from_fn(|_| watch::Sender::new(0)),
            commits: AtomicU64::new(0),
            poisoned: AtomicBool::new(false),
            seal: None,
        });
        let engine = Box::new(Failing {
            sqlite,
            commits_left: 1,
            poison,
        });
        let mut writer = Writer::new(engine, Box::new(|| bail!("not lost")), Arc::clone(&shared));
        let (told, answers) = mpsc::channel();
        for _ in 0..3 {
            let mut pair = (0..2).map(|number: i64| {
                let told = told.clone();
                let job = move |tx: &mut Tx<'_>| {
                    tx.ring(super::super::Topic(3));
                    tx.execute("INSERT INTO note VALUES ($1)", &[Value::Int(number)])
                };
                let answer = move |outcome: Outcome<u64>| told.send(outcome.is_ok()).unwrap();
                Box::new(Task::new(job, answer)) as Box<dyn Job>
            });
            let (first, second) = (pair.next().unwrap(), pair.next().unwrap());
            assert!(shared.queue.push(second).is_ok());
            writer.group(first);
        }
        // Jobs that a refused group left in the queue are served like any other.
        while let Some(job) = shared.queue.pop_now() {
            writer.group(job);
        }
        let left = writer.engine.query("SELECT count(*) FROM note", &[], 1).unwrap()[0].int(0);
        drop(told);
        (answers.iter().collect(), left, shared)
    }

    #[test]
    fn after_an_error_of_the_disk_nothing_is_written_any_more() {
        let folder = tempfile::tempdir().unwrap();
        let (outcomes, left, shared) = three_groups(folder.path(), true);
        assert_eq!(outcomes, [true, true, false, false, false, false]);
        assert_eq!(left, 2);
        assert!(shared.poisoned.load(Ordering::SeqCst));
        assert_eq!(
            (shared.commits.load(Ordering::SeqCst), *shared.bells[3].borrow()),
            (1, 1)
        );
    }

    #[test]
    fn a_commit_that_failed_for_another_reason_fails_its_group_alone() {
        let folder = tempfile::tempdir().unwrap();
        let (outcomes, left, shared) = three_groups(folder.path(), false);
        assert_eq!(outcomes, [true, true, false, false, true, true]);
        assert_eq!(left, 4);
        assert!(!shared.poisoned.load(Ordering::SeqCst));
        assert_eq!(
            (shared.commits.load(Ordering::SeqCst), *shared.bells[3].borrow()),
            (2, 2)
        );
    }
}
