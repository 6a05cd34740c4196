//! Automatic mail is little, and never where it could start a loop.

use super::kit::desk::{DESK, TestDesk, on_both, with};
use super::kit::mail::{Mail, mail};
use super::{EVE, NORA};
use duly::desk::case::State;

const LIST: &str = "users@lists.example";

#[test]
fn a_case_acknowledges_three_times_a_day_to_an_address() {
    on_both(|desk| {
        let first = mail(NORA, "The daemon stops");
        let case = desk.receive(&first).case();
        for _ in 0..5 {
            desk.answered(case, "wait fri 12:00");
            desk.receive(&mail(NORA, "Re: The daemon stops").re(&first.message_id()));
            assert_eq!(desk.state(case), State::Ready);
        }
        let count = |kinds: Vec<String>| kinds.iter().filter(|kind| *kind == "acknowledgement").count();
        assert_eq!(count(desk.sent_to(NORA)), 3);
        // Another case has its own three; the next day there are three again.
        desk.receive(&mail(NORA, "Another thing"));
        assert_eq!(count(desk.sent_to(NORA)), 4);
        desk.minutes(24 * 60);
        desk.answered(case, "wait fri 12:00");
        desk.receive(&mail(NORA, "Re: The daemon stops").re(&first.message_id()));
        assert_eq!(count(desk.sent_to(NORA)), 5);
    });
}

#[test]
fn further_mail_while_the_ball_is_with_us_has_its_promise_and_no_acknowledgement() {
    on_both(|desk| {
        let first = mail(NORA, "The daemon stops");
        let case = desk.receive(&first).case();
        desk.receive(&mail(NORA, "Re: The daemon stops").re(&first.message_id()));
        assert_eq!(desk.promises(case).len(), 2);
        assert_eq!(desk.sent_to(NORA), ["acknowledgement"]);
    });
}

#[test]
fn an_answer_that_makes_a_case_urgent_is_told_its_nearer_time() {
    on_both(|desk| {
        let first = mail(NORA, "The daemon stops");
        let case = desk.receive(&first).case();
        let dues = |desk: &TestDesk| -> Vec<_> { desk.page(case).promises.iter().map(|one| one.due).collect() };
        let later = dues(desk)[0];
        let urgent = mail(NORA, "Re: The daemon stops").re(&first.message_id());
        desk.receive(&urgent.body("urgent: production is down"));
        assert!(dues(desk).into_iter().min() < Some(later), "{}", desk.on);
        assert_eq!(
            desk.sent_to(NORA),
            ["acknowledgement", "acknowledgement"],
            "{}",
            desk.on
        );
        // It is urgent already: the next one says nothing new.
        let again = mail(NORA, "Re: The daemon stops").re(&first.message_id());
        desk.receive(&again.body("urgent: still down"));
        assert_eq!(desk.sent_to(NORA).len(), 2, "{}", desk.on);
    });
}

#[test]
fn what_a_machine_wrote_is_never_answered() {
    let rows: Vec<(&str, Mail)> = vec![
        ("the null sender", mail(NORA, "Delivered").envelope("")),
        (
            "an out-of-office",
            mail(NORA, "Away").header("Auto-Submitted", "auto-replied"),
        ),
        (
            "a machine's report",
            mail(NORA, "Nightly").header("Auto-Submitted", "auto-generated"),
        ),
        ("bulk mail", mail(NORA, "Offer").header("Precedence", "bulk")),
        (
            "a list that is not served",
            mail(NORA, "Hello all")
                .header("List-Id", "<other.lists.example>")
                .header("Precedence", "list"),
        ),
        ("our own address", mail(DESK, "To ourselves").envelope(NORA)),
    ];
    on_both(|desk| {
        for (what, letter) in &rows {
            let place = desk.receive(letter);
            let promised = desk.number("SELECT COUNT(*) FROM promise", &[]);
            assert_eq!(promised, 0, "{what} has a promise, in {:?}", place.case);
        }
        assert_eq!(desk.number("SELECT COUNT(*) FROM outbox", &[]), 0);
        assert_eq!(desk.sink.taken().len(), 0);
    });
}

#[test]
fn an_out_of_office_in_answer_to_us_stands_in_its_case_and_changes_nothing() {
    on_both(|desk| {
        let case = desk.receive(&mail(NORA, "The daemon stops")).case();
        desk.answered(case, "wait fri 12:00");
        let away = mail(NORA, "Away")
            .re(&desk.reply_id(case))
            .header("Auto-Submitted", "auto-replied");
        let away = away.body("I am on holiday.");
        assert_eq!(desk.receive(&away).case, Some(case));
        assert_eq!(desk.state(case), State::Closing);
        // Nor is it what the next reply quotes or answers.
        desk.answered(case, "close");
        let last = desk.mails_to(NORA).pop().expect("a reply");
        assert!(!last.text().contains("holiday"), "{}", last.text());
        assert!(!last.text().contains(&format!("In-Reply-To: <{}>", away.message_id())));
    });
}

#[test]
fn a_list_that_is_served_gets_nothing_automatic_and_its_author_gets_the_acknowledgement() {
    with(&[("mail", "unverified", "schedule"), ("mail", "lists", LIST)], |desk| {
        let letter = mail("Nora Berg via Users <users@lists.example>", "[users] The daemon stops")
            .to(LIST)
            .header("Reply-To", NORA)
            .header("List-Id", "<users.lists.example>")
            .header("List-Post", "<mailto:users@lists.example>")
            .envelope("users-bounces@lists.example");
        let case = desk.receive(&letter).case();
        assert_eq!(desk.promises(case).len(), 1);
        assert_eq!(desk.sent_to(NORA), ["acknowledgement"]);
        desk.answered(case, "close");
        assert_eq!(desk.sent_to(LIST), ["answer"], "the reply itself goes to the list too");
        assert_eq!(desk.page(case).list.as_deref(), Some(LIST));
    });
}

#[test]
fn a_machine_that_answers_everything_and_says_nothing_of_itself_ends_the_loop_soon() {
    on_both(|desk| {
        let mut letter = mail(EVE, "Hello");
        for _ in 0..20 {
            desk.receive(&letter);
            let Some(ours) = desk.mails_to(EVE).pop() else { break };
            let text = ours.text();
            let header = |name: &str| {
                let line = text.lines().find(|line| line.starts_with(name)).unwrap_or_default();
                line.rsplit(['<', ' '])
                    .next()
                    .unwrap_or_default()
                    .trim_end_matches('>')
                    .to_owned()
            };
            letter = mail(EVE, "Re: Hello").to(&header("From:")).re(&header("Message-ID:"));
        }
        let automatic = desk.mails_to(EVE).iter().filter(|mail| mail.is_automatic()).count();
        assert!((1..=3).contains(&automatic), "{automatic} automatic mails");
        assert_eq!(
            desk.number("SELECT COUNT(*) FROM cases", &[]),
            1,
            "they all joined one case"
        );
    });
}

#[test]
fn a_machine_that_begins_anew_each_time_is_braked_by_the_day() {
    on_both(|desk| {
        for number in 0..40 {
            let words = ["disk", "fan", "load", "link", "power"];
            let subject = format!(
                "{} {} alarm",
                words[number % 5],
                ["north", "south", "east", "west", "top", "low", "in", "out"][number / 5]
            );
            desk.receive(&mail(EVE, &subject));
        }
        let sent = desk.sent_to(EVE).len() as i64;
        assert_eq!(sent, duly::limits::AUTOMATIC_PER_ADDRESS_PER_DAY);
        // The same again and again, but for a counter, is a loop.
        for number in 0..6 {
            desk.receive(&mail(NORA, &format!("Alarm {number}")));
        }
        assert_eq!(desk.sent_to(NORA).len() as i64, duly::limits::ACKNOWLEDGEMENTS_PER_DAY);
        assert_eq!(
            desk.number("SELECT COUNT(*) FROM promise", &[]),
            46,
            "each has its promise all the same"
        );
    });
}
