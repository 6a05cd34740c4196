//! Merging: an offered case goes over by a person's hand, and comes back whole.

use super::kit::desk::{ANNA, on_both};
use super::kit::mail::mail;
use super::{EVE, NORA};
use duly::desk::case::State;
use duly::desk::verb::Verb;
use duly::refusal::Kind;

fn merge(case: i64, into: Option<i64>) -> Verb {
    Verb::Merge { case, into }
}

#[test]
fn an_offered_case_is_merged_by_a_hand_and_parted_again() {
    on_both(|desk| {
        let first = desk.receive(&mail(NORA, "The daemon stops")).case();
        desk.answered(first, "wait 2026-03-13T12:00:00Z");
        assert_eq!(desk.state(first), State::Closing);
        let letter = mail(NORA, "Re: The daemon stops");
        let second = desk.receive(&letter).case();
        assert_ne!(first, second);
        let said = desk.act(ANNA, merge(second, None));
        assert!(said.contains(&format!("merged into case {first}")), "{said}");
        assert_eq!((desk.state(first), desk.state(second)), (State::Ready, State::Closed));
        let page = desk.page(second);
        assert_eq!((page.merged_into, page.message_count), (Some(first), 0));
        assert_eq!(desk.page(first).promises.len(), 2);
        desk.holds();
        // What answers the merged mail finds the whole.
        assert_eq!(desk.receive(&mail(NORA, "More").re(&letter.message_id())).case(), first);
        let path = desk.return_path(second, NORA);
        assert_eq!(desk.receive(&mail(NORA, "And more").to(&path)).case(), first);
        desk.refused(ANNA, merge(second, Some(first)), Kind::Conflict);
        desk.act(ANNA, Verb::Unmerge { case: second });
        assert_eq!(desk.page(second).merged_into, None);
        assert_eq!(
            (desk.state(second), desk.page(second).promises.len()),
            (State::Ready, 1)
        );
        assert_eq!(desk.page(first).promises.len(), 3, "what came since stays");
        assert_eq!(
            desk.receive(&mail(NORA, "Again").re(&letter.message_id())).case(),
            second
        );
        desk.refused(ANNA, Verb::Unmerge { case: second }, Kind::Conflict);
        let events =
            "SELECT COUNT(*) FROM event WHERE kind IN ('case.merged', 'case.unmerged') AND actor LIKE 'engineer:%'";
        assert_eq!(desk.number(events, &[]), 4, "the ledger of both says who did it");
    });
}

#[test]
fn a_merge_that_ended_in_an_answer_leaves_nothing_owed_when_parted() {
    on_both(|desk| {
        let first = desk.receive(&mail(NORA, "The daemon stops")).case();
        let second = desk.receive(&mail(NORA, "Re: The daemon stops")).case();
        desk.act(ANNA, merge(second, None));
        desk.answered(first, "close");
        assert_eq!(desk.state(first), State::Closed);
        desk.act(ANNA, Verb::Unmerge { case: second });
        assert_eq!((desk.state(first), desk.state(second)), (State::Closed, State::Closed));
        desk.holds();
    });
}

#[test]
fn a_promise_that_broke_while_merged_goes_back_with_its_successor() {
    on_both(|desk| {
        desk.receive(&mail(NORA, "The daemon stops"));
        let second = desk.receive(&mail(NORA, "Re: The daemon stops")).case();
        desk.act(ANNA, merge(second, None));
        desk.minutes(3 * 24 * 60);
        desk.act(ANNA, Verb::Unmerge { case: second });
        desk.holds();
        assert!(
            desk.promises(second)[0].starts_with("broken"),
            "{:?}",
            desk.promises(second)
        );
        assert_eq!(desk.state(second), State::Ready);
    });
}

#[test]
fn a_merge_is_refused_where_it_means_nothing() {
    on_both(|desk| {
        let first = desk.receive(&mail(NORA, "The daemon stops")).case();
        let other = desk.receive(&mail(EVE, "Elsewhere")).case();
        desk.refused(ANNA, merge(first, None), Kind::Usage);
        desk.refused(ANNA, merge(first, Some(first)), Kind::Usage);
        desk.refused(ANNA, merge(first, Some(999)), Kind::Missing);
        desk.answer(first, "close");
        desk.refused(ANNA, merge(first, Some(other)), Kind::Conflict);
        desk.leaves();
        // Another customer's case is a person's decision, and an open one.
        desk.act(ANNA, merge(other, Some(first)));
        assert_eq!(desk.page(first).people.len(), 2);
    });
}
