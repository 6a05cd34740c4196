//! Any bytes are opened as winmail.dat, within the bounds; what comes out are pieces of what went in.
#![no_main]

use duly::limits;
use duly::mail::tnef;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let opened = tnef::open(bytes);
    assert!(opened.files.len() <= limits::ATTACHMENTS);
    for file in &opened.files {
        assert!(bytes.as_ptr_range().contains(&file.bytes.as_ptr()) || file.bytes.is_empty());
    }
});
