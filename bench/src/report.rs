//! Figures: a line for people as soon as one is known, and a JSON file at the end.

use anyhow::{Context, Result};
use serde_json::{Value, json};
use std::path::Path;

/// What was measured so far.
pub struct Report {
    figures: Vec<Value>,
    machine: Value,
}

impl Report {
    /// A report about this program, on this machine.
    pub fn new(program: &Path) -> Result<Report> {
        let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        let bytes = program.metadata().with_context(|| program.display().to_string())?.len();
        let sqlite = rusqlite::version();
        println!("{processors} processors, load {}, SQLite {sqlite}", load.trim());
        let mut report = Report {
            figures: Vec::new(),
            machine: json!({"processors": processors, "load_at_start": load.trim(), "sqlite": sqlite}),
        };
        report.figure("release binary", "MB", &[bytes as f64 / 1e6]);
        Ok(report)
    }

    /// Prints and keeps one figure; its middle value.
    pub fn figure(&mut self, name: &str, unit: &str, values: &[f64]) -> f64 {
        let mut sorted = values.to_vec();
        sorted.sort_by(f64::total_cmp);
        let (least, most) = (sorted.first().copied(), sorted.last().copied());
        let middle = at_share(&sorted, 0.5);
        match sorted.len() {
            1 => println!("{name:<64} {middle:>10.2} {unit}"),
            runs => println!(
                "{name:<64} {middle:>10.2} {unit}  ({:.2} to {:.2}, {runs} runs)",
                least.unwrap_or(0.0),
                most.unwrap_or(0.0)
            ),
        }
        self.figures.push(
            json!({"name": name, "unit": unit, "min": least, "median": middle, "max": most, "runs": sorted.len()}),
        );
        middle
    }

    /// Prints and keeps how samples of one kind are spread.
    pub fn spread(&mut self, name: &str, unit: &str, samples: &[f64]) {
        let mut sorted = samples.to_vec();
        sorted.sort_by(f64::total_cmp);
        let [p50, p95, p99, most] = [0.5, 0.95, 0.99, 1.0].map(|share| at_share(&sorted, share));
        println!(
            "{name:<64} p50 {p50:.2}  p95 {p95:.2}  p99 {p99:.2}  max {most:.2} {unit}  ({} samples)",
            sorted.len()
        );
        self.figures.push(
            json!({"name": name, "unit": unit, "p50": p50, "p95": p95, "p99": p99, "max": most, "samples": sorted.len()}),
        );
    }

    /// Writes the file, if one is wanted.
    pub fn finish(self, file: Option<&Path>) -> Result<()> {
        let Some(file) = file else { return Ok(()) };
        let all = json!({"machine": self.machine, "figures": self.figures});
        std::fs::write(file, serde_json::to_vec_pretty(&all)?).with_context(|| file.display().to_string())
    }
}

/// The value below which this share of a sorted list lies.
fn at_share(sorted: &[f64], share: f64) -> f64 {
    let place = (share * sorted.len().saturating_sub(1) as f64).round() as usize;
    sorted.get(place).copied().unwrap_or(f64::NAN)
}
