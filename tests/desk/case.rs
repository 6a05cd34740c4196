//! A case is always in exactly one hand.

use super::NORA;
use super::kit::desk::{ANNA, on_both, reply, time};
use super::kit::mail::mail;
use duly::desk::case::State;
use duly::desk::verb::Verb;
use duly::refusal::Kind;

const DUE: &str = "2026-03-03T10:00:00Z";

fn wait(case: i64, party: &str, until: &str) -> Verb {
    Verb::Wait {
        case,
        party: party.into(),
        until: until.into(),
        because: Some("upstream report 5123".into()),
        tell: None,
        anyway: false,
    }
}

fn close(case: i64) -> Verb {
    Verb::Close {
        case,
        resolution: Some("solved".into()),
        because: None,
    }
}

#[test]
fn a_case_does_not_wait_for_the_customer_over_an_open_promise() {
    on_both(|desk| {
        let case = desk.receive(&mail(NORA, "The daemon stops")).case();
        let said = desk.refused(ANNA, wait(case, "customer", "fri 12:00"), Kind::Conflict);
        assert!(said.contains("reply"), "{said}");
        assert_eq!(desk.promises(case), [format!("open {DUE}")]);
    });
}

#[test]
fn a_blocked_case_still_owes_its_next_word_and_wakes_at_its_time() {
    on_both(|desk| {
        let case = desk.receive(&mail(NORA, "The daemon stops")).case();
        desk.act(ANNA, wait(case, "upstream", "tue 09:30"));
        let page = desk.page(case);
        assert_eq!((page.row.state, page.row.reply_by), (State::Blocked, Some(time(DUE))));
        desk.refused(ANNA, Verb::Next, Kind::Nothing);
        desk.at(time("2026-03-03T08:29:59Z"));
        assert_eq!(desk.state(case), State::Blocked);
        desk.at(time("2026-03-03T08:30:00Z"));
        assert_eq!(desk.state(case), State::Ready);
        assert_eq!(desk.promises(case), [format!("open {DUE}")], "the promise never moved");
    });
}

#[test]
fn a_wait_needs_a_reason_and_a_time_to_come() {
    on_both(|desk| {
        let case = desk.receive(&mail(NORA, "The daemon stops")).case();
        let without = Verb::Wait {
            case,
            party: "lab".into(),
            until: "tue 09:30".into(),
            because: None,
            tell: None,
            anyway: false,
        };
        desk.refused(ANNA, without, Kind::Usage);
        desk.refused(ANNA, wait(case, "lab", "2026-03-01 10:00"), Kind::Usage);
        desk.refused(ANNA, wait(case, "weather", "tue 09:30"), Kind::Usage);
        assert_eq!(desk.state(case), State::Ready);
    });
}

#[test]
fn a_customers_mail_ends_every_wait() {
    on_both(|desk| {
        let first = mail(NORA, "The daemon stops");
        let case = desk.receive(&first).case();
        desk.act(ANNA, wait(case, "upstream", "tue 09:30"));
        desk.receive(&mail(NORA, "Re: The daemon stops").re(&first.message_id()));
        assert_eq!(desk.state(case), State::Ready);
        desk.answered(case, "wait fri 12:00");
        assert_eq!(desk.state(case), State::Closing);
        desk.receive(&mail(NORA, "Re: The daemon stops").re(&first.message_id()));
        assert_eq!((desk.state(case), desk.page(case).row.wake_at), (State::Ready, None));
        desk.answered(case, "close");
        desk.receive(&mail(NORA, "Re: The daemon stops").re(&first.message_id()));
        assert_eq!((desk.state(case), desk.page(case).row.resolution), (State::Ready, None));
    });
}

#[test]
fn an_answered_case_closes_at_its_closing_date_and_the_customer_reads_so() {
    on_both(|desk| {
        let case = desk.receive(&mail(NORA, "The daemon stops")).case();
        desk.answered(case, "wait thu 12:00");
        desk.at(time("2026-03-05T10:59:59Z"));
        assert_eq!(desk.state(case), State::Closing);
        desk.at(time("2026-03-05T11:00:00Z"));
        let page = desk.page(case);
        assert_eq!(
            (page.row.state, page.row.resolution.as_deref()),
            (State::Closed, Some("answered"))
        );
        assert_eq!(desk.sent_to(NORA), ["acknowledgement", "answer", "closing"]);
    });
}

#[test]
fn a_question_that_nobody_answers_wakes_the_case_with_a_promise_of_the_next_word() {
    on_both(|desk| {
        let case = desk.receive(&mail(NORA, "The daemon stops")).case();
        desk.act(ANNA, reply(case, "question", Some("wait thu 12:00")));
        desk.leaves();
        desk.at(time("2026-03-05T11:00:00Z"));
        assert_eq!(desk.state(case), State::Ready);
        // Thursday 12:00 and ten business hours: Friday 14:00.
        assert_eq!(desk.promises(case)[1..], ["open 2026-03-06T13:00:00Z"]);
        assert_eq!(desk.sent_to(NORA), ["acknowledgement", "question", "reminder"]);
    });
}

#[test]
fn mail_that_comes_while_a_reply_is_under_way_keeps_the_case_ours() {
    on_both(|desk| {
        let first = mail(NORA, "The daemon stops");
        let case = desk.receive(&first).case();
        desk.answer(case, "close");
        desk.receive(
            &mail(NORA, "Re: The daemon stops")
                .re(&first.message_id())
                .body("It stops again."),
        );
        desk.leaves();
        let states: Vec<_> = desk.page(case).promises.into_iter().map(|one| one.state).collect();
        assert_eq!(states, ["kept", "open"]);
        assert_eq!(desk.state(case), State::Ready);
    });
}

#[test]
fn closing_does_not_keep_a_promise() {
    on_both(|desk| {
        let case = desk.receive(&mail(NORA, "The daemon stops")).case();
        let said = desk.refused(ANNA, close(case), Kind::Conflict);
        assert!(said.contains("--then close"), "{said}");
        desk.answered(case, "wait fri 12:00");
        desk.act(ANNA, close(case));
        let page = desk.page(case);
        assert_eq!(
            (page.row.state, page.row.resolution.as_deref()),
            (State::Closed, Some("solved"))
        );
        desk.refused(ANNA, close(case), Kind::Conflict);
    });
}

#[test]
fn a_case_woken_by_hand_promises_its_next_word() {
    on_both(|desk| {
        let case = desk.receive(&mail(NORA, "The daemon stops")).case();
        desk.refused(ANNA, Verb::Wake { case }, Kind::Conflict);
        desk.answered(case, "close");
        desk.act(ANNA, Verb::Wake { case });
        assert_eq!(desk.state(case), State::Ready);
        assert_eq!(desk.promises(case).len(), 2);
    });
}
