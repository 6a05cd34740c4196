//! What an engineer writes in Markdown, as it will look: the preview of a reply.
//!
//! Read with the same rules as the letter's HTML twin: nothing is raw (HTML is the text it is), nothing is loaded (a picture is its words and
//! its address), links lead to http, https and mailto and say where. Every text goes through maud's escaping, so the tree is built
//! here and drawn with markup of our own.

use maud::{Markup, html};
use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};

/// Deepest nesting that is drawn; what is deeper stands in its parent.
const DEPTH: usize = 32;

/// A part of a text and what is in it.
struct Part {
    kind: Kind,
    within: Vec<Part>,
}

/// What a part is.
enum Kind {
    Whole,
    Text(String),
    Code(String),
    Break,
    Line,
    Rule,
    Paragraph,
    Heading,
    Quote,
    Block,
    List { ordered: bool },
    Item,
    Emphasis,
    Strong,
    Struck,
    Link(String),
    Picture(String),
    Table,
    Row,
    Cell,
}

/// A text as it will look.
pub fn shown(markdown: &str) -> Markup {
    let options = Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH;
    let mut open = vec![Part::of(Kind::Whole)];
    let mut too_deep = 0;
    for event in Parser::new_ext(markdown, options) {
        match event {
            Event::Start(_) if open.len() >= DEPTH => too_deep += 1,
            Event::End(_) if too_deep > 0 => too_deep -= 1,
            Event::Start(tag) => open.push(Part::of(kind_of(tag))),
            Event::End(end) => close(&mut open, end),
            Event::Text(text) | Event::Html(text) | Event::InlineHtml(text) => {
                put(&mut open, Kind::Text(text.into_string()))
            }
            Event::Code(text) => put(&mut open, Kind::Code(text.into_string())),
            Event::SoftBreak => put(&mut open, Kind::Line),
            Event::HardBreak => put(&mut open, Kind::Break),
            Event::Rule => put(&mut open, Kind::Rule),
            _ => {}
        }
    }
    html! { @for part in open { (drawn(&part)) } }
}

impl Part {
    fn of(kind: Kind) -> Part {
        Part {
            kind,
            within: Vec::new(),
        }
    }
}

fn put(open: &mut [Part], kind: Kind) {
    if let Some(last) = open.last_mut() {
        last.within.push(Part::of(kind));
    }
}

fn close(open: &mut Vec<Part>, end: TagEnd) {
    if open.len() < 2 {
        return;
    }
    if let Some(part) = open.pop()
        && let Some(parent) = open.last_mut()
    {
        debug_assert!(!matches!(end, TagEnd::MetadataBlock(_)), "metadata is not asked for");
        parent.within.push(part);
    }
}

fn kind_of(tag: Tag<'_>) -> Kind {
    match tag {
        Tag::Heading { .. } => Kind::Heading,
        Tag::BlockQuote(_) => Kind::Quote,
        Tag::CodeBlock(_) => Kind::Block,
        Tag::List(first) => Kind::List {
            ordered: first.is_some(),
        },
        Tag::Item => Kind::Item,
        Tag::Emphasis => Kind::Emphasis,
        Tag::Strong => Kind::Strong,
        Tag::Strikethrough => Kind::Struck,
        Tag::Link { dest_url, .. } => Kind::Link(dest_url.into_string()),
        Tag::Image { dest_url, .. } => Kind::Picture(dest_url.into_string()),
        Tag::Table(_) => Kind::Table,
        Tag::TableHead | Tag::TableRow => Kind::Row,
        Tag::TableCell => Kind::Cell,
        _ => Kind::Paragraph,
    }
}

fn drawn(part: &Part) -> Markup {
    let within = html! { @for one in &part.within { (drawn(one)) } };
    html! {
        @match &part.kind {
            Kind::Whole => (within),
            Kind::Text(text) => (text),
            Kind::Code(text) => code { (text) },
            Kind::Break => br;,
            Kind::Line => "\n",
            Kind::Rule => hr;,
            Kind::Paragraph => p { (within) },
            // The page has headings of its own; these are of the letter.
            Kind::Heading => p { strong { (within) } },
            Kind::Quote => blockquote { (within) },
            Kind::Block => pre tabindex="0" { code { (within) } },
            Kind::List { ordered: true } => ol { (within) },
            Kind::List { ordered: false } => ul { (within) },
            Kind::Item => li { (within) },
            Kind::Emphasis => em { (within) },
            Kind::Strong => strong { (within) },
            Kind::Struck => s { (within) },
            Kind::Link(to) if leads(to) => { a href=(to) rel="noreferrer noopener" { (within) } @if words(part) != *to { " (" (to) ")" } },
            Kind::Link(to) | Kind::Picture(to) => { (within) " (" (to) ")" },
            Kind::Table => table.plain { tbody { (within) } },
            Kind::Row => tr { (within) },
            Kind::Cell => td { (within) },
        }
    }
}

fn words(part: &Part) -> String {
    let mut said = match &part.kind {
        Kind::Text(text) | Kind::Code(text) => text.clone(),
        _ => String::new(),
    };
    part.within.iter().for_each(|one| said.push_str(&words(one)));
    said
}

fn leads(address: &str) -> bool {
    let address = address.to_ascii_lowercase();
    ["http://", "https://", "mailto:"]
        .iter()
        .any(|scheme| address.starts_with(scheme))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_raw_and_nothing_is_loaded() {
        let said =
            shown("<script>alert(1)</script>\n\n<b>x</b> ![a](http://evil.example/x.png) [go](javascript:alert(1))")
                .into_string();
        for bad in ["<script", "<b>", "<img", "href=\"javascript"] {
            assert!(!said.contains(bad), "{bad} is in {said}");
        }
        assert!(
            said.contains("&lt;script&gt;alert(1)") && said.contains("a (http://evil.example/x.png)"),
            "{said}"
        );
    }

    #[test]
    fn what_is_written_looks_as_meant() {
        let said = shown("Set *it* to **4**:\n\n1. `a`\n2. b\n\n```\nx < y\n```\n\n> why\n\n[docs](https://d.example)")
            .into_string();
        for part in [
            "<p>Set <em>it</em> to <strong>4</strong>:</p>",
            "<ol><li><code>a</code></li><li>b</li></ol>",
            "<code>x &lt; y\n</code>",
            "<blockquote><p>why</p></blockquote>",
            "<a href=\"https://d.example\" rel=\"noreferrer noopener\">docs</a> (https://d.example)",
        ] {
            assert!(said.contains(part), "{part} is not in {said}");
        }
    }

    #[test]
    fn the_deepest_nesting_is_drawn_flat_and_loses_no_word() {
        let said = shown(&format!("{} deep", ">".repeat(5_000))).into_string();
        assert!(
            said.contains("deep") && said.matches("<blockquote>").count() < DEPTH,
            "{}",
            said.len()
        );
    }
}
