//! Who has begun a promise and how long it was worked on: what a slice leaves behind on the open promises of its case.

use crate::desk::admission::may_answer;
use crate::desk::engineer::Engineer;
use crate::desk::ledger::{self, Actor, event};
use crate::desk::{CaseId, EngineerId, PromiseId};
use crate::limits;
use crate::refusal::Outcome;
use crate::store::{Tx, values};
use jiff::Timestamp;

/// A slice begins: its engineer has begun what is open.
pub(in crate::desk) fn begun(tx: &mut Tx<'_>, case: CaseId, engineer: EngineerId) -> Outcome<()> {
    tx.execute(
        "UPDATE promise SET begun_by = $1 WHERE case_id = $2 AND state = 'open'",
        &values![engineer, case],
    )?;
    Ok(())
}

/// A slice ends: its time counts for what is open, from when that was made. Work of several at the same time counts for
/// each. Who hands a case back has not begun it any more.
pub(in crate::desk) fn worked(
    tx: &mut Tx<'_>,
    case: CaseId,
    engineer: EngineerId,
    (began, ended): (Timestamp, Timestamp),
    is_handed_back: bool,
) -> Outcome<()> {
    let left = if is_handed_back { None } else { Some(engineer) };
    tx.execute(
        "UPDATE promise SET begun_by = $1,
             worked = worked + CASE WHEN made_at > $2 THEN $3 - made_at ELSE $3 - $2 END
         WHERE case_id = $4 AND state = 'open' AND made_at <= $3",
        &values![left, began, ended, case],
    )?;
    Ok(())
}

/// Its bound was stretched, once.
pub(in crate::desk) fn stretch(tx: &mut Tx<'_>, now: Timestamp, case: CaseId, promise: PromiseId) -> Outcome<()> {
    tx.execute("UPDATE promise SET stretched = 1 WHERE id = $1", &values![promise])?;
    ledger::record(
        tx,
        now,
        event("promise.stretched", Actor::Desk).of(case).promise(promise),
    )?;
    Ok(())
}

/// Somebody has left the desk: what they had begun is anybody's.
pub(in crate::desk) fn left(tx: &mut Tx<'_>, engineer: EngineerId) -> Outcome<()> {
    tx.execute(
        "UPDATE promise SET begun_by = NULL WHERE begun_by = $1 AND state = 'open'",
        &values![engineer],
    )?;
    Ok(())
}

/// Somebody serves other lanes or another depth now: what they had begun and may answer no more is anybody's.
pub(in crate::desk) fn unable(tx: &mut Tx<'_>, engineer: &Engineer) -> Outcome<()> {
    let begun = tx.query(
        "SELECT id, lane, layer FROM promise WHERE begun_by = $1 AND state = 'open' ORDER BY id LIMIT $2",
        &values![engineer.id, limits::LIST_ROWS_MAX],
    )?;
    for row in begun
        .iter()
        .filter(|row| !may_answer(engineer, row.text(1), row.int(2)))
    {
        tx.execute("UPDATE promise SET begun_by = NULL WHERE id = $1", &values![row.int(0)])?;
    }
    Ok(())
}

/// A promise takes the place of another by agreement: the work goes on where it stood.
pub(in crate::desk) fn carry(tx: &mut Tx<'_>, from: PromiseId, to: PromiseId) -> Outcome<()> {
    tx.execute(
        "UPDATE promise SET begun_by = (SELECT begun_by FROM promise WHERE id = $1),
             worked = (SELECT worked FROM promise WHERE id = $1), stretched = (SELECT stretched FROM promise WHERE id = $1),
             moves = (SELECT moves FROM promise WHERE id = $1), estimate = (SELECT estimate FROM promise WHERE id = $1)
         WHERE id = $2",
        &values![from, to],
    )?;
    Ok(())
}

/// Its date is later than what was wanted, because of us: nobody may be let down a second time.
pub(in crate::desk) fn moved(tx: &mut Tx<'_>, promise: PromiseId) -> Outcome<()> {
    tx.execute("UPDATE promise SET moves = moves + 1 WHERE id = $1", &values![promise])?;
    Ok(())
}
