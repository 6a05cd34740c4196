//! Checks what the schedule claims: that a timetable can be worked, and that a cut proves a date impossible.
//!
//! Plain data in, faults out. Nothing of the planner is used, and nothing is clever: whoever doubts a date reads this file.
//! All times are minutes, all intervals half-open.

/// An engineer: number, class, and when they are free for promised work.
#[derive(Debug, Clone)]
pub struct Person {
    /// Number.
    pub id: i64,
    /// Class.
    pub class: i64,
    /// Free from and to; may overlap.
    pub free: Vec<(i64, i64)>,
}

/// A kind of work and the classes that can do it.
#[derive(Debug, Clone)]
pub struct Kind {
    /// Number.
    pub id: i64,
    /// Classes.
    pub classes: Vec<i64>,
}

/// Work with a date.
#[derive(Debug, Clone)]
pub struct Task {
    /// Number of its promise.
    pub id: i64,
    /// Its kind.
    pub kind: i64,
    /// Minutes that are planned for it.
    pub minutes: i64,
    /// By when they must be worked; not checked for a task that is known to be late.
    pub due: i64,
    /// Whether the timetable claims that it is done by then.
    pub is_certified: bool,
    /// When it can begin.
    pub not_before: i64,
    /// Tasks that must be done before it begins.
    pub after: Vec<i64>,
    /// What the customer was told, and the least guard before it.
    pub promised: Option<(i64, i64)>,
}

/// A piece of work in a timetable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Piece {
    /// Who.
    pub engineer: i64,
    /// On what.
    pub task: i64,
    /// First minute.
    pub from: i64,
    /// First minute behind.
    pub to: i64,
}

/// What is wrong with a timetable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// A piece that ends before it begins, of nobody, or of no task.
    Nonsense(Piece),
    /// Two pieces of one engineer at the same time.
    TwiceAtOnce(Piece, Piece),
    /// A piece outside of the engineer's free time.
    NotFree(Piece),
    /// A piece that the engineer cannot do.
    NoSkill(Piece),
    /// A piece before its task can begin.
    TooEarly(Piece),
    /// Two engineers on one task at the same time.
    Parallel(Piece, Piece),
    /// A certified task with fewer minutes before its due than it needs.
    TooLittle {
        /// The task.
        task: i64,
        /// Minutes before its due.
        minutes: i64,
    },
    /// More minutes than a task needs.
    TooMuch {
        /// The task.
        task: i64,
        /// Minutes in all.
        minutes: i64,
    },
    /// A task that begins before one that must be done before it.
    OutOfOrder {
        /// The task.
        task: i64,
        /// The one before.
        before: i64,
    },
    /// A promise with too small a guard.
    NoGuard {
        /// The task.
        task: i64,
    },
}

/// Everything that is wrong with a timetable; nothing, if it can be worked as it stands.
pub fn check_timetable(people: &[Person], kinds: &[Kind], tasks: &[Task], pieces: &[Piece]) -> Vec<Fault> {
    let mut faults = Vec::new();
    for piece in pieces {
        check_piece(people, kinds, tasks, piece, &mut faults);
    }
    let mut by_engineer = pieces.to_vec();
    by_engineer.sort_by_key(|piece| (piece.engineer, piece.from));
    for pair in by_engineer.windows(2) {
        if pair[0].engineer == pair[1].engineer && pair[0].to > pair[1].from {
            faults.push(Fault::TwiceAtOnce(pair[0], pair[1]));
        }
    }
    let mut by_task = pieces.to_vec();
    by_task.sort_by_key(|piece| (piece.task, piece.from));
    for pair in by_task.windows(2) {
        if pair[0].task == pair[1].task && pair[0].to > pair[1].from {
            faults.push(Fault::Parallel(pair[0], pair[1]));
        }
    }
    for task in tasks {
        check_task(task, pieces, &mut faults);
    }
    faults
}

fn check_piece(people: &[Person], kinds: &[Kind], tasks: &[Task], piece: &Piece, faults: &mut Vec<Fault>) {
    let person = people.iter().find(|person| person.id == piece.engineer);
    let task = tasks.iter().find(|task| task.id == piece.task);
    let (Some(person), Some(task)) = (person, task) else {
        return faults.push(Fault::Nonsense(*piece));
    };
    if piece.from >= piece.to {
        faults.push(Fault::Nonsense(*piece));
    }
    if !(piece.from..piece.to).all(|minute| person.free.iter().any(|&(from, to)| from <= minute && minute < to)) {
        faults.push(Fault::NotFree(*piece));
    }
    if !kinds
        .iter()
        .any(|kind| kind.id == task.kind && kind.classes.contains(&person.class))
    {
        faults.push(Fault::NoSkill(*piece));
    }
    if piece.from < task.not_before {
        faults.push(Fault::TooEarly(*piece));
    }
}

fn check_task(task: &Task, pieces: &[Piece], faults: &mut Vec<Fault>) {
    let own = || pieces.iter().filter(|piece| piece.task == task.id);
    let until = |time: i64| own().map(|piece| (piece.to.min(time) - piece.from).max(0)).sum::<i64>();
    let (in_time, all) = (until(task.due), until(i64::MAX));
    if task.is_certified && in_time < task.minutes {
        faults.push(Fault::TooLittle {
            task: task.id,
            minutes: in_time,
        });
    }
    if all > task.minutes {
        faults.push(Fault::TooMuch {
            task: task.id,
            minutes: all,
        });
    }
    let begins = own().map(|piece| piece.from).min();
    for &before in &task.after {
        let ends = pieces
            .iter()
            .filter(|piece| piece.task == before)
            .map(|piece| piece.to)
            .max();
        if begins.zip(ends).is_some_and(|(begins, ends)| begins < ends) {
            faults.push(Fault::OutOfOrder { task: task.id, before });
        }
    }
    if task
        .promised
        .is_some_and(|(promised, guard)| promised - task.due < guard)
    {
        faults.push(Fault::NoGuard { task: task.id });
    }
}

/// A claim that work cannot be done: kinds with the time until which their due work counts, and classes with the time until
/// which their minutes count.
#[derive(Debug, Clone, Default)]
pub struct Cut {
    /// Kind and time.
    pub kinds: Vec<(i64, i64)>,
    /// Class and time.
    pub classes: Vec<(i64, i64)>,
}

/// Why a cut proves nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Hole {
    /// This class can do work of this kind at a time that the cut leaves out.
    Open {
        /// The kind.
        kind: i64,
        /// The class.
        class: i64,
    },
    /// The work fits.
    Fits {
        /// Minutes of the work inside.
        demand: i64,
        /// Minutes of the people inside.
        capacity: i64,
    },
}

/// How many minutes are missing, if the cut holds: every class that can do what is inside is inside for as long, and the
/// work inside needs more minutes from `now` than the people inside have. `tasks` include what was asked for.
pub fn check_cut(now: i64, people: &[Person], kinds: &[Kind], tasks: &[Task], cut: &Cut) -> Result<i64, Hole> {
    for &(id, until) in &cut.kinds {
        let able = kinds.iter().filter(|kind| kind.id == id).flat_map(|kind| &kind.classes);
        for &class in able {
            let is_in = cut.classes.iter().any(|&(other, long)| other == class && long >= until);
            let exists = people.iter().any(|person| person.class == class);
            if exists && !is_in {
                return Err(Hole::Open { kind: id, class });
            }
        }
    }
    let inside = |task: &&Task| {
        cut.kinds
            .iter()
            .any(|&(kind, until)| kind == task.kind && task.due <= until)
    };
    let demand: i64 = tasks.iter().filter(inside).map(|task| task.minutes).sum();
    let until = |class: i64| {
        cut.classes
            .iter()
            .filter(|&&(other, _)| other == class)
            .map(|&(_, until)| until)
            .max()
    };
    let capacity = people
        .iter()
        .map(|person| until(person.class).map_or(0, |until| minutes(&person.free, now, until)));
    let capacity: i64 = capacity.sum();
    if demand > capacity {
        Ok(demand - capacity)
    } else {
        Err(Hole::Fits { demand, capacity })
    }
}

/// Minutes that lie in any of the intervals, from `now` and before `until`.
fn minutes(free: &[(i64, i64)], now: i64, until: i64) -> i64 {
    let mut sorted = free.to_vec();
    sorted.sort_unstable();
    let (mut sum, mut counted) = (0, now);
    for (from, to) in sorted {
        let (from, to) = (from.max(counted), to.min(until));
        sum += (to - from).max(0);
        counted = counted.max(to);
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    fn people() -> Vec<Person> {
        vec![
            Person {
                id: 1,
                class: 1,
                free: vec![(0, 60), (90, 150)],
            },
            Person {
                id: 2,
                class: 2,
                free: vec![(0, 200)],
            },
        ]
    }

    fn kinds() -> Vec<Kind> {
        vec![
            Kind {
                id: 7,
                classes: vec![1],
            },
            Kind {
                id: 8,
                classes: vec![1, 2],
            },
        ]
    }

    fn task(id: i64, kind: i64, minutes: i64, due: i64) -> Task {
        Task {
            id,
            kind,
            minutes,
            due,
            is_certified: true,
            not_before: 0,
            after: Vec::new(),
            promised: None,
        }
    }

    fn piece(engineer: i64, task: i64, from: i64, to: i64) -> Piece {
        Piece {
            engineer,
            task,
            from,
            to,
        }
    }

    fn faults(tasks: &[Task], pieces: &[Piece]) -> Vec<Fault> {
        check_timetable(&people(), &kinds(), tasks, pieces)
    }

    #[test]
    fn a_timetable_that_can_be_worked_has_no_fault() {
        let tasks = [task(1, 7, 50, 100), task(2, 8, 80, 200)];
        assert_eq!(faults(&tasks, &[piece(1, 1, 0, 50), piece(2, 2, 0, 80)]), []);
    }

    #[test]
    fn every_fault_is_found() {
        let one = [task(1, 8, 40, 100)];
        let overlap = [piece(1, 1, 0, 20), piece(1, 1, 10, 30)];
        assert!(faults(&one, &overlap).contains(&Fault::TwiceAtOnce(overlap[0], overlap[1])));
        let parallel = [piece(1, 1, 0, 20), piece(2, 1, 10, 30)];
        assert_eq!(faults(&one, &parallel), [Fault::Parallel(parallel[0], parallel[1])]);
        let lunch = piece(1, 1, 50, 90);
        assert_eq!(faults(&one, &[lunch]), [Fault::NotFree(lunch)]);
        let special = [task(1, 7, 40, 100)];
        let stranger = piece(2, 1, 0, 40);
        assert_eq!(faults(&special, &[stranger]), [Fault::NoSkill(stranger)]);
        assert_eq!(
            faults(&one, &[piece(2, 1, 70, 110)]),
            [Fault::TooLittle { task: 1, minutes: 30 }]
        );
        assert_eq!(
            faults(&one, &[piece(2, 1, 0, 41)]),
            [Fault::TooMuch { task: 1, minutes: 41 }]
        );
        let early = [Task {
            not_before: 5,
            ..task(1, 8, 40, 100)
        }];
        let before = piece(2, 1, 0, 40);
        assert_eq!(faults(&early, &[before]), [Fault::TooEarly(before)]);
        let nobody = piece(9, 1, 0, 40);
        assert!(faults(&one, &[nobody]).contains(&Fault::Nonsense(nobody)));
    }

    #[test]
    fn a_join_begins_behind_its_branches_and_a_promise_has_its_guard() {
        let mut join = task(2, 8, 10, 200);
        join.after = vec![1];
        join.promised = Some((229, 30));
        let tasks = [task(1, 8, 40, 100), join];
        let found = faults(&tasks, &[piece(1, 1, 0, 40), piece(2, 2, 30, 40)]);
        assert_eq!(
            found,
            [Fault::OutOfOrder { task: 2, before: 1 }, Fault::NoGuard { task: 2 }]
        );
    }

    #[test]
    fn a_cut_holds_only_if_it_is_closed_and_too_small() {
        let tasks = [task(1, 7, 70, 80), task(2, 8, 100, 80)];
        let check = |kinds_in: &[(i64, i64)], classes: &[(i64, i64)]| {
            let cut = Cut {
                kinds: kinds_in.to_vec(),
                classes: classes.to_vec(),
            };
            check_cut(0, &people(), &kinds(), &tasks, &cut)
        };
        assert_eq!(check(&[(7, 80)], &[(1, 80)]), Ok(10));
        assert_eq!(check(&[(7, 80), (8, 80)], &[(1, 80), (2, 80)]), Ok(30));
        assert_eq!(
            check(&[(8, 80)], &[(1, 80), (2, 80)]),
            Err(Hole::Fits {
                demand: 100,
                capacity: 140
            })
        );
        assert_eq!(check(&[(8, 80)], &[(1, 80)]), Err(Hole::Open { kind: 8, class: 2 }));
        assert_eq!(
            check(&[(8, 80)], &[(1, 80), (2, 79)]),
            Err(Hole::Open { kind: 8, class: 2 })
        );
    }
}
