//! Days of a desk through SMTP and the verbs under the clock of the test: mail comes in at 85 % of what the hours hold,
//! everybody does what `next` says, and no promise is broken.

use super::kit::desk::{TestDesk, on_both, time};
use super::kit::mail::mail;
use duly::desk::engineer::{NewEngineer, Role};
use duly::desk::verb::{Answer, Verb};
use duly::refusal::{Fault, Kind};
use std::collections::BTreeMap;

/// Minutes that answers take, words included: the sample that a desk without a past expects, below the bound.
const WORK: [i64; 20] = [
    3, 5, 7, 8, 10, 12, 14, 15, 18, 20, 22, 25, 30, 35, 40, 45, 60, 75, 95, 110,
];
/// Minutes between two looks at the floor.
const STEP: i64 = 5;

/// Who works on which case, and when that slice was last decided.
#[derive(Default)]
struct Floor {
    in_hand: BTreeMap<usize, (i64, i64)>,
    left: BTreeMap<i64, i64>,
}

impl Floor {
    /// One engineer's five minutes.
    fn work(&mut self, desk: &mut TestDesk, who: usize, minute: i64) {
        let address = address(who);
        if let Some((case, decided)) = self.in_hand.get(&who).copied() {
            let left = self.left.get_mut(&case).expect("work of a case");
            *left -= STEP;
            if *left <= 0 {
                let reply = Verb::Reply {
                    case,
                    text: "Rebuild the index; that takes an hour.".into(),
                    kind: "answer".into(),
                    then: Some("close".into()),
                    answers: Vec::new(),
                    force_stale: false,
                    files: Vec::new(),
                };
                desk.act(&address, reply);
                self.in_hand.remove(&who);
            } else if minute - decided < 20 {
                return;
            }
        }
        match desk.by(&address, Verb::Next) {
            Ok(Answer::Slice(slice)) => {
                self.in_hand.insert(who, (slice.row.case, minute));
            }
            Err(Fault::Refused(refusal)) if refusal.kind == Kind::Nothing => {
                self.in_hand.remove(&who);
            }
            other => panic!("{who}: {other:?}"),
        }
    }
}

fn address(who: usize) -> String {
    format!("cpu{who}@acme.example")
}

/// So many people live so many days, and a last one without new mail; nobody else is on the desk.
fn live(desk: &mut TestDesk, people: usize, days: i64) {
    desk.tamper("UPDATE engineer SET left_at = 1");
    for who in 0..people {
        desk.hire_with(NewEngineer {
            address: address(who),
            name: format!("Engineer {who}"),
            zone: "Europe/Berlin".into(),
            hours: "mon-fri 09:00-17:00".into(),
            layer: 1,
            lanes: Vec::new(),
            role: Role::Engineer,
        });
    }
    let mut floor = Floor::default();
    let (mut mails, mut brought) = (0, 0);
    for day in 0..=days {
        // Saturday and Sunday are nobody's.
        let date = day + 2 * (day / 5);
        let morning = time("2026-03-02T08:00:00Z") + jiff::SignedDuration::from_hours(24 * date);
        if desk.now() < morning {
            desk.at(morning);
        }
        floor.in_hand.clear();
        for minute in (0..480).step_by(STEP as usize) {
            while day < days && brought < (day * 480 + minute) * people as i64 * 85 / 100 {
                let minutes = WORK[(mails * 7 + mails / 20 * 3) % WORK.len()];
                let words = if mails % 20 == 13 {
                    "urgent: all is down."
                } else {
                    "How does it work?"
                };
                let letter = mail(&format!("c{mails}@northwind{mails}.example"), "A question").body(words);
                let case = desk.receive(&letter).case();
                floor.left.insert(case, minutes);
                (mails, brought) = (mails + 1, brought + minutes);
            }
            for who in 0..people {
                floor.work(desk, who, minute);
            }
            desk.minutes(STEP);
        }
    }
    let count = |state: &str| desk.number("SELECT COUNT(*) FROM promise WHERE state = $1", &[state.into()]);
    let told = (count("kept"), count("open"), count("broken"), count("moved"));
    assert_eq!(told, (mails as i64, 0, 0, 0), "{}: of {mails} mails", desk.on);
    let kept = desk.number("SELECT COUNT(*) FROM event WHERE kind = 'promise.kept'", &[]);
    assert_eq!(kept, mails as i64, "the ledger says the same");
    println!(
        "{}: {people} people, {days} days, {mails} mails, every promise kept",
        desk.on
    );
}

#[test]
fn a_desk_of_four_lives_two_full_days_and_breaks_no_promise() {
    on_both(|desk| live(desk, 4, 2));
}

/// Some minutes: for a soak, with `--run-ignored all`.
#[test]
#[ignore = "takes minutes"]
fn a_desk_of_sixteen_lives_a_full_week_and_breaks_no_promise() {
    on_both(|desk| live(desk, 16, 5));
}
