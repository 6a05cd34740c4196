//! Any text is searched for the mail that it passes on.
#![no_main]

use duly::limits;
use duly::mail::forward::find;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let (subject, body) = text.split_once('\n').unwrap_or(("Fwd: x", text));
    if let Some(found) = find(subject, body) {
        assert!(found.from.address.contains('@'));
        assert!(found.subject.is_none_or(|s| s.chars().count() <= limits::SUBJECT_CHARS));
    }
});
