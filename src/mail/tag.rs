//! The pieces of HTML markup, each found in bounded time: where a tag ends, what its attributes and entities say.
//!
//! Promises: nothing here looks further than a bound or looks twice; broken markup is read as something. Leaves out: what
//! the elements mean (`html.rs`).

use memchr::{memchr, memchr2, memmem};

use crate::limits;

/// Longest tag whose quotes are heeded while looking for its end; a longer one (a picture as `data:`) ends at the first `>`.
const TAG_BYTES: usize = 4 * 1024;

/// Where a tag ends, behind its `>`: quotes are heeded, for as long as a tag can be.
pub(crate) fn end_of_tag(bytes: &[u8]) -> usize {
    let window = &bytes[..bytes.len().min(TAG_BYTES)];
    let mut quote = 0u8;
    for (i, &byte) in window.iter().enumerate() {
        match byte {
            b'"' | b'\'' if quote == 0 && window[..i].trim_ascii_end().ends_with(b"=") => quote = byte,
            byte if byte == quote && quote != 0 => quote = 0,
            b'>' if quote == 0 => return i + 1,
            _ => {}
        }
    }
    memchr(b'>', bytes).map_or(bytes.len(), |end| end + 1)
}

/// The start of `</name` in any case, or `None`.
pub(crate) fn find_close(bytes: &[u8], name: &str) -> Option<usize> {
    memmem::find_iter(bytes, b"</").take(limits::HTML_ELEMENTS).find(|&at| {
        bytes
            .get(at + 2..at + 2 + name.len())
            .is_some_and(|n| n.eq_ignore_ascii_case(name.as_bytes()))
    })
}

/// The end of the element that was just opened, counting its own kind only.
pub(crate) fn balanced_close(bytes: &[u8], name: &str) -> Option<usize> {
    let mut depth = 1usize;
    let mut at = 0;
    for _ in 0..1_000 {
        at += memchr(b'<', bytes.get(at..)?)? + 1;
        let closing = bytes.get(at) == Some(&b'/');
        let from = at + usize::from(closing);
        if bytes
            .get(from..from + name.len())
            .is_some_and(|n| n.eq_ignore_ascii_case(name.as_bytes()))
            && !bytes.get(from + name.len()).is_some_and(u8::is_ascii_alphanumeric)
        {
            depth = if closing { depth - 1 } else { depth + 1 };
            if depth == 0 {
                return Some(at - 1);
            }
        }
    }
    None
}

/// The value of an attribute, entities decoded.
pub(crate) fn attribute(attributes: &str, name: &str) -> Option<String> {
    let mut rest = attributes;
    for _ in 0..64 {
        rest = rest.trim_start_matches(|c: char| c.is_ascii_whitespace() || c == '/');
        let end = rest
            .find(|c: char| c.is_ascii_whitespace() || c == '=' || c == '/')
            .unwrap_or(rest.len());
        let (found, after) = rest.split_at(end);
        let after = after.trim_start();
        let Some(value) = after.strip_prefix('=') else {
            if after.is_empty() {
                return None;
            }
            rest = after;
            continue;
        };
        let value = value.trim_start();
        let (value, after) = match value.chars().next() {
            Some(quote @ ('"' | '\'')) => value[1..].split_once(quote).unwrap_or((&value[1..], "")),
            _ => value.split_at(value.find(|c: char| c.is_ascii_whitespace()).unwrap_or(value.len())),
        };
        if found.eq_ignore_ascii_case(name) {
            return Some(decode_entities(value));
        }
        rest = after;
    }
    None
}

pub(crate) fn decode_entities(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = memchr(b'&', rest.as_bytes()) {
        out.push_str(&rest[..at]);
        let (decoded, length) = entity(&rest[at..]);
        out.push_str(&decoded);
        rest = &rest[at + length..];
    }
    out.push_str(rest);
    out
}

/// The entity at the start of `text` (which begins with `&`) and its length; a lone `&` stands for itself.
pub(crate) fn entity(text: &str) -> (String, usize) {
    let window = &text.as_bytes()[1..text.len().min(34)];
    let Some(end) = memchr2(b';', b'&', window) else {
        return ("&".into(), 1);
    };
    if window[end] != b';' || end == 0 || !window[..end].iter().all(|b| b.is_ascii_alphanumeric() || *b == b'#') {
        return ("&".into(), 1);
    }
    let name = &text[1..1 + end];
    if name == "nbsp" || name == "#160" {
        return ("\u{a0}".into(), end + 2);
    }
    let mut decoded = String::new();
    mail_parser::decoders::html::add_html_token(&mut decoded, &text.as_bytes()[..end + 2], false);
    (decoded, end + 2)
}

pub(crate) fn is_indentation(attributes: &str) -> bool {
    let lower = attributes.to_ascii_lowercase();
    let quoting = lower.contains("cite") || lower.contains("quote");
    let style: String = lower.chars().filter(|c| !c.is_whitespace()).collect();
    !quoting
        && ["border:none", "border:0", "border-width:0"]
            .iter()
            .any(|b| style.contains(b))
}

pub(crate) fn is_block(name: &str) -> bool {
    matches!(
        name,
        "div"
            | "tr"
            | "li"
            | "dl"
            | "dt"
            | "dd"
            | "section"
            | "article"
            | "header"
            | "footer"
            | "nav"
            | "main"
            | "center"
            | "form"
            | "address"
            | "fieldset"
            | "figure"
            | "body"
            | "tbody"
            | "thead"
            | "caption"
    )
}
