//! ChromeDriver as a child process, on a port it chooses itself, with a profile folder that is thrown away.
//!
//! The profile folder's name is on the command line of every Chromium process it belongs to. When a test panics, nobody
//! closes the session and Chromium would outlive its driver, so dropping the driver ends exactly those processes.

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, kill_process};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

/// Wait for ChromeDriver to name its port.
const START: Duration = Duration::from_secs(30);

/// A running ChromeDriver.
pub(crate) struct Driver {
    process: Child,
    /// Where it listens.
    pub(crate) url: String,
    /// Profile of the browsers it starts.
    pub(crate) profile: TempDir,
}

impl Driver {
    /// Starts ChromeDriver and waits until it listens.
    pub(crate) async fn start() -> Result<Self> {
        let profile = tempfile::Builder::new()
            .prefix("duly-browser-")
            .tempdir()
            .context("a profile folder")?;
        let mut process = Command::new("chromedriver")
            .arg("--port=0")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .context("chromedriver")?;
        let stdout = process.stdout.take().context("chromedriver's output")?;
        let mut lines = BufReader::new(stdout).lines();
        let port = tokio::time::timeout(START, async {
            while let Some(line) = lines.next_line().await? {
                // "ChromeDriver was started successfully on port 41234."
                if let Some((_, port)) = line.split_once("successfully on port ") {
                    return Ok(port.trim_end_matches('.').parse::<u16>()?);
                }
            }
            bail!("chromedriver ended before it listened")
        })
        .await
        .context("chromedriver named no port in time")??;
        // Its later words are read and dropped, so that a full pipe never stops it.
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        Ok(Driver {
            process,
            url: format!("http://127.0.0.1:{port}"),
            profile,
        })
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        // A process that cannot be ended is already gone.
        let _ = self.process.start_kill();
        for pid in processes_naming(self.profile.path()) {
            let _ = kill_process(pid, Signal::KILL);
        }
    }
}

/// The processes of this machine that have `path` in their command line.
fn processes_naming(path: &Path) -> Vec<Pid> {
    let wanted = path.to_string_lossy().into_owned();
    let Ok(entries) = std::fs::read_dir("/proc") else {
        return Vec::new();
    };
    let pids = entries
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    pids.filter(|pid| {
        let command = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        String::from_utf8_lossy(&command).contains(&wanted)
    })
    .filter_map(Pid::from_raw)
    .collect()
}

/// Why no journey can be made here, in words; `None` if one can.
pub(crate) fn missing() -> Option<String> {
    let absent: Vec<&str> = ["chromium", "chromedriver"]
        .into_iter()
        .filter(|name| on_path(name).is_none())
        .collect();
    (!absent.is_empty()).then(|| {
        format!(
            "{} not found: on Debian `apt-get install chromium chromium-driver`, or run scripts/test, which does it",
            absent.join(" and ")
        )
    })
}

/// Where a program is.
pub(crate) fn on_path(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .map(|folder| folder.join(name))
        .find(|file| file.is_file())
}
