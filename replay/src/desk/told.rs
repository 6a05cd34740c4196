//! What the planner is told of the floor: people as they are known to come, promises with the work that may be left.

use super::{Care, Desk, USEFUL_MINUTES};
use crate::desk::STRETCH_MINUTES;
use crate::floor::{FINDING_MINUTES, Floor, SWITCH_MINUTES};
use plan::interval::{Interval, Minute, clipped};
use plan::snapshot::{Engineer, Promise, Snapshot, Work};

impl Desk<'_> {
    /// Work that is left of a promise.
    ///
    /// A case that has come far enough for a finding never needs more than there is time for: what is known is sent then.
    pub(super) fn work(&self, floor: &Floor, mail: usize, care: &Care) -> Work {
        if care.finding || care.write_at.is_some() {
            return Work {
                mean: FINDING_MINUTES,
                variance: 0,
                worst: FINDING_MINUTES + SWITCH_MINUTES,
            };
        }
        let worked = floor.worked(mail);
        let mut bound = (care.from_worked + care.bound - worked).max(1);
        let mut stretch = if care.stretched { 0 } else { STRETCH_MINUTES };
        if let Some(owner) = floor.jobs[mail]
            .owner
            .filter(|_| worked - care.from_worked >= USEFUL_MINUTES)
        {
            let time = (own_minutes(floor, owner, care.due) - FINDING_MINUTES - SWITCH_MINUTES).max(1);
            (bound, stretch) = (bound.min(time), stretch.min((time - bound).max(0)));
        }
        let later = floor.world.mails[mail].later;
        let likely = self.bounded(later, worked, bound + stretch);
        Work {
            worst: self.bounded(later, worked, bound).worst,
            ..likely
        }
    }

    pub(super) fn bounded(&self, later: bool, worked: i64, bound: i64) -> Work {
        let table = &self.learnt.work[usize::from(later)];
        let (mean, variance) = table.left(worked, bound + FINDING_MINUTES);
        let worst = table.quantile(worked, 99).min(bound) + FINDING_MINUTES + SWITCH_MINUTES;
        Work { mean, variance, worst }
    }

    /// When a case that waits can go on, in 95 of 100 cases.
    pub(super) fn resumes(&self, floor: &Floor, mail: usize) -> Option<Minute> {
        let since = floor.jobs[mail].waits?;
        Some(floor.now + self.learnt.waits.quantile(floor.now - since, 95))
    }

    /// What the planner is told; `running` are cases that free engineers had in hand a moment ago.
    pub(super) fn snapshot(&self, floor: &Floor, running: &[(usize, usize)]) -> Snapshot {
        let ahead = Interval::new(floor.now, floor.now + self.rules.horizon);
        let running_of = |index: usize| {
            let put_down = || {
                running
                    .iter()
                    .find(|(engineer, _)| *engineer == index)
                    .map(|(_, mail)| *mail)
            };
            floor
                .in_hand(index)
                .map(|(mail, _)| mail)
                .or_else(put_down)
                .map(|mail| mail as i64)
        };
        let engineer = |index: usize| Engineer {
            id: index as i64,
            class: self.classes[index],
            free: clipped(floor.known(index), ahead),
            absent_until: None,
            running: running_of(index),
            allowances: vec![],
        };
        let promise = |(mail, care): (&usize, &Care)| Promise {
            id: *mail as i64,
            kind: floor.world.mails[*mail].lane as i64,
            severity: floor.world.mails[*mail].severity as u8 + 1,
            due: care.due,
            owner: floor.jobs[*mail].owner.map(|owner| owner as i64),
            seat: care.seat,
            work: self.work(floor, *mail, care),
            not_before: if care.finding {
                None
            } else {
                care.write_at.or_else(|| self.resumes(floor, *mail))
            },
            tentative: false,
            moves: care.moves,
        };
        Snapshot {
            now: floor.now,
            rules: self.rules.clone(),
            engineers: (0..self.classes.len()).map(engineer).collect(),
            kinds: self.kinds.clone(),
            promises: self.open.iter().map(promise).collect(),
        }
    }
}

/// Minutes that an engineer is known to be there from now until an instant.
pub(super) fn own_minutes(floor: &Floor, engineer: usize, until: Minute) -> i64 {
    let known = floor.known(engineer);
    let next = known.partition_point(|one| one.to <= floor.now);
    let ahead = known[next..].iter().take_while(|one| one.from < until);
    ahead.map(|one| one.to.min(until) - one.from.max(floor.now)).sum()
}
