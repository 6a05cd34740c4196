//! Taking the files out of one mail: the same child, asked another thing.
//!
//! Promises: bytes come in pieces and in order, so that neither side of the pipe holds two files; what was taken out is
//! as long as the child says at the end, or it is an error; a mail that takes too long as a whole costs the child. Leaves
//! out: where the bytes go, and asking again.

use std::collections::HashSet;
use std::io::Write;
use std::sync::Mutex;
use std::sync::mpsc::RecvTimeoutError;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use serde::{Deserialize, Serialize};

use super::asked::{Asked, lock, write_mail};
use super::frame::{FILES, LAST_WORDS, write_frame};
use super::{End, Running, Worker, in_print};
use crate::limits;
use crate::mail::parse;
use crate::mail::seal::Keyring;

/// A file of a mail, as the mail calls it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TakenOut {
    /// The name as the sender wrote it; none where there is none.
    pub name: Option<String>,
    /// The media type that the mail claims.
    pub claimed: String,
    /// Bytes that were handed over; none where the mail has no such part after all.
    pub bytes: Option<u64>,
}

/// What takes the bytes of the files in: the file's place in the mail, and a piece of it.
pub type Sink<'a> = dyn FnMut(usize, &[u8]) -> anyhow::Result<()> + 'a;

impl Worker {
    /// Takes the files out of a mail; `sink` gets each file's bytes in pieces, one file after the other.
    ///
    /// # Errors
    /// If no child can be started, it dies of the mail or takes too long, the mail cannot be read, or `sink` refuses.
    pub fn files(&mut self, mail: Asked<'_>, sink: &mut Sink<'_>) -> anyhow::Result<Vec<TakenOut>> {
        let mail = Asked { id: FILES, ..mail };
        self.used = Instant::now();
        let taken = match take_out(self.start()?, &mail, sink) {
            Ok(taken) => taken,
            Err(Failure::Child(end)) => anyhow::bail!("the mail worker died: {}", self.bury(end)),
            Err(Failure::Other(cause)) => {
                // What it still says belongs to nobody.
                self.bury(End::TooSlow);
                return Err(cause);
            }
        };
        self.used = Instant::now();
        Ok(taken)
    }
}

enum Failure {
    Child(End),
    Other(anyhow::Error),
}

impl From<anyhow::Error> for Failure {
    fn from(cause: anyhow::Error) -> Failure {
        Failure::Other(cause)
    }
}

fn take_out(running: &mut Running, mail: &Asked<'_>, sink: &mut Sink<'_>) -> Result<Vec<TakenOut>, Failure> {
    let to_child = running.to_child.as_mut().context("the child is gone")?;
    let (from_child, child, last_words) = (&running.from_child, &mut running.child, &mut running.last_words);
    let unread = Mutex::new(HashSet::new());
    let until = Instant::now() + Duration::from_secs(limits::FILING_WALL_SECONDS);
    std::thread::scope(|scope| {
        // A broken pipe means that the child is gone: the listening side knows more.
        scope.spawn(|| _ = write_mail(to_child, mail, &unread));
        let mut given = Vec::new();
        loop {
            let left = until.saturating_duration_since(Instant::now());
            let failure = match from_child.recv_timeout(left) {
                Ok((FILES, _)) if lock(&unread).contains(&FILES) => {
                    Failure::Other(anyhow::anyhow!("the mail could not be read from the store"))
                }
                Ok((FILES, json)) => return Ok(as_long_as_told(&given, &json)?),
                Ok((LAST_WORDS, words)) => {
                    *last_words = Some(in_print(&words));
                    Failure::Child(End::Gone)
                }
                Ok((place, bytes)) => match took(&mut given, place, &bytes, sink) {
                    Ok(()) => continue,
                    Err(cause) => Failure::Other(cause),
                },
                Err(RecvTimeoutError::Timeout) => Failure::Child(End::TooSlow),
                Err(RecvTimeoutError::Disconnected) => Failure::Child(End::Gone),
            };
            let _ = child.kill(); // lets the writing thread go
            return Err(failure);
        }
    })
}

/// One piece: of the file before, or of a later one.
fn took(given: &mut Vec<u64>, place: i64, bytes: &[u8], sink: &mut Sink<'_>) -> anyhow::Result<()> {
    let place = usize::try_from(place).context("an answer that makes no sense")?;
    ensure!(
        place < limits::ATTACHMENTS && place + 1 >= given.len(),
        "files out of order"
    );
    given.resize(place + 1, 0);
    given[place] += bytes.len() as u64;
    ensure!(
        given.iter().sum::<u64>() <= limits::OPENED_BYTES as u64 + 2 * limits::MESSAGE_BYTES as u64,
        "the files are larger than a mail can be"
    );
    sink(place, bytes)
}

fn as_long_as_told(given: &[u64], json: &[u8]) -> anyhow::Result<Vec<TakenOut>> {
    let taken: Vec<TakenOut> = serde_json::from_slice(json).context("an answer that makes no sense")?;
    let told = |place: usize| taken.get(place).and_then(|one| one.bytes).unwrap_or(0);
    let places = given.len().max(taken.len());
    ensure!(
        (0..places).all(|place| told(place) == given.get(place).copied().unwrap_or(0)),
        "not every byte of the files came"
    );
    Ok(taken)
}

/// The child's part: every file in pieces, its limits renewed behind each; the list of them is its answer.
pub(super) fn write_files(
    out: &mut impl Write,
    raw: &[u8],
    keys: &Keyring,
    renew: impl Fn() -> anyhow::Result<()>,
) -> anyhow::Result<Vec<TakenOut>> {
    let mut taken = Vec::new();
    parse::each_attachment(raw, keys, |place, attached, bytes| {
        for piece in bytes.unwrap_or_default().chunks(limits::FILING_PIECE_BYTES) {
            write_frame(out, place as i64, piece)?;
        }
        taken.push(TakenOut {
            name: attached.name.clone(),
            claimed: attached.content_type.clone(),
            bytes: bytes.map(|bytes| bytes.len() as u64),
        });
        renew()
    })?;
    Ok(taken)
}

#[cfg(test)]
mod tests {
    use super::super::frame::read_frame;
    use super::*;

    #[test]
    fn files_go_out_in_pieces_in_the_order_of_the_mail() {
        let raw = b"Subject: x\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nwords\r\n\
            --b\r\nContent-Disposition: attachment; filename=a.txt\r\nContent-Transfer-Encoding: base64\r\n\r\naGVsbG8=\r\n\
            --b\r\nContent-Type: text/x-b\r\nContent-Disposition: attachment; filename=b.txt\r\n\r\nplain\r\n--b--\r\n";
        let mut out = Vec::new();
        let taken = write_files(&mut out, raw, &Keyring::default(), || Ok(())).expect("a vector takes all");
        let mut frames = std::io::Cursor::new(out);
        let frames: Vec<_> = std::iter::from_fn(|| read_frame(&mut frames, 1 << 20).ok().flatten()).collect();
        assert_eq!(frames, [(0, b"hello".to_vec()), (1, b"plain".to_vec())]);
        let seen: Vec<_> = taken
            .iter()
            .map(|one| (one.name.as_deref(), one.claimed.as_str(), one.bytes))
            .collect();
        assert_eq!(seen[0].2, Some(5));
        assert_eq!(seen[1], (Some("b.txt"), "text/x-b", Some(5)));
    }

    #[test]
    fn pieces_out_of_order_and_lists_that_do_not_fit_are_refused() {
        let mut kept = Vec::new();
        let mut sink = |place: usize, bytes: &[u8]| {
            kept.push((place, bytes.len()));
            Ok(())
        };
        let mut given = Vec::new();
        took(&mut given, 0, b"ab", &mut sink).expect("the first");
        took(&mut given, 0, b"c", &mut sink).expect("more of it");
        took(&mut given, 2, b"d", &mut sink).expect("a later one");
        assert!(took(&mut given, 1, b"e", &mut sink).is_err(), "it was passed over");
        assert!(took(&mut given, -1, b"e", &mut sink).is_err());
        assert!(took(&mut given, limits::ATTACHMENTS as i64, b"e", &mut sink).is_err());
        assert_eq!(kept, [(0, 2), (0, 1), (2, 1)]);
        let told = |bytes: [Option<u64>; 3]| {
            let list = bytes.map(|bytes| TakenOut {
                name: None,
                claimed: String::new(),
                bytes,
            });
            serde_json::to_vec(&list).expect("json")
        };
        assert!(as_long_as_told(&given, &told([Some(3), None, Some(1)])).is_ok());
        assert!(as_long_as_told(&given, &told([Some(3), None, Some(2)])).is_err());
        assert!(as_long_as_told(&given, b"[]").is_err());
    }
}
