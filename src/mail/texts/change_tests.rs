//! Text C in all its forms, for the snapshots and rules of every text.

use super::super::tests::at;
use super::*;

/// Every form with everything that can stand in it.
pub(in crate::mail::texts) fn every(to: &To, ask: Ask<'static>) -> Vec<(&'static str, Vec<Section>)> {
    let (old, new) = (at("2026-11-24T14:00:00Z"), at("2026-11-25T09:00:00Z"));
    let change = Changed {
        what: What::Offered,
        who: "",
        due: Some(old),
        at: Some(new),
        wish: None,
        words: "the test on your data takes four hours.",
        meanwhile: "the workaround from this morning is safe to keep.",
        lead: Some("Tom Berg"),
        until: Some(at("2026-11-24T12:10:00Z")),
        answers: true,
        ask: Some(ask),
        undo: None,
    };
    let undo = Some(("https://desk.acme.example/u/x", at("2026-11-24T13:00:00Z")));
    let heard = Changed {
        answers: false,
        ask: None,
        words: "",
        meanwhile: "",
        ..change
    };
    let wished = Changed {
        wish: Some(at("2026-11-24T12:30:00Z")),
        ..heard
    };
    vec![
        ("c_offered", changed(to, &change)),
        (
            "c_offered_sooner",
            changed(
                to,
                &Changed {
                    at: Some(at("2026-11-24T12:00:00Z")),
                    ask: None,
                    lead: None,
                    words: "",
                    meanwhile: "",
                    ..change
                },
            ),
        ),
        (
            "c_countered",
            changed(
                to,
                &Changed {
                    what: What::Countered,
                    answers: true,
                    ask: Some(ask),
                    ..wished
                },
            ),
        ),
        (
            "c_asked",
            changed(
                to,
                &Changed {
                    what: What::Asked,
                    undo,
                    ..wished
                },
            ),
        ),
        (
            "c_agreed",
            changed(
                to,
                &Changed {
                    what: What::Agreed,
                    undo,
                    ..heard
                },
            ),
        ),
        (
            "c_agreed_other",
            changed(
                to,
                &Changed {
                    what: What::Agreed,
                    who: "Jörg Krüger",
                    undo,
                    ..heard
                },
            ),
        ),
        (
            "c_fine",
            changed(
                to,
                &Changed {
                    what: What::Fine,
                    at: Some(old),
                    ..heard
                },
            ),
        ),
        (
            "c_kept",
            changed(
                to,
                &Changed {
                    what: What::Kept,
                    at: Some(old),
                    ..heard
                },
            ),
        ),
        (
            "c_declined",
            changed(
                to,
                &Changed {
                    what: What::Declined,
                    ..wished
                },
            ),
        ),
        (
            "c_declined_because",
            changed(
                to,
                &Changed {
                    what: What::Declined,
                    words: "the lab is taken until then.",
                    ..wished
                },
            ),
        ),
        (
            "c_lapsed",
            changed(
                to,
                &Changed {
                    what: What::Lapsed,
                    ..wished
                },
            ),
        ),
        (
            "c_unread",
            changed(
                to,
                &Changed {
                    what: What::Unread,
                    words: "at teatime",
                    ..heard
                },
            ),
        ),
        (
            "c_entry_declined",
            changed(
                to,
                &Changed {
                    what: What::EntryDeclined,
                    ..heard
                },
            ),
        ),
        (
            "c_worse",
            changed(
                to,
                &Changed {
                    what: What::Worse,
                    undo,
                    ..heard
                },
            ),
        ),
        (
            "c_disputed",
            changed(
                to,
                &Changed {
                    what: What::Disputed,
                    undo,
                    ..heard
                },
            ),
        ),
        (
            "c_unneeded",
            changed(
                to,
                &Changed {
                    what: What::Unneeded,
                    ..heard
                },
            ),
        ),
        (
            "c_undone",
            changed(
                to,
                &Changed {
                    what: What::Undone,
                    ..heard
                },
            ),
        ),
    ]
}
