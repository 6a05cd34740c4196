//! From a row of the outbox to a letter: which text it is, in which language, with which headers.
//!
//! A row is plain data of the desk; its words are made when it is claimed, from the time at which it was written, so that
//! the same row always makes the same letter. Rows that an older version of the desk wrote are understood as well.

use super::compose::{self, Auto, PromiseHeader, Section};
use super::invite;
use super::texts::{self, Quoted, To, notice};
use crate::desk::invitation::Invite;
use crate::desk::notice as desk_notice;
use crate::desk::outbox::{self, Content, Due};
use crate::desk::{Desk, MessageNo, confirmation, reply};
use crate::speech::{ENGLISH, Speech, clip};
use jiff::Timestamp;
use plan::Zone;

/// The bytes of a row's letter, and its words as the case shows them.
pub fn bytes_of(desk: &Desk, row: &Due, promise: Option<PromiseHeader>, files: Vec<Enclosure>) -> (Vec<u8>, String) {
    let mut letter = letter_of(desk, row);
    letter.promise = promise;
    let text = compose::text_of(&letter.words);
    for one in files {
        match one {
            Enclosure::File(file) => letter.files.push(file),
            Enclosure::HeldBack(name) => {
                let words = format!("\n{name} was to be here and is not: a virus scan held it back.\n");
                letter.words.push(Section::Plain(words));
            }
        }
    }
    (compose::compose(&letter), text)
}

/// A file that was to go in a letter.
pub enum Enclosure {
    /// It does.
    File(compose::enclosed::File),
    /// A scanner found something in it since the reply was written: its name.
    HeldBack(String),
}

fn letter_of(desk: &Desk, row: &Due) -> compose::Letter {
    let letter = &row.letter;
    let zone: Zone = letter.zone.parse().unwrap_or_else(|_| desk.zone.clone());
    let speech = match letter.language.as_str() {
        // Notes to leads are written in English where they are made.
        _ if matches!(letter.content, Content::Note { .. }) => Speech::of(ENGLISH),
        "" => Speech::of(&desk.language),
        language => Speech::of(language),
    };
    let to = To {
        speech,
        name: "",
        case: letter.case,
        subject: &letter.subject,
        zone: &zone,
        now: row.made_at,
        desk_name: &desk.name,
    };
    let confirm = confirm_link(desk, row);
    let words = match &letter.content {
        Content::Unverified { .. } => texts::not_verified(&to, confirm.as_deref()),
        content => words(&to, content),
    };
    let auto = match (&letter.content, row.automatic) {
        (Content::Acknowledgement { .. } | Content::Unverified { .. }, true) => Some(Auto::Replied),
        (_, true) => Some(Auto::Generated),
        (_, false) => None,
    };
    let mut chain = letter.chain.clone();
    chain.extend(
        letter
            .in_reply_to
            .iter()
            .filter(|id| !letter.chain.contains(id))
            .cloned(),
    );
    let subject = match &letter.content {
        Content::Unverified { .. } => texts::subject_not_verified(speech, letter.case),
        Content::Notice { .. } => notice::subject(&to),
        Content::Digest { .. } => notice::digest_subject(&to),
        Content::Done { .. } => notice::outcome_subject(&to, true),
        Content::Refused { .. } => notice::outcome_subject(&to, false),
        _ if letter.is_reply => compose::subject_of_reply(&letter.subject),
        _ => letter.subject.clone(),
    };
    compose::Letter {
        from_name: letter.from_name.clone(),
        from: letter.from.clone(),
        to: letter.to.clone(),
        cc: letter.cc.clone(),
        reply_to: letter.reply_to.clone(),
        list_id: letter.reply_to.as_ref().map(|_| list_id(desk)),
        subject,
        message_id: row
            .message_id
            .clone()
            .unwrap_or_else(|| outbox::message_id(desk, row.case, row.message)),
        in_reply_to: letter.in_reply_to.clone(),
        references: compose::references_of_reply(&chain),
        thread_index: letter.thread_index.clone(),
        thread_topic: letter.thread_topic.clone(),
        auto,
        promise: None,
        date: row.made_at,
        language: speech.tag().to_owned(),
        words,
        // Lists cut twins away, or show both.
        twin: !desk.lists.contains(&row.recipient.to_lowercase()),
        links: confirm.into_iter().chain(links(&letter.content)).collect(),
        calendar: letter.calendar.as_ref().map(|invite| entry(&to, row, invite)),
        files: Vec::new(),
        zone,
    }
}

/// Pages of ours that the letter names.
fn links(content: &Content) -> Vec<String> {
    let of = |choices: &Option<outbox::Choices>| {
        let links = choices.clone().map(|one| [one.yes, one.other, one.keep]);
        links.into_iter().flatten().collect::<Vec<_>>()
    };
    match content {
        Content::Acknowledgement {
            upload, time, offered, ..
        } => {
            let more = offered.as_ref().map_or_else(Vec::new, |(_, choices)| of(choices));
            upload.iter().chain(time).cloned().chain(more).collect()
        }
        Content::Reply { no_link, page, .. } => no_link.iter().chain(page).cloned().collect(),
        Content::Step { choices, undo, .. } => of(choices)
            .into_iter()
            .chain(undo.iter().map(|(link, _)| link.clone()))
            .collect(),
        _ => Vec::new(),
    }
}

/// The page of text I, on which a button proves the address.
fn confirm_link(desk: &Desk, row: &Due) -> Option<String> {
    let Content::Unverified { mail: Some(mail) } = row.letter.content else {
        return None;
    };
    let token = confirmation::token(desk, MessageNo(mail), row.made_at);
    Some(format!("{}/confirm/{token}", desk.web))
}

fn words(to: &To, content: &Content) -> Vec<Section> {
    match content {
        Content::Acknowledgement {
            name,
            subject,
            files,
            bytes,
            due,
            by,
            urgent,
            upload,
            time,
            later,
            offered,
        } => texts::acknowledgement(
            &To { name, subject, ..*to },
            &texts::Arrived {
                files: (*files, *bytes),
                due: *due,
                by: (by != to.desk_name).then_some(by.as_str()),
                urgent: *urgent,
                upload_link: upload.as_deref(),
                time_link: time.as_deref(),
                later_than_usual: *later,
                offered: offered.as_ref().map(|(at, ask)| (*at, ask.as_ref().map(choices))),
                ..texts::Arrived::default()
            },
        ),
        Content::Reply {
            text,
            next,
            name,
            quoted,
            no_link,
            page,
            ..
        } => texts::reply(
            to,
            &texts::Reply {
                words: text,
                where_we_stand: "",
                next: match next {
                    reply::Next::Close(_) => texts::Next::Close,
                    reply::Next::Owe(at) => texts::Next::Owe(*at),
                    reply::Next::Wait(at) => texts::Next::WaitUntil(*at),
                },
                by: name,
                quoted: quoted.as_ref().map(quote),
                link: page.as_deref(),
                no_link: no_link.as_deref(),
            },
        ),
        Content::Broken { name, said, due, lead } => texts::broken(
            &To { name, ..*to },
            &texts::Broken {
                said: *said,
                new_time: *due,
                lead: lead.as_deref().unwrap_or(to.desk_name),
                changed: "",
            },
        ),
        // Its link is the row's, not the text's: see `letter_of`.
        Content::Unverified { .. } => texts::not_verified(to, None),
        Content::Reminder { name, until, quoted } => texts::reminder(
            &To { name, ..*to },
            &texts::Reminder {
                need: "",
                until: *until,
                quoted: quoted.as_ref().map(quote),
            },
        ),
        Content::HandedOn {
            name,
            party,
            words,
            next_word,
            by,
        } => texts::handed_on(
            &To { name, ..*to },
            &texts::HandedOn {
                party,
                words,
                next_word: *next_word,
                by,
            },
        ),
        Content::Closed {
            name,
            waited_until,
            resolution,
            summary,
        } => texts::closing(
            &To { name, ..*to },
            &texts::Closing {
                waited_until: *waited_until,
                resolution,
                summary,
                solved: None,
            },
        ),
        Content::Step {
            what,
            name,
            who,
            due,
            at,
            wish,
            words,
            meanwhile,
            lead,
            until,
            answers,
            choices: ask,
            undo,
        } => texts::changed(
            &To { name, ..*to },
            &texts::Changed {
                what: *what,
                who,
                due: *due,
                at: *at,
                wish: *wish,
                words,
                meanwhile,
                lead: lead.as_deref(),
                until: *until,
                answers: *answers,
                ask: ask.as_ref().map(choices),
                undo: undo.as_ref().map(|(link, until)| (link.as_str(), *until)),
            },
        ),
        Content::Note { text } => vec![Section::Plain(text.clone())],
        ours => words_to_ours(to, ours),
    }
}

/// Text H.
fn words_to_ours(to: &To, content: &Content) -> Vec<Section> {
    match content {
        Content::Notice {
            why,
            detail,
            who,
            customer,
            others,
            severity,
            due,
            words,
        } => notice::notice(
            to,
            &notice::Notice {
                why: match why.as_str() {
                    desk_notice::WOKEN => notice::Why::Woken,
                    desk_notice::FAILED => notice::Why::Failed,
                    desk_notice::WROTE => notice::Why::Wrote,
                    _ => notice::Why::Next(detail),
                },
                who,
                customer,
                others: *others,
                severity: *severity,
                due: *due,
                words,
            },
        ),
        Content::Digest {
            name,
            promises,
            risk,
            waiting,
            ready,
        } => notice::digest(
            &To { name, ..*to },
            &notice::Digest {
                promises,
                risk,
                waiting,
                ready: *ready,
            },
        ),
        Content::Done { said, undo } => notice::outcome(to, &notice::Outcome::Done { said, undo: *undo }),
        Content::Refused { why } => notice::outcome(to, &notice::Outcome::Refused { why }),
        // Every other text is a customer's.
        _ => Vec::new(),
    }
}

fn choices(links: &outbox::Choices) -> texts::Ask<'_> {
    texts::Ask {
        yes: &links.yes,
        other: &links.other,
        keep: &links.keep,
    }
}

/// What filters of engineers look for.
fn list_id(desk: &Desk) -> String {
    let domain = desk
        .address()
        .rsplit_once('@')
        .map_or("localhost", |(_, domain)| domain);
    format!("engineers.{domain}")
}

/// The calendar entry of a letter.
fn entry(to: &To, row: &Due, invite: &Invite) -> compose::Calendar {
    let case = to.case.to_string();
    let (desk, subject) = (clip(to.desk_name, 60), clip(to.subject, 100));
    let title = to
        .speech
        .say("calendar-title", &[("desk", (&desk).into()), ("case", (&case).into())]);
    let values = [
        ("desk", (&desk).into()),
        ("case", (&case).into()),
        ("subject", (&subject).into()),
    ];
    invite::entry(&invite::Entry {
        uid: &invite.uid,
        sequence: invite.sequence,
        cancelled: invite.cancelled,
        due: invite.due,
        now: row.made_at,
        organiser: &row.letter.from,
        organiser_name: &desk,
        attendee: &row.recipient,
        title: &title,
        words: &to.speech.say("calendar-words", &values),
    })
}

fn quote((at, who, text): &(Timestamp, String, String)) -> Quoted<'_> {
    Quoted { at: *at, who, text }
}
