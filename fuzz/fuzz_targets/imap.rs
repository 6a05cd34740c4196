//! Any bytes, cut anywhere, from an IMAP server: no panic, bounded memory, and what is understood does not depend on cuts.

#![no_main]

use duly::mail::fetch::imap::wire::{Piece, Response, Wire};
use libfuzzer_sys::fuzz_target;

/// Texts, sizes announced, and the literals, when the input comes in pieces of `step`.
fn run(input: &[u8], step: usize) -> (Vec<(Vec<u8>, Option<u64>)>, Vec<u8>) {
    let (mut wire, mut texts, mut literals) = (Wire::default(), Vec::new(), Vec::new());
    for piece in input.chunks(step) {
        wire.feed(piece);
        loop {
            match wire.next_piece() {
                Ok(Some(Piece::Text(text, announced))) => texts.push((text, announced)),
                Ok(Some(Piece::Literal(bytes))) => literals.extend(bytes),
                Ok(None) => break,
                Err(_) => return (texts, literals),
            }
        }
    }
    (texts, literals)
}

fuzz_target!(|data: &[u8]| {
    let Some((step, input)) = data.split_first() else {
        return;
    };
    let whole = run(input, usize::MAX);
    assert_eq!(whole, run(input, usize::from(*step).max(1)));
    let mut response = Response::default();
    for (text, _) in whole.0 {
        response.push_text(&text);
        assert!(response.tokens.len() <= response.text.len() + 1);
        for name in ["UID", "RFC822.SIZE", "INTERNALDATE", "BODY[]"] {
            let _ = response.attribute(name);
        }
        let _ = (response.code("UIDVALIDITY"), response.number(2), response.word(0));
    }
});
