//! Cases with their conversations: 2,000 that are closed and some forty that are open.
//!
//! A [`Problem`] is written once, with the substance of a real support case; a story is one telling of it, with its own
//! customer, machines, versions, numbers, people and course. Times are minutes and run forward only. Engineers answer
//! within the target of the severity as elapsed minutes, so every promise of a story is kept under any calendar.

use super::LANES;
use super::dice::Dice;
use super::people::{DemoCustomer, DemoEngineer, customers, engineers};
use super::scene::{Part, Scene};
use super::{text, voice};

mod backup;
mod cluster;
mod course;
mod guidance;
mod machine;
mod monitor;
mod now;
mod queries;
mod queue;
mod replication;
mod secure;
mod storage;

pub use now::open;

/// Who wrote a turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Who {
    /// The contact of the story.
    Customer,
    /// The engineer of this index in [`super::engineers`].
    Engineer(usize),
}

/// What an engineer's turn is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A solution or suggestion.
    Answer,
    /// A question with its reason.
    Question,
    /// What was found, the next step and the next time.
    Finding,
    /// An internal note: the customer never sees it.
    Note,
}

/// What a turn carries for the time after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Then {
    /// Nothing: a customer's mail (it makes a promise by itself) or a note.
    Nothing,
    /// The case waits for the customer this many minutes; after an answer it then closes as answered.
    Wait {
        /// Minutes from this turn.
        minutes: u32,
    },
    /// A new promise: the next word within this many minutes.
    Owe {
        /// Minutes from this turn.
        minutes: u32,
    },
    /// Closed by this reply.
    Close,
}

/// One mail or note of a story.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Turn {
    /// Who wrote it.
    pub who: Who,
    /// Minutes after the turn before; 0 for the first.
    pub after_minutes: u32,
    /// Plain text, LF, lines of at most 100 columns, one LF at the end.
    pub text: String,
    /// What it is; none for a customer's mail.
    pub kind: Option<Kind>,
    /// What follows from it.
    pub then: Then,
}

/// How a case ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resolution {
    /// The trouble is gone.
    Solved,
    /// The trouble is avoided.
    Workaround,
    /// The question is answered.
    Answered,
    /// A release of the component mends it.
    FixedUpstream,
    /// Will not be done, with the reason.
    Declined,
    /// The customer did not answer our question.
    NoReply,
}

/// In whose hand a case is at the instant of the demo's start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Ours, nobody on it.
    Ready,
    /// Ours, a slice of this engineer is open.
    Running(usize),
    /// Theirs; the last reply says until when.
    Waiting,
    /// Ours, and waiting for somebody: the next word is promised all the same.
    Blocked {
        /// `engineering`, `upstream`, `lab` or `date`.
        on: &'static str,
        /// Minutes from the start of the demo until the case wakes.
        wake_minutes: u32,
    },
    /// Nobody's.
    Closed(Resolution),
}

/// One case with its conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Story {
    /// Index in [`super::customers`].
    pub customer: usize,
    /// Index in that customer's contacts.
    pub contact: usize,
    /// Subject of the first mail.
    pub subject: String,
    /// 1 stopped, 2 severe, 3 limited, 4 question or wish.
    pub severity: u8,
    /// Entry point into the product, one of [`super::LANES`].
    pub lane: &'static str,
    /// Minutes from the first mail to the start of the demo.
    pub opened_minutes_ago: u32,
    /// The conversation, oldest first; the first is the customer's.
    pub turns: Vec<Turn>,
    /// Where the case stands.
    pub state: State,
}

impl Story {
    /// How the case ended; none while it is open.
    pub fn resolution(&self) -> Option<Resolution> {
        match self.state {
            State::Closed(resolution) => Some(resolution),
            _ => None,
        }
    }

    /// Minutes from the first turn to the last.
    pub fn told_minutes(&self) -> u32 {
        self.turns.iter().map(|turn| turn.after_minutes).sum()
    }
}

/// A problem as it was written: the parts of a conversation, with facts and choices left open (see `text`).
struct Problem {
    part: Part,
    lane: &'static str,
    severity: u8,
    /// The answer needs nothing but the question.
    direct: bool,
    subjects: &'static [&'static str],
    /// Facts of this problem only, each with the words it may take.
    own: &'static [(&'static str, &'static [&'static str])],
    /// The customer's first mail.
    question: &'static str,
    /// What an engineer asks back.
    asks: &'static str,
    /// What the customer then tells.
    told: &'static str,
    /// What is found on the way, next step named; the next time is added by the course.
    finding: &'static str,
    /// The solution, complete without the parts between.
    answer: &'static str,
    /// What the customer asks afterwards.
    more: &'static str,
    /// The answer to that.
    coda: &'static str,
    ends: Resolution,
}

/// Every problem, in an order that is part of the demo: new ones go to the end of their room.
fn problems() -> Vec<&'static Problem> {
    [
        replication::ALL,
        queries::ALL,
        storage::ALL,
        queue::ALL,
        cluster::ALL,
        machine::ALL,
        backup::ALL,
        secure::ALL,
        monitor::ALL,
        guidance::ALL,
    ]
    .into_iter()
    .flatten()
    .copied()
    .collect()
}

/// `count` closed cases, the longest closed first, spread over four hundred days before the start.
///
/// Two tellings of one problem are at least 50 cases apart.
pub fn closed(seed: u64, count: usize) -> impl Iterator<Item = Story> {
    let told = problems();
    let order = Dice::new(seed, 0).order(told.len());
    (0..count).map(move |number| {
        let mut dice = Dice::new(seed, 1_000 + number as u64);
        // Rounds over all problems; within a block of six the order changes from round to round, which is not noticed
        // by a reader and keeps the distance.
        let (round, place) = (number / told.len(), number % told.len());
        let (block, at) = (place / 6 * 6, place % 6);
        let width = (told.len() - block).min(6);
        let problem = told[order[block + (at + round) % width]];
        let mut story = course::whole(&mut dice, problem);
        story.opened_minutes_ago =
            closed_minutes_ago(&mut dice, number, count) + story.told_minutes() + story_wait(&story);
        story
    })
}

/// A case that closed because a wait ran out was closed after that wait.
fn story_wait(story: &Story) -> u32 {
    match story.turns.last().map(|turn| turn.then) {
        Some(Then::Wait { minutes }) => minutes,
        _ => 0,
    }
}

fn closed_minutes_ago(dice: &mut Dice, number: usize, count: usize) -> u32 {
    const SPAN: u32 = 400 * 24 * 60;
    let count = u32::try_from(count).unwrap_or(u32::MAX).max(1);
    let step = SPAN / count;
    let left = count.saturating_sub(u32::try_from(number).unwrap_or(u32::MAX));
    30 + step.saturating_mul(left.saturating_sub(1)) + dice.between(0, step.saturating_sub(1))
}

#[cfg(test)]
mod tests;
