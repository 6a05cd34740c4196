//! Uploads in pieces: the tus protocol, version 1.0.0, behind the link of a mail.
//!
//! Promises. An offset that was told is on disk for good: pieces are synced every [`limits::UPLOAD_SYNC_BYTES`] and at
//! the end of a request, and what lies beyond the last told offset is cut off before more is taken, so a killed desk costs
//! the sender one such stretch and never a wrong byte. A piece with a checksum counts whole or not at all. Memory is one
//! buffer an upload, whatever its size. One request writes an upload at a time; the others are told 423.

use super::guest::{guest_of, no_room, refused};
use super::{House, listen, spoken};
use crate::desk::upload::{self, Sender, Upload};
use crate::files::tus::{CHECKSUMS, Checksum, EXTENSIONS, VERSION, count, metadata};
use crate::limits;
use crate::refusal::Outcome;
use anyhow::Context;
use axum::body::Body;
use axum::extract::{Path, Request, State as Given};
use axum::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Response};
use http_body_util::BodyExt;
use jiff::Timestamp;
use std::collections::HashSet;
use std::io::SeekFrom;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::io::{AsyncSeekExt, AsyncWriteExt};

const RESUMABLE: HeaderName = HeaderName::from_static("tus-resumable");
const OFFSET: HeaderName = HeaderName::from_static("upload-offset");
const LENGTH: HeaderName = HeaderName::from_static("upload-length");
const EXPIRES: HeaderName = HeaderName::from_static("upload-expires");

/// The status of a checksum that does not fit (tus, extension *checksum*).
const CHECKSUM_MISMATCH: u16 = 460;

/// Uploads that a request is writing just now.
#[derive(Clone, Default)]
pub struct Writing(Arc<Mutex<HashSet<String>>>);

/// Writes one upload; lets go when dropped, also when the request is cut off.
struct Held(Writing, String);

impl Writing {
    fn hold(&self, key: &str) -> Option<Held> {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        held.insert(key.to_owned()).then(|| Held(self.clone(), key.to_owned()))
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let mut held = self.0.0.lock().unwrap_or_else(PoisonError::into_inner);
        held.remove(&self.1);
    }
}

/// A random name.
pub fn key() -> Outcome<String> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|cause| anyhow::anyhow!("no random bytes: {cause}"))?;
    Ok(data_encoding::HEXLOWER.encode(&bytes))
}

/// An answer of the protocol: its status and nothing to read.
fn answer(status: StatusCode) -> Response {
    let mut answer = status.into_response();
    answer
        .headers_mut()
        .insert(RESUMABLE, HeaderValue::from_static(VERSION));
    answer
}

fn with(mut answer: Response, name: HeaderName, value: &str) -> Response {
    if let Ok(value) = HeaderValue::from_str(value) {
        answer.headers_mut().insert(name, value);
    }
    answer
}

/// What this door can do.
pub async fn options() -> Response {
    let mut told = answer(StatusCode::NO_CONTENT);
    for (name, value) in [
        ("tus-version", VERSION),
        ("tus-extension", EXTENSIONS),
        ("tus-checksum-algorithm", CHECKSUMS),
    ] {
        told = with(told, HeaderName::from_static(name), value);
    }
    with(
        told,
        HeaderName::from_static("tus-max-size"),
        &limits::UPLOAD_BYTES.to_string(),
    )
}

/// Whether the version is ours; else the answer that says which is.
fn spoken_version(headers: &HeaderMap) -> Result<(), Box<Response>> {
    match headers.get(RESUMABLE).is_some_and(|version| version == VERSION) {
        true => Ok(()),
        false => {
            let told = answer(StatusCode::PRECONDITION_FAILED);
            Err(Box::new(with(told, HeaderName::from_static("tus-version"), VERSION)))
        }
    }
}

fn number(headers: &HeaderMap, name: &HeaderName) -> Option<u64> {
    count(headers.get(name)?.to_str().ok()?)
}

/// When it is given up, as HTTP writes dates.
fn expires(at: Timestamp) -> String {
    at.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

/// Begins an upload (extension *creation*).
pub async fn create(house: &House, token: &str, headers: &HeaderMap) -> Response {
    if let Err(told) = spoken_version(headers) {
        return *told;
    }
    let Some(bytes) = number(headers, &LENGTH) else {
        return answer(StatusCode::BAD_REQUEST);
    };
    if bytes > limits::UPLOAD_BYTES {
        return answer(StatusCode::PAYLOAD_TOO_LARGE);
    }
    let said = headers
        .get("upload-metadata")
        .and_then(|said| said.to_str().ok())
        .unwrap_or("");
    let name = metadata(said, "filename")
        .or_else(|| metadata(said, "name"))
        .unwrap_or_default();
    let claimed = metadata(said, "filetype")
        .or_else(|| metadata(said, "type"))
        .unwrap_or_default();
    match begun(house, token, name, claimed, bytes).await {
        Ok(upload) => {
            let told = with(answer(StatusCode::CREATED), EXPIRES, &expires(upload.expires_at));
            with(told, header::LOCATION, &format!("/t/{token}/up/{}", upload.key))
        }
        Err(fault) => with(refused(&spoken(&fault)), RESUMABLE, VERSION),
    }
}

async fn begun(house: &House, token: &str, name: String, claimed: String, bytes: u64) -> Outcome<Upload> {
    let guest = guest_of(house, token).await?;
    if !house.door.files.has_room(bytes) {
        return Err(no_room());
    }
    let (key, now) = (key()?, house.door.clock.now());
    let begun = house.door.store.write_async(move |tx| {
        upload::open(
            tx,
            now,
            guest.case,
            Sender::Guest(&guest),
            &key,
            (&name, &claimed),
            bytes,
        )
    });
    begun.await
}

/// Everything that is done to an upload that has begun.
pub async fn go_on(
    Given(house): Given<House>,
    Path((token, key)): Path<(String, String)>,
    request: Request,
) -> Response {
    if request.method() == Method::OPTIONS {
        return options().await;
    }
    if let Err(told) = spoken_version(request.headers()) {
        return *told;
    }
    let upload = match found(&house, token, key).await {
        Ok(upload) => upload,
        Err(fault) => return with(refused(&spoken(&fault)), RESUMABLE, VERSION),
    };
    // Clients behind proxies that know no PATCH say POST and what they mean.
    let meant = request
        .headers()
        .get("x-http-method-override")
        .and_then(|meant| meant.to_str().ok());
    match (request.method().as_str(), meant) {
        ("HEAD", _) => {
            let told = with(answer(StatusCode::OK), OFFSET, &upload.have.to_string());
            let told = with(told, EXPIRES, &expires(upload.expires_at));
            with(told, LENGTH, &upload.bytes.to_string())
        }
        ("PATCH", _) | ("POST", Some("PATCH")) => match listen::outliving(patch(house, upload, request)).await {
            Ok(told) => told,
            Err(fault) => with(refused(&spoken(&fault)), RESUMABLE, VERSION),
        },
        ("DELETE", _) | ("POST", Some("DELETE")) => cancelled(&house, upload).await,
        _ => answer(StatusCode::METHOD_NOT_ALLOWED),
    }
}

async fn found(house: &House, token: String, key: String) -> Outcome<Upload> {
    let guest = guest_of(house, &token).await?;
    let door = house.door.clone();
    let upload = listen::blocking(move || door.store.read(|tx| upload::find(tx, guest.case, &key))).await?;
    match upload.contact == Some(guest.contact) {
        true => Ok(upload),
        false => Err(crate::refusal::Refusal::missing("There is no such upload. Send the file again.").into()),
    }
}

async fn cancelled(house: &House, upload: Upload) -> Response {
    let Some(_held) = house.writing.hold(&upload.key) else {
        return answer(StatusCode::LOCKED);
    };
    let path = house.door.files.staged(&upload.key);
    match house
        .door
        .store
        .write_async(move |tx| upload::cancel(tx, &upload))
        .await
    {
        Ok(()) => {
            let _ = tokio::fs::remove_file(path).await;
            answer(StatusCode::NO_CONTENT)
        }
        Err(fault) => with(refused(&spoken(&fault)), RESUMABLE, VERSION),
    }
}

async fn patch(house: House, upload: Upload, request: Request) -> Response {
    let headers = request.headers();
    let is_piece = headers
        .get(header::CONTENT_TYPE)
        .is_some_and(|kind| kind == "application/offset+octet-stream");
    if !is_piece {
        return answer(StatusCode::UNSUPPORTED_MEDIA_TYPE);
    }
    let checksum = match headers
        .get("upload-checksum")
        .map(|said| said.to_str().ok().and_then(Checksum::read))
    {
        Some(None) => return answer(StatusCode::BAD_REQUEST),
        Some(known) => known,
        None => None,
    };
    let offset = number(headers, &OFFSET);
    let Some(_held) = house.writing.hold(&upload.key) else {
        return answer(StatusCode::LOCKED);
    };
    // Read again under the hold: another request may have written since.
    let (door, case, key) = (Arc::clone(&house.door), upload.case, upload.key.clone());
    let upload = match listen::blocking(move || door.store.read(|tx| upload::find(tx, case, &key))).await {
        Ok(upload) => upload,
        Err(fault) => return with(refused(&spoken(&fault)), RESUMABLE, VERSION),
    };
    if offset != Some(upload.have) {
        return with(answer(StatusCode::CONFLICT), OFFSET, &upload.have.to_string());
    }
    if !house.door.files.has_room(upload.bytes - upload.have) {
        return with(refused(&spoken(&no_room())), RESUMABLE, VERSION);
    }
    match piece(&house, &upload, request.into_body(), checksum).await {
        Ok(Piece::Taken(have)) => {
            let told = with(answer(StatusCode::NO_CONTENT), OFFSET, &have.to_string());
            with(
                told,
                EXPIRES,
                &expires(house.door.clock.now() + jiff::SignedDuration::from_hours(24 * limits::UPLOAD_DAYS)),
            )
        }
        Ok(Piece::TooLong) => answer(StatusCode::PAYLOAD_TOO_LARGE),
        Ok(Piece::Wrong) => answer(StatusCode::from_u16(CHECKSUM_MISMATCH).unwrap_or(StatusCode::BAD_REQUEST)),
        Err(fault) => with(refused(&spoken(&fault)), RESUMABLE, VERSION),
    }
}

/// What became of a piece.
enum Piece {
    /// It is on disk up to here.
    Taken(u64),
    /// It is longer than the file; nothing beyond its end was kept.
    TooLong,
    /// Its checksum does not fit, or it did not come whole: nothing of it was kept.
    Wrong,
}

async fn piece(house: &House, upload: &Upload, body: Body, mut checksum: Option<Checksum>) -> Outcome<Piece> {
    let path = house.door.files.staged(&upload.key);
    let mut file = tokio::fs::OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&path)
        .await
        .context("open an upload")?;
    file.set_len(upload.have)
        .await
        .context("cut an upload to what was told")?;
    file.seek(SeekFrom::Start(upload.have))
        .await
        .context("find the end of an upload")?;
    let (mut have, mut told) = (upload.have, upload.have);
    let (mut body, mut whole, mut too_long) = (body, false, false);
    let patience = Duration::from_secs(limits::HTTP_BODY_SECONDS);
    loop {
        let bytes = match tokio::time::timeout(patience, body.frame()).await {
            Ok(Some(Ok(frame))) => frame.into_data().unwrap_or_default(),
            Ok(None) => {
                whole = true;
                break;
            }
            // The line broke or fell silent: what has come counts, without a checksum to say otherwise.
            Ok(Some(Err(_))) | Err(_) => break,
        };
        if have + bytes.len() as u64 > upload.bytes {
            too_long = true;
            break;
        }
        if let Some(checksum) = &mut checksum {
            checksum.update(&bytes);
        }
        file.write_all(&bytes).await.context("write an upload")?;
        have += bytes.len() as u64;
        if checksum.is_none() && have - told >= limits::UPLOAD_SYNC_BYTES {
            told = keep(house, upload.id, &mut file, have).await?;
            if !house.door.files.has_room(upload.bytes - have) {
                return Err(no_room());
            }
        }
    }
    if too_long || checksum.is_some_and(|checksum| !(whole && checksum.fits())) {
        file.set_len(told).await.context("cut an upload")?;
        return Ok(if too_long { Piece::TooLong } else { Piece::Wrong });
    }
    Ok(Piece::Taken(keep(house, upload.id, &mut file, have).await?))
}

/// On disk, then told.
async fn keep(house: &House, id: i64, file: &mut tokio::fs::File, have: u64) -> Outcome<u64> {
    file.flush().await.context("write an upload")?;
    file.sync_data().await.context("sync an upload")?;
    let folder = Arc::clone(&house.door);
    listen::blocking(move || Ok(folder.files.sync_staging().context("sync the folder of uploads")?)).await?;
    let now = house.door.clock.now();
    house
        .door
        .store
        .write_async(move |tx| upload::grown(tx, now, id, have))
        .await?;
    Ok(have)
}
