//! What we send, as bytes: one plain-text letter after RFC 5322, flowed after RFC 3676.
//!
//! Promised: whatever stands in a [`Letter`], no header can be forged with it (control characters never reach a header,
//! anything that is not plain ASCII is an encoded word) and no line on the wire is longer than 76 characters, unless a
//! single Message-ID, address or Thread-Index is. Text is `7bit` where it is ASCII and quoted-printable elsewhere, so any relay
//! carries it unchanged and a signature over it holds.
//!
//! Written by hand rather than with a builder: a builder picks base64 where that is shorter, folds and encodes as it
//! likes, and knows neither flowed text nor Thread-Index. Words are in [`crate::mail::texts`]; the HTML twin and calendar
//! parts are not made here yet.

use crate::limits;
use data_encoding::BASE64;
use jiff::Timestamp;
use plan::Zone;
use std::fmt::Write as _;

/// Longest line on the wire, without CRLF.
const LINE: usize = 76;
/// Longest encoded word (RFC 2047 §2).
const ENCODED_WORD: usize = 75;
/// Longest Message-ID that is passed on; a line may have 998 (RFC 5322 §2.1.1).
const MESSAGE_ID: usize = 900;
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

/// The promise for other desks to read, `Duly-Promise: case=4711; due=2026-11-24T14:00:00Z; state=offered`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PromiseHeader {
    /// Number of the case.
    pub case: i64,
    /// By when we reply.
    pub due: Timestamp,
    /// `offered`, `agreed`, `asked`, `kept` …
    pub state: String,
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
    /// Set on automatic mail only.
    pub auto: Option<Auto>,
    /// The promise that this letter makes or reports.
    pub promise: Option<PromiseHeader>,
    /// When it was written.
    pub date: Timestamp,
    /// The zone in which `Date` is written.
    pub zone: Zone,
    /// The words; `\n` or CRLF, paragraphs as single lines.
    pub text: String,
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
            ],
            ";",
        );
    }
    head.plain("MIME-Version", "1.0");
    head.plain("Content-Type", "text/plain; charset=utf-8; format=flowed");
    let text = flowed(&letter.text);
    let plain = text
        .lines()
        .all(|line| line.len() <= LINE && line.bytes().all(|b| matches!(b, b' '..=b'~' | b'\t')));
    head.plain(
        "Content-Transfer-Encoding",
        if plain { "7bit" } else { "quoted-printable" },
    );
    let mut mail = head.0;
    mail.push_str("\r\n");
    if plain {
        mail.push_str(&text.replace('\n', "\r\n"));
    } else {
        quoted_printable(&text, &mut mail);
    }
    mail.into_bytes()
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

/// One line without control characters, blanks around it cut; line and paragraph separators count as controls.
pub fn one_line(text: &str) -> String {
    let blank = |c: char| {
        if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}') {
            ' '
        } else {
            c
        }
    };
    text.chars().map(blank).collect::<String>().trim().to_owned()
}

/// The first `most` characters of one line, with an ellipsis where something was cut.
pub fn clip(text: &str, most: usize) -> String {
    let line = one_line(text);
    match line.char_indices().nth(most) {
        Some((place, _)) => format!("{}…", line[..place].trim_end()),
        None => line,
    }
}

/// The header block under construction; every value in it has been made of clean pieces.
#[derive(Default)]
struct Head(String);

impl Head {
    /// A value that we wrote ourselves and that fits.
    fn plain(&mut self, name: &str, value: &str) {
        let _ = write!(self.0, "{name}: {value}\r\n");
    }

    /// Pieces parted by `between` and a blank, folded where the line would become too long; no header without pieces.
    fn words(&mut self, name: &str, pieces: impl IntoIterator<Item = String>, between: &str) {
        let mut pieces = pieces.into_iter().filter(|piece| !piece.is_empty()).peekable();
        if pieces.peek().is_none() {
            return;
        }
        let _ = write!(self.0, "{name}:");
        let mut used = name.len() + 1;
        let mut first = true;
        while let Some(piece) = pieces.next() {
            let last = if pieces.peek().is_some() { between } else { "" };
            for word in piece.split(' ') {
                // The first word stays beside the name: a line of blanks alone is obsolete syntax.
                if !first && used + 1 + word.len() + last.len() > LINE {
                    self.0.push_str("\r\n");
                    used = 0;
                }
                let _ = write!(self.0, " {word}");
                used += 1 + word.len();
                first = false;
            }
            self.0.push_str(last);
            used += last.len();
        }
        self.0.push_str("\r\n");
    }

    /// Free text: as it is where that is safe, else encoded words.
    fn text(&mut self, name: &str, text: &str) {
        let text = one_line(text);
        if is_plain(&text) {
            self.words(name, [text], "")
        } else {
            self.words(name, [encoded_words(&text, name.len() + 2)], "")
        }
    }
}

/// Whether text can stand in a header as it is: ASCII, nothing that looks encoded, and blanks to fold at.
fn is_plain(text: &str) -> bool {
    let words = || text.split(' ');
    text.bytes().all(|b| matches!(b, b' '..=b'~'))
        && !text.contains("=?")
        && words().all(|word| (1..=60).contains(&word.len()))
}

/// Encoded words of RFC 2047, parted by blanks, none splitting a character. `used` is what stands before them on the line.
fn encoded_words(text: &str, used: usize) -> String {
    let letters = text.chars().filter(char::is_ascii).count();
    let base64 = letters * 2 < text.chars().count();
    let frame = "=?utf-8?q?".len() + "?=".len();
    let mut words = Vec::new();
    let mut room = ENCODED_WORD.min(LINE - used.min(30)) - frame;
    let mut rest = text;
    while !rest.is_empty() {
        let mut taken = 0;
        let mut size = 0;
        for c in rest.chars() {
            let bytes = taken + c.len_utf8();
            let grown = if base64 {
                bytes.div_ceil(3) * 4
            } else {
                size + q_size(c)
            };
            if grown > room {
                break;
            }
            (taken, size) = (bytes, grown);
        }
        let (word, later) = rest.split_at(taken);
        rest = later;
        room = ENCODED_WORD - 1 - frame;
        words.push(if base64 {
            format!("=?utf-8?b?{}?=", BASE64.encode(word.as_bytes()))
        } else {
            format!("=?utf-8?q?{}?=", q(word))
        });
    }
    words.join(" ")
}

/// What may stand unencoded in a Q word everywhere, phrases included (RFC 2047 §5).
fn q_safe(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '!' | '*' | '+' | '-' | '/')
}

fn q_size(c: char) -> usize {
    if q_safe(c) || c == ' ' { 1 } else { c.len_utf8() * 3 }
}

fn q(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        if c == ' ' {
            out.push('_');
        } else if q_safe(c) {
            out.push(c);
        } else {
            c.encode_utf8(&mut [0; 4])
                .bytes()
                .for_each(|byte| _ = write!(out, "={byte:02X}"));
        }
    }
    out
}

/// `"Anna Keller (Acme Support)" <support@acme.example>`.
fn mailbox(name: &str, at: &str) -> String {
    let name = clip(name, 100);
    let atoms = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~ ".contains(c);
    if name.is_empty() {
        address(at)
    } else if !is_plain(&name) {
        format!("{} {}", encoded_words(&name, "From: ".len()), address(at))
    } else if name.chars().all(atoms) {
        format!("{name} {}", address(at))
    } else {
        format!(
            "\"{}\" {}",
            name.replace('\\', "\\\\").replace('"', "\\\""),
            address(at)
        )
    }
}

/// An address in angle brackets; what could end it early is left out.
fn address(at: &str) -> String {
    let inner = at
        .chars()
        .filter(|c| !c.is_control() && !c.is_whitespace() && !matches!(c, '<' | '>' | ',' | ';'));
    format!("<{}>", inner.take(320).collect::<String>())
}

/// A Message-ID in angle brackets; `None` if nothing is left of it or it fits no line.
fn message_id(id: &str) -> Option<String> {
    let id: String = id
        .chars()
        .filter(|c| matches!(c, '!'..='~') && !matches!(c, '<' | '>'))
        .collect();
    (1..=MESSAGE_ID).contains(&id.len()).then(|| format!("<{id}>"))
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

/// Text as RFC 3676 has it: long lines of prose broken behind a blank, code and short lines fixed, ended by `\n`.
fn flowed(text: &str) -> String {
    let text = text.replace("\r\n", "\n").replace('\r', "\n").replace('\0', "");
    let mut out = String::with_capacity(text.len() + text.len() / 16);
    let mut fenced = false;
    for line in text.trim_end().split('\n') {
        let (depth, words) = quote_depth(line);
        let fence = words.trim_start().starts_with("```");
        fenced ^= fence && depth == 0;
        let code = fence || fenced || words.starts_with("    ") || words.starts_with('\t');
        let mut rest = if words == "-- " {
            words
        } else {
            words.trim_end_matches([' ', '\t'])
        };
        loop {
            let stuffed = depth > 0 || rest.starts_with([' ', '>']) || rest.starts_with("From ");
            let prefix = depth + usize::from(stuffed && !rest.is_empty());
            let cut = if code {
                rest.len()
            } else {
                soft_break(rest, LINE - prefix.min(LINE / 2))
            };
            let (now, later) = rest.split_at(cut);
            out.extend(std::iter::repeat_n('>', depth));
            out.push_str(if prefix > depth { " " } else { "" });
            out.push_str(now);
            out.push('\n');
            rest = later;
            if rest.is_empty() {
                break;
            }
        }
    }
    out
}

/// Quote marks before a line (`> > ` counts two) and the rest of it.
fn quote_depth(line: &str) -> (usize, &str) {
    let (mut depth, mut rest) = (0, line);
    while let Some(inner) = rest.strip_prefix('>').filter(|_| depth < LINE / 2) {
        depth += 1;
        rest = inner;
        if let Some(inner) = rest.strip_prefix(' ').filter(|inner| inner.starts_with('>')) {
            rest = inner;
        }
    }
    (
        depth,
        if depth > 0 {
            rest.strip_prefix(' ').unwrap_or(rest)
        } else {
            rest
        },
    )
}

/// Where to break a line so that its head, with the blank that ends it, has at most `room` characters; its end if it
/// fits or cannot be broken there, then behind the first blank that comes.
fn soft_break(line: &str, room: usize) -> usize {
    // Not a count of the whole line: a megabyte on one line is broken thirteen thousand times.
    if line.char_indices().nth(room).is_none() {
        return line.len();
    }
    let mut best = None;
    for (count, (place, c)) in line.char_indices().enumerate() {
        // A break only behind the last of several blanks, and not one that would leave an empty head.
        if c != ' ' || line[place + 1..].starts_with(' ') || line[..place].trim().is_empty() {
            continue;
        }
        if count >= room && best.is_some() {
            break;
        }
        best = Some(place + 1);
        if count >= room {
            break;
        }
    }
    best.unwrap_or(line.len())
}

/// Quoted-printable after RFC 2045 §6.7; blanks at the end of a line are encoded, since relays cut them.
fn quoted_printable(text: &str, out: &mut String) {
    for line in text.lines() {
        let mut used = 0;
        let last = line.len().saturating_sub(1);
        for (place, byte) in line.bytes().enumerate() {
            let bare = matches!(byte, b'!'..=b'<' | b'>'..=b'~') || (matches!(byte, b' ' | b'\t') && place != last);
            let size = if bare { 1 } else { 3 };
            // One place is kept for the mark of a broken line.
            if used + size > LINE - usize::from(place != last) {
                out.push_str("=\r\n");
                used = 0;
            }
            if bare {
                out.push(char::from(byte))
            } else {
                _ = write!(out, "={byte:02X}")
            }
            used += size;
        }
        out.push_str("\r\n");
    }
}

#[cfg(test)]
#[path = "compose_tests.rs"]
mod tests;
