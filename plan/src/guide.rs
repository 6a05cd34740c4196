//! Which class each promise goes to, read off the flow: where skills overlap and the desk is full, a list schedule by itself
//! wastes the people of many skills on what others could do.
//!
//! The flow is solved on coarse buckets, with dues earlier by a margin (what reserve and worst case keep free at the end).
//! Bucket by bucket its minutes are handed to the promises of each kind, earliest due first; inside a class the list rule
//! spreads them over the engineers.

use crate::flow::Flow;
use crate::grid::Grid;
use crate::limits;
use crate::team::{NONE, Team};

/// Margins that are tried, minutes, until nobody is late.
pub(crate) const MARGINS: [i64; 2] = [120, 30];

/// A class for each job, or [`NONE`].
pub(crate) fn classes(team: &Team, margin: i64) -> Vec<u32> {
    let last_due = team
        .jobs
        .iter()
        .map(|job| job.due)
        .max()
        .unwrap_or(team.now)
        .clamp(team.now + 1, team.end);
    let width = ((last_due - team.now) / limits::GUIDE_BUCKETS).max(team.rules.bucket);
    let count = ((last_due - team.now + width - 1) / width).max(1) as usize;
    let grid = Grid {
        now: team.now,
        width,
        count,
    };
    let mut demand = vec![vec![0; count]; team.kinds.len()];
    for job in team.jobs.iter().filter(|job| job.kind != NONE) {
        // The last bucket that ends before its due: what the guide promises must hold to the minute.
        let bucket = grid.last(job.due - margin - width);
        demand[job.kind as usize][bucket] += i64::from(job.planned);
    }
    let can = team.kinds.iter().map(|kind| kind.classes.clone()).collect();
    let mut flow = Flow::new(can, &grid.capacity(team), count);
    flow.pour(&demand);
    hand_out(team, &flow)
}

/// Hands the minutes of the flow to the promises of each kind, earliest due first, bucket by bucket.
fn hand_out(team: &Team, flow: &Flow) -> Vec<u32> {
    // For each kind what is left of its cells, the earliest last.
    let mut cells: Vec<Vec<(u32, i64)>> = (0..team.kinds.len())
        .map(|kind| {
            let buckets = (0..flow.buckets).rev();
            buckets
                .flat_map(|bucket| flow.given(kind, bucket).filter(|&(_, minutes)| minutes > 0))
                .collect()
        })
        .collect();
    let mut classes = Vec::with_capacity(team.jobs.len());
    for job in &team.jobs {
        let Some(cells) = cells.get_mut(job.kind as usize) else {
            classes.push(NONE);
            continue;
        };
        classes.push(cells.last().map_or(NONE, |&(class, _)| class));
        let mut left = i64::from(job.planned);
        while left > 0
            && let Some(cell) = cells.last_mut()
        {
            let taken = left.min(cell.1);
            (left, cell.1) = (left - taken, cell.1 - taken);
            if cell.1 == 0 {
                cells.pop();
            }
        }
    }
    classes
}

#[cfg(test)]
mod tests {
    use crate::sample::{desk, engineer, kind, promise};
    use crate::schedule::Board;
    use crate::seating::{Guide, seat};

    #[test]
    fn people_of_a_rare_skill_are_kept_for_what_only_they_can_do() {
        // Twenty can do both, twenty only the common work, which is due first: free first would take the wrong half.
        let people: Vec<_> = (0..40).map(|id| engineer(id, 1 + id % 2, &[(0, 480)])).collect();
        let mut snapshot = desk(&people, &[kind(1, &[1]), kind(2, &[1, 2])]);
        snapshot.promises = (0..240).map(|id| promise(id, 2, 420, 30)).collect();
        snapshot.promises.extend((240..500).map(|id| promise(id, 1, 480, 30)));
        let board = Board::new(&snapshot);
        let alone = seat(&board.team, &board.team.jobs, Guide::Fresh).harm(&board.team, &board.team.jobs);
        assert!(alone.0 > 50, "the list rule alone has to fail here: {alone:?}");
        assert_eq!(board.late(), 0);
    }
}
