//! `duly receipt`: checks what mails promised, with nothing but the desk's published key.

use crate::desk::receipt::{self, Public, Receipt, Wrong};
use crate::limits;
use crate::refusal::Refusal;
use anyhow::Context;
use std::io::{Read, Write};
use std::path::Path;
use std::process::ExitCode;

/// Checks every receipt in a mail; 0 when there is one and all are proven, 1 when one is not, 3 when there is none.
///
/// # Errors
/// A file that cannot be read, or a key that is none.
pub fn run(file: &Path, key: &str, json: bool) -> anyhow::Result<ExitCode> {
    let keys = keys_of(key)?;
    let mail = bytes_of(file)?;
    let fields = receipt::fields_of(&String::from_utf8_lossy(&mail), limits::RECEIPTS);
    if fields.is_empty() {
        let words = "There is no receipt in this mail: a mail that promises has a field Duly-Promise in its head, which some \
                     programs leave out when they save or forward a mail.";
        return Err(Refusal::missing(words).into());
    }
    let mut all_good = true;
    let mut out = std::io::stdout().lock();
    for field in &fields {
        let checked = receipt::check(field, &keys);
        all_good &= checked.is_ok();
        match json {
            true => writeln!(out, "{}", as_json(&checked))?,
            false => writeln!(out, "{}", in_words(&checked))?,
        }
    }
    Ok(ExitCode::from(u8::from(!all_good)))
}

fn keys_of(given: &str) -> anyhow::Result<Vec<Public>> {
    let path = Path::new(given);
    let text = match path.exists() {
        true => std::fs::read_to_string(path).with_context(|| format!("read {given}"))?,
        false => given.to_owned(),
    };
    let keys = Public::read_all(&text);
    if keys.is_empty() {
        let words = "This is no key of a desk, and no file that holds one. It looks like acme.example/duly+1a2b3c4d+AX…, and \
                     the desk shows it at /.well-known/duly-promise-key.";
        return Err(Refusal::usage(words).into());
    }
    Ok(keys)
}

fn bytes_of(file: &Path) -> anyhow::Result<Vec<u8>> {
    let about = || format!("read {}", file.display());
    let mut bytes = Vec::new();
    let source: Box<dyn Read> = match file.as_os_str() == "-" {
        true => Box::new(std::io::stdin().lock()),
        false => Box::new(std::fs::File::open(file).with_context(about)?),
    };
    source
        .take(limits::RECEIPT_MAIL_BYTES)
        .read_to_end(&mut bytes)
        .with_context(about)?;
    Ok(bytes)
}

fn in_words(checked: &Result<Receipt, Wrong>) -> String {
    match checked {
        Ok(receipt) => format!(
            "proven: {} said at {} of case {}: reply by {} ({}{})",
            receipt.desk,
            receipt.at,
            receipt.case,
            receipt.due,
            receipt.state,
            receipt
                .promise
                .map_or(String::new(), |promise| format!(", promise {promise}"))
        ),
        Err(wrong) => format!("not proven: {wrong}"),
    }
}

fn as_json(checked: &Result<Receipt, Wrong>) -> String {
    let value = match checked {
        Ok(receipt) => serde_json::json!({"proven": true, "receipt": receipt}),
        Err(wrong) => serde_json::json!({"proven": false, "why": wrong.to_string()}),
    };
    value.to_string()
}
