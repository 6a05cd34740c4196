//! Sessions: an engineer signed in at a browser, and the links by which they sign in.
//!
//! A link is good once, for fifteen minutes; looking at it uses nothing up, because machines that read mail open every
//! link. A session is a row that only the hash of its secret leads to. It ends when it was not used for twelve hours, after seven
//! days, when its owner or an administrator says so, and with its engineer's place on the desk. Who a request acts for is read
//! here and nowhere else; a role that changes counts from the next request on, because no session holds one.
//!
//! Passwords are in [`super::password`]. Left out: passkeys, sign-in by another system. Customers have no sessions; their links are in
//! [`super::link`].

use super::engineer::{self, Engineer};
use super::ledger::{self, Actor, event};
use super::{EngineerId, SessionId};
use crate::limits;
use crate::refusal::{Outcome, Refusal};
use crate::store::{Tx, values};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::json;
use sha2::{Digest, Sha256};

/// A new sign-in link, as whoever asked for it reads it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Link {
    /// Number of the engineer.
    pub engineer: i64,
    /// Their name.
    pub name: String,
    /// Their address.
    pub address: String,
    /// The link; the desk knows its secret only, the door puts its own address before it.
    pub link: String,
    /// Until when it can be used.
    pub expires_at: Timestamp,
}

/// A session, as lists show it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SessionRow {
    /// Number.
    pub session: i64,
    /// Program and system in words, as "Firefox on Linux".
    pub agent: String,
    /// When they signed in.
    pub made_at: Timestamp,
    /// When it was last used, to the minute.
    pub last_seen: Timestamp,
    /// When it ends whatever happens.
    pub expires_at: Timestamp,
}

/// Who a request comes from.
#[derive(Debug, Clone)]
pub struct Signed {
    /// The session.
    pub id: SessionId,
    /// Whose it is, with the role they have now.
    pub engineer: Engineer,
    /// When it was last written down that it is used.
    pub last_seen: Timestamp,
}

/// Makes a sign-in link out of a secret that the door drew.
///
/// # Errors
/// A secret that is too short to be one: what anybody could guess signs in nobody.
pub fn link(tx: &mut Tx<'_>, now: Timestamp, actor: Actor, engineer: &Engineer, secret: &str) -> Outcome<Link> {
    engineer::require_secret(secret)?;
    let expires_at = now + SignedDuration::from_mins(limits::SIGN_IN_MINUTES);
    let old = now - SignedDuration::from_hours(24 * limits::SIGN_IN_KEPT_DAYS);
    tx.execute(
        "DELETE FROM sign_in WHERE engineer = $1 AND (made_at < $2 OR hash IN
         (SELECT hash FROM sign_in WHERE engineer = $1 ORDER BY made_at DESC, hash LIMIT 1000 OFFSET $3))",
        &values![engineer.id, old, limits::SIGN_IN_LINKS - 1],
    )?;
    tx.execute(
        "INSERT INTO sign_in (hash, engineer, made_at, expires_at) VALUES ($1, $2, $3, $4)",
        &values![hash_of(secret), engineer.id, now, expires_at],
    )?;
    let about = json!({"engineer": engineer.id.0});
    ledger::record(tx, now, event("session.offered", actor).with(about))?;
    Ok(Link {
        engineer: engineer.id.0,
        name: engineer.name.clone(),
        address: engineer.address.clone(),
        link: secret.to_owned(),
        expires_at,
    })
}

/// Whom a link would sign in. Changes nothing, however often it is asked.
pub fn look(tx: &mut Tx<'_>, now: Timestamp, secret: &str) -> Outcome<Engineer> {
    let row = tx.first(
        "SELECT engineer, expires_at, used_at FROM sign_in WHERE hash = $1",
        &values![hash_of(secret)],
    )?;
    let Some(row) = row else {
        return Err(Refusal::missing(format!(
            "This sign-in link is not known here. Nothing was changed. Look whether the whole link was taken over; it is known \
             for {} days.",
            limits::SIGN_IN_KEPT_DAYS
        ))
        .into());
    };
    if row.opt_instant(2).is_some() {
        return Err(Refusal::conflict(
            "This sign-in link was used already; each signs in one browser, once. Nothing was changed. If it was not you who \
             used it, tell an administrator: `duly cpu sessions ADDRESS --end` ends what it began.",
        )
        .into());
    }
    if row.instant(1) <= now {
        return Err(Refusal::conflict(format!(
            "This sign-in link is older than {} minutes and can no longer be used. Nothing was changed.",
            limits::SIGN_IN_MINUTES
        ))
        .into());
    }
    engineer::on_the_desk(tx, EngineerId(row.int(0)))?.ok_or_else(|| {
        Refusal::forbidden("This sign-in link is of somebody who has left the desk. Nothing was changed.").into()
    })
}

/// Uses a link: one conditional update, so that of many at once one signs in. `secret` is the new session's, drawn by the door;
/// the session that the same browser had before ends.
pub fn begin(
    tx: &mut Tx<'_>,
    now: Timestamp,
    link: &str,
    secret: &str,
    agent: &str,
    before: Option<(SessionId, EngineerId)>,
) -> Outcome<Engineer> {
    let taken = tx.execute(
        "UPDATE sign_in SET used_at = $1 WHERE hash = $2 AND used_at IS NULL AND expires_at > $1",
        &values![now, hash_of(link)],
    )?;
    let row = tx.first("SELECT engineer FROM sign_in WHERE hash = $1", &values![hash_of(link)])?;
    let engineer = match (taken, row) {
        (1, Some(row)) => engineer::on_the_desk(tx, EngineerId(row.int(0)))?,
        // Says why; what it lets pass was taken by somebody else between the two.
        _ => {
            look(tx, now, link)?;
            None
        }
    };
    let engineer = engineer.ok_or_else(|| {
        Refusal::forbidden("This sign-in link is of somebody who has left the desk. Nothing was changed.")
    })?;
    open(tx, now, &engineer, secret, agent, before)?;
    Ok(engineer)
}

/// A session of somebody who has shown who they are. `secret` is drawn by the door; the session that the same browser had
/// before ends.
pub fn open(
    tx: &mut Tx<'_>,
    now: Timestamp,
    engineer: &Engineer,
    secret: &str,
    agent: &str,
    before: Option<(SessionId, EngineerId)>,
) -> Outcome<()> {
    if let Some((before, whose)) = before {
        end(tx, now, Actor::Engineer(engineer.id), whose, Which::One(before))?;
    }
    make_room(tx, now, engineer.id)?;
    let id = tx.next_number("session")?;
    tx.execute(
        "INSERT INTO session (id, hash, engineer, made_at, last_seen, expires_at, agent) VALUES ($1, $2, $3, $4, $4, $5, $6)",
        &values![
            id,
            hash_of(secret),
            engineer.id,
            now,
            now + SignedDuration::from_hours(24 * limits::SESSION_DAYS),
            agent_words(agent)
        ],
    )?;
    let about = json!({"session": id});
    ledger::record(
        tx,
        now,
        event("session.began", Actor::Engineer(engineer.id)).with(about),
    )?;
    Ok(())
}

/// Sweeps what has run out, and ends the session that was unused longest where there are too many: the ledger says so, for
/// whoever wonders who pushed them out.
fn make_room(tx: &mut Tx<'_>, now: Timestamp, engineer: EngineerId) -> Outcome<()> {
    tx.execute(
        "DELETE FROM session WHERE engineer = $1 AND (expires_at <= $2 OR last_seen <= $3)",
        &values![engineer, now, idle_since(now)],
    )?;
    let too_many = tx.query(
        "SELECT id FROM session WHERE engineer = $1 ORDER BY last_seen DESC, id DESC LIMIT 1000 OFFSET $2",
        &values![engineer, limits::SESSIONS - 1],
    )?;
    for row in too_many {
        end(tx, now, Actor::Desk, engineer, Which::One(SessionId(row.int(0))))?;
    }
    Ok(())
}

/// Who holds this session's secret, if it is one and has not ended.
pub fn find(tx: &mut Tx<'_>, now: Timestamp, secret: &str) -> Outcome<Option<Signed>> {
    let row = tx.first(
        "SELECT id, engineer, last_seen FROM session WHERE hash = $1 AND expires_at > $2 AND last_seen > $3",
        &values![hash_of(secret), now, idle_since(now)],
    )?;
    let Some(row) = row else { return Ok(None) };
    let engineer = engineer::on_the_desk(tx, EngineerId(row.int(1)))?;
    Ok(engineer.map(|engineer| Signed {
        id: SessionId(row.int(0)),
        engineer,
        last_seen: row.instant(2),
    }))
}

/// Whether a session has not ended: for what stays open longer than a request.
pub fn is_alive(tx: &mut Tx<'_>, now: Timestamp, id: SessionId) -> Outcome<bool> {
    let row = tx.first(
        "SELECT 1 FROM session s JOIN engineer e ON e.id = s.engineer
         WHERE s.id = $1 AND s.expires_at > $2 AND s.last_seen > $3 AND e.left_at IS NULL",
        &values![id, now, idle_since(now)],
    )?;
    Ok(row.is_some())
}

/// Whether it is time to write down that a session is used.
pub fn is_stale(signed: &Signed, now: Timestamp) -> bool {
    now.duration_since(signed.last_seen) >= SignedDuration::from_secs(limits::SESSION_SEEN_SECONDS)
}

/// Writes down that a session is used.
pub fn seen(tx: &mut Tx<'_>, now: Timestamp, id: SessionId) -> Outcome<()> {
    tx.execute(
        "UPDATE session SET last_seen = $1 WHERE id = $2 AND last_seen < $1",
        &values![now, id],
    )?;
    Ok(())
}

/// Somebody's sessions that have not ended, the one used last first.
pub fn list(tx: &mut Tx<'_>, now: Timestamp, engineer: EngineerId) -> Outcome<Vec<SessionRow>> {
    let rows = tx.query(
        "SELECT id, agent, made_at, last_seen, expires_at FROM session
         WHERE engineer = $1 AND expires_at > $2 AND last_seen > $3 ORDER BY last_seen DESC, id DESC LIMIT $4",
        &values![engineer, now, idle_since(now), limits::SESSIONS],
    )?;
    let of_row = |row: &crate::store::Row| SessionRow {
        session: row.int(0),
        agent: row.text(1).to_owned(),
        made_at: row.instant(2),
        last_seen: row.instant(3),
        expires_at: row.instant(4),
    };
    Ok(rows.iter().map(of_row).collect())
}

/// Which of somebody's sessions are meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    /// This one.
    One(SessionId),
    /// Every other one.
    AllBut(SessionId),
    /// Every one.
    All,
}

/// Ends sessions of an engineer, at once; how many. Nobody names a session of somebody else.
pub fn end(tx: &mut Tx<'_>, now: Timestamp, actor: Actor, engineer: EngineerId, which: Which) -> Outcome<u64> {
    let (condition, id) = match which {
        Which::One(id) => ("id = $2", id.0),
        Which::AllBut(id) => ("id <> $2", id.0),
        Which::All => ("id <> $2", 0),
    };
    let ended = tx.execute(
        &format!("DELETE FROM session WHERE engineer = $1 AND {condition}"),
        &values![engineer, id],
    )?;
    if ended > 0 {
        let about = json!({"engineer": engineer.0, "sessions": ended});
        ledger::record(tx, now, event("session.ended", actor).with(about))?;
    }
    Ok(ended)
}

/// Links that were not used yet are worth nothing any more.
pub fn forget_links(tx: &mut Tx<'_>, engineer: EngineerId) -> Outcome<()> {
    tx.execute("DELETE FROM sign_in WHERE engineer = $1", &values![engineer])?;
    Ok(())
}

fn idle_since(now: Timestamp) -> Timestamp {
    now - SignedDuration::from_hours(limits::SESSION_IDLE_HOURS)
}

fn hash_of(secret: &str) -> Vec<u8> {
    Sha256::digest(secret.as_bytes()).to_vec()
}

/// Programs by what they say of themselves, the more special first: each says that it is the next as well.
const PROGRAMS: [(&str, &str); 7] = [
    ("Edg/", "Edge"),
    ("OPR/", "Opera"),
    ("Firefox/", "Firefox"),
    ("Chromium/", "Chromium"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
    ("curl/", "curl"),
];
const SYSTEMS: [(&str, &str); 6] = [
    ("Android", "Android"),
    ("iPhone", "an iPhone"),
    ("iPad", "an iPad"),
    ("Windows", "Windows"),
    ("Mac OS X", "a Mac"),
    ("Linux", "Linux"),
];

/// What a browser says of itself, in words: enough to know one's own, and nothing that tells two of the same kind apart.
fn agent_words(agent: &str) -> String {
    let named = |table: &[(&str, &'static str)]| {
        let found = table.iter().find(|(sign, _)| agent.contains(sign));
        found.map(|(_, name)| *name)
    };
    match (named(&PROGRAMS), named(&SYSTEMS)) {
        (Some(program), Some(system)) => format!("{program} on {system}"),
        (Some(program), None) => program.to_owned(),
        (None, Some(system)) => format!("a browser on {system}"),
        (None, None) => {
            let plain = agent.chars().filter(|one| one.is_ascii_graphic() || *one == ' ');
            let short: String = plain.take(limits::SESSION_AGENT_CHARS).collect();
            Some(short.trim().to_owned())
                .filter(|short| !short.is_empty())
                .unwrap_or_else(|| "a program without a name".into())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_browser_is_known_by_program_and_system_and_nothing_more() {
        for (agent, words) in [
            (
                "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
                "Firefox on Linux",
            ),
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36 Edg/140.0",
                "Edge on Windows",
            ),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605.1.15 Version/17.0 Mobile/15E148 Safari/604.1",
                "Safari on an iPhone",
            ),
            ("Python-urllib/3.11", "Python-urllib/3.11"),
            ("<b>\u{202e}x\u{7}", "<b>x"),
            ("", "a program without a name"),
        ] {
            assert_eq!(agent_words(agent), words, "{agent}");
        }
        assert_eq!(agent_words(&"x".repeat(500)).len(), limits::SESSION_AGENT_CHARS);
    }
}
