//! Downloads: a file of a case for an engineer, or one that we sent for whom we sent it to.
//!
//! Bytes that somebody else made are never a page of ours: they are saved, not shown, but for pictures and plain text
//! that were asked for in place; either way in a sandbox without origin, without scripts, and under the type that the
//! bytes have, not the one they claim (SECURITY.md §5.7). What is infected is not given out here.

use super::{House, Words, listen, said, spoken};
use crate::desk::file::{self, FileRow};
use crate::desk::{CaseId, FileId, link, upload};
use crate::files::sniff;
use crate::refusal::{Outcome, Refusal};
use axum::body::Body;
use axum::extract::{Path, Query, State as Given};
use axum::http::header::{self, HeaderName};
use axum::response::{IntoResponse, Response};

/// What a browser may do with foreign bytes: nothing.
const SANDBOX: &str = "sandbox; default-src 'none'; img-src 'self'; style-src 'unsafe-inline'; frame-ancestors 'none'";

/// Gives out a file of a case; with `?show` in place, if it may be.
pub async fn show(
    Given(house): Given<House>,
    Path((case, named)): Path<(String, String)>,
    Query(words): Query<Words>,
) -> Response {
    let door = house.door.clone();
    let found = listen::blocking(move || {
        let case: CaseId = super::case::number(&case)?;
        let file = named.parse().map_err(|_| no_such(case))?;
        door.store.read(|tx| file::given_out(tx, case, FileId(file)))
    });
    give(&house, found.await, words.contains_key("show")).await
}

/// Gives out a file that we sent with a reply.
pub async fn fetch(Given(house): Given<House>, Path((token, key)): Path<(String, String)>) -> Response {
    let door = house.door.clone();
    let found = listen::blocking(move || {
        let now = door.clock.now();
        door.store.read(|tx| {
            let guest = link::guest(tx, now, &door.desk, &token)?;
            upload::for_guest(tx, &guest, &key)
        })
    });
    match found.await {
        Ok(row) => give(&house, Ok(row), false).await,
        Err(fault) => super::guest::refused(&spoken(&fault)),
    }
}

fn no_such(case: CaseId) -> Refusal {
    Refusal::missing(format!(
        "Case {} has no such file. A file has a number, as in /c/{}/f/3.",
        case.0, case.0
    ))
}

async fn give(house: &House, found: Outcome<FileRow>, in_place: bool) -> Response {
    let row = match found {
        Ok(row) => row,
        Err(fault) => return said(&spoken(&fault)),
    };
    let bytes = match house.door.files.read(row.customer, &row.sha256, 0).await {
        Ok(bytes) => bytes,
        Err(cause) => return said(&spoken(&cause.into())),
    };
    let shown = in_place && sniff::may_be_shown(&row.kind);
    let kind = match (shown, row.kind.as_str()) {
        (true, "text/plain") => "text/plain; charset=utf-8",
        (true, kind) => kind,
        // A browser that is told nothing about a download cannot be talked into opening it.
        (false, _) => "application/octet-stream",
    };
    let headers = [
        (header::CONTENT_TYPE, kind.to_owned()),
        (header::CONTENT_LENGTH, row.bytes.to_string()),
        (header::CONTENT_DISPOSITION, sniff::disposition(&row.name, shown)),
        (header::CONTENT_SECURITY_POLICY, SANDBOX.to_owned()),
        (
            HeaderName::from_static("digest"),
            format!("sha-256={}", base64_of(&row.sha256)),
        ),
    ];
    (headers, Body::from_stream(bytes)).into_response()
}

fn base64_of(hex: &str) -> String {
    let bytes = data_encoding::HEXLOWER.decode(hex.as_bytes()).unwrap_or_default();
    data_encoding::BASE64.encode(&bytes)
}
