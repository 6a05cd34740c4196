//! Absences: time in which an engineer is not there, sick or on leave. The hours stay what they are; the plan goes without.

use super::EngineerId;
use super::engineer::Engineer;
use super::ledger::{self, Actor, event};
use crate::limits;
use crate::refusal::{Outcome, Refusal};
use crate::store::{Row, Tx, values};
use jiff::Timestamp;
use plan::interval::Interval;
use serde_json::json;

/// One absence.
#[derive(Debug, Clone)]
pub struct Absence {
    /// Who.
    pub engineer: EngineerId,
    /// From when.
    pub from: Timestamp,
    /// Until when.
    pub until: Timestamp,
    /// Why, in a few words of whoever entered it.
    pub reason: String,
}

impl Absence {
    fn of(row: &Row) -> Absence {
        Absence {
            engineer: EngineerId(row.int(0)),
            from: row.instant(1),
            until: row.instant(2),
            reason: row.text(3).to_owned(),
        }
    }

    /// The minutes that it takes a part of.
    pub fn minutes(&self) -> Interval {
        let until = (self.until.as_second() + 59).div_euclid(60);
        Interval::new(self.from.as_second().div_euclid(60), until)
    }
}

/// Absences that are not over, the first to end first.
pub fn ahead(tx: &mut Tx<'_>, now: Timestamp) -> Outcome<Vec<Absence>> {
    let rows = tx.query(
        "SELECT engineer, from_at, until, reason FROM absence WHERE until > $1 AND from_at < until ORDER BY until, id LIMIT $2",
        &values![now, limits::LIST_ROWS_MAX],
    )?;
    Ok(rows.iter().map(Absence::of).collect())
}

/// Enters an absence. One that reaches into another makes the two one gap; nothing is to be undone for that.
pub fn enter(
    tx: &mut Tx<'_>,
    now: Timestamp,
    by: Actor,
    engineer: &Engineer,
    (from, until): (Timestamp, Timestamp),
    reason: &str,
) -> Outcome<()> {
    if until <= now || until <= from {
        return Err(Refusal::usage("An absence ends later than it begins, and later than now.").into());
    }
    tx.execute(
        "INSERT INTO absence (engineer, from_at, until, reason, made_at) VALUES ($1, $2, $3, $4, $5)",
        &values![engineer.id, from, until, reason, now],
    )?;
    let data =
        json!({"engineer": engineer.id.0, "from": from.to_string(), "until": until.to_string(), "reason": reason});
    ledger::record(tx, now, event("engineer.away", by).with(data))?;
    Ok(())
}

/// Ends every absence of an engineer: the one that is, and those that were to come. How many.
pub fn end(tx: &mut Tx<'_>, now: Timestamp, by: Actor, engineer: &Engineer) -> Outcome<u64> {
    let ended = tx.execute(
        "UPDATE absence SET until = CASE WHEN from_at > $1 THEN from_at ELSE $1 END WHERE engineer = $2 AND until > $1
             AND from_at < until",
        &values![now, engineer.id],
    )?;
    if ended > 0 {
        let data = json!({"engineer": engineer.id.0});
        ledger::record(tx, now, event("engineer.back", by).with(data))?;
    }
    Ok(ended)
}
