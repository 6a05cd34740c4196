//! What is on its way, and who may go next: the places are shared between destinations, so that neither a dead domain nor
//! a slow one takes them all.
//!
//! Pure bookkeeping in memory: [`limits::DELIVERIES`] entries at most. One place each in turn, in the order in which the
//! destinations are due; a domain that could not be reached gets a single one.

use crate::desk::OutboxId;
use crate::desk::destination::Destination;
use crate::limits;
use std::collections::BTreeMap;

/// What is on its way.
#[derive(Debug, Clone, Default)]
pub struct Traffic {
    under_way: BTreeMap<i64, Destination>,
}

impl Traffic {
    /// A row has begun.
    pub fn begin(&mut self, row: OutboxId, to: Destination) {
        self.under_way.insert(row.0, to);
    }

    /// A row has ended, however.
    pub fn end(&mut self, row: OutboxId) {
        self.under_way.remove(&row.0);
    }

    /// Whether a row is on its way.
    pub fn has(&self, row: OutboxId) -> bool {
        self.under_way.contains_key(&row.0)
    }

    /// Places that are free.
    pub fn room(&self) -> usize {
        limits::DELIVERIES.saturating_sub(self.under_way.len())
    }

    /// Places that a destination may take now, were nobody else waiting.
    pub fn room_to(&self, to: &Destination) -> usize {
        let same = self.under_way.values().filter(|one| one.domain == to.domain).count();
        let free = match to.is_failing {
            false => limits::DELIVERIES_PER_DOMAIN.saturating_sub(same),
            true => {
                let failing = self.under_way.values().filter(|one| one.is_failing).count();
                1_usize
                    .saturating_sub(same)
                    .min(limits::DELIVERIES_TO_FAILING.saturating_sub(failing))
            }
        };
        free.min(self.room())
    }

    /// Deals the free places: `rows` of each destination in their order, one each in turn.
    pub fn deal(&self, waiting: Vec<(Destination, Vec<OutboxId>)>) -> Vec<(OutboxId, Destination)> {
        let (mut dealt, mut then) = (Vec::new(), self.clone());
        for turn in 0..limits::DELIVERIES_PER_DOMAIN {
            for (to, rows) in &waiting {
                let Some(row) = rows.get(turn) else { continue };
                if then.room_to(to) > 0 {
                    then.begin(*row, to.clone());
                    dealt.push((*row, to.clone()));
                }
            }
        }
        dealt
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::Timestamp;

    fn to(domain: &str, is_failing: bool) -> Destination {
        Destination {
            domain: domain.into(),
            next_at: Timestamp::UNIX_EPOCH,
            is_failing,
        }
    }

    fn rows(from: i64) -> Vec<OutboxId> {
        (from..from + 8).map(OutboxId).collect()
    }

    #[test]
    fn one_domain_takes_a_few_places_and_leaves_the_others_theirs() {
        let dealt = Traffic::default().deal(vec![
            (to("full.example", false), rows(1)),
            (to("n.example", false), rows(50)),
        ]);
        let numbers: Vec<i64> = dealt.iter().map(|(row, _)| row.0).collect();
        assert_eq!(
            numbers,
            [1, 50, 2, 51, 3, 52, 4, 53],
            "one each in turn, {} in all",
            2 * limits::DELIVERIES_PER_DOMAIN
        );
    }

    #[test]
    fn domains_that_cannot_be_reached_never_take_all_places() {
        let dead = |number: i64| (to(&format!("dead{number}.example"), true), rows(100 * number));
        let mut traffic = Traffic::default();
        let dealt = traffic.deal((1..=100).map(dead).collect());
        assert_eq!(
            dealt.len(),
            limits::DELIVERIES_TO_FAILING,
            "one each, and not all of them"
        );
        for (row, destination) in dealt {
            traffic.begin(row, destination);
        }
        assert_eq!(traffic.deal(vec![dead(7), dead(200)]), []);
        assert_eq!(
            traffic.deal(vec![(to("n.example", false), rows(1))]).len(),
            limits::DELIVERIES_PER_DOMAIN
        );
    }

    #[test]
    fn what_has_ended_gives_its_place_back() {
        let mut traffic = Traffic::default();
        for (row, destination) in traffic.deal(vec![(to("n.example", false), rows(1))]) {
            traffic.begin(row, destination);
        }
        assert_eq!(traffic.room_to(&to("n.example", false)), 0);
        traffic.end(OutboxId(2));
        assert!(!traffic.has(OutboxId(2)) && traffic.has(OutboxId(1)));
        assert_eq!(traffic.room_to(&to("n.example", false)), 1);
    }
}
