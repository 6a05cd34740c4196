//! Proving the ledger: walking its entries and saying which is the first that is not what was written.
//!
//! A walk computes every hash again, checks every code with the key, and grows the Merkle tree; at the size of each
//! checkpoint that was kept outside the database the roots must agree. What a walk cannot see is an end that was cut off
//! after the last of those checkpoints: nothing outside knows of it.

use super::ledger::{self, Entry, Hash};
use super::merkle::Tree;
use crate::limits;
use crate::refusal::{Kind, Outcome, Refusal};
use crate::store::{Row, Tx, values};
use data_encoding::HEXLOWER;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;

/// What a checkpoint outside the database says, its signature checked by whoever brought it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    /// How many entries there were.
    pub size: i64,
    /// Their Merkle root, hexadecimal.
    pub root: String,
}

/// A ledger that is whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proof {
    /// Entries.
    pub entries: i64,
    /// Their Merkle root, hexadecimal.
    pub root: String,
    /// Checkpoints that agreed.
    pub agreed: usize,
    /// The codes were checked: the key was at hand.
    pub sealed: bool,
}

impl Proof {
    /// In words.
    pub fn said(&self) -> String {
        let agreed = match self.agreed {
            0 => String::new(),
            1 => ", and the checkpoint agrees".to_owned(),
            several => format!(", and {several} checkpoints agree"),
        };
        format!(
            "The ledger is whole: {} entries, root {}{agreed}",
            self.entries, self.root
        )
    }
}

/// The first entry that is not what was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bad {
    /// Its place.
    pub entry: i64,
    /// What is wrong with it.
    pub why: String,
}

/// Walks entries in their order.
pub(super) struct Walk {
    tree: Tree,
    before: Option<Vec<u8>>,
    /// The newest hash of each case that came by: 72 bytes a case.
    cases: HashMap<i64, Vec<u8>>,
    /// Where the walk began: of cases that have not come by, what stands before it counts.
    from: i64,
}

const ENTRY: &str = "SELECT seq, at, case_id, kind, actor, message, promise, data, hash, form, mac FROM event";

impl Walk {
    /// From the first entry.
    pub(super) fn whole() -> Walk {
        Walk {
            tree: Tree::default(),
            before: None,
            cases: HashMap::new(),
            from: 0,
        }
    }

    /// From behind a tree whose root is known to be good.
    pub(super) fn behind(tx: &mut Tx<'_>, tree: Tree) -> Outcome<Walk> {
        let from = tree.size() as i64;
        Ok(Walk {
            before: ledger::hash_of(tx, from)?,
            cases: HashMap::new(),
            tree,
            from,
        })
    }

    /// The tree so far.
    pub(super) fn tree(&self) -> &Tree {
        &self.tree
    }

    fn seq(&self) -> i64 {
        self.tree.size() as i64
    }

    /// The next entries, at most `limit`; how many there were, or the first that is bad.
    pub(super) fn page(&mut self, tx: &mut Tx<'_>, limit: i64, marks: &mut Marks) -> Outcome<Result<usize, Bad>> {
        let page = tx.query(
            &format!("{ENTRY} WHERE seq > $1 ORDER BY seq LIMIT $2"),
            &values![self.seq(), limit],
        )?;
        for row in &page {
            if let Err(bad) = self.step(tx, row)? {
                return Ok(Err(bad));
            }
            if let Err(bad) = marks.compare(&self.tree) {
                return Ok(Err(bad));
            }
        }
        Ok(Ok(page.len()))
    }

    fn step(&mut self, tx: &mut Tx<'_>, row: &Row) -> Outcome<Result<(), Bad>> {
        let seq = self.seq() + 1;
        let bad = |why: &str| {
            Ok(Err(Bad {
                entry: seq,
                why: why.into(),
            }))
        };
        if row.int(0) != seq {
            return bad("is missing");
        }
        let entry = Entry {
            seq,
            at: row.int(1),
            case: row.opt_int(2),
            kind: row.text(3).to_owned(),
            actor: row.text(4).to_owned(),
            message: row.opt_int(5),
            promise: row.opt_int(6),
            data: row.text(7).to_owned(),
        };
        let case_before = match entry.case {
            Some(case) => self.last_of(tx, case)?,
            None => None,
        };
        let hash: Hash = entry.hash(row.int(9), self.before.as_deref(), case_before.as_deref());
        if hash != row.bytes(8) {
            return bad("was changed after it was written");
        }
        if let Some(key) = tx.seal()
            && row.opt_bytes(10) != Some(ledger::code(key, seq, &hash).as_slice())
        {
            return bad("was written by somebody who does not have the ledger's key");
        }
        if let Some(case) = entry.case {
            self.cases.insert(case, hash.to_vec());
        }
        self.before = Some(hash.to_vec());
        self.tree.push(&hash);
        Ok(Ok(()))
    }

    /// The hash of the newest entry of a case so far.
    fn last_of(&self, tx: &mut Tx<'_>, case: i64) -> Outcome<Option<Vec<u8>>> {
        if let Some(hash) = self.cases.get(&case) {
            return Ok(Some(hash.clone()));
        }
        if self.from == 0 {
            return Ok(None);
        }
        let row = tx.first(
            "SELECT hash FROM event WHERE case_id = $1 AND seq <= $2 ORDER BY seq DESC LIMIT 1",
            &values![case, self.from],
        )?;
        Ok(row.map(|row| row.bytes(0).to_vec()))
    }
}

/// Checkpoints that a walk has still to pass, the smallest first.
pub(super) struct Marks {
    left: std::vec::IntoIter<Mark>,
    next: Option<Mark>,
    passed: i64,
    agreed: usize,
}

impl Marks {
    pub(super) fn of(marks: &[Mark]) -> Marks {
        let mut marks = marks.to_vec();
        marks.sort_by_key(|mark| mark.size);
        let mut left = marks.into_iter();
        Marks {
            next: left.next(),
            left,
            passed: 0,
            agreed: 0,
        }
    }

    /// At a size that a checkpoint has, its root must be the tree's.
    fn compare(&mut self, tree: &Tree) -> Result<(), Bad> {
        while let Some(mark) = self.next.take_if(|mark| mark.size <= tree.size() as i64) {
            if mark.root != HEXLOWER.encode(&tree.root()) {
                // Every code was right: somebody who has the key wrote this ledger anew.
                return Err(Bad {
                    entry: self.passed + 1,
                    why: format!(
                        "or one of those up to {} was written anew by somebody who has the ledger's key: the checkpoint of {} \
                         entries has another root",
                        mark.size, mark.size
                    ),
                });
            }
            (self.passed, self.agreed) = (mark.size, self.agreed + 1);
            self.next = self.left.next();
        }
        Ok(())
    }

    /// The largest size that is still to come.
    fn largest(&self) -> i64 {
        let left = self.left.as_slice().last().or(self.next.as_ref());
        left.map_or(0, |mark| mark.size)
    }
}

/// Walks the whole ledger; what is wrong with it is an answer, not a failure.
pub fn walk(tx: &mut Tx<'_>, marks: &[Mark]) -> Outcome<Result<Proof, Bad>> {
    let (mut walk, mut marks) = (Walk::whole(), Marks::of(marks));
    if let Err(bad) = marks.compare(walk.tree()) {
        return Ok(Err(bad));
    }
    loop {
        match walk.page(tx, limits::PROOF_PAGE, &mut marks)? {
            Err(bad) => return Ok(Err(bad)),
            Ok(0) => break,
            Ok(_) => {}
        }
    }
    let (seq, written) = (walk.seq(), ledger::size(tx)?.max(marks.largest()));
    if written > seq {
        let why =
            format!("is missing: {written} entries were written and the ledger ends at {seq}, so the end was removed");
        return Ok(Err(Bad { entry: seq + 1, why }));
    }
    Ok(Ok(Proof {
        entries: seq,
        root: HEXLOWER.encode(&walk.tree().root()),
        agreed: marks.agreed,
        sealed: tx.seal().is_some(),
    }))
}

/// Walks the whole ledger and says what it is.
///
/// # Errors
/// The first entry that is not what was written.
pub fn verify(tx: &mut Tx<'_>, marks: &[Mark]) -> Outcome<Proof> {
    walk(tx, marks)?.map_err(|bad| {
        Refusal::new(
            Kind::Failed,
            format!(
                "The ledger is not whole: entry {} {}. What it says of promises from there on is not proven. Compare with a \
                 backup.",
                bad.entry, bad.why
            ),
        )
        .into()
    })
}
