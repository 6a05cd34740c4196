//! Mail through SMTP on loopback into the real program, counted until the promise exists.
//!
//! Customers call from many addresses (127.0.0.2 and on), [`MAILS_A_SESSION`] mails a session, 4 to 10 kB, half of them
//! plain and half with an HTML twin; mails of HTML alone are counted apart. They run on the same machine, so a second
//! of theirs is a second that the desk does not have. Measured twice: with the outbox held, and with acknowledgements
//! leaving at the same time to a relay that takes everything. Processor time is that of all processes of the desk, and
//! includes the acknowledgements where they leave.

use crate::limit;
use crate::process::cpu_seconds;
use crate::report::Report;
use anyhow::{Context, Result, ensure};
use serde_json::json;
use std::time::{Duration, Instant};
use torture::desk::Desk;
use torture::dice::Dice;
use torture::mail::{self, Form, Mail};
use torture::relay::Relay;
use torture::smtp::{Said, Session, source};

const MAILS_A_SESSION: usize = 20;
const CUSTOMERS: u64 = 4_000;
const RUNS: usize = 3;
/// Sessions at once, and mails of one run.
const SHAPES: [(usize, usize); 3] = [(1, 600), (8, 3_000), (64, 9_600)];
/// Wait for the last promise of a run.
const PATIENCE: Duration = Duration::from_secs(120);

/// Which mails are sent.
#[derive(Clone, Copy, PartialEq)]
enum Words {
    PlainAndAlternative,
    HtmlOnly,
}

/// Measures and reports all of it, or only the shapes with so many sessions.
pub fn measure(report: &mut Report, quick: bool, only: &[usize]) -> Result<()> {
    let syncs = limit::syncs_per_second()?;
    report.figure("4 kB append and fdatasync", "a second", &syncs);
    for (held, words) in [
        (true, Words::PlainAndAlternative),
        (false, Words::PlainAndAlternative),
        (true, Words::HtmlOnly),
    ] {
        let what = match (held, words) {
            (true, Words::PlainAndAlternative) => "outbox held",
            (false, _) => "acknowledgements leaving",
            (true, Words::HtmlOnly) => "HTML only, outbox held",
        };
        for (sessions, mails) in SHAPES {
            let unwanted = !only.is_empty() && !only.contains(&sessions);
            if unwanted || (words == Words::HtmlOnly && sessions != 64) {
                continue;
            }
            let mails = if quick { mails / 10 } else { mails };
            let name = format!("ingest, {sessions} sessions, {what}");
            shape(report, &name, sessions, mails, held, words)?;
        }
    }
    Ok(())
}

fn shape(report: &mut Report, name: &str, sessions: usize, mails: usize, held: bool, words: Words) -> Result<()> {
    let relay = Relay::start()?;
    let mut desk = Desk::init(relay.address)?;
    desk.start()?;
    if held {
        desk.run(&["spool", "hold"])?;
    }
    let mut dice = Dice::new(20_261_122);
    let mut made = 0;
    let (mut rates, mut costs, mut limits, mut limit_costs) = (vec![], vec![], vec![], vec![]);
    for run in 0..=RUNS {
        let batch: Vec<Vec<Mail>> = write(&mut dice, made, mails, sessions, words);
        let count: usize = batch.iter().map(Vec::len).sum();
        let (seconds, cpu) = one_run(&desk, &relay, &batch, made, held)?;
        made += count;
        if run == 0 {
            continue; // the warm-up
        }
        rates.push(count as f64 / seconds);
        costs.push(cpu * 1e3 / count as f64);
        if held {
            let raw: Vec<&[u8]> = batch.iter().flatten().map(|mail| mail.raw.as_slice()).collect();
            let limit = limit::same_rows(&desk.dir().join("duly.db"), &raw, sessions)?;
            limits.push(limit.mails_per_second);
            limit_costs.push(limit.cpu_seconds * 1e3 / count as f64);
        }
    }
    report.figure(name, "mails/s", &rates);
    report.figure(&format!("{name}: processor time"), "ms a mail", &costs);
    if held {
        report.figure(&format!("{name}: limit"), "mails/s", &limits);
        report.figure(&format!("{name}: limit's processor time"), "ms a mail", &limit_costs);
        // Each run beside the limit that was measured right after it: both saw the same machine.
        let shares: Vec<f64> = rates
            .iter()
            .zip(&limits)
            .map(|(rate, limit)| 100.0 * rate / limit)
            .collect();
        report.figure(&format!("{name}: share of the limit"), "%", &shares);
    }
    let whole = desk
        .line()?
        .ask(&json!({"verb": "ledger", "case": null, "after": made as i64}))?;
    ensure!(whole["promises"] == json!([]), "more promises than mails");
    desk.stop()?;
    Ok(())
}

/// The mails of each session's thread, about as many as wanted.
fn write(dice: &mut Dice, first: usize, mails: usize, sessions: usize, words: Words) -> Vec<Vec<Mail>> {
    let each = mails.div_ceil(sessions);
    (0..sessions)
        .map(|session| {
            (0..each)
                .map(|place| {
                    let number = (first + session * each + place) as u64;
                    let form = match words {
                        Words::HtmlOnly => Form::HtmlOnly,
                        Words::PlainAndAlternative if number.is_multiple_of(2) => Form::Plain,
                        Words::PlainAndAlternative => Form::Alternative,
                    };
                    let bytes = dice.between(4_000, 9_500) as usize;
                    mail::write(dice, number, number % CUSTOMERS, bytes, form)
                })
                .collect()
        })
        .collect()
}

/// Wall seconds until the last promise exists, and processor seconds until the desk is done with all of them.
fn one_run(desk: &Desk, relay: &Relay, batch: &[Vec<Mail>], before: usize, held: bool) -> Result<(f64, f64)> {
    let pid = desk.pid().context("the desk runs")?;
    let count: usize = batch.iter().map(Vec::len).sum();
    let (cpu, left) = (cpu_seconds(pid)?, relay.taken());
    let began = Instant::now();
    std::thread::scope(|scope| {
        let clients: Vec<_> = batch
            .iter()
            .enumerate()
            .map(|(place, mails)| scope.spawn(move || send(desk, place, mails)))
            .collect();
        clients
            .into_iter()
            .try_for_each(|client| client.join().map_err(|_| anyhow::anyhow!("a client panicked"))?)
    })?;
    let last = (before + count) as i64;
    let mut line = desk.line()?;
    // Promises are numbered without gaps here: the last one is there when all are.
    while line.ask(&json!({"verb": "ledger", "case": null, "after": last - 1}))?["promises"] == json!([]) {
        ensure!(
            began.elapsed() < PATIENCE,
            "no promise {last} after {PATIENCE:?}\n{}",
            desk.log()
        );
        std::thread::sleep(Duration::from_millis(1));
    }
    let seconds = began.elapsed().as_secs_f64();
    while !held && relay.taken() < left + count as u64 {
        ensure!(
            began.elapsed() < PATIENCE,
            "{} acknowledgements have left",
            relay.taken() - left
        );
        std::thread::sleep(Duration::from_millis(5));
    }
    Ok((seconds, cpu_seconds(pid)? - cpu))
}

fn send(desk: &Desk, place: usize, mails: &[Mail]) -> Result<()> {
    for mails in mails.chunks(MAILS_A_SESSION) {
        let mut session = Session::open(desk.smtp, source(place))?;
        let said = session.send_all(mails)?;
        ensure!(said.iter().all(|said| *said == Said::Taken), "refused: {said:?}");
        session.quit()?;
    }
    Ok(())
}
