//! Calendar entries that contacts were sent: one a case and contact at a time, moved and taken back under the same name.
//!
//! Who gets one says the contact (`never`, `agreed`, `always`). An agreed time is an entry; with `always` the acknowledgement
//! carries one, a broken promise moves it, and a reply that owes the next word moves it there. What was agreed anew moves
//! it, a reply that settles everything its reader asked takes it back. The entry itself is written by the mail door, which
//! also reads what calendars answer.

use super::case::Case;
use super::customer::{Contact, Entries};
use super::{ContactId, Desk, MessageNo};
use crate::refusal::Outcome;
use crate::store::{Tx, values};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// One version of an entry, as a letter carries it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Invite {
    /// Its name, the same in every version.
    pub uid: String,
    /// Rises with every version.
    pub sequence: i64,
    /// It goes away.
    pub cancelled: bool,
    /// The promised time.
    pub due: Timestamp,
}

/// The entry for a promised time: a new one, or the one they have, moved. None for a contact who wants none.
/// `by` is the message that says so; what an undone reply said is taken back with it.
pub fn request(
    tx: &mut Tx<'_>,
    desk: &Desk,
    case: &Case,
    contact: &Contact,
    by: MessageNo,
    due: Timestamp,
    agreed: bool,
) -> Outcome<Option<Invite>> {
    let wanted = match contact.calendar {
        Entries::Never => false,
        Entries::Agreed => agreed,
        Entries::Always => true,
    };
    if !wanted {
        return Ok(None);
    }
    let moved = tx.first(
        "UPDATE invitation SET sequence = sequence + 1, due_before = due, due = $1, message = $2
         WHERE case_id = $3 AND contact = $4 AND open = 1 RETURNING id, sequence",
        &values![due, by, case.id, contact.id],
    )?;
    let row = match moved {
        Some(row) => row,
        None => tx.one(
            "INSERT INTO invitation (case_id, contact, sequence, due, open, message) VALUES ($1, $2, 0, $3, 1, $4)
             RETURNING id, sequence",
            &values![case.id, contact.id, due, by],
        )?,
    };
    Ok(Some(invite(desk, case, row.int(0), row.int(1), false, due)))
}

/// Takes back the entry that a contact has in a case, if they have one that is still to come.
pub fn cancel(
    tx: &mut Tx<'_>,
    now: Timestamp,
    desk: &Desk,
    case: &Case,
    contact: ContactId,
    by: MessageNo,
) -> Outcome<Option<Invite>> {
    let row = tx.first(
        "UPDATE invitation SET sequence = sequence + 1, due_before = due, open = 0, message = $1
         WHERE case_id = $2 AND contact = $3 AND open = 1 AND due > $4 RETURNING id, sequence, due",
        &values![by, case.id, contact, now],
    )?;
    Ok(row.map(|row| invite(desk, case, row.int(0), row.int(1), true, row.instant(2))))
}

/// A reply was undone or did not arrive: the entry stands as it stood before. Its sequence goes on from where it is, since
/// nobody can know what a calendar has seen.
pub fn not_said(tx: &mut Tx<'_>, by: MessageNo) -> Outcome<()> {
    tx.execute(
        "UPDATE invitation SET open = CASE WHEN due_before IS NULL THEN 0 ELSE 1 END, due = COALESCE(due_before, due),
             due_before = NULL WHERE message = $1",
        &values![by],
    )?;
    Ok(())
}

/// An entry as a calendar answers it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    /// Its newest version.
    pub sequence: i64,
    /// The time in it.
    pub due: Timestamp,
}

/// The open entry of a contact in a case that bears this name; none for a name that is not theirs.
pub fn named(tx: &mut Tx<'_>, desk: &Desk, case: &Case, contact: ContactId, uid: &str) -> Outcome<Option<Entry>> {
    let row = tx.first(
        "SELECT id, sequence, due FROM invitation WHERE case_id = $1 AND contact = $2 AND open = 1",
        &values![case.id, contact],
    )?;
    Ok(row
        .filter(|row| invite(desk, case, row.int(0), 0, false, row.instant(2)).uid == uid)
        .map(|row| Entry {
            sequence: row.int(1),
            due: row.instant(2),
        }))
}

fn invite(desk: &Desk, case: &Case, id: i64, sequence: i64, cancelled: bool, due: Timestamp) -> Invite {
    let domain = desk
        .address()
        .rsplit_once('@')
        .map_or("localhost", |(_, domain)| domain);
    Invite {
        uid: format!("case-{}.entry-{id}@{domain}", case.id.0),
        sequence,
        cancelled,
        due,
    }
}
