//! A number for a snapshot: the same for the same desk, whatever the order of its lists (FNV-1a, 64 bits).
//!
//! It tells a commit that the desk has changed since the offer was made. It is not meant to withstand an adversary, who
//! could not hand in a snapshot anyway.

use crate::snapshot::{Engineer, Kind, Promise, Snapshot};
use std::hash::{Hash, Hasher};

/// FNV-1a.
pub(crate) struct Fingerprint(u64);

impl Hasher for Fingerprint {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }

    // Whole words in one step: a fingerprint is taken of every snapshot.
    fn write_i64(&mut self, word: i64) {
        self.write_u64(word as u64);
    }

    fn write_u64(&mut self, word: u64) {
        self.0 = (self.0 ^ word).wrapping_mul(0x0100_0000_01b3).rotate_left(29);
    }
}

impl Fingerprint {
    /// Of a whole snapshot.
    pub fn of(snapshot: &Snapshot) -> u64 {
        // A sum of the parts' numbers does not know their order.
        let engineers = snapshot.engineers.iter().map(of_engineer).fold(0, u64::wrapping_add);
        let kinds = snapshot.kinds.iter().map(of_kind).fold(0, u64::wrapping_add);
        let promises = snapshot.promises.iter().map(of_promise).fold(0, u64::wrapping_add);
        number(&(snapshot.now, &snapshot.rules, engineers, kinds, promises))
    }
}

fn number(what: &impl Hash) -> u64 {
    let mut hasher = Fingerprint(0xcbf2_9ce4_8422_2325);
    what.hash(&mut hasher);
    // Mixed once more, so that a sum of such numbers keeps what differs in the high bits.
    let mixed = (hasher.0 ^ (hasher.0 >> 32)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    mixed ^ (mixed >> 29)
}

fn of_engineer(engineer: &Engineer) -> u64 {
    let free = crate::interval::tidy(&engineer.free);
    let rest = (engineer.id, engineer.class, engineer.absent_until, engineer.running);
    number(&(rest, free, &engineer.allowances))
}

fn of_kind(kind: &Kind) -> u64 {
    let mut classes = kind.classes.clone();
    classes.sort_unstable();
    classes.dedup();
    number(&(kind.id, classes))
}

fn of_promise(promise: &Promise) -> u64 {
    let who = (promise.id, promise.kind, promise.severity, promise.owner, promise.seat);
    number(&(
        who,
        promise.due,
        promise.work,
        promise.not_before,
        promise.tentative,
        promise.moves,
    ))
}
