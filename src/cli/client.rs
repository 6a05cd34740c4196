//! Asking a running desk: one line over the socket in its data directory.

use crate::api::local::{Request, Response, SOCKET, Said};
use crate::desk::verb::{Answer, Verb};
use crate::limits;
use crate::refusal::{Kind, Refusal};
use plan::Zone;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

/// How a running desk is asked.
pub struct Client {
    dir: PathBuf,
    as_engineer: Option<String>,
    token: Option<String>,
    stream: Option<BufReader<UnixStream>>,
}

/// What a desk told, and the zone in which whoever asked reads its times.
pub struct Told {
    /// The answer.
    pub answer: Answer,
    /// The engineer's zone, else the desk's.
    pub zone: Zone,
    /// The brake is on: nothing leaves the desk.
    pub mail_held: bool,
}

impl Client {
    /// A client of the desk in `dir`. The token, if any, comes from the environment or the person's own settings; the
    /// owner of the desk who names an engineer needs none.
    pub fn new(dir: &Path, as_engineer: Option<String>) -> Client {
        let owner_names_one = as_engineer.is_some() && owns(dir);
        let token = match std::env::var("DULY_TOKEN") {
            Ok(token) if !token.is_empty() => Some(token),
            _ if owner_names_one => None,
            _ => kept_token(),
        };
        Client {
            dir: dir.to_owned(),
            as_engineer,
            token,
            stream: None,
        }
    }

    /// Asks, and reads what comes back.
    ///
    /// # Errors
    /// What the desk refused, or that it does not answer.
    pub fn ask(&mut self, verb: Verb) -> Result<Told, Refusal> {
        let request = Request {
            as_engineer: self.as_engineer.clone(),
            token: self.token.clone(),
            verb,
        };
        let mut line = serde_json::to_vec(&request).map_err(broken)?;
        line.push(b'\n');
        if line.len() > limits::LOCAL_REQUEST_BYTES {
            return Err(Refusal::usage(
                "This is too long for one request, which has 4 MB. Nothing was sent. Send what is long as a file.",
            ));
        }
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
        let Response { zone, mail_held, said } = serde_json::from_slice(&answer).map_err(broken)?;
        let zone = zone.and_then(|name| name.parse().ok()).unwrap_or(Zone::UTC);
        match said {
            Said::Ok(answer) => Ok(Told {
                answer,
                zone,
                mail_held,
            }),
            Said::Refused(refusal) => Err(refusal),
        }
    }
}

fn connect(dir: &Path) -> Result<UnixStream, Refusal> {
    UnixStream::connect(dir.join(SOCKET)).map_err(|cause| {
        let dir = dir.display();
        if cause.kind() == std::io::ErrorKind::PermissionDenied {
            return Refusal::forbidden(format!(
                "The folder {dir} is closed to you. Its owner lets engineers in with `chmod 711 {dir}`: the files in it \
                 stay closed, and a token is needed to ask anything."
            ));
        }
        Refusal::new(
            Kind::Failed,
            format!(
                "No desk is running in {dir} ({cause}). Promises go on counting, but nobody sends or breaks them. \
                 Start it with `duly serve --dir {dir}`."
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

fn owns(dir: &Path) -> bool {
    let own = rustix::process::geteuid().as_raw();
    own == 0 || std::fs::metadata(dir).is_ok_and(|folder| folder.uid() == own)
}

/// Where a person's token is kept: `$XDG_CONFIG_HOME/duly/token`, mode 600.
pub fn token_file() -> Option<PathBuf> {
    let home = std::env::var_os("XDG_CONFIG_HOME")
        .map(PathBuf::from)
        .or_else(|| std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".config")))?;
    Some(home.join("duly").join("token"))
}

fn kept_token() -> Option<String> {
    let text = std::fs::read_to_string(token_file()?).ok()?;
    Some(text.trim().to_owned()).filter(|token| !token.is_empty())
}
