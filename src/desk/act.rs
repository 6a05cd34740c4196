//! Verbs that change something: each in one transaction, each says in words what it did.
//!
//! Reading verbs, who may ask, and what comes back stand in [`verb`](super::verb). The rules are the nouns'; here words
//! become arguments: times are read in the zone of whoever asks.

use super::case::{self, Party};
use super::customer;
use super::engineer::{self, Engineer};
use super::ledger::{self, Actor, event};
use super::queue;
use super::reply::{self, Draft, Kind, Next};
use super::verb::{Answer, Done, Principal, SliceAnswer, Verb};
use super::{
    CaseId, Desk, MessageNo, PromiseId, automatic, merge, message, outbox, probe, promise, slice, spool, staged, undo,
};
use crate::limits;
use crate::refusal::{Outcome, Refusal};
use crate::store::{Tx, values};
use jiff::Timestamp;
use plan::Zone;
use serde_json::json;

/// Does a verb that changes something, inside the transaction of the writer.
pub fn act(tx: &mut Tx<'_>, now: Timestamp, desk: &Desk, who: &Principal, verb: Verb) -> Outcome<Answer> {
    match verb {
        Verb::Next => next(tx, now, who.engineer()?),
        Verb::Skip { reason } => {
            let case = slice::skip(tx, now, who.engineer()?, &reason)?;
            done(case, format!("Case {} is handed back: {reason}", case.0))
        }
        Verb::Reply {
            case,
            text,
            kind,
            then,
            answers,
            force_stale,
            files,
        } => {
            let kind: Kind = kind.parse()?;
            let next = next_of(then.as_deref(), kind, now, desk, who)?;
            let answers = answers.into_iter().map(MessageNo).collect();
            let draft = Draft {
                case: CaseId(case),
                text,
                kind,
                next,
                answers,
                force_stale,
                files,
            };
            reply(tx, now, desk, who, &draft)
        }
        verb @ (Verb::Save { .. } | Verb::Stage { .. }) => staged::act(tx, now, who, verb),
        Verb::Note { case, text } => note(tx, now, who.engineer()?, CaseId(case), &text),
        Verb::Wait {
            case,
            party,
            until,
            because,
            tell,
        } => wait(tx, now, desk, who, CaseId(case), &party, &until, because, tell),
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
            offer,
            withdraw,
            number,
        } => change_promise(tx, now, who, CaseId(case), offer, withdraw, number),
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
        other => administer(tx, now, desk, who, other),
    }
}

fn administer(tx: &mut Tx<'_>, now: Timestamp, desk: &Desk, who: &Principal, verb: Verb) -> Outcome<Answer> {
    let said = match verb {
        Verb::CpuAdd { engineer } => {
            let id = engineer::add(tx, now, &engineer)?;
            ledger::record(
                tx,
                now,
                event("engineer.added", who.actor()).with(json!({"engineer": id.0})),
            )?;
            format!(
                "{} is on the desk: {} in {}.",
                engineer.name, engineer.hours, engineer.zone
            )
        }
        Verb::CpuSet { address, mail } => {
            let engineer = engineer::find(tx, &address)?;
            let own = matches!(who, Principal::Engineer(asks) if asks.id == engineer.id);
            if !own && !who.may_administer() {
                return Err(Refusal::forbidden("Only leads, administrators and they themselves may do this.").into());
            }
            engineer::set_mail(tx, now, &engineer, mail)?;
            match mail {
                true => format!("{} gets notices, and a digest when their hours begin.", engineer.name),
                false => format!("{} gets no notices and no digest.", engineer.name),
            }
        }
        Verb::CustomerAdd { name, domains } => {
            if name.trim().is_empty() {
                return Err(Refusal::usage("A customer has a name.").into());
            }
            let id = customer::open(tx, now, name.trim(), true)?;
            for domain in &domains {
                customer::add_domain(tx, id, domain)?;
            }
            ledger::record(
                tx,
                now,
                event("customer.entered", who.actor()).with(json!({"customer": id.0})),
            )?;
            format!("{name} is a customer with the number {}.", id.0)
        }
        Verb::ContactAdd {
            customer,
            name,
            address,
            zone,
            language,
        } => {
            let id = customer::find(tx, &customer)?;
            if customer::contact_by_address(tx, &address)?.is_some() {
                return Err(Refusal::conflict(format!(
                    "{address} is a contact already. See `duly contact find {address}`."
                ))
                .into());
            }
            let contact = customer::add_contact(tx, now, id, &name, &address, None)?;
            customer::set_zone(tx, contact, zone_of(zone)?.as_ref())?;
            if let Some(language) = language {
                customer::set_language(tx, contact, Some(&language_of(desk, &language)?))?;
            }
            ledger::record(
                tx,
                now,
                event("contact.entered", who.actor()).with(json!({"contact": contact.0})),
            )?;
            format!("{name} <{address}> is a contact.")
        }
        Verb::ContactZone { address, zone } => {
            let contact = customer::contact_by_address(tx, &address)?
                .ok_or_else(|| Refusal::missing(format!("There is no contact with the address {address}.")))?;
            let zone = zone_of(zone)?;
            customer::set_zone(tx, contact.id, zone.as_ref())?;
            match zone {
                Some(zone) => format!("Times are said to {} in {zone}.", contact.name),
                None => format!("Times are said to {} in the zone of their mail.", contact.name),
            }
        }
        Verb::ContactSet {
            address,
            language,
            calendar,
        } => set_contact(tx, desk, &address, language, calendar)?,
        Verb::TokenMake { address, secret } => {
            let engineer = engineer::find(tx, &address)?;
            engineer::keep_secret(tx, now, engineer.id, "claim", &secret, engineer::SECRET_LIFE)?;
            ledger::record(
                tx,
                now,
                event("token.offered", who.actor()).with(json!({"engineer": engineer.id.0})),
            )?;
            format!(
                "{secret}\nOne use, 30 minutes: {} claims a token with `duly token claim`.",
                engineer.name
            )
        }
        Verb::TokenClaim { secret, token } => {
            let engineer = engineer::claim_secret(tx, now, &secret)?;
            engineer::keep_secret(tx, now, engineer.id, "token", &token, engineer::TOKEN_LIFE)?;
            ledger::record(tx, now, event("token.claimed", Actor::Engineer(engineer.id)))?;
            token
        }
        other => return Err(anyhow::anyhow!("{other:?} is no act").into()),
    };
    Ok(Answer::Done(Done {
        case: None,
        said,
        data: json!({}),
    }))
}

/// How a contact is written to.
fn set_contact(
    tx: &mut Tx<'_>,
    desk: &Desk,
    address: &str,
    language: Option<String>,
    calendar: Option<String>,
) -> Outcome<String> {
    let contact = customer::contact_by_address(tx, address)?
        .ok_or_else(|| Refusal::missing(format!("There is no contact with the address {address}.")))?;
    let mut said = Vec::new();
    match language.as_deref().map(str::trim) {
        None => {}
        Some("") => {
            customer::set_language(tx, contact.id, None)?;
            said.push(format!("{} is written to in the language of their mail.", contact.name));
        }
        Some(wanted) => {
            let language = language_of(desk, wanted)?;
            customer::set_language(tx, contact.id, Some(&language))?;
            said.push(format!("{} is written to in {language}.", contact.name));
        }
    }
    if let Some(entries) = calendar {
        let entries: customer::Entries = entries.parse()?;
        customer::set_calendar(tx, contact.id, entries)?;
        said.push(match entries {
            customer::Entries::Never => format!("{} gets no calendar entries.", contact.name),
            customer::Entries::Agreed => format!("{} gets calendar entries of agreed times.", contact.name),
            customer::Entries::Always => format!("{} gets a calendar entry of every promised time.", contact.name),
        });
    }
    match said.is_empty() {
        true => Err(Refusal::usage("Say what to set: --language de, or --calendar never, agreed or always.").into()),
        false => Ok(said.join(" ")),
    }
}

/// A language of the catalogue: `de`, or `de-AT`, which is `de`.
fn language_of(desk: &Desk, wanted: &str) -> Outcome<String> {
    let base = wanted.split(['-', '_']).next().unwrap_or(wanted);
    let known = |name: &str| {
        desk.languages
            .iter()
            .find(|one| one.eq_ignore_ascii_case(name))
            .cloned()
    };
    known(&wanted.replace('_', "-")).or_else(|| known(base)).ok_or_else(|| {
        let languages = desk.languages.join(", ");
        Refusal::usage(format!(
            "Nothing is written in \"{wanted}\" here. Languages: {languages}."
        ))
        .into()
    })
}

fn zone_of(text: Option<String>) -> Outcome<Option<Zone>> {
    text.map(|text| {
        text.parse::<Zone>()
            .map_err(|cause| Refusal::usage(format!("{cause}.")).into())
    })
    .transpose()
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
    plan::phrase::parse(text, now, who.zone(desk)).map_err(|cause| Refusal::usage(format!("{cause}.")).into())
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
) -> Outcome<Answer> {
    let party: Party = party.parse()?;
    let until = time(until, now, desk, who)?;
    let because = because.unwrap_or_default();
    if because.trim().is_empty() && party != Party::Customer {
        return Err(Refusal::usage("A wait needs a reason: --because \"upstream PR 5123\".").into());
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
    offer: Option<String>,
    withdraw: Option<String>,
    number: Option<i64>,
) -> Outcome<Answer> {
    case::not_under_way(&case::find(tx, id)?)?;
    if offer.is_some() {
        return Err(Refusal::usage(
            "Offering another time is not built yet: the customer could not answer it. The promised time stands. \
             Write to them with `duly reply --kind finding --then \"owe TIME\"`, which keeps this promise and makes the next.",
        )
        .into());
    }
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
