//! How badly a case hits and how it stands among equals: severity and nice, set by an engineer with a reason.
//!
//! A change of severity touches only later promises: those that are made stand (PRODUCT.md §3.14). `nice` orders cases
//! with the same due time and never overrides a promise. Both stand in the ledger with their reason.

use super::CaseId;
use super::case::{self, Hand};
use super::ledger::{self, Actor, event};
use crate::refusal::{Outcome, Refusal};
use crate::store::{Tx, values};
use jiff::Timestamp;
use plan::Severity;
use serde_json::json;

/// The nicest and the least nice that a case can be; lower goes first.
pub const NICE: std::ops::RangeInclusive<i64> = -20..=19;

/// Sets the severity that later promises of a case are made at.
///
/// # Errors
/// No reason, a closed case, or the severity that it has.
pub fn set_severity(
    tx: &mut Tx<'_>,
    now: Timestamp,
    by: Actor,
    id: CaseId,
    severity: Severity,
    because: &str,
) -> Outcome<()> {
    let case = open_case(tx, id, because, "a severity")?;
    if case.severity == severity {
        let said = format!("Case {} has severity {severity} already: nothing was changed.", id.0);
        return Err(Refusal::conflict(said).into());
    }
    let was = case.severity.number();
    tx.execute(
        "UPDATE cases SET severity = $1, changed_at = $2 WHERE id = $3",
        &values![i64::from(severity.number()), now, id],
    )?;
    let data = json!({"was": was, "severity": severity.number(), "because": because.trim()});
    ledger::record(tx, now, event("case.severity", by).of(id).with(data))?;
    Ok(())
}

/// Sets how a case stands among those with the same due time.
///
/// # Errors
/// No reason, a closed case, or a number outside −20…19.
pub fn set_nice(tx: &mut Tx<'_>, now: Timestamp, by: Actor, id: CaseId, nice: i64, because: &str) -> Outcome<()> {
    if !NICE.contains(&nice) {
        let said = format!("{nice} is no nice: write a number from -20 (first) to 19 (last).");
        return Err(Refusal::usage(said).into());
    }
    let case = open_case(tx, id, because, "a nice")?;
    if case.nice == nice {
        let said = format!("Case {} has nice {nice} already: nothing was changed.", id.0);
        return Err(Refusal::conflict(said).into());
    }
    tx.execute(
        "UPDATE cases SET nice = $1, changed_at = $2 WHERE id = $3",
        &values![nice, now, id],
    )?;
    let data = json!({"was": case.nice, "nice": nice, "because": because.trim()});
    ledger::record(tx, now, event("case.nice", by).of(id).with(data))?;
    Ok(())
}

fn open_case(tx: &mut Tx<'_>, id: CaseId, because: &str, what: &str) -> Outcome<case::Case> {
    if because.trim().is_empty() || because.len() > 1_000 {
        let said = format!("A case gets {what} with a reason of a few words, which the ledger keeps: --because \"…\".");
        return Err(Refusal::usage(said).into());
    }
    let case = case::find(tx, id)?;
    if case.hand == Hand::Nobody {
        let said = format!("Case {} is closed: nothing of it is promised any more.", id.0);
        return Err(Refusal::conflict(said).into());
    }
    Ok(case)
}
