//! What an engineer reckons that a case's answer takes in all. The plan takes it for what such estimates turned out to be worth
//! ([`plan::budget`]); the bound of the promise stays as it is.

use super::case::{self, Hand};
use super::ledger::{self, Actor, event};
use super::schedule::{self, danger};
use super::{CaseId, promise};
use crate::limits;
use crate::refusal::{Outcome, Refusal};
use crate::store::{Tx, values};
use jiff::Timestamp;
use plan::Zone;
use serde_json::json;

/// Sets or takes back the estimate of what is promised in a case, in minutes of work in all; what the plan makes of it, in words.
///
/// # Errors
/// A case that is closed or in which nothing is promised, and minutes that nobody works on one answer.
pub fn set(
    tx: &mut Tx<'_>,
    now: Timestamp,
    by: Actor,
    id: CaseId,
    minutes: Option<i64>,
    zone: &Zone,
) -> Outcome<String> {
    let most = limits::ESTIMATE_MINUTES;
    if minutes.is_some_and(|minutes| !(1..=most).contains(&minutes)) {
        let said =
            format!("An estimate lies between 1 and {most} minutes of work: what takes longer is split, or waits.");
        return Err(Refusal::usage(said).into());
    }
    if case::find(tx, id)?.hand == Hand::Nobody || promise::open_of(tx, id)?.is_empty() {
        let said = format!("Nothing is promised in case {}: there is no work to reckon with.", id.0);
        return Err(Refusal::conflict(said).into());
    }
    tx.execute(
        "UPDATE promise SET estimate = $1 WHERE case_id = $2 AND state = 'open'",
        &values![minutes, id],
    )?;
    ledger::record(
        tx,
        now,
        event("case.estimated", by).of(id).with(json!({"minutes": minutes})),
    )?;
    let whose = match minutes {
        Some(minutes) => format!("Case {} takes {minutes} minutes in all by your estimate.", id.0),
        None => format!("Case {} has no estimate any more.", id.0),
    };
    let Some(left) = schedule::left_of(tx, now, id)? else {
        return Ok(whose);
    };
    let at_risk = danger::outlook(tx, now, zone)?.at_risk;
    let risk = at_risk.iter().find(|one| one.case == id).map_or_else(
        || " Its promise can be kept.".to_owned(),
        |one| format!(" Its promise is at risk: {}.", one.trouble.said(zone, now)),
    );
    Ok(format!(
        "{whose} The plan keeps {} more minutes for it, at worst {}.{risk}",
        left.mean, left.worst
    ))
}
