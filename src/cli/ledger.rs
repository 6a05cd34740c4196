//! `duly ledger`: rows, figures, proof and keys of the book of promises.

use super::args::Ledger;
use super::ask::pages;
use super::client::Client;
use super::render::Screen;
use crate::config::Config;
use crate::desk::checkpoint;
use crate::desk::proof::Mark;
use crate::desk::receipt::Public;
use crate::desk::sheet;
use crate::desk::verb::{Answer, Verb};
use crate::limits;
use crate::mail::parse;
use crate::refusal::{Kind, Refusal};
use crate::serve::{self, keys};
use anyhow::Context;
use std::io::Write;
use std::path::Path;

/// Shows what was asked for.
pub fn show(client: &mut Client, screen: &mut Screen, dir: &Path, given: &Ledger) -> anyhow::Result<()> {
    if given.key || given.new_key {
        return publish(dir, given.new_key);
    }
    if given.verify {
        let against = marks_of(dir, given)?;
        return screen.show(client.ask(Verb::Verify { against })?);
    }
    if given.week.is_some() || given.by.is_some() || given.csv || given.customer.is_some() {
        return figures(client, screen, given);
    }
    let case = given.case.map(|case| case.0);
    pages(client, screen, |after| Verb::Ledger { case, after })
}

fn figures(client: &mut Client, screen: &mut Screen, given: &Ledger) -> anyhow::Result<()> {
    let told = client.ask(Verb::Figures {
        day: given.week.clone().unwrap_or_default(),
        weeks: given.weeks,
        by: given.by.clone().unwrap_or_else(|| "week".into()),
        customer: given.customer.clone(),
    })?;
    match (&told.answer, given.csv) {
        (Answer::Figures(report), true) => {
            std::io::stdout().write_all(sheet::of_figures(report).as_bytes())?;
            Ok(())
        }
        _ => screen.show(told),
    }
}

/// Prints the published keys, the newest last.
fn publish(dir: &Path, make_new: bool) -> anyhow::Result<()> {
    if make_new {
        let desk = serve::desk_of(dir, &Config::read(dir, std::env::vars())?)?;
        let signer = keys::replace(dir, serve::domain_of(&desk))?;
        writeln!(
            std::io::stderr(),
            "The desk signs with the key {} from its next start on. Publish it beside the old one: `duly doctor` prints the line.",
            signer.public().id()
        )?;
    }
    let mut out = std::io::stdout().lock();
    for key in published(dir)? {
        writeln!(out, "{}", key.text())?;
    }
    Ok(())
}

fn published(dir: &Path) -> anyhow::Result<Vec<Public>> {
    let keys = keys::published(dir)?;
    if keys.is_empty() {
        return Err(Refusal::missing("There is no key yet: the desk makes one when it is started.").into());
    }
    Ok(keys)
}

/// The checkpoints to compare with: those that were named, else those that the desk appended to its file.
fn marks_of(dir: &Path, given: &Ledger) -> anyhow::Result<Vec<Mark>> {
    let config = Config::read(dir, std::env::vars())?;
    let own = serve::checkpoint_file_of(dir, &config).filter(|path| path.exists());
    let files = match given.checkpoint.is_empty() {
        true => own.into_iter().collect(),
        false => given.checkpoint.clone(),
    };
    let mut marks = Vec::new();
    for file in &files {
        let text = words_of(file)?;
        let read = checkpoint::read(&text, &published(dir)?);
        marks.extend(read.map_err(|why| Refusal::new(Kind::Failed, format!("{}: {why}", file.display())))?);
    }
    Ok(checkpoint::spread(marks, limits::CHECKPOINTS_COMPARED))
}

/// The words of a file; of a mail those that it says.
fn words_of(file: &Path) -> anyhow::Result<String> {
    let about = || format!("read {}", file.display());
    let size = std::fs::metadata(file).with_context(about)?.len();
    if size > limits::CHECKPOINT_FILE_BYTES {
        return Err(Refusal::usage(format!("{} is too large for a file of checkpoints.", file.display())).into());
    }
    let bytes = std::fs::read(file).with_context(about)?;
    let mail = parse::understand(&bytes);
    Ok(match mail.from {
        Some(_) => mail.body_text,
        None => String::from_utf8_lossy(&bytes).into_owned(),
    })
}
