//! What leaves, as words: each text has its cause, its reader's language and zone, and its form.

use super::NORA;
use super::kit::desk::{ANNA, TestDesk, on_both, reply, time};
use super::kit::mail::mail;
use super::kit::sink::Taken;
use duly::desk::verb::Verb;
use duly::refusal::Kind;
use mail_parser::MessageParser;

const GERMAN: &str =
    "Guten Tag,\nnach dem Update ist die Replik hinten, und wir haben nichts geändert. Wie kann das sein?";

/// The plain words of a mail.
fn words(mail: &Taken) -> String {
    let parsed = MessageParser::default().parse(&mail.raw).expect("a mail");
    let text = parsed.body_text(0).expect("words").replace("\r\n", "\n");
    // Soft breaks undone: a sentence is found wherever it was wrapped.
    text.replace(" \n", " ")
}

fn newest(desk: &TestDesk, address: &str) -> Taken {
    desk.mails_to(address).pop().expect("a mail")
}

fn set(address: &str, language: Option<&str>, calendar: Option<&str>) -> Verb {
    Verb::ContactSet {
        address: address.into(),
        language: language.map(str::to_owned),
        calendar: calendar.map(str::to_owned),
    }
}

#[test]
fn a_contact_is_written_to_in_the_language_of_their_mail_or_the_one_they_set() {
    on_both(|desk| {
        let case = desk.receive(&mail(NORA, "Replik hinten").body(GERMAN)).case();
        let said = words(&newest(desk, NORA));
        assert!(said.contains("Ihre Mail „Replik hinten“ ist angekommen."), "{said}");
        assert!(
            said.contains("Wir antworten bis  Dienstag, 3. März, 05:00 Uhr (UTC-5)"),
            "{said}"
        );
        desk.answered(case, "wait fri 12:00");
        let said = words(&newest(desk, NORA));
        assert!(
            said.starts_with("This is the answer"),
            "an engineer's words are theirs: {said}"
        );
        assert!(
            said.contains("Wir warten auf Sie bis Freitag, 6. März, 06:00 Uhr (UTC-5), 11:00 UTC."),
            "{said}"
        );
        assert!(said.contains("schrieb nora@northwind.example:"), "{said}");
        desk.act(ANNA, set(NORA, Some("en-GB"), None));
        desk.receive(&mail(NORA, "Noch etwas").body(GERMAN));
        assert!(
            words(&newest(desk, NORA)).contains("We will reply by"),
            "what was set stands over what is learned"
        );
        desk.act(ANNA, set(NORA, Some(""), None));
        desk.receive(&mail(NORA, "Und noch etwas").body(GERMAN));
        assert!(words(&newest(desk, NORA)).contains("Wir antworten bis"));
        let said = desk.refused(ANNA, set(NORA, Some("tlh"), None), Kind::Usage);
        assert!(said.contains("Languages: de, en"), "{said}");
        desk.refused(ANNA, set(NORA, None, Some("sometimes")), Kind::Usage);
        desk.refused(ANNA, set("nobody@else.example", Some("de"), None), Kind::Missing);
    });
}

#[test]
fn the_program_says_the_language_only_where_the_words_do_not() {
    on_both(|desk| {
        let code = mail(NORA, "log").body("ERROR 1205 (HY000): Lock wait timeout exceeded");
        desk.receive(&code.header("Accept-Language", "de-DE, en-US;q=0.5"));
        assert!(words(&newest(desk, NORA)).contains("Wir antworten bis"));
        let english = mail(super::EVE, "Replica")
            .body("Hello, the replica is behind after the upgrade and we have not changed any of it.");
        desk.receive(&english.header("Content-Language", "de-DE"));
        assert!(words(&newest(desk, super::EVE)).contains("We will reply by"));
    });
}

#[test]
fn a_reply_has_a_twin_of_the_same_words_that_loads_nothing() {
    on_both(|desk| {
        let case = desk
            .receive(&mail(NORA, "The daemon stops").body("See <b>this</b> [x](https://evil.example)"))
            .case();
        let text = "Run this:\n\n```sql\nSELECT 1 < 2;\n```\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n[manual](https://docs.example/x) <img src=\"https://evil.example/p.gif\">";
        let verb = match reply(case, "answer", Some("close")) {
            Verb::Reply {
                case,
                kind,
                then,
                answers,
                force_stale,
                files,
                ..
            } => Verb::Reply {
                case,
                kind,
                then,
                answers,
                force_stale,
                files,
                text: text.into(),
            },
            other => other,
        };
        desk.act(ANNA, verb);
        desk.leaves();
        let sent = newest(desk, NORA);
        let parsed = MessageParser::default().parse(&sent.raw).expect("a mail");
        let html = parsed.body_html(0).expect("a twin").into_owned();
        for part in [
            "SELECT 1 &lt; 2;",
            "<td>2</td>",
            "<a href=\"https://docs.example/x\">manual</a> (https://docs.example/x)",
            "&lt;img src=",
        ] {
            assert!(html.contains(part), "{part} in {html}");
        }
        assert!(
            html.contains("&lt;b&gt;this&lt;/b&gt; [x](https://evil.example)"),
            "their words are no Markdown: {html}"
        );
        let plain = words(&sent);
        assert!(
            plain.contains("| a | b |\n|---|---|\n| 1 | 2 |\n") && plain.contains("```sql\nSELECT 1 < 2;\n```"),
            "{plain}"
        );
    });
}

#[test]
fn a_customer_whom_we_wait_for_is_reminded_once_half_way() {
    on_both(|desk| {
        let case = desk.receive(&mail(NORA, "The daemon stops")).case();
        desk.act(ANNA, reply(case, "question", Some("wait fri 12:00")));
        desk.leaves();
        desk.at(time("2026-03-04T09:29:00Z"));
        assert_eq!(desk.sent_to(NORA), ["acknowledgement", "question"]);
        // Asked on Monday at nine, kept open until Friday noon: the middle is Wednesday at half past ten.
        desk.at(time("2026-03-04T09:31:00Z"));
        assert_eq!(desk.sent_to(NORA), ["acknowledgement", "question", "reminder"]);
        let said = words(&newest(desk, NORA));
        assert!(
            said.contains("in case 1 \"The daemon stops\" the next word is yours."),
            "{said}"
        );
        assert!(
            said.contains("> This is the question to case 1."),
            "what we need stands in it: {said}"
        );
        assert!(
            said.contains("We keep the case open until Friday 6 March, 06:00 (UTC-5), 11:00 UTC."),
            "{said}"
        );
        // A wait that is renewed reminds once more, and never a third time.
        for _ in 0..3 {
            let wait = Verb::Wait {
                case,
                party: "customer".into(),
                until: "+4d".into(),
                because: None,
                tell: None,
                anyway: false,
            };
            desk.act(ANNA, wait);
            desk.minutes(3 * 24 * 60);
        }
        let reminders = desk.sent_to(NORA).iter().filter(|kind| *kind == "reminder").count();
        assert_eq!(reminders, 2);
    });
}

#[test]
fn nobody_is_reminded_of_an_answer_or_after_they_wrote() {
    on_both(|desk| {
        let first = mail(NORA, "The daemon stops");
        let case = desk.receive(&first).case();
        desk.answered(case, "wait fri 12:00");
        let other = mail(super::EVE, "Another");
        let asked = desk.receive(&other).case();
        desk.act(ANNA, reply(asked, "question", Some("wait fri 12:00")));
        desk.leaves();
        desk.receive(&mail(super::EVE, "Re: Another").re(&other.message_id()));
        desk.act(ANNA, reply(asked, "answer", Some("close")));
        desk.at(time("2026-03-06T12:00:00Z"));
        assert!(!desk.sent_to(NORA).contains(&"reminder".to_owned()));
        assert!(!desk.sent_to(super::EVE).contains(&"reminder".to_owned()));
        assert_eq!(desk.sent_to(NORA).last().map(String::as_str), Some("closing"));
        assert!(
            words(&newest(desk, NORA))
                .contains("we waited for you until Friday 6 March, 06:00 (UTC-5), and close case 1 now.")
        );
    });
}

#[test]
fn a_case_handed_on_tells_the_customer_if_the_engineer_says_with_which_words() {
    on_both(|desk| {
        let case = desk.receive(&mail(NORA, "The daemon stops")).case();
        let wait = |party: &str, tell: Option<&str>| Verb::Wait {
            case,
            party: party.into(),
            until: "tue 09:30".into(),
            because: Some("PR 5123".into()),
            tell: tell.map(str::to_owned),
            anyway: false,
        };
        desk.refused(ANNA, wait("upstream", Some(" ")), Kind::Usage);
        desk.act(ANNA, wait("upstream", None));
        desk.quiet();
        assert_eq!(
            desk.sent_to(NORA),
            ["acknowledgement"],
            "nobody is told without words for them"
        );
        desk.act(
            ANNA,
            wait(
                "upstream",
                Some("The trace is with them: https://bugs.example/5123. Until then `--safe` helps."),
            ),
        );
        desk.quiet();
        assert_eq!(desk.sent_to(NORA), ["acknowledgement", "handed on"]);
        let said = words(&newest(desk, NORA));
        assert!(
            said.contains("waits for the component's own project now. It stays ours."),
            "{said}"
        );
        assert!(
            said.contains("https://bugs.example/5123") && !said.contains("PR 5123"),
            "the reason is ours: {said}"
        );
        assert!(
            said.contains("Next word by  Tuesday 3 March, 05:00 (UTC-5), 10:00 UTC"),
            "{said}"
        );
        let sent = newest(desk, NORA);
        assert!(
            sent.text()
                .contains("\nDuly-Promise: case=1; due=2026-03-03T10:00:00Z; state=offered;"),
            "{}",
            sent.text()
        );
        assert_eq!(desk.promises(case), ["open 2026-03-03T10:00:00Z"], "it keeps nothing");
    });
}

#[test]
fn closing_a_case_of_theirs_by_hand_tells_them_and_says_how_it_ended() {
    on_both(|desk| {
        let case = desk.receive(&mail(NORA, "The daemon stops")).case();
        desk.act(ANNA, reply(case, "question", Some("wait fri 12:00")));
        desk.leaves();
        let close = Verb::Close {
            case,
            resolution: Some("workaround".into()),
            because: Some("the index is rebuilt by hand until 8.4.5.".into()),
        };
        desk.act(ANNA, close);
        desk.quiet();
        assert_eq!(desk.sent_to(NORA), ["acknowledgement", "question", "closing"]);
        let said = words(&newest(desk, NORA));
        assert!(
            said.contains("Outcome  a way around it") && said.contains("rebuilt by hand until 8.4.5."),
            "{said}"
        );
    });
}

#[test]
fn an_urgent_mail_hears_that_it_was_read_as_urgent() {
    on_both(|desk| {
        let first = mail(NORA, "The daemon stops").body("urgent: production is down");
        desk.receive(&first);
        let said = words(&newest(desk, NORA));
        assert!(
            said.contains("We read your mail as urgent: it stands at severity 1"),
            "{said}"
        );
    });
}
