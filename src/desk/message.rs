//! Messages, and the second transaction of every mail: from the parser's result to a case with a promise.
//!
//! [`place`] is where a mail gets its one place. It decides, in this order: is it a repeat, is it our own, is it automatic,
//! could it be read at all, who wrote it, which case does it join, does it earn a promise, is it acknowledged. Raw bytes are
//! kept whatever the answer; nothing accepted stays without a place.

mod incoming;
mod report;

pub use incoming::{Auto, Facts, File, Incoming, WorkedOut};
pub use report::{Bounce, Failed};

use super::case::{self, Hand};
use super::customer::{self, Contact, Learned};
use super::ledger::{self, Actor, event};
use super::negotiation::hear::{self, After};
use super::origin::{self, Standing};
use super::thread::{self, Clues, Match};
use super::{
    CaseId, CustomerId, Desk, EngineerId, MessageNo, RawId, arrival, automatic, bounce, command, likeness, machine,
    notice, number, participant, probe, promise, repeat, unsorted,
};
use crate::limits;
use crate::refusal::Outcome;
use crate::store::{Tx, values};
use jiff::Timestamp;
use plan::Severity;
use serde_json::json;
use std::sync::OnceLock;

/// Why a mail of a mailbox in shadow mode stands in the spool.
pub const IN_SHADOW: &str = "it was taken in shadow mode: nothing was sent";

/// The place that a mail got.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placed {
    /// The message it became (or repeats).
    pub message: MessageNo,
    /// Its case; none in the spool.
    pub case: Option<CaseId>,
}

/// Gives a mail its place; asked twice it answers what it answered first.
pub fn place(tx: &mut Tx<'_>, now: Timestamp, desk: &Desk, mail: &Incoming) -> Outcome<Option<Placed>> {
    let raw = RawId(mail.raw);
    if arrival::is_placed(tx, raw)? {
        return Ok(None);
    }
    if let Some(message) = arrival::repeat_of(tx, raw, mail.message_id.is_some())? {
        arrival::placed(tx, now, raw, message)?;
        let case = case_of(tx, message)?;
        let mut entry = event("mail.repeat", Actor::Customer)
            .message(message)
            .with(json!({"raw": mail.raw}));
        if let Some(case) = case {
            entry = entry.of(case);
        }
        ledger::record(tx, now, entry)?;
        return Ok(Some(Placed { message, case }));
    }
    let known = repeat::known(tx, mail.message_id.as_deref())?;
    if let Some(repeat::Known {
        message,
        is_probe: true,
        ..
    }) = known
    {
        arrival::placed(tx, now, raw, message)?;
        probe::came(tx, now, message, mail)?;
        return Ok(Some(Placed { message, case: None }));
    }
    let like;
    let mail = match &known {
        Some(known) if !known.is_ours => {
            like = Incoming {
                facts: Facts {
                    looks_like: Some(known.message.0),
                    ..mail.facts.clone()
                },
                ..mail.clone()
            };
            &like
        }
        _ => mail,
    };
    let placed = if let Some(reason) = &mail.trouble {
        unread(tx, now, desk, mail, reason)?
    } else if desk.is_own(&mail.address) || known.is_some_and(|known| known.is_ours) {
        spool(tx, now, mail, None, "our own mail came back to us")?
    } else if let Auto::Bounce | Auto::Replied | Auto::Generated = mail.auto {
        machine::place(tx, now, desk, mail)?
    } else if let Some(placed) = command::place(tx, now, desk, mail)? {
        placed
    } else {
        from_a_person(tx, now, desk, mail)?
    };
    arrival::placed(tx, now, raw, placed.message)?;
    Ok(Some(placed))
}

/// A mail that could not be read is an unsorted case with its raw bytes and the reason.
fn unread(tx: &mut Tx<'_>, now: Timestamp, desk: &Desk, mail: &Incoming, reason: &str) -> Outcome<Placed> {
    let address = if mail.envelope_from.is_empty() {
        "unknown@invalid"
    } else {
        mail.envelope_from.as_str()
    };
    let contact = customer::contact_of_mail(tx, now, address, None, Learned::default())?;
    let subject = format!("Mail that could not be read (from {address})");
    let new = case::New {
        customer: contact.customer,
        subject: &clipped(&subject),
        severity: Severity::default(),
        lane: mail.entry.lane.as_deref().unwrap_or(case::LANE),
        product: mail.entry.product.as_deref(),
        list: None,
    };
    let id = case::open(tx, now, desk, &new)?;
    let text = format!(
        "This mail could not be read: {reason}. Its raw bytes are kept: `duly raw {}`.",
        id.0
    );
    let mail = Incoming {
        text,
        address: address.to_owned(),
        subject,
        worked_out: OnceLock::new(),
        ..mail.clone()
    };
    let message = insert(tx, &mail, Some(id), Some(&contact), "unreadable", false, Some(reason))?;
    told(tx, now, Some(id), message, "mail.unreadable", "unreadable")?;
    Ok(Placed {
        message,
        case: Some(id),
    })
}

pub(super) fn spool(
    tx: &mut Tx<'_>,
    now: Timestamp,
    mail: &Incoming,
    contact: Option<&Contact>,
    reason: &str,
) -> Outcome<Placed> {
    let message = insert(tx, mail, None, contact, "spooled", false, Some(reason))?;
    told(tx, now, None, message, "mail.spooled", "none")?;
    Ok(Placed { message, case: None })
}

/// A person's mail: verified it joins a case or opens one and earns a promise, else it waits for a person to look.
fn from_a_person(tx: &mut Tx<'_>, now: Timestamp, desk: &Desk, mail: &Incoming) -> Outcome<Placed> {
    let standing = origin::standing(tx, now, desk, mail)?;
    if let Standing::Unverified { answerable } = standing {
        return unsorted::place(tx, now, desk, mail, answerable);
    }
    let learned = Learned {
        zone: mail.mail_zone.as_deref(),
        language: mail.language.as_deref(),
    };
    let contact = customer::contact_of_mail(tx, now, &mail.address, mail.name.as_deref(), learned)?;
    let found = thread::find(tx, desk, &clues(mail), &contact, &mail.address, standing)?;
    let served = mail.served_list.is_some();
    // A list that nobody asked us to serve: a person looks first, unless the mail belongs to a case already.
    let foreign_list = mail.auto == Auto::List && !served;
    let joined = matches!(found, Match::Join(..));
    let (id, rule, offer) = match found {
        Match::Join(id, rule) => (id, rule, None),
        Match::Offer(other, rule, why) => {
            let id = open_case(tx, now, desk, mail, contact.customer)?;
            (id, rule, Some((other, why)))
        }
        Match::New => (open_case(tx, now, desk, mail, contact.customer)?, "new", None),
    };
    let (offer, offer_why) = offer.map(|(other, why)| (other.0, why)).unzip();
    let mut facts = Facts {
        offer,
        offer_why,
        // What nobody vouches for leads no answer elsewhere.
        answer_to: mail.facts.answer_to.clone().filter(|_| standing.is_proven()),
        ..mail.facts.clone()
    };
    if let Some(address) = &facts.answer_to {
        facts
            .remarks
            .push(format!("Asks for answers at {address}: they go there."));
    }
    let proven = rule == "token" && joined && standing.acts();
    if let Some(asked) = mail.wish.as_ref().filter(|_| !proven) {
        facts.remarks.push(hear::shown_only(asked));
    }
    let mail = Incoming { facts, ..mail.clone() };
    let reason = match foreign_list && !joined {
        _ if mail.shadow => Some(IN_SHADOW),
        true => Some(unsorted::FOREIGN_LIST),
        false => None,
    };
    let message = insert(tx, &mail, Some(id), Some(&contact), rule, !mail.shadow, reason)?;
    told(tx, now, Some(id), message, "mail.in", rule)?;
    likeness::learn(tx, mail.received_at, id, &mail.subject)?;
    if reason.is_some() {
        if !joined {
            thread::learn(tx, id, mail.message_id.as_deref(), &mail.chain)?;
            case::add_participant(tx, now, id, contact.id)?;
        }
        if mail.shadow {
            unsorted::waits_for_none(tx, now, message)?;
        }
        return Ok(Placed {
            message,
            case: Some(id),
        });
    }
    thread::learn(tx, id, mail.message_id.as_deref(), &mail.chain)?;
    bounce::forget(tx, &mail.address)?;
    participant::from_copies(tx, now, desk, id, &contact, &mail, standing)?;
    let after = match mail.wish.as_ref().filter(|_| proven) {
        Some(asked) => hear::obey(tx, now, desk, id, &contact, &mail, asked)?,
        None => After::Earn,
    };
    if after != After::Nothing {
        earn(tx, now, desk, id, message, &contact, &mail, mail.received_at, "target")?;
    }
    if let After::EarnThenAsk(wish) = after {
        hear::ask_for_new(tx, now, desk, id, message, &contact, &mail, &wish)?;
    }
    Ok(Placed {
        message,
        case: Some(id),
    })
}

/// A case of this mail, with its subject, severity and lane.
pub(super) fn open_case(
    tx: &mut Tx<'_>,
    now: Timestamp,
    desk: &Desk,
    mail: &Incoming,
    customer: CustomerId,
) -> Outcome<CaseId> {
    let severity = if is_urgent(&mail.text) {
        Severity::Stopped
    } else {
        mail.severity.unwrap_or_default()
    };
    let subject = clipped(if mail.subject.trim().is_empty() {
        "(no subject)"
    } else {
        mail.subject.trim()
    });
    let new = case::New {
        customer,
        subject: &subject,
        severity,
        lane: mail.entry.lane.as_deref().unwrap_or(case::LANE),
        product: mail.entry.product.as_deref(),
        list: mail.served_list.as_deref(),
    };
    case::open(tx, now, desk, &new)
}

/// The message earns its promise, the case wakes, and the acknowledgement goes out where one is due.
#[expect(clippy::too_many_arguments, reason = "the facts of one mail, each once")]
pub fn earn(
    tx: &mut Tx<'_>,
    now: Timestamp,
    desk: &Desk,
    id: CaseId,
    message: MessageNo,
    contact: &Contact,
    mail: &Incoming,
    from: Timestamp,
    basis: &'static str,
) -> Outcome<()> {
    case::add_participant(tx, now, id, contact.id)?;
    number::seen(tx, contact.customer, id, &mail.subject)?;
    let case = case::find(tx, id)?;
    let urgent = is_urgent(&mail.text);
    let severity = if urgent { Severity::Stopped } else { case.severity };
    if severity != case.severity {
        // Later promises follow; those that are made stand (PRODUCT.md §3.14).
        case::set_severity(tx, now, &case, severity, Actor::Customer)?;
    }
    // A time that is nearer than the one that was said must be said as well.
    let must_say = case.hand != Hand::Ours || severity != case.severity;
    let earned = promise::for_message(tx, now, desk, &case, message, contact, severity, from, basis)?;
    case::wake(tx, now, &case, Actor::Customer, "customer's mail")?;
    if must_say && (mail.auto == Auto::No || mail.served_list.is_some()) {
        automatic::acknowledge(tx, now, desk, &case, message, contact, mail, &earned)?;
    }
    automatic::tell_not_held(tx, now, desk, &case, &earned)?;
    // Nobody had a new case before.
    match case.owner {
        Some(_) => notice::owner(tx, now, desk, id, notice::WROTE),
        None => Ok(()),
    }
}

/// Whether the newly written words begin with `urgent:`, in a language of the desk (PRODUCT.md §3.13).
pub fn is_urgent(text: &str) -> bool {
    let first = text.trim_start();
    ["urgent:", "dringend:"].iter().any(|word| {
        first
            .get(..word.len())
            .is_some_and(|head| head.eq_ignore_ascii_case(word))
    })
}

/// What a mail says of where it belongs.
pub(super) fn clues(mail: &Incoming) -> Clues<'_> {
    Clues {
        recipients: &mail.recipients,
        message_id: mail.message_id.as_deref(),
        chain: &mail.chain,
        maybe_chain: &mail.maybe_chain,
        subject: &mail.subject,
        marks: &mail.worked_out().marks,
        list: mail.served_list.as_deref(),
        at: mail.received_at,
    }
}

/// Writes the row of a mail that came in, and its words into the index.
pub fn insert(
    tx: &mut Tx<'_>,
    mail: &Incoming,
    case: Option<CaseId>,
    contact: Option<&Contact>,
    matched_by: &str,
    verified: bool,
    spool_reason: Option<&str>,
) -> Outcome<MessageNo> {
    let chain = serde_json::to_string(&mail.chain).map_err(anyhow::Error::from)?;
    let facts = serde_json::to_string(&mail.facts).map_err(anyhow::Error::from)?;
    let number = tx.insert(
        "INSERT INTO message (case_id, way, kind, at, contact, author, address, message_id, chain, subject, text, folded,
             facts, auto, matched_by, verified, spool_reason, raw)
         VALUES ($1, 'in', 'mail', $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)",
        &values![
            case,
            mail.received_at,
            contact.map(|contact| contact.id),
            mail.author(),
            mail.address.as_str(),
            mail.message_id.as_deref(),
            chain,
            clipped(&mail.subject),
            mail.text.as_str(),
            mail.folded.as_str(),
            facts,
            mail.auto.text(),
            matched_by,
            verified,
            spool_reason,
            RawId(mail.raw)
        ],
    )?;
    let message = MessageNo(number);
    let index = mail.worked_out().index.clone();
    debug_assert!(index == mail.index(), "worked out of other words than the mail has");
    tx.index_words(message.0, index)?;
    if !mail.facts.files.is_empty() {
        super::file::came(tx, mail.received_at, message, spool_reason.is_some() || case.is_none())?;
    }
    Ok(message)
}

/// Records that a mail came in.
pub(super) fn told(
    tx: &mut Tx<'_>,
    now: Timestamp,
    case: Option<CaseId>,
    message: MessageNo,
    kind: &'static str,
    rule: &str,
) -> Outcome<()> {
    let mut entry = event(kind, Actor::Customer)
        .message(message)
        .with(json!({"matched_by": rule}));
    if let Some(case) = case {
        entry = entry.of(case);
    }
    ledger::record(tx, now, entry)?;
    Ok(())
}

/// An internal note: for engineers only, never in an outbox.
pub fn note(
    tx: &mut Tx<'_>,
    now: Timestamp,
    case: CaseId,
    engineer: EngineerId,
    author: (&str, &str),
    text: &str,
) -> Outcome<MessageNo> {
    let message = written(tx, now, case, engineer, author, "note", "note", "", text)?;
    ledger::record(
        tx,
        now,
        event("note", Actor::Engineer(engineer)).of(case).message(message),
    )?;
    Ok(message)
}

/// A message that an engineer writes: note or mail out.
#[expect(clippy::too_many_arguments, reason = "one row's columns, named where they are given")]
pub fn written(
    tx: &mut Tx<'_>,
    now: Timestamp,
    case: CaseId,
    engineer: EngineerId,
    (author, address): (&str, &str),
    way: &'static str,
    kind: &str,
    subject: &str,
    text: &str,
) -> Outcome<MessageNo> {
    let number = tx.insert(
        "INSERT INTO message (case_id, way, kind, at, engineer, author, address, chain, subject, text, folded, facts, auto,
             matched_by, verified)
         VALUES ($1, $2, $3, $4, $5, $6, $7, '[]', $8, $9, '', '{}', 'no', 'written here', 1)",
        &values![case, way, kind, now, engineer, author, address, subject, text],
    )?;
    let message = MessageNo(number);
    tx.index_text(message.0, clip_bytes(text, limits::INDEX_BYTES))?;
    Ok(message)
}

/// The case of a message.
pub fn case_of(tx: &mut Tx<'_>, message: MessageNo) -> Outcome<Option<CaseId>> {
    Ok(tx
        .one("SELECT case_id FROM message WHERE id = $1", &values![message])?
        .opt_int(0)
        .map(CaseId))
}

/// A subject of stored length.
pub fn clipped(subject: &str) -> String {
    subject
        .chars()
        .map(|one| if one.is_control() { ' ' } else { one })
        .take(limits::SUBJECT_CHARS)
        .collect()
}

/// The longest beginning of a text that is no longer than this many bytes.
pub fn clip_bytes(text: &str, limit: usize) -> &str {
    if text.len() <= limit {
        return text;
    }
    let mut end = limit;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}
