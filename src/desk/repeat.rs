//! When two mails are one: the digest that both share, in one place.
//!
//! A repeat is a mail that came again: by the same way (a server that did not hear our 250) with the same envelope, body
//! and stable headers; by another way (fetched from a mailbox and forwarded as well) with the same Message-ID, body and
//! stable headers. Less than that is not enough: a Message-ID alone can be chosen by anybody (SECURITY.md §1.8), and mail
//! taken for a repeat is mail that nobody answers. What is less is kept and shown as one that looks like a repeat.
//!
//! **Stable headers** are named ([`STABLE`]) and not guessed by leaving out trace headers: every server on a way may add
//! fields of its own invention, so no list of those is ever complete, while RFC 5322 §3.6 and RFC 2045 fix which fields the
//! author's program writes and nobody else may change. They count in any order and however they are folded, for gateways
//! sort and fold anew. `Sender`, `Reply-To`, `Resent-*` and `List-*` are not among them: lists and forwarders set those.
//!
//! Line ends are the transport's: CR LF on the wire is LF in a mailbox file, and a last line may lose or gain its end. So
//! they are one in the digest. Every other byte of the body counts.

use super::MessageNo;
use crate::limits;
use crate::refusal::Outcome;
use crate::store::{Tx, values};
use sha2::{Digest as _, Sha256};

/// Fields that the author's program writes and no server on the way changes.
pub const STABLE: [&str; 15] = [
    "from",
    "to",
    "cc",
    "subject",
    "date",
    "message-id",
    "in-reply-to",
    "references",
    "mime-version",
    "content-type",
    "content-transfer-encoding",
    "content-disposition",
    "content-id",
    "content-language",
    "auto-submitted",
];

/// The digest of a mail, fed piece by piece.
#[derive(Debug)]
pub struct Digest {
    hash: Sha256,
    /// The header block as far as it came; none once it has ended.
    header: Option<Vec<u8>>,
    /// Line ends of the body that are counted when something follows them.
    newlines: usize,
    /// A CR of which it is not known yet whether an LF follows.
    cr: bool,
}

impl Default for Digest {
    fn default() -> Self {
        Digest {
            hash: Sha256::new(),
            header: Some(Vec::new()),
            newlines: 0,
            cr: false,
        }
    }
}

/// The digest of a whole mail.
pub fn digest(raw: &[u8]) -> Vec<u8> {
    let mut digest = Digest::default();
    digest.feed(raw);
    digest.finish()
}

impl Digest {
    /// Takes the next bytes.
    pub fn feed(&mut self, bytes: &[u8]) {
        let Some(header) = &mut self.header else {
            return self.body(bytes);
        };
        let before = header.len();
        header.extend_from_slice(bytes);
        // Only what lies within the bound is looked at, so that the pieces in which a mail comes make no difference.
        let bounded = header.len().min(limits::HEADER_BLOCK_BYTES);
        if let Some(end) = end_of_header(&header[..bounded], before) {
            let (fields, rest) = header.split_at(end);
            self.hash.update(stable(fields));
            let rest = rest.to_vec();
            self.header = None;
            self.body(&rest);
        } else if header.len() >= limits::HEADER_BLOCK_BYTES {
            self.end_without_body();
        }
    }

    /// The digest of what was fed.
    pub fn finish(mut self) -> Vec<u8> {
        self.end_without_body();
        if self.cr {
            self.text(b"\r");
        }
        self.hash.finalize().to_vec()
    }

    /// A mail of which no body is found counts with every byte: which of its lines are fields nobody can say.
    fn end_without_body(&mut self) {
        if let Some(header) = self.header.take() {
            self.body(&header);
        }
    }

    fn body(&mut self, mut bytes: &[u8]) {
        while let Some(at) = memchr::memchr(b'\n', bytes) {
            let line = &bytes[..at];
            let line = match line.strip_suffix(b"\r") {
                Some(line) => {
                    self.held_cr();
                    line
                }
                // A CR held from the piece before ends with this LF.
                None if line.is_empty() => {
                    self.cr = false;
                    line
                }
                None => {
                    self.held_cr();
                    line
                }
            };
            self.text(line);
            self.newlines += 1;
            bytes = &bytes[at + 1..];
        }
        if bytes.is_empty() {
            return;
        }
        self.held_cr();
        if let Some(line) = bytes.strip_suffix(b"\r") {
            bytes = line;
            self.cr = true;
        }
        self.text(bytes);
    }

    fn held_cr(&mut self) {
        if std::mem::take(&mut self.cr) {
            self.text(b"\r");
        }
    }

    fn text(&mut self, bytes: &[u8]) {
        if bytes.is_empty() {
            return;
        }
        for _ in 0..std::mem::take(&mut self.newlines) {
            self.hash.update(b"\n");
        }
        self.hash.update(bytes);
    }
}

/// Where the header block ends, the empty line not included; lines that began before `from` were looked at.
fn end_of_header(header: &[u8], from: usize) -> Option<usize> {
    let mut begin = memchr::memrchr(b'\n', &header[..from.saturating_sub(2).min(header.len())]).map_or(0, |at| at + 1);
    while let Some(length) = memchr::memchr(b'\n', &header[begin..]) {
        let line = &header[begin..begin + length];
        // An empty line, or one that is no field: then the empty line is missing and the body begins here.
        if matches!(line, b"" | b"\r") || !is_of_a_field(line, begin == 0) {
            return Some(begin);
        }
        begin += length + 1;
    }
    None
}

fn is_of_a_field(line: &[u8], first: bool) -> bool {
    if matches!(line.first(), Some(b' ' | b'\t')) {
        return !first;
    }
    let name = line
        .iter()
        .take_while(|byte| (33..=126).contains(*byte) && **byte != b':');
    let length = name.count();
    // A mailbox separator may stand first (`From nora Mon …`).
    (length > 0 && line[length..].trim_ascii_start().first() == Some(&b':')) || (first && line.starts_with(b"From "))
}

/// The stable fields, unfolded and in the order of their names.
fn stable(block: &[u8]) -> Vec<u8> {
    let mut fields: Vec<Vec<u8>> = Vec::new();
    let mut counts = false;
    for line in block.split(|&byte| byte == b'\n') {
        let goes_on = matches!(line.first(), Some(b' ' | b'\t'));
        if !goes_on {
            let colon = line.iter().position(|&byte| byte == b':').unwrap_or(line.len());
            let name = line[..colon].trim_ascii();
            counts = colon < line.len() && STABLE.iter().any(|stable| name.eq_ignore_ascii_case(stable.as_bytes()));
            if counts {
                fields.push(name.to_ascii_lowercase());
                words(&mut fields, &line[colon + 1..]);
            }
        } else if counts {
            words(&mut fields, line);
        }
    }
    fields.sort();
    let mut out = fields.join(&b'\n');
    out.extend_from_slice(b"\n\n");
    out
}

/// Appends a line's words to the newest field, one NUL before each: what stands between words is folding.
fn words(fields: &mut [Vec<u8>], line: &[u8]) {
    let Some(field) = fields.last_mut() else { return };
    for word in line.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty()) {
        field.push(0);
        field.extend_from_slice(word);
    }
}

/// A message that has a Message-ID already.
#[derive(Debug, Clone, Copy)]
pub(super) struct Known {
    pub(super) message: MessageNo,
    /// We wrote it.
    pub(super) is_ours: bool,
    /// We wrote it to see whether mail comes back ([`probe`](super::probe)).
    pub(super) is_probe: bool,
}

/// The message with this Message-ID; one of ours if there is one. It alone makes no repeat.
pub(super) fn known(tx: &mut Tx<'_>, message_id: Option<&str>) -> Outcome<Option<Known>> {
    let Some(id) = message_id else { return Ok(None) };
    let row = tx.first(
        "SELECT id, way, kind FROM message WHERE message_id = $1 ORDER BY CASE way WHEN 'out' THEN 0 ELSE 1 END, id LIMIT 1",
        &values![id],
    )?;
    Ok(row.map(|row| Known {
        message: MessageNo(row.int(0)),
        is_ours: row.text(1) == "out",
        is_probe: row.text(1) == "out" && row.text(2) == "probe",
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const MAIL: &[u8] = b"Received: from a\r\n\tby b; now\r\nFrom: p@n.example\r\nSubject: one  two\r\n three\r\nMessage-ID: <1@n>\r\n\r\nbody\r\n\r\nend\r\n";

    #[test]
    fn a_second_delivery_with_other_trace_headers_is_the_same_mail() {
        let again = b"X-Spam-Score: 3\r\nX-House-Of-Its-Own: yes\r\nReceived: from c\r\nReceived: from a\r\n\tby d; later\r\nFrom: p@n.example\r\nSubject: one  two\r\n three\r\nMessage-ID: <1@n>\r\n\r\nbody\r\n\r\nend\r\n";
        assert_eq!(digest(MAIL), digest(again));
    }

    #[test]
    fn line_ends_folding_order_and_the_last_line_end_are_the_transports() {
        let stored = b"Message-Id: <1@n>\nSubject: one two three\nFROM: p@n.example\nStatus: RO\n\nbody\n\nend";
        assert_eq!(digest(MAIL), digest(stored));
    }

    #[test]
    fn another_word_in_body_or_stable_header_is_another_mail() {
        let text = String::from_utf8(MAIL.to_vec()).unwrap();
        for (from, to) in [
            ("body\r\n\r\n", "body\r\n"),
            ("body", "Body"),
            ("<1@n>", "<2@n>"),
            ("one", "other"),
            ("end", "end "),
            ("end", "\r\nend"),
            ("end", "e\rnd"),
        ] {
            assert_ne!(digest(MAIL), digest(text.replace(from, to).as_bytes()), "{from} {to}");
        }
    }

    #[test]
    fn a_body_line_that_looks_like_a_trace_header_counts() {
        let one = digest(b"Subject: x\r\n\r\nReceived: the parcel\r\n");
        assert_ne!(one, digest(b"Subject: x\r\n\r\nReceived: the letter\r\n"));
    }

    #[test]
    fn where_no_empty_line_ends_the_header_every_line_counts() {
        assert_ne!(digest(b"Subject: x\nNote: one\n"), digest(b"Subject: x\nNote: two\n"));
        assert_ne!(
            digest(b"Subject: x\nhello you\nX: 1\n\na"),
            digest(b"Subject: x\nhello me\nX: 1\n\na")
        );
    }

    #[test]
    fn a_header_beyond_its_bound_counts_whole() {
        let mail = |word: &str| {
            format!(
                "Subject: x\nX: {}{word}\n\nbody",
                "x".repeat(limits::HEADER_BLOCK_BYTES)
            )
            .into_bytes()
        };
        assert_ne!(digest(&mail("a")), digest(&mail("b")));
    }

    proptest! {
        #[test]
        fn pieces_make_the_same_digest_as_the_whole(
            parts in proptest::collection::vec(prop_oneof![Just("\r\n"), Just("\n"), Just("\r"), Just("a"), Just("Subject: b"), Just(" c"), Just("X: y")], 0..60),
            step in 1usize..7,
        ) {
            let raw = parts.concat().into_bytes();
            let mut pieces = Digest::default();
            raw.chunks(step).for_each(|piece| pieces.feed(piece));
            prop_assert_eq!(pieces.finish(), digest(&raw));
        }
    }
}
