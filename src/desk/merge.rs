//! Merging: two cases become one, and can be parted again (PRODUCT.md §2).
//!
//! Everything of the one case goes over: mails, notes, promises, letters under way to others, the Message-IDs, numbers and
//! subjects by which later mail finds it, and the people who may be believed. What was moved is written down, so that
//! `unmerge` gives exactly that back; what was written after the merge stays. The merged case is closed as a duplicate and
//! its signed addresses lead to the other. Who did it stands in the ledger of both.

use super::case::{self, Case, Hand};
use super::ledger::{self, Actor, event};
use super::message::Facts;
use super::{ALARM, CaseId, likeness, promise, slice};
use crate::limits;
use crate::refusal::{Outcome, Refusal};
use crate::store::{Tx, values};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::json;

/// What went over.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Moved {
    messages: Vec<i64>,
    promises: Vec<i64>,
    outbox: Vec<i64>,
    replies: Vec<i64>,
    /// People who were not on the other case before.
    people: Vec<i64>,
    /// Message-IDs, and whether the other case did not know them before.
    ids: Vec<(String, bool)>,
    numbers: Vec<(String, i64, i64)>,
    subjects: Vec<(String, Timestamp)>,
}

/// The hand of a case before the merge.
#[derive(Debug, Serialize, Deserialize)]
struct Was {
    hand: String,
    party: Option<String>,
    reason: Option<String>,
    wake_at: Option<Timestamp>,
    closing: bool,
    resolution: Option<String>,
}

impl Was {
    fn of(case: &Case) -> Was {
        Was {
            hand: case.hand.text().to_owned(),
            party: case.party.map(|party| party.text().to_owned()),
            reason: case.reason.clone(),
            wake_at: case.wake_at,
            closing: case.closing,
            resolution: case.resolution.clone(),
        }
    }
}

/// A case that another may belong to, as its mails were offered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Offered {
    /// The other case.
    pub case: i64,
    /// Why it was offered.
    pub why: String,
}

/// What the case may be merged into: the newest offer that one of its mails got.
pub fn offered(tx: &mut Tx<'_>, id: CaseId) -> Outcome<Option<Offered>> {
    let rows = tx.query(
        "SELECT facts FROM message WHERE case_id = $1 AND way = 'in' ORDER BY id DESC LIMIT $2",
        &values![id, limits::LIKENESS_MESSAGES],
    )?;
    for row in rows {
        let facts: Facts = serde_json::from_str(row.text(0)).unwrap_or_default();
        let Some(other) = facts.offer else { continue };
        // The other case may have gone into a third one since.
        let row = tx.first(
            "SELECT COALESCE(merged_into, id) FROM cases WHERE id = $1",
            &values![other],
        )?;
        match row.map(|row| row.int(0)) {
            Some(other) if other != id.0 => {
                return Ok(Some(Offered {
                    case: other,
                    why: facts.offer_why.unwrap_or_default(),
                }));
            }
            _ => {}
        }
    }
    Ok(None)
}

/// Puts a case into another; into the one that was offered where none is named. Says which it was.
pub fn merge(tx: &mut Tx<'_>, now: Timestamp, actor: Actor, id: CaseId, into: Option<CaseId>) -> Outcome<CaseId> {
    let from = case::find(tx, id)?;
    let into = match into {
        Some(into) => into,
        None => offered(tx, id)?.map(|offer| CaseId(offer.case)).ok_or_else(|| {
            Refusal::usage(format!(
                "No case is offered for case {}. Say which: `duly merge {} --into N`.",
                id.0, id.0
            ))
        })?,
    };
    let other = case::find(tx, into)?;
    check(tx, &from, &other)?;
    slice::end_all(tx, now, id, actor, "merge", &format!("merged into {}", into.0))?;
    let moved = take(tx, now, id, into)?;
    let was = json!([Was::of(&from), Was::of(&other)]).to_string();
    tx.execute(
        "INSERT INTO merge (case_id, into_case, at, moved, was) VALUES ($1, $2, $3, $4, $5)",
        &values![
            id,
            into,
            now,
            serde_json::to_string(&moved).map_err(anyhow::Error::from)?,
            was
        ],
    )?;
    promise::refresh(tx, id)?;
    promise::refresh(tx, into)?;
    case::shut(tx, now, id, actor, "duplicate", &format!("merged into {}", into.0))?;
    tx.execute("UPDATE cases SET merged_into = $1 WHERE id = $2", &values![into, id])?;
    let other = case::find(tx, into)?;
    if other.reply_by.is_some() && other.hand != Hand::Ours {
        case::wake(tx, now, &other, actor, "a case with an open promise was merged into it")?;
    }
    for (case, data) in [(id, json!({"into": into.0})), (into, json!({"case": id.0}))] {
        ledger::record(tx, now, event("case.merged", actor).of(case).with(data))?;
    }
    tx.ring(ALARM);
    Ok(into)
}

fn check(tx: &mut Tx<'_>, from: &Case, into: &Case) -> Outcome<()> {
    let (id, other) = (from.id.0, into.id.0);
    if id == other {
        return Err(Refusal::usage(format!("Case {id} cannot be merged into itself.")).into());
    }
    for case in [from, into] {
        if let Some(into) = merged_into(tx, case.id)? {
            return Err(Refusal::conflict(format!(
                "Case {} is merged into {} already. `duly unmerge {}` parts them.",
                case.id.0, into.0, case.id.0
            ))
            .into());
        }
    }
    let inner = tx.first(
        "SELECT case_id FROM merge WHERE into_case = $1 AND undone_at IS NULL LIMIT 1",
        &values![from.id],
    )?;
    if let Some(row) = inner {
        return Err(Refusal::conflict(format!(
            "Case {} was merged into case {id}. Merge it into {other} instead, after `duly unmerge {}`.",
            row.int(0),
            row.int(0)
        ))
        .into());
    }
    case::not_under_way(from)?;
    let many = tx.one("SELECT COUNT(*) FROM message WHERE case_id = $1", &values![from.id])?;
    if many.int(0) > limits::LIST_ROWS_MAX {
        return Err(Refusal::usage(format!(
            "Case {id} has more than {} messages: merge {other} into it instead.",
            limits::LIST_ROWS_MAX
        ))
        .into());
    }
    Ok(())
}

/// The case that this one was merged into.
pub fn merged_into(tx: &mut Tx<'_>, id: CaseId) -> Outcome<Option<CaseId>> {
    let row = tx.one("SELECT merged_into FROM cases WHERE id = $1", &values![id])?;
    Ok(row.opt_int(0).map(CaseId))
}

fn take(tx: &mut Tx<'_>, now: Timestamp, id: CaseId, into: CaseId) -> Outcome<Moved> {
    let mut moved = Moved::default();
    for (table, key, list) in [
        ("message", "id", &mut moved.messages),
        ("promise", "id", &mut moved.promises),
        ("outbox", "id", &mut moved.outbox),
        ("reply", "message", &mut moved.replies),
    ] {
        let rows = tx.query(
            &format!("UPDATE {table} SET case_id = $1 WHERE case_id = $2 RETURNING {key}"),
            &values![into, id],
        )?;
        list.extend(rows.iter().map(|row| row.int(0)));
    }
    // Who was never verified is not on the other case either.
    let people = tx.query(
        "SELECT DISTINCT p.contact FROM participant p JOIN message m ON m.contact = p.contact
         WHERE p.case_id = $1 AND m.case_id = $2 AND m.way = 'in' AND m.spool_reason IS NULL
           AND NOT EXISTS (SELECT 1 FROM participant o WHERE o.case_id = $2 AND o.contact = p.contact)",
        &values![id, into],
    )?;
    for row in people {
        moved.people.push(row.int(0));
        case::add_participant(tx, now, into, super::ContactId(row.int(0)))?;
    }
    for row in tx.query("SELECT message_id FROM known_id WHERE case_id = $1", &values![id])? {
        let known = row.text(0).to_owned();
        let new = tx.execute(
            "INSERT INTO known_id (message_id, case_id) VALUES ($1, $2) ON CONFLICT DO NOTHING",
            &values![known.as_str(), into],
        )?;
        moved.ids.push((known, new > 0));
    }
    for row in tx.query(
        "SELECT number, customer, seen FROM foreign_number WHERE case_id = $1",
        &values![id],
    )? {
        let (number, customer, seen) = (row.text(0).to_owned(), row.int(1), row.int(2));
        tx.execute(
            "INSERT INTO foreign_number (number, customer, case_id, seen) VALUES ($1, $2, $3, $4)
             ON CONFLICT (number, customer, case_id) DO UPDATE SET seen = foreign_number.seen + $4",
            &values![number.as_str(), customer, into, seen],
        )?;
        moved.numbers.push((number, customer, seen));
    }
    let subjects = tx.query("SELECT subject, at FROM case_subject WHERE case_id = $1", &values![id])?;
    for row in subjects {
        let (subject, at) = (row.text(0).to_owned(), row.instant(1));
        likeness::learn(tx, at, into, &subject)?;
        moved.subjects.push((subject, at));
    }
    for table in ["known_id", "foreign_number", "case_subject"] {
        tx.execute(&format!("DELETE FROM {table} WHERE case_id = $1"), &values![id])?;
    }
    Ok(moved)
}

/// Parts a merged case from the other again. Says which that was.
pub fn unmerge(tx: &mut Tx<'_>, now: Timestamp, actor: Actor, id: CaseId) -> Outcome<CaseId> {
    case::find(tx, id)?;
    let row = tx
        .first(
            "SELECT id, into_case, moved, was FROM merge WHERE case_id = $1 AND undone_at IS NULL ORDER BY id DESC LIMIT 1",
            &values![id],
        )?
        .ok_or_else(|| Refusal::conflict(format!("Case {} is not merged into another.", id.0)))?;
    let into = CaseId(row.int(1));
    let moved: Moved = serde_json::from_str(row.text(2)).map_err(anyhow::Error::from)?;
    let was: [Was; 2] = serde_json::from_str(row.text(3)).map_err(anyhow::Error::from)?;
    case::not_under_way(&case::find(tx, into)?)?;
    give_back(tx, id, into, &moved)?;
    tx.execute(
        "UPDATE merge SET undone_at = $1 WHERE id = $2",
        &values![now, row.int(0)],
    )?;
    tx.execute("UPDATE cases SET merged_into = NULL WHERE id = $1", &values![id])?;
    for (case, was) in [(id, &was[0]), (into, &was[1])] {
        promise::refresh(tx, case)?;
        restore(tx, now, actor, case, was)?;
        let other = if case == id { into } else { id };
        ledger::record(
            tx,
            now,
            event("case.unmerged", actor).of(case).with(json!({"from": other.0})),
        )?;
    }
    tx.ring(ALARM);
    Ok(into)
}

fn give_back(tx: &mut Tx<'_>, id: CaseId, into: CaseId, moved: &Moved) -> Outcome<()> {
    for (table, key, list) in [
        ("message", "id", &moved.messages),
        ("promise", "id", &moved.promises),
        ("outbox", "id", &moved.outbox),
        ("reply", "message", &moved.replies),
    ] {
        let sql = format!("UPDATE {table} SET case_id = $1 WHERE {key} = $2 AND case_id = $3");
        for number in list {
            tx.execute(&sql, &values![id, *number, into])?;
        }
    }
    // A promise that was broken meanwhile has its successor where it is.
    tx.execute(
        "UPDATE promise SET case_id = $1 WHERE case_id = $2 AND message IN (SELECT id FROM message WHERE case_id = $1)",
        &values![id, into],
    )?;
    for person in &moved.people {
        tx.execute(
            "DELETE FROM participant WHERE case_id = $1 AND contact = $2",
            &values![into, *person],
        )?;
    }
    for (known, was_new) in &moved.ids {
        tx.execute(
            "INSERT INTO known_id (message_id, case_id) VALUES ($1, $2) ON CONFLICT DO NOTHING",
            &values![known.as_str(), id],
        )?;
        if *was_new {
            tx.execute(
                "DELETE FROM known_id WHERE message_id = $1 AND case_id = $2",
                &values![known.as_str(), into],
            )?;
        }
    }
    for (number, customer, seen) in &moved.numbers {
        tx.execute(
            "UPDATE foreign_number SET seen = seen - $1 WHERE number = $2 AND customer = $3 AND case_id = $4",
            &values![*seen, number.as_str(), *customer, into],
        )?;
        tx.execute(
            "INSERT INTO foreign_number (number, customer, case_id, seen) VALUES ($1, $2, $3, $4)
             ON CONFLICT (number, customer, case_id) DO NOTHING",
            &values![number.as_str(), *customer, id, *seen],
        )?;
    }
    tx.execute(
        "DELETE FROM foreign_number WHERE case_id = $1 AND seen <= 0",
        &values![into],
    )?;
    for (subject, at) in &moved.subjects {
        likeness::learn(tx, *at, id, subject)?;
    }
    Ok(())
}

/// Ours if it owes something; else the hand it was in.
fn restore(tx: &mut Tx<'_>, now: Timestamp, actor: Actor, id: CaseId, was: &Was) -> Outcome<()> {
    let case = case::find(tx, id)?;
    if case.reply_by.is_some() {
        return case::wake(tx, now, &case, actor, "parted from another case");
    }
    // What was ours and owes nothing any more was answered while they were one.
    let (hand, resolution) = match was.hand.as_str() {
        "ours" => ("nobody", Some("answered")),
        hand => (hand, was.resolution.as_deref()),
    };
    let waits = hand == "theirs" && was.wake_at.is_some_and(|at| at > now);
    let (hand, resolution) = match (hand, waits) {
        ("theirs", false) => ("nobody", Some("answered")),
        other => (other.0, resolution),
    };
    let wait = |value: Option<&str>| if waits { value.map(str::to_owned) } else { None };
    tx.execute(
        "UPDATE cases SET hand = $1, party = $2, reason = $3, wake_at = $4, closing = $5, resolution = $6, changed_at = $7
         WHERE id = $8",
        &values![
            hand,
            wait(was.party.as_deref()),
            wait(was.reason.as_deref()),
            if waits { was.wake_at } else { None },
            waits && was.closing,
            resolution,
            now,
            id
        ],
    )?;
    Ok(())
}
