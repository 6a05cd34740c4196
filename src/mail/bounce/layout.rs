//! Bounces written for people: the families of layouts in which mail servers say whom they could not reach.
//!
//! Promises: one table; a row is a kind of layout, not a program: an opening sentence, then the addresses, each with the
//! server's words. What stands in the copy of the returned mail is never read as a failed recipient. Everything is
//! bounded by the text's own bound. Leaves out: what the words mean (`reason.rs`).

use std::sync::LazyLock;

use crate::limits;
use crate::mail::words::{self, Rows};

/// An address that a bounce names, with the words that stand beside it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Named {
    /// As written.
    pub address: String,
    /// The server's words about it, on one line; may be empty.
    pub said: String,
}

/// Where the addresses stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Take {
    /// In lines behind the opening one, each at the beginning of its line; what is not an address explains the last one.
    Listed,
    /// In the same line as the words, behind them.
    Here,
    /// In a copied SMTP session: `554 <a@b>... words`, `>>> RCPT To:<a@b>` and the answer below it.
    Session,
}

struct Layout {
    /// Where it is known from; for tests and readers.
    #[cfg_attr(not(test), expect(dead_code, reason = "said in tests"))]
    known_from: &'static str,
    /// Words of the line that opens it, lower case.
    opens: &'static [&'static str],
    take: Take,
}

/// From the surest to the faintest; the first that finds an address decides.
#[rustfmt::skip]
const LAYOUTS: &[Layout] = &[
    Layout { known_from: "sendmail and its kin", take: Take::Listed, opens: &[
        "addresses had permanent fatal errors", "addresses had fatal errors", "addresses had permanent delivery errors",
        "addresses had transient", "addresses had delivery", "addresses have delivery notifications",
        "addresses had successful delivery", "addresses had permanent",
    ]},
    Layout { known_from: "Smail, older gateways", take: Take::Listed, opens: &[
        "failed addresses follow", "failed recipients follow", "list of failed addresses", "failed address:",
    ]},
    Layout { known_from: "Exim", take: Take::Listed, opens: &[
        "following address(es) failed", "following addresses failed", "the following addresses failed", "address(es) failed:",
        "delivery to the following address", "the following message to <", "following addresses is being delayed",
        "has not yet been delivered to the following", "the address to which the message has not yet been delivered is",
        "addresses to which the message has not yet been delivered are", "following recipients failed",
    ]},
    Layout { known_from: "qmail, ezmlm, Postfix, OpenSMTPD, Yahoo, Courier, DragonFly", take: Take::Listed, opens: &[
        "hi. this is the", "this is the mail system at host", "this is the mailer-daemon", "this is the mail delivery",
        "unable to deliver your message to the following", "unable to deliver message to the following",
        "not able to deliver your message to the following", "wasn't able to deliver your message to the following",
        "list of recipients", "the following recipient(s)", "this is the postfix program at", "this is the dragonfly mail agent",
        "i wasn't able to deliver your message", "below is the result of the message delivery", "unable to deliver your message",
        "unable to deliver the message", "cannot be delivered to the following", "returned to you because of",
    ]},
    Layout { known_from: "Exchange, X.400, GroupWise, Novell, MDaemon", take: Take::Listed, opens: &[
        "did not reach the following recipient", "could not be delivered to the following", "recipient(s) could not be reached",
        "recipients could not be reached", "recipient(s) cannot be reached", "delivery has failed to these recipients",
        "delivery to the following recipients", "not delivered to the following", "delivery to these recipients",
        "undeliverable to the following", "mail not delivered to", "failed to deliver to the following", "couldn't be delivered to the following",
        "following recipient(s) was not delivered", "failed to be delivered to the following", "the following recipients",
        "following users", "to the following user", "message could not be delivered to these", "folgende empfänger",
        "folgenden empfänger", "aux destinataires suivants", "destinataires suivants", "los destinatarios siguientes",
        "siguientes destinatarios", "i seguenti destinatari", "ai seguenti destinatari", "os seguintes destinatários",
        "volgende geadresseerden", "volgende ontvangers", "следующим получателям", "następujących adresatów", "以下のメールアドレス",
        "次の宛先", "以下の宛先", "次の受信者", "下記の宛先", "以下收件人", "下列收件人", "다음 수신자",
    ]},
    Layout { known_from: "Gmail, Google Groups, Domino", take: Take::Listed, opens: &[
        "delivery to the following recipient", "was not delivered to:", "was not delivered to", "were not delivered to",
        "cannot deliver to the following", "couldn't deliver to the following", "failed permanently",
    ]},
    Layout { known_from: "Zoho, 1&1, hosting services", take: Take::Listed, opens: &[
        "this is a permanent error", "addresses that failed", "to one or more of its recipients", "one or more recipients",
        "to one or more", "could not be delivered to", "could not deliver", "couldn't be delivered",
    ]},
    Layout { known_from: "old sendmail: nothing but the session", take: Take::Session, opens: &[
        "transcript of session follows", "transcript follows", "session transcript", "while talking to",
    ]},
    Layout { known_from: "forms: one field a line", take: Take::Here, opens: &[
        "rcpt to:", "target mail address:", "failed recipient:", "failed address:", "recipient address:", "final recipient:",
        "original recipient:", "intended recipient:", "recipient:", "unknown user:", "unknown local user:", "invalid user:",
        "user unknown:", "invalid final delivery userid:", "delivery failed:", "undeliverable to", "undeliverable  to", "undeliverable address:", "delivery failed", "addressed to",
        "exceeds allowed size:", "mailbox is full:", "mailbox full:", "unknown address:", "address:", "empfänger:", "destinataire",
        "destinatario:", "delivery to", "your message to", "your mail to", "message to", "message for", "mail for", "受信者:", "宛先:",
    ]},
];

static OPENS: LazyLock<Rows> = LazyLock::new(|| Rows::new(LAYOUTS.iter().map(|layout| layout.opens)));

/// Whom the text above the copy says it could not reach. `own` are addresses that cannot be meant: the bounce's sender and reader, lower case.
pub(super) fn read(above: &str, own: &[String]) -> Vec<Named> {
    let lines: Vec<&str> = above.lines().take(LINES).collect();
    let opened = OPENS.found_in(above);
    for (layout, _) in LAYOUTS.iter().zip(opened).filter(|(_, opened)| *opened) {
        let found = match layout.take {
            Take::Listed => listed(&lines, layout, own),
            Take::Here => here(&lines, layout, own),
            Take::Session => session(&lines, layout, own),
        };
        if !found.is_empty() {
            return found;
        }
    }
    Vec::new()
}

/// Lines of a bounce that are looked at; the copy of the mail stands behind them.
const LINES: usize = 1_000;
/// Words kept of one refusal.
const SAID_BYTES: usize = 800;

fn opening<'a>(lines: &'a [&'a str], layout: &'a Layout) -> impl Iterator<Item = (usize, usize)> + 'a {
    lines.iter().enumerate().filter_map(|(at, line)| {
        let lower = line.to_lowercase();
        let hit = layout
            .opens
            .iter()
            .find_map(|o| lower.find(o).map(|from| from + o.len()))?;
        // Lower case may have another length; then the whole line is looked at.
        Some((
            at,
            if lower.len() == line.len() && line.is_char_boundary(hit) {
                hit
            } else {
                0
            },
        ))
    })
}

fn listed(lines: &[&str], layout: &Layout, own: &[String]) -> Vec<Named> {
    let mut found: Vec<Named> = Vec::new();
    let Some((at, rest)) = opening(lines, layout).next() else {
        return found;
    };
    let first = &lines[at][rest..];
    for line in std::iter::once(&first).chain(&lines[at + 1..]) {
        let bare = line.trim();
        if !found.is_empty() && is_rule(bare) {
            break;
        }
        match leading_address(bare) {
            Some((address, said)) => {
                put(&mut found, address, said);
            }
            None => {
                if let Some(last) = found.last_mut() {
                    say(&mut last.said, bare);
                }
            }
        }
        if found.len() >= limits::BOUNCED_RECIPIENTS {
            break;
        }
    }
    // Who wrote and who reads the bounce is named in passing; where nobody else is, they are meant.
    let passing = |one: &Named| own.contains(&one.address.to_lowercase()) || is_postmaster(&one.address);
    if found.iter().any(|one| !passing(one)) {
        found.retain(|one| !passing(one));
    }
    found
}

/// Whom a bounce names as help.
pub(super) fn is_postmaster(address: &str) -> bool {
    address
        .get(..11)
        .is_some_and(|local| local.eq_ignore_ascii_case("postmaster@"))
}

fn here(lines: &[&str], layout: &Layout, own: &[String]) -> Vec<Named> {
    let mut found = Vec::new();
    for (at, rest) in opening(lines, layout).take(limits::BOUNCED_RECIPIENTS) {
        let Some(address) = addresses(&lines[at][rest..]).next() else {
            continue;
        };
        if own.contains(&address.to_lowercase()) {
            continue;
        }
        let said = lines[at..lines.len().min(at + 4)].join(" ");
        put(&mut found, address, &said);
    }
    found
}

fn session(lines: &[&str], layout: &Layout, own: &[String]) -> Vec<Named> {
    let mut found: Vec<Named> = Vec::new();
    let Some((at, _)) = opening(lines, layout).next() else {
        return found;
    };
    for line in &lines[at..] {
        let bare = line.trim();
        let refused = bare.as_bytes().first().is_some_and(|b| matches!(b, b'4' | b'5'))
            && bare
                .get(..3)
                .is_some_and(|code| code.bytes().all(|b| b.is_ascii_digit()));
        let asked = bare
            .strip_prefix(">>>")
            .is_some_and(|said| said.to_lowercase().contains("rcpt to"));
        if !(refused || asked) {
            if let (Some(last), Some(answer)) = (found.last_mut(), bare.strip_prefix("<<<")) {
                say(&mut last.said, answer);
            }
            continue;
        }
        for address in addresses(bare).take(1) {
            if !own.contains(&address.to_lowercase()) {
                put(&mut found, address, if refused { bare } else { "" });
            }
        }
    }
    found
}

/// The words about an address anywhere above the copy: lines that name it together with a server's code, and the answer
/// to the command that named it; else the last refusal of the session.
pub(super) fn words_about(above: &str, address: &str) -> String {
    let lower = address.to_lowercase();
    let (mut said, mut last, mut asked) = (String::new(), "", false);
    for line in above.lines().take(LINES) {
        let bare = line.trim();
        let answer = bare.strip_prefix("<<<").map(str::trim);
        if let Some(answer) = answer {
            if answer.starts_with(['4', '5']) {
                last = answer;
                if asked {
                    say(&mut said, answer);
                }
            }
            continue;
        }
        let names = bare.contains('@') && bare.to_lowercase().contains(&lower);
        if bare.starts_with(">>>") {
            asked = names;
        } else if names && super::reply_code(bare).is_some() {
            say(&mut said, bare);
        } else if super::reply_code(bare).is_some() {
            last = bare;
        }
    }
    if said.is_empty() {
        said.push_str(last);
    }
    said
}

fn put(found: &mut Vec<Named>, address: &str, said: &str) {
    match found.iter_mut().find(|one| one.address.eq_ignore_ascii_case(address)) {
        Some(known) => say(&mut known.said, said),
        None => {
            let mut named = Named {
                address: address.to_owned(),
                said: String::new(),
            };
            say(&mut named.said, said);
            found.push(named);
        }
    }
}

fn say(said: &mut String, more: &str) {
    let more = more.trim();
    if more.is_empty() || said.len() + more.len() > SAID_BYTES {
        return;
    }
    if !said.is_empty() {
        said.push(' ');
    }
    said.push_str(more);
}

/// A line of dashes with or without words: another section begins.
fn is_rule(line: &str) -> bool {
    let edge = line
        .chars()
        .take_while(|c| matches!(c, '-' | '=' | '_' | '*' | '|' | '#'))
        .count();
    edge >= 3
}

/// The address that a line begins with, and the rest of the line.
fn leading_address(line: &str) -> Option<(&str, &str)> {
    let bare = line.trim_start_matches(['>', '*', '-', '\u{2022}', ' ', '\t', '\'', '"', '(', '[']);
    // `[Status: Error, Address: <a@b>, …]`, `RCPT TO:<a@b>`, `Recipient: a@b`: a label or two stand before it.
    let address = addresses(bare).next()?;
    let at = bare.find(address)?;
    let before = bare[..at].trim_end_matches(['<', '"', '\'', ' ', '[', '(']);
    let labelled = before.is_empty() || (before.ends_with([':', '=']) && before.len() <= 40);
    // `Name <a@b>` and nothing behind it, as Exchange and Outlook list people.
    let bracketed = bare[..at].ends_with('<') && !line.starts_with('(') && before.split_whitespace().count() <= 6;
    let whole = bracketed
        && bare[at + address.len()..]
            .trim_matches(['>', ' ', ':', ',', '.', ';'])
            .is_empty();
    (labelled || whole).then(|| {
        (
            address,
            bare[at + address.len()..].trim_start_matches(['>', ')', ':', ',', ';', ' ', '\t', '.', ']', '"', '\'']),
        )
    })
}

/// Mail addresses in a line, in order; things that merely look like one (Message-IDs in fields, links) are the caller's.
pub(super) fn addresses(line: &str) -> impl Iterator<Item = &str> {
    line.split(|c: char| c.is_whitespace() || matches!(c, '<' | '>' | '"' | ',' | '(' | ')' | '[' | ']' | ';'))
        .filter_map(|word| {
            let word = word.trim_matches(['.', ':', '\'', '*', '=', '|', '`', '!']);
            let word = word.strip_prefix("mailto:").unwrap_or(word);
            let (local, domain) = word.rsplit_once('@')?;
            let fits = !local.is_empty()
                && !local.contains('@')
                && !local.contains("://")
                && word.len() <= limits::ADDRESS_BYTES
                && !domain.is_empty()
                && domain
                    .chars()
                    .all(|c| c.is_alphanumeric() || matches!(c, '.' | '-' | '_'));
            fits.then_some(word)
        })
}

/// The text above the copy of the mail that did not arrive.
pub(super) fn before_copy(text: &str) -> &str {
    let mut at = 0;
    let mut lines = text.split_inclusive('\n').peekable();
    while let Some(line) = lines.next() {
        if at > 0 && (announces_copy(line) || begins_header(line, lines.peek().copied())) {
            return &text[..at];
        }
        at += line.len();
    }
    text
}

/// "----- Original message -----" and its kin; not "The original message was received at …".
fn announces_copy(line: &str) -> bool {
    if !words::COPIES.are_in(line) {
        return false;
    }
    let line = line.trim().to_lowercase();
    let tells = [
        "was received",
        "was sent",
        "were received",
        "could not",
        "cannot",
        "has been",
        "mts-id",
    ];
    line.len() <= 120 && !tells.iter().any(|t| line.contains(t))
}

/// A header block begins: a trace field, and another field or a folded line behind it.
fn begins_header(line: &str, next: Option<&str>) -> bool {
    let bare = line.trim_start_matches(['>', ' ', '|']).as_bytes();
    let trace = [
        "received:",
        "return-path:",
        "x-received:",
        "delivered-to:",
        "x-originating-ip:",
        "message-id:",
    ];
    let goes_on = || {
        next.is_some_and(|next| {
            let name = next.split(':').next().unwrap_or_default();
            let field = next.contains(':') && name.len() < 40 && name.chars().all(|c| c.is_ascii_graphic() || c == ' ');
            next.starts_with([' ', '\t']) || field
        })
    };
    let is = |name: &&str| {
        bare.get(..name.len())
            .is_some_and(|begin| begin.eq_ignore_ascii_case(name.as_bytes()))
    };
    trace.iter().any(is) && goes_on()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(text: &str) -> Vec<(String, String)> {
        read(before_copy(text), &["mailer-daemon@mx.example".into()])
            .into_iter()
            .map(|one| (one.address, one.said))
            .collect()
    }

    fn only(text: &str) -> (String, String) {
        let found = named(text);
        assert_eq!(found.len(), 1, "{found:?}");
        found.into_iter().next().unwrap_or_default()
    }

    #[test]
    fn each_family_names_its_recipient_and_the_servers_words() {
        for (text, said) in [
            (
                "The original message was received at Mon, 2 Mar 2026\nfrom host\n\n   ----- The following addresses had permanent fatal errors -----\n<bob@y.example>\n    (reason: 550 no such user)\n\n   ----- Transcript of session follows -----\n",
                "no such user",
            ),
            (
                "A message that you sent could not be delivered to one or more of its\nrecipients. This is a permanent error. The following address(es) failed:\n\n  bob@y.example\n    SMTP error from remote mail server after RCPT TO:<bob@y.example>:\n    550 mailbox full\n\n------ This is a copy of the message ------\nTo: eve@y.example\n",
                "mailbox full",
            ),
            (
                "Hi. This is the qmail-send program at mx.example.\nI'm afraid I wasn't able to deliver your message to the following addresses.\n\n<bob@y.example>:\nSorry, no mailbox here by that name.\n\n--- Below this line is a copy of the message.\n\nReturn-Path: <ann@x.example>\nTo: eve@y.example\n",
                "no mailbox",
            ),
            (
                "Your message\n\n  To:  lists@z.example\n\ndid not reach the following recipient(s):\n\nbob@y.example on Fri, 20 Feb 2026\n    The recipient name is not recognized\n",
                "not recognized",
            ),
            (
                "Delivery to the following recipient failed permanently:\n\n     bob@y.example\n\nTechnical details of permanent failure:\nPERM_FAILURE: 550 5.2.2 over quota\n\n----- Original message -----\nReceived: by 10.1.1.1\n",
                "over quota",
            ),
            (
                "Error: Invalid user address\n\nMessage details:\n  MAIL FROM: ann@x.example\n  RCPT TO: bob@y.example\n  From: eve@x.example\n",
                "RCPT TO",
            ),
            (
                "   ----- Transcript of session follows -----\nWhile talking to mx.y.example:\n>>> RCPT To:<bob@y.example>\n<<< 550 User Unknown\n550 <bob@y.example>... User unknown\n\n   ----- Unsent message follows -----\nTo: eve@y.example\n",
                "User Unknown",
            ),
            (
                "Die Nachricht konnte folgenden Empfängern nicht zugestellt werden, folgende Empfänger:\n\nBob <bob@y.example>\nDas Postfach ist voll.\n",
                "voll",
            ),
        ] {
            let (address, words) = only(text);
            assert_eq!(address, "bob@y.example", "{text}");
            assert!(words.contains(said), "{words:?} lacks {said:?}");
        }
    }

    #[test]
    fn several_recipients_have_their_own_words() {
        let found = named(
            "Message from mx.example.\nUnable to deliver message to the following address(es).\n\n<a@y.example>:\nNo such account.\n\n<b@y.example>:\nMailbox full.\n",
        );
        assert_eq!(
            found,
            [
                ("a@y.example".into(), "No such account.".into()),
                ("b@y.example".into(), "Mailbox full.".into())
            ]
        );
    }

    #[test]
    fn the_copy_of_the_mail_names_nobody() {
        assert_eq!(
            named(
                "Something went wrong.\n\n----- Original message -----\nTo: <eve@y.example>\nunable to deliver message to the following: eve@y.example\n"
            ),
            []
        );
        assert_eq!(named("Sorry.\nReceived: from a\n by b\nrcpt to: eve@y.example\n"), []);
    }

    #[test]
    fn every_layout_says_where_it_is_known_from_in_lower_case_words() {
        for layout in LAYOUTS {
            assert!(!layout.known_from.is_empty());
            assert!(
                layout.opens.iter().all(|o| *o == o.to_lowercase()),
                "{}",
                layout.known_from
            );
        }
    }
}
