//! Files that go with a reply: a field in its form, sent by a button of its own. `duly reply --attach` is the twin.
//!
//! The button sends the whole form, so that what is typed is kept as a draft along with the files; the form that comes back names
//! them, each with a mark that can be taken away. Small ones go in the mail itself, large ones by link; the desk decides that when the
//! reply is sent. Bytes are written to disk piece by piece; nothing is stored before the form has proven whose page it is of.

use super::acting::Acting;
use super::case::{self, Asked};
use super::guest::{Lying, no_room, patiently, write_field};
use super::{House, Words, answered, composer, listen, sign_in, spoken, status_of, tus};
use crate::desk::engineer::Engineer;
use crate::desk::upload::{self, Sender};
use crate::desk::{CaseId, draft};
use crate::limits;
use crate::refusal::{Outcome, Refusal};
use anyhow::Context;
use axum::extract::multipart::Field;
use axum::extract::{FromRequest, Multipart, Path, Request, State as Given};
use axum::response::{IntoResponse, Redirect, Response};

/// Name of the field with the files.
pub const FIELD: &str = "files";
/// What the mark of an attached file begins with; its key follows, its value is its name.
pub const MARK: &str = "file-";

/// What came of a form so far.
enum Came {
    /// All of it is kept.
    Whole(Words, Engineer),
    /// Its page was made for somebody else.
    Foreign(Words),
    /// Something was refused; what was typed.
    Refused(Words, Refusal),
}

/// Takes the files of a form, and its words as a draft.
pub async fn take(Given(house): Given<House>, acting: Acting, Path(named): Path<String>, request: Request) -> Response {
    let case = match case::number(&named) {
        Ok(case) => case,
        Err(refusal) => return super::said(&refusal),
    };
    let Ok(form) = Multipart::from_request(request, &()).await else {
        return super::said(&Refusal::usage("This is no form with a file. Nothing was stored."));
    };
    match came(&house, &acting, case, form).await {
        Ok(Came::Whole(words, engineer)) => kept(house, acting, case, words, engineer).await,
        Ok(Came::Foreign(words)) => sign_in::of_another(&words),
        Ok(Came::Refused(words, refusal)) => again(house, acting, case, words, refusal).await,
        Err(fault) => super::said(&spoken(&fault)),
    }
}

/// Where whoever asks for its address is sent.
pub async fn back(Path(named): Path<String>) -> Response {
    match case::number(&named) {
        Ok(case) => Redirect::to(&format!("/c/{}", case.0)).into_response(),
        Err(refusal) => super::said(&refusal),
    }
}

/// Reads the form in its order: the proof first, then what is typed, then the files.
async fn came(house: &House, acting: &Acting, case: CaseId, mut form: Multipart) -> Outcome<Came> {
    let mut words = Words::new();
    let (mut bytes, mut left, mut count) = (0, limits::FORM_UPLOAD_BYTES, 0);
    let mut whose = None;
    while let Some(field) = patiently(form.next_field()).await? {
        let name = field.name().unwrap_or_default().to_owned();
        let Some(file) = field.file_name().map(str::to_owned) else {
            let text = patiently(field.text()).await?;
            bytes += name.len() + text.len();
            if bytes > limits::HTTP_BODY_BYTES {
                let long = Refusal::usage(
                    "These words are longer than 1 MB. Nothing was stored. Send what is long as a file.",
                );
                return Ok(Came::Refused(Words::new(), long));
            }
            words.insert(name, text);
            continue;
        };
        if name != FIELD || file.is_empty() {
            continue;
        }
        if acting.signed().is_some_and(|session| !session.made(&words)) {
            return Ok(Came::Foreign(words));
        }
        let engineer = match engineer(house, acting, &words).await {
            Ok(engineer) => engineer,
            Err(fault) => return Ok(Came::Refused(words, spoken(&fault))),
        };
        count += 1;
        let many =
            || Refusal::usage("Too many files in one form. Those before it are attached; attach the rest by itself.");
        let stored = match count > limits::FORM_UPLOADS {
            true => Err(many().into()),
            false => store(house, case, &engineer, (file.clone(), left), field).await,
        };
        match stored {
            Ok((key, size)) => {
                left -= size;
                words.insert(format!("{MARK}{key}"), file);
            }
            Err(fault) => return Ok(Came::Refused(words, spoken(&fault))),
        }
        whose = Some(engineer);
    }
    if acting.signed().is_some_and(|session| !session.made(&words)) {
        return Ok(Came::Foreign(words));
    }
    Ok(match whose {
        Some(engineer) => Came::Whole(words, engineer),
        None => Came::Refused(words, Refusal::usage("No file was chosen, so nothing is attached.")),
    })
}

async fn engineer(house: &House, acting: &Acting, words: &Words) -> Outcome<Engineer> {
    let (door, acting, words) = (house.door.clone(), acting.clone(), words.clone());
    listen::blocking(move || door.store.read(|tx| acting.engineer(tx, &words))).await
}

/// Writes one file: on disk first, then the row that says so.
async fn store(
    house: &House,
    case: CaseId,
    engineer: &Engineer,
    (name, most): (String, u64),
    field: Field<'_>,
) -> Outcome<(String, u64)> {
    if !house.door.files.has_room(most) {
        return Err(no_room());
    }
    let claimed = field.content_type().unwrap_or("application/octet-stream").to_owned();
    let key = tus::key()?;
    let path = house.door.files.staged(&key);
    let mut lying = Lying(Some(path.clone()));
    let advice = "`duly reply --attach` takes larger ones.";
    let bytes = write_field(field, &path, most, advice).await?;
    let folder = house.door.clone();
    listen::blocking(move || Ok(folder.files.sync_staging().context("sync the folder of uploads")?)).await?;
    let (now, whose, named) = (house.door.clock.now(), engineer.id, key.clone());
    let written = house.door.store.write_async(move |tx| {
        let upload = upload::open(tx, now, case, Sender::Engineer(whose), &named, (&name, &claimed), bytes)?;
        match bytes {
            0 => Ok(()),
            _ => upload::grown(tx, now, upload.id, bytes),
        }
    });
    written.await?;
    lying.0 = None;
    Ok((key, bytes))
}

/// The words are a draft from now on that names its files; the form comes back with both.
async fn kept(house: House, acting: Acting, case: CaseId, words: Words, engineer: Engineer) -> Response {
    let (now, typed) = (house.door.clock.now(), composer::typed(case, &words));
    let done = house
        .door
        .store
        .write_async(move |tx| draft::keep(tx, now, engineer.id, &typed))
        .await;
    match done {
        Ok(Some((id, _))) => {
            let query = acting.query(engineer.id.0, "attach");
            Redirect::to(&format!("/c/{}{query}&draft={id}#reply", case.0)).into_response()
        }
        Ok(None) => Redirect::to(&format!("/c/{}", case.0)).into_response(),
        Err(fault) => again(house, acting, case, words, spoken(&fault)).await,
    }
}

/// The page once more, with everything that was typed and what is attached already.
async fn again(house: House, acting: Acting, case: CaseId, words: Words, refusal: Refusal) -> Response {
    let status = status_of(refusal.kind);
    let asked = Asked {
        refusal: Some(refusal),
        words,
        ..Asked::default()
    };
    answered(listen::blocking(move || Ok((status, case::render(&house, &acting, case, asked)?))).await)
}
