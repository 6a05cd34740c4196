//! Every mail that was acknowledged has exactly one place, whatever it is.

use super::NORA;
use super::kit::desk::on_both;
use super::kit::mail::mail;
use duly::desk::case::State;
use duly::desk::verb::{Answer, Verb};
use std::os::unix::fs::PermissionsExt;

#[test]
fn the_same_mail_delivered_twice_is_one_message_and_one_promise() {
    on_both(|desk| {
        let letter = mail(NORA, "The daemon stops");
        let first = desk.receive(&letter);
        let mut again =
            b"Received: from mx2.northwind.example by mx.acme.example; Mon, 2 Mar 2026 08:00:09 +0000\r\n".to_vec();
        again.extend(letter.bytes());
        let second = desk.take(&again, NORA, &[super::kit::desk::DESK]);
        assert_ne!(second.raw, first.raw, "both are kept");
        assert_eq!((second.message, second.case), (first.message, first.case));
        assert_eq!(desk.promises(first.case()).len(), 1);
        assert_eq!(
            desk.number("SELECT COUNT(*) FROM event WHERE kind = 'mail.repeat'", &[]),
            1
        );
        assert_eq!(desk.sent_to(NORA), ["acknowledgement"]);
    });
}

#[test]
fn another_mail_with_the_same_message_id_is_another_message() {
    on_both(|desk| {
        let letter = mail(NORA, "The daemon stops");
        let first = desk.receive(&letter);
        let second = desk.receive(&letter.clone().body("It stops at shutdown too."));
        assert_ne!(second.message, first.message);
        assert_eq!(second.case, first.case, "the Message-ID is known: it joins");
        assert_eq!(desk.promises(first.case()).len(), 2);
    });
}

#[test]
fn bytes_come_back_as_they_came() {
    on_both(|desk| {
        let odd = b"From: nora@northwind.example\r\nTo: support@acme.example\r\nSubject: =?utf-8?q?odd?=\r\n\r\n.dot\r\n..dots\r\n\xff\xfe raw \r\n\r\n\r\n";
        let place = desk.take(odd, NORA, &[super::kit::desk::DESK]);
        let Ok(Answer::Raw(text)) = desk.owner(Verb::Raw {
            case: place.case(),
            message: None,
        }) else {
            panic!("no raw mail");
        };
        let bytes = data_encoding::BASE64.decode(text.as_bytes()).expect("base64");
        assert_eq!(bytes, odd);
    });
}

#[test]
fn a_mail_that_names_nobody_is_an_unsorted_case_with_the_reason() {
    on_both(|desk| {
        let place = desk.take(b"Subject: who am I\r\n\r\nhello\r\n", NORA, &[super::kit::desk::DESK]);
        assert_eq!(desk.state(place.case()), State::Unsorted);
        let page = desk.page(place.case());
        assert!(page.messages[0].text.contains("no sender"), "{}", page.messages[0].text);
        assert_eq!(desk.sink.taken().len(), 0);
    });
}

#[test]
fn mail_for_an_address_that_the_desk_does_not_have_is_refused_at_the_door() {
    on_both(|desk| {
        let said = desk.send(&mail(NORA, "x").bytes(), NORA, &["sales@acme.example"]);
        assert_eq!(said.0, 550, "{}", said.1);
        assert_eq!(desk.number("SELECT COUNT(*) FROM raw", &[]), 0);
        assert!(desk.receive(&mail(NORA, "y")).case.is_some(), "the session goes on");
    });
}

/// Stands between the desk and the real worker, and dies of a mail that says so.
const DIES: &str = r#"#!/usr/bin/env python3
import os, struct, subprocess, sys
child = subprocess.Popen([PROGRAM] + sys.argv[1:], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
def frame(source):
    head = source.read(12)
    if len(head) < 12:
        sys.exit(0)
    return head + source.read(struct.unpack("<qI", head)[1])
def say(bytes, to):
    to.write(bytes)
    to.flush()
say(frame(child.stdout), sys.stdout.buffer)
while True:
    asked = frame(sys.stdin.buffer)
    if b"X-Poison: yes" in asked:
        child.kill()
        os.abort()
    say(asked, child.stdin)
    say(frame(child.stdout), sys.stdout.buffer)
"#;

#[test]
fn a_mail_that_kills_its_reader_twice_is_a_case_and_the_mails_after_it_are_placed() {
    if !std::path::Path::new("/usr/bin/python3").exists() {
        eprintln!("SKIPPED: the poisoned worker needs /usr/bin/python3");
        return;
    }
    on_both(|desk| {
        let program = desk.folder().join("dies");
        let text = DIES
            .replace("/usr/bin/env python3", "/usr/bin/python3")
            .replace("PROGRAM", &format!("{:?}", env!("CARGO_BIN_EXE_duly")));
        std::fs::write(&program, text).expect("written");
        std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).expect("executable");
        desk.stop();
        desk.read_mail_with(program);
        desk.start();
        let poison = mail(NORA, "Poison").header("X-Poison", "yes");
        let mails = [mail(NORA, "Before"), poison, mail(NORA, "After")];
        for letter in &mails {
            assert_eq!(desk.send(&letter.bytes(), NORA, &[super::kit::desk::DESK]).0, 250);
        }
        desk.quiet();
        let rows = desk.rows("SELECT id FROM arrival ORDER BY id", &[]);
        let places: Vec<_> = rows.iter().map(|row| desk.place_of(row.int(0))).collect();
        let states: Vec<_> = places.iter().map(|place| desk.state(place.case())).collect();
        assert_eq!(states, [State::Ready, State::Unsorted, State::Ready]);
        let page = desk.page(places[1].case());
        assert!(
            page.messages[0].text.contains("ended the process"),
            "{}",
            page.messages[0].text
        );
        let Ok(Answer::Raw(raw)) = desk.owner(Verb::Raw {
            case: places[1].case(),
            message: None,
        }) else {
            panic!("no raw mail");
        };
        let raw = data_encoding::BASE64.decode(raw.as_bytes()).expect("base64");
        assert_eq!(raw, mails[1].bytes());
    });
}
