//! Customers and their contacts.
//!
//! A customer is the unit of isolation. An unknown address becomes a contact of a customer of its own; a mail domain
//! belongs to a customer only when an administrator entered it (PRODUCT.md §1): nobody joins an organisation by claiming
//! an address in a header. Visibility inside a customer (who sees a colleague's cases) is not built yet: nobody does.

use super::bounce::{self, Bounced};
use super::key::{self, KeyRow};
use super::{ContactId, CustomerId};
use crate::limits;
use crate::refusal::{Outcome, Refusal};
use crate::store::{Row, Tx, values};
use jiff::Timestamp;
use plan::Zone;
use serde::{Deserialize, Serialize};

/// A person at a customer.
#[derive(Debug, Clone)]
pub struct Contact {
    /// Number.
    pub id: ContactId,
    /// The organisation.
    pub customer: CustomerId,
    /// Name as the person writes it, or the address.
    pub name: String,
    /// What they set themselves, else the offset of their newest mail's `Date`.
    pub zone: Option<Zone>,
    /// Whether an administrator entered the customer; else the desk made it from an address.
    pub entered: bool,
    /// What they set themselves, else what their newest mail was written in.
    pub language: Option<String>,
    /// Which times they get as calendar entries.
    pub calendar: Entries,
}

/// Which times a contact gets as calendar entries (UX.md §2.1).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Entries {
    /// None.
    Never,
    /// Those that both sides agreed.
    #[default]
    Agreed,
    /// Every promised time.
    Always,
}

impl Entries {
    /// As it stands in the table and in commands.
    pub fn text(self) -> &'static str {
        match self {
            Entries::Never => "never",
            Entries::Agreed => "agreed",
            Entries::Always => "always",
        }
    }
}

impl std::str::FromStr for Entries {
    type Err = Refusal;
    fn from_str(text: &str) -> Result<Entries, Refusal> {
        match text {
            "never" => Ok(Entries::Never),
            "agreed" => Ok(Entries::Agreed),
            "always" => Ok(Entries::Always),
            other => Err(Refusal::usage(format!(
                "\"{other}\" is not understood. Calendar entries are sent never, for agreed times, or always."
            ))),
        }
    }
}

impl Contact {
    fn of(row: &Row) -> Contact {
        let zone = row
            .opt_text(3)
            .or_else(|| row.opt_text(4))
            .and_then(|text| text.parse().ok());
        Contact {
            id: ContactId(row.int(0)),
            customer: CustomerId(row.int(1)),
            name: row.text(2).to_owned(),
            zone,
            entered: row.flag(5),
            language: row.opt_text(6).or_else(|| row.opt_text(7)).map(str::to_owned),
            calendar: row.text(8).parse().unwrap_or_default(),
        }
    }

    /// The zone in which times are said to this person; the desk's where nothing is known (PRODUCT.md §3.13).
    pub fn zone_or(&self, desk: &Zone) -> Zone {
        self.zone.clone().unwrap_or_else(|| desk.clone())
    }

    /// The language in which this person is written to; the desk's where nothing is known.
    pub fn language_or(&self, desk: &super::Desk) -> String {
        self.language.clone().unwrap_or_else(|| desk.language.clone())
    }

    /// Promises at target that this contact's customer may have open at a time (PRODUCT.md §3.2).
    pub fn promises_at_target(&self) -> i64 {
        if self.entered {
            limits::PROMISES_OF_KNOWN
        } else {
            limits::PROMISES_OF_UNKNOWN
        }
    }
}

const CONTACT: &str = "SELECT c.id, c.customer, c.name, c.zone, c.mail_zone, u.entered, c.language, c.mail_language,
        c.calendar FROM contact c JOIN customer u ON u.id = c.customer";

/// The contact with this number.
pub fn contact(tx: &mut Tx<'_>, id: ContactId) -> Outcome<Contact> {
    Ok(Contact::of(
        &tx.one(&format!("{CONTACT} WHERE c.id = $1"), &values![id])?,
    ))
}

/// The contact that this address belongs to.
pub fn contact_by_address(tx: &mut Tx<'_>, address: &str) -> Outcome<Option<Contact>> {
    let row = tx.first(
        &format!("{CONTACT} JOIN contact_address a ON a.contact = c.id WHERE a.address = $1"),
        &values![address.to_lowercase()],
    )?;
    Ok(row.as_ref().map(Contact::of))
}

/// What a mail says of its author beside their name; the newest stands until the contact sets something.
#[derive(Debug, Clone, Copy, Default)]
pub struct Learned<'a> {
    /// Offset of its `Date` header, as a zone.
    pub zone: Option<&'a str>,
    /// The language it is written in, a tag of the catalogue.
    pub language: Option<&'a str>,
}

/// The contact of a mail's author, made if nobody has the address yet.
pub fn contact_of_mail(
    tx: &mut Tx<'_>,
    now: Timestamp,
    address: &str,
    name: Option<&str>,
    learned: Learned<'_>,
) -> Outcome<Contact> {
    let mail_zone = learned.zone;
    if let Some(mut known) = contact_by_address(tx, address)? {
        if learned.language.is_some() && known.language.as_deref() != learned.language {
            tx.execute(
                "UPDATE contact SET mail_language = $1 WHERE id = $2 AND language IS NULL",
                &values![learned.language, known.id],
            )?;
            known = contact(tx, known.id)?;
        }
        let newer = mail_zone.and_then(|zone| zone.parse::<Zone>().ok());
        if newer.is_some() && known.zone != newer {
            tx.execute(
                "UPDATE contact SET mail_zone = $1 WHERE id = $2 AND zone IS NULL",
                &values![mail_zone, known.id],
            )?;
            known = contact(tx, known.id)?;
        }
        return Ok(known);
    }
    let address = address.to_lowercase();
    let name = name
        .map(str::trim)
        .filter(|name| !name.is_empty())
        .unwrap_or(&address)
        .to_owned();
    let customer = match of_domain_of(tx, &address)? {
        Some(customer) => customer,
        None => open(tx, now, &name, false)?,
    };
    let id = add_contact(tx, now, customer, &name, &address, mail_zone)?;
    if learned.language.is_some() {
        tx.execute(
            "UPDATE contact SET mail_language = $1 WHERE id = $2",
            &values![learned.language, id],
        )?;
    }
    contact(tx, id)
}

/// The customer to whom an administrator gave the domain of an address.
pub fn of_domain_of(tx: &mut Tx<'_>, address: &str) -> Outcome<Option<CustomerId>> {
    let address = address.to_lowercase();
    let domain = address.rsplit_once('@').map_or("", |(_, domain)| domain);
    let row = tx.first(
        "SELECT customer FROM customer_domain WHERE domain = $1",
        &values![domain],
    )?;
    Ok(row.map(|row| CustomerId(row.int(0))))
}

/// A new customer; `entered` by an administrator or made by the desk from an address.
pub fn open(tx: &mut Tx<'_>, now: Timestamp, name: &str, entered: bool) -> Outcome<CustomerId> {
    let number = tx.insert(
        "INSERT INTO customer (name, entered, made_at) VALUES ($1, $2, $3)",
        &values![name, entered, now],
    )?;
    Ok(CustomerId(number))
}

/// Gives a mail domain to a customer: later unknown addresses in it become contacts of this customer.
pub fn add_domain(tx: &mut Tx<'_>, customer: CustomerId, domain: &str) -> Outcome<()> {
    let domain = domain.trim_start_matches('@').to_lowercase();
    if domain.is_empty() || domain.contains(char::is_whitespace) {
        return Err(Refusal::usage(format!("\"{domain}\" is not a mail domain. Write it as example.org.")).into());
    }
    let taken = tx.first(
        "SELECT u.name FROM customer_domain d JOIN customer u ON u.id = d.customer WHERE d.domain = $1",
        &values![domain.as_str()],
    )?;
    if let Some(row) = taken {
        return Err(Refusal::conflict(format!("{domain} belongs to {} already.", row.text(0))).into());
    }
    tx.execute(
        "INSERT INTO customer_domain (domain, customer) VALUES ($1, $2)",
        &values![domain, customer],
    )?;
    Ok(())
}

/// A new contact of a customer, known by one address.
pub fn add_contact(
    tx: &mut Tx<'_>,
    now: Timestamp,
    customer: CustomerId,
    name: &str,
    address: &str,
    mail_zone: Option<&str>,
) -> Outcome<ContactId> {
    let id = ContactId(tx.insert(
        "INSERT INTO contact (customer, name, mail_zone, made_at) VALUES ($1, $2, $3, $4)",
        &values![customer, name, mail_zone, now],
    )?);
    tx.execute(
        "INSERT INTO contact_address (address, contact) VALUES ($1, $2)",
        &values![address.to_lowercase(), id],
    )?;
    Ok(id)
}

/// When the owner of an address last showed that they read it.
pub fn confirmed_at(tx: &mut Tx<'_>, address: &str) -> Outcome<Option<Timestamp>> {
    let row = tx.first(
        "SELECT confirmed_at FROM contact_address WHERE address = $1",
        &values![address.to_lowercase()],
    )?;
    Ok(row.and_then(|row| row.opt_instant(0)))
}

/// The owner of an address showed now that they read it.
pub fn confirm(tx: &mut Tx<'_>, now: Timestamp, address: &str) -> Outcome<()> {
    tx.execute(
        "UPDATE contact_address SET confirmed_at = $1 WHERE address = $2",
        &values![now, address.to_lowercase()],
    )?;
    Ok(())
}

/// The customer under which cases stand whose sender nobody vouches for: a name in a header files nothing under anybody
/// else. A release gives the case to the customer of its contact.
pub fn nobody(tx: &mut Tx<'_>, now: Timestamp) -> Outcome<CustomerId> {
    if let Some(known) = nobody_yet(tx)? {
        return Ok(known);
    }
    let id = open(tx, now, "Senders not verified", false)?;
    tx.execute(
        "INSERT INTO setting (name, value) VALUES ('customer.nobody', $1)",
        &values![id.0.to_string()],
    )?;
    Ok(id)
}

/// The same, if there is one.
pub fn nobody_yet(tx: &mut Tx<'_>) -> Outcome<Option<CustomerId>> {
    let row = tx.first("SELECT value FROM setting WHERE name = 'customer.nobody'", &[])?;
    Ok(row.and_then(|row| row.text(0).parse().ok()).map(CustomerId))
}

/// The zone that the contact chose; `None` goes back to their mail's.
pub fn set_zone(tx: &mut Tx<'_>, contact: ContactId, zone: Option<&Zone>) -> Outcome<()> {
    tx.execute(
        "UPDATE contact SET zone = $1 WHERE id = $2",
        &values![zone.map(Zone::to_string), contact],
    )?;
    Ok(())
}

/// The language that the contact chose; `None` goes back to that of their mail.
pub fn set_language(tx: &mut Tx<'_>, contact: ContactId, language: Option<&str>) -> Outcome<()> {
    tx.execute(
        "UPDATE contact SET language = $1 WHERE id = $2",
        &values![language, contact],
    )?;
    Ok(())
}

/// Which times the contact gets as calendar entries.
pub fn set_calendar(tx: &mut Tx<'_>, contact: ContactId, entries: Entries) -> Outcome<()> {
    tx.execute(
        "UPDATE contact SET calendar = $1 WHERE id = $2",
        &values![entries.text(), contact],
    )?;
    Ok(())
}

/// The name of a customer.
pub fn name_of(tx: &mut Tx<'_>, customer: CustomerId) -> Outcome<String> {
    let row = tx.one("SELECT name FROM customer WHERE id = $1", &values![customer])?;
    Ok(row.text(0).to_owned())
}

/// The address that mail to a contact goes to: the one used last is kept by the case, this is the oldest one known.
pub fn address_of(tx: &mut Tx<'_>, contact: ContactId) -> Outcome<String> {
    let row = tx.first(
        "SELECT address FROM contact_address WHERE contact = $1 ORDER BY bounced_at IS NOT NULL, address LIMIT 1",
        &values![contact],
    )?;
    Ok(row.map_or_else(String::new, |row| row.text(0).to_owned()))
}

/// One customer as the `customer` verb lists it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct CustomerRow {
    /// Number.
    pub customer: i64,
    /// Name.
    pub name: String,
    /// Entered by an administrator, or made from an address.
    pub entered: bool,
    /// Mail domains that belong to it.
    pub domains: Vec<String>,
    /// Cases that are not closed.
    pub open_cases: i64,
}

/// Customers by name; `named` narrows to those whose name contains it.
pub fn list(tx: &mut Tx<'_>, named: Option<&str>) -> Outcome<Vec<CustomerRow>> {
    let pattern = format!("%{}%", named.unwrap_or("").to_lowercase().replace(['%', '_'], ""));
    let rows = tx.query(
        "SELECT u.id, u.name, u.entered,
                (SELECT COUNT(*) FROM cases k WHERE k.customer = u.id AND k.hand <> 'nobody')
         FROM customer u WHERE LOWER(u.name) LIKE $1 ORDER BY u.name, u.id LIMIT $2",
        &values![pattern, limits::LIST_ROWS_MAX],
    )?;
    let mut found = Vec::with_capacity(rows.len());
    for row in rows {
        let domains = tx.query(
            "SELECT domain FROM customer_domain WHERE customer = $1 ORDER BY domain",
            &values![row.int(0)],
        )?;
        found.push(CustomerRow {
            customer: row.int(0),
            name: row.text(1).to_owned(),
            entered: row.flag(2),
            domains: domains.iter().map(|row| row.text(0).to_owned()).collect(),
            open_cases: row.int(3),
        });
    }
    Ok(found)
}

/// The customer that a person named: by number, or by its exact name in any case.
pub fn find(tx: &mut Tx<'_>, named: &str) -> Outcome<CustomerId> {
    let rows = tx.query(
        "SELECT id FROM customer WHERE id = $1 OR LOWER(name) = $2 ORDER BY entered DESC, id LIMIT 2",
        &values![named.parse::<i64>().unwrap_or(-1), named.to_lowercase()],
    )?;
    match rows.as_slice() {
        [] => Err(Refusal::missing(format!("There is no customer \"{named}\". See `duly customer`.")).into()),
        [row, ..] => Ok(CustomerId(row.int(0))),
    }
}

/// One contact as the `contact` verb lists it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ContactRow {
    /// Number.
    pub contact: i64,
    /// Name.
    pub name: String,
    /// Addresses.
    pub addresses: Vec<String>,
    /// Name of the customer.
    pub customer: String,
    /// Zone in which times are said to them, if one is known.
    pub zone: Option<String>,
    /// Language in which they are written to, if one is known.
    #[serde(default)]
    pub language: Option<String>,
    /// Which times they get as calendar entries: never, agreed, always.
    #[serde(default)]
    pub calendar: String,
    /// Addresses of theirs that refused our mail for good.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub bounced: Vec<Bounced>,
    /// The key with which letters to them are sealed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<KeyRow>,
}

/// Contacts by name; `named` narrows to names, addresses and customers that contain it.
pub fn contacts(tx: &mut Tx<'_>, named: Option<&str>) -> Outcome<Vec<ContactRow>> {
    let pattern = format!("%{}%", named.unwrap_or("").to_lowercase().replace(['%', '_'], ""));
    let rows = tx.query(
        "SELECT c.id, c.name, u.name, c.zone, c.mail_zone, c.language, c.mail_language, c.calendar FROM contact c JOIN customer u ON u.id = c.customer
         WHERE LOWER(c.name) LIKE $1 OR LOWER(u.name) LIKE $1
            OR EXISTS (SELECT 1 FROM contact_address a WHERE a.contact = c.id AND a.address LIKE $1)
         ORDER BY c.name, c.id LIMIT $2",
        &values![pattern, limits::LIST_ROWS_MAX],
    )?;
    let mut found = Vec::with_capacity(rows.len());
    for row in rows {
        let addresses = tx.query(
            "SELECT address FROM contact_address WHERE contact = $1 ORDER BY address",
            &values![row.int(0)],
        )?;
        found.push(ContactRow {
            contact: row.int(0),
            name: row.text(1).to_owned(),
            addresses: addresses.iter().map(|row| row.text(0).to_owned()).collect(),
            customer: row.text(2).to_owned(),
            zone: row.opt_text(3).or(row.opt_text(4)).map(str::to_owned),
            language: row.opt_text(5).or(row.opt_text(6)).map(str::to_owned),
            calendar: row.text(7).to_owned(),
            bounced: bounce::of_contact(tx, ContactId(row.int(0)))?,
            key: key::of_contact(tx, ContactId(row.int(0)))?,
        });
    }
    Ok(found)
}
