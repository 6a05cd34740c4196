//! Forwarded mail: whose words were passed on?
//!
//! Promises: finds the copied header of the mail that was forwarded, by its shape (who, when, to whom, what) and not by a
//! list of languages: the first address is the sender's, the value that is neither a date nor an address is the subject.
//! Says nothing where the mail is an answer. Leaves out: believing it. The original sender is a claim of the forwarder's
//! mail program; nothing is granted to them by it.

use serde::{Deserialize, Serialize};

use crate::limits;
use crate::mail::header::Mailbox;
use crate::mail::mark::{self, Hint};
use crate::mail::words;

/// The mail that was passed on, as the forwarder's program copied its header.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Forwarded {
    /// Who wrote it.
    pub from: Mailbox,
    /// Its subject.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// When it was sent, in the words and the language of the forwarder's program.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub date: Option<String>,
}

/// Lines that are searched: a forward stands below a few words, not below pages.
const SEARCHED: usize = 2_000;

/// The forwarded mail in a mail's text, if it is a forward.
pub fn find(subject: &str, text: &str) -> Option<Forwarded> {
    find_in_lines(subject, &mark::hints(text))
}

/// The same in a text whose lines were looked at already.
pub(crate) fn find_in_lines(subject: &str, lines: &[Hint<'_>]) -> Option<Forwarded> {
    let lines = &lines[..lines.len().min(SEARCHED)];
    let own = subject_kind(subject);
    let passed_on = own == Some(Kind::Forward);
    if let Some((found, announced, above)) = in_lines(lines) {
        let answers = own == Some(Kind::Answer) && !announced;
        return (!answers && (passed_on || announced || !above)).then_some(found);
    }
    // Quoted as a whole: only the first quoted block can be the mail that was passed on.
    let Some(first) = lines.iter().position(|l| l.quoted) else {
        return passed_on.then(|| attributed(subject, lines)).flatten();
    };
    let inner: Vec<Hint<'_>> = lines[first..]
        .iter()
        .take_while(|l| l.quoted)
        .map(|l| mark::hint(without_mark(l.raw)))
        .collect();
    if let Some((found, announced, above)) = in_lines(&inner) {
        return ((passed_on || announced) && !above).then_some(found);
    }
    passed_on.then(|| attributed(subject, lines)).flatten()
}

fn without_mark(raw: &str) -> &str {
    let rest = raw.trim_start();
    let rest = rest.strip_prefix('>').unwrap_or(rest);
    rest.strip_prefix(' ').unwrap_or(rest)
}

/// The first copied header, whether a line says that it was forwarded, and whether words stand above it.
fn in_lines(lines: &[Hint<'_>]) -> Option<(Forwarded, bool, bool)> {
    let mut announced = false;
    let mut above = false;
    for (at, line) in lines.iter().enumerate() {
        if line.is_blank() || line.is_rule() {
            continue;
        }
        if line.quoted {
            return None;
        }
        if let Some(glued) = glued(&line.plain) {
            return Some((glued, says_forwarded(&line.plain), above));
        }
        if !line.plain.starts_with("--") && mark::copied_headers(lines, at).is_some() {
            return fields(lines, at).map(|found| (found, announced, above));
        }
        let says = says_forwarded(&line.plain);
        announced |= says;
        // A short line that ends in a colon announces, in whatever language.
        let announces = line.plain.ends_with([':', '：']) && line.plain.chars().count() < 80;
        above |= !says && !announces && !line.plain.starts_with("--");
    }
    None
}

fn says_forwarded(line: &str) -> bool {
    let shaped = line.starts_with("--") || line.ends_with([':', '：']);
    shaped && line.chars().count() < 500 && words::FORWARDED.are_in(line)
}

/// Reads the copied header that begins at `at`.
fn fields(lines: &[Hint<'_>], at: usize) -> Option<Forwarded> {
    let mut values: Vec<String> = Vec::new();
    for (offset, line) in lines[at..].iter().take(24).enumerate() {
        if line.is_blank() {
            // Between the fields of some programs stands an empty line each; two end the header.
            if lines.get(at + offset + 1).is_none_or(Hint::is_blank) || values.len() >= 4 {
                break;
            }
            continue;
        }
        match mark::field_of(&line.plain) {
            Some((_, value)) => values.push(value.to_owned()),
            None => break,
        }
    }
    of_values(values.iter().map(String::as_str))
}

fn of_values<'v>(values: impl Iterator<Item = &'v str>) -> Option<Forwarded> {
    let mut found = Forwarded::default();
    for value in values.filter(|v| !v.is_empty()) {
        if let Some(who) = person(value) {
            if found.from.address.is_empty() {
                found.from = who;
            }
        } else if mark::has_time(value) && mark::has_day(value) && found.date.is_none() {
            found.date = Some(short(value));
        } else if found.subject.is_none() && !found.from.address.is_empty() | !mark::has_day(value) {
            found.subject = Some(short(value));
        }
    }
    (!found.from.address.is_empty()).then_some(found)
}

/// Some programs lose the line ends of the header that they copy: `----- Forwarded ----- From: A <a@x>To: … 09:26:50
/// CETSubject: …`. The first address is the sender's; what follows the clock and a colon is the subject.
fn glued(line: &str) -> Option<Forwarded> {
    let rest = line.trim_start().strip_prefix("--")?.trim_start_matches('-');
    let (_, rest) = rest.split_once("---")?;
    let rest = rest.trim_start_matches(['-', ' ']);
    let (_, rest) = rest.split_once([':', '：'])?;
    let close = rest.find('>')?;
    let from = person(&rest[..=close])?;
    let tail = &rest[rest.rfind('>')? + 1..];
    let pairs = |w: &[u8], mark: u8| {
        let digits = |at: usize| w[at].is_ascii_digit() && w[at + 1].is_ascii_digit();
        digits(0) && digits(3) && w[2] == mark
    };
    let bytes = tail.as_bytes();
    // Finns write 09.26.50, and dates in the same way with four digits at their end.
    let dotted = |w: &[u8]| pairs(&w[..5], b'.') && pairs(&w[3..8], b'.') && !w[8].is_ascii_digit();
    let clock = bytes
        .windows(5)
        .position(|w| pairs(w, b':'))
        .or_else(|| bytes.windows(9).position(dotted));
    // Behind the clock's own colons.
    let behind = clock.map_or(0, |at| {
        at + tail[at..]
            .bytes()
            .take_while(|b| b.is_ascii_digit() || matches!(b, b':' | b'.'))
            .count()
    });
    let (_, subject) = tail[behind..].split_once([':', '：'])?;
    let written = tail.find([':', '：']).filter(|at| *at < behind).map_or(0, |at| at + 1);
    let date = tail[written..behind.max(written)].trim();
    Some(Forwarded {
        from,
        subject: Some(short(subject)).filter(|s| !s.is_empty()),
        date: Some(short(date)).filter(|d| !d.is_empty()),
    })
}

/// Programs that announce a forwarded mail as they announce a quote: the sender stands in that line, the subject is ours.
fn attributed(subject: &str, lines: &[Hint<'_>]) -> Option<Forwarded> {
    let at = lines
        .iter()
        .position(|l| !l.is_blank() && mark::has_address(&l.plain))?;
    let announces = lines[at].plain.ends_with([':', '：']) && (mark::has_day(&lines[at].plain));
    let from = person(&lines[at].plain).filter(|_| announces)?;
    Some(Forwarded {
        from: Mailbox {
            name: None,
            address: from.address,
        },
        subject: Some(short(without_prefixes(subject))).filter(|s| !s.is_empty()),
        date: None,
    })
}

/// The first person that a value names.
fn person(value: &str) -> Option<Mailbox> {
    let clean = |address: &str| {
        let address = address
            .trim()
            .trim_start_matches("mailto:")
            .trim_matches(['<', '>', '"', '\'', ',', ';']);
        let whole = address.contains('@') && !address.contains(char::is_whitespace) && mark::has_address(address);
        whole.then(|| address.chars().take(limits::ADDRESS_BYTES).collect::<String>())
    };
    let mut rest = value;
    while let Some(open) = rest.find('<') {
        let inner = &rest[open + 1..];
        let end = inner.find(['<', '>']).unwrap_or(inner.len());
        if let Some(address) = clean(&inner[..end]) {
            let name = value[..value.find('<').unwrap_or(0)]
                .trim()
                .trim_matches(['"', '\'', '„', '”', '“']);
            return Some(Mailbox {
                name: Some(short(name)).filter(|n| !n.is_empty() && !n.contains('@')),
                address,
            });
        }
        rest = inner;
    }
    // Without brackets an address is the whole value, or a list's first.
    let first = value.split([',', ';', ' ', '[', '(']).next()?;
    clean(first).map(|address| Mailbox { name: None, address })
}

fn short(text: &str) -> String {
    text.trim()
        .chars()
        .filter(|c| !c.is_control())
        .take(limits::SUBJECT_CHARS)
        .collect()
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Answer,
    Forward,
}

/// What the outermost prefix of a subject says, where it says it in no ambiguous way.
fn subject_kind(subject: &str) -> Option<Kind> {
    let lower = subject.trim_start().to_lowercase();
    let begins = |list: &[&str]| list.iter().any(|p| lower.starts_with(p));
    // Finns answer with what Danes pass on with.
    let ambiguous = lower.starts_with("vs:");
    match (
        begins(words::FORWARD_PREFIXES),
        begins(words::ANSWER_PREFIXES) && !ambiguous,
    ) {
        (true, _) => Some(Kind::Forward),
        (false, true) => Some(Kind::Answer),
        (false, false) => None,
    }
}

fn without_prefixes(subject: &str) -> &str {
    let mut rest = subject.trim();
    for _ in 0..8 {
        let lower = rest.to_lowercase();
        let prefix = words::FORWARD_PREFIXES
            .iter()
            .chain(words::ANSWER_PREFIXES)
            .find(|p| lower.starts_with(*p));
        let Some(length) = prefix.map(|p| p.chars().count()) else {
            break;
        };
        let end = rest.char_indices().nth(length).map_or(rest.len(), |(at, _)| at);
        rest = rest[end..].trim_start();
    }
    rest
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &str = "From: Jane Doe <jane@x.org>\nSent: Monday, 5 October 2026 17:00\nTo: me@y.example\nSubject: A question\n\nDoes it run?\n";

    #[test]
    fn the_sender_of_a_forwarded_mail_is_found_under_the_forwarders_words() {
        let found = find("FW: A question", &format!("Can you help?\n\n{HEADER}")).expect("a forward");
        assert_eq!(found.from.address, "jane@x.org");
        assert_eq!(found.from.name.as_deref(), Some("Jane Doe"));
        assert_eq!(found.subject.as_deref(), Some("A question"));
        assert_eq!(found.date.as_deref(), Some("Monday, 5 October 2026 17:00"));
    }

    #[test]
    fn an_answer_with_the_same_copied_header_is_no_forward() {
        assert_eq!(find("RE: A question", &format!("Yes.\n\n{HEADER}")), None);
        assert_eq!(find("A question", &format!("Yes.\n\n{HEADER}")), None);
    }

    #[test]
    fn a_header_in_a_language_nobody_listed_is_read_by_its_order() {
        let text = "---------- Fwd: ----------\nMiller: Jane <jane@x.org>\nDate: 5.10.2026, 17:00\nGegenstond: Eng Fro\nUn: me@y.example\n\nHallo\n";
        let found = find("Fwd: Eng Fro", text).expect("a forward");
        assert_eq!(
            (found.from.address.as_str(), found.subject.as_deref()),
            ("jane@x.org", Some("Eng Fro"))
        );
    }

    #[test]
    fn a_forward_that_is_quoted_as_a_whole_is_found_and_a_quoted_answer_is_not() {
        let quoted: String = HEADER.lines().map(|l| format!("> {l}\n")).collect();
        let begin = format!("> Begin forwarded message:\n>\n{quoted}");
        assert_eq!(
            find("Fwd: x", &begin).map(|f| f.from.address).as_deref(),
            Some("jane@x.org")
        );
        assert_eq!(find("Re: x", &format!("No.\n\n{quoted}")), None);
    }

    #[test]
    fn a_header_that_lost_its_line_ends_is_read_too() {
        let line = "----- Forwarded Message ----- From: Jane Doe <jane@x.org>To: \"me@y.example\" <me@y.example>Sent: Tuesday, November 2, 2021, 09:26:50 AM CETSubject: Re: a question: two\n\nHello";
        let found = find("Fwd: Re: a question: two", line).expect("a forward");
        assert_eq!(found.from.address, "jane@x.org");
        assert_eq!(found.subject.as_deref(), Some("Re: a question: two"));
        assert_eq!(found.date.as_deref(), Some("Tuesday, November 2, 2021, 09:26:50"));
    }
}
