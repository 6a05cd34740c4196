//! Placing one promise into a seating that stands: whoever was on time stays on time.
//!
//! Everybody keeps their seats, so a place that is found is a witness by itself. Where none is found, one or two others
//! may move over (an ejection chain), each to where it harms nobody.

use crate::interval::Minute;
use crate::load::{Ask, Load};
use crate::seating::Seating;
use crate::shift::NEVER;
use crate::team::{Job, NONE, Team};

/// A promise that is to be placed; `at` is its place among the team's jobs, or behind them for one that is asked for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Guest<'a> {
    pub job: &'a Job,
    pub at: u32,
}

/// Where a promise fits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    pub due: Minute,
    pub finish: Minute,
    pub person: u32,
    /// Before which entry of the list.
    pub position: usize,
}

/// A team and a seating that may be changed; `extra` is the job behind the team's own.
pub(crate) struct Floor<'a> {
    pub team: &'a Team,
    pub seating: Seating,
    pub extra: Option<Job>,
    /// Jobs that were on time at the beginning: they stay so.
    pub kept: Vec<bool>,
    /// How many entries of lists may still be looked at.
    pub steps: usize,
}

impl<'a> Floor<'a> {
    /// A seating as it stands.
    pub fn new(team: &'a Team, seating: Seating, steps: usize) -> Floor<'a> {
        let kept = (0..team.jobs.len())
            .map(|at| seating.is_on_time(&team.jobs, at))
            .collect();
        Floor {
            team,
            seating,
            extra: None,
            kept,
            steps,
        }
    }

    /// A job by its place.
    pub fn job(&self, at: u32) -> &Job {
        self.team
            .jobs
            .get(at as usize)
            .or(self.extra.as_ref())
            .expect("a place of a job is below their number")
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

    fn is_kept(&self, at: u32) -> bool {
        self.kept.get(at as usize).copied().unwrap_or(true)
    }

    fn keep(&mut self, at: u32, is_kept: bool) {
        if let Some(kept) = self.kept.get_mut(at as usize) {
            *kept = is_kept;
        }
    }

    /// Whether everybody of `rest` who was on time is so behind `load`.
    fn all_on_time(&self, person: u32, mut load: Load, rest: &[u32]) -> bool {
        let shift = &self.team.people[person as usize].shift;
        rest.iter().all(|&at| {
            let job = self.job(at);
            let ask = self.ask(person, job);
            let fits = !self.is_kept(at) || load.guaranteed(&ask, shift, &self.team.rules) <= job.due;
            load.add(&ask);
            fits
        })
    }

    /// The earliest date not before `want` at which `guest` fits into somebody's list, all others staying where they are.
    /// With `fixed` only `want` itself counts.
    pub fn place_with(&self, person: u32, guest: Guest<'_>, want: Minute, fixed: bool) -> Option<Place> {
        let shift = &self.team.people[person as usize].shift;
        let list = &self.seating.lists[person as usize];
        let ask = self.ask(person, guest.job);
        let mut load = Load::default();
        let mut after = Minute::MIN;
        for position in 0..=list.len() {
            // Of equals the one with the lower number goes first.
            let next = list.get(position).map(|&at| (self.job(at).due, self.job(at).id));
            let is_behind = |date: Minute| next.is_none_or(|next| next > (date, guest.job.id));
            let is_here = is_behind(want.max(after));
            if is_here {
                let finish = load.guaranteed(&ask, shift, &self.team.rules);
                let due = finish.max(want).max(after);
                // A date behind the horizon is given only where it is wanted.
                if finish == NEVER || due > self.team.end.max(want) || (fixed && due > want) {
                    return None;
                }
                if is_behind(due) {
                    let mut behind = load.clone();
                    behind.add(&ask);
                    if self.all_on_time(person, behind, &list[position..]) {
                        return Some(Place {
                            due,
                            finish,
                            person,
                            position,
                        });
                    }
                }
            }
            let Some(&at) = list.get(position) else { break };
            // Behind an equal with a higher number there is no place at its own due, only a minute later.
            let other = self.job(at);
            after = after.max(other.due + i64::from(other.id > guest.job.id));
            load.add(&self.ask(person, other));
        }
        None
    }

    /// The best of all who can do it: earliest date, then fewest skills.
    pub fn place(&self, guest: Guest<'_>, want: Minute, fixed: bool) -> Option<Place> {
        let skills = |person: u32| self.team.people[person as usize].skills;
        self.team
            .eligible(guest.job.kind)
            .filter_map(|person| self.place_with(person, guest, want, fixed))
            .min_by_key(|place| (place.due, skills(place.person), place.finish, place.person))
    }

    /// Where a promise that will be late is done first without hurting anybody, in its turn by its due.
    pub fn place_late(&self, guest: Guest<'_>) -> Option<Place> {
        let key = (guest.job.due, guest.job.id);
        let places = self.team.eligible(guest.job.kind).filter_map(|person| {
            let (shift, list) = (
                &self.team.people[person as usize].shift,
                &self.seating.lists[person as usize],
            );
            let position = list.partition_point(|&at| (self.job(at).due, self.job(at).id) < key);
            let mut load = Load::default();
            list[..position]
                .iter()
                .for_each(|&at| load.add(&self.ask(person, self.job(at))));
            let ask = self.ask(person, guest.job);
            let finish = load.guaranteed(&ask, shift, &self.team.rules);
            load.add(&ask);
            let place = Place {
                due: guest.job.due,
                finish,
                person,
                position,
            };
            self.all_on_time(person, load, &list[position..]).then_some(place)
        });
        places.min_by_key(|place| (place.finish, place.person))
    }

    /// Puts a promise where it fits.
    pub fn put(&mut self, at: u32, place: Place) {
        self.seating.lists[place.person as usize].insert(place.position, at);
        self.sit(at, place.person);
        self.refresh(place.person);
    }

    fn sit(&mut self, at: u32, person: u32) {
        if self.seating.seat.len() <= at as usize {
            self.seating.seat.resize(at as usize + 1, NONE);
            self.seating.finish.resize(at as usize + 1, NEVER);
        }
        self.seating.seat[at as usize] = person;
    }

    /// Takes a promise out of the list that it is in; where it stood.
    pub fn lift(&mut self, at: u32) -> Option<(u32, usize)> {
        let person = *self.seating.seat.get(at as usize).filter(|&&person| person != NONE)?;
        let position = self.seating.lists[person as usize]
            .iter()
            .position(|&other| other == at)?;
        self.seating.lists[person as usize].remove(position);
        self.sit(at, NONE);
        Some((person, position))
    }

    /// Counts the finishes of a list anew.
    pub fn refresh(&mut self, person: u32) {
        let mut load = Load::default();
        for place in 0..self.seating.lists[person as usize].len() {
            let at = self.seating.lists[person as usize][place];
            let ask = self.ask(person, self.job(at));
            let shift = &self.team.people[person as usize].shift;
            self.seating.finish[at as usize] = load.guaranteed(&ask, shift, &self.team.rules);
            load.add(&ask);
        }
    }

    /// Places a promise by `due`, moving up to `depth` others over, each to where it harms nobody. Nothing has changed
    /// where it gives false.
    pub fn squeeze(&mut self, guest: Guest<'_>, due: Minute, depth: usize) -> bool {
        if self.steps == 0 {
            return false;
        }
        let looked: usize = self
            .team
            .eligible(guest.job.kind)
            .map(|person| 1 + self.seating.lists[person as usize].len())
            .sum();
        self.steps = self.steps.saturating_sub(looked);
        if let Some(place) = self.place(guest, due, true) {
            self.put(guest.at, place);
            return true;
        }
        if depth == 0 {
            return false;
        }
        // Who moves over for it may not push it aside again.
        let was_kept = self.is_kept(guest.at);
        self.keep(guest.at, true);
        let people: Vec<u32> = self.team.eligible(guest.job.kind).collect();
        let found = people.into_iter().any(|person| self.eject(person, guest, due, depth));
        self.keep(guest.at, found || was_kept);
        found
    }

    /// Tries to make room with `person` by moving one of theirs over.
    fn eject(&mut self, person: u32, guest: Guest<'_>, due: Minute, depth: usize) -> bool {
        // Work that nobody has begun can move; what is late anyway is no reason.
        let movable: Vec<u32> = self.seating.lists[person as usize]
            .iter()
            .copied()
            .filter(|&at| self.job(at).owner != person && self.is_kept(at))
            .collect();
        for at in movable {
            let Some((from, position)) = self.lift(at) else {
                continue;
            };
            if let Some(place) = self.place_with(person, guest, due, true) {
                self.put(guest.at, place);
                let moved = *self.job(at);
                let other = Guest { job: &moved, at };
                if self.squeeze(other, moved.due, depth - 1) {
                    return true;
                }
                self.lift(guest.at);
                self.seating.lists[from as usize].insert(position, at);
                self.refresh(from);
            } else {
                // Taking it out counted nothing anew, so putting it back need not either.
                self.seating.lists[from as usize].insert(position, at);
            }
            self.sit(at, from);
            if self.steps == 0 {
                return false;
            }
        }
        false
    }
}
