//! What all pages share: head, skip link, bar, foot, the list of keys, pages that only say no, and small words.
//!
//! Everything that somebody else wrote goes through maud's escaping; `PreEscaped` is not used in this door.

use super::acting::Acting;
use super::asset;
use crate::desk::{Desk, say};
use crate::refusal::{Kind, Refusal};
use jiff::{SignedDuration, Timestamp};
use maud::{DOCTYPE, Markup, html};

/// What the frame of a page says.
pub struct Frame<'a> {
    /// Title of the tab, before the desk's name.
    pub title: &'a str,
    /// Name of the desk.
    pub desk: &'a str,
    /// The address that shows this page again: an act's answer stands under another one.
    pub address: &'a str,
    /// Whether the run queue is the page itself.
    pub is_queue: bool,
    /// The brake is on: nothing leaves the desk.
    pub mail_held: bool,
    /// Who looks at it.
    pub acting: &'a Acting,
}

/// Pages beside the run queue.
const PAGES: [(&str, &str); 4] = [
    ("/ledger", "Ledger"),
    ("/people", "People"),
    ("/spool", "Spool"),
    ("/s", "Search"),
];

/// Whether an address is that page or one below it.
fn is_at(address: &str, page: &str) -> bool {
    address
        .strip_prefix(page)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '?']))
}

/// A whole page around its content.
pub fn page(frame: &Frame<'_>, content: Markup) -> Markup {
    shell(
        "en",
        SKIP,
        &format!("{} · {}", frame.title, frame.desk),
        true,
        html! {
            header.bar {
                a.desk href="/" aria-current=[frame.is_queue.then_some("page")] { span.sign aria-hidden="true" {} (frame.desk) }
                nav aria-label="Pages" {
                    a href="/" aria-current=[frame.is_queue.then_some("page")] { "Run queue" }
                    @for (path, name) in PAGES {
                        a href=(path) aria-current=[is_at(frame.address, path).then_some("page")] { (name) }
                    }
                    button.quiet #keys-open type="button" hidden { "Keys " kbd { "?" } }
                    @if let Some(session) = frame.acting.signed() {
                        span.me {
                            a href="/me" aria-current=[(frame.address == "/me").then_some("page")] { (session.signed.engineer.name) }
                            form method="post" action="/sign-out" { (frame.acting.proof()) button.quiet type="submit" { "Sign out" } }
                        }
                    }
                }
            }
            main #main tabindex="-1" data-page=(frame.address) {
                div #held data-live {
                    @if frame.mail_held {
                        p.notice.no { strong { "MAIL HELD. " } "Nothing leaves the desk: what is written waits, promises go on counting. The "
                            a href="/spool" { "spool" } " lets it leave." }
                    }
                }
                (content)
            }
            footer.foot {
                p #live { "Times are said in the desk's zone. Reload to see what is new." }
            }
            (keys())
        },
    )
}

const SKIP: &str = "Skip to the content";

fn shell(language: &str, skip: &str, title: &str, is_live: bool, body: Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang=(language) {
            head {
                meta charset="utf-8";
                title { (title) }
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                link rel="stylesheet" href=(asset::STYLE.path);
                link rel="icon" href=(asset::ICON.path) type="image/svg+xml";
                @if is_live { script src=(asset::SCRIPT.path) defer {} }
            }
            body {
                a.skip href="#main" { (skip) }
                (body)
            }
        }
    }
}

/// The keys of this door, as the script knows them.
const KEYS: [(&str, &str); 17] = [
    ("j k", "next, previous case or message"),
    ("o Enter", "open it"),
    ("u", "back to the run queue"),
    ("g q", "go to the run queue"),
    ("g l", "go to the ledger"),
    ("g s", "go to the spool"),
    ("x", "mark a row of the spool"),
    ("/", "search"),
    ("n", "next: give me a slice"),
    ("r", "reply"),
    ("i", "internal note"),
    ("w", "wait: for whom, until when"),
    ("m", "merge into another case"),
    ("e", "close"),
    ("t", "picture as a table"),
    ("Esc", "leave a field"),
    ("?", "these keys"),
];

fn keys() -> Markup {
    html! {
        dialog #keys aria-labelledby="keys-title" {
            h2 #keys-title { "Keys" }
            dl {
                @for (key, meaning) in KEYS {
                    div { dt { @for one in key.split(' ') { kbd { (one) } " " } } dd { (meaning) } }
                }
            }
            p {
                label { input #keys-off type="checkbox"; " Keys are off in this browser" }
            }
            form method="dialog" { button { "Close" } }
        }
    }
}

/// A page that only says no.
pub fn refusal(refusal: &Refusal) -> Markup {
    let title = match refusal.kind {
        Kind::Missing => "Not here",
        Kind::Forbidden => "Not allowed",
        Kind::Failed => "The desk could not do this",
        _ => "Refused",
    };
    let words = match refusal.kind {
        Kind::Missing => without_commands(&refusal.text),
        _ => refusal.text.clone(),
    };
    alone(
        title,
        html! { p.lead { (words) } p { a.button href="/" { "Go to the run queue" } } },
    )
}

/// What is missing is said to whoever sits at a terminal as well, with the command that lists what there is. A browser has links.
fn without_commands(text: &str) -> String {
    let sentences: Vec<&str> = text.split_inclusive(". ").collect();
    let plain: String = sentences.iter().filter(|one| !one.contains("`duly")).copied().collect();
    match plain.trim() {
        "" => text.to_owned(),
        words => words.to_owned(),
    }
}

/// A page of its own, without the bar: for whoever is not signed in.
pub fn alone(title: &str, words: Markup) -> Markup {
    alone_in("en", SKIP, title, words)
}

/// The same in another language: its tag, and its words for the link over the head of the page.
pub fn alone_in(language: &str, skip: &str, title: &str, words: Markup) -> Markup {
    shell(
        language,
        skip,
        title,
        false,
        html! { main.alone #main tabindex="-1" { h1 { (title) } (words) } },
    )
}

/// A refusal above a form that is kept as it was typed.
pub fn refused(refusal: &Refusal) -> Markup {
    html! {
        div.notice.no #refused role="alert" {
            strong { "Refused. " } (refusal.text)
        }
    }
}

/// Something that was done.
pub fn done(words: &str) -> Markup {
    html! { p.notice.yes #done role="status" { (words) } }
}

/// A time as `Tue 24 Nov 15:00 CET`, with UTC and distance for whoever points at it.
pub fn time(at: Timestamp, desk: &Desk, now: Timestamp) -> Markup {
    html! { time datetime=(at) title=(say::line(at, &desk.zone, now)) { (say::short(at, &desk.zone, now)) } }
}

/// How near a due time is, for the eye; the words stand beside it.
pub fn nearness(due: Timestamp, now: Timestamp) -> &'static str {
    match due.duration_since(now) {
        left if left <= SignedDuration::ZERO => "past",
        left if left <= SignedDuration::from_hours(1) => "soon",
        _ => "later",
    }
}

/// `1 case`, `2 cases`.
pub fn counted(count: i64, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

/// A text as part of a query: every byte that is neither letter nor digit of ASCII is said by its number.
pub fn encoded(text: &str) -> String {
    text.bytes().fold(String::new(), |mut said, byte| {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' => said.push(byte.into()),
            byte => said.push_str(&format!("%{byte:02X}")),
        }
        said
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_that_is_not_here_names_no_command() {
        let said = refusal(&Refusal::missing("There is no case 99. `duly ps -a` lists all.")).into_string();
        assert!(
            said.contains("There is no case 99.") && !said.contains("duly ps"),
            "{said}"
        );
        assert_eq!(without_commands("See `duly ps`."), "See `duly ps`.", "never nothing");
    }

    #[test]
    fn only_the_page_itself_is_the_current_one() {
        assert!(is_at("/s", "/s") && is_at("/s?q=x", "/s") && is_at("/ledger?week=x", "/ledger"));
        assert!(!is_at("/spool", "/s") && !is_at("/", "/s"));
    }
}
