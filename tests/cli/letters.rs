//! The worst letters through the whole house: taken by SMTP or refused with a reason, and what was taken has one place
//! and its own bytes.

use crate::bombs::bombs;
use crate::desk::{DESK, Desk, send, wait_for};
use duly::desk::{MIGRATIONS, RawId, arrival};
use duly::store::{Store, Target};
use std::collections::BTreeMap;
use std::path::Path;

/// A letter as it is sent: CRLF at its end, as SMTP has it.
fn ended(mut raw: Vec<u8>) -> Vec<u8> {
    if !raw.is_empty() && !raw.ends_with(b"\r\n") {
        raw.extend_from_slice(b"\r\n");
    }
    raw
}

/// Letters of the folder, and the bombs that are not only large.
fn worst() -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/letters");
    let mut all = Vec::new();
    for entry in std::fs::read_dir(folder).expect("the letters").flatten() {
        if entry.path().extension().is_some_and(|extension| extension == "eml") {
            let name = entry.file_name().to_string_lossy().into_owned();
            all.push((name, std::fs::read(entry.path()).expect("a letter")));
        }
    }
    all.sort();
    let bombs = bombs().into_iter().filter(|(_, raw)| raw.len() <= 1_100_000);
    all.extend(bombs.map(|(name, raw)| (name.to_owned(), raw)));
    all.into_iter().map(|(name, raw)| (name, ended(raw))).collect()
}

#[test]
fn the_worst_letters_are_refused_with_a_reason_or_have_one_place_and_their_own_bytes() {
    let mut desk = Desk::open();
    let mut taken: BTreeMap<String, (String, Vec<u8>)> = BTreeMap::new();
    let mut refused = Vec::new();
    for (number, (name, raw)) in worst().into_iter().enumerate() {
        let from = format!("letter{number}@odd.example");
        let said = send(&desk.smtp, &from, DESK, &raw);
        match said.split_at_checked(3) {
            Some(("250", _)) => drop(taken.insert(from, (name, raw))),
            Some(("554", reason)) => refused.push(format!("{name}:{reason}")),
            _ => panic!("{name}: {said}"),
        }
    }
    println!("{} taken, {} refused: {refused:#?}", taken.len(), refused.len());
    assert!(taken.len() >= 60, "{}", taken.len());
    assert!(
        refused
            .iter()
            .all(|one| one.contains("a line is longer than 65536 bytes")),
        "{refused:#?}"
    );
    let placed = wait_for("a place for each", || {
        let log = desk.duly(&["log", "-a", "--json"]).json();
        let come = log.into_iter().filter(|row| {
            row["kind"].as_str().is_some_and(|kind| {
                matches!(
                    kind,
                    "mail.in" | "mail.unreadable" | "mail.spooled" | "mail.automatic" | "mail.bounce"
                )
            })
        });
        let come: Vec<_> = come.collect();
        (come.len() >= taken.len()).then_some(come)
    });
    assert_eq!(placed.len(), taken.len(), "each has one place");
    desk.duly(&["spool"]).done();
    desk.duly(&["ps", "-a"]).done();
    let verified = desk.duly(&["ledger", "--verify"]).done();
    assert!(verified.starts_with("The ledger is whole"), "{verified}");
    assert_eq!(desk.stop(), Some(0), "nothing panicked on the way");
    bytes_are_theirs(&desk, taken);
}

/// Every arrival has one message, and the bytes that its sender sent.
fn bytes_are_theirs(desk: &Desk, mut taken: BTreeMap<String, (String, Vec<u8>)>) {
    let store = Store::open(&Target::Sqlite(desk.dir().join("duly.db")), MIGRATIONS).expect("the database");
    let rows = store
        .read(|tx| {
            tx.query(
                "SELECT a.id, a.envelope_from, (SELECT COUNT(*) FROM message m WHERE m.raw = a.id) FROM arrival a",
                &[],
            )
        })
        .expect("the arrivals");
    for row in rows {
        let (name, sent) = taken.remove(row.text(1)).expect("a letter that was sent, once");
        let raw = RawId(row.int(0));
        let kept = store.read(move |tx| arrival::raw(tx, raw)).expect("its bytes");
        assert!(kept == sent, "{name}: {} bytes of {}", kept.len(), sent.len());
        assert_eq!(row.int(2), 1, "{name} is one message");
    }
    assert!(taken.is_empty(), "not there: {:?}", taken.keys());
    store.close();
}
