//! Severities and the open time that each is given for a reply.

use crate::Mistake;
use jiff::SignedDuration;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// How badly a customer is hit. Lower is worse; a new case is [`Severity::Limited`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "u8", into = "u8")]
pub enum Severity {
    /// 1: production down, or data at risk.
    Stopped = 1,
    /// 2: badly restricted.
    Severe = 2,
    /// 3: restricted, and a workaround exists.
    #[default]
    Limited = 3,
    /// 4: a question or a wish.
    Question = 4,
}

impl Severity {
    /// All of them, worst first.
    pub const ALL: [Severity; 4] = [
        Severity::Stopped,
        Severity::Severe,
        Severity::Limited,
        Severity::Question,
    ];

    /// 1 to 4.
    pub fn number(self) -> u8 {
        self as u8
    }

    /// One word for it.
    pub fn name(self) -> &'static str {
        match self {
            Severity::Stopped => "stopped",
            Severity::Severe => "severe",
            Severity::Limited => "limited",
            Severity::Question => "question",
        }
    }
}

impl fmt::Display for Severity {
    /// `2 (severe)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.number(), self.name())
    }
}

impl TryFrom<u8> for Severity {
    type Error = Mistake;

    fn try_from(number: u8) -> Result<Severity, Mistake> {
        let found = Severity::ALL.into_iter().find(|severity| severity.number() == number);
        found.ok_or_else(|| Mistake::Severity(number.to_string()))
    }
}

impl From<Severity> for u8 {
    fn from(severity: Severity) -> u8 {
        severity.number()
    }
}

impl FromStr for Severity {
    type Err = Mistake;

    /// Reads the number or the name.
    fn from_str(text: &str) -> Result<Severity, Mistake> {
        let word = text.trim();
        let named =
            |severity: &Severity| word.eq_ignore_ascii_case(severity.name()) || word == severity.number().to_string();
        Severity::ALL
            .into_iter()
            .find(named)
            .ok_or_else(|| Mistake::Severity(text.chars().take(60).collect()))
    }
}

/// Longest target, in minutes of open time and in business days: a year.
const LONGEST_MINUTES: u32 = 366 * 24 * 60;
const LONGEST_DAYS: u32 = 366;

/// The time within which a reply is owed, before a date is made of it.
///
/// Written as `2h`, `30m`, `1h30m` for open time, or `2 business days`: the close of the second day with hours after the
/// day of receipt, mail after close counting as received at the next opening.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Target {
    /// Minutes in which the calendar is open.
    OpenMinutes(u32),
    /// Days with hours.
    BusinessDays(u32),
}

impl FromStr for Target {
    type Err = Mistake;

    fn from_str(text: &str) -> Result<Target, Mistake> {
        let mistake = || Mistake::Target(text.chars().take(60).collect());
        let number = |digits: &str| {
            let digits = digits.trim();
            let few = !digits.is_empty() && digits.len() <= 6 && digits.bytes().all(|b| b.is_ascii_digit());
            few.then(|| digits.parse::<u32>().ok()).flatten()
        };
        let text = text.trim();
        let days = text
            .strip_suffix("business days")
            .or_else(|| text.strip_suffix("business day"));
        if let Some(days) = days {
            let days = number(days).ok_or_else(mistake)?;
            return match days {
                1..=LONGEST_DAYS => Ok(Target::BusinessDays(days)),
                _ => Err(mistake()),
            };
        }
        let (hours, rest) = match text.split_once('h') {
            Some((hours, rest)) => (number(hours).ok_or_else(mistake)?, rest.trim()),
            None => (0, text),
        };
        let minutes = match rest.strip_suffix('m') {
            Some(minutes) => number(minutes).ok_or_else(mistake)?,
            None if rest.is_empty() && text.contains('h') => 0,
            None => return Err(mistake()),
        };
        let all = hours.checked_mul(60).and_then(|hours| hours.checked_add(minutes));
        match all {
            Some(all @ 1..=LONGEST_MINUTES) => Ok(Target::OpenMinutes(all)),
            _ => Err(mistake()),
        }
    }
}

impl TryFrom<String> for Target {
    type Error = Mistake;

    fn try_from(text: String) -> Result<Target, Mistake> {
        text.parse()
    }
}

impl From<Target> for String {
    fn from(target: Target) -> String {
        target.to_string()
    }
}

impl fmt::Display for Target {
    /// As it is written.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Target::BusinessDays(1) => f.write_str("1 business day"),
            Target::BusinessDays(days) => write!(f, "{days} business days"),
            Target::OpenMinutes(minutes) => match (minutes / 60, minutes % 60) {
                (0, minutes) => write!(f, "{minutes}m"),
                (hours, 0) => write!(f, "{hours}h"),
                (hours, minutes) => write!(f, "{hours}h{minutes}m"),
            },
        }
    }
}

/// Open minutes within which a reply is owed, by severity, worst first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Targets {
    /// To the first message of a case.
    pub first_reply_minutes: [u32; 4],
    /// To every later one.
    pub follow_up_minutes: [u32; 4],
}

impl Default for Targets {
    /// 2, 4, 10 and 30 open hours for both, until an agreement says otherwise.
    fn default() -> Targets {
        const HOURS: [u32; 4] = [2 * 60, 4 * 60, 10 * 60, 30 * 60];
        Targets {
            first_reply_minutes: HOURS,
            follow_up_minutes: HOURS,
        }
    }
}

impl Targets {
    /// Open time for the reply to the first message of a case.
    pub fn first_reply(&self, severity: Severity) -> SignedDuration {
        minutes(&self.first_reply_minutes, severity)
    }

    /// Open time for the reply to any later message.
    pub fn follow_up(&self, severity: Severity) -> SignedDuration {
        minutes(&self.follow_up_minutes, severity)
    }
}

fn minutes(by_severity: &[u32; 4], severity: Severity) -> SignedDuration {
    SignedDuration::from_mins(i64::from(by_severity[usize::from(severity.number()) - 1]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_two_four_ten_and_thirty_hours() {
        let hours = Severity::ALL.map(|severity| Targets::default().first_reply(severity).as_hours());
        assert_eq!(hours, [2, 4, 10, 30]);
        assert_eq!(
            Targets::default().follow_up(Severity::Limited),
            SignedDuration::from_hours(10)
        );
    }

    #[test]
    fn targets_are_printed_as_they_are_written() {
        for text in ["2h", "30m", "1h30m", "8784h", "1 business day", "2 business days"] {
            assert_eq!(text.parse::<Target>().unwrap().to_string(), text);
        }
        assert_eq!("90m".parse(), Ok(Target::OpenMinutes(90)));
        for text in [
            "",
            "h",
            "m",
            "0h",
            "0m",
            "2",
            "2d",
            "-2h",
            "8785h",
            "0 business days",
            "367 business days",
            "9999999h",
        ] {
            assert!(matches!(text.parse::<Target>(), Err(Mistake::Target(_))), "{text}");
        }
    }

    #[test]
    fn severities_are_read_by_number_and_by_name() {
        assert_eq!("1".parse(), Ok(Severity::Stopped));
        assert_eq!(" Severe ".parse(), Ok(Severity::Severe));
        assert!("5".parse::<Severity>().is_err());
        assert!(Severity::try_from(0).is_err());
        assert_eq!(Severity::default().to_string(), "3 (limited)");
    }
}
