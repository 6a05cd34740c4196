//! OpenPGP: messages, detached signatures and signed words.
//!
//! Promises: content is given out only when the whole of it was read and its integrity held; a signature is judged by
//! keys of the desk alone, with their dates, revocations and purposes; signatures made with MD5, SHA-1 or RIPEMD are no
//! proof of anything. Leaves out: trust in keys by other keys; what stands in `keys/` was put there by the administrator.

use std::io::{Cursor, Read};

use jiff::Timestamp;
use pgp::composed::{
    CleartextSignedMessage, DecryptionOptions, Deserializable, DetachedSignature, Esk, Message, SignedPublicKey,
    SignedPublicSubKey, TheRing,
};
use pgp::crypto::hash::HashAlgorithm;
use pgp::packet::{Signature, SignatureType};
use pgp::types::{KeyDetails, Password, VerifyingKey};

use super::keys::Keyring;
use super::{Scheme, Seal, State, most_opened};
use crate::limits;

const SCHEME: Scheme = Scheme::OpenPgp;

/// Opens a message: encrypted, signed or both.
pub(super) fn open(bytes: &[u8], from: &str, keys: &Keyring) -> (Vec<Seal>, Option<Vec<u8>>) {
    let mut seals = Vec::new();
    match read(bytes, from, keys, &mut seals) {
        Ok(content) => (seals, content),
        Err(cause) => {
            // What was not read to its end is not shown: its integrity is unknown.
            seals.retain(|seal: &Seal| seal.state != State::Opened);
            let said = format!(
                "The OpenPGP message cannot be read ({}). Ask the sender to send it again.",
                short(&cause)
            );
            seals.push(Seal::new(SCHEME, State::Closed, said));
            (seals, None)
        }
    }
}

fn short(cause: &anyhow::Error) -> String {
    let text = format!("{cause:#}");
    text.chars().filter(|c| !c.is_control()).take(200).collect()
}

fn read(bytes: &[u8], from: &str, keys: &Keyring, seals: &mut Vec<Seal>) -> anyhow::Result<Option<Vec<u8>>> {
    let bytes = bytes.trim_ascii_start();
    let (mut message, _) = Message::from_reader(Cursor::new(bytes))?;
    if let Message::Encrypted { esk, .. } = &message {
        let wanted = recipients(esk);
        let password = Password::empty();
        let ring = TheRing {
            secret_keys: keys.secret.iter().collect(),
            key_passwords: vec![&password],
            decrypt_options: DecryptionOptions::new().enable_gnupg_aead(),
            ..TheRing::default()
        };
        match message.decrypt_the_ring(ring, true) {
            Ok((opened, result)) => {
                let with = result
                    .secret_keys
                    .iter()
                    .position(|r| *r == pgp::composed::InnerRingResult::Ok);
                let key = with
                    .and_then(|i| keys.secret.get(i))
                    .map(|key| fingerprint(&key.primary_key));
                let said = match &key {
                    Some(key) => format!("Encrypted with OpenPGP, opened with the desk's key {key}."),
                    None => "Encrypted with OpenPGP, opened.".to_owned(),
                };
                seals.push(Seal {
                    key,
                    ..Seal::new(SCHEME, State::Opened, said)
                });
                message = opened;
            }
            Err(pgp::errors::Error::MissingKey) => {
                seals.push(closed(&wanted, keys));
                return Ok(None);
            }
            Err(cause) => return Err(cause.into()),
        }
    }
    for _ in 0..limits::SEALS {
        if !message.is_compressed() {
            break;
        }
        message = message.decompress()?;
    }
    let most = most_opened(bytes.len());
    let mut content = Vec::new();
    (&mut message).take(most as u64 + 1).read_to_end(&mut content)?;
    anyhow::ensure!(content.len() <= most, "it opens to more than {most} bytes");
    if let Message::Signed { reader, .. } = &message {
        for index in 0..reader.num_signatures().min(limits::SEALS) {
            let Some(signature) = reader.signature(index) else {
                continue;
            };
            let fits = |key: &dyn VerifyingKey| message.verify_nested_explicit(index, key).is_ok();
            seals.push(judge(signature, from, keys, &fits));
        }
    }
    Ok(Some(content))
}

/// The ids of the keys a message is encrypted to.
fn recipients(esk: &[Esk]) -> Vec<String> {
    esk.iter()
        .filter_map(|esk| match esk {
            Esk::PublicKeyEncryptedSessionKey(session) => match session.id() {
                Ok(id) if id.is_wildcard() => None,
                Ok(id) => Some(id.to_string().to_uppercase()),
                Err(_) => session.fingerprint().ok().flatten().map(|print| format!("{print:X}")),
            },
            Esk::SymKeyEncryptedSessionKey(_) => None,
        })
        .take(limits::SEALS * 4)
        .collect()
}

fn closed(wanted: &[String], keys: &Keyring) -> Seal {
    let to = match wanted {
        [] => "to a password or to keys that it does not name".to_owned(),
        ids => format!("to {}", ids.join(", ")),
    };
    let advice = if keys.secret.is_empty() {
        "The desk has no private key: put one into the folder keys, or ask the sender to write without encryption."
    } else {
        "None of the desk's private keys fits: ask the sender to use the desk's key."
    };
    Seal {
        key: wanted.first().cloned(),
        ..Seal::new(SCHEME, State::Closed, format!("Encrypted with OpenPGP {to}. {advice}"))
    }
}

/// Judges the detached signatures of a part.
pub(super) fn verify(signed: &[u8], signature: &[u8], from: &str, keys: &Keyring) -> Vec<Seal> {
    let armoured = signature.trim_ascii_start().starts_with(b"-----");
    let read = if armoured {
        DetachedSignature::from_armor_many(Cursor::new(signature)).map(|(all, _)| all.collect::<Vec<_>>())
    } else {
        DetachedSignature::from_bytes_many(Cursor::new(signature)).map(|all| all.collect::<Vec<_>>())
    };
    let found: Vec<DetachedSignature> = read
        .unwrap_or_default()
        .into_iter()
        .take(limits::SEALS)
        .filter_map(Result::ok)
        .collect();
    if found.is_empty() {
        return vec![unreadable()];
    }
    // GnuPG signs with or without the line end before the boundary; RFC 3156 §5 means without.
    found
        .iter()
        .map(|one| {
            let fits = |key: &dyn VerifyingKey| one.signature.verify(&Borrowed(key), signed).is_ok();
            judge(&one.signature, from, keys, &fits)
        })
        .collect()
}

fn unreadable() -> Seal {
    Seal::new(
        SCHEME,
        State::Unknown,
        "An OpenPGP signature is attached that cannot be read: it proves nothing.",
    )
}

/// A borrowed key as a key: what checks signatures wants a type, not a trait object.
#[derive(Debug)]
struct Borrowed<'k>(&'k dyn VerifyingKey);

impl KeyDetails for Borrowed<'_> {
    fn version(&self) -> pgp::types::KeyVersion {
        self.0.version()
    }
    fn legacy_key_id(&self) -> pgp::types::KeyId {
        self.0.legacy_key_id()
    }
    fn fingerprint(&self) -> pgp::types::Fingerprint {
        self.0.fingerprint()
    }
    fn algorithm(&self) -> pgp::crypto::public_key::PublicKeyAlgorithm {
        self.0.algorithm()
    }
    fn created_at(&self) -> pgp::types::Timestamp {
        self.0.created_at()
    }
    fn legacy_v3_expiration_days(&self) -> Option<u16> {
        self.0.legacy_v3_expiration_days()
    }
    fn public_params(&self) -> &pgp::types::PublicParams {
        self.0.public_params()
    }
}

impl VerifyingKey for Borrowed<'_> {
    fn verify(
        &self,
        hash: HashAlgorithm,
        data: &[u8],
        signature: &pgp::types::SignatureBytes,
    ) -> pgp::errors::Result<()> {
        self.0.verify(hash, data, signature)
    }
}

/// One signature: by whom, and whether it counts.
fn judge(signature: &Signature, from: &str, keys: &Keyring, fits: &dyn Fn(&dyn VerifyingKey) -> bool) -> Seal {
    let at = signature
        .created()
        .and_then(|at| Timestamp::from_second(i64::from(at.as_secs())).ok());
    let named = signature
        .issuer_fingerprint()
        .first()
        .map(|print| format!("{print:X}"))
        .or_else(|| {
            signature
                .issuer_key_id()
                .first()
                .map(|id| id.to_string().to_uppercase())
        });
    let Some(key) = keys.public.iter().find(|key| made_by(signature, key)) else {
        let id = named.as_deref().unwrap_or("that it does not name");
        return Seal {
            key: named.clone(),
            at,
            ..Seal::new(
                SCHEME,
                State::Unknown,
                format!(
                    "Signed with the OpenPGP key {id}, which the desk does not know: it proves nothing. Put the sender's key into the folder keys to check it."
                ),
            )
        };
    };
    let by = owner(key);
    let whose = by.as_deref().unwrap_or("somebody without a name");
    let trouble = trouble(signature, key, keys.now).or_else(|| {
        let signs = any_part_fits(key, fits);
        (!signs).then(|| "it does not fit the text: the text was changed on the way, or this is a forgery".to_owned())
    });
    let (state, said) = match trouble {
        Some(why) => (
            State::Invalid,
            format!("The OpenPGP signature in the name of {whose} is not valid: {why}."),
        ),
        None if addresses(key).any(|a| a.eq_ignore_ascii_case(from)) => {
            (State::Valid, format!("Signed by {whose} with OpenPGP: valid."))
        }
        None => (
            State::OfAnother,
            format!("Signed by {whose} with OpenPGP: valid, but the mail says it is from {from}."),
        ),
    };
    Seal {
        by,
        key: Some(fingerprint(key)),
        at,
        ..Seal::new(SCHEME, state, said)
    }
}

fn made_by(signature: &Signature, key: &SignedPublicKey) -> bool {
    let is = |part: &dyn KeyDetails| {
        signature.issuer_fingerprint().contains(&&part.fingerprint())
            || signature.issuer_key_id().contains(&&part.legacy_key_id())
    };
    is(&key.primary_key) || key.public_subkeys.iter().any(|sub| is(&sub.key))
}

/// Whether the primary key, or a part of it that may sign, made the signature.
fn any_part_fits(key: &SignedPublicKey, fits: &dyn Fn(&dyn VerifyingKey) -> bool) -> bool {
    fits(&key.primary_key)
        || key
            .public_subkeys
            .iter()
            .filter(|sub| sub.signatures.iter().any(|binding| binding.key_flags().sign()))
            .any(|sub| fits(&sub.key))
}

/// Why a signature does not count although it may fit.
fn trouble(signature: &Signature, key: &SignedPublicKey, now: Timestamp) -> Option<String> {
    if !matches!(signature.typ(), Some(SignatureType::Binary | SignatureType::Text)) {
        return Some("it is no signature of a text".into());
    }
    match signature.hash_alg() {
        Some(HashAlgorithm::Md5 | HashAlgorithm::Sha1 | HashAlgorithm::Ripemd160) | None => {
            return Some("it was made in a way that can be forged today".into());
        }
        Some(_) => {}
    }
    if !key.details.revocation_signatures.is_empty() {
        return Some("its key was revoked".into());
    }
    let seconds = |at: pgp::types::Timestamp| i64::from(at.as_secs());
    let made = seconds(signature.created()?);
    if made > now.as_second() + limits::DAY_SECONDS {
        return Some("it claims to be made in the future".into());
    }
    if let Some(expires) = signature.signature_expiration_time().map(span).filter(|s| *s > 0)
        && made.saturating_add(expires) < now.as_second()
    {
        return Some("it has expired".into());
    }
    if good_until(key).is_some_and(|until| until < made) {
        return Some("its key had expired".into());
    }
    None
}

fn span(span: pgp::types::Duration) -> i64 {
    i64::try_from(std::time::Duration::from(span).as_secs()).unwrap_or(i64::MAX)
}

/// Until when a key is good, in seconds of the epoch, as its newest statement about itself says; none: for ever.
pub(super) fn good_until(key: &SignedPublicKey) -> Option<i64> {
    let statements = key.details.users.iter().flat_map(|user| &user.signatures);
    let own: Vec<&Signature> = statements.filter(|s| made_by(s, key)).collect();
    lasts(&own, &key.primary_key)
}

/// Until when a part of a key is good.
pub(super) fn part_good_until(part: &SignedPublicSubKey) -> Option<i64> {
    lasts(&part.signatures.iter().collect::<Vec<_>>(), &part.key)
}

fn lasts(statements: &[&Signature], part: &impl KeyDetails) -> Option<i64> {
    let newest = statements.iter().max_by_key(|s| s.created().map(|at| at.as_secs()))?;
    let lasts = newest.key_expiration_time().map(span).filter(|s| *s > 0)?;
    Some(i64::from(part.created_at().as_secs()).saturating_add(lasts))
}

fn owner(key: &SignedPublicKey) -> Option<String> {
    let id = key.details.users.first()?.id.as_str()?;
    Some(
        id.chars()
            .filter(|c| !c.is_control())
            .take(limits::SUBJECT_CHARS)
            .collect(),
    )
}

/// The addresses that a key names.
pub(super) fn addresses(key: &SignedPublicKey) -> impl Iterator<Item = &str> {
    key.details.users.iter().filter_map(|user| {
        let id = user.id.as_str()?;
        let address = match (id.rfind('<'), id.rfind('>')) {
            (Some(open), Some(close)) if open < close => &id[open + 1..close],
            _ => id.trim(),
        };
        address.contains('@').then_some(address)
    })
}

pub(super) fn fingerprint(key: &impl KeyDetails) -> String {
    format!("{:X}", key.fingerprint())
}

/// Opens the sealed blocks in a mail's words; `None` if there is none.
pub(super) fn open_words(text: &str, from: &str, keys: &Keyring) -> Option<(String, Vec<Seal>)> {
    const SIGNED: &str = "-----BEGIN PGP SIGNED MESSAGE-----";
    const MESSAGE: &str = "-----BEGIN PGP MESSAGE-----";
    let mut out = String::with_capacity(text.len());
    let mut seals = Vec::new();
    let mut rest = text;
    while seals.len() < limits::SEALS {
        let found = [
            (SIGNED, "-----END PGP SIGNATURE-----"),
            (MESSAGE, "-----END PGP MESSAGE-----"),
        ]
        .into_iter()
        .filter_map(|(begin, end)| Some((at_line_start(rest, begin)?, begin, end)))
        .min();
        let Some((start, begin, end)) = found else { break };
        let Some(length) = rest[start..].find(end).map(|at| at + end.len()) else {
            break;
        };
        let block = &rest[start..start + length];
        out.push_str(&rest[..start]);
        if begin == SIGNED {
            let (words, mut said) = signed_words(block, from, keys);
            out.push_str(&words);
            seals.append(&mut said);
        } else {
            let (mut said, content) = open(block.as_bytes(), from, keys);
            seals.append(&mut said);
            match content {
                Some(content) => out.push_str(&crate::mail::charset::decode(&content, None).text),
                None => out.push_str(block),
            }
        }
        rest = &rest[start + length..];
    }
    out.push_str(rest);
    (!seals.is_empty()).then_some((out, seals))
}

fn at_line_start(text: &str, mark: &str) -> Option<usize> {
    text.match_indices(mark)
        .map(|(at, _)| at)
        .take(limits::SEALS * 4)
        .find(|at| *at == 0 || text.as_bytes()[at - 1] == b'\n')
}

fn signed_words(block: &str, from: &str, keys: &Keyring) -> (String, Vec<Seal>) {
    let Ok((message, _)) = CleartextSignedMessage::from_string(block) else {
        return (block.to_owned(), vec![unreadable()]);
    };
    let signed = message.signed_text();
    let seals = message
        .signatures()
        .iter()
        .take(limits::SEALS)
        .map(|signature| {
            let fits = |key: &dyn VerifyingKey| signature.verify(&Borrowed(key), signed.as_bytes()).is_ok();
            judge(signature, from, keys, &fits)
        })
        .collect();
    (signed.replace("\r\n", "\n"), seals)
}
