//! `/me`, who one is here, and where one is signed in: each session can be ended, or all others at once; and one's password.
//!
//! A session is named by its number, and only among one's own: a number of somebody else's ends nothing.

use super::acting::{Acting, Session};
use super::layout::{self, Frame};
use super::{House, Words, listen, password, spoken};
use crate::desk::ledger::Actor;
use crate::desk::session::{self, SessionRow, Which};
use crate::desk::{self, SessionId, draft, outbox};
use crate::limits;
use crate::refusal::{Outcome, Refusal};
use axum::Form;
use axum::extract::{Path, Query, State as Given};
use axum::response::{IntoResponse, Redirect, Response};
use maud::{Markup, html};

/// Shows the page.
pub async fn show(Given(house): Given<House>, acting: Acting, Query(words): Query<Words>) -> Response {
    let page = listen::blocking(move || page(&house, &acting, words.contains_key("done")));
    match page.await {
        Ok(page) => page.into_response(),
        Err(fault) => super::said(&spoken(&fault)),
    }
}

/// Ends one session, or all others; sets a password, or takes it away.
pub async fn act(
    Given(house): Given<House>,
    acting: Acting,
    Path(act): Path<String>,
    Form(words): Form<Words>,
) -> Response {
    if let Some(done) = password::act(&house, &acting, &act, &words).await {
        return done.unwrap_or_else(|fault| super::said(&spoken(&fault)));
    }
    match listen::blocking(move || ended(&house, &acting, &act, &words)).await {
        Ok(()) => Redirect::to("/me?done").into_response(),
        Err(fault) => super::said(&spoken(&fault)),
    }
}

/// Where whoever asks for the address of an act is sent.
pub async fn back() -> Redirect {
    Redirect::to("/me")
}

pub(super) fn own(acting: &Acting) -> Result<&Session, Refusal> {
    acting.signed().ok_or_else(|| {
        Refusal::missing("Nobody signs in on an open desk (web.open = true), so nobody has a page of their own here.")
    })
}

fn ended(house: &House, acting: &Acting, act: &str, words: &Words) -> Outcome<()> {
    let own = &own(acting)?.signed;
    let which = match (act, words.get("session").and_then(|text| text.parse().ok())) {
        ("others", _) => Which::AllBut(own.id),
        ("end", Some(session)) if session != own.id.0 => Which::One(SessionId(session)),
        ("end", _) => return Err(Refusal::usage("Say which session ends. This one ends with \"Sign out\".").into()),
        _ => {
            return Err(Refusal::missing("This page ends sessions and sets a password, and does nothing else.").into());
        }
    };
    let (now, engineer) = (house.door.clock.now(), own.engineer.id);
    let actor = Actor::Engineer(engineer);
    let ended = house
        .door
        .store
        .write(move |tx| session::end(tx, now, actor, engineer, which))?;
    match (ended, which) {
        (0, Which::One(_)) => Err(Refusal::missing("You have no such session; it has ended already.").into()),
        _ => Ok(()),
    }
}

fn page(house: &House, acting: &Acting, is_done: bool) -> Outcome<Markup> {
    let (door, now) = (&house.door, house.door.clock.now());
    let own = &own(acting)?.signed;
    let id = own.engineer.id;
    let (rows, has, drafts, mail_held) = door.store.read(|tx| {
        let (rows, drafts) = (session::list(tx, now, id)?, draft::all_of(tx, id)?);
        Ok((rows, desk::password::has(tx, id)?, drafts, outbox::is_held(tx)?))
    })?;
    let others = rows.len() > 1;
    let content = html! {
        h1 { (own.engineer.name) }
        p.who { (own.engineer.address) " · " (own.engineer.role.text()) " · hours " (own.engineer.hours) " in " (own.engineer.zone) }
        @if is_done { (layout::done("Done, at once.")) }
        @if !drafts.is_empty() {
            section aria-labelledby="h-drafts" {
                h2 #h-drafts { "What you have begun to write" }
                ul.rows {
                    @for (case, subject, saved_at, words) in &drafts {
                        li { div {
                            a href={ "/c/" (case) "#reply" } { span.number { (case) } " " (subject) }
                            p.gloss { "kept " (layout::time(*saved_at, &door.desk, now)) ": " (words) }
                        } }
                    }
                }
            }
        }
        section.sessions aria-labelledby="h-sessions" {
            h2 #h-sessions { "Where you are signed in" }
            ul.rows {
                @for one in &rows {
                    li {
                        div {
                            strong { (one.agent) } @if one.session == own.id.0 { " " span.tag { "this one" } }
                            p.gloss {
                                "signed in " (layout::time(one.made_at, &door.desk, now)) " · last used "
                                (layout::time(one.last_seen, &door.desk, now)) " · ends " (layout::time(one.expires_at, &door.desk, now)) " at the latest"
                            }
                        }
                        @if one.session != own.id.0 { (end_form(acting, one)) }
                    }
                }
            }
            @if others {
                form method="post" action="/me/others" { (acting.proof()) p.send { button type="submit" { "End all others" } } }
            }
            p.gloss { "A session ends " (limits::SESSION_IDLE_HOURS) " hours after its last use. If you do not know one of them, end it and tell an administrator." }
        }
        (password::section(acting, &own.engineer, has))
    };
    let frame = Frame {
        title: &own.engineer.name,
        desk: &door.desk.name,
        address: "/me",
        is_queue: false,
        mail_held,
        acting,
    };
    Ok(layout::page(&frame, content))
}

fn end_form(acting: &Acting, one: &SessionRow) -> Markup {
    html! {
        form method="post" action="/me/end" {
            (acting.proof())
            input type="hidden" name="session" value=(one.session);
            button type="submit" aria-label={ "End the session of " (one.agent) } { "End it" }
        }
    }
}
