//! What was agreed: targets and the calendar they count in, by customer, in versions.
//!
//! A version is never edited: an amendment adds one with the day from which it holds, so that a promise always names the
//! terms it was made under. Of two versions the one that holds from the later day counts, of equals the later made.
//! A customer without an agreement, or outside of its coverage, is under the desk's own (PRODUCT.md §3.13), which the
//! settings say and which is entered as a version too whenever they change. The one question that everybody asks is
//! [`due`]: by when, and why. Written terms are read in `terms`; what people list and change stands in `amend`.

mod amend;
mod terms;

pub use amend::{AgreementRow, add, amend, list, show};
pub use terms::{Clock, EXAMPLE, Given, HoursIn, Pausing, Terms, WhenFull};

use super::calendar::{self, DESK, Named};
use super::ledger::{self, Actor, event};
use super::{CaseId, ContactId, Desk, customer};
use crate::limits;
use crate::refusal::{Outcome, Refusal};
use crate::store::{Row, Tx, values};
use jiff::Timestamp;
use plan::{Severity, Target, Zone};
use serde_json::{Value as Json, json};

/// Which of the two targets counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Word {
    /// The first reply of a case.
    First,
    /// Every later word.
    FollowUp,
}

impl Word {
    /// As people read it.
    pub fn text(self) -> &'static str {
        match self {
            Word::First => "first reply",
            Word::FollowUp => "follow-up",
        }
    }
}

/// What a promise was made under: rows that its own row names (I12).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Under {
    /// Version of the agreement.
    pub version: Option<i64>,
    /// Version of the calendar; none where nobody computed the date but somebody said it.
    pub calendar: Option<i64>,
}

/// The rows that the desk's own agreement and calendar are entered as: read once, so that no promise asks for them.
#[derive(Debug, Clone, Copy)]
pub struct Own {
    /// Number of the agreement.
    agreement: i64,
    /// Row of its version.
    version: i64,
    /// Number of the version.
    number: i64,
    /// Row of the calendar's version.
    calendar: i64,
    /// Number of the calendar's version.
    calendar_number: i64,
}

/// By when, why, and under what.
#[derive(Debug, Clone)]
pub struct Due {
    /// The instant.
    pub at: Timestamp,
    /// The numbers that produced it.
    pub why: Json,
    /// The versions it comes from.
    pub under: Under,
}

/// The version that holds for somebody.
#[derive(Debug, Clone)]
pub struct Agreed {
    /// Number of the agreement.
    pub agreement: i64,
    /// Row of its version: what a promise names.
    pub version: Option<i64>,
    /// Number of the version within the agreement.
    pub number: i64,
    /// Whether this is the desk's own, for everybody who has no other.
    pub is_default: bool,
    /// Why the customer's own agreement does not hold, if they have one.
    pub not_covered: Option<String>,
    /// What is agreed.
    pub terms: Terms,
    /// Zone of the contact, where their hours count.
    contact_zone: Option<Zone>,
}

/// The channel of every message that earns a promise.
const CHANNEL: &str = "mail";

/// The beginning of an instant's minute: what a time that is said without seconds means.
pub fn to_the_minute(at: Timestamp) -> Timestamp {
    let second = at.as_second();
    Timestamp::from_second(second - second.rem_euclid(60)).unwrap_or(at)
}

/// The due time of a promise made at `from` to a contact in a case, and the numbers that produced it.
///
/// # Errors
/// A calendar without hours: the desk's own mistake, said as such.
pub fn due(
    tx: &mut Tx<'_>,
    desk: &Desk,
    case: CaseId,
    contact: ContactId,
    severity: Severity,
    word: Word,
    from: Timestamp,
) -> Outcome<Due> {
    in_force(tx, desk, case, contact, from)?.due(tx, desk, severity, word, from)
}

/// The version that holds for a contact's message in a case at an instant.
pub fn in_force(tx: &mut Tx<'_>, desk: &Desk, case: CaseId, contact: ContactId, at: Timestamp) -> Outcome<Agreed> {
    // The desk's own holds always as its newest version says: the settings have no day.
    let rows = tx.query(
        "SELECT a.id, v.id, v.number, v.valid_until, v.terms, a.customer FROM agreement a
         JOIN agreement_version v ON v.agreement = a.id
         WHERE a.customer = (SELECT customer FROM contact WHERE id = $1) AND v.valid_from <= $2
         ORDER BY a.id, v.valid_from DESC, v.number DESC LIMIT $3",
        &values![contact, at, limits::VERSIONS_AN_AGREEMENT],
    )?;
    let mut not_covered = None;
    if !rows.is_empty() {
        let product = tx.first("SELECT product FROM cases WHERE id = $1", &values![case])?;
        let product = product.and_then(|row| row.opt_text(0).map(str::to_owned));
        let mut seen = None;
        for row in &rows {
            if seen.replace(row.int(0)) == Some(row.int(0)) {
                continue;
            }
            let agreed = Agreed::of(row)?;
            match outside(tx, &agreed.terms, contact, product.as_deref(), row.opt_instant(3), at)? {
                None => return agreed.with_zone(tx, desk, contact),
                Some(why) => not_covered = Some(why),
            }
        }
    }
    let mut own = default_of(desk);
    own.not_covered = not_covered;
    Ok(own)
}

/// Who answers under a version; empty: the desk.
pub(super) fn vendor(tx: &mut Tx<'_>, version: i64) -> Outcome<String> {
    let row = tx.one("SELECT terms FROM agreement_version WHERE id = $1", &values![version])?;
    let terms: Terms = serde_json::from_str(row.text(0)).map_err(anyhow::Error::from)?;
    Ok(terms.vendor)
}

/// What an agreement does not cover of a message; nothing means that it holds.
fn outside(
    tx: &mut Tx<'_>,
    terms: &Terms,
    contact: ContactId,
    product: Option<&str>,
    until: Option<Timestamp>,
    at: Timestamp,
) -> Outcome<Option<String>> {
    if until.is_some_and(|until| until <= at) {
        return Ok(Some("it has ended".into()));
    }
    // A case whose product nobody has said yet is covered: in doubt for the customer.
    let named = |product: &str| terms.products.iter().any(|one| one.eq_ignore_ascii_case(product));
    if let Some(product) = product
        && !terms.products.is_empty()
        && !named(product)
    {
        return Ok(Some(format!("it does not cover {product}")));
    }
    // Messages come by mail; what a page of ours sends is about a message that came so.
    if !terms.channels.is_empty() && !terms.channels.iter().any(|one| one == CHANNEL) {
        return Ok(Some(format!("it does not cover {CHANNEL}, and this came by {CHANNEL}")));
    }
    if terms.contacts.is_empty() {
        return Ok(None);
    }
    let addresses = tx.query(
        "SELECT address FROM contact_address WHERE contact = $1 LIMIT 100",
        &values![contact],
    )?;
    let is_named = addresses
        .iter()
        .any(|row| terms.contacts.iter().any(|one| one == row.text(0)));
    Ok((!is_named).then(|| "the sender is not one of its named contacts".to_owned()))
}

/// The desk's own agreement.
fn default_of(desk: &Desk) -> Agreed {
    let own = desk.own.get();
    Agreed {
        agreement: own.map_or(0, |own| own.agreement),
        version: own.map(|own| own.version),
        number: own.map_or(0, |own| own.number),
        is_default: true,
        not_covered: None,
        terms: terms_of(desk),
        contact_zone: None,
    }
}

/// The settings as terms.
fn terms_of(desk: &Desk) -> Terms {
    let given = |severity| Given {
        first_reply: Target::OpenMinutes(desk.targets.first_reply(severity).as_mins() as u32),
        follow_up: Some(Target::OpenMinutes(desk.targets.follow_up(severity).as_mins() as u32)),
        calendar: None,
    };
    Terms {
        vendor: String::new(),
        products: Vec::new(),
        components: Vec::new(),
        contacts: Vec::new(),
        channels: Vec::new(),
        languages: Vec::new(),
        when_full: WhenFull::Date,
        at_target: None,
        calendar: DESK.to_owned(),
        hours_in: HoursIn::Calendar,
        targets: Severity::ALL.map(given),
        clock: None,
    }
}

/// Enters what the settings say as a version of the desk's own agreement, where it changed since the last start. What is
/// returned belongs into [`Desk::own`] once the transaction has ended well.
pub fn enter_own(tx: &mut Tx<'_>, now: Timestamp, desk: &Desk) -> Outcome<Own> {
    let named = calendar::enter_own(tx, now, desk)?;
    let known = tx.first(
        "SELECT a.id, v.id, v.number, v.terms FROM agreement a JOIN agreement_version v ON v.agreement = a.id
         WHERE a.customer IS NULL ORDER BY v.number DESC LIMIT 1",
        &[],
    )?;
    let terms = serde_json::to_string(&terms_of(desk)).map_err(anyhow::Error::from)?;
    let own = |agreement, version, number| Own {
        agreement,
        version,
        number,
        calendar: named.version,
        calendar_number: named.number,
    };
    if let Some(row) = known.as_ref().filter(|row| row.text(3) == terms) {
        return Ok(own(row.int(0), row.int(1), row.int(2)));
    }
    let agreement = match &known {
        Some(row) => row.int(0),
        None => tx.insert(
            "INSERT INTO agreement (customer, made_at) VALUES ($1, $2)",
            &values![None::<i64>, now],
        )?,
    };
    let number = known.as_ref().map_or(0, |row| row.int(2)) + 1;
    let before = known.as_ref().map(|row| row.int(1));
    let version = tx.insert(
        "INSERT INTO agreement_version (agreement, number, valid_from, terms, supersedes, made_at, made_by)
         VALUES ($1, $2, $3, $4, $5, $3, $6)",
        &values![agreement, number, now, terms, before, Actor::Desk.text()],
    )?;
    let data = json!({"agreement": agreement, "version": number, "cause": "settings"});
    ledger::record(tx, now, event("agreement.version", Actor::Desk).with(data))?;
    Ok(own(agreement, version, number))
}

impl Agreed {
    fn of(row: &Row) -> Outcome<Agreed> {
        Ok(Agreed {
            agreement: row.int(0),
            version: Some(row.int(1)),
            number: row.int(2),
            is_default: false,
            not_covered: None,
            terms: serde_json::from_str(row.text(4)).map_err(anyhow::Error::from)?,
            contact_zone: None,
        })
    }

    fn with_zone(mut self, tx: &mut Tx<'_>, desk: &Desk, contact: ContactId) -> Outcome<Agreed> {
        if self.terms.hours_in == HoursIn::Contact {
            self.contact_zone = Some(customer::contact(tx, contact)?.zone_or(&desk.zone));
        }
        Ok(self)
    }

    /// What is said of it: `default agreement`, or `agreement 3 (version 2)`.
    pub fn said(&self) -> String {
        match self.is_default {
            true => "default agreement".to_owned(),
            false => format!("agreement {} (version {})", self.agreement, self.number),
        }
    }

    /// The versions that a promise names whose date somebody said and nobody computed.
    pub fn under(&self) -> Under {
        Under {
            version: self.version,
            calendar: None,
        }
    }

    /// The target of a severity.
    pub fn target(&self, severity: Severity, word: Word) -> Target {
        let given = self.terms.given(severity);
        match word {
            Word::First => given.first_reply,
            Word::FollowUp => given.follow_up.unwrap_or(given.first_reply),
        }
    }

    /// The calendar that a severity's target counts in; the desk's comes from the settings and is read from no row.
    fn calendar(&self, tx: &mut Tx<'_>, desk: &Desk, severity: Severity) -> Outcome<Named> {
        let given = self.terms.given(severity);
        let name = given.calendar.as_deref().unwrap_or(&self.terms.calendar);
        let mut named = match name {
            DESK => Named {
                version: desk.own.get().map_or(0, |own| own.calendar),
                number: desk.own.get().map_or(0, |own| own.calendar_number),
                name: DESK.to_owned(),
                calendar: desk.calendar.clone(),
            },
            name => calendar::find(tx, name)?,
        };
        if let Some(zone) = &self.contact_zone {
            named.calendar = named.calendar.in_zone(zone.clone());
        }
        Ok(named)
    }

    /// The due time of what is counted from `from`, and the numbers that produced it.
    ///
    /// # Errors
    /// A calendar without hours.
    pub fn due(&self, tx: &mut Tx<'_>, desk: &Desk, severity: Severity, word: Word, from: Timestamp) -> Outcome<Due> {
        let named = self.calendar(tx, desk, severity)?;
        let target = self.target(severity, word);
        let due = named.calendar.due_of(from, target).map_err(|cause| {
            let where_to = match named.name.as_str() {
                DESK => "Set desk.hours in duly.toml.".to_owned(),
                name => format!("See `duly calendar show {name}`."),
            };
            Refusal::usage(format!("No reply time can be computed: {cause}. {where_to}"))
        })?;
        // What is said has no seconds, and what is said is what counts: never an instant later than that.
        let at = to_the_minute(due).max(from);
        let mut why = json!({
            "rule": self.said(),
            "severity": severity.number(),
            "word": word.text(),
            "target": target.to_string(),
            "from": from.to_string(),
            "hours": named.calendar.hours().to_string(),
            "zone": named.calendar.zone().to_string(),
            "calendar": named.name,
            "calendar_version": named.number,
            "zone_release": plan::zone::release(),
        });
        match target {
            Target::OpenMinutes(minutes) => why["target_minutes"] = json!(minutes),
            Target::BusinessDays(days) => why["target_business_days"] = json!(days),
        }
        if let (false, Some(_)) = (self.is_default, self.version) {
            why["agreement"] = json!(self.agreement);
            why["agreement_version"] = json!(self.number);
        }
        if let Some(outside) = &self.not_covered {
            why["not_covered"] = json!(outside);
        }
        let closed = named.calendar.closed_between(from, at, limits::WHY_DATES);
        if !closed.is_empty() {
            why["closed"] = json!(closed);
        }
        let calendar = (named.version > 0).then_some(named.version);
        let under = Under {
            version: self.version,
            calendar,
        };
        Ok(Due { at, why, under })
    }
}
