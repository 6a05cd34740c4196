//! Negotiation: how the two sides agree on another time for a promise (PRODUCT.md §3.5, §3.6, §3.12).
//!
//! Which step is possible when, and what follows, is the table of [`life`]; here stand the rows, in [`ours`] and [`theirs`] what each
//! side can do, asked of [`admission`] first, with its events. Every step is told to the people of the case as it was understood
//! ([`tell`]). Who may take a step is the doors' business: a link's power is [`link`]'s, what words of a mail may do is
//! [`hear`]'s.

pub mod hear;
pub mod life;
pub mod link;
mod ours;
mod tell;
mod theirs;
mod unasked;

pub use ours::{Offer, decline, grant, next, offer, ring, tell_offer};
pub use tell::{Said, What, choices};
pub use theirs::{accept, ask, fine, keep, undo};
pub use unasked::{Delivered, did_not_help, got_worse, latest_reply, unneeded};

use super::admission;
use super::case::Case;
use super::engineer::{Engineer, Role};
use super::ledger::{self, Actor, event};
use super::promise::{self, Promise};
use super::{ALARM, CaseId, ContactId, Desk, EngineerId, PromiseId};
use crate::limits;
use crate::refusal::{Outcome, Refusal};
use crate::store::{Row, Tx, values};
use jiff::{SignedDuration, Timestamp};
use life::{Effect, End, Event, Life, No, Talk};
use serde_json::{Value as Json, json};

/// How somebody of the customer's side was heard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// Words on the first line of a proven mail.
    Mail,
    /// A page behind a link.
    Link,
    /// An answer of a calendar, in a proven mail.
    Calendar,
    /// Our side: command line, page, rule.
    Desk,
}

impl Way {
    /// As it stands in the table and the ledger.
    pub fn text(self) -> &'static str {
        match self {
            Way::Mail => "mail",
            Way::Link => "link",
            Way::Calendar => "calendar",
            Way::Desk => "desk",
        }
    }
}

/// One thing that was said about a promise.
#[derive(Debug, Clone)]
pub struct Step {
    /// Its number.
    pub id: i64,
    /// The case.
    pub case: CaseId,
    /// The promise it is about.
    pub promise: Option<PromiseId>,
    /// Whose promise it is.
    pub contact: ContactId,
    /// offer, ask, fine, keep, worse, disputed, unneeded.
    pub kind: String,
    /// The due that stood then.
    pub due: Option<Timestamp>,
    /// The time that was named.
    pub at: Option<Timestamp>,
    /// The time that the contact had asked for, where we named another.
    pub wish: Option<Timestamp>,
    /// open, accepted, refused, lapsed, done, undone.
    pub state: String,
    /// When it was said.
    pub made_at: Timestamp,
    /// When it lapses.
    pub until: Option<Timestamp>,
    /// The promise that it made.
    pub made: Option<PromiseId>,
    /// Until when it can be taken back.
    pub undo_until: Option<Timestamp>,
}

// A promise may have gone into another case meanwhile: what is said of it is said there.
const STEP: &str =
    "SELECT id, COALESCE((SELECT p.case_id FROM promise p WHERE p.id = negotiation.promise), case_id), promise,
         contact, kind, due, at, wish, state, made_at, until, made, undo_until
     FROM negotiation";

impl Step {
    fn of(row: &Row) -> Step {
        Step {
            id: row.int(0),
            case: CaseId(row.int(1)),
            promise: row.opt_int(2).map(PromiseId),
            contact: ContactId(row.int(3)),
            kind: row.text(4).to_owned(),
            due: row.opt_instant(5),
            at: row.opt_instant(6),
            wish: row.opt_instant(7),
            state: row.text(8).to_owned(),
            made_at: row.instant(9),
            until: row.opt_instant(10),
            made: row.opt_int(11).map(PromiseId),
            undo_until: row.opt_instant(12),
        }
    }

    fn talk(&self) -> Talk {
        match (self.kind.as_str(), self.at, self.until) {
            ("offer", Some(at), Some(until)) => Talk::Offered {
                at,
                until,
                wish: self.wish,
            },
            ("ask", Some(wish), Some(until)) => Talk::Asked { wish, until },
            _ => Talk::Quiet,
        }
    }
}

/// The step with this number.
pub fn find(tx: &mut Tx<'_>, id: i64) -> Outcome<Step> {
    Ok(Step::of(&tx.one(&format!("{STEP} WHERE id = $1"), &values![id])?))
}

/// What is on the table beside a promise's due.
pub fn open_of(tx: &mut Tx<'_>, promise: PromiseId) -> Outcome<Option<Step>> {
    let row = tx.first(
        &format!("{STEP} WHERE promise = $1 AND state = 'open'"),
        &values![promise],
    )?;
    Ok(row.as_ref().map(Step::of))
}

/// A promise as the table of [`life`] sees it, with what is on the table.
pub fn life_of(tx: &mut Tx<'_>, promise: &Promise) -> Outcome<(Life, Option<Step>)> {
    let step = open_of(tx, promise.id)?;
    let end = match promise.state.as_str() {
        "open" => None,
        "kept" => Some(End::Kept(promise.due)),
        "moved" => Some(End::Moved(promise.made_at)),
        "broken" => Some(End::Broken),
        _ => Some(End::Withdrawn),
    };
    let life = Life {
        made: promise.made_at,
        due: promise.due,
        word: promise.word,
        talk: step.as_ref().map_or(Talk::Quiet, Step::talk),
        end,
    };
    Ok((life, step))
}

/// A step that is about to be written.
struct New<'a> {
    kind: &'static str,
    by: Actor,
    way: Way,
    at: Option<Timestamp>,
    wish: Option<Timestamp>,
    until: Option<Timestamp>,
    reason: &'a str,
    meanwhile: &'a str,
    signed: Option<(EngineerId, &'a str)>,
    state: &'static str,
    made: Option<PromiseId>,
    undo_until: Option<Timestamp>,
}

impl New<'_> {
    fn said(kind: &'static str, by: Actor, way: Way) -> New<'static> {
        New {
            kind,
            by,
            way,
            at: None,
            wish: None,
            until: None,
            reason: "",
            meanwhile: "",
            signed: None,
            state: "done",
            made: None,
            undo_until: None,
        }
    }
}

fn put(tx: &mut Tx<'_>, now: Timestamp, desk: &Desk, promise: &Promise, new: &New<'_>) -> Outcome<i64> {
    let id = tx.insert(
        "INSERT INTO negotiation (case_id, promise, contact, kind, said_by, way, due, at, wish, reason, meanwhile, signer, signature,
             state, made_at, until, settled_at, made, undo_until)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)",
        &values![
            promise.case,
            promise.id,
            promise.contact,
            new.kind,
            new.by.text(),
            new.way.text(),
            promise.due,
            new.at,
            new.wish,
            new.reason,
            new.meanwhile,
            new.signed.map(|(signer, _)| signer),
            new.signed.map(|(_, reason)| reason),
            new.state,
            now,
            new.until,
            (new.state != "open").then_some(now),
            new.made,
            new.undo_until
        ],
    )?;
    if new.kind == "offer" {
        let hash = link::hash(&link::token(desk, id, now));
        tx.execute("UPDATE negotiation SET hash = $1 WHERE id = $2", &values![hash, id])?;
    }
    Ok(id)
}

/// Ends an open step; false if it was not open.
fn close(tx: &mut Tx<'_>, now: Timestamp, step: i64, state: &'static str) -> Outcome<bool> {
    let closed = tx.execute(
        "UPDATE negotiation SET state = $1, settled_at = $2 WHERE id = $3 AND state = 'open'",
        &values![state, now, step],
    )?;
    Ok(closed > 0)
}

fn tell_ledger(
    tx: &mut Tx<'_>,
    now: Timestamp,
    kind: &'static str,
    by: Actor,
    promise: &Promise,
    data: Json,
) -> Outcome<()> {
    let entry = event(kind, by).of(promise.case).promise(promise.id).with(data);
    ledger::record(tx, now, entry)?;
    Ok(())
}

/// The promise was settled while something was on the table: that lapses with it. Its own step says what became of it.
pub(super) fn over(tx: &mut Tx<'_>, now: Timestamp, promise: &Promise, settled: &'static str) -> Outcome<()> {
    let Some(step) = open_of(tx, promise.id)? else {
        return Ok(());
    };
    close(tx, now, step.id, "lapsed")?;
    let data = json!({"because": format!("the promise is {settled}")});
    tell_ledger(tx, now, "offer.lapsed", Actor::Desk, promise, data)
}

/// Does what follows from a step; the promise that it made, if one was.
#[expect(clippy::too_many_arguments, reason = "the facts of one step, each once")]
fn follow(
    tx: &mut Tx<'_>,
    now: Timestamp,
    desk: &Desk,
    promise: &Promise,
    by: Actor,
    asked_by: &'static str,
    effects: &[Effect],
    why: &Json,
) -> Outcome<Option<PromiseId>> {
    let mut made = None;
    for effect in effects {
        match *effect {
            Effect::Reserve(at) => admission::count(tx, promise.id, Some(at.min(promise.due)))?,
            Effect::Release => admission::count(tx, promise.id, Some(promise.due))?,
            Effect::Say(word) => {
                tx.execute(
                    "UPDATE promise SET word = $1, agreed_at = COALESCE(agreed_at, $2) WHERE id = $3",
                    &values![word.text(), (word == life::Word::Agreed).then_some(now), promise.id],
                )?;
            }
            Effect::Make(to, _) => {
                made = Some(promise::move_to(tx, now, desk, promise, to, by, asked_by, why.clone())?);
            }
            // Moving settles and makes in one; leads are told where the words are; the rest is the promise's own business.
            Effect::Settle(_) | Effect::Lead | Effect::MakeEarliest | Effect::Reopen => {}
        }
    }
    tx.ring(ALARM);
    Ok(made)
}

/// What is impossible now, in words.
fn no(no: No, promise: &Promise) -> Refusal {
    match no {
        No::Settled => Refusal::conflict(format!(
            "This promise is {} already; what is settled stays.",
            promise.state
        )),
        No::Past => Refusal::usage(
            "That time is over already, or the promise is due. The promised time stands. Name a time to come.",
        ),
        No::Same => Refusal::usage("This is the time that is promised already."),
        No::Nothing | No::NotNow => Refusal::conflict(
            "Nothing is on the table that this could answer: it was answered, or it has lapsed. The promised time stands.",
        ),
    }
}

fn step(life: Life, now: Timestamp, event: Event, promise: &Promise) -> Outcome<(Life, Vec<Effect>)> {
    life::step(life, now, event).map_err(|cause| no(cause, promise).into())
}

/// When an offer by mail lapses: two business days, or the time that it names.
fn offer_until(desk: &Desk, now: Timestamp, at: Timestamp) -> Timestamp {
    let days = desk.calendar.closing_of_business_day(now, limits::OFFER_BUSINESS_DAYS);
    days.map_or(at, |days| days.min(at))
}

/// Until when the contact hears what became of a wish that the count did not grant.
fn wish_until(desk: &Desk, now: Timestamp, wish: Timestamp, due: Timestamp) -> Timestamp {
    let hour = desk
        .calendar
        .due(now, SignedDuration::from_mins(limits::WISH_MINUTES), &[]);
    hour.map_or(due, super::agreement::to_the_minute).min(wish).min(due)
}

fn undo_until(now: Timestamp, times: &[Timestamp]) -> Timestamp {
    let day = now + SignedDuration::from_hours(limits::STEP_UNDO_HOURS);
    times.iter().copied().fold(day, Timestamp::min)
}

fn lapse_older(tx: &mut Tx<'_>, now: Timestamp, promise: &Promise, before: Option<&Step>) -> Outcome<()> {
    let Some(before) = before else { return Ok(()) };
    close(tx, now, before.id, "lapsed")?;
    let data = json!({"step": before.id, "because": "a newer word"});
    tell_ledger(tx, now, "offer.lapsed", Actor::Desk, promise, data)
}

/// What became of a word of the customer's side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Heard {
    /// Both sides agreed: we reply by then.
    Agreed(Timestamp),
    /// It does not fit; this time does, and is offered.
    Countered(Timestamp),
    /// It does not fit; a lead decides until then.
    Asked(Timestamp),
    /// The promised time stays.
    Stays(Timestamp),
}

fn tell_agreed(
    tx: &mut Tx<'_>,
    now: Timestamp,
    desk: &Desk,
    case: &Case,
    promise: &Promise,
    at: Timestamp,
    undo: Option<i64>,
) -> Outcome<()> {
    let said = Said {
        due: Some(promise.due),
        at: Some(at),
        undo: undo.map(|id| (id, undo_until(now, &[at, promise.due]))),
        ..Said::of(What::Agreed)
    };
    tell::tell(tx, now, desk, case, promise.contact, &said)
}

/// A lead's signature over the test of admission; nobody else can give one.
///
/// # Errors
/// An engineer who is no lead, or a signature without a reason.
pub fn signature<'a>(engineer: &Engineer, reason: Option<&'a str>) -> Outcome<Option<(EngineerId, &'a str)>> {
    let Some(reason) = reason.map(str::trim) else {
        return Ok(None);
    };
    if engineer.role == Role::Engineer {
        return Err(Refusal::forbidden(
            "Only a lead signs for a time that the count does not grant. Nothing was promised. Ask one: `duly cpu` lists them.",
        )
        .into());
    }
    match reason.is_empty() {
        true => Err(Refusal::usage("A signature has a reason, which the ledger keeps: --sign REASON.").into()),
        false => Ok(Some((engineer.id, reason))),
    }
}
