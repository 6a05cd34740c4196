//! Acts about people: engineers, customers, contacts, keys, secrets.

use crate::desk::customer;
use crate::desk::engineer;
use crate::desk::ledger::{self, Actor, event};
use crate::desk::verb::{Answer, Done, Principal, Verb};
use crate::desk::{Desk, key};
use crate::refusal::{Outcome, Refusal};
use crate::store::Tx;
use jiff::Timestamp;
use plan::Zone;
use serde_json::json;

/// Does a verb about people.
pub(super) fn administer(tx: &mut Tx<'_>, now: Timestamp, desk: &Desk, who: &Principal, verb: Verb) -> Outcome<Answer> {
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
