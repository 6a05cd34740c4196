//! Pictures: the timetable of the run queue and the timeline of a case, as SVG drawn here.
//!
//! Each has a title and a description, and the same data as a table below it. Colours and type come from the style
//! sheet, so that day, night and print need no second drawing. Positions are whole units of a fixed grid: the same data
//! gives the same bytes. On a small screen only the table is shown: letters shrunk to a third help nobody.

use crate::desk::say;
use jiff::{SignedDuration, Timestamp, Zoned};
use maud::{Markup, html};

const WIDTH: i64 = 1000;
const NAMES: i64 = 136;
const HEAD: i64 = 24;
const ROW: i64 = 26;
/// Room that a case number over a tick needs.
const LABEL: i64 = 46;
/// Marks on an axis at most.
const MARKS: usize = 12;
/// A quantum, in seconds: what an open slice is drawn as at least.
const QUANTUM: i64 = 20 * 60;

/// The zone of the desk.
type Zone<'a> = &'a crate::desk::Zone;

/// Who works on what from now on, and what falls due.
pub struct Timetable<'a> {
    /// The left edge.
    pub now: Timestamp,
    /// The right edge.
    pub until: Timestamp,
    /// In which times are said.
    pub zone: Zone<'a>,
    /// A row an engineer.
    pub lanes: Vec<Lane<'a>>,
    /// Engineers without a row.
    pub unseen: usize,
}

/// One engineer.
pub struct Lane<'a> {
    /// Name.
    pub name: &'a str,
    /// The case they work on, and since when.
    pub slice: Option<(i64, Timestamp)>,
    /// When they do not work.
    pub off: Vec<(Timestamp, Timestamp)>,
    /// What the plan gives them next, earliest first.
    pub planned: Vec<Block>,
    /// What they have promised, earliest first.
    pub ticks: Vec<Tick<'a>>,
}

/// A planned slice.
pub struct Block {
    /// The case.
    pub case: i64,
    /// From when.
    pub from: Timestamp,
    /// Until when.
    pub until: Timestamp,
    /// By when it is promised: what lies between is slack.
    pub due: Timestamp,
}

/// A deadline.
pub struct Tick<'a> {
    /// The case.
    pub case: i64,
    /// By when.
    pub due: Timestamp,
    /// offered, agreed, asked.
    pub word: &'a str,
}

/// A stretch of time laid along the picture.
struct Axis {
    from: Timestamp,
    until: Timestamp,
    left: i64,
    right: i64,
}

impl Axis {
    /// Where an instant stands; what is outside stands at the edge.
    fn x(&self, at: Timestamp) -> i64 {
        let whole = (self.until.as_millisecond() - self.from.as_millisecond()).max(1);
        let part = (at.as_millisecond() - self.from.as_millisecond()).clamp(0, whole);
        self.left + (self.right - self.left) * part / whole
    }

    /// Round local times along it, with their words; none within `clear` of the left edge, where other words stand.
    fn marks(&self, zone: Zone<'_>, clear: i64) -> Vec<(i64, String)> {
        let hours = (self.until.duration_since(self.from).as_hours()).max(1);
        let step = [1, 2, 3, 4, 6, 12, 24, 48, 96, 168, 336, 720]
            .into_iter()
            .find(|step| hours / step <= 8)
            .unwrap_or(2160);
        let form = if step >= 24 { "%-d %b" } else { "%H:%M" };
        let start: Zoned = zone.zoned(self.from);
        let mut marks = Vec::new();
        let Ok(midnight) = start.start_of_day() else {
            return marks;
        };
        for count in 1..=(24 / step.min(24) + MARKS as i64) {
            let at = midnight.timestamp() + SignedDuration::from_hours(step * count);
            if at >= self.until || marks.len() == MARKS {
                break;
            }
            let x = self.x(at);
            if at > self.from && x > self.left + clear && x < self.right - 24 {
                let local = zone.zoned(at);
                let is_midnight = local.hour() == 0 && local.minute() == 0;
                marks.push((x, local.strftime(if is_midnight { "%a %-d" } else { form }).to_string()));
            }
        }
        marks
    }
}

/// Draws the timetable, with its table.
pub fn timetable(shown: &Timetable<'_>) -> Markup {
    let axis = Axis {
        from: shown.now,
        until: shown.until,
        left: NAMES,
        right: WIDTH - 8,
    };
    let height = HEAD + ROW * shown.lanes.len() as i64 + 4;
    let promised: usize = shown.lanes.iter().map(|lane| lane.ticks.len()).sum();
    let planned: usize = shown.lanes.iter().map(|lane| lane.planned.len()).sum();
    let running = shown.lanes.iter().filter(|lane| lane.slice.is_some()).count();
    html! {
        figure.picture {
            svg.timetable viewBox={ "0 0 " (WIDTH) " " (height) } role="img" aria-labelledby="tt-title tt-desc" {
                title #tt-title { "Timetable" }
                desc #tt-desc {
                    "From now until " (say::short(shown.until, shown.zone, shown.now)) ": " (running) " open slices, " (planned) " planned ones and the next "
                    (promised) " promised times, a row an engineer. The table below has the same."
                }
                defs {
                    pattern #off width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)" { line.hatch x1="0" y1="0" x2="0" y2="6" {} }
                }
                text.axis x=(NAMES) y="14" { "now " (shown.zone.zoned(shown.now).strftime("%H:%M")) }
                @for (x, words) in axis.marks(shown.zone, 100) {
                    text.axis x=(x) y="14" text-anchor="middle" { (words) }
                    line.grid x1=(x) x2=(x) y1="20" y2=(height) {}
                }
                @for (place, lane) in (0_i64..).zip(&shown.lanes) { (row(&axis, HEAD + ROW * place, lane)) }
                line.now x1=(NAMES) x2=(NAMES) y1="20" y2=(height) {}
            }
            details.data #timetable-data {
                summary { "Timetable as a table" @if shown.unseen > 0 { " (" (shown.unseen) " more engineers have no row)" } }
                (timetable_data(shown))
            }
        }
    }
}

fn row(axis: &Axis, y: i64, lane: &Lane<'_>) -> Markup {
    let (top, middle) = (y + 3, y + 17);
    html! {
        line.rule x1="0" x2=(WIDTH) y1=(y + ROW) y2=(y + ROW) {}
        text.name x="0" y=(middle) { (short_name(lane.name)) }
        @for (from, to) in &lane.off {
            rect.off x=(axis.x(*from)) y=(top) width=(axis.x(*to) - axis.x(*from)) height=(ROW - 6) {}
        }
        @for block in lane.planned.iter().filter(|block| block.from < axis.until) {
            @let (from, to) = (axis.x(block.from), axis.x(block.until));
            rect.plan x=(from) y=(top) width=((to - from).max(3)) height=(ROW - 6) rx="2" { title { (block.case) } }
        }
        @if let Some((case, began)) = lane.slice {
            @let end = (began + SignedDuration::from_secs(QUANTUM)).max(axis.from);
            @let width = (axis.x(end) - axis.left).max(LABEL);
            rect.slice x=(axis.left) y=(top) width=(width) height=(ROW - 6) rx="3" {}
            text.on-slice x=(axis.left + 6) y=(middle) { (case) }
        }
        @for (x, label, word) in labelled(axis, lane) {
            line class={ "tick " (word) } x1=(x) x2=(x) y1=(top) y2=(y + ROW - 2) {}
            @if x + LABEL > WIDTH { text class={ "due " (word) } x=(x - 4) y=(middle) text-anchor="end" { (label) } }
            @else { text class={ "due " (word) } x=(x + 5) y=(middle) { (label) } }
        }
    }
}

/// Ticks with their case numbers; one whose number would touch the one before is counted there: `11 +3`.
fn labelled<'a>(axis: &Axis, lane: &'a Lane<'_>) -> Vec<(i64, String, &'a str)> {
    let mut found: Vec<(i64, String, &str, usize)> = Vec::new();
    for tick in lane.ticks.iter().filter(|tick| tick.due <= axis.until) {
        let word = if tick.due <= axis.from { "late" } else { tick.word };
        // An open slice has its own number at the left edge.
        let x = axis
            .x(tick.due)
            .max(axis.left + if lane.slice.is_some() { LABEL + 2 } else { 0 });
        match found.last_mut() {
            // At the right edge a number stands before its tick.
            Some(last) if x < last.0 + if x + LABEL > WIDTH { 2 * LABEL } else { LABEL } && last.2 == word => {
                last.3 += 1
            }
            _ => found.push((x, tick.case.to_string(), word, 0)),
        }
    }
    let said = |case: String, more: usize| if more == 0 { case } else { format!("{case} +{more}") };
    found
        .into_iter()
        .map(|(x, case, word, more)| (x, said(case, more), word))
        .collect()
}

/// A name that fits its column.
fn short_name(name: &str) -> String {
    match name.chars().count() {
        0..=16 => name.to_owned(),
        _ => format!("{}…", name.chars().take(15).collect::<String>()),
    }
}

fn timetable_data(shown: &Timetable<'_>) -> Markup {
    html! {
        table.plain {
            caption.unseen { "Who works on what, and what falls due" }
            thead { tr { th scope="col" { "Engineer" } th scope="col" { "Now" } th scope="col" { "Planned" } th scope="col" { "Next promised times" } } }
            tbody {
                @for lane in &shown.lanes {
                    tr {
                        th scope="row" { (lane.name) }
                        td {
                            @match (lane.slice, lane.off.first()) {
                                (Some((case, began)), _) => { "on case " (case) " since " (say::short(began, shown.zone, shown.now)) },
                                (None, Some((from, to))) if *from <= shown.now => { "off duty until " (say::short(*to, shown.zone, shown.now)) },
                                _ => "free",
                            }
                        }
                        td {
                            @if lane.planned.is_empty() { "nothing" }
                            @for (place, block) in lane.planned.iter().enumerate() {
                                @if place > 0 { " · " }
                                (block.case) " " (say::short(block.from, shown.zone, shown.now)) " to " (shown.zone.zoned(block.until).strftime("%H:%M"))
                                @if block.until <= block.due { ", " (plan::say::left(block.due.duration_since(block.until))) " slack" }
                                @else { ", late" }
                            }
                        }
                        td {
                            @if lane.ticks.is_empty() { "none" }
                            @for (place, tick) in lane.ticks.iter().take(MARKS).enumerate() {
                                @if place > 0 { " · " }
                                (tick.case) " " (say::short(tick.due, shown.zone, shown.now)) " " (tick.word)
                            }
                            @if lane.ticks.len() > MARKS { " · " (lane.ticks.len() - MARKS) " more" }
                        }
                    }
                }
            }
        }
    }
}

/// A case from its opening until now and its next times.
pub struct Timeline<'a> {
    /// The left edge.
    pub from: Timestamp,
    /// Now.
    pub now: Timestamp,
    /// In which times are said.
    pub zone: Zone<'a>,
    /// Messages: when, and whether they are theirs.
    pub dots: Vec<(Timestamp, bool)>,
    /// Promises: made, due, settled, and their state.
    pub spans: Vec<(Timestamp, Timestamp, Option<Timestamp>, &'a str)>,
    /// The wait that stands: for whom, until when.
    pub wait: Option<(&'a str, Timestamp)>,
}

/// Draws the timeline; the messages and the promises of the page are its table.
pub fn timeline(shown: &Timeline<'_>) -> Markup {
    let ends = shown
        .spans
        .iter()
        .filter(|span| span.3 == "open")
        .map(|span| span.1)
        .chain(shown.wait.map(|(_, at)| at));
    let last = ends.chain([shown.now]).max().unwrap_or(shown.now);
    let margin = SignedDuration::from_secs((last.duration_since(shown.from).as_secs() / 50).max(300));
    let axis = Axis {
        from: shown.from,
        until: last + margin,
        left: 70,
        right: WIDTH - 8,
    };
    let levels = levels(&axis, &shown.spans);
    let below = 71 + LEVEL * levels.iter().max().copied().unwrap_or(0);
    let height = if shown.wait.is_some() { below + 41 } else { below + 16 };
    let theirs = shown.dots.iter().filter(|(_, theirs)| *theirs).count();
    html! {
        svg.timeline viewBox={ "0 0 " (WIDTH) " " (height) } role="img" aria-labelledby="tl-title tl-desc" {
            title #tl-title { "Timeline of the case" }
            desc #tl-desc {
                "Opened " (say::short(shown.from, shown.zone, shown.now)) ". " (theirs) " messages of theirs, " (shown.dots.len() - theirs)
                " of ours, " (shown.spans.len()) " promises. The lists below have the same."
            }
            text.axis x=(axis.left) y="12" { "opened " (shown.zone.zoned(shown.from).strftime("%a %-d %b %H:%M")) }
            @for (x, words) in axis.marks(shown.zone, 170) {
                @if x > axis.left + 150 && (x - axis.x(shown.now)).abs() > 44 { text.axis x=(x) y="12" text-anchor="middle" { (words) } }
                line.grid x1=(x) x2=(x) y1="18" y2=(height) {}
            }
            @for (y, words) in [(32, "theirs"), (52, "ours"), (75, "promises")] { text.name x="0" y=(y) { (words) } }
            @for (at, is_theirs) in &shown.dots {
                @if *is_theirs { circle.theirs cx=(axis.x(*at)) cy="28" r="5" {} } @else { circle.ours cx=(axis.x(*at)) cy="48" r="5" {} }
            }
            @for (span, level) in shown.spans.iter().zip(&levels) { (span_of(&axis, span, 71 + LEVEL * level)) }
            @if let Some((party, until)) = shown.wait {
                text.name x="0" y=(below + 28) { "waits" }
                rect.wait x=(axis.x(shown.now)) y=(below + 15) width=((axis.x(until) - axis.x(shown.now)).max(4)) height="18" rx="3" {}
                text.due x=(axis.x(shown.now) + 6) y=(below + 28) { (party) }
            }
            @let now = axis.x(shown.now);
            line.now x1=(now) x2=(now) y1="18" y2=(height) {}
            @if now > axis.left + 170 { text.axis x=(now) y="12" text-anchor="middle" { "now" } }
        }
    }
}

/// Units between two promises that overlap in time.
const LEVEL: i64 = 16;
/// Promises beside each other at most; the next begins at the first level again.
const LEVELS: usize = 4;

/// On which level each promise has room: the first where the one before has ended.
fn levels(axis: &Axis, spans: &[(Timestamp, Timestamp, Option<Timestamp>, &str)]) -> Vec<i64> {
    let mut ends = [i64::MIN; LEVELS];
    let placed = spans.iter().enumerate().map(|(count, (made, due, ..))| {
        let level = ends
            .iter()
            .position(|end| *end < axis.x(*made))
            .unwrap_or(count % LEVELS);
        ends[level] = ends[level].max(axis.x(*due) + 4);
        level as i64
    });
    placed.collect()
}

/// A promise from made to due, with what became of it.
fn span_of(
    axis: &Axis,
    (made, due, settled, state): &(Timestamp, Timestamp, Option<Timestamp>, &str),
    y: i64,
) -> Markup {
    let (from, to) = (axis.x(*made), axis.x(*due));
    html! {
        line class={ "span " (state) } x1=(from) x2=(to.max(from + 2)) y1=(y) y2=(y) {}
        line class={ "tick " (state) } x1=(to) x2=(to) y1=(y - 6) y2=(y + 6) {}
        @if let Some(at) = settled {
            @let sign = match *state { "kept" => "✓", "broken" => "✗", _ => "–" };
            text class={ "mark " (state) } x=(axis.x(*at)) y=(y - 4) text-anchor="middle" { (sign) }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn an_instant_outside_the_picture_stands_at_its_edge() {
        let axis = Axis {
            from: at("2026-11-24T10:00:00Z"),
            until: at("2026-11-24T14:00:00Z"),
            left: 100,
            right: 900,
        };
        assert_eq!(axis.x(at("2026-11-24T12:00:00Z")), 500);
        assert_eq!(
            (axis.x(at("2026-11-23T12:00:00Z")), axis.x(at("2027-11-24T12:00:00Z"))),
            (100, 900)
        );
    }

    #[test]
    fn marks_are_round_local_hours_and_few() {
        let zone: crate::desk::Zone = "Asia/Kathmandu".parse().unwrap();
        for hours in [1, 4, 72, 24 * 30, 24 * 3000] {
            let from = at("2026-11-24T10:07:00Z");
            let axis = Axis {
                from,
                until: from + SignedDuration::from_hours(hours),
                left: 100,
                right: 992,
            };
            let marks = axis.marks(&zone, 40);
            assert!(marks.len() <= MARKS, "{hours}: {marks:?}");
            assert!(
                marks
                    .iter()
                    .all(|(_, words)| words.ends_with(":00") || !words.contains(':')),
                "{marks:?}"
            );
        }
    }

    #[test]
    fn numbers_that_would_touch_are_counted_at_the_first() {
        let now = at("2026-11-24T10:00:00Z");
        let axis = Axis {
            from: now,
            until: now + SignedDuration::from_hours(4),
            left: 100,
            right: 900,
        };
        let minutes = |minutes| now + SignedDuration::from_mins(minutes);
        let tick = |case, due| Tick {
            case,
            due,
            word: "offered",
        };
        let ticks = vec![
            tick(1, minutes(60)),
            tick(2, minutes(61)),
            tick(3, minutes(120)),
            tick(4, minutes(600)),
        ];
        let lane = Lane {
            name: "Anna",
            slice: None,
            off: Vec::new(),
            planned: Vec::new(),
            ticks,
        };
        let labels: Vec<_> = labelled(&axis, &lane).into_iter().map(|(_, label, _)| label).collect();
        assert_eq!(labels, ["1 +1", "3"]);
    }
}
