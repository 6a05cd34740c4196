//! Likeness: a new mail that names no other gets at most one offer of a case it may belong to, with the reasons.
//!
//! An offer joins nothing: a person decides (`duly merge`). Only cases of the same customer, or of the same public list,
//! are offered. Candidates come from indexed keys and are few: cases with the same subject (prefixes of answers and tags
//! of lists taken off, in many languages), and the customer's newest open cases; they are weighed by what else speaks for
//! them: quoted words that stand in them, people, time, rare words such as error codes. The desk is never scanned.

use super::{CaseId, ContactId, CustomerId};
use crate::limits;
use crate::refusal::Outcome;
use crate::store::{Tx, values};
use jiff::Timestamp;
use std::collections::BTreeSet;

/// A new mail, as far as likeness looks at it.
#[derive(Debug, Clone)]
pub struct Newcomer<'a> {
    /// Its author.
    pub author: ContactId,
    /// Whose contact that is.
    pub customer: CustomerId,
    /// The served list it came through.
    pub list: Option<&'a str>,
    /// What it is compared by.
    pub marks: &'a Marks,
    /// When it was received.
    pub at: Timestamp,
}

/// What a mail is compared by, taken from its words alone.
#[derive(Debug, Clone)]
pub struct Marks {
    subject: Bare,
    quoted: Vec<Quoted>,
    codes: BTreeSet<String>,
}

impl Marks {
    /// The marks of a mail: its subject as written, its newly written words, its quotes and signature.
    pub fn of(subject: &str, text: &str, folded: &str) -> Marks {
        Marks {
            subject: bare(subject),
            quoted: quoted_lines(folded),
            codes: codes(subject, text),
        }
    }
}

/// A case that a mail may belong to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer {
    /// The case.
    pub case: CaseId,
    /// Why, as half a sentence.
    pub why: String,
}

/// Weight from which a case is offered: a same subject alone is not enough.
const ENOUGH: i32 = 3;

/// The likest case, if one is like enough.
pub fn offer(tx: &mut Tx<'_>, new: &Newcomer<'_>) -> Outcome<Option<Offer>> {
    let mut candidates = same_subject(tx, new, &new.marks.subject.words)?;
    // Its author and the time alone never make an offer: without anything else to compare no other case is looked for.
    if new.list.is_none() && !(new.marks.quoted.is_empty() && new.marks.codes.is_empty()) {
        for case in newest_open(tx, new)? {
            if !candidates.iter().any(|one| one.case == case.case) {
                candidates.push(case);
            }
        }
    }
    let mut best: Option<(i32, Offer)> = None;
    for candidate in &candidates {
        let (weight, why) = weigh(tx, new, candidate)?;
        if weight >= ENOUGH && best.as_ref().is_none_or(|(most, _)| weight > *most) {
            let why = why.join(", ");
            best = Some((
                weight,
                Offer {
                    case: candidate.case,
                    why,
                },
            ));
        }
    }
    Ok(best.map(|(_, offer)| offer))
}

/// From now on the case is found by this subject.
pub fn learn(tx: &mut Tx<'_>, at: Timestamp, case: CaseId, subject: &str) -> Outcome<()> {
    let words = bare(subject).words;
    if words.is_empty() {
        return Ok(());
    }
    let row = tx.one("SELECT customer, list FROM cases WHERE id = $1", &values![case])?;
    let scope = scope(CustomerId(row.int(0)), row.opt_text(1));
    tx.execute(
        "INSERT INTO case_subject (subject, scope, case_id, at) VALUES ($1, $2, $3, $4)
         ON CONFLICT (case_id, subject) DO UPDATE SET at = $4",
        &values![words, scope, case, at],
    )?;
    Ok(())
}

/// A subject without prefixes, tags and the values of its numbers: equal for mails that a machine writes in a row.
pub fn shape(subject: &str) -> String {
    let words = bare(subject).words;
    let mut shape = String::with_capacity(words.len());
    for letter in words.chars() {
        let letter = if letter.is_numeric() { '0' } else { letter };
        if letter != '0' || !shape.ends_with('0') {
            shape.push(letter);
        }
    }
    shape
}

struct Candidate {
    case: CaseId,
    /// Its last mail with this subject, or its last change.
    at: Timestamp,
    has_subject: bool,
}

fn same_subject(tx: &mut Tx<'_>, new: &Newcomer<'_>, words: &str) -> Outcome<Vec<Candidate>> {
    if words.is_empty() {
        return Ok(Vec::new());
    }
    // A subject that a customer uses all the time ("question") has more cases than are looked at: the newest count.
    let rows = tx.query(
        "SELECT s.case_id, s.at FROM case_subject s WHERE s.subject = $1 AND s.scope = $2 ORDER BY s.at DESC LIMIT $3",
        &values![words, scope(new.customer, new.list), limits::LIKENESS_CASES as i64],
    )?;
    Ok(rows
        .iter()
        .map(|row| Candidate {
            case: CaseId(row.int(0)),
            at: row.instant(1),
            has_subject: true,
        })
        .collect())
}

/// Within what a case is offered: its public list, else its customer.
fn scope(customer: CustomerId, list: Option<&str>) -> String {
    list.map_or_else(|| format!("customer {}", customer.0), str::to_owned)
}

/// Open ones among the customer's newest cases: the closed ones of years are not walked through.
fn newest_open(tx: &mut Tx<'_>, new: &Newcomer<'_>) -> Outcome<Vec<Candidate>> {
    let rows = tx.query(
        "SELECT id, changed_at, hand, list FROM cases WHERE customer = $1 ORDER BY id DESC LIMIT $2",
        &values![new.customer, limits::LIKENESS_NEWEST],
    )?;
    let open = rows
        .iter()
        .filter(|row| row.text(2) != "nobody" && row.opt_text(3).is_none());
    Ok(open
        .take(limits::LIKENESS_CASES)
        .map(|row| Candidate {
            case: CaseId(row.int(0)),
            at: row.instant(1),
            has_subject: false,
        })
        .collect())
}

fn weigh(tx: &mut Tx<'_>, new: &Newcomer<'_>, candidate: &Candidate) -> Outcome<(i32, Vec<String>)> {
    let Marks { subject, quoted, codes } = new.marks;
    let (mut weight, mut why) = (0, Vec::new());
    let messages = tx.query(
        "SELECT contact, subject, text FROM message WHERE case_id = $1 AND way <> 'note' ORDER BY id DESC LIMIT $2",
        &values![candidate.case, limits::LIKENESS_MESSAGES],
    )?;
    if candidate.has_subject {
        let telling = subject.words.split(' ').count() > 1 || subject.words.chars().count() > 12;
        weight += if telling { 2 } else { 1 };
        why.push("the same subject".to_owned());
        if subject.is_reply {
            weight += 1;
            why.push("and it says that it is a reply".to_owned());
        }
    }
    if messages.iter().any(|row| stands_in(quoted, row.text(2))) {
        weight += 3;
        why.push("it quotes a message of that case".to_owned());
    }
    if messages.iter().any(|row| row.opt_int(0) == Some(new.author.0)) {
        weight += 1;
        why.push("its author wrote in that case".to_owned());
    } else if !subject.is_reply {
        weight -= 1;
    }
    let mut shared = BTreeSet::new();
    for row in messages.iter().filter(|_| !codes.is_empty()) {
        shared.extend(codes_of(row.text(1), row.text(2)).filter(|code| codes.contains(code)));
    }
    if !shared.is_empty() {
        weight += shared.len().min(2) as i32;
        let shared: Vec<&str> = shared.iter().take(3).map(String::as_str).collect();
        why.push(format!("both speak of {}", shared.join(" and ")));
    }
    let apart = new.at.duration_since(candidate.at).abs();
    let days = apart.as_hours() / 24;
    weight += match days {
        0..=14 => 1,
        15..=90 => 0,
        91..=365 => -1,
        _ => -2,
    };
    why.push(match days {
        0 => "less than a day apart".to_owned(),
        1 => "one day apart".to_owned(),
        days => format!("{days} days apart"),
    });
    Ok((weight, why))
}

/// A subject without what answers and lists add.
#[derive(Debug, Clone)]
struct Bare {
    /// Its words, folded, one blank between them; at most [`limits::LIKENESS_SUBJECT_BYTES`].
    words: String,
    /// A prefix of an answer was taken off.
    is_reply: bool,
}

/// Prefixes of answers and forwards in many languages, without their colon, lower case.
#[rustfmt::skip]
const PREFIXES: &[&str] = &[
    "re", "aw", "sv", "vs", "antw", "odp", "r", "rif", "ref", "res", "enc", "fwd", "fw", "wg", "tr", "rv", "rép", "rep", "doorst", "vb", "vl", "vá",
    "továbbítás", "ynt", "ilt", "yan", "bls", "trs", "pd", "svar", "vedr", "ang", "antwort", "weitergeleitet", "réponse",
    "respuesta", "risposta", "resposta", "на", "ответ", "απ", "σχετ", "πρθ", "回复", "回覆", "答复", "答覆", "转发", "轉寄", "轉發",
    "返信", "転送", "답장", "회신", "전달", "ตอบ", "השב", "הועבר", "رد", "إعادة توجيه", "atb", "ats", "re fwd",
];

fn bare(subject: &str) -> Bare {
    let mut rest = subject.trim();
    let mut is_reply = false;
    // `Re: [list] AW: Re[2]: …`: each round takes one thing off.
    for _ in 0..20 {
        if let Some(after) = without_prefix(rest) {
            is_reply = true;
            rest = after.trim_start();
        } else if let Some(after) = without_tag(rest) {
            rest = after.trim_start();
        } else {
            break;
        }
    }
    // "New subject (was: Old one)" is a subject of its own.
    let lower = rest.to_lowercase();
    let end = lower
        .find("(was:")
        .filter(|end| lower.len() == rest.len() && *end > 0)
        .unwrap_or(rest.len());
    let mut words = String::new();
    for word in rest[..end]
        .to_lowercase()
        .split(|c: char| !c.is_alphanumeric())
        .filter(|w| !w.is_empty())
    {
        if words.len() + word.len() >= limits::LIKENESS_SUBJECT_BYTES {
            break;
        }
        if !words.is_empty() {
            words.push(' ');
        }
        words.push_str(word);
    }
    Bare { words, is_reply }
}

/// `Re:`, `AW[2]:`, `回复：` taken off; `None` if there is none.
fn without_prefix(subject: &str) -> Option<&str> {
    let colon = subject.char_indices().take(24).find(|(_, c)| matches!(c, ':' | '：'))?;
    let (head, after) = (&subject[..colon.0], &subject[colon.0 + colon.1.len_utf8()..]);
    let head = head.trim().to_lowercase();
    // `Re[2]`, `Re (3)`, `RE^2`.
    let bare = head.trim_end_matches(|c: char| c.is_ascii_digit() || matches!(c, '[' | ']' | '(' | ')' | '^' | ' '));
    PREFIXES.contains(&bare).then_some(after)
}

/// `[USRP-users]`, `[EXTERNAL]` taken off, unless nothing stands behind.
fn without_tag(subject: &str) -> Option<&str> {
    let inner = subject.strip_prefix('[')?;
    let end = inner.char_indices().take(60).find(|(_, c)| *c == ']')?.0;
    let after = &inner[end + 1..];
    (!after.trim().is_empty()).then_some(after)
}

/// The words of a line that was quoted.
#[derive(Debug, Clone)]
struct Quoted {
    words: Vec<String>,
    /// Place of the longest: where it stands in a text the others are looked for beside it.
    longest: usize,
}

/// Lines that were quoted; the longest few.
fn quoted_lines(folded: &str) -> Vec<Quoted> {
    let mut lines: Vec<Vec<&str>> = folded
        .lines()
        .take(limits::LIKENESS_QUOTED_LINES)
        .map(|line| pieces(line).collect())
        .filter(|words: &Vec<&str>| words.len() >= 6)
        .collect();
    lines.sort_by_key(|words| std::cmp::Reverse(words.iter().map(|word| word.len() + 1).sum::<usize>()));
    lines.truncate(5);
    let quoted = lines.into_iter().map(|words| Quoted {
        longest: (0..words.len()).max_by_key(|place| words[*place].len()).unwrap_or(0),
        words: words.into_iter().map(str::to_owned).collect(),
    });
    quoted.collect()
}

/// Whether a text has one of the lines, however it was wrapped since.
fn stands_in(quoted: &[Quoted], text: &str) -> bool {
    let text = super::message::clip_bytes(text, limits::LIKENESS_TEXT_BYTES);
    quoted.iter().any(|line| {
        let (before, rest) = line.words.split_at(line.longest);
        let Some((longest, after)) = rest.split_first() else {
            return false;
        };
        memchr::memmem::find_iter(text.as_bytes(), longest.as_bytes()).any(|at| {
            // A match of whole UTF-8 begins and ends between characters.
            let (left, right) = (&text[..at], &text[at + longest.len()..]);
            !left.ends_with(char::is_alphanumeric)
                && !right.starts_with(char::is_alphanumeric)
                && is_next(pieces(right), after.iter())
                && is_next(pieces(left).rev(), before.iter().rev())
        })
    })
}

/// Whether these words come next.
fn is_next<'a>(mut here: impl Iterator<Item = &'a str>, wanted: impl Iterator<Item = &'a String>) -> bool {
    let mut wanted = wanted;
    wanted.all(|word| {
        here.next()
            .is_some_and(|one| one.eq_ignore_ascii_case(word) || one.to_lowercase() == word.to_lowercase())
    })
}

fn pieces(text: &str) -> impl DoubleEndedIterator<Item = &str> {
    text.split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
}

/// Words that are rare by their shape: error codes, versions, names with digits in them; lower case.
fn codes_of<'a>(subject: &'a str, text: &'a str) -> impl Iterator<Item = String> + 'a {
    let text = super::message::clip_bytes(text, limits::LIKENESS_TEXT_BYTES);
    subject
        .split_ascii_whitespace()
        .chain(text.split_ascii_whitespace())
        .filter(|word| may_be_code(word))
        .map(|word| word.trim_matches(|c: char| !c.is_alphanumeric()))
        .filter(|word| is_code(word))
        .map(str::to_lowercase)
}

/// Nearly every word ends here.
fn may_be_code(word: &str) -> bool {
    let (mut digits, mut lines) = (0, 0);
    for byte in word.bytes() {
        digits += u32::from(byte.is_ascii_digit());
        lines += u32::from(byte == b'_');
    }
    word.len() >= 5 && (digits >= 2 || lines > 0)
}

/// The first few of them in a mail.
fn codes(subject: &str, text: &str) -> BTreeSet<String> {
    codes_of(subject, text).take(limits::LIKENESS_CODES).collect()
}

/// `ORA-00600`, `0x80070005`, `4.0.0.0`, `ERR_CERT_INVALID`: no address, no time, no plain number.
fn is_code(word: &str) -> bool {
    let fits = (5..=40).contains(&word.len()) && word.is_ascii();
    if !fits || word.contains(['@', '/', ':']) {
        return false;
    }
    let digits = word.bytes().filter(u8::is_ascii_digit).count();
    let letters = word.bytes().filter(u8::is_ascii_alphabetic).count();
    let dots = word.bytes().filter(|b| *b == b'.').count();
    let version = letters == 0 && dots >= 2 && digits + dots == word.len();
    let mixed = letters > 0 && digits >= 2 && !word.contains("--");
    let shouted = word.contains('_') && !word.bytes().any(|b| b.is_ascii_lowercase()) && letters >= 4;
    version || mixed || shouted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes_and_tags_of_many_languages_are_taken_off() {
        for (subject, words, is_reply) in [
            ("Re: [USRP-users] AW: UHD 4.0: no sound", "uhd 4 0 no sound", true),
            ("[USRP-users] UHD 4.0: no sound", "uhd 4 0 no sound", false),
            ("RE[2]: SV: Replica", "replica", true),
            ("回复：副本停止", "副本停止", true),
            ("Ynt: Odp: Replica", "replica", true),
            ("WG: [EXTERNAL] Replica stops", "replica stops", true),
            ("New trouble (was: Old trouble)", "new trouble", false),
            ("Release notes: what is new", "release notes what is new", false),
            ("[only a tag]", "only a tag", false),
            ("Re:", "", true),
        ] {
            let found = bare(subject);
            assert_eq!((found.words.as_str(), found.is_reply), (words, is_reply), "{subject}");
        }
    }

    #[test]
    fn codes_are_rare_by_their_shape() {
        let found = codes(
            "ORA-00600 after 19.8.0.1",
            "at 12:30 host db1, error 0x80070005 in ERR_CERT_INVALID see http://x.org/a1b2 mail a1@x.org",
        );
        let found: Vec<&str> = found.iter().map(String::as_str).collect();
        assert_eq!(found, ["0x80070005", "19.8.0.1", "err_cert_invalid", "ora-00600"]);
    }

    #[test]
    fn a_quoted_line_stands_in_a_message_however_it_was_wrapped() {
        let longest_twice = quoted_lines("> the zeitgeber stops, and zeitgeber is the longest word\n");
        assert!(stands_in(
            &longest_twice,
            "Zeitgeber: THE zeitgeber stops and\nzeitgeber is the Longest word."
        ));
        assert!(!stands_in(
            &longest_twice,
            "the zeitgebers stop, and zeitgeber is the longest word"
        ));
        let quoted = quoted_lines("> The daemon stops at start and writes nothing\n> into its log. Why?\n");
        assert!(stands_in(
            &quoted,
            "Hello,\nThe daemon stops at\nstart and writes nothing into its log."
        ));
        assert!(!stands_in(&quoted, "The daemon runs."));
        assert!(!stands_in(&[], "anything"));
    }
}
