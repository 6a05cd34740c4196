//! Words from a person: a file, standard input, the command itself, or `$EDITOR`.

use super::args::Text;
use crate::limits;
use crate::refusal::{Kind, Refusal};
use std::io::{IsTerminal, Read};
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
    match &text.file {
        Some(file) if file == Path::new("-") => {
            let mut words = Vec::new();
            let limit = limits::REPLY_BYTES as u64 + 1;
            std::io::stdin()
                .lock()
                .take(limit)
                .read_to_end(&mut words)
                .map_err(unreadable)?;
            Ok(Words {
                text: utf8(words)?,
                draft: None,
            })
        }
        Some(file) => Ok(Words {
            text: utf8(std::fs::read(file).map_err(unreadable)?)?,
            draft: None,
        }),
        None if no_input || !std::io::stdin().is_terminal() => Err(Refusal::usage(
            "Say where the words are: -f FILE, -f - for standard input, or -m WORDS.",
        )),
        None => edit(about),
    }
}

fn utf8(bytes: Vec<u8>) -> Result<String, Refusal> {
    String::from_utf8(bytes).map_err(|_| Refusal::usage("The words are not UTF-8 text. Save them as UTF-8."))
}

fn unreadable(cause: std::io::Error) -> Refusal {
    Refusal::usage(format!("The words cannot be read: {cause}."))
}

/// Lines that begin so are ours and are cut off.
const COMMENT: &str = "#> ";

fn edit(about: &str) -> Result<Words, Refusal> {
    let editor = std::env::var("VISUAL")
        .or_else(|_| std::env::var("EDITOR"))
        .unwrap_or_else(|_| "vi".into());
    let path = std::env::temp_dir().join(format!("duly-draft-{}.md", std::process::id()));
    let comment: String = about.lines().map(|line| format!("{COMMENT}{line}\n")).collect();
    private_file(&path, &format!("\n{comment}")).map_err(unreadable)?;
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
    let text = std::fs::read_to_string(&path).map_err(unreadable)?;
    let text: String = text
        .lines()
        .filter(|line| !line.starts_with(COMMENT.trim_end()))
        .map(|line| format!("{line}\n"))
        .collect();
    if text.trim().is_empty() {
        let _ = std::fs::remove_file(&path);
        return Err(Refusal::usage("Nothing was written, so nothing is sent."));
    }
    Ok(Words {
        text,
        draft: Some(path),
    })
}

/// A file that only its owner reads.
pub fn private_file(path: &Path, text: &str) -> std::io::Result<()> {
    use std::io::Write;
    use std::os::unix::fs::OpenOptionsExt;
    let mut file = std::fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(path)?;
    file.write_all(text.as_bytes())
}
