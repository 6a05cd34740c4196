//! The ledger proves itself.

use super::NORA;
use super::kit::desk::{TestDesk, on_both, spoiled};
use super::kit::mail::mail;
use duly::desk::verb::{Answer, Verb};
use duly::refusal::Kind;

fn a_day(desk: &mut TestDesk) {
    let case = desk.receive(&mail(NORA, "The daemon stops")).case();
    desk.answered(case, "close");
}

/// What `ledger --verify` says of a ledger that is not whole.
fn complaint(desk: &TestDesk) -> String {
    match desk.owner(Verb::Verify { against: Vec::new() }) {
        Ok(answer) => panic!("{}: the ledger counts as whole: {answer:?}", desk.on),
        Err(fault) => {
            assert_eq!(fault.refusal().kind, Kind::Failed);
            fault.refusal().text
        }
    }
}

#[test]
fn a_whole_ledger_says_how_many_entries_it_has() {
    on_both(|desk| {
        a_day(desk);
        let Ok(Answer::Done(done)) = desk.owner(Verb::Verify { against: Vec::new() }) else {
            panic!("not whole")
        };
        let entries = desk.number("SELECT COUNT(*) FROM event", &[]);
        assert!(done.said.contains(&format!("{entries} entries")), "{}", done.said);
    });
}

#[test]
fn a_changed_entry_is_found() {
    spoiled(|desk| {
        a_day(desk);
        desk.tamper("UPDATE event SET at = at - 1 WHERE seq = 5");
        assert!(complaint(desk).contains("entry 5"), "{}", complaint(desk));
    });
}

#[test]
fn a_removed_entry_is_found() {
    spoiled(|desk| {
        a_day(desk);
        desk.tamper("DELETE FROM event WHERE seq = 4");
        assert!(complaint(desk).contains("entry 4"), "{}", complaint(desk));
    });
}

#[test]
fn a_removed_end_is_found() {
    spoiled(|desk| {
        a_day(desk);
        desk.tamper("DELETE FROM event WHERE seq > 6");
        assert!(complaint(desk).contains("end was removed"), "{}", complaint(desk));
    });
}

#[test]
fn the_book_of_promises_agrees_with_the_cases() {
    on_both(|desk| {
        a_day(desk);
        desk.receive(&mail(NORA, "And another"));
        let Ok(Answer::Promises(rows)) = desk.owner(Verb::Ledger { case: None, after: 0 }) else {
            panic!("no ledger");
        };
        let states: Vec<_> = rows.iter().map(|row| (row.case, row.state.as_str())).collect();
        assert_eq!(states, [(1, "kept"), (2, "open")]);
        assert_eq!(rows[0].by.as_deref(), Some("Anna Keller"));
    });
}
