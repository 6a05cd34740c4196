//! Verbs that change something: each in one transaction, each says in words what it did.
//!
//! Reading verbs, who may ask, and what comes back stand in [`verb`](super::verb). The rules are the nouns'; here words
//! become arguments: times are read in the zone of whoever asks.

mod agreed;
mod composed;
mod negotiate;
mod people;
mod time;

use super::case::{self, Party};
use super::customer;
use super::engineer::Engineer;
use super::queue;
use super::reply::{self, Draft, Kind, Next};
use super::schedule::bound;
use super::verb::{Answer, Bargain, Done, Principal, SliceAnswer, Verb};
use super::{
    CaseId, Desk, MessageNo, PromiseId, agreement, automatic, merge, message, outbox, participant, probe, promise,
    slice, spool, staged, undo,
};
use crate::limits;
use crate::refusal::{Outcome, Refusal};
use crate::store::{Tx, values};
use jiff::Timestamp;
use serde_json::json;

/// Does a verb that changes something, inside the transaction of the writer.
pub fn act(tx: &mut Tx<'_>, now: Timestamp, desk: &Desk, who: &Principal, verb: Verb) -> Outcome<Answer> {
    match verb {
        Verb::Next => next(tx, now, who.engineer()?),
        Verb::Skip { reason } => {
            let case = slice::skip(tx, now, who.engineer()?, &reason)?;
            done(case, format!("Case {} is handed back: {reason}", case.0))
        }
        verb @ Verb::Reply { .. } => {
            let draft = draft(now, desk, who, verb)?;
            reply(tx, now, desk, who, &draft)
        }
        verb @ (Verb::Draft(_) | Verb::DraftDrop { .. } | Verb::Composed { .. }) => {
            composed::act(tx, now, desk, who, verb)
        }
        verb @ (Verb::Save { .. } | Verb::Stage { .. }) => staged::act(tx, now, who, verb),
        Verb::Note { case, text } => note(tx, now, who.engineer()?, CaseId(case), &text),
        Verb::Wait {
            case,
            party,
            until,
            because,
            tell,
            anyway,
        } => wait(tx, now, desk, who, CaseId(case), &party, &until, because, tell, anyway),
        Verb::Wake { case } => {
            case::wake_with_promise(tx, now, desk, CaseId(case), who.actor(), "woken by hand")?;
            done(CaseId(case), format!("Case {case} is ours and ready."))
        }
        Verb::Close {
            case,
            resolution,
            because,
        } => {
            let resolution = resolution.unwrap_or_else(|| "answered".into());
            let summary = because.unwrap_or_default();
            close(tx, now, desk, who, CaseId(case), &resolution, &summary)
        }
        Verb::Promise {
            case,
            offer: Some(time),
            withdraw: None,
            number,
        } => {
            let asked = negotiate::Asked {
                case: CaseId(case),
                number,
                bargain: Bargain::Offer,
                time: Some(time),
                because: None,
                meanwhile: None,
                sign: None,
            };
            negotiate::negotiate(tx, now, desk, who, &asked)
        }
        Verb::Promise {
            case, withdraw, number, ..
        } => change_promise(tx, now, who, CaseId(case), withdraw, number),
        Verb::Negotiate {
            case,
            number,
            bargain,
            time,
            because,
            meanwhile,
            sign,
        } => {
            let case = CaseId(case);
            let asked = negotiate::Asked {
                case,
                number,
                bargain,
                time,
                because,
                meanwhile,
                sign,
            };
            negotiate::negotiate(tx, now, desk, who, &asked)
        }
        Verb::Signed { reply, because } => signed(tx, now, desk, who, *reply, because),
        Verb::Release { what } if what == "all" => hold(tx, now, who, false),
        Verb::Release { what } => {
            let cases = spool::release(tx, now, desk, who.actor(), &what)?;
            let said = cases
                .iter()
                .map(|case| format!("Case {} is released and has a promise.", case.0))
                .collect::<Vec<_>>();
            let said = match what.contains('@') {
                true => vec![format!("The mails of {what} stand in the spool by themselves.")],
                false => said,
            };
            Ok(Answer::Done(Done {
                case: cases.first().map(|case| case.0),
                said: said.join("\n"),
                data: json!({}),
            }))
        }
        Verb::Retry { what } => {
            let case = spool::retry(tx, now, who.actor(), &what)?;
            Ok(Answer::Done(Done {
                case: case.map(|case| case.0),
                said: format!("{what} is sent again now."),
                data: json!({}),
            }))
        }
        Verb::Merge { case, into } => {
            let into = merge::merge(tx, now, who.actor(), CaseId(case), into.map(CaseId))?;
            let said = format!(
                "Case {case} is merged into case {}. `duly unmerge {case}` parts them.",
                into.0
            );
            done(into, said)
        }
        Verb::Unmerge { case } => {
            let from = merge::unmerge(tx, now, who.actor(), CaseId(case))?;
            let said = format!(
                "Case {case} is a case of its own again; what was written since stays in case {}.",
                from.0
            );
            done(CaseId(case), said)
        }
        Verb::ParticipantAdd { case, address } => {
            let (contact, foreign) = participant::add(tx, now, desk, who.actor(), CaseId(case), &address)?;
            let whose = match foreign {
                true => format!(
                    " They are of another customer: {}.",
                    customer::name_of(tx, contact.customer)?
                ),
                false => String::new(),
            };
            let said = format!(
                "{} is on case {case}: replies go to them too, and their mail joins it.{whose}",
                contact.name
            );
            done(CaseId(case), said)
        }
        Verb::ParticipantRemove { case, address } => {
            let contact = participant::remove(tx, now, who.actor(), CaseId(case), &address)?;
            done(CaseId(case), format!("{} is off case {case}.", contact.name))
        }
        Verb::Decline { case, because } => {
            spool::decline(tx, now, who.actor(), CaseId(case), &because)?;
            done(CaseId(case), format!("Case {case} is declined: {because}"))
        }
        Verb::Hold { hold: on } => hold(tx, now, who, on),
        Verb::Probe => {
            let message = probe::send(tx, now, desk)?;
            Ok(Answer::Done(Done {
                case: None,
                said: format!("A mail to {} is on its way.", desk.address()),
                data: json!({"message": message.0}),
            }))
        }
        Verb::Undo => {
            let (case, text) = undo::last_reply(tx, now, who.engineer()?)?;
            let said = format!("The reply to case {} is taken back; the customer gets nothing.", case.0);
            Ok(Answer::Done(Done {
                case: Some(case.0),
                said,
                data: json!({"text": text}),
            }))
        }
        verb @ (Verb::AgreementAdd { .. }
        | Verb::AgreementAmend { .. }
        | Verb::CalendarSet { .. }
        | Verb::CalendarHolidays { .. }
        | Verb::CalendarFeed { .. }
        | Verb::Severity { .. }
        | Verb::Estimate { .. }
        | Verb::Nice { .. }) => agreed::act(tx, now, desk, who, verb),
        verb @ (Verb::CpuSet { .. } | Verb::CpuAway { .. } | Verb::CpuBack { .. } | Verb::CpuCalendar { .. }) => {
            time::act(tx, now, desk, who, verb)
        }
        other => people::administer(tx, now, desk, who, other),
    }
}

/// A reply as its words say it.
fn draft(now: Timestamp, desk: &Desk, who: &Principal, verb: Verb) -> Outcome<Draft> {
    let Verb::Reply {
        case,
        text,
        kind,
        then,
        answers,
        force_stale,
        files,
    } = verb
    else {
        return Err(Refusal::usage("Only a reply is signed so: it is its next time that does not fit.").into());
    };
    let kind: Kind = kind.parse()?;
    let next = next_of(then.as_deref(), kind, now, desk, who)?;
    Ok(Draft {
        case: CaseId(case),
        text,
        kind,
        next,
        answers: answers.into_iter().map(MessageNo).collect(),
        force_stale,
        files,
        sign: None,
    })
}

/// A reply that owes its next word by a time for which a lead signs.
fn signed(
    tx: &mut Tx<'_>,
    now: Timestamp,
    desk: &Desk,
    who: &Principal,
    verb: Verb,
    because: String,
) -> Outcome<Answer> {
    let draft = Draft {
        sign: Some(because),
        ..draft(now, desk, who, verb)?
    };
    reply(tx, now, desk, who, &draft)
}

fn done(case: CaseId, said: String) -> Outcome<Answer> {
    Ok(Answer::Done(Done {
        case: Some(case.0),
        said,
        data: json!({}),
    }))
}

fn hold(tx: &mut Tx<'_>, now: Timestamp, who: &Principal, on: bool) -> Outcome<Answer> {
    outbox::hold_all(tx, now, on, who.actor())?;
    let said = match on {
        true => "Nothing leaves the desk until `duly spool release all`. Promises go on counting.",
        false => "Mail leaves the desk again.",
    };
    Ok(Answer::Done(Done {
        case: None,
        said: said.into(),
        data: json!({}),
    }))
}

fn next(tx: &mut Tx<'_>, now: Timestamp, engineer: &Engineer) -> Outcome<Answer> {
    let taken = slice::next(tx, now, engineer)?;
    let page = queue::page(tx, taken.case, 10)?;
    let context = tx.first(
        "SELECT note FROM slice WHERE case_id = $1 AND ended_at IS NOT NULL AND note <> '' ORDER BY id DESC LIMIT 1",
        &values![taken.case],
    )?;
    Ok(Answer::Slice(Box::new(SliceAnswer {
        why: taken.why,
        advice: taken.advice,
        began_at: taken.began_at,
        again: taken.again,
        context: context.and_then(|row| row.opt_text(0).map(str::to_owned)),
        row: page.row,
        promises: page
            .promises
            .into_iter()
            .filter(|promise| promise.state == "open")
            .collect(),
        messages: page.messages,
    })))
}

/// Reads `--then`: `close`, `close as solved`, `owe wed 10:00`, `wait fri 12:00`. Nothing said means: an answer or a
/// question waits five business days for the customer.
fn next_of(then: Option<&str>, kind: Kind, now: Timestamp, desk: &Desk, who: &Principal) -> Outcome<Next> {
    let Some(then) = then.map(str::trim) else {
        if kind == Kind::Finding {
            return Err(
                Refusal::usage("A finding says when the next word comes. Add it: --then \"owe wed 10:00\".").into(),
            );
        }
        let until = desk
            .calendar
            .closing_of_business_day(now, 5)
            .map_err(|cause| Refusal::usage(cause.to_string()))?;
        return Ok(Next::Wait(until));
    };
    let (word, rest) = then.split_once(char::is_whitespace).unwrap_or((then, ""));
    let rest = rest.trim();
    match word {
        "close" => {
            let resolution = rest.strip_prefix("as ").unwrap_or(rest).trim();
            let resolution = if resolution.is_empty() { "answered" } else { resolution };
            match case::RESOLUTIONS.contains(&resolution) {
                true => Ok(Next::Close(resolution.to_owned())),
                false => Err(Refusal::usage(format!(
                    "\"{resolution}\" is no resolution. Say one of: {}.",
                    case::RESOLUTIONS.join(", ")
                ))
                .into()),
            }
        }
        "owe" => Ok(Next::Owe(time(rest, now, desk, who)?)),
        "wait" => Ok(Next::Wait(time(
            rest.strip_prefix("until ").unwrap_or(rest),
            now,
            desk,
            who,
        )?)),
        _ => Err(Refusal::usage(format!(
            "\"{then}\" is not understood. After a reply: close, \"owe wed 10:00\", or \"wait fri 12:00\"."
        ))
        .into()),
    }
}

fn time(text: &str, now: Timestamp, desk: &Desk, who: &Principal) -> Outcome<Timestamp> {
    let at = plan::phrase::parse(text, now, who.zone(desk)).map_err(|cause| Refusal::usage(format!("{cause}.")))?;
    Ok(agreement::to_the_minute(at))
}

fn reply(tx: &mut Tx<'_>, now: Timestamp, desk: &Desk, who: &Principal, draft: &Draft) -> Outcome<Answer> {
    let engineer = who.engineer()?;
    let written = reply::write(tx, now, desk, engineer, draft)?;
    let zone = &engineer.zone;
    let after = match &draft.next {
        Next::Close(resolution) => format!("closes as {resolution}"),
        Next::Owe(at) => format!("owes the next word by {}", plan::say::short(*at, zone, now)),
        Next::Wait(at) => format!("waits for the customer until {}", plan::say::short(*at, zone, now)),
    };
    let said = format!(
        "{} {after} once this is delivered to {}. Mail: held {} s, `duly undo` to stop.",
        draft.case.0,
        written.recipients.join(", "),
        limits::HOLD_SECONDS - 3
    );
    let doubts = written
        .bounced
        .iter()
        .map(|one| format!("\nBut {}.", one.words(zone, now)));
    let mut said = doubts.fold(said, |said, doubt| said + &doubt);
    if outbox::is_held(tx)? {
        said.push_str(
            "\nThe brake on all mail is on: this stays here until `duly spool release all`. Promises go on counting.",
        );
    }
    Ok(Answer::Written(written, said))
}

fn note(tx: &mut Tx<'_>, now: Timestamp, engineer: &Engineer, id: CaseId, text: &str) -> Outcome<Answer> {
    case::find(tx, id)?;
    if text.trim().is_empty() || text.len() > limits::REPLY_BYTES {
        return Err(Refusal::usage("A note needs words, at most 1 MB of them.").into());
    }
    let number = message::note(tx, now, id, engineer.id, (&engineer.name, &engineer.address), text)?;
    let said = format!("Noted in case {}, for engineers only.", id.0);
    Ok(Answer::Done(Done {
        case: Some(id.0),
        said,
        data: json!({"message": number.0}),
    }))
}

#[expect(clippy::too_many_arguments, reason = "the words of one command, each once")]
fn wait(
    tx: &mut Tx<'_>,
    now: Timestamp,
    desk: &Desk,
    who: &Principal,
    id: CaseId,
    party: &str,
    until: &str,
    because: Option<String>,
    tell: Option<String>,
    anyway: bool,
) -> Outcome<Answer> {
    let party: Party = party.parse()?;
    let until = time(until, now, desk, who)?;
    let because = because.unwrap_or_default();
    if because.trim().is_empty() && party != Party::Customer {
        return Err(Refusal::usage("A wait needs a reason: --because \"upstream PR 5123\".").into());
    }
    if matches!(party, Party::Lab | Party::Upstream) && !anyway {
        bound::insist(tx, now, id, until, who.zone(desk))?;
    }
    match party {
        Party::Customer => case::wait_for_customer(tx, now, desk, id, who.actor(), until, &because)?,
        _ => case::block(tx, now, id, who.actor(), party, until, &because)?,
    }
    let case = case::find(tx, id)?;
    let mut next_word = match case.reply_by {
        Some(due) => format!(
            " The next word is promised by {}.",
            plan::say::short(due, who.zone(desk), now)
        ),
        None => String::new(),
    };
    if let Some(words) = tell {
        tell_customer(tx, now, desk, who, &case, party, &words)?;
        next_word.push_str(" The customer is told.");
    }
    done(
        id,
        format!(
            "{} waits for {} until {}.{next_word}",
            id.0,
            party.text(),
            plan::say::short(until, who.zone(desk), now)
        ),
    )
}

/// Text E with an engineer's words. It keeps nothing: the open promise is the next word that it names.
fn tell_customer(
    tx: &mut Tx<'_>,
    now: Timestamp,
    desk: &Desk,
    who: &Principal,
    case: &case::Case,
    party: Party,
    words: &str,
) -> Outcome<()> {
    let engineer = who.engineer()?;
    if words.trim().is_empty() || words.len() > limits::REPLY_BYTES {
        return Err(Refusal::usage(
            "The customer is told in words: what was handed over, to whom, what is safe meanwhile.",
        )
        .into());
    }
    match (party, case.reply_by) {
        (Party::Customer, _) => {
            Err(Refusal::usage("Text for the customer whom we wait for is a reply: `duly reply`.").into())
        }
        (_, None) => {
            Err(Refusal::conflict(format!("Case {} promises no next word that could be named.", case.id.0)).into())
        }
        (_, Some(due)) => automatic::tell_handed_on(tx, now, desk, case, engineer, party, words, due),
    }
}

/// Closes a case. The customer whom it waited for is told so (text F); what was declined or never taken on is not.
fn close(
    tx: &mut Tx<'_>,
    now: Timestamp,
    desk: &Desk,
    who: &Principal,
    id: CaseId,
    resolution: &str,
    summary: &str,
) -> Outcome<Answer> {
    let case = case::find(tx, id)?;
    case::close(tx, now, id, who.actor(), resolution, summary)?;
    if case.hand == case::Hand::Theirs && !matches!(resolution, "declined" | "duplicate") {
        let contact = promise::asker(tx, id)?;
        automatic::tell_closed(tx, now, desk, &case, contact, None, resolution, summary)?;
    }
    done(id, format!("Case {} is closed: {resolution}.", id.0))
}

fn change_promise(
    tx: &mut Tx<'_>,
    now: Timestamp,
    who: &Principal,
    id: CaseId,
    withdraw: Option<String>,
    number: Option<i64>,
) -> Outcome<Answer> {
    case::not_under_way(&case::find(tx, id)?)?;
    let open = promise::open_of(tx, id)?;
    let chosen: Vec<_> = open
        .iter()
        .filter(|one| number.is_none_or(|number| one.id == PromiseId(number)))
        .collect();
    if chosen.is_empty() {
        return Err(Refusal::missing(format!(
            "Case {} has no such open promise. `duly promise {}` lists them.",
            id.0, id.0
        ))
        .into());
    }
    let reason = withdraw.unwrap_or_default();
    for promise in &chosen {
        promise::withdraw(tx, now, promise.id, who.actor(), &reason)?;
    }
    let case = case::find(tx, id)?;
    if case.reply_by.is_none() {
        case::shut(tx, now, id, who.actor(), "declined", &reason)?;
    }
    let plural = if chosen.len() == 1 {
        "promise is"
    } else {
        "promises are"
    };
    done(
        id,
        format!("{} {plural} withdrawn: {reason}. The ledger keeps it.", chosen.len()),
    )
}
