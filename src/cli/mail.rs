//! `duly mail …`: work on mail files without a running desk.
//!
//! Promises: one record a file whatever is in it, in the order given; a file that cannot be read is said on standard
//! error and costs its own record only. It runs in this process: nothing behind the limiter recurses.

use std::borrow::Cow;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use serde::Serialize;

use crate::mail::parse::{self, Understood};

/// One line of what `duly mail inspect` prints.
#[derive(Serialize)]
struct Record<'a> {
    file: Cow<'a, str>,
    #[serde(flatten)]
    mail: &'a Understood,
}

/// `duly mail inspect FILE...`: prints what was understood, one JSON object a mail.
///
/// # Errors
/// If `out` cannot be written. A file that cannot be read is exit code 1 at the end.
pub fn inspect(files: &[PathBuf], out: &mut impl Write) -> anyhow::Result<ExitCode> {
    let mut all_read = true;
    for file in files {
        match std::fs::read(file) {
            Ok(raw) => {
                let mail = parse::understand(&raw);
                serde_json::to_writer(
                    &mut *out,
                    &Record {
                        file: file.to_string_lossy(),
                        mail: &mail,
                    },
                )
                .context("cannot write a record")?;
                writeln!(out).context("cannot write a record")?;
            }
            Err(cause) => {
                eprintln!("{}: cannot be read: {cause}", file.display());
                all_read = false;
            }
        }
    }
    out.flush().context("cannot write the records")?;
    Ok(ExitCode::from(u8::from(!all_read)))
}
