//! Acts about what was agreed: agreements, calendars, severity and nice.

use super::done;
use crate::desk::verb::{Answer, Done, Principal, Verb};
use crate::desk::{CaseId, Desk, agreement, calendar, estimate, feed, rank};
use crate::refusal::{Outcome, Refusal};
use crate::store::Tx;
use jiff::Timestamp;
use jiff::civil::Date;
use plan::{Severity, say};
use serde_json::json;

/// Does a verb about what was agreed.
pub(super) fn act(tx: &mut Tx<'_>, now: Timestamp, desk: &Desk, who: &Principal, verb: Verb) -> Outcome<Answer> {
    match verb {
        Verb::AgreementAdd { customer, text } => {
            let made = agreement::add(tx, now, desk, who.actor(), &customer, &text)?;
            Ok(entered(now, desk, &made))
        }
        Verb::AgreementAmend { agreement, text, from } => {
            let from = from.as_deref().map(date).transpose()?;
            let made = agreement::amend(tx, now, desk, who.actor(), agreement, &text, from)?;
            Ok(entered(now, desk, &made))
        }
        Verb::CalendarSet { name, text } => {
            let named = calendar::set(tx, now, who.actor(), &name, &text)?;
            Ok(calendar_said(&named, String::new()))
        }
        Verb::CalendarHolidays { name, text } => {
            let (named, new) = calendar::add_holidays(tx, now, who.actor(), &name, &text, "iCalendar file")?;
            let days = if new == 1 { "holiday is" } else { "holidays are" };
            Ok(calendar_said(&named, format!(" {new} {days} new in it.")))
        }
        Verb::CalendarFeed { name, url: Some(url) } => {
            feed::follow(tx, now, who.actor(), &name, &url)?;
            let said = format!(
                "Calendar {name} follows {} from now on: its holidays are added, none is taken away. `duly calendar` says how the \
                 last look went.",
                url.trim()
            );
            Ok(said_of_feed(&name, said))
        }
        Verb::CalendarFeed { name, url: None } => {
            feed::end(tx, now, who.actor(), &name)?;
            let said = format!("Calendar {name} follows no feed any more. The holidays that it brought stay.");
            Ok(said_of_feed(&name, said))
        }
        Verb::Severity {
            case,
            severity,
            because,
        } => {
            let severity: Severity = severity
                .parse()
                .map_err(|mistake: plan::Mistake| Refusal::usage(format!("{mistake}.")))?;
            rank::set_severity(tx, now, who.actor(), CaseId(case), severity, &because)?;
            let said = format!(
                "Case {case} has severity {severity} for the promises to come; those that are made stand. The ledger keeps why."
            );
            done(CaseId(case), said)
        }
        Verb::Nice { case, nice, because } => {
            rank::set_nice(tx, now, who.actor(), CaseId(case), nice, &because)?;
            let said = format!(
                "Case {case} has nice {nice}: it orders cases with the same due time and moves no promise. The ledger keeps why."
            );
            done(CaseId(case), said)
        }
        Verb::Estimate { case, minutes } => {
            let said = estimate::set(tx, now, who.actor(), CaseId(case), minutes, who.zone(desk))?;
            done(CaseId(case), said)
        }
        other => Err(anyhow::anyhow!("{other:?} is not about what was agreed").into()),
    }
}

fn date(text: &str) -> Result<Date, Refusal> {
    text.trim()
        .parse()
        .map_err(|_| Refusal::usage(format!("--from: \"{text}\" is no date; write it as 2027-04-01.")))
}

fn entered(now: Timestamp, desk: &Desk, made: &agreement::AgreementRow) -> Answer {
    let zone = &desk.zone;
    let until = made
        .until
        .map(|until| format!(" until {}", say::short(until, zone, now)))
        .unwrap_or_default();
    let from = match made.from == now {
        true => "now".to_owned(),
        false => say::short(made.from, zone, now),
    };
    let said = format!(
        "Agreement {} with {}, version {}, holds from {from}{until}. Promises that are made stand as they are.",
        made.agreement,
        made.customer.as_deref().unwrap_or("everybody else"),
        made.version,
    );
    Answer::Done(Done {
        case: None,
        said,
        data: json!({"agreement": made.agreement, "version": made.version, "from": made.from, "until": made.until}),
    })
}

fn said_of_feed(name: &str, said: String) -> Answer {
    Answer::Done(Done {
        case: None,
        said,
        data: json!({"calendar": name}),
    })
}

fn calendar_said(named: &calendar::Named, more: String) -> Answer {
    let said = format!(
        "Calendar {} has version {}: {} ({}), {} holidays and exceptions.{more} Promises that are made keep the version they \
         were made with.",
        named.name,
        named.number,
        named.calendar.hours(),
        named.calendar.zone(),
        named.calendar.special_dates(),
    );
    Answer::Done(Done {
        case: None,
        said,
        data: json!({"calendar": named.name, "version": named.number}),
    })
}
