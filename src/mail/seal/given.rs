//! A contact's key that an administrator gave: what it is, and a letter sealed with it.
//!
//! Promises: one file says one key, which names the contact's address; what cannot be used is refused with why and what to
//! do, when it is given and again when a letter leaves, and then nothing is sealed and nothing may leave. The contact's key
//! comes from the file alone, the desk's own from the folder `keys/` alone: a key that somebody put there under another's
//! name reads nothing. Leaves out: several keys of one contact.

use jiff::Timestamp;

use super::keys::{KeyFiles, Keyring, Own};
use super::write::{self, Unsealed, Wish, seal};
use super::{Scheme, pgp, smime_write};

/// A key, as lists show it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Given {
    /// Which kind.
    pub scheme: Scheme,
    /// Fingerprint: of an OpenPGP key its own, of a certificate its SHA-256; upper case hexadecimal.
    pub fingerprint: String,
    /// Until when it can be used; none: for ever.
    pub until: Option<Timestamp>,
}

/// What a key file holds for an address.
///
/// # Errors
/// Why it cannot be used, and what to do, as sentences.
pub fn read(file: &[u8], address: &str, now: Timestamp) -> Result<Given, String> {
    let ring = ring_of(file, now)?;
    find(&ring, address)
}

/// A letter for `recipient`, sealed with the key that was given in their name: encrypted, and signed inside where the desk
/// has a key of that kind for `from`. With it comes what was done, as half a sentence.
///
/// # Errors
/// If the key cannot be used; the letter must not leave then.
pub fn seal_for(
    letter: &[u8],
    from: &str,
    address: &str,
    file: &[u8],
    folder: &KeyFiles,
    now: Timestamp,
) -> Result<(Vec<u8>, String), Unsealed> {
    let theirs = ring_of(file, now).map_err(Unsealed::Unfit)?;
    let given = find(&theirs, address).map_err(Unsealed::Unfit)?;
    let ring = with_own(theirs, Keyring::read(folder).0);
    let sign = match given.scheme {
        Scheme::OpenPgp => write::own(from, &ring).is_some(),
        Scheme::Smime => smime_write::own(from, &ring).is_some(),
    };
    let wish = Wish { sign, encrypt: true };
    let sealed = seal(letter, from, &[address], wish, &ring)?;
    let signed = if sign { ", signed" } else { "" };
    let done = format!("encrypted with {} for key {}{signed}", given.scheme, given.fingerprint);
    Ok((sealed, done))
}

fn ring_of(file: &[u8], now: Timestamp) -> Result<Keyring, String> {
    let pem = memchr::memmem::find(file, b"-----BEGIN CERTIFICATE").is_some();
    let name = if pem { "key.pem" } else { "key.asc" };
    let (ring, _) = Keyring::read(&KeyFiles::of_bytes(now, &[(name, file)]));
    if !ring.secret.is_empty() || memchr::memmem::find(file, b"PRIVATE KEY").is_some() {
        return Err("It holds a private key, which belongs to its owner alone. Ask for the public one.".to_owned());
    }
    match ring.is_empty() {
        false => Ok(ring),
        true => Err(
            "It holds neither an OpenPGP key nor a certificate in PEM (`openssl x509 -inform der` makes that of DER)."
                .to_owned(),
        ),
    }
}

fn find(ring: &Keyring, address: &str) -> Result<Given, String> {
    let unfit = |kind: &str, why: String| {
        format!(
            "The {kind} of {address} {why}. Ask them for a new one and enter it (`duly contact key {address} FILE`), or remove it (`duly contact key {address} --remove`): letters then leave in clear."
        )
    };
    let mut wrong = None;
    for key in ring.public.iter().filter(|key| write::names(key, address)) {
        match write::fit(key, ring.now) {
            Ok((_, until)) => {
                return Ok(Given {
                    scheme: Scheme::OpenPgp,
                    fingerprint: pgp::fingerprint(&key.primary_key),
                    until,
                });
            }
            Err(why) => wrong = Some(unfit("OpenPGP key", why)),
        }
    }
    for one in ring
        .certificates
        .iter()
        .filter(|one| smime_write::names(&one.read, address))
    {
        match smime_write::fit(&one.read, ring.now) {
            Ok(until) => {
                let print = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, one.der.as_ref());
                return Ok(Given {
                    scheme: Scheme::Smime,
                    fingerprint: data_encoding::HEXUPPER.encode(print.as_ref()),
                    until: Some(until),
                });
            }
            Err(why) => wrong = Some(unfit("certificate", why)),
        }
    }
    Err(wrong.unwrap_or_else(|| {
        format!("It holds no key that names {address}. Ask its owner for one that does, so that nobody reads what is for another.")
    }))
}

/// The contact's key with what the desk signs and reads with.
fn with_own(theirs: Keyring, own: Keyring) -> Keyring {
    let mut ring = theirs;
    ring.public.extend(own.secret.iter().map(|key| key.to_public_key()));
    ring.secret = own.secret;
    for one in own.own {
        let Some(certificate) = own.certificates.get(one.certificate) else {
            continue;
        };
        ring.own.push(Own {
            certificate: ring.certificates.len(),
            pkcs8: one.pkcs8,
        });
        ring.certificates.push(certificate.clone());
    }
    ring
}
