//! The outbox: what leaves the house is a row before it is a packet.
//!
//! One row a recipient, written in the transaction of its cause, with everything that the letter needs as plain data; the
//! mail door composes and sends it. States: *held* (undo is open), *queued*, *sending*, *accepted*, *deferred*, *failed*,
//! *undone*. A row found *sending* at start may have left: it is sent again with the same Message-ID and says so.
//!
//! Order: a mail of a case that is about to leave stands *behind* an earlier one to the same recipient that has not been
//! taken yet. The later one does not wait for the time that its deferral named: the earlier is tried first, now.

use super::ledger::{self, Actor, event};
use super::{CaseId, ContactId, Desk, MessageNo, OUTBOX, OutboxId, RawId, destination, reply, thread};
use crate::limits;
use crate::refusal::Outcome;
use crate::store::{Row, Tx, values};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::json;

/// Everything that one letter needs, as plain data.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Letter {
    /// Who speaks: a person, or the desk.
    pub from_name: String,
    /// The signed address that answers come back to.
    pub from: String,
    /// Where answers go instead: an engineer's personal address. Such letters are for our own people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply_to: Option<String>,
    /// The calendar entry that goes with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calendar: Option<super::invitation::Invite>,
    /// Visible recipients.
    pub to: Vec<String>,
    /// Visible copies.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cc: Vec<String>,
    /// The customer's own subject, or ours where there is none.
    pub subject: String,
    /// Whether the subject gets its one `Re:`.
    pub is_reply: bool,
    /// The message answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub in_reply_to: Option<String>,
    /// Its known chain, root first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub chain: Vec<String>,
    /// Outlook's thread position and name, echoed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thread_index: Option<String>,
    /// See `thread_index`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thread_topic: Option<String>,
    /// Zone in which times are said.
    pub zone: String,
    /// Language in which it is written; rows of before there were several have none.
    #[serde(default)]
    pub language: String,
    /// Case number that the letter names.
    pub case: i64,
    /// What it says.
    pub content: Content,
}

/// What a letter says; the words are the mail door's.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "letter", rename_all = "kebab-case")]
pub enum Content {
    /// Text A: arrived, and when the reply comes.
    Acknowledgement {
        /// How the customer is greeted.
        name: String,
        /// What arrived.
        subject: String,
        /// Files that came with it.
        files: usize,
        /// Their decoded size in bytes.
        bytes: u64,
        /// By when the reply comes.
        due: Timestamp,
        /// Who it comes from.
        by: String,
        /// It began with `urgent:`.
        #[serde(default)]
        urgent: bool,
    },
    /// Text B: an engineer's reply.
    Reply {
        /// The engineer's own words.
        text: String,
        /// What happens next.
        next: reply::Next,
        /// The engineer's name.
        name: String,
        /// The mail answered: when, who, words.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        quoted: Option<(Timestamp, String, String)>,
    },
    /// Text G: we did not do what we said.
    Broken {
        /// How the customer is greeted.
        name: String,
        /// What was said.
        said: Timestamp,
        /// The earliest new time.
        due: Timestamp,
        /// The lead, who may better it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        lead: Option<String>,
    },
    /// Text I: the sender is not verified; nothing of theirs is quoted.
    Unverified {
        /// The held message that the button of the letter releases; none where the desk has no page to link to.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        mail: Option<i64>,
    },
    /// Text D: we wait for the customer.
    Reminder {
        /// How the customer is greeted.
        name: String,
        /// Until when the case is kept open.
        until: Timestamp,
        /// Our last mail: when, who, words.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        quoted: Option<(Timestamp, String, String)>,
    },
    /// Text E: the case waits for somebody who is not the customer.
    HandedOn {
        /// How the customer is greeted.
        name: String,
        /// engineering, upstream, lab or date.
        party: String,
        /// The engineer's words for the customer.
        words: String,
        /// By when the next word comes.
        next_word: Timestamp,
        /// The engineer's name.
        by: String,
    },
    /// Text F: the case is closed.
    Closed {
        /// How the customer is greeted.
        name: String,
        /// Until when we waited; none where somebody closed it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        waited_until: Option<Timestamp>,
        /// How it ended.
        #[serde(default)]
        resolution: String,
        /// What somebody wrote down of it for the customer.
        #[serde(default)]
        summary: String,
    },
    /// To our own people.
    Note {
        /// The words.
        text: String,
    },
    /// Text H: something needs this engineer.
    Notice {
        /// wrote, woken, failed or next.
        why: String,
        /// Why this case is the next.
        #[serde(default)]
        detail: String,
        /// Who wrote to us.
        who: String,
        /// Their organisation.
        customer: String,
        /// How many others get an answer.
        others: u64,
        /// 1 to 4.
        severity: i64,
        /// Earliest promise that is open.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        due: Option<Timestamp>,
        /// The customer's newest words.
        words: String,
    },
    /// Text H: the morning's digest.
    Digest {
        /// The engineer.
        name: String,
        /// Promises of today.
        promises: Vec<DigestRow>,
        /// Close to their due, or overdue.
        risk: Vec<DigestRow>,
        /// Customers whom the engineer waits for.
        waiting: Vec<DigestRow>,
        /// Cases that are ready and that nobody has.
        ready: u64,
    },
    /// What a mailed command did.
    Done {
        /// In the desk's words.
        said: String,
        /// Until when `#undo` takes it back.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        undo: Option<Timestamp>,
    },
    /// A mailed command did nothing.
    Refused {
        /// Why, and what to do.
        why: String,
    },
}

/// A case in a digest.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct DigestRow {
    /// Number.
    pub case: i64,
    /// Due or wake time.
    pub at: Timestamp,
    /// Subject.
    pub subject: String,
}

/// A new row.
#[derive(Debug, Clone)]
pub struct New<'a> {
    /// The message it carries.
    pub message: MessageNo,
    /// The case.
    pub case: Option<CaseId>,
    /// The contact it is for; none for a list or our own people.
    pub contact: Option<ContactId>,
    /// Where it goes.
    pub recipient: &'a str,
    /// What it says.
    pub letter: &'a Letter,
    /// Written by the desk itself.
    pub automatic: bool,
    /// Not sent before this instant.
    pub not_before: Timestamp,
}

/// Writes a row; the sender wakes when it is committed.
pub fn put(tx: &mut Tx<'_>, now: Timestamp, new: &New<'_>) -> Outcome<OutboxId> {
    let state = if new.not_before > now { "held" } else { "queued" };
    let letter = serde_json::to_string(new.letter).map_err(anyhow::Error::from)?;
    let recipient = new.recipient.to_lowercase();
    let domain = destination::domain_of(&recipient);
    let number = tx.insert(
        "INSERT INTO outbox (message, case_id, contact, recipient, letter, automatic, state, made_at, not_before, domain)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        &values![
            new.message,
            new.case,
            new.contact,
            recipient,
            letter,
            new.automatic,
            state,
            now,
            new.not_before,
            domain.as_str()
        ],
    )?;
    destination::expects(tx, &domain, new.not_before)?;
    tx.ring(OUTBOX);
    Ok(OutboxId(number))
}

/// Whether an earlier mail of the case to the same recipient has to be taken first; then the row stands behind it, and
/// that one is tried now.
fn waits_for_another(tx: &mut Tx<'_>, now: Timestamp, row: &Due) -> Outcome<bool> {
    let Some(case) = row.case else { return Ok(false) };
    let earlier = tx.first(
        "SELECT id FROM outbox WHERE case_id = $1 AND recipient = $2 AND id < $3
           AND state IN ('held', 'queued', 'deferred', 'sending') AND (state <> 'held' OR not_before <= $4)
         ORDER BY id DESC LIMIT 1",
        &values![case, row.recipient.as_str(), row.id, now],
    )?;
    let Some(earlier) = earlier else { return Ok(false) };
    tx.execute(
        "UPDATE outbox SET behind = $1 WHERE id = $2",
        &values![earlier.int(0), row.id],
    )?;
    // The list of states is the index's own; only a deferred one has a time to give up.
    tx.execute(
        "UPDATE outbox SET not_before = $1 WHERE case_id = $2 AND recipient = $3 AND id < $4
           AND state IN ('held', 'queued', 'deferred', 'sending') AND state = 'deferred' AND not_before > $1",
        &values![now, case, row.recipient.as_str(), row.id],
    )?;
    destination::settle(tx, &row.domain, None)?;
    Ok(true)
}

/// A row is settled or undone: what stood behind it stands behind what it stood behind, or may leave.
fn let_pass(tx: &mut Tx<'_>, id: OutboxId, domain: &str) -> Outcome<()> {
    let freed = tx.execute(
        "UPDATE outbox SET behind = (SELECT o.behind FROM outbox o WHERE o.id = $1) WHERE behind = $1",
        &values![id],
    )?;
    match freed {
        0 => Ok(()),
        _ => destination::settle(tx, domain, None),
    }
}

/// A row that waited is not to leave any more: undone, or failed by other news.
pub(super) fn leaves_the_queue(tx: &mut Tx<'_>, id: OutboxId) -> Outcome<()> {
    let row = tx.one("SELECT domain FROM outbox WHERE id = $1", &values![id])?;
    let_pass(tx, id, row.text(0))?;
    destination::settle(tx, row.text(0), None)
}

/// The Message-ID of a message of ours: says case and message to nobody but us, the same for all its recipients.
pub fn message_id(desk: &Desk, case: Option<CaseId>, message: MessageNo) -> String {
    let domain = desk
        .address()
        .rsplit_once('@')
        .map_or("localhost", |(_, domain)| domain);
    format!(
        "case-{}.message-{}.{}@{domain}",
        case.map_or(0, |case| case.0),
        message.0,
        thread::message_tag(desk, message)
    )
}

/// Where the last words of a contact in a case came from, and what a letter in that thread refers to.
pub struct Last {
    /// Message number.
    pub message: MessageNo,
    /// Address they wrote from.
    pub address: String,
    /// Their name.
    pub author: String,
    /// Subject they used.
    pub subject: String,
    /// When.
    pub at: Timestamp,
    /// Their words.
    pub text: String,
    /// Its Message-ID.
    pub message_id: Option<String>,
    /// Its chain.
    pub chain: Vec<String>,
    /// Its facts.
    pub facts: super::message::Facts,
    /// A machine wrote it in their name.
    pub automatic: bool,
}

/// The newest mail of a contact in a case: their own words before what a machine wrote in their name.
pub fn last_of(tx: &mut Tx<'_>, case: CaseId, contact: ContactId) -> Outcome<Option<Last>> {
    let row = tx.first(
        "SELECT id, address, author, subject, at, text, message_id, chain, facts, auto FROM message
         WHERE case_id = $1 AND contact = $2 AND way = 'in'
         ORDER BY CASE WHEN auto IN ('no', 'list') THEN 0 ELSE 1 END, id DESC LIMIT 1",
        &values![case, contact],
    )?;
    Ok(row.map(|row| Last {
        message: MessageNo(row.int(0)),
        address: row.text(1).to_owned(),
        author: row.text(2).to_owned(),
        subject: row.text(3).to_owned(),
        at: row.instant(4),
        text: row.text(5).to_owned(),
        message_id: row.opt_text(6).map(str::to_owned),
        chain: serde_json::from_str(row.text(7)).unwrap_or_default(),
        facts: serde_json::from_str(row.text(8)).unwrap_or_default(),
        automatic: !matches!(row.text(9), "no" | "list"),
    }))
}

/// A row that is to be sent now.
#[derive(Debug, Clone)]
pub struct Due {
    /// Number.
    pub id: OutboxId,
    /// The message it carries.
    pub message: MessageNo,
    /// The case.
    pub case: Option<CaseId>,
    /// Where it goes.
    pub recipient: String,
    /// What it says.
    pub letter: Letter,
    /// Written by the desk itself.
    pub automatic: bool,
    /// When it was written: the times in it are said as of then.
    pub made_at: Timestamp,
    /// Attempts so far.
    pub tries: i64,
    /// First attempt of it, or since when its domain could not be reached while it waited.
    pub first_try_at: Option<Timestamp>,
    /// Where it goes: the name of its queue.
    pub domain: String,
    /// What is known of the domain's MTA-STS policy.
    pub policy: Option<destination::Kept>,
    /// Its Message-ID.
    pub message_id: Option<String>,
    /// The bytes, once composed.
    pub raw: Option<RawId>,
    /// Due of the promise that a letter makes or moves, for the `Duly-Promise` header.
    pub reply_by: Option<Timestamp>,
}

const DUE: &str =
    "SELECT o.id, o.message, o.case_id, o.recipient, o.letter, o.automatic, o.made_at, o.tries, o.first_try_at,
        m.message_id, o.raw, k.reply_by, o.domain, d.policy_id, d.policy, d.policy_until, d.failing_since
     FROM outbox o JOIN message m ON m.id = o.message LEFT JOIN cases k ON k.id = o.case_id
     LEFT JOIN destination d ON d.domain = o.domain";

fn due_of(row: &Row) -> Outcome<Due> {
    let waited_since = row.opt_instant(16).map(|since| since.max(row.instant(6)));
    Ok(Due {
        id: OutboxId(row.int(0)),
        message: MessageNo(row.int(1)),
        case: row.opt_int(2).map(CaseId),
        recipient: row.text(3).to_owned(),
        letter: serde_json::from_str(row.text(4)).map_err(anyhow::Error::from)?,
        automatic: row.flag(5),
        made_at: row.instant(6),
        tries: row.int(7),
        first_try_at: row.opt_instant(8).or(waited_since),
        message_id: row.opt_text(9).map(str::to_owned),
        raw: row.opt_int(10).map(RawId),
        reply_by: row.opt_instant(11),
        domain: row.text(12).to_owned(),
        policy: row.opt_text(13).map(|id| destination::Kept {
            id: id.to_owned(),
            text: row.opt_text(14).unwrap_or_default().to_owned(),
            until: row.opt_instant(15).unwrap_or_default(),
        }),
    })
}

/// Rows whose time has come, whatever their destination, unless all mail is held. For the demo, which sends nothing.
pub fn due(tx: &mut Tx<'_>, now: Timestamp, limit: i64) -> Outcome<Vec<Due>> {
    if is_held(tx)? {
        return Ok(Vec::new());
    }
    let sql = format!(
        "{DUE} WHERE o.state IN ('held', 'queued', 'deferred') AND o.behind IS NULL AND o.not_before <= $1
         ORDER BY o.not_before, o.id LIMIT $2"
    );
    tx.query(&sql, &values![now, limit])?.iter().map(due_of).collect()
}

/// One row, as it is to be sent.
pub fn found(tx: &mut Tx<'_>, id: OutboxId) -> Outcome<Due> {
    due_of(&tx.one(&format!("{DUE} WHERE o.id = $1"), &values![id])?)
}

/// When the next row is due.
pub fn next_due(tx: &mut Tx<'_>) -> Outcome<Option<Timestamp>> {
    if is_held(tx)? {
        return Ok(None);
    }
    let first = destination::waiting(tx, 1)?;
    Ok(first.into_iter().map(|one| one.next_at).min())
}

/// The brake on everything that leaves.
pub fn hold_all(tx: &mut Tx<'_>, now: Timestamp, hold: bool, actor: Actor) -> Outcome<()> {
    tx.execute("DELETE FROM setting WHERE name = 'outbox.held'", &[])?;
    if hold {
        tx.execute("INSERT INTO setting (name, value) VALUES ('outbox.held', '1')", &[])?;
    }
    ledger::record(
        tx,
        now,
        event(if hold { "outbox.held" } else { "outbox.released" }, actor),
    )?;
    tx.ring(OUTBOX);
    Ok(())
}

/// Whether the brake is on.
pub fn is_held(tx: &mut Tx<'_>) -> Outcome<bool> {
    Ok(tx
        .first("SELECT 1 FROM setting WHERE name = 'outbox.held'", &[])?
        .is_some())
}

/// Takes a row for sending, with the bytes that will leave: false if it was undone, or all mail held, meanwhile, or if an
/// earlier mail of the case has to go first.
pub fn claim(tx: &mut Tx<'_>, now: Timestamp, row: &Due, composed: Option<(Vec<u8>, String)>) -> Outcome<bool> {
    if waits_for_another(tx, now, row)? {
        tx.ring(OUTBOX);
        return Ok(false);
    }
    let claimed = tx.execute(
        "UPDATE outbox SET state = 'sending', tries = tries + 1, first_try_at = COALESCE(first_try_at, $1)
         WHERE id = $2 AND state IN ('held', 'queued', 'deferred')
           AND behind IS NULL AND NOT EXISTS (SELECT 1 FROM setting WHERE name = 'outbox.held')",
        &values![now, row.id],
    )?;
    if claimed == 0 {
        return Ok(false);
    }
    destination::settle(tx, &row.domain, Some(now))?;
    tx.ring(OUTBOX);
    if let Some((bytes, text)) = composed {
        let raw = super::arrival::keep_raw(tx, bytes)?;
        tx.execute("UPDATE outbox SET raw = $1 WHERE id = $2", &values![raw, row.id])?;
        tx.execute(
            "UPDATE message SET raw = $1, text = CASE WHEN text = '' THEN $2 ELSE text END WHERE id = $3 AND raw IS NULL",
            &values![raw, text, row.message],
        )?;
    }
    Ok(true)
}

/// Rows that were being sent when the desk stopped: they may have left; they are sent again, same Message-ID.
pub fn recover(tx: &mut Tx<'_>) -> Outcome<u64> {
    let again = tx.execute(
        "UPDATE outbox SET state = 'queued', doubted = 1, said = 'the desk stopped while this was being sent; sent again'
         WHERE state = 'sending'",
        &[],
    )?;
    destination::begin(tx)?;
    Ok(again)
}

/// How a row's attempt ended.
#[derive(Debug, Clone)]
pub enum Ended {
    /// The first server outside took it.
    Accepted,
    /// Not yet; tried again at the instant. `in_time`: the customer's own server deferred a first attempt.
    Deferred {
        /// When it is tried again.
        again: Timestamp,
        /// The customer's own server said so.
        by_their_server: bool,
    },
    /// For good.
    Failed,
}

/// What one attempt told.
#[derive(Debug, Clone)]
pub struct Attempted {
    /// When it began.
    pub began: Timestamp,
    /// The server that answered; none if there was nobody to talk to.
    pub server: Option<String>,
    /// Its words, or what went wrong.
    pub said: String,
    /// What became of the mail.
    pub how: Ended,
    /// The mail may have been taken though nobody said so.
    pub doubted: bool,
}

/// Records how an attempt ended; promises and the case follow.
pub fn ended(tx: &mut Tx<'_>, now: Timestamp, desk: &Desk, id: OutboxId, attempt: &Attempted) -> Outcome<()> {
    let domain = record(tx, now, desk, id, attempt)?;
    match &attempt.server {
        Some(_) => destination::reached(tx, &domain)?,
        None if matches!(attempt.how, Ended::Deferred { .. }) => {
            destination::unreachable(tx, now, &domain, attempt.began)?;
        }
        None => {}
    }
    // Whatever else it is: a row that is settled lets those behind it pass.
    match attempt.how {
        Ended::Deferred { .. } => destination::settle(tx, &domain, None),
        _ => let_pass(tx, id, &domain),
    }
}

fn record(tx: &mut Tx<'_>, now: Timestamp, desk: &Desk, id: OutboxId, attempt: &Attempted) -> Outcome<String> {
    let how = &attempt.how;
    let (state, settled, again, kind) = match how {
        Ended::Accepted => ("accepted", Some(now), now, "mail.accepted"),
        Ended::Deferred { again, .. } => ("deferred", None, *again, "mail.deferred"),
        Ended::Failed => ("failed", Some(now), now, "mail.failed"),
    };
    let row = tx.one(
        "UPDATE outbox SET state = $1, settled_at = $2, not_before = $3, server = $4, said = $5,
             doubted = doubted | $6 WHERE id = $7
         RETURNING message, case_id, contact, first_try_at, domain",
        &values![
            state,
            settled,
            again,
            attempt.server.as_deref(),
            attempt.said.as_str(),
            attempt.doubted,
            id
        ],
    )?;
    let message = MessageNo(row.int(0));
    let case = row.opt_int(1).map(CaseId);
    let (contact, first_try) = (row.opt_int(2).map(ContactId), row.opt_instant(3));
    let mut entry = event(kind, Actor::Desk).message(message).with(json!({"outbox": id.0}));
    if let Some(case) = case {
        entry = entry.of(case);
    }
    ledger::record(tx, now, entry)?;
    tx.ring(OUTBOX);
    reply::progress(tx, now, desk, message, contact, first_try.unwrap_or(now), how)?;
    Ok(row.text(4).to_owned())
}

/// Mails to a domain that nobody could reach for as long as mail is tried: the oldest of them have failed, at most so
/// many. They were never tried one by one, for the domain rested. Says how many.
pub fn give_up(tx: &mut Tx<'_>, now: Timestamp, desk: &Desk, domain: &str, limit: i64) -> Outcome<usize> {
    let patience = SignedDuration::from_hours(limits::DELIVERY_GIVE_UP_HOURS);
    let rows = tx.query(
        "SELECT o.id, d.failing_since FROM outbox o JOIN destination d ON d.domain = o.domain
         WHERE o.domain = $1 AND o.state IN ('held', 'queued', 'deferred') AND o.behind IS NULL
           AND o.not_before <= $2 AND d.failing_since <= $2 ORDER BY o.not_before, o.id LIMIT $3",
        &values![domain, now - patience, limit],
    )?;
    for row in &rows {
        let attempt = Attempted {
            began: now,
            server: None,
            said: "given up after five days: no mail host of this domain could be reached".to_owned(),
            how: Ended::Failed,
            doubted: false,
        };
        ended(tx, now, desk, OutboxId(row.int(0)), &attempt)?;
    }
    destination::settle(tx, domain, None)?;
    Ok(rows.len())
}
