//! A text under construction: lines of the catalogue, tables, quoted words, and who is greeted.
//!
//! What strangers wrote only ever becomes a clipped value in a line of ours, or a quotation.

use super::{NAME_CHARS, Quoted, To};
use crate::mail::compose::Section;
use crate::speech::Value;
use crate::speech::{clip, one_line};

/// Text under construction.
pub(super) struct Lines<'t, 'a> {
    pub(super) to: &'t To<'a>,
    plain: String,
    done: Vec<Section>,
}

impl<'t, 'a> Lines<'t, 'a> {
    pub(super) fn new(to: &'t To<'a>) -> Self {
        Lines {
            to,
            plain: String::new(),
            done: Vec::new(),
        }
    }

    pub(super) fn greeting(to: &'t To<'a>) -> Self {
        let mut lines = Lines::new(to);
        match greeting_name(to.name) {
            Some(name) => lines.say("hello", &[("name", (&name).into())]),
            None => lines.say("hello-nobody", &[]),
        }
        lines.empty();
        lines
    }

    pub(super) fn say(&mut self, id: &str, values: &[(&'static str, Value<'_>)]) {
        let said = self.to.speech.say(id, values);
        self.line(&said);
    }

    pub(super) fn line(&mut self, line: &str) {
        self.plain.push_str(line);
        self.plain.push('\n');
    }

    pub(super) fn empty(&mut self) {
        self.plain.push('\n');
    }

    /// Rows of a label and a value, indented; a row without a label goes on with the value above it.
    pub(super) fn table(&mut self, rows: &[(String, String)]) {
        let width = rows.iter().map(|(label, _)| label.chars().count()).max().unwrap_or(0);
        for (label, value) in rows.iter().filter(|(_, value)| !value.is_empty()) {
            self.line(&format!("    {label:width$}  {value}"));
        }
    }

    pub(super) fn markdown(&mut self, words: &str) {
        self.end_plain();
        self.done.push(Section::Markdown(words.trim_end().to_owned()));
    }

    /// Quoted words, the first lines only, with who wrote them when.
    pub(super) fn quoted(&mut self, quoted: &Quoted, most: usize) {
        let time = self.to.speech.stamp(quoted.at, self.to.zone);
        let who = clip(quoted.who, NAME_CHARS);
        self.say("wrote", &[("time", (&time).into()), ("who", (&who).into())]);
        self.end_plain();
        let text = quoted.text.trim_end();
        let mut shown: String = text.lines().take(most).map(|line| format!("{line}\n")).collect();
        if text.lines().count() > most {
            shown.push_str("[…]\n");
        }
        self.done.push(Section::Quote(shown));
        self.empty();
    }

    /// Rule 8 of the words: machine-written mail says so.
    pub(super) fn machine(&mut self) {
        self.empty();
        self.machine_line();
    }

    pub(super) fn machine_line(&mut self) {
        let desk = self.to.desk();
        self.say("machine", &[("desk", (&desk).into())]);
    }

    /// Quoted words without a line that says whose they are.
    pub(super) fn quote(&mut self, words: &str) {
        self.end_plain();
        self.done.push(Section::Quote(words.trim_end().to_owned()));
        self.empty();
    }

    fn end_plain(&mut self) {
        if !self.plain.is_empty() {
            self.done.push(Section::Plain(std::mem::take(&mut self.plain)));
        }
    }

    pub(super) fn sections(mut self) -> Vec<Section> {
        self.end_plain();
        self.done
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
