//! Who is on a case, and where answers go: what a proven mail says counts within its own customer, anything else is an
//! engineer's to decide.

use super::kit::desk::{ANNA, DESK, TestDesk, on_both, time, with};
use super::kit::mail::mail;
use super::{EVE, NORA};
use duly::desk::verb::{Answer, Verb};
use duly::refusal::Kind;
use jiff::SignedDuration;

const LI: &str = "li@northwind.example";

/// Whom a reply to this case goes to.
fn readers(desk: &mut TestDesk, case: i64) -> Vec<String> {
    desk.answered(case, "wait fri 12:00");
    let page = desk.page(case);
    let newest = page.messages.iter().find(|one| one.kind == "answer").expect("a reply");
    newest.delivery.iter().map(|copy| copy.recipient.clone()).collect()
}

fn northwind(desk: &TestDesk) {
    let entered = Verb::CustomerAdd {
        name: "Northwind".into(),
        domains: vec!["northwind.example".into()],
    };
    desk.act(ANNA, entered);
}

fn add(case: i64, address: &str) -> Verb {
    Verb::ParticipantAdd {
        case,
        address: address.into(),
    }
}

fn remove(case: i64, address: &str) -> Verb {
    Verb::ParticipantRemove {
        case,
        address: address.into(),
    }
}

#[test]
fn a_colleague_in_cc_reads_along_and_joins_and_a_stranger_does_not() {
    on_both(|desk| {
        northwind(desk);
        let copies = format!("Li <{LI}>, Eve <{EVE}>, {DESK}, {ANNA}");
        let first = mail(NORA, "The daemon stops").header("Cc", &copies);
        let case = desk.receive(&first).case();
        assert_eq!(readers(desk, case), [NORA, LI]);
        let from_li = desk.receive(&mail(LI, "Re: The daemon stops").re(&first.message_id()));
        assert_eq!(from_li.case(), case);
        let from_eve = desk.receive(&mail(EVE, "Re: The daemon stops").re(&first.message_id()));
        assert_ne!(from_eve.case(), case, "a stranger in Cc is a claim in a header");
    });
}

#[test]
fn nobody_is_added_by_a_sender_who_is_not_proven_or_where_no_administrator_entered_the_domain() {
    with(&[], |desk| {
        northwind(desk);
        let case = desk.receive(&mail(NORA, "The daemon stops").header("Cc", LI)).case();
        desk.act(ANNA, Verb::Release { what: case.to_string() });
        assert_eq!(readers(desk, case), [NORA]);
    });
    on_both(|desk| {
        let case = desk.receive(&mail(NORA, "The daemon stops").header("Cc", LI)).case();
        assert_eq!(readers(desk, case), [NORA]);
    });
}

#[test]
fn an_engineer_puts_people_on_a_case_and_takes_them_off_for_good() {
    on_both(|desk| {
        northwind(desk);
        let first = mail(NORA, "The daemon stops");
        let case = desk.receive(&first).case();
        let said = desk.act(ANNA, add(case, EVE));
        assert!(said.contains("of another customer"), "{said}");
        let said = desk.act(ANNA, add(case, LI));
        assert!(!said.contains("another customer"), "{said}");
        desk.refused(ANNA, add(case, LI), Kind::Conflict);
        desk.refused(ANNA, add(case, DESK), Kind::Usage);
        desk.refused(ANNA, add(case, "no address"), Kind::Usage);
        assert_eq!(readers(desk, case), [NORA, EVE, LI]);
        desk.act(ANNA, remove(case, EVE));
        desk.act(ANNA, remove(case, LI));
        desk.refused(ANNA, remove(case, LI), Kind::Missing);
        desk.refused(ANNA, remove(case, NORA), Kind::Conflict);
        let again = mail(NORA, "Re: The daemon stops")
            .re(&first.message_id())
            .header("Cc", LI);
        assert_eq!(desk.receive(&again).case(), case);
        desk.refused(ANNA, remove(case, NORA), Kind::Conflict);
        assert_eq!(readers(desk, case), [NORA], "a Cc does not put them on it again");
        desk.act(ANNA, add(case, LI));
        let log = desk.rows(
            "SELECT kind FROM event WHERE kind LIKE 'participant.%' ORDER BY seq",
            &[],
        );
        let kinds: Vec<&str> = log.iter().map(|row| row.text(0)).collect();
        let (added, removed) = ("participant.added", "participant.removed");
        assert_eq!(kinds, [added, added, removed, removed, added]);
    });
}

#[test]
fn an_answer_goes_where_a_proven_author_asks_within_the_domain_and_nowhere_else() {
    on_both(|desk| {
        let team = "Team <team@Northwind.example>";
        let first = mail(NORA, "The daemon stops").header("Reply-To", team);
        let case = desk.receive(&first).case();
        assert_eq!(readers(desk, case), ["team@northwind.example"]);
        assert_eq!(desk.promises(case)[0].split(' ').next(), Some("kept"));
        let reply = desk.mails_to("team@northwind.example").pop().expect("a reply");
        let sent_from = reply.mail.split(['<', '>']).nth(1).expect("a return path").to_owned();
        let again = desk.receive(&mail(NORA, "Something else").to(&sent_from));
        assert_eq!(again.case(), case, "the reply address is made for who writes from hers");
        for foreign in [EVE, "a@northwind.example, b@northwind.example", DESK] {
            let letter = mail(NORA, &format!("Another thing {foreign}")).header("Reply-To", foreign);
            let case = desk.receive(&letter).case();
            assert_eq!(readers(desk, case), [NORA], "{foreign}");
            let page = desk.page(case);
            let remarks = &page.messages.last().expect("her mail").facts.remarks;
            assert!(
                remarks.iter().any(|one| one.contains("they go to nora@")),
                "{remarks:?}"
            );
        }
    });
    with(&[], |desk| {
        let case = desk
            .receive(&mail(NORA, "The daemon stops").header("Reply-To", "x@northwind.example"))
            .case();
        desk.act(ANNA, Verb::Release { what: case.to_string() });
        assert_eq!(readers(desk, case), [NORA], "nobody vouches for what it asks");
    });
}

#[test]
fn a_promise_is_due_at_the_minute_that_is_said() {
    on_both(|desk| {
        desk.at(desk.now() + SignedDuration::from_secs(37));
        let case = desk.receive(&mail(NORA, "The daemon stops")).case();
        assert_eq!(desk.promises(case), ["open 2026-03-03T10:00:00Z"]);
        desk.answered(case, "owe +3h");
        let owed = desk.page(case).promises.pop().expect("a promise");
        assert_eq!(owed.due, time("2026-03-02T11:00:00Z"), "said and due are one instant");
        assert!(desk.mails_to(NORA)[1].text().contains("06:00"), "as her zone has it");
    });
}

#[test]
fn a_later_urgent_mail_raises_the_case_and_leaves_older_promises_alone() {
    on_both(|desk| {
        let first = mail(NORA, "The daemon stops");
        let case = desk.receive(&first).case();
        let urgent = mail(NORA, "Re: The daemon stops")
            .re(&first.message_id())
            .body("URGENT: production is down");
        desk.receive(&urgent);
        assert_eq!(desk.page(case).row.severity, 1);
        let due: Vec<String> = desk.promises(case);
        assert_eq!(due, ["open 2026-03-03T10:00:00Z", "open 2026-03-02T10:00:00Z"]);
        desk.answered(case, "wait fri 12:00");
        desk.receive(&mail(NORA, "Re: The daemon stops").re(&first.message_id()));
        let last = desk.page(case).promises.pop().expect("a promise");
        assert_eq!(last.due, time("2026-03-02T10:00:00Z"), "later promises follow");
    });
}

#[test]
fn a_search_finds_people_and_says_how_much_it_does_not_show() {
    on_both(|desk| {
        northwind(desk);
        for number in 0..5 {
            desk.receive(&mail(&format!("Nora Quist <{NORA}>"), &format!("Question {number}")));
        }
        let grep = |query: &str, limit| {
            let query = query.to_owned();
            match desk.owner(Verb::Grep { query, limit }) {
                Ok(Answer::Hits(found)) => found,
                other => panic!("{other:?}"),
            }
        };
        for (query, hits) in [
            ("quist", 5),
            ("nora quist", 5),
            (NORA, 5),
            ("quist 3", 1),
            ("nobody", 0),
        ] {
            let found = grep(query, None);
            assert_eq!((found.hits.len(), found.more), (hits, 0), "{query}: {found:?}");
        }
        let some = grep("quist", Some(2));
        assert_eq!((some.hits.len(), some.more, some.uncounted), (2, 3, false));
        assert!(some.hits[0].line.contains("Nora Quist"), "{some:?}");
        let customer = grep("NorthWind", None);
        assert!(
            customer
                .hits
                .iter()
                .any(|hit| hit.line.starts_with("customer Northwind:")),
            "{customer:?}"
        );
    });
}
