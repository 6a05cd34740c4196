//! What the desk signs for people outside: the promise in the head of a mail, and checkpoints of the ledger.
//!
//! One Ed25519 key does both. Keys are written as signed notes have them (c2sp.org/signed-note): a name, four bytes of a
//! hash that tell keys of one name apart, and the key; so tools for transparency logs read our checkpoints. The texts that
//! are signed begin differently, and none can be taken for the other. A receipt is whole in one header field and needs
//! nothing of the desk but its published key: blanks and folds in it do not count, so it survives being passed on. Pure.

use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use data_encoding::{BASE64, HEXLOWER};
use jiff::Timestamp;
use serde::Serialize;
use sha2::{Digest, Sha256};
use std::fmt::Write as _;

/// The field of a mail that holds a receipt.
pub const FIELD: &str = "Duly-Promise";
/// What a key's name has behind the desk's domain.
const BEHIND: &str = "/duly";
/// The kind of key in signed notes: Ed25519.
const KIND: u8 = 1;

/// The desk's own key.
pub struct Signer {
    public: Public,
    pair: Ed25519KeyPair,
}

/// A published key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Public {
    /// Whose: the desk's domain and `/duly`.
    pub name: String,
    key: [u8; 32],
}

impl Signer {
    /// A key for a desk's domain out of 32 random bytes.
    ///
    /// # Errors
    /// If the cryptographic library fails.
    pub fn of(domain: &str, seed: &[u8; 32]) -> Result<Signer, String> {
        Signer::named(format!("{domain}{BEHIND}"), seed)
    }

    fn named(name: String, seed: &[u8]) -> Result<Signer, String> {
        let pair = Ed25519KeyPair::from_seed_unchecked(seed).map_err(|why| format!("no Ed25519 key: {why}"))?;
        let key = pair.public_key().as_ref().try_into().map_err(|_| "no Ed25519 key")?;
        Ok(Signer {
            public: Public { name, key },
            pair,
        })
    }

    /// Reads what [`Signer::file`] wrote.
    ///
    /// # Errors
    /// In words, if it is no key.
    pub fn read(text: &str) -> Result<Signer, String> {
        let wrong = || "it is no key of a signed note: PRIVATE+KEY+name+hash+key".to_owned();
        let rest = text.trim().strip_prefix("PRIVATE+KEY+").ok_or_else(wrong)?;
        let (name, id, key) = parts(rest).ok_or_else(wrong)?;
        let signer = Signer::named(name.to_owned(), &key)?;
        if signer.public.id() != id {
            return Err("its name or its hash was changed".into());
        }
        Ok(signer)
    }

    /// The text of a key file, secret.
    pub fn file(domain: &str, seed: &[u8; 32]) -> Result<String, String> {
        let public = Signer::of(domain, seed)?.public;
        let key = BASE64.encode(&[&[KIND][..], seed].concat());
        Ok(format!("PRIVATE+KEY+{}+{}+{key}\n", public.name, public.id()))
    }

    /// The half that is published.
    pub fn public(&self) -> &Public {
        &self.public
    }

    /// The desk's domain.
    pub fn domain(&self) -> &str {
        self.public.domain()
    }

    /// A text of ours, signed as a note: empty line, dash, name, signature.
    pub fn note(&self, text: &str) -> String {
        let signature = [&self.public.hash()[..], self.pair.sign(text.as_bytes()).as_ref()].concat();
        format!("{text}\n— {} {}\n", self.public.name, BASE64.encode(&signature))
    }
}

/// Name, hash and key bytes of `name+hash+key`.
fn parts(text: &str) -> Option<(&str, &str, Vec<u8>)> {
    let (name, rest) = text.split_once('+')?;
    let (id, key) = rest.split_once('+')?;
    let key = BASE64.decode(key.as_bytes()).ok()?;
    match key.split_first() {
        Some((&KIND, key)) if key.len() == 32 => Some((name, id, key.to_vec())),
        _ => None,
    }
}

impl Public {
    /// Reads one `name+hash+key`.
    fn read(text: &str) -> Option<Public> {
        let (name, id, key) = parts(text)?;
        let public = Public {
            name: name.to_owned(),
            key: key.try_into().ok()?,
        };
        (public.id() == id).then_some(public)
    }

    /// All keys in a text: what `duly ledger --key` prints, the page of the desk, a record of the DNS.
    pub fn read_all(text: &str) -> Vec<Public> {
        let words = text.split(|c: char| c.is_whitespace() || matches!(c, '"' | ';' | ','));
        words
            .filter_map(|word| Public::read(word.strip_prefix("k=").unwrap_or(word)))
            .collect()
    }

    fn hash(&self) -> [u8; 4] {
        let hasher = Sha256::new().chain_update(&self.name).chain_update([b'\n', KIND]);
        let hash = hasher.chain_update(self.key).finalize();
        [hash[0], hash[1], hash[2], hash[3]]
    }

    /// What tells it from other keys: eight hexadecimal digits.
    pub fn id(&self) -> String {
        HEXLOWER.encode(&self.hash())
    }

    /// As it is published.
    pub fn text(&self) -> String {
        format!(
            "{}+{}+{}",
            self.name,
            self.id(),
            BASE64.encode(&[&[KIND][..], &self.key].concat())
        )
    }

    /// The domain that it speaks for.
    pub fn domain(&self) -> &str {
        self.name.strip_suffix(BEHIND).unwrap_or(&self.name)
    }

    /// Name and text of its record in the DNS.
    pub fn record(&self) -> (String, String) {
        (
            format!("_duly-promise.{}", self.domain()),
            format!("v=duly1; k={}", self.text()),
        )
    }

    fn signed(&self, text: &str, signature: &[u8]) -> bool {
        UnparsedPublicKey::new(&ED25519, self.key)
            .verify(text.as_bytes(), signature)
            .is_ok()
    }

    /// Whether the signature line of a note, without its dash, is this key's over a text.
    pub fn signed_note(&self, text: &str, name: &str, signature: &str) -> bool {
        let Ok(signature) = BASE64.decode(signature.as_bytes()) else {
            return false;
        };
        name == self.name
            && signature.len() == 68
            && signature[..4] == self.hash()
            && self.signed(text, &signature[4..])
    }
}

/// What a mail of ours says about a promise.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Receipt {
    /// The case.
    pub case: i64,
    /// By when the reply comes.
    pub due: Timestamp,
    /// offered, agreed, asked …
    pub state: String,
    /// Number of the promise; none where a time is only offered.
    pub promise: Option<i64>,
    /// The desk's domain.
    pub desk: String,
    /// When it was said, whole seconds.
    pub at: Timestamp,
}

impl Receipt {
    fn words(&self) -> Vec<String> {
        let mut words = vec![
            format!("case={}", self.case),
            format!("due={}", self.due),
            format!("state={}", self.state),
        ];
        words.extend(self.promise.map(|promise| format!("promise={promise}")));
        words.push(format!("desk={}", self.desk));
        words.push(format!("at={}", self.at));
        words
    }

    /// What is signed.
    fn text(&self) -> String {
        let mut text = String::from("duly-promise/1\n");
        for word in self.words() {
            let _ = writeln!(text, "{word}");
        }
        text
    }

    /// The words of the field behind the state, signed; they are parted by `; `.
    pub fn signed(&self, signer: &Signer) -> Vec<String> {
        let signature = BASE64.encode(signer.pair.sign(self.text().as_bytes()).as_ref());
        // In two, so that the line can be folded between them.
        let (one, other) = signature.split_at(signature.len() / 2);
        let mut words = self.words().split_off(3);
        words.push(format!("key={}", signer.public.id()));
        words.push(format!("sig={one} {other}"));
        words
    }
}

/// Why a field is no receipt.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Wrong {
    /// It is not signed, as mails of older versions.
    #[error("it is not signed")]
    Unsigned,
    /// It is not written as one.
    #[error("it is not written as a receipt: {0}")]
    Unreadable(String),
    /// None of the given keys has its number.
    #[error("it is signed with the key {0}, which is none of those given")]
    UnknownKey(String),
    /// The key speaks for another desk.
    #[error("it speaks for {0}, and its key for {1}")]
    OtherDesk(String, String),
    /// The words are not those that were signed.
    #[error("its signature is not the desk's: the words were changed, or made up")]
    Forged,
}

/// Checks the value of a field with the published keys of a desk.
///
/// # Errors
/// Why it proves nothing.
pub fn check(value: &str, keys: &[Public]) -> Result<Receipt, Wrong> {
    let (receipt, key, signature) = read(value)?;
    let public = keys.iter().find(|public| public.id() == key);
    let public = public.ok_or(Wrong::UnknownKey(key))?;
    if public.domain() != receipt.desk {
        return Err(Wrong::OtherDesk(receipt.desk, public.domain().to_owned()));
    }
    match public.signed(&receipt.text(), &signature) {
        true => Ok(receipt),
        false => Err(Wrong::Forged),
    }
}

/// The receipt, its key's number, its signature.
fn read(value: &str) -> Result<(Receipt, String, Vec<u8>), Wrong> {
    let compact: String = value.split_whitespace().collect();
    let mut words = std::collections::BTreeMap::new();
    for word in compact.split(';').filter(|word| !word.is_empty()) {
        let (name, value) = word.split_once('=').ok_or_else(|| Wrong::Unreadable(clipped(word)))?;
        if words.insert(name, value).is_some() {
            return Err(Wrong::Unreadable(format!("{} stands twice", clipped(name))));
        }
    }
    let word = |name: &str| words.get(name).copied();
    let (Some(key), Some(signature)) = (word("key"), word("sig")) else {
        return Err(Wrong::Unsigned);
    };
    let missing = |name: &str| Wrong::Unreadable(format!("{name} is missing or no such thing"));
    let number = |name: &str| {
        word(name)
            .map(|text| text.parse::<i64>().map_err(|_| missing(name)))
            .transpose()
    };
    let time = |name: &str| {
        word(name)
            .and_then(|text| text.parse::<Timestamp>().ok())
            .ok_or_else(|| missing(name))
    };
    let text = |name: &str| word(name).map(str::to_owned).ok_or_else(|| missing(name));
    let receipt = Receipt {
        case: number("case")?.ok_or_else(|| missing("case"))?,
        due: time("due")?,
        state: text("state")?,
        promise: number("promise")?,
        desk: text("desk")?,
        at: time("at")?,
    };
    let signature = BASE64.decode(signature.as_bytes()).map_err(|_| missing("sig"))?;
    Ok((receipt, key.to_owned(), signature))
}

fn clipped(text: &str) -> String {
    text.chars().take(40).collect()
}

/// The values of all receipts in a mail, folds undone: those in its own head and those in mails that it carries as they
/// came. Such a mail inside a mail is never encoded (RFC 2046 §5.2.1), so it is enough to look at lines.
pub fn fields_of(mail: &str, limit: usize) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let mut inside = false;
    for line in mail.lines() {
        match (line.split_once(':'), inside) {
            (_, true) if line.starts_with([' ', '\t']) => {
                if let Some(value) = found.last_mut() {
                    value.push_str(line);
                }
            }
            (Some((name, value)), _) if name.eq_ignore_ascii_case(FIELD) && found.len() < limit => {
                found.push(value.to_owned());
                inside = true;
            }
            _ => inside = false,
        }
    }
    found
}

#[cfg(test)]
#[path = "receipt_tests.rs"]
mod tests;
