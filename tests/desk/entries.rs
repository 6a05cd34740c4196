//! Calendar entries of promised times, for contacts who want them.

use super::NORA;
use super::kit::desk::{ANNA, TestDesk, on_both, reply, time};
use super::kit::mail::mail;
use duly::desk::verb::Verb;
use mail_parser::{MessageParser, MimeHeaders};

/// Method and object of the calendar part of the newest mail to Nora.
fn entry(desk: &TestDesk) -> Option<(String, String)> {
    let mail = desk.mails_to(NORA).pop().expect("a mail");
    let parsed = MessageParser::default().parse(&mail.raw).expect("a mail");
    let part = parsed
        .parts
        .iter()
        .find(|part| part.is_content_type("text", "calendar"))?;
    let method = part.content_type()?.attribute("method")?.to_owned();
    Some((method, part.text_contents()?.replace("\r\n ", "")))
}

fn wants(desk: &TestDesk, which: &str) {
    let verb = Verb::ContactSet {
        address: NORA.into(),
        language: None,
        calendar: Some(which.into()),
    };
    desk.act(ANNA, verb);
}

#[test]
fn a_promised_time_is_an_entry_that_moves_and_goes_away() {
    on_both(|desk| {
        let first = mail(NORA, "The daemon stops");
        let case = desk.receive(&first).case();
        assert_eq!(entry(desk), None, "nothing was agreed");
        desk.answered(case, "wait fri 12:00");
        wants(desk, "always");
        desk.receive(&mail(NORA, "Re: The daemon stops").re(&first.message_id()));
        let (method, object) = entry(desk).expect("an entry");
        assert_eq!(method, "REQUEST");
        assert!(
            object.contains("\r\nSEQUENCE:0\r\n") && object.contains("\r\nSUMMARY:Acme Support: reply to case 1\r\n"),
            "{object}"
        );
        let due = desk.page(case).row.reply_by.expect("a promise");
        assert!(
            object.contains(&format!("DTEND:{}", due.strftime("%Y%m%dT%H%M%SZ"))),
            "{object}"
        );
        assert!(
            object.contains("mailto:support+"),
            "the organiser is the case: {object}"
        );
        // Broken: the new time moves the same entry.
        desk.at(due);
        let (_, moved) = entry(desk).expect("an entry");
        assert!(moved.contains("\r\nSEQUENCE:1\r\n"), "{moved}");
        let uid = |object: &str| object.lines().find(|line| line.starts_with("UID:")).map(str::to_owned);
        assert_eq!(uid(&moved), uid(&object));
        // Undone: nothing was said, and the entry stands.
        desk.act(ANNA, reply(case, "answer", Some("close")));
        desk.act(ANNA, Verb::Undo);
        desk.act(ANNA, reply(case, "finding", Some("owe 2026-03-12 10:00")));
        desk.leaves();
        let (method, owed) = entry(desk).expect("an entry");
        assert_eq!(method, "REQUEST");
        assert!(
            owed.contains("\r\nSEQUENCE:3\r\n") && owed.contains("\r\nDTEND:20260312T090000Z\r\n"),
            "{owed}"
        );
        desk.answered(case, "close");
        let (method, gone) = entry(desk).expect("an entry");
        assert_eq!(method, "CANCEL");
        assert!(
            gone.contains("\r\nSTATUS:CANCELLED\r\n") && uid(&gone) == uid(&object),
            "{gone}"
        );
        let _ = time;
    });
}
