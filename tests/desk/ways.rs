//! Several addresses, several ways in, and when two mails are one.

use super::NORA;
use super::kit::desk::{DESK, TestDesk, on_both, with};
use super::kit::mail::mail;
use duly::desk::case::State;
use duly::desk::verb::{Answer, Verb};
use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;

/// A program of the same machine that hands over mail by LMTP.
struct Pipe {
    answers: BufReader<UnixStream>,
}

impl Pipe {
    fn to(desk: &TestDesk) -> Pipe {
        let stream = UnixStream::connect(desk.folder().join("deliver.sock")).expect("the desk listens");
        let mut pipe = Pipe {
            answers: BufReader::new(stream),
        };
        assert!(pipe.hear().starts_with("220 "));
        pipe
    }

    fn say(&mut self, line: &str) -> String {
        let line = format!("{line}\r\n");
        self.answers.get_mut().write_all(line.as_bytes()).expect("it reads");
        self.hear()
    }

    fn hear(&mut self) -> String {
        loop {
            let mut line = String::new();
            self.answers.read_line(&mut line).expect("it answers");
            if line.as_bytes().get(3) != Some(&b'-') {
                return line.trim_end().to_owned();
            }
        }
    }

    /// Hands over a mail; one answer a recipient.
    fn deliver(&mut self, raw: &[u8], from: &str, to: &[&str]) -> Vec<String> {
        self.say("LHLO here");
        self.say(&format!("MAIL FROM:<{from}>"));
        for one in to {
            assert!(self.say(&format!("RCPT TO:<{one}>")).starts_with("250 "));
        }
        assert!(self.say("DATA").starts_with("354 "));
        self.answers.get_mut().write_all(raw).expect("it reads");
        self.answers.get_mut().write_all(b".\r\n").expect("it reads");
        to.iter().map(|_| self.hear()).collect()
    }
}

#[test]
fn a_case_has_the_lane_and_product_of_the_address_it_came_to() {
    let addresses =
        "support@acme.example, install@acme.example lane=install product=widget, Fast@acme.example lane=performance";
    let settings = [("desk", "addresses", addresses), ("mail", "unverified", "schedule")];
    with(&settings, |desk| {
        let lane = |desk: &mut TestDesk, to: &str| {
            let place = desk.receive(&mail(NORA, "x").to(to));
            let row = desk.page(place.case()).row;
            (row.lane, row.product)
        };
        assert_eq!(lane(desk, DESK), ("operate".into(), None));
        assert_eq!(
            lane(desk, "install+tag@ACME.example"),
            ("install".into(), Some("widget".into()))
        );
        assert_eq!(lane(desk, "fast@acme.example"), ("performance".into(), None));
        let place = desk.receive(&mail(NORA, "asked").to("install@acme.example").id("first@n"));
        desk.receive(&mail(NORA, "asked").to("fast@acme.example").re("first@n"));
        assert_eq!(
            desk.page(place.case()).row.lane,
            "install",
            "a later mail changes no lane"
        );
    });
}

#[test]
fn a_mail_to_two_addresses_by_lmtp_is_one_mail_with_two_answers() {
    on_both(|desk| {
        let mut pipe = Pipe::to(desk);
        assert!(pipe.say("EHLO here").starts_with("500 "), "LMTP has its own greeting");
        let said = pipe.deliver(&mail(NORA, "Twice").bytes(), NORA, &[DESK, "support+x@acme.example"]);
        assert_eq!(said, ["250 2.0.0 taken and stored", "250 2.0.0 taken and stored"]);
        assert!(pipe.say("MAIL FROM:<a@b.example>").starts_with("250 "));
        assert!(pipe.say("RCPT TO:<nobody@acme.example>").starts_with("550 "));
        assert!(pipe.say("DATA").starts_with("503 "), "no recipient was accepted");
        desk.quiet();
        assert_eq!(desk.number("SELECT COUNT(*) FROM arrival WHERE way = 'pipe'", &[]), 1);
        assert_eq!(desk.number("SELECT COUNT(*) FROM cases", &[]), 1);
    });
}

#[test]
fn a_mail_that_comes_by_two_ways_is_one_message_whatever_its_envelope() {
    on_both(|desk| {
        let letter = mail(NORA, "The daemon stops");
        let first = desk.receive(&letter);
        let mut again = b"Received: from list by here\r\nDelivered-To: support@acme.example\r\n".to_vec();
        again.extend(letter.bytes());
        Pipe::to(desk).deliver(
            &again,
            "other-return-path@n.example",
            &["support+elsewhere@acme.example"],
        );
        desk.quiet();
        assert_eq!(desk.number("SELECT COUNT(*) FROM arrival", &[]), 2);
        assert_eq!(desk.number("SELECT COUNT(*) FROM message WHERE way = 'in'", &[]), 1);
        assert_eq!(desk.promises(first.case()).len(), 1);
    });
}

#[test]
fn by_two_ways_without_a_message_id_two_mails_stay_two() {
    on_both(|desk| {
        let letter = mail(NORA, "ping").without("Message-ID");
        desk.receive(&letter);
        Pipe::to(desk).deliver(&letter.bytes(), NORA, &[DESK]);
        desk.quiet();
        assert_eq!(desk.number("SELECT COUNT(*) FROM message WHERE way = 'in'", &[]), 2);
    });
}

#[test]
fn a_known_message_id_with_another_body_or_envelope_is_kept_and_looks_like_a_repeat() {
    on_both(|desk| {
        let letter = mail(NORA, "The daemon stops");
        let first = desk.receive(&letter);
        let other_body = desk.receive(&letter.clone().body("Something else."));
        let other_envelope = desk.receive(&letter.clone().envelope("nora+alias@northwind.example"));
        for place in [other_body, other_envelope] {
            assert_ne!(place.message, first.message);
            let page = desk.page(place.case());
            let shown = page
                .messages
                .iter()
                .find(|one| one.message == place.message)
                .expect("it is shown");
            assert_eq!(shown.facts.looks_like, Some(first.message));
        }
    });
}

#[test]
fn a_large_mail_is_stored_in_pieces_and_comes_back_as_it_came() {
    on_both(|desk| {
        let body = "0123456789".repeat(7) + "\n";
        let letter = mail(NORA, "Logs").body(&body.repeat(30_000)); // 2.2 MB
        let place = desk.receive(&letter);
        assert_eq!(
            desk.state(place.case()),
            State::Ready,
            "it was understood like any other"
        );
        let pieces = desk.number("SELECT COUNT(*) FROM body_piece", &[]);
        assert!((8..=9).contains(&pieces), "{pieces}");
        assert!(desk.number("SELECT MAX(OCTET_LENGTH(bytes)) FROM raw", &[]) <= 256 * 1024);
        let Ok(Answer::Raw(raw)) = desk.owner(Verb::Raw {
            case: place.case(),
            message: None,
        }) else {
            panic!("no raw mail");
        };
        assert!(data_encoding::BASE64.decode(raw.as_bytes()).expect("base64") == letter.bytes());
        let again = desk.take(&letter.bytes(), NORA, &[DESK]);
        assert_eq!(again.message, place.message, "a repeat is known by all of it");
        let left = std::fs::read_dir(desk.folder()).expect("the folder");
        let names: Vec<_> = left.flatten().map(|one| one.file_name()).collect();
        assert!(
            !names.iter().any(|name| name.to_string_lossy().contains("incoming")),
            "{names:?}"
        );
    });
}

#[test]
fn a_body_that_never_became_whole_is_gone_after_a_start() {
    on_both(|desk| {
        let whole = desk.receive(&mail(NORA, "Logs").body(&"line of the log\n".repeat(40_000)));
        let unfinished = desk.store().write(|tx| {
            let body = duly::desk::arrival::begin_body(tx, jiff::Timestamp::UNIX_EPOCH)?;
            duly::desk::arrival::keep_pieces(tx, body, 0, vec![vec![1; 1000]])
        });
        assert!(unfinished.is_ok());
        desk.stop();
        desk.start();
        assert_eq!(desk.number("SELECT COUNT(*) FROM body", &[]), 1);
        assert_eq!(desk.number("SELECT COUNT(*) FROM body WHERE whole = 0", &[]), 0);
        assert_eq!(desk.state(whole.case()), State::Ready);
    });
}
