//! What the desk has learnt of its work: minutes of the promises that were kept, the newest of them, in one small row.
//!
//! A plan is made at each event, so what it learns from must be read at once: [`limits::WORK_REMEMBERED`] pieces of work are
//! some tens of kilobytes, and older ones tell of another desk. A finding counts with the minutes until it was sent: the plan
//! asks only for work within a bound, and there they are the same.

use crate::desk::PromiseId;
use crate::limits;
use crate::refusal::Outcome;
use crate::store::{Tx, values};
use plan::budget::{Budgets, ENOUGH, Past, Sort};
use plan::snapshot::KindId;
use std::collections::BTreeMap;

/// One piece of work: lane and layer, severity, whether it was the first turn of its case, minutes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Done {
    lane: String,
    layer: i64,
    severity: u8,
    is_first: bool,
    minutes: i64,
}

impl Done {
    fn of(word: &str) -> Option<Done> {
        let mut parts = word.rsplitn(5, ':');
        let mut next = || parts.next();
        let (minutes, first, severity, layer, lane) = (next()?, next()?, next()?, next()?, next()?);
        Some(Done {
            lane: lane.to_owned(),
            layer: layer.parse().ok()?,
            severity: severity.parse().ok()?,
            is_first: first == "1",
            minutes: minutes.parse().ok()?,
        })
    }
}

/// The newest pieces of work, oldest first.
pub(super) fn read(tx: &mut Tx<'_>) -> Outcome<Vec<Done>> {
    let row = tx.first("SELECT lines FROM work WHERE id = 1", &[])?;
    Ok(row.map(|row| pieces(row.text(0))).unwrap_or_default())
}

fn pieces(text: &str) -> Vec<Done> {
    text.lines().filter_map(Done::of).collect()
}

/// A promise was kept: what was worked on it is remembered. One that nobody worked on in a slice tells nothing.
pub(in crate::desk) fn kept(tx: &mut Tx<'_>, promise: PromiseId) -> Outcome<()> {
    let row = tx.one(
        "SELECT k.lane, k.layer, p.severity, CASE WHEN p.made_at <= k.opened_at THEN 1 ELSE 0 END, p.worked
         FROM promise p JOIN cases k ON k.id = p.case_id WHERE p.id = $1",
        &values![promise],
    )?;
    let minutes = row.int(4) / 60_000;
    if minutes == 0 {
        return Ok(());
    }
    let held = tx.first("SELECT lines FROM work WHERE id = 1", &[])?;
    let held = held.map(|row| row.text(0).to_owned()).unwrap_or_default();
    let mut lines: Vec<&str> = held.lines().collect();
    let new = format!("{}:{}:{}:{}:{minutes}", row.text(0), row.int(1), row.int(2), row.int(3));
    lines.push(&new);
    let first = lines.len().saturating_sub(limits::WORK_REMEMBERED);
    let text = lines[first..].join("\n");
    tx.execute("UPDATE work SET lines = $1 WHERE id = 1", &values![text])?;
    Ok(())
}

/// Tables of what was learnt; with too little of it those that a desk without a past begins with.
pub(super) fn budgets(done: &[Done], kinds: &BTreeMap<(String, i64), KindId>) -> Budgets {
    if done.len() < ENOUGH {
        return Budgets::default();
    }
    let past = |one: &Done| Past {
        sort: Sort {
            // A kind of which nothing is open is like no other.
            kind: kinds.get(&(one.lane.clone(), one.layer)).copied().unwrap_or(-1),
            severity: one.severity,
            is_first: one.is_first,
            tier: 0,
        },
        minutes: one.minutes,
        estimate: None,
    };
    Budgets::learn(&done.iter().map(past).collect::<Vec<_>>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_is_read_as_it_was_noted_and_what_nobody_wrote_is_left_out() {
        let found = pieces("operate:1:3:1:25\nhttp:proxy:2:1:0:90\nnonsense\n:1:2");
        let lanes: Vec<(&str, i64, i64)> = found
            .iter()
            .map(|one| (one.lane.as_str(), one.layer, one.minutes))
            .collect();
        assert_eq!(lanes, [("operate", 1, 25), ("http:proxy", 2, 90)]);
        assert!(found[0].is_first && !found[1].is_first);
    }

    #[test]
    fn a_desk_learns_when_it_has_seen_enough() {
        let one = Done::of("operate:1:3:1:60").expect("a line");
        let kinds = BTreeMap::from([(("operate".to_owned(), 1), 0)]);
        let few = budgets(&vec![one.clone(); ENOUGH - 1], &kinds);
        assert_eq!(few, Budgets::default());
        let sort = Sort {
            kind: 0,
            severity: 3,
            is_first: true,
            tier: 0,
        };
        let bound = plan::budget::Bound {
            most: 120,
            reply: 8,
            switch: 3,
        };
        let work = budgets(&vec![one; ENOUGH], &kinds).work(sort, 0, None, bound).0;
        assert_eq!((work.mean, work.variance, work.worst), (60, 0, 71));
    }
}
