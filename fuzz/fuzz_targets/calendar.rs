//! Any text is read as a calendar, within the bounds.
#![no_main]

use duly::limits;
use duly::mail::calendar;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Some(calendar) = calendar::read(text) {
        assert!(calendar.entries.len() <= limits::CALENDAR_ENTRIES + 1);
    }
});
