//! `winmail.dat`: what Outlook wraps around a mail when it takes the other side for Outlook (TNEF, MS-OXTNEF).
//!
//! Promises: never fails and never copies a file; one pass over attributes and properties, each list bounded, messages in
//! messages by a queue and not by recursion; what is broken ends the reading there and is said. The files are slices of
//! what was given. Leaves out: everything that is not text or a file (voting buttons, categories, named properties).
//!
//! Why our own: the format is three loops over lengths, and the crate that reads it does so without bounds.

use std::borrow::Cow;

use encoding_rs::{Encoding, WINDOWS_1252};

use crate::limits;
use crate::mail::{charset, html, rtf};

/// What was in it.
#[derive(Debug, Default)]
pub struct Opened<'a> {
    /// The text of the mail as Outlook has it, in plain words; empty if there is none.
    pub text: String,
    /// The files, those of messages inside included.
    pub files: Vec<File<'a>>,
    /// What was broken or cut, as sentences for `errors`.
    pub notes: Vec<String>,
}

/// A file that was wrapped.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct File<'a> {
    /// Its long name where there is one; untrusted.
    pub name: Option<String>,
    /// The media type that Outlook noted.
    pub content_type: Option<String>,
    /// What the HTML calls it.
    pub content_id: Option<String>,
    /// Its bytes.
    pub bytes: &'a [u8],
}

const SIGNATURE: u32 = 0x223E_9F78;

// Attributes: the low half names it, the high half is its type.
const SUBJECT_CODEPAGE: u32 = 0x0006_9007;
const BODY: u32 = 0x0002_800C;
const PROPERTIES: u32 = 0x0006_9003;
const FILE_BEGINS: u32 = 0x0006_9002;
const FILE_NAME: u32 = 0x0001_8010;
const FILE_DATA: u32 = 0x0006_800F;
const FILE_PROPERTIES: u32 = 0x0006_9005;

// Properties.
const P_BODY: u16 = 0x1000;
const P_RTF: u16 = 0x1009;
const P_HTML: u16 = 0x1013;
const P_CODEPAGE: u16 = 0x3FDE;
const P_DATA: u16 = 0x3701;
const P_SHORT_NAME: u16 = 0x3704;
const P_LONG_NAME: u16 = 0x3707;
const P_MEDIA_TYPE: u16 = 0x370E;
const P_CONTENT_ID: u16 = 0x3712;

/// The value of a property as bytes, with its type.
struct Property<'a> {
    kind: u16,
    name: u16,
    value: &'a [u8],
}

/// Whether bytes are TNEF at all.
pub fn is_tnef(bytes: &[u8]) -> bool {
    bytes
        .first_chunk()
        .is_some_and(|four| u32::from_le_bytes(*four) == SIGNATURE)
}

/// Opens it.
pub fn open(bytes: &[u8]) -> Opened<'_> {
    let mut opened = Opened::default();
    let mut waiting = vec![bytes];
    let mut read = 0;
    while let Some(stream) = waiting.pop() {
        if read == limits::NESTED_MESSAGES {
            opened.note("More messages in winmail.dat than are opened.");
            break;
        }
        let whole = Stream::default().read(stream, &mut opened, &mut waiting, read == 0);
        if whole.is_none() {
            opened.note("winmail.dat ends in the middle or is broken: what was read before is here.");
        }
        read += 1;
    }
    opened
}

impl<'a> Opened<'a> {
    fn note(&mut self, text: &str) {
        if !self.notes.iter().any(|n| n == text) {
            self.notes.push(text.to_owned());
        }
    }

    fn keep(&mut self, file: File<'a>) {
        if file.bytes.is_empty() {
            return;
        }
        if self.files.len() < limits::ATTACHMENTS {
            self.files.push(file);
        } else {
            self.note("More files in winmail.dat than are listed.");
        }
    }
}

/// One stream while it is read.
#[derive(Default)]
struct Stream<'a> {
    charset: Option<&'static Encoding>,
    body: Option<String>,
    html: Option<String>,
    rtf: Option<String>,
    file: Option<File<'a>>,
}

impl<'a> Stream<'a> {
    /// `None` where the stream broke off.
    fn read(
        mut self,
        bytes: &'a [u8],
        opened: &mut Opened<'a>,
        waiting: &mut Vec<&'a [u8]>,
        outermost: bool,
    ) -> Option<()> {
        let mut rest = Reader { rest: bytes };
        let mut whole = (rest.u32()? == SIGNATURE).then_some(());
        rest.take(2)?;
        for _ in 0..limits::TNEF_ATTRIBUTES {
            // Gateways append line ends and padding.
            if rest.rest.len() < 11 {
                break;
            }
            let Some((id, data)) = rest.attribute() else {
                whole = None;
                break;
            };
            self.attribute(id, data, opened, waiting);
        }
        if let Some(file) = self.file.take() {
            opened.keep(file);
        }
        if outermost {
            let text = [self.body, self.html, self.rtf].into_iter().flatten();
            opened.text = text
                .map(|t| t.trim_end().to_owned())
                .find(|t| !t.trim().is_empty())
                .unwrap_or_default();
        }
        whole
    }

    fn attribute(&mut self, id: u32, data: &'a [u8], opened: &mut Opened<'a>, waiting: &mut Vec<&'a [u8]>) {
        match id {
            SUBJECT_CODEPAGE => self.charset = data.first_chunk().and_then(|c| codepage(u32::from_le_bytes(*c))),
            BODY => self.body = Some(self.words(data)),
            PROPERTIES => {
                let charset = self.charset;
                for property in properties(data) {
                    match property.name {
                        P_CODEPAGE => {
                            let number = property.value.first_chunk().map(|c| u32::from_le_bytes(*c));
                            self.charset = number.and_then(codepage).or(charset);
                        }
                        P_BODY => self.body = Some(self.text(&property)),
                        P_HTML => self.html = Some(html::to_text(&self.words(clip(property.value))).text),
                        P_RTF => self.rtf = rtf::decompress(property.value).map(|rtf| rtf::to_text(&rtf)),
                        _ => {}
                    }
                }
            }
            FILE_BEGINS => {
                if let Some(file) = self.file.replace(File::default()) {
                    opened.keep(file);
                }
            }
            FILE_NAME | FILE_DATA | FILE_PROPERTIES => {
                let mut file = self.file.take().unwrap_or_default();
                match id {
                    // The long name among the properties is better, whichever comes first.
                    FILE_NAME => file.name = file.name.or_else(|| Some(self.words(clip(data)))),
                    FILE_DATA => file.bytes = data,
                    _ => self.file_properties(data, &mut file, opened, waiting),
                }
                self.file = Some(file);
            }
            _ => {}
        }
    }

    fn file_properties(
        &self,
        data: &'a [u8],
        file: &mut File<'a>,
        opened: &mut Opened<'a>,
        waiting: &mut Vec<&'a [u8]>,
    ) {
        for property in properties(data) {
            match property.name {
                P_LONG_NAME => file.name = Some(self.text(&property)),
                P_SHORT_NAME => file.name = file.name.take().or_else(|| Some(self.text(&property))),
                P_MEDIA_TYPE => file.content_type = Some(self.text(&property)),
                P_CONTENT_ID => file.content_id = Some(self.text(&property)),
                // An object: 16 bytes that say which kind, then a message as TNEF again, or a file of another program.
                P_DATA if property.kind == 0x000D => match property.value.get(16..) {
                    Some(inner) if is_tnef(inner) => {
                        if waiting.len() < limits::NESTED_MESSAGES {
                            waiting.push(inner);
                        } else {
                            opened.note("More messages in winmail.dat than are opened.");
                        }
                    }
                    Some(inner) => file.bytes = inner,
                    None => {}
                },
                P_DATA => file.bytes = property.value,
                _ => {}
            }
        }
    }

    /// Text of eight bits in the stream's charset, up to its end mark.
    fn words(&self, bytes: &[u8]) -> String {
        let bytes = bytes.split(|b| *b == 0).next().unwrap_or(bytes);
        let bytes = clip(bytes);
        let encoding = self.charset.unwrap_or(WINDOWS_1252);
        match std::str::from_utf8(bytes) {
            Ok(text) => text.to_owned(),
            Err(_) => charset::decode(bytes, Some(encoding.name())).text.into_owned(),
        }
    }

    fn text(&self, property: &Property<'_>) -> String {
        if property.kind & 0x0FFF != 0x001F {
            return self.words(property.value);
        }
        let (text, _) = encoding_rs::UTF_16LE.decode_without_bom_handling(clip(property.value));
        let text: Cow<'_, str> = text;
        text.trim_end_matches('\0').to_owned()
    }
}

fn clip(bytes: &[u8]) -> &[u8] {
    &bytes[..bytes.len().min(limits::HTML_BYTES)]
}

fn codepage(number: u32) -> Option<&'static Encoding> {
    match number {
        65_001 => Some(encoding_rs::UTF_8),
        20_127 => Some(WINDOWS_1252),
        28_591..=28_605 => charset::named(&format!("iso-8859-{}", number - 28_590)),
        20_866 => Some(encoding_rs::KOI8_R),
        51_949 => Some(encoding_rs::EUC_KR),
        52_936 | 54_936 => Some(encoding_rs::GB18030),
        50_220..=50_222 => Some(encoding_rs::ISO_2022_JP),
        number => charset::named(&format!("cp{number}")),
    }
}

/// The properties of a stream, as far as it can be read.
fn properties(data: &[u8]) -> Vec<Property<'_>> {
    let mut found = Vec::new();
    let mut rest = Reader { rest: data };
    let count = rest.u32().unwrap_or(0) as usize;
    for _ in 0..count.min(limits::TNEF_PROPERTIES) {
        match rest.property() {
            Some(property) => found.push(property),
            None => break,
        }
    }
    found
}

struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(count)?;
        self.rest = rest;
        Some(taken)
    }

    fn u16(&mut self) -> Option<u16> {
        self.take(2)?.first_chunk().map(|b| u16::from_le_bytes(*b))
    }

    fn u32(&mut self) -> Option<u32> {
        self.take(4)?.first_chunk().map(|b| u32::from_le_bytes(*b))
    }

    /// Level, name, length, data, checksum. A checksum that is wrong changes nothing: some gateways write zeroes.
    fn attribute(&mut self) -> Option<(u32, &'a [u8])> {
        let level = self.take(1)?[0];
        if !matches!(level, 1 | 2) {
            return None;
        }
        let id = self.u32()?;
        let length = self.u32()? as usize;
        let data = self.take(length)?;
        // The last checksum may be missing.
        let _ = self.take(2);
        Some((id, data))
    }

    fn property(&mut self) -> Option<Property<'a>> {
        let kind = self.u16()?;
        let name = self.u16()?;
        if name >= 0x8000 {
            self.take(16)?;
            if self.u32()? == 0 {
                self.take(4)?;
            } else {
                let length = self.u32()? as usize;
                self.take(length.checked_next_multiple_of(4)?)?;
            }
        }
        let many = kind & 0x1000 != 0;
        let size: Option<usize> = match kind & 0x0FFF {
            0x0002 | 0x0003 | 0x0004 | 0x000A | 0x000B => Some(4),
            0x0005 | 0x0006 | 0x0007 | 0x0014 | 0x0040 => Some(8),
            0x0048 => Some(16),
            0x001E | 0x001F | 0x0102 | 0x000D => None,
            _ => return None,
        };
        let Some(size) = size else {
            // Strings and bytes: always counted, each padded to four.
            let count = self.u32()?;
            let mut first: &[u8] = &[];
            for index in 0..count.min(limits::TNEF_PROPERTIES as u32) {
                let length = self.u32()? as usize;
                let padded = self.take(length.checked_next_multiple_of(4)?)?;
                if index == 0 {
                    first = &padded[..length];
                }
            }
            return Some(Property {
                kind,
                name,
                value: first,
            });
        };
        let count = if many { self.u32()? as usize } else { 1 };
        // Shorts stand in four bytes where there is one, packed where there are many.
        let size = if many && kind & 0x0FFF == 0x0002 { 2 } else { size };
        let value = self.take(size.checked_mul(count)?.checked_next_multiple_of(4)?)?;
        Some(Property { kind, name, value })
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A winmail.dat as Outlook writes it, for tests.
    pub(crate) fn winmail(body: &str, files: &[(&str, &[u8])]) -> Vec<u8> {
        let mut out = SIGNATURE.to_le_bytes().to_vec();
        out.extend([1, 0]);
        let mut attribute = |level: u8, id: u32, data: &[u8]| {
            out.push(level);
            out.extend(id.to_le_bytes());
            out.extend((data.len() as u32).to_le_bytes());
            out.extend(data);
            let sum = data.iter().fold(0u16, |sum, b| sum.wrapping_add(u16::from(*b)));
            out.extend(sum.to_le_bytes());
        };
        attribute(1, BODY, &[body.as_bytes(), b"\0"].concat());
        for (name, bytes) in files {
            attribute(2, FILE_BEGINS, &[0; 14]);
            attribute(2, FILE_NAME, b"SHORT~1.TXT\0");
            attribute(2, FILE_DATA, bytes);
            let wide: Vec<u8> = name.encode_utf16().chain([0]).flat_map(u16::to_le_bytes).collect();
            let mut list = 1u32.to_le_bytes().to_vec();
            list.extend(0x001Fu16.to_le_bytes());
            list.extend(P_LONG_NAME.to_le_bytes());
            list.extend(1u32.to_le_bytes());
            list.extend((wide.len() as u32).to_le_bytes());
            list.extend(&wide);
            list.resize(list.len().next_multiple_of(4), 0);
            attribute(2, FILE_PROPERTIES, &list);
        }
        out
    }

    #[test]
    fn text_and_files_come_out_under_their_long_names() {
        let bytes = winmail("see below", &[("prüfung.log", b"all good"), ("b.bin", b"\x00\x01")]);
        let opened = open(&bytes);
        assert_eq!(opened.text, "see below");
        assert_eq!(opened.files.len(), 2);
        assert_eq!(opened.files[0].name.as_deref(), Some("prüfung.log"));
        assert_eq!(opened.files[1].bytes, b"\x00\x01");
        assert!(opened.notes.is_empty());
    }

    #[test]
    fn what_stands_before_the_break_is_kept_and_the_break_is_said() {
        let whole = winmail("text", &[("a", b"first"), ("b", &[7; 5_000])]);
        let opened = open(&whole[..whole.len() - 3_000]);
        assert_eq!(opened.files[0].bytes, b"first");
        assert_eq!(opened.notes.len(), 1);
    }

    #[test]
    fn lengths_that_lie_cost_nothing() {
        let mut bytes = winmail("x", &[]);
        bytes.extend([2, 5, 0x90, 6, 0, 0xff, 0xff, 0xff, 0xff]);
        bytes.extend([0; 40]);
        assert!(open(&bytes).files.is_empty());
        let many = winmail("x", &vec![("n", &b"y"[..]); limits::ATTACHMENTS + 5]);
        assert_eq!(open(&many).files.len(), limits::ATTACHMENTS);
    }
}
