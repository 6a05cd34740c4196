//! R11: mails at and beyond the size limit. What is declared too large is refused at once, what turns out too large is
//! refused without being kept in memory, and the largest that is taken passes through the desk in pieces.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};
use torture::desk::Desk;
use torture::memory;
use torture::relay::Relay;
use torture::smtp;

const LIMIT: usize = 50_000_000;
const MIB: u64 = 1024 * 1024;

struct Client(BufReader<TcpStream>);

impl Client {
    fn open(desk: &Desk) -> Client {
        let stream = smtp::connect(desk.smtp, smtp::source(3)).expect("the desk listens");
        let mut client = Client(BufReader::new(stream));
        assert!(client.hear().starts_with("220"));
        assert!(client.say("EHLO large.example").starts_with("250"));
        client
    }

    fn say(&mut self, line: &str) -> String {
        self.0
            .get_mut()
            .write_all(format!("{line}\r\n").as_bytes())
            .expect("it reads");
        self.hear()
    }

    fn hear(&mut self) -> String {
        loop {
            let mut line = String::new();
            self.0.read_line(&mut line).expect("it answers");
            if line.as_bytes().get(3) != Some(&b'-') {
                return line.trim_end().to_owned();
            }
        }
    }

    fn begin(&mut self) {
        assert!(self.say("MAIL FROM:<priya@large.example>").starts_with("250"));
        assert!(
            self.say(&format!("RCPT TO:<{}>", torture::mail::DESK))
                .starts_with("250")
        );
        assert!(self.say("DATA").starts_with("354"));
    }

    fn send(&mut self, bytes: &[u8]) {
        self.0.get_mut().write_all(bytes).expect("it reads");
    }
}

/// A mail of exactly so many bytes: a header, and lines.
fn mail_of(bytes: usize) -> Vec<u8> {
    let mut mail = b"From: Priya <priya@large.example>\r\nTo: support@acme.example\r\nSubject: core dump\r\nMessage-ID: <large@large.example>\r\n\r\n".to_vec();
    let mut number = 0_u64;
    while mail.len() + 80 < bytes {
        number += 1;
        mail.extend_from_slice(format!("{number:074}\r\n").as_bytes());
    }
    mail.resize(bytes - 2, b'y');
    mail.extend_from_slice(b"\r\n");
    mail
}

#[test]
fn mails_at_the_size_limit_cost_time_and_memory_within_their_bounds() {
    let relay = Relay::start().expect("a relay");
    let mut desk = Desk::init(relay.address).expect("a desk");
    desk.start().expect("the desk starts");
    let pid = desk.pid().expect("it runs");
    let mut client = Client::open(&desk);
    let began = Instant::now();
    assert!(client.say("MAIL FROM:<a@b.example> SIZE=100000000").starts_with("552"));
    let declared = began.elapsed();
    assert!(declared < Duration::from_millis(50), "{declared:?}");

    let base = memory::resident(pid).expect("its memory");
    memory::forget_peak(pid).expect("its peak");
    client.begin();
    let line = format!("{}\r\n", "x".repeat(998)).repeat(100);
    for _ in 0..1000 {
        client.send(line.as_bytes());
    }
    let undeclared = client.say("."); // 100 MB of lines of 1,000
    assert!(undeclared.starts_with("552"), "{undeclared}");
    let refused = memory::peak(pid).expect("its peak").saturating_sub(base);
    assert!(refused <= 4 * MIB, "a mail that is refused cost {} KiB", refused / 1024);

    let mail = mail_of(LIMIT);
    let mut client = Client::open(&desk);
    let base = memory::resident(pid).expect("its memory");
    memory::forget_peak(pid).expect("its peak");
    let began = Instant::now();
    client.begin();
    client.send(&mail);
    assert!(client.say(".").starts_with("250"));
    let taken = began.elapsed();
    let stored = memory::peak(pid).expect("its peak").saturating_sub(base);
    let mut worker = 0;
    while desk.rows(&["ps"]).expect("it answers").is_empty() {
        assert!(
            began.elapsed() < Duration::from_secs(60),
            "it has no case: {}",
            desk.log()
        );
        let most = memory::children(pid)
            .into_iter()
            .filter_map(|child| memory::peak(child).ok())
            .max();
        worker = worker.max(most.unwrap_or(0));
        std::thread::sleep(Duration::from_millis(5));
    }
    let placed = memory::peak(pid).expect("its peak").saturating_sub(base);
    println!(
        "{{\"campaign\":\"size\",\"declared_us\":{},\"refused_kib\":{},\"taken_ms\":{},\"stored_kib\":{},\"placed_kib\":{},\"worker_kib\":{}}}",
        declared.as_micros(),
        refused / 1024,
        taken.as_millis(),
        stored / 1024,
        placed / 1024,
        worker / 1024
    );
    assert!(
        placed <= 16 * MIB,
        "a mail of 50 MB cost the desk {} KiB",
        placed / 1024
    );
    let mut kept = Vec::new();
    let raw = std::process::Command::new(torture::desk::program().expect("the program"))
        .args(["raw", "1", "--dir"])
        .arg(desk.dir())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .and_then(|mut child| {
            child.stdout.take().map(|mut out| out.read_to_end(&mut kept));
            child.wait()
        });
    assert!(raw.is_ok_and(|status| status.success()));
    assert!(kept == mail, "the bytes are those that were sent");
    desk.stop().expect("the desk stops");
}
