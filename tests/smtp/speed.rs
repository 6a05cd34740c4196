//! Mails a second through sockets with a gate that takes at once: the listener's own share, without the desk.
//!
//! Not a test of anything; run it by hand: `cargo nextest run --test smtp --run-ignored only speed --no-capture`.

use crate::desk::stuffed;
use duly::mail::raw::Body;
use duly::mail::session::{Envelope, Gate, Reply};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket};

/// Takes at once and keeps nothing.
struct Nothing;

impl Gate for Nothing {
    fn sender(&self, _: IpAddr, _: &str, _: Option<usize>) -> Result<(), Reply> {
        Ok(())
    }
    fn recipient(&self, _: &Envelope, _: &str) -> Result<(), Reply> {
        Ok(())
    }
    async fn take(&self, _: Envelope, raw: Body) -> Result<(), Reply> {
        std::hint::black_box(&raw);
        Ok(())
    }
}

const BEGIN: &[u8] = b"MAIL FROM:<a@b.example> SIZE=6000\r\nRCPT TO:<help@desk.example>\r\nDATA\r\n";

/// One client: whole transactions (`at_once`) or as most senders do it: commands, then the mail.
async fn client(source: u8, address: SocketAddr, mails: usize, mail: Arc<Vec<u8>>, at_once: bool) {
    let socket = TcpSocket::new_v4().expect("a socket");
    socket
        .bind(SocketAddr::from(([127, 0, 0, source], 0)))
        .expect("a loopback address");
    let mut stream = socket.connect(address).await.expect("the desk listens");
    stream.set_nodelay(true).expect("a socket option");
    let mut heard = [0; 4096];
    assert!(stream.read(&mut heard).await.expect("a greeting") > 0);
    stream.write_all(b"EHLO c.example\r\n").await.expect("the desk reads");
    assert!(stream.read(&mut heard).await.expect("its offers") > 0);
    let whole = [BEGIN, mail.as_slice()].concat();
    for _ in 0..mails {
        let parts: &[(&[u8], usize)] = if at_once {
            &[(&whole, 4)]
        } else {
            &[(BEGIN, 3), (&mail, 1)]
        };
        for (part, replies) in parts {
            stream.write_all(part).await.expect("the desk reads");
            let mut lines = 0;
            while lines < *replies {
                let read = stream.read(&mut heard).await.expect("a reply");
                assert!(read > 0, "the desk hung up");
                lines += heard[..read].iter().filter(|byte| **byte == b'\n').count();
            }
        }
    }
}

fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let after = stat.rsplit(')').next().unwrap_or_default();
    let ticks = |at: usize| {
        after
            .split_whitespace()
            .nth(at)
            .and_then(|field| field.parse::<f64>().ok())
            .unwrap_or(0.0)
    };
    (ticks(11) + ticks(12)) / 100.0
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a measurement"]
async fn speed_of_six_kilobyte_mails() {
    let raw: Vec<u8> = b"A line of seventy-six bytes, as long as quoted-printable would make it. ....\r\n".repeat(77);
    let mail = Arc::new(stuffed(&raw));
    for at_once in [false, true] {
        for sessions in [1, 8, 64] {
            let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
            let address = listener.local_addr().expect("its address");
            let (_stop, stopped) = tokio::sync::watch::channel(false);
            let host = "desk.example".to_owned();
            let server = tokio::spawn(duly::mail::listen::serve(
                listener,
                Arc::new(Nothing),
                host,
                None,
                stopped,
            ));
            let mails = 60_000 / sessions;
            let (began, cpu) = (Instant::now(), cpu_seconds());
            let clients: Vec<_> = (0..sessions)
                .map(|n| tokio::spawn(client(1 + (n / 16) as u8, address, mails, mail.clone(), at_once)))
                .collect();
            for client in clients {
                client.await.expect("no panic");
            }
            let (wall, cpu) = (began.elapsed().max(Duration::from_millis(1)), cpu_seconds() - cpu);
            let all = (mails * sessions) as f64;
            println!(
                "{sessions:>2} sessions, {}: {:>6.0} mails/s, {:.1} µs CPU a mail with its client ({} bytes)",
                if at_once {
                    "one write a mail "
                } else {
                    "two writes a mail"
                },
                all / wall.as_secs_f64(),
                cpu / all * 1e6,
                raw.len(),
            );
            server.abort();
        }
    }
}

fn resident_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status
        .lines()
        .find(|line| line.starts_with("VmRSS:"))
        .unwrap_or_default();
    line.split_whitespace()
        .nth(1)
        .and_then(|kib| kib.parse().ok())
        .unwrap_or(0)
}

#[tokio::test]
#[ignore = "a measurement"]
async fn memory_of_a_thousand_idle_sessions() {
    let bounds = duly::mail::listen::Bounds {
        sessions_per_address: 1_000,
        ..Default::default()
    };
    let desk = crate::desk::Desk::with(crate::desk::Book::default(), bounds).await;
    let before = resident_kib();
    let mut inside = Vec::new();
    for _ in 0..1_000 {
        let mut client = desk.client().await;
        assert_eq!(client.ask("EHLO c.example\r\n", 1).await, [250]);
        inside.push(client);
    }
    let grown = resident_kib() - before;
    println!("1000 idle sessions: {grown} KiB, their clients' side included");
}
