//! Files over the socket: saving one of a case, handing over those that go with a reply. In pieces, so that neither side
//! holds one whole.

use super::client::Client;
use crate::desk::verb::{Answer, Done, Verb};
use crate::limits;
use crate::refusal::Refusal;
use anyhow::Context;
use data_encoding::{BASE64, HEXLOWER};
use sha2::{Digest, Sha256};
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

/// Saves a file under its own name or another, and holds its bytes to their hash.
///
/// # Errors
/// What the desk refused; a file of that name that is there already; bytes that are not what the desk says.
pub fn save(client: &mut Client, case: i64, file: i64, to: Option<&Path>, because: Option<&str>) -> anyhow::Result<()> {
    let (mut offset, mut hash) = (0, Sha256::new());
    let mut out: Option<(Box<dyn Write>, String)> = None;
    loop {
        let verb = Verb::Save {
            case,
            file,
            offset,
            because: because.map(str::to_owned),
        };
        let Answer::Piece(piece) = client.ask(verb)?.answer else {
            anyhow::bail!("the desk answered something else");
        };
        let (writer, _) = match &mut out {
            Some(out) => out,
            none => none.insert(opened(to, &piece.row.name)?),
        };
        let bytes = BASE64.decode(piece.data.as_bytes()).context("a piece of the file")?;
        writer.write_all(&bytes)?;
        hash.update(&bytes);
        offset += bytes.len() as u64;
        if offset >= piece.row.bytes.max(0) as u64 || bytes.is_empty() {
            writer.flush()?;
            anyhow::ensure!(
                HEXLOWER.encode(&hash.finalize()) == piece.row.sha256,
                "what was saved is not what the desk has: its hash is another. Save it again"
            );
            break;
        }
    }
    if let Some((_, name)) = out.filter(|(_, name)| name != "-") {
        writeln!(io::stderr(), "Saved as {name}, {}.", crate::desk::upload::size(offset))?;
    }
    Ok(())
}

/// Where it goes. A name that the sender chose never overwrites anything.
fn opened(to: Option<&Path>, name: &str) -> anyhow::Result<(Box<dyn Write>, String)> {
    match to {
        Some(path) if path == Path::new("-") => Ok((Box::new(io::stdout()), "-".to_owned())),
        Some(path) => {
            let file = File::create(path).with_context(|| format!("write {}", path.display()))?;
            Ok((Box::new(file), path.display().to_string()))
        }
        None => {
            let file = OpenOptions::new().write(true).create_new(true).open(name);
            let file = file.map_err(|cause| {
                Refusal::conflict(format!("{name} cannot be made here ({cause}). Name another with -o."))
            })?;
            Ok((Box::new(file), name.to_owned()))
        }
    }
}

/// Hands files over that are to go with a reply; their keys.
///
/// # Errors
/// A file that cannot be read, what the desk refused.
pub fn stage(client: &mut Client, case: i64, paths: &[PathBuf]) -> anyhow::Result<Vec<String>> {
    paths.iter().map(|path| stage_one(client, case, path)).collect()
}

fn stage_one(client: &mut Client, case: i64, path: &Path) -> anyhow::Result<String> {
    let unread =
        |cause: io::Error| Refusal::usage(format!("{} cannot be read: {cause}. Nothing was sent.", path.display()));
    let mut from = File::open(path).map_err(unread)?;
    let bytes = from.metadata().map_err(unread)?.len();
    let name = path
        .file_name()
        .map_or_else(|| "file".into(), |name| name.to_string_lossy().into_owned());
    let (mut key, mut offset) = (None, 0);
    loop {
        let mut piece = Vec::new();
        (&mut from)
            .take(limits::FILE_CHUNK_BYTES)
            .read_to_end(&mut piece)
            .map_err(unread)?;
        let verb = Verb::Stage {
            case,
            key: key.clone(),
            name: name.clone(),
            bytes,
            offset,
            data: BASE64.encode(&piece),
        };
        let Answer::Done(Done { data, .. }) = client.ask(verb)?.answer else {
            anyhow::bail!("the desk answered something else");
        };
        key = data["key"].as_str().map(str::to_owned);
        offset += piece.len() as u64;
        if offset >= bytes || piece.is_empty() {
            return key.context("the desk named no key");
        }
    }
}
