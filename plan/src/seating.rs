//! The list rule: seats promises one after the other, earliest due first.
//!
//! A begun promise stays with its owner unless that makes it late; any other goes to the eligible engineer who is free
//! first, of equals the one with the fewest skills, and if that one would be late to the one who is done first (free first
//! on Friday at 16:40 before two weeks of leave is not done first). What may guide it: seats of the last certified
//! timetable, or a class for each promise, read off the flow.

use crate::heap::Heaps;
use crate::interval::Minute;
use crate::limits;
use crate::load::{Ask, Load};
use crate::team::{Job, NONE, Team};

/// What the list rule goes by before it chooses by itself.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Guide<'a> {
    /// By itself.
    Fresh,
    /// The seats of the last certified timetable, in time there or not: the witness as it was. Promises without a seat as
    /// fresh.
    Kept,
    /// The class that the flow gives a promise to.
    Flow(&'a [u32]),
}

/// Who does what.
#[derive(Debug, Clone)]
pub(crate) struct Seating {
    /// For each engineer the places of jobs, earliest due first.
    pub lists: Vec<Vec<u32>>,
    /// For each job the place of its engineer, or [`NONE`].
    pub seat: Vec<u32>,
    /// For each job when it is done in the worst case that is provided for.
    pub finish: Vec<Minute>,
}

impl Seating {
    /// Whether a job is done by its due.
    pub fn is_on_time(&self, jobs: &[Job], job: usize) -> bool {
        self.finish[job] <= jobs[job].due
    }

    /// How many are late, and by how many minutes in all: the smaller the better. Each is late by at most the horizon.
    pub fn harm(&self, team: &Team, jobs: &[Job]) -> (usize, i64) {
        let (mut count, mut minutes) = (0, 0);
        for (job, &finish) in jobs.iter().zip(&self.finish).filter(|&(job, &finish)| finish > job.due) {
            count += 1;
            minutes += (finish.min(team.end) - job.due).clamp(1, team.rules.horizon);
        }
        (count, minutes)
    }
}

/// A list schedule under construction.
pub(crate) struct Listing<'a> {
    team: &'a Team,
    loads: Vec<Load>,
    heaps: Heaps,
}

/// Seats jobs, in order of their due, by the list rule.
pub(crate) fn seat(team: &Team, jobs: &[Job], guide: Guide<'_>) -> Seating {
    let mut listing = Listing::new(team);
    let mut seating = Seating {
        lists: vec![Vec::new(); team.people.len()],
        seat: Vec::with_capacity(jobs.len()),
        finish: Vec::with_capacity(jobs.len()),
    };
    for (at, job) in jobs.iter().enumerate() {
        let (person, finish) = listing.choose(job, at, guide);
        if person != NONE {
            listing.take(person, job);
            seating.lists[person as usize].push(at as u32);
        }
        seating.seat.push(person);
        seating.finish.push(finish);
    }
    seating
}

impl<'a> Listing<'a> {
    fn new(team: &'a Team) -> Listing<'a> {
        let heaps = Heaps::new(team);
        Listing {
            team,
            loads: vec![Load::default(); team.people.len()],
            heaps,
        }
    }

    fn ask(&self, person: u32, job: &Job) -> Ask {
        Ask::of(
            job,
            person,
            &self.team.people[person as usize].shift,
            self.team.now,
            &self.team.rules,
        )
    }

    /// When `person` would be done with it, guaranteed.
    fn finish(&self, person: u32, job: &Job) -> Minute {
        let ask = self.ask(person, job);
        let shift = &self.team.people[person as usize].shift;
        self.loads[person as usize].guaranteed(&ask, shift, &self.team.rules)
    }

    fn choose(&self, job: &Job, at: usize, guide: Guide<'_>) -> (u32, Minute) {
        if matches!(guide, Guide::Kept) && job.seat != NONE && self.team.can(job.seat, job.kind) {
            return (job.seat, self.finish(job.seat, job));
        }
        let owned =
            (job.owner != NONE && self.team.can(job.owner, job.kind)).then(|| (job.owner, self.finish(job.owner, job)));
        if let Some((owner, finish)) = owned.filter(|&(_, finish)| finish <= job.due) {
            return (owner, finish);
        }
        let other = self.guided(job, at, guide).unwrap_or_else(|| self.pick(job));
        match owned {
            // Nobody is on time: then it changes hands only where that is sooner.
            Some(owned) if other.1 > job.due && other.1 >= owned.1 => owned,
            _ => other,
        }
    }

    fn guided(&self, job: &Job, at: usize, guide: Guide<'_>) -> Option<(u32, Minute)> {
        let person = match guide {
            Guide::Fresh | Guide::Kept => None,
            Guide::Flow(classes) => classes
                .get(at)
                .filter(|&&class| class != NONE)
                .and_then(|&class| self.heaps.top(class)),
        }?;
        Some((person, self.finish(person, job))).filter(|&(_, finish)| finish <= job.due)
    }

    /// Free first, and if that is late, done first; nobody where nobody can.
    fn pick(&self, job: &Job) -> (u32, Minute) {
        let Some(kind) = self.team.kinds.get(job.kind as usize) else {
            return (NONE, crate::shift::NEVER);
        };
        let tops = kind.classes.iter().filter_map(|&class| self.heaps.top(class));
        let Some(first) = tops.min_by_key(|&person| (self.heaps.free(person), self.skills(person), person)) else {
            return (NONE, crate::shift::NEVER);
        };
        let finish = self.finish(first, job);
        if finish <= job.due {
            return (first, finish);
        }
        let near = kind
            .classes
            .iter()
            .flat_map(|&class| self.heaps.near_top(class, limits::DONE_FIRST_LOOK));
        let done = near
            .map(|person| (self.finish(person, job), self.skills(person), person))
            .min();
        done.map_or((first, finish), |(finish, _, person)| (person, finish))
    }

    fn skills(&self, person: u32) -> u32 {
        self.team.people[person as usize].skills
    }

    fn take(&mut self, person: u32, job: &Job) {
        let ask = self.ask(person, job);
        let load = &mut self.loads[person as usize];
        load.add(&ask);
        let free = self.team.people[person as usize].shift.begins(load.minutes);
        self.heaps.busy_until(person, free);
    }
}
