//! The hashes of a mail's body that its signatures name, taken piece by piece (RFC 6376 §3.4.3, §3.4.4).
//!
//! Promises: of a mail of any size no more than its header is held; the same pieces cut anywhere give the same hashes. A
//! body is hashed only if the header carries a signature. mail-auth hashes too, but wants the mail whole, and fails honest
//! mails under *relaxed* whose last lines hold only blanks: those are empty once blanks at line ends are dropped, and so
//! dropped themselves. A line ends at LF, with or without CR; a CR elsewhere is a byte like others. Leaves out: SHA-1, which
//! proves nothing, and bodies signed in part.

use crate::limits;
use aws_lc_rs::digest::{Context, SHA256};

/// What is read of a mail to check its signatures.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Scanned {
    /// The header with the empty line behind it; longer than [`limits::HEADER_BLOCK_BYTES`] if it does not end before.
    pub head: Vec<u8>,
    /// Hash of the body as *simple* reads it, and as *relaxed* does; empty where no signature asks for them.
    pub simple: Vec<u8>,
    /// The other.
    pub relaxed: Vec<u8>,
}

/// A mail being read.
pub struct Scan {
    head: Vec<u8>,
    /// The header has ended.
    ended: bool,
    bodies: Option<(Canonical, Canonical)>,
}

impl Scan {
    /// Nothing read yet.
    pub fn begin() -> Scan {
        Scan {
            head: Vec::new(),
            ended: false,
            bodies: None,
        }
    }

    /// A mail that is in memory.
    pub fn whole(mail: &[u8]) -> Scanned {
        let mut scan = Scan::begin();
        scan.feed(mail);
        scan.finish()
    }

    /// Whether what follows changes anything.
    pub fn wants_more(&self) -> bool {
        match self.ended {
            true => self.bodies.is_some(),
            false => self.head.len() <= limits::HEADER_BLOCK_BYTES,
        }
    }

    /// Reads on.
    pub fn feed(&mut self, piece: &[u8]) {
        let mut rest = piece;
        if !self.ended && self.wants_more() {
            let before = self.head.len();
            self.head.extend_from_slice(piece);
            let Some(end) = header_end(&self.head, before.saturating_sub(2)) else {
                self.head.truncate(limits::HEADER_BLOCK_BYTES + 1);
                return;
            };
            rest = &piece[end - before..];
            self.head.truncate(end);
            self.ended = true;
            if is_signed(&self.head) {
                self.bodies = Some((Canonical::new(false), Canonical::new(true)));
            }
        }
        if let Some((simple, relaxed)) = &mut self.bodies {
            simple.feed(rest);
            relaxed.feed(rest);
        }
    }

    /// The mail has ended.
    pub fn finish(mut self) -> Scanned {
        if !self.ended && is_signed(&self.head) {
            self.bodies = Some((Canonical::new(false), Canonical::new(true)));
        }
        let (simple, relaxed) = self
            .bodies
            .map(|(simple, relaxed)| (simple.finish(), relaxed.finish()))
            .unwrap_or_default();
        Scanned {
            head: self.head,
            simple,
            relaxed,
        }
    }
}

/// Where the header ends, its empty line included; no empty line begins before `from`.
fn header_end(head: &[u8], from: usize) -> Option<usize> {
    let empty = |at: usize| match &head[at..] {
        [b'\n', ..] => Some(at + 1),
        [b'\r', b'\n', ..] => Some(at + 2),
        _ => None,
    };
    if let Some(end) = empty(0) {
        return Some(end);
    }
    memchr::memchr_iter(b'\n', &head[from..]).find_map(|at| empty(from + at + 1))
}

fn is_signed(head: &[u8]) -> bool {
    let has = |name: &[u8]| head.windows(name.len()).any(|one| one.eq_ignore_ascii_case(name));
    has(b"dkim-signature") || has(b"arc-message-signature")
}

/// A body on its way into a hash.
struct Canonical {
    relaxed: bool,
    hash: Context,
    /// Line ends that count only if something follows.
    ends: usize,
    /// Blanks that count, as one, only if something follows in the line.
    blank: bool,
    /// A CR came last.
    cr: bool,
    /// Something was hashed.
    any: bool,
}

const END: &[u8] = b"\r\n";

impl Canonical {
    fn new(relaxed: bool) -> Canonical {
        Canonical {
            relaxed,
            hash: Context::new(&SHA256),
            ends: 0,
            blank: false,
            cr: false,
            any: false,
        }
    }

    fn feed(&mut self, piece: &[u8]) {
        let mut rest = piece;
        while let [first, after @ ..] = rest {
            if std::mem::take(&mut self.cr) && *first != b'\n' {
                self.put(b"\r");
            }
            match first {
                b'\n' => {
                    self.ends += 1;
                    self.blank = false;
                }
                b'\r' => self.cr = true,
                b' ' | b'\t' if self.relaxed => self.blank = true,
                _ => {
                    let relaxed = self.relaxed;
                    let special = |one: &u8| matches!(one, b'\r' | b'\n') || relaxed && matches!(one, b' ' | b'\t');
                    let end = rest.iter().position(special).unwrap_or(rest.len());
                    self.put(&rest[..end]);
                    rest = &rest[end..];
                    continue;
                }
            }
            rest = after;
        }
    }

    fn put(&mut self, bytes: &[u8]) {
        for _ in 0..std::mem::take(&mut self.ends) {
            self.hash.update(END);
        }
        if std::mem::take(&mut self.blank) {
            self.hash.update(b" ");
        }
        self.hash.update(bytes);
        self.any = true;
    }

    fn finish(mut self) -> Vec<u8> {
        if self.cr {
            self.put(b"\r");
        }
        if self.any || !self.relaxed {
            self.hash.update(END);
        }
        self.hash.finish().as_ref().to_vec()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_lc_rs::digest::digest;
    use proptest::prelude::*;

    const HEAD: &str = "From: a@b.example\r\nDKIM-Signature: v=1\r\n\r\n";

    fn hashed(canonical: &str) -> Vec<u8> {
        digest(&SHA256, canonical.as_bytes()).as_ref().to_vec()
    }

    fn scanned(body: &str) -> Scanned {
        Scan::whole(format!("{HEAD}{body}").as_bytes())
    }

    #[test]
    fn the_example_of_the_standard_and_its_corners() {
        // RFC 6376 §3.4.5.
        let example = scanned(" C \r\nD \t E\r\n\r\n\r\n");
        assert_eq!(example.relaxed, hashed(" C\r\nD E\r\n"));
        assert_eq!(example.simple, hashed(" C \r\nD \t E\r\n"));
        assert_eq!(example.head, HEAD.as_bytes());
        for (body, simple, relaxed) in [
            ("", "\r\n", ""),
            ("\r\n\r\n", "\r\n", ""),
            ("x", "x\r\n", "x\r\n"),
            ("x\n\ny\n", "x\r\n\r\ny\r\n", "x\r\n\r\ny\r\n"),
            ("a\rb\r", "a\rb\r\r\n", "a\rb\r\r\n"),
        ] {
            assert_eq!(scanned(body).simple, hashed(simple), "{body:?}");
            assert_eq!(scanned(body).relaxed, hashed(relaxed), "{body:?}");
        }
    }

    #[test]
    fn last_lines_of_nothing_but_blanks_are_dropped_when_relaxed() {
        let signed = scanned("Hello\r\n");
        for body in ["Hello\r\n \r\n", "Hello \t\r\n\t\r\n  \r\n\r\n", "Hello\r\n  "] {
            assert_eq!(scanned(body).relaxed, signed.relaxed, "{body:?}");
            assert_ne!(scanned(body).simple, signed.simple, "{body:?}");
        }
        assert_ne!(scanned("Hello\r\n \r\nx\r\n").relaxed, signed.relaxed);
        assert_eq!(scanned(" \t \r\n \r\n").relaxed, hashed(""));
    }

    #[test]
    fn without_a_signature_nothing_is_hashed_and_a_header_without_an_end_is_not_held_for_ever() {
        let mut scan = Scan::begin();
        scan.feed(b"From: a@b.example\r\n\r");
        assert!(scan.wants_more());
        scan.feed(b"\nbody");
        assert!(!scan.wants_more());
        assert_eq!(scan.finish().relaxed, Vec::<u8>::new());
        let mut scan = Scan::begin();
        for _ in 0..100 {
            scan.feed(&b"X: y\r\n".repeat(10_000));
        }
        assert!(!scan.wants_more());
        assert_eq!(scan.finish().head.len(), limits::HEADER_BLOCK_BYTES + 1);
    }

    proptest! {
        #[test]
        fn pieces_cut_anywhere_give_the_same(body in "[ab \t\r\n]{0,60}", cuts in proptest::collection::vec(0usize..100, 0..6)) {
            let mail = format!("{HEAD}{body}");
            let mut scan = Scan::begin();
            let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(mail.len())).collect();
            cuts.sort_unstable();
            let mut from = 0;
            for cut in cuts {
                scan.feed(&mail.as_bytes()[from..cut]);
                from = cut;
            }
            scan.feed(&mail.as_bytes()[from..]);
            prop_assert_eq!(scan.finish(), Scan::whole(mail.as_bytes()));
        }
    }
}
