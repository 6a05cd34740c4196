//! Charsets: bytes of unknown or misdeclared encoding become text, and never an error.
//!
//! Promises: text always comes out; a declared charset is believed if the bytes fit it, otherwise UTF-8, otherwise the
//! charset that the bytes look like (the detector that a browser uses), otherwise the declared one with U+FFFD where it
//! does not fit. Encoded words (RFC 2047) are joined before they are decoded, because senders cut them in the middle of a
//! character. Leaves out: normalising what was decoded.

use std::borrow::Cow;

use chardetng::EncodingDetector;
use encoding_rs::{Encoding, GB18030, ISO_2022_JP, REPLACEMENT, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};
use memchr::{memchr, memchr3, memmem};

/// Text, and what had to be guessed to get it.
#[derive(Debug)]
pub struct Decoded<'a> {
    /// The text.
    pub text: Cow<'a, str>,
    /// A sentence for `errors` where the declared charset did not fit.
    pub note: Option<String>,
}

/// Decodes the body of a text part.
pub fn decode<'a>(bytes: &'a [u8], declared: Option<&str>) -> Decoded<'a> {
    let declared = declared.map(str::trim).filter(|d| !d.is_empty());
    if let Some(label) = declared.filter(|d| is_utf7(d))
        && let Some(decoder) = mail_parser::decoders::charsets::map::charset_decoder(label.as_bytes())
    {
        return Decoded {
            text: decoder(bytes).into(),
            note: None,
        };
    }
    let encoding = declared.and_then(named);
    if let Ok(text) = plain_ascii(bytes, encoding) {
        return Decoded {
            text: Cow::Borrowed(text),
            note: None,
        };
    }
    if let Some(encoding) = encoding.filter(|e| believable(e, declared, bytes))
        && let Some(text) = encoding.decode_without_bom_handling_and_without_replacement(without_mark(bytes, encoding))
    {
        return Decoded { text, note: None };
    }
    let note = match (declared, encoding) {
        (Some(label), None) => Some(format!("Unknown charset {:?}: guessed.", short(label))),
        (Some(label), Some(_)) => Some(format!(
            "The text does not fit its charset {:?}: guessed.",
            short(label)
        )),
        (None, _) => None,
    };
    Decoded {
        text: guess(bytes, encoding),
        note,
    }
}

/// The charset that a label names, with the labels that mail programs made up.
pub fn named(label: &str) -> Option<&'static Encoding> {
    let label = label.trim().trim_matches(['"', '\'']);
    let found = Encoding::for_label(label.as_bytes()).or_else(|| {
        let dashed: String = label
            .chars()
            .map(|c| {
                if c == '_' || c == ' ' {
                    '-'
                } else {
                    c.to_ascii_lowercase()
                }
            })
            .collect();
        let plain: String = dashed.chars().filter(|c| c.is_ascii_alphanumeric()).collect();
        Encoding::for_label(dashed.as_bytes())
            .or_else(|| Encoding::for_label(plain.as_bytes()))
            .or_else(|| {
                dashed
                    .strip_prefix("x-")
                    .and_then(|l| Encoding::for_label(l.as_bytes()))
            })
            .or_else(|| alias(&dashed))
    })?;
    // The decoder of the larger set reads the smaller one, and mail sold as GB2312 seldom keeps to it.
    match found {
        e if e == REPLACEMENT => None,
        e if e == encoding_rs::GBK => Some(GB18030),
        e => Some(e),
    }
}

fn alias(label: &str) -> Option<&'static Encoding> {
    Some(match label {
        "cp932" | "ms932" | "windows-31j" | "cswindows31j" => encoding_rs::SHIFT_JIS,
        "cp936" | "ms936" | "gb18030-2000" | "gb-18030" | "gb2312-80" | "euc-cn" => GB18030,
        "cp949" | "ms949" | "ksc-5601" | "ks-c-5601-1987" | "uhc" => encoding_rs::EUC_KR,
        "cp950" | "big5-hkscs" | "big-5" => encoding_rs::BIG5,
        "cp50220" | "cp50221" | "cp50222" | "iso-2022-jp-1" | "iso-2022-jp-2" | "iso-2022-jp-3" | "iso-2022-jp-ms" => {
            ISO_2022_JP
        }
        "tis-620" | "cp874" | "ibm874" => encoding_rs::WINDOWS_874,
        "utf8mb4" | "utf-8-mac" | "unicode-1-1-utf-8" => UTF_8,
        "cp866" | "ibm866" => encoding_rs::IBM866,
        "mac" | "macroman" | "mac-roman" => encoding_rs::MACINTOSH,
        _ if label.contains("gb2312") || label.contains("gbk") || label.contains("gb18030") => GB18030,
        _ if label.contains("2022-jp") => ISO_2022_JP,
        _ if label.contains("big5") => encoding_rs::BIG5,
        _ if label.contains("utf-8") || label.contains("utf8") => UTF_8,
        _ => {
            let number = label
                .strip_prefix("cp")
                .or_else(|| label.strip_prefix("win-"))
                .or_else(|| label.strip_prefix("ansi-"))?;
            return Encoding::for_label(format!("windows-{number}").as_bytes());
        }
    })
}

fn is_utf7(label: &str) -> bool {
    label.eq_ignore_ascii_case("utf-7") || label.eq_ignore_ascii_case("unicode-1-1-utf-7")
}

fn short(label: &str) -> String {
    label.chars().take(40).collect()
}

/// ASCII is ASCII in every charset that mail uses, apart from those that shift by escapes or take two bytes.
fn plain_ascii<'a>(bytes: &'a [u8], encoding: Option<&'static Encoding>) -> Result<&'a str, ()> {
    let wide = encoding.is_some_and(|e| e == UTF_16LE || e == UTF_16BE) && bytes.contains(&0);
    if wide || !bytes.is_ascii() {
        return Err(());
    }
    let shifts = |escape: &[u8]| memmem::find(bytes, escape).is_some();
    if memchr(b'\x1b', bytes).is_some() && (shifts(b"\x1b$") || shifts(b"\x1b(")) {
        return Err(());
    }
    std::str::from_utf8(bytes).map_err(|_| ())
}

/// Labels that say nothing (`us-ascii`, and what servers put where they knew nothing) are not believed over bytes that
/// are UTF-8; two-byte charsets are not believed over bytes without a single zero.
fn believable(encoding: &&'static Encoding, declared: Option<&str>, bytes: &[u8]) -> bool {
    let label = declared.unwrap_or_default();
    let empty_label = label.to_ascii_lowercase().contains("ascii");
    if empty_label {
        return false;
    }
    if (*encoding == UTF_16LE || *encoding == UTF_16BE) && !bytes.contains(&0) {
        return false;
    }
    // Escapes of ISO-2022-JP in a mail that claims a charset without escapes.
    !(bytes.is_ascii() && *encoding != ISO_2022_JP && memmem::find(bytes, b"\x1b$").is_some())
}

fn without_mark<'a>(bytes: &'a [u8], encoding: &'static Encoding) -> &'a [u8] {
    match Encoding::for_bom(bytes) {
        Some((of_mark, length)) if of_mark == encoding => &bytes[length..],
        _ => bytes,
    }
}

fn guess<'a>(bytes: &'a [u8], declared: Option<&'static Encoding>) -> Cow<'a, str> {
    if bytes.is_ascii() && memmem::find(bytes, b"\x1b$").is_some() {
        return ISO_2022_JP.decode_without_bom_handling(bytes).0;
    }
    if let Ok(text) = std::str::from_utf8(without_mark(bytes, UTF_8)) {
        return Cow::Borrowed(text);
    }
    // A mail in UTF-8 that was cut in the middle of a character, or has a few stray bytes, is still in UTF-8.
    let lossy = String::from_utf8_lossy(bytes);
    let (wide, broken) = lossy.chars().fold((0usize, 0usize), |(wide, broken), c| match c {
        '\u{FFFD}' => (wide, broken + 1),
        c if c as u32 > 0x7f => (wide + 1, broken),
        _ => (wide, broken),
    });
    if wide > 8 * broken {
        return lossy;
    }
    let mut detector = EncodingDetector::new();
    detector.feed(bytes, true);
    let detected = detector.guess(None, true);
    let best = [Some(detected), declared, Some(WINDOWS_1252)]
        .into_iter()
        .flatten()
        .map(|e| (e.decode_without_bom_handling(bytes), e))
        .min_by_key(|((text, broken), _)| {
            if *broken {
                1 + text.matches('\u{FFFD}').count()
            } else {
                0
            }
        });
    match best {
        Some(((text, _), _)) => text,
        None => lossy,
    }
}

/// A header value as text: unfolded, encoded words decoded, raw 8-bit bytes decoded (`fallback` is the charset of the
/// body, which such senders mean).
pub fn header_text(value: &[u8], fallback: Option<&'static Encoding>) -> String {
    let unfolded: Cow<'_, [u8]> = match memchr3(b'\r', b'\n', 0, value) {
        Some(_) => value
            .iter()
            .filter(|b| !matches!(b, b'\r' | b'\n' | 0))
            .copied()
            .collect(),
        None => Cow::Borrowed(value),
    };
    let text = eight_bit(&unfolded, fallback);
    if !text.contains("=?") {
        return text.trim().replace('\t', " ");
    }
    let mut out = String::with_capacity(text.len());
    for piece in Words::new(&text) {
        match piece {
            Piece::Plain(plain) => out.push_str(plain),
            Piece::Words(words) => out.push_str(&words),
        }
    }
    out.trim().replace('\t', " ")
}

/// A structured header value with raw 8-bit bytes in UTF-8 and every run of encoded words as one word in UTF-8, so that
/// a grammar that knows neither broken charsets nor cut characters reads it. Ends with a line feed.
pub fn structured(value: &[u8], fallback: Option<&'static Encoding>) -> Vec<u8> {
    let text = eight_bit(value, fallback);
    let even = |b: u8| if matches!(b, b'\r' | b'\n') { b' ' } else { b };
    let mut out = Vec::with_capacity(text.len() + 16);
    if !text.contains("=?") {
        out.extend(text.bytes().map(even));
        out.push(b'\n');
        return out;
    }
    let text = text.replace(['\r', '\n'], " ");
    let mut words = Words::new(&text);
    words.apart = true;
    for piece in words {
        match piece {
            Piece::Plain(plain) => out.extend_from_slice(plain.replace("=?", &format!("{NO_WORD}?")).as_bytes()),
            Piece::Words(words) => {
                out.extend_from_slice(b"=?utf-8?B?");
                let clean: String = words.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
                out.extend_from_slice(data_encoding::BASE64.encode(clean.as_bytes()).as_bytes());
                out.extend_from_slice(b"?=");
            }
        }
    }
    out.push(b'\n');
    out
}

fn eight_bit<'a>(value: &'a [u8], fallback: Option<&'static Encoding>) -> Cow<'a, str> {
    match std::str::from_utf8(value) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => match fallback.and_then(|e| e.decode_without_bom_handling_and_without_replacement(value)) {
            Some(text) => text,
            None => guess(value, fallback),
        },
    }
}

/// What stands for the `=` of a word that is none, so that the grammar behind takes it for text.
pub(crate) const NO_WORD: char = '\u{FDD0}';

fn glued_to_address(behind: &str) -> bool {
    let atom = behind
        .bytes()
        .take(64)
        .position(|b| !(b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-' | b'+')));
    atom.is_some_and(|end| behind.as_bytes()[end] == b'@')
}

enum Piece<'a> {
    Plain(&'a str),
    Words(String),
}

/// Plain text and runs of encoded words, alternating.
struct Words<'a> {
    text: &'a str,
    at: usize,
    /// No word ends behind this point: without it, many beginnings without an end would cost their product.
    hopeless: bool,
    /// Only words that stand apart count (RFC 2047 §5 rule 3). One that is glued to an address is a part of it: reading it
    /// otherwise is how addresses are forged.
    apart: bool,
}

struct Word<'a> {
    charset: &'a str,
    base64: bool,
    data: &'a str,
    end: usize,
}

impl<'a> Words<'a> {
    fn new(text: &'a str) -> Self {
        Words {
            text,
            at: 0,
            hopeless: false,
            apart: false,
        }
    }

    /// The encoded word that begins at `start`, if one does.
    fn word(&mut self, start: usize) -> Option<Word<'a>> {
        let rest = self.text.get(start..)?.strip_prefix("=?")?;
        let charset_end = rest.bytes().take(60).position(|b| b == b'?')?;
        let charset = &rest[..charset_end];
        if charset.contains(char::is_whitespace) || charset.contains('=') {
            return None;
        }
        let rest = &rest[charset_end + 1..];
        let base64 = match rest.as_bytes() {
            [b'b' | b'B', b'?', ..] => true,
            [b'q' | b'Q', b'?', ..] => false,
            _ => return None,
        };
        let rest = &rest[2..];
        // `=?x?q?=E4?=`: the end is the first `?=` that is not the start of a quoted byte right after the last `?`.
        let Some(length) = memmem::find(rest.as_bytes(), b"?=") else {
            self.hopeless = true;
            return None;
        };
        let behind = &rest[length + 2..];
        if self.apart && glued_to_address(behind) {
            return None;
        }
        let charset = charset.split('*').next().unwrap_or(charset);
        Some(Word {
            charset,
            base64,
            data: &rest[..length],
            end: self.text.len() - rest.len() + length + 2,
        })
    }
}

impl<'a> Iterator for Words<'a> {
    type Item = Piece<'a>;

    fn next(&mut self) -> Option<Piece<'a>> {
        if self.at >= self.text.len() {
            return None;
        }
        let begin = self.at;
        let mut look = begin;
        while !self.hopeless {
            let Some(found) = memmem::find(&self.text.as_bytes()[look..], b"=?") else {
                break;
            };
            let start = look + found;
            let Some(first) = self.word(start) else {
                look = start + 2;
                continue;
            };
            if start > begin {
                self.at = start;
                return Some(Piece::Plain(&self.text[begin..start]));
            }
            return Some(Piece::Words(self.run(first)));
        }
        self.at = self.text.len();
        Some(Piece::Plain(&self.text[begin..]))
    }
}

impl<'a> Words<'a> {
    /// Decodes a run of words that only blanks separate; bytes of the same charset are joined first.
    fn run(&mut self, first: Word<'a>) -> String {
        let mut out = String::new();
        let mut charset = first.charset;
        let mut bytes = Vec::new();
        let mut next = Some(first);
        while let Some(word) = next.take() {
            if !word.charset.eq_ignore_ascii_case(charset) {
                out.push_str(&decode(&bytes, Some(charset)).text);
                bytes.clear();
                charset = word.charset;
            }
            if word.base64 {
                bytes.extend(crate::mail::decode::base64(word.data.as_bytes()).0);
            } else {
                word_bytes(word.data.as_bytes(), &mut bytes);
            }
            self.at = word.end;
            let rest = &self.text[word.end..];
            let blanks = rest.len() - rest.trim_start_matches([' ', '\t', '\r', '\n']).len();
            if rest[blanks..].starts_with("=?") {
                next = self.word(word.end + blanks);
            }
        }
        out.push_str(&decode(&bytes, Some(charset)).text);
        out
    }
}

/// The Q encoding of RFC 2047 §4.2.
fn word_bytes(data: &[u8], out: &mut Vec<u8>) {
    let mut at = 0;
    while at < data.len() {
        match data[at] {
            b'_' => out.push(b' '),
            b'=' => match data.get(at + 1..at + 3).and_then(crate::mail::decode::hex_pair) {
                Some(byte) => {
                    out.push(byte);
                    at += 2;
                }
                None => out.push(b'='),
            },
            b'\r' | b'\n' => {}
            byte => out.push(byte),
        }
        at += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_character_cut_between_two_encoded_words_is_whole_again() {
        assert_eq!(header_text(b"=?utf-8?B?ww==?=\r\n =?utf-8?B?vA==?= x", None), "ü x");
        assert_eq!(header_text(b"=?utf-8?Q?gr=C3?= =?utf-8?Q?=BC=C3=9Fe?=", None), "grüße");
    }

    #[test]
    fn text_without_a_charset_is_read_as_what_it_looks_like() {
        let (korean, _, _) =
            encoding_rs::EUC_KR.encode("언제나 저희를 사랑해주시는 회원님께 감사드리며 새로운 약관을 안내합니다");
        assert!(decode(&korean, None).text.contains("회원님께"));
        assert_eq!(
            decode("Grüße aus Köln".as_bytes(), Some("us-ascii")).text,
            "Grüße aus Köln"
        );
    }

    #[test]
    fn a_charset_that_does_not_fit_is_said() {
        let decoded = decode("日本語のテキスト".as_bytes(), Some("euc-kr"));
        assert_eq!(decoded.text, "日本語のテキスト");
        assert!(decoded.note.is_some());
    }

    #[test]
    fn labels_that_programs_made_up_are_known() {
        assert_eq!(named("koi8_r"), Some(encoding_rs::KOI8_R));
        assert_eq!(named("ks_c_5601-1987"), Some(encoding_rs::EUC_KR));
        assert_eq!(named("cp1251"), Some(encoding_rs::WINDOWS_1251));
        assert_eq!(named("no-such-thing"), None);
    }

    #[test]
    fn beginnings_of_words_without_an_end_stay_as_they_are() {
        let many = "=?a?q? ".repeat(10_000);
        assert!(
            header_text(many.as_bytes(), None) == many.trim_end(),
            "a word without its end was decoded"
        );
    }
}
