//! Arrivals: mail that was acknowledged, until it has its place.
//!
//! Accepting and understanding are two transactions (PRODUCT.md §3.1). The first, [`accept`], keeps raw bytes, envelope and
//! receipt time; only after it is durable does the session say 250. The second is [`message::place`](super::message::place).
//! Between them an arrival waits, with counters that outlive the process: a mail that kills the worker twice, or that was
//! in hand at [`limits::PARSE_STARTS`] starts of the desk, is set aside as an unsorted case instead of being tried again.

use super::{ARRIVED, MessageNo, RawId};
use crate::limits;
use crate::refusal::Outcome;
use crate::store::{Row, Tx, values};
use jiff::Timestamp;
use sha2::{Digest, Sha256};

/// What was said on the wire about a mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Envelope {
    /// By which way it came: `smtp`, `import`, ….
    pub way: &'static str,
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
    /// The bytes.
    pub bytes: Vec<u8>,
}

/// Keeps a mail. The caller says 250 when this is durable, not before.
pub fn accept(tx: &mut Tx<'_>, now: Timestamp, envelope: &Envelope, digest: &[u8], bytes: Vec<u8>) -> Outcome<RawId> {
    let raw = keep_raw(tx, bytes)?;
    let to = serde_json::to_string(&envelope.to).map_err(anyhow::Error::from)?;
    tx.execute(
        "INSERT INTO arrival (id, received_at, way, envelope_from, envelope_to, peer, helo, digest)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        &values![
            raw,
            now,
            envelope.way,
            envelope.from.as_str(),
            to,
            envelope.peer.as_str(),
            envelope.helo.as_str(),
            digest
        ],
    )?;
    tx.ring(ARRIVED);
    Ok(raw)
}

/// Keeps bytes for ever.
pub fn keep_raw(tx: &mut Tx<'_>, bytes: Vec<u8>) -> Outcome<RawId> {
    Ok(RawId(
        tx.insert("INSERT INTO raw (bytes) VALUES ($1)", &values![bytes])?,
    ))
}

/// Bytes as they came or left.
pub fn raw(tx: &mut Tx<'_>, id: RawId) -> Outcome<Vec<u8>> {
    Ok(tx
        .one("SELECT bytes FROM raw WHERE id = $1", &values![id])?
        .bytes(0)
        .to_vec())
}

/// Arrivals after `after` that have no place yet, oldest first, with their bytes.
pub fn waiting(tx: &mut Tx<'_>, after: RawId, limit: usize) -> Outcome<Vec<Waiting>> {
    let rows = tx.query(
        "SELECT a.id, a.received_at, a.envelope_from, a.envelope_to, a.deaths, a.starts, r.bytes
         FROM arrival a JOIN raw r ON r.id = a.id
         WHERE a.placed_at IS NULL AND a.id > $1 ORDER BY a.id LIMIT $2",
        &values![after, limit as i64],
    )?;
    rows.iter().map(of_row).collect()
}

fn of_row(row: &Row) -> Outcome<Waiting> {
    Ok(Waiting {
        raw: RawId(row.int(0)),
        received_at: row.instant(1),
        envelope_from: row.text(2).to_owned(),
        envelope_to: serde_json::from_str(row.text(3)).map_err(anyhow::Error::from)?,
        deaths: row.int(4),
        starts: row.int(5),
        bytes: row.bytes(6).to_vec(),
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

/// The message of an earlier arrival that this one repeats: same way, same envelope, same body bytes and stable headers
/// (SECURITY.md §1.8). A repeated Message-ID alone proves nothing.
pub fn repeat_of(tx: &mut Tx<'_>, raw: RawId) -> Outcome<Option<MessageNo>> {
    let row = tx.first(
        "SELECT b.message FROM arrival a JOIN arrival b ON b.digest = a.digest AND b.way = a.way AND b.id < a.id
         WHERE a.id = $1 AND b.message IS NOT NULL ORDER BY b.id LIMIT 1",
        &values![raw],
    )?;
    Ok(row.and_then(|row| row.opt_int(0)).map(MessageNo))
}

/// Headers that each host on the way may add or change: they never count when two mails are compared.
const TRACE: [&str; 14] = [
    "received",
    "return-path",
    "delivered-to",
    "x-received",
    "x-original-to",
    "authentication-results",
    "arc-seal",
    "arc-message-signature",
    "arc-authentication-results",
    "received-spf",
    "x-spam-status",
    "x-spam-score",
    "x-spam-level",
    "x-virus-scanned",
];

/// What two copies of one mail share: SHA-256 over envelope, headers that no host on the way changes, and body bytes.
pub fn digest(from: &str, to: &[String], raw: &[u8]) -> Vec<u8> {
    let mut hash = Sha256::new();
    let mut to: Vec<_> = to.iter().map(|one| one.to_lowercase()).collect();
    to.sort();
    hash.update(from.to_lowercase().as_bytes());
    for one in &to {
        hash.update(b"\n");
        hash.update(one.as_bytes());
    }
    hash.update(b"\n\n");
    let (mut rest, mut counts) = (raw, true);
    while !rest.is_empty() {
        let end = rest
            .iter()
            .position(|&byte| byte == b'\n')
            .map_or(rest.len(), |at| at + 1);
        let (line, after) = rest.split_at(end);
        if line == b"\r\n" || line == b"\n" {
            hash.update(rest);
            break;
        }
        if !line.starts_with(b" ") && !line.starts_with(b"\t") {
            let name = line.split(|&byte| byte == b':').next().unwrap_or(line);
            counts = !TRACE.iter().any(|trace| name.eq_ignore_ascii_case(trace.as_bytes()));
        }
        if counts {
            hash.update(line);
        }
        rest = after;
    }
    hash.finalize().to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn to() -> Vec<String> {
        vec!["support@acme.example".into()]
    }

    #[test]
    fn a_second_delivery_with_other_trace_headers_is_the_same_mail() {
        let first = b"Received: from a\r\n\tby b; now\r\nSubject: x\r\n\r\nbody";
        let again = b"Received: from c\r\nReceived: from a\r\n\tby d; later\r\nSubject: x\r\n\r\nbody";
        assert_eq!(digest("p@n.example", &to(), first), digest("P@n.example", &to(), again));
    }

    #[test]
    fn another_word_another_sender_or_another_recipient_is_another_mail() {
        let one = digest("p@n.example", &to(), b"Subject: x\r\n\r\nbody");
        assert_ne!(one, digest("p@n.example", &to(), b"Subject: x\r\n\r\nbody."));
        assert_ne!(one, digest("p@n.example", &to(), b"Subject: y\r\n\r\nbody"));
        assert_ne!(one, digest("q@n.example", &to(), b"Subject: x\r\n\r\nbody"));
        assert_ne!(
            one,
            digest("p@n.example", &["sales@acme.example".into()], b"Subject: x\r\n\r\nbody")
        );
    }

    #[test]
    fn a_body_line_that_looks_like_a_trace_header_counts() {
        let one = digest("", &to(), b"Subject: x\r\n\r\nReceived: the parcel\r\n");
        assert_ne!(one, digest("", &to(), b"Subject: x\r\n\r\nReceived: the letter\r\n"));
    }
}
