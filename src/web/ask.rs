//! What somebody can ask who came by the link in a mail: another time, that it got worse, that a reply did not help.
//!
//! GET shows, POST asks; machines that read mail open every link. The link alone accepts nothing: what is asked here is
//! repeated by mail to everybody on the case, with a link that takes it back. Free times stand there as buttons without being
//! held: a page that is looked at changes nothing, so each is tested again when it is pressed.

use super::{House, Words, guest, layout, listen, spoken};
use crate::desk::admission;
use crate::desk::case;
use crate::desk::customer::{self, Contact};
use crate::desk::link::{self, Guest};
use crate::desk::negotiation::{self, Heard, Way};
use crate::desk::promise::{self, Promise};
use crate::desk::{Desk, agreement, say};
use crate::limits;
use crate::refusal::{Outcome, Refusal};
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
        let contact = customer::contact(tx, guest.contact)?;
        let action = format!("/t/{token}/{act}");
        match act {
            "time" => {
                let promise = promise_of(tx, &guest)?;
                let case = case::find(tx, guest.case)?;
                let times = admission::times(tx, now, &door.desk, &case, &promise)?;
                Ok(other_time(&door.desk, now, &guest, &contact, &action, &promise, &times))
            }
            "worse" => Ok(worse(&door.desk, &guest, &action)),
            "no" => {
                let reply = reply_of(tx, &guest, words)?;
                Ok(no_help(&door.desk, now, &guest, &contact, &action, &reply))
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

fn other_time(
    desk: &Desk,
    now: Timestamp,
    guest: &Guest,
    contact: &Contact,
    action: &str,
    promise: &Promise,
    times: &[Timestamp],
) -> Markup {
    let zone = contact.zone_or(&desk.zone);
    layout::alone(
        &format!("Another time for case {}", guest.case.0),
        html! {
            p.lead { (desk.name) " · for " (guest.name) }
            p { "We will reply by " strong { (say::line(promise.due, &zone, now)) } ". That stands until another time is agreed." }
            @if !times.is_empty() {
                h2 { "Times that we can keep" }
                @for at in times {
                    form method="post" action=(action) {
                        input type="hidden" name="at" value=(at);
                        p.send { button type="submit" { (say::short(*at, &zone, now)) } }
                    }
                }
            }
            h2 { "Or say when" }
            form method="post" action=(action) {
                label.field for="time" { "Time" input #time name="time" required maxlength=(limits::WISH_LINE_CHARS) autocomplete="off"
                    placeholder="tomorrow 10:00"; }
                div.send { button.main type="submit" { "Ask for it" } }
                p.hint { "Read in your time (" (zone.to_string()) "): " code { "fri 12:00" } ", " code { "tomorrow 10:00" } ", " code { "+3h" }
                    ". What we cannot promise yet goes to a person, and you hear what became of it." }
            }
        },
    )
}

fn worse(desk: &Desk, guest: &Guest, action: &str) -> Markup {
    layout::alone(
        &format!("Case {} got worse?", guest.case.0),
        html! {
            p.lead { (desk.name) " · for " (guest.name) }
            p { "Production is down, or data is at risk: the case goes to severity 1, gets a promised time of its own at once, and a person looks at it first." }
            form method="post" action=(action) { p { button.primary type="submit" { "Yes, it got worse" } } }
        },
    )
}

fn no_help(
    desk: &Desk,
    now: Timestamp,
    guest: &Guest,
    contact: &Contact,
    action: &str,
    reply: &negotiation::Delivered,
) -> Markup {
    let zone = contact.zone_or(&desk.zone);
    layout::alone(
        "Did this not help?",
        html! {
            p.lead { (desk.name) " · for " (guest.name) " · case " (guest.case.0) }
            p { (reply.by) " wrote to you on " strong { (say::short(reply.at, &zone, now)) } "." }
            @if reply.disputed { p { "You have said that it did not help, and have a new promised time." } }
            @else {
                form method="post" action=(action) {
                    input type="hidden" name="m" value=(reply.message.0);
                    p { button.primary type="submit" { "No, this did not help" } }
                }
                p { "You get a new promised time at once. If you can say what is missing, answer the mail as well." }
            }
        },
    )
}

fn pressed(house: &House, token: &str, act: &str, words: Words) -> Outcome<Markup> {
    let door = &house.door;
    let (desk, now) = (Arc::clone(&door.desk), door.clock.now());
    let (token, act) = (token.to_owned(), act.to_owned());
    let (heard, zone) = door.store.write(move |tx| {
        let guest = link::guest(tx, now, &desk, &token)?;
        let contact = customer::contact(tx, guest.contact)?;
        let case = case::find(tx, guest.case)?;
        let zone = contact.zone_or(&desk.zone);
        let heard = match act.as_str() {
            "time" => {
                let promise = promise_of(tx, &guest)?;
                let wish = wished(&words, now, &zone)?;
                negotiation::ask(tx, now, &desk, Way::Link, &promise, wish)?
            }
            "worse" => negotiation::got_worse(tx, now, &desk, Way::Link, &case, &contact)?,
            "no" => {
                let reply = reply_of(tx, &guest, &words)?;
                negotiation::did_not_help(tx, now, &desk, Way::Link, &case, &contact, &reply)?
            }
            _ => return Err(nothing().into()),
        };
        Ok((heard, zone))
    })?;
    Ok(heard_page(heard, &zone, now))
}

fn wished(words: &Words, now: Timestamp, zone: &crate::desk::Zone) -> Outcome<Timestamp> {
    let text = match (words.get("at"), words.get("time")) {
        (Some(at), _) => at,
        (None, Some(time)) => time,
        (None, None) => return Err(Refusal::usage("Name a time, as in: tomorrow 10:00. Nothing was changed.").into()),
    };
    let at = plan::phrase::parse(text, now, zone)
        .map_err(|cause| Refusal::usage(format!("{cause}. Nothing was changed, the promised time stands.")))?;
    Ok(agreement::to_the_minute(at))
}

/// What became of it, in a sentence.
pub(super) fn heard_page(heard: Heard, zone: &crate::desk::Zone, now: Timestamp) -> Markup {
    let said = |at: Timestamp| say::line(at, zone, now);
    let (title, words) = match heard {
        Heard::Agreed(at) => ("Agreed", format!("We will reply by {}.", said(at))),
        Heard::Countered(at) => (
            "Not that early",
            format!(
                "What is promised already fills the time. The earliest that we can keep is {}: it is on its way to you by mail, where \
                 one press accepts it. A person knows of your wish. Until you accept, the promised time stands.",
                said(at)
            ),
        ),
        Heard::Asked(until) => (
            "A person decides",
            format!(
                "What is promised already fills the time. A person looks at your wish, and you hear what became of it by {}. \
                 Until then the promised time stands.",
                said(until)
            ),
        ),
        Heard::Stays(at) => ("It stays", format!("We will reply by {}.", said(at))),
    };
    layout::alone(
        title,
        html! {
            p.lead #done role="status" { (words) }
            p { "It is repeated to you by mail. You can close this page." }
        },
    )
}
