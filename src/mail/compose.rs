//! What we send, as bytes: one letter after RFC 5322, its words as flowed text and as a small HTML twin.
//!
//! Promised: whatever stands in a [`Letter`], no header can be forged with it and no line on the wire is longer than 76
//! characters, unless a single Message-ID, address or Thread-Index is. Text is `7bit` where it is ASCII and quoted-printable
//! elsewhere, so any relay carries it unchanged and a signature over it holds. The plain text comes first and is whole: the
//! twin says the same words, loads nothing and tracks nobody. What strangers wrote is never read as Markdown: a subject
//! cannot make a link in our mail.
//!
//! Written by hand rather than with a builder: a builder picks base64 where that is shorter, folds and encodes as it
//! likes, and knows neither flowed text nor Thread-Index. [`head`] writes fields, [`flow`] text, [`markdown`] the twin;
//! words are in [`crate::mail::texts`], calendar entries in [`crate::mail::invite`].

pub mod enclosed;
pub mod flow;
mod head;
pub mod markdown;

use crate::limits;
use crate::speech::{clip, one_line};
use data_encoding::BASE64;
use head::{Head, address, mailbox, message_id};
use jiff::Timestamp;
use plan::Zone;
use sha2::{Digest, Sha256};
use std::fmt::Write as _;

/// Longest line on the wire, without CRLF.
const LINE: usize = 76;
/// Longest Thread-Index that is extended, decoded: about a hundred replies, and its line stays under 998.
const THREAD_INDEX: usize = 22 + 5 * 100;

/// What kind of automatic mail this is (RFC 3834 §5).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Auto {
    /// An answer to one mail: acknowledgements, answers to commands.
    Replied,
    /// Written on its own: reminders, notes of a broken promise.
    Generated,
}

/// The promise for other desks to read, `Duly-Promise: case=4711; due=2026-11-24T14:00:00Z; state=offered; …`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PromiseHeader {
    /// Number of the case.
    pub case: i64,
    /// By when we reply.
    pub due: Timestamp,
    /// `offered`, `agreed`, `asked`, `kept` …
    pub state: String,
    /// Further words that prove it ([`crate::desk::receipt`]): number, desk, time, key, signature.
    pub signed: Vec<String>,
}

/// One letter to one recipient.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Letter {
    /// Name before the sender's address: `Anna Keller (Acme Support)`.
    pub from_name: String,
    /// Sender's address, signed for this case and recipient.
    pub from: String,
    /// Recipient's address.
    pub to: Vec<String>,
    /// The visible copies, addresses.
    pub cc: Vec<String>,
    /// Subject as it is to be read, see [`subject_of_reply`].
    pub subject: String,
    /// Ours, with or without angle brackets.
    pub message_id: String,
    /// The mail answered.
    pub in_reply_to: Option<String>,
    /// The chain, root first, see [`references_of_reply`].
    pub references: Vec<String>,
    /// As the mail answered had it; extended here.
    pub thread_index: Option<String>,
    /// As the mail answered had it.
    pub thread_topic: Option<String>,
    /// Where answers go instead of to the sender: an engineer's personal address.
    pub reply_to: Option<String>,
    /// For filters, on engineers' notifications only: `engineers.acme.example`.
    pub list_id: Option<String>,
    /// Set on automatic mail only.
    pub auto: Option<Auto>,
    /// The promise that this letter makes or reports.
    pub promise: Option<PromiseHeader>,
    /// When it was written.
    pub date: Timestamp,
    /// The zone in which `Date` is written.
    pub zone: Zone,
    /// Tag of the language that it is written in.
    pub language: String,
    /// The words, in order.
    pub words: Vec<Section>,
    /// Whether it has an HTML twin; a list gets none.
    pub twin: bool,
    /// Links of ours that stand in it: only these become links in the twin's fixed words.
    pub links: Vec<String>,
    /// A calendar entry.
    pub calendar: Option<Calendar>,
    /// Files that go with it.
    pub files: Vec<enclosed::File>,
}

/// A piece of what a letter says, by how it may be read. Lines are ended by `\n` or CRLF, a paragraph is one line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Section {
    /// An engineer's own words, in Markdown.
    Markdown(String),
    /// Words of the catalogue. What strangers wrote stands in them: no mark in them means anything.
    Plain(String),
    /// Words that are quoted, without quote marks of ours.
    Quote(String),
}

/// A calendar entry as iTIP has it (RFC 5546).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Calendar {
    /// `REQUEST` or `CANCEL`.
    pub method: &'static str,
    /// The object, lines ended by CRLF.
    pub object: String,
}

/// The words as plain text, as a case shows them.
pub fn text_of(words: &[Section]) -> String {
    let mut text = String::new();
    for section in words {
        match section {
            Section::Markdown(own) | Section::Plain(own) => text.push_str(&clean(own)),
            Section::Quote(quoted) => {
                for line in clean(quoted).trim_end().split('\n') {
                    let mark = if line.starts_with('>') || line.is_empty() {
                        ">"
                    } else {
                        "> "
                    };
                    let _ = writeln!(text, "{mark}{line}");
                }
            }
        }
        if !text.ends_with('\n') {
            text.push('\n');
        }
    }
    text
}

/// Lines ended by `\n`, without what no text may hold.
fn clean(text: &str) -> String {
    text.replace("\r\n", "\n").replace('\r', "\n").replace('\0', "")
}

/// The letter as it is to be handed to a relay, lines ended by CRLF.
pub fn compose(letter: &Letter) -> Vec<u8> {
    let mut head = Head::default();
    head.plain(
        "Date",
        &letter
            .zone
            .zoned(letter.date)
            .strftime("%a, %-d %b %Y %H:%M:%S %z")
            .to_string(),
    );
    head.words("From", [mailbox(&letter.from_name, &letter.from)], "");
    head.words("To", addresses(&letter.to), ",");
    head.words("Cc", addresses(&letter.cc), ",");
    head.words("Reply-To", letter.reply_to.as_deref().map(address), "");
    head.text("Subject", &clip(&letter.subject, limits::SUBJECT_CHARS));
    head.words("Message-ID", message_id(&letter.message_id), "");
    head.words("In-Reply-To", letter.in_reply_to.as_deref().and_then(message_id), "");
    head.words(
        "References",
        letter
            .references
            .iter()
            .take(limits::REFERENCES_SENT)
            .filter_map(|id| message_id(id)),
        "",
    );
    if let Some(topic) = &letter.thread_topic {
        head.text("Thread-Topic", &clip(topic, limits::SUBJECT_CHARS));
    }
    if let Some(index) = letter
        .thread_index
        .as_deref()
        .and_then(|known| thread_index(known, letter))
    {
        head.plain("Thread-Index", &index);
    }
    if let Some(auto) = letter.auto {
        head.plain(
            "Auto-Submitted",
            if auto == Auto::Replied {
                "auto-replied"
            } else {
                "auto-generated"
            },
        );
        head.plain("X-Auto-Response-Suppress", "All");
    }
    if let Some(promise) = &letter.promise {
        let state: String = promise
            .state
            .chars()
            .filter(|c| c.is_ascii_alphanumeric() || *c == '-')
            .take(20)
            .collect();
        head.words(
            "Duly-Promise",
            [
                format!("case={}", promise.case),
                format!("due={}", promise.due),
                format!("state={state}"),
            ]
            .into_iter()
            .chain(promise.signed.iter().cloned()),
            ";",
        );
    }
    if let Some(id) = letter.list_id.as_deref().and_then(message_id) {
        head.plain("List-Id", &id);
    }
    // An engineer's own words may be in another language than the frame around them.
    if letter.auto.is_some() && letter.language.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-') {
        head.plain("Content-Language", &letter.language);
    }
    head.plain("MIME-Version", "1.0");
    let mut mail = head.0;
    body(letter, &mut mail);
    mail.into_bytes()
}

/// The words as text, and beside them the twin and the calendar entry where there are any.
fn body(letter: &Letter, mail: &mut String) {
    let text = text_of(&letter.words);
    let mut parts = vec![part("text/plain; charset=utf-8; format=flowed", &flow::flowed(&text))];
    if letter.twin {
        let html = markdown::twin(&letter.language, &letter.words, &letter.links);
        parts.push(part("text/html; charset=utf-8", &html));
    }
    if let Some(calendar) = &letter.calendar {
        // The last one, as iMIP programs look for it; the method stands in both places (RFC 6047 §2.4).
        let kind = format!("text/calendar; charset=utf-8; method={}", calendar.method);
        parts.push(part(&kind, &calendar.object.replace("\r\n", "\n")));
    }
    let words = match parts.len() {
        1 => parts.remove(0),
        _ => multipart("alternative", letter, &parts),
    };
    if letter.files.is_empty() {
        mail.push_str(&words);
        return;
    }
    let files = letter.files.iter().map(enclosed::File::part);
    let parts: Vec<String> = std::iter::once(words).chain(files).collect();
    mail.push_str(&multipart("mixed", letter, &parts));
}

/// Several parts as one.
fn multipart(kind: &str, letter: &Letter, parts: &[String]) -> String {
    let boundary = boundary(letter, parts);
    let mut whole = format!("Content-Type: multipart/{kind};\r\n boundary=\"{boundary}\"\r\n\r\n");
    for part in parts {
        let _ = write!(whole, "--{boundary}\r\n{part}\r\n");
    }
    let _ = write!(whole, "--{boundary}--\r\n");
    whole
}

/// A part: its two fields, and its text in the encoding that it needs.
fn part(kind: &str, text: &str) -> String {
    let (encoding, body) = flow::encoded(text);
    format!("Content-Type: {kind}\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n{body}")
}

/// What parts the parts: the same for the same letter, and in none of them.
fn boundary(letter: &Letter, parts: &[String]) -> String {
    let mut hash = Sha256::new();
    hash.update(letter.message_id.as_bytes());
    for part in parts {
        hash.update(part.as_bytes());
    }
    // Nobody can write into a letter the hash of the letter.
    format!("=_{}", &data_encoding::HEXLOWER.encode(&hash.finalize())[..32])
}

fn addresses(list: &[String]) -> impl Iterator<Item = String> {
    list.iter()
        .take(limits::ADDRESSES)
        .map(|one| address(one))
        .filter(|one| one != "<>")
}

/// The customer's own subject, untouched but for one `Re:`; the reply marks of other languages count as one.
pub fn subject_of_reply(subject: &str) -> String {
    const MARKS: [&str; 11] = ["re", "aw", "sv", "vs", "antw", "ref", "rif", "res", "odp", "ynt", "r"];
    let subject = one_line(subject);
    let mark = subject.split_once(':').map(|(mark, _)| mark.trim().to_lowercase());
    // `Re[2]:` counts its replies.
    let mark = mark.map(|mark| mark.split('[').next().unwrap_or_default().to_owned());
    match mark {
        Some(mark) if MARKS.contains(&mark.as_str()) => subject,
        _ if subject.is_empty() => "Re: (no subject)".to_owned(),
        _ => format!("Re: {subject}"),
    }
}

/// `References` of a reply from the known chain, oldest first: the root, then the newest, each once.
pub fn references_of_reply(known: &[String]) -> Vec<String> {
    let mut chain: Vec<String> = Vec::new();
    // From the newest back, so that the last place of an id that comes twice counts.
    for id in known
        .iter()
        .skip(1)
        .rev()
        .chain(known.first())
        .filter_map(|id| message_id(id))
    {
        if chain.len() < limits::REFERENCES && !chain.contains(&id) {
            chain.push(id);
        }
    }
    let root = known.first().and_then(|id| message_id(id));
    chain.retain(|id| Some(id) != root.as_ref());
    chain.truncate(limits::REFERENCES_SENT - usize::from(root.is_some()));
    chain.extend(root);
    chain.reverse();
    chain
}

/// Outlook's conversation index with one more reply ([MS-OXOMSG] §2.2.1.3): 22 bytes of header, five a reply.
fn thread_index(known: &str, letter: &Letter) -> Option<String> {
    let compact: String = known.chars().filter(char::is_ascii_graphic).collect();
    let mut index = BASE64.decode(compact.as_bytes()).ok()?;
    if index.len() < 22 || !(index.len() - 22).is_multiple_of(5) || index.len() > THREAD_INDEX {
        return None;
    }
    // The first six bytes are the upper ones of a FILETIME: steps of 100 ns since 1601.
    let began = index[..6].iter().fold(0u64, |time, byte| time << 8 | u64::from(*byte)) << 16;
    let written = u64::try_from(letter.date.as_microsecond() + 11_644_473_600_000_000)
        .ok()?
        .saturating_mul(10);
    let passed = written.saturating_sub(began);
    let (code, steps) = if passed < 1 << 49 {
        (0, passed >> 18)
    } else {
        (1 << 31, passed >> 23)
    };
    index.extend((code | (steps as u32 & 0x7FFF_FFFF)).to_be_bytes());
    // Four bits that tell answers of the same moment apart; made from the letter, since composing is pure.
    index.push(
        letter
            .message_id
            .bytes()
            .fold(0u8, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte))
            & 0xF0,
    );
    Some(BASE64.encode(&index))
}

#[cfg(test)]
#[path = "compose_tests.rs"]
mod tests;
