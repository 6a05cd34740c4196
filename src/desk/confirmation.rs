//! The button of text I: whoever reads mail at an address says that a held mail is theirs (UX.md §2.2 I).
//!
//! A link works for [`limits::CONFIRMATION_DAYS`] and once: one conditional UPDATE takes it. The table holds only the hash of
//! a token; the token itself is a MAC under the desk's key, so that the letter that carries it is composed anew from its row
//! and no table tells it. Looking at the page changes nothing: mail scanners look at every link.

use super::customer;
use super::ledger::{self, Actor, event};
use super::{CaseId, Desk, MessageNo, spool};
use crate::limits;
use crate::refusal::{Outcome, Refusal};
use crate::store::{Tx, values};
use data_encoding::BASE32_NOPAD;
use hmac::{Hmac, KeyInit, Mac};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use sha2::{Digest, Sha256};

/// A link that was handed out, as its page shows it.
#[derive(Debug, Clone)]
pub struct Confirmation {
    /// The case of the mail.
    pub case: CaseId,
    /// When the mail was received.
    pub received_at: Timestamp,
    /// Whether the button still does something.
    pub is_open: bool,
}

/// Hands out a link for a held message; the number from which [`token`] is made.
pub fn offer(
    tx: &mut Tx<'_>,
    now: Timestamp,
    desk: &Desk,
    message: MessageNo,
    case: CaseId,
    address: &str,
) -> Outcome<i64> {
    let expires = now + SignedDuration::from_hours(24 * limits::CONFIRMATION_DAYS);
    let token = token(desk, message, now);
    let row = tx.one(
        "INSERT INTO confirmation (hash, message, case_id, address, made_at, expires_at)
         VALUES ($1, $2, $3, $4, $5, $6) RETURNING id",
        &values![hash(&token), message, case, address.to_lowercase(), now, expires],
    )?;
    Ok(row.int(0))
}

/// The token of a link: 256 bits that only the desk's key gives.
pub fn token(desk: &Desk, message: MessageNo, made_at: Timestamp) -> String {
    let mut make: Hmac<Sha256> = Hmac::new(&desk.key.into());
    make.update(b"duly confirmation 1\n");
    make.update(&message.0.to_be_bytes());
    make.update(&made_at.as_millisecond().to_be_bytes());
    BASE32_NOPAD.encode(&make.finalize().into_bytes()).to_lowercase()
}

fn hash(token: &str) -> Vec<u8> {
    Sha256::digest(token.as_bytes()).to_vec()
}

/// What the page of a link shows; nothing changes by looking.
///
/// # Errors
/// A token that was never handed out.
pub fn look(tx: &mut Tx<'_>, now: Timestamp, token: &str) -> Outcome<Confirmation> {
    let row = tx
        .first(
            "SELECT c.case_id, c.expires_at, c.used_at, m.at FROM confirmation c JOIN message m ON m.id = c.message WHERE c.hash = $1",
            &values![hash(token)],
        )?
        .ok_or_else(unknown)?;
    Ok(Confirmation {
        case: CaseId(row.int(0)),
        received_at: row.instant(3),
        is_open: row.opt_int(2).is_none() && row.instant(1) > now,
    })
}

/// The button: the address is confirmed, and the mail is released if it is still held. Its promise counts from now.
///
/// # Errors
/// A token that was never handed out, was used, or is too old.
pub fn press(tx: &mut Tx<'_>, now: Timestamp, desk: &Desk, token: &str) -> Outcome<CaseId> {
    let taken = tx.first(
        "UPDATE confirmation SET used_at = $1 WHERE hash = $2 AND used_at IS NULL AND expires_at > $1
         RETURNING message, case_id, address",
        &values![now, hash(token)],
    )?;
    let Some(row) = taken else {
        look(tx, now, token)?;
        return Err(Refusal::conflict(
            "This link was used already, or is too old. Nothing was changed: your mail is here, and a person looks at it. \
             If you want to add something, answer the mail that brought you here.",
        )
        .into());
    };
    let (message, case, address) = (MessageNo(row.int(0)), CaseId(row.int(1)), row.text(2).to_owned());
    tx.execute("UPDATE message SET verified = 1 WHERE id = $1", &values![message])?;
    let case = match spool::is_held(tx, message)? {
        true => spool::release_one(tx, now, desk, Actor::Customer, message)?,
        false => case,
    };
    customer::contact_of_mail(tx, now, &address, None, customer::Learned::default())?;
    customer::confirm(tx, now, &address)?;
    ledger::record(
        tx,
        now,
        event("address.confirmed", Actor::Customer)
            .of(case)
            .message(message)
            .with(json!({"address": address})),
    )?;
    Ok(case)
}

fn unknown() -> Refusal {
    Refusal::missing(
        "This desk never handed out such a link. Look whether the whole of it was taken over from the mail.",
    )
}
