//! Any text is read as HTML, within the bounds.
#![no_main]

use duly::limits;
use duly::mail::html::to_text;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|html: &str| {
    assert!(to_text(html).text.len() <= limits::TEXT_BYTES + html.len() * 2 + 1_000);
});
