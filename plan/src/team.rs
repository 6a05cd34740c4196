//! A snapshot, indexed: engineers with their counted minutes, classes and kinds by place, promises in order of due.
//!
//! Ids become places in sorted lists, so that the order in which a snapshot came cannot matter. Built once, read by every
//! gate.

use crate::interval::{Interval, Minute};
use crate::limits;
use crate::shift::Shift;
use crate::snapshot::{ClassId, EngineerId, KindId, Promise, PromiseId, Rules, Snapshot, Work};
use crate::wall;

/// No place: nobody, no kind.
pub(crate) const NONE: u32 = u32::MAX;

/// An engineer.
#[derive(Debug, Clone)]
pub(crate) struct Person {
    pub id: EngineerId,
    pub class: u32,
    /// How many kinds they can answer: fewer go first.
    pub skills: u32,
    pub shift: Shift,
    pub running: Option<PromiseId>,
    /// Sick or gone, not only at lunch: what they have begun may be taken over.
    pub is_absent: bool,
}

/// A class with its engineers' places.
#[derive(Debug, Clone)]
pub(crate) struct Class {
    pub id: ClassId,
    pub members: Vec<u32>,
    pub skills: u32,
}

/// A kind with the places of the classes that can answer it.
#[derive(Debug, Clone)]
pub(crate) struct KindRow {
    pub id: KindId,
    pub classes: Vec<u32>,
}

/// A promise as the gates see it, small since there may be a million.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Job {
    pub id: PromiseId,
    pub due: Minute,
    pub kind: u32,
    pub owner: u32,
    pub seat: u32,
    /// Minutes it takes out of a calendar, overhead included.
    pub planned: u32,
    pub worst: u32,
    pub variance: u32,
    /// Minutes after now before which it cannot go on.
    pub release: u32,
    pub severity: u8,
    pub moves: u8,
    /// What part of the time it does not see: of severity 3 and 4 while it is asked for.
    pub reserve_percent: u8,
}

/// A snapshot, indexed.
#[derive(Debug, Clone)]
pub(crate) struct Team {
    pub now: Minute,
    /// End of the horizon.
    pub end: Minute,
    pub rules: Rules,
    pub people: Vec<Person>,
    pub classes: Vec<Class>,
    pub kinds: Vec<KindRow>,
    /// By (due, id).
    pub jobs: Vec<Job>,
}

/// Rules within the planner's bounds.
fn bounded(rules: &Rules) -> Rules {
    let horizon = rules.horizon.clamp(1, limits::HORIZON);
    Rules {
        horizon,
        bucket: rules.bucket.clamp(1, horizon).max(horizon / limits::BUCKETS),
        quantum: rules.quantum.clamp(1, 24 * 60),
        stretch: rules.stretch.clamp(0, 24 * 60),
        z_percent: rules.z_percent.clamp(0, 1000),
        low_reserve_percent: rules.low_reserve_percent.clamp(0, 90),
        overhead_percent: rules.overhead_percent.clamp(0, 200),
        handover: rules.handover.clamp(0, limits::WORK),
        reservation: rules.reservation.clamp(0, limits::HORIZON),
    }
}

impl Team {
    /// Indexes a snapshot.
    pub fn new(snapshot: &Snapshot) -> Team {
        let rules = bounded(&snapshot.rules);
        // Far from the ends of the number, so that no sum of times overflows.
        let now = snapshot.now.clamp(i64::MIN / 4, i64::MAX / 4);
        let mut team = Team {
            now,
            end: now + rules.horizon,
            classes: classes(snapshot),
            rules,
            people: Vec::new(),
            kinds: Vec::new(),
            jobs: Vec::new(),
        };
        team.index_kinds(snapshot);
        team.index_people(snapshot);
        team.jobs = snapshot.promises.iter().map(|promise| team.job(promise)).collect();
        // Two promises of one number are told apart by everything, so that their order in the snapshot does not matter.
        let key = |job: &Job| (job.due, job.id, job.kind, job.owner, job.seat, job.planned, job.worst);
        team.jobs.sort_unstable_by_key(key);
        // A desk hands its promises in by number: then none can be there twice.
        if !snapshot.promises.is_sorted_by(|a, b| a.id < b.id) {
            drop_repeated(&mut team.jobs);
        }
        team
    }

    fn index_kinds(&mut self, snapshot: &Snapshot) {
        let mut order: Vec<usize> = (0..snapshot.kinds.len()).collect();
        order.sort_by_key(|&at| snapshot.kinds[at].id);
        order.dedup_by_key(|at| snapshot.kinds[*at].id);
        for at in order {
            let kind = &snapshot.kinds[at];
            let mut places: Vec<u32> = kind.classes.iter().filter_map(|&id| self.class_place(id)).collect();
            places.sort_unstable();
            places.dedup();
            for &place in &places {
                self.classes[place as usize].skills += 1;
            }
            self.kinds.push(KindRow {
                id: kind.id,
                classes: places,
            });
        }
    }

    fn index_people(&mut self, snapshot: &Snapshot) {
        let mut order: Vec<usize> = (0..snapshot.engineers.len()).collect();
        order.sort_by_key(|&at| snapshot.engineers[at].id);
        order.dedup_by_key(|at| snapshot.engineers[*at].id);
        for at in order {
            let engineer = &snapshot.engineers[at];
            let from = self.now.max(engineer.absent_until.unwrap_or(self.now));
            let window = Interval::new(from, self.end);
            let free = wall::allowed(&engineer.free, &engineer.allowances, window);
            let Some(class) = self.class_place(engineer.class) else {
                continue;
            };
            let place = self.people.len() as u32;
            let row = &mut self.classes[class as usize];
            row.members.push(place);
            self.people.push(Person {
                id: engineer.id,
                class,
                skills: row.skills,
                shift: Shift::new(&free, window),
                running: engineer.running,
                is_absent: from > self.now,
            });
        }
    }

    /// A promise as the gates see it.
    pub fn job(&self, promise: &Promise) -> Job {
        let work = self.bounded_work(promise.work);
        let waits = promise.not_before.unwrap_or(self.now).clamp(self.now, self.end) - self.now;
        Job {
            id: promise.id,
            kind: self.kind_place(promise.kind).unwrap_or(NONE),
            owner: promise.owner.and_then(|id| self.person_place(id)).unwrap_or(NONE),
            seat: promise.seat.and_then(|id| self.person_place(id)).unwrap_or(NONE),
            due: promise.due.clamp(i64::MIN / 4, i64::MAX / 4),
            planned: work.mean as u32,
            worst: work.worst as u32,
            variance: work.variance as u32,
            release: waits as u32,
            severity: promise.severity.clamp(1, 4),
            moves: promise.moves,
            reserve_percent: 0,
        }
    }

    /// Work within bounds, its mean with overhead; the worst case is never less than what is planned.
    pub fn bounded_work(&self, work: Work) -> Work {
        let mean = self.rules.planned(work.mean.clamp(1, limits::WORK));
        Work {
            mean,
            variance: work.variance.clamp(0, i64::from(u32::MAX)),
            worst: work.worst.clamp(1, limits::WORK).max(mean),
        }
    }

    /// Place of a class.
    pub fn class_place(&self, id: ClassId) -> Option<u32> {
        place(&self.classes, id, |class| class.id)
    }

    /// Place of a kind.
    pub fn kind_place(&self, id: KindId) -> Option<u32> {
        place(&self.kinds, id, |kind| kind.id)
    }

    /// Place of an engineer.
    pub fn person_place(&self, id: EngineerId) -> Option<u32> {
        place(&self.people, id, |person| person.id)
    }

    /// Whether an engineer can answer a kind.
    pub fn can(&self, person: u32, kind: u32) -> bool {
        let Some(row) = self.kinds.get(kind as usize) else {
            return false;
        };
        let Some(person) = self.people.get(person as usize) else {
            return false;
        };
        row.classes.binary_search(&person.class).is_ok()
    }

    /// Everybody who can answer a kind, by place.
    pub fn eligible(&self, kind: u32) -> impl Iterator<Item = u32> + '_ {
        let classes = self.kinds.get(kind as usize).map_or(&[][..], |row| &row.classes);
        classes
            .iter()
            .flat_map(|&class| self.classes[class as usize].members.iter().copied())
    }
}

fn classes(snapshot: &Snapshot) -> Vec<Class> {
    let mut ids: Vec<ClassId> = snapshot.engineers.iter().map(|engineer| engineer.class).collect();
    ids.sort_unstable();
    ids.dedup();
    let class = |id| Class {
        id,
        members: Vec::new(),
        skills: 0,
    };
    ids.into_iter().map(class).collect()
}

/// Two promises of one number: the one due first counts.
fn drop_repeated(jobs: &mut Vec<Job>) {
    let mut ids: Vec<PromiseId> = jobs.iter().map(|job| job.id).collect();
    ids.sort_unstable();
    if ids.windows(2).all(|pair| pair[0] != pair[1]) {
        return;
    }
    let mut seen = std::collections::BTreeSet::new();
    jobs.retain(|job| seen.insert(job.id));
}

fn place<T>(list: &[T], id: i64, of: impl Fn(&T) -> i64) -> Option<u32> {
    list.binary_search_by_key(&id, of).ok().map(|at| at as u32)
}
