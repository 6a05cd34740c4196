//! A desk of its own: the real program, in a temporary folder, on free ports, that can be killed and started again.
//!
//! The program is the one in `DULY_BIN`, else what was last built into `target/debug`.

use crate::smtp;
use anyhow::{Context, Result, bail, ensure};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// Wait for the desk to be ready, or to end when told to.
const PATIENCE: Duration = Duration::from_secs(60);

/// A desk; dropping it ends it and removes its folder.
pub struct Desk {
    folder: TempDir,
    program: PathBuf,
    server: Option<Child>,
    /// Where mail goes in.
    pub smtp: SocketAddr,
    /// Where pages are.
    pub http: SocketAddr,
    relay: SocketAddr,
    environment: Vec<(String, String)>,
}

/// The program that campaigns are held with.
///
/// # Errors
/// If there is none: says what to do.
pub fn program() -> Result<PathBuf> {
    let named = std::env::var_os("DULY_BIN").map(PathBuf::from);
    let program = named.unwrap_or_else(|| {
        let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(
            || Path::new(env!("CARGO_MANIFEST_DIR")).join("../target"),
            PathBuf::from,
        );
        target.join("debug/duly")
    });
    ensure!(
        program.is_file(),
        "there is no program {}: run `cargo build -p duly` first, or name one with DULY_BIN",
        program.display()
    );
    Ok(program)
}

impl Desk {
    /// A new desk that is not started yet: open around the clock, every sender believed, everything sent to `relay`.
    ///
    /// # Errors
    /// If there is no program, or `duly init` says no.
    pub fn init(relay: SocketAddr) -> Result<Desk> {
        let folder = tempfile::Builder::new().prefix("duly-torture-").tempdir()?;
        let desk = Desk {
            folder,
            program: program()?,
            server: None,
            smtp: free_address()?,
            http: free_address()?,
            relay,
            environment: vec![
                ("DULY_MAIL_UNVERIFIED".into(), "schedule".into()),
                ("DULY_LOG".into(), "warn".into()),
            ],
        };
        let hours = ["--zone", "Europe/Berlin", "--hours", "mon-sun 00:00-24:00"];
        let init = [
            "init",
            "--no-input",
            "--name",
            "Acme Support",
            "--address",
            crate::mail::DESK,
        ];
        desk.run(&[&init[..], &hours[..]].concat())?;
        Ok(desk)
    }

    /// Sets a variable of the server's environment.
    pub fn with(mut self, name: &str, value: &str) -> Desk {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The data directory.
    pub fn dir(&self) -> &Path {
        self.folder.path()
    }

    /// Number of the server's process; none while it stands still.
    pub fn pid(&self) -> Option<u32> {
        self.server.as_ref().map(Child::id)
    }

    /// Starts the server; how long it took until both ports accept and the socket answers `ps`.
    ///
    /// # Errors
    /// If it ends, or is not ready in time.
    pub fn start(&mut self) -> Result<Duration> {
        let log = std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.dir().join("server.log"))?;
        let began = Instant::now();
        let server = Command::new(&self.program)
            .arg("serve")
            .arg("--dir")
            .arg(self.dir())
            .args(["--smtp", &self.smtp.to_string(), "--http", &self.http.to_string()])
            .args(["--relay", &self.relay.to_string()])
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .with_context(|| format!("starting {}", self.program.display()))?;
        let server = self.server.insert(server);
        loop {
            if let Some(status) = server.try_wait()? {
                self.server = None;
                bail!("the desk ended with {status}: {}", self.log());
            }
            let listens = |address| smtp::connect(address, smtp::source(190)).is_ok();
            let first = json!({"verb": "ps", "filter": {"all": false, "waiting": false, "limit": 1}});
            if listens(self.smtp) && listens(self.http) && ask(self.folder.path(), &first).is_ok() {
                return Ok(began.elapsed());
            }
            if began.elapsed() > PATIENCE {
                bail!("the desk is not ready: {}", self.log());
            }
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    /// Takes the process away as a power cut of the process would: no signal that it could hear.
    ///
    /// # Errors
    /// If it has ended by itself before.
    pub fn kill(&mut self) -> Result<()> {
        let mut server = self.server.take().context("the desk is not running")?;
        if let Some(status) = server.try_wait()? {
            bail!("the desk ended by itself with {status}: {}", self.log());
        }
        server.kill()?;
        server.wait()?;
        Ok(())
    }

    /// Whether the server's process is there; one that was killed is still to be collected.
    pub fn is_alive(&mut self) -> bool {
        match &mut self.server {
            Some(server) => matches!(server.try_wait(), Ok(None)),
            None => false,
        }
    }

    /// Collects a server that somebody else has killed.
    ///
    /// # Errors
    /// If it does not end.
    pub fn collect(&mut self) -> Result<ExitStatus> {
        let mut server = self.server.take().context("the desk is not running")?;
        let began = Instant::now();
        loop {
            if let Some(status) = server.try_wait()? {
                return Ok(status);
            }
            if began.elapsed() > PATIENCE {
                let _ = server.kill();
                bail!("the desk does not end: {}", self.log());
            }
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    /// Asks the server to stop (SIGTERM) and waits until it has; how long it took.
    ///
    /// # Errors
    /// If it does not end, or not well.
    pub fn stop(&mut self) -> Result<Duration> {
        let began = Instant::now();
        signal(self.pid().context("the desk is not running")?, Signal::TERM)?;
        let status = self.collect()?;
        ensure!(status.success(), "the desk ended with {status}: {}", self.log());
        Ok(began.elapsed())
    }

    /// Runs a verb of the command line against this desk and gives what it printed.
    ///
    /// # Errors
    /// If it says no.
    pub fn run(&self, arguments: &[&str]) -> Result<String> {
        let output = Command::new(&self.program)
            .args(arguments)
            .arg("--dir")
            .arg(self.dir())
            .stdin(Stdio::null())
            .output()
            .with_context(|| format!("running {}", self.program.display()))?;
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(
            output.status.success(),
            "duly {}: {}: {said}",
            arguments.join(" "),
            output.status
        );
        String::from_utf8(output.stdout).with_context(|| format!("duly {}", arguments.join(" ")))
    }

    /// The objects that a verb prints with `--json`, one a line.
    ///
    /// # Errors
    /// If it says no, or prints something else.
    pub fn rows(&self, arguments: &[&str]) -> Result<Vec<Value>> {
        let printed = self.run(&[arguments, &["--json"]].concat())?;
        printed
            .lines()
            .map(|line| serde_json::from_str(line).with_context(|| line.to_owned()))
            .collect()
    }

    /// A line to the local socket, which stays open.
    ///
    /// # Errors
    /// If nobody listens.
    pub fn line(&self) -> Result<Line> {
        Line::open(self.dir())
    }

    /// What the server said.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.dir().join("server.log")).unwrap_or_default()
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        if let Some(server) = &mut self.server {
            // A server that cannot be killed has ended.
            let _ = server.kill();
            let _ = server.wait();
        }
        if std::thread::panicking() {
            eprintln!("what the desk said:\n{}", self.log());
        }
    }
}

/// Sends a signal to a process that we started.
///
/// # Errors
/// As the system says.
pub fn signal(pid: u32, signal: Signal) -> Result<()> {
    let pid = i32::try_from(pid)
        .ok()
        .and_then(Pid::from_raw)
        .context("a process number")?;
    Ok(kill_process(pid, signal)?)
}

/// A connection to the local socket: one JSON line a request, one an answer.
pub struct Line(BufReader<UnixStream>);

impl Line {
    fn open(dir: &Path) -> Result<Line> {
        let stream = UnixStream::connect(dir.join("duly.sock"))?;
        stream.set_read_timeout(Some(PATIENCE))?;
        Ok(Line(BufReader::new(stream)))
    }

    /// Asks; what is inside the answer's `ok`.
    ///
    /// # Errors
    /// A refusal, or a desk that is gone.
    pub fn ask(&mut self, verb: &Value) -> Result<Value> {
        self.exchange(&json!({"verb": verb}))
    }

    /// Asks as an engineer.
    ///
    /// # Errors
    /// As [`Line::ask`].
    pub fn ask_as(&mut self, engineer: &str, verb: &Value) -> Result<Value> {
        self.exchange(&json!({"as_engineer": engineer, "verb": verb}))
    }

    fn exchange(&mut self, request: &Value) -> Result<Value> {
        let mut request = serde_json::to_vec(request)?;
        request.push(b'\n');
        self.0.get_mut().write_all(&request)?;
        let mut answer = Vec::new();
        self.0.read_until(b'\n', &mut answer)?;
        ensure!(!answer.is_empty(), "the desk hung up");
        let mut answer: Value = serde_json::from_slice(&answer)?;
        match answer.get_mut("ok") {
            Some(done) => Ok(done.take()),
            None => bail!("refused: {answer}"),
        }
    }
}

fn ask(dir: &Path, verb: &Value) -> Result<Value> {
    Line::open(dir)?.ask(verb)
}

/// A port that is free now. Somebody may take it before the desk does; the desk then says so and the campaign fails.
fn free_address() -> Result<SocketAddr> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?)
}
