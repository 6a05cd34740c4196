//! Zendesk: first and next reply, periodic and pausable update, requester wait and agent work.
//!
//! *First reply* counts from the first message to the first public reply; *next reply* from the oldest unanswered message
//! of an end user, any of them, to the next public reply. Reply clocks reset and do not pause: a change of status without
//! a reply stops nothing, other than *solved*. *Periodic update* runs from each public reply to the next; *pausable
//! update* is the same and counts in new, open and on-hold only. *Requester wait* counts the time in new, open and
//! on-hold until the case is solved, *agent work* that in new and open. Status clocks pause with shift. Advanced settings
//! let an internal note count as a reply.

use super::history::{State, What};
use super::{Face, Run};
use jiff::Timestamp;

pub(super) const REQUESTER_WAITS: &[State] = &[State::New, State::Open, State::Hold];
pub(super) const AGENT_WORKS: &[State] = &[State::New, State::Open];

/// First and next reply time.
pub(super) fn reply(face: &Face<'_>) -> Vec<Run> {
    let contract = face.contract;
    let pauses = face.pauses(false, |state| state == State::Pending || state.is_over());
    let mut runs = Vec::new();
    let mut waiting: Option<Timestamp> = None;
    let mut first = true;
    let clock = |first: bool| match first {
        true => ("first reply time", contract.first.or(contract.next)),
        false => ("next reply time", contract.next),
    };
    for event in face.timeline.events() {
        let ends = match event.what {
            What::Customer { .. } => {
                waiting = waiting.or(Some(event.at));
                continue;
            }
            What::Reply => true,
            What::Note => contract.notes_count,
            What::State { state } => state.is_over(),
        };
        if !ends {
            continue;
        }
        if let (Some(from), (name, Some(span))) = (waiting, clock(first)) {
            runs.push(face.run(name, span, from, Some(event.at), &pauses));
        }
        first = first && waiting.is_none();
        waiting = None;
    }
    if let (Some(from), (name, Some(span))) = (waiting, clock(first)) {
        runs.push(face.run(name, span, from, None, &pauses));
    }
    runs
}

/// Periodic update, and the pausable one.
pub(super) fn update(face: &Face<'_>, pausable: bool) -> Vec<Run> {
    let contract = face.contract;
    let Some(span) = contract.update else { return Vec::new() };
    let clock = if pausable {
        "pausable update time"
    } else {
        "periodic update time"
    };
    // Periodic update runs through every state; only the pausable one looks at them.
    let pauses = face.pauses(pausable, |state| !REQUESTER_WAITS.contains(&state));
    let mut runs = Vec::new();
    let mut from: Option<Timestamp> = None;
    for event in face.timeline.events() {
        let said = matches!(event.what, What::Reply) || (contract.notes_count && matches!(event.what, What::Note));
        let over = matches!(event.what, What::State { state } if state.is_over());
        if said || over {
            let ended = from.take();
            runs.extend(ended.map(|from| face.run(clock, span, from, Some(event.at), &pauses)));
            // A note lets the clock end; only public words start one.
            from = matches!(event.what, What::Reply).then_some(event.at);
        }
    }
    runs.extend(from.map(|from| face.run(clock, span, from, None, &pauses)));
    runs
}

/// Time in some states until the case is solved.
pub(super) fn in_states(face: &Face<'_>, clock: &'static str, counted: &'static [State]) -> Vec<Run> {
    let (Some(span), Some(created)) = (face.contract.solve, face.timeline.created()) else {
        return Vec::new();
    };
    let pauses = face.pauses(true, |state| !counted.contains(&state));
    vec![face.run(clock, span, created, face.timeline.solved(), &pauses)]
}
