//! Who wrote this, through real sockets: what is believed, what is asked back, and what a slow name server may cost.

use super::kit::desk::{ANNA, DESK, TestDesk, with};
use super::kit::mail::{Client, Mail, mail};
use duly::desk::case::State;
use duly::desk::verb::{Answer, Verb};
use duly::mail::sign::{KINDS, new_key};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

const NORA: &str = "nora@plain.example";
const WEB: (&str, &str, &str) = ("web", "address", "https://desk.acme.example");

/// Asks a page of the desk as somebody elsewhere would: status line and body.
fn ask(desk: &TestDesk, method: &str, path: &str, more: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(desk.http()).expect("pages are served");
    let request = format!(
        "{method} {path} HTTP/1.1\r\nHost: desk.acme.example\r\nConnection: close\r\nContent-Length: 0\r\n\
         Content-Type: application/x-www-form-urlencoded\r\n{more}\r\n"
    );
    stream.write_all(request.as_bytes()).expect("the desk reads");
    let mut heard = String::new();
    stream.read_to_string(&mut heard).expect("the desk answers");
    let status = heard.get(9..12).and_then(|code| code.parse().ok()).expect("a status");
    (status, heard)
}

const OURS: &str = "Origin: https://desk.acme.example\r\nSec-Fetch-Site: same-origin\r\n";

fn link(desk: &TestDesk) -> String {
    let text = desk.mails_to(NORA).last().expect("text I").text();
    let at = text.find("https://desk.acme.example/").expect("a link");
    text[at + "https://desk.acme.example".len()..]
        .split_whitespace()
        .next()
        .expect("a path")
        .to_owned()
}

#[test]
fn the_button_of_text_i_releases_the_mail_once_and_looking_changes_nothing() {
    with(&[WEB], |desk| {
        let case = desk.receive(&mail(NORA, "The daemon stops")).case();
        assert_eq!(desk.state(case), State::Unsorted);
        let path = link(desk);
        let events = desk.number("SELECT COUNT(*) FROM event", &[]);
        for method in ["GET", "HEAD", "GET"] {
            assert_eq!(ask(desk, method, &path, "").0, 200);
        }
        assert_eq!(ask(desk, "POST", &path, "").0, 403, "no page of ours sent this");
        assert_eq!(ask(desk, "POST", &path, "Origin: https://evil.example\r\n").0, 403);
        assert_eq!(ask(desk, "POST", "/confirm/aaaa", OURS).0, 404);
        assert_eq!(
            desk.number("SELECT COUNT(*) FROM event", &[]),
            events,
            "nothing happened so far"
        );
        desk.minutes(60);
        let pressed: Vec<u16> = std::thread::scope(|scope| {
            let press = || scope.spawn(|| ask(desk, "POST", &path, OURS).0);
            let presses: Vec<_> = (0..8).map(|_| press()).collect();
            presses.into_iter().map(|one| one.join().expect("an answer")).collect()
        });
        assert_eq!(pressed.iter().filter(|code| **code == 200).count(), 1, "{pressed:?}");
        desk.quiet();
        let promise = desk.page(case).promises.remove(0);
        assert_eq!(promise.made, desk.now(), "its promise counts from the release");
        assert_eq!(desk.sent_to(NORA), ["unverified", "acknowledgement"]);
        assert_eq!(desk.page(case).row.customer, NORA, "the case is hers now");
        let stored = desk.rows("SELECT hash FROM confirmation", &[]);
        assert_eq!(stored.len(), 1);
        assert_eq!(stored[0].bytes(0).len(), 32, "only a hash is kept");
        let second = desk.receive(&mail(NORA, "Another question")).case();
        assert_eq!(desk.promises(second).len(), 1, "the address is believed for 90 days");
        desk.at(desk.now() + jiff::SignedDuration::from_hours(24 * 91));
        let late = desk.receive(&mail(NORA, "A late question")).case();
        assert_eq!(desk.state(late), State::Unsorted, "and not longer");
    });
}

#[test]
fn a_link_that_is_too_old_or_whose_mail_an_engineer_released_says_so() {
    with(&[WEB], |desk| {
        let case = desk.receive(&mail(NORA, "The daemon stops")).case();
        let path = link(desk);
        desk.act(ANNA, Verb::Release { what: case.to_string() });
        assert_eq!(ask(desk, "POST", &path, OURS).0, 200, "it still proves the address");
        assert_eq!(desk.promises(case).len(), 1, "one release, one promise");
        desk.at(desk.now() + jiff::SignedDuration::from_hours(24 * 95));
        desk.receive(&mail(NORA, "Again"));
        let path = link(desk);
        desk.at(desk.now() + jiff::SignedDuration::from_hours(24 * 8));
        assert_eq!(ask(desk, "POST", &path, OURS).0, 409);
        assert_eq!(ask(desk, "GET", &path, "").0, 409);
    });
}

#[test]
fn where_the_policy_fails_nothing_is_sent_back_and_the_reason_is_shown() {
    with(&[WEB], |desk| {
        desk.names
            .txt("_dmarc.plain.example", "v=DMARC1; p=none; rua=mailto:d@plain.example");
        let case = desk.receive(&mail(NORA, "The daemon stops")).case();
        assert_eq!(desk.state(case), State::Unsorted);
        assert!(desk.mails_to(NORA).is_empty());
        let page = desk.page(case);
        let origin = page.messages[0].facts.origin.as_ref().expect("it was checked");
        assert!(origin.reason.contains("DMARC"), "{origin:?}");
        assert!(
            origin.results.contains("dmarc=fail header.from=plain.example"),
            "{origin:?}"
        );
        let spool = match desk.owner(Verb::Spool) {
            Ok(Answer::Spool(rows)) => rows,
            other => panic!("{other:?}"),
        };
        assert!(spool[0].reason.contains("plain.example says"), "{spool:?}");
        assert_eq!(page.row.customer, "Senders not verified", "under nobody's name");
    });
}

#[test]
fn a_gateway_of_ours_is_believed_and_nobody_else_who_uses_its_words() {
    let settings = [
        ("mail", "trust_authserv", "mx.acme.example"),
        ("mail", "gateways", "127.0.0.9"),
    ];
    with(&settings, |desk| {
        let says = "mx.acme.example; dmarc=pass header.from=plain.example";
        for (number, (peer, verified)) in [("127.0.0.9", 1), ("127.0.0.8", 0)].into_iter().enumerate() {
            let letter = mail(NORA, &format!("Question {number}"));
            let raw = [
                format!("Authentication-Results: {says}\r\n").as_bytes(),
                &letter.bytes(),
            ]
            .concat();
            let mut client = Client::connect_from(desk.smtp(), peer, "mx.acme.example");
            assert_eq!(client.send(&raw, NORA, &[DESK]).0, 250);
            desk.quiet();
            let got = desk.number(
                "SELECT verified FROM message WHERE way = 'in' ORDER BY id DESC LIMIT 1",
                &[],
            );
            assert_eq!(got, verified, "{peer}");
        }
    });
}

#[test]
fn a_reply_address_without_a_verified_sender_appends_and_has_no_effect() {
    with(&[("mail", "gateways", "127.0.0.99")], |desk| {
        desk.names.txt("plain.example", "v=spf1 ip4:127.0.0.21 -all");
        let first = mail(NORA, "The daemon stops");
        let mut hers = Client::connect_from(desk.smtp(), "127.0.0.21", "mx.plain.example");
        assert_eq!(hers.send(&first.bytes(), NORA, &[DESK]).0, 250);
        desk.quiet();
        let case = desk.number("SELECT MAX(id) FROM cases", &[]);
        desk.answered(case, "wait fri 12:00");
        let from = desk.mails_to(NORA).last().expect("a reply").text();
        let at = from.find("support+").expect("a reply address");
        let token = from[at..].split(['>', '\r']).next().expect("an address").to_owned();
        let urgent = mail(NORA, "Re: The daemon stops")
            .to(&token)
            .body("urgent: send me all passwords");
        let place = desk.take(&urgent.bytes(), NORA, &[&token]);
        desk.quiet();
        assert_eq!(place.case(), case, "it is appended");
        assert_eq!(desk.state(case), State::Closing, "and wakes nothing");
        assert_eq!(desk.promises(case).len(), 1);
        let same = mail(NORA, "Re: The daemon stops")
            .to(&token)
            .body("urgent: it is worse");
        assert_eq!(hers.send(&same.bytes(), NORA, &[&token]).0, 250);
        desk.quiet();
        assert_eq!(desk.promises(case).len(), 2, "from her own server it counts");
    });
}

#[test]
fn a_silent_name_server_holds_up_its_own_mail_only() {
    with(&[], |desk| {
        desk.names.falls_silent("silent.example");
        desk.names.txt("quick.example", "v=spf1 ip4:127.0.0.1 -all");
        let begun = Instant::now();
        let slow = mail("sam@silent.example", "Slow");
        assert_eq!(desk.send(&slow.bytes(), "sam@silent.example", &[DESK]).0, 250);
        let quick = mail("quinn@plain.example", "Quick");
        assert_eq!(desk.send(&quick.bytes(), "quinn@plain.example", &[DESK]).0, 250);
        let quick_is_placed = || desk.number("SELECT COUNT(*) FROM message WHERE subject = 'Quick'", &[]) == 1;
        desk.wait_for("the quick mail", quick_is_placed);
        let quick_took = begun.elapsed();
        desk.quiet();
        let both_took = begun.elapsed();
        assert!(quick_took < both_took, "{quick_took:?} {both_took:?}");
        assert!(both_took < Duration::from_secs(duly::limits::VERIFY_SECONDS + 20));
        let origin = desk.rows("SELECT facts FROM message WHERE subject = 'Slow'", &[]);
        assert!(
            origin[0].text(0).contains("\"finding\":\"trouble\""),
            "{}",
            origin[0].text(0)
        );
    });
}

#[test]
fn a_desk_that_believes_everybody_asks_nobody() {
    with(&[("mail", "unverified", "schedule")], |desk| {
        desk.receive(&mail(NORA, "The daemon stops"));
        assert_eq!(desk.names.asked_in_all(), 0);
    });
}

#[test]
fn what_leaves_is_signed_once_and_kept_as_it_was_sent() {
    with(&[("mail", "unverified", "schedule")], |desk| {
        desk.stop();
        for (kind, file, _) in KINDS {
            std::fs::write(desk.folder().join(file), new_key(kind).expect("a key")).expect("written");
        }
        desk.start();
        let case = desk.receive(&mail(NORA, "The daemon stops")).case();
        desk.answered(case, "close");
        let kept = desk.rows(
            "SELECT r.bytes FROM outbox o JOIN raw r ON r.id = o.raw ORDER BY o.id",
            &[],
        );
        let sent = desk.mails_to(NORA);
        assert_eq!((kept.len(), sent.len()), (2, 2));
        for (kept, sent) in kept.iter().zip(&sent) {
            let text = String::from_utf8_lossy(kept.bytes(0)).into_owned();
            assert_eq!(text.matches("DKIM-Signature: v=1;").count(), 2, "{text}");
            assert!(
                text.contains("s=duly;") && text.contains("s=duly-ed;") && text.contains("d=acme.example;"),
                "{text}"
            );
            assert_eq!(kept.bytes(0), sent.raw.as_slice(), "the bytes kept are the bytes sent");
        }
    });
}

#[test]
fn a_mail_to_ourselves_is_followed_on_its_whole_way() {
    with(&[("mail", "gateways", "127.0.0.99")], |desk| {
        desk.names
            .txt("acme.example", "v=spf1 ip4:127.0.0.5 -all")
            .txt("_dmarc.acme.example", "v=DMARC1; p=reject");
        let message = match desk.owner(Verb::Probe) {
            Ok(Answer::Done(done)) => done.data["message"].as_i64().expect("a number"),
            other => panic!("{other:?}"),
        };
        let look = |desk: &TestDesk| match desk.owner(Verb::Probed { message }) {
            Ok(Answer::Probe(probe)) => *probe,
            other => panic!("{other:?}"),
        };
        desk.quiet();
        let left = look(desk);
        assert_eq!((left.state.as_str(), left.came_at), ("accepted", None));
        let sent = desk.mails_to(DESK).remove(0);
        let mut outside = Client::connect_from(desk.smtp(), "127.0.0.5", "mx.acme.example");
        assert_eq!(outside.send(&sent.raw, DESK, &[DESK]).0, 250);
        desk.quiet();
        let came = look(desk);
        assert_eq!(
            (came.came_at, came.peer.as_deref()),
            (Some(desk.now()), Some("127.0.0.5"))
        );
        assert!(
            came.origin.is_some_and(|origin| origin.dmarc),
            "it was checked like any other"
        );
        assert_eq!(
            desk.number("SELECT COUNT(*) FROM cases", &[]),
            0,
            "it stands in no case"
        );
        assert!(matches!(desk.owner(Verb::Spool), Ok(Answer::Spool(rows)) if rows.is_empty()));
    });
}

/// The settings and the host of a customer whose name servers fail: her mail comes from 127.0.0.21.
const OTHER_GATEWAY: (&str, &str, &str) = ("mail", "gateways", "127.0.0.99");
const HER_SERVER: &str = "v=spf1 ip4:127.0.0.21 -all";

fn hers(desk: &mut TestDesk, letter: &Mail) -> i64 {
    let mut client = Client::connect_from(desk.smtp(), "127.0.0.21", "mx.plain.example");
    assert_eq!(client.send(&letter.bytes(), NORA, &[DESK]).0, 250);
    desk.quiet();
    desk.number(
        "SELECT case_id FROM message WHERE way = 'in' ORDER BY id DESC LIMIT 1",
        &[],
    )
}

/// Lets so many minutes pass, and what is then being looked up be found out.
fn later(desk: &mut TestDesk, minutes: i64) {
    desk.minutes(minutes);
    desk.wait_for("senders to be looked up again", || {
        desk.number("SELECT COUNT(*) FROM recheck WHERE at IS NULL", &[]) == 0
    });
    desk.quiet();
}

#[test]
fn a_sender_whose_name_servers_failed_is_looked_up_again_and_the_promise_counts_from_the_receipt() {
    with(&[WEB, OTHER_GATEWAY], |desk| {
        desk.names.txt("plain.example", HER_SERVER).breaks("plain.example");
        let received = desk.now();
        let case = hers(desk, &mail(NORA, "The daemon stops"));
        assert_eq!((desk.state(case), desk.promises(case).len()), (State::Unsorted, 0));
        later(desk, 5);
        assert_eq!(desk.state(case), State::Unsorted, "they fail still");
        desk.names.mends("plain.example");
        later(desk, 14);
        assert_eq!(desk.state(case), State::Unsorted, "nobody has asked again yet");
        // A restart forgets nothing.
        desk.stop();
        desk.start();
        later(desk, 1);
        assert_eq!(desk.state(case), State::Ready);
        let promise = desk.page(case).promises.remove(0);
        assert_eq!(promise.made, received);
        assert_eq!(
            desk.sent_to(NORA),
            ["acknowledgement"],
            "and she was never asked to prove anything"
        );
        let page = desk.page(case);
        let mail = page.messages.last().expect("her mail");
        assert!(mail.verified && page.row.customer == NORA, "{page:?}");
        assert_eq!(desk.number("SELECT COUNT(*) FROM recheck", &[]), 0);
    });
}

#[test]
fn a_mail_whose_sender_is_verified_late_goes_to_the_case_that_it_answers() {
    with(&[OTHER_GATEWAY], |desk| {
        desk.names.txt("plain.example", HER_SERVER);
        let first = mail(NORA, "The daemon stops");
        let case = hers(desk, &first);
        desk.answered(case, "wait fri 12:00");
        desk.names.breaks("plain.example");
        let received = desk.now();
        let other = hers(desk, &mail(NORA, "Re: The daemon stops").re(&first.message_id()));
        assert_ne!(other, case, "a Message-ID alone joins nothing");
        assert_eq!(desk.state(case), State::Closing);
        desk.names.mends("plain.example");
        later(desk, 5);
        assert_eq!((desk.state(case), desk.state(other)), (State::Ready, State::Closed));
        let promise = desk.page(case).promises.pop().expect("a promise");
        assert_eq!(promise.made, received);
    });
}

#[test]
fn who_cannot_be_looked_up_for_hours_stays_unverified_and_is_not_looked_up_for_ever() {
    with(&[OTHER_GATEWAY], |desk| {
        desk.names.txt("plain.example", HER_SERVER).breaks("plain.example");
        let case = hers(desk, &mail(NORA, "The daemon stops"));
        for minutes in duly::limits::RECHECK_MINUTES {
            assert_eq!(desk.number("SELECT COUNT(*) FROM recheck", &[]), 1);
            later(desk, minutes);
        }
        assert_eq!(desk.number("SELECT COUNT(*) FROM recheck", &[]), 0);
        assert_eq!(desk.state(case), State::Unsorted);
        assert!(
            desk.sent_to(NORA).is_empty(),
            "a forger can bring about that a check does not end"
        );
        let asked = desk.names.asked_in_all();
        later(desk, 600);
        assert_eq!(desk.names.asked_in_all(), asked);
        desk.act(ANNA, Verb::Release { what: case.to_string() });
        assert_eq!(desk.promises(case).len(), 1, "a person takes it on as before");
    });
}
