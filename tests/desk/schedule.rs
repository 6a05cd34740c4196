//! The schedule at work: decision points, the bound of a promise, waits, absences, trouble said early, and capacity that is
//! promised once only.

use super::kit::desk::{ANNA, TestDesk, on_both, reply, time};
use super::kit::mail::mail;
use super::slice::next;
use duly::desk::case::State;
use duly::desk::engineer::{self, NewEngineer, Role};
use duly::desk::queue::{CaseRow, Filter};
use duly::desk::verb::{Answer, Bargain, Done, Principal, Verb, perform};
use duly::refusal::{Fault, Kind};
use std::sync::Arc;

const BEN: &str = "ben@acme.example";

/// Anna alone answers, by day: nobody else is on the desk.
fn anna_by_day(desk: &TestDesk) {
    desk.tamper("UPDATE engineer SET left_at = 1 WHERE address <> 'anna@acme.example'");
    desk.tamper("UPDATE engineer SET hours = 'mon-fri 09:00-17:00'");
}

fn asks(desk: &mut TestDesk, who: &str) -> i64 {
    desk.receive(&mail(&format!("{who}@northwind.example"), "A question"))
        .case()
}

fn is_down(desk: &mut TestDesk, who: &str) -> i64 {
    let letter = mail(&format!("{who}@other.example"), "All is down").body("urgent: all is down.");
    desk.receive(&letter).case()
}

fn run_queue(desk: &TestDesk) -> Vec<CaseRow> {
    let verb = Verb::Ps {
        filter: Filter::default(),
        after: None,
    };
    match desk.by(ANNA, verb) {
        Ok(Answer::Cases(rows)) => rows,
        other => panic!("{other:?}"),
    }
}

fn away(desk: &TestDesk, who: &str, until: &str) -> Done {
    let verb = Verb::CpuAway {
        address: who.into(),
        until: until.into(),
        from: None,
        because: Some("ill".into()),
        anyway: false,
    };
    match desk.owner(verb) {
        Ok(Answer::Done(done)) => done,
        other => panic!("{other:?}"),
    }
}

fn wait(case: i64, until: &str, anyway: bool) -> Verb {
    Verb::Wait {
        case,
        party: "lab".into(),
        until: until.into(),
        because: Some("a machine is being set up".into()),
        tell: None,
        anyway,
    }
}

#[test]
fn after_a_quantum_the_case_goes_on_unless_another_would_be_late() {
    on_both(|desk| {
        anna_by_day(desk);
        let calm = asks(desk, "one");
        assert_eq!(next(desk, ANNA).row.case, calm);
        desk.minutes(20);
        let again = next(desk, ANNA);
        assert_eq!((again.row.case, again.again), (calm, true));
        assert!(
            again.why.starts_with("20 minutes are used; it goes on"),
            "{}",
            again.why
        );
        let urgent = is_down(desk, "two");
        desk.minutes(5);
        let shown = next(desk, ANNA);
        assert_eq!(shown.row.case, calm, "within a quantum nothing is taken from anybody");
        assert!(
            shown.advice[0].contains(&format!("Case {urgent} is severity 1")),
            "{:?}",
            shown.advice
        );
        let row = run_queue(desk)
            .into_iter()
            .find(|row| row.case == urgent)
            .expect("the urgent case");
        let asked = row.asked.expect("somebody is asked");
        assert!(
            asked.contains(&format!("Anna Keller is asked to take it after case {calm}")),
            "{asked}"
        );
        desk.minutes(15);
        let switched = next(desk, ANNA);
        assert_eq!((switched.row.case, switched.again), (urgent, false));
        assert!(switched.why.contains("would be late otherwise"), "{}", switched.why);
        desk.answered(urgent, "close");
        let back = next(desk, ANNA);
        assert_eq!(back.row.case, calm);
        let note = back.context.expect("a note");
        assert!(
            note.contains(&format!("Put aside at the end of a slice for case {urgent}")),
            "{note}"
        );
    });
}

#[test]
fn at_its_bound_a_promise_is_stretched_once_and_then_comes_to_a_finding() {
    on_both(|desk| {
        anna_by_day(desk);
        let case = asks(desk, "one");
        next(desk, ANNA);
        desk.minutes(119);
        assert_eq!(next(desk, ANNA).advice, Vec::<String>::new());
        desk.minutes(1);
        let stretched = next(desk, ANNA).advice;
        assert!(
            stretched[0].contains("120 minutes of work are used up. 30 more fit, once"),
            "{stretched:?}"
        );
        desk.minutes(29);
        assert_eq!(next(desk, ANNA).advice, Vec::<String>::new());
        desk.minutes(1);
        let over = next(desk, ANNA).advice;
        assert!(
            over[0].contains(&format!("duly reply {case} --kind finding")),
            "{over:?}"
        );
    });
}

#[test]
fn what_a_case_was_worked_on_counts_over_slices_and_a_skip_leaves_it_to_anybody() {
    on_both(|desk| {
        let case = asks(desk, "one");
        next(desk, ANNA);
        desk.minutes(30);
        let skip = Verb::Skip {
            reason: "needs a storage person".into(),
        };
        desk.act(ANNA, skip);
        let row = desk.rows(
            "SELECT worked, begun_by FROM promise WHERE case_id = $1",
            &[case.into()],
        );
        assert_eq!((row[0].int(0), row[0].opt_int(1)), (30 * 60_000, None));
    });
}

#[test]
fn a_wait_that_the_promise_cannot_outlast_asks_for_a_finding_first() {
    on_both(|desk| {
        anna_by_day(desk);
        let case = asks(desk, "one");
        next(desk, ANNA);
        // Due on Tuesday at 11:00.
        let said = desk.refused(ANNA, wait(case, "tue 10:20", false), Kind::Dishonest);
        assert!(said.contains("--kind finding") && said.contains("--anyway"), "{said}");
        assert_eq!(desk.state(case), State::Running);
        desk.act(ANNA, wait(case, "mon 15:00", false));
        assert_eq!(desk.state(case), State::Blocked);
        desk.act(ANNA, wait(case, "tue 10:20", true));
    });
}

#[test]
fn who_is_away_is_planned_without_and_the_lead_hears_whom_to_ask() {
    on_both(|desk| {
        desk.tamper("UPDATE engineer SET left_at = 1 WHERE address <> 'anna@acme.example'");
        desk.hire(BEN, "Ben Vogel", Role::Engineer);
        let case = asks(desk, "one");
        let calm = away(desk, BEN, "wed");
        assert!(
            calm.said.starts_with("Ben Vogel is away until Wed 4 Mar 00:00 CET."),
            "{}",
            calm.said
        );
        assert!(calm.said.contains("Every promise can still be kept"), "{}", calm.said);
        assert_eq!(next(desk, ANNA).row.case, case);
        let done = away(desk, ANNA, "wed");
        assert_eq!(desk.state(case), State::Ready, "her slice ended");
        assert!(
            done.said.contains(&format!("case {case}, promised by")),
            "{}",
            done.said
        );
        assert!(
            done.said.contains(&format!("duly promise {case} --ask")),
            "{}",
            done.said
        );
        assert_eq!(done.data["ask"][0]["case"], case, "{}", done.data);
        assert!(run_queue(desk)[0].at_risk);
        let promise = desk.page(case).promises.remove(0);
        assert!(promise.due < time("2026-03-04T00:00:00Z"));
        let people = match desk.owner(Verb::Cpu) {
            Ok(Answer::Engineers(rows)) => rows,
            other => panic!("{other:?}"),
        };
        assert!(people.iter().all(|one| one.away_until.is_some() && !one.on_duty));
        for who in [ANNA, BEN] {
            desk.owner(Verb::CpuBack { address: who.into() }).expect("back");
        }
        assert!(!run_queue(desk)[0].at_risk);
        desk.refused(ANNA, Verb::CpuBack { address: ANNA.into() }, Kind::Conflict);
        let other = Verb::CpuAway {
            address: ANNA.into(),
            until: "wed".into(),
            from: None,
            because: None,
            anyway: false,
        };
        desk.refused(BEN, other, Kind::Forbidden);
    });
}

#[test]
fn impossible_hours_lanes_without_anybody_and_times_that_are_past_are_answered() {
    on_both(|desk| {
        desk.tamper("UPDATE engineer SET left_at = 1 WHERE address <> 'anna@acme.example'");
        desk.tamper("UPDATE engineer SET hours = 'sun 03:00-03:10'");
        let case = asks(desk, "one");
        let why = &desk.page(case).promises[0].why;
        assert!(
            why["no_date"].is_string(),
            "ten minutes a week are too few for anything: {why}"
        );
        assert!(run_queue(desk)[0].at_risk);
        desk.tamper("UPDATE engineer SET hours = 'mon-sun 00:00-24:00', lanes = '[\"a lane that no case has\"]'");
        let other = asks(desk, "two");
        let why = &desk.page(other).promises[0].why;
        assert_eq!(why["no_date"], "nobody on the desk may answer it");
        desk.refused(ANNA, Verb::Next, Kind::Nothing);
        desk.tamper("UPDATE engineer SET lanes = '[]'");
        let past = Verb::Negotiate {
            case,
            number: None,
            bargain: Bargain::Offer,
            time: Some("2026-03-02T07:00:00Z".into()),
            because: None,
            meanwhile: None,
            sign: None,
        };
        assert!(desk.by(ANNA, past).is_err(), "nobody is offered a time that is past");
        assert_eq!(next(desk, ANNA).row.case, case);
    });
}

#[test]
fn of_two_writers_at_once_only_one_gets_the_last_free_time() {
    on_both(|desk| {
        anna_by_day(desk);
        let cases = [asks(desk, "one"), asks(desk, "two")];
        let (store, rules, now) = (desk.store(), desk.rules(), desk.now());
        let anna = store.read(|tx| engineer::find(tx, ANNA)).expect("Anna");
        let anna = Principal::Engineer(Box::new(anna));
        // Both want to be done by noon: Anna has three hours until then, and each may take more than two.
        let results: Vec<bool> = std::thread::scope(|scope| {
            let offers: Vec<_> = cases
                .iter()
                .map(|&case| {
                    let (rules, anna) = (Arc::clone(&rules), anna.clone());
                    scope.spawn(move || {
                        let verb = Verb::Negotiate {
                            case,
                            number: None,
                            bargain: Bargain::Offer,
                            time: Some("2026-03-02T11:10:00Z".into()),
                            because: None,
                            meanwhile: None,
                            sign: None,
                        };
                        match perform(store, &rules, now, anna, verb) {
                            Ok(_) => true,
                            Err(Fault::Refused(refusal)) if refusal.kind == Kind::Dishonest => false,
                            Err(other) => panic!("{other}"),
                        }
                    })
                })
                .collect();
            offers.into_iter().map(|one| one.join().expect("a writer")).collect()
        });
        assert_eq!(results.iter().filter(|granted| **granted).count(), 1, "{results:?}");
    });
}

#[test]
fn a_granted_time_says_who_does_it_and_a_refused_one_why_not_earlier() {
    on_both(|desk| {
        anna_by_day(desk);
        let case = asks(desk, "one");
        for who in ["a", "b", "c"] {
            is_down(desk, who);
        }
        let offer = |time: &str| Verb::Negotiate {
            case,
            number: None,
            bargain: Bargain::Offer,
            time: Some(time.into()),
            because: Some("the test takes long".into()),
            meanwhile: None,
            sign: None,
        };
        let said = desk.refused(ANNA, offer("11:30"), Kind::Dishonest);
        assert!(
            said.contains("Can answer it: Anna Keller.") && said.contains("are promised, and this needs"),
            "{said}"
        );
        desk.act(ANNA, offer("2026-03-04 10:00"));
        let finding = desk.refused(ANNA, reply(case, "finding", Some("owe 9:30")), Kind::Dishonest);
        assert!(finding.contains("Earliest honest time"), "{finding}");
    });
}

#[test]
fn an_engineer_of_other_lanes_is_not_given_what_waits_in_the_line_of_somebody_else() {
    on_both(|desk| {
        desk.hire_with(NewEngineer {
            address: BEN.into(),
            name: "Ben Vogel".into(),
            zone: "Europe/Berlin".into(),
            hours: "mon-sun 00:00-24:00".into(),
            layer: 1,
            lanes: vec!["install".into()],
            role: Role::Engineer,
        });
        asks(desk, "one");
        desk.refused(BEN, Verb::Next, Kind::Nothing);
    });
}

fn estimate(case: i64, minutes: Option<i64>) -> Verb {
    Verb::Estimate { case, minutes }
}

/// Minutes that the plan keeps, by what the desk said.
fn kept_minutes(said: &str) -> i64 {
    let after = said.split("keeps ").nth(1).and_then(|rest| rest.split(' ').next());
    after.and_then(|minutes| minutes.parse().ok()).expect(said)
}

#[test]
fn an_estimate_is_reckoned_with_and_remembered_beside_what_it_took() {
    on_both(|desk| {
        let case = asks(desk, "one");
        let short = kept_minutes(&desk.act(ANNA, estimate(case, Some(10))));
        let long = kept_minutes(&desk.act(ANNA, estimate(case, Some(100))));
        assert!(long > 3 * short, "{}: {short} {long}", desk.on);
        let none = kept_minutes(&desk.act(ANNA, estimate(case, None)));
        assert!(short < none && none < long, "{}: {short} {none} {long}", desk.on);
        for beyond in [0, 481] {
            desk.refused(ANNA, estimate(case, Some(beyond)), Kind::Usage);
        }
        desk.act(ANNA, estimate(case, Some(30)));
        assert_eq!(next(desk, ANNA).row.case, case);
        desk.minutes(25);
        desk.answered(case, "close");
        let work = desk.rows("SELECT lines FROM work", &[]);
        // Nine of ten that take the default time are done within 105 minutes; of an estimate of 30, within 72.
        assert!(work[0].text(0).ends_with(":25/30/72"), "{}: {work:?}", desk.on);
        desk.refused(ANNA, estimate(case, Some(30)), Kind::Conflict);
    });
}
