//! Opening and closing: migrations, the lock, and what a restart finds.

use super::kit::databases::{databases, migrated};
use super::{NOTES, notes};
use duly::refusal::{Kind, Refusal};
use duly::store::{Migration, SEARCH, Store, Target};
use duly::values;
use std::os::unix::fs::PermissionsExt;

fn refusal(opened: anyhow::Result<Store>) -> Refusal {
    let cause = opened.err().expect("a refusal");
    cause
        .downcast_ref::<Refusal>()
        .unwrap_or_else(|| panic!("{cause:#}"))
        .clone()
}

#[test]
fn a_second_opener_is_told_who_must_go_first() {
    for database in databases() {
        let store = database.open(&[NOTES]);
        let told = refusal(Store::open(database.target(), &[NOTES]));
        assert_eq!(told.kind, Kind::Conflict, "{}", database.name);
        assert!(told.text.contains("Stop that process"), "{}", told.text);
        if !database.is_postgres() {
            assert!(
                told.text.contains(&format!("process {}", std::process::id())),
                "{}",
                told.text
            );
        }
        store.close();
        database.open(&[NOTES]).close();
        drop(store);
        drop(database.open(&[NOTES]));
        drop(database.open(&[NOTES]));
    }
}

#[test]
fn a_database_newer_than_the_program_is_refused() {
    let later = Migration {
        number: 3,
        name: "later",
        sql: "CREATE TABLE later (id {id})",
        sqlite: "",
        postgres: "",
    };
    for database in databases() {
        database.open(&[later, NOTES]).close();
        let told = refusal(Store::open(database.target(), &[NOTES]));
        assert_eq!(told.kind, Kind::Conflict, "{}", database.name);
        assert!(
            told.text.contains("step 3 (later)") && told.text.contains("up to 1"),
            "{}",
            told.text
        );
        // The middle one comes late and is done nevertheless.
        let store = database.open(&[NOTES, SEARCH, later]);
        let at = store
            .read(|tx| tx.one("SELECT min(at) FROM schema_version", &[]))
            .unwrap();
        assert!(at.instant(0).as_second() > 1_700_000_000, "{}", database.name);
        let steps = store
            .read(|tx| tx.query("SELECT number FROM schema_version ORDER BY number", &[]))
            .unwrap();
        assert!(steps.iter().map(|row| row.int(0)).eq([1, 2, 3]), "{}", database.name);
    }
}

#[test]
fn a_migration_that_fails_leaves_the_database_as_it_was() {
    let half = Migration {
        number: 2,
        name: "half",
        sql: "CREATE TABLE half (id {id}); INSERT INTO nowhere VALUES (1);",
        sqlite: "",
        postgres: "",
    };
    for database in databases() {
        let cause = Store::open(database.target(), &[NOTES, half]).err().expect("a failure");
        assert!(format!("{cause:#}").contains("migration 2 (half)"), "{cause:#}");
        let store = database.open(&[NOTES]);
        assert!(
            store.read(|tx| tx.first("SELECT 1 FROM half", &[])).is_err(),
            "{}",
            database.name
        );
    }
}

#[test]
fn what_was_answered_is_there_after_closing_and_opening() {
    for database in migrated(&[NOTES]) {
        let store = database.open(&[NOTES]);
        let jobs: Vec<_> = (0..10)
            .map(|number| store.submit(move |tx| tx.execute("INSERT INTO note (number) VALUES ($1)", &values![number])))
            .collect();
        store.close();
        for job in jobs {
            job.wait().expect("what had its place was done before closing");
        }
        assert!(
            store.write(|_| Ok(())).is_err() && store.read(|_| Ok(())).is_err(),
            "{}",
            database.name
        );
        assert_eq!(notes(&database.open(&[NOTES])), 10, "{}", database.name);
    }
}

#[test]
fn the_database_file_is_the_owners_alone_and_its_log_is_gone_after_closing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("desk.db");
    let mode = |name: &str| {
        std::fs::metadata(folder.path().join(name))
            .unwrap()
            .permissions()
            .mode()
            & 0o777
    };
    let store = Store::open(&Target::Sqlite(path), &[NOTES]).unwrap();
    for name in ["desk.db", "desk.db-wal", "duly.lock"] {
        assert_eq!(mode(name), 0o600, "{name}");
    }
    assert_eq!(notes(&store), 0);
    store.close();
    assert!(!folder.path().join("desk.db-wal").exists());
}
