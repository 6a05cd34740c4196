//! The bytes between `354` and the dot.
//!
//! Promise: what is taken is what was sent, byte for byte, after dot-unstuffing; and only CR LF `.` CR LF ends it.
//!
//! No more than [`limits::SPOOL_BYTES`] and one read stay in memory: what is more is handed out in pieces for the driver
//! to put into a file ([`Fed::Full`]).
//!
//! Bare CR and bare LF are kept as they came. Smuggling needs two servers that disagree about where a mail ends; the
//! three cures in use are refusing such mail, rewriting its line ends, or never taking anything but CR LF for a line
//! end (RFC 5321 §2.3.8). Refusing loses mail of simple programs, rewriting breaks signatures and alters what was
//! acknowledged. This server is the last of its chain and never relays what it took, so the third is enough: a
//! smuggled `\n.\n` is text inside one mail, for all to see. For the same reason a dot is taken away only after
//! CR LF, never after a bare LF.

use super::reply::Reply;
use crate::limits;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Memory for mails being received, shared by all sessions: what is not left is told 452, never allocated.
#[derive(Debug)]
pub struct Budget {
    left: AtomicUsize,
}

impl Budget {
    /// A budget of so many bytes.
    pub fn new(bytes: usize) -> Arc<Self> {
        Arc::new(Budget {
            left: AtomicUsize::new(bytes),
        })
    }

    /// Bytes not taken by anybody.
    pub fn left(&self) -> usize {
        self.left.load(Ordering::Relaxed)
    }

    fn take(&self, bytes: usize) -> bool {
        self.left
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(bytes))
            .is_ok()
    }
}

/// A share of the budget, given back when dropped: held until the desk has the mail on disk, for so long it is in memory.
#[derive(Debug)]
pub(super) struct Share {
    budget: Arc<Budget>,
    bytes: usize,
}

impl Share {
    fn more(&mut self, bytes: usize) -> bool {
        let granted = self.budget.take(bytes);
        if granted {
            self.bytes += bytes;
        }
        granted
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.budget.left.fetch_add(self.bytes, Ordering::Relaxed);
    }
}

/// Where in a line the next byte stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// After CR LF, or at the beginning.
    LineStart,
    /// After a dot at the line start; the dot is not kept.
    Dot,
    /// After such a dot and CR; the CR is kept only if no LF follows.
    DotCr,
    /// Inside a line whose last byte is not CR.
    Middle,
    /// Inside a line whose last byte is CR.
    Cr,
}

/// Where feeding a mail came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fed {
    /// Everything was used; more is to come.
    More,
    /// A piece is full: [`Receipt::piece`] first, then more.
    Full,
    /// The end was among the bytes used.
    End,
}

/// One mail being received.
#[derive(Debug)]
pub(super) struct Receipt {
    /// What came since the last piece was handed out.
    raw: Vec<u8>,
    /// Bytes handed out before.
    spooled: usize,
    share: Share,
    place: Place,
    /// Bytes of the line since the last LF, bare or not: a mail with bare LFs is not one endless line.
    line_bytes: usize,
    /// The first of them, as many as `Received:` has.
    line_head: [u8; 9],
    in_header: bool,
    received: usize,
    /// Bytes that came, kept or not.
    came: usize,
    /// Set once the mail cannot be taken; from then on it is drained.
    refused: Option<Reply>,
}

/// First allocation: most mails need no second and third.
const FIRST_BYTES: usize = 16 * 1024;
/// Last one: a full piece and the read that filled it.
const MOST_BYTES: usize = limits::SPOOL_BYTES + 32 * 1024;

impl Receipt {
    /// A mail of which nothing has come yet.
    pub fn new(budget: &Arc<Budget>) -> Self {
        Receipt {
            raw: Vec::new(),
            spooled: 0,
            share: Share {
                budget: budget.clone(),
                bytes: 0,
            },
            place: Place::LineStart,
            line_bytes: 0,
            line_head: [0; 9],
            in_header: true,
            received: 0,
            came: 0,
            refused: None,
        }
    }

    /// Bytes that came so far, kept or not.
    pub fn came(&self) -> usize {
        self.came
    }

    /// Whether a mail that is being refused has brought more than anybody needs to hear the refusal.
    pub fn is_endless(&self) -> bool {
        self.came > limits::SMTP_DRAIN_BYTES
    }

    /// What came since the last piece, out of the way of what comes; [`Receipt::emptied`] gives the memory back.
    pub fn piece(&mut self) -> Vec<u8> {
        self.spooled += self.raw.len();
        std::mem::take(&mut self.raw)
    }

    /// A piece is in the file.
    pub fn emptied(&mut self, mut piece: Vec<u8>) {
        if self.refused.is_none() && self.raw.is_empty() {
            piece.clear();
            self.raw = piece;
        }
    }

    /// Takes bytes up to the end of the mail: how many were used, and where that came to.
    pub fn feed(&mut self, input: &[u8]) -> (usize, Fed) {
        let mut at = 0;
        let mut fed = Fed::More;
        while let Some(&byte) = input.get(at) {
            if self.raw.len() >= limits::SPOOL_BYTES {
                fed = Fed::Full;
                break;
            }
            match (self.place, byte) {
                (Place::LineStart, b'.') => {
                    self.place = Place::Dot;
                    at += 1;
                }
                (Place::Dot, b'\r') => {
                    self.place = Place::DotCr;
                    at += 1;
                }
                (Place::DotCr, b'\n') => {
                    at += 1;
                    fed = Fed::End;
                    break;
                }
                (Place::DotCr, _) => {
                    self.keep(b"\r");
                    self.place = Place::Cr;
                }
                (Place::LineStart | Place::Dot, _) => self.place = Place::Middle,
                (Place::Middle | Place::Cr, _) => at += self.line(&input[at..]),
            }
        }
        self.came += at;
        (at, fed)
    }

    /// Keeps bytes up to and including the next LF; how many.
    fn line(&mut self, input: &[u8]) -> usize {
        let (piece, ends) = match memchr::memchr(b'\n', input) {
            Some(at) => (&input[..=at], true),
            None => (input, false),
        };
        let before = if self.place == Place::Cr { b'\r' } else { 0 };
        let last = |back: usize| piece.len().checked_sub(back).map_or(before, |at| piece[at]);
        let crlf = ends && last(2) == b'\r';
        self.keep(piece);
        self.place = match (ends, crlf) {
            (true, true) => Place::LineStart,
            (true, false) => Place::Middle,
            (false, _) if last(1) == b'\r' => Place::Cr,
            (false, _) => Place::Middle,
        };
        if self.refused.is_none() {
            self.look_at_line(ends, crlf);
        }
        if ends {
            self.line_bytes = 0;
        }
        piece.len()
    }

    fn look_at_line(&mut self, ends: bool, crlf: bool) {
        // An unfinished line may yet end in the CR that is its last byte.
        let length = self.line_bytes
            - if ends {
                1 + usize::from(crlf)
            } else {
                usize::from(self.place == Place::Cr)
            };
        if length > limits::LINE_BYTES {
            return self.refuse(Reply::new(
                554,
                "5.6.0",
                format!(
                    "a line is longer than {} bytes; send it as quoted-printable or base64",
                    limits::LINE_BYTES
                ),
            ));
        }
        if !ends {
            return;
        }
        if self.in_header {
            let is_received = self.line_bytes >= 9 && self.line_head.eq_ignore_ascii_case(b"received:");
            self.in_header = length > 0;
            self.received += usize::from(is_received);
            if self.received > limits::RECEIVED {
                let text = format!(
                    "this mail went through more than {} servers: it loops",
                    limits::RECEIVED
                );
                self.refuse(Reply::new(554, "5.4.6", text));
            }
        }
    }

    fn keep(&mut self, piece: &[u8]) {
        if self.refused.is_some() {
            return;
        }
        let needed = self.raw.len() + piece.len();
        if self.spooled + needed > limits::MESSAGE_BYTES {
            return self.refuse(too_large());
        }
        if needed > self.raw.capacity() {
            let capacity = needed
                .max(self.raw.capacity() * 2)
                .clamp(FIRST_BYTES, MOST_BYTES.max(needed));
            // A piece that was handed out is still accounted for.
            if !self.share.more(capacity.saturating_sub(self.share.bytes)) {
                return self.refuse(out_of_memory());
            }
            self.raw.reserve_exact(capacity - self.raw.len());
        }
        self.raw.extend_from_slice(piece);
        if let Some(head) = self.line_head.get_mut(self.line_bytes..) {
            for (to, from) in head.iter_mut().zip(piece) {
                *to = *from;
            }
        }
        self.line_bytes += piece.len();
    }

    /// From now on the mail is drained.
    pub fn refuse(&mut self, reply: Reply) {
        self.refused = Some(reply);
        self.raw = Vec::new();
        self.share = Share {
            budget: self.share.budget.clone(),
            bytes: 0,
        };
    }

    /// What came since the last piece, or why the mail is not taken.
    pub fn finish(self) -> Result<(Vec<u8>, Share), Reply> {
        match self.refused {
            None => Ok((self.raw, self.share)),
            Some(reply) => Err(reply),
        }
    }
}

/// What a mail beyond the size limit is told.
pub(super) fn too_large() -> Reply {
    let text = format!("this desk takes mails of up to {} bytes", limits::MESSAGE_BYTES);
    Reply::new(552, "5.3.4", text)
}

/// What a mail is told for which no memory is left now.
pub(super) fn out_of_memory() -> Reply {
    Reply::of(452, "4.3.1", "too much mail at once; please come again in a minute")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn taken(input: &[u8], step: usize) -> Option<Vec<u8>> {
        let mut receipt = Receipt::new(&Budget::new(1 << 30));
        let mut whole = Vec::new();
        for piece in input.chunks(step) {
            let mut rest = piece;
            loop {
                let (used, fed) = receipt.feed(rest);
                rest = &rest[used..];
                match fed {
                    Fed::End => {
                        let (tail, _) = receipt.finish().ok()?;
                        whole.extend(tail);
                        return Some(whole);
                    }
                    Fed::Full => {
                        let piece = receipt.piece();
                        whole.extend_from_slice(&piece);
                        receipt.emptied(piece);
                    }
                    Fed::More => break,
                }
            }
            assert!(rest.is_empty());
        }
        None
    }

    #[test]
    fn a_large_mail_is_handed_out_in_pieces_and_is_the_same_mail() {
        let line = format!("{}\r\n", "z".repeat(998));
        let raw = format!(".{}", line.repeat(900)).into_bytes();
        let budget = Budget::new(limits::SPOOL_BYTES + 100_000);
        let mut receipt = Receipt::new(&budget);
        let (wire, mut whole, mut pieces, mut most) = (stuffed(&raw), Vec::new(), 0, 0);
        for mut input in wire.chunks(16 * 1024) {
            loop {
                let (used, fed) = receipt.feed(input);
                input = &input[used..];
                if fed != Fed::Full {
                    break;
                }
                let piece = receipt.piece();
                most = most.max(piece.len());
                pieces += 1;
                whole.extend_from_slice(&piece);
                receipt.emptied(piece);
            }
        }
        whole.extend(receipt.finish().expect("it is taken").0);
        assert!(whole == raw);
        assert_eq!(pieces, 3);
        assert!(most <= limits::SPOOL_BYTES + 16 * 1024, "{most}");
    }

    #[test]
    fn only_a_dot_alone_between_two_crlf_ends_a_mail() {
        let ends = ["\n", "\r", "\r\n", "\n\r", "\r\r\n", "\0\r\n"];
        for before in ends {
            for after in ends {
                let input = format!("a{before}.{after}b");
                let expected = (before.ends_with("\r\n") && after == "\r\n").then(|| format!("a{before}"));
                for step in [1, 2, 3, 100] {
                    let got = taken(input.as_bytes(), step).map(|raw| String::from_utf8(raw).expect("ASCII"));
                    assert_eq!(got, expected, "{input:?} in steps of {step}");
                }
            }
        }
    }

    #[test]
    fn a_dot_is_taken_away_after_crlf_and_nowhere_else() {
        let input = b"..a\r\n.b\n..c\r..d\r\n...\r\n.\re\r\n.\r\r\n.\r\n";
        let expected = b".a\r\nb\n..c\r..d\r\n..\r\n\re\r\n\r\r\n";
        for step in [1, 2, 5, 1000] {
            assert_eq!(taken(input, step).as_deref(), Some(&expected[..]));
        }
    }

    #[test]
    fn an_empty_mail_is_a_mail() {
        assert_eq!(taken(b".\r\n", 1).as_deref(), Some(&b""[..]));
    }

    #[test]
    fn a_line_at_the_limit_passes_and_one_byte_more_does_not() {
        for end in ["\r\n", "\n"] {
            let mail = |n: usize| format!("{}{end}x\r\n.\r\n", "y".repeat(n)).into_bytes();
            assert!(taken(&mail(limits::LINE_BYTES), 4096).is_some());
            assert!(taken(&mail(limits::LINE_BYTES + 1), 4096).is_none());
            assert!(taken(&mail(limits::LINE_BYTES + 1), usize::MAX).is_none());
        }
    }

    #[test]
    fn fifty_received_fields_pass_and_one_more_is_a_loop() {
        let mail =
            |n: usize| format!("{}\r\nReceived: in the body\r\n.\r\n", "reCeived: by x\r\n".repeat(n)).into_bytes();
        assert!(taken(&mail(limits::RECEIVED), 7).is_some());
        assert!(taken(&mail(limits::RECEIVED + 1), 7).is_none());
    }

    #[test]
    fn memory_is_given_back_when_a_mail_is_refused_or_dropped() {
        let budget = Budget::new(40_000);
        let mut receipt = Receipt::new(&budget);
        receipt.feed(&[b'x'; 20_000]);
        assert!(budget.left() <= 20_000);
        receipt.feed(&[b'x'; 30_000]);
        assert_eq!(budget.left(), 40_000);
        assert_eq!(receipt.feed(b"\r\n.\r\n"), (5, Fed::End));
        assert_eq!(receipt.finish().map_err(|r| r.code).err(), Some(452));
        let mut receipt = Receipt::new(&budget);
        receipt.feed(b"short");
        assert!(budget.left() < 40_000);
        drop(receipt);
        assert_eq!(budget.left(), 40_000);
    }

    /// Dot-stuffing as RFC 5321 §4.5.2 has it, written as differently as can be.
    fn stuffed(raw: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        for (at, &byte) in raw.iter().enumerate() {
            if byte == b'.' && (at == 0 || raw[..at].ends_with(b"\r\n")) {
                out.push(b'.');
            }
            out.push(byte);
        }
        out.extend_from_slice(b".\r\n");
        out
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 90_000, ..ProptestConfig::default() })]
        #[test]
        fn what_was_stuffed_comes_out_as_it_was(
            pieces in proptest::collection::vec(prop_oneof![Just("\r\n"), Just("."), Just("\r"), Just("\n"), Just("a"), Just("\u{e9}\0")], 0..40),
            step in 1usize..9,
        ) {
            let raw = format!("{}\r\n", pieces.concat()).into_bytes();
            prop_assert_eq!(taken(&stuffed(&raw), step), Some(raw));
        }
    }
}
