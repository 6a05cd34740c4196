//! What one engineer has ahead: minutes, their variance, and work that cannot begin yet. Answers when more would be done.
//!
//! Time is counted in the engineer's own working minutes from now. Work is done earliest due first and put aside when an
//! earlier promise can go on again (preemptive EDF), so the engineer is never idle while something can be done; with that
//! the end of each piece has a bound that needs no simulation.

use crate::interval::Minute;
use crate::shift::Shift;
use crate::snapshot::Rules;
use crate::team::Job;

/// Work ahead of one engineer, earliest due first.
#[derive(Debug, Clone, Default)]
pub(crate) struct Load {
    /// Sum of planned minutes.
    pub minutes: i64,
    /// Sum of variances.
    pub variance: i64,
    /// Work that cannot begin yet: own minutes before its release, and its planned minutes.
    waiting: Vec<(i64, i64)>,
}

/// What a job asks of somebody: it costs more in strange hands.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ask {
    pub planned: i64,
    pub worst: i64,
    pub variance: i64,
    /// Own minutes before it can go on.
    pub release: i64,
    pub reserve_percent: i64,
}

impl Ask {
    /// What `job` asks of the engineer at place `person` with this shift.
    pub fn of(job: &Job, person: u32, shift: &Shift, now: Minute, rules: &Rules) -> Ask {
        let strange = job.owner != crate::team::NONE && job.owner != person;
        let more = if strange { rules.handover } else { 0 };
        let waits = job.release > 0;
        Ask {
            planned: i64::from(job.planned) + more,
            worst: i64::from(job.worst) + more,
            variance: i64::from(job.variance),
            release: if waits {
                shift.before(now + i64::from(job.release))
            } else {
                0
            },
            reserve_percent: i64::from(job.reserve_percent),
        }
    }
}

impl Load {
    /// The own minute at which `minutes` of work that can begin at `release` are done, behind all that is ahead.
    fn end(&self, release: i64, minutes: i64) -> i64 {
        if self.waiting.is_empty() {
            return (self.minutes + minutes).max(release + minutes);
        }
        let later: i64 = self.waiting.iter().map(|&(_, planned)| planned).sum();
        // Its last busy period began now, at a release before its own, or at its own.
        let since_now = self.busy(0, self.minutes - later + minutes);
        let releases = self.waiting.iter().map(|&(at, _)| at).chain([release]);
        let began = releases.filter(|&at| at > 0 && at <= release);
        began.map(|at| self.busy(at, minutes)).fold(since_now, i64::max)
    }

    /// End of a busy period that began at `began` with `minutes` of work: work that waits delays it only if it comes back
    /// before the end.
    fn busy(&self, began: i64, minutes: i64) -> i64 {
        let mut end = began + minutes;
        // Each round lets at least one more piece in, so this ends.
        loop {
            let back = self.waiting.iter().filter(|&&(at, _)| began <= at && at < end);
            let next = began + minutes + back.map(|&(_, planned)| planned).sum::<i64>();
            if next == end {
                return end;
            }
            end = next;
        }
    }

    /// When it is done in the worst case that the rules provide for, by somebody with this shift.
    pub fn guaranteed(&self, ask: &Ask, shift: &Shift, rules: &Rules) -> Minute {
        // Work that comes back finds somebody in the middle of a slice. The guard would cover that, but not where a break or
        // the evening follows: a slice too late at noon is an hour too late.
        let blocked = if ask.release > 0 { rules.quantum } else { 0 };
        let end = self.end(ask.release, rules.reserve(self.variance) + ask.worst + blocked);
        match ask.reserve_percent {
            0 => shift.reached(end),
            percent => shift.reached((end * 100 + 99 - percent) / (100 - percent)),
        }
    }

    /// Own minutes by which it is done if everything takes what is expected.
    pub fn expected(&self, ask: &Ask) -> i64 {
        self.end(ask.release, ask.planned)
    }

    /// Puts work behind what is ahead.
    pub fn add(&mut self, ask: &Ask) {
        self.minutes += ask.planned;
        self.variance += ask.variance;
        if ask.release > 0 {
            self.waiting.push((ask.release, ask.planned));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(planned: i64, release: i64) -> Ask {
        Ask {
            planned,
            worst: planned,
            variance: 0,
            release,
            reserve_percent: 0,
        }
    }

    #[test]
    fn short_work_is_done_in_the_gap_before_a_case_comes_back() {
        let mut load = Load::default();
        load.add(&ask(30, 100));
        assert_eq!(load.expected(&ask(40, 0)), 40);
        assert_eq!(
            load.expected(&ask(120, 0)),
            150,
            "put aside for the case that comes back"
        );
    }

    #[test]
    fn work_that_waits_for_two_things_is_done_behind_both() {
        let mut load = Load::default();
        load.add(&ask(30, 100));
        load.add(&ask(50, 0));
        assert_eq!(load.expected(&ask(10, 110)), 140);
        assert_eq!(load.expected(&ask(10, 500)), 510);
        assert_eq!(load.expected(&ask(10, 60)), 70);
    }
}
