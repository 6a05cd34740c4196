//! `duly mail deliver`: one mail from a mail server's pipe, handed to the running desk.
//!
//! The exit code is the whole answer (sysexits.h), for the mail server acts on it: 0 only when the desk has the mail on
//! disk; 67 (EX_NOUSER) and 65 (EX_DATAERR) where the recipient or the mail itself will never do, and the server tells its
//! sender; 75 (EX_TEMPFAIL) for everything else, also for a mistake in the command line or the settings: a customer's mail
//! does not bounce because of our typing. A mail of which nobody heard whether it was taken comes again, and is a repeat.

use super::args::Deliver;
use crate::config::Config;
use crate::desk::address;
use crate::limits;
use crate::mail::lmtp::{self, Untaken};
use crate::mail::stored;
use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

/// sysexits.h: the mail itself will never do.
const DATA: u8 = 65;
/// sysexits.h: there is no such address.
const NO_USER: u8 = 67;
/// sysexits.h: try again later.
pub const LATER: u8 = 75;

/// Delivers what comes on standard input.
pub fn run(dir: Option<&Path>, given: &Deliver) -> ExitCode {
    let done = std::panic::catch_unwind(|| deliver(dir, given, &mut io::stdin().lock()));
    let (code, text) = match done {
        Ok(Ok(())) => return ExitCode::SUCCESS,
        Ok(Err(untaken)) => untaken,
        Err(_) => (LATER, "it failed inside; see above".to_owned()),
    };
    let _ = writeln!(io::stderr(), "duly mail deliver: {text}");
    ExitCode::from(code)
}

fn deliver(dir: Option<&Path>, given: &Deliver, mail: &mut impl Read) -> Result<(), (u8, String)> {
    let dir = dir.ok_or_else(|| {
        (
            LATER,
            "say which desk: --dir DIR, or DULY_DIR in the environment".to_owned(),
        )
    })?;
    let (separator, head) = beginning(mail).map_err(|cause| (LATER, format!("standard input: {cause}")))?;
    let from = sender(given, separator.as_deref(), &head);
    let to = recipients(dir, given)?;
    let stream = UnixStream::connect(dir.join(lmtp::SOCKET))
        .and_then(|stream| {
            stream.set_read_timeout(Some(Duration::from_secs(limits::DELIVERY_DOT_SECONDS)))?;
            stream.set_write_timeout(Some(Duration::from_secs(limits::DELIVERY_REPLY_SECONDS)))?;
            Ok(stream)
        })
        .map_err(|cause| {
            let dir = dir.display();
            (
                LATER,
                format!("no desk is running in {dir} ({cause}); the mail stays where it is"),
            )
        })?;
    lmtp::hand_over(stream, &from, &to, &mut head.as_slice().chain(mail)).map_err(|untaken| match untaken {
        Untaken::Refused(code, said) => (exit_code(code), said),
        Untaken::Broken(cause) => (LATER, format!("the desk stopped answering ({cause})")),
    })
}

fn exit_code(said: u16) -> u8 {
    match said {
        550 | 551 | 553 => NO_USER,
        552 | 554 => DATA,
        _ => LATER,
    }
}

/// The beginning of the mail, as much as its header may have; the separator of mailbox files that pipes put first is
/// taken off.
fn beginning(mail: &mut impl Read) -> io::Result<(Option<String>, Vec<u8>)> {
    let mut head = Vec::new();
    mail.take(limits::HEADER_BLOCK_BYTES as u64).read_to_end(&mut head)?;
    if !head.starts_with(b"From ") {
        return Ok((None, head));
    }
    let end = memchr::memchr(b'\n', &head).map_or(head.len(), |at| at + 1);
    let rest = head.split_off(end);
    Ok((Some(String::from_utf8_lossy(&head).trim_end().to_owned()), rest))
}

/// The return path: as said, as the mail server's environment has it, as the separator says, else as the header does.
fn sender(given: &Deliver, separator: Option<&str>, head: &[u8]) -> String {
    let bare = |text: &str| text.trim().trim_start_matches('<').trim_end_matches('>').to_owned();
    let said = given
        .from
        .clone()
        .or_else(|| std::env::var("SENDER").ok())
        .or_else(|| separator.and_then(|line| line.split_whitespace().nth(1).map(str::to_owned)));
    match said.map(|text| bare(&text)) {
        Some(text) if text.eq_ignore_ascii_case("mailer-daemon") => String::new(),
        Some(text) => text,
        None => stored::return_path(head),
    }
}

/// For whom it is: as said, as the environment has it (with what stands behind `+`), else the desk's first address.
fn recipients(dir: &Path, given: &Deliver) -> Result<Vec<String>, (u8, String)> {
    if !given.to.is_empty() {
        return Ok(given.to.clone());
    }
    for name in ["ORIGINAL_RECIPIENT", "RECIPIENT"] {
        if let Some(one) = std::env::var(name).ok().filter(|one| one.contains('@')) {
            return Ok(vec![one]);
        }
    }
    let config = Config::read(dir, std::env::vars()).map_err(|refusal| (LATER, refusal.text))?;
    let first = config.list("desk", "addresses").first().map(|one| address::read(one));
    match first {
        Some(Ok((address, _))) => Ok(vec![address]),
        _ => Err((LATER, "say for whom: --to ADDRESS".to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_separator_of_a_mailbox_file_is_no_part_of_the_mail_and_names_the_sender() {
        let (separator, head) =
            beginning(&mut &b"From nora@n.example Mon Mar  2\nSubject: x\n\nFrom here on\n"[..]).unwrap();
        assert_eq!(head, b"Subject: x\n\nFrom here on\n");
        let given = Deliver {
            to: Vec::new(),
            from: None,
        };
        assert_eq!(sender(&given, separator.as_deref(), &head), "nora@n.example");
        assert_eq!(sender(&given, Some("From MAILER-DAEMON Mon"), b""), "");
    }

    #[test]
    fn only_what_will_never_do_is_told_so() {
        assert_eq!([550, 552, 554].map(exit_code), [NO_USER, DATA, DATA]);
        assert_eq!([421, 450, 451, 452, 500, 503].map(exit_code), [LATER; 6]);
    }
}
