//! Agreements: which version a promise is made under, and that no amendment touches what was promised.

use super::kit::desk::{TestDesk, on_both, time};
use super::kit::mail::mail;
use super::{EVE, NORA};
use duly::desk::agreement::AgreementRow;
use duly::desk::engineer::Role;
use duly::desk::queue::PromiseRow;
use duly::desk::verb::{Answer, Verb};
use duly::refusal::Kind;

/// An hour for everything, round the clock; two business days for a question.
const FAST: &str = "calendar = \"24x7\"\nfrom = 2026-03-02\nwhen_full = \"offer\"\n[targets.1]\nfirst_reply = \"30m\"\n\
    [targets.2]\nfirst_reply = \"1h\"\n[targets.3]\nfirst_reply = \"1h\"\nfollow_up = \"2h\"\n\
    [targets.4]\nfirst_reply = \"2 business days\"\ncalendar = \"desk\"\n";

fn customer(desk: &TestDesk, name: &str, domain: &str) {
    let add = Verb::CustomerAdd {
        name: name.into(),
        domains: vec![domain.into()],
    };
    desk.owner(add).expect("a customer is entered");
}

fn agree(desk: &TestDesk, customer: &str, text: &str) -> i64 {
    let add = Verb::AgreementAdd {
        customer: customer.into(),
        text: text.into(),
    };
    match desk.owner(add) {
        Ok(Answer::Done(done)) => done.data["agreement"].as_i64().expect("its number"),
        other => panic!("{other:?}"),
    }
}

fn promise(desk: &TestDesk, case: i64) -> PromiseRow {
    desk.page(case).promises.pop().expect("a promise")
}

fn versions(desk: &TestDesk, agreement: i64) -> Vec<AgreementRow> {
    match desk.owner(Verb::AgreementShow { agreement }) {
        Ok(Answer::Versions(rows)) => rows,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_customer_with_an_agreement_gets_its_target_and_everybody_else_the_desks() {
    on_both(|desk| {
        customer(desk, "Northwind", "northwind.example");
        let agreement = agree(desk, "Northwind", FAST);
        let case = desk.receive(&mail(NORA, "The daemon stops")).case();
        let made = promise(desk, case);
        assert_eq!(made.due, time("2026-03-02T09:00:00Z"));
        assert_eq!(made.why["agreement"], agreement);
        assert_eq!(made.why["agreement_version"], 1);
        assert_eq!(made.why["calendar"], "24x7");
        let other = desk.receive(&mail(EVE, "The daemon stops")).case();
        let made = promise(desk, other);
        assert_eq!(made.due, time("2026-03-03T10:00:00Z"));
        assert_eq!(made.why["rule"], "default agreement");
        assert_eq!(made.why["zone_release"], plan::zone::release());
    });
}

#[test]
fn a_promise_names_the_versions_it_was_made_under_and_an_amendment_changes_only_later_ones() {
    on_both(|desk| {
        customer(desk, "Northwind", "northwind.example");
        let agreement = agree(desk, "Northwind", FAST);
        let first = desk.receive(&mail(NORA, "One")).case();
        let slower = FAST
            .replace("first_reply = \"1h\"", "first_reply = \"4h\"")
            .replace("from = 2026-03-02\n", "");
        let amend = Verb::AgreementAmend {
            agreement,
            text: slower,
            from: Some("2026-03-04".into()),
        };
        desk.owner(amend).expect("amended");
        assert_eq!(
            promise(desk, first).due,
            time("2026-03-02T09:00:00Z"),
            "what is promised stands"
        );
        let second = desk.receive(&mail(NORA, "Two")).case();
        assert_eq!(
            promise(desk, second).why["agreement_version"],
            1,
            "the amendment does not hold yet"
        );
        desk.at(time("2026-03-04T09:00:00Z"));
        let third = desk.receive(&mail(NORA, "Three")).case();
        let made = promise(desk, third);
        assert_eq!(made.due, time("2026-03-04T13:00:00Z"));
        assert_eq!(made.why["agreement_version"], 2);
        let known = versions(desk, agreement);
        assert_eq!(known.iter().map(|one| one.in_force).collect::<Vec<_>>(), [true, false]);
        assert_eq!(known[0].supersedes, Some(1));
        assert_eq!(
            known[1].terms.given(plan::Severity::Limited).first_reply,
            plan::Target::OpenMinutes(60),
            "a version is never edited"
        );
        let unnamed = desk.rows(
            "SELECT p.id FROM promise p LEFT JOIN agreement_version a ON a.id = p.agreement_version
             LEFT JOIN calendar_version c ON c.id = p.calendar_version
             WHERE a.id IS NULL OR c.id IS NULL OR p.zone_release IS NULL",
            &[],
        );
        assert!(unnamed.is_empty(), "every version that a promise names is there");
    });
}

#[test]
fn an_agreement_holds_for_its_named_contacts_its_products_and_its_days_only() {
    on_both(|desk| {
        customer(desk, "Northwind", "northwind.example");
        let text = format!("contacts = [\"priya@northwind.example\"]\nuntil = 2026-03-05\n{FAST}");
        agree(desk, "Northwind", &text);
        let stranger = desk.receive(&mail(NORA, "One")).case();
        let made = promise(desk, stranger);
        assert_eq!(made.why["rule"], "default agreement");
        assert_eq!(made.why["not_covered"], "the sender is not one of its named contacts");
        let named = desk.receive(&mail("priya@northwind.example", "Two")).case();
        assert_eq!(promise(desk, named).due, time("2026-03-02T09:00:00Z"));
        desk.at(time("2026-03-05T09:00:00Z"));
        let late = desk.receive(&mail("priya@northwind.example", "Three")).case();
        assert_eq!(promise(desk, late).why["not_covered"], "it has ended");
    });
}

#[test]
fn hours_local_to_the_contact_count_on_their_clocks() {
    on_both(|desk| {
        customer(desk, "Northwind", "northwind.example");
        let add = Verb::ContactAdd {
            customer: "Northwind".into(),
            name: "Nora".into(),
            address: NORA.into(),
            zone: Some("Asia/Tokyo".into()),
            language: None,
        };
        desk.owner(add).expect("a contact");
        let text = FAST.replace("calendar = \"24x7\"", "calendar = \"desk\"\nhours_in = \"contact\"");
        agree(desk, "Northwind", &text);
        // Monday 09:00 in Berlin is 17:00 in Tokyo: the hour there begins on Tuesday at nine.
        let case = desk.receive(&mail(NORA, "One")).case();
        let made = promise(desk, case);
        assert_eq!(
            (made.due, made.why["zone"].as_str()),
            (time("2026-03-03T01:00:00Z"), Some("Asia/Tokyo"))
        );
    });
}

#[test]
fn an_agreement_about_other_ways_than_mail_covers_no_mail_and_the_reason_says_so() {
    on_both(|desk| {
        customer(desk, "Northwind", "northwind.example");
        agree(desk, "Northwind", &format!("channels = [\"web\", \"api\"]\n{FAST}"));
        let case = desk.receive(&mail(NORA, "The daemon stops")).case();
        let made = promise(desk, case);
        assert_eq!(
            made.due,
            time("2026-03-03T10:00:00Z"),
            "{}: the desk's own target",
            desk.on
        );
        let why = made.why["not_covered"].as_str().unwrap_or_default();
        assert!(why.contains("does not cover mail"), "{}: {}", desk.on, made.why);
    });
}

#[test]
fn a_target_in_business_days_is_due_at_the_close_of_the_day_and_skips_holidays() {
    on_both(|desk| {
        customer(desk, "Northwind", "northwind.example");
        let set = Verb::CalendarSet {
            name: "berlin".into(),
            text: "zone = \"Europe/Berlin\"\nhours = \"mon-fri 09:00-17:00\"\n".into(),
        };
        desk.owner(set).expect("a calendar");
        let holidays = Verb::CalendarHolidays {
            name: "berlin".into(),
            text: "BEGIN:VCALENDAR\nBEGIN:VEVENT\nDTSTART;VALUE=DATE:20260303\nSUMMARY:A day off\nEND:VEVENT\nEND:VCALENDAR\n".into(),
        };
        desk.owner(holidays).expect("holidays");
        let text = FAST
            .replace(
                "first_reply = \"1h\"\nfollow_up",
                "first_reply = \"2 business days\"\nfollow_up",
            )
            .replace("24x7", "berlin");
        agree(desk, "Northwind", &text);
        let case = desk.receive(&mail(NORA, "One")).case();
        let made = promise(desk, case);
        assert_eq!(
            made.due,
            time("2026-03-05T16:00:00Z"),
            "Wednesday and Thursday: Tuesday is off"
        );
        assert_eq!(made.why["closed"], serde_json::json!(["2026-03-03"]));
        assert_eq!(made.why["calendar_version"], 2);
        assert_eq!(made.why["target_business_days"], 2);
    });
}

#[test]
fn an_agreement_that_cannot_be_is_refused_and_nothing_of_it_is_kept() {
    on_both(|desk| {
        customer(desk, "Northwind", "northwind.example");
        let agreement = agree(desk, "Northwind", FAST);
        let refused = |verb: Verb| desk.owner(verb).expect_err("refused").refusal();
        let add = |text: String| Verb::AgreementAdd {
            customer: "Northwind".into(),
            text,
        };
        let said = refused(add(FAST.replace("24x7", "moon")));
        assert!(
            said.kind == Kind::Missing && said.text.contains("no calendar \"moon\". There are: 24x7, desk"),
            "{said:?}"
        );
        let said = refused(add(FAST.replace("2026-03-02", "2026-03-01")));
        assert!(said.text.contains("2026-03-01 is over"), "{said:?}");
        let said = refused(Verb::AgreementAdd {
            customer: "Nobody".into(),
            text: FAST.into(),
        });
        assert_eq!(said.kind, Kind::Missing);
        let own = Verb::AgreementAmend {
            agreement: 1,
            text: FAST.into(),
            from: None,
        };
        assert!(
            refused(own).text.contains("duly.toml"),
            "the desk's own is the settings'"
        );
        let set = Verb::CalendarSet {
            name: "desk".into(),
            text: String::new(),
        };
        assert!(refused(set).text.contains("duly.toml"));
        assert_eq!(versions(desk, agreement).len(), 1);
        desk.hire("li@acme.example", "Li Wei", Role::Engineer);
        desk.refused("li@acme.example", add(FAST.into()), Kind::Forbidden);
    });
}

#[test]
fn severity_by_an_engineer_touches_later_promises_only_and_nice_none_at_all() {
    on_both(|desk| {
        let first = mail(NORA, "One");
        let case = desk.receive(&first).case();
        let before = promise(desk, case).due;
        let severity = |because: &str| Verb::Severity {
            case,
            severity: "2".into(),
            because: because.into(),
        };
        let refused = desk.owner(severity(" ")).expect_err("no reason").refusal();
        assert!(refused.text.contains("with a reason"), "{refused:?}");
        desk.owner(severity("the replica is down too")).expect("set");
        assert_eq!(promise(desk, case).due, before);
        let again = desk.owner(severity("again")).expect_err("it has it").refusal();
        assert_eq!(again.kind, Kind::Conflict);
        let nice = |nice| Verb::Nice {
            case,
            nice,
            because: "their launch is tomorrow".into(),
        };
        for beyond in [-21, 20] {
            assert!(desk.owner(nice(beyond)).is_err());
        }
        desk.owner(nice(-20)).expect("set");
        desk.owner(nice(19)).expect("set");
        assert_eq!(promise(desk, case).due, before);
        let page = desk.page(case);
        assert_eq!((page.row.severity, page.row.nice), (2, 19));
        let Ok(Answer::Log(log)) = desk.owner(Verb::Log {
            case: Some(case),
            after: 0,
        }) else {
            panic!("no log");
        };
        let kinds: Vec<&str> = log
            .iter()
            .map(|line| line.kind.as_str())
            .filter(|kind| kind.starts_with("case."))
            .collect();
        assert_eq!(kinds.iter().filter(|kind| **kind == "case.nice").count(), 2);
        let set = log
            .iter()
            .find(|line| line.kind == "case.severity")
            .expect("in the ledger");
        assert_eq!(set.data["because"], "the replica is down too");
        // The next message of the customer is promised at the new severity: four hours.
        desk.receive(&mail(NORA, "Re: One").re(&first.message_id()));
        let later = promise(desk, case);
        assert_eq!(
            (later.due, later.why["severity"].as_i64()),
            (time("2026-03-02T12:00:00Z"), Some(2))
        );
    });
}
