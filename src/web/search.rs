//! `/s?q=`, search: find the sentence, the error code, the last time this happened (UX.md §1.7 of the design).
//!
//! The query line knows what `duly grep` knows. Beside the hits stand the customers and states they are of, as links that
//! narrow, and how they spread over time. `?before=MESSAGE` is a further page. What was not counted is said.

use super::acting::Acting;
use super::layout::{self, Frame, encoded};
use super::{House, Words, bars, listen, spoken, status_of};
use crate::desk::search::Hit;
use crate::desk::search::asked::{Asked, STATES, Wanted, word_of};
use crate::desk::search::sight::{self, Sight};
use crate::desk::{Desk, outbox};
use crate::limits;
use crate::refusal::{Outcome, Refusal};
use axum::extract::{Query, State as Given};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use maud::{Markup, html};

/// Shows the page.
pub async fn show(Given(house): Given<House>, acting: Acting, Query(words): Query<Words>) -> Response {
    match listen::blocking(move || page(&house, &acting, &words)).await {
        Ok(page) => page.into_response(),
        Err(fault) => super::said(&spoken(&fault)),
    }
}

fn page(house: &House, acting: &Acting, words: &Words) -> Outcome<(StatusCode, Markup)> {
    let (door, now) = (&house.door, house.door.clock.now());
    let query = words.get("q").map_or("", |text| text.trim());
    let before = words.get("before").and_then(|text| text.parse().ok());
    let (seen, mail_held) = door.store.read(|tx| {
        let look = |tx: &mut crate::store::Tx<'_>| {
            let asked = Asked::of(query)?;
            let sight = sight::look(tx, &door.desk.zone, &asked, before)?;
            Ok((asked, sight))
        };
        Ok((look(tx), outbox::is_held(tx)?))
    })?;
    let (status, content) = match seen {
        Ok((asked, sight)) => (StatusCode::OK, found(&asked, &sight, before.is_some(), &door.desk, now)),
        Err(fault) => {
            let refusal = spoken(&fault);
            (status_of(refusal.kind), refused(&refusal))
        }
    };
    let title = match query {
        "" => "Search".to_owned(),
        query => format!("{} · Search", query.chars().take(60).collect::<String>()),
    };
    let frame = Frame {
        title: &title,
        desk: &door.desk.name,
        address: "/s",
        is_queue: false,
        mail_held,
        acting,
    };
    let whole = html! {
        h1 { "Search" }
        form.search method="get" action="/s" role="search" {
            label for="q" { "Words, " code { "\"exact words\"" } ", an error code as it stands" }
            span.line { input #q type="search" name="q" value=(query) maxlength=(limits::QUERY_BYTES) autocomplete="off" spellcheck="false" autocapitalize="off" aria-describedby="q-hint";
                " " button.main type="submit" { "Search" } }
            p.gloss #q-hint { "Narrow it: " code { "customer:NAME" } " " code { "from:NAME" } " " code { "state:open" } " " code { "month:2026-03" } }
        }
        (content)
    };
    Ok((status, layout::page(&frame, whole)))
}

fn refused(refusal: &Refusal) -> Markup {
    layout::refused(refusal)
}

/// The address of a search.
fn way(asked: &Asked) -> String {
    format!("/s?q={}", encoded(&asked.text()))
}

fn found(asked: &Asked, sight: &Sight, is_further: bool, desk: &Desk, now: Timestamp) -> Markup {
    if asked.is_empty() {
        return how();
    }
    if asked.words.is_empty() && asked.customer.is_none() && asked.from.is_none() {
        return html! { p.empty { "Say a word, a customer or a person as well: every case has a state and a month." } };
    }
    if sight.total == 0 && sight.named.is_empty() {
        return nothing(asked, sight);
    }
    html! {
        p.status role="status" {
            span { strong { (sight.total) } @if sight.uncounted { " newest" } " " @if sight.total == 1 { "message" } @else { "messages" } }
            @if sight.uncounted { span { "counting stopped at " (limits::SEARCH_HITS) "; add a word or narrow it to see what is older" } }
        }
        @if sight.months.len() > 1 { (bars::months(&sight.months, sight.earlier, |month| way(&Asked { month: Some(month), ..asked.clone() }))) }
        div.columns {
            div.reading {
                @if !sight.named.is_empty() {
                    section aria-labelledby="h-named" {
                        h2 #h-named { "Customers who are called so" }
                        (list(&sight.named, &[], desk, now))
                    }
                }
                @if !sight.hits.is_empty() {
                    section aria-labelledby="h-hits" {
                        h2 #h-hits { @if is_further { "Older messages" } @else { "Messages, newest first" } }
                        (list(&sight.hits, &marked(asked), desk, now))
                        @if let Some(next) = sight.next {
                            p.more { a rel="next" href={ (way(asked)) "&before=" (next) } { "Older messages: the next " (limits::PAGE_ROWS) } }
                        }
                    }
                } @else if is_further { p.empty { "There is nothing older." } }
            }
            aside.side aria-label="Narrow it" { (facets(asked, sight)) }
        }
    }
}

/// An empty page says what can be found.
fn how() -> Markup {
    html! {
        div.empty {
            p { "Every mail and every note is found by its words, its subject and who wrote it." }
            p { "An error code is found as it stands: " a href="/s?q=ORA-00600" { "ORA-00600" } ". Words in quotes must stand together." }
        }
    }
}

/// Nothing was found: what would find something.
fn nothing(asked: &Asked, sight: &Sight) -> Markup {
    let wider = Asked {
        words: asked.words.clone(),
        ..Asked::default()
    };
    html! {
        div.empty role="status" {
            p { "No message has all of this." }
            @if !sight.near.is_empty() {
                p { "Alone: " @for (place, (word, count)) in sight.near.iter().enumerate() {
                    @if place > 0 { ", " }
                    a href={ "/s?q=" (encoded(word)) } { (word) } " (" @if *count as i64 >= limits::LIST_ROWS { (count) " or more" } @else { (count) } ")"
                } "." }
            }
            @if asked.narrows() && !asked.words.is_empty() { p { a href=(way(&wider)) { "The same words everywhere" } } }
            @if asked.words.contains('"') { p { "Without quotes the words need not stand together: "
                a href={ "/s?q=" (encoded(&asked.words.replace('"', ""))) } { "look for them so" } "." } }
            @else { p { "Words are found whole: a part of one is not. Words that must stand together go into quotes." } }
        }
    }
}

/// What is marked in a line that was found.
fn marked(asked: &Asked) -> Vec<String> {
    let words = format!("{} {}", asked.words, asked.from.as_deref().unwrap_or(""));
    let words =
        words.split(|one: char| one.is_whitespace() || matches!(one, '"' | '\u{201c}' | '\u{201d}' | '\u{201e}'));
    words
        .filter(|one| !one.is_empty())
        .map(str::to_ascii_lowercase)
        .collect()
}

fn list(hits: &[Hit], words: &[String], desk: &Desk, now: Timestamp) -> Markup {
    html! {
        ol.hits {
            @for hit in hits {
                li {
                    @match hit.case {
                        Some(case) => a href={ "/c/" (case) "#m" (hit.message) } data-row { span.number { (case) } " " (hit.subject) },
                        None => a href={ "/spool#m" (hit.message) } data-row { span.number { "spool" } " " (hit.subject) },
                    }
                    p.hit { (marks(&hit.line, words)) }
                    p.gloss { (hit.from) " · " (layout::time(hit.at, desk, now)) }
                }
            }
        }
    }
}

/// A line with what was looked for marked; letters beyond ASCII are found by the index and left unmarked.
fn marks(line: &str, words: &[String]) -> Markup {
    let low = line.to_ascii_lowercase();
    let mut parts = Vec::new();
    let mut at = 0;
    while at < line.len() {
        let found = words
            .iter()
            .filter_map(|word| low[at..].find(word.as_str()).map(|from| (at + from, word.len())));
        match found.min_by_key(|(from, length)| (*from, std::cmp::Reverse(*length))) {
            Some((from, length)) => {
                parts.push((&line[at..from], &line[from..from + length]));
                at = from + length;
            }
            None => {
                parts.push((&line[at..], ""));
                at = line.len();
            }
        }
    }
    html! { @for (plain, mark) in parts { (plain) @if !mark.is_empty() { mark { (mark) } } } }
}

/// Links that narrow, and those that undo it.
fn facets(asked: &Asked, sight: &Sight) -> Markup {
    let without_customer = Asked {
        customer: None,
        ..asked.clone()
    };
    let without_state = Asked {
        state: None,
        ..asked.clone()
    };
    html! {
        section {
            h2 { "Customer" }
            ul.facets {
                @if asked.customer.is_some() { li { a href=(way(&without_customer)) { "All customers" } } }
                @else { @for (number, name, count) in &sight.customers {
                    li { a href=(way(&Asked { customer: Some(name.clone()), ..asked.clone() })) aria-label={ (name) ", customer " (number) } { (name) } " " span.count { (count) } }
                } }
                @if asked.customer.is_none() && sight.customers.len() == limits::SEARCH_FACETS { li.gloss { "those with most of them" } }
            }
        }
        section {
            h2 { "State of the case" }
            ul.facets {
                @if asked.state.is_some() { li { a href=(way(&without_state)) { "All states" } } }
                @else { @for (state, count) in &sight.states {
                    li { a href=(way(&Asked { state: Some(Wanted::State(*state)), ..asked.clone() })) { (word_of(*state)) } " " span.count { (count) } }
                } }
            }
            p.gloss { @if asked.state.is_none() { "One of " (STATES.len()) " states; " code { "state:open" } " is all but closed." } }
        }
        @if let Some(month) = asked.month {
            section { h2 { "Month" } ul.facets { li { a href=(way(&Asked { month: None, ..asked.clone() })) { "All months" } " " span.count { "now " (month.strftime("%B %Y")) } } } }
        }
        @if let Some(from) = &asked.from {
            section { h2 { "From" } ul.facets { li { a href=(way(&Asked { from: None, ..asked.clone() })) { "Everybody" } " " span.count { "now " (from) } } } }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_looked_for_is_marked_and_what_others_wrote_stays_text() {
        let words = ["ora-00600".to_owned(), "ora".to_owned()];
        assert_eq!(
            marks("<b>ORA-00600</b> and Ora", &words).into_string(),
            "&lt;b&gt;<mark>ORA-00600</mark>&lt;/b&gt; and <mark>Ora</mark>"
        );
        assert_eq!(
            marks("naïve ü", &["ü".to_owned()]).into_string(),
            "naïve <mark>ü</mark>"
        );
        assert_eq!(marks("", &words).into_string(), "");
    }

    #[test]
    fn an_address_carries_every_letter_of_what_was_asked() {
        let asked = Asked::of("\"a&b=1#\" customer:\"Müller + Söhne\"").expect("understood");
        assert_eq!(
            way(&asked),
            "/s?q=%22a%26b%3D1%23%22%20customer%3A%22M%C3%BCller%20%2B%20S%C3%B6hne%22"
        );
    }
}
