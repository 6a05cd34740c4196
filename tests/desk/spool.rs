//! The spool: what needs a look before it is anybody's promise, and what cannot leave.

use super::kit::desk::{ANNA, DESK, TestDesk, on_both, time, with};
use super::kit::mail::mail;
use super::{EVE, NORA};
use duly::desk::case::State;
use duly::desk::engineer::Role;
use duly::desk::spool::Row;
use duly::desk::thread;
use duly::desk::verb::{Answer, Verb};
use duly::refusal::Kind;
use jiff::SignedDuration;

fn spool(desk: &TestDesk) -> Vec<Row> {
    match desk.owner(Verb::Spool) {
        Ok(Answer::Spool(rows)) => rows,
        other => panic!("{}: {other:?}", desk.on),
    }
}

fn release(what: impl ToString) -> Verb {
    Verb::Release { what: what.to_string() }
}

#[test]
fn an_unverified_senders_mail_waits_for_a_person_and_is_promised_from_the_release() {
    with(&[], |desk| {
        let case = desk.receive(&mail(NORA, "The daemon stops")).case();
        assert_eq!((desk.state(case), desk.promises(case).len()), (State::Unsorted, 0));
        desk.refused(ANNA, Verb::Next, Kind::Nothing);
        assert_eq!(desk.sent_to(NORA), ["unverified"]);
        let note = desk.mails_to(NORA)[0].text();
        assert!(
            !note.contains("The daemon stops"),
            "nothing of the sender's is repeated: {note}"
        );
        desk.minutes(120);
        assert_eq!(spool(desk)[0].name, case.to_string());
        desk.act(ANNA, release(case));
        desk.quiet();
        let promise = desk.page(case).promises.remove(0);
        assert_eq!(promise.made, desk.now(), "counted from the release");
        assert_eq!(promise.due, time("2026-03-03T12:00:00Z"));
        assert_eq!(desk.state(case), State::Ready);
        assert_eq!(desk.sent_to(NORA), ["unverified", "acknowledgement"]);
        assert!(spool(desk).is_empty());
        desk.refused(ANNA, release(case), Kind::Missing);
    });
}

#[test]
fn the_note_to_unverified_senders_goes_once_an_address_and_day() {
    with(&[], |desk| {
        for number in 0..3 {
            desk.receive(&mail(NORA, &format!("Question {number}")));
        }
        assert_eq!(desk.sent_to(NORA), ["unverified"]);
        desk.receive(&mail(EVE, "Mine"));
        assert_eq!(desk.sent_to(EVE), ["unverified"]);
        desk.at(desk.now() + SignedDuration::from_hours(25));
        desk.receive(&mail(NORA, "Question 4"));
        assert_eq!(desk.sent_to(NORA), ["unverified", "unverified"]);
    });
}

#[test]
fn unverified_mail_in_a_case_wakes_nothing_until_it_is_released() {
    with(&[], |desk| {
        let first = mail(NORA, "The daemon stops");
        let case = desk.receive(&first).case();
        desk.act(ANNA, release(case));
        desk.answered(case, "close");
        let by_id = desk.receive(&mail(NORA, "Re: The daemon stops").re(&first.message_id()));
        assert_ne!(by_id.case(), case, "a Message-ID is known to others as well: an offer");
        let key = desk.rows("SELECT key FROM cases WHERE id = $1", &[case.into()])[0]
            .text(0)
            .to_owned();
        let reply_to = thread::reply_address(&desk.rules(), &key, NORA);
        let second = desk.receive(&mail(NORA, "Re: The daemon stops").to(&reply_to));
        assert_eq!(second.case(), case);
        desk.act(
            ANNA,
            Verb::Decline {
                case: by_id.case(),
                because: "the same again".into(),
            },
        );
        assert_eq!((desk.state(case), desk.promises(case).len()), (State::Closed, 1));
        let row = spool(desk).remove(0);
        assert_eq!((row.state.as_str(), row.case), ("unverified", Some(case)));
        let notes = |desk: &TestDesk| desk.sent_to(ANNA).iter().filter(|kind| *kind == "lead").count();
        assert_eq!(notes(desk), 0);
        desk.at(time("2026-03-06T15:59:00Z"));
        assert_eq!(notes(desk), 1, "the lead hears of it after a business day");
        desk.act(ANNA, release(&row.name));
        assert_eq!((desk.state(case), desk.promises(case).len()), (State::Ready, 2));
    });
}

#[test]
fn mail_through_a_list_that_is_not_served_is_unsorted_and_gets_nothing_automatic() {
    on_both(|desk| {
        let letter = mail(NORA, "Hello all")
            .header("List-Id", "<other.lists.example>")
            .header("List-Post", "<mailto:other@lists.example>")
            .envelope("other-bounces@lists.example");
        let case = desk.receive(&letter).case();
        assert_eq!(desk.state(case), State::Unsorted);
        assert_eq!(desk.sink.taken().len(), 0);
        desk.act(ANNA, release(case));
        assert_eq!(desk.state(case), State::Ready);
    });
}

#[test]
fn a_lead_hears_once_of_a_case_that_stood_unsorted_for_a_business_day() {
    with(&[], |desk| {
        desk.receive(&mail(NORA, "The daemon stops"));
        desk.at(time("2026-03-02T15:59:00Z"));
        assert!(desk.sent_to(ANNA).is_empty());
        desk.at(time("2026-03-05T15:59:00Z"));
        assert_eq!(desk.sent_to(ANNA), ["lead"]);
    });
}

#[test]
fn declining_needs_a_reason_and_closes() {
    with(&[], |desk| {
        let case = desk.receive(&mail(EVE, "You have won")).case();
        desk.refused(
            ANNA,
            Verb::Decline {
                case,
                because: " ".into(),
            },
            Kind::Usage,
        );
        desk.act(
            ANNA,
            Verb::Decline {
                case,
                because: "advertisement".into(),
            },
        );
        let page = desk.page(case);
        assert_eq!(
            (page.row.state, page.row.resolution.as_deref()),
            (State::Closed, Some("declined"))
        );
        assert!(spool(desk).is_empty());
        desk.refused(
            ANNA,
            Verb::Decline {
                case,
                because: "again".into(),
            },
            Kind::Conflict,
        );
    });
}

#[test]
fn the_brake_stops_everything_that_leaves_and_promises_go_on_counting() {
    on_both(|desk| {
        desk.hire("ben@acme.example", "Ben Vogel", Role::Engineer);
        desk.refused("ben@acme.example", Verb::Hold { hold: true }, Kind::Forbidden);
        desk.act(ANNA, Verb::Hold { hold: true });
        let case = desk.receive(&mail(NORA, "The daemon stops")).case();
        let said = desk.answer(case, "close");
        assert!(said.contains("The brake on all mail is on"), "{said}");
        desk.leaves();
        // It survives a restart.
        desk.stop();
        desk.start();
        desk.quiet();
        let newest = desk.page(case).messages.remove(0);
        assert!(
            newest.delivery[0]
                .words(&plan::Zone::UTC, desk.now())
                .contains("held by the brake")
        );
        assert_eq!(desk.sink.taken().len(), 0);
        assert_eq!(desk.state(case), State::Ready);
        assert_eq!(spool(desk)[0].state, "held");
        desk.at(time("2026-03-03T10:00:00Z"));
        assert_eq!(desk.page(case).promises[0].state, "broken");
        desk.act(ANNA, release("all"));
        desk.quiet();
        let mut sent = desk.sent_to(NORA);
        sent.sort_unstable();
        assert_eq!(sent, ["acknowledgement", "answer", "broken"]);
        assert_eq!(desk.page(case).promises[1].state, "kept");
    });
}

#[test]
fn automatic_mail_without_a_case_stands_in_the_spool_with_the_reason() {
    on_both(|desk| {
        let away = mail(NORA, "Away").header("Auto-Submitted", "auto-replied");
        assert_eq!(desk.receive(&away).case, None);
        let own = mail(DESK, "To ourselves").envelope(NORA);
        assert_eq!(desk.receive(&own).case, None);
        let rows = spool(desk);
        assert_eq!(rows.len(), 2);
        assert!(rows[0].reason.contains("our own"), "{:?}", rows[0]);
        assert!(rows[1].reason.contains("auto-replied"), "{:?}", rows[1]);
        desk.refused(ANNA, release(&rows[0].name), Kind::Conflict);
        desk.act(ANNA, release(&rows[1].name));
        assert_eq!(
            desk.number("SELECT COUNT(*) FROM promise", &[]),
            1,
            "a person said that it wants an answer"
        );
    });
}

#[test]
fn grep_finds_words_of_mails_replies_and_notes() {
    on_both(|desk| {
        let case = desk
            .receive(&mail(NORA, "Fehler ORA-00600").body("The log says kaputtgegangen twice."))
            .case();
        desk.act(
            ANNA,
            Verb::Note {
                case,
                text: "Looks like the sharding trouble.".into(),
            },
        );
        desk.answered(case, "close");
        for (query, hits) in [
            ("kaputtgegangen", 1),
            ("ORA-00600", 1),
            ("sharding", 1),
            ("\"is the answer\"", 1),
            ("absent", 0),
        ] {
            let grep = Verb::Grep {
                query: query.into(),
                limit: None,
            };
            let Ok(Answer::Hits(found)) = desk.owner(grep) else {
                panic!("{query}")
            };
            assert_eq!(found.hits.len(), hits, "{}: {query}: {found:?}", desk.on);
            assert!(found.hits.iter().all(|hit| hit.case == Some(case)));
        }
        let note = desk.mails_to(NORA).iter().any(|mail| mail.text().contains("sharding"));
        assert!(!note, "a note is for engineers only");
    });
}
