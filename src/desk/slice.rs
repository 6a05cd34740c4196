//! Slices: spans in which one engineer works on one case.
//!
//! An engineer has at most one open slice (an index holds that, not a check). It ends by skip, wait, reply, close, or with
//! the engineer's hours; each end that is not the work's own leaves a note for whoever resumes.

use super::engineer::Engineer;
use super::ledger::{self, Actor, event};
use super::{ALARM, CaseId, EngineerId, SliceId};
use crate::refusal::{Kind, Outcome, Refusal};
use crate::store::{Tx, values};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

/// Cases looked at to find the next one, in order of due time: equals by `nice` are found among these.
const LOOK_AHEAD: i64 = 32;
/// After this a decision is taken anew (PRODUCT.md §1).
const QUANTUM: SignedDuration = SignedDuration::from_mins(20);

/// What `next` gives.
#[derive(Debug, Clone)]
pub struct Taken {
    /// The case.
    pub case: CaseId,
    /// When the slice began.
    pub began_at: Timestamp,
    /// Why this one, in a sentence.
    pub why: String,
    /// The slice was open already and is shown again.
    pub again: bool,
}

/// Gives the engineer the next case: the open slice again if there is one, else the earliest due that they may answer.
///
/// # Errors
/// [`Kind::Nothing`] when nothing needs this engineer.
pub fn next(tx: &mut Tx<'_>, now: Timestamp, engineer: &Engineer) -> Outcome<Taken> {
    if let Some((_, case, began_at)) = open_of(tx, engineer.id)? {
        return Ok(Taken {
            case,
            began_at,
            why: "your slice on it is open".into(),
            again: true,
        });
    }
    let ready = ready(tx, engineer)?;
    let candidates = not_just_skipped(tx, now, engineer, ready)?;
    let able = plan::Engineer {
        layer: engineer.layer.clamp(1, 4) as u8,
        lanes: engineer.lanes.clone(),
    };
    let Some(choice) = plan::next(&candidates, &able) else {
        return Err(Refusal::new(Kind::Nothing, nothing_needed(tx, now, engineer)?).into());
    };
    let case = CaseId(choice.case);
    open(tx, now, engineer, case)?;
    Ok(Taken {
        case,
        began_at: now,
        why: choice.why.to_string(),
        again: false,
    })
}

/// What the engineer handed back a moment ago is not pushed at them again while there is anything else.
fn not_just_skipped(
    tx: &mut Tx<'_>,
    now: Timestamp,
    engineer: &Engineer,
    ready: Vec<plan::Candidate>,
) -> Outcome<Vec<plan::Candidate>> {
    let skipped = tx.query(
        "SELECT case_id FROM slice WHERE engineer = $1 AND ended_by = 'skip' AND ended_at > $2 ORDER BY ended_at DESC LIMIT $3",
        &values![engineer.id, now - QUANTUM, LOOK_AHEAD],
    )?;
    let (others, handed_back): (Vec<_>, Vec<_>) = ready
        .into_iter()
        .partition(|one| skipped.iter().all(|row| row.int(0) != one.case));
    Ok(if others.is_empty() { handed_back } else { others })
}

/// Cases of ours that nobody works on and that wait for nothing, earliest due first, as far as this engineer serves them.
fn ready(tx: &mut Tx<'_>, engineer: &Engineer) -> Outcome<Vec<plan::Candidate>> {
    // Lanes are few and typed by an administrator; the condition is built from placeholders, never from their text.
    let mut sql = String::from(
        "SELECT id, reply_by, severity, nice, layer, lane FROM cases
         WHERE hand = 'ours' AND party IS NULL AND slices = 0 AND under_way = 0 AND reply_by IS NOT NULL AND layer <= $1",
    );
    let mut bound = vec![crate::store::Value::from(engineer.layer)];
    if !engineer.lanes.is_empty() {
        sql.push_str(" AND lane IN (");
        for lane in &engineer.lanes {
            bound.push(lane.as_str().into());
            let comma = if bound.len() > 2 { ", " } else { "" };
            sql.push_str(&format!("{comma}${}", bound.len()));
        }
        sql.push(')');
    }
    sql.push_str(&format!(" ORDER BY reply_by, id LIMIT {LOOK_AHEAD}"));
    let rows = tx.query(&sql, &bound)?;
    Ok(rows
        .iter()
        .map(|row| plan::Candidate {
            case: row.int(0),
            due: row.instant(1),
            severity: super::case::severity_of(row.int(2)),
            nice: row.int(3).clamp(-20, 19) as i8,
            layer: row.int(4).clamp(1, 4) as u8,
            lane: row.text(5).to_owned(),
        })
        .collect())
}

fn nothing_needed(tx: &mut Tx<'_>, now: Timestamp, engineer: &Engineer) -> Outcome<String> {
    let wake = tx.first(
        "SELECT id, wake_at FROM cases WHERE wake_at IS NOT NULL ORDER BY wake_at LIMIT 1",
        &[],
    )?;
    Ok(match wake {
        Some(row) => format!(
            "Nothing needs you now. Next wake-up: case {} at {}. `duly ps` shows what the desk waits for.",
            row.int(0),
            plan::say::short(row.instant(1), &engineer.zone, now),
        ),
        None => "Nothing needs you now: no case of ours is ready that you may answer. `duly ps -a` lists all.".into(),
    })
}

/// Opens a slice of this engineer on a case.
pub fn open(tx: &mut Tx<'_>, now: Timestamp, engineer: &Engineer, id: CaseId) -> Outcome<()> {
    let calendar = engineer.calendar()?;
    let until = if calendar.is_open(now) {
        calendar.closes_at(now)
    } else {
        None
    };
    let number = tx.insert(
        "INSERT INTO slice (case_id, engineer, began_at, until) VALUES ($1, $2, $3, $4)",
        &values![id, engineer.id, now, until],
    )?;
    tx.execute(
        "UPDATE cases SET slices = slices + 1, owner = $1 WHERE id = $2",
        &values![engineer.id, id],
    )?;
    let data = json!({"slice": number});
    ledger::record(
        tx,
        now,
        event("slice.began", Actor::Engineer(engineer.id)).of(id).with(data),
    )?;
    if until.is_some() {
        tx.ring(ALARM);
    }
    Ok(())
}

/// The engineer's open slice.
pub fn open_of(tx: &mut Tx<'_>, engineer: EngineerId) -> Outcome<Option<(SliceId, CaseId, Timestamp)>> {
    let row = tx.first(
        "SELECT id, case_id, began_at FROM slice WHERE engineer = $1 AND ended_at IS NULL",
        &values![engineer],
    )?;
    Ok(row.map(|row| (SliceId(row.int(0)), CaseId(row.int(1)), row.instant(2))))
}

/// Hands the case back with a reason of a few words; counted, and seen by all.
pub fn skip(tx: &mut Tx<'_>, now: Timestamp, engineer: &Engineer, reason: &str) -> Outcome<CaseId> {
    if reason.trim().is_empty() {
        return Err(
            Refusal::usage("A skip needs a reason of a few words: `duly skip \"needs a storage person\"`.").into(),
        );
    }
    let Some((_, case, _)) = open_of(tx, engineer.id)? else {
        return Err(Refusal::conflict("You have no open slice to hand back. `duly next` gives you one.").into());
    };
    end(tx, now, engineer.id, case, Actor::Engineer(engineer.id), "skip", reason)?;
    Ok(case)
}

/// Ends this engineer's slice on a case, if one is open.
pub fn end(
    tx: &mut Tx<'_>,
    now: Timestamp,
    engineer: EngineerId,
    id: CaseId,
    actor: Actor,
    by: &str,
    note: &str,
) -> Outcome<()> {
    let ended = tx.execute(
        "UPDATE slice SET ended_at = $1, ended_by = $2, note = $3 WHERE engineer = $4 AND case_id = $5 AND ended_at IS NULL",
        &values![now, by, note, engineer, id],
    )?;
    if ended > 0 {
        tx.execute("UPDATE cases SET slices = slices - 1 WHERE id = $1", &values![id])?;
        let data = json!({"by": by, "engineer": engineer.0, "note": note});
        ledger::record(tx, now, event("slice.ended", actor).of(id).with(data))?;
    }
    Ok(())
}

/// Ends every slice on a case: it waits or is closed.
pub fn end_all(tx: &mut Tx<'_>, now: Timestamp, id: CaseId, actor: Actor, by: &str, note: &str) -> Outcome<()> {
    let open = tx.query(
        "SELECT engineer FROM slice WHERE case_id = $1 AND ended_at IS NULL",
        &values![id],
    )?;
    for row in open {
        end(tx, now, EngineerId(row.int(0)), id, actor, by, note)?;
    }
    Ok(())
}

/// Ends slices whose engineer's hours are over, with an automatic note.
pub fn end_with_hours(tx: &mut Tx<'_>, now: Timestamp, limit: i64) -> Outcome<usize> {
    let over = tx.query(
        "SELECT engineer, case_id FROM slice WHERE ended_at IS NULL AND until IS NOT NULL AND until <= $1
         ORDER BY until LIMIT $2",
        &values![now, limit],
    )?;
    for row in &over {
        let (engineer, id) = (EngineerId(row.int(0)), CaseId(row.int(1)));
        end(
            tx,
            now,
            engineer,
            id,
            Actor::Desk,
            "hours",
            "The engineer's hours ended with this slice open.",
        )?;
    }
    Ok(over.len())
}
