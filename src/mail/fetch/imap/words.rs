//! How texts, names of folders and dates are written in IMAP.

use jiff::Timestamp;

/// A text in quotes (RFC 9051 §4.3).
pub(super) fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

/// The name of a folder in modified UTF-7 (RFC 3501 §5.1.3), which every server takes.
pub(super) fn utf7(name: &str) -> String {
    let mut out = String::new();
    let mut beyond: Vec<u8> = Vec::new();
    let end = |beyond: &mut Vec<u8>, out: &mut String| {
        if !beyond.is_empty() {
            let text = data_encoding::BASE64_NOPAD.encode(beyond).replace('/', ",");
            out.push_str(&format!("&{text}-"));
            beyond.clear();
        }
    };
    for one in name.chars() {
        if matches!(one, ' '..='~') {
            end(&mut beyond, &mut out);
            out.push(one);
            if one == '&' {
                out.push('-');
            }
        } else {
            let mut units = [0; 2];
            beyond.extend(one.encode_utf16(&mut units).iter().flat_map(|unit| unit.to_be_bytes()));
        }
    }
    end(&mut beyond, &mut out);
    out
}

/// `17-Jul-1996 02:44:25 -0700`, the day perhaps with a space before it.
pub(super) fn internal_date(text: &str) -> Option<Timestamp> {
    jiff::Zoned::strptime("%d-%b-%Y %H:%M:%S %z", text.trim())
        .map(|zoned| zoned.timestamp())
        .ok()
        .or_else(|| jiff::Timestamp::strptime("%d-%b-%Y %H:%M:%S %z", text.trim()).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_folders_are_said_in_modified_utf7() {
        for (name, said) in [
            ("INBOX", "INBOX"),
            ("Done & gone", "Done &- gone"),
            ("Entw\u{fc}rfe", "Entw&APw-rfe"),
            ("\u{53f0}\u{5317}/x", "&U,BTFw-/x"),
        ] {
            assert_eq!(utf7(name), said);
        }
        assert_eq!(quoted("a\"b\\"), "\"a\\\"b\\\\\"");
    }

    #[test]
    fn internal_dates_are_instants() {
        let date = internal_date(" 2-Mar-2026 09:00:00 +0100").map(|at| at.to_string());
        assert_eq!(date.as_deref(), Some("2026-03-02T08:00:00Z"));
        assert_eq!(internal_date("yesterday"), None);
    }
}
