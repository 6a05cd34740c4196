//! Request Tracker, rule by rule.

use super::*;

#[test]
fn rts_response_is_cleared_by_staff_and_set_again_from_the_oldest_unanswered_message() {
    let contract = Contract {
        next: span("2h"),
        ..Contract::default()
    };
    let events = [
        customer("08:00"),
        reply("09:00"),
        customer("10:00"),
        customer("11:30"),
        reply("12:30"),
    ];
    assert_eq!(
        told(Name::Rt, &contract, &events, "17:00"),
        [
            "Response from 08:00 due 10:00 kept",
            "Response from 10:00 due 12:00 late"
        ]
    );
}

#[test]
fn rts_keep_in_loop_moves_due_forward_after_each_reply_of_staff() {
    let contract = Contract {
        next: span("2h"),
        update: span("4h"),
        ..Contract::default()
    };
    let events = [customer("08:00"), reply("09:00"), reply("11:00"), customer("12:00")];
    assert_eq!(
        told(Name::Rt, &contract, &events, "13:00"),
        [
            "Response from 08:00 due 10:00 kept",
            "KeepInLoop from 09:00 due 13:00 kept",
            "Response from 12:00 due 14:00 running"
        ],
        "the customer's message takes the place of the loop"
    );
}

#[test]
fn rts_resolve_counts_beside_response_and_is_there_when_nothing_else_is() {
    let contract = Contract {
        next: span("2h"),
        solve: span("8h"),
        ..Contract::default()
    };
    let events = [customer("08:00"), reply("09:00")];
    assert_eq!(
        told(Name::Rt, &contract, &events, "10:00"),
        [
            "Resolve from 08:00 due 16:00 running",
            "Response from 08:00 due 10:00 kept"
        ]
    );
}

#[test]
fn rt_applies_business_minutes_first_and_real_ones_behind() {
    let contract = Contract {
        next: span("1h + 3h real"),
        ..Contract::default()
    };
    assert_eq!(
        told(Name::Rt, &contract, &[customer("17:30")], "17:45"),
        ["Response from 17:30 due 3 11:30 running"]
    );
}

#[test]
fn rts_out_of_hours_adds_to_what_starts_while_it_is_closed() {
    let contract = Contract {
        next: span("1h"),
        out_of_hours: "30m".parse().unwrap(),
        ..Contract::default()
    };
    assert_eq!(
        told(Name::Rt, &contract, &[customer("20:00")], "21:00"),
        ["Response from 20:00 due 3 09:30 running"]
    );
    assert_eq!(
        told(Name::Rt, &contract, &[customer("10:00")], "10:30"),
        ["Response from 10:00 due 11:00 running"]
    );
}

#[test]
fn rt_takes_requestors_for_outside_and_everybody_with_the_switch() {
    let contract = Contract {
        next: span("2h"),
        ..Contract::default()
    };
    let events = [customer("08:00"), reply("09:00"), other("10:00")];
    assert_eq!(
        told(Name::Rt, &contract, &events, "11:00"),
        ["Response from 08:00 due 10:00 kept"]
    );
    let all = Contract {
        all_outside: true,
        ..contract
    };
    assert_eq!(told(Name::Rt, &all, &events, "11:00").len(), 2);
}

#[test]
fn rts_ignored_statuses_shift_due_only_where_they_are_excluded() {
    let contract = Contract {
        next: span("4h"),
        ..Contract::default()
    };
    let events = [
        customer("08:00"),
        state("09:00", State::Hold),
        state("12:00", State::Open),
    ];
    assert_eq!(
        told(Name::Rt, &contract, &events, "13:00"),
        ["Response from 08:00 due 12:00 missed"]
    );
    let excluded = Contract {
        shift: Some(true),
        ..contract
    };
    assert_eq!(
        told(Name::Rt, &excluded, &events, "13:00"),
        ["Response from 08:00 due 15:00 running"]
    );
}

#[test]
fn rts_starts_is_set_once_from_creation() {
    let contract = Contract {
        first: span("1h"),
        ..Contract::default()
    };
    let events = [customer("08:00"), state("08:30", State::Open), customer("10:00")];
    assert_eq!(
        told(Name::Rt, &contract, &events, "11:00"),
        ["Starts from 08:00 due 09:00 kept"]
    );
}
