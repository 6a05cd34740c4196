//! Somebody who can write to the database changes the ledger: every change is found, and the first bad entry is named.
//!
//! Each tampering is done inside a job that fails at its end, so that the next one begins with the whole ledger again. The
//! forger knows everything but the key: how entries are hashed, how they are chained, which checkpoints were kept.
//! `DULY_TAMPERINGS` sets how many (10,000 on SQLite, a fiftieth of that on PostgreSQL), `DULY_SEED` which.

use super::NORA;
use super::kit::desk::{TestDesk, spoiled};
use super::kit::mail::mail;
use duly::desk::ledger::Entry;
use duly::desk::proof::{self, Bad, Mark, Proof};
use duly::refusal::{Fault, Outcome, Refusal};
use duly::store::{Row, Tx, Value};
use duly::values;

/// A small generator (splitmix64): the same seed, the same forger.
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// From `least` to `most`, both included.
    fn between(&mut self, least: i64, most: i64) -> i64 {
        least + (self.next() % (most - least + 1) as u64) as i64
    }
}

fn of_environment(name: &str, usual: u64) -> u64 {
    std::env::var(name).map_or(usual, |text| text.parse().expect("a number"))
}

/// What a forger does: name, and what the first bad entry is.
#[derive(Debug, Clone, Copy)]
enum Deed {
    Edit,
    Restamp,
    Delete,
    DeleteAndCloseUp,
    Swap,
    Truncate,
    TruncateAndCount,
    EditAndRechain,
    DeleteAndRechain,
    Insert,
    MoveCode,
    EditHash,
    OldForm,
}

const DEEDS: [Deed; 13] = [
    Deed::Edit,
    Deed::Restamp,
    Deed::Delete,
    Deed::DeleteAndCloseUp,
    Deed::Swap,
    Deed::Truncate,
    Deed::TruncateAndCount,
    Deed::EditAndRechain,
    Deed::DeleteAndRechain,
    Deed::Insert,
    Deed::MoveCode,
    Deed::EditHash,
    Deed::OldForm,
];

/// A ledger of some two hundred entries, and its checkpoint.
fn filled(desk: &mut TestDesk) -> Mark {
    while desk.number("SELECT value FROM counter WHERE name = 'ledger'", &[]) < 150 {
        let case = desk.receive(&mail(NORA, "The daemon stops")).case();
        desk.answered(case, "close");
    }
    let proof = desk
        .store()
        .read_sealed(|tx| proof::verify(tx, &[]))
        .expect("a whole ledger");
    assert!(proof.sealed);
    Mark {
        size: proof.entries,
        root: proof.root,
    }
}

fn entry_of(row: &Row) -> Entry {
    Entry {
        seq: row.int(0),
        at: row.int(1),
        case: row.opt_int(2),
        kind: row.text(3).to_owned(),
        actor: row.text(4).to_owned(),
        message: row.opt_int(5),
        promise: row.opt_int(6),
        data: row.text(7).to_owned(),
    }
}

/// Computes every hash from `from` on anew, as whoever has read our source can.
fn rechain(tx: &mut Tx<'_>, from: i64) -> Outcome<()> {
    let rows = tx.query(
        "SELECT seq, at, case_id, kind, actor, message, promise, data, hash, form FROM event ORDER BY seq",
        &[],
    )?;
    let (mut before, mut cases) = (None::<Vec<u8>>, std::collections::HashMap::<i64, Vec<u8>>::new());
    for row in &rows {
        let entry = entry_of(row);
        let case_before = entry.case.and_then(|case| cases.get(&case).cloned());
        let hash = match entry.seq < from {
            true => row.bytes(8).to_vec(),
            false => entry
                .hash(row.int(9), before.as_deref(), case_before.as_deref())
                .to_vec(),
        };
        if entry.seq >= from {
            tx.execute(
                "UPDATE event SET hash = $1 WHERE seq = $2",
                &values![hash.as_slice(), entry.seq],
            )?;
        }
        cases.extend(entry.case.map(|case| (case, hash.clone())));
        before = Some(hash);
    }
    Ok(())
}

fn close_up(tx: &mut Tx<'_>, behind: i64) -> Outcome<()> {
    // Through negative numbers: no two rows may have one number in between.
    tx.execute("UPDATE event SET seq = -(seq - 1) WHERE seq > $1", &values![behind])?;
    tx.execute("UPDATE event SET seq = -seq WHERE seq < 0", &[])?;
    tx.execute("UPDATE counter SET value = value - 1 WHERE name = 'ledger'", &[])?;
    Ok(())
}

/// Does it to an entry, `other` being a later one; the entry that must be named.
fn tamper(tx: &mut Tx<'_>, deed: Deed, dice: &mut Dice, at: i64, other: i64) -> Outcome<i64> {
    match deed {
        Deed::Edit | Deed::EditAndRechain => {
            let changes = [
                "data = data || ' '",
                "actor = 'owner' || actor",
                "kind = 'promise.moved'",
                "case_id = COALESCE(case_id, 0) + 1",
                "message = COALESCE(message, 0) + 1",
                "promise = COALESCE(promise, 0) + 1",
            ];
            let change = changes[dice.between(0, 5) as usize];
            tx.execute(&format!("UPDATE event SET {change} WHERE seq = $1"), &values![at])?;
            if matches!(deed, Deed::EditAndRechain) {
                rechain(tx, at)?;
            }
            Ok(at)
        }
        Deed::Restamp => {
            let by = dice.between(1, 10_000_000);
            tx.execute("UPDATE event SET at = at - $1 WHERE seq >= $2", &values![by, at])?;
            Ok(at)
        }
        Deed::Delete => {
            tx.execute("DELETE FROM event WHERE seq = $1", &values![at])?;
            Ok(at)
        }
        Deed::DeleteAndCloseUp | Deed::DeleteAndRechain => {
            tx.execute("DELETE FROM event WHERE seq = $1", &values![at])?;
            close_up(tx, at)?;
            if matches!(deed, Deed::DeleteAndRechain) {
                rechain(tx, at)?;
            }
            Ok(at)
        }
        Deed::Swap => {
            tx.execute("UPDATE event SET seq = -1 WHERE seq = $1", &values![at])?;
            tx.execute("UPDATE event SET seq = $1 WHERE seq = $2", &values![at, other])?;
            tx.execute("UPDATE event SET seq = $1 WHERE seq = -1", &values![other])?;
            Ok(at)
        }
        Deed::Truncate | Deed::TruncateAndCount => {
            tx.execute("DELETE FROM event WHERE seq >= $1", &values![at])?;
            if matches!(deed, Deed::TruncateAndCount) {
                tx.execute("UPDATE counter SET value = $1 WHERE name = 'ledger'", &values![at - 1])?;
            }
            Ok(at)
        }
        Deed::Insert => insert(tx, at),
        Deed::MoveCode => {
            tx.execute(
                "UPDATE event SET mac = (SELECT o.mac FROM event o WHERE o.seq = $1) WHERE seq = $2",
                &values![other, at],
            )?;
            Ok(at)
        }
        Deed::EditHash => {
            let hash: Vec<u8> = (0..4).flat_map(|_| dice.next().to_be_bytes()).collect();
            tx.execute("UPDATE event SET hash = $1 WHERE seq = $2", &values![hash, at])?;
            Ok(at)
        }
        Deed::OldForm => {
            tx.execute("UPDATE event SET form = 1, mac = NULL WHERE seq >= $1", &values![at])?;
            rechain(tx, at)?;
            Ok(at)
        }
    }
}

/// Puts an entry of the forger's own in, chains what follows anew, and counts it.
fn insert(tx: &mut Tx<'_>, at: i64) -> Outcome<i64> {
    tx.execute("UPDATE event SET seq = -(seq + 1) WHERE seq >= $1", &values![at])?;
    tx.execute("UPDATE event SET seq = -seq WHERE seq < 0", &[])?;
    tx.execute(
        "INSERT INTO event (seq, at, case_id, kind, actor, message, promise, data, hash, form, mac)
         SELECT $1, at, case_id, 'promise.withdrawn', 'customer', message, promise, data, hash, form, mac FROM event WHERE seq = $2",
        &values![at, at + 1],
    )?;
    tx.execute("UPDATE counter SET value = value + 1 WHERE name = 'ledger'", &[])?;
    rechain(tx, at)?;
    Ok(at)
}

/// What a proof says of the tampered ledger, and which entry it must name; everything is undone.
fn proven_after(desk: &TestDesk, deed: Deed, seed: u64, mark: &Mark) -> (i64, Result<Proof, Bad>) {
    let (mark, told) = (mark.clone(), std::sync::Arc::new(std::sync::Mutex::new(None)));
    let tell = std::sync::Arc::clone(&told);
    let undone: Outcome<()> = desk.store().write(move |tx| {
        let mut dice = Dice(seed);
        let at = dice.between(1, mark.size - 1);
        let other = dice.between(at + 1, mark.size);
        let bad = tamper(tx, deed, &mut dice, at, other)?;
        let said = proof::walk(tx, std::slice::from_ref(&mark))?;
        *tell.lock().expect("nobody panicked") = Some((bad, said));
        Err(Refusal::usage("undone").into())
    });
    match undone {
        Err(Fault::Refused(_)) => {}
        other => panic!("{}: {deed:?} with seed {seed}: {other:?}", desk.on),
    }
    let mut told = told.lock().expect("nobody panicked");
    told.take().expect("the job ran")
}

#[test]
fn every_tampering_by_somebody_with_the_database_is_found_and_its_first_entry_named() {
    let count = of_environment("DULY_TAMPERINGS", 10_000);
    let first = of_environment("DULY_SEED", 20_260_302);
    eprintln!("{count} tamperings from seed {first}");
    spoiled(|desk| {
        let mark = filled(desk);
        let count = if desk.on == "SQLite" { count } else { count / 50 };
        for turn in 0..count {
            let (deed, seed) = (DEEDS[turn as usize % DEEDS.len()], first.wrapping_add(turn));
            let (expected, said) = proven_after(desk, deed, seed, &mark);
            match said {
                Err(bad) => assert_eq!(
                    bad.entry, expected,
                    "{}: {deed:?} with seed {seed}: {}",
                    desk.on, bad.why
                ),
                Ok(_) => panic!("{}: {deed:?} with seed {seed} was not found", desk.on),
            }
        }
        let whole = desk
            .store()
            .read_sealed(|tx| proof::verify(tx, std::slice::from_ref(&mark)));
        assert_eq!(whole.expect("nothing was left changed").agreed, 1);
    });
}

#[test]
fn a_ledger_that_was_written_anew_by_somebody_with_the_key_has_another_root_than_the_checkpoint() {
    spoiled(|desk| {
        let mark = filled(desk);
        let older = Mark {
            size: 10,
            root: root_at(desk, 10),
        };
        let said = desk.store().write(move |tx| {
            let changed = "UPDATE event SET data = data || ' ' WHERE seq = 40";
            tx.execute(changed, &[])?;
            rechain(tx, 40)?;
            // The forger has the key: the desk's own words for every later entry.
            let key = *tx.seal().expect("a sealed store");
            for row in tx.query("SELECT seq, hash FROM event WHERE seq >= 40", &[])? {
                let hash = row.bytes(1).try_into().expect("32 bytes");
                let code = duly::desk::ledger::code(&key, row.int(0), &hash);
                tx.execute("UPDATE event SET mac = $1 WHERE seq = $2", &values![code, row.int(0)])?;
            }
            proof::walk(tx, &[older, mark])
        });
        let bad = said.expect("a walk").expect_err("another root");
        assert_eq!(bad.entry, 11, "behind the last checkpoint that agrees: {}", bad.why);
    });
}

fn root_at(desk: &TestDesk, size: i64) -> String {
    let hashes = desk.rows(
        "SELECT hash FROM event WHERE seq <= $1 ORDER BY seq",
        &[Value::from(size)],
    );
    let mut tree = duly::desk::merkle::Tree::default();
    hashes.iter().for_each(|row| tree.push(row.bytes(0)));
    data_encoding::HEXLOWER.encode(&tree.root())
}
