//! The worker of alarms: handles what is due, waits for the next, and is woken by whoever sets an earlier one. It also hands on
//! mailed commands and tells of a clock that leapt.

use super::{pause, stopped};
use crate::clock::Clock;
use crate::desk::{ALARM, Desk, alarm, command, leap};
use crate::limits;
use crate::store::Store;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// Serves until the desk stops.
pub async fn ring(store: Store, desk: Arc<Desk>, clock: Clock, mut stop: watch::Receiver<bool>) {
    let mut bell = store.bell(ALARM);
    loop {
        bell.mark_unchanged();
        let (store, desk, now, leap) = (store.clone(), Arc::clone(&desk), clock.now(), clock.leapt());
        let turn = tokio::task::spawn_blocking(move || {
            if let Some(leap) = leap {
                tracing::warn!(expected = %leap.expected, said = %leap.said, "the clock of this machine leapt");
                let rules = Arc::clone(&desk);
                store.write(move |tx| leap::tell(tx, now, &rules, leap))?;
            }
            command::obey(&store, &desk, now)?;
            let next = store.read(|tx| alarm::next(tx, &desk))?;
            if next.is_some_and(|at| at <= now) {
                let rules = Arc::clone(&desk);
                store.write(move |tx| alarm::ring(tx, now, &rules))?;
                return store.read(|tx| alarm::next(tx, &desk));
            }
            Ok::<_, crate::refusal::Fault>(next)
        })
        .await;
        let next = match turn {
            Ok(Ok(next)) => next,
            Ok(Err(error)) => {
                tracing::error!(%error, "alarms cannot be handled; tried again");
                tokio::time::sleep(Duration::from_secs(1)).await;
                None
            }
            Err(panic) => {
                tracing::error!(error = %panic, "handling alarms panicked; tried again");
                tokio::time::sleep(Duration::from_secs(1)).await;
                None
            }
        };
        // More than were handled at once are due: whoever is late already waits for no bell.
        if next.is_some_and(|at| at <= clock.now()) && !*stop.borrow() {
            continue;
        }
        tokio::select! {
            () = stopped(&mut stop) => return,
            // Every promise rings: a little patience spares a look for each of a thousand mails.
            _ = bell.changed() => {}
            () = pause(&clock, next) => continue,
        }
        if clock.is_machine() {
            tokio::time::sleep(Duration::from_millis(limits::ALARM_PATIENCE_MILLIS)).await;
        }
    }
}
