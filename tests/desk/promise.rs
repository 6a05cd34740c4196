//! Promises: made from receipt, kept by what was accepted in time, broken by the clock alone.

use super::NORA;
use super::kit::desk::{ANNA, MONDAY, on_both, time};
use super::kit::mail::mail;
use duly::desk::case::State;
use duly::desk::verb::{Answer, Verb};
use duly::refusal::Kind;
use jiff::SignedDuration;

/// Ten business hours after Monday 09:00: Tuesday 11:00 in Berlin.
const DUE: &str = "2026-03-03T10:00:00Z";
/// Ten business hours after that: Wednesday 13:00.
const NEXT_DUE: &str = "2026-03-04T12:00:00Z";
/// After the break at [`DUE`]: two hours of work, and twenty minutes that are kept free.
const AFTER_BREAK: &str = "2026-03-03T13:30:00Z";

#[test]
fn a_promise_counts_from_receipt_and_is_said_in_the_customers_zone_and_in_utc() {
    on_both(|desk| {
        let case = desk.receive(&mail(NORA, "The daemon stops")).case();
        let promise = desk.page(case).promises.remove(0);
        assert_eq!((promise.made, promise.due), (time(MONDAY), time(DUE)));
        let letters = desk.mails_to(NORA);
        assert_eq!(letters.len(), 1);
        assert!(letters[0].is_automatic());
        let text = letters[0].text();
        assert!(text.contains("Tuesday 3 March, 05:00"), "{text}");
        assert!(text.contains("10:00 UTC"), "{text}");
        assert!(text.contains("Auto-Submitted: auto-replied"), "{text}");
    });
}

#[test]
fn a_promise_is_kept_when_the_reply_was_accepted_before_its_due_and_the_margin_stands_in_the_log() {
    on_both(|desk| {
        let case = desk.receive(&mail(NORA, "The daemon stops")).case();
        desk.minutes(60);
        let given = desk.now();
        desk.answered(case, "close");
        let promise = desk.page(case).promises.remove(0);
        let accepted = given + SignedDuration::from_secs(duly::limits::HOLD_SECONDS);
        assert_eq!(promise.state, "kept");
        assert_eq!(promise.settled_at, Some(accepted));
        assert_eq!(promise.by.as_deref(), Some("Anna Keller"));
        let Ok(Answer::Log(log)) = desk.owner(Verb::Log {
            case: Some(case),
            after: 0,
        }) else {
            panic!("no log");
        };
        let kept = log
            .iter()
            .find(|line| line.kind == "promise.kept")
            .expect("it is in the log");
        assert_eq!(
            kept.data["margin_seconds"],
            promise.due.as_second() - accepted.as_second()
        );
    });
}

#[test]
fn a_promise_is_broken_at_its_instant_by_the_timer_and_a_new_one_is_made_and_told() {
    on_both(|desk| {
        let case = desk.receive(&mail(NORA, "The daemon stops")).case();
        desk.at(time(DUE) - SignedDuration::from_millis(1));
        assert_eq!(desk.promises(case), [format!("open {DUE}")]);
        desk.at(time(DUE));
        assert_eq!(
            desk.promises(case),
            [format!("broken {DUE}"), format!("open {AFTER_BREAK}")]
        );
        assert_eq!(desk.page(case).promises[0].settled_at, Some(time(DUE)));
        assert_eq!(desk.sent_to(NORA), ["acknowledgement", "broken"]);
        assert_eq!(desk.sent_to(ANNA), ["lead"]);
        let text = desk.mails_to(NORA)[1].text();
        assert!(text.contains("13:30 UTC") && text.contains("Anna Keller"), "{text}");
        assert_eq!(desk.state(case), State::Ready);
    });
}

#[test]
fn a_promise_that_fell_due_while_the_desk_was_stopped_is_broken_at_its_due_instant() {
    on_both(|desk| {
        let case = desk.receive(&mail(NORA, "The daemon stops")).case();
        desk.stop();
        desk.jump(time(DUE) + SignedDuration::from_hours(2));
        desk.start();
        desk.quiet();
        let promises = desk.page(case).promises;
        assert_eq!(promises[0].settled_at, Some(time(DUE)));
        assert_eq!(
            promises[1].made,
            time(DUE) + SignedDuration::from_hours(2),
            "the new one counts from when it was made"
        );
        assert_eq!(desk.sent_to(NORA), ["acknowledgement", "broken"]);
    });
}

#[test]
fn a_late_reply_keeps_the_promise_that_followed_the_broken_one() {
    on_both(|desk| {
        let case = desk.receive(&mail(NORA, "The daemon stops")).case();
        desk.at(time(DUE) + SignedDuration::from_hours(1));
        desk.answered(case, "close");
        assert_eq!(
            desk.promises(case),
            [format!("broken {DUE}"), format!("kept {AFTER_BREAK}")]
        );
        assert_eq!(desk.state(case), State::Closed);
    });
}

#[test]
fn a_reply_given_in_time_and_accepted_too_late_keeps_only_the_successor() {
    on_both(|desk| {
        let case = desk.receive(&mail(NORA, "The daemon stops")).case();
        desk.at(time(DUE) - SignedDuration::from_secs(5));
        desk.answered(case, "close");
        assert_eq!(
            desk.promises(case),
            [format!("broken {DUE}"), format!("kept {AFTER_BREAK}")]
        );
        assert_eq!(desk.state(case), State::Closed);
    });
}

#[test]
fn urgent_words_make_severity_one_for_that_mail_only() {
    on_both(|desk| {
        let first = mail(NORA, "The daemon stops");
        let case = desk.receive(&first).case();
        let worse = mail(NORA, "Re: The daemon stops")
            .re(&first.message_id())
            .body("Urgent: now all of them stop.");
        assert_eq!(desk.receive(&worse).case(), case);
        // Two hours against ten; the earlier promise stays as it was.
        assert_eq!(
            desk.promises(case),
            [format!("open {DUE}"), "open 2026-03-02T10:00:00Z".to_owned()]
        );
        assert_eq!(desk.page(case).row.reply_by, Some(time("2026-03-02T10:00:00Z")));
        let other = mail(NORA, "Another thing").body("urgent: the licence server is down");
        let other = desk.receive(&other).case();
        assert_eq!(desk.page(other).row.severity, 1);
    });
}

#[test]
fn an_unknown_customers_fourth_open_promise_is_dated_behind_the_three_before() {
    on_both(|desk| {
        let mut dues = Vec::new();
        for number in 1..=4 {
            let case = desk.receive(&mail(NORA, &format!("Question {number}"))).case();
            dues.push(desk.page(case).promises[0].due);
        }
        assert_eq!(dues, [time(DUE), time(DUE), time(DUE), time(NEXT_DUE)]);
    });
}

#[test]
fn a_customer_whom_an_administrator_entered_has_more_at_target() {
    on_both(|desk| {
        let entered = Verb::CustomerAdd {
            name: "Northwind".into(),
            domains: vec!["northwind.example".into()],
        };
        desk.owner(entered).expect("a customer");
        for number in 1..=5 {
            let case = desk.receive(&mail(NORA, &format!("Question {number}"))).case();
            assert_eq!(desk.promises(case), [format!("open {DUE}")]);
        }
    });
}

#[test]
fn a_promise_is_withdrawn_with_a_reason_only_and_its_case_closes() {
    on_both(|desk| {
        let case = desk.receive(&mail(NORA, "You have won")).case();
        let withdraw = |reason: &str| Verb::Promise {
            case,
            offer: None,
            withdraw: Some(reason.into()),
            number: None,
        };
        desk.refused(ANNA, withdraw(" "), Kind::Usage);
        assert_eq!(desk.state(case), State::Ready);
        desk.act(ANNA, withdraw("advertisement"));
        assert_eq!(desk.promises(case), [format!("withdrawn {DUE}")]);
        assert_eq!(desk.state(case), State::Closed);
        desk.refused(ANNA, withdraw("again"), Kind::Missing);
    });
}
