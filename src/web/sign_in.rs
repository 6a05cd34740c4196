//! `/sign-in`: how one signs in, the button behind a sign-in link, and signing out.
//!
//! A link is made by `duly cpu link` and signs in one browser, once. GET shows a button and uses nothing up: machines that
//! read mail open every link. The button sends the secret in the form, and what comes back is a session in a cookie that no
//! script can read. The answer to a link that does nothing says why, and what to do.

use super::acting::{Acting, Place};
use super::{House, Words, layout, listen, password, spoken, status_of};
use crate::desk::ledger::Actor;
use crate::desk::{Desk, session};
use crate::limits;
use crate::refusal::{Kind, Outcome, Refusal};
use axum::extract::{Extension, Form, Path, Query, State as Given};
use axum::http::header::{self, HeaderMap, HeaderValue};
use axum::http::{Method, StatusCode, Uri};
use axum::response::{IntoResponse, Redirect, Response};
use data_encoding::BASE32_NOPAD;
use maud::{Markup, html};
use std::sync::Arc;

/// Where one signs in.
pub const PATH: &str = "/sign-in";

/// How one signs in here.
pub async fn show(Given(house): Given<House>, acting: Acting, Query(words): Query<Words>) -> Response {
    match acting {
        Acting::Nobody => how(&house.door.desk, words.contains_key("out")).into_response(),
        _ => Redirect::to("/").into_response(),
    }
}

/// The button behind a link.
pub async fn offer(Given(house): Given<House>, acting: Acting, Path(link): Path<String>) -> Response {
    let page = listen::blocking(move || {
        let door = &house.door;
        not_open(&acting)?;
        let now = door.clock.now();
        let engineer = door.store.read(|tx| session::look(tx, now, &link))?;
        let other = acting
            .signed()
            .map(|session| &session.signed.engineer)
            .filter(|other| other.id != engineer.id)
            .map(|other| &other.name);
        Ok(layout::alone(
            &format!("Sign in to {}", door.desk.name),
            html! {
                p.lead { "As " strong { (engineer.name) } ", " (engineer.address) "." }
                @if let Some(other) = other { p.notice { "This browser is signed in as " (other) ". That session ends with the button." } }
                form method="post" action=(PATH) {
                    input type="hidden" name="link" value=(link);
                    p.send { button.main type="submit" { "Sign in" } }
                }
                p.gloss { "The link signs in one browser, once. The session ends " (limits::SESSION_IDLE_HOURS)
                    " hours after its last use, after " (limits::SESSION_DAYS) " days, or when you sign out." }
            },
        ))
    });
    said(page.await)
}

/// The button was pressed.
pub async fn press(
    Given(house): Given<House>,
    acting: Acting,
    Extension(place): Extension<Place>,
    asked: HeaderMap,
    Form(words): Form<Words>,
) -> Response {
    let agent = asked.get(header::USER_AGENT).and_then(|agent| agent.to_str().ok());
    let agent = agent.unwrap_or_default().to_owned();
    let wanted = Place::wanted(&asked);
    if let Some(address) = words.get("address").cloned() {
        let desk = Arc::clone(&house.door.desk);
        let done = match not_open(&acting) {
            Ok(()) => password::press(house, acting, place.clone(), agent, words).await,
            Err(refusal) => Err(refusal.into()),
        };
        return match done {
            Ok(begun) => lands(begun, &place, &wanted),
            Err(fault) => again(&desk, &spoken(&fault), &address),
        };
    }
    let begun = listen::blocking(move || {
        let door = &house.door;
        not_open(&acting)?;
        let (now, new) = (door.clock.now(), secret()?);
        let before = acting
            .signed()
            .map(|session| (session.signed.id, session.signed.engineer.id));
        let link = words.get("link").cloned().unwrap_or_default();
        // Whoever guesses waits for no disk: a write is for a link that looks as if it worked.
        door.store.read(|tx| session::look(tx, now, &link))?;
        let for_session = new.clone();
        let engineer = door
            .store
            .write(move |tx| session::begin(tx, now, &link, &for_session, &agent, before))?;
        let cookie = place.cookie_of(&engineer, &new);
        let begun = ([(header::SET_COOKIE, cookie)], Redirect::to("/")).into_response();
        Ok(lands(begun, &place, &wanted))
    });
    match begun.await {
        Ok(response) => response,
        Err(fault) => useless(&spoken(&fault)),
    }
}

/// Whoever has signed in lands on the page that they wanted, which is forgotten by that.
fn lands(mut begun: Response, place: &Place, wanted: &str) -> Response {
    if let (Ok(wanted), Ok(forgets)) = (HeaderValue::from_str(wanted), HeaderValue::from_str(&place.forgets())) {
        begun.headers_mut().insert(header::LOCATION, wanted);
        begun.headers_mut().append(header::SET_COOKIE, forgets);
    }
    begun
}

/// Signs out: the session is gone at once, whoever else holds its cookie.
pub async fn out(Given(house): Given<House>, acting: Acting, Extension(place): Extension<Place>) -> Response {
    let ended = listen::blocking(move || {
        let Some(session) = acting.signed() else { return Ok(()) };
        let (engineer, id) = (session.signed.engineer.id, session.signed.id);
        let now = house.door.clock.now();
        let actor = Actor::Engineer(engineer);
        let which = session::Which::One(id);
        let ended = house
            .door
            .store
            .write(move |tx| session::end(tx, now, actor, engineer, which));
        ended.map(|_| ())
    });
    match ended.await {
        Ok(()) => ([(header::SET_COOKIE, place.no_cookie())], Redirect::to("/sign-in?out")).into_response(),
        Err(fault) => super::said(&spoken(&fault)),
    }
}

/// Where whoever asks for the address of signing out is sent.
pub async fn back() -> Redirect {
    Redirect::to("/")
}

/// What is answered where a session is needed and there is none: a page to a person, 401 to a program. Words that were typed into
/// a form are given back; nothing typed is lost with a session. The page that was wanted is shown after signing in.
pub fn wanted(desk: &Desk, place: &Place, at: &Uri, method: &Method, asked: &HeaderMap, words: &Words) -> Response {
    let reads = matches!(*method, Method::GET | Method::HEAD);
    if reads && !is_program(at.path(), asked) {
        let page = at.path_and_query().map_or("/", |page| page.as_str());
        let remembers = place.remembers(page).map(|cookie| [(header::SET_COOKIE, cookie)]);
        return (remembers, Redirect::to(PATH)).into_response();
    }
    let page = match reads {
        true => how(desk, false),
        false => kept(
            "You are signed out",
            "Your session has ended, so nothing was sent or changed, and no promise is affected.",
            words,
            how_words(),
        ),
    };
    (StatusCode::UNAUTHORIZED, page).into_response()
}

/// A form that was not made for this session: nothing was done, nothing is lost.
pub fn of_another(words: &Words) -> Response {
    let page = kept(
        "This form is of another sign-in",
        "The page was made before you signed in here, or for somebody else, so nothing was sent or changed.",
        words,
        html! { p { "Open the page again, put your words in, and send them." } p { a.button href="/" { "Go to the run queue" } } },
    );
    (StatusCode::FORBIDDEN, page).into_response()
}

/// Whether a script or a program asks, which wants a number and no page.
fn is_program(path: &str, asked: &HeaderMap) -> bool {
    let text = |name: &str| asked.get(name).and_then(|value| value.to_str().ok());
    path == "/live"
        || text("sec-fetch-dest").is_some_and(|what| what != "document")
        || text("accept").is_some_and(|kinds| !kinds.contains("text/html") && !kinds.contains("*/*"))
}

fn how(desk: &Desk, is_out: bool) -> Markup {
    layout::alone(
        &format!("Sign in to {}", desk.name),
        html! {
            @if is_out { (layout::done("You are signed out. This browser knows nothing of the desk any more.")) }
            (how_words())
        },
    )
}

/// The page again, after a try that did not pass: the address stands as it was typed.
fn again(desk: &Desk, refusal: &Refusal, address: &str) -> Response {
    let page = layout::alone(
        &format!("Sign in to {}", desk.name),
        html! { (layout::refused(refusal)) (by_password(address)) (by_link()) },
    );
    (status_of(refusal.kind), page).into_response()
}

fn how_words() -> Markup {
    html! { (by_password("")) (by_link()) }
}

fn by_password(address: &str) -> Markup {
    html! {
        h2 { "By password" }
        (password::sign_in_form(address))
        p.gloss { "You set one on your own page, once you are signed in by a link." }
    }
}

fn by_link() -> Markup {
    html! {
        h2 { "By a link" }
        p { "An administrator of the desk makes it for you, on the machine of the desk, with" }
        pre tabindex="0" aria-label="Command" { code { "duly cpu link YOUR-ADDRESS" } }
        p { "and it works in one browser, once, for " (limits::SIGN_IN_MINUTES) " minutes. Open it, press the button, and you are in." }
        p.gloss { "You are a customer? Nothing to sign in to: the links in our mails open your pages, and an answer to any mail reaches us." }
    }
}

/// A page with what was typed.
fn kept(title: &str, what: &str, words: &Words, then: Markup) -> Markup {
    // What a person typed, and not what they chose: a choice is made again in a moment.
    let fields = [
        "text",
        "note",
        "because",
        "meanwhile",
        "tell",
        "sign",
        "until",
        "time",
        "into",
    ];
    let typed: Vec<&String> = fields
        .iter()
        .filter_map(|name| words.get(*name))
        .filter(|text| !text.trim().is_empty())
        .collect();
    layout::alone(
        title,
        html! {
            p.lead { (what) @if !typed.is_empty() { " What you wrote is here; copy it before you leave this page." } }
            @for (place, text) in typed.iter().enumerate() {
                p.field {
                    label for={ "kept-" (place) } { "Your words" }
                    textarea id={ "kept-" (place) } rows="7" readonly { "\n" (text) }
                }
            }
            (then)
        },
    )
}

fn not_open(acting: &Acting) -> Result<(), Refusal> {
    match acting {
        Acting::Anybody => Err(Refusal::conflict(
            "This desk is open (web.open = true): nobody signs in, and the link was not used. With web.open = false it works.",
        )),
        _ => Ok(()),
    }
}

fn said(outcome: Outcome<Markup>) -> Response {
    match outcome {
        Ok(page) => page.into_response(),
        Err(fault) => useless(&spoken(&fault)),
    }
}

fn useless(refusal: &Refusal) -> Response {
    let page = layout::alone(
        match refusal.kind {
            Kind::Failed => "The desk could not do this",
            _ => "This link signs in nobody",
        },
        html! {
            p.lead { (refusal.text) }
            p { "A new link comes from whoever runs the desk: " code { "duly cpu link YOUR-ADDRESS" } "." }
            p { a.button href="/" { "Go to the run queue" } }
        },
    );
    (status_of(refusal.kind), page).into_response()
}

/// A session's secret: 256 random bits, with a beginning that scanners know.
pub(super) fn secret() -> anyhow::Result<String> {
    let mut random = [0; 32];
    getrandom::fill(&mut random).map_err(|cause| anyhow::anyhow!("the system gives no random bytes: {cause}"))?;
    Ok(format!("duly_session_{}", BASE32_NOPAD.encode(&random).to_lowercase()))
}
