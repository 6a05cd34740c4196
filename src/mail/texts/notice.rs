//! Text H: what engineers get by mail, and what they can answer (UX.md §2.2 H, §2.3).
//!
//! One notice an event that needs this engineer, else one digest in the morning. Every notice says who reads an answer to
//! it, before anybody answers. These words are for our own people: they may name commands.

use super::{Lines, NAME_CHARS, SENTENCE_CHARS, To};
use crate::desk::outbox::DigestRow as Row;
use crate::mail::compose::Section;
use crate::speech::clip;
use jiff::Timestamp;

/// Why an engineer gets a notice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why<'a> {
    /// The customer wrote.
    Wrote,
    /// The wake time came.
    Woken,
    /// Their reply came back or was refused for good.
    Failed,
    /// They asked for the next case; why this one.
    Next(&'a str),
}

/// A notice about one case.
#[derive(Debug, Clone, Copy)]
pub struct Notice<'a> {
    /// See [`Why`].
    pub why: Why<'a>,
    /// Who wrote to us.
    pub who: &'a str,
    /// Their organisation.
    pub customer: &'a str,
    /// How many others get an answer.
    pub others: u64,
    /// 1 to 4.
    pub severity: i64,
    /// Earliest promise that is open.
    pub due: Option<Timestamp>,
    /// The customer's newest words.
    pub words: &'a str,
}

/// The subject of a notice.
pub fn subject(to: &To) -> String {
    to.speech.say(
        "h-subject",
        &[("case", (&to.case()).into()), ("subject", (&to.subject()).into())],
    )
}

/// A notice: why, the promise, the customer's words, and who reads an answer.
pub fn notice(to: &To, n: &Notice) -> Vec<Section> {
    let speech = to.speech;
    let mut lines = Lines::new(to);
    let (who, customer) = (clip(n.who, NAME_CHARS), clip(n.customer, NAME_CHARS));
    match n.why {
        Why::Wrote => lines.say("h-wrote", &[("who", (&who).into()), ("customer", (&customer).into())]),
        Why::Woken => lines.say("h-woken", &[]),
        Why::Failed => lines.say("h-failed", &[("who", (&who).into())]),
        Why::Next(why) => lines.say("h-next", &[("why", (&clip(why, SENTENCE_CHARS)).into())]),
    }
    lines.empty();
    let due = n.due.map_or_else(String::new, |due| {
        let ahead = speech
            .ahead(due, to.now)
            .map_or_else(String::new, |ahead| format!(" · {ahead}"));
        format!("{}{ahead}", to.full(due))
    });
    lines.table(&[
        (speech.say("h-label-reply", &[]), due),
        (speech.say("h-label-customer", &[]), format!("{who}, {customer}")),
        (speech.say("h-label-severity", &[]), n.severity.to_string()),
    ]);
    lines.empty();
    lines.quote(n.words);
    let values = [
        ("who", (&who).into()),
        ("customer", (&customer).into()),
        ("others", n.others.into()),
    ];
    lines.say("h-foot", &values);
    lines.say("h-foot-note", &[]);
    lines.sections()
}

/// What a morning's digest tells.
#[derive(Debug, Clone, Copy, Default)]
pub struct Digest<'a> {
    /// Promises of this engineer's cases until the end of the day.
    pub promises: &'a [Row],
    /// Those of them, and of cases that nobody has, that are due soon or overdue.
    pub risk: &'a [Row],
    /// Customers whom this engineer waits for.
    pub waiting: &'a [Row],
    /// Cases that are ready and that nobody has.
    pub ready: u64,
}

/// The subject of a digest.
pub fn digest_subject(to: &To) -> String {
    let day = to.time(to.now);
    // Without the clock: a digest is of a day.
    let day = day.rsplit_once(',').map_or(day.as_str(), |(day, _)| day);
    to.speech.say(
        "h-digest-subject",
        &[("desk", (&to.desk()).into()), ("day", day.into())],
    )
}

/// The morning's digest.
pub fn digest(to: &To, digest: &Digest) -> Vec<Section> {
    let mut lines = Lines::new(to);
    let name = clip(to.name, NAME_CHARS);
    let first = name.split(' ').next().unwrap_or_default();
    lines.say("h-digest-good-morning", &[("name", first.into())]);
    lines.empty();
    match digest.promises.is_empty() {
        true => lines.say("h-digest-none", &[]),
        false => rows(&mut lines, "h-digest-promises", digest.promises),
    }
    if !digest.risk.is_empty() {
        lines.empty();
        rows(&mut lines, "h-digest-risk", digest.risk);
    }
    if !digest.waiting.is_empty() {
        lines.empty();
        rows(&mut lines, "h-digest-waiting", digest.waiting);
    }
    lines.empty();
    lines.say("h-digest-ready", &[("count", digest.ready.into())]);
    lines.machine();
    lines.sections()
}

fn rows(lines: &mut Lines<'_, '_>, head: &str, rows: &[Row]) {
    lines.say(head, &[]);
    lines.empty();
    for row in rows {
        let to = lines.to;
        let (case, time) = (row.case.to_string(), to.time(row.at));
        let subject = clip(&row.subject, super::SUBJECT_CHARS);
        let values = [
            ("case", (&case).into()),
            ("time", (&time).into()),
            ("subject", (&subject).into()),
        ];
        let said = to.speech.say("h-row", &values);
        lines.line(&format!("    {said}"));
    }
}

/// What became of a mailed command.
#[derive(Debug, Clone, Copy)]
pub enum Outcome<'a> {
    /// It was done; `undo` until then where it can be taken back.
    Done {
        /// What was done, in the desk's words.
        said: &'a str,
        /// Until when `#undo` takes it back, if it does.
        undo: Option<Timestamp>,
    },
    /// Nothing was done.
    Refused {
        /// Why, and what to do.
        why: &'a str,
    },
}

/// The subject of the answer to a command.
pub fn outcome_subject(to: &To, done: bool) -> String {
    let id = if done { "h-done-subject" } else { "h-refused-subject" };
    to.speech.say(id, &[("subject", (&to.subject()).into())])
}

/// The answer to a command: two lines.
pub fn outcome(to: &To, outcome: &Outcome) -> Vec<Section> {
    let mut lines = Lines::new(to);
    match outcome {
        Outcome::Done { said, undo } => {
            lines.say("h-done", &[("said", (*said).into())]);
            if let Some(until) = undo {
                lines.say("h-undo-until", &[("time", (&to.time(*until)).into())]);
            }
        }
        Outcome::Refused { why } => lines.say("h-refused", &[("why", (*why).into())]),
    }
    lines.sections()
}
