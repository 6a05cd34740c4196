//! The HTML twin of a letter: the same words, made from the same Markdown.
//!
//! Promised: it loads nothing from anywhere (no picture, style sheet, font or script), it holds no tag that its author
//! typed (raw HTML is shown as the text it is), links say where they lead, and lead to http, https or mailto only. Words
//! that strangers wrote are escaped and never read as Markdown. Pictures become their description and address.
//! Left out: everything that would make it look like a newsletter.

use super::{Section, clean};
use pulldown_cmark::{CowStr, Event, LinkType, Options, Parser, Tag, TagEnd};
use std::fmt::Write as _;

/// Quoted words stand behind a line; nothing but text is in them.
const QUOTE: &str = "margin:0 0 0 .3em;padding-left:.7em;border-left:2px solid #888;white-space:pre-wrap";

/// The HTML document of these words.
pub fn twin(language: &str, words: &[Section], links: &[String]) -> String {
    let mut html = String::from("<!DOCTYPE html>\n<html lang=\"");
    escape(language, &mut html);
    html.push_str("\">\n<head><meta charset=\"utf-8\"></head>\n<body>\n");
    for section in words {
        match section {
            Section::Markdown(own) => html.push_str(&rendered(own)),
            Section::Plain(own) => plain(&clean(own), links, &mut html),
            Section::Quote(quoted) => {
                let _ = write!(html, "<blockquote style=\"{QUOTE}\">");
                escape(clean(quoted).trim_end(), &mut html);
                html.push_str("</blockquote>\n");
            }
        }
    }
    html.push_str("</body>\n</html>\n");
    html
}

/// Markdown as HTML in which nothing is raw and nothing is loaded.
pub fn rendered(markdown: &str) -> String {
    let markdown = clean(markdown);
    let options = Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH;
    let mut html = String::with_capacity(markdown.len() + markdown.len() / 4);
    pulldown_cmark::html::push_html(&mut html, Tame::new(Parser::new_ext(&markdown, options)));
    html.retain(|c| !c.is_control() || matches!(c, '\n' | '\t'));
    html
}

/// The events of a text without those that would load, hide or smuggle something.
struct Tame<'a, I> {
    events: I,
    /// What is to come before the next event.
    pending: Option<Event<'a>>,
    /// Links and pictures that are open.
    open: Vec<Open<'a>>,
}

struct Open<'a> {
    address: CowStr<'a>,
    /// The words seen in it so far.
    words: String,
    /// Whether it is a link in the twin.
    leads: bool,
}

impl<'a, I: Iterator<Item = Event<'a>>> Tame<'a, I> {
    fn new(events: I) -> Self {
        Tame {
            events,
            pending: None,
            open: Vec::new(),
        }
    }

    fn open(&mut self, address: CowStr<'a>, leads: bool) {
        self.open.push(Open {
            address,
            words: String::new(),
            leads,
        });
    }

    fn see(&mut self, words: &str) {
        if let Some(open) = self.open.last_mut() {
            open.words.push_str(words);
        }
    }

    /// The end of a link or picture: its address, unless its words were the address.
    fn close(&mut self) -> Event<'a> {
        let Some(Open { address, words, leads }) = self.open.pop() else {
            return nothing();
        };
        let bare = address.strip_prefix("mailto:").unwrap_or(&address);
        let said = words.trim() == bare || words.trim() == &*address || address.is_empty();
        let shown = if said {
            nothing()
        } else {
            Event::Text(format!(" ({address})").into())
        };
        match leads {
            true => {
                self.pending = Some(shown);
                Event::End(TagEnd::Link)
            }
            false => shown,
        }
    }
}

fn nothing<'a>() -> Event<'a> {
    Event::Text(CowStr::Borrowed(""))
}

impl<'a, I: Iterator<Item = Event<'a>>> Iterator for Tame<'a, I> {
    type Item = Event<'a>;

    fn next(&mut self) -> Option<Event<'a>> {
        if let Some(event) = self.pending.take() {
            return Some(event);
        }
        Some(match self.events.next()? {
            Event::Html(raw) | Event::InlineHtml(raw) => Event::Text(raw),
            // A block of raw HTML is a paragraph of text.
            Event::Start(Tag::HtmlBlock) => Event::Start(Tag::Paragraph),
            Event::End(TagEnd::HtmlBlock) => Event::End(TagEnd::Paragraph),
            Event::Start(Tag::Link {
                link_type,
                dest_url,
                title: _,
                id,
            }) => {
                let leads = link_type == LinkType::Email || leads_somewhere(&dest_url);
                self.open(dest_url.clone(), leads);
                match leads {
                    true => Event::Start(Tag::Link {
                        link_type,
                        dest_url,
                        title: CowStr::Borrowed(""),
                        id,
                    }),
                    false => nothing(),
                }
            }
            Event::Start(Tag::Image { dest_url, .. }) => {
                self.open(dest_url, false);
                nothing()
            }
            Event::End(TagEnd::Link | TagEnd::Image) => self.close(),
            // A line that its author ended is ended: the plain text has it so.
            Event::SoftBreak => Event::HardBreak,
            Event::Text(words) => {
                self.see(&words);
                Event::Text(words)
            }
            Event::Code(words) => {
                self.see(&words);
                Event::Code(words)
            }
            other => other,
        })
    }
}

fn leads_somewhere(address: &str) -> bool {
    let scheme = address.split_once(':').map(|(scheme, _)| scheme.to_ascii_lowercase());
    matches!(scheme.as_deref(), Some("http" | "https" | "mailto"))
}

/// Fixed words: paragraphs, indented tables as they stand, links of ours as links.
fn plain(text: &str, links: &[String], html: &mut String) {
    for block in text
        .split("\n\n")
        .map(|block| block.trim_matches('\n'))
        .filter(|block| !block.trim().is_empty())
    {
        if block.lines().all(|line| line.starts_with("    ")) {
            html.push_str("<pre>");
            linked(block, links, html);
            html.push_str("</pre>\n");
            continue;
        }
        html.push_str("<p>");
        for (place, line) in block.lines().enumerate() {
            html.push_str(if place > 0 { "<br>\n" } else { "" });
            linked(line, links, html);
        }
        html.push_str("</p>\n");
    }
}

fn linked(text: &str, links: &[String], html: &mut String) {
    let mut rest = text;
    // The first link of ours that comes; each turn takes at least one away.
    while let Some((place, link)) = links
        .iter()
        .filter(|link| !link.is_empty())
        .filter_map(|link| Some((rest.find(link.as_str())?, link)))
        // One page's address may begin another's: the longer is meant.
        .min_by_key(|(place, link)| (*place, std::cmp::Reverse(link.len())))
    {
        escape(&rest[..place], html);
        html.push_str("<a href=\"");
        escape(link, html);
        html.push_str("\">");
        escape(link, html);
        html.push_str("</a>");
        rest = &rest[place + link.len()..];
    }
    escape(rest, html);
}

/// Text as HTML shows it, without control characters.
fn escape(text: &str, html: &mut String) {
    for c in text.chars() {
        match c {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            '\n' | '\t' => html.push(c),
            c if c.is_control() => {}
            c => html.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_usual_marks_become_the_usual_tags() {
        let text = "Two things:\n\n1. run `ALTER TABLE x`\n2. **wait**\n\n```sql\nSELECT 1 < 2;\n```\n\n| a | b |\n|---|---|\n| 1 | 2 |\n";
        let html = rendered(text);
        for tag in [
            "<ol>",
            "<code>ALTER TABLE x</code>",
            "<strong>wait</strong>",
            "SELECT 1 &lt; 2;",
            "<td>2</td>",
        ] {
            assert!(html.contains(tag), "{tag} in {html}");
        }
        assert_eq!(
            rendered("first line\nsecond line"),
            "<p>first line<br />\nsecond line</p>\n"
        );
    }

    #[test]
    fn raw_html_is_text_and_nothing_is_loaded() {
        for text in [
            "<script>alert(1)</script>",
            "hello <img src=x onerror=alert(1)> there",
            "<div style=\"background:url(https://evil.example/x)\">\nhi\n</div>",
            "![a picture](https://evil.example/pixel.gif)",
            "[a](javascript:alert(1)) [b](data:text/html,x) [c](//evil.example/x)",
            "<https://evil.example/\"onmouseover=x>",
            "<!-- hidden -->",
        ] {
            let html = rendered(text);
            let tags: Vec<&str> = html
                .split('<')
                .skip(1)
                .filter_map(|tag| tag.split('>').next())
                .collect();
            assert!(
                tags.iter()
                    .all(|tag| matches!(*tag, "p" | "/p" | "br /" | "/a") || tag.starts_with("a href=\"https://")),
                "{text}: {html}"
            );
        }
        assert_eq!(
            rendered("![a picture](https://evil.example/pixel.gif)"),
            "<p>a picture (https://evil.example/pixel.gif)</p>\n"
        );
    }

    #[test]
    fn links_say_where_they_lead() {
        assert_eq!(
            rendered("[the manual](https://docs.example/x \"hidden\")"),
            "<p><a href=\"https://docs.example/x\">the manual</a> (https://docs.example/x)</p>\n"
        );
        assert_eq!(
            rendered("<https://docs.example/x>"),
            "<p><a href=\"https://docs.example/x\">https://docs.example/x</a></p>\n"
        );
        assert_eq!(
            rendered("[your bank](javascript:x)"),
            "<p>your bank (javascript:x)</p>\n"
        );
        assert!(rendered("<priya@northwind.example>").contains(">priya@northwind.example</a></p>"));
    }

    #[test]
    fn what_strangers_wrote_is_never_markdown() {
        let words = [
            Section::Plain("your mail \"[click](https://evil.example) <b>\" has arrived.\n\n    Case  4711\n\nhttps://desk.example/t/x or answer.\n".into()),
            Section::Quote("# not a heading\n<b>bold</b>".into()),
        ];
        let html = twin("en", &words, &["https://desk.example/t/x".to_owned()]);
        insta::assert_snapshot!(html, @r#"
        <!DOCTYPE html>
        <html lang="en">
        <head><meta charset="utf-8"></head>
        <body>
        <p>your mail &quot;[click](https://evil.example) &lt;b&gt;&quot; has arrived.</p>
        <pre>    Case  4711</pre>
        <p><a href="https://desk.example/t/x">https://desk.example/t/x</a> or answer.</p>
        <blockquote style="margin:0 0 0 .3em;padding-left:.7em;border-left:2px solid #888;white-space:pre-wrap"># not a heading
        &lt;b&gt;bold&lt;/b&gt;</blockquote>
        </body>
        </html>
        "#);
    }

    proptest! {
        #[test]
        fn no_words_make_a_tag_that_is_not_ours(text in "[ -~\n`*_#<>\\[\\]()!|é]{0,300}") {
            const OURS: &[&str] = &["p", "h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "li", "pre", "code", "em", "strong", "del", "br",
                "hr", "blockquote", "table", "thead", "tbody", "tr", "th", "td", "a"];
            let html = rendered(&text);
            for tag in html.split('<').skip(1) {
                let name: String = tag.trim_start_matches('/').chars().take_while(char::is_ascii_alphanumeric).collect();
                prop_assert!(OURS.contains(&name.as_str()), "{} in {}", tag, html);
                prop_assert!(!tag.split('>').next().unwrap_or_default().contains(" src="));
            }
        }
    }
}
