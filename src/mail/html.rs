//! HTML to faithful text.
//!
//! Promises: one pass, time and memory linear in the input and bounded by `limits::HTML_*`, no tree. Paragraphs, lists,
//! tables' rows, preformatted text and links stay readable; `<blockquote>` becomes `> `, so that quoted words are
//! found by the same rules as in plain text; scripts, styles and what the sender hid are dropped. Leaves out: looks.
//!
//! Why our own: the usual converters build a tree and are quadratic in its depth (20,000 nested elements in 100 KB
//! cost seconds). This one keeps a short stack of the elements that change how text is written and forgets the rest.

use memchr::{memchr, memmem};

use crate::limits;
use crate::mail::tag::{attribute, balanced_close, end_of_tag, entity, find_close, is_block, is_indentation};
use crate::mail::words::Phrases;

/// Quote marks written at one line's start at most.
const QUOTE_MARKS: usize = 32;

/// Hidden elements without an end after which no more are hidden.
const VAIN_LOOKS: usize = 20;

/// Values of styles that hide; without one of them in a tag nobody need read its style.
static HIDING: Phrases = Phrases::new(&["none", "hidden"]);

/// Text, and what was cut.
#[derive(Debug, Default)]
pub struct Plain {
    /// The text, lines ended by `\n`.
    pub text: String,
    /// Sentences for `errors`.
    pub notes: Vec<String>,
}

/// Elements that change how the text inside them is written.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Open {
    Quote,
    Indent,
    Pre,
    Bullets,
    Numbers(u32),
    Anchor { href: String, start: usize },
}

struct Writer<'h> {
    html: &'h str,
    out: String,
    stack: Vec<(&'static str, Open)>,
    quotes: usize,
    pre: usize,
    indent: usize,
    /// Line breaks owed before the next text: 0, 1, or 2 for an empty line.
    breaks: usize,
    space: bool,
    at_start: bool,
    elements: usize,
    notes: Vec<String>,
    comment_ends: bool,
    /// Elements whose end was looked for in vain: not looked for again, or many beginnings would cost their product.
    endless: Vec<String>,
    /// Hidden elements whose end was not found.
    vain: usize,
}

/// Turns HTML into text.
pub fn to_text(html: &str) -> Plain {
    let mut notes = Vec::new();
    let mut html = html;
    if html.len() > limits::HTML_BYTES {
        let mut end = limits::HTML_BYTES;
        while !html.is_char_boundary(end) {
            end -= 1;
        }
        html = &html[..end];
        notes.push(format!(
            "HTML longer than {} bytes: the rest was not read.",
            limits::HTML_BYTES
        ));
    }
    let mut writer = Writer {
        html,
        out: String::with_capacity(html.len() / 3),
        stack: Vec::new(),
        quotes: 0,
        pre: 0,
        indent: 0,
        breaks: 0,
        space: false,
        at_start: true,
        elements: 0,
        notes,
        comment_ends: true,
        endless: Vec::new(),
        vain: 0,
    };
    writer.run();
    let mut text = writer.out;
    text.truncate(text.trim_end().len());
    Plain {
        text,
        notes: writer.notes,
    }
}

/// About how many characters of text a page shows, without reading it: tags, styles and blanks do not count, an entity is
/// one, and so is a letter of several bytes in UTF-8.
pub fn visible(html: &[u8]) -> usize {
    let mut count = 0;
    let mut rest = html;
    loop {
        let text = &rest[..memchr(b'<', rest).unwrap_or(rest.len())];
        let (plain, entities) = text.split_at(memchr(b'&', text).unwrap_or(text.len()));
        let letter = |byte: u8| !byte.is_ascii_whitespace() && byte & 0xC0 != 0x80;
        for &byte in plain {
            count += usize::from(letter(byte));
        }
        let mut entity = false;
        for &byte in entities {
            match byte {
                b'&' => entity = true,
                b';' if entity => {
                    entity = false;
                    count += 1;
                }
                byte => count += usize::from(!entity && letter(byte)),
            }
        }
        rest = &rest[text.len()..];
        if rest.is_empty() {
            return count;
        }
        let is = |name: &&[u8]| {
            rest.get(..name.len())
                .is_some_and(|begin| begin.eq_ignore_ascii_case(name))
        };
        let silent = match rest.get(1) {
            Some(b's' | b'S' | b't' | b'T') => [&b"<style"[..], b"<script", b"<title"].into_iter().find(is),
            _ => None,
        };
        let end = match silent {
            Some(name) => memmem::find(rest, &[b"</", &name[1..]].concat()).unwrap_or(0),
            None => 0,
        };
        rest = &rest[end..];
        rest = &rest[memchr(b'>', rest).map_or(rest.len(), |at| at + 1)..];
    }
}

impl<'h> Writer<'h> {
    fn run(&mut self) {
        let html = self.html;
        let mut at = 0;
        while at < html.len() {
            if self.out.len() > limits::TEXT_BYTES {
                self.notes
                    .push(format!("Text longer than {} bytes: cut.", limits::TEXT_BYTES));
                return;
            }
            let rest = &html[at..];
            let text_end = memchr(b'<', rest.as_bytes()).unwrap_or(rest.len());
            self.text(&rest[..text_end]);
            at += text_end;
            if at < html.len() {
                at += self.markup(&html[at..]);
            }
        }
    }

    /// Reads what begins with `<`; answers how long it is.
    fn markup(&mut self, rest: &'h str) -> usize {
        let bytes = rest.as_bytes();
        if rest.starts_with("<!--") {
            if self.comment_ends {
                match memmem::find(&bytes[4..], b"-->") {
                    Some(end) => return end + 7,
                    None => self.comment_ends = false,
                }
            }
            return end_of_tag(bytes);
        }
        let closing = bytes.get(1) == Some(&b'/');
        let name_at = if closing { 2 } else { 1 };
        match bytes.get(name_at) {
            Some(b) if b.is_ascii_alphabetic() => {}
            Some(b'!' | b'?') if !closing => return end_of_tag(bytes),
            _ => {
                self.text("<");
                return 1;
            }
        }
        let length = end_of_tag(bytes);
        let tag = rest[name_at..length].trim_end_matches('>').trim_end_matches('/');
        let name_length = tag
            .bytes()
            .position(|b| b.is_ascii_whitespace() || b == b'/' || b == b'>')
            .unwrap_or(tag.len());
        let (name, attributes) = tag.split_at(name_length);
        if name.contains('@') || tag[name_length..].starts_with("//") {
            self.text(&rest[..length]); // <name@example.org> and <http://…> that nobody escaped
            return length;
        }
        let mut lower = [0u8; 16];
        let Some(lower) = lower.get_mut(..name.len()) else {
            return length;
        };
        lower.copy_from_slice(name.as_bytes());
        lower.make_ascii_lowercase();
        let Ok(name) = std::str::from_utf8(lower) else {
            return length;
        };
        if self.elements >= limits::HTML_ELEMENTS {
            return length;
        }
        self.elements += 1;
        if self.elements == limits::HTML_ELEMENTS {
            self.notes.push(format!(
                "More than {} HTML elements: the rest is bare text.",
                limits::HTML_ELEMENTS
            ));
        }
        if closing {
            self.close(name);
            return length;
        }
        if let Some(skipped) = self.hidden(name, attributes, &rest[length..]) {
            return length + skipped;
        }
        self.open(name, attributes);
        length
    }

    /// Content that nobody was meant to read: answers how much of `rest` to skip.
    fn hidden(&mut self, name: &str, attributes: &str, rest: &str) -> Option<usize> {
        match name {
            "script" | "style" | "title" | "noscript" | "template" | "object" | "svg" => {
                if self.endless.iter().any(|n| n == name) {
                    return None;
                }
                let end = find_close(rest.as_bytes(), name);
                if end.is_none() {
                    self.endless.push(name.to_owned());
                }
                Some(end.unwrap_or(if name == "script" || name == "style" {
                    rest.len()
                } else {
                    0
                }))
            }
            "div" | "span" | "p" | "td" | "font" if attributes.len() > 12 && self.vain < VAIN_LOOKS => {
                if !HIDING.are_in(attributes) && !attributes.contains('&') {
                    return None;
                }
                let style = attribute(attributes, "style")?;
                let style: String = style
                    .chars()
                    .filter(|c| !c.is_whitespace())
                    .flat_map(char::to_lowercase)
                    .collect();
                if !(style.contains("display:none") || style.contains("visibility:hidden")) {
                    return None;
                }
                let end = balanced_close(rest.as_bytes(), name);
                self.vain += usize::from(end.is_none());
                end
            }
            _ => None,
        }
    }

    fn open(&mut self, name: &str, attributes: &str) {
        match name {
            "br" => self.line_break(),
            "p" => self.block(if attributes.contains("MsoNormal") { 1 } else { 2 }),
            "h1" | "h2" | "h3" | "h4" | "h5" | "h6" | "table" => self.block(2),
            "hr" => {
                self.block(1);
                self.text("________________________________");
                self.block(1);
            }
            "td" | "th" => self.space = true,
            "img" => {
                if let Some(alt) = attribute(attributes, "alt").filter(|a| !a.trim().is_empty()) {
                    self.text(&format!("[{}]", alt.trim()));
                }
            }
            "pre" => {
                self.block(2);
                self.push("pre", Open::Pre);
            }
            "blockquote" => {
                self.block(1);
                let indent = is_indentation(attributes);
                self.push("blockquote", if indent { Open::Indent } else { Open::Quote });
            }
            "ul" | "menu" | "dir" => {
                self.block(1);
                self.push("ul", Open::Bullets);
            }
            "ol" => {
                self.block(1);
                self.push("ol", Open::Numbers(0));
            }
            "li" => self.item(),
            "a" => {
                self.close("a");
                if let Some(href) = attribute(attributes, "href") {
                    let start = self.out.len();
                    self.push("a", Open::Anchor { href, start });
                }
            }
            name if is_block(name) => self.block(1),
            _ => {}
        }
    }

    fn close(&mut self, name: &str) {
        let name = if matches!(name, "menu" | "dir") { "ul" } else { name };
        match name {
            "blockquote" | "pre" | "ul" | "ol" | "a" => {
                let Some(depth) = self.stack.iter().rposition(|(n, _)| *n == name) else {
                    return;
                };
                while self.stack.len() > depth {
                    self.pop();
                }
            }
            "p" | "table" | "h1" | "h2" | "h3" | "h4" | "h5" | "h6" => self.block(2),
            name if is_block(name) => self.block(1),
            _ => {}
        }
    }

    fn push(&mut self, name: &'static str, open: Open) {
        if self.stack.len() >= limits::HTML_DEPTH {
            return;
        }
        match open {
            Open::Quote => self.quotes += 1,
            Open::Pre => self.pre += 1,
            Open::Indent | Open::Bullets | Open::Numbers(_) => self.indent += 1,
            Open::Anchor { .. } => {}
        }
        self.stack.push((name, open));
    }

    fn pop(&mut self) {
        match self.stack.pop() {
            Some((_, Open::Quote)) => {
                self.quotes -= 1;
                self.block(1);
            }
            Some((_, Open::Pre)) => {
                self.pre -= 1;
                self.block(2);
            }
            Some((_, Open::Indent | Open::Bullets | Open::Numbers(_))) => {
                self.indent -= 1;
                self.block(1);
            }
            Some((_, Open::Anchor { href, start })) => self.link(&href, start),
            None => {}
        }
    }

    /// Writes where a link leads, unless its text says so already.
    fn link(&mut self, href: &str, start: usize) {
        let href = href.trim();
        let shown = self.out.get(start..).unwrap_or_default().trim();
        let target = href.strip_prefix("mailto:").unwrap_or(href);
        let useful = href.starts_with("http") || href.starts_with("mailto:") || href.starts_with("ftp");
        let bare = |text: &str| {
            text.trim_end_matches('/')
                .trim_start_matches("https://")
                .trim_start_matches("http://")
                .to_lowercase()
        };
        if useful && !shown.is_empty() && !shown.contains(target) && bare(shown) != bare(target) {
            let target = format!(" <{target}>");
            self.space = false;
            self.raw(&target);
        }
    }

    fn item(&mut self) {
        self.block(1);
        let mark = match self
            .stack
            .iter_mut()
            .rev()
            .find(|(_, o)| matches!(o, Open::Bullets | Open::Numbers(_)))
        {
            Some((_, Open::Numbers(count))) => {
                *count += 1;
                format!("{count}. ")
            }
            _ => "- ".to_owned(),
        };
        self.raw(&mark);
    }

    fn block(&mut self, breaks: usize) {
        self.space = false;
        if !self.out.is_empty() {
            let owed = if self.at_start {
                breaks.saturating_sub(1)
            } else {
                breaks
            };
            self.breaks = self.breaks.max(owed);
        }
    }

    fn line_break(&mut self) {
        self.space = false;
        self.settle();
        self.newline();
    }

    /// Writes the line breaks that are owed.
    fn settle(&mut self) {
        for _ in 0..std::mem::take(&mut self.breaks) {
            self.newline();
        }
    }

    fn newline(&mut self) {
        if self.at_start && self.quotes > 0 {
            self.marks();
        }
        let kept = self.out.trim_end_matches(' ').len();
        self.out.truncate(kept);
        self.out.push('\n');
        self.at_start = true;
    }

    fn marks(&mut self) {
        for _ in 0..self.quotes.min(QUOTE_MARKS) {
            self.out.push_str("> ");
        }
    }

    /// Begins the line if it has not begun.
    fn begin(&mut self) {
        self.settle();
        if self.at_start {
            self.marks();
            for _ in 1..self.indent.min(QUOTE_MARKS) {
                self.out.push_str("  ");
            }
            self.at_start = false;
        }
    }

    fn raw(&mut self, text: &str) {
        self.begin();
        self.out.push_str(text);
    }

    /// Text between tags: entities decoded, blanks made single outside of `<pre>`.
    fn text(&mut self, text: &str) {
        let mut rest = text;
        while !rest.is_empty() {
            match memchr(b'&', rest.as_bytes()) {
                Some(0) => {
                    let (decoded, length) = entity(rest);
                    self.words(&decoded);
                    rest = &rest[length..];
                }
                Some(at) => {
                    self.words(&rest[..at]);
                    rest = &rest[at..];
                }
                None => {
                    self.words(rest);
                    rest = "";
                }
            }
        }
    }

    fn words(&mut self, text: &str) {
        if self.pre > 0 {
            for (i, line) in text.split('\n').enumerate() {
                if i > 0 {
                    self.line_break();
                }
                let line = line.trim_end_matches('\r');
                if !line.is_empty() {
                    self.raw(line);
                }
            }
            return;
        }
        let blank = |c: char| matches!(c, ' ' | '\t' | '\n' | '\r' | '\u{c}');
        let mut rest = text;
        while !rest.is_empty() {
            let trimmed = rest.trim_start_matches(blank);
            if trimmed.len() < rest.len() {
                self.space = true;
            }
            let end = trimmed.find(blank).unwrap_or(trimmed.len());
            if end > 0 {
                let fresh = self.at_start || self.breaks > 0;
                self.begin();
                if self.space && !fresh && !self.out.ends_with(' ') {
                    self.out.push(' ');
                }
                self.space = false;
                self.out.push_str(&trimmed[..end]);
            }
            rest = &trimmed[end..];
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(html: &str) -> String {
        to_text(html).text
    }

    #[test]
    fn paragraphs_breaks_and_entities_become_lines() {
        assert_eq!(text("<p>a &amp; b</p><p>c<br>d</p>"), "a & b\n\nc\nd");
        assert_eq!(text("<div>a</div><div><br></div><div>b</div>"), "a\n\nb");
        assert_eq!(text("x &lt; y &#8364; &unknown &"), "x < y € &unknown &");
    }

    #[test]
    fn a_block_quote_is_quoted_as_in_plain_text() {
        assert_eq!(
            text("yes<blockquote>one<blockquote>two</blockquote></blockquote>no"),
            "yes\n> one\n> > two\nno"
        );
        assert_eq!(text("<blockquote>a<br><br>b</blockquote>"), "> a\n>\n> b");
    }

    #[test]
    fn an_indenting_block_quote_is_no_quote() {
        assert_eq!(
            text("<blockquote style='border: none; padding: 0'>mine</blockquote>"),
            "mine"
        );
    }

    #[test]
    fn lists_keep_their_marks() {
        assert_eq!(text("<ol><li>a<li>b</ol><ul><li>c</ul>"), "1. a\n2. b\n- c");
    }

    #[test]
    fn a_link_says_where_it_leads_once() {
        assert_eq!(
            text("<a href='https://x.org/a'>here</a> <a href=\"http://x.org/\">x.org</a>"),
            "here <https://x.org/a> x.org"
        );
    }

    #[test]
    fn preformatted_text_keeps_its_blanks() {
        assert_eq!(text("<pre>a  b\n  c</pre>"), "a  b\n  c");
    }

    #[test]
    fn what_is_hidden_is_dropped() {
        assert_eq!(
            text("<style>p{}</style><script>if (a<b) {}</script>a<div style=\"display: none\">b<div>c</div></div>d"),
            "a\nd"
        );
    }

    #[test]
    fn deep_nesting_and_endless_tags_cost_linear_time() {
        for bomb in [
            "<div>".repeat(200_000),
            "<blockquote>a".repeat(100_000),
            "<a \"".repeat(100_000),
            "<!--".repeat(200_000),
        ] {
            assert!(to_text(&bomb).text.len() <= limits::TEXT_BYTES + 100_000);
        }
    }
}
