//! Where files are kept, out of the settings, and the worker that puts them there.

use super::stopped;
use crate::clock::Clock;
use crate::config::Config;
use crate::files::{Bucket, Files, Place};
use crate::limits;
use crate::mail::filing::{Filer, Task};
use crate::refusal::Refusal;
use anyhow::Context;
use jiff::SignedDuration;
use std::path::Path;
use std::sync::Arc;
use tokio::sync::watch;

/// Where files are kept, out of the settings.
pub fn files_of(dir: &Path, config: &Config) -> anyhow::Result<Files> {
    let scanner = match config.text("files", "clamd") {
        "" => None,
        text => Some(
            text.parse()
                .map_err(|cause| Refusal::usage(format!("files.clamd: {cause}.")))?,
        ),
    };
    let endpoint = config.text("files", "endpoint");
    if !(endpoint.is_empty() || endpoint.starts_with("https://") || endpoint.starts_with("http://")) {
        let said = format!("files.endpoint is as \"https://s3.acme.example\", not \"{endpoint}\".");
        return Err(Refusal::usage(said).into());
    }
    let store = config.text("files", "store");
    let place = if store.is_empty() {
        Place::Folder(dir.join("files"))
    } else {
        let wrong = || {
            Refusal::usage(format!(
                "files.store is empty or \"s3://bucket/prefix\", not \"{store}\"."
            ))
        };
        let rest = store.strip_prefix("s3://").ok_or_else(wrong)?;
        let (name, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        if name.is_empty() {
            return Err(wrong().into());
        }
        let key = std::fs::read_to_string(dir.join("files.key")).context("read files.key, the key of files.store")?;
        let mut lines = key.lines().map(|line| line.trim().to_owned());
        Place::S3(Bucket {
            name: name.to_owned(),
            prefix: prefix.trim_end_matches('/').to_owned(),
            endpoint: endpoint.to_owned(),
            region: config.text("files", "region").to_owned(),
            key: (lines.next().unwrap_or_default(), lines.next().unwrap_or_default()),
        })
    };
    Files::open(&place, dir.join("uploads"), scanner)
}

/// What the worker found to do.
enum Found {
    Task(Task),
    Sweep,
    Nothing,
}

/// Puts files to their place, one at a time, behind everything that a promise waits for.
pub(super) async fn file(
    filer: Arc<Filer>,
    clock: Clock,
    mut bell: watch::Receiver<u64>,
    mut stop: watch::Receiver<bool>,
) {
    let patience = SignedDuration::from_secs(limits::FILING_PAUSE_SECONDS);
    while !*stop.borrow() {
        bell.mark_unchanged();
        // Read before looking: a clock that moves meanwhile ends the pause, which counted from afterwards would begin anew.
        let again = clock.now() + patience;
        let take = Arc::clone(&filer);
        let looked = tokio::task::spawn_blocking(move || match take.take()? {
            Some(task) => Ok(Found::Task(task)),
            None if take.sweep()? => Ok(Found::Sweep),
            None => Ok(Found::Nothing),
        })
        .await;
        let done = match looked {
            Ok(Ok(Found::Task(task))) => filer.finish(task).await,
            Ok(Ok(Found::Sweep)) => filer.sweep_place().await,
            Ok(Ok(Found::Nothing)) => {
                tokio::select! {
                    () = stopped(&mut stop) => return,
                    _ = bell.changed() => {}
                    () = super::pause(&clock, Some(again)) => {}
                }
                continue;
            }
            Ok(Err(error)) => Err(error),
            Err(panic) => Err(anyhow::Error::new(panic).into()),
        };
        if let Err(error) = done {
            tracing::error!(%error, "a file waits for its place; tried again");
            tokio::select! {
                () = stopped(&mut stop) => return,
                () = tokio::time::sleep(patience.unsigned_abs()) => {}
            }
        }
    }
}
