//! The machine's clock jumps: nothing is un-broken, skipped or doubled, and the ledger's times never run backwards.

use super::NORA;
use super::kit::desk::{TestDesk, on_both, time};
use super::kit::mail::mail;
use duly::limits;
use duly::store::Value;
use jiff::SignedDuration;

fn hours(count: i64) -> SignedDuration {
    SignedDuration::from_hours(count)
}

/// The states of a case's promises, oldest first.
fn states(desk: &TestDesk, case: i64) -> Vec<String> {
    let rows = desk.rows(
        "SELECT state FROM promise WHERE case_id = $1 ORDER BY id",
        &[Value::from(case)],
    );
    rows.iter().map(|row| row.text(0).to_owned()).collect()
}

/// Entries that are older than the one before them.
fn backward(desk: &TestDesk) -> i64 {
    desk.number(
        "SELECT COUNT(*) FROM event a JOIN event b ON b.seq = a.seq + 1 WHERE b.at < a.at",
        &[],
    )
}

#[test]
fn a_clock_that_is_set_back_un_breaks_nothing_and_breaks_nothing_twice() {
    on_both(|desk| {
        let case = desk.receive(&mail(NORA, "The daemon stops")).case();
        let due = desk.rows("SELECT due FROM promise", &[])[0].instant(0);
        desk.at(due);
        assert_eq!(states(desk, case), ["broken", "open"]);
        desk.clock.set(due - hours(3));
        desk.quiet();
        assert_eq!(states(desk, case), ["broken", "open"]);
        let second = desk.receive(&mail(NORA, "Another thing")).case();
        let made = desk.rows("SELECT made_at FROM promise WHERE case_id = $1", &[Value::from(second)])[0].instant(0);
        assert!(made >= due, "{}: received at {made}, after {due} was said", desk.on);
        desk.clock.set(due);
        desk.quiet();
        assert_eq!(states(desk, case), ["broken", "open"]);
        assert_eq!(backward(desk), 0);
    });
}

#[test]
fn a_clock_that_leaps_ahead_breaks_each_promise_once_with_its_own_instant() {
    on_both(|desk| {
        let cases: Vec<i64> = (0..5)
            .map(|count| {
                desk.minutes(7);
                desk.receive(&mail(NORA, &format!("Question {count}"))).case()
            })
            .collect();
        desk.clock.set(desk.now() + hours(24 * 40));
        desk.quiet();
        for case in cases {
            assert_eq!(states(desk, case), ["broken", "open"]);
        }
        let wrong = "SELECT COUNT(*) FROM promise WHERE state = 'broken' AND settled_at <> due";
        assert_eq!(desk.number(wrong, &[]), 0);
        let early = "SELECT COUNT(*) FROM promise WHERE state = 'open' AND due <= $1";
        assert_eq!(desk.number(early, &[desk.now().into()]), 0);
        assert_eq!(backward(desk), 0);
    });
}

#[test]
fn hundreds_of_promises_that_break_at_once_get_times_one_behind_the_other() {
    on_both(|desk| {
        let many = limits::ALARMS_AT_ONCE;
        for count in 0..many {
            let from = format!("nora{count}@customer{count}.example");
            desk.receive(&mail(&from, &format!("Question {count}")));
        }
        // As the agreement says of all of them, whatever admission made of it.
        let due = desk.now() + hours(72);
        let moved = desk.store().write(move |tx| {
            tx.execute("UPDATE promise SET due = $1", &[Value::from(due)])?;
            tx.execute("UPDATE cases SET reply_by = $1", &[Value::from(due)])
        });
        assert!(moved.is_ok(), "{}", desk.on);
        desk.at(due);
        assert_eq!(
            desk.number(
                "SELECT COUNT(*) FROM promise WHERE state = 'broken' AND settled_at = due",
                &[]
            ),
            many
        );
        let new = desk.rows("SELECT due FROM promise WHERE state = 'open' ORDER BY due", &[]);
        assert_eq!(new.len() as i64, many, "{}", desk.on);
        let (first, last) = (new[0].instant(0), new[new.len() - 1].instant(0));
        // One person has them one behind the other, each with what work of its severity takes on average.
        let work = (many - 1) * limits::WORK_MINUTES[2] - limits::ADMITTED_STEP_MINUTES;
        assert!(
            first > due && last.duration_since(first) >= SignedDuration::from_mins(work),
            "{}: {first} to {last}",
            desk.on
        );
        assert_eq!(backward(desk), 0);
    });
}

#[test]
fn a_clock_that_goes_to_and_fro_keeps_one_order_of_things() {
    on_both(|desk| {
        let start = desk.now();
        let jumps = [5, -3, 40, 2, 100, 30, 99, 101, 400, 10, 399];
        for (count, jump) in jumps.into_iter().enumerate() {
            desk.clock.set(start + hours(jump));
            desk.quiet();
            desk.receive(&mail(NORA, &format!("Question {count}")));
        }
        assert_eq!(backward(desk), 0);
        let twice = "SELECT COUNT(*) FROM (SELECT promise FROM event WHERE kind = 'promise.broken' GROUP BY promise
            HAVING COUNT(*) > 1) AS doubled";
        assert_eq!(desk.number(twice, &[]), 0);
        assert_eq!(desk.number("SELECT COUNT(*) FROM message WHERE way = 'in'", &[]), 11);
    });
}

#[test]
fn a_desk_whose_clock_is_behind_its_ledger_is_not_started_unless_it_is_told_why() {
    on_both(|desk| {
        desk.receive(&mail(NORA, "The daemon stops"));
        desk.at(time("2026-03-05T12:00:00Z"));
        let before = desk.now();
        let newest = desk.rows("SELECT MAX(at) FROM event", &[])[0].instant(0);
        desk.stop();
        desk.jump(newest - hours(2));
        let said = desk.refuses_to_start();
        assert!(
            said.contains("clock") && said.contains("clock_was_ahead"),
            "{}: {said}",
            desk.on
        );
        desk.set("ledger", "clock_was_ahead", "true");
        desk.start();
        assert_eq!(desk.now(), newest, "{}: time stands still", desk.on);
        desk.receive(&mail(NORA, "And now"));
        assert_eq!(backward(desk), 0);
        desk.at(before);
    });
}
