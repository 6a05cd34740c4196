//! Times that are negotiated: offered, asked for, accepted, refused, lapsed; by words of mails and by verbs.

use super::kit::desk::{ANNA, TestDesk, on_both, reply, time};
use super::kit::mail::mail;
use super::{EVE, NORA};
use duly::desk::engineer::Role;
use duly::desk::verb::{Answer, Bargain, Verb};
use duly::refusal::Kind;

const BEN: &str = "ben@acme.example";
/// Ten business hours after Monday 09:00: Tuesday 11:00 in Berlin.
const DUE: &str = "2026-03-03T10:00:00Z";
/// Wednesday 10:00 in Berlin.
const WEDNESDAY: &str = "2026-03-04T09:00:00Z";
const SUBJECT: &str = "The daemon stops";

fn bargain(case: i64, bargain: Bargain, time: Option<&str>, sign: Option<&str>) -> Verb {
    Verb::Negotiate {
        case,
        number: None,
        bargain,
        time: time.map(str::to_owned),
        because: Some("the test takes four hours".into()),
        meanwhile: None,
        sign: sign.map(str::to_owned),
    }
}

fn offer(case: i64, time: &str) -> Verb {
    bargain(case, Bargain::Offer, Some(time), None)
}

/// A case of Nora's, promised by [`DUE`].
fn promised(desk: &mut TestDesk) -> i64 {
    desk.receive(&mail(NORA, SUBJECT)).case()
}

/// Nora answers our mail: to the reply address that was made for her.
fn says(desk: &mut TestDesk, case: i64, words: &str) {
    let to = desk.return_path(case, NORA);
    let place = desk.receive(&mail(NORA, &format!("Re: {SUBJECT}")).to(&to).body(words));
    assert_eq!(place.case(), case);
}

fn events(desk: &TestDesk, case: i64) -> Vec<String> {
    let log = match desk.owner(Verb::Log {
        case: Some(case),
        after: 0,
    }) {
        Ok(Answer::Log(log)) => log,
        other => panic!("{other:?}"),
    };
    let told = log.into_iter().map(|line| line.kind);
    told.filter(|kind| kind.starts_with("offer.") || kind.starts_with("promise."))
        .collect()
}

fn newest(desk: &TestDesk) -> String {
    let text = desk.mails_to(NORA).pop().expect("a mail").text();
    text.replace(" \n", " ").replace('\n', " ")
}

#[test]
fn an_offer_stands_beside_the_old_time_until_ok_moves_it() {
    on_both(|desk| {
        let case = promised(desk);
        desk.act(ANNA, offer(case, "wed 10:00"));
        desk.quiet();
        assert_eq!(desk.promises(case), [format!("open {DUE}")], "silence moves nothing");
        let text = newest(desk);
        assert!(text.contains("Until you answer, the old time stands"), "{text}");
        assert!(text.contains("We need longer: the test takes four hours"), "{text}");
        says(desk, case, "ok\n\nThanks,\nNora");
        assert_eq!(
            desk.promises(case),
            [format!("moved {DUE}"), format!("open {WEDNESDAY}")]
        );
        let promises = desk.page(case).promises;
        assert_eq!(promises[1].word, "agreed");
        assert_eq!(promises[1].moved_from, Some(promises[0].promise));
        assert_eq!(promises[1].asked_by.as_deref(), Some("us"));
        assert_eq!(promises[1].message, promises[0].message, "the same message is answered");
        assert!(promises[1].agreed_at.is_some());
        assert_eq!(desk.sent_to(NORA), ["acknowledgement", "offer", "agreed"]);
        let text = newest(desk);
        assert!(text.contains("Agreed: instead of Tuesday 3 March, 05:00"), "{text}");
        assert!(
            text.contains("METHOD:REQUEST") && text.contains("DTEND:20260304T090000Z"),
            "{text}"
        );
        assert_eq!(
            events(desk, case),
            [
                "promise.made",
                "offer.made",
                "promise.moved",
                "promise.made",
                "offer.accepted"
            ]
        );
        desk.answered(case, "close");
        assert_eq!(desk.promises(case)[1], format!("kept {WEDNESDAY}"));
    });
}

#[test]
fn words_that_are_not_proven_are_shown_and_change_nothing() {
    on_both(|desk| {
        let case = promised(desk);
        desk.act(ANNA, offer(case, "wed 10:00"));
        let before = desk.promises(case);
        // Joined by a Message-ID that others may know, not by the address that was made for her.
        let known = desk.rows("SELECT message_id FROM message WHERE kind = 'offer'", &[])[0]
            .text(0)
            .to_owned();
        let place = desk.receive(&mail(NORA, SUBJECT).re(&known).body("ok"));
        assert_eq!(place.case(), case);
        assert_eq!(desk.promises(case)[..1], before[..]);
        let remarks = &desk.page(case).messages[0].facts.remarks;
        assert!(remarks.iter().any(|one| one.contains("changed nothing")), "{remarks:?}");
        // Somebody else with her reply address.
        let to = desk.return_path(case, NORA);
        desk.receive(&mail(EVE, SUBJECT).to(&to).body("time: tomorrow 15:00"));
        assert_eq!(desk.promises(case)[..1], before[..]);
    });
}

#[test]
fn a_wish_that_fits_is_agreed_at_once_in_the_zone_of_its_writer() {
    on_both(|desk| {
        let case = promised(desk);
        // Her mails say UTC-5: ten her time is four in the afternoon in Berlin.
        says(desk, case, "time: tomorrow 10:00");
        assert_eq!(
            desk.promises(case),
            [format!("moved {DUE}"), "open 2026-03-03T15:00:00Z".to_owned()]
        );
        assert_eq!(desk.page(case).promises[1].asked_by.as_deref(), Some("customer"));
        let text = newest(desk);
        assert!(text.contains("we reply by Tuesday 3 March, 10:00"), "{text}");
        says(desk, case, "zeit: Mittwoch um 9 Uhr");
        assert_eq!(desk.promises(case)[2], "open 2026-03-04T14:00:00Z");
        says(desk, case, "time: at teatime");
        assert_eq!(desk.promises(case).len(), 3);
        assert!(
            newest(desk).contains("we did not understand \"at teatime\""),
            "{}",
            newest(desk)
        );
    });
}

#[test]
fn ok_to_the_first_time_makes_it_agreed_and_to_a_question_is_an_answer() {
    on_both(|desk| {
        let case = promised(desk);
        says(desk, case, "OK");
        assert_eq!(desk.page(case).promises[0].word, "agreed");
        assert_eq!(desk.promises(case).len(), 1, "words alone want no answer");
        desk.act(ANNA, reply(case, "question", Some("wait fri 12:00")));
        desk.leaves();
        says(desk, case, "ok");
        assert_eq!(desk.promises(case).len(), 2, "it answers our question, and wants one");
    });
}

/// Anna alone answers, by day.
fn anna_by_day(desk: &TestDesk) {
    desk.tamper("UPDATE engineer SET left_at = 1 WHERE address <> 'anna@acme.example'");
    desk.tamper("UPDATE engineer SET hours = 'mon-fri 09:00-17:00'");
}

/// Three customers are down: an hour and a half of Anna's next two is promised.
fn busy(desk: &mut TestDesk) {
    anna_by_day(desk);
    for number in 0..3 {
        let from = format!("c{number}@other.example");
        desk.receive(&mail(&from, "All is down").body("urgent: all is down."));
    }
}

#[test]
fn what_does_not_fit_is_refused_with_what_helps_and_a_lead_may_sign() {
    on_both(|desk| {
        desk.hire(BEN, "Ben Arnold", Role::Engineer);
        let case = promised(desk);
        busy(desk);
        let said = desk.refused(ANNA, offer(case, "11:30"), Kind::Dishonest);
        let expected = [
            "Mon 2 Mar 11:30 CET is not an honest promise.",
            "Can answer it: Anna Keller.",
            "the hours of Anna Keller hold 141 minutes; 93 of them are promised, and this needs 131.",
            "Earliest honest time: Mon 2 Mar 14:55 CET.",
            "Or ask a customer to move:  duly promise ",
        ];
        for words in expected {
            assert!(said.contains(words), "{said}");
        }
        assert_eq!(desk.promises(case), [format!("open {DUE}")]);
        desk.tamper("UPDATE engineer SET left_at = NULL WHERE address = 'ben@acme.example'");
        let hurried = bargain(case, Bargain::Offer, Some("10:00"), Some("I hurry"));
        desk.refused(BEN, hurried, Kind::Forbidden);
        desk.tamper("UPDATE engineer SET left_at = 1 WHERE address = 'ben@acme.example'");
        desk.act(
            ANNA,
            bargain(case, Bargain::Offer, Some("11:30"), Some("I do it first")),
        );
        assert!(events(desk, case).contains(&"promise.signed".to_owned()));
        assert_eq!(
            desk.promises(case),
            [format!("open {DUE}")],
            "a signature moves nothing"
        );
        says(desk, case, "ok");
        assert_eq!(desk.promises(case)[1], "open 2026-03-02T10:30:00Z");
    });
}

#[test]
fn a_wish_that_does_not_fit_is_answered_with_the_earliest_time_and_a_lead_may_grant_it() {
    on_both(|desk| {
        let case = promised(desk);
        busy(desk);
        // Half past five her time is half past eleven in Berlin.
        says(desk, case, "time: 5:30");
        assert_eq!(desk.promises(case), [format!("open {DUE}")]);
        let promise = desk.page(case).promises.remove(0);
        assert_eq!(promise.word, "asked");
        assert_eq!(promise.offered, Some(time("2026-03-02T13:55:00Z")));
        assert_eq!(promise.wished, Some(time("2026-03-02T10:30:00Z")));
        assert!(desk.sent_to(ANNA).contains(&"lead".to_owned()));
        let text = newest(desk);
        assert!(text.contains("We cannot promise that"), "{text}");
        assert!(text.contains("Earliest time  Monday 2 March, 08:55"), "{text}");
        desk.refused(ANNA, bargain(case, Bargain::Accept, None, None), Kind::Dishonest);
        desk.act(ANNA, bargain(case, Bargain::Accept, None, Some("it is worth it")));
        desk.quiet();
        assert_eq!(desk.promises(case)[1], "open 2026-03-02T10:30:00Z");
        assert_eq!(desk.page(case).promises[1].asked_by.as_deref(), Some("customer"));
        assert_eq!(desk.sent_to(NORA), ["acknowledgement", "offer", "agreed"]);
    });
}

#[test]
fn a_wish_that_nobody_can_grant_lapses_with_a_word_or_is_refused_with_one() {
    on_both(|desk| {
        let case = promised(desk);
        // Nobody is left whose hours could be counted.
        desk.tamper("UPDATE engineer SET left_at = 1");
        says(desk, case, "time: tomorrow 4:00");
        assert_eq!(desk.page(case).promises[0].word, "asked");
        let text = newest(desk);
        assert!(text.contains("A person decides on your wish."), "{text}");
        desk.minutes(61);
        assert_eq!(desk.promises(case), [format!("open {DUE}")]);
        assert_eq!(desk.page(case).promises[0].word, "offered");
        assert!(
            newest(desk).contains("Nobody could grant it in time."),
            "{}",
            newest(desk)
        );
        says(desk, case, "time: tomorrow 4:00");
        desk.tamper("UPDATE engineer SET left_at = NULL");
        desk.act(ANNA, bargain(case, Bargain::Refuse, None, None));
        desk.quiet();
        assert!(
            newest(desk).contains("We cannot do it: the test takes four hours"),
            "{}",
            newest(desk)
        );
        assert_eq!(desk.promises(case), [format!("open {DUE}")]);
    });
}

#[test]
fn a_new_customer_of_a_full_desk_gets_an_honest_date_at_once() {
    on_both(|desk| {
        anna_by_day(desk);
        let at_target = (0..20)
            .take_while(|number| {
                let case = desk.receive(&mail(&format!("c{number}@other.example"), "Help")).case();
                desk.promises(case) == [format!("open {DUE}")]
            })
            .count();
        // Ten hours hold this many: what they take on average, and once the longest that one may take.
        assert_eq!(at_target, 8);
        let case = desk.receive(&mail(NORA, SUBJECT)).case();
        assert!(desk.page(case).promises[0].due > time(DUE));
        let text = newest(desk);
        assert!(text.contains("This is later than our usual time"), "{text}");
        let why = &desk.page(case).promises[0].why;
        let short = &why["full"]["short"];
        assert!(
            short["promised"].as_i64() > Some(200) && short["people"][0] == "Anna Keller",
            "{why}"
        );
        assert_eq!(why["target_due"], DUE, "{why}");
    });
}

#[test]
fn an_offer_lapses_after_two_business_days_or_with_a_newer_one() {
    on_both(|desk| {
        let case = desk.receive(&mail(NORA, SUBJECT)).case();
        desk.act(ANNA, offer(case, "2026-03-10 10:00"));
        desk.act(ANNA, offer(case, "2026-03-11 10:00"));
        let states = |desk: &TestDesk| {
            let rows = desk.rows("SELECT state FROM negotiation ORDER BY id", &[]);
            rows.iter().map(|row| row.text(0).to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(states(desk), ["lapsed", "open"]);
        // The promise that it would move falls due first.
        desk.at(time(DUE));
        assert_eq!(states(desk), ["lapsed", "lapsed"]);
        assert!(desk.promises(case)[0].starts_with("broken"));
        says(desk, case, "keep");
        let open = desk.promises(case).len();
        assert_eq!(
            open, 3,
            "nothing is on the table that this could answer: it is a mail like any"
        );
    });
}

#[test]
fn a_finding_owes_only_a_time_that_fits() {
    on_both(|desk| {
        let case = promised(desk);
        busy(desk);
        let hurried = reply(case, "finding", Some("owe 9:30"));
        let said = desk.refused(ANNA, hurried.clone(), Kind::Dishonest);
        assert!(said.contains("is not an honest promise"), "{said}");
        let signed = Verb::Signed {
            reply: Box::new(hurried),
            because: "it is half done".into(),
        };
        desk.act(ANNA, signed);
        desk.leaves();
        assert!(desk.promises(case)[0].starts_with("kept"));
        assert_eq!(desk.promises(case)[1], "open 2026-03-02T08:30:00Z");
        assert!(events(desk, case).contains(&"promise.signed".to_owned()));
    });
}

#[test]
fn no_reply_needed_withdraws_and_a_reply_that_did_not_help_makes_a_new_promise() {
    on_both(|desk| {
        let case = promised(desk);
        says(desk, case, "no reply needed");
        assert_eq!(desk.promises(case), [format!("withdrawn {DUE}")]);
        assert!(newest(desk).contains("you need no reply"), "{}", newest(desk));
        let other = desk.receive(&mail(NORA, "Another thing")).case();
        desk.answered(other, "close");
        says_in(desk, other, "This did not help.");
        let promises = desk.promises(other);
        assert!(promises[0].starts_with("kept"), "a disputed reply stays kept");
        assert!(promises[1].starts_with("open") && promises.len() == 2, "{promises:?}");
        assert_eq!(desk.page(other).promises[1].basis, "disputed");
        assert!(
            newest(desk).contains("did not help. You hear from us by"),
            "{}",
            newest(desk)
        );
    });
}

fn says_in(desk: &mut TestDesk, case: i64, words: &str) {
    let to = desk.return_path(case, NORA);
    assert_eq!(
        desk.receive(&mail(NORA, "Re: Another thing").to(&to).body(words))
            .case(),
        case
    );
}

#[test]
fn a_break_promises_the_earliest_time_that_the_count_grants_and_is_not_hurried_twice() {
    on_both(|desk| {
        let case = promised(desk);
        desk.at(time(DUE));
        // The longest that it may take, behind what is kept free for urgent mail, and the guard twice: it was moved by us.
        assert_eq!(desk.promises(case)[1], "open 2026-03-03T13:30:00Z");
        desk.at(time("2026-03-03T13:30:00Z"));
        // Broken again: the follow-up target, ten business hours on.
        assert_eq!(desk.promises(case)[2], "open 2026-03-04T15:30:00Z");
    });
}
