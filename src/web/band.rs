//! The day band: twenty-four hours × people, as SVG drawn here, with its table (see [`chart`](super::chart) for what all
//! pictures have in common).

use crate::desk::Zone;
use jiff::{SignedDuration, Timestamp};
use maud::{Markup, html};
use plan::say;

const WIDTH: i64 = 1000;
const NAMES: i64 = 136;
const HEAD: i64 = 24;
const ROW: i64 = 22;

/// From when until when.
type Stretch = (Timestamp, Timestamp);

/// One day.
pub struct Band<'a> {
    /// Its midnight.
    pub from: Timestamp,
    /// The next.
    pub until: Timestamp,
    /// Where the line of now stands.
    pub now: Timestamp,
    /// In which times are said.
    pub zone: &'a Zone,
    /// A row a person.
    pub rows: Vec<Row>,
    /// People without a row.
    pub unseen: usize,
    /// Hours of the desk in which nobody is there.
    pub nobody: Vec<Stretch>,
}

/// One person.
pub struct Row {
    /// Name.
    pub name: String,
    /// When they are there.
    pub there: Vec<Stretch>,
    /// When they would be, and are away or taken.
    pub gone: Vec<Stretch>,
}

impl Band<'_> {
    fn x(&self, at: Timestamp) -> i64 {
        let whole = (self.until.as_second() - self.from.as_second()).max(1);
        let part = (at.as_second() - self.from.as_second()).clamp(0, whole);
        NAMES + (WIDTH - 8 - NAMES) * part / whole
    }

    fn said(&self, some: &[Stretch]) -> String {
        let one = |(from, to): &Stretch| {
            let clock = |at: Timestamp| self.zone.zoned(at).strftime("%H:%M").to_string();
            format!(
                "{}-{}",
                clock(*from),
                if *to == self.until { "24:00".into() } else { clock(*to) }
            )
        };
        match some.is_empty() {
            true => "never".into(),
            false => some.iter().map(one).collect::<Vec<_>>().join(", "),
        }
    }
}

/// Draws a day, with its table.
pub fn day(band: &Band<'_>) -> Markup {
    let height = HEAD + ROW * (band.rows.len() as i64 + 1) + 4;
    let hours = (0..24)
        .step_by(3)
        .map(|hour| band.from + SignedDuration::from_hours(hour));
    html! {
        figure.picture {
            svg.timetable viewBox={ "0 0 " (WIDTH) " " (height) } role="img" aria-labelledby="db-title db-desc" {
                title #db-title { "Who is there today" }
                desc #db-desc {
                    (say::short(band.from, band.zone, band.now)) " and the twenty-four hours from there, a row a person; nobody is there in the desk's hours: "
                    (band.said(&band.nobody)) ". The table below has the same."
                }
                defs {
                    pattern #off width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)" { line.hatch x1="0" y1="0" x2="0" y2="6" {} }
                }
                @for at in hours {
                    text.axis x=(band.x(at)) y="14" { (band.zone.zoned(at).strftime("%H:%M")) }
                    line.grid x1=(band.x(at)) x2=(band.x(at)) y1="20" y2=(height) {}
                }
                @for (place, row) in (0_i64..).zip(&band.rows) { (line_of(band, place, &row.name, &row.there, &row.gone)) }
                (line_of(band, band.rows.len() as i64, "nobody", &[], &band.nobody))
                line.now x1=(band.x(band.now)) x2=(band.x(band.now)) y1="20" y2=(height) {}
            }
            details.data {
                summary { "Day as a table" @if band.unseen > 0 { " (" (band.unseen) " more people have no row)" } }
                table.plain {
                    caption.unseen { "Who is there today" }
                    thead { tr { th scope="col" { "Name" } th scope="col" { "There" } th scope="col" { "Away or taken" } } }
                    tbody {
                        @for row in &band.rows {
                            tr { th scope="row" { (row.name) } td { (band.said(&row.there)) } td { (band.said(&row.gone)) } }
                        }
                        tr { th scope="row" { "nobody" } td { (band.said(&band.nobody)) } td { "" } }
                    }
                }
            }
        }
    }
}

fn line_of(band: &Band<'_>, place: i64, name: &str, there: &[Stretch], gone: &[Stretch]) -> Markup {
    let y = HEAD + ROW * place;
    let short: String = name.chars().take(16).collect();
    html! {
        line.rule x1="0" x2=(WIDTH) y1=(y + ROW) y2=(y + ROW) {}
        text.name x="0" y=(y + 15) { (short) }
        @for (class, some) in [("slice", there), ("off", gone)] {
            @for (from, to) in some {
                rect class=(class) x=(band.x(*from)) y=(y + 3) width=((band.x(*to) - band.x(*from)).max(2)) height=(ROW - 6) {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_stands_between_its_midnights_and_says_when_nobody_is_there() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let band = Band {
            from: at("2026-03-02T00:00:00Z"),
            until: at("2026-03-03T00:00:00Z"),
            now: at("2026-03-02T12:00:00Z"),
            zone: &Zone::UTC,
            rows: Vec::new(),
            unseen: 0,
            nobody: vec![(at("2026-03-02T17:00:00Z"), at("2026-03-03T00:00:00Z"))],
        };
        assert_eq!(
            (band.x(band.from), band.x(band.now), band.x(band.until)),
            (136, 564, 992)
        );
        assert_eq!(band.said(&band.nobody), "17:00-24:00");
        assert_eq!(band.said(&[]), "never");
        let drawn = day(&band).into_string();
        assert!(drawn.contains("in the desk's hours: 17:00-24:00"), "{drawn}");
    }
}
