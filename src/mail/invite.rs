//! Calendar entries for promised times (RFC 5545, RFC 5546, RFC 6047): a request when a time is promised or moved, a
//! cancel when we were earlier. Pure: what the desk knows in, an iCalendar object out.
//!
//! The organiser is the case's own signed address, so that an answer of the calendar comes back to the case. `SEQUENCE`
//! rises with every move, as programs ask for before they believe a change. `REQUEST` and not `PUBLISH`: Outlook shows a
//! published entry as raw text. The entry takes no time of anybody's: it is transparent and of a quarter of an hour that
//! ends when we have replied. Reading answers (accepted, another time proposed) is not done here.

use super::compose::Calendar;
use jiff::{SignedDuration, Timestamp};

/// Octets of a content line, without CRLF (RFC 5545 §3.1).
const LINE: usize = 75;
/// Length of an entry: it ends at the promised time.
const LENGTH: SignedDuration = SignedDuration::from_mins(15);

/// A promised time as an entry.
#[derive(Debug, Clone, Copy)]
pub struct Entry<'a> {
    /// The same for every version of this entry.
    pub uid: &'a str,
    /// 0 for the first version, higher for each change.
    pub sequence: i64,
    /// We were earlier, or nothing is owed any more: the entry goes away.
    pub cancelled: bool,
    /// By when we reply.
    pub due: Timestamp,
    /// When this version was written.
    pub now: Timestamp,
    /// The case's signed address.
    pub organiser: &'a str,
    /// Name beside it.
    pub organiser_name: &'a str,
    /// Who gets it.
    pub attendee: &'a str,
    /// One line.
    pub title: &'a str,
    /// A sentence or two.
    pub words: &'a str,
}

/// The entry as iMIP sends it.
pub fn entry(entry: &Entry) -> Calendar {
    let (method, status) = match entry.cancelled {
        true => ("CANCEL", "CANCELLED"),
        false => ("REQUEST", "CONFIRMED"),
    };
    let begin = entry.due - LENGTH;
    let lines = [
        "BEGIN:VCALENDAR".to_owned(),
        "PRODID:-//Duly//Duly//EN".to_owned(),
        "VERSION:2.0".to_owned(),
        "CALSCALE:GREGORIAN".to_owned(),
        format!("METHOD:{method}"),
        "BEGIN:VEVENT".to_owned(),
        format!("UID:{}", text(entry.uid)),
        format!("SEQUENCE:{}", entry.sequence.max(0)),
        format!("DTSTAMP:{}", instant(entry.now)),
        format!("DTSTART:{}", instant(begin)),
        format!("DTEND:{}", instant(entry.due)),
        format!("SUMMARY:{}", text(entry.title)),
        format!("DESCRIPTION:{}", text(entry.words)),
        format!(
            "ORGANIZER;CN={}:mailto:{}",
            quoted(entry.organiser_name),
            address(entry.organiser)
        ),
        format!(
            "ATTENDEE;CUTYPE=INDIVIDUAL;ROLE=REQ-PARTICIPANT;PARTSTAT=NEEDS-ACTION;RSVP=FALSE:mailto:{}",
            address(entry.attendee)
        ),
        format!("STATUS:{status}"),
        "TRANSP:TRANSPARENT".to_owned(),
        "CLASS:PRIVATE".to_owned(),
        "END:VEVENT".to_owned(),
        "END:VCALENDAR".to_owned(),
    ];
    let mut object = String::new();
    for line in lines {
        fold(&line, &mut object);
    }
    Calendar { method, object }
}

/// `20261124T140000Z`.
fn instant(at: Timestamp) -> String {
    at.strftime("%Y%m%dT%H%M%SZ").to_string()
}

/// Text with its marks escaped (RFC 5545 §3.3.11).
fn text(words: &str) -> String {
    let mut out = String::with_capacity(words.len());
    for c in words.chars() {
        match c {
            '\\' | ';' | ',' => {
                out.push('\\');
                out.push(c);
            }
            '\n' => out.push_str("\\n"),
            c if c.is_control() => {}
            c => out.push(c),
        }
    }
    out
}

/// A parameter in quotes; it knows no way to hold one (RFC 5545 §3.2).
fn quoted(words: &str) -> String {
    let kept: String = words.chars().filter(|c| !c.is_control() && *c != '"').collect();
    format!("\"{kept}\"")
}

fn address(at: &str) -> String {
    at.chars()
        .filter(|c| !c.is_control() && !c.is_whitespace() && !matches!(c, '<' | '>' | ';' | ',' | '"'))
        .collect()
}

/// A content line in pieces of 75 octets that split no character.
fn fold(line: &str, object: &mut String) {
    let mut used = 0;
    for c in line.chars() {
        if used + c.len_utf8() > LINE {
            object.push_str("\r\n ");
            used = 1;
        }
        object.push(c);
        used += c.len_utf8();
    }
    object.push_str("\r\n");
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn promised() -> Entry<'static> {
        Entry {
            uid: "case-4711.entry-1@acme.example",
            sequence: 0,
            cancelled: false,
            due: "2026-11-24T14:00:00Z".parse().unwrap(),
            now: "2026-11-24T10:55:00Z".parse().unwrap(),
            organiser: "support+abcdefghijklmnopqrstuvwxyz234@acme.example",
            organiser_name: "Acme Support",
            attendee: "priya@northwind.example",
            title: "Acme Support: reply to case 4711",
            words: "Acme Support replies to \"Lag; more, and \\ more\" by then. Case 4711.",
        }
    }

    #[test]
    fn a_promised_time_is_an_entry() {
        let sent = entry(&promised());
        assert_eq!(sent.method, "REQUEST");
        let expected = [
            "BEGIN:VCALENDAR",
            "PRODID:-//Duly//Duly//EN",
            "VERSION:2.0",
            "CALSCALE:GREGORIAN",
            "METHOD:REQUEST",
            "BEGIN:VEVENT",
            "UID:case-4711.entry-1@acme.example",
            "SEQUENCE:0",
            "DTSTAMP:20261124T105500Z",
            "DTSTART:20261124T134500Z",
            "DTEND:20261124T140000Z",
            "SUMMARY:Acme Support: reply to case 4711",
            "DESCRIPTION:Acme Support replies to \"Lag\\; more\\, and \\\\ more\" by then. Case 4711.",
            "ORGANIZER;CN=\"Acme Support\":mailto:support+abcdefghijklmnopqrstuvwxyz234@acme.example",
            "ATTENDEE;CUTYPE=INDIVIDUAL;ROLE=REQ-PARTICIPANT;PARTSTAT=NEEDS-ACTION;RSVP=FALSE:mailto:priya@northwind.example",
            "STATUS:CONFIRMED",
            "TRANSP:TRANSPARENT",
            "CLASS:PRIVATE",
            "END:VEVENT",
            "END:VCALENDAR",
            "",
        ];
        assert_eq!(
            sent.object.replace("\r\n ", "").split("\r\n").collect::<Vec<_>>(),
            expected
        );
        assert!(sent.object.split("\r\n").all(|line| line.len() <= LINE));
    }

    #[test]
    fn a_move_is_a_higher_sequence_and_an_early_reply_cancels() {
        let moved = entry(&Entry {
            sequence: 1,
            due: "2026-11-25T09:00:00Z".parse().unwrap(),
            ..promised()
        });
        assert!(moved.object.contains("\r\nSEQUENCE:1\r\n") && moved.object.contains("\r\nDTEND:20261125T090000Z\r\n"));
        assert!(moved.object.contains("\r\nUID:case-4711.entry-1@acme.example\r\n"));
        let gone = entry(&Entry {
            sequence: 2,
            cancelled: true,
            ..promised()
        });
        assert_eq!(gone.method, "CANCEL");
        assert!(gone.object.contains("\r\nMETHOD:CANCEL\r\n") && gone.object.contains("\r\nSTATUS:CANCELLED\r\n"));
    }

    proptest! {
        #[test]
        fn no_words_make_a_line_of_their_own(title in any::<String>(), name in any::<String>(), at in any::<String>()) {
            let plain = entry(&promised()).object.replace("\r\n ", "");
            let odd = entry(&Entry { title: &title, organiser_name: &name, attendee: &at, words: &title, ..promised() }).object;
            prop_assert!(odd.split("\r\n").all(|line| line.len() <= LINE && !line.contains(['\r', '\n'])));
            let unfolded = odd.replace("\r\n ", "");
            prop_assert_eq!(unfolded.lines().count(), plain.lines().count());
            let names = |object: &str| object.split("\r\n").map(|line| line.split([':', ';']).next().unwrap_or_default().to_owned()).collect::<Vec<_>>();
            prop_assert_eq!(names(&unfolded), names(&plain));
        }
    }
}
