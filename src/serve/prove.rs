//! The worker that proves the ledger as it grows and lets checkpoints leave the house.
//!
//! It reads beside the writer, which only takes a small row; a ledger that does not follow is said aloud and signed no
//! more. A checkpoint is appended to a file and, where an address is named, written to it. The same worker counts what the
//! ledger says into the figures.

use super::{keys, pause};
use crate::clock::Clock;
use crate::desk::checkpoint::{self, Checkpoint};
use crate::desk::receipt::Signer;
use crate::desk::{CHANGED, Desk, figures};
use crate::limits;
use crate::refusal::Outcome;
use crate::store::Store;
use jiff::Timestamp;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::watch;

/// What a checkpoint is made with and where it goes.
pub struct Notary {
    /// The database.
    pub store: Store,
    /// The rules.
    pub desk: Arc<Desk>,
    /// Signs.
    pub signer: Arc<Signer>,
    /// The file it is appended to; none where the setting says so.
    pub file: Option<PathBuf>,
    /// The address it is written to.
    pub to: Option<String>,
}

/// On a busy desk every commit rings: a look a second is enough.
const PATIENCE: Duration = Duration::from_secs(1);

impl Notary {
    /// Makes a checkpoint if one is due; when the next may be.
    fn turn(&self, now: Timestamp) -> Outcome<Option<Timestamp>> {
        while let Some(made) = self.store.read_sealed(|tx| checkpoint::draw(tx, now, &self.signer))? {
            self.keep(now, made)?;
        }
        self.store.read(|tx| checkpoint::next(tx, now))
    }

    fn keep(&self, now: Timestamp, made: Checkpoint) -> Outcome<()> {
        let (desk, to, kept) = (Arc::clone(&self.desk), self.to.clone(), made.clone());
        self.store
            .write(move |tx| checkpoint::keep(tx, now, &desk, &kept, to.as_deref()))?;
        if let Some(file) = &self.file {
            keys::append(file, &made.note)?;
        }
        Ok(())
    }
}

/// Serves until the desk stops.
pub async fn prove(notary: Notary, clock: Clock, mut stop: watch::Receiver<bool>) {
    let mut news = notary.store.bell(CHANGED);
    let (notary, mut rest_until) = (Arc::new(notary), None::<Instant>);
    loop {
        news.mark_unchanged();
        let (work, now) = (Arc::clone(&notary), clock.now());
        let counts = rest_until.is_none_or(|until| until <= Instant::now()) || !clock.is_machine();
        let began = Instant::now();
        let turn = tokio::task::spawn_blocking(move || {
            if counts {
                figures::count(&work.store, now, &work.desk)?;
            }
            let took = began.elapsed();
            Ok::<_, crate::refusal::Fault>((work.turn(now)?, took))
        });
        let next = match turn.await {
            Ok(Ok((next, took))) => {
                if counts {
                    let rest = (took * limits::FIGURE_SHARE).max(Duration::from_secs(limits::FIGURE_SECONDS));
                    rest_until = Some(Instant::now() + rest);
                }
                next
            }
            Ok(Err(error)) => {
                tracing::error!(%error, "no checkpoint of the ledger could be made; tried again");
                tokio::time::sleep(PATIENCE).await;
                None
            }
            Err(panic) => {
                tracing::error!(error = %panic, "making a checkpoint panicked; tried again");
                tokio::time::sleep(PATIENCE).await;
                None
            }
        };
        tokio::select! {
            () = super::stopped(&mut stop) => return,
            // Where nothing is new there is nothing to wait for but news.
            _ = news.changed(), if next.is_none() => {}
            () = pause(&clock, next) => {}
        }
        if clock.is_machine() {
            tokio::time::sleep(PATIENCE).await;
        }
    }
}
