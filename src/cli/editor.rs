//! Words from a person: a file, standard input, the command itself, or `$EDITOR`.

use super::args::Text;
use crate::limits;
use crate::refusal::{Kind, Refusal};
use std::fs::OpenOptions;
use std::io::{self, IsTerminal, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The words, and the file that keeps them if they came from an editor: removed only when they have arrived.
pub struct Words {
    /// What was written.
    pub text: String,
    /// The draft on disk.
    pub draft: Option<PathBuf>,
}

/// Reads the words; `about` stands as a comment in a fresh editor.
pub fn read(text: &Text, no_input: bool, about: &str) -> Result<Words, Refusal> {
    if let Some(message) = &text.message {
        return Ok(Words {
            text: message.clone(),
            draft: None,
        });
    }
    let text = match &text.file {
        Some(file) if file == Path::new("-") => whole(io::stdin().lock())?,
        Some(file) => {
            let named = |mut refusal: Refusal| {
                refusal.text = format!("{}: {}", file.display(), refusal.text);
                refusal
            };
            let opened = std::fs::File::open(file).map_err(unreadable).map_err(named)?;
            whole(opened).map_err(named)?
        }
        None if no_input || !io::stdin().is_terminal() => {
            return Err(Refusal::usage(
                "Say where the words are: -f FILE, -f - for standard input, or -m WORDS.",
            ));
        }
        None => return edit(about),
    };
    Ok(Words { text, draft: None })
}

/// All of it, within the bound of a reply.
fn whole(source: impl Read) -> Result<String, Refusal> {
    let mut bytes = Vec::new();
    let most = limits::REPLY_BYTES as u64 + 1;
    source.take(most).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() > limits::REPLY_BYTES {
        return Err(Refusal::usage(
            "The words are longer than 1 MB. Nothing was sent. Send what is long as a file.",
        ));
    }
    String::from_utf8(bytes).map_err(|_| Refusal::usage("The words are not UTF-8 text. Save them as UTF-8."))
}

fn unreadable(cause: io::Error) -> Refusal {
    Refusal::usage(format!("The words cannot be read: {cause}."))
}

/// Lines that begin so are ours and are cut off.
const COMMENT: &str = "#> ";

fn edit(about: &str) -> Result<Words, Refusal> {
    let editor = std::env::var("VISUAL")
        .or_else(|_| std::env::var("EDITOR"))
        .unwrap_or_else(|_| "vi".into());
    let path = std::env::temp_dir().join(format!("duly-draft-{}.md", draft_name().map_err(unreadable)?));
    let comment: String = about.lines().map(|line| format!("{COMMENT}{line}\n")).collect();
    // A new file or none: in a folder of all users the name may be somebody's link.
    let mut draft = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&path)
        .map_err(unreadable)?;
    write!(draft, "\n{comment}").map_err(unreadable)?;
    drop(draft);
    let mut words = editor.split_whitespace();
    let program = words.next().unwrap_or("vi");
    let ended = Command::new(program).args(words).arg(&path).status();
    let kept = || format!("Your draft is kept in {}.", path.display());
    match ended {
        Ok(status) if status.success() => {}
        Ok(_) => {
            return Err(Refusal::usage(format!(
                "The editor was left without saving. {}",
                kept()
            )));
        }
        Err(cause) => {
            return Err(Refusal::new(
                Kind::Failed,
                format!("{editor} cannot be started: {cause}. {}", kept()),
            ));
        }
    }
    let written = std::fs::File::open(&path).map_err(unreadable).and_then(whole);
    let text: String = written
        .map_err(|refusal| Refusal::usage(format!("{} {}", refusal.text, kept())))?
        .lines()
        .filter(|line| !line.starts_with(COMMENT.trim_end()))
        .map(|line| format!("{line}\n"))
        .collect();
    let text = format!("{}\n", text.trim_matches('\n'));
    if text.trim().is_empty() {
        let _ = std::fs::remove_file(&path);
        return Err(Refusal::usage("Nothing was written, so nothing is sent."));
    }
    Ok(Words {
        text,
        draft: Some(path),
    })
}

/// A name that nobody can have taken before.
fn draft_name() -> io::Result<String> {
    let bytes = super::init::random::<10>().map_err(io::Error::other)?;
    Ok(data_encoding::BASE32_NOPAD.encode(&bytes).to_lowercase())
}

/// Writes a file that only its owner reads.
pub fn private_file(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(path)?;
    file.write_all(bytes)
}
