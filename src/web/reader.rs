//! Somebody outside who reads a page behind a link: their language, their zone, and the frame of such a page.

use super::layout;
use crate::desk::Desk;
use crate::desk::customer::Contact;
use crate::desk::promise::Promise;
use crate::speech::{Speech, Value, why};
use jiff::Timestamp;
use maud::{Markup, html};
use plan::Zone;

/// Who reads, and when.
pub(super) struct Reader {
    speech: Speech,
    pub(super) zone: Zone,
    pub(super) now: Timestamp,
}

impl Reader {
    /// As the mails choose it: the language and zone of the contact, else those of the desk.
    pub(super) fn of(contact: &Contact, desk: &Desk, now: Timestamp) -> Reader {
        Reader {
            speech: Speech::of(&contact.language_or(desk)),
            zone: contact.zone_or(&desk.zone),
            now,
        }
    }

    /// A text of the catalogue.
    pub(super) fn say(&self, id: &str, values: &[(&'static str, Value<'_>)]) -> String {
        self.speech.say(id, values)
    }

    /// A text with nothing in it.
    pub(super) fn word(&self, id: &str) -> String {
        self.say(id, &[])
    }

    /// A time with its zone, UTC and distance.
    pub(super) fn time(&self, at: Timestamp) -> String {
        let full = self.speech.full(at, &self.zone, self.now);
        match self.speech.ahead(at, self.now) {
            Some(ahead) => format!("{full} · {ahead}"),
            None => full,
        }
    }

    /// A time on a button.
    pub(super) fn short(&self, at: Timestamp) -> String {
        self.speech.time(at, &self.zone, self.now)
    }

    /// By when we reply, and behind it why: one to three sentences out of the numbers of the promise.
    pub(super) fn promised(&self, promise: &Promise) -> Markup {
        let numbers = serde_json::from_str(&promise.why).unwrap_or_default();
        html! {
            p { (self.word("w-reply-by")) " " strong { (self.time(promise.due)) } "." }
            details.why {
                summary { (self.word("w-why")) }
                p { (why::why(self.speech, &numbers, &promise.basis, &self.zone, self.now)) }
            }
        }
    }

    /// How large something is.
    pub(super) fn size(&self, bytes: u64) -> String {
        self.speech.size(bytes)
    }

    /// A whole page in this language.
    pub(super) fn page(&self, title: &str, words: Markup) -> Markup {
        layout::alone_in(self.speech.tag(), &self.word("w-skip"), title, words)
    }
}
