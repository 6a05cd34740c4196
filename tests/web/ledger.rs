//! The book of promises as a page and as data: nothing broken can be hidden, and a customer's view shows nobody else.

use crate::files::{OPEN, page};
use crate::kit::desk::{TestDesk, with};
use crate::kit::mail::mail;
use duly::desk::verb::Verb;

const NORA: &str = "nora@northwind.example";
const EVE: &str = "eve@elsewhere.example";

/// One promise kept, one broken with what followed, of two customers.
fn a_week(desk: &mut TestDesk) {
    let kept = desk.receive(&mail(NORA, "The daemon stops")).case();
    desk.answered(kept, "close");
    desk.receive(&mail(EVE, "Nothing works"));
    let due = desk.rows("SELECT due FROM promise WHERE state = 'open'", &[])[0].instant(0);
    desk.at(due);
    let figures = Verb::Figures {
        day: String::new(),
        weeks: 1,
        by: "week".into(),
        customer: None,
    };
    desk.owner(figures).expect("counted");
}

#[test]
fn the_page_says_what_was_kept_and_what_was_broken_with_its_instants() {
    with(&OPEN, |desk| {
        a_week(desk);
        let shown = page(desk, "/ledger");
        assert_eq!(shown.status, 200, "{}", shown.text());
        let text = shown.text();
        for words in [
            "kept <strong>1 of 2</strong>",
            "moved by us <strong>0 of",
            "findings <strong>0 of 1</strong>",
            "unbroken for <strong>0 days",
            "broken at its due",
            "Anna Keller",
            "Ledger strip",
            "<desc id=\"strip-desc\">A column a day, a tick a promise at its margin: 1 kept above the line, 1 broken below it",
            "No promise of this week was moved.",
        ] {
            assert!(text.contains(words), "{}: {words} is not in {text}", desk.on);
        }
    });
}

#[test]
fn a_customers_view_shows_nobody_else() {
    with(&OPEN, |desk| {
        a_week(desk);
        let whose = |address: &str| {
            desk.number(
                "SELECT c.customer FROM contact c JOIN contact_address a ON a.contact = c.id WHERE a.address = $1",
                &[address.into()],
            )
        };
        let text = page(desk, &format!("/ledger?customer={}", whose(NORA))).text();
        assert!(
            text.contains("kept <strong>1 of 1</strong>") && !text.contains("broken at its due"),
            "{text}"
        );
        assert!(!text.contains(EVE) && !text.contains("href=\"/c/2\""), "{text}");
        let data = page(desk, &format!("/ledger?customer={}&form=csv", whose(NORA))).text();
        assert_eq!(data.lines().count(), 2, "a heading and one promise: {data}");
    });
}

#[test]
fn the_week_is_given_out_as_csv_and_json_with_the_same_rows() {
    with(&OPEN, |desk| {
        a_week(desk);
        let csv = page(desk, "/ledger?form=csv");
        assert!(csv.header("content-type").starts_with("text/csv"), "{}", csv.head);
        assert!(
            csv.header("content-disposition").contains("ledger-2026-03-02.csv"),
            "{}",
            csv.head
        );
        let json = page(desk, "/ledger?form=json");
        let json: serde_json::Value = serde_json::from_slice(&json.body).expect("JSON");
        let rows = json["promises"].as_array().expect("rows");
        assert_eq!(csv.text().lines().count(), rows.len() + 1);
        assert_eq!(json["figures"]["total"]["broken"], 1);
        assert_eq!(page(desk, "/ledger?form=xls").status, 422);
    });
}

#[test]
fn every_division_and_every_other_week_has_its_page_and_nonsense_none() {
    with(&OPEN, |desk| {
        a_week(desk);
        for path in [
            "?by=customer",
            "?by=agreement",
            "?by=lane",
            "?by=layer",
            "?by=severity",
            "?week=2025-12-31",
            "?week=2026-03-02&from=1.1",
        ] {
            assert_eq!(page(desk, &format!("/ledger{path}")).status, 200, "{}: {path}", desk.on);
        }
        assert!(
            page(desk, "/ledger?week=2025-12-31")
                .text()
                .contains("No promise is due in this week.")
        );
        for path in ["?by=engineer", "?week=never", "?customer=x"] {
            assert_eq!(page(desk, &format!("/ledger{path}")).status, 422, "{}: {path}", desk.on);
        }
    });
}

#[test]
fn a_desk_without_a_promise_says_when_the_first_will_be_made() {
    with(&OPEN, |desk| {
        let text = page(desk, "/ledger").text();
        assert!(
            text.contains("The first promise will be made when the first mail arrives."),
            "{text}"
        );
    });
}

#[test]
fn the_keys_of_receipts_are_given_to_everybody_also_by_a_closed_desk() {
    with(&[("web", "open", "false")], |desk| {
        let shown = page(desk, "/.well-known/duly-promise-key");
        let kept = std::fs::read_to_string(desk.folder().join("promise.keys")).expect("keys");
        assert_eq!((shown.status, shown.text()), (200, kept), "{}", desk.on);
        assert_eq!(page(desk, "/ledger").status, 303, "it asks to sign in");
    });
}
