//! What comes back, as a person or a program reads it: aligned columns on a terminal, tabs in a pipe, JSON when asked.

use super::args::{Cli, Verb};
use crate::desk::case::State;
use crate::desk::queue::{CasePage, CaseRow, Delivery, LogRow, MessageRow, PromiseRow};
use crate::desk::spool;
use crate::desk::verb::{Answer, SliceAnswer};
use jiff::Timestamp;
use plan::{Zone, say};
use serde::Serialize;
use std::io::{IsTerminal, Write};

/// Where answers are written, and how.
pub struct Screen {
    json: bool,
    terminal: bool,
    now: Timestamp,
    zone: Zone,
    columns: Vec<String>,
    table: Option<comfy_table::Table>,
    rows: usize,
    heading: Option<Vec<String>>,
}

impl Screen {
    /// A screen for this command.
    pub fn new(cli: &Cli, now: Timestamp) -> Screen {
        let zone = jiff::tz::TimeZone::system()
            .iana_name()
            .and_then(|name| name.parse().ok())
            .unwrap_or(Zone::UTC);
        let columns = match &cli.verb {
            Verb::Ps(given) => given.columns.clone(),
            _ => Vec::new(),
        };
        let terminal = std::io::stdout().is_terminal() && !cli.accessible;
        Screen {
            json: cli.json,
            terminal,
            now,
            zone,
            columns,
            table: None,
            rows: 0,
            heading: None,
        }
    }

    /// Writes one answer; lists may come in several.
    pub fn show(&mut self, answer: Answer) -> anyhow::Result<()> {
        if self.json {
            return self.as_json(&answer);
        }
        match answer {
            Answer::Cases(rows) => self.cases(&rows),
            Answer::Slice(slice) => self.slice(&slice),
            Answer::Case(page) => self.case(&page),
            Answer::Log(rows) => self.log(&rows),
            Answer::Raw(text) => {
                let bytes = data_encoding::BASE64.decode(text.as_bytes())?;
                std::io::stdout().write_all(&bytes)?;
                Ok(())
            }
            Answer::Written(_, said) => self.line(&said),
            Answer::Done(done) => self.line(&done.said),
            Answer::Promises(rows) => self.promises(&rows),
            Answer::Spool(rows) => self.spool(&rows),
            Answer::Hits(hits) => {
                for hit in hits {
                    let case = hit.case.map_or("spool".to_owned(), |case| case.to_string());
                    self.row(
                        &["CASE", "AT", "FROM", "LINE"],
                        vec![case, self.short(hit.at), hit.from, hit.line],
                    )?;
                }
                Ok(())
            }
            Answer::Engineers(rows) => {
                for one in rows {
                    let duty = if one.on_duty { "on duty" } else { "off duty" };
                    let lanes = if one.lanes.is_empty() {
                        "all lanes".into()
                    } else {
                        one.lanes.join(",")
                    };
                    let case = one.case.map_or("-".to_owned(), |case| case.to_string());
                    let cells = vec![
                        one.name,
                        one.address,
                        one.role,
                        format!("L{}", one.layer),
                        lanes,
                        one.zone,
                        one.hours,
                    ];
                    let mut cells = cells;
                    cells.extend([duty.to_owned(), case]);
                    self.row(
                        &[
                            "NAME", "ADDRESS", "ROLE", "LAYER", "LANES", "ZONE", "HOURS", "NOW", "CASE",
                        ],
                        cells,
                    )?;
                }
                Ok(())
            }
            Answer::Customers(rows) => {
                for one in rows {
                    let made = if one.entered { "entered" } else { "from mail" };
                    let cells = vec![
                        one.customer.to_string(),
                        one.name,
                        made.into(),
                        one.domains.join(","),
                        one.open_cases.to_string(),
                    ];
                    self.row(&["NUMBER", "NAME", "MADE", "DOMAINS", "OPEN"], cells)?;
                }
                Ok(())
            }
            Answer::Contacts(rows) => {
                for one in rows {
                    let zone = one.zone.unwrap_or_else(|| "-".into());
                    let cells = vec![
                        one.contact.to_string(),
                        one.name,
                        one.addresses.join(","),
                        one.customer,
                        zone,
                    ];
                    self.row(&["NUMBER", "NAME", "ADDRESSES", "CUSTOMER", "ZONE"], cells)?;
                }
                Ok(())
            }
        }
    }

    /// Writes what is left of a list, and says when it was empty.
    pub fn end(&mut self) -> anyhow::Result<()> {
        if let Some(table) = self.table.take() {
            let mut out = std::io::stdout().lock();
            for line in table.lines() {
                writeln!(out, "{}", line.trim_end())?;
            }
        }
        Ok(())
    }

    fn as_json(&self, answer: &Answer) -> anyhow::Result<()> {
        let mut out = std::io::BufWriter::new(std::io::stdout().lock());
        match answer {
            Answer::Cases(rows) => lines(&mut out, rows)?,
            Answer::Log(rows) => lines(&mut out, rows)?,
            Answer::Promises(rows) => lines(&mut out, rows)?,
            Answer::Spool(rows) => lines(&mut out, rows)?,
            Answer::Hits(rows) => lines(&mut out, rows)?,
            Answer::Engineers(rows) => lines(&mut out, rows)?,
            Answer::Customers(rows) => lines(&mut out, rows)?,
            Answer::Contacts(rows) => lines(&mut out, rows)?,
            Answer::Slice(slice) => lines(&mut out, [slice])?,
            Answer::Case(page) => lines(&mut out, [page])?,
            Answer::Written(written, _) => lines(&mut out, [written])?,
            Answer::Done(done) => lines(&mut out, [done])?,
            Answer::Raw(text) => lines(&mut out, [serde_json::json!({"base64": text})])?,
        }
        out.flush()?;
        Ok(())
    }

    fn line(&self, text: &str) -> anyhow::Result<()> {
        writeln!(std::io::stdout(), "{text}")?;
        Ok(())
    }

    fn short(&self, at: Timestamp) -> String {
        say::short(at, &self.zone, self.now)
    }

    /// One row of a list: kept for alignment on a terminal, written with tabs in a pipe.
    fn row(&mut self, heading: &[&str], cells: Vec<String>) -> anyhow::Result<()> {
        let clean = |cell: String| {
            cell.chars()
                .map(|one| if one.is_control() { ' ' } else { one })
                .collect::<String>()
        };
        let cells: Vec<String> = cells.into_iter().map(clean).collect();
        self.rows += 1;
        if !self.terminal {
            if self.heading.is_none() {
                writeln!(std::io::stdout(), "{}", heading.join("\t"))?;
                self.heading = Some(heading.iter().map(|&one| one.to_owned()).collect());
            }
            writeln!(std::io::stdout(), "{}", cells.join("\t"))?;
            return Ok(());
        }
        let table = self.table.get_or_insert_with(|| {
            let mut table = comfy_table::Table::new();
            table.load_style(comfy_table::presets::NOTHING);
            table.set_content_arrangement(comfy_table::ContentArrangement::Dynamic);
            table.set_header(heading);
            table
        });
        table.add_row(cells);
        Ok(())
    }

    fn cases(&mut self, rows: &[CaseRow]) -> anyhow::Result<()> {
        let all = ["case", "st", "ni", "reply_by", "left", "who", "customer", "subject"];
        let wanted: Vec<String> = if self.columns.is_empty() {
            all.iter().map(|&one| one.to_owned()).collect()
        } else {
            self.columns.clone()
        };
        let heading: Vec<String> = wanted
            .iter()
            .map(|name| name.replace('_', " ").to_uppercase())
            .collect();
        let heading: Vec<&str> = heading.iter().map(String::as_str).collect();
        for row in rows {
            let cells = wanted
                .iter()
                .map(|name| self.cell(row, name))
                .collect::<Result<_, _>>()?;
            self.row(&heading, cells)?;
        }
        if rows.is_empty() && self.rows == 0 {
            eprintln!("No case is waiting for us.");
            self.rows = 1;
        }
        Ok(())
    }

    fn cell(&self, row: &CaseRow, column: &str) -> Result<String, crate::refusal::Refusal> {
        let dash = || "-".to_owned();
        Ok(match column {
            "case" => row.case.to_string(),
            "st" | "state" => letters(row).to_owned(),
            "ni" | "nice" => row.nice.to_string(),
            "severity" => row.severity.to_string(),
            "lane" => row.lane.clone(),
            "reply_by" => match (row.reply_by, row.wake_at) {
                (Some(due), _) => self.short(due),
                (None, Some(wake)) => format!("cust. {}", self.short(wake)),
                _ => dash(),
            },
            "left" => row
                .reply_by
                .map_or_else(dash, |due| say::left(due.duration_since(self.now))),
            "who" | "owner" => row.owner.clone().unwrap_or_else(dash),
            "customer" => row.customer.clone(),
            "subject" => match &row.reason {
                Some(reason) if row.waits_for.is_some() && !reason.is_empty() => format!("{} ({reason})", row.subject),
                _ => row.subject.clone(),
            },
            other => {
                return Err(crate::refusal::Refusal::usage(format!(
                    "\"{other}\" is no column. Columns: case, state, nice, severity, lane, reply_by, left, owner, customer, subject."
                )));
            }
        })
    }

    fn slice(&self, slice: &SliceAnswer) -> anyhow::Result<()> {
        let mut out = std::io::stdout().lock();
        writeln!(out, "{}  {}", slice.row.case, slice.row.subject)?;
        writeln!(
            out,
            "      {} · severity {} · {}",
            slice.row.customer, slice.row.severity, slice.row.lane
        )?;
        for promise in &slice.promises {
            let who = slice.row.owner.as_deref().unwrap_or("nobody yet");
            writeln!(
                out,
                "      reply by {} · {} · {who}",
                say::line(promise.due, &self.zone, self.now),
                promise.word
            )?;
        }
        if let Some(context) = &slice.context {
            writeln!(out, "      Left behind: {context}")?;
        }
        writeln!(out, "      Why this one: {}", slice.why)?;
        drop(out);
        for message in slice.messages.iter().take(3) {
            self.message(message, true)?;
        }
        self.line(&format!(
            "\nduly reply {0} · duly wait {0} … · duly note {0} · duly skip REASON",
            slice.row.case
        ))
    }

    fn case(&self, page: &CasePage) -> anyhow::Result<()> {
        let mut out = std::io::stdout().lock();
        let row = &page.row;
        writeln!(out, "{}  {}", row.case, row.subject)?;
        let public = page
            .list
            .as_deref()
            .map_or(String::new(), |list| format!(" · public, through {list}"));
        writeln!(
            out,
            "      {} · {} · severity {} · {}{public}",
            row.customer,
            state(row),
            row.severity,
            row.lane
        )?;
        for promise in page.promises.iter().filter(|one| one.state == "open") {
            let who = row.owner.as_deref().unwrap_or("nobody yet");
            writeln!(
                out,
                "      reply by {} · {} · {who}",
                say::line(promise.due, &self.zone, self.now),
                promise.word
            )?;
        }
        if let Some(wake) = row.wake_at {
            let party = row.waits_for.as_deref().unwrap_or("a date");
            writeln!(out, "      waiting for {party} until {}", self.short(wake))?;
        }
        if row.reply_under_way {
            writeln!(out, "      reply under way")?;
        }
        let people: Vec<String> = page
            .people
            .iter()
            .map(|(name, address)| format!("{name} <{address}>"))
            .collect();
        writeln!(out, "      on it: {}", people.join(", "))?;
        drop(out);
        for message in &page.messages {
            self.message(message, false)?;
        }
        let more = page.message_count - page.messages.len() as i64;
        if more > 0 {
            self.line(&format!("\n{more} older messages: `duly log {}`", row.case))?;
        }
        Ok(())
    }

    fn message(&self, message: &MessageRow, short: bool) -> anyhow::Result<()> {
        let mut out = std::io::stdout().lock();
        let inside = if message.way == "note" { " · internal" } else { "" };
        let verified = if message.verified { "" } else { " · not verified" };
        writeln!(
            out,
            "\n── {} · {} <{}> · {}{inside}{verified} · message {}",
            self.short(message.at),
            message.from,
            message.address,
            message.kind,
            message.message
        )?;
        let most = if short { 12 } else { usize::MAX };
        let count = message.text.lines().count();
        for line in message.text.lines().take(most) {
            let line: String = line.chars().filter(|one| !one.is_control() || *one == '\t').collect();
            writeln!(out, "   {line}")?;
        }
        if count > most {
            writeln!(out, "   … {} more lines", count - most)?;
        }
        for file in &message.facts.files {
            writeln!(
                out,
                "   [file] {} ({}, {} bytes)",
                file.name, file.content_type, file.size
            )?;
        }
        for delivery in &message.delivery {
            writeln!(out, "   → {}: {}", delivery.recipient, self.delivery(delivery))?;
        }
        Ok(())
    }

    fn delivery(&self, delivery: &Delivery) -> String {
        delivery.words(&self.zone, self.now)
    }

    fn log(&mut self, rows: &[LogRow]) -> anyhow::Result<()> {
        for row in rows {
            let case = row.case.map_or("-".to_owned(), |case| case.to_string());
            let rule = row.matched_by.clone().unwrap_or_else(|| "-".into());
            let data = if row.data.is_null() {
                String::new()
            } else {
                row.data.to_string()
            };
            let cells = vec![
                row.seq.to_string(),
                self.short(row.at),
                case,
                row.kind.clone(),
                row.from.clone(),
                rule,
                data,
            ];
            self.row(&["SEQ", "AT", "CASE", "WHAT", "WHO", "MATCHED BY", "DATA"], cells)?;
        }
        Ok(())
    }

    fn promises(&mut self, rows: &[PromiseRow]) -> anyhow::Result<()> {
        for row in rows {
            let settled = row.settled_at.map_or("-".to_owned(), |at| self.short(at));
            let margin = match row.settled_at {
                Some(at) if row.state == "kept" => format!("{} early", say::left(row.due.duration_since(at))),
                _ => "-".into(),
            };
            let by = row.by.clone().unwrap_or_else(|| "-".into());
            let cells = vec![
                row.case.to_string(),
                self.short(row.made),
                self.short(row.due),
                row.state.clone(),
                settled,
                by,
                margin,
                row.basis.clone(),
            ];
            self.row(
                &["CASE", "MADE", "DUE", "STATE", "SETTLED", "BY", "MARGIN", "WHY"],
                cells,
            )?;
        }
        Ok(())
    }

    fn spool(&mut self, rows: &[spool::Row]) -> anyhow::Result<()> {
        for row in rows {
            let at = if row.name == "all" {
                "-".into()
            } else {
                self.short(row.at)
            };
            let cells = vec![
                row.name.clone(),
                row.way.clone(),
                row.state.clone(),
                at,
                row.who.clone(),
                row.subject.clone(),
                row.reason.clone(),
            ];
            self.row(&["NAME", "WAY", "STATE", "SINCE", "WHO", "SUBJECT", "WHY"], cells)?;
        }
        if rows.is_empty() {
            eprintln!("Every message is in a case: nothing stands in the spool.");
        }
        Ok(())
    }
}

fn lines<T: Serialize>(out: &mut impl Write, rows: impl IntoIterator<Item = T>) -> anyhow::Result<()> {
    for row in rows {
        serde_json::to_writer(&mut *out, &row)?;
        out.write_all(b"\n")?;
    }
    Ok(())
}

/// The state letters of `ps` (UX.md §3.3).
fn letters(row: &CaseRow) -> &'static str {
    match (row.state, row.waits_for.as_deref()) {
        (State::Unsorted, _) => "U",
        (State::Running, _) => "R",
        (State::Ready, _) => "Q",
        (State::Blocked, Some("upstream")) => "Wu",
        (State::Blocked, Some("lab")) => "Wl",
        (State::Blocked, Some("date")) => "Wt",
        (State::Blocked, _) => "We",
        (State::Waiting, _) => "Wc",
        (State::Closing, _) => "Z",
        (State::Closed, _) => "X",
    }
}

fn state(row: &CaseRow) -> String {
    match (&row.state, &row.resolution) {
        (State::Closed, Some(resolution)) => format!("closed: {resolution}"),
        (state, _) => format!("{state:?}").to_lowercase(),
    }
}
