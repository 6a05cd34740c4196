//! The exact words of every text, and what must hold for any input.

use super::*;
use crate::mail::compose::{Letter, compose};
use proptest::prelude::*;

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn berlin() -> Zone {
    "Europe/Berlin".parse().unwrap()
}

fn asked(zone: &Zone) -> Acknowledgement<'_> {
    Acknowledgement {
        greeting_name: "Priya Nair",
        subject: "Replica lag after 8.4 upgrade",
        files: (2, 3_100_000),
        due: at("2026-11-24T14:00:00Z"),
        zone,
        now: at("2026-11-24T10:55:00Z"),
        by: Some("Anna Keller"),
        case: 4711,
        desk_name: "Acme Support",
        urgent_hint: Some(at("2026-11-24T11:20:00Z")),
        moved_from_target: false,
        time_link: None,
        upload_link: None,
    }
}

/// The text as it leaves: wrapped, body only.
fn sent(text: &str) -> String {
    let letter = Letter {
        from_name: String::new(),
        from: "a@b.example".into(),
        to: vec!["c@d.example".into()],
        cc: vec![],
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
        text: text.to_owned(),
    };
    let mail = compose(&letter);
    let mail = mail_parser::MessageParser::default().parse(&mail).unwrap();
    let text = mail.body_text(0).unwrap().replace("\r\n", "\n");
    text.lines().map(|line| format!("{}\n", line.trim_end())).collect()
}

#[test]
fn an_acknowledgement_says_what_arrived_and_when_we_reply() {
    insta::assert_snapshot!(sent(&acknowledgement(&asked(&berlin()))), @r#"
    Hello Priya,

    your mail "Replica lag after 8.4 upgrade" has arrived, with 2 files (3.1
    MB).

         We will reply by  Tuesday 24 November, 15:00 (Berlin)
                           14:00 UTC · in about 3 hours
         From              Anna Keller
         Case              4711

    If another time suits you, earlier or later, answer and say which.
    If it has become worse (production down), begin your answer with "urgent:".
    A person then reads it by Tuesday 24 November, 12:20 (Berlin).

    You do not need to send anything twice.

    Acme Support · this first line of contact was written by a machine, the
    reply will be written by Anna.
    "#);
}

#[test]
fn an_acknowledgement_is_at_most_twenty_lines_with_everything_in_it() {
    let zone: Zone = "America/Argentina/Buenos_Aires".parse().unwrap();
    let full = Acknowledgement {
        subject: "A subject of some length, as people write it when they paste the error message",
        moved_from_target: true,
        urgent_hint: None,
        by: None,
        ..asked(&zone)
    };
    let text = sent(&acknowledgement(&full));
    assert!(text.lines().count() <= 20, "{text}");
    assert!(text.contains("earliest that we can keep"));
    assert!(text.contains("From              Acme Support"));
    assert!(text.contains("will be written by a person"), "{text}");
    let linked = Acknowledgement {
        time_link: Some("https://desk.acme.example/t/x/time"),
        ..asked(&zone)
    };
    assert!(acknowledgement(&linked).contains("later: https://desk.acme.example/t/x/time or answer"));
}

#[test]
fn nobody_is_greeted_with_a_strangers_advertisement() {
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
        let text = acknowledgement(&Acknowledgement {
            greeting_name: name,
            ..asked(&berlin())
        });
        assert_eq!(text.lines().next(), Some(greeting), "{name}");
    }
}

#[test]
fn a_reply_says_where_we_stand_and_who_moves_next() {
    let zone = berlin();
    let foot = ReplyFoot {
        where_we_stand: "the lag comes from one missing primary key.",
        next: Next::Owe(at("2026-11-25T09:00:00Z")),
        name: "Anna Keller",
        zone: &zone,
        now: at("2026-11-24T11:00:00Z"),
        quoted: Some(Quoted {
            at: at("2026-11-24T08:12:00Z"),
            who: "Priya N.",
            text: "It lags.\n\n> earlier\nWhy?\n",
        }),
        case: 4711,
        link: None,
        no_link: None,
    };
    insta::assert_snapshot!(reply_foot(&foot), @r"

    Where we stand: the lag comes from one missing primary key.
    You will hear from us by Wednesday 25 November, 10:00 (Berlin), 09:00 UTC, or sooner if you write.

    Anna Keller

    On Tue 24 Nov 2026, 09:12 CET, Priya N. wrote:
    > It lags.
    >
    >> earlier
    > Why?

    Case 4711
    ");
    let wait = ReplyFoot {
        next: Next::WaitUntil(at("2026-11-27T11:00:00Z")),
        ..foot.clone()
    };
    assert!(reply_foot(&wait).contains("We wait for you until Friday 27 November, 12:00 (Berlin), 11:00 UTC."));
    let close = ReplyFoot {
        next: Next::Close,
        ..foot.clone()
    };
    assert!(reply_foot(&close).contains("With this we close the case. Answer this mail at any time"));
    let long = "line\n".repeat(500);
    let long = ReplyFoot {
        quoted: Some(Quoted {
            at: Timestamp::UNIX_EPOCH,
            who: "P",
            text: &long,
        }),
        ..foot
    };
    let said = reply_foot(&long);
    assert_eq!(
        said.lines().filter(|line| *line == "> line").count(),
        limits::QUOTED_LINES
    );
    assert!(said.contains("> […]"));
}

#[test]
fn a_broken_promise_is_told_without_excuse() {
    let zone = berlin();
    let text = broken(&Broken {
        greeting_name: "Priya",
        case: 4711,
        said: at("2026-11-24T14:00:00Z"),
        new_time: at("2026-11-24T16:10:00Z"),
        lead: "Tom Berg",
        changed: "",
        zone: &zone,
        now: at("2026-11-24T14:00:01Z"),
        desk_name: "Acme Support",
    });
    insta::assert_snapshot!(text, @r"
    Hello Priya,

    we said we would reply by Tuesday 24 November, 15:00 (Berlin). We did not do it.

        New time   Tuesday 24 November, 17:10 (Berlin), 16:10 UTC
        Case       4711

    Tom Berg (lead) knows of it and may offer you a better time.
    The broken promise stays in our ledger. You do not need to write again.

    Acme Support · this mail was written by a machine.
    ");
}

#[test]
fn a_reminder_and_a_closing_blame_nobody() {
    let zone = berlin();
    let (until, now) = (at("2026-11-27T11:00:00Z"), at("2026-11-25T16:00:00Z"));
    let reminded = reminder(&Reminder {
        greeting_name: "Priya",
        case: 4711,
        subject: "Replica lag",
        need: "SHOW REPLICA STATUS of both servers, to see which one waits.",
        until,
        zone: &zone,
        now,
        desk_name: "Acme Support",
    });
    insta::assert_snapshot!(reminded, @r#"
    Hello Priya,

    in case 4711 "Replica lag" the next word is yours.

    What we need: SHOW REPLICA STATUS of both servers, to see which one waits.
    We keep the case open until Friday 27 November, 12:00 (Berlin), 11:00 UTC.
    If you answer later, it is open again, with a new promised time.

    Acme Support · this mail was written by a machine.
    "#);
    let closed = closing(&Closing {
        greeting_name: "",
        case: 4711,
        subject: "Replica lag",
        waited_until: until,
        where_we_stand: "the ALTER of 24 November fixes it.",
        zone: &zone,
        now: until,
        desk_name: "Acme Support",
    });
    insta::assert_snapshot!(closed, @r"
    Hello,

    we waited for you until Friday 27 November, 12:00 (Berlin), and close case 4711 now as answered.

        Problem    Replica lag

    Where we stand: the ALTER of 24 November fixes it.

    Answer this mail at any time and the case is open again, with a new promised time.

    Acme Support · this mail was written by a machine.
    ");
}

#[test]
fn an_unverified_sender_hears_fixed_words() {
    let text = not_verified(&NotVerified {
        case: 4711,
        desk_name: "Acme Support",
        link: None,
    });
    insta::assert_snapshot!(text, @r"
    Hello,

    your mail has arrived as case 4711. We could not check that it came from you.

    A person looks at it first; then it gets a promised time.

    If you did not write to us, nothing needs to be done.

    Acme Support · this mail was written by a machine.
    ");
    let linked = not_verified(&NotVerified {
        case: 1,
        desk_name: "Acme",
        link: Some("https://desk.acme.example/v/x"),
    });
    assert!(linked.contains("\n    https://desk.acme.example/v/x\n"));
}

proptest! {
    #[test]
    fn what_strangers_write_never_makes_a_line_of_its_own(name in any::<String>(), subject in any::<String>()) {
        let zone = berlin();
        let plain = acknowledgement(&asked(&zone));
        let odd = acknowledgement(&Acknowledgement { greeting_name: &name, subject: &subject, ..asked(&zone) });
        prop_assert_eq!(odd.lines().count(), plain.lines().count());
        prop_assert!(sent(&odd).lines().count() <= 22);
        prop_assert!(odd.chars().count() < 1_500);
    }
}
