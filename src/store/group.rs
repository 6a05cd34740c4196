//! Group commit: one thread writes, and as many jobs as wait share one commit.
//!
//! An fsync costs more than a hundred small jobs. The writer takes the oldest job, runs it, and goes on with the next
//! until none waits or the group is full by count or time; then it commits once, rings the bells, and answers everybody.
//! Nobody hears of work that is not durable, and a refusal is answered no earlier either: it may rest on a neighbour's
//! work. A job that fails or panics is undone alone.
//!
//! The first job that has work to keep needs no savepoint: undoing everything is undoing it. So a group of one, which is
//! what a quiet desk has, costs no more than a plain transaction.
//!
//! After an error of the disk the store is *poisoned*: the kernel may have thrown away what it could not write and
//! forgotten the error, so a second fsync would lie. Every later write fails until the process has started again and
//! read back what is really there.

use super::engine::{Engine, Unsure};
use super::queue::{Popped, Queue};
use super::readers::Readers;
use super::{TOPICS, Tx};
use crate::limits;
use crate::refusal::{Fault, Outcome};
use anyhow::{anyhow, bail};
use std::any::Any;
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
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
}

/// A job in the queue, its result's type forgotten.
pub(super) trait Job: Send {
    /// Runs it; true if its work is to be kept.
    fn run(&mut self, tx: &mut Tx<'_>) -> bool;
    /// Tells the caller: its own outcome, or why its group failed.
    fn answer(self: Box<Self>, failed: Option<&str>);
}

/// A job with its type.
pub(super) struct Task<T, F, A> {
    job: Option<F>,
    outcome: Option<Outcome<T>>,
    answer: A,
}

impl<T, F, A> Task<T, F, A> {
    pub(super) fn new(job: F, answer: A) -> Self {
        Task {
            job: Some(job),
            outcome: None,
            answer,
        }
    }
}

impl<T, F, A> Job for Task<T, F, A>
where
    T: Send,
    F: FnOnce(&mut Tx<'_>) -> Outcome<T> + Send,
    A: FnOnce(Outcome<T>) + Send,
{
    fn run(&mut self, tx: &mut Tx<'_>) -> bool {
        let Some(job) = self.job.take() else {
            return false;
        };
        // Whatever the job broke it broke in its own values or in the transaction, and both are thrown away.
        let outcome = catch_unwind(AssertUnwindSafe(|| job(tx))).unwrap_or_else(|panic| {
            Err(Fault::Failed(anyhow!(
                "a job panicked: {}",
                words(panic.as_ref())
            )))
        });
        let outcome = if outcome.is_ok() && tx.broken {
            Err(Fault::Failed(anyhow!(
                "a statement of the job failed and the job went on"
            )))
        } else {
            outcome
        };
        let keep = outcome.is_ok();
        self.outcome = Some(outcome);
        keep
    }

    fn answer(self: Box<Self>, failed: Option<&str>) {
        let outcome = match (failed, self.outcome) {
            (None, Some(outcome)) => outcome,
            (Some(cause), Some(Err(Fault::Failed(own)))) => {
                Err(Fault::Failed(own.context(cause.to_owned())))
            }
            (Some(cause), _) => Err(Fault::Failed(anyhow!("{cause}"))),
            (None, None) => Err(Fault::Failed(anyhow!("the job was never run"))),
        };
        (self.answer)(outcome);
    }
}

fn words(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no words")
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
}

/// The transaction of a group as it stands.
#[derive(Default)]
struct Open {
    begun: bool,
    /// It holds work of a job that succeeded.
    holds_work: bool,
    savepoint: Savepoint,
    rung: u8,
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
        jobs.push(first);
        let failed = self
            .ready()
            .and_then(|()| self.run(&mut jobs))
            .err()
            .map(|cause| {
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
            bail!(
                "the disk failed at an earlier write, and nothing is written until the desk has started again"
            );
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
                self.pause =
                    (self.pause * 2).min(Duration::from_millis(limits::POSTGRES_BACKOFF_MILLIS));
                Err(cause)
            }
        }
    }

    /// Runs the last of `jobs` and those in the queue until the group is full, and commits. On an error all of them failed.
    fn run(&mut self, jobs: &mut Vec<Box<dyn Job>>) -> anyhow::Result<()> {
        let started = Instant::now();
        let mut open = Open::default();
        while let Some(job) = jobs.last_mut() {
            self.one(&mut open, job.as_mut())?;
            if jobs.len() >= limits::GROUP_JOBS
                || started.elapsed().as_millis() >= limits::GROUP_MILLIS
            {
                break;
            }
            let Some(next) = self.shared.queue.pop_now() else {
                break;
            };
            jobs.push(next);
        }
        if !open.holds_work {
            return Ok(());
        }
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

    /// Runs one job; what it did is kept in the transaction or undone. An error is the whole group's.
    fn one(&mut self, open: &mut Open, job: &mut dyn Job) -> anyhow::Result<()> {
        if !open.begun {
            self.begin()?;
            open.begun = true;
        }
        if open.holds_work {
            match open.savepoint {
                Savepoint::None => self.engine.batch("SAVEPOINT job")?,
                Savepoint::Fresh => {}
                Savepoint::Used => self.engine.batch("RELEASE SAVEPOINT job; SAVEPOINT job")?,
            }
            open.savepoint = Savepoint::Fresh;
        }
        let mut tx = Tx::new(self.engine.as_mut());
        let keep = job.run(&mut tx);
        let rung = tx.rung;
        if !self.engine.in_transaction() {
            // SQLite gives a transaction up when the disk is full, PostgreSQL when it goes away.
            if keep || open.holds_work {
                bail!("the database gave up the transaction of the group");
            }
            open.begun = false;
        } else if keep {
            open.rung |= rung;
            if open.holds_work {
                open.savepoint = Savepoint::Used;
            }
            open.holds_work = true;
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
