//! What the contact's side does in a negotiation: ask for another time, accept one, say that it is fine, keep the old one,
//! take a word back. Who may is decided before.

use super::life::{self, Event, Fits, No, Talk};
use super::ours::{self, Offer};
use super::{
    Heard, New, Said, Step, Way, What, close, follow, lapse_older, life_of, no, offer_until, put, step, tell,
    tell_agreed, tell_ledger, tell_offer, unasked, undo_until, wish_until,
};
use crate::desk::Desk;
use crate::desk::admission::{self, Request, Verdict};
use crate::desk::case::{self, Case};
use crate::desk::ledger::{self, Actor, event};
use crate::desk::promise::{self, Promise};
use crate::refusal::{Outcome, Refusal};
use crate::store::{Tx, values};
use jiff::Timestamp;
use serde_json::{Value as Json, json};

/// The contact asks for another time. What fits is agreed at once; what does not is answered with the earliest that does,
/// and a lead hears of it. The old time stands until then.
pub fn ask(
    tx: &mut Tx<'_>,
    now: Timestamp,
    desk: &Desk,
    way: Way,
    promise: &Promise,
    wish: Timestamp,
) -> Outcome<Heard> {
    let case = case::find(tx, promise.case)?;
    let (life, before) = life_of(tx, promise)?;
    let own = [promise.id];
    let verdict = admission::admit(tx, now, &Request::of(&case, promise.severity, Some(wish), &own))?;
    let later = wish > promise.due;
    let (fits, why) = match verdict {
        Verdict::Granted { why, .. } => (Fits::Yes, why.json()),
        Verdict::Refused { earliest, why } if earliest < promise.due || later => {
            (Fits::Counter(earliest, offer_until(desk, now, earliest)), why.json())
        }
        Verdict::Refused { why, .. } => (Fits::No(wish_until(desk, now, wish, promise.due)), why.json()),
        Verdict::NoDate { why } => {
            let until = wish_until(desk, now, wish, promise.due);
            (Fits::No(until), json!({"rule": "timetable", "no_date": why}))
        }
    };
    let (next, effects) = step(life, now, Event::Ask(wish, fits), promise)?;
    lapse_older(tx, now, promise, before.as_ref())?;
    let by = Actor::Customer;
    let made = follow(tx, now, desk, promise, by, "customer", &effects, &why)?;
    let data = json!({"wish": wish.to_string(), "way": way.text(), "why": why});
    tell_ledger(tx, now, "offer.countered", by, promise, data)?;
    match (next.end, next.talk) {
        (Some(_), _) => {
            let new = New {
                at: Some(wish),
                state: "accepted",
                made,
                undo_until: Some(undo_until(now, &[wish, promise.due])),
                ..New::said("ask", by, way)
            };
            let id = put(tx, now, desk, promise, &new)?;
            tell_agreed(tx, now, desk, &case, promise, wish, Some(id))?;
            Ok(Heard::Agreed(wish))
        }
        (None, Talk::Quiet) => fine_said(tx, now, desk, &case, way, promise),
        (None, talk) => on_the_table(tx, now, desk, &case, way, promise, talk),
    }
}

/// A wish that the count does not grant: our counter-offer, or the lead's decision, is on the table now.
fn on_the_table(
    tx: &mut Tx<'_>,
    now: Timestamp,
    desk: &Desk,
    case: &Case,
    way: Way,
    promise: &Promise,
    talk: Talk,
) -> Outcome<Heard> {
    let wish = life::wish_of(talk);
    let (kind, at, until, by) = match talk {
        Talk::Offered { at, until, .. } => ("offer", Some(at), until, Actor::Desk),
        Talk::Asked { wish, until } => ("ask", Some(wish), until, Actor::Customer),
        Talk::Quiet => return Ok(Heard::Stays(promise.due)),
    };
    let new = New {
        at,
        wish,
        until: Some(until),
        state: "open",
        undo_until: Some(undo_until(now, &[until, promise.due])),
        ..New::said(kind, by, way)
    };
    let id = put(tx, now, desk, promise, &new)?;
    tell::lead_of_wish(tx, now, desk, case, promise, wish.unwrap_or(promise.due), until)?;
    if let Talk::Offered { at, .. } = talk {
        let data = json!({"at": at.to_string(), "until": until.to_string(), "step": id});
        tell_ledger(tx, now, "offer.made", Actor::Desk, promise, data)?;
        tell_offer(tx, now, desk, id)?;
        return Ok(Heard::Countered(at));
    }
    let said = Said {
        due: Some(promise.due),
        wish,
        until: Some(until),
        undo: Some((id, undo_until(now, &[until, promise.due]))),
        ..Said::of(What::Asked)
    };
    tell::tell(tx, now, desk, case, promise.contact, &said)?;
    Ok(Heard::Asked(until))
}

/// The contact takes the time that we offered: by the offer's own link, or by words that are proven. It is tested again;
/// one that has lapsed is a wish.
pub fn accept(tx: &mut Tx<'_>, now: Timestamp, desk: &Desk, way: Way, offered: &Step) -> Outcome<Heard> {
    let (Some(id), Some(at)) = (offered.promise, offered.at) else {
        return Err(Refusal::conflict("Nothing was offered that could be accepted.").into());
    };
    let promise = promise::find(tx, id)?;
    if offered.state == "lapsed" && promise.state == "open" {
        return ask(tx, now, desk, way, &promise, at);
    }
    let (life, open) = life_of(tx, &promise)?;
    let Some(open) = open.filter(|open| open.id == offered.id) else {
        return Err(no(if life.end.is_some() { No::Settled } else { No::Nothing }, &promise).into());
    };
    let case = case::find(tx, promise.case)?;
    let own = [promise.id];
    let verdict = admission::admit(tx, now, &Request::of(&case, promise.severity, Some(at), &own))?;
    let signed = tx.one("SELECT signer FROM negotiation WHERE id = $1", &values![open.id])?;
    let why = match verdict {
        Verdict::Granted { why, .. } => why.json(),
        // A lead has signed for this very time.
        _ if signed.opt_int(0).is_some() => json!({"rule": "signed by a lead"}),
        Verdict::Refused { earliest, .. } if earliest != promise.due => {
            let another = Offer {
                at: earliest,
                reason: "",
                meanwhile: "",
                signed: None,
            };
            let step = ours::offer(tx, now, desk, Actor::Desk, &desk.zone, &promise, &another)?;
            tell_offer(tx, now, desk, step)?;
            return Ok(Heard::Countered(earliest));
        }
        _ => return Ok(Heard::Stays(promise.due)),
    };
    let (_, effects) = step(life, now, Event::Accept, &promise)?;
    if !close(tx, now, open.id, "accepted")? {
        return Err(no(No::Nothing, &promise).into());
    }
    let by = Actor::Customer;
    let made = follow(tx, now, desk, &promise, by, "us", &effects, &why)?;
    let until = undo_until(now, &[at, promise.due]);
    tx.execute(
        "UPDATE negotiation SET made = $1, undo_until = $2 WHERE id = $3",
        &values![made, until, open.id],
    )?;
    let data = json!({"at": at.to_string(), "way": way.text(), "step": open.id});
    tell_ledger(tx, now, "offer.accepted", by, &promise, data)?;
    tell_agreed(tx, now, desk, &case, &promise, at, Some(open.id))?;
    Ok(Heard::Agreed(at))
}

/// The contact says that the promised time is fine.
pub fn fine(tx: &mut Tx<'_>, now: Timestamp, desk: &Desk, way: Way, promise: &Promise) -> Outcome<Heard> {
    let case = case::find(tx, promise.case)?;
    let (life, _) = life_of(tx, promise)?;
    let (_, effects) = step(life, now, Event::Fine, promise)?;
    follow(
        tx,
        now,
        desk,
        promise,
        Actor::Customer,
        "customer",
        &effects,
        &Json::Null,
    )?;
    fine_said(tx, now, desk, &case, way, promise)
}

fn fine_said(tx: &mut Tx<'_>, now: Timestamp, desk: &Desk, case: &Case, way: Way, promise: &Promise) -> Outcome<Heard> {
    put(tx, now, desk, promise, &New::said("fine", Actor::Customer, way))?;
    let data = json!({"due": promise.due.to_string(), "way": way.text()});
    tell_ledger(tx, now, "promise.agreed", Actor::Customer, promise, data)?;
    let said = Said {
        at: Some(promise.due),
        ..Said::of(What::Fine)
    };
    tell::tell(tx, now, desk, case, promise.contact, &said)?;
    Ok(Heard::Stays(promise.due))
}

/// The contact wants the promised time kept, not the one that we offered. A lead hears of it.
pub fn keep(tx: &mut Tx<'_>, now: Timestamp, desk: &Desk, way: Way, promise: &Promise) -> Outcome<Heard> {
    let case = case::find(tx, promise.case)?;
    let (life, open) = life_of(tx, promise)?;
    let (_, effects) = step(life, now, Event::Keep, promise)?;
    if let Some(open) = open {
        close(tx, now, open.id, "refused")?;
    }
    follow(
        tx,
        now,
        desk,
        promise,
        Actor::Customer,
        "customer",
        &effects,
        &Json::Null,
    )?;
    let data = json!({"due": promise.due.to_string(), "way": way.text()});
    tell_ledger(tx, now, "offer.refused", Actor::Customer, promise, data)?;
    tell::lead_of_keep(tx, now, desk, &case, promise)?;
    let said = Said {
        at: Some(promise.due),
        ..Said::of(What::Kept)
    };
    tell::tell(tx, now, desk, &case, promise.contact, &said)?;
    Ok(Heard::Stays(promise.due))
}

/// Takes a step of the customer's side back, while its time has not come: the promise goes to where it was, a wish is gone.
///
/// # Errors
/// [`Kind::Conflict`](crate::refusal::Kind::Conflict) when it is too late; [`Kind::Dishonest`](crate::refusal::Kind::Dishonest) when the time before is no longer free.
pub fn undo(tx: &mut Tx<'_>, now: Timestamp, desk: &Desk, taken: &Step) -> Outcome<Heard> {
    let too_late = || {
        Refusal::conflict(
            "This can be taken back no more. The promised time stands; answer any mail of the case to ask for another.",
        )
    };
    if taken.undo_until.is_none_or(|until| until <= now) {
        return Err(too_late().into());
    }
    let case = case::find(tx, taken.case)?;
    let stays = match (taken.state.as_str(), taken.made, taken.due) {
        ("open", ..) => {
            ours::lapse(tx, now, desk, taken, "it was taken back", "undone")?;
            taken.due
        }
        (_, Some(made), Some(due)) if taken.kind == "offer" || taken.kind == "ask" => {
            let made = promise::find(tx, made)?;
            let (life, open) = life_of(tx, &made)?;
            if made.state != "open" || due <= now {
                return Err(too_late().into());
            }
            let own = [made.id];
            let request = Request::of(&case, made.severity, Some(due), &own);
            admission::insist(tx, now, &request, &desk.zone, false)?;
            let (_, effects) = step(life, now, Event::Ask(due, Fits::Yes), &made)?;
            lapse_older(tx, now, &made, open.as_ref())?;
            let why = json!({"rule": "taken back", "step": taken.id});
            follow(tx, now, desk, &made, Actor::Customer, "customer", &effects, &why)?;
            Some(due)
        }
        ("done", Some(made), _) => {
            promise::withdraw(tx, now, made, Actor::Customer, "taken back")?;
            unasked::after_withdrawal(tx, now, taken.case)?;
            taken.due
        }
        _ => return Err(too_late().into()),
    };
    tx.execute(
        "UPDATE negotiation SET state = 'undone', undo_until = NULL, settled_at = $1 WHERE id = $2",
        &values![now, taken.id],
    )?;
    let entry = event("offer.undone", Actor::Customer)
        .of(taken.case)
        .with(json!({"step": taken.id, "kind": taken.kind}));
    ledger::record(tx, now, entry)?;
    let said = Said {
        due: stays,
        ..Said::of(What::Undone)
    };
    tell::tell(tx, now, desk, &case, taken.contact, &said)?;
    Ok(Heard::Stays(stays.unwrap_or(now)))
}
