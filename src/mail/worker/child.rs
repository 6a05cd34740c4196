//! The child's whole life: shut in, then mails until its input ends.
//!
//! Promises: limits and locks stand before the first byte of a mail is read; every mail gets its own CPU seconds; what a
//! panic says is where it was, never words of a mail. Leaves out: what the parser's answer means.

use std::io::{self, BufReader, Read, Write};
use std::process::ExitCode;

use anyhow::Context;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use rustix::time::{ClockId, clock_gettime};

use super::frame::{FILES, KEYS, LAST_WORDS, PROVE, READY, read_frame, write_frame};
use super::{confine, files};
use crate::limits;
use crate::mail::parse;
use crate::mail::seal::Keyring;

/// Serves as the worker's child. Call it from `main` before anything else runs.
pub fn run() -> ExitCode {
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        last_words(&format!("the parser panicked at {place}"));
    }));
    let serving = std::thread::Builder::new()
        .name("mail".into())
        .stack_size(limits::PARSE_STACK_BYTES)
        .spawn(|| {
            restrict().context("cannot limit the mail worker")?;
            let confined = confine::shut_in();
            lower(Resource::Nofile, 0)?; // the first lock needed a descriptor
            let confined = serde_json::to_vec(&confined)?;
            serve(&mut io::stdin().lock(), &mut io::stdout().lock(), &confined)
        });
    match serving.map(std::thread::JoinHandle::join) {
        Ok(Ok(Ok(()))) => ExitCode::SUCCESS,
        Ok(Ok(Err(cause))) => {
            last_words(&format!("{cause:#}"));
            ExitCode::FAILURE
        }
        Ok(Err(_)) => ExitCode::from(101),
        Err(cause) => {
            last_words(&format!("cannot start the mail worker's thread: {cause}"));
            ExitCode::FAILURE
        }
    }
}

fn last_words(words: &str) {
    let words = &words.as_bytes()[..words.len().min(limits::SMTP_REPLY_BYTES)];
    let _ = write_frame(&mut io::stdout().lock(), LAST_WORDS, words);
}

fn serve(from: &mut impl Read, out: &mut impl Write, confined: &[u8]) -> anyhow::Result<()> {
    write_frame(out, READY, confined)?;
    let mut from = BufReader::with_capacity(64 * 1024, from);
    let mut json = Vec::new();
    let mut keys = Keyring::default();
    while let Some((id, raw)) =
        read_frame(&mut from, limits::MESSAGE_BYTES.saturating_mul(2)).context("a broken request")?
    {
        arm_cpu_limit()?;
        json.clear();
        match id {
            KEYS => {
                let (read, complaints) =
                    Keyring::read(&serde_json::from_slice(&raw).context("keys that make no sense")?);
                keys = read;
                serde_json::to_writer(&mut json, &complaints)
            }
            FILES => serde_json::to_writer(&mut json, &files::write_files(out, &raw, &keys, arm_cpu_limit)?),
            PROVE => serde_json::to_writer(&mut json, &confine::attempts()),
            _ => {
                let mut understood = parse::understand_with(&raw, &keys);
                if !understood.new_text.trim().is_empty() {
                    // Nobody asks for all the text where the new words could be told apart: half of the answer stays here.
                    understood.body_text.clear();
                }
                serde_json::to_writer(&mut json, &understood)
            }
        }
        .context("cannot write an answer")?;
        write_frame(out, id, &json)?;
    }
    Ok(())
}

/// Memory above what it has, no core dump, no byte into a file, no new process.
fn restrict() -> anyhow::Result<()> {
    lower(Resource::As, address_space().saturating_add(limits::PARSE_MEMORY_BYTES))?;
    lower(Resource::Core, 0)?;
    lower(Resource::Fsize, 0)?;
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

    fn batch() -> Vec<(i64, &'static [u8])> {
        vec![
            (1, b"Subject: a\n\nx".as_slice()),
            (2, b"Subject: b\n\ny".as_slice()),
            (3, b"".as_slice()),
        ]
    }

    #[test]
    fn the_child_answers_every_mail_in_order() {
        let (mut requests, mut answers) = (Vec::new(), Vec::new());
        for (id, raw) in batch() {
            write_frame(&mut requests, id, raw).expect("a vector takes all");
        }
        serve(&mut Cursor::new(requests), &mut answers, b"").expect("serves");
        let mut answers = Cursor::new(answers);
        let ids: Vec<i64> = std::iter::from_fn(|| read_frame(&mut answers, 1 << 20).ok().flatten())
            .map(|(id, _)| id)
            .collect();
        assert_eq!(ids, [READY, 1, 2, 3]);
    }
}
