//! Reports that machines write for machines: delivery status (RFC 3464), feedback (RFC 5965), and the JSON of sending
//! services.
//!
//! Promises: groups of fields are read wherever they stand, in a part of their own or, from servers that forgot to say so,
//! in the text; folded lines are one. Leaves out: what the words mean.

use serde_json::Value as Json;

use crate::limits;
use crate::mail::limit::Outline;

/// What a report says of one recipient.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Group {
    pub recipient: String,
    /// `failed`, `delayed`, …; lower case, empty where nothing is said.
    pub action: String,
    /// `5.1.1`; empty where nothing is said.
    pub status: String,
    /// The server's own words.
    pub diagnostic: String,
}

/// The groups of a delivery status report; empty if there is none.
pub(super) fn groups(outline: &Outline<'_>, text: &str) -> Vec<Group> {
    let part = outline
        .parts
        .iter()
        .find(|p| p.media.is("message", "delivery-status") || p.media.is("message", "global-delivery-status"));
    let found = match part {
        Some(part) => read(&String::from_utf8_lossy(outline.body(part))),
        None => Vec::new(),
    };
    if !found.is_empty() {
        return found;
    }
    // Some servers put the fields into a text of no type; a person who quotes one does not begin a line with both.
    let begins = |name: &str| {
        text.match_indices('\n').any(|(at, _)| {
            let line = &text.as_bytes()[at + 1..];
            line.get(..name.len())
                .is_some_and(|begin| begin.eq_ignore_ascii_case(name.as_bytes()))
        })
    };
    let fields = begins("final-recipient:") && (begins("action:") || begins("status:"));
    if fields { read(text) } else { json(text) }
}

fn read(text: &str) -> Vec<Group> {
    let mut found = Vec::new();
    for group in unfolded(text).split("\n\n").take(limits::BOUNCED_RECIPIENTS) {
        let value = |name: &str| {
            group.lines().find_map(|line| {
                let (found, value) = line.split_once(':')?;
                found.trim().eq_ignore_ascii_case(name).then(|| value.trim().to_owned())
            })
        };
        // `rfc822; bob@y.org`, and without the type from many.
        let typed = |value: String| {
            value
                .split_once(';')
                .map_or(value.clone(), |(_, rest)| rest.trim().to_owned())
        };
        let bare = |value: String| {
            let words = typed(value);
            super::layout::addresses(&words)
                .next()
                .map_or(words.clone(), str::to_owned)
        };
        let Some(recipient) = value("original-recipient")
            .map(bare)
            .filter(|a| a.contains('@'))
            .or_else(|| value("final-recipient").map(bare))
            .or_else(|| value("x-actual-recipient").map(bare).filter(|a| a.contains('@')))
        else {
            continue;
        };
        let status = value("status").unwrap_or_default();
        found.push(Group {
            recipient,
            action: value("action").unwrap_or_default().to_lowercase(),
            status: status.split([' ', '(']).next().unwrap_or_default().to_owned(),
            diagnostic: value("diagnostic-code").map(typed).unwrap_or_else(|| {
                let comment = status
                    .split_once('(')
                    .map(|(_, rest)| rest.trim_end_matches(')').to_owned());
                comment.or_else(|| value("x-supplementary-info")).unwrap_or_default()
            }),
        });
    }
    found
}

/// One field a line: what begins with a blank belongs to the line above.
fn unfolded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for line in text.lines() {
        match (
            line.starts_with([' ', '\t']) && !out.is_empty() && !out.ends_with("\n\n"),
            line.trim(),
        ) {
            (_, "") => out.push('\n'),
            (true, rest) => {
                out.truncate(out.trim_end_matches('\n').len());
                out.push(' ');
                out.push_str(rest);
                out.push('\n');
            }
            (false, _) => {
                out.push_str(line.trim_end());
                out.push('\n');
            }
        }
    }
    out
}

/// The notifications of sending services: an object with a list of bounced recipients.
fn json(text: &str) -> Vec<Group> {
    let text = text.trim_start();
    if !text.starts_with('{') {
        return Vec::new();
    }
    // Line ends of the transport may stand inside of it, and a footer behind it.
    let one_line: String = text.chars().filter(|c| !matches!(c, '\n' | '\r')).collect();
    let mut values = serde_json::Deserializer::from_str(&one_line).into_iter::<Json>();
    let parsed = match values.next() {
        Some(Ok(value)) => value,
        _ => return from_broken_json(&one_line),
    };
    let list = |path: &[&str]| {
        path.iter()
            .fold(&parsed, |at, key| &at[*key])
            .as_array()
            .cloned()
            .unwrap_or_default()
    };
    let bounced = list(&["bounce", "bouncedRecipients"]);
    let text = |one: &Json, key: &str| one[key].as_str().unwrap_or_default().to_owned();
    let group = |one: &Json| Group {
        recipient: text(one, "emailAddress"),
        action: text(one, "action").to_lowercase(),
        status: text(one, "status"),
        diagnostic: text(one, "diagnosticCode"),
    };
    bounced.iter().take(limits::BOUNCED_RECIPIENTS).map(group).collect()
}

/// The same where the transport broke the object: only what stands in the list itself.
fn from_broken_json(text: &str) -> Vec<Group> {
    let Some(at) = text.find("\"bouncedRecipients\":[") else {
        return Vec::new();
    };
    let list = &text[at + 20..];
    let list = &list[..list.find(']').unwrap_or(list.len())];
    let value = |key: &str| {
        let at = list.find(&format!("\"{key}\":\""))? + key.len() + 4;
        list[at..].split('"').next().map(str::to_owned)
    };
    let recipient = value("emailAddress").unwrap_or_default();
    if !recipient.contains('@') {
        return Vec::new();
    }
    vec![Group {
        recipient,
        action: value("action").unwrap_or_default().to_lowercase(),
        status: value("status").unwrap_or_default(),
        diagnostic: value("diagnosticCode").unwrap_or_default(),
    }]
}

/// Who complained, from a feedback report (RFC 5965 §3.2): the recipients it names.
pub(super) fn complainants(outline: &Outline<'_>) -> Vec<String> {
    let Some(part) = outline.parts.iter().find(|p| p.media.is("message", "feedback-report")) else {
        return Vec::new();
    };
    let text = unfolded(&String::from_utf8_lossy(outline.body(part)));
    let named = text.lines().filter_map(|line| {
        let (name, value) = line.split_once(':')?;
        let name = name.trim().to_ascii_lowercase();
        let said = matches!(name.as_str(), "original-rcpt-to" | "removal-recipient");
        said.then(|| super::layout::addresses(value).next().map(str::to_owned))
            .flatten()
    });
    named.take(limits::BOUNCED_RECIPIENTS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folded_fields_are_one_and_every_group_has_its_own_words() {
        let found = read(
            "Reporting-MTA: dns; mx.x.org\n\nFinal-Recipient: rfc822; bob@y.org\nAction: failed\nStatus: 5.2.2 (over quota)\nDiagnostic-Code: smtp; 552-5.2.2 the mailbox\n is full\n\nFinal-Recipient: rfc822;<eve@y.org>\nAction: delayed\nStatus: 4.4.1\n",
        );
        assert_eq!(found.len(), 2);
        assert_eq!(
            (found[0].recipient.as_str(), found[0].status.as_str()),
            ("bob@y.org", "5.2.2")
        );
        assert_eq!(found[0].diagnostic, "552-5.2.2 the mailbox is full");
        assert_eq!(
            (found[1].recipient.as_str(), found[1].action.as_str()),
            ("eve@y.org", "delayed")
        );
    }

    #[test]
    fn a_services_object_is_read_whole_and_broken() {
        let whole = r#"{"notificationType":"Bounce","bounce":{"bounceType":"Permanent","bouncedRecipients":[{"emailAddress":"bob@y.org","status":"5.1.1","action":"failed","diagnosticCode":"smtp; 550 no"}]}}"#;
        for text in [whole.to_owned(), whole.replace("}}", "}!\n }")] {
            let found = json(&text);
            assert_eq!(found.len(), 1, "{text}");
            assert_eq!(
                (found[0].recipient.as_str(), found[0].status.as_str()),
                ("bob@y.org", "5.1.1")
            );
        }
        assert_eq!(json("{\"a\":1}"), []);
        assert_eq!(json("{"), []);
    }
}
