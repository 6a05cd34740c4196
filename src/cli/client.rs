//! Asking a running desk: one line over the socket in its data directory.

use crate::api::local::{Request, Response, SOCKET};
use crate::desk::verb::{Answer, Verb};
use crate::refusal::{Kind, Refusal};
use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

/// How a running desk is asked.
pub struct Client {
    dir: PathBuf,
    as_engineer: Option<String>,
    token: Option<String>,
    stream: Option<BufReader<UnixStream>>,
}

impl Client {
    /// A client of the desk in `dir`. The token, if any, comes from the environment or the person's own settings.
    pub fn new(dir: Option<&Path>, as_engineer: Option<String>) -> Result<Client, Refusal> {
        let dir = dir.ok_or_else(|| Refusal::usage("Say which desk: --dir DIR, or DULY_DIR in the environment."))?;
        Ok(Client {
            dir: dir.to_owned(),
            as_engineer,
            token: own_token(),
            stream: None,
        })
    }

    /// Asks, and reads what comes back.
    pub fn ask(&mut self, verb: Verb) -> Result<Answer, Refusal> {
        let request = Request {
            as_engineer: self.as_engineer.clone(),
            token: self.token.clone(),
            verb,
        };
        let mut line = serde_json::to_vec(&request).map_err(broken)?;
        line.push(b'\n');
        let stream = match &mut self.stream {
            Some(stream) => stream,
            None => self.stream.insert(BufReader::new(connect(&self.dir)?)),
        };
        stream.get_mut().write_all(&line).map_err(broken)?;
        let mut answer = Vec::new();
        stream.read_until(b'\n', &mut answer).map_err(broken)?;
        if answer.is_empty() {
            return Err(broken("it was stopped"));
        }
        match serde_json::from_slice(&answer).map_err(broken)? {
            Response::Ok(answer) => Ok(answer),
            Response::Refused(refusal) => Err(refusal),
        }
    }
}

fn connect(dir: &Path) -> Result<UnixStream, Refusal> {
    UnixStream::connect(dir.join(SOCKET)).map_err(|cause| {
        Refusal::new(
            Kind::Failed,
            format!(
                "No desk is running in {} ({cause}). Promises go on counting, but nobody sends or breaks them. \
                 Start it with `duly serve --dir {}`.",
                dir.display(),
                dir.display()
            ),
        )
    })
}

fn broken(cause: impl std::fmt::Display) -> Refusal {
    Refusal::new(
        Kind::Failed,
        format!("The desk stopped answering: {cause}. See its log; ask again when it runs."),
    )
}

/// Where a person's token is kept: `$XDG_CONFIG_HOME/duly/token`, mode 600.
pub fn token_file() -> Option<PathBuf> {
    let home = std::env::var_os("XDG_CONFIG_HOME")
        .map(PathBuf::from)
        .or_else(|| std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".config")))?;
    Some(home.join("duly").join("token"))
}

fn own_token() -> Option<String> {
    if let Ok(token) = std::env::var("DULY_TOKEN") {
        return Some(token);
    }
    let text = std::fs::read_to_string(token_file()?).ok()?;
    Some(text.trim().to_owned()).filter(|token| !token.is_empty())
}
