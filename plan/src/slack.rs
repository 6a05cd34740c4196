//! Gate 1, slack profiles: minutes that are left before each time, for each group of people.
//!
//! A node is a set of classes that can answer some kind; its kinds are those that exactly these can answer. Where any two
//! sets are nested or apart (a forest) the profile is exact: `F_v(b)` is the node's own capacity until bucket b, plus what
//! its children leave over for good (`R_c(b)`, the least F_c from b on), less its own demand until b. Elsewhere a node
//! counts all people of its set and all demand that lies within it, which is necessary and leaves the rest to gate 2.
//! A new promise must not make a profile negative, and must not deepen one that is: without that form one overdue case
//! blocks all dates for weeks. Means only, no reserve, so that what is refused here is impossible.

use crate::cut::Cut;
use crate::grid::Grid;
use crate::interval::Minute;
use crate::limits;
use crate::schedule::Board;
use crate::snapshot::{KindId, Snapshot};
use crate::team::Team;

/// Slack profiles of a desk, to be asked and changed promise by promise.
#[derive(Debug, Clone)]
pub struct Profiles {
    grid: Grid,
    nodes: Vec<Node>,
    /// Node of each kind, in order of their numbers; none for a kind that nobody can answer.
    node_of: Vec<(KindId, Option<usize>)>,
    /// Whether any two sets of classes are nested or apart.
    is_nested: bool,
    /// Working minutes of each class in each bucket: gate 2 begins with the same.
    pub(crate) capacity: Vec<Vec<i64>>,
}

#[derive(Debug, Clone)]
struct Node {
    /// Places of classes, sorted.
    classes: Vec<u32>,
    /// Places of the kinds whose demand is counted in this node itself.
    kinds: Vec<u32>,
    parent: Option<usize>,
    children: Vec<usize>,
    /// Classes of no child.
    own: Vec<u32>,
    /// Cumulated capacity: of its own classes, and of all.
    own_capacity: Vec<i64>,
    capacity: Vec<i64>,
    /// Cumulated demand.
    demand: Vec<i64>,
    /// F, and its least value from each bucket on.
    slack: Vec<i64>,
    left: Vec<i64>,
}

impl Profiles {
    /// Of a snapshot.
    pub fn new(snapshot: &Snapshot) -> Profiles {
        Profiles::of(&Team::new(snapshot))
    }

    pub(crate) fn of(team: &Team) -> Profiles {
        let grid = Grid::of(team);
        let mut profiles = Profiles {
            grid,
            nodes: nodes(team),
            node_of: Vec::new(),
            is_nested: false,
            capacity: grid.capacity(team),
        };
        profiles.node_of = (0..team.kinds.len())
            .map(|kind| {
                (
                    team.kinds[kind].id,
                    profiles
                        .nodes
                        .iter()
                        .position(|node| node.classes == team.kinds[kind].classes),
                )
            })
            .collect();
        profiles.is_nested = is_laminar(&profiles.nodes);
        profiles.link();
        profiles.fill(&grid.demand(team));
        profiles
    }

    /// Whether gate 1 is exact here.
    pub fn is_exact(&self) -> bool {
        self.is_nested
    }

    fn link(&mut self) {
        if !self.is_nested {
            return;
        }
        for at in 0..self.nodes.len() {
            let holds = |other: &usize| *other != at && is_within(&self.nodes[at].classes, &self.nodes[*other].classes);
            let parent = (0..self.nodes.len())
                .filter(holds)
                .min_by_key(|&other| self.nodes[other].classes.len());
            self.nodes[at].parent = parent;
            if let Some(parent) = parent {
                self.nodes[parent].children.push(at);
            }
        }
    }

    /// Sums of capacity and demand; then profiles, children before parents.
    fn fill(&mut self, demand: &[Vec<i64>]) {
        let capacity = &self.capacity;
        for at in 0..self.nodes.len() {
            let children: Vec<u32> = self.nodes[at]
                .children
                .iter()
                .flat_map(|&child| self.nodes[child].classes.clone())
                .collect();
            let node = &mut self.nodes[at];
            node.own = node
                .classes
                .iter()
                .copied()
                .filter(|class| !children.contains(class))
                .collect();
            node.own_capacity = cumulated(self.grid.count, node.own.iter().map(|&class| &capacity[class as usize]));
            node.capacity = cumulated(
                self.grid.count,
                node.classes.iter().map(|&class| &capacity[class as usize]),
            );
            node.slack = vec![0; self.grid.count];
            node.left = vec![0; self.grid.count];
        }
        for at in 0..self.nodes.len() {
            // Where sets cross, a node counts the demand of all kinds within its set.
            let counted = |other: &&Node| match self.is_nested {
                true => other.classes == self.nodes[at].classes,
                false => is_within(&other.classes, &self.nodes[at].classes),
            };
            let kinds: Vec<u32> = self
                .nodes
                .iter()
                .filter(counted)
                .flat_map(|other| other.kinds.clone())
                .collect();
            self.nodes[at].demand = cumulated(self.grid.count, kinds.iter().map(|&kind| &demand[kind as usize]));
        }
        let mut order: Vec<usize> = (0..self.nodes.len()).collect();
        order.sort_by_key(|&at| self.nodes[at].classes.len());
        for at in order {
            self.refresh(at);
        }
    }

    /// Makes the profile of a node from its demand and its children.
    fn refresh(&mut self, at: usize) {
        let mut slack = std::mem::take(&mut self.nodes[at].slack);
        let node = &self.nodes[at];
        let base = if self.is_nested {
            &node.own_capacity
        } else {
            &node.capacity
        };
        for ((slack, base), demand) in slack.iter_mut().zip(base).zip(&node.demand) {
            *slack = base - demand;
        }
        for &child in &node.children {
            let child = &self.nodes[child];
            for ((slack, left), capacity) in slack.iter_mut().zip(&child.left).zip(&child.capacity) {
                *slack += (*left).clamp(0, *capacity);
            }
        }
        let node = &mut self.nodes[at];
        suffix_minimum(&slack, &mut node.left);
        node.slack = slack;
    }

    fn node(&self, kind: KindId) -> Option<usize> {
        let found = self.node_of.binary_search_by_key(&kind, |&(id, _)| id);
        found.ok().and_then(|at| self.node_of[at].1)
    }

    /// Takes `minutes` of work due at `due` in; negative minutes take it out again.
    pub fn add(&mut self, kind: KindId, minutes: i64, due: Minute) {
        let Some(own) = self.node(kind) else { return };
        let first = self.grid.last(due);
        for at in self.touched(own) {
            if at == own || !self.is_nested {
                self.nodes[at].demand[first..]
                    .iter_mut()
                    .for_each(|demand| *demand += minutes);
            }
            self.refresh(at);
        }
    }

    /// The nodes that demand of one of them bears upon, it first.
    fn touched(&self, own: usize) -> Vec<usize> {
        if self.is_nested {
            return std::iter::successors(Some(own), |&at| self.nodes[at].parent).collect();
        }
        let above = (0..self.nodes.len())
            .filter(|&at| at != own && is_within(&self.nodes[own].classes, &self.nodes[at].classes));
        std::iter::once(own).chain(above).collect()
    }

    /// The earliest date not before `want` at which `minutes` of work hurt no profile; bucket ends where it is later than
    /// wanted. None within the horizon.
    pub fn earliest(&self, kind: KindId, minutes: i64, want: Minute) -> Option<Minute> {
        let bucket = self.earliest_bucket(self.node(kind)?, minutes, self.grid.last(want))?;
        Some(if bucket == self.grid.last(want) {
            want
        } else {
            self.grid.end(bucket)
        })
    }

    fn earliest_bucket(&self, own: usize, minutes: i64, want: usize) -> Option<usize> {
        let path = self.touched(own);
        let count = self.grid.count;
        let mut first = self.nodes[own].left.partition_point(|&left| left < minutes).max(want);
        if !self.is_nested {
            let least = path
                .iter()
                .map(|&at| self.nodes[at].left.partition_point(|&left| left < minutes))
                .max();
            first = first.max(least.unwrap_or(0));
            return (first < count).then_some(first);
        }
        let mut scratch = Scratch::new(count);
        let fits = |bucket: usize, scratch: &mut Scratch| self.path_fits(&path, minutes, bucket, scratch);
        // What fits at a date fits at each later one: gallop, then halve.
        let (mut low, mut step) = (first, 1);
        if first < count && fits(first, &mut scratch) {
            return Some(first);
        }
        while low < count {
            let probe = (low + step).min(count - 1);
            if fits(probe, &mut scratch) {
                let (mut bad, mut good) = (low, probe);
                while good - bad > 1 {
                    let middle = (bad + good) / 2;
                    if fits(middle, &mut scratch) {
                        good = middle
                    } else {
                        bad = middle
                    }
                }
                return Some(good);
            }
            if probe == count - 1 {
                return None;
            }
            (low, step) = (probe, step * 2);
        }
        None
    }

    /// Whether work due in `bucket` at the first node of `path` hurts none of them.
    fn path_fits(&self, path: &[usize], minutes: i64, bucket: usize, scratch: &mut Scratch) -> bool {
        let own = &self.nodes[path[0]];
        if own.left[bucket] < minutes {
            return false;
        }
        scratch.slack.copy_from_slice(&own.slack);
        scratch.slack[bucket..].iter_mut().for_each(|slack| *slack -= minutes);
        for pair in path.windows(2) {
            let (child, parent) = (&self.nodes[pair[0]], &self.nodes[pair[1]]);
            suffix_minimum(&scratch.slack, &mut scratch.left);
            let mut worse = false;
            for at in 0..scratch.slack.len() {
                let before = child.left[at].clamp(0, child.capacity[at]);
                let after = scratch.left[at].clamp(0, child.capacity[at]);
                let new = parent.slack[at] - (before - after);
                worse |= new < parent.slack[at].min(0);
                scratch.slack[at] = new;
            }
            if worse {
                return false;
            }
        }
        true
    }

    /// Where work of so many minutes due in `bucket` would hurt: a node and a bucket of it, after which too little is left.
    pub(crate) fn refusal(&self, kind: KindId, minutes: i64, due: Minute) -> Option<(usize, usize)> {
        let own = self.node(kind)?;
        let bucket = self.grid.last(due);
        let mut changed = self.clone();
        changed.add(kind, minutes, due);
        let path = self.touched(own);
        path.into_iter().find_map(|at| {
            let pairs = self.nodes[at].slack.iter().zip(&changed.nodes[at].slack);
            let worse = pairs
                .enumerate()
                .skip(if at == own || !self.is_nested { bucket } else { 0 });
            let mut short = worse.filter(|&(_, (old, new))| *new < (*old).min(0) || *new < 0 && new < old);
            short.next().map(|(place, _)| (at, place))
        })
    }

    /// The places of kinds and classes with the last bucket of each that lie in the cut below a node until a bucket.
    pub(crate) fn below(&self, at: usize, bucket: usize, cut: &mut Below) {
        let node = &self.nodes[at];
        if !self.is_nested {
            let within = self
                .nodes
                .iter()
                .filter(|other| is_within(&other.classes, &node.classes));
            cut.kinds
                .extend(within.flat_map(|other| other.kinds.iter().map(|&kind| (kind, bucket))));
            cut.classes.extend(node.classes.iter().map(|&class| (class, bucket)));
            return;
        }
        cut.kinds.extend(node.kinds.iter().map(|&kind| (kind, bucket)));
        cut.classes.extend(node.own.iter().map(|&class| (class, bucket)));
        for &child in &node.children {
            let least = self.nodes[child].left[bucket];
            if least >= self.nodes[child].capacity[bucket] {
                // It leaves all its people over: they are in the cut, its work is not.
                cut.classes
                    .extend(self.nodes[child].classes.iter().map(|&class| (class, bucket)));
            } else {
                let slack = &self.nodes[child].slack;
                let until = (bucket..slack.len())
                    .find(|&place| slack[place] == least)
                    .unwrap_or(bucket);
                self.below(child, until, cut);
            }
        }
    }

    /// The grid of its buckets.
    pub(crate) fn grid(&self) -> Grid {
        self.grid
    }
}

/// What lies in a cut, by places and buckets.
#[derive(Debug, Default, Clone)]
pub(crate) struct Below {
    pub kinds: Vec<(u32, usize)>,
    pub classes: Vec<(u32, usize)>,
}

impl Board<'_> {
    /// Why work of so many minutes cannot be due at `due`, if a slack profile says so.
    pub(crate) fn cut_of_profiles(&self, profiles: &Profiles, kind: KindId, minutes: i64, due: Minute) -> Option<Cut> {
        let (node, bucket) = profiles.refusal(kind, minutes, due)?;
        let mut with = profiles.clone();
        with.add(kind, minutes, due);
        let mut below = Below::default();
        with.below(node, bucket, &mut below);
        Some(self.cut(profiles.grid(), &below, Some((kind, minutes, due))))
    }
}

impl Board<'_> {
    /// Where promised work needs more than the people who can do it have: a cut for each group that is short, at its worst
    /// time.
    pub fn shortages(&self) -> Vec<Cut> {
        let profiles = self.profiles();
        let short = (0..profiles.nodes.len()).filter_map(|at| {
            let slack = &profiles.nodes[at].slack;
            let bucket = (0..slack.len()).min_by_key(|&bucket| (slack[bucket], bucket))?;
            (slack[bucket] < 0).then_some((at, bucket))
        });
        let cuts = short.map(|(at, bucket)| {
            let mut below = Below::default();
            profiles.below(at, bucket, &mut below);
            self.cut(profiles.grid(), &below, None)
        });
        cuts.take(limits::SHORTAGES).collect()
    }
}

struct Scratch {
    slack: Vec<i64>,
    left: Vec<i64>,
}

impl Scratch {
    fn new(count: usize) -> Scratch {
        Scratch {
            slack: vec![0; count],
            left: vec![0; count],
        }
    }
}

fn nodes(team: &Team) -> Vec<Node> {
    let mut sets: Vec<Vec<u32>> = team
        .kinds
        .iter()
        .map(|kind| kind.classes.clone())
        .filter(|set| !set.is_empty())
        .collect();
    sets.sort();
    sets.dedup();
    let kinds_of = |set: &[u32]| {
        (0..team.kinds.len() as u32)
            .filter(|&kind| team.kinds[kind as usize].classes == set)
            .collect()
    };
    let node = |classes: Vec<u32>| Node {
        kinds: kinds_of(&classes),
        classes,
        parent: None,
        children: Vec::new(),
        own: Vec::new(),
        own_capacity: Vec::new(),
        capacity: Vec::new(),
        demand: Vec::new(),
        slack: Vec::new(),
        left: Vec::new(),
    };
    sets.into_iter().map(node).collect()
}

fn is_within(inner: &[u32], outer: &[u32]) -> bool {
    inner.iter().all(|one| outer.binary_search(one).is_ok())
}

fn is_laminar(nodes: &[Node]) -> bool {
    nodes.iter().enumerate().all(|(at, one)| {
        nodes[..at].iter().all(|other| {
            let (a, b) = (&one.classes, &other.classes);
            is_within(a, b) || is_within(b, a) || !a.iter().any(|class| b.binary_search(class).is_ok())
        })
    })
}

fn cumulated<'a>(count: usize, rows: impl Iterator<Item = &'a Vec<i64>>) -> Vec<i64> {
    let mut sum = vec![0; count];
    for row in rows {
        sum.iter_mut().zip(row).for_each(|(sum, one)| *sum += one);
    }
    let mut before = 0;
    for one in &mut sum {
        before += *one;
        *one = before;
    }
    sum
}

fn suffix_minimum(values: &[i64], into: &mut [i64]) {
    let mut least = i64::MAX;
    for (into, &value) in into.iter_mut().zip(values).rev() {
        least = least.min(value);
        *into = least;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::{desk, engineer, kind, promise};

    #[test]
    fn an_overdue_case_blocks_no_date_behind_its_own_work() {
        let mut snapshot = desk(&[engineer(1, 1, &[(0, 480)])], &[kind(1, &[1])]);
        snapshot.promises = vec![promise(1, 1, -500, 90)];
        let profiles = Profiles::new(&snapshot);
        assert_eq!(
            profiles.earliest(1, 30, 60),
            Some(120),
            "ninety minutes, and then thirty"
        );
        assert_eq!(profiles.earliest(1, 30, 200), Some(200));
    }

    #[test]
    fn a_group_that_is_short_takes_nothing_from_people_who_cannot_help_it() {
        let people = [engineer(1, 1, &[(0, 480)]), engineer(2, 2, &[(0, 480)])];
        let mut snapshot = desk(&people, &[kind(1, &[1]), kind(2, &[1, 2])]);
        snapshot.promises = vec![promise(1, 1, 60, 300)];
        let profiles = Profiles::new(&snapshot);
        assert!(profiles.is_exact());
        assert_eq!(profiles.earliest(2, 60, 60), Some(60), "the second engineer is free");
        assert_eq!(profiles.earliest(2, 61, 60), Some(90));
        let cuts = Board::new(&snapshot).shortages();
        assert_eq!(
            cuts.iter()
                .map(|cut| (cut.capacity, cut.promised, cut.missing()))
                .collect::<Vec<_>>(),
            [(60, 300, 240)]
        );
    }
}
