//! The desk's own past as a trace.

use super::kit::desk::{ANNA, TestDesk, on_both};
use super::kit::mail::mail;
use super::slice::next;
use duly::desk::engineer::Role;
use duly::desk::verb::{Answer, Verb};
use duly::refusal::Kind;

fn turns(desk: &TestDesk) -> String {
    match desk.by(ANNA, Verb::History) {
        Ok(Answer::Raw(text)) => {
            let bytes = data_encoding::BASE64.decode(text.as_bytes()).expect("base64");
            String::from_utf8(bytes).expect("UTF-8")
        }
        other => panic!("{}: no history but {other:?}", desk.on),
    }
}

#[test]
fn what_came_and_how_long_it_took_is_a_trace_that_a_replay_reads() {
    on_both(|desk| {
        assert_eq!(turns(desk), "case,turn,arrival,work_min\n");
        let first = desk.receive(&mail("one@northwind.example", "A question")).case();
        let second = desk.receive(&mail("two@northwind.example", "Another")).case();
        for minutes in [25, 40] {
            let case = next(desk, ANNA).row.case;
            desk.minutes(minutes);
            desk.answered(case, "close");
        }
        // Nobody took a slice of it: how long it took is not known.
        let third = desk.receive(&mail("three@northwind.example", "A third")).case();
        desk.answered(third, "close");
        let text = turns(desk);
        let rows: Vec<&str> = text.lines().skip(1).collect();
        let [one, two] = rows[..] else {
            panic!("{}: {text}", desk.on)
        };
        assert!(
            one.starts_with(&format!("{first},0,2026-03-02T")) && one.ends_with(",25"),
            "{text}"
        );
        assert!(
            two.starts_with(&format!("{second},0,2026-03-02T")) && two.ends_with(",40"),
            "{text}"
        );
        assert_eq!(replay::trace::read(text.as_bytes()).expect("a trace").len(), 2);
    });
}

#[test]
fn the_past_of_all_is_for_leads() {
    on_both(|desk| {
        desk.hire("ben@acme.example", "Ben Vogel", Role::Engineer);
        desk.refused("ben@acme.example", Verb::History, Kind::Forbidden);
    });
}
