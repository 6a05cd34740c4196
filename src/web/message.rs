//! One message on the case page: the newest of the customer whole, every other folded to a line.
//!
//! Whatever a customer wrote is text: no markup of theirs is kept, links are not made, pictures are not fetched. Indented
//! lines and lines between fences are set as code; everything else as prose, with its own line breaks.

use crate::desk::message::{Facts, clip_bytes};
use crate::desk::queue::MessageRow;
use crate::desk::{Desk, say};
use crate::limits;
use jiff::Timestamp;
use maud::{Markup, html};

/// Whether a person at the customer wrote it.
pub fn is_theirs(message: &MessageRow) -> bool {
    let machines = [
        "automatic",
        "bounce",
        "delay",
        "complaint",
        "bounce, not believed",
        "upload link",
    ];
    message.way == "in" && !machines.contains(&message.matched_by.as_str())
}

/// What it is, in a word or two.
fn kind(message: &MessageRow) -> String {
    match (message.way.as_str(), message.kind.as_str()) {
        ("in", _) if message.matched_by == "bounce" => "delivery report".into(),
        ("in", _) if message.matched_by == "delay" => "notice of delay: their server still tries".into(),
        ("in", _) if message.matched_by == "complaint" => "the recipient complained".into(),
        ("in", _) if message.matched_by == "bounce, not believed" => "looks like a bounce, not believed".into(),
        ("in", _) if message.matched_by == "automatic" => "automatic mail".into(),
        ("in", _) if message.matched_by == "unreadable" => "mail that could not be read".into(),
        ("in", "file") => "file".into(),
        ("in", _) => "mail".into(),
        ("note", _) => "internal note".into(),
        (_, kind) => kind.into(),
    }
}

/// The message whole.
pub fn whole(message: &MessageRow, case: i64, desk: &Desk, now: Timestamp, uncut: bool) -> Markup {
    html! {
        article.message.theirs id={ "m" (message.message) } aria-labelledby="h-newest" {
            h2 #h-newest.line { (byline(message)) " · " (when(message, desk)) @if !message.verified { " · " span.tag { "sender not verified" } } @if let Some(rule) = message.rule() { " · " span.tag { (rule) } } }
            (content(message, case, desk, now, uncut))
        }
    }
}

/// The message as one line that opens.
pub fn folded(message: &MessageRow, case: i64, desk: &Desk, now: Timestamp, uncut: bool) -> Markup {
    let class = match message.way.as_str() {
        "in" => "theirs",
        "note" => "note",
        _ => "ours",
    };
    html! {
        details class={ "message " (class) } id={ "m" (message.message) } open[uncut] {
            summary data-row {
                span.when { (when(message, desk)) } " "
                span.by { (name(message)) } " "
                span.kind { (kind(message)) } " "
                @if let Some(state) = worst(message) { span class={ "delivery " (state) } { (state) } " " }
                span.first { (beginning(&message.text)) }
            }
            p.from { (byline(message)) }
            (content(message, case, desk, now, uncut))
        }
    }
}

fn when(message: &MessageRow, desk: &Desk) -> Markup {
    html! { time datetime=(message.at) { (say::stamp(message.at, &desk.zone)) } }
}

fn name(message: &MessageRow) -> &str {
    if message.from.trim().is_empty() {
        &message.address
    } else {
        &message.from
    }
}

fn byline(message: &MessageRow) -> Markup {
    html! {
        strong { (name(message)) }
        @if !message.address.is_empty() && message.address != message.from { " " span.address { "<" (message.address) ">" } }
    }
}

/// The beginning of the words, for a line; the rest is cut by the style.
fn beginning(text: &str) -> String {
    let mut line = String::new();
    for word in clip_bytes(text, 2_000).split_whitespace() {
        if line.len() + word.len() > 160 {
            break;
        }
        line.push_str(word);
        line.push(' ');
    }
    line
}

/// How the worst copy fared.
fn worst(message: &MessageRow) -> Option<&str> {
    let order = ["failed", "deferred", "sending", "queued", "held", "undone", "accepted"];
    order
        .into_iter()
        .find(|state| message.delivery.iter().any(|copy| copy.state == *state))
}

fn content(message: &MessageRow, case: i64, desk: &Desk, now: Timestamp, uncut: bool) -> Markup {
    let limit = if uncut {
        limits::TEXT_BYTES
    } else {
        limits::PAGE_TEXT_BYTES
    };
    let shown = clip_bytes(&message.text, limit);
    html! {
        @for remark in &message.facts.remarks { p.remark { (remark) } }
        (origin(message))
        @if let Some(other) = message.facts.looks_like {
            p.oddity { "This looks like a repeat of message " (other) ": the same Message-ID with another text or envelope. Both are kept." }
        }
        @for oddity in &message.facts.errors { p.oddity { "This mail was odd: " (oddity) } }
        div.words { (words(shown)) }
        @if shown.len() < message.text.len() {
            p.more {
                @if uncut { "The rest is in the original: " code { "duly raw " (case) " " (message.message) } }
                @else { a href={ "/c/" (case) "?whole=" (message.message) "#m" (message.message) } {
                    "Show all " (message.text.len() / 1000) " kB of it" } }
            }
        }
        @if !message.folded.trim().is_empty() {
            details.quote id={ "q" (message.message) } {
                summary { "Quoted text and signature, " (super::layout::counted(message.folded.lines().count() as i64, "line", "lines")) }
                div.words { (words(clip_bytes(&message.folded, limit))) }
            }
        }
        (files(&message.facts))
        (deliveries(message, desk, now))
    }
}

/// Who wrote it, as far as it was checked: the reason where it was not verified, else folded away.
fn origin(message: &MessageRow) -> Markup {
    html! {
        @if let Some(origin) = &message.facts.origin {
            details.origin id={ "o" (message.message) } open[!message.verified] {
                summary { "Who wrote this: " (origin.reason) }
                @if !origin.results.is_empty() { p { code { (origin.results) } } }
            }
        }
    }
}

fn files(facts: &Facts) -> Markup {
    html! {
        @if !facts.files.is_empty() {
            ul.files aria-label="Files" {
                @for file in facts.files.iter().take(limits::ATTACHMENTS) {
                    li { strong { (file.name) } " " span.address { (size(file.size)) " · " (file.content_type) } }
                }
            }
        }
    }
}

/// `1.2 MB`, `14 kB`, `312 bytes`.
pub fn size(bytes: u64) -> String {
    match bytes {
        0..=999 => format!("{bytes} bytes"),
        1_000..=999_499 => format!("{} kB", (bytes + 500) / 1_000),
        _ => format!(
            "{}.{} MB",
            (bytes + 50_000) / 1_000_000,
            (bytes + 50_000) / 100_000 % 10
        ),
    }
}

fn deliveries(message: &MessageRow, desk: &Desk, now: Timestamp) -> Markup {
    html! {
        @if !message.delivery.is_empty() {
            ul.deliveries aria-label="Delivery" {
                @for copy in &message.delivery {
                    li class=(copy.state) { (copy.recipient) ": " (copy.words(&desk.zone, now)) }
                }
            }
        }
    }
}

/// A stretch of a text: prose, or lines that are to stand as they are.
#[derive(Debug, PartialEq, Eq)]
enum Run<'a> {
    Prose(&'a str),
    Code(&'a str),
}

/// Text as prose and code.
pub fn words(text: &str) -> Markup {
    html! {
        @for run in runs(text) {
            @match run {
                Run::Prose(text) => p { (text.trim_matches('\n')) },
                Run::Code(text) => pre { code { (unfenced(text)) } },
            }
        }
    }
}

/// Code without the fences around it.
fn unfenced(text: &str) -> &str {
    let text = text.trim_end();
    let inner = text
        .strip_prefix("```")
        .and_then(|text| text.split_once('\n'))
        .map_or(text, |(_, inner)| inner);
    inner.strip_suffix("```").unwrap_or(inner).trim_end()
}

/// Cuts a text where prose and code change. Blank lines stay with what they follow.
fn runs(text: &str) -> Vec<Run<'_>> {
    let mut found: Vec<(bool, usize, usize)> = Vec::new();
    let (mut at, mut fenced) = (0, false);
    for line in text.split_inclusive('\n') {
        let (from, until) = (at, at + line.len());
        at = until;
        let is_fence = line.trim_start().starts_with("```");
        let is_code = fenced || is_fence || line.starts_with("    ") || line.starts_with('\t');
        fenced ^= is_fence;
        match found.last_mut() {
            Some(last) if last.0 == is_code || (line.trim().is_empty() && !fenced) => last.2 = until,
            _ => found.push((is_code && !line.trim().is_empty(), from, until)),
        }
    }
    let spans = found
        .into_iter()
        .map(|(is_code, from, until)| (is_code, &text[from..until]));
    let spoken = spans.filter(|(_, text)| !text.trim().is_empty());
    spoken
        .map(|(is_code, text)| if is_code { Run::Code(text) } else { Run::Prose(text) })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn indented_and_fenced_lines_are_code() {
        assert_eq!(
            runs("Hello,\n\nlook:\n\n    a: 1\n\n    b: 2\n\nthanks\n"),
            [
                Run::Prose("Hello,\n\nlook:\n\n"),
                Run::Code("    a: 1\n\n    b: 2\n\n"),
                Run::Prose("thanks\n")
            ]
        );
        assert_eq!(
            runs("```\nx\n\ny\n```\nend"),
            [Run::Code("```\nx\n\ny\n```\n"), Run::Prose("end")]
        );
        assert_eq!(runs("\n \n"), []);
        assert_eq!(runs("```\nnever closed"), [Run::Code("```\nnever closed")]);
    }

    #[test]
    fn sizes_are_said_in_two_figures() {
        let said: Vec<_> = [312, 14_200, 1_200_000, 999_600].into_iter().map(size).collect();
        assert_eq!(said, ["312 bytes", "14 kB", "1.2 MB", "1.0 MB"]);
    }

    #[test]
    fn markup_of_a_customer_is_text() {
        let page = words("<script>alert(1)</script>\n\n    <b>&amp;</b>\n").into_string();
        assert!(
            page.contains("&lt;script&gt;") && page.contains("&lt;b&gt;&amp;amp;"),
            "{page}"
        );
        assert!(!page.contains("<script") && !page.contains("<b>"), "{page}");
    }
}
