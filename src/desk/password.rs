//! Passwords of engineers, each with an authenticator: a way of signing in beside links.
//!
//! A password works only together with a code of the authenticator (RFC 6238, a step is good once) or with a recovery code.
//! After ten wrong tries in a row it rests for a quarter of an hour; links sign in meanwhile. Administrators have none
//! (SECURITY.md §5.6 of the design). Hashing takes long on purpose and is the door's work, outside of any transaction.

use super::engineer::{self, Engineer, Role};
use super::ledger::{self, Actor, event};
use super::{Desk, EngineerId};
use crate::limits;
use crate::refusal::{Outcome, Refusal};
use crate::store::{Tx, values};
use anyhow::anyhow;
use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use hmac::{Hmac, KeyInit, Mac};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use sha2::{Digest, Sha256};
use totp_rs::{Builder, Totp};

/// Bytes of an authenticator's key: what RFC 4226 §4 recommends.
pub const KEY_BYTES: usize = 20;

/// An authenticator's key and the number under which it is sealed, both drawn by the door.
pub struct Drawn {
    /// The key.
    pub key: [u8; KEY_BYTES],
    /// Used for this sealing and never again.
    pub nonce: [u8; NONCE_LEN],
}

/// Who would sign in with a password, and its hash.
#[derive(Debug, Clone)]
pub struct Known {
    /// Whose it is.
    pub engineer: EngineerId,
    /// As argon2 writes it.
    pub hash: String,
}

/// The password of an address, where there is one that works.
pub fn known(tx: &mut Tx<'_>, address: &str) -> Outcome<Option<Known>> {
    let Some(engineer) = engineer::by_address(tx, address.trim())? else {
        return Ok(None);
    };
    let row = tx.first(
        "SELECT hash FROM password WHERE engineer = $1 AND hash IS NOT NULL",
        &values![engineer.id],
    )?;
    let known = row.map(|row| Known {
        engineer: engineer.id,
        hash: row.text(0).to_owned(),
    });
    Ok(known.filter(|_| may_have(&engineer).is_ok()))
}

/// Whether somebody has a password that works.
pub fn has(tx: &mut Tx<'_>, engineer: EngineerId) -> Outcome<bool> {
    let row = tx.first("SELECT hash FROM password WHERE engineer = $1", &values![engineer])?;
    Ok(row.is_some_and(|row| row.opt_text(0).is_some()))
}

/// Whether somebody may have a password.
///
/// # Errors
/// An administrator, who may do everything, signs in by what cannot be guessed or typed into a false page.
pub fn may_have(engineer: &Engineer) -> Result<(), Refusal> {
    match engineer.role {
        Role::Administrator => Err(Refusal::forbidden(
            "Administrators have no password: they sign in by a link (`duly cpu link`). Nothing was changed.",
        )),
        Role::Engineer | Role::Lead => Ok(()),
    }
}

/// Whether a password is one, before anybody hashes it.
///
/// # Errors
/// It is too short, too long, or says the address.
pub fn complaint(engineer: &Engineer, password: &str) -> Result<(), Refusal> {
    let local = engineer.address.split('@').next().unwrap_or_default();
    let plain = password.to_lowercase();
    let why = match password {
        short if short.chars().count() < limits::PASSWORD_CHARS => {
            format!("has at least {} letters", limits::PASSWORD_CHARS)
        }
        long if long.len() > limits::PASSWORD_BYTES => format!("has at most {} bytes", limits::PASSWORD_BYTES),
        _ if plain.contains(&engineer.address) || plain.trim() == local => "does not say your address".to_owned(),
        _ => return Ok(()),
    };
    Err(Refusal::usage(format!("Password: it {why}. Nothing was changed.")))
}

/// Keeps a new password and a new authenticator until its first code is typed; what worked before works until then.
pub fn begin(tx: &mut Tx<'_>, desk: &Desk, engineer: &Engineer, hash: &str, drawn: &Drawn) -> Outcome<()> {
    may_have(engineer)?;
    let sealed = sealed(desk, engineer.id, drawn)?;
    tx.execute(
        "INSERT INTO password (engineer, new_hash, new_key) VALUES ($1, $2, $3)
         ON CONFLICT (engineer) DO UPDATE SET new_hash = $2, new_key = $3",
        &values![engineer.id, hash, sealed],
    )?;
    Ok(())
}

/// The first code of the new authenticator: from now on it and the new password work, and nothing that was before.
///
/// # Errors
/// The code is not the authenticator's, or nothing waits for one.
pub fn confirm(
    tx: &mut Tx<'_>,
    now: Timestamp,
    desk: &Desk,
    engineer: &Engineer,
    code: &str,
    recovery: &[String],
) -> Outcome<()> {
    may_have(engineer)?;
    let row = tx.first(
        "SELECT new_key FROM password WHERE engineer = $1 AND new_hash IS NOT NULL",
        &values![engineer.id],
    )?;
    let nothing =
        || Refusal::conflict("No new password waits for a code. Begin with the password. Nothing was changed.");
    let row = row.ok_or_else(nothing)?;
    let sealed = row.opt_bytes(0).ok_or_else(nothing)?.to_vec();
    let step = step_of(&opened(desk, engineer.id, &sealed)?, code, now)?.ok_or_else(|| {
        Refusal::usage(
            "Code: it is not the one that the authenticator shows now. Look at its clock and type the six digits anew. Your old \
             password, if you had one, works as before.",
        )
    })?;
    tx.execute(
        "UPDATE password SET hash = new_hash, code_key = new_key, code_step = $1, wrong = 0, rests_until = NULL,
             new_hash = NULL, new_key = NULL WHERE engineer = $2",
        &values![step, engineer.id],
    )?;
    tx.execute("DELETE FROM recovery_code WHERE engineer = $1", &values![engineer.id])?;
    for code in recovery {
        tx.execute(
            "INSERT INTO recovery_code (hash, engineer) VALUES ($1, $2)",
            &values![hash_of(engineer.id, code), engineer.id],
        )?;
    }
    ledger::record(tx, now, event("password.set", Actor::Engineer(engineer.id)))?;
    Ok(())
}

/// Takes a password away, with its authenticator and recovery codes.
pub fn end(tx: &mut Tx<'_>, now: Timestamp, actor: Actor, engineer: EngineerId) -> Outcome<bool> {
    tx.execute("DELETE FROM recovery_code WHERE engineer = $1", &values![engineer])?;
    let ended = tx.execute("DELETE FROM password WHERE engineer = $1", &values![engineer])? > 0;
    if ended {
        ledger::record(
            tx,
            now,
            event("password.ended", actor).with(json!({"engineer": engineer.0})),
        )?;
    }
    Ok(ended)
}

/// Whether a try passes: the password was right, and so is the code. A try that does not is counted.
pub fn passes(
    tx: &mut Tx<'_>,
    now: Timestamp,
    desk: &Desk,
    engineer: EngineerId,
    is_right: bool,
    code: &str,
) -> Outcome<bool> {
    let row = tx.first(
        "SELECT code_key, code_step, wrong, rests_until FROM password WHERE engineer = $1 AND hash IS NOT NULL",
        &values![engineer],
    )?;
    let Some(row) = row else { return Ok(false) };
    if row.opt_instant(3).is_some_and(|until| until > now) {
        return Ok(false);
    }
    let key = row.opt_bytes(0).map(<[u8]>::to_vec).unwrap_or_default();
    if is_right && has_passed(tx, now, desk, engineer, (&key, row.int(1)), code)? {
        tx.execute(
            "UPDATE password SET wrong = 0, rests_until = NULL WHERE engineer = $1",
            &values![engineer],
        )?;
        return Ok(true);
    }
    let wrong = row.int(2) + 1;
    let rests =
        (wrong >= limits::PASSWORD_TRIES).then(|| now + SignedDuration::from_mins(limits::PASSWORD_REST_MINUTES));
    tx.execute(
        "UPDATE password SET wrong = $1, rests_until = $2 WHERE engineer = $3",
        &values![if rests.is_some() { 0 } else { wrong }, rests, engineer],
    )?;
    if rests.is_some() {
        ledger::record(
            tx,
            now,
            event("password.rests", Actor::Desk).with(json!({"engineer": engineer.0})),
        )?;
    }
    Ok(false)
}

/// The code is the authenticator's and newer than the last, or a recovery code, which is used up.
fn has_passed(
    tx: &mut Tx<'_>,
    now: Timestamp,
    desk: &Desk,
    engineer: EngineerId,
    (sealed, last): (&[u8], i64),
    code: &str,
) -> Outcome<bool> {
    let step = step_of(&opened(desk, engineer, sealed)?, code, now)?;
    if let Some(step) = step {
        let taken = tx.execute(
            "UPDATE password SET code_step = $1 WHERE engineer = $2 AND code_step < $1",
            &values![step, engineer],
        )?;
        return Ok(step > last && taken == 1);
    }
    let used = tx.execute(
        "DELETE FROM recovery_code WHERE hash = $1 AND engineer = $2",
        &values![hash_of(engineer, code), engineer],
    )?;
    Ok(used == 1)
}

fn authenticator(key: &[u8]) -> anyhow::Result<Totp> {
    let made = Builder::new().with_secret(key.to_vec()).build();
    made.map_err(|cause| anyhow!("an authenticator's key: {cause}"))
}

/// The step of which a code is, a step early or late at most.
fn step_of(key: &[u8], code: &str, now: Timestamp) -> anyhow::Result<Option<i64>> {
    let digits: String = code.chars().filter(|one| !one.is_whitespace()).collect();
    let seconds = u64::try_from(now.as_second()).unwrap_or_default();
    let step = authenticator(key)?.check(&digits, seconds);
    Ok(step.and_then(|step| i64::try_from(step).ok()))
}

fn hash_of(engineer: EngineerId, code: &str) -> Vec<u8> {
    let plain: String = code.chars().filter(char::is_ascii_alphanumeric).collect();
    Sha256::digest(format!("{} {}", engineer.0, plain.to_lowercase())).to_vec()
}

fn lock(desk: &Desk) -> anyhow::Result<LessSafeKey> {
    let mut mac =
        <Hmac<Sha256> as KeyInit>::new_from_slice(&desk.key).map_err(|_| anyhow!("the desk's key has no length"))?;
    mac.update(b"authenticator keys 1");
    let key = mac.finalize().into_bytes();
    let key = UnboundKey::new(&AES_256_GCM, &key).map_err(|_| anyhow!("no key to seal with"))?;
    Ok(LessSafeKey::new(key))
}

fn sealed(desk: &Desk, engineer: EngineerId, drawn: &Drawn) -> anyhow::Result<Vec<u8>> {
    let mut bytes = drawn.key.to_vec();
    let nonce = Nonce::assume_unique_for_key(drawn.nonce);
    lock(desk)?
        .seal_in_place_append_tag(nonce, Aad::from(engineer.0.to_be_bytes()), &mut bytes)
        .map_err(|_| anyhow!("an authenticator's key could not be sealed"))?;
    Ok([&drawn.nonce[..], &bytes].concat())
}

fn opened(desk: &Desk, engineer: EngineerId, sealed: &[u8]) -> anyhow::Result<Vec<u8>> {
    let broken = || {
        anyhow!(
            "the authenticator's key of engineer {} was sealed with another key than duly.key",
            engineer.0
        )
    };
    let (nonce, bytes) = sealed.split_at_checked(NONCE_LEN).ok_or_else(broken)?;
    let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| broken())?;
    let mut bytes = bytes.to_vec();
    let opened = lock(desk)?
        .open_in_place(nonce, Aad::from(engineer.0.to_be_bytes()), &mut bytes)
        .map_err(|_| broken())?;
    Ok(opened.to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 6238, appendix B, the last six of its eight digits.
    const KEY: &[u8] = b"12345678901234567890";

    #[test]
    fn codes_are_those_of_the_standard_a_step_early_or_late() {
        for (second, code, step) in [
            (59, "287082", 1),
            (1_111_111_109, "081804", 37_037_036),
            (1_234_567_890, "005924", 41_152_263),
        ] {
            for off in [-30, 0, 30] {
                let now = Timestamp::from_second(second + off).unwrap();
                assert_eq!(step_of(KEY, code, now).unwrap(), Some(step), "{second} {off}");
                let spaced = format!("{} {}", &code[..3], &code[3..]);
                assert_eq!(step_of(KEY, &spaced, now).unwrap(), Some(step));
            }
            let late = Timestamp::from_second(second + 61).unwrap();
            assert_eq!(step_of(KEY, code, late).unwrap(), None, "{second}");
        }
        for bad in ["", "28708", "2870822", "abcdef", "٢٨٧٠٨٢"] {
            let now = Timestamp::from_second(59).unwrap();
            assert_eq!(step_of(KEY, bad, now).unwrap(), None, "{bad}");
        }
    }

    #[test]
    fn recovery_codes_are_read_as_people_type_them_and_are_one_persons() {
        let code = "k7m2-qx4p";
        assert_eq!(hash_of(EngineerId(1), code), hash_of(EngineerId(1), " K7M2 QX4P "));
        assert_ne!(hash_of(EngineerId(1), code), hash_of(EngineerId(2), code));
    }
}
