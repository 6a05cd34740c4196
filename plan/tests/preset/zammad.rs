//! Zammad, rule by rule.

use super::*;

#[test]
fn zammads_first_response_counts_from_creation_and_never_resets() {
    let contract = Contract {
        first: span("4h"),
        ..Contract::default()
    };
    let events = [
        customer("08:00"),
        customer("10:00"),
        reply("13:00"),
        customer("14:00"),
        reply("15:00"),
    ];
    assert_eq!(
        told(Name::ZammadForAgent, &contract, &events, "17:00"),
        ["first response from 08:00 due 12:00 late"]
    );
}

#[test]
fn zammad_between_agent_updates_wants_an_answer_every_interval_whether_or_not_the_customer_wrote() {
    let contract = Contract {
        update: span("4h"),
        ..Contract::default()
    };
    let events = [customer("08:00"), reply("10:00"), reply("15:00")];
    assert_eq!(
        told(Name::ZammadBetweenUpdates, &contract, &events, "16:00"),
        [
            "update from 08:00 due 12:00 kept",
            "update from 10:00 due 14:00 late",
            "update from 15:00 due 3 09:00 running"
        ]
    );
}

#[test]
fn zammad_counts_the_update_from_the_first_response_where_one_is_agreed() {
    let contract = Contract {
        first: span("4h"),
        update: span("4h"),
        ..Contract::default()
    };
    let events = [customer("08:00"), reply("09:00")];
    assert_eq!(
        told(Name::ZammadBetweenUpdates, &contract, &events, "10:00"),
        [
            "first response from 08:00 due 12:00 kept",
            "update from 09:00 due 13:00 running"
        ]
    );
}

#[test]
fn zammad_for_an_agent_to_respond_is_due_only_after_a_customers_message_and_from_the_first_unanswered() {
    let contract = Contract {
        update: span("2h"),
        ..Contract::default()
    };
    let events = [
        customer("08:00"),
        reply("09:00"),
        customer("11:00"),
        customer("12:00"),
        reply("12:30"),
    ];
    assert_eq!(
        told(Name::ZammadForAgent, &contract, &events, "17:00"),
        ["update from 08:00 due 10:00 kept", "update from 11:00 due 13:00 kept"]
    );
}

#[test]
fn zammads_pending_shifts_nothing_so_a_case_that_comes_back_may_be_overdue_at_once() {
    let contract = Contract {
        solve: span("4h"),
        ..Contract::default()
    };
    let events = [
        customer("08:00"),
        state("09:00", State::Pending),
        state("15:00", State::Open),
    ];
    assert_eq!(
        told(Name::ZammadForAgent, &contract, &events, "15:00"),
        ["solution from 08:00 due 12:00 missed"]
    );
    let shifted = Contract {
        shift: Some(true),
        ..contract
    };
    assert_eq!(
        told(Name::ZammadForAgent, &shifted, &events, "15:00"),
        ["solution from 08:00 due 18:00 running"],
        "said explicitly, the six hours are given back"
    );
}

#[test]
fn zammads_notes_count_only_where_that_is_switched_on() {
    let contract = Contract {
        first: span("4h"),
        ..Contract::default()
    };
    let events = [customer("08:00"), note("09:00")];
    assert_eq!(
        told(Name::ZammadForAgent, &contract, &events, "10:00"),
        ["first response from 08:00 due 12:00 running"]
    );
    let notes = Contract {
        notes_count: true,
        ..contract
    };
    assert_eq!(
        told(Name::ZammadForAgent, &notes, &events, "10:00"),
        ["first response from 08:00 due 12:00 kept"]
    );
}
