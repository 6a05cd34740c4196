//! What is asked of the planner, and what it answers: an offer with its witness, or why no date is possible.

use crate::cut::Cut;
use crate::interval::{Interval, Minute};
use crate::snapshot::{EngineerId, KindId, PromiseId, Work};
use crate::timetable::Timetable;
use serde::{Deserialize, Serialize};

/// A date is wanted for this.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// The number that the promise will have. One that is open already is asked to move: it is planned without its date.
    pub id: PromiseId,
    /// What it needs.
    pub kind: KindId,
    /// 1 (worst) to 4.
    pub severity: u8,
    /// The date that is wanted, as it would be promised: agreement, or the customer's wish.
    pub want: Minute,
    /// The work, as far as one can know.
    pub work: Work,
    /// It cannot begin before that.
    pub not_before: Option<Minute>,
    /// Who has begun it.
    pub owner: Option<EngineerId>,
    /// How often its date was moved before.
    pub moves: u8,
    /// The customer's hours: a later date is promised within them. None given: any minute will do.
    pub hours: Vec<Interval>,
}

/// A date that can be kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Offer {
    /// What the customer is told: the planned time and the guard, within their hours.
    pub promised: Minute,
    /// By when it is planned to be done ([`crate::snapshot::Promise::due`]).
    pub due: Minute,
    /// Whether it is later than what was wanted.
    pub moved: bool,
    /// Whether a person must decide before it is sent: severity 1, later than wanted.
    pub for_lead: bool,
    /// Who does it in the witness.
    pub engineer: EngineerId,
    /// When they begin.
    pub starts: Minute,
    /// When it is done in the worst case that is provided for.
    pub finish_guaranteed: Minute,
    /// The witness: everybody's work with this in it.
    pub witness: Timetable,
    /// Everybody's seat in the witness; to be kept with the promises.
    pub seats: Vec<(PromiseId, EngineerId)>,
    /// Why it is not earlier, where it is later than wanted.
    pub why_not_earlier: Option<NotEarlier>,
    /// Of the snapshot that it was made from: if another one has a different number, ask again before it is promised.
    pub fingerprint: u64,
    /// Until when it is reserved.
    pub valid_until: Minute,
}

/// Why an offer is not earlier.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NotEarlier {
    /// Nobody who can do it has so many minutes in one piece of calendar before: the work itself is that long.
    Work {
        /// The earliest time at which somebody with nothing else to do would be done.
        alone: Minute,
    },
    /// The people who can do it have fewer minutes than what must be done by then.
    Cut(Cut),
    /// In sum there would be minutes, but no timetable was found that lets everybody else be on time.
    Timetable {
        /// The date that was refused.
        at: Minute,
        /// Minutes until then of those who can do it.
        capacity: i64,
        /// Planned minutes until then that they have promised.
        promised: i64,
        /// Minutes of the request in its worst case.
        asked: i64,
        /// Who would be late first; the request itself, where it is not named.
        hurt: Option<PromiseId>,
    },
}

/// No date is possible.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NoDate {
    /// No engineer has what it needs.
    Nobody {
        /// What it needs.
        kind: KindId,
    },
    /// Nobody who can do it works so many minutes within the horizon.
    TooLong {
        /// Minutes of its worst case.
        minutes: i64,
        /// The most that one of them works.
        most: i64,
    },
    /// The horizon is full.
    Full {
        /// Its end.
        until: Minute,
        /// Which people, how many minutes, where known.
        cut: Option<Box<Cut>>,
    },
    /// The customer has no open hour behind the earliest date.
    NoHours {
        /// The earliest date.
        earliest: Minute,
    },
}
