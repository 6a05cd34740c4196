//! Numbers without gaps, and what the last of them left behind.
//!
//! An identity of the database leaves a gap when its transaction is undone; case numbers and the ledger's sequence must
//! have none, so they come from rows of `counter`. A mail takes half a dozen of them, and an `UPDATE` each was a tenth of
//! the writer's statements. So the row is touched twice a group: the first number locks it (on PostgreSQL that holds every
//! other writer back, which is what makes the sequence gapless), the others are counted here, and the last is written
//! right before the commit. What a job took goes back with the job: the writer keeps [`Sequences`] of kept jobs only.

use super::engine::Engine;
use super::{Tx, Value};
use crate::refusal::Outcome;
use anyhow::ensure;
use std::collections::VecDeque;

/// The numbers taken in the open transaction.
#[derive(Clone, Default)]
pub(super) struct Sequences(Vec<Taken>);

#[derive(Clone)]
struct Taken {
    sequence: &'static str,
    last: i64,
    /// What stands in the row inside the transaction.
    written: i64,
    left: Option<Vec<u8>>,
}

/// What a job notes for itself, so that it need not read back what it has just written; gone with the job.
#[derive(Default)]
pub(super) struct Notes(VecDeque<(i64, Vec<u8>)>);

/// Notes that a job keeps, the newest: what it comes back to it comes back to soon.
const NOTES: usize = 64;

impl Sequences {
    /// Writes what was counted here; the last thing before the commit.
    pub(super) fn write(&mut self, engine: &mut dyn Engine) -> anyhow::Result<()> {
        for taken in self.0.iter_mut().filter(|taken| taken.last != taken.written) {
            let values = [Value::Int(taken.last), Value::Text(taken.sequence.to_owned())];
            let rows = engine.execute("UPDATE counter SET value = $1 WHERE name = $2", &values)?;
            ensure!(rows == 1, "the sequence {} has lost its row", taken.sequence);
            taken.written = taken.last;
        }
        Ok(())
    }
}

impl Tx<'_> {
    /// What this job noted last under a number.
    pub fn noted(&self, under: i64) -> Option<&[u8]> {
        let newest = self.notes.0.iter().rev();
        newest
            .into_iter()
            .find(|(number, _)| *number == under)
            .map(|(_, what)| what.as_slice())
    }

    /// Notes something for the rest of this job. It may be forgotten: whoever misses it reads it from the database.
    pub fn note(&mut self, under: i64, what: Vec<u8>) {
        if self.notes.0.len() == NOTES {
            self.notes.0.pop_front();
        }
        self.notes.0.push_back((under, what));
    }

    /// The next number of `sequence`, a row of the table `counter`. It is given back if this job is undone.
    ///
    /// # Errors
    /// [`Fault::Failed`](crate::refusal::Fault::Failed) if there is no such row, or with what the database said.
    pub fn next_number(&mut self, sequence: &'static str) -> Outcome<i64> {
        if let Some(taken) = self.sequences.0.iter_mut().find(|taken| taken.sequence == sequence) {
            taken.last += 1;
            return Ok(taken.last);
        }
        let row = self.one(
            "UPDATE counter SET value = value + 1 WHERE name = $1 RETURNING value",
            &[Value::Text(sequence.to_owned())],
        )?;
        self.sequences.0.push(Taken {
            sequence,
            last: row.int(0),
            written: row.int(0),
            left: None,
        });
        Ok(row.int(0))
    }

    /// What the newest number of `sequence` left behind, if it was taken in this transaction: a chain need not read its
    /// end back from the database.
    pub fn left_by(&self, sequence: &str) -> Option<&[u8]> {
        let taken = self.sequences.0.iter().find(|taken| taken.sequence == sequence)?;
        taken.left.as_deref()
    }

    /// Leaves something behind for whoever takes the next number of `sequence` in this transaction.
    pub fn leave(&mut self, sequence: &str, what: Vec<u8>) {
        if let Some(taken) = self.sequences.0.iter_mut().find(|taken| taken.sequence == sequence) {
            taken.left = Some(what);
        }
    }
}
