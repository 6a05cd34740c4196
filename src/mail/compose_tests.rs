//! Every letter is read back by an independent parser.

use super::*;
use mail_parser::{HeaderValue, MessageParser, MimeHeaders};
use proptest::prelude::*;

fn letter() -> Letter {
    Letter {
        from_name: "Anna Keller (Acme Support)".into(),
        from: "support+4711@acme.example".into(),
        to: vec!["priya@northwind.example".into()],
        cc: vec!["dba@northwind.example".into()],
        subject: "Re: Replica lag after 8.4 upgrade".into(),
        message_id: "4711.2@acme.example".into(),
        in_reply_to: Some("<root@northwind.example>".into()),
        references: vec!["root@northwind.example".into()],
        reply_to: None,
        list_id: None,
        thread_index: None,
        thread_topic: None,
        auto: None,
        promise: None,
        date: "2026-11-24T11:00:00Z".parse().unwrap(),
        zone: "Europe/Berlin".parse().unwrap(),
        language: "en".into(),
        words: words("Hello Priya,\n\nplease run it again.\n"),
        twin: false,
        links: vec![],
        calendar: None,
        files: vec![],
    }
}

fn words(text: &str) -> Vec<Section> {
    vec![Section::Markdown(text.to_owned())]
}

fn written(letter: &Letter) -> String {
    String::from_utf8(compose(letter)).unwrap()
}

/// Undoes the flow: what a reader with a window of any width sees.
fn unflowed(text: &str) -> String {
    let mut out = String::new();
    let mut open = None;
    for line in text.replace("\r\n", "\n").lines() {
        let depth = line.len() - line.trim_start_matches('>').len();
        let words = &line[depth..];
        let words = words.strip_prefix(' ').unwrap_or(words);
        if open != Some(depth) {
            out.push_str(&"> ".repeat(depth));
        }
        out.push_str(words);
        open = (words.ends_with(' ') && words != "-- ").then_some(depth);
        if open.is_none() {
            out.push('\n');
        }
    }
    out
}

fn read_back(letter: &Letter) -> (String, String, String, String) {
    let mail = compose(letter);
    let mail = MessageParser::default().parse(&mail).unwrap();
    let address = |list: Option<&mail_parser::Address>| {
        let first = list.and_then(|list| list.first()).unwrap();
        (
            first.name().unwrap_or_default().to_owned(),
            first.address().unwrap_or_default().to_owned(),
        )
    };
    let (name, from) = address(mail.from());
    assert_eq!(from, letter.from);
    let text = mail.body_text(0).unwrap_or_default().into_owned();
    (
        mail.subject().unwrap_or_default().to_owned(),
        name,
        address(mail.to()).1,
        unflowed(&text),
    )
}

#[test]
fn a_letter_is_written_like_this() {
    insta::assert_snapshot!(written(&letter()).replace("\r\n", "\n"), @r#"
    Date: Tue, 24 Nov 2026 12:00:00 +0100
    From: "Anna Keller (Acme Support)" <support+4711@acme.example>
    To: <priya@northwind.example>
    Cc: <dba@northwind.example>
    Subject: Re: Replica lag after 8.4 upgrade
    Message-ID: <4711.2@acme.example>
    In-Reply-To: <root@northwind.example>
    References: <root@northwind.example>
    MIME-Version: 1.0
    Content-Type: text/plain; charset=utf-8; format=flowed
    Content-Transfer-Encoding: 7bit

    Hello Priya,

    please run it again.
    "#);
}

#[test]
fn automatic_mail_says_so_and_a_persons_mail_does_not() {
    assert!(!written(&letter()).contains("Auto"));
    let promise = PromiseHeader {
        case: 4711,
        due: "2026-11-24T14:00:00Z".parse().unwrap(),
        state: "offered".into(),
        signed: Vec::new(),
    };
    let automatic = Letter {
        auto: Some(Auto::Replied),
        promise: Some(promise),
        ..letter()
    };
    let text = written(&automatic);
    assert!(text.contains("\r\nAuto-Submitted: auto-replied\r\nX-Auto-Response-Suppress: All\r\n"));
    assert!(text.contains("\r\nDuly-Promise: case=4711; due=2026-11-24T14:00:00Z; state=offered\r\n"));
    let reminder = Letter {
        auto: Some(Auto::Generated),
        ..letter()
    };
    assert!(written(&reminder).contains("Auto-Submitted: auto-generated"));
}

#[test]
fn other_alphabets_arrive_unchanged() {
    for (name, subject) in [
        (
            "Zoë Müller",
            "Réplication bloquée après la mise à jour, encore une fois et très longtemps après la première",
        ),
        (
            "山田 太郎",
            "アップグレード後のレプリケーション遅延について、アップグレード後のレプリケーション遅延について",
        ),
        ("O'Neil, \"Tex\" \\", "=?utf-8?q?looks_encoded?= but is not"),
        ("a", "x".repeat(300).as_str()),
        ("👩‍💻", "two  blanks and a tab\tinside"),
    ] {
        let letter = Letter {
            from_name: name.into(),
            subject: subject.into(),
            words: words(&format!("{subject}\n")),
            ..letter()
        };
        let (read, sender, to, text) = read_back(&letter);
        assert_eq!(read, subject.replace('\t', " "));
        assert_eq!((sender.as_str(), to.as_str()), (name, "priya@northwind.example"));
        assert_eq!(text, text_of(&letter.words));
        assert!(
            written(&letter).lines().all(|line| line.len() <= LINE),
            "{}",
            written(&letter)
        );
    }
}

#[test]
fn nothing_in_a_letter_becomes_a_header() {
    let evil = "x\r\nBcc: everybody@example.org\r\n\r\nbody";
    let letter = Letter {
        from_name: evil.into(),
        to: vec![format!("a@b.example>{evil}")],
        cc: vec![evil.into()],
        subject: evil.into(),
        message_id: evil.into(),
        in_reply_to: Some(evil.into()),
        references: vec![evil.into()],
        thread_topic: Some(evil.into()),
        thread_index: Some(evil.into()),
        promise: Some(PromiseHeader {
            case: 1,
            due: Timestamp::UNIX_EPOCH,
            state: evil.into(),
            signed: Vec::new(),
        }),
        ..letter()
    };
    let head = written(&letter);
    let head = head.split("\r\n\r\n").next().unwrap();
    assert!(
        !head
            .lines()
            .any(|line| line.starts_with("Bcc") || line.starts_with("body")),
        "{head}"
    );
}

#[test]
fn prose_flows_and_code_and_quotes_stay() {
    let prose = "word ".repeat(40).trim_end().to_owned();
    let code = format!("    SELECT {};", "x, ".repeat(60));
    let text = format!("{prose}\n\n{code}\n```\n{prose}\n```\n> {prose}\n>> deep\nFrom here on\n> \n-- \nAnna\n");
    let letter = Letter {
        words: words(&text),
        ..letter()
    };
    let sent = written(&letter);
    assert!(
        sent.contains("quoted-printable"),
        "a long line of code is broken on the wire only"
    );
    assert!(
        sent.contains("\r\n From here on\r\n"),
        "stuffed, since mailboxes part their mails there"
    );
    assert!(sent.lines().all(|line| line.len() <= LINE));
    assert_eq!(read_back(&letter).3, text.replace(">> deep", "> > deep"));
}

#[test]
fn a_megabyte_on_one_line_is_wrapped_in_no_time() {
    let letter = Letter {
        words: words(&"word ".repeat(200_000)),
        ..letter()
    };
    let began = std::time::Instant::now();
    assert!(written(&letter).lines().all(|line| line.len() <= LINE));
    assert!(began.elapsed().as_secs() < 2);
}

#[test]
fn a_thread_index_grows_by_one_reply() {
    let mut index = vec![1u8, 0xDD, 0x5C, 0x2A, 0x10, 0x20];
    index.extend([7; 16]);
    let known = BASE64.encode(&index);
    let letter = Letter {
        thread_index: Some(known.clone()),
        thread_topic: Some("Replica lag".into()),
        ..letter()
    };
    let sent = written(&letter);
    let line = sent
        .lines()
        .find_map(|line| line.strip_prefix("Thread-Index: "))
        .unwrap();
    let longer = BASE64.decode(line.as_bytes()).unwrap();
    assert_eq!((longer.len(), &longer[..22]), (27, index.as_slice()));
    assert!(sent.contains("\r\nThread-Topic: Replica lag\r\n"));
    for odd in ["", "!!", "AAAA", &BASE64.encode(&[0; 24])] {
        let letter = Letter {
            thread_index: Some(odd.to_owned()),
            ..letter.clone()
        };
        assert!(!written(&letter).contains("Thread-Index"), "{odd}");
    }
}

#[test]
fn a_reply_has_one_mark_of_a_reply() {
    assert_eq!(subject_of_reply("Replica lag"), "Re: Replica lag");
    for marked in [
        "RE: Replica lag",
        "AW: Re: Replica lag",
        "Re[2]: lag",
        "Antw: [#17] lag",
    ] {
        assert_eq!(subject_of_reply(marked), marked);
    }
    assert_eq!(
        subject_of_reply("[ABC-12] Recovery: failed"),
        "Re: [ABC-12] Recovery: failed"
    );
    assert_eq!(subject_of_reply("  "), "Re: (no subject)");
    assert_eq!(subject_of_reply("a\r\nBcc: x"), "Re: a  Bcc: x");
}

#[test]
fn references_keep_the_root_and_the_newest() {
    let known: Vec<String> = (0..50).map(|n| format!("<{n}@x.example>")).collect();
    let kept = references_of_reply(&known);
    assert_eq!(kept.len(), limits::REFERENCES_SENT);
    assert_eq!(
        (kept[0].as_str(), kept[1].as_str(), kept[19].as_str()),
        ("<0@x.example>", "<31@x.example>", "<49@x.example>")
    );
    let twice = ["a@x", "b@x", "a@x", "c@x", "b@x", ""].map(str::to_owned);
    assert_eq!(references_of_reply(&twice), ["<a@x>", "<c@x>", "<b@x>"]);
    assert!(references_of_reply(&[]).is_empty());
}

proptest! {
    #[test]
    fn no_words_make_a_line_too_long_or_a_new_header(
        subject in any::<String>(), name in any::<String>(), text in any::<String>(), id in any::<String>(), state in any::<String>(),
    ) {
        let promise = Some(PromiseHeader { case: 1, due: Timestamp::UNIX_EPOCH, state, signed: Vec::new() });
        let letter = Letter { subject: subject.clone(), from_name: name, words: words(&text), promise, thread_topic: Some(subject), cc: vec![id], ..letter() };
        let mail = compose(&letter);
        prop_assert!(mail.is_ascii() || !letter.cc[0].is_ascii());
        let mail = String::from_utf8(mail).unwrap();
        prop_assert!(mail.split("\r\n").all(|line| !line.contains(['\r', '\n'])), "only CRLF ends a line");
        let (head, body) = mail.split_once("\r\n\r\n").unwrap();
        prop_assert!(body.split("\r\n").all(|line| line.len() <= LINE));
        let names: Vec<&str> = head.split("\r\n").filter(|line| !line.starts_with(' ')).map(|line| line.split(':').next().unwrap()).collect();
        let ours = ["Date", "From", "To", "Cc", "Subject", "Message-ID", "In-Reply-To", "References", "Thread-Topic", "Duly-Promise",
            "MIME-Version", "Content-Type", "Content-Transfer-Encoding"];
        prop_assert!(names.iter().all(|name| ours.contains(name)), "{:?}", names);
        prop_assert!(head.split("\r\n").all(|line| !line.trim().is_empty()));
    }

    #[test]
    fn what_was_written_is_read(subject in "[ -~äöü漢字]{0,120}", text in "([ -~äé漢]{0,200}\n){0,6}") {
        let letter = Letter { subject: subject.clone(), words: words(&text), ..letter() };
        let (read, _, _, body) = read_back(&letter);
        prop_assert_eq!(read, subject.trim());
        let plain = |text: &str| text.split_whitespace().flat_map(|word| word.chars()).filter(|c| *c != '>').collect::<String>();
        prop_assert_eq!(plain(&body), plain(&text_of(&letter.words)));
    }
}

#[test]
fn the_parser_sees_flowed_utf8() {
    let mail = compose(&letter());
    let mail = MessageParser::default().parse(&mail).unwrap();
    let kind = mail.content_type_of();
    assert_eq!(kind, Some(("flowed".to_owned(), "utf-8".to_owned())));
}

/// The two attributes of `Content-Type` that readers act on.
trait ContentTypeOf {
    fn content_type_of(&self) -> Option<(String, String)>;
}

impl ContentTypeOf for mail_parser::Message<'_> {
    fn content_type_of(&self) -> Option<(String, String)> {
        match self.header("Content-Type")? {
            HeaderValue::ContentType(kind) => Some((
                kind.attribute("format")?.to_owned(),
                kind.attribute("charset")?.to_owned(),
            )),
            _ => None,
        }
    }
}

#[test]
fn files_go_behind_the_words_whole_and_under_any_name() {
    let every: Vec<u8> = (0..200_000_u32).map(|number| (number % 256) as u8).collect();
    let names = [
        "fix.patch",
        "a \"quoted\"; name%20.txt",
        &"ß".repeat(100),
        "boundary=x\r\nBcc: evil@example.org",
    ];
    let mut letter = letter();
    letter.twin = true;
    letter.files = names
        .iter()
        .map(|name| enclosed::File {
            name: (*name).to_owned(),
            kind: "text/plain; x=y".into(),
            bytes: every.clone(),
        })
        .collect();
    letter.files.push(enclosed::File {
        name: "empty.txt".into(),
        kind: "text/plain".into(),
        bytes: Vec::new(),
    });
    let text = written(&letter);
    assert!(text.lines().all(|line| line.len() <= LINE), "short lines");
    assert!(!text.contains("\nBcc:"), "no name makes a field");
    let mail = MessageParser::default().parse(text.as_bytes()).expect("a mail");
    assert!(
        mail.body_text(0)
            .is_some_and(|words| words.contains("please run it again"))
    );
    assert!(mail.body_html(0).is_some());
    let found: Vec<_> = mail
        .attachments()
        .map(|file| (file.attachment_name().unwrap_or("").to_owned(), file.contents().len()))
        .collect();
    assert_eq!(found.len(), 5, "{found:?}");
    for (name, (found, size)) in names.iter().zip(&found) {
        assert_eq!((found.as_str(), *size), (*name, every.len()));
    }
    assert!(mail.attachments().next().is_some_and(|file| file.contents() == every));
    let ours = crate::mail::parse::understand(text.as_bytes());
    assert_eq!(ours.attachments.len(), 5, "our own reader finds them as well");
}
