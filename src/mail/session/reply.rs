//! What is answered on an SMTP connection: code, enhanced code (RFC 3463), one sentence.
//!
//! A sentence may come from the desk and so hold anything: it is cleaned here, once, on the way out. Non-ASCII is
//! replaced and not sent, because a peer without SMTPUTF8 may not be shown any (RFC 6531 §3.7.4.2).

use crate::limits;
use std::borrow::Cow;

/// One reply: three digits, the enhanced code, a sentence for whoever reads the other side's log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// SMTP code; 4xx means "come again", 5xx "do not".
    pub code: u16,
    /// Enhanced code of RFC 3463, whose first digit is that of `code`.
    pub enhanced: &'static str,
    /// One sentence, ASCII, without line breaks; whatever else it holds is replaced when it is said.
    pub text: Cow<'static, str>,
}

impl Reply {
    /// A reply with fixed words.
    pub const fn of(code: u16, enhanced: &'static str, text: &'static str) -> Self {
        Reply {
            code,
            enhanced,
            text: Cow::Borrowed(text),
        }
    }

    /// A reply with words made for this case.
    pub fn new(code: u16, enhanced: &'static str, text: impl Into<Cow<'static, str>>) -> Self {
        Reply {
            code,
            enhanced,
            text: text.into(),
        }
    }

    /// Whether coming again is of no use.
    pub fn is_permanent(&self) -> bool {
        self.code >= 500
    }

    /// The same reply, if it is a refusal; else 451, for a gate that says no must not be heard as a yes.
    pub(super) fn into_refusal(self) -> Reply {
        if (400..600).contains(&self.code) {
            return self;
        }
        debug_assert!(false, "a refusal with code {}", self.code);
        Reply::of(451, "4.3.0", "the desk failed; please come again")
    }

    /// Appends the reply as one line.
    pub fn say(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.code.to_string().as_bytes());
        out.push(b' ');
        out.extend_from_slice(self.enhanced.as_bytes());
        out.push(b' ');
        let visible = |c: char| {
            if matches!(c, ' '..='~') { c as u8 } else { b'?' }
        };
        out.extend(self.text.chars().take(limits::SMTP_REPLY_BYTES).map(visible));
        out.extend_from_slice(b"\r\n");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(reply: &Reply) -> String {
        let mut out = Vec::new();
        reply.say(&mut out);
        String::from_utf8(out).expect("replies are ASCII")
    }

    #[test]
    fn a_reply_cannot_be_made_to_look_like_two() {
        let reply = Reply::new(550, "5.1.1", "no such address\r\n250 2.0.0 taken\u{0}\u{e9}".to_owned());
        assert_eq!(said(&reply), "550 5.1.1 no such address??250 2.0.0 taken??\r\n");
    }

    #[test]
    fn a_reply_stays_within_the_line_length_of_smtp() {
        assert!(said(&Reply::new(450, "4.7.1", "x".repeat(5_000))).len() <= 512);
    }
}
