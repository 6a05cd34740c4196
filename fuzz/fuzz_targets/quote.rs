//! Every written line of a text ends up in exactly one of new, quoted and signature.
#![no_main]

use duly::mail::quote::split;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let parts = split(text);
    assert!(parts.new_text.len() + parts.signature.len() + parts.quoted_text.len() <= 2 * text.len() + 2);
});
