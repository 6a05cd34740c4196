//! What a due time costs: p99 over a ten-year calendar with 200 holidays and targets up to a year, and building it.

use crate::report::Report;
use anyhow::Result;
use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp, ToSpan};
use plan::Calendar;
use std::hint::black_box;
use std::time::Instant;

/// Samples of a series.
const SAMPLES: usize = 200_000;
/// Times that a calendar is built.
const BUILDS: usize = 200;
/// Whole days of the ten years, and minutes of the longest target that is taken: of a week 42 hours are open.
const DAYS: u64 = 3_652;
const MINUTES: u64 = 366 * 24 * 60;

/// A number below `most`, the next of a fixed series (splitmix64): the same questions in every run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, most: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % most
    }
}

/// Builds the calendar and asks it.
pub fn measure(report: &mut Report, quick: bool) -> Result<()> {
    let samples = if quick { SAMPLES / 10 } else { SAMPLES };
    let begin = Date::constant(2026, 1, 1);
    let mut dice = Dice(5);
    let holidays: Vec<Date> = (0..200)
        .map(|_| begin.checked_add((dice.below(DAYS) as i64).days()))
        .collect::<Result<_, _>>()?;
    let builds = (0..BUILDS).map(|_| {
        let from = Instant::now();
        black_box(calendar(&holidays).map(|_| ()))?;
        Ok(from.elapsed().as_secs_f64() * 1e3)
    });
    let builds = builds.collect::<Result<Vec<f64>>>()?;
    report.spread("building a calendar of 10 years and 200 holidays", "ms", &builds);
    let calendar = calendar(&holidays)?;
    let start: Timestamp = "2026-01-01T00:00:00Z".parse()?;
    for (name, most) in [
        ("a due time, up to a week away", 42 * 60),
        ("a due time, up to a year away", 52 * 42 * 60),
        ("a due time, target up to a year of open time, four years away", MINUTES),
    ] {
        let mut spread = Vec::with_capacity(samples);
        for _ in 0..samples {
            let from = start + SignedDuration::from_secs(dice.below(DAYS * 86_400) as i64);
            let target = SignedDuration::from_mins(dice.below(most) as i64 + 1);
            let asked = Instant::now();
            black_box(calendar.due(black_box(from), black_box(target), &[])?);
            spread.push(asked.elapsed().as_secs_f64() * 1e6);
        }
        report.spread(name, "µs", &spread);
    }
    Ok(())
}

fn calendar(holidays: &[Date]) -> Result<Calendar> {
    let plain = Calendar::from_text("Europe/Berlin", "mon-fri 09:00-12:30 13:00-17:00, sat 10:00-14:00")?;
    Ok(plain.with_holidays(holidays.iter().copied())?)
}
