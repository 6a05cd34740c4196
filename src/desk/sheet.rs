//! The ledger as CSV (RFC 4180), for a spreadsheet: quoted where needed, and no cell is taken for a formula.

use super::book::Line;
use super::figures::{Figures, Report};

/// Figures: a row each, and the total.
pub fn of_figures(report: &Report) -> String {
    let heading = [
        report.by.as_str(),
        "promises",
        "open",
        "kept",
        "broken",
        "withdrawn",
        "kept_per_mille",
        "median_minutes",
        "p90_minutes",
        "moved",
        "moved_by_us",
        "moved_by_us_per_mille",
        "keeping_replies",
        "findings",
        "findings_per_mille",
    ];
    let mut sheet = row(heading.map(str::to_owned));
    for one in report.rows.iter().chain([&report.total]) {
        sheet.push_str(&figures(one));
    }
    sheet
}

fn figures(one: &Figures) -> String {
    // Too few for a figure: an empty cell.
    let some = |figure: Option<i64>| figure.map_or(String::new(), |figure| figure.to_string());
    row([
        one.of.clone(),
        one.made.to_string(),
        one.open.to_string(),
        one.kept.to_string(),
        one.broken.to_string(),
        one.withdrawn.to_string(),
        some(one.kept_per_mille),
        some(one.median_minutes),
        some(one.p90_minutes),
        one.moved.to_string(),
        one.moved_by_us.to_string(),
        some(one.moved_by_us_per_mille),
        one.replies.to_string(),
        one.findings.to_string(),
        some(one.findings_per_mille),
    ])
}

/// Promises: a row each.
pub fn of_lines(lines: &[Line]) -> String {
    let heading = [
        "promise",
        "case",
        "customer",
        "made",
        "due",
        "state",
        "word",
        "settled_at",
        "by",
        "margin_seconds",
    ];
    let mut sheet = row(heading.map(str::to_owned));
    for one in lines {
        sheet.push_str(&row([
            one.promise.to_string(),
            one.case.to_string(),
            one.customer.clone(),
            one.made.to_string(),
            one.due.to_string(),
            one.state.clone(),
            one.word.clone(),
            one.settled_at.map_or(String::new(), |at| at.to_string()),
            one.by.clone().unwrap_or_default(),
            one.margin_seconds.map_or(String::new(), |margin| margin.to_string()),
        ]));
    }
    sheet
}

fn row(cells: impl IntoIterator<Item = String>) -> String {
    let cells: Vec<String> = cells.into_iter().map(|cell| quoted(&cell)).collect();
    cells.join(",") + "\r\n"
}

fn quoted(cell: &str) -> String {
    let is_number = cell.parse::<i64>().is_ok();
    let guard = match cell.starts_with(['=', '+', '-', '@', '\t', '\r']) && !is_number {
        true => "'",
        false => "",
    };
    match cell.contains([',', '"', '\n', '\r', ';']) {
        true => format!("\"{guard}{}\"", cell.replace('"', "\"\"")),
        false => format!("{guard}{cell}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_cell_is_a_formula_and_every_cell_reads_back() {
        assert_eq!(quoted("=1+1"), "'=1+1");
        assert_eq!(quoted("@SUM(A1)"), "'@SUM(A1)");
        assert_eq!(quoted("-12"), "-12", "a margin is a number");
        assert_eq!(quoted("-12,5"), "\"'-12,5\"");
        assert_eq!(quoted("North \"wind\", Ltd"), "\"North \"\"wind\"\", Ltd\"");
    }
}
