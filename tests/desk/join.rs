//! Who is joined to a case: headers locate, they grant nothing.

use super::kit::desk::{ANNA, DESK, TestDesk, on_both, with};
use super::kit::mail::{Mail, mail};
use super::{EVE, NORA};
use duly::desk::{ContactId, CustomerId, likeness, thread};

const LIST: &str = "users@lists.example";

/// The signed reply address of a case for somebody on it.
fn reply_address(desk: &TestDesk, case: i64, address: &str) -> String {
    let rows = desk.rows("SELECT key FROM cases WHERE id = $1", &[case.into()]);
    thread::reply_address(&desk.rules(), rows[0].text(0), address)
}

/// How a message was joined, and to which case a person may join it.
fn joined(desk: &TestDesk, case: i64) -> (String, Option<i64>) {
    let newest = desk
        .page(case)
        .messages
        .into_iter()
        .find(|message| message.way == "in")
        .expect("a mail");
    (newest.matched_by, newest.facts.offer)
}

#[test]
fn the_signed_address_joins_whom_it_was_made_for_and_nobody_else() {
    on_both(|desk| {
        let case = desk.receive(&mail(NORA, "The daemon stops")).case();
        let address = reply_address(desk, case, NORA);
        let from_ack = desk.mails_to(NORA)[0].text();
        assert!(
            from_ack.contains(&address),
            "the acknowledgement comes from it: {from_ack}"
        );
        let again = desk.receive(&mail(NORA, "Something else to say").to(&address));
        assert_eq!(again.case(), case);
        assert_eq!(joined(desk, case).0, "token");
        let stolen = desk.receive(&mail(EVE, "Re: The daemon stops").to(&address)).case();
        assert_ne!(stolen, case);
        assert_eq!(joined(desk, stolen), ("token of another address".into(), Some(case)));
        let (local, domain) = address.split_once('@').expect("an address");
        let mutated = format!("{}a@{domain}", &local[..local.len() - 1]);
        let guessed = desk.receive(&mail(EVE, "Let me in").to(&mutated)).case();
        assert_ne!(guessed, case);
    });
}

#[test]
fn a_known_message_id_joins_people_on_the_case_and_offers_to_others() {
    on_both(|desk| {
        let first = mail(NORA, "The daemon stops");
        let case = desk.receive(&first).case();
        assert_eq!(
            desk.receive(&mail(NORA, "Other words").re(&first.message_id())).case(),
            case
        );
        desk.answered(case, "wait fri 12:00");
        let ours = desk.reply_id(case);
        assert_eq!(desk.receive(&mail(NORA, "Thanks").re(&ours)).case(), case);
        let stranger = desk.receive(&mail(EVE, "Re: The daemon stops").re(&ours)).case();
        assert_ne!(stranger, case);
        assert_eq!(
            joined(desk, stranger),
            ("message-id, sender not on the case".into(), Some(case))
        );
        // The offer grants nothing: no reply to the case goes to the stranger.
        desk.answered(case, "close");
        assert_eq!(desk.sent_to(EVE), ["acknowledgement"]);
    });
}

#[test]
fn anybody_joins_a_public_case() {
    with(&[("mail", "unverified", "schedule"), ("mail", "lists", LIST)], |desk| {
        let through = |from: &str| -> Mail {
            mail(from, "[users] The daemon stops")
                .to(LIST)
                .header("List-Id", "<users.lists.example>")
                .header("List-Post", "<mailto:users@lists.example>")
                .envelope("users-bounces@lists.example")
        };
        let first = through(NORA);
        let case = desk.receive(&first).case();
        assert_eq!(desk.receive(&through(EVE).re(&first.message_id())).case(), case);
        assert_eq!(desk.promises(case).len(), 2);
        desk.answered(case, "close");
        assert_eq!(
            (desk.sent_to(NORA).len(), desk.sent_to(EVE).len()),
            (2, 1),
            "both who asked are answered"
        );
    });
}

#[test]
fn a_like_subject_never_joins_it_is_offered_with_its_reasons() {
    on_both(|desk| {
        let case = desk.receive(&mail(NORA, "The daemon stops")).case();
        let again = desk.receive(&mail(NORA, "AW: The daemon stops")).case();
        assert_ne!(again, case);
        assert_eq!(joined(desk, again), ("likeness".into(), Some(case)));
        let offered = desk.page(again).offered.expect("an offer");
        for reason in [
            "the same subject",
            "it is a reply",
            "its author wrote in that case",
            "less than a day apart",
        ] {
            assert!(offered.why.contains(reason), "{offered:?}");
        }
        // Nobody is offered the case of another customer.
        let stranger = desk.receive(&mail(EVE, "Re: The daemon stops")).case();
        assert_eq!(joined(desk, stranger), ("new".into(), None));
    });
}

#[test]
fn quoted_words_and_error_codes_offer_a_case_under_another_subject() {
    on_both(|desk| {
        let first = mail(NORA, "The daemon stops")
            .body("The daemon stops with ORA-00600 right after the nightly job has started.");
        let case = desk.receive(&first).case();
        let quoting = mail(NORA, "One more thing").body("It does so on db2 as well.\n\n> The daemon stops with ORA-00600 right after the nightly job has started.\n");
        let apart = desk.receive(&quoting).case();
        assert_eq!(joined(desk, apart), ("likeness".into(), Some(case)));
        assert!(
            desk.page(apart)
                .offered
                .is_some_and(|offer| offer.why.contains("it quotes a message"))
        );
        let elsewhere = desk
            .receive(&mail(NORA, "How do I order a licence").body("We need ten."))
            .case();
        assert_eq!(joined(desk, elsewhere), ("new".into(), None));
    });
}

#[test]
fn the_other_desks_number_joins_once_it_was_learned_and_for_that_customer_alone() {
    on_both(|desk| {
        let first = mail(NORA, "[Northwind #48123] The daemon stops");
        let case = desk.receive(&first).case();
        let number = "[Northwind #48123] it stops again";
        // Seen once it stands for nothing yet.
        let early = desk.receive(&mail(NORA, "[Northwind #48124] Other")).case();
        assert_ne!(early, case);
        desk.receive(&mail(NORA, "Re: [Northwind #48123] The daemon stops").re(&first.message_id()));
        let later = desk.receive(&mail(NORA, number));
        assert_eq!(later.case(), case);
        assert_eq!(joined(desk, case).0, "number of the other desk");
        // Another customer's mail with the same number is theirs.
        let stranger = desk.receive(&mail(EVE, number)).case();
        assert_ne!(stranger, case);
        // From now on it is not rare any more, and stands for nothing.
        let after = desk.receive(&mail(NORA, number)).case();
        assert_ne!(after, case);
    });
}

/// Cases of a filled desk.
const FILLED: i64 = 20_000;

#[test]
fn an_offer_costs_the_same_on_a_desk_with_many_cases() {
    on_both(|desk| {
        let case = desk.receive(&mail(NORA, "The daemon stops")).case();
        let cost = |desk: &TestDesk| {
            let rows = desk.rows(
                "SELECT contact, customer FROM message m JOIN contact c ON c.id = m.contact WHERE m.case_id = $1",
                &[case.into()],
            );
            let marks = likeness::Marks::of(
                "Re: The daemon stops",
                "It stops with ORA-00600 again.",
                "> The daemon stops at start and writes nothing into its log.",
            );
            let new = likeness::Newcomer {
                author: ContactId(rows[0].int(0)),
                customer: CustomerId(rows[0].int(1)),
                list: None,
                marks: &marks,
                at: desk.now(),
            };
            let begun = std::time::Instant::now();
            for _ in 0..100 {
                let found = desk.store().read(|tx| likeness::offer(tx, &new)).expect("an answer");
                assert_eq!(found.map(|offer| offer.case.0), Some(case));
            }
            begun.elapsed() / 100
        };
        let alone = cost(desk);
        // Many cases with the same subject, of other customers and of the same one.
        let made = desk.store().write(|tx| {
            let from = "WITH RECURSIVE n(i) AS (SELECT CAST(1 AS BIGINT) UNION ALL SELECT i + 1 FROM n WHERE i < $1)";
            tx.execute(
                &format!("{from} INSERT INTO cases (id, customer, subject, severity, lane, layer, hand, resolution, key, opened_at, changed_at)
                    SELECT 100000 + i, 1, 'filled', 3, 'operate', 1, 'nobody', 'answered', 'filled ' || i, 0, 0 FROM n"),
                &[FILLED.into()],
            )?;
            tx.execute(
                &format!("{from} INSERT INTO case_subject (subject, scope, case_id, at)
                    SELECT 'the daemon stops', CASE WHEN i % 2 = 0 THEN 'customer 1' ELSE 'customer 999' END, 100000 + i, 0 FROM n"),
                &[FILLED.into()],
            )
        });
        made.expect("a filled desk");
        let among_many = cost(desk);
        println!(
            "{}: an offer takes {alone:?} on an empty desk, {among_many:?} among {FILLED} cases",
            desk.on
        );
        assert!(
            among_many < alone * 8 + std::time::Duration::from_millis(5),
            "{alone:?}, {among_many:?}"
        );
    });
}

#[test]
fn where_two_cases_match_the_oldest_has_it() {
    on_both(|desk| {
        let (first, second) = (mail(NORA, "One"), mail(NORA, "Two"));
        let old = desk.receive(&first).case();
        let new = desk.receive(&second).case();
        assert!(old < new);
        let both = mail(NORA, "Re: Two")
            .header("In-Reply-To", &format!("<{}>", second.message_id()))
            .header(
                "References",
                &format!("<{}> <{}>", second.message_id(), first.message_id()),
            );
        assert_eq!(desk.receive(&both).case(), old);
    });
}

#[test]
fn an_id_that_only_others_named_joins_too() {
    on_both(|desk| {
        let case = desk
            .receive(&mail(NORA, "Re: The daemon stops").re("never-seen@client.example"))
            .case();
        assert_eq!(
            desk.receive(&mail(NORA, "Re: The daemon stops").re("never-seen@client.example"))
                .case(),
            case
        );
        // Even the mail itself, if it comes after its answer.
        assert_eq!(
            desk.receive(&mail(NORA, "The daemon stops").id("never-seen@client.example"))
                .case(),
            case
        );
    });
}

#[test]
fn an_id_without_brackets_is_an_offer() {
    on_both(|desk| {
        let first = mail(NORA, "The daemon stops");
        let case = desk.receive(&first).case();
        let form = mail(NORA, "Re: The daemon stops").header("In-Reply-To", &first.message_id());
        let apart = desk.receive(&form).case();
        assert_ne!(apart, case);
        assert_eq!(joined(desk, apart), ("message-id without brackets".into(), Some(case)));
    });
}

#[test]
fn a_reply_goes_to_who_asked_and_openly_to_the_others_on_the_case() {
    on_both(|desk| {
        let first = mail("Nora Berg <nora@northwind.example>", "The daemon stops");
        let case = desk.receive(&first).case();
        desk.answered(case, "wait fri 12:00");
        let reply = desk.mails_to(NORA).pop().expect("the reply").text();
        for words in [
            "To: <nora@northwind.example>",
            "Subject: Re: The daemon stops",
            "Anna Keller",
            &format!("In-Reply-To: <{}>", first.message_id()),
        ] {
            assert!(reply.contains(words), "{words} is not in {reply}");
        }
        assert!(!reply.contains("Auto-Submitted"), "a person wrote it: {reply}");
        assert!(!reply.contains(ANNA), "answers come back to the desk: {reply}");
        assert!(reply.contains(DESK.split_once('@').expect("an address").0));
    });
}
