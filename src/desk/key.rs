//! The key that an administrator gave for a contact: letters to them leave encrypted to it.
//!
//! What a key is and whether it can be used is the mail door's to say; here it is kept, shown, and found for a letter. A
//! letter takes the key of the contact whom its recipient's address belongs to, whichever of their addresses that is.

use super::ContactId;
use super::customer;
use super::ledger::{self, Actor, event};
use crate::limits;
use crate::refusal::{Outcome, Refusal};
use crate::store::{Tx, values};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::json;

/// A key as a door brings it: read by the mail door, with what that found.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct NewKey {
    /// The file, in base64.
    pub file: String,
    /// `OpenPGP` or `S/MIME`.
    pub scheme: String,
    /// Fingerprint.
    pub fingerprint: String,
    /// Until when it can be used; none: for ever.
    pub until: Option<Timestamp>,
}

/// A contact's key, as lists show it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct KeyRow {
    /// `OpenPGP` or `S/MIME`.
    pub scheme: String,
    /// Fingerprint.
    pub fingerprint: String,
    /// The address that it names.
    pub address: String,
    /// Until when it can be used; none: for ever.
    pub until: Option<Timestamp>,
}

/// A contact's key, to seal with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// The address that it names.
    pub address: String,
    /// The file as it was given.
    pub file: Vec<u8>,
}

/// Keeps a contact's key in the place of an older one.
pub fn give(tx: &mut Tx<'_>, now: Timestamp, actor: Actor, address: &str, new: &NewKey) -> Outcome<()> {
    let contact = contact_of(tx, address)?;
    let file = data_encoding::BASE64
        .decode(new.file.as_bytes())
        .map_err(|_| Refusal::usage("The key file came broken. Give it again."))?;
    if file.is_empty() || file.len() as u64 > limits::KEY_FILE_BYTES {
        let most = limits::KEY_FILE_BYTES / 1024;
        return Err(Refusal::usage(format!("A key file holds at most {most} kB.")).into());
    }
    tx.execute("DELETE FROM contact_key WHERE contact = $1", &values![contact])?;
    tx.execute(
        "INSERT INTO contact_key (contact, address, scheme, fingerprint, until, file, given_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
        &values![
            contact,
            address.to_lowercase(),
            new.scheme.as_str(),
            new.fingerprint.as_str(),
            new.until,
            file,
            now
        ],
    )?;
    let about = json!({"contact": contact.0, "scheme": new.scheme, "fingerprint": new.fingerprint});
    ledger::record(tx, now, event("contact.key", actor).with(about))?;
    Ok(())
}

/// Forgets a contact's key: letters to them leave in clear again.
pub fn remove(tx: &mut Tx<'_>, now: Timestamp, actor: Actor, address: &str) -> Outcome<()> {
    let contact = contact_of(tx, address)?;
    if tx.execute("DELETE FROM contact_key WHERE contact = $1", &values![contact])? == 0 {
        return Err(Refusal::missing(format!("No key is known for {address}.")).into());
    }
    let about = json!({"contact": contact.0});
    ledger::record(tx, now, event("contact.key-removed", actor).with(about))?;
    Ok(())
}

/// The key of a contact, as lists show it.
pub fn of_contact(tx: &mut Tx<'_>, contact: ContactId) -> Outcome<Option<KeyRow>> {
    let row = tx.first(
        "SELECT scheme, fingerprint, address, until FROM contact_key WHERE contact = $1",
        &values![contact],
    )?;
    Ok(row.map(|row| KeyRow {
        scheme: row.text(0).to_owned(),
        fingerprint: row.text(1).to_owned(),
        address: row.text(2).to_owned(),
        until: row.opt_instant(3),
    }))
}

/// The key with which a letter to an address is sealed.
pub fn for_recipient(tx: &mut Tx<'_>, recipient: &str) -> Outcome<Option<Key>> {
    let row = tx.first(
        "SELECT y.address, y.file FROM contact_address a JOIN contact_key y ON y.contact = a.contact WHERE a.address = $1",
        &values![recipient.to_lowercase()],
    )?;
    Ok(row.map(|row| Key {
        address: row.text(0).to_owned(),
        file: row.bytes(1).to_vec(),
    }))
}

fn contact_of(tx: &mut Tx<'_>, address: &str) -> Outcome<ContactId> {
    let known = customer::contact_by_address(tx, address)?;
    let missing = || {
        Refusal::missing(format!(
            "There is no contact with the address {address}. `duly contact add` enters one."
        ))
    };
    Ok(known.ok_or_else(missing)?.id)
}
