//! Who is told what of a negotiation: text C and its echoes, and notes to leads.
//!
//! The contact whose promise it is gets the text; the others on the case get the same without the links that answer, so that
//! nobody's time is changed behind their back. Whoever is told of a step that can be taken back gets a link of their own.

use super::link;
use crate::desk::automatic::{self, Automatic};
use crate::desk::case::Case;
use crate::desk::customer::{self, Contact};
use crate::desk::letter::{Choices, Content};
use crate::desk::outbox::{self, Letter};
use crate::desk::promise::Promise;
use crate::desk::{ContactId, Desk, engineer, link as case_link};
use crate::limits;
use crate::refusal::Outcome;
use crate::store::{Tx, values};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// What a text says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum What {
    /// We offer another time.
    Offered,
    /// They asked for a time that does not fit; we offer the earliest that does.
    Countered,
    /// They asked for a time that does not fit; a lead decides.
    Asked,
    /// Both sides agreed on another time.
    Agreed,
    /// They said that the promised time is fine.
    Fine,
    /// They want the promised time kept.
    Kept,
    /// We do not grant what they asked for.
    Declined,
    /// Nobody granted it in time.
    Lapsed,
    /// Their words were no time that we understood.
    Unread,
    /// Their calendar declined our entry.
    EntryDeclined,
    /// They said that it got worse.
    Worse,
    /// They said that a reply did not help.
    Disputed,
    /// They said that no reply is needed.
    Unneeded,
    /// A step was taken back.
    Undone,
}

impl What {
    /// The kind of the message, as the case lists it.
    fn kind(self) -> &'static str {
        match self {
            What::Offered | What::Countered => "offer",
            What::Agreed | What::Fine => "agreed",
            _ => "answer to a wish",
        }
    }
}

/// A text with what it needs.
#[derive(Debug, Clone)]
pub struct Said {
    /// Which.
    pub what: What,
    /// The time that stands, or stood.
    pub due: Option<Timestamp>,
    /// The time offered or agreed.
    pub at: Option<Timestamp>,
    /// The time that the contact asked for.
    pub wish: Option<Timestamp>,
    /// A sentence of ours, or words of theirs.
    pub words: String,
    /// What is safe meanwhile.
    pub meanwhile: String,
    /// Until when a lead, or the clock, answers.
    pub until: Option<Timestamp>,
    /// The offer that its links answer.
    pub offer: Option<(i64, Timestamp)>,
    /// The step that can be taken back, and until when.
    pub undo: Option<(i64, Timestamp)>,
}

impl Said {
    /// A text without anything in it yet.
    pub fn of(what: What) -> Said {
        Said {
            what,
            due: None,
            at: None,
            wish: None,
            words: String::new(),
            meanwhile: String::new(),
            until: None,
            offer: None,
            undo: None,
        }
    }
}

/// Tells the contact, and the others on the case where something was changed.
pub(super) fn tell(
    tx: &mut Tx<'_>,
    now: Timestamp,
    desk: &Desk,
    case: &Case,
    contact: ContactId,
    said: &Said,
) -> Outcome<()> {
    one(tx, now, desk, case, contact, contact, said)?;
    // What only one person has to answer is not everybody's mail; nobody on a public case knows the others.
    if matches!(
        said.what,
        What::Offered | What::Countered | What::Fine | What::Unread | What::EntryDeclined
    ) || case.list.is_some()
    {
        return Ok(());
    }
    let others = tx.query(
        "SELECT contact FROM participant WHERE case_id = $1 AND contact <> $2 ORDER BY since, contact LIMIT $3",
        &values![case.id, contact, limits::ECHOES as i64],
    )?;
    for row in others {
        one(tx, now, desk, case, contact, ContactId(row.int(0)), said)?;
    }
    Ok(())
}

fn one(
    tx: &mut Tx<'_>,
    now: Timestamp,
    desk: &Desk,
    case: &Case,
    whose: ContactId,
    reader: ContactId,
    said: &Said,
) -> Outcome<()> {
    let last = outbox::last_of(tx, case.id, reader)?.filter(|last| !last.automatic);
    let contact = customer::contact(tx, reader)?;
    let address = match &last {
        Some(last) => last.address.clone(),
        None => customer::address_of(tx, reader)?,
    };
    if !automatic::may_get_automatic(tx, now, desk, &address, limits::AUTOMATIC_PER_ADDRESS_PER_DAY)? {
        return Ok(());
    }
    let content = content(tx, desk, case, &contact, whose, said)?;
    let subject = last
        .as_ref()
        .map_or(case.subject.as_str(), |last| last.subject.as_str());
    let mut letter = automatic::letter_to(desk, case, &contact, &address, subject, content);
    if let Some(last) = last {
        letter = Letter {
            in_reply_to: last.message_id,
            chain: last.chain,
            thread_index: last.facts.thread_index,
            thread_topic: last.facts.thread_topic,
            ..letter
        };
    }
    automatic::put(
        tx,
        now,
        desk,
        &Automatic {
            kind: said.what.kind(),
            case: Some(case),
            contact: Some(&contact),
            recipient: &address,
            letter,
        },
    )
}

fn content(
    tx: &mut Tx<'_>,
    desk: &Desk,
    case: &Case,
    reader: &Contact,
    whose: ContactId,
    said: &Said,
) -> Outcome<Content> {
    let is_theirs = reader.id == whose;
    let base = (!desk.web.is_empty()).then_some(desk.web.as_str());
    let choices = match said.offer {
        Some((step, made_at)) if is_theirs => choices(desk, case, reader.id, step, made_at),
        _ => None,
    };
    let undo = said.undo.zip(base).map(|((step, until), web)| {
        let token = link::undo_token(desk, step, reader.id);
        (format!("{web}/u/{token}"), until)
    });
    Ok(Content::Step {
        what: said.what,
        name: reader.name.clone(),
        who: match is_theirs {
            true => String::new(),
            false => customer::contact(tx, whose)?.name,
        },
        due: said.due,
        at: said.at,
        wish: said.wish,
        words: said.words.clone(),
        meanwhile: said.meanwhile.clone(),
        lead: lead_of(tx, desk)?,
        until: said.until,
        answers: said.offer.is_some() && is_theirs,
        choices,
        undo,
    })
}

/// The links with which a contact answers an offer; none where the desk has no page to link to.
pub fn choices(desk: &Desk, case: &Case, contact: ContactId, step: i64, made_at: Timestamp) -> Option<Choices> {
    let page = case_link::page(desk, &case.key, contact)?;
    let token = link::token(desk, step, made_at);
    Some(Choices {
        yes: format!("{}/o/{token}/ok", desk.web),
        other: format!("{page}/time"),
        keep: format!("{}/o/{token}/keep", desk.web),
    })
}

/// The lead whom a customer can be told of: one with an address of their own.
fn lead_of(tx: &mut Tx<'_>, desk: &Desk) -> Outcome<Option<String>> {
    let leads = engineer::leads(tx)?;
    let told = leads.into_iter().find(|lead| !desk.takes(&lead.address));
    Ok(told.map(|lead| lead.name))
}

/// Leads decide on a wish that the count does not grant.
pub(super) fn lead_of_wish(
    tx: &mut Tx<'_>,
    now: Timestamp,
    desk: &Desk,
    case: &Case,
    promise: &Promise,
    wish: Timestamp,
    until: Timestamp,
) -> Outcome<()> {
    let said = |at| plan::say::short(at, &desk.zone, now);
    let text = format!(
        "Case {} (\"{}\"): the customer asks for a reply by {}; {} is promised, and what is promised already fills the time. \
         `duly promise {} --accept --sign REASON` grants it over the count, `duly promise {} --refuse --because REASON` does \
         not. Without a word of yours the wish lapses at {}.",
        case.id.0,
        case.subject,
        said(wish),
        said(promise.due),
        case.id.0,
        case.id.0,
        said(until),
    );
    automatic::tell_leads(tx, now, desk, case, &text)
}

/// Leads hear that a customer needs the old time.
pub(super) fn lead_of_keep(
    tx: &mut Tx<'_>,
    now: Timestamp,
    desk: &Desk,
    case: &Case,
    promise: &Promise,
) -> Outcome<()> {
    let text = format!(
        "Case {} (\"{}\"): the customer does not take another time and needs the reply by {}, as it is promised.",
        case.id.0,
        case.subject,
        plan::say::short(promise.due, &desk.zone, now),
    );
    automatic::tell_leads(tx, now, desk, case, &text)
}
