//! How long work will still take, learnt from how long such work took.
//!
//! A sorted sample of past touch minutes with prefix sums answers every question about what is left after so many minutes
//! spent: an overrun case becomes longer in the plan at once. Minutes spent count in steps of five, so that a plan does not
//! tremble. With an engineer's estimate the same tables hold ratios of actual to estimated minutes. Small classes borrow
//! from larger ones; a desk without a past begins with [`DEFAULT_SAMPLE`], and says so.

use crate::snapshot::{KindId, Work};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, VecDeque};

/// Work that is like each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Sort {
    /// What it needs.
    pub kind: KindId,
    /// 1 to 4.
    pub severity: u8,
    /// The first turn of a case, or a later one.
    pub is_first: bool,
    /// The customer's tier.
    pub tier: u8,
}

/// One piece of work that was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Past {
    /// What it was like.
    pub sort: Sort,
    /// Touch minutes that it took.
    pub minutes: i64,
    /// Minutes that an engineer or a model had estimated.
    pub estimate: Option<i64>,
}

/// What bounds a promise, and what an answer costs besides; minutes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Bound {
    /// M: the most work before a finding is sent.
    pub most: i64,
    /// Writing what was found.
    pub reply: i64,
    /// Changing over to the case.
    pub switch: i64,
}

/// Samples that a class needs before it speaks for itself.
pub const ENOUGH: usize = 200;
/// Step of minutes spent.
pub const GRID: i64 = 5;
/// Samples that say what is left of work longer than nearly all before.
const TAIL: usize = 5;
/// Ratios are counted in thousandths of the estimate.
const RATIO: i64 = 1000;

/// Touch minutes that a desk without a past begins with: median 20, mean 34, one in ten above 75.
pub const DEFAULT_SAMPLE: [i64; 20] = [
    3, 5, 7, 8, 10, 12, 14, 15, 18, 20, 22, 25, 30, 35, 40, 45, 60, 75, 105, 140,
];

/// How estimates turn out of which too few are known, in thousandths of the estimate: half of them hold, one in ten takes more
/// than twice as long.
pub const DEFAULT_RATIOS: [i64; 20] = [
    400, 550, 650, 700, 750, 800, 850, 900, 950, 1000, 1050, 1100, 1150, 1250, 1350, 1500, 1650, 1900, 2400, 3200,
];

/// A sample of minutes (or ratios), sorted, with sums.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Residuals {
    sorted: Vec<i64>,
    /// Of the first so many: sum, and sum of squares.
    sums: Vec<(i128, i128)>,
}

impl Default for Residuals {
    /// What a desk without a past begins with.
    fn default() -> Residuals {
        Residuals::new(&DEFAULT_SAMPLE)
    }
}

impl Residuals {
    /// From any sample; of an empty one, what a desk without a past begins with.
    pub fn new(sample: &[i64]) -> Residuals {
        let mut sorted: Vec<i64> = sample
            .iter()
            .map(|&one| one.clamp(0, crate::limits::WORK * RATIO))
            .collect();
        if sorted.is_empty() {
            sorted = DEFAULT_SAMPLE.to_vec();
        }
        sorted.sort_unstable();
        let mut sums = vec![(0, 0)];
        for &one in &sorted {
            let (sum, squares) = sums[sums.len() - 1];
            sums.push((sum + i128::from(one), squares + i128::from(one).pow(2)));
        }
        Residuals { sorted, sums }
    }

    /// The place of the first sample that is longer than `spent`, and what they are measured from. Where fewer than five
    /// are, the five longest stand for what is longer than ever: what they had beyond the sixth.
    fn longer_than(&self, spent: i64) -> (usize, i64) {
        let at = self.sorted.partition_point(|&one| one <= spent);
        let tail = self.sorted.len().saturating_sub(TAIL);
        if at <= tail {
            return (at, spent);
        }
        (tail, if tail == 0 { 0 } else { self.sorted[tail - 1] })
    }

    /// Mean and variance of what is left after `spent`, cut off at `most`.
    pub fn left(&self, spent: i64, most: i64) -> (i64, i64) {
        let (first, from) = self.longer_than(spent);
        let end = self.sorted.partition_point(|&one| one - from <= most).max(first);
        let (count, all) = ((end - first) as i128, (self.sorted.len() - first) as i128);
        let (base, cap) = (i128::from(from), i128::from(most.max(0)));
        let (sum, squares) = (
            self.sums[end].0 - self.sums[first].0,
            self.sums[end].1 - self.sums[first].1,
        );
        let cut = all - count;
        let first_moment = sum - count * base + cut * cap;
        let second_moment = squares - 2 * base * sum + count * base * base + cut * cap * cap;
        let mean = (first_moment + all - 1) / all;
        let variance = (second_moment * all - first_moment * first_moment) / (all * all);
        (mean as i64, variance.max(0) as i64)
    }

    /// What is left after `spent` in all but `100 − percent` of a hundred cases: split conformal, ⌈(n+1)·q⌉ of n.
    pub fn quantile(&self, spent: i64, percent: i64) -> i64 {
        let (first, from) = self.longer_than(spent);
        let count = (self.sorted.len() - first) as i64;
        let rank = ((count + 1) * percent.clamp(0, 100) + 99) / 100;
        self.sorted[first + (rank.clamp(1, count) - 1) as usize] - from
    }
}

/// Tables for every sort of work that was done often enough.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Budgets {
    minutes: BTreeMap<Class, Residuals>,
    ratios: BTreeMap<Class, Residuals>,
    default: Residuals,
    default_ratios: Residuals,
}

impl Default for Budgets {
    /// Those of a desk without a past.
    fn default() -> Budgets {
        Budgets::learn(&[])
    }
}

/// A sort and its parents: what is left out counts as any.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Class {
    kind: Option<KindId>,
    severity: Option<u8>,
    is_first: Option<bool>,
    tier: Option<u8>,
}

/// From the sort itself up to all work.
fn lineage(sort: Sort) -> [Class; 5] {
    let own = Class {
        kind: Some(sort.kind),
        severity: Some(sort.severity),
        is_first: Some(sort.is_first),
        tier: Some(sort.tier),
    };
    let any_tier = Class { tier: None, ..own };
    let any_kind = Class { kind: None, ..any_tier };
    let any_severity = Class {
        severity: None,
        ..any_kind
    };
    let all = Class {
        is_first: None,
        ..any_severity
    };
    [own, any_tier, any_kind, any_severity, all]
}

/// Where a budget comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Source {
    /// Work like it; how many steps up the lineage, 0 is its own sort.
    Learnt(u8),
    /// An engineer's estimate, and how such estimates turned out.
    Estimate(u8),
    /// An engineer's estimate, where too few such were made to know how they turn out.
    EstimateAlone,
    /// The default: not enough was done yet.
    Default,
}

impl Budgets {
    /// Learns from what was done.
    pub fn learn(past: &[Past]) -> Budgets {
        let mut minutes: BTreeMap<Class, Vec<i64>> = BTreeMap::new();
        let mut ratios: BTreeMap<Class, Vec<i64>> = BTreeMap::new();
        for one in past {
            for class in lineage(one.sort) {
                minutes.entry(class).or_default().push(one.minutes);
                if let Some(estimate) = one.estimate.filter(|&estimate| estimate > 0) {
                    let ratio = one.minutes.saturating_mul(RATIO) / estimate;
                    ratios.entry(class).or_default().push(ratio);
                }
            }
        }
        let enough = |samples: BTreeMap<Class, Vec<i64>>| {
            let large = samples.into_iter().filter(|(_, sample)| sample.len() >= ENOUGH);
            large.map(|(class, sample)| (class, Residuals::new(&sample))).collect()
        };
        Budgets {
            minutes: enough(minutes),
            ratios: enough(ratios),
            default: Residuals::default(),
            default_ratios: Residuals::new(&DEFAULT_RATIOS),
        }
    }

    /// How estimates of this sort turn out, and how that is known.
    fn ratios_of(&self, sort: Sort) -> (&Residuals, Source) {
        match nearest(&self.ratios, sort) {
            Some((step, table)) => (table, Source::Estimate(step)),
            None => (&self.default_ratios, Source::EstimateAlone),
        }
    }

    /// How long such work takes, as a table, and how that is known.
    fn minutes_of(&self, sort: Sort) -> (&Residuals, Source) {
        match nearest(&self.minutes, sort) {
            Some((step, table)) => (table, Source::Learnt(step)),
            None => (&self.default, Source::Default),
        }
    }

    /// The 90 % budget: minutes within which nine of ten such pieces of work are done, nothing being spent yet and nothing
    /// bounding them.
    pub fn ninety(&self, sort: Sort, estimate: Option<i64>) -> i64 {
        match estimate.filter(|&estimate| estimate > 0) {
            Some(estimate) => self.ratios_of(sort).0.quantile(0, 90).saturating_mul(estimate) / RATIO,
            None => self.minutes_of(sort).0.quantile(0, 90),
        }
    }

    /// What is left to do of work of this sort after `spent` minutes, within its bound, and where that comes from.
    pub fn work(&self, sort: Sort, spent: i64, estimate: Option<i64>, bound: Bound) -> (Work, Source) {
        let spent = spent.max(0) / GRID * GRID;
        let left = (bound.most - spent).max(0);
        if let Some(estimate) = estimate.filter(|&estimate| estimate > 0) {
            let (table, source) = self.ratios_of(sort);
            let scaled = |minutes: i64| minutes.saturating_mul(RATIO) / estimate;
            let (mean, variance) = table.left(scaled(spent), scaled(left + bound.reply));
            let q99 = table.quantile(scaled(spent), 99) * estimate / RATIO;
            let mean = (mean * estimate + RATIO - 1) / RATIO;
            let square = i128::from(estimate).pow(2) * i128::from(variance) / i128::from(RATIO).pow(2);
            let work = within(mean, i64::try_from(square).unwrap_or(i64::MAX), q99, left, bound);
            return (work, source);
        }
        let (table, source) = self.minutes_of(sort);
        let (mean, variance) = table.left(spent, left + bound.reply);
        (within(mean, variance, table.quantile(spent, 99), left, bound), source)
    }
}

/// The table of the sort itself or of its nearest parent that has one, and how far up that is.
fn nearest(tables: &BTreeMap<Class, Residuals>, sort: Sort) -> Option<(u8, &Residuals)> {
    let classes = lineage(sort).into_iter().enumerate();
    let mut known = classes.filter_map(|(step, class)| Some((step as u8, tables.get(&class)?)));
    known.next()
}

fn within(mean: i64, variance: i64, q99: i64, left: i64, bound: Bound) -> Work {
    Work {
        mean,
        variance,
        worst: q99.min(left) + bound.reply + bound.switch,
    }
}

/// Watches whether budgets hold: of the last 400 pieces of work nine of ten should have kept their 90 % budget.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Coverage {
    /// Actual minutes and the 90 % budget that stood when they began, the oldest first.
    last: VecDeque<(i64, i64)>,
}

/// How many pieces of work the monitor looks back.
pub const WATCHED: usize = 400;
/// Below this share of kept 90 % budgets they are widened.
pub const ALARM_PERCENT: usize = 86;

impl Coverage {
    /// A piece of work is done.
    pub fn note(&mut self, actual: i64, budget: i64) {
        self.last.push_back((actual, budget));
        if self.last.len() > WATCHED {
            self.last.pop_front();
        }
    }

    /// Share of kept budgets, in hundredths; none while fewer than 400 were watched.
    pub fn percent(&self) -> Option<usize> {
        let kept = self.last.iter().filter(|(actual, budget)| actual <= budget).count();
        (self.last.len() == WATCHED).then(|| kept * 100 / WATCHED)
    }

    /// By how many thousandths every budget must be multiplied so that nine of ten hold again; none while they do.
    pub fn widening(&self) -> Option<i64> {
        self.percent().filter(|&percent| percent < ALARM_PERCENT)?;
        let mut ratios: Vec<i64> = self
            .last
            .iter()
            .map(|(actual, budget)| actual * 1000 / budget.max(&1))
            .collect();
        ratios.sort_unstable();
        let rank = ((WATCHED + 1) * 90).div_ceil(100);
        Some(ratios[rank - 1].max(1000))
    }
}

impl Work {
    /// The same work with budgets widened to so many thousandths, its worst case not beyond `most`.
    pub fn widened(self, thousandths: i64, most: i64) -> Work {
        let wide = |minutes: i64| minutes.saturating_mul(thousandths) / 1000;
        Work {
            mean: wide(self.mean).min(most.max(self.mean)),
            variance: wide(wide(self.variance)),
            worst: wide(self.worst).min(most.max(self.worst)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOUND: Bound = Bound {
        most: 60,
        reply: 8,
        switch: 3,
    };

    fn sort(kind: KindId) -> Sort {
        Sort {
            kind,
            severity: 2,
            is_first: true,
            tier: 0,
        }
    }

    fn naive(sample: &[i64], spent: i64, most: i64) -> (i64, i64) {
        let left: Vec<i64> = sample
            .iter()
            .filter(|&&one| one > spent)
            .map(|one| (one - spent).min(most))
            .collect();
        let (count, sum) = (left.len() as i64, left.iter().sum::<i64>());
        let squares: i64 = left.iter().map(|one| one * one).sum();
        (
            (sum + count - 1) / count,
            (squares * count - sum * sum) / (count * count),
        )
    }

    #[test]
    fn what_is_left_agrees_with_counting_by_hand() {
        let sample: Vec<i64> = (0..300).map(|n| n * n % 97 + n % 7).collect();
        let table = Residuals::new(&sample);
        for spent in [0, 5, 20, 50, 80] {
            for most in [0, 10, 33, 500] {
                assert_eq!(
                    table.left(spent, most),
                    naive(&sample, spent, most),
                    "{spent} spent, at most {most}"
                );
            }
        }
    }

    #[test]
    fn a_case_that_takes_longer_becomes_longer_in_the_plan() {
        // A few very long pieces of work among many short ones.
        let sample: Vec<i64> = (0..400)
            .map(|n| if n % 20 == 0 { 200 + n } else { 10 + n % 10 })
            .collect();
        let table = Residuals::new(&sample);
        assert!(table.left(20, 1000).0 > table.left(0, 1000).0 * 5);
        assert!(table.left(10_000, 1000).0 > 0, "longer than ever is not finished");
    }

    #[test]
    fn quantiles_are_conformal_and_the_worst_case_is_bounded() {
        let sample: Vec<i64> = (1..=99).collect();
        let table = Residuals::new(&sample);
        assert_eq!(
            (table.quantile(0, 90), table.quantile(0, 99), table.quantile(0, 50)),
            (90, 99, 50)
        );
        let (work, source) = Budgets::default().work(sort(1), 0, None, BOUND);
        assert_eq!((work.worst, source), (60 + 8 + 3, Source::Default));
        assert_eq!(Budgets::default().work(sort(1), 58, None, BOUND).0.worst, 5 + 8 + 3);
        assert_eq!(
            Budgets::default().work(sort(1), 900, None, BOUND).0.worst,
            8 + 3,
            "only the finding is left"
        );
    }

    #[test]
    fn small_classes_borrow_from_larger_ones() {
        let past = |kind, minutes| Past {
            sort: sort(kind),
            minutes,
            estimate: Some(minutes / 2),
        };
        let mut done: Vec<Past> = (0..250).map(|n| past(1, 10 + n % 3)).collect();
        done.extend((0..20).map(|_| past(2, 50)));
        let budgets = Budgets::learn(&done);
        assert_eq!(budgets.work(sort(1), 0, None, BOUND).1, Source::Learnt(0));
        assert_eq!(budgets.work(sort(2), 0, None, BOUND).1, Source::Learnt(2));
        let (work, source) = budgets.work(sort(1), 0, Some(20), BOUND);
        assert_eq!(source, Source::Estimate(0));
        assert!(
            (40..=48).contains(&work.mean),
            "such estimates turn out double: {work:?}"
        );
    }

    #[test]
    fn budgets_that_stop_holding_are_widened() {
        let mut coverage = Coverage::default();
        (0..400).for_each(|n| coverage.note(if n % 10 == 0 { 31 } else { 20 }, 30));
        assert_eq!((coverage.percent(), coverage.widening()), (Some(90), None));
        (0..400).for_each(|n| coverage.note(if n % 5 == 0 { 60 } else { 20 }, 30));
        assert_eq!((coverage.percent(), coverage.widening()), (Some(80), Some(2000)));
        let wide = Work {
            mean: 20,
            variance: 25,
            worst: 40,
        }
        .widened(2000, 60);
        assert_eq!((wide.mean, wide.variance, wide.worst), (40, 100, 60));
    }

    #[test]
    fn an_estimate_counts_from_the_first_one_on() {
        let budgets = Budgets::default();
        let bound = Bound { most: 400, ..BOUND };
        let (short, source) = budgets.work(sort(1), 0, Some(20), bound);
        assert_eq!(source, Source::EstimateAlone);
        let long = budgets.work(sort(1), 0, Some(100), bound).0;
        assert!(
            long.mean > 4 * short.mean && long.worst > 3 * short.worst,
            "{short:?} {long:?}"
        );
        let begun = budgets.work(sort(1), 60, Some(100), bound).0;
        assert!(begun.mean < long.mean, "what is done is not left: {begun:?}");
    }

    #[test]
    fn nine_of_ten_hold_the_ninety_budget_that_was_learnt() {
        let past: Vec<Past> = (1..=200)
            .map(|minutes| Past {
                sort: sort(1),
                minutes,
                estimate: None,
            })
            .collect();
        let budgets = Budgets::learn(&past);
        assert_eq!(budgets.ninety(sort(1), None), 181);
        assert_eq!(budgets.ninety(sort(1), Some(10)), 24, "by the default ratios");
    }
}
