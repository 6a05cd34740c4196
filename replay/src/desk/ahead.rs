//! Trouble seen before it is there: waits that may last too long, and dates that move while there is time to ask.

use super::{Desk, LOOK_STEPS, NOTICE_MINUTES, QUANTUM_MINUTES};
use crate::floor::{FINDING_MINUTES, Floor, SWITCH_MINUTES, State};
use plan::interval::{Interval, Minute};
use plan::schedule::Board;
use plan::shift::Shift;

impl Desk<'_> {
    /// Asks for another date where the timetable cannot hold one, early enough; what is begun and cannot wait is written
    /// down instead.
    pub(super) fn look_ahead(&mut self, floor: &mut Floor) {
        let snapshot = self.snapshot(floor, &[]);
        let board = Board::within(&snapshot, LOOK_STEPS);
        self.keep_seats(board.seats());
        let late = |placement: &&plan::timetable::Placement| !placement.is_on_time();
        let mut late: Vec<(usize, bool)> = board
            .placements()
            .iter()
            .filter(late)
            .map(|placement| {
                let mail = placement.promise as usize;
                let expected = placement.finish_expected.unwrap_or(Minute::MAX);
                (mail, self.open.get(&mail).is_some_and(|care| expected > care.due))
            })
            .collect();
        late.sort_by_key(|(mail, _)| self.open.get(mail).map(|care| care.due));
        for (mail, expected) in late {
            let Some(care) = self.open.get(&mail).cloned() else {
                continue;
            };
            let blocked = matches!(floor.jobs[mail].state, State::Blocked { .. });
            if care.finding || matches!(floor.jobs[mail].state, State::InHand(_)) {
                continue;
            }
            if blocked && self.ways.wait_rule {
                self.wait(floor, mail);
                continue;
            }
            if !expected {
                continue;
            }
            if floor.now + NOTICE_MINUTES > care.promised {
                floor.ledger.trouble(
                    mail,
                    "when the timetable lost it there was no time left to ask for another date",
                );
            } else if self.ways.renegotiation {
                self.postpone(floor, mail);
            }
        }
    }

    pub(super) fn write_down(&mut self, mail: usize) {
        if let Some(care) = self.open.get_mut(&mail) {
            care.finding = true;
        }
    }

    /// The wait rule: a case whose wait may last beyond the promise comes to a finding; but not before it must, since most
    /// waits end sooner. It must when its owner has just time for it and for the slice that is then in hand.
    pub(super) fn wait(&mut self, floor: &mut Floor, mail: usize) {
        let Some(care) = self.open.get_mut(&mail).filter(|care| !care.finding) else {
            return;
        };
        floor.ledger.trouble(mail, "it waited for the lab or upstream");
        let owner = floor.jobs[mail].owner.unwrap_or(0);
        let shift = Shift::new(
            floor.known(owner),
            Interval::new(floor.now, floor.now + self.rules.horizon),
        );
        let needed = QUANTUM_MINUTES + SWITCH_MINUTES + FINDING_MINUTES;
        let latest = shift.reached(shift.before(care.due) - needed);
        if shift.before(care.due) > needed && latest > floor.now {
            care.write_at = Some(latest);
            floor.remind(latest, mail);
        } else {
            self.write_down(mail);
        }
    }

    pub(super) fn postpone(&mut self, floor: &mut Floor, mail: usize) {
        let Some(mut care) = self.open.get(&mail).cloned() else {
            return;
        };
        care.moves = care.moves.saturating_add(1);
        let Some((promised, due, _)) = self.admit(floor, mail, &care).filter(|offer| offer.0 > care.promised) else {
            floor
                .ledger
                .trouble(mail, "the timetable lost it, and admission knew no later date");
            return;
        };
        floor.ledger.postpone(mail, floor.now, promised);
        (care.promised, care.due) = (promised, due);
        self.open.insert(mail, care);
    }
}
