//! Sealed mail: signed or encrypted, with OpenPGP or S/MIME.
//!
//! Promises: a seal is recognised by its form alone, keys or none; what it says of itself (signed by whom, valid or not and
//! why; encrypted, opened with which key or why not) is stated with the mail in words that a person can act on; content
//! that was opened is bounded, and so is the number of seals in seals. A signature counts for its signer's address and
//! nobody else's: one that is right and belongs to another than the sender is said so.
//! Leaves out: authority. A seal earns no promise and opens no door; that is `verify`'s and the desk's business. Leaves
//! out too: asking the net for keys or revocations, which would tell the world who reads what.

mod ber;
mod envelope;
pub mod given;
mod keys;
mod pgp;
mod smime;
mod smime_write;
mod write;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::limits;
use crate::mail::body;
use crate::mail::limit::{Outline, Part, Shape};
pub use keys::{KeyFiles, Keyring};
pub use write::{Unsealed, Wish, seal};

/// Which kind of seal.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scheme {
    /// RFC 9580, RFC 3156.
    #[default]
    OpenPgp,
    /// RFC 8551.
    Smime,
}

impl std::fmt::Display for Scheme {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Scheme::OpenPgp => "OpenPGP",
            Scheme::Smime => "S/MIME",
        })
    }
}

/// What became of a seal.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// A signature that is right, by the sender.
    Valid,
    /// A signature that is right, by somebody else than the sender.
    OfAnother,
    /// A signature that does not fit what was signed, or a key that must not be believed any more.
    Invalid,
    /// A signature by a key or a certificate that is not known here, or that cannot be read.
    #[default]
    Unknown,
    /// Encrypted, and opened.
    Opened,
    /// Encrypted, and not opened.
    Closed,
}

/// One seal of a mail, outermost first.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seal {
    /// Which kind.
    pub scheme: Scheme,
    /// What became of it.
    pub state: State,
    /// Who signed, as the key has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// The key: its fingerprint or id, or the serial number and the issuer of a certificate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// When it was signed, as the signature claims.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Timestamp>,
    /// All of that in a sentence, with what to do about it.
    pub said: String,
}

impl Seal {
    fn new(scheme: Scheme, state: State, said: impl Into<String>) -> Seal {
        Seal {
            scheme,
            state,
            said: said.into(),
            ..Seal::default()
        }
    }
}

/// What a part is sealed with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sealed {
    /// `multipart/encrypted`: the part that holds the message.
    PgpMessage(usize),
    /// `multipart/signed`: what is signed, and its signature.
    PgpSigned(usize, usize),
    /// `application/pkcs7-mime`: this part.
    Cms(usize),
    /// `multipart/signed`: what is signed, and its signature.
    CmsSigned(usize, usize),
}

impl Sealed {
    /// The part that holds what is sealed.
    pub(crate) fn part(self) -> usize {
        match self {
            Sealed::PgpMessage(part) | Sealed::Cms(part) | Sealed::PgpSigned(part, _) | Sealed::CmsSigned(part, _) => {
                part
            }
        }
    }
}

/// The sealed part of a mail: the mail itself, or the first part of what mailing lists wrap around it.
pub(crate) fn find(outline: &Outline<'_>) -> Option<(usize, Sealed)> {
    let mut at = 0;
    for _ in 0..limits::SEALS {
        if let Some(sealed) = sealed(outline, at) {
            return Some((at, sealed));
        }
        let part = &outline.parts[at];
        if part.shape != Shape::Multipart || part.media.is("multipart", "alternative") {
            return None;
        }
        at = children(outline, at).next()?;
    }
    None
}

fn children<'o>(outline: &'o Outline<'_>, of: usize) -> impl Iterator<Item = usize> + 'o {
    (of + 1..outline.parts.len()).filter(move |i| outline.parts[*i].parent == Some(of))
}

fn sealed(outline: &Outline<'_>, at: usize) -> Option<Sealed> {
    let part = &outline.parts[at];
    let media = &part.media;
    let named = |end: &str| {
        let name = media.parameter("name").map(str::to_owned);
        let name = name.or_else(|| part.fields.disposition()?.parameter("filename").map(str::to_owned));
        name.is_some_and(|n| n.to_ascii_lowercase().ends_with(end))
    };
    if part.shape == Shape::Leaf {
        let pkcs7 = is_pkcs7(part, "pkcs7-mime") || media.is("application", "octet-stream") && named(".p7m");
        return pkcs7.then_some(Sealed::Cms(at));
    }
    if part.shape != Shape::Multipart {
        return None;
    }
    let mut inside = children(outline, at);
    let (first, second) = (inside.next()?, inside.next()?);
    // Exchange turns `multipart/encrypted` into `multipart/mixed` with an empty text before it.
    if outline.parts[first].media.is("application", "pgp-encrypted") {
        return Some(Sealed::PgpMessage(second));
    }
    if outline.parts[second].media.is("application", "pgp-encrypted") {
        return inside.next().map(Sealed::PgpMessage);
    }
    if !media.is("multipart", "signed") {
        return None;
    }
    // The signature is the second part: a third would be an addition that nobody signed.
    match &outline.parts[second] {
        signature if signature.media.is("application", "pgp-signature") => Some(Sealed::PgpSigned(first, second)),
        signature if is_pkcs7(signature, "pkcs7-signature") => Some(Sealed::CmsSigned(first, second)),
        _ => None,
    }
}

fn is_pkcs7(part: &Part<'_>, kind: &str) -> bool {
    part.media.kind == "application" && part.media.subkind.trim_start_matches("x-") == kind
}

/// Opens a seal: what it says, and the content where that is not in the mail already.
pub(crate) fn open(outline: &Outline<'_>, sealed: Sealed, from: &str, keys: &Keyring) -> (Vec<Seal>, Option<Vec<u8>>) {
    let decoded = |part: usize| body::bytes_of_part(outline, part);
    match sealed {
        Sealed::PgpMessage(part) => pgp::open(&decoded(part), from, keys),
        Sealed::Cms(part) => smime::open(&decoded(part), from, keys),
        Sealed::PgpSigned(content, signature) => {
            let signed = as_signed(outline, content, signature);
            (pgp::verify(&signed, &decoded(signature), from, keys), None)
        }
        Sealed::CmsSigned(content, signature) => {
            let signed = as_signed(outline, content, signature);
            (smime::verify(&signed, &decoded(signature), from, keys), None)
        }
    }
}

/// A part with its header and all that belongs to it (the end of a multipart too), up to the boundary before the next part,
/// every line ended by CR LF: what signatures are taken over (RFC 1847 §2.1).
fn as_signed(outline: &Outline<'_>, part: usize, next: usize) -> Vec<u8> {
    let begin = outline.parts[part].begin;
    let before = &outline.bytes[begin..outline.parts[next].begin.max(begin)];
    let boundary = before.strip_suffix(b"\n").unwrap_or(before);
    let signed = &before[..memchr::memrchr(b'\n', boundary).unwrap_or(0)];
    with_full_line_ends(signed.strip_suffix(b"\r").unwrap_or(signed))
}

fn with_full_line_ends(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len() + bytes.len() / 32);
    let mut last = 0;
    for &byte in bytes {
        if byte == b'\n' && last != b'\r' {
            out.push(b'\r');
        }
        out.push(byte);
        last = byte;
    }
    out
}

/// Most bytes that sealed content may open to: text packs well, but not for ever.
fn most_opened(sealed: usize) -> usize {
    (limits::OPENED_BYTES + limits::OPENED_RATIO * sealed).min(limits::MESSAGE_BYTES)
}

/// Opens what stands sealed in the words of a mail (`-----BEGIN PGP MESSAGE-----`): the words, and what the seals say.
pub(crate) fn open_words(text: &str, from: &str, keys: &Keyring) -> Option<(String, Vec<Seal>)> {
    let begins = |mark: &str| {
        text.starts_with(mark) || memchr::memmem::find(text.as_bytes(), format!("\n{mark}").as_bytes()).is_some()
    };
    if !begins("-----BEGIN PGP ") {
        return None;
    }
    pgp::open_words(text, from, keys)
}
