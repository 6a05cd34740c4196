//! R5: replies leave to a server that misbehaves in twelve ways, while the desk is killed at ten points of a session and
//! started again. Nothing is lost; what comes twice came twice in the one window in which nobody can know, with one
//! Message-ID, and the case says so; the order of a case is kept; a reply that failed has its promise open again.
//!
//! Sizes come from the environment: `DULY_TORTURE_SEED`, `DULY_TORTURE_REPLIES`, `DULY_TORTURE_MINUTES` (rounds of kills go
//! on for so long).

use serde_json::{Value, json};
use std::collections::HashMap;
use std::time::{Duration, Instant};
use torture::customers::{Customers, End, Load};
use torture::desk::Desk;
use torture::dice::Dice;
use torture::moody::{Moody, POINTS};
use torture::number;

/// Rows of the outbox in one of these states, in the database of a running desk, read only.
fn rows(desk: &Desk, states: &str) -> Vec<i64> {
    let flags = rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY;
    let base = rusqlite::Connection::open_with_flags(desk.dir().join("duly.db"), flags).expect("the database");
    let sql = format!("SELECT id FROM outbox WHERE state IN ({states}) ORDER BY id");
    let mut found = base.prepare(&sql).expect("a statement");
    let ids = found.query_map([], |row| row.get(0)).expect("rows");
    ids.collect::<Result<_, _>>().expect("numbers")
}

fn unsettled(desk: &Desk) -> usize {
    rows(desk, "'held', 'queued', 'sending', 'deferred'").len()
}

/// Tries everything again that was put off.
fn retry(desk: &Desk) {
    let Ok(mut line) = desk.line() else { return };
    for row in rows(desk, "'deferred'") {
        // It may be on its way already, or the desk may be gone.
        let _ = line.ask(&json!({"verb": "retry", "what": format!("o{row}")}));
    }
}

#[test]
fn what_leaves_is_neither_lost_nor_doubled_unsaid() {
    let chance = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let seed = number(
        "DULY_TORTURE_SEED",
        chance.map_or(1, |since| u64::from(since.subsec_nanos())),
    );
    let (replies, minutes) = (number("DULY_TORTURE_REPLIES", 600), number("DULY_TORTURE_MINUTES", 0));
    println!("seed {seed} (DULY_TORTURE_SEED)");
    let dice = Dice::new(seed);
    let moody = Moody::start(dice.fork(1)).expect("a server");
    let mut desk = Desk::init(moody.address).expect("a desk");
    let folder = tempfile::tempdir().expect("a folder");
    let customers = Customers::new(dice.fork(2), folder.path()).expect("customers");
    desk.start().expect("the desk starts");
    let hours = ["--zone", "Europe/Berlin", "--hours", "mon-sun 00:00-24:00"];
    desk.run(&[&["cpu", "add", "anna@acme.example", "--name", "Anna"], &hours[..]].concat())
        .expect("an engineer");
    let load = Load {
        sessions: 20,
        rate: replies,
        end: End::Answers(replies),
    };
    customers.write(desk.smtp, load);
    let mut cases: Vec<i64> = Vec::new();
    let begun = Instant::now();
    while cases.len() < customers.book().answered.len() && begun.elapsed() < Duration::from_secs(120) {
        let rows = desk.rows(&["ps", "-a"]).expect("cases");
        cases = rows.iter().filter_map(|row| row["case"].as_i64()).collect();
        std::thread::sleep(Duration::from_millis(100));
    }
    cases.truncate(replies as usize);
    assert!(cases.len() as u64 >= replies / 3, "there are {} cases", cases.len());
    // One reply a case; every fifth has a second one behind it.
    let mut wrote: HashMap<i64, Vec<String>> = HashMap::new();
    let mut line = desk.line().expect("the socket");
    let write = |line: &mut torture::desk::Line, case: i64, then: &str| -> String {
        let verb = json!({"verb": "reply", "case": case, "text": "Set the limit to 40.", "kind": "answer", "then": then,
            "answers": [], "force_stale": true});
        let said = line.ask_as("anna@acme.example", &verb).expect("a reply is written");
        said["written"][0]["message_id"]
            .as_str()
            .expect("its Message-ID")
            .to_owned()
    };
    for case in &cases {
        let id = write(&mut line, *case, "wait +9d");
        wrote.entry(*case).or_default().push(id);
    }
    for case in cases.iter().step_by(5) {
        let id = write(&mut line, *case, "wait +9d");
        wrote.entry(*case).or_default().push(id);
    }
    let written: usize = wrote.values().map(Vec::len).sum();
    moody.be_calm(false);
    std::thread::sleep(Duration::from_secs(13));
    // The desk is killed at each point in turn, started again, and told to try what was put off.
    let until = Instant::now() + Duration::from_secs(minutes * 60);
    let (mut kills, mut round) = (0, 0);
    while round == 0 || Instant::now() < until {
        for point in POINTS {
            moody.arm(point, desk.pid().expect("it runs"));
            let armed = Instant::now();
            while desk.is_alive() && armed.elapsed() < Duration::from_secs(8) && unsettled(&desk) > 0 {
                retry(&desk);
                std::thread::sleep(Duration::from_millis(20));
            }
            if !desk.is_alive() {
                desk.collect().expect("it is gone");
                desk.start().expect("the desk starts again");
                kills += 1;
            }
        }
        round += 1;
    }
    // A point that nothing came to is armed for nobody.
    moody.arm(POINTS[0], 0);
    moody.be_calm(true);
    let calm = Instant::now();
    while unsettled(&desk) > 0 {
        retry(&desk);
        assert!(
            calm.elapsed() < Duration::from_secs(60),
            "{} mails never leave",
            unsettled(&desk)
        );
        std::thread::sleep(Duration::from_millis(50));
    }
    let told = settle(&desk, &moody, &wrote);
    println!(
        "{{\"campaign\":\"outbound\",\"seed\":{seed},\"replies\":{written},\"kills\":{kills},\"rounds\":{round},\"accepted\":{},\"failed\":{},\
         \"doubled\":{},\"sessions_to_the_dot\":{}}}",
        told.accepted,
        told.failed,
        told.doubled,
        moody.came().len()
    );
    assert!(
        kills >= 5,
        "the desk was killed {kills} times: the campaign found nothing to break"
    );
}

#[derive(Default)]
struct Told {
    accepted: usize,
    failed: usize,
    doubled: usize,
}

/// Holds what the desk says of every reply against what the server remembers.
fn settle(desk: &Desk, moody: &Moody, wrote: &HashMap<i64, Vec<String>>) -> Told {
    let came = moody.came();
    let mut copies: HashMap<&str, Vec<usize>> = HashMap::new();
    for (at, one) in came.iter().enumerate().filter(|(_, one)| !one.is_automatic) {
        copies.entry(one.message_id.as_str()).or_default().push(at);
    }
    let (mut told, mut line) = (Told::default(), desk.line().expect("the socket"));
    for (case, ids) in wrote {
        let page = line.ask(&json!({"verb": "show", "case": case})).expect("a case");
        let page = &page["case"];
        let none = Vec::new();
        let messages = page["messages"].as_array().unwrap_or(&none);
        let replies: Vec<&Value> = messages.iter().rev().filter(|one| one["kind"] == "answer").collect();
        assert_eq!(replies.len(), ids.len(), "case {case}");
        let mut firsts = Vec::new();
        for (reply, id) in replies.iter().zip(ids) {
            let delivery = &reply["delivery"][0];
            let seen: &[usize] = copies.get(id.as_str()).map_or(&[], Vec::as_slice);
            let taken: Vec<usize> = seen.iter().copied().filter(|at| came[*at].said == Some(250)).collect();
            match delivery["state"].as_str() {
                Some("accepted") => {
                    told.accepted += 1;
                    assert!(
                        !taken.is_empty(),
                        "case {case}: a reply is told to be accepted and was never taken"
                    );
                }
                Some("failed") => {
                    told.failed += 1;
                    let open = page["promises"]
                        .as_array()
                        .is_some_and(|all| all.iter().any(|one| one["state"] == "open"));
                    assert!(
                        open || ids.len() > 1,
                        "case {case}: a reply failed and no promise is open"
                    );
                }
                other => panic!("case {case}: a reply is {other:?} in the end"),
            }
            // After a copy that was taken without doubt nothing comes again.
            let sure = taken.iter().copied().find(|at| !came[*at].in_doubt);
            if let Some(sure) = sure {
                assert!(
                    seen.iter().all(|at| *at <= sure),
                    "case {case}: a reply came again after it had been taken: {seen:?}"
                );
            }
            let perhaps = seen
                .iter()
                .filter(|at| came[**at].in_doubt || came[**at].said == Some(250))
                .count();
            if perhaps > 1 {
                told.doubled += 1;
                assert_eq!(
                    delivery["doubted"], true,
                    "case {case}: it may have come twice and the case does not say so"
                );
            }
            firsts.extend(taken.first().copied());
        }
        assert!(
            firsts.is_sorted(),
            "case {case}: replies arrived in another order: {firsts:?}"
        );
    }
    told
}
