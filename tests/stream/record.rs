//! The recorded stream: mails in order of arrival, who wrote them, which thread they belong to.

use jiff::Timestamp;
use serde_json::Value as Json;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The list that the stream went through.
pub const LIST: &str = "usrp-users@lists.ettus.com";

/// One recorded mail.
pub struct Recorded {
    pub message_id: String,
    /// The mail that it answers, if that is in the stream.
    pub parent: Option<String>,
    /// Name of its true thread.
    pub thread: String,
    /// What its `Date` says.
    pub date: Timestamp,
    /// A running number for each person.
    pub author: String,
    /// Its subject says that it answers, and it names no mail.
    pub reply_without_refs: bool,
    /// Whether its author plays an engineer of the desk.
    pub by_engineer: bool,
    /// As it came, line ends CR LF.
    pub raw: Vec<u8>,
}

/// The folder of the stream, if the corpora are there.
pub fn folder() -> Option<PathBuf> {
    let named = std::env::var_os("DULY_CORPORA").map(PathBuf::from);
    let corpora = named.clone().unwrap_or_else(|| PathBuf::from("../shared/corpora"));
    let there = corpora.join("tools/split_mbox.py").exists() && corpora.join("usrp-users/threads.jsonl").exists();
    assert!(
        there || named.is_none() || std::env::var_os("CI").is_none(),
        "DULY_CORPORA names {}, where the stream is not",
        corpora.display()
    );
    if !there {
        eprintln!(
            "SKIPPED: no recorded stream at {} (set DULY_CORPORA)",
            corpora.display()
        );
    }
    let absolute = corpora.canonicalize().ok()?;
    there.then(|| absolute.join("usrp-users"))
}

/// The first `most` mails of the stream; `None` where there is no Python to unpack them.
pub fn read(stream: &Path, most: usize) -> Option<Vec<Recorded>> {
    let unpacked = tempfile::tempdir().expect("a folder");
    let tool = stream.with_file_name("tools").join("split_mbox.py");
    let output = Command::new("python3")
        .arg(tool)
        .arg(stream)
        .arg(unpacked.path())
        .output();
    let output = output
        .inspect_err(|cause| eprintln!("SKIPPED: the corpora's tools need python3: {cause}"))
        .ok()?;
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let (threads, roles, facts) = (
        lines(&stream.join("threads.jsonl")),
        lines(&stream.join("roles.jsonl")),
        lines(&stream.join("expected-mbox.jsonl")),
    );
    let mut mails = Vec::new();
    for (at, ((thread, role), fact)) in threads.iter().zip(&roles).zip(&facts).enumerate().take(most) {
        let raw = std::fs::read(unpacked.path().join(format!("{at:05}.eml"))).expect("a mail");
        let text = |line: &Json, key: &str| line[key].as_str().map(str::to_owned);
        mails.push(Recorded {
            message_id: text(thread, "message_id").expect("a Message-ID"),
            parent: text(thread, "parent"),
            thread: text(thread, "thread").expect("a thread"),
            date: fact["expect"]["date"]
                .as_str()
                .and_then(|date| date.parse().ok())
                .expect("a date"),
            author: text(role, "author").expect("an author"),
            reply_without_refs: thread["reply_without_refs"] == true,
            by_engineer: role["role"] == "engineer",
            raw: with_crlf(&raw),
        });
    }
    Some(mails)
}

/// The objects of a file that has one a line.
pub fn lines(path: &Path) -> Vec<Json> {
    let text = std::fs::read_to_string(path).unwrap_or_else(|cause| panic!("{}: {cause}", path.display()));
    text.lines()
        .map(|line| serde_json::from_str(line).expect("an object a line"))
        .collect()
}

fn with_crlf(raw: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(raw.len() + raw.len() / 30);
    for &byte in raw {
        if byte == b'\n' && out.last() != Some(&b'\r') {
            out.push(b'\r');
        }
        out.push(byte);
    }
    if !out.ends_with(b"\r\n") {
        out.extend_from_slice(b"\r\n");
    }
    out
}

/// The mail as its author would have written it to this desk: where it names a recorded reply that our engineer gave, it
/// names ours.
pub fn with_our_ids(raw: &[u8], ours: &HashMap<String, String>) -> Vec<u8> {
    let (mut out, mut rest, mut names_mails) = (Vec::with_capacity(raw.len()), raw, false);
    while !rest.is_empty() {
        let end = rest
            .windows(2)
            .position(|two| two == b"\r\n")
            .map_or(rest.len(), |at| at + 2);
        let (line, after) = rest.split_at(end);
        if line == b"\r\n" {
            break;
        }
        if !line.starts_with(b" ") && !line.starts_with(b"\t") {
            let name = line.split(|&byte| byte == b':').next().unwrap_or_default();
            names_mails = name.eq_ignore_ascii_case(b"references") || name.eq_ignore_ascii_case(b"in-reply-to");
        }
        match names_mails {
            true => out.extend(line_with_our_ids(line, ours)),
            false => out.extend_from_slice(line),
        }
        rest = after;
    }
    out.extend_from_slice(rest);
    out
}

fn line_with_our_ids(line: &[u8], ours: &HashMap<String, String>) -> Vec<u8> {
    let mut out = Vec::with_capacity(line.len());
    let mut rest = line;
    while let Some(open) = rest.iter().position(|&byte| byte == b'<') {
        let (before, inner) = rest.split_at(open + 1);
        out.extend_from_slice(before);
        let close = inner.iter().position(|&byte| byte == b'>').unwrap_or(inner.len());
        let (id, after) = inner.split_at(close);
        let known = std::str::from_utf8(id).ok().and_then(|id| ours.get(id));
        out.extend_from_slice(known.map_or(id, |ours| ours.as_bytes()));
        rest = after;
    }
    out.extend_from_slice(rest);
    out
}
