//! Gate 2, growing augmentation: the exact fluid test for any structure of skills.
//!
//! A network of minutes: work of a kind due in a bucket flows to that bucket or an earlier one, from there to a class that
//! can answer it, and out through the free minutes of that class in that bucket. To ask for a date is to push the new
//! minutes through what is left (its residual graph). Where the search is stuck, what it has reached is a least cut: the
//! reason. The due then moves one bucket later, what was pushed stays valid, and the same search goes on, so that the
//! earliest date costs one augmentation. The graph is never built: arcs follow from the numbers of their ends.

use crate::grid::Grid;
use crate::slack::Below;
use crate::team::Team;

/// Minutes of every kind with every class in every bucket.
#[derive(Debug, Clone)]
pub struct Flow {
    kinds: usize,
    classes: usize,
    pub(crate) buckets: usize,
    /// For each kind its classes.
    can: Vec<Vec<u32>>,
    /// For each class its kinds, and which of their classes it is.
    served: Vec<Vec<(u32, u32)>>,
    /// Where the rows of a kind begin.
    offset: Vec<usize>,
    /// Minutes of a kind with a class in a bucket.
    given: Vec<i32>,
    /// Minutes of a kind that flow from a bucket to the one before.
    earlier: Vec<i64>,
    /// Free minutes of a class in a bucket.
    free: Vec<i64>,
    search: Search,
}

/// Marks of a search, kept so that they need no clearing.
#[derive(Debug, Clone, Default)]
struct Search {
    round: u32,
    seen: Vec<u32>,
    from: Vec<u32>,
    queue: Vec<u32>,
}

/// What came of pushing.
#[derive(Debug, Clone)]
pub struct Pushed {
    /// The bucket in which the last minute found its place; none within the horizon.
    pub bucket: Option<usize>,
    /// The least cut at the last bucket that was refused.
    pub(crate) cut: Option<Below>,
}

/// A node: a kind or a class, in a bucket.
#[derive(Clone, Copy)]
enum Node {
    Kind(usize, usize),
    Class(usize, usize),
}

impl Flow {
    /// An empty network with these free minutes for each class in each bucket.
    pub fn new(can: Vec<Vec<u32>>, free: &[Vec<i64>], buckets: usize) -> Flow {
        let (kinds, classes) = (can.len(), free.len());
        let mut served = vec![Vec::new(); classes];
        let mut offset = Vec::with_capacity(kinds);
        let mut rows = 0;
        for (kind, list) in can.iter().enumerate() {
            offset.push(rows);
            for (place, &class) in list.iter().enumerate() {
                served[class as usize].push((kind as u32, place as u32));
            }
            rows += list.len();
        }
        let nodes = (kinds + classes) * buckets;
        Flow {
            kinds,
            classes,
            buckets,
            can,
            served,
            offset,
            given: vec![0; rows * buckets],
            earlier: vec![0; kinds * buckets],
            free: free.concat(),
            search: Search {
                round: 0,
                seen: vec![0; nodes],
                from: vec![0; nodes],
                queue: Vec::new(),
            },
        }
    }

    /// The network of a team with all its promises in it, those that cannot be in time as early as can be.
    pub(crate) fn of(team: &Team, grid: Grid, capacity: &[Vec<i64>]) -> Flow {
        let can = team.kinds.iter().map(|kind| kind.classes.clone()).collect();
        let mut flow = Flow::new(can, capacity, grid.count);
        let demand = grid.demand(team);
        flow.pour(&demand);
        flow
    }

    /// Takes in demand of each kind by bucket: greedily first, then by augmentation, the earliest due first.
    pub fn pour(&mut self, demand: &[Vec<i64>]) -> i64 {
        let mut late = 0;
        let mut order: Vec<(usize, usize)> = Vec::new();
        for (kind, row) in demand.iter().enumerate() {
            order.extend(
                row.iter()
                    .enumerate()
                    .filter(|&(_, &minutes)| minutes > 0)
                    .map(|(bucket, _)| (bucket, kind)),
            );
        }
        order.sort_by_key(|&(bucket, kind)| (bucket, self.can[kind].len(), kind));
        let mut left: Vec<(usize, usize, i64)> = Vec::new();
        for (bucket, kind) in order {
            let rest = self.fill(kind, bucket, demand[kind][bucket]);
            if rest > 0 {
                left.push((kind, bucket, rest));
            }
        }
        for (kind, bucket, minutes) in left {
            let pushed = self.push(kind, bucket, minutes, false);
            late += i64::from(pushed.bucket != Some(bucket));
        }
        late
    }

    /// Gives minutes to free classes, the latest bucket first (early minutes are worth most to what is due early); what
    /// found no place.
    fn fill(&mut self, kind: usize, due: usize, minutes: i64) -> i64 {
        let mut left = minutes;
        for bucket in (0..=due).rev() {
            for place in 0..self.can[kind].len() {
                let free = self.can[kind][place] as usize * self.buckets + bucket;
                let given = left.min(self.free[free]);
                self.free[free] -= given;
                self.given[(self.offset[kind] + place) * self.buckets + bucket] += given as i32;
                left -= given;
            }
            if left == 0 {
                break;
            }
            if bucket > 0 {
                self.earlier[kind * self.buckets + bucket] += left;
            }
        }
        // What did not fit did not flow either.
        if left > 0 {
            self.earlier[kind * self.buckets + 1..=kind * self.buckets + due]
                .iter_mut()
                .for_each(|flow| *flow -= left);
        }
        left
    }

    /// Pushes minutes of a kind due in `want`, later and later until all have a place. With `wants_cut` the least cut at
    /// the last refused bucket is kept.
    pub fn push(&mut self, kind: usize, want: usize, minutes: i64, wants_cut: bool) -> Pushed {
        let (mut due, mut left, mut cut) = (want, minutes, None);
        self.begin(kind, due);
        let mut head = 0;
        while left > 0 {
            if let Some(end) = self.reach(&mut head) {
                left -= self.augment(kind, due, end, left);
                self.begin(kind, due);
                head = 0;
                continue;
            }
            if wants_cut {
                cut = Some(self.reached());
            }
            if due + 1 == self.buckets {
                return Pushed { bucket: None, cut };
            }
            due += 1;
            // What is in already enters one bucket later now.
            self.earlier[kind * self.buckets + due] += minutes - left;
            let node = self.number(Node::Kind(kind, due));
            if self.mark(node, node) {
                self.search.queue.push(node);
            }
        }
        Pushed { bucket: Some(due), cut }
    }

    fn number(&self, node: Node) -> u32 {
        let place = match node {
            Node::Kind(kind, bucket) => kind * self.buckets + bucket,
            Node::Class(class, bucket) => (self.kinds + class) * self.buckets + bucket,
        };
        place as u32
    }

    fn node(&self, number: u32) -> Node {
        let (row, bucket) = (number as usize / self.buckets, number as usize % self.buckets);
        match row.checked_sub(self.kinds) {
            None => Node::Kind(row, bucket),
            Some(class) => Node::Class(class, bucket),
        }
    }

    fn begin(&mut self, kind: usize, due: usize) {
        self.search.round += 1;
        self.search.queue.clear();
        let node = self.number(Node::Kind(kind, due));
        self.mark(node, node);
        self.search.queue.push(node);
    }

    fn mark(&mut self, node: u32, from: u32) -> bool {
        let seen = &mut self.search.seen[node as usize];
        if *seen == self.search.round {
            return false;
        }
        *seen = self.search.round;
        self.search.from[node as usize] = from;
        true
    }

    fn visit(&mut self, to: Node, from: u32) {
        let to = self.number(to);
        if self.mark(to, from) {
            self.search.queue.push(to);
        }
    }

    /// Goes on with the search from `head` until a class with a free minute is reached.
    fn reach(&mut self, head: &mut usize) -> Option<u32> {
        while let Some(&number) = self.search.queue.get(*head) {
            match self.node(number) {
                Node::Kind(kind, bucket) => {
                    for place in 0..self.can[kind].len() {
                        self.visit(Node::Class(self.can[kind][place] as usize, bucket), number);
                    }
                    if bucket > 0 {
                        self.visit(Node::Kind(kind, bucket - 1), number);
                    }
                    if bucket + 1 < self.buckets && self.earlier[kind * self.buckets + bucket + 1] > 0 {
                        self.visit(Node::Kind(kind, bucket + 1), number);
                    }
                }
                Node::Class(class, bucket) => {
                    if self.free[class * self.buckets + bucket] > 0 {
                        return Some(number);
                    }
                    for at in 0..self.served[class].len() {
                        let (kind, place) = self.served[class][at];
                        let row = self.offset[kind as usize] + place as usize;
                        if self.given[row * self.buckets + bucket] > 0 {
                            self.visit(Node::Kind(kind as usize, bucket), number);
                        }
                    }
                }
            }
            *head += 1;
        }
        None
    }

    /// The number of the arc's flow that a step changes, if it is not without bound.
    fn row(&self, kind: usize, class: usize, bucket: usize) -> usize {
        let place = self.can[kind]
            .binary_search(&(class as u32))
            .expect("only arcs of the network are walked");
        (self.offset[kind] + place) * self.buckets + bucket
    }

    /// Pushes along the path that the search found; how many minutes.
    fn augment(&mut self, kind: usize, due: usize, end: u32, most: i64) -> i64 {
        let start = self.number(Node::Kind(kind, due));
        let mut steps = Vec::new();
        let mut at = end;
        while at != start {
            let from = self.search.from[at as usize];
            steps.push((self.node(from), self.node(at)));
            at = from;
        }
        let Node::Class(class, bucket) = self.node(end) else {
            return 0;
        };
        let mut least = most.min(self.free[class * self.buckets + bucket]);
        for &step in &steps {
            least = least.min(match step {
                (Node::Class(class, bucket), Node::Kind(kind, _)) => {
                    i64::from(self.given[self.row(kind, class, bucket)])
                }
                (Node::Kind(kind, from), Node::Kind(_, to)) if to > from => self.earlier[kind * self.buckets + to],
                _ => i64::MAX,
            });
        }
        for &step in &steps {
            match step {
                (Node::Class(class, bucket), Node::Kind(kind, _)) => {
                    let row = self.row(kind, class, bucket);
                    self.given[row] -= least as i32;
                }
                (Node::Kind(kind, bucket), Node::Class(class, _)) => {
                    let row = self.row(kind, class, bucket);
                    self.given[row] += least as i32;
                }
                (Node::Kind(kind, from), Node::Kind(_, to)) if to > from => {
                    self.earlier[kind * self.buckets + to] -= least
                }
                (Node::Kind(kind, from), Node::Kind(..)) => self.earlier[kind * self.buckets + from] += least,
                (Node::Class(..), Node::Class(..)) => {}
            }
        }
        self.free[class * self.buckets + bucket] -= least;
        least
    }

    /// What the search has reached: for each kind and class the last bucket.
    fn reached(&self) -> Below {
        let last = |row: usize| {
            let marks = &self.search.seen[row * self.buckets..(row + 1) * self.buckets];
            marks.iter().rposition(|&mark| mark == self.search.round)
        };
        let kinds = (0..self.kinds).filter_map(|kind| Some((kind as u32, last(kind)?)));
        let classes = (0..self.classes).filter_map(|class| Some((class as u32, last(self.kinds + class)?)));
        Below {
            kinds: kinds.collect(),
            classes: classes.collect(),
        }
    }

    /// Minutes of a kind with each of its classes until a bucket.
    pub(crate) fn given(&self, kind: usize, bucket: usize) -> impl Iterator<Item = (u32, i64)> + '_ {
        let rows = self.can[kind].iter().enumerate();
        rows.map(move |(place, &class)| {
            (
                class,
                i64::from(self.given[(self.offset[kind] + place) * self.buckets + bucket]),
            )
        })
    }
}
