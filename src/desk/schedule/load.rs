//! Load and holes: what is promised against the time that people have, day by day, and hours of the desk in which nobody is
//! there who may answer.
//!
//! A day's load is counted from now to its end: all work that is promised by then against all time until then. A day alone
//! would tell of overload where the day before has room. Who serves several lanes counts for each; what they have in common
//! stands in the line of all lanes. Counted are the nearest [`limits::PROMISES_PLANNED`] promises, as the plan reads them.

use super::{Told, instant, minute, told};
use crate::desk::admission::may_answer;
use crate::desk::{Desk, engineer};
use crate::limits;
use crate::refusal::Outcome;
use crate::store::Tx;
use jiff::{Timestamp, ToSpan};
use plan::interval::{Interval, Minute, clipped, tidy, without};
use plan::schedule::Board;
use plan::{Zone, say};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// Load of some days.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Report {
    /// The days, as they are read.
    pub days: Vec<String>,
    /// A line for each lane that somebody serves by name or that something is promised in, then one of all.
    pub lanes: Vec<Line>,
    /// A line for each person: what the timetable gives them, day by day.
    pub people: Vec<Line>,
    /// When nobody is there for a lane in the hours of the desk.
    pub holes: Vec<Hole>,
    /// Holes that are not listed.
    pub more_holes: usize,
    /// What is to be known of this, in sentences.
    pub said: Vec<String>,
}

/// What is promised and planned of one lane or person.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Line {
    /// Lane or person.
    pub of: String,
    /// One a day.
    pub days: Vec<Share>,
}

/// Minutes of work against minutes of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Share {
    /// Work.
    pub work_minutes: i64,
    /// Time of those who may do it.
    pub time_minutes: i64,
}

impl Share {
    /// Hundredths; none where there is work and no time for it.
    pub fn percent(self) -> Option<i64> {
        match (self.work_minutes, self.time_minutes) {
            (0, _) => Some(0),
            (_, 0) => None,
            (work, time) => Some((work * 100 + time - 1) / time),
        }
    }

    /// `104 % (500 of 480 min)`.
    pub fn said(self) -> String {
        let of = format!("({} of {} min)", self.work_minutes, self.time_minutes);
        match self.percent() {
            Some(percent) => format!("{percent} % {of}"),
            None => format!("no time {of}"),
        }
    }
}

/// Nobody is there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hole {
    /// Which lane.
    pub lane: String,
    /// From when.
    pub from: Timestamp,
    /// Until when.
    pub until: Timestamp,
}

/// The lane of whatever no lane of its own is named for.
const ALL: &str = "all lanes";

/// Looks at the days to come on which somebody works.
///
/// # Errors
/// What the database said.
pub fn report(tx: &mut Tx<'_>, now: Timestamp, desk: &Desk, zone: &Zone) -> Outcome<Report> {
    let everybody = engineer::who_answers(tx, None)?;
    let told = told(tx, now, everybody, &[])?;
    let days = told.working_days(zone);
    let mut report = Report {
        days: days.iter().map(|day| day_name(day.at, zone)).collect(),
        lanes: Vec::new(),
        people: told.people(&days),
        holes: Vec::new(),
        more_holes: 0,
        said: Vec::new(),
    };
    let Some(last) = days.last() else {
        report
            .said
            .push("Nobody has any hours in the next two weeks: see `duly cpu`.".into());
        return Ok(report);
    };
    let open = desk.calendar.open_minutes(Interval::new(told.snapshot.now, last.at.to));
    for lane in told.lanes() {
        let line = told.lane(lane.as_deref(), &days);
        report.said.extend(told.warnings(lane.as_deref(), &line, &days, zone));
        report.lanes.push(line);
        for hole in without(&open, &told.free(lane.as_deref())) {
            report.holes.push(Hole {
                lane: lane.clone().unwrap_or_else(|| ALL.into()),
                from: instant(hole.from),
                until: instant(hole.to),
            });
        }
    }
    report.more_holes = report.holes.len().saturating_sub(limits::HOLES_SHOWN);
    report.holes.truncate(limits::HOLES_SHOWN);
    report.said.extend(told.widened());
    if let Some(until) = told.whole_until {
        let until = say::short(until, zone, now);
        report.said.push(format!(
            "More is promised than is counted here: the figures are whole until {until}."
        ));
    }
    Ok(report)
}

impl Hole {
    /// `backup: nobody Wed 4 Mar 01:00-05:00 UTC`.
    pub fn said(&self, zone: &Zone) -> String {
        let (from, until) = (zone.zoned(self.from), zone.zoned(self.until));
        let is_same_day = from.date() == until.date();
        let until_form = if is_same_day { "%H:%M" } else { "%a %-d %b %H:%M" };
        format!(
            "{}: nobody {}-{} {}",
            self.lane,
            from.strftime("%a %-d %b %H:%M"),
            until.strftime(until_form),
            zone.abbreviation(self.from)
        )
    }
}

/// A day on which somebody works.
#[derive(Debug, Clone, Copy)]
struct Day {
    /// Its minutes.
    at: Interval,
    /// What is due before this minute must be done by the end of it: nobody works before the next such day.
    due: Minute,
}

/// A day as its minutes, from midnight to midnight in the zone of who asks.
fn day_after(zone: &Zone, now: Timestamp, days: i64) -> Option<Interval> {
    let date = zone.local(now).date();
    let begin = date.checked_add(days.days()).ok()?;
    let end = begin.tomorrow().ok()?;
    let midnight = |date: jiff::civil::Date| zone.instant(date.at(0, 0, 0, 0));
    Some(Interval::new(minute(midnight(begin)?), minute(midnight(end)?)))
}

fn day_name(day: Interval, zone: &Zone) -> String {
    zone.zoned(instant(day.from)).strftime("%a %-d %b").to_string()
}

fn sum(intervals: &[Interval]) -> i64 {
    intervals.iter().map(|one| one.minutes()).sum()
}

impl Told {
    /// That budgets hold no longer and are widened, as a sentence for the team.
    fn widened(&self) -> Option<String> {
        let (thousandths, held) = (self.learnt.widening?, self.learnt.held_percent?);
        Some(format!(
            "Work takes longer than it did: of the last {} answers only {held} % kept the budget that nine of ten should keep. \
             The plan takes {} % of every budget until they hold again.",
            plan::budget::WATCHED,
            thousandths / 10
        ))
    }

    /// The next days on which somebody is there.
    fn working_days(&self, zone: &Zone) -> Vec<Day> {
        let everybody = self.free(None);
        let days = (0..limits::LOAD_DAYS_LOOKED_AT).filter_map(|number| day_after(zone, self.now, number));
        let worked: Vec<Interval> = days.filter(|day| !clipped(&everybody, *day).is_empty()).collect();
        let day = |(at, day): (usize, &Interval)| Day {
            at: *day,
            due: worked.get(at + 1).map_or(day.to, |next| next.from),
        };
        worked.iter().enumerate().map(day).take(limits::LOAD_DAYS).collect()
    }

    /// Lanes that somebody serves by name or that something is promised in; none stands for all of them.
    fn lanes(&self) -> Vec<Option<String>> {
        let mut named: BTreeSet<&str> = self
            .engineers
            .iter()
            .flat_map(|one| one.lanes.iter().map(String::as_str))
            .collect();
        named.extend(
            self.pieces
                .iter()
                .map(|piece| piece.lane.as_str())
                .filter(|lane| !lane.is_empty()),
        );
        let named = named
            .into_iter()
            .take(limits::LANES_SHOWN)
            .map(|lane| Some(lane.to_owned()));
        named.chain([None]).collect()
    }

    fn serves(&self, at: usize, lane: Option<&str>) -> bool {
        lane.is_none_or(|lane| may_answer(&self.engineers[at], lane, 1))
    }

    /// The minutes in which at least one who serves a lane is there.
    fn free(&self, lane: Option<&str>) -> Vec<Interval> {
        let people = (0..self.engineers.len()).filter(|&at| self.serves(at, lane));
        let all: Vec<Interval> = people
            .flat_map(|at| self.snapshot.engineers[at].free.iter().copied())
            .collect();
        tidy(&all)
    }

    fn lane(&self, lane: Option<&str>, days: &[Day]) -> Line {
        let share = |day: &Day| {
            let until = Interval::new(self.snapshot.now, day.at.to);
            let people = (0..self.engineers.len()).filter(|&at| self.serves(at, lane));
            let time = people
                .map(|at| sum(&clipped(&self.snapshot.engineers[at].free, until)))
                .sum();
            let due = |at: &usize| {
                let piece = &self.pieces[*at];
                lane.is_none_or(|lane| piece.lane == lane) && minute(piece.due) <= day.due && !piece.is_further
            };
            let work = |at: usize| self.snapshot.rules.planned(self.snapshot.promises[at].work.mean);
            Share {
                work_minutes: (0..self.pieces.len()).filter(due).map(work).sum(),
                time_minutes: time,
            }
        };
        Line {
            of: lane.unwrap_or(ALL).to_owned(),
            days: days.iter().map(share).collect(),
        }
    }

    fn people(&self, days: &[Day]) -> Vec<Line> {
        let timetable = Board::within(&self.snapshot, limits::PLAN_STEPS).timetable();
        let people = self.engineers.iter().zip(&self.snapshot.engineers);
        let line = |(engineer, row): (&engineer::Engineer, &plan::snapshot::Engineer)| {
            let work: Vec<Interval> = timetable
                .of(row.id)
                .iter()
                .map(|entry| Interval::new(entry.from, entry.to))
                .collect();
            let share = |day: &Day| Share {
                work_minutes: sum(&clipped(&work, day.at)),
                time_minutes: sum(&clipped(&row.free, day.at)),
            };
            Line {
                of: engineer.name.clone(),
                days: days.iter().map(share).collect(),
            }
        };
        people.map(line).collect()
    }

    /// The first day that holds more than is planned for, and the first that holds more than there is.
    fn warnings(&self, lane: Option<&str>, line: &Line, days: &[Day], zone: &Zone) -> Vec<String> {
        let is_over = |share: &Share, limit: i64| share.percent().is_none_or(|percent| percent > limit);
        let first = |limit| line.days.iter().position(|share| is_over(share, limit));
        let full = first(100);
        let tight = first(limits::LOAD_LIMIT_PERCENT).filter(|at| full.is_none_or(|full| *at < full));
        let mut said = Vec::new();
        if let Some(at) = tight {
            said.push(format!(
                "By {} {} is promised to {}: more than the {} % that is planned for, so new dates get later.",
                day_name(days[at].at, zone),
                line.of,
                line.days[at].said(),
                limits::LOAD_LIMIT_PERCENT
            ));
        }
        if let Some(at) = full {
            let helps = match self.others(lane, days[at].at) {
                names if names.is_empty() => "Nobody else is there.".to_owned(),
                names => format!("Could help: {}.", names.join(", ")),
            };
            said.push(format!(
                "By {} {} is promised to {}: not everything can be kept. {helps}",
                day_name(days[at].at, zone),
                line.of,
                line.days[at].said(),
            ));
        }
        said
    }

    /// Who is there until the end of a day and serves other lanes.
    fn others(&self, lane: Option<&str>, day: Interval) -> Vec<String> {
        let until = Interval::new(self.snapshot.now, day.to);
        let helps =
            |at: &usize| !self.serves(*at, lane) && !clipped(&self.snapshot.engineers[*at].free, until).is_empty();
        let who = (0..self.engineers.len()).filter(helps).take(limits::NAMES_SAID);
        who.map(|at| self.engineers[at].name.clone()).collect()
    }
}

impl Report {
    /// Holes in one line each, and how many are not listed.
    pub fn holes_said(&self, zone: &Zone) -> Vec<String> {
        let mut said: Vec<String> = self.holes.iter().map(|hole| hole.said(zone)).collect();
        if self.more_holes > 0 {
            said.push(format!("and {} more", self.more_holes));
        }
        said
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_rounded_up_and_says_when_there_is_no_time() {
        let share = |work_minutes, time_minutes| Share {
            work_minutes,
            time_minutes,
        };
        assert_eq!(share(0, 0).percent(), Some(0));
        assert_eq!(share(481, 480).said(), "101 % (481 of 480 min)");
        assert_eq!(share(30, 0).said(), "no time (30 of 0 min)");
    }

    #[test]
    fn a_hole_is_said_in_the_zone_of_who_reads_it() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let hole = Hole {
            lane: "backup".into(),
            from: at("2026-03-04T01:00:00Z"),
            until: at("2026-03-04T05:00:00Z"),
        };
        assert_eq!(hole.said(&Zone::UTC), "backup: nobody Wed 4 Mar 01:00-05:00 UTC");
        let new_york = "America/New_York".parse().unwrap();
        assert_eq!(
            hole.said(&new_york),
            "backup: nobody Tue 3 Mar 20:00-Wed 4 Mar 00:00 EST"
        );
    }
}
