//! What did the sender newly write? Quotes, the lines that announce them, signatures and list footers told apart.
//!
//! Promises: every line of the text ends up in exactly one of the three; answers between quotes are kept; linear time.
//! Works on one mail alone, without the mails it answers. Leaves out: signatures that nothing sets apart ("Regards,
//! Jane"), which are the sender's words.
//!
//! Announcing lines ("On … wrote:") and copied headers ("From: … Sent: …") are recognised by shape (a date, a person, a
//! colon, where they stand), because there are more languages and mail programs than anybody lists. See `mark.rs`.

use crate::mail::mark::{self, Hint};

/// A text told apart.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Split {
    /// Newly written, in order, with single empty lines.
    pub new_text: String,
    /// What stands below the words and is none of them: set apart by `-- `, by a telephone, or by a list.
    pub signature: String,
    /// Quoted or forwarded, with what announces it.
    pub quoted_text: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    New,
    Quote,
    Signature,
    Footer,
}

/// Tells a text apart.
pub fn split(text: &str) -> Split {
    split_lines(&mark::hints(text))
}

/// The same of a text whose lines were looked at already.
pub(crate) fn split_lines(lines: &[Hint<'_>]) -> Split {
    let mut kinds: Vec<Kind> = lines
        .iter()
        .map(|l| if l.quoted { Kind::Quote } else { Kind::New })
        .collect();
    announced_without_marks(lines, &mut kinds);
    announced_before_marks(lines, &mut kinds);
    wrapped_remainders(lines, &mut kinds);
    footers(lines, &mut kinds);
    signatures(lines, &mut kinds);
    Split {
        new_text: gather(lines, &kinds, |k| k == Kind::New),
        signature: gather(lines, &kinds, |k| matches!(k, Kind::Signature | Kind::Footer)),
        quoted_text: gather(lines, &kinds, |k| k == Kind::Quote),
    }
}

fn gather(lines: &[Hint<'_>], kinds: &[Kind], wanted: impl Fn(Kind) -> bool) -> String {
    let mut out = String::new();
    let mut owed = false;
    for (line, kind) in lines.iter().zip(kinds) {
        if !wanted(*kind) || line.is_blank() {
            owed = true;
            continue;
        }
        if !out.is_empty() {
            out.push_str(if owed { "\n\n" } else { "\n" });
        }
        out.push_str(line.raw.trim_end());
        owed = false;
    }
    out
}

/// The next line that is not blank, from `at` on.
fn next_written(lines: &[Hint<'_>], at: usize) -> Option<usize> {
    (at..lines.len()).find(|&i| !lines[i].is_blank())
}

/// Copied headers, "original message" lines and announcements whose quote carries no marks: all below is quoted. Where
/// marks follow, only the announcement is, and the marks say the rest.
fn announced_without_marks(lines: &[Hint<'_>], kinds: &mut [Kind]) {
    let mut at = 0;
    while at < lines.len() {
        if lines[at].quoted || lines[at].is_blank() {
            at += 1;
            continue;
        }
        let Some(end) = mark::announcement(lines, at) else {
            at += 1;
            continue;
        };
        let below = next_written(lines, end);
        let marks_follow = below.is_some_and(|i| lines[i].quoted);
        let start = with_rule_above(lines, at);
        // With nothing above, what the sender wrote or sent along stands below: nothing is folded away.
        let first = !(0..start).any(|i| kinds[i] == Kind::New && !lines[i].is_blank());
        kinds[start..end].fill(Kind::Quote);
        if !marks_follow && !first {
            kinds[end..].fill(Kind::Quote);
            return;
        }
        at = end;
    }
}

/// A rule (`____`) right above an announcement belongs to it.
fn with_rule_above(lines: &[Hint<'_>], at: usize) -> usize {
    let above = (0..at).rev().take(3).find(|&i| !lines[i].is_blank());
    above.filter(|&i| lines[i].is_rule()).unwrap_or(at)
}

/// The lines above a block of marks that say whose words they are.
fn announced_before_marks(lines: &[Hint<'_>], kinds: &mut [Kind]) {
    for begin in 0..lines.len() {
        if !lines[begin].quoted || (begin > 0 && lines[begin - 1].quoted) {
            continue;
        }
        let above = (0..begin).rev().take(3).find(|&i| !lines[i].is_blank());
        if let Some(last) = above.filter(|&i| kinds[i] == Kind::New)
            && let Some(first) = mark::attribution_ending_at(lines, last)
        {
            kinds[first..=last].fill(Kind::Quote);
        }
    }
}

/// Quoted lines that were too long and were broken again: their rest carries no mark.
fn wrapped_remainders(lines: &[Hint<'_>], kinds: &mut [Kind]) {
    for at in 1..lines.len().saturating_sub(1) {
        let (before, here, after) = (&lines[at - 1], &lines[at], &lines[at + 1]);
        if kinds[at] == Kind::New && before.quoted && after.quoted && !here.is_blank() {
            let long = before.raw.chars().count() >= 66;
            let small = here.plain.starts_with(char::is_lowercase);
            let goes_on = !before.plain.ends_with(['.', '?', '!', ':']) && (small || !after.is_blank_quote());
            if long && goes_on && here.raw.chars().count() < 40 {
                kinds[at] = Kind::Quote;
            }
        }
    }
}

/// What a mailing list puts under every mail.
fn footers(lines: &[Hint<'_>], kinds: &mut [Kind]) {
    let mut at = 0;
    while at < lines.len() {
        if kinds[at] == Kind::New
            && let Some(end) = mark::list_footer(lines, at)
        {
            kinds[at..end].fill(Kind::Footer);
            at = end;
        } else {
            at += 1;
        }
    }
}

/// From a signature's delimiter to the next quote or the end, and the lines that telephones add.
fn signatures(lines: &[Hint<'_>], kinds: &mut [Kind]) {
    let mut inside = false;
    for at in 0..lines.len() {
        if kinds[at] != Kind::New {
            inside = false;
            continue;
        }
        let delimiter = matches!(lines[at].raw.trim_end_matches('\r'), "--" | "-- " | "--\u{a0}");
        inside |= delimiter;
        if inside || mark::device_line(&lines[at].plain) {
            kinds[at] = Kind::Signature;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn new(text: &str) -> String {
        split(text).new_text
    }

    #[test]
    fn answers_between_quotes_are_kept_and_the_quotes_are_not() {
        let text = "Hi,\n\nOn Thu, 1 Oct 2020 at 10:00, Jane <jane@x.org> wrote:\n> first question?\n\nYes.\n\n> second?\n\nNo.\n";
        assert_eq!(new(text), "Hi,\n\nYes.\n\nNo.");
    }

    #[test]
    fn an_announcement_is_known_by_its_shape_in_a_language_nobody_listed() {
        assert_eq!(
            new("Selvä.\n\nto 1. lokak. 2020 klo 10.00 Jane Doe (jane@x.org) kirjoitti:\n\n> kysymys\n"),
            "Selvä."
        );
    }

    #[test]
    fn an_announcement_over_three_lines_takes_no_word_of_the_answer() {
        assert_eq!(
            new("Merci !\nLe 4 janv. 2016 19:03, \"Jean\"\n<jean@x.org>\na écrit :\n\n> oui\n"),
            "Merci !"
        );
    }

    #[test]
    fn all_below_copied_headers_is_quoted() {
        let text = "Works.\n\nVon: Jane <jane@x.org>\nGesendet: Montag, 5. Dezember 2016 17:00\nAn: desk@x.org\nBetreff: Frage\n\nGeht es?\n";
        assert_eq!(new(text), "Works.");
    }

    #[test]
    fn a_signature_behind_its_delimiter_and_a_telephones_line_are_apart() {
        let parts = split("Done.\n\nSent from my iPhone\n\n-- \nJane\n+49 1\n");
        assert_eq!(parts.new_text, "Done.");
        assert_eq!(parts.signature, "Sent from my iPhone\n\n--\nJane\n+49 1");
    }

    #[test]
    fn a_colon_and_a_date_make_no_quote_of_a_report() {
        let text = "On 3 May 2021 at 10:15 the server wrote this to its log:\n\npanic: no space\n\nWhat now?";
        assert_eq!(new(text), text);
    }

    #[test]
    fn every_line_ends_up_somewhere() {
        let text = "a\n> b\n-- \nc\n";
        let parts = split(text);
        assert_eq!(
            (
                parts.new_text.as_str(),
                parts.quoted_text.as_str(),
                parts.signature.as_str()
            ),
            ("a", "> b", "--\nc")
        );
    }
}
