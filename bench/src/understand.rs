//! Parse and understand, beside the bare parser on the same mails in the same run.
//!
//! The mails are other people's and not part of this repository: a folder of `.eml` files and `.mbox` streams, named by
//! `DULY_CORPORA`. Two kinds are counted apart: mails with a text part, and mails whose only words are HTML. The bare
//! parser decodes and does nothing else; ours also tells new words from quoted ones, names what a machine wrote, hashes
//! attachments and opens wrappings. Handing a mail over to the worker process and back is a figure of its own, in time that
//! passes and in processor time on either side. The same is measured with the mails that the ingest benchmark sends, which
//! need no folder.

use crate::process::{cpu_seconds, family};
use crate::report::Report;
use anyhow::{Context, Result};
use duly::mail::parse::understand;
use duly::mail::worker::{ARGUMENT, Verdict, Worker};
use mail_parser::MessageParser;
use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::time::Instant;
use torture::dice::Dice;
use torture::mail::{self, Form};

/// Measures, or says why not.
pub fn measure(report: &mut Report, program: &Path, quick: bool) -> Result<()> {
    let rounds = if quick { 3 } else { 9 };
    compare(report, "mails of the ingest benchmark", &written(), program, rounds)?;
    let folder = std::env::var_os("DULY_CORPORA").map(PathBuf::from);
    let Some(folder) = folder.filter(|folder| folder.is_dir()) else {
        println!("understand: SKIPPED, DULY_CORPORA names no folder of mails");
        return Ok(());
    };
    let mut mails = Vec::new();
    collect(&folder, &mut mails, 0)?;
    let (mut plain, mut html) = (Vec::new(), Vec::new());
    for mail in mails {
        match kind(&mail) {
            Some(Kind::Plain) => plain.push(mail),
            Some(Kind::Html) => html.push(mail),
            None => {}
        }
    }
    for (name, mails) in [("mails with a text part", &plain), ("HTML-only mails", &html)] {
        if !mails.is_empty() {
            compare(report, name, mails, program, rounds)?;
        }
    }
    Ok(())
}

/// Mails of 4 to 10 kB, half of them with an HTML twin.
fn written() -> Vec<Vec<u8>> {
    let mut dice = Dice::new(20_261_122);
    let mut write = |number: u64| {
        let form = if number.is_multiple_of(2) {
            Form::Plain
        } else {
            Form::Alternative
        };
        let bytes = dice.between(4_000, 9_500) as usize;
        mail::write(&mut dice, number, number, bytes, form).raw
    };
    (0..2_000).map(&mut write).collect()
}

fn collect(folder: &Path, mails: &mut Vec<Vec<u8>>, depth: usize) -> Result<()> {
    let mut entries: Vec<_> = std::fs::read_dir(folder)
        .with_context(|| folder.display().to_string())?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .collect();
    entries.sort();
    for path in entries {
        if path.is_dir() && depth < 4 {
            collect(&path, mails, depth + 1)?;
        } else if path.extension().is_some_and(|e| e == "eml") {
            mails.push(std::fs::read(&path)?);
        } else if path.extension().is_some_and(|e| e == "mbox") {
            let stream = std::fs::read(&path)?;
            mails.extend(split(&stream));
        }
    }
    Ok(())
}

/// The mails of a stream: each begins behind a line `From …` that follows an empty one.
fn split(stream: &[u8]) -> Vec<Vec<u8>> {
    let mut mails = Vec::new();
    let mut mail: Vec<u8> = Vec::new();
    let mut empty = true;
    for line in stream.split_inclusive(|b| *b == b'\n') {
        if empty && line.starts_with(b"From ") {
            if !mail.is_empty() {
                mails.push(std::mem::take(&mut mail));
            }
        } else {
            mail.extend_from_slice(line);
        }
        empty = line.trim_ascii().is_empty();
    }
    mails.push(mail);
    mails
}

enum Kind {
    Plain,
    Html,
}

/// By the bare parser's own account, so that neither side chooses.
fn kind(mail: &[u8]) -> Option<Kind> {
    let parsed = MessageParser::default().parse(mail)?;
    let is = |subtype: &str| {
        parsed.parts.iter().any(|part| {
            use mail_parser::MimeHeaders;
            part.content_type()
                .is_some_and(|t| t.ctype() == "text" && t.subtype() == Some(subtype))
        })
    };
    match (is("plain"), is("html")) {
        (false, true) => Some(Kind::Html),
        _ => Some(Kind::Plain),
    }
}

fn compare(report: &mut Report, name: &str, mails: &[Vec<u8>], program: &Path, rounds: usize) -> Result<()> {
    let bytes: usize = mails.iter().map(Vec::len).sum();
    let megabytes = bytes as f64 / 1e6;
    println!("{name}: {}, {megabytes:.1} MB", mails.len());
    let mut worker = Worker::new(program.to_owned(), vec![ARGUMENT.into()]);
    let bare = || {
        for mail in mails {
            black_box(MessageParser::default().parse(black_box(mail.as_slice())));
        }
    };
    let ours = || {
        for mail in mails {
            black_box(understand(black_box(mail)));
        }
    };
    let mut handed = || {
        for batch in mails.chunks(duly::limits::PARSE_BATCH) {
            let batch: Vec<(i64, &[u8])> = batch
                .iter()
                .enumerate()
                .map(|(i, m)| (i as i64, m.as_slice()))
                .collect();
            let verdicts = worker.understand_batch(&batch);
            assert!(verdicts.iter().all(|(_, v)| matches!(v, Verdict::Understood(_))));
        }
    };
    // A warm-up, then in turns: what the machine does besides is everybody's.
    bare();
    ours();
    handed();
    let (mut limit, mut own, mut over) = (Vec::new(), Vec::new(), Vec::new());
    let (mut child, mut parent) = (0.0, 0.0);
    for _ in 0..rounds {
        limit.push(megabytes / seconds(bare));
        own.push(megabytes / seconds(ours));
        let before = processor_seconds()?;
        over.push(megabytes / seconds(&mut handed));
        let after = processor_seconds()?;
        child += after.0 - before.0;
        parent += after.1 - before.1;
    }
    let each = mails.len() as f64 / megabytes;
    let limit = report.figure(&format!("{name}: bare parser"), "MB/s", &limit);
    let own = report.figure(&format!("{name}: parse and understand"), "MB/s", &own);
    let over = report.figure(
        &format!("{name}: the same in the worker, handed over and back"),
        "MB/s",
        &over,
    );
    report.figure(&format!("{name}: parse and understand"), "mails/s", &[own * each]);
    report.figure(&format!("{name}: in the worker"), "mails/s", &[over * each]);
    for (side, seconds) in [("in the worker", child), ("in the process that asks it", parent)] {
        let each = seconds * 1e3 / (rounds * mails.len()) as f64;
        report.figure(&format!("{name}: processor time {side}"), "ms a mail", &[each]);
    }
    report.figure(
        &format!("{name}: share of the bare parser's speed"),
        "%",
        &[100.0 * own / limit],
    );
    Ok(())
}

/// Seconds of processor time of the worker's child, and of this process.
fn processor_seconds() -> Result<(f64, f64)> {
    let all = cpu_seconds(std::process::id())?;
    let child = family(std::process::id()).into_iter().skip(1).map(cpu_seconds);
    let child: f64 = child.sum::<Result<f64>>()?;
    Ok((child, all - child))
}

fn seconds(mut work: impl FnMut()) -> f64 {
    let begun = Instant::now();
    work();
    begun.elapsed().as_secs_f64()
}
