//! Understanding one mail: from raw bytes to a bounded, plain structure.
//!
//! Promises: [`understand`] never fails and never panics; whatever cannot be read is missing and named in `errors`.
//! Everything is bounded by [`limits`], so the result of any mail fits in memory. Leaves out: who may be believed
//! (`verify`), where the mail belongs (`thread`), and the bytes of attachments, which [`attachment`] takes from the raw
//! mail again when they are wanted.

use data_encoding::HEXLOWER;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::limits;
use crate::mail::auto::{self, Auto, Bounce};
use crate::mail::header::{Fields, TransferEncoding};
use crate::mail::limit::{self, Outline, Part, Shape};
use crate::mail::{charset, decode, html, quote};

pub use crate::mail::header::Mailbox;

/// A mail as far as it could be understood.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Understood {
    /// Without `<>`.
    pub message_id: Option<String>,
    /// The first address of From. Never authority by itself.
    pub from: Option<Mailbox>,
    /// Everybody in To.
    pub to: Vec<Mailbox>,
    /// Everybody in Cc.
    pub cc: Vec<Mailbox>,
    /// Decoded, on one line, at most [`limits::SUBJECT_CHARS`].
    pub subject: String,
    /// The instant the Date field claims; never used for a promise.
    pub date: Option<Timestamp>,
    /// Message-IDs, given here without their `<>`.
    pub in_reply_to: Vec<String>,
    /// Message-IDs, given here without their `<>`, root first; of too many, the first and the newest.
    pub references: Vec<String>,
    /// What stands in `In-Reply-To` or `References` without `<>` and looks like a Message-ID: a guess, no reference.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub maybe_in_reply_to: Vec<String>,
    /// All the text a person reads in this mail, quotes and signature included.
    pub body_text: String,
    /// What the sender newly wrote.
    pub new_text: String,
    /// The sender's signature, where it could be told apart.
    pub signature: String,
    /// What was quoted, without being newly written.
    pub quoted_text: String,
    /// Files and messages that came with the mail, in order.
    pub attachments: Vec<Attachment>,
    /// Whether a machine wrote it.
    pub auto: Auto,
    /// What was broken, cut or guessed, as sentences.
    pub errors: Vec<String>,
    /// The Sender field.
    pub sender: Option<Mailbox>,
    /// Everybody in Reply-To.
    pub reply_to: Vec<Mailbox>,
    /// The offset written in the Date field, in minutes east of UTC; `None` where it says that it does not know.
    pub date_offset_minutes: Option<i32>,
    /// What a mailing list says of itself.
    pub list: Option<ListHeaders>,
    /// Which sign made `auto` what it is.
    pub auto_reason: Option<String>,
    /// What a bounce says.
    pub bounce: Option<Bounce>,
    /// Outlook's thread mark.
    pub thread_index: Option<String>,
    /// Outlook's thread subject.
    pub thread_topic: Option<String>,
    /// Tags of `Content-Language`, then of `Accept-Language`, in order; what the author's program says of their language.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub languages: Vec<String>,
    /// Who wrote it, as a list says that rewrote From.
    pub x_original_from: Option<Mailbox>,
    /// The same, as other lists say it.
    pub x_original_sender: Option<Mailbox>,
    /// Addresses that servers on the way noted as the recipient.
    pub delivered_to: Vec<String>,
}

/// A file or a message inside a mail.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Attachment {
    /// The file name as the sender wrote it, without any directory; untrusted.
    pub name: Option<String>,
    /// The media type the mail claims.
    pub content_type: String,
    /// Decoded bytes.
    pub size: u64,
    /// Of the decoded bytes, lower case hexadecimal.
    pub sha256: String,
    /// Which part of the mail it is: what [`attachment`] takes.
    pub part: usize,
    /// Whether the mail shows it between the words.
    pub inline: bool,
    /// What the HTML calls it.
    pub content_id: Option<String>,
}

/// What the List-* fields say (RFC 2919, RFC 2369).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListHeaders {
    /// The identifier between the brackets of List-Id.
    pub id: Option<String>,
    /// The address of List-Post.
    pub post: Option<String>,
}

/// Understands a mail. Any bytes will do.
pub fn understand(raw: &[u8]) -> Understood {
    let bytes = limit::with_line_feeds(raw);
    let outline = limit::outline(&bytes);
    let fields = &outline.parts[0].fields;
    let mut mail = Understood {
        errors: outline.notes.clone(),
        ..Understood::default()
    };
    read_header(&mut mail, fields);
    read_body(&mut mail, &outline);
    let parts = quote::split(&mail.body_text);
    mail.new_text = parts.new_text;
    mail.signature = parts.signature;
    mail.quoted_text = parts.quoted_text;
    auto::judge(&mut mail, &outline);
    mail.errors.truncate(limits::NOTES);
    mail
}

/// The decoded bytes of the part that [`Attachment::part`] names; `None` if the mail has no such part.
pub fn attachment(raw: &[u8], part: usize) -> Option<Vec<u8>> {
    let bytes = limit::with_line_feeds(raw);
    let outline = limit::outline(&bytes);
    let part = outline.parts.get(part).filter(|p| p.shape != Shape::Multipart)?;
    Some(content(&outline, part).0)
}

fn read_header(mail: &mut Understood, fields: &Fields<'_>) {
    mail.message_id = fields.ids("message-id").into_iter().next().or_else(|| {
        fields
            .text("message-id")
            .map(|id| id.trim_matches(['<', '>']).trim().to_owned())
            .filter(|id| !id.is_empty())
    });
    mail.from = fields.mailboxes("from").into_iter().next();
    mail.to = fields.mailboxes("to");
    mail.cc = fields.mailboxes("cc");
    mail.sender = fields.mailboxes("sender").into_iter().next();
    mail.reply_to = fields.mailboxes("reply-to");
    mail.subject = fields
        .text("subject")
        .map(|s| s.chars().take(limits::SUBJECT_CHARS).collect())
        .unwrap_or_default();
    mail.in_reply_to = fields.bracketed_ids("in-reply-to");
    mail.references = fields.bracketed_ids("references");
    mail.maybe_in_reply_to = fields.bare_ids("in-reply-to");
    mail.maybe_in_reply_to.extend(fields.bare_ids("references"));
    if let Some((date, offset)) = fields.instant("date") {
        mail.date = Some(date);
        mail.date_offset_minutes = offset;
    } else if fields.has("date") {
        mail.errors.push("The Date field cannot be read.".into());
    }
    if mail.from.is_none() {
        mail.errors.push("Nobody is named in From.".into());
    }
    let id = fields
        .text("list-id")
        .map(|text| match (text.rfind('<'), text.rfind('>')) {
            (Some(open), Some(close)) if open < close => text[open + 1..close].trim().to_owned(),
            _ => text,
        });
    let post = fields.text("list-post").and_then(|text| {
        let rest = &text[text.find("mailto:")? + 7..];
        Some(rest[..rest.find(['>', '?', ' ']).unwrap_or(rest.len())].to_owned())
    });
    if id.is_some() || post.is_some() {
        mail.list = Some(ListHeaders { id, post });
    }
    mail.languages = languages(fields);
    mail.thread_index = fields.text("thread-index");
    mail.thread_topic = fields.text("thread-topic");
    mail.x_original_from = fields.mailboxes("x-original-from").into_iter().next();
    mail.x_original_sender = fields.mailboxes("x-original-sender").into_iter().next();
    let noted = ["delivered-to", "x-original-to", "envelope-to"]
        .iter()
        .flat_map(|name| fields.every(name));
    for value in noted.take(limits::RECIPIENTS) {
        let address = charset::header_text(value, None).trim_matches(['<', '>']).to_owned();
        if !address.is_empty() && !mail.delivered_to.contains(&address) {
            mail.delivered_to.push(address);
        }
    }
}

/// Language tags (RFC 3282) without their weights; programs write the one they run in.
fn languages(fields: &Fields<'_>) -> Vec<String> {
    let said = ["content-language", "accept-language"];
    let said: Vec<String> = said.iter().filter_map(|name| fields.text(name)).collect();
    let tags = said.iter().flat_map(|text| text.split(','));
    let tags = tags.map(|tag| tag.split(';').next().unwrap_or_default().trim().to_owned());
    tags.filter(|tag| (2..=35).contains(&tag.len()))
        .take(limits::LANGUAGES)
        .collect()
}

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

fn read_body(mail: &mut Understood, outline: &Outline<'_>) {
    let roles = roles(outline);
    let mut own = String::new();
    let mut inner = String::new();
    for (index, (part, role)) in outline.parts.iter().zip(&roles).enumerate() {
        match role {
            Role::Text => append(&mut own, &text_of(mail, outline, part)),
            Role::InnerText => append(&mut inner, &text_of(mail, outline, part)),
            Role::File if mail.attachments.len() < limits::ATTACHMENTS => {
                let attached = describe(mail, outline, index);
                if attached.content_type == "message/rfc822" && part.shape == Shape::Leaf {
                    append(&mut inner, &encoded_message_text(mail, outline, part));
                }
                mail.attachments.push(attached);
            }
            Role::File | Role::Twin | Role::Nothing => {}
        }
    }
    mail.body_text = if own.trim().is_empty() { inner } else { own };
}

/// A message that was encoded as a whole (RFC 2045 forbids it, some do it): its own text, one level at a time.
fn encoded_message_text(mail: &mut Understood, outline: &Outline<'_>, part: &Part<'_>) -> String {
    let mut bytes = content(outline, part).0;
    for _ in 0..limits::NESTED_MESSAGES {
        let inner = limit::outline(&bytes);
        let deeper = inner
            .parts
            .iter()
            .find(|p| p.shape == Shape::Leaf && p.media.is("message", "rfc822"));
        if let Some(deeper) = deeper {
            let next = content(&inner, deeper).0;
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

fn append(text: &mut String, more: &str) {
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
fn content(outline: &Outline<'_>, part: &Part<'_>) -> (Vec<u8>, bool) {
    decoded(outline.body(part), part)
}

fn decoded(body: &[u8], part: &Part<'_>) -> (Vec<u8>, bool) {
    match part.fields.transfer_encoding() {
        TransferEncoding::Identity => (body.to_vec(), false),
        TransferEncoding::QuotedPrintable => (decode::quoted_printable(body), false),
        TransferEncoding::Uuencode => (decode::uuencoded(body), false),
        TransferEncoding::Base64 => match decode::base64(body) {
            (decoded, true) => (decoded, false),
            // A length that base64 cannot have: it is something else, kept without the line ends of the transport.
            (_, false) => (
                body.iter().filter(|b| !matches!(b, b'\r' | b'\n')).copied().collect(),
                true,
            ),
        },
    }
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
    if text.contains(['\r', '\0']) {
        text = text.replace("\r\n", "\n").replace('\r', "\n").replace('\0', "");
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

fn describe(mail: &mut Understood, outline: &Outline<'_>, index: usize) -> Attachment {
    let part = &outline.parts[index];
    let (bytes, broken) = content(outline, part);
    let name = file_name(part);
    if broken {
        let shown = name.as_deref().unwrap_or("without a name");
        mail.errors
            .push(format!("The attachment {shown:?} is not the base64 it claims to be."));
    }
    Attachment {
        name,
        content_type: part.media.essence(),
        size: bytes.len() as u64,
        sha256: HEXLOWER.encode(&Sha256::digest(&bytes)),
        part: index,
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
    let base = said.rsplit(['/', '\\']).next().unwrap_or(said);
    let clean: String = base
        .chars()
        .filter(|c| !c.is_control())
        .take(limits::FILE_NAME_CHARS)
        .collect();
    let clean = clean.trim();
    (!clean.is_empty()).then(|| clean.to_owned())
}
