//! `duly simulate`: a trace of mail, or what a running desk has lived itself, lived again under a policy.
//!
//! Everything that decides is in the crate `replay`; here files are read and figures are said. With `--json` a line for
//! each policy, else a table, and the promises that broke one by one, each with its cause.

use super::args::{Cli, Simulate};
use super::client::Client;
use crate::desk::verb::{Answer, Verb};
use crate::refusal::Refusal;
use anyhow::Context;
use flate2::read::GzDecoder;
use replay::desk::Ways;
use replay::learnt::Learnt;
use replay::ledger::{Figures, Promise};
use replay::policy::{Named, replay};
use replay::rota::Rota;
use replay::trace;
use replay::world::{Chances, World};
use replay::{limits, picture, table};
use std::fs::File;
use std::io::{Read, Write};
use std::path::Path;

/// Answers of a desk's own past below which living them again says nothing.
const HISTORY_LEAST: usize = 50;
/// Broken promises that are shown one by one.
const SHOWN: usize = 20;

/// Lives the trace and says what became of it.
///
/// # Errors
/// A file that cannot be read or is no trace or rota, and numbers that make no world: each with what is wrong.
pub fn run(cli: &Cli, given: &Simulate, out: &mut impl Write) -> anyhow::Result<()> {
    let policies: Vec<Named> = match given.policy.as_str() {
        "all" => Named::all().collect(),
        name => vec![
            name.parse()
                .map_err(|cause: replay::policy::NoPolicy| usage(cause.to_string()))?,
        ],
    };
    let chances = Chances {
        load_thousandths: parts("load", given.load, 2.0, 1e3)?,
        seed: given.seed,
        sickness: parts("sickness", given.sickness, 1.0, 1e6)?,
        blocking: parts("blocking", given.blocking, 1.0, 1e6)?,
    };
    let rota = match &given.rota {
        Some(file) => written_rota(file)?,
        None => Rota::standard(given.engineers).map_err(|cause| usage(cause.to_string()))?,
    };
    let (turns, name) = match &given.turns {
        Some(file) => (unpacked(file)?, file.display().to_string()),
        None => (own_history(cli)?, "the desk's history".to_owned()),
    };
    let cases = trace::read(&turns).map_err(|cause| usage(format!("{name}: {cause}")))?;
    let (past, lived) = trace::halves(cases);
    let learnt = Learnt::new(&past);
    let world = World::new(&lived, &rota, &chances).map_err(|cause| usage(cause.to_string()))?;
    let ways = Ways {
        guard: given.guard,
        ..Ways::default()
    };
    let replays: Vec<(Figures, Vec<Promise>)> = policies
        .into_iter()
        .map(|policy| replay(policy, &world, &learnt, ways))
        .collect();
    if let Some(file) = &given.svg {
        let title = format!("Promises kept at load {}, seed {}", given.load, given.seed);
        std::fs::write(file, picture::svg(&title, &world, &replays))
            .with_context(|| format!("cannot write {}", file.display()))?;
    }
    say(cli.json, &world, &replays, out)
}

fn usage(text: String) -> Refusal {
    Refusal::usage(text)
}

/// A share as whole parts.
fn parts(what: &str, share: f64, most: f64, parts: f64) -> anyhow::Result<u32> {
    if !(0.0..=most).contains(&share) {
        return Err(usage(format!("--{what} lies between 0 and {most}, not at {share}")).into());
    }
    Ok((share * parts).round() as u32)
}

/// What the desk has lived itself.
fn own_history(cli: &Cli) -> anyhow::Result<Vec<u8>> {
    let Some(dir) = &cli.dir else {
        return Err(usage(
            "Say what to live again: a trace with --turns FILE, or a desk's own history with --dir DIR.".to_owned(),
        )
        .into());
    };
    let told = Client::new(dir, cli.as_engineer.clone()).ask(Verb::History)?;
    let Answer::Raw(text) = told.answer else {
        anyhow::bail!("the desk answered something else than its history");
    };
    let turns = data_encoding::BASE64.decode(text.as_bytes())?;
    let answered = turns
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty())
        .count()
        .saturating_sub(1);
    // A handful of short answers, drawn again until they fill four weeks, is a world of nothing but short answers.
    if answered < HISTORY_LEAST {
        return Err(usage(format!(
            "This desk has answered {answered} mails out of a slice (`duly next`) so far: below {HISTORY_LEAST} there is no \
             history to live again. Give a trace with --turns FILE."
        ))
        .into());
    }
    Ok(turns)
}

/// The bytes of a trace, gzipped or not.
fn unpacked(path: &Path) -> anyhow::Result<Vec<u8>> {
    let cannot = || format!("cannot read {}", path.display());
    let packed = bounded(File::open(path).with_context(cannot)?, limits::TRACE_BYTES, path)?;
    if !packed.starts_with(&[0x1f, 0x8b]) {
        return Ok(packed);
    }
    bounded(GzDecoder::new(packed.as_slice()), limits::TRACE_BYTES, path)
}

fn bounded(from: impl Read, most: u64, path: &Path) -> anyhow::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let read = from
        .take(most + 1)
        .read_to_end(&mut bytes)
        .with_context(|| format!("cannot read {}", path.display()))?;
    anyhow::ensure!(read as u64 <= most, "{} holds more than {most} bytes", path.display());
    Ok(bytes)
}

fn written_rota(path: &Path) -> anyhow::Result<Rota> {
    let bytes = bounded(
        File::open(path).with_context(|| format!("cannot read {}", path.display()))?,
        limits::ROTA_BYTES,
        path,
    )?;
    let wrong = |cause: String| usage(format!("{}: {}", path.display(), cause.trim()));
    let text = String::from_utf8(bytes).map_err(|_| wrong("this is not UTF-8 text".to_string()))?;
    Ok(toml::from_str(&text).map_err(|cause| wrong(cause.to_string()))?)
}

fn say(json: bool, world: &World, replays: &[(Figures, Vec<Promise>)], out: &mut impl Write) -> anyhow::Result<()> {
    if json {
        for (figures, _) in replays {
            serde_json::to_writer(&mut *out, figures)?;
            out.write_all(b"\n")?;
        }
        return Ok(());
    }
    let figures: Vec<Figures> = replays.iter().map(|(figures, _)| figures.clone()).collect();
    out.write_all(table::columns(&figures).as_bytes())?;
    // Of many policies only the table: what a peer breaks are hundreds.
    if let [(_, promises)] = replays {
        for promise in table::broken(world, promises).take(SHOWN) {
            writeln!(out, "{promise}")?;
        }
    }
    Ok(())
}
