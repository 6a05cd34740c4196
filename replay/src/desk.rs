//! Duly's own policy: admission before each date, bounded promises, the certified timetable, and dates that move in time.
//!
//! What it knows of a mail: when it came, its severity and lane, whether it is a first one, the minutes worked so far, and
//! whether it waits. True minutes, coming waits and coming sickness are the world's.

mod ahead;
mod bound;
mod told;

use crate::floor::{Choice, End, FINDING_MINUTES, Floor, Policy, State};
use crate::learnt::Learnt;
use crate::ledger::Reply;
use crate::world::World;
use plan::dispatch::Next;
use plan::interval::{Interval, Minute, clipped};
use plan::request::Request;
use plan::schedule::Board;
use plan::snapshot::{Kind, Rules};
use std::collections::BTreeMap;
use told::own_minutes;

/// M: minutes of work of a promise by severity 1 to 4, after which what is known is sent.
pub const BOUND_MINUTES: [i64; 4] = [30, 60, 120, 120];
/// By how much M is stretched, once, where the timetable stays whole.
pub const STRETCH_MINUTES: i64 = 30;
/// Minutes of a slice.
pub const QUANTUM_MINUTES: i64 = 20;
/// A customer is asked for another date no later than this before the one that stands.
const NOTICE_MINUTES: i64 = 60;
/// A finding that says something needs this much work.
const USEFUL_MINUTES: i64 = 10;
/// Less than this before a finding must be begun, it is begun.
const LAST_CALL_MINUTES: i64 = 3;

/// Entries of lists that may be looked at to help what is late: once an hour thoroughly, less when a date is asked for, and
/// little at the thousands of decision points between.
const LOOK_STEPS: usize = 400_000;
/// See [`LOOK_STEPS`].
const DATE_STEPS: usize = 30_000;
/// See [`LOOK_STEPS`].
const EVENT_STEPS: usize = 2_000;
/// A case that is put aside this long before its due is not taken up again in time.
const CLOSE_MINUTES: i64 = 90;

/// How the desk works; parts can be left out to see what they are worth.
#[derive(Debug, Clone, Copy)]
pub struct Ways {
    /// Minutes between the planned and the promised time.
    pub guard: i64,
    /// Dates are admitted; without it the target is promised.
    pub admission: bool,
    /// A finding is sent when a wait would break the promise.
    pub wait_rule: bool,
    /// Dates move by agreement before they are due.
    pub renegotiation: bool,
}

impl Default for Ways {
    fn default() -> Ways {
        Ways {
            guard: QUANTUM_MINUTES.max(STRETCH_MINUTES),
            admission: true,
            wait_rule: true,
            renegotiation: true,
        }
    }
}

/// An open promise as the desk keeps it.
#[derive(Debug, Clone)]
struct Care {
    /// What the customer was told.
    promised: Minute,
    /// By when it is planned to be done.
    due: Minute,
    /// Minutes worked on the mail before this promise.
    from_worked: i64,
    /// M, with its stretch.
    bound: i64,
    stretched: bool,
    moves: u8,
    seat: Option<i64>,
    /// What is known is to be written down as soon as possible.
    finding: bool,
    /// The case waits for longer than can be counted on: if it still waits then, what is known is written down.
    write_at: Option<Minute>,
}

/// Duly at work.
pub struct Desk<'l> {
    learnt: &'l Learnt,
    ways: Ways,
    rules: Rules,
    kinds: Vec<Kind>,
    classes: Vec<i64>,
    open: BTreeMap<usize, Care>,
}

impl<'l> Desk<'l> {
    /// A desk for a world.
    pub fn new(world: &World, learnt: &'l Learnt, ways: Ways) -> Desk<'l> {
        // Engineers with the same lanes are one class, named by the first of them.
        let class = |lanes: &Vec<bool>| {
            world
                .engineers
                .iter()
                .position(|other| other.lanes == *lanes)
                .unwrap_or(0) as i64
        };
        let classes: Vec<i64> = world.engineers.iter().map(|engineer| class(&engineer.lanes)).collect();
        let kind = |lane: usize| {
            let able = (0..classes.len()).filter(|engineer| world.answers(*engineer, lane));
            let mut classes: Vec<i64> = able.map(|engineer| classes[engineer]).collect();
            classes.sort_unstable();
            classes.dedup();
            Kind {
                id: lane as i64,
                classes,
            }
        };
        Desk {
            learnt,
            ways,
            rules: Rules {
                stretch: ways.guard,
                quantum: ways.guard.min(QUANTUM_MINUTES),
                ..Rules::default()
            },
            kinds: (0..world.lanes.len()).map(kind).collect(),
            classes,
            open: BTreeMap::new(),
        }
    }

    fn keep_seats(&mut self, seats: impl Iterator<Item = (i64, Option<i64>)>) {
        for (mail, seat) in seats {
            if let Some(care) = self.open.get_mut(&(mail as usize)) {
                care.seat = seat;
            }
        }
    }

    /// Promises a date for a mail: the target if it can be kept, else the earliest that can.
    fn promise(&mut self, floor: &mut Floor, mail: usize) {
        let known = &floor.world.mails[mail];
        let (severity, worked) = (known.severity, floor.worked(mail));
        let not_before = self.resumes(floor, mail);
        let target = floor.world.target(severity, not_before.unwrap_or(floor.now));
        let mut care = Care {
            promised: target,
            due: target - self.rules.guard(),
            from_worked: worked,
            bound: BOUND_MINUTES[severity],
            stretched: false,
            moves: 0,
            seat: None,
            finding: false,
            write_at: None,
        };
        if self.ways.admission
            && let Some((promised, due, moved)) = self.admit(floor, mail, &care)
        {
            (care.promised, care.due, care.moves) = (promised, due, u8::from(moved));
        }
        floor.ledger.make(mail, floor.now, target, care.promised);
        self.open.insert(mail, care);
    }

    /// The earliest date from the one that stands for which there is a witness.
    fn admit(&mut self, floor: &Floor, mail: usize, care: &Care) -> Option<(Minute, Minute, bool)> {
        let mut snapshot = self.snapshot(floor, &[]);
        snapshot.promises.retain(|promise| promise.id != mail as i64);
        let ahead = Interval::new(floor.now, floor.now + self.rules.horizon);
        let request = Request {
            id: mail as i64,
            kind: floor.world.mails[mail].lane as i64,
            severity: floor.world.mails[mail].severity as u8 + 1,
            want: care.promised,
            work: self.work(floor, mail, care),
            not_before: self.resumes(floor, mail),
            owner: floor.jobs[mail].owner.map(|owner| owner as i64),
            moves: care.moves,
            hours: clipped(floor.world.open.intervals(), ahead),
        };
        let offer = Board::within(&snapshot, DATE_STEPS).admit(&request).ok()?;
        for (other, seat) in offer.seats {
            if let Some(care) = self.open.get_mut(&(other as usize)) {
                care.seat = Some(seat);
            }
        }
        Some((offer.promised, offer.due, offer.moved))
    }

    /// The choice to work on a mail: until its slice ends, M is used up, or its finding must be begun.
    fn work_on(&self, floor: &Floor, engineer: usize, mail: usize) -> Option<Choice> {
        let care = self.open.get(&mail)?;
        if care.finding {
            return Some(Choice {
                mail,
                act: Reply::Finding,
                slice: None,
                most_work: None,
            });
        }
        let left = care.from_worked + care.bound - floor.worked(mail);
        let spare = own_minutes(floor, engineer, care.promised) - FINDING_MINUTES;
        let slice = if spare >= LAST_CALL_MINUTES {
            spare.min(QUANTUM_MINUTES)
        } else {
            QUANTUM_MINUTES
        };
        Some(Choice {
            mail,
            act: Reply::Answer,
            slice: Some(slice),
            most_work: Some(left),
        })
    }

    /// The mail that a free engineer had in hand, if it can go on there.
    fn in_hand(&self, floor: &Floor, engineer: usize) -> Option<usize> {
        let mail = floor.last(engineer)?;
        let job = &floor.jobs[mail];
        let care = self.open.get(&mail)?;
        let free = job.state == State::Ready || (care.finding && !matches!(job.state, State::InHand(_)));
        (free && job.owner == Some(engineer)).then_some(mail)
    }
}

impl Policy for Desk<'_> {
    fn arrived(&mut self, floor: &mut Floor, mail: usize) {
        self.promise(floor, mail);
    }

    fn ended(&mut self, floor: &mut Floor, _: usize, mail: usize, end: End) {
        match end {
            End::Replied(Reply::Answer) => {
                self.open.remove(&mail);
            }
            End::Replied(Reply::Finding) => {
                self.open.remove(&mail);
                self.promise(floor, mail);
            }
            End::Blocked if self.ways.wait_rule => {
                let placements = Board::within(&self.snapshot(floor, &[]), LOOK_STEPS).placements();
                let own = placements.iter().find(|placement| placement.promise == mail as i64);
                let holds = own.is_some_and(|placement| placement.is_on_time());
                if !holds {
                    self.wait(floor, mail);
                }
            }
            End::Blocked | End::Slice | End::Break => {}
        }
    }

    fn woke(&mut self, floor: &mut Floor, mail: usize) {
        // What was to be written down because of the wait can be answered after all, unless somebody writes already.
        let ready = floor.jobs[mail].state == State::Ready;
        if let Some(care) = self.open.get_mut(&mail).filter(|_| ready) {
            (care.finding, care.write_at) = (false, None);
        }
    }

    fn reminded(&mut self, floor: &mut Floor, mail: usize) {
        let waits = matches!(floor.jobs[mail].state, State::Blocked { .. });
        let due = self
            .open
            .get(&mail)
            .and_then(|care| care.write_at)
            .is_some_and(|at| at <= floor.now);
        if waits && due {
            self.write_down(mail);
        }
    }

    fn looked(&mut self, floor: &mut Floor) {
        self.look_ahead(floor);
    }

    fn choose(&mut self, floor: &mut Floor, free: &[usize]) -> Vec<(usize, Choice)> {
        let in_hand: Vec<Option<usize>> = free.iter().map(|engineer| self.in_hand(floor, *engineer)).collect();
        for (&engineer, mail) in free.iter().zip(&in_hand) {
            if let Some(mail) = mail {
                self.close_up(floor, engineer, *mail);
            }
        }
        let running: Vec<(usize, usize)> = free
            .iter()
            .copied()
            .zip(in_hand)
            .filter_map(|(e, mail)| Some((e, mail?)))
            .collect();
        let snapshot = self.snapshot(floor, &running);
        let board = Board::within(&snapshot, EVENT_STEPS);
        self.keep_seats(board.seats());
        let mut taken: Vec<i64> = (0..self.classes.len())
            .filter_map(|e| floor.in_hand(e))
            .map(|(mail, _)| mail as i64)
            .collect();
        let mut choices = Vec::new();
        for &engineer in free {
            let own = running
                .iter()
                .find(|(other, _)| *other == engineer)
                .map(|(_, mail)| *mail);
            let own = own.filter(|mail| !taken.contains(&(*mail as i64)));
            let writes = own.filter(|mail| self.open.get(mail).is_some_and(|care| care.finding));
            let mail = writes.or_else(|| match board.next(engineer as i64, &taken) {
                Next::GoOn { promise, .. } | Next::Take { promise, .. } | Next::Help { promise, .. } => {
                    Some(promise as usize)
                }
                Next::Rest { .. } => None,
            });
            let put_aside = own.filter(|own| mail != Some(*own) && self.is_close(floor, *own));
            if let Some(own) = put_aside {
                self.write_down(own);
            }
            let mail = put_aside.or(mail);
            let Some(choice) = mail.and_then(|mail| self.work_on(floor, engineer, mail)) else {
                continue;
            };
            taken.push(choice.mail as i64);
            if let Some(care) = self.open.get_mut(&choice.mail) {
                care.seat = Some(engineer as i64);
            }
            choices.push((engineer, choice));
        }
        choices
    }
}
