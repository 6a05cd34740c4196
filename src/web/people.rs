//! `/people`: who works when, on what, how much (UX.md §1.8 of the design), and what would become of promises without
//! somebody or with one more.
//!
//! The page only reads: people are set by `duly cpu`. The form is a GET, so that a thought has an address of its own.

use super::acting::Acting;
use super::band::{self, Band, Row};
use super::layout::{self, Frame};
use super::{House, Words, answered, listen, spoken};
use crate::desk::engineer::{self, Engineer};
use crate::desk::schedule::load::{self, Line, Report};
use crate::desk::schedule::{instant, minute};
use crate::desk::verb::{self, Answer, Principal, Verb};
use crate::desk::{Desk, absence, agenda, outbox};
use crate::limits;
use crate::refusal::{Outcome, Refusal};
use crate::store::Tx;
use axum::extract::{Query, State as Given};
use axum::http::StatusCode;
use axum::response::Response;
use jiff::{Timestamp, ToSpan};
use maud::{Markup, html};
use plan::interval::{Interval, clipped, without};
use plan::say;

/// A person with their time today.
struct Person {
    engineer: Engineer,
    there: Vec<Interval>,
    /// What is away or taken of their hours today.
    gone: Vec<Interval>,
    away_until: Option<Timestamp>,
}

/// Everything that the page shows, from one snapshot.
struct Screen {
    today: Interval,
    people: Vec<Person>,
    unseen: usize,
    report: Report,
    mail_held: bool,
}

/// Shows the page; with a question in the address also its answer.
pub async fn show(Given(house): Given<House>, acting: Acting, Query(words): Query<Words>) -> Response {
    answered(listen::blocking(move || Ok((StatusCode::OK, render(&house, &acting, &words)?))).await)
}

fn read(tx: &mut Tx<'_>, now: Timestamp, desk: &Desk) -> Outcome<Screen> {
    let today = today(desk, now);
    let away = absence::ahead(tx, now)?;
    let taken = agenda::planned(tx, now)?;
    let everybody = engineer::list(tx)?;
    let unseen = everybody.len().saturating_sub(limits::PEOPLE_SHOWN);
    let mut people = Vec::new();
    for engineer in everybody.into_iter().take(limits::PEOPLE_SHOWN) {
        let hours = engineer.calendar()?.open_minutes(today);
        let own = away.iter().filter(|one| one.engineer == engineer.id);
        let theirs = || taken.iter().filter(|one| one.engineer == engineer.id);
        let mut off: Vec<Interval> = own.clone().map(absence::Absence::minutes).collect();
        off.extend(theirs().map(|one| one.at));
        let there = without(&hours, &off);
        let until = own.filter(|one| one.from <= now).map(|one| one.until);
        people.push(Person {
            gone: without(&hours, &there),
            there,
            away_until: until.chain(agenda::taken_until(theirs(), now)).max(),
            engineer,
        });
    }
    Ok(Screen {
        today,
        people,
        unseen,
        report: load::report(tx, now, desk, &desk.zone)?,
        mail_held: outbox::is_held(tx)?,
    })
}

/// Today from midnight to midnight where the desk is.
fn today(desk: &Desk, now: Timestamp) -> Interval {
    let date = desk.zone.local(now).date();
    let midnight = |date: jiff::civil::Date| desk.zone.instant(date.at(0, 0, 0, 0)).unwrap_or(now);
    let end = date.checked_add(1.day()).unwrap_or(date);
    Interval::new(minute(midnight(date)), minute(midnight(end)))
}

fn render(house: &House, acting: &Acting, words: &Words) -> Outcome<Markup> {
    let (door, now) = (&house.door, house.door.clock.now());
    let desk = &door.desk;
    let screen = door.store.read(|tx| read(tx, now, desk))?;
    let answer = question(words).map(
        |asked| match verb::perform(&door.store, desk, now, Principal::Owner, asked) {
            Ok(Answer::Done(done)) => Ok(done.said),
            Ok(_) => Err(Refusal::usage("That is no question of this page.")),
            Err(fault) => Err(spoken(&fault)),
        },
    );
    let content = html! {
        h1 { "People" }
        @for said in &screen.report.said { p.notice { (said) } }
        @if screen.people.is_empty() {
            p.lead { "Nobody can answer here yet. Add an engineer: " code { "duly cpu add ADDRESS --name NAME" } "." }
        } @else {
            (picture(&screen, desk, now))
            (list(&screen, desk, now))
            (load_of(&screen.report, desk))
        }
        (thought(&screen, words, answer.as_ref()))
    };
    let frame = Frame {
        title: "People",
        desk: &desk.name,
        address: "/people",
        is_queue: false,
        mail_held: screen.mail_held,
        acting,
    };
    Ok(layout::page(&frame, content))
}

/// What the address asks; an empty field asks nothing.
fn question(words: &Words) -> Option<Verb> {
    let said = |name: &str| words.get(name).map(|text| text.trim()).filter(|text| !text.is_empty());
    let what_if = |add, away, moved| Some(Verb::CpuWhatIf { add, away, moved });
    if let Some(until) = said("until") {
        return what_if(
            None,
            Some((said("away").unwrap_or_default().to_owned(), until.to_owned())),
            None,
        );
    }
    if let Some(to) = said("to") {
        let case = said("case").and_then(|text| text.trim_start_matches('#').parse().ok());
        return what_if(None, None, Some((case.unwrap_or(0), to.to_owned())));
    }
    let lanes = words.get("add")?;
    what_if(
        Some(lanes.split(',').map(|lane| lane.trim().to_owned()).collect()),
        None,
        None,
    )
}

fn picture(screen: &Screen, desk: &Desk, now: Timestamp) -> Markup {
    let stretches = |some: &[Interval]| some.iter().map(|one| (instant(one.from), instant(one.to))).collect();
    let person = |one: &Person| Row {
        name: one.engineer.name.clone(),
        there: stretches(&one.there),
        gone: stretches(&one.gone),
    };
    let everybody: Vec<Interval> = screen.people.iter().flat_map(|one| one.there.iter().copied()).collect();
    let open = desk.calendar.open_minutes(screen.today);
    let holes = without(&open, &everybody);
    band::day(&Band {
        from: instant(screen.today.from),
        until: instant(screen.today.to),
        now,
        zone: &desk.zone,
        rows: screen.people.iter().take(limits::BAND_ROWS).map(person).collect(),
        unseen: screen.unseen + screen.people.len().saturating_sub(limits::BAND_ROWS),
        nobody: stretches(&clipped(&holes, screen.today)),
    })
}

fn list(screen: &Screen, desk: &Desk, now: Timestamp) -> Markup {
    html! {
        h2 { "Who" }
        div.scroll tabindex="0" role="region" aria-label="Who" { table.plain {
            caption.unseen { "People, their hours and lanes" }
            thead { tr {
                th scope="col" { "Name" } th scope="col" { "Now" } th scope="col" { "Hours" }
                th scope="col" { "Lanes" } th scope="col" { "Layer" } th scope="col" { "Role" }
            } }
            tbody {
                @for one in &screen.people {
                    tr {
                        th scope="row" { (one.engineer.name) }
                        td {
                            @match one.away_until {
                                Some(until) => { "away until " (say::short(until, &desk.zone, now)) }
                                None if one.there.iter().any(|at| at.from <= minute(now) && at.to > minute(now)) => "on duty",
                                None => "off duty",
                            }
                        }
                        td { (one.engineer.hours) " " (one.engineer.zone.to_string()) }
                        td { @if one.engineer.lanes.is_empty() { "all" } @else { (one.engineer.lanes.join(", ")) } }
                        td { (one.engineer.layer) }
                        td { (one.engineer.role.text()) }
                    }
                }
            }
        } }
        @if screen.unseen > 0 { p { "And " (screen.unseen) " more: " code { "duly cpu" } "." } }
    }
}

fn load_of(report: &Report, desk: &Desk) -> Markup {
    let lines = |lines: &[Line]| {
        html! {
            @for line in lines.iter().take(limits::PEOPLE_SHOWN) {
                tr { th scope="row" { (line.of) } @for share in &line.days { td { (share.said()) } } }
            }
        }
    };
    html! {
        h2 { "Load" }
        p { "Of a lane: what is promised by the end of the day, of all time until then. Of a person: what the timetable gives them that day." }
        div.scroll tabindex="0" role="region" aria-label="Load by day" {
            table.plain {
                caption.unseen { "Load by day" }
                thead { tr { th scope="col" { "Of" } @for day in &report.days { th scope="col" { (day) } } } }
                tbody { (lines(&report.lanes)) (lines(&report.people)) }
            }
        }
        h2 { "Holes" }
        @match report.holes_said(&desk.zone) {
            holes if holes.is_empty() => p { "Somebody is there for every lane in all hours of the desk." },
            holes => ul { @for hole in holes { li { (hole) } } },
        }
    }
}

fn thought(screen: &Screen, words: &Words, answer: Option<&Result<String, Refusal>>) -> Markup {
    let said = |name: &str| words.get(name).map_or("", String::as_str);
    html! {
        section #what-if aria-labelledby="h-what-if" {
            h2 #h-what-if { "What if" }
            @match answer {
                Some(Ok(said)) => div.notice role="status" { @for line in said.lines() { p { (line) } } },
                Some(Err(refusal)) => (layout::refused(refusal)),
                None => {}
            }
            p { "The plan is made anew with one thing changed, and shown beside the plan as it is. Nothing is changed." }
            form method="get" action="/people" {
                p { label { "One more who serves " input name="add" value=(said("add")) placeholder="all lanes"; } " " button type="submit" { "Add one" } }
            }
            @if !screen.people.is_empty() {
                form method="get" action="/people" {
                    p {
                        label { "Away: " select name="away" {
                            @for one in &screen.people {
                                option value=(one.engineer.address) selected[said("away") == one.engineer.address] { (one.engineer.name) }
                            }
                        } } " "
                        label { "until " input name="until" value=(said("until")) placeholder="fri"; } " " button type="submit" { "Without them" }
                    }
                }
            }
            form method="get" action="/people" {
                p {
                    label { "Case " input name="case" inputmode="numeric" size="6" value=(said("case")); } " "
                    label { "promised by " input name="to" value=(said("to")) placeholder="fri 12:00"; } " " button type="submit" { "With that date" }
                }
            }
        }
    }
}
