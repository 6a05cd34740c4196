//! Jira Service Management: a time metric with conditions that start, pause and stop it, in cycles.
//!
//! Here the metric that most desks have: started by a comment of the customer, stopped by a comment for the customer or by
//! *solved*, paused in *waiting for customer*. A cycle that is stopped is stored; the next start condition begins another.
//! A start condition while a cycle runs changes nothing. Pauses shift.

use super::history::{State, What};
use super::{Face, Run};
use jiff::Timestamp;

pub(super) fn runs(face: &Face<'_>) -> Vec<Run> {
    let Some(goal) = face.contract.next else {
        return Vec::new();
    };
    let pauses = face.pauses(true, |state| state == State::Pending);
    let mut cycles = Vec::new();
    let mut running: Option<Timestamp> = None;
    for event in face.timeline.events() {
        match event.what {
            What::Customer { .. } => running = running.or(Some(event.at)),
            What::Reply => {
                cycles.extend(
                    running
                        .take()
                        .map(|from| face.run("cycle", goal, from, Some(event.at), &pauses)),
                );
            }
            What::State { state } if state.is_over() => {
                cycles.extend(
                    running
                        .take()
                        .map(|from| face.run("cycle", goal, from, Some(event.at), &pauses)),
                );
            }
            _ => {}
        }
    }
    cycles.extend(running.map(|from| face.run("cycle", goal, from, None, &pauses)));
    cycles
}
