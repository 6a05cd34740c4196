//! Measures Duly, each figure beside the limit of the machine in the same run.
//!
//! Methods: a warm-up before every series, several runs, smallest, middle and largest of them printed; figures with a
//! limit are printed with their share of it, the limit measured between the runs of the figure. Nothing is read off a
//! debug build. A figure is worth as much as the machine was idle: the load at the start is printed with them.

mod desk;
mod due;
mod idle;
mod import;
mod ingest;
mod ledger;
mod limit;
mod pages;
mod process;
mod report;
mod session;
mod slices;
mod timers;
mod understand;

use anyhow::{Result, ensure};
use clap::Parser;
use report::Report;
use std::path::PathBuf;

/// Measures Duly beside the limit of this machine.
#[derive(Parser)]
struct Arguments {
    /// Only these: understand, due, session, ingest, next, pages, idle, import, timers, ledger
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
    /// Of ingest, only so many sessions at once: 1, 8, 64
    #[arg(long, value_delimiter = ',')]
    sessions: Vec<usize>,
    /// Write the figures to this file as well, as JSON
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// A tenth of the work: to see that it runs, not how fast
    #[arg(long)]
    quick: bool,
    /// Cases of the large desk
    #[arg(long, default_value_t = 100_000)]
    cases: usize,
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let program = torture::desk::program()?;
    let text = program.to_string_lossy();
    ensure!(
        arguments.quick || !text.contains("debug"),
        "{text} is a debug build: name a release with DULY_BIN"
    );
    let wanted = |name: &str| arguments.only.is_empty() || arguments.only.iter().any(|one| one == name);
    let mut report = Report::new(&program)?;
    if wanted("understand") {
        understand::measure(&mut report, &program, arguments.quick)?;
    }
    if wanted("due") {
        due::measure(&mut report, arguments.quick)?;
    }
    if wanted("session") {
        session::measure(&mut report, arguments.quick)?;
    }
    if wanted("ingest") {
        ingest::measure(&mut report, arguments.quick, &arguments.sessions)?;
    }
    if wanted("import") {
        import::measure(&mut report)?;
    }
    if wanted("ledger") {
        ledger::measure(&mut report, arguments.quick)?;
    }
    if wanted("timers") {
        let mut full = desk::Large::filled(timers::AT_ONCE as usize, &mut report)?;
        timers::measure(&mut report, &mut full, arguments.quick)?;
    }
    if ["next", "pages", "idle"].iter().any(|name| wanted(name)) {
        let cases = if arguments.quick {
            arguments.cases / 10
        } else {
            arguments.cases
        };
        let mut large = desk::Large::filled(cases, &mut report)?;
        if wanted("next") {
            slices::measure(&mut report, &large)?;
        }
        if wanted("pages") {
            pages::measure(&mut report, &mut large, cases)?;
        }
        if wanted("pages") || wanted("idle") {
            large.close_all_but(cases / 10, &mut report)?;
        }
        if wanted("pages") {
            pages::measure(&mut report, &mut large, cases / 10)?;
        }
        if wanted("idle") {
            idle::measure(&mut report, &mut large, arguments.quick)?;
        }
    }
    report.finish(arguments.json.as_deref())
}
