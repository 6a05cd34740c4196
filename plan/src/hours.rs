//! Hours of a week, and the text that people write for them.
//!
//! `mon-fri 09:00-12:30 13:00-17:00, sat 10:00-14:00`: groups are parted by commas, windows by blanks. The text is what
//! `duly init --hours` takes and what is printed back. A window whose end is not after its begin ends on the next day,
//! so `22:00-06:00` crosses midnight and `08:00-08:00` is a whole day; `24:00` is the end of the day.

use crate::Mistake;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// Windows of one day that are taken; nobody has more breaks.
pub(crate) const WINDOWS_A_DAY: usize = 24;
/// Short names of the weekdays, Monday first.
pub(crate) const WEEKDAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
/// Minutes of a day.
pub(crate) const DAY: u16 = 24 * 60;

/// One span of local hours; it belongs to the date on which it begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Window {
    begin: u16,
    end: u16,
}

impl Window {
    /// The whole day, `00:00-24:00`.
    pub const DAY: Window = Window { begin: 0, end: DAY };

    /// Local minutes after midnight at which it begins, 0 to 1439.
    pub fn begin_minute(self) -> u16 {
        self.begin
    }

    /// Local minutes after the midnight of its date at which it ends, up to 2879: beyond 1440 it ends on the next day.
    pub fn end_minute(self) -> u16 {
        self.end
    }
}

/// Minutes after midnight of `HH:MM`.
fn minute_of(text: &str) -> Option<u16> {
    let (hour, minute) = text.split_once(':')?;
    let number = |text: &str, digits: std::ops::RangeInclusive<usize>| {
        (digits.contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit())).then(|| text.parse::<u16>().ok())?
    };
    let (hour, minute) = (number(hour, 1..=2)?, number(minute, 2..=2)?);
    (minute < 60 && hour * 60 + minute <= DAY).then_some(hour * 60 + minute)
}

impl FromStr for Window {
    type Err = Mistake;

    fn from_str(text: &str) -> Result<Window, Mistake> {
        let parts = text
            .trim()
            .split_once('-')
            .and_then(|(a, b)| Some((minute_of(a.trim())?, minute_of(b.trim())?)));
        match parts {
            Some((begin, end)) if begin < DAY => Ok(Window {
                begin,
                end: if end <= begin { end + DAY } else { end },
            }),
            _ => Err(Mistake::Window(text.chars().take(60).collect())),
        }
    }
}

impl TryFrom<String> for Window {
    type Error = Mistake;

    fn try_from(text: String) -> Result<Window, Mistake> {
        text.parse()
    }
}

impl From<Window> for String {
    fn from(window: Window) -> String {
        window.to_string()
    }
}

impl fmt::Display for Window {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let end = if self.end > DAY { self.end - DAY } else { self.end };
        write!(
            f,
            "{:02}:{:02}-{:02}:{:02}",
            self.begin / 60,
            self.begin % 60,
            end / 60,
            end % 60
        )
    }
}

/// Windows of each weekday, Monday first; each day's in the order of the clock.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Hours([Vec<Window>; 7]);

impl Hours {
    /// Always open.
    pub fn always() -> Hours {
        Hours(std::array::from_fn(|_| vec![Window::DAY]))
    }

    /// From the windows of each weekday, Monday first.
    pub fn new(mut week: [Vec<Window>; 7]) -> Result<Hours, Mistake> {
        for day in &mut week {
            too_many("windows a day", day.len(), WINDOWS_A_DAY)?;
            day.sort_unstable();
        }
        Ok(Hours(week))
    }

    /// Windows of a weekday, 0 for Monday.
    pub fn of(&self, weekday: usize) -> &[Window] {
        self.0.get(weekday).map_or(&[], Vec::as_slice)
    }

    /// Minutes of a whole week in which at least one window is open.
    pub(crate) fn open_minutes(&self) -> i64 {
        const WEEK: u32 = 7 * DAY as u32;
        let mut spans = Vec::new();
        for (day, windows) in self.0.iter().enumerate() {
            for window in windows {
                let start = day as u32 * u32::from(DAY);
                let (begin, end) = (start + u32::from(window.begin), start + u32::from(window.end));
                // A window of Sunday night is open on Monday morning as well: the week is a circle.
                spans.extend([(begin, end.min(WEEK)), (0, end.saturating_sub(WEEK))]);
            }
        }
        spans.sort_unstable();
        let (mut total, mut covered) = (0, 0);
        for (begin, end) in spans {
            total += i64::from(end.saturating_sub(begin.max(covered)));
            covered = covered.max(end);
        }
        total
    }
}

/// Minutes in which at least one of these windows is open, none of which crosses midnight.
pub(crate) fn minutes_of_day(windows: &[Window]) -> i64 {
    let (mut total, mut covered) = (0, 0);
    // They are in the order of the clock.
    for window in windows {
        total += i64::from(window.end.saturating_sub(window.begin.max(covered)));
        covered = covered.max(window.end);
    }
    total
}

/// Refuses more than `most`.
pub(crate) fn too_many(what: &'static str, count: usize, most: usize) -> Result<(), Mistake> {
    if count > most {
        Err(Mistake::TooMany { what, count, most })
    } else {
        Ok(())
    }
}

/// Number of a weekday by its short or full English name, 0 for Monday.
pub(crate) fn weekday(text: &str) -> Option<usize> {
    const FULL: [&str; 7] = [
        "monday",
        "tuesday",
        "wednesday",
        "thursday",
        "friday",
        "saturday",
        "sunday",
    ];
    (0..7).find(|&day| text.eq_ignore_ascii_case(WEEKDAYS[day]) || text.eq_ignore_ascii_case(FULL[day]))
}

/// The weekdays of `mon`, `mon-fri`, `sat-mon`.
fn weekdays(text: &str) -> Result<Vec<usize>, Mistake> {
    let mistake = || Mistake::Weekday(text.chars().take(60).collect());
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let first = weekday(first).ok_or_else(mistake)?;
    let last = weekday(last).ok_or_else(mistake)?;
    Ok((0..=(last + 7 - first) % 7).map(|step| (first + step) % 7).collect())
}

impl FromStr for Hours {
    type Err = Mistake;

    fn from_str(text: &str) -> Result<Hours, Mistake> {
        too_many("letters", text.len(), 2_000)?;
        let mut week: [Option<Vec<Window>>; 7] = Default::default();
        for group in text.split(',').map(str::trim).filter(|group| !group.is_empty()) {
            let (days, windows) = group
                .split_once(char::is_whitespace)
                .ok_or_else(|| match weekdays(group) {
                    Ok(_) => Mistake::NoWindow(group.to_owned()),
                    Err(mistake) => mistake,
                })?;
            let days = weekdays(days)?;
            let windows = windows
                .split_whitespace()
                .map(str::parse)
                .collect::<Result<Vec<Window>, _>>()?;
            for day in days {
                if week[day].replace(windows.clone()).is_some() {
                    return Err(Mistake::Twice(WEEKDAYS[day]));
                }
            }
        }
        Hours::new(week.map(Option::unwrap_or_default))
    }
}

impl TryFrom<String> for Hours {
    type Error = Mistake;

    fn try_from(text: String) -> Result<Hours, Mistake> {
        text.parse()
    }
}

impl From<Hours> for String {
    fn from(hours: Hours) -> String {
        hours.to_string()
    }
}

impl fmt::Display for Hours {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut day = 0;
        let mut parted = false;
        while day < 7 {
            let windows = &self.0[day];
            let alike = self.0[day..].iter().take_while(|other| *other == windows).count();
            if !windows.is_empty() {
                if std::mem::replace(&mut parted, true) {
                    f.write_str(", ")?;
                }
                f.write_str(WEEKDAYS[day])?;
                if alike > 1 {
                    write!(f, "-{}", WEEKDAYS[day + alike - 1])?;
                }
                for window in windows {
                    write!(f, " {window}")?;
                }
            }
            day += alike;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hours_are_printed_as_they_are_written() {
        for text in [
            "mon-fri 09:00-17:00",
            "mon-sun 00:00-24:00",
            "mon-fri 09:00-12:30 13:00-17:00, sat 10:00-14:00",
            "wed 22:00-06:00, sun 08:00-08:00",
            "",
        ] {
            assert_eq!(text.parse::<Hours>().unwrap().to_string(), text);
        }
        let odd: Hours = " Monday-Friday  9:00-17:00 ,".parse().unwrap();
        assert_eq!(odd.to_string(), "mon-fri 09:00-17:00");
        let round_the_end: Hours = "sat-mon 10:00-11:00".parse().unwrap();
        assert_eq!(round_the_end.to_string(), "mon 10:00-11:00, sat-sun 10:00-11:00");
    }

    #[test]
    fn mistakes_in_hours_are_named() {
        let said = |text: &str| text.parse::<Hours>().unwrap_err().to_string();
        assert!(said("mon-fry 09:00-17:00").contains("mon-fry"));
        assert!(said("mon 9-17").contains("\"9-17\" are no hours"));
        assert!(said("mon 24:00-25:00").contains("24:00-25:00"));
        assert!(said("mon 09:60-10:00").contains("09:60-10:00"));
        assert!(said("mon-fri").contains("no hours"));
        assert!(said("mon 09:00-10:00, sun-tue 09:00-10:00").contains("mon has hours twice"));
    }

    #[test]
    fn a_week_counts_overlapping_windows_once() {
        assert_eq!(Hours::always().open_minutes(), 7 * 24 * 60);
        assert_eq!(
            "fri 22:00-06:00, sat 00:00-24:00"
                .parse::<Hours>()
                .unwrap()
                .open_minutes(),
            26 * 60
        );
        assert_eq!(
            "sun 22:00-06:00, mon 05:00-07:00"
                .parse::<Hours>()
                .unwrap()
                .open_minutes(),
            9 * 60
        );
        assert_eq!(
            "mon-fri 09:00-12:30 13:00-17:00"
                .parse::<Hours>()
                .unwrap()
                .open_minutes(),
            5 * 450
        );
    }
}
