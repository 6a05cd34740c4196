//! The process in which foreign bytes are understood.
//!
//! Promises: a mail that makes the parser overflow its stack, loop or eat memory costs a child process and a verdict,
//! never the desk. The child gets bytes and gives back a bounded structure: no store, no file, no network, an empty
//! environment, limits on memory, CPU time per mail and processes (`child.rs`, `confine.rs`), no descriptor but its two
//! pipes. Answers come in the order of the mails, each written before the next mail is begun, so the first mail without
//! an answer is the one that killed the child. Leaves out: counting deaths and setting a mail aside, which the caller
//! does in its database.
//!
//! The child is this same program, started again with a hidden argument. What passes the pipes stands in `frame.rs`: the
//! raw mail one way, JSON of [`Understood`] the other (`body_text` only where it is all there is). A first frame of the
//! child says that it is ready and how well it is shut in; a child that dies before is nobody's mail's fault.

mod asked;
mod child;
mod confine;
mod files;
mod frame;

use std::collections::HashSet;
use std::io::{BufReader, Read};
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::{Duration, Instant};

use anyhow::Context;

use crate::clock::Clock;
use crate::limits;
use crate::mail::parse::Understood;
use crate::mail::seal::KeyFiles;
pub use asked::Asked;
use asked::{lock, write_mail};
pub use child::run;
pub use confine::{Attempt, Confinement};
pub use files::TakenOut;
use frame::{KEYS, LAST_WORDS, PROVE, READY, read_frame, write_frame};

/// The hidden first argument that makes this program the child.
pub const ARGUMENT: &str = "mail-worker";

/// How long a child may take to say that it is ready, or to end when told to.
const START: Duration = Duration::from_secs(10);

/// What became of one mail.
#[derive(Debug)]
pub enum Verdict {
    /// It was understood.
    Understood(Box<Understood>),
    /// The child died of it, or took too long. The caller keeps the death, so that a mail does not kill for ever.
    Died {
        /// How, in words for an administrator.
        reason: String,
    },
    /// Another mail ended the batch before its turn, or no child could be started: ask again later.
    NotTried,
}

/// A child process that understands mails, started when the first mail comes.
#[derive(Debug)]
pub struct Worker {
    program: PathBuf,
    arguments: Vec<String>,
    patience: Duration,
    running: Option<Running>,
    used: Instant,
    /// The folder of keys, and whose time they are judged by.
    keys: Option<(PathBuf, Clock)>,
    /// What was said already: a system that cannot shut the worker in, a key that cannot be used. Once, not at every start.
    said: Vec<String>,
}

#[derive(Debug)]
struct Running {
    child: Child,
    to_child: Option<ChildStdin>,
    from_child: Receiver<(i64, Vec<u8>)>,
    confined: Confinement,
    /// What the child said before it went.
    last_words: Option<String>,
}

impl Worker {
    /// A worker that runs `program` with `arguments`; nothing is started yet.
    pub fn new(program: PathBuf, arguments: Vec<String>) -> Self {
        let patience = Duration::from_secs(limits::PARSE_WALL_SECONDS);
        Worker {
            program,
            arguments,
            patience,
            running: None,
            used: Instant::now(),
            keys: None,
            said: Vec::new(),
        }
    }

    /// A worker that runs this program again.
    ///
    /// # Errors
    /// If the system does not say which file this program is.
    pub fn of_this_program() -> anyhow::Result<Self> {
        let program = std::env::current_exe().context("cannot find this program's own file")?;
        Ok(Self::new(program, vec![ARGUMENT.into()]))
    }

    /// Keys for sealed mail, from a folder that is read at every start of a child.
    pub fn with_keys(mut self, folder: PathBuf, clock: Clock) -> Self {
        self.keys = Some((folder, clock));
        self
    }

    /// How long one mail may take by the wall clock (its CPU time has its own limit).
    pub fn with_patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Whether a child is running.
    pub fn is_running(&self) -> bool {
        self.running.is_some()
    }

    /// Understands mails, in order; one verdict a mail. After a death the rest of the batch is not tried: keep the
    /// death, then ask again. If nothing at all was tried, no child could be started: wait before asking again.
    pub fn understand_batch(&mut self, mails: &[(i64, &[u8])]) -> Vec<(i64, Verdict)> {
        let asked: Vec<_> = mails.iter().map(|(id, bytes)| Asked::whole(*id, bytes)).collect();
        self.understand(&asked)
    }

    /// As [`Worker::understand_batch`], for mails of which not all is in memory. One whose rest cannot be read was not
    /// tried.
    pub fn understand(&mut self, mails: &[Asked<'_>]) -> Vec<(i64, Verdict)> {
        self.used = Instant::now();
        let mut verdicts = Vec::with_capacity(mails.len());
        if mails.is_empty() {
            return verdicts;
        }
        let patience = self.patience;
        let ended = match self.start() {
            Ok(running) => converse(running, mails, patience, &mut verdicts),
            Err(cause) => {
                tracing::error!("the mail worker cannot be started: {cause:#}");
                self.running = None;
                None
            }
        };
        if let Some(end) = ended {
            let reason = self.bury(end);
            tracing::warn!("the mail worker died: {reason}");
            if let Some(mail) = mails.get(verdicts.len()) {
                verdicts.push((mail.id, Verdict::Died { reason }));
            }
        }
        for mail in &mails[verdicts.len()..] {
            verdicts.push((mail.id, Verdict::NotTried));
        }
        self.used = Instant::now();
        verdicts
    }

    /// The child's process id, while one runs.
    pub fn pid(&self) -> Option<u32> {
        self.running.as_ref().map(|running| running.child.id())
    }

    /// How well the child is shut in on this system.
    ///
    /// # Errors
    /// If no child can be started.
    pub fn confinement(&mut self) -> anyhow::Result<Confinement> {
        Ok(self.start()?.confined.clone())
    }

    /// Has the child try what a break-in would try: files, network, programs. Nothing of it may work.
    ///
    /// # Errors
    /// If no child can be started, or it does not answer.
    pub fn prove(&mut self) -> anyhow::Result<Vec<Attempt>> {
        let patience = self.patience;
        let running = self.start()?;
        let to_child = running.to_child.as_mut().context("the child is gone")?;
        write_frame(to_child, PROVE, b"").context("the child is gone")?;
        match running.from_child.recv_timeout(patience) {
            Ok((PROVE, json)) => serde_json::from_slice(&json).context("an answer that makes no sense"),
            _ => {
                self.stop();
                anyhow::bail!("the child did not answer")
            }
        }
    }

    /// Ends the child if nothing was asked of it for `duration`. Answers whether none is running now.
    pub fn stop_if_idle(&mut self, duration: Duration) -> bool {
        if self.running.is_some() && self.used.elapsed() >= duration {
            self.stop();
        }
        self.running.is_none()
    }

    /// Ends the child.
    pub fn stop(&mut self) {
        let Some(mut running) = self.running.take() else {
            return;
        };
        drop(running.to_child.take()); // at the end of its input the child ends by itself
        let begun = Instant::now();
        while begun.elapsed() < Duration::from_secs(1) {
            match running.child.try_wait() {
                Ok(None) => std::thread::sleep(Duration::from_millis(2)),
                _ => return,
            }
        }
        end(&mut running.child);
    }

    fn start(&mut self) -> anyhow::Result<&mut Running> {
        if self.running.is_none() {
            let mut running = Running::start(&self.program, &self.arguments)?;
            let mut complaints: Vec<String> = running
                .confined
                .missing
                .iter()
                .map(|what| format!("the process that reads mail is less shut in than it could be: {what}"))
                .collect();
            if let Some((folder, clock)) = &self.keys {
                let (files, refused) = KeyFiles::of_folder(folder, clock.now())?;
                complaints.extend(refused);
                complaints.extend(running.hand_over(&files)?);
            }
            for complaint in complaints {
                if !self.said.contains(&complaint) && self.said.len() < limits::KEY_FILES {
                    tracing::warn!("{complaint}");
                    self.said.push(complaint);
                }
            }
            self.running = Some(running);
        }
        self.running.as_mut().context("no child")
    }

    /// Collects the dead child and says how it died.
    fn bury(&mut self, end_of: End) -> String {
        let Some(mut running) = self.running.take() else {
            return "no child".into();
        };
        drop(running.to_child.take());
        let status = match end_of {
            End::Gone => running.child.wait().ok(),
            End::TooSlow | End::Babble => {
                end(&mut running.child);
                None
            }
        };
        match (end_of, status) {
            (End::TooSlow, _) => format!("it took longer than {} s", self.patience.as_secs_f32()),
            (End::Babble, _) => "its answer made no sense".into(),
            (End::Gone, Some(status)) => running.last_words.unwrap_or_else(|| obituary(status)),
            (End::Gone, None) => "it ended without a status".into(),
        }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Running {
    fn start(program: &PathBuf, arguments: &[String]) -> anyhow::Result<Self> {
        // What this process inherited from its own parent is not passed on; what it opened itself never is.
        close_fds::set_fds_cloexec_threadsafe(3, &[]);
        let mut child = Command::new(program)
            .args(arguments)
            .env_clear()
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .with_context(|| format!("cannot run {}", program.display()))?;
        let to_child = child.stdin.take();
        let Some(stdout) = child.stdout.take() else {
            end(&mut child);
            anyhow::bail!("the child has no output");
        };
        let (sender, from_child) = sync_channel(limits::PARSE_BATCH);
        let listening = std::thread::Builder::new()
            .name("mail-worker-answers".into())
            .spawn(move || listen(stdout, &sender));
        if let Err(cause) = listening {
            end(&mut child);
            return Err(cause).context("cannot listen to the child");
        }
        match from_child.recv_timeout(START) {
            Ok((READY, confined)) => Ok(Running {
                child,
                to_child,
                from_child,
                confined: serde_json::from_slice(&confined).unwrap_or_default(),
                last_words: None,
            }),
            Ok((LAST_WORDS, words)) => {
                end(&mut child);
                anyhow::bail!("{}", in_print(&words))
            }
            _ => {
                end(&mut child);
                anyhow::bail!("the child did not say that it is ready")
            }
        }
    }
}

impl Running {
    /// Gives the child the desk's keys; what it cannot use it says.
    fn hand_over(&mut self, files: &KeyFiles) -> anyhow::Result<Vec<String>> {
        let to_child = self.to_child.as_mut().context("the child is gone")?;
        let handed = write_frame(to_child, KEYS, &serde_json::to_vec(files)?).map_err(anyhow::Error::from);
        let answered = handed.and_then(|()| match self.from_child.recv_timeout(START) {
            Ok((KEYS, json)) => Ok(serde_json::from_slice(&json)?),
            Ok((LAST_WORDS, words)) => anyhow::bail!("{}", in_print(&words)),
            _ => anyhow::bail!("no answer"),
        });
        if answered.is_err() {
            end(&mut self.child);
        }
        answered.context("the child did not take the keys")
    }
}

fn end(child: &mut Child) {
    // A child that is gone already cannot be killed; either way it is waited for.
    let _ = child.kill();
    let _ = child.wait();
}

/// Passes the child's frames on until it ends or says what no child says.
fn listen(stdout: impl Read, sender: &SyncSender<(i64, Vec<u8>)>) {
    let mut from_child = BufReader::with_capacity(64 * 1024, stdout);
    while let Ok(Some(frame)) = read_frame(&mut from_child, limits::PARSE_ANSWER_BYTES) {
        if sender.send(frame).is_err() {
            return;
        }
    }
}

/// Why a conversation ended early.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Gone,
    TooSlow,
    Babble,
}

/// Sends all mails and takes the answers as they come; two threads, because either pipe may be full.
fn converse(
    running: &mut Running,
    mails: &[Asked<'_>],
    patience: Duration,
    verdicts: &mut Vec<(i64, Verdict)>,
) -> Option<End> {
    let Some(to_child) = running.to_child.as_mut() else {
        return Some(End::Gone);
    };
    let from_child = &running.from_child;
    let child = &mut running.child;
    let last_words = &mut running.last_words;
    let unread = Mutex::new(HashSet::new());
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for mail in mails {
                // A broken pipe means that the child is gone: the listening side knows more.
                if write_mail(to_child, mail, &unread).is_err() {
                    return;
                }
            }
        });
        for Asked { id, .. } in mails {
            let end = match from_child.recv_timeout(patience) {
                Ok((answered, _)) if answered == *id && lock(&unread).contains(id) => {
                    verdicts.push((*id, Verdict::NotTried));
                    continue;
                }
                Ok((answered, json)) if answered == *id => match serde_json::from_slice(&json) {
                    Ok(understood) => {
                        verdicts.push((*id, Verdict::Understood(understood)));
                        continue;
                    }
                    Err(_) => End::Babble,
                },
                Ok((LAST_WORDS, words)) => {
                    *last_words = Some(in_print(&words));
                    End::Gone
                }
                Ok(_) => End::Babble,
                Err(RecvTimeoutError::Timeout) => End::TooSlow,
                Err(RecvTimeoutError::Disconnected) => End::Gone,
            };
            if end != End::Gone {
                let _ = child.kill(); // lets the writing thread go
            }
            return Some(end);
        }
        None
    })
}

/// Words of the child for the log: one line, nothing that a terminal obeys.
fn in_print(words: &[u8]) -> String {
    let words = String::from_utf8_lossy(&words[..words.len().min(limits::SMTP_REPLY_BYTES)]);
    words.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

fn obituary(status: ExitStatus) -> String {
    const ABORTED: i32 = 6;
    const KILLED: i32 = 9;
    const SEGMENT: i32 = 11;
    const CPU: i32 = 24;
    match (status.signal(), status.code()) {
        (Some(CPU), _) => format!("it used more than {} s of CPU", limits::PARSE_CPU_SECONDS),
        (Some(ABORTED), _) => "it ran out of memory or stack".into(),
        (Some(SEGMENT), _) => "it overflowed its stack".into(),
        (Some(KILLED), _) => "it was killed, perhaps for memory".into(),
        (Some(signal), _) => format!("it was ended by signal {signal}"),
        (None, Some(101)) => "the parser panicked".into(),
        (None, Some(code)) => format!("it ended with status {code}"),
        (None, None) => "it ended".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The child's first frame, as octal for `printf`.
    const HELLO: &str = r"printf '\000\000\000\000\000\000\000\200\000\000\000\000'";

    fn fake(script: &str) -> Worker {
        Worker::new("/bin/sh".into(), vec!["-c".into(), script.into()])
    }

    fn batch() -> Vec<(i64, &'static [u8])> {
        vec![
            (1, b"Subject: a\n\nx".as_slice()),
            (2, b"Subject: b\n\ny".as_slice()),
            (3, b"".as_slice()),
        ]
    }

    #[test]
    fn a_child_that_never_says_ready_is_no_mails_fault() {
        let verdicts = fake("exit 3").understand_batch(&batch());
        assert!(verdicts.iter().all(|(_, v)| matches!(v, Verdict::NotTried)));
        assert_eq!(verdicts.len(), 3);
    }

    #[test]
    fn the_mail_in_hand_dies_with_the_child_and_later_ones_are_not_tried() {
        let mut worker = fake(&format!("{HELLO}; head -c 1 >/dev/null; kill -SEGV $$"));
        let verdicts = worker.understand_batch(&batch());
        assert!(
            matches!(&verdicts[0], (1, Verdict::Died { reason }) if reason.contains("stack")),
            "{verdicts:?}"
        );
        assert!(matches!(verdicts[1], (2, Verdict::NotTried)));
        assert!(matches!(verdicts[2], (3, Verdict::NotTried)));
        assert!(!worker.is_running());
    }

    #[test]
    fn a_child_that_takes_too_long_is_ended() {
        let begun = Instant::now();
        let mut worker = fake(&format!("{HELLO}; exec sleep 60")).with_patience(Duration::from_millis(100));
        let large = vec![b'x'; 1_000_000];
        let verdicts = worker.understand_batch(&[(1, &large), (2, b"")]);
        assert!(
            matches!(&verdicts[0], (1, Verdict::Died { reason }) if reason.contains("longer")),
            "{verdicts:?}"
        );
        assert!(matches!(verdicts[1], (2, Verdict::NotTried)));
        assert!(begun.elapsed() < Duration::from_secs(30));
    }

    #[test]
    fn a_child_that_answers_nonsense_is_ended() {
        let mut worker = fake(&format!(
            r"{HELLO}; printf '\001\000\000\000\000\000\000\000\001\000\000\000x'; exec sleep 60"
        ));
        let verdicts = worker.understand_batch(&batch());
        assert!(matches!(&verdicts[0], (1, Verdict::Died { .. })), "{verdicts:?}");
    }
}
