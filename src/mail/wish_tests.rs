//! Which first lines decide something, and what they mean.

use super::*;
use jiff::Timestamp;
use proptest::prelude::*;

fn said(text: &str) -> String {
    match read(text, "Priya Nair") {
        None => "nothing".into(),
        Some(Asked { wish, alone }) => {
            let more = if alone { "" } else { ", and more" };
            match wish {
                Wish::Time { phrase, .. } => format!("time {phrase}{more}"),
                other => format!("{other:?}{more}").to_lowercase(),
            }
        }
    }
}

#[test]
fn a_word_alone_on_the_first_line_decides_and_one_in_a_sentence_does_not() {
    for (text, meaning) in [
        ("ok", "fine"),
        ("OK.\n", "fine"),
        ("\u{feff}Okay!\n\nThanks,\nPriya Nair\n", "fine"),
        ("ok\n\nBut why did it break?", "fine, and more"),
        ("ok\n\nPriya\n", "fine"),
        ("ok\nNAIR, Priya.", "fine"),
        ("ok\nTomas", "fine, and more"),
        ("ok\nReboot now", "fine, and more"),
        ("That\u{2019}s fine.", "fine"),
        ("Einverstanden\n\nViele Grüße\nJörg", "fine"),
        ("ok, but only if it is tomorrow", "nothing"),
        ("Is that ok?", "nothing"),
        ("keep", "keep"),
        ("Es bleibt dabei.", "keep"),
        ("No reply needed", "unneeded"),
        ("Keine Antwort nötig.\nDanke", "unneeded"),
        ("This did not help.\nIt lags again.", "nothelped, and more"),
        ("time: tomorrow 10:00", "time tomorrow 10:00"),
        ("TIME: fri 12:00 cet\n\nIt fails.", "time fri 12:00 cet, and more"),
        ("timeout: 30 s", "nothing"),
        ("", "nothing"),
    ] {
        assert_eq!(said(text), meaning, "{text}");
    }
}

#[test]
fn german_times_are_read_by_the_one_grammar() {
    let now: Timestamp = "2026-11-24T10:50:00Z".parse().unwrap();
    let berlin: plan::Zone = "Europe/Berlin".parse().unwrap();
    for (text, expected) in [
        ("zeit: morgen 10:00", "Wed 25 Nov 10:00 CET"),
        ("Zeit: morgen um 10 Uhr", "Wed 25 Nov 10:00 CET"),
        ("zeit: Mittwoch 10.30 Uhr", "Wed 25 Nov 10:30 CET"),
        ("zeit: Fr 9 Uhr", "Fri 27 Nov 09:00 CET"),
        ("zeit: 25.11. 10:00", "Wed 25 Nov 10:00 CET"),
        ("zeit: am 3.12.2026 um 14:15 Uhr", "Thu 3 Dec 14:15 CET"),
        ("zeit: heute 15:00", "Tue 24 Nov 15:00 CET"),
        ("zeit: 2. März 9 Uhr", "Tue 2 Mar 2027 09:00 CET"),
        // What our own mail says can be typed back.
        (
            "zeit: Mittwoch, 25. November, 10:00 Uhr (Berlin)",
            "Wed 25 Nov 10:00 CET",
        ),
        ("time: Wednesday 25 November, 10:00 (Berlin)", "Wed 25 Nov 10:00 CET"),
        ("time: +3h", "Tue 24 Nov 14:50 CET"),
        ("time: 10:00 am tomorrow", "unread"),
    ] {
        let Some(Asked {
            wish: Wish::Time { phrase, .. },
            ..
        }) = read(text, "Priya Nair")
        else {
            panic!("{text} is no wish")
        };
        let read = plan::phrase::parse(&phrase, now, &berlin);
        let read = read.map_or("unread".to_owned(), |at| plan::say::short(at, &berlin, now));
        assert_eq!(read, expected, "{text}: {phrase}");
    }
}

#[test]
fn every_word_of_the_table_is_lower_case_and_stands_for_itself() {
    for (word, meaning) in WORDS {
        assert_eq!(*word, word.to_lowercase());
        let line = if word.ends_with(':') {
            format!("{word} 15:00")
        } else {
            (*word).to_owned()
        };
        assert!(
            read(&line, "Priya Nair").is_some_and(|asked| asked.alone),
            "{line} {meaning:?}"
        );
    }
}

fn answer(method: &str, lines: &str) -> Option<Asked> {
    let text = format!(
        "BEGIN:VCALENDAR\r\nMETHOD:{method}\r\nBEGIN:VEVENT\r\nUID:case-1.entry-1@acme.example\r\nSEQUENCE:2\r\n{lines}\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
    );
    of_calendar(&crate::mail::calendar::read(&text).unwrap(), "")
}

#[test]
fn calendars_accept_decline_and_propose() {
    let of = |method: &str, lines: &str| match answer(method, lines)?.wish {
        Wish::Calendar { answer, sequence, .. } => {
            assert_eq!(sequence, 2);
            Some(answer)
        }
        _ => None,
    };
    let attendee = |how: &str| format!("ATTENDEE;PARTSTAT={how}:mailto:priya@northwind.example");
    assert_eq!(of("REPLY", &attendee("ACCEPTED")), Some(Answer::Accepted));
    assert_eq!(of("REPLY", &attendee("DECLINED")), Some(Answer::Declined));
    assert_eq!(of("REPLY", &attendee("TENTATIVE")), None, "perhaps is no word");
    assert_eq!(of("REQUEST", &attendee("ACCEPTED")), None);
    let at = |text: &str| Some(Answer::Proposed(text.parse().ok()));
    assert_eq!(
        of("COUNTER", "DTSTART:20261125T084500Z\r\nDTEND:20261125T090000Z"),
        at("2026-11-25T09:00:00Z")
    );
    assert_eq!(of("COUNTER", "DTSTART:20261125T084500Z"), at("2026-11-25T09:00:00Z"));
    assert_eq!(
        of("COUNTER", "DTSTART;VALUE=DATE:20261125"),
        Some(Answer::Proposed(None))
    );
    assert_eq!(
        of("COUNTER", "DTSTART;TZID=Middle Earth:20261125T090000"),
        Some(Answer::Proposed(None))
    );
}

proptest! {
    #[test]
    fn no_words_make_it_stumble(text in any::<String>()) {
        let _ = read(&text, "Priya Nair");
        if let Some(Asked { wish: Wish::Time { phrase, .. }, .. }) = read(&format!("zeit: {text}"), "Priya Nair") {
            prop_assert!(phrase.len() <= 8 * limits::WISH_LINE_CHARS);
        }
    }

    #[test]
    fn a_first_line_that_is_no_word_of_the_table_decides_nothing(line in "[ -~]{1,60}") {
        let lower = line.trim().to_lowercase();
        let bare = lower.trim_end_matches(['.', '!', ',', ';']).trim_end();
        prop_assume!(!WORDS.iter().any(|(word, _)| bare == *word || lower.starts_with(word)));
        prop_assert_eq!(read(&line, "Priya Nair"), None);
    }
}
