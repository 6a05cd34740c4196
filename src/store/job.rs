//! A job on its way: given by a caller, run by the writer, answered when its group's fate is known.

use super::Tx;
use crate::refusal::{Fault, Outcome};
use anyhow::anyhow;
use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// A job in the queue, its result's type forgotten.
pub(super) trait Job: Send {
    /// Runs it; true if its work is to be kept.
    fn run(&mut self, tx: &mut Tx<'_>) -> bool;
    /// Whether it is undone alone if it fails; else its group fails with it.
    fn is_undone_alone(&self) -> bool;
    /// Tells the caller: its own outcome, or why its group failed.
    fn answer(self: Box<Self>, failed: Option<&str>);
}

/// A job with its type.
pub(super) struct Task<T, F, A> {
    job: Option<F>,
    alone: bool,
    outcome: Option<Outcome<T>>,
    answer: A,
}

impl<T, F, A> Task<T, F, A> {
    pub(super) fn new(job: F, answer: A) -> Self {
        Task {
            job: Some(job),
            alone: true,
            outcome: None,
            answer,
        }
    }

    /// The same, but its group fails with it.
    pub(super) fn that_only_the_database_refuses(self) -> Self {
        Task { alone: false, ..self }
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
        let outcome = catch_unwind(AssertUnwindSafe(|| job(tx)))
            .unwrap_or_else(|panic| Err(Fault::Failed(anyhow!("a job panicked: {}", words(panic.as_ref())))));
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

    fn is_undone_alone(&self) -> bool {
        self.alone
    }

    fn answer(self: Box<Self>, failed: Option<&str>) {
        let outcome = match (failed, self.outcome) {
            (None, Some(outcome)) => outcome,
            (Some(cause), Some(Err(Fault::Failed(own)))) => Err(Fault::Failed(own.context(cause.to_owned()))),
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
