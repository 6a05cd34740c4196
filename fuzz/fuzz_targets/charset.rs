//! Any bytes become text under any label.
#![no_main]

use duly::mail::charset::{decode, header_text, named};
use libfuzzer_sys::fuzz_target;

const LABELS: &[&str] = &[
    "utf-8", "us-ascii", "iso-8859-1", "gb2312", "iso-2022-jp", "shift_jis", "euc-kr", "big5", "koi8-r", "utf-7", "utf-16",
    "x-unknown", "",
];

fuzz_target!(|data: &[u8]| {
    let Some((&which, bytes)) = data.split_first() else { return };
    let label = LABELS[usize::from(which) % LABELS.len()];
    assert!(decode(bytes, Some(label)).text.len() <= 3 * bytes.len() + 3);
    let _ = decode(bytes, None);
    let _ = header_text(bytes, named(label));
});
