//! What our side does in a negotiation: offer another time, grant or decline what the contact asked for, let lapse.

use super::life::{self, End, Event, No};
use super::{
    New, STEP, Said, Step, Way, What, close, find, follow, lapse_older, life_of, no, offer_until, put, step, tell,
    tell_agreed, tell_ledger, wish_until,
};
use crate::desk::admission::{self, Request};
use crate::desk::case;
use crate::desk::ledger::Actor;
use crate::desk::promise::{self, Promise};
use crate::desk::{Desk, EngineerId};
use crate::refusal::Outcome;
use crate::store::{Tx, values};
use jiff::Timestamp;
use serde_json::{Value as Json, json};

/// An offer as an engineer, or a rule of the desk, makes it.
#[derive(Debug, Clone, Copy)]
pub struct Offer<'a> {
    /// The time.
    pub at: Timestamp,
    /// One true sentence why; empty if nothing was said.
    pub reason: &'a str,
    /// What is safe until then, one sentence; empty if nothing was said.
    pub meanwhile: &'a str,
    /// A lead's signature, where the time does not fit: who, and why.
    pub signed: Option<(EngineerId, &'a str)>,
}

/// We offer another time; it stands beside the old one until the contact answers. What was on the table before lapses.
///
/// # Errors
/// [`Kind::Dishonest`](crate::refusal::Kind::Dishonest) if the time does not fit and nobody signed; what the table refuses.
pub fn offer(
    tx: &mut Tx<'_>,
    now: Timestamp,
    desk: &Desk,
    by: Actor,
    zone: &plan::Zone,
    promise: &Promise,
    offer: &Offer<'_>,
) -> Outcome<i64> {
    let case = case::find(tx, promise.case)?;
    let (life, before) = life_of(tx, promise)?;
    let until = offer_until(desk, now, offer.at);
    let (next, effects) = step(life, now, Event::Offer(offer.at, until), promise)?;
    let own = [promise.id];
    let request = Request::of(&case, promise.severity, Some(offer.at), &own);
    admission::insist(tx, now, &request, zone, offer.signed.is_some())?;
    lapse_older(tx, now, promise, before.as_ref())?;
    follow(tx, now, desk, promise, by, "us", &effects, &Json::Null)?;
    let new = New {
        at: Some(offer.at),
        wish: life::wish_of(next.talk),
        until: Some(until),
        reason: offer.reason,
        meanwhile: offer.meanwhile,
        signed: offer.signed,
        state: "open",
        ..New::said("offer", by, Way::Desk)
    };
    let id = put(tx, now, desk, promise, &new)?;
    let data = json!({"at": offer.at.to_string(), "until": until.to_string(), "step": id});
    tell_ledger(tx, now, "offer.made", by, promise, data)?;
    if let Some((signer, reason)) = offer.signed {
        let data = json!({"at": offer.at.to_string(), "because": reason});
        tell_ledger(tx, now, "promise.signed", Actor::Engineer(signer), promise, data)?;
    }
    Ok(id)
}

/// Tells the contact of an offer (text C).
pub fn tell_offer(tx: &mut Tx<'_>, now: Timestamp, desk: &Desk, step: i64) -> Outcome<()> {
    let step = find(tx, step)?;
    let case = case::find(tx, step.case)?;
    let words = tx.one(
        "SELECT reason, meanwhile FROM negotiation WHERE id = $1",
        &values![step.id],
    )?;
    let said = Said {
        due: step.due,
        at: step.at,
        wish: step.wish,
        words: words.opt_text(0).unwrap_or_default().to_owned(),
        meanwhile: words.opt_text(1).unwrap_or_default().to_owned(),
        until: step.due.map(|due| wish_until(desk, now, due, due)),
        offer: Some((step.id, step.made_at)),
        ..Said::of(if step.wish.is_some() {
            What::Countered
        } else {
            What::Offered
        })
    };
    tell::tell(tx, now, desk, &case, step.contact, &said)
}

/// We grant what the contact asked for: tested again, and over the test only with a lead's signature.
pub fn grant(
    tx: &mut Tx<'_>,
    now: Timestamp,
    desk: &Desk,
    by: Actor,
    zone: &plan::Zone,
    promise: &Promise,
    signed: Option<(EngineerId, &str)>,
) -> Outcome<Timestamp> {
    let case = case::find(tx, promise.case)?;
    let (life, open) = life_of(tx, promise)?;
    let (next, effects) = step(life, now, Event::Grant, promise)?;
    let (Some(End::Moved(wish)), Some(open)) = (next.end, open) else {
        return Err(no(No::Nothing, promise).into());
    };
    let own = [promise.id];
    let request = Request::of(&case, promise.severity, Some(wish), &own);
    let why = admission::insist(tx, now, &request, zone, signed.is_some())?;
    close(tx, now, open.id, "accepted")?;
    if let Some((signer, reason)) = signed {
        let data = json!({"at": wish.to_string(), "because": reason});
        tell_ledger(tx, now, "promise.signed", Actor::Engineer(signer), promise, data)?;
    }
    let why = why.map_or(Json::Null, |why| why.json());
    follow(tx, now, desk, promise, by, "customer", &effects, &why)?;
    let data = json!({"at": wish.to_string(), "step": open.id});
    tell_ledger(tx, now, "offer.accepted", by, promise, data)?;
    tell_agreed(tx, now, desk, &case, promise, wish, None)?;
    Ok(wish)
}

/// We do not grant it: the old time stands, and the contact is told.
pub fn decline(
    tx: &mut Tx<'_>,
    now: Timestamp,
    desk: &Desk,
    by: Actor,
    promise: &Promise,
    reason: &str,
) -> Outcome<()> {
    let case = case::find(tx, promise.case)?;
    let (life, open) = life_of(tx, promise)?;
    let wish = life::wish_of(life.talk);
    let (_, effects) = step(life, now, Event::Decline, promise)?;
    if let Some(open) = open {
        close(tx, now, open.id, "refused")?;
    }
    follow(tx, now, desk, promise, by, "us", &effects, &Json::Null)?;
    let data = json!({"due": promise.due.to_string(), "because": reason});
    tell_ledger(tx, now, "offer.refused", by, promise, data)?;
    let said = Said {
        due: Some(promise.due),
        wish,
        words: reason.to_owned(),
        ..Said::of(What::Declined)
    };
    tell::tell(tx, now, desk, &case, promise.contact, &said)
}

/// When the next step lapses.
pub fn next(tx: &mut Tx<'_>) -> Outcome<Option<Timestamp>> {
    let row = tx.one("SELECT MIN(until) FROM negotiation WHERE state = 'open'", &[])?;
    Ok(row.opt_instant(0))
}

/// Lets lapse whose time is over; how many there were. An offer lapses in silence: the old time stands, as it said. A wish
/// was promised an answer, and gets it.
pub fn ring(tx: &mut Tx<'_>, now: Timestamp, desk: &Desk, limit: i64) -> Outcome<usize> {
    let rows = tx.query(
        &format!("{STEP} WHERE state = 'open' AND until <= $1 ORDER BY until, id LIMIT $2"),
        &values![now, limit],
    )?;
    for row in &rows {
        lapse(tx, now, desk, &Step::of(row), "its time is over", "lapsed")?;
    }
    Ok(rows.len())
}

pub(super) fn lapse(
    tx: &mut Tx<'_>,
    now: Timestamp,
    desk: &Desk,
    open: &Step,
    because: &'static str,
    state: &'static str,
) -> Outcome<()> {
    let Some(id) = open.promise else { return Ok(()) };
    let promise = promise::find(tx, id)?;
    let (life, _) = life_of(tx, &promise)?;
    if !close(tx, now, open.id, state)? {
        return Ok(());
    }
    if let Ok((_, effects)) = life::step(life, now, Event::Lapse) {
        follow(tx, now, desk, &promise, Actor::Desk, "us", &effects, &Json::Null)?;
    }
    let data = json!({"step": open.id, "because": because});
    tell_ledger(tx, now, "offer.lapsed", Actor::Desk, &promise, data)?;
    if open.kind == "ask" && state == "lapsed" {
        let case = case::find(tx, promise.case)?;
        let said = Said {
            due: Some(promise.due),
            wish: open.at,
            ..Said::of(What::Lapsed)
        };
        tell::tell(tx, now, desk, &case, promise.contact, &said)?;
    }
    Ok(())
}
