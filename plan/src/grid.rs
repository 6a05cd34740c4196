//! Time in buckets, for the far plan: capacity of classes and demand of kinds.
//!
//! A bucket is counted in when any minute of it lies before a due time. That favours the request by less than one bucket,
//! so what the far plan refuses is impossible to the minute; what it lets pass the timetable still has to show.

use crate::interval::{Interval, Minute};
use crate::team::{NONE, Team};

/// Buckets from now to the horizon.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Grid {
    pub now: Minute,
    pub width: i64,
    pub count: usize,
}

impl Grid {
    /// The buckets of a team.
    pub fn of(team: &Team) -> Grid {
        let width = team.rules.bucket;
        let count = (team.end - team.now + width - 1) / width;
        Grid {
            now: team.now,
            width,
            count: count.max(1) as usize,
        }
    }

    /// The last bucket that counts for what is due at `due`: the first for what is late, the last for what is far.
    pub fn last(&self, due: Minute) -> usize {
        let place = due.saturating_sub(self.now).saturating_sub(1).div_euclid(self.width);
        place.clamp(0, self.count as i64 - 1) as usize
    }

    /// The first minute behind a bucket.
    pub fn end(&self, bucket: usize) -> Minute {
        self.now + (bucket as i64 + 1) * self.width
    }

    /// Adds the minutes of an interval inside the grid to the buckets that they lie in.
    fn spread(&self, interval: Interval, row: &mut [i64]) {
        let whole = interval.within(Interval::new(self.now, self.end(self.count - 1)));
        let mut from = whole.from;
        while from < whole.to {
            let bucket = ((from - self.now) / self.width) as usize;
            let to = whole.to.min(self.end(bucket));
            row[bucket] += to - from;
            from = to;
        }
    }

    /// Working minutes of each class in each bucket.
    pub fn capacity(&self, team: &Team) -> Vec<Vec<i64>> {
        let mut rows = vec![vec![0; self.count]; team.classes.len()];
        for person in &team.people {
            for &one in person.shift.intervals() {
                self.spread(one, &mut rows[person.class as usize]);
            }
        }
        rows
    }

    /// Planned minutes of each kind by the last bucket that counts.
    pub fn demand(&self, team: &Team) -> Vec<Vec<i64>> {
        let mut rows = vec![vec![0; self.count]; team.kinds.len()];
        for job in team.jobs.iter().filter(|job| job.kind != NONE) {
            rows[job.kind as usize][self.last(job.due)] += i64::from(job.planned);
        }
        rows
    }
}
