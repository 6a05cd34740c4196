//! Who a request acts for: found once by the guard, and handed to every handler.
//!
//! On a desk with sign-in it is whose session the cookie opens, and nothing in the request can make it somebody else. On a
//! desk that is `open` it is whoever the form names. Forms of somebody signed in carry a proof that their page was made for
//! this very session; it is derived from the cookie's secret and says nothing of it.

use super::Words;
use super::layout::encoded;
use crate::desk::engineer::{self, Engineer};
use crate::desk::session::Signed;
use crate::limits;
use crate::refusal::{Outcome, Refusal};
use crate::store::Tx;
use axum::extract::FromRequestParts;
use axum::http::header::{self, HeaderMap};
use axum::http::request::Parts;
use data_encoding::BASE32_NOPAD;
use maud::{Markup, html};
use sha2::{Digest, Sha256};
use std::convert::Infallible;
use std::sync::Arc;

/// Who a request acts for.
#[derive(Clone)]
pub enum Acting {
    /// An open desk: whoever the form names.
    Anybody,
    /// Nobody: a page that is there before one is signed in.
    Nobody,
    /// Whose session it is.
    Engineer(Arc<Session>),
}

/// A session in use.
pub struct Session {
    /// Whose, and which.
    pub signed: Signed,
    /// What its forms carry.
    proof: String,
}

impl Session {
    /// The session that a secret opened.
    pub fn new(signed: Signed, secret: &str) -> Session {
        let mut hash = Sha256::new();
        hash.update(b"a form of the session ");
        hash.update(secret.as_bytes());
        let proof = BASE32_NOPAD.encode(&hash.finalize()[..20]).to_lowercase();
        Session { signed, proof }
    }

    /// Whether a form was made for this session.
    pub fn made(&self, words: &Words) -> bool {
        words.get(PROOF) == Some(&self.proof)
    }
}

/// Name of the field with the proof.
const PROOF: &str = "form";

impl Acting {
    /// The engineer who acts. Only on an open desk the form has a say.
    pub fn engineer(&self, tx: &mut Tx<'_>, words: &Words) -> Outcome<Engineer> {
        match self {
            Acting::Engineer(session) => Ok(session.signed.engineer.clone()),
            Acting::Anybody => engineer::find(tx, words.get("as").map_or("", String::as_str)),
            Acting::Nobody => Err(Refusal::forbidden("Nobody is signed in here. Nothing was changed.").into()),
        }
    }

    /// Whose session it is.
    pub fn signed(&self) -> Option<&Session> {
        match self {
            Acting::Engineer(session) => Some(session),
            _ => None,
        }
    }

    /// What every form of a page carries.
    pub fn proof(&self) -> Markup {
        html! {
            @if let Some(session) = self.signed() { input type="hidden" name=(PROOF) value=(session.proof); }
        }
    }

    /// The query by which a page after an act remembers who acted: only an open desk has to.
    pub fn query(&self, engineer: i64, done: &str) -> String {
        match self {
            Acting::Engineer(_) => format!("?done={done}"),
            _ => format!("?as={engineer}&done={done}"),
        }
    }
}

impl<S: Sync> FromRequestParts<S> for Acting {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Acting, Infallible> {
        // What no guard has looked at acts for nobody.
        Ok(parts.extensions.get::<Acting>().cloned().unwrap_or(Acting::Nobody))
    }
}

/// Name of the cookie that remembers a page. It opens nothing.
const WANTED: &str = "duly-wanted";

/// Whether a text is the address of a page on this host and of nothing else: what browsers read as another host (`//elsewhere`, `/\elsewhere`) is
/// none, nor is what could end a header.
fn is_page(text: &str) -> bool {
    text.starts_with('/')
        && !text.starts_with("//")
        && text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\')
}

/// What [`encoded`] has said.
fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        match byte {
            b'%' => {
                let pair = [rest.next()?, rest.next()?];
                bytes.push(u8::from_str_radix(std::str::from_utf8(&pair).ok()?, 16).ok()?);
            }
            byte => bytes.push(byte),
        }
    }
    String::from_utf8(bytes).ok()
}

/// Under which address a page of the desk was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Scheme and host, as browsers say it in `Origin`.
    pub origin: String,
    /// Browsers reach it by TLS.
    pub is_secure: bool,
}

impl Place {
    /// Name of the cookie. The prefix makes browsers refuse it from anybody but this host, and without TLS.
    fn cookie(&self) -> &'static str {
        match self.is_secure {
            true => "__Host-duly",
            false => "duly",
        }
    }

    /// The secret that a request brings.
    pub fn secret<'a>(&self, headers: &'a HeaderMap) -> Option<&'a str> {
        let all = headers
            .get_all(header::COOKIE)
            .iter()
            .filter_map(|value| value.to_str().ok());
        let mut pairs = all
            .flat_map(|value| value.split(';'))
            .filter_map(|pair| pair.trim().split_once('='));
        pairs
            .find(|(name, value)| *name == self.cookie() && !value.is_empty())
            .map(|(_, value)| value)
    }

    /// The header that gives a browser its session. An administrator's cookie does not even come along when a link elsewhere
    /// is followed.
    pub fn cookie_of(&self, engineer: &Engineer, secret: &str) -> String {
        let strictness = match engineer.role {
            engineer::Role::Administrator => "Strict",
            _ => "Lax",
        };
        self.header(secret, strictness, limits::SESSION_DAYS * 24 * 3600)
    }

    /// The header that takes it away.
    pub fn no_cookie(&self) -> String {
        self.header("", "Lax", 0)
    }

    /// The header by which a browser remembers which page it wanted, until it is signed in; none where that is the first one anyway.
    pub fn remembers(&self, wanted: &str) -> Option<String> {
        let is_worth_it = wanted != "/" && is_page(wanted) && wanted.len() <= limits::WANTED_BYTES;
        is_worth_it.then(|| self.note(&encoded(wanted), limits::SIGN_IN_MINUTES * 2 * 60))
    }

    /// The header by which it forgets that.
    pub fn forgets(&self) -> String {
        self.note("", 0)
    }

    fn note(&self, value: &str, seconds: i64) -> String {
        let secure = if self.is_secure { "; Secure" } else { "" };
        format!("{WANTED}={value}; Path=/sign-in; HttpOnly; SameSite=Lax; Max-Age={seconds}{secure}")
    }

    /// The page of ours that a browser wanted before it signed in; the first one where it says nothing, or names anything else.
    pub fn wanted(headers: &HeaderMap) -> String {
        let all = headers.get_all(header::COOKIE).iter();
        let pairs = all
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(';'));
        let mut pairs = pairs.filter_map(|pair| pair.trim().split_once('='));
        let named = pairs
            .find(|(name, _)| *name == WANTED)
            .and_then(|(_, value)| decoded(value));
        named.filter(|path| is_page(path)).unwrap_or_else(|| "/".to_owned())
    }

    fn header(&self, value: &str, strictness: &str, seconds: i64) -> String {
        let secure = if self.is_secure { "; Secure" } else { "" };
        let name = self.cookie();
        format!("{name}={value}; Path=/; HttpOnly; SameSite={strictness}; Max-Age={seconds}{secure}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(is_secure: bool) -> Place {
        Place {
            origin: String::new(),
            is_secure,
        }
    }

    #[test]
    fn a_cookie_of_the_wrong_name_opens_nothing() {
        let mut headers = HeaderMap::new();
        headers.append(header::COOKIE, "a=b; duly=plain".parse().unwrap());
        headers.append(header::COOKIE, "__Host-duly=safe;c".parse().unwrap());
        assert_eq!(place(false).secret(&headers), Some("plain"));
        assert_eq!(place(true).secret(&headers), Some("safe"));
        headers.remove(header::COOKIE);
        headers.append(header::COOKIE, "xduly=1; duly=; Duly=2".parse().unwrap());
        assert_eq!(place(false).secret(&headers), None);
        assert_eq!(place(true).secret(&headers), None);
    }

    #[test]
    fn a_browser_remembers_pages_of_this_host_and_nothing_else() {
        let back = |path: &str| {
            let said = place(true).remembers(path)?;
            let mut headers = HeaderMap::new();
            headers.append(header::COOKIE, said.split(';').next()?.parse().ok()?);
            Some(Place::wanted(&headers))
        };
        for path in ["/c/7", "/s?q=%22a%20b%22&before=3", "/ledger?week=2026-03-02"] {
            assert_eq!(back(path).as_deref(), Some(path));
        }
        let long = format!("/{}", "a".repeat(limits::WANTED_BYTES));
        for other in [
            "/",
            "//evil.example",
            "/\\evil.example",
            "https://evil.example",
            "",
            "/a b",
            "/a\r\nX: y",
            &long,
        ] {
            assert_eq!(back(other), None, "{other}");
        }
        for set in [
            "duly-wanted=//evil.example",
            "duly-wanted=%2F%2Fevil.example",
            "duly-wanted=%2F%5Cevil.example",
            "duly-wanted=%2",
            "x=1",
        ] {
            let mut headers = HeaderMap::new();
            headers.append(header::COOKIE, set.parse().unwrap());
            assert_eq!(Place::wanted(&headers), "/", "{set}");
        }
    }

    #[test]
    fn a_cookie_over_tls_belongs_to_its_host_alone() {
        let said = place(true).no_cookie();
        assert!(
            said.starts_with("__Host-duly=;") && said.ends_with("; Secure"),
            "{said}"
        );
        assert!(said.contains("; Path=/; HttpOnly; SameSite="), "{said}");
        assert!(!place(false).no_cookie().contains("Secure"));
    }
}
