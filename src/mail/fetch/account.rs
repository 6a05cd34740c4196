//! A mailbox as it stands in the settings.
//!
//! `imaps://support@imap.example.org/INBOX secret=imap.secret to=install@acme.example after=seen live`: where it is, then
//! words. The secret itself never stands here, in an argument or in a log: `secret` names a file in the data directory. A file
//! that may be executed is run, and what it prints is the secret: so a bearer token is renewed.

use crate::limits;
use crate::mail::session::is_address;
use anyhow::{Context, bail};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// What is spoken, and whether it is encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scheme {
    /// RFC 9051 and 3501.
    Imap {
        /// From the first byte; else STARTTLS, but on loopback.
        tls: bool,
    },
    /// RFC 8620 and 8621.
    Jmap {
        /// Always, but on loopback for a proxy of the house.
        tls: bool,
    },
}

/// How one signs in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Auth {
    /// Name and password.
    Password,
    /// Name and an OAuth 2 bearer token.
    Bearer,
}

/// What the server is told of a mail that is durable here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum After {
    /// Nothing.
    Keep,
    /// This flag or keyword.
    Flag(String),
    /// It goes to this folder.
    Move(String),
}

impl After {
    /// Whether anything is said.
    pub fn is_something(&self) -> bool {
        *self != After::Keep
    }
}

/// What of a mailbox is taken that was there before the first look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Since {
    /// Nothing.
    New,
    /// What nobody has read.
    Unseen,
    /// Everything.
    All,
}

/// A mailbox that the desk fetches from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// How it is called here.
    pub name: String,
    /// What is spoken.
    pub scheme: Scheme,
    /// The server.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// Who signs in.
    pub user: String,
    /// Which folder; as the server calls it.
    pub folder: String,
    /// How one signs in.
    pub auth: Auth,
    /// The file with the secret.
    pub secret: PathBuf,
    /// The address of the desk that its mail counts as sent to.
    pub to: String,
    /// What the server is told afterwards.
    pub after: After,
    /// What the first look takes.
    pub since: Since,
    /// Promises are made and letters leave; else it is shadow mode.
    pub live: bool,
    /// Further trusted roots, PEM.
    pub roots: Option<PathBuf>,
}

impl Account {
    /// Reads one entry of `mail.fetch`; files are in `dir`, `usual` is the desk's own address.
    ///
    /// # Errors
    /// What is wrong with it, as the end of a sentence that names the setting.
    pub fn read(text: &str, dir: &Path, usual: &str) -> Result<Account, String> {
        let mut words = text.split_whitespace();
        let url = words.next().unwrap_or_default();
        let mut account = place(url)?;
        usual.clone_into(&mut account.to);
        for word in words {
            let (key, value) = word.split_once('=').unwrap_or((word, ""));
            match (key, value) {
                ("live", "") => account.live = true,
                ("name", name) if is_name(name) => name.clone_into(&mut account.name),
                ("secret", file) if is_file(file) => account.secret = dir.join(file),
                ("ca", file) if is_file(file) => account.roots = Some(dir.join(file)),
                ("auth", "password") => account.auth = Auth::Password,
                ("auth", "bearer") => account.auth = Auth::Bearer,
                ("to", address) if is_address(address) => account.to = address.to_lowercase(),
                ("from", "new") => account.since = Since::New,
                ("from", "unseen") => account.since = Since::Unseen,
                ("from", "all") => account.since = Since::All,
                ("after", "keep") => account.after = After::Keep,
                ("after", "seen") => account.after = After::Flag("\\Seen".into()),
                ("after", other) => account.after = after(other)?,
                _ => return Err(format!("\"{word}\" in \"{url} …\" is not understood; {WORDS}")),
            }
        }
        if account.secret.as_os_str().is_empty() {
            return Err(format!("\"{url}\" says no secret=FILE (a file in the data directory)"));
        }
        Ok(account)
    }

    /// How the mailbox is called in tables and logs; a way by which mail comes.
    pub fn mailbox(&self) -> String {
        let protocol = match self.scheme {
            Scheme::Imap { .. } => "imap",
            Scheme::Jmap { .. } => "jmap",
        };
        format!("{protocol}:{}", self.name)
    }

    /// For people: folder and server.
    pub fn shown(&self) -> String {
        format!("{} of {} at {}", self.folder, self.user, self.host)
    }

    /// Whether the server is on this machine, where nobody listens in between.
    pub fn is_local(&self) -> bool {
        self.host == "localhost" || self.host.parse().is_ok_and(|ip: std::net::IpAddr| ip.is_loopback())
    }

    /// The password or token as it is now. Never logged.
    ///
    /// # Errors
    /// A file that cannot be read, that others can read, or that fails when it is run.
    pub async fn secret(&self) -> anyhow::Result<String> {
        let path = &self.secret;
        let shown = path.display();
        let mode = std::fs::metadata(path)
            .with_context(|| format!("look at {shown}"))?
            .permissions()
            .mode();
        let bytes = if mode & 0o100 != 0 {
            if mode & 0o022 != 0 {
                bail!("{shown} can be changed by others: chmod 700 it");
            }
            let run = tokio::process::Command::new(path).kill_on_drop(true).output();
            let done = tokio::time::timeout(Duration::from_secs(limits::FETCH_SECRET_SECONDS), run)
                .await
                .with_context(|| format!("{shown} does not end"))?
                .with_context(|| format!("run {shown}"))?;
            if !done.status.success() {
                // What it printed may be half a secret.
                bail!("{shown} failed ({})", done.status);
            }
            done.stdout
        } else {
            if mode & 0o077 != 0 {
                bail!("{shown} can be read by others: chmod 600 it");
            }
            std::fs::read(path).with_context(|| format!("read {shown}"))?
        };
        let text = String::from_utf8(bytes).with_context(|| format!("{shown} is no text"))?;
        let text = text.trim_end_matches(['\r', '\n']);
        if text.is_empty() || text.len() > limits::FETCH_SECRET_BYTES || text.chars().any(char::is_control) {
            bail!("{shown} holds no secret: one line is expected");
        }
        Ok(text.to_owned())
    }
}

const WORDS: &str = "write secret=FILE, name=…, to=ADDRESS, auth=password or bearer, from=new, unseen or all, \
    after=keep, seen, flag:KEYWORD or move:FOLDER, ca=FILE, live";

fn after(text: &str) -> Result<After, String> {
    match text.split_once(':') {
        Some(("flag", keyword)) if is_name(keyword) => Ok(After::Flag(keyword.to_owned())),
        Some(("move", folder)) if !folder.is_empty() => Ok(After::Move(decoded(folder)?)),
        _ => Err(format!(
            "\"after={text}\" is not understood; write keep, seen, flag:KEYWORD or move:FOLDER"
        )),
    }
}

/// The part of an entry before its words: `imaps://user@host:port/folder`.
fn place(url: &str) -> Result<Account, String> {
    let wrong = || format!("\"{url}\" is no mailbox; write imaps://user@host/INBOX or jmap://user@host");
    let (scheme, rest) = url.split_once("://").ok_or_else(wrong)?;
    let (scheme, usual_port) = match scheme {
        "imaps" => (Scheme::Imap { tls: true }, 993),
        "imap" => (Scheme::Imap { tls: false }, 143),
        "jmap" => (Scheme::Jmap { tls: true }, 443),
        "jmap+http" => (Scheme::Jmap { tls: false }, 80),
        _ => return Err(wrong()),
    };
    let (authority, folder) = rest.split_once('/').unwrap_or((rest, ""));
    let (user, server) = authority.rsplit_once('@').ok_or_else(wrong)?;
    let (host, port) = match server.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, port.parse().map_err(|_| wrong())?),
        _ => (server, usual_port),
    };
    let host = host.trim_matches(['[', ']']).to_owned();
    if user.is_empty() || host.is_empty() {
        return Err(wrong());
    }
    let account = Account {
        name: host.clone(),
        scheme,
        host,
        port,
        user: decoded(user)?,
        folder: if folder.is_empty() {
            "INBOX".into()
        } else {
            decoded(folder)?
        },
        auth: Auth::Password,
        secret: PathBuf::new(),
        to: String::new(),
        after: After::Keep,
        since: Since::New,
        live: false,
        roots: None,
    };
    if account.scheme == (Scheme::Jmap { tls: false }) && !account.is_local() {
        return Err(format!(
            "\"{url}\" is not encrypted; jmap+http is for this machine only"
        ));
    }
    Ok(account)
}

fn is_name(text: &str) -> bool {
    (1..=60).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-$".contains(&b))
}

/// A file of the data directory itself.
fn is_file(text: &str) -> bool {
    !text.is_empty() && !text.contains('/') && text != ".." && text != "."
}

/// Percent-encoding undone (RFC 3986).
fn decoded(text: &str) -> Result<String, String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        rest = after;
        if *first != b'%' {
            bytes.push(*first);
            continue;
        }
        let hex = rest.get(..2).and_then(|hex| std::str::from_utf8(hex).ok());
        let byte = hex.and_then(|hex| u8::from_str_radix(hex, 16).ok());
        bytes.push(byte.ok_or_else(|| format!("\"{text}\" has a % without two digits"))?);
        rest = &rest[2..];
    }
    let text = String::from_utf8(bytes).map_err(|_| format!("\"{text}\" is no UTF-8"))?;
    match text.chars().any(char::is_control) {
        true => Err("a control character stands in it".into()),
        false => Ok(text),
    }
}
