//! Understanding one mail: from raw bytes to a bounded, plain structure.
//!
//! Promises: [`understand`] never fails and never panics; whatever cannot be read is missing and named in `errors`.
//! Everything is bounded by [`limits`], so the result of any mail fits in memory. Leaves out: who may be believed
//! (`verify`), where the mail belongs (`thread`), and the bytes of attachments, which [`attachment`] takes from the raw
//! mail again when they are wanted. How the text is found among the parts stands in `body.rs`.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::limits;
use crate::mail::auto::{self, Auto, Bounce};
use crate::mail::body::{self, read_body};
use crate::mail::calendar::Calendar;
use crate::mail::forward::{self, Forwarded};
use crate::mail::header::Fields;
use crate::mail::limit::{self, Outline};
use crate::mail::seal::{self, Keyring, Seal};
use crate::mail::{charset, mark, quote};

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
    /// What only the HTML rendition says, where there are two.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub beside: String,
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
    /// The mail that was passed on with this one, where it is a forward. A claim, no authority.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub forwarded: Option<Forwarded>,
    /// Signatures and encryption, outermost first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub seals: Vec<Seal>,
    /// What the calendar part says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calendar: Option<Calendar>,
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
    /// Which part of the mail it is in.
    pub part: usize,
    /// The way further in, where the part is a wrapping that was opened: the how-manieth thing at each step.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub inside: Vec<usize>,
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

/// Understands a mail without any keys. Any bytes will do.
pub fn understand(raw: &[u8]) -> Understood {
    understand_with(raw, &Keyring::default())
}

/// Understands a mail; what is sealed is opened and judged by the keys.
pub fn understand_with(raw: &[u8], keys: &Keyring) -> Understood {
    let bytes = limit::with_line_feeds(raw);
    let outline = limit::outline(&bytes);
    let fields = &outline.parts[0].fields;
    let mut mail = Understood {
        errors: outline.notes.clone(),
        ..Understood::default()
    };
    read_header(&mut mail, fields);
    read_content(&mut mail, &outline, keys);
    let words = mail.body_text.clone();
    let mut lines = mark::hints(&words);
    let parts = quote::split_lines(&lines);
    mail.new_text = parts.new_text;
    mail.signature = parts.signature;
    mail.quoted_text = parts.quoted_text;
    body::append(&mut mail.body_text, &mail.beside);
    auto::judge(&mut mail, &outline);
    if matches!(mail.auto, Auto::No | Auto::List) {
        if !mail.beside.is_empty() {
            while lines.pop_if(|line| line.is_blank()).is_some() {}
            lines.push(mark::hint(""));
            lines.extend(mark::hints(&mail.beside));
        }
        mail.forwarded = forward::find_in_lines(&mail.subject, &lines).or_else(|| body::passed_on(&mail, &outline));
    }
    mail.errors.truncate(limits::NOTES);
    mail
}

/// Text and files, through the seals around them.
fn read_content(mail: &mut Understood, outline: &Outline<'_>, keys: &Keyring) {
    let from = mail.from.as_ref().map(|from| from.address.clone()).unwrap_or_default();
    read_layer(mail, outline, &mut Vec::new(), &from, keys);
    if mail.seals.is_empty()
        && let Some((words, seals)) = seal::open_words(&mail.body_text, &from, keys)
    {
        mail.body_text = words;
        mail.seals = seals;
    }
}

/// One layer of a mail; `way` leads to it. The depth is bounded: each turn opens a seal.
fn read_layer(mail: &mut Understood, outline: &Outline<'_>, way: &mut Vec<usize>, from: &str, keys: &Keyring) {
    let found = seal::find(outline).filter(|_| way.len() < limits::SEALS);
    let Some((wrapping, sealed)) = found else {
        return read_body(mail, outline, way);
    };
    let (seals, content) = seal::open(outline, sealed, from, keys);
    mail.seals.extend(seals);
    mail.seals.truncate(limits::SEALS * 2);
    let Some(content) = content else {
        return read_body(mail, outline, way);
    };
    let mut beside = String::new();
    if wrapping != 0 {
        // What a list put around it; the sealed part itself stands there as a file.
        read_body(mail, outline, way);
        beside = std::mem::take(&mut mail.body_text);
    }
    let bytes = limit::with_line_feeds(&content);
    let inner = limit::outline(&bytes);
    mail.errors.extend(inner.notes.iter().cloned());
    // The subject that was meant, where the one outside was hidden (RFC 9788).
    let hidden = matches!(mail.subject.trim(), "" | "..." | "[...]" | "Encrypted Message");
    if let Some(meant) = inner.parts[0].fields.text("subject").filter(|_| hidden) {
        mail.subject = meant.chars().take(limits::SUBJECT_CHARS).collect();
    }
    way.push(sealed.part());
    read_layer(mail, &inner, way, from, keys);
    way.pop();
    body::append(&mut mail.body_text, &beside);
}

/// The decoded bytes of an attachment; `None` if the mail has no such part. What was sealed needs the keys again.
pub fn attachment(raw: &[u8], attached: &Attachment, keys: &Keyring) -> Option<Vec<u8>> {
    let mut outlined = limit::with_line_feeds(raw).into_owned();
    let mut way: Vec<usize> = std::iter::once(attached.part)
        .chain(attached.inside.iter().copied())
        .collect();
    for _ in 0..limits::SEALS {
        let outline = limit::outline(&outlined);
        let inner = match seal::find(&outline) {
            Some((_, sealed)) if way.len() > 1 && sealed.part() == way[0] => seal::open(&outline, sealed, "", keys).1,
            _ => None,
        };
        let Some(inner) = inner else {
            return body::bytes_of(&outline, &way);
        };
        way.remove(0);
        outlined = limit::with_line_feeds(&inner).into_owned();
    }
    None
}

/// Hands over every attachment of a mail in order, with its decoded bytes; none where the mail has no such part. As
/// [`attachment`] for each, without reading the mail anew for every one.
pub(crate) fn each_attachment(
    raw: &[u8],
    keys: &Keyring,
    mut each: impl FnMut(usize, &Attachment, Option<&[u8]>) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let mail = understand_with(raw, keys);
    let plain = limit::with_line_feeds(raw);
    let outline = limit::outline(&plain);
    let sealed = seal::find(&outline).map(|(_, sealed)| sealed.part());
    for (place, attached) in mail.attachments.iter().enumerate() {
        let bytes = if sealed == Some(attached.part) && !attached.inside.is_empty() {
            attachment(raw, attached, keys)
        } else {
            let way: Vec<usize> = std::iter::once(attached.part)
                .chain(attached.inside.iter().copied())
                .collect();
            body::bytes_of(&outline, &way)
        };
        each(place, attached, bytes.as_deref())?;
    }
    Ok(())
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
