//! The clocks of other desks, exactly: what would have been due when, on a history of messages and states.
//!
//! A desk that moves over need not change its contracts on its first day: it picks the preset of what it leaves and sees
//! on its own history what that clock said. Each preset is a pure function from events to [`Run`]s of clocks; the rules
//! stand in the files named after the systems, as their documentation and source state them (FEATURES.md §1 of the
//! design). Two words are said explicitly everywhere: a pause *with shift* moves the due time by the open time that was
//! paused, one *without* leaves the due time where it was, so that a case that comes back may be overdue at once.

mod cycles;
mod history;
mod keys;
mod shift;
mod updates;
mod waits;

pub use history::{Event, Role, State, What};

use crate::calendar::Calendar;
use crate::target::Target;
use history::Timeline;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// Whose clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Name {
    /// Zammad, update time *between agent updates*.
    ZammadBetweenUpdates,
    /// Zammad, update time *for an agent to respond*.
    ZammadForAgent,
    /// Request Tracker: Starts, Response, KeepInLoop, Resolve.
    Rt,
    /// Zendesk: first and next reply time.
    ZendeskNext,
    /// Zendesk: periodic update.
    ZendeskPeriodic,
    /// Zendesk: pausable update.
    ZendeskPausable,
    /// Zendesk: requester wait time.
    ZendeskRequesterWait,
    /// Zendesk: agent work time.
    ZendeskAgentWork,
    /// Jira Service Management: one time metric in cycles.
    Jira,
    /// GLPI: time to own and time to resolve.
    Glpi,
}

/// Every preset with the word that names it.
pub const NAMES: [(&str, Name); 10] = [
    ("zammad-between-updates", Name::ZammadBetweenUpdates),
    ("zammad-for-agent", Name::ZammadForAgent),
    ("rt", Name::Rt),
    ("zendesk-next", Name::ZendeskNext),
    ("zendesk-periodic", Name::ZendeskPeriodic),
    ("zendesk-pausable", Name::ZendeskPausable),
    ("zendesk-requester-wait", Name::ZendeskRequesterWait),
    ("zendesk-agent-work", Name::ZendeskAgentWork),
    ("jira", Name::Jira),
    ("glpi", Name::Glpi),
];

/// Not the name of a preset; the sentence lists those there are.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "\"{0}\" is no preset; there are zammad-between-updates, zammad-for-agent, rt, zendesk-next, zendesk-periodic, zendesk-pausable, zendesk-requester-wait, zendesk-agent-work, jira and glpi"
)]
pub struct NoPreset(String);

impl FromStr for Name {
    type Err = NoPreset;

    fn from_str(text: &str) -> Result<Name, NoPreset> {
        let found = NAMES.iter().find(|(name, _)| *name == text);
        found
            .map(|(_, name)| *name)
            .ok_or_else(|| NoPreset(text.chars().take(60).collect()))
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let found = NAMES.iter().find(|(_, name)| name == self);
        f.write_str(found.map_or("", |(name, _)| name))
    }
}

/// A target of a clock: open time first, then time by the clock on the wall (RT's BusinessMinutes and RealMinutes).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Span {
    /// Minutes in which the calendar is open.
    pub open_minutes: u32,
    /// Minutes round the clock, added behind.
    pub real_minutes: u32,
}

impl Span {
    /// Open time only.
    pub fn open(minutes: u32) -> Span {
        Span {
            open_minutes: minutes,
            real_minutes: 0,
        }
    }
}

/// Not a span of a clock.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is no span; write 4h, 30m, 2h real, or 4h + 30m real")]
pub struct NoSpan(String);

impl FromStr for Span {
    type Err = NoSpan;

    fn from_str(text: &str) -> Result<Span, NoSpan> {
        let mut span = Span::default();
        for part in text.split('+').map(str::trim) {
            let (words, real) = match part.strip_suffix("real") {
                Some(words) => (words, true),
                None => (part, false),
            };
            match (words.trim().parse(), real) {
                (Ok(Target::OpenMinutes(minutes)), true) => span.real_minutes = minutes,
                (Ok(Target::OpenMinutes(minutes)), false) => span.open_minutes = minutes,
                _ => return Err(NoSpan(text.chars().take(60).collect())),
            }
        }
        Ok(span)
    }
}

/// What the contract says. A clock without a target does not run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Contract {
    /// First reply: Zammad's first response, Zendesk's first reply, GLPI's time to own, RT's Starts.
    pub first: Option<Span>,
    /// Next reply: Zendesk's next reply, RT's Response, Jira's goal.
    pub next: Option<Span>,
    /// Keeping in touch: Zammad's update time, Zendesk's periodic and pausable update, RT's KeepInLoop.
    pub update: Option<Span>,
    /// The end: Zammad's solution, RT's Resolve, GLPI's time to resolve, Zendesk's requester wait and agent work.
    pub solve: Option<Span>,
    /// Internal notes count as public words (Zendesk's advanced settings, Zammad's option).
    pub notes_count: bool,
    /// RT: everybody but the owner is outside, not the requestors only.
    pub all_outside: bool,
    /// RT's OutOfHours: added to each target that starts while the calendar is closed.
    pub out_of_hours: Span,
    /// Whether pauses shift, where another than the preset's own rule is wanted (RT's ExcludeTimeOnIgnoredStatuses).
    pub shift: Option<bool>,
}

/// How a clock ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum End {
    /// What it waited for was done in time.
    Kept,
    /// It was done, too late.
    Late,
    /// Nothing was done, and the time is over.
    Missed,
    /// It still runs.
    Running,
    /// It stands still and has no due time.
    Paused,
    /// It was taken away without being fulfilled.
    Dropped,
}

/// One run of a clock.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Run {
    /// Which clock, in the words of its system.
    pub clock: &'static str,
    /// From what it counted.
    pub from: Timestamp,
    /// When it was due with the pauses that it had; none while it stands still.
    pub due: Option<Timestamp>,
    /// When it ended.
    pub ended: Option<Timestamp>,
    /// How.
    pub end: End,
    /// Seconds that it was paused with shift.
    pub paused_seconds: i64,
}

/// What the preset's clocks would have said on the events of one case, in the order of their begin.
///
/// Events may come in any order; equal instants keep theirs. `now` ends the history: what runs then is running, missed or
/// paused. A history without a message of the customer has no clocks.
pub fn runs(name: Name, contract: &Contract, calendar: &Calendar, events: &[Event], now: Timestamp) -> Vec<Run> {
    let timeline = Timeline::new(events, now);
    let face = Face {
        contract,
        calendar,
        timeline: &timeline,
        now,
    };
    let mut runs = match name {
        Name::ZammadBetweenUpdates => updates::runs(&face, updates::Mode::BetweenUpdates),
        Name::ZammadForAgent => updates::runs(&face, updates::Mode::ForAgent),
        Name::Rt => keys::runs(&face),
        Name::ZendeskNext => waits::reply(&face),
        Name::ZendeskPeriodic => waits::update(&face, false),
        Name::ZendeskPausable => waits::update(&face, true),
        Name::ZendeskRequesterWait => waits::in_states(&face, "requester wait time", waits::REQUESTER_WAITS),
        Name::ZendeskAgentWork => waits::in_states(&face, "agent work time", waits::AGENT_WORKS),
        Name::Jira => cycles::runs(&face),
        Name::Glpi => shift::runs(&face),
    };
    runs.sort_by_key(|run| run.from);
    runs
}

/// A run that was taken away at an instant: late if its time was over by then, else neither kept nor missed.
fn dropped(mut run: Run, at: Timestamp) -> Run {
    run.ended = Some(at);
    run.end = match run.due {
        Some(due) if due < at => End::Late,
        _ => End::Dropped,
    };
    run
}

/// What every clock is read with.
struct Face<'a> {
    contract: &'a Contract,
    calendar: &'a Calendar,
    timeline: &'a Timeline,
    now: Timestamp,
}

impl Face<'_> {
    /// A run from an instant to its end, or running; `pauses` shift where they are given.
    fn run(
        &self,
        clock: &'static str,
        span: Span,
        from: Timestamp,
        ended: Option<Timestamp>,
        pauses: &[(Timestamp, Timestamp)],
    ) -> Run {
        let until = ended.unwrap_or(self.now);
        let of_run: Vec<_> = pauses
            .iter()
            .map(|&(begin, end)| (begin.max(from), end.min(until)))
            .filter(|(begin, end)| begin < end)
            .collect();
        // A pause that still holds has no end: the clock stands, unless it ran out before.
        let stands = ended.is_none() && pauses.iter().any(|&(begin, end)| begin <= until && end > until);
        let due = self.due(span, from, &of_run);
        let over = due.is_some_and(|due| due < until);
        let end = match (ended, due) {
            (Some(ended), Some(due)) if ended <= due => End::Kept,
            (Some(_), _) => End::Late,
            (None, _) if over => End::Missed,
            (None, _) if stands => End::Paused,
            (None, _) => End::Running,
        };
        Run {
            clock,
            from,
            due: due.filter(|_| end != End::Paused),
            ended,
            end,
            paused_seconds: of_run
                .iter()
                .map(|(begin, end)| end.as_second() - begin.as_second())
                .sum(),
        }
    }

    /// The due time of a span: open time less the pauses, then time by the wall.
    fn due(&self, span: Span, from: Timestamp, pauses: &[(Timestamp, Timestamp)]) -> Option<Timestamp> {
        let open = SignedDuration::from_mins(i64::from(span.open_minutes));
        let due = self.calendar.due(from, open, pauses).ok()?;
        let real = SignedDuration::from_mins(i64::from(span.real_minutes));
        if real.is_zero() {
            return Some(due);
        }
        // Time by the wall passes round the clock; a pause takes out what of it lies behind the open part.
        let mut at = due.checked_add(real).ok()?;
        for &(begin, end) in pauses {
            let begin = begin.max(due);
            if begin < end && begin < at {
                at = at.checked_add(end.duration_since(begin)).ok()?;
            }
        }
        Some(at)
    }

    /// Pauses that shift, in these states: the preset's own rule unless the contract says otherwise.
    fn pauses(&self, own_rule_shifts: bool, still: impl Fn(State) -> bool) -> Vec<(Timestamp, Timestamp)> {
        match self.contract.shift.unwrap_or(own_rule_shifts) {
            true => self.timeline.spans_in(still),
            false => Vec::new(),
        }
    }
}
