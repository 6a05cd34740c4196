//! A desk of its own for one journey: the real program, in a temporary folder, on free ports.
//!
//! The program is the one in `DULY_BIN`, else what was last built into `target/release` or `target/debug`. Nothing
//! of it is linked in here: a journey sees what a person sees.

use crate::names::nothing_known;
use crate::smtp::{Mail, Taken, relay};
use anyhow::{Context, Result, bail, ensure};
use jiff::Timestamp;
use serde_json::Value;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// The desk's mail address.
const ADDRESS: &str = "support@acme.example";
/// Wait for the desk to listen, or for a mail to become a case.
const PATIENCE: Duration = Duration::from_secs(30);
/// Between two looks.
const PAUSE: Duration = Duration::from_millis(50);

/// A running desk; dropping it ends it and removes its folder.
pub struct Desk {
    folder: TempDir,
    program: PathBuf,
    server: Child,
    serve: Serve,
    http: SocketAddr,
    smtp: SocketAddr,
    taken: Taken,
}

/// What differs between the desks of journeys.
#[derive(Clone, Copy, Default)]
struct Kind {
    /// Whoever can reach its pages is let in.
    open: bool,
    /// It holds mail that nobody vouches for.
    holds: bool,
}

/// How its server is started, the first time and again.
struct Serve {
    smtp: SocketAddr,
    http: SocketAddr,
    relay: SocketAddr,
    resolver: SocketAddr,
    kind: Kind,
}

impl Serve {
    fn spawn(&self, program: &Path, dir: &Path) -> Result<Child> {
        let log = std::fs::File::options()
            .create(true)
            .append(true)
            .open(dir.join("journey.log"))?;
        Command::new(program)
            .args(["serve", "--dir"])
            .arg(dir)
            .args(["--smtp", &self.smtp.to_string(), "--http", &self.http.to_string()])
            .args(["--relay", &self.relay.to_string()])
            .env("DULY_WEB_OPEN", if self.kind.open { "true" } else { "false" })
            .env("DULY_WEB_ADDRESS", format!("http://{}", self.http))
            .env(
                "DULY_MAIL_UNVERIFIED",
                if self.kind.holds { "hold" } else { "schedule" },
            )
            .env("DULY_MAIL_RESOLVER", self.resolver.to_string())
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .with_context(|| format!("starting {}", program.display()))
    }
}

impl Desk {
    /// A desk with one engineer, Anna, who works around the clock, so that every mail can be promised a time.
    pub fn start() -> Result<Self> {
        Desk::started(&Kind {
            open: true,
            ..Kind::default()
        })
    }

    /// The same, of a desk at which one signs in.
    pub fn closed() -> Result<Self> {
        Desk::started(&Kind::default())
    }

    /// The same, of a desk that holds mail that nobody vouches for: a world without name servers vouches for none.
    pub fn holding() -> Result<Self> {
        Desk::started(&Kind {
            open: true,
            holds: true,
        })
    }

    fn started(kind: &Kind) -> Result<Self> {
        let program = program()?;
        let folder = tempfile::Builder::new().prefix("duly-desk-").tempdir()?;
        let dir = folder.path();
        let init = ["init", "--no-input", "--name", "Acme Support", "--address", ADDRESS];
        let hours = ["--zone", "Europe/Berlin", "--hours", "mon-sun 00:00-24:00"];
        run(&program, dir, &[&init[..], &hours[..]].concat())?;
        let (smtp, http) = (free_address()?, free_address()?);
        let (relay, taken) = relay()?;
        let serve = Serve {
            smtp,
            http,
            relay,
            resolver: nothing_known()?,
            kind: *kind,
        };
        let mut desk = Desk {
            server: serve.spawn(&program, dir)?,
            folder,
            program,
            serve,
            http,
            smtp,
            taken,
        };
        desk.wait_until_it_listens()?;
        desk.run(&[
            "cpu",
            "add",
            "anna@acme.example",
            "--name",
            "Anna Keller",
            "--zone",
            "Europe/Berlin",
            hours[2],
            hours[3],
        ])?;
        Ok(desk)
    }

    /// Kills the server, as a power cut would.
    pub fn kill(&mut self) -> Result<()> {
        self.server.kill()?;
        self.server.wait()?;
        Ok(())
    }

    /// Starts a killed server under the same addresses.
    pub fn start_again(&mut self) -> Result<()> {
        self.server = self.serve.spawn(&self.program, self.folder.path())?;
        self.wait_until_it_listens()
    }

    /// The address of a page.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.http)
    }

    /// Runs a verb of the command line against this desk and gives what it printed.
    pub fn run(&self, arguments: &[&str]) -> Result<String> {
        run(&self.program, self.folder.path(), arguments)
    }

    /// Sends a mail that may become anything.
    pub fn send(&self, mail: &Mail<'_>) -> Result<()> {
        mail.send(self.smtp, ADDRESS)
    }

    /// Sends a mail and waits until it is a case; gives that case's number.
    pub fn receive(&self, mail: &Mail<'_>) -> Result<i64> {
        let before = self.cases()?.len();
        mail.send(self.smtp, ADDRESS)?;
        let began = Instant::now();
        while began.elapsed() < PATIENCE {
            let cases = self.cases()?;
            if cases.len() > before {
                let case = cases
                    .iter()
                    .find(|case| case["subject"] == mail.subject)
                    .context("a case with its subject")?;
                return case["case"].as_i64().context("a case has a number");
            }
            std::thread::sleep(PAUSE);
        }
        bail!("no case came of {:?}", mail.subject)
    }

    /// The first link in a mail of the desk to this address that has `part` in it; waits for the mail.
    pub fn link_to(&self, address: &str, part: &str) -> Result<String> {
        let began = Instant::now();
        while began.elapsed() < PATIENCE {
            let mails = self.taken.lock().unwrap_or_else(|broken| broken.into_inner()).clone();
            // The plain part is quoted-printable at most: soft ends of lines cut a link.
            let mut to = mails.iter().filter(|mail| mail.contains(&format!("<{address}>")));
            let found = to.find_map(|mail| {
                let text = mail.replace("=\n", "").replace("=20", " ").replace("=3D", "=");
                let mut words = text.split(|one: char| one.is_whitespace() || "<>\"".contains(one));
                let link = words.find(|word| word.starts_with("http://") && word.contains(part));
                link.map(str::to_owned)
            });
            if let Some(link) = found {
                return Ok(link);
            }
            std::thread::sleep(PAUSE);
        }
        bail!("no mail to {address} has a link with {part}")
    }

    /// When the customer of a case will have heard, at the latest.
    pub fn reply_by(&self, case: i64) -> Result<Timestamp> {
        let cases = self.cases()?;
        let row = cases
            .iter()
            .find(|row| row["case"] == case)
            .with_context(|| format!("case {case}"))?;
        row["reply_by"]
            .as_str()
            .context("a promised time")?
            .parse()
            .context("RFC 3339")
    }

    fn cases(&self) -> Result<Vec<Value>> {
        let lines = self.run(&["ps", "-a", "--json"])?;
        lines
            .lines()
            .map(|line| serde_json::from_str(line).with_context(|| line.to_owned()))
            .collect()
    }

    fn wait_until_it_listens(&mut self) -> Result<()> {
        let began = Instant::now();
        while began.elapsed() < PATIENCE {
            if let Some(status) = self.server.try_wait()? {
                bail!("the desk ended with {status}: {}", self.log());
            }
            let listens = |address| TcpStream::connect_timeout(address, PAUSE).is_ok();
            if listens(&self.http) && listens(&self.smtp) {
                return Ok(());
            }
            std::thread::sleep(PAUSE);
        }
        bail!("the desk does not listen: {}", self.log())
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("journey.log")).unwrap_or_default()
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        // A server that cannot be ended has ended.
        let _ = self.server.kill();
        let _ = self.server.wait();
        if std::thread::panicking() {
            eprintln!("what the desk said:\n{}", self.log());
        }
    }
}

fn run(program: &Path, folder: &Path, arguments: &[&str]) -> Result<String> {
    let command = || format!("duly {}", arguments.join(" "));
    let output = Command::new(program)
        .args(arguments)
        .arg("--dir")
        .arg(folder)
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("running {}", program.display()))?;
    ensure!(
        output.status.success(),
        "{}: {}: {}",
        command(),
        output.status,
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).with_context(command)
}

fn program() -> Result<PathBuf> {
    if let Some(named) = std::env::var_os("DULY_BIN") {
        return Ok(named.into());
    }
    let target = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target");
    let built = ["release", "debug"].map(|profile| target.join(profile).join("duly"));
    let newest = built
        .into_iter()
        .filter_map(|file| Some((file.metadata().ok()?.modified().ok()?, file)))
        .max();
    newest
        .map(|(_, file)| file)
        .context("no duly was built: run `cargo build`, or name one with DULY_BIN")
}

/// A port that is free now. Somebody may take it before the desk does; the desk then says so and the journey fails.
fn free_address() -> Result<SocketAddr> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?)
}
