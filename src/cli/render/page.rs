//! A case, or a slice of it, on one screen: the promise first, then the newest words.

use super::state;
use crate::desk::queue::{CasePage, CaseRow, MessageRow, PromiseRow};
use crate::desk::verb::SliceAnswer;
use jiff::Timestamp;
use plan::{Zone, say};
use std::fmt::Write as _;

/// Lines of the newest message that `next` shows, and of each older one.
const NEWEST_LINES: usize = 60;
const OLDER_LINES: usize = 12;
/// Messages that `next` shows.
const MESSAGES: usize = 3;

/// Writing into a text cannot fail; this says so once.
macro_rules! put {
    ($text:ident, $($words:tt)*) => {{ let _ = writeln!($text, $($words)*); }};
}

/// What `next` gives: why this one, what was left behind, and what people said last.
pub fn slice(slice: &SliceAnswer, zone: &Zone, now: Timestamp) -> String {
    let row = &slice.row;
    let mut text = String::new();
    put!(text, "{}  {}", row.case, row.subject);
    put!(
        text,
        "      {} · severity {} · {}",
        row.customer,
        row.severity,
        row.lane
    );
    promises(&mut text, row, &slice.promises, zone, now);
    if let Some(context) = &slice.context {
        put!(text, "      Left behind: {context}");
    }
    put!(text, "      Why this one: {}", slice.why);
    for advice in &slice.advice {
        put!(text, "      {advice}");
    }
    let said = slice.messages.iter().filter(|one| !is_automatic(one)).take(MESSAGES);
    for (place, one) in said.enumerate() {
        let most = if place == 0 { NEWEST_LINES } else { OLDER_LINES };
        message(&mut text, row.case, one, most, zone, now);
    }
    let case = row.case;
    let _ = write!(
        text,
        "\nduly reply {case} · duly wait {case} … · duly note {case} · duly skip REASON"
    );
    text
}

/// What `show` gives: everything about a case.
pub fn case(page: &CasePage, zone: &Zone, now: Timestamp) -> String {
    let row = &page.row;
    let mut text = String::new();
    put!(text, "{}  {}", row.case, row.subject);
    let public = page
        .list
        .as_deref()
        .map_or(String::new(), |list| format!(" · public, through {list}"));
    put!(
        text,
        "      {} · {} · severity {} · {}{public}",
        row.customer,
        state(row),
        row.severity,
        row.lane
    );
    promises(&mut text, row, &page.promises, zone, now);
    if let Some(wake) = row.wake_at {
        let party = row.waits_for.as_deref().unwrap_or("a date");
        put!(text, "      waiting for {party} until {}", say::short(wake, zone, now));
    }
    if row.reply_under_way {
        put!(text, "      reply under way");
    }
    let people: Vec<String> = page
        .people
        .iter()
        .map(|(name, address)| format!("{name} <{address}>"))
        .collect();
    if !people.is_empty() {
        put!(text, "      on it: {}", people.join(", "));
    }
    if let Some(other) = page.merged_into {
        put!(
            text,
            "      merged into case {other}; `duly unmerge {}` parts them",
            row.case
        );
    }
    if let Some(offer) = &page.offered {
        put!(text, "      may belong to case {}: {}", offer.case, offer.why);
        put!(text, "      `duly merge {}` puts it there", row.case);
    }
    for one in &page.bounced {
        put!(text, "      {}", one.words(zone, now));
    }
    for one in &page.messages {
        let most = if is_automatic(one) { 0 } else { usize::MAX };
        message(&mut text, row.case, one, most, zone, now);
    }
    let more = page.message_count - page.messages.len() as i64;
    if more > 0 {
        put!(text, "\n{more} older messages: `duly log {}`", row.case);
    }
    text.truncate(text.trim_end().len());
    text
}

fn promises(text: &mut String, row: &CaseRow, promises: &[PromiseRow], zone: &Zone, now: Timestamp) {
    let who = row.owner.as_deref().unwrap_or("nobody yet");
    for promise in promises.iter().filter(|one| one.state == "open") {
        let due = say::line(promise.due, zone, now);
        let risk = if promise.at_risk { " · at risk" } else { "" };
        put!(text, "      reply by {due} · {} · {who}{risk}", promise.word);
        if let Some(trouble) = &promise.trouble {
            put!(text, "      at risk: {}", trouble.said(zone, now));
        }
        if let Some(at) = promise.offered {
            put!(
                text,
                "      offered instead: {}, until they accept the time above stands",
                say::short(at, zone, now)
            );
        }
        if let Some(at) = promise.wished {
            put!(
                text,
                "      they ask for {}: `duly promise {} --accept` or `--refuse`",
                say::short(at, zone, now),
                row.case
            );
        }
    }
}

/// Written by the desk: it says nothing that the rest of the page does not.
fn is_automatic(message: &MessageRow) -> bool {
    message.way == "out" && !matches!(message.kind.as_str(), "answer" | "question" | "finding")
}

fn message(text: &mut String, case: i64, message: &MessageRow, most: usize, zone: &Zone, now: Timestamp) {
    let inside = if message.way == "note" { " · internal" } else { "" };
    let doubt = match message.verified || message.way != "in" {
        true => "",
        false => " · not verified",
    };
    let rule = message.rule().map_or(String::new(), |rule| format!(" · {rule}"));
    put!(
        text,
        "\n── {} · {} <{}> · {}{inside}{doubt}{rule} · message {}",
        say::short(message.at, zone, now),
        message.from,
        message.address,
        message.kind,
        message.message
    );
    if let Some(origin) = &message.facts.origin {
        put!(text, "   who wrote it: {}", origin.reason);
        if !origin.results.is_empty() {
            put!(text, "   [checks] {}", origin.results);
        }
    }
    for remark in &message.facts.remarks {
        put!(text, "   [note] {remark}");
    }
    let count = message.text.lines().count();
    for line in message.text.lines().take(most) {
        put!(text, "{}", format!("   {line}").trim_end());
    }
    if count > most {
        let more = count - most;
        let further = if most == 0 { "" } else { "more " };
        put!(
            text,
            "   … {more} {further}lines: `duly raw {case} {}`",
            message.message
        );
    }
    for file in &message.facts.files {
        put!(
            text,
            "   [file] {} ({}, {} bytes)",
            file.name,
            file.content_type,
            file.size
        );
    }
    for delivery in &message.delivery {
        put!(text, "   → {}: {}", delivery.recipient, delivery.words(zone, now));
    }
}
