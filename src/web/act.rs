//! What can be done to a case on its page: the forms, and what becomes of them.
//!
//! A form is a verb of the desk with an engineer's name on it; every rule and every refusal is the desk's. After an act
//! the browser is sent back to the page, so that reloading repeats nothing; a refusal is shown on the page, above the form
//! with everything that was typed.

use super::acting::Acting;
use super::case::{self, Asked, Screen};
use super::composer::{self, resolutions};
use super::queue::engineers;
use super::{House, Words, answered, attach, listen, spoken, status_of};
use crate::desk::case::State;
use crate::desk::draft;
use crate::desk::engineer::Engineer;
use crate::desk::verb::{self, Answer, Bargain, Principal, Verb};
use crate::desk::{CaseId, Desk, EngineerId};
use crate::limits;
use crate::refusal::{Outcome, Refusal};
use axum::Form;
use axum::extract::{Path, State as Given};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use jiff::Timestamp;
use maud::{Markup, html};

/// What shows a reply as it will look.
pub const PREVIEW: &str = "preview";

/// Does an act to a case.
pub async fn perform(
    Given(house): Given<House>,
    acting: Acting,
    Path((named, act)): Path<(String, String)>,
    Form(words): Form<Words>,
) -> Response {
    let done = listen::blocking(move || done(&house, &acting, case::number(&named)?, &act, words));
    match done.await {
        Ok(response) => response,
        Err(fault) => answered(Err(fault)),
    }
}

/// Where whoever asks for the address of an act is sent.
pub async fn back(Path((named, _)): Path<(String, String)>) -> Response {
    match case::number(&named) {
        Ok(case) => Redirect::to(&format!("/c/{}", case.0)).into_response(),
        Err(refusal) => super::said(&refusal),
    }
}

fn done(house: &House, acting: &Acting, case: CaseId, act: &str, mut words: Words) -> Outcome<Response> {
    let door = &house.door;
    let verb = verb(case, act, &words);
    if verb.is_none() && act != PREVIEW {
        return Err(Refusal::missing(format!("\"{act}\" is nothing that a case page does.")).into());
    }
    let engineer = door.store.read(|tx| acting.engineer(tx, &words));
    if let Ok(engineer) = &engineer
        && acting.signed().is_none()
    {
        words.insert("as".into(), engineer.id.0.to_string());
    }
    let Some(verb) = verb else {
        // Looking at one's words changes nothing and keeps them.
        keep(house, engineer?.id, case, &mut words);
        words.insert("act".into(), act.to_owned());
        let asked = Asked {
            words,
            ..Asked::default()
        };
        return Ok((StatusCode::OK, case::render(house, acting, case, asked)?).into_response());
    };
    // A browser that sends a form without its files names them: they were chosen and did not come.
    let left_behind = words
        .get(attach::FIELD)
        .filter(|name| act == "reply" && !name.is_empty());
    let engineer = match left_behind {
        Some(name) => Err(Refusal::usage(format!(
            "{name} was chosen and is not attached yet, so nothing was sent. Choose it again and press Attach, or send without it."
        ))
        .into()),
        None => engineer,
    };
    let outcome = engineer.and_then(|engineer| Ok((engineer.id, performed(house, &engineer, verb)?)));
    if act == "draft" && words.contains_key("by") {
        return kept(outcome.map(|(_, answer)| answer));
    }
    match outcome {
        Ok((engineer, Answer::Done(done))) if act == "undo" => {
            // The words come back into the form, under the case they were written for.
            words.insert("text".into(), done.data["text"].as_str().unwrap_or_default().to_owned());
            let case = done.case.map_or(case, CaseId);
            keep(house, engineer, case, &mut words);
            let asked = Asked {
                done: Some("undo".into()),
                words,
                ..Asked::default()
            };
            Ok((StatusCode::OK, case::render(house, acting, case, asked)?).into_response())
        }
        Ok((engineer, _)) => {
            let query = acting.query(engineer.0, act);
            Ok(Redirect::to(&format!("/c/{}{query}", case.0)).into_response())
        }
        Err(fault) => {
            let refusal = spoken(&fault);
            let status = status_of(refusal.kind);
            if act == "reply"
                && let Ok(engineer) = door.store.read(|tx| acting.engineer(tx, &words))
            {
                keep(house, engineer.id, case, &mut words);
            }
            words.insert("act".into(), act.to_owned());
            let asked = Asked {
                refusal: Some(refusal),
                words,
                ..Asked::default()
            };
            Ok((status, case::render(house, acting, case, asked)?).into_response())
        }
    }
}

fn performed(house: &House, engineer: &Engineer, verb: Verb) -> Outcome<Answer> {
    let door = &house.door;
    let who = Principal::Engineer(Box::new(engineer.clone()));
    verb::perform(&door.store, &door.desk, door.clock.now(), who, verb)
}

/// Words that were not sent are kept as a draft. Where that fails, they still stand in the form that comes back.
fn keep(house: &House, engineer: EngineerId, case: CaseId, words: &mut Words) {
    let (now, typed) = (house.door.clock.now(), composer::typed(case, words));
    let kept = house.door.store.write(move |tx| draft::keep(tx, now, engineer, &typed));
    match kept {
        Ok(Some((id, version))) => _ = words.insert("draft".into(), format!("{id}.{version}")),
        Ok(None) => {}
        Err(fault) => tracing::warn!(cause = %fault, "words that were not sent are kept in the form only"),
    }
}

/// What the script is told of a draft: which it is, in which version. A fault has words as every other.
fn kept(outcome: Outcome<Answer>) -> Outcome<Response> {
    let Answer::Done(done) = outcome? else {
        return Ok(StatusCode::NO_CONTENT.into_response());
    };
    let said = match (done.data["draft"].as_i64(), done.data["version"].as_i64()) {
        (Some(id), Some(version)) => format!("{id}.{version}"),
        _ => String::new(),
    };
    Ok(said.into_response())
}

/// The verb that a form means.
fn verb(case: CaseId, act: &str, words: &Words) -> Option<Verb> {
    // Browsers end lines with CRLF.
    let text = |name: &str| {
        words
            .get(name)
            .map_or_else(String::new, |text| text.replace("\r\n", "\n"))
    };
    let spoken = |name: &str| Some(text(name)).filter(|text| !text.trim().is_empty());
    let case = case.0;
    Some(match act {
        "draft" => Verb::Draft(composer::typed(CaseId(case), words)),
        "discard" => Verb::DraftDrop {
            draft: composer::of(words)?.0,
        },
        "reply" => reply(case, words, text),
        "note" => Verb::Note {
            case,
            text: text("note"),
        },
        "wait" => Verb::Wait {
            case,
            party: text("party"),
            until: text("until"),
            because: spoken("because"),
            tell: spoken("tell"),
            anyway: words.contains_key("anyway"),
        },
        "wake" => Verb::Wake { case },
        "offer" | "grant" | "refuse" => Verb::Negotiate {
            case,
            number: None,
            bargain: match act {
                "offer" => Bargain::Offer,
                "grant" => Bargain::Accept,
                _ => Bargain::Refuse,
            },
            time: (act == "offer").then(|| text("until")),
            because: spoken("because"),
            meanwhile: spoken("meanwhile"),
            sign: spoken("sign"),
        },
        "withdraw" => Verb::Promise {
            case,
            offer: None,
            withdraw: Some(text("because")),
            number: None,
        },
        "close" => Verb::Close {
            case,
            resolution: spoken("resolution"),
            because: spoken("because"),
        },
        "skip" => Verb::Skip {
            reason: text("because"),
        },
        "severity" => Verb::Severity {
            case,
            severity: text("severity"),
            because: text("because"),
        },
        "nice" => Verb::Nice {
            case,
            // The form takes numbers only; what comes from elsewhere and is none is no act.
            nice: text("nice").trim().parse().ok()?,
            because: text("because"),
        },
        "estimate" => Verb::Estimate {
            case,
            minutes: match text("minutes").trim() {
                "" => None,
                minutes => Some(minutes.parse().ok()?),
            },
        },
        "undo" => Verb::Undo,
        "release" => Verb::Release { what: case.to_string() },
        "merge" => Verb::Merge {
            case,
            into: text("into").trim().trim_start_matches('#').parse().ok(),
        },
        "unmerge" => Verb::Unmerge { case },
        "decline" => Verb::Decline {
            case,
            because: text("because"),
        },
        _ => return None,
    })
}

/// A reply; one that says up to where its writer saw the case passes only if nothing is new.
fn reply(case: i64, words: &Words, text: impl Fn(&str) -> String) -> Verb {
    let reply = Verb::Reply {
        case,
        text: text("text"),
        kind: text("kind"),
        then: Some(match text("then").as_str() {
            "close" => format!("close as {}", text("resolution")),
            then => format!("{then} {}", text("time").trim()),
        }),
        answers: words
            .keys()
            .filter_map(|name| name.strip_prefix(composer::ANSWERS)?.parse().ok())
            .collect(),
        force_stale: words.contains_key("force"),
        files: words
            .keys()
            .filter_map(|name| name.strip_prefix(attach::MARK))
            .map(str::to_owned)
            .collect(),
    };
    match composer::seen(words) {
        Some(seen) => Verb::Composed {
            reply: Box::new(reply),
            seen,
            draft: composer::of(words).map(|(id, _)| id),
        },
        None => reply,
    }
}

/// The forms that this case allows.
pub fn forms(screen: &Screen, desk: &Desk, now: Timestamp) -> Outcome<Markup> {
    let (row, words) = (&screen.page.row, &screen.asked.words);
    let who = actor(screen, now)?;
    let held = screen
        .page
        .messages
        .iter()
        .find(|one| one.delivery.iter().any(|copy| copy.state == "held"));
    let is_open = words.get("act").map(String::as_str);
    Ok(html! {
        @if screen.engineers.is_empty() {
            p.notice { "Nobody can answer here yet. Add an engineer: " code { "duly cpu add ADDRESS --name NAME" } "." }
        } @else {
            section.acts aria-labelledby="h-acts" {
                h2 #h-acts { @if row.state == State::Unsorted { "Decide" } @else { "Reply" } }
                div #undo data-live { @if let Some(held) = held { (undo(screen, &held.from)) } }
                @if row.state == State::Unsorted { (sorting(screen, &who)) } @else { (composer::form(screen, desk, now, &who)) }
                div.others #others data-live { (others(screen, &who, is_open)) }
            }
        }
    })
}

/// As whom a form is sent: on an open desk that is chosen, signed in it is oneself.
pub fn whom(screen: &Screen, who: &str) -> Markup {
    html! {
        @if screen.acting.signed().is_some() { (screen.acting.proof()) }
        @else { label for="as" { "As" } " " (engineers(&screen.engineers, Some(who))) " " }
    }
}

/// Who most likely acts: as chosen, else who has it, else the first on duty.
pub fn actor(screen: &Screen, now: Timestamp) -> Outcome<String> {
    if let Some(chosen) = screen.asked.words.get("as") {
        return Ok(chosen.clone());
    }
    let owner = screen
        .engineers
        .iter()
        .find(|one| Some(&one.name) == screen.page.row.owner.as_ref());
    if let Some(owner) = owner {
        return Ok(owner.id.0.to_string());
    }
    for one in &screen.engineers {
        if one.calendar()?.is_open(now) {
            return Ok(one.id.0.to_string());
        }
    }
    Ok(String::new())
}

pub fn action(screen: &Screen, act: &str) -> String {
    format!("/c/{}/{act}", screen.page.row.case)
}

/// Taking back is its author's: the form carries their name and asks for none.
fn undo(screen: &Screen, author: &str) -> Markup {
    let author = screen.engineers.iter().find(|one| one.name == author);
    let is_own = |id| screen.acting.signed().is_none_or(|own| own.signed.engineer.id == id);
    html! {
        @if let Some(author) = author && is_own(author.id) {
            form.undo method="post" action=(action(screen, "undo")) {
                @if screen.acting.signed().is_some() { (screen.acting.proof()) } @else { input type="hidden" name="as" value=(author.id.0); }
                p { "A reply of " (author.name) " is held and has not left yet. " button type="submit" { "Take it back" } }
            }
        }
    }
}

/// A small form behind its name.
fn small(screen: &Screen, who: &str, act: &str, title: &str, opened: Option<&str>, fields: Markup) -> Markup {
    html! {
        details id={ "act-" (act) } open[opened == Some(act)] {
            summary { (title) }
            form method="post" action=(action(screen, act)) {
                (fields)
                p.send {
                    @if screen.acting.signed().is_some() { (screen.acting.proof()) }
                    @else {
                        label { span.gloss { "As " } select name="as" {
                            @for one in &screen.engineers { option value=(one.id.0) selected[one.id.0.to_string() == who] { (one.name) } }
                        } }
                    }
                    " " button type="submit" { (title) }
                }
            }
        }
    }
}

fn others(screen: &Screen, who: &str, opened: Option<&str>) -> Markup {
    let row = &screen.page.row;
    let words = &screen.asked.words;
    let typed = |act: &str, name: &str| {
        words
            .get(name)
            .filter(|_| opened == Some(act))
            .cloned()
            .unwrap_or_default()
    };
    let because = |act: &str| html! { label.field { "Reason" input name="because" value=(typed(act, "because")) maxlength="500" required autocomplete="off"; } };
    let is_live = !matches!(row.state, State::Closed | State::Unsorted);
    html! {
        (small(screen, who, "note", "Write an internal note", opened, html! {
            label.field { "For engineers only; the customer never sees it" textarea name="note" rows="4" required { "\n" (typed("note", "note")) } }
        }))
        @if screen.page.merged_into.is_some() {
            (small(screen, who, "unmerge", "Part it from the other case", opened, html! {}))
        } @else {
            (small(screen, who, "merge", "Merge it into another case", opened, html! {
                @let offered = screen.page.offered.as_ref().map(|offer| offer.case.to_string()).unwrap_or_default();
                label.field { "Number of the case it belongs to" input name="into" inputmode="numeric" required maxlength="20" autocomplete="off"
                    value=(Some(typed("merge", "into")).filter(|text| !text.is_empty()).unwrap_or(offered)); }
            }))
        }
        @if is_live && screen.next_due().is_some() {
            @let sign = html! { label.field { "Signed by a lead over the count, because (empty: not signed)" input name="sign" maxlength="300" autocomplete="off"; } };
            @let wished = screen.page.promises.iter().any(|one| one.wished.is_some());
            @if wished {
                (small(screen, who, "grant", "Grant the time they ask for", opened, sign.clone()))
                (small(screen, who, "refuse", "Refuse the time they ask for", opened, html! {
                    label.field { "One sentence why; the customer reads it" input name="because" value=(typed("refuse", "because")) maxlength="300" autocomplete="off"; }
                }))
            }
            (small(screen, who, "offer", "Offer another time", opened, html! {
                label.field { "Reply by" input name="until" value=(typed("offer", "until")) required maxlength="60" placeholder="thu 09:00" autocomplete="off"; }
                label.field { "One sentence why; the customer reads it" input name="because" value=(typed("offer", "because")) maxlength="300" autocomplete="off"; }
                label.field { "What is safe until then" input name="meanwhile" value=(typed("offer", "meanwhile")) maxlength="300" autocomplete="off"; }
                (sign)
            }))
            (small(screen, who, "withdraw", "Withdraw the promise", opened, because("withdraw")))
        }
        @if is_live {
            (small(screen, who, "wait", "Wait", opened, html! {
                label.field { "For" select name="party" {
                    @for one in ["engineering", "upstream", "lab", "date", "customer"] { option selected[one == typed("wait", "party")] { (one) } }
                } }
                label.field { "Until" input name="until" value=(typed("wait", "until")) required maxlength="60" placeholder="thu 09:00" autocomplete="off"; }
                (because("wait"))
                p.field { label { input type="checkbox" name="anyway" value="1"; " Although the promise would break by so long a wait" } }
            }))
            @if row.waits_for.is_some() { (small(screen, who, "wake", "Wake it now", opened, html! {})) }
            @if may_skip(screen) { (small(screen, who, "skip", "Hand back my slice", opened, because("skip"))) }
            (small(screen, who, "severity", "Change its severity", opened, html! {
                label.field { "For the promises to come; those that are made stand" select name="severity" {
                    @for one in plan::Severity::ALL { option value=(one.number()) selected[i64::from(one.number()) == row.severity] { (one) } }
                } }
                (because("severity"))
            }))
            @if screen.next_due().is_some() {
                (small(screen, who, "estimate", "Say how long it takes", opened, html! {
                    label.field { "Minutes of work in all, as far as you see (empty: no estimate)" input type="number" name="minutes" min="1"
                        max=(limits::ESTIMATE_MINUTES) value=(typed("estimate", "minutes")) autocomplete="off"; }
                }))
            }
            (small(screen, who, "nice", "Order it among equals", opened, html! {
                label.field { "Nice, -20 (first) to 19 (last); it moves no promise" input type="number" name="nice" min="-20" max="19" required autocomplete="off"
                    value=(Some(typed("nice", "nice")).filter(|text| !text.is_empty()).unwrap_or(row.nice.to_string())); }
                (because("nice"))
            }))
            (small(screen, who, "close", "Close without a reply", opened, html! {
                label.field { "As" (resolutions("resolution", &typed("close", "resolution"), "How it ended")) }
                label.field { "Summary" input name="because" value=(typed("close", "because")) maxlength="500" autocomplete="off"; }
            }))
        }
    }
}

/// A slice is handed back by who has it.
fn may_skip(screen: &Screen) -> bool {
    match screen.acting.signed() {
        Some(own) => screen.on_it.contains(&own.signed.engineer.name),
        None => !screen.on_it.is_empty(),
    }
}

fn sorting(screen: &Screen, who: &str) -> Markup {
    let opened = screen.asked.words.get("act").map(String::as_str);
    let typed = screen.asked.words.get("because").map_or("", String::as_str);
    html! {
        p { "Its sender is not verified, so nothing was promised and nothing was answered. Take it on, and its promise counts from now." }
        form method="post" action=(action(screen, "release")) {
            p.send { (whom(screen, who)) button.main type="submit" { "Take it on" } }
        }
        (small(screen, who, "decline", "Decline it", opened, html! {
            label.field { "Reason, which the ledger keeps" input name="because" value=(typed) maxlength="500" required autocomplete="off"; }
        }))
    }
}
