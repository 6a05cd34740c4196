//! A desk with nothing to do: its memory, and how fast it is ready.

use crate::desk::Large;
use crate::process::{family, memory_mib};
use crate::report::Report;
use anyhow::{Context, Result};
use std::time::Duration;

/// Time without anything to do before memory is read.
const IDLE: Duration = Duration::from_secs(30);
const STARTS: usize = 5;

/// Starts the desk several times, then leaves it alone.
pub fn measure(report: &mut Report, large: &mut Large, quick: bool) -> Result<()> {
    let mut ready = Vec::new();
    for _ in 0..=STARTS {
        ready.push(large.program.start()?.as_secs_f64() * 1e3);
        large.program.stop()?;
    }
    report.figure(
        "start to ready, files not yet in memory or just written",
        "ms",
        &ready[..1],
    );
    report.figure("start to ready", "ms", &ready[1..]);
    large.program.start()?;
    std::thread::sleep(if quick { IDLE / 4 } else { IDLE });
    let pid = large.program.pid().context("the desk runs")?;
    let (rss, pss) = memory_mib(pid)?;
    report.figure("idle memory of all processes, RSS", "MiB", &[rss]);
    report.figure("idle memory of all processes, PSS", "MiB", &[pss]);
    report.figure("processes of an idle desk", "", &[family(pid).len() as f64]);
    large.program.stop()?;
    Ok(())
}
