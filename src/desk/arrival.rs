//! Arrivals: mail that was acknowledged, until it has its place.
//!
//! Accepting and understanding are two transactions (PRODUCT.md §3.1). The first, [`accept`], keeps raw bytes, envelope and
//! receipt time; only after it is durable does the session say 250. The second is [`message::place`](super::message::place).
//! Between them an arrival waits, with counters that outlive the process: a mail that kills the worker twice, or that was
//! in hand at [`limits::PARSE_STARTS`] starts of the desk, is set aside as an unsorted case instead of being tried again.
//!
//! A mail beyond [`limits::SPOOL_BYTES`] is kept in pieces of that size, so that neither taking nor reading it needs it whole
//! in memory: the first stands in `raw`, the others in `body_piece`. [`accept`] cuts what it is given whole; who has a mail
//! that is in no memory uses [`begin_body`], [`keep_pieces`] and [`accept_body`], whose transactions are many and
//! small, of which the last alone makes the mail be there.

use super::{ARRIVED, BodyId, MessageNo, RawId};
use crate::limits;
use crate::refusal::Outcome;
use crate::store::{Row, Tx, values};
use jiff::Timestamp;
use std::borrow::Cow;

/// What was said on the wire about a mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Envelope {
    /// By which way it came: `smtp`, `lmtp`, `pipe`, `import`, a mailbox as `imap:NAME`, ….
    pub way: Cow<'static, str>,
    /// Return path; empty for automatic mail.
    pub from: String,
    /// Recipients.
    pub to: Vec<String>,
    /// Address of the sending host.
    pub peer: String,
    /// What the sending host calls itself.
    pub helo: String,
}

/// A mail that waits to be understood.
#[derive(Debug, Clone)]
pub struct Waiting {
    /// Number of its raw bytes.
    pub raw: RawId,
    /// When it was received: every promise counts from here.
    pub received_at: Timestamp,
    /// Return path.
    pub envelope_from: String,
    /// Recipients.
    pub envelope_to: Vec<String>,
    /// Times the worker died with this mail in hand.
    pub deaths: i64,
    /// Starts of the desk that found it not understood.
    pub starts: i64,
    /// By which way it came.
    pub way: String,
    /// Address of the host that handed it over.
    pub peer: String,
    /// What that host calls itself.
    pub helo: String,
    /// Taken only to be seen: nothing automatic follows from it.
    pub shadow: bool,
    /// Its bytes, or the first [`limits::SPOOL_BYTES`] of them.
    pub head: Vec<u8>,
    /// Where the others are.
    pub body: Option<BodyId>,
    /// All bytes.
    pub size: u64,
}

/// Keeps a mail. The caller says 250 when this is durable, not before.
pub fn accept(tx: &mut Tx<'_>, now: Timestamp, envelope: &Envelope, digest: &[u8], bytes: Vec<u8>) -> Outcome<RawId> {
    let raw = keep_raw(tx, bytes)?;
    arrive(tx, now, envelope, digest, raw)?;
    Ok(raw)
}

/// Begins the body of a mail that is stored in pieces.
pub fn begin_body(tx: &mut Tx<'_>, now: Timestamp) -> Outcome<BodyId> {
    Ok(BodyId(
        tx.insert("INSERT INTO body (begun_at) VALUES ($1)", &values![now])?,
    ))
}

/// Keeps pieces of a body, the first of them at `place`; the mail's own first piece is not among them.
pub fn keep_pieces(tx: &mut Tx<'_>, body: BodyId, place: i64, pieces: Vec<Vec<u8>>) -> Outcome<()> {
    for (place, bytes) in (place..).zip(pieces) {
        tx.execute(
            "INSERT INTO body_piece (body, place, bytes) VALUES ($1, $2, $3)",
            &values![body, place, bytes],
        )?;
    }
    Ok(())
}

/// Keeps a mail whose body is stored; `head` is its first piece. The caller says 250 when this is durable, not before.
pub fn accept_body(
    tx: &mut Tx<'_>,
    now: Timestamp,
    envelope: &Envelope,
    digest: &[u8],
    head: Vec<u8>,
    body: BodyId,
) -> Outcome<RawId> {
    let raw = whole(tx, head, body)?;
    arrive(tx, now, envelope, digest, raw)?;
    Ok(raw)
}

/// Drops bodies that never became whole: of mails that were not acknowledged. Only where nobody is storing one.
pub fn drop_unfinished(tx: &mut Tx<'_>) -> Outcome<()> {
    tx.execute(
        "DELETE FROM body_piece WHERE body IN (SELECT id FROM body WHERE whole = 0)",
        &[],
    )?;
    tx.execute("DELETE FROM body WHERE whole = 0", &[])?;
    Ok(())
}

/// Drops one body that will not become whole.
pub fn drop_body(tx: &mut Tx<'_>, body: BodyId) -> Outcome<()> {
    tx.execute("DELETE FROM body_piece WHERE body = $1", &values![body])?;
    tx.execute("DELETE FROM body WHERE id = $1 AND whole = 0", &values![body])?;
    Ok(())
}

/// Marks an arrival as one that is taken only to be seen: no promise, nothing automatic follows from it.
pub fn in_shadow(tx: &mut Tx<'_>, raw: RawId) -> Outcome<()> {
    tx.execute("UPDATE arrival SET shadow = 1 WHERE id = $1", &values![raw])?;
    Ok(())
}

fn arrive(tx: &mut Tx<'_>, now: Timestamp, envelope: &Envelope, digest: &[u8], raw: RawId) -> Outcome<()> {
    let to = serde_json::to_string(&envelope.to).map_err(anyhow::Error::from)?;
    tx.execute(
        "INSERT INTO arrival (id, received_at, way, envelope_from, envelope_to, peer, helo, digest)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        &values![
            raw,
            now,
            envelope.way.as_ref(),
            envelope.from.as_str(),
            to,
            envelope.peer.as_str(),
            envelope.helo.as_str(),
            digest
        ],
    )?;
    tx.ring(ARRIVED);
    Ok(())
}

/// Keeps bytes for ever.
pub fn keep_raw(tx: &mut Tx<'_>, mut bytes: Vec<u8>) -> Outcome<RawId> {
    if bytes.len() <= limits::SPOOL_BYTES {
        return Ok(RawId(
            tx.insert("INSERT INTO raw (bytes) VALUES ($1)", &values![bytes])?,
        ));
    }
    let body = BodyId(tx.insert("INSERT INTO body (begun_at) VALUES (0)", &[])?);
    let pieces = bytes[limits::SPOOL_BYTES..]
        .chunks(limits::SPOOL_BYTES)
        .map(<[u8]>::to_vec);
    keep_pieces(tx, body, 0, pieces.collect())?;
    bytes.truncate(limits::SPOOL_BYTES);
    whole(tx, bytes, body)
}

fn whole(tx: &mut Tx<'_>, head: Vec<u8>, body: BodyId) -> Outcome<RawId> {
    tx.execute("UPDATE body SET whole = 1 WHERE id = $1", &values![body])?;
    Ok(RawId(tx.insert(
        "INSERT INTO raw (bytes, body) VALUES ($1, $2)",
        &values![head, body],
    )?))
}

/// Bytes as they came or left, all of them in memory.
pub fn raw(tx: &mut Tx<'_>, id: RawId) -> Outcome<Vec<u8>> {
    let row = tx.one("SELECT bytes, body FROM raw WHERE id = $1", &values![id])?;
    let mut bytes = row.bytes(0).to_vec();
    if let Some(body) = row.opt_int(1).map(BodyId) {
        for place in 0.. {
            let Some(piece) = piece(tx, body, place)? else { break };
            bytes.extend(piece);
        }
    }
    Ok(bytes)
}

/// Stored bytes by their first piece, and where the others lie.
#[derive(Debug, Clone)]
pub struct Stored {
    /// The first piece, or all.
    pub head: Vec<u8>,
    /// The pieces that follow.
    pub body: Option<BodyId>,
    /// Bytes in all.
    pub size: u64,
}

/// Bytes as they came, without those pieces of them that are not needed at once.
pub fn stored(tx: &mut Tx<'_>, id: RawId) -> Outcome<Stored> {
    let row = tx.one(
        "SELECT r.bytes, r.body, (SELECT CAST(SUM(OCTET_LENGTH(p.bytes)) AS BIGINT) FROM body_piece p WHERE p.body = r.body)
         FROM raw r WHERE r.id = $1",
        &values![id],
    )?;
    let head = row.bytes(0).to_vec();
    Ok(Stored {
        size: head.len() as u64 + row.opt_int(2).unwrap_or(0).max(0) as u64,
        body: row.opt_int(1).map(BodyId),
        head,
    })
}

/// One piece of a body; none behind the last.
pub fn piece(tx: &mut Tx<'_>, body: BodyId, place: i64) -> Outcome<Option<Vec<u8>>> {
    let row = tx.first(
        "SELECT bytes FROM body_piece WHERE body = $1 AND place = $2",
        &values![body, place],
    )?;
    Ok(row.map(|row| row.bytes(0).to_vec()))
}

/// Arrivals after `after` that have no place yet, oldest first, each with its first piece.
pub fn waiting(tx: &mut Tx<'_>, after: RawId, limit: usize) -> Outcome<Vec<Waiting>> {
    let rows = tx.query(
        &format!("{WAITING} WHERE a.placed_at IS NULL AND a.id > $1 ORDER BY a.id LIMIT $2"),
        &values![after, limit as i64],
    )?;
    rows.iter().map(of_row).collect()
}

/// An arrival, placed or not.
pub fn found(tx: &mut Tx<'_>, raw: RawId) -> Outcome<Option<Waiting>> {
    let row = tx.first(&format!("{WAITING} WHERE a.id = $1"), &values![raw])?;
    row.as_ref().map(of_row).transpose()
}

const WAITING: &str =
    "SELECT a.id, a.received_at, a.envelope_from, a.envelope_to, a.deaths, a.starts, a.way, a.shadow, r.bytes, r.body,
         (SELECT CAST(SUM(OCTET_LENGTH(p.bytes)) AS BIGINT) FROM body_piece p WHERE p.body = r.body), a.peer, a.helo
     FROM arrival a JOIN raw r ON r.id = a.id";

fn of_row(row: &Row) -> Outcome<Waiting> {
    Ok(Waiting {
        raw: RawId(row.int(0)),
        received_at: row.instant(1),
        envelope_from: row.text(2).to_owned(),
        envelope_to: serde_json::from_str(row.text(3)).map_err(anyhow::Error::from)?,
        deaths: row.int(4),
        starts: row.int(5),
        way: row.text(6).to_owned(),
        shadow: row.flag(7),
        size: row.bytes(8).len() as u64 + row.opt_int(10).unwrap_or(0).unsigned_abs(),
        head: row.bytes(8).to_vec(),
        body: row.opt_int(9).map(BodyId),
        peer: row.text(11).to_owned(),
        helo: row.text(12).to_owned(),
    })
}

/// Counts one start of the desk on every arrival that it finds waiting, before any of them is tried.
pub fn count_start(tx: &mut Tx<'_>) -> Outcome<u64> {
    tx.execute("UPDATE arrival SET starts = starts + 1 WHERE placed_at IS NULL", &[])
}

/// Counts a death of the worker with this mail in hand, before it is tried again.
pub fn count_death(tx: &mut Tx<'_>, raw: RawId) -> Outcome<i64> {
    Ok(tx
        .one(
            "UPDATE arrival SET deaths = deaths + 1 WHERE id = $1 RETURNING deaths",
            &values![raw],
        )?
        .int(0))
}

impl Waiting {
    /// Why it is not tried (again), if so.
    pub fn given_up(&self) -> Option<String> {
        if self.deaths >= limits::PARSE_DEATHS {
            Some(format!("it ended the process that reads mail {} times", self.deaths))
        } else if self.starts >= limits::PARSE_STARTS {
            Some(format!("it was not understood over {} starts of the desk", self.starts))
        } else {
            None
        }
    }
}

/// The arrival has its place: a message, or the message of which it is a repeat.
pub fn placed(tx: &mut Tx<'_>, now: Timestamp, raw: RawId, message: MessageNo) -> Outcome<()> {
    tx.execute(
        "UPDATE arrival SET placed_at = $1, message = $2 WHERE id = $3",
        &values![now, message, raw],
    )?;
    Ok(())
}

/// Whether the arrival has its place already: placing is done once, however often it is asked for.
pub fn is_placed(tx: &mut Tx<'_>, raw: RawId) -> Outcome<bool> {
    Ok(tx
        .one("SELECT placed_at FROM arrival WHERE id = $1", &values![raw])?
        .opt_int(0)
        .is_some())
}

/// The message of an earlier arrival that this one repeats ([`repeat`](super::repeat) says when two mails are one).
/// `identified` is whether it has a Message-ID: without one nothing that came by another way is the same.
pub fn repeat_of(tx: &mut Tx<'_>, raw: RawId, identified: bool) -> Outcome<Option<MessageNo>> {
    let row = tx.first(
        "SELECT b.message FROM arrival a JOIN arrival b ON b.digest = a.digest AND b.id < a.id
         WHERE a.id = $1 AND b.message IS NOT NULL AND (
             (b.way = a.way AND LOWER(b.envelope_from) = LOWER(a.envelope_from) AND LOWER(b.envelope_to) = LOWER(a.envelope_to))
             OR (b.way <> a.way AND $2 = 1))
         ORDER BY b.id LIMIT 1",
        &values![raw, i64::from(identified)],
    )?;
    Ok(row.and_then(|row| row.opt_int(0)).map(MessageNo))
}
