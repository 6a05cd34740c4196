//! The ledger strip: a column a day, a tick a promise at its margin; the zero line is "on time", and whatever was broken
//! stands below it and is seen from across the room. The same data stands in the table below it.

use crate::desk::book::Line;
use crate::desk::{Zone, say};
use jiff::SignedDuration;
use jiff::civil::Date;
use maud::{Markup, html};

const WIDTH: i64 = 1000;
const LEFT: i64 = 64;
/// Where the zero line is.
const ZERO: i64 = 116;
const HEIGHT: i64 = 168;
const TICK: i64 = 9;
/// Room above the zero line for margins.
const ROOM: i64 = 84;

/// One day of the strip.
pub struct Day {
    /// The day, in the desk's zone.
    pub day: Date,
    /// Its promises, oldest due first, as many as are drawn.
    pub lines: Vec<Line>,
    /// There are more than are drawn.
    pub more: bool,
}

/// Draws the strip of a week, with its table.
pub fn strip(days: &[Day], zone: &Zone) -> Markup {
    let column = (WIDTH - LEFT) / (days.len() as i64).max(1);
    let count = |state: &str| {
        days.iter()
            .flat_map(|day| &day.lines)
            .filter(|one| one.state == state)
            .count()
    };
    html! {
        figure.picture {
            svg.strip viewBox={ "0 0 " (WIDTH) " " (HEIGHT) } role="img" aria-labelledby="strip-title strip-desc" {
                title #strip-title { "Ledger strip" }
                desc #strip-desc {
                    "A column a day, a tick a promise at its margin: " (count("kept")) " kept above the line, " (count("broken"))
                    " broken below it, " (count("open")) " open on it. The table below has the same."
                }
                text.name x="0" y="30" { "early" }
                text.name x="0" y=(ZERO + 4) { "on time" }
                text.name x="0" y=(ZERO + 26) { "late" }
                @for (place, day) in (0_i64..).zip(days) {
                    @let left = LEFT + column * place;
                    line.grid x1=(left) x2=(left) y1="8" y2=(HEIGHT - 20) {}
                    text.axis x=(left + column / 2) y=(HEIGHT - 4) text-anchor="middle" { (day.day.strftime("%a %-d")) }
                    @for (x, line) in placed(left, column, &day.lines) { (tick(x, line)) }
                }
                line.zero x1=(LEFT) x2=(WIDTH) y1=(ZERO) y2=(ZERO) {}
            }
            details.data #strip-data {
                summary { "Ledger strip as a table" }
                (table(days, zone))
            }
        }
    }
}

/// Each promise with its place in the column: in the order of their dues, evenly.
fn placed(left: i64, column: i64, lines: &[Line]) -> impl Iterator<Item = (i64, &Line)> {
    let count = lines.len().max(1) as i64;
    (0_i64..)
        .zip(lines)
        .map(move |(place, line)| (left + 8 + (column - 16) * (2 * place + 1) / (2 * count), line))
}

fn tick(x: i64, line: &Line) -> Markup {
    let (top, bottom) = match (line.state.as_str(), line.margin_seconds) {
        ("kept", Some(margin)) => (ZERO - 3 - height(margin) - TICK, ZERO - 3 - height(margin)),
        ("broken", _) => (ZERO + 3, ZERO + 3 + 2 * TICK),
        _ => (ZERO - TICK / 2, ZERO + TICK / 2),
    };
    html! { line class={ "made " (line.state) } x1=(x) x2=(x) y1=(top) y2=(bottom) {} }
}

/// How high a margin stands: a quarter of the room for each tenfold, from a minute to a week.
fn height(margin_seconds: i64) -> i64 {
    let minutes = (margin_seconds / 60).clamp(0, 10_000);
    let steps = i64::from((minutes + 1).ilog2());
    // 2^13 minutes are five days and more.
    ROOM * steps.min(13) / 13
}

fn table(days: &[Day], zone: &Zone) -> Markup {
    html! {
        table.plain {
            caption.unseen { "Promises of the week by day of their due" }
            thead { tr { th scope="col" { "Day" } th scope="col" { "Kept" } th scope="col" { "Broken" } th scope="col" { "Open" } th scope="col" { "Margins" } } }
            tbody {
                @for day in days {
                    @let of = |state: &str| day.lines.iter().filter(|one| one.state == state).count();
                    tr {
                        th scope="row" { (day.day.strftime("%a %-d %b")) }
                        td { (of("kept")) } td { (of("broken")) } td { (of("open")) }
                        td { (margins(day, zone)) }
                    }
                }
            }
        }
    }
}

/// The smallest and the largest margin of a day, and what was broken with its case.
fn margins(day: &Day, zone: &Zone) -> String {
    let kept = day.lines.iter().filter_map(|one| one.margin_seconds);
    let said = |seconds: i64| say::left(SignedDuration::from_secs(seconds));
    let mut words = match (kept.clone().min(), kept.max()) {
        (Some(least), Some(most)) if least != most => format!("{} to {} early", said(least), said(most)),
        (Some(one), _) => format!("{} early", said(one)),
        _ => "none".to_owned(),
    };
    for broken in day.lines.iter().filter(|one| one.state == "broken").take(10) {
        let at = zone.zoned(broken.due).strftime("%H:%M").to_string();
        words.push_str(&format!("; case {} broken at {at}", broken.case));
    }
    if day.more {
        words.push_str(&format!("; the first {} of the day", day.lines.len()));
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(state: &str, margin: Option<i64>) -> Line {
        let due: jiff::Timestamp = "2026-03-02T09:00:00Z".parse().unwrap();
        Line {
            promise: 1,
            case: 7,
            customer: "Northwind".into(),
            made: due,
            due,
            state: state.into(),
            word: "offered".into(),
            settled_at: None,
            by: None,
            margin_seconds: margin,
        }
    }

    #[test]
    fn what_was_kept_stands_above_the_line_and_what_was_broken_below() {
        let drawn = |line: &Line| tick(100, line).into_string();
        let y2 = |text: &str| -> i64 {
            text.split("y2=\"")
                .nth(1)
                .unwrap()
                .split('"')
                .next()
                .unwrap()
                .parse()
                .unwrap()
        };
        let y1 = |text: &str| -> i64 {
            text.split("y1=\"")
                .nth(1)
                .unwrap()
                .split('"')
                .next()
                .unwrap()
                .parse()
                .unwrap()
        };
        assert!(y2(&drawn(&line("kept", Some(0)))) < ZERO);
        assert!(y1(&drawn(&line("broken", None))) > ZERO);
        assert!(
            y1(&drawn(&line("kept", Some(60 * 60 * 24 * 30)))) >= 8,
            "a month early is within the picture"
        );
    }

    #[test]
    fn earlier_stands_higher() {
        let heights: Vec<i64> = [0, 600, 3_600, 36_000, 360_000].map(height).to_vec();
        assert!(heights.windows(2).all(|pair| pair[0] < pair[1]), "{heights:?}");
    }

    #[test]
    fn ticks_of_a_day_stay_in_its_column() {
        let lines: Vec<Line> = (0..100).map(|_| line("kept", Some(60))).collect();
        assert!(placed(200, 133, &lines).all(|(x, _)| (208..=325).contains(&x)));
    }
}
