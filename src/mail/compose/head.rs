//! Header fields: whatever stands in a value, none can be forged with it.
//!
//! Control characters never reach a header, anything that is not plain ASCII is an encoded word (RFC 2047), and no line is
//! longer than 76 characters unless a single piece of it is. Which fields a letter has is [`super::compose`]'s business.

use super::LINE;
use crate::speech::{clip, one_line};
use data_encoding::BASE64;
use std::fmt::Write as _;

/// Longest encoded word (RFC 2047 §2).
const ENCODED_WORD: usize = 75;
/// Longest Message-ID that is passed on; a line may have 998 (RFC 5322 §2.1.1).
const MESSAGE_ID: usize = 900;

/// The header block under construction; every value in it has been made of clean pieces.
#[derive(Default)]
pub(super) struct Head(pub(super) String);

impl Head {
    /// A value that we wrote ourselves and that fits.
    pub(super) fn plain(&mut self, name: &str, value: &str) {
        let _ = write!(self.0, "{name}: {value}\r\n");
    }

    /// Pieces parted by `between` and a blank, folded where the line would become too long; no header without pieces.
    pub(super) fn words(&mut self, name: &str, pieces: impl IntoIterator<Item = String>, between: &str) {
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
    pub(super) fn text(&mut self, name: &str, text: &str) {
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
pub(super) fn mailbox(name: &str, at: &str) -> String {
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
pub(super) fn address(at: &str) -> String {
    let inner = at
        .chars()
        .filter(|c| !c.is_control() && !c.is_whitespace() && !matches!(c, '<' | '>' | ',' | ';'));
    format!("<{}>", inner.take(320).collect::<String>())
}

/// A Message-ID in angle brackets; `None` if nothing is left of it or it fits no line.
pub(super) fn message_id(id: &str) -> Option<String> {
    let id: String = id
        .chars()
        .filter(|c| matches!(c, '!'..='~') && !matches!(c, '<' | '>'))
        .collect();
    (1..=MESSAGE_ID).contains(&id.len()).then(|| format!("<{id}>"))
}
