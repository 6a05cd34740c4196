//! GLPI: time to own and time to resolve; pending shifts the date.
//!
//! *Time to own* counts from opening until somebody takes the case or writes. *Time to resolve* counts from opening until
//! it is solved; the open time that it is pending moves its date.

use super::history::{State, What};
use super::{Face, Run};

pub(super) fn runs(face: &Face<'_>) -> Vec<Run> {
    let Some(created) = face.timeline.created() else {
        return Vec::new();
    };
    let pauses = face.pauses(true, |state| matches!(state, State::Pending | State::Hold));
    let taken = face.timeline.first(|what| match what {
        What::Reply => true,
        What::State { state } => *state != State::New,
        _ => false,
    });
    let own = face
        .contract
        .first
        .map(|span| face.run("time to own", span, created, taken, &pauses));
    let solved = face.timeline.solved();
    let resolve = face
        .contract
        .solve
        .map(|span| face.run("time to resolve", span, created, solved, &pauses));
    own.into_iter().chain(resolve).collect()
}
