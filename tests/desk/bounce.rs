//! What a bounce may do: only what came to the address that our mail was sent from is believed, and it does enough.

use super::kit::desk::{ANNA, DESK, TestDesk, on_both, reply, with};
use super::kit::mail::{bounce_of, mail, status_of};
use super::{EVE, NORA};
use duly::desk::case::State;
use duly::desk::spool::Row;
use duly::desk::verb::{Answer, Verb};

const LIST: &str = "users@lists.example";

fn spool(desk: &TestDesk) -> Vec<Row> {
    match desk.owner(Verb::Spool) {
        Ok(Answer::Spool(rows)) => rows,
        other => panic!("{}: {other:?}", desk.on),
    }
}

/// A case of Nora's that was answered and is closed, and the Message-ID of the answer.
fn closed(desk: &mut TestDesk) -> (i64, String) {
    let case = desk.receive(&mail(NORA, "The daemon stops")).case();
    desk.answered(case, "close");
    assert_eq!(desk.state(case), State::Closed);
    let id = desk.reply_id(case);
    (case, id)
}

fn newest_rule(desk: &TestDesk, case: i64) -> String {
    desk.page(case).messages[0].matched_by.clone()
}

#[test]
fn a_forged_bounce_changes_nothing_and_is_kept_with_the_reason() {
    on_both(|desk| {
        let (case, id) = closed(desk);
        // What any reader of an archive knows: the Message-ID, the recipient, the desk's address, the address of another.
        let other = desk.receive(&mail(EVE, "Mine")).case();
        desk.answered(other, "close");
        let foreign = desk.return_path(other, EVE);
        for path in [
            DESK,
            foreign.as_str(),
            "support+aaaaaaaaaaaaaaaaaaaaaaaaaaaaa@acme.example",
        ] {
            let place = desk.receive(&bounce_of(&id, NORA, path));
            assert_eq!(place.case, Some(case));
            assert_eq!(newest_rule(desk, case), "bounce, not believed");
        }
        assert_eq!(desk.state(case), State::Closed);
        assert!(desk.page(case).bounced.is_empty());
        assert_eq!(desk.page(case).promises[0].state, "kept");
        let rows = spool(desk);
        assert_eq!((rows.len(), rows[0].state.as_str()), (3, "bounce"));
        assert!(rows[0].reason.contains("not believed"), "{:?}", rows[0]);
        let leads = desk.sent_to(ANNA);
        desk.minutes(3 * 24 * 60);
        assert_eq!(desk.sent_to(ANNA), leads, "nobody is woken by what anybody can write");
    });
}

#[test]
fn a_forged_bounce_of_a_public_lists_reader_is_not_believed() {
    with(&[("mail", "unverified", "schedule"), ("mail", "lists", LIST)], |desk| {
        let through = mail(NORA, "The daemon stops")
            .to(LIST)
            .header("List-Id", "<users.lists.example>")
            .envelope("users-bounces@lists.example");
        let case = desk.receive(&through).case();
        desk.answered(case, "close");
        let id = desk.reply_id(case);
        for failed in [NORA, LIST] {
            desk.receive(&bounce_of(&id, failed, DESK));
            assert_eq!(newest_rule(desk, case), "bounce, not believed");
        }
        assert_eq!(desk.state(case), State::Closed);
    });
}

#[test]
fn a_bounce_without_a_copy_is_known_by_the_address_it_came_to() {
    on_both(|desk| {
        let (case, _) = closed(desk);
        let path = desk.return_path(case, NORA);
        let words = "Hi. This is the mail program at mx.customer.example.\nI wasn't able to deliver your message to the following addresses.\n\n<nora@northwind.example>:\nSorry, no mailbox here by that name.\n";
        let bounce = mail("MAILER-DAEMON@mx.customer.example", "failure notice")
            .envelope("")
            .to(&path)
            .body(words);
        assert_eq!(desk.receive(&bounce).case, Some(case));
        assert_eq!(desk.state(case), State::Ready);
        let bounced = desk.page(case).bounced;
        assert_eq!((bounced.len(), bounced[0].address.as_str()), (1, NORA));
        assert!(bounced[0].because.contains("no such mailbox"), "{bounced:?}");
    });
}

#[test]
fn a_notice_of_delay_changes_nothing_and_is_shown() {
    on_both(|desk| {
        let (case, id) = closed(desk);
        let late = status_of(
            &id,
            NORA,
            &desk.return_path(case, NORA),
            "delayed",
            "4.4.1",
            "connect: timed out",
        );
        assert_eq!(desk.receive(&late).case, Some(case));
        assert_eq!(newest_rule(desk, case), "delay");
        assert_eq!(
            (desk.state(case), desk.page(case).promises[0].state.as_str()),
            (State::Closed, "kept")
        );
        assert!(spool(desk).is_empty());
    });
}

#[test]
fn a_bounced_address_gets_nothing_automatic_and_who_replies_to_it_is_told() {
    on_both(|desk| {
        let (case, id) = closed(desk);
        let full = status_of(
            &id,
            NORA,
            &desk.return_path(case, NORA),
            "failed",
            "5.2.2",
            "552 5.2.2 mailbox full",
        );
        desk.receive(&full);
        assert_eq!(desk.state(case), State::Ready);
        let before = desk.sent_to(NORA).len();
        desk.minutes(7 * 24 * 60);
        assert!(desk.page(case).promises.iter().any(|one| one.state == "broken"));
        assert_eq!(desk.sent_to(NORA).len(), before, "not even that the promise was broken");
        let said = desk.act(ANNA, reply(case, "answer", Some("close")));
        assert!(
            said.contains("nora@northwind.example refuses our mail") && said.contains("the mailbox is full"),
            "{said}"
        );
        let Ok(Answer::Contacts(rows)) = desk.owner(Verb::Contact {
            named: Some("nora".into()),
        }) else {
            panic!("contacts")
        };
        assert_eq!(rows[0].bounced.len(), 1);
        // Who writes from it again is reached again.
        desk.leaves();
        desk.receive(&mail(NORA, "I made room"));
        assert!(desk.page(case).bounced.is_empty());
    });
}

#[test]
fn what_is_said_of_one_mail_does_not_mark_the_address() {
    on_both(|desk| {
        let (case, id) = closed(desk);
        let path = desk.return_path(case, NORA);
        desk.receive(&status_of(
            &id,
            NORA,
            &path,
            "failed",
            "5.3.4",
            "552 5.3.4 message too large",
        ));
        assert_eq!(desk.state(case), State::Ready, "it did not arrive");
        assert!(desk.page(case).bounced.is_empty(), "smaller mail will");
    });
}

#[test]
fn a_forwarders_report_about_another_address_is_about_whom_we_wrote_to() {
    on_both(|desk| {
        let (case, id) = closed(desk);
        let path = desk.return_path(case, NORA);
        desk.receive(&bounce_of(&id, "nora.berg@elsewhere.example", &path));
        assert_eq!(desk.state(case), State::Ready);
        assert_eq!(desk.page(case).bounced[0].address, NORA);
    });
}

#[test]
fn a_complaint_is_noted_in_its_case_and_changes_nothing() {
    on_both(|desk| {
        let (case, id) = closed(desk);
        let path = desk.return_path(case, NORA);
        let body = format!(
            "--cut\r\nContent-Type: text/plain\r\n\r\nThis is an abuse report.\r\n--cut\r\nContent-Type: message/feedback-report\r\n\r\n\
             Feedback-Type: abuse\r\nVersion: 1\r\nOriginal-Rcpt-To: {NORA}\r\n\r\n--cut\r\nContent-Type: message/rfc822\r\n\r\n\
             From: {path}\r\nMessage-ID: <{id}>\r\nSubject: Re: The daemon stops\r\n\r\nhello\r\n--cut--"
        );
        let report = mail("fbl@provider.example", "complaint")
            .header(
                "Content-Type",
                "multipart/report; report-type=feedback-report; boundary=cut",
            )
            .header("MIME-Version", "1.0")
            .to(&path)
            .body(&body);
        assert_eq!(desk.receive(&report).case, Some(case));
        assert_eq!(
            (newest_rule(desk, case).as_str(), desk.state(case)),
            ("complaint", State::Closed)
        );
    });
}
