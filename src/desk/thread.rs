//! Which case a mail belongs to (PRODUCT.md §2, "Who is joined to a case").
//!
//! Headers locate a candidate, they grant nothing: a verified mail joins by the signed reply address, a known Message-ID, or
//! the other desk's number that was learned for its customer ([`number`]), in this order, and only if its sender is on the
//! case or the case is public. A mail that nobody vouches for appends by the reply address that was made for its sender, and
//! by nothing else. Where several cases match, the oldest. Anything else becomes a case of its own, and may carry an offer for
//! a human to decide: of what its headers point at, else of the likest case ([`likeness`]).

use super::customer::Contact;
use super::likeness::{self, Marks, Newcomer};
use super::origin::Standing;
use super::{CaseId, ContactId, Desk, number};
use crate::limits;
use crate::refusal::Outcome;
use crate::store::{Tx, values};
use data_encoding::BASE32_NOPAD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use std::collections::BTreeSet;

/// Bytes of the key of a case in a reply address: 64 bits find the case and cannot be guessed, the MAC binds the address.
const CASE_KEY_BYTES: usize = 8;
/// Bytes of the MAC in a reply address: 80 bits (SECURITY.md §5.6).
const MAC_BYTES: usize = 10;

/// What a mail's headers and envelope say about where it belongs.
#[derive(Debug, Clone)]
pub struct Clues<'a> {
    /// Envelope recipients and `To`/`Cc`/`Delivered-To`: where a signed reply address may stand.
    pub recipients: &'a [String],
    /// Its own Message-ID: a reply that named it may have come before it.
    pub message_id: Option<&'a str>,
    /// `References` and `In-Reply-To`, root first.
    pub chain: &'a [String],
    /// What looks like such IDs but stands without brackets, as web forms of lists write it.
    pub maybe_chain: &'a [String],
    /// As written: the other desk's number may stand in it.
    pub subject: &'a str,
    /// What it is compared by: for offers only.
    pub marks: &'a Marks,
    /// The served list it came through.
    pub list: Option<&'a str>,
    /// When it was received.
    pub at: jiff::Timestamp,
}

/// Where a mail belongs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Match {
    /// It joins this case; the rule that made it.
    Join(CaseId, &'static str),
    /// It is a case of its own; a person may merge it into this one. The rule, and why in words.
    Offer(CaseId, &'static str, String),
    /// It is a case of its own.
    New,
}

/// Decides where a verified mail of this author belongs.
pub fn find(
    tx: &mut Tx<'_>,
    desk: &Desk,
    clues: &Clues<'_>,
    author: &Contact,
    address: &str,
    standing: Standing,
) -> Outcome<Match> {
    if let Some((case, bound)) = by_token(tx, desk, clues.recipients, address)? {
        if bound && may_join(tx, case, author.id, standing)? {
            return Ok(Match::Join(case, "token"));
        }
        let why = "it came to the reply address of that case, which was made for somebody else";
        return offer(case, "token of another address", why);
    }
    let known = by_known_id(tx, clues.message_id.into_iter().chain(names(clues.chain)))?;
    // Somebody who sent a Message-ID of another's ahead owns an older case that this author is not on: it stands in no way.
    for case in known.iter().copied() {
        if may_join(tx, case, author.id, standing)? {
            return Ok(Match::Join(case, "message-id"));
        }
    }
    if let Some(oldest) = known.first() {
        let why = "it answers a mail of that case, and its sender is not on it";
        return offer(*oldest, "message-id, sender not on the case", why);
    }
    if let Some(case) = number::case_of(tx, author.customer, clues.subject)? {
        if may_join(tx, case, author.id, standing)? {
            return Ok(Match::Join(case, "number of the other desk"));
        }
        let why = "its subject has the number that their desk gave that case, and its sender is not on it";
        return offer(case, "number of the other desk, sender not on the case", why);
    }
    if let Some(case) = by_known_id(tx, names(clues.maybe_chain))?.first() {
        return offer(
            *case,
            WITHOUT_BRACKETS,
            "it names a mail of that case without brackets, as web forms do",
        );
    }
    let new = Newcomer {
        author: author.id,
        customer: author.customer,
        list: clues.list,
        marks: clues.marks,
        at: clues.at,
    };
    Ok(match likeness::offer(tx, &new)? {
        Some(found) => Match::Offer(found.case, "likeness", found.why),
        None => Match::New,
    })
}

/// An offer to join, with its reason in words.
fn offer(case: CaseId, rule: &'static str, why: &str) -> Outcome<Match> {
    Ok(Match::Offer(case, rule, why.to_owned()))
}

/// The rule of a mail that names another as web forms of lists do.
const WITHOUT_BRACKETS: &str = "message-id without brackets";

/// Decides where a mail belongs that nobody vouches for: a reply address that was made for its sender lets it append, a
/// Message-ID, which others may know as well, is an offer.
pub fn find_unverified(tx: &mut Tx<'_>, desk: &Desk, clues: &Clues<'_>, address: &str) -> Outcome<Match> {
    if let Some((case, bound)) = by_token(tx, desk, clues.recipients, address)? {
        return match bound {
            true => Ok(Match::Join(case, "token")),
            false => offer(
                case,
                "token of another address",
                "it came to the reply address of that case, which was made for somebody else",
            ),
        };
    }
    let known = by_known_id(tx, clues.message_id.into_iter().chain(names(clues.chain)))?;
    if let Some(case) = known.first() {
        return offer(
            *case,
            "message-id, sender not verified",
            "it answers a mail of that case, and nobody vouches for its sender",
        );
    }
    Ok(match by_known_id(tx, names(clues.maybe_chain))?.first() {
        Some(case) => Match::Offer(
            *case,
            WITHOUT_BRACKETS,
            "it names a mail of that case without brackets, as web forms do".to_owned(),
        ),
        None => Match::New,
    })
}

/// The case that these headers point at, whoever asks: for automatic mail, which gains nothing by it.
pub fn located(tx: &mut Tx<'_>, desk: &Desk, clues: &Clues<'_>) -> Outcome<Option<CaseId>> {
    if let Some((case, _)) = by_token(tx, desk, clues.recipients, "")? {
        return Ok(Some(case));
    }
    let known = by_known_id(tx, clues.message_id.into_iter().chain(names(clues.chain)))?;
    Ok(known.first().copied())
}

fn names(ids: &[String]) -> impl Iterator<Item = &str> {
    ids.iter().map(String::as_str)
}

fn may_join(tx: &mut Tx<'_>, case: CaseId, author: ContactId, standing: Standing) -> Outcome<bool> {
    let row = tx.first(
        "SELECT k.list, (SELECT 1 FROM participant p WHERE p.case_id = k.id AND p.contact = $2) FROM cases k WHERE k.id = $1",
        &values![case, author],
    )?;
    // What a list says of an author opens the list's own cases, nobody's private one.
    Ok(row.is_some_and(|row| row.opt_text(0).is_some() || (standing.is_author() && row.opt_int(1).is_some())))
}

/// The cases that know one of these Message-IDs, oldest first; of each ID the oldest few.
fn by_known_id<'a>(tx: &mut Tx<'_>, ids: impl Iterator<Item = &'a str>) -> Outcome<Vec<CaseId>> {
    let mut found = BTreeSet::new();
    for id in ids.take(limits::REFERENCES + 2) {
        let rows = tx.query(
            "SELECT case_id FROM known_id WHERE message_id = $1 ORDER BY case_id LIMIT $2",
            &values![id, limits::CASES_OF_ONE_ID],
        )?;
        found.extend(rows.iter().map(|row| row.int(0)));
    }
    Ok(found.into_iter().map(CaseId).collect())
}

/// From now on these Message-IDs are known to belong to the case.
pub fn learn(tx: &mut Tx<'_>, case: CaseId, message_id: Option<&str>, chain: &[String]) -> Outcome<()> {
    for id in message_id
        .into_iter()
        .chain(chain.iter().map(String::as_str))
        .take(limits::REFERENCES + 2)
    {
        if !id.is_empty() {
            tx.execute(
                "INSERT INTO known_id (message_id, case_id) VALUES ($1, $2) ON CONFLICT DO NOTHING",
                &values![id, case],
            )?;
        }
    }
    Ok(())
}

/// The case of a signed reply address among the recipients, and whether the address was made for this sender.
fn by_token(tx: &mut Tx<'_>, desk: &Desk, recipients: &[String], sender: &str) -> Outcome<Option<(CaseId, bool)>> {
    for recipient in recipients.iter().take(limits::ADDRESSES) {
        let Some(token) = token_of(desk, recipient) else {
            continue;
        };
        let key = &token[..CASE_KEY_BYTES];
        let text = BASE32_NOPAD.encode(key).to_lowercase();
        let Some(row) = tx.first(
            "SELECT COALESCE(merged_into, id) FROM cases WHERE key = $1",
            &values![text],
        )?
        else {
            continue;
        };
        let case = CaseId(row.int(0));
        if !sender.is_empty() && signed(desk, key, sender, &token[CASE_KEY_BYTES..]) {
            return Ok(Some((case, true)));
        }
        // Made for another address of the case, or mutated: the case is located only if somebody on it owns the MAC.
        let addresses = tx.query(
            "SELECT a.address FROM participant p JOIN contact_address a ON a.contact = p.contact WHERE p.case_id = $1 LIMIT $2",
            &values![case, limits::ADDRESSES as i64],
        )?;
        if addresses
            .iter()
            .any(|row| signed(desk, key, row.text(0), &token[CASE_KEY_BYTES..]))
        {
            return Ok(Some((case, false)));
        }
    }
    Ok(None)
}

/// The case of a signed reply address among the recipients, and whom it was signed for.
pub fn signed_for(tx: &mut Tx<'_>, desk: &Desk, recipients: &[String]) -> Outcome<Option<(CaseId, String)>> {
    for recipient in recipients.iter().take(limits::ADDRESSES) {
        let Some(token) = token_of(desk, recipient) else {
            continue;
        };
        let key = &token[..CASE_KEY_BYTES];
        let text = BASE32_NOPAD.encode(key).to_lowercase();
        let addresses = tx.query(
            "SELECT a.address, p.case_id FROM cases k JOIN participant p ON p.case_id = COALESCE(k.merged_into, k.id)
             JOIN contact_address a ON a.contact = p.contact WHERE k.key = $1 LIMIT $2",
            &values![text, limits::ADDRESSES as i64],
        )?;
        let owner = addresses
            .iter()
            .find(|row| signed(desk, key, row.text(0), &token[CASE_KEY_BYTES..]));
        if let Some(row) = owner {
            return Ok(Some((CaseId(row.int(1)), row.text(0).to_owned())));
        }
    }
    Ok(None)
}

fn token_of(desk: &Desk, recipient: &str) -> Option<Vec<u8>> {
    if !desk.is_own(recipient) {
        return None;
    }
    let (local, _) = recipient.rsplit_once('@')?;
    let (_, token) = local.split_once('+')?;
    let bytes = BASE32_NOPAD.decode(token.to_uppercase().as_bytes()).ok()?;
    (bytes.len() == CASE_KEY_BYTES + MAC_BYTES).then_some(bytes)
}

/// The reply address of a case for one participant: `support+TOKEN@acme.example`.
pub fn reply_address(desk: &Desk, case_key: &str, participant: &str) -> String {
    let key = BASE32_NOPAD
        .decode(case_key.to_uppercase().as_bytes())
        .unwrap_or_default();
    let mut token = key.clone();
    token.extend_from_slice(&mac(desk, &key, participant)[..MAC_BYTES]);
    let (local, domain) = desk.address().rsplit_once('@').unwrap_or((desk.address(), ""));
    format!("{local}+{}@{domain}", BASE32_NOPAD.encode(&token).to_lowercase())
}

/// The key of a case as text: derived from the desk's own key, so that it needs no chance and says nothing of the number.
pub fn case_key(desk: &Desk, case: CaseId) -> String {
    let mut make = new_mac(desk);
    make.update(b"duly case key 1\n");
    make.update(&case.0.to_be_bytes());
    BASE32_NOPAD
        .encode(&make.finalize().into_bytes()[..CASE_KEY_BYTES])
        .to_lowercase()
}

fn signed(desk: &Desk, key: &[u8], participant: &str, tag: &[u8]) -> bool {
    let mut check = new_mac(desk);
    absorb(&mut check, key, participant);
    check.verify_truncated_left(tag).is_ok()
}

fn mac(desk: &Desk, key: &[u8], participant: &str) -> Vec<u8> {
    let mut make = new_mac(desk);
    absorb(&mut make, key, participant);
    make.finalize().into_bytes().to_vec()
}

fn absorb(mac: &mut Hmac<Sha256>, key: &[u8], participant: &str) {
    mac.update(b"duly reply address 1\n");
    mac.update(key);
    mac.update(participant.to_lowercase().as_bytes());
}

/// Signs what stands in our addresses.
pub(super) type KeyedHash = Hmac<Sha256>;

/// A keyed hash that has absorbed nothing yet; who uses it begins with a word of their own.
pub(super) fn new_mac(desk: &Desk) -> KeyedHash {
    Hmac::new(&desk.key.into())
}

/// What makes the Message-ID of a message of ours hard to guess.
pub fn message_tag(desk: &Desk, message: super::MessageNo) -> String {
    let mut make = new_mac(desk);
    make.update(b"duly message id 1\n");
    make.update(&message.0.to_be_bytes());
    BASE32_NOPAD
        .encode(&make.finalize().into_bytes()[..MAC_BYTES])
        .to_lowercase()
}
