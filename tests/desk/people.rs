//! People's time: what is said of a person holds at once, their own calendar takes its time out of the plan, and leave that
//! would put promises at risk is not entered silently.

use super::kit::desk::{ANNA, TestDesk, on_both, time};
use super::kit::mail::mail;
use duly::desk::engineer::{Change, Role};
use duly::desk::queue::Filter;
use duly::desk::schedule::load::Report;
use duly::desk::verb::{Answer, Done, EngineerRow, Verb};
use duly::refusal::Kind;

const BEN: &str = "ben@acme.example";

/// Anna alone answers, Monday to Friday by day. It is Monday, 09:00 in Berlin.
fn anna_by_day(desk: &TestDesk) {
    desk.tamper("UPDATE engineer SET left_at = 1 WHERE address <> 'anna@acme.example'");
    desk.tamper("UPDATE engineer SET hours = 'mon-fri 09:00-17:00', zone = 'Europe/Berlin'");
}

fn asks(desk: &mut TestDesk) -> i64 {
    desk.receive(&mail("one@northwind.example", "A question")).case()
}

fn set(change: Change) -> Verb {
    Verb::CpuSet {
        address: ANNA.into(),
        change,
    }
}

fn hours(text: &str) -> Verb {
    set(Change {
        hours: Some(text.into()),
        ..Change::default()
    })
}

fn calendar(events: &[&str], anyway: bool) -> Verb {
    let events: Vec<String> = events
        .iter()
        .map(|lines| format!("BEGIN:VEVENT\r\n{}\r\nEND:VEVENT\r\n", lines.replace(" | ", "\r\n")))
        .collect();
    Verb::CpuCalendar {
        address: ANNA.into(),
        text: Some(format!("BEGIN:VCALENDAR\r\n{}END:VCALENDAR\r\n", events.concat())),
        remove: false,
        anyway,
    }
}

fn remove() -> Verb {
    Verb::CpuCalendar {
        address: ANNA.into(),
        text: None,
        remove: true,
        anyway: false,
    }
}

fn done(desk: &TestDesk, verb: Verb) -> Done {
    match desk.owner(verb) {
        Ok(Answer::Done(done)) => done,
        other => panic!("{other:?}"),
    }
}

fn is_at_risk(desk: &TestDesk, case: i64) -> bool {
    let verb = Verb::Ps {
        filter: Filter::default(),
        after: None,
    };
    match desk.owner(verb) {
        Ok(Answer::Cases(rows)) => rows.iter().any(|row| row.case == case && row.at_risk),
        other => panic!("{other:?}"),
    }
}

fn anna(desk: &TestDesk) -> EngineerRow {
    match desk.owner(Verb::Cpu) {
        Ok(Answer::Engineers(rows)) => rows.into_iter().find(|one| one.address == ANNA).expect("Anna"),
        other => panic!("{other:?}"),
    }
}

fn taken(desk: &TestDesk) -> i64 {
    desk.number("SELECT COUNT(*) FROM taken", &[])
}

#[test]
fn new_hours_hold_for_the_plan_at_once_and_say_what_they_put_at_risk() {
    on_both(|desk| {
        anna_by_day(desk);
        let case = asks(desk);
        assert!(!is_at_risk(desk, case));
        let said = done(desk, hours("sun 03:00-03:10"));
        assert!(
            said.said.contains(&format!("case {case}, promised by")),
            "{}",
            said.said
        );
        assert_eq!(said.data["at_risk"][0]["case"], case);
        assert!(is_at_risk(desk, case));
        let said = desk.act(ANNA, hours("mon-sun 00:00-24:00"));
        assert!(
            said.starts_with("Anna Keller: lead, mon-sun 00:00-24:00 in Europe/Berlin, layer 1, all lanes.")
                && said.contains("Every promise can still be kept"),
            "{said}"
        );
        assert!(!is_at_risk(desk, case));
        let events = desk.number("SELECT COUNT(*) FROM event WHERE kind = 'engineer.set'", &[]);
        assert_eq!(events, 2, "the ledger has both");
    });
}

#[test]
fn hours_are_ones_own_to_set_lanes_a_leads_and_a_role_that_of_whoever_has_it() {
    on_both(|desk| {
        desk.tamper("UPDATE engineer SET role = 'engineer' WHERE address = 'anna@acme.example'");
        desk.hire(BEN, "Ben Vogel", Role::Lead);
        let lanes = || {
            set(Change {
                lanes: Some(vec!["backup".into(), " ".into()]),
                ..Change::default()
            })
        };
        let role = |role| {
            set(Change {
                role: Some(role),
                ..Change::default()
            })
        };
        desk.refused(ANNA, lanes(), Kind::Forbidden);
        desk.refused(ANNA, role(Role::Lead), Kind::Forbidden);
        desk.refused(BEN, role(Role::Administrator), Kind::Forbidden);
        desk.refused(ANNA, hours("mon 25:00-26:00"), Kind::Usage);
        desk.refused(ANNA, set(Change::default()), Kind::Usage);
        let layer = Change {
            layer: Some(5),
            hours: Some("mon 09:00-10:00".into()),
            ..Change::default()
        };
        let was = anna(desk).hours;
        desk.refused(BEN, set(layer), Kind::Usage);
        assert_eq!(anna(desk).hours, was, "nothing of a change that is refused is done");
        desk.act(BEN, lanes());
        desk.act(BEN, role(Role::Lead));
        let now = anna(desk);
        assert_eq!((now.lanes, now.role.as_str()), (vec!["backup".to_owned()], "lead"));
        done(desk, role(Role::Administrator));
        desk.refused(BEN, role(Role::Engineer), Kind::Forbidden);
    });
}

#[test]
fn who_serves_other_lanes_now_has_begun_nothing_there() {
    on_both(|desk| {
        desk.tamper("UPDATE engineer SET left_at = 1 WHERE address <> 'anna@acme.example'");
        desk.hire(BEN, "Ben Vogel", Role::Engineer);
        let case = asks(desk);
        assert_eq!(super::slice::next(desk, ANNA).row.case, case);
        let begun = |desk: &TestDesk| desk.number("SELECT COUNT(*) FROM promise WHERE begun_by IS NOT NULL", &[]);
        assert_eq!(begun(desk), 1);
        done(
            desk,
            set(Change {
                lanes: Some(vec!["backup".into()]),
                ..Change::default()
            }),
        );
        assert_eq!(begun(desk), 0);
    });
}

#[test]
fn a_meeting_takes_its_time_out_of_the_plan_and_a_file_that_is_read_again_replaces_it() {
    on_both(|desk| {
        anna_by_day(desk);
        let case = asks(desk);
        let weekly = "UID:a | DTSTART;TZID=Europe/Berlin:20260302T100000 | DURATION:PT1H | RRULE:FREQ=WEEKLY;COUNT=4";
        let said = done(desk, calendar(&[weekly], false));
        assert!(
            said.said.starts_with("One event of Anna Keller")
                && said.said.contains("4h of the hours of the next 28 days"),
            "{}",
            said.said
        );
        assert_eq!((&said.data["times"], taken(desk)), (&4.into(), 4));
        assert!(anna(desk).on_duty, "the meeting is at ten");
        desk.minutes(75);
        let now = anna(desk);
        assert_eq!(now.away_until, Some(time("2026-03-02T10:00:00Z")));
        assert!(!now.on_duty && !is_at_risk(desk, case));
        let moved = "UID:a | DTSTART;TZID=Europe/Berlin:20260302T140000 | DURATION:PT1H";
        let other = "UID:b | DTSTART;TZID=Europe/Berlin:20260303T140000 | DURATION:PT1H";
        done(desk, calendar(&[moved], false));
        assert!(anna(desk).on_duty);
        done(desk, calendar(&[other], false));
        assert_eq!(taken(desk), 2, "another file leaves the first alone");
        done(
            desk,
            calendar(
                &["UID:a | DTSTART:20260302T130000Z | DURATION:PT1H | STATUS:CANCELLED"],
                false,
            ),
        );
        assert_eq!(taken(desk), 1);
        done(desk, remove());
        assert_eq!(taken(desk), 0);
        desk.refused(ANNA, remove(), Kind::Conflict);
    });
}

#[test]
fn leave_that_puts_promises_at_risk_is_entered_only_when_that_was_seen() {
    on_both(|desk| {
        anna_by_day(desk);
        let case = asks(desk);
        let leave = "UID:a | DTSTART;VALUE=DATE:20260302 | DTEND;VALUE=DATE:20260305";
        let said = desk.refused(ANNA, calendar(&[leave], false), Kind::Dishonest);
        assert!(
            said.starts_with("One promise that can be kept now would be at risk. Nothing was entered.")
                && said.contains(&format!("case {case}, promised by"))
                && said.contains(&format!("duly promise {case} --ask"))
                && said.contains("--anyway"),
            "{said}"
        );
        assert_eq!(taken(desk), 0);
        assert!(!is_at_risk(desk, case));
        assert_eq!(super::slice::next(desk, ANNA).row.case, case);
        let said = done(desk, calendar(&[leave], true));
        assert_eq!(said.data["at_risk"][0]["case"], case, "{}", said.data);
        assert_eq!(taken(desk), 3, "a row a day");
        assert!(is_at_risk(desk, case));
        assert_eq!(anna(desk).away_until, Some(time("2026-03-04T23:00:00Z")));
        assert_eq!(anna(desk).case, None, "her slice ended");
        // It is at risk already: the same again puts nothing more at risk.
        done(desk, calendar(&[leave], false));
        done(desk, remove());
        assert!(!is_at_risk(desk, case));
        let away = |anyway| Verb::CpuAway {
            address: ANNA.into(),
            until: "fri".into(),
            from: Some("+30m".into()),
            because: Some("leave".into()),
            anyway,
        };
        desk.refused(ANNA, away(false), Kind::Dishonest);
        assert!(!is_at_risk(desk, case));
        desk.act(ANNA, away(true));
        assert!(is_at_risk(desk, case));
    });
}

#[test]
fn a_calendar_that_is_not_understood_changes_nothing_and_is_ones_own() {
    on_both(|desk| {
        desk.hire(BEN, "Ben Vogel", Role::Engineer);
        let good = "UID:a | DTSTART:20260302T130000Z | DURATION:PT1H";
        done(desk, calendar(&[good], false));
        let bad = [
            "UID:a | DTSTART:20260303T130000Z | DURATION:PT1H",
            "UID:b | DTSTART:tomorrow",
        ];
        let said = desk.refused(ANNA, calendar(&bad, false), Kind::Usage);
        assert!(said.contains("line 9: \"tomorrow\" is no date"), "{said}");
        let daily = "UID:c | DTSTART;VALUE=DATE:20200101 | DTEND;VALUE=DATE:20201201 | RRULE:FREQ=DAILY";
        desk.refused(ANNA, calendar(&[daily], false), Kind::Usage);
        assert_eq!(taken(desk), 1);
        desk.refused(BEN, calendar(&[good], false), Kind::Forbidden);
    });
}

fn load(desk: &TestDesk) -> Report {
    match desk.by(ANNA, Verb::CpuLoad) {
        Ok(Answer::Load(report)) => *report,
        other => panic!("{other:?}"),
    }
}

#[test]
fn load_is_work_against_time_by_the_end_of_each_day_and_says_when_it_is_too_much() {
    on_both(|desk| {
        anna_by_day(desk);
        let calm = load(desk);
        assert_eq!(
            calm.days,
            ["Mon 2 Mar", "Tue 3 Mar", "Wed 4 Mar", "Thu 5 Mar", "Fri 6 Mar"]
        );
        let all = calm.lanes.last().expect("all lanes");
        let time: Vec<i64> = all.days.iter().map(|day| day.time_minutes).collect();
        assert_eq!((time, all.days[4].work_minutes), (vec![480, 960, 1440, 1920, 2400], 0));
        assert!(calm.said.is_empty(), "{:?}", calm.said);
        let case = asks(desk);
        assert_eq!(super::slice::next(desk, ANNA).row.case, case);
        let one = load(desk);
        let work = one.lanes.last().expect("all lanes").days[4].work_minutes;
        assert!((20..=50).contains(&work), "{one:?}");
        let planned: i64 = one.people[0].days.iter().map(|day| day.work_minutes).sum();
        assert_eq!(one.people[0].of, "Anna Keller");
        assert!((work..=work + 30).contains(&planned), "{planned} of {work}");
        let until = |minutes: i64| hours(&format!("mon 09:00-09:{minutes:02}"));
        done(desk, until(work - 5));
        let full = load(desk);
        assert!(
            full.said
                .iter()
                .any(|said| said.contains("not everything can be kept. Nobody else is there.")),
            "{full:?}"
        );
        done(desk, until(work + work / 9));
        let tight = load(desk);
        assert!(
            tight
                .said
                .iter()
                .any(|said| said.contains("more than the 80 % that is planned for")),
            "{tight:?}"
        );
    });
}

#[test]
fn hours_of_the_desk_without_anybody_for_a_lane_are_holes() {
    on_both(|desk| {
        anna_by_day(desk);
        let whole = load(desk);
        desk.hire_with(duly::desk::engineer::NewEngineer {
            address: BEN.into(),
            name: "Ben Vogel".into(),
            zone: "Europe/Berlin".into(),
            hours: "mon-fri 09:00-12:00".into(),
            layer: 1,
            lanes: vec!["backup".into()],
            role: Role::Engineer,
        });
        done(
            desk,
            set(Change {
                lanes: Some(vec!["restore".into()]),
                ..Change::default()
            }),
        );
        let report = load(desk);
        let said = |report: &Report, lane: &str| -> Vec<String> {
            let zone = "Europe/Berlin".parse().expect("a zone");
            let own = report.holes.iter().filter(|hole| hole.lane == lane);
            own.map(|hole| hole.said(&zone)).collect()
        };
        let backup = said(&report, "backup");
        assert!(
            backup
                .iter()
                .any(|hole| hole.starts_with("backup: nobody Mon 2 Mar 12:00-")),
            "{backup:?}"
        );
        assert_eq!(
            said(&report, "all lanes"),
            said(&whole, "all lanes"),
            "Anna is there for something"
        );
        let helped = report.lanes.iter().map(|line| line.of.as_str()).collect::<Vec<_>>();
        assert_eq!(helped, ["backup", "restore", "all lanes"]);
    });
}

fn what_if(desk: &TestDesk, add: Option<Vec<String>>, away: Option<(&str, &str)>, moved: Option<(i64, &str)>) -> Done {
    let rows = |desk: &TestDesk| desk.number("SELECT COUNT(*) FROM event", &[]);
    let before = rows(desk);
    let verb = Verb::CpuWhatIf {
        add,
        away: away.map(|(who, until)| (who.into(), until.into())),
        moved: moved.map(|(case, to)| (case, to.into())),
    };
    let done = done(desk, verb);
    assert_eq!(rows(desk), before, "nothing is written");
    done
}

#[test]
fn what_if_says_what_would_become_of_promises_and_changes_nothing() {
    on_both(|desk| {
        anna_by_day(desk);
        let case = asks(desk);
        let absent = what_if(desk, None, Some((ANNA, "fri")), None);
        assert_eq!(absent.data["at_risk"][0]["case"], case, "{}", absent.said);
        assert!(
            absent.said.contains(&format!("at risk then: case {case}"))
                && absent.said.ends_with("Nothing was changed."),
            "{}",
            absent.said
        );
        assert!(absent.said.contains("instead of"), "{}", absent.said);
        assert!(!is_at_risk(desk, case));
        done(desk, hours("sun 03:00-03:10"));
        assert!(is_at_risk(desk, case));
        let more = what_if(desk, Some(vec![String::new()]), None, None);
        assert_eq!(more.data["no_more_at_risk"][0]["case"], case, "{}", more.said);
        assert_eq!(more.data["earlier"], 1, "{}", more.said);
        let elsewhere = what_if(desk, Some(vec!["pre-sales".into()]), None, None);
        assert!(
            elsewhere.said.contains("The same promises would be at risk as now"),
            "{}",
            elsewhere.said
        );
        done(desk, hours("fri 09:00-17:00"));
        assert!(is_at_risk(desk, case));
        let later = what_if(desk, None, None, Some((case, "fri 17:00")));
        assert_eq!(later.data["no_more_at_risk"][0]["case"], case, "{}", later.said);
        let nothing = Verb::CpuWhatIf {
            add: None,
            away: None,
            moved: None,
        };
        desk.refused(ANNA, nothing, Kind::Usage);
        let none = Verb::CpuWhatIf {
            add: None,
            away: None,
            moved: Some((case + 1, "fri".into())),
        };
        desk.refused(ANNA, none, Kind::Missing);
    });
}
