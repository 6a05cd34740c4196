//! The time, passed in. Only the edge asks it; the domain is told.

use jiff::Timestamp;
use tokio::sync::watch;

/// Where the edge reads the time: the machine's clock, or a hand-moved one in tests and replays.
#[derive(Clone, Debug)]
pub enum Clock {
    /// The machine's clock.
    System,
    /// A clock that stands still until somebody moves it; milliseconds since the epoch. Whoever waits for a time sees it
    /// move.
    Hand(watch::Sender<i64>),
}

impl Clock {
    /// A clock that stands at `at` until [`Clock::set`] moves it.
    pub fn hand(at: Timestamp) -> Self {
        Clock::Hand(watch::Sender::new(at.as_millisecond()))
    }

    /// The time now, whole milliseconds: what the store keeps is what the desk computed with.
    pub fn now(&self) -> Timestamp {
        let millis = match self {
            Clock::System => Timestamp::now().as_millisecond(),
            Clock::Hand(at) => *at.borrow(),
        };
        Timestamp::from_millisecond(millis).unwrap_or(Timestamp::UNIX_EPOCH)
    }

    /// Moves a hand-moved clock; the machine's clock is nobody's to move.
    ///
    /// # Panics
    /// On [`Clock::System`]: that is a mistake in a test.
    pub fn set(&self, at: Timestamp) {
        match self {
            Clock::System => panic!("the machine's clock is not moved"),
            Clock::Hand(hand) => _ = hand.send_replace(at.as_millisecond()),
        }
    }
}
