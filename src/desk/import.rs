//! History from elsewhere: mails become closed cases with their own times; nothing is sent and nothing is promised.
//!
//! The same threading rules as for live mail put them together. A mail that is here already (same way, same envelope, same
//! bytes but for trace headers) is skipped, so that an import can be repeated after it was cut off.

use super::arrival::{self, Envelope};
use super::case;
use super::ledger::{self, Actor, event};
use super::message::{self, Auto, Incoming};
use super::origin::Standing;
use super::thread::{self, Match};
use super::{CaseId, Desk, MessageNo, customer, likeness, repeat};
use crate::refusal::Outcome;
use crate::store::{Tx, values};
use jiff::Timestamp;
use plan::Severity;
use serde_json::json;

/// What became of one mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taken {
    /// It opened a case.
    Opened,
    /// It joined one.
    Joined,
    /// It stands in the spool: automatic, or unreadable.
    Spooled,
    /// It is here already.
    Known,
}

/// Whether this mail was imported before.
pub fn is_known(tx: &mut Tx<'_>, digest: &[u8]) -> Outcome<bool> {
    Ok(tx
        .first(
            "SELECT 1 FROM arrival WHERE digest = $1 AND way = 'import' LIMIT 1",
            &values![digest],
        )?
        .is_some())
}

/// Takes one mail in. `mail.received_at` is the mail's own time.
pub fn take(
    tx: &mut Tx<'_>,
    now: Timestamp,
    desk: &Desk,
    envelope: &Envelope,
    bytes: Vec<u8>,
    mail: &Incoming,
) -> Outcome<Taken> {
    let digest = repeat::digest(&bytes);
    if is_known(tx, &digest)? {
        return Ok(Taken::Known);
    }
    let raw = arrival::accept(tx, mail.received_at, envelope, &digest, bytes)?;
    let mail = Incoming {
        raw: raw.0,
        ..mail.clone()
    };
    let (message, taken) = place(tx, now, desk, &mail)?;
    arrival::placed(tx, now, raw, message)?;
    Ok(taken)
}

fn place(tx: &mut Tx<'_>, now: Timestamp, desk: &Desk, mail: &Incoming) -> Outcome<(MessageNo, Taken)> {
    let reason = match (&mail.trouble, mail.auto) {
        (Some(trouble), _) => Some(trouble.clone()),
        (None, Auto::No | Auto::List) => None,
        (None, auto) => Some(format!("imported: automatic mail ({})", auto.text())),
    };
    let clues = message::clues(mail);
    if let Some(reason) = reason {
        let message = message::insert(tx, mail, None, None, "imported", false, Some(&reason))?;
        tell(tx, now, None, message, "none")?;
        return Ok((message, Taken::Spooled));
    }
    let engineer = tx.first(
        "SELECT id FROM engineer WHERE address = $1",
        &values![mail.address.to_lowercase()],
    )?;
    let contact = match engineer {
        Some(_) => None,
        None => Some(customer::contact_of_mail(
            tx,
            now,
            &mail.address,
            mail.name.as_deref(),
            customer::Learned {
                zone: mail.mail_zone.as_deref(),
                language: mail.language.as_deref(),
            },
        )?),
    };
    let found = match &contact {
        // Our own answers belong where they point, whoever is on that case.
        None => thread::located(tx, desk, &clues)?.map_or(Match::New, |case| Match::Join(case, "message-id")),
        Some(contact) => thread::find(tx, desk, &clues, contact, &mail.address, Standing::Believed)?,
    };
    let (case, rule, taken) = match found {
        Match::Join(case, rule) => (case, rule, Taken::Joined),
        Match::Offer(..) | Match::New => (open(tx, mail, desk, contact.as_ref())?, "imported", Taken::Opened),
    };
    let message = message::insert(tx, mail, Some(case), contact.as_ref(), rule, false, None)?;
    if let Some(row) = engineer {
        tx.execute(
            "UPDATE message SET way = 'out', kind = 'imported', engineer = $1 WHERE id = $2",
            &values![row.int(0), message],
        )?;
    }
    if let Some(contact) = &contact {
        case::add_participant(tx, mail.received_at, case, contact.id)?;
    }
    thread::learn(tx, case, mail.message_id.as_deref(), &mail.chain)?;
    likeness::learn(tx, mail.received_at, case, &mail.subject)?;
    tell(tx, now, Some(case), message, rule)?;
    Ok((message, taken))
}

fn open(tx: &mut Tx<'_>, mail: &Incoming, desk: &Desk, contact: Option<&customer::Contact>) -> Outcome<CaseId> {
    let customer = match contact {
        Some(contact) => contact.customer,
        // A thread that an engineer began: its customer is not known from this mail.
        None => customer::open(tx, mail.received_at, &mail.address, false)?,
    };
    let subject = message::clipped(if mail.subject.trim().is_empty() {
        "(no subject)"
    } else {
        mail.subject.trim()
    });
    let new = case::New {
        customer,
        subject: &subject,
        severity: Severity::default(),
        lane: mail.entry.lane.as_deref().unwrap_or(case::LANE),
        product: mail.entry.product.as_deref(),
        list: mail.served_list.as_deref(),
    };
    let case = case::open(tx, mail.received_at, desk, &new)?;
    case::shut(
        tx,
        mail.received_at,
        case,
        Actor::Owner,
        "answered",
        "imported as history",
    )?;
    Ok(case)
}

fn tell(tx: &mut Tx<'_>, now: Timestamp, case: Option<CaseId>, message: MessageNo, rule: &str) -> Outcome<()> {
    let mut entry = event("mail.imported", Actor::Owner)
        .message(message)
        .with(json!({"matched_by": rule}));
    if let Some(case) = case {
        entry = entry.of(case);
    }
    ledger::record(tx, now, entry)?;
    Ok(())
}
