//! The limiter: one linear scan that turns raw bytes into a bounded outline of parts before anything builds a tree.
//!
//! Promises: no recursion, one pass over the lines, memory bounded by [`limits`] whatever the mail says,
//! and always an outline: what is too deep, too many or too long is cut, the rest handed on flat, and every cut leaves a
//! sentence in `notes`. Leaves out: what any field means beyond `Content-Type`'s and `Content-Transfer-Encoding`'s effect
//! on the structure.
//!
//! Why our own scan and not the library's tree: mail-parser 0.11 overflows its stack on 100,000 nested `message/rfc822`
//! and builds a million parts where a mail says so; a limiter that only counts would have to understand boundaries
//! anyway, so it keeps what it found. mail-parser stays the grammar of single fields (see `header.rs`).

use std::borrow::Cow;
use std::ops::Range;

use memchr::{memchr, memmem};

use crate::limits;
use crate::mail::header::{Fields, MediaType};

/// A node of the outline: a leaf, a multipart or a message in a message.
#[derive(Debug)]
pub struct Part<'a> {
    /// The fields of this part's header block.
    pub fields: Fields<'a>,
    /// Its media type, `text/plain` if it says nothing.
    pub media: MediaType,
    /// Where its header begins in the outlined bytes.
    pub begin: usize,
    /// Its body in the outlined bytes, without the line end that belongs to the boundary.
    pub body: Range<usize>,
    /// The enclosing part; the root has none.
    pub parent: Option<usize>,
    /// What stands in it.
    pub shape: Shape,
}

/// What a part is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// Content.
    Leaf,
    /// Parts between boundaries.
    Multipart,
    /// One mail.
    Message,
}

/// A mail's structure, bounded.
#[derive(Debug)]
pub struct Outline<'a> {
    /// The bytes that the ranges of the parts point into.
    pub bytes: &'a [u8],
    /// All parts, parents before children; the first is the mail itself, and there is always one.
    pub parts: Vec<Part<'a>>,
    /// What was cut or guessed, as sentences for `errors`.
    pub notes: Vec<String>,
}

/// Boundaries that are still open, innermost last.
struct Frame {
    part: usize,
    /// `None` until the first line that looks like one, where the header names none.
    boundary: Option<Vec<u8>>,
}

struct Scan<'s> {
    bytes: &'s [u8],
    at: usize,
    parts: Vec<Part<'s>>,
    frames: Vec<Frame>,
    /// The part that takes the lines now.
    open: usize,
    messages: usize,
    full: bool,
    notes: Vec<String>,
}

impl<'a> Outline<'a> {
    /// The bytes between a part's header and its end, still encoded.
    pub fn body(&self, part: &Part<'_>) -> &'a [u8] {
        &self.bytes[part.body.clone()]
    }
}

/// Outlines a mail. Never fails: a mail without any structure is one leaf. Give it the bytes that
/// [`with_line_feeds`] made.
pub fn outline(bytes: &[u8]) -> Outline<'_> {
    let mut scan = Scan {
        bytes,
        at: 0,
        parts: Vec::new(),
        frames: Vec::new(),
        open: 0,
        messages: 0,
        full: false,
        notes: Vec::new(),
    };
    scan.skip_preface();
    scan.run();
    let Scan { mut parts, notes, .. } = scan;
    settle(&mut parts);
    Outline { bytes, parts, notes }
}

/// Old systems end lines with a bare carriage return; a mail without any line feed is read that way.
pub fn with_line_feeds(raw: &[u8]) -> Cow<'_, [u8]> {
    if memchr(b'\n', raw).is_some() || memchr(b'\r', raw).is_none() {
        return Cow::Borrowed(raw);
    }
    Cow::Owned(raw.iter().map(|&b| if b == b'\r' { b'\n' } else { b }).collect())
}

/// A multipart without any part inside is text to whoever reads it.
fn settle(parts: &mut [Part<'_>]) {
    let mut has_child = vec![false; parts.len()];
    for part in parts.iter() {
        if let Some(parent) = part.parent {
            has_child[parent] = true;
        }
    }
    for (part, has_child) in parts.iter_mut().zip(has_child) {
        if part.shape == Shape::Multipart && !has_child {
            part.shape = Shape::Leaf;
            part.media = MediaType::text_plain();
        }
    }
}

impl<'s> Scan<'s> {
    fn note(&mut self, text: impl Into<String>) {
        let text = text.into();
        if self.notes.len() < limits::NOTES && !self.notes.contains(&text) {
            self.notes.push(text);
        }
    }

    /// The line at `at`, without its line end, and where the next begins.
    fn line(&self, at: usize) -> (&'s [u8], usize) {
        let rest: &'s [u8] = &self.bytes[at..];
        let (line, next) = match memchr(b'\n', rest) {
            Some(end) => (&rest[..end], at + end + 1),
            None => (rest, self.bytes.len()),
        };
        (line.strip_suffix(b"\r").unwrap_or(line), next)
    }

    /// Byte order marks, blank lines and mailbox separators before the first field are nobody's content.
    fn skip_preface(&mut self) {
        if self.bytes.starts_with(b"\xEF\xBB\xBF") {
            self.at = 3;
        }
        let mut at = self.at;
        while at < self.bytes.len() {
            let (line, next) = self.line(at);
            if line.iter().all(u8::is_ascii_whitespace) || line.starts_with(b"From ") || line.starts_with(b">From ") {
                at = next;
                continue;
            }
            if field(line).is_some() {
                self.at = at;
            }
            return;
        }
    }

    fn run(&mut self) {
        self.begin_part(None);
        let dashes = memmem::Finder::new(b"\n--");
        // Without an open multipart there is no boundary to look for.
        while !self.frames.is_empty() && !self.full {
            let rest = &self.bytes[self.at..];
            let ahead = match rest.starts_with(b"--") {
                true => Some(0),
                false => dashes.find(rest).map(|line_end| line_end + 1),
            };
            let Some(ahead) = ahead else { break };
            let start = self.at + ahead;
            let (line, next) = self.line(start);
            if !self.boundary(line, start, next) {
                self.at = next;
            }
        }
        let end = self.bytes.len();
        self.close_down_to(0, end);
        self.parts[0].body.end = end;
    }

    /// Takes a line that may be a boundary. True if it was one and the scan stands behind it.
    fn boundary(&mut self, line: &[u8], start: usize, next: usize) -> bool {
        let Some((level, closing)) = self.matching(line) else {
            return false;
        };
        let end = without_line_end(self.bytes, start);
        self.close_down_to(level + 1, end);
        let multipart = self.frames[level].part;
        if self.open != multipart {
            self.parts[self.open].body.end = end.max(self.parts[self.open].body.start);
        }
        self.open = multipart;
        self.at = next;
        if closing {
            self.parts[multipart].body.end = end.max(self.parts[multipart].body.start);
            self.frames.truncate(level);
            // What follows is the epilogue: it belongs to the enclosing part, which is not a leaf.
            self.open = self.frames.last().map_or(0, |f| f.part);
        } else if self.parts.len() >= limits::MIME_PARTS {
            self.note(format!(
                "More than {} parts: the rest was not opened.",
                limits::MIME_PARTS
            ));
            self.full = true;
        } else {
            self.begin_part(Some(multipart));
        }
        true
    }

    /// Which open multipart the line bounds, and whether it closes it. Inner ones first: an outer boundary inside an
    /// inner part means that the inner end is missing.
    fn matching(&mut self, line: &[u8]) -> Option<(usize, bool)> {
        let said = line.get(2..)?;
        for level in (0..self.frames.len()).rev() {
            match &self.frames[level].boundary {
                Some(boundary) => {
                    if let Some(rest) = said.strip_prefix(boundary.as_slice()) {
                        let (rest, closing) = match rest.strip_prefix(b"--") {
                            Some(rest) => (rest, true),
                            None => (rest, false),
                        };
                        if rest.iter().all(u8::is_ascii_whitespace) {
                            return Some((level, closing));
                        }
                    }
                }
                None => {
                    let guess = said.trim_ascii_end();
                    if level + 1 == self.frames.len() && guess.len() >= 4 && !guess.contains(&b' ') {
                        self.frames[level].boundary = Some(guess.to_vec());
                        self.note("A multipart names no boundary: the first line that looks like one was taken.");
                        return Some((level, false));
                    }
                }
            }
        }
        None
    }

    /// Ends every part that is open inside the multiparts from `level` on.
    fn close_down_to(&mut self, level: usize, end: usize) {
        if !self.parts.is_empty() {
            let open = self.open;
            self.parts[open].body.end = end.max(self.parts[open].body.start);
        }
        for frame in self.frames.drain(level.min(self.frames.len())..) {
            let body = &mut self.parts[frame.part].body;
            body.end = end.max(body.start);
        }
    }

    /// Reads a header block and opens what it announces; a message in a message is opened in the same turn.
    fn begin_part(&mut self, parent: Option<usize>) {
        let mut parent = parent;
        loop {
            let begin = self.at;
            let fields = self.header_block();
            let media = fields.media_type();
            let index = self.parts.len();
            let in_digest =
                parent.is_some_and(|p| self.parts[p].media.is("multipart", "digest")) && !fields.has("content-type");
            let mut shape = Shape::Leaf;
            if media.kind == "multipart" {
                if self.frames.len() < limits::MIME_DEPTH {
                    shape = Shape::Multipart;
                } else {
                    self.note(format!("Parts nested deeper than {}: left closed.", limits::MIME_DEPTH));
                }
            } else if (media.is("message", "rfc822") || media.is("message", "global") || in_digest)
                && fields.transfer_encoding().is_identity()
            {
                if self.messages < limits::NESTED_MESSAGES && self.parts.len() + 1 < limits::MIME_PARTS {
                    shape = Shape::Message;
                } else {
                    self.note(format!(
                        "More than {} messages inside: left closed.",
                        limits::NESTED_MESSAGES
                    ));
                }
            }
            let boundary = media.parameter("boundary").map(|b| b.trim_end().as_bytes().to_vec());
            let media = if in_digest {
                MediaType::new("message", "rfc822")
            } else {
                media
            };
            self.parts.push(Part {
                fields,
                media,
                begin,
                body: self.at..self.bytes.len(),
                parent,
                shape,
            });
            self.open = index;
            match shape {
                Shape::Leaf => return,
                Shape::Multipart => {
                    let boundary = boundary.filter(|b| !b.is_empty());
                    self.frames.push(Frame { part: index, boundary });
                    return;
                }
                Shape::Message => {
                    self.messages += 1;
                    parent = Some(index);
                }
            }
        }
    }

    /// Reads fields up to the empty line, a boundary, or the first line that cannot be one.
    fn header_block(&mut self) -> Fields<'s> {
        let begin = self.at;
        let mut fields = Fields::default();
        let mut last: Option<(Range<usize>, Range<usize>)> = None;
        while self.at < self.bytes.len() {
            let start = self.at;
            let (line, next) = self.line(start);
            if line.is_empty() {
                self.at = next;
                break;
            }
            let folded = matches!(line[0], b' ' | b'\t');
            if folded && last.is_some() {
                let end = start + line.len();
                if let Some((_, value)) = &mut last {
                    value.end = end;
                }
                self.at = next;
                continue;
            }
            if line.starts_with(b"--") && self.matching(line).is_some() {
                break;
            }
            if let Some((name, colon)) = field(line) {
                let end = start + line.len();
                self.keep(&mut fields, last.take(), begin);
                last = Some((start..start + name, start + colon + 1..end));
                self.at = next;
                continue;
            }
            let blank = line.iter().all(u8::is_ascii_whitespace);
            let first_line = start == begin;
            let (after, _) = self.line(next.min(self.bytes.len()));
            let header_goes_on = field(after).is_some();
            if blank {
                self.at = next;
                break;
            } else if header_goes_on || (first_line && (line.starts_with(b"From ") || line.starts_with(b">From "))) {
                self.at = next; // a mailbox separator, or a folded line that lost its indent
            } else {
                if !fields.is_empty() || last.is_some() {
                    self.note("No empty line between header and text.");
                }
                break;
            }
        }
        self.keep(&mut fields, last, begin);
        fields
    }

    fn keep(&mut self, fields: &mut Fields<'s>, field: Option<(Range<usize>, Range<usize>)>, begin: usize) {
        let Some((name, mut value)) = field else {
            return;
        };
        let most = if self.parts.is_empty() {
            limits::HEADERS
        } else {
            limits::PART_HEADERS
        };
        if fields.len() >= most {
            self.note(format!("More than {most} header fields: later ones were not read."));
            return;
        }
        if name.start - begin > limits::HEADER_BLOCK_BYTES {
            self.note(format!(
                "Header longer than {} bytes: later fields were not read.",
                limits::HEADER_BLOCK_BYTES
            ));
            return;
        }
        if value.len() > limits::HEADER_BYTES {
            self.note(format!(
                "A header field longer than {} bytes was cut.",
                limits::HEADER_BYTES
            ));
            value.end = value.start + limits::HEADER_BYTES;
        }
        fields.push(&self.bytes[name], &self.bytes[value]);
    }
}

/// How long the field name at the start of a header line is, and where its colon stands; `None` where the line is no field
/// (RFC 5322 §2.2, with blanks before the colon as RFC 822 allowed).
fn field(line: &[u8]) -> Option<(usize, usize)> {
    let colon = memchr(b':', &line[..line.len().min(limits::FIELD_NAME_BYTES)])?;
    let name = line[..colon].trim_ascii_end();
    (!name.is_empty() && name.iter().all(|b| (33..=126).contains(b))).then_some((name.len(), colon))
}

/// The line end before a boundary belongs to the boundary (RFC 2046 §5.1.1).
fn without_line_end(bytes: &[u8], end: usize) -> usize {
    match &bytes[..end] {
        [.., b'\r', b'\n'] => end - 2,
        [.., b'\n'] => end - 1,
        _ => end,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shapes(raw: &[u8]) -> Vec<Shape> {
        outline(raw).parts.iter().map(|p| p.shape).collect()
    }

    #[test]
    fn an_empty_mail_is_one_empty_leaf() {
        let outline = outline(b"");
        assert_eq!(outline.parts.len(), 1);
        assert!(outline.parts[0].body.is_empty());
    }

    #[test]
    fn a_multipart_gives_its_parts_without_the_line_end_before_the_boundary() {
        let raw = b"Content-Type: multipart/mixed; boundary=x\r\n\r\npreamble\r\n--x\r\n\r\none\r\n--x\r\nA: b\r\n\r\ntwo\r\n--x--\r\nepilogue";
        let outline = outline(raw);
        assert_eq!(shapes(raw), [Shape::Multipart, Shape::Leaf, Shape::Leaf]);
        assert_eq!(&outline.bytes[outline.parts[1].body.clone()], b"one");
        assert_eq!(&outline.bytes[outline.parts[2].body.clone()], b"two");
    }

    #[test]
    fn an_outer_boundary_ends_an_inner_multipart_whose_end_is_missing() {
        let raw = b"Content-Type: multipart/mixed; boundary=out\n\n--out\nContent-Type: multipart/mixed; boundary=in\n\n--in\n\na\n--out\n\nb\n--out--\n";
        let outline = outline(raw);
        assert_eq!(outline.parts.len(), 4);
        assert_eq!(outline.parts[3].parent, Some(0));
        assert_eq!(&outline.bytes[outline.parts[2].body.clone()], b"a");
    }

    #[test]
    fn a_hundred_thousand_nested_messages_are_cut_and_said() {
        let raw = b"Content-Type: message/rfc822\n\n".repeat(100_000);
        let outline = outline(&raw);
        assert!(outline.parts.len() <= limits::NESTED_MESSAGES + 1);
        assert!(!outline.notes.is_empty());
    }

    #[test]
    fn a_million_parts_are_cut_and_said() {
        let mut raw = b"Content-Type: multipart/mixed; boundary=x\n\n".to_vec();
        raw.extend(b"--x\n\n".repeat(1_000_000));
        let outline = outline(&raw);
        assert_eq!(outline.parts.len(), limits::MIME_PARTS);
        assert_eq!(outline.notes.len(), 1);
    }

    #[test]
    fn a_multipart_without_parts_is_text() {
        assert_eq!(
            shapes(b"Content-Type: multipart/mixed; boundary=x\n\nhello\n"),
            [Shape::Leaf]
        );
    }

    #[test]
    fn bare_carriage_returns_end_lines_where_there_is_no_line_feed() {
        let bytes = with_line_feeds(b"Subject: a\r\rtext\r");
        let outline = outline(&bytes);
        assert_eq!(&outline.bytes[outline.parts[0].body.clone()], b"text\n");
    }
}
