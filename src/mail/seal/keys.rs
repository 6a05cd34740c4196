//! The desk's keys and those of its contacts: the folder `keys/` in the data directory.
//!
//! Promises: a private key that others on the machine may read is not used, and that is said; what cannot be read is said
//! by its file's name, and costs its own file only; the number and size of files are bounded. Nothing here ever writes a
//! key anywhere, or a word of one into the log. Leaves out: passwords of keys (a desk answers at night, so its key must
//! open without a person; the file's mode and the disk guard it), hardware, and fetching keys from the net.
//!
//! What stands there: `*.asc`, `*.gpg`, `*.pgp` hold OpenPGP keys, armoured or not. `*.pem`, `*.crt`, `*.cer`, `*.key`
//! hold certificates and private keys for S/MIME, in PEM. A certificate in the folder is trusted: a contact's own one, or
//! that of an authority whose certificates are then trusted.

use std::fs;
use std::io::Cursor;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use anyhow::Context;
use aws_lc_rs::signature::KeyPair;
use jiff::Timestamp;
use pgp::composed::{SignedPublicKey, SignedSecretKey};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use serde::{Deserialize, Serialize};
use x509_cert::Certificate;
use x509_cert::der::Decode;

use crate::limits;

/// Key files as they are handed to the worker.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct KeyFiles {
    /// The time for which keys are judged.
    now: Timestamp,
    /// Names and content, the latter in base64.
    files: Vec<(String, String)>,
}

impl KeyFiles {
    /// Reads the folder; none is an empty one. With it come the complaints for the log.
    ///
    /// # Errors
    /// If the folder is there and cannot be listed.
    pub fn of_folder(folder: &Path, now: Timestamp) -> anyhow::Result<(KeyFiles, Vec<String>)> {
        let mut found = KeyFiles { now, files: Vec::new() };
        let mut complaints = Vec::new();
        let listing = match fs::read_dir(folder) {
            Ok(listing) => listing,
            Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => return Ok((found, complaints)),
            Err(cause) => return Err(cause).with_context(|| format!("read {}", folder.display())),
        };
        let mut names: Vec<_> = listing.filter_map(|entry| Some(entry.ok()?.path())).collect();
        names.sort();
        for path in names {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            if !is_key_file(&name) {
                continue;
            }
            if found.files.len() == limits::KEY_FILES {
                complaints.push(format!(
                    "more than {} key files: {name} and later ones are not read",
                    limits::KEY_FILES
                ));
                break;
            }
            match key_file(&path) {
                Ok(bytes) => found.files.push((name, data_encoding::BASE64.encode(&bytes))),
                Err(why) => complaints.push(format!("the key file {name} is not used: {why}")),
            }
        }
        Ok((found, complaints))
    }

    /// Keys that a caller has in hand; for tests and tools.
    pub fn of_bytes(now: Timestamp, files: &[(&str, &[u8])]) -> KeyFiles {
        let files = files
            .iter()
            .map(|(name, bytes)| ((*name).to_owned(), data_encoding::BASE64.encode(bytes)));
        KeyFiles {
            now,
            files: files.collect(),
        }
    }
}

fn is_key_file(name: &str) -> bool {
    let ending = name.rsplit_once('.').map(|(_, ending)| ending.to_ascii_lowercase());
    matches!(
        ending.as_deref(),
        Some("asc" | "gpg" | "pgp" | "pem" | "crt" | "cer" | "key")
    )
}

fn key_file(path: &Path) -> Result<Vec<u8>, String> {
    let about = fs::metadata(path).map_err(|cause| cause.to_string())?;
    if !about.is_file() {
        return Err("it is no file".into());
    }
    if about.len() > limits::KEY_FILE_BYTES {
        return Err(format!("it is larger than {} bytes", limits::KEY_FILE_BYTES));
    }
    let bytes = fs::read(path).map_err(|cause| cause.to_string())?;
    // Armour says that a key is private; the first packet of a binary OpenPGP file does (tags 5 and 7).
    let armoured = memchr::memmem::find(&bytes, b"PRIVATE KEY").is_some();
    let binary = bytes
        .first()
        .is_some_and(|b| matches!(b, 0x94..=0x97 | 0x9c..=0x9f | 0xc5 | 0xc7));
    let open_to_others = about.permissions().mode() & 0o077 != 0;
    if (armoured || binary) && open_to_others {
        return Err("it holds a private key that others on this machine may read (chmod 600 it)".into());
    }
    Ok(bytes)
}

/// Keys, ready for use.
#[derive(Debug, Default)]
pub struct Keyring {
    /// OpenPGP keys of everybody, the desk's own included.
    pub(super) public: Vec<SignedPublicKey>,
    /// OpenPGP keys of the desk.
    pub(super) secret: Vec<SignedSecretKey>,
    /// Certificates that are trusted.
    pub(super) certificates: Vec<Trusted>,
    /// Private keys whose certificate is among those.
    pub(super) own: Vec<Own>,
    /// The time for which keys are judged.
    pub(super) now: Timestamp,
}

/// A certificate that stands in the folder.
#[derive(Debug, Clone)]
pub(super) struct Trusted {
    pub(super) der: CertificateDer<'static>,
    pub(super) read: Certificate,
}

/// A private key for S/MIME.
pub(super) struct Own {
    /// Which certificate it belongs to.
    pub(super) certificate: usize,
    /// PKCS #8.
    pub(super) pkcs8: Vec<u8>,
}

impl std::fmt::Debug for Own {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Own")
            .field("certificate", &self.certificate)
            .finish_non_exhaustive()
    }
}

impl Keyring {
    /// Reads key files; what cannot be used is said.
    pub fn read(files: &KeyFiles) -> (Keyring, Vec<String>) {
        let mut ring = Keyring {
            now: files.now,
            ..Keyring::default()
        };
        let mut complaints = Vec::new();
        let mut private: Vec<(&str, Vec<u8>)> = Vec::new();
        for (name, content) in &files.files {
            let Ok(bytes) = data_encoding::BASE64.decode(content.as_bytes()) else {
                continue;
            };
            let text = String::from_utf8_lossy(&bytes);
            let read = if text.contains("-----BEGIN PGP") || !text.contains("-----BEGIN ") {
                ring.openpgp(&bytes)
            } else {
                ring.pem(name, &bytes, &mut private)
            };
            if let Err(cause) = read {
                complaints.push(format!("the key file {name} is not used: {cause:#}"));
            }
        }
        for (name, pkcs8) in private {
            match ring.certificate_of(&pkcs8) {
                Some(certificate) => ring.own.push(Own { certificate, pkcs8 }),
                None => complaints.push(format!("no certificate in the folder fits the private key in {name}")),
            }
        }
        (ring, complaints)
    }

    /// Whether there is any key at all.
    pub fn is_empty(&self) -> bool {
        self.public.is_empty() && self.certificates.is_empty()
    }

    fn openpgp(&mut self, bytes: &[u8]) -> anyhow::Result<()> {
        let (keys, _) = pgp::composed::PublicOrSecret::from_reader_many(Cursor::new(bytes))?;
        let mut any = false;
        for key in keys.take(limits::KEY_FILES) {
            let key = key?;
            key.verify_bindings().context("its parts do not belong together")?;
            any = true;
            match key {
                pgp::composed::PublicOrSecret::Public(key) => self.public.push(key),
                pgp::composed::PublicOrSecret::Secret(key) => {
                    self.public.push(key.to_public_key());
                    self.secret.push(key);
                }
            }
        }
        anyhow::ensure!(any, "no key is in it");
        Ok(())
    }

    fn pem<'n>(&mut self, name: &'n str, bytes: &[u8], private: &mut Vec<(&'n str, Vec<u8>)>) -> anyhow::Result<()> {
        let mut any = false;
        for der in CertificateDer::pem_slice_iter(bytes).take(limits::KEY_FILES) {
            let der = der.map_err(|cause| anyhow::anyhow!("{cause}"))?;
            let read = Certificate::from_der(&der).context("a certificate that cannot be read")?;
            self.certificates.push(Trusted { der, read });
            any = true;
        }
        for key in PrivateKeyDer::pem_slice_iter(bytes).take(limits::KEY_FILES) {
            match key.map_err(|cause| anyhow::anyhow!("{cause}"))? {
                PrivateKeyDer::Pkcs8(key) => private.push((name, key.secret_pkcs8_der().to_vec())),
                _ => anyhow::bail!("the private key is not in PKCS #8: `openssl pkcs8 -topk8 -nocrypt` writes that"),
            }
            any = true;
        }
        anyhow::ensure!(
            any,
            "neither a certificate nor a private key without a password is in it"
        );
        Ok(())
    }

    /// The certificate whose public key belongs to a private one.
    fn certificate_of(&self, pkcs8: &[u8]) -> Option<usize> {
        use aws_lc_rs::rsa;
        use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P384_SHA384_ASN1_SIGNING, EcdsaKeyPair};
        let public: Vec<u8> = if let Ok(pair) = rsa::KeyPair::from_pkcs8(pkcs8) {
            pair.public_key().as_ref().to_vec()
        } else {
            [&ECDSA_P256_SHA256_ASN1_SIGNING, &ECDSA_P384_SHA384_ASN1_SIGNING]
                .into_iter()
                .find_map(|kind| EcdsaKeyPair::from_pkcs8(kind, pkcs8).ok())
                .map(|pair| pair.public_key().as_ref().to_vec())?
        };
        self.certificates.iter().position(|certificate| {
            let key = &certificate
                .read
                .tbs_certificate
                .subject_public_key_info
                .subject_public_key;
            key.raw_bytes() == public
        })
    }
}
