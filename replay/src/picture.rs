//! A picture of replays: for each policy the share of promises kept, and the ledger as a strip, a column for each day of due.
//!
//! Plain SVG, drawn here: it has a title and a description for those who hear it, follows the reader's light or dark, and
//! says nothing by colour alone (what broke is hatched and counted).

use crate::ledger::{Figures, Promise};
use crate::table::percent;
use crate::world::World;
use jiff::civil::Date;
use std::collections::BTreeMap;
use std::fmt::Write;

/// Width of the picture.
const WIDTH: usize = 760;
/// Where bars and strips begin, and how long a whole one is.
const LEFT: usize = 130;
const BAR: usize = 500;
/// Height of a policy's row, of its bar and of its strip.
const ROW: usize = 92;
const BAR_HEIGHT: usize = 16;
const STRIP: usize = 40;

const STYLE: &str = "svg{color-scheme:light dark;--ink:#1b1b1f;--paper:#fff;--kept:#2f7d4f;--moved:#8a6d1d;--broken:#b3261e;--rule:#d5d5da}\
    @media(prefers-color-scheme:dark){svg{--ink:#e8e8ea;--paper:#17171a;--kept:#5fbf86;--moved:#d9b44a;--broken:#ff7b72;--rule:#3a3a40}}\
    text{fill:var(--ink);font:13px system-ui,sans-serif}.n{font-variant-numeric:tabular-nums}.kept{fill:var(--kept)}.moved{fill:var(--moved)}\
    .broken{fill:url(#hatch)}.rule{fill:var(--rule)}";

/// Promises due on one day.
#[derive(Default, Clone, Copy)]
struct Day {
    kept: usize,
    moved: usize,
    broken: usize,
}

impl Day {
    fn all(self) -> usize {
        self.kept + self.moved + self.broken
    }
}

/// Draws what became of the counted promises under each policy.
pub fn svg(title: &str, world: &World, replays: &[(Figures, Vec<Promise>)]) -> String {
    let height = 64 + ROW * replays.len() + 34;
    let mut svg = String::new();
    let said: Vec<String> = replays.iter().map(|(figures, _)| sentence(figures)).collect();
    let _ = write!(
        svg,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" width=\"{WIDTH}\" height=\"{height}\" role=\"img\" \
         aria-labelledby=\"title desc\">\n<title id=\"title\">{}</title>\n<desc id=\"desc\">{}</desc>\n<style>{STYLE}</style>\n\
         <defs><pattern id=\"hatch\" width=\"5\" height=\"5\" patternUnits=\"userSpaceOnUse\" patternTransform=\"rotate(45)\">\
         <rect width=\"5\" height=\"5\" fill=\"var(--broken)\"/><rect width=\"1.5\" height=\"5\" fill=\"var(--paper)\"/></pattern></defs>\n\
         <rect width=\"{WIDTH}\" height=\"{height}\" fill=\"var(--paper)\"/>\n<text x=\"16\" y=\"30\" style=\"font-size:16px;font-weight:600\">{}</text>\n",
        escaped(title),
        escaped(&said.join(" ")),
        escaped(title)
    );
    for (place, (figures, promises)) in replays.iter().enumerate() {
        row(&mut svg, 56 + ROW * place, figures, &days(world, promises));
    }
    legend(&mut svg, height - 18);
    svg.push_str("</svg>\n");
    svg
}

fn sentence(figures: &Figures) -> String {
    format!(
        "{}: {} of {} promises kept, {} broken, {} with a later date.",
        figures.policy,
        figures.kept,
        figures.promises,
        figures.broken,
        percent(figures.moved_share)
    )
}

/// What became of promises, by the local date of their due.
fn days(world: &World, promises: &[Promise]) -> BTreeMap<Date, Day> {
    let mut days: BTreeMap<Date, Day> = BTreeMap::new();
    for promise in promises {
        let Ok(at) = jiff::Timestamp::from_second(promise.due * 60) else {
            continue;
        };
        let day = days.entry(world.zone.local(at).date()).or_default();
        match (promise.late(world.until), promise.moved()) {
            (Some(_), _) => day.broken += 1,
            (None, true) => day.moved += 1,
            (None, false) => day.kept += 1,
        }
    }
    days
}

fn row(svg: &mut String, top: usize, figures: &Figures, days: &BTreeMap<Date, Day>) {
    let kept = BAR * figures.kept / figures.promises.max(1);
    let share = percent(figures.kept as f64 / figures.promises.max(1) as f64);
    let middle = top + BAR_HEIGHT - 3;
    let _ = writeln!(
        svg,
        "<g><title>{}</title>\n<text x=\"16\" y=\"{middle}\">{}</text><rect class=\"rule\" x=\"{LEFT}\" y=\"{top}\" width=\"{BAR}\" height=\"{BAR_HEIGHT}\"/>\
         <rect class=\"kept\" x=\"{LEFT}\" y=\"{top}\" width=\"{kept}\" height=\"{BAR_HEIGHT}\"/>\
         <rect class=\"broken\" x=\"{}\" y=\"{top}\" width=\"{}\" height=\"{BAR_HEIGHT}\"/>\
         <text class=\"n\" x=\"{}\" y=\"{middle}\">{share}, {} broken</text>",
        escaped(&sentence(figures)),
        escaped(&figures.policy),
        LEFT + kept,
        if figures.broken > 0 { (BAR - kept).max(1) } else { 0 },
        LEFT + BAR + 10,
        figures.broken
    );
    let most = days.values().map(|day| day.all()).max().unwrap_or(1).max(1);
    let width = BAR / days.len().max(1);
    for (place, (date, day)) in days.iter().enumerate() {
        column(
            svg,
            (LEFT + place * width, top + BAR_HEIGHT + 6 + STRIP),
            width,
            most,
            *date,
            *day,
        );
    }
    svg.push_str("</g>\n");
}

/// One day of a strip, standing on its foot: kept below, then what has a later date, what broke on top.
fn column(svg: &mut String, foot: (usize, usize), width: usize, most: usize, date: Date, day: Day) {
    let (x, mut y) = foot;
    let _ = write!(
        svg,
        "<g><title>due {date}: {} kept, {} kept at a later date, {} broken</title>",
        day.kept, day.moved, day.broken
    );
    for (class, count) in [("kept", day.kept), ("moved", day.moved), ("broken", day.broken)] {
        let height = if count > 0 { (count * STRIP / most).max(1) } else { 0 };
        y -= height;
        let wide = width.saturating_sub(1).max(1);
        let _ = write!(
            svg,
            "<rect class=\"{class}\" x=\"{x}\" y=\"{y}\" width=\"{wide}\" height=\"{height}\"/>"
        );
    }
    svg.push_str("</g>\n");
}

fn legend(svg: &mut String, y: usize) {
    let mut x = LEFT;
    for (class, words) in [
        ("kept", "kept"),
        ("moved", "kept, at a later date"),
        ("broken", "broken"),
    ] {
        let _ = writeln!(
            svg,
            "<rect class=\"{class}\" x=\"{x}\" y=\"{}\" width=\"12\" height=\"12\"/><text x=\"{}\" y=\"{}\">{words}</text>",
            y - 10,
            x + 18,
            y + 1
        );
        x += 40 + 8 * words.len();
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}
