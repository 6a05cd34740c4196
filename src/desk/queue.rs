//! What screens and lists read: the run queue, one case with everything about it, the log, the promises.
//!
//! Reading only. Every list is bounded and read from an index; nothing here grows with the closed cases of the desk.

use super::bounce::{self, Bounced};
use super::case::{self, State};
pub use super::delivery::Delivery;
use super::merge::{self, Offered};
use super::message::Facts;
use super::{CaseId, Desk, EngineerId, ledger, outbox};
use crate::limits;
use crate::refusal::Outcome;
use crate::store::{Row, Tx, values};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

/// One line of the run queue.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct CaseRow {
    /// Number.
    pub case: i64,
    /// See [`State`].
    pub state: State,
    /// Earliest open due; null if nothing is promised.
    pub reply_by: Option<Timestamp>,
    /// Name of who has it, or had it last.
    pub owner: Option<String>,
    /// Name of the customer.
    pub customer: String,
    /// The customer's own words.
    pub subject: String,
    /// 1 to 4.
    pub severity: i64,
    /// Orders equals.
    pub nice: i64,
    /// Entry point.
    pub lane: String,
    /// The product it is about, where its address said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub product: Option<String>,
    /// For whom it waits.
    pub waits_for: Option<String>,
    /// Why it waits.
    pub reason: Option<String>,
    /// When the wait ends.
    pub wake_at: Option<Timestamp>,
    /// A reply is written and has not left.
    pub reply_under_way: bool,
    /// How it ended.
    pub resolution: Option<String>,
    /// A promise of it is open that the plan cannot hold ([`super::schedule::danger::mark_cases`]).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub at_risk: bool,
    /// Severity 1 and begun by nobody: who is asked to take it, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asked: Option<String>,
}

const ROW: &str =
    "SELECT k.id, k.hand, k.party, k.slices, k.closing, k.reply_by, e.name, u.name, k.subject, k.severity, k.nice,
        k.lane, k.reason, k.wake_at, k.under_way, k.resolution, k.product
     FROM cases k JOIN customer u ON u.id = k.customer LEFT JOIN engineer e ON e.id = k.owner";

fn row_of(row: &Row) -> CaseRow {
    CaseRow {
        case: row.int(0),
        state: case::state(row.text(1), row.opt_text(2).is_some(), row.int(3) > 0, row.flag(4)),
        reply_by: row.opt_instant(5),
        owner: row.opt_text(6).map(str::to_owned),
        customer: row.text(7).to_owned(),
        subject: row.text(8).to_owned(),
        severity: row.int(9),
        nice: row.int(10),
        lane: row.text(11).to_owned(),
        product: row.opt_text(16).map(str::to_owned),
        waits_for: row.opt_text(2).map(str::to_owned),
        reason: row.opt_text(12).map(str::to_owned),
        wake_at: row.opt_instant(13),
        reply_under_way: row.int(14) > 0,
        resolution: row.opt_text(15).map(str::to_owned),
        at_risk: false,
        asked: None,
    }
}

/// Which cases a list shows.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Filter {
    /// Closed ones too.
    pub all: bool,
    /// Only those that this engineer has or had last.
    pub owner: Option<String>,
    /// Only those that wait.
    pub waiting: bool,
    /// At most this many.
    pub limit: Option<i64>,
}

/// Cases of the run queue: what is promised first, by due time; then the rest by number. With `all` everything, by number.
pub fn cases(tx: &mut Tx<'_>, filter: &Filter) -> Outcome<Vec<CaseRow>> {
    let limit = filter
        .limit
        .unwrap_or(limits::LIST_ROWS_MAX)
        .clamp(1, limits::LIST_ROWS_MAX);
    let waiting = if filter.waiting { " AND k.party IS NOT NULL" } else { "" };
    let (owner, value) = match &filter.owner {
        Some(named) => (" AND k.owner = $2", Some(super::engineer::find(tx, named)?.id.0)),
        None => ("", None),
    };
    let mut found = Vec::new();
    let promised = "k.hand <> 'nobody' AND k.reply_by IS NOT NULL";
    let unpromised = "k.hand <> 'nobody' AND k.reply_by IS NULL";
    let parts: &[(&str, &str)] = match filter.all {
        true => &[("k.id > 0", "k.id")],
        false => &[(promised, "k.reply_by, k.id"), (unpromised, "k.id")],
    };
    for (which, order) in parts {
        let left = limit - found.len() as i64;
        if left <= 0 {
            break;
        }
        let mut bound = values![left].to_vec();
        bound.extend(value.map(crate::store::Value::from));
        let sql = format!("{ROW} WHERE {which}{waiting}{owner} ORDER BY {order} LIMIT $1");
        found.extend(tx.query(&sql, &bound)?.iter().map(row_of));
    }
    Ok(found)
}

/// Cases after a number, for reading everything in pages.
pub fn cases_after(tx: &mut Tx<'_>, after: i64, limit: i64) -> Outcome<Vec<CaseRow>> {
    let sql = format!("{ROW} WHERE k.id > $1 ORDER BY k.id LIMIT $2");
    Ok(tx.query(&sql, &values![after, limit])?.iter().map(row_of).collect())
}

/// A part of the run queue; each has its own order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Group {
    /// Ours, by due time. A case whose promise is kept while its reply is still under way to others stands at the end.
    Promised,
    /// Theirs, by wake time.
    Waiting,
    /// Unsorted, by number.
    Unsorted,
}

/// A row's place in its group's order; a page begins behind one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// Due or wake time in milliseconds since the epoch; `i64::MAX` where nothing is due.
    pub at: i64,
    /// The case.
    pub case: i64,
}

impl Group {
    /// Where a row stands in this group.
    pub fn place(self, row: &CaseRow) -> Place {
        let at = match self {
            Group::Promised => row.reply_by,
            Group::Waiting => row.wake_at,
            Group::Unsorted => None,
        };
        Place {
            at: at.map_or(i64::MAX, Timestamp::as_millisecond),
            case: row.case,
        }
    }
}

/// At most `limit` cases of a group behind a place: each page reads its own rows of an index and no others.
pub fn group(tx: &mut Tx<'_>, group: Group, after: Option<Place>, limit: i64) -> Outcome<Vec<CaseRow>> {
    let after = after.unwrap_or(Place { at: i64::MIN, case: 0 });
    let timed = values![after.at, after.case, limit];
    let mut list = |which: &str, bound: &[crate::store::Value]| -> Outcome<Vec<CaseRow>> {
        Ok(tx
            .query(&format!("{ROW} WHERE {which}"), bound)?
            .iter()
            .map(row_of)
            .collect())
    };
    match group {
        Group::Waiting => list(
            "k.hand = 'theirs' AND (k.wake_at, k.id) > ($1, $2) ORDER BY k.wake_at, k.id LIMIT $3",
            &timed,
        ),
        Group::Unsorted => list(
            "k.hand = 'unsorted' AND k.id > $1 ORDER BY k.id LIMIT $2",
            &values![after.case, limit],
        ),
        Group::Promised => {
            let due = "k.hand = 'ours' AND (k.reply_by, k.id) > ($1, $2) ORDER BY k.reply_by, k.id LIMIT $3";
            let mut found = list(due, &timed)?;
            let left = limit - found.len() as i64;
            if left > 0 {
                let behind = if after.at == i64::MAX { after.case } else { 0 };
                let kept = "k.hand = 'ours' AND k.reply_by IS NULL AND k.id > $1 ORDER BY k.id LIMIT $2";
                found.extend(list(kept, &values![behind, left])?);
            }
            Ok(found)
        }
    }
}

/// How many cases of ours are due at or before an instant.
pub fn due_by(tx: &mut Tx<'_>, at: Timestamp) -> Outcome<i64> {
    let due = "SELECT COUNT(*) FROM cases WHERE hand = 'ours' AND reply_by <= $1";
    Ok(tx.one(due, &values![at])?.int(0))
}

/// An open promise as the timetable draws it.
#[derive(Debug, Clone)]
pub struct Deadline {
    /// By when.
    pub due: Timestamp,
    /// The case.
    pub case: i64,
    /// offered, agreed, asked.
    pub word: String,
    /// Who has the case, or had it last.
    pub owner: Option<EngineerId>,
}

/// Open promises, earliest due first.
pub fn deadlines(tx: &mut Tx<'_>, limit: i64) -> Outcome<Vec<Deadline>> {
    let rows = tx.query(
        "SELECT p.due, p.case_id, p.word, k.owner FROM promise p JOIN cases k ON k.id = p.case_id
         WHERE p.state = 'open' ORDER BY p.due, p.id LIMIT $1",
        &values![limit],
    )?;
    Ok(rows
        .iter()
        .map(|row| Deadline {
            due: row.instant(0),
            case: row.int(1),
            word: row.text(2).to_owned(),
            owner: row.opt_int(3).map(EngineerId),
        })
        .collect())
}

/// Open slices: who works on which case, and since when.
pub fn slices(tx: &mut Tx<'_>) -> Outcome<Vec<(EngineerId, CaseId, Timestamp)>> {
    let rows = tx.query(
        "SELECT engineer, case_id, began_at FROM slice WHERE ended_at IS NULL ORDER BY engineer LIMIT $1",
        &values![limits::LIST_ROWS_MAX],
    )?;
    Ok(rows
        .iter()
        .map(|row| (EngineerId(row.int(0)), CaseId(row.int(1)), row.instant(2)))
        .collect())
}

/// How many cases stand where; counted over open cases only.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
pub struct Counts {
    /// Ours.
    pub ours: i64,
    /// Ours and somebody works on it.
    pub running: i64,
    /// Theirs.
    pub theirs: i64,
    /// Unsorted.
    pub unsorted: i64,
}

/// Counts of open cases by hand.
pub fn counts(tx: &mut Tx<'_>) -> Outcome<Counts> {
    let mut counts = Counts::default();
    for row in tx.query(
        "SELECT hand, COUNT(*) FROM cases WHERE hand <> 'nobody' GROUP BY hand",
        &[],
    )? {
        match row.text(0) {
            "ours" => counts.ours = row.int(1),
            "theirs" => counts.theirs = row.int(1),
            _ => counts.unsorted = row.int(1),
        }
    }
    counts.running = tx.one("SELECT COUNT(*) FROM slice WHERE ended_at IS NULL", &[])?.int(0);
    Ok(counts)
}

/// One case with everything that a person needs to act.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct CasePage {
    /// Its line of the run queue.
    #[serde(flatten)]
    pub row: CaseRow,
    /// The public list it came through.
    pub list: Option<String>,
    /// When it was opened.
    pub opened_at: Timestamp,
    /// People on it: name and address.
    pub people: Vec<(String, String)>,
    /// A case that this one may belong to, with the reason: `merge` puts it there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offered: Option<Offered>,
    /// The case that this one was merged into.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub merged_into: Option<i64>,
    /// Addresses of theirs that refused our mail for good.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub bounced: Vec<Bounced>,
    /// Its promises, oldest first.
    pub promises: Vec<PromiseRow>,
    /// Its messages, newest first.
    pub messages: Vec<MessageRow>,
    /// Messages in all (the list is bounded).
    pub message_count: i64,
}

/// One message as a case shows it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct MessageRow {
    /// Number: what `reply --answers` takes.
    pub message: i64,
    /// `in`, `out` or `note`.
    pub way: String,
    /// What it is: mail, answer, question, finding, acknowledgement, broken, note, ….
    pub kind: String,
    /// When.
    pub at: Timestamp,
    /// Who.
    pub from: String,
    /// Their address.
    pub address: String,
    /// Subject.
    pub subject: String,
    /// Newly written words.
    pub text: String,
    /// Quotes and signature, folded.
    pub folded: String,
    /// Files and oddities.
    pub facts: Facts,
    /// Which rule joined it.
    pub matched_by: String,
    /// Whether its sender was verified.
    pub verified: bool,
    /// Mail out: how it fared, a line a recipient.
    pub delivery: Vec<Delivery>,
}

impl MessageRow {
    /// Which rule gave a mail its place, as a person reads it; nothing where it simply began a case.
    pub fn rule(&self) -> Option<String> {
        match (self.way.as_str(), self.matched_by.as_str()) {
            ("in", "token" | "message-id" | "number of the other desk") => {
                Some(format!("joined by {}", self.matched_by))
            }
            ("in", "new" | "none") | ("out" | "note", _) => None,
            ("in", "likeness") => Some("offered by likeness".to_owned()),
            (_, rule) => Some(rule.to_owned()),
        }
    }
}

/// One case as [`CasePage`]; at most `limit` of its newest messages.
pub fn page(tx: &mut Tx<'_>, id: CaseId, limit: i64) -> Outcome<CasePage> {
    case::find(tx, id)?;
    let row = row_of(&tx.one(&format!("{ROW} WHERE k.id = $1"), &values![id])?);
    let more = tx.one(
        "SELECT list, opened_at, (SELECT COUNT(*) FROM message WHERE case_id = $1) FROM cases WHERE id = $1",
        &values![id],
    )?;
    let merged_into = merge::merged_into(tx, id)?.map(|other| other.0);
    let offered = match merged_into {
        None => merge::offered(tx, id)?,
        Some(_) => None,
    };
    let people = tx.query(
        "SELECT c.name, MIN(a.address) FROM participant p JOIN contact c ON c.id = p.contact
         LEFT JOIN contact_address a ON a.contact = c.id WHERE p.case_id = $1 GROUP BY c.id, c.name ORDER BY c.id LIMIT $2",
        &values![id, limits::LIST_ROWS],
    )?;
    Ok(CasePage {
        row,
        list: more.opt_text(0).map(str::to_owned),
        opened_at: more.instant(1),
        people: people
            .iter()
            .map(|row| (row.text(0).to_owned(), row.opt_text(1).unwrap_or("").to_owned()))
            .collect(),
        offered,
        merged_into,
        bounced: bounce::of_case(tx, id)?,
        promises: promises(tx, Some(id), 0, limits::LIST_ROWS)?,
        messages: messages(tx, id, limit)?,
        message_count: more.int(2),
    })
}

fn messages(tx: &mut Tx<'_>, id: CaseId, limit: i64) -> Outcome<Vec<MessageRow>> {
    let rows = tx.query(
        "SELECT id, way, kind, at, author, address, subject, text, folded, facts, matched_by, verified FROM message
         WHERE case_id = $1 ORDER BY id DESC LIMIT $2",
        &values![id, limit],
    )?;
    let mut found = Vec::with_capacity(rows.len());
    for row in rows {
        let delivery = match row.text(1) {
            "out" => deliveries(tx, row.int(0))?,
            _ => Vec::new(),
        };
        found.push(MessageRow {
            message: row.int(0),
            way: row.text(1).to_owned(),
            kind: row.text(2).to_owned(),
            at: row.instant(3),
            from: row.text(4).to_owned(),
            address: row.text(5).to_owned(),
            subject: row.text(6).to_owned(),
            text: row.text(7).to_owned(),
            folded: row.text(8).to_owned(),
            facts: serde_json::from_str(row.text(9)).unwrap_or_default(),
            matched_by: row.text(10).to_owned(),
            verified: row.flag(11),
            delivery,
        });
    }
    Ok(found)
}

fn deliveries(tx: &mut Tx<'_>, message: i64) -> Outcome<Vec<Delivery>> {
    let is_held = outbox::is_held(tx)?;
    let rows = tx.query(
        "SELECT recipient, state, server, said, COALESCE(settled_at, not_before), doubted, behind, sealed
         FROM outbox
         WHERE message = $1 ORDER BY id LIMIT $2",
        &values![message, limits::RECIPIENTS as i64],
    )?;
    Ok(rows
        .iter()
        .map(|row| Delivery {
            recipient: row.text(0).to_owned(),
            state: row.text(1).to_owned(),
            server: row.opt_text(2).map(str::to_owned),
            said: row.opt_text(3).map(str::to_owned),
            at: row.instant(4),
            braked: is_held && matches!(row.text(1), "held" | "queued" | "deferred"),
            doubted: row.flag(5),
            behind: row.opt_int(6).is_some(),
            sealed: Some(row.text(7).to_owned()).filter(|sealed| !sealed.is_empty()),
        })
        .collect())
}

/// One line of the ledger of promises.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct PromiseRow {
    /// The case.
    pub case: i64,
    /// Number of the promise.
    pub promise: i64,
    /// The message it answers.
    pub message: Option<i64>,
    /// When it was made.
    pub made: Timestamp,
    /// By when.
    pub due: Timestamp,
    /// open, kept, moved, broken, withdrawn.
    pub state: String,
    /// When it was settled.
    pub settled_at: Option<Timestamp>,
    /// Who settled it: the name of the engineer, or the desk.
    pub by: Option<String>,
    /// offered, agreed, asked.
    pub word: String,
    /// Why there is this promise.
    pub basis: String,
    /// The numbers behind its date.
    pub why: Json,
    /// Another time that we named and that waits for the contact's yes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offered: Option<Timestamp>,
    /// A time that the contact asked for and that waits for ours.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wished: Option<Timestamp>,
    /// The promise that this one took the place of, by agreement.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub moved_from: Option<i64>,
    /// Who asked for that: `us` or `customer`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asked_by: Option<String>,
    /// When the contact said yes to its due.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agreed_at: Option<Timestamp>,
    /// It is open and the plan cannot hold it ([`super::schedule::danger::mark`]).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub at_risk: bool,
    /// Why, until when one can act, and what would help.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trouble: Option<super::schedule::danger::Trouble>,
}

/// Promises after a number, of one case or of all, oldest first.
pub fn promises(tx: &mut Tx<'_>, case: Option<CaseId>, after: i64, limit: i64) -> Outcome<Vec<PromiseRow>> {
    let which = if case.is_some() {
        "p.case_id = $3 AND p.id > $1"
    } else {
        "p.id > $1"
    };
    let sql = format!(
        "SELECT p.case_id, p.id, p.message, p.made_at, p.due, p.state, p.settled_at, p.settled_by, p.word, p.basis, p.why, e.name,
             n.kind, n.at, n.wish, p.moved_from, p.asked_by, p.agreed_at
         FROM promise p LEFT JOIN engineer e ON p.settled_by = 'engineer:' || e.id
         LEFT JOIN negotiation n ON n.promise = p.id AND n.state = 'open'
         WHERE {which} ORDER BY p.id LIMIT $2"
    );
    let mut bound = values![after, limit].to_vec();
    bound.extend(case.map(crate::store::Value::from));
    Ok(tx
        .query(&sql, &bound)?
        .iter()
        .map(|row| PromiseRow {
            case: row.int(0),
            promise: row.int(1),
            message: row.opt_int(2),
            made: row.instant(3),
            due: row.instant(4),
            state: row.text(5).to_owned(),
            settled_at: row.opt_instant(6),
            by: row.opt_text(11).or(row.opt_text(7)).map(str::to_owned),
            word: row.text(8).to_owned(),
            basis: row.text(9).to_owned(),
            why: serde_json::from_str(row.text(10)).unwrap_or(Json::Null),
            offered: row.opt_instant(13).filter(|_| row.opt_text(12) == Some("offer")),
            wished: match row.opt_text(12) {
                Some("ask") => row.opt_instant(13),
                _ => row.opt_instant(14),
            },
            moved_from: row.opt_int(15),
            asked_by: row.opt_text(16).map(str::to_owned),
            agreed_at: row.opt_instant(17),
            at_risk: false,
            trouble: None,
        })
        .collect())
}

/// One line of the log: an event of the ledger, with the mail it is about.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct LogRow {
    /// `duly.log/1`: how this line is to be read.
    pub schema: String,
    /// Place in the ledger.
    pub seq: i64,
    /// The case; null for mail in the spool.
    pub case: Option<i64>,
    /// The mail's own Message-ID.
    pub message_id: Option<String>,
    /// When.
    pub at: Timestamp,
    /// What happened: `mail.in`, `promise.kept`, ….
    pub kind: String,
    /// Who did it, or who wrote the mail.
    pub from: String,
    /// Which rule joined the mail.
    pub matched_by: Option<String>,
    /// What else is known.
    pub data: Json,
}

/// Events after a place in the ledger, of one case or of all.
pub fn log(tx: &mut Tx<'_>, desk: &Desk, case: Option<CaseId>, after: i64, limit: i64) -> Outcome<Vec<LogRow>> {
    let which = if case.is_some() {
        "v.case_id = $3 AND v.seq > $1"
    } else {
        "v.seq > $1"
    };
    let sql = format!(
        "SELECT v.seq, v.case_id, m.message_id, v.at, v.kind, v.actor, m.matched_by, v.data, m.address, m.way
         FROM event v LEFT JOIN message m ON m.id = v.message WHERE {which} ORDER BY v.seq LIMIT $2"
    );
    let mut bound = values![after, limit].to_vec();
    bound.extend(case.map(crate::store::Value::from));
    let rows = tx.query(&sql, &bound)?;
    let mut found = Vec::with_capacity(rows.len());
    for row in rows {
        let from = match (row.opt_text(8), row.opt_text(9)) {
            (Some(address), Some("in")) => address.to_owned(),
            _ => ledger::actor_name(tx, desk, row.text(5))?,
        };
        found.push(LogRow {
            schema: "duly.log/1".into(),
            seq: row.int(0),
            case: row.opt_int(1),
            message_id: row.opt_text(2).map(str::to_owned),
            at: row.instant(3),
            kind: row.text(4).to_owned(),
            from,
            matched_by: row.opt_text(6).map(str::to_owned),
            data: serde_json::from_str(row.text(7)).unwrap_or(Json::Null),
        });
    }
    Ok(found)
}
