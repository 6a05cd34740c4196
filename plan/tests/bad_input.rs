//! Impossible desks: each has a defined answer, none a crash or a loop.

mod desk;

use desk::{Dice, exact_promise, exact_request, faults, first_seed, instances, office, request};
use plan::interval::Interval;
use plan::request::NoDate;
use plan::slack::Profiles;
use plan::snapshot::{Allowance, Rules, Snapshot};
use plan::{Board, admit, plan};

fn nobody() -> Snapshot {
    Snapshot {
        now: 0,
        rules: Rules::default(),
        engineers: Vec::new(),
        kinds: Vec::new(),
        promises: Vec::new(),
    }
}

#[test]
fn a_desk_without_engineers_or_kinds_has_no_date_and_a_plan() {
    let mut desk = nobody();
    let wish = exact_request(&desk, 1, 100, 30);
    assert_eq!(admit(&desk, &wish), Err(NoDate::Nobody { kind: 1 }));
    desk.promises.push(exact_promise(1, 1, 100, 30));
    let plan = plan(&desk);
    assert_eq!(
        (plan.placements[0].engineer, plan.placements[0].is_on_time()),
        (None, false)
    );
    assert_eq!((plan.at_risk.len(), plan.timetable.rows.len()), (1, 0));
    assert_eq!(
        Board::new(&desk).next(1, &[]),
        plan::dispatch::Next::Rest { until: None }
    );
}

#[test]
fn a_lane_that_nobody_serves_an_engineer_of_no_lane_and_one_who_never_works() {
    let mut dice = Dice::new(1);
    let mut desk = office(&mut dice, 3);
    desk.kinds.push(plan::snapshot::Kind {
        id: 50,
        classes: vec![77],
    });
    desk.kinds.push(plan::snapshot::Kind {
        id: 51,
        classes: Vec::new(),
    });
    desk.engineers[0].class = 1234;
    desk.engineers[1].free.clear();
    for kind in [50, 51, 52] {
        assert_eq!(
            admit(&desk, &exact_request(&desk, kind, 900, 30)),
            Err(NoDate::Nobody { kind })
        );
        desk.promises.push(exact_promise(kind, kind, 900, 30));
    }
    let plan = plan(&desk);
    assert_eq!(faults(&desk, &plan), []);
    assert!(plan.placements.iter().all(|placement| placement.engineer.is_none()));
    desk.engineers.iter_mut().for_each(|engineer| engineer.free.clear());
    let kind = desk
        .kinds
        .iter()
        .find(|kind| desk.engineers.iter().any(|one| kind.classes.contains(&one.class)))
        .map(|kind| kind.id);
    let kind = kind.expect("somebody serves some lane");
    assert!(matches!(
        admit(&desk, &exact_request(&desk, kind, 900, 30)),
        Err(NoDate::TooLong { most: 0, .. })
    ));
}

#[test]
fn the_past_the_far_future_and_absurd_rules_are_answered() {
    let mut dice = Dice::new(2);
    let base = office(&mut dice, 2);
    for (now, due) in [
        (i64::MIN, i64::MAX),
        (i64::MAX, i64::MIN),
        (0, i64::MIN),
        (0, i64::MAX),
        (1_000_000, 5),
    ] {
        let mut desk = base.clone();
        desk.now = now;
        desk.promises.push(exact_promise(1, 1, due, i64::MAX));
        desk.promises.push(exact_promise(2, 1, due, i64::MIN));
        desk.promises[1].not_before = Some(due);
        let _ = plan(&desk);
        let _ = Profiles::new(&desk).earliest(1, i64::MAX / 4, due);
        let mut wish = exact_request(&desk, 1, 500, 30);
        wish.want = due;
        let _ = admit(&desk, &wish);
    }
    let absurd = [i64::MIN, -1, 0, 1, i64::MAX];
    for value in absurd {
        let mut desk = base.clone();
        desk.rules = Rules {
            horizon: value.min(100_000),
            bucket: value,
            quantum: value,
            stretch: value,
            z_percent: value,
            low_reserve_percent: value,
            overhead_percent: value,
            handover: value,
            reservation: value,
        };
        desk.promises.push(exact_promise(1, 1, 900, 30));
        assert_eq!(plan(&desk).placements.len(), 1);
        let mut wish = exact_request(&base, 1, 900, 30);
        wish.severity = 4;
        let _ = admit(&desk, &wish);
    }
}

#[test]
fn two_entries_of_one_number_count_once_whichever_comes_first() {
    let mut dice = Dice::new(3);
    let mut desk = office(&mut dice, 2);
    desk.promises = vec![exact_promise(1, 1, 900, 30), exact_promise(1, 1, 1200, 50)];
    let twin = desk.engineers[0].clone();
    desk.engineers.push(twin);
    let first = plan(&desk);
    assert_eq!(first.placements.len(), 1);
    desk.promises.reverse();
    assert_eq!(plan(&desk).placements, first.placements);
}

#[test]
fn wild_calendars_make_plans_that_can_be_worked() {
    for seed in first_seed()..first_seed() + instances(3) {
        let mut dice = Dice::new(seed);
        let engineers = dice.between(1, 4);
        let mut desk = office(&mut dice, engineers);
        for engineer in &mut desk.engineers {
            // Hours that jump by a clock change, overlap, are empty or turned round; leave of everybody; walls.
            let clock_change = dice.between(0, 8) * 24 * 60;
            for one in &mut engineer.free {
                match dice.between(0, 5) {
                    0 if one.from > clock_change => *one = Interval::new(one.from - 60, one.to - 60),
                    1 => one.to = one.from,
                    2 => *one = Interval::new(one.to, one.from),
                    3 => one.to += 3 * 60,
                    _ => {}
                }
            }
            if dice.chance(20) {
                engineer.absent_until = Some(i64::MAX / 8);
            }
            for day in 0..dice.between(0, 12) {
                let within = Interval::new(day * 24 * 60, (day + 1) * 24 * 60);
                let minutes = dice.between(-30, 120);
                engineer.allowances.push(Allowance { within, minutes });
            }
        }
        for id in 1..=12 {
            let wish = request(&mut dice, &desk, id);
            if let Ok(offer) = admit(&desk, &wish) {
                desk::accept(&mut desk, &wish, &offer);
            }
        }
        let plan = plan(&desk);
        assert_eq!(faults(&desk, &plan), [], "seed {seed}");
        assert!(
            plan.placements.iter().all(|placement| placement.is_on_time()),
            "seed {seed}: an accepted offer is late"
        );
    }
}
