//! Request Tracker: one Due field, moved by four keys.
//!
//! *Starts* is set once, from creation. *Response* sets Due at creation, clears it on a reply of staff, and sets it again
//! on the next message from outside, always from the **oldest** that is unanswered. *KeepInLoop* moves Due forward after
//! each reply of staff. With *Resolve* the earlier of both counts, and Due is never empty. Outside are the requestors, or
//! with a switch everybody who is not staff. Business minutes are applied first, then real ones; *OutOfHours* adds its
//! minutes to what starts while the calendar is closed. Ignored statuses do not shift Due unless
//! *ExcludeTimeOnIgnoredStatuses* says so.

use super::history::{Role, State, What};
use super::{Face, Run, Span};
use jiff::Timestamp;

pub(super) fn runs(face: &Face<'_>) -> Vec<Run> {
    let Some(created) = face.timeline.created() else {
        return Vec::new();
    };
    let contract = face.contract;
    let pauses = face.pauses(false, |state| !matches!(state, State::New | State::Open));
    let solved = face.timeline.solved();
    let run = |clock, span, from, ended| face.run(clock, with_hours(face, span, from), from, ended, &pauses);
    let mut runs = Vec::new();
    if let Some(span) = contract.first {
        let taken = face
            .timeline
            .first(|what| matches!(what, What::Reply | What::State { state: State::Open }));
        runs.push(run("Starts", span, created, taken));
    }
    if let Some(span) = contract.solve {
        runs.push(run("Resolve", span, created, solved));
    }
    // What Due stands for between two events: an unanswered message, or the loop that is to be kept.
    let mut waiting: Option<(&'static str, Span, Timestamp)> = None;
    for event in face.timeline.events() {
        match event.what {
            What::Customer { role } if role == Role::Requestor || contract.all_outside => {
                let unanswered = waiting.is_some_and(|(clock, ..)| clock == "Response");
                if let (Some(span), false) = (contract.next, unanswered) {
                    // The loop is no longer what Due says: the message is, and nothing was broken by that.
                    waiting = Some(("Response", span, event.at));
                }
            }
            What::Reply => {
                runs.extend(
                    waiting
                        .take()
                        .map(|(clock, span, from)| run(clock, span, from, Some(event.at))),
                );
                waiting = contract.update.map(|span| ("KeepInLoop", span, event.at));
            }
            What::State { state } if state.is_over() => {
                // A resolved ticket answers nobody, and nobody is kept in the loop of it.
                runs.extend(
                    waiting
                        .take()
                        .map(|(clock, span, from)| super::dropped(run(clock, span, from, None), event.at)),
                );
            }
            _ => {}
        }
    }
    runs.extend(waiting.map(|(clock, span, from)| run(clock, span, from, None)));
    runs
}

/// The span with what starting out of hours adds to it.
fn with_hours(face: &Face<'_>, span: Span, from: Timestamp) -> Span {
    match face.calendar.is_open(from) {
        true => span,
        false => Span {
            open_minutes: span.open_minutes + face.contract.out_of_hours.open_minutes,
            real_minutes: span.real_minutes + face.contract.out_of_hours.real_minutes,
        },
    }
}
