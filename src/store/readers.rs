//! Readers: a few connections, opened when needed, lent to the thread that reads.
//!
//! A read sees one snapshot and never waits for the writer. The number is small on purpose: a read is milliseconds, and
//! every SQLite reader keeps a cache. A read inside a read would wait for a place that it holds itself; it is refused.

use super::engine::Engine;
use crate::limits;
use anyhow::{Context, bail};
use std::cell::Cell;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

type Open = dyn Fn() -> anyhow::Result<Box<dyn Engine>> + Send + Sync;

/// The connections that read.
pub(super) struct Readers {
    state: Mutex<State>,
    back: Condvar,
    open: Box<Open>,
}

struct State {
    idle: Vec<Box<dyn Engine>>,
    lent: usize,
    closed: bool,
}

thread_local! {
    static READING: Cell<bool> = const { Cell::new(false) };
}

impl Readers {
    pub(super) fn new(open: Box<Open>) -> Self {
        Readers {
            state: Mutex::new(State {
                idle: Vec::new(),
                lent: 0,
                closed: false,
            }),
            back: Condvar::new(),
            open,
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A connection with a snapshot begun, given back when the loan ends.
    pub(super) fn lend(&self) -> anyhow::Result<Loan<'_>> {
        if READING.get() {
            bail!("a read was begun inside a read");
        }
        let patience = Duration::from_secs(limits::READER_SECONDS);
        let full = |state: &mut State| state.lent >= limits::READERS && !state.closed;
        let (mut state, _) = self
            .back
            .wait_timeout_while(self.state(), patience, full)
            .unwrap_or_else(PoisonError::into_inner);
        if state.closed {
            bail!("the store is closed");
        }
        if state.lent >= limits::READERS {
            bail!("no reader came back within {} seconds", limits::READER_SECONDS);
        }
        state.lent += 1;
        let idle = state.idle.pop();
        drop(state);
        READING.set(true);
        // From here on the loan counts itself back, whatever happens.
        let mut loan = Loan {
            readers: self,
            engine: idle,
        };
        loan.begin()?;
        Ok(loan)
    }

    /// No more loans. Connections at rest are closed here, by a plain thread: PostgreSQL's must not be by a task.
    pub(super) fn close(&self) {
        let mut state = self.state();
        state.closed = true;
        let idle = std::mem::take(&mut state.idle);
        drop(state);
        drop(idle);
        self.back.notify_all();
    }
}

/// A connection lent for one read.
pub(super) struct Loan<'a> {
    readers: &'a Readers,
    engine: Option<Box<dyn Engine>>,
}

impl Loan<'_> {
    fn begin(&mut self) -> anyhow::Result<()> {
        if let Some(engine) = &mut self.engine {
            match engine.begin_reading() {
                Ok(()) => return Ok(()),
                Err(cause) if !engine.is_lost() => return Err(cause),
                // The server closed it while it was at rest: that is no reason to fail a read.
                Err(_) => self.engine = None,
            }
        }
        let mut fresh = (self.readers.open)().context("opening a reader")?;
        fresh.begin_reading()?;
        self.engine = Some(fresh);
        Ok(())
    }

    /// The connection.
    pub(super) fn engine(&mut self) -> anyhow::Result<&mut dyn Engine> {
        match &mut self.engine {
            Some(engine) => Ok(engine.as_mut()),
            None => bail!("the reader is gone"),
        }
    }
}

impl Drop for Loan<'_> {
    fn drop(&mut self) {
        READING.set(false);
        let ended = self
            .engine
            .take()
            .and_then(|mut engine| engine.rollback().is_ok().then_some(engine));
        let mut state = self.readers.state();
        state.lent -= 1;
        match ended {
            Some(engine) if !state.closed => state.idle.push(engine),
            surplus => {
                drop(state);
                drop(surplus);
            }
        }
        self.readers.back.notify_one();
    }
}
