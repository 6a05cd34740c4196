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
    fn severities_are_read_by_number_and_by_name() {
        assert_eq!("1".parse(), Ok(Severity::Stopped));
        assert_eq!(" Severe ".parse(), Ok(Severity::Severe));
        assert!("5".parse::<Severity>().is_err());
        assert!(Severity::try_from(0).is_err());
        assert_eq!(Severity::default().to_string(), "3 (limited)");
    }
}
