//! What can be asked and accepted behind the links of our mail: GET shows, POST acts, and each link has its own power.

use super::files::OPEN;
use crate::kit::desk::{ANNA, TestDesk, reply, time, with};
use crate::kit::http::{Answer, ask};
use crate::kit::mail::mail;
use duly::desk::verb::{Bargain, Verb};
use mail_parser::MessageParser;

const NORA: &str = "nora@northwind.example";
const ELLA: &str = "ella@northwind.example";
const DUE: &str = "2026-03-03T10:00:00Z";
const FORM: [(&str, &str); 2] = [
    ("Sec-Fetch-Site", "same-origin"),
    ("Content-Type", "application/x-www-form-urlencoded"),
];

/// The path of the link in the newest mail to somebody that ends so.
fn link(desk: &TestDesk, to: &str, of: &str) -> String {
    let mail = desk.mails_to(to).pop().expect("a mail");
    let parsed = MessageParser::default().parse(&mail.raw).expect("a mail");
    let text = parsed.body_text(0).expect("words").into_owned();
    let words = text.split_whitespace();
    let mut links = words.filter_map(|word| word.strip_prefix("https://desk.acme.example"));
    let found = links.find(|path| path.contains(of));
    found.unwrap_or_else(|| panic!("no link {of}: {text}")).to_owned()
}

fn look(desk: &TestDesk, path: &str) -> Answer {
    let answer = ask(desk.http(), "GET", path, &[], b"");
    assert_eq!(answer.status, 200, "{path}: {}", answer.text());
    answer
}

fn press(desk: &TestDesk, path: &str, form: &str) -> Answer {
    let answer = ask(desk.http(), "POST", path, &FORM, form.as_bytes());
    desk.quiet();
    answer
}

#[test]
fn another_time_is_asked_for_by_the_link_of_the_case_echoed_and_taken_back() {
    with(&OPEN, |desk| {
        let case = desk.receive(&mail(NORA, "Lag")).case();
        let both = Verb::ParticipantAdd {
            case,
            address: ELLA.into(),
        };
        desk.act(ANNA, both);
        let path = link(desk, NORA, "/time");
        let page = look(desk, &path).text();
        assert!(page.contains("Times that we can keep"), "{page}");
        assert!(
            page.matches("name=\"at\"").count() == 3,
            "three times as buttons: {page}"
        );
        assert_eq!(desk.promises(case), [format!("open {DUE}")], "looking changes nothing");
        let said = press(desk, &path, "time=at+teatime");
        assert_eq!(said.status, 422, "{}", said.text());
        // Ten in her zone is four in the afternoon in Berlin.
        let said = press(desk, &path, "time=tomorrow+10%3A00");
        assert!(said.status == 200 && said.text().contains("Agreed"), "{}", said.text());
        assert_eq!(desk.promises(case)[1], "open 2026-03-03T15:00:00Z");
        assert_eq!(desk.sent_to(NORA), ["acknowledgement", "agreed"]);
        assert_eq!(desk.sent_to(ELLA), ["agreed"], "everybody on the case hears of it");
        let undo = link(desk, ELLA, "/u/");
        assert!(look(desk, &undo).text().contains("Take it back?"));
        assert_eq!(desk.promises(case).len(), 2);
        let said = press(desk, &undo, "");
        assert_eq!(said.status, 200, "{}", said.text());
        assert_eq!(desk.promises(case)[2], format!("open {DUE}"));
        assert_eq!(press(desk, &undo, "").status, 409, "once");
        desk.at(time("2026-03-03T09:00:00Z"));
    });
}

#[test]
fn the_pages_speak_the_language_of_the_mail_and_say_why_a_time_is_what_it_is() {
    with(&OPEN, |desk| {
        let words = "Guten Tag,\r\n\r\ndie Replik hängt seit heute früh nach, und ich weiß nicht, warum das so ist.\r\n\
                     Können Sie mir bitte sagen, was ich tun kann und ob die Daten sicher sind?";
        desk.receive(&mail(NORA, "Replik").body(words));
        let path = link(desk, NORA, "/time");
        let page = look(desk, &path).text();
        for said in [
            "<html lang=\"de\">",
            "Zeiten, die wir halten können",
            "Warum diese Zeit",
            "morgen 10 Uhr",
            "Wer keine eigene Vereinbarung hat, bekommt bei Stufe",
        ] {
            assert!(page.contains(said), "{said}: {page}");
        }
        let files = look(desk, &path.replace("/time", "/up")).text();
        assert!(
            files.contains("Wir antworten bis") && files.contains("Warum diese Zeit"),
            "{files}"
        );
        let said = press(desk, &path, "time=morgen+10+Uhr").text();
        assert!(said.contains("Ausgemacht") && said.contains("Uhr ("), "{said}");
    });
    with(&OPEN, |desk| {
        desk.receive(&mail(NORA, "Lag"));
        let page = look(desk, &link(desk, NORA, "/time")).text();
        assert!(
            page.contains("<html lang=\"en\">") && page.contains("Why this time") && page.contains("They count from "),
            "{page}"
        );
    });
}

#[test]
fn an_offer_is_accepted_by_its_own_link_and_by_no_other() {
    with(&OPEN, |desk| {
        let case = desk.receive(&mail(NORA, "Lag")).case();
        let permanent = link(desk, NORA, "/time");
        let offer = Verb::Negotiate {
            case,
            number: None,
            bargain: Bargain::Offer,
            time: Some("wed 10:00".into()),
            because: Some("the test takes four hours".into()),
            meanwhile: Some("the workaround is safe to keep".into()),
            sign: None,
        };
        desk.act(ANNA, offer);
        desk.quiet();
        let yes = link(desk, NORA, "/ok");
        let token = permanent.trim_start_matches("/t/").trim_end_matches("/time").to_owned();
        for path in [
            format!("/o/{token}/ok"),
            format!("/t/{token}/ok"),
            format!("/u/{token}"),
        ] {
            assert_eq!(press(desk, &path, "").status, 404, "{path}");
        }
        assert!(look(desk, &yes).text().contains("Accept this time?"));
        assert_eq!(desk.promises(case), [format!("open {DUE}")]);
        assert_eq!(
            ask(desk.http(), "POST", &yes, &[], b"").status,
            403,
            "a form of no page of ours"
        );
        assert_eq!(press(desk, &yes, "").status, 200);
        assert_eq!(
            desk.promises(case),
            [format!("moved {DUE}"), "open 2026-03-04T09:00:00Z".into()]
        );
        assert_eq!(press(desk, &yes, "").status, 409);
        assert_eq!(desk.promises(case).len(), 2);
    });
}

#[test]
fn it_got_worse_and_this_did_not_help_make_a_promise_each_and_can_be_taken_back() {
    with(&OPEN, |desk| {
        let case = desk.receive(&mail(NORA, "Lag")).case();
        let worse = link(desk, NORA, "/time").replace("/time", "/worse");
        assert!(look(desk, &worse).text().contains("severity 1"));
        assert_eq!(press(desk, &worse, "").status, 200);
        assert_eq!(desk.promises(case)[1], "open 2026-03-02T10:00:00Z");
        assert_eq!(desk.page(case).row.severity, 1);
        assert_eq!(press(desk, &worse, "").status, 200);
        assert_eq!(desk.promises(case).len(), 2, "it cannot get worse than that");
        desk.act(ANNA, reply(case, "answer", Some("close")));
        desk.leaves();
        let no = link(desk, NORA, "/no?m=");
        assert!(look(desk, &no).text().contains("Anna Keller wrote to you"));
        assert_eq!(desk.promises(case).len(), 2);
        let (path, query) = no.split_once('?').expect("a query");
        assert_eq!(press(desk, path, query).status, 200);
        let promises = desk.page(case).promises;
        assert_eq!((promises.len(), promises[2].basis.as_str()), (3, "disputed"));
        assert_eq!(promises[0].state, "kept", "the reply stays what it was");
        assert_eq!(press(desk, path, query).status, 409, "once a reply");
        let undo = link(desk, NORA, "/u/");
        assert_eq!(press(desk, &undo, "").status, 200);
        assert_eq!(desk.page(case).promises[2].state, "withdrawn");
    });
}

#[test]
fn an_engineer_offers_and_grants_on_the_page_of_the_case() {
    with(&OPEN, |desk| {
        let case = desk.receive(&mail(NORA, "Lag")).case();
        let host = format!("127.0.0.1:{}", desk.http().port());
        let origin = format!("http://{host}");
        let act = |act: &str, form: &str| {
            let headers = [
                ("Host", host.as_str()),
                ("Origin", origin.as_str()),
                ("Sec-Fetch-Site", "same-origin"),
                ("Content-Type", "application/x-www-form-urlencoded"),
            ];
            ask(
                desk.http(),
                "POST",
                &format!("/c/{case}/{act}"),
                &headers,
                form.as_bytes(),
            )
        };
        let said = act("offer", "as=anna&until=wed+10%3A00&because=&meanwhile=&sign=");
        assert_eq!(said.status, 303, "{}", said.text());
        let page = ask(desk.http(), "GET", &format!("/c/{case}"), &[("Host", &host)], b"").text();
        assert!(page.contains("Offered instead: "), "{page}");
        let said = act("offer", "as=anna&until=%2B5m&because=&meanwhile=&sign=");
        assert_eq!(said.status, 422, "{}", said.text());
        assert!(said.text().contains("is not an honest promise"), "{}", said.text());
    });
}
