//! Engineers by mail: notices and digests for who asked for them, verbs on the first lines, and nothing to a customer in
//! the name of somebody who is not proven.

use super::kit::desk::{ANNA, DESK, TestDesk, on_both, reply, time};
use super::kit::mail::mail;
use super::kit::sink::Taken;
use super::{EVE, NORA};
use duly::desk::case::State;
use duly::desk::engineer::{Change, Role};
use duly::desk::message::{self, Facts, File, Incoming};
use duly::desk::origin::{Finding, Origin};
use duly::desk::verb::Verb;
use duly::desk::{arrival, command, repeat};
use duly::refusal::Kind;
use mail_parser::{MessageParser, MimeHeaders};

const BEN: &str = "ben@acme.example";

fn words(mail: &Taken) -> String {
    let parsed = MessageParser::default().parse(&mail.raw).expect("a mail");
    let text = parsed.body_text(0).expect("words").replace("\r\n", "\n");
    text.replace(" \n", " ")
}

fn newest(desk: &TestDesk, address: &str) -> Taken {
    desk.mails_to(address).pop().expect("a mail")
}

fn header(mail: &Taken, name: &str) -> String {
    let parsed = MessageParser::default().parse(&mail.raw).expect("a mail");
    let raw = parsed.header_raw(name).unwrap_or_default();
    raw.trim().to_owned()
}

/// The personal address in the newest mail to an engineer.
fn personal(desk: &TestDesk, engineer: &str) -> String {
    header(&newest(desk, engineer), "Reply-To")
        .trim_matches(['<', '>'])
        .to_owned()
}

fn by_mail(address: &str, on: bool) -> Verb {
    Verb::CpuSet {
        address: address.into(),
        change: Change {
            mail: Some(on),
            ..Change::default()
        },
    }
}

/// A case of Nora's that Anna had last, and a notice of Nora's next mail.
fn noticed(desk: &mut TestDesk) -> i64 {
    desk.act(ANNA, by_mail(ANNA, true));
    let first = mail(NORA, "The daemon stops");
    let case = desk.receive(&first).case();
    desk.answered(case, "wait fri 12:00");
    desk.receive(
        &mail(NORA, "Re: The daemon stops")
            .re(&first.message_id())
            .body("It still stops."),
    );
    case
}

/// An engineer's mail as the checks of its sender leave it: proven or not.
fn comes(desk: &mut TestDesk, from: &str, to: &str, text: &str, proven: bool) {
    let letter = mail(from, "Re: [1] The daemon stops").to(to).body(text);
    comes_whole(desk, (from, to, text), letter.bytes(), Vec::new(), proven);
}

/// The same, its bytes and what they hold given.
fn comes_whole(
    desk: &mut TestDesk,
    (from, to, text): (&str, &str, &str),
    raw: Vec<u8>,
    files: Vec<File>,
    proven: bool,
) {
    let (now, rules) = (desk.now(), desk.rules());
    let text = text.to_owned();
    let (from, to) = (from.to_owned(), to.to_owned());
    let placed = desk.store().write(move |tx| {
        let envelope = arrival::Envelope {
            way: "smtp".into(),
            from: from.clone(),
            to: vec![to.clone()],
            peer: "127.0.0.1".into(),
            helo: "mx".into(),
        };
        let digest = repeat::digest(&raw);
        let raw = arrival::accept(tx, now, &envelope, &digest, raw)?;
        let incoming = Incoming {
            raw: raw.0,
            received_at: now,
            address: from.clone(),
            envelope_from: from.clone(),
            recipients: vec![to.clone()],
            subject: "Re: [1] The daemon stops".into(),
            asked: command::is_personal(&rules, &to).then(|| duly::mail::command::read(&text)),
            text: text.clone(),
            facts: Facts {
                origin: proven.then(|| passed(&from)),
                files: files.clone(),
                ..Facts::default()
            },
            ..Incoming::default()
        };
        message::place(tx, now, &rules, &incoming)
    });
    assert!(matches!(placed, Ok(Some(_))), "{}: {placed:?}", desk.on);
    desk.quiet();
}

/// The finding of a mail that passed the policy of its author's own domain.
fn passed(author: &str) -> Origin {
    Origin {
        finding: Finding::Pass,
        author: author.to_owned(),
        dmarc: true,
        ..Origin::default()
    }
}

#[test]
fn a_notice_says_what_came_and_who_reads_an_answer() {
    on_both(|desk| {
        let case = noticed(desk);
        let notice = newest(desk, ANNA);
        assert_eq!(header(&notice, "Subject"), "[1] The daemon stops");
        assert_eq!(header(&notice, "List-Id"), "<engineers.acme.example>");
        assert_eq!(header(&notice, "Auto-Submitted"), "auto-generated");
        assert!(personal(desk, ANNA).starts_with("support+") && personal(desk, ANNA).ends_with("@acme.example"));
        let said = words(&notice);
        assert!(said.contains("> It still stops."), "{said}");
        assert!(
            said.contains("Answering this mail writes to nora@northwind.example at nora@northwind.example."),
            "{said}"
        );
        assert!(said.contains("Reply by"), "{said}");
        let count = desk.mails_to(ANNA).len();
        desk.act(ANNA, by_mail(ANNA, false));
        desk.answered(case, "wait fri 12:00");
        desk.receive(&mail(NORA, "Re: The daemon stops").re(&desk.reply_id(case)));
        assert_eq!(desk.mails_to(ANNA).len(), count, "nobody gets what they do not want");
    });
}

#[test]
fn an_answer_to_a_notice_goes_to_the_customer_if_it_is_proven() {
    on_both(|desk| {
        let case = noticed(desk);
        let address = personal(desk, ANNA);
        comes(
            desk,
            ANNA,
            &address,
            "#wait customer until fri 12:00\nPlease run `ls`.",
            true,
        );
        assert_eq!(
            desk.page(case).promises.last().map(|one| one.state.clone()).as_deref(),
            Some("open"),
            "held for an undo"
        );
        let answer = newest(desk, ANNA);
        assert!(
            header(&answer, "Subject").starts_with("Done: "),
            "{}",
            header(&answer, "Subject")
        );
        assert!(
            words(&answer).contains("First line #undo takes it back until"),
            "{}",
            words(&answer)
        );
        desk.minutes(3);
        let said = words(&newest(desk, NORA));
        assert!(
            said.starts_with("Please run `ls`.") && said.contains("Anna Keller"),
            "{said}"
        );
        assert_eq!(desk.state(case), State::Closing);
    });
}

#[test]
fn the_files_of_a_reply_given_by_mail_go_with_it() {
    on_both(|desk| {
        noticed(desk);
        let (address, text) = (personal(desk, ANNA), "The patch is attached.");
        let raw = format!(
            "From: {ANNA}\r\nTo: {address}\r\nSubject: Re: [1] The daemon stops\r\nMessage-ID: <patch@acme.example>\r\n\
             MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n\
             --b\r\nContent-Type: text/plain\r\n\r\n{text}\r\n\
             --b\r\nContent-Type: text/x-diff; name=fix.patch\r\nContent-Disposition: attachment; filename=fix.patch\r\n\r\n\
             --- a\r\n+++ b\r\n--b--\r\n"
        );
        let file = File {
            name: "fix.patch".into(),
            content_type: "text/x-diff".into(),
            size: 12,
        };
        comes_whole(desk, (ANNA, &address, text), raw.into_bytes(), vec![file], true);
        desk.wait_for("the files to have their place", || {
            desk.number("SELECT COUNT(*) FROM filing", &[]) == 0
        });
        desk.quiet();
        assert!(
            words(&newest(desk, ANNA)).contains("The files of your mail go with it: fix.patch."),
            "{}",
            words(&newest(desk, ANNA))
        );
        desk.minutes(3);
        let sent = newest(desk, NORA);
        let parsed = MessageParser::default().parse(&sent.raw).expect("a mail");
        let enclosed: Vec<_> = parsed
            .attachments()
            .map(|part| (part.attachment_name().unwrap_or(""), part.contents()))
            .collect();
        assert_eq!(enclosed, [("fix.patch", &b"--- a\r\n+++ b"[..])], "{}", desk.on);
    });
}

#[test]
fn a_reply_by_mail_does_not_wait_for_ever_for_files_that_cannot_be_taken_out() {
    on_both(|desk| {
        noticed(desk);
        let (address, text) = (personal(desk, ANNA), "The patch is attached.");
        let file = File {
            name: "fix.patch".into(),
            content_type: "text/x-diff".into(),
            size: 12,
        };
        // Its facts name a file, and its bytes hold none: what is taken out is not what was promised.
        let letter = mail(ANNA, "Re: [1] The daemon stops").to(&address).body(text);
        comes_whole(desk, (ANNA, &address, text), letter.bytes(), vec![file], true);
        desk.minutes(2);
        assert!(
            words(&newest(desk, ANNA)).contains("were not sent, only its words: fix.patch."),
            "{}",
            words(&newest(desk, ANNA))
        );
        desk.minutes(3);
        assert!(words(&newest(desk, NORA)).starts_with(text), "{}", desk.on);
    });
}

#[test]
fn a_reply_given_by_mail_is_undone_by_mail() {
    on_both(|desk| {
        let case = noticed(desk);
        let address = personal(desk, ANNA);
        let before = desk.mails_to(NORA).len();
        comes(desk, ANNA, &address, "Please run `rm`.", true);
        comes(desk, ANNA, &address, "#undo", true);
        assert!(
            words(&newest(desk, ANNA)).contains("is taken back"),
            "{}",
            words(&newest(desk, ANNA))
        );
        desk.minutes(3);
        assert_eq!(desk.mails_to(NORA).len(), before);
        assert_eq!(desk.state(case), State::Ready);
    });
}

#[test]
fn what_is_not_proven_is_a_draft_inside_and_reaches_nobody() {
    on_both(|desk| {
        desk.hire(BEN, "Ben Vogel", Role::Engineer);
        let case = noticed(desk);
        let address = personal(desk, ANNA);
        let before = desk.mails_to(NORA).len();
        // No DMARC pass; somebody else with her address; a colleague with her address; the notice without its address.
        comes(desk, ANNA, &address, "I am Anna, send money.", false);
        comes(desk, EVE, &address, "I am Anna, send money.", true);
        comes(desk, BEN, &address, "I am Anna, send money.", true);
        let notice = header(&newest(desk, ANNA), "Message-ID");
        let bare = mail(ANNA, "Re: [1]")
            .re(notice.trim_matches(['<', '>']))
            .body("I am Anna, send money.");
        desk.receive(&bare);
        desk.minutes(5);
        assert_eq!(desk.mails_to(NORA).len(), before, "nothing reached the customer");
        let drafts = desk.number(
            "SELECT COUNT(*) FROM message WHERE kind = 'draft' AND way = 'note' AND case_id = $1",
            &[case.into()],
        );
        assert_eq!(drafts, 4);
        assert_eq!(desk.state(case), State::Ready);
        let over = desk.receive(&mail(ANNA, "Re: [1]").to(&address).body("#close as solved"));
        assert_eq!(
            over.case,
            Some(case),
            "by the wire nobody is proven before senders are checked"
        );
        assert_eq!(desk.state(case), State::Ready);
    });
}

#[test]
fn an_unknown_verb_sends_nothing_and_is_answered_with_help() {
    on_both(|desk| {
        let case = noticed(desk);
        let address = personal(desk, ANNA);
        let before = desk.mails_to(NORA).len();
        comes(desk, ANNA, &address, "#cloes\nAll done.", true);
        let answer = newest(desk, ANNA);
        assert!(header(&answer, "Subject").starts_with("Not done: "));
        let said = words(&answer);
        assert!(
            said.contains("\"#cloes\" is no verb.") && said.contains("#note"),
            "{said}"
        );
        // A verb that the desk refuses leaves nothing half done: the note above it neither.
        comes(
            desk,
            ANNA,
            &address,
            "#note\n#wait customer until fri 12:00\nseen",
            true,
        );
        let said = words(&newest(desk, ANNA));
        assert!(
            said.contains("Nothing was done, and nothing was sent to the customer."),
            "{said}"
        );
        assert_eq!(desk.number("SELECT COUNT(*) FROM message WHERE kind = 'note'", &[]), 0);
        desk.minutes(3);
        assert_eq!(desk.mails_to(NORA).len(), before);
        assert_eq!(desk.state(case), State::Ready);
    });
}

#[test]
fn a_note_stays_inside_and_a_wait_may_tell_the_customer() {
    on_both(|desk| {
        let case = noticed(desk);
        let address = personal(desk, ANNA);
        let before = desk.mails_to(NORA).len();
        comes(desk, ANNA, &address, "#note\nTheir core dump matches bug 118234.", true);
        assert_eq!(
            desk.number(
                "SELECT COUNT(*) FROM message WHERE kind = 'note' AND case_id = $1",
                &[case.into()]
            ),
            1
        );
        assert_eq!(desk.mails_to(NORA).len(), before);
        comes(
            desk,
            ANNA,
            &address,
            "#wait upstream until tue 09:30 because PR 5123\nIt is with them.",
            true,
        );
        assert_eq!(desk.state(case), State::Blocked);
        assert!(words(&newest(desk, NORA)).contains("It is with them."));
    });
}

#[test]
fn next_is_answered_with_the_next_case() {
    on_both(|desk| {
        desk.receive(&mail(NORA, "The daemon stops").body("Since ten."));
        comes(desk, ANNA, "next@acme.example", "", false);
        assert_eq!(
            desk.number("SELECT COUNT(*) FROM slice", &[]),
            0,
            "not for somebody who is not proven"
        );
        comes(desk, ANNA, "next@acme.example", "", true);
        let said = words(&newest(desk, ANNA));
        assert!(
            said.contains("Your next case. Why this one:") && said.contains("> Since ten."),
            "{said}"
        );
        assert_eq!(desk.state(1), State::Running);
        let address = personal(desk, ANNA);
        comes(desk, ANNA, &address, "#close as solved\nIt was the disk.", true);
        desk.minutes(3);
        assert_eq!(desk.state(1), State::Closed);
        comes(desk, ANNA, "next@acme.example", "", true);
        assert!(
            words(&newest(desk, ANNA)).contains("Nothing needs you now"),
            "{}",
            words(&newest(desk, ANNA))
        );
        assert!(
            desk.send(
                &mail(NORA, "x").to("next@acme.example").bytes(),
                NORA,
                &["next@acme.example"]
            )
            .0 == 250
        );
        assert!(
            desk.rules().takes("next@acme.example") && !desk.rules().is_own("next@acme.example"),
            "{DESK}"
        );
    });
}

#[test]
fn the_digest_comes_when_the_hours_begin_and_tells_of_the_day() {
    on_both(|desk| {
        desk.hire_with(duly::desk::engineer::NewEngineer {
            address: BEN.into(),
            name: "Ben Vogel".into(),
            zone: "Europe/Berlin".into(),
            hours: "mon-fri 09:00-17:00".into(),
            layer: 1,
            lanes: Vec::new(),
            role: Role::Engineer,
        });
        desk.refused(BEN, by_mail(ANNA, true), Kind::Forbidden);
        desk.act(BEN, by_mail(BEN, true));
        let case = desk.receive(&mail(NORA, "The daemon stops")).case();
        desk.by(BEN, Verb::Next).expect("a slice");
        desk.receive(&mail(EVE, "Another thing"));
        assert_eq!(desk.mails_to(BEN).len(), 0);
        desk.at(time("2026-03-03T07:59:00Z"));
        assert_eq!(desk.mails_to(BEN).len(), 0);
        desk.at(time("2026-03-03T08:00:30Z"));
        let digest = newest(desk, BEN);
        assert!(
            header(&digest, "Subject").contains("your promises of today, Tuesday 3 March"),
            "{}",
            header(&digest, "Subject")
        );
        let said = words(&digest);
        assert!(said.contains("Good morning Ben,"), "{said}");
        assert!(
            said.contains(&format!("{case} · Tuesday 3 March, 11:00 (Berlin) · The daemon stops")),
            "{said}"
        );
        assert!(said.contains("1 case waits for whoever is free"), "{said}");
        let count = desk.mails_to(BEN).len();
        desk.act(BEN, reply(case, "question", Some("wait fri 12:00")));
        desk.at(time("2026-03-04T08:00:30Z"));
        assert_eq!(desk.mails_to(BEN).len(), count + 1);
        assert!(words(&newest(desk, BEN)).contains("You wait for these customers:"));
    });
}
