//! Checkpoints: signed statements of how large the ledger was and what its root was, for somewhere outside the database.
//!
//! Made every thousand entries or ten minutes by going on from the checkpoint before; what is new is proven first, so that
//! nothing is signed that does not follow. Written as transparency logs write them (c2sp.org/tlog-checkpoint): the log's
//! name, the size, the root, one line more with the time, an empty line, the signature. Whoever keeps one of them can tell
//! whether the ledger of before then is still the same, whoever wrote to the database meanwhile.

use super::ledger::{self, Actor, Hash, event};
use super::merkle::Tree;
use super::outbox::{self, Content, Letter, New};
use super::proof::{Mark, Marks, Walk};
use super::receipt::{Public, Signer};
use super::{Desk, MessageNo};
use crate::limits;
use crate::refusal::{Kind, Outcome, Refusal};
use crate::store::{Tx, values};
use data_encoding::{BASE64, HEXLOWER};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

/// Kind of the message that carries one: what follows from it calls for no other.
const KIND: &str = "checkpoint";

/// One checkpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// Entries.
    pub size: i64,
    /// Their Merkle root.
    pub root: Hash,
    /// When it was made.
    pub at: Timestamp,
    /// The signed text.
    pub note: String,
    /// Peaks of the tree, for the next one.
    peaks: Vec<u8>,
}

/// The last one that was made.
struct Last {
    size: i64,
    at: Timestamp,
    peaks: Vec<u8>,
    note: String,
}

fn last(tx: &mut Tx<'_>) -> Outcome<Option<Last>> {
    let row = tx.first(
        "SELECT size, at, peaks, note FROM checkpoint ORDER BY size DESC LIMIT 1",
        &[],
    )?;
    Ok(row.map(|row| Last {
        size: row.int(0),
        at: row.instant(1),
        peaks: row.bytes(2).to_vec(),
        note: row.text(3).to_owned(),
    }))
}

/// When the next one is due: now, later, or not before something happens.
pub fn next(tx: &mut Tx<'_>, now: Timestamp) -> Outcome<Option<Timestamp>> {
    let (size, last) = (ledger::size(tx)?, last(tx)?);
    let (from, at) = last.map_or((0, None), |last| (last.size, Some(last.at)));
    if size - from >= limits::CHECKPOINT_ENTRIES {
        return Ok(Some(now));
    }
    // What only tells of the mail with the last checkpoint calls for no other: a desk at rest would never rest.
    let news = tx.first(
        "SELECT 1 FROM event v LEFT JOIN message m ON m.id = v.message
         WHERE v.seq > $1 AND (m.kind IS NULL OR m.kind <> $2) LIMIT 1",
        &values![from, KIND],
    )?;
    let wait = SignedDuration::from_secs(limits::CHECKPOINT_SECONDS);
    Ok(news.map(|_| at.map_or(now, |at| at.saturating_add(wait).unwrap_or(now))))
}

/// Makes the next one if it is due. For a sealed read: nothing is written.
///
/// # Errors
/// The first new entry that is not what was written: then nothing is signed.
pub fn draw(tx: &mut Tx<'_>, now: Timestamp, signer: &Signer) -> Outcome<Option<Checkpoint>> {
    if next(tx, now)?.is_none_or(|at| at > now) {
        return Ok(None);
    }
    let mut walk = match last(tx)? {
        None => Walk::whole(),
        Some(last) => {
            let tree = signed_tree(&last, signer.public()).unwrap_or_default();
            match tree.size() {
                // A key of before, or a row that somebody wrote: nothing is taken on trust.
                0 => Walk::whole(),
                _ => Walk::behind(tx, tree)?,
            }
        }
    };
    let (mut none, most) = (
        Marks::of(&[]),
        walk.tree().size() as i64 + limits::CHECKPOINT_ENTRIES_MAX,
    );
    while (walk.tree().size() as i64) < most {
        match walk.page(tx, limits::PROOF_PAGE, &mut none)? {
            Ok(0) => break,
            Ok(_) => {}
            Err(bad) => {
                let words = format!("No checkpoint is made: entry {} of the ledger {}.", bad.entry, bad.why);
                return Err(Refusal::new(Kind::Failed, words).into());
            }
        }
    }
    Ok(Some(made(walk.tree(), now, signer)))
}

fn made(tree: &Tree, now: Timestamp, signer: &Signer) -> Checkpoint {
    let (size, root) = (tree.size() as i64, tree.root());
    let text = text_of(&signer.public().name, size, &root, now);
    Checkpoint {
        size,
        root,
        at: now,
        note: signer.note(&text),
        peaks: tree.peaks(),
    }
}

fn text_of(name: &str, size: i64, root: &Hash, at: Timestamp) -> String {
    format!("{name}\n{size}\n{}\nat {at}\n", BASE64.encode(root))
}

/// The tree of a kept checkpoint, if its note is ours and says its root.
fn signed_tree(last: &Last, key: &Public) -> Option<Tree> {
    let tree = Tree::of(last.size as u64, &last.peaks)?;
    let mark = Mark {
        size: last.size,
        root: HEXLOWER.encode(&tree.root()),
    };
    (read(&last.note, std::slice::from_ref(key)).ok()? == [mark]).then_some(tree)
}

/// Keeps a checkpoint, and writes it to an address if one is named.
pub fn keep(tx: &mut Tx<'_>, now: Timestamp, desk: &Desk, made: &Checkpoint, to: Option<&str>) -> Outcome<()> {
    tx.execute(
        "INSERT INTO checkpoint (size, at, root, peaks, note) VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING",
        &values![
            made.size,
            made.at,
            made.root.as_slice(),
            made.peaks.as_slice(),
            made.note.as_str()
        ],
    )?;
    match to {
        Some(to) => mail(tx, now, desk, made, to),
        None => Ok(()),
    }
}

fn mail(tx: &mut Tx<'_>, now: Timestamp, desk: &Desk, made: &Checkpoint, to: &str) -> Outcome<()> {
    let subject = format!("Checkpoint of the ledger: {} entries", made.size);
    let number = tx.insert(
        "INSERT INTO message (way, kind, at, author, address, chain, subject, text, folded, facts, auto, matched_by, verified)
         VALUES ('out', $1, $2, $3, $4, '[]', $5, '', '', '{}', 'auto-generated', 'written here', 1)",
        &values![KIND, now, desk.name.as_str(), desk.address(), subject.as_str()],
    )?;
    let message = MessageNo(number);
    tx.execute(
        "UPDATE message SET message_id = $1 WHERE id = $2",
        &values![outbox::message_id(desk, None, message), message],
    )?;
    let letter = Letter {
        from_name: desk.name.clone(),
        from: desk.address().to_owned(),
        to: vec![to.to_owned()],
        cc: Vec::new(),
        subject,
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
            text: format!(
                "Keep this mail where nobody who runs the desk can change it. `duly ledger --verify --checkpoint FILE` tells \
                 whether the ledger of before then is still the same.\n\n{}",
                made.note
            ),
        },
    };
    let new = New {
        message,
        case: None,
        contact: None,
        recipient: to,
        letter: &letter,
        automatic: true,
        not_before: now,
    };
    outbox::put(tx, now, &new)?;
    let written = event("mail.written", Actor::Desk).message(message);
    ledger::record(tx, now, written.with(json!({"kind": KIND, "size": made.size})))?;
    Ok(())
}

/// The checkpoints in a text, their signatures checked: a file to which they were appended, or the words of a mail.
///
/// # Errors
/// In words: a checkpoint that none of the keys signed, or a text without any.
pub fn read(text: &str, keys: &[Public]) -> Result<Vec<Mark>, String> {
    let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
    let mut found = Vec::new();
    for place in 0..lines.len() {
        let Some((body, size, root)) = body_at(&lines[place..]) else {
            continue;
        };
        // In a mail the signature may stand on a line of its own.
        let signature: Vec<&str> = lines[place + 5..]
            .iter()
            .take(3)
            .flat_map(|line| line.split_whitespace())
            .collect();
        let is_ours = match signature.as_slice() {
            ["—", name, signature, ..] => keys.iter().any(|key| key.signed_note(&body, name, signature)),
            _ => false,
        };
        if !is_ours {
            return Err(format!(
                "The checkpoint of {size} entries is not signed with a key of this desk: it proves nothing."
            ));
        }
        let root = HEXLOWER.encode(&root);
        found.push(Mark { size, root });
    }
    match found.is_empty() {
        true => Err("There is no checkpoint in it.".into()),
        false => Ok(found),
    }
}

/// The signed text that begins here, with what it says.
fn body_at(lines: &[&str]) -> Option<(String, i64, Vec<u8>)> {
    let [name, size, root, at, "", ..] = lines else {
        return None;
    };
    let size: i64 = size.parse().ok().filter(|size| *size >= 0)?;
    let bytes = BASE64.decode(root.as_bytes()).ok().filter(|root| root.len() == 32)?;
    at.strip_prefix("at ")?;
    Some((format!("{name}\n{size}\n{root}\n{at}\n"), size, bytes))
}

/// At most so many of the checkpoints, spread evenly; the largest is always one of them.
pub fn spread(mut marks: Vec<Mark>, most: usize) -> Vec<Mark> {
    marks.sort_by_key(|mark| mark.size);
    let step = marks.len().div_ceil(most.max(1)).max(1);
    let mut chosen: Vec<Mark> = marks.into_iter().rev().step_by(step).collect();
    chosen.reverse();
    chosen
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signer() -> Signer {
        Signer::of("acme.example", &[3; 32]).unwrap()
    }

    fn note(size: u64) -> (String, Mark) {
        let mut tree = Tree::default();
        (0..size).for_each(|leaf| tree.push(&leaf.to_be_bytes()));
        let made = made(&tree, "2026-03-02T08:00:00Z".parse().unwrap(), &signer());
        let root = HEXLOWER.encode(&made.root);
        (
            made.note,
            Mark {
                size: size as i64,
                root,
            },
        )
    }

    #[test]
    fn checkpoints_are_read_back_from_a_file_and_from_the_words_of_a_mail() {
        let keys = [signer().public().clone()];
        let ((one, first), (two, second)) = (note(5), note(1_000));
        assert_eq!(read(&format!("{one}\n{two}\n"), &keys), Ok(vec![first.clone(), second]));
        let in_a_mail = format!("Keep this.\r\n\r\n{}", one.replace("/duly ", "/duly\r\n"));
        let broken_at_the_signature = in_a_mail.replacen("— acme.example/duly\r\n", "— acme.example/duly \r\n", 1);
        assert_eq!(read(&broken_at_the_signature, &keys), Ok(vec![first]));
    }

    #[test]
    fn a_checkpoint_that_was_changed_or_made_up_proves_nothing() {
        let keys = [signer().public().clone()];
        let (one, _) = note(5);
        assert!(read(&one.replace("\n5\n", "\n6\n"), &keys).is_err());
        assert!(read(&one.replace("at 2026", "at 2025"), &keys).is_err());
        let other = Signer::of("acme.example", &[4; 32]).unwrap();
        assert!(read(&one, &[other.public().clone()]).is_err());
        assert!(read("nothing here", &keys).is_err());
    }

    #[test]
    fn of_many_checkpoints_a_spread_with_the_largest_is_compared() {
        let marks = |count: i64| {
            (1..=count)
                .map(|size| Mark {
                    size,
                    root: String::new(),
                })
                .collect::<Vec<_>>()
        };
        assert_eq!(spread(marks(3), 10).len(), 3);
        let some = spread(marks(1_001), 10);
        assert!(some.len() <= 10 && some.last().is_some_and(|mark| mark.size == 1_001));
    }
}
