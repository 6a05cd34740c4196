//! Files of a case: what came with its mail or by its upload link, one by one.
//!
//! A file is a name at a place in a message; its bytes are a blob of the case's customer, kept once under their hash. A
//! file is reached through its case only, and its blob must be that case's customer's: both are looked at each time
//! (SECURITY.md: no object is reachable from two customers). Blobs are put before their rows are written, so a row
//! always has its bytes.
//!
//! What a scanner found infected is kept and not given out, but to an engineer who says why.

use super::ledger::{self, Actor, event};
use super::{CaseId, CustomerId, FileId, MessageNo, RawId};
use crate::files::{Looked, clamd::Verdict, sniff};
use crate::limits;
use crate::refusal::{Outcome, Refusal};
use crate::store::{Row, Tx, values};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::json;

/// A file as people and scripts see it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct FileRow {
    /// Its number.
    pub file: i64,
    /// The message it came with.
    pub message: i64,
    /// Its place among that message's files, from 0.
    pub place: i64,
    /// A name that is safe to save under.
    pub name: String,
    /// What its bytes are.
    pub kind: String,
    /// What the sender called it.
    pub claimed: String,
    /// How many bytes.
    pub bytes: i64,
    /// Their SHA-256.
    pub sha256: String,
    /// clean, infected, waiting, not scanned; off where no scanner is set.
    pub scan: String,
    /// What was found, or why it was not scanned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub said: Option<String>,
    /// Opening it can do harm, whatever a scanner says.
    pub dangerous: bool,
    /// Whose it is: part of the name of its bytes.
    #[serde(skip)]
    pub customer: i64,
}

impl FileRow {
    /// Whether it is given out without a reason.
    pub fn is_infected(&self) -> bool {
        self.scan == "infected"
    }

    /// What a scanner said, in words for a page; none where there is no scanner.
    pub fn scan_words(&self) -> Option<String> {
        let said = self.said.as_deref().unwrap_or("");
        match self.scan.as_str() {
            "off" => None,
            "clean" => Some("scanned, nothing found".into()),
            "infected" => Some(format!("infected: {said}")),
            "waiting" => Some("not scanned yet".into()),
            _ => Some(format!("not scanned: {said}")),
        }
    }
}

const ROW: &str =
    "SELECT f.id, f.message, f.place, f.name, b.kind, f.claimed, b.bytes, b.digest, b.scan, b.said, b.customer
     FROM file f JOIN message m ON m.id = f.message JOIN blob b ON b.id = f.blob
     JOIN cases k ON k.id = m.case_id AND k.customer = b.customer";

fn row_of(row: &Row) -> FileRow {
    let (name, kind) = (row.text(3).to_owned(), row.text(4).to_owned());
    FileRow {
        file: row.int(0),
        message: row.int(1),
        place: row.int(2),
        dangerous: sniff::is_dangerous(&kind, &name),
        name,
        kind,
        claimed: row.text(5).to_owned(),
        bytes: row.int(6),
        sha256: row.text(7).to_owned(),
        scan: row.text(8).to_owned(),
        said: row.opt_text(9).map(str::to_owned),
        customer: row.int(10),
    }
}

/// The files of a case, oldest first.
pub fn list(tx: &mut Tx<'_>, case: CaseId) -> Outcome<Vec<FileRow>> {
    super::case::find(tx, case)?;
    let sql = format!("{ROW} WHERE m.case_id = $1 ORDER BY f.message, f.place LIMIT $2");
    Ok(tx
        .query(&sql, &values![case, limits::LIST_ROWS_MAX])?
        .iter()
        .map(row_of)
        .collect())
}

/// One file of a case, whatever a scanner says of it.
///
/// # Errors
/// If the case has no such file: the same whether another has it or nobody.
pub fn find(tx: &mut Tx<'_>, case: CaseId, file: FileId) -> Outcome<FileRow> {
    let row = tx.first(
        &format!("{ROW} WHERE f.id = $1 AND m.case_id = $2"),
        &values![file, case],
    )?;
    let row = row.ok_or_else(|| {
        Refusal::missing(format!(
            "Case {} has no file {}. `duly files {}` lists them.",
            case.0, file.0, case.0
        ))
    })?;
    Ok(row_of(&row))
}

/// One file of a case that may be given out.
///
/// # Errors
/// As [`find`], and if it is infected.
pub fn given_out(tx: &mut Tx<'_>, case: CaseId, file: FileId) -> Outcome<FileRow> {
    let row = find(tx, case, file)?;
    if row.is_infected() {
        return Err(Refusal::forbidden(format!(
            "{} is infected ({}) and is not given out. It is kept. If you must have it: \
             `duly save {} {} --infected-because REASON`; the ledger keeps the reason.",
            row.name,
            row.said.as_deref().unwrap_or("no name"),
            case.0,
            file.0
        ))
        .into());
    }
    Ok(row)
}

/// An infected file is given out all the same, to somebody who says why.
pub fn overridden(
    tx: &mut Tx<'_>,
    now: Timestamp,
    actor: Actor,
    case: CaseId,
    file: FileId,
    because: &str,
) -> Outcome<FileRow> {
    if because.trim().is_empty() {
        return Err(Refusal::usage("Say why: the ledger keeps the reason.").into());
    }
    let row = find(tx, case, file)?;
    let data = json!({"file": file.0, "because": because, "said": row.said});
    ledger::record(tx, now, event("file.given-out", actor).of(case).with(data))?;
    Ok(row)
}

/// A message whose files are still in its raw bytes.
#[derive(Debug, Clone)]
pub struct Filing {
    /// The message.
    pub message: MessageNo,
    /// Whose files they become.
    pub customer: CustomerId,
    /// The mail.
    pub raw: RawId,
}

/// A file that was taken out of a mail: its place, its name and type as sent, what it is.
#[derive(Debug, Clone)]
pub struct Found {
    /// Place among the message's files.
    pub place: usize,
    /// Name as sent.
    pub name: String,
    /// Type as sent.
    pub claimed: String,
    /// What it is.
    pub looked: Looked,
}

/// A mail has files: they are taken out of it when its turn comes. Those of a mail that is held stay where they are until
/// somebody lets it in: a stranger's files are not kept twice.
pub(super) fn came(tx: &mut Tx<'_>, now: Timestamp, message: MessageNo, is_held: bool) -> Outcome<()> {
    tx.execute(
        "INSERT INTO filing (message, next_at) VALUES ($1, $2)",
        &values![message, (!is_held).then_some(now)],
    )?;
    tx.ring(super::FILES);
    Ok(())
}

/// A message that was held was let in.
pub(super) fn let_in(tx: &mut Tx<'_>, now: Timestamp, message: MessageNo) -> Outcome<()> {
    tx.execute(
        "UPDATE filing SET next_at = $1, tries = 0 WHERE message = $2",
        &values![now, message],
    )?;
    tx.ring(super::FILES);
    Ok(())
}

/// The next message to take files out of.
pub fn next(tx: &mut Tx<'_>, now: Timestamp) -> Outcome<Option<Filing>> {
    let row = tx.first(
        "SELECT n.message, k.customer, m.raw FROM filing n JOIN message m ON m.id = n.message
         JOIN cases k ON k.id = m.case_id
         WHERE n.next_at IS NOT NULL AND n.next_at <= $1 AND m.raw IS NOT NULL ORDER BY n.next_at, n.message LIMIT 1",
        &values![now],
    )?;
    Ok(row.map(|row| Filing {
        message: MessageNo(row.int(0)),
        customer: CustomerId(row.int(1)),
        raw: RawId(row.int(2)),
    }))
}

/// The files of a message have their place.
pub fn filed(tx: &mut Tx<'_>, now: Timestamp, filing: &Filing, found: &[Found], scans: bool) -> Outcome<()> {
    for one in found {
        keep(tx, now, filing.message, filing.customer, one, scans)?;
    }
    tx.execute("DELETE FROM filing WHERE message = $1", &values![filing.message])?;
    tx.ring(super::CHANGED);
    // A reply by mail waits for its files.
    tx.ring(super::ALARM);
    Ok(())
}

/// The files of a message could not be taken out: tried again, later and later, then left in the mail.
pub fn not_filed(tx: &mut Tx<'_>, now: Timestamp, message: MessageNo, said: &str) -> Outcome<()> {
    let row = tx.one(
        "UPDATE filing SET tries = tries + 1, said = $1, next_at = NULL WHERE message = $2 RETURNING tries",
        &values![said, message],
    )?;
    let tries = row.int(0);
    if tries < limits::FILING_TRIES {
        let again = now + SignedDuration::from_secs(10 << (2 * tries).min(12));
        tx.execute(
            "UPDATE filing SET next_at = $1 WHERE message = $2",
            &values![again, message],
        )?;
    }
    Ok(())
}

const SWEPT: &str = "files.swept";

/// Whether bytes that belong to no file are to be looked for: the last look was before an instant.
pub fn sweep_is_due(tx: &mut Tx<'_>, before: Timestamp) -> Outcome<bool> {
    let row = tx.first("SELECT value FROM setting WHERE name = $1", &values![SWEPT])?;
    let last = row.and_then(|row| row.text(0).parse::<Timestamp>().ok());
    Ok(last.is_none_or(|last| last <= before))
}

/// Such a look begins.
pub fn sweep_begins(tx: &mut Tx<'_>, now: Timestamp) -> Outcome<()> {
    tx.execute("DELETE FROM setting WHERE name = $1", &values![SWEPT])?;
    tx.execute(
        "INSERT INTO setting (name, value) VALUES ($1, $2)",
        &values![SWEPT, now.to_string()],
    )?;
    Ok(())
}

/// Those of these bytes, by customer and hash, that belong to no file.
pub fn nobodys(tx: &mut Tx<'_>, named: Vec<(i64, String)>) -> Outcome<Vec<(i64, String)>> {
    let mut nobodys = Vec::new();
    for (customer, digest) in named {
        let row = tx.first(
            "SELECT 1 FROM blob WHERE customer = $1 AND digest = $2",
            &values![customer, digest.as_str()],
        )?;
        if row.is_none() {
            nobodys.push((customer, digest));
        }
    }
    Ok(nobodys)
}

/// Writes a file whose bytes are kept already.
pub fn keep(
    tx: &mut Tx<'_>,
    now: Timestamp,
    message: MessageNo,
    customer: CustomerId,
    found: &Found,
    scans: bool,
) -> Outcome<FileId> {
    let (scan, scan_at) = if scans { ("waiting", Some(now)) } else { ("off", None) };
    let looked = &found.looked;
    tx.execute(
        "INSERT INTO blob (customer, digest, bytes, kind, made_at, scan, scan_at) VALUES ($1, $2, $3, $4, $5, $6, $7)
         ON CONFLICT (customer, digest) DO NOTHING",
        &values![
            customer,
            looked.digest.as_str(),
            looked.bytes as i64,
            looked.kind,
            now,
            scan,
            scan_at
        ],
    )?;
    let blob = tx.one(
        "SELECT id FROM blob WHERE customer = $1 AND digest = $2",
        &values![customer, looked.digest.as_str()],
    )?;
    let name = sniff::safe_name(&found.name);
    let claimed: String = found
        .claimed
        .chars()
        .filter(|one| !one.is_control())
        .take(limits::FILE_NAME_CHARS)
        .collect();
    let row = tx.one(
        "INSERT INTO file (message, place, name, claimed, blob) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (message, place) DO UPDATE SET name = excluded.name RETURNING id",
        &values![message, found.place as i64, name, claimed, blob.int(0)],
    )?;
    Ok(FileId(row.int(0)))
}

/// The next bytes to scan: number, customer and hash.
pub fn to_scan(tx: &mut Tx<'_>, now: Timestamp) -> Outcome<Option<(i64, i64, String)>> {
    let row = tx.first(
        "SELECT id, customer, digest FROM blob WHERE scan_at IS NOT NULL AND scan_at <= $1 ORDER BY scan_at, id LIMIT 1",
        &values![now],
    )?;
    Ok(row.map(|row| (row.int(0), row.int(1), row.text(2).to_owned())))
}

/// Bytes of a desk that has a scanner now and had none when they came are scanned, too.
pub fn scan_old(tx: &mut Tx<'_>, now: Timestamp) -> Outcome<u64> {
    tx.execute(
        "UPDATE blob SET scan = 'waiting', scan_at = $1 WHERE scan = 'off'",
        &values![now],
    )
}

/// What a scanner said, or why it said nothing: then it is asked again, later and later, for ever: a file that was not
/// scanned is one that somebody may open.
pub fn scanned(tx: &mut Tx<'_>, now: Timestamp, blob: i64, verdict: Result<&Verdict, &str>) -> Outcome<()> {
    let tries = tx
        .one(
            "UPDATE blob SET tries = tries + 1 WHERE id = $1 RETURNING tries",
            &values![blob],
        )?
        .int(0);
    let minutes = (1_i64 << tries.min(10)).min(limits::SCAN_AGAIN_MINUTES);
    let (scan, said, again) = match verdict {
        Ok(Verdict::Clean) => ("clean", None, None),
        Ok(Verdict::Infected(name)) => ("infected", Some(name.as_str()), None),
        Ok(Verdict::TooLarge) => ("not scanned", Some("larger than the scanner takes"), None),
        Err(cause) => (
            "not scanned",
            Some(cause),
            Some(now + SignedDuration::from_mins(minutes)),
        ),
    };
    tx.execute(
        "UPDATE blob SET scan = $1, said = $2, scan_at = $3 WHERE id = $4",
        &values![scan, said, again, blob],
    )?;
    if scan == "infected" {
        let cases = tx.query(
            "SELECT m.case_id, f.id FROM file f JOIN message m ON m.id = f.message
             WHERE f.blob = $1 AND m.case_id IS NOT NULL ORDER BY f.id LIMIT $2",
            &values![blob, limits::LIST_ROWS],
        )?;
        for row in cases {
            let data = json!({"file": row.int(1), "said": said});
            ledger::record(
                tx,
                now,
                event("file.infected", Actor::Desk).of(CaseId(row.int(0))).with(data),
            )?;
        }
    }
    tx.ring(super::CHANGED);
    Ok(())
}
