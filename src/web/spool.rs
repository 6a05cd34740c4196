//! `/spool`: all mail, both ways, that needs a look or has no case: the antidote to silence (UX.md §1.6 of the design).
//!
//! Every row says in words why it stands here and has its one button; several are marked and released in one go, each by an act of
//! its own with an outcome of its own, so that one that cannot be released keeps none of the others. Above it the way of mail, hop by
//! hop: where mail stands when none comes. What is trusted is decided by checks and settings, never by a button here: a name in a
//! header is no authority.

use super::acting::Acting;
use super::layout::{self, Frame, counted};
use super::{House, Words, hops, listen, queue, spoken, status_of};
use crate::desk::engineer::{self, Engineer, Role};
use crate::desk::spool::hops::{Hop, hops as of_the_desk};
use crate::desk::spool::{self, Row};
use crate::desk::verb::{self, Answer, Principal, Verb};
use crate::desk::{Desk, outbox};
use crate::limits;
use crate::refusal::{Outcome, Refusal};
use axum::Form;
use axum::extract::{Path, Query, State as Given};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use jiff::Timestamp;
use maud::{Markup, html};

/// What names a mark in the form begins with.
const MARK: &str = "mark-";

/// What became of one marked row.
struct Fate {
    name: String,
    refusal: Option<Refusal>,
    said: String,
}

/// What was done by the request, if anything.
#[derive(Default)]
struct Done {
    words: Option<&'static str>,
    refusal: Option<Refusal>,
    results: Vec<Fate>,
    who: String,
}

/// Shows the page.
pub async fn show(Given(house): Given<House>, acting: Acting, Query(words): Query<Words>) -> Response {
    let done = Done {
        words: words.get("done").and_then(|act| sentence(act)),
        who: words.get("as").cloned().unwrap_or_default(),
        ..Done::default()
    };
    match listen::blocking(move || page(&house, &acting, &done)).await {
        Ok(page) => page.into_response(),
        Err(fault) => super::said(&spoken(&fault)),
    }
}

/// Where whoever asks for the address of an act is sent.
pub async fn back() -> Redirect {
    Redirect::to("/spool")
}

/// Does an act to one row, to the marked ones, or to all mail.
pub async fn perform(
    Given(house): Given<House>,
    acting: Acting,
    Path(act): Path<String>,
    Form(words): Form<Words>,
) -> Response {
    match listen::blocking(move || acted(&house, &acting, &act, &words)).await {
        Ok(response) => response,
        Err(fault) => super::said(&spoken(&fault)),
    }
}

fn sentence(act: &str) -> Option<&'static str> {
    Some(match act {
        "release" => "Released. What earns a promise has one from now on.",
        "retry" => "It is sent again now.",
        "hold" => "Nothing leaves the desk until you let it. Promises go on counting.",
        "go-on" => "Mail leaves the desk again.",
        _ => return None,
    })
}

fn acted(house: &House, acting: &Acting, act: &str, words: &Words) -> Outcome<Response> {
    let what = words.get("what").cloned().unwrap_or_default();
    let verb = match act {
        "release" => Verb::Release { what },
        "retry" => Verb::Retry { what },
        "hold" => Verb::Hold { hold: true },
        "go-on" => Verb::Release { what: "all".into() },
        "marked" => return marked(house, acting, words),
        other => return Err(Refusal::missing(format!("\"{other}\" is nothing that this page does.")).into()),
    };
    match performed(house, acting, words, verb) {
        Ok((engineer, _)) => Ok(Redirect::to(&format!("/spool{}", acting.query(engineer, act))).into_response()),
        Err(fault) => {
            let refusal = spoken(&fault);
            let status = status_of(refusal.kind);
            let done = Done {
                refusal: Some(refusal),
                who: words.get("as").cloned().unwrap_or_default(),
                ..Done::default()
            };
            Ok((status, page(house, acting, &done)?).into_response())
        }
    }
}

fn performed(house: &House, acting: &Acting, words: &Words, verb: Verb) -> Outcome<(i64, Answer)> {
    let door = &house.door;
    let engineer = door.store.read(|tx| acting.engineer(tx, words))?;
    let id = engineer.id.0;
    let who = Principal::Engineer(Box::new(engineer));
    Ok((id, verb::perform(&door.store, &door.desk, door.clock.now(), who, verb)?))
}

/// Each marked row is released by itself: what was done stays done, whatever the next one says.
fn marked(house: &House, acting: &Acting, words: &Words) -> Outcome<Response> {
    let names: Vec<&str> = words.keys().filter_map(|name| name.strip_prefix(MARK)).collect();
    let who = words.get("as").cloned().unwrap_or_default();
    if names.is_empty() || names.len() > limits::SPOOL_MARKS {
        let refusal = Refusal::usage(match names.is_empty() {
            true => "Nothing is marked. Mark what is to be released, then press the button.".to_owned(),
            false => format!(
                "At most {} rows are released at once. Nothing was changed.",
                limits::SPOOL_MARKS
            ),
        });
        let done = Done {
            refusal: Some(refusal),
            who,
            ..Done::default()
        };
        return Ok((StatusCode::UNPROCESSABLE_ENTITY, page(house, acting, &done)?).into_response());
    }
    let mut results = Vec::new();
    for name in names {
        let verb = Verb::Release { what: name.to_owned() };
        let (said, refusal) = match performed(house, acting, words, verb) {
            Ok((_, Answer::Done(done))) => (done.said, None),
            Ok(_) => (String::new(), None),
            Err(fault) => (String::new(), Some(spoken(&fault))),
        };
        results.push(Fate {
            name: name.to_owned(),
            refusal,
            said,
        });
    }
    let done = Done {
        results,
        who,
        ..Done::default()
    };
    Ok(page(house, acting, &done)?.into_response())
}

/// Everything that the page shows, from one snapshot.
struct Screen {
    rows: Vec<Row>,
    hops: Vec<Hop>,
    mail_held: bool,
    engineers: Vec<Engineer>,
}

fn page(house: &House, acting: &Acting, done: &Done) -> Outcome<Markup> {
    let (door, now) = (&house.door, house.door.clock.now());
    let screen = door.store.read(|tx| {
        Ok(Screen {
            rows: spool::list(tx)?,
            hops: of_the_desk(tx)?,
            mail_held: outbox::is_held(tx)?,
            engineers: engineer::list(tx)?,
        })
    })?;
    let frame = Frame {
        title: "Spool",
        desk: &door.desk.name,
        address: "/spool",
        is_queue: false,
        mail_held: screen.mail_held,
        acting,
    };
    Ok(layout::page(&frame, content(&screen, acting, done, &door.desk, now)))
}

fn content(screen: &Screen, acting: &Acting, done: &Done, desk: &Desk, now: Timestamp) -> Markup {
    let of = |way: &str| -> Vec<&Row> {
        let rows = screen.rows.iter().filter(|row| row.way == way && row.name != "all");
        rows.collect()
    };
    let (inward, outward) = (of("in"), of("out"));
    let is_lead = acting
        .signed()
        .is_none_or(|own| own.signed.engineer.role != Role::Engineer);
    html! {
        h1 { "Spool" }
        (told(done))
        div #hops data-live { (hops::path(&screen.hops, desk, now)) }
        form #spool method="post" action="/spool/marked" {
            (acting.proof())
            div #rows data-live {
                @if inward.is_empty() && outward.is_empty() {
                    p.empty { "Nothing stands here: every message is in a case, or has left. " a href="/" { "The run queue" } " has the work." }
                }
                (part("in", "Mail in", &inward, desk, now))
                (part("out", "Mail out", &outward, desk, now))
            }
            p.send {
                @if acting.signed().is_none() { label for="as" { "As" } " " (queue::engineers(&screen.engineers, Some(&done.who))) " " }
                @if !screen.rows.is_empty() { button.main type="submit" { "Release what is marked" } " " }
                @if is_lead {
                    @if screen.mail_held { button type="submit" formaction="/spool/go-on" { "Let mail leave again" } }
                    @else { button type="submit" formaction="/spool/hold" { "Hold all mail" } }
                }
            }
        }
        p.gloss { "Releasing means: a person vouches for it. Its promise counts from now. Whom the desk believes by itself is decided by the checks of "
            "their mail domain and by the settings, never here: a name in a mail proves nothing." }
    }
}

fn told(done: &Done) -> Markup {
    html! {
        @if let Some(refusal) = &done.refusal { (layout::refused(refusal)) }
        @else if let Some(words) = done.words { (layout::done(words)) }
        @if !done.results.is_empty() {
            @let failed = done.results.iter().filter(|one| one.refusal.is_some()).count();
            div class={ "notice " (if failed == 0 { "yes" } else { "no" }) } #done role="status" {
                p { strong { (counted((done.results.len() - failed) as i64, "row is", "rows are")) " released" }
                    @if failed > 0 { ", " (failed) " not" } "." }
                ul { @for one in &done.results {
                    li { strong { (one.name) } ": " @match &one.refusal { Some(refusal) => (refusal.text), None => (one.said) } }
                } }
            }
        }
    }
}

fn part(name: &str, title: &str, rows: &[&Row], desk: &Desk, now: Timestamp) -> Markup {
    html! {
        @if !rows.is_empty() {
            section aria-labelledby={ "h-" (name) } {
                h2 id={ "h-" (name) } { (title) " " span.count { (rows.len()) } }
                ul.spool { @for row in rows { (line(row, desk, now)) } }
                @if rows.len() as i64 >= limits::LIST_ROWS { p.more { "The newest of each kind are listed, " (limits::LIST_ROWS) " at most; older ones move up as these go." } }
            }
        }
    }
}

fn line(row: &Row, desk: &Desk, now: Timestamp) -> Markup {
    let (act, word) = match (row.way.as_str(), row.state.as_str()) {
        ("out", _) => ("retry", "Send again"),
        (_, "unsorted") => ("release", "Take it on"),
        (_, "braked") => ("release", "List them"),
        (_, "unverified") => ("release", "Release"),
        _ => ("release", "Make a case of it"),
    };
    html! {
        li id=(row.name) {
            input type="checkbox" name={ (MARK) (row.name) } value="1" aria-label={ "Mark " (row.subject) };
            div {
                p { strong.state { (row.state) } " · "
                    @match row.case {
                        Some(case) => a href={ "/c/" (case) } data-row { span.number { (case) } " " (row.subject) },
                        None => a href={ "#" (row.name) } data-row { (row.subject) },
                    }
                }
                p { (reason(row)) }
                @if !row.words.is_empty() { p.hit { (row.words) } }
                p.gloss { (if row.way == "out" { "to " } else { "from " }) (row.who) " · " (layout::time(row.at, desk, now)) }
            }
            button type="submit" name="what" value=(row.name) formaction={ "/spool/" (act) } aria-label={ (word) ": " (row.subject) } { (word) }
        }
    }
}

/// Why a row stands here. A page names no commands: its button does it.
fn reason(row: &Row) -> String {
    let plain = row.reason.split("; `duly").next().unwrap_or_default();
    match plain {
        "" => "no reason was given".to_owned(),
        words => words.to_owned(),
    }
}
