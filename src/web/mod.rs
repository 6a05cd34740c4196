//! The web door: pages rendered here, for engineers who are signed in, and for customers by the links in their mail.
//!
//! It promises: a GET changes nothing; every act is a verb of the desk done as the engineer whose session it is; every
//! answer, errors included, carries the headers of [`guard`]; a page costs bounded reads of indexes, whatever the desk holds;
//! everything works without scripts, which only keep the page fresh and add keys. A desk that is `open` has no sign-in and is
//! reached from its own machine only.
//!
//! One file is one page. [`ROUTES`] is the whole map, with what each path asks of whoever comes; [`layout`] is what pages
//! share, [`chart`] their pictures.

mod act;
mod acting;
mod ask;
mod asset;
mod attach;
mod band;
mod bars;
mod case;
mod chart;
mod composer;
mod confirm;
mod file;
mod guard;
mod guest;
mod hops;
mod layout;
mod ledger;
mod listen;
mod live;
mod markdown;
mod me;
mod message;
mod offer;
mod password;
mod people;
mod queue;
mod reader;
mod route;
mod search;
mod sign_in;
mod spool;
mod strip;
mod tus;
mod well_known;

pub use guard::is_this_machine;
pub use listen::{may_open, serve};
pub use route::{Needs, policy};

use crate::clock::Clock;
use crate::desk::Desk;
use crate::files::Files;
use crate::refusal::{Fault, Kind, Outcome, Refusal};
use crate::store::Store;
use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use maud::Markup;
use route::ROUTES;
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio::sync::watch;

/// What the web door needs of the desk.
pub struct Door {
    /// The desk's data.
    pub store: Store,
    /// Its rules.
    pub desk: Arc<Desk>,
    /// Where the door reads the time.
    pub clock: Clock,
    /// `web.open`: whoever reaches the listener may read, and act as any engineer. Only on loopback: [`may_open`].
    pub open: bool,
    /// Where engineers reach pages through a proxy (`web.url`), without a slash at the end; empty: on this machine only.
    pub url: String,
    /// Files of cases, and those on their way.
    pub files: Arc<Files>,
    /// Where mail comes in: what the run queue's foot tells a newcomer.
    pub smtp: std::net::SocketAddr,
    /// The keys that our receipts and checkpoints are checked with, for whoever asks.
    pub published: String,
}

/// What every handler is given: the door, and the news that the desk stops.
#[derive(Clone)]
struct House {
    door: Arc<Door>,
    stop: watch::Receiver<bool>,
    /// Uploads that a request is writing.
    writing: tus::Writing,
}

/// Names and values of a query or a form; of a name said twice the last stands.
type Words = BTreeMap<String, String>;

/// The routes behind their guard.
fn routes(house: House) -> Router {
    let bare = ROUTES
        .iter()
        .fold(Router::new(), |router, route| router.route(route.path, route.answers()));
    // Bodies are bounded by the guard, and those of uploads by their own handlers.
    bare.fallback(missing)
        .layer(DefaultBodyLimit::disable())
        .layer(axum::middleware::from_fn_with_state(house.clone(), guard::watch))
        .with_state(house)
}

async fn missing() -> Response {
    let refusal = Refusal::missing("There is no page here. The run queue lists every open case.");
    said(&refusal)
}

/// A refusal as a page of its own.
fn said(refusal: &Refusal) -> Response {
    (status_of(refusal.kind), layout::refusal(refusal)).into_response()
}

/// A page, or why there is none. What failed underneath goes to the log, never onto the page.
fn answered(outcome: Outcome<(StatusCode, Markup)>) -> Response {
    match outcome {
        Ok(page) => page.into_response(),
        Err(fault) => said(&spoken(&fault)),
    }
}

/// What is said of a fault; its causes go to the log.
fn spoken(fault: &Fault) -> Refusal {
    if let Fault::Failed(cause) = fault {
        tracing::error!(cause = format!("{cause:#}"), "a page failed");
    }
    fault.refusal()
}

fn status_of(kind: Kind) -> StatusCode {
    match kind {
        Kind::Failed => StatusCode::INTERNAL_SERVER_ERROR,
        Kind::Usage | Kind::Dishonest | Kind::Mail => StatusCode::UNPROCESSABLE_ENTITY,
        Kind::Missing => StatusCode::NOT_FOUND,
        Kind::Conflict => StatusCode::CONFLICT,
        Kind::Forbidden => StatusCode::FORBIDDEN,
        Kind::Nothing => StatusCode::OK,
    }
}

#[cfg(test)]
mod tests;
