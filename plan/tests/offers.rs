//! Offers against brute force: every seat of everybody tried, for at most four engineers and six promises.

mod desk;

use desk::{Dice, Skills, accept, exact_request, faults, first_seed, instances, small};
use plan::interval::Interval;
use plan::request::Request;
use plan::shift::Shift;
use plan::snapshot::Snapshot;
use plan::{Board, admit};

/// The earliest due for the request over all ways to seat everybody, each promise with one engineer, earliest due first;
/// none within the horizon. `None` outside: the promises alone cannot all be in time.
struct Brute<'a> {
    snapshot: &'a Snapshot,
    shifts: Vec<Shift>,
    jobs: Vec<(i64, i64, Vec<usize>)>,
    asked: (i64, i64, Vec<usize>),
    best: Option<i64>,
    is_possible: bool,
}

fn able(snapshot: &Snapshot, kind: i64) -> Vec<usize> {
    let kind = snapshot.kinds.iter().find(|one| one.id == kind);
    let can = |class: i64| kind.is_some_and(|kind| kind.classes.contains(&class));
    (0..snapshot.engineers.len())
        .filter(|&at| can(snapshot.engineers[at].class))
        .collect()
}

impl Brute<'_> {
    fn new<'a>(snapshot: &'a Snapshot, request: &Request) -> Brute<'a> {
        let end = snapshot.now + snapshot.rules.horizon;
        let mut promises: Vec<_> = snapshot.promises.iter().collect();
        promises.sort_by_key(|one| (one.due, one.id));
        Brute {
            snapshot,
            shifts: snapshot
                .engineers
                .iter()
                .map(|one| Shift::new(&one.free, Interval::new(snapshot.now, end)))
                .collect(),
            jobs: promises
                .iter()
                .map(|one| (one.due, one.work.worst, able(snapshot, one.kind)))
                .collect(),
            asked: (
                request.want - snapshot.rules.guard(),
                request.work.worst,
                able(snapshot, request.kind),
            ),
            best: None,
            is_possible: false,
        }
    }

    /// Seats the jobs from `next` on; `lists` holds (due, minutes) of each engineer.
    fn seat(&mut self, next: usize, lists: &mut Vec<Vec<(i64, i64)>>) {
        if next == self.jobs.len() {
            self.is_possible = true;
            self.insert(lists);
            return;
        }
        let (due, minutes, able) = self.jobs[next].clone();
        for person in able {
            let load: i64 = lists[person].iter().map(|&(_, minutes)| minutes).sum();
            if self.shifts[person].reached(load + minutes) <= due {
                lists[person].push((due, minutes));
                self.seat(next + 1, lists);
                lists[person].pop();
            }
        }
    }

    /// The earliest due at which the request fits into one of the lists: each end of bucket and each finish is a candidate.
    fn insert(&mut self, lists: &[Vec<(i64, i64)>]) {
        let (want, minutes, ref able) = self.asked;
        for &person in able {
            let (shift, list) = (&self.shifts[person], &lists[person]);
            for position in 0..=list.len() {
                let before: i64 = list[..position].iter().map(|&(_, minutes)| minutes).sum();
                let finish = shift.reached(before + minutes);
                if finish == plan::shift::NEVER {
                    break;
                }
                // Its own due only orders it; what is behind must still be in time.
                let mut load = before + minutes;
                let fits = list[position..].iter().all(|&(due, minutes)| {
                    load += minutes;
                    shift.reached(load) <= due
                });
                let after = position.checked_sub(1).map_or(i64::MIN, |at| list[at].0);
                let due = finish.max(want).max(after);
                let until = self.snapshot.now + self.snapshot.rules.horizon;
                if fits && due <= until && self.best.is_none_or(|best| due < best) {
                    self.best = Some(due);
                }
            }
        }
    }
}

#[test]
fn an_offer_is_never_earlier_than_the_optimum_and_in_three_of_a_hundred_later_at_most() {
    let (mut looked, mut later, mut fluid_later, mut missing) = (0, 0, 0, 0);
    for seed in first_seed()..first_seed() + instances(30) {
        let mut dice = Dice::new(seed);
        let snapshot = small(&mut dice, Skills::Any);
        let kind = dice.between(1, snapshot.kinds.len() as i64);
        let request = exact_request(&snapshot, kind, dice.between(20, 240), 15 * dice.between(1, 5));
        let mut brute = Brute::new(&snapshot, &request);
        // The request alone must have half a quantum to spare: that is a rule of its own, not of the timetable.
        brute.asked.0 = brute.asked.0.max(alone(&brute, &request));
        brute.seat(0, &mut vec![Vec::new(); snapshot.engineers.len()]);
        let offer = admit(&snapshot, &request);
        if !brute.is_possible {
            continue;
        }
        let plan = plan::plan(&snapshot);
        if plan.placements.iter().any(|placement| !placement.is_on_time()) {
            missing += 1;
            continue; // what it thinks late it need not keep
        }
        looked += 1;
        match (&offer, brute.best) {
            (Ok(offer), Some(best)) => {
                assert!(
                    offer.due >= best,
                    "seed {seed}: offered {} where {best} is the optimum",
                    offer.due
                );
                later += u64::from(offer.due > best);
                let fluid = Board::new(&snapshot)
                    .fluid(kind, request.work.mean, request.want - 2)
                    .date;
                let is_later = fluid.is_some_and(|date| offer.due > date.max(alone(&brute, &request)));
                fluid_later += u64::from(is_later);
            }
            (Ok(offer), None) => panic!("seed {seed}: offered {} where nothing is possible", offer.due),
            (Err(_), Some(_)) => later += 1,
            (Err(_), None) => {}
        }
    }
    println!(
        "{looked} requests: {later} later than the optimum of whole promises, {fluid_later} later than the fluid one; \
         {missing} desks with a late promise where none need be"
    );
    assert!(looked > instances(10), "too few desks can keep their promises");
    assert!(later * 100 <= looked * 3, "{later} of {looked} later than the optimum");
    assert!(
        missing * 100 <= looked * 3,
        "{missing} of {looked} timetables late without need"
    );
}

/// When somebody with nothing else to do would be done, half a quantum besides.
fn alone(brute: &Brute<'_>, request: &Request) -> i64 {
    let half = brute.snapshot.rules.quantum / 2;
    let ends = brute
        .asked
        .2
        .iter()
        .map(|&person| brute.shifts[person].reached(request.work.worst + half));
    ends.min().unwrap_or(i64::MAX)
}

#[test]
fn every_witness_of_an_offer_can_be_worked_and_nobody_in_it_is_late() {
    let mut offers = 0;
    for seed in first_seed()..first_seed() + instances(10) {
        let mut dice = Dice::new(seed);
        let mut snapshot = small(&mut dice, Skills::Any);
        for id in 100..103 {
            let kind = dice.between(1, snapshot.kinds.len() as i64);
            let mut request = exact_request(&snapshot, kind, dice.between(1, 240), 15 * dice.between(1, 5));
            request.id = id;
            let before = plan::plan(&snapshot);
            assert_eq!(faults(&snapshot, &before), [], "seed {seed}");
            let Ok(offer) = admit(&snapshot, &request) else {
                continue;
            };
            offers += 1;
            accept(&mut snapshot, &request, &offer);
            let after = plan::plan(&snapshot);
            assert_eq!(faults(&snapshot, &after), [], "seed {seed}");
            assert!(
                after.placement(id).is_some_and(|placement| placement.is_on_time()),
                "seed {seed}: the offer is not kept"
            );
            for placement in before.placements.iter().filter(|placement| placement.is_on_time()) {
                let still = after
                    .placement(placement.promise)
                    .is_some_and(|placement| placement.is_on_time());
                assert!(
                    still,
                    "seed {seed}: promise {} was on time before the offer",
                    placement.promise
                );
            }
        }
    }
    assert!(offers > instances(5));
}
