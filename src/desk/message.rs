//! Messages, and the second transaction of every mail: from the parser's result to a case with a promise.
//!
//! [`place`] is where a mail gets its one place. It decides, in this order: is it a repeat, is it our own, is it automatic,
//! could it be read at all, who wrote it, which case does it join, does it earn a promise, is it acknowledged. Raw bytes are
//! kept whatever the answer; nothing accepted stays without a place.

mod report;

pub use report::{Bounce, Failed};

use super::address::Entry;
use super::case::{self, Hand};
use super::customer::{self, Contact, Learned};
use super::ledger::{self, Actor, event};
use super::origin::{self, Origin, Standing};
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
use serde::{Deserialize, Serialize};
use serde_json::json;

/// A mail as the desk needs it: what the mail door understood, without MIME.
#[derive(Debug, Clone, Default)]
pub struct Incoming {
    /// Number of its raw bytes.
    pub raw: i64,
    /// When it was received.
    pub received_at: Timestamp,
    /// Who wrote it; behind "via" the original author. Empty where nothing could be read.
    pub address: String,
    /// Their name as they write it.
    pub name: Option<String>,
    /// Return path.
    pub envelope_from: String,
    /// Envelope recipients and addressed people: where a signed reply address may stand.
    pub recipients: Vec<String>,
    /// People named in To and Cc: name and address.
    pub copies: Vec<(Option<String>, String)>,
    /// Its own Message-ID, without brackets.
    pub message_id: Option<String>,
    /// `References` and `In-Reply-To`, root first, without brackets.
    pub chain: Vec<String>,
    /// What looks like such IDs but stands without brackets: an offer, never a join.
    pub maybe_chain: Vec<String>,
    /// The customer's own subject.
    pub subject: String,
    /// Newly written words.
    pub text: String,
    /// Quotes, signature, footers: shown folded.
    pub folded: String,
    /// What automatic mail it is.
    pub auto: Auto,
    /// The list that the desk serves through which it came.
    pub served_list: Option<String>,
    /// A permanent or passing bounce of one of our mails: its Message-ID, and whether it is permanent.
    pub bounce: Option<Bounce>,
    /// Offset of its `Date` header, as a zone.
    pub mail_zone: Option<String>,
    /// What its first lines ask, if it came to an engineer's personal address.
    pub asked: Option<command::Asked>,
    /// The language it is written in, a tag of the catalogue; none where nothing says so.
    pub language: Option<String>,
    /// The rest that screens show.
    pub facts: Facts,
    /// What the address it was sent to says of a new case.
    pub entry: Entry,
    /// The severity of a new case, where it is known otherwise than from the words.
    pub severity: Option<Severity>,
    /// Taken only to be seen (a mailbox in shadow mode): no promise, no letter, nothing wakes.
    pub shadow: bool,
    /// Why it could not be understood, if so.
    pub trouble: Option<String>,
}

/// What automatic mail a mail is (RFC 3834, RFC 3464, RFC 2919).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Auto {
    /// A person wrote it to us.
    #[default]
    No,
    /// It came through a list.
    List,
    /// Out of office and the like.
    Replied,
    /// A machine wrote it.
    Generated,
    /// A delivery status notification.
    Bounce,
}

impl Auto {
    /// As it stands in the table and in `mail inspect`.
    pub fn text(self) -> &'static str {
        match self {
            Auto::No => "no",
            Auto::List => "list",
            Auto::Replied => "auto-replied",
            Auto::Generated => "auto-generated",
            Auto::Bounce => "bounce",
        }
    }
}

/// What screens show beside the words.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Facts {
    /// `To`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub to: Vec<String>,
    /// `Cc`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cc: Vec<String>,
    /// Files.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<File>,
    /// What it carries beside its words, in sentences: signatures, encryption, invitations, forwards.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub remarks: Vec<String>,
    /// What was wrong with the mail, in words.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<String>,
    /// Outlook's thread position, echoed in replies.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thread_index: Option<String>,
    /// Outlook's thread name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thread_topic: Option<String>,
    /// The served list through which it came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub list: Option<String>,
    /// A message with the same Message-ID that is not the same mail: it looks like a repeat, and is kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub looks_like: Option<i64>,
    /// A case that a person may merge this one into.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offer: Option<i64>,
    /// Why it is offered, as half a sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offer_why: Option<String>,
    /// Where its author asks for answers (`Reply-To`), in the domain they write from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer_to: Option<String>,
    /// `Date` header, RFC 3339: shown, never counted with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub date: Option<String>,
    /// What was found out about its sender; none where nobody looked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<Origin>,
}

/// An attachment, by what is known of it; its bytes are in the raw mail.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct File {
    /// Name as sent.
    pub name: String,
    /// Type as sent.
    pub content_type: String,
    /// Decoded size in bytes.
    pub size: u64,
}

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
    earn(tx, now, desk, id, message, &contact, &mail, mail.received_at, "target")?;
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
    let became_ours = case.hand != Hand::Ours;
    let (_, due) = promise::for_message(tx, now, desk, &case, message, contact, severity, from, basis)?;
    case::wake(tx, now, &case, Actor::Customer, "customer's mail")?;
    if became_ours && (mail.auto == Auto::No || mail.served_list.is_some()) {
        automatic::acknowledge(tx, now, desk, &case, message, contact, mail, due)?;
    }
    notice::owner(tx, now, desk, id, notice::WROTE)
}

/// Whether the newly written words begin with `urgent:` (PRODUCT.md §3.13).
pub fn is_urgent(text: &str) -> bool {
    let first = text.trim_start();
    first.get(..7).is_some_and(|word| word.eq_ignore_ascii_case("urgent:"))
}

/// What a mail says of where it belongs.
pub(super) fn clues(mail: &Incoming) -> Clues<'_> {
    Clues {
        recipients: &mail.recipients,
        message_id: mail.message_id.as_deref(),
        chain: &mail.chain,
        maybe_chain: &mail.maybe_chain,
        subject: &mail.subject,
        words: (&mail.text, &mail.folded),
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
    let name = mail
        .name
        .as_deref()
        .filter(|name| !name.is_empty())
        .unwrap_or(&mail.address);
    let number = tx.insert(
        "INSERT INTO message (case_id, way, kind, at, contact, author, address, message_id, chain, subject, text, folded,
             facts, auto, matched_by, verified, spool_reason, raw)
         VALUES ($1, 'in', 'mail', $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)",
        &values![
            case,
            mail.received_at,
            contact.map(|contact| contact.id),
            name,
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
    let mut words = String::with_capacity(mail.subject.len() + mail.text.len().min(limits::INDEX_BYTES) + 80);
    // Whoever wrote it is found as well, by name and address.
    for part in [mail.subject.as_str(), name, mail.address.as_str()] {
        words.push_str(part);
        words.push('\n');
    }
    words.push_str(clip_bytes(&mail.text, limits::INDEX_BYTES));
    tx.index_text(message.0, &words)?;
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
