//! The authorisation matrix (SECURITY.md S4 of the design): every line of the route table, every method, tried by everybody.
//!
//! What is expected is reckoned from what the table says a line needs, never from what came back. Nobody who may not come in
//! reads a word of a customer, or learns which paths and methods there are.

use crate::front::{Front, Heard, Visitor, closed};
use duly::desk::engineer::Role;
use duly::desk::policy::Least;
use duly::desk::verb::{Principal, Verb, perform};
use duly::limits;
use duly::web::{Needs, policy};
use jiff::SignedDuration;
use std::collections::BTreeSet;

const METHODS: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
/// A word that stands in the customer's mail and nowhere else.
const CANARY: &str = "canary-4711";

/// Somebody who comes: by what, and what they are on the desk, if anything.
struct Comer<'a> {
    what: &'static str,
    visitor: Visitor<'a>,
    is: Option<Least>,
}

/// Everybody who may come to a desk with a case.
async fn everybody(front: &Front) -> Vec<Comer<'_>> {
    for (address, name, role) in [
        ("lead@acme.example", "Lea Lead", Role::Lead),
        ("root@acme.example", "Root", Role::Administrator),
        ("gone@acme.example", "Gone", Role::Engineer),
    ] {
        front.hire(address, name, role).await;
    }
    let expired = front.visitor("tom@acme.example").await;
    front
        .clock
        .set(front.clock.now() + SignedDuration::from_hours(limits::SESSION_IDLE_HOURS));
    let revoked = front.visitor("anna@acme.example").await;
    assert_eq!(revoked.send("/sign-out", &[]).await.status, 303);
    let gone = front.visitor("gone@acme.example").await;
    let (store, desk, now) = (front.store.clone(), front.desk.clone(), front.clock.now());
    let leave = move || {
        let address = "gone@acme.example".to_owned();
        perform(&store, &desk, now, Principal::Owner, Verb::CpuRemove { address }).map(|_| ())
    };
    tokio::task::spawn_blocking(leave).await.unwrap().unwrap();
    let cookie = |text: &str| Visitor {
        front,
        cookie: text.to_owned(),
    };
    let comer = |what, visitor, is| Comer { what, visitor, is };
    vec![
        comer("nobody", cookie(""), None),
        comer(
            "made up",
            cookie("duly=duly_session_aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"),
            None,
        ),
        comer(
            "under the other name",
            {
                let whole = front.visitor("anna@acme.example").await;
                cookie(&whole.cookie.replace("duly=", "__Host-duly="))
            },
            None,
        ),
        comer("expired", expired, None),
        comer("revoked", revoked, None),
        comer("left", gone, None),
        comer(
            "engineer",
            front.visitor("anna@acme.example").await,
            Some(Least::Engineer),
        ),
        comer("lead", front.visitor("lead@acme.example").await, Some(Least::Lead)),
        comer(
            "administrator",
            front.visitor("root@acme.example").await,
            Some(Least::Administrator),
        ),
    ]
}

/// A path of the table with something put in for what varies.
fn filled(path: &str, case: i64) -> String {
    path.replace("{case}", &case.to_string())
        .replace("{act}", "nothing")
        .replace("{file}", "1")
        .replace("{name}", "none.css")
        .replace("{token}", "guessed")
        .replace("{upload}", "guessed")
        .replace("{ask}", "time")
        .replace("{link}", "guessed")
}

/// Whether an answer says: sign in first.
fn asks_to_sign_in(heard: &Heard) -> bool {
    heard.status == 401 || (heard.status == 303 && heard.header("location") == "/sign-in")
}

/// What is wrong with an answer to a line of the table that is tried by somebody who is this much.
fn judged(
    path: &str,
    method: &str,
    (needs, declared): (Needs, bool),
    is: Option<Least>,
    heard: &Heard,
) -> Option<&'static str> {
    let status = heard.status;
    let reads_canary = heard.body.contains(CANARY);
    let method_is_known = (status == 405) != declared;
    let rules: &[(bool, &'static str)] = &match (needs, is) {
        (Needs::Session(_) | Needs::SessionAndBody(_), None) => {
            let wanted = match matches!(method, "GET" | "HEAD") && path != "/live" {
                true => 303,
                false => 401,
            };
            [
                (asks_to_sign_in(heard) && status == wanted, "it does not ask to sign in"),
                (!reads_canary, "it shows a customer's words"),
            ]
        }
        (Needs::Session(least) | Needs::SessionAndBody(least), Some(is)) if is < least => {
            [(status == 403, "it lets in"), (!reads_canary, "it shows")]
        }
        (Needs::Session(_) | Needs::SessionAndBody(_), Some(_)) => [
            (!asks_to_sign_in(heard) && status != 403, "it keeps out"),
            (method_is_known, "its methods are not those of the table"),
        ],
        (Needs::Token | Needs::TokenAndBody, _) => [
            (
                matches!(status, 400..=499) || method == "OPTIONS",
                "a guessed token opens something",
            ),
            (
                !reads_canary && !asks_to_sign_in(heard),
                "it shows, or asks a guest to sign in",
            ),
        ],
        (Needs::Page | Needs::Nothing, _) => [
            (!reads_canary && status != 401, "it shows, or asks to sign in"),
            (method_is_known, "its methods are not those of the table"),
        ],
    };
    let dressed = heard.header("content-security-policy").contains("default-src 'none'");
    let always = [
        (dressed, "it has no policy"),
        ((200..500).contains(&status), "it failed"),
    ];
    let broken = rules.iter().chain(&always).find(|(holds, _)| !holds);
    broken.map(|(_, what)| *what)
}

#[test]
fn a_planted_hole_is_seen() {
    let heard = |status: u16, head: &str, body: &str| Heard {
        status,
        head: format!("HTTP/1.1 {status} x\r\nContent-Security-Policy: default-src 'none'\r\n{head}"),
        body: body.to_owned(),
    };
    let session = (Needs::Session(Least::Engineer), true);
    let lead = (Needs::Session(Least::Lead), true);
    let out = "Location: /sign-in\r\n";
    let judge = |line, is, heard| judged("/c/{case}", "GET", line, is, &heard);
    assert_eq!(judge(session, None, heard(303, out, "")), None);
    assert!(judge(session, None, heard(200, "", "")).is_some(), "a page for nobody");
    assert!(
        judge(session, None, heard(404, "", "")).is_some(),
        "it tells which cases there are"
    );
    assert!(
        judge(session, None, heard(303, out, CANARY)).is_some(),
        "words beside the way to sign in"
    );
    assert!(
        judge(lead, Some(Least::Engineer), heard(200, "", "")).is_some(),
        "an engineer as a lead"
    );
    assert!(
        judge(session, Some(Least::Lead), heard(303, out, "")).is_some(),
        "a lead is kept out"
    );
    assert!(
        judge(
            (Needs::Session(Least::Engineer), false),
            Some(Least::Lead),
            heard(200, "", "")
        )
        .is_some()
    );
    assert!(
        judge((Needs::Token, true), None, heard(200, "", "")).is_some(),
        "a guessed token"
    );
    assert!(judge((Needs::Nothing, true), None, heard(200, "", CANARY)).is_some());
    assert!(judge(session, Some(Least::Lead), heard(500, "", "")).is_some());
}

#[tokio::test]
async fn every_route_and_method_lets_in_whom_the_table_says_and_nobody_else() {
    for front in closed("").await {
        let case = front.mail("priya@northwind.example", CANARY, CANARY).await;
        let comers = everybody(&front).await;
        let lines = policy();
        let paths: BTreeSet<&str> = lines.iter().map(|(path, ..)| *path).collect();
        let mut tried = 0;
        for path in &paths {
            for method in METHODS {
                let own = lines
                    .iter()
                    .find(|(one, name, _)| one == path && (*name == method || (*name == "GET" && method == "HEAD")));
                let first = lines.iter().find(|(one, ..)| one == path).expect("it was listed");
                let (declared, needs) = (own.is_some(), own.unwrap_or(first).2);
                for comer in &comers {
                    // Streams have no end to wait for; who is let in is tried in door.rs and session.rs.
                    if *path == "/live" && comer.is.is_some() && matches!(method, "GET" | "HEAD") {
                        continue;
                    }
                    // Signing out ends what the next lines are tried with.
                    if *path == "/sign-out" && method == "POST" && comer.is.is_some() {
                        continue;
                    }
                    let proof = match comer.is {
                        Some(_) => format!("form={}", comer.visitor.proof().await),
                        None => String::new(),
                    };
                    let heard = comer.visitor.ask(method, &filled(path, case), &[], &proof).await;
                    tried += 1;
                    let wrong = judged(path, method, (needs, declared), comer.is, &heard);
                    assert_eq!(
                        wrong, None,
                        "{}: {method} {path} by {}: {}",
                        front.name, comer.what, heard.head
                    );
                }
            }
        }
        // What is none of our paths looks like one of ours to whoever may not come in.
        for comer in comers.iter().filter(|comer| comer.is.is_none()) {
            for path in ["/nowhere", "/c", "/c/1/f", "/admin", "/me/x/y"] {
                assert!(
                    asks_to_sign_in(&comer.visitor.page(path).await),
                    "{path} by {}",
                    comer.what
                );
                tried += 1;
            }
        }
        assert!(tried > 1_000, "{tried}");
        println!("{}: {tried} requests", front.name);
    }
}

#[tokio::test]
async fn a_page_that_somebody_may_read_carries_what_the_matrix_looks_for() {
    for front in closed("").await {
        let case = front.mail("priya@northwind.example", CANARY, CANARY).await;
        let anna = front.visitor("anna@acme.example").await;
        // The matrix finds no canary: here it would have.
        assert!(anna.page("/").await.body.contains(CANARY));
        assert!(anna.page(&format!("/c/{case}")).await.body.contains(CANARY));
    }
}
