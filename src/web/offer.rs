//! The pages behind the links of an offer: accept it, once, or keep the old time; and behind that of an echo: take it back.
//!
//! They need no sign-in: the token is what one has to know, it came by mail to one address, and it works once. Looking
//! changes nothing. Nothing of the case is shown but its number and the times.

use super::ask::{heard_page, said};
use super::{House, layout, listen};
use crate::desk::customer;
use crate::desk::negotiation::{self, Step, Way, link};
use crate::desk::{Desk, Zone, promise, say};
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

fn zone_of(tx: &mut Tx<'_>, desk: &Desk, step: &Step) -> Outcome<Zone> {
    Ok(customer::contact(tx, step.contact)?.zone_or(&desk.zone))
}

fn nothing() -> Refusal {
    Refusal::missing(
        "There is no page here. Nothing was changed. Look whether the whole link was taken over from the mail.",
    )
}

fn asked(house: &House, token: &str, act: &str) -> Outcome<Markup> {
    let door = &house.door;
    let now = door.clock.now();
    let (step, zone) = door.store.read(|tx| {
        let step = link::offer(tx, token)?;
        let zone = zone_of(tx, &door.desk, &step)?;
        Ok((step, zone))
    })?;
    if !matches!(step.state.as_str(), "open" | "lapsed") {
        return Err(used().into());
    }
    let said = |at: Option<Timestamp>| at.map_or_else(String::new, |at| say::line(at, &zone, now));
    let (title, words, button) = match act {
        "ok" => ("Accept this time?", said(step.at), "Yes, that is fine"),
        "keep" => ("Keep the old time?", said(step.due), "I need it by then"),
        _ => return Err(nothing().into()),
    };
    Ok(layout::alone(
        title,
        html! {
            p.lead { (door.desk.name) " · case " (step.case.0) }
            p { "We reply by " strong { (words) } "." }
            @if step.state == "lapsed" { p { "The offer has lapsed meanwhile. If the time is still free, it is yours; if not, you get the next one that is." } }
            form method="post" action={ (PATH) (token) "/" (act) } {
                p { button.primary type="submit" { (button) } }
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
    let (heard, zone) = door.store.write(move |tx| {
        let step = link::offer(tx, &token)?;
        let zone = zone_of(tx, &desk, &step)?;
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
        Ok((heard, zone))
    })?;
    Ok(heard_page(heard, &zone, now))
}

fn undo_asked(house: &House, token: &str) -> Outcome<Markup> {
    let door = &house.door;
    let now = door.clock.now();
    let (step, zone) = door.store.read(|tx| {
        let step = link::undone(tx, &door.desk, token)?;
        let zone = zone_of(tx, &door.desk, &step)?;
        Ok((step, zone))
    })?;
    let Some(until) = step.undo_until.filter(|until| *until > now) else {
        return Err(Refusal::conflict(
            "This can be taken back no more. What was agreed stands; answer any mail of the case to ask for another time.",
        )
        .into());
    };
    Ok(layout::alone(
        "Take it back?",
        html! {
            p.lead { (door.desk.name) " · case " (step.case.0) }
            p { "What was said last about the promised time goes back to what it was before." }
            form method="post" action={ (UNDO_PATH) (token) } { p { button.primary type="submit" { "Take it back" } } }
            p { "Possible until " (say::short(until, &zone, now)) "." }
        },
    ))
}

fn undone(house: &House, token: String) -> Outcome<Markup> {
    let door = &house.door;
    let (desk, now) = (Arc::clone(&door.desk), door.clock.now());
    let (heard, zone) = door.store.write(move |tx| {
        let step = link::undone(tx, &desk, &token)?;
        let zone = zone_of(tx, &desk, &step)?;
        Ok((negotiation::undo(tx, now, &desk, &step)?, zone))
    })?;
    Ok(heard_page(heard, &zone, now))
}
