//! The timetable: who works on what, from when to when. The witness that dates can be kept.
//!
//! Each engineer's list is laid out minute by minute, earliest due first; work that waits comes in when it can go on, and
//! what is then in hand is put aside. Reserve and worst cases are not laid out: they are what is left free behind each
//! entry, and `finish_guaranteed` counts them.

use crate::interval::{Interval, Minute};
use crate::load::Ask;
use crate::seating::Seating;
use crate::shift::NEVER;
use crate::snapshot::{EngineerId, PromiseId};
use crate::team::{Job, NONE, Team};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// What an entry of a timetable is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Hand {
    /// Nobody has begun it.
    Begin,
    /// Its owner goes on.
    GoOn,
    /// Begun by somebody else, who would be late with it.
    TakeOver,
}

/// A piece of work in somebody's day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Entry {
    /// On what.
    pub promise: PromiseId,
    /// First minute.
    pub from: Minute,
    /// First minute behind.
    pub to: Minute,
    /// Whose case it was.
    pub hand: Hand,
}

/// What one engineer does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Row {
    /// Who.
    pub engineer: EngineerId,
    /// In order of time.
    pub entries: Vec<Entry>,
}

/// Who works on what from when to when; rows in order of engineers.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Timetable {
    /// A row for each engineer, also for those who have nothing to do.
    pub rows: Vec<Row>,
}

impl Timetable {
    /// Somebody's entries; none for a stranger.
    pub fn of(&self, engineer: EngineerId) -> &[Entry] {
        let found = self.rows.binary_search_by_key(&engineer, |row| row.engineer);
        found.map_or(&[], |at| &self.rows[at].entries)
    }
}

/// What becomes of one promise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Placement {
    /// Which.
    pub promise: PromiseId,
    /// Who does it; nobody, where nobody can.
    pub engineer: Option<EngineerId>,
    /// When its next piece of work begins.
    pub starts: Option<Minute>,
    /// When it is done if everything takes what is expected; none within the horizon.
    pub finish_expected: Option<Minute>,
    /// When it is done in the worst case that is provided for; none within the horizon.
    pub finish_guaranteed: Option<Minute>,
    /// Minutes between that and its due; negative when it is late, by at most the horizon.
    pub slack: i64,
}

impl Placement {
    /// Whether it is certified: done by its due in the worst case that is provided for.
    pub fn is_on_time(&self) -> bool {
        self.finish_guaranteed.is_some() && self.slack >= 0
    }
}

/// Lays a seating out.
pub(crate) fn lay_out(team: &Team, jobs: &[Job], seating: &Seating) -> Timetable {
    let rows = (0..team.people.len()).map(|person| Row {
        engineer: team.people[person].id,
        entries: entries(team, jobs, person, &seating.lists[person]),
    });
    Timetable { rows: rows.collect() }
}

fn entries(team: &Team, jobs: &[Job], person: usize, list: &[u32]) -> Vec<Entry> {
    let who = &team.people[person];
    let mut entries = Vec::with_capacity(list.len());
    let mut put = |at: u32, from: i64, to: i64| {
        let job = &jobs[at as usize];
        let hand = match job.owner {
            NONE => Hand::Begin,
            owner if owner == person as u32 => Hand::GoOn,
            _ => Hand::TakeOver,
        };
        let parts = who.shift.stretch(from, to);
        entries.extend(parts.map(|Interval { from, to }| Entry {
            promise: job.id,
            from,
            to,
            hand,
        }));
    };
    let asks: Vec<Ask> = list
        .iter()
        .map(|&at| Ask::of(&jobs[at as usize], person as u32, &who.shift, team.now, &team.rules))
        .collect();
    if asks.iter().all(|ask| ask.release == 0) {
        let mut done = 0;
        for (&at, ask) in list.iter().zip(&asks) {
            put(at, done, done + ask.planned);
            done += ask.planned;
        }
        // A million of them: what growing took in advance is given back.
        entries.shrink_to_fit();
        return entries;
    }
    for (place, from, to) in preemptive(&asks) {
        put(list[place], from, to);
    }
    entries
}

/// Preemptive earliest-due-first over own minutes: pieces as (place in the list, from, to).
fn preemptive(asks: &[Ask]) -> Vec<(usize, i64, i64)> {
    let mut by_release: Vec<usize> = (0..asks.len()).collect();
    by_release.sort_by_key(|&place| (asks[place].release, place));
    let mut coming = by_release.into_iter().peekable();
    let mut left: Vec<i64> = asks.iter().map(|ask| ask.planned).collect();
    let mut ready = BTreeSet::new();
    let mut pieces: Vec<(usize, i64, i64)> = Vec::new();
    let mut time = 0;
    loop {
        while let Some(place) = coming.next_if(|&place| asks[place].release <= time) {
            ready.insert(place);
        }
        let next = coming.peek().map(|&place| asks[place].release);
        let Some(&first) = ready.first() else {
            match next {
                Some(release) => time = release,
                None => return pieces,
            }
            continue;
        };
        let worked = next.map_or(left[first], |release| left[first].min(release - time));
        match pieces.last_mut() {
            Some(last) if last.0 == first && last.2 == time => last.2 += worked,
            _ => pieces.push((first, time, time + worked)),
        }
        time += worked;
        left[first] -= worked;
        if left[first] == 0 {
            ready.remove(&first);
        }
    }
}

/// What becomes of each promise, in order of their numbers.
pub(crate) fn placements(team: &Team, jobs: &[Job], seating: &Seating) -> Vec<Placement> {
    let mut placements = Vec::with_capacity(jobs.len());
    let known = |time: Minute| (time != NEVER).then_some(time);
    let mut put = |at: u32, engineer, starts, expected, guaranteed: Minute| {
        let job = &jobs[at as usize];
        let slack = job.due.saturating_sub(guaranteed.min(team.end));
        placements.push(Placement {
            promise: job.id,
            engineer,
            starts,
            finish_expected: known(expected),
            finish_guaranteed: known(guaranteed),
            slack: if guaranteed == NEVER { slack.min(-1) } else { slack },
        });
    };
    for (person, list) in seating.lists.iter().enumerate() {
        let who = &team.people[person];
        let mut load = crate::load::Load::default();
        for &at in list {
            let job = &jobs[at as usize];
            let ask = Ask::of(job, person as u32, &who.shift, team.now, &team.rules);
            let end = load.expected(&ask);
            let starts = known(who.shift.begins(end - ask.planned));
            put(
                at,
                Some(who.id),
                starts,
                who.shift.reached(end),
                seating.finish[at as usize],
            );
            load.add(&ask);
        }
    }
    for at in (0..jobs.len()).filter(|&at| seating.seat[at] == NONE) {
        put(at as u32, None, None, NEVER, NEVER);
    }
    placements.sort_unstable_by_key(|placement| placement.promise);
    placements
}
