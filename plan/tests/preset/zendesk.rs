//! Zendesk, rule by rule.

use super::*;

#[test]
fn zendesks_next_reply_starts_at_the_oldest_unanswered_comment_of_any_end_user() {
    let contract = Contract {
        first: span("1h"),
        next: span("2h"),
        ..Contract::default()
    };
    let events = [
        customer("08:00"),
        reply("08:30"),
        other("09:00"),
        customer("10:00"),
        reply("11:30"),
    ];
    assert_eq!(
        told(Name::ZendeskNext, &contract, &events, "12:00"),
        [
            "first reply time from 08:00 due 09:00 kept",
            "next reply time from 09:00 due 11:00 late"
        ]
    );
}

#[test]
fn zendesks_reply_clock_is_not_stopped_by_a_status_other_than_solved() {
    let contract = Contract {
        next: span("2h"),
        ..Contract::default()
    };
    let pending = [
        customer("08:00"),
        state("08:30", State::Pending),
        state("09:00", State::Hold),
    ];
    assert_eq!(
        told(Name::ZendeskNext, &contract, &pending, "11:00"),
        ["first reply time from 08:00 due 10:00 missed"]
    );
    let solved = [customer("08:00"), state("09:00", State::Solved)];
    assert_eq!(
        told(Name::ZendeskNext, &contract, &solved, "11:00"),
        ["first reply time from 08:00 due 10:00 kept"]
    );
}

#[test]
fn zendesks_holding_reply_drops_the_clock() {
    let contract = Contract {
        next: span("2h"),
        ..Contract::default()
    };
    let events = [customer("08:00"), reply("08:05"), state("08:05", State::Hold)];
    let said = told(Name::ZendeskNext, &contract, &events, "6 12:00");
    assert_eq!(
        said,
        ["first reply time from 08:00 due 10:00 kept"],
        "nothing runs after \"I will come back\""
    );
}

#[test]
fn zendesks_periodic_update_runs_between_public_comments_through_every_state() {
    let contract = Contract {
        update: span("4h"),
        ..Contract::default()
    };
    let events = [
        customer("08:00"),
        reply("09:00"),
        state("09:30", State::Pending),
        reply("15:00"),
    ];
    assert_eq!(
        told(Name::ZendeskPeriodic, &contract, &events, "16:00"),
        [
            "periodic update time from 09:00 due 13:00 late",
            "periodic update time from 15:00 due 3 09:00 running"
        ]
    );
}

#[test]
fn zendesks_pausable_update_counts_in_new_open_and_on_hold_only() {
    let contract = Contract {
        update: span("4h"),
        ..Contract::default()
    };
    let events = [
        customer("08:00"),
        reply("09:00"),
        state("10:00", State::Pending),
        state("13:00", State::Hold),
        reply("15:00"),
    ];
    assert_eq!(
        told(Name::ZendeskPausable, &contract, &events, "15:00"),
        [
            "pausable update time from 09:00 due 16:00 kept",
            "pausable update time from 15:00 due 3 09:00 running"
        ]
    );
    let paused = [customer("08:00"), reply("09:00"), state("10:00", State::Pending)];
    assert_eq!(
        told(Name::ZendeskPausable, &contract, &paused, "17:00"),
        ["pausable update time from 09:00 due - paused"]
    );
}

#[test]
fn zendesks_requester_waits_on_hold_and_the_agent_does_not_work() {
    let contract = Contract {
        solve: span("4h"),
        ..Contract::default()
    };
    let events = [
        customer("08:00"),
        state("09:00", State::Pending),
        state("10:00", State::Hold),
        state("11:00", State::Open),
        state("12:30", State::Solved),
    ];
    assert_eq!(
        told(Name::ZendeskRequesterWait, &contract, &events, "13:00"),
        ["requester wait time from 08:00 due 13:00 kept"]
    );
    assert_eq!(
        told(Name::ZendeskAgentWork, &contract, &events, "13:00"),
        ["agent work time from 08:00 due 14:00 kept"]
    );
}

#[test]
fn zendesks_internal_note_satisfies_where_the_advanced_setting_says_so() {
    let contract = Contract {
        next: span("2h"),
        notes_count: true,
        ..Contract::default()
    };
    let events = [customer("08:00"), note("09:00")];
    assert_eq!(
        told(Name::ZendeskNext, &contract, &events, "17:00"),
        ["first reply time from 08:00 due 10:00 kept"]
    );
}
