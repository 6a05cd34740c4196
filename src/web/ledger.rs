//! `/ledger`, the book of promises: what we said and what we did, a week at a time (UX.md §1.5 of the design).
//!
//! Figures are read from sums and rows from the index of due times: a page costs what it shows. `?week=DAY` is another week,
//! `?customer=NUMBER` one customer's view, `?by=lane` the last quarter by something else, `?form=csv` and `?form=json` the
//! same as data. What was broken cannot be hidden: there is no filter for it.

use super::acting::Acting;
use super::layout::{self, Frame, counted};
use super::strip::{self, Day};
use super::{House, Words, listen, spoken};
use crate::desk::book::{self, Line, Move};
use crate::desk::figures::{self, Figures, Question, Report};
use crate::desk::{CustomerId, Desk, outbox, say, sheet};
use crate::limits;
use crate::refusal::{Outcome, Refusal};
use crate::store::Tx;
use axum::extract::{Query, State as Given};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};
use maud::{Markup, html};
use serde_json::json;

/// Weeks that the page lists, a quarter of a year.
const WEEKS: i64 = 13;

/// What was asked, understood.
struct Asked {
    monday: Date,
    customer: Option<CustomerId>,
    by: String,
    behind: Option<book::Place>,
}

/// Everything that the page shows, from one snapshot.
struct Screen {
    week: Report,
    quarter: Report,
    lines: Vec<Line>,
    moves: Vec<Move>,
    days: Vec<Day>,
    mail_held: bool,
}

/// Shows the page, or the same as data.
pub async fn show(Given(house): Given<House>, acting: Acting, Query(words): Query<Words>) -> Response {
    let done = listen::blocking(move || {
        let (door, now) = (&house.door, house.door.clock.now());
        let asked = understood(&words, &door.desk, now)?;
        match words.get("form").map(String::as_str) {
            None => Ok(page(&house, &acting, &asked, now)?.into_response()),
            Some(form) => export(&house, &asked, form, now),
        }
    });
    done.await.unwrap_or_else(|fault| super::said(&spoken(&fault)))
}

fn understood(words: &Words, desk: &Desk, now: Timestamp) -> Outcome<Asked> {
    let number = |name: &str| {
        words
            .get(name)
            .map(|text| text.parse::<i64>().map_err(|_| no_such(name)))
            .transpose()
    };
    let day = words
        .get("week")
        .map(|text| text.parse::<Date>().map_err(|_| no_such("week")))
        .transpose()?;
    let behind = words.get("from").and_then(|text| {
        let (at, id) = text.split_once('.')?;
        Some((Timestamp::from_millisecond(at.parse().ok()?).ok()?, id.parse().ok()?))
    });
    Ok(Asked {
        monday: day.map_or_else(|| figures::monday(now, &desk.zone), figures::monday_of),
        customer: number("customer")?.map(CustomerId),
        by: words.get("by").cloned().unwrap_or_else(|| "week".into()),
        behind,
    })
}

fn no_such(name: &str) -> Refusal {
    Refusal::usage(format!(
        "The address names a {name} that is none. `/ledger` shows this week."
    ))
}

fn read(tx: &mut Tx<'_>, now: Timestamp, desk: &Desk, asked: &Asked) -> Outcome<Screen> {
    let question = |weeks, by: &str| Question {
        day: Some(asked.monday),
        weeks,
        by: by.to_owned(),
        customer: asked.customer,
    };
    let bounds = figures::bounds(asked.monday, &desk.zone);
    let mut days = Vec::new();
    for count in 0..7 {
        let day = after(asked.monday, count);
        let span = (
            figures::day_begins(day, &desk.zone),
            figures::day_begins(after(day, 1), &desk.zone),
        );
        let mut lines = book::lines(tx, desk, span, asked.customer, None, limits::STRIP_TICKS + 1)?;
        let more = lines.len() as i64 > limits::STRIP_TICKS;
        lines.truncate(limits::STRIP_TICKS as usize);
        days.push(Day { day, lines, more });
    }
    Ok(Screen {
        week: figures::report(tx, now, desk, &question(1, "week"))?,
        quarter: figures::report(tx, now, desk, &question(WEEKS, &asked.by))?,
        // One more than is shown says whether there is a further page.
        lines: book::lines(tx, desk, bounds, asked.customer, asked.behind, limits::BOOK_ROWS + 1)?,
        moves: book::moves(tx, bounds, asked.customer, limits::BOOK_MOVES)?,
        days,
        mail_held: outbox::is_held(tx)?,
    })
}

fn after(day: Date, days: i64) -> Date {
    day.saturating_add(SignedDuration::from_hours(24 * days))
}

/// The address of a view.
fn address(asked: &Asked, monday: Date, more: &str) -> String {
    let customer = asked.customer.map_or(String::new(), |id| format!("&customer={}", id.0));
    format!("/ledger?week={monday}{customer}{more}")
}

/// The week's rows, or the quarter's figures, as data.
fn export(house: &House, asked: &Asked, form: &str, now: Timestamp) -> Outcome<Response> {
    let (door, desk) = (&house.door, &house.door.desk);
    let bounds = figures::bounds(asked.monday, &desk.zone);
    let (report, lines) = door.store.read(|tx| {
        let question = Question {
            day: Some(asked.monday),
            weeks: if asked.by == "week" { 1 } else { WEEKS },
            by: asked.by.clone(),
            customer: asked.customer,
        };
        let lines = match asked.by.as_str() {
            "week" => book::lines(tx, desk, bounds, asked.customer, None, limits::BOOK_EXPORT)?,
            _ => Vec::new(),
        };
        Ok((figures::report(tx, now, desk, &question)?, lines))
    })?;
    let name = format!("ledger-{}.{form}", asked.monday);
    let (kind, body) = match (form, asked.by.as_str()) {
        ("csv", "week") => ("text/csv; charset=utf-8", sheet::of_lines(&lines)),
        ("csv", _) => ("text/csv; charset=utf-8", sheet::of_figures(&report)),
        ("json", _) => (
            "application/json",
            json!({"figures": report, "promises": lines}).to_string(),
        ),
        _ => return Err(Refusal::usage("The ledger is given out as csv or json.").into()),
    };
    let saved = format!("attachment; filename=\"{name}\"");
    let head = [
        (header::CONTENT_TYPE, kind.to_owned()),
        (header::CONTENT_DISPOSITION, saved),
    ];
    Ok((head, body).into_response())
}

fn page(house: &House, acting: &Acting, asked: &Asked, now: Timestamp) -> Outcome<Markup> {
    let (door, desk) = (&house.door, &house.door.desk);
    let screen = door.store.read(|tx| read(tx, now, desk, asked))?;
    let more = asked
        .behind
        .map_or(String::new(), |(at, id)| format!("&from={}.{id}", at.as_millisecond()));
    let here = address(asked, asked.monday, &more);
    let title = screen
        .week
        .customer
        .as_ref()
        .map_or("Ledger".to_owned(), |name| format!("Ledger of {name}"));
    let content = html! {
        div #ledger data-live {
            h1 { (title) }
            (weeks_about(asked, desk, now))
            @if screen.quarter.unbroken_days.is_none() {
                div.empty { p.lead { "The first promise will be made when the first mail arrives." } }
            } @else {
                (four(&screen.week.total, screen.week.unbroken_days))
                (strip::strip(&screen.days, &desk.zone))
                (rows(&screen, asked, desk, now))
                (moves(&screen.moves, desk, now))
                (quarter(&screen.quarter, asked))
            }
        }
        (foot(asked))
    };
    let frame = Frame {
        title: &title,
        desk: &desk.name,
        address: &here,
        is_queue: false,
        mail_held: screen.mail_held,
        acting,
    };
    Ok(layout::page(&frame, content))
}

/// Which week this is, and its neighbours.
fn weeks_about(asked: &Asked, desk: &Desk, now: Timestamp) -> Markup {
    let this = figures::monday(now, &desk.zone);
    html! {
        nav.weeks aria-label="Weeks" {
            a.button href=(address(asked, after(asked.monday, -7), "")) { "Week before" }
            strong { (asked.monday.strftime("%-d %b")) " to " (after(asked.monday, 6).strftime("%-d %b %Y")) }
            @if asked.monday < this {
                a.button href=(address(asked, after(asked.monday, 7), "")) { "Week after" }
                a.button href=(address(asked, this, "")) { "This week" }
            }
            @if asked.customer.is_some() { a.button href={ "/ledger?week=" (asked.monday) } { "All customers" } }
        }
    }
}

/// The four figures, never one alone.
fn four(total: &Figures, unbroken_days: Option<i64>) -> Markup {
    html! {
        ul.status.four {
            li.past[total.broken > 0] { "kept " strong { (share(total.kept, total.kept + total.broken, total.kept_per_mille)) } }
            li { "length " strong { (length(total)) } }
            li { "moved by us " strong { (share(total.moved_by_us, total.made, total.moved_by_us_per_mille)) } }
            li { "findings " strong { (share(total.findings, total.replies, total.findings_per_mille)) } }
            @if let Some(days) = unbroken_days { li { "unbroken for " strong { (counted(days, "day", "days")) } } }
        }
    }
}

/// `212 of 214 (99.1 %)`; a count alone where there are too few for a share.
fn share(part: i64, whole: i64, per_mille: Option<i64>) -> String {
    match per_mille {
        Some(share) => format!("{part} of {whole} ({}.{} %)", share / 10, share % 10),
        None => format!("{part} of {whole}"),
    }
}

fn length(figures: &Figures) -> String {
    let said = |minutes: i64| say::left(SignedDuration::from_mins(minutes));
    match (figures.median_minutes, figures.p90_minutes) {
        (Some(median), Some(p90)) => format!("{}, 90 %: {}", said(median), said(p90)),
        _ => format!("too few to say ({})", figures.made),
    }
}

fn rows(screen: &Screen, asked: &Asked, desk: &Desk, now: Timestamp) -> Markup {
    let shown = &screen.lines[..screen.lines.len().min(limits::BOOK_ROWS as usize)];
    html! {
        section.group aria-labelledby="promises-title" {
            h2 #promises-title { "Promises due in this week" }
            @if shown.is_empty() { p.none { "No promise is due in this week." } } @else {
                table.cases.book {
                    thead { tr {
                        th scope="col" { "Made" } th scope="col" { "Case" } th scope="col" { "Customer" } th scope="col" { "Due" }
                        th scope="col" { "State" } th scope="col" { "Settled" } th scope="col" { "By" } th scope="col" { "Margin" }
                    } }
                    tbody { @for line in shown { (row(line, desk, now)) } }
                }
            }
            @if let (true, Some(last)) = (screen.lines.len() > shown.len(), shown.last()) {
                p.more { a href=(address(asked, asked.monday, &format!("&from={}.{}", last.due.as_millisecond(), last.promise))) { "Further promises of this week" } }
            }
        }
    }
}

fn row(line: &Line, desk: &Desk, now: Timestamp) -> Markup {
    let sign = match line.state.as_str() {
        "kept" => "✓",
        "broken" => "✗",
        "open" => "○",
        _ => "–",
    };
    html! {
        tr class=(line.state) {
            td data-name="Made" { (layout::time(line.made, desk, now)) }
            td data-name="Case" { a href={ "/c/" (line.case) } { (line.case) } }
            td.customer data-name="Customer" { (line.customer) }
            td.due data-name="Due" { (layout::time(line.due, desk, now)) }
            td.state data-name="State" { span.sign aria-hidden="true" { (sign) } " " (line.state) @if line.state == "open" { ", " (line.word) } }
            td data-name="Settled" { @if let Some(at) = line.settled_at { (layout::time(at, desk, now)) } @else { "–" } }
            td.who data-name="By" { (line.by.as_deref().unwrap_or("–")) }
            td.left data-name="Margin" { @match line.margin_seconds {
                Some(margin) => { (say::left(SignedDuration::from_secs(margin))) " early" },
                None if line.state == "broken" => "broken at its due",
                None => "–",
            } }
        }
    }
}

fn moves(moves: &[Move], desk: &Desk, now: Timestamp) -> Markup {
    html! {
        section.group aria-labelledby="moves-title" {
            h2 #moves-title { "Moved by agreement" }
            @if moves.is_empty() { p.none { "No promise of this week was moved." } } @else {
                table.cases.book {
                    thead { tr { th scope="col" { "Case" } th scope="col" { "Was due" } th scope="col" { "Agreed instead" } th scope="col" { "Asked by" } th scope="col" { "Agreed at" } } }
                    tbody {
                        @for one in moves {
                            tr {
                                td data-name="Case" { a href={ "/c/" (one.case) } { (one.case) } }
                                td data-name="Was due" { (layout::time(one.due, desk, now)) }
                                td data-name="Agreed instead" { @match one.to.parse::<Timestamp>() { Ok(to) => (layout::time(to, desk, now)), Err(_) => "–" } }
                                td data-name="Asked by" { @if one.asked_by == "us" { "us" } @else { "the customer" } }
                                td data-name="Agreed at" { (layout::time(one.agreed_at, desk, now)) }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// The last quarter: week by week, or by something else.
fn quarter(report: &Report, asked: &Asked) -> Markup {
    html! {
        section.group aria-labelledby="quarter-title" {
            h2 #quarter-title { "The last " (WEEKS) " weeks by " (report.by) }
            @if asked.customer.is_none() {
                p.by { "By " @for by in ["week"].iter().chain(&figures::BY) { a href=(address(asked, asked.monday, &format!("&by={by}#quarter-title"))) aria-current=[(report.by == *by).then_some("true")] { (by) } " " } }
            }
            table.cases.book {
                thead { tr { th scope="col" { (report.by) } th scope="col" { "Kept" } th scope="col" { "Length" } th scope="col" { "Moved by us" } th scope="col" { "Findings" } } }
                tbody { @for one in report.rows.iter().chain([&report.total]) { (figures_row(one, report, asked)) } }
            }
        }
    }
}

fn figures_row(one: &Figures, report: &Report, asked: &Asked) -> Markup {
    let link = match (report.by.as_str(), one.customer) {
        (_, Some(id)) => Some(format!("/ledger?week={}&customer={id}", asked.monday)),
        ("week", _) => one.of.parse::<Date>().ok().map(|monday| address(asked, monday, "")),
        _ => None,
    };
    html! {
        tr.broken[one.broken > 0] {
            th scope="row" data-name=(report.by) { @match link { Some(link) => a href=(link) { (one.of) }, None => (one.of) } }
            td data-name="Kept" { (share(one.kept, one.kept + one.broken, one.kept_per_mille)) }
            td data-name="Length" { (length(one)) }
            td data-name="Moved by us" { (share(one.moved_by_us, one.made, one.moved_by_us_per_mille)) }
            td data-name="Findings" { (share(one.findings, one.replies, one.findings_per_mille)) }
        }
    }
}

fn foot(asked: &Asked) -> Markup {
    let by = match asked.by.as_str() {
        "week" => String::new(),
        by => format!("&by={by}"),
    };
    html! {
        div.hint {
            p { "Take it along: " a href=(address(asked, asked.monday, &format!("{by}&form=csv"))) { "CSV" } " · "
                a href=(address(asked, asked.monday, &format!("{by}&form=json"))) { "JSON" } ". Printed, this page is the week's sheet." }
            p { "A promise counts in the week of its due. Under 20 there is a count and no share. " code { "duly ledger --verify" }
                " proves that nothing was changed." }
        }
    }
}
