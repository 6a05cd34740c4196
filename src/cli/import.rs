//! `duly import`: the history of another desk, from files. The desk must not be running: the import works on its database.
//!
//! An mbox in the mboxrd form: a line `From …` after an empty line begins a mail, `>From ` in a body had one `>` put
//! before it. Mails are read by the worker process, as live mail is. A dry run does everything in a transaction that is
//! taken back at the end, so its counts are what an import would do.

use super::own_worker;
use crate::clock::Clock;
use crate::config::Config;
use crate::desk::arrival::{Envelope, Waiting};
use crate::desk::import::{self, Taken};
use crate::desk::message::Incoming;
use crate::desk::{Desk, RawId};
use crate::limits;
use crate::mail::receive;
use crate::mail::worker::{Verdict, Worker};
use crate::refusal::{Fault, Kind, Outcome, Refusal};
use crate::serve;
use crate::store::{Store, Tx};
use anyhow::Context;
use indicatif::{ProgressBar, ProgressStyle};
use jiff::Timestamp;
use std::fs::File;
use std::io::{self, BufRead, BufReader, IsTerminal, Write};
use std::path::Path;
use std::sync::Arc;

/// What an import did, or would do.
#[derive(Debug, Default, Clone, serde::Serialize)]
struct Reckoning {
    found: usize,
    cases: usize,
    joined: usize,
    spooled: usize,
    known: usize,
    too_large: usize,
}

/// Imports an mbox file.
pub fn mbox(dir: &Path, file: &Path, dry_run: bool, json: bool) -> anyhow::Result<()> {
    let config = Config::read(dir, std::env::vars())?;
    let desk = Arc::new(serve::desk_of(dir, &config)?);
    let store = serve::open_store(dir, &config)?;
    let bar = progress(file)?;
    let source = Mbox::open(file)?;
    let now = Clock::System.now();
    let reckoning = match dry_run {
        true => rehearse(&store, desk, now, source, bar.clone())?,
        false => take_all(&store, desk, now, source, &bar)?,
    };
    bar.finish_and_clear();
    store.close();
    let mut out = io::stdout().lock();
    if json {
        writeln!(out, "{}", serde_json::to_string(&reckoning)?)?;
        return Ok(());
    }
    let verb = if dry_run { "would be taken" } else { "taken" };
    writeln!(
        out,
        "{} mails found. {} {verb}: {} open a case, {} join one, {} go to the spool (automatic or unreadable). \
         {} are here already, {} are too large.",
        reckoning.found,
        reckoning.cases + reckoning.joined + reckoning.spooled,
        reckoning.cases,
        reckoning.joined,
        reckoning.spooled,
        reckoning.known,
        reckoning.too_large
    )?;
    writeln!(
        out,
        "No mail was sent and no promise was made. The cases are closed history; `duly grep` finds their words."
    )?;
    if dry_run {
        writeln!(out, "Nothing was changed. Without --dry-run it is done.")?;
    }
    Ok(())
}

fn progress(file: &Path) -> anyhow::Result<ProgressBar> {
    if !std::io::stderr().is_terminal() {
        return Ok(ProgressBar::hidden());
    }
    let bytes = std::fs::metadata(file)
        .with_context(|| format!("read {}", file.display()))?
        .len();
    let style = ProgressStyle::with_template("{bar:30} {bytes} of {total_bytes}, {eta} left")?;
    Ok(ProgressBar::new(bytes).with_style(style))
}

/// Mails of one transaction.
const BATCH: usize = 500;

fn take_all(
    store: &Store,
    desk: Arc<Desk>,
    now: Timestamp,
    mut source: Mbox,
    bar: &ProgressBar,
) -> anyhow::Result<Reckoning> {
    let (program, args) = own_worker()?;
    let mut worker = Worker::new(program, args);
    let mut sum = Reckoning::default();
    loop {
        let mails = source.batch(BATCH)?;
        bar.set_position(source.read);
        if mails.is_empty() {
            sum.too_large = source.too_large;
            return Ok(sum);
        }
        let todo = understand(&mut worker, &desk, now, mails)?;
        let desk = Arc::clone(&desk);
        let done = store.write(move |tx| place(tx, now, &desk, todo))?;
        add(&mut sum, &done);
    }
}

/// The whole import in one transaction, taken back at its end.
fn rehearse(
    store: &Store,
    desk: Arc<Desk>,
    now: Timestamp,
    mut source: Mbox,
    bar: ProgressBar,
) -> anyhow::Result<Reckoning> {
    let (program, args) = own_worker()?;
    let mut worker = Worker::new(program, args);
    let (tell, told) = std::sync::mpsc::channel();
    let nothing_kept: Outcome<()> = store.write(move |tx| {
        let mut sum = Reckoning::default();
        loop {
            let mails = source.batch(BATCH)?;
            bar.set_position(source.read);
            if mails.is_empty() {
                sum.too_large = source.too_large;
                let _ = tell.send(sum);
                return Err(Refusal::new(Kind::Nothing, "a dry run keeps nothing").into());
            }
            let done = place(tx, now, &desk, understand(&mut worker, &desk, now, mails)?)?;
            add(&mut sum, &done);
        }
    });
    match (told.try_recv(), nothing_kept) {
        (Ok(sum), _) => Ok(sum),
        (Err(_), Err(Fault::Failed(cause))) => Err(cause),
        (Err(_), other) => Err(anyhow::anyhow!("the dry run ended early: {other:?}")),
    }
}

fn add(sum: &mut Reckoning, done: &Reckoning) {
    sum.found += done.found;
    sum.cases += done.cases;
    sum.joined += done.joined;
    sum.spooled += done.spooled;
    sum.known += done.known;
}

/// A mail with what it says.
type Read = (Vec<u8>, Incoming);

fn understand(worker: &mut Worker, desk: &Desk, now: Timestamp, mails: Vec<Vec<u8>>) -> anyhow::Result<Vec<Read>> {
    let mut read: Vec<Option<Incoming>> = vec![None; mails.len()];
    let mut deaths = vec![0; mails.len()];
    loop {
        let todo: Vec<(i64, &[u8])> = (0..mails.len())
            .filter(|&at| read[at].is_none())
            .map(|at| (at as i64, mails[at].as_slice()))
            .collect();
        if todo.is_empty() {
            return Ok(mails.into_iter().zip(read.into_iter().flatten()).collect());
        }
        let mut moved = false;
        for (at, verdict) in worker.understand_batch(&todo) {
            let at = at as usize;
            let waiting = Waiting {
                raw: RawId(0),
                received_at: now,
                envelope_from: "-".into(),
                envelope_to: Vec::new(),
                deaths: 0,
                starts: 0,
                way: "import".into(),
                peer: String::new(),
                helo: String::new(),
                shadow: false,
                head: Vec::new(),
                body: None,
                size: 0,
            };
            match verdict {
                Verdict::Understood(mail) => {
                    let own_time = mail.date.filter(|at| *at < now).unwrap_or(now);
                    let incoming = receive::incoming(desk, &waiting, *mail);
                    read[at] = Some(Incoming {
                        received_at: own_time,
                        envelope_from: String::new(),
                        ..incoming
                    });
                }
                Verdict::Died { reason } => {
                    deaths[at] += 1;
                    if deaths[at] >= limits::PARSE_DEATHS {
                        let trouble = Some(format!("it ended the process that reads mail twice ({reason})"));
                        read[at] = Some(Incoming {
                            received_at: now,
                            trouble,
                            ..Incoming::default()
                        });
                    }
                }
                Verdict::NotTried => continue,
            }
            moved = true;
        }
        anyhow::ensure!(moved, "the process that reads mail cannot be started");
    }
}

fn place(tx: &mut Tx<'_>, now: Timestamp, desk: &Desk, mails: Vec<Read>) -> Outcome<Reckoning> {
    let mut sum = Reckoning {
        found: mails.len(),
        ..Reckoning::default()
    };
    let envelope = Envelope {
        way: "import".into(),
        from: String::new(),
        to: vec![desk.address().to_owned()],
        peer: "file".into(),
        helo: String::new(),
    };
    for (bytes, mail) in mails {
        match import::take(tx, now, desk, &envelope, bytes, &mail)? {
            Taken::Opened => sum.cases += 1,
            Taken::Joined => sum.joined += 1,
            Taken::Spooled => sum.spooled += 1,
            Taken::Known => sum.known += 1,
        }
    }
    Ok(sum)
}

/// Reads mails out of an mbox.
pub(super) struct Mbox {
    file: BufReader<File>,
    read: u64,
    too_large: usize,
    line: Vec<u8>,
}

impl Mbox {
    pub(super) fn open(path: &Path) -> anyhow::Result<Mbox> {
        let file =
            File::open(path).map_err(|cause| Refusal::usage(format!("{} cannot be read: {cause}.", path.display())))?;
        let mut mbox = Mbox {
            file: BufReader::with_capacity(256 * 1024, file),
            read: 0,
            too_large: 0,
            line: Vec::new(),
        };
        mbox.next_line()?;
        if !mbox.line.starts_with(b"From ") {
            return Err(Refusal::usage(format!(
                "{} is no mbox: it does not begin with \"From \".",
                path.display()
            ))
            .into());
        }
        Ok(mbox)
    }

    fn next_line(&mut self) -> std::io::Result<()> {
        self.line.clear();
        self.read += self.file.read_until(b'\n', &mut self.line)? as u64;
        Ok(())
    }

    pub(super) fn batch(&mut self, most: usize) -> anyhow::Result<Vec<Vec<u8>>> {
        let mut mails = Vec::new();
        let mut bytes = 0;
        while mails.len() < most && bytes < limits::MESSAGE_BYTES && !self.line.is_empty() {
            if let Some(mail) = self.mail()? {
                bytes += mail.len();
                mails.push(mail);
            }
        }
        Ok(mails)
    }

    /// The mail whose `From ` line was read last; none if it is larger than the desk takes.
    fn mail(&mut self) -> anyhow::Result<Option<Vec<u8>>> {
        let (mut mail, mut after_empty, mut large) = (Vec::new(), false, false);
        loop {
            self.next_line()?;
            let begins = after_empty && self.line.starts_with(b"From ");
            if self.line.is_empty() || begins {
                break;
            }
            after_empty = self.line == b"\n" || self.line == b"\r\n";
            let quoted = self.line.iter().take_while(|&&byte| byte == b'>').count();
            let line = match quoted > 0 && self.line[quoted..].starts_with(b"From ") {
                true => &self.line[1..],
                false => &self.line[..],
            };
            large = large || mail.len() + line.len() > limits::MESSAGE_BYTES;
            if !large {
                let text = line.strip_suffix(b"\n").unwrap_or(line);
                mail.extend_from_slice(text.strip_suffix(b"\r").unwrap_or(text));
                mail.extend_from_slice(b"\r\n");
            }
        }
        // The empty line before the next `From ` belongs to the mbox, not to the mail.
        if mail.ends_with(b"\r\n\r\n") {
            mail.truncate(mail.len() - 2);
        }
        self.too_large += usize::from(large);
        Ok((!large).then_some(mail))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mails(text: &str) -> Vec<String> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.mbox");
        std::fs::write(&path, text).unwrap();
        let mails = Mbox::open(&path).unwrap().batch(100).unwrap();
        mails.into_iter().map(|mail| String::from_utf8(mail).unwrap()).collect()
    }

    #[test]
    fn mails_begin_at_from_lines_after_an_empty_line_only() {
        let found = mails(
            "From a@n.example Mon\nSubject: 1\n\none\nFrom here on it is text\n\nFrom b Tue\nSubject: 2\n\n>From two\n>>From three\n\n",
        );
        assert_eq!(
            found,
            [
                "Subject: 1\r\n\r\none\r\nFrom here on it is text\r\n",
                "Subject: 2\r\n\r\nFrom two\r\n>From three\r\n"
            ]
        );
    }

    #[test]
    fn a_file_that_is_no_mbox_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x");
        std::fs::write(&path, "hello").unwrap();
        assert!(Mbox::open(&path).is_err());
    }
}
