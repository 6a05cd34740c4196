//! The guard at the door: who may come in, who a request acts for, and the headers that every answer carries.
//!
//! What a path asks for stands in the table of [`route`](super::route); here it is held. **Engineers** need a session: the cookie that
//! signing in gave their browser, under one of two addresses: the one of `web.url`, through a proxy or not, or this machine's
//! own names where nobody has forwarded the request (a page elsewhere that rebinds its own name to 127.0.0.1 still says its
//! own name). What changes something must come from a page of ours, by what the browser says of it and by the proof in
//! the form. A desk that is **open** has no sign-in, so it is reached under this machine's own names only.
//!
//! **Guests** come by a link whose token is the key, from anywhere, through any proxy, to a desk that is open or not: nothing there asks who
//! sends a request or what it was called, so there is nothing that a forwarded or foreign request could borrow.

use super::acting::{Acting, Place, Session};
use super::route::{self, Needs};
use super::{Door, House, Words, layout, listen, said, sign_in, spoken, status_of};
use crate::desk::policy::{self, Least};
use crate::desk::session;
use crate::desk::verb::Principal;
use crate::limits;
use crate::refusal::Refusal;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Form, FromRequest, MatchedPath, Request, State};
use axum::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use axum::http::{Method, StatusCode, Uri};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use flate2::Compression;
use flate2::write::GzEncoder;
use std::io::Write as _;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

/// What a proxy adds. Names that begin with `x-forwarded` count as well.
const FORWARDING: [&str; 6] = [
    "forwarded",
    "via",
    "x-real-ip",
    "x-client-ip",
    "true-client-ip",
    "cf-connecting-ip",
];

/// On every answer (SECURITY.md §5.7 of the design). No script of ours turns text into markup, so no policy may be made.
const HEADERS: [(HeaderName, &str); 8] = [
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; font-src 'self'; \
         form-action 'self'; frame-ancestors 'none'; base-uri 'none'; require-trusted-types-for 'script'; trusted-types 'none'",
    ),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    // Not no-referrer: then forms would say `Origin: null`, and the check below could not know them.
    (header::REFERRER_POLICY, "same-origin"),
    (
        HeaderName::from_static("permissions-policy"),
        "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()",
    ),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (header::VARY, "Accept-Encoding"),
];

/// Answers smaller than this are sent as they are.
const WORTH_ZIPPING_BYTES: usize = 1_000;

/// Lets a request in or answers it here; then dresses the answer.
pub async fn watch(State(house): State<House>, request: Request, next: Next) -> Response {
    let path = request.uri().path();
    let is_program = path.starts_with(route::GUESTS) && request.headers().contains_key("tus-resumable");
    let zips = request.method() != Method::HEAD && takes_gzip(request.headers());
    let answer = match admitted(&house, request).await {
        Ok(request) => next.run(request).await,
        Err(answer) => *answer,
    };
    // A program that uploads reads the status and nothing else.
    let answer = if is_program { answer } else { worded(answer) };
    let mut answer = zipped(answer, zips).await;
    for (name, value) in HEADERS {
        let value = HeaderValue::from_static(value);
        match name {
            // What holds foreign bytes is shut in further than a page.
            header::CONTENT_SECURITY_POLICY => _ = answer.headers_mut().entry(name).or_insert(value),
            name => _ = answer.headers_mut().insert(name, value),
        }
    }
    let kept = header::CACHE_CONTROL;
    answer
        .headers_mut()
        .entry(kept)
        .or_insert(HeaderValue::from_static("no-store"));
    answer
}

async fn admitted(house: &House, mut request: Request) -> Result<Request, Box<Response>> {
    let matched = request.extensions().get::<MatchedPath>();
    let needs = match matched {
        Some(path) => route::needs(path.as_str(), request.method()),
        None => route::elsewhere(request.uri().path()),
    };
    match needs {
        Needs::Nothing | Needs::TokenAndBody => Ok(request),
        Needs::Token => from_anywhere(house, request).await,
        Needs::Page | Needs::Session(_) | Needs::SessionAndBody(_) if house.door.open => {
            not_forwarded(request.headers()).map_err(told)?;
            let place = own_host(request.headers(), request.uri()).map_err(told)?;
            request.extensions_mut().insert(Acting::Anybody);
            request.extensions_mut().insert(place.clone());
            if is_safe(&request) {
                return Ok(request);
            }
            from_own_page(request.headers(), &place.origin).map_err(told)?;
            if let Needs::SessionAndBody(_) = needs {
                return Ok(request);
            }
            with_body(request).await.map(|(request, _)| request)
        }
        Needs::Page => of_a_page(house, request, None, true).await,
        Needs::Session(least) => of_a_page(house, request, Some(least), true).await,
        Needs::SessionAndBody(least) => of_a_page(house, request, Some(least), false).await,
    }
}

fn is_safe(request: &Request) -> bool {
    matches!(*request.method(), Method::GET | Method::HEAD)
}

/// Pages with sign-in: under an address of the desk, what changes something from a page of the desk, and where somebody must
/// be somebody, with a session.
async fn of_a_page(
    house: &House,
    mut request: Request,
    least: Option<Least>,
    is_form: bool,
) -> Result<Request, Box<Response>> {
    let door = &house.door;
    let place = place_of(&door.url, request.headers(), request.uri()).map_err(told)?;
    let is_safe = is_safe(&request);
    if !is_safe {
        from_own_page(request.headers(), &place.origin).map_err(told)?;
    }
    let mut words = Words::new();
    if !is_safe && is_form {
        let (with_body, bytes) = with_body(request).await?;
        (request, words) = typed(with_body, bytes).await;
    }
    // After the body, which may take its time: a session that ends meanwhile does nothing any more.
    let session = session_of(door, &place, request.headers(), !is_safe).await?;
    request.extensions_mut().insert(place.clone());
    let Some(session) = session else {
        if least.is_none() {
            request.extensions_mut().insert(Acting::Nobody);
            return Ok(request);
        }
        let (method, asked) = (request.method(), request.headers());
        let answer = sign_in::wanted(&door.desk, &place, request.uri(), method, asked, &words);
        return Err(Box::new(answer));
    };
    if let Some(least) = least {
        let who = Principal::Engineer(Box::new(session.signed.engineer.clone()));
        policy::require(&who, least).map_err(|fault| told(spoken(&fault)))?;
        if !is_safe && is_form && !session.made(&words) {
            return Err(Box::new(sign_in::of_another(&words)));
        }
    }
    request.extensions_mut().insert(Acting::Engineer(Arc::new(session)));
    Ok(request)
}

/// Whose session a request brings; writes down that it is used, now and then, and where a person asked.
async fn session_of(
    door: &Arc<Door>,
    place: &Place,
    asked: &HeaderMap,
    acts: bool,
) -> Result<Option<Session>, Box<Response>> {
    let Some(secret) = place.secret(asked).map(str::to_owned) else {
        return Ok(None);
    };
    let now = door.clock.now();
    let (for_read, given) = (Arc::clone(door), secret.clone());
    let found = listen::blocking(move || for_read.store.read(|tx| session::find(tx, now, &given))).await;
    let Some(signed) = found.map_err(|fault| told(spoken(&fault)))? else {
        return Ok(None);
    };
    // What a page asks by itself, to keep itself fresh, is no sign that anybody is there; words that are kept while they are typed are.
    let dest = asked
        .get("sec-fetch-dest")
        .map_or("document", |dest| dest.to_str().unwrap_or(""));
    if (dest == "document" || acts) && session::is_stale(&signed, now) {
        let id = signed.id;
        // A desk whose disk is full is still read: the session is as old as it was.
        if let Err(fault) = door.store.write_async(move |tx| session::seen(tx, now, id)).await {
            tracing::warn!(cause = %fault, "the use of a session was not written down");
        }
    }
    Ok(Some(Session::new(signed, &secret)))
}

/// The fields of a form, read before its handler reads them again.
async fn typed(request: Request, bytes: Bytes) -> (Request, Words) {
    let (head, body) = request.into_parts();
    let again = Request::from_parts(head.clone(), Body::from(bytes));
    let words = Form::<Words>::from_request(again, &()).await.map(|Form(words)| words);
    (Request::from_parts(head, body), words.unwrap_or_default())
}

/// Under which of its addresses the desk was asked.
fn place_of(url: &str, headers: &HeaderMap, uri: &Uri) -> Result<Place, Refusal> {
    let (scheme, named) = url.split_once("://").unwrap_or(("", url));
    let usual = if scheme == "https" { ":443" } else { ":80" };
    let is_named = |host: &str| {
        !named.is_empty() && (host.eq_ignore_ascii_case(named) || host.eq_ignore_ascii_case(&format!("{named}{usual}")))
    };
    let host = headers
        .get(header::HOST)
        .and_then(|host| host.to_str().ok())
        .unwrap_or("");
    let is_one = headers.get_all(header::HOST).iter().count() == 1;
    let agrees = uri
        .authority()
        .is_none_or(|one| one.as_str().eq_ignore_ascii_case(host));
    if is_one && agrees && is_named(host) {
        return Ok(Place {
            origin: url.to_owned(),
            is_secure: scheme == "https",
        });
    }
    match (not_forwarded(headers), own_host(headers, uri)) {
        (Ok(()), Ok(place)) => Ok(place),
        _ => Err(Refusal::forbidden(
            "Engineers reach this desk on its own machine, under localhost, 127.0.0.1 or [::1], or under the address of web.url in its \
             settings, which a proxy passes on as Host. This request named neither. Nothing was read or changed.",
        )),
    }
}

/// Pages for customers: reached under any name and through any proxy, since what they show hangs on a token. A form must
/// still come from the page itself.
async fn from_anywhere(house: &House, request: Request) -> Result<Request, Box<Response>> {
    if is_safe(&request) {
        return Ok(request);
    }
    from_page_of(request.headers(), &house.door.desk.web).map_err(told)?;
    with_body(request).await.map(|(request, _)| request)
}

/// Whether a form comes from a page of the host that it is sent to, or of the desk's outside address.
fn from_page_of(headers: &HeaderMap, web: &str) -> Result<(), Refusal> {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let host = text(header::HOST).unwrap_or("");
    let is_ours = |origin: &str| {
        let named = origin.split_once("://").map_or(origin, |(_, host)| host);
        named.eq_ignore_ascii_case(host) || (!web.is_empty() && origin.eq_ignore_ascii_case(web))
    };
    let allowed = match (text(HeaderName::from_static("sec-fetch-site")), text(header::ORIGIN)) {
        (Some("same-origin"), _) => true,
        (Some("none") | None, Some(origin)) => is_ours(origin),
        _ => false,
    };
    match allowed {
        true => Ok(()),
        false => Err(Refusal::forbidden(
            "This was sent by a page that is not this desk's. Nothing was changed. Open the link of your mail and press the \
             button there.",
        )),
    }
}

fn told(refusal: Refusal) -> Box<Response> {
    Box::new(said(&refusal))
}

fn not_forwarded(headers: &HeaderMap) -> Result<(), Refusal> {
    let forwarded = headers.keys().find(|name| {
        let name = name.as_str();
        FORWARDING.contains(&name) || name.starts_with("x-forwarded")
    });
    match forwarded {
        None => Ok(()),
        Some(name) => Err(Refusal::forbidden(format!(
            "This request came through a proxy (it carries {name}), and this desk is open to its own machine only. \
             Nothing was read or changed. Reach it directly, or set web.open = false."
        ))),
    }
}

/// The host that the request names, if it is this machine.
fn own_host(headers: &HeaderMap, uri: &Uri) -> Result<Place, Refusal> {
    let mut named = headers.get_all(header::HOST).iter();
    let host = named.next().and_then(|host| host.to_str().ok()).unwrap_or("");
    let agrees = uri
        .authority()
        .is_none_or(|authority| authority.as_str().eq_ignore_ascii_case(host));
    if named.next().is_none() && agrees && is_this_machine(host) {
        return Ok(Place {
            origin: format!("http://{host}"),
            is_secure: false,
        });
    }
    Err(Refusal::forbidden(
        "This desk is open to its own machine only, under the names localhost, 127.0.0.1 and [::1]. \
         Nothing was read or changed. Open it under one of them.",
    ))
}

/// `localhost` or an address of loopback, with or without a port. An address cannot be rebound; any other name can.
pub fn is_this_machine(host: &str) -> bool {
    let bare = match host.rsplit_once(':') {
        Some((bare, port)) if !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit()) => bare,
        _ => host,
    };
    let is_loopback = |text: &str| text.parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
    match bare.strip_prefix('[').and_then(|bare| bare.strip_suffix(']')) {
        Some(bracketed) => is_loopback(bracketed),
        None => bare.eq_ignore_ascii_case("localhost") || (!bare.contains(':') && is_loopback(bare)),
    }
}

/// Whether the act comes from a page of ours: the browser says so, in words that no page can forge.
fn from_own_page(headers: &HeaderMap, own: &str) -> Result<(), Refusal> {
    let text = |name| headers.get(name).map(|value| value.to_str().unwrap_or("?"));
    let origin = text(header::ORIGIN);
    let is_own = origin.is_some_and(|origin| origin.eq_ignore_ascii_case(own));
    let fetched = text(HeaderName::from_static("sec-fetch-site"));
    let allowed = match fetched {
        Some("same-origin") => origin.is_none() || is_own,
        Some("none") | None => is_own,
        Some(_) => false,
    };
    match allowed {
        true => Ok(()),
        false => Err(Refusal::forbidden(
            "This was sent by a page that is not this desk's. Nothing was changed and no promise is affected. \
             Open the case here and send it again.",
        )),
    }
}

/// Reads the body of a form, within its size and time.
async fn with_body(request: Request) -> Result<(Request, Bytes), Box<Response>> {
    let (head, body) = request.into_parts();
    let patience = Duration::from_secs(limits::HTTP_BODY_SECONDS);
    let status = match tokio::time::timeout(patience, to_bytes(body, limits::HTTP_BODY_BYTES)).await {
        Ok(Ok(bytes)) => return Ok((Request::from_parts(head, Body::from(bytes.clone())), bytes)),
        Ok(Err(_)) => StatusCode::PAYLOAD_TOO_LARGE,
        Err(_) => StatusCode::REQUEST_TIMEOUT,
    };
    Err(Box::new(status.into_response()))
}

/// Gives words to an answer that has none: a bare number helps nobody.
fn worded(answer: Response) -> Response {
    let status = answer.status();
    let is_bare = !answer
        .headers()
        .get(header::CONTENT_TYPE)
        .is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"));
    if !is_bare || !(status.is_client_error() || status.is_server_error()) {
        return answer;
    }
    let refusal = match status {
        StatusCode::METHOD_NOT_ALLOWED => Refusal::usage("This page cannot be asked in this way. Nothing was changed."),
        StatusCode::PAYLOAD_TOO_LARGE => {
            Refusal::usage("This is longer than 1 MB. Nothing was changed. Send what is long as a file.")
        }
        StatusCode::REQUEST_TIMEOUT => {
            Refusal::usage("The form did not arrive whole. Nothing was changed. Send it again.")
        }
        _ => Refusal::usage("This request was not understood. Nothing was changed. Go back and send it again."),
    };
    debug_assert_ne!(status, status_of(refusal.kind), "said by its own handler");
    let (mut head, _) = answer.into_parts();
    head.headers.remove(header::CONTENT_LENGTH);
    head.headers.remove(header::CONTENT_TYPE);
    let mut page = layout::refusal(&refusal).into_response();
    *page.status_mut() = head.status;
    page.headers_mut().extend(head.headers);
    page
}

/// Whether the asker reads gzip.
pub fn takes_gzip(headers: &HeaderMap) -> bool {
    let accepted = headers
        .get_all(header::ACCEPT_ENCODING)
        .iter()
        .filter_map(|value| value.to_str().ok());
    accepted.flat_map(|value| value.split(',')).any(|one| {
        let (coding, quality) = one.split_once(';').unwrap_or((one, ""));
        let refused = matches!(quality.trim().strip_prefix("q="), Some("0" | "0.0" | "0.00" | "0.000"));
        coding.trim().eq_ignore_ascii_case("gzip") && !refused
    })
}

/// Compresses a page. Pages hold nothing that a reader of lengths could guess at: the session's secret is in none, and the proof
/// in their forms goes only to a browser that asks from a page of ours or follows a link, never to another site's script.
async fn zipped(answer: Response, zips: bool) -> Response {
    let is_page = answer
        .headers()
        .get(header::CONTENT_TYPE)
        .is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"));
    if !zips || !is_page {
        return answer;
    }
    let (mut head, body) = answer.into_parts();
    let Ok(bytes) = to_bytes(body, usize::MAX).await else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    if bytes.len() < WORTH_ZIPPING_BYTES {
        return Response::from_parts(head, Body::from(bytes));
    }
    head.headers.remove(header::CONTENT_LENGTH);
    head.headers
        .insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    Response::from_parts(head, Body::from(gzip(&bytes, Compression::new(5))))
}

/// Bytes as gzip; a buffer in memory does not fail.
pub fn gzip(bytes: &[u8], effort: Compression) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::with_capacity(bytes.len() / 3), effort);
    let _ = encoder.write_all(bytes);
    encoder.finish().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(fields: &[(&'static str, &'static str)]) -> HeaderMap {
        let pairs = fields
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)));
        pairs.collect()
    }

    #[test]
    fn only_names_of_this_machine_are_its_own() {
        for own in [
            "localhost",
            "LOCALHOST:8025",
            "127.0.0.1",
            "127.0.0.1:8025",
            "[::1]",
            "[::1]:8025",
            "127.0.0.2:1",
        ] {
            assert!(is_this_machine(own), "{own}");
        }
        for other in [
            "",
            "evil.example",
            "localhost.evil.example",
            "127.0.0.1.evil.example:80",
            "10.0.0.1",
            "localhost:",
            "::1",
            "[::1",
            "0.0.0.0",
        ] {
            assert!(!is_this_machine(other), "{other}");
        }
    }

    #[test]
    fn an_act_comes_from_a_page_of_ours() {
        let host = "http://127.0.0.1:8025";
        let own = ("origin", "http://127.0.0.1:8025");
        for fields in [
            &[own][..],
            &[own, ("sec-fetch-site", "same-origin")],
            &[own, ("sec-fetch-site", "none")],
            &[("sec-fetch-site", "same-origin")],
        ] {
            assert!(from_own_page(&headers(fields), host).is_ok(), "{fields:?}");
        }
        for fields in [
            &[][..],
            &[("sec-fetch-site", "none")],
            &[own, ("sec-fetch-site", "cross-site")],
            &[own, ("sec-fetch-site", "same-site")],
            &[("origin", "http://127.0.0.1:9")],
            &[("origin", "https://127.0.0.1:8025")],
            &[("origin", "null"), ("sec-fetch-site", "none")],
            &[("origin", "http://evil.example"), ("sec-fetch-site", "same-origin")],
        ] {
            assert!(from_own_page(&headers(fields), host).is_err(), "{fields:?}");
        }
    }

    #[test]
    fn gzip_is_used_only_where_it_is_taken() {
        assert!(takes_gzip(&headers(&[("accept-encoding", "br, GZIP;q=0.5")])));
        assert!(!takes_gzip(&headers(&[("accept-encoding", "br, gzip;q=0")])));
        assert!(!takes_gzip(&HeaderMap::new()));
    }
}
