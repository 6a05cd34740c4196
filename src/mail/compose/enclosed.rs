//! A file in a letter: base64, its name as every reader of mail takes it, never shown between the words.

use data_encoding::BASE64;
use std::fmt::Write as _;

/// Bytes on a line: 76 characters of base64.
const LINE_BYTES: usize = 57;
/// Characters of a long name on a line.
const NAME_CHARS: usize = 50;

/// A file that goes with a letter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// Its name, without a folder.
    pub name: String,
    /// Its media type, by what its bytes are.
    pub kind: String,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

impl File {
    /// The part of the letter.
    pub(super) fn part(&self) -> String {
        let lines = self.bytes.len() / LINE_BYTES + 1;
        let mut part = String::with_capacity(self.bytes.len() / 3 * 4 + 2 * lines + 512);
        let _ = write!(
            part,
            "Content-Type: {}\r\nContent-Transfer-Encoding: base64\r\nContent-Disposition: attachment{}\r\n\r\n",
            media_type(&self.kind),
            named(&self.name)
        );
        for line in self.bytes.chunks(LINE_BYTES) {
            BASE64.encode_append(line, &mut part);
            part.push_str("\r\n");
        }
        part
    }
}

/// What is no media type says nothing.
fn media_type(kind: &str) -> &str {
    let fits = kind.bytes().filter(|byte| *byte == b'/').count() == 1
        && kind
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"/.+-".contains(&byte));
    if fits { kind } else { "application/octet-stream" }
}

/// The parameter with the name: as it is where it is short and plain; else in pieces (RFC 2231), which carry any name and
/// break no line.
fn named(name: &str) -> String {
    let is_plain = |byte: u8| byte == b' ' || (byte.is_ascii_graphic() && !b"\"\\%;".contains(&byte));
    if name.len() <= NAME_CHARS && name.bytes().all(is_plain) {
        return format!(";\r\n filename=\"{name}\"");
    }
    let mut pieces = vec![String::from("UTF-8''")];
    for byte in name.bytes() {
        let one = match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'.' | b'-' | b'_' => char::from(byte).to_string(),
            other => format!("%{other:02X}"),
        };
        match pieces.last_mut() {
            Some(piece) if piece.len() + one.len() <= NAME_CHARS => piece.push_str(&one),
            _ => pieces.push(one),
        }
    }
    let mut field = String::new();
    for (at, piece) in pieces.iter().enumerate() {
        let _ = write!(field, ";\r\n filename*{at}*={piece}");
    }
    field
}
