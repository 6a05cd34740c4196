//! The desk as specified keeps its promises in replay, and a desk without one of its parts does not: each part is worth
//! something, and this test can fail.
//!
//! The trace is of this test's own making, so that it is never left out; the public traces are lived as well where they are
//! (`DULY_CORPORA`, default `../shared/corpora`). Long runs with their figures: `examples/table.rs`.

use replay::desk::Ways;
use replay::dice::Dice;
use replay::learnt::Learnt;
use replay::ledger::{Figures, Promise};
use replay::peers::Peer;
use replay::policy::{Named, replay};
use replay::rota::Rota;
use replay::table;
use replay::trace::{self, Case};
use replay::world::{Chances, World};
use std::fmt::Write;
use std::io::Read;
use std::path::PathBuf;

/// Printed with every failure.
const SEED: u64 = 4;

/// A year of mail: half an hour of work in the middle, a long tail, three of ten cases with a second mail two days later.
fn trace() -> (Vec<Case>, Learnt) {
    let mut dice = Dice::new(SEED, "trace of the test");
    let mut text = "case,turn,arrival,work_min\n".to_string();
    for case in 0..3000 {
        let begun = jiff::civil::date(2024, 1, 1).at(7, 0, 0, 0)
            + jiff::SignedDuration::from_hours(24 * i64::from(dice.below(364)))
            + jiff::SignedDuration::from_mins(i64::from(dice.below(600)));
        let turns = if dice.below(10) < 3 { 2 } else { 1 };
        for turn in 0..turns {
            let arrival = begun + jiff::SignedDuration::from_hours(48 * turn);
            let minutes = dice.lognormal(27, 1.0).min(400);
            writeln!(text, "c{case},{turn},{arrival},{minutes}").unwrap();
        }
    }
    let (past, lived) = trace::halves(trace::read(text.as_bytes()).unwrap());
    (lived, Learnt::new(&past))
}

fn world(cases: &[Case], load_thousandths: u32, sickness: u32, blocking: u32) -> World {
    let chances = Chances {
        load_thousandths,
        seed: SEED,
        sickness,
        blocking,
    };
    World::new(cases, &Rota::standard(8).unwrap(), &chances).unwrap()
}

fn duly(world: &World, learnt: &Learnt, ways: Ways) -> (Figures, Vec<Promise>) {
    replay(Named::Duly, world, learnt, ways)
}

fn keeps_all(world: &World, learnt: &Learnt, most_findings: f64) {
    let (figures, promises) = duly(world, learnt, Ways::default());
    let broken: Vec<String> = table::broken(world, &promises).collect();
    assert!(broken.is_empty(), "seed {SEED}: {figures:?}\n{}", broken.join("\n"));
    assert!(figures.promises > 400, "{figures:?}");
    assert!(figures.findings_share <= most_findings, "seed {SEED}: {figures:?}");
}

#[test]
fn every_promise_is_kept_at_a_light_and_at_a_heavy_load() {
    let (cases, learnt) = trace();
    for load in [600, 800] {
        keeps_all(&world(&cases, load, 30_000, 0), &learnt, 0.15);
    }
}

#[test]
fn every_promise_is_kept_although_three_of_ten_cases_must_wait() {
    let (cases, learnt) = trace();
    keeps_all(&world(&cases, 700, 30_000, 300_000), &learnt, 0.2);
}

#[test]
fn a_desk_that_promises_without_admission_breaks_promises() {
    let (cases, learnt) = trace();
    let world = world(&cases, 900, 30_000, 0);
    let ways = Ways {
        admission: false,
        renegotiation: false,
        ..Ways::default()
    };
    let (figures, _) = duly(&world, &learnt, ways);
    assert!(figures.broken > 0, "{figures:?}");
}

#[test]
fn a_desk_without_a_guard_breaks_promises() {
    let (cases, learnt) = trace();
    let world = world(&cases, 900, 30_000, 0);
    let with = Ways {
        renegotiation: false,
        ..Ways::default()
    };
    let guarded = duly(&world, &learnt, with).0.broken;
    let bare = duly(&world, &learnt, Ways { guard: 0, ..with }).0.broken;
    assert!(bare > guarded, "seed {SEED}: {bare} without, {guarded} with");
}

#[test]
fn a_desk_without_the_wait_rule_breaks_promises() {
    let (cases, learnt) = trace();
    let world = world(&cases, 800, 30_000, 300_000);
    let ways = Ways {
        wait_rule: false,
        renegotiation: false,
        ..Ways::default()
    };
    let (figures, _) = duly(&world, &learnt, ways);
    assert!(figures.broken > 0, "{figures:?}");
}

#[test]
fn severity_first_push_keeps_far_fewer() {
    let (cases, learnt) = trace();
    let world = world(&cases, 900, 30_000, 0);
    let (figures, _) = replay(Named::Peer(Peer::PushSeverity), &world, &learnt, Ways::default());
    let kept = figures.kept as f64 / figures.promises as f64;
    assert!((0.5..0.97).contains(&kept), "{figures:?}");
}

#[test]
fn a_seed_gives_the_same_replay_to_the_last_promise() {
    let (cases, learnt) = trace();
    let life = || duly(&world(&cases, 600, 30_000, 300_000), &learnt, Ways::default());
    assert_eq!(life(), life());
}

#[test]
fn sickness_and_waits_change_no_mail() {
    let (cases, _) = trace();
    let mails = |sickness, blocking| {
        let mails = world(&cases, 800, sickness, blocking).mails;
        mails
            .into_iter()
            .map(|mail| (mail.arrival, mail.severity, mail.lane, mail.work))
            .collect::<Vec<_>>()
    };
    assert_eq!(mails(0, 0), mails(80_000, 300_000));
}

#[test]
fn the_public_traces_are_kept_too() {
    let beside = || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared/corpora");
    let folder = std::env::var_os("DULY_CORPORA")
        .map_or_else(beside, PathBuf::from)
        .join("workloads");
    for file in ["italian_helpdesk", "bpi2013_incidents"] {
        let path = folder.join(format!("{file}_turns.csv.gz"));
        let Ok(packed) = std::fs::File::open(&path) else {
            eprintln!("SKIPPED: no trace at {} (set DULY_CORPORA)", path.display());
            continue;
        };
        let mut bytes = Vec::new();
        flate2::read::GzDecoder::new(packed).read_to_end(&mut bytes).unwrap();
        let (past, lived) = trace::halves(trace::read(&bytes).unwrap());
        keeps_all(&world(&lived, 700, 30_000, 0), &Learnt::new(&past), 0.12);
    }
}
