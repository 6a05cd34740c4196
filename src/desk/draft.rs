//! Replies that are being written: kept from the first pause in typing on, so that no typed word is lost to a session that ends, a
//! machine that stops, a colleague who was faster, or a case that goes elsewhere meanwhile.
//!
//! A draft belongs to its engineer; others see that somebody writes, and no word of it. Two windows never write over each other: who
//! keeps a draft names the version that they saw, and where it is another one by now, a draft of its own is made. A case that
//! changed since the writer last saw it is told as what is new in it, in the transaction that would send the reply.

use super::case;
use super::engineer::Engineer;
use super::{CHANGED, CaseId, EngineerId, Zone};
use crate::limits;
use crate::refusal::{Outcome, Refusal};
use crate::store::{Row, Tx, values};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What is typed so far.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Typed {
    /// The case.
    pub case: i64,
    /// The draft that this is of, and the version that was seen; none for a new one.
    pub of: Option<(i64, i64)>,
    /// The place in the ledger up to which the writer saw the case.
    pub seen: i64,
    /// The words.
    pub text: String,
    /// What is chosen beside them, by name.
    pub choices: BTreeMap<String, String>,
}

impl Typed {
    /// Neither words nor files: there is nothing to keep.
    fn is_empty(&self) -> bool {
        self.text.trim().is_empty() && !self.choices.keys().any(|name| name.starts_with("file-"))
    }
}

/// A draft as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    /// Number.
    pub id: i64,
    /// How often it was kept.
    pub version: i64,
    /// See [`Typed`]; the case is the one that it was written for.
    pub typed: Typed,
    /// When it was begun.
    pub began_at: Timestamp,
    /// When it was last kept.
    pub saved_at: Timestamp,
}

const DRAFT: &str = "SELECT id, version, case_id, seen, text, choices, began_at, saved_at FROM draft";

fn draft_of(row: &Row) -> Draft {
    let (id, version) = (row.int(0), row.int(1));
    Draft {
        id,
        version,
        typed: Typed {
            case: row.int(2),
            of: Some((id, version)),
            seen: row.int(3),
            text: row.text(4).to_owned(),
            choices: serde_json::from_str(row.text(5)).unwrap_or_default(),
        },
        began_at: row.instant(6),
        saved_at: row.instant(7),
    }
}

/// Keeps what is typed. Says which draft that is and in which version; none where there is nothing to keep.
pub fn keep(tx: &mut Tx<'_>, now: Timestamp, engineer: EngineerId, typed: &Typed) -> Outcome<Option<(i64, i64)>> {
    let case = CaseId(typed.case);
    case::find(tx, case)?;
    // Words that come back from an undo saw the case as it is.
    let seen_to = if typed.seen > 0 { typed.seen } else { place(tx, case)? };
    let typed = &Typed {
        seen: seen_to,
        ..typed.clone()
    };
    let choices = serde_json::to_string(&typed.choices).map_err(anyhow::Error::from)?;
    if typed.text.len() > limits::REPLY_BYTES || choices.len() > limits::DRAFT_CHOICES_BYTES {
        return Err(Refusal::usage("This is longer than 1 MB and was not kept. Send what is long as a file.").into());
    }
    let known = match typed.of {
        Some((id, seen)) => tx
            .first(
                &format!("{DRAFT} WHERE id = $1 AND engineer = $2"),
                &values![id, engineer],
            )?
            .map(|row| (draft_of(&row), seen)),
        None => None,
    };
    if let Some((known, seen)) = known {
        // A version that is not the one seen is another window's, or one whose answer was lost on the way: then it is part of this.
        let is_own = known.version == seen || typed.text.starts_with(&known.typed.text);
        if is_own && typed.is_empty() {
            drop(tx, engineer, known.id)?;
            return Ok(None);
        }
        if is_own {
            tx.execute(
                "UPDATE draft SET version = version + 1, seen = $1, text = $2, choices = $3, saved_at = $4 WHERE id = $5",
                &values![typed.seen, typed.text.as_str(), choices, now, known.id],
            )?;
            return Ok(Some((known.id, known.version + 1)));
        }
    }
    if typed.is_empty() {
        return Ok(None);
    }
    begin(tx, now, engineer, typed, &choices).map(Some)
}

fn begin(tx: &mut Tx<'_>, now: Timestamp, engineer: EngineerId, typed: &Typed, choices: &str) -> Outcome<(i64, i64)> {
    let case = CaseId(typed.case);
    let count = tx.one(
        "SELECT COUNT(*) FROM draft WHERE engineer = $1 AND case_id = $2",
        &values![engineer, case],
    )?;
    if count.int(0) >= limits::DRAFTS_OF_CASE {
        return Err(Refusal::conflict(format!(
            "You have {} drafts in this case, and this one was not kept. Throw one away first.",
            limits::DRAFTS_OF_CASE
        ))
        .into());
    }
    let id = tx.insert(
        "INSERT INTO draft (case_id, engineer, version, seen, text, choices, began_at, saved_at) VALUES ($1, $2, 1, $3, $4, $5, $6, $6)",
        &values![case, engineer, typed.seen, typed.text.as_str(), choices, now],
    )?;
    // Others see that somebody writes; the ledger does not: nothing has happened to the case.
    tx.ring(CHANGED);
    Ok((id, 1))
}

/// An engineer's drafts in a case and in those that were merged into it, newest first.
pub fn of(tx: &mut Tx<'_>, engineer: EngineerId, case: CaseId) -> Outcome<Vec<Draft>> {
    let rows = tx.query(
        &format!(
            "{DRAFT} WHERE engineer = $1
             AND (case_id = $2 OR case_id IN (SELECT case_id FROM merge WHERE into_case = $2 AND undone_at IS NULL))
             ORDER BY id DESC LIMIT $3"
        ),
        &values![engineer, case, limits::LIST_ROWS],
    )?;
    let mut drafts: Vec<Draft> = rows.iter().map(draft_of).collect();
    // By the clock first, so that the words of a moment ago stand in the form; a clock that was put back loses none of them.
    drafts.sort_by_key(|one| std::cmp::Reverse((one.saved_at, one.id)));
    Ok(drafts)
}

/// All drafts of an engineer, newest first: case, its subject, when it was kept, how it begins.
pub fn all_of(tx: &mut Tx<'_>, engineer: EngineerId) -> Outcome<Vec<(i64, String, Timestamp, String)>> {
    let rows = tx.query(
        "SELECT d.case_id, k.subject, d.saved_at, SUBSTR(d.text, 1, 120) FROM draft d JOIN cases k ON k.id = d.case_id
         WHERE d.engineer = $1 ORDER BY d.id DESC LIMIT $2",
        &values![engineer, limits::LIST_ROWS],
    )?;
    let line = |row: &Row| {
        (
            row.int(0),
            row.text(1).to_owned(),
            row.instant(2),
            row.text(3).to_owned(),
        )
    };
    Ok(rows.iter().map(line).collect())
}

/// Who else is writing in a case at the moment.
pub fn writing(tx: &mut Tx<'_>, now: Timestamp, case: CaseId, but: Option<EngineerId>) -> Outcome<Vec<String>> {
    let since = now - SignedDuration::from_mins(limits::WRITING_MINUTES);
    let rows = tx.query(
        "SELECT DISTINCT e.name FROM draft d JOIN engineer e ON e.id = d.engineer
         WHERE d.case_id = $1 AND d.saved_at > $2 AND d.engineer <> $3 ORDER BY e.name LIMIT $4",
        &values![case, since, but.map_or(0, |engineer| engineer.0), limits::LIST_ROWS],
    )?;
    Ok(rows.iter().map(|row| row.text(0).to_owned()).collect())
}

/// Throws a draft of an engineer's away; one that is gone already is no fault.
pub fn drop(tx: &mut Tx<'_>, engineer: EngineerId, draft: i64) -> Outcome<()> {
    tx.execute(
        "DELETE FROM draft WHERE id = $1 AND engineer = $2",
        &values![draft, engineer],
    )?;
    Ok(())
}

/// The place in the ledger up to which a case has come.
pub fn place(tx: &mut Tx<'_>, case: CaseId) -> Outcome<i64> {
    let row = tx.first(
        "SELECT seq FROM event WHERE case_id = $1 ORDER BY seq DESC LIMIT 1",
        &values![case],
    )?;
    Ok(row.map_or(0, |row| row.int(0)))
}

/// Something that happened in a case while somebody wrote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct News {
    /// When.
    pub at: Timestamp,
    /// What, as a sentence without its full stop.
    pub what: String,
    /// Its words, if it has any.
    pub words: String,
}

/// What is new in a case behind a place in the ledger: mail of people, replies, others' notes, its end.
pub fn news(tx: &mut Tx<'_>, case: CaseId, seen: i64, reader: EngineerId) -> Outcome<Vec<News>> {
    let rows = tx.query(
        "SELECT v.at, v.kind, v.data, m.author, m.text, m.auto, m.engineer FROM event v LEFT JOIN message m ON m.id = v.message
         WHERE v.case_id = $1 AND v.seq > $2
           AND v.kind IN ('mail.in', 'mail.released', 'mail.written', 'note', 'case.closed', 'case.merged')
         ORDER BY v.seq LIMIT $3",
        &values![case, seen, limits::NEWS_ROWS],
    )?;
    let mut news = Vec::new();
    for row in &rows {
        let who = row.opt_text(3).unwrap_or_default();
        let by = row.opt_int(6).map(EngineerId);
        let what = match row.text(1) {
            "mail.in" | "mail.released" if matches!(row.opt_text(5), Some("no" | "list")) => format!("{who} wrote"),
            "mail.written" if by == Some(reader) => "you replied, in another window".to_owned(),
            "mail.written" if by.is_some() => format!("{who} replied"),
            "note" if by != Some(reader) => format!("{who} noted"),
            "case.closed" => "the case was closed".to_owned(),
            "case.merged" => "another case was merged with it".to_owned(),
            _ => continue,
        };
        news.push(News {
            at: row.instant(0),
            what,
            words: row
                .opt_text(4)
                .unwrap_or_default()
                .chars()
                .take(limits::NEWS_CHARS)
                .collect(),
        });
    }
    Ok(news)
}

/// Lets a reply pass that was written with everything in view, or says what its writer has not seen.
pub(super) fn insist(tx: &mut Tx<'_>, case: CaseId, seen: i64, engineer: &Engineer) -> Outcome<()> {
    if let Some(into) = super::merge::merged_into(tx, case)? {
        return Err(Refusal::conflict(format!(
            "Case {} was merged into case {} while you wrote, so nothing was sent. Your words are kept: they stand in the form of case {}.",
            case.0, into.0, into.0
        ))
        .into());
    }
    let news = news(tx, case, seen, engineer.id)?;
    match news.is_empty() {
        true => Ok(()),
        false => Err(Refusal::conflict(format!(
            "The case changed while you wrote: {}. Nothing was sent, and no promise is affected. Read what is new, then send anyway or change your words.",
            said(&news, &engineer.zone)
        ))
        .into()),
    }
}

fn said(news: &[News], zone: &Zone) -> String {
    let one = |one: &News| format!("{} at {}", one.what, zone.zoned(one.at).strftime("%H:%M"));
    news.iter().map(one).collect::<Vec<_>>().join(", ")
}
