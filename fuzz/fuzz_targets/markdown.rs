//! The HTML twin: whatever an engineer types, no tag in it but ours, nothing that is loaded, and flowed text whose lines
//! fit the wire.
#![no_main]

use duly::mail::compose::{flow, markdown};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let text = String::from_utf8_lossy(data);
    let html = markdown::rendered(&text).to_lowercase();
    for tag in html.split('<').skip(1) {
        let inside = tag.split('>').next().unwrap_or_default();
        for loads in ["img", "script", "link", "style", "iframe", "object", "svg", "!--"] {
            assert!(!inside.trim_start_matches('/').starts_with(loads), "{inside}");
        }
        assert!(!inside.contains(" src=") && !inside.contains("javascript:"), "{inside}");
    }
    let (_, body) = flow::encoded(&flow::flowed(&text));
    assert!(body.split("\r\n").all(|line| line.len() <= 76 && !line.contains(['\r', '\n'])));
});
