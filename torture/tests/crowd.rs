//! R10: a crowd of idle SMTP sessions and of HTTP connections that dribble, and honest mail through it.
//!
//! Sizes come from the environment: `DULY_TORTURE_SESSIONS` (1,000; in soak 10,000). Half as many connect to the pages.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};
use torture::desk::Desk;
use torture::dice::Dice;
use torture::mail::{self, Form};
use torture::relay::Relay;
use torture::smtp::{self, Said, Session};
use torture::{memory, number};

const PER_ADDRESS: usize = 20;
const HONEST: u64 = 100;
const GONE: Duration = Duration::from_secs(30);
/// Time that a loaded machine may take over thousands of farewells.
const SLACK: Duration = Duration::from_secs(10);

fn greeted(stream: &mut TcpStream) -> String {
    let mut heard = [0; 200];
    let read = stream.read(&mut heard).unwrap_or(0);
    String::from_utf8_lossy(&heard[..read]).into_owned()
}

#[test]
fn honest_mail_passes_through_a_crowd_that_only_stands_there() {
    let soak = number("DULY_TORTURE_MINUTES", 0) > 0;
    let sessions = number("DULY_TORTURE_SESSIONS", if soak { 10_000 } else { 1_000 }) as usize;
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        maximum: limit.maximum,
    };
    setrlimit(Resource::Nofile, raised).expect("open files");
    let relay = Relay::start().expect("a relay");
    let mut desk = Desk::init(relay.address).expect("a desk");
    desk.start().expect("the desk starts");
    let pid = desk.pid().expect("it runs");

    let opened = Instant::now();
    let mut crowd: Vec<TcpStream> = (0..sessions)
        .map(|at| smtp::connect(desk.smtp, smtp::source(1_000 + at / PER_ADDRESS)).expect("it listens"))
        .collect();
    for stream in &mut crowd {
        assert!(greeted(stream).starts_with("220"), "every idle session has its place");
    }
    let stood = Instant::now();
    let mut beyond = smtp::connect(desk.smtp, smtp::source(1_000)).expect("it listens");
    assert!(
        greeted(&mut beyond).starts_with("421 4.7.0"),
        "one address has {PER_ADDRESS}"
    );
    let mut dribbling: Vec<TcpStream> = (0..sessions / 2)
        .filter_map(|at| smtp::connect(desk.http, smtp::source(3_000 + at / PER_ADDRESS)).ok())
        .collect();
    for stream in &mut dribbling {
        let _ = stream.write_all(b"GET / HTTP/1.1\r\nX: ");
    }

    let mut dice = Dice::new(number("DULY_TORTURE_SEED", 7));
    let mut waits = Vec::new();
    for at in 0..HONEST {
        let letter = mail::write(&mut dice, at, at, 4_000, Form::Plain);
        let began = Instant::now();
        let mut honest = Session::open(desk.smtp, smtp::source(at as usize)).expect("there is a place");
        assert_eq!(honest.send(&letter).expect("it is answered"), Said::Taken);
        waits.push(began.elapsed());
        for stream in dribbling.iter_mut().skip(at as usize % 10).step_by(10) {
            let _ = stream.write_all(b"x");
        }
    }
    waits.sort();
    let (median, p99) = (waits[waits.len() / 2], waits[waits.len() * 99 / 100]);
    let held = memory::resident(pid).expect("its memory");
    let bound = 64 * 1024 * 1024 + 20 * 1024 * sessions as u64;
    let mut last = Duration::ZERO;
    for stream in &mut crowd {
        stream.set_read_timeout(Some(GONE + SLACK)).expect("a timeout");
        assert!(
            greeted(stream).starts_with("421 4.4.2"),
            "it is told that it was silent for too long"
        );
        last = last.max(stood.elapsed());
    }
    let mut through = Session::open(desk.smtp, smtp::source(500)).expect("there is a place");
    let letter = mail::write(&mut dice, HONEST, HONEST, 4_000, Form::Plain);
    assert_eq!(through.send(&letter).expect("it is answered"), Said::Taken);
    println!(
        "{{\"campaign\":\"crowd\",\"sessions\":{sessions},\"dribbling\":{},\"opened_ms\":{},\"held_mib\":{},\"bound_mib\":{},\
         \"honest_median_ms\":{},\"honest_p99_ms\":{},\"gone_s\":{}}}",
        dribbling.len(),
        (stood - opened).as_millis(),
        held / 1024 / 1024,
        bound / 1024 / 1024,
        median.as_millis(),
        p99.as_millis(),
        last.as_secs()
    );
    assert!(held <= bound, "the desk holds {} KiB", held / 1024);
    assert!(p99 <= Duration::from_secs(1), "honest mail waited {p99:?}");
    assert!(last <= GONE + SLACK, "a silent session stayed for {last:?}");
    desk.stop().expect("the desk stops");
}
