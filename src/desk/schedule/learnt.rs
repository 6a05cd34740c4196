//! What the desk has learnt of its work: minutes of the promises that were kept, the newest of them, in one small row.
//!
//! A plan is made at each event, so what it learns from must be read at once: [`limits::WORK_REMEMBERED`] pieces of work are
//! some tens of kilobytes, and older ones tell of another desk. A finding counts with the minutes until it was sent: the plan
//! asks only for work within a bound, and there they are the same.

use crate::desk::PromiseId;
use crate::desk::ledger::{self, Actor, event};
use crate::limits;
use crate::refusal::Outcome;
use crate::store::{Tx, values};
use jiff::Timestamp;
use plan::budget::{Bound, Budgets, Coverage, ENOUGH, GRID, Past, Sort};
use plan::snapshot::{KindId, Work};
use serde_json::json;
use std::collections::BTreeMap;

/// One piece of work that was done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Done {
    lane: String,
    layer: i64,
    severity: u8,
    /// The first turn of its case.
    is_first: bool,
    minutes: i64,
    /// Minutes that an engineer had reckoned with.
    estimate: Option<i64>,
    /// The 90 % budget of what was known before it was done.
    budget: Option<i64>,
}

impl Done {
    fn of(word: &str) -> Option<Done> {
        let mut parts = word.rsplitn(5, ':');
        let mut next = || parts.next();
        let (minutes, first, severity, layer, lane) = (next()?, next()?, next()?, next()?, next()?);
        let mut minutes = minutes.split('/');
        let (took, estimate, budget) = (minutes.next()?, minutes.next(), minutes.next());
        let known = |text: Option<&str>| text.and_then(|text| text.parse().ok());
        Some(Done {
            lane: lane.to_owned(),
            layer: layer.parse().ok()?,
            severity: severity.parse().ok()?,
            is_first: first == "1",
            minutes: took.parse().ok()?,
            estimate: known(estimate),
            budget: known(budget),
        })
    }

    /// `lane:layer:severity:first:minutes/estimate/budget`; `-` where there is none.
    fn line(&self) -> String {
        let or_none = |minutes: Option<i64>| minutes.map_or("-".to_owned(), |minutes| minutes.to_string());
        format!(
            "{}:{}:{}:{}:{}/{}/{}",
            self.lane,
            self.layer,
            self.severity,
            u8::from(self.is_first),
            self.minutes,
            or_none(self.estimate),
            or_none(self.budget)
        )
    }

    fn sort(&self, kinds: &BTreeMap<(String, i64), KindId>) -> Sort {
        Sort {
            // A kind of which nothing is open is like no other.
            kind: kinds.get(&(self.lane.clone(), self.layer)).copied().unwrap_or(-1),
            severity: self.severity,
            is_first: self.is_first,
            tier: 0,
        }
    }
}

/// What a plan reckons with: tables of what was learnt, and by how much they are widened while they do not hold.
#[derive(Debug, Clone, Default)]
pub(super) struct Learnt {
    budgets: Budgets,
    /// Thousandths by which every budget is multiplied, where fewer than 86 of a hundred 90 % budgets held.
    pub(super) widening: Option<i64>,
    /// Of a hundred 90 % budgets of late, those that held; none while too few are known.
    pub(super) held_percent: Option<usize>,
}

impl Learnt {
    /// What is left of work of this sort after `spent` minutes, within its bound.
    pub(super) fn work(&self, sort: Sort, spent: i64, estimate: Option<i64>, bound: Bound) -> Work {
        let (work, _) = self.budgets.work(sort, spent, estimate, bound);
        match self.widening {
            Some(thousandths) => {
                let left = (bound.most - spent.max(0) / GRID * GRID).max(0);
                work.widened(thousandths, left + bound.reply + bound.switch)
            }
            None => work,
        }
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

/// A promise was kept: what was worked on it is remembered. One that nobody worked on in a slice tells nothing. Where budgets
/// hold no longer, or hold again, the ledger says so.
pub(in crate::desk) fn kept(tx: &mut Tx<'_>, now: Timestamp, promise: PromiseId) -> Outcome<()> {
    let row = tx.one(
        "SELECT k.lane, k.layer, p.severity, CASE WHEN p.made_at <= k.opened_at THEN 1 ELSE 0 END, p.worked, p.estimate
         FROM promise p JOIN cases k ON k.id = p.case_id WHERE p.id = $1",
        &values![promise],
    )?;
    let minutes = row.int(4) / 60_000;
    if minutes == 0 {
        return Ok(());
    }
    let mut done = read(tx)?;
    let mut new = Done {
        lane: row.text(0).to_owned(),
        layer: row.int(1),
        severity: row.int(2).clamp(1, 4) as u8,
        is_first: row.flag(3),
        minutes,
        estimate: row.opt_int(5),
        budget: None,
    };
    let kinds = kinds_of(&done);
    let before = learnt(&done, &kinds);
    new.budget = Some(before.budgets.ninety(new.sort(&kinds), new.estimate));
    done.push(new);
    done.drain(..done.len().saturating_sub(limits::WORK_REMEMBERED));
    let after = coverage(&done).widening();
    if before.widening.is_some() != after.is_some() {
        let data = json!({"thousandths": after, "held_percent": coverage(&done).percent()});
        ledger::record(tx, now, event("budgets.widened", Actor::Desk).with(data))?;
    }
    let lines: Vec<String> = done.iter().map(Done::line).collect();
    tx.execute("UPDATE work SET lines = $1 WHERE id = 1", &values![lines.join("\n")])?;
    Ok(())
}

/// Numbers of the lanes and layers that were worked in.
fn kinds_of(done: &[Done]) -> BTreeMap<(String, i64), KindId> {
    let mut kinds = BTreeMap::new();
    for one in done {
        let next = kinds.len() as KindId;
        kinds.entry((one.lane.clone(), one.layer)).or_insert(next);
    }
    kinds
}

/// Whether budgets held of late.
fn coverage(done: &[Done]) -> Coverage {
    let mut coverage = Coverage::default();
    for (minutes, budget) in done.iter().filter_map(|one| Some((one.minutes, one.budget?))) {
        coverage.note(minutes, budget);
    }
    coverage
}

/// Tables of what was learnt; with too little of it those that a desk without a past begins with.
pub(super) fn learnt(done: &[Done], kinds: &BTreeMap<(String, i64), KindId>) -> Learnt {
    let coverage = coverage(done);
    let past = |one: &Done| Past {
        sort: one.sort(kinds),
        minutes: one.minutes,
        estimate: one.estimate,
    };
    Learnt {
        budgets: match done.len() < ENOUGH {
            true => Budgets::default(),
            false => Budgets::learn(&done.iter().map(past).collect::<Vec<_>>()),
        },
        widening: coverage.widening(),
        held_percent: coverage.percent(),
    }
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
        let few = learnt(&vec![one.clone(); ENOUGH - 1], &kinds);
        assert_eq!(few.budgets, Budgets::default());
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
        let work = learnt(&vec![one; ENOUGH], &kinds).work(sort, 0, None, bound);
        assert_eq!((work.mean, work.variance, work.worst), (60, 0, 71));
    }

    #[test]
    fn a_line_is_read_back_as_it_was_written() {
        for line in [
            "http:proxy:2:1:0:90/45/131",
            "operate:1:3:1:25/-/-",
            "operate:1:3:1:25/-/75",
        ] {
            assert_eq!(Done::of(line).expect("a line").line(), line);
        }
        let old = Done::of("operate:1:3:1:25").expect("a line of before estimates");
        assert_eq!((old.minutes, old.estimate, old.budget), (25, None, None));
    }

    #[test]
    fn budgets_that_four_in_ten_break_are_widened_and_those_that_hold_are_not() {
        let kinds = BTreeMap::from([(("operate".to_owned(), 1), 0)]);
        let done = |late: usize| -> Vec<Done> {
            let took = |at: usize| if at % 10 < late { 90 } else { 30 };
            let line = |at: usize| format!("operate:1:3:1:{}/-/60", took(at));
            (0..plan::budget::WATCHED)
                .map(|at| Done::of(&line(at)).expect("a line"))
                .collect()
        };
        let well = learnt(&done(1), &kinds);
        assert_eq!((well.widening, well.held_percent), (None, Some(90)));
        let badly = learnt(&done(4), &kinds);
        assert_eq!((badly.widening, badly.held_percent), (Some(1500), Some(60)));
        let (sort, bound) = (
            Done::of("operate:1:3:1:1").expect("a line").sort(&kinds),
            Bound {
                most: 120,
                reply: 8,
                switch: 3,
            },
        );
        let plain = badly.budgets.work(sort, 0, None, bound).0;
        let wide = badly.work(sort, 0, None, bound);
        assert_eq!(wide.mean, plain.mean * 3 / 2);
        assert!(wide.worst > plain.worst && wide.worst <= 131, "{wide:?}");
    }
}
