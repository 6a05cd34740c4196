//! A mail domain that the desk sends to: when its next mail is due, whether it can be reached, and its MTA-STS policy.
//!
//! Picking reads this table and never the mails that wait: fifty thousand rows for one dead domain cost the others one
//! seek. A domain that could not be reached at all rests as a whole, so one connection in a while finds out whether it
//! is back, not one for each of its mails. What stands here is made from the outbox: [`settle`] after every change of a
//! row, [`begin`] at start.

use super::OutboxId;
use crate::limits;
use crate::refusal::Outcome;
use crate::store::{Tx, values};
use jiff::{SignedDuration, Timestamp};

/// A domain with mail that waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Destination {
    /// The part behind the last `@`, lower case.
    pub domain: String,
    /// When its next mail is due.
    pub next_at: Timestamp,
    /// It could not be reached the last time.
    pub is_failing: bool,
}

/// A policy as it was fetched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// The `id` of the record that announced it.
    pub id: String,
    /// Its text; empty: it was announced and could not be fetched.
    pub text: String,
    /// Believed until then.
    pub until: Timestamp,
}

/// The domain of an address, as queues are named.
pub fn domain_of(address: &str) -> String {
    address
        .rsplit_once('@')
        .map_or("", |(_, domain)| domain)
        .trim_end_matches('.')
        .to_lowercase()
}

/// A mail to the domain is due at an instant.
pub(super) fn expects(tx: &mut Tx<'_>, domain: &str, at: Timestamp) -> Outcome<()> {
    tx.execute(
        "INSERT INTO destination (domain, next_at) VALUES ($1, $2) ON CONFLICT (domain) DO UPDATE SET next_at = CASE
             WHEN destination.next_at <= excluded.next_at THEN destination.next_at
             WHEN destination.rest_until > excluded.next_at THEN destination.rest_until
             ELSE excluded.next_at END",
        &values![domain, at],
    )?;
    Ok(())
}

/// Looks anew when the domain's next mail is due. Not before `turn`: whoever was served stands behind those who wait.
pub(super) fn settle(tx: &mut Tx<'_>, domain: &str, turn: Option<Timestamp>) -> Outcome<()> {
    let first = tx.one(
        "SELECT MIN(not_before) FROM outbox WHERE domain = $1 AND state IN ('held', 'queued', 'deferred') AND behind IS NULL",
        &values![domain],
    )?;
    let first = first.opt_instant(0).map(|at| turn.map_or(at, |turn| at.max(turn)));
    tx.execute(
        "UPDATE destination SET next_at = CASE WHEN $1 < rest_until THEN rest_until ELSE $1 END WHERE domain = $2",
        &values![first, domain],
    )?;
    Ok(())
}

/// At start: what waits decides, whatever stood here before. Rests and policies stay.
pub(super) fn begin(tx: &mut Tx<'_>) -> Outcome<()> {
    tx.execute("UPDATE destination SET next_at = NULL WHERE next_at IS NOT NULL", &[])?;
    tx.execute(
        "INSERT INTO destination (domain, next_at)
         SELECT domain, MIN(not_before) FROM outbox WHERE state IN ('held', 'queued', 'deferred') AND behind IS NULL GROUP BY domain
         ON CONFLICT (domain) DO UPDATE SET next_at = CASE
             WHEN destination.rest_until > excluded.next_at THEN destination.rest_until ELSE excluded.next_at END",
        &[],
    )?;
    Ok(())
}

/// The domains whose mail is due first, at most so many that could be reached and so many that could not.
pub fn waiting(tx: &mut Tx<'_>, limit: usize) -> Outcome<Vec<Destination>> {
    let well = tx.query(
        "SELECT domain, next_at, 0 FROM destination WHERE next_at IS NOT NULL AND fails = 0 ORDER BY next_at, domain LIMIT $1",
        &values![limit as i64],
    )?;
    let failing = tx.query(
        "SELECT domain, next_at, 1 FROM destination WHERE next_at IS NOT NULL AND fails > 0 ORDER BY next_at, domain LIMIT $1",
        &values![limit as i64],
    )?;
    let found = well.iter().chain(&failing).map(|row| Destination {
        domain: row.text(0).to_owned(),
        next_at: row.instant(1),
        is_failing: row.int(2) == 1,
    });
    Ok(found.collect())
}

/// The rows to a domain that are due, the longest waiting first.
pub fn first_of(tx: &mut Tx<'_>, domain: &str, now: Timestamp, limit: usize) -> Outcome<Vec<OutboxId>> {
    let rows = tx.query(
        "SELECT id FROM outbox WHERE domain = $1 AND state IN ('held', 'queued', 'deferred') AND behind IS NULL
           AND not_before <= $2 ORDER BY not_before, id LIMIT $3",
        &values![domain, now, limit as i64],
    )?;
    Ok(rows.iter().map(|row| OutboxId(row.int(0))).collect())
}

/// A server has answered: the domain can be reached, and the mail that nobody had answered is due now. Where all mail takes
/// one relay, it was the relay that was away, and what is heard of it counts for every domain; not for more than some at
/// once, since each mail that leaves wakes as many again.
pub(super) fn reached(tx: &mut Tx<'_>, now: Timestamp, domain: &str, relayed: bool) -> Outcome<()> {
    let failing = match relayed {
        true => tx.query(
            "SELECT domain FROM destination WHERE fails > 0 ORDER BY next_at, domain LIMIT $1",
            &values![limits::DESTINATIONS_WOKEN],
        )?,
        false => tx.query(
            "SELECT domain FROM destination WHERE fails > 0 AND domain = $1",
            &values![domain],
        )?,
    };
    for domain in failing.iter().map(|row| row.text(0)) {
        tx.execute(
            "UPDATE destination SET fails = 0, rest_until = 0, failing_since = NULL WHERE domain = $1",
            &values![domain],
        )?;
        // The list of states is the index's own.
        tx.execute(
            "UPDATE outbox SET not_before = $1 WHERE domain = $2 AND state IN ('held', 'queued', 'deferred') AND behind IS NULL
               AND state = 'deferred' AND server IS NULL AND not_before > $1",
            &values![now, domain],
        )?;
        settle(tx, domain, None)?;
    }
    Ok(())
}

/// No server of the domain could be talked to, in an attempt that began at `began`: all of its mail rests. Of several
/// attempts at the same time one counts. Says since when it has been so.
pub(super) fn unreachable(tx: &mut Tx<'_>, now: Timestamp, domain: &str, began: Timestamp) -> Outcome<Timestamp> {
    let row = tx.first(
        "UPDATE destination SET fails = fails + 1, failing_since = COALESCE(failing_since, $1)
         WHERE domain = $2 AND rest_until <= $3 RETURNING fails, failing_since",
        &values![now, domain, began],
    )?;
    if let Some(row) = row {
        let rest = now + SignedDuration::from_mins(rest_minutes(row.int(0)));
        tx.execute(
            "UPDATE destination SET rest_until = $1 WHERE domain = $2",
            &values![rest, domain],
        )?;
        return Ok(row.instant(1));
    }
    let since = tx.first(
        "SELECT failing_since FROM destination WHERE domain = $1",
        &values![domain],
    )?;
    Ok(since.and_then(|row| row.opt_instant(0)).unwrap_or(now))
}

/// A person wants a mail tried now: its domain rests no longer.
pub(super) fn asked_for(tx: &mut Tx<'_>, id: OutboxId, now: Timestamp) -> Outcome<()> {
    let domain = tx
        .one("SELECT domain FROM outbox WHERE id = $1", &values![id])?
        .text(0)
        .to_owned();
    expects(tx, &domain, now)?;
    tx.execute(
        "UPDATE destination SET rest_until = 0 WHERE domain = $1",
        &values![domain.as_str()],
    )?;
    settle(tx, &domain, None)
}

/// Minutes until a domain is tried again after so many failures: the steps of one mail, but never longer than half an
/// hour, since one connection asks for all of its mail.
fn rest_minutes(fails: i64) -> i64 {
    match fails {
        ..=1 => 1,
        2 => 5,
        3 => 15,
        _ => limits::DESTINATION_REST_MINUTES,
    }
}

/// The policy that is known of a domain.
pub fn policy(tx: &mut Tx<'_>, domain: &str) -> Outcome<Option<Kept>> {
    let row = tx.first(
        "SELECT policy_id, policy, policy_until FROM destination WHERE domain = $1 AND policy_id IS NOT NULL",
        &values![domain],
    )?;
    Ok(row.map(|row| Kept {
        id: row.text(0).to_owned(),
        text: row.text(1).to_owned(),
        until: row.instant(2),
    }))
}

/// Keeps what was fetched.
pub fn keep_policy(tx: &mut Tx<'_>, domain: &str, kept: &Kept) -> Outcome<()> {
    tx.execute(
        "UPDATE destination SET policy_id = $1, policy = $2, policy_until = $3 WHERE domain = $4",
        &values![kept.id.as_str(), kept.text.as_str(), kept.until, domain],
    )?;
    Ok(())
}
