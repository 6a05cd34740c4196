//! What somebody looks for, as they type it: words and "quoted phrases", and beside them `customer:`, `from:`, `state:` and
//! `month:`.
//!
//! A word with a colon that is none of these is a word: error messages are full of colons. An operator without a value is a word as
//! well, and a quoted one is looked for as it stands.

use crate::desk::case::State;
use crate::refusal::{Outcome, Refusal};
use jiff::civil::Date;

/// What was asked, understood.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Asked {
    /// Words and quoted phrases, as typed.
    pub words: String,
    /// Part of a customer's name.
    pub customer: Option<String>,
    /// Part of an author's name or address.
    pub from: Option<String>,
    /// A state of the case; see [`Wanted`].
    pub state: Option<Wanted>,
    /// The first day of a month.
    pub month: Option<Date>,
}

/// In which states a case is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    /// Everything that is not closed.
    Open,
    /// One state.
    State(State),
}

/// The states in their words.
pub const STATES: [(&str, State); 7] = [
    ("running", State::Running),
    ("ready", State::Ready),
    ("blocked", State::Blocked),
    ("waiting", State::Waiting),
    ("closing", State::Closing),
    ("unsorted", State::Unsorted),
    ("closed", State::Closed),
];

/// The word of a state.
pub fn word_of(state: State) -> &'static str {
    STATES
        .iter()
        .find(|(_, one)| *one == state)
        .map_or("", |(word, _)| word)
}

impl Wanted {
    /// Whether a case in this state is wanted.
    pub fn is(self, state: State) -> bool {
        match self {
            Wanted::Open => state != State::Closed,
            Wanted::State(one) => one == state,
        }
    }

    fn word(self) -> &'static str {
        match self {
            Wanted::Open => "open",
            Wanted::State(state) => word_of(state),
        }
    }
}

impl Asked {
    /// Reads a query.
    ///
    /// # Errors
    /// A refusal if a state or a month is none.
    pub fn of(query: &str) -> Outcome<Asked> {
        let mut asked = Asked::default();
        for piece in pieces(query) {
            let named = piece.split_once(':').filter(|(_, value)| !bare(value).is_empty());
            let (name, value) = named.map_or(("", String::new()), |(name, value)| (name, bare(value)));
            match name {
                "customer" => asked.customer = Some(value),
                "from" => asked.from = Some(value),
                "state" => asked.state = Some(state(&value)?),
                "month" => asked.month = Some(month(&value)?),
                _ => {
                    if !asked.words.is_empty() {
                        asked.words.push(' ');
                    }
                    asked.words.push_str(piece);
                }
            }
        }
        Ok(asked)
    }

    /// Nothing at all was asked.
    pub fn is_empty(&self) -> bool {
        *self == Asked::default()
    }

    /// More than words was asked, so that what was found is looked at once more.
    pub fn narrows(&self) -> bool {
        self.customer.is_some() || self.from.is_some() || self.state.is_some() || self.month.is_some()
    }

    /// What the index is asked: authors stand in it with their words.
    pub fn of_the_index(&self) -> String {
        match &self.from {
            Some(from) => format!("{} {}", self.words, quoted(from)),
            None => self.words.clone(),
        }
    }

    /// The same as somebody would type it.
    pub fn text(&self) -> String {
        let mut text = vec![self.words.clone()];
        text.extend(self.customer.as_ref().map(|name| format!("customer:{}", quoted(name))));
        text.extend(self.from.as_ref().map(|name| format!("from:{}", quoted(name))));
        text.extend(self.state.map(|state| format!("state:{}", state.word())));
        text.extend(self.month.map(|month| format!("month:{}", month.strftime("%Y-%m"))));
        text.retain(|one| !one.is_empty());
        text.join(" ")
    }
}

/// In quotes if it has blanks; a quote within has no place in a name and is dropped.
fn quoted(text: &str) -> String {
    let text = text.replace(['"', '\u{201c}', '\u{201d}', '\u{201e}'], "");
    match text.contains(char::is_whitespace) {
        true => format!("\"{text}\""),
        false => text,
    }
}

fn bare(text: &str) -> String {
    text.replace(['"', '\u{201c}', '\u{201d}', '\u{201e}'], "")
        .trim()
        .to_owned()
}

/// The query cut at blanks that stand in no quotes.
fn pieces(query: &str) -> Vec<&str> {
    let (mut pieces, mut begin, mut in_quotes) = (Vec::new(), None, false);
    for (at, letter) in query.char_indices() {
        let is_quote = matches!(letter, '"' | '\u{201c}' | '\u{201d}' | '\u{201e}');
        in_quotes ^= is_quote;
        if letter.is_whitespace() && !in_quotes {
            pieces.extend(begin.take().map(|from: usize| &query[from..at]));
        } else if begin.is_none() {
            begin = Some(at);
        }
    }
    pieces.extend(begin.map(|from| &query[from..]));
    pieces
}

fn state(text: &str) -> Result<Wanted, Refusal> {
    let text = text.to_lowercase();
    if text == "open" {
        return Ok(Wanted::Open);
    }
    let found = STATES.iter().find(|(word, _)| *word == text);
    found.map(|(_, state)| Wanted::State(*state)).ok_or_else(|| {
        let words: Vec<&str> = STATES.iter().map(|(word, _)| *word).collect();
        Refusal::usage(format!(
            "\"{text}\" is no state of a case. After state: stands open, {}. To look for the word itself, put it in quotes.",
            words.join(", ")
        ))
    })
}

fn month(text: &str) -> Result<Date, Refusal> {
    format!("{text}-01").parse().map_err(|_| {
        Refusal::usage(format!(
            "\"{text}\" is no month. After month: stands a year and a month, as in month:2026-03."
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(query: &str) -> Asked {
        Asked::of(query).expect("understood")
    }

    #[test]
    fn operators_are_taken_out_and_everything_else_is_words() {
        let one = asked(
            "ORA-00600 customer:\"North Wind\" \"disk full\" from:priya state:closed month:2026-03 error: http://x",
        );
        assert_eq!(one.words, "ORA-00600 \"disk full\" error: http://x");
        assert_eq!(one.customer.as_deref(), Some("North Wind"));
        assert_eq!(one.from.as_deref(), Some("priya"));
        assert_eq!(one.state, Some(Wanted::State(State::Closed)));
        assert_eq!(one.month, Some(jiff::civil::date(2026, 3, 1)));
        assert_eq!(one.of_the_index(), "ORA-00600 \"disk full\" error: http://x priya");
    }

    #[test]
    fn a_quoted_operator_is_looked_for_as_it_stands() {
        let one = asked("\"state: closed\" customer:");
        assert!(!one.narrows(), "{one:?}");
        assert_eq!(one.words, "\"state: closed\" customer:");
    }

    #[test]
    fn what_was_understood_is_said_so_that_it_is_understood_the_same() {
        for query in [
            "lag",
            "\"a b\" customer:\"North Wind\" state:open",
            "from:priya month:2025-12",
            "customer:x",
        ] {
            assert_eq!(asked(&asked(query).text()), asked(query), "{query}");
        }
        assert!(asked("  ").is_empty());
    }

    #[test]
    fn a_state_or_month_that_is_none_is_refused_with_those_there_are() {
        let why = |query: &str| Asked::of(query).expect_err("refused").to_string();
        assert!(
            why("state:asleep").contains("running, ready"),
            "{}",
            why("state:asleep")
        );
        assert!(why("month:march").contains("month:2026-03"));
    }
}
