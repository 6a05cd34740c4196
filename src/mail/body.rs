//! Text and files among the parts of a mail: what a person reads of it, and what came along.
//!
//! Promises: of two renditions the plain one is read, text of messages inside only where the mail has none of its own;
//! wrappings of mail programs are opened, archives never are. Leaves out: which words are new (`quote.rs`).

use std::borrow::Cow;

use data_encoding::HEXLOWER;
use memchr::{memchr2, memmem};
use sha2::{Digest, Sha256};

use crate::limits;
use crate::mail::forward::Forwarded;
use crate::mail::header::TransferEncoding;
use crate::mail::limit::{self, Outline, Part, Shape};
use crate::mail::parse::{Attachment, Understood};
use crate::mail::{calendar, charset, decode, html, tnef};

/// What a leaf of the outline is to a reader.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    Text,
    /// Text of a message inside: shown only where the mail has no text of its own.
    InnerText,
    File,
    /// The other rendition of a text that is shown.
    Twin,
    Nothing,
}

/// Finds text, files and the calendar among the parts.
/// `way` leads to this outline where it lies inside a seal.
pub(crate) fn read_body(mail: &mut Understood, outline: &Outline<'_>, way: &[usize]) {
    let earlier = mail.attachments.len();
    let roles = roles(outline);
    let mut own = String::new();
    let mut inner = String::new();
    let mut twin = None;
    for (index, (part, role)) in outline.parts.iter().zip(&roles).enumerate() {
        match role {
            Role::Twin if twin.is_none() && part.media.is("text", "html") => twin = Some(part),
            Role::Text => append(&mut own, &text_of(mail, outline, part)),
            Role::InnerText => append(&mut inner, &text_of(mail, outline, part)),
            Role::File if mail.attachments.len() < limits::ATTACHMENTS => {
                take_file(mail, outline, index, &mut inner);
            }
            Role::File | Role::Twin | Role::Nothing => {}
        }
    }
    if let Some(part) = twin {
        compare(mail, outline, part, &mut own);
    }
    if own.trim().is_empty() && inner.trim().is_empty() {
        // Answers to invitations come without a text part: what was written with them stands in the calendar.
        let written = mail
            .calendar
            .iter()
            .flat_map(|calendar| &calendar.entries)
            .find_map(|entry| entry.comment.as_deref().or(entry.description.as_deref()));
        inner = written.unwrap_or_default().to_owned();
    }
    mail.body_text = if own.trim().is_empty() { inner } else { own };
    if let Some((first, further)) = way.split_first() {
        for attached in &mut mail.attachments[earlier..] {
            let last = std::mem::replace(&mut attached.part, *first);
            attached.inside.splice(0..0, further.iter().copied().chain([last]));
        }
    }
}

/// What the HTML rendition says beyond the plain one. Where the plain one only says that there is an HTML one, that is read
/// instead.
fn compare(mail: &mut Understood, outline: &Outline<'_>, part: &Part<'_>, own: &mut String) {
    let body = outline.body(part);
    if own.len() > limits::TWIN_BYTES || body.len() > limits::TWIN_BYTES {
        return;
    }
    let bytes = content(outline, part).0;
    // Nearly always both say the same: then nobody need read the HTML.
    let plain = shown(own);
    if html::visible(&bytes) <= plain + plain / 16 + TWIN_SLACK {
        return;
    }
    let text = text_of(mail, outline, part);
    let (said, more) = (letters(own), letters(&text));
    if said.len() < STUB_BYTES && more.len() > 4 * said.len() {
        *own = text;
        return;
    }
    let fresh: Vec<&str> = text
        .lines()
        .take(limits::TWIN_LINES)
        .filter(|line| {
            let line = letters(line);
            line.len() >= 3 && memmem::find(&said, &line).is_none()
        })
        .collect();
    mail.beside = fresh.join("\n");
}

/// Bytes of text that the HTML rendition may have beyond the plain one and still say the same: names of links, entities.
const TWIN_SLACK: usize = 20;
/// A plain rendition shorter than this may be a mere notice that the mail is HTML.
const STUB_BYTES: usize = 250;

/// Lists a file, and opens it where it is a wrapping of mail programs.
fn take_file(mail: &mut Understood, outline: &Outline<'_>, index: usize, inner: &mut String) {
    let part = &outline.parts[index];
    let name = file_name(part);
    let (bytes, broken) = content(outline, part);
    let mut attached = describe(mail, part, name, &bytes, broken);
    attached.part = index;
    if attached.content_type == "message/rfc822" && part.shape == Shape::Leaf {
        append(inner, &encoded_message_text(mail, outline, part));
    }
    let calendar = part.media.is("text", "calendar") || part.media.is("application", "ics");
    if calendar && mail.calendar.is_none() && bytes.len() <= limits::TEXT_ENCODED_BYTES {
        mail.calendar = calendar::read(&charset::decode(&bytes, part.media.parameter("charset")).text);
    }
    if !is_winmail(&attached, &bytes) {
        mail.attachments.push(attached);
        return;
    }
    let opened = tnef::open(&bytes);
    append(inner, &opened.text);
    // What was opened as a whole is shown by what was in it; the raw mail has the wrapping.
    if opened.files.is_empty() || !opened.notes.is_empty() {
        mail.attachments.push(attached);
    }
    mail.errors.extend(opened.notes);
    for (number, file) in opened.files.into_iter().enumerate() {
        if mail.attachments.len() == limits::ATTACHMENTS {
            break;
        }
        mail.attachments.push(Attachment {
            name: file.name.as_deref().and_then(bare_name),
            content_type: file
                .content_type
                .filter(|t| t.contains('/'))
                .unwrap_or_else(|| "application/octet-stream".into()),
            size: file.bytes.len() as u64,
            sha256: HEXLOWER.encode(&Sha256::digest(file.bytes)),
            part: index,
            inside: vec![number],
            inline: file.content_id.is_some(),
            content_id: file.content_id,
        });
    }
}

fn is_winmail(attached: &Attachment, bytes: &[u8]) -> bool {
    let said = matches!(
        attached.content_type.as_str(),
        "application/ms-tnef" | "application/vnd.ms-tnef"
    );
    let named = attached
        .name
        .as_deref()
        .is_some_and(|n| n.eq_ignore_ascii_case("winmail.dat"));
    (said || named) && tnef::is_tnef(bytes)
}

/// The bytes at the end of a way into an outline: a part, and perhaps a file of winmail.dat in it.
pub(crate) fn bytes_of(outline: &Outline<'_>, way: &[usize]) -> Option<Vec<u8>> {
    let (part, inside) = way.split_first()?;
    let part = outline.parts.get(*part).filter(|p| p.shape != Shape::Multipart)?;
    let bytes = content(outline, part).0;
    match inside {
        [] => Some(bytes.into_owned()),
        [number] => tnef::open(&bytes).files.get(*number).map(|file| file.bytes.to_vec()),
        _ => None,
    }
}

/// The decoded bytes of a part that is there.
pub(crate) fn bytes_of_part(outline: &Outline<'_>, part: usize) -> Vec<u8> {
    content(outline, &outline.parts[part]).0.into_owned()
}

/// The mail that came along as a message of its own, where it is all that was sent on.
pub(crate) fn passed_on(mail: &Understood, outline: &Outline<'_>) -> Option<Forwarded> {
    let mut messages = outline
        .parts
        .iter()
        .enumerate()
        .filter(|(_, part)| part.shape == Shape::Message);
    let (index, _) = messages.next()?;
    let fields = &outline.parts.iter().find(|part| part.parent == Some(index))?.fields;
    let from = fields.mailboxes("from").into_iter().next()?;
    // Who answers and attaches the mail passes nothing on.
    let answers =
        !mail.in_reply_to.is_empty() || messages.any(|(_, other)| other.parent == outline.parts[index].parent);
    (!answers).then(|| Forwarded {
        from,
        subject: fields.text("subject"),
        date: fields.text("date"),
    })
}

/// A message that was encoded as a whole (RFC 2045 forbids it, some do it): its own text, one level at a time.
fn encoded_message_text(mail: &mut Understood, outline: &Outline<'_>, part: &Part<'_>) -> String {
    let mut bytes = content(outline, part).0.into_owned();
    for _ in 0..limits::NESTED_MESSAGES {
        let inner = limit::outline(&bytes);
        let deeper = inner
            .parts
            .iter()
            .find(|p| p.shape == Shape::Leaf && p.media.is("message", "rfc822"));
        if let Some(deeper) = deeper {
            let next = content(&inner, deeper).0.into_owned();
            bytes = next;
            continue;
        }
        let text = inner
            .parts
            .iter()
            .find(|p| p.shape == Shape::Leaf && p.media.kind == "text");
        return text.map(|part| text_of(mail, &inner, part)).unwrap_or_default();
    }
    String::new()
}

pub(crate) fn append(text: &mut String, more: &str) {
    if more.trim().is_empty() || text.len() >= limits::TEXT_BYTES {
        return;
    }
    if !text.is_empty() {
        text.truncate(text.trim_end().len());
        text.push_str("\n\n");
    }
    text.push_str(more);
}

/// Decides what is text, what is a file and what is a second rendition.
fn roles(outline: &Outline<'_>) -> Vec<Role> {
    let mut roles = Vec::with_capacity(outline.parts.len());
    // Whether a part lies in a message inside the mail, and the alternative it belongs to; parents come first.
    let mut places: Vec<(bool, Option<usize>)> = Vec::with_capacity(outline.parts.len());
    let mut texts_seen = [false; 2];
    for (index, part) in outline.parts.iter().enumerate() {
        let place = match part.parent {
            None => (false, None),
            Some(parent) => {
                let (inner, alternative) = places[parent];
                let parent_part = &outline.parts[parent];
                let own = parent_part.media.is("multipart", "alternative").then_some(parent);
                (inner || parent_part.shape == Shape::Message, own.or(alternative))
            }
        };
        places.push(place);
        let role = match part.shape {
            Shape::Multipart => Role::Nothing,
            // The mail that is nothing but a message is that message's wrapping.
            Shape::Message if index == 0 => Role::Nothing,
            Shape::Message => Role::File,
            Shape::Leaf if is_shown(part, texts_seen[usize::from(place.0)]) => {
                texts_seen[usize::from(place.0)] = true;
                if place.0 { Role::InnerText } else { Role::Text }
            }
            Shape::Leaf if place.0 && part.media.kind == "text" && file_name(part).is_none() => Role::Nothing,
            Shape::Leaf => Role::File,
        };
        roles.push(role);
    }
    prefer_plain(outline, &places, &mut roles);
    roles
}

fn is_shown(part: &Part<'_>, not_first: bool) -> bool {
    let media = &part.media;
    let readable = media.is("text", "plain") || media.is("text", "html") || media.is("text", "enriched");
    let disposition = part.fields.disposition();
    let attached = disposition.as_ref().is_some_and(|d| d.kind == "attachment");
    let named = disposition.as_ref().is_some_and(|d| d.parameter("filename").is_some());
    readable && !attached && !(not_first && (named || media.parameter("name").is_some()))
}

/// In each alternative the plain rendition is the one that is read, if it says anything.
fn prefer_plain(outline: &Outline<'_>, places: &[(bool, Option<usize>)], roles: &mut [Role]) {
    let shown = |role: Role| matches!(role, Role::Text | Role::InnerText);
    let mut plain = vec![false; roles.len()];
    for (index, part) in outline.parts.iter().enumerate() {
        if let (Some(alternative), true, true) = (places[index].1, shown(roles[index]), part.media.is("text", "plain"))
        {
            plain[alternative] |= !outline.body(part).trim_ascii().is_empty();
        }
    }
    for (index, part) in outline.parts.iter().enumerate() {
        if let (Some(alternative), true) = (places[index].1, shown(roles[index]))
            && plain[alternative] != part.media.is("text", "plain")
        {
            roles[index] = Role::Twin;
        }
    }
}

/// The decoded bytes of a part, and whether the encoding was broken.
fn content<'b>(outline: &Outline<'b>, part: &Part<'_>) -> (Cow<'b, [u8]>, bool) {
    decoded(&outline.bytes[part.body.clone()], part)
}

fn decoded<'b>(body: &'b [u8], part: &Part<'_>) -> (Cow<'b, [u8]>, bool) {
    let decoded = match part.fields.transfer_encoding() {
        TransferEncoding::Identity => return (Cow::Borrowed(body), false),
        TransferEncoding::QuotedPrintable => decode::quoted_printable(body),
        TransferEncoding::Uuencode => decode::uuencoded(body),
        TransferEncoding::Base64 => match decode::base64(body) {
            (decoded, true) => decoded,
            // A length that base64 cannot have: it is something else, kept without the line ends of the transport.
            (_, false) => {
                let kept = body.iter().filter(|b| !matches!(b, b'\r' | b'\n'));
                return (kept.copied().collect(), true);
            }
        },
    };
    (decoded.into(), false)
}

fn text_of(mail: &mut Understood, outline: &Outline<'_>, part: &Part<'_>) -> String {
    let (bytes, broken) = content(outline, part);
    if broken {
        mail.errors
            .push("A text part is not the base64 it claims to be.".into());
    }
    let is_html = part.media.is("text", "html");
    let declared = part
        .media
        .parameter("charset")
        .map(str::to_owned)
        .or_else(|| is_html.then(|| meta_charset(&bytes)).flatten());
    let decoded = charset::decode(&bytes, declared.as_deref());
    mail.errors.extend(decoded.note);
    let mut text = if is_html {
        let plain = html::to_text(&decoded.text);
        mail.errors.extend(plain.notes);
        plain.text
    } else {
        decoded.text.into_owned()
    };
    if memchr2(b'\r', 0, text.as_bytes()).is_some() {
        text = with_line_feeds(&text);
    }
    if text.len() > limits::TEXT_BYTES {
        let mut end = limits::TEXT_BYTES;
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        text.truncate(end);
        mail.errors.push(format!(
            "Text longer than {} bytes: the rest is in the raw mail.",
            limits::TEXT_BYTES
        ));
    }
    text
}

/// The letters and figures of a text, without all that renditions set between them.
fn letters(text: &str) -> Vec<u8> {
    if !text.is_ascii() {
        let letters: String = text.chars().filter(|c| c.is_alphanumeric()).collect();
        return letters.into_bytes();
    }
    let mut letters = Vec::with_capacity(text.len());
    letters.extend(text.bytes().filter(u8::is_ascii_alphanumeric));
    letters
}

/// Letters that a plain rendition shows, but for those of links: where they lead stands in the HTML's tags.
fn shown(text: &str) -> usize {
    let letters = |text: &str| match text.is_ascii() {
        true => text.bytes().filter(|b| !matches!(b, b' ' | b'\t'..=b'\r')).count(),
        false => text.chars().filter(|c| !c.is_whitespace()).count(),
    };
    let mut count = letters(text);
    let mut rest = text;
    while let Some(at) = memmem::find(rest.as_bytes(), b"://") {
        let (before, behind) = rest.split_at(at);
        let begin = before.rsplit(char::is_whitespace).next().unwrap_or_default();
        let end = behind.split(char::is_whitespace).next().unwrap_or_default();
        count -= letters(begin) + letters(end);
        rest = &behind[end.len()..];
    }
    count
}

/// Line ends of every kind as `\n`, and no zeros.
fn with_line_feeds(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = memchr2(b'\r', 0, rest.as_bytes()) {
        let carriage = rest.as_bytes()[at] == b'\r';
        out.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        if carriage {
            out.push('\n');
            rest = rest.strip_prefix('\n').unwrap_or(rest);
        }
    }
    out.push_str(rest);
    out
}

/// The charset that HTML names in its head, where the mail names none.
fn meta_charset(bytes: &[u8]) -> Option<String> {
    let head = String::from_utf8_lossy(&bytes[..bytes.len().min(2_048)]).to_ascii_lowercase();
    let rest = &head[head.find("charset=")? + 8..];
    let rest = rest.trim_start_matches(['"', '\'']);
    Some(
        rest[..rest
            .find(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '-' | '_'))
            .unwrap_or(rest.len())]
            .to_owned(),
    )
}

fn describe(mail: &mut Understood, part: &Part<'_>, name: Option<String>, bytes: &[u8], broken: bool) -> Attachment {
    if broken {
        let shown = name.as_deref().unwrap_or("without a name");
        mail.errors
            .push(format!("The attachment {shown:?} is not the base64 it claims to be."));
    }
    Attachment {
        name,
        content_type: part.media.essence(),
        size: bytes.len() as u64,
        sha256: HEXLOWER.encode(&Sha256::digest(bytes)),
        part: 0,
        inside: Vec::new(),
        inline: part.fields.disposition().is_some_and(|d| d.kind == "inline"),
        content_id: part.fields.ids("content-id").into_iter().next(),
    }
}

/// The name of a part without directories and control characters.
fn file_name(part: &Part<'_>) -> Option<String> {
    let disposition = part.fields.disposition();
    let said = disposition
        .as_ref()
        .and_then(|d| d.parameter("filename"))
        .or_else(|| part.media.parameter("name"))?;
    bare_name(said)
}

fn bare_name(said: &str) -> Option<String> {
    let base = said.rsplit(['/', '\\']).next().unwrap_or(said);
    let clean: String = base
        .chars()
        .filter(|c| !c.is_control())
        .take(limits::FILE_NAME_CHARS)
        .collect();
    let clean = clean.trim();
    (!clean.is_empty()).then(|| clean.to_owned())
}
