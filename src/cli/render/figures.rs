//! The figures of the ledger as a table: always the four together.

use super::Screen;
use crate::desk::figures::{Figures, Report};
use jiff::SignedDuration;
use plan::say;
use std::io;

const HEADING: [&str; 8] = [
    "",
    "PROMISES",
    "KEPT",
    "BROKEN",
    "LENGTH",
    "90 %",
    "MOVED BY US",
    "FINDINGS",
];

impl Screen {
    pub(super) fn figures(&mut self, report: &Report) -> io::Result<()> {
        let mut heading = HEADING;
        let by = report.by.to_uppercase();
        heading[0] = &by;
        for row in report.rows.iter().chain([&report.total]) {
            self.list.row(&heading, cells(row), false)?;
        }
        if let Some(days) = report.unbroken_days {
            self.more = Some(format!(
                "Unbroken for {days} {}. ",
                if days == 1 { "day" } else { "days" }
            ));
        }
        Ok(())
    }
}

fn cells(row: &Figures) -> Vec<String> {
    let length =
        |minutes: Option<i64>| minutes.map_or("-".to_owned(), |minutes| say::left(SignedDuration::from_mins(minutes)));
    vec![
        row.of.clone(),
        row.made.to_string(),
        share(row.kept, row.kept + row.broken, row.kept_per_mille),
        row.broken.to_string(),
        length(row.median_minutes),
        length(row.p90_minutes),
        share(row.moved_by_us, row.made, row.moved_by_us_per_mille),
        share(row.findings, row.replies, row.findings_per_mille),
    ]
}

/// `212 of 214 (99.1 %)`; a count alone where there are too few for a share.
fn share(part: i64, whole: i64, per_mille: Option<i64>) -> String {
    match per_mille {
        Some(share) => format!("{part} of {whole} ({}.{} %)", share / 10, share % 10),
        None => format!("{part} of {whole}"),
    }
}
