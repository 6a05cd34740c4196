//! What a bounce may do: mark the address, fail the reply, open its promise again.
//!
//! A bounce is mail from anybody. It is believed only if it came to the address that our mail was sent from, which is
//! signed for that one recipient and stands in no list archive: knowing a Message-ID and a recipient, as every reader of a
//! public list does, is not enough. What is not believed is kept and changes nothing. A notice of delay changes nothing
//! either. Leaves out: what a bounce says, which the mail door reads.

use super::ledger::{self, Actor, event};
use super::message::{Bounce, Failed};
use super::{CaseId, ContactId, Desk, MessageNo, OutboxId, outbox, reply, thread};
use crate::limits;
use crate::refusal::Outcome;
use crate::store::{Row, Tx, values};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};

/// What was made of a bounce about one of our mails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The mail did not arrive and will not.
    Failed,
    /// It is late; their server still tries.
    Delayed,
    /// The recipient complained about it (RFC 5965).
    Complaint,
    /// It did not come to the address that the mail was sent from: anybody could have written it.
    Disbelieved,
}

impl Verdict {
    /// As the match rule of the message.
    pub fn rule(self) -> &'static str {
        match self {
            Verdict::Failed => "bounce",
            Verdict::Delayed => "delay",
            Verdict::Complaint => "complaint",
            Verdict::Disbelieved => "bounce, not believed",
        }
    }

    /// Why it stands in the spool, if a person should look.
    pub fn doubt(self) -> Option<&'static str> {
        (self == Verdict::Disbelieved).then_some(
            "it looks like a bounce of our mail, but did not come to the address that the mail was sent from: not believed, nothing was changed",
        )
    }
}

/// An address that refused our mail for good.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bounced {
    /// The address.
    pub address: String,
    /// Since when; mail that came from it later takes the mark away.
    pub at: Timestamp,
    /// Why, in words.
    pub because: String,
}

impl Bounced {
    /// In words: "nora@n.example refuses our mail since …: the mailbox is full".
    pub fn words(&self, zone: &plan::Zone, now: Timestamp) -> String {
        let since = plan::say::short(self.at, zone, now);
        match self.because.is_empty() {
            true => format!("{} refuses our mail since {since}", self.address),
            false => format!("{} refuses our mail since {since}: {}", self.address, self.because),
        }
    }
}

/// What a mail that looks like a bounce says of our mails, and what follows; `None` if it is about none of them.
pub fn heard(
    tx: &mut Tx<'_>,
    now: Timestamp,
    desk: &Desk,
    bounce: &Bounce,
    recipients: &[String],
) -> Outcome<Option<(CaseId, Verdict)>> {
    let rows = about(tx, bounce)?;
    let hit = match rows.first() {
        Some(first) => match rows.iter().find(|row| was_sent_from(row, recipients)) {
            Some(row) => row.clone(),
            None => return Ok(Some((CaseId(first.int(2)), Verdict::Disbelieved))),
        },
        // Many servers return no copy: the signed address alone says case and recipient.
        None => match newest_sent_from(tx, desk, recipients)? {
            Some(row) => row,
            None => return Ok(None),
        },
    };
    let case = CaseId(hit.int(2));
    if bounce.complaint {
        return Ok(Some((case, Verdict::Complaint)));
    }
    // A forwarder's report names the address behind it; the signed address says who was meant.
    let named = bounce
        .failed
        .iter()
        .find(|one| one.recipient.eq_ignore_ascii_case(hit.text(3)));
    let failed = named.or(bounce.failed.first()).cloned().unwrap_or_else(|| Failed {
        permanent: bounce.permanent,
        ..Failed::default()
    });
    if !failed.permanent {
        return Ok(Some((case, Verdict::Delayed)));
    }
    fails(tx, now, desk, &hit, &failed)?;
    Ok(Some((case, Verdict::Failed)))
}

const OUT: &str = "SELECT o.id, o.message, o.case_id, o.recipient, o.contact, o.letter FROM outbox o JOIN message m ON m.id = o.message";

fn about(tx: &mut Tx<'_>, bounce: &Bounce) -> Outcome<Vec<Row>> {
    let Some(about) = &bounce.about else {
        return Ok(Vec::new());
    };
    tx.query(
        &format!("{OUT} WHERE m.message_id = $1 AND m.way = 'out' AND o.case_id IS NOT NULL ORDER BY o.id LIMIT $2"),
        &values![about.as_str(), limits::ADDRESSES as i64],
    )
}

/// Whether the mail came to the signed address that this copy was sent from.
fn was_sent_from(row: &Row, recipients: &[String]) -> bool {
    let letter: Json = serde_json::from_str(row.text(5)).unwrap_or_default();
    let from = letter["from"].as_str().unwrap_or_default();
    // Without a token it is the desk's plain address, which everybody knows.
    let signed = from.split('@').next().is_some_and(|local| local.contains('+'));
    signed && recipients.iter().any(|one| one.eq_ignore_ascii_case(from))
}

fn newest_sent_from(tx: &mut Tx<'_>, desk: &Desk, recipients: &[String]) -> Outcome<Option<Row>> {
    let Some((case, address)) = thread::signed_for(tx, desk, recipients)? else {
        return Ok(None);
    };
    tx.first(
        &format!(
            "{OUT} WHERE m.case_id = $1 AND m.way = 'out' AND o.case_id = $1
             AND (o.recipient = $2 OR o.contact = (SELECT a.contact FROM contact_address a WHERE a.address = $2))
             AND o.state IN ('accepted', 'deferred', 'failed') AND o.automatic = 0 ORDER BY o.id DESC LIMIT 1"
        ),
        &values![case, address],
    )
}

/// The copy failed after all. A second notification of the same failure says nothing new, and must not wake what was
/// answered since.
fn fails(tx: &mut Tx<'_>, now: Timestamp, desk: &Desk, row: &Row, failed: &Failed) -> Outcome<()> {
    let said = super::message::clipped(&failed.words());
    let news = tx.execute(
        "UPDATE outbox SET state = 'failed', settled_at = $1, said = $2 WHERE id = $3 AND state IN ('accepted', 'deferred')",
        &values![now, said.as_str(), row.int(0)],
    )?;
    if news == 0 {
        return Ok(());
    }
    outbox::leaves_the_queue(tx, OutboxId(row.int(0)))?;
    if failed.is_about_address {
        tx.execute(
            "UPDATE contact_address SET bounced_at = $1, bounced_because = $2 WHERE address = $3",
            &values![now, said.as_str(), row.text(3)],
        )?;
        let entry = event("address.bounced", Actor::Desk).of(CaseId(row.int(2)));
        ledger::record(
            tx,
            now,
            entry.with(json!({"outbox": row.int(0), "because": failed.reason})),
        )?;
    }
    reply::came_back(tx, now, desk, MessageNo(row.int(1)), row.opt_int(4).map(ContactId))
}

/// Mail that can be believed came from the address, or a person tries it again: it is reached until it bounces anew.
pub fn forget(tx: &mut Tx<'_>, address: &str) -> Outcome<()> {
    tx.execute(
        "UPDATE contact_address SET bounced_at = NULL, bounced_because = NULL WHERE address = $1 AND bounced_at IS NOT NULL",
        &values![address.to_lowercase()],
    )?;
    Ok(())
}

/// Whether an address refused our mail for good.
pub fn of_address(tx: &mut Tx<'_>, address: &str) -> Outcome<Option<Bounced>> {
    let row = tx.first(
        "SELECT address, bounced_at, bounced_because FROM contact_address WHERE address = $1 AND bounced_at IS NOT NULL",
        &values![address.to_lowercase()],
    )?;
    Ok(row.as_ref().map(bounced))
}

/// Addresses of the people on a case that refused our mail for good.
pub fn of_case(tx: &mut Tx<'_>, case: CaseId) -> Outcome<Vec<Bounced>> {
    let rows = tx.query(
        "SELECT a.address, a.bounced_at, a.bounced_because FROM participant p JOIN contact_address a ON a.contact = p.contact
         WHERE p.case_id = $1 AND a.bounced_at IS NOT NULL ORDER BY a.address LIMIT $2",
        &values![case, limits::LIST_ROWS],
    )?;
    Ok(rows.iter().map(bounced).collect())
}

/// The same of one contact.
pub fn of_contact(tx: &mut Tx<'_>, contact: ContactId) -> Outcome<Vec<Bounced>> {
    let rows = tx.query(
        "SELECT address, bounced_at, bounced_because FROM contact_address
         WHERE contact = $1 AND bounced_at IS NOT NULL ORDER BY address LIMIT $2",
        &values![contact, limits::LIST_ROWS],
    )?;
    Ok(rows.iter().map(bounced).collect())
}

fn bounced(row: &Row) -> Bounced {
    Bounced {
        address: row.text(0).to_owned(),
        at: row.instant(1),
        because: row.opt_text(2).unwrap_or("").to_owned(),
    }
}
