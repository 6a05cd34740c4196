//! Signs what leaves (DKIM, RFC 6376 and 8463): RSA for everybody, Ed25519 beside it for those who know it.
//!
//! Promises: the mail itself is not touched, only fields are put before it, so what was kept is what is signed and sent;
//! fields that must not be added later (another From, another Subject) are signed as absent; the whole body is covered.
//! Canonicalization is relaxed for both, since relays fold and trim. Written here rather than with mail-auth's signer, which
//! reads the machine's clock; its verifier is the oracle of the tests. Keys are files in the data directory, mode 600.

use crate::refusal::Refusal;
use anyhow::{Context, anyhow};
use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der, PublicKeyX509Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{self, KeySize};
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair, RSA_PKCS1_SHA256};
use data_encoding::BASE64;
use jiff::Timestamp;
use sha2::{Digest, Sha256};
use std::fmt::Write as _;
use std::path::Path;

/// Fields that are signed as often as they stand and once more, so that none can be added (RFC 6376 §8.15).
const SIGNED: [&str; 13] = [
    "From",
    "To",
    "Cc",
    "Subject",
    "Date",
    "Message-ID",
    "In-Reply-To",
    "References",
    "Reply-To",
    "Auto-Submitted",
    "MIME-Version",
    "Content-Type",
    "Content-Transfer-Encoding",
];

/// The kinds of keys: the file of each, and what is put behind the selector's name.
pub const KINDS: [(Kind, &str, &str); 2] = [
    (Kind::Rsa, "dkim.rsa.pem", ""),
    (Kind::Ed25519, "dkim.ed25519.pem", "-ed"),
];

/// A kind of key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// RSA of 2048 bits, which every receiver knows.
    Rsa,
    /// Ed25519, short and quick.
    Ed25519,
}

enum Secret {
    Rsa(rsa::KeyPair),
    Ed25519(Ed25519KeyPair),
}

/// One key and the name under which its public half stands in the DNS.
pub struct Key {
    selector: String,
    secret: Secret,
}

/// Signs in the name of one domain.
pub struct Signer {
    domain: String,
    keys: Vec<Key>,
}

impl Signer {
    /// The keys in a data directory; `None` if there are none, or no selector is set: then nothing is signed.
    ///
    /// # Errors
    /// A key file that is no key.
    pub fn read(dir: &Path, selector: &str, domain: &str) -> anyhow::Result<Option<Signer>> {
        let mut keys = Vec::new();
        for (kind, file, behind) in KINDS {
            let path = dir.join(file);
            if selector.is_empty() || !path.exists() {
                continue;
            }
            let pem = std::fs::read_to_string(&path).with_context(|| format!("read {}", path.display()))?;
            let secret = secret_of(kind, &pem).with_context(|| format!("{} holds no key", path.display()))?;
            keys.push(Key {
                selector: format!("{selector}{behind}"),
                secret,
            });
        }
        let domain = domain.to_owned();
        Ok((!keys.is_empty()).then_some(Signer { domain, keys }))
    }

    /// The mail with its signatures before it. `now` is when it is signed.
    ///
    /// # Errors
    /// If the cryptographic library fails.
    pub fn sign(&self, now: Timestamp, mail: &[u8]) -> anyhow::Result<Vec<u8>> {
        let (head, body) = split(mail);
        let fields = fields(head);
        let body = BASE64.encode(&Sha256::digest(relaxed_body(body)));
        let mut signed = Vec::with_capacity(mail.len() + 1_024);
        for key in &self.keys {
            signed.extend(self.field(key, now, &fields, &body)?.into_bytes());
        }
        signed.extend_from_slice(mail);
        Ok(signed)
    }

    fn field(&self, key: &Key, now: Timestamp, fields: &[(String, String)], body: &str) -> anyhow::Result<String> {
        let mut names = Vec::new();
        let mut data = String::new();
        for name in SIGNED {
            // The lowest first (RFC 6376 §5.4.2).
            for (_, line) in fields.iter().rev().filter(|(one, _)| one.eq_ignore_ascii_case(name)) {
                names.push(name);
                data.push_str(line);
            }
            names.push(name);
        }
        let mut value = format!(
            "v=1; a={}; c=relaxed/relaxed;\r\n d={}; s={}; t={};\r\n h=",
            key.secret.algorithm(),
            self.domain,
            key.selector,
            now.as_second()
        );
        folded(&mut value, &names.join(":"), ':');
        let _ = write!(value, ";\r\n bh={body};\r\n b=");
        let unsigned = relaxed_field("dkim-signature", &value);
        data.push_str(unsigned.trim_end_matches("\r\n"));
        let signature = BASE64.encode(&key.secret.sign(data.as_bytes())?);
        for (at, part) in signature.as_bytes().chunks(70).enumerate() {
            let _ = write!(
                value,
                "{}{}",
                if at == 0 { "" } else { "\r\n " },
                String::from_utf8_lossy(part)
            );
        }
        Ok(format!("DKIM-Signature: {value}\r\n"))
    }

    /// The names of the DNS that hold the public keys, and what must stand there.
    ///
    /// # Errors
    /// If the cryptographic library fails.
    pub fn records(&self) -> anyhow::Result<Vec<(String, String)>> {
        let record = |key: &Key| {
            let name = format!("{}._domainkey.{}", key.selector, self.domain);
            Ok((name, key.secret.record()?))
        };
        self.keys.iter().map(record).collect()
    }
}

impl Secret {
    fn algorithm(&self) -> &'static str {
        match self {
            Secret::Rsa(_) => "rsa-sha256",
            Secret::Ed25519(_) => "ed25519-sha256",
        }
    }

    fn sign(&self, data: &[u8]) -> anyhow::Result<Vec<u8>> {
        match self {
            Secret::Rsa(key) => {
                let mut signature = vec![0; key.public_modulus_len()];
                key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), data, &mut signature)
                    .map_err(|_| anyhow!("a mail could not be signed with the RSA key"))?;
                Ok(signature)
            }
            // RFC 8463 §3: of the hash, not of the data.
            Secret::Ed25519(key) => Ok(key.sign(&Sha256::digest(data)).as_ref().to_vec()),
        }
    }

    fn record(&self) -> anyhow::Result<String> {
        Ok(match self {
            Secret::Rsa(key) => {
                let public: PublicKeyX509Der<'_> = key
                    .public_key()
                    .as_der()
                    .map_err(|_| anyhow!("the RSA key has no public half"))?;
                format!("v=DKIM1; k=rsa; p={}", BASE64.encode(public.as_ref()))
            }
            Secret::Ed25519(key) => {
                format!("v=DKIM1; k=ed25519; p={}", BASE64.encode(key.public_key().as_ref()))
            }
        })
    }
}

/// A new key, as a PEM file holds it (PKCS #8).
///
/// # Errors
/// If the cryptographic library fails.
pub fn new_key(kind: Kind) -> anyhow::Result<String> {
    let failed = |_| anyhow!("a key could not be made");
    let der = match kind {
        Kind::Rsa => {
            let key = rsa::KeyPair::generate(KeySize::Rsa2048).map_err(failed)?;
            let der: Pkcs8V1Der<'_> = key.as_der().map_err(failed)?;
            der.as_ref().to_vec()
        }
        Kind::Ed25519 => {
            let key = Ed25519KeyPair::generate().map_err(failed)?;
            key.to_pkcs8v1().map_err(failed)?.as_ref().to_vec()
        }
    };
    let mut pem = String::from("-----BEGIN PRIVATE KEY-----\n");
    for line in BASE64.encode(&der).as_bytes().chunks(64) {
        let _ = writeln!(pem, "{}", String::from_utf8_lossy(line));
    }
    pem.push_str("-----END PRIVATE KEY-----\n");
    Ok(pem)
}

fn secret_of(kind: Kind, pem: &str) -> anyhow::Result<Secret> {
    let inner = pem
        .split_once("-----BEGIN PRIVATE KEY-----")
        .and_then(|(_, rest)| rest.split_once("-----END PRIVATE KEY-----"))
        .ok_or_else(|| Refusal::usage("it is no PEM file with a PRIVATE KEY"))?;
    let text: String = inner.0.split_whitespace().collect();
    let der = BASE64.decode(text.as_bytes()).context("its base64 is broken")?;
    Ok(match kind {
        Kind::Rsa => Secret::Rsa(rsa::KeyPair::from_pkcs8(&der).map_err(|why| anyhow!("no RSA key: {why}"))?),
        Kind::Ed25519 => Secret::Ed25519(
            Ed25519KeyPair::from_pkcs8_maybe_unchecked(&der).map_err(|why| anyhow!("no Ed25519 key: {why}"))?,
        ),
    })
}

fn split(mail: &[u8]) -> (&[u8], &[u8]) {
    let end = mail.windows(4).position(|four| four == b"\r\n\r\n");
    end.map_or((mail, &[][..]), |at| (&mail[..at + 2], &mail[at + 4..]))
}

/// Name and relaxed line of each field.
fn fields(head: &[u8]) -> Vec<(String, String)> {
    let text = String::from_utf8_lossy(head);
    let mut found: Vec<(String, String)> = Vec::new();
    for line in text.split_inclusive("\r\n") {
        match (line.starts_with([' ', '\t']), found.last_mut()) {
            (true, Some((_, value))) => value.push_str(line),
            _ => {
                let (name, value) = line.split_once(':').unwrap_or((line, ""));
                found.push((name.to_owned(), value.to_owned()));
            }
        }
    }
    found
        .into_iter()
        .map(|(name, value)| {
            let line = relaxed_field(&name, &value);
            (name, line)
        })
        .collect()
}

/// RFC 6376 §3.4.2.
fn relaxed_field(name: &str, value: &str) -> String {
    let value: Vec<&str> = value
        .split([' ', '\t', '\r', '\n'])
        .filter(|word| !word.is_empty())
        .collect();
    format!("{}:{}\r\n", name.trim().to_ascii_lowercase(), value.join(" "))
}

/// RFC 6376 §3.4.4.
fn relaxed_body(body: &[u8]) -> Vec<u8> {
    let (mut out, mut empty) = (Vec::with_capacity(body.len()), 0);
    let body = body.strip_suffix(b"\r\n").unwrap_or(body);
    for line in body.split(|&byte| byte == b'\n') {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let words = line.split(|byte| matches!(byte, b' ' | b'\t'));
        let mut relaxed = Vec::with_capacity(line.len());
        for (at, word) in words.enumerate() {
            if at > 0 && relaxed.last() != Some(&b' ') {
                relaxed.push(b' ');
            }
            relaxed.extend_from_slice(word);
        }
        while relaxed.last() == Some(&b' ') {
            relaxed.pop();
        }
        if relaxed.is_empty() {
            empty += 1;
            continue;
        }
        out.extend(b"\r\n".repeat(empty));
        empty = 0;
        out.extend(relaxed);
        out.extend_from_slice(b"\r\n");
    }
    out
}

/// Appends words with a separator, in lines of at most 76.
fn folded(text: &mut String, words: &str, separator: char) {
    let mut length = 4;
    for word in words.split_inclusive(separator) {
        if length + word.len() > 74 {
            text.push_str("\r\n  ");
            length = 2;
        }
        text.push_str(word);
        length += word.len();
    }
}

#[cfg(test)]
#[path = "sign_tests.rs"]
mod tests;
