//! `duly demo`: a whole desk on this machine, with its mail looped back. Nothing leaves.
//!
//! The desk, its people and its history are made in a fresh folder; what the desk sends goes by real SMTP to a mailbox of
//! the demo, a file that a newcomer can read as if they were the customer.

use super::args::{Demo, Init};
use super::{init, own_worker, runtime, stop_signals};
use crate::clock::Clock;
use crate::config::Config;
use crate::demo::{self, seed};
use crate::mail::session::{Envelope, Gate, Reply};
use crate::mail::{letter, listen, raw::Body};
use crate::refusal::Refusal;
use crate::serve::{self, Running, Start};
use anyhow::Context;
use std::io::{self, Write};
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Instant;
use tokio::net::TcpListener;
use tokio::sync::watch;

/// Makes the demo's desk and serves it until Ctrl-C.
pub fn run(given: &Demo, dir: Option<&Path>) -> anyhow::Result<()> {
    let began = Instant::now();
    let own = dir.is_none();
    let dir = dir.map_or_else(
        || std::env::temp_dir().join(format!("duly-demo-{}", std::process::id())),
        Path::to_owned,
    );
    let ended = live(given, &dir, began);
    if own {
        let _ = std::fs::remove_dir_all(&dir);
    }
    ended
}

/// A port that is taken is found before the desk is filled, not after.
fn check_ports(given: &Demo) -> Result<(), Refusal> {
    for (flag, address) in [("--http", &given.http), ("--smtp", &given.smtp)] {
        std::net::TcpListener::bind(address).map_err(|cause| {
            Refusal::usage(format!(
                "{flag} {address} cannot be listened on: {cause}. Name another, such as {flag} 127.0.0.1:0."
            ))
        })?;
    }
    Ok(())
}

fn live(given: &Demo, dir: &Path, began: Instant) -> anyhow::Result<()> {
    check_ports(given)?;
    let init = Init {
        name: Some("Acme Support".into()),
        address: Some("support@acme.example".into()),
        zone: Some("Europe/Berlin".into()),
        hours: Some("mon-sun 00:00-24:00".into()),
        database: None,
        admin: None,
    };
    init::make(dir, &init, Clock::System.now())?;
    let mut config = Config::read(dir, std::iter::empty())?;
    config.set("mail", "unverified", "schedule")?;
    config.set("mail", "smtp", &given.smtp)?;
    config.set("web", "http", &given.http)?;
    config.set("web", "open", "true")?;
    // The file says what this desk does: whoever copies it gets the same one.
    std::fs::write(dir.join("duly.toml"), config.file()).context("write the demo's settings")?;
    let closed = given.closed;
    writeln!(
        io::stderr(),
        "Making a desk with {closed} closed and some 40 open cases …"
    )?;
    {
        let desk = Arc::new(serve::desk_of(dir, &config)?);
        let store = serve::open_store(dir, &config)?;
        let mut stories: Vec<_> = demo::closed(SEED, given.closed).collect();
        stories.extend(demo::open(SEED));
        seed::fill(&store, &desk, Clock::System.now(), stories, |desk, row| {
            letter::bytes_of(desk, row, None, Vec::new())
        })?;
        store.close();
    }
    runtime()?.block_on(async {
        let told_to_stop = stop_signals()?;
        let (stop, stopped) = watch::channel(false);
        let customers = TcpListener::bind("127.0.0.1:0").await?;
        config.set("mail", "relay", &customers.local_addr()?.to_string())?;
        let mailbox = Arc::new(Mailbox {
            path: dir.join("customers.mbox"),
            file: Mutex::default(),
        });
        let loopback = tokio::spawn(listen::serve(customers, mailbox, "demo.example".into(), None, stopped));
        let start = Start {
            dir: dir.to_owned(),
            config,
            clock: Clock::System,
            worker: own_worker()?,
            outside: None,
        };
        let running = Running::start(start).await.context("start the demo's desk")?;
        let shown = dir.display().to_string();
        let program = std::env::current_exe().unwrap_or_default();
        let folder = program.parent().unwrap_or(Path::new(".")).display().to_string();
        let tour = demo::tour(&running.smtp.to_string(), &running.http.to_string(), &shown, &folder);
        let seconds = began.elapsed().as_secs_f64();
        let mut out = io::stdout().lock();
        writeln!(out, "{tour}")?;
        writeln!(
            out,
            "What customers get is in {shown}/customers.mbox. Ready in {seconds:.1} s."
        )?;
        drop(out);
        told_to_stop.await;
        running.stop().await;
        let _ = stop.send(true);
        loopback.await?;
        anyhow::Ok(())
    })
}

/// The demo's stories are the same each time.
const SEED: u64 = 1;

/// All customers of the demo read their mail here.
struct Mailbox {
    path: PathBuf,
    file: Mutex<()>,
}

impl Gate for Mailbox {
    fn sender(&self, _peer: IpAddr, _from: &str, _declared_size: Option<usize>) -> Result<(), Reply> {
        Ok(())
    }

    fn recipient(&self, _envelope: &Envelope, _to: &str) -> Result<(), Reply> {
        Ok(())
    }

    async fn take(&self, envelope: Envelope, mail: Body) -> Result<(), Reply> {
        let full = |_| Reply::of(452, "4.3.1", "the demo's mailbox cannot be written");
        let raw = mail.into_bytes().map_err(full)?;
        let _one = self.file.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let mut file = std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(&self.path)
            .map_err(full)?;
        let mut text = format!("From {} to {}\n", envelope.from, envelope.to.join(",")).into_bytes();
        for line in raw.split_inclusive(|&byte| byte == b'\n') {
            let quoted = line.iter().take_while(|&&byte| byte == b'>').count();
            if line[quoted..].starts_with(b"From ") {
                text.push(b'>');
            }
            text.extend(line.iter().filter(|&&byte| byte != b'\r'));
        }
        text.push(b'\n');
        file.write_all(&text).map_err(full)
    }
}
