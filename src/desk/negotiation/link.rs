//! The links of a negotiation (SECURITY.md §5.6): the single-use link in an offer's mail, and the one that takes a step back.
//!
//! An offer's link is 256 bits that only the desk's key gives; the table holds its hash, and one conditional UPDATE of the
//! offer's state uses it up. The link of an undo is a MAC over the step and its reader and ends with the time to undo. The
//! permanent link of a case ([`crate::desk::link`]) may ask, and accepts nothing. Looking at a page changes nothing.

use super::{STEP, Step, find};
use crate::desk::thread;
use crate::desk::{ContactId, Desk};
use crate::refusal::{Outcome, Refusal};
use crate::store::{Tx, values};
use data_encoding::BASE32_NOPAD;
use hmac::Mac;
use jiff::Timestamp;
use sha2::{Digest, Sha256};

/// Letters of a token: 256 bits in base32.
const TOKEN_LETTERS: usize = 52;

/// The token of an offer's link.
pub fn token(desk: &Desk, step: i64, made_at: Timestamp) -> String {
    let mut make = thread::new_mac(desk);
    make.update(b"duly offer 1\n");
    make.update(&step.to_be_bytes());
    make.update(&made_at.as_millisecond().to_be_bytes());
    BASE32_NOPAD.encode(&make.finalize().into_bytes()).to_lowercase()
}

/// What the table keeps of a token.
pub(super) fn hash(token: &str) -> Vec<u8> {
    Sha256::digest(token.as_bytes()).to_vec()
}

/// The offer that a link belongs to.
///
/// # Errors
/// One refusal for everything that is no such link.
pub fn offer(tx: &mut Tx<'_>, token: &str) -> Outcome<Step> {
    if token.len() != TOKEN_LETTERS {
        return Err(unknown().into());
    }
    let row = tx.first(&format!("{STEP} WHERE hash = $1"), &values![hash(token)])?;
    row.as_ref().map(Step::of).ok_or_else(|| unknown().into())
}

/// The token with which a reader of a step's echo takes it back.
pub fn undo_token(desk: &Desk, step: i64, reader: ContactId) -> String {
    let tag = BASE32_NOPAD.encode(&undo_mac(desk, step, reader).finalize().into_bytes());
    format!("{step}.{}.{}", reader.0, tag.to_lowercase())
}

/// The step that such a token takes back.
///
/// # Errors
/// One refusal for everything that is no such link.
pub fn undone(tx: &mut Tx<'_>, desk: &Desk, token: &str) -> Outcome<Step> {
    let read = || {
        let mut parts = token.splitn(3, '.');
        let (step, reader, tag) = (parts.next()?, parts.next()?, parts.next()?);
        if step.len() > 19 || reader.len() > 19 || tag.len() != TOKEN_LETTERS {
            return None;
        }
        let (step, reader) = (step.parse().ok()?, ContactId(reader.parse().ok()?));
        let tag = BASE32_NOPAD.decode(tag.to_uppercase().as_bytes()).ok()?;
        undo_mac(desk, step, reader).verify_slice(&tag).ok()?;
        Some(step)
    };
    find(tx, read().ok_or_else(unknown)?)
}

fn undo_mac(desk: &Desk, step: i64, reader: ContactId) -> thread::KeyedHash {
    let mut make = thread::new_mac(desk);
    make.update(b"duly undo 1\n");
    make.update(&step.to_be_bytes());
    make.update(&reader.0.to_be_bytes());
    make
}

fn unknown() -> Refusal {
    Refusal::missing(
        "This desk never handed out such a link. Nothing was changed. Look whether the whole of it was taken over from the mail.",
    )
}
