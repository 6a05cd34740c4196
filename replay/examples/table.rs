//! The replay tables of `docs/PERFORMANCE.md`: `cargo run -p replay --release --example table [SEEDS]`.
//!
//! Traces are looked for in the folder that `DULY_CORPORA` names, else in `../shared/corpora` beside the repository. Figures
//! of several seeds are pooled by promises; every broken promise is listed with its cause.

use replay::desk::Ways;
use replay::learnt::Learnt;
use replay::ledger::Figures;
use replay::peers::Peer;
use replay::policy::{Named, replay};
use replay::rota::Rota;
use replay::table;
use replay::trace::{self, Case};
use replay::world::{Chances, World};
use std::io::Read;
use std::path::PathBuf;

const LOADS: [u32; 5] = [600, 700, 800, 850, 900];
const TRACES: [(&str, &str); 2] = [("italian", "italian_helpdesk"), ("bpi", "bpi2013_incidents")];

struct Trace {
    name: &'static str,
    lived: Vec<Case>,
    learnt: Learnt,
}

/// One table: a policy with what chance does and how the desk works.
struct Setting {
    sickness: u32,
    blocking: u32,
    ways: Ways,
}

fn main() {
    let seeds: u64 = std::env::args()
        .nth(1)
        .map_or(5, |text| text.parse().expect("SEEDS is a number"));
    let traces: Vec<Trace> = TRACES.iter().map(|(name, file)| read(name, file)).collect();
    let of = |sickness, blocking, guard| Setting {
        sickness,
        blocking,
        ways: Ways {
            guard,
            ..Ways::default()
        },
    };
    duly("3 % sickness, guard 30", &traces, seeds, &of(30_000, 0, 30));
    duly("no sickness, guard 30", &traces, seeds, &of(0, 0, 30));
    duly(
        "30 % blocking, 3 % sickness, guard 30",
        &traces,
        seeds,
        &of(30_000, 300_000, 30),
    );
    peers("3 % sickness", &traces, seeds, &of(30_000, 0, 30));
    peers("30 % blocking, 3 % sickness", &traces, seeds, &of(30_000, 300_000, 30));
    duly("3 % sickness, guard 20", &traces, seeds, &of(30_000, 0, 20));
}

fn read(name: &'static str, file: &str) -> Trace {
    let beside = || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared/corpora");
    let folder = std::env::var_os("DULY_CORPORA").map_or_else(beside, PathBuf::from);
    let path = folder.join(format!("workloads/{file}_turns.csv.gz"));
    let packed = std::fs::File::open(&path).unwrap_or_else(|cause| panic!("{}: {cause}", path.display()));
    let mut bytes = Vec::new();
    flate2::read::GzDecoder::new(packed)
        .read_to_end(&mut bytes)
        .expect("a whole gzip file");
    let (past, lived) = trace::halves(trace::read(&bytes).expect("a trace"));
    Trace {
        name,
        lived,
        learnt: Learnt::new(&past),
    }
}

/// Lives the seeds of one cell.
fn cell(policy: Named, trace: &Trace, load: u32, seeds: u64, setting: &Setting, breaks: &mut Vec<String>) -> Figures {
    let lives = (1..=seeds).map(|seed| {
        let (sickness, blocking) = (setting.sickness, setting.blocking);
        let chances = Chances {
            load_thousandths: load,
            seed,
            sickness,
            blocking,
        };
        let world = World::new(&trace.lived, &Rota::standard(16).expect("sixteen"), &chances).expect("a world");
        let (figures, promises) = replay(policy, &world, &trace.learnt, setting.ways);
        let place = format!("{}, load 0.{}, seed {seed}: ", trace.name, load / 10);
        breaks.extend(table::broken(&world, &promises).map(|said| place.clone() + &said));
        figures
    });
    pooled(&lives.collect::<Vec<Figures>>())
}

fn pooled(all: &[Figures]) -> Figures {
    let promises: usize = all.iter().map(|figures| figures.promises).sum();
    let mean = |of: fn(&Figures) -> f64, by: fn(&Figures) -> f64| {
        let weight: f64 = all.iter().map(by).sum();
        all.iter().map(|figures| of(figures) * by(figures)).sum::<f64>() / weight.max(1e-9)
    };
    let by_promises = |figures: &Figures| figures.promises as f64;
    Figures {
        policy: all[0].policy.clone(),
        promises,
        kept: all.iter().map(|figures| figures.kept).sum(),
        broken: all.iter().map(|figures| figures.broken).sum(),
        max_late_minutes: all.iter().map(|figures| figures.max_late_minutes).max().unwrap_or(0),
        moved_share: mean(|figures| figures.moved_share, by_promises),
        mean_move_hours: mean(
            |figures| figures.mean_move_hours,
            |figures| figures.moved_share * figures.promises as f64,
        ),
        findings_share: mean(|figures| figures.findings_share, by_promises),
        length_p50_hours: mean(|figures| figures.length_p50_hours, by_promises),
        length_p90_hours: mean(|figures| figures.length_p90_hours, by_promises),
        switches_per_day: mean(|figures| figures.switches_per_day, by_promises),
        renegotiated_share: mean(|figures| figures.renegotiated_share, by_promises),
    }
}

fn duly(title: &str, traces: &[Trace], seeds: u64, setting: &Setting) {
    println!("\n**Duly, {title}, {seeds} seeds**\n");
    print!(
        "{}",
        table::markdown_head(&["trace", "load", "moved after it was said"])
    );
    let (mut breaks, mut all) = (Vec::new(), 0);
    for trace in traces {
        for load in LOADS {
            let figures = cell(Named::Duly, trace, load, seeds, setting, &mut breaks);
            all += figures.promises;
            let before = format!(
                "{} | 0.{} | {} | ",
                trace.name,
                load / 10,
                table::percent(figures.renegotiated_share)
            );
            print!("{}", table::markdown_row(&figures, &before));
        }
    }
    println!("\n{} of {all} promises broken silently.", breaks.len());
    for said in breaks {
        println!("* {said}");
    }
}

fn peers(title: &str, traces: &[Trace], seeds: u64, setting: &Setting) {
    println!("\n**Promises kept, {title}, {seeds} seeds**\n");
    let names: Vec<&str> = Peer::ALL.iter().map(|peer| peer.name()).collect();
    println!(
        "| trace | load | {} |\n|{}",
        names.join(" | "),
        "---|".repeat(names.len() + 2)
    );
    for trace in traces {
        for load in LOADS {
            let kept = Peer::ALL.iter().map(|peer| {
                let figures = cell(Named::Peer(*peer), trace, load, seeds, setting, &mut Vec::new());
                format!("{:.1} %", 100.0 * figures.kept as f64 / figures.promises as f64)
            });
            println!(
                "| {} | 0.{} | {} |",
                trace.name,
                load / 10,
                kept.collect::<Vec<_>>().join(" | ")
            );
        }
    }
}
