//! Admission: whether a time can be promised together with everything that is promised already (PRODUCT.md §3.6).
//!
//! One question, [`admit`], asked before any time is offered or accepted; nothing else of the desk knows how it is answered.
//! A time must pass two tests. The *count* ([`plan::capacity`]) holds over everything that is promised: the hours of the
//! engineers who may answer, less the minutes of all promises that only they may answer, and the same once more for
//! everybody together. It is necessary and cheap, and knows nothing of who does what when. The *timetable*
//! ([`super::schedule`]) holds over the nearest promises and gives the witness: who does what so that everybody is on time.
//! Behind its window only the count holds.
//!
//! A promise's work is counted in quarters of an hour, at the beginning of the one in which it falls due; what is offered is
//! counted at the earlier of its two times, so that an offer reserves what it names. A desk without engineers knows no date
//! and reads nothing.

use super::case::Case;
use super::engineer::{self, Engineer};
use super::promise::Promise;
use super::schedule::date::{self, Short};
use super::schedule::seats;
use super::{CaseId, Desk, EngineerId, MessageNo, PromiseId};
use crate::limits;
use crate::refusal::{Kind, Outcome, Refusal};
use crate::store::{Tx, values};
use jiff::{SignedDuration, Timestamp};
use plan::capacity::{self, Booked};
use plan::{Calendar, Severity};
use serde_json::{Value as Json, json};
use std::collections::BTreeMap;

/// What is asked.
#[derive(Debug, Clone)]
pub struct Request<'a> {
    /// The case that the work is for.
    pub case: CaseId,
    /// How many minutes it is counted with follows from this.
    pub severity: Severity,
    /// Entry point into the product: who may answer.
    pub lane: &'a str,
    /// Depth that it needs: who may answer.
    pub layer: i64,
    /// The time wished; none asks for the earliest.
    pub wish: Option<Timestamp>,
    /// Promises whose work the new time takes the place of.
    pub instead_of: &'a [PromiseId],
}

impl<'a> Request<'a> {
    /// Another time for the work of a case.
    pub fn of(case: &'a Case, severity: Severity, wish: Option<Timestamp>, instead_of: &'a [PromiseId]) -> Request<'a> {
        Request {
            case: case.id,
            severity,
            lane: &case.lane,
            layer: case.layer,
            wish,
            instead_of,
        }
    }
}

/// What is answered.
#[derive(Debug, Clone)]
pub enum Verdict {
    /// It fits: the wished time, or the earliest where none was wished.
    Granted {
        /// The time.
        at: Timestamp,
        /// The numbers.
        why: Why,
    },
    /// The wished time does not fit.
    Refused {
        /// The earliest that does.
        earliest: Timestamp,
        /// The numbers.
        why: Why,
    },
    /// Nothing is known: nobody may answer, has hours, or has any left as far as is counted.
    NoDate {
        /// Why, as half a sentence.
        why: &'static str,
    },
}

/// The numbers behind a verdict.
#[derive(Debug, Clone)]
pub struct Why {
    /// Who may answer it.
    pub engineers: Vec<String>,
    /// Minutes that the new work may take.
    pub minutes: i64,
    /// Minutes of work that goes before it.
    pub before_minutes: i64,
    /// Until when the engineers are taken by that; none where it fits as it was asked.
    pub booked_until: Option<Timestamp>,
    /// The earliest time that can be promised, not before the one that was asked for.
    pub earliest: Timestamp,
    /// Who does it in the timetable, and from when.
    pub by: (String, Timestamp),
    /// Why it is not earlier.
    pub short: Option<Short>,
}

impl Why {
    /// As it stands beside a promise and in `--json`.
    pub fn json(&self) -> Json {
        let mut why = json!({
            "rule": "timetable",
            "engineers": self.engineers.len(),
            "minutes": self.minutes,
            "before_minutes": self.before_minutes,
            "earliest": self.earliest.to_string(),
            "by": self.by.0,
            "starts": self.by.1.to_string(),
        });
        if let Some(until) = self.booked_until {
            why["booked_until"] = json!(until.to_string());
        }
        if let Some(short) = &self.short {
            why["short"] = json!(short);
        }
        why
    }
}

/// Whether a time can be promised. The witness of the answer is kept: the seats in which everybody is on time.
///
/// # Errors
/// None of its own: a time that does not fit is an answer.
pub fn admit(tx: &mut Tx<'_>, now: Timestamp, request: &Request<'_>) -> Outcome<Verdict> {
    let (verdict, seats) = look(tx, now, request)?;
    if let Some(seats) = seats {
        seats::keep(tx, &seats)?;
    }
    Ok(verdict)
}

/// The earliest new times by the count alone for promises that break at the same time, each behind the one before: when
/// hundreds do, a timetable for each would keep the others, and their customers, waiting. None where no date is known.
///
/// # Errors
/// What the database said.
pub(super) fn deal(tx: &mut Tx<'_>, now: Timestamp, broken: &[Promise]) -> Outcome<Vec<Option<Timestamp>>> {
    let everybody = engineer::who_answers(tx, None)?;
    let Some(load) = load(tx, &[])? else {
        return Ok(vec![None; broken.len()]);
    };
    let calendars = calendars_of(&everybody)?;
    let mut count = Count::new(&everybody, &calendars, now, load);
    let mut dealt = Vec::with_capacity(broken.len());
    for promise in broken {
        let case = super::case::find(tx, promise.case)?;
        let needs = (case.lane, case.layer);
        let found = count.earliest(&needs, promise.severity);
        let at = found.map(|found| rounded(guarded(found.at)));
        if let Some(by) = at {
            count.book(needs, by, promise.severity);
        }
        dealt.push(at);
    }
    Ok(dealt)
}

/// A time with the guard before it.
fn guarded(at: Timestamp) -> Timestamp {
    at + SignedDuration::from_mins(limits::GUARD_MINUTES)
}

/// A time as it is named.
fn rounded(at: Timestamp) -> Timestamp {
    capacity::rounded_up(at, limits::ADMITTED_STEP_MINUTES)
}

/// As [`admit`], and keeps nothing: for pages that only show times.
fn look(
    tx: &mut Tx<'_>,
    now: Timestamp,
    request: &Request<'_>,
) -> Outcome<(Verdict, Option<BTreeMap<CaseId, EngineerId>>)> {
    let no_date = |why| Ok((Verdict::NoDate { why }, None));
    let everybody = engineer::who_answers(tx, None)?;
    let able: Vec<&Engineer> = everybody
        .iter()
        .filter(|one| may_answer(one, request.lane, request.layer))
        .collect();
    if able.is_empty() {
        return no_date("nobody on the desk may answer it");
    }
    let Some(load) = load(tx, request.instead_of)? else {
        return no_date("more is promised than is counted");
    };
    let calendars = calendars_of(&everybody)?;
    let needs = (request.lane.to_owned(), request.layer);
    let Some(found) = Count::new(&everybody, &calendars, now, load).earliest(&needs, request.severity) else {
        return no_date("those who may answer it have no hours");
    };
    let guarded = guarded(found.at);
    let want = request.wish.filter(|wish| *wish >= guarded);
    let is_counted_out = want.is_none() && request.wish.is_some();
    let want = want.unwrap_or_else(|| rounded(guarded));
    let engineers = able.iter().map(|one| one.name.clone()).collect();
    let dated = match date::ask(tx, now, everybody, request, want)? {
        Ok(dated) => dated,
        Err(why) => return no_date(why),
    };
    let earliest = if dated.at > want { rounded(dated.at) } else { want };
    let taken = dated.short.as_ref().filter(|short| short.minutes.is_some());
    let why = Why {
        engineers,
        minutes: dated.minutes,
        before_minutes: found.before_minutes,
        booked_until: match taken {
            Some(short) => Some(short.before),
            None => Some(found.booked_until).filter(|until| is_counted_out && *until > now),
        },
        earliest,
        by: (dated.engineer, dated.starts),
        short: dated.short,
    };
    let verdict = match request.wish {
        Some(wish) if wish < earliest => Verdict::Refused { earliest, why },
        Some(at) => Verdict::Granted { at, why },
        None => Verdict::Granted { at: earliest, why },
    };
    Ok((verdict, Some(dated.seats)))
}

/// What a lane and a layer need of whoever answers.
type Needs = (String, i64);

fn calendars_of(everybody: &[Engineer]) -> Outcome<Vec<Calendar>> {
    everybody.iter().map(|one| one.calendar()).collect()
}

/// The count: the hours of people, and the work that is booked into them.
struct Count<'a> {
    everybody: &'a [Engineer],
    calendars: &'a [Calendar],
    now: Timestamp,
    booked: BTreeMap<Needs, Vec<Booked>>,
    all: capacity::Hours<'a>,
    /// Who may answer what was asked for, by their places, and their hours together.
    able: BTreeMap<Needs, (Vec<usize>, capacity::Hours<'a>)>,
}

impl<'a> Count<'a> {
    fn new(everybody: &'a [Engineer], calendars: &'a [Calendar], now: Timestamp, load: Vec<Load>) -> Count<'a> {
        let mut booked: BTreeMap<Needs, Vec<Booked>> = BTreeMap::new();
        for one in load {
            let work = one.booked();
            booked.entry((one.lane, one.layer)).or_default().push(work);
        }
        let group: Vec<&Calendar> = calendars.iter().collect();
        Count {
            everybody,
            calendars,
            now,
            booked,
            all: capacity::Hours::new(&group, now),
            able: BTreeMap::new(),
        }
    }

    /// The first instant at which the work is done behind everything that goes before it; none within what is counted.
    fn earliest(&mut self, needs: &Needs, severity: Severity) -> Option<capacity::Earliest> {
        let everybody = self.everybody;
        let who = |needs: &Needs| -> Vec<usize> {
            let answers = |at: &usize| may_answer(&everybody[*at], &needs.0, needs.1);
            (0..everybody.len()).filter(answers).collect()
        };
        let (calendars, now) = (self.calendars, self.now);
        let (people, hours) = self.able.entry(needs.clone()).or_insert_with(|| {
            let people = who(needs);
            let group: Vec<&Calendar> = people.iter().map(|&at| &calendars[at]).collect();
            (people, capacity::Hours::new(&group, now))
        });
        let minutes = minutes_of(severity);
        let only_they = |other: &Needs| who(other).iter().all(|at| people.contains(at));
        let theirs = in_order(self.booked.iter().filter(|one| only_they(one.0)));
        let found = hours.earliest(&theirs, minutes)?;
        if people.len() == everybody.len() {
            return Some(found);
        }
        let other = self.all.earliest(&in_order(self.booked.iter()), minutes)?;
        Some(if other.at > found.at { other } else { found })
    }

    /// New work is booked.
    fn book(&mut self, needs: Needs, by: Timestamp, severity: Severity) {
        let minutes = minutes_of(severity);
        self.booked.entry(needs).or_default().push(Booked { by, minutes });
    }
}

/// Work of several kinds, in order of time.
fn in_order<'b>(some: impl Iterator<Item = (&'b Needs, &'b Vec<Booked>)>) -> Vec<Booked> {
    let mut booked: Vec<Booked> = some.flat_map(|(_, booked)| booked.iter().copied()).collect();
    booked.sort_by_key(|one| one.by);
    booked
}

/// As [`admit`], for doors that may only go on with a yes: what does not fit is refused with everything that helps
/// (UX.md §3.3), unless a lead signs.
///
/// # Errors
/// [`Kind::Dishonest`], in words: who can answer it, until when they are taken, the earliest honest time, whom one could ask.
pub fn insist(
    tx: &mut Tx<'_>,
    now: Timestamp,
    request: &Request<'_>,
    zone: &plan::Zone,
    is_signed: bool,
) -> Outcome<Option<Why>> {
    let said = |at: Timestamp| plan::say::short(at, zone, now);
    let wished = request.wish.map(said).unwrap_or_default();
    match admit(tx, now, request)? {
        Verdict::Granted { why, .. } => Ok(Some(why)),
        Verdict::Refused { why, .. } if is_signed => Ok(Some(why)),
        Verdict::NoDate { .. } if is_signed => Ok(None),
        Verdict::NoDate { why } => Err(Refusal::new(
            Kind::Dishonest,
            format!(
                "{wished} is not an honest promise: {why} (`duly cpu`). The promised time stands. A lead may sign for it: --sign REASON."
            ),
        )
        .into()),
        Verdict::Refused { earliest, why } => {
            let taken = match (&why.short, why.booked_until) {
                (Some(short), _) => format!("\n  {}", short.said(zone, now)),
                (None, Some(until)) => format!(" Their hours are booked until {}.", said(until)),
                (None, None) => format!(" It takes up to {} minutes of their hours.", why.minutes),
            };
            let ask = match movable(tx, request)? {
                Some(case) => format!("\n  Or ask a customer to move:  duly promise {} --ask --because REASON", case.0),
                None => String::new(),
            };
            Err(Refusal::new(
                Kind::Dishonest,
                format!(
                    "{wished} is not an honest promise.\n  Can answer it: {}.{taken}\n  Earliest honest time: {}.{ask}",
                    date::names(&why.engineers),
                    said(earliest)
                ),
            )
            .into())
        }
    }
}

/// A case whose customer could be asked to move: the least severe of those that are due before the wished time.
fn movable(tx: &mut Tx<'_>, request: &Request<'_>) -> Outcome<Option<CaseId>> {
    let Some(wish) = request.wish else { return Ok(None) };
    let row = tx.first(
        "SELECT case_id FROM promise WHERE state = 'open' AND due <= $1 AND case_id <> $2
         ORDER BY severity DESC, due DESC, id LIMIT 1",
        &values![wish, request.case],
    )?;
    Ok(row.map(|row| CaseId(row.int(0))))
}

/// Whether an engineer may answer a case of this lane and layer, as `next` sees it.
pub(super) fn may_answer(engineer: &Engineer, lane: &str, layer: i64) -> bool {
    layer <= engineer.layer && (engineer.lanes.is_empty() || engineer.lanes.iter().any(|one| one == lane))
}

/// Minutes of work that a promise of this severity is counted with.
pub fn minutes_of(severity: Severity) -> i64 {
    limits::WORK_MINUTES[usize::from(severity.number()) - 1]
}

/// Work of one lane and layer that is due in one slot.
struct Load {
    slot: i64,
    lane: String,
    layer: i64,
    minutes: i64,
}

impl Load {
    fn booked(&self) -> Booked {
        Booked {
            by: Timestamp::from_second(self.slot * limits::SLOT_MINUTES * 60).unwrap_or_default(),
            minutes: self.minutes,
        }
    }
}

/// What is booked, in order of time, without some promises; none where it is more than is counted.
fn load(tx: &mut Tx<'_>, without: &[PromiseId]) -> Outcome<Option<Vec<Load>>> {
    // Asked of the index alone: a desk that is full is asked again at every mail.
    let is_more = tx.first(
        "SELECT slot FROM booked ORDER BY slot, lane, layer LIMIT 1 OFFSET $1",
        &values![limits::SLOTS_COUNTED],
    )?;
    if is_more.is_some() {
        return Ok(None);
    }
    let rows = tx.query(
        "SELECT slot, lane, layer, minutes FROM booked ORDER BY slot, lane, layer LIMIT $1",
        &values![limits::SLOTS_COUNTED],
    )?;
    let mut load: Vec<Load> = rows
        .iter()
        .map(|row| Load {
            slot: row.int(0),
            lane: row.text(1).to_owned(),
            layer: row.int(2),
            minutes: row.int(3),
        })
        .collect();
    for promise in without.iter().copied() {
        let row = tx.first(
            "SELECT slot, lane, layer, minutes FROM promise WHERE id = $1 AND slot IS NOT NULL",
            &values![promise],
        )?;
        let Some(row) = row else { continue };
        let is_its = |one: &&mut Load| one.slot == row.int(0) && one.lane == row.text(1) && one.layer == row.int(2);
        if let Some(place) = load.iter_mut().find(is_its) {
            place.minutes -= row.int(3);
        }
    }
    load.retain(|one| one.minutes > 0);
    Ok(Some(load))
}

/// The slot in which an instant is counted.
pub fn slot_of(at: Timestamp) -> i64 {
    at.as_second().div_euclid(limits::SLOT_MINUTES * 60)
}

/// Counts the work of a promise that is being made; its row names the slot.
pub(super) fn count_new(tx: &mut Tx<'_>, case: CaseId, severity: Severity, due: Timestamp) -> Outcome<()> {
    tx.execute(
        "INSERT INTO booked (slot, lane, layer, minutes)
         VALUES ($1, (SELECT lane FROM cases WHERE id = $2), (SELECT layer FROM cases WHERE id = $2), $3)
         ON CONFLICT (slot, lane, layer) DO UPDATE SET minutes = booked.minutes + $3",
        &values![slot_of(due), case, minutes_of(severity)],
    )?;
    Ok(())
}

/// Counts an open promise's work in a slot, instead of where it was counted before; none: nowhere any more.
pub(super) fn count(tx: &mut Tx<'_>, promise: PromiseId, by: Option<Timestamp>) -> Outcome<()> {
    let row = tx.one(
        "SELECT slot, lane, layer, minutes FROM promise WHERE id = $1",
        &values![promise],
    )?;
    let (was, is) = (row.opt_int(0), by.map(slot_of));
    if was == is {
        return Ok(());
    }
    tx.execute("UPDATE promise SET slot = $1 WHERE id = $2", &values![is, promise])?;
    let (lane, layer, minutes) = (row.text(1), row.int(2), row.int(3));
    if let Some(slot) = was {
        book(tx, slot, lane, layer, -minutes)?;
    }
    match is {
        Some(slot) => book(tx, slot, lane, layer, minutes),
        None => Ok(()),
    }
}

fn book(tx: &mut Tx<'_>, slot: i64, lane: &str, layer: i64, minutes: i64) -> Outcome<()> {
    tx.execute(
        "INSERT INTO booked (slot, lane, layer, minutes) VALUES ($1, $2, $3, $4)
         ON CONFLICT (slot, lane, layer) DO UPDATE SET minutes = booked.minutes + $4",
        &values![slot, lane, layer, minutes],
    )?;
    if minutes < 0 {
        tx.execute(
            "DELETE FROM booked WHERE slot = $1 AND lane = $2 AND layer = $3 AND minutes <= 0",
            &values![slot, lane, layer],
        )?;
    }
    Ok(())
}

/// Books the next word that a reply on its way owes.
pub(super) fn book_reply(tx: &mut Tx<'_>, case: &Case, reply: MessageNo, at: Timestamp) -> Outcome<()> {
    let (slot, minutes) = (slot_of(at), minutes_of(case.severity));
    tx.execute(
        "UPDATE reply SET slot = $1, lane = $2, layer = $3, minutes = $4 WHERE message = $5",
        &values![slot, case.lane.as_str(), case.layer, minutes, reply],
    )?;
    book(tx, slot, &case.lane, case.layer, minutes)
}

/// A reply is on its way no more: what it owed is a promise by now, or nothing.
pub(super) fn free_reply(tx: &mut Tx<'_>, reply: MessageNo) -> Outcome<()> {
    let row = tx.first(
        "SELECT slot, lane, layer, minutes FROM reply WHERE message = $1 AND slot IS NOT NULL",
        &values![reply],
    )?;
    let Some(row) = row else { return Ok(()) };
    tx.execute("UPDATE reply SET slot = NULL WHERE message = $1", &values![reply])?;
    book(tx, row.int(0), row.text(1), row.int(2), -row.int(3))
}

/// Times that a page offers as buttons: the earliest honest one after an instant, and two later ones in the desk's hours.
pub fn times(tx: &mut Tx<'_>, now: Timestamp, desk: &Desk, case: &Case, promise: &Promise) -> Outcome<Vec<Timestamp>> {
    let own = [promise.id];
    let first = match look(tx, now, &Request::of(case, promise.severity, None, &own))?.0 {
        Verdict::Granted { at, .. } => at,
        _ => return Ok(Vec::new()),
    };
    let mut times = vec![first];
    let mut from = first.max(promise.due);
    while times.len() < limits::TIMES_OFFERED {
        let Ok(next) = desk.calendar.due(from, SignedDuration::from_hours(4), &[]) else {
            break;
        };
        from = capacity::rounded_up(next, 30);
        times.push(from);
    }
    times.retain(|at| *at != promise.due);
    Ok(times)
}
