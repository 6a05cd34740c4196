//! What bytes are, by looking at them, and names that are safe to show and to save under.
//!
//! A table of our own and no crate: it has to say only what may be shown in a page (a handful of pictures, plain text)
//! and what is worth a word to a person; everything else is a download. What the mail claims is never believed: a page
//! that calls itself `image/png` would run in whoever's browser sniffs. Reads [`HEAD_BYTES`] and nothing else.

use crate::limits;

/// Bytes from the beginning that decide.
pub const HEAD_BYTES: usize = 4 * 1024;

/// Signatures: bytes at an offset, and what they mean. The first that fits stands.
const SIGNATURES: &[(usize, &[u8], &str)] = &[
    (0, b"\x89PNG\r\n\x1a\n", "image/png"),
    (0, b"\xff\xd8\xff", "image/jpeg"),
    (0, b"GIF87a", "image/gif"),
    (0, b"GIF89a", "image/gif"),
    (8, b"WEBP", "image/webp"),
    (0, b"%PDF-", "application/pdf"),
    (0, b"PK\x03\x04", "application/zip"),
    (0, b"PK\x05\x06", "application/zip"),
    (0, b"\x1f\x8b", "application/gzip"),
    (0, b"\xfd7zXZ\0", "application/x-xz"),
    (0, b"\x28\xb5\x2f\xfd", "application/zstd"),
    (0, b"BZh", "application/x-bzip2"),
    (0, b"7z\xbc\xaf\x27\x1c", "application/x-7z-compressed"),
    (0, b"Rar!\x1a\x07", "application/vnd.rar"),
    (257, b"ustar", "application/x-tar"),
    (0, b"\x7fELF", "application/x-elf"),
    (0, b"MZ", "application/vnd.microsoft.portable-executable"),
    (0, b"\xcf\xfa\xed\xfe", "application/x-mach-binary"),
    (0, b"\xca\xfe\xba\xbe", "application/java-vm"),
    (0, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "application/x-ole-storage"),
    (0, b"{\\rtf", "application/rtf"),
    (0, b"SQLite format 3\0", "application/vnd.sqlite3"),
    (0, b"\xd4\xc3\xb2\xa1", "application/vnd.tcpdump.pcap"),
    (0, b"\xa1\xb2\xc3\xd4", "application/vnd.tcpdump.pcap"),
    (0, b"\x0a\x0d\x0d\x0a", "application/x-pcapng"),
    (0, b"-----BEGIN PGP", "application/pgp-encrypted"),
    (0, b"#!", "text/x-script"),
];

/// Words that make a text a page: what stands first in it after white space, whatever the case.
const MARKUP: &[(&[u8], &str)] = &[
    (b"<!doctype html", "text/html"),
    (b"<html", "text/html"),
    (b"<head", "text/html"),
    (b"<body", "text/html"),
    (b"<script", "text/html"),
    (b"<iframe", "text/html"),
    (b"<svg", "image/svg+xml"),
    (b"<?xml", "text/xml"),
];

/// The media type of what begins with these bytes.
pub fn kind(head: &[u8]) -> &'static str {
    let head = &head[..head.len().min(HEAD_BYTES)];
    let fits =
        |(at, sign, _): &&(usize, &[u8], &'static str)| head.get(*at..).is_some_and(|rest| rest.starts_with(sign));
    if let Some((_, _, kind)) = SIGNATURES.iter().find(fits) {
        // RIFF is many things; only one of them says WEBP.
        if *kind != "image/webp" || head.starts_with(b"RIFF") {
            return kind;
        }
    }
    let text = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head).trim_ascii_start();
    let is_page = |(word, _): &&(&[u8], &'static str)| {
        text.get(..word.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(word))
    };
    if let Some((_, kind)) = MARKUP.iter().find(is_page) {
        return kind;
    }
    match is_text(head) {
        // A tag anywhere near the beginning: browsers that sniff would try.
        true if contains_tag(text) => "text/xml",
        true => "text/plain",
        false => "application/octet-stream",
    }
}

/// Text is UTF-8, perhaps cut in its last character, without control characters that no log has.
fn is_text(head: &[u8]) -> bool {
    let valid = match std::str::from_utf8(head) {
        Ok(_) => head,
        // Cut within a character, not broken.
        Err(error) if error.error_len().is_none() => &head[..error.valid_up_to()],
        Err(_) => return false,
    };
    !head.is_empty()
        && valid
            .iter()
            .all(|byte| !byte.is_ascii_control() || matches!(byte, b'\t' | b'\n' | b'\r' | 0x0c | 0x1b))
}

fn contains_tag(text: &[u8]) -> bool {
    let start = &text[..text.len().min(512)];
    [&b"<!--"[..], b"<script", b"<html", b"<svg", b"<body"]
        .iter()
        .any(|tag| start.windows(tag.len()).any(|window| window.eq_ignore_ascii_case(tag)))
}

/// Whether a page of ours may show it in place. Everything else is a download only.
pub fn may_be_shown(kind: &str) -> bool {
    matches!(
        kind,
        "image/png" | "image/jpeg" | "image/gif" | "image/webp" | "text/plain"
    )
}

/// Whether it can do harm on whoever opens it: said beside its name.
pub fn is_dangerous(kind: &str, name: &str) -> bool {
    const KINDS: &[&str] = &[
        "text/html",
        "text/xml",
        "image/svg+xml",
        "text/x-script",
        "application/x-elf",
        "application/x-mach-binary",
        "application/java-vm",
        "application/vnd.microsoft.portable-executable",
    ];
    const ENDS: &[&str] = &[
        "exe", "scr", "com", "bat", "cmd", "ps1", "vbs", "vbe", "js", "jse", "wsf", "hta", "msi", "lnk", "jar", "docm",
        "xlsm", "pptm", "iso", "img", "reg", "chm", "desktop", "html", "htm", "svg", "xhtml",
    ];
    let end = name.rsplit_once('.').map(|(_, end)| end.to_ascii_lowercase());
    KINDS.contains(&kind) || end.is_some_and(|end| ENDS.contains(&end.as_str()))
}

/// A name without a path, without characters that change what a reader sees, and fit for every file system: what
/// would turn the direction of writing, or be invisible, is shown as its number.
pub fn safe_name(said: &str) -> String {
    let base = said.rsplit(['/', '\\']).next().unwrap_or(said);
    let mut name = String::new();
    for one in base.chars().take(limits::FILE_NAME_CHARS) {
        match one {
            _ if one.is_control() => {}
            ':' | '*' | '?' | '"' | '<' | '>' | '|' => name.push('_'),
            '\u{061c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}' => {
                name.push_str(&format!("[U+{:04X}]", one as u32));
            }
            _ => name.push(one),
        }
    }
    let is_blank = |one: char| one == '.' || one.is_whitespace();
    match clipped(name.trim_start_matches(is_blank), limits::FILE_NAME_BYTES).trim_end_matches(is_blank) {
        "" => "file".to_owned(),
        name => name.to_owned(),
    }
}

fn clipped(text: &str, most: usize) -> &str {
    let mut end = text.len().min(most);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

/// The value of `Content-Disposition` that saves a file under its name (RFC 6266: the ASCII name for the old, the whole
/// for all others).
pub fn disposition(name: &str, is_shown: bool) -> String {
    let name = safe_name(name);
    let way = if is_shown { "inline" } else { "attachment" };
    let plain: String = name
        .chars()
        .map(|one| {
            if one.is_ascii_graphic() && !matches!(one, '"' | '\\' | '%' | ';') || one == ' ' {
                one
            } else {
                '_'
            }
        })
        .collect();
    let mut whole = String::new();
    for byte in name.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'.' | b'-' | b'_' => whole.push(char::from(byte)),
            other => whole.push_str(&format!("%{other:02X}")),
        }
    }
    format!("{way}; filename=\"{plain}\"; filename*=UTF-8''{whole}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_say_what_they_are_whatever_their_name() {
        for (head, said) in [
            (&b"\x89PNG\r\n\x1a\nrest"[..], "image/png"),
            (b"RIFF\0\0\0\0WEBPVP8 ", "image/webp"),
            (b"nothing WEBP", "text/plain"),
            (b"  \n<!DOCTYPE HTML><p>", "text/html"),
            (b"\xef\xbb\xbf<SvG onload=x>", "image/svg+xml"),
            (b"<?xml version=\"1.0\"?><x/>", "text/xml"),
            (b"GIF8 <script>alert(1)</script>", "text/xml"),
            (b"#!/bin/sh\nrm", "text/x-script"),
            (b"Nov 22 12:00:01 db1 postgres[7]: ready\n", "text/plain"),
            (b"\x00\x01\x02", "application/octet-stream"),
            (b"", "application/octet-stream"),
            (b"MZ\x90\0", "application/vnd.microsoft.portable-executable"),
        ] {
            assert_eq!(kind(head), said, "{:?}", String::from_utf8_lossy(head));
        }
        let cut = "a".repeat(HEAD_BYTES - 1) + "\u{e9}";
        assert_eq!(kind(cut.as_bytes()), "text/plain", "cut within its last character");
    }

    #[test]
    fn only_pictures_and_plain_text_are_shown() {
        for shown in ["image/png", "text/plain"] {
            assert!(may_be_shown(shown));
        }
        for kept in [
            "text/html",
            "image/svg+xml",
            "text/xml",
            "application/pdf",
            "application/octet-stream",
        ] {
            assert!(!may_be_shown(kept), "{kept}");
        }
        assert!(is_dangerous("application/zip", "Invoice.docm") && !is_dangerous("text/plain", "error.log"));
    }

    #[test]
    fn a_name_has_no_path_and_hides_nothing() {
        for (said, safe) in [
            ("../../etc/passwd", "passwd"),
            ("C:\\Users\\x\\log.txt", "log.txt"),
            ("invoice\u{202e}fdp.exe", "invoice[U+202E]fdp.exe"),
            ("a\r\nSet-Cookie: x", "aSet-Cookie_ x"),
            ("..", "file"),
            ("", "file"),
            (".bashrc", "bashrc"),
            ("trailing. . ", "trailing"),
            ("bericht-\u{e4}.txt", "bericht-\u{e4}.txt"),
        ] {
            assert_eq!(safe_name(said), safe, "{said:?}");
        }
        assert!(safe_name(&"\u{e4}".repeat(1_000)).len() <= limits::FILE_NAME_BYTES);
        assert_eq!(
            disposition("a \"b\"\u{e4}.txt", false),
            "attachment; filename=\"a _b__.txt\"; filename*=UTF-8''a%20_b_%C3%A4.txt"
        );
    }
}
