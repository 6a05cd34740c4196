//! Slices: spans in which one engineer works on one case.
//!
//! An engineer has at most one open slice (an index holds that, not a check). It ends by skip, wait, reply, close, with the
//! engineer's hours, or after a quantum where the schedule has something else for them ([`super::schedule::decide`]); each
//! end that is not the work's own leaves a note for whoever resumes.

use super::engineer::Engineer;
use super::ledger::{self, Actor, event};
use super::schedule::decide::{self, Turn};
use super::schedule::touch;
use super::{ALARM, CaseId, EngineerId, SliceId};
use crate::limits;
use crate::refusal::{Kind, Outcome, Refusal};
use crate::store::{Tx, values};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

/// After this a decision is taken anew (PRODUCT.md §1).
const QUANTUM: SignedDuration = SignedDuration::from_mins(limits::QUANTUM_MINUTES);

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
    /// What else is to be known now, in sentences.
    pub advice: Vec<String>,
}

/// Gives the engineer the next case: what the schedule has for them. An open slice is shown again; once it has lasted a
/// quantum it is decided whether it goes on.
///
/// # Errors
/// [`Kind::Nothing`] when nothing needs this engineer.
pub fn next(tx: &mut Tx<'_>, now: Timestamp, engineer: &Engineer) -> Outcome<Taken> {
    let open = open_slice(tx, engineer.id)?;
    let again = |open: &Open, why: String, advice| Taken {
        case: open.case,
        began_at: open.began_at,
        why,
        again: true,
        advice,
    };
    if let Some(open) = open.as_ref().filter(|open| now < open.decided_at + QUANTUM) {
        let advice = decide::advice(tx, now, engineer)?;
        return Ok(again(open, "your slice on it is open".into(), advice));
    }
    let handed_back = handed_back(tx, now, engineer)?;
    let (turn, advice) = decide::decide(tx, now, engineer, &handed_back)?;
    let (case, why) = match (turn, open) {
        (Turn::GoOn { why }, Some(open)) => {
            tx.execute("UPDATE slice SET decided_at = $1 WHERE id = $2", &values![now, open.id])?;
            return Ok(again(&open, why, advice));
        }
        (Turn::Take { case, why, aside }, Some(open)) => {
            end(tx, now, engineer.id, open.case, Actor::Desk, "quantum", &aside)?;
            (case, format!("{why}; case {} is put aside", open.case.0))
        }
        (Turn::Take { case, why, .. }, None) => (case, why),
        (Turn::Rest { .. }, Some(open)) => {
            let why = "your slice on it is open, and nothing else needs you".into();
            return Ok(again(&open, why, advice));
        }
        (Turn::Rest { until, whole_until }, None) => match whole_until {
            Some(from) if let Some(case) = behind(tx, engineer, from, &handed_back)? => (
                case,
                "nothing nearer is for you: the earliest deadline behind the plan".into(),
            ),
            _ => return Err(Refusal::new(Kind::Nothing, nothing_needed(tx, now, engineer, until)?).into()),
        },
        (Turn::GoOn { .. }, None) => return Err(anyhow::anyhow!("nothing is in hand that could go on").into()),
    };
    self::open(tx, now, engineer, case)?;
    Ok(Taken {
        case,
        began_at: now,
        why,
        again: false,
        advice: Vec::new(),
    })
}

/// What the engineer handed back a moment ago: not pushed at them again while there is anything else.
fn handed_back(tx: &mut Tx<'_>, now: Timestamp, engineer: &Engineer) -> Outcome<Vec<CaseId>> {
    let rows = tx.query(
        "SELECT case_id FROM slice WHERE engineer = $1 AND ended_by = 'skip' AND ended_at > $2 ORDER BY ended_at DESC LIMIT $3",
        &values![engineer.id, now - QUANTUM, limits::LIST_ROWS],
    )?;
    Ok(rows.iter().map(|row| CaseId(row.int(0))).collect())
}

/// The earliest due that nobody works on, that waits for nothing and that this engineer serves, behind what the plan looked
/// at: due `from` then on. What they handed back a moment ago is not among it.
fn behind(tx: &mut Tx<'_>, engineer: &Engineer, from: Timestamp, handed_back: &[CaseId]) -> Outcome<Option<CaseId>> {
    // Lanes are few and typed by an administrator; the condition is built from placeholders, never from their text.
    let mut sql = String::from(
        "SELECT id FROM cases
         WHERE hand = 'ours' AND party IS NULL AND slices = 0 AND under_way = 0 AND reply_by >= $1 AND layer <= $2",
    );
    let mut bound = values![from, engineer.layer].to_vec();
    if !engineer.lanes.is_empty() {
        sql.push_str(" AND lane IN (");
        for lane in &engineer.lanes {
            bound.push(lane.as_str().into());
            let comma = if bound.len() > 3 { ", " } else { "" };
            sql.push_str(&format!("{comma}${}", bound.len()));
        }
        sql.push(')');
    }
    sql.push_str(&format!(" ORDER BY reply_by, id LIMIT {}", limits::LIST_ROWS + 1));
    let rows = tx.query(&sql, &bound)?;
    let mut cases = rows.iter().map(|row| CaseId(row.int(0)));
    Ok(cases.find(|case| !handed_back.contains(case)))
}

fn nothing_needed(tx: &mut Tx<'_>, now: Timestamp, engineer: &Engineer, until: Option<Timestamp>) -> Outcome<String> {
    if let Some(until) = until {
        let until = plan::say::short(until, &engineer.zone, now);
        return Ok(format!(
            "Nothing needs you before {until}: then a case of yours can go on. `duly ps` shows what the desk waits for."
        ));
    }
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
    touch::begun(tx, id, engineer.id)?;
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

/// An open slice as the decision about it needs it.
struct Open {
    id: SliceId,
    case: CaseId,
    began_at: Timestamp,
    /// When it was last decided that it goes on.
    decided_at: Timestamp,
}

fn open_slice(tx: &mut Tx<'_>, engineer: EngineerId) -> Outcome<Option<Open>> {
    let row = tx.first(
        "SELECT id, case_id, began_at, decided_at FROM slice WHERE engineer = $1 AND ended_at IS NULL",
        &values![engineer],
    )?;
    Ok(row.map(|row| Open {
        id: SliceId(row.int(0)),
        case: CaseId(row.int(1)),
        began_at: row.instant(2),
        decided_at: row.opt_instant(3).unwrap_or(row.instant(2)),
    }))
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
    let Some(open) = open_slice(tx, engineer)?.filter(|open| open.case == id) else {
        return Ok(());
    };
    tx.execute(
        "UPDATE slice SET ended_at = $1, ended_by = $2, note = $3 WHERE id = $4",
        &values![now, by, note, open.id],
    )?;
    tx.execute("UPDATE cases SET slices = slices - 1 WHERE id = $1", &values![id])?;
    touch::worked(tx, id, engineer, (open.began_at, now), by == "skip")?;
    let data = json!({"by": by, "engineer": engineer.0, "note": note});
    ledger::record(tx, now, event("slice.ended", actor).of(id).with(data))?;
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
