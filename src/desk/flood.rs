//! The brake on one machine: many automatic mails in minutes from one address stand in the spool as one line.
//!
//! Nothing is lost and nothing is answered, which automatic mail never is; what is saved is the eye of whoever reads the
//! spool, and cases that every line of a monitoring system would otherwise be noted in. The brake is off again as soon as
//! the address is quiet; `duly spool release ADDRESS` takes what stands behind it apart. Persons are never braked: their
//! acknowledgements have limits, their promises a budget.

use super::ledger::{self, Actor, event};
use super::message::Incoming;
use crate::limits;
use crate::refusal::{Outcome, Refusal};
use crate::store::{Tx, values};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

/// The match rule of a mail that stands behind the brake.
pub const RULE: &str = "flood";

/// Whether this machine's mail comes in a flood; counts it if so.
pub fn brakes(tx: &mut Tx<'_>, now: Timestamp, mail: &Incoming) -> Outcome<bool> {
    let since = mail.received_at - SignedDuration::from_mins(limits::FLOOD_MINUTES);
    let lately = tx.one(
        "SELECT COUNT(*) FROM (SELECT 1 AS one FROM message WHERE address = $1 AND at > $2 AND auto NOT IN ('no', 'list') LIMIT $3) m",
        &values![mail.address.as_str(), since, limits::FLOOD_MAILS],
    )?;
    if lately.int(0) < limits::FLOOD_MAILS {
        return Ok(false);
    }
    let known = tx.execute(
        "UPDATE flood SET last_at = $1, mails = mails + 1 WHERE address = $2",
        &values![mail.received_at, mail.address.as_str()],
    )?;
    if known == 0 {
        tx.execute(
            "INSERT INTO flood (address, since, last_at, mails) VALUES ($1, $2, $2, 1)",
            &values![mail.address.as_str(), mail.received_at],
        )?;
        let entry = event("flood.braked", Actor::Desk).with(json!({"address": mail.address}));
        ledger::record(tx, now, entry)?;
    }
    Ok(true)
}

/// The brakes that are on, newest first: address, since when, until when so far, mails behind it.
pub fn list(tx: &mut Tx<'_>) -> Outcome<Vec<(String, Timestamp, Timestamp, i64)>> {
    let rows = tx.query(
        "SELECT address, since, last_at, mails FROM flood ORDER BY last_at DESC LIMIT $1",
        &values![limits::LIST_ROWS],
    )?;
    Ok(rows
        .iter()
        .map(|row| (row.text(0).to_owned(), row.instant(1), row.instant(2), row.int(3)))
        .collect())
}

/// What stands behind the brake of an address stands in the spool by itself again. Says how many mails that were.
pub fn release(tx: &mut Tx<'_>, now: Timestamp, actor: Actor, address: &str) -> Outcome<u64> {
    let brake = tx.execute("DELETE FROM flood WHERE address = $1", &values![address])?;
    if brake == 0 {
        return Err(Refusal::missing(format!(
            "No brake is on for {address}. `duly spool` lists the addresses whose mail comes in a flood."
        ))
        .into());
    }
    let mails = tx.execute(
        "UPDATE message SET matched_by = 'none' WHERE spool_reason IS NOT NULL AND matched_by = 'flood' AND address = $1",
        &values![address],
    )?;
    let entry = event("flood.released", actor).with(json!({"address": address, "mails": mails}));
    ledger::record(tx, now, entry)?;
    Ok(mails)
}
