//! What engineers get by mail (text H): a notice of what needs this engineer, a digest in the morning, and the answers to
//! what they asked by mail. Only who asked for it (`duly cpu set … --mail on`) gets notices and digests; who gives a
//! command always gets its answer.
//!
//! Every notice carries the engineer's personal address as Reply-To: an answer to it speaks for the vendor if it is proven
//! ([`command`]). The words are the mail door's.

use super::automatic::{self, Automatic};
use super::case::{self, Case};
use super::engineer::{self, Engineer};
use super::outbox::{self, Content, DigestRow, Letter};
use super::{CaseId, ContactId, Desk, EngineerId, command, customer, promise};
use crate::limits;
use crate::refusal::Outcome;
use crate::store::{Row, Tx, values};
use jiff::{SignedDuration, Timestamp};

/// Why an engineer gets a notice: as it stands in the letter.
pub const WROTE: &str = "wrote";
/// The wake time came.
pub const WOKEN: &str = "woken";
/// Their reply did not arrive.
pub const FAILED: &str = "failed";
/// They asked for the next case.
const NEXT: &str = "next";

/// A notice to whoever had the case last, if they want notices.
pub fn owner(tx: &mut Tx<'_>, now: Timestamp, desk: &Desk, case: CaseId, why: &str) -> Outcome<()> {
    let case = case::find(tx, case)?;
    match case.owner {
        Some(owner) => needs(tx, now, desk, &case, owner, why),
        None => Ok(()),
    }
}

/// A notice to this engineer, if they want notices and are on the desk.
pub fn needs(tx: &mut Tx<'_>, now: Timestamp, desk: &Desk, case: &Case, id: EngineerId, why: &str) -> Outcome<()> {
    match engineer::on_the_desk(tx, id)? {
        Some(engineer) if engineer.by_mail => about_case(tx, now, desk, &engineer, case, why, ""),
        _ => Ok(()),
    }
}

/// The case that `next` gave, in answer to a mail.
pub fn hand_out(
    tx: &mut Tx<'_>,
    now: Timestamp,
    desk: &Desk,
    engineer: &Engineer,
    case: &Case,
    why: &str,
) -> Outcome<()> {
    about_case(tx, now, desk, engineer, case, NEXT, why)
}

fn about_case(
    tx: &mut Tx<'_>,
    now: Timestamp,
    desk: &Desk,
    engineer: &Engineer,
    case: &Case,
    why: &str,
    detail: &str,
) -> Outcome<()> {
    let asker = promise::asker(tx, case.id)?;
    let contact = customer::contact(tx, asker)?;
    let last = outbox::last_of(tx, case.id, contact.id)?;
    let content = Content::Notice {
        why: why.to_owned(),
        detail: detail.to_owned(),
        who: contact.name.clone(),
        customer: customer::name_of(tx, contact.customer)?,
        others: others(tx, case, contact.id)?,
        severity: i64::from(case.severity.number()),
        due: case.reply_by,
        words: last.as_ref().map_or_else(String::new, |last| last.text.clone()),
    };
    send(tx, now, desk, engineer, (Some(case), last), "notice", content)
}

/// How many others than this contact a reply goes to.
fn others(tx: &mut Tx<'_>, case: &Case, contact: ContactId) -> Outcome<u64> {
    let row = tx.one(
        "SELECT COUNT(*) FROM participant WHERE case_id = $1 AND contact <> $2",
        &values![case.id, contact],
    )?;
    let people = match case.list {
        // On a public case the list reads along and nobody else.
        Some(_) => 1,
        None => row.int(0),
    };
    Ok(people.unsigned_abs())
}

/// What a mailed command did. `undo` is the time until which `#undo` takes it back.
pub fn done(
    tx: &mut Tx<'_>,
    now: Timestamp,
    desk: &Desk,
    engineer: &Engineer,
    case: Option<&Case>,
    said: &str,
    undo: Option<Timestamp>,
) -> Outcome<()> {
    let content = Content::Done {
        said: said.to_owned(),
        undo,
    };
    send(tx, now, desk, engineer, (case, None), "answer to a command", content)
}

/// Why a mailed command did nothing.
pub fn refused(
    tx: &mut Tx<'_>,
    now: Timestamp,
    desk: &Desk,
    engineer: &Engineer,
    case: Option<&Case>,
    why: &str,
) -> Outcome<()> {
    let content = Content::Refused { why: why.to_owned() };
    send(tx, now, desk, engineer, (case, None), "answer to a command", content)
}

/// A mail in an engineer's name was not proven; it is kept as a draft.
pub fn not_proven(tx: &mut Tx<'_>, now: Timestamp, desk: &Desk, engineer: &Engineer, case: &Case) -> Outcome<()> {
    let why = format!(
        "A mail in your name stands as an internal draft in case {}: it did not come with both a DMARC pass and your personal \
         address. Answer the notice itself, from your own mail server.",
        case.id.0
    );
    refused(tx, now, desk, engineer, Some(case), &why)
}

fn send(
    tx: &mut Tx<'_>,
    now: Timestamp,
    desk: &Desk,
    engineer: &Engineer,
    (case, last): (Option<&Case>, Option<outbox::Last>),
    kind: &'static str,
    content: Content,
) -> Outcome<()> {
    // In the thread of the customer's own mail, so that notices of a case stand together in their reader's mailbox.
    let (in_reply_to, chain) = last.map_or_else(Default::default, |last| (last.message_id, last.chain));
    if !automatic::may_get_automatic(tx, now, desk, &engineer.address, limits::NOTES_PER_LEAD_PER_DAY)? {
        return Ok(());
    }
    let about = case.map_or(CaseId(0), |case| case.id);
    let letter = Letter {
        from_name: desk.name.clone(),
        from: desk.address().to_owned(),
        reply_to: Some(command::personal_address(desk, engineer, about)),
        to: vec![engineer.address.clone()],
        cc: Vec::new(),
        subject: case.map_or_else(String::new, |case| case.subject.clone()),
        is_reply: false,
        in_reply_to,
        chain,
        thread_index: None,
        thread_topic: None,
        zone: engineer.zone.to_string(),
        language: desk.language.clone(),
        case: about.0,
        calendar: None,
        content,
    };
    let what = Automatic {
        kind,
        case,
        contact: None,
        recipient: &engineer.address,
        letter,
    };
    automatic::put(tx, now, desk, &what)
}

/// When the next digest is due.
pub fn next(tx: &mut Tx<'_>) -> Outcome<Option<Timestamp>> {
    let row = tx.one("SELECT MIN(digest_at) FROM engineer WHERE digest_at IS NOT NULL", &[])?;
    Ok(row.opt_instant(0))
}

/// Sends the digests that are due; how many engineers were looked at.
pub fn ring(tx: &mut Tx<'_>, now: Timestamp, desk: &Desk, limit: i64) -> Outcome<usize> {
    let rows = tx.query(
        "SELECT id FROM engineer WHERE digest_at IS NOT NULL AND digest_at <= $1 ORDER BY digest_at LIMIT $2",
        &values![now, limit],
    )?;
    for row in &rows {
        let id = EngineerId(row.int(0));
        let Some(engineer) = engineer::on_the_desk(tx, id)? else {
            tx.execute("UPDATE engineer SET digest_at = NULL WHERE id = $1", &values![id])?;
            continue;
        };
        engineer::set_digest(tx, now, &engineer)?;
        digest(tx, now, desk, &engineer)?;
    }
    Ok(rows.len())
}

/// The morning's digest: promises of today, what is close to its due, for whom this engineer waits, what is free.
fn digest(tx: &mut Tx<'_>, now: Timestamp, desk: &Desk, engineer: &Engineer) -> Outcome<()> {
    let tonight = engineer::end_of_day(engineer, now);
    let promises = tx.query(
        "SELECT id, reply_by, subject FROM cases WHERE owner = $1 AND hand = 'ours' AND reply_by < $2 ORDER BY reply_by, id LIMIT $3",
        &values![engineer.id, tonight, limits::DIGEST_ROWS],
    )?;
    let risk = tx.query(
        "SELECT id, reply_by, subject FROM cases WHERE hand = 'ours' AND (owner = $1 OR owner IS NULL) AND reply_by < $2
         ORDER BY reply_by, id LIMIT $3",
        &values![engineer.id, now + SignedDuration::from_hours(2), limits::DIGEST_ROWS],
    )?;
    let waiting = tx.query(
        "SELECT id, wake_at, subject FROM cases WHERE owner = $1 AND hand = 'theirs' ORDER BY wake_at, id LIMIT $2",
        &values![engineer.id, limits::DIGEST_ROWS],
    )?;
    let ready = tx.one(
        "SELECT COUNT(*) FROM cases WHERE hand = 'ours' AND party IS NULL AND slices = 0 AND under_way = 0 AND owner IS NULL",
        &[],
    )?;
    let content = Content::Digest {
        name: engineer.name.clone(),
        promises: promises.iter().map(row_of).collect(),
        risk: risk.iter().map(row_of).collect(),
        waiting: waiting.iter().map(row_of).collect(),
        ready: ready.int(0).unsigned_abs(),
    };
    send(tx, now, desk, engineer, (None, None), "digest", content)
}

fn row_of(row: &Row) -> DigestRow {
    DigestRow {
        case: row.int(0),
        at: row.instant(1),
        subject: row.text(2).to_owned(),
    }
}
