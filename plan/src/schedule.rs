//! `plan`: who works on what, when each promise is done, and which are in danger.
//!
//! The timetable is the best of several witnesses: the list rule by itself, the seats of the last certified timetable,
//! and, where skills overlap and promises are late in both, the list rule guided by the flow; what is still late may then
//! move others over. Pure: the same snapshot gives the same plan, byte for byte, in whatever order it came.

use crate::cut::Cut;
use crate::fingerprint::Fingerprint;
use crate::guide;
use crate::insertion::{Floor, Guest};
use crate::interval::Minute;
use crate::limits;
use crate::risk::Risk;
use crate::seating::{Guide, Seating, seat};
use crate::slack::Profiles;
use crate::snapshot::{EngineerId, PromiseId, Snapshot};
use crate::team::{Job, NONE, Team};
use crate::timetable::{Placement, Timetable, lay_out, placements};
use serde::{Deserialize, Serialize};
use std::sync::OnceLock;

/// Who works on what, and what becomes of each promise.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// The instant that it was made for.
    pub now: Minute,
    /// Who works on what from when to when.
    pub timetable: Timetable,
    /// What becomes of each promise, in order of their numbers.
    pub placements: Vec<Placement>,
    /// Promises in danger, the earliest due first.
    pub at_risk: Vec<Risk>,
    /// Where there is more promised work than time.
    pub shortage: Vec<Cut>,
    /// Of the snapshot: what was planned from.
    pub fingerprint: u64,
}

impl Plan {
    /// What becomes of a promise.
    pub fn placement(&self, promise: PromiseId) -> Option<&Placement> {
        let found = self
            .placements
            .binary_search_by_key(&promise, |placement| placement.promise);
        found.ok().map(|at| &self.placements[at])
    }

    /// Everybody's seat, to be handed in with the next snapshot ([`crate::snapshot::Promise::seat`]).
    pub fn seats(&self) -> impl Iterator<Item = (PromiseId, Option<EngineerId>)> + '_ {
        self.placements
            .iter()
            .map(|placement| (placement.promise, placement.engineer))
    }
}

/// Plans a desk.
pub fn plan(snapshot: &Snapshot) -> Plan {
    Board::new(snapshot).plan()
}

/// A snapshot with its best seating: what `plan`, `admit` and the dispatcher start from. Built once an event.
#[derive(Debug, Clone)]
pub struct Board<'a> {
    pub(crate) snapshot: &'a Snapshot,
    pub(crate) team: Team,
    pub(crate) seating: Seating,
    /// Made when first asked for.
    profiles: OnceLock<Profiles>,
}

impl<'a> Board<'a> {
    /// Seats a snapshot.
    pub fn new(snapshot: &'a Snapshot) -> Board<'a> {
        Board::within(snapshot, limits::REPAIR_STEPS)
    }

    /// Seats a snapshot and looks at no more than so many entries of lists to help what is late: for somebody who asks at
    /// each event, and so keeps what an earlier board found as seats.
    pub fn within(snapshot: &'a Snapshot, steps: usize) -> Board<'a> {
        let team = Team::new(snapshot);
        let seating = best_seating(&team, steps);
        Board {
            snapshot,
            team,
            seating,
            profiles: OnceLock::new(),
        }
    }

    /// The plan of this board.
    pub fn plan(&self) -> Plan {
        Plan {
            now: self.snapshot.now,
            timetable: self.timetable(),
            placements: placements(&self.team, &self.team.jobs, &self.seating),
            at_risk: self.risks(),
            shortage: self.shortages(),
            fingerprint: Fingerprint::of(self.snapshot),
        }
    }

    /// Who works on what from when to when.
    pub fn timetable(&self) -> Timetable {
        lay_out(&self.team, &self.team.jobs, &self.seating)
    }

    /// How many promises are late in the worst case that is provided for.
    pub fn late(&self) -> usize {
        self.seating.harm(&self.team, &self.team.jobs).0
    }

    /// Its slack profiles: gate 1.
    pub fn profiles(&self) -> &Profiles {
        self.profiles.get_or_init(|| Profiles::of(&self.team))
    }

    /// What becomes of each promise, in order of their numbers: a plan without its timetable, risks and shortages.
    pub fn placements(&self) -> Vec<Placement> {
        placements(&self.team, &self.team.jobs, &self.seating)
    }

    /// Everybody's seat, to be handed in with the next snapshot; cheaper than a whole plan.
    pub fn seats(&self) -> impl Iterator<Item = (PromiseId, Option<EngineerId>)> + '_ {
        let id = |person: u32| self.team.people.get(person as usize).map(|person| person.id);
        self.team
            .jobs
            .iter()
            .zip(&self.seating.seat)
            .map(move |(job, &seat)| (job.id, id(seat)))
    }

    /// Place of a promise among the jobs.
    pub(crate) fn job_place(&self, promise: PromiseId) -> Option<usize> {
        self.team.jobs.iter().position(|job| job.id == promise)
    }
}

/// The witness with the fewest late promises; of equals the one that was looked at first.
///
/// Where somebody is late, what the last certified timetable keeps stays kept: a witness that saves others at the price of
/// such a promise is none, however many it saves.
pub(crate) fn best_seating(team: &Team, steps: usize) -> Seating {
    let jobs = &team.jobs;
    let mut best = seat(team, jobs, Guide::Fresh);
    let mut harm = best.harm(team, jobs);
    if harm.0 == 0 {
        return best;
    }
    let mut certified: Vec<usize> = Vec::new();
    if jobs.iter().any(|job| job.seat != NONE) {
        let kept = seat(team, jobs, Guide::Kept);
        certified = (0..jobs.len())
            .filter(|&at| jobs[at].seat != NONE && kept.is_on_time(jobs, at))
            .collect();
        let harm_of_kept = kept.harm(team, jobs);
        if harm_of_kept <= harm || !keeps(&best, jobs, &certified) {
            (best, harm) = (kept, harm_of_kept);
        }
    }
    for margin in guide::MARGINS {
        if harm.0 <= limits::LATE_BEFORE_FLOW {
            break;
        }
        let classes = guide::classes(team, margin);
        let guided = seat(team, jobs, Guide::Flow(&classes));
        let harm_of_guided = guided.harm(team, jobs);
        if harm_of_guided < harm && keeps(&guided, jobs, &certified) {
            (best, harm) = (guided, harm_of_guided);
        }
    }
    if harm.0 > 0 { repaired(team, best, steps) } else { best }
}

fn keeps(seating: &Seating, jobs: &[Job], certified: &[usize]) -> bool {
    certified.iter().all(|&at| seating.is_on_time(jobs, at))
}

/// Moves others over for what is late, where that harms nobody.
fn repaired(team: &Team, seating: Seating, steps: usize) -> Seating {
    let late: Vec<u32> = (0..team.jobs.len() as u32)
        .filter(|&at| !seating.is_on_time(&team.jobs, at as usize))
        .collect();
    let mut floor = Floor::new(team, seating, steps);
    for at in late {
        let job = team.jobs[at as usize];
        if floor.steps == 0 {
            break;
        }
        let before = floor.seating.finish[at as usize];
        let Some((person, position)) = floor.lift(at) else {
            continue;
        };
        let guest = Guest { job: &job, at };
        if job.due > team.now && floor.squeeze(guest, job.due, 2) {
            floor.kept[at as usize] = true;
            floor.refresh(person);
        } else if let Some(sooner) = floor.place_late(guest).filter(|place| place.finish < before) {
            floor.put(at, sooner);
            floor.refresh(person);
        } else {
            floor.seating.lists[person as usize].insert(position, at);
            floor.seating.seat[at as usize] = person;
            floor.refresh(person);
        }
    }
    floor.seating
}
