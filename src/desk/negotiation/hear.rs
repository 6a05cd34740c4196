//! Words of a customer's mail that decide something: `time: tomorrow 10:00`, `ok`, and the answers of calendars.
//!
//! What the words are is the mail door's reading; here it is decided whether they count. Only a mail that came to the reply
//! address signed for its author, and whose author's own domain vouches for it by a policy, is obeyed (SECURITY.md §5.6);
//! of any other mail the words are shown to an engineer and have no effect. A mail that is only words about something
//! that is on the table wants no answer beside the echo; every other mail earns its promise as always.

use super::life::{Talk, Word};
use super::{Said, Step, Way, What, accept, ask, fine, keep, life_of, open_of, tell, unasked};
use crate::desk::case::{self, Case};
use crate::desk::customer::Contact;
use crate::desk::message::Incoming;
use crate::desk::promise::{self, Promise};
use crate::desk::{CaseId, Desk, MessageNo};
use crate::limits;
use crate::refusal::{Fault, Outcome};
use crate::store::{Tx, values};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// What a mail asks, as the mail door understood it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asked {
    /// What.
    pub wish: Wish,
    /// The mail says nothing else.
    pub alone: bool,
}

/// A word that decides something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Wish {
    /// Another time.
    Time {
        /// In words that every door understands.
        phrase: String,
        /// As it was written.
        written: String,
    },
    /// The time named last is fine.
    Fine,
    /// The promised time is needed; not the one that we offered.
    Keep,
    /// No reply is needed.
    Unneeded,
    /// The last reply did not help.
    NotHelped,
    /// An answer of their calendar to an entry of ours.
    Calendar {
        /// The entry.
        uid: String,
        /// The version that it answers.
        sequence: i64,
        /// What it says.
        answer: Answer,
    },
}

/// What a calendar answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Answer {
    /// It is fine.
    Accepted,
    /// It is not.
    Declined,
    /// Another time; none where its zone is not known.
    Proposed(Option<Timestamp>),
}

/// What is still to be done with the mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum After {
    /// It earns its promise, as any mail.
    Earn,
    /// It earns its promise, and the wish is for that one.
    EarnThenAsk(Wish),
    /// It was only words, and they were heard.
    Nothing,
}

/// Why the words of a mail were shown and not obeyed.
pub fn shown_only(asked: &Asked) -> String {
    let what = match &asked.wish {
        Wish::Time { written, .. } => format!("asks for another time (\"{written}\")"),
        Wish::Fine => "says that the time is fine".to_owned(),
        Wish::Keep => "wants the promised time kept".to_owned(),
        Wish::Unneeded => "says that no reply is needed".to_owned(),
        Wish::NotHelped => "says that the last reply did not help".to_owned(),
        Wish::Calendar { .. } => "answers a calendar entry".to_owned(),
    };
    format!(
        "It {what}. That changed nothing: such words count in an answer to our own mail, from an address whose domain vouches for it (DMARC)."
    )
}

/// Does what proven words ask.
pub fn obey(
    tx: &mut Tx<'_>,
    now: Timestamp,
    desk: &Desk,
    id: CaseId,
    contact: &Contact,
    mail: &Incoming,
    asked: &Asked,
) -> Outcome<After> {
    let case = case::find(tx, id)?;
    let open = theirs(tx, id, contact)?;
    let on_table = offered(tx, &open, mail)?;
    let done = match &asked.wish {
        Wish::Time { .. } => {
            let about = match (&on_table, asked.alone) {
                (Some((promise, _)), _) => Some(promise.clone()),
                (None, true) => open.first().cloned(),
                (None, false) => None,
            };
            match about {
                Some(promise) => ask_for(tx, now, desk, &case, contact, mail, &promise, &asked.wish)?,
                None => return Ok(After::EarnThenAsk(asked.wish.clone())),
            }
        }
        Wish::Fine => match (&on_table, open.iter().find(|one| one.word == Word::Offered)) {
            (Some((_, step)), _) => heard(accept(tx, now, desk, Way::Mail, step))?,
            (None, Some(promise)) => heard(fine(tx, now, desk, Way::Mail, promise))?,
            // "ok" to a question of ours is an answer, and wants one.
            (None, None) => false,
        },
        Wish::Keep => match &on_table {
            Some((promise, _)) => heard(keep(tx, now, desk, Way::Mail, promise))?,
            None => false,
        },
        Wish::Unneeded => unasked::unneeded(tx, now, desk, Way::Mail, &case, contact.id)?,
        Wish::NotHelped => match unasked::latest_reply(tx, id, None)? {
            // Its other words earn a promise by themselves.
            Some(reply) if asked.alone => {
                heard(unasked::did_not_help(tx, now, desk, Way::Mail, &case, contact, &reply))?
            }
            _ => false,
        },
        Wish::Calendar {
            uid, sequence, answer, ..
        } => calendar(tx, now, desk, &case, contact, (uid, *sequence, *answer))?,
    };
    Ok(match done && asked.alone {
        true => After::Nothing,
        false => After::Earn,
    })
}

/// A step that the table refuses is no fault of the mail: its words are then words as any.
fn heard<T>(outcome: Outcome<T>) -> Outcome<bool> {
    match outcome {
        Ok(_) => Ok(true),
        Err(Fault::Refused(_)) => Ok(false),
        Err(fault) => Err(fault),
    }
}

/// Open promises of a contact in a case, earliest due first.
fn theirs(tx: &mut Tx<'_>, case: CaseId, contact: &Contact) -> Outcome<Vec<Promise>> {
    let mut open = promise::open_of(tx, case)?;
    open.retain(|one| one.contact == contact.id);
    Ok(open)
}

/// The offer that a mail answers: the one whose letter it names, else the newest.
fn offered(tx: &mut Tx<'_>, open: &[Promise], mail: &Incoming) -> Outcome<Option<(Promise, Step)>> {
    let mut found: Option<(Promise, Step)> = None;
    for promise in open {
        let Some(step) = open_of(tx, promise.id)? else { continue };
        if !matches!(step.talk(), Talk::Offered { .. }) {
            continue;
        }
        if is_named(tx, &step, mail)? {
            return Ok(Some((promise.clone(), step)));
        }
        if found.as_ref().is_none_or(|(_, other)| other.id < step.id) {
            found = Some((promise.clone(), step));
        }
    }
    Ok(found)
}

/// Whether a mail answers the letter of an offer.
fn is_named(tx: &mut Tx<'_>, step: &Step, mail: &Incoming) -> Outcome<bool> {
    let Some(last) = mail.chain.last() else {
        return Ok(false);
    };
    let row = tx.first(
        "SELECT at FROM message WHERE message_id = $1 AND case_id = $2 AND kind = 'offer' LIMIT 1",
        &values![last.as_str(), step.case],
    )?;
    Ok(row.is_some_and(|row| row.instant(0) == step.made_at))
}

/// A wish for a time, said as words.
#[expect(clippy::too_many_arguments, reason = "the facts of one wish, each once")]
fn ask_for(
    tx: &mut Tx<'_>,
    now: Timestamp,
    desk: &Desk,
    case: &Case,
    contact: &Contact,
    mail: &Incoming,
    promise: &Promise,
    wish: &Wish,
) -> Outcome<bool> {
    let Wish::Time { phrase, written } = wish else {
        return Ok(false);
    };
    let zone = contact.zone_or(&desk.zone);
    let read = plan::phrase::parse(phrase, mail.received_at, &zone).map(crate::desk::agreement::to_the_minute);
    let asked = match read {
        Ok(at) if at > now => heard(ask(tx, now, desk, Way::Mail, promise, at))?,
        _ => false,
    };
    if !asked {
        let said = Said {
            due: Some(promise.due),
            words: written.chars().take(limits::WISH_LINE_CHARS).collect(),
            ..Said::of(What::Unread)
        };
        tell::tell(tx, now, desk, case, contact.id, &said)?;
    }
    Ok(true)
}

/// The mail earned a promise: the time that it wished for is asked of that one.
#[expect(clippy::too_many_arguments, reason = "the facts of one wish, each once")]
pub fn ask_for_new(
    tx: &mut Tx<'_>,
    now: Timestamp,
    desk: &Desk,
    id: CaseId,
    message: MessageNo,
    contact: &Contact,
    mail: &Incoming,
    wish: &Wish,
) -> Outcome<()> {
    let case = case::find(tx, id)?;
    let open = theirs(tx, id, contact)?;
    if let Some(promise) = open.iter().find(|one| one.message == Some(message)) {
        ask_for(tx, now, desk, &case, contact, mail, promise, wish)?;
    }
    Ok(())
}

/// An answer of a calendar to an entry of ours: only to the newest version of it.
fn calendar(
    tx: &mut Tx<'_>,
    now: Timestamp,
    desk: &Desk,
    case: &Case,
    contact: &Contact,
    (uid, sequence, answer): (&str, i64, Answer),
) -> Outcome<bool> {
    let Some(entry) = crate::desk::invitation::named(tx, desk, case, contact.id, uid)? else {
        return Ok(false);
    };
    let open = theirs(tx, case.id, contact)?;
    let about = open.iter().find(|one| one.due == entry.due).or(open.first());
    let Some(promise) = about.filter(|_| entry.sequence == sequence) else {
        // To a version that has been replaced, or when nothing is owed any more: there is nothing to say.
        return Ok(true);
    };
    match answer {
        Answer::Accepted => {
            let (life, _) = life_of(tx, promise)?;
            if life.word == Word::Offered && promise.due == entry.due {
                heard(fine(tx, now, desk, Way::Calendar, promise))?;
            }
            Ok(true)
        }
        Answer::Proposed(Some(at)) if at > now => {
            let at = crate::desk::agreement::to_the_minute(at);
            heard(ask(tx, now, desk, Way::Calendar, promise, at))
        }
        Answer::Declined | Answer::Proposed(_) => {
            let what = match answer {
                Answer::Declined => What::EntryDeclined,
                _ => What::Unread,
            };
            let said = Said {
                due: Some(promise.due),
                ..Said::of(what)
            };
            tell::tell(tx, now, desk, case, contact.id, &said)?;
            Ok(true)
        }
    }
}
