//! What somebody can ask who came by the link in a mail: another time, that it got worse, that a reply did not help.
//!
//! GET shows, POST asks; machines that read mail open every link. The link alone accepts nothing: what is asked here is
//! repeated by mail to everybody on the case, with a link that takes it back. Free times stand there as buttons without being
//! held: a page that is looked at changes nothing, so each is tested again when it is pressed.

use super::reader::Reader;
use super::{House, Words, guest, listen, spoken};
use crate::desk::admission;
use crate::desk::case;
use crate::desk::customer;
use crate::desk::link::{self, Guest};
use crate::desk::negotiation::{self, Heard, Way};
use crate::desk::promise::{self, Promise};
use crate::desk::{Desk, agreement};
use crate::limits;
use crate::refusal::{Outcome, Refusal};
use crate::speech::in_one_grammar;
use crate::store::Tx;
use axum::Form;
use axum::extract::{Path, Query, State as Given};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use maud::{Markup, html};
use std::sync::Arc;

/// Shows what would be asked.
pub async fn show(
    Given(house): Given<House>,
    Path((token, act)): Path<(String, String)>,
    Query(words): Query<Words>,
) -> Response {
    said(listen::blocking(move || page(&house, &token, &act, &words)).await)
}

/// Asks it.
pub async fn press(
    Given(house): Given<House>,
    Path((token, act)): Path<(String, String)>,
    Form(words): Form<Words>,
) -> Response {
    said(listen::blocking(move || pressed(&house, &token, &act, words)).await)
}

pub(super) fn said(outcome: Outcome<Markup>) -> Response {
    match outcome {
        Ok(page) => (StatusCode::OK, page).into_response(),
        Err(fault) => guest::refused(&spoken(&fault)),
    }
}

fn page(house: &House, token: &str, act: &str, words: &Words) -> Outcome<Markup> {
    let door = &house.door;
    let now = door.clock.now();
    door.store.read(|tx| {
        let guest = link::guest(tx, now, &door.desk, token)?;
        let reader = Reader::of(&customer::contact(tx, guest.contact)?, &door.desk, now);
        let action = format!("/t/{token}/{act}");
        match act {
            "time" => {
                let promise = promise_of(tx, &guest)?;
                let case = case::find(tx, guest.case)?;
                let times = admission::times(tx, now, &door.desk, &case, &promise)?;
                Ok(other_time(&door.desk, &reader, &guest, &action, &promise, &times))
            }
            "worse" => Ok(worse(&door.desk, &reader, &guest, &action)),
            "no" => {
                let reply = reply_of(tx, &guest, words)?;
                Ok(no_help(&door.desk, &reader, &guest, &action, &reply))
            }
            _ => Err(nothing().into()),
        }
    })
}

fn nothing() -> Refusal {
    Refusal::missing(
        "There is no page here. Nothing was changed. Look whether the whole link was taken over from the mail.",
    )
}

/// The promise that a guest may ask about: their own that falls due first.
fn promise_of(tx: &mut Tx<'_>, guest: &Guest) -> Outcome<Promise> {
    let open = promise::open_of(tx, guest.case)?;
    open.into_iter().find(|one| one.contact == guest.contact).ok_or_else(|| {
        Refusal::conflict("No reply is promised to you in this case now. Answer any mail of it, and there is a new promised time.")
            .into()
    })
}

fn reply_of(tx: &mut Tx<'_>, guest: &Guest, words: &Words) -> Outcome<negotiation::Delivered> {
    let message = words.get("m").and_then(|text| text.parse().ok());
    negotiation::latest_reply(tx, guest.case, message)?.ok_or_else(|| {
        Refusal::missing("There is no such reply of ours in this case. Answer any mail of it instead.").into()
    })
}

/// `Acme support · for Priya`.
fn lead(reader: &Reader, desk: &Desk, guest: &Guest) -> Markup {
    html! { p.lead { (reader.say("w-for", &[("desk", (&desk.name).into()), ("name", (&guest.name).into())])) } }
}

fn other_time(
    desk: &Desk,
    reader: &Reader,
    guest: &Guest,
    action: &str,
    promise: &Promise,
    times: &[Timestamp],
) -> Markup {
    let (case, zone) = (guest.case.0.to_string(), reader.zone.to_string());
    reader.page(
        &reader.say("w-time-title", &[("case", (&case).into())]),
        html! {
            (lead(reader, desk, guest))
            (reader.promised(promise))
            p { (reader.word("w-stands")) }
            @if !times.is_empty() {
                h2 { (reader.word("w-times")) }
                @for at in times {
                    form method="post" action=(action) {
                        input type="hidden" name="at" value=(at);
                        p.send { button type="submit" { (reader.short(*at)) } }
                    }
                }
            }
            h2 { (reader.word("w-or-say")) }
            form method="post" action=(action) {
                label.field for="time" { (reader.word("w-time")) input #time name="time" required maxlength=(limits::WISH_LINE_CHARS)
                    autocomplete="off" placeholder=(reader.word("w-example-tomorrow")); }
                div.send { button.main type="submit" { (reader.word("w-ask")) } }
                p.hint { (reader.say("w-time-hint", &[("zone", (&zone).into())])) " " code { (reader.word("w-example-friday")) } ", "
                    code { (reader.word("w-example-tomorrow")) } ", " code { "+3h" } "." }
            }
        },
    )
}

fn worse(desk: &Desk, reader: &Reader, guest: &Guest, action: &str) -> Markup {
    let case = guest.case.0.to_string();
    reader.page(
        &reader.say("w-worse-title", &[("case", (&case).into())]),
        html! {
            (lead(reader, desk, guest))
            p { (reader.word("w-worse-words")) }
            form method="post" action=(action) { p { button.primary type="submit" { (reader.word("w-worse-yes")) } } }
        },
    )
}

fn no_help(desk: &Desk, reader: &Reader, guest: &Guest, action: &str, reply: &negotiation::Delivered) -> Markup {
    let (case, at) = (guest.case.0.to_string(), reader.short(reply.at));
    let whose = [
        ("desk", (&desk.name).into()),
        ("name", (&guest.name).into()),
        ("case", (&case).into()),
    ];
    reader.page(
        &reader.word("w-no-title"),
        html! {
            p.lead { (reader.say("w-for-case", &whose)) }
            p { (reader.say("w-wrote", &[("who", (&reply.by).into()), ("time", (&at).into())])) }
            @if reply.disputed { p { (reader.word("w-disputed")) } }
            @else {
                form method="post" action=(action) {
                    input type="hidden" name="m" value=(reply.message.0);
                    p { button.primary type="submit" { (reader.word("w-no-yes")) } }
                }
                p { (reader.word("w-no-hint")) }
            }
        },
    )
}

fn pressed(house: &House, token: &str, act: &str, words: Words) -> Outcome<Markup> {
    let door = &house.door;
    let (desk, now) = (Arc::clone(&door.desk), door.clock.now());
    let (token, act) = (token.to_owned(), act.to_owned());
    let (heard, reader) = door.store.write(move |tx| {
        let guest = link::guest(tx, now, &desk, &token)?;
        let contact = customer::contact(tx, guest.contact)?;
        let case = case::find(tx, guest.case)?;
        let reader = Reader::of(&contact, &desk, now);
        let heard = match act.as_str() {
            "time" => {
                let promise = promise_of(tx, &guest)?;
                let wish = wished(&words, now, &reader.zone)?;
                negotiation::ask(tx, now, &desk, Way::Link, &promise, wish)?
            }
            "worse" => negotiation::got_worse(tx, now, &desk, Way::Link, &case, &contact)?,
            "no" => {
                let reply = reply_of(tx, &guest, &words)?;
                negotiation::did_not_help(tx, now, &desk, Way::Link, &case, &contact, &reply)?
            }
            _ => return Err(nothing().into()),
        };
        Ok((heard, reader))
    })?;
    Ok(heard_page(heard, &reader))
}

fn wished(words: &Words, now: Timestamp, zone: &crate::desk::Zone) -> Outcome<Timestamp> {
    let text = match (words.get("at"), words.get("time")) {
        (Some(at), _) => at,
        (None, Some(time)) => time,
        (None, None) => return Err(Refusal::usage("Name a time, as in: tomorrow 10:00. Nothing was changed.").into()),
    };
    let at = plan::phrase::parse(&in_one_grammar(text), now, zone)
        .map_err(|cause| Refusal::usage(format!("{cause}. Nothing was changed, the promised time stands.")))?;
    Ok(agreement::to_the_minute(at))
}

/// What became of it, in a sentence.
pub(super) fn heard_page(heard: Heard, reader: &Reader) -> Markup {
    let (title, words, at) = match heard {
        Heard::Agreed(at) => ("w-agreed", "w-we-reply", at),
        Heard::Countered(at) => ("w-countered", "w-countered-words", at),
        Heard::Asked(until) => ("w-asked", "w-asked-words", until),
        Heard::Stays(at) => ("w-stays", "w-we-reply", at),
    };
    let at = reader.time(at);
    reader.page(
        &reader.word(title),
        html! {
            p.lead #done role="status" { (reader.say(words, &[("time", (&at).into())])) }
            p { (reader.word("w-repeated")) }
        },
    )
}
