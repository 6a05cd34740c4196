//! R14: a dead domain with fifty thousand mails and one that puts everybody off delay nobody else; mail that was given up
//! is told. And the order of a case.

use crate::kit::databases::{TestDatabase, migrated};
use crate::kit::desk::{ANNA, MONDAY, TestDesk, on_both, reply, time};
use crate::kit::mail::mail;
use crate::kit::outside::{Book, Maker, Shelf, outside};
use crate::kit::sink::{Act, Sink, Verb as At};
use duly::desk::MIGRATIONS;
use duly::desk::case::State;
use duly::desk::engineer::Role;
use duly::desk::verb::Verb;
use jiff::SignedDuration;
use std::sync::Arc;
use std::time::{Duration, Instant};

fn number_of_mails() -> i64 {
    std::env::var("DULY_DEAD_MAILS").map_or(50_000, |text| text.parse().expect("a number"))
}

/// Domains of customers who are to hear something.
const OTHERS: usize = 40;
/// How long a dead host is listened to: far longer than any reply may take beside it.
const SILENCE: Duration = Duration::from_secs(20);

/// Copies of a mail that wait, to nobody in particular at a domain.
fn queue(desk: &TestDesk, domain: &'static str, count: i64) {
    let queued = desk.store().write(move |tx| {
        tx.execute(
            "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < $1)
             INSERT INTO outbox (message, recipient, letter, automatic, state, made_at, not_before, domain)
             SELECT o.message, 'someone' || n.i || '@' || $2, o.letter, 1, 'queued', o.made_at, o.made_at, $2
             FROM n, (SELECT * FROM outbox ORDER BY id LIMIT 1) o",
            &[count.into(), domain.into()],
        )
    });
    assert_eq!(queued.expect("queued"), count as u64);
}

/// Resident memory of this process, the desk in it.
fn resident_bytes() -> u64 {
    let pages = std::fs::read_to_string("/proc/self/statm").expect("this process");
    let pages: u64 = pages
        .split(' ')
        .nth(1)
        .and_then(|text| text.parse().ok())
        .expect("pages");
    pages * rustix::param::page_size() as u64
}

fn open(database: TestDatabase, book: Book, wait: Duration) -> TestDesk {
    let settings = [("mail", "unverified", "schedule"), ("mail", "relay", "")];
    let world = outside(&Arc::new(book), &Arc::<Shelf>::default(), &Maker::new(), wait);
    let mut desk = TestDesk::open_into(database, &settings, time(MONDAY), Some(world));
    desk.hire(ANNA, "Anna Keller", Role::Lead);
    desk
}

#[test]
fn a_dead_domain_and_a_greylister_delay_nobody_else() {
    for database in migrated(MIGRATIONS) {
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        // Takes connections and never says a word.
        let dead = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
        let grey = runtime.block_on(Sink::start(Vec::new()));
        grey.always(At::Rcpt, b"451 4.7.1 greylisted, come again");
        let sink = runtime.block_on(Sink::start(Vec::new()));
        let mut book = Book::default()
            .host("dead.example", dead.local_addr().expect("its address"))
            .host("grey.example", grey.address);
        for number in 0..OTHERS {
            book = book.host(&format!("c{number}.example"), sink.address);
        }
        let mut desk = open(database, book, SILENCE);
        let cases: Vec<i64> = (0..OTHERS)
            .map(|number| {
                desk.receive(&mail(&format!("person@c{number}.example"), "Question"))
                    .case()
            })
            .collect();
        desk.stop();
        desk.start_held(&[("dead.example", number_of_mails()), ("grey.example", 1_000)], queue);
        let before = resident_bytes();
        let begun = Instant::now();
        desk.wait_for("the dead domain and the greylister to be under way", || {
            grey.connections() > 0
                && desk.number(
                    "SELECT COUNT(*) FROM outbox WHERE state = 'sending' AND domain = 'dead.example'",
                    &[],
                ) > 0
        });
        for case in &cases {
            desk.act(ANNA, reply(*case, "answer", Some("close")));
        }
        desk.jump(desk.now() + SignedDuration::from_secs(duly::limits::HOLD_SECONDS));
        let due = Instant::now();
        let mut taken = Vec::new();
        while taken.len() < OTHERS && due.elapsed() < Duration::from_secs(60) {
            let accepted = desk.number(
                "SELECT COUNT(*) FROM outbox o JOIN reply r ON r.message = o.message WHERE o.state = 'accepted'",
                &[],
            );
            taken.resize((accepted as usize).max(taken.len()), due.elapsed());
            std::thread::sleep(Duration::from_millis(10));
        }
        assert_eq!(taken.len(), OTHERS, "{}: replies have left", desk.on);
        let p95 = taken[OTHERS * 95 / 100 - 1];
        let grown = resident_bytes().saturating_sub(before);
        println!(
            "{}: 95 of 100 replies after {p95:?}, {} MB more memory, {} connections to the greylister in {:?}",
            desk.on,
            grown / 1_000_000,
            grey.connections(),
            begun.elapsed()
        );
        assert!(p95 <= Duration::from_secs(5), "{}: {p95:?}", desk.on);
        assert!(grown < 64 * 1024 * 1024, "{}: {grown} bytes", desk.on);
        let tried = desk.number(
            "SELECT COUNT(*) FROM outbox WHERE domain = 'dead.example' AND tries > 0",
            &[],
        );
        assert!(
            tried <= 8,
            "{}: a domain that does not answer is asked by few: {tried}",
            desk.on
        );
        desk.stop();
    }
}

#[test]
fn a_relay_that_is_back_gets_all_mail_at_once_whatever_domain_it_is_for() {
    on_both(|desk| {
        for _ in 0..6 {
            desk.sink.next(At::Greeting, Act::Vanish);
        }
        for number in 0..3 {
            desk.receive(&mail(&format!("person@c{number}.example"), "Question"));
        }
        desk.minutes(1);
        assert_eq!(desk.sink.connections(), 6, "{}", desk.on);
        // Each of the three domains rests for five minutes now.
        desk.receive(&mail("person@c3.example", "Question"));
        for number in 0..4 {
            let address = format!("person@c{number}.example");
            assert_eq!(desk.sent_to(&address), ["acknowledgement"], "{}: {address}", desk.on);
        }
    });
}

#[test]
fn mail_to_a_domain_that_stays_dead_is_given_up_and_its_promise_is_open_again() {
    for database in migrated(MIGRATIONS) {
        let nobody = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = nobody.local_addr().expect("its address");
        drop(nobody);
        let mut desk = open(
            database,
            Book::default().host("dead.example", address),
            Duration::from_secs(2),
        );
        let cases: Vec<i64> = (0..3)
            .map(|number| {
                desk.receive(&mail(&format!("p{number}@dead.example"), "Question"))
                    .case()
            })
            .collect();
        for case in &cases {
            desk.act(ANNA, reply(*case, "answer", Some("close")));
        }
        desk.leaves();
        // Each was written behind the acknowledgement that could not leave either.
        desk.minutes(3 * 60);
        let tries = desk.number("SELECT CAST(SUM(tries) AS BIGINT) FROM outbox", &[]);
        assert!(
            tries <= 12,
            "{}: one asks for all: {tries} tries in three hours",
            desk.on
        );
        for _ in 0..6 {
            desk.minutes(24 * 60);
        }
        let waiting = desk.number(
            "SELECT COUNT(*) FROM outbox WHERE state NOT IN ('accepted', 'failed')",
            &[],
        );
        let newest = desk.rows(
            "SELECT MAX(made_at) FROM outbox WHERE contact IS NOT NULL AND automatic = 0",
            &[],
        );
        assert!(newest[0].instant(0) < desk.now());
        for case in cases {
            let page = desk.page(case);
            assert_eq!(page.row.state, State::Ready, "{}: {waiting} wait", desk.on);
            assert!(
                page.messages
                    .iter()
                    .any(|one| one.kind == "answer" && one.delivery[0].state == "failed")
            );
            assert!(page.promises.iter().any(|one| one.state == "open"));
        }
        desk.stop();
    }
}

#[test]
fn a_later_mail_of_a_case_never_overtakes_an_earlier_one() {
    for database in migrated(MIGRATIONS) {
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        let sink = runtime.block_on(Sink::start(Vec::new()));
        let mut desk = open(
            database,
            Book::default().host("n.example", sink.address),
            Duration::from_secs(2),
        );
        let case = desk.receive(&mail("nora@n.example", "The daemon stops")).case();
        let say = |desk: &mut TestDesk, text: &str| {
            let verb = Verb::Reply {
                case,
                text: text.into(),
                kind: "answer".into(),
                then: Some("wait fri 10:00".into()),
                answers: Vec::new(),
                force_stale: true,
                files: Vec::new(),
            };
            desk.act(ANNA, verb);
        };
        sink.next(At::Rcpt, Act::Say(b"451 later"));
        say(&mut desk, "First word.");
        desk.leaves();
        // The earlier one is tried when the later one is due; refused again, it holds the later one back.
        sink.next(At::Rcpt, Act::Say(b"451 later still"));
        say(&mut desk, "Second word.");
        desk.leaves();
        let states = |desk: &TestDesk| -> Vec<String> {
            let page = desk.page(case);
            let replies = page.messages.iter().rev().filter(|one| one.kind == "answer");
            replies
                .map(|one| one.delivery[0].words(&plan::Zone::UTC, desk.now()))
                .collect()
        };
        let now = states(&desk);
        assert!(now[0].contains("451 later still"), "{}: {now:?}", desk.on);
        assert!(now[1].contains("waits for an earlier mail"), "{}: {now:?}", desk.on);
        desk.minutes(20);
        let order: Vec<bool> = sink
            .taken()
            .iter()
            .filter(|mail| !mail.is_automatic())
            .map(|mail| mail.text().contains("First word.") && !mail.text().contains("Second word."))
            .collect();
        assert_eq!(order, [true, false], "{}", desk.on);
        // One that is taken back lets the next one pass.
        say(&mut desk, "Third word.");
        desk.act(ANNA, Verb::Undo);
        say(&mut desk, "Fourth word.");
        desk.leaves();
        assert_eq!(
            desk.sent_to("nora@n.example").len(),
            4,
            "{}: acknowledgement and three replies",
            desk.on
        );
        desk.ends_well();
    }
}

#[test]
fn a_mail_that_the_server_will_not_take_for_its_size_is_not_sent_and_the_case_says_what_to_do() {
    for database in migrated(MIGRATIONS) {
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        let sink = runtime.block_on(Sink::offering(vec!["SIZE 6000"], None, Vec::new()));
        let mut desk = open(
            database,
            Book::default().host("n.example", sink.address),
            Duration::from_secs(2),
        );
        let case = desk.receive(&mail("nora@n.example", "The daemon stops")).case();
        let verb = Verb::Reply {
            case,
            text: "A long word. ".repeat(1_000),
            kind: "answer".into(),
            then: Some("close".into()),
            answers: Vec::new(),
            force_stale: false,
            files: Vec::new(),
        };
        desk.act(ANNA, verb);
        desk.leaves();
        let page = desk.page(case);
        assert_eq!(page.row.state, State::Ready, "{}", desk.on);
        let said = page.messages[0].delivery[0].words(&plan::Zone::UTC, desk.now());
        assert!(
            said.contains("mails of up to 0.1 MB") && said.contains("upload link"),
            "{}: {said}",
            desk.on
        );
        assert_eq!(
            sink.taken().len(),
            1,
            "{}: only the acknowledgement was sent at all",
            desk.on
        );
        desk.ends_well();
    }
}
