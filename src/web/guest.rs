//! The page of somebody who came by the link in a mail: files are sent here, of any size with a script, small ones
//! without.
//!
//! The link is the key, and it opens this and nothing else: no words of the case are shown, only its number, the promised
//! time and the holder's own uploads. There is no cookie, so a page elsewhere that sends a form here has nothing to
//! borrow. GET changes nothing; machines that read mail open every link.

use super::reader::Reader;
use super::{House, asset, layout, listen, spoken, status_of, tus};
use crate::desk::link::{self, Guest};
use crate::desk::promise::{self, Promise};
use crate::desk::upload::{self, Sender, Upload, size};
use crate::desk::{Desk, customer};
use crate::limits;
use crate::refusal::{Fault, Outcome, Refusal};
use anyhow::Context;
use axum::extract::multipart::MultipartError;
use axum::extract::{FromRequest, Multipart, Path, Query, Request, State as Given};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
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
            let contact = customer::contact(tx, guest.contact)?;
            let shown = Shown {
                reader: &Reader::of(&contact, &door.desk, now),
                guest: &guest,
                token: &token,
                promises: &promise::open_of(tx, guest.case)?,
                uploads: &upload::of_guest(tx, &guest)?,
                is_sent: words.contains_key("sent"),
            };
            Ok(page(&door.desk, &shown))
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

/// What stands on the page.
struct Shown<'a> {
    reader: &'a Reader,
    guest: &'a Guest,
    token: &'a str,
    promises: &'a [Promise],
    uploads: &'a [Upload],
    is_sent: bool,
}

fn page(desk: &Desk, shown: &Shown<'_>) -> Markup {
    let (reader, guest, token) = (shown.reader, shown.guest, shown.token);
    let address = format!("/t/{token}/up");
    let case = guest.case.0.to_string();
    let (form, most) = (
        reader.size(limits::FORM_UPLOAD_BYTES),
        reader.size(limits::UPLOAD_BYTES),
    );
    reader.page(
        &reader.say("w-guest-title", &[("case", (&case).into())]),
        html! {
            p.lead { (reader.say("w-for", &[("desk", (&desk.name).into()), ("name", (&guest.name).into())])) }
            @if shown.is_sent { (layout::done(&reader.word("w-sent"))) }
            @match (guest.is_closed, shown.promises.iter().min_by_key(|one| one.due)) {
                (true, _) => p { (reader.word("w-closed")) },
                (_, Some(nearest)) => {
                    // Why a time stands as it does is for whom it was promised.
                    @if nearest.contact == guest.contact { (reader.promised(nearest)) }
                    @else { p { (reader.word("w-reply-by")) " " strong { (reader.time(nearest.due)) } "." } }
                    p { a href={ "/t/" (token) "/time" } { (reader.word("w-other-time")) } " · "
                        a href={ "/t/" (token) "/worse" } { (reader.word("w-worse")) } }
                },
                _ => {}
            }
            form #upload method="post" action=(address) enctype="multipart/form-data" data-most=(limits::UPLOAD_BYTES) {
                label.field for="file" { (reader.word("w-files")) input #file type="file" name="file" multiple required; }
                div.send { button.main { (reader.word("w-send")) } }
                p.hint { (reader.say("w-files-hint", &[("form", (&form).into()), ("most", (&most).into())])) }
            }
            ul #progress aria-live="polite" {}
            @if !shown.uploads.is_empty() {
                h2 { (reader.word("w-your-files")) }
                ul.files { @for one in shown.uploads { li { strong { (one.name) } " " span.address { (state(reader, one)) } } } }
            }
            p.hint { (reader.say("w-guest-hint", &[("desk", (&desk.name).into())])) }
            script src=(asset::UPLOAD.path) defer {}
        },
    )
}

fn state(reader: &Reader, one: &Upload) -> String {
    let (have, all) = (reader.size(one.have), reader.size(one.bytes));
    match one.state.as_str() {
        "open" => reader.say("w-file-coming", &[("have", (&have).into()), ("size", (&all).into())]),
        "whole" => reader.say("w-file-stored", &[("size", (&all).into())]),
        _ => reader.say("w-file-whole", &[("size", (&all).into())]),
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
