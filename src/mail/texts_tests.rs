//! Every text in every language, as it leaves; and what must hold for any input.

use super::notice::{Digest, Notice, Outcome, Why};
use super::*;
use crate::desk::outbox::DigestRow as Row;
use crate::mail::compose::{Letter, compose, text_of};
use crate::speech;
use proptest::prelude::*;

pub(super) fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn berlin() -> Zone {
    "Europe/Berlin".parse().unwrap()
}

fn to<'a>(language: &str, zone: &'a Zone) -> To<'a> {
    To {
        speech: Speech::of(language),
        name: "Priya Nair",
        case: 4711,
        subject: "Replica lag after 8.4 upgrade",
        zone,
        now: at("2026-11-24T10:55:00Z"),
        desk_name: "Acme Support",
    }
}

fn arrived() -> Arrived<'static> {
    Arrived {
        files: (2, 3_100_000),
        due: at("2026-11-24T14:00:00Z"),
        by: Some("Anna Keller"),
        urgent_by: Some(at("2026-11-24T11:20:00Z")),
        ..Arrived::default()
    }
}

const QUOTED: Quoted<'_> = Quoted {
    at: Timestamp::constant(1_795_507_920, 0),
    who: "Priya N.",
    text: "It lags.\n\n> earlier\nWhy?\n",
};

fn answer<'a>(next: Next) -> Reply<'a> {
    Reply {
        words: "Hello Priya,\n\nrun the `ALTER` below:\n\n    ALTER TABLE orders_archive ADD PRIMARY KEY (id);\n\n| server | lag |\n|---|---|\n| b | 40 min |\n",
        where_we_stand: "the lag comes from one missing primary key.",
        next,
        by: "Anna Keller",
        quoted: Some(QUOTED),
        link: None,
        no_link: None,
    }
}

/// The letter as it leaves, its body parsed back and unwrapped nowhere.
fn sent(words: Vec<Section>) -> String {
    let letter = Letter {
        from_name: String::new(),
        from: "a@b.example".into(),
        to: vec!["c@d.example".into()],
        cc: vec![],
        reply_to: None,
        list_id: None,
        subject: "x".into(),
        message_id: "1@b.example".into(),
        in_reply_to: None,
        references: vec![],
        thread_index: None,
        thread_topic: None,
        auto: None,
        promise: None,
        date: Timestamp::UNIX_EPOCH,
        zone: Zone::UTC,
        language: "en".into(),
        words,
        twin: true,
        links: vec![],
        calendar: None,
        files: vec![],
    };
    let mail = compose(&letter);
    let mail = mail_parser::MessageParser::default().parse(&mail).unwrap();
    let text = mail.body_text(0).unwrap().replace("\r\n", "\n");
    text.lines().map(|line| format!("{}\n", line.trim_end())).collect()
}

/// Every text with everything that can stand in it, and with little.
fn every_text(language: &str, zone: &Zone) -> Vec<(&'static str, Vec<Section>)> {
    let to = to(language, zone);
    let (old, new) = (at("2026-11-24T14:00:00Z"), at("2026-11-25T09:00:00Z"));
    let until = at("2026-11-27T11:00:00Z");
    let ask = Ask {
        yes: "https://desk.acme.example/o/x/ok",
        other: "https://desk.acme.example/t/x/time",
        keep: "https://desk.acme.example/o/x/keep",
    };
    let closing = Closing {
        waited_until: Some(until),
        resolution: "answered",
        summary: "the ALTER of 24 November fixes it; bug 118234 stays open until 8.4.5.",
        solved: Some(("https://desk.acme.example/t/x/y", "https://desk.acme.example/t/x/n")),
    };
    let note = Notice {
        why: Why::Wrote,
        who: "Priya Nair",
        customer: "Northwind",
        others: 2,
        severity: 3,
        due: Some(old),
        words: "It lags again.\nSince ten.",
    };
    let row = |case, time: &str| Row {
        case,
        at: at(time),
        subject: "Replica lag".into(),
    };
    let promises = [row(4711, "2026-11-24T14:00:00Z"), row(4712, "2026-11-24T15:00:00Z")];
    let (risk, waiting) = ([row(4711, "2026-11-24T12:00:00Z")], [row(4600, "2026-11-27T11:00:00Z")]);
    let full_day = Digest {
        promises: &promises,
        risk: &risk,
        waiting: &waiting,
        ready: 3,
    };
    let mut all = vec![
        ("a_arrived", acknowledgement(&to, &arrived())),
        (
            "a_arrived_bare",
            acknowledgement(
                &To {
                    subject: "",
                    name: "",
                    ..to
                },
                &Arrived {
                    by: None,
                    urgent_by: None,
                    files: (0, 0),
                    ..arrived()
                },
            ),
        ),
        (
            "a_arrived_urgent",
            acknowledgement(
                &to,
                &Arrived {
                    urgent: true,
                    later_than_usual: true,
                    files: (1, 900),
                    ..arrived()
                },
            ),
        ),
        (
            "a_arrived_offered",
            acknowledgement(
                &to,
                &Arrived {
                    offered: Some((new, Some(ask))),
                    time_link: Some(ask.other),
                    ..arrived()
                },
            ),
        ),
        (
            "a_arrived_links",
            acknowledgement(
                &to,
                &Arrived {
                    time_link: Some(ask.other),
                    upload_link: Some("https://desk.acme.example/t/x/up"),
                    ..arrived()
                },
            ),
        ),
        ("b_reply_owes", reply(&to, &answer(Next::Owe(new)))),
        (
            "b_reply_waits",
            reply(
                &to,
                &Reply {
                    where_we_stand: "",
                    ..answer(Next::WaitUntil(until))
                },
            ),
        ),
        (
            "b_reply_closes",
            reply(
                &to,
                &Reply {
                    quoted: None,
                    link: Some("https://desk.acme.example/t/x"),
                    no_link: Some("https://desk.acme.example/t/x/no"),
                    ..answer(Next::Close)
                },
            ),
        ),
        (
            "d_reminder",
            reminder(
                &to,
                &Reminder {
                    need: "",
                    until,
                    quoted: Some(QUOTED),
                },
            ),
        ),
        (
            "d_reminder_in_words",
            reminder(
                &to,
                &Reminder {
                    need: "SHOW REPLICA STATUS of both servers.",
                    until,
                    quoted: None,
                },
            ),
        ),
        (
            "e_handed_on",
            handed_on(
                &to,
                &HandedOn {
                    party: "upstream",
                    words: "The trace is with them: https://bugs.example/118234\n\nUntil then `ALGORITHM=COPY` is safe.",
                    next_word: new,
                    by: "Anna Keller",
                },
            ),
        ),
        ("f_closing", super::closing(&to, &closing)),
        (
            "f_closing_by_hand",
            super::closing(
                &to,
                &Closing {
                    waited_until: None,
                    resolution: "fixed upstream",
                    summary: "",
                    solved: None,
                },
            ),
        ),
        (
            "g_broken",
            broken(
                &to,
                &Broken {
                    said: old,
                    new_time: new,
                    lead: "Tom Berg",
                    changed: "a second person reads the queue at noon.",
                },
            ),
        ),
        ("h_notice", notice::notice(&to, &note)),
        (
            "h_notice_woken",
            notice::notice(
                &to,
                &Notice {
                    why: Why::Woken,
                    others: 0,
                    due: None,
                    ..note
                },
            ),
        ),
        (
            "h_notice_failed",
            notice::notice(
                &to,
                &Notice {
                    why: Why::Failed,
                    others: 1,
                    ..note
                },
            ),
        ),
        (
            "h_next",
            notice::notice(
                &to,
                &Notice {
                    why: Why::Next("earliest promise of the 7 you can answer"),
                    ..note
                },
            ),
        ),
        (
            "h_digest",
            notice::digest(
                &To {
                    name: "Anna Keller",
                    ..to
                },
                &full_day,
            ),
        ),
        (
            "h_digest_quiet",
            notice::digest(
                &To {
                    name: "Anna Keller",
                    ..to
                },
                &Digest::default(),
            ),
        ),
        (
            "h_done",
            notice::outcome(
                &to,
                &Outcome::Done {
                    said: "Case 4711 waits for the customer until Fri 27 Nov 12:00 CET.",
                    undo: Some(until),
                },
            ),
        ),
        (
            "h_done_undo",
            notice::outcome(
                &to,
                &Outcome::Done {
                    said: "Noted.",
                    undo: None,
                },
            ),
        ),
        (
            "h_refused",
            notice::outcome(
                &to,
                &Outcome::Refused {
                    why: "\"#cloes\" is no verb.",
                },
            ),
        ),
        ("i_not_verified", not_verified(&to, None)),
        (
            "i_not_verified_link",
            not_verified(&to, Some("https://desk.acme.example/v/x")),
        ),
    ];
    all.extend(change::tests::every(&to, ask));
    all
}

#[test]
fn the_promise_stands_before_an_engineers_signature() {
    let zone = berlin();
    let next = Next::Owe(at("2026-11-25T09:00:00Z"));
    let written = |words| text_of(&reply(&to("en", &zone), &Reply { words, ..answer(next) }));
    let text = written("Restart it.\n-- \nAnna Keller\nAcme\n");
    let place = |words: &str| text.find(words).unwrap_or_else(|| panic!("{words}: {text}"));
    assert!(place("Restart it.") < place("25 November"), "{text}");
    assert!(place("25 November") < place("\n-- \nAnna Keller\nAcme\n"), "{text}");
    assert!(
        text.ends_with("Acme\n"),
        "nothing of ours is folded away with it: {text}"
    );
    let code = written("Run this:\n```\n-- \nSELECT 1;\n```\n");
    assert!(
        code.find("SELECT 1").unwrap() < code.find("25 November").unwrap(),
        "{code}"
    );
    assert!(written("-- \nAnna\n").starts_with("-- \nAnna\n"));
}

#[test]
fn every_text_in_every_language() {
    let zone = berlin();
    for language in speech::languages() {
        for (name, words) in every_text(language, &zone) {
            insta::assert_snapshot!(format!("{name}.{language}"), sent(words));
        }
    }
}

#[test]
fn every_subject_in_every_language() {
    let zone = berlin();
    for language in speech::languages() {
        let to = to(language, &zone);
        let subjects = [
            subject_not_verified(to.speech, 4711),
            notice::subject(&to),
            notice::digest_subject(&to),
            notice::outcome_subject(&to, false),
            notice::outcome_subject(&to, true),
        ];
        insta::assert_snapshot!(format!("subjects.{language}"), subjects.join("\n"));
    }
}

#[test]
fn no_text_breaks_the_rules_of_our_words() {
    let zone = berlin();
    for language in speech::languages() {
        for (name, words) in every_text(language, &zone) {
            let ours: String = words
                .iter()
                .filter(|one| !matches!(one, Section::Quote(_)))
                .map(|one| text_of(std::slice::from_ref(one)))
                .collect();
            assert!(!ours.contains('!'), "{name}.{language}: {ours}");
            assert!(
                !ours.contains('['),
                "{name}.{language} has a text that the catalogue has not: {ours}"
            );
            let empty = [
                "soon",
                "shortly",
                "asap",
                "unfortunately",
                "inconvenience",
                "bald",
                "leider",
                "umgehend",
            ];
            let mut said = ours.split(|c: char| !c.is_alphabetic()).map(str::to_lowercase);
            assert!(
                said.all(|word| !empty.contains(&word.as_str())),
                "{name}.{language}: {ours}"
            );
        }
    }
}

#[test]
fn an_acknowledgement_is_at_most_twenty_lines_with_everything_in_it() {
    let zone: Zone = "America/Argentina/Buenos_Aires".parse().unwrap();
    for language in speech::languages() {
        let long = To {
            subject: "A subject of some length, as people write it when they paste the error message",
            ..to(language, &zone)
        };
        let full = Arrived {
            later_than_usual: true,
            urgent_by: None,
            by: None,
            ..arrived()
        };
        let text = sent(acknowledgement(&long, &full));
        assert!(text.lines().count() <= 20, "{text}");
    }
}

#[test]
fn nobody_is_greeted_with_a_strangers_advertisement() {
    let zone = berlin();
    for (name, greeting) in [
        ("Priya Nair", "Hello Priya,"),
        ("Nair, Priya", "Hello Priya,"),
        ("Dr. Zoë Müller", "Hello Dr. Zoë Müller,"),
        ("山田", "Hello 山田,"),
        ("", "Hello,"),
        ("win at casino.example", "Hello,"),
        ("https://evil.example", "Hello,"),
        ("priya@northwind.example", "Hello,"),
        ("a\nb: c", "Hello,"),
    ] {
        let text = text_of(&acknowledgement(
            &To {
                name,
                ..to("en", &zone)
            },
            &arrived(),
        ));
        assert_eq!(text.lines().next(), Some(greeting), "{name}");
    }
}

#[test]
fn a_long_mail_is_quoted_by_its_beginning() {
    let zone = berlin();
    let long = "line\n".repeat(500);
    let quoted = Quoted { text: &long, ..QUOTED };
    let said = text_of(&reply(
        &to("en", &zone),
        &Reply {
            quoted: Some(quoted),
            ..answer(Next::None)
        },
    ));
    assert_eq!(
        said.lines().filter(|line| *line == "> line").count(),
        limits::QUOTED_LINES
    );
    assert!(said.contains("> […]"));
}

proptest! {
    #[test]
    fn what_strangers_write_never_makes_a_line_of_its_own(name in any::<String>(), subject in any::<String>()) {
        let zone = berlin();
        let plain = text_of(&acknowledgement(&to("en", &zone), &arrived()));
        let odd = acknowledgement(&To { name: &name, subject: &subject, ..to("en", &zone) }, &arrived());
        let text = text_of(&odd);
        prop_assert_eq!(text.lines().count(), plain.lines().count());
        prop_assert!(text.chars().count() < 1_500);
        prop_assert!(sent(odd).lines().count() <= 22);
    }
}
