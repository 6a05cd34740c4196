//! Hits over time: a bar a month, and the same as a table. Each bar leads to its month, so that "this began in March" is one
//! press away from what was written in March.

use jiff::civil::Date;
use maud::{Markup, html};

const WIDTH: i64 = 1000;
/// Where bars stand.
const FLOOR: i64 = 96;
/// Room above for bars.
const ROOM: i64 = 76;
const HEIGHT: i64 = 116;
/// Widest bar: two months are no two walls.
const WIDEST: i64 = 60;

/// Draws months without gaps, oldest first. `way` is the address that narrows to a month.
pub fn months(months: &[(Date, usize)], earlier: usize, way: impl Fn(Date) -> String) -> Markup {
    let step = (WIDTH / (months.len() as i64).max(1)).min(2 * WIDEST);
    let most = months.iter().map(|(_, count)| *count).max().unwrap_or(0);
    let each = (months.len() as i64 * 70 / WIDTH).max(0) as usize + 1;
    html! {
        figure.picture {
            svg.months viewBox={ "0 0 " (WIDTH) " " (HEIGHT) } role="img" aria-labelledby="months-title months-desc" {
                title #months-title { "Hits over time" }
                desc #months-desc {
                    "A bar a month, " (months.len()) @if months.len() == 1 { " month" } @else { " months" } ", at most " (most)
                    " in one. The table below has the same."
                }
                line.zero x1="0" x2=(WIDTH) y1=(FLOOR) y2=(FLOOR) {}
                @for (place, (month, count)) in months.iter().enumerate() {
                    @let left = step * place as i64;
                    @let high = height(*count, most);
                    @if *count > 0 {
                        rect.bar-of x=(left + 3) y=(FLOOR - high) width=((step - 6).clamp(2, WIDEST)) height=(high) {}
                        @if months.len() <= 24 { text.due x=(left + 3) y=(FLOOR - high - 4) { (count) } }
                    }
                    @if place % each == 0 { text.axis x=(left + 3) y=(HEIGHT - 4) { (month.strftime("%b %y")) } }
                }
            }
            details.data #months-data {
                summary { "Hits over time as a table" }
                table.plain {
                    caption.unseen { "Hits by month" }
                    thead { tr { th scope="col" { "Month" } th scope="col" { "Messages" } } }
                    tbody {
                        @for (month, count) in months.iter().rev().filter(|(_, count)| *count > 0) {
                            tr { th scope="row" { a href=(way(*month)) { (month.strftime("%B %Y")) } } td { (count) } }
                        }
                        @if earlier > 0 { tr { th scope="row" { "earlier" } td { (earlier) } } }
                    }
                }
            }
        }
    }
}

/// As high as its share of the highest; one hit is still seen.
fn height(count: usize, most: usize) -> i64 {
    let share = ROOM * count as i64 / (most as i64).max(1);
    if count > 0 { share.max(2) } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    #[test]
    fn the_picture_and_the_table_say_the_same() {
        let hits = [(date(2026, 1, 1), 4), (date(2026, 2, 1), 0), (date(2026, 3, 1), 1)];
        let drawn = months(&hits, 7, |month| format!("/s?m={month}")).into_string();
        assert_eq!(drawn.matches("<rect").count(), 2, "no bar for nothing: {drawn}");
        assert!(
            drawn.contains("height=\"76\"") && drawn.contains("height=\"19\""),
            "{drawn}"
        );
        assert!(drawn.contains("href=\"/s?m=2026-03-01\">March 2026</a>"), "{drawn}");
        assert!(drawn.contains("<td>4</td>") && !drawn.contains("February"), "{drawn}");
        assert!(drawn.contains("earlier</th><td>7</td>"), "{drawn}");
    }

    #[test]
    fn one_hit_among_thousands_is_seen() {
        assert_eq!(
            (height(1, 10_000), height(0, 10), height(10, 10), height(0, 0)),
            (2, 0, 76, 0)
        );
    }
}
