//! `/`, the run queue: is every promise safe, who works on what, what comes next (UX.md §1.1 of the design).
//!
//! Every read is a page of an index, so ten thousand open cases cost what fifty do. The order within a group is the
//! desk's; this page decides only how it looks. What is at risk, why and what would help is the
//! plan's word. The earliest honest slot is not said yet: nothing here is a guess.

use super::acting::Acting;
use super::chart::{self, Block, Lane, Tick, Timetable};
use super::layout::{self, Frame, counted};
use super::{House, Words, answered, listen, spoken, status_of};
use crate::desk::case::State;
use crate::desk::engineer::{self, Engineer};
use crate::desk::queue::{self, CaseRow, Counts, Deadline, Group, Place};
use crate::desk::schedule::danger::{self, Outlook};
use crate::desk::schedule::{instant, minute};
use crate::desk::verb::{self, Answer, Principal, Verb};
use crate::desk::{CaseId, Desk, EngineerId, Unverified, absence, agenda, outbox, say};
use crate::limits;
use crate::refusal::{Fault, Outcome, Refusal};
use crate::store::Tx;
use axum::Form;
use axum::extract::{Query, State as Given};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use jiff::{SignedDuration, Timestamp};
use maud::{Markup, html};
use plan::interval::{Interval, without};
use std::net::SocketAddr;

/// Groups in their order on the page, with what they are called there and in the address of a further page.
const GROUPS: [(Group, &str, &str); 3] = [
    (Group::Promised, "promised", "Promised"),
    (Group::Waiting, "waiting", "Waiting for customers"),
    (Group::Unsorted, "unsorted", "Unsorted"),
];

/// How far the picture reaches at most.
const TIMETABLE_REACH: SignedDuration = SignedDuration::from_hours(72);

/// Everything that the page shows, from one snapshot.
struct Screen {
    counts: Counts,
    within_the_hour: i64,
    outlook: Outlook,
    /// When engineers are away or taken.
    gone: Vec<(EngineerId, Interval)>,
    past: i64,
    mail_held: bool,
    engineers: Vec<Engineer>,
    slices: Vec<(EngineerId, CaseId, Timestamp)>,
    deadlines: Vec<Deadline>,
    groups: Vec<(usize, Vec<CaseRow>)>,
    from: Option<Place>,
}

/// Shows the page, or a further page of one group (`?more=promised&from=…`).
pub async fn show(Given(house): Given<House>, acting: Acting, Query(asked): Query<Words>) -> Response {
    answered(listen::blocking(move || Ok((StatusCode::OK, render(&house, &acting, &asked, None)?))).await)
}

/// Gives whoever acts a slice and goes to its case.
pub async fn next(Given(house): Given<House>, acting: Acting, Form(words): Form<Words>) -> Response {
    let done = listen::blocking(move || {
        let (door, now) = (&house.door, house.door.clock.now());
        let outcome = door.store.read(|tx| acting.engineer(tx, &words)).and_then(|engineer| {
            let id = engineer.id.0;
            let who = Principal::Engineer(Box::new(engineer));
            Ok((id, verb::perform(&door.store, &door.desk, now, who, Verb::Next)?))
        });
        Ok(match outcome {
            Ok((id, Answer::Slice(slice))) => {
                Redirect::to(&format!("/c/{}{}", slice.row.case, acting.query(id, "next"))).into_response()
            }
            Ok(_) => Redirect::to("/").into_response(),
            Err(fault) => {
                let refusal = spoken(&fault);
                (
                    status_of(refusal.kind),
                    render(&house, &acting, &words, Some(&refusal))?,
                )
                    .into_response()
            }
        })
    });
    done.await.unwrap_or_else(|fault: Fault| super::said(&spoken(&fault)))
}

/// Where whoever asks for the address of an act is sent.
pub async fn back() -> Redirect {
    Redirect::to("/")
}

fn read(tx: &mut Tx<'_>, now: Timestamp, zone: &plan::Zone, asked: &Words) -> Outcome<Screen> {
    let more = asked
        .get("more")
        .and_then(|named| GROUPS.iter().position(|(_, name, _)| name == named));
    let from = more.and(asked.get("from")).and_then(|text| {
        let (at, case) = text.split_once('.')?;
        Some(Place {
            at: at.parse().ok()?,
            case: case.parse().ok()?,
        })
    });
    let wanted = match more {
        Some(one) => vec![one],
        None => (0..GROUPS.len()).collect(),
    };
    let mut groups = Vec::new();
    for one in wanted {
        // One more than is shown says whether there is a further page.
        groups.push((one, queue::group(tx, GROUPS[one].0, from, limits::PAGE_ROWS + 1)?));
    }
    let past = queue::due_by(tx, now)?;
    Ok(Screen {
        counts: queue::counts(tx)?,
        within_the_hour: queue::due_by(tx, now + SignedDuration::from_hours(1))? - past,
        outlook: danger::outlook(tx, now, zone)?,
        gone: gone(tx, now)?,
        past,
        mail_held: outbox::is_held(tx)?,
        engineers: engineer::list(tx)?,
        slices: queue::slices(tx)?,
        deadlines: queue::deadlines(tx, limits::TIMETABLE_DEADLINES)?,
        groups,
        from,
    })
}

fn render(house: &House, acting: &Acting, asked: &Words, refusal: Option<&Refusal>) -> Outcome<Markup> {
    let (door, now) = (&house.door, house.door.clock.now());
    let screen = door.store.read(|tx| read(tx, now, &door.desk.zone, asked))?;
    let desk = &door.desk;
    let address = match screen.from {
        Some(place) => format!(
            "/?more={}&from={}.{}",
            GROUPS[screen.groups[0].0].1, place.at, place.case
        ),
        None => "/".to_owned(),
    };
    let on_duty = on_duty(&screen, now)?;
    let timetable = timetable(&screen, desk, now)?;
    let is_first = screen.from.is_none();
    let content = html! {
        div #status data-live {
            h1 { "Run queue" }
            (status(&screen))
            @if let Some(refusal) = refusal { (layout::refused(refusal)) }
            @if is_first { (pressure(&screen, on_duty)) (trouble(&screen.outlook, &desk.zone, now)) }
        }
        @if is_first && !screen.engineers.is_empty() {
            (chooser(&screen, acting, asked.get("as").map(String::as_str)))
        }
        div #lists data-live {
            @if is_first && (screen.counts.ours == 0) { (empty(&screen, desk, now)) }
            @if is_first && !timetable.lanes.is_empty() { (chart::timetable(&timetable)) }
            @for (which, rows) in &screen.groups { (group(*which, rows, &screen, desk, now)) }
            @if !is_first { p { a href="/" { "Back to the beginning of the run queue" } } }
        }
        (foot(desk, door.smtp))
    };
    let frame = Frame {
        title: "Run queue",
        desk: &desk.name,
        address: &address,
        is_queue: true,
        mail_held: screen.mail_held,
        acting,
    };
    Ok(layout::page(&frame, content))
}

fn status(screen: &Screen) -> Markup {
    let counts = &screen.counts;
    html! {
        ul.status {
            li { strong { (counts.ours) } " promised" }
            li { strong { (counts.running) } " being worked on" }
            li.soon[screen.within_the_hour > 0] { strong { (screen.within_the_hour) } " due within the hour" }
            @if !screen.outlook.at_risk.is_empty() { li.soon { strong { (screen.outlook.at_risk.len()) } " at risk" } }
            @if screen.past > 0 { li.past { strong { (screen.past) } " past the promised time" } }
            li { strong { (counts.theirs) } " waiting" }
            li { strong { (counts.unsorted) } " unsorted" }
            @if screen.mail_held { li.past { strong { "MAIL HELD" } " nothing leaves" } } @else { li { "mail is sent" } }
        }
    }
}

/// What is said before anything else when there is trouble.
fn pressure(screen: &Screen, on_duty: i64) -> Markup {
    // A quantum is twenty minutes: three decisions an hour and engineer.
    let slices = 3 * on_duty;
    html! {
        @if screen.mail_held {
            p.notice.no { strong { "Mail is held. " } "Nothing leaves the desk, replies included; mail still comes in and promises go on counting. "
                code { "duly spool release all" } " lets mail leave again." }
        }
        @if screen.within_the_hour > slices {
            p.notice.no { strong { "More is due than can be answered. " }
                (counted(screen.within_the_hour, "reply is", "replies are")) " due within the hour; "
                (counted(on_duty, "engineer", "engineers")) " on duty have " (counted(slices, "slice", "slices")) " of 20 minutes in it. "
                "Send what is known as a finding with the next time, or call somebody in." }
        }
    }
}

/// What is at risk, why, and what would help; and who is asked to take what is urgent.
fn trouble(outlook: &Outlook, zone: &plan::Zone, now: Timestamp) -> Markup {
    let listed = outlook.at_risk.iter().take(limits::AT_RISK_SHOWN);
    let more = outlook.at_risk.len().saturating_sub(limits::AT_RISK_SHOWN);
    html! {
        @for one in &outlook.asked {
            p.notice { "Case " a href=(format!("/c/{}", one.case.0)) { (one.case.0) } " is severity 1 and nobody has begun it. "
                (one.name) " is asked to take it"
                @if let Some(case) = one.in_hand { " once the slice on case " (case.0) " is finished" }
                "." }
        }
        @if !outlook.at_risk.is_empty() {
            ul.risks {
                @for one in listed {
                    li { "Case " a href=(format!("/c/{}", one.case.0)) { (one.case.0) } " is at risk (promised by "
                        (plan::say::short(one.due, zone, now)) "): " (one.trouble.said(zone, now)) "." }
                }
                @if more > 0 { li { "And " (counted(more as i64, "other", "others")) ": " code { "duly ps" } " marks them." } }
            }
        }
    }
}

fn on_duty(screen: &Screen, now: Timestamp) -> Outcome<i64> {
    let mut count = 0;
    for engineer in &screen.engineers {
        count += i64::from(engineer.calendar()?.is_open(now));
    }
    Ok(count)
}

fn chooser(screen: &Screen, acting: &Acting, chosen: Option<&str>) -> Markup {
    html! {
        form.next #next method="post" action="/next" {
            @if acting.signed().is_some() { (acting.proof()) }
            @else { label for="as" { "As" } (engineers(&screen.engineers, chosen)) }
            button.main type="submit" { "Next: give me a case" }
        }
    }
}

/// The choice of who acts.
pub fn engineers(all: &[Engineer], chosen: Option<&str>) -> Markup {
    html! {
        select #as name="as" {
            @for one in all {
                option value=(one.id.0) selected[chosen == Some(&one.id.0.to_string())] { (one.name) }
            }
        }
    }
}

fn empty(screen: &Screen, desk: &Desk, now: Timestamp) -> Markup {
    let wake = screen
        .groups
        .iter()
        .find(|(which, _)| GROUPS[*which].0 == Group::Waiting)
        .and_then(|(_, rows)| rows.first());
    html! {
        div.empty {
            p.lead { "No case is waiting for us." }
            @match wake.and_then(|row| Some((row.case, row.wake_at?))) {
                Some((case, at)) => p { "Next wake-up: " a href={ "/c/" (case) } { "case " (case) } " at " (layout::time(at, desk, now)) "." },
                None if desk.unverified == Unverified::Schedule => p {
                    "A mail to " strong { (desk.address()) } " becomes a case here, with a promised reply time, within a second."
                },
                None => p {
                    "A mail to " strong { (desk.address()) } " becomes a case here, with a promised reply time, as soon as its sender is verified; until then it stands under Unsorted."
                },
            }
        }
    }
}

fn timetable<'a>(screen: &'a Screen, desk: &'a Desk, now: Timestamp) -> Outcome<Timetable<'a>> {
    let hours = SignedDuration::from_hours;
    // As far as the twentieth deadline, so that near ones are not crowded into a corner.
    let last = screen.deadlines.iter().take(20).next_back().map_or(now, |one| one.due);
    let span = (last.duration_since(now) + hours(1)).clamp(hours(4), TIMETABLE_REACH);
    let until = now + span;
    let mut lanes = Vec::new();
    for engineer in &screen.engineers {
        let slice = screen
            .slices
            .iter()
            .find(|(who, ..)| *who == engineer.id)
            .map(|(_, case, began)| (case.0, *began));
        lanes.push(Lane {
            name: &engineer.name,
            slice,
            off: off_duty(screen, engineer, now, until)?,
            planned: planned(screen, engineer.id),
            ticks: ticks(screen, Some(engineer.id)),
        });
    }
    let unowned = ticks(screen, None);
    if !unowned.is_empty() {
        lanes.push(Lane {
            name: "nobody yet",
            slice: None,
            off: Vec::new(),
            planned: Vec::new(),
            ticks: unowned,
        });
    }
    if screen.deadlines.is_empty() && screen.slices.is_empty() {
        lanes.clear();
    }
    // Who has something to do first; the order by name stays among equals.
    lanes.sort_by_key(|lane| {
        (
            lane.slice.is_none() && lane.ticks.is_empty() && lane.planned.is_empty(),
            lane.off.first().is_some_and(|(from, _)| *from <= now),
        )
    });
    let unseen = lanes.len().saturating_sub(limits::TIMETABLE_ROWS);
    lanes.truncate(limits::TIMETABLE_ROWS);
    Ok(Timetable {
        now,
        until,
        zone: &desk.zone,
        lanes,
        unseen,
    })
}

fn ticks(screen: &Screen, owner: Option<EngineerId>) -> Vec<Tick<'_>> {
    let own = screen.deadlines.iter().filter(|one| one.owner == owner);
    own.map(|one| Tick {
        case: one.case,
        due: one.due,
        word: &one.word,
    })
    .collect()
}

/// When the engineer does not work between two instants.
fn off_duty(
    screen: &Screen,
    engineer: &Engineer,
    now: Timestamp,
    until: Timestamp,
) -> Outcome<Vec<(Timestamp, Timestamp)>> {
    let shown = Interval::new(minute(now), minute(until));
    let own = screen.gone.iter().filter(|(who, _)| *who == engineer.id);
    let gone: Vec<Interval> = own.map(|(_, at)| *at).collect();
    let there = without(&engineer.calendar()?.open_minutes(shown), &gone);
    let off = without(&[shown], &there);
    Ok(off.iter().map(|one| (instant(one.from), instant(one.to))).collect())
}

/// What the plan gives somebody next.
fn planned(screen: &Screen, who: EngineerId) -> Vec<Block> {
    let own = screen.outlook.planned.iter().filter(|one| one.engineer == who);
    own.map(|one| Block {
        case: one.case.0,
        from: one.from,
        until: one.until,
        due: one.due,
    })
    .collect()
}

/// Absences, and what own calendars take, as far as a picture reaches.
fn gone(tx: &mut Tx<'_>, now: Timestamp) -> Outcome<Vec<(EngineerId, Interval)>> {
    let away = absence::ahead(tx, now)?;
    let taken = agenda::ahead(tx, now, now + TIMETABLE_REACH)?;
    let away = away.iter().map(|one| (one.engineer, one.minutes()));
    Ok(away.chain(taken.iter().map(|one| (one.engineer, one.at))).collect())
}

fn group(which: usize, rows: &[CaseRow], screen: &Screen, desk: &Desk, now: Timestamp) -> Markup {
    let (group, name, title) = GROUPS[which];
    let shown = &rows[..rows.len().min(limits::PAGE_ROWS as usize)];
    let further = (rows.len() > shown.len())
        .then(|| shown.last().map(|row| group.place(row)))
        .flatten();
    let count = match group {
        Group::Promised => screen.counts.ours,
        Group::Waiting => screen.counts.theirs,
        Group::Unsorted => screen.counts.unsorted,
    };
    html! {
        @if !shown.is_empty() {
            section.group aria-labelledby={ "h-" (name) } {
                h2 id={ "h-" (name) } { (title) " " span.count { (count) } }
                table.cases {
                    caption.unseen { (title) ": " (counted(count, "case", "cases")) }
                    thead { tr {
                        th scope="col" { "Case" } th scope="col" { "State" }
                        th scope="col" { @match group { Group::Promised => "Reply by", Group::Waiting => "Until", Group::Unsorted => "Time" } }
                        th scope="col" { "Left" } th scope="col" { "Who" } th scope="col" { "Customer" } th scope="col" { "Subject" }
                    } }
                    tbody { @for row in shown { (line(group, row, desk, now)) } }
                }
                @if let Some(place) = further {
                    p.more { a href={ "/?more=" (name) "&from=" (place.at) "." (place.case) } {
                        "More " (title.to_lowercase()) ": the next " (limits::PAGE_ROWS)
                    } }
                }
            }
        }
    }
}

fn line(group: Group, row: &CaseRow, desk: &Desk, now: Timestamp) -> Markup {
    let at = if group == Group::Waiting {
        row.wake_at
    } else {
        row.reply_by
    };
    let near = row.reply_by.map_or("", |due| layout::nearness(due, now));
    html! {
        tr id={ "case-" (row.case) } {
            td.number { (row.case) }
            td.state { (state(row)) }
            td.due { @match at { Some(at) => (layout::time(at, desk, now)), None => span.none { "none promised" } } }
            td class={ "left " (near) } { @if let Some(at) = at { (say::left(at.duration_since(now)).trim_start_matches('-')) @if near == "past" { " past" } } }
            td.who { @match &row.owner { Some(name) => (name), None => span.none { "nobody yet" } } }
            td.customer { (row.customer) }
            td.subject {
                a href={ "/c/" (row.case) } data-row { (row.subject) }
                @if row.severity < 3 { " " span.severity { (severity(row.severity)) } }
            }
        }
    }
}

/// A severity in its word (PRODUCT.md §3.13).
pub fn severity(number: i64) -> &'static str {
    match number {
        1 => "1 stopped",
        2 => "2 severe",
        3 => "3 limited",
        _ => "4 question or wish",
    }
}

/// The state as sign and word; what it waits for where it does.
pub fn state(row: &CaseRow) -> Markup {
    let (class, sign, word) = match row.state {
        State::Unsorted => ("unsorted", "?", "unsorted"),
        State::Running => ("running", "●", "running"),
        State::Ready => ("ready", "○", "ready"),
        State::Blocked => ("blocked", "◐", "blocked"),
        State::Waiting => ("waiting", "‖", "waiting"),
        State::Closing => ("waiting", "◌", "closing"),
        State::Closed => ("closed", "✓", "closed"),
    };
    html! {
        span class={ "state " (class) } {
            span.sign aria-hidden="true" { (sign) } (word)
            @if row.state == State::Blocked && let Some(party) = &row.waits_for { " on " (party) }
        }
        @if row.reply_under_way { " " span.tag { "reply under way" } }
    }
}

fn foot(desk: &Desk, smtp: SocketAddr) -> Markup {
    html! {
        aside.hint aria-labelledby="h-hint" {
            h2 #h-hint { "Write as a customer" }
            p { "Send a mail to " strong { (desk.address()) } " over SMTP, at the address that " code { "duly serve" } " printed when it started:" }
            pre tabindex="0" aria-label="Example" { code { "curl smtp://" (smtp) " --mail-from you@customer.example \\\n     --mail-rcpt " (desk.address()) " -T mail.txt" } }
            p { "The case appears above by itself." }
        }
    }
}
