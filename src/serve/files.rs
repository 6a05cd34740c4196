//! Where files are kept, out of the settings, and the worker that puts them there.

use super::stopped;
use crate::config::Config;
use crate::files::{Bucket, Files, Place};
use crate::limits;
use crate::mail::filing::Filer;
use crate::refusal::Refusal;
use anyhow::Context;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// The desk's own address in the web, without the slash at its end.
pub(super) fn url_of(text: &str) -> Result<String, String> {
    let url = text.trim_end_matches('/');
    let is_one = url.starts_with("https://") || url.starts_with("http://");
    match url.is_empty() || (is_one && !url.contains(char::is_whitespace)) {
        true => Ok(url.to_owned()),
        false => Err(format!("web.url is as \"https://desk.acme.example\", not \"{text}\".")),
    }
}

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

/// Puts files to their place, one at a time, behind everything that a promise waits for.
pub(super) async fn file(filer: Arc<Filer>, mut bell: watch::Receiver<u64>, mut stop: watch::Receiver<bool>) {
    while !*stop.borrow() {
        bell.mark_unchanged();
        let take = Arc::clone(&filer);
        let taken = tokio::task::spawn_blocking(move || match take.take()? {
            None => take.sweep().map(|()| None),
            task => Ok(task),
        })
        .await;
        let done = match taken {
            Ok(Ok(None)) => Ok(false),
            Ok(Ok(Some(task))) => filer.finish(task).await.map(|()| true),
            Ok(Err(error)) => Err(error),
            Err(panic) => Err(anyhow::Error::new(panic).into()),
        };
        let pause = Duration::from_secs(limits::FILING_PAUSE_SECONDS);
        match done {
            Ok(true) => continue,
            Ok(false) => tokio::select! {
                () = stopped(&mut stop) => return,
                _ = bell.changed() => tokio::time::sleep(Duration::from_millis(limits::ALARM_PATIENCE_MILLIS)).await,
                () = tokio::time::sleep(pause) => {}
            },
            Err(error) => {
                tracing::error!(%error, "a file waits for its place; tried again");
                tokio::select! {
                    () = stopped(&mut stop) => return,
                    () = tokio::time::sleep(pause) => {}
                }
            }
        }
    }
}
