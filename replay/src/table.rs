//! The figures of several policies side by side, for people: columns on a terminal, or rows of a document.

use crate::ledger::{Figures, Promise};
use crate::world::World;

/// What stands in a column.
type Cell = fn(&Figures) -> String;

/// The columns, with what stands in each.
const COLUMNS: [(&str, Cell); 11] = [
    ("policy", |f| f.policy.clone()),
    ("promises", |f| f.promises.to_string()),
    ("kept", |f| percent(f.kept as f64 / f.promises.max(1) as f64)),
    ("broken", |f| f.broken.to_string()),
    ("latest min", |f| f.max_late_minutes.to_string()),
    ("moved", |f| percent(f.moved_share)),
    ("by h", |f| format!("{:.1}", f.mean_move_hours)),
    ("findings", |f| percent(f.findings_share)),
    ("half within h", |f| format!("{:.1}", f.length_p50_hours)),
    ("9 of 10 h", |f| format!("{:.1}", f.length_p90_hours)),
    ("switches a day", |f| format!("{:.1}", f.switches_per_day)),
];

/// A share with two places; what is not all is never shown as all.
pub fn percent(share: f64) -> String {
    let hundredths = (share * 10_000.0).floor() / 100.0;
    if share >= 1.0 {
        "100 %".to_string()
    } else {
        format!("{hundredths:.2} %")
    }
}

/// Columns for a terminal, numbers to the right.
pub fn columns(figures: &[Figures]) -> String {
    let rows = rows(figures);
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let mut text = String::new();
    for row in &rows {
        let cells = row.iter().enumerate().map(|(column, cell)| {
            let width = width(column);
            if column == 0 {
                format!("{cell:<width$}")
            } else {
                format!("{cell:>width$}")
            }
        });
        text.push_str(cells.collect::<Vec<_>>().join("  ").trim_end());
        text.push('\n');
    }
    text
}

/// Rows of a table in Markdown, without its head: what stands before them is the caller's.
pub fn markdown_row(figures: &Figures, before: &str) -> String {
    let cells: Vec<String> = COLUMNS.iter().map(|(_, of)| of(figures)).collect();
    format!("| {before}{} |\n", cells.join(" | "))
}

/// The head of such a table.
pub fn markdown_head(before: &[&str]) -> String {
    let names: Vec<&str> = before
        .iter()
        .copied()
        .chain(COLUMNS.iter().map(|(name, _)| *name))
        .collect();
    format!("| {} |\n|{}\n", names.join(" | "), "---|".repeat(names.len()))
}

/// A sentence for each promise that broke, with its cause.
pub fn broken<'a>(world: &'a World, promises: &'a [Promise]) -> impl Iterator<Item = String> + 'a {
    promises.iter().filter_map(|promise| {
        let late = promise.late(world.until)?;
        let mail = &world.mails[promise.mail];
        let made = promise.made - world.from;
        let clock = |minute: i64| {
            format!(
                "{:02}:{:02}",
                minute.div_euclid(60).rem_euclid(24),
                minute.rem_euclid(60)
            )
        };
        Some(format!(
            "broken: case {}, severity {}, lane {}, promised on day {} at {}, {late} min late; {}",
            mail.case + 1,
            mail.severity + 1,
            world.lanes[mail.lane],
            made / (24 * 60) + 1,
            clock(made),
            promise.trouble.unwrap_or("there was no sign of it"),
        ))
    })
}

fn rows(figures: &[Figures]) -> Vec<Vec<String>> {
    let head = COLUMNS.iter().map(|(name, _)| name.to_string()).collect();
    let row = |figures: &Figures| COLUMNS.iter().map(|(_, of)| of(figures)).collect();
    std::iter::once(head).chain(figures.iter().map(row)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_broken_promise_of_many_is_not_all_kept() {
        assert_eq!(percent(1.0), "100 %");
        assert_eq!(percent(99_999.0 / 100_000.0), "99.99 %");
        assert_eq!(percent(0.0), "0.00 %");
    }
}
