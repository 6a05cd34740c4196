//! Replies: what keeps a promise, and what they carry.
//!
//! A reply names the messages it answers and says what happens next: close, wait for the customer, or owe the next word.
//! Nothing of that takes effect when it is written: only when it counts as delivered, that is when the first server outside
//! took it for every contact who asked (PRODUCT.md §3.3). Until then the case is ours, *reply under way*; undo or failure
//! drops what it carries, and the promise is still open.

use super::admission::{self, Request};
use super::bounce::{self, Bounced};
use super::case::{self, Case, Hand};
use super::engineer::Engineer;
use super::ledger::{self, Actor, event};
use super::outbox::{self, Ended};
use super::promise::{self, Promise};
use super::{
    ALARM, CaseId, ContactId, Desk, EngineerId, MessageNo, PromiseId, addressing, agreement, invitation, message,
    notice, slice, thread, upload,
};
use crate::limits;
use crate::refusal::{Outcome, Refusal};
use crate::store::{Tx, values};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::json;

/// What kind of useful reply it is (PRODUCT.md §3.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Solution or suggestion.
    Answer,
    /// A question with its reason.
    Question,
    /// What was found, the next step, the next time.
    Finding,
}

impl Kind {
    /// As it stands in the table and in commands.
    pub fn text(self) -> &'static str {
        match self {
            Kind::Answer => "answer",
            Kind::Question => "question",
            Kind::Finding => "finding",
        }
    }
}

impl std::str::FromStr for Kind {
    type Err = Refusal;
    fn from_str(text: &str) -> Result<Kind, Refusal> {
        match text {
            "answer" => Ok(Kind::Answer),
            "question" => Ok(Kind::Question),
            "finding" => Ok(Kind::Finding),
            other => Err(Refusal::usage(format!(
                "\"{other}\" is no kind of reply that keeps a promise. Say answer, question or finding."
            ))),
        }
    }
}

/// What happens once it is delivered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Next {
    /// The case closes with this resolution.
    Close(String),
    /// We owe the next word by then.
    Owe(Timestamp),
    /// The case is theirs until then; after an answer it closes then.
    Wait(Timestamp),
}

/// A reply as an engineer gives it.
#[derive(Debug, Clone)]
pub struct Draft {
    /// The case.
    pub case: CaseId,
    /// The words.
    pub text: String,
    /// See [`Kind`].
    pub kind: Kind,
    /// See [`Next`].
    pub next: Next,
    /// Messages it answers; none given means all open ones.
    pub answers: Vec<MessageNo>,
    /// Send although the case changed since it was read.
    pub force_stale: bool,
    /// Keys of files that go with it, as links.
    pub files: Vec<String>,
    /// A lead's reason to owe a time that does not fit.
    pub sign: Option<String>,
}

/// What became of a draft.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Written {
    /// The message.
    pub message: i64,
    /// The case.
    pub case: i64,
    /// Its Message-ID.
    pub message_id: String,
    /// Whom it goes to.
    pub recipients: Vec<String>,
    /// When it leaves: until then `undo` takes it back.
    pub leaves_at: Timestamp,
    /// Promises that it keeps if it is accepted in time.
    pub keeps: Vec<i64>,
    /// Recipients that refused our mail for good before: they will probably not read this.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub bounced: Vec<Bounced>,
}

/// Writes a reply: message, outbox rows and event in one transaction; held for the undo.
pub fn write(tx: &mut Tx<'_>, now: Timestamp, desk: &Desk, engineer: &Engineer, draft: &Draft) -> Outcome<Written> {
    let case = case::find(tx, draft.case)?;
    check(tx, now, engineer, &case, draft)?;
    let open = promise::open_of(tx, case.id)?;
    let kept = chosen(&open, &draft.answers)?;
    let signed = super::negotiation::signature(engineer, draft.sign.as_deref())?;
    if let Next::Owe(at) = draft.next {
        let freed: Vec<PromiseId> = kept.iter().map(|one| one.id).collect();
        let request = Request::of(&case, case.severity, Some(at), &freed);
        admission::insist(tx, now, &request, &engineer.zone, signed.is_some())?;
    }
    let mut askers: Vec<ContactId> = kept.iter().map(|promise| promise.contact).collect();
    if askers.is_empty() {
        askers.push(promise::asker(tx, case.id)?);
    }
    askers.sort_unstable();
    askers.dedup();
    let author = (engineer.name.as_str(), engineer.address.as_str());
    let number = message::written(
        tx,
        now,
        case.id,
        engineer.id,
        author,
        "out",
        draft.kind.text(),
        &case.subject,
        &draft.text,
    )?;
    let id = outbox::message_id(desk, Some(case.id), number);
    tx.execute(
        "UPDATE message SET message_id = $1 WHERE id = $2",
        &values![id.as_str(), number],
    )?;
    thread::learn(tx, case.id, Some(&id), &[])?;
    let files = upload::attach(tx, case.id, engineer.id, number, &draft.files)?;
    let (enclosed, linked) = upload::parted(desk, files)?;
    let keeps: Vec<i64> = kept.iter().map(|promise| promise.id.0).collect();
    tx.execute(
        "INSERT INTO reply (message, case_id, engineer, kind, answers, next, state) VALUES ($1, $2, $3, $4, $5, $6, 'under way')",
        &values![
            number,
            case.id,
            engineer.id,
            draft.kind.text(),
            serde_json::to_string(&keeps).map_err(anyhow::Error::from)?,
            serde_json::to_string(&draft.next).map_err(anyhow::Error::from)?
        ],
    )?;
    if let Next::Owe(at) = draft.next {
        admission::book_reply(tx, &case, number, at)?;
    }
    tx.execute(
        "UPDATE cases SET under_way = under_way + 1, changed_at = $1 WHERE id = $2",
        &values![now, case.id],
    )?;
    slice::end(tx, now, engineer.id, case.id, Actor::Engineer(engineer.id), "reply", "")?;
    case::set_owner(tx, case.id, engineer.id)?;
    let leaves_at = now + SignedDuration::from_secs(limits::HOLD_SECONDS);
    // Whoever still waits for another answer keeps their calendar entry.
    let left: Vec<ContactId> = open
        .iter()
        .filter(|one| kept.iter().all(|kept| kept.id != one.id))
        .map(|one| one.contact)
        .collect();
    let recipients = addressing::address_all(
        tx,
        now,
        desk,
        engineer,
        &case,
        draft,
        (&enclosed, &linked),
        number,
        &askers,
        &left,
        leaves_at,
    )?;
    let mut bounced = Vec::new();
    for address in &recipients {
        bounced.extend(bounce::of_address(tx, address)?);
    }
    if let (Next::Owe(at), Some((signer, reason))) = (&draft.next, signed) {
        let data = json!({"at": at.to_string(), "because": reason});
        let entry = event("promise.signed", Actor::Engineer(signer))
            .of(case.id)
            .message(number);
        ledger::record(tx, now, entry.with(data))?;
    }
    let data = json!({"kind": draft.kind.text(), "keeps": keeps, "next": draft.next});
    ledger::record(
        tx,
        now,
        event("mail.written", Actor::Engineer(engineer.id))
            .of(case.id)
            .message(number)
            .with(data),
    )?;
    Ok(Written {
        message: number.0,
        case: case.id.0,
        message_id: id,
        recipients,
        leaves_at,
        keeps,
        bounced,
    })
}

fn check(tx: &mut Tx<'_>, now: Timestamp, engineer: &Engineer, case: &Case, draft: &Draft) -> Outcome<()> {
    if draft.text.trim().is_empty() {
        return Err(Refusal::usage("A reply needs words: an empty one keeps no promise.").into());
    }
    if draft.text.len() > limits::REPLY_BYTES {
        return Err(Refusal::usage("This reply is longer than 1 MB. Send what is long as a file.").into());
    }
    if case.hand == Hand::Unsorted {
        return Err(Refusal::conflict(format!(
            "Case {} is unsorted: its sender is not verified. `duly spool release {}` takes it on.",
            case.id.0, case.id.0
        ))
        .into());
    }
    if draft.kind == Kind::Finding && !matches!(draft.next, Next::Owe(_)) {
        return Err(
            Refusal::usage("A finding says when the next word comes. Add it: --then \"owe wed 10:00\".").into(),
        );
    }
    if let Next::Owe(at) | Next::Wait(at) = draft.next
        && at <= now
    {
        let at = plan::say::stamp(at, &engineer.zone);
        return Err(Refusal::usage(format!("{at} is over already. Name a time to come.")).into());
    }
    if !draft.force_stale {
        stale(tx, engineer, case)?;
    }
    Ok(())
}

/// The newest words of a person are answered since the engineer's slice began: by a colleague, or by the engineer's own
/// reply that is still on its way (a command given twice). That reply stands, this one would be the second.
fn stale(tx: &mut Tx<'_>, engineer: &Engineer, case: &Case) -> Outcome<()> {
    let colleague = tx.first(
        "SELECT m.author, m.at FROM message m JOIN reply r ON r.message = m.id
         WHERE m.case_id = $1 AND r.state <> 'undone' AND (m.engineer <> $2 OR r.state = 'under way')
           AND m.at >= COALESCE((SELECT MAX(s.began_at) FROM slice s WHERE s.case_id = $1 AND s.engineer = $2), 0)
           AND m.id > COALESCE((SELECT MAX(i.id) FROM message i WHERE i.case_id = $1 AND i.way = 'in'
               AND i.auto IN ('no', 'list') AND i.spool_reason IS NULL), 0)
         ORDER BY m.id DESC LIMIT 1",
        &values![case.id, engineer.id],
    )?;
    match colleague {
        Some(row) => Err(Refusal::conflict(format!(
            "{} replied to case {} at {}, after you had read it. See `duly show {}`; send anyway with --force-stale.",
            row.text(0),
            case.id.0,
            plan::say::stamp(row.instant(1), &engineer.zone),
            case.id.0
        ))
        .into()),
        None => Ok(()),
    }
}

fn chosen(open: &[Promise], answers: &[MessageNo]) -> Outcome<Vec<Promise>> {
    if answers.is_empty() {
        return Ok(open.to_vec());
    }
    let kept: Vec<Promise> = open
        .iter()
        .filter(|one| one.message.is_some_and(|message| answers.contains(&message)))
        .cloned()
        .collect();
    match kept.len() == answers.len() {
        true => Ok(kept),
        false => Err(Refusal::usage(
            "--answers names a message that has no open promise in this case. `duly show` lists them with their numbers.",
        )
        .into()),
    }
}

/// A reply as its outcome needs it.
pub(super) struct UnderWay {
    case: CaseId,
    engineer: EngineerId,
    kind: String,
    keeps: Vec<PromiseId>,
    next: Next,
    state: String,
}

pub(super) fn find(tx: &mut Tx<'_>, message: MessageNo) -> Outcome<Option<UnderWay>> {
    let row = tx.first(
        "SELECT case_id, engineer, kind, answers, next, state FROM reply WHERE message = $1",
        &values![message],
    )?;
    row.map(|row| {
        let keeps: Vec<i64> = serde_json::from_str(row.text(3)).map_err(anyhow::Error::from)?;
        Ok(UnderWay {
            case: CaseId(row.int(0)),
            engineer: EngineerId(row.int(1)),
            kind: row.text(2).to_owned(),
            keeps: keeps.into_iter().map(PromiseId).collect(),
            next: serde_json::from_str(row.text(4)).map_err(anyhow::Error::from)?,
            state: row.text(5).to_owned(),
        })
    })
    .transpose()
}

/// One recipient's row has moved: keep that contact's promises, and once everybody who asked has it, do what it carries.
pub fn progress(
    tx: &mut Tx<'_>,
    now: Timestamp,
    desk: &Desk,
    message: MessageNo,
    contact: Option<ContactId>,
    first_try: Timestamp,
    how: &Ended,
) -> Outcome<()> {
    let Some(reply) = find(tx, message)? else { return Ok(()) };
    let by = Actor::Engineer(reply.engineer);
    let in_time_at = match how {
        Ended::Accepted => Some(now),
        Ended::Deferred {
            by_their_server: true, ..
        } => Some(first_try),
        _ => None,
    };
    if let (Some(at), Some(contact)) = (in_time_at, contact) {
        for id in &reply.keeps {
            let promise = promise::find(tx, *id)?;
            // A deferral keeps only what the first attempt was in time for; what is late is the timer's.
            let counts = matches!(how, Ended::Accepted) || at <= promise.due;
            if promise.contact != contact || !counts {
                continue;
            }
            let kept = promise.state == "open" && promise::keep(tx, now, desk, *id, message, at, by)?;
            // A late reply still answers: what was promised anew for the same message after the break is kept by it.
            let broken = !kept && (promise.state == "broken" || promise.state == "open");
            if broken && matches!(how, Ended::Accepted) {
                keep_successor(tx, now, desk, &promise, message, by)?;
            }
        }
    }
    if reply.state != "under way" {
        return Ok(());
    }
    if let (Ended::Failed, Some(contact)) = (how, contact) {
        return failed(tx, now, desk, message, &reply, contact);
    }
    let rows = tx.one(
        "SELECT COUNT(CASE WHEN state NOT IN ('accepted', 'failed') THEN 1 END), COUNT(CASE WHEN state = 'failed' THEN 1 END)
         FROM outbox WHERE message = $1 AND contact IS NOT NULL",
        &values![message],
    )?;
    match (rows.int(0), rows.int(1)) {
        (0, 0) => delivered(tx, now, desk, message, &reply),
        // One copy was sent again and arrived, another that somebody asked for is still refused.
        (0, _) => end_way(tx, message, &reply, "failed"),
        _ => Ok(()),
    }
}

fn keep_successor(
    tx: &mut Tx<'_>,
    now: Timestamp,
    desk: &Desk,
    broken: &Promise,
    message: MessageNo,
    by: Actor,
) -> Outcome<()> {
    for open in promise::open_of(tx, broken.case)? {
        if open.message == broken.message && open.contact == broken.contact && open.made_at >= broken.due {
            promise::keep(tx, now, desk, open.id, message, now, by)?;
        }
    }
    Ok(())
}

fn delivered(tx: &mut Tx<'_>, now: Timestamp, desk: &Desk, message: MessageNo, reply: &UnderWay) -> Outcome<()> {
    end_way(tx, message, reply, "delivered")?;
    let by = Actor::Engineer(reply.engineer);
    ledger::record(
        tx,
        now,
        event("reply.delivered", by)
            .of(reply.case)
            .message(message)
            .with(json!({"kind": reply.kind})),
    )?;
    let case = case::find(tx, reply.case)?;
    match &reply.next {
        Next::Owe(at) => {
            let contact = promise::asker(tx, reply.case)?;
            let under = agreement::in_force(tx, desk, reply.case, contact, now)?.under();
            let new = promise::New {
                case: reply.case,
                message: None,
                contact,
                severity: case.severity,
                made_at: now,
                due: *at,
                basis: "owed",
                why: json!({"rule": "said in a reply", "message": message.0}),
                under,
            };
            promise::make(tx, now, by, &new)?;
            if case.hand != Hand::Ours {
                case::wake(tx, now, &case, by, "next word owed")?;
            }
            Ok(())
        }
        // Mail that came meanwhile has its own promise: the case stays ours.
        _ if case.reply_by.is_some() => Ok(()),
        Next::Close(resolution) => case::shut(tx, now, reply.case, by, resolution, "closed with the reply"),
        Next::Wait(until) => case::hand_over(
            tx,
            now,
            desk,
            reply.case,
            by,
            *until,
            reply.kind == "answer",
            "asked in the reply",
        ),
    }
}

/// A reply that did not reach who asked, whether it was refused or came back: what it carried is dropped, what it kept
/// for them is open again with its old due, and the case is ours.
fn failed(
    tx: &mut Tx<'_>,
    now: Timestamp,
    desk: &Desk,
    message: MessageNo,
    reply: &UnderWay,
    contact: ContactId,
) -> Outcome<()> {
    end_way(tx, message, reply, "failed")?;
    for promise in promise::kept_by(tx, message)? {
        if contact == promise.contact {
            promise::reopen(tx, now, desk, &promise)?;
        }
    }
    let entry = event("reply.failed", Actor::Desk).of(reply.case).message(message);
    ledger::record(tx, now, entry)?;
    let case = case::find(tx, reply.case)?;
    case::wake(tx, now, &case, Actor::Desk, "reply failed")?;
    // A reply that kept nothing (a further word to a case of theirs) still has to be said anew.
    if case.reply_by.is_none() {
        promise::next_word(tx, now, desk, reply.case, case.severity, Actor::Desk)?;
    }
    tx.ring(ALARM);
    let case = case::find(tx, reply.case)?;
    notice::needs(tx, now, desk, &case, reply.engineer, notice::FAILED)
}

pub(super) fn end_way(tx: &mut Tx<'_>, message: MessageNo, reply: &UnderWay, state: &str) -> Outcome<()> {
    tx.execute(
        "UPDATE reply SET state = $1 WHERE message = $2",
        &values![state, message],
    )?;
    if matches!(state, "undone" | "failed") {
        invitation::not_said(tx, message)?;
    }
    admission::free_reply(tx, message)?;
    if reply.state == "under way" {
        tx.execute(
            "UPDATE cases SET under_way = under_way - 1 WHERE id = $1",
            &values![reply.case],
        )?;
    }
    Ok(())
}

/// A reply came back for good after it was accepted. A copy to somebody who only read along keeps and breaks nothing.
pub fn came_back(
    tx: &mut Tx<'_>,
    now: Timestamp,
    desk: &Desk,
    message: MessageNo,
    contact: Option<ContactId>,
) -> Outcome<()> {
    match (find(tx, message)?, contact) {
        (Some(reply), Some(contact)) => failed(tx, now, desk, message, &reply, contact),
        _ => Ok(()),
    }
}

/// A failed reply is sent again by hand: what it carries takes effect after all once it is delivered.
pub fn tried_again(tx: &mut Tx<'_>, message: MessageNo) -> Outcome<()> {
    let failed = tx.first(
        "UPDATE reply SET state = 'under way' WHERE message = $1 AND state = 'failed' RETURNING case_id",
        &values![message],
    )?;
    if let Some(row) = failed {
        tx.execute(
            "UPDATE cases SET under_way = under_way + 1 WHERE id = $1",
            &values![CaseId(row.int(0))],
        )?;
    }
    Ok(())
}
