//! The link of one person to one case, in every mail: `/t/TOKEN`. Whoever holds it sees the promised time, may send files, and
//! may ask: for another time, that it got worse, that a reply did not help. It accepts nothing ([`super::negotiation::link`]).
//!
//! It is signed and not kept: the case's own key, the contact, and a MAC of 256 bits. It ends by itself: 90 days after
//! the case was closed, when the person is taken off the case, or when none of their addresses takes mail any more. It
//! grants no words of the case: links are forwarded, and read by machines on the way.

use super::{CaseId, ContactId, Desk, FileId, thread};
use crate::limits;
use crate::refusal::{Outcome, Refusal};
use crate::store::{Tx, values};
use data_encoding::{BASE32_NOPAD, HEXLOWER};
use hmac::Mac;
use jiff::{SignedDuration, Timestamp};

/// Who came by a link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Guest {
    /// The case.
    pub case: CaseId,
    /// The person.
    pub contact: ContactId,
    /// Their name.
    pub name: String,
    /// An address of theirs.
    pub address: String,
    /// The case is closed.
    pub is_closed: bool,
}

/// Where somebody sends large files to a case; none where the desk does not know its own address in the web (`web.address`).
pub fn upload(desk: &Desk, case_key: &str, contact: ContactId) -> Option<String> {
    page(desk, case_key, contact).map(|page| format!("{page}/up"))
}

/// Where somebody fetches a file that we sent them.
pub(super) fn download(desk: &Desk, case_key: &str, contact: ContactId, upload: &str) -> Option<String> {
    page(desk, case_key, contact).map(|page| format!("{page}/f/{upload}"))
}

/// The page of a person in a case; none where the desk does not know its own address in the web.
pub fn page(desk: &Desk, case_key: &str, contact: ContactId) -> Option<String> {
    (!desk.web.is_empty()).then(|| format!("{}/t/{}", desk.web, token(desk, case_key, contact)))
}

/// The token of a person in a case.
pub fn token(desk: &Desk, case_key: &str, contact: ContactId) -> String {
    let tag = mac(desk, case_key, contact).finalize().into_bytes();
    let tag = BASE32_NOPAD.encode(&tag).to_lowercase();
    format!("{case_key}.{}.{tag}", contact.0)
}

/// The key of an upload that an engineer's mail brought: a file's number, made unguessable as the random keys of other uploads.
pub(super) fn file_key(desk: &Desk, file: FileId) -> String {
    let mut make = thread::new_mac(desk);
    make.update(b"duly mailed file 1\n");
    make.update(&file.0.to_be_bytes());
    HEXLOWER.encode(&make.finalize().into_bytes()[..16])
}

/// Who holds a token.
///
/// # Errors
/// One refusal for everything that is wrong with it: it says nothing about what there is.
pub fn guest(tx: &mut Tx<'_>, now: Timestamp, desk: &Desk, token: &str) -> Outcome<Guest> {
    let (key, contact) = read(desk, token).ok_or_else(|| no_good(desk))?;
    let row = tx.first(
        "SELECT k.id, k.hand, k.changed_at, c.name, MIN(a.address) FROM cases k
         JOIN participant p ON p.case_id = k.id AND p.contact = $2
         JOIN contact c ON c.id = p.contact
         JOIN contact_address a ON a.contact = c.id AND a.bounced_at IS NULL
         WHERE k.key = $1 AND k.hand <> 'unsorted' GROUP BY k.id, k.hand, k.changed_at, c.name",
        &values![key, contact],
    )?;
    let row = row.ok_or_else(|| no_good(desk))?;
    let is_closed = row.text(1) == "nobody";
    if is_closed && row.instant(2) + SignedDuration::from_hours(24 * limits::LINK_DAYS) < now {
        return Err(no_good(desk).into());
    }
    Ok(Guest {
        case: CaseId(row.int(0)),
        contact,
        name: row.text(3).to_owned(),
        address: row.text(4).to_owned(),
        is_closed,
    })
}

/// Case key and contact of a token that we signed.
fn read<'t>(desk: &Desk, token: &'t str) -> Option<(&'t str, ContactId)> {
    let mut parts = token.splitn(3, '.');
    let (key, contact, tag) = (parts.next()?, parts.next()?, parts.next()?);
    // 256 bits are 52 characters; anything else is no token, and nothing is computed for it.
    if key.len() > 64 || contact.len() > 19 || tag.len() != 52 {
        return None;
    }
    let contact = ContactId(contact.parse().ok().filter(|number| *number > 0)?);
    let tag = BASE32_NOPAD.decode(tag.to_uppercase().as_bytes()).ok()?;
    mac(desk, key, contact).verify_slice(&tag).ok()?;
    Some((key, contact))
}

fn mac(desk: &Desk, case_key: &str, contact: ContactId) -> hmac::Hmac<sha2::Sha256> {
    let mut make = thread::new_mac(desk);
    make.update(b"duly case link 1\n");
    make.update(case_key.as_bytes());
    make.update(b"\n");
    make.update(&contact.0.to_be_bytes());
    make
}

fn no_good(desk: &Desk) -> Refusal {
    Refusal::missing(format!(
        "This link is not good, or not any more. Nothing was read or changed. Write to {}: the answer has a new link.",
        desk.address()
    ))
}
