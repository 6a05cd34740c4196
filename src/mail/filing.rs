//! What came as bytes becomes files of a case: attachments of mail, and uploads that are whole. Each is hashed, looked at,
//! put to its place, and scanned if a scanner is set.
//!
//! Behind and beside the understanding of mail: a promise never waits for a file. Attachments are taken out of the raw
//! mail by a worker of its own, as everything is that reads foreign structure. Blocking and waiting work are parted
//! ([`Filer::take`], [`Filer::finish`]), since only `serve` has threads to give. A step that fails is tried again; a row is
//! written after its bytes are kept, so no row lacks its bytes. Bytes without a row, which a crash between the two leaves,
//! are swept: those on their way at start, those in their place once a day. One task at a time does all of this, so the
//! sweep never meets bytes whose row is about to be written.

use super::receive::asked_of;
use super::worker::Worker;
use crate::clock::Clock;
use crate::desk::file::{self, Filing, Found};
use crate::desk::upload::{self, Upload};
use crate::desk::{CustomerId, Desk, arrival};
use crate::files::{self, Files, Looked};
use crate::limits;
use crate::refusal::Outcome;
use crate::store::Store;
use anyhow::Context;
use jiff::{SignedDuration, Timestamp};
use std::fs::File;
use std::io::Write;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

/// Files what comes.
pub struct Filer {
    store: Store,
    desk: Arc<Desk>,
    clock: Clock,
    files: Arc<Files>,
    worker: Mutex<Worker>,
}

/// Something to be put to its place.
pub enum Task {
    /// Files of a mail, each with where its bytes lie for now.
    Mail(Box<Filing>, Vec<(Found, PathBuf)>),
    /// A mail whose files could not be taken out, and why.
    Stuck(Box<Filing>, String),
    /// A whole upload.
    Upload(Box<Upload>, CustomerId, Looked),
    /// Bytes to scan: number, customer, hash.
    Scan(i64, i64, String),
}

impl Filer {
    /// Files for a desk. What was on its way without a row when the desk stopped is swept away.
    ///
    /// # Errors
    /// The database's.
    pub fn begin(store: Store, desk: Arc<Desk>, clock: Clock, files: Arc<Files>, worker: Worker) -> Outcome<Filer> {
        if files.scanner().is_some() {
            let now = clock.now();
            store.write(move |tx| file::scan_old(tx, now))?;
        }
        for key in files.staged_keys().context("look for uploads that were left lying")? {
            if !store.read(|tx| upload::is_under_way(tx, &key))? {
                let _ = std::fs::remove_file(files.staged(&key));
            }
        }
        Ok(Filer {
            store,
            desk,
            clock,
            files,
            worker: Mutex::new(worker),
        })
    }

    /// The next thing to do, with its bytes read and hashed; none if there is nothing. Blocks.
    ///
    /// # Errors
    /// The database's, and of an upload's bytes that cannot be read.
    pub fn take(&self) -> Outcome<Option<Task>> {
        let now = self.clock.now();
        if let Some(filing) = self.store.read(|tx| file::next(tx, now))? {
            let filing = Box::new(filing);
            return Ok(Some(match self.extract(&filing) {
                Ok(found) => Task::Mail(filing, found),
                Err(cause) => {
                    tracing::warn!(
                        message = filing.message.0,
                        cause = format!("{cause:#}"),
                        "files of a mail could not be taken out"
                    );
                    Task::Stuck(filing, format!("{cause:#}"))
                }
            }));
        }
        if let Some((upload, customer)) = self.store.read(upload::next_whole)? {
            let path = self.files.staged(&upload.key);
            if upload.bytes == 0 && !path.exists() {
                std::fs::write(&path, b"").context("an empty upload")?;
            }
            if !path.exists() {
                tracing::error!(
                    path = %path.display(),
                    "an upload that had arrived whole is not on the disk any more: restore it, or ask for it again"
                );
                self.store.write(move |tx| upload::lost(tx, upload.id))?;
                return self.take();
            }
            let looked = files::look(&path)?;
            return Ok(Some(Task::Upload(Box::new(upload), customer, looked)));
        }
        if self.files.scanner().is_some()
            && let Some((blob, customer, digest)) = self.store.read(|tx| file::to_scan(tx, now))?
        {
            return Ok(Some(Task::Scan(blob, customer, digest)));
        }
        Ok(None)
    }

    /// Gives up uploads that nobody went on with, and removes what lies of them. Says whether the place is to be swept as
    /// well. Blocks.
    ///
    /// # Errors
    /// The database's.
    pub fn sweep(&self) -> Outcome<bool> {
        let now = self.clock.now();
        let idle = std::time::Duration::from_secs(limits::WORKER_IDLE_SECONDS);
        self.worker
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .stop_if_idle(idle);
        if self.store.read(|tx| upload::has_expired(tx, now))? {
            for key in self.store.write(move |tx| upload::expire(tx, now))? {
                let _ = std::fs::remove_file(self.files.staged(&key));
            }
        }
        self.store.read(|tx| file::sweep_is_due(tx, swept_before(now)))
    }

    /// Removes bytes in their place that belong to no file. Young ones are left alone.
    ///
    /// # Errors
    /// The place's or the database's.
    pub async fn sweep_place(&self) -> Outcome<()> {
        let now = self.clock.now();
        self.store.write_async(move |tx| file::sweep_begins(tx, now)).await?;
        let mut objects = self.files.objects(swept_before(now));
        let (mut removed, mut is_last) = (0, false);
        while !is_last {
            let mut some = Vec::new();
            while some.len() < limits::SWEEP_AT_ONCE && !is_last {
                match objects.next().await? {
                    Some(named) => some.push(named),
                    None => is_last = true,
                }
            }
            let nobodys = self.store.write_async(move |tx| file::nobodys(tx, some)).await?;
            removed += nobodys.len();
            for (customer, digest) in nobodys {
                self.files.remove(customer, &digest).await?;
            }
        }
        if removed > 0 {
            tracing::info!(removed, "bytes that belonged to no file were removed");
        }
        Ok(())
    }

    /// Puts it to its place.
    ///
    /// # Errors
    /// The place's or the database's; then it comes again.
    pub async fn finish(&self, task: Task) -> Outcome<()> {
        let (now, scans, desk) = (self.clock.now(), self.files.scanner().is_some(), Arc::clone(&self.desk));
        match task {
            Task::Stuck(filing, said) => {
                self.store
                    .write_async(move |tx| file::not_filed(tx, now, filing.message, &said))
                    .await
            }
            Task::Mail(filing, found) => {
                for (one, path) in &found {
                    self.files.put(filing.customer.0, &one.looked, path).await?;
                    let _ = std::fs::remove_file(path);
                }
                let found: Vec<Found> = found.into_iter().map(|(one, _)| one).collect();
                self.store
                    .write_async(move |tx| file::filed(tx, now, &filing, &found, scans))
                    .await
            }
            Task::Upload(upload, customer, looked) => {
                let path = self.files.staged(&upload.key);
                self.files.put(customer.0, &looked, &path).await?;
                self.store
                    .write_async(move |tx| upload::filed(tx, now, &desk, &upload, &looked, scans))
                    .await?;
                let _ = std::fs::remove_file(path);
                Ok(())
            }
            Task::Scan(blob, customer, digest) => {
                let verdict = match self.files.scanner() {
                    Some(scanner) => match self.files.read(customer, &digest, 0).await {
                        Ok(bytes) => scanner.scan(bytes).await,
                        Err(cause) => Err(cause),
                    },
                    None => return Ok(()),
                };
                if let Err(cause) = &verdict {
                    tracing::warn!(cause = format!("{cause:#}"), "a file could not be scanned; tried again");
                }
                self.store
                    .write_async(move |tx| match verdict {
                        Ok(verdict) => file::scanned(tx, now, blob, Ok(&verdict)),
                        Err(_) => file::scanned(tx, now, blob, Err("the scanner cannot be reached")),
                    })
                    .await
            }
        }
    }

    /// Takes the files out of a mail into the folder of files on their way.
    fn extract(&self, filing: &Filing) -> anyhow::Result<Vec<(Found, PathBuf)>> {
        let stored = self.store.read(|tx| arrival::stored(tx, filing.raw))?;
        let mail = asked_of(&self.store, filing.raw.0, &stored.head, stored.body, stored.size);
        let path = |place: usize| self.files.staged(&format!("mail-{}-{place}", filing.message.0));
        let mut open: Option<(usize, File)> = None;
        let mut sink = |place: usize, bytes: &[u8]| {
            let file = match &mut open {
                Some((at, file)) if *at == place => file,
                other => {
                    let file = File::create(path(place)).context("write a file on its way")?;
                    &mut other.insert((place, file)).1
                }
            };
            file.write_all(bytes).context("write a file on its way")
        };
        let mut worker = self.worker.lock().unwrap_or_else(PoisonError::into_inner);
        let taken = worker.files(mail, &mut sink)?;
        drop(worker);
        let mut found = Vec::new();
        for (place, one) in taken.into_iter().enumerate() {
            let path = path(place);
            match one.bytes {
                None => continue,
                Some(0) => drop(File::create(&path).context("write a file on its way")?),
                Some(_) => {}
            }
            let known = Found {
                place,
                name: one.name.unwrap_or_default(),
                claimed: one.claimed,
                looked: files::look(&path)?,
            };
            found.push((known, path));
        }
        Ok(found)
    }
}

fn swept_before(now: Timestamp) -> Timestamp {
    now - SignedDuration::from_hours(limits::SWEEP_HOURS)
}
