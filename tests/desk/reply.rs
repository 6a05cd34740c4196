//! Replies: nothing that they carry happens before somebody outside has them.

use super::NORA;
use super::kit::desk::{ANNA, TestDesk, on_both, reply, time};
use super::kit::mail::{bounce_of, mail};
use super::kit::sink::{Act, Verb as At};
use duly::desk::OutboxId;
use duly::desk::case::State;
use duly::desk::engineer::Role;
use duly::desk::outbox::{self, Attempted, Ended};
use duly::desk::verb::{Answer, Verb};
use duly::refusal::Kind;
use jiff::SignedDuration;

const DUE: &str = "2026-03-03T10:00:00Z";
/// After the break at [`DUE`]: two hours of work, and twenty minutes that are kept free.
const AFTER_BREAK: &str = "2026-03-03T13:30:00Z";

fn outbox_row(desk: &TestDesk, case: i64) -> i64 {
    desk.number(
        "SELECT MAX(o.id) FROM outbox o JOIN message m ON m.id = o.message WHERE o.case_id = $1 AND m.engineer IS NOT NULL",
        &[case.into()],
    )
}

#[test]
fn nothing_that_a_reply_carries_takes_effect_before_it_is_accepted() {
    on_both(|desk| {
        let case = desk.receive(&mail(NORA, "The daemon stops")).case();
        desk.answer(case, "close");
        let page = desk.page(case);
        assert_eq!((page.row.state, page.row.reply_under_way), (State::Ready, true));
        assert_eq!(desk.promises(case), [format!("open {DUE}")]);
        desk.refused(ANNA, Verb::Next, Kind::Nothing);
        let close = Verb::Close {
            case,
            resolution: None,
            because: None,
        };
        let said = desk.refused(ANNA, close, Kind::Conflict);
        assert!(said.contains("under way"), "{said}");
        desk.leaves();
        let page = desk.page(case);
        assert_eq!((page.row.state, page.row.reply_under_way), (State::Closed, false));
        assert_eq!(desk.promises(case), [format!("kept {DUE}")]);
    });
}

#[test]
fn an_undone_reply_reaches_nobody_and_keeps_nothing() {
    on_both(|desk| {
        let case = desk.receive(&mail(NORA, "The daemon stops")).case();
        desk.answer(case, "close");
        desk.at(desk.now() + SignedDuration::from_secs(9));
        desk.act(ANNA, Verb::Undo);
        desk.minutes(60);
        assert_eq!(desk.sent_to(NORA), ["acknowledgement"]);
        assert_eq!(desk.promises(case), [format!("open {DUE}")]);
        assert_eq!(desk.state(case), State::Ready);
        desk.refused(ANNA, Verb::Undo, Kind::Conflict);
        desk.answered(case, "close");
        desk.refused(ANNA, Verb::Undo, Kind::Conflict);
        assert_eq!(desk.state(case), State::Closed);
    });
}

#[test]
fn a_refused_reply_wakes_the_case_its_promise_stays_open_and_a_retry_does_what_it_carried() {
    on_both(|desk| {
        let case = desk.receive(&mail(NORA, "The daemon stops")).case();
        desk.sink.next(At::Rcpt, Act::Say(b"550 5.1.1 no such user"));
        desk.answered(case, "close");
        let page = desk.page(case);
        assert_eq!((page.row.state, page.row.reply_under_way), (State::Ready, false));
        assert_eq!(desk.promises(case), [format!("open {DUE}")]);
        let delivery = &page.messages[0].delivery[0];
        assert_eq!(delivery.state, "failed");
        assert!(
            delivery
                .said
                .as_deref()
                .is_some_and(|said| said.contains("no such user")),
            "{delivery:?}"
        );
        let Ok(Answer::Spool(rows)) = desk.owner(Verb::Spool) else {
            panic!("no spool")
        };
        let failed = rows
            .iter()
            .find(|row| row.state == "failed")
            .expect("it stands in the spool");
        desk.act(
            ANNA,
            Verb::Retry {
                what: failed.name.clone(),
            },
        );
        desk.quiet();
        assert_eq!(desk.promises(case), [format!("kept {DUE}")]);
        assert_eq!(desk.state(case), State::Closed);
    });
}

#[test]
fn a_refused_further_word_makes_the_case_ours_again() {
    on_both(|desk| {
        let case = desk.receive(&mail(NORA, "The daemon stops")).case();
        desk.answered(case, "wait 2026-03-06T12:00:00Z");
        assert_eq!(desk.state(case), State::Closing);
        desk.sink.next(At::Rcpt, Act::Say(b"550 5.1.1 no such user"));
        desk.answered(case, "close");
        assert_eq!(desk.state(case), State::Ready, "somebody has to say it anew");
        assert_eq!(desk.promises(case).len(), 2);
    });
}

#[test]
fn a_bounce_opens_the_kept_promise_again_marks_the_address_and_counts_once() {
    on_both(|desk| {
        let case = desk.receive(&mail(NORA, "The daemon stops")).case();
        desk.answered(case, "close");
        assert_eq!(desk.state(case), State::Closed);
        let id = desk.reply_id(case);
        let report = bounce_of(&id, NORA, &desk.return_path(case, NORA));
        let bounce = desk.receive(&report);
        assert_eq!(bounce.case, Some(case));
        assert_eq!(desk.promises(case), [format!("open {DUE}")]);
        assert_eq!(desk.state(case), State::Ready);
        let marked = "SELECT COUNT(*) FROM contact_address WHERE bounced_at IS NOT NULL AND address = $1";
        assert_eq!(desk.number(marked, &[NORA.into()]), 1);
        desk.answered(case, "close");
        let report = bounce_of(&id, NORA, &desk.return_path(case, NORA));
        desk.receive(&report);
        assert_eq!(
            desk.state(case),
            State::Closed,
            "the same news does not wake what was answered since"
        );
        assert_eq!(desk.promises(case), [format!("kept {DUE}")]);
    });
}

#[test]
fn a_bounce_after_the_due_breaks_the_promise_at_its_due() {
    on_both(|desk| {
        let case = desk.receive(&mail(NORA, "The daemon stops")).case();
        desk.answered(case, "close");
        let id = desk.reply_id(case);
        desk.at(time(DUE) + SignedDuration::from_hours(1));
        let report = bounce_of(&id, NORA, &desk.return_path(case, NORA));
        desk.receive(&report);
        let promises = desk.page(case).promises;
        assert_eq!(
            (promises[0].state.as_str(), promises[0].settled_at),
            ("broken", Some(time(DUE)))
        );
        assert_eq!((promises.len(), promises[1].state.as_str()), (2, "open"));
        assert_eq!(desk.state(case), State::Ready);
    });
}

#[test]
fn a_bounce_of_a_late_reply_opens_the_successor_that_it_kept() {
    on_both(|desk| {
        let case = desk.receive(&mail(NORA, "The daemon stops")).case();
        desk.at(time(DUE) - SignedDuration::from_secs(5));
        desk.answered(case, "close");
        assert_eq!(
            desk.promises(case),
            [format!("broken {DUE}"), format!("kept {AFTER_BREAK}")]
        );
        let id = desk.reply_id(case);
        let report = bounce_of(&id, NORA, &desk.return_path(case, NORA));
        desk.receive(&report);
        assert_eq!(
            desk.promises(case),
            [format!("broken {DUE}"), format!("open {AFTER_BREAK}")]
        );
        assert_eq!(desk.state(case), State::Ready);
    });
}

#[test]
fn a_deferral_by_the_relay_keeps_nothing_until_the_relay_takes_it() {
    on_both(|desk| {
        let case = desk.receive(&mail(NORA, "The daemon stops")).case();
        desk.sink.next(At::Dot, Act::Say(b"451 4.3.0 later"));
        desk.answered(case, "close");
        assert_eq!(desk.promises(case), [format!("open {DUE}")]);
        assert_eq!(desk.page(case).messages[0].delivery[0].state, "deferred");
        assert!(desk.page(case).row.reply_under_way);
        desk.minutes(60);
        assert_eq!(desk.promises(case), [format!("kept {DUE}")]);
        assert_eq!(desk.state(case), State::Closed);
    });
}

#[test]
fn a_first_attempt_that_the_customers_own_server_deferred_keeps_and_a_failure_after_it_opens_again() {
    on_both(|desk| {
        let case = desk.receive(&mail(NORA, "The daemon stops")).case();
        // The sink is a relay; the customer's own server is played by the brake and the outcome it would have.
        desk.act(ANNA, Verb::Hold { hold: true });
        desk.answered(case, "close");
        let (rules, now, row) = (desk.rules(), desk.now(), OutboxId(outbox_row(desk, case)));
        let again = now + SignedDuration::from_mins(30);
        let end = |how: Ended| {
            let rules = rules.clone();
            let attempt = Attempted {
                began: now,
                server: Some("mx.northwind.example".into()),
                said: "450 greylisted".into(),
                how,
                doubted: false,
                relayed: false,
            };
            let ended = desk
                .store()
                .write(move |tx| outbox::ended(tx, now, &rules, row, &attempt));
            ended.expect("recorded");
        };
        // Its bytes would have been kept before the first packet.
        let kept = desk.store().write(move |tx| {
            let raw = duly::desk::arrival::keep_raw(tx, b"the reply".to_vec())?;
            tx.execute("UPDATE outbox SET raw = $1 WHERE id = $2", &[raw.into(), row.into()])?;
            Ok(())
        });
        kept.expect("kept");
        end(Ended::Deferred {
            again,
            by_their_server: true,
        });
        let page = desk.page(case);
        assert_eq!(
            (page.promises[0].state.as_str(), page.promises[0].settled_at),
            ("kept", Some(now))
        );
        assert_eq!(
            (page.row.state, page.row.reply_under_way),
            (State::Ready, true),
            "what it carries waits"
        );
        end(Ended::Failed);
        assert_eq!(desk.promises(case), [format!("open {DUE}")]);
        desk.act(ANNA, Verb::Release { what: "all".into() });
        assert_eq!(desk.state(case), State::Ready);
    });
}

#[test]
fn what_a_reply_carries_happens_when_it_is_delivered() {
    on_both(|desk| {
        let friday = "2026-03-06T11:00:00Z";
        let rows = [
            ("answer", Some("close"), State::Closed, None, Some("answered")),
            ("answer", Some("close as solved"), State::Closed, None, Some("solved")),
            ("answer", Some("wait fri 12:00"), State::Closing, None, None),
            ("question", Some("wait fri 12:00"), State::Waiting, None, None),
            ("finding", Some("owe fri 12:00"), State::Ready, Some(time(friday)), None),
            ("answer", Some("owe fri 12:00"), State::Ready, Some(time(friday)), None),
            ("answer", None, State::Closing, None, None),
            ("question", None, State::Waiting, None, None),
        ];
        for (at, (kind, then, state, reply_by, resolution)) in rows.into_iter().enumerate() {
            let case = desk
                .receive(&mail(&format!("person{at}@northwind.example"), "A question"))
                .case();
            desk.act(ANNA, reply(case, kind, then));
            desk.leaves();
            let page = desk.page(case);
            assert_eq!(page.row.state, state, "{kind} {then:?}");
            assert_eq!(page.row.reply_by, reply_by, "{kind} {then:?}");
            assert_eq!(page.row.resolution.as_deref(), resolution, "{kind} {then:?}");
            assert_eq!(page.promises[0].state, "kept", "{kind} {then:?}");
            if state == State::Closing || state == State::Waiting {
                let until = if then.is_some() { friday } else { "2026-03-06T16:00:00Z" };
                assert!(
                    page.row.wake_at >= Some(time(until)),
                    "{kind} {then:?} {:?}",
                    page.row.wake_at
                );
            }
        }
    });
}

#[test]
fn replies_that_say_nothing_or_promise_nothing_are_refused() {
    on_both(|desk| {
        let case = desk.receive(&mail(NORA, "The daemon stops")).case();
        desk.refused(ANNA, reply(case, "finding", None), Kind::Usage);
        desk.refused(ANNA, reply(case, "finding", Some("close")), Kind::Usage);
        desk.refused(ANNA, reply(case, "holding", Some("close")), Kind::Usage);
        desk.refused(
            ANNA,
            reply(case, "answer", Some("owe 2026-03-01T10:00:00Z")),
            Kind::Usage,
        );
        desk.refused(ANNA, reply(case, "answer", Some("close as forgotten")), Kind::Usage);
        desk.refused(ANNA, reply(case + 1, "answer", None), Kind::Missing);
        let empty = Verb::Reply {
            case,
            text: " \n".into(),
            kind: "answer".into(),
            then: None,
            answers: Vec::new(),
            force_stale: false,
            files: Vec::new(),
        };
        desk.refused(ANNA, empty, Kind::Usage);
        assert_eq!(desk.sent_to(NORA), ["acknowledgement"]);
    });
}

#[test]
fn a_reply_to_what_a_colleague_answered_meanwhile_is_refused_unless_forced() {
    on_both(|desk| {
        let ben = "ben@acme.example";
        desk.hire(ben, "Ben Vogel", Role::Engineer);
        let case = desk.receive(&mail(NORA, "The daemon stops")).case();
        desk.by(ANNA, Verb::Next).expect("a slice");
        desk.minutes(5);
        desk.act(ben, reply(case, "answer", Some("wait fri 12:00")));
        desk.leaves();
        let said = desk.refused(ANNA, reply(case, "answer", Some("close")), Kind::Conflict);
        assert!(said.contains("Ben Vogel") && said.contains("--force-stale"), "{said}");
        assert_eq!(Kind::Conflict.exit_code(), 4);
        let forced = Verb::Reply {
            case,
            text: "And one more thing.".into(),
            kind: "answer".into(),
            then: Some("close".into()),
            answers: Vec::new(),
            force_stale: true,
            files: Vec::new(),
        };
        desk.act(ANNA, forced);
        desk.leaves();
        assert_eq!(desk.state(case), State::Closed);
        assert_eq!(desk.sent_to(NORA), ["acknowledgement", "answer", "answer"]);
    });
}

#[test]
fn a_reply_that_names_the_messages_it_answers_keeps_only_their_promises() {
    on_both(|desk| {
        let first = mail(NORA, "Two questions");
        let place = desk.receive(&first);
        let case = place.case();
        desk.minutes(10);
        desk.receive(
            &mail(NORA, "Re: Two questions")
                .re(&first.message_id())
                .body("And the second?"),
        );
        let verb = |message| Verb::Reply {
            case,
            text: "To the first.".into(),
            kind: "answer".into(),
            then: Some("close".into()),
            answers: vec![message],
            force_stale: false,
            files: Vec::new(),
        };
        desk.refused(ANNA, verb(place.message + 1_000), Kind::Usage);
        desk.act(ANNA, verb(place.message));
        desk.leaves();
        let states: Vec<_> = desk.page(case).promises.into_iter().map(|one| one.state).collect();
        assert_eq!(states, ["kept", "open"]);
        assert_eq!(desk.state(case), State::Ready, "the second is still to be answered");
    });
}
