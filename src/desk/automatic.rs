//! Letters that the desk writes by itself: acknowledgement, broken promise, closing, sender not verified, notes to leads.
//!
//! They are few on purpose (PRODUCT.md §3.11): nothing automatic goes to an empty sender, to a list, to our own addresses
//! or in answer to automatic mail, and none beyond the daily limits. The words are the mail door's; here stands only who
//! is told what, in the transaction of its cause.

use super::case::{self, Case};
use super::customer::{self, Contact};
use super::ledger::{self, Actor, event};
use super::letter::Choices;
use super::message::{Auto, Incoming};
use super::negotiation::{self, What};
use super::outbox::{self, Content, Letter, New};
use super::promise::{Earned, Held, Promise};
use super::{CaseId, ContactId, Desk, MessageNo, confirmation, engineer, invitation, likeness, thread};
use crate::limits;
use crate::refusal::Outcome;
use crate::store::{Tx, values};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

/// One letter of the desk itself: message, row and event in one.
pub(super) struct Automatic<'a> {
    pub(super) kind: &'static str,
    /// The case that it is about; a digest has none.
    pub(super) case: Option<&'a Case>,
    pub(super) contact: Option<&'a Contact>,
    pub(super) recipient: &'a str,
    pub(super) letter: Letter,
}

/// Writes it.
pub(super) fn put(tx: &mut Tx<'_>, now: Timestamp, desk: &Desk, what: &Automatic<'_>) -> Outcome<()> {
    let case = what.case.map(|case| case.id);
    let number = tx.insert(
        "INSERT INTO message (case_id, way, kind, at, author, address, chain, subject, text, folded, facts, auto, matched_by,
             verified)
         VALUES ($1, 'out', $2, $3, $4, $5, '[]', $6, '', '', '{}', 'auto-generated', 'written here', 1)",
        &values![case, what.kind, now, desk.name.as_str(), desk.address(), what.letter.subject.as_str()],
    )?;
    let message = MessageNo(number);
    let id = outbox::message_id(desk, case, message);
    tx.execute(
        "UPDATE message SET message_id = $1 WHERE id = $2",
        &values![id.as_str(), message],
    )?;
    if let Some(case) = case {
        thread::learn(tx, case, Some(&id), &[])?;
    }
    let mut letter = what.letter.clone();
    if let (Some(case), Some(contact)) = (what.case, what.contact) {
        letter.calendar = match promised(&letter.content) {
            Some((due, agreed)) => invitation::request(tx, desk, case, contact, message, due, agreed)?,
            None if is_unneeded(&letter.content) => invitation::cancel(tx, now, desk, case, contact.id, message)?,
            None => None,
        };
    }
    outbox::put(
        tx,
        now,
        &New {
            message,
            case,
            contact: what.contact.map(|contact| contact.id),
            recipient: what.recipient,
            letter: &letter,
            automatic: true,
            not_before: now,
        },
    )?;
    let mut entry = event("mail.written", Actor::Desk)
        .message(message)
        .with(json!({"kind": what.kind}));
    if let Some(case) = case {
        entry = entry.of(case);
    }
    ledger::record(tx, now, entry)?;
    Ok(())
}

/// The time that a letter promises to its reader, new or moved, and whether both sides agreed on it.
fn promised(content: &Content) -> Option<(Timestamp, bool)> {
    match content {
        Content::Acknowledgement { due, .. } | Content::Broken { due, .. } => Some((*due, false)),
        Content::Step {
            what: What::Agreed | What::Fine,
            at: Some(at),
            who,
            ..
        } if who.is_empty() => Some((*at, true)),
        // A step that was taken back leaves the time before, which both sides had said as well.
        Content::Step {
            what: What::Undone,
            due: Some(due),
            who,
            ..
        } if who.is_empty() => Some((*due, true)),
        _ => None,
    }
}

fn is_unneeded(content: &Content) -> bool {
    matches!(
        content,
        Content::Step {
            what: What::Unneeded,
            ..
        }
    )
}

fn may_be_written_to(tx: &mut Tx<'_>, desk: &Desk, recipient: &str) -> Outcome<bool> {
    let is_ours = recipient.is_empty() || !recipient.contains('@') || desk.takes(recipient);
    Ok(!is_ours && super::bounce::of_address(tx, recipient)?.is_none())
}

/// Whether an address may get automatic mail now: not ours, not a list we serve, none that refused our mail for good, not
/// more than the day allows.
pub(super) fn may_get_automatic(
    tx: &mut Tx<'_>,
    now: Timestamp,
    desk: &Desk,
    recipient: &str,
    per_day: i64,
) -> Outcome<bool> {
    if !may_be_written_to(tx, desk, recipient)? {
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
    earned: &Earned,
) -> Outcome<()> {
    // RFC 3834 §2: never to an empty return path. A list's own return path belongs to the list, not to the author.
    let null_sender = mail.envelope_from.is_empty() && mail.served_list.is_none();
    if null_sender || !may_be_written_to(tx, desk, &mail.address)? {
        return Ok(());
    }
    let since = now - SignedDuration::from_hours(24);
    let lately = sent_lately(tx, &mail.address, since)?;
    if lately.len() as i64 >= limits::AUTOMATIC_PER_ADDRESS_PER_DAY {
        return Ok(());
    }
    if is_told(tx, &lately, case.id)? || is_loop(tx, since, lately.len(), mail)? {
        let spared = event("acknowledgement.spared", Actor::Desk);
        ledger::record(tx, now, spared.of(case.id).message(message))?;
        return Ok(());
    }
    let content = Content::Acknowledgement {
        name: contact.name.clone(),
        subject: mail.subject.clone(),
        files: mail.facts.files.len(),
        bytes: mail.facts.files.iter().map(|file| file.size).sum(),
        due: earned.due,
        by: desk.name.clone(),
        urgent: super::message::is_urgent(&mail.text),
        upload: super::link::upload(desk, &case.key, contact.id),
        time: super::link::page(desk, &case.key, contact.id).map(|page| format!("{page}/time")),
        later: earned.held == Held::Dated,
        offered: offered(tx, now, desk, case, contact, earned)?,
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
        case: Some(case),
        contact: Some(contact),
        recipient: &mail.address,
        letter,
    };
    put(tx, now, desk, &what)
}

/// The earliest honest time beside a target that stands and cannot be held, with the links that answer it.
fn offered(
    tx: &mut Tx<'_>,
    now: Timestamp,
    desk: &Desk,
    case: &Case,
    contact: &Contact,
    earned: &Earned,
) -> Outcome<Option<(Timestamp, Option<Choices>)>> {
    let Held::Offer(at) = earned.held else { return Ok(None) };
    let promise = super::promise::find(tx, earned.promise)?;
    let offer = negotiation::Offer {
        at,
        reason: "",
        meanwhile: "",
        signed: None,
    };
    let step = negotiation::offer(tx, now, desk, Actor::Desk, &desk.zone, &promise, &offer)?;
    let choices = negotiation::choices(desk, case, contact.id, step, now);
    Ok(Some((at, choices)))
}

/// An automatic letter that an address got.
struct Sent {
    case: Option<CaseId>,
    message: MessageNo,
}

/// The automatic letters that an address got since then, the newest first; as many as a day allows. Reads an index alone:
/// what an address got within a day lies scattered among what everybody else got.
fn sent_lately(tx: &mut Tx<'_>, recipient: &str, since: Timestamp) -> Outcome<Vec<Sent>> {
    let rows = tx.query(
        "SELECT case_id, message FROM outbox WHERE automatic = 1 AND recipient = $1 AND made_at > $2
         ORDER BY made_at DESC, message DESC LIMIT $3",
        &values![recipient.to_lowercase(), since, limits::AUTOMATIC_PER_ADDRESS_PER_DAY],
    )?;
    let sent = rows.iter().map(|row| Sent {
        case: row.opt_int(0).map(CaseId),
        message: MessageNo(row.int(1)),
    });
    Ok(sent.collect())
}

/// Whether the address got as many acknowledgements in the case as it may within a day.
fn is_told(tx: &mut Tx<'_>, lately: &[Sent], case: CaseId) -> Outcome<bool> {
    let mut left = limits::ACKNOWLEDGEMENTS_PER_DAY;
    for one in lately.iter().filter(|one| one.case == Some(case)) {
        let row = tx.one("SELECT kind FROM message WHERE id = $1", &values![one.message])?;
        left -= i64::from(row.text(0) == "acknowledgement");
    }
    Ok(left <= 0)
}

/// Whether the address writes the same subject again and again, and got an automatic letter to it each time: a machine that
/// answers ours and says nothing of itself. Digits count as one, so that a counter in the subject hides nothing; cases do
/// not count, because such mail opens one each time.
fn is_loop(tx: &mut Tx<'_>, since: Timestamp, lately: usize, mail: &Incoming) -> Outcome<bool> {
    if (lately as i64) < limits::ACKNOWLEDGEMENTS_PER_DAY {
        return Ok(false);
    }
    let subject = likeness::shape(&mail.subject);
    // A machine that puts a word before the subject at each turn makes it longer and longer.
    let goes_on = |long: &str, short: &str| short.len() >= 4 && long.ends_with(short);
    let is_same = |other: &str| other == subject || goes_on(&subject, other) || goes_on(other, &subject);
    let (mut same, mut other) = (0, 0);
    let subjects = tx.query(
        "SELECT m.subject FROM outbox o JOIN message m ON m.id = o.message
         WHERE o.automatic = 1 AND o.recipient = $1 AND o.made_at > $2 LIMIT $3",
        &values![
            mail.address.to_lowercase(),
            since,
            limits::AUTOMATIC_PER_ADDRESS_PER_DAY
        ],
    )?;
    for row in &subjects {
        match is_same(&likeness::shape(row.text(0))) {
            true => same += 1,
            false => other += 1,
        }
    }
    // What began it bore another subject and is the first of the three.
    Ok(same + other.min(1) >= limits::ACKNOWLEDGEMENTS_PER_DAY)
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
        reply_to: None,
        calendar: None,
        to: vec![address.to_owned()],
        cc: Vec::new(),
        subject: subject.to_owned(),
        is_reply: true,
        in_reply_to: None,
        chain: Vec::new(),
        thread_index: None,
        thread_topic: None,
        zone: contact.zone_or(&desk.zone).to_string(),
        language: contact.language_or(desk),
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
    put(
        tx,
        now,
        desk,
        &Automatic {
            kind,
            case: Some(case),
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

/// Leads hear of a target that stands although it cannot be held, with what could be done (PRODUCT.md §3.2, §3.8).
pub(super) fn tell_not_held(tx: &mut Tx<'_>, now: Timestamp, desk: &Desk, case: &Case, earned: &Earned) -> Outcome<()> {
    let (why, more) = match earned.held {
        Held::Yes | Held::Dated => return Ok(()),
        Held::Lead(why) => (why, String::new()),
        Held::Offer(at) => (
            "what is promised already fills the time",
            format!(" {} was offered.", plan::say::short(at, &desk.zone, now)),
        ),
    };
    let text = format!(
        "Case {} (\"{}\") is at risk: a reply is promised by {}, and {why}.{more} What helps: more hours or another person \
         (`duly cpu`), another time for this case (`duly promise {} TIME --sign REASON`), or asking the customer of another \
         (`duly promise CASE --ask`).",
        case.id.0,
        case.subject,
        plan::say::short(earned.due, &desk.zone, now),
        case.id.0,
    );
    tell_leads(tx, now, desk, case, &text)
}

/// Text D, half-way through a wait: what we asked stands in our last mail, and below the reminder.
pub fn remind(
    tx: &mut Tx<'_>,
    now: Timestamp,
    desk: &Desk,
    case: &Case,
    contact: ContactId,
    until: Timestamp,
) -> Outcome<()> {
    let Some(last) = outbox::last_of(tx, case.id, contact)? else {
        return Ok(());
    };
    let day = now - SignedDuration::from_hours(24);
    let today = tx.one(
        "SELECT COUNT(*) FROM outbox o JOIN message m ON m.id = o.message
         WHERE o.automatic = 1 AND o.recipient = $1 AND o.made_at > $2 AND o.case_id = $3 AND m.kind = 'reminder'",
        &values![last.address.to_lowercase(), day, case.id],
    )?;
    if today.int(0) >= limits::REMINDERS_PER_DAY {
        return Ok(());
    }
    let ours = tx.first(
        "SELECT m.at, m.author, m.text FROM message m JOIN reply r ON r.message = m.id
         WHERE m.case_id = $1 AND r.state = 'delivered' ORDER BY m.id DESC LIMIT 1",
        &values![case.id],
    )?;
    let quoted = ours.map(|row| (row.instant(0), row.text(1).to_owned(), row.text(2).to_owned()));
    put_in_thread(tx, now, desk, case, contact, "reminder", |name| Content::Reminder {
        name,
        until,
        quoted,
    })
}

/// Text E, where an engineer chose it: what was handed over, and when the next word comes.
#[expect(clippy::too_many_arguments, reason = "the facts of one letter, each once")]
pub fn tell_handed_on(
    tx: &mut Tx<'_>,
    now: Timestamp,
    desk: &Desk,
    case: &Case,
    by: &engineer::Engineer,
    party: case::Party,
    words: &str,
    next_word: Timestamp,
) -> Outcome<()> {
    let contact = super::promise::asker(tx, case.id)?;
    let (words, by) = (words.to_owned(), by.name.clone());
    put_in_thread(tx, now, desk, case, contact, "handed on", |name| Content::HandedOn {
        name,
        party: party.text().to_owned(),
        words,
        next_word,
        by,
    })
}

/// Text F: at the closing date, or where somebody closes a case that was the customer's.
#[expect(clippy::too_many_arguments, reason = "the facts of one letter, each once")]
pub fn tell_closed(
    tx: &mut Tx<'_>,
    now: Timestamp,
    desk: &Desk,
    case: &Case,
    contact: ContactId,
    waited_until: Option<Timestamp>,
    resolution: &str,
    summary: &str,
) -> Outcome<()> {
    put_in_thread(tx, now, desk, case, contact, "closing", |name| Content::Closed {
        name,
        waited_until,
        resolution: resolution.to_owned(),
        summary: summary.to_owned(),
    })
}

/// A note of trouble to every lead.
pub fn tell_leads(tx: &mut Tx<'_>, now: Timestamp, desk: &Desk, case: &Case, text: &str) -> Outcome<()> {
    for lead in engineer::leads(tx)? {
        let letter = Letter {
            from_name: desk.name.clone(),
            from: desk.address().to_owned(),
            reply_to: None,
            calendar: None,
            to: vec![lead.address.clone()],
            cc: Vec::new(),
            subject: format!("Case {}: {}", case.id.0, case.subject),
            is_reply: false,
            in_reply_to: None,
            chain: Vec::new(),
            thread_index: None,
            thread_topic: None,
            zone: lead.zone.to_string(),
            language: desk.language.clone(),
            case: case.id.0,
            content: Content::Note { text: text.to_owned() },
        };
        if may_get_automatic(tx, now, desk, &lead.address, limits::NOTES_PER_LEAD_PER_DAY)? {
            put(
                tx,
                now,
                desk,
                &Automatic {
                    kind: "lead",
                    case: Some(case),
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
    message: MessageNo,
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
    let mail_number = match desk.web.is_empty() {
        true => None,
        false => {
            confirmation::offer(tx, now, desk, message, id, &mail.address)?;
            Some(message.0)
        }
    };
    let letter = Letter {
        from_name: desk.name.clone(),
        from: desk.address().to_owned(),
        to: vec![mail.address.clone()],
        cc: Vec::new(),
        subject,
        is_reply: false,
        in_reply_to: mail.message_id.clone(),
        chain: Vec::new(),
        thread_index: None,
        thread_topic: None,
        zone: desk.zone.to_string(),
        case: id.0,
        // Whoever wrote it chose the words: the language is theirs where the catalogue has it.
        language: mail.language.clone().unwrap_or_default(),
        reply_to: None,
        calendar: None,
        content: Content::Unverified { mail: mail_number },
    };
    put(
        tx,
        now,
        desk,
        &Automatic {
            kind: "unverified",
            case: Some(&case),
            contact: None,
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
