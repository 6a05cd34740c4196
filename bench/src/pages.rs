//! The run-queue page over HTTP, from a running desk that is open on loopback.

use crate::desk::Large;
use crate::report::Report;
use anyhow::{Result, ensure};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

const WARM_UP: usize = 20;
const SAMPLES: usize = 400;

/// Fetches the page again and again, each time over a connection of its own.
pub fn measure(report: &mut Report, large: &mut Large, open: usize) -> Result<()> {
    large.program.start()?;
    let http = large.program.http;
    let mut samples = Vec::new();
    let mut bytes = 0;
    for round in 0..WARM_UP + SAMPLES {
        let began = Instant::now();
        let answer = fetch(http, "/").unwrap_or_else(|cause| cause.to_string().into_bytes());
        if round >= WARM_UP {
            samples.push(began.elapsed().as_secs_f64() * 1e3);
        }
        if !answer.starts_with(b"HTTP/1.1 200") {
            println!(
                "run-queue page: not served ({})",
                String::from_utf8_lossy(&answer[..answer.len().min(40)]).trim()
            );
            samples.clear();
            break;
        }
        bytes = answer.len();
    }
    large.program.stop()?;
    if !samples.is_empty() {
        report.spread(&format!("run-queue page, {open} open cases"), "ms", &samples);
        report.figure("run-queue page", "kB", &[bytes as f64 / 1e3]);
    }
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
