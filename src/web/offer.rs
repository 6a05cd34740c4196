//! The pages behind the links of an offer: accept it, once, or keep the old time; and behind that of an echo: take it back.
//!
//! They need no sign-in: the token is what one has to know, it came by mail to one address, and it works once. Looking
//! changes nothing. Nothing of the case is shown but its number and the times.

use super::ask::{heard_page, said};
use super::reader::Reader;
use super::{House, listen};
use crate::desk::customer;
use crate::desk::negotiation::{self, Step, Way, link};
use crate::desk::{Desk, promise};
use crate::refusal::{Outcome, Refusal};
use crate::store::Tx;
use axum::extract::{Path, State as Given};
use axum::response::Response;
use jiff::Timestamp;
use maud::{Markup, html};
use std::sync::Arc;

/// Where offers are answered.
pub const PATH: &str = "/o/";
/// Where steps are taken back.
pub const UNDO_PATH: &str = "/u/";

/// Shows an offer with a button.
pub async fn show(Given(house): Given<House>, Path((token, act)): Path<(String, String)>) -> Response {
    said(listen::blocking(move || asked(&house, &token, &act)).await)
}

/// The button was pressed.
pub async fn press(Given(house): Given<House>, Path((token, act)): Path<(String, String)>) -> Response {
    said(listen::blocking(move || pressed(&house, token, act)).await)
}

/// Shows what would be taken back.
pub async fn show_undo(Given(house): Given<House>, Path(token): Path<String>) -> Response {
    said(listen::blocking(move || undo_asked(&house, &token)).await)
}

/// Takes it back.
pub async fn undo(Given(house): Given<House>, Path(token): Path<String>) -> Response {
    said(listen::blocking(move || undone(&house, token)).await)
}

fn reader_of(tx: &mut Tx<'_>, desk: &Desk, step: &Step, now: Timestamp) -> Outcome<Reader> {
    Ok(Reader::of(&customer::contact(tx, step.contact)?, desk, now))
}

fn lead(reader: &Reader, desk: &Desk, step: &Step) -> Markup {
    let case = step.case.0.to_string();
    html! { p.lead { (reader.say("w-case", &[("desk", (&desk.name).into()), ("case", (&case).into())])) } }
}

fn nothing() -> Refusal {
    Refusal::missing(
        "There is no page here. Nothing was changed. Look whether the whole link was taken over from the mail.",
    )
}

fn asked(house: &House, token: &str, act: &str) -> Outcome<Markup> {
    let door = &house.door;
    let now = door.clock.now();
    let (step, reader) = door.store.read(|tx| {
        let step = link::offer(tx, token)?;
        let reader = reader_of(tx, &door.desk, &step, now)?;
        Ok((step, reader))
    })?;
    if !matches!(step.state.as_str(), "open" | "lapsed") {
        return Err(used().into());
    }
    let (title, at, button) = match act {
        "ok" => ("w-accept-title", step.at, "w-accept"),
        "keep" => ("w-keep-title", step.due, "w-keep"),
        _ => return Err(nothing().into()),
    };
    let at = at.map_or_else(String::new, |at| reader.time(at));
    Ok(reader.page(
        &reader.word(title),
        html! {
            (lead(&reader, &door.desk, &step))
            p { (reader.word("w-reply-by")) " " strong { (at) } "." }
            @if step.state == "lapsed" { p { (reader.word("w-lapsed")) } }
            form method="post" action={ (PATH) (token) "/" (act) } {
                p { button.primary type="submit" { (reader.word(button)) } }
            }
        },
    ))
}

fn used() -> Refusal {
    Refusal::conflict(
        "This link was used already. What was agreed then stands, and is in your mail. To ask for another time, answer any mail of the case.",
    )
}

fn pressed(house: &House, token: String, act: String) -> Outcome<Markup> {
    let door = &house.door;
    let (desk, now) = (Arc::clone(&door.desk), door.clock.now());
    let (heard, reader) = door.store.write(move |tx| {
        let step = link::offer(tx, &token)?;
        let reader = reader_of(tx, &desk, &step, now)?;
        if !matches!(step.state.as_str(), "open" | "lapsed") {
            return Err(used().into());
        }
        let heard = match (act.as_str(), step.promise) {
            ("ok", _) => negotiation::accept(tx, now, &desk, Way::Link, &step)?,
            ("keep", Some(promise)) => {
                let promise = promise::find(tx, promise)?;
                negotiation::keep(tx, now, &desk, Way::Link, &promise)?
            }
            _ => return Err(nothing().into()),
        };
        Ok((heard, reader))
    })?;
    Ok(heard_page(heard, &reader))
}

fn undo_asked(house: &House, token: &str) -> Outcome<Markup> {
    let door = &house.door;
    let now = door.clock.now();
    let (step, reader) = door.store.read(|tx| {
        let step = link::undone(tx, &door.desk, token)?;
        let reader = reader_of(tx, &door.desk, &step, now)?;
        Ok((step, reader))
    })?;
    let Some(until) = step.undo_until.filter(|until| *until > now) else {
        return Err(Refusal::conflict(
            "This can be taken back no more. What was agreed stands; answer any mail of the case to ask for another time.",
        )
        .into());
    };
    let until = reader.short(until);
    Ok(reader.page(
        &reader.word("w-undo-title"),
        html! {
            (lead(&reader, &door.desk, &step))
            p { (reader.word("w-undo-words")) }
            form method="post" action={ (UNDO_PATH) (token) } { p { button.primary type="submit" { (reader.word("w-undo")) } } }
            p { (reader.say("w-undo-until", &[("time", (&until).into())])) }
        },
    ))
}

fn undone(house: &House, token: String) -> Outcome<Markup> {
    let door = &house.door;
    let (desk, now) = (Arc::clone(&door.desk), door.clock.now());
    let (heard, reader) = door.store.write(move |tx| {
        let step = link::undone(tx, &desk, &token)?;
        let reader = reader_of(tx, &desk, &step, now)?;
        Ok((negotiation::undo(tx, now, &desk, &step)?, reader))
    })?;
    Ok(heard_page(heard, &reader))
}
