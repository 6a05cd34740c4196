//! Where an answer ends for now: M and its one stretch, and the last moment for writing down what is known.

use super::told::own_minutes;
use super::{CLOSE_MINUTES, Desk, LAST_CALL_MINUTES, STRETCH_MINUTES, USEFUL_MINUTES};
use crate::floor::{FINDING_MINUTES, Floor, SWITCH_MINUTES};
use plan::dispatch::{AtBound, at_bound};

impl Desk<'_> {
    /// Whether M can be stretched: the timetable stays whole with the case in the same hands.
    ///
    /// The stretch may use up the guard of its own promise, and two thirds of that of others: that is what the guard is for.
    /// It never needs more than the time there is, since what is known can be sent at any moment of it.
    pub(super) fn stretches(&self, floor: &Floor, engineer: usize, mail: usize) -> bool {
        let Some(care) = self.open.get(&mail).filter(|care| !care.stretched) else {
            return false;
        };
        let worked = floor.worked(mail);
        let time = own_minutes(floor, engineer, care.promised) - FINDING_MINUTES - SWITCH_MINUTES;
        let bound = (care.from_worked + care.bound + STRETCH_MINUTES - worked)
            .min(time)
            .max(1);
        let stretched = self.bounded(floor.world.mails[mail].later, worked, bound);
        let mut snapshot = self.snapshot(floor, &[]);
        for promise in &mut snapshot.promises {
            if promise.id == mail as i64 {
                promise.owner = Some(engineer as i64);
                promise.due = promise.due.max(care.promised - FINDING_MINUTES - SWITCH_MINUTES);
            } else {
                promise.due += self.rules.guard() * 2 / 3;
            }
        }
        at_bound(&snapshot, mail as i64, stretched) == AtBound::Stretch
    }

    /// Decides for a case in hand whether it comes to a finding: M is used up and cannot be stretched, or there is just
    /// time to write down what is known.
    pub(super) fn close_up(&mut self, floor: &Floor, engineer: usize, mail: usize) {
        let Some(care) = self.open.get(&mail).filter(|care| !care.finding) else {
            return;
        };
        let worked = floor.worked(mail) - care.from_worked;
        if worked >= USEFUL_MINUTES && own_minutes(floor, engineer, care.promised) - FINDING_MINUTES < LAST_CALL_MINUTES
        {
            self.write_down(mail);
        } else if worked >= care.bound {
            if self.stretches(floor, engineer, mail) {
                if let Some(care) = self.open.get_mut(&mail) {
                    (care.bound, care.stretched) = (care.bound + STRETCH_MINUTES, true);
                }
            } else {
                self.write_down(mail);
            }
        }
    }

    /// Whether a case that is to be put aside would be late for it, and has come far enough for a finding: then that is
    /// written first.
    pub(super) fn is_close(&self, floor: &Floor, mail: usize) -> bool {
        let Some(care) = self.open.get(&mail) else { return false };
        let useful = floor.worked(mail) - care.from_worked >= USEFUL_MINUTES;
        useful && floor.now <= care.promised && floor.now + CLOSE_MINUTES > care.promised
    }
}
