//! A mail as the desk needs it: plain data, without MIME. The mail door writes it, the domain reads it.

use super::Bounce;
use super::clip_bytes;
use crate::desk::address::Entry;
use crate::desk::command;
use crate::desk::likeness::Marks;
use crate::desk::negotiation::hear;
use crate::desk::origin::Origin;
use crate::limits;
use crate::store::Words;
use jiff::Timestamp;
use plan::Severity;
use serde::{Deserialize, Serialize};
use std::sync::{Arc, OnceLock};

/// A mail as the desk needs it: what the mail door understood, without MIME.
#[derive(Debug, Clone, Default)]
pub struct Incoming {
    /// Number of its raw bytes.
    pub raw: i64,
    /// When it was received.
    pub received_at: Timestamp,
    /// Who wrote it; behind "via" the original author. Empty where nothing could be read.
    pub address: String,
    /// Their name as they write it.
    pub name: Option<String>,
    /// Return path.
    pub envelope_from: String,
    /// Envelope recipients and addressed people: where a signed reply address may stand.
    pub recipients: Vec<String>,
    /// People named in To and Cc: name and address.
    pub copies: Vec<(Option<String>, String)>,
    /// Its own Message-ID, without brackets.
    pub message_id: Option<String>,
    /// `References` and `In-Reply-To`, root first, without brackets.
    pub chain: Vec<String>,
    /// What looks like such IDs but stands without brackets: an offer, never a join.
    pub maybe_chain: Vec<String>,
    /// The customer's own subject.
    pub subject: String,
    /// Newly written words.
    pub text: String,
    /// Quotes, signature, footers: shown folded.
    pub folded: String,
    /// What automatic mail it is.
    pub auto: Auto,
    /// The list that the desk serves through which it came.
    pub served_list: Option<String>,
    /// A permanent or passing bounce of one of our mails: its Message-ID, and whether it is permanent.
    pub bounce: Option<Bounce>,
    /// Offset of its `Date` header, as a zone.
    pub mail_zone: Option<String>,
    /// What its first lines ask, if it came to an engineer's personal address.
    pub asked: Option<command::Asked>,
    /// The language it is written in, a tag of the catalogue; none where nothing says so.
    pub language: Option<String>,
    /// The rest that screens show.
    pub facts: Facts,
    /// What the address it was sent to says of a new case.
    pub entry: Entry,
    /// The severity of a new case, where it is known otherwise than from the words.
    pub severity: Option<Severity>,
    /// Taken only to be seen (a mailbox in shadow mode): no promise, no letter, nothing wakes.
    pub shadow: bool,
    /// Words of it that decide something about a promised time.
    pub wish: Option<hear::Asked>,
    /// Why it could not be understood, if so.
    pub trouble: Option<String>,
    /// See [`Incoming::worked_out`]; empty wherever words, subject or author are set.
    pub worked_out: OnceLock<Arc<WorkedOut>>,
}

/// What follows from the words of a mail alone.
#[derive(Debug)]
pub struct WorkedOut {
    /// What it is found by: its words, its author's name and address.
    pub index: Words,
    /// What it is compared by.
    pub marks: Marks,
}

impl Incoming {
    /// What follows from its words alone, worked out at the first use. The mail door asks before it gives a mail to the
    /// writer, for which everybody waits.
    pub fn worked_out(&self) -> &WorkedOut {
        self.worked_out.get_or_init(|| {
            Arc::new(WorkedOut {
                index: self.index(),
                marks: Marks::of(&self.subject, &self.text, &self.folded),
            })
        })
    }

    pub(super) fn index(&self) -> Words {
        let mut words = String::with_capacity(self.subject.len() + self.text.len().min(limits::INDEX_BYTES) + 80);
        // Whoever wrote it is found as well, by name and address.
        for part in [self.subject.as_str(), self.author(), self.address.as_str()] {
            words.push_str(part);
            words.push('\n');
        }
        words.push_str(clip_bytes(&self.text, limits::INDEX_BYTES));
        Words::of(&words)
    }

    /// Its author's name; the address where they give none.
    pub(super) fn author(&self) -> &str {
        self.name
            .as_deref()
            .filter(|name| !name.is_empty())
            .unwrap_or(&self.address)
    }
}

/// What automatic mail a mail is (RFC 3834, RFC 3464, RFC 2919).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Auto {
    /// A person wrote it to us.
    #[default]
    No,
    /// It came through a list.
    List,
    /// Out of office and the like.
    Replied,
    /// A machine wrote it.
    Generated,
    /// A delivery status notification.
    Bounce,
}

impl Auto {
    /// As it stands in the table and in `mail inspect`.
    pub fn text(self) -> &'static str {
        match self {
            Auto::No => "no",
            Auto::List => "list",
            Auto::Replied => "auto-replied",
            Auto::Generated => "auto-generated",
            Auto::Bounce => "bounce",
        }
    }
}

/// What screens show beside the words.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Facts {
    /// `To`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub to: Vec<String>,
    /// `Cc`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cc: Vec<String>,
    /// Files.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<File>,
    /// What it carries beside its words, in sentences: signatures, encryption, invitations, forwards.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub remarks: Vec<String>,
    /// What was wrong with the mail, in words.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<String>,
    /// Outlook's thread position, echoed in replies.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thread_index: Option<String>,
    /// Outlook's thread name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thread_topic: Option<String>,
    /// The served list through which it came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub list: Option<String>,
    /// A message with the same Message-ID that is not the same mail: it looks like a repeat, and is kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub looks_like: Option<i64>,
    /// A case that a person may merge this one into.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offer: Option<i64>,
    /// Why it is offered, as half a sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offer_why: Option<String>,
    /// Where its author asks for answers (`Reply-To`), in the domain they write from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer_to: Option<String>,
    /// `Date` header, RFC 3339: shown, never counted with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub date: Option<String>,
    /// The time that its author asks for, of a mail that waits until somebody vouches for it: asked at its release.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wish: Option<hear::Wish>,
    /// What was found out about its sender; none where nobody looked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<Origin>,
}

/// An attachment, by what is known of it; its bytes are in the raw mail.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct File {
    /// Name as sent.
    pub name: String,
    /// Type as sent.
    pub content_type: String,
    /// Decoded size in bytes.
    pub size: u64,
}
