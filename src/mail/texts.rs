//! The nine texts of our mail to customers (UX.md §2.2 and §4), as functions from plain data to words. Which words a
//! language has for it stands in the [`catalogue`](crate::speech); which paragraphs a text has, and in which order,
//! stands here. What engineers get is in [`notice`].
//!
//! Promised: a time never stands without weekday and zone; no exclamation marks; automatic texts are at most twenty lines
//! once they are wrapped, and say that a machine wrote them. A paragraph is one line here: [`crate::mail::compose`] wraps
//! it. Whatever comes from outside is one clipped line, and a name that could be read as an advertisement is left out: an
//! acknowledgement must not carry a stranger's message to a third person.

mod change;
mod lines;
pub mod notice;

pub use change::{Ask, Changed, changed};

use crate::limits;
use crate::mail::compose::Section;
use crate::speech::Speech;
use crate::speech::{clip, one_line};
use jiff::Timestamp;
use lines::Lines;
use plan::Zone;

/// Longest name that is said.
const NAME_CHARS: usize = 60;
/// Longest subject that is repeated.
const SUBJECT_CHARS: usize = 100;
/// Longest free sentence of ours in a template.
const SENTENCE_CHARS: usize = 600;

/// What every text needs: to whom, about which case, in which language and zone.
#[derive(Clone, Copy)]
pub struct To<'a> {
    /// The language.
    pub speech: Speech,
    /// The contact's name as they write it; empty if unknown.
    pub name: &'a str,
    /// Number of the case.
    pub case: i64,
    /// Its subject, or the subject of the mail that arrived.
    pub subject: &'a str,
    /// The reader's zone.
    pub zone: &'a Zone,
    /// When this is written.
    pub now: Timestamp,
    /// The desk, `Acme Support`.
    pub desk_name: &'a str,
}

impl To<'_> {
    fn time(&self, at: Timestamp) -> String {
        self.speech.time(at, self.zone, self.now)
    }

    fn full(&self, at: Timestamp) -> String {
        self.speech.full(at, self.zone, self.now)
    }

    fn case(&self) -> String {
        self.case.to_string()
    }

    fn subject(&self) -> String {
        match clip(self.subject, SUBJECT_CHARS) {
            empty if empty.is_empty() => self.speech.say("no-subject", &[]),
            subject => subject,
        }
    }

    fn desk(&self) -> String {
        clip(self.desk_name, NAME_CHARS)
    }
}

/// A: what arrived, and the promised time.
#[derive(Debug, Clone, Copy, Default)]
pub struct Arrived<'a> {
    /// Files with it, and their bytes in all.
    pub files: (usize, u64),
    /// By when we reply.
    pub due: Timestamp,
    /// The engineer whom the timetable has for it; none before there is one.
    pub by: Option<&'a str>,
    /// It began with `urgent:`.
    pub urgent: bool,
    /// By when a person reads an answer that begins with `urgent:`; left out where nobody grants a time.
    pub urgent_by: Option<Timestamp>,
    /// The target cannot be held: the time is the earliest that can.
    pub later_than_usual: bool,
    /// The target stands and cannot be held: this time is offered, with the links that answer.
    pub offered: Option<(Timestamp, Option<Ask<'a>>)>,
    /// Page where the time is changed, if the desk has one.
    pub time_link: Option<&'a str>,
    /// Page that takes large files, if the desk has one.
    pub upload_link: Option<&'a str>,
}

/// Text A, the acknowledgement with a promised time.
pub fn acknowledgement(to: &To, a: &Arrived) -> Vec<Section> {
    let speech = to.speech;
    let mut lines = Lines::greeting(to);
    let (subject, size) = (clip(to.subject, SUBJECT_CHARS), speech.size(a.files.1));
    let mut values = vec![("files", (a.files.0 as u64).into()), ("size", (&size).into())];
    if subject.is_empty() {
        lines.say("a-arrived-untitled", &values);
    } else {
        values.push(("subject", (&subject).into()));
        lines.say("a-arrived", &values);
    }
    lines.empty();
    let desk = to.desk();
    let by = a.by.map(|name| clip(name, NAME_CHARS)).filter(|name| !name.is_empty());
    let distance = speech.ahead(a.due, to.now).into_iter();
    let beside: Vec<String> = speech.utc(a.due, to.zone).into_iter().chain(distance).collect();
    lines.table(&[
        (speech.say("a-label-reply", &[]), to.time(a.due)),
        (String::new(), beside.join(" · ")),
        (
            speech.say("label-from", &[]),
            by.clone().unwrap_or_else(|| desk.clone()),
        ),
        (speech.say("label-case", &[]), to.case()),
    ]);
    lines.empty();
    if a.later_than_usual {
        lines.say("a-later-than-usual", &[]);
    }
    if let Some((at, ask)) = &a.offered {
        lines.say("a-offered", &[("time", (&to.full(*at)).into())]);
        lines.say("a-offered-ok", &[]);
        if let Some(ask) = ask {
            lines.line(&format!("    {}", one_line(ask.yes)));
        }
    }
    match a.time_link {
        Some(link) => lines.say("a-change-link", &[("link", (&one_line(link)).into())]),
        None => lines.say("a-change", &[]),
    }
    match (a.urgent, a.urgent_by) {
        (true, _) => lines.say("a-urgent-read", &[]),
        (_, None) => lines.say("a-urgent", &[]),
        (_, Some(at)) => lines.say("a-urgent-by", &[("time", (&to.time(at)).into())]),
    }
    lines.empty();
    if let Some(link) = a.upload_link {
        lines.say("a-large-files", &[("link", (&one_line(link)).into())]);
    }
    lines.say("a-twice", &[]);
    lines.empty();
    match by {
        Some(name) => {
            let first = name.split(' ').next().unwrap_or_default();
            lines.say("a-machine", &[("desk", (&desk).into()), ("by", first.into())]);
        }
        None => lines.say("a-machine-somebody", &[("desk", (&desk).into())]),
    }
    lines.sections()
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

/// Words that are quoted under ours.
#[derive(Debug, Clone, Copy)]
pub struct Quoted<'a> {
    /// When they were written.
    pub at: Timestamp,
    /// Who wrote them.
    pub who: &'a str,
    /// The words, without what they quote themselves.
    pub text: &'a str,
}

/// B: an engineer's reply.
#[derive(Debug, Clone, Copy)]
pub struct Reply<'a> {
    /// The engineer's own words, Markdown.
    pub words: &'a str,
    /// Where we stand, one line; empty if nothing was said.
    pub where_we_stand: &'a str,
    /// Who moves next, and until when.
    pub next: Next,
    /// The engineer's name.
    pub by: &'a str,
    /// The mail answered.
    pub quoted: Option<Quoted<'a>>,
    /// The case's page, if the desk has one.
    pub link: Option<&'a str>,
    /// Page of "this did not help", if the desk has one.
    pub no_link: Option<&'a str>,
}

/// Text B: the engineer's own words, and below them where we stand, who moves next, name, the mail answered.
pub fn reply(to: &To, reply: &Reply) -> Vec<Section> {
    let mut lines = Lines::new(to);
    let (words, signature) = signature_apart(reply.words);
    lines.markdown(words);
    lines.empty();
    let stand = clip(reply.where_we_stand, SENTENCE_CHARS);
    if !stand.is_empty() {
        lines.say("where-we-stand", &[("words", (&stand).into())]);
    }
    match reply.next {
        Next::Owe(at) => lines.say("b-owe", &[("time", (&to.full(at)).into())]),
        Next::WaitUntil(at) => lines.say("b-wait", &[("time", (&to.full(at)).into())]),
        Next::Close => {
            lines.say("b-close", &[]);
            lines.say("reopens", &[]);
        }
        Next::None => {}
    }
    if !stand.is_empty() || reply.next != Next::None {
        lines.empty();
    }
    lines.line(&clip(reply.by, NAME_CHARS));
    lines.empty();
    if let Some(link) = reply.no_link {
        lines.say("b-not-helped", &[("link", (&one_line(link)).into())]);
    }
    if let Some(quoted) = &reply.quoted {
        lines.quoted(quoted, limits::QUOTED_LINES);
    }
    let case = to.case();
    match reply.link {
        Some(link) => lines.say(
            "b-case-link",
            &[("link", (&one_line(link)).into()), ("case", (&case).into())],
        ),
        None => lines.say("b-case", &[("case", (&case).into())]),
    }
    if let Some(signature) = signature {
        lines.empty();
        lines.line(SIGNATURE);
        lines.line(signature.trim_end());
    }
    lines.sections()
}

/// What stands before a signature; mail programs fold away whatever follows it.
const SIGNATURE: &str = "-- ";

/// An engineer's words, and their signature if they end in one: the promise must not stand behind it. What stands in a
/// block of code is no signature.
fn signature_apart(words: &str) -> (&str, Option<&str>) {
    let (mut at, mut code) = (0, false);
    for line in words.split_inclusive('\n') {
        let bare = line.trim_end_matches(['\r', '\n']);
        code ^= bare.trim_start().starts_with("```");
        if bare == SIGNATURE && !code && !words[..at].trim().is_empty() {
            return (&words[..at], Some(&words[at + line.len()..]));
        }
        at += line.len();
    }
    (words, None)
}

/// D: a reminder half-way through a wait for the customer.
#[derive(Debug, Clone, Copy)]
pub struct Reminder<'a> {
    /// What we need and why, one line; empty if it stands in our last mail.
    pub need: &'a str,
    /// Until when the case is kept open.
    pub until: Timestamp,
    /// Our last mail.
    pub quoted: Option<Quoted<'a>>,
}

/// Text D: what we need, until when the case stays open, and that answering later opens it again.
pub fn reminder(to: &To, r: &Reminder) -> Vec<Section> {
    let mut lines = Lines::greeting(to);
    lines.say(
        "d-yours",
        &[("case", (&to.case()).into()), ("subject", (&to.subject()).into())],
    );
    lines.empty();
    let need = clip(r.need, SENTENCE_CHARS);
    match (need.as_str(), &r.quoted) {
        ("", _) => lines.say("d-need-below", &[]),
        (need, _) => lines.say("d-need", &[("words", need.into())]),
    }
    lines.say("d-until", &[("time", (&to.full(r.until)).into())]);
    lines.say("d-later", &[]);
    if let Some(quoted) = &r.quoted {
        lines.empty();
        lines.quoted(quoted, limits::REMINDER_LINES);
        lines.machine_line();
    } else {
        lines.machine();
    }
    lines.sections()
}

/// E: the case waits for somebody of ours, upstream, the lab or a date.
#[derive(Debug, Clone, Copy)]
pub struct HandedOn<'a> {
    /// `engineering`, `upstream`, `lab` or `date`.
    pub party: &'a str,
    /// What was handed over, to whom, with a link if it is public, and the way around it: the engineer's words, Markdown.
    pub words: &'a str,
    /// By when the next word comes, even if there is no news.
    pub next_word: Timestamp,
    /// The engineer's name.
    pub by: &'a str,
}

/// Text E, sent when an engineer chooses it.
pub fn handed_on(to: &To, e: &HandedOn) -> Vec<Section> {
    let mut lines = Lines::greeting(to);
    let (case, subject) = (to.case(), to.subject());
    let values = [
        ("case", (&case).into()),
        ("subject", (&subject).into()),
        ("party", e.party.into()),
    ];
    lines.say("e-handed", &values);
    lines.empty();
    lines.markdown(e.words);
    lines.empty();
    lines.table(&[(to.speech.say("label-next-word", &[]), to.full(e.next_word))]);
    lines.empty();
    lines.say("e-anyway", &[]);
    lines.empty();
    lines.line(&clip(e.by, NAME_CHARS));
    lines.machine();
    lines.sections()
}

/// F: closing.
#[derive(Debug, Clone, Copy)]
pub struct Closing<'a> {
    /// Until when we waited; none where somebody closes now.
    pub waited_until: Option<Timestamp>,
    /// How it ended, a word of [`crate::desk::case::RESOLUTIONS`].
    pub resolution: &'a str,
    /// Cause, fix, and what stays open, as far as somebody wrote it down; empty if nobody did.
    pub summary: &'a str,
    /// Pages of "yes, solved" and "no", if the desk has them.
    pub solved: Option<(&'a str, &'a str)>,
}

/// Text F: problem, how it ended, what stays open, and how to open it again.
pub fn closing(to: &To, c: &Closing) -> Vec<Section> {
    let speech = to.speech;
    let mut lines = Lines::greeting(to);
    let case = to.case();
    match c.waited_until {
        Some(until) => lines.say(
            "f-waited",
            &[("time", (&to.time(until)).into()), ("case", (&case).into())],
        ),
        None => lines.say("f-now", &[("case", (&case).into())]),
    }
    lines.empty();
    let outcome = speech.say(
        "outcome",
        &[("resolution", c.resolution.replace(' ', "-").as_str().into())],
    );
    lines.table(&[
        (speech.say("label-problem", &[]), to.subject()),
        (speech.say("label-outcome", &[]), outcome),
    ]);
    let summary = clip(c.summary, SENTENCE_CHARS);
    if !summary.is_empty() {
        lines.empty();
        lines.say("where-we-stand", &[("words", (&summary).into())]);
    }
    lines.empty();
    lines.say("reopens", &[]);
    if let Some((yes, no)) = c.solved {
        lines.say(
            "f-solved",
            &[("yes", (&one_line(yes)).into()), ("no", (&one_line(no)).into())],
        );
    }
    lines.machine();
    lines.sections()
}

/// G: a broken promise.
#[derive(Debug, Clone, Copy)]
pub struct Broken<'a> {
    /// By when we had said to reply.
    pub said: Timestamp,
    /// The earliest new time that can be kept.
    pub new_time: Timestamp,
    /// The lead's name; empty if the desk named none.
    pub lead: &'a str,
    /// What we changed, one sentence; empty if nothing yet.
    pub changed: &'a str,
}

/// Text G, sent the minute a promise breaks. No excuse.
pub fn broken(to: &To, b: &Broken) -> Vec<Section> {
    let speech = to.speech;
    let mut lines = Lines::greeting(to);
    lines.say("g-said", &[("time", (&to.time(b.said)).into())]);
    lines.empty();
    lines.table(&[
        (speech.say("label-new-time", &[]), to.full(b.new_time)),
        (speech.say("label-case", &[]), to.case()),
    ]);
    lines.empty();
    let lead = clip(b.lead, NAME_CHARS);
    if !lead.is_empty() {
        lines.say("g-lead", &[("lead", (&lead).into())]);
    }
    let changed = clip(b.changed, SENTENCE_CHARS);
    if !changed.is_empty() {
        lines.say("g-changed", &[("words", (&changed).into())]);
    }
    lines.say("g-ledger", &[]);
    lines.machine();
    lines.sections()
}

/// Text I: fixed words, nothing of the sender's quoted, not even a name. `link` is the page with the button.
pub fn not_verified(to: &To, link: Option<&str>) -> Vec<Section> {
    let nobody = To { name: "", ..*to };
    let mut lines = Lines::greeting(&nobody);
    lines.say("i-arrived", &[("case", (&to.case()).into())]);
    lines.empty();
    match link {
        Some(link) => {
            lines.say("i-button", &[]);
            lines.empty();
            lines.line(&format!("    {}", one_line(link)));
            lines.empty();
            lines.say("i-otherwise", &[]);
        }
        None => lines.say("i-person", &[]),
    }
    lines.empty();
    lines.say("i-nothing", &[]);
    lines.machine();
    lines.sections()
}

/// The subject of text I.
pub fn subject_not_verified(speech: Speech, case: i64) -> String {
    speech.say("i-subject", &[("case", (&case.to_string()).into())])
}

#[cfg(test)]
#[path = "texts_tests.rs"]
mod tests;
