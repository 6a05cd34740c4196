//! Undo: a reply can be taken back while it is held; nothing of it has left, and nothing that it carried has happened.

use super::engineer::Engineer;
use super::ledger::{self, Actor, event};
use super::{CaseId, MessageNo, OUTBOX, OutboxId, outbox, reply};
use crate::refusal::{Outcome, Refusal};
use crate::store::{Tx, values};
use jiff::Timestamp;

/// Takes back the engineer's newest reply while it is held.
pub fn last_reply(tx: &mut Tx<'_>, now: Timestamp, engineer: &Engineer) -> Outcome<(CaseId, String)> {
    let row = tx.first(
        "SELECT r.message, r.case_id, m.text FROM reply r JOIN message m ON m.id = r.message
         WHERE r.engineer = $1 AND r.state = 'under way' ORDER BY r.message DESC LIMIT 1",
        &values![engineer.id],
    )?;
    let nothing =
        || Refusal::conflict("There is nothing to undo: a reply can be taken back for ten seconds after it is given.");
    let Some(row) = row else { return Err(nothing().into()) };
    let (message, case) = (MessageNo(row.int(0)), CaseId(row.int(1)));
    let rows = tx.query("SELECT id, state FROM outbox WHERE message = $1", &values![message])?;
    if rows.iter().any(|row| row.text(1) != "held") {
        return Err(Refusal::conflict("Too late to undo: this reply is on its way to the customer.").into());
    }
    for held in &rows {
        tx.execute(
            "UPDATE outbox SET state = 'undone', settled_at = $1 WHERE id = $2",
            &values![now, OutboxId(held.int(0))],
        )?;
        outbox::leaves_the_queue(tx, OutboxId(held.int(0)))?;
    }
    if let Some(reply) = reply::find(tx, message)? {
        reply::end_way(tx, message, &reply, "undone")?;
    }
    ledger::record(
        tx,
        now,
        event("reply.undone", Actor::Engineer(engineer.id))
            .of(case)
            .message(message),
    )?;
    tx.ring(OUTBOX);
    Ok((case, row.text(2).to_owned()))
}
