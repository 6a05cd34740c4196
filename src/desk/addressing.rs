//! Who a reply goes to: one row of the outbox a recipient, each from an address signed for them, in their language and zone.
//!
//! Who asked is addressed, who is on the case reads along; on a public case the list is the copy. Which promises the reply
//! keeps and what it carries is [`reply`](super::reply)'s business.

use super::case::Case;
use super::engineer::Engineer;
use super::letter::Enclosed;
use super::outbox::{self, Content, Letter};
use super::reply::{Draft, Next};
use super::upload::Upload;
use super::{ContactId, Desk, MessageNo, customer, invitation, link, thread, upload};
use crate::limits;
use crate::refusal::{Outcome, Refusal};
use crate::store::{Tx, values};
use jiff::Timestamp;

/// One row a recipient, the same visible people in each: who asked, the others on the case, and the list it came through.
#[expect(clippy::too_many_arguments, reason = "the facts of one reply, each once")]
pub(super) fn address_all(
    tx: &mut Tx<'_>,
    now: Timestamp,
    desk: &Desk,
    engineer: &Engineer,
    case: &Case,
    draft: &Draft,
    (enclosed, linked): (&[Enclosed], &[Upload]),
    number: MessageNo,
    askers: &[ContactId],
    left: &[ContactId],
    leaves_at: Timestamp,
) -> Outcome<Vec<String>> {
    let mut last = Vec::new();
    for contact in askers {
        if let Some(mail) = outbox::last_of(tx, case.id, *contact)? {
            last.push((*contact, mail));
        }
    }
    let Some(newest) = last.iter().map(|(_, mail)| mail).max_by_key(|mail| mail.message) else {
        return Err(Refusal::conflict(format!(
            "Nobody has written to case {} who could be answered.",
            case.id.0
        ))
        .into());
    };
    let list = newest.facts.list.clone();
    // On a public case the list is the copy, and a private word on it has none: who joined through the list are strangers
    // to each other. On any other case the people on it read along.
    let copies = match &list {
        Some(list) => vec![Reader {
            contact: None,
            address: list.clone(),
            known_as: list.clone(),
        }],
        None if case.list.is_some() => Vec::new(),
        None => others(tx, desk, case, askers)?,
    };
    let cc: Vec<String> = copies.iter().map(|one| one.address.clone()).collect();
    let to: Vec<String> = last.iter().map(|(_, mail)| answers_at(mail).to_owned()).collect();
    let quoted = Some((newest.at, newest.author.clone(), newest.text.clone()));
    let mut recipients = Vec::new();
    let asked = last.iter().map(|(contact, mail)| Reader::of(Some(*contact), mail));
    for reader in asked.chain(copies) {
        let Reader {
            contact,
            address,
            known_as,
        } = reader;
        let (zone, language, calendar) = match contact {
            Some(contact) => {
                let contact = customer::contact(tx, contact)?;
                let entry = match (&draft.next, left.contains(&contact.id)) {
                    (_, true) => None,
                    // An entry of an agreed time goes away where the next time is not agreed.
                    (Next::Owe(at), _) => match invitation::request(tx, desk, case, &contact, number, *at, false)? {
                        Some(entry) => Some(entry),
                        None => invitation::cancel(tx, now, desk, case, contact.id, number)?,
                    },
                    _ => invitation::cancel(tx, now, desk, case, contact.id, number)?,
                };
                (contact.zone_or(&desk.zone), contact.language_or(desk), entry)
            }
            None => (desk.zone.clone(), desk.language.clone(), None),
        };
        let from = match contact.is_none() && list.is_some() {
            true => desk.address().to_owned(),
            false => thread::reply_address(desk, &case.key, &known_as),
        };
        let letter = Letter {
            from_name: format!("{} ({})", engineer.name, desk.name),
            from,
            reply_to: None,
            calendar,
            to: to.clone(),
            cc: cc.clone(),
            subject: newest.subject.clone(),
            is_reply: true,
            in_reply_to: newest.message_id.clone(),
            chain: newest.chain.clone(),
            thread_index: newest.facts.thread_index.clone(),
            thread_topic: newest.facts.thread_topic.clone(),
            zone: zone.to_string(),
            language,
            case: case.id.0,
            content: Content::Reply {
                text: upload::words_with_links(desk, &case.key, contact, &draft.text, linked),
                next: draft.next.clone(),
                name: engineer.name.clone(),
                quoted: quoted.clone(),
                files: enclosed.to_vec(),
                no_link: contact
                    .and_then(|contact| link::page(desk, &case.key, contact))
                    .map(|page| format!("{page}/no?m={}", number.0)),
                page: contact.and_then(|contact| link::page(desk, &case.key, contact)),
            },
        };
        let row = outbox::New {
            message: number,
            case: Some(case.id),
            contact,
            recipient: &address,
            letter: &letter,
            automatic: false,
            not_before: leaves_at,
        };
        outbox::put(tx, now, &row)?;
        recipients.push(address);
    }
    Ok(recipients)
}

/// One who gets a copy.
struct Reader {
    /// The contact who asked; none for whoever reads along.
    contact: Option<ContactId>,
    /// Where the copy goes.
    address: String,
    /// The address that they write from: the one that their reply address is signed for.
    known_as: String,
}

impl Reader {
    fn of(contact: Option<ContactId>, mail: &outbox::Last) -> Reader {
        Reader {
            contact,
            address: answers_at(mail).to_owned(),
            known_as: mail.address.clone(),
        }
    }
}

/// Where a contact asks for answers, else the address they wrote from.
fn answers_at(mail: &outbox::Last) -> &str {
    mail.facts.answer_to.as_deref().unwrap_or(&mail.address)
}

/// Addresses of people on the case who did not ask: they read along.
fn others(tx: &mut Tx<'_>, desk: &Desk, case: &Case, askers: &[ContactId]) -> Outcome<Vec<Reader>> {
    let rows = tx.query(
        "SELECT contact FROM participant WHERE case_id = $1 ORDER BY since, contact LIMIT $2",
        &values![case.id, limits::RECIPIENTS as i64],
    )?;
    let mut found = Vec::new();
    for row in rows {
        let contact = ContactId(row.int(0));
        if !askers.contains(&contact) {
            let reader = match outbox::last_of(tx, case.id, contact)? {
                Some(mail) => Reader::of(None, &mail),
                None => {
                    let address = customer::address_of(tx, contact)?;
                    Reader {
                        contact: None,
                        known_as: address.clone(),
                        address,
                    }
                }
            };
            if !reader.address.is_empty() && !desk.takes(&reader.address) {
                found.push(reader);
            }
        }
    }
    Ok(found)
}
