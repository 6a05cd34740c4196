//! The worker that reads feeds of holidays when they are due.

use super::{pause, stopped};
use crate::clock::Clock;
use crate::desk::{FEED, feed};
use crate::mail::send::Fetch;
use crate::refusal::{Fault, Outcome};
use crate::store::Store;
use jiff::Timestamp;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// Serves until the desk stops.
pub async fn follow(store: Store, fetch: Arc<dyn Fetch>, clock: Clock, mut stop: watch::Receiver<bool>) {
    let mut bell = store.bell(FEED);
    loop {
        bell.mark_unchanged();
        let looked = tokio::select! {
            () = stopped(&mut stop) => return,
            looked = look(&store, &fetch, &clock) => looked,
        };
        let next = match looked {
            Ok(next) => next,
            Err(error) => {
                tracing::error!(%error, "feeds of holidays cannot be read; tried again");
                tokio::time::sleep(Duration::from_secs(1)).await;
                continue;
            }
        };
        tokio::select! {
            () = stopped(&mut stop) => return,
            _ = bell.changed() => {}
            () = pause(&clock, next) => {}
        }
    }
}

/// Reads what is due; when the next is.
async fn look(store: &Store, fetch: &Arc<dyn Fetch>, clock: &Clock) -> Outcome<Option<Timestamp>> {
    let now = clock.now();
    for due in on_a_thread(store, move |store| store.read(|tx| feed::due(tx, now))).await? {
        let found = fetch.calendar(&due.url).await.map_err(|cause| format!("{cause:#}"));
        let write = move |tx: &mut crate::store::Tx<'_>| feed::looked(tx, now, &due, &found);
        store.write_async(write).await?;
    }
    on_a_thread(store, |store| store.read(feed::next)).await
}

async fn on_a_thread<T: Send + 'static>(
    store: &Store,
    work: impl FnOnce(&Store) -> Outcome<T> + Send + 'static,
) -> Outcome<T> {
    let store = store.clone();
    let done = tokio::task::spawn_blocking(move || work(&store)).await;
    done.map_err(|panic| Fault::from(anyhow::Error::new(panic).context("looking for feeds")))?
}
