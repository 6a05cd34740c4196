//! What a bounce says: whom it is about, for how long, and which mail it answers.
//!
//! Promises: machine-readable reports (RFC 3464) are read first, then fields, then the words of servers that write
//! neither; everything bounded. Leaves out: telling a bounce from other mail (`auto.rs` asks the two functions here
//! that know how bounces speak).

use serde::{Deserialize, Serialize};

use crate::limits;
use crate::mail::limit::{self, Outline, Part};
use crate::mail::parse::Understood;
use crate::mail::words;

/// What a bounce says.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bounce {
    /// Addresses that were not reached.
    pub recipients: Vec<String>,
    /// Whether the server gave up; a delay is not permanent.
    pub permanent: bool,
    /// The Message-ID of the mail that did not arrive, without `<>`.
    pub about_message_id: Option<String>,
}

/// Subjects of bounces in lower case.
pub(crate) fn subject_says_undeliverable(subject: &str) -> bool {
    words::UNDELIVERABLE_SUBJECTS.iter().any(|p| subject.contains(p))
}

/// Whether the text is one that mail servers write: it says that something was not delivered and gives a server's
/// words or an address as the reason, before any quoted mail.
pub(crate) fn text_says_undeliverable(mail: &Understood, outline: &Outline<'_>) -> bool {
    let text = beginning(&mail.body_text, 4_096).to_lowercase();
    let speaks = words::UNDELIVERABLE_TEXTS.iter().any(|p| text.contains(p));
    speaks && (carries_original(mail, outline) || text.contains('@') || has_reply_code(&text))
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

/// `550`, `5.1.1`: how servers refuse (RFC 5321 §4.2, RFC 3463).
fn has_reply_code(text: &str) -> bool {
    text.split(|c: char| !(c.is_ascii_digit() || c == '.')).any(|word| {
        let b = word.as_bytes();
        let basic = b.len() == 3 && matches!(b[0], b'4' | b'5') && b.iter().all(u8::is_ascii_digit);
        let enhanced =
            b.len() >= 5 && matches!(b[0], b'4' | b'5') && b[1] == b'.' && b[2].is_ascii_digit() && b[3] == b'.';
        basic || enhanced
    })
}

/// Reads a bounce.
pub(crate) fn read(mail: &Understood, outline: &Outline<'_>) -> Bounce {
    let mut bounce = Bounce {
        permanent: true,
        ..Bounce::default()
    };
    let reported = report(outline, &mut bounce);
    let fields = &outline.parts[0].fields;
    if bounce.recipients.is_empty() {
        for value in fields.every("x-failed-recipients") {
            let line = String::from_utf8_lossy(value).into_owned();
            line.split([',', ' ', '\t'])
                .for_each(|a| add(&mut bounce.recipients, a));
        }
    }
    let text = beginning(&mail.body_text, limits::BOUNCE_TEXT_BYTES);
    if bounce.recipients.is_empty() {
        from_words(mail, text, &mut bounce.recipients);
    }
    if !reported {
        bounce.permanent =
            !says_delayed(&mail.subject.to_lowercase()) && !says_delayed(&before_original(text).to_lowercase());
    }
    bounce.about_message_id = about(mail, outline, text);
    bounce
}

fn says_delayed(text: &str) -> bool {
    words::DELAY.iter().any(|d| text.contains(d)) && !words::FINAL.iter().any(|f| text.contains(f))
}

/// Reads the groups of fields of a delivery status report; false if there is none.
fn report(outline: &Outline<'_>, bounce: &mut Bounce) -> bool {
    let status = outline
        .parts
        .iter()
        .find(|p| p.media.is("message", "delivery-status") || p.media.is("message", "global-delivery-status"));
    let Some(part) = status else { return false };
    let text = String::from_utf8_lossy(outline.body(part)).into_owned();
    let (mut delayed, mut failed) = (0usize, 0usize);
    for group in text
        .replace("\r\n", "\n")
        .split("\n\n")
        .take(limits::BOUNCED_RECIPIENTS)
    {
        let value = |name: &str| {
            group.lines().find_map(|line| {
                let (found, value) = line.split_once(':')?;
                found.trim().eq_ignore_ascii_case(name).then(|| value.trim().to_owned())
            })
        };
        let address =
            |name: &str| value(name).map(|v| v.split_once(';').map_or(v.clone(), |(_, a)| a.trim().to_owned()));
        let Some(recipient) = address("original-recipient")
            .filter(|a| a.contains('@'))
            .or_else(|| address("final-recipient"))
        else {
            continue;
        };
        let action = value("action").unwrap_or_default().to_lowercase();
        let code = value("status").unwrap_or_default();
        match action.as_str() {
            a if a.starts_with("delayed") => delayed += 1,
            a if a.starts_with("failed") => failed += 1,
            a if a.starts_with("delivered") || a.starts_with("relayed") || a.starts_with("expanded") => {
                continue;
            }
            _ if code.starts_with('4') => delayed += 1,
            _ => failed += 1,
        }
        add(&mut bounce.recipients, &recipient);
    }
    if delayed + failed > 0 {
        bounce.permanent = failed > 0;
    }
    delayed + failed > 0
}

fn add(recipients: &mut Vec<String>, address: &str) {
    let address = address
        .trim()
        .trim_matches(['<', '>', '"', '\'', ':', ';', ',', '(', ')', '.', '[', ']']);
    let address = address.strip_prefix("mailto:").unwrap_or(address);
    let fits = address.len() <= 320 && address.split('@').count() == 2 && !address.contains(char::is_whitespace);
    let known = recipients.iter().any(|r| r.eq_ignore_ascii_case(address));
    if fits
        && !address.starts_with('@')
        && !address.ends_with('@')
        && !known
        && recipients.len() < limits::BOUNCED_RECIPIENTS
    {
        recipients.push(address.to_owned());
    }
}

/// The text above the copy of the mail that did not arrive.
fn before_original(text: &str) -> &str {
    let lower = text.to_lowercase();
    let end = if lower.len() == text.len() {
        words::COPIES
            .iter()
            .filter_map(|c| lower.find(c))
            .filter(|at| text.is_char_boundary(*at))
            .min()
    } else {
        None
    };
    end.map_or(text, |end| &text[..end])
}

/// Addresses that the words name, but for the sender's and the reader's own.
fn from_words(mail: &Understood, text: &str, recipients: &mut Vec<String>) {
    let own: Vec<String> = mail
        .from
        .iter()
        .chain(&mail.to)
        .map(|m| m.address.to_lowercase())
        .collect();
    for word in
        before_original(text).split(|c: char| c.is_whitespace() || matches!(c, '<' | '>' | '"' | ',' | '(' | ')'))
    {
        if word.contains('@') && !own.contains(&word.trim_matches(['.', ':', ';']).to_lowercase()) {
            add(recipients, word);
        }
    }
    // "Contact <postmaster@…>" is who helps, not who was missed.
    if recipients.len() > 1 {
        recipients.retain(|r| !r.to_lowercase().starts_with("postmaster@"));
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
