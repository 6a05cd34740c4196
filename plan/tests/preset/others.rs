//! Jira Service Management and GLPI, rule by rule.

use super::*;

#[test]
fn jiras_cycles_are_stored_each_with_start_stop_and_pause() {
    let contract = Contract {
        next: span("4h"),
        ..Contract::default()
    };
    let events = [
        customer("08:00"),
        customer("08:30"),
        state("09:00", State::Pending),
        state("12:00", State::Open),
        reply("14:00"),
        customer("15:00"),
    ];
    let found = runs(Name::Jira, &contract, &office(), &events, at("16:00"));
    assert_eq!(found.len(), 2);
    assert_eq!(
        (found[0].due, found[0].end, found[0].paused_seconds),
        (Some(at("15:00")), End::Kept, 3 * 3_600)
    );
    assert_eq!(
        (found[1].from, found[1].due, found[1].end),
        (at("15:00"), Some(at("3 09:00")), End::Running)
    );
}

#[test]
fn glpis_pending_shifts_the_date_of_the_solution() {
    let contract = Contract {
        first: span("1h"),
        solve: span("4h"),
        ..Contract::default()
    };
    let events = [
        customer("08:00"),
        state("08:30", State::Open),
        state("10:00", State::Pending),
        state("3 10:00", State::Open),
        state("3 12:30", State::Solved),
    ];
    assert_eq!(
        told(Name::Glpi, &contract, &events, "3 13:00"),
        [
            "time to own from 08:00 due 09:00 kept",
            "time to resolve from 08:00 due 3 12:00 late"
        ]
    );
    let fixed = Contract {
        shift: Some(false),
        ..contract
    };
    assert_eq!(
        told(Name::Glpi, &fixed, &events, "3 13:00")[1],
        "time to resolve from 08:00 due 12:00 late"
    );
}
