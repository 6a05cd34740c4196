//! Zammad: first response, update time in one of two modes, solution.
//!
//! *First response* counts from creation and never resets. *Update time* counts from creation (where no first response is
//! set) or from the last response: *between agent updates* an answer is due every interval whether or not the customer
//! wrote; *for an agent to respond* it is due only after a customer's message, from the first that is unanswered, and
//! there is none otherwise. *Solution* counts once, from creation to closed. Closed and pending states freeze what is
//! shown and shift nothing: a case that is opened again can be overdue at once. Notes count only where that is switched on.

use super::history::{State, What};
use super::{Face, Run};
use jiff::Timestamp;

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    BetweenUpdates,
    ForAgent,
}

pub(super) fn runs(face: &Face<'_>, mode: Mode) -> Vec<Run> {
    let Some(created) = face.timeline.created() else {
        return Vec::new();
    };
    let contract = face.contract;
    let pauses = face.pauses(false, |state| !matches!(state, State::New | State::Open));
    let answers = |what: &What| matches!(what, What::Reply) || (contract.notes_count && matches!(what, What::Note));
    let mut runs = Vec::new();
    if let Some(span) = contract.first {
        let answered = face.timeline.first(answers);
        runs.push(face.run("first response", span, created, answered, &pauses));
    }
    if let Some(span) = contract.solve {
        runs.push(face.run("solution", span, created, face.timeline.solved(), &pauses));
    }
    let Some(span) = contract.update else { return runs };
    // With a first response in the contract the update clock begins at that response.
    let mut from: Option<Timestamp> = contract.first.is_none().then_some(created);
    let mut answered_once = contract.first.is_none();
    for event in face.timeline.events() {
        if answers(&event.what) {
            runs.extend(from.map(|from| face.run("update", span, from, Some(event.at), &pauses)));
            answered_once = true;
            from = (mode == Mode::BetweenUpdates).then_some(event.at);
        } else if matches!(event.what, What::Customer { .. }) && mode == Mode::ForAgent && answered_once {
            from = from.or(Some(event.at));
        }
    }
    // A closed case shows nothing and asks for nothing; what it was opened again with does.
    let open = face.timeline.is_open();
    runs.extend(
        from.filter(|_| open)
            .map(|from| face.run("update", span, from, None, &pauses)),
    );
    runs
}
