//! What an IMAP server says (RFC 9051 §9, RFC 3501 §9), as a machine without I/O: bytes in, pieces of responses out.
//!
//! Promises: no bytes make it panic or keep more than its bounds; a literal is handed out as it comes, so that a mail of
//! 50 MB is never whole in memory. It reads what our few commands can be answered with, in the wide form in which servers
//! write it, and gives everything else out as words that nobody looks at.

use crate::limits;

/// A piece of a response.
#[derive(Debug, PartialEq, Eq)]
pub enum Piece {
    /// Text of a response, and how many bytes of a literal follow it; none if the response ends here.
    Text(Vec<u8>, Option<u64>),
    /// Bytes of a literal.
    Literal(Vec<u8>),
}

/// Why what a server says cannot be IMAP.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("the server does not speak IMAP: {0}")]
pub struct Babble(pub &'static str);

/// Bytes that came and were not given out.
#[derive(Debug, Default)]
pub struct Wire {
    came: Vec<u8>,
    /// How far `came` was searched for a line end.
    searched: usize,
    /// Of the literal that is coming.
    left: u64,
}

impl Wire {
    /// Takes bytes from the server.
    pub fn feed(&mut self, bytes: &[u8]) {
        self.came.extend_from_slice(bytes);
    }

    /// Whether nothing came that was not given out.
    pub fn is_empty(&self) -> bool {
        self.came.is_empty() && self.left == 0
    }

    /// The next piece; none until more has come.
    ///
    /// # Errors
    /// A line without an end.
    pub fn next_piece(&mut self) -> Result<Option<Piece>, Babble> {
        if self.left > 0 {
            if self.came.is_empty() {
                return Ok(None);
            }
            let most = usize::try_from(self.left).unwrap_or(usize::MAX).min(self.came.len());
            let rest = self.came.split_off(most);
            let bytes = std::mem::replace(&mut self.came, rest);
            self.searched = 0;
            self.left -= bytes.len() as u64;
            return Ok(Some(Piece::Literal(bytes)));
        }
        let found = memchr::memchr(b'\n', &self.came[self.searched..]);
        let Some(end) = found.map(|at| self.searched + at) else {
            self.searched = self.came.len();
            if self.came.len() > limits::FETCH_LINE_BYTES {
                return Err(Babble("a line does not end"));
            }
            return Ok(None);
        };
        let rest = self.came.split_off(end + 1);
        let mut line = std::mem::replace(&mut self.came, rest);
        self.searched = 0;
        line.truncate(line.len() - 1);
        if line.last() == Some(&b'\r') {
            line.truncate(line.len() - 1);
        }
        let literal = announced(&line);
        if let Some((begin, bytes)) = literal {
            line.truncate(begin);
            self.left = bytes;
        }
        Ok(Some(Piece::Text(line, literal.map(|(_, bytes)| bytes))))
    }
}

/// Where the announcement of a literal begins at the end of a line, and its size: `{42}`, `{42+}`, `~{42}`.
fn announced(line: &[u8]) -> Option<(usize, u64)> {
    let inner = line.strip_suffix(b"}")?;
    let begin = memchr::memrchr(b'{', inner)?;
    let digits = &inner[begin + 1..];
    let digits = digits.strip_suffix(b"+").unwrap_or(digits);
    if digits.is_empty() || digits.len() > 12 || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let bytes = std::str::from_utf8(digits).ok()?.parse().ok()?;
    let begin = if line[..begin].ends_with(b"~") {
        begin - 1
    } else {
        begin
    };
    Some((begin, bytes))
}

/// A value in a response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Token {
    /// An atom, or a text in quotes.
    Word(String),
    /// A literal, as far as it was kept.
    Literal(Vec<u8>),
    /// `(`.
    Open,
    /// `)`.
    Close,
}

/// One whole response; a mail's own bytes are not in it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Response {
    /// What it is made of, in order.
    pub tokens: Vec<Token>,
    /// Its text as it came, without literals: what a person is shown.
    pub text: String,
}

impl Response {
    /// Appends text.
    pub fn push_text(&mut self, text: &[u8]) {
        self.text.push_str(&String::from_utf8_lossy(text));
        let mut rest = text;
        while let Some(&first) = rest.first() {
            match first {
                b' ' => rest = &rest[1..],
                b'(' | b')' => {
                    self.tokens.push(if first == b'(' { Token::Open } else { Token::Close });
                    rest = &rest[1..];
                }
                b'"' => rest = self.quoted(&rest[1..]),
                _ => rest = self.atom(rest),
            }
        }
    }

    fn quoted<'a>(&mut self, text: &'a [u8]) -> &'a [u8] {
        let (mut word, mut at) = (Vec::new(), 0);
        while let Some(&byte) = text.get(at) {
            at += 1;
            match byte {
                b'"' => break,
                b'\\' => {
                    word.extend(text.get(at));
                    at += 1;
                }
                _ => word.push(byte),
            }
        }
        self.tokens
            .push(Token::Word(String::from_utf8_lossy(&word).into_owned()));
        text.get(at..).unwrap_or_default()
    }

    /// An atom; brackets belong to it with all that is in them (`BODY[HEADER.FIELDS (X)]`, `[UIDNEXT 5]`).
    fn atom<'a>(&mut self, text: &'a [u8]) -> &'a [u8] {
        let mut depth = 0_usize;
        let end = text.iter().position(|byte| {
            match byte {
                b'[' => depth += 1,
                b']' => depth = depth.saturating_sub(1),
                _ => {}
            }
            depth == 0 && matches!(byte, b' ' | b'(' | b')')
        });
        let end = end.unwrap_or(text.len()).max(1);
        let (word, rest) = text.split_at(end);
        self.tokens
            .push(Token::Word(String::from_utf8_lossy(word).into_owned()));
        rest
    }

    /// The word at a place, in upper case.
    pub fn word(&self, at: usize) -> String {
        match self.tokens.get(at) {
            Some(Token::Word(word)) => word.to_ascii_uppercase(),
            _ => String::new(),
        }
    }

    /// The number at a place.
    pub fn number(&self, at: usize) -> Option<u64> {
        self.word(at).parse().ok()
    }

    /// The value of a response code, as 5 of `[UIDNEXT 5]`.
    pub fn code(&self, name: &str) -> Option<u64> {
        let text = self.text.to_ascii_uppercase();
        let rest = &text[text.find(&format!("[{name} "))? + name.len() + 2..];
        rest[..rest.find(']')?].trim().parse().ok()
    }

    /// What follows a name among the attributes of a FETCH response; nested lists are passed over.
    pub fn attribute(&self, name: &str) -> Option<&Token> {
        let mut depth = 0_usize;
        let mut is_name = true;
        let mut tokens = self.tokens.iter().skip(3).peekable();
        while let Some(token) = tokens.next() {
            match token {
                Token::Open => depth += 1,
                Token::Close => {
                    depth = depth.saturating_sub(1);
                    is_name |= depth == 1;
                }
                Token::Word(word) if depth == 1 && is_name => {
                    if word.eq_ignore_ascii_case(name) {
                        return tokens.next();
                    }
                    // A list is its value: the next name comes after it.
                    is_name = false;
                }
                Token::Word(_) | Token::Literal(_) if depth == 1 => is_name = true,
                _ => {}
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Texts, each with the size of the literal behind it.
    type Texts = Vec<(Vec<u8>, Option<u64>)>;

    fn pieces(bytes: &[u8], step: usize) -> (Texts, Vec<u8>) {
        let (mut wire, mut texts, mut literals) = (Wire::default(), Vec::new(), Vec::new());
        for piece in bytes.chunks(step) {
            wire.feed(piece);
            while let Ok(Some(piece)) = wire.next_piece() {
                match piece {
                    Piece::Text(text, literal) => texts.push((text, literal)),
                    Piece::Literal(bytes) => literals.extend(bytes),
                }
            }
        }
        (texts, literals)
    }

    #[test]
    fn a_literal_is_given_out_between_the_texts_around_it_whatever_the_cuts() {
        let said = b"* 1 FETCH (UID 7 BODY[] {12}\r\nA: b\r\n\r\n{3}\r FLAGS (\\Seen))\r\nA1 OK done\r\n";
        for step in [1, 2, 3, 1000] {
            let (texts, literal) = pieces(said, step);
            assert_eq!(literal, b"A: b\r\n\r\n{3}\r");
            assert_eq!(texts[0], (b"* 1 FETCH (UID 7 BODY[] ".to_vec(), Some(12)));
            assert_eq!(texts[1], (b" FLAGS (\\Seen))".to_vec(), None));
            assert_eq!(texts[2], (b"A1 OK done".to_vec(), None));
        }
    }

    fn response(text: &str) -> Response {
        let mut response = Response::default();
        response.push_text(text.as_bytes());
        response
    }

    #[test]
    fn attributes_are_found_in_any_order_and_never_inside_others() {
        let said = response(
            r#"* 12 FETCH (FLAGS (\Seen UID) ENVELOPE ("UID 9" ("x")) UID 7 INTERNALDATE " 2-Mar-2026 09:00:00 +0100" RFC822.SIZE 42)"#,
        );
        assert_eq!(said.attribute("UID"), Some(&Token::Word("7".into())));
        assert_eq!(said.attribute("rfc822.size"), Some(&Token::Word("42".into())));
        assert_eq!(
            said.attribute("INTERNALDATE"),
            Some(&Token::Word(" 2-Mar-2026 09:00:00 +0100".into()))
        );
        assert_eq!(said.attribute("BODY[]"), None);
    }

    #[test]
    fn codes_are_numbers_in_brackets() {
        assert_eq!(
            response("* OK [UIDVALIDITY 1724] UIDs are valid").code("UIDVALIDITY"),
            Some(1724)
        );
        assert_eq!(response("* OK [UIDNEXT x] y").code("UIDNEXT"), None);
        assert_eq!(response("A1 OK [READ-ONLY] done").word(1), "OK");
    }

    #[test]
    fn a_line_without_an_end_is_no_imap() {
        let mut wire = Wire::default();
        wire.feed(&vec![b'x'; limits::FETCH_LINE_BYTES + 1]);
        assert!(wire.next_piece().is_err());
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic_and_the_cuts_make_no_difference(
            words in proptest::collection::vec(prop_oneof![
                Just("* "), Just("("), Just(")"), Just("\""), Just("\\"), Just("{2}\r\n"), Just("{0}\r\n"), Just("\r\n"), Just("["), Just("]"),
                Just("FETCH"), Just(" UID "), Just("7"), Just("\u{e9}"), Just("{99999999999999999999}\r\n"), Just("~{1}\r\n"),
            ], 0..40),
            step in 1usize..7,
        ) {
            let bytes = words.concat().into_bytes();
            let (texts, literals) = pieces(&bytes, step);
            prop_assert_eq!(&(texts.clone(), literals), &pieces(&bytes, usize::MAX));
            for (text, _) in texts {
                let mut one = Response::default();
                one.push_text(&text);
                let _ = (one.attribute("UID"), one.code("UIDNEXT"), one.number(1));
            }
        }
    }
}
