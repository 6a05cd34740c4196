//! The table, by example and over many histories.

use super::*;
use jiff::SignedDuration;
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

fn at(minutes: i64) -> Timestamp {
    Timestamp::UNIX_EPOCH + SignedDuration::from_mins(minutes)
}

/// Made at minute 0, due at minute 600.
fn promised() -> Life {
    Life::new(at(0), at(600), Word::Offered)
}

fn after(events: &[(i64, Event)]) -> (Life, Vec<Effect>) {
    let mut life = promised();
    let mut last = Vec::new();
    for (now, event) in events {
        (life, last) = step(life, at(*now), *event).unwrap_or_else(|no| panic!("{event:?} at {now}: {no:?}"));
    }
    (life, last)
}

#[test]
fn an_offer_changes_nothing_until_it_is_accepted() {
    let (life, effects) = after(&[(10, Event::Offer(at(900), at(500)))]);
    assert_eq!((life.due, life.word, life.end), (at(600), Word::Offered, None));
    assert_eq!(effects, [Effect::Release, Effect::Reserve(at(900))]);
    let (life, effects) = after(&[(10, Event::Offer(at(900), at(500))), (20, Event::Accept)]);
    assert_eq!(life.end, Some(End::Moved(at(900))));
    assert_eq!(effects[2], Effect::Make(at(900), Word::Agreed));
}

#[test]
fn silence_and_refusal_leave_the_old_time() {
    for last in [Event::Lapse, Event::Keep] {
        let (life, _) = after(&[(10, Event::Offer(at(900), at(500))), (500, last)]);
        assert_eq!(
            (life.talk, life.end, life.due),
            (Talk::Quiet, None, at(600)),
            "{last:?}"
        );
    }
    let (life, _) = after(&[(10, Event::Offer(at(900), at(500))), (600, Event::Due)]);
    assert_eq!(life.end, Some(End::Broken), "an open offer excuses nothing");
}

#[test]
fn a_wish_that_fits_is_agreed_and_one_that_does_not_waits_for_a_person() {
    let (life, _) = after(&[(10, Event::Ask(at(300), Fits::Yes))]);
    assert_eq!(life.end, Some(End::Moved(at(300))));
    let (life, effects) = after(&[(10, Event::Ask(at(60), Fits::No(at(50))))]);
    assert_eq!((life.word, life.due), (Word::Asked, at(600)));
    assert!(effects.contains(&Effect::Lead));
    let (life, _) = after(&[(10, Event::Ask(at(60), Fits::No(at(50)))), (20, Event::Grant)]);
    assert_eq!(life.end, Some(End::Moved(at(60))));
    let counter = Event::Ask(at(60), Fits::Counter(at(300), at(200)));
    let (life, _) = after(&[(10, counter), (20, Event::Accept)]);
    assert_eq!(life.end, Some(End::Moved(at(300))), "our counter-offer was taken");
    let (life, _) = after(&[(10, counter), (20, Event::Grant)]);
    assert_eq!(life.end, Some(End::Moved(at(60))), "a lead granted the wish itself");
}

#[test]
fn what_is_impossible_is_refused_and_changes_nothing() {
    let life = promised();
    for (now, event, why) in [
        (10, Event::Accept, No::Nothing),
        (10, Event::Keep, No::Nothing),
        (10, Event::Grant, No::Nothing),
        (10, Event::Lapse, No::Nothing),
        (10, Event::Offer(at(600), at(500)), No::Same),
        (10, Event::Offer(at(5), at(500)), No::Past),
        (600, Event::Ask(at(900), Fits::Yes), No::Past),
        (10, Event::Due, No::NotNow),
        (10, Event::Bounce, No::NotNow),
    ] {
        assert_eq!(step(life, at(now), event).map(|_| ()), Err(why), "{event:?} at {now}");
    }
    let (kept, _) = step(life, at(20), Event::Reply(at(20))).unwrap();
    assert_eq!(step(kept, at(30), Event::Offer(at(900), at(500))), Err(No::Settled));
    let (open, _) = step(kept, at(30), Event::Bounce).unwrap();
    assert_eq!((open.end, open.due), (None, at(600)));
}

/// Any event; times are given as minutes from now.
fn events() -> impl Strategy<Value = Event> {
    let ahead = -30i64..900;
    prop_oneof![
        (ahead.clone(), 1i64..700).prop_map(|(to, until)| Event::Offer(at(to), at(until))),
        ahead.clone().prop_map(|to| Event::Ask(at(to), Fits::Yes)),
        (ahead.clone(), ahead.clone(), 1i64..300)
            .prop_map(|(to, other, until)| Event::Ask(at(to), Fits::Counter(at(other), at(until)))),
        (ahead, 1i64..300).prop_map(|(to, until)| Event::Ask(at(to), Fits::No(at(until)))),
        Just(Event::Accept),
        Just(Event::Fine),
        Just(Event::Keep),
        Just(Event::Grant),
        Just(Event::Decline),
        Just(Event::Reply(at(0))),
        Just(Event::Withdraw),
        Just(Event::Bounce),
    ]
}

/// The event as it happens now.
fn from_now(event: Event, now: Timestamp) -> Event {
    let ahead = |then: Timestamp| now + then.duration_since(at(0));
    match event {
        Event::Offer(to, until) => Event::Offer(ahead(to), ahead(until)),
        Event::Ask(to, Fits::Yes) => Event::Ask(ahead(to), Fits::Yes),
        Event::Ask(to, Fits::Counter(other, until)) => Event::Ask(ahead(to), Fits::Counter(ahead(other), ahead(until))),
        Event::Ask(to, Fits::No(until)) => Event::Ask(ahead(to), Fits::No(ahead(until))),
        Event::Reply(_) => Event::Reply(now),
        other => other,
    }
}

/// One message's promises, from the first on: what a history leaves behind.
struct History {
    lives: Vec<Life>,
    now: Timestamp,
    agreed: Vec<Timestamp>,
}

impl History {
    /// The clock reaches an instant: everything by the clock alone happens at its own time.
    fn pass(&mut self, then: Timestamp) {
        while let Some(wakes) = self
            .open()
            .and_then(|life| life.wakes_at())
            .filter(|wakes| *wakes <= then)
        {
            self.now = self.now.max(wakes);
            let due = self.open().is_some_and(|life| life.due <= self.now);
            self.happens(if due { Event::Due } else { Event::Lapse });
        }
        // Time never runs backwards.
        assert!(then >= self.now, "I13");
        self.now = then;
    }

    fn open(&self) -> Option<Life> {
        self.lives.last().copied().filter(|life| life.end.is_none())
    }

    fn happens(&mut self, event: Event) {
        let Some(&life) = self.lives.last() else { return };
        let before = life;
        let Ok((next, effects)) = step(life, self.now, event) else {
            return;
        };
        assert_eq!((next.due, next.made), (before.due, before.made), "I4: history is kept");
        assert_eq!(next.complaint(), None, "{before:?} {event:?} {next:?}");
        *self.lives.last_mut().expect("it was there") = next;
        let mut makes = 0;
        for effect in effects {
            match effect {
                Effect::Settle(end) => {
                    assert_eq!(next.end, Some(end));
                    // I3: by a reply in time, an agreed change, its due, or a withdrawal; by nothing else.
                    let rightly = match (end, event) {
                        (End::Kept(at), Event::Reply(_)) => at <= before.due,
                        (End::Moved(to), Event::Accept | Event::Grant | Event::Ask(_, Fits::Yes)) => to > self.now,
                        (End::Broken, Event::Due | Event::Reply(_)) => before.due <= self.now,
                        (End::Withdrawn, Event::Withdraw) => true,
                        _ => false,
                    };
                    assert!(rightly, "I3: {before:?} {event:?} at {} {end:?}", self.now);
                }
                Effect::Make(to, word) => {
                    assert_eq!(word, Word::Agreed);
                    self.agreed.push(to);
                    self.lives.push(Life::new(self.now, to, word));
                    makes += 1;
                }
                Effect::MakeEarliest => {
                    let earliest = self.now.max(before.due) + SignedDuration::from_mins(140);
                    self.lives.push(Life::new(self.now, earliest, Word::Offered));
                    makes += 1;
                }
                _ => {}
            }
        }
        let needs = matches!(next.end, Some(End::Moved(_) | End::Broken)) && before.end.is_none();
        assert_eq!(
            makes,
            usize::from(needs),
            "I2: a moved or broken promise has exactly one successor"
        );
    }

    /// What must hold whenever everything due has happened.
    fn check(&self) {
        let (last, earlier) = self
            .lives
            .split_last()
            .expect("a message that earned a promise has one");
        assert!(earlier.iter().all(|life| life.end.is_some()), "at most one is open");
        for (before, after) in self.lives.iter().zip(&self.lives[1..]) {
            match before.end {
                Some(End::Moved(to)) => assert_eq!(to, after.due, "the successor has the agreed time"),
                Some(End::Broken) => assert!(after.made >= before.due, "I4"),
                other => panic!("{other:?} has a successor"),
            }
        }
        if last.end.is_none() {
            assert!(last.due > self.now, "what is due is broken by the clock");
            assert!(last.wakes_at().is_some(), "nothing sleeps without an alarm");
        }
        // Every time that stands agreed was said by both sides, and silence said none.
        for life in &self.lives {
            let moved = matches!(life.word, Word::Agreed) && self.agreed.contains(&life.due);
            assert!(moved || life.word != Word::Agreed || life.due >= life.made);
        }
    }
}

/// Histories in memory; the soak takes more (`DULY_HISTORIES`).
fn histories() -> u32 {
    let asked = std::env::var("DULY_HISTORIES").ok().and_then(|text| text.parse().ok());
    asked.unwrap_or(100_000)
}

#[test]
fn no_history_leaves_a_message_without_a_promise_or_moves_one_by_silence() {
    const SEED: [u8; 32] = *b"a promise is made, kept or moved";
    let config = Config {
        cases: histories(),
        failure_persistence: None,
        ..Config::default()
    };
    println!(
        "{} histories from seed {:?}",
        config.cases,
        String::from_utf8_lossy(&SEED)
    );
    let mut runner = TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &SEED));
    let history = proptest::collection::vec((0i64..400, events()), 1..20);
    let ran = runner.run(&history, |acts| {
        let mut history = History {
            lives: vec![promised()],
            now: at(0),
            agreed: Vec::new(),
        };
        for (wait, event) in acts {
            history.pass(history.now + SignedDuration::from_mins(wait));
            let event = from_now(event, history.now);
            history.happens(event);
            history.pass(history.now);
            history.check();
        }
        Ok(())
    });
    ran.unwrap_or_else(|cause| panic!("{cause}"));
}
