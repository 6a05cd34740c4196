//! The words of our mail (UX.md §2.2 and §4), as functions from plain data to text: a catalogue in other languages can
//! take this file's place.
//!
//! Promised: a time never stands without weekday and zone; no exclamation marks; automatic texts are at most twenty lines
//! once they are wrapped, and say that a machine wrote them. A paragraph is one line here: [`crate::mail::compose`] wraps
//! it. Whatever comes from outside is one clipped line, and a name that could be read as an advertisement is left out: an
//! acknowledgement must not carry a stranger's message to a third person. Text C, E and H are not here yet.

use crate::limits;
use crate::mail::compose::{clip, one_line};
use jiff::Timestamp;
use plan::{Zone, say};

/// Longest name that is said.
const NAME_CHARS: usize = 60;
/// Longest subject that is repeated.
const SUBJECT_CHARS: usize = 100;
/// Longest free sentence of ours in a template.
const SENTENCE_CHARS: usize = 600;

/// A: what arrived, and the promised time.
#[derive(Debug, Clone)]
pub struct Acknowledgement<'a> {
    /// The contact's name as they write it; empty if unknown.
    pub greeting_name: &'a str,
    /// Subject of the mail that arrived.
    pub subject: &'a str,
    /// Files with it, and their bytes in all.
    pub files: (usize, u64),
    /// By when we reply.
    pub due: Timestamp,
    /// The customer's zone.
    pub zone: &'a Zone,
    /// When this is written.
    pub now: Timestamp,
    /// The engineer whom the timetable has for it; none before there is one.
    pub by: Option<&'a str>,
    /// Number of the case.
    pub case: i64,
    /// The desk, `Acme Support`.
    pub desk_name: &'a str,
    /// By when a person reads an answer that begins with `urgent:`; left out where nobody grants a time.
    pub urgent_hint: Option<Timestamp>,
    /// The target cannot be held: the time is the earliest that can.
    pub moved_from_target: bool,
    /// Page where the time is changed, if the desk has one.
    pub time_link: Option<&'a str>,
    /// Page that takes large files, if the desk has one.
    pub upload_link: Option<&'a str>,
}

/// Text A, the acknowledgement with a promised time.
pub fn acknowledgement(a: &Acknowledgement) -> String {
    let mut lines = Lines::greeting(a.greeting_name);
    let subject = match clip(a.subject, SUBJECT_CHARS) {
        empty if empty.is_empty() => String::new(),
        subject => format!(" \"{subject}\""),
    };
    lines.paragraph(&format!("your mail{subject} has arrived{}.", files(a.files)));
    lines.empty();
    lines.line(&format!("    We will reply by  {}", say::long(a.due, a.zone, a.now)));
    let utc = say::utc(a.due, a.zone).map_or_else(String::new, |utc| format!("{utc} · "));
    lines.line(&format!("                      {utc}{}", say::about(a.due, a.now)));
    let desk = clip(a.desk_name, NAME_CHARS);
    let by = a.by.map(|name| clip(name, NAME_CHARS)).filter(|name| !name.is_empty());
    lines.line(&format!("    From              {}", by.as_ref().unwrap_or(&desk)));
    lines.line(&format!("    Case              {}", a.case));
    lines.empty();
    if a.moved_from_target {
        lines.paragraph("This is later than our usual time: it is the earliest that we can keep.");
    }
    // The words "time: …" are promised only once the desk understands them: until then a person reads the wish.
    let words = "answer and say which";
    lines.paragraph(&match a.time_link {
        Some(link) => format!(
            "If another time suits you, earlier or later: {} or {words}.",
            one_line(link)
        ),
        None => format!("If another time suits you, earlier or later, {words}."),
    });
    let read = a.urgent_hint.map_or_else(
        || "A person then looks at it first.".to_owned(),
        |hint| format!("A person then reads it by {}.", say::long(hint, a.zone, a.now)),
    );
    lines.paragraph(&format!(
        "If it has become worse (production down), begin your answer with \"urgent:\". {read}"
    ));
    lines.empty();
    let large = a
        .upload_link
        .map_or_else(String::new, |link| format!("Large files: {} ", one_line(link)));
    lines.paragraph(&format!("{large}You do not need to send anything twice."));
    lines.empty();
    let writer = by.map_or_else(
        || "a person".to_owned(),
        |name| name.split(' ').next().unwrap_or_default().to_owned(),
    );
    lines.paragraph(&format!(
        "{desk} · this first line of contact was written by a machine, the reply will be written by {writer}."
    ));
    lines.0
}

/// What happens after a reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// We owe the next word by then.
    Owe(Timestamp),
    /// We wait for the customer until then.
    WaitUntil(Timestamp),
    /// The case is closed with this reply.
    Close,
    /// Nothing is said.
    None,
}

/// The mail that a reply answers.
#[derive(Debug, Clone)]
pub struct Quoted<'a> {
    /// When it was written.
    pub at: Timestamp,
    /// Who wrote it.
    pub who: &'a str,
    /// Its words, without what it quotes itself.
    pub text: &'a str,
}

/// B: what stands below an engineer's own words.
#[derive(Debug, Clone)]
pub struct ReplyFoot<'a> {
    /// Where we stand, one line; empty if nothing was said.
    pub where_we_stand: &'a str,
    /// Who moves next, and until when.
    pub next: Next,
    /// The engineer's name.
    pub name: &'a str,
    /// The customer's zone.
    pub zone: &'a Zone,
    /// When this is written.
    pub now: Timestamp,
    /// The mail answered.
    pub quoted: Option<Quoted<'a>>,
    /// Number of the case.
    pub case: i64,
    /// The case's page, if the desk has one.
    pub link: Option<&'a str>,
    /// Page of "this did not help", if the desk has one.
    pub no_link: Option<&'a str>,
}

/// Text B below the engineer's own words: where we stand, who moves next, name, the mail answered.
pub fn reply_foot(foot: &ReplyFoot) -> String {
    let mut lines = Lines(String::new());
    lines.empty();
    let stand = clip(foot.where_we_stand, SENTENCE_CHARS);
    if !stand.is_empty() {
        lines.paragraph(&format!("Where we stand: {stand}"));
    }
    let said = |at| full(at, foot.zone, foot.now);
    match foot.next {
        Next::Owe(at) => lines.paragraph(&format!(
            "You will hear from us by {}, or sooner if you write.",
            said(at)
        )),
        Next::WaitUntil(at) => lines.paragraph(&format!("We wait for you until {}.", said(at))),
        Next::Close => lines.paragraph(&format!("With this we close the case. {REOPENS}")),
        Next::None => {}
    }
    if !stand.is_empty() || foot.next != Next::None {
        lines.empty();
    }
    lines.paragraph(&clip(foot.name, NAME_CHARS));
    lines.empty();
    if let Some(link) = foot.no_link {
        lines.paragraph(&format!("Did this not help? {} (you get a new time)", one_line(link)));
    }
    if let Some(quoted) = &foot.quoted {
        let who = clip(quoted.who, NAME_CHARS);
        lines.paragraph(&format!("On {}, {who} wrote:", say::stamp(quoted.at, foot.zone)));
        quote(quoted.text, &mut lines);
    }
    lines.paragraph(&match foot.link {
        Some(link) => format!("Whole case: {} · case {}", one_line(link), foot.case),
        None => format!("Case {}", foot.case),
    });
    lines.0
}

const REOPENS: &str = "Answer this mail at any time and the case is open again, with a new promised time.";

/// F: closing after a wait ran out.
#[derive(Debug, Clone)]
pub struct Closing<'a> {
    /// The contact's name; empty if unknown.
    pub greeting_name: &'a str,
    /// Number of the case.
    pub case: i64,
    /// Its subject.
    pub subject: &'a str,
    /// Until when we waited.
    pub waited_until: Timestamp,
    /// Where we stand, one line; empty if nothing was said.
    pub where_we_stand: &'a str,
    /// The customer's zone.
    pub zone: &'a Zone,
    /// When this is written.
    pub now: Timestamp,
    /// The desk.
    pub desk_name: &'a str,
}

/// Text F, written by the desk: the date until which we waited has come, the case is closed as answered.
pub fn closing(c: &Closing) -> String {
    let mut lines = Lines::greeting(c.greeting_name);
    lines.paragraph(&format!(
        "we waited for you until {}, and close case {} now as answered.",
        say::long(c.waited_until, c.zone, c.now),
        c.case
    ));
    lines.empty();
    lines.line(&format!("    Problem    {}", clip(c.subject, SUBJECT_CHARS)));
    let stand = clip(c.where_we_stand, SENTENCE_CHARS);
    if !stand.is_empty() {
        lines.empty();
        lines.paragraph(&format!("Where we stand: {stand}"));
    }
    lines.empty();
    lines.paragraph(REOPENS);
    lines.machine(c.desk_name);
    lines.0
}

/// G: a broken promise.
#[derive(Debug, Clone)]
pub struct Broken<'a> {
    /// The contact's name; empty if unknown.
    pub greeting_name: &'a str,
    /// Number of the case.
    pub case: i64,
    /// By when we had said to reply.
    pub said: Timestamp,
    /// The earliest new time that can be kept.
    pub new_time: Timestamp,
    /// The lead's name; empty if the desk named none.
    pub lead: &'a str,
    /// What we changed, one sentence; empty if nothing yet.
    pub changed: &'a str,
    /// The customer's zone.
    pub zone: &'a Zone,
    /// When this is written.
    pub now: Timestamp,
    /// The desk.
    pub desk_name: &'a str,
}

/// Text G, sent the minute a promise breaks. No excuse.
pub fn broken(b: &Broken) -> String {
    let mut lines = Lines::greeting(b.greeting_name);
    let said = say::long(b.said, b.zone, b.now);
    lines.paragraph(&format!("we said we would reply by {said}. We did not do it."));
    lines.empty();
    lines.line(&format!("    New time   {}", full(b.new_time, b.zone, b.now)));
    lines.line(&format!("    Case       {}", b.case));
    lines.empty();
    let lead = clip(b.lead, NAME_CHARS);
    if !lead.is_empty() {
        lines.paragraph(&format!("{lead} (lead) knows of it and may offer you a better time."));
    }
    let changed = clip(b.changed, SENTENCE_CHARS);
    if !changed.is_empty() {
        lines.paragraph(&format!("What we changed: {changed}"));
    }
    lines.paragraph("The broken promise stays in our ledger. You do not need to write again.");
    lines.machine(b.desk_name);
    lines.0
}

/// D: a reminder half-way through a wait for the customer.
#[derive(Debug, Clone)]
pub struct Reminder<'a> {
    /// The contact's name; empty if unknown.
    pub greeting_name: &'a str,
    /// Number of the case.
    pub case: i64,
    /// Its subject.
    pub subject: &'a str,
    /// What we need and why, one line; empty if it stands in our last mail only.
    pub need: &'a str,
    /// Until when the case is kept open.
    pub until: Timestamp,
    /// The customer's zone.
    pub zone: &'a Zone,
    /// When this is written.
    pub now: Timestamp,
    /// The desk.
    pub desk_name: &'a str,
}

/// Text D, the one reminder: what we need, until when the case stays open, and that answering later opens it again.
pub fn reminder(r: &Reminder) -> String {
    let mut lines = Lines::greeting(r.greeting_name);
    lines.paragraph(&format!(
        "in case {} \"{}\" the next word is yours.",
        r.case,
        clip(r.subject, SUBJECT_CHARS)
    ));
    lines.empty();
    let need = clip(r.need, SENTENCE_CHARS);
    lines.paragraph(&match need.as_str() {
        "" => "What we need stands in our last mail.".to_owned(),
        need => format!("What we need: {need}"),
    });
    lines.paragraph(&format!(
        "We keep the case open until {}.",
        full(r.until, r.zone, r.now)
    ));
    lines.paragraph("If you answer later, it is open again, with a new promised time.");
    lines.machine(r.desk_name);
    lines.0
}

/// I: the sender could not be verified.
#[derive(Debug, Clone)]
pub struct NotVerified<'a> {
    /// Number of the case.
    pub case: i64,
    /// The desk.
    pub desk_name: &'a str,
    /// The page with the button, if the desk has one.
    pub link: Option<&'a str>,
}

/// Text I: fixed words, nothing of the sender's quoted, not even a name.
pub fn not_verified(n: &NotVerified) -> String {
    let mut lines = Lines::greeting("");
    lines.paragraph(&format!(
        "your mail has arrived as case {}. We could not check that it came from you.",
        n.case
    ));
    lines.empty();
    match n.link {
        Some(link) => {
            lines.paragraph("Press the button behind this link and it gets a promised time at once (the button shows that you read this address):");
            lines.line(&format!("    {}", one_line(link)));
            lines.paragraph("Otherwise a person looks at it first.");
        }
        None => lines.paragraph("A person looks at it first; then it gets a promised time."),
    }
    lines.empty();
    lines.paragraph("If you did not write to us, nothing needs to be done.");
    lines.machine(n.desk_name);
    lines.0
}

/// Text under construction.
struct Lines(String);

impl Lines {
    fn greeting(name: &str) -> Lines {
        let hello = match greeting_name(name) {
            Some(name) => format!("Hello {name},\n\n"),
            None => "Hello,\n\n".to_owned(),
        };
        Lines(hello)
    }

    fn line(&mut self, line: &str) {
        self.0.push_str(line);
        self.0.push('\n');
    }

    fn paragraph(&mut self, words: &str) {
        self.line(words);
    }

    fn empty(&mut self) {
        self.0.push('\n');
    }

    /// Rule 8 of the words: machine-written mail says so.
    fn machine(&mut self, desk_name: &str) {
        self.empty();
        self.line(&format!(
            "{} · this mail was written by a machine.",
            clip(desk_name, NAME_CHARS)
        ));
    }
}

/// A name to greet somebody with; `None` where it is none or looks like an address, a link or a sentence.
fn greeting_name(name: &str) -> Option<String> {
    let name = one_line(name);
    let odd = |c: char| matches!(c, '/' | ':' | '@' | '<' | '>' | '"' | '?' | '!' | '\\' | '=') || c.is_ascii_digit();
    let host = name
        .split('.')
        .skip(1)
        .any(|after| after.starts_with(char::is_alphanumeric));
    // "Nair, Priya" is how directories write it.
    let given = name
        .split_once(',')
        .map_or(name.as_str(), |(_, given)| given)
        .trim()
        .to_owned();
    let first = given.split(' ').next().unwrap_or_default();
    let said = if first.chars().count() > 1 && !first.ends_with('.') {
        first.to_owned()
    } else {
        given
    };
    (!said.is_empty() && said.chars().count() <= 40 && !name.contains(odd) && !host).then_some(said)
}

/// `Wednesday 25 November, 10:00 (Berlin), 09:00 UTC`.
fn full(at: Timestamp, zone: &Zone, now: Timestamp) -> String {
    let said = say::long(at, zone, now);
    say::utc(at, zone).map_or(said.clone(), |utc| format!("{said}, {utc}"))
}

/// `, with 2 files (3.1 MB)`.
fn files((count, bytes): (usize, u64)) -> String {
    let size = match bytes {
        0..1_000 => format!("{bytes} bytes"),
        1_000..1_000_000 => format!("{} kB", bytes.div_ceil(1_000)),
        1_000_000..1_000_000_000 => format!("{:.1} MB", bytes as f64 / 1e6),
        _ => format!("{:.1} GB", bytes as f64 / 1e9),
    };
    match count {
        0 => String::new(),
        1 => format!(", with 1 file ({size})"),
        _ => format!(", with {count} files ({size})"),
    }
}

/// The answered mail with quote marks, its first lines only.
fn quote(text: &str, lines: &mut Lines) {
    let text = text.trim_end();
    for line in text.lines().take(limits::QUOTED_LINES) {
        let mark = if line.starts_with('>') || line.is_empty() {
            ">"
        } else {
            "> "
        };
        lines.line(&format!("{mark}{line}"));
    }
    if text.lines().count() > limits::QUOTED_LINES {
        lines.line("> […]");
    }
    lines.empty();
}

#[cfg(test)]
#[path = "texts_tests.rs"]
mod tests;
