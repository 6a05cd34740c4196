//! Header fields: which there are, and what the structured ones say.
//!
//! Promises: bounded lists, no panic on any bytes. The grammar of addresses, dates and parameters is mail-parser's; the
//! charset work happens before it (see `charset.rs`). Leaves out: believing what a field says.

use encoding_rs::Encoding;
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::Offset;
use mail_parser::parsers::MessageStream;
use mail_parser::{Address, HeaderValue};
use serde::{Deserialize, Serialize};

use crate::limits;
use crate::mail::charset;

/// A person or a machine as a header names it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mailbox {
    /// The display name, decoded; never authority for anything.
    pub name: Option<String>,
    /// The address, without `<>`, as written.
    pub address: String,
}

/// The fields of one header block, in their order.
#[derive(Debug, Default)]
pub struct Fields<'a> {
    list: Vec<(&'a [u8], &'a [u8])>,
}

/// How a body was made fit for transport.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TransferEncoding {
    /// `7bit`, `8bit`, `binary`, nothing, or something unknown: the bytes are the content.
    Identity,
    /// RFC 2045 §6.8.
    Base64,
    /// RFC 2045 §6.7.
    QuotedPrintable,
    /// `x-uuencode` and its spellings.
    Uuencode,
}

impl TransferEncoding {
    /// Whether the bytes are the content.
    pub fn is_identity(self) -> bool {
        self == TransferEncoding::Identity
    }
}

/// A media type or a disposition with its parameters, lower case but for the values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MediaType {
    /// `text` in `text/plain`; the whole word of a disposition.
    pub kind: String,
    /// `plain` in `text/plain`.
    pub subkind: String,
    parameters: Vec<(String, String)>,
}

impl MediaType {
    /// A media type without parameters.
    pub fn new(kind: &str, subkind: &str) -> Self {
        MediaType {
            kind: kind.into(),
            subkind: subkind.into(),
            parameters: Vec::new(),
        }
    }
    /// What a part is that does not say (RFC 2045 §5.2).
    pub fn text_plain() -> Self {
        Self::new("text", "plain")
    }
    /// Whether it is this type.
    pub fn is(&self, kind: &str, subkind: &str) -> bool {
        self.kind == kind && self.subkind == subkind
    }
    /// The value of a parameter, decoded.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str())
    }
    /// `text/plain`.
    pub fn essence(&self) -> String {
        format!("{}/{}", self.kind, self.subkind)
    }

    fn parse(value: &[u8]) -> Option<Self> {
        let line = charset::structured(value, None);
        let HeaderValue::ContentType(found) = MessageStream::new(&line).parse_content_type() else {
            return None;
        };
        let parameters = found.attributes.unwrap_or_default();
        Some(MediaType {
            kind: found.c_type.to_ascii_lowercase(),
            subkind: found.c_subtype.map(|s| s.to_ascii_lowercase()).unwrap_or_default(),
            parameters: parameters
                .into_iter()
                .map(|a| (a.name.to_ascii_lowercase(), a.value.replace(charset::NO_WORD, "=")))
                .collect(),
        })
    }
}

impl<'a> Fields<'a> {
    /// Adds a field; the bounds are the caller's.
    pub fn push(&mut self, name: &'a [u8], value: &'a [u8]) {
        self.list.push((name, value));
    }
    /// How many there are.
    pub fn len(&self) -> usize {
        self.list.len()
    }
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }
    /// The bytes of the first field of that name.
    pub fn raw(&self, name: &str) -> Option<&'a [u8]> {
        let named = self.list.iter().find(|(n, _)| is(n, name));
        named.map(|(_, value)| *value)
    }
    /// The bytes of every field of that name, in order.
    pub fn every(&self, name: &str) -> impl Iterator<Item = &'a [u8]> {
        self.list
            .iter()
            .filter(move |(n, _)| is(n, name))
            .map(|(_, value)| *value)
    }
    /// Whether there is such a field.
    pub fn has(&self, name: &str) -> bool {
        self.raw(name).is_some()
    }
    /// The names of all fields, in order.
    pub fn names(&self) -> impl Iterator<Item = &'a [u8]> {
        self.list.iter().map(|(name, _)| *name)
    }
    /// The first field of that name as text; `None` if there is none or it is empty.
    pub fn text(&self, name: &str) -> Option<String> {
        let value = self.raw(name)?;
        let text = charset::header_text(value, self.charset_of(value));
        (!text.is_empty()).then_some(text)
    }
    /// The same in lower case, for words that a program compares.
    pub fn word(&self, name: &str) -> Option<String> {
        self.text(name).map(|t| t.to_lowercase())
    }

    /// The charset of the body, where a field's value needs one.
    fn charset_of(&self, value: &[u8]) -> Option<&'static Encoding> {
        if value.is_ascii() {
            return None;
        }
        charset::named(self.media_type().parameter("charset")?)
    }

    /// The part's media type; `text/plain` where the field is missing or says nothing.
    pub fn media_type(&self) -> MediaType {
        match self.raw("content-type").and_then(MediaType::parse) {
            Some(found) if !found.kind.is_empty() && !found.subkind.is_empty() => found,
            Some(found) if found.kind == "text" => MediaType {
                subkind: "plain".into(),
                ..found
            },
            _ => MediaType::text_plain(),
        }
    }

    /// The part's disposition, `kind` alone.
    pub fn disposition(&self) -> Option<MediaType> {
        self.raw("content-disposition").and_then(MediaType::parse)
    }

    /// How the part's body is encoded.
    pub fn transfer_encoding(&self) -> TransferEncoding {
        let Some(value) = self.raw("content-transfer-encoding") else {
            return TransferEncoding::Identity;
        };
        let word = value
            .trim_ascii()
            .split(|b| matches!(b, b';' | b' ' | b'('))
            .next()
            .unwrap_or_default();
        match word.trim_ascii().to_ascii_lowercase().as_slice() {
            b"base64" | b"\"base64\"" => TransferEncoding::Base64,
            b"quoted-printable" | b"\"quoted-printable\"" => TransferEncoding::QuotedPrintable,
            b"x-uuencode" | b"x-uue" | b"uuencode" => TransferEncoding::Uuencode,
            _ => TransferEncoding::Identity,
        }
    }

    /// Every address of every field of that name, groups opened, at most [`limits::ADDRESSES`].
    pub fn mailboxes(&self, name: &str) -> Vec<Mailbox> {
        let mut found = Vec::new();
        for value in self.every(name) {
            let line = charset::structured(value, self.charset_of(value));
            let line = without_remarks(line);
            if let HeaderValue::Address(address) = MessageStream::new(&line).parse_address() {
                match address {
                    Address::List(list) => found.extend(list.iter().filter_map(mailbox)),
                    Address::Group(groups) => {
                        found.extend(groups.iter().flat_map(|g| &g.addresses).filter_map(mailbox));
                    }
                }
            }
            if found.len() >= limits::ADDRESSES {
                found.truncate(limits::ADDRESSES);
                break;
            }
        }
        // A name without an address among others is a remark, not a person.
        if found.len() > 1 {
            found.retain(|m: &Mailbox| !m.address.is_empty());
        }
        found
    }

    /// Message-IDs of the first field of that name without their brackets: all between brackets, else what looks like
    /// one. A second field of a name that may stand once is a forgery or a fault (RFC 5322 §3.6).
    pub fn ids(&self, name: &str) -> Vec<String> {
        let ids = self.bracketed_ids(name);
        if ids.is_empty() { self.bare_ids(name) } else { ids }
    }

    /// Message-IDs between brackets, as RFC 5322 §3.6.4 has them; of too many the first and the newest.
    pub fn bracketed_ids(&self, name: &str) -> Vec<String> {
        let text = self.raw(name).map(String::from_utf8_lossy).unwrap_or_default();
        let mut ids: Vec<String> = between_brackets(&text).take(limits::HEADER_BYTES / 3).collect();
        if ids.len() > limits::REFERENCES {
            let later = ids.len() - (limits::REFERENCES - 1);
            ids.drain(1..later);
        }
        ids
    }

    /// What looks like Message-IDs in a field that has none between brackets: web forms write so, and so do people's
    /// addresses in the phrases of RFC 822.
    pub fn bare_ids(&self, name: &str) -> Vec<String> {
        let text = self.raw(name).map(String::from_utf8_lossy).unwrap_or_default();
        if between_brackets(&text).next().is_some() {
            return Vec::new();
        }
        let words = text.split(|c: char| c.is_whitespace() || c == ',');
        words
            .map(|word| word.trim_matches(['<', '>']))
            .filter(|word| word.contains('@'))
            .take(limits::REFERENCES)
            .map(str::to_owned)
            .collect()
    }

    /// The instant of a date field and the offset written in it, in minutes (`None` for `-0000`: RFC 5322 §3.3).
    pub fn instant(&self, name: &str) -> Option<(Timestamp, Option<i32>)> {
        instant(self.raw(name)?)
    }
}

/// Whether a field has that name. Nearly all are told by their length.
fn is(field: &[u8], name: &str) -> bool {
    field.len() == name.len() && field.eq_ignore_ascii_case(name.as_bytes())
}

fn mailbox(found: &mail_parser::Addr<'_>) -> Option<Mailbox> {
    let tidy = |text: &str| {
        text.replace(charset::NO_WORD, "=")
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" ")
    };
    let name = found.name.as_deref().map(tidy).filter(|n| !n.is_empty());
    match found.address.as_deref().map(str::trim).filter(|a| !a.is_empty()) {
        Some(address) => Some(Mailbox {
            name,
            address: address.replace(charset::NO_WORD, "="),
        }),
        // A bare word is a local address of old systems: `From: root`.
        None => name.map(|n| match n.contains(char::is_whitespace) {
            true => Mailbox {
                name: Some(n),
                address: String::new(),
            },
            false => Mailbox { name: None, address: n },
        }),
    }
}

/// Comments beside a display name (`Jane (she) <jane@example.org>`) are taken out, so that the name is the name; a
/// comment that is all the name there is (`jane@example.org (Jane)`) stays.
fn without_remarks(line: Vec<u8>) -> Vec<u8> {
    if !line.contains(&b'(') {
        return line;
    }
    let mut out = Vec::with_capacity(line.len());
    let mut comments: Vec<(usize, usize)> = Vec::new();
    let (mut begin, mut depth, mut quoted, mut angle, mut escaped, mut named) = (0, 0usize, false, false, false, false);
    let close = |out: &mut Vec<u8>, begin: usize, comments: &mut Vec<(usize, usize)>, angle: bool, named: bool| {
        if angle && named {
            for (from, to) in comments.drain(..).rev() {
                out.drain(from.max(begin)..to);
            }
        }
        comments.clear();
    };
    for &byte in &line {
        out.push(byte);
        if std::mem::take(&mut escaped) {
            continue;
        }
        match byte {
            b'\\' => escaped = true,
            b'"' if depth == 0 => {
                quoted = !quoted;
                named |= !angle;
            }
            b'(' if !quoted => {
                if depth == 0 {
                    comments.push((out.len() - 1, out.len()));
                }
                depth += 1;
            }
            b')' if !quoted && depth > 0 => {
                depth -= 1;
                if let Some(last) = comments.last_mut().filter(|_| depth == 0) {
                    last.1 = out.len();
                }
            }
            b'<' if !quoted && depth == 0 => angle = true,
            b',' | b';' if !quoted && depth == 0 => {
                close(&mut out, begin, &mut comments, angle, named);
                (begin, angle, named) = (out.len(), false, false);
            }
            b if depth == 0 && !angle && !b.is_ascii_whitespace() => named = true,
            _ => {}
        }
    }
    if depth == 0 && !quoted {
        close(&mut out, begin, &mut comments, angle, named);
    }
    out
}

/// What stands between brackets, without blanks.
fn between_brackets(text: &str) -> impl Iterator<Item = String> {
    let mut rest = text;
    let between = std::iter::from_fn(move || {
        let (_, behind) = rest.split_once('<')?;
        let (id, behind) = behind.split_once('>')?;
        rest = behind;
        Some(id)
    });
    between
        .map(|id| id.replace(|c: char| c.is_whitespace() || c == '<', ""))
        .filter(|id| !id.is_empty())
}

fn instant(value: &[u8]) -> Option<(Timestamp, Option<i32>)> {
    let mut line: Vec<u8> = value.iter().map(|&b| if b.is_ascii() { b } else { b' ' }).collect();
    line.push(b'\n');
    let HeaderValue::DateTime(found) = MessageStream::new(&line).parse_date() else {
        return None;
    };
    let civil = DateTime::new(
        i16::try_from(found.year).ok()?,
        i8::try_from(found.month).ok()?,
        i8::try_from(found.day).ok()?,
        i8::try_from(found.hour).ok()?,
        i8::try_from(found.minute).ok()?,
        i8::try_from(found.second.min(59)).ok()?,
        0,
    )
    .ok()?;
    let minutes = i32::from(found.tz_hour) * 60 + i32::from(found.tz_minute);
    let minutes = if found.tz_before_gmt { -minutes } else { minutes };
    let offset = Offset::from_seconds(minutes * 60).ok()?;
    let timestamp = offset.to_timestamp(civil).ok()?;
    let unknown = minutes == 0 && line.windows(5).any(|w| w == b"-0000");
    Some((timestamp, (!unknown).then_some(minutes)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields<'a>(list: &[(&'a str, &'a str)]) -> Fields<'a> {
        let mut fields = Fields::default();
        for (name, value) in list {
            fields.push(name.as_bytes(), value.as_bytes());
        }
        fields
    }

    #[test]
    fn an_address_list_is_read_with_groups_comments_and_encoded_names() {
        let f = fields(&[(
            "To",
            " team: a@x.org, =?utf-8?Q?J=C3=BCrgen?= <j@x.org>; , c@x.org (Carol)",
        )]);
        let found = f.mailboxes("to");
        assert_eq!(found.len(), 3);
        assert_eq!(
            found[1],
            Mailbox {
                name: Some("Jürgen".into()),
                address: "j@x.org".into()
            }
        );
        assert_eq!(found[2].name.as_deref(), Some("Carol"));
    }

    #[test]
    fn the_offset_of_a_date_is_kept_and_minus_zero_means_unknown() {
        let at = |v: &str| instant(v.as_bytes());
        assert_eq!(at("Thu, 1 Oct 2020 10:45:47 -0400").map(|(_, o)| o), Some(Some(-240)));
        assert_eq!(at("Thu, 1 Oct 2020 10:45:47 -0000").map(|(_, o)| o), Some(None));
        assert_eq!(at("no date at all"), None);
    }

    #[test]
    fn ids_without_brackets_are_no_references() {
        let form = fields(&[("In-Reply-To", "form-1@lists.example")]);
        assert!(form.bracketed_ids("in-reply-to").is_empty());
        assert_eq!(form.bare_ids("in-reply-to"), ["form-1@lists.example"]);
        let phrase = fields(&[("In-Reply-To", "Your mail of Monday <1@x> to me@y.example")]);
        assert_eq!(phrase.bracketed_ids("in-reply-to"), ["1@x"]);
        assert!(phrase.bare_ids("in-reply-to").is_empty());
    }

    #[test]
    fn of_many_references_the_first_and_the_newest_stay() {
        let many: String = (0..1_000).map(|i| format!("<{i}@x> ")).collect();
        let ids = fields(&[("References", &many)]).ids("references");
        assert_eq!(
            (ids.len(), ids[0].as_str(), ids[99].as_str()),
            (limits::REFERENCES, "0@x", "999@x")
        );
    }
}
