//! Agreements and calendars as they are read.

use super::Screen;
use crate::desk::agreement::{AgreementRow, HoursIn, WhenFull};
use crate::desk::calendar::CalendarRow;
use crate::desk::feed::FeedRow;
use plan::{Severity, say};
use std::fmt::Write as _;
use std::io;

impl Screen {
    /// One agreement a row.
    pub(super) fn agreements(&mut self, rows: &[AgreementRow]) -> io::Result<()> {
        for one in rows {
            let targets = Severity::ALL.map(|severity| one.terms.given(severity).first_reply.to_string());
            let cells = vec![
                one.agreement.to_string(),
                one.customer.clone().unwrap_or_else(|| "(everybody else)".into()),
                one.version.to_string(),
                if one.in_force { "in force" } else { "not now" }.to_owned(),
                self.short(one.from),
                one.until.map_or_else(|| "-".into(), |until| self.short(until)),
                targets.join(" / "),
                one.terms.calendar.clone(),
            ];
            let heading = [
                "NUMBER",
                "CUSTOMER",
                "VERSION",
                "STATE",
                "FROM",
                "UNTIL",
                "FIRST REPLY 1 / 2 / 3 / 4",
                "CALENDAR",
            ];
            self.list.row(&heading, cells, false)?;
        }
        Ok(())
    }

    /// Every version of one agreement, newest first, in words.
    pub(super) fn versions(&mut self, rows: &[AgreementRow]) -> io::Result<()> {
        for one in rows {
            let mut text = String::new();
            let customer = one.customer.as_deref().unwrap_or("everybody without one");
            let state = if one.in_force { " · in force" } else { "" };
            let _ = writeln!(
                text,
                "Agreement {} with {customer}, version {}{state}",
                one.agreement, one.version
            );
            let until = one
                .until
                .map_or_else(String::new, |until| format!(" until {}", self.short(until)));
            let _ = writeln!(text, "  holds from {}{until}", self.short(one.from));
            let supersedes = one
                .supersedes
                .map_or_else(String::new, |before| format!(", supersedes version {before}"));
            let _ = writeln!(
                text,
                "  made {} by {}{supersedes}",
                say::stamp(one.made, &self.zone),
                one.by
            );
            terms(&mut text, one);
            self.print(text.trim_end())?;
        }
        Ok(())
    }

    /// One calendar a row.
    pub(super) fn calendars(&mut self, rows: &[CalendarRow]) -> io::Result<()> {
        for one in rows {
            let cells = vec![
                one.name.clone(),
                one.version.to_string(),
                one.zone.clone(),
                one.hours.clone(),
                one.special_dates.to_string(),
                one.source.clone(),
                self.short(one.made),
                self.feed(one.feed.as_ref()),
            ];
            self.list.row(
                &[
                    "NAME",
                    "VERSION",
                    "ZONE",
                    "HOURS",
                    "SPECIAL DAYS",
                    "FROM",
                    "MADE",
                    "FEED",
                ],
                cells,
                true,
            )?;
        }
        Ok(())
    }

    /// How the last look at a feed went.
    fn feed(&self, feed: Option<&FeedRow>) -> String {
        match feed {
            None => "-".to_owned(),
            Some(FeedRow { trouble: Some(why), .. }) => format!("not read: {why}"),
            Some(FeedRow { read_at: Some(at), .. }) => format!("read {}", self.short(*at)),
            Some(_) => "not read yet".to_owned(),
        }
    }
}

fn terms(text: &mut String, one: &AgreementRow) {
    let terms = &one.terms;
    for (name, list) in [
        ("products", &terms.products),
        ("components", &terms.components),
        ("contacts", &terms.contacts),
        ("channels", &terms.channels),
        ("languages", &terms.languages),
    ] {
        if !list.is_empty() {
            let _ = writeln!(text, "  {name}: {}", list.join(", "));
        }
    }
    if !terms.vendor.is_empty() {
        let _ = writeln!(text, "  vendor: {}", terms.vendor);
    }
    let clocks = match terms.hours_in {
        HoursIn::Calendar => "",
        HoursIn::Contact => ", read on the contact's clocks",
    };
    let _ = writeln!(text, "  calendar: {}{clocks}", terms.calendar);
    for severity in Severity::ALL {
        let given = terms.given(severity);
        let follow_up = given.follow_up.unwrap_or(given.first_reply);
        let calendar = given
            .calendar
            .as_ref()
            .map_or_else(String::new, |name| format!(" ({name})"));
        let first = given.first_reply;
        let _ = writeln!(
            text,
            "  severity {severity}: first reply {first}, follow-up {follow_up}{calendar}"
        );
    }
    let full = match terms.when_full {
        WhenFull::Date => "the earliest honest date is the due",
        WhenFull::Offer => "the target stands, the earliest honest time is offered",
    };
    let _ = writeln!(text, "  when full: {full}");
    if let Some(most) = terms.at_target {
        let _ = writeln!(text, "  promises at target at a time: {most}");
    }
    if let Some(clock) = &terms.clock {
        let _ = writeln!(text, "  clock left behind: {}", clock.preset);
    }
}
