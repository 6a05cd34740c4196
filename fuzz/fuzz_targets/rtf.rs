//! Any bytes are unpacked and read as rich text, within the bounds.
#![no_main]

use duly::limits;
use duly::mail::rtf;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Some(unpacked) = rtf::decompress(bytes) {
        assert!(unpacked.len() <= limits::HTML_BYTES + 20);
        let _ = rtf::to_text(&unpacked);
    }
    assert!(rtf::to_text(bytes).len() <= limits::TEXT_BYTES + 3 * bytes.len());
});
