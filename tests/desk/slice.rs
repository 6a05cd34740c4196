//! Slices: who works on what, now.

use super::kit::desk::{ANNA, TestDesk, on_both, time};
use super::kit::mail::mail;
use duly::desk::case::State;
use duly::desk::engineer::{NewEngineer, Role};
use duly::desk::verb::{Answer, SliceAnswer, Verb};
use duly::refusal::Kind;

const BEN: &str = "ben@acme.example";

pub fn next(desk: &TestDesk, who: &str) -> SliceAnswer {
    match desk.by(who, Verb::Next) {
        Ok(Answer::Slice(slice)) => *slice,
        other => panic!("{}: no slice but {other:?}", desk.on),
    }
}

/// Three cases; the second is urgent.
fn three_cases(desk: &mut TestDesk) -> [i64; 3] {
    [("one", ""), ("two", "urgent: "), ("three", "")].map(|(who, word)| {
        desk.minutes(1);
        let letter = mail(&format!("{who}@northwind.example"), "A question").body(&format!("{word}How does it work?"));
        desk.receive(&letter).case()
    })
}

#[test]
fn next_gives_the_earliest_due_and_shows_an_open_slice_again() {
    on_both(|desk| {
        let [first, urgent, _] = three_cases(desk);
        let slice = next(desk, ANNA);
        assert_eq!((slice.row.case, slice.again), (urgent, false));
        assert_eq!(desk.state(urgent), State::Running);
        desk.minutes(3);
        let again = next(desk, ANNA);
        assert_eq!(
            (again.row.case, again.again, again.began_at),
            (urgent, true, slice.began_at)
        );
        desk.answered(urgent, "close");
        assert_eq!(next(desk, ANNA).row.case, first, "a reply ends the slice");
    });
}

#[test]
fn two_engineers_never_get_the_same_case_and_a_third_hears_that_nothing_is_needed() {
    on_both(|desk| {
        desk.hire(BEN, "Ben Vogel", Role::Engineer);
        desk.hire("cleo@acme.example", "Cleo Sand", Role::Engineer);
        desk.hire("dan@acme.example", "Dan Holt", Role::Engineer);
        let cases = three_cases(desk);
        let mut given: Vec<i64> = [ANNA, BEN, "cleo@acme.example"]
            .map(|who| next(desk, who).row.case)
            .to_vec();
        given.sort_unstable();
        assert_eq!(given, cases);
        desk.refused("dan@acme.example", Verb::Next, Kind::Nothing);
        assert_eq!(Kind::Nothing.exit_code(), 7);
    });
}

#[test]
fn a_skip_needs_a_reason_which_the_next_one_reads() {
    on_both(|desk| {
        desk.hire(BEN, "Ben Vogel", Role::Engineer);
        let [_, urgent, _] = three_cases(desk);
        next(desk, ANNA);
        desk.refused(ANNA, Verb::Skip { reason: "  ".into() }, Kind::Usage);
        desk.act(
            ANNA,
            Verb::Skip {
                reason: "needs a storage person".into(),
            },
        );
        assert_eq!(desk.state(urgent), State::Ready);
        desk.refused(ANNA, Verb::Skip { reason: "again".into() }, Kind::Conflict);
        assert_ne!(
            next(desk, ANNA).row.case,
            urgent,
            "what she handed back is not pushed at her again"
        );
        let slice = next(desk, BEN);
        assert_eq!(slice.row.case, urgent);
        assert_eq!(slice.context.as_deref(), Some("needs a storage person"));
    });
}

#[test]
fn a_slice_ends_with_its_engineers_hours_and_says_so() {
    on_both(|desk| {
        desk.hire_with(NewEngineer {
            address: BEN.into(),
            name: "Ben Vogel".into(),
            zone: "Europe/Berlin".into(),
            hours: "mon-fri 09:00-15:00".into(),
            layer: 1,
            lanes: Vec::new(),
            role: Role::Engineer,
        });
        let case = desk.receive(&mail("one@northwind.example", "A question")).case();
        assert_eq!(next(desk, BEN).row.case, case);
        desk.at(time("2026-03-02T13:59:59Z"));
        assert_eq!(desk.state(case), State::Running);
        desk.at(time("2026-03-02T14:00:00Z"));
        assert_eq!(desk.state(case), State::Ready);
        let slice = next(desk, ANNA);
        assert!(slice.context.is_some_and(|note| note.contains("hours ended")));
    });
}

#[test]
fn a_wait_and_a_close_end_slices() {
    on_both(|desk| {
        let case = desk.receive(&mail("one@northwind.example", "A question")).case();
        next(desk, ANNA);
        let wait = Verb::Wait {
            case,
            party: "lab".into(),
            until: "mon 15:00".into(),
            because: Some("a machine is being set up".into()),
            tell: None,
            anyway: false,
        };
        desk.act(ANNA, wait);
        assert_eq!(desk.state(case), State::Blocked);
        desk.at(time("2026-03-02T14:00:00Z"));
        assert!(!next(desk, ANNA).again, "the slice before had ended");
    });
}

#[test]
fn engineers_get_only_cases_of_their_lanes() {
    on_both(|desk| {
        desk.hire_with(NewEngineer {
            address: BEN.into(),
            name: "Ben Vogel".into(),
            zone: "Europe/Berlin".into(),
            hours: "mon-sun 00:00-24:00".into(),
            layer: 2,
            lanes: vec!["install".into(), "upgrade".into()],
            role: Role::Engineer,
        });
        let case = desk.receive(&mail("one@northwind.example", "A question")).case();
        desk.refused(BEN, Verb::Next, Kind::Nothing);
        assert_eq!(next(desk, ANNA).row.case, case);
    });
}
