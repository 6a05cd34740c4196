//! R1: the process is killed (SIGKILL) while customers write, again and again; what was acknowledged is there.
//!
//! Half of the kills come at a random moment, half on the heels of an answer: the customer who hears the 250 pulls the
//! plug before doing anything else. That half is what finds a desk that answers too early; `torture/README.md` says how
//! to see it fail. A kill shows nothing about power cuts: the kernel still has what the process wrote.
//!
//! Sizes come from the environment: `DULY_TORTURE_SEED`, `DULY_TORTURE_CYCLES` (or `_MINUTES`), `DULY_TORTURE_RATE`.

use std::time::{Duration, Instant};
use torture::account;
use torture::customers::{Customers, End, Load};
use torture::desk::Desk;
use torture::dice::Dice;
use torture::number;
use torture::relay::Relay;

const SESSIONS: usize = 20;
const READY_SECONDS: f64 = 2.0;

fn seed() -> u64 {
    let chance = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    number(
        "DULY_TORTURE_SEED",
        chance.map_or(1, |since| u64::from(since.subsec_nanos())),
    )
}

#[test]
fn an_acknowledged_mail_survives_every_kill_once_and_with_its_promise() {
    let (seed, rate) = (seed(), number("DULY_TORTURE_RATE", 100));
    println!("seed {seed} (DULY_TORTURE_SEED)");
    let minutes = number("DULY_TORTURE_MINUTES", 0);
    let cycles = number("DULY_TORTURE_CYCLES", if minutes > 0 { u64::MAX } else { 20 });
    let until = Instant::now() + Duration::from_secs(if minutes > 0 { minutes * 60 } else { 86_400 });
    let mut dice = Dice::new(seed);
    let relay = Relay::start().expect("a relay");
    let mut desk = Desk::init(relay.address).expect("a desk");
    let folder = tempfile::tempdir().expect("a folder");
    let customers = Customers::new(dice.fork(0), folder.path()).expect("customers");
    let (mut slowest, mut cycle) = (Duration::ZERO, 0);
    while cycle < cycles && Instant::now() < until {
        let ready = desk.start().expect("the desk starts");
        slowest = slowest.max(ready);
        assert!(
            ready.as_secs_f64() <= READY_SECONDS,
            "cycle {cycle}: ready after {ready:?}"
        );
        let pid = desk.pid().expect("it runs");
        let end = match cycle % 2 {
            0 => End::After(Duration::from_millis(dice.between(300, 2_000))),
            _ => End::AtAnswer(dice.between(1, 2 * rate), pid),
        };
        let load = Load {
            sessions: SESSIONS,
            rate,
            end,
        };
        std::thread::scope(|scope| {
            let writing = scope.spawn(|| customers.write(desk.smtp, load));
            if let End::After(span) = end {
                std::thread::sleep(span);
                torture::desk::signal(pid, rustix::process::Signal::KILL).expect("it still ran");
            }
            writing.join().expect("the customers")
        });
        let status = desk.collect().expect("the desk is gone");
        assert!(
            status.code().is_none(),
            "the desk ended by itself: {status}\n{}",
            desk.log()
        );
        cycle += 1;
    }
    slowest = slowest.max(desk.start().expect("the desk starts"));
    let retried = customers.retry(desk.smtp).expect("everything open is taken");
    desk.stop().expect("the desk stops");
    assert_eq!(account::unplaced(&desk).expect("the database is whole"), 0);
    slowest = slowest.max(desk.start().expect("the desk starts"));
    let book = customers.book();
    assert_eq!(book.refusals, Vec::<String>::new());
    let account = account::settle(&desk, &book.answered).expect("nothing is lost or doubled");
    println!(
        "{{\"campaign\":\"kill\",\"seed\":{seed},\"cycles\":{cycle},\"rate\":{rate},\"sessions\":{SESSIONS},\"mails\":{},\
         \"sent_again\":{retried},\"repeats_recognised\":{},\"promises\":{},\"ledger_entries\":{},\"ready_ms_max\":{}}}",
        account.mails,
        account.repeats,
        account.promises,
        account.entries,
        slowest.as_millis(),
    );
    assert!(
        retried > 0,
        "no mail lost its answer: the kills came when nothing happened"
    );
}

#[test]
fn a_desk_that_is_stopped_under_load_has_placed_what_it_acknowledged() {
    let seed = seed();
    println!("seed {seed} (DULY_TORTURE_SEED)");
    let mut dice = Dice::new(seed);
    let relay = Relay::start().expect("a relay");
    let mut desk = Desk::init(relay.address).expect("a desk");
    let folder = tempfile::tempdir().expect("a folder");
    let customers = Customers::new(dice.fork(0), folder.path()).expect("customers");
    let mut slowest = Duration::ZERO;
    for _ in 0..3 {
        desk.start().expect("the desk starts");
        let span = Duration::from_millis(dice.between(500, 1_500));
        let load = Load {
            sessions: SESSIONS,
            rate: 400,
            end: End::After(span + Duration::from_millis(300)),
        };
        let address = desk.smtp;
        std::thread::scope(|scope| {
            let writing = scope.spawn(|| customers.write(address, load));
            std::thread::sleep(span);
            slowest = slowest.max(desk.stop().expect("the desk stops and says that all is well"));
            writing.join().expect("the customers")
        });
        assert_eq!(
            account::unplaced(&desk).expect("the database is whole"),
            0,
            "a mail was acknowledged and had no place when the desk had stopped"
        );
    }
    desk.start().expect("the desk starts");
    customers.retry(desk.smtp).expect("everything open is taken");
    desk.stop().expect("the desk stops");
    assert_eq!(
        account::unplaced(&desk).expect("the database is whole"),
        0,
        "the last mail was acknowledged right before the stop and had no place after it"
    );
    desk.start().expect("the desk starts");
    let book = customers.book();
    let odd: Vec<&String> = book.refusals.iter().filter(|words| !words.starts_with("421")).collect();
    assert!(odd.is_empty(), "a desk that stops says 421, not {odd:?}");
    let account = account::settle(&desk, &book.answered).expect("nothing is lost or doubled");
    println!(
        "{{\"campaign\":\"stop\",\"seed\":{seed},\"mails\":{},\"repeats_recognised\":{},\"stop_ms_max\":{}}}",
        account.mails,
        account.repeats,
        slowest.as_millis()
    );
}
