//! The shapes of lines that announce a quote, end a mail or come from a list: dates, persons, copied headers.
//!
//! Promises: judges a handful of lines at a time, so the whole stays linear. Words of single languages only break ties;
//! what decides is a date, a person and a colon at the right place. Leaves out: what to do about it (`quote.rs`).

use std::borrow::Cow;

use memchr::{memchr, memchr_iter};

use crate::mail::words;

/// One line with what is asked of it again and again.
#[derive(Debug)]
pub struct Hint<'a> {
    /// As it stands in the text.
    pub raw: &'a str,
    /// Without emphasis, odd blanks and the ends' blanks.
    pub plain: Cow<'a, str>,
    /// Carries a quote mark.
    pub quoted: bool,
    /// Has the shape of a field of a copied header: [`field_of`] reads it.
    field: bool,
}

impl Hint<'_> {
    /// Nothing to read.
    pub fn is_blank(&self) -> bool {
        self.plain.is_empty()
    }
    /// A quoted empty line.
    pub fn is_blank_quote(&self) -> bool {
        self.quoted && self.plain.trim_matches(['>', ' ']).is_empty()
    }
    /// A line drawn with characters.
    pub fn is_rule(&self) -> bool {
        let drawn = |c: char| matches!(c, '_' | '-' | '=' | '*' | '~' | '─' | '—');
        let raw = self.raw.trim();
        self.plain.chars().all(drawn) && self.plain.chars().count() >= 4 || raw.chars().all(drawn) && raw.len() >= 4
    }
    /// Ends as announcements do.
    fn announces(&self) -> bool {
        ends_like_announcement(&self.plain) || self.plain.trim_end_matches('-').ends_with("wrote")
    }
}

/// Marks around words that mail programs set in bold.
const EMPHASIS: [char; 2] = ['*', '_'];
/// Lines an announcement may be broken into.
const ANNOUNCEMENT_LINES: usize = 5;
/// Characters of an announcement at most; longer is prose.
const ANNOUNCEMENT_CHARS: usize = 300;

/// Looks at every line of a text, cut as [`str::lines`] cuts.
pub fn hints(text: &str) -> Vec<Hint<'_>> {
    // Asked of the whole text first: nearly all of it is plain.
    let even = is_even(text);
    let look = |line| if even { hint_of_even(line) } else { hint(line) };
    let mut found = Vec::with_capacity(text.len() / 32);
    let mut begin = 0;
    for end in memchr_iter(b'\n', text.as_bytes()) {
        let line = &text[begin..end];
        found.push(look(line.strip_suffix('\r').unwrap_or(line)));
        begin = end + 1;
    }
    if begin < text.len() {
        found.push(look(&text[begin..]));
    }
    found
}

/// Without letters beyond ASCII, and without tabs.
fn is_even(text: &str) -> bool {
    text.is_ascii() && memchr(b'\t', text.as_bytes()).is_none()
}

/// Looks at a line.
pub fn hint(raw: &str) -> Hint<'_> {
    match is_even(raw.trim()) {
        true => hint_of_even(raw),
        false => hint_of_odd(raw),
    }
}

fn hint_of_even(raw: &str) -> Hint<'_> {
    let trimmed = raw.trim();
    if trimmed.starts_with(EMPHASIS) {
        return hint_of_odd(raw);
    }
    Hint {
        raw,
        plain: Cow::Borrowed(trimmed),
        quoted: is_quoted(trimmed),
        field: field_of(trimmed).is_some(),
    }
}

fn hint_of_odd(raw: &str) -> Hint<'_> {
    let odd = |c: char| matches!(c, '\u{a0}' | '\u{202f}' | '\u{2009}' | '\t');
    let dropped = |c: char| {
        matches!(
            c,
            '\u{200b}' | '\u{feff}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}'
        )
    };
    let even: String = raw
        .chars()
        .filter(|c| !dropped(*c))
        .map(|c| if odd(c) { ' ' } else { c })
        .collect();
    let trimmed = even.trim();
    let quoted = is_quoted(trimmed);
    let plain = match trimmed.starts_with(EMPHASIS) && trimmed.trim_matches(EMPHASIS).contains(':') {
        true => trimmed.replacen(EMPHASIS, "", 2),
        false => trimmed.to_owned(),
    };
    Hint {
        raw,
        quoted,
        field: field_of(&plain).is_some(),
        plain: Cow::Owned(plain),
    }
}

fn is_quoted(trimmed: &str) -> bool {
    trimmed.starts_with('>') && !is_tail_of_announcement(trimmed)
}

/// `> wrote:` is the end of `<jane@example.org\n> wrote:`, not a quote.
fn is_tail_of_announcement(trimmed: &str) -> bool {
    let rest = trimmed.trim_start_matches(['>', ' ']);
    trimmed.starts_with('>') && !trimmed.starts_with(">>") && rest.ends_with(':') && rest.len() < 24 && says_wrote(rest)
}

/// If quoted words are announced at line `at` without marks to rely on: the line behind the announcement.
pub fn announcement(lines: &[Hint<'_>], at: usize) -> Option<usize> {
    copied_headers(lines, at)
        .or_else(|| original_message(lines, at))
        .or_else(|| bare_attribution(lines, at))
}

fn says_wrote(text: &str) -> bool {
    words::WROTE.are_in(text)
}

pub(crate) fn has_address(text: &str) -> bool {
    memchr_iter(b'@', text.as_bytes()).any(|at| {
        let before = text[..at]
            .chars()
            .next_back()
            .is_some_and(|c| c.is_alphanumeric() || matches!(c, '.' | '_' | '-' | '+'));
        let after = text[at + 1..]
            .chars()
            .next()
            .is_some_and(|c| c.is_alphanumeric() || c == '[');
        before && after
    })
}

/// A clock time: `10:15`, `10.15`, `10h15`, `4:58 AM`.
pub(crate) fn has_time(text: &str) -> bool {
    let b = text.as_bytes();
    (1..b.len()).any(|i| {
        matches!(b[i], b':' | b'h' | b'.')
            && b[i - 1].is_ascii_digit()
            && b.get(i + 1).is_some_and(u8::is_ascii_digit)
            && b.get(i + 2).is_some_and(u8::is_ascii_digit)
            && !b.get(i + 3).is_some_and(u8::is_ascii_digit)
    })
}

/// A year or a date in figures.
pub(crate) fn has_day(text: &str) -> bool {
    let numbers = |text: &str| -> Vec<(usize, usize)> {
        let b = text.as_bytes();
        let mut found = Vec::new();
        let mut i = 0;
        while i < b.len() {
            let start = i;
            while i < b.len() && b[i].is_ascii_digit() {
                i += 1;
            }
            if i > start {
                found.push((start, i));
            }
            i += 1;
        }
        found
    };
    let runs = numbers(text);
    let year = runs
        .iter()
        .any(|&(s, e)| e - s == 4 && matches!(&text.as_bytes()[s..s + 2], b"19" | b"20"));
    let figures = runs.windows(3).any(|w| {
        let gap =
            |a: (usize, usize), b: (usize, usize)| b.0 == a.1 + 1 && matches!(text.as_bytes()[a.1], b'-' | b'/' | b'.');
        gap(w[0], w[1]) && gap(w[1], w[2]) && w.iter().all(|r| r.1 - r.0 <= 4)
    });
    year || figures
}

fn ends_like_announcement(text: &str) -> bool {
    let text = text.trim_end_matches(['-', ' ', '*', '_']);
    text.ends_with([':', '：'])
}

fn joined(lines: &[Hint<'_>]) -> String {
    lines
        .iter()
        .map(|l| &*l.plain)
        .filter(|l| !l.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}

/// The first line of an attribution whose last line is `last`, right above quote marks. As few lines as hold a date and
/// a person; the verb or address alone if no line above adds a date.
pub fn attribution_ending_at(lines: &[Hint<'_>], last: usize) -> Option<usize> {
    if !ends_like_announcement(&lines[last].plain) {
        return None;
    }
    let mut gap = false;
    for first in (0..=last).rev().take(ANNOUNCEMENT_LINES) {
        if lines[first].quoted || (lines[first].is_blank() && gap) {
            break;
        }
        gap = lines[first].is_blank();
        if gap {
            continue;
        }
        let text = joined(&lines[first..=last]);
        if text.chars().count() > ANNOUNCEMENT_CHARS {
            break;
        }
        if (has_day(&text) || has_time(&text)) && (has_address(&text) || says_wrote(&text)) {
            return Some(first);
        }
    }
    let text = &lines[last].plain;
    let short = text.chars().count() < 100;
    (short && (says_wrote(text) || has_address(text) || has_day(text) && has_time(text))).then_some(last)
}

/// An attribution whose quote carries no marks: stricter, because all below it is taken for quoted.
fn bare_attribution(lines: &[Hint<'_>], at: usize) -> Option<usize> {
    let begin = &*lines[at].plain;
    if is_gmail_stamp(begin) && lines.get(at + 1).is_none_or(Hint::is_blank) {
        return Some(at + 1);
    }
    let end = announcement_end(lines, at)?;
    if !(has_day(begin) || has_time(begin) || has_address(begin)) {
        return None;
    }
    let fits = (at..end)
        .rev()
        .find(|&first| is_bare_attribution(&joined(&lines[first..end])));
    (fits == Some(at)).then_some(end)
}

/// The line behind the first that ends as announcements do, from `at` on and before the paragraph ends.
fn announcement_end(lines: &[Hint<'_>], at: usize) -> Option<usize> {
    for end in at + 1..=(at + ANNOUNCEMENT_LINES + 1).min(lines.len()) {
        let last = &lines[end - 1];
        if last.quoted || last.is_blank() && !lines.get(end).is_some_and(|l| l.plain.starts_with('<')) {
            return None;
        }
        if last.announces() {
            return Some(end);
        }
    }
    None
}

/// A date, a time and a person at its end, and nothing before the date but a short word.
fn is_bare_attribution(text: &str) -> bool {
    let fits = text.chars().count() <= ANNOUNCEMENT_CHARS;
    let dated = has_day(text) && has_time(text);
    let ends_with_person = ends_with_address(text) || ends_with_wrote(text);
    fits && dated && ends_with_person && (has_address(text) || starts_like_attribution(text))
}

/// `2016-03-03 17:21 GMT+01:00 Jane Doe`, which has no colon at its end.
fn is_gmail_stamp(text: &str) -> bool {
    let b = text.as_bytes();
    let digits = |r: std::ops::Range<usize>| b.get(r).is_some_and(|s| s.iter().all(u8::is_ascii_digit));
    digits(0..4)
        && b.get(4) == Some(&b'-')
        && digits(5..7)
        && b.get(7) == Some(&b'-')
        && has_time(text)
        && text.contains(" GMT")
        && text.chars().count() < 100
}

fn ends_with_address(text: &str) -> bool {
    let text = text.trim_end_matches([':', '：', ' ', '>', ')', ']']);
    text.rsplit([' ', '<', '(', '[']).next().is_some_and(has_address)
}

/// The verb is the last word, or stands before the date: "… schrieb am Fr., 28. Apr. 2017 um 11:53 Uhr:".
fn ends_with_wrote(text: &str) -> bool {
    let lower = text.to_lowercase();
    let bare = lower.trim_end_matches([':', '：', ' ', '-', '.', ')', '*']);
    let bare = ["(a", " following", " folgendes", "/a"]
        .iter()
        .fold(bare, |text, tail| text.strip_suffix(tail).unwrap_or(text).trim_end());
    let bare = bare.strip_suffix(" the").unwrap_or(bare);
    let tail = bare.char_indices().rev().nth(29).map_or(bare, |(at, _)| &bare[at..]);
    words::WROTE.iter().any(|w| bare.ends_with(w))
        || has_address(text) && says_wrote(text) && (has_time(tail) || says_wrote(tail))
}

/// Begins with a short word or a figure and a date, as announcements do: `On Mon`, `Am 3.2.2016`, `2016-10-24 15:36`.
fn starts_like_attribution(text: &str) -> bool {
    let text = text.trim_start_matches(['-', ' ', '*']);
    let head: String = text.chars().take(40).collect();
    has_day(&head) || has_time(&head)
}

/// A `Name: value` line as copied headers have them: a short name of letters, then a colon.
pub(crate) fn field_of(line: &str) -> Option<(&str, &str)> {
    let narrow = memchr(b':', line.as_bytes());
    let wide = if line.is_ascii() { None } else { line.find('：') };
    let at = narrow.into_iter().chain(wide).min()?;
    let width = line[at..].chars().next().map_or(1, char::len_utf8);
    let name = line[..at].trim().trim_matches(['*', '_', '[', ']']).trim();
    let fits = !name.is_empty()
        && name.chars().count() <= 22
        && name
            .chars()
            .all(|c| c.is_alphabetic() || matches!(c, ' ' | '-' | '\'' | '\u{301}'));
    let value = line[at + width..].trim_start_matches('*').trim();
    let spaced = value.is_empty() || line[at + width..].starts_with([' ', '*', '\t']) || width > 1;
    (fits && name.split(' ').count() <= 3 && spaced).then_some((name, value))
}

/// A block of copied headers that begins at `at`: at least two fields, among their values a date and an address, or
/// three fields of which two have names that are known.
pub(crate) fn copied_headers(lines: &[Hint<'_>], at: usize) -> Option<usize> {
    if !lines[at].field {
        return None;
    }
    let (mut fields, mut known, mut dated, mut addressed, mut end) = (0usize, 0usize, false, false, at);
    let (mut strange, mut blanks) = (0usize, 0usize);
    // In a language nobody listed: a person in angle brackets, then an instant, then more; web forms look otherwise.
    let person_first = field_of(&lines[at].plain).is_some_and(|(_, value)| value.contains('<') && has_address(value));
    let mut instant_second = false;
    for (offset, line) in lines[at..].iter().take(24).enumerate() {
        if line.quoted {
            break;
        }
        if line.is_blank() {
            blanks += 1;
            if blanks > 1 {
                break;
            }
            continue;
        }
        match field_of(&line.plain) {
            Some((name, value)) => {
                let is_known = words::COPIED_FIELDS.contains(&name.to_lowercase().as_str());
                if blanks > 0 && !is_known {
                    break; // behind an empty line only what surely is a header belongs to the block
                }
                fields += 1;
                known += usize::from(is_known);
                dated |= has_time(value) || has_day(value);
                instant_second |= fields == 2 && has_time(value) && has_day(value);
                addressed |= has_address(value);
                end = at + offset + 1;
                strange = 0;
                blanks = 0;
            }
            None if blanks == 0 && strange < 3 && !line.is_rule() => {
                strange += 1;
                addressed |= has_address(&line.plain);
            }
            None => break,
        }
    }
    let by_shape = fields >= 3 && dated && addressed;
    let by_name = known >= 2 && dated && (addressed || known >= 3) || known >= 3 && fields >= 4;
    let by_order = fields >= 4 && person_first && instant_second;
    if !(by_shape && known >= 1 || by_name || by_order) {
        return None;
    }
    // The last value may go on in the next line.
    while end < lines.len() && !lines[end].is_blank() && !lines[end].quoted && has_address(&lines[end].plain) {
        end += 1;
    }
    Some(end)
}

/// A line such as `-----Original Message-----`, `---- Jane wrote ----` or `Begin forwarded message:`.
fn original_message(lines: &[Hint<'_>], at: usize) -> Option<usize> {
    let line = &*lines[at].plain;
    // Some telephones put the copied headers and the quoted text on the same line.
    if line.starts_with("---") {
        let glued = line.trim_start_matches('-').trim_start().to_lowercase();
        let closed = |rest: &str| rest.trim_start().starts_with("---");
        if words::ORIGINAL
            .iter()
            .any(|o| glued.strip_prefix(o).is_some_and(closed))
        {
            return Some(at + 1);
        }
    }
    let dashed = line.starts_with("--") || line.starts_with("__") || line.starts_with("==");
    if !(dashed || line.ends_with(':')) || line.chars().count() > 120 {
        return None;
    }
    let inner = line.trim_matches(['-', '_', '=', ' ', '*', ':', '<', '>', '|']);
    if !inner.contains(|c: char| c.is_alphabetic()) {
        return None;
    }
    let lower = inner.to_lowercase();
    let known = words::ORIGINAL.iter().any(|o| lower.starts_with(o));
    if known {
        return Some(at + 1);
    }
    let closed = dashed && line.ends_with("---");
    if closed && (says_wrote(inner) || has_day(inner)) {
        return Some(at + 1);
    }
    let below = (at + 1..lines.len()).take(3).find(|&i| !lines[i].is_blank());
    if closed && let Some(end) = below.and_then(|i| copied_headers(lines, i)) {
        return Some(end);
    }
    None
}

/// If a list's footer begins at `at` (with its rule or without): the line behind it.
pub fn list_footer(lines: &[Hint<'_>], at: usize) -> Option<usize> {
    let speaks = |text: &str| words::LIST.are_in(text);
    let rule = lines[at].plain.len() >= 2 && lines[at].plain.bytes().all(|b| matches!(b, b'_' | b'-' | b'='));
    if !rule && !has_address(&lines[at].plain) {
        return None;
    }
    let first = if rule { at + 1 } else { at };
    let line = lines.get(first)?;
    let short = line.plain.chars().count() < 160;
    let links = |i: usize| {
        lines
            .get(i)
            .is_some_and(|l| l.plain.contains("://") || has_address(&l.plain) || speaks(&l.plain))
    };
    if line.quoted
        || !short
        || !speaks(&line.plain)
        || !(rule || has_address(&line.plain) && (first + 1 == lines.len() || links(first + 1)))
    {
        return None;
    }
    if !(links(first) || links(first + 1)) {
        return None;
    }
    let mut end = first + 1;
    while end < lines.len() && end < first + 6 && !lines[end].is_blank() && !lines[end].quoted && links(end) {
        end += 1;
    }
    Some(end)
}

/// `Sent from my telephone` in the languages of telephones.
pub fn device_line(line: &str) -> bool {
    if line.chars().count() > 90 || line.is_empty() {
        return false;
    }
    let line = line.trim_start_matches(['-', '~', ' ', '[', '<', '*']);
    let linked = || {
        let sent = line
            .get(..10)
            .is_some_and(|begin| begin.eq_ignore_ascii_case("sent from "));
        sent && line.to_ascii_lowercase().contains("<http")
    };
    words::DEVICE.are_in(line) || linked()
}
