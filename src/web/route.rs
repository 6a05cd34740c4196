//! The route table: every path and method of this door, and what each asks of whoever comes.
//!
//! The router is built from it and from nothing else, and [`guard`](super::guard) asks it what a request must bring, so a route that is not
//! declared cannot be reached. docs/POLICY.md prints it; `tests/web/matrix.rs` tries every line with everybody.

use super::{
    House, act, ask, asset, attach, case, confirm, file, guest, ledger, live, me, offer, people, queue, search,
    sign_in, spool, tus, well_known,
};
use crate::desk::policy::Least;
use axum::http::Method;
use axum::routing::{MethodRouter, delete, get, head, options, patch, post};

/// What guests ask begins so. The token follows; the handlers read it before anything else.
pub const GUESTS: &str = "/t/";

/// What a request must bring.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Needs {
    /// Nothing: the same for everybody, and no word of the desk's work.
    Nothing,
    /// The token in its path. From anywhere; what changes something from a page of ours.
    Token,
    /// The token in its path; programs send here as well, and the handler bounds what they send.
    TokenAndBody,
    /// An address of the desk: what one sees before one is signed in.
    Page,
    /// A session of somebody who is at least this.
    Session(Least),
    /// The same; the handler bounds what is sent, and asks for the proof that its form carries.
    SessionAndBody(Least),
}

impl Needs {
    /// As docs/POLICY.md says it.
    pub fn words(self) -> &'static str {
        match self {
            Needs::Nothing => "nothing",
            Needs::Token => "the token in the path; a POST from our page",
            Needs::TokenAndBody => "the token in the path",
            Needs::Page => "the desk's own address; a POST from our page",
            Needs::Session(Least::Administrator) => "a session of an administrator",
            Needs::Session(Least::Lead) => "a session of a lead",
            Needs::Session(_) => "a session",
            Needs::SessionAndBody(_) => "a session; the proof of its form, asked for by its handler",
        }
    }
}

/// A method of a path: its name, what it asks for, what answers it. GET stands for HEAD as well.
type Answer = (&'static str, Needs, fn() -> MethodRouter<House>);

/// A path.
pub struct Route {
    /// As axum writes it.
    pub path: &'static str,
    methods: &'static [Answer],
}

const ENGINEER: Needs = Needs::Session(Least::Engineer);

macro_rules! routes {
    ($($path:expr => [$($method:literal $needs:expr, $answer:expr;)+])+) => {
        /// Every path of this door.
        pub const ROUTES: &[Route] = &[$(Route { path: $path, methods: &[$(($method, $needs, || $answer)),+] }),+];
    };
}

routes! {
    "/" => ["GET" ENGINEER, get(queue::show);]
    "/ledger" => ["GET" ENGINEER, get(ledger::show);]
    "/people" => ["GET" ENGINEER, get(people::show);]
    "/next" => [
        "GET" ENGINEER, get(queue::back);
        "POST" ENGINEER, post(queue::next);
    ]
    "/c/{case}" => ["GET" ENGINEER, get(case::show);]
    "/c/{case}/attach" => [
        "GET" ENGINEER, get(attach::back);
        "POST" Needs::SessionAndBody(Least::Engineer), post(attach::take);
    ]
    "/c/{case}/{act}" => [
        "GET" ENGINEER, get(act::back);
        "POST" ENGINEER, post(act::perform);
    ]
    "/c/{case}/f/{file}" => ["GET" ENGINEER, get(file::show);]
    "/s" => ["GET" ENGINEER, get(search::show);]
    "/spool" => ["GET" ENGINEER, get(spool::show);]
    "/spool/{act}" => [
        "GET" ENGINEER, get(spool::back);
        "POST" ENGINEER, post(spool::perform);
    ]
    "/live" => ["GET" ENGINEER, get(live::changes);]
    "/me" => ["GET" ENGINEER, get(me::show);]
    "/me/{act}" => [
        "GET" ENGINEER, get(me::back);
        "POST" ENGINEER, post(me::act);
    ]
    "/sign-out" => [
        "GET" ENGINEER, get(sign_in::back);
        "POST" ENGINEER, post(sign_in::out);
    ]
    sign_in::PATH => [
        "GET" Needs::Page, get(sign_in::show);
        "POST" Needs::Page, post(sign_in::press);
    ]
    "/sign-in/{link}" => ["GET" Needs::Page, get(sign_in::offer);]
    "/t/{token}" => ["GET" Needs::Token, get(guest::show);]
    "/t/{token}/up" => [
        "GET" Needs::TokenAndBody, get(guest::show);
        "POST" Needs::TokenAndBody, post(guest::take);
        "OPTIONS" Needs::TokenAndBody, options(tus::options);
    ]
    "/t/{token}/up/{upload}" => [
        "HEAD" Needs::TokenAndBody, head(tus::go_on);
        "POST" Needs::TokenAndBody, post(tus::go_on);
        "PATCH" Needs::TokenAndBody, patch(tus::go_on);
        "DELETE" Needs::TokenAndBody, delete(tus::go_on);
        "OPTIONS" Needs::TokenAndBody, options(tus::go_on);
    ]
    "/t/{token}/f/{upload}" => ["GET" Needs::Token, get(file::fetch);]
    "/t/{token}/{ask}" => [
        "GET" Needs::Token, get(ask::show);
        "POST" Needs::Token, post(ask::press);
    ]
    "/o/{token}/{act}" => [
        "GET" Needs::Token, get(offer::show);
        "POST" Needs::Token, post(offer::press);
    ]
    "/u/{token}" => [
        "GET" Needs::Token, get(offer::show_undo);
        "POST" Needs::Token, post(offer::undo);
    ]
    "/confirm/{token}" => [
        "GET" Needs::Token, get(confirm::show);
        "POST" Needs::Token, post(confirm::press);
    ]
    well_known::PATH => ["GET" Needs::Nothing, get(well_known::show);]
    "/a/{name}" => ["GET" Needs::Nothing, get(asset::show);]
}

impl Route {
    /// What answers each of its methods.
    pub fn answers(&self) -> MethodRouter<House> {
        let all = self.methods.iter().map(|(_, _, answer)| answer());
        all.fold(MethodRouter::new(), MethodRouter::merge)
    }
}

/// What a method of a declared path asks for. One that is not declared asks for what the path's first one does, and is then
/// told that the path has no such method: who may not come in does not learn which there are.
pub fn needs(path: &str, method: &Method) -> Needs {
    let Some(route) = ROUTES.iter().find(|route| route.path == path) else {
        return ENGINEER;
    };
    let named = |name: &str| route.methods.iter().find(|(one, ..)| *one == name);
    let reads = (*method == Method::HEAD).then(|| named("GET")).flatten();
    let found = named(method.as_str()).or(reads).or(route.methods.first());
    found.map_or(ENGINEER, |(_, needs, _)| *needs)
}

/// What a path asks for that is none of ours. A guest whose link was cut off is told so, and not asked to sign in.
pub fn elsewhere(path: &str) -> Needs {
    let guests = [GUESTS, confirm::PATH, offer::PATH, offer::UNDO_PATH];
    match guests.iter().any(|begin| path.starts_with(begin)) {
        true => Needs::Token,
        false => ENGINEER,
    }
}

/// The whole table as data: path, method, what it asks for.
pub fn policy() -> Vec<(&'static str, &'static str, Needs)> {
    let lines = |route: &'static Route| {
        let methods = route.methods.iter();
        methods.map(|(method, needs, _)| (route.path, *method, *needs))
    };
    ROUTES.iter().flat_map(lines).collect()
}
