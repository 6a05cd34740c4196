//! Acts about people: engineers, customers, contacts, keys, secrets.

use crate::desk::customer;
use crate::desk::engineer;
use crate::desk::ledger::{self, Actor, event};
use crate::desk::schedule::touch;
use crate::desk::session::{self, Which};
use crate::desk::verb::{Answer, Done, Principal, Verb};
use crate::desk::{Desk, key, password, policy, slice};
use crate::refusal::{Outcome, Refusal};
use crate::store::Tx;
use jiff::Timestamp;
use plan::Zone;
use serde_json::json;

/// Does a verb about people.
pub(super) fn administer(tx: &mut Tx<'_>, now: Timestamp, desk: &Desk, who: &Principal, verb: Verb) -> Outcome<Answer> {
    let said = match verb {
        Verb::CpuAdd { engineer } => {
            // Whoever could make an administrator could make themselves one.
            policy::require(who, policy::least_of(engineer.role))?;
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
        Verb::CpuRemove { address } => leave(tx, now, who, &address)?,
        Verb::CpuLink { address, secret } => {
            let engineer = engineer::find(tx, &address)?;
            return Ok(Answer::Link(session::link(tx, now, who.actor(), &engineer, &secret)?));
        }
        Verb::CpuSessions { address, .. } => {
            let engineer = who.own_or(policy::Least::Administrator, tx, &address)?;
            session::forget_links(tx, engineer.id)?;
            match session::end(tx, now, who.actor(), engineer.id, Which::All)? {
                0 => format!("{} is signed in nowhere.", engineer.name),
                1 => format!("The one session of {} has ended.", engineer.name),
                count => format!("The {count} sessions of {} have ended.", engineer.name),
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
        Verb::ContactKey { address, key: None } => {
            key::remove(tx, now, who.actor(), &address)?;
            format!("The key of {address} is forgotten: letters to them leave in clear.")
        }
        Verb::ContactKey {
            address,
            key: Some(new),
        } => {
            key::give(tx, now, who.actor(), &address, &new)?;
            let until = match new.until {
                Some(until) => format!("until {}", plan::say::short(until, who.zone(desk), now)),
                None => "without an end".to_owned(),
            };
            format!(
                "Letters to {address} leave encrypted with {} for key {}, {until}. Compare the fingerprint with its owner by another way.",
                new.scheme, new.fingerprint
            )
        }
        Verb::TokenMake { address, secret } => {
            let engineer = engineer::find(tx, &address)?;
            policy::require(who, policy::least_of(engineer.role))?;
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

/// Somebody leaves: nothing of theirs opens the desk any more, and their slice goes back to the others.
fn leave(tx: &mut Tx<'_>, now: Timestamp, who: &Principal, address: &str) -> Outcome<String> {
    let engineer = engineer::find(tx, address)?;
    if let Some((_, case, _)) = slice::open_of(tx, engineer.id)? {
        let note = "The engineer has left the desk with this slice open.";
        slice::end(tx, now, engineer.id, case, who.actor(), "left", note)?;
    }
    session::forget_links(tx, engineer.id)?;
    session::end(tx, now, who.actor(), engineer.id, Which::All)?;
    password::end(tx, now, who.actor(), engineer.id)?;
    engineer::leave(tx, now, engineer.id)?;
    touch::left(tx, engineer.id)?;
    let about = json!({"engineer": engineer.id.0});
    ledger::record(tx, now, event("engineer.left", who.actor()).with(about))?;
    Ok(format!(
        "{} has left the desk: signed out everywhere, no token works, no case is given to them. What they wrote stays theirs.",
        engineer.name
    ))
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
