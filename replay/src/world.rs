//! The desk that is lived again: who works when, which mails come, and what nobody knows before it happens.
//!
//! The inputs are those of SCHEDULING §1.1. Everything is drawn before the first minute, from streams of chance of its own
//! ([`Dice`]), so every policy lives the same weeks. What the world knows and a planner may not: the true minutes of a
//! mail, where it will block and for how long, and who will be ill.

use crate::dice::Dice;
use crate::limits;
use crate::opening;
use crate::rota::{self, Rota};
use crate::trace::{Case, WEEK};
use jiff::civil::Date;
use plan::interval::{Interval, Minute, clipped, tidy, without};
use plan::shift::{NEVER, Shift};

/// Weeks in which mails come.
pub const WEEKS: i64 = 4;
/// Weeks after them in which what is open is answered.
pub const DRAIN_WEEKS: i64 = 2;
/// Weeks of hours that are known ahead of the last minute: a planner must see behind the end.
const BEYOND_WEEKS: i64 = 7;
/// Severities 1 to 4 of a hundred cases.
const SEVERITIES: [u32; 4] = [9, 20, 57, 14];
/// Business minutes of a target by severity 1 to 4.
pub const TARGET_MINUTES: [i64; 4] = [120, 240, 600, 1800];
/// Of a hundred spells of sickness, those of 1, 2, 3 and 4 days.
const SPELLS: [u32; 4] = [40, 30, 20, 10];
/// Days of a mean spell, in tenths.
const SPELL_TENTHS: u64 = 20;
/// Minutes after midnight at which a sick day is known.
const KNOWN_MINUTE: i64 = 6 * 60;
/// A wait for the lab or upstream: median minutes and sigma of a lognormal distribution; 95 of 100 end within
/// [`BLOCK_Q95_MINUTES`].
pub const BLOCK_MEDIAN_MINUTES: u32 = 60;
/// See [`BLOCK_MEDIAN_MINUTES`].
pub const BLOCK_SIGMA: f64 = 0.8;
/// See [`BLOCK_MEDIAN_MINUTES`]: 60 × exp(0.8 × 1.645).
pub const BLOCK_Q95_MINUTES: i64 = 224;

/// What is asked of chance.
#[derive(Debug, Clone)]
pub struct Chances {
    /// True work in thousandths of the planned time.
    pub load_thousandths: u32,
    /// Everything follows from it.
    pub seed: u64,
    /// Days on which an engineer is ill, in a million.
    pub sickness: u32,
    /// Mails whose answer blocks once, in a million.
    pub blocking: u32,
}

/// Why there is no such world.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoWorld {
    /// A rota that cannot be.
    #[error(transparent)]
    Rota(#[from] rota::NoRota),
    /// No hours at all.
    #[error("nobody of this rota works in the four weeks of the replay")]
    NoHours,
    /// The customers' calendar is never open.
    #[error("the customers' calendar has too few hours for the longest target")]
    NoCalendar,
    /// No mail, or none with work.
    #[error("the trace holds no case that can be replayed")]
    NoCases,
    /// More mails than a replay takes.
    #[error("this load makes more than {0} mails; take fewer engineers or a smaller load")]
    TooMany(usize),
    /// A share outside of 0 to 1, or a load beyond the bound.
    #[error("{what} lies between 0 and {most}")]
    Share {
        /// Which number.
        what: &'static str,
        /// The highest that is taken.
        most: u32,
    },
}

/// A wait within the work of a mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Block {
    /// Minutes of work before it.
    pub at_work: i64,
    /// How long it lasts, minutes of the wall clock.
    pub lasts: i64,
}

/// A mail as the world knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mail {
    /// When it came.
    pub arrival: Minute,
    /// Its case.
    pub case: usize,
    /// 0 to 3 for severity 1 to 4.
    pub severity: usize,
    /// 0 for what anybody can answer, else a special lane.
    pub lane: usize,
    /// Not the first mail of its case.
    pub later: bool,
    /// Minutes that its answer takes. No planner may read this.
    pub work: i64,
    /// Where it will block. No planner may read this before it happens.
    pub block: Option<Block>,
}

/// A spell of sickness.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spell {
    /// When it is known: at 06:00 of its first day, all of it.
    pub known: Minute,
    /// Days without work, from midnight to midnight.
    pub days: Interval,
}

/// An engineer as the world knows them.
#[derive(Debug, Clone)]
pub struct Engineer {
    /// For tables.
    pub name: String,
    /// Which lanes they answer, by number; lane 0 is everybody's.
    pub lanes: Vec<bool>,
    /// Hours less leave and meetings.
    pub planned: Vec<Interval>,
    /// When they will be ill. No planner may read one before it is known.
    pub spells: Vec<Spell>,
    /// Planned less all spells: when they will have been there.
    pub present: Vec<Interval>,
}

/// Weeks to be lived.
#[derive(Debug, Clone)]
pub struct World {
    /// The first minute, a Monday.
    pub from: Minute,
    /// The first minute whose promises are counted.
    pub counted_from: Minute,
    /// The first minute whose promises are not counted any more; no mail comes from then on.
    pub counted_until: Minute,
    /// The last minute.
    pub until: Minute,
    /// Zone in which people read times.
    pub zone: plan::Zone,
    /// The customers' calendar.
    pub open: Shift,
    /// Who works.
    pub engineers: Vec<Engineer>,
    /// Names of the lanes; the first is everybody's.
    pub lanes: Vec<String>,
    /// What comes, by arrival.
    pub mails: Vec<Mail>,
    /// Minutes that engineers are planned for in the weeks in which mails come.
    pub planned_minutes: i64,
}

impl World {
    /// Draws the weeks.
    ///
    /// # Errors
    /// What makes them impossible, in a sentence.
    pub fn new(cases: &[Case], rota: &Rota, chances: &Chances) -> Result<World, NoWorld> {
        bounded(chances)?;
        let at = |week: i64| {
            let monday = rota
                .begins
                .checked_add(jiff::Span::new().weeks(week))
                .map_err(|_| NoWorld::NoHours)?;
            opening::instant(&rota.zone, monday, 0).ok_or(NoWorld::NoHours)
        };
        let (from, until) = (at(0)?, at(WEEKS + DRAIN_WEEKS)?);
        let all = Interval::new(from, at(WEEKS + DRAIN_WEEKS + BEYOND_WEEKS)?);
        let days = 7 * (WEEKS + DRAIN_WEEKS + BEYOND_WEEKS) as u32;
        let open = Shift::new(&opening::of_hours(&rota.zone, &rota.hours, rota.begins, days), all);
        if opening::after(&open, until, TARGET_MINUTES[3]) == NEVER {
            return Err(NoWorld::NoCalendar);
        }
        let engineers: Vec<Engineer> = rota
            .engineers
            .iter()
            .enumerate()
            .map(|(index, seat)| engineer(index, seat, rota, chances, days))
            .collect();
        let counted_until = at(WEEKS)?;
        let arrivals = Interval::new(from, counted_until);
        let minutes = |engineer: &Engineer| {
            clipped(&engineer.planned, arrivals)
                .iter()
                .map(|one| one.minutes())
                .sum::<i64>()
        };
        let planned_minutes: i64 = engineers.iter().map(minutes).sum();
        if planned_minutes == 0 {
            return Err(NoWorld::NoHours);
        }
        let lanes = std::iter::once("general").chain(rota.lanes.iter().map(|(name, _)| name.as_str()));
        Ok(World {
            mails: mails(cases, rota, chances, planned_minutes)?,
            lanes: lanes.map(str::to_string).collect(),
            zone: rota.zone.clone(),
            counted_from: at(1)?,
            counted_until,
            from,
            until,
            open,
            engineers,
            planned_minutes,
        })
    }

    /// When a target is due that counts from an instant.
    pub fn target(&self, severity: usize, from: Minute) -> Minute {
        opening::after(&self.open, from, TARGET_MINUTES[severity])
    }

    /// Whether an engineer answers a lane.
    pub fn answers(&self, engineer: usize, lane: usize) -> bool {
        self.engineers[engineer].lanes[lane]
    }
}

fn bounded(chances: &Chances) -> Result<(), NoWorld> {
    let share = |what, value: u32| {
        if value > 1_000_000 {
            Err(NoWorld::Share { what, most: 1 })
        } else {
            Ok(())
        }
    };
    share("sickness", chances.sickness)?;
    share("blocking", chances.blocking)?;
    if chances.load_thousandths > limits::LOAD_THOUSANDTHS {
        return Err(NoWorld::Share {
            what: "load",
            most: limits::LOAD_THOUSANDTHS / 1000,
        });
    }
    Ok(())
}

fn engineer(index: usize, seat: &rota::Engineer, rota: &Rota, chances: &Chances, days: u32) -> Engineer {
    let hours = tidy(&opening::of_hours(&seat.zone, &seat.hours, rota.begins, days));
    let dates: Vec<Date> = rota
        .begins
        .series(jiff::Span::new().days(1))
        .take(days as usize)
        .collect();
    let day = |date: &Date| {
        let at = |minutes| opening::instant(&seat.zone, *date, minutes);
        Some(Interval::new(at(0)?, at(24 * 60)?))
    };
    let working: Vec<Interval> = dates
        .iter()
        .filter_map(day)
        .filter(|day| !clipped(&hours, *day).is_empty())
        .collect();

    let mut dice = Dice::new(chances.seed, &format!("leave of {index}"));
    let drawn = dates
        .chunks(7)
        .filter(|_| dice.chance(rota.leave_percent * 10_000))
        .flatten();
    let written = dates
        .iter()
        .filter(|date| seat.leave.iter().any(|(first, last)| first <= *date && *date <= last));
    let leave: Vec<Interval> = drawn.chain(written).filter_map(day).collect();
    let there = without(&hours, &leave);

    let mut dice = Dice::new(chances.seed, &format!("meetings of {index}"));
    let meetings: Vec<Interval> = working
        .iter()
        .filter_map(|day| meeting(*day, &hours, rota, &mut dice))
        .collect();
    let planned = without(&there, &meetings);

    let mut dice = Dice::new(chances.seed, &format!("sickness of {index}"));
    let spells = spells(&working, chances.sickness, &mut dice);
    let away: Vec<Interval> = spells.iter().map(|spell| spell.days).collect();
    let lanes = (0..=rota.lanes.len()).map(|lane| lane == 0 || seat.lanes.contains(&(lane - 1)));
    Engineer {
        name: seat.name.clone(),
        lanes: lanes.collect(),
        present: without(&planned, &away),
        planned,
        spells,
    }
}

/// The meeting of a day: at a random full hour from 10 to 15 at which all of it lies within the hours, so never over lunch.
fn meeting(day: Interval, hours: &[Interval], rota: &Rota, dice: &mut Dice) -> Option<Interval> {
    let at = |hour: i64| {
        Interval::new(
            day.from + 60 * hour,
            day.from + 60 * hour + i64::from(rota.meeting_minutes),
        )
    };
    let within = |one: &Interval| opening::at(hours, one.from).is_some_and(|open| one.to <= open.to);
    let possible: Vec<Interval> = (10..=15).map(at).filter(within).collect();
    possible.get(dice.below(possible.len() as u32) as usize).copied()
}

/// Spells over working days, so that `share` (in a million) of the days is lost on the long run.
fn spells(working: &[Interval], share: u32, dice: &mut Dice) -> Vec<Spell> {
    // Days between two spells have the mean 1/p, a spell the mean m: of all days m/(m + 1/p) are lost.
    let (lost, all) = (u64::from(share), 1_000_000u64);
    let begins = (lost * all * 10)
        .checked_div((all - lost.min(all)) * SPELL_TENTHS)
        .unwrap_or(all)
        .min(all) as u32;
    let mut spells = Vec::new();
    let mut day = 0;
    while day < working.len() {
        if !dice.chance(begins) {
            day += 1;
            continue;
        }
        let last = (day + dice.weighted(&SPELLS)).min(working.len() - 1);
        let days = Interval::new(working[day].from, working[last].to);
        spells.push(Spell {
            known: days.from + KNOWN_MINUTE,
            days,
        });
        day = last + 1;
    }
    spells
}

/// Whole cases, drawn at random and shifted by whole weeks, until their work is the load.
///
/// A case begins in one of the four weeks. A later mail of it that would come after them comes as many weeks earlier, as
/// one of a case begun before: so no week has more of them than another.
fn mails(cases: &[Case], rota: &Rota, chances: &Chances, planned_minutes: i64) -> Result<Vec<Mail>, NoWorld> {
    let wanted = planned_minutes * i64::from(chances.load_thousandths) / 1000;
    let mut dice = Dice::new(chances.seed, "arrivals");
    let mut blocks = Dice::new(chances.seed, "blocks");
    let shares = rota.shares();
    let (mut mails, mut work, mut drawn) = (Vec::new(), 0, 0);
    while work < wanted {
        let case = cases
            .get(dice.below(cases.len() as u32) as usize)
            .ok_or(NoWorld::NoCases)?;
        let week = i64::from(dice.below(WEEKS as u32));
        let (severity, lane) = (dice.weighted(&SEVERITIES), dice.weighted(&shares));
        for turn in &case.turns {
            let minutes = (week * WEEK + turn.offset_minutes) % (WEEKS * WEEK);
            let block = block(turn.work_minutes, chances.blocking, &mut blocks);
            let arrival = opening::instant(&rota.zone, rota.begins, minutes).ok_or(NoWorld::NoCases)?;
            mails.push(Mail {
                arrival,
                case: drawn,
                severity,
                lane,
                later: turn.number > 0,
                work: turn.work_minutes,
                block,
            });
            work += turn.work_minutes;
        }
        drawn += 1;
        if mails.len() > limits::JOBS {
            return Err(NoWorld::TooMany(limits::JOBS));
        }
    }
    mails.sort_by_key(|mail| (mail.arrival, mail.case));
    Ok(mails)
}

/// Three draws whether or not it blocks, so that the share changes no other mail.
fn block(work: i64, share: u32, dice: &mut Dice) -> Option<Block> {
    let blocks = dice.chance(share);
    let at_work = i64::from(dice.below(work as u32));
    let lasts = dice.lognormal(BLOCK_MEDIAN_MINUTES, BLOCK_SIGMA);
    blocks.then_some(Block { at_work, lasts })
}
