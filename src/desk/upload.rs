//! A file on its way into a case, in pieces: from a customer by the link in every mail, or from an engineer for a reply.
//!
//! `have` bytes are on disk and will be there after a power cut; what lies beyond them is sent again. The pieces lie in
//! the door's own folder under the upload's key. A whole upload is hashed, put to its place and becomes an entry of its
//! case: it makes no promise, for it carries no words, and it wakes a case that waits for its customer, for it is what
//! the case waited for (PRODUCT.md §2): then we owe the next word. A case that is ours or closed stays as it is.

use super::case::{self, Hand};
use super::ledger::{self, Actor, event};
use super::letter::Enclosed;
use super::link::Guest;
use super::message::{Facts, File};
use super::{CaseId, ContactId, CustomerId, Desk, EngineerId, FileId, MessageNo, customer, file, link, outbox};
use crate::files::{Looked, sniff};
use crate::limits;
use crate::refusal::{Outcome, Refusal};
use crate::store::{Row, Tx, values};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

/// An upload.
#[derive(Debug, Clone)]
pub struct Upload {
    /// Its number.
    pub id: i64,
    /// Its name in links and in the folder: random, 128 bits.
    pub key: String,
    /// The case.
    pub case: CaseId,
    /// Who sends it, at the customer.
    pub contact: Option<ContactId>,
    /// Who sends it, of ours.
    pub engineer: Option<EngineerId>,
    /// Name as sent.
    pub name: String,
    /// Type as sent.
    pub claimed: String,
    /// Bytes in all.
    pub bytes: u64,
    /// Bytes that are on disk for good.
    pub have: u64,
    /// When it is given up unless something comes.
    pub expires_at: Timestamp,
    /// open, whole, filed, gone.
    pub state: String,
    /// The reply that it goes with.
    pub reply: Option<MessageNo>,
    /// What it became.
    pub file: Option<FileId>,
}

/// Who sends.
#[derive(Debug, Clone, Copy)]
pub enum Sender<'a> {
    /// A customer, by a link.
    Guest(&'a Guest),
    /// An engineer, for a reply.
    Engineer(EngineerId),
}

const ROW: &str = "SELECT id, key, case_id, contact, engineer, name, claimed, bytes, have, expires_at, state, reply, file FROM upload";

fn upload_of(row: &Row) -> Upload {
    Upload {
        id: row.int(0),
        key: row.text(1).to_owned(),
        case: CaseId(row.int(2)),
        contact: row.opt_int(3).map(ContactId),
        engineer: row.opt_int(4).map(EngineerId),
        name: row.text(5).to_owned(),
        claimed: row.text(6).to_owned(),
        bytes: row.int(7).max(0) as u64,
        have: row.int(8).max(0) as u64,
        expires_at: row.instant(9),
        state: row.text(10).to_owned(),
        reply: row.opt_int(11).map(MessageNo),
        file: row.opt_int(12).map(FileId),
    }
}

fn expiry(now: Timestamp) -> Timestamp {
    now + SignedDuration::from_hours(24 * limits::UPLOAD_DAYS)
}

/// Begins one; `key` is random and made by the door.
///
/// # Errors
/// Too large, too many at a time, too much for one case.
pub fn open(
    tx: &mut Tx<'_>,
    now: Timestamp,
    case: CaseId,
    from: Sender<'_>,
    key: &str,
    (name, claimed): (&str, &str),
    bytes: u64,
) -> Outcome<Upload> {
    if bytes > limits::UPLOAD_BYTES {
        return Err(Refusal::usage(format!(
            "One file may have {} GB. Nothing was stored. Send it in parts.",
            limits::UPLOAD_BYTES / 1_000_000_000
        ))
        .into());
    }
    has_room(tx, case, from, bytes)?;
    let (contact, engineer) = match from {
        Sender::Guest(guest) => (Some(guest.contact), None),
        Sender::Engineer(engineer) => (None, Some(engineer)),
    };
    let claimed: String = claimed
        .chars()
        .filter(|one| !one.is_control())
        .take(limits::FILE_NAME_CHARS)
        .collect();
    tx.execute(
        "INSERT INTO upload (key, case_id, contact, engineer, name, claimed, bytes, made_at, expires_at, state)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        &values![
            key,
            case,
            contact,
            engineer,
            sniff::safe_name(name),
            claimed,
            bytes as i64,
            now,
            expiry(now),
            if bytes == 0 { "whole" } else { "open" }
        ],
    )?;
    if bytes == 0 {
        tx.ring(super::FILES);
    }
    find(tx, case, key)
}

/// Whether there may be one more of so many bytes: too many at a time are refused, too much for a case, and too much for a
/// customer whom nobody entered, since anybody can be one.
fn has_room(tx: &mut Tx<'_>, case: CaseId, from: Sender<'_>, bytes: u64) -> Outcome<()> {
    const SUMS: &str = "SELECT COUNT(CASE WHEN u.state = 'open' THEN 1 END),
             CAST(COALESCE(SUM(CASE WHEN u.state <> 'gone' THEN u.bytes END), 0) AS BIGINT), COUNT(*)
         FROM upload u";
    let sums = tx.one(&format!("{SUMS} WHERE u.case_id = $1"), &values![case])?;
    let (open, all) = (sums.int(0), sums.int(1).max(0) as u64);
    if open >= limits::UPLOADS_OPEN {
        return Err(Refusal::conflict(format!(
            "{open} uploads of this case are under way. Nothing was stored. Finish or cancel one first."
        ))
        .into());
    }
    if sums.int(2) >= limits::UPLOADS_CASE {
        return Err(Refusal::conflict(format!(
            "One case takes {} uploads. Nothing was stored. Put what is left into one archive and ask us for another way.",
            limits::UPLOADS_CASE
        ))
        .into());
    }
    let too_much = |of: &str, most: u64| {
        Refusal::conflict(format!(
            "{of} {} of uploads. Nothing was stored. Ask us for another way.",
            size(most)
        ))
    };
    if all.saturating_add(bytes) > limits::UPLOADS_CASE_BYTES {
        return Err(too_much("One case takes", limits::UPLOADS_CASE_BYTES).into());
    }
    let customer = case::find(tx, case)?.customer;
    let entered = tx.one("SELECT entered FROM customer WHERE id = $1", &values![customer])?;
    if entered.flag(0) || matches!(from, Sender::Engineer(_)) {
        return Ok(());
    }
    let theirs = tx.one(
        &format!("{SUMS} JOIN cases k ON k.id = u.case_id WHERE k.customer = $1 AND u.contact IS NOT NULL"),
        &values![customer],
    )?;
    if theirs.int(0) >= limits::UPLOADS_OPEN {
        return Err(Refusal::conflict(format!(
            "{} uploads of yours are under way. Nothing was stored. Finish or cancel one first.",
            theirs.int(0)
        ))
        .into());
    }
    if (theirs.int(1).max(0) as u64).saturating_add(bytes) > limits::UPLOADS_STRANGER_BYTES {
        return Err(too_much("All your cases together take", limits::UPLOADS_STRANGER_BYTES).into());
    }
    Ok(())
}

/// One upload of a case, under way or whole.
pub fn find(tx: &mut Tx<'_>, case: CaseId, key: &str) -> Outcome<Upload> {
    let row = tx.first(
        &format!("{ROW} WHERE key = $1 AND case_id = $2 AND state <> 'gone'"),
        &values![key, case],
    )?;
    let row =
        row.ok_or_else(|| Refusal::missing("There is no such upload, or it was given up. Send the file again."))?;
    Ok(upload_of(&row))
}

/// Whether an upload with this key still needs its bytes in the folder of files on their way.
pub fn is_under_way(tx: &mut Tx<'_>, key: &str) -> Outcome<bool> {
    let row = tx.first(
        "SELECT 1 FROM upload WHERE key = $1 AND state IN ('open', 'whole')",
        &values![key],
    )?;
    Ok(row.is_some())
}

/// So many bytes are on disk for good; with the last one it is whole.
pub fn grown(tx: &mut Tx<'_>, now: Timestamp, id: i64, have: u64) -> Outcome<()> {
    tx.execute(
        "UPDATE upload SET have = $1, expires_at = $2, state = CASE WHEN bytes = $1 THEN 'whole' ELSE state END
         WHERE id = $3 AND state = 'open'",
        &values![have as i64, expiry(now), id],
    )?;
    tx.ring(super::FILES);
    Ok(())
}

/// It is given up by whoever sent it.
pub fn cancel(tx: &mut Tx<'_>, upload: &Upload) -> Outcome<()> {
    let gone = tx.execute(
        "UPDATE upload SET state = 'gone' WHERE id = $1 AND state = 'open'",
        &values![upload.id],
    )?;
    match gone {
        0 => Err(Refusal::conflict("This file has arrived whole and is part of the case. It stays.").into()),
        _ => Ok(()),
    }
}

/// Uploads of a person in a case, newest first.
pub fn of_guest(tx: &mut Tx<'_>, guest: &Guest) -> Outcome<Vec<Upload>> {
    let rows = tx.query(
        &format!("{ROW} WHERE case_id = $1 AND contact = $2 AND state <> 'gone' ORDER BY id DESC LIMIT $3"),
        &values![guest.case, guest.contact, limits::PAGE_ROWS],
    )?;
    Ok(rows.iter().map(upload_of).collect())
}

/// Its bytes are gone from the disk.
pub fn lost(tx: &mut Tx<'_>, id: i64) -> Outcome<()> {
    tx.execute("UPDATE upload SET state = 'gone' WHERE id = $1", &values![id])?;
    Ok(())
}

/// Whether there is something for [`expire`] to do.
pub fn has_expired(tx: &mut Tx<'_>, now: Timestamp) -> Outcome<bool> {
    let row = tx.first(
        "SELECT 1 FROM upload WHERE state IN ('open', 'whole') AND expires_at <= $1 LIMIT 1",
        &values![now],
    )?;
    Ok(row.is_some())
}

/// Gives up what was left lying; the keys of what lies in the folder still.
pub fn expire(tx: &mut Tx<'_>, now: Timestamp) -> Outcome<Vec<String>> {
    let rows = tx.query(
        "UPDATE upload SET state = 'gone' WHERE expires_at <= $1
           AND (state = 'open' OR (state = 'whole' AND contact IS NULL AND reply IS NULL)) RETURNING key",
        &values![now],
    )?;
    Ok(rows.iter().map(|row| row.text(0).to_owned()).collect())
}

/// The next one that is whole: with the customer whose it becomes. An engineer's waits for its reply.
pub fn next_whole(tx: &mut Tx<'_>) -> Outcome<Option<(Upload, CustomerId)>> {
    let row = tx.first(
        &format!("{ROW} WHERE state = 'whole' AND (contact IS NOT NULL OR reply IS NOT NULL) ORDER BY id LIMIT 1"),
        &[],
    )?;
    let Some(row) = row else { return Ok(None) };
    let upload = upload_of(&row);
    let customer = case::find(tx, upload.case)?.customer;
    Ok(Some((upload, customer)))
}

/// A whole upload has its bytes in their place: it becomes an entry of its case, or a file of its reply.
pub fn filed(
    tx: &mut Tx<'_>,
    now: Timestamp,
    desk: &Desk,
    upload: &Upload,
    looked: &Looked,
    scans: bool,
) -> Outcome<()> {
    let case = case::find(tx, upload.case)?;
    let (message, place) = match (upload.reply, upload.contact) {
        (Some(reply), _) => (reply, upload.id as usize),
        (None, Some(contact)) => (enter(tx, now, upload, contact, looked)?, 0),
        (None, None) => return Ok(()),
    };
    let found = file::Found {
        place,
        name: upload.name.clone(),
        claimed: upload.claimed.clone(),
        looked: looked.clone(),
    };
    let id = file::keep(tx, now, message, case.customer, &found, scans)?;
    tx.execute(
        "UPDATE upload SET state = 'filed', file = $1 WHERE id = $2",
        &values![id, upload.id],
    )?;
    let actor = match upload.engineer {
        Some(engineer) => Actor::Engineer(engineer),
        None => Actor::Customer,
    };
    let data = json!({"file": id.0, "bytes": looked.bytes, "sha256": looked.digest});
    ledger::record(
        tx,
        now,
        event("file.came", actor).of(case.id).message(message).with(data),
    )?;
    if upload.contact.is_some() && case.hand == Hand::Theirs {
        case::wake_with_promise(tx, now, desk, case.id, Actor::Customer, "the customer sent a file")?;
    }
    Ok(())
}

/// The entry in the case: no words of theirs, so it is never quoted or answered to.
fn enter(tx: &mut Tx<'_>, now: Timestamp, upload: &Upload, contact: ContactId, looked: &Looked) -> Outcome<MessageNo> {
    let person = customer::contact(tx, contact)?;
    let address = match outbox::last_of(tx, upload.case, contact)? {
        Some(mail) => mail.address,
        None => customer::address_of(tx, contact)?,
    };
    let text = format!(
        "A file by the upload link: {}, {}, SHA-256 {}.",
        upload.name,
        size(looked.bytes),
        looked.digest
    );
    let facts = Facts {
        files: vec![File {
            name: upload.name.clone(),
            content_type: looked.kind.to_owned(),
            size: looked.bytes,
        }],
        ..Facts::default()
    };
    let facts = serde_json::to_string(&facts).map_err(anyhow::Error::from)?;
    let row = tx.one(
        "INSERT INTO message (case_id, way, kind, at, contact, author, address, chain, subject, text, folded, facts, auto,
             matched_by, verified)
         VALUES ($1, 'in', 'file', $2, $3, $4, $5, '[]', '', $6, '', $7, 'upload', 'upload link', 0) RETURNING id",
        &values![upload.case, now, contact, person.name, address, text.as_str(), facts],
    )?;
    let message = MessageNo(row.int(0));
    tx.index_text(message.0, &text)?;
    Ok(message)
}

/// `2.1 GB`, `1.2 MB`, `14 kB`, `312 bytes`.
pub fn size(bytes: u64) -> String {
    let tenths = |unit: u64| {
        let tenths = (bytes + unit / 20) / (unit / 10);
        format!("{}.{}", tenths / 10, tenths % 10)
    };
    match bytes {
        0..=999 => format!("{bytes} bytes"),
        1_000..=999_499 => format!("{} kB", (bytes + 500) / 1_000),
        999_500..=999_949_999 => format!("{} MB", tenths(1_000_000)),
        _ => format!("{} GB", tenths(1_000_000_000)),
    }
}

/// The files of an engineer's mail that have their place, as uploads of theirs: a reply in that mail takes them along. Their
/// keys, in the order of the mail.
pub(super) fn of_mail(
    tx: &mut Tx<'_>,
    now: Timestamp,
    desk: &Desk,
    (case, engineer, mail): (CaseId, EngineerId, MessageNo),
) -> Outcome<Vec<String>> {
    let rows = tx.query(
        "SELECT f.id, f.name, f.claimed, b.bytes FROM file f JOIN blob b ON b.id = f.blob
         WHERE f.message = $1 ORDER BY f.place LIMIT $2",
        &values![mail, limits::UPLOADS_CASE],
    )?;
    let mut keys = Vec::new();
    for row in rows {
        let key = link::file_key(desk, FileId(row.int(0)));
        tx.execute(
            "INSERT INTO upload (key, case_id, engineer, name, claimed, bytes, have, made_at, expires_at, state, file)
             VALUES ($1, $2, $3, $4, $5, $6, $6, $7, $7, 'filed', $8) ON CONFLICT (key) DO NOTHING",
            &values![
                key.as_str(),
                case,
                engineer,
                row.text(1),
                row.text(2),
                row.int(3),
                now,
                row.int(0)
            ],
        )?;
        keys.push(key);
    }
    Ok(keys)
}

/// Uploads of an engineer go with a reply that was just written.
pub(super) fn attach(
    tx: &mut Tx<'_>,
    case: CaseId,
    engineer: EngineerId,
    reply: MessageNo,
    keys: &[String],
) -> Outcome<Vec<Upload>> {
    let mut attached = Vec::new();
    for key in keys {
        let upload = find(tx, case, key)?;
        let is_whole = matches!(upload.state.as_str(), "whole" | "filed");
        if upload.engineer != Some(engineer) || upload.reply.is_some() || !is_whole {
            return Err(Refusal::conflict(format!(
                "The file {} is not whole, or went with another reply. Attach it again.",
                upload.name
            ))
            .into());
        }
        tx.execute("UPDATE upload SET reply = $1 WHERE id = $2", &values![reply, upload.id])?;
        attached.push(upload);
    }
    tx.ring(super::FILES);
    Ok(attached)
}

/// What of a reply's files goes in the letter itself, and what by link: in the letter what fits together, in their order,
/// and is nothing that other servers refuse.
pub(super) fn parted(desk: &Desk, files: Vec<Upload>) -> Outcome<(Vec<Enclosed>, Vec<Upload>)> {
    let (mut enclosed, mut linked, mut left) = (Vec::new(), Vec::new(), limits::ENCLOSED_BYTES);
    for one in files {
        let is_safe = !sniff::is_dangerous("", &one.name) || desk.web.is_empty();
        if one.bytes <= left && is_safe {
            left -= one.bytes;
            enclosed.push(Enclosed {
                key: one.key,
                name: one.name,
                bytes: one.bytes,
            });
        } else {
            linked.push(one);
        }
    }
    if let Some(large) = linked.first().filter(|_| desk.web.is_empty()) {
        return Err(Refusal::conflict(format!(
            "{} has {}: files of up to {} in all go in the mail itself, larger ones by link, and this desk does not know its \
             own address: set web.address. Nothing was sent.",
            large.name,
            size(large.bytes),
            size(limits::ENCLOSED_BYTES)
        ))
        .into());
    }
    Ok((enclosed, linked))
}

/// Where the bytes of a file are that goes in a letter.
#[derive(Debug, Clone)]
pub enum Lies {
    /// In the folder of files on their way.
    Staged,
    /// In its place.
    Kept(Box<file::FileRow>),
}

/// Where the bytes of an upload of a reply are now.
pub fn lies(tx: &mut Tx<'_>, case: CaseId, key: &str) -> Outcome<Lies> {
    let upload = find(tx, case, key)?;
    Ok(match upload.file {
        Some(id) => Lies::Kept(Box::new(file::find(tx, case, id)?)),
        None => Lies::Staged,
    })
}

/// The words with a link to each file for one recipient; a copy to somebody who is no contact names them only.
pub(super) fn words_with_links(
    desk: &Desk,
    case_key: &str,
    contact: Option<ContactId>,
    text: &str,
    files: &[Upload],
) -> String {
    let mut text = text.to_owned();
    for (at, one) in files.iter().enumerate() {
        let link = contact.and_then(|contact| link::download(desk, case_key, contact, &one.key));
        text.truncate(text.trim_end().len());
        text.push_str(if at == 0 { "\n\n" } else { "\n" });
        text.push_str(&format!("File: {}, {}", one.name, size(one.bytes)));
        if let Some(link) = link {
            text.push_str(&format!("\n<{link}>"));
        }
    }
    text
}

/// A file that we sent, for whom we sent it to.
///
/// # Errors
/// If it does not go with a reply of this case, is not in its place yet, or is infected.
pub fn for_guest(tx: &mut Tx<'_>, guest: &Guest, key: &str) -> Outcome<file::FileRow> {
    let upload = find(tx, guest.case, key)?;
    match (upload.engineer, upload.reply, upload.file) {
        (Some(_), Some(_), Some(id)) => {
            let row = file::find(tx, guest.case, id)?;
            match row.is_infected() {
                true => Err(Refusal::forbidden("This file was held back by a virus scan. We know of it.").into()),
                false => Ok(row),
            }
        }
        (Some(_), Some(_), None) => {
            Err(Refusal::conflict("This file is being prepared. Try again in a minute.").into())
        }
        _ => Err(Refusal::missing("There is no such file here.").into()),
    }
}
