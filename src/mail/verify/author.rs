//! The one author of a mail, read so strictly that no other program can read somebody else.
//!
//! Most forgeries that pass SPF and DKIM do so because two programs read From differently (Chen, Paxson, Jiang: "Composition
//! Kills", 2020): two fields, several addresses, routes, comments, a zero byte, a folded name. So nothing is guessed here:
//! there is exactly one From with exactly one plain address, or there is no author, and the mail is not verified. Whether
//! the reader on the other side of the worker saw the same address is compared later. Leaves out: names, which prove nothing.

use crate::limits;

/// Fields that a mail may have once (RFC 5322 §3.6, RFC 2045), and that change what a reader sees: of two, a signature
/// covers one.
const ONCE: [&str; 12] = [
    "from",
    "sender",
    "reply-to",
    "to",
    "cc",
    "subject",
    "date",
    "message-id",
    "in-reply-to",
    "references",
    "content-type",
    "content-transfer-encoding",
];

/// What a header block says, as far as checking needs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head<'a> {
    /// Name in lower case and value of each field, in order; folded as they came.
    pub fields: Vec<(String, &'a [u8])>,
    /// Where the header ends.
    pub length: usize,
}

/// Reads a header block, line by line.
///
/// # Errors
/// Why it cannot be relied on, as the end of a sentence.
pub fn head(raw: &[u8]) -> Result<Head<'_>, &'static str> {
    let mut fields: Vec<(String, &[u8])> = Vec::new();
    let (mut at, mut began) = (0, 0);
    while at < raw.len() {
        let rest = &raw[at..];
        let end = memchr::memchr(b'\n', rest).map_or(rest.len(), |found| found + 1);
        let line = &rest[..end];
        if at + end > limits::HEADER_BLOCK_BYTES {
            return Err("its header is too long");
        }
        let bare = line.strip_suffix(b"\n").unwrap_or(line);
        let bare = bare.strip_suffix(b"\r").unwrap_or(bare);
        if bare.is_empty() {
            return Ok(Head {
                fields,
                length: at + end,
            });
        }
        if bare.iter().any(|&byte| byte == 0 || byte == b'\r') {
            return Err("its header holds bytes that no header may hold");
        }
        if matches!(bare[0], b' ' | b'\t') {
            let Some(last) = fields.last_mut() else {
                return Err("its header begins with a line that continues nothing");
            };
            last.1 = &raw[began..at + end];
        } else {
            let colon = memchr::memchr(b':', bare).ok_or("a line of its header is no field")?;
            let name = &bare[..colon];
            if name.is_empty() || !name.iter().all(|byte| matches!(byte, b'!'..=b'~')) {
                return Err("a field of its header has a name that programs read differently");
            }
            if fields.len() == limits::HEADERS {
                return Err("its header has too many fields");
            }
            began = at + colon + 1;
            fields.push((
                String::from_utf8_lossy(name).to_ascii_lowercase(),
                &raw[began..at + end],
            ));
        }
        at += end;
    }
    Ok(Head { fields, length: at })
}

impl Head<'_> {
    /// A field that stands twice though it may stand once.
    pub fn doubled(&self) -> Option<&'static str> {
        let times = |name: &str| self.fields.iter().filter(|(one, _)| one == name).count();
        ONCE.into_iter().find(|name| times(name) > 1)
    }

    /// Whether there is such a field.
    pub fn has(&self, name: &str) -> bool {
        self.fields.iter().any(|(one, _)| one == name)
    }

    /// The one author, lower case.
    ///
    /// # Errors
    /// Why there is not exactly one, as the end of a sentence.
    pub fn author(&self) -> Result<String, &'static str> {
        let mut from = self.fields.iter().filter(|(name, _)| name == "from");
        let (_, value) = from.next().ok_or("it has no From")?;
        if from.next().is_some() {
            return Err("it has more than one From");
        }
        let text = std::str::from_utf8(value).map_err(|_| "its From is in no known charset")?;
        one_address(text)
    }
}

/// What may stand in a From beside the address.
enum Part {
    /// Words of the display name.
    Words(String),
    /// `<…>`.
    Angle(String),
}

/// The one address of a From value (RFC 5322 §3.4, without groups, routes and quoted local parts).
fn one_address(value: &str) -> Result<String, &'static str> {
    let mut parts: Vec<Part> = Vec::new();
    let mut rest = value.chars();
    while let Some(next) = rest.next() {
        match next {
            '"' => {
                quoted(&mut rest)?;
                parts.push(Part::Words("\"".to_owned()));
            }
            '(' => comment(&mut rest)?,
            '<' => {
                let mut inner = String::new();
                loop {
                    match rest.next().ok_or("its From is broken")? {
                        '>' => break,
                        '<' | '"' | '(' | ')' | '\\' => return Err("its From is broken"),
                        one => inner.push(one),
                    }
                }
                parts.push(Part::Angle(inner));
            }
            ',' | ';' => return Err("its From names several authors"),
            ':' => return Err("its From names a group"),
            '>' | ')' | '\\' => return Err("its From is broken"),
            one if one.is_whitespace() => {}
            one => {
                let mut word = String::from(one);
                while let Some(one) = rest.clone().next().filter(|one| !ends_word(*one)) {
                    word.push(one);
                    rest.next();
                }
                parts.push(Part::Words(word));
            }
        }
    }
    let angles = parts.iter().filter(|part| matches!(part, Part::Angle(_))).count();
    match (angles, parts.as_slice()) {
        (1, [.., Part::Angle(address)]) => plain(address.trim()),
        (0, [Part::Words(address)]) => plain(address),
        (0, []) => Err("its From is empty"),
        _ => Err("its From names no plain address"),
    }
}

fn ends_word(one: char) -> bool {
    one.is_whitespace() || matches!(one, '"' | '(' | ')' | '<' | '>' | ',' | ';' | ':' | '\\')
}

fn quoted(rest: &mut std::str::Chars<'_>) -> Result<(), &'static str> {
    loop {
        match rest.next().ok_or("its From is broken")? {
            '"' => return Ok(()),
            '\\' => _ = rest.next(),
            _ => {}
        }
    }
}

fn comment(rest: &mut std::str::Chars<'_>) -> Result<(), &'static str> {
    let mut depth = 1;
    while depth > 0 {
        match rest.next().ok_or("its From is broken")? {
            '(' => depth += 1,
            ')' => depth -= 1,
            '\\' => _ = rest.next(),
            _ => {}
        }
    }
    Ok(())
}

/// `local@domain` of plain characters, in lower case.
fn plain(address: &str) -> Result<String, &'static str> {
    let no = "its From names no plain address";
    let (local, domain) = address.split_once('@').ok_or(no)?;
    let is_local = |one: char| one.is_alphanumeric() || "!#$%&'*+/=?^_`{|}~.-".contains(one);
    let is_domain = |one: char| one.is_alphanumeric() || matches!(one, '.' | '-' | '_');
    let dots = |text: &str| text.is_empty() || text.starts_with('.') || text.ends_with('.') || text.contains("..");
    let fits = local.chars().all(is_local) && domain.chars().all(is_domain) && domain.contains('.');
    if !fits || dots(local) || dots(domain) || address.len() > limits::ADDRESS_BYTES {
        return Err(no);
    }
    Ok(address.to_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn author(head_text: &str) -> Result<String, &'static str> {
        head(format!("{head_text}\r\n\r\nbody").as_bytes())?.author()
    }

    #[test]
    fn honest_authors_are_read() {
        for from in [
            "From: priya@northwind.example",
            "From: Priya Nair <Priya@Northwind.example>",
            "FROM:\"Nair, Priya\" <priya@northwind.example>",
            "From: priya@northwind.example (Priya Nair)",
            "From: =?utf-8?q?Priya_Na=C3=AFr?=\r\n <priya@northwind.example>",
            "From: \"priya@northwind.example\" <priya@northwind.example>",
            "From: Priya (at work) <priya@northwind.example>",
            "From: Priyä <priya@northwind.example>",
        ] {
            assert_eq!(author(from), Ok("priya@northwind.example".into()), "{from}");
        }
    }

    #[test]
    fn whoever_can_be_read_in_two_ways_is_nobody() {
        for from in [
            "From: a@evil.example\r\nFrom: priya@northwind.example",
            "From: priya@northwind.example, a@evil.example",
            "From: <priya@northwind.example><a@evil.example>",
            "From: <@evil.example,@b.example:priya@northwind.example>",
            "From: friends: priya@northwind.example;",
            "From: priya@northwind.example\0@evil.example",
            "From: priya@northwind.example@evil.example",
            "From: priya@northwind.example <a@evil.example> priya@northwind.example",
            "From: \"priya@northwind.example\"@evil.example",
            "From: <a@[192.0.2.1]>",
            "From : priya@northwind.example",
            "From\0: priya@northwind.example",
            "Fr\r\n om: priya@northwind.example",
            " From: priya@northwind.example",
            "From: =?utf-8?q?priya=40northwind.example?=",
            "From: priya@northwind.example (unclosed",
            "From:",
            "Subject: nobody",
            "From: a@localhost",
        ] {
            assert!(author(from).is_err(), "{from:?} gave {:?}", author(from));
        }
    }

    #[test]
    fn a_second_subject_is_seen() {
        let raw = b"From: a@b.example\r\nSubject: one\r\nSUBJECT: two\r\n\r\n";
        assert_eq!(head(raw).unwrap().doubled(), Some("subject"));
    }

    #[test]
    fn the_longest_header_is_read_and_one_byte_more_is_not() {
        let line = "X-Long: ";
        let fill = |bytes: usize| format!("{line}{}\r\n\r\n", "x".repeat(bytes - line.len() - 4));
        assert!(head(fill(limits::HEADER_BLOCK_BYTES).as_bytes()).is_ok());
        assert!(head(fill(limits::HEADER_BLOCK_BYTES + 1).as_bytes()).is_err());
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_harm(raw in proptest::collection::vec(any::<u8>(), 0..400)) {
            let mut mail = b"From: ".to_vec();
            mail.extend(raw);
            if let Ok(head) = head(&mail) {
                let _ = head.author();
            }
        }
    }
}
