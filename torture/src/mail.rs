//! Mails of made-up customers: technical prose with log lines, no two alike.
//!
//! Left out on purpose: odd and hostile mails, which the letters and the fuzz targets have. Here the amount counts.

use crate::dice::Dice;
use std::fmt::Write;

/// How the words are packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// `text/plain`.
    Plain,
    /// `multipart/alternative` of plain text and HTML.
    Alternative,
    /// HTML alone.
    HtmlOnly,
}

/// One mail with its envelope.
#[derive(Debug, Clone)]
pub struct Mail {
    /// Return path, and author.
    pub from: String,
    /// Envelope recipients.
    pub to: Vec<String>,
    /// Without brackets.
    pub message_id: String,
    /// Header and body as they go over the wire, before dots are doubled. Ends with a line end.
    pub raw: Vec<u8>,
}

/// Address of the desk that mails are written to.
pub const DESK: &str = "support@acme.example";

const SUBJECTS: [&str; 12] = [
    "Replica lags after upgrade",
    "Checkpoint stalls under load",
    "Certificate refused by node",
    "How to size the shared cache",
    "Restore ends with a missing segment",
    "Query plan changed overnight",
    "Collector drops spans",
    "Cannot join third node",
    "Disk usage grows after vacuum",
    "Timeout in connection pool",
    "Wrong time zone in report",
    "Package conflicts on install",
];

const WORDS: [&str; 96] = [
    "after",
    "the",
    "upgrade",
    "replica",
    "writes",
    "stall",
    "while",
    "primary",
    "node",
    "keeps",
    "sending",
    "segments",
    "to",
    "archive",
    "we",
    "see",
    "timeouts",
    "in",
    "pool",
    "and",
    "clients",
    "reconnect",
    "every",
    "few",
    "minutes",
    "log",
    "shows",
    "checkpoint",
    "started",
    "but",
    "never",
    "completes",
    "memory",
    "stays",
    "flat",
    "disk",
    "queue",
    "is",
    "full",
    "of",
    "small",
    "requests",
    "kernel",
    "reports",
    "no",
    "errors",
    "on",
    "device",
    "restart",
    "helps",
    "for",
    "an",
    "hour",
    "then",
    "same",
    "pattern",
    "returns",
    "configuration",
    "was",
    "not",
    "changed",
    "since",
    "last",
    "release",
    "index",
    "scan",
    "became",
    "sequential",
    "planner",
    "statistics",
    "are",
    "fresh",
    "vacuum",
    "runs",
    "nightly",
    "partition",
    "holds",
    "three",
    "months",
    "which",
    "setting",
    "limits",
    "parallel",
    "workers",
    "here",
    "what",
    "should",
    "be",
    "measured",
    "next",
    "before",
    "changing",
    "cache",
    "size",
    "please",
    "advise",
];

/// Writes the mail with this number: about `bytes` long, from customer `customer`.
pub fn write(dice: &mut Dice, number: u64, customer: u64, bytes: usize, form: Form) -> Mail {
    let from = format!("person{customer}@customer{customer}.example");
    let message_id = format!("{number}.{:016x}@customer{customer}.example", dice.roll());
    // Subjects alike in all but their number look like a machine's, which gets no acknowledgement.
    let (about, first, second) = (dice.choose(&SUBJECTS), dice.choose(&WORDS), dice.choose(&WORDS));
    let subject = format!("{about}, {first} {second}");
    let mut raw = format!(
        "Received: from mail.customer{customer}.example by relay.example with ESMTPS id {number:x};\r\n\
         \tMon, 2 Nov 2026 09:12:{:02} +0100\r\n\
         From: Person {customer} <{from}>\r\nTo: <{DESK}>\r\nSubject: {subject} ({number})\r\n\
         Message-ID: <{message_id}>\r\nDate: Mon, 2 Nov 2026 09:12:{:02} +0100\r\n\
         User-Agent: Mozilla Thunderbird\r\nMIME-Version: 1.0\r\n",
        number % 60,
        number % 60,
    );
    match form {
        Form::Plain => {
            raw.push_str("Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n");
            prose(dice, &mut raw, bytes, "");
        }
        Form::HtmlOnly => {
            raw.push_str("Content-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n");
            html(dice, &mut raw, bytes);
        }
        Form::Alternative => {
            let border = format!("----=_part_{number:016x}");
            let _ = write!(
                raw,
                "Content-Type: multipart/alternative; boundary=\"{border}\"\r\n\r\n"
            );
            let _ = write!(raw, "--{border}\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n");
            let end = raw.len() + bytes * 2 / 5;
            prose(dice, &mut raw, end, "");
            let _ = write!(raw, "\r\n--{border}\r\nContent-Type: text/html; charset=utf-8\r\n\r\n");
            html(dice, &mut raw, bytes);
            let _ = write!(raw, "\r\n--{border}--\r\n");
        }
    }
    Mail {
        from,
        to: vec![DESK.to_owned()],
        message_id,
        raw: raw.into_bytes(),
    }
}

/// Lines of prose and of a log until `raw` has `bytes`; each line is ended by `end` and CRLF.
fn prose(dice: &mut Dice, raw: &mut String, bytes: usize, end: &str) {
    let _ = write!(raw, "Hello,{end}\r\n{end}\r\n");
    while raw.len() < bytes {
        if dice.one_in(4) {
            let _ = write!(
                raw,
                "2026-11-02 08:{:02}:{:02}.{:03} UTC [{}] LOG:  duration: {}.{:03} ms  page {:08X}/{:X}{end}\r\n",
                dice.between(0, 59),
                dice.between(0, 59),
                dice.between(0, 999),
                dice.between(1_000, 40_000),
                dice.between(1, 90_000),
                dice.between(0, 999),
                dice.roll() as u32,
                dice.roll() as u16,
            );
        } else {
            for place in 0..dice.between(8, 12) {
                let _ = write!(raw, "{}{}", if place == 0 { "" } else { " " }, dice.choose(&WORDS));
            }
            let _ = write!(raw, "{}{end}\r\n", if dice.one_in(3) { "." } else { "" });
        }
        if dice.one_in(40) {
            let _ = write!(raw, ".{end}\r\n"); // a dot alone: what SMTP has to double
        }
    }
    let _ = write!(raw, "{end}\r\n--{end} \r\nPerson of the operations team{end}\r\n");
}

fn html(dice: &mut Dice, raw: &mut String, bytes: usize) {
    raw.push_str("<html><head><style>p { margin: 0 }</style></head><body><div class=\"WordSection1\"><p>\r\n");
    prose(dice, raw, bytes, "<br>");
    raw.push_str("</p></div></body></html>\r\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mails_have_about_the_size_that_was_asked_for_and_differ() {
        let mut dice = Dice::new(1);
        for form in [Form::Plain, Form::Alternative, Form::HtmlOnly] {
            let (one, two) = (write(&mut dice, 1, 1, 6_000, form), write(&mut dice, 1, 1, 6_000, form));
            assert_ne!(one.raw, two.raw);
            assert!(
                (6_000..7_000).contains(&one.raw.len()),
                "{form:?}: {} bytes",
                one.raw.len()
            );
            assert!(one.raw.ends_with(b"\r\n"));
        }
    }
}
