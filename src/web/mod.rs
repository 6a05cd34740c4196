//! The web door: pages rendered here, read without login only on the machine itself.
//!
//! It promises: a GET changes nothing; every act is a verb of the desk done as an engineer; every answer, errors included,
//! carries the headers of [`guard`]; a page costs bounded reads of indexes, whatever the desk holds; everything works
//! without scripts, which only keep the page fresh and add keys. It leaves out: sign-in and sessions. Until they are
//! there a desk that is not `open` shows one page that says so.
//!
//! One file is one page. [`ROUTES`] is the whole map; [`layout`] is what pages share, [`chart`] their pictures.

mod act;
mod asset;
mod case;
mod chart;
mod confirm;
mod file;
mod guard;
mod guest;
mod layout;
mod listen;
mod live;
mod message;
mod queue;
mod tus;

pub use listen::{may_open, serve};

use crate::clock::Clock;
use crate::desk::Desk;
use crate::files::Files;
use crate::refusal::{Fault, Kind, Outcome, Refusal};
use crate::store::Store;
use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, any, get, post};
use maud::Markup;
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
    /// Files of cases, and those on their way.
    pub files: Arc<Files>,
    /// Where mail comes in: what the run queue's foot tells a newcomer.
    pub smtp: std::net::SocketAddr,
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

/// A path, and what answers it.
type Route = (&'static str, fn() -> MethodRouter<House>);

/// Every path of this door.
const ROUTES: [Route; 12] = [
    ("/", || get(queue::show)),
    ("/next", || post(queue::next).get(queue::back)),
    ("/c/{case}", || get(case::show)),
    ("/c/{case}/{act}", || post(act::perform).get(act::back)),
    ("/c/{case}/f/{file}", || get(file::show)),
    ("/t/{token}", || get(guest::show)),
    ("/t/{token}/up", || {
        get(guest::show).post(guest::take).options(tus::options)
    }),
    ("/t/{token}/up/{upload}", || any(tus::go_on)),
    ("/t/{token}/f/{upload}", || get(file::fetch)),
    ("/confirm/{token}", || get(confirm::show).post(confirm::press)),
    ("/live", || get(live::changes)),
    ("/a/{name}", || get(asset::show)),
];

/// The routes behind their guard.
fn routes(house: House) -> Router {
    let bare = ROUTES
        .iter()
        .fold(Router::new(), |router, (path, answer)| router.route(path, answer()));
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
