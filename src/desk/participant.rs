//! Who is on a case: their mail joins it, and replies go to them as well (PRODUCT.md §2).
//!
//! Who writes is on their case. Whom a proven author names in To or Cc is put on it too, if they are of the same customer:
//! so a colleague reads along without asking. Anybody else is named by a claim in a header, and stays outside until an
//! engineer puts them on it; nobody gets what was written before. Whom an engineer took off stays off until one puts them
//! back. Leaves out: what a list passes on, whose people are strangers to each other.

use super::case;
use super::customer::{self, Contact, Learned};
use super::ledger::{self, Actor, event};
use super::message::Incoming;
use super::origin::Standing;
use super::{CaseId, ContactId, Desk, engineer};
use crate::limits;
use crate::refusal::{Outcome, Refusal};
use crate::store::{Tx, values};
use jiff::Timestamp;
use serde_json::json;

/// Puts the people of the author's customer whom a mail names on its case. The author has to be proven: a name in a header
/// adds nobody.
pub(super) fn from_copies(
    tx: &mut Tx<'_>,
    now: Timestamp,
    desk: &Desk,
    id: CaseId,
    author: &Contact,
    mail: &Incoming,
    standing: Standing,
) -> Outcome<()> {
    if !standing.is_proven() || mail.served_list.is_some() {
        return Ok(());
    }
    for (name, address) in mail.copies.iter().take(limits::COPIES_JOINED) {
        if desk.takes(address) || engineer::by_address(tx, address)?.is_some() {
            continue;
        }
        let Some(contact) = colleague(tx, now, author, address, name.as_deref())? else {
            continue;
        };
        let taken_off = tx.first(
            "SELECT 1 FROM participant_off WHERE case_id = $1 AND contact = $2",
            &values![id, contact],
        )?;
        if taken_off.is_none() && !is_on(tx, id, contact)? {
            case::add_participant(tx, now, id, contact)?;
            let about = json!({"contact": contact.0, "because": "named in a mail of the customer"});
            ledger::record(tx, now, event("participant.added", Actor::Customer).of(id).with(about))?;
        }
    }
    Ok(())
}

/// A contact of the author's customer with this address, made if the domain is the customer's own.
fn colleague(
    tx: &mut Tx<'_>,
    now: Timestamp,
    author: &Contact,
    address: &str,
    name: Option<&str>,
) -> Outcome<Option<ContactId>> {
    if let Some(known) = customer::contact_by_address(tx, address)? {
        return Ok((known.customer == author.customer).then_some(known.id));
    }
    if customer::of_domain_of(tx, address)? != Some(author.customer) {
        return Ok(None);
    }
    let made = customer::contact_of_mail(tx, now, address, name, Learned::default())?;
    Ok(Some(made.id))
}

/// An engineer puts somebody on a case. Says who it is and whether they are of another customer.
pub fn add(
    tx: &mut Tx<'_>,
    now: Timestamp,
    desk: &Desk,
    actor: Actor,
    id: CaseId,
    address: &str,
) -> Outcome<(Contact, bool)> {
    let case = case::find(tx, id)?;
    let (local, domain) = address.rsplit_once('@').unwrap_or_default();
    if local.is_empty() || domain.is_empty() || address.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return Err(Refusal::usage(format!("\"{address}\" is no mail address.")).into());
    }
    if desk.takes(address) || engineer::by_address(tx, address)?.is_some() {
        return Err(Refusal::usage(format!(
            "{address} is the desk's own or an engineer's: they see every case anyway."
        ))
        .into());
    }
    let contact = customer::contact_of_mail(tx, now, address, None, Learned::default())?;
    if is_on(tx, id, contact.id)? {
        return Err(Refusal::conflict(format!("{} is on case {} already.", contact.name, id.0)).into());
    }
    tx.execute(
        "DELETE FROM participant_off WHERE case_id = $1 AND contact = $2",
        &values![id, contact.id],
    )?;
    case::add_participant(tx, now, id, contact.id)?;
    let about = json!({"contact": contact.id.0});
    ledger::record(tx, now, event("participant.added", actor).of(id).with(about))?;
    let foreign = contact.customer != case.customer;
    Ok((contact, foreign))
}

/// An engineer takes somebody off a case: replies pass them by, and their mail joins it no more.
pub fn remove(tx: &mut Tx<'_>, now: Timestamp, actor: Actor, id: CaseId, address: &str) -> Outcome<Contact> {
    case::find(tx, id)?;
    let missing = || {
        Refusal::missing(format!(
            "{address} is not on case {}. `duly show {}` says who is.",
            id.0, id.0
        ))
    };
    let contact = customer::contact_by_address(tx, address)?.ok_or_else(missing)?;
    if !is_on(tx, id, contact.id)? {
        return Err(missing().into());
    }
    let asked = tx.first(
        "SELECT 1 FROM promise WHERE case_id = $1 AND contact = $2 AND state = 'open' LIMIT 1",
        &values![id, contact.id],
    )?;
    if asked.is_some() {
        return Err(Refusal::conflict(format!(
            "A reply is promised to {}. Answer, or withdraw the promise: `duly promise {}`.",
            contact.name, id.0
        ))
        .into());
    }
    let others = tx.one("SELECT COUNT(*) FROM participant WHERE case_id = $1", &values![id])?;
    if others.int(0) < 2 {
        return Err(Refusal::conflict(format!("{} is the only one on case {}.", contact.name, id.0)).into());
    }
    tx.execute(
        "DELETE FROM participant WHERE case_id = $1 AND contact = $2",
        &values![id, contact.id],
    )?;
    tx.execute(
        "INSERT INTO participant_off (case_id, contact, since) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
        &values![id, contact.id, now],
    )?;
    let about = json!({"contact": contact.id.0});
    ledger::record(tx, now, event("participant.removed", actor).of(id).with(about))?;
    Ok(contact)
}

fn is_on(tx: &mut Tx<'_>, id: CaseId, contact: ContactId) -> Outcome<bool> {
    let row = tx.first(
        "SELECT 1 FROM participant WHERE case_id = $1 AND contact = $2",
        &values![id, contact],
    )?;
    Ok(row.is_some())
}
