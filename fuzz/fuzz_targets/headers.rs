//! Single fields: any value under each name that is read, and encoded words by themselves.
#![no_main]

use duly::limits;
use duly::mail::charset::header_text;
use duly::mail::parse::understand;
use libfuzzer_sys::fuzz_target;

const NAMES: &[&str] = &[
    "From", "To", "Cc", "Reply-To", "Subject", "Date", "Message-ID", "References", "In-Reply-To", "Content-Type",
    "Content-Disposition", "List-Id", "List-Post", "Auto-Submitted", "X-Failed-Recipients", "Return-Path",
];

fuzz_target!(|data: &[u8]| {
    let Some((&which, value)) = data.split_first() else { return };
    let name = NAMES[usize::from(which) % NAMES.len()];
    let raw = [name.as_bytes(), b": ", value, b"\n\ntext\n"].concat();
    let mail = understand(&raw);
    assert!(mail.to.len() <= limits::ADDRESSES);
    assert!(!header_text(value, None).contains(['\r', '\n']));
});
