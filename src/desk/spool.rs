//! The spool: all mail, both ways, that needs a look or has no case. The antidote to silence.

pub mod hops;

use super::case::{self, Hand};
use super::customer;
use super::flood;
use super::ledger::{self, Actor, event};
use super::message::{self, Auto, Facts, Incoming};
use super::negotiation::hear;
use super::{CaseId, Desk, MessageNo, OUTBOX, OutboxId};
use crate::limits;
use crate::refusal::{Outcome, Refusal};
use crate::store::{Tx, values};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// One line of the spool.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Row {
    /// `in` or `out`.
    pub way: String,
    /// `unsorted`, `unverified`, `automatic`, `unreadable`, `deferred`, `failed`, `held`, ….
    pub state: String,
    /// What `release` and `retry` take: `case N` or `outbox N`, or the message's number.
    pub name: String,
    /// The case, if it has one.
    pub case: Option<i64>,
    /// Since when it stands here.
    pub at: Timestamp,
    /// Who wrote it, or whom it goes to.
    pub who: String,
    /// Subject.
    pub subject: String,
    /// Why it stands here, in words.
    pub reason: String,
    /// How its words begin; empty where there are none of theirs.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub words: String,
}

/// What stands in the spool: unsorted cases, mail without a case, mail out in trouble; newest first, bounded.
pub fn list(tx: &mut Tx<'_>) -> Outcome<Vec<Row>> {
    let mut rows = Vec::new();
    if super::outbox::is_held(tx)? {
        rows.push(Row {
            way: "out".into(),
            state: "held".into(),
            name: "all".into(),
            case: None,
            at: Timestamp::UNIX_EPOCH,
            who: String::new(),
            subject: "all outgoing mail".into(),
            reason: "the brake is on: `duly spool release all` lets mail leave again".into(),
            words: String::new(),
        });
    }
    for (address, since, last_at, mails) in flood::list(tx)? {
        let minutes = (last_at.duration_since(since).as_mins() + 1).max(1);
        rows.push(Row {
            way: "in".into(),
            state: "braked".into(),
            reason: format!(
                "{mails} automatic mails in {minutes} minutes from {address}: the brake is on, nothing is lost; `duly spool release {address}` lists them by themselves"
            ),
            name: address.clone(),
            case: None,
            at: since,
            who: address,
            subject: format!("{mails} mails"),
            words: String::new(),
        });
    }
    let unsorted = tx.query(
        "SELECT k.id, k.opened_at, k.subject, m.author, m.spool_reason, SUBSTR(m.text, 1, 300) FROM cases k
         JOIN message m ON m.id = (SELECT MIN(id) FROM message WHERE case_id = k.id)
         WHERE k.hand = 'unsorted' ORDER BY k.opened_at DESC LIMIT $1",
        &values![limits::LIST_ROWS],
    )?;
    rows.extend(unsorted.iter().map(|row| Row {
        way: "in".into(),
        state: "unsorted".into(),
        name: row.int(0).to_string(),
        case: Some(row.int(0)),
        at: row.instant(1),
        who: row.text(3).to_owned(),
        subject: row.text(2).to_owned(),
        reason: row.opt_text(4).unwrap_or("nothing has earned a promise yet").to_owned(),
        words: begin_of(row.text(5)),
    }));
    let apart = tx.query(
        "SELECT m.id, m.at, m.subject, m.author, m.spool_reason, m.case_id, m.kind, m.auto, SUBSTR(m.text, 1, 300) FROM message m
         LEFT JOIN cases k ON k.id = m.case_id
         WHERE m.spool_reason IS NOT NULL AND m.matched_by <> 'flood' AND (m.case_id IS NULL OR k.hand <> 'unsorted') ORDER BY m.id DESC LIMIT $1",
        &values![limits::LIST_ROWS],
    )?;
    rows.extend(apart.iter().map(|row| Row {
        way: "in".into(),
        state: match (row.opt_int(5), row.text(7)) {
            (Some(_), "no" | "list") => "unverified".into(),
            (_, auto) => auto.to_owned(),
        },
        name: format!("m{}", row.int(0)),
        case: row.opt_int(5),
        at: row.instant(1),
        who: row.text(3).to_owned(),
        subject: row.text(2).to_owned(),
        reason: row.opt_text(4).unwrap_or("").to_owned(),
        words: begin_of(row.text(8)),
    }));
    let out = tx.query(
        "SELECT o.id, o.made_at, m.subject, o.recipient, o.said, o.case_id, o.state FROM outbox o JOIN message m ON m.id = o.message
         WHERE o.state IN ('deferred', 'failed') ORDER BY o.id DESC LIMIT $1",
        &values![limits::LIST_ROWS],
    )?;
    rows.extend(out.iter().map(|row| Row {
        way: "out".into(),
        state: row.text(6).to_owned(),
        name: format!("o{}", row.int(0)),
        case: row.opt_int(5),
        at: row.instant(1),
        who: row.text(3).to_owned(),
        subject: row.text(2).to_owned(),
        reason: row.opt_text(4).unwrap_or("").to_owned(),
        words: String::new(),
    }));
    Ok(rows)
}

/// The first line or two of a text, for whoever decides what it is.
fn begin_of(text: &str) -> String {
    let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
    words.chars().take(160).collect()
}

/// Releases what a person vouches for: an unsorted case (all its mail), one message `mN`, or a waiting mail out `oN`.
/// A promise made by a release counts from the release.
pub fn release(tx: &mut Tx<'_>, now: Timestamp, desk: &Desk, actor: Actor, named: &str) -> Outcome<Vec<CaseId>> {
    if named.contains('@') {
        flood::release(tx, now, actor, named)?;
        return Ok(Vec::new());
    }
    if named.starts_with('o') {
        return retry(tx, now, actor, named).map(|case| case.into_iter().collect());
    }
    let messages = match named.strip_prefix('m').and_then(|number| number.parse::<i64>().ok()) {
        Some(number) => vec![number],
        None => {
            let number = named.parse::<i64>().map_err(|_| not_in_the_spool(named))?;
            let rows = tx.query(
                "SELECT id FROM message WHERE case_id = $1 AND spool_reason IS NOT NULL ORDER BY id LIMIT $2",
                &values![number, limits::LIST_ROWS],
            )?;
            rows.iter().map(|row| row.int(0)).collect()
        }
    };
    let mut cases = Vec::new();
    for number in messages {
        cases.push(release_message(tx, now, desk, actor, MessageNo(number), named, None)?);
    }
    cases.dedup();
    match cases.is_empty() {
        true => Err(not_in_the_spool(named).into()),
        false => Ok(cases),
    }
}

fn not_in_the_spool(named: &str) -> Refusal {
    Refusal::missing(format!(
        "\"{named}\" does not stand in the spool. `duly spool` lists what does: a case number, mN or oN."
    ))
}

/// Whether a message stands in the spool.
pub fn is_held(tx: &mut Tx<'_>, message: MessageNo) -> Outcome<bool> {
    let row = tx.one("SELECT spool_reason FROM message WHERE id = $1", &values![message])?;
    Ok(row.opt_text(0).is_some())
}

/// Releases one message that somebody vouches for.
pub fn release_one(tx: &mut Tx<'_>, now: Timestamp, desk: &Desk, actor: Actor, message: MessageNo) -> Outcome<CaseId> {
    release_message(tx, now, desk, actor, message, &format!("m{}", message.0), None)
}

/// Releases a message whose sender was verified after all; its promise counts from the receipt.
pub(super) fn verified(
    tx: &mut Tx<'_>,
    now: Timestamp,
    desk: &Desk,
    message: MessageNo,
    received_at: Timestamp,
) -> Outcome<CaseId> {
    let named = format!("m{}", message.0);
    release_message(tx, now, desk, Actor::Desk, message, &named, Some(received_at))
}

fn release_message(
    tx: &mut Tx<'_>,
    now: Timestamp,
    desk: &Desk,
    actor: Actor,
    number: MessageNo,
    named: &str,
    received_at: Option<Timestamp>,
) -> Outcome<CaseId> {
    let row = tx
        .first(
            "SELECT case_id, address, author, subject, text, message_id, chain, facts, auto, at FROM message
             WHERE id = $1 AND spool_reason IS NOT NULL",
            &values![number],
        )?
        .ok_or_else(|| not_in_the_spool(named))?;
    let address = row.text(1).to_owned();
    if desk.is_own(&address) || address.is_empty() {
        return Err(Refusal::conflict("This mail has no sender outside the desk whom we could answer.").into());
    }
    let contact = customer::contact_of_mail(tx, now, &address, Some(row.text(2)), customer::Learned::default())?;
    let facts: Facts = serde_json::from_str(row.text(7)).map_err(anyhow::Error::from)?;
    let mail = Incoming {
        address,
        // An acknowledgement answers a return path: a release is a person's word that there is one.
        envelope_from: contact.name.clone(),
        subject: row.text(3).to_owned(),
        text: row.text(4).to_owned(),
        message_id: row.opt_text(5).map(str::to_owned),
        chain: serde_json::from_str(row.text(6)).unwrap_or_default(),
        served_list: facts.list.clone(),
        auto: if row.text(8) == "no" { Auto::No } else { Auto::Generated },
        facts,
        received_at: row.instant(9),
        ..Incoming::default()
    };
    let id = match row.opt_int(0) {
        Some(case) => CaseId(case),
        None => {
            let subject = message::clipped(&mail.subject);
            let new = case::New {
                customer: contact.customer,
                subject: &subject,
                severity: plan::Severity::default(),
                lane: case::LANE,
                product: None,
                list: None,
            };
            case::open(tx, now, desk, &new)?
        }
    };
    tx.execute(
        "UPDATE message SET spool_reason = NULL, case_id = $1, contact = $2 WHERE id = $3",
        &values![id, contact.id, number],
    )?;
    if let Some(nobody) = customer::nobody_yet(tx)? {
        tx.execute(
            "UPDATE cases SET customer = $1 WHERE id = $2 AND customer = $3",
            &values![contact.customer, id, nobody],
        )?;
    }
    super::file::let_in(tx, now, number)?;
    super::thread::learn(tx, id, mail.message_id.as_deref(), &mail.chain)?;
    ledger::record(tx, now, event("mail.released", actor).of(id).message(number))?;
    let (from, basis) = match received_at {
        Some(at) => (at, "target"),
        None => (now, "released"),
    };
    message::earn(tx, now, desk, id, number, &contact, &mail, from, basis)?;
    if let Some(wish) = &mail.facts.wish {
        hear::ask_for_new(tx, now, desk, id, number, &contact, &mail, wish)?;
    }
    Ok(id)
}

/// Sends a deferred or failed mail again now.
pub fn retry(tx: &mut Tx<'_>, now: Timestamp, actor: Actor, named: &str) -> Outcome<Option<CaseId>> {
    let number = named
        .trim_start_matches('o')
        .parse::<i64>()
        .map_err(|_| not_in_the_spool(named))?;
    let row = tx
        .first(
            "UPDATE outbox SET state = 'queued', not_before = $1, settled_at = NULL WHERE id = $2 AND state IN ('deferred', 'failed')
             RETURNING case_id, message, contact, recipient",
            &values![now, OutboxId(number)],
        )?
        .ok_or_else(|| not_in_the_spool(named))?;
    // A person asks: where nobody could be reached a while ago, it is tried now.
    super::destination::asked_for(tx, OutboxId(number), now)?;
    super::bounce::forget(tx, row.text(3))?;
    if row.opt_int(2).is_some() {
        super::reply::tried_again(tx, MessageNo(row.int(1)))?;
    }
    let case = row.opt_int(0).map(CaseId);
    let mut entry = event("mail.retried", actor).with(serde_json::json!({"outbox": number}));
    if let Some(case) = case {
        entry = entry.of(case);
    }
    ledger::record(tx, now, entry)?;
    tx.ring(OUTBOX);
    Ok(case)
}

/// An unsorted case that is nobody's customer mail (spam, misdirected): closed as declined, with a reason that stays.
pub fn decline(tx: &mut Tx<'_>, now: Timestamp, actor: Actor, id: CaseId, reason: &str) -> Outcome<()> {
    let case = case::find(tx, id)?;
    if case.hand != Hand::Unsorted {
        return Err(Refusal::conflict(format!("Case {} is not in the spool.", id.0)).into());
    }
    if reason.trim().is_empty() {
        return Err(Refusal::usage("Declining a case needs a reason, which the ledger keeps.").into());
    }
    tx.execute(
        "UPDATE message SET spool_reason = NULL WHERE case_id = $1",
        &values![id],
    )?;
    case::shut(tx, now, id, actor, "declined", reason)
}
