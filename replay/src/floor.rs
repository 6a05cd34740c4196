//! The floor of the desk: people at work, minute by minute. What happens here is the same under every policy.
//!
//! A policy decides who works on what; the floor lets time pass, charges the minutes on top (a switch, a handover, the
//! writing of a finding) and tells the policy what came of it. Within a minute things happen in a fixed order: what was
//! begun ends, cases wake, news arrives, mails come, people come; then everybody who is free is asked, by number.

use crate::ledger::{Ledger, Reply};
use crate::opening;
use crate::world::World;
use plan::interval::{Interval, Minute, without};
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// Minutes of a switch to another case.
pub const SWITCH_MINUTES: i64 = 3;
/// Minutes more when somebody takes over a case that another began.
pub const HANDOVER_MINUTES: i64 = 10;
/// Minutes to write a finding.
pub const FINDING_MINUTES: i64 = 8;

/// Where the answer to a mail stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// The mail has not come.
    Unknown,
    /// Somebody could work on it.
    Ready,
    /// This engineer does.
    InHand(usize),
    /// Waits for the lab or upstream; since when is known, until when is not.
    Blocked {
        /// When the wait began.
        since: Minute,
    },
    /// Answered.
    Done,
}

/// The answer to a mail, as far as it has come.
#[derive(Debug, Clone)]
pub struct Job {
    /// Where it stands.
    pub state: State,
    /// Minutes worked, switches and findings not counted.
    pub worked: i64,
    /// Who worked on it last.
    pub owner: Option<usize>,
    /// Whether it has come to its wait.
    blocked: bool,
    /// Since when it waits, while it does.
    pub waits: Option<Minute>,
}

/// What an engineer is to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Choice {
    /// On which mail.
    pub mail: usize,
    /// Its answer, or a finding.
    pub act: Reply,
    /// Minutes after which the policy is asked again; `None` to run on.
    pub slice: Option<i64>,
    /// Minutes of work on the mail after which the policy is asked again.
    pub most_work: Option<i64>,
}

/// Why an engineer is free again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// The reply is out.
    Replied(Reply),
    /// The case must wait.
    Blocked,
    /// The slice is over, or as much was worked as was asked for.
    Slice,
    /// Lunch, a meeting, or the end of the day.
    Break,
}

/// A policy: who works on what.
pub trait Policy {
    /// A mail came; the policy makes its promise.
    fn arrived(&mut self, floor: &mut Floor, mail: usize);
    /// An engineer put a mail out of hand, for a reason.
    fn ended(&mut self, floor: &mut Floor, engineer: usize, mail: usize, end: End);
    /// A case that waited can go on.
    fn woke(&mut self, floor: &mut Floor, mail: usize);
    /// The minute has come for which the policy asked to be reminded of a mail ([`Floor::remind`]).
    fn reminded(&mut self, floor: &mut Floor, mail: usize);
    /// An hour has passed, or somebody is known to be ill.
    fn looked(&mut self, floor: &mut Floor);
    /// What free engineers do now, in the order of their numbers; asked again at the next event of those who do nothing.
    fn choose(&mut self, floor: &mut Floor, free: &[usize]) -> Vec<(usize, Choice)>;
}

/// What somebody does at this moment.
#[derive(Debug, Clone, Copy)]
struct Stint {
    choice: Choice,
    began: Minute,
    ends: Minute,
    /// Minutes of switch and handover at its begin.
    setup: i64,
}

/// An engineer on the floor.
#[derive(Debug, Clone)]
struct Seat {
    hand: Option<Stint>,
    /// The mail that was last in hand, with the minutes of its switch that are still to pass.
    last: Option<(usize, i64)>,
    /// Minutes written on the finding of that mail, kept over a break.
    written: i64,
    /// Hours less the sickness that is known.
    known: Vec<Interval>,
}

/// Kinds of events, in the order in which they happen within a minute.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    Ends(usize),
    Wakes(usize),
    Ill(usize),
    Hour,
    Rings(usize),
    Comes(usize),
    Arrives,
}

/// People, cases and time.
pub struct Floor<'w> {
    /// What is lived; a policy may read of it what is known by now.
    pub world: &'w World,
    /// The minute.
    pub now: Minute,
    /// The answer to each mail.
    pub jobs: Vec<Job>,
    /// What was promised.
    pub ledger: Ledger,
    seats: Vec<Seat>,
    events: BinaryHeap<Reverse<(Minute, Event)>>,
}

/// Lives the weeks of a world under a policy.
pub fn live(world: &World, policy: &mut dyn Policy) -> Ledger {
    let mut floor = Floor::new(world);
    while let Some(Reverse((now, _))) = floor.events.peek().copied()
        && now < world.until
    {
        floor.now = now;
        while let Some(event) = floor.take(now) {
            floor.happen(event, policy);
        }
        floor.ask(policy);
    }
    floor.ledger
}

/// The minute at which an engineer who is there leaves.
fn there_until(world: &World, engineer: usize, now: Minute) -> Option<Minute> {
    opening::at(&world.engineers[engineer].present, now).map(|one| one.to)
}

impl<'w> Floor<'w> {
    fn new(world: &'w World) -> Floor<'w> {
        let mut events = BinaryHeap::new();
        events.extend(
            world
                .mails
                .iter()
                .enumerate()
                .map(|(mail, one)| Reverse((one.arrival, Event::Comes(mail)))),
        );
        events.extend(
            (world.from..world.until)
                .step_by(60)
                .map(|minute| Reverse((minute, Event::Hour))),
        );
        for (index, engineer) in world.engineers.iter().enumerate() {
            events.extend(
                engineer
                    .spells
                    .iter()
                    .map(|spell| Reverse((spell.known, Event::Ill(index)))),
            );
            events.extend(engineer.present.iter().map(|one| Reverse((one.from, Event::Arrives))));
        }
        let mut ledger = Ledger::new(world.mails.len());
        let counted = Interval::new(world.from, world.until);
        let day = |one: &Interval| one.from.div_euclid(24 * 60);
        for engineer in &world.engineers {
            let mut days: Vec<i64> = engineer
                .present
                .iter()
                .filter(|one| one.from < counted.to)
                .map(day)
                .collect();
            days.dedup();
            ledger.engineer_days += days.len() as u64;
        }
        let seat = |engineer: &crate::world::Engineer| Seat {
            hand: None,
            last: None,
            written: 0,
            known: engineer.planned.clone(),
        };
        let job = Job {
            state: State::Unknown,
            worked: 0,
            owner: None,
            blocked: false,
            waits: None,
        };
        Floor {
            now: world.from,
            jobs: vec![job; world.mails.len()],
            seats: world.engineers.iter().map(seat).collect(),
            ledger,
            events,
            world,
        }
    }

    fn take(&mut self, now: Minute) -> Option<Event> {
        let due = self.events.peek().is_some_and(|Reverse((at, _))| *at == now);
        if due {
            self.events.pop().map(|Reverse((_, event))| event)
        } else {
            None
        }
    }

    fn happen(&mut self, event: Event, policy: &mut dyn Policy) {
        match event {
            Event::Comes(mail) => {
                self.jobs[mail].state = State::Ready;
                policy.arrived(self, mail);
            }
            Event::Ends(engineer) => self.end(engineer, policy),
            Event::Wakes(mail) => {
                self.jobs[mail].waits = None;
                if matches!(self.jobs[mail].state, State::Blocked { .. }) {
                    self.jobs[mail].state = State::Ready;
                }
                policy.woke(self, mail);
            }
            Event::Ill(engineer) => {
                let known = self.world.engineers[engineer]
                    .spells
                    .iter()
                    .filter(|spell| spell.known <= self.now);
                let away: Vec<Interval> = known.map(|spell| spell.days).collect();
                self.seats[engineer].known = without(&self.world.engineers[engineer].planned, &away);
                policy.looked(self);
            }
            Event::Hour => policy.looked(self),
            Event::Rings(mail) => policy.reminded(self, mail),
            Event::Arrives => {}
        }
    }

    /// Asks those who are there and free.
    fn ask(&mut self, policy: &mut dyn Policy) {
        let there = |engineer: usize| there_until(self.world, engineer, self.now);
        let free =
            (0..self.seats.len()).filter(|engineer| self.seats[*engineer].hand.is_none() && there(*engineer).is_some());
        let free: Vec<usize> = free.collect();
        if free.is_empty() {
            return;
        }
        for (engineer, choice) in policy.choose(self, &free) {
            let taken = matches!(
                self.jobs[choice.mail].state,
                State::InHand(_) | State::Done | State::Unknown
            );
            if let Some(present) = there_until(self.world, engineer, self.now).filter(|_| !taken) {
                self.begin(engineer, choice, present);
            }
        }
    }

    fn begin(&mut self, engineer: usize, choice: Choice, leaves: Minute) {
        let job = &mut self.jobs[choice.mail];
        let seat = &mut self.seats[engineer];
        let setup = match seat.last {
            Some((mail, left)) if mail == choice.mail && job.owner == Some(engineer) => left,
            _ => {
                self.ledger.switches += 1;
                seat.written = 0;
                let handover = job.owner.is_some_and(|owner| owner != engineer);
                SWITCH_MINUTES + if handover { HANDOVER_MINUTES } else { 0 }
            }
        };
        let mail = &self.world.mails[choice.mail];
        let work = match choice.act {
            Reply::Finding => FINDING_MINUTES - seat.written,
            Reply::Answer => {
                let block = mail
                    .block
                    .filter(|_| !job.blocked)
                    .map_or(i64::MAX, |block| block.at_work - job.worked);
                let most = choice.most_work.map_or(i64::MAX, |most| most.max(1));
                (mail.work - job.worked).min(block).min(most)
            }
        };
        // A slice holds at least a minute of time, or nothing would ever end.
        let slice = choice.slice.map_or(i64::MAX, |slice| slice.max(1));
        let ends = leaves.min(self.now.saturating_add((setup + work).min(slice)));
        job.state = State::InHand(engineer);
        job.owner = Some(engineer);
        seat.hand = Some(Stint {
            choice,
            began: self.now,
            ends,
            setup,
        });
        self.events.push(Reverse((ends, Event::Ends(engineer))));
    }

    /// Ends what an engineer has in hand, and says what came of it.
    fn end(&mut self, engineer: usize, policy: &mut dyn Policy) {
        let Some(stint) = self.seats[engineer].hand.filter(|stint| stint.ends == self.now) else {
            return;
        };
        let seat = &mut self.seats[engineer];
        seat.hand = None;
        let passed = self.now - stint.began;
        seat.last = Some((stint.choice.mail, (stint.setup - passed).max(0)));
        let net = (passed - stint.setup).max(0);
        let set_up = passed >= stint.setup;
        let mail = stint.choice.mail;
        // A finding is written while the case waits, and it waits on.
        self.jobs[mail].state = self.jobs[mail]
            .waits
            .map_or(State::Ready, |since| State::Blocked { since });
        let end = match stint.choice.act {
            Reply::Finding => {
                seat.written += net;
                if seat.written < FINDING_MINUTES {
                    End::Break
                } else {
                    seat.written = 0;
                    self.ledger.end(mail, self.now, Reply::Finding);
                    End::Replied(Reply::Finding)
                }
            }
            Reply::Answer => {
                self.jobs[mail].worked += net;
                self.answered(engineer, mail, set_up)
            }
        };
        policy.ended(self, engineer, mail, end);
    }

    /// What a stint of answering came to: the answer, a wait, or its time was up.
    fn answered(&mut self, engineer: usize, mail: usize, set_up: bool) -> End {
        let known = &self.world.mails[mail];
        let job = &mut self.jobs[mail];
        if job.worked >= known.work {
            job.state = State::Done;
            self.ledger.end(mail, self.now, Reply::Answer);
            return End::Replied(Reply::Answer);
        }
        if let Some(block) = known
            .block
            .filter(|block| set_up && !job.blocked && job.worked >= block.at_work)
        {
            (job.blocked, job.waits) = (true, Some(self.now));
            job.state = State::Blocked { since: self.now };
            self.events.push(Reverse((self.now + block.lasts, Event::Wakes(mail))));
            return End::Blocked;
        }
        let there = opening::at(&self.world.engineers[engineer].present, self.now).is_some();
        if there { End::Slice } else { End::Break }
    }

    /// Hours of an engineer less the sickness that is known by now.
    pub fn known(&self, engineer: usize) -> &[Interval] {
        &self.seats[engineer].known
    }

    /// Whether an engineer is known not to come on this day.
    pub fn away_today(&self, engineer: usize) -> bool {
        let midnight = self.now - (self.now - self.world.from).rem_euclid(24 * 60);
        let known = self.known(engineer);
        let next = known.partition_point(|one| one.to <= midnight);
        known.get(next).is_none_or(|one| one.from >= midnight + 24 * 60)
    }

    /// Reminds the policy of a mail at a later minute.
    pub fn remind(&mut self, at: Minute, mail: usize) {
        self.events.push(Reverse((at.max(self.now + 1), Event::Rings(mail))));
    }

    /// Minutes worked on a mail up to now, those of a stint that goes on included.
    pub fn worked(&self, mail: usize) -> i64 {
        let job = &self.jobs[mail];
        let State::InHand(engineer) = job.state else {
            return job.worked;
        };
        let stint = self.seats[engineer]
            .hand
            .filter(|stint| stint.choice.act == Reply::Answer);
        job.worked + stint.map_or(0, |stint| (self.now - stint.began - stint.setup).max(0))
    }

    /// The mail that an engineer last had in hand.
    pub fn last(&self, engineer: usize) -> Option<usize> {
        self.seats[engineer].last.map(|(mail, _)| mail)
    }

    /// The mail that an engineer has in hand, and when that ends at the latest.
    pub fn in_hand(&self, engineer: usize) -> Option<(usize, Minute)> {
        self.seats[engineer].hand.map(|stint| (stint.choice.mail, stint.ends))
    }
}
