//! What other desks do: eight policies without admission. Each promises the target and the whole answer.

use crate::floor::{Choice, End, Floor, Policy, State};
use crate::ledger::Reply;
use crate::world::World;
use std::fmt;
use std::str::FromStr;

/// Minutes of a slice where a policy has slices.
const QUANTUM: i64 = 20;

/// The policy of a peer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Peer {
    /// A mail goes to the least loaded engineer on arrival; own list, oldest first, run to completion.
    PushFifo,
    /// The same, worst severity first.
    PushSeverity,
    /// One shared queue, oldest first, run to completion.
    Fifo,
    /// The same, worst severity first.
    Severity,
    /// The same, earliest target first.
    Target,
    /// One shared queue; after a slice the case goes to its end.
    RoundRobin,
    /// Earliest target first, decided again at the end of each slice.
    Edf,
    /// The same, but the case goes on unless an earlier target would be hurt by one more slice.
    EdfLazy,
}

impl Peer {
    /// All of them.
    pub const ALL: [Peer; 8] = [
        Peer::PushFifo,
        Peer::PushSeverity,
        Peer::Fifo,
        Peer::Severity,
        Peer::Target,
        Peer::RoundRobin,
        Peer::Edf,
        Peer::EdfLazy,
    ];

    /// As it is written on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Peer::PushFifo => "push-fifo",
            Peer::PushSeverity => "push-severity",
            Peer::Fifo => "fifo",
            Peer::Severity => "severity",
            Peer::Target => "target",
            Peer::RoundRobin => "round-robin",
            Peer::Edf => "edf",
            Peer::EdfLazy => "edf-lazy",
        }
    }

    fn pushes(self) -> bool {
        matches!(self, Peer::PushFifo | Peer::PushSeverity)
    }

    fn slices(self) -> bool {
        matches!(self, Peer::RoundRobin | Peer::Edf | Peer::EdfLazy)
    }
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Peer {
    type Err = ();

    fn from_str(text: &str) -> Result<Peer, ()> {
        Peer::ALL.into_iter().find(|peer| peer.name() == text).ok_or(())
    }
}

/// A peer at work.
pub struct PeerDesk {
    peer: Peer,
    /// Mails that came and are not answered.
    open: Vec<usize>,
    /// Whose list a mail is on, where mails are pushed.
    pushed_to: Vec<usize>,
    /// Place in the queue: counts up with each mail that is put at its end.
    place: Vec<u64>,
    end: u64,
    /// Mean minutes of a first and of a later mail.
    mean: [i64; 2],
}

impl PeerDesk {
    /// A desk for a world; means are those of the cases from which budgets are learnt.
    pub fn new(peer: Peer, world: &World, mean_minutes: [i64; 2]) -> PeerDesk {
        let mails = world.mails.len();
        PeerDesk {
            peer,
            open: Vec::new(),
            pushed_to: vec![0; mails],
            place: vec![0; mails],
            end: 0,
            mean: mean_minutes,
        }
    }

    fn enqueue(&mut self, mail: usize) {
        self.end += 1;
        self.place[mail] = self.end;
    }

    /// The engineer with the fewest open mails among those who can answer and are there today, else among all who can.
    fn least_loaded(&self, floor: &Floor, mail: usize) -> usize {
        let lane = floor.world.mails[mail].lane;
        let able = (0..floor.world.engineers.len()).filter(|engineer| floor.world.answers(*engineer, lane));
        let load = |engineer: &usize| {
            self.open
                .iter()
                .filter(|open| self.pushed_to[**open] == *engineer)
                .count()
        };
        able.min_by_key(|engineer| (floor.away_today(*engineer), load(engineer), *engineer))
            .unwrap_or(0)
    }

    /// Whether a mail is one that an engineer may take now.
    fn may_take(&self, floor: &Floor, engineer: usize, mail: usize) -> bool {
        let job = &floor.jobs[mail];
        let able = job.state == State::Ready && floor.world.answers(engineer, floor.world.mails[mail].lane);
        let theirs = match job.owner {
            _ if self.peer.pushes() => self.pushed_to[mail] == engineer,
            // A begun case stays with whoever began it, unless they are away: taking over costs more than it brings.
            Some(owner) => owner == engineer || floor.away_today(owner),
            None => true,
        };
        able && theirs
    }

    /// Lower first.
    fn rank(&self, floor: &Floor, mail: usize) -> (i64, u64) {
        let known = &floor.world.mails[mail];
        let target = floor.ledger.open(mail).map_or(i64::MAX, |promise| promise.target);
        let first = match self.peer {
            Peer::PushFifo | Peer::Fifo | Peer::RoundRobin => 0,
            Peer::PushSeverity | Peer::Severity => known.severity as i64,
            Peer::Target | Peer::Edf | Peer::EdfLazy => target,
        };
        (first, self.place[mail])
    }

    /// Whether an engineer goes on with what they had in hand without looking at the queue.
    fn goes_on(&self, floor: &Floor, engineer: usize, mail: usize) -> bool {
        match self.peer {
            Peer::RoundRobin | Peer::Edf => false,
            Peer::EdfLazy => !self
                .open
                .iter()
                .any(|other| self.is_hurt(floor, engineer, mail, *other)),
            _ => true,
        }
    }

    /// Whether one more slice for `mail` would make another with an earlier target late.
    fn is_hurt(&self, floor: &Floor, engineer: usize, mail: usize, other: usize) -> bool {
        let target = |mail: usize| floor.ledger.open(mail).map_or(i64::MAX, |promise| promise.target);
        let left = self.mean[usize::from(floor.world.mails[other].later)] - floor.jobs[other].worked;
        other != mail
            && self.may_take(floor, engineer, other)
            && target(other) < target(mail)
            && floor.now + QUANTUM + left.max(QUANTUM) > target(other)
    }

    /// What a free engineer does, of what others have not taken in the same minute.
    fn choice(&self, floor: &Floor, engineer: usize, taken: &[usize]) -> Option<Choice> {
        let may_take = |mail: usize| !taken.contains(&mail) && self.may_take(floor, engineer, mail);
        let last = floor.last(engineer).filter(|mail| may_take(*mail));
        let mine =
            last.filter(|mail| floor.jobs[*mail].owner == Some(engineer) && self.goes_on(floor, engineer, *mail));
        let takeable = self.open.iter().copied().filter(|mail| may_take(*mail));
        let mail = mine.or_else(|| takeable.min_by_key(|mail| self.rank(floor, *mail)))?;
        let slice = self.peer.slices().then_some(QUANTUM);
        Some(Choice {
            mail,
            act: Reply::Answer,
            slice,
            most_work: None,
        })
    }
}

impl Policy for PeerDesk {
    fn arrived(&mut self, floor: &mut Floor, mail: usize) {
        let target = floor.world.target(floor.world.mails[mail].severity, floor.now);
        floor.ledger.make(mail, floor.now, target, target);
        if self.peer.pushes() {
            self.pushed_to[mail] = self.least_loaded(floor, mail);
        }
        self.enqueue(mail);
        self.open.push(mail);
    }

    fn ended(&mut self, _: &mut Floor, _: usize, mail: usize, end: End) {
        match end {
            End::Replied(_) => self.open.retain(|open| *open != mail),
            End::Slice if self.peer == Peer::RoundRobin => self.enqueue(mail),
            End::Slice | End::Break | End::Blocked => {}
        }
    }

    fn woke(&mut self, _: &mut Floor, mail: usize) {
        if self.peer == Peer::RoundRobin {
            self.enqueue(mail);
        }
    }

    fn reminded(&mut self, _: &mut Floor, _: usize) {}

    fn looked(&mut self, _: &mut Floor) {}

    fn choose(&mut self, floor: &mut Floor, free: &[usize]) -> Vec<(usize, Choice)> {
        let mut taken = Vec::new();
        let mut choices = Vec::new();
        for &engineer in free {
            if let Some(choice) = self.choice(floor, engineer, &taken) {
                taken.push(choice.mail);
                choices.push((engineer, choice));
            }
        }
        choices
    }
}
