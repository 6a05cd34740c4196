//! The verbs on the first lines of engineers' mail: nothing makes the grammar stumble, and what it does not know reaches
//! no customer.
#![no_main]

use duly::desk::command::Asked;
use duly::desk::verb::Verb;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let text = String::from_utf8_lossy(data);
    if let Asked::Do(verbs) = duly::mail::command::read(&text) {
        assert!(!verbs.is_empty());
        let replies = verbs.iter().filter(|verb| matches!(verb, Verb::Reply { .. })).count();
        assert!(replies <= 1);
        // A note is a promise that its words stay inside.
        assert!(replies == 0 || !verbs.iter().any(|verb| matches!(verb, Verb::Note { .. })));
    }
});
