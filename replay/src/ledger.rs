//! What was promised, and what became of it: one row a promise, and the figures over them.

use crate::opening;
use crate::world::World;
use plan::interval::Minute;

/// What ended a promise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reply {
    /// The answer.
    Answer,
    /// What is known so far, with the next date; a promise of its own follows.
    Finding,
}

/// A promise, and what became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Promise {
    /// The mail, by its place in the world.
    pub mail: usize,
    /// When it was made.
    pub made: Minute,
    /// What the agreement's target asks.
    pub target: Minute,
    /// What stands, after all moves.
    pub due: Minute,
    /// How often both sides agreed on a later date, after the first was said.
    pub moves: u8,
    /// The reply that ended it, and when.
    pub ended: Option<(Minute, Reply)>,
    /// What the policy has to say of a break: the last thing that went wrong with this promise.
    pub trouble: Option<&'static str>,
}

impl Promise {
    /// Minutes by which it was late; `None` if it was kept.
    pub fn late(&self, end: Minute) -> Option<i64> {
        let sent = self.ended.map_or(end, |(at, _)| at);
        (self.ended.is_none() || sent > self.due).then(|| (sent - self.due).max(1))
    }

    /// Whether its date is later than the target.
    pub fn moved(&self) -> bool {
        self.due > self.target
    }
}

/// All promises of a replay, in the order in which they were made.
#[derive(Debug, Clone, Default)]
pub struct Ledger {
    promises: Vec<Promise>,
    /// The open promise of each mail.
    open: Vec<Option<usize>>,
    /// Times that somebody turned from one case to another.
    pub switches: u64,
    /// Days on which somebody was there.
    pub engineer_days: u64,
}

impl Ledger {
    /// An empty one for so many mails.
    pub fn new(mails: usize) -> Ledger {
        Ledger {
            open: vec![None; mails],
            ..Ledger::default()
        }
    }

    /// Makes a promise; one that is still open for the same mail is replaced.
    pub fn make(&mut self, mail: usize, made: Minute, target: Minute, due: Minute) {
        self.open[mail] = Some(self.promises.len());
        self.promises.push(Promise {
            mail,
            made,
            target,
            due,
            moves: 0,
            ended: None,
            trouble: None,
        });
    }

    /// The open promise of a mail.
    pub fn open(&self, mail: usize) -> Option<&Promise> {
        self.open[mail].map(|index| &self.promises[index])
    }

    /// Ends the open promise of a mail with a reply.
    pub fn end(&mut self, mail: usize, at: Minute, reply: Reply) {
        if let Some(index) = self.open[mail].take() {
            self.promises[index].ended = Some((at, reply));
        }
    }

    /// Moves an open promise to a later date that both sides agreed on.
    ///
    /// One that is due already is not moved: it is broken, and stays so.
    pub fn postpone(&mut self, mail: usize, now: Minute, due: Minute) {
        if let Some(index) = self.open[mail] {
            let promise = &mut self.promises[index];
            if now < promise.due && promise.due < due {
                (promise.due, promise.moves) = (due, promise.moves.saturating_add(1));
            }
        }
    }

    /// Notes what goes wrong with an open promise.
    pub fn trouble(&mut self, mail: usize, what: &'static str) {
        if let Some(index) = self.open[mail] {
            self.promises[index].trouble = Some(what);
        }
    }

    /// All promises.
    pub fn promises(&self) -> &[Promise] {
        &self.promises
    }

    /// Those that are counted: made in the weeks for which the world says so.
    pub fn counted<'a>(&'a self, world: &'a World) -> impl Iterator<Item = &'a Promise> {
        let counted = world.counted_from..world.counted_until;
        self.promises
            .iter()
            .filter(move |promise| counted.contains(&promise.made))
    }
}

/// The figures of a replay. Hours and days are business hours of the customers and days that engineers were there.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Figures {
    /// Name of the policy.
    pub policy: String,
    /// Promises counted.
    pub promises: usize,
    /// Of these, replied to by their due time, moves by agreement counted.
    pub kept: usize,
    /// The rest.
    pub broken: usize,
    /// The latest of the broken, minutes of the wall clock; 0 if there is none.
    pub max_late_minutes: i64,
    /// Promises whose date is later than their target, of all.
    pub moved_share: f64,
    /// By how much, on average.
    pub mean_move_hours: f64,
    /// Findings of all replies.
    pub findings_share: f64,
    /// From making to due time, half of the promises.
    pub length_p50_hours: f64,
    /// The same for nine of ten.
    pub length_p90_hours: f64,
    /// Turns from one case to another, an engineer and day.
    pub switches_per_day: f64,
    /// Promises whose date was moved by agreement after it had been said, of all: part of `moved_share`.
    pub renegotiated_share: f64,
}

impl Figures {
    /// Adds a ledger up.
    pub fn new(policy: &str, ledger: &Ledger, world: &World) -> Figures {
        let counted: Vec<&Promise> = ledger.counted(world).collect();
        let late: Vec<i64> = counted.iter().filter_map(|promise| promise.late(world.until)).collect();
        let hours = |from, until| opening::between(&world.open, from, until) as f64 / 60.0;
        let moves: Vec<f64> = counted
            .iter()
            .filter(|promise| promise.moved())
            .map(|promise| hours(promise.target, promise.due))
            .collect();
        let mut lengths: Vec<f64> = counted.iter().map(|promise| hours(promise.made, promise.due)).collect();
        lengths.sort_by(f64::total_cmp);
        let part = |percent: usize| lengths.get(lengths.len() * percent / 100).copied().unwrap_or(0.0);
        let replies = counted.iter().filter_map(|promise| promise.ended);
        let findings = replies.clone().filter(|(_, reply)| *reply == Reply::Finding).count();
        let renegotiated = counted.iter().filter(|promise| promise.moves > 0).count();
        Figures {
            policy: policy.to_string(),
            promises: counted.len(),
            kept: counted.len() - late.len(),
            broken: late.len(),
            max_late_minutes: late.iter().copied().max().unwrap_or(0),
            moved_share: share(moves.len() as f64, counted.len() as f64),
            mean_move_hours: share(moves.iter().sum(), moves.len() as f64),
            findings_share: share(findings as f64, replies.count() as f64),
            length_p50_hours: share(part(50), 1.0),
            length_p90_hours: share(part(90), 1.0),
            switches_per_day: share(ledger.switches as f64, ledger.engineer_days as f64),
            renegotiated_share: share(renegotiated as f64, counted.len() as f64),
        }
    }
}

/// A quotient with four places, 0 of nothing.
fn share(part: f64, whole: f64) -> f64 {
    if whole > 0.0 {
        (part / whole * 10_000.0).round() / 10_000.0
    } else {
        0.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reply_at_the_due_minute_keeps_and_one_behind_it_breaks() {
        let mut ledger = Ledger::new(3);
        for mail in 0..3 {
            ledger.make(mail, 0, 100, 100);
        }
        ledger.end(0, 100, Reply::Answer);
        ledger.end(1, 101, Reply::Finding);
        let late: Vec<Option<i64>> = ledger.promises().iter().map(|promise| promise.late(500)).collect();
        assert_eq!(late, [None, Some(1), Some(400)]);
    }

    #[test]
    fn a_date_moves_by_agreement_before_it_is_due_and_never_after() {
        let mut ledger = Ledger::new(1);
        ledger.make(0, 0, 100, 100);
        ledger.postpone(0, 50, 90);
        ledger.postpone(0, 99, 150);
        ledger.postpone(0, 150, 900);
        let promise = ledger.open(0).unwrap();
        assert_eq!((promise.due, promise.moves, promise.moved()), (150, 1, true));
    }
}
