//! Sealing our own mail: signed, encrypted or both, before it leaves.
//!
//! Promises: a pure function from a composed mail to a sealed one; what was asked for is done for every recipient or
//! refused with whose key is missing or past its date, never done by half. The fields that carry mail stay outside, the content with its
//! own fields goes in; encrypted mail is signed inside, so that nobody sees by whom. OpenPGP where everybody has a key
//! for it, else S/MIME. Leaves out: hiding the subject, which most mail programs would then show as "...".

use jiff::Timestamp;
use pgp::composed::{ArmorOptions, DetachedSignature, MessageBuilder, SignedPublicKey, SignedSecretKey};
use pgp::crypto::hash::HashAlgorithm;
use pgp::crypto::sym::SymmetricKeyAlgorithm;
use pgp::packet::{PublicSubkey, Signature, SignatureType};
use pgp::types::{KeyDetails, Password, SigningKey};
use rand::rngs::OsRng;
use thiserror::Error;

use super::keys::Keyring;
use super::{Scheme, pgp as reading, smime_write, with_full_line_ends};

/// What a mail is wanted to be.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Wish {
    /// Signed by the desk.
    pub sign: bool,
    /// Encrypted to everybody who gets it.
    pub encrypt: bool,
}

/// Why a mail was not sealed. Nothing was sent and nothing was changed.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum Unsealed {
    /// The desk has nothing to sign with.
    #[error("the folder keys holds no private key of {0}: put one there, or send without a signature")]
    NoOwnKey(String),
    /// Somebody's key is missing.
    #[error("no key of {0} is known that can encrypt now")]
    NoKeyOf(String),
    /// A key that was given for somebody cannot be used now.
    #[error("{0}")]
    Unfit(String),
    /// The library failed.
    #[error("the mail cannot be sealed: {0}")]
    Failed(String),
}

fn failed(cause: impl std::fmt::Display) -> Unsealed {
    Unsealed::Failed(cause.to_string())
}

/// Which scheme serves everybody, if one does.
pub(super) fn scheme(from: &str, to: &[&str], wish: Wish, keys: &Keyring) -> Result<Scheme, Unsealed> {
    let pgp_own = !wish.sign || own(from, keys).is_some();
    let pgp_all = !wish.encrypt || to.iter().all(|one| recipient(one, keys).is_some());
    if pgp_own && pgp_all {
        return Ok(Scheme::OpenPgp);
    }
    let cms_own = !wish.sign || smime_write::own(from, keys).is_some();
    let missing = to
        .iter()
        .find(|one| wish.encrypt && smime_write::recipient(one, keys).is_none());
    match (cms_own, missing) {
        (true, None) => Ok(Scheme::Smime),
        (false, _) if !pgp_own => Err(Unsealed::NoOwnKey(from.to_owned())),
        _ => {
            let without = to.iter().find(|one| recipient(one, keys).is_none());
            let whose = missing.or(without).map_or(from, |one| *one);
            Err(Unsealed::NoKeyOf(whose.to_owned()))
        }
    }
}

/// Seals a composed mail that goes to `to` in the name of `from`.
///
/// # Errors
/// If a key is missing; then nothing is sealed.
pub fn seal(mail: &[u8], from: &str, to: &[&str], wish: Wish, keys: &Keyring) -> Result<Vec<u8>, Unsealed> {
    if wish == Wish::default() {
        return Ok(mail.to_vec());
    }
    let scheme = scheme(from, to, wish, keys)?;
    let (outside, entity) = apart(mail);
    let sealed = match (scheme, wish.encrypt) {
        (Scheme::OpenPgp, true) => encrypted(&entity, from, to, wish, keys)?,
        (Scheme::OpenPgp, false) => signed(&entity, from, keys)?,
        (Scheme::Smime, true) => smime_write::encrypted(&entity, from, to, wish, keys)?,
        (Scheme::Smime, false) => smime_write::signed(&entity, from, keys)?,
    };
    Ok([outside, sealed].concat())
}

/// The fields that carry the mail, and the content with the fields that describe it.
fn apart(mail: &[u8]) -> (Vec<u8>, Vec<u8>) {
    let mail = with_full_line_ends(mail);
    let end = memchr::memmem::find(&mail, b"\r\n\r\n").map_or(mail.len(), |at| at + 2);
    let (mut outside, mut inside) = (Vec::new(), Vec::new());
    let mut content = false;
    for line in mail[..end].split_inclusive(|b| *b == b'\n') {
        if !line.starts_with(b" ") && !line.starts_with(b"\t") {
            content = line.len() > 8 && line[..8].eq_ignore_ascii_case(b"content-");
        }
        let mime = line.len() > 13 && line[..13].eq_ignore_ascii_case(b"mime-version:");
        if content {
            inside.extend_from_slice(line);
        } else if !mime {
            outside.extend_from_slice(line);
        }
    }
    outside.extend_from_slice(b"MIME-Version: 1.0\r\n");
    inside.extend_from_slice(&mail[end..]);
    (outside, inside)
}

/// A boundary that stands in no line of the content: it is drawn from its hash.
pub(super) fn boundary(entity: &[u8]) -> String {
    use sha2::{Digest, Sha256};
    let hash = data_encoding::HEXLOWER.encode(&Sha256::digest(entity));
    format!("=_seal_{}", &hash[..24])
}

pub(super) fn own<'k>(from: &str, keys: &'k Keyring) -> Option<&'k SignedSecretKey> {
    keys.secret.iter().find(|key| {
        let public = key.to_public_key();
        reading::addresses(&public).any(|address| address.eq_ignore_ascii_case(from))
    })
}

fn recipient<'k>(address: &str, keys: &'k Keyring) -> Option<&'k SignedPublicKey> {
    let named = keys.public.iter().filter(|key| names(key, address));
    named.into_iter().find(|key| fit(key, keys.now).is_ok())
}

pub(super) fn names(key: &SignedPublicKey, address: &str) -> bool {
    reading::addresses(key).any(|one| one.eq_ignore_ascii_case(address))
}

/// The newest part of a key that may encrypt now, and until when; or why there is none, as half a sentence.
pub(super) fn fit(key: &SignedPublicKey, now: Timestamp) -> Result<(&PublicSubkey, Option<Timestamp>), String> {
    if !key.details.revocation_signatures.is_empty() {
        return Err("was revoked".to_owned());
    }
    let now = now.as_second();
    let until = reading::good_until(key);
    if let Some(until) = until.filter(|until| *until <= now) {
        return Err(format!("expired on {}", day(until)));
    }
    let mut ended = None;
    let mut best: Option<(&PublicSubkey, Option<i64>)> = None;
    for part in &key.public_subkeys {
        let revoked = part
            .signatures
            .iter()
            .any(|s| s.typ() == Some(SignatureType::SubkeyRevocation));
        if revoked || !may_encrypt(&part.signatures) {
            continue;
        }
        let until = [until, reading::part_good_until(part)].into_iter().flatten().min();
        if until.is_some_and(|until| until <= now) {
            ended = ended.max(until);
        } else if best.is_none_or(|(other, _)| other.created_at().as_secs() <= part.key.created_at().as_secs()) {
            best = Some((&part.key, until));
        }
    }
    match (best, ended) {
        (Some((part, until)), _) => Ok((part, until.and_then(|at| Timestamp::from_second(at).ok()))),
        (None, Some(ended)) => Err(format!("expired on {}", day(ended))),
        (None, None) => Err("has no part that can encrypt".to_owned()),
    }
}

/// The day of an instant (seconds of the epoch) in UTC.
pub(super) fn day(second: i64) -> String {
    Timestamp::from_second(second).map_or_else(
        |_| "an unknown day".to_owned(),
        |at| at.strftime("%Y-%m-%d").to_string(),
    )
}

fn may_encrypt(statements: &[Signature]) -> bool {
    statements
        .iter()
        .any(|s| s.key_flags().encrypt_comms() || s.key_flags().encrypt_storage())
}

fn encrypting_part(key: &SignedPublicKey, now: Timestamp) -> Option<&PublicSubkey> {
    fit(key, now).ok().map(|(part, _)| part)
}

/// The part of the desk's key that signs: a part of its own where there is one.
fn signing_part(key: &SignedSecretKey) -> &dyn SigningKey {
    let part = key
        .secret_subkeys
        .iter()
        .find(|sub| sub.signatures.iter().any(|s| s.key_flags().sign()));
    match part {
        Some(sub) => &sub.key,
        None => &key.primary_key,
    }
}

fn signed(entity: &[u8], from: &str, keys: &Keyring) -> Result<Vec<u8>, Unsealed> {
    let key = own(from, keys).ok_or_else(|| Unsealed::NoOwnKey(from.to_owned()))?;
    let signer = Box::new(signing_part(key));
    let made = DetachedSignature::sign_binary_data(OsRng, &signer, &Password::empty(), HashAlgorithm::Sha256, entity);
    let armour = made
        .and_then(|s| s.to_armored_string(ArmorOptions::default()))
        .map_err(failed)?;
    let boundary = boundary(entity);
    let head = format!(
        "Content-Type: multipart/signed; micalg=pgp-sha256;\r\n protocol=\"application/pgp-signature\";\r\n boundary=\"{boundary}\"\r\n\r\n--{boundary}\r\n"
    );
    let tail = format!(
        "\r\n--{boundary}\r\nContent-Type: application/pgp-signature; name=\"signature.asc\"\r\nContent-Description: OpenPGP signature\r\n\r\n{}\r\n--{boundary}--\r\n",
        lines(&armour)
    );
    Ok([head.as_bytes(), entity, tail.as_bytes()].concat())
}

fn encrypted(entity: &[u8], from: &str, to: &[&str], wish: Wish, keys: &Keyring) -> Result<Vec<u8>, Unsealed> {
    let mut builder = MessageBuilder::from_bytes("", entity.to_vec()).seipd_v1(OsRng, SymmetricKeyAlgorithm::AES256);
    for one in to {
        let missing = || Unsealed::NoKeyOf((*one).to_owned());
        let part = recipient(one, keys)
            .and_then(|key| encrypting_part(key, keys.now))
            .ok_or_else(missing)?;
        builder.encrypt_to_key(OsRng, part).map_err(failed)?;
    }
    // The desk can read what it sent.
    if let Some(part) = recipient(from, keys).and_then(|key| encrypting_part(key, keys.now)) {
        builder.encrypt_to_key(OsRng, part).map_err(failed)?;
    }
    let signer = match wish.sign {
        true => Some(own(from, keys).ok_or_else(|| Unsealed::NoOwnKey(from.to_owned()))?),
        false => None,
    };
    if let Some(key) = signer {
        builder.sign(signing_part(key), Password::empty(), HashAlgorithm::Sha256);
    }
    let armour = builder
        .to_armored_string(OsRng, ArmorOptions::default())
        .map_err(failed)?;
    let boundary = boundary(entity);
    Ok(format!(
        "Content-Type: multipart/encrypted; protocol=\"application/pgp-encrypted\";\r\n boundary=\"{boundary}\"\r\n\r\n--{boundary}\r\nContent-Type: application/pgp-encrypted\r\n\r\nVersion: 1\r\n\r\n--{boundary}\r\nContent-Type: application/octet-stream; name=\"encrypted.asc\"\r\nContent-Disposition: inline; filename=\"encrypted.asc\"\r\n\r\n{}\r\n--{boundary}--\r\n",
        lines(&armour)
    )
    .into_bytes())
}

fn lines(text: &str) -> String {
    text.replace("\r\n", "\n").replace('\n', "\r\n")
}
