//! What a bounce says: whom it is about, why, for how long, and which mail it answers.
//!
//! Promises: machine-readable reports (RFC 3464) are read first ([`report`]), then fields, then the layouts in which
//! servers write for people ([`layout`]), then any address that stands above the copy; the reason comes from the words
//! beside the address before any number ([`reason`]). Everything bounded. Leaves out: telling a bounce from other mail
//! (`auto.rs` asks the two functions here that know how bounces speak), and whether it may be believed: a bounce is mail
//! from anybody, and what it may do is the desk's decision.

mod layout;
mod reason;
mod report;

use serde::{Deserialize, Serialize};

use crate::limits;
use crate::mail::limit::{self, Outline, Part};
use crate::mail::parse::Understood;
use crate::mail::words;

pub use reason::Reason;

/// What a bounce says.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bounce {
    /// Addresses that were not reached.
    pub recipients: Vec<String>,
    /// Whether the server gave up on any of them; a delay is not permanent.
    pub permanent: bool,
    /// The Message-ID of the mail that did not arrive, without `<>`.
    pub about_message_id: Option<String>,
    /// Nothing failed: the recipient complained (RFC 5965).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub complaint: bool,
    /// The same recipients, each with what was said of it.
    #[serde(default)]
    pub failures: Vec<Failure>,
}

/// What a bounce says of one recipient.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// The address.
    pub recipient: String,
    /// Whether the server gave up.
    pub permanent: bool,
    /// Enhanced status code (RFC 3463), if one is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    /// Why.
    pub reason: Reason,
    /// The server's own words, on one line.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub said: String,
}

/// Words of a server that are kept of one recipient.
const SAID_CHARS: usize = 300;

/// Subjects of bounces in lower case.
pub(crate) fn subject_says_undeliverable(subject: &str) -> bool {
    words::UNDELIVERABLE_SUBJECTS.are_in(subject)
}

/// Whether the text is one that mail servers write: it says that something was not delivered and gives a server's
/// words or an address as the reason, before any quoted mail.
pub(crate) fn text_says_undeliverable(mail: &Understood, outline: &Outline<'_>) -> bool {
    let text = beginning(&mail.body_text, 4_096);
    let speaks = words::UNDELIVERABLE_TEXTS.are_in(text);
    speaks && (carries_original(mail, outline) || text.contains('@') || reply_code(text).is_some())
}

/// Whether the mail that did not arrive came back with the bounce, whole or in part, or the bounce is data of a
/// sending service.
pub(crate) fn carries_original(mail: &Understood, outline: &Outline<'_>) -> bool {
    let part = |p: &Part<'_>| p.media.is("message", "rfc822") || p.media.is("text", "rfc822-headers");
    outline.parts.iter().any(part) || mail.body_text.trim_start().starts_with('{')
}

fn beginning(text: &str, most: usize) -> &str {
    let mut end = most.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

/// The first `550` or `5.1.1` in a text: how servers refuse (RFC 5321 §4.2, RFC 3463).
fn reply_code(text: &str) -> Option<&str> {
    text.split(|c: char| !(c.is_ascii_digit() || c == '.')).find(|word| {
        let b = word.as_bytes();
        let basic = b.len() == 3 && matches!(b[0], b'4' | b'5') && b.iter().all(u8::is_ascii_digit);
        basic || is_status(word)
    })
}

/// `5.1.1`, `4.7.650`.
fn is_status(word: &str) -> bool {
    let mut numbers = word.split('.');
    let class = numbers.next().is_some_and(|n| matches!(n, "4" | "5"));
    let number =
        |n: Option<&str>| n.is_some_and(|n| (1..=3).contains(&n.len()) && n.bytes().all(|b| b.is_ascii_digit()));
    class && number(numbers.next()) && number(numbers.next()) && numbers.next().is_none()
}

fn status_in(text: &str) -> Option<&str> {
    text.split(|c: char| !(c.is_ascii_digit() || c == '.'))
        .map(|word| word.trim_matches('.'))
        .find(|word| is_status(word))
}

/// Reads a bounce.
pub(crate) fn read(mail: &Understood, outline: &Outline<'_>) -> Bounce {
    let text = beginning(&mail.body_text, limits::BOUNCE_TEXT_BYTES);
    let above = layout::before_copy(text);
    let late = lateness(mail, above);
    let groups = report::groups(outline, text);
    let mut failures = reported(&groups, above, late);
    if groups.is_empty() {
        failures = written(mail, outline, text, late);
    }
    if failures.is_empty() && groups.is_empty() {
        // Broken MIME: the words stand between the parts.
        let raw = String::from_utf8_lossy(outline.body(&outline.parts[0])).into_owned();
        failures = written(mail, outline, beginning(&raw, limits::BOUNCE_TEXT_BYTES), late);
    }
    failures.truncate(limits::BOUNCED_RECIPIENTS);
    Bounce {
        recipients: failures.iter().map(|f| f.recipient.clone()).collect(),
        permanent: match failures.is_empty() {
            true => late == Lateness::Failed && groups.is_empty(),
            false => failures.iter().any(|f| f.permanent),
        },
        about_message_id: about(mail, outline, text),
        complaint: false,
        failures,
    }
}

/// A feedback report about one of our mails: who complained. Nothing failed.
pub(crate) fn complaint(mail: &Understood, outline: &Outline<'_>) -> Bounce {
    let recipients = report::complainants(outline);
    let failure = |recipient: &String| Failure {
        recipient: recipient.clone(),
        reason: Reason::Complaint,
        ..Failure::default()
    };
    Bounce {
        failures: recipients.iter().map(failure).collect(),
        recipients,
        permanent: false,
        complaint: true,
        about_message_id: about(mail, outline, beginning(&mail.body_text, limits::BOUNCE_TEXT_BYTES)),
    }
}

/// Recipients of a report for machines; the words for people explain them where it does not.
fn reported(groups: &[report::Group], above: &str, late: Lateness) -> Vec<Failure> {
    let mut failures: Vec<Failure> = Vec::new();
    for group in groups {
        let permanent = match group.action.as_str() {
            a if a.starts_with("delay") => false,
            a if a.starts_with("fail") || a.starts_with("bounced") => true,
            a if a.starts_with("deliver") || a.starts_with("relay") || a.starts_with("expand") => continue,
            _ if group.status.starts_with('4') => false,
            _ if group.status.starts_with('2') => continue,
            _ => late == Lateness::Failed,
        };
        let recipient = clean(&group.recipient);
        let known = failures.iter().any(|f| f.recipient.eq_ignore_ascii_case(&recipient));
        if recipient.is_empty() || known {
            continue;
        }
        let beside = layout::words_about(above, &recipient);
        let reason = [group.diagnostic.as_str(), beside.as_str()]
            .into_iter()
            .find_map(telling)
            .or_else(|| reason::of_status(&group.status))
            .or_else(|| by_number(&group.diagnostic))
            .or_else(|| reason::of_words(&group.diagnostic))
            .or_else(|| reason::of_words(above));
        let said = match group.diagnostic.is_empty() {
            true => beside,
            false => group.diagnostic.clone(),
        };
        failures.push(Failure {
            recipient,
            permanent,
            status: is_status(&group.status).then(|| group.status.clone()),
            reason: reason.unwrap_or_default(),
            said: one_line(&said),
        });
    }
    failures
}

/// What the words mean, unless they only say that something was refused: then a number may know more.
fn telling(said: &str) -> Option<Reason> {
    reason::of_words(said).filter(|reason| *reason != Reason::Policy || says_more_than_refused(said))
}

fn says_more_than_refused(said: &str) -> bool {
    let said = said.to_lowercase();
    ["policy", "policies", "dmarc", "dkim", "spf", "authenticat"]
        .iter()
        .any(|w| said.contains(w))
}

fn by_number(said: &str) -> Option<Reason> {
    status_in(said)
        .and_then(reason::of_status)
        .or_else(|| reply_code(said).and_then(reason::of_code))
}

/// Recipients from fields, layouts and words, surest first.
fn written(mail: &Understood, outline: &Outline<'_>, text: &str, late: Lateness) -> Vec<Failure> {
    let own = own_addresses(mail);
    let above = layout::before_copy(text);
    let mut named = Vec::new();
    for value in outline.parts[0].fields.every("x-failed-recipients") {
        let line = String::from_utf8_lossy(value).into_owned();
        for address in layout::addresses(&line) {
            add(&mut named, address);
        }
    }
    let listed = layout::read(above, &own);
    if named.is_empty() {
        listed.iter().for_each(|one| add(&mut named, &one.address));
    }
    if named.is_empty() {
        from_words(above, &own, &mut named);
    }
    if named.is_empty() {
        the_one_reader(outline, &text[above.len()..], &mut named);
    }
    let whole = format!("{} {above}", mail.subject);
    named
        .into_iter()
        .map(|recipient| {
            let beside = listed.iter().find(|one| one.address.eq_ignore_ascii_case(&recipient));
            let beside = beside.map(|one| one.said.as_str()).unwrap_or_default();
            let session = layout::words_about(above, &recipient);
            let reason = telling(beside)
                .or_else(|| telling(&session))
                .or_else(|| by_number(beside))
                .or_else(|| by_number(&session))
                .or_else(|| reason::of_words(beside))
                .or_else(|| telling(&whole))
                .or_else(|| by_number(&whole))
                .or_else(|| reason::of_words(&whole));
            let said = if beside.is_empty() { session.as_str() } else { beside };
            let status = status_in(beside).or_else(|| status_in(&session));
            let refused = [beside, session.as_str()].iter().any(|said| says_refused(said));
            Failure {
                permanent: late == Lateness::Failed || (late == Lateness::Likely && refused),
                status: status.map(str::to_owned),
                reason: reason.unwrap_or_default(),
                said: one_line(said),
                recipient,
            }
        })
        .collect()
}

/// A reply of the fifth class stands in the words.
fn says_refused(said: &str) -> bool {
    reply_code(said).is_some_and(|code| code.starts_with('5'))
}

fn own_addresses(mail: &Understood) -> Vec<String> {
    let people = mail.from.iter().chain(&mail.to);
    people.map(|m| m.address.to_lowercase()).collect()
}

fn one_line(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    words.join(" ").chars().take(SAID_CHARS).collect()
}

/// Whether something failed or is only late, as the words say it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Lateness {
    /// It says so.
    Delayed,
    /// It speaks like a notice of delay; a number beside the address may know better.
    Likely,
    Failed,
}

/// Whether the bounce is a notice of delay. The subject decides where it says either; else the words above the copy.
fn lateness(mail: &Understood, above: &str) -> Lateness {
    let subject = &mail.subject;
    match (words::DELAY.are_in(subject), words::FINAL.are_in(subject)) {
        _ if words::ONLY_DELAY.are_in(above) => Lateness::Delayed,
        (true, false) => Lateness::Delayed,
        (false, true) => Lateness::Failed,
        _ if words::DELAY.are_in(above) && !words::FINAL.are_in(above) => Lateness::Likely,
        _ => Lateness::Failed,
    }
}

/// An address without what stands around it in texts; empty if it is none.
fn clean(address: &str) -> String {
    layout::addresses(address).next().unwrap_or_default().to_owned()
}

fn add(recipients: &mut Vec<String>, address: &str) {
    let address = clean(address);
    let known = recipients.iter().any(|r| r.eq_ignore_ascii_case(&address));
    if !address.is_empty() && !known && recipients.len() < limits::BOUNCED_RECIPIENTS {
        recipients.push(address);
    }
}

/// Addresses that the words above the copy name, but for the sender's and the reader's own and what fields of the copied
/// mail hold.
fn from_words(above: &str, own: &[String], recipients: &mut Vec<String>) {
    for line in above.lines() {
        let lower = line.trim_start().to_lowercase();
        let field = [
            "message-id:",
            "from:",
            "mail from:",
            "sender:",
            "reply-to:",
            "references:",
            "in-reply-to:",
            "return-path:",
        ];
        if field.iter().any(|name| lower.starts_with(name)) {
            continue;
        }
        for address in layout::addresses(line) {
            if !own.contains(&address.to_lowercase()) {
                add(recipients, address);
            }
        }
    }
    // "Contact <postmaster@…>" is who helps, not who was missed.
    if recipients.len() > 1 {
        recipients.retain(|r| !layout::is_postmaster(r));
    }
}

/// Nobody is named: then it was who stands alone in To of the returned copy.
fn the_one_reader(outline: &Outline<'_>, copy: &str, recipients: &mut Vec<String>) {
    let part = |p: &&Part<'_>| p.media.is("message", "rfc822") || p.media.is("text", "rfc822-headers");
    let mut to: Vec<String> = Vec::new();
    let mut read = |header: &[u8]| {
        let fields = limit::outline(header);
        to.extend(fields.parts[0].fields.mailboxes("to").into_iter().map(|m| m.address));
    };
    if let Some(part) = outline.parts.iter().find(part) {
        let body = outline.body(part);
        read(&body[..body.len().min(limits::HEADER_BLOCK_BYTES)]);
    } else {
        let header = copy.find("\n\n").map_or(copy, |end| &copy[..end]);
        let bare: Vec<&str> = header.lines().map(|l| l.trim_start_matches(['>', '|'])).collect();
        for line in bare {
            let field = line.get(..3).is_some_and(|name| name.eq_ignore_ascii_case("to:"));
            if field {
                to.extend(layout::addresses(&line[3..]).map(str::to_owned));
            }
        }
    }
    if let [one] = to.as_slice() {
        add(recipients, one);
    }
}

/// The Message-ID of the mail that did not arrive: in its copy, in the words, or where an answer names it.
fn about(mail: &Understood, outline: &Outline<'_>, text: &str) -> Option<String> {
    let copy = outline
        .parts
        .iter()
        .skip(1)
        .find_map(|p| p.fields.ids("message-id").into_iter().next());
    let headers = || {
        let part = outline
            .parts
            .iter()
            .find(|p| p.media.is("text", "rfc822-headers") || p.media.is("message", "rfc822"))?;
        let body = outline.body(part);
        limit::outline(&body[..body.len().min(limits::HEADER_BLOCK_BYTES)]).parts[0]
            .fields
            .ids("message-id")
            .into_iter()
            .next()
    };
    let words = || {
        text.lines().find_map(|line| {
            let trimmed = line.trim_start_matches(['>', ' ', '\t', '|']);
            let rest = trimmed
                .get(..11)
                .filter(|h| h.eq_ignore_ascii_case("message-id:"))
                .map(|_| &trimmed[11..])?;
            let id = rest.trim().trim_matches(['<', '>']);
            (!id.is_empty() && id.len() < 998).then(|| id.to_owned())
        })
    };
    copy.or_else(headers)
        .or_else(words)
        .or_else(|| mail.in_reply_to.first().cloned())
        .or_else(|| mail.references.last().cloned())
}

#[cfg(test)]
mod tests {
    use crate::mail::auto::Auto;
    use crate::mail::parse::understand;

    #[test]
    fn a_report_names_recipient_permanence_and_the_lost_mail() {
        let raw = b"From: <>\nContent-Type: multipart/report; report-type=delivery-status; boundary=b\n\n--b\n\nSorry.\n--b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; mx.x.org\n\nFinal-Recipient: rfc822; bob@y.org\nAction: failed\nStatus: 5.1.1\n--b\nContent-Type: message/rfc822\n\nMessage-ID: <lost@desk>\nSubject: x\n\nhi\n--b--\n";
        let mail = understand(raw);
        assert_eq!(mail.auto, Auto::Bounce);
        let bounce = mail.bounce.expect("a bounce");
        assert_eq!(
            (bounce.recipients, bounce.permanent, bounce.about_message_id.as_deref()),
            (vec!["bob@y.org".to_owned()], true, Some("lost@desk"))
        );
    }

    #[test]
    fn a_delay_is_not_permanent() {
        let raw = b"From: MAILER-DAEMON@x.org\nSubject: Warning: could not send message for past 4 hours\n\nThe mail to <bob@y.org> was deferred. We will keep trying.\n";
        let bounce = understand(raw).bounce.expect("a bounce");
        assert!(!bounce.permanent);
        assert_eq!(bounce.recipients, ["bob@y.org"]);
    }

    #[test]
    fn a_report_of_success_is_a_machines_mail_and_no_bounce() {
        let raw = b"From: postmaster@x.org\nContent-Type: multipart/report; report-type=delivery-status; boundary=b\n\n--b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; x\n\nFinal-Recipient: rfc822; bob@y.org\nAction: delivered\n--b--\n";
        assert_eq!(understand(raw).auto, Auto::AutoGenerated);
    }
}
