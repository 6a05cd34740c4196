//! Real mail of a public list: how long its import takes, and how fast it is understood beside the bare parser.
//!
//! The mails are not part of this repository; without them (`DULY_CORPORA`, default `../shared/corpora`) this says so.

use crate::report::Report;
use anyhow::{Context, Result, ensure};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;
use torture::desk::Desk;
use torture::relay::Relay;

const RUNS: usize = 5;

/// Imports and inspects the list's mails.
pub fn measure(report: &mut Report) -> Result<()> {
    let corpora = std::env::var_os("DULY_CORPORA").map_or_else(|| PathBuf::from("../shared/corpora"), PathBuf::from);
    let packed = corpora.join("usrp-users/usrp-users.mbox.xz");
    if !packed.is_file() {
        println!(
            "import and inspect: {} is not there, nothing measured",
            packed.display()
        );
        return Ok(());
    }
    let folder = tempfile::tempdir()?;
    let mbox = folder.path().join("usrp-users.mbox");
    let unpacked = Command::new("xz")
        .arg("-dc")
        .arg(&packed)
        .output()
        .context("running xz")?;
    ensure!(unpacked.status.success(), "xz: {}", unpacked.status);
    std::fs::write(&mbox, &unpacked.stdout)?;
    let mails = split(&unpacked.stdout);
    let mut seconds = Vec::new();
    for run in 0..=RUNS {
        let desk = Desk::init(Relay::start()?.address)?;
        let began = Instant::now();
        desk.run(&["import", "mbox", &mbox.to_string_lossy()])?;
        if run > 0 {
            seconds.push(began.elapsed().as_secs_f64());
        }
    }
    report.figure(
        &format!("import mbox, {} mails of a public list", mails.len()),
        "s",
        &seconds,
    );
    inspect(report, folder.path(), &mails)
}

fn inspect(report: &mut Report, folder: &Path, mails: &[Vec<u8>]) -> Result<()> {
    let mut files = Vec::new();
    for (place, mail) in mails.iter().enumerate() {
        let file = folder.join(format!("{place:05}.eml"));
        std::fs::write(&file, mail)?;
        files.push(file);
    }
    let program = torture::desk::program()?;
    let parser = mail_parser::MessageParser::default();
    let (mut ours, mut bare) = (Vec::new(), Vec::new());
    for run in 0..=RUNS {
        let began = Instant::now();
        let status = Command::new(&program)
            .args(["mail", "inspect"])
            .args(&files)
            .stdout(Stdio::null())
            .status()?;
        let inspected = began.elapsed().as_secs_f64();
        ensure!(status.success(), "duly mail inspect: {status}");
        let began = Instant::now();
        for file in &files {
            let raw = std::fs::read(file)?;
            let parsed = parser.parse(&raw);
            std::hint::black_box(parsed.as_ref().and_then(|mail| mail.body_text(0)));
        }
        let parsed = began.elapsed().as_secs_f64();
        if run > 0 {
            ours.push(mails.len() as f64 / inspected);
            bare.push(mails.len() as f64 / parsed);
        }
    }
    let ours = report.figure("mail inspect, start of the program and JSON included", "mails/s", &ours);
    let bare = report.figure("bare mail-parser on the same files", "mails/s", &bare);
    report.figure("mail inspect: share of the bare parser", "%", &[100.0 * ours / bare]);
    Ok(())
}

/// The mails of an mbox: a line `From …` begins one at the start or after an empty line.
fn split(mbox: &[u8]) -> Vec<Vec<u8>> {
    let mut mails: Vec<Vec<u8>> = Vec::new();
    let mut after_empty = true;
    for line in mbox.split_inclusive(|&byte| byte == b'\n') {
        if after_empty && line.starts_with(b"From ") {
            mails.push(Vec::new());
        } else if let Some(mail) = mails.last_mut() {
            mail.extend_from_slice(line);
        }
        after_empty = line == b"\n" || line == b"\r\n";
    }
    mails
}
