//! The run queue and searches over HTTP, from a running desk that is open on loopback.

use crate::desk::Large;
use crate::report::Report;
use anyhow::{Result, ensure};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

const WARM_UP: usize = 20;
const SAMPLES: usize = 400;

/// The pages and what they are called. Words of the searches stand in most mails of the desk, or in none.
const PAGES: [(&str, &str); 4] = [
    ("run-queue page", "/"),
    ("search page, a common word", "/s?q=replica"),
    ("search page, narrowed", "/s?q=replica+state:ready+month:2020-01"),
    ("search page, nothing found", "/s?q=ORA-00600"),
];

/// Fetches each page again and again, each time over a connection of its own.
pub fn measure(report: &mut Report, large: &mut Large, open: usize) -> Result<()> {
    large.program.start()?;
    let http = large.program.http;
    for (name, path) in PAGES {
        let mut samples = Vec::new();
        let mut bytes = 0;
        for round in 0..WARM_UP + SAMPLES {
            let began = Instant::now();
            let answer = fetch(http, path).unwrap_or_else(|cause| cause.to_string().into_bytes());
            if round >= WARM_UP {
                samples.push(began.elapsed().as_secs_f64() * 1e3);
            }
            if !answer.starts_with(b"HTTP/1.1 200") {
                println!(
                    "{name}: not served ({})",
                    String::from_utf8_lossy(&answer[..answer.len().min(40)]).trim()
                );
                samples.clear();
                break;
            }
            bytes = answer.len();
        }
        if !samples.is_empty() {
            report.spread(&format!("{name}, {open} open cases"), "ms", &samples);
            report.figure(name, "kB", &[bytes as f64 / 1e3]);
        }
    }
    large.program.stop()?;
    Ok(())
}

fn fetch(http: SocketAddr, path: &str) -> Result<Vec<u8>> {
    let mut stream = TcpStream::connect(http)?;
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nHost: {http}\r\nConnection: close\r\n\r\n"
    )?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    ensure!(!answer.is_empty(), "the desk hung up");
    Ok(answer)
}
