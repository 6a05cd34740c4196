//! The page of somebody who came by the link in a mail: files are sent here, of any size with a script, small ones
//! without.
//!
//! The link is the key, and it opens this and nothing else: no words of the case are shown, only its number, the promised
//! time and the holder's own uploads. There is no cookie, so a page elsewhere that sends a form here has nothing to
//! borrow. GET changes nothing; machines that read mail open every link.

use super::{House, asset, layout, listen, spoken, status_of, tus};
use crate::desk::link::{self, Guest};
use crate::desk::upload::{self, Sender, Upload, size};
use crate::desk::{Desk, promise, say};
use crate::limits;
use crate::refusal::{Fault, Outcome, Refusal};
use anyhow::Context;
use axum::extract::multipart::MultipartError;
use axum::extract::{FromRequest, Multipart, Path, Query, Request, State as Given};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use maud::{Markup, html};
use std::path::PathBuf;
use std::time::Duration;
use tokio::io::AsyncWriteExt;

/// The page.
pub async fn show(
    Given(house): Given<House>,
    Path(token): Path<String>,
    Query(words): Query<super::Words>,
) -> Response {
    let door = house.door.clone();
    let page = listen::blocking(move || {
        let now = door.clock.now();
        door.store.read(|tx| {
            let guest = link::guest(tx, now, &door.desk, &token)?;
            let due = promise::open_of(tx, guest.case)?.iter().map(|one| one.due).min();
            let uploads = upload::of_guest(tx, &guest)?;
            let sent = words.contains_key("sent");
            Ok(page(&door.desk, now, &guest, &token, due, &uploads, sent))
        })
    });
    match page.await {
        Ok(page) => page.into_response(),
        Err(fault) => refused(&spoken(&fault)),
    }
}

/// A refusal for somebody who has no run queue to go to.
pub fn refused(refusal: &Refusal) -> Response {
    let page = layout::alone("Not here", html! { p.lead { (refusal.text) } });
    (status_of(refusal.kind), page).into_response()
}

fn page(
    desk: &Desk,
    now: Timestamp,
    guest: &Guest,
    token: &str,
    due: Option<Timestamp>,
    uploads: &[Upload],
    sent: bool,
) -> Markup {
    let address = format!("/t/{token}/up");
    layout::alone(
        &format!("Send files to case {}", guest.case.0),
        html! {
            p.lead { (desk.name) " · for " (guest.name) }
            @if sent { (layout::done("The file has arrived whole. The engineers see it in the case.")) }
            @match (guest.is_closed, due) {
                (true, _) => p { "This case is closed. A file is kept with it; answer any mail of it to open it again." },
                (_, Some(due)) => p { "We will reply by " strong { (say::line(due, &desk.zone, now)) } ". "
                    a href={ "/t/" (token) "/time" } { "Propose another time" } " · " a href={ "/t/" (token) "/worse" } { "It got worse" } },
                _ => {}
            }
            form #upload method="post" action=(address) enctype="multipart/form-data" data-most=(limits::UPLOAD_BYTES) {
                label.field for="file" { "Files" input #file type="file" name="file" multiple required; }
                div.send { button.main { "Send" } }
                p.hint { "Without a script files of up to " (size(limits::FORM_UPLOAD_BYTES)) " together; with one, up to "
                    (size(limits::UPLOAD_BYTES)) " each, and an upload that broke off goes on where it was." }
            }
            ul #progress aria-live="polite" {}
            @if !uploads.is_empty() {
                h2 { "Your files" }
                ul.files { @for one in uploads { li { strong { (one.name) } " " span.address { (state(one)) } } } }
            }
            p.hint { "Whoever holds this link can send files here and sees nothing else of the case but the promised time, for which they can ask another. Files are for the engineers of "
                (desk.name) " only." }
            script src=(asset::UPLOAD.path) defer {}
        },
    )
}

fn state(one: &Upload) -> String {
    match one.state.as_str() {
        "open" => format!("{} of {} have arrived", size(one.have), size(one.bytes)),
        "whole" => format!("{}, arrived, being put away", size(one.bytes)),
        _ => format!("{}, in the case", size(one.bytes)),
    }
}

/// A form with a file, or the beginning of an upload in pieces.
pub async fn take(Given(house): Given<House>, Path(token): Path<String>, request: Request) -> Response {
    if request.headers().contains_key("tus-resumable") {
        return tus::create(&house, &token, request.headers()).await;
    }
    let form = match Multipart::from_request(request, &()).await {
        Ok(form) => form,
        Err(_) => return refused(&Refusal::usage("This is no form with a file. Nothing was stored.")),
    };
    match form_files(&house, &token, form).await {
        Ok(()) => (
            StatusCode::SEE_OTHER,
            [(header::LOCATION, format!("/t/{token}/up?sent"))],
        )
            .into_response(),
        Err(fault) => refused(&spoken(&fault)),
    }
}

/// Holds a staged file until it belongs to an upload.
pub(super) struct Lying(pub Option<PathBuf>);

impl Drop for Lying {
    fn drop(&mut self) {
        if let Some(path) = self.0.take() {
            let _ = std::fs::remove_file(path);
        }
    }
}

async fn form_files(house: &House, token: &str, mut form: Multipart) -> Outcome<()> {
    let guest = guest_of(house, token).await?;
    let (mut left, mut count) = (limits::FORM_UPLOAD_BYTES, 0);
    while let Some(field) = patiently(form.next_field()).await? {
        let name = field.file_name().unwrap_or_default().to_owned();
        if field.name() != Some("file") || name.is_empty() {
            continue;
        }
        count += 1;
        if count > limits::FORM_UPLOADS {
            return Err(Refusal::usage(
                "Too many files in one form. Those before it have arrived; send the rest again.",
            )
            .into());
        }
        if !house.door.files.has_room(left) {
            return Err(no_room());
        }
        let claimed = field.content_type().unwrap_or("application/octet-stream").to_owned();
        let key = tus::key()?;
        let path = house.door.files.staged(&key);
        let mut lying = Lying(Some(path.clone()));
        let advice = format!(
            "Switch scripts on for this page, then it may have {}.",
            size(limits::UPLOAD_BYTES)
        );
        let bytes = write_field(field, &path, left, &advice).await?;
        left -= bytes;
        let folder = house.door.clone();
        listen::blocking(move || Ok(folder.files.sync_staging().context("sync the folder of uploads")?)).await?;
        let (door, guest) = (house.door.clone(), guest.clone());
        let now = door.clock.now();
        let written = house.door.store.write_async(move |tx| {
            let upload = upload::open(
                tx,
                now,
                guest.case,
                Sender::Guest(&guest),
                &key,
                (&name, &claimed),
                bytes,
            )?;
            match bytes {
                0 => Ok(()),
                _ => upload::grown(tx, now, upload.id, bytes),
            }
        });
        written.await?;
        lying.0 = None;
    }
    match count {
        0 => Err(Refusal::usage("No file was chosen. Nothing was stored.").into()),
        _ => Ok(()),
    }
}

/// Writes a field to disk, at most so many bytes; beyond them it is refused, with advice on what takes more.
pub(super) async fn write_field(
    mut field: axum::extract::multipart::Field<'_>,
    path: &PathBuf,
    most: u64,
    advice: &str,
) -> Outcome<u64> {
    let broken = |cause: std::io::Error| Fault::from(anyhow::Error::new(cause).context("write an upload"));
    let mut to = tokio::fs::File::create(path).await.map_err(broken)?;
    let mut bytes = 0;
    while let Some(piece) = patiently(field.chunk()).await? {
        bytes += piece.len() as u64;
        if bytes > most {
            return Err(Refusal::usage(format!(
                "A form takes {}. This file was not stored. {advice}",
                size(limits::FORM_UPLOAD_BYTES)
            ))
            .into());
        }
        to.write_all(&piece).await.map_err(broken)?;
    }
    to.flush().await.map_err(broken)?;
    to.sync_all().await.map_err(broken)?;
    Ok(bytes)
}

pub(super) async fn patiently<T>(work: impl Future<Output = Result<T, MultipartError>>) -> Outcome<T> {
    match tokio::time::timeout(Duration::from_secs(limits::HTTP_BODY_SECONDS), work).await {
        Ok(Ok(done)) => Ok(done),
        Ok(Err(_)) | Err(_) => {
            Err(Refusal::usage("The form did not arrive whole. Nothing of this file was stored. Send it again.").into())
        }
    }
}

/// Who holds this token.
pub(super) async fn guest_of(house: &House, token: &str) -> Outcome<Guest> {
    let (door, token) = (house.door.clone(), token.to_owned());
    listen::blocking(move || {
        let now = door.clock.now();
        door.store.read(|tx| link::guest(tx, now, &door.desk, &token))
    })
    .await
}

/// The disk is for mail first.
pub(super) fn no_room() -> Fault {
    Refusal::conflict(
        "There is no room for this file now. Nothing was stored. Try again later, or send it in a smaller part.",
    )
    .into()
}
