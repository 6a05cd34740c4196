//! What holds for every story, whichever the seed.

use super::*;
use std::collections::{BTreeSet, HashMap};

fn all(seed: u64) -> Vec<Story> {
    closed(seed, 2_000).chain(open(seed)).collect()
}

/// `{name}`: a place that was left open.
fn open_place(text: &str) -> bool {
    text.split('{').skip(1).any(|rest| {
        rest.split_once('}').is_some_and(|(name, _)| {
            !name.is_empty()
                && name
                    .bytes()
                    .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
        })
    })
}

#[test]
fn a_seed_tells_the_same_stories_each_time_and_another_seed_others() {
    assert_eq!(all(1), all(1));
    assert_ne!(closed(1, 50).collect::<Vec<_>>(), closed(2, 50).collect::<Vec<_>>());
}

#[test]
fn there_are_as_many_as_asked_for() {
    assert_eq!(closed(7, 2_000).count(), 2_000);
    assert_eq!(closed(7, 0).count(), 0);
    assert_eq!(open(7).len(), 40);
    assert!(problems().len() >= 60, "{}", problems().len());
}

#[test]
fn subjects_are_distinct() {
    for seed in 0..4 {
        let subjects: BTreeSet<String> = closed(seed, 2_000).map(|story| story.subject).collect();
        assert!(subjects.len() >= 1_600, "{} distinct subjects of 2,000", subjects.len());
    }
}

#[test]
fn no_two_texts_are_the_same_within_fifty_neighbours() {
    for seed in 0..4 {
        let mut last: HashMap<String, usize> = HashMap::new();
        for (number, story) in all(seed).into_iter().enumerate() {
            for turn in story.turns {
                if let Some(before) = last.insert(turn.text.clone(), number) {
                    assert!(number - before > 50, "stories {before} and {number}: {}", turn.text);
                }
            }
        }
    }
}

#[test]
fn every_text_is_finished_and_fits_a_mail() {
    for story in (0..3).flat_map(all) {
        assert!(!open_place(&story.subject), "{}", story.subject);
        assert!(!story.subject.is_empty() && story.subject.chars().count() <= 100 && !story.subject.contains('\n'));
        for turn in &story.turns {
            let text = &turn.text;
            assert!(
                !open_place(text) && !text.contains("[[") && !text.contains("]]"),
                "{text}"
            );
            assert!(
                text.ends_with('\n') && !text.ends_with("\n\n") && !text.contains('\r') && !text.contains('\t'),
                "{text}"
            );
            for line in text.lines() {
                assert!(line.chars().count() <= 100, "{}: {line}", line.chars().count());
            }
        }
    }
}

#[test]
fn no_text_holds_an_address_outside_example() {
    for story in all(5) {
        for turn in &story.turns {
            for word in turn.text.split_whitespace().filter(|word| word.contains('@')) {
                let end = word.trim_end_matches(|letter: char| !letter.is_alphanumeric());
                assert!(end.ends_with(".example"), "{word}");
            }
        }
    }
}

#[test]
fn every_story_ends_as_its_state_says() {
    for story in (0..4).flat_map(all) {
        let last = story
            .turns
            .iter()
            .rev()
            .find(|turn| turn.kind != Some(Kind::Note))
            .expect("a story has a mail");
        match story.state {
            State::Ready | State::Running(_) => {
                assert!(last.who == Who::Customer || matches!(last.then, Then::Owe { .. }))
            }
            State::Waiting => assert!(matches!(last.then, Then::Wait { .. })),
            State::Blocked { .. } => assert!(matches!(last.then, Then::Owe { .. })),
            State::Closed(Resolution::NoReply) => {
                assert!(last.kind == Some(Kind::Question) && matches!(last.then, Then::Wait { .. }))
            }
            State::Closed(Resolution::Answered) => assert_eq!(last.kind, Some(Kind::Answer)),
            State::Closed(_) => assert_eq!(last.then, Then::Close),
        }
        assert_eq!(story.resolution().is_some(), matches!(story.state, State::Closed(_)));
    }
}

#[test]
fn times_run_forward_and_end_before_the_start() {
    for story in (0..4).flat_map(all) {
        assert_eq!(story.turns[0].after_minutes, 0);
        assert_eq!(story.turns[0].who, Who::Customer);
        assert!(story.turns[1..].iter().all(|turn| turn.after_minutes > 0));
        assert!(story.told_minutes() < story.opened_minutes_ago, "{}", story.subject);
        let age = story.opened_minutes_ago - story.told_minutes();
        let last = story.turns.last().expect("a story has a mail").then;
        match (story.state, last) {
            // A wait of a closed case has run out, one of an open case has not.
            (State::Closed(_), Then::Wait { minutes }) => assert!(minutes < age),
            (State::Waiting, Then::Wait { minutes }) | (_, Then::Owe { minutes }) => {
                assert!(minutes > age)
            }
            _ => {}
        }
    }
}

#[test]
fn every_reply_comes_within_its_target_and_every_next_word_when_owed() {
    for story in (0..4).flat_map(all) {
        let target = course::target_minutes(story.severity);
        let (mut since, mut within) = (0, target);
        for turn in &story.turns {
            since += turn.after_minutes;
            match turn.who {
                Who::Customer => (since, within) = (0, target),
                Who::Engineer(_) if turn.kind == Some(Kind::Note) => {}
                Who::Engineer(_) => {
                    assert!(since <= within, "{since} of {within}: {}", turn.text);
                    (since, within) = (
                        0,
                        if let Then::Owe { minutes } = turn.then {
                            minutes
                        } else {
                            u32::MAX
                        },
                    );
                }
            }
        }
        if matches!(story.state, State::Ready | State::Running(_) | State::Blocked { .. }) {
            let age = story.opened_minutes_ago - story.told_minutes();
            assert!(since + age < within, "{} is overdue", story.subject);
        }
    }
}

#[test]
fn people_and_lanes_exist_and_nobody_has_two_slices() {
    for seed in 0..4 {
        for story in all(seed) {
            assert!(story.contact < customers()[story.customer].contacts.len());
            assert!(LANES.contains(&story.lane));
            assert!((1..=4).contains(&story.severity));
            assert!(
                story
                    .turns
                    .iter()
                    .all(|turn| matches!(turn.who, Who::Customer) == turn.kind.is_none())
            );
        }
        let slices: Vec<usize> = open(seed)
            .iter()
            .filter_map(|story| {
                if let State::Running(at) = story.state {
                    Some(at)
                } else {
                    None
                }
            })
            .collect();
        assert_eq!(slices.len(), slices.iter().collect::<BTreeSet<_>>().len());
        assert!(slices.iter().all(|&at| at < engineers().len()));
    }
}

#[test]
fn the_open_cases_show_every_state() {
    let stories = open(1);
    let has = |wanted: fn(&Story) -> bool| stories.iter().any(wanted);
    assert!(has(|story| story.state == State::Ready));
    assert!(has(|story| matches!(story.state, State::Running(_))));
    assert!(has(|story| story.state == State::Waiting));
    assert!(has(|story| matches!(
        story.state,
        State::Blocked { on: "engineering", .. }
    )));
    assert!(has(|story| story.severity == 1));
    assert!(has(|story| story.turns.len() >= 8));
    assert!(has(|story| story.turns[0].text.contains("Mit freundlichen Grüßen")));
    assert!(has(|story| story.turns[0].text.contains("#0  0x")));
    assert!(has(|story| story.turns[0].text.contains("tokio::select!")));
}
