//! The local API: a Unix socket in the data directory, one JSON line a request, one a response.
//!
//! Who may knock is decided by the kernel and a token: the owner of the data directory (and root) may act as anybody,
//! everybody else brings a token. The verbs are the desk's; nothing is decided here.

use crate::clock::Clock;
use crate::desk::Desk;
use crate::desk::engineer;
use crate::desk::outbox;
use crate::desk::verb::{self, Answer, Principal, Verb};
use crate::desk::{CaseId, upload};
use crate::files::Files;
use crate::limits;
use crate::refusal::{Kind, Outcome, Refusal};
use crate::store::Store;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::watch;

/// Name of the socket in the data directory.
pub const SOCKET: &str = "duly.sock";

/// What is asked.
#[derive(Debug, Serialize, Deserialize)]
pub struct Request {
    /// As which engineer, if not as oneself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub as_engineer: Option<String>,
    /// Proof of who one is, for those who do not own the data directory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
    /// What to do.
    pub verb: Verb,
}

/// What is answered: `{"zone":"Europe/Berlin","ok":{…}}` or `{"refused":{…}}`.
#[derive(Debug, Serialize, Deserialize)]
pub struct Response {
    /// The zone in which whoever asked reads and types times; none where it is not known who asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zone: Option<String>,
    /// The brake is on: nothing leaves the desk.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub mail_held: bool,
    /// What came of it.
    #[serde(flatten)]
    pub said: Said,
}

impl Response {
    fn refused(refusal: Refusal) -> Response {
        Response {
            zone: None,
            mail_held: false,
            said: Said::Refused(refusal),
        }
    }
}

/// What came of a request.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Said {
    /// It was done.
    Ok(Answer),
    /// It was not, and why.
    Refused(Refusal),
}

/// What the socket serves.
pub struct LocalDoor {
    /// The database.
    pub store: Store,
    /// The rules.
    pub desk: Arc<Desk>,
    /// The time.
    pub clock: Clock,
    /// Files of cases, and those on their way.
    pub files: Arc<Files>,
    /// Who owns the data directory.
    pub owner: u32,
    /// Where engineers reach pages, without a slash at the end: what stands before a sign-in link.
    pub pages: String,
}

/// Serves until told to stop; requests under way are finished.
pub async fn serve(listener: UnixListener, door: Arc<LocalDoor>, mut stop: watch::Receiver<bool>) {
    let mut sessions = tokio::task::JoinSet::new();
    let for_sessions = stop.clone();
    loop {
        let mut refused = false;
        tokio::select! {
            _ = stop.wait_for(|stopped| *stopped) => break,
            Some(_) = sessions.join_next(), if !sessions.is_empty() => {}
            accepted = listener.accept(), if sessions.len() < limits::LOCAL_SESSIONS => match accepted {
                Ok((stream, _)) => {
                    let (door, stop) = (Arc::clone(&door), for_sessions.clone());
                    sessions.spawn(async move {
                        if let Err(error) = attend(stream, door, stop).await {
                            tracing::debug!(%error, "a local session ended early");
                        }
                    });
                }
                Err(error) => {
                    tracing::warn!(%error, "the local socket does not accept");
                    refused = true;
                }
            }
        }
        if refused {
            // Out of descriptors, most likely: whoever knocks waits while sessions end.
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    }
    while sessions.join_next().await.is_some() {}
}

async fn attend(stream: UnixStream, door: Arc<LocalDoor>, mut stop: watch::Receiver<bool>) -> std::io::Result<()> {
    let peer = stream.peer_cred()?.uid();
    let (read, mut write) = stream.into_split();
    let mut lines = BufReader::new(read);
    loop {
        let mut line = Vec::new();
        let mut bounded = (&mut lines).take(limits::LOCAL_REQUEST_BYTES as u64);
        let came = tokio::select! {
            _ = stop.wait_for(|stopped| *stopped) => return Ok(()),
            came = bounded.read_until(b'\n', &mut line) => came?,
        };
        if came == 0 {
            return Ok(());
        }
        let whole = line.ends_with(b"\n");
        let response = match whole {
            true => answer(&door, peer, &line).await,
            false => Response::refused(Refusal::usage("This request is longer than 4 MB, or was cut off.")),
        };
        let mut bytes = serde_json::to_vec(&response).map_err(std::io::Error::other)?;
        bytes.push(b'\n');
        write.write_all(&bytes).await?;
        if !whole {
            // What follows is the rest of something else and must not be read as a request.
            return Ok(());
        }
    }
}

async fn answer(door: &Arc<LocalDoor>, peer: u32, line: &[u8]) -> Response {
    let request: Request = match serde_json::from_slice(line) {
        Ok(request) => request,
        Err(cause) => return Response::refused(Refusal::usage(format!("The request is not understood: {cause}."))),
    };
    let (door, files) = (Arc::clone(door), Arc::clone(&door.files));
    let offset = match &request.verb {
        Verb::Save { offset, .. } => *offset,
        _ => 0,
    };
    let done = tokio::task::spawn_blocking(move || {
        let who = principal(&door, peer, &request)?;
        let zone = who.zone(&door.desk).to_string();
        let verb = staged(&door, &who, request.verb)?;
        let mut answer = verb::perform(&door.store, &door.desk, door.clock.now(), who, verb)?;
        if let Answer::Link(link) = &mut answer {
            link.link = format!("{}/sign-in/{}", door.pages, link.link);
        }
        let mail_held = door.store.read(outbox::is_held)?;
        Outcome::Ok((zone, mail_held, answer))
    })
    .await;
    match done {
        Ok(Ok((zone, mail_held, answer))) => match with_bytes(&files, answer, offset).await {
            Ok(answer) => Response {
                zone: Some(zone),
                mail_held,
                said: Said::Ok(answer),
            },
            Err(error) => {
                tracing::error!(cause = format!("{error:#}"), "a file cannot be read");
                Response::refused(crate::refusal::Fault::Failed(error).refusal())
            }
        },
        Ok(Err(fault)) => {
            let refusal = fault.refusal();
            if refusal.kind == Kind::Failed {
                tracing::error!(error = %fault, "a request failed");
            }
            Response::refused(refusal)
        }
        Err(panic) => {
            tracing::error!(error = %panic, "a request panicked");
            Response::refused(crate::refusal::Fault::Failed(panic.into()).refusal())
        }
    }
}

/// Writes the piece of a file that is to go with a reply into the folder of files on their way, where the upload says
/// that it belongs. What is left for the desk is how much there is.
fn staged(door: &LocalDoor, who: &Principal, verb: Verb) -> Outcome<Verb> {
    use std::io::{Seek, SeekFrom, Write};
    let Verb::Stage {
        case,
        key,
        name,
        bytes,
        offset,
        data,
    } = verb
    else {
        return Ok(verb);
    };
    let Principal::Engineer(engineer) = who else {
        return Err(Refusal::usage("Say as which engineer: --as ADDRESS.").into());
    };
    let data = data_encoding::BASE64
        .decode(data.as_bytes())
        .map_err(|_| Refusal::usage("The piece of the file is no base64."))?;
    let key = match key {
        Some(key) => {
            let upload = door.store.read(|tx| upload::find(tx, CaseId(case), &key))?;
            let is_next = upload.engineer == Some(engineer.id) && upload.have == offset && upload.bytes == bytes;
            if !is_next || offset + data.len() as u64 > bytes || upload.state != "open" {
                return Err(Refusal::conflict("This is not the next piece of that file. Attach it again.").into());
            }
            key
        }
        None => {
            if offset != 0 || data.len() as u64 > bytes || !door.files.has_room(bytes) {
                return Err(Refusal::conflict("There is no room for this file. Nothing was sent.").into());
            }
            let mut random = [0; 16];
            getrandom::fill(&mut random).map_err(|cause| anyhow::anyhow!("no random bytes: {cause}"))?;
            data_encoding::HEXLOWER.encode(&random)
        }
    };
    let written = (|| {
        let mut file = std::fs::OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(door.files.staged(&key))?;
        file.seek(SeekFrom::Start(offset))?;
        file.write_all(&data)?;
        file.sync_data()?;
        door.files.sync_staging()
    })();
    written.map_err(|cause: std::io::Error| anyhow::Error::new(cause).context("write a staged file"))?;
    Ok(Verb::Stage {
        case,
        key: Some(key),
        name,
        bytes,
        offset: offset + data.len() as u64,
        data: String::new(),
    })
}

/// The bytes that an answer about a file names.
async fn with_bytes(files: &Files, answer: Answer, offset: u64) -> anyhow::Result<Answer> {
    let Answer::Piece(mut piece) = answer else {
        return Ok(answer);
    };
    let left = (piece.row.bytes.max(0) as u64).saturating_sub(offset);
    if left > 0 {
        let most = left.min(limits::FILE_CHUNK_BYTES);
        let bytes = files.piece(piece.customer, &piece.row.sha256, offset, most).await?;
        piece.data = data_encoding::BASE64.encode(&bytes);
    }
    Ok(Answer::Piece(piece))
}

fn principal(door: &LocalDoor, peer: u32, request: &Request) -> Outcome<Principal> {
    let now = door.clock.now();
    if let Some(token) = &request.token {
        let engineer = door.store.read(|tx| engineer::by_token(tx, now, token))?;
        let other = request
            .as_engineer
            .as_ref()
            .is_some_and(|named| !named.eq_ignore_ascii_case(&engineer.address));
        return match other {
            true => Err(Refusal::forbidden("A token speaks for its own engineer only; leave out --as.").into()),
            false => Ok(Principal::Engineer(Box::new(engineer))),
        };
    }
    if matches!(request.verb, Verb::TokenClaim { .. }) {
        return Ok(Principal::Owner);
    }
    if peer != door.owner && peer != 0 {
        return Err(Refusal::forbidden(
            "Only the owner of the data directory may ask without a token. Claim one with `duly token claim`.",
        )
        .into());
    }
    match &request.as_engineer {
        None => Ok(Principal::Owner),
        Some(named) => Ok(Principal::Engineer(Box::new(
            door.store.read(|tx| engineer::find(tx, named))?,
        ))),
    }
}
