//! Words of customers that decide something about a promised time: `time: tomorrow 10:00`, `ok`, `zeit: morgen 10 Uhr`,
//! `einverstanden` (UX.md §2.1), and what their calendars answer.
//!
//! Promised: only the first line of the newly written words is looked at, and it is one of the words of the table, alone or
//! before a colon, or the mail is like any other. English and German, whatever language the mail is in. Nothing is decided
//! here: who may say so, and to what, is the desk's ([`crate::desk::negotiation::hear`]). Times are read later, in the zone
//! of their writer; German ones are put into the words of the one grammar of times first.

use crate::desk::negotiation::hear::{Answer, Asked, Wish};
use crate::limits;
use crate::mail::calendar::{Calendar, Entry};
use crate::speech::in_one_grammar;
use jiff::SignedDuration;

/// What a word means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Meaning {
    /// A time follows behind the colon.
    Time,
    Fine,
    Keep,
    Unneeded,
    NotHelped,
}

/// Every word there is. Those before a colon stand at the beginning of the line, all others are the whole line.
const WORDS: &[(&str, Meaning)] = &[
    ("time:", Meaning::Time),
    ("zeit:", Meaning::Time),
    ("ok", Meaning::Fine),
    ("okay", Meaning::Fine),
    ("yes", Meaning::Fine),
    ("agreed", Meaning::Fine),
    ("that is fine", Meaning::Fine),
    ("that's fine", Meaning::Fine),
    ("ja", Meaning::Fine),
    ("einverstanden", Meaning::Fine),
    ("passt", Meaning::Fine),
    ("in ordnung", Meaning::Fine),
    ("keep", Meaning::Keep),
    ("keep the time", Meaning::Keep),
    ("no, keep the time", Meaning::Keep),
    ("es bleibt dabei", Meaning::Keep),
    ("nein, es bleibt dabei", Meaning::Keep),
    ("no reply needed", Meaning::Unneeded),
    ("no reply is needed", Meaning::Unneeded),
    ("keine antwort nötig", Meaning::Unneeded),
    ("this did not help", Meaning::NotHelped),
    ("das hat nicht geholfen", Meaning::NotHelped),
];

/// Reads the newly written words of a mail by `author`, as they write their name; none where they decide nothing.
pub fn read(text: &str, author: &str) -> Option<Asked> {
    let text = text.trim_start_matches(['\u{feff}', '\u{a0}']).trim_start();
    let (first, rest) = text.split_once('\n').unwrap_or((text, ""));
    let first = first.trim();
    if first.is_empty() || first.chars().count() > limits::WISH_LINE_CHARS {
        return None;
    }
    let lower = first.to_lowercase().replace('\u{2019}', "'");
    let bare = lower.trim_end_matches(['.', '!', ',', ';']).trim_end();
    let (_, meaning) = WORDS.iter().find(|(word, meaning)| match meaning {
        Meaning::Time => lower.starts_with(word),
        _ => bare == *word,
    })?;
    let wish = match meaning {
        Meaning::Time => {
            let (_, written) = first.split_once(':')?;
            let written = written.trim().trim_end_matches(['.', '!']).to_owned();
            Wish::Time {
                phrase: in_one_grammar(&written),
                written,
            }
        }
        Meaning::Fine => Wish::Fine,
        Meaning::Keep => Wish::Keep,
        Meaning::Unneeded => Wish::Unneeded,
        Meaning::NotHelped => Wish::NotHelped,
    };
    Some(Asked {
        wish,
        alone: only_courtesy(rest, author),
    })
}

/// Whether what follows says nothing: empty lines, a greeting, a name of a word or two under it, the author's own name.
fn only_courtesy(rest: &str, author: &str) -> bool {
    const GREETINGS: &[&str] = &[
        "thanks",
        "thank you",
        "many thanks",
        "regards",
        "best regards",
        "kind regards",
        "best",
        "danke",
        "vielen dank",
        "grüße",
        "viele grüße",
        "mit freundlichen grüßen",
        "mfg",
        "gruß",
    ];
    let words_of = |text: &str| -> Vec<String> {
        let words = text
            .split(|c: char| !c.is_alphanumeric())
            .filter(|word| !word.is_empty());
        words.map(str::to_lowercase).collect()
    };
    let own = words_of(author);
    let mut lines = rest.lines().map(str::trim).filter(|line| !line.is_empty());
    let mut greeted = false;
    lines.all(|line| {
        let bare = line.trim_end_matches([',', '.', '!']).to_lowercase();
        let is_greeting = GREETINGS.contains(&bare.as_str());
        // Another name than the author's stands under a greeting, or it may be a question of two words.
        let words = words_of(line);
        let is_own_name = !words.is_empty() && words.iter().all(|word| own.contains(word));
        let is_name = greeted && line.split_whitespace().count() <= 3 && !line.contains(['?', ':']);
        greeted |= is_greeting;
        is_greeting || is_name || is_own_name
    })
}

/// The length of our entries: they end at the promised time, whatever length a proposal gives them.
const ENTRY: SignedDuration = SignedDuration::from_mins(15);

/// What a calendar answers to an entry of ours; none where it is something else.
pub fn of_calendar(calendar: &Calendar, text: &str) -> Option<Asked> {
    let entry = calendar.entries.first()?;
    let answer = match calendar.method.as_str() {
        "COUNTER" => Answer::Proposed(proposed(entry)),
        "REPLY" => match entry.attendees.first()?.partstat.as_str() {
            "ACCEPTED" => Answer::Accepted,
            "DECLINED" => Answer::Declined,
            _ => return None,
        },
        _ => return None,
    };
    // Google's answers have a text that its calendar wrote; the author's own words stand in COMMENT or are the text.
    let is_filled_in = text.contains("Google Calendar") || text.contains("calendar.google.com");
    let alone = entry.comment.is_none() && (is_filled_in || text.trim().is_empty());
    Some(Asked {
        wish: Wish::Calendar {
            uid: entry.uid.clone(),
            sequence: entry.sequence,
            answer,
        },
        alone,
    })
}

/// The promised time that a proposal means. Who moves our entry moves the quarter of an hour that ends with it; who makes
/// it longer or shorter means its end as well.
fn proposed(entry: &Entry) -> Option<jiff::Timestamp> {
    let end = entry.end.as_ref().and_then(|end| end.at);
    let start = entry
        .start
        .as_ref()
        .filter(|start| !start.whole_day)
        .and_then(|start| start.at);
    end.filter(|_| entry.end.as_ref().is_some_and(|end| !end.whole_day))
        .or_else(|| start.and_then(|start| start.checked_add(ENTRY).ok()))
}

#[cfg(test)]
#[path = "wish_tests.rs"]
mod tests;
