//! `/c/4711`, one case: understand in twenty seconds, act in one key (UX.md §1.3 of the design).
//!
//! The order is the reader's: what and who, by when, what went wrong, the customer's newest words, then the rest. Only the
//! newest [`limits::PAGE_MESSAGES`] messages are read; older ones on demand. Forms are below what they are about; what
//! was typed into one that was refused is still in it.

use super::acting::Acting;
use super::chart::{self, Timeline};
use super::layout::{self, Frame, counted};
use super::{House, Words, act, answered, composer, listen, message};
use crate::desk::case::State;
use crate::desk::draft::{self, Draft, News};
use crate::desk::engineer::{self, Engineer};
use crate::desk::file::{self, FileRow};
use crate::desk::queue::{self, CasePage, MessageRow, PromiseRow};
use crate::desk::schedule::danger;
use crate::desk::schedule::date::Short;
use crate::desk::upload::size;
use crate::desk::{CaseId, Desk, EngineerId, outbox, say};
use crate::files::sniff;
use crate::limits;
use crate::refusal::{Outcome, Refusal};
use crate::store::Tx;
use axum::extract::{Path, Query, State as Given};
use axum::http::StatusCode;
use axum::response::Response;
use jiff::Timestamp;
use maud::{Markup, html};

/// What a request wants to see of a case beside the case.
#[derive(Default)]
pub struct Asked {
    /// How many messages; bounded.
    pub messages: Option<i64>,
    /// The message that is shown uncut.
    pub whole: Option<i64>,
    /// The act that was done just now.
    pub done: Option<String>,
    /// Why it was not.
    pub refusal: Option<Refusal>,
    /// What was typed.
    pub words: Words,
}

/// Everything that the page shows, from one snapshot.
pub struct Screen {
    /// The case.
    pub page: CasePage,
    /// Who could act.
    pub engineers: Vec<Engineer>,
    /// Who works on it now.
    pub on_it: Vec<String>,
    /// Who else writes a reply at the moment.
    pub writing: Vec<String>,
    /// Whose drafts these are; 0 where nobody is known.
    pub writer: i64,
    /// What the writer has begun here, newest first.
    pub drafts: Vec<Draft>,
    /// How far the case has come in the ledger.
    pub place: i64,
    /// What is new since the writer saw it.
    pub news: Vec<News>,
    /// Its files, those that have their place.
    pub files: Vec<FileRow>,
    /// The brake is on: nothing leaves the desk.
    pub mail_held: bool,
    /// Who looks at it.
    pub acting: Acting,
    /// See [`Asked`].
    pub asked: Asked,
}

impl Screen {
    /// The promise that falls due first.
    pub fn next_due(&self) -> Option<&PromiseRow> {
        self.page
            .promises
            .iter()
            .filter(|one| one.state == "open")
            .min_by_key(|one| (one.due, one.promise))
    }

    /// What is being written here, by the reader and by others, and what the reader has not seen yet.
    fn read_drafts(&mut self, tx: &mut Tx<'_>, now: Timestamp, case: CaseId) -> Outcome<()> {
        let writer = match self.acting.signed() {
            Some(own) => Some(own.signed.engineer.id),
            None => act::actor(self, now)?.parse().ok().map(EngineerId),
        };
        self.writing = draft::writing(tx, now, case, writer)?;
        let Some(writer) = writer else { return Ok(()) };
        self.writer = writer.0;
        self.drafts = draft::of(tx, writer, case)?;
        let of_draft = composer::chosen(&self.asked.words, &self.drafts).map(|one| one.typed.seen);
        let seen = composer::seen(&self.asked.words).or(of_draft).unwrap_or(self.place);
        if seen < self.place {
            self.news = draft::news(tx, case, seen, writer)?;
        }
        Ok(())
    }

    /// The customer's newest words.
    fn newest(&self) -> Option<&MessageRow> {
        self.page
            .messages
            .iter()
            .find(|one| message::is_theirs(one))
            .or(self.page.messages.first())
    }
}

/// The case that a path names.
pub fn number(named: &str) -> Result<CaseId, Refusal> {
    let number = named.parse().ok().filter(|number| *number > 0);
    number.map(CaseId).ok_or_else(|| {
        Refusal::missing(format!(
            "There is no case \"{named}\". A case has a number, as in /c/7."
        ))
    })
}

/// Shows the page.
pub async fn show(
    Given(house): Given<House>,
    acting: Acting,
    Path(named): Path<String>,
    Query(mut words): Query<Words>,
) -> Response {
    let read = move || {
        let asked = Asked {
            messages: words.get("messages").and_then(|text| text.parse().ok()),
            whole: words.get("whole").and_then(|text| text.parse().ok()),
            done: words.remove("done"),
            refusal: None,
            // A link puts no words into anybody's mouth.
            words: words
                .into_iter()
                .filter(|(name, _)| matches!(name.as_str(), "as" | "draft"))
                .collect(),
        };
        Ok((StatusCode::OK, render(&house, &acting, number(&named)?, asked)?))
    };
    answered(listen::blocking(read).await)
}

/// The page, as it is now.
pub fn render(house: &House, acting: &Acting, case: CaseId, asked: Asked) -> Outcome<Markup> {
    let (door, now) = (&house.door, house.door.clock.now());
    let messages = asked
        .messages
        .unwrap_or(limits::PAGE_MESSAGES)
        .clamp(limits::PAGE_MESSAGES, limits::PAGE_MESSAGES_MAX);
    let screen = door.store.read(|tx| {
        let mut page = queue::page(tx, case, messages)?;
        danger::mark(tx, now, &door.desk.zone, &mut page.promises)?;
        let engineers = engineer::list(tx)?;
        let slices = queue::slices(tx)?;
        let on_it = engineers
            .iter()
            .filter(|one| slices.iter().any(|(who, on, _)| *who == one.id && *on == case));
        let mut screen = Screen {
            files: file::list(tx, case)?,
            mail_held: outbox::is_held(tx)?,
            page,
            on_it: on_it.map(|one| one.name.clone()).collect(),
            writing: Vec::new(),
            writer: 0,
            drafts: Vec::new(),
            place: draft::place(tx, case)?,
            news: Vec::new(),
            engineers,
            acting: acting.clone(),
            asked,
        };
        screen.read_drafts(tx, now, case)?;
        Ok(screen)
    })?;
    let address = match (messages, screen.asked.whole) {
        (_, Some(whole)) => format!("/c/{}?whole={whole}&messages={messages}", case.0),
        (limits::PAGE_MESSAGES, None) => format!("/c/{}", case.0),
        (more, None) => format!("/c/{}?messages={more}", case.0),
    };
    let title = format!("{} {}", case.0, screen.page.row.subject);
    let frame = Frame {
        title: &title,
        desk: &door.desk.name,
        address: &address,
        is_queue: false,
        mail_held: screen.mail_held,
        acting,
    };
    Ok(layout::page(&frame, content(&screen, &door.desk, now)?))
}

fn content(screen: &Screen, desk: &Desk, now: Timestamp) -> Outcome<Markup> {
    let page = &screen.page;
    let newest = screen.newest();
    let uncut = |one: &MessageRow| screen.asked.whole == Some(one.message);
    let older: Vec<_> = page
        .messages
        .iter()
        .filter(|one| newest.is_none_or(|newest| newest.message != one.message))
        .collect();
    Ok(html! {
        div #top data-live {
            (head(screen, desk, now))
            (promise_line(screen, desk, now))
            (failures(screen, desk, now))
            (belongs(screen))
        }
        (said(screen))
        div.columns {
            div.reading {
                div #newest data-live { @if let Some(newest) = newest { (message::whole(newest, page.row.case, desk, now, uncut(newest))) } }
                div #older data-live {
                    @if !older.is_empty() {
                        section.history aria-labelledby="h-older" {
                            h2 #h-older { "Other messages, newest first" }
                            @for one in &older { (message::folded(one, page.row.case, desk, now, uncut(one))) }
                        }
                    }
                    (unread(page))
                }
            }
            aside.side #side data-live aria-label="About the case" {
                (about(screen, desk, now))
                (promises(page, desk, now))
            }
        }
        div #timeline data-live { (timeline(page, desk, now)) }
        (act::forms(screen, desk, now)?)
    })
}

fn head(screen: &Screen, desk: &Desk, now: Timestamp) -> Markup {
    let row = &screen.page.row;
    html! {
        h1 { span.number { (row.case) } " " (row.subject) }
        p.who {
            strong { (row.customer) }
            " · " (super::queue::state(row)) " · severity " (super::queue::severity(row.severity)) @if row.nice != 0 { " · nice " (row.nice) } " · lane " (row.lane)
            @if let Some(product) = &row.product { " · " (product) }
            @if let Some(list) = &screen.page.list { " · public list " (list) }
            " · opened " (layout::time(screen.page.opened_at, desk, now))
        }
    }
}

/// The one promise line (UX.md §1.0 of the design), and under it the wait and why the date is this one.
fn promise_line(screen: &Screen, desk: &Desk, now: Timestamp) -> Markup {
    let row = &screen.page.row;
    let owner = row.owner.as_deref().unwrap_or("nobody yet");
    html! {
        div.promise {
            @match screen.next_due() {
                Some(promise) => {
                    p class={ "line " (layout::nearness(promise.due, now)) } {
                        "reply by " strong { time datetime=(promise.due) { (say::line(promise.due, &desk.zone, now)) } } " · " (promise.word) " · " (owner)
                        @if let Some(trouble) = &promise.trouble { " · " strong { "at risk" } ": " (trouble.said(&desk.zone, now)) }
                    }
                    p.why { "Why this time: " (why(promise, desk, now)) }
                    @if let Some(at) = promise.offered { p.wait { "Offered instead: " strong { (layout::time(at, desk, now)) } ". Until they accept, the time above stands." } }
                    @if let Some(at) = promise.wished { p.wait { "They ask for " strong { (layout::time(at, desk, now)) } ". Grant or refuse it below." } }
                },
                None => p.line {
                    @match row.state {
                        State::Unsorted => "no time is promised yet: its sender is not verified, and a person looks first",
                        State::Closed => { "closed" @if let Some(how) = &row.resolution { ": " (how) } },
                        State::Waiting | State::Closing => { "waiting for customer" @if let Some(at) = row.wake_at { " until " strong { (layout::time(at, desk, now)) } } },
                        _ => { "nothing is promised · " (owner) },
                    }
                },
            }
            @if row.state == State::Closing { p.why { "An answer was given. Without another word from them the case closes at that time." } }
            @if row.state == State::Blocked && let Some(party) = &row.waits_for {
                p.wait { "waiting for " (party) @if let Some(reason) = &row.reason { " (" (reason) ")" }
                    @if let Some(at) = row.wake_at { " until " (layout::time(at, desk, now)) } ", next word by the time above" }
            }
            @if row.reply_under_way { p.wait { "A reply is under way. What it carries takes effect once it is delivered." } }
            @if !screen.on_it.is_empty() { p.wait { (screen.on_it.join(", ")) " " @if screen.on_it.len() == 1 { "is" } @else { "are" } " working on it now." } }
            @if !screen.writing.is_empty() { p.wait { (screen.writing.join(", ")) " " @if screen.writing.len() == 1 { "is" } @else { "are" } " writing a reply." } }
        }
    }
}

/// The numbers behind a date, as a sentence.
fn why(promise: &PromiseRow, desk: &Desk, now: Timestamp) -> String {
    let text = |name: &str| promise.why[name].as_str().unwrap_or("");
    let because = match promise.basis.as_str() {
        "moved" => return moved(promise, desk, now),
        "disputed" => "they said that the reply before did not help; ",
        "worse" => "they said that it got worse; ",
        "after a break" => "the time before it was not kept; ",
        "next word" => "the case woke without mail; ",
        "released" => "the message was released by a person; ",
        "owed" => return "an engineer said it in the reply before.".to_owned(),
        _ => "",
    };
    let Ok(from) = text("from").parse::<Timestamp>() else {
        return format!("{}.", promise.basis);
    };
    let number = |name: &str| promise.why[name].as_i64();
    let hours = match (number("target_minutes"), number("target_business_days")) {
        (Some(minutes), _) if minutes % 60 == 0 => counted(minutes / 60, "business hour", "business hours"),
        (Some(minutes), _) => format!("{} h {} min of business hours", minutes / 60, minutes % 60),
        (None, Some(days)) => counted(days, "business day", "business days"),
        (None, None) => return format!("{}.", promise.basis),
    };
    let behind = match promise.why["behind"].as_i64() {
        Some(open) => format!(" The customer has {open} promises open, so this one counts from the last of them."),
        None => String::new(),
    };
    let is_dated = promise.why["target_due"].is_string();
    let behind = match Short::said_of(&promise.why, &desk.zone, now) {
        Some(said) if is_dated => format!("{behind} {said} This is the earliest that can be kept."),
        Some(said) => format!("{behind} {said}"),
        None => behind,
    };
    format!(
        "{because}{} for a {} at severity {}, counted from {} in the hours {} ({}), by the {}.{behind}",
        hours,
        text("word"),
        promise.why["severity"],
        say::short(from, &desk.zone, now),
        text("hours"),
        text("zone"),
        text("rule"),
    )
}

/// Why a time is the one that both sides agreed on.
fn moved(promise: &PromiseRow, desk: &Desk, now: Timestamp) -> String {
    let who = match promise.asked_by.as_deref() {
        Some("customer") => "the customer asked for it",
        _ => "we asked for it and the customer accepted",
    };
    let when = promise
        .agreed_at
        .map_or_else(String::new, |at| format!(" at {}", say::short(at, &desk.zone, now)));
    format!("{who}{when}; both sides agreed on it instead of the time before.")
}

/// What did not arrive is said before anything else.
fn failures(screen: &Screen, desk: &Desk, now: Timestamp) -> Markup {
    let copies = screen
        .page
        .messages
        .iter()
        .flat_map(|one| one.delivery.iter().map(move |copy| (one, copy)));
    let failed: Vec<_> = copies.filter(|(_, copy)| copy.state == "failed").take(5).collect();
    html! {
        @for (message, copy) in failed {
            p.notice.no {
                strong { "Not delivered. " } "The " (message.kind) " to " (copy.recipient) " " (copy.words(&desk.zone, now)) ". "
                "It keeps no promise. Correct the address or write again; " code { "duly spool" } " sends it once more."
            }
        }
    }
}

/// Where the case went, or where it may belong: an offer that a person decides on below.
fn belongs(screen: &Screen) -> Markup {
    let page = &screen.page;
    html! {
        @if let Some(other) = page.merged_into {
            p.notice { strong { "Merged. " } "Everything of this case stands in " a href={ "/c/" (other) } { "case " (other) } "." }
        }
        @if let Some(offer) = &page.offered {
            p.notice.offer { strong { "May belong to " a href={ "/c/" (offer.case) } { "case " (offer.case) } ". " } (offer.why) ". "
                a href="#act-merge" { "Merge it" } " below, if it does." }
        }
    }
}

/// What the last act did, in a fixed sentence (an address must not be able to make the desk say things), or why not.
fn said(screen: &Screen) -> Markup {
    let words = match screen.asked.done.as_deref() {
        Some("reply") => "The reply is written. It leaves in a few seconds; until then it can be taken back below.",
        Some("undo") => "The reply is taken back; the customer gets nothing. Its words are in the form again.",
        Some("draft") => "Your words are kept. They stand here again wherever you sign in.",
        Some("attach") => "Attached. It goes with the reply; take its mark away if it should not.",
        Some("discard") => "The draft is thrown away.",
        Some("note") => "Noted, for engineers only.",
        Some("offer") => "The time is offered to the customer. Until they accept it, the promised time stands.",
        Some("grant") => "Granted: both sides have agreed, and the customer is told.",
        Some("refuse") => "Refused: the promised time stands, and the customer is told.",
        Some("withdraw") => "Withdrawn, with your reason in the ledger.",
        Some("wait") => "The case waits. It wakes by itself at the time above, or with the customer's next mail.",
        Some("wake") => "The case is ours and ready.",
        Some("close") => "The case is closed. A mail from the customer opens it again, with a new promise.",
        Some("release") => "The case is taken on and has a promise.",
        Some("decline") => "The case is declined.",
        Some("merge") => {
            "The case is merged into the other. Everything of it stands there; it can be parted again below."
        }
        Some("unmerge") => "The case stands by itself again. What was written since stays in the other.",
        Some("next") => "This case is yours for a slice. Reply, wait, or hand it back.",
        Some("severity") => "The severity is changed for the promises to come; those that are made stand.",
        Some("estimate") => "The plan reckons with your estimate; the promise stands.",
        Some("nice") => "Its place among cases with the same due time is changed; no promise moved.",
        Some("skip") => "Handed back with your reason.",
        _ => "",
    };
    html! {
        @if let Some(refusal) = &screen.asked.refusal { (layout::refused(refusal)) }
        @else if !words.is_empty() { (layout::done(words)) }
    }
}

fn unread(page: &CasePage) -> Markup {
    let shown = page.messages.len() as i64;
    html! {
        @if page.message_count > shown {
            p.more {
                @if shown < limits::PAGE_MESSAGES_MAX {
                    a href={ "/c/" (page.row.case) "?messages=" ((shown + 100).min(limits::PAGE_MESSAGES_MAX)) "#h-older" } {
                        "Older messages: " (page.message_count - shown) " more" }
                } @else { (page.message_count - shown) " older messages: " code { "duly show " (page.row.case) } }
            }
        }
    }
}

fn about(screen: &Screen, desk: &Desk, now: Timestamp) -> Markup {
    let page = &screen.page;
    let files = page
        .messages
        .iter()
        .filter(|one| !screen.files.iter().any(|file| file.message == one.message))
        .flat_map(|one| one.facts.files.iter().map(move |file| (one, file)));
    let files: Vec<_> = files.take(20).collect();
    html! {
        section {
            h2 { "People" }
            ul.people {
                @for (name, address) in page.people.iter().take(20) { li { strong { (name) } @if name != address { " " span.address { (address) } } } }
                @if page.people.is_empty() { li { "Nobody is on it yet." } }
                @for one in page.bounced.iter().take(20) { li.bounced { strong { "Bounced. " } (one.words(&desk.zone, now)) } }
                @if let Some(owner) = &page.row.owner { li { strong { (owner) } " " span.address { "engineer" } } }
            }
        }
        (kept_files(screen))
        @if !files.is_empty() {
            section {
                h2 { "Files not taken out of their mail yet" }
                ul.files { @for (from, file) in files {
                    li { a href={ "#m" (from.message) } { (file.name) } " " span.address { (message::size(file.size)) ", " (layout::time(from.at, desk, now)) } }
                } }
            }
        }
    }
}

/// Each file with a way to save it, and a warning where one is due.
fn kept_files(screen: &Screen) -> Markup {
    let case = screen.page.row.case;
    html! {
        @if !screen.files.is_empty() {
            section {
                h2 { "Files" }
                ul.files { @for one in screen.files.iter().rev().take(limits::PAGE_ROWS as usize) {
                    li {
                        @if one.is_infected() { strong { (one.name) } } @else { a href={ "/c/" (case) "/f/" (one.file) } { (one.name) } }
                        " " span.address { (size(one.bytes.max(0) as u64)) ", " (one.kind) }
                        @if sniff::may_be_shown(&one.kind) && !one.is_infected() { " " a href={ "/c/" (case) "/f/" (one.file) "?show" } { "look" } }
                        @if one.dangerous { " " span.tag { "can do harm when opened" } }
                        @if let Some(words) = one.scan_words() { " " span.tag { (words) } }
                    }
                } }
                @if screen.files.len() > limits::PAGE_ROWS as usize { p.more { "All of them: " code { "duly files " (case) } } }
            }
        }
    }
}

fn promises(page: &CasePage, desk: &Desk, now: Timestamp) -> Markup {
    html! {
        @if !page.promises.is_empty() {
            section {
                h2 { "Promises" }
                ul.promises {
                    @for one in page.promises.iter().rev().take(20) {
                        li class=(one.state) {
                            strong.word { (one.state) } " " (layout::time(one.due, desk, now))
                            span.address {
                                " made " (layout::time(one.made, desk, now))
                                @if let Some(at) = one.settled_at { ", settled " (layout::time(at, desk, now)) }
                                @if let Some(by) = &one.by { " by " (by) }
                            }
                        }
                    }
                }
                @if page.promises.len() > 20 { p.more { "All of them: " code { "duly promise " (page.row.case) } } }
            }
        }
    }
}

fn timeline(page: &CasePage, desk: &Desk, now: Timestamp) -> Markup {
    let shown = page
        .messages
        .iter()
        .filter(|one| one.way != "note" && one.kind != "acknowledgement");
    chart::timeline(&Timeline {
        from: page.opened_at,
        now,
        zone: &desk.zone,
        dots: shown.map(|one| (one.at, message::is_theirs(one))).collect(),
        spans: page
            .promises
            .iter()
            .map(|one| (one.made, one.due, one.settled_at, one.state.as_str()))
            .collect(),
        wait: page.row.waits_for.as_deref().zip(page.row.wake_at),
    })
}
