//! What holds for every desk (P1 to P18 of the schedule's specification), on random offices with real rules.

mod desk;

use desk::{Dice, accept, check_cut, faults, fill, first_seed, instances, office, request};
use plan::dispatch::Next;
use plan::request::{NoDate, NotEarlier, Offer, Request};
use plan::snapshot::{Engineer, Snapshot};
use plan::{Board, admit, plan};

/// An office with promises in it, and the dice that made it.
fn filled(seed: u64) -> (Snapshot, Dice) {
    let mut dice = Dice::new(seed);
    let engineers = dice.between(1, 6);
    let mut snapshot = office(&mut dice, engineers);
    let count = dice.between(0, 8 * engineers);
    fill(&mut dice, &mut snapshot, count);
    // Some are begun: their owner is who has them.
    for promise in &mut snapshot.promises {
        if dice.chance(25) {
            promise.owner = promise.seat;
        }
    }
    (snapshot, dice)
}

fn seeds(share_percent: u64) -> std::ops::Range<u64> {
    first_seed()..first_seed() + instances(share_percent)
}

fn offer(snapshot: &Snapshot, request: &Request) -> Option<Offer> {
    admit(snapshot, request).ok()
}

/// P1, P2, P3: capacity, sufficiency, nobody in two places. With engineers who fall ill on top.
#[test]
fn a_plan_can_always_be_worked() {
    let mut late = 0;
    for seed in seeds(8) {
        let (mut snapshot, mut dice) = filled(seed);
        if dice.chance(50) {
            let at = dice.between(0, snapshot.engineers.len() as i64 - 1) as usize;
            snapshot.engineers[at].absent_until = Some(snapshot.now + 60 * dice.between(1, 72));
        }
        let plan = plan(&snapshot);
        assert_eq!(faults(&snapshot, &plan), [], "seed {seed}");
        assert_eq!(
            plan.placements.len(),
            snapshot.promises.len(),
            "seed {seed}: each promise has an answer"
        );
        for cut in &plan.shortage {
            assert_eq!(
                check_cut(&snapshot, cut, None),
                Ok(cut.missing()),
                "seed {seed}: {cut:?}"
            );
        }
        late += plan
            .placements
            .iter()
            .filter(|placement| !placement.is_on_time())
            .count();
    }
    assert!(late > 0, "illness makes nobody late: the desks are too empty to tell");
}

/// P4, P16: an offer makes nobody late, is in time itself, has its guard and is not before the wish.
#[test]
fn an_offer_harms_nobody_and_keeps_its_guard() {
    let mut moved = 0;
    for seed in seeds(8) {
        let (snapshot, mut dice) = filled(seed);
        let request = request(&mut dice, &snapshot, 900);
        let before = plan(&snapshot);
        let Some(offer) = offer(&snapshot, &request) else {
            continue;
        };
        assert!(
            offer.promised >= request.want && offer.moved == (offer.promised > request.want),
            "seed {seed}"
        );
        let guard = snapshot.rules.guard_of(u8::from(offer.moved));
        assert!(offer.promised - offer.due >= guard, "seed {seed}: {offer:?}");
        assert!(offer.finish_guaranteed <= offer.due, "seed {seed}");
        let mut after = snapshot.clone();
        accept(&mut after, &request, &offer);
        let after = plan(&after);
        assert!(
            after.placement(900).is_some_and(|own| own.is_on_time()),
            "seed {seed}: the offer is not kept"
        );
        for placement in before.placements.iter().filter(|placement| placement.is_on_time()) {
            let still = after
                .placement(placement.promise)
                .is_some_and(|placement| placement.is_on_time());
            assert!(still, "seed {seed}: promise {} was in time before", placement.promise);
        }
        moved += usize::from(offer.moved);
    }
    assert!(
        moved > instances(8) as usize / 50,
        "hardly an offer is later than wanted: {moved}"
    );
}

/// P5, P6: gate by gate no date before the offer passes, and what passes at a date passes later.
#[test]
fn no_earlier_date_passes_and_every_later_one_does() {
    for seed in seeds(4) {
        let (snapshot, mut dice) = filled(seed);
        let request = request(&mut dice, &snapshot, 900);
        let Some(offer) = offer(&snapshot, &request) else {
            continue;
        };
        let board = Board::new(&snapshot);
        let minutes = snapshot.rules.planned(request.work.mean);
        let date = board.profiles().earliest(request.kind, minutes, request.want - 30);
        assert!(
            date.is_some_and(|date| date - 30 < offer.due),
            "seed {seed}: gate 1 refuses what gate 3 grants"
        );
        let fluid = board.fluid(request.kind, minutes, request.want - 30);
        assert!(
            fluid.date.is_some_and(|date| date - 30 < offer.due),
            "seed {seed}: gate 2 refuses what gate 3 grants"
        );
        for later in [1, 30, 600] {
            let want = offer.due + later;
            assert_eq!(
                board.profiles().earliest(request.kind, minutes, want),
                Some(want),
                "seed {seed}"
            );
            assert_eq!(board.fluid(request.kind, minutes, want).date, Some(want), "seed {seed}");
        }
        // Asked for at the date that was offered, it is granted.
        let again = Request {
            want: offer.due + snapshot.rules.guard(),
            ..request.clone()
        };
        let again = admit(&snapshot, &again).expect("the date was offered");
        assert!(
            !again.moved || again.due <= offer.due,
            "seed {seed}: {} and then {}",
            offer.due,
            again.due
        );
    }
}

/// P7, P8: one engineer more, or one promise less, never makes gates 1 and 2 later.
#[test]
fn more_people_or_less_work_make_no_date_later() {
    let (mut asked, mut later) = (0, 0);
    for seed in seeds(4) {
        let (snapshot, mut dice) = filled(seed);
        let request = request(&mut dice, &snapshot, 900);
        let mut more = snapshot.clone();
        let twin = Engineer {
            id: 77,
            running: None,
            ..snapshot.engineers[0].clone()
        };
        more.engineers.push(twin);
        let mut less = snapshot.clone();
        less.promises.pop();
        let minutes = snapshot.rules.planned(request.work.mean);
        let known = |date: Option<i64>| date.unwrap_or(i64::MAX);
        let gate1 = |desk: &Snapshot| {
            known(
                Board::new(desk)
                    .profiles()
                    .earliest(request.kind, minutes, request.want),
            )
        };
        let gate2 = |desk: &Snapshot| known(Board::new(desk).fluid(request.kind, minutes, request.want).date);
        let gate3 = |desk: &Snapshot| known(offer(desk, &request).map(|offer| offer.due));
        for easier in [&more, &less] {
            assert!(gate1(easier) <= gate1(&snapshot), "seed {seed}: gate 1");
            assert!(gate2(easier) <= gate2(&snapshot), "seed {seed}: gate 2");
            asked += 1;
            later += u64::from(gate3(easier) > gate3(&snapshot));
        }
    }
    // A list schedule is not monotone; the seats that are handed in make it nearly so.
    println!("{later} of {asked} offers later with more people or less work");
    assert!(later * 100 <= asked, "{later} of {asked}");
}

/// P9: the order of the lists does not matter, to the byte. P11, P17: planning again changes nothing, no owner either.
#[test]
fn the_same_desk_in_any_order_has_the_same_plan_and_a_second_look_changes_nothing() {
    for seed in seeds(5) {
        let (snapshot, mut dice) = filled(seed);
        let first = plan(&snapshot);
        let mut mixed = snapshot.clone();
        dice.shuffle(&mut mixed.engineers);
        dice.shuffle(&mut mixed.kinds);
        dice.shuffle(&mut mixed.promises);
        mixed.kinds.iter_mut().for_each(|kind| dice.shuffle(&mut kind.classes));
        mixed
            .engineers
            .iter_mut()
            .for_each(|engineer| dice.shuffle(&mut engineer.free));
        assert_eq!(format!("{first:?}"), format!("{:?}", plan(&mixed)), "seed {seed}");
        let wish = request(&mut dice, &snapshot, 900);
        assert_eq!(admit(&snapshot, &wish), admit(&mixed, &wish), "seed {seed}");
        let mut again = snapshot.clone();
        for (id, engineer) in first.seats() {
            let promise = again.promises.iter_mut().find(|promise| promise.id == id);
            promise.expect("a placement has its promise").seat = engineer;
        }
        let second = plan(&again);
        assert_eq!(
            (&first.timetable, &first.placements),
            (&second.timetable, &second.placements),
            "seed {seed}"
        );
    }
}

/// P10: all times later by a constant, the answers later by the same.
#[test]
fn all_times_shifted_shift_the_answer() {
    for seed in seeds(4) {
        let (snapshot, mut dice) = filled(seed);
        let wish = request(&mut dice, &snapshot, 900);
        let by = dice.between(-1_000_000, 1_000_000);
        let mut shifted = snapshot.clone();
        shifted.now += by;
        for engineer in &mut shifted.engineers {
            engineer
                .free
                .iter_mut()
                .for_each(|one| (one.from, one.to) = (one.from + by, one.to + by));
            engineer.absent_until = engineer.absent_until.map(|time| time + by);
        }
        for promise in &mut shifted.promises {
            promise.due += by;
            promise.not_before = promise.not_before.map(|time| time + by);
        }
        let later = Request {
            want: wish.want + by,
            not_before: wish.not_before.map(|time| time + by),
            ..wish.clone()
        };
        let (here, there) = (offer(&snapshot, &wish), offer(&shifted, &later));
        let times = |offer: &Offer| {
            (
                offer.promised,
                offer.due,
                offer.starts,
                offer.engineer,
                offer.seats.clone(),
            )
        };
        let moved = here
            .as_ref()
            .map(times)
            .map(|(promised, due, starts, who, seats)| (promised + by, due + by, starts + by, who, seats));
        assert_eq!(moved, there.as_ref().map(times), "seed {seed}");
    }
}

/// P12: every cut that explains a later date is closed and short, by the independent checker.
#[test]
fn every_reason_is_a_valid_certificate() {
    let (mut cuts, mut reasons) = (0, [0; 3]);
    for seed in seeds(6) {
        let mut dice = Dice::new(seed);
        let mut snapshot = desk::small(&mut dice, desk::Skills::Any);
        let kinds = snapshot.kinds.len() as i64;
        let kind = dice.between(1, kinds);
        // Another desk that is full: some promises that were made before somebody fell ill.
        for id in 10..dice.between(10, 22) {
            snapshot.promises.push(desk::exact_promise(
                id,
                dice.between(1, kinds),
                30 * dice.between(2, 8),
                15,
            ));
        }
        let request = desk::exact_request(&snapshot, kind, dice.between(10, 120), 15 * dice.between(1, 4));
        let cut = match admit(&snapshot, &request) {
            Ok(offer) => match offer.why_not_earlier {
                Some(NotEarlier::Cut(cut)) => cut,
                Some(NotEarlier::Work { .. }) => {
                    reasons[1] += 1;
                    continue;
                }
                Some(NotEarlier::Timetable { .. }) => {
                    reasons[2] += 1;
                    continue;
                }
                None => continue,
            },
            Err(NoDate::Full { cut: Some(cut), .. }) => *cut,
            Err(_) => continue,
        };
        reasons[0] += 1;
        assert_eq!(
            check_cut(&snapshot, &cut, Some(&request)),
            Ok(cut.missing()),
            "seed {seed}: {cut:?}"
        );
        cuts += 1;
    }
    println!(
        "reasons: {} cuts, {} for the work's own length, {} for the timetable",
        reasons[0], reasons[1], reasons[2]
    );
    assert!(cuts > 0, "no date is ever later for want of people");
}

/// P14: whoever works as the dispatcher says, with work as long as planned, keeps every promise that was certified.
#[test]
fn executing_the_plan_with_work_as_planned_keeps_every_promise() {
    let mut kept = 0;
    for seed in seeds(2) {
        let (mut snapshot, _) = filled(seed);
        let certified: Vec<(i64, i64)> = plan(&snapshot)
            .placements
            .iter()
            .filter(|placement| placement.is_on_time())
            .map(|placement| {
                (
                    placement.promise,
                    snapshot
                        .promises
                        .iter()
                        .find(|one| one.id == placement.promise)
                        .unwrap()
                        .due,
                )
            })
            .collect();
        let done = work_through(&mut snapshot);
        for &(id, due) in &certified {
            let end = done.iter().find(|&&(one, _)| one == id).map(|&(_, end)| end);
            let guard = snapshot.rules.guard();
            assert!(
                end.is_some_and(|end| end <= due + guard),
                "seed {seed}: promise {id} due {due} done {end:?}"
            );
            kept += 1;
        }
    }
    assert!(kept > instances(2), "too few promises were certified to tell");
}

/// Works minute by minute in steps of the quantum until nothing is left; when each promise was done.
fn work_through(snapshot: &mut Snapshot) -> Vec<(i64, i64)> {
    let mut left: Vec<(i64, i64)> = snapshot
        .promises
        .iter()
        .map(|one| (one.id, snapshot.rules.planned(one.work.mean)))
        .collect();
    let (mut done, end) = (Vec::new(), snapshot.now + snapshot.rules.horizon);
    let mut slice_ends = vec![snapshot.now; snapshot.engineers.len()];
    while snapshot.now < end && !snapshot.promises.is_empty() {
        for (at, slice_end) in slice_ends.iter_mut().enumerate() {
            if snapshot.now >= *slice_end || snapshot.engineers[at].running.is_none() {
                let in_hand: Vec<i64> = (0..snapshot.engineers.len())
                    .filter(|&other| other != at)
                    .filter_map(|other| snapshot.engineers[other].running)
                    .collect();
                let next = Board::new(snapshot).next(snapshot.engineers[at].id, &in_hand);
                snapshot.engineers[at].running = match next {
                    Next::GoOn { promise, .. } | Next::Take { promise, .. } | Next::Help { promise, .. } => {
                        Some(promise)
                    }
                    Next::Rest { .. } => None,
                };
                *slice_end = snapshot.now + snapshot.rules.quantum;
            }
        }
        for at in 0..snapshot.engineers.len() {
            let engineer = &snapshot.engineers[at];
            let is_here = engineer
                .free
                .iter()
                .any(|one| one.from <= snapshot.now && snapshot.now < one.to)
                && engineer.absent_until.is_none_or(|until| until <= snapshot.now);
            let (Some(id), true) = (engineer.running, is_here) else {
                continue;
            };
            let owner = engineer.id;
            let Some(promise) = snapshot.promises.iter_mut().find(|one| one.id == id) else {
                continue;
            };
            promise.owner = Some(owner);
            let one = left.iter_mut().find(|one| one.0 == id).expect("work of a promise");
            one.1 -= 1;
            promise.work.mean = (one.1 * 100 / (100 + snapshot.rules.overhead_percent)).max(1);
            promise.work.worst = promise.work.worst.max(promise.work.mean + 1) - 1;
            if one.1 == 0 {
                done.push((id, snapshot.now + 1));
                snapshot.promises.retain(|one| one.id != id);
                snapshot.engineers[at].running = None;
            }
        }
        snapshot.now += 1;
    }
    done
}

/// P15: an offer that is reserved and then taken is an offer that is taken.
#[test]
fn a_reservation_holds_the_date_that_it_was_made_for() {
    for seed in seeds(3) {
        let (snapshot, mut dice) = filled(seed);
        let (first, second) = (request(&mut dice, &snapshot, 900), request(&mut dice, &snapshot, 901));
        let Some(offered) = offer(&snapshot, &first) else {
            continue;
        };
        let mut taken = snapshot.clone();
        accept(&mut taken, &first, &offered);
        let mut reserved = taken.clone();
        reserved.promises.last_mut().unwrap().tentative = true;
        let at = |desk: &Snapshot| offer(desk, &second).map(|offer| (offer.due, offer.engineer, offer.witness));
        assert_eq!(
            at(&reserved),
            at(&taken),
            "seed {seed}: a reservation counts like a promise"
        );
        assert_ne!(
            plan(&reserved).fingerprint,
            plan(&snapshot).fingerprint,
            "seed {seed}: a commit would not notice"
        );
        // Asked again while it is reserved, the same promise gets the same date, or an earlier one: the seats are there now.
        let again = offer(&reserved, &first).map(|offer| offer.due);
        assert!(
            again.is_some_and(|due| due <= offered.due),
            "seed {seed}: {again:?}, and before {}",
            offered.due
        );
    }
}
