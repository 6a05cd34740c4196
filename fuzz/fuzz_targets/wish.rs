//! The words that customers' mails may begin with: nothing makes the grammar stumble, and only a first line that is a word
//! of its table decides anything.
#![no_main]

use duly::desk::negotiation::hear::Wish;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let text = String::from_utf8_lossy(data);
    if let Some(asked) = duly::mail::wish::read(&text, "Priya Nair") {
        let first = text.trim_start_matches(['\u{feff}', '\u{a0}']).trim_start().lines().next().unwrap_or_default();
        assert!(first.chars().count() <= duly::limits::WISH_LINE_CHARS + 2);
        if let Wish::Time { written, .. } = asked.wish {
            assert!(first.contains(&written));
        }
    }
    if let Some(calendar) = duly::mail::calendar::read(&text) {
        let _ = duly::mail::wish::of_calendar(&calendar, &text);
    }
});
