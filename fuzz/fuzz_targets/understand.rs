//! Any bytes are understood, within the bounds, and what is listed can be fetched again.
#![no_main]

use duly::limits;
use duly::mail::parse::{attachment, understand};
use duly::mail::seal::Keyring;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|raw: &[u8]| {
    let mail = understand(raw);
    assert!(mail.errors.len() <= limits::NOTES);
    assert!(mail.attachments.len() <= limits::ATTACHMENTS);
    assert!(mail.references.len() <= limits::REFERENCES);
    for attached in mail.attachments.iter().take(8) {
        let bytes = attachment(raw, attached, &Keyring::default()).expect("what is listed is there");
        assert_eq!(bytes.len() as u64, attached.size);
    }
});
