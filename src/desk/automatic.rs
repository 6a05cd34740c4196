//! Letters that the desk writes by itself: acknowledgement, broken promise, closing, sender not verified, notes to leads.
//!
//! They are few on purpose (PRODUCT.md §3.11): nothing automatic goes to an empty sender, to a list, to our own addresses
//! or in answer to automatic mail, and none beyond the daily limits. The words are the mail door's; here stands only who
//! is told what, in the transaction of its cause.

use super::case::{self, Case};
use super::customer::{self, Contact};
use super::ledger::{self, Actor, event};
use super::message::{Auto, Incoming};
use super::outbox::{self, Content, Letter, New};
use super::promise::Promise;
use super::{CaseId, ContactId, Desk, MessageNo, engineer, thread};
use crate::limits;
use crate::refusal::Outcome;
use crate::store::{Tx, values};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

/// One letter of the desk itself about a case: message, row and event in one.
struct Automatic<'a> {
    kind: &'static str,
    case: &'a Case,
    contact: Option<&'a Contact>,
    recipient: &'a str,
    letter: Letter,
}

fn put_automatic(tx: &mut Tx<'_>, now: Timestamp, desk: &Desk, what: &Automatic<'_>) -> Outcome<()> {
    let number = tx.insert(
        "INSERT INTO message (case_id, way, kind, at, author, address, chain, subject, text, folded, facts, auto, matched_by,
             verified)
         VALUES ($1, 'out', $2, $3, $4, $5, '[]', $6, '', '', '{}', 'auto-generated', 'written here', 1)",
        &values![what.case.id, what.kind, now, desk.name.as_str(), desk.address(), what.letter.subject.as_str()],
    )?;
    let message = MessageNo(number);
    let id = outbox::message_id(desk, Some(what.case.id), message);
    tx.execute(
        "UPDATE message SET message_id = $1 WHERE id = $2",
        &values![id.as_str(), message],
    )?;
    thread::learn(tx, what.case.id, Some(&id), &[])?;
    outbox::put(
        tx,
        now,
        &New {
            message,
            case: Some(what.case.id),
            contact: what.contact.map(|contact| contact.id),
            recipient: what.recipient,
            letter: &what.letter,
            automatic: true,
            not_before: now,
        },
    )?;
    ledger::record(
        tx,
        now,
        event("mail.written", Actor::Desk)
            .of(what.case.id)
            .message(message)
            .with(json!({"kind": what.kind})),
    )?;
    Ok(())
}

/// Whether an address may get automatic mail now: not ours, not a list we serve, none that refused our mail for good, not
/// more than the day allows.
fn may_get_automatic(tx: &mut Tx<'_>, now: Timestamp, desk: &Desk, recipient: &str, per_day: i64) -> Outcome<bool> {
    if recipient.is_empty() || !recipient.contains('@') || desk.takes(recipient) {
        return Ok(false);
    }
    if super::bounce::of_address(tx, recipient)?.is_some() {
        return Ok(false);
    }
    let day = now - SignedDuration::from_hours(24);
    let sent = tx.one(
        "SELECT COUNT(*) FROM outbox WHERE automatic = 1 AND recipient = $1 AND made_at > $2",
        &values![recipient.to_lowercase(), day],
    )?;
    Ok(sent.int(0) < per_day)
}

/// Text A, once each time a message makes the case ours, at most three a case, address and day.
#[expect(clippy::too_many_arguments, reason = "the facts of one acknowledgement, each once")]
pub fn acknowledge(
    tx: &mut Tx<'_>,
    now: Timestamp,
    desk: &Desk,
    case: &Case,
    message: MessageNo,
    contact: &Contact,
    mail: &Incoming,
    due: Timestamp,
) -> Outcome<()> {
    // RFC 3834 §2: never to an empty return path. A list's own return path belongs to the list, not to the author.
    let null_sender = mail.envelope_from.is_empty() && mail.served_list.is_none();
    if null_sender || !may_get_automatic(tx, now, desk, &mail.address, limits::AUTOMATIC_PER_ADDRESS_PER_DAY)? {
        return Ok(());
    }
    let day = now - SignedDuration::from_hours(24);
    let sent = tx.one(
        "SELECT COUNT(*) FROM outbox o JOIN message m ON m.id = o.message
         WHERE o.automatic = 1 AND o.recipient = $1 AND o.made_at > $2 AND o.case_id = $3 AND m.kind = 'acknowledgement'",
        &values![mail.address.to_lowercase(), day, case.id],
    )?;
    if sent.int(0) >= limits::ACKNOWLEDGEMENTS_PER_DAY {
        ledger::record(
            tx,
            now,
            event("acknowledgement.spared", Actor::Desk)
                .of(case.id)
                .message(message),
        )?;
        return Ok(());
    }
    let content = Content::Acknowledgement {
        name: contact.name.clone(),
        subject: mail.subject.clone(),
        files: mail.facts.files.len(),
        bytes: mail.facts.files.iter().map(|file| file.size).sum(),
        due,
        by: desk.name.clone(),
    };
    let letter = Letter {
        in_reply_to: mail.message_id.clone(),
        chain: mail.chain.clone(),
        thread_index: mail.facts.thread_index.clone(),
        thread_topic: mail.facts.thread_topic.clone(),
        ..letter_to(desk, case, contact, &mail.address, &mail.subject, content)
    };
    let what = Automatic {
        kind: "acknowledgement",
        case,
        contact: Some(contact),
        recipient: &mail.address,
        letter,
    };
    put_automatic(tx, now, desk, &what)
}

/// A letter of the desk to a contact of a case.
pub fn letter_to(
    desk: &Desk,
    case: &Case,
    contact: &Contact,
    address: &str,
    subject: &str,
    content: Content,
) -> Letter {
    Letter {
        from_name: desk.name.clone(),
        from: thread::reply_address(desk, &case.key, address),
        to: vec![address.to_owned()],
        cc: Vec::new(),
        subject: subject.to_owned(),
        is_reply: true,
        in_reply_to: None,
        chain: Vec::new(),
        thread_index: None,
        thread_topic: None,
        zone: contact.zone_or(&desk.zone).to_string(),
        case: case.id.0,
        content,
    }
}

/// An automatic letter in the thread of a contact's last mail.
fn put_in_thread(
    tx: &mut Tx<'_>,
    now: Timestamp,
    desk: &Desk,
    case: &Case,
    id: ContactId,
    kind: &'static str,
    content: impl FnOnce(String) -> Content,
) -> Outcome<()> {
    let Some(last) = outbox::last_of(tx, case.id, id)? else {
        return Ok(());
    };
    let may = may_get_automatic(tx, now, desk, &last.address, limits::AUTOMATIC_PER_ADDRESS_PER_DAY)?;
    if last.automatic || !may {
        return Ok(());
    }
    let contact = customer::contact(tx, id)?;
    let letter = Letter {
        in_reply_to: last.message_id,
        chain: last.chain,
        thread_index: last.facts.thread_index,
        thread_topic: last.facts.thread_topic,
        ..letter_to(
            desk,
            case,
            &contact,
            &last.address,
            &last.subject,
            content(contact.name.clone()),
        )
    };
    put_automatic(
        tx,
        now,
        desk,
        &Automatic {
            kind,
            case,
            contact: Some(&contact),
            recipient: &last.address,
            letter,
        },
    )
}

/// Text G to the customer, and a note to the leads.
pub fn tell_broken(
    tx: &mut Tx<'_>,
    now: Timestamp,
    desk: &Desk,
    case: &Case,
    promise: &Promise,
    due: Timestamp,
) -> Outcome<()> {
    // Nobody is named to the customer whom the desk cannot tell: a lead without an address of their own hears of nothing.
    let leads = engineer::leads(tx)?;
    let told = leads.iter().find(|lead| !desk.takes(&lead.address));
    let lead = told.map(|lead| lead.name.clone());
    put_in_thread(tx, now, desk, case, promise.contact, "broken", |name| Content::Broken {
        name,
        said: promise.due,
        due,
        lead,
    })?;
    let text = format!(
        "The promise of case {} (\"{}\") was broken: a reply was due by {}. The customer was told. New time: {}.",
        case.id.0,
        case.subject,
        plan::say::short(promise.due, &desk.zone, now),
        plan::say::short(due, &desk.zone, now),
    );
    tell_leads(tx, now, desk, case, &text)
}

/// Text F at the closing date.
pub fn tell_closed(tx: &mut Tx<'_>, now: Timestamp, desk: &Desk, case: &Case, contact: ContactId) -> Outcome<()> {
    put_in_thread(tx, now, desk, case, contact, "closing", |name| Content::Closed { name })
}

/// A note of trouble to every lead.
pub fn tell_leads(tx: &mut Tx<'_>, now: Timestamp, desk: &Desk, case: &Case, text: &str) -> Outcome<()> {
    for lead in engineer::leads(tx)? {
        let letter = Letter {
            from_name: desk.name.clone(),
            from: desk.address().to_owned(),
            to: vec![lead.address.clone()],
            cc: Vec::new(),
            subject: format!("Case {}: {}", case.id.0, case.subject),
            is_reply: false,
            in_reply_to: None,
            chain: Vec::new(),
            thread_index: None,
            thread_topic: None,
            zone: lead.zone.to_string(),
            case: case.id.0,
            content: Content::Note { text: text.to_owned() },
        };
        if may_get_automatic(tx, now, desk, &lead.address, limits::NOTES_PER_LEAD_PER_DAY)? {
            put_automatic(
                tx,
                now,
                desk,
                &Automatic {
                    kind: "lead",
                    case,
                    contact: None,
                    recipient: &lead.address,
                    letter,
                },
            )?;
        }
    }
    Ok(())
}

/// Text I: at most once an address and day, and so many a day in all; never to automatic mail or an empty return path.
pub fn tell_unverified(
    tx: &mut Tx<'_>,
    now: Timestamp,
    desk: &Desk,
    id: CaseId,
    contact: &Contact,
    mail: &Incoming,
) -> Outcome<()> {
    let day = now - SignedDuration::from_hours(24);
    let (today, theirs) = unverified_notes(tx, day, &mail.address)?;
    let too_many = today >= limits::UNVERIFIED_NOTES_PER_DAY || theirs > 0;
    let automatic = mail.envelope_from.is_empty() || mail.auto != Auto::No;
    if too_many || automatic || !may_get_automatic(tx, now, desk, &mail.address, limits::AUTOMATIC_PER_ADDRESS_PER_DAY)?
    {
        return Ok(());
    }
    let case = case::find(tx, id)?;
    let subject = format!("Your mail has arrived as case {}", id.0);
    let letter = Letter {
        is_reply: false,
        in_reply_to: mail.message_id.clone(),
        ..letter_to(desk, &case, contact, &mail.address, &subject, Content::Unverified)
    };
    put_automatic(
        tx,
        now,
        desk,
        &Automatic {
            kind: "unverified",
            case: &case,
            contact: Some(contact),
            recipient: &mail.address,
            letter,
        },
    )
}

fn unverified_notes(tx: &mut Tx<'_>, since: Timestamp, address: &str) -> Outcome<(i64, i64)> {
    let row = tx.one(
        "SELECT COUNT(*), COUNT(CASE WHEN o.recipient = $2 THEN 1 END) FROM message m JOIN outbox o ON o.message = m.id
         WHERE m.kind = 'unverified' AND m.at > $1",
        &values![since, address.to_lowercase()],
    )?;
    Ok((row.int(0), row.int(1)))
}
