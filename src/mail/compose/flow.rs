//! Text for the wire: flowed after RFC 3676, then 7bit or quoted-printable.
//!
//! Prose is broken behind a blank, so that a reader with a narrow window can join it again; code, tables and quotes keep
//! their lines. Whatever the text, no line on the wire is longer than 76 characters and only CRLF ends one.

use super::LINE;
use std::fmt::Write as _;

/// Text as RFC 3676 has it: long lines of prose broken behind a blank, code, tables and short lines fixed, each ended by
/// `\n`.
pub fn flowed(text: &str) -> String {
    let text = super::clean(text);
    let mut out = String::with_capacity(text.len() + text.len() / 16);
    let mut fence = None;
    let mut in_table = false;
    let mut lines = text.trim_end().split('\n').peekable();
    while let Some(line) = lines.next() {
        let (depth, words) = quote_depth(line);
        let mark = fence_of(words).filter(|_| depth == 0);
        let fenced = fence.is_some() || mark.is_some();
        match (fence, mark) {
            (None, Some(mark)) => fence = Some(mark),
            (Some(open), Some(mark)) if open == mark => fence = None,
            _ => {}
        }
        in_table = words.contains('|')
            && (in_table || is_table_rule(words) || lines.peek().is_some_and(|next| is_table_rule(next)));
        let code = fenced || in_table || words.starts_with("    ") || words.starts_with('\t');
        let mut rest = if words == "-- " {
            words
        } else {
            words.trim_end_matches([' ', '\t'])
        };
        loop {
            let stuffed = depth > 0 || rest.starts_with([' ', '>']) || rest.starts_with("From ");
            let prefix = depth + usize::from(stuffed && !rest.is_empty());
            let cut = if code {
                rest.len()
            } else {
                soft_break(rest, LINE - prefix.min(LINE / 2))
            };
            let (now, later) = rest.split_at(cut);
            out.extend(std::iter::repeat_n('>', depth));
            out.push_str(if prefix > depth { " " } else { "" });
            out.push_str(now);
            out.push('\n');
            rest = later;
            if rest.is_empty() {
                break;
            }
        }
    }
    out
}

/// The character of a code fence, if the line is one.
fn fence_of(line: &str) -> Option<char> {
    let line = line.trim_start();
    ['`', '~']
        .into_iter()
        .find(|mark| line.chars().take(3).filter(|c| c == mark).count() == 3)
}

/// Whether a line is the rule under the head of a table: `|---|:--|`.
fn is_table_rule(line: &str) -> bool {
    line.contains('|') && line.contains('-') && line.chars().all(|c| matches!(c, '|' | '-' | ':' | ' '))
}

/// Text in the encoding that it needs, lines ended by CRLF, with the name of the encoding.
pub fn encoded(text: &str) -> (&'static str, String) {
    let plain = text
        .lines()
        .all(|line| line.len() <= LINE && line.bytes().all(|b| matches!(b, b' '..=b'~' | b'\t')));
    if plain {
        return ("7bit", text.replace('\n', "\r\n"));
    }
    let mut out = String::with_capacity(text.len() + text.len() / 8);
    quoted_printable(text, &mut out);
    ("quoted-printable", out)
}

/// Quote marks before a line (`> > ` counts two) and the rest of it.
fn quote_depth(line: &str) -> (usize, &str) {
    let (mut depth, mut rest) = (0, line);
    while let Some(inner) = rest.strip_prefix('>').filter(|_| depth < LINE / 2) {
        depth += 1;
        rest = inner;
        if let Some(inner) = rest.strip_prefix(' ').filter(|inner| inner.starts_with('>')) {
            rest = inner;
        }
    }
    (
        depth,
        if depth > 0 {
            rest.strip_prefix(' ').unwrap_or(rest)
        } else {
            rest
        },
    )
}

/// Where to break a line so that its head, with the blank that ends it, has at most `room` characters; its end if it
/// fits or cannot be broken there, then behind the first blank that comes.
fn soft_break(line: &str, room: usize) -> usize {
    // Not a count of the whole line: a megabyte on one line is broken thirteen thousand times.
    if line.char_indices().nth(room).is_none() {
        return line.len();
    }
    let mut best = None;
    for (count, (place, c)) in line.char_indices().enumerate() {
        // A break only behind the last of several blanks, and not one that would leave an empty head.
        if c != ' ' || line[place + 1..].starts_with(' ') || line[..place].trim().is_empty() {
            continue;
        }
        if count >= room && best.is_some() {
            break;
        }
        best = Some(place + 1);
        if count >= room {
            break;
        }
    }
    best.unwrap_or(line.len())
}

/// Quoted-printable after RFC 2045 §6.7; blanks at the end of a line are encoded, since relays cut them.
fn quoted_printable(text: &str, out: &mut String) {
    for line in text.lines() {
        let mut used = 0;
        let last = line.len().saturating_sub(1);
        for (place, byte) in line.bytes().enumerate() {
            let bare = matches!(byte, b'!'..=b'<' | b'>'..=b'~') || (matches!(byte, b' ' | b'\t') && place != last);
            let size = if bare { 1 } else { 3 };
            // One place is kept for the mark of a broken line.
            if used + size > LINE - usize::from(place != last) {
                out.push_str("=\r\n");
                used = 0;
            }
            if bare {
                out.push(char::from(byte))
            } else {
                _ = write!(out, "={byte:02X}")
            }
            used += size;
        }
        out.push_str("\r\n");
    }
}
