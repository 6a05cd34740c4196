//! Pure engines of Duly: calendars and due times, the schedule, and how times are read from and said to people.
//!
//! Nothing in here reads a clock, opens a file or knows a table: every instant is passed in, so the same input gives the
//! same answer, byte for byte. Zone data is compiled into the binary (its release is part of jiff's version).

pub mod admit;
pub mod agenda;
pub mod budget;
pub mod calendar;
pub mod capacity;
pub mod cut;
pub mod dispatch;
pub mod fan;
mod fingerprint;
pub mod flow;
mod grid;
mod guide;
mod heap;
pub mod holidays;
pub mod hours;
mod insertion;
pub mod interval;
pub mod limits;
mod load;
pub mod phrase;
pub mod preset;
mod recur;
pub mod renegotiate;
pub mod request;
pub mod risk;
#[cfg(test)]
mod sample;
pub mod say;
pub mod schedule;
mod seating;
pub mod shift;
pub mod slack;
pub mod snapshot;
pub mod target;
mod team;
pub mod timetable;
mod walk;
pub mod wall;
pub mod why;
pub mod windows;
pub mod zone;

pub use admit::admit;
pub use calendar::{Calendar, NoHours};
pub use hours::{Hours, Window};
pub use schedule::{Board, Plan, plan};
pub use target::{Severity, Target, Targets};
pub use zone::Zone;

/// What is wrong with a calendar, a zone or a target that somebody wrote down; the sentence names the words at fault.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Mistake {
    /// Neither a name of the zone database nor a fixed offset.
    #[error("\"{0}\" is no time zone; write a name such as Europe/Berlin, or UTC+2")]
    Zone(String),
    /// Not a weekday or a range of weekdays.
    #[error("\"{0}\" is no weekday; write mon, tue, wed, thu, fri, sat, sun, or a range such as mon-fri")]
    Weekday(String),
    /// A weekday that has its hours already.
    #[error("{0} has hours twice; name each weekday once")]
    Twice(&'static str),
    /// Not a window of hours.
    #[error("\"{0}\" are no hours; write from and to, such as 09:00-17:00, 22:00-06:00 or 00:00-24:00")]
    Window(String),
    /// A weekday without windows behind it.
    #[error("\"{0}\" names days but no hours; write mon-fri 09:00-17:00")]
    NoWindow(String),
    /// Not a date.
    #[error("\"{0}\" is no date; write it as 2026-12-25")]
    Date(String),
    /// More windows or dates than anybody keeps.
    #[error("there are {count} {what} in this calendar; at most {most} are taken")]
    TooMany {
        /// What there are too many of.
        what: &'static str,
        /// How many came.
        count: usize,
        /// How many are taken.
        most: usize,
    },
    /// Not a target.
    #[error("\"{0}\" is no target; write 2h, 30m, 1h30m or 2 business days, at most a year")]
    Target(String),
    /// A severity outside 1 to 4.
    #[error("\"{0}\" is no severity; write 1 (stopped), 2 (severe), 3 (limited) or 4 (question)")]
    Severity(String),
}
