//! What is open, as pieces of the plan: the nearest promises with the ball on our side, and next words on their way.

use super::Piece;
use crate::desk::{CaseId, EngineerId, PromiseId};
use crate::limits;
use crate::refusal::Outcome;
use crate::store::{Row, Tx, values};
use jiff::{SignedDuration, Timestamp};
use std::collections::{BTreeMap, BTreeSet};

/// The nearest open promises in their order, and up to when they are all there are where more is open.
pub(super) fn pieces(
    tx: &mut Tx<'_>,
    now: Timestamp,
    without: &[PromiseId],
    slices: &[(EngineerId, CaseId, Timestamp)],
) -> Outcome<(Vec<Piece>, Option<Timestamp>)> {
    let rows = tx.query(
        "SELECT p.id, p.case_id, p.due, p.severity, p.worked, p.begun_by, p.stretched, p.made_at,
             p.moves, k.lane, k.layer, k.hand, k.party, k.wake_at, k.slices, k.under_way, k.nice, k.opened_at, p.estimate
         FROM promise p JOIN cases k ON k.id = p.case_id
         WHERE p.state = 'open' ORDER BY p.due, p.id LIMIT $1",
        &values![limits::PROMISES_PLANNED + 1],
    )?;
    let most = limits::PROMISES_PLANNED as usize;
    // The first that is left out says how far the window is whole.
    let whole_until = rows.get(most).map(|row| row.instant(2));
    let rows = &rows[..rows.len().min(most)];
    let is_under_way = rows.iter().any(|row| row.int(15) > 0);
    let on_their_way = if is_under_way { answered(tx)? } else { BTreeSet::new() };
    let offered = offers(tx)?;
    let mut pieces: Vec<Piece> = rows
        .iter()
        .filter(|row| !without.contains(&PromiseId(row.int(0))) && row.text(11) == "ours")
        .filter(|row| !on_their_way.contains(&row.int(0)))
        .map(|row| piece(row, now, slices, &offered))
        .collect();
    pieces.extend(owed(tx)?);
    pieces.sort_by_key(|one| {
        (
            one.planned_due.as_second().div_euclid(60),
            one.nice,
            one.case,
            one.promise,
        )
    });
    let mut seen = BTreeSet::new();
    for piece in &mut pieces {
        piece.is_further = !seen.insert(piece.case);
    }
    Ok((pieces, whole_until))
}

fn piece(
    row: &Row,
    now: Timestamp,
    slices: &[(EngineerId, CaseId, Timestamp)],
    offered: &BTreeMap<i64, Timestamp>,
) -> Piece {
    let (case, due, made_at) = (CaseId(row.int(1)), row.instant(2), row.instant(7));
    let running = slices.iter().find(|slice| slice.1 == case);
    let since = running.map_or(SignedDuration::ZERO, |slice| now.duration_since(slice.2.max(made_at)));
    let worked = SignedDuration::from_millis(row.int(4)) + since.max(SignedDuration::ZERO);
    let waits = row.opt_text(12).is_some();
    Piece {
        promise: Some(PromiseId(row.int(0))),
        case,
        due,
        severity: row.int(3).clamp(1, 4) as u8,
        nice: row.int(16),
        lane: row.text(9).to_owned(),
        layer: row.int(10),
        worked: worked.as_mins(),
        estimate: row.opt_int(18),
        stretched: row.flag(6),
        is_first: made_at <= row.instant(17),
        is_further: false,
        is_ready: !waits && row.int(14) == 0 && row.int(15) == 0,
        in_hand: row.int(14) > 0,
        moves: row.int(8).clamp(0, 255) as u8,
        begun_by: running.map(|slice| slice.0.0).or(row.opt_int(5)),
        not_before: row.opt_instant(13).filter(|_| waits),
        // What is offered is kept free at the earlier of both times.
        planned_due: offered.get(&row.int(0)).map_or(due, |at| due.min(*at)),
    }
}

/// Times that we named and that wait for a yes, by promise.
fn offers(tx: &mut Tx<'_>) -> Outcome<BTreeMap<i64, Timestamp>> {
    let rows = tx.query(
        "SELECT promise, at FROM negotiation WHERE state = 'open' AND kind = 'offer' AND promise IS NOT NULL AND at IS NOT NULL
         ORDER BY until LIMIT $1",
        &values![limits::PROMISES_PLANNED],
    )?;
    Ok(rows.iter().map(|row| (row.int(0), row.instant(1))).collect())
}

/// Promises that replies on their way answer: nothing is left to do for them.
fn answered(tx: &mut Tx<'_>) -> Outcome<BTreeSet<i64>> {
    let rows = tx.query(
        "SELECT answers FROM reply WHERE state = 'under way' ORDER BY engineer, message LIMIT $1",
        &values![limits::PROMISES_PLANNED],
    )?;
    let named = |row: &Row| -> Vec<i64> { serde_json::from_str(row.text(0)).unwrap_or_default() };
    Ok(rows.iter().flat_map(named).collect())
}

/// Next words that replies on their way will owe: their time is kept free.
fn owed(tx: &mut Tx<'_>) -> Outcome<Vec<Piece>> {
    let rows = tx.query(
        "SELECT r.case_id, r.slot, r.lane, r.layer, k.severity, k.nice FROM reply r JOIN cases k ON k.id = r.case_id
         WHERE r.state = 'under way' AND r.slot IS NOT NULL ORDER BY r.slot, r.message LIMIT $1",
        &values![limits::PROMISES_PLANNED],
    )?;
    let piece = |row: &Row| {
        let due = Timestamp::from_second(row.int(1) * limits::SLOT_MINUTES * 60).unwrap_or_default();
        Piece {
            promise: None,
            case: CaseId(row.int(0)),
            due,
            severity: row.int(4).clamp(1, 4) as u8,
            nice: row.int(5),
            lane: row.text(2).to_owned(),
            layer: row.int(3),
            worked: 0,
            estimate: None,
            stretched: false,
            is_first: false,
            is_further: false,
            is_ready: false,
            in_hand: false,
            moves: 0,
            begun_by: None,
            not_before: None,
            planned_due: due,
        }
    };
    Ok(rows.iter().map(piece).collect())
}
