//! How fast the schedule is: its own histograms, each part printed as soon as it is known.
//!
//! `cargo run --release -p plan --example speed [part …]`, parts: gate1 gate2 admit timetable. Desks are made from fixed
//! seeds. A figure is worth as much as the machine was idle: the load is printed with them.

#[path = "../tests/desk/mod.rs"]
mod desk;

use desk::Dice;
use plan::interval::{Interval, without};
use plan::request::Request;
use plan::slack::Profiles;
use plan::snapshot::{Engineer, Kind, Promise, Rules, Snapshot, Work};
use plan::{Board, admit};
use std::time::Instant;

const DAY: i64 = 24 * 60;
const REQUESTS: usize = 10_000;
const DESKS: usize = 50;

fn main() {
    let wanted: Vec<String> = std::env::args().skip(1).collect();
    let is_wanted = |part: &str| wanted.is_empty() || wanted.iter().any(|one| one == part);
    println!(
        "load {}",
        std::fs::read_to_string("/proc/loadavg").unwrap_or_default().trim()
    );
    if is_wanted("gate1") {
        gate1();
    }
    if is_wanted("gate2") {
        gate2();
    }
    if is_wanted("admit") {
        component(0.6, "wish granted at load 0.6");
        component(0.9, "date searched at load 0.9");
    }
    if is_wanted("timetable") {
        timetable("nested skills, load 0.60", 0.60, true);
        timetable("overlapping skills, load 0.85", 0.85, false);
    }
}

fn histogram(name: &str, mut micros: Vec<f64>) {
    micros.sort_by(f64::total_cmp);
    let at = |share: f64| {
        micros
            .get(((micros.len() - 1) as f64 * share) as usize)
            .copied()
            .unwrap_or(f64::NAN)
    };
    let mean = micros.iter().sum::<f64>() / micros.len() as f64;
    println!(
        "{name}: mean {mean:.0} p50 {:.0} p90 {:.0} p99 {:.0} max {:.0} µs of processor time ({} requests)",
        at(0.5),
        at(0.9),
        at(0.99),
        at(1.0),
        micros.len()
    );
}

/// Processor time of this thread so far: what the clock says on a busy machine is the others' work.
fn processor() -> f64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}

/// Peak of the memory of this process, in MiB; the system's own count.
fn peak() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmHWM"));
    line.and_then(|line| line.split_whitespace().nth(1)?.parse::<f64>().ok())
        .unwrap_or(f64::NAN)
        / 1024.0
}

/// Engineers of so many classes, six weeks, nine hours a day with lunch and a meeting.
fn engineers(dice: &mut Dice, count: i64, classes: i64, days: i64) -> Vec<Engineer> {
    let engineer = |dice: &mut Dice, id: i64| {
        let begin = if dice.chance(60) { 480 } else { 600 };
        let mut free = Vec::new();
        for day in (0..days).filter(|day| day % 7 < 5) {
            let hours = [Interval::new(day * DAY + begin, day * DAY + begin + 540)];
            let meeting = day * DAY + 60 * dice.between(10, 15);
            let lunch = day * DAY + begin + 240;
            free.extend(without(
                &hours,
                &[Interval::new(meeting, meeting + 60), Interval::new(lunch, lunch + 60)],
            ));
        }
        Engineer {
            id,
            class: 1 + id % classes,
            free,
            absent_until: None,
            running: None,
            allowances: Vec::new(),
        }
    };
    (1..=count).map(|id| engineer(dice, id)).collect()
}

/// Kinds over classes 1 to `classes`: blocks within blocks, or three random kinds for each class.
fn skills(dice: &mut Dice, kinds: i64, classes: i64, is_nested: bool) -> Vec<Kind> {
    let mut list: Vec<Kind> = (1..=kinds)
        .map(|id| Kind {
            id,
            classes: Vec::new(),
        })
        .collect();
    if is_nested {
        // The first kind can be answered by all, the next two by a half each, and so on.
        for kind in &mut list {
            let level = 64 - (kind.id as u64).leading_zeros() as i64 - 1;
            let (parts, part) = (1 << level, kind.id - (1 << level));
            kind.classes =
                (1 + classes * part / parts..=(classes * (part + 1) / parts).max(1 + classes * part / parts)).collect();
        }
        return list;
    }
    for class in 1..=classes {
        for turn in 0..3 {
            let at = if turn == 0 {
                class % kinds
            } else {
                dice.between(0, kinds - 1)
            };
            if !list[at as usize].classes.contains(&class) {
                list[at as usize].classes.push(class);
            }
        }
    }
    list
}

/// Promises whose dues lie so that until each time `load` of the working minutes is promised, two hours of everybody ahead.
fn fill(dice: &mut Dice, snapshot: &mut Snapshot, count: i64, load: f64) {
    const STEP: i64 = 10;
    let mut capacity = vec![0_i64; (snapshot.rules.horizon / STEP) as usize];
    for part in snapshot.engineers.iter().flat_map(|one| &one.free) {
        (part.from.max(snapshot.now) / STEP..part.to / STEP).for_each(|at| capacity[at as usize] += STEP);
    }
    let mut before = 0;
    for one in &mut capacity {
        before += *one;
        *one = before;
    }
    // Mean of the work: 27 minutes and the overhead.
    let (needed, ahead) = (count as f64 * 28.4 / load, 120 * snapshot.engineers.len() as i64);
    assert!((needed as i64) + ahead < before, "the horizon is too short");
    for id in 1..=count {
        let mean = dice.between(9, 45);
        let worked = (needed * dice.between(1, 1_000_000) as f64 / 1e6) as i64 + ahead;
        let due = STEP * (capacity.partition_point(|&capacity| capacity < worked) as i64 + 1);
        snapshot.promises.push(Promise {
            id,
            kind: dice.between(1, snapshot.kinds.len() as i64),
            severity: dice.between(1, 4) as u8,
            due,
            owner: None,
            seat: None,
            work: Work {
                mean,
                variance: 4 * mean,
                worst: 2 * mean,
            },
            not_before: None,
            tentative: false,
            moves: 0,
        });
    }
}

fn large(seed: u64, load: f64, is_nested: bool, (kinds, classes): (i64, i64), count: i64) -> Snapshot {
    let mut dice = Dice::new(seed);
    let days = 21;
    let mut snapshot = Snapshot {
        now: 0,
        rules: Rules {
            horizon: days * DAY,
            ..Rules::default()
        },
        engineers: engineers(&mut dice, count / 100, classes, days),
        kinds: skills(&mut dice, kinds, classes, is_nested),
        promises: Vec::new(),
    };
    if is_nested {
        // Demand in proportion to who can do it: most of the work needs no special skill.
        fill(&mut dice, &mut snapshot, count, load);
        for promise in &mut snapshot.promises {
            let level = dice.between(0, 4);
            promise.kind = dice.between(1 << level, (1 << (level + 1)) - 1).min(kinds);
        }
    } else {
        fill(&mut dice, &mut snapshot, count, load);
        for promise in &mut snapshot.promises {
            // A kind weighs as much as the classes that can do it.
            let class = dice.between(1, classes);
            let able: Vec<i64> = snapshot
                .kinds
                .iter()
                .filter(|kind| kind.classes.contains(&class))
                .map(|kind| kind.id)
                .collect();
            promise.kind = able[dice.between(0, able.len() as i64 - 1) as usize];
        }
    }
    snapshot
}

fn gate1() {
    let mut snapshot = large(7, 0.85, true, (31, 40), 1_000_000);
    snapshot.rules.horizon = 42 * DAY;
    let mut profiles = Profiles::new(&snapshot);
    let mut dice = Dice::new(8);
    let (mut asked, mut added) = (Vec::new(), Vec::new());
    for _ in 0..REQUESTS {
        let (kind, minutes) = (dice.between(1, 31), dice.between(9, 45));
        let want = dice.between(300, 10 * DAY);
        let began = processor();
        let date = profiles.earliest(kind, minutes, want);
        asked.push((processor() - began) * 1e6);
        let began = processor();
        profiles.add(kind, minutes, date.unwrap_or(want));
        added.push((processor() - began) * 1e6);
    }
    histogram("gate 1, 1,000,000 promises, 10,000 engineers, 2016 buckets", asked);
    histogram("  taking the promise in", added);
}

fn gate2() {
    let mut dice = Dice::new(9);
    let (kinds, classes, buckets) = (50_usize, 200_usize, 480);
    let kinds_of_classes = skills(&mut dice, kinds as i64, classes as i64, false);
    let can: Vec<Vec<u32>> = kinds_of_classes
        .iter()
        .map(|kind| {
            let mut row: Vec<u32> = kind.classes.iter().map(|class| *class as u32 - 1).collect();
            // Half as many again, so that about 2 million arcs are there.
            row.extend((0..classes as u32).filter(|_| dice.chance(20)));
            row.sort_unstable();
            row.dedup();
            row
        })
        .collect();
    let free: Vec<Vec<i64>> = (0..classes)
        .map(|_| {
            (0..buckets)
                .map(|bucket| if bucket % 48 < 18 { 30 * dice.between(1, 5) } else { 0 })
                .collect()
        })
        .collect();
    let capacity: i64 = free.iter().flatten().sum();
    let mut demand = vec![vec![0_i64; buckets]; kinds];
    let mut left = capacity * 85 / 100;
    while left > 0 {
        let minutes = dice.between(10, 60);
        demand[dice.between(0, kinds as i64 - 1) as usize][dice.between(10, buckets as i64 - 1) as usize] += minutes;
        left -= minutes;
    }
    let mut network = plan::flow::Flow::new(can, &free, buckets);
    let began = processor();
    let late = network.pour(&demand);
    println!(
        "gate 2, full solve at load 0.85: {:.2} s, {late} amounts later than their due",
        (processor() - began)
    );
    let mut took = Vec::new();
    for _ in 0..REQUESTS {
        let (kind, want) = (
            dice.between(0, kinds as i64 - 1) as usize,
            dice.between(0, buckets as i64 - 1) as usize,
        );
        let began = processor();
        let pushed = network.push(kind, want, dice.between(10, 60), true);
        took.push((processor() - began) * 1e6);
        std::hint::black_box(pushed);
    }
    histogram("gate 2, 50 kinds x 200 classes x 480 buckets", took);
}

/// A component of 30 engineers with 300 promises.
fn component(load: f64, name: &str) {
    let (mut granted, mut searched, mut boards) = (Vec::new(), Vec::new(), Vec::new());
    let mut seed = 0;
    while granted.len() + searched.len() < REQUESTS {
        seed += 1;
        let mut dice = Dice::new(seed);
        let is_nested = seed % 2 == 0;
        let mut snapshot = Snapshot {
            now: 480,
            rules: Rules::default(),
            engineers: engineers(&mut dice, 30, 6, 42),
            kinds: skills(&mut dice, 4, 6, is_nested),
            promises: Vec::new(),
        };
        // Three hundred promises of 28 minutes are 8,500: those that were admitted, as on a desk that promises so.
        let mut wishes = snapshot.clone();
        fill(&mut dice, &mut wishes, 300, load);
        for promise in wishes.promises {
            let request = Request {
                id: promise.id,
                kind: promise.kind,
                severity: promise.severity,
                want: promise.due + 30,
                work: promise.work,
                not_before: None,
                owner: None,
                moves: 0,
                hours: Vec::new(),
            };
            if let Ok(offer) = admit(&snapshot, &request) {
                desk::accept(&mut snapshot, &request, &offer);
            }
        }
        let began = processor();
        let board = Board::new(&snapshot);
        boards.push((processor() - began) * 1e6);
        std::hint::black_box(board);
        for _ in 0..REQUESTS / DESKS {
            let mean = dice.between(9, 45);
            let request = Request {
                id: 1_000_000,
                kind: dice.between(1, 4),
                severity: dice.between(1, 4) as u8,
                want: 480 + dice.between(120, 2 * DAY),
                work: Work {
                    mean,
                    variance: 4 * mean,
                    worst: 2 * mean,
                },
                not_before: None,
                owner: None,
                moves: 0,
                hours: Vec::new(),
            };
            let began = processor();
            let offer = admit(&snapshot, &request);
            let micros = (processor() - began) * 1e6;
            match offer {
                Ok(offer) if !offer.moved => granted.push(micros),
                _ => searched.push(micros),
            }
        }
    }
    println!("component of 30 engineers and 300 promises, {name}:");
    histogram("  board", boards);
    for (what, times) in [("granted", granted), ("searched", searched)] {
        if !times.is_empty() {
            histogram(&format!("  admit, {what}, snapshot to witness"), times);
        }
    }
}

fn timetable(name: &str, load: f64, is_nested: bool) {
    let count = 1_000_000;
    let shape = if is_nested { (31, 40) } else { (50, 200) };
    let snapshot = large(11, load, is_nested, shape, count);
    let before = peak();
    let (began, worked) = (Instant::now(), processor());
    let board = Board::new(&snapshot);
    let seated = processor() - worked;
    let timetable = board.timetable();
    let (all, wall) = (processor() - worked, began.elapsed().as_secs_f64());
    let entries: usize = timetable.rows.iter().map(|row| row.entries.len()).sum();
    println!(
        "timetable, {name}: {} promises, {} engineers: seated {seated:.2} s, laid out {all:.2} s of processor time, {wall:.2} s by the clock, {entries} entries, {} late; \
         peak {:.0} MiB, {before:.0} before",
        snapshot.promises.len(),
        snapshot.engineers.len(),
        board.late(),
        peak(),
    );
}
