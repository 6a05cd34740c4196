//! Keys of the ledger, files in the data directory and nowhere else: the one that makes its codes, and the one that signs
//! promises and checkpoints. Both are made when they are missing; neither is given to the pages.

use crate::desk::ledger;
use crate::desk::receipt::{Public, Signer};
use crate::limits;
use crate::refusal::Refusal;
use crate::store::{Seal, Store};
use anyhow::{Context, anyhow};
use aws_lc_rs::hkdf::{HKDF_SHA256, Salt};
use std::fs::OpenOptions;
use std::io::{ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// The secret behind the ledger's codes: 32 random bytes, mode 600.
const LEDGER: &str = "ledger.key";
/// The key that signs, as a signed note's, mode 600.
const PROMISE: &str = "promise.key";
/// Every key that ever signed here, as it is published: one a line.
const PUBLISHED: &str = "promise.keys";
/// Where checkpoints are appended if nothing else is said.
pub const CHECKPOINTS: &str = "ledger.checkpoints";

/// The ledger's seal, if its file is there.
pub fn seal_of(dir: &Path) -> anyhow::Result<Option<Seal>> {
    let path = dir.join(LEDGER);
    match std::fs::read(&path) {
        Ok(secret) if secret.len() == 32 => Ok(Some(derived(&secret)?)),
        Ok(_) => Err(Refusal::usage(format!(
            "{} does not hold 32 bytes. Restore it from a backup: without it nothing of the ledger is proven.",
            path.display()
        ))
        .into()),
        Err(cause) if cause.kind() == ErrorKind::NotFound => Ok(None),
        Err(cause) => Err(cause).with_context(|| format!("read {}", path.display())),
    }
}

/// A key of its own for this purpose (RFC 5869): the file can serve others later.
fn derived(secret: &[u8]) -> anyhow::Result<Seal> {
    let mut seal = [0; 32];
    let expanded = Salt::new(HKDF_SHA256, b"duly").extract(secret);
    expanded
        .expand(&[b"ledger codes 1"], HKDF_SHA256)
        .and_then(|key| key.fill(&mut seal))
        .map_err(|_| anyhow!("the ledger's key could not be derived"))?;
    Ok(seal)
}

/// New bytes for the file, and the seal that they make.
pub fn new_seal() -> anyhow::Result<([u8; 32], Seal)> {
    let secret = random()?;
    Ok((secret, derived(&secret)?))
}

/// Gives every entry its code and keeps the key; in this order, so that a start that dies between the two begins again.
/// Done once in a desk's life, before anything else is written.
pub fn seal_all(dir: &Path, store: &Store, secret: &[u8; 32]) -> anyhow::Result<()> {
    let mut after = 0;
    while let Some(last) = store.write(move |tx| ledger::seal_old(tx, after, limits::SEAL_AT_ONCE))? {
        after = last;
    }
    if after > 0 {
        tracing::warn!(
            entries = after,
            "the ledger has a new key, which vouches for its entries as they are now: earlier checkpoints prove them"
        );
    }
    write_new(&dir.join(LEDGER), secret)
}

/// The key that signs; made, and published, if there is none.
pub fn signer_of(dir: &Path, domain: &str) -> anyhow::Result<Signer> {
    let path = dir.join(PROMISE);
    if !path.exists() {
        let text = Signer::file(domain, &random()?).map_err(|why| anyhow!(why))?;
        let public = Signer::read(&text).map_err(|why| anyhow!(why))?.public().text();
        // Published first: a receipt that nobody can check is worse than a key that signed nothing.
        let mut published = OpenOptions::new().append(true).create(true).open(dir.join(PUBLISHED))?;
        writeln!(published, "{public}")?;
        published.sync_all()?;
        write_new(&path, text.as_bytes())?;
    }
    let text = std::fs::read_to_string(&path).with_context(|| format!("read {}", path.display()))?;
    Signer::read(&text).map_err(|why| Refusal::usage(format!("{}: {why}.", path.display())).into())
}

/// The keys that a desk has published, the newest last.
pub fn published(dir: &Path) -> anyhow::Result<Vec<Public>> {
    let path = dir.join(PUBLISHED);
    match std::fs::read_to_string(&path) {
        Ok(text) => Ok(Public::read_all(&text)),
        Err(cause) if cause.kind() == ErrorKind::NotFound => Ok(Vec::new()),
        Err(cause) => Err(cause).with_context(|| format!("read {}", path.display())),
    }
}

/// Puts the key aside that signs now and makes another; the desk signs with it from its next start on. The old one stays
/// published: mails that it signed stay proven.
pub fn replace(dir: &Path, domain: &str) -> anyhow::Result<Signer> {
    let old = signer_of(dir, domain)?;
    let aside = dir.join(format!("{PROMISE}.{}", old.public().id()));
    std::fs::rename(dir.join(PROMISE), &aside).with_context(|| format!("put {} aside", aside.display()))?;
    signer_of(dir, domain)
}

/// Appends a checkpoint, an empty line behind it.
pub fn append(path: &Path, note: &str) -> anyhow::Result<()> {
    let mut file = OpenOptions::new()
        .append(true)
        .create(true)
        .open(path)
        .with_context(|| format!("open {}", path.display()))?;
    file.write_all(format!("{note}\n").as_bytes())?;
    file.sync_all()?;
    Ok(())
}

fn write_new(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    let mut options = OpenOptions::new();
    let mut file = options
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .with_context(|| format!("make {}", path.display()))?;
    file.write_all(bytes)?;
    file.sync_all()?;
    Ok(())
}

fn random() -> anyhow::Result<[u8; 32]> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(|cause| anyhow!("the system gives no random bytes: {cause}"))?;
    Ok(bytes)
}
