//! Random desks from a seed, and what the checker needs to know of them.
#![allow(dead_code)] // each test binary uses its part

use plan::interval::Interval;
use plan::request::Request;
use plan::snapshot::{Engineer, Kind, Promise, Rules, Snapshot, Work};
use plan::timetable::Timetable;
use plan_check::{Person, Piece, Task};

/// A repeatable source of chance (SplitMix64).
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Dice {
        Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x1234_5678_9abc_def1)
    }

    pub fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// From the first to the last, both possible.
    pub fn between(&mut self, first: i64, last: i64) -> i64 {
        first + (self.roll() % (last - first + 1) as u64) as i64
    }

    pub fn chance(&mut self, percent: u64) -> bool {
        self.roll() % 100 < percent
    }

    pub fn shuffle<T>(&mut self, list: &mut [T]) {
        for at in (1..list.len()).rev() {
            list.swap(at, self.between(0, at as i64) as usize);
        }
    }
}

/// How many instances a test looks at: its share of what `DULY_SCHEDULE_INSTANCES` says, or of 10,000.
pub fn instances(share_percent: u64) -> u64 {
    let all = std::env::var("DULY_SCHEDULE_INSTANCES")
        .ok()
        .and_then(|text| text.parse().ok());
    (all.unwrap_or(10_000_u64) * share_percent).div_ceil(100)
}

/// The first seed: another one in soak (`DULY_SCHEDULE_SEED`).
pub fn first_seed() -> u64 {
    std::env::var("DULY_SCHEDULE_SEED")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(1)
}

/// How skills lie to each other.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Skills {
    /// Any sets.
    Any,
    /// Nested or apart.
    Nested,
}

/// What the kinds of a small desk can be answered by, classes 1 to `classes`.
pub fn kinds(dice: &mut Dice, count: i64, classes: i64, skills: Skills) -> Vec<Kind> {
    let mut kinds = Vec::new();
    for id in 1..=count {
        let set: Vec<i64> = match skills {
            Skills::Any => (1..=classes).filter(|_| dice.chance(55)).collect(),
            // Prefixes of one or the other half are nested or apart; all is around them.
            Skills::Nested => {
                let middle = (classes + 1) / 2;
                match dice.between(0, 2) {
                    0 => (1..=dice.between(1, middle)).collect(),
                    1 if middle < classes => (middle + 1..=dice.between(middle + 1, classes)).collect(),
                    _ => (1..=classes).collect(),
                }
            }
        };
        let set = if set.is_empty() {
            vec![dice.between(1, classes)]
        } else {
            set
        };
        kinds.push(Kind { id, classes: set });
    }
    kinds
}

/// Rules under which sums can be done by hand: no reserve, no overhead, no guard beyond the quantum.
pub fn bare_rules(horizon: i64) -> Rules {
    Rules {
        horizon,
        bucket: 30,
        quantum: 2,
        stretch: 0,
        z_percent: 0,
        low_reserve_percent: 0,
        overhead_percent: 0,
        handover: 0,
        reservation: 10,
    }
}

/// At most four engineers, six promises and eight quanta of half an hour.
pub fn small(dice: &mut Dice, skills: Skills) -> Snapshot {
    let classes = dice.between(1, 3);
    let engineers = dice.between(1, 4);
    let engineer = |dice: &mut Dice, id: i64| {
        let from = 30 * dice.between(0, 2);
        let to = 30 * dice.between(4, 8);
        let mut free = vec![Interval::new(from, to)];
        if dice.chance(40) {
            let gap = 30 * dice.between(1, 6);
            free = plan::interval::without(&free, &[Interval::new(gap, gap + 30)]);
        }
        Engineer {
            id,
            class: dice.between(1, classes),
            free,
            absent_until: None,
            running: None,
            allowances: Vec::new(),
        }
    };
    let engineers: Vec<Engineer> = (1..=engineers).map(|id| engineer(dice, id)).collect();
    let count = dice.between(1, 3);
    let kinds = kinds(dice, count, classes, skills);
    let promises = (1..=dice.between(0, 6)).map(|id| {
        let kind = dice.between(1, count);
        let minutes = if dice.chance(50) {
            15 * dice.between(1, 4)
        } else {
            dice.between(5, 60)
        };
        exact_promise(id, kind, 30 * dice.between(2, 8), minutes)
    });
    Snapshot {
        now: 0,
        rules: bare_rules(240),
        engineers,
        promises: promises.collect(),
        kinds,
    }
}

/// Work of exactly so many minutes.
pub fn exact_promise(id: i64, kind: i64, due: i64, minutes: i64) -> Promise {
    Promise {
        id,
        kind,
        severity: 2,
        due,
        owner: None,
        seat: None,
        work: Work {
            mean: minutes,
            variance: 0,
            worst: minutes,
        },
        not_before: None,
        tentative: false,
        moves: 0,
    }
}

/// A wish for work of exactly so many minutes; `due` is the planned time, before the guard.
pub fn exact_request(snapshot: &Snapshot, kind: i64, due: i64, minutes: i64) -> Request {
    Request {
        id: 1_000_000,
        kind,
        severity: 2,
        want: due + snapshot.rules.guard(),
        work: Work {
            mean: minutes,
            variance: 0,
            worst: minutes,
        },
        not_before: None,
        owner: None,
        moves: 0,
        hours: Vec::new(),
    }
}

/// A working week and a half of some engineers, with lunch and meetings, real rules, and no promises yet.
pub fn office(dice: &mut Dice, engineers: i64) -> Snapshot {
    const DAY: i64 = 24 * 60;
    let classes = dice.between(1, 4);
    let engineer = |dice: &mut Dice, id: i64| {
        let begin = if dice.chance(60) { 8 * 60 } else { 10 * 60 };
        let mut free = Vec::new();
        for day in (0..12).filter(|day| day % 7 < 5) {
            if dice.chance(8) {
                continue;
            }
            let hours = [Interval::new(day * DAY + begin, day * DAY + begin + 540)];
            let meeting = day * DAY + 60 * dice.between(10, 15);
            let lunch = day * DAY + begin + 240;
            let holes = [Interval::new(meeting, meeting + 60), Interval::new(lunch, lunch + 60)];
            free.extend(plan::interval::without(&hours, &holes));
        }
        Engineer {
            id,
            class: dice.between(1, classes),
            free,
            absent_until: dice.chance(10).then_some(DAY * dice.between(1, 3)),
            running: None,
            allowances: Vec::new(),
        }
    };
    let engineers = (1..=engineers).map(|id| engineer(dice, id)).collect();
    let count = dice.between(1, 4);
    let skills = if dice.chance(50) { Skills::Any } else { Skills::Nested };
    Snapshot {
        now: dice.between(0, DAY),
        rules: Rules {
            horizon: 12 * DAY,
            ..Rules::default()
        },
        engineers,
        kinds: kinds(dice, count, classes, skills),
        promises: Vec::new(),
    }
}

/// A request as a desk gets them.
pub fn request(dice: &mut Dice, snapshot: &Snapshot, id: i64) -> Request {
    let severity = dice.between(1, 4) as u8;
    let mean = dice.between(5, 50);
    let hours = [3, 6, 14, 40][usize::from(severity) - 1];
    Request {
        id,
        kind: dice.between(1, snapshot.kinds.len() as i64),
        severity,
        want: snapshot.now + 60 * dice.between(hours / 2, 2 * hours),
        work: Work {
            mean,
            variance: mean * dice.between(0, 20),
            worst: mean + dice.between(0, 70),
        },
        not_before: dice.chance(15).then(|| snapshot.now + dice.between(0, 600)),
        owner: None,
        moves: 0,
        hours: Vec::new(),
    }
}

/// The promise that an accepted offer becomes.
pub fn accepted(request: &Request, offer: &plan::request::Offer) -> Promise {
    Promise {
        id: request.id,
        kind: request.kind,
        severity: request.severity,
        due: offer.due,
        owner: request.owner,
        seat: Some(offer.engineer),
        work: request.work,
        not_before: request.not_before,
        tentative: false,
        moves: request.moves,
    }
}

/// Takes an offer: the promise is there, and everybody sits where the witness has them.
pub fn accept(snapshot: &mut Snapshot, request: &Request, offer: &plan::request::Offer) {
    snapshot.promises.push(accepted(request, offer));
    for &(id, engineer) in &offer.seats {
        if let Some(promise) = snapshot.promises.iter_mut().find(|promise| promise.id == id) {
            promise.seat = Some(engineer);
        }
    }
}

/// Fills an office with `count` accepted requests.
pub fn fill(dice: &mut Dice, snapshot: &mut Snapshot, count: i64) {
    for id in 1..=count {
        let request = request(dice, snapshot, id);
        if let Ok(offer) = plan::admit(snapshot, &request) {
            accept(snapshot, &request, &offer);
        }
    }
}

pub fn people(snapshot: &Snapshot) -> Vec<Person> {
    let from = |engineer: &Engineer| engineer.absent_until.unwrap_or(snapshot.now).max(snapshot.now);
    let engineers = snapshot.engineers.iter().map(|engineer| Person {
        id: engineer.id,
        class: engineer.class,
        free: engineer
            .free
            .iter()
            .map(|one| (one.from.max(from(engineer)), one.to))
            .collect(),
    });
    engineers.collect()
}

pub fn checked_kinds(snapshot: &Snapshot) -> Vec<plan_check::Kind> {
    let kinds = snapshot.kinds.iter().map(|kind| plan_check::Kind {
        id: kind.id,
        classes: kind.classes.clone(),
    });
    kinds.collect()
}

/// A promise for the checker; what somebody takes over needs more.
pub fn task(snapshot: &Snapshot, promise: &Promise, engineer: Option<i64>, is_certified: bool) -> Task {
    let rules = &snapshot.rules;
    let strange = promise.owner.is_some() && engineer.is_some() && promise.owner != engineer;
    Task {
        id: promise.id,
        kind: promise.kind,
        minutes: rules.planned(promise.work.mean.max(1)) + if strange { rules.handover } else { 0 },
        due: promise.due,
        is_certified,
        not_before: promise.not_before.unwrap_or(i64::MIN),
        after: Vec::new(),
        promised: None,
    }
}

pub fn pieces(timetable: &Timetable) -> Vec<Piece> {
    let rows = timetable.rows.iter().flat_map(|row| {
        row.entries.iter().map(|entry| Piece {
            engineer: row.engineer,
            task: entry.promise,
            from: entry.from,
            to: entry.to,
        })
    });
    rows.collect()
}

/// Faults of a plan: none may be.
pub fn faults(snapshot: &Snapshot, plan: &plan::Plan) -> Vec<plan_check::Fault> {
    let tasks = snapshot.promises.iter().map(|promise| {
        let placement = plan.placement(promise.id);
        let engineer = placement.and_then(|placement| placement.engineer);
        task(
            snapshot,
            promise,
            engineer,
            placement.is_some_and(|placement| placement.is_on_time()),
        )
    });
    let tasks: Vec<Task> = tasks.collect();
    plan_check::check_timetable(
        &people(snapshot),
        &checked_kinds(snapshot),
        &tasks,
        &pieces(&plan.timetable),
    )
}

/// What is wrong with a reported cut.
pub fn check_cut(snapshot: &Snapshot, cut: &plan::cut::Cut, asked: Option<&Request>) -> Result<i64, plan_check::Hole> {
    let mut tasks: Vec<Task> = snapshot
        .promises
        .iter()
        .map(|promise| task(snapshot, promise, None, false))
        .collect();
    if let Some(request) = asked.filter(|_| cut.asked > 0) {
        // Inside by what the cut says: its due is the refused one.
        let until = cut
            .kinds
            .iter()
            .find(|(kind, _)| *kind == request.kind)
            .map(|&(_, until)| until);
        tasks.push(Task {
            id: request.id,
            kind: request.kind,
            minutes: snapshot.rules.planned(request.work.mean),
            due: until.unwrap_or(i64::MAX),
            is_certified: false,
            not_before: 0,
            after: Vec::new(),
            promised: None,
        });
    }
    let plain = plan_check::Cut {
        kinds: cut.kinds.clone(),
        classes: cut.classes.clone(),
    };
    plan_check::check_cut(
        snapshot.now,
        &people(snapshot),
        &checked_kinds(snapshot),
        &tasks,
        &plain,
    )
}
