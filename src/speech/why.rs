//! Why a time is what it is: one to three sentences that a customer understands, in their language, out of the numbers that
//! stand beside every promise (`agreement::due`).
//!
//! What the numbers do not say is left out; numbers of an older version, or of an act that computed nothing, give a shorter
//! reason and never a wrong one.

use super::{Speech, Value, clip};
use jiff::Timestamp;
use jiff::civil::Date;
use plan::{Target, Zone};
use serde_json::Value as Json;

/// Longest name that is repeated.
const NAME_CHARS: usize = 60;
/// Closed days that are named; more are counted by nobody.
const DATES: usize = 5;
/// What ends each sentence and begins the next.
const BETWEEN: &str = " ";

/// The sentences for one promise: its numbers, and what made it (`basis` of the promise).
pub fn why(speech: Speech, numbers: &Json, basis: &str, zone: &Zone, now: Timestamp) -> String {
    let mut said = Vec::new();
    said.extend(cause(speech, basis));
    if numbers["admitted"].is_object() {
        said.push(speech.say("why-earliest", &[]));
        return said.join(BETWEEN);
    }
    match target(speech, numbers) {
        Some(target) => {
            said.push(rule(speech, numbers, &target));
            match full(speech, numbers, zone, now) {
                Some(full) => said.push(full),
                None => said.extend(counted(speech, numbers, zone, now)),
            }
        }
        None if said.is_empty() => said.push(speech.say("why-unknown", &[])),
        None => {}
    }
    said.join(BETWEEN)
}

/// What made the promise, where it was not simply the customer's message.
fn cause(speech: Speech, basis: &str) -> Option<String> {
    let id = match basis {
        "after a break" => "why-after-break",
        "next word" => "why-next-word",
        "released" => "why-released",
        "owed" => "why-owed",
        "moved" => "why-moved",
        "disputed" => "why-disputed",
        "worse" => "why-worse",
        _ => return None,
    };
    Some(speech.say(id, &[]))
}

/// Why it is later than the target: what was promised before.
fn full(speech: Speech, numbers: &Json, zone: &Zone, now: Timestamp) -> Option<String> {
    numbers["target_due"].as_str()?;
    let until: Timestamp = numbers["full"]["booked_until"].as_str()?.parse().ok()?;
    let until = speech.time(until, zone, now);
    Some(speech.say("why-full", &[("time", until.as_str().into())]))
}

fn target(speech: Speech, numbers: &Json) -> Option<String> {
    let text = numbers["target"].as_str();
    let minutes = numbers["target_minutes"]
        .as_u64()
        .and_then(|minutes| u32::try_from(minutes).ok());
    let target = match text.and_then(|text| text.parse().ok()) {
        Some(target) => target,
        None => Target::OpenMinutes(minutes?),
    };
    let said = |id, count: u32| speech.say(id, &[("count", Value::Count(u64::from(count)))]);
    Some(match target {
        Target::BusinessDays(days) => said("why-days", days),
        Target::OpenMinutes(minutes) if minutes % 60 == 0 => said("why-hours", minutes / 60),
        Target::OpenMinutes(minutes) if minutes < 60 => said("why-minutes", minutes),
        Target::OpenMinutes(minutes) => format!(
            "{} {}",
            said("why-hours", minutes / 60),
            said("why-minutes", minutes % 60)
        ),
    })
}

/// Which agreement gives the target.
fn rule(speech: Speech, numbers: &Json, target: &str) -> String {
    let severity = speech.say(
        "why-severity",
        &[("number", Value::Count(numbers["severity"].as_u64().unwrap_or(3)))],
    );
    let values = [("target", target.into()), ("severity", severity.as_str().into())];
    match numbers["agreement_version"].as_i64() {
        Some(version) => {
            let (agreement, version) = (
                numbers["agreement"].as_i64().unwrap_or(0).to_string(),
                version.to_string(),
            );
            let own = [
                ("agreement", agreement.as_str().into()),
                ("version", version.as_str().into()),
            ];
            speech.say("why-agreement", &[&values[..], &own].concat())
        }
        None => speech.say("why-default", &values),
    }
}

/// From when, in which hours, and what was in the way.
fn counted(speech: Speech, numbers: &Json, zone: &Zone, now: Timestamp) -> Option<String> {
    let from: Timestamp = numbers["from"].as_str()?.parse().ok()?;
    let from = speech.time(from, zone, now);
    let behind = numbers["behind"].as_u64();
    let closed = closed(speech, numbers);
    let hours = numbers["hours"].as_str().unwrap_or_default();
    let mut said = match hours {
        "" | "mon-sun 00:00-24:00" => speech.say("why-counted-always", &[("from", from.as_str().into())]),
        hours => {
            let hours = local_hours(speech, hours);
            let place = numbers["zone"].as_str().and_then(|zone| zone.parse::<Zone>().ok());
            let place = clip(&place.map_or_else(String::new, |zone| zone.place()), NAME_CHARS);
            let values = [
                ("from", from.as_str().into()),
                ("hours", hours.as_str().into()),
                ("place", place.as_str().into()),
            ];
            speech.say("why-counted", &values)
        }
    };
    if let Some(open) = behind {
        said = format!(
            "{said}{BETWEEN}{}",
            speech.say("why-behind", &[("count", Value::Count(open))])
        );
    }
    if let Some(closed) = closed {
        said = format!("{said}{BETWEEN}{closed}");
    }
    Some(said)
}

fn closed(speech: Speech, numbers: &Json) -> Option<String> {
    let dates = numbers["closed"]
        .as_array()?
        .iter()
        .filter_map(|date| date.as_str()?.parse::<Date>().ok());
    let dates: Vec<String> = dates.take(DATES).map(|date| speech.date(date)).collect();
    let dates = dates.join(", ");
    (!dates.is_empty()).then(|| speech.say("why-closed", &[("dates", dates.as_str().into())]))
}

/// `mon-fri 09:00-17:00` with the weekdays of the language.
fn local_hours(speech: Speech, hours: &str) -> String {
    const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
    let mut said = hours.to_owned();
    for (number, day) in DAYS.iter().enumerate() {
        said = said.replace(
            day,
            &speech.say("weekday-short", &[("number", Value::Count(number as u64 + 1))]),
        );
    }
    clip(&said, 200)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn said(language: &str, basis: &str, numbers: Json) -> String {
        let berlin: Zone = "Europe/Berlin".parse().unwrap();
        why(
            Speech::of(language),
            &numbers,
            basis,
            &berlin,
            "2026-11-27T16:00:00Z".parse().unwrap(),
        )
    }

    fn numbers() -> Json {
        json!({"rule": "default agreement", "severity": 3, "word": "first reply", "target": "10h", "target_minutes": 600,
            "from": "2026-11-27T15:30:00Z", "hours": "mon-fri 09:00-17:00", "zone": "Europe/Berlin"})
    }

    #[test]
    fn a_default_target_is_explained_in_both_languages() {
        assert_eq!(
            said("en", "target", numbers()),
            "Everybody without an agreement of their own gets 10 business hours at severity 3 (limited). They count from \
             Friday 27 November, 16:30 (Berlin), in the hours Mon-Fri 09:00-17:00 (Berlin)."
        );
        assert_eq!(
            said("de", "target", numbers()),
            "Wer keine eigene Vereinbarung hat, bekommt bei Stufe 3 (eingeschränkt) 10 Geschäftsstunden. Sie zählen ab \
             Freitag, 27. November, 16:30 Uhr (Berlin), in den Zeiten Mo-Fr 09:00-17:00 (Berlin)."
        );
    }

    #[test]
    fn what_was_promised_before_and_what_both_sides_agreed_are_said() {
        let mut full = numbers();
        full["target_due"] = json!("2026-11-30T14:30:00Z");
        full["full"] = json!({"booked_until": "2026-12-01T10:00:00Z"});
        assert_eq!(
            said("en", "target", full),
            "Everybody without an agreement of their own gets 10 business hours at severity 3 (limited). Who can answer is \
             booked until Tuesday 1 December, 11:00 (Berlin) by what was promised before, so this is the earliest that can be kept."
        );
        let mut admitted = numbers();
        admitted["admitted"] = json!({"minutes": 120});
        assert_eq!(
            said("en", "after a break", admitted),
            "The time before was not kept, so this one was made. It is the earliest that can be kept beside everything that is promised."
        );
        assert_eq!(
            said("de", "moved", json!({"rule": "simple count"})),
            "Beide Seiten haben diese Zeit ausgemacht, statt der vorigen."
        );
    }

    #[test]
    fn an_agreement_a_holiday_and_the_queue_are_named() {
        let mut all = numbers();
        all["agreement"] = json!(3);
        all["agreement_version"] = json!(2);
        all["target"] = json!("2 business days");
        all["closed"] = json!(["2026-12-25", "2026-12-26"]);
        let english = said("en", "after a break", all.clone());
        assert_eq!(
            english,
            "The time before was not kept, so this one was made. Agreement 3 (version 2) gives 2 business days at severity 3 \
             (limited). They count from Friday 27 November, 16:30 (Berlin), in the hours Mon-Fri 09:00-17:00 (Berlin). \
             Closed on: Fri 25 Dec, Sat 26 Dec."
        );
        all["behind"] = json!(3);
        assert!(said("de", "target", all).contains("Es sind schon 3 Zusagen an Sie offen"));
    }

    #[test]
    fn what_was_said_and_not_computed_has_a_short_reason() {
        assert_eq!(
            said("en", "owed", json!({"rule": "said in a reply"})),
            "An engineer named this time in a reply."
        );
        assert_eq!(
            said("en", "strange", json!({})),
            "Nobody wrote down how this time was found."
        );
        let mut odd = numbers();
        odd["target"] = json!("90m");
        odd["hours"] = json!("mon-sun 00:00-24:00");
        assert!(said("en", "target", odd).contains("1 business hour 30 minutes"));
    }
}
