//! Text C and its echoes: another time is offered, asked for, agreed or not. Which paragraphs each has stands here.
//!
//! Promised: the time that stands is in every one of them, in full; an offer says that the old time stands until it is
//! answered; what was heard is repeated back, and can be taken back where it changed something.

use super::lines::Lines;
use super::{NAME_CHARS, SENTENCE_CHARS, To};
use crate::desk::negotiation::What;
use crate::mail::compose::Section;
use crate::speech::{clip, one_line};
use jiff::Timestamp;

/// The three choices of an offer.
#[derive(Debug, Clone, Copy)]
pub struct Ask<'a> {
    /// Page that accepts.
    pub yes: &'a str,
    /// Page with other times.
    pub other: &'a str,
    /// Page that insists on the old time.
    pub keep: &'a str,
}

/// What was said about a promised time.
#[derive(Debug, Clone, Copy)]
pub struct Changed<'a> {
    /// Which text.
    pub what: What,
    /// Whose word it was, where the reader is somebody else; empty otherwise.
    pub who: &'a str,
    /// The time that stands, or stood.
    pub due: Option<Timestamp>,
    /// The time offered or agreed.
    pub at: Option<Timestamp>,
    /// The time that the customer asked for.
    pub wish: Option<Timestamp>,
    /// A sentence of ours, or the words that were not understood.
    pub words: &'a str,
    /// What is safe meanwhile; empty if nothing was said.
    pub meanwhile: &'a str,
    /// The lead who decides.
    pub lead: Option<&'a str>,
    /// Until when somebody answers.
    pub until: Option<Timestamp>,
    /// The reader can answer it.
    pub answers: bool,
    /// Links with which they do.
    pub ask: Option<Ask<'a>>,
    /// Link that takes it back, and until when.
    pub undo: Option<(&'a str, Timestamp)>,
}

/// Text C in all its forms.
pub fn changed(to: &To, c: &Changed) -> Vec<Section> {
    let mut lines = Lines::greeting(to);
    match c.what {
        What::Offered | What::Countered => offered(&mut lines, c),
        What::Agreed => agreed(&mut lines, c),
        What::Asked => asked(&mut lines, c),
        _ => heard(&mut lines, c),
    }
    let who = clip(c.who, NAME_CHARS);
    if !who.is_empty() {
        lines.say("c-who", &[("who", (&who).into())]);
    }
    if let Some((link, until)) = c.undo {
        lines.empty();
        let until = to.time(until);
        lines.say(
            "c-undo",
            &[("link", (&one_line(link)).into()), ("time", (&until).into())],
        );
    }
    lines.machine();
    lines.sections()
}

impl Lines<'_, '_> {
    /// A line of the catalogue with one time in it.
    fn timed(&mut self, id: &str, at: Option<Timestamp>) {
        if let Some(at) = at {
            let time = self.to.full(at);
            self.say(id, &[("time", (&time).into())]);
        }
    }
}

fn offered(lines: &mut Lines, c: &Changed) {
    let to = lines.to;
    match c.wish {
        Some(wish) => {
            let wish = to.full(wish);
            lines.say("c-wished", &[("time", (&wish).into())]);
            lines.say("c-not-honest", &[]);
        }
        None => {
            if let Some(due) = c.due {
                let due = to.time(due);
                lines.say("c-said", &[("time", (&due).into())]);
            }
            let why = clip(c.words, SENTENCE_CHARS);
            let later = c.at > c.due;
            match (why.is_empty(), later) {
                (true, true) => lines.say("c-longer-plain", &[]),
                (true, false) => lines.say("c-sooner-plain", &[]),
                (false, true) => lines.say("c-longer", &[("why", (&why).into())]),
                (false, false) => lines.say("c-sooner", &[("why", (&why).into())]),
            }
        }
    }
    lines.empty();
    if let Some(at) = c.at {
        let label = if c.wish.is_some() {
            "label-earliest"
        } else {
            "label-new-time"
        };
        lines.table(&[
            (to.speech.say(label, &[]), to.full(at)),
            (to.speech.say("label-case", &[]), to.case()),
        ]);
    }
    let meanwhile = clip(c.meanwhile, SENTENCE_CHARS);
    if !meanwhile.is_empty() {
        lines.say("c-meanwhile", &[("words", (&meanwhile).into())]);
    }
    lines.empty();
    lines.say("c-question", &[]);
    choices(lines, c);
    lines.empty();
    match c.due {
        Some(due) => {
            let due = to.time(due);
            lines.say("c-stands-until", &[("time", (&due).into())]);
        }
        None => lines.say("c-stands", &[]),
    }
}

fn choices(lines: &mut Lines, c: &Changed) {
    if !c.answers {
        return;
    }
    let to = lines.to;
    let due = c.due.map_or_else(String::new, |due| to.time(due));
    let say = |id: &str| to.speech.say(id, &[]);
    let keep = to.speech.say("c-label-keep", &[("time", (&due).into())]);
    let lead = c.lead.map(|lead| {
        let lead = clip(lead, NAME_CHARS);
        to.speech.say("c-keep-lead", &[("lead", (&lead).into())])
    });
    let links = c.ask.map_or(["", "", ""], |ask| [ask.yes, ask.other, ask.keep]);
    let rows = [
        (say("c-label-yes"), links[0], say("c-or-ok")),
        (say("c-label-other"), links[1], say("c-or-time")),
        (keep, links[2], lead.unwrap_or_else(|| say("c-or-keep"))),
    ];
    for (label, link, more) in rows {
        lines.line(&format!("    {label}"));
        for line in [one_line(link).as_str(), &more] {
            if !line.is_empty() {
                lines.line(&format!("        {line}"));
            }
        }
    }
}

fn agreed(lines: &mut Lines, c: &Changed) {
    let to = lines.to;
    let (old, new) = (c.due.map(|due| to.time(due)), c.at.map(|at| to.full(at)));
    if let (Some(old), Some(new)) = (old, new) {
        lines.say("c-agreed", &[("old", (&old).into()), ("time", (&new).into())]);
    }
}

fn asked(lines: &mut Lines, c: &Changed) {
    let to = lines.to;
    lines.timed("c-wished", c.wish);
    lines.say("c-not-honest", &[]);
    if let Some(until) = c.until {
        let until = to.time(until);
        match c.lead {
            Some(lead) => {
                let lead = clip(lead, NAME_CHARS);
                lines.say("c-wish-lead", &[("lead", (&lead).into()), ("time", (&until).into())]);
            }
            None => lines.say("c-wish-person", &[("time", (&until).into())]),
        }
    }
    lines.timed("c-old-stands", c.due);
}

/// What was heard, repeated back, and what stands now.
fn heard(lines: &mut Lines, c: &Changed) {
    let words = clip(c.words, SENTENCE_CHARS);
    match c.what {
        What::Fine => lines.timed("c-fine", c.at),
        What::Kept => {
            lines.timed("c-kept", c.at);
            if let Some(lead) = c.lead {
                let lead = clip(lead, NAME_CHARS);
                lines.say("c-kept-lead", &[("lead", (&lead).into())]);
            }
        }
        What::Declined => {
            lines.timed("c-wished", c.wish);
            match words.is_empty() {
                true => lines.say("c-declined", &[]),
                false => lines.say("c-declined-because", &[("why", (&words).into())]),
            }
            lines.timed("c-old-stands", c.due);
        }
        What::Lapsed => {
            lines.timed("c-wished", c.wish);
            lines.say("c-lapsed", &[]);
            lines.timed("c-old-stands", c.due);
        }
        What::Unread => {
            lines.say("c-unread", &[("words", (&words).into())]);
            lines.timed("c-old-stands", c.due);
            lines.say("c-unread-how", &[]);
        }
        What::EntryDeclined => {
            lines.say("c-entry-declined", &[]);
            lines.timed("c-old-stands", c.due);
            lines.say("c-unread-how", &[]);
        }
        What::Worse => lines.timed("c-worse", c.at),
        What::Disputed => {
            lines.timed("c-disputed", c.due);
            lines.timed("c-next", c.at);
        }
        What::Unneeded => lines.say("c-unneeded", &[]),
        _ => {
            lines.say("c-undone", &[]);
            lines.timed("c-old-stands", c.due);
        }
    }
}

#[cfg(test)]
#[path = "change_tests.rs"]
pub(super) mod tests;
