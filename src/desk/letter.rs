//! A letter as plain data: who speaks to whom about what, with the facts that its text needs.
//!
//! It is stored in the outbox in the transaction of its cause and composed when its turn has come: the words are the mail
//! door's, and the same row makes the same letter every time. What older versions of the desk wrote can still be read.

use super::negotiation::What;
use super::reply;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Everything that one letter needs, as plain data.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Letter {
    /// Who speaks: a person, or the desk.
    pub from_name: String,
    /// The signed address that answers come back to.
    pub from: String,
    /// Where answers go instead: an engineer's personal address. Such letters are for our own people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply_to: Option<String>,
    /// The calendar entry that goes with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calendar: Option<super::invitation::Invite>,
    /// Visible recipients.
    pub to: Vec<String>,
    /// Visible copies.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cc: Vec<String>,
    /// The customer's own subject, or ours where there is none.
    pub subject: String,
    /// Whether the subject gets its one `Re:`.
    pub is_reply: bool,
    /// The message answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub in_reply_to: Option<String>,
    /// Its known chain, root first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub chain: Vec<String>,
    /// Outlook's thread position and name, echoed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thread_index: Option<String>,
    /// See `thread_index`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thread_topic: Option<String>,
    /// Zone in which times are said.
    pub zone: String,
    /// Language in which it is written; rows of before there were several have none.
    #[serde(default)]
    pub language: String,
    /// Case number that the letter names.
    pub case: i64,
    /// What it says.
    pub content: Content,
}

/// A file that goes in a letter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Enclosed {
    /// Name of the upload that it is.
    pub key: String,
    /// Its own name.
    pub name: String,
    /// How many bytes.
    pub bytes: u64,
}

/// What a letter says; the words are the mail door's.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "letter", rename_all = "kebab-case")]
pub enum Content {
    /// Text A: arrived, and when the reply comes.
    Acknowledgement {
        /// How the customer is greeted.
        name: String,
        /// What arrived.
        subject: String,
        /// Files that came with it.
        files: usize,
        /// Their decoded size in bytes.
        bytes: u64,
        /// By when the reply comes.
        due: Timestamp,
        /// Who it comes from.
        by: String,
        /// It began with `urgent:`.
        #[serde(default)]
        urgent: bool,
        /// Where they send large files; none where the desk has no page to link to.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        upload: Option<String>,
        /// Where they ask for another time.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        time: Option<String>,
        /// It is later than the target: the earliest time that can be kept.
        #[serde(default)]
        later: bool,
        /// The target stands and cannot be held: this time is offered.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        offered: Option<(Timestamp, Option<Choices>)>,
    },
    /// Text B: an engineer's reply.
    Reply {
        /// The engineer's own words.
        text: String,
        /// What happens next.
        next: reply::Next,
        /// The engineer's name.
        name: String,
        /// The mail answered: when, who, words.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        quoted: Option<(Timestamp, String, String)>,
        /// Files that go in the letter itself.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        files: Vec<Enclosed>,
        /// Where its reader says that it did not help.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        no_link: Option<String>,
        /// The reader's page of the case.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        page: Option<String>,
    },
    /// Text G: we did not do what we said.
    Broken {
        /// How the customer is greeted.
        name: String,
        /// What was said.
        said: Timestamp,
        /// The earliest new time.
        due: Timestamp,
        /// The lead, who may better it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        lead: Option<String>,
    },
    /// Text C and its echoes: another time is offered, asked for, agreed or not.
    Step {
        /// Which of them.
        what: What,
        /// How the reader is greeted.
        name: String,
        /// Whose word it was, where the reader is somebody else of the case.
        #[serde(default)]
        who: String,
        /// The time that stands, or stood.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        due: Option<Timestamp>,
        /// The time offered or agreed.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        at: Option<Timestamp>,
        /// The time that the customer asked for.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        wish: Option<Timestamp>,
        /// A sentence of ours, or the words that were not understood.
        #[serde(default)]
        words: String,
        /// What is safe meanwhile.
        #[serde(default)]
        meanwhile: String,
        /// The lead who decides.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        lead: Option<String>,
        /// Until when somebody answers.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        until: Option<Timestamp>,
        /// The reader can answer it.
        #[serde(default)]
        answers: bool,
        /// Links with which they do; none where the desk has no page to link to.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        choices: Option<Choices>,
        /// Link that takes it back, and until when.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        undo: Option<(String, Timestamp)>,
    },
    /// Text I: the sender is not verified; nothing of theirs is quoted.
    Unverified {
        /// The held message that the button of the letter releases; none where the desk has no page to link to.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        mail: Option<i64>,
    },
    /// Text D: we wait for the customer.
    Reminder {
        /// How the customer is greeted.
        name: String,
        /// Until when the case is kept open.
        until: Timestamp,
        /// Our last mail: when, who, words.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        quoted: Option<(Timestamp, String, String)>,
    },
    /// Text E: the case waits for somebody who is not the customer.
    HandedOn {
        /// How the customer is greeted.
        name: String,
        /// engineering, upstream, lab or date.
        party: String,
        /// The engineer's words for the customer.
        words: String,
        /// By when the next word comes.
        next_word: Timestamp,
        /// The engineer's name.
        by: String,
    },
    /// Text F: the case is closed.
    Closed {
        /// How the customer is greeted.
        name: String,
        /// Until when we waited; none where somebody closed it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        waited_until: Option<Timestamp>,
        /// How it ended.
        #[serde(default)]
        resolution: String,
        /// What somebody wrote down of it for the customer.
        #[serde(default)]
        summary: String,
    },
    /// To our own people.
    Note {
        /// The words.
        text: String,
    },
    /// Text H: something needs this engineer.
    Notice {
        /// wrote, woken, failed or next.
        why: String,
        /// Why this case is the next.
        #[serde(default)]
        detail: String,
        /// Who wrote to us.
        who: String,
        /// Their organisation.
        customer: String,
        /// How many others get an answer.
        others: u64,
        /// 1 to 4.
        severity: i64,
        /// Earliest promise that is open.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        due: Option<Timestamp>,
        /// The customer's newest words.
        words: String,
    },
    /// Text H: the morning's digest.
    Digest {
        /// The engineer.
        name: String,
        /// Promises of today.
        promises: Vec<DigestRow>,
        /// Close to their due, or overdue.
        risk: Vec<DigestRow>,
        /// Customers whom the engineer waits for.
        waiting: Vec<DigestRow>,
        /// Cases that are ready and that nobody has.
        ready: u64,
    },
    /// What a mailed command did.
    Done {
        /// In the desk's words.
        said: String,
        /// Until when `#undo` takes it back.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        undo: Option<Timestamp>,
    },
    /// A mailed command did nothing.
    Refused {
        /// Why, and what to do.
        why: String,
    },
}

/// The links of an offer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Choices {
    /// Accepts it, once.
    pub yes: String,
    /// Asks for another time.
    pub other: String,
    /// Keeps the old time.
    pub keep: String,
}

impl Content {
    /// The time that the letter promises to its reader.
    pub fn promised(&self) -> Option<Timestamp> {
        match self {
            Content::Acknowledgement { due, .. } | Content::Broken { due, .. } => Some(*due),
            Content::Step {
                what: What::Agreed | What::Fine | What::Worse | What::Disputed,
                at,
                ..
            } => *at,
            Content::Step { due, .. } => *due,
            Content::HandedOn { next_word, .. } => Some(*next_word),
            Content::Reply {
                next: reply::Next::Owe(due),
                ..
            } => Some(*due),
            _ => None,
        }
    }
}

/// A case in a digest.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct DigestRow {
    /// Number.
    pub case: i64,
    /// Due or wake time.
    pub at: Timestamp,
    /// Subject.
    pub subject: String,
}
