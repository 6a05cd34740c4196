//! Which case a mail belongs to (PRODUCT.md §2, "Who is joined to a case").
//!
//! Headers locate a candidate, they grant nothing: a mail joins by the signed reply address or a known Message-ID, and only
//! if its sender is on the case or the case is public. Where several cases match, the oldest. Anything else becomes a case
//! of its own with an offer to join, for a human to decide. Subject likeness is never looked at here.

use super::{CaseId, ContactId, Desk};
use crate::limits;
use crate::refusal::Outcome;
use crate::store::{Tx, values};
use data_encoding::BASE32_NOPAD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// Bytes of the key of a case in a reply address: 64 bits find the case and cannot be guessed, the MAC binds the address.
const CASE_KEY_BYTES: usize = 8;
/// Bytes of the MAC in a reply address: 80 bits (SECURITY.md §5.6).
const MAC_BYTES: usize = 10;

/// What a mail's headers and envelope say about where it belongs.
#[derive(Debug, Clone, Default)]
pub struct Clues<'a> {
    /// Envelope recipients and `To`/`Cc`/`Delivered-To`: where a signed reply address may stand.
    pub recipients: &'a [String],
    /// Its own Message-ID: a reply that named it may have come before it.
    pub message_id: Option<&'a str>,
    /// `References` and `In-Reply-To`, root first.
    pub chain: &'a [String],
    /// What looks like such IDs but stands without brackets, as web forms of lists write it.
    pub maybe_chain: &'a [String],
}

/// Where a mail belongs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Match {
    /// It joins this case; the rule that made it.
    Join(CaseId, &'static str),
    /// It is a case of its own; a person may join it to this one.
    Offer(CaseId, &'static str),
    /// It is a case of its own.
    New,
}

/// Decides where a mail of this author belongs.
pub fn find(tx: &mut Tx<'_>, desk: &Desk, clues: &Clues<'_>, author: ContactId, address: &str) -> Outcome<Match> {
    if let Some((case, bound)) = by_token(tx, desk, clues.recipients, address)? {
        if bound && may_join(tx, case, author)? {
            return Ok(Match::Join(case, "token"));
        }
        return Ok(Match::Offer(case, "token of another address"));
    }
    let Some(case) = by_known_id(tx, clues.message_id.into_iter().chain(names(clues.chain)))? else {
        return Ok(match by_known_id(tx, names(clues.maybe_chain))? {
            Some(case) => Match::Offer(case, "message-id without brackets"),
            None => Match::New,
        });
    };
    Ok(match may_join(tx, case, author)? {
        true => Match::Join(case, "message-id"),
        false => Match::Offer(case, "message-id, sender not on the case"),
    })
}

/// The case that these headers point at, whoever asks: for automatic mail, which gains nothing by it.
pub fn located(tx: &mut Tx<'_>, desk: &Desk, clues: &Clues<'_>) -> Outcome<Option<CaseId>> {
    if let Some((case, _)) = by_token(tx, desk, clues.recipients, "")? {
        return Ok(Some(case));
    }
    by_known_id(tx, clues.message_id.into_iter().chain(names(clues.chain)))
}

fn names(ids: &[String]) -> impl Iterator<Item = &str> {
    ids.iter().map(String::as_str)
}

fn may_join(tx: &mut Tx<'_>, case: CaseId, author: ContactId) -> Outcome<bool> {
    let row = tx.first(
        "SELECT k.list, (SELECT 1 FROM participant p WHERE p.case_id = k.id AND p.contact = $2) FROM cases k WHERE k.id = $1",
        &values![case, author],
    )?;
    Ok(row.is_some_and(|row| row.opt_text(0).is_some() || row.opt_int(1).is_some()))
}

fn by_known_id<'a>(tx: &mut Tx<'_>, ids: impl Iterator<Item = &'a str>) -> Outcome<Option<CaseId>> {
    let mut oldest: Option<i64> = None;
    for id in ids.take(limits::REFERENCES + 2) {
        let row = tx.first(
            "SELECT case_id FROM known_id WHERE message_id = $1 ORDER BY case_id LIMIT 1",
            &values![id],
        )?;
        if let Some(row) = row {
            oldest = Some(oldest.map_or(row.int(0), |known| known.min(row.int(0))));
        }
    }
    Ok(oldest.map(CaseId))
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
        let Some(row) = tx.first("SELECT id FROM cases WHERE key = $1", &values![text])? else {
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
            "SELECT a.address, k.id FROM cases k JOIN participant p ON p.case_id = k.id
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

pub(super) fn new_mac(desk: &Desk) -> Hmac<Sha256> {
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
