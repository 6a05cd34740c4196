//! The clocks of other desks, rule by rule as their documentation and source state them.

use jiff::Timestamp;
use plan::Calendar;
use plan::preset::{Contract, End, Event, Name, Role, Run, Span, State, What, runs};

mod others;
mod rt;
mod zammad;
mod zendesk;

/// An event at a time of Monday 2 March 2026 (`10:00`) or of a later day of March (`3 10:00`), UTC.
fn at(text: &str) -> Timestamp {
    let (day, clock) = text.split_once(' ').unwrap_or(("2", text));
    format!("2026-03-{day:0>2}T{clock}:00Z").parse().unwrap()
}

fn customer(time: &str) -> Event {
    said(time, What::Customer { role: Role::Requestor })
}

fn other(time: &str) -> Event {
    said(time, What::Customer { role: Role::Other })
}

fn reply(time: &str) -> Event {
    said(time, What::Reply)
}

fn note(time: &str) -> Event {
    said(time, What::Note)
}

fn state(time: &str, state: State) -> Event {
    said(time, What::State { state })
}

fn said(time: &str, what: What) -> Event {
    Event { at: at(time), what }
}

fn office() -> Calendar {
    Calendar::from_text("UTC", "mon-fri 08:00-18:00").unwrap()
}

fn span(text: &str) -> Option<Span> {
    Some(text.parse().unwrap())
}

/// What a clock said: `first response 08:00 due 12:00 late`, a line a run.
fn told(name: Name, contract: &Contract, events: &[Event], now: &str) -> Vec<String> {
    let time = |at: Timestamp| {
        let text = at.to_string();
        let (day, clock) = (text[8..10].trim_start_matches('0'), &text[11..16]);
        if day == "2" {
            clock.to_owned()
        } else {
            format!("{day} {clock}")
        }
    };
    let line = |run: &Run| {
        let due = run.due.map_or("-".into(), time);
        let end = match run.end {
            End::Kept => "kept",
            End::Late => "late",
            End::Missed => "missed",
            End::Running => "running",
            End::Paused => "paused",
            End::Dropped => "dropped",
        };
        format!("{} from {} due {due} {end}", run.clock, time(run.from))
    };
    runs(name, contract, &office(), events, at(now))
        .iter()
        .map(line)
        .collect()
}

#[test]
fn a_history_without_a_customer_has_no_clocks_and_a_clock_without_a_target_does_not_run() {
    let whole = Contract {
        first: span("1h"),
        next: span("1h"),
        update: span("1h"),
        solve: span("1h"),
        ..Contract::default()
    };
    for (_, name) in plan::preset::NAMES {
        assert_eq!(
            told(name, &whole, &[reply("08:00"), note("09:00")], "17:00"),
            [""; 0],
            "{name}"
        );
        assert_eq!(
            told(
                name,
                &Contract::default(),
                &[customer("08:00"), reply("09:00")],
                "17:00"
            ),
            [""; 0],
            "{name}"
        );
        assert!(
            !told(name, &whole, &[customer("08:00"), reply("09:00")], "17:00").is_empty(),
            "{name}"
        );
        assert_eq!(name.to_string().parse(), Ok(name));
    }
}

#[test]
fn the_order_of_the_events_does_not_matter_and_what_comes_after_the_end_is_not_seen() {
    let contract = Contract {
        next: span("2h"),
        ..Contract::default()
    };
    let events = [reply("09:00"), customer("08:00"), reply("16:00"), customer("15:00")];
    assert_eq!(
        told(Name::ZendeskNext, &contract, &events, "15:30"),
        [
            "first reply time from 08:00 due 10:00 kept",
            "next reply time from 15:00 due 17:00 running"
        ]
    );
}

#[test]
fn spans_are_read_as_open_and_as_real_time() {
    assert_eq!(
        "4h".parse(),
        Ok(Span {
            open_minutes: 240,
            real_minutes: 0
        })
    );
    assert_eq!(
        "2h real".parse(),
        Ok(Span {
            open_minutes: 0,
            real_minutes: 120
        })
    );
    assert_eq!(
        "4h + 30m real".parse(),
        Ok(Span {
            open_minutes: 240,
            real_minutes: 30
        })
    );
    for text in ["", "soon", "4h +", "2 business days", "real"] {
        assert!(text.parse::<Span>().is_err(), "{text}");
    }
}
