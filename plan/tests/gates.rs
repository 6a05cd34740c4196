//! Gates 1 and 2 against other algorithms: a max-flow of another crate, a linear program, a full solve for each date.

mod desk;

use desk::{Dice, Skills, check_cut, exact_request, first_seed, instances, small};
use microlp::{ComparisonOp, OptimizationDirection, Problem, SolveOutcome};
use petgraph::algo::dinics;
use petgraph::graph::{DiGraph, NodeIndex};
use plan::Board;
use plan::interval::Interval;
use plan::slack::Profiles;
use plan::snapshot::Snapshot;

const BUCKET: i64 = 30;
const BUCKETS: usize = 8;

/// Work as (kind, minutes, last bucket).
fn demand(snapshot: &Snapshot) -> Vec<(i64, i64, usize)> {
    let last = |due: i64| ((due - 1).div_euclid(BUCKET)).clamp(0, BUCKETS as i64 - 1) as usize;
    snapshot
        .promises
        .iter()
        .map(|one| (one.kind, one.work.mean, last(one.due)))
        .collect()
}

fn free(snapshot: &Snapshot, class: i64, bucket: usize) -> i64 {
    let within = Interval::new(bucket as i64 * BUCKET, (bucket as i64 + 1) * BUCKET);
    let of_class = snapshot.engineers.iter().filter(|engineer| engineer.class == class);
    of_class
        .flat_map(|engineer| &engineer.free)
        .map(|one| one.within(within).minutes())
        .sum()
}

fn can(snapshot: &Snapshot, kind: i64, class: i64) -> bool {
    snapshot
        .kinds
        .iter()
        .any(|one| one.id == kind && one.classes.contains(&class))
}

/// How many minutes of the work fit: the max-flow of another crate, job by job.
fn flow_of_petgraph(snapshot: &Snapshot, work: &[(i64, i64, usize)]) -> i64 {
    let mut graph = DiGraph::<(), u64>::new();
    let (source, sink) = (graph.add_node(()), graph.add_node(()));
    let mut cells: Vec<(i64, usize, NodeIndex)> = Vec::new();
    for class in 1..=3 {
        for bucket in 0..BUCKETS {
            let cell = graph.add_node(());
            graph.add_edge(cell, sink, free(snapshot, class, bucket) as u64);
            cells.push((class, bucket, cell));
        }
    }
    for &(kind, minutes, last) in work {
        let node = graph.add_node(());
        graph.add_edge(source, node, minutes as u64);
        for &(_, _, cell) in cells
            .iter()
            .filter(|&&(class, bucket, _)| bucket <= last && can(snapshot, kind, class))
        {
            graph.add_edge(node, cell, minutes as u64);
        }
    }
    dinics(&graph, source, sink).0 as i64
}

/// The same by a linear program.
fn flow_of_program(snapshot: &Snapshot, work: &[(i64, i64, usize)]) -> i64 {
    let mut problem = Problem::new(OptimizationDirection::Maximize);
    let mut cells: Vec<Vec<microlp::Variable>> = vec![Vec::new(); 4 * BUCKETS];
    for &(kind, minutes, last) in work {
        let mut own = Vec::new();
        for class in (1..=3).filter(|&class| can(snapshot, kind, class)) {
            for bucket in 0..=last {
                let variable = problem.add_var(1.0, (0.0, minutes as f64));
                own.push((variable, 1.0));
                cells[class as usize * BUCKETS + bucket].push(variable);
            }
        }
        problem.add_constraint(own.as_slice(), ComparisonOp::Le, minutes as f64);
    }
    for class in 1..=3 {
        for bucket in 0..BUCKETS {
            let sum: Vec<_> = cells[class as usize * BUCKETS + bucket]
                .iter()
                .map(|&one| (one, 1.0))
                .collect();
            if !sum.is_empty() {
                problem.add_constraint(sum.as_slice(), ComparisonOp::Le, free(snapshot, class, bucket) as f64);
            }
        }
    }
    match problem.solve() {
        Ok(SolveOutcome::Solution(solved)) => solved.objective().round() as i64,
        other => panic!("the program has a solution: {other:?}"),
    }
}

/// The earliest date of a request by a full solve for each date; none within the horizon.
fn earliest_by_full_solve(snapshot: &Snapshot, kind: i64, minutes: i64, want: i64) -> Option<i64> {
    let first = ((want - 1).div_euclid(BUCKET)).clamp(0, BUCKETS as i64 - 1) as usize;
    (first..BUCKETS).find_map(|last| {
        let mut work = demand(snapshot);
        work.push((kind, minutes, last));
        let all = work.iter().map(|&(_, minutes, _)| minutes).sum::<i64>();
        let date = if last == first {
            want
        } else {
            (last as i64 + 1) * BUCKET
        };
        (flow_of_petgraph(snapshot, &work) == all).then_some(date)
    })
}

/// A small desk whose promises all flow, a kind, minutes and a wish.
fn asked(seed: u64, skills: Skills) -> Option<(Snapshot, i64, i64, i64)> {
    let mut dice = Dice::new(seed);
    let snapshot = small(&mut dice, skills);
    let work = demand(&snapshot);
    let kind = dice.between(1, snapshot.kinds.len() as i64);
    let minutes = if dice.chance(50) {
        15 * dice.between(1, 8)
    } else {
        dice.between(1, 120)
    };
    let want = dice.between(1, 240);
    let flows = flow_of_petgraph(&snapshot, &work) == work.iter().map(|&(_, minutes, _)| minutes).sum::<i64>();
    flows.then_some((snapshot, kind, minutes, want))
}

#[test]
fn growing_augmentation_gives_the_date_of_a_full_solve_always_and_its_cuts_hold() {
    let (mut looked, mut later, mut cuts) = (0, 0, 0);
    for seed in first_seed()..first_seed() + instances(30) {
        let Some((snapshot, kind, minutes, want)) = asked(seed, Skills::Any) else {
            continue;
        };
        let fluid = Board::new(&snapshot).fluid(kind, minutes, want);
        assert_eq!(
            fluid.date,
            earliest_by_full_solve(&snapshot, kind, minutes, want),
            "seed {seed}"
        );
        looked += 1;
        later += u64::from(fluid.date != Some(want));
        if let Some(cut) = fluid.cut {
            let missing = check_cut(&snapshot, &cut, Some(&exact_request(&snapshot, kind, want, minutes)));
            assert_eq!(missing, Ok(cut.missing()), "seed {seed}: {cut:?}");
            cuts += 1;
        }
    }
    println!("{looked} requests, {later} later than wanted, {cuts} cuts hold");
    assert!(
        looked > instances(10) && later > looked / 20,
        "the desks are too empty or too full to tell"
    );
}

#[test]
fn slack_profiles_are_exact_where_skills_are_nested_and_never_refuse_what_flows() {
    let mut later = 0;
    for seed in first_seed()..first_seed() + instances(20) {
        for skills in [Skills::Nested, Skills::Any] {
            let Some((snapshot, kind, minutes, want)) = asked(seed, skills) else {
                continue;
            };
            let profiles = Profiles::new(&snapshot);
            let by_profile = profiles.earliest(kind, minutes, want);
            let by_flow = earliest_by_full_solve(&snapshot, kind, minutes, want);
            if profiles.is_exact() {
                assert_eq!(by_profile, by_flow, "seed {seed}");
                later += u64::from(by_profile != Some(want));
            } else {
                let early = by_profile.unwrap_or(i64::MAX) <= by_flow.unwrap_or(i64::MAX);
                assert!(early, "seed {seed}: {by_profile:?} refuses what flows at {by_flow:?}");
            }
            assert!(
                skills == Skills::Any || profiles.is_exact(),
                "seed {seed}: nested skills are nested"
            );
        }
    }
    assert!(later > instances(1), "the desks are too empty to tell");
}

#[test]
fn profiles_that_were_changed_promise_by_promise_are_those_made_anew() {
    for seed in first_seed()..first_seed() + instances(2) {
        let mut dice = Dice::new(seed);
        let skills = if seed % 2 == 0 { Skills::Any } else { Skills::Nested };
        let snapshot = small(&mut dice, skills);
        let mut empty = snapshot.clone();
        empty.promises.clear();
        let mut changed = Profiles::new(&empty);
        for promise in &snapshot.promises {
            changed.add(promise.kind, 7, promise.due);
            changed.add(promise.kind, promise.work.mean, promise.due);
            changed.add(promise.kind, -7, promise.due);
        }
        let anew = Profiles::new(&snapshot);
        for kind in 1..=snapshot.kinds.len() as i64 {
            for minutes in [1, 30, 90, 200] {
                assert_eq!(
                    changed.earliest(kind, minutes, 1),
                    anew.earliest(kind, minutes, 1),
                    "seed {seed}"
                );
            }
        }
    }
}

#[test]
fn two_other_solvers_agree_with_each_other_and_with_what_fits() {
    for seed in first_seed()..first_seed() + instances(3) {
        let mut dice = Dice::new(seed);
        let snapshot = small(&mut dice, Skills::Any);
        let work = demand(&snapshot);
        let (graph, program) = (flow_of_petgraph(&snapshot, &work), flow_of_program(&snapshot, &work));
        assert_eq!(graph, program, "seed {seed}");
        // One minute more than what is left of the whole horizon has no date, what is left has one.
        let all = work.iter().map(|&(_, minutes, _)| minutes).sum::<i64>();
        if graph == all {
            let mut with = work.clone();
            with.push((1, 10_000, BUCKETS - 1));
            let left = flow_of_program(&snapshot, &with) - all;
            let board = Board::new(&snapshot);
            assert!(left == 0 || board.fluid(1, left, 1).date.is_some(), "seed {seed}");
            assert_eq!(board.fluid(1, left + 1, 1).date, None, "seed {seed}");
        }
    }
}
