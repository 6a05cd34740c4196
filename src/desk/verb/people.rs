//! What is read of people: who they are and do, and what would become of promises without one or with one more.

use super::{Answer, Done, EngineerRow, Principal};
use crate::desk::schedule::what_if::{self, Change};
use crate::desk::{CaseId, Desk, absence, agenda, engineer, slice};
use crate::refusal::{Outcome, Refusal};
use crate::store::Tx;
use jiff::Timestamp;
use plan::Zone;

/// The plan beside the one that would be.
///
/// # Errors
/// Not one thing asked, or nobody and nothing of that name.
pub(super) fn what_if(
    tx: &mut Tx<'_>,
    now: Timestamp,
    desk: &Desk,
    who: &Principal,
    add: &Option<Vec<String>>,
    away: &Option<(String, String)>,
    moved: &Option<(i64, String)>,
) -> Outcome<Answer> {
    let zone = who.zone(desk);
    let later = |text: &str| -> Outcome<Timestamp> {
        match day_or_time(text, now, zone)? {
            at if at > now => Ok(at),
            _ => Err(Refusal::usage("That time is past.").into()),
        }
    };
    let change = match (add, away, moved) {
        (Some(lanes), None, None) => Change::Add(lanes.clone()),
        (None, Some((named, until)), None) => Change::Away(Box::new(engineer::find(tx, named)?), later(until)?),
        (None, None, Some((case, to))) => Change::Move(CaseId(*case), later(to)?),
        _ => return Err(Refusal::usage("Say one of --add LANES, --away PERSON TIME, --move CASE TIME.").into()),
    };
    let (said, data) = what_if::compare(tx, now, desk, zone, &change)?;
    Ok(Answer::Done(Done { case: None, said, data }))
}

/// A time as it is typed; of a day alone its beginning.
///
/// # Errors
/// What is not understood, in words.
pub(in crate::desk) fn day_or_time(text: &str, now: Timestamp, zone: &Zone) -> Outcome<Timestamp> {
    let as_typed = plan::phrase::parse(text, now, zone);
    let found = as_typed.or_else(|cause| plan::phrase::parse(&format!("{text} 00:00"), now, zone).map_err(|_| cause));
    found.map_err(|cause| Refusal::usage(format!("{cause}.")).into())
}

/// Everybody on the desk, with what they do now.
///
/// # Errors
/// What the database said.
pub(super) fn list(tx: &mut Tx<'_>, now: Timestamp) -> Outcome<Vec<EngineerRow>> {
    let mut rows = Vec::new();
    let away = absence::ahead(tx, now)?;
    let taken = agenda::planned(tx, now)?;
    for one in engineer::list(tx)? {
        let open = slice::open_of(tx, one.id)?;
        let gone = away.iter().filter(|gone| gone.engineer == one.id && gone.from <= now);
        let own = taken.iter().filter(|taken| taken.engineer == one.id);
        let away_until = gone.map(|gone| gone.until).chain(agenda::taken_until(own, now)).max();
        rows.push(EngineerRow {
            engineer: one.id.0,
            on_duty: away_until.is_none() && one.calendar()?.is_open(now),
            away_until,
            case: open.map(|(_, case, _)| case.0),
            name: one.name,
            address: one.address,
            zone: one.zone.to_string(),
            hours: one.hours,
            layer: one.layer,
            lanes: one.lanes,
            role: one.role.text().to_owned(),
            by_mail: one.by_mail,
        });
    }
    Ok(rows)
}
