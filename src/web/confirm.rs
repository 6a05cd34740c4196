//! The page behind the link of text I: one button by which whoever reads mail at an address says that a held mail is theirs.
//!
//! It needs no sign-in and is reached from anywhere: the token is what one has to know. Looking changes nothing, since mail
//! scanners look at every link; pressing does it once. Nothing that anybody wrote is shown: the reader may be a stranger in
//! whose name somebody else wrote to us.

use super::{House, layout, listen, spoken, status_of};
use crate::desk::confirmation;
use crate::refusal::{Outcome, Refusal};
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use maud::{Markup, html};

/// Where these pages are.
pub const PATH: &str = "/confirm/";

/// Shows the button.
pub async fn show(State(house): State<House>, Path(token): Path<String>) -> Response {
    said(listen::blocking(move || asked(&house, &token)).await)
}

/// The button was pressed.
pub async fn press(State(house): State<House>, Path(token): Path<String>) -> Response {
    said(listen::blocking(move || pressed(&house, &token)).await)
}

fn asked(house: &House, token: &str) -> Outcome<Markup> {
    let door = &house.door;
    let now = door.clock.now();
    let found = door.store.read(|tx| confirmation::look(tx, now, token))?;
    if !found.is_open {
        return Err(Refusal::conflict(
            "This link was used already, or is too old. Your mail is here, and nothing needs to be done: a person looks at it. \
             If you want to add something, write to us again.",
        )
        .into());
    }
    let case = found.case.0;
    Ok(layout::alone(
        "Did you write to us?",
        html! {
            p.lead { "A mail in your name arrived at " (door.desk.name) " on "
                (layout::time(found.received_at, &door.desk, now)) ". It waits as case " (case)
                ", because nobody could check that it came from you." }
            form method="post" action={ (PATH) (token) } {
                p { button.primary type="submit" { "Yes, this mail is mine" } }
            }
            p { "With the button it gets a promised time at once, and for 90 days mail from your address is believed where \
                 nothing speaks against it. If you did not write to us, close this page: a person looks at the mail first." }
        },
    ))
}

fn pressed(house: &House, token: &str) -> Outcome<Markup> {
    let door = &house.door;
    let (desk, now, token) = (std::sync::Arc::clone(&door.desk), door.clock.now(), token.to_owned());
    let case = door
        .store
        .write(move |tx| confirmation::press(tx, now, &desk, &token))?;
    Ok(layout::alone(
        "Thank you",
        html! {
            p.lead #done role="status" { "Your mail is case " (case.0) " now, and its promised time is on its way to you by mail." }
            p { "You can close this page." }
        },
    ))
}

fn said(outcome: Outcome<Markup>) -> Response {
    match outcome {
        Ok(page) => (StatusCode::OK, page).into_response(),
        Err(fault) => {
            let refusal = spoken(&fault);
            let page = layout::alone("This link does nothing", html! { p.lead { (refusal.text) } });
            (status_of(refusal.kind), page).into_response()
        }
    }
}
