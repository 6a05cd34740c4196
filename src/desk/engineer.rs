//! Engineers: people who answer. Hours, zone, layer and lanes say what `next` may give them.

use super::EngineerId;
use crate::limits;
use crate::refusal::{Outcome, Refusal};
use crate::store::{Row, Tx, values};
use jiff::{SignedDuration, Timestamp};
use plan::Calendar;
use plan::Zone;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// What a person may do beyond answering.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Answers.
    Engineer,
    /// Answers, hears of trouble, and decides what a rule leaves to a person.
    Lead,
    /// Sets the desk up.
    Administrator,
}

impl Role {
    /// As it stands in the table.
    pub fn text(self) -> &'static str {
        match self {
            Role::Engineer => "engineer",
            Role::Lead => "lead",
            Role::Administrator => "administrator",
        }
    }
}

impl std::str::FromStr for Role {
    type Err = Refusal;
    fn from_str(text: &str) -> Result<Role, Refusal> {
        match text {
            "engineer" => Ok(Role::Engineer),
            "lead" => Ok(Role::Lead),
            "administrator" => Ok(Role::Administrator),
            other => Err(Refusal::usage(format!(
                "\"{other}\" is no role. Roles: engineer, lead, administrator."
            ))),
        }
    }
}

/// A person who answers.
#[derive(Debug, Clone)]
pub struct Engineer {
    /// Number.
    pub id: EngineerId,
    /// Mail address; how the person is named in commands.
    pub address: String,
    /// Name as customers read it.
    pub name: String,
    /// Where the person is.
    pub zone: Zone,
    /// When the person works, in their own zone.
    pub hours: String,
    /// Depth of knowledge, 1 to 4.
    pub layer: i64,
    /// Lanes the person serves; empty means all.
    pub lanes: Vec<String>,
    /// See [`Role`].
    pub role: Role,
    /// Gets notices and digests by mail.
    pub by_mail: bool,
}

const ENGINEER: &str = "SELECT id, address, name, zone, hours, layer, lanes, role, by_mail FROM engineer";

impl Engineer {
    fn of(row: &Row) -> Outcome<Engineer> {
        Ok(Engineer {
            id: EngineerId(row.int(0)),
            address: row.text(1).to_owned(),
            name: row.text(2).to_owned(),
            zone: row
                .text(3)
                .parse()
                .map_err(|cause| anyhow::anyhow!("engineer {}: {cause}", row.int(0)))?,
            hours: row.text(4).to_owned(),
            layer: row.int(5),
            lanes: serde_json::from_str(row.text(6)).map_err(anyhow::Error::from)?,
            role: row.text(7).parse()?,
            by_mail: row.flag(8),
        })
    }

    /// Role, hours, depth and lanes in one line.
    pub fn said(&self) -> String {
        let lanes = match self.lanes.is_empty() {
            true => "all lanes".to_owned(),
            false => self.lanes.join(", "),
        };
        format!(
            "{}: {}, {} in {}, layer {}, {lanes}",
            self.name,
            self.role.text(),
            self.hours,
            self.zone,
            self.layer
        )
    }

    /// The person's working hours.
    pub fn calendar(&self) -> Outcome<Calendar> {
        Calendar::from_text(&self.zone.to_string(), &self.hours)
            .map_err(|cause| anyhow::anyhow!("hours of {}: {cause}", self.address).into())
    }
}

/// Adds a person. Hours and zone are checked here, once.
pub fn add(tx: &mut Tx<'_>, now: Timestamp, new: &NewEngineer) -> Outcome<EngineerId> {
    let address = new.address.to_lowercase();
    if !address.contains('@') || address.contains(char::is_whitespace) {
        return Err(Refusal::usage(format!("\"{address}\" is not a mail address.")).into());
    }
    Calendar::from_text(&new.zone, &new.hours).map_err(|cause| Refusal::usage(format!("{cause}.")))?;
    require_layer(new.layer)?;
    let known = tx.first(
        "SELECT left_at FROM engineer WHERE address = $1",
        &values![address.as_str()],
    )?;
    let lanes = serde_json::to_string(&new.lanes).map_err(anyhow::Error::from)?;
    if let Some(known) = known {
        if known.opt_instant(0).is_none() {
            return Err(Refusal::conflict(format!("{address} is on the desk already. See `duly cpu`.")).into());
        }
        return come_back(tx, &address, new, &lanes);
    }
    let number = tx.insert(
        "INSERT INTO engineer (address, name, zone, hours, layer, lanes, role, made_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        &values![
            address,
            new.name.as_str(),
            new.zone.as_str(),
            new.hours.as_str(),
            new.layer,
            lanes,
            new.role.text(),
            now
        ],
    )?;
    Ok(EngineerId(number))
}

/// Somebody who left is there again: what they did before stays theirs, everything else is said anew.
fn come_back(tx: &mut Tx<'_>, address: &str, new: &NewEngineer, lanes: &str) -> Outcome<EngineerId> {
    let row = tx.one(
        "UPDATE engineer SET left_at = NULL, name = $2, zone = $3, hours = $4, layer = $5, lanes = $6, role = $7
         WHERE address = $1 RETURNING id",
        &values![
            address,
            new.name.as_str(),
            new.zone.as_str(),
            new.hours.as_str(),
            new.layer,
            lanes,
            new.role.text()
        ],
    )?;
    Ok(EngineerId(row.int(0)))
}

/// Somebody is no longer on the desk: no mail to them, and none of their tokens works again, even if they come back.
pub fn leave(tx: &mut Tx<'_>, now: Timestamp, id: EngineerId) -> Outcome<()> {
    tx.execute(
        "UPDATE engineer SET left_at = $1, by_mail = 0, digest_at = NULL WHERE id = $2",
        &values![now, id],
    )?;
    tx.execute(
        "UPDATE token SET expires_at = $1 WHERE engineer = $2 AND expires_at > $1",
        &values![now, id],
    )?;
    Ok(())
}

/// What is said of a person when they are added.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct NewEngineer {
    /// Mail address.
    pub address: String,
    /// Name as customers read it.
    pub name: String,
    /// IANA zone.
    pub zone: String,
    /// Hours in the short form "mon-fri 09:00-17:00".
    pub hours: String,
    /// 1 to 4.
    pub layer: i64,
    /// Lanes; empty means all.
    pub lanes: Vec<String>,
    /// See [`Role`].
    pub role: Role,
}

/// What is to be set of a person; what is none stays.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Change {
    /// Name as customers read it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// IANA zone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zone: Option<String>,
    /// Hours in that zone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hours: Option<String>,
    /// 1 to 4.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub layer: Option<i64>,
    /// Lanes; an empty list means all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lanes: Option<Vec<String>>,
    /// See [`Role`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<Role>,
    /// Notices and digests by mail.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mail: Option<bool>,
}

impl Change {
    /// Whether it sets more than what is one's own to say.
    pub fn needs_lead(&self) -> bool {
        self.name.is_some() || self.layer.is_some() || self.lanes.is_some() || self.role.is_some()
    }

    /// Whether it sets anything but how the desk writes.
    pub fn is_planned(&self) -> bool {
        self.needs_lead() || self.zone.is_some() || self.hours.is_some()
    }
}

/// Sets what is said of a person, as [`add`] would take it; how they are now.
///
/// # Errors
/// Hours, a zone or a layer that are none; nothing is changed.
pub fn set(tx: &mut Tx<'_>, old: &Engineer, change: &Change) -> Outcome<Engineer> {
    let name = change.name.as_deref().map_or(old.name.as_str(), str::trim);
    if name.is_empty() {
        return Err(Refusal::usage("A person has a name. Nothing was changed.").into());
    }
    let zone = change.zone.clone().unwrap_or_else(|| old.zone.to_string());
    let hours = change.hours.as_deref().unwrap_or(&old.hours);
    Calendar::from_text(&zone, hours).map_err(|cause| Refusal::usage(format!("{cause}. Nothing was changed.")))?;
    let layer = change.layer.unwrap_or(old.layer);
    require_layer(layer)?;
    let lanes: Vec<&str> = match &change.lanes {
        Some(lanes) => lanes
            .iter()
            .map(|one| one.trim())
            .filter(|one| !one.is_empty())
            .collect(),
        None => old.lanes.iter().map(String::as_str).collect(),
    };
    let lanes = serde_json::to_string(&lanes).map_err(anyhow::Error::from)?;
    let role = change.role.unwrap_or(old.role);
    tx.execute(
        "UPDATE engineer SET name = $2, zone = $3, hours = $4, layer = $5, lanes = $6, role = $7 WHERE id = $1",
        &values![old.id, name, zone, hours, layer, lanes, role.text()],
    )?;
    by_id(tx, old.id)
}

fn require_layer(layer: i64) -> Outcome<()> {
    match (1..=4).contains(&layer) {
        true => Ok(()),
        false => Err(Refusal::usage(
            "A layer is 1 (support), 2 (specialist), 3 (product engineering) or 4 (upstream). Nothing was changed.",
        )
        .into()),
    }
}

/// The engineer whom an address, a number, or the part before the `@` names.
pub fn find(tx: &mut Tx<'_>, named: &str) -> Outcome<Engineer> {
    let lower = named.to_lowercase();
    let rows = tx.query(
        &format!(
            "{ENGINEER} WHERE left_at IS NULL AND (address = $1 OR address LIKE $2 OR id = $3) ORDER BY address LIMIT 2"
        ),
        &values![
            lower.as_str(),
            format!("{}@%", lower.replace(['%', '_'], "")),
            named.parse::<i64>().unwrap_or(-1)
        ],
    )?;
    match rows
        .iter()
        .find(|row| row.text(1) == lower)
        .or(if rows.len() == 1 { rows.first() } else { None })
    {
        Some(row) => Engineer::of(row),
        None => Err(Refusal::missing(format!("There is no engineer \"{named}\". See `duly cpu`.")).into()),
    }
}

/// The engineer with this number.
pub fn by_id(tx: &mut Tx<'_>, id: EngineerId) -> Outcome<Engineer> {
    Engineer::of(&tx.one(&format!("{ENGINEER} WHERE id = $1"), &values![id])?)
}

/// The engineer with this number, if they have not left.
pub fn on_the_desk(tx: &mut Tx<'_>, id: EngineerId) -> Outcome<Option<Engineer>> {
    let row = tx.first(&format!("{ENGINEER} WHERE id = $1 AND left_at IS NULL"), &values![id])?;
    row.as_ref().map(Engineer::of).transpose()
}

/// The engineer who writes from exactly this address.
pub fn by_address(tx: &mut Tx<'_>, address: &str) -> Outcome<Option<Engineer>> {
    let row = tx.first(
        &format!("{ENGINEER} WHERE address = $1 AND left_at IS NULL"),
        &values![address.to_lowercase()],
    )?;
    row.as_ref().map(Engineer::of).transpose()
}

/// Whether an engineer gets notices and digests by mail.
pub fn set_mail(tx: &mut Tx<'_>, now: Timestamp, engineer: &Engineer, on: bool) -> Outcome<()> {
    tx.execute(
        "UPDATE engineer SET by_mail = $1, digest_at = NULL WHERE id = $2",
        &values![on, engineer.id],
    )?;
    match on {
        true => set_digest(tx, now, engineer),
        false => Ok(()),
    }
}

/// The next digest comes with the next beginning of the engineer's hours.
pub fn set_digest(tx: &mut Tx<'_>, now: Timestamp, engineer: &Engineer) -> Outcome<()> {
    let at = next_morning(engineer, now)?;
    tx.execute(
        "UPDATE engineer SET digest_at = $1 WHERE id = $2",
        &values![at, engineer.id],
    )?;
    tx.ring(super::ALARM);
    Ok(())
}

/// When an engineer's hours begin next: today's if they have not begun, else those of a later day. Hours round the clock
/// begin at midnight.
fn next_morning(engineer: &Engineer, now: Timestamp) -> Outcome<Option<Timestamp>> {
    let calendar = engineer.calendar()?;
    let from = match calendar.is_open(now) {
        true => end_of_day(engineer, now),
        false => now,
    };
    Ok(calendar.next_open(from).ok())
}

/// The end of the engineer's day, in their zone.
pub fn end_of_day(engineer: &Engineer, now: Timestamp) -> Timestamp {
    let tomorrow = engineer.zone.local(now).date().tomorrow().ok();
    let midnight = tomorrow.and_then(|date| engineer.zone.instant(date.at(0, 0, 0, 0)));
    midnight.unwrap_or(now)
}

/// Everybody on the desk, by name.
pub fn list(tx: &mut Tx<'_>) -> Outcome<Vec<Engineer>> {
    tx.query(
        &format!("{ENGINEER} WHERE left_at IS NULL ORDER BY role = 'administrator', name, id LIMIT $1"),
        &values![limits::LIST_ROWS_MAX],
    )?
    .iter()
    .map(Engineer::of)
    .collect()
}

/// Whose hours are promised: all but the administrators, who run the desk; they stand in where there is nobody else, and whoever
/// `asks` for a case counts in any case.
pub fn who_answers(tx: &mut Tx<'_>, asks: Option<EngineerId>) -> Outcome<Vec<Engineer>> {
    let all = list(tx)?;
    let is_alone = all.iter().all(|one| one.role == Role::Administrator);
    let answers = |one: &Engineer| is_alone || one.role != Role::Administrator || Some(one.id) == asks;
    Ok(all.into_iter().filter(answers).collect())
}

/// The leads: who hears of trouble. Administrators stand in where there is no lead.
pub fn leads(tx: &mut Tx<'_>) -> Outcome<Vec<Engineer>> {
    for role in [Role::Lead, Role::Administrator] {
        let found = tx.query(
            &format!("{ENGINEER} WHERE left_at IS NULL AND role = $1 ORDER BY name, id LIMIT $2"),
            &values![role.text(), limits::LIST_ROWS_MAX],
        )?;
        if !found.is_empty() {
            return found.iter().map(Engineer::of).collect();
        }
    }
    Ok(Vec::new())
}

/// How long a one-time secret lives.
pub const SECRET_LIFE: SignedDuration = SignedDuration::from_mins(30);
/// How long a token lives.
pub const TOKEN_LIFE: SignedDuration = SignedDuration::from_hours(24 * 90);

/// Keeps a new secret for an engineer: only its SHA-256 is stored (256 random bits need no slow hash).
pub fn keep_secret(
    tx: &mut Tx<'_>,
    now: Timestamp,
    engineer: EngineerId,
    purpose: &str,
    secret: &str,
    life: SignedDuration,
) -> Outcome<()> {
    require_secret(secret)?;
    tx.execute(
        "INSERT INTO token (hash, engineer, purpose, made_at, expires_at) VALUES ($1, $2, $3, $4, $5)",
        &values![hash_of(secret), engineer, purpose, now, now + life],
    )?;
    Ok(())
}

/// Secrets are drawn by whoever asks, and come over a socket: one that could be guessed is refused, whatever program sent it.
///
/// # Errors
/// Shorter than 256 bits in base32.
pub(super) fn require_secret(secret: &str) -> Outcome<()> {
    match secret.len() >= limits::SECRET_CHARS {
        true => Ok(()),
        false => Err(Refusal::usage(format!(
            "A secret has at least {} characters, drawn at random. Nothing was made.",
            limits::SECRET_CHARS
        ))
        .into()),
    }
}

/// Takes a one-time secret: one conditional update, so that of two claims at once only one succeeds.
pub fn claim_secret(tx: &mut Tx<'_>, now: Timestamp, secret: &str) -> Outcome<Engineer> {
    let taken = tx.first(
        "UPDATE token SET used_at = $1 WHERE hash = $2 AND purpose = 'claim' AND used_at IS NULL AND expires_at > $1
         RETURNING engineer",
        &values![now, hash_of(secret)],
    )?;
    match taken {
        Some(row) => by_id(tx, EngineerId(row.int(0))),
        None => Err(Refusal::forbidden(
            "This secret is not valid: it was used, it is older than 30 minutes, or it was mistyped. \
             The owner of the data directory makes a new one with `duly token make ADDRESS`.",
        )
        .into()),
    }
}

/// The engineer who holds this token.
pub fn by_token(tx: &mut Tx<'_>, now: Timestamp, token: &str) -> Outcome<Engineer> {
    let held = tx.first(
        "SELECT t.engineer FROM token t JOIN engineer e ON e.id = t.engineer
         WHERE t.hash = $1 AND t.purpose = 'token' AND t.expires_at > $2 AND e.left_at IS NULL",
        &values![hash_of(token), now],
    )?;
    match held {
        Some(row) => by_id(tx, EngineerId(row.int(0))),
        None => Err(Refusal::forbidden(
            "This token is not valid, or no longer. Claim a new one with `duly token claim`.",
        )
        .into()),
    }
}

fn hash_of(secret: &str) -> Vec<u8> {
    Sha256::digest(secret.trim().as_bytes()).to_vec()
}
