//! The desk's own past as a trace: what came, and how long people worked for its answer, in the form that `duly simulate`
//! lives again. A lead can so try next month's rota on last month's mail.

use super::{CaseId, Desk, MessageNo};
use crate::limits;
use crate::refusal::Outcome;
use crate::store::{Row, Tx, values};
use jiff::Timestamp;
use std::collections::BTreeMap;
use std::fmt::Write;

/// A customer's mail that earned a promise, as far as it has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Earned {
    case: CaseId,
    message: MessageNo,
    received: Timestamp,
    /// The reply that kept a promise of it.
    reply: Option<MessageNo>,
    worked_millis: i64,
}

impl Earned {
    fn of(row: &Row) -> Earned {
        Earned {
            case: CaseId(row.int(0)),
            message: MessageNo(row.int(1)),
            received: row.instant(2),
            reply: row.opt_int(3).map(MessageNo),
            worked_millis: row.int(4),
        }
    }
}

/// One piece of work: the first of the mails that one reply answered.
#[derive(Debug, PartialEq, Eq)]
struct Piece {
    received: Timestamp,
    minutes: i64,
}

/// The trace, CSV with the columns `case`, `turn`, `arrival` (local time of the desk) and `work_min`: a row for each piece of
/// work that ended with a useful reply, of the newest [`limits::HISTORY_PROMISES`] promises. What nobody worked on in a slice
/// tells nothing and is left out, and so is what broke and has no answer yet.
///
/// # Errors
/// What the database said.
pub fn turns(tx: &mut Tx<'_>, desk: &Desk) -> Outcome<String> {
    // A moved promise has handed its minutes on to the one that took its place; a broken one has not.
    let rows = tx.query(
        "SELECT p.case_id, p.message, m.at, CASE WHEN p.state = 'kept' THEN p.reply END, p.worked
         FROM promise p JOIN message m ON m.id = p.message
         WHERE p.state IN ('kept', 'broken') ORDER BY p.id DESC LIMIT $1",
        &values![limits::HISTORY_PROMISES],
    )?;
    let earned: Vec<Earned> = rows.iter().map(Earned::of).collect();
    let mut text = String::from("case,turn,arrival,work_min\n");
    for (case, pieces) in pieces(&earned) {
        for (turn, piece) in pieces.iter().enumerate() {
            let arrival = desk.zone.local(piece.received).strftime("%Y-%m-%dT%H:%M:%S");
            // Writing to a string cannot fail.
            let _ = writeln!(text, "{},{turn},{arrival},{}", case.0, piece.minutes);
        }
    }
    Ok(text)
}

/// What was worked on each case, by arrival. Minutes of the promises of one mail add up; mails that one reply answered are
/// one piece of work, for a slice counts for all that was open.
fn pieces(earned: &[Earned]) -> BTreeMap<CaseId, Vec<Piece>> {
    let mut mails: BTreeMap<(CaseId, MessageNo), Earned> = BTreeMap::new();
    for one in earned {
        mails
            .entry((one.case, one.message))
            .and_modify(|mail| {
                mail.worked_millis += one.worked_millis;
                mail.reply = mail.reply.or(one.reply);
            })
            .or_insert(*one);
    }
    let mut answered: BTreeMap<(CaseId, MessageNo), Piece> = BTreeMap::new();
    for mail in mails.values() {
        let (Some(reply), minutes) = (mail.reply, whole_minutes(mail.worked_millis)) else {
            continue;
        };
        let piece = answered.entry((mail.case, reply)).or_insert(Piece {
            received: mail.received,
            minutes,
        });
        piece.received = piece.received.min(mail.received);
        piece.minutes = piece.minutes.max(minutes);
    }
    let mut cases: BTreeMap<CaseId, Vec<Piece>> = BTreeMap::new();
    for ((case, _), piece) in answered.into_iter().filter(|(_, piece)| piece.minutes > 0) {
        cases.entry(case).or_default().push(piece);
    }
    for pieces in cases.values_mut() {
        pieces.sort_by_key(|piece| piece.received);
    }
    cases
}

/// A minute that was begun counts: half a minute of work is not none.
fn whole_minutes(millis: i64) -> i64 {
    (millis + 59_999) / 60_000
}

#[cfg(test)]
mod tests {
    use super::*;

    fn earned(case: i64, message: i64, received: i64, reply: Option<i64>, minutes: i64) -> Earned {
        Earned {
            case: CaseId(case),
            message: MessageNo(message),
            received: Timestamp::from_second(received).expect("an instant"),
            reply: reply.map(MessageNo),
            worked_millis: minutes * 60_000,
        }
    }

    fn minutes(all: &[Earned], case: i64) -> Vec<(i64, i64)> {
        let found = pieces(all).remove(&CaseId(case)).unwrap_or_default();
        found
            .iter()
            .map(|piece| (piece.received.as_second(), piece.minutes))
            .collect()
    }

    #[test]
    fn a_promise_that_broke_adds_its_minutes_to_the_one_that_was_kept_for_the_same_mail() {
        let all = [earned(1, 10, 100, Some(12), 20), earned(1, 10, 100, None, 35)];
        assert_eq!(minutes(&all, 1), [(100, 55)]);
    }

    #[test]
    fn mails_that_one_reply_answered_are_one_piece_of_work_that_began_with_the_first() {
        let all = [earned(1, 11, 200, Some(12), 15), earned(1, 10, 100, Some(12), 40)];
        assert_eq!(minutes(&all, 1), [(100, 40)]);
    }

    #[test]
    fn turns_stand_in_the_order_of_arrival_and_cases_apart() {
        let all = [
            earned(1, 20, 500, Some(21), 5),
            earned(2, 15, 300, Some(16), 7),
            earned(1, 10, 100, Some(12), 40),
        ];
        assert_eq!(minutes(&all, 1), [(100, 40), (500, 5)]);
        assert_eq!(minutes(&all, 2), [(300, 7)]);
    }

    #[test]
    fn what_has_no_answer_or_was_worked_on_in_no_slice_is_left_out() {
        let all = [earned(1, 10, 100, None, 40), earned(2, 11, 100, Some(12), 0)];
        assert!(pieces(&all).is_empty());
    }

    #[test]
    fn half_a_minute_of_work_is_work() {
        let mut short = earned(1, 10, 100, Some(12), 0);
        short.worked_millis = 30_000;
        assert_eq!(minutes(&[short], 1), [(100, 1)]);
    }
}
