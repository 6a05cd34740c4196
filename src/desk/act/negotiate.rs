//! The verb `promise` where it changes a time: offer another one, ask the customer to move, grant or refuse what they asked.

use super::super::admission::{self, Request, Verdict};
use super::super::agreement;
use super::super::case;
use super::super::negotiation::{self, Offer};
use super::super::promise::{self, Promise};
use super::super::verb::{Answer, Bargain, Done, Principal};
use super::super::{CaseId, Desk, EngineerId, PromiseId};
use crate::limits;
use crate::refusal::{Outcome, Refusal};
use crate::store::Tx;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

/// What is asked of a promise.
pub(super) struct Asked {
    pub(super) case: CaseId,
    pub(super) number: Option<i64>,
    pub(super) bargain: Bargain,
    pub(super) time: Option<String>,
    pub(super) because: Option<String>,
    pub(super) meanwhile: Option<String>,
    pub(super) sign: Option<String>,
}

/// Does it.
pub(super) fn negotiate(
    tx: &mut Tx<'_>,
    now: Timestamp,
    desk: &Desk,
    who: &Principal,
    asked: &Asked,
) -> Outcome<Answer> {
    case::not_under_way(&case::find(tx, asked.case)?)?;
    let engineer = who.engineer()?;
    let signed = negotiation::signature(engineer, asked.sign.as_deref())?;
    let promise = chosen(tx, asked)?;
    let because = asked.because.as_deref().unwrap_or("").trim();
    let meanwhile = asked.meanwhile.as_deref().unwrap_or("").trim();
    if [because, meanwhile]
        .iter()
        .any(|words| words.chars().count() > limits::OFFER_REASON_CHARS)
    {
        return Err(Refusal::usage("The reason is one sentence of at most 300 letters: the customer reads it.").into());
    }
    match asked.bargain {
        Bargain::Offer | Bargain::Ask => {
            let at = match &asked.time {
                Some(text) => super::time(text, now, desk, who)?,
                None => later(tx, now, desk, &promise)?,
            };
            if asked.bargain == Bargain::Ask && because.is_empty() {
                return Err(Refusal::usage(
                    "A customer who is asked to move is told why: --because \"the test on your data takes four hours\".",
                )
                .into());
            }
            offer(tx, now, desk, who, &promise, at, (because, meanwhile), signed)
        }
        Bargain::Accept => {
            let at = negotiation::grant(tx, now, desk, who.actor(), &engineer.zone, &promise, signed)?;
            let said = format!(
                "Agreed: the reply to case {} is promised by {}. The customer is told.",
                asked.case.0,
                plan::say::short(at, &engineer.zone, now)
            );
            done(asked.case, said, at)
        }
        Bargain::Refuse => {
            negotiation::decline(tx, now, desk, who.actor(), &promise, because)?;
            let said = format!(
                "Refused: the reply to case {} stays promised by {}. The customer is told.",
                asked.case.0,
                plan::say::short(promise.due, &engineer.zone, now)
            );
            done(asked.case, said, promise.due)
        }
    }
}

#[expect(clippy::too_many_arguments, reason = "the words of one command, each once")]
fn offer(
    tx: &mut Tx<'_>,
    now: Timestamp,
    desk: &Desk,
    who: &Principal,
    promise: &Promise,
    at: Timestamp,
    (reason, meanwhile): (&str, &str),
    signed: Option<(EngineerId, &str)>,
) -> Outcome<Answer> {
    let zone = who.zone(desk);
    let offered = Offer {
        at,
        reason,
        meanwhile,
        signed,
    };
    let step = negotiation::offer(tx, now, desk, who.actor(), zone, promise, &offered)?;
    negotiation::tell_offer(tx, now, desk, step)?;
    let until = negotiation::find(tx, step)?.until.unwrap_or(at);
    let said = format!(
        "{} is offered for case {}. Until the customer accepts, {} stands; the offer lapses at {}.",
        plan::say::short(at, zone, now),
        promise.case.0,
        plan::say::short(promise.due, zone, now),
        plan::say::short(until.min(promise.due), zone, now),
    );
    done(promise.case, said, at)
}

fn done(case: CaseId, said: String, at: Timestamp) -> Outcome<Answer> {
    Ok(Answer::Done(Done {
        case: Some(case.0),
        said,
        data: json!({"at": at.to_string()}),
    }))
}

/// The promise that is meant: the one named, else the one on which the customer waits for an answer, else the earliest.
fn chosen(tx: &mut Tx<'_>, asked: &Asked) -> Outcome<Promise> {
    let open = promise::open_of(tx, asked.case)?;
    let missing = || {
        Refusal::missing(format!(
            "Case {} has no such open promise. `duly promise {}` lists them.",
            asked.case.0, asked.case.0
        ))
    };
    if let Some(number) = asked.number {
        let named = open.into_iter().find(|one| one.id == PromiseId(number));
        return named.ok_or_else(|| missing().into());
    }
    if matches!(asked.bargain, Bargain::Accept | Bargain::Refuse) {
        for promise in open {
            let (life, _) = negotiation::life_of(tx, &promise)?;
            if negotiation::life::wish_of(life.talk).is_some() {
                return Ok(promise);
            }
        }
        return Err(Refusal::conflict(format!(
            "The customer of case {} has asked for no other time, or the wish has lapsed. The promised time stands.",
            asked.case.0
        ))
        .into());
    }
    open.into_iter().next().ok_or_else(|| missing().into())
}

/// The next honest time after the due, half a working day later at least: what a customer is asked to move to.
fn later(tx: &mut Tx<'_>, now: Timestamp, desk: &Desk, promise: &Promise) -> Outcome<Timestamp> {
    let case = case::find(tx, promise.case)?;
    let own = [promise.id];
    let half_a_day = desk.calendar.due(promise.due, SignedDuration::from_hours(4), &[]);
    let after = half_a_day.map_or(promise.due, agreement::to_the_minute);
    match admission::admit(tx, now, &Request::of(&case, promise.severity, None, &own))? {
        Verdict::Granted { at, .. } => Ok(at.max(after)),
        _ => Ok(after),
    }
}
