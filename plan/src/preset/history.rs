//! What happened in a case: messages, notes and states, in order.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Who of those outside wrote.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Who asked.
    #[default]
    Requestor,
    /// Somebody else at the customer.
    Other,
}

/// The state of a case in the words that most desks share.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// Nobody has taken it.
    New,
    /// Somebody works on it.
    Open,
    /// It waits for the customer.
    Pending,
    /// It waits for a third party.
    Hold,
    /// It is solved, and may come back.
    Solved,
    /// It is closed.
    Closed,
}

impl State {
    /// Solved or closed.
    pub(super) fn is_over(self) -> bool {
        matches!(self, State::Solved | State::Closed)
    }
}

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "lowercase")]
pub enum What {
    /// The customer wrote.
    Customer {
        /// Who of them.
        #[serde(default)]
        role: Role,
    },
    /// An engineer wrote to the customer.
    Reply,
    /// An engineer wrote an internal note.
    Note,
    /// The state changed.
    State {
        /// To this.
        state: State,
    },
}

/// One event of a case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// When.
    pub at: Timestamp,
    /// What.
    #[serde(flatten)]
    pub what: What,
}

/// The events in order, from the customer's first message to the end of the history.
pub(super) struct Timeline {
    events: Vec<Event>,
}

impl Timeline {
    pub(super) fn new(events: &[Event], now: Timestamp) -> Timeline {
        let mut events: Vec<Event> = events.iter().filter(|event| event.at <= now).copied().collect();
        events.sort_by_key(|event| event.at);
        let first = events
            .iter()
            .position(|event| matches!(event.what, What::Customer { .. }));
        let events = events.split_off(first.unwrap_or(events.len()));
        Timeline { events }
    }

    pub(super) fn events(&self) -> &[Event] {
        &self.events
    }

    /// When the case began: the customer's first message.
    pub(super) fn created(&self) -> Option<Timestamp> {
        self.events.first().map(|event| event.at)
    }

    /// The first event from an instant on for which this holds; events of the same instant count from their order.
    pub(super) fn first(&self, holds: impl Fn(&What) -> bool) -> Option<Timestamp> {
        self.events
            .iter()
            .find(|event| holds(&event.what))
            .map(|event| event.at)
    }

    /// When the case was solved or closed for the first time.
    pub(super) fn solved(&self) -> Option<Timestamp> {
        self.first(|what| matches!(what, What::State { state } if state.is_over()))
    }

    /// Whether the case is neither solved nor closed at the end.
    pub(super) fn is_open(&self) -> bool {
        let last = self.events.iter().rev().find_map(|event| match event.what {
            What::State { state } => Some(state),
            _ => None,
        });
        !last.is_some_and(State::is_over)
    }

    /// Stretches in which the state is one of these. A case is new until its first state; the last
    /// holds without an end.
    pub(super) fn spans_in(&self, holds: impl Fn(State) -> bool) -> Vec<(Timestamp, Timestamp)> {
        let Some(created) = self.created() else {
            return Vec::new();
        };
        let mut spans = Vec::new();
        let mut since = (created, State::New);
        let states = self.events.iter().filter_map(|event| match event.what {
            What::State { state } => Some((event.at, state)),
            _ => None,
        });
        for (at, state) in states.chain([(Timestamp::MAX, State::New)]) {
            if holds(since.1) && since.0 < at {
                spans.push((since.0, at));
            }
            since = (at, state);
        }
        spans
    }
}
