//! Every kind of value comes back as it went in, and lands in the place its number names.

use super::NOTES;
use super::kit::databases::databases;
use duly::refusal::Outcome;
use duly::store::{Row, Store};
use duly::values;
use jiff::Timestamp;
use proptest::prelude::*;

fn round_trip(store: &Store, number: Option<i64>, words: Option<String>, raw: Option<Vec<u8>>) -> Outcome<Row> {
    store.write(move |tx| {
        tx.one(
            "INSERT INTO note (number, words, raw) VALUES ($1, $2, $3) RETURNING number, words, raw",
            &values![number, words, raw],
        )
    })
}

#[test]
fn parameters_go_where_their_numbers_say() {
    for database in databases() {
        let store = database.open(&[NOTES]);
        let row = store
            .write(|tx| {
                tx.one(
                    "INSERT INTO note (words, number, raw) VALUES ($2, $1, $3) RETURNING number, words, id",
                    &values![1, "two", None::<&[u8]>],
                )
            })
            .unwrap();
        assert_eq!(
            (row.int(0), row.text(1), row.int(2)),
            (1, "two", 1),
            "{}",
            database.name
        );
        let twice = store.read(|tx| {
            tx.one(
                "SELECT number FROM note WHERE words = $2 AND number = $1 AND words = $2",
                &values![1, "two"],
            )
        });
        assert_eq!(twice.unwrap().int(0), 1, "{}", database.name);
    }
}

#[test]
fn empty_missing_and_large_values_come_back() {
    let large: Vec<u8> = (0..5_000_000_u32).map(|place| (place % 251) as u8).collect();
    let at: Timestamp = "2025-03-30T01:30:00.123Z".parse().unwrap();
    for database in databases() {
        let store = database.open(&[NOTES]);
        let empty = round_trip(&store, Some(i64::MIN), Some(String::new()), Some(Vec::new())).unwrap();
        assert_eq!(
            (empty.int(0), empty.text(1), empty.bytes(2)),
            (i64::MIN, "", &[][..]),
            "{}",
            database.name
        );
        let none = round_trip(&store, None, None, None).unwrap();
        assert_eq!(
            (none.opt_int(0), none.opt_text(1), none.opt_bytes(2)),
            (None, None, None),
            "{}",
            database.name
        );
        let zeros = round_trip(&store, Some(0), Some("a\0b 日本 🚲".into()), Some(vec![0, 0, 255])).unwrap();
        assert_eq!(
            (zeros.text(1), zeros.bytes(2)),
            ("a\u{fffd}b 日本 🚲", &[0, 0, 255][..]),
            "{}",
            database.name
        );
        let big = round_trip(&store, Some(1), Some("x".repeat(1_000_000)), Some(large.clone())).unwrap();
        assert!(
            big.bytes(2) == large && big.text(1).len() == 1_000_000,
            "{}",
            database.name
        );
        let dated = store.write(move |tx| {
            tx.one(
                "INSERT INTO note (number) VALUES ($1) RETURNING number, words",
                &values![at],
            )
        });
        let dated = dated.unwrap();
        assert_eq!(
            (dated.instant(0), dated.opt_instant(1)),
            (at, None),
            "{}",
            database.name
        );
        let truth = store
            .read(|tx| tx.one("SELECT 1 = 1, count(*) FROM note WHERE number > $1", &values![0]))
            .unwrap();
        assert_eq!((truth.flag(0), truth.int(1)), (true, 2), "{}", database.name);
    }
}

#[test]
fn a_type_the_store_does_not_carry_is_an_error_in_words() {
    for database in databases() {
        let store = database.open(&[NOTES]);
        let wrong = store.read(|tx| tx.first("SELECT CAST(1.5 AS DOUBLE PRECISION)", &[]));
        assert!(wrong.unwrap_err().to_string().contains("cast it"), "{}", database.name);
        assert!(store.read(|tx| tx.one("SELECT id FROM note", &[])).is_err());
        assert!(store.read(|tx| tx.first("SELECT id FROM note", &[])).unwrap().is_none());
        assert!(
            store
                .read(|tx| tx.query("SELECT id FROM note WHERE id = $1", &[]))
                .is_err(),
            "a value is missing"
        );
    }
}

#[test]
fn any_value_comes_back() {
    for database in databases() {
        let store = database.open(&[NOTES]);
        let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig {
            cases: 48,
            failure_persistence: None,
            ..ProptestConfig::default()
        });
        let any = (any::<Option<i64>>(), any::<Option<String>>(), any::<Option<Vec<u8>>>());
        runner
            .run(&any, |(number, words, raw)| {
                let words = words.map(|words| words.replace('\0', ""));
                let row = round_trip(&store, number, words.clone(), raw.clone()).unwrap();
                prop_assert_eq!(row.opt_int(0), number);
                prop_assert_eq!(row.opt_text(1), words.as_deref());
                prop_assert_eq!(row.opt_bytes(2), raw.as_deref());
                Ok(())
            })
            .unwrap_or_else(|cause| panic!("{}: {cause}", database.name));
    }
}
