//! Who works when: the standard rota of a replay, or one that a lead wrote down to try it.
//!
//! As text (TOML), everything but the engineers may be left out:
//!
//! ```toml
//! begins = "2026-12-07"            # a Monday; the replay's first week
//! zone = "Europe/Berlin"           # the customers' calendar, in which due times count
//! hours = "mon-fri 08:00-18:00"
//! meeting_minutes = 60             # one a day and engineer, at a random full hour from 10 to 15
//! leave_percent = 8                # chance of a week of leave, drawn a week and engineer
//!
//! [lanes]                          # of a hundred cases; what is left any engineer can answer
//! storage = 25
//!
//! [[engineer]]
//! name = "Anna"
//! zone = "Europe/Berlin"           # else the one above
//! hours = "mon-thu 09:00-12:30 13:00-17:00"
//! lanes = ["storage"]              # besides what any engineer can answer
//! leave = ["2026-12-21/2026-12-31"]  # first and last day
//! ```

use crate::limits;
use jiff::civil::Date;
use plan::{Hours, Zone};
use serde::Deserialize;
use std::collections::BTreeMap;

/// Minutes of a special lane's share are drawn in hundredths of the cases.
const HUNDRED: u32 = 100;

/// A rota, checked.
#[derive(Debug, Clone, Deserialize)]
#[serde(try_from = "Written")]
pub struct Rota {
    /// The Monday on which it begins.
    pub begins: Date,
    /// Zone of the customers' calendar.
    pub zone: Zone,
    /// Hours of the customers' calendar.
    pub hours: Hours,
    /// Length of the daily meeting.
    pub meeting_minutes: u16,
    /// Chance of a week of leave, in hundredths.
    pub leave_percent: u32,
    /// Special lanes with their share of a hundred cases; never more than a hundred together.
    pub lanes: Vec<(String, u32)>,
    /// The engineers; never none.
    pub engineers: Vec<Engineer>,
}

/// One engineer of a rota.
#[derive(Debug, Clone)]
pub struct Engineer {
    /// For tables.
    pub name: String,
    /// Zone of the hours.
    pub zone: Zone,
    /// Hours at the desk.
    pub hours: Hours,
    /// Special lanes, by their place in [`Rota::lanes`].
    pub lanes: Vec<usize>,
    /// Days away, first and last.
    pub leave: Vec<(Date, Date)>,
}

/// Why a rota cannot be tried.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoRota {
    /// Nobody in it.
    #[error("there is no engineer in this rota")]
    Nobody,
    /// More than are taken.
    #[error("there are {count} {what} in this rota; at most {most} are taken")]
    TooMany {
        /// What there are too many of.
        what: &'static str,
        /// How many came.
        count: usize,
        /// How many are taken.
        most: usize,
    },
    /// A first day in the middle of a week.
    #[error("\"begins\" is {0}, which is no Monday; a replay lives whole weeks")]
    Monday(Date),
    /// A share of cases beyond all of them.
    #[error("the lanes have {0} of a hundred cases together")]
    Shares(u32),
    /// A lane that nobody asks for.
    #[error("engineer \"{name}\" has the lane \"{lane}\", which has no share under [lanes]")]
    Lane {
        /// Whose.
        name: String,
        /// Which.
        lane: String,
    },
    /// A lane that nobody serves.
    #[error("no engineer has the lane \"{0}\": its cases would never be answered")]
    Empty(String),
    /// A day or span that cannot be read.
    #[error("\"{0}\" is no leave; write the first and the last day, 2026-12-21/2026-12-31")]
    Leave(String),
    /// A number out of its bounds.
    #[error("\"{what}\" is {value}; it lies between 0 and {most}")]
    Number {
        /// Its key.
        what: &'static str,
        /// What came.
        value: u32,
        /// The highest that is taken.
        most: u32,
    },
    /// A name that does not fit into a table.
    #[error("the name of an engineer or a lane is empty or longer than {0} characters")]
    Name(usize),
}

/// A rota as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    begins: Option<Date>,
    zone: Option<Zone>,
    hours: Option<Hours>,
    meeting_minutes: Option<u16>,
    leave_percent: Option<u32>,
    #[serde(default)]
    lanes: BTreeMap<String, u32>,
    #[serde(default)]
    engineer: Vec<WrittenEngineer>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenEngineer {
    name: String,
    zone: Option<Zone>,
    hours: Hours,
    #[serde(default)]
    lanes: Vec<String>,
    #[serde(default)]
    leave: Vec<String>,
}

/// A Monday far from any change of the clock; the standard rota begins on it.
const BEGINS: Date = Date::constant(2026, 1, 5);

impl Rota {
    /// The rota of SCHEDULING §1.1: three of four engineers have one of three special lanes, three of five start at 08:00 and
    /// the others at 10:00, each stays nine hours with one of lunch after four.
    ///
    /// # Errors
    /// No engineer, or more than [`limits::ENGINEERS`].
    pub fn standard(engineers: usize) -> Result<Rota, NoRota> {
        bound("engineers", engineers, limits::ENGINEERS)?;
        if engineers == 0 {
            return Err(NoRota::Nobody);
        }
        let hours = |text: &str| text.parse::<Hours>().unwrap_or_default();
        let (early, late) = (
            hours("mon-fri 08:00-12:00 13:00-17:00"),
            hours("mon-fri 10:00-14:00 15:00-19:00"),
        );
        let seat = |index: usize| Engineer {
            name: format!("e{:02}", index + 1),
            zone: utc(),
            hours: if index % 5 < 3 { early.clone() } else { late.clone() },
            lanes: if index % 4 < 3 { vec![index % 4] } else { vec![] },
            leave: vec![],
        };
        // A desk smaller than its lanes has only those that somebody serves.
        let shares = [("one", 14), ("two", 13), ("three", 13)];
        let lanes = shares
            .iter()
            .take(engineers)
            .map(|(name, share)| (name.to_string(), *share));
        Ok(Rota {
            begins: BEGINS,
            zone: utc(),
            hours: hours("mon-fri 08:00-18:00"),
            meeting_minutes: 60,
            leave_percent: 8,
            lanes: lanes.collect(),
            engineers: (0..engineers).map(seat).collect(),
        })
    }

    /// What each lane has of a hundred cases: those that anybody can answer, then the special ones.
    pub fn shares(&self) -> Vec<u32> {
        let special = self.lanes.iter().map(|(_, share)| *share);
        let general = HUNDRED - special.clone().sum::<u32>();
        std::iter::once(general).chain(special).collect()
    }
}

fn utc() -> Zone {
    Zone::fixed(0).expect("no offset is an offset")
}

fn bound(what: &'static str, count: usize, most: usize) -> Result<(), NoRota> {
    if count > most {
        Err(NoRota::TooMany { what, count, most })
    } else {
        Ok(())
    }
}

impl TryFrom<Written> for Rota {
    type Error = NoRota;

    fn try_from(written: Written) -> Result<Rota, NoRota> {
        bound("engineers", written.engineer.len(), limits::ENGINEERS)?;
        bound("lanes", written.lanes.len(), limits::LANES)?;
        let usual = Rota::standard(1)?;
        let begins = written.begins.unwrap_or(usual.begins);
        if begins.weekday() != jiff::civil::Weekday::Monday {
            return Err(NoRota::Monday(begins));
        }
        let lanes: Vec<(String, u32)> = written.lanes.into_iter().collect();
        let shares = lanes.iter().fold(0u32, |sum, (_, share)| sum.saturating_add(*share));
        if shares > HUNDRED {
            return Err(NoRota::Shares(shares));
        }
        let zone = written.zone.unwrap_or(usual.zone);
        let engineers = written
            .engineer
            .into_iter()
            .map(|engineer| seat(engineer, &lanes, &zone));
        let rota = Rota {
            begins,
            hours: written.hours.unwrap_or(usual.hours),
            meeting_minutes: written.meeting_minutes.unwrap_or(usual.meeting_minutes),
            leave_percent: written.leave_percent.unwrap_or(usual.leave_percent),
            engineers: engineers.collect::<Result<_, _>>()?,
            zone,
            lanes,
        };
        checked(rota)
    }
}

/// What can only be said of a whole rota.
fn checked(rota: Rota) -> Result<Rota, NoRota> {
    let number = |what, value: u32, most| {
        if value > most {
            Err(NoRota::Number { what, value, most })
        } else {
            Ok(())
        }
    };
    number("meeting_minutes", rota.meeting_minutes.into(), 240)?;
    number("leave_percent", rota.leave_percent, HUNDRED)?;
    let mut names = rota
        .engineers
        .iter()
        .map(|engineer| &engineer.name)
        .chain(rota.lanes.iter().map(|lane| &lane.0));
    if names.any(|name| name.trim().is_empty() || name.chars().count() > limits::NAME_CHARS) {
        return Err(NoRota::Name(limits::NAME_CHARS));
    }
    if rota.engineers.is_empty() {
        return Err(NoRota::Nobody);
    }
    let served = |lane: usize| rota.engineers.iter().any(|engineer| engineer.lanes.contains(&lane));
    match rota
        .lanes
        .iter()
        .enumerate()
        .find(|(lane, (_, share))| *share > 0 && !served(*lane))
    {
        Some((_, (name, _))) => Err(NoRota::Empty(name.clone())),
        None => Ok(rota),
    }
}

fn seat(written: WrittenEngineer, lanes: &[(String, u32)], zone: &Zone) -> Result<Engineer, NoRota> {
    let name = written.name;
    let place = |lane: String| {
        let found = lanes.iter().position(|(known, _)| *known == lane);
        found.ok_or_else(|| NoRota::Lane {
            name: name.clone(),
            lane,
        })
    };
    let lanes = written.lanes.into_iter().map(place).collect::<Result<_, _>>()?;
    let days = |text: String| {
        let (first, last) = text.split_once('/').unwrap_or((&text, &text));
        let day = |day: &str| day.trim().parse::<Date>().ok();
        let days = day(first).zip(day(last)).filter(|(first, last)| first <= last);
        days.ok_or_else(|| NoRota::Leave(text.chars().take(40).collect()))
    };
    let leave = written.leave.into_iter().map(days).collect::<Result<_, _>>()?;
    Ok(Engineer {
        name,
        zone: written.zone.unwrap_or_else(|| zone.clone()),
        hours: written.hours,
        lanes,
        leave,
    })
}
