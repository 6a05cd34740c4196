//! Load and holes as a table: a line a lane, a line a person, a column a day; then what is to be known of it.

use super::Screen;
use crate::desk::schedule::load::{Line, Report, Share};
use std::io;

impl Screen {
    pub(super) fn load(&mut self, report: &Report) -> io::Result<()> {
        let mut heading = vec!["OF".to_owned()];
        heading.extend(report.days.iter().map(|day| day.to_uppercase()));
        let heading: Vec<&str> = heading.iter().map(String::as_str).collect();
        for line in &report.lanes {
            self.row_of(&heading, line, "by then ")?;
        }
        for line in &report.people {
            self.row_of(&heading, line, "")?;
        }
        self.list.end()?;
        for said in &report.said {
            self.print(said)?;
        }
        match report.holes_said(&self.zone) {
            holes if holes.is_empty() => self.print("Somebody is there for every lane in all hours of the desk."),
            holes => holes.iter().try_for_each(|hole| self.print(hole)),
        }
    }

    fn row_of(&mut self, heading: &[&str], line: &Line, before: &str) -> io::Result<()> {
        let cell = |share: &Share| format!("{before}{}", share.said());
        let cells = std::iter::once(line.of.clone()).chain(line.days.iter().map(cell));
        self.list.row(heading, cells.collect(), true)
    }
}
