//! The time, passed in. Only the edge asks it; the domain is told.
//!
//! What promises are counted by never runs backwards: a [`Clock::steady`] clock stands still while the machine's clock is
//! behind what it has said before. A machine's clock that leaps forward is doubted for a minute, in which time passes as it
//! does on a stopwatch: a broken promise cannot be mended, so it is not broken on the word of a clock that is put right at
//! once. What is believed then is true at least for everybody who asks: nothing is skipped, nothing happens twice.

use jiff::Timestamp;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;
use tokio::sync::watch;

/// A leap of the machine's clock that is told to people, in milliseconds: a clock that is kept drifts by seconds.
pub const LEAP_MILLIS: i64 = 5 * 60 * 1_000;
/// How long a leap forward is doubted.
const DOUBT_MILLIS: i64 = 60 * 1_000;

/// Where the edge reads the time: the machine's clock, or a hand-moved one in tests and replays.
#[derive(Clone, Debug)]
pub enum Clock {
    /// The machine's clock.
    System,
    /// A clock that stands still until somebody moves it; milliseconds since the epoch. Whoever waits for a time sees it
    /// move.
    Hand(watch::Sender<i64>),
    /// Another clock, held to never running backwards.
    Steady(Arc<Steady>),
}

/// A clock that leapt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Leap {
    /// What it would have said.
    pub expected: Timestamp,
    /// What it said.
    pub said: Timestamp,
}

/// What a steady clock is made of.
#[derive(Debug)]
pub struct Steady {
    source: Clock,
    began: Instant,
    state: Mutex<State>,
}

impl Clock {
    /// A clock that stands at `at` until [`Clock::set`] moves it.
    pub fn hand(at: Timestamp) -> Self {
        Clock::Hand(watch::Sender::new(at.as_millisecond()))
    }

    /// The same clock, held to never running backwards, and never to say less than `floor`: the newest time that was written
    /// down. Its clones are one clock.
    pub fn steady(self, floor: Option<Timestamp>) -> Clock {
        let floor = floor.map_or(i64::MIN, Timestamp::as_millisecond);
        Clock::Steady(Arc::new(Steady {
            source: self,
            began: Instant::now(),
            state: Mutex::new(State::new(floor)),
        }))
    }

    /// The time now, whole milliseconds: what the store keeps is what the desk computed with.
    pub fn now(&self) -> Timestamp {
        let millis = match self {
            Clock::System => Timestamp::now().as_millisecond(),
            Clock::Hand(at) => *at.borrow(),
            Clock::Steady(steady) => steady.now(),
        };
        instant(millis)
    }

    /// Moves a hand-moved clock; the machine's clock is nobody's to move.
    ///
    /// # Panics
    /// On [`Clock::System`]: that is a mistake in a test.
    pub fn set(&self, at: Timestamp) {
        match self {
            Clock::System => panic!("the machine's clock is not moved"),
            Clock::Hand(hand) => _ = hand.send_replace(at.as_millisecond()),
            Clock::Steady(steady) => steady.source.set(at),
        }
    }

    /// Tells whenever the clock is moved by hand; none for the machine's, which nobody is told of.
    pub fn moved(&self) -> Option<watch::Receiver<i64>> {
        match self {
            Clock::System => None,
            Clock::Hand(hand) => Some(hand.subscribe()),
            Clock::Steady(steady) => steady.source.moved(),
        }
    }

    /// Whether it is the machine's, in the end.
    pub fn is_machine(&self) -> bool {
        self.moved().is_none()
    }

    /// A leap that nobody has been told of; each is given once.
    pub fn leapt(&self) -> Option<Leap> {
        match self {
            Clock::Steady(steady) => steady.state().leap.take(),
            _ => None,
        }
    }
}

impl Steady {
    fn now(&self) -> i64 {
        let wall = self.source.now().as_millisecond();
        // A clock that is moved by hand is its own stopwatch: it may leap as it likes, and only backwards is wrong.
        let ran = match self.source.is_machine() {
            true => i64::try_from(self.began.elapsed().as_millis()).unwrap_or(i64::MAX),
            false => wall,
        };
        self.state().tell(wall, ran)
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What was said, and by which readings. Pure.
#[derive(Debug)]
struct State {
    /// The latest time that was told.
    told: i64,
    /// Readings of before: the clock, and a stopwatch that cannot be set.
    before: Option<(i64, i64)>,
    /// Since when, by the stopwatch, the clock is ahead of where it should be.
    doubted_since: Option<i64>,
    /// How far ahead.
    ahead: i64,
    leap: Option<Leap>,
}

impl State {
    fn new(floor: i64) -> State {
        State {
            told: floor,
            before: None,
            doubted_since: None,
            ahead: 0,
            leap: None,
        }
    }

    /// The time to tell where the clock says `wall` and a stopwatch `ran`, both in milliseconds.
    fn tell(&mut self, wall: i64, ran: i64) -> i64 {
        let Some((wall_before, ran_before)) = self.before.replace((wall, ran)) else {
            self.told = self.told.max(wall);
            return self.told;
        };
        let passed = (ran - ran_before).max(0);
        let off = wall - wall_before - passed;
        if off >= LEAP_MILLIS {
            self.doubted_since.get_or_insert(ran);
            self.ahead += off;
        } else if off <= -LEAP_MILLIS {
            match self.doubted_since {
                // It was put right before anybody believed it.
                Some(_) if self.ahead + off < LEAP_MILLIS => {
                    (self.doubted_since, self.ahead) = (None, 0);
                }
                Some(_) => self.ahead += off,
                None => self.note(wall - off, wall),
            }
        }
        match self.doubted_since {
            Some(since) if ran - since < DOUBT_MILLIS => {
                self.told = self.told.max((self.told + passed).min(wall));
            }
            Some(_) => {
                self.note(wall - self.ahead, wall);
                (self.doubted_since, self.ahead) = (None, 0);
                self.told = self.told.max(wall);
            }
            None => self.told = self.told.max(wall),
        }
        self.told
    }

    fn note(&mut self, expected: i64, said: i64) {
        self.leap = Some(Leap {
            expected: instant(expected),
            said: instant(said),
        });
    }
}

fn instant(millis: i64) -> Timestamp {
    Timestamp::from_millisecond(millis).unwrap_or(Timestamp::UNIX_EPOCH)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: i64 = 60_000;
    const HOUR: i64 = 60 * MINUTE;

    /// What is told at each pair of readings, from a first pair at 1,000,000 hours and 0.
    fn told(readings: &[(i64, i64)]) -> (Vec<i64>, State) {
        let start = 1_000_000 * HOUR;
        let mut state = State::new(i64::MIN);
        assert_eq!(state.tell(start, 0), start);
        let told = readings
            .iter()
            .map(|(wall, ran)| state.tell(start + wall, *ran) - start);
        (told.collect(), state)
    }

    #[test]
    fn a_clock_that_runs_is_told_as_it_is() {
        let (times, state) = told(&[(1_000, 1_000), (1_900, 2_000), (HOUR, HOUR)]);
        assert_eq!(times, [1_000, 1_900, HOUR]);
        assert_eq!(state.leap, None);
    }

    #[test]
    fn time_stands_still_while_the_clock_is_behind_what_was_said() {
        let (times, state) = told(&[(HOUR, HOUR), (HOUR - 2_000, HOUR + 1_000), (HOUR - 1_000, HOUR + 2_000)]);
        assert_eq!(times, [HOUR, HOUR, HOUR]);
        assert_eq!(state.leap, None, "two seconds are nobody's business");
        let (times, state) = told(&[(3 * HOUR, 3 * HOUR), (HOUR, 3 * HOUR), (3 * HOUR + 5, 5 * HOUR)]);
        assert_eq!(times, [3 * HOUR, 3 * HOUR, 3 * HOUR + 5]);
        let leap = state.leap.expect("two hours are told");
        assert_eq!(leap.expected.as_millisecond() - leap.said.as_millisecond(), 2 * HOUR);
    }

    #[test]
    fn a_leap_forward_that_is_put_right_within_a_minute_has_broken_nothing() {
        let (times, state) = told(&[
            (1_000, 1_000),
            (26 * HOUR, 2_000),
            (26 * HOUR + 30_000, 32_000),
            (40_000, 40_000),
        ]);
        assert_eq!(times, [1_000, 2_000, 32_000, 40_000]);
        assert_eq!(state.leap, None);
    }

    #[test]
    fn a_leap_forward_that_stays_is_believed_after_a_minute_and_told_once() {
        let (times, state) = told(&[
            (26 * HOUR, 1_000),
            (26 * HOUR + MINUTE, MINUTE + 1_000),
            (26 * HOUR + 2 * MINUTE, 2 * MINUTE),
        ]);
        assert_eq!(times, [1_000, 26 * HOUR + MINUTE, 26 * HOUR + 2 * MINUTE]);
        assert!(state.leap.is_some());
    }

    #[test]
    fn no_walk_of_a_clock_makes_time_run_backwards_or_ahead_of_every_reading() {
        let (mut wall, mut ran, mut dice) = (1_000_000 * HOUR, 0, 20_261_130_u64);
        let (mut state, mut before, mut highest) = (State::new(i64::MIN), i64::MIN, i64::MIN);
        for turn in 0..200_000 {
            dice = dice
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            let step = i64::try_from(dice >> 52).unwrap_or(0);
            ran += step;
            wall += step;
            if dice >> 40 & 0x3f == 0 {
                wall += (i64::try_from(dice >> 33 & 0xff_ffff).unwrap_or(0) - 0x7f_ffff) * 10;
            }
            highest = highest.max(wall);
            let told = state.tell(wall, ran);
            assert!(
                told >= before && told <= highest,
                "turn {turn}: {before} then {told}, highest {highest}"
            );
            before = told;
        }
    }

    #[test]
    fn a_restart_does_not_go_behind_what_was_written_down() {
        let at: Timestamp = "2026-03-02T08:00:00Z".parse().unwrap();
        let hand = Clock::hand(at);
        let steady = hand.clone().steady(Some(at + jiff::SignedDuration::from_hours(1)));
        assert_eq!(steady.now(), at + jiff::SignedDuration::from_hours(1));
        hand.set(at + jiff::SignedDuration::from_hours(2));
        assert_eq!(steady.now(), at + jiff::SignedDuration::from_hours(2));
        hand.set(at);
        assert_eq!(steady.now(), at + jiff::SignedDuration::from_hours(2));
    }
}
