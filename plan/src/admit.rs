//! `admit`: the earliest date not before the wanted one that can be kept without hurting anybody.
//!
//! Three gates, cheap to exact: slack profiles, fluid flow, and a witness timetable. The first two only refuse (what they
//! refuse is impossible for everybody, and they say why), the third only grants (it has the timetable). The witness is
//! looked for with everybody in their seats first; then the list is made anew with the request in it; then others may
//! move over. An offer stands in its own witness, so that plan and offer cannot disagree.

use crate::cut::Cut;
use crate::fingerprint::Fingerprint;
use crate::flow::Flow;
use crate::insertion::{Floor, Guest};
use crate::interval::{Interval, Minute};
use crate::limits;
use crate::load::Ask;
use crate::request::{NoDate, NotEarlier, Offer, Request};
use crate::schedule::Board;
use crate::seating::{Guide, Seating, seat};
use crate::shift::NEVER;
use crate::snapshot::{KindId, Promise, PromiseId, Snapshot};
use crate::team::{Job, NONE};
use crate::timetable::{lay_out, placements};

/// Asks for a date. A promise of that number that is open already is asked to move: it is planned without its date.
pub fn admit(snapshot: &Snapshot, request: &Request) -> Result<Offer, NoDate> {
    if snapshot.promises.iter().any(|promise| promise.id == request.id) {
        let mut without = snapshot.clone();
        without.promises.retain(|promise| promise.id != request.id);
        return Board::new(&without).admit(request);
    }
    Board::new(snapshot).admit(request)
}

/// The first minute not before `earliest` at which a customer can be answered; the last minute of a window counts.
fn within_hours(hours: &[Interval], earliest: Minute) -> Option<Minute> {
    if hours.is_empty() {
        return Some(earliest);
    }
    let open = hours.iter().filter(|one| one.minutes() > 0 && one.to >= earliest);
    open.map(|one| one.from.max(earliest)).min()
}

/// Jobs with the request among them, and their seating.
struct Witness {
    jobs: Vec<Job>,
    seating: Seating,
    due: Minute,
}

/// From when on a date is possible, and why not before.
struct Bounds {
    /// Wanted, less the guard.
    want: Minute,
    /// When somebody with nothing else to do would be done.
    alone: Minute,
    /// What gates 1 and 2 let through.
    fluid: Minute,
    cut: Option<Cut>,
}

/// What gate 2 says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fluid {
    /// The earliest date: the wanted one, or the end of a bucket; none within the horizon.
    pub date: Option<Minute>,
    /// Why it is not one bucket earlier.
    pub cut: Option<Cut>,
}

impl Board<'_> {
    /// Asks for a date; the request's number must not be open on this board.
    pub fn admit(&self, request: &Request) -> Result<Offer, NoDate> {
        let team = &self.team;
        let guard = team.rules.guard_of(request.moves);
        let want = request.want.clamp(team.now - team.rules.horizon, i64::MAX / 4) - guard;
        let job = self.asked(request, want);
        let alone = self.alone(request, &job)?;
        let mut bounds = Bounds {
            want,
            alone,
            fluid: want.max(alone),
            cut: None,
        };
        self.pass_profiles(request, &job, &mut bounds)?;
        let witness = match self.place(job, bounds.fluid) {
            Some(found) if found.due == bounds.fluid => found,
            found => {
                // Most wishes that need another timetable have one at once.
                let (wish, mut steps) = (
                    Job {
                        due: bounds.fluid,
                        ..job
                    },
                    limits::WISH_STEPS,
                );
                if let Some(granted) = self.witness_at(wish, &mut steps) {
                    return self.offer(request, self.tightened(granted, job.id, bounds.fluid), bounds);
                }
                self.pass_flow(request, &job, &mut bounds)?;
                self.search(job, bounds.fluid, found).ok_or(NoDate::Full {
                    until: team.end,
                    cut: None,
                })?
            }
        };
        self.offer(request, witness, bounds)
    }

    fn asked(&self, request: &Request, due: Minute) -> Job {
        let low = request.severity >= 3;
        let job = self.team.job(&Promise {
            id: request.id,
            kind: request.kind,
            severity: request.severity,
            due,
            owner: request.owner,
            seat: None,
            work: request.work,
            not_before: request.not_before,
            tentative: true,
            moves: request.moves,
        });
        Job {
            reserve_percent: if low {
                self.team.rules.low_reserve_percent as u8
            } else {
                0
            },
            ..job
        }
    }

    /// The earliest end of the work in the hands of somebody with nothing else to do: its own worst case and half a
    /// quantum must fit.
    fn alone(&self, request: &Request, job: &Job) -> Result<Minute, NoDate> {
        let team = &self.team;
        let half = team.rules.quantum / 2;
        let ends = team.eligible(job.kind).map(|person| {
            let shift = &team.people[person as usize].shift;
            let ask = Ask::of(job, person, shift, team.now, &team.rules);
            shift.reached(ask.release + ask.worst + half)
        });
        match ends.min() {
            None => Err(NoDate::Nobody { kind: request.kind }),
            Some(NEVER) => Err(NoDate::TooLong {
                minutes: i64::from(job.worst) + half,
                most: team
                    .eligible(job.kind)
                    .map(|person| team.people[person as usize].shift.total())
                    .max()
                    .unwrap_or(0),
            }),
            Some(end) => Ok(end),
        }
    }

    /// Gate 1.
    fn pass_profiles(&self, request: &Request, job: &Job, bounds: &mut Bounds) -> Result<(), NoDate> {
        let (profiles, minutes) = (self.profiles(), i64::from(job.planned));
        let date = profiles.earliest(request.kind, minutes, bounds.fluid);
        if date == Some(bounds.fluid) {
            return Ok(());
        }
        let grid = profiles.grid();
        let last = date.map_or(grid.count, |date| grid.last(date));
        let refused = grid.end(last.saturating_sub(1));
        bounds.cut = self.cut_of_profiles(profiles, request.kind, minutes, refused);
        self.not_before_bucket_of(date, bounds)
    }

    /// Nothing before the bucket that ends at `date` is possible; inside it the timetable decides to the minute.
    fn not_before_bucket_of(&self, date: Option<Minute>, bounds: &mut Bounds) -> Result<(), NoDate> {
        let date = date.ok_or_else(|| NoDate::Full {
            until: self.team.end,
            cut: bounds.cut.clone().map(Box::new),
        })?;
        bounds.fluid = bounds.fluid.max(date - self.team.rules.bucket + 1);
        Ok(())
    }

    /// Gate 2, where gate 1 is not exact.
    fn pass_flow(&self, request: &Request, job: &Job, bounds: &mut Bounds) -> Result<(), NoDate> {
        if self.profiles().is_exact() {
            return Ok(());
        }
        let fluid = self.fluid(request.kind, i64::from(job.planned), bounds.fluid);
        if fluid.date == Some(bounds.fluid) {
            return Ok(());
        }
        bounds.cut = fluid.cut.or(bounds.cut.take());
        self.not_before_bucket_of(fluid.date, bounds)
    }

    /// Gate 2 by itself: the earliest date not before `want` by which planned minutes of a kind flow, and the least cut at
    /// the last bucket before it.
    pub fn fluid(&self, kind: KindId, minutes: i64, want: Minute) -> Fluid {
        let grid = self.profiles().grid();
        let Some(place) = self.team.kind_place(kind) else {
            return Fluid { date: None, cut: None };
        };
        let first = grid.last(want);
        let pushed = Flow::of(&self.team, grid, &self.profiles().capacity).push(place as usize, first, minutes, true);
        let refused = pushed.bucket.unwrap_or(grid.count).saturating_sub(1);
        let asked = Some((kind, minutes, grid.end(refused)));
        Fluid {
            date: pushed
                .bucket
                .map(|bucket| if bucket == first { want } else { grid.end(bucket) }),
            cut: pushed.cut.map(|below| self.cut(grid, &below, asked)),
        }
    }

    /// Gate 3 with everybody in their seats: the earliest date from `first` on.
    fn place(&self, mut job: Job, first: Minute) -> Option<Witness> {
        let at = self.team.jobs.len() as u32;
        let mut floor = Floor::new(&self.team, self.seating.clone(), 0);
        let place = floor.place(Guest { job: &job, at }, first, false)?;
        job.due = place.due;
        floor.extra = Some(job);
        floor.put(at, place);
        Some(self.with(floor.seating, job))
    }

    /// Gate 3 where others may sit elsewhere: dates from `first` on, before the one that was found with all seats kept.
    /// Answers are not monotone for a list schedule, so the first dates are tried one by one, later ones thinned out.
    fn search(&self, job: Job, first: Minute, found: Option<Witness>) -> Option<Witness> {
        let until = found.as_ref().map_or(self.team.end + 1, |found| found.due);
        let (mut date, mut step) = (first, self.team.rules.bucket);
        let mut steps = limits::ADMIT_STEPS;
        for tried in 0..limits::SEARCHED_DATES {
            if date >= until {
                break;
            }
            if let Some(better) = self.witness_at(Job { due: date, ..job }, &mut steps) {
                return Some(self.tightened(better, job.id, first));
            }
            if tried >= limits::SEARCHED_DATES / 2 {
                step *= 2;
            }
            date += step;
        }
        found
    }

    /// A witness for exactly this due: the list made anew, or others moved over.
    fn witness_at(&self, job: Job, steps: &mut usize) -> Option<Witness> {
        let (jobs, at) = self.jobs_with(job);
        let fresh = seat(&self.team, &jobs, Guide::Fresh);
        if self.first_hurt_by(&jobs, &fresh, at).is_none() {
            return Some(Witness {
                jobs,
                seating: fresh,
                due: job.due,
            });
        }
        if *steps == 0 {
            return None;
        }
        let at = self.team.jobs.len() as u32;
        let mut floor = Floor::new(&self.team, self.seating.clone(), *steps);
        floor.extra = Some(job);
        let is_in = floor.squeeze(Guest { job: &job, at }, job.due, 2);
        *steps = floor.steps;
        is_in.then(|| self.with(floor.seating, job))
    }

    /// The same seats with the request due as early as it is done there, but not before `first`.
    fn tightened(&self, mut witness: Witness, id: PromiseId, first: Minute) -> Witness {
        let Some(at) = witness.jobs.iter().position(|job| job.id == id) else {
            return witness;
        };
        let list = &witness.seating.lists[witness.seating.seat[at] as usize];
        let before = list
            .iter()
            .take_while(|&&other| other as usize != at)
            .last()
            .map(|&other| &witness.jobs[other as usize]);
        let after = before.map_or(Minute::MIN, |other| other.due + i64::from(other.id > id));
        let due = witness.seating.finish[at].max(first).max(after);
        if due >= witness.due {
            return witness;
        }
        let to = witness.jobs.partition_point(|other| (other.due, other.id) < (due, id));
        witness.jobs[at].due = due;
        witness.jobs[to..=at].rotate_right(1);
        witness.seating.seat[to..=at].rotate_right(1);
        witness.seating.finish[to..=at].rotate_right(1);
        let moved = |other: &mut u32| match *other as usize {
            place if place == at => *other = to as u32,
            place if (to..at).contains(&place) => *other += 1,
            _ => {}
        };
        witness.seating.lists.iter_mut().flatten().for_each(moved);
        Witness { due, ..witness }
    }

    fn jobs_with(&self, job: Job) -> (Vec<Job>, usize) {
        let mut jobs = Vec::with_capacity(self.team.jobs.len() + 1);
        jobs.extend_from_slice(&self.team.jobs);
        let at = jobs.partition_point(|other| (other.due, other.id) < (job.due, job.id));
        jobs.insert(at, job);
        (jobs, at)
    }

    /// Who was on time and is not with the request at place `at`, or the request itself.
    fn first_hurt_by(&self, jobs: &[Job], seating: &Seating, at: usize) -> Option<PromiseId> {
        let hurt = (0..jobs.len()).find(|&place| {
            let before = if place > at { place - 1 } else { place };
            let was = place == at || self.seating.is_on_time(&self.team.jobs, before);
            was && !seating.is_on_time(jobs, place)
        });
        hurt.map(|place| jobs[place].id)
    }

    /// A seating in which the request stands last becomes one in which it stands in its place.
    fn with(&self, mut seating: Seating, job: Job) -> Witness {
        let last = self.team.jobs.len();
        let (jobs, at) = self.jobs_with(job);
        let (own, finish) = (seating.seat.remove(last), seating.finish.remove(last));
        seating.seat.insert(at, own);
        seating.finish.insert(at, finish);
        let shifted = |other: &mut u32| match *other as usize {
            place if place == last => *other = at as u32,
            place if place >= at => *other += 1,
            _ => {}
        };
        seating.lists.iter_mut().flatten().for_each(shifted);
        Witness {
            jobs,
            seating,
            due: job.due,
        }
    }

    fn offer(&self, request: &Request, witness: Witness, bounds: Bounds) -> Result<Offer, NoDate> {
        let team = &self.team;
        let moved = witness.due > bounds.want;
        let promised = if moved {
            let earliest = witness.due + team.rules.guard_of(request.moves.max(1));
            within_hours(&request.hours, earliest).ok_or(NoDate::NoHours { earliest })?
        } else {
            bounds.want + team.rules.guard_of(request.moves)
        };
        let (jobs, seating) = (&witness.jobs, &witness.seating);
        let id = |person: u32| team.people[person as usize].id;
        let seated = (0..jobs.len()).filter(|&at| seating.seat[at] != NONE);
        let own = placements(team, jobs, seating)
            .into_iter()
            .find(|placement| placement.promise == request.id);
        let own = own.and_then(|own| Some((own.engineer?, own.starts?, own.finish_guaranteed?)));
        // A witness has its request seated; without one there would be no offer.
        let Some((engineer, starts, finish_guaranteed)) = own else {
            return Err(NoDate::Nobody { kind: request.kind });
        };
        Ok(Offer {
            promised,
            due: witness.due,
            moved,
            for_lead: moved && request.severity <= 1,
            engineer,
            starts,
            finish_guaranteed,
            witness: lay_out(team, jobs, seating),
            seats: seated.map(|at| (jobs[at].id, id(seating.seat[at]))).collect(),
            why_not_earlier: moved.then(|| self.why_not_earlier(request, &witness, bounds)),
            fingerprint: Fingerprint::of(self.snapshot),
            valid_until: team.now + team.rules.reservation,
        })
    }

    fn why_not_earlier(&self, request: &Request, witness: &Witness, bounds: Bounds) -> NotEarlier {
        if witness.due == bounds.alone {
            return NotEarlier::Work { alone: bounds.alone };
        }
        if witness.due < bounds.fluid + self.team.rules.bucket
            && let Some(cut) = bounds.cut
        {
            return NotEarlier::Cut(cut);
        }
        let team = &self.team;
        let earlier = Job {
            due: bounds.fluid,
            ..self.asked(request, bounds.fluid)
        };
        let (jobs, at) = self.jobs_with(earlier);
        let fresh = seat(team, &jobs, Guide::Fresh);
        let able: Vec<u32> = team.eligible(earlier.kind).collect();
        let capacity = able
            .iter()
            .map(|&person| team.people[person as usize].shift.before(earlier.due))
            .sum();
        let theirs = able.iter().flat_map(|&person| &self.seating.lists[person as usize]);
        let due_before = theirs
            .map(|&other| &team.jobs[other as usize])
            .filter(|job| job.due <= earlier.due);
        NotEarlier::Timetable {
            at: earlier.due,
            capacity,
            promised: due_before.map(|job| i64::from(job.planned)).sum(),
            asked: i64::from(earlier.worst),
            hurt: self.first_hurt_by(&jobs, &fresh, at).filter(|&hurt| hurt != request.id),
        }
    }
}
