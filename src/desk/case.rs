//! A case: one line of work with a customer, always in exactly one hand (PRODUCT.md §2).
//!
//! *Ours* while a promise is open, *theirs* while we wait for the customer until a date, *nobody's* when closed; before
//! that *unsorted*, when nothing has earned a promise yet. Every wait has a party, a reason and a wake time. The functions
//! here are the only ones that move a case between hands; each writes its event.

use super::ledger::{self, Actor, event};
use super::{ALARM, CaseId, ContactId, CustomerId, Desk, EngineerId, promise, reminder, slice, thread};
use crate::refusal::{Outcome, Refusal};
use crate::store::{Row, Tx, values};
use jiff::Timestamp;
use plan::Severity;
use serde::{Deserialize, Serialize};
use serde_json::json;

/// Whose move it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hand {
    /// Nothing has earned a promise yet; a person looks first.
    Unsorted,
    /// A promise is open.
    Ours,
    /// We wait for the customer until a date.
    Theirs,
    /// Closed.
    Nobody,
}

impl Hand {
    /// As it stands in the table.
    pub fn text(self) -> &'static str {
        match self {
            Hand::Unsorted => "unsorted",
            Hand::Ours => "ours",
            Hand::Theirs => "theirs",
            Hand::Nobody => "nobody",
        }
    }

    fn of(text: &str) -> Hand {
        match text {
            "ours" => Hand::Ours,
            "theirs" => Hand::Theirs,
            "nobody" => Hand::Nobody,
            _ => Hand::Unsorted,
        }
    }
}

/// For whom or what a case waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Party {
    /// The customer: the case is theirs.
    Customer,
    /// A deeper layer of ours.
    Engineering,
    /// The component's own project.
    Upstream,
    /// A reproduction environment.
    Lab,
    /// Nobody: a date.
    Date,
}

impl Party {
    /// As it stands in the table and in commands.
    pub fn text(self) -> &'static str {
        match self {
            Party::Customer => "customer",
            Party::Engineering => "engineering",
            Party::Upstream => "upstream",
            Party::Lab => "lab",
            Party::Date => "date",
        }
    }
}

impl std::str::FromStr for Party {
    type Err = Refusal;
    fn from_str(text: &str) -> Result<Party, Refusal> {
        match text {
            "customer" => Ok(Party::Customer),
            "engineering" => Ok(Party::Engineering),
            "upstream" => Ok(Party::Upstream),
            "lab" => Ok(Party::Lab),
            "date" => Ok(Party::Date),
            other => Err(Refusal::usage(format!(
                "\"{other}\" is nobody a case can wait for. Say customer, engineering, upstream, lab or date."
            ))),
        }
    }
}

/// How a case ended.
pub const RESOLUTIONS: [&str; 7] = [
    "solved",
    "workaround",
    "answered",
    "fixed upstream",
    "declined",
    "duplicate",
    "no reply",
];

/// The severity that stands in a table; one that no version wrote counts as the default.
pub fn severity_of(number: i64) -> Severity {
    u8::try_from(number)
        .ok()
        .and_then(|number| Severity::try_from(number).ok())
        .unwrap_or_default()
}

/// One word for lists: what a person wants to know of a case's state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// No promise earned yet.
    Unsorted,
    /// Ours, somebody works on it now.
    Running,
    /// Ours, nobody on it now.
    Ready,
    /// Ours, waits for somebody of ours, upstream, the lab or a date; the next word is promised.
    Blocked,
    /// Theirs.
    Waiting,
    /// Theirs and answered: closes at its date.
    Closing,
    /// Nobody's.
    Closed,
}

/// A case as the rules need it.
#[derive(Debug, Clone)]
pub struct Case {
    /// Number.
    pub id: CaseId,
    /// The organisation.
    pub customer: CustomerId,
    /// The customer's own words.
    pub subject: String,
    /// 1 to 4.
    pub severity: Severity,
    /// Entry point into the product.
    pub lane: String,
    /// Depth it needs, 1 to 4.
    pub layer: i64,
    /// Orders equals only.
    pub nice: i64,
    /// Whose move it is.
    pub hand: Hand,
    /// For whom it waits, if it does.
    pub party: Option<Party>,
    /// Why it waits.
    pub reason: Option<String>,
    /// When the wait ends by itself.
    pub wake_at: Option<Timestamp>,
    /// At the wake time the case closes as answered.
    pub closing: bool,
    /// How it ended.
    pub resolution: Option<String>,
    /// Who had it last.
    pub owner: Option<EngineerId>,
    /// The public list it came through.
    pub list: Option<String>,
    /// Finds the case in a reply address.
    pub key: String,
    /// Earliest open due.
    pub reply_by: Option<Timestamp>,
    /// Slices open on it.
    pub slices: i64,
    /// Replies that were written and have not left yet.
    pub under_way: i64,
}

const CASE: &str = "SELECT id, customer, subject, severity, lane, layer, nice, hand, party, reason, wake_at, closing,
    resolution, owner, list, key, reply_by, slices, under_way FROM cases";

impl Case {
    fn of(row: &Row) -> Case {
        Case {
            id: CaseId(row.int(0)),
            customer: CustomerId(row.int(1)),
            subject: row.text(2).to_owned(),
            severity: severity_of(row.int(3)),
            lane: row.text(4).to_owned(),
            layer: row.int(5),
            nice: row.int(6),
            hand: Hand::of(row.text(7)),
            party: row.opt_text(8).and_then(|text| text.parse().ok()),
            reason: row.opt_text(9).map(str::to_owned),
            wake_at: row.opt_instant(10),
            closing: row.flag(11),
            resolution: row.opt_text(12).map(str::to_owned),
            owner: row.opt_int(13).map(EngineerId),
            list: row.opt_text(14).map(str::to_owned),
            key: row.text(15).to_owned(),
            reply_by: row.opt_instant(16),
            slices: row.int(17),
            under_way: row.int(18),
        }
    }

    /// The one word for lists.
    pub fn state(&self) -> State {
        state(self.hand.text(), self.party.is_some(), self.slices > 0, self.closing)
    }
}

/// The one word for lists, from the columns of a row.
pub fn state(hand: &str, waits: bool, worked_on: bool, closing: bool) -> State {
    match (Hand::of(hand), waits, worked_on, closing) {
        (Hand::Unsorted, ..) => State::Unsorted,
        (Hand::Nobody, ..) => State::Closed,
        (Hand::Theirs, _, _, true) => State::Closing,
        (Hand::Theirs, ..) => State::Waiting,
        (Hand::Ours, _, true, _) => State::Running,
        (Hand::Ours, true, ..) => State::Blocked,
        (Hand::Ours, ..) => State::Ready,
    }
}

/// The case with this number.
pub fn find(tx: &mut Tx<'_>, id: CaseId) -> Outcome<Case> {
    match tx.first(&format!("{CASE} WHERE id = $1"), &values![id])? {
        Some(row) => Ok(Case::of(&row)),
        None => Err(Refusal::missing(format!("There is no case {}. `duly ps -a` lists all.", id.0)).into()),
    }
}

/// What a new case begins with.
#[derive(Debug, Clone)]
pub struct New<'a> {
    /// The organisation.
    pub customer: CustomerId,
    /// The customer's own words.
    pub subject: &'a str,
    /// 1 to 4.
    pub severity: Severity,
    /// Entry point into the product.
    pub lane: &'a str,
    /// The product it is about, where its address says so.
    pub product: Option<&'a str>,
    /// The public list it came through.
    pub list: Option<&'a str>,
}

/// Lane of a case whose address says nothing else (PRODUCT.md §3.14).
pub const LANE: &str = "operate";

/// Opens a case; its hand follows from what happens next (a promise makes it ours).
pub fn open(tx: &mut Tx<'_>, now: Timestamp, desk: &Desk, new: &New<'_>) -> Outcome<CaseId> {
    let id = CaseId(tx.next_number("case")?);
    tx.execute(
        "INSERT INTO cases (id, customer, subject, severity, lane, layer, hand, list, key, opened_at, changed_at, product)
         VALUES ($1, $2, $3, $4, $5, 1, 'unsorted', $6, $7, $8, $8, $9)",
        &values![
            id,
            new.customer,
            new.subject,
            i64::from(new.severity.number()),
            new.lane,
            new.list,
            thread::case_key(desk, id),
            now,
            new.product
        ],
    )?;
    ledger::record(
        tx,
        now,
        event("case.opened", Actor::Customer)
            .of(id)
            .with(json!({"severity": new.severity.number(), "lane": new.lane, "product": new.product})),
    )?;
    Ok(id)
}

/// Puts a contact on the case: their mail joins it, our replies go to them.
pub fn add_participant(tx: &mut Tx<'_>, now: Timestamp, case: CaseId, contact: ContactId) -> Outcome<()> {
    tx.execute(
        "INSERT INTO participant (case_id, contact, since) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
        &values![case, contact, now],
    )?;
    Ok(())
}

/// The severity that later promises of the case are made at.
pub fn set_severity(tx: &mut Tx<'_>, now: Timestamp, case: &Case, severity: Severity, actor: Actor) -> Outcome<()> {
    let (was, is) = (i64::from(case.severity.number()), i64::from(severity.number()));
    tx.execute(
        "UPDATE cases SET severity = $1, changed_at = $2 WHERE id = $3",
        &values![is, now, case.id],
    )?;
    let about = json!({"was": was, "severity": is});
    ledger::record(tx, now, event("case.severity", actor).of(case.id).with(about))?;
    Ok(())
}

/// The case is ours and ready: a promise was made, or what it waited for has come. Ends every wait.
pub fn wake(tx: &mut Tx<'_>, now: Timestamp, case: &Case, actor: Actor, cause: &str) -> Outcome<()> {
    tx.execute(
        "UPDATE cases SET hand = 'ours', party = NULL, reason = NULL, wake_at = NULL, remind_at = NULL, closing = 0,
             resolution = NULL, changed_at = $1 WHERE id = $2",
        &values![now, case.id],
    )?;
    // A case that was just opened has said so already.
    if case.hand != Hand::Unsorted && (case.hand != Hand::Ours || case.party.is_some()) {
        let was = case.state();
        ledger::record(
            tx,
            now,
            event("case.woken", actor)
                .of(case.id)
                .with(json!({"cause": cause, "was": was})),
        )?;
    }
    Ok(())
}

/// A case of theirs wakes without mail: it owes the customer the next word (follow-up target from the wake).
pub fn wake_with_promise(
    tx: &mut Tx<'_>,
    now: Timestamp,
    desk: &Desk,
    id: CaseId,
    actor: Actor,
    cause: &str,
) -> Outcome<()> {
    let case = find(tx, id)?;
    match case.hand {
        Hand::Unsorted => {
            return Err(Refusal::conflict(format!(
                "Case {} is unsorted and has no promise yet. `duly spool release {}` gives it one.",
                id.0, id.0
            ))
            .into());
        }
        Hand::Ours if case.party.is_none() => {
            return Err(Refusal::conflict(format!("Case {} waits for nobody.", id.0)).into());
        }
        _ => {}
    }
    wake(tx, now, &case, actor, cause)?;
    if case.hand != Hand::Ours {
        promise::next_word(tx, now, desk, id, case.severity, actor)?;
    }
    Ok(())
}

/// The case waits for somebody who is not the customer; it stays ours, and the open promise is the next word.
pub fn block(
    tx: &mut Tx<'_>,
    now: Timestamp,
    id: CaseId,
    actor: Actor,
    party: Party,
    until: Timestamp,
    reason: &str,
) -> Outcome<()> {
    let case = find(tx, id)?;
    if case.hand != Hand::Ours {
        return Err(Refusal::conflict(format!(
            "Case {} is not ours: there is no promise under which it could wait for {}.",
            id.0,
            party.text()
        ))
        .into());
    }
    not_under_way(&case)?;
    tx.execute(
        "UPDATE cases SET party = $1, reason = $2, wake_at = $3, closing = 0, changed_at = $4 WHERE id = $5",
        &values![party.text(), reason, until, now, id],
    )?;
    slice::end_all(tx, now, id, actor, "wait", reason)?;
    let data = json!({"party": party.text(), "until": until.to_string(), "reason": reason});
    ledger::record(tx, now, event("case.waits", actor).of(id).with(data))?;
    tx.ring(ALARM);
    Ok(())
}

/// The case is theirs until a date; `closing` if an answer was given: then it closes at the date.
#[expect(clippy::too_many_arguments, reason = "the facts of one wait, each once")]
pub fn hand_over(
    tx: &mut Tx<'_>,
    now: Timestamp,
    desk: &Desk,
    id: CaseId,
    actor: Actor,
    until: Timestamp,
    closing: bool,
    reason: &str,
) -> Outcome<()> {
    tx.execute(
        "UPDATE cases SET hand = 'theirs', party = 'customer', reason = $1, wake_at = $2, closing = $3, resolution = NULL,
             changed_at = $4 WHERE id = $5",
        &values![reason, until, closing, now, id],
    )?;
    reminder::set(tx, now, desk, id, until, closing)?;
    let data = json!({"party": "customer", "until": until.to_string(), "closing": closing, "reason": reason});
    ledger::record(tx, now, event("case.waits", actor).of(id).with(data))?;
    tx.ring(ALARM);
    Ok(())
}

/// `wait customer` by hand: refused over an open promise, since a case goes to the customer only with a reply.
pub fn wait_for_customer(
    tx: &mut Tx<'_>,
    now: Timestamp,
    desk: &Desk,
    id: CaseId,
    actor: Actor,
    until: Timestamp,
    reason: &str,
) -> Outcome<()> {
    let case = find(tx, id)?;
    if case.hand != Hand::Theirs {
        return Err(Refusal::conflict(format!(
            "Case {} is not with the customer, so it cannot wait for them. A promise is kept by a reply: \
             `duly reply {} --then \"wait …\"` hands it over.",
            id.0, id.0
        ))
        .into());
    }
    hand_over(tx, now, desk, id, actor, until, case.closing, reason)
}

/// Closes the case. Refused while a promise is open (a bulk act settles nothing) or a reply is under way.
pub fn close(
    tx: &mut Tx<'_>,
    now: Timestamp,
    id: CaseId,
    actor: Actor,
    resolution: &str,
    summary: &str,
) -> Outcome<()> {
    let case = find(tx, id)?;
    if !RESOLUTIONS.contains(&resolution) {
        return Err(Refusal::usage(format!(
            "\"{resolution}\" is no resolution. Say one of: {}.",
            RESOLUTIONS.join(", ")
        ))
        .into());
    }
    if case.hand == Hand::Nobody {
        return Err(Refusal::conflict(format!("Case {} is closed already.", id.0)).into());
    }
    not_under_way(&case)?;
    if let Some(due) = case.reply_by {
        return Err(Refusal::conflict(format!(
            "Case {} owes the customer a reply by {}. Closing does not keep a promise: send the reply with \
             `duly reply {} --then close`, or withdraw it with `duly promise {} --withdraw REASON`.",
            id.0,
            plan::say::stamp(due, &plan::Zone::UTC),
            id.0,
            id.0
        ))
        .into());
    }
    shut(tx, now, id, actor, resolution, summary)
}

/// Closes without asking: what a delivered reply carries, or the closing date.
pub fn shut(tx: &mut Tx<'_>, now: Timestamp, id: CaseId, actor: Actor, resolution: &str, summary: &str) -> Outcome<()> {
    tx.execute(
        "UPDATE cases SET hand = 'nobody', party = NULL, reason = NULL, wake_at = NULL, remind_at = NULL, closing = 0,
             resolution = $1, changed_at = $2 WHERE id = $3",
        &values![resolution, now, id],
    )?;
    slice::end_all(tx, now, id, actor, "close", summary)?;
    let data = json!({"resolution": resolution, "summary": summary});
    ledger::record(tx, now, event("case.closed", actor).of(id).with(data))?;
    Ok(())
}

/// A reply that is on its way decides what happens next; until it has left nothing else may.
pub fn not_under_way(case: &Case) -> Outcome<()> {
    if case.under_way > 0 {
        return Err(Refusal::conflict(format!(
            "A reply to case {} is under way. What it carries takes effect when it is accepted; `duly undo` within ten \
             seconds takes it back.",
            case.id.0
        ))
        .into());
    }
    Ok(())
}

/// The engineer who had it last.
pub fn set_owner(tx: &mut Tx<'_>, id: CaseId, engineer: EngineerId) -> Outcome<()> {
    tx.execute("UPDATE cases SET owner = $1 WHERE id = $2", &values![engineer, id])?;
    Ok(())
}
