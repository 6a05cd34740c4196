//! A running desk and the program that asks it.

use crate::kit::sink::Sink;
use serde_json::Value;
use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// The desk's address.
pub const DESK: &str = "support@acme.example";
/// The first engineer.
pub const ANNA: &str = "anna@acme.example";
/// The program.
pub const DULY: &str = env!("CARGO_BIN_EXE_duly");

/// How long something may take on a machine that does other things as well.
const PATIENCE: Duration = Duration::from_secs(60);

/// What one command said, and how it ended.
#[derive(Debug)]
pub struct Run {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Run {
    pub fn of(output: Output) -> Run {
        Run {
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8_lossy(&output.stdout).into_owned(),
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// Data of a command that must succeed.
    #[track_caller]
    pub fn done(self) -> String {
        assert_eq!(self.code, 0, "{self:?}");
        self.out
    }

    /// The talk of a command that must end with this code; a panic is never an answer.
    #[track_caller]
    pub fn ends(self, code: i32) -> String {
        assert_eq!(self.code, code, "{self:?}");
        assert!(!self.err.contains("panicked"), "{self:?}");
        self.err
    }

    /// The JSON lines of a command that must succeed.
    #[track_caller]
    pub fn json(self) -> Vec<Value> {
        let out = self.done();
        let line = |line: &str| serde_json::from_str(line).unwrap_or_else(|cause| panic!("{cause}: {line}"));
        out.lines().map(line).collect()
    }
}

/// The program with an environment of the test's own.
pub fn program(program: impl AsRef<OsStr>, home: &Path) -> Command {
    let mut command = Command::new(program);
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("DULY_") {
            command.env_remove(name);
        }
    }
    for name in ["VISUAL", "EDITOR", "NO_COLOR"] {
        command.env_remove(name);
    }
    command
        .env("HOME", home)
        .env("XDG_CONFIG_HOME", home.join("config"))
        .env("TMPDIR", home)
        .env("TZ", "UTC")
        .stdin(Stdio::null());
    command
}

/// `duly` with these arguments, without a desk.
pub fn duly(home: &Path, args: &[&str]) -> Run {
    Run::of(program(DULY, home).args(args).output().expect("the program runs"))
}

/// Makes a desk in `dir`; what `init` said.
pub fn init(home: &Path, dir: &Path) -> Run {
    let dir = dir.to_str().expect("a path in UTF-8");
    let args = [
        "init",
        "--dir",
        dir,
        "--no-input",
        "--name",
        "Acme Support",
        "--address",
        DESK,
        "--zone",
        "Europe/Berlin",
        "--hours",
        "mon-sun 00:00-24:00",
    ];
    duly(home, &args)
}

/// A running desk with one engineer.
pub struct Desk {
    pub folder: TempDir,
    /// What `init` said.
    pub made: String,
    /// host:port of the mail door.
    pub smtp: String,
    pub http: String,
    /// Where its mail goes.
    pub sink: Sink,
    server: Option<Child>,
    _runtime: tokio::runtime::Runtime,
}

impl Drop for Desk {
    fn drop(&mut self) {
        if let Some(mut server) = self.server.take() {
            let _ = server.kill();
            let _ = server.wait();
        }
    }
}

impl Desk {
    /// A desk that takes every sender at their word.
    pub fn open() -> Desk {
        Desk::with(&[("DULY_MAIL_UNVERIFIED", "schedule")])
    }

    /// A desk with settings from the environment.
    pub fn with(env: &[(&str, &str)]) -> Desk {
        let folder = tempfile::tempdir().expect("a folder");
        let made = init(folder.path(), &folder.path().join("desk")).done();
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .expect("a runtime");
        let sink = runtime.block_on(Sink::start(Vec::new()));
        let mut desk = Desk {
            folder,
            made,
            smtp: String::new(),
            http: String::new(),
            sink,
            server: None,
            _runtime: runtime,
        };
        desk.start(env);
        let hours = ["--zone", "Europe/Berlin", "--hours", "mon-sun 00:00-24:00"];
        desk.duly(&[&["cpu", "add", ANNA, "--name", "Anna Keller"], &hours[..]].concat())
            .done();
        desk
    }

    /// Starts the server and waits until it is open.
    pub fn start(&mut self, env: &[(&str, &str)]) {
        let relay = self.sink.address.to_string();
        let args = [
            "serve",
            "--smtp",
            "127.0.0.1:0",
            "--http",
            "127.0.0.1:0",
            "--relay",
            &relay,
        ];
        let mut server = program(DULY, self.folder.path())
            .args(args)
            .env("DULY_DIR", self.dir())
            .envs(env.iter().copied())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the server starts");
        let mut log = BufReader::new(server.stderr.take().expect("its log"));
        let mut said = String::new();
        while !said.contains("the desk is open") {
            said.clear();
            assert!(
                log.read_line(&mut said).expect("its log") > 0,
                "the server did not start"
            );
        }
        let field = |name: &str| {
            let rest = &said[said.find(name).expect("an address") + name.len()..];
            rest.split_whitespace().next().unwrap_or_default().to_owned()
        };
        (self.smtp, self.http) = (field("smtp="), field("http="));
        // Whoever writes a log wants a reader.
        std::thread::spawn(move || std::io::copy(&mut log, &mut std::io::sink()));
        self.server = Some(server);
    }

    /// Ends the server as `kill` does; its exit code.
    pub fn stop(&mut self) -> Option<i32> {
        let mut server = self.server.take().expect("it runs");
        let pid = server.id().to_string();
        let ended = Command::new("sh").args(["-c", &format!("kill -TERM {pid}")]).status();
        assert!(ended.expect("a shell").success());
        server.wait().expect("it ends").code()
    }

    /// Ends the server as a power cut would, as far as a process can tell.
    pub fn kill(&mut self) {
        let mut server = self.server.take().expect("it runs");
        server.kill().expect("it ran");
        server.wait().expect("it is gone");
    }

    /// Its data directory.
    pub fn dir(&self) -> PathBuf {
        self.folder.path().join("desk")
    }

    /// A command on this desk, ready to be changed and run.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = program(DULY, self.folder.path());
        command.args(args).env("DULY_DIR", self.dir());
        command
    }

    /// Runs a command on this desk.
    pub fn duly(&self, args: &[&str]) -> Run {
        Run::of(self.command(args).output().expect("the program runs"))
    }

    /// Runs a command as Anna.
    pub fn anna(&self, args: &[&str]) -> Run {
        self.duly(&[&["--as", ANNA], args].concat())
    }

    /// Runs a command with words on its standard input.
    pub fn typed(&self, args: &[&str], words: &[u8]) -> Run {
        let mut command = self.command(args);
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().expect("the program runs");
        // A program that refuses before it reads closes the pipe.
        let _ = child.stdin.take().expect("a pipe").write_all(words);
        Run::of(child.wait_with_output().expect("it ends"))
    }

    /// Runs a command line of a shell on a terminal; the terminal's text and the exit code.
    pub fn on_a_terminal(&self, line: &str, env: &[(&str, &str)]) -> Run {
        let mut command = program("script", self.folder.path());
        command
            .args(["-qec", line, "/dev/null"])
            .env("DULY_DIR", self.dir())
            .env("PATH", path_with(DULY))
            .envs(env.iter().copied());
        Run::of(command.output().expect("script, of Debian's bsdutils"))
    }

    /// Sends a customer's mail and waits until it is a case; its number.
    pub fn mail(&self, subject: &str, text: &str) -> i64 {
        let known = self.cases();
        let raw = format!("From: Priya <priya@n.example>\r\nTo: {DESK}\r\nSubject: {subject}\r\n\r\n{text}\r\n");
        assert_eq!(
            send(&self.smtp, "priya@n.example", DESK, raw.as_bytes()),
            "250 2.0.0 taken and stored"
        );
        wait_for("a new case", || {
            self.cases().into_iter().find(|case| !known.contains(case))
        })
    }

    fn cases(&self) -> Vec<i64> {
        let rows = self.duly(&["ps", "-a", "--json"]).json();
        rows.iter().filter_map(|row| row["case"].as_i64()).collect()
    }
}

fn path_with(program: &str) -> String {
    let folder = Path::new(program).parent().expect("a folder").display().to_string();
    format!("{folder}:{}", std::env::var("PATH").unwrap_or_default())
}

/// Asks again and again until there is an answer.
#[track_caller]
pub fn wait_for<T>(what: &str, ask: impl Fn() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(begun.elapsed() < PATIENCE, "{what} did not come");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Sends one mail by SMTP; the answer to its end.
pub fn send(smtp: &str, from: &str, to: &str, raw: &[u8]) -> String {
    let stream = TcpStream::connect(smtp).expect("the mail door");
    stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    let mut client = BufReader::new(stream);
    answer(&mut client);
    for line in [
        "EHLO c.example".to_owned(),
        format!("MAIL FROM:<{from}>"),
        format!("RCPT TO:<{to}>"),
        "DATA".to_owned(),
    ] {
        write!(client.get_mut(), "{line}\r\n").expect("it listens");
        let said = answer(&mut client);
        assert!(said.starts_with(['2', '3']), "{line}: {said}");
    }
    client.get_mut().write_all(&stuffed(raw)).expect("it listens");
    client.get_mut().write_all(b".\r\n").expect("it listens");
    answer(&mut client)
}

/// What is sent of a mail: dots doubled where a line begins with one, a line end at the end.
fn stuffed(raw: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(raw.len() + 2);
    for (at, &byte) in raw.iter().enumerate() {
        if byte == b'.' && (at == 0 || raw[..at].ends_with(b"\r\n")) {
            out.push(b'.');
        }
        out.push(byte);
    }
    if !raw.is_empty() && !raw.ends_with(b"\r\n") {
        out.extend_from_slice(b"\r\n");
    }
    out
}

fn answer(client: &mut impl BufRead) -> String {
    loop {
        let mut line = String::new();
        client.take(1_000).read_line(&mut line).expect("an answer in time");
        if line.get(3..4) != Some("-") {
            return line.trim_end().to_owned();
        }
    }
}
