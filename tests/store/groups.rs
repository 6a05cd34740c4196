//! Group commit: shared, ordered, and one job's failure is its own.

use super::kit::databases::databases;
use super::{NOTES, notes};
use duly::refusal::{Fault, Kind, Outcome, Refusal};
use duly::store::{Store, Topic, Tx};
use duly::values;
use std::sync::mpsc;
use std::time::{Duration, Instant};

fn note(tx: &mut Tx<'_>, number: i64) -> Outcome<u64> {
    tx.execute("INSERT INTO note (number) VALUES ($1)", &values![number])
}

/// Holds the writer in a job until the sender is dropped, so that what is submitted meanwhile becomes one group.
pub fn hold(store: &Store) -> mpsc::Sender<()> {
    let (release, released) = mpsc::channel::<()>();
    let (begun, begins) = mpsc::channel();
    drop(store.submit(move |_| {
        let _ = begun.send(());
        let _ = released.recv();
        Ok(())
    }));
    begins.recv().expect("the writer begins");
    release
}

#[test]
fn jobs_that_wait_share_a_commit_and_keep_their_order() {
    for database in databases() {
        let store = database.open(&[NOTES]);
        let held = hold(&store);
        let jobs: Vec<_> = (0..100)
            .map(|number| store.submit(move |tx| note(tx, number)))
            .collect();
        drop(held);
        for job in jobs {
            assert_eq!(job.wait().unwrap(), 1);
        }
        // One group, unless the time limit cuts it on a slow machine.
        assert!(store.commits() < 50, "{}: {} commits", database.name, store.commits());
        let order = store
            .read(|tx| tx.query("SELECT number FROM note ORDER BY id", &[]))
            .unwrap();
        assert!(order.iter().map(|row| row.int(0)).eq(0..100), "{}", database.name);
    }
}

#[test]
fn a_job_that_fails_or_panics_leaves_nothing_and_its_neighbours_whole() {
    for database in databases() {
        let store = database.open(&[NOTES]);
        let held = hold(&store);
        let first = store.submit(|tx| {
            note(tx, -1)?;
            Err::<(), Fault>(Refusal::missing("no such case").into())
        });
        let good = store.submit(|tx| note(tx, 1));
        let panicking = store.submit(|tx| {
            note(tx, -2)?;
            panic!("a mistake of ours");
            #[allow(unreachable_code)]
            Ok(())
        });
        let wrong = store.submit(|tx| tx.execute("INSERT INTO nowhere VALUES (1)", &[]));
        let refused = store.submit(|tx| {
            note(tx, -3)?;
            Err::<(), Fault>(Refusal::usage("wrong").into())
        });
        let hiding = store.submit(|tx| {
            let _ = tx.execute("INSERT INTO note (id) VALUES ('not a number')", &[]);
            Ok(())
        });
        let last = store.submit(|tx| note(tx, 2));
        drop(held);
        assert_eq!(first.wait().unwrap_err().refusal().kind, Kind::Missing);
        assert_eq!(good.wait().unwrap(), 1);
        let said = panicking.wait().unwrap_err().to_string();
        assert!(said.contains("a mistake of ours"), "{said}");
        assert!(wrong.wait().unwrap_err().to_string().contains("nowhere"));
        assert_eq!(refused.wait().unwrap_err().refusal().kind, Kind::Usage);
        assert!(
            matches!(hiding.wait(), Err(Fault::Failed(_))),
            "a failed statement cannot be passed over"
        );
        assert_eq!(last.wait().unwrap(), 1);
        let left = store
            .read(|tx| tx.query("SELECT number FROM note ORDER BY id", &[]))
            .unwrap();
        assert!(
            left.iter().map(|row| row.int(0)).eq([1, 2]),
            "{}: {left:?}",
            database.name
        );
    }
}

#[test]
fn a_job_that_only_the_database_refuses_takes_its_group_with_it() {
    for database in databases() {
        let store = database.open(&[NOTES]);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .expect("a runtime");
        let held = hold(&store);
        let before = store.submit(|tx| note(tx, 1));
        let refused = store.submit(|tx| {
            note(tx, -1)?;
            Err::<(), Fault>(Refusal::usage("wrong").into())
        });
        runtime.block_on(async {
            let good = store.append_async(|tx| note(tx, 2));
            let bad = store.append_async(|tx| tx.execute("INSERT INTO nowhere VALUES (1)", &[]));
            let release = async { drop(held) };
            let (good, bad, ()) = tokio::join!(good, bad, release);
            assert!(
                bad.unwrap_err().to_string().contains("takes its group"),
                "{}",
                database.name
            );
            assert!(good.is_err(), "{}: undone with it", database.name);
        });
        assert!(before.wait().is_err() && refused.wait().is_err());
        let kept = runtime.block_on(store.append_async(|tx| note(tx, 3)));
        assert_eq!(kept.unwrap(), 1);
        assert_eq!(notes(&store), 1, "{}", database.name);
    }
}

#[test]
fn a_bell_rings_after_the_commit_and_not_for_what_was_undone() {
    for database in databases() {
        let store = database.open(&[NOTES]);
        let (cases, mail) = (store.bell(Topic(0)), store.bell(Topic(7)));
        store
            .write(|tx| {
                tx.ring(Topic(0));
                note(tx, 1)
            })
            .unwrap();
        assert_eq!((*cases.borrow(), *mail.borrow(), notes(&store)), (1, 0, 1));
        let undone = store.write(|tx| {
            tx.ring(Topic(7));
            Err::<(), Fault>(Refusal::usage("no").into())
        });
        assert!(undone.is_err());
        store.write(|tx| note(tx, 2)).unwrap();
        assert_eq!((*cases.borrow(), *mail.borrow()), (1, 0), "{}", database.name);
    }
}

#[test]
fn readers_see_what_is_committed_and_one_snapshot_of_it() {
    for database in databases() {
        let store = database.open(&[NOTES]);
        let writer = store.clone();
        let (begun, begins) = mpsc::channel();
        let (release, released) = mpsc::channel::<()>();
        let pending = writer.submit(move |tx| {
            note(tx, 1)?;
            let _ = begun.send(());
            let _ = released.recv();
            Ok(())
        });
        begins.recv().unwrap();
        assert_eq!(notes(&store), 0, "{}", database.name);
        drop(release);
        pending.wait().unwrap();
        let seen = store.read(|tx| {
            let before = tx.one("SELECT count(*) FROM note", &[])?.int(0);
            writer.write(|tx| note(tx, 2))?;
            Ok((before, tx.one("SELECT count(*) FROM note", &[])?.int(0)))
        });
        assert_eq!(seen.unwrap(), (1, 1), "{}", database.name);
        assert_eq!(notes(&store), 2);
    }
}

#[test]
fn readers_cannot_write_and_survive_a_panic() {
    for database in databases() {
        let store = database.open(&[NOTES]);
        assert!(store.read(|tx| note(tx, 1)).is_err(), "{}", database.name);
        for _ in 0..10 {
            let reading = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
                store.read(|_| -> Outcome<()> { panic!("a page's mistake") })
            }));
            assert!(reading.is_err());
        }
        assert_eq!(notes(&store), 0);
        let nested = store.read(|_| store.read(|_| Ok(())));
        assert!(nested.unwrap_err().to_string().contains("inside a read"));
    }
}

#[test]
fn a_job_inside_a_job_is_refused_instead_of_waiting_for_itself() {
    for database in databases() {
        let store = database.open(&[NOTES]);
        let inner = store.clone();
        let outcome = store.write(move |_| inner.write(|tx| note(tx, 1)));
        assert!(
            outcome.unwrap_err().to_string().contains("inside a job"),
            "{}",
            database.name
        );
    }
}

#[test]
fn tasks_write_without_holding_their_thread() {
    for database in databases() {
        let store = database.open(&[NOTES]);
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let mut tasks = tokio::task::JoinSet::new();
            for number in 0..200 {
                let store = store.clone();
                tasks.spawn(async move { store.write_async(move |tx| note(tx, number)).await });
            }
            assert!(tasks.join_all().await.into_iter().all(|outcome| outcome.is_ok()));
            // Opening and closing are allowed in a task too, whatever the engine.
            let bell = store.bell(Topic(1));
            drop(bell);
        });
        assert_eq!(notes(&store), 200, "{}", database.name);
    }
}

#[test]
fn a_lost_connection_fails_its_group_and_is_made_again() {
    for database in databases().into_iter().filter(|database| database.is_postgres()) {
        let store = database.open(&[NOTES]);
        store.write(|tx| note(tx, 1)).unwrap();
        let lost = store.write(|tx| {
            note(tx, 2)?;
            tx.first("SELECT pg_terminate_backend(pg_backend_pid())", &[])
        });
        assert!(matches!(lost, Err(Fault::Failed(_))));
        store.write(|tx| note(tx, 3)).unwrap();
        assert_eq!(notes(&store), 2);
        // A reader that was closed while it was at rest is replaced, and so is a writer.
        let closed = store.read(|tx| {
            let others = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity \
                          WHERE datname = current_database() AND pid <> pg_backend_pid()";
            Ok(tx.one(others, &[])?.int(0))
        });
        assert_eq!(closed.unwrap(), 1);
        std::thread::sleep(Duration::from_millis(50));
        store
            .write(|tx| note(tx, 4))
            .expect("nothing had been done on the lost connection");
        assert!(!store.poisoned());
    }
}

#[test]
fn many_threads_share_few_commits() {
    const THREADS: u32 = 64;
    const EACH: u32 = 50;
    for database in databases() {
        let store = database.open(&[NOTES]);
        let start = Instant::now();
        std::thread::scope(|scope| {
            for thread in 0..THREADS {
                let store = &store;
                scope.spawn(move || {
                    for turn in 0..EACH {
                        store
                            .write(move |tx| note(tx, i64::from(thread * EACH + turn)))
                            .unwrap();
                    }
                });
            }
        });
        let (seconds, jobs) = (start.elapsed().as_secs_f64(), f64::from(THREADS * EACH));
        println!(
            "{}: {THREADS} threads, {:.0} jobs/s in {:.0} commits/s, {:.1} jobs a commit",
            database.name,
            jobs / seconds,
            store.commits() as f64 / seconds,
            jobs / store.commits() as f64,
        );
        assert_eq!(notes(&store), i64::from(THREADS * EACH), "{}", database.name);
        assert!(store.commits() < u64::from(THREADS * EACH), "{}", database.name);
    }
}
