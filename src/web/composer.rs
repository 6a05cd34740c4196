//! The form of a reply on a case's page: words, kind, what comes after, and the draft behind it (UX.md §1.4 of the design).
//!
//! What is typed is a row at the desk from the first pause on (with scripts) or by a button (without). The form carries which draft
//! it is, which version of it was seen, and up to where the case was seen. What is new since stands beside the words, and
//! sending then says "anyway".

use super::act::{PREVIEW, action, whom};
use super::case::Screen;
use super::layout;
use super::{Words, attach, markdown, message};
use crate::desk::case::RESOLUTIONS;
use crate::desk::draft::{Draft, Typed};
use crate::desk::upload::size;
use crate::desk::{CaseId, Desk, say};
use crate::limits;
use crate::refusal::Kind;
use jiff::Timestamp;
use maud::{Markup, html};

/// The names of what is chosen beside the words.
const CHOICES: [&str; 4] = ["kind", "then", "time", "resolution"];
/// What names a message that is answered begins with.
pub const ANSWERS: &str = "answers-";

/// What a form has typed in it, as a draft.
pub fn typed(case: CaseId, words: &Words) -> Typed {
    let is_choice = |name: &str| CHOICES.contains(&name) || name.starts_with(ANSWERS) || name.starts_with(attach::MARK);
    let choices = words.iter().filter(|(name, _)| is_choice(name));
    Typed {
        case: case.0,
        of: of(words),
        seen: seen(words).unwrap_or(0),
        text: words
            .get("text")
            .map_or_else(String::new, |text| text.replace("\r\n", "\n")),
        choices: choices.map(|(name, value)| (name.clone(), value.clone())).collect(),
    }
}

/// The draft that a form is of, and the version of it that was seen.
pub fn of(words: &Words) -> Option<(i64, i64)> {
    let (id, version) = words.get("draft")?.split_once('.')?;
    Some((id.parse().ok()?, version.parse().ok()?))
}

/// Up to where the case was seen.
pub fn seen(words: &Words) -> Option<i64> {
    words.get("seen")?.parse().ok()
}

/// The draft that stands in the form: the one that was asked for, else the newest.
pub fn chosen<'a>(words: &Words, drafts: &'a [Draft]) -> Option<&'a Draft> {
    let asked = words
        .get("draft")
        .and_then(|text| text.split('.').next()?.parse::<i64>().ok());
    match asked {
        Some(id) => drafts.iter().find(|one| one.id == id),
        None if words.contains_key("text") => None,
        None => drafts.first(),
    }
}

/// What stands in the form: what was just typed, else the draft.
fn standing(words: &Words, draft: Option<&Draft>) -> Words {
    match draft {
        Some(draft) if !words.contains_key("text") => {
            let mut standing = Words::from_iter(draft.typed.choices.clone());
            standing.insert("text".into(), draft.typed.text.clone());
            standing
        }
        _ => words.clone(),
    }
}

/// The form.
pub fn form(screen: &Screen, desk: &Desk, now: Timestamp, who: &str) -> Markup {
    let draft = chosen(&screen.asked.words, &screen.drafts);
    let words = standing(&screen.asked.words, draft);
    let typed = |name: &str| words.get(name).map_or("", String::as_str);
    let kind = words.get("kind").map_or("answer", String::as_str);
    let then = words.get("then").map_or("wait", String::as_str);
    let time = words
        .get("time")
        .cloned()
        .or(in_five_days(desk, now))
        .unwrap_or_default();
    let is_refused = |refusal: &crate::refusal::Refusal| refusal.kind == Kind::Conflict;
    // Whoever sent no mark of what they saw is held to who replied since their slice began.
    let by_hand = seen(&screen.asked.words).is_none()
        && (screen.asked.refusal.as_ref().is_some_and(is_refused) || words.contains_key("force"));
    let draft_is = draft.map_or_else(String::new, |one| format!("{}.{}", one.id, one.version));
    html! {
        (others(screen, draft, desk, now))
        (news(screen, desk, now))
        @if words.get("act").is_some_and(|act| act == PREVIEW) {
            section.preview aria-labelledby="h-preview" {
                h3 #h-preview { "How it will look" }
                div.words { (markdown::shown(typed("text"))) }
            }
        }
        form.reply #reply method="post" action=(action(screen, "reply")) data-draft=(action(screen, "draft")) {
            // A browser presses the first button for Enter in a line: what is typed is kept, and nothing leaves.
            button.unseen type="submit" formaction=(action(screen, "draft")) formnovalidate tabindex="-1" aria-hidden="true" { "Keep draft" }
            (screen.acting.proof())
            input type="hidden" name="draft" value=(draft_is);
            input type="hidden" name="seen" value=(screen.place);
            p.field {
                label for="text" { "Your words to " (screen.page.row.customer) }
                textarea #text name="text" rows="7" required maxlength=(limits::REPLY_BYTES) spellcheck="true" { "\n" (typed("text")) }
            }
            p.gloss #kept role="status" { @if let Some(draft) = draft {
                "Draft, kept " (layout::time(draft.saved_at, desk, now))
                @if draft.typed.case != screen.page.row.case { ", written for case " (draft.typed.case) ", which was merged into this one" } "."
            } }
            fieldset.choice {
                legend { "This is" }
                @for (value, gloss) in [("answer", "a solution or suggestion"), ("question", "with its reason"), ("finding", "found, next step, next time")] {
                    label { input type="radio" name="kind" value=(value) checked[kind == value] required; " " strong { (value) } " " span.gloss { (gloss) } }
                }
            }
            fieldset.choice {
                legend { "After it" }
                label { input type="radio" name="then" value="wait" checked[then == "wait"]; " " strong { "wait" } " " span.gloss { "for the customer until" } }
                label { input type="radio" name="then" value="owe" checked[then == "owe"]; " " strong { "owe" } " " span.gloss { "the next word by" } }
                label.inline { span.gloss { "time" } " "
                    input name="time" value=(time) size="18" maxlength="60" autocomplete="off" aria-describedby="time-hint"; }
                span.pair {
                    label { input type="radio" name="then" value="close" checked[then == "close"]; " " strong { "close" } " " span.gloss { "as" } }
                    (resolutions("resolution", typed("resolution"), "How it ended"))
                }
                p.gloss #time-hint { "Times as you say them: " code { "fri 12:00" } ", " code { "tomorrow 10" } ", " code { "+3h" }
                    ". Read in the engineer's zone. Now: " (say::short(now, &desk.zone, now)) "." }
            }
            (answers(screen, &words))
            (files(screen, &words))
            @if by_hand { p.field { label { input type="checkbox" name="force" value="1" checked[words.contains_key("force")]; " Send although the case changed since it was read" } } }
            p.send {
                @if screen.acting.signed().is_none() { (whom(screen, who)) }
                button.main type="submit" { (send(screen)) }
                " " span.gloss { "held " (limits::HOLD_SECONDS - 3) " s for undo" }
                " " button type="submit" formaction=(action(screen, PREVIEW)) formnovalidate { "Preview" }
                " " button type="submit" formaction=(action(screen, "draft")) formnovalidate { "Keep draft" }
            }
        }
    }
}

/// The end of the fifth business day from now; where the desk never closes, an afternoon and no midnight.
fn in_five_days(desk: &Desk, now: Timestamp) -> Option<String> {
    let at = desk.calendar.closing_of_business_day(now, 5).ok()?;
    let at = desk.zone.local(at);
    let at = match at.hour() == 0 && at.minute() == 0 {
        true => at.date().yesterday().ok()?.at(17, 0, 0, 0),
        false => at,
    };
    Some(at.strftime("%Y-%m-%d %H:%M").to_string())
}

/// The writer's other drafts here: of windows that were forgotten, or that wrote at the same time.
fn others(screen: &Screen, shown: Option<&Draft>, desk: &Desk, now: Timestamp) -> Markup {
    let case = screen.page.row.case;
    let others: Vec<&Draft> = screen
        .drafts
        .iter()
        .filter(|one| shown.is_none_or(|shown| shown.id != one.id))
        .filter(|one| super::composer::of(&screen.asked.words).is_none_or(|(id, _)| id != one.id))
        .collect();
    html! {
        @if !others.is_empty() {
            section.drafts aria-labelledby="h-drafts" {
                h3 #h-drafts { "Your other drafts here" }
                @for one in others {
                    details id={ "draft-" (one.id) } {
                        summary { "kept " (layout::time(one.saved_at, desk, now)) ": " (one.typed.text.chars().take(60).collect::<String>()) }
                        pre.words tabindex="0" aria-label="Draft" { (one.typed.text) }
                        form method="post" action=(action(screen, "discard")) {
                            (screen.acting.proof())
                            @if screen.acting.signed().is_none() { input type="hidden" name="as" value=(screen.writer); }
                            input type="hidden" name="draft" value={ (one.id) "." (one.version) };
                            p.send {
                                a.button href={ "/c/" (case) "?draft=" (one.id) (as_query(screen)) "#reply" } { "Go on with it" } " "
                                button type="submit" { "Throw it away" }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn as_query(screen: &Screen) -> String {
    match (screen.acting.signed(), screen.writer) {
        (None, writer) if writer > 0 => format!("&as={writer}"),
        _ => String::new(),
    }
}

/// What happened while somebody wrote, whole enough to be read beside the words.
fn news(screen: &Screen, desk: &Desk, now: Timestamp) -> Markup {
    html! {
        @if !screen.news.is_empty() {
            section.notice.news #news aria-labelledby="h-news" {
                h3 #h-news { "New since you began" }
                @for one in &screen.news {
                    p { strong { (one.what) } ", " (layout::time(one.at, desk, now)) }
                    @if !one.words.is_empty() { pre.words tabindex="0" aria-label="New words" { (one.words) } }
                }
                p.gloss { "Your words are below, as you wrote them. Change them, or send them as they are." }
            }
        }
    }
}

/// The recipient line is part of the button: nothing sent is a surprise.
fn send(screen: &Screen) -> String {
    let newest = screen.page.messages.iter().find(|one| message::is_theirs(one));
    let name = newest.map_or(screen.page.row.customer.as_str(), |one| &one.from);
    let word = if screen.news.is_empty() { "Send" } else { "Send anyway" };
    match (&screen.page.list, screen.page.people.len()) {
        (Some(_), _) => format!("{word} to {name} and the public list"),
        (None, 0 | 1) => format!("{word} to {name}"),
        (None, more) => format!("{word} to {name} + {}", more - 1),
    }
}

/// Which messages it answers, where there is a choice.
fn answers(screen: &Screen, words: &Words) -> Markup {
    let open: Vec<_> = screen
        .page
        .promises
        .iter()
        .filter(|one| one.state == "open")
        .filter_map(|one| one.message)
        .collect();
    let shown = |number: i64| screen.page.messages.iter().find(|one| one.message == number);
    // Before something was chosen, all are meant.
    let was_sent = words.contains_key("kind");
    html! {
        @if open.len() > 1 {
            fieldset.choice {
                legend { "It answers" }
                @for number in open.iter().take(20) {
                    @let name = format!("{ANSWERS}{number}");
                    label {
                        input type="checkbox" name=(name) value="1" checked[!was_sent || words.contains_key(&name)]; " "
                        @match shown(*number) {
                            Some(one) => { (one.from) ", " (one.text.lines().find(|line| !line.trim().is_empty()).unwrap_or("").chars().take(60).collect::<String>()) },
                            None => { "message " (number) },
                        }
                    }
                }
            }
        }
    }
}

/// The files that go with it, and a field for more.
fn files(screen: &Screen, words: &Words) -> Markup {
    let attached = words
        .iter()
        .filter(|(name, _)| name.strip_prefix(attach::MARK).is_some_and(|key| !key.is_empty()));
    html! {
        fieldset.choice.attached {
            legend { "Files with it" }
            @for (mark, name) in attached { label { input type="checkbox" name=(mark) value=(name) checked; " " (name) } }
            label.inline { span.gloss { "add" } " " input #files type="file" name=(attach::FIELD) multiple; } " "
            button #attach type="submit" formaction=(action(screen, "attach")) formenctype="multipart/form-data" formnovalidate { "Attach" }
            p.gloss { "Small ones go in the mail, large ones by link; " (size(limits::FORM_UPLOAD_BYTES)) " at a time." }
        }
    }
}

/// How a case can end.
pub fn resolutions(name: &str, chosen: &str, label: &str) -> Markup {
    html! {
        select name=(name) aria-label=(label) {
            @for one in RESOLUTIONS { option selected[one == chosen || (chosen.is_empty() && one == "answered")] { (one) } }
        }
    }
}
