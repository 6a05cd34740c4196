//! The process in which foreign bytes are understood.
//!
//! Promises: a mail that makes the parser overflow its stack, loop or eat memory costs a child process and a verdict,
//! never the desk. The child gets bytes and gives back a bounded structure: no store, no network of its own doing, an
//! empty environment, limits on memory, CPU time per mail, files and processes. Answers come in the order of the
//! mails, each written before the next mail is begun, so the first mail without an answer is the one that killed the
//! child. Leaves out: counting deaths and setting a mail aside, which the caller does in its database; and keeping the
//! kernel's own doors shut (seccomp, landlock), which comes later.
//!
//! The child is this same program, started again with a hidden argument. Frames on both pipes are an id (8 bytes), a
//! length (4 bytes, both little-endian) and that many bytes: the raw mail one way, JSON of [`Understood`] the other
//! (`body_text` only where it is all there is). A first frame of the child says that it is ready; a child that dies
//! before is nobody's mail's fault.

mod asked;

pub use asked::Asked;

use std::collections::HashSet;
use std::io::{self, BufReader, Read, Write};
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, ExitCode, ExitStatus, Stdio};
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::{Duration, Instant};

use anyhow::Context;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use rustix::time::{ClockId, clock_gettime};

use crate::limits;
use crate::mail::parse::{self, Understood};
use asked::{lock, write_mail};

/// The hidden first argument that makes this program the child.
pub const ARGUMENT: &str = "mail-worker";

/// The id of the child's first frame.
const READY: i64 = i64::MIN;
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
}

#[derive(Debug)]
struct Running {
    child: Child,
    to_child: Option<ChildStdin>,
    from_child: Receiver<(i64, Vec<u8>)>,
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
            self.running = Some(Running::start(&self.program, &self.arguments)?);
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
            (End::Gone, Some(status)) => obituary(status),
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
        let mut child = Command::new(program)
            .args(arguments)
            .env_clear()
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
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
            Ok((READY, _)) => Ok(Running {
                child,
                to_child,
                from_child,
            }),
            _ => {
                end(&mut child);
                anyhow::bail!("the child did not say that it is ready")
            }
        }
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

fn write_frame(out: &mut impl Write, id: i64, bytes: &[u8]) -> io::Result<()> {
    let length = u32::try_from(bytes.len()).map_err(|_| io::Error::from(io::ErrorKind::InvalidInput))?;
    let mut head = [0u8; 12];
    head[..8].copy_from_slice(&id.to_le_bytes());
    head[8..].copy_from_slice(&length.to_le_bytes());
    if bytes.len() < 64 * 1024 {
        let mut frame = Vec::with_capacity(12 + bytes.len());
        frame.extend_from_slice(&head);
        frame.extend_from_slice(bytes);
        out.write_all(&frame)?;
    } else {
        out.write_all(&head)?;
        out.write_all(bytes)?;
    }
    out.flush()
}

/// The next frame; `None` at the end. A frame longer than `most` is an error.
fn read_frame(from: &mut impl Read, most: usize) -> io::Result<Option<(i64, Vec<u8>)>> {
    let mut id = [0u8; 8];
    let mut length = [0u8; 4];
    match from.read_exact(&mut id) {
        Err(cause) if cause.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        outcome => outcome?,
    }
    from.read_exact(&mut length)?;
    let length = u32::from_le_bytes(length) as usize;
    if length > most {
        return Err(io::Error::from(io::ErrorKind::InvalidData));
    }
    let mut bytes = vec![0u8; length];
    from.read_exact(&mut bytes)?;
    Ok(Some((i64::from_le_bytes(id), bytes)))
}

/// The child's whole life: limits, then mails until its input ends. Call it from `main` before anything else runs.
pub fn run() -> ExitCode {
    // What a panic says may carry words of a mail; where it was is enough.
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        let _ = writeln!(io::stderr(), "the mail parser panicked at {place}");
    }));
    let serving = std::thread::Builder::new()
        .name("mail".into())
        .stack_size(limits::PARSE_STACK_BYTES)
        .spawn(|| {
            restrict().context("cannot limit the mail worker")?;
            serve(&mut io::stdin().lock(), &mut io::stdout().lock())
        });
    match serving.map(std::thread::JoinHandle::join) {
        Ok(Ok(Ok(()))) => ExitCode::SUCCESS,
        Ok(Ok(Err(cause))) => {
            let _ = writeln!(io::stderr(), "{cause:#}");
            ExitCode::FAILURE
        }
        Ok(Err(_)) => ExitCode::from(101),
        Err(cause) => {
            let _ = writeln!(io::stderr(), "cannot start the mail worker's thread: {cause}");
            ExitCode::FAILURE
        }
    }
}

fn serve(from: &mut impl Read, out: &mut impl Write) -> anyhow::Result<()> {
    write_frame(out, READY, b"")?;
    let mut from = BufReader::with_capacity(64 * 1024, from);
    let mut json = Vec::new();
    while let Some((id, raw)) =
        read_frame(&mut from, limits::MESSAGE_BYTES.saturating_mul(2)).context("a broken request")?
    {
        arm_cpu_limit()?;
        let mut understood = parse::understand(&raw);
        if !understood.new_text.trim().is_empty() {
            // Nobody asks for all the text where the new words could be told apart: half of the answer stays here.
            understood.body_text.clear();
        }
        json.clear();
        serde_json::to_writer(&mut json, &understood).context("cannot write an answer")?;
        write_frame(out, id, &json)?;
    }
    Ok(())
}

/// Memory above what it has, no core dump, no new files or processes.
fn restrict() -> anyhow::Result<()> {
    lower(Resource::As, address_space().saturating_add(limits::PARSE_MEMORY_BYTES))?;
    lower(Resource::Core, 0)?;
    lower(Resource::Fsize, 0)?;
    lower(Resource::Nofile, 16)?;
    lower(Resource::Nproc, 0)
}

fn lower(resource: Resource, most: u64) -> anyhow::Result<()> {
    let hard = getrlimit(resource).maximum.map_or(most, |hard| hard.min(most));
    setrlimit(
        resource,
        Rlimit {
            current: Some(hard),
            maximum: Some(hard),
        },
    )
    .context("cannot set a limit")
}

/// Bytes of address space in use now, as Linux tells; elsewhere a guess that is large enough.
fn address_space() -> u64 {
    const GUESS: u64 = 512 * 1024 * 1024;
    let pages = std::fs::read_to_string("/proc/self/statm")
        .ok()
        .and_then(|s| s.split(' ').next()?.parse::<u64>().ok());
    pages.map_or(GUESS, |pages| pages.saturating_mul(rustix::param::page_size() as u64))
}

/// `RLIMIT_CPU` counts a process' whole life: each mail gets its seconds on top of what was used before.
fn arm_cpu_limit() -> anyhow::Result<()> {
    let used = clock_gettime(ClockId::ProcessCPUTime).tv_sec.unsigned_abs();
    let most = used + limits::PARSE_CPU_SECONDS + 1;
    let hard = getrlimit(Resource::Cpu).maximum;
    setrlimit(
        Resource::Cpu,
        Rlimit {
            current: Some(hard.map_or(most, |h| h.min(most))),
            maximum: hard,
        },
    )
    .context("cannot set the CPU limit")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Cursor;

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
    fn frames_come_out_as_they_went_in_and_too_long_ones_are_refused() {
        let mut pipe = Vec::new();
        write_frame(&mut pipe, -7, b"mail").expect("a vector takes all");
        assert_eq!(
            read_frame(&mut Cursor::new(&pipe), 4).expect("fits"),
            Some((-7, b"mail".to_vec()))
        );
        assert!(read_frame(&mut Cursor::new(&pipe), 3).is_err());
        assert!(read_frame(&mut Cursor::new(&pipe[..14]), 4).is_err());
        assert_eq!(read_frame(&mut Cursor::new(b""), 4).expect("the end"), None);
    }

    #[test]
    fn the_child_answers_every_mail_in_order() {
        let (mut requests, mut answers) = (Vec::new(), Vec::new());
        for (id, raw) in batch() {
            write_frame(&mut requests, id, raw).expect("a vector takes all");
        }
        serve(&mut Cursor::new(requests), &mut answers).expect("serves");
        let mut answers = Cursor::new(answers);
        let ids: Vec<i64> = std::iter::from_fn(|| read_frame(&mut answers, 1 << 20).ok().flatten())
            .map(|(id, _)| id)
            .collect();
        assert_eq!(ids, [READY, 1, 2, 3]);
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
