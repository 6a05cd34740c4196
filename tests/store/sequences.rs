//! Numbers without gaps: whatever becomes of the jobs that take them, and over groups and openings.

use super::groups::hold;
use super::kit::databases::databases;
use duly::refusal::{Fault, Refusal};
use duly::store::{Migration, Store};
use duly::values;

const TICKETS: Migration = Migration {
    number: 1,
    name: "tickets",
    sql: "CREATE TABLE counter (name TEXT PRIMARY KEY, value BIGINT NOT NULL);
          INSERT INTO counter (name, value) VALUES ('ticket', 0), ('other', 0);
          CREATE TABLE ticket (number BIGINT PRIMARY KEY)",
    sqlite: "",
    postgres: "",
};

/// Gives a job that takes `count` tickets and then succeeds or not.
fn take(store: &Store, count: usize, keep: bool) -> duly::store::Pending<Vec<i64>> {
    store.submit(move |tx| {
        let mut numbers = Vec::new();
        for _ in 0..count {
            let number = tx.next_number("ticket")?;
            tx.execute("INSERT INTO ticket (number) VALUES ($1)", &values![number])?;
            numbers.push(number);
        }
        match keep {
            true => Ok(numbers),
            false => Err(Fault::from(Refusal::usage("given back"))),
        }
    })
}

#[test]
fn numbers_have_no_gap_whatever_becomes_of_the_jobs_that_take_them() {
    for database in databases() {
        for first_is_kept in [true, false] {
            let store = database.open(&[TICKETS]);
            let before = store
                .read(|tx| Ok(tx.one("SELECT count(*) FROM ticket", &[])?.int(0)))
                .unwrap();
            let held = hold(&store);
            let jobs = [
                take(&store, 2, first_is_kept),
                take(&store, 3, true),
                take(&store, 1, false),
                take(&store, 2, true),
            ];
            drop(held);
            let taken: Vec<i64> = jobs.into_iter().filter_map(|job| job.wait().ok()).flatten().collect();
            assert!(
                taken.iter().copied().eq(before + 1..=before + taken.len() as i64),
                "{}: {taken:?}",
                database.name
            );
            assert_eq!(take(&store, 1, true).wait().unwrap(), [before + taken.len() as i64 + 1]);
            let written = store
                .read(|tx| Ok(tx.one("SELECT value FROM counter WHERE name = 'ticket'", &[])?.int(0)))
                .unwrap();
            assert_eq!(written, before + taken.len() as i64 + 1, "{}", database.name);
            store.close();
        }
    }
}

#[test]
fn what_a_number_left_behind_is_seen_by_the_next_of_its_group_and_goes_with_its_job() {
    for database in databases() {
        let store = database.open(&[TICKETS]);
        let held = hold(&store);
        let leave = |what: &'static str, keep: bool| {
            store.submit(move |tx| {
                tx.next_number("ticket")?;
                let found = tx.left_by("ticket").map(<[u8]>::to_vec);
                assert_eq!(tx.left_by("other"), None);
                tx.leave("ticket", what.into());
                match keep {
                    true => Ok(found),
                    false => Err(Fault::from(Refusal::usage("given back"))),
                }
            })
        };
        let jobs = [leave("one", true), leave("two", false), leave("three", true)];
        drop(held);
        let [one, two, three] = jobs.map(|job| job.wait());
        assert_eq!(one.unwrap(), None, "{}", database.name);
        assert!(two.is_err());
        assert_eq!(three.unwrap().as_deref(), Some(b"one".as_slice()), "{}", database.name);
        assert_eq!(
            leave("four", true).wait().unwrap(),
            None,
            "another group reads what is written"
        );
    }
}

#[test]
fn a_sequence_that_does_not_exist_is_an_error() {
    for database in databases() {
        let store = database.open(&[TICKETS]);
        assert!(
            store.write(|tx| tx.next_number("nowhere")).is_err(),
            "{}",
            database.name
        );
    }
}
