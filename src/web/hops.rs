//! The mail path as a picture: mailbox, parser, matcher, case; queue, their server. Each hop with what waits there, since when, and
//! when something last passed; the same as a table.

use super::layout;
use crate::desk::spool::hops::Hop;
use crate::desk::{Desk, say};
use jiff::Timestamp;
use maud::{Markup, html};

const BOX: i64 = 214;
const GAP: i64 = 48;
const ROW: i64 = 96;

/// Draws the path, with its table.
pub fn path(hops: &[Hop], desk: &Desk, now: Timestamp) -> Markup {
    let of = |way: &'static str| hops.iter().filter(move |hop| hop.way == way);
    let waiting: i64 = hops
        .iter()
        .filter(|hop| hop.for_a_person && hop.name != "case")
        .map(|hop| hop.count)
        .sum();
    html! {
        figure.picture {
            svg.hops viewBox={ "0 0 " (4 * BOX + 3 * GAP) " " (2 * ROW) } role="img" aria-labelledby="hops-title hops-desc" {
                title #hops-title { "Mail path" }
                desc #hops-desc {
                    "In: " (names(of("in"))) ". Out: " (names(of("out"))) ". " (waiting) " wait for a person. The table below has the same."
                }
                @for (row, way) in [(0_i64, "in"), (1, "out")] {
                    @for (place, hop) in (0_i64..).zip(of(way)) {
                        @let left = (BOX + GAP) * place;
                        @let top = ROW * row + 4;
                        @if place > 0 { line.rule x1=(left - GAP + 6) x2=(left - 6) y1=(top + 38) y2=(top + 38) {} text.axis x=(left - 12) y=(top + 42) text-anchor="middle" { "▸" } }
                        rect.hop x=(left + 1) y=(top) width=(BOX - 2) height="76" rx="6" {}
                        text.strong x=(left + 12) y=(top + 22) { (hop.name) }
                        text x=(left + 12) y=(top + 44) { (count(hop)) " " (hop.waits) }
                        text.axis x=(left + 12) y=(top + 64) { @match hop.passed { Some(at) => { "last " (say::short(at, &desk.zone, now)) }, None => "nothing yet" } }
                    }
                }
            }
            details.data #hops-data {
                summary { "Mail path as a table" }
                table.plain {
                    caption.unseen { "Mail path, hop by hop" }
                    thead { tr { th scope="col" { "Hop" } th scope="col" { "Waits" } th scope="col" { "Oldest" } th scope="col" { "Last went well" } } }
                    tbody {
                        @for hop in hops {
                            tr {
                                th scope="row" { (hop.way) ": " (hop.name) }
                                td { (count(hop)) " " (hop.waits) }
                                td { @match hop.oldest { Some(at) => (layout::time(at, desk, now)), None => "none" } }
                                td { @match hop.passed { Some(at) => (layout::time(at, desk, now)), None => "nothing yet" } }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn names<'a>(hops: impl Iterator<Item = &'a Hop>) -> String {
    hops.map(|hop| format!("{}, {} {}", hop.name, count(hop), hop.waits))
        .collect::<Vec<_>>()
        .join("; ")
}

fn count(hop: &Hop) -> String {
    match hop.uncounted() {
        true => format!("more than {}", hop.count - 1),
        false => hop.count.to_string(),
    }
}
