//! What a process and its children have used: processor time and memory, as Linux tells.

use anyhow::{Context, Result};

/// Clock ticks a second in `/proc`, the same on every Linux that we know.
const TICKS: f64 = 100.0;

/// Seconds of processor time of a process, its living children, and those it has waited for.
pub fn cpu_seconds(pid: u32) -> Result<f64> {
    let mut ticks = 0.0;
    for one in family(pid) {
        let stat = std::fs::read_to_string(format!("/proc/{one}/stat"));
        let Ok(stat) = stat else { continue }; // it ended meanwhile, and counts at its parent
        let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
        for place in 11..15 {
            ticks += fields.get(place).context("a field of stat")?.parse::<f64>()?;
        }
    }
    Ok(ticks / TICKS)
}

/// Resident memory of a process and its children in MiB: shared pages counted in each (RSS), and divided (PSS).
pub fn memory_mib(pid: u32) -> Result<(f64, f64)> {
    let (mut rss, mut pss) = (0.0, 0.0);
    for one in family(pid) {
        let rollup = std::fs::read_to_string(format!("/proc/{one}/smaps_rollup"))?;
        for line in rollup.lines() {
            let kib = || {
                line.split_whitespace()
                    .nth(1)
                    .and_then(|kib| kib.parse::<f64>().ok())
                    .unwrap_or(0.0)
            };
            match line.split(':').next() {
                Some("Rss") => rss += kib() / 1024.0,
                Some("Pss") => pss += kib() / 1024.0,
                _ => {}
            }
        }
    }
    Ok((rss, pss))
}

/// A process and everybody below it.
pub fn family(pid: u32) -> Vec<u32> {
    let mut all = vec![pid];
    let mut place = 0;
    while let Some(&one) = all.get(place) {
        place += 1;
        let Ok(tasks) = std::fs::read_dir(format!("/proc/{one}/task")) else {
            continue;
        };
        for task in tasks.flatten() {
            let children = std::fs::read_to_string(task.path().join("children")).unwrap_or_default();
            all.extend(
                children
                    .split_whitespace()
                    .filter_map(|child| child.parse::<u32>().ok()),
            );
        }
    }
    all
}
