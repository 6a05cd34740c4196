//! The door to the database.
//!
//! It promises: what [`Store::write`] answered is on disk, whole or not at all; jobs run one after another in the order in
//! which they were given; a read sees one snapshot; both databases behave the same. It knows no noun of the desk: SQL
//! comes from the domain, written once with `$1 … $n`, in the part of the language that both databases share.
//!
//! It leaves out: asynchronous queries (domain code is plain and blocking; tasks use [`Store::write_async`], or read in
//! `spawn_blocking`), a query builder, and any type but integers, text and bytes. A library that abstracts both databases
//! was measured at four times the processor time and twice the crates.
//!
//! [`group`] is the heart; [`sqlite`] and [`postgres`] are the two engines under it, [`search`] the only dialects.

mod engine;
mod group;
mod job;
mod migrate;
mod postgres;
mod queue;
mod readers;
mod search;
mod sequence;
mod sqlite;
mod value;
mod words;

pub use crate::values;
pub use migrate::Migration;
pub use search::SEARCH;
pub use value::{Row, Value};
pub use words::Words;

use crate::limits;
use crate::refusal::{Fault, Outcome};
use anyhow::{Context, anyhow};
use engine::Engine;
use group::{Connect, Shared, Writer};
use job::{Job, Task};
use queue::Queue;
use readers::Readers;
use std::fs::File;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread::JoinHandle;
use tokio::sync::{oneshot, watch};

/// Number of topics.
const TOPICS: usize = 8;

/// Where the desk keeps its data. Not `Debug`: an address may hold a password.
#[derive(Clone, PartialEq, Eq)]
pub enum Target {
    /// The database file; `duly.lock` stands beside it.
    Sqlite(PathBuf),
    /// The address of a PostgreSQL database: `postgres://user:password@host/database?sslmode=verify-full`. Without an
    /// `sslmode` the connection is plain.
    Postgres(String),
}

/// What a bell is rung for; the domain gives the eight numbers (0 to 7) their meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Topic(pub u8);

impl Topic {
    fn place(self) -> usize {
        debug_assert!(usize::from(self.0) < TOPICS, "there are {TOPICS} topics");
        usize::from(self.0) % TOPICS
    }
}

/// A secret that authenticates rows.
pub type Seal = [u8; 32];

/// An open database. Clones are cheap and the same store; it closes with the last one, or by [`Store::close`].
#[derive(Clone)]
pub struct Store {
    house: Arc<House>,
}

/// What all clones of a store hold together.
struct House {
    shared: Arc<Shared>,
    writer: Mutex<Option<JoinHandle<()>>>,
    lock: Mutex<Option<File>>,
}

impl Store {
    /// Opens the database, brings it to the newest of `migrations`, and starts the thread that writes.
    ///
    /// # Errors
    /// A [`Refusal`](crate::refusal::Refusal) in the chain if another process has this desk open, the database is newer
    /// than the program, or the address is not understood; else whatever the database said.
    pub fn open(target: &Target, migrations: &[Migration]) -> anyhow::Result<Store> {
        Store::open_sealed(target, migrations, None)
    }

    /// As [`Store::open`], with a secret that stands nowhere in the database: jobs authenticate with it what they write, so
    /// that whoever can write to the tables alone cannot write what we would have written. Plain reads do not have it.
    ///
    /// # Errors
    /// As [`Store::open`].
    pub fn open_sealed(target: &Target, migrations: &[Migration], seal: Option<Seal>) -> anyhow::Result<Store> {
        let lock = match target {
            Target::Sqlite(path) => Some(sqlite::lock(path)?),
            Target::Postgres(_) => None,
        };
        let shared = Arc::new(Shared {
            queue: Queue::new(limits::GROUP_QUEUE),
            readers: readers(target.clone()),
            bells: std::array::from_fn(|_| watch::Sender::new(0)),
            commits: AtomicU64::new(0),
            poisoned: AtomicBool::new(false),
            seal,
        });
        let (ready, opened) = mpsc::sync_channel(1);
        let writer = std::thread::Builder::new().name("store-writer".into()).spawn({
            let (mut connect, migrations, shared) = (writer(target.clone()), migrations.to_vec(), Arc::clone(&shared));
            // Opened on its own thread, so that this may be called from a task: PostgreSQL's client forbids that.
            move || match connect()
                .and_then(|mut engine| migrate::migrate(engine.as_mut(), &migrations).map(|()| engine))
            {
                Ok(engine) => {
                    let _ = ready.send(Ok(()));
                    Writer::new(engine, connect, shared).serve();
                }
                Err(cause) => _ = ready.send(Err(cause)),
            }
        })?;
        opened.recv().context("the writer ended before it began")??;
        Ok(Store {
            house: Arc::new(House {
                shared,
                writer: Mutex::new(Some(writer)),
                lock: Mutex::new(lock),
            }),
        })
    }

    /// Runs `job` in a transaction and returns when its work is durable, or undone if it returned an error. A statement
    /// that failed fails its job, even if the job went on: PostgreSQL would not go on either.
    ///
    /// Blocks the thread; waits for a place when [`limits::GROUP_QUEUE`] jobs wait. Must not be called inside a job.
    ///
    /// # Errors
    /// The job's own; [`Fault::Failed`] if it panicked, could not be made durable, or the store is closed. When the
    /// connection to PostgreSQL was lost during the commit, the work may have been kept nevertheless.
    pub fn write<T: Send + 'static>(&self, job: impl FnOnce(&mut Tx<'_>) -> Outcome<T> + Send + 'static) -> Outcome<T> {
        self.submit(job).wait()
    }

    /// As [`Store::write`], for a task. Once the job has its place it runs, even if the future is dropped.
    ///
    /// # Errors
    /// As [`Store::write`].
    pub async fn write_async<T: Send + 'static>(
        &self,
        job: impl FnOnce(&mut Tx<'_>) -> Outcome<T> + Send + 'static,
    ) -> Outcome<T> {
        let (answer, answered) = oneshot::channel();
        let task = Task::new(job, |outcome| _ = answer.send(outcome));
        self.push(Box::new(task), answered).await
    }

    /// As [`Store::write_async`], for the many small jobs that only the database can refuse: they need no savepoint, and
    /// one that fails takes its group with it.
    ///
    /// # Errors
    /// As [`Store::write`].
    pub async fn append_async<T: Send + 'static>(
        &self,
        job: impl FnOnce(&mut Tx<'_>) -> Outcome<T> + Send + 'static,
    ) -> Outcome<T> {
        let (answer, answered) = oneshot::channel();
        let task = Task::new(job, |outcome| _ = answer.send(outcome));
        self.push(Box::new(task.that_only_the_database_refuses()), answered)
            .await
    }

    async fn push<T>(&self, task: Box<dyn Job>, answered: oneshot::Receiver<Outcome<T>>) -> Outcome<T> {
        if self.house.shared.queue.push_async(task).await.is_err() {
            return Err(closed());
        }
        answered.await.unwrap_or_else(|_| Err(closed()))
    }

    /// Gives `job` its place now and returns at once (or when there is a place): one thread can fill a group.
    pub fn submit<T: Send + 'static>(
        &self,
        job: impl FnOnce(&mut Tx<'_>) -> Outcome<T> + Send + 'static,
    ) -> Pending<T> {
        let (answer, answered) = mpsc::sync_channel(1);
        if group::inside_a_job() {
            let _ = answer.send(Err(Fault::Failed(anyhow!("a job was given to the store inside a job"))));
            return Pending(answered);
        }
        let task: Box<dyn Job> = Box::new(Task::new(job, move |outcome| _ = answer.send(outcome)));
        // A refused task is dropped, its end of the channel with it, and waiting then says that the store is closed.
        drop(self.house.shared.queue.push(task));
        Pending(answered)
    }

    /// Runs `job` on the caller's thread over one snapshot of what is committed; it cannot write. Not inside a read, and
    /// not inside a task: there use `spawn_blocking`.
    ///
    /// # Errors
    /// The job's own; [`Fault::Failed`] if the store is closed or no reader came free.
    pub fn read<T>(&self, job: impl FnOnce(&mut Tx<'_>) -> Outcome<T>) -> Outcome<T> {
        let mut loan = self.house.shared.readers.lend()?;
        job(&mut Tx::new(loan.engine()?, None))
    }

    /// As [`Store::read`], with the seal: for whoever proves what was written.
    ///
    /// # Errors
    /// As [`Store::read`].
    pub fn read_sealed<T>(&self, job: impl FnOnce(&mut Tx<'_>) -> Outcome<T>) -> Outcome<T> {
        let mut loan = self.house.shared.readers.lend()?;
        job(&mut Tx::new(loan.engine()?, self.house.shared.seal))
    }

    /// A number that rises after each commit in which a job rang `topic`.
    pub fn bell(&self, topic: Topic) -> watch::Receiver<u64> {
        self.house.shared.bells[topic.place()].subscribe()
    }

    /// Commits since the store was opened: fewer than jobs, when jobs came together.
    pub fn commits(&self) -> u64 {
        self.house.shared.commits.load(Ordering::SeqCst)
    }

    /// The disk failed at a write. Every later write fails; the process should end, and the desk start again.
    pub fn poisoned(&self) -> bool {
        self.house.shared.poisoned.load(Ordering::SeqCst)
    }

    /// Finishes the jobs that wait, closes the database and lets go of its lock. Later jobs are answered as failed.
    pub fn close(&self) {
        self.house.close();
    }
}

impl House {
    fn close(&self) {
        self.shared.queue.close();
        if group::inside_a_job() {
            // The last clone was dropped by a job: the writer ends after it, and lets go of everything by itself.
            return;
        }
        // Held while joining, so that a second caller returns when the store is closed and not before.
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(writer) = writer.take()
            && writer.join().is_err()
        {
            tracing::error!("the thread that writes to the database panicked");
        }
        self.lock.lock().unwrap_or_else(PoisonError::into_inner).take();
    }
}

impl Drop for House {
    fn drop(&mut self) {
        self.close();
    }
}

fn closed() -> Fault {
    Fault::Failed(anyhow!("the store is closed"))
}

fn writer(target: Target) -> Box<Connect> {
    Box::new(move || {
        Ok(match &target {
            Target::Sqlite(path) => Box::new(sqlite::Sqlite::writer(path)?) as Box<dyn Engine>,
            Target::Postgres(url) => Box::new(postgres::Postgres::writer(url)?),
        })
    })
}

fn readers(target: Target) -> Readers {
    Readers::new(Box::new(move || {
        Ok(match &target {
            Target::Sqlite(path) => Box::new(sqlite::Sqlite::reader(path)?) as Box<dyn Engine>,
            Target::Postgres(url) => Box::new(postgres::Postgres::reader(url)?),
        })
    }))
}

/// The outcome of a job that has its place in the queue.
#[must_use = "whether the job succeeded is known only by waiting for it"]
pub struct Pending<T>(mpsc::Receiver<Outcome<T>>);

impl<T> Pending<T> {
    /// Waits until the job's work is durable or undone.
    ///
    /// # Errors
    /// As [`Store::write`].
    pub fn wait(self) -> Outcome<T> {
        self.0.recv().unwrap_or_else(|_| Err(closed()))
    }
}

/// A transaction, open for the length of one job.
pub struct Tx<'a> {
    engine: &'a mut dyn Engine,
    /// One bit for each topic.
    rung: u8,
    /// A statement failed.
    broken: bool,
    /// Words that are indexed when the group is committed.
    texts: search::Texts,
    /// Numbers taken by the kept jobs of the group, and by this one.
    sequences: sequence::Sequences,
    /// What this job has noted for itself.
    notes: sequence::Notes,
    seal: Option<Seal>,
}

impl<'a> Tx<'a> {
    fn new(engine: &'a mut dyn Engine, seal: Option<Seal>) -> Self {
        Tx {
            engine,
            notes: sequence::Notes::default(),
            seal,
            rung: 0,
            broken: false,
            texts: search::Texts::default(),
            sequences: sequence::Sequences::default(),
        }
    }

    /// Runs one statement without a result; how many rows it touched.
    ///
    /// # Errors
    /// [`Fault::Failed`] with what the database said and the statement.
    pub fn execute(&mut self, sql: &str, values: &[Value]) -> Outcome<u64> {
        let outcome = self.engine.execute(sql, values);
        self.checked(sql, outcome)
    }

    /// Runs one `INSERT` of one row into a table whose key the database numbers; that number. Cheaper than `RETURNING`, for
    /// which SQLite builds a table of its own at each use.
    ///
    /// # Errors
    /// [`Fault::Failed`] with what the database said and the statement.
    pub fn insert(&mut self, sql: &str, values: &[Value]) -> Outcome<i64> {
        let outcome = self.engine.insert(sql, values);
        self.checked(sql, outcome)
    }

    /// Runs one statement; all its rows. Whoever asks limits them: more than [`limits::QUERY_ROWS`] are an error.
    ///
    /// # Errors
    /// [`Fault::Failed`] with what the database said and the statement.
    pub fn query(&mut self, sql: &str, values: &[Value]) -> Outcome<Vec<Row>> {
        let outcome = self.engine.query(sql, values, limits::QUERY_ROWS + 1).and_then(|rows| {
            anyhow::ensure!(
                rows.len() <= limits::QUERY_ROWS,
                "more than {} rows: the statement lacks a limit",
                limits::QUERY_ROWS
            );
            Ok(rows)
        });
        self.checked(sql, outcome)
    }

    /// Runs one statement; its first row, if there is one.
    ///
    /// # Errors
    /// [`Fault::Failed`] with what the database said and the statement.
    pub fn first(&mut self, sql: &str, values: &[Value]) -> Outcome<Option<Row>> {
        let outcome = self.engine.query(sql, values, 1).map(|rows| rows.into_iter().next());
        self.checked(sql, outcome)
    }

    /// Runs one statement that has a row.
    ///
    /// # Errors
    /// [`Fault::Failed`] if there is none, or with what the database said; and the statement.
    pub fn one(&mut self, sql: &str, values: &[Value]) -> Outcome<Row> {
        let row = self.first(sql, values)?;
        row.ok_or_else(|| Fault::Failed(anyhow!("no row where one must be: {sql}")))
    }

    /// Rings `topic` when this job's work is committed; not at all if it is undone.
    pub fn ring(&mut self, topic: Topic) {
        self.rung |= 1 << topic.place();
    }

    /// The secret that the store was opened with; none in plain reads.
    pub fn seal(&self) -> Option<&Seal> {
        self.seal.as_ref()
    }

    fn checked<T>(&mut self, sql: &str, outcome: anyhow::Result<T>) -> Outcome<T> {
        self.broken |= outcome.is_err();
        Ok(outcome.with_context(|| sql.to_owned())?)
    }
}
