//! Rich text: the form in which Outlook wraps the words of a mail in `winmail.dat` (MS-OXRTFCP, RTF 1.9).
//!
//! Promises: bounded output whatever a length field says, one pass, no recursion. Leaves out: looks, tables, pictures;
//! the words and their lines are what is wanted.

use crate::limits;
use crate::mail::charset;

/// What the dictionary of compressed rich text begins with (MS-OXRTFCP §2.1.2.1).
const DICTIONARY: &[u8] = b"{\\rtf1\\ansi\\mac\\deff0\\deftab720{\\fonttbl;}{\\f0\\fnil \\froman \\fswiss \\fmodern \\fscript \\fdecor MS Sans SerifSymbolArialTimes New RomanCourier{\\colortbl\\red0\\green0\\blue0\r\n\\par \\pard\\plain\\f0\\fs20\\b\\i\\u\\tab\\tx";

/// Unpacks compressed rich text; `None` if it is none.
pub fn decompress(bytes: &[u8]) -> Option<Vec<u8>> {
    let said: u32 = u32::from_le_bytes(*bytes.get(4..)?.first_chunk()?);
    let kind = bytes.get(8..12)?;
    let packed = bytes.get(16..)?;
    let most = (said as usize).min(limits::HTML_BYTES);
    match kind {
        b"MELA" => return Some(packed[..packed.len().min(most)].to_vec()),
        b"LZFu" => {}
        _ => return None,
    }
    let mut ring = [b' '; 4096];
    ring[..DICTIONARY.len()].copy_from_slice(DICTIONARY);
    let mut at = DICTIONARY.len();
    let mut out = Vec::with_capacity(most.min(64 * 1024));
    let mut rest = packed.iter().copied();
    'all: while let Some(flags) = rest.next() {
        for bit in 0..8 {
            if out.len() >= most {
                break 'all;
            }
            if flags >> bit & 1 == 0 {
                let Some(byte) = rest.next() else { break 'all };
                ring[at] = byte;
                at = (at + 1) % ring.len();
                out.push(byte);
                continue;
            }
            let (Some(high), Some(low)) = (rest.next(), rest.next()) else {
                break 'all;
            };
            let from = usize::from(high) << 4 | usize::from(low) >> 4;
            if from == at {
                break 'all; // the end, as a reference to where nothing was written yet
            }
            for step in 0..usize::from(low & 15) + 2 {
                let byte = ring[(from + step) % ring.len()];
                ring[at] = byte;
                at = (at + 1) % ring.len();
                out.push(byte);
            }
        }
    }
    Some(out)
}

/// Groups whose content is no text of the mail.
const SILENT: &[&str] = &[
    "fonttbl",
    "colortbl",
    "stylesheet",
    "info",
    "pict",
    "header",
    "footer",
    "object",
    "listtable",
    "listoverridetable",
    "generator",
    "themedata",
    "datastore",
    "xmlnstbl",
    "rsidtbl",
    "latentstyles",
];

/// The words of rich text.
pub fn to_text(rtf: &[u8]) -> String {
    let mut writer = Writer::default();
    let mut at = 0;
    while at < rtf.len() && writer.out.len() < limits::TEXT_BYTES {
        match rtf[at] {
            b'{' => {
                writer.open();
                at += 1;
            }
            b'}' => {
                writer.close();
                at += 1;
            }
            b'\\' => at += writer.control(&rtf[at..]),
            b'\r' | b'\n' => at += 1,
            byte => {
                writer.byte(byte);
                at += 1;
            }
        }
    }
    writer.flush();
    writer.out
}

#[derive(Default)]
struct Writer {
    out: String,
    /// Bytes that wait for their charset.
    bytes: Vec<u8>,
    codepage: Option<u32>,
    /// How deep it is, and from which depth on nothing is written.
    depth: usize,
    silent_from: Option<usize>,
    /// Characters behind `\u` that stand for readers without Unicode.
    skip: usize,
}

impl Writer {
    fn open(&mut self) {
        self.depth = self.depth.saturating_add(1);
    }

    fn close(&mut self) {
        if self.silent_from == Some(self.depth) {
            self.silent_from = None;
        }
        self.depth = self.depth.saturating_sub(1);
    }

    fn byte(&mut self, byte: u8) {
        if self.skip > 0 {
            self.skip -= 1;
        } else if self.silent_from.is_none() {
            self.bytes.push(byte);
        }
    }

    fn character(&mut self, c: char) {
        if self.silent_from.is_none() {
            self.flush();
            self.out.push(c);
        }
    }

    fn flush(&mut self) {
        if self.bytes.is_empty() {
            return;
        }
        let label = format!("cp{}", self.codepage.unwrap_or(1252));
        self.out.push_str(&charset::decode(&self.bytes, Some(&label)).text);
        self.bytes.clear();
    }

    /// Reads what begins with a backslash; answers how long it is.
    fn control(&mut self, rest: &[u8]) -> usize {
        match rest.get(1) {
            None => return 1,
            Some(b'\'') => {
                if let Some(byte) = rest.get(2..4).and_then(crate::mail::decode::hex_pair) {
                    self.byte(byte);
                }
                return rest.len().min(4);
            }
            Some(b'*') => {
                self.silent_from.get_or_insert(self.depth);
                return 2;
            }
            Some(byte @ (b'\\' | b'{' | b'}')) => {
                self.byte(*byte);
                return 2;
            }
            Some(b'~') => {
                self.character(' ');
                return 2;
            }
            Some(byte) if !byte.is_ascii_alphabetic() => return 2,
            Some(_) => {}
        }
        let letters = rest[1..]
            .iter()
            .take(32)
            .take_while(|b| b.is_ascii_alphabetic())
            .count();
        let digits_at = 1 + letters;
        let digits = rest[digits_at..]
            .iter()
            .take(11)
            .enumerate()
            .take_while(|(i, b)| b.is_ascii_digit() || (*i == 0 && **b == b'-'))
            .count();
        let end = digits_at + digits;
        let word = std::str::from_utf8(&rest[1..digits_at]).unwrap_or_default();
        let number = std::str::from_utf8(&rest[digits_at..end])
            .ok()
            .and_then(|d| d.parse::<i32>().ok());
        self.word(word, number);
        end + usize::from(rest.get(end) == Some(&b' '))
    }

    fn word(&mut self, word: &str, number: Option<i32>) {
        match word {
            "par" | "line" | "row" | "sect" => self.character('\n'),
            "tab" | "cell" => self.character('\t'),
            "ansicpg" => self.codepage = number.and_then(|n| u32::try_from(n).ok()).filter(|n| *n > 0),
            "u" => {
                // Negative numbers are those above 32,767; halves of pairs are none by themselves.
                let code = number.unwrap_or(0) & 0xFFFF;
                self.character(char::from_u32(code.unsigned_abs()).unwrap_or('\u{FFFD}'));
                self.skip = 1;
            }
            "emdash" => self.character('—'),
            "endash" => self.character('–'),
            "bullet" => self.character('•'),
            "lquote" => self.character('‘'),
            "rquote" => self.character('’'),
            "ldblquote" => self.character('“'),
            "rdblquote" => self.character('”'),
            word if SILENT.contains(&word) => {
                self.silent_from.get_or_insert(self.depth);
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_lines_and_characters_beyond_ascii_come_out() {
        let rtf = br"{\rtf1\ansi\ansicpg1252{\fonttbl{\f0 Arial;}}{\*\htmltag <b>}Gr\'fc\'dfe\par zwei \u8364?\{x\}}";
        assert_eq!(to_text(rtf), "Grüße\nzwei €{x}");
    }

    #[test]
    fn compressed_text_is_unpacked_as_the_specification_shows() {
        // MS-OXRTFCP §3.1.1: "{\rtf1\ansi\ansicpg1252\pard hello world}\r\n"
        let packed = [
            0x2d, 0x00, 0x00, 0x00, 0x2b, 0x00, 0x00, 0x00, 0x4c, 0x5a, 0x46, 0x75, 0xf1, 0xc5, 0xc7, 0xa7, 0x03, 0x00,
            0x0a, 0x00, 0x72, 0x63, 0x70, 0x67, 0x31, 0x32, 0x35, 0x42, 0x32, 0x0a, 0xf3, 0x20, 0x68, 0x65, 0x6c, 0x09,
            0x00, 0x20, 0x62, 0x77, 0x05, 0xb0, 0x6c, 0x64, 0x7d, 0x0a, 0x80, 0x0f, 0xa0,
        ];
        let rtf = decompress(&packed).expect("compressed rich text");
        assert_eq!(rtf, b"{\\rtf1\\ansi\\ansicpg1252\\pard hello world}\r\n");
        assert_eq!(to_text(&rtf), "hello world");
    }

    #[test]
    fn a_length_of_four_gigabytes_costs_nothing() {
        let mut bomb = vec![0xff; 8];
        bomb.extend(b"LZFu\0\0\0\0");
        bomb.extend([0xff; 300_000]);
        assert!(decompress(&bomb).is_some_and(|out| out.len() <= limits::HTML_BYTES + 20));
        assert_eq!(decompress(b"short"), None);
    }
}
