//! The figures of the ledger say what happened, always the four together, and of few only how many.

use super::kit::desk::{ANNA, TestDesk, on_both, reply};
use super::kit::mail::mail;
use super::{EVE, NORA};
use duly::desk::figures::Report;
use duly::desk::verb::{Answer, Verb};

fn report(desk: &TestDesk, by: &str, customer: Option<&str>) -> Report {
    let asked = Verb::Figures {
        day: String::new(),
        weeks: 4,
        by: by.into(),
        customer: customer.map(str::to_owned),
    };
    match desk.owner(asked) {
        Ok(Answer::Figures(report)) => *report,
        other => panic!("{}: {other:?}", desk.on),
    }
}

#[test]
fn of_few_promises_there_are_counts_and_no_shares() {
    on_both(|desk| {
        let first = desk.receive(&mail(NORA, "One")).case();
        desk.receive(&mail(EVE, "Two"));
        desk.answered(first, "close");
        let said = report(desk, "week", None);
        assert_eq!((said.total.made, said.total.kept, said.total.open), (2, 1, 1));
        assert_eq!((said.total.kept_per_mille, said.total.median_minutes), (None, None));
        let of_nora = report(desk, "customer", None).rows;
        assert_eq!(of_nora.len(), 2, "{of_nora:?}");
        assert_eq!(of_nora.iter().map(|one| one.made).sum::<i64>(), 2);
    });
}

#[test]
fn twenty_promises_have_all_four_figures() {
    on_both(|desk| {
        for count in 0..20 {
            let case = desk.receive(&mail(NORA, &format!("Question {count}"))).case();
            let kind = if count < 5 { "finding" } else { "answer" };
            let then = if count < 5 {
                Some("owe tomorrow 15:00")
            } else {
                Some("close")
            };
            match kind {
                "answer" => desk.answered(case, "close"),
                _ => {
                    desk.act(ANNA, reply(case, kind, then.or(None)));
                    desk.minutes(1);
                }
            }
        }
        let said = report(desk, "week", None);
        let total = &said.total;
        assert_eq!(total.kept, 20, "{}: {total:?}", desk.on);
        assert_eq!(total.kept_per_mille, Some(1_000));
        assert_eq!((total.replies, total.findings), (20, 5));
        assert_eq!(total.findings_per_mille, Some(250));
        assert_eq!(total.moved_by_us_per_mille, Some(0));
        assert!(total.median_minutes <= total.p90_minutes && total.median_minutes.is_some());
    });
}

#[test]
fn what_was_broken_is_counted_and_ends_the_days_without() {
    on_both(|desk| {
        desk.receive(&mail(NORA, "The daemon stops"));
        let due = desk.rows("SELECT due FROM promise", &[])[0].instant(0);
        desk.at(due);
        desk.minutes(60 * 24 * 3);
        let said = report(desk, "week", None);
        assert!(said.total.broken >= 1);
        assert!(said.unbroken_days.is_some_and(|days| days <= 3), "{said:?}");
        assert_eq!(said.rows.iter().map(|one| one.broken).sum::<i64>(), said.total.broken);
    });
}

#[test]
fn counting_again_from_the_beginning_gives_the_same_sums() {
    on_both(|desk| {
        for count in 0..6 {
            let case = desk
                .receive(&mail(
                    if count % 2 == 0 { NORA } else { EVE },
                    &format!("Question {count}"),
                ))
                .case();
            if count < 4 {
                desk.answered(case, "close");
            }
            desk.minutes(200);
        }
        let all = |desk: &TestDesk| {
            let rows = desk.rows(
                "SELECT week, by_what, of_what, made, open, kept, broken, lengths FROM figure ORDER BY week, by_what, of_what",
                &[],
            );
            rows.iter().map(|row| format!("{row:?}")).collect::<Vec<_>>()
        };
        report(desk, "week", None);
        let first = all(desk);
        desk.tamper("UPDATE figure_mark SET seq = 0");
        report(desk, "week", None);
        assert_eq!(all(desk), first, "{}", desk.on);
        assert!(!first.is_empty());
    });
}

#[test]
fn a_foundation_sees_each_vendor_by_itself() {
    on_both(|desk| {
        desk.owner(Verb::CustomerAdd {
            name: "Northwind".into(),
            domains: vec!["northwind.example".into()],
        })
        .expect("a customer is entered");
        let targets = (1..=4).map(|one| format!("[targets.{one}]\nfirst_reply = \"4h\"\n"));
        desk.owner(Verb::AgreementAdd {
            customer: "Northwind".into(),
            text: format!("vendor = \"Fjord Systems\"\n{}", targets.collect::<String>()),
        })
        .expect("an agreement");
        for from in [NORA, NORA, EVE] {
            desk.receive(&mail(from, "The daemon stops"));
        }
        let said = report(desk, "vendor", None);
        let mut rows: Vec<(String, i64)> = said.rows.iter().map(|one| (one.of.clone(), one.made)).collect();
        rows.sort();
        assert_eq!(
            rows,
            [("Fjord Systems".to_owned(), 2), ("the desk".to_owned(), 1)],
            "{}",
            desk.on
        );
    });
}

#[test]
fn a_move_that_we_asked_for_counts_as_ours() {
    on_both(|desk| {
        desk.receive(&mail(NORA, "The daemon stops"));
        // As a negotiation leaves it behind: the promise given up, and who asked in the ledger.
        let done = desk.store().write(|tx| {
            tx.execute(
                "UPDATE promise SET state = 'moved', settled_at = made_at WHERE id = 1",
                &[],
            )?;
            let data = serde_json::json!({"asked_by": "us", "to": "2026-03-04T10:00:00Z"});
            let moved = duly::desk::ledger::event("promise.moved", duly::desk::ledger::Actor::Customer);
            let moved = moved
                .of(duly::desk::CaseId(1))
                .promise(duly::desk::PromiseId(1))
                .with(data);
            duly::desk::ledger::record(tx, "2026-03-02T09:00:00Z".parse().expect("a time"), moved)
        });
        done.expect("moved");
        let said = report(desk, "week", None);
        assert_eq!((said.total.moved, said.total.moved_by_us), (1, 1), "{}", desk.on);
        // Put back, so that the desk holds what must hold.
        desk.tamper("UPDATE promise SET state = 'open', settled_at = NULL WHERE id = 1");
    });
}

#[test]
fn what_does_not_exist_is_refused_in_words() {
    on_both(|desk| {
        let by = Verb::Figures {
            day: String::new(),
            weeks: 4,
            by: "engineer".into(),
            customer: None,
        };
        let said = desk.owner(by).expect_err("never a ranking of persons").refusal().text;
        assert!(
            said.contains("customer, agreement, vendor, lane, layer, severity"),
            "{said}"
        );
    });
}
