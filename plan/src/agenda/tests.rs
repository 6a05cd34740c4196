//! Calendars as people's programs write them, and what the reader makes of them.

use super::*;
use crate::interval::tidy;

const BERLIN: &str = "Europe/Berlin";

/// March 2027: summer time begins in Berlin on the 28th.
fn window() -> Interval {
    minutes("2027-03-01T00:00:00Z", "2027-05-01T00:00:00Z")
}

fn minutes(from: &str, to: &str) -> Interval {
    let minute = |text: &str| text.parse::<Timestamp>().unwrap().as_second() / 60;
    Interval::new(minute(from), minute(to))
}

fn file(events: &[&str]) -> String {
    let events: Vec<String> = events
        .iter()
        .map(|lines| format!("BEGIN:VEVENT\r\n{}\r\nEND:VEVENT\r\n", lines.replace(" | ", "\r\n")))
        .collect();
    format!("BEGIN:VCALENDAR\r\nVERSION:2.0\r\n{}END:VCALENDAR\r\n", events.concat())
}

fn agenda(events: &[&str]) -> Agenda {
    read(&file(events), &BERLIN.parse().unwrap(), window(), 1_000).unwrap()
}

fn taken(lines: &str) -> Vec<String> {
    let said = |at: Interval| {
        let stamp = |minute: Minute| {
            Timestamp::from_second(minute * 60)
                .unwrap()
                .strftime("%m-%dT%H:%M")
                .to_string()
        };
        format!("{}/{}", stamp(at.from), stamp(at.to))
    };
    agenda(&[lines]).taken.iter().map(|one| said(one.at)).collect()
}

fn refused(text: &str) -> String {
    read(text, &BERLIN.parse().unwrap(), window(), 10)
        .unwrap_err()
        .to_string()
}

#[test]
fn a_meeting_takes_its_time_in_whatever_zone_it_is_written() {
    let written = [
        "UID:1 | DTSTART:20270310T090000Z | DTEND:20270310T100000Z",
        "UID:1 | DTSTART:20270310T100000 | DURATION:PT1H",
        "UID:1 | DTSTART;TZID=Europe/Berlin:20270310T100000 | DTEND;TZID=Europe/London:20270310T100000",
        "UID:1 | DTSTART;TZID=\"W. Europe Standard Time\":20270310T100000 | DURATION:PT60M",
        "UID:1 | DTSTART;TZID=/example.org/2027/Europe/Berlin:20270310T100000 | DURATION:PT3600S",
    ];
    for lines in written {
        assert_eq!(taken(lines), ["03-10T09:00/03-10T10:00"], "{lines}");
    }
    let own = "BEGIN:VCALENDAR\nBEGIN:VTIMEZONE\nTZID:Here\nBEGIN:STANDARD\nTZOFFSETTO:+0545\nEND:STANDARD\nEND:VTIMEZONE\n\
               BEGIN:VEVENT\nUID:1\nDTSTART;TZID=Here:20270310T144500\nDURATION:PT1H\nEND:VEVENT\nEND:VCALENDAR\n";
    let read = read(own, &Zone::UTC, window(), 9).unwrap();
    assert_eq!(
        read.taken[0].at,
        minutes("2027-03-10T09:00:00Z", "2027-03-10T10:00:00Z")
    );
}

#[test]
fn leave_is_whole_days_of_the_person_also_when_the_clocks_change() {
    let lines = "UID:1 | DTSTART;VALUE=DATE:20270327 | DTEND;VALUE=DATE:20270330";
    assert_eq!(taken(lines), ["03-26T23:00/03-29T22:00"]);
    assert!(agenda(&[lines]).taken[0].is_leave);
    assert_eq!(
        taken("UID:1 | DTSTART;VALUE=DATE:20270327 | DURATION:P3D"),
        ["03-26T23:00/03-29T22:00"]
    );
    assert_eq!(
        taken("UID:1 | DTSTART;VALUE=DATE:20270328"),
        ["03-27T23:00/03-28T22:00"]
    );
    let out = agenda(&["UID:1 | DTSTART:20270310T090000Z | DURATION:PT2H | X-MICROSOFT-CDO-BUSYSTATUS:OOF"]);
    assert!(out.taken[0].is_leave);
    assert!(!agenda(&["UID:1 | DTSTART:20270310T090000Z | DURATION:PT2H"]).taken[0].is_leave);
}

#[test]
fn what_repeats_stays_at_its_time_of_day_and_leaves_out_what_was_taken_out() {
    assert_eq!(
        taken(
            "UID:1 | DTSTART;TZID=Europe/Berlin:20260105T100000 | DURATION:PT15M | RRULE:FREQ=WEEKLY;BYDAY=MO;UNTIL=20270405T080000Z \
             | EXDATE;TZID=Europe/Berlin:20270308T100000,20270315T100000 | RDATE;TZID=Europe/Berlin:20270309T110000"
        ),
        [
            "03-01T09:00/03-01T09:15",
            "03-09T10:00/03-09T10:15",
            "03-22T09:00/03-22T09:15",
            "03-29T08:00/03-29T08:15",
            "04-05T08:00/04-05T08:15"
        ]
    );
    assert_eq!(
        taken(
            "UID:1 | DTSTART:20270301T090000Z | DURATION:PT1H | RRULE:FREQ=DAILY;COUNT=3 | EXDATE;VALUE=DATE:20270302"
        ),
        ["03-01T09:00/03-01T10:00", "03-03T09:00/03-03T10:00"]
    );
    assert_eq!(
        taken(
            "UID:1 | DTSTART:20270301T090000Z | DURATION:PT1H | RDATE;VALUE=PERIOD:20270302T090000Z/PT2H,20270303T090000Z/20270303T093000Z"
        ),
        [
            "03-01T09:00/03-01T10:00",
            "03-02T09:00/03-02T11:00",
            "03-03T09:00/03-03T09:30"
        ]
    );
    // Begun before the window, and not over in it.
    assert_eq!(
        taken("UID:1 | DTSTART;VALUE=DATE:20220224 | DURATION:P1W | RRULE:FREQ=YEARLY"),
        ["03-01T00:00/03-02T23:00"]
    );
}

#[test]
fn one_instance_that_was_moved_or_called_off_takes_the_place_of_its_own_time() {
    let weekly = "UID:1 | DTSTART:20270301T090000Z | DURATION:PT1H | RRULE:FREQ=WEEKLY;COUNT=3";
    let moved = "UID:1 | RECURRENCE-ID:20270308T090000Z | DTSTART:20270309T140000Z | DURATION:PT1H";
    let off = "UID:1 | RECURRENCE-ID:20270315T090000Z | DTSTART:20270315T090000Z | DURATION:PT1H | STATUS:CANCELLED";
    let at: Vec<Interval> = agenda(&[weekly, moved, off]).taken.iter().map(|one| one.at).collect();
    assert_eq!(
        at,
        [
            minutes("2027-03-01T09:00:00Z", "2027-03-01T10:00:00Z"),
            minutes("2027-03-09T14:00:00Z", "2027-03-09T15:00:00Z")
        ]
    );
}

#[test]
fn an_event_that_leaves_its_person_free_takes_no_time_and_is_named_all_the_same() {
    for mark in [
        "TRANSP:TRANSPARENT",
        "STATUS:CANCELLED",
        "X-MICROSOFT-CDO-BUSYSTATUS:FREE",
        "X-MICROSOFT-CDO-BUSYSTATUS:WORKINGELSEWHERE",
        "CATEGORIES:Team,On-Call",
    ] {
        let read = agenda(&[&format!("UID:1 | DTSTART:20270310T090000Z | DURATION:PT1H | {mark}")]);
        assert_eq!((read.taken.len(), read.uids.len()), (0, 1), "{mark}");
    }
    assert_eq!(taken("UID:1 | DTSTART:20270310T090000Z"), [""; 0], "no end, no time");
    let alarm =
        "UID:1 | DTSTART:20270310T090000Z | BEGIN:VALARM | DURATION:PT9H | TRIGGER:-PT15M | END:VALARM | DURATION:PT1H";
    assert_eq!(taken(alarm), ["03-10T09:00/03-10T10:00"]);
}

#[test]
fn what_is_not_understood_is_refused_with_its_line() {
    let said = |lines: &str| refused(&file(&[lines]));
    assert!(refused("hello").contains("BEGIN:VCALENDAR"));
    assert!(refused("BEGIN:VCALENDAR\nBEGIN:VEVENT\nUID:1").starts_with("line 2: this event does not end"));
    assert!(said("DTSTART:20270310T090000Z").contains("no UID"));
    assert!(said("UID:1").starts_with("line 3: this event has no DTSTART"));
    assert!(said("UID:1 | DTSTART:20271310T090000Z").starts_with("line 5: \"20271310T090000Z\" is no date"));
    assert!(said("UID:1 | DTSTART:20270310T996000Z").contains("is no date and no time"));
    assert!(
        said("UID:1 | DTSTART;TZID=Middle Earth:20270310T090000").contains("the zone \"Middle Earth\" is not known")
    );
    assert!(said("UID:1 | DTSTART:20270310T090000Z | RRULE:FREQ=HOURLY").contains("line 6: the repetition"));
    assert!(said("UID:1 | DTSTART:20270310T090000Z | DURATION:PT").contains("is no length"));
    assert!(said("UID:1 | DTSTART:20270310T090000Z | DTEND:20270310T080000Z").contains("ends before it begins"));
    assert!(said("UID:1 | DTSTART:20270310T090000Z | DURATION:P99999999W").contains("longer than a year"));
    assert!(
        said("UID:1 | DTSTART:20270301T090000Z | DURATION:PT1H | RRULE:FREQ=DAILY").contains("more than 10 entries")
    );
}

#[test]
fn years_of_a_full_calendar_are_read_in_a_moment_and_stay_in_the_window() {
    let daily: Vec<String> = (0..500)
        .map(|n| {
            format!(
                "UID:{n} | DTSTART:20000101T{:02}0000Z | DURATION:PT1H | RRULE:FREQ=DAILY",
                n % 24
            )
        })
        .collect();
    let text = file(&daily.iter().map(String::as_str).collect::<Vec<_>>());
    let read = read(&text, &Zone::UTC, window(), 100_000).unwrap();
    assert_eq!(read.taken.len(), 500 * 61);
    let all: Vec<Interval> = read.taken.iter().map(|one| one.at).collect();
    assert_eq!(tidy(&all), [window()]);
}
