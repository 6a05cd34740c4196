//! The envelope of a mail that comes out of a mailbox, where nobody says it any more.
//!
//! The server that delivered it wrote the return path on top (RFC 5321 §4.4); where it did not, the author stands for it.
//! Never empty for a person's mail: an empty return path is a machine's, and a machine is promised nothing.

use crate::mail::parse;
use memchr::memchr;

/// The return path of a mail, given its header block or more; empty where the server says so, or nobody is named.
pub fn return_path(head: &[u8]) -> String {
    let mut rest = head;
    while let Some(end) = memchr(b'\n', rest) {
        let line = rest[..end].trim_ascii_end();
        if line.is_empty() {
            break;
        }
        let name = b"return-path:";
        if line
            .get(..name.len())
            .is_some_and(|begin| begin.eq_ignore_ascii_case(name))
        {
            let value = String::from_utf8_lossy(&line[name.len()..]).trim().to_owned();
            let inner = value
                .strip_prefix('<')
                .and_then(|value| value.strip_suffix('>'))
                .unwrap_or(&value);
            if inner.is_empty() || inner.eq_ignore_ascii_case("mailer-daemon") {
                return String::new();
            }
            if super::session::is_address(inner) {
                return inner.to_owned();
            }
        }
        rest = &rest[end + 1..];
    }
    let author = parse::understand(header_block(head)).from;
    author
        .map(|one| one.address)
        .filter(|one| super::session::is_address(one))
        .unwrap_or_default()
}

fn header_block(head: &[u8]) -> &[u8] {
    let end = [&b"\r\n\r\n"[..], b"\n\n"]
        .iter()
        .filter_map(|gap| memchr::memmem::find(head, gap).map(|at| at + gap.len()))
        .min();
    &head[..end.unwrap_or(head.len())]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_return_path_that_the_server_noted_counts_else_the_author() {
        for (head, path) in [
            (
                "Return-Path: <bounce+1@n.example>\r\nFrom: nora@n.example\r\n\r\n",
                "bounce+1@n.example",
            ),
            ("return-path: <>\nFrom: nora@n.example\n\n", ""),
            (
                "Subject: x\r\nFrom: Nora <nora@n.example>\r\n\r\nReturn-Path: <x@y>\r\n",
                "nora@n.example",
            ),
            ("Return-Path: what\nFrom: nora@n.example\n\n", "nora@n.example"),
            ("Subject: nobody\n\n", ""),
        ] {
            assert_eq!(return_path(head.as_bytes()), path, "{head}");
        }
    }
}
