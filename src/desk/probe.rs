//! A mail of the desk to itself, by which `duly doctor` sees the whole way: out of the outbox, through the relay or to the mail
//! hosts of our own domain, back in at the door, and what was found out about its sender.
//!
//! It is a row before it is a packet like every other letter; come back, its place is the message that was sent, so that it
//! stands in no case and not in the spool.

use super::ledger::{self, Actor, event};
use super::message::Incoming;
use super::origin::Origin;
use super::outbox::{self, Content, Letter, New};
use super::{Desk, MessageNo, RawId};
use crate::refusal::{Outcome, Refusal};
use crate::store::{Tx, values};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::json;

/// How far a mail to ourselves has come.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Probe {
    /// held, queued, sending, accepted, deferred, failed.
    pub state: String,
    /// The server that said so, and its words.
    pub server: Option<String>,
    /// See `server`.
    pub said: Option<String>,
    /// All outgoing mail is held.
    pub held: bool,
    /// When it came in again.
    pub came_at: Option<Timestamp>,
    /// The host that handed it over.
    pub peer: Option<String>,
    /// What was found out about its sender; none on a desk that believes everybody.
    pub origin: Option<Origin>,
}

/// Writes a mail to ourselves.
pub fn send(tx: &mut Tx<'_>, now: Timestamp, desk: &Desk) -> Outcome<MessageNo> {
    let subject = "A mail of the desk to itself";
    let number = tx.insert(
        "INSERT INTO message (way, kind, at, author, address, chain, subject, text, folded, facts, auto, matched_by, verified)
         VALUES ('out', 'probe', $1, $2, $3, '[]', $4, '', '', '{}', 'auto-generated', 'written here', 1)",
        &values![now, desk.name.as_str(), desk.address(), subject],
    )?;
    let message = MessageNo(number);
    tx.execute(
        "UPDATE message SET message_id = $1 WHERE id = $2",
        &values![outbox::message_id(desk, None, message), message],
    )?;
    let letter = Letter {
        from_name: desk.name.clone(),
        from: desk.address().to_owned(),
        to: vec![desk.address().to_owned()],
        cc: Vec::new(),
        subject: subject.to_owned(),
        is_reply: false,
        in_reply_to: None,
        chain: Vec::new(),
        thread_index: None,
        thread_topic: None,
        zone: desk.zone.to_string(),
        case: 0,
        language: String::new(),
        reply_to: None,
        calendar: None,
        content: Content::Note {
            text: "The desk looks whether its mail leaves and comes in. Nothing needs to be done.".into(),
        },
    };
    let new = New {
        message,
        case: None,
        contact: None,
        recipient: desk.address(),
        letter: &letter,
        // With a return path, unlike other letters of the desk: SPF is a part of the way.
        automatic: false,
        not_before: now,
    };
    outbox::put(tx, now, &new)?;
    let written = event("mail.written", Actor::Desk).message(message);
    ledger::record(tx, now, written.with(json!({"kind": "probe"})))?;
    Ok(message)
}

/// It came in: what was found out is kept for whoever asks.
pub fn came(tx: &mut Tx<'_>, now: Timestamp, message: MessageNo, mail: &Incoming) -> Outcome<()> {
    let data = json!({"raw": mail.raw, "origin": mail.facts.origin});
    ledger::record(tx, now, event("mail.probe", Actor::Desk).message(message).with(data))?;
    Ok(())
}

/// How far it has come.
pub fn look(tx: &mut Tx<'_>, message: MessageNo) -> Outcome<Probe> {
    let row = tx
        .first(
            "SELECT o.state, o.server, o.said FROM outbox o JOIN message m ON m.id = o.message
             WHERE m.id = $1 AND m.kind = 'probe'",
            &values![message],
        )?
        .ok_or_else(|| Refusal::missing("The desk sent itself no such mail."))?;
    let mut probe = Probe {
        state: row.text(0).to_owned(),
        server: row.opt_text(1).map(str::to_owned),
        said: row.opt_text(2).map(str::to_owned),
        held: outbox::is_held(tx)?,
        came_at: None,
        peer: None,
        origin: None,
    };
    let came = tx.first(
        "SELECT data FROM event WHERE kind = 'mail.probe' AND message = $1 ORDER BY seq LIMIT 1",
        &values![message],
    )?;
    if let Some(row) = came {
        let data: serde_json::Value = serde_json::from_str(row.text(0)).map_err(anyhow::Error::from)?;
        let raw = RawId(data["raw"].as_i64().unwrap_or_default());
        let arrival = tx.one("SELECT received_at, peer FROM arrival WHERE id = $1", &values![raw])?;
        probe.came_at = Some(arrival.instant(0));
        probe.peer = Some(arrival.text(1).to_owned());
        probe.origin = serde_json::from_value(data["origin"].clone()).unwrap_or_default();
    }
    Ok(probe)
}
