//! What came as bytes becomes files of a case: attachments of mail, and uploads that are whole. Each is hashed, looked at,
//! put to its place, and scanned if a scanner is set.
//!
//! Behind and beside the understanding of mail: a promise never waits for a file. Attachments are taken out of the raw
//! mail by a process of its own, as everything is that reads foreign structure; it gets one mail and limits, writes the
//! decoded bytes, and ends. Blocking and waiting work are parted ([`Filer::take`], [`Filer::finish`]), since only `serve`
//! has threads to give. A step that fails is tried again; a row is written after its bytes are kept.

use super::parse;
use crate::clock::Clock;
use crate::desk::file::{self, Filing, Found};
use crate::desk::upload::{self, Upload};
use crate::desk::{CustomerId, Desk};
use crate::files::{self, Files, Looked};
use crate::limits;
use crate::refusal::Outcome;
use crate::store::Store;
use anyhow::{Context, ensure};
use rustix::process::{Resource, Rlimit, setrlimit};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::sync::Arc;

/// The hidden argument that makes this program the process that takes attachments out.
pub const ARGUMENT: &str = "mail-files";

/// Says that a file is not in the mail.
const MISSING: u64 = u64::MAX;

/// Files what comes.
pub struct Filer {
    store: Store,
    desk: Arc<Desk>,
    clock: Clock,
    files: Arc<Files>,
    program: PathBuf,
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
    /// Files for a desk. What was on its way when the desk stopped begins anew.
    ///
    /// # Errors
    /// The database's.
    pub fn begin(store: Store, desk: Arc<Desk>, clock: Clock, files: Arc<Files>, program: PathBuf) -> Outcome<Filer> {
        if files.scanner().is_some() {
            let now = clock.now();
            store.write(move |tx| file::scan_old(tx, now))?;
        }
        Ok(Filer {
            store,
            desk,
            clock,
            files,
            program,
        })
    }

    /// The next thing to do, with its bytes read and hashed; none if there is nothing. Blocks.
    ///
    /// # Errors
    /// The database's, and of an upload's bytes that cannot be read.
    pub fn take(&self) -> Outcome<Option<Task>> {
        let now = self.clock.now();
        while self.store.read(file::has_news)? {
            self.store.write(move |tx| file::take_note(tx, now))?;
        }
        if let Some(filing) = self.store.read(|tx| file::next(tx, now))? {
            let filing = Box::new(filing);
            if filing.customer.0 == 0 {
                return Ok(Some(Task::Stuck(filing, "it belongs to no case yet".into())));
            }
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

    /// Gives up uploads that nobody went on with, and removes what lies of them. Blocks.
    ///
    /// # Errors
    /// The database's.
    pub fn sweep(&self) -> Outcome<()> {
        let now = self.clock.now();
        for key in self.store.write(move |tx| upload::expire(tx, now))? {
            let _ = std::fs::remove_file(self.files.staged(&key));
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
                    .write_async(move |tx| file::not_filed(tx, now, &filing, &said))
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

    fn extract(&self, filing: &Filing) -> anyhow::Result<Vec<(Found, PathBuf)>> {
        let mut child = Command::new(&self.program)
            .arg(ARGUMENT)
            .env_clear()
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .with_context(|| format!("run {}", self.program.display()))?;
        let outcome = (|| {
            let mut to_child = child.stdin.take().context("no way to the process")?;
            let mut from_child = child.stdout.take().context("no way from the process")?;
            // It reads everything before it writes anything, so neither waits for the other.
            to_child.write_all(&filing.raw)?;
            drop(to_child);
            self.receive(filing, &mut from_child)
        })();
        if outcome.is_err() {
            let _ = child.kill();
        }
        let status = child.wait()?;
        let found = outcome?;
        ensure!(status.success(), "the process that takes files out ended with {status}");
        Ok(found)
    }

    fn receive(&self, filing: &Filing, from: &mut impl Read) -> anyhow::Result<Vec<(Found, PathBuf)>> {
        let (mut found, mut left) = (Vec::new(), 2 * limits::MESSAGE_BYTES as u64);
        for (place, file) in filing.facts.files.iter().enumerate().take(limits::ATTACHMENTS) {
            let mut length = [0; 8];
            from.read_exact(&mut length).context("it ended before its last file")?;
            let length = u64::from_le_bytes(length);
            if length == MISSING {
                continue;
            }
            ensure!(length <= left, "the files are larger than their mail");
            left -= length;
            let path = self.files.staged(&format!("mail-{}-{place}", filing.message.0));
            let mut to = std::fs::File::create(&path).with_context(|| format!("write {}", path.display()))?;
            let copied = io::copy(&mut from.take(length), &mut to)?;
            ensure!(copied == length, "it ended within a file");
            found.push((
                Found {
                    place,
                    name: file.name.clone(),
                    claimed: file.content_type.clone(),
                    looked: files::look(&path)?,
                },
                path,
            ));
        }
        Ok(found)
    }
}

/// The process: a mail comes in, its files go out, each behind its length.
pub fn run() -> ExitCode {
    let done = restrict().and_then(|()| {
        let mut raw = Vec::new();
        let most = 2 * limits::MESSAGE_BYTES as u64;
        io::stdin().lock().take(most).read_to_end(&mut raw)?;
        write_files(&raw, &mut io::stdout().lock())
    });
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

fn write_files(raw: &[u8], out: &mut impl Write) -> anyhow::Result<()> {
    for attached in parse::understand(raw).attachments {
        match parse::attachment(raw, attached.part) {
            Some(bytes) => {
                out.write_all(&(bytes.len() as u64).to_le_bytes())?;
                out.write_all(&bytes)?;
            }
            None => out.write_all(&MISSING.to_le_bytes())?,
        }
    }
    out.flush()?;
    Ok(())
}

/// Memory, time, no files of its own, no core.
fn restrict() -> anyhow::Result<()> {
    let bounds = [
        (Resource::As, limits::FILING_MEMORY_BYTES),
        (Resource::Cpu, limits::FILING_CPU_SECONDS),
        (Resource::Core, 0),
        (Resource::Fsize, 0),
        (Resource::Nofile, 16),
    ];
    for (resource, most) in bounds {
        let limit = Rlimit {
            current: Some(most),
            maximum: Some(most),
        };
        setrlimit(resource, limit).context("cannot set a limit")?;
    }
    Ok(())
}

/// The program that reads mail, for the files in it: the same program as the worker's, told another thing.
pub fn program_of(worker: &Path) -> PathBuf {
    worker.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_go_out_each_behind_its_length_in_the_order_of_the_mail() {
        let raw = b"Subject: x\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nwords\r\n\
            --b\r\nContent-Disposition: attachment; filename=a.txt\r\nContent-Transfer-Encoding: base64\r\n\r\naGVsbG8=\r\n\
            --b\r\nContent-Disposition: attachment; filename=b.txt\r\n\r\nplain\r\n--b--\r\n";
        let mut out = Vec::new();
        write_files(raw, &mut out).unwrap();
        let mut wanted = 5_u64.to_le_bytes().to_vec();
        wanted.extend(b"hello");
        wanted.extend(5_u64.to_le_bytes());
        wanted.extend(b"plain");
        assert_eq!(out, wanted);
    }
}
