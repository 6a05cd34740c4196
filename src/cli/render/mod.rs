//! What comes back, as a person or a program reads it: a list, a page, or JSON when asked.
//!
//! Times are said in the zone in which the desk reads the times that the same person types: the engineer's, else the
//! desk's. Words from outside never reach a terminal with control characters or marks that turn its writing around.

mod agreed;
mod figures;
mod list;
mod load;
mod page;
mod session;

use super::args::{Cli, DeskVerb, Verb};
use super::client::Told;
use crate::desk::case::State;
use crate::desk::queue::{CaseRow, LogRow, PromiseRow};
use crate::desk::search::Found;
use crate::desk::spool;
use crate::desk::upload;
use crate::desk::verb::{Answer, EngineerRow};
use crate::refusal::Refusal;
use clap::ColorChoice;
use jiff::{SignedDuration, Timestamp};
pub use list::{Form, List};
use plan::{Zone, say};
use serde::Serialize;
use std::collections::BTreeSet;
use std::io::{self, IsTerminal, Write};

/// Where answers are written, and how.
pub struct Screen {
    json: bool,
    now: Timestamp,
    zone: Zone,
    columns: Vec<String>,
    /// A list of everything has another foot than the run queue.
    whole: bool,
    list: List,
    foot: Foot,
    mail_held: bool,
    /// What was found and is not shown, in words.
    more: Option<String>,
}

/// What the line under the run queue counts.
#[derive(Default)]
struct Foot {
    cases: usize,
    ours: usize,
    pressing: usize,
    asked: bool,
    at_risk: usize,
    /// Who is asked to take what is urgent, as sentences.
    urgent: Vec<String>,
    /// State letters in the list.
    letters: BTreeSet<&'static str>,
}

/// An empty list in the form that this command is read in.
pub fn list_of(cli: &Cli) -> List {
    let form = match (cli.accessible, io::stdout().is_terminal()) {
        (true, _) => Form::Sentences,
        (false, true) => Form::Columns,
        (false, false) => Form::Tabs,
    };
    List::new(form, has_colour(cli.color, &io::stdout()))
}

impl Screen {
    /// A screen for this command.
    ///
    /// # Errors
    /// A column that does not exist.
    pub fn new(cli: &Cli, now: Timestamp) -> Result<Screen, Refusal> {
        let (columns, whole) = match &cli.verb {
            Verb::Desk(DeskVerb::Ps(given)) => (given.columns.clone(), given.all),
            _ => (Vec::new(), false),
        };
        if let Some(unknown) = columns.iter().find(|name| !COLUMNS.contains(&name.as_str())) {
            return Err(Refusal::usage(format!(
                "\"{unknown}\" is no column. Columns: {}.",
                COLUMNS[..10].join(", ")
            )));
        }
        Ok(Screen {
            json: cli.json,
            now,
            zone: Zone::UTC,
            columns,
            whole,
            list: list_of(cli),
            foot: Foot::default(),
            mail_held: false,
            more: None,
        })
    }

    /// Writes one answer; lists may come in several.
    pub fn show(&mut self, told: Told) -> anyhow::Result<()> {
        self.zone = told.zone;
        self.mail_held = told.mail_held && !matches!(told.answer, Answer::Raw(_));
        if let Answer::Hits(found) = &told.answer {
            self.more = more_words(found);
        }
        if self.json {
            return Ok(as_json(&told.answer)?);
        }
        match told.answer {
            Answer::Cases(rows) => self.cases(&rows)?,
            Answer::Slice(slice) => self.print(&page::slice(&slice, &self.zone, self.now))?,
            Answer::Case(case) => self.print(&page::case(&case, &self.zone, self.now))?,
            Answer::Log(rows) => self.log(&rows)?,
            Answer::Raw(text) => io::stdout().write_all(&data_encoding::BASE64.decode(text.as_bytes())?)?,
            Answer::Written(_, said) => self.print(&said)?,
            Answer::Done(done) => match done.data.get("text").and_then(serde_json::Value::as_str) {
                // What was taken back is given back: the words are the data, the sentence is talk.
                Some(text) => {
                    writeln!(io::stderr(), "{}", plain(&done.said))?;
                    self.print(text.trim_end())?;
                }
                None => self.print(&done.said)?,
            },
            Answer::Promises(rows) => self.promises(&rows)?,
            Answer::Figures(report) => self.figures(&report)?,
            Answer::Spool(rows) => self.spool(&rows)?,
            Answer::Files(rows) => {
                for one in rows {
                    let scan = one.scan_words().unwrap_or_else(|| "-".into());
                    let cells = vec![
                        one.file.to_string(),
                        upload::size(one.bytes.max(0) as u64),
                        one.kind,
                        one.name,
                        scan,
                        one.sha256,
                    ];
                    self.list
                        .row(&["FILE", "SIZE", "KIND", "NAME", "SCAN", "SHA256"], cells, false)?;
                }
            }
            Answer::Piece(piece) => io::stdout().write_all(&data_encoding::BASE64.decode(piece.data.as_bytes())?)?,
            Answer::Probe(probe) => self.print(&probe.state)?,
            Answer::Hits(found) => {
                for hit in found.hits {
                    let case = hit.case.map_or("spool".to_owned(), |case| case.to_string());
                    let cells = vec![case, self.short(hit.at), hit.from, hit.line];
                    self.list.row(&["CASE", "AT", "FROM", "LINE"], cells, false)?;
                }
            }
            Answer::Engineers(rows) => self.engineers(rows)?,
            Answer::Load(report) => self.load(&report)?,
            Answer::Link(link) => self.link(&link)?,
            Answer::Sessions(rows) => self.sessions(rows)?,
            Answer::Agreements(rows) => self.agreements(&rows)?,
            Answer::Versions(rows) => self.versions(&rows)?,
            Answer::Calendars(rows) => self.calendars(&rows)?,
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
                    self.list
                        .row(&["NUMBER", "NAME", "MADE", "DOMAINS", "OPEN"], cells, false)?;
                }
            }
            Answer::Contacts(rows) => {
                for one in rows {
                    let cells = vec![
                        one.contact.to_string(),
                        one.name,
                        one.addresses
                            .iter()
                            .map(
                                |address| match one.bounced.iter().any(|bounced| bounced.address == *address) {
                                    true => format!("{address} (bounced)"),
                                    false => address.clone(),
                                },
                            )
                            .collect::<Vec<_>>()
                            .join(","),
                        one.customer,
                        one.zone.unwrap_or_else(|| "-".into()),
                        one.language.unwrap_or_else(|| "-".into()),
                        one.key.map_or_else(
                            || "-".into(),
                            |key| {
                                let until = key
                                    .until
                                    .map_or_else(String::new, |at| format!(" until {}", self.short(at)));
                                format!("{} {}{until}", key.scheme, key.fingerprint)
                            },
                        ),
                    ];
                    self.list.row(
                        &["NUMBER", "NAME", "ADDRESSES", "CUSTOMER", "ZONE", "LANGUAGE", "KEY"],
                        cells,
                        false,
                    )?;
                }
            }
        }
        Ok(())
    }

    /// Writes what is left of a list, and the line under it.
    pub fn end(&mut self) -> anyhow::Result<()> {
        self.list.end()?;
        if self.foot.asked && !self.json && self.list.form() != Form::Tabs && self.foot.cases > 0 {
            self.print(&self.foot.words(self.whole))?;
            if self.list.form() == Form::Columns {
                self.print(&self.foot.legend())?;
            }
        }
        if let Some(more) = &self.more {
            writeln!(io::stderr(), "{more}")?;
        }
        if self.mail_held && !self.json {
            let said = "MAIL HELD: nothing leaves the desk until `duly spool release all`. Promises go on counting.";
            writeln!(io::stderr(), "{said}")?;
        }
        Ok(())
    }

    fn print(&self, text: &str) -> io::Result<()> {
        writeln!(io::stdout(), "{}", plain(text))
    }

    fn short(&self, at: Timestamp) -> String {
        say::short(at, &self.zone, self.now)
    }

    fn cases(&mut self, rows: &[CaseRow]) -> anyhow::Result<()> {
        self.foot.asked = true;
        let usual = ["case", "st", "ni", "reply_by", "left", "who", "customer", "subject"];
        let wanted: Vec<&str> = match self.columns.is_empty() {
            true => usual.to_vec(),
            false => self.columns.iter().map(String::as_str).collect(),
        };
        let heading: Vec<String> = wanted
            .iter()
            .map(|name| match (self.list.form(), *name) {
                (Form::Sentences, "st") => "STATE".to_owned(),
                (Form::Sentences, "ni") => "NICE".to_owned(),
                (_, name) => name.replace('_', " ").to_uppercase(),
            })
            .collect();
        let heading: Vec<&str> = heading.iter().map(String::as_str).collect();
        for row in rows {
            self.foot.count(row, self.now);
            let cells = wanted.iter().map(|name| self.cell(row, name)).collect();
            self.list.row(&heading, cells, false)?;
        }
        if rows.is_empty() && self.list.rows == 0 {
            let said = match self.whole {
                true => "There is no case yet: the first mail makes one.",
                false => "No open case is in this list. `duly ps -a` lists the closed ones too.",
            };
            writeln!(io::stderr(), "{said}")?;
        }
        Ok(())
    }

    fn cell(&self, row: &CaseRow, column: &str) -> String {
        let dash = || "-".to_owned();
        match column {
            "case" => row.case.to_string(),
            "st" | "state" if self.list.form() == Form::Sentences => state(row),
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
            _ => match &row.reason {
                Some(reason) if row.waits_for.is_some() && !reason.is_empty() => format!("{} ({reason})", row.subject),
                _ => row.subject.clone(),
            },
        }
    }

    fn engineers(&mut self, rows: Vec<EngineerRow>) -> io::Result<()> {
        for one in rows {
            let cells = vec![
                one.name,
                one.address,
                one.role,
                format!("L{}", one.layer),
                match one.away_until {
                    Some(until) => format!("away until {}", self.short(until)),
                    None if one.on_duty => "on duty".into(),
                    None => "off duty".into(),
                },
                one.case.map_or("-".to_owned(), |case| case.to_string()),
                one.zone,
                one.hours,
                if one.lanes.is_empty() {
                    "all".into()
                } else {
                    one.lanes.join(",")
                },
            ];
            self.list.row(
                &[
                    "NAME", "ADDRESS", "ROLE", "LAYER", "NOW", "CASE", "ZONE", "HOURS", "LANES",
                ],
                cells,
                true,
            )?;
        }
        Ok(())
    }

    fn log(&mut self, rows: &[LogRow]) -> io::Result<()> {
        for row in rows {
            let data = if row.data.is_null() {
                String::new()
            } else {
                row.data.to_string()
            };
            let cells = vec![
                row.seq.to_string(),
                self.short(row.at),
                row.case.map_or("-".to_owned(), |case| case.to_string()),
                row.kind.clone(),
                row.from.clone(),
                row.matched_by.clone().unwrap_or_else(|| "-".into()),
                data,
            ];
            self.list.row(
                &["SEQ", "AT", "CASE", "WHAT", "WHO", "MATCHED BY", "DATA"],
                cells,
                false,
            )?;
        }
        Ok(())
    }

    fn promises(&mut self, rows: &[PromiseRow]) -> io::Result<()> {
        for row in rows {
            let early = match row.settled_at {
                Some(at) if row.state == "kept" => say::left(row.due.duration_since(at)),
                _ => "-".into(),
            };
            let cells = vec![
                row.case.to_string(),
                self.short(row.made),
                self.short(row.due),
                row.state.clone(),
                row.settled_at.map_or("-".to_owned(), |at| self.short(at)),
                row.by.clone().unwrap_or_else(|| "-".into()),
                early,
            ];
            self.list.row(
                &["CASE", "MADE", "DUE", "STATE", "SETTLED", "BY", "EARLY"],
                cells,
                false,
            )?;
        }
        Ok(())
    }

    fn spool(&mut self, rows: &[spool::Row]) -> io::Result<()> {
        for row in rows {
            let since = match row.name.as_str() {
                "all" => "-".into(),
                _ => self.short(row.at),
            };
            let cells = vec![
                row.name.clone(),
                row.way.clone(),
                row.state.clone(),
                since,
                row.who.clone(),
                row.subject.clone(),
                row.reason.clone(),
            ];
            // The reason is why somebody looks: it is never cut.
            self.list
                .row(&["NAME", "WAY", "STATE", "SINCE", "WHO", "SUBJECT", "WHY"], cells, true)?;
        }
        if rows.is_empty() {
            writeln!(io::stderr(), "Every message is in a case: nothing stands in the spool.")?;
        }
        Ok(())
    }
}

impl Foot {
    fn count(&mut self, row: &CaseRow, now: Timestamp) {
        self.cases += 1;
        self.letters.insert(letters(row));
        let ours = matches!(row.state, State::Running | State::Ready | State::Blocked);
        self.ours += usize::from(ours);
        self.at_risk += usize::from(row.at_risk);
        let asked = row.asked.as_ref().map(|asked| format!("Case {}: {asked}", row.case));
        self.urgent.extend(asked);
        let soon = |due: Timestamp| due.duration_since(now) < SignedDuration::from_hours(1);
        self.pressing += usize::from(row.state == State::Ready && row.reply_by.is_some_and(soon));
    }

    /// How many cases, how many of them ours, how many at risk, and who is asked to take what is urgent.
    fn words(&self, whole: bool) -> String {
        let plural = if self.cases == 1 { "case" } else { "cases" };
        let mut said = match whole {
            true => format!("{} {plural}, {} ours.", self.cases, self.ours),
            false => format!(
                "{} {plural}, {} ours, {} at risk; {} due within the hour with nobody on it.",
                self.cases, self.ours, self.at_risk, self.pressing
            ),
        };
        for urgent in &self.urgent {
            said.push_str(&format!(" {urgent}."));
        }
        said
    }

    /// What the letters in the list mean; those that are not in it are not explained.
    fn legend(&self) -> String {
        let here = LEGEND.iter().filter(|(letters, _)| self.letters.contains(letters));
        let words: Vec<String> = here.map(|(letters, words)| format!("{letters} {words}")).collect();
        words.join(" · ")
    }
}

/// What a search found and did not show, in words; nothing if that is nothing.
fn more_words(found: &Found) -> Option<String> {
    let shown = found.hits.len() as i64;
    let more = match (found.more, found.uncounted) {
        (0, _) => return None,
        (more, true) => format!("more than {more} older ones"),
        (1, false) => "1 older one".to_owned(),
        (more, false) => format!("{more} older ones"),
    };
    Some(format!(
        "{more} found and not shown: `-n {}` shows more, further words narrow.",
        (shown + found.more).min(shown.saturating_mul(10).max(10))
    ))
}

/// What the state letters mean, as the legend under a list says it.
const LEGEND: [(&str, &str); 10] = [
    ("U", "unsorted"),
    ("R", "being worked on"),
    ("Q", "ready"),
    ("We", "waits for engineering"),
    ("Wu", "for upstream"),
    ("Wl", "for the lab"),
    ("Wt", "for a date"),
    ("Wc", "theirs: for the customer"),
    ("Z", "theirs: answered, will close"),
    ("X", "closed"),
];

/// Columns of `ps`, their short names last.
const COLUMNS: [&str; 13] = [
    "case", "state", "nice", "severity", "lane", "reply_by", "left", "owner", "customer", "subject", "st", "ni", "who",
];

/// Whether `out` may be coloured.
pub fn has_colour(choice: ColorChoice, out: &impl IsTerminal) -> bool {
    let forbidden = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    match choice {
        ColorChoice::Always => true,
        ColorChoice::Never => false,
        ColorChoice::Auto => out.is_terminal() && !forbidden,
    }
}

/// Words from outside as a terminal may have them: lines and tabs stay, what commands a terminal or turns its writing
/// around (U+202A to U+202E, U+2066 to U+2069) does not.
fn plain(text: &str) -> String {
    let allowed = |&one: &char| {
        matches!(one, '\n' | '\t')
            || !(one.is_control() || matches!(one, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'))
    };
    text.chars().filter(allowed).collect()
}

/// The same on one line, for a cell.
fn one_line(text: &str) -> String {
    plain(text).replace(['\n', '\t', '\u{2028}', '\u{2029}'], " ")
}

fn as_json(answer: &Answer) -> io::Result<()> {
    let mut out = io::BufWriter::new(io::stdout().lock());
    match answer {
        Answer::Cases(rows) => lines(&mut out, rows)?,
        Answer::Log(rows) => lines(&mut out, rows)?,
        Answer::Promises(rows) => lines(&mut out, rows)?,
        Answer::Figures(report) => lines(&mut out, [report])?,
        Answer::Spool(rows) => lines(&mut out, rows)?,
        Answer::Files(rows) => lines(&mut out, rows)?,
        Answer::Piece(piece) => lines(&mut out, [piece])?,
        Answer::Hits(found) => lines(&mut out, &found.hits)?,
        Answer::Engineers(rows) => lines(&mut out, rows)?,
        Answer::Load(report) => lines(&mut out, [report])?,
        Answer::Link(link) => lines(&mut out, [link])?,
        Answer::Sessions(rows) => lines(&mut out, rows)?,
        Answer::Customers(rows) => lines(&mut out, rows)?,
        Answer::Contacts(rows) => lines(&mut out, rows)?,
        Answer::Agreements(rows) | Answer::Versions(rows) => lines(&mut out, rows)?,
        Answer::Calendars(rows) => lines(&mut out, rows)?,
        Answer::Probe(probe) => lines(&mut out, [probe])?,
        Answer::Slice(slice) => lines(&mut out, [slice])?,
        Answer::Case(page) => lines(&mut out, [page])?,
        Answer::Written(written, _) => lines(&mut out, [written])?,
        Answer::Done(done) => lines(&mut out, [done])?,
        Answer::Raw(text) => lines(&mut out, [serde_json::json!({"base64": text})])?,
    }
    out.flush()
}

fn lines<T: Serialize>(out: &mut impl Write, rows: impl IntoIterator<Item = T>) -> io::Result<()> {
    for row in rows {
        // As an error of writing, so that a reader who has seen enough is known as one.
        serde_json::to_writer(&mut *out, &row).map_err(io::Error::from)?;
        out.write_all(b"\n")?;
    }
    Ok(())
}

/// The state letters of `ps`.
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

/// The state in words.
fn state(row: &CaseRow) -> String {
    match (&row.state, &row.resolution) {
        (State::Closed, Some(resolution)) => format!("closed: {resolution}"),
        (state, _) => format!("{state:?}").to_lowercase(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_from_outside_do_not_command_a_terminal() {
        assert_eq!(plain("a\u{1b}[2Jb\r\u{7}\u{202e}c\n\td\u{9b}"), "a[2Jbc\n\td");
        assert_eq!(plain("שלום 👋"), "שלום 👋", "other writing stays");
        assert_eq!(one_line("a\nb\tc"), "a b c");
    }

    #[test]
    fn the_help_of_ps_says_what_every_state_letter_means() {
        for (letters, _) in LEGEND {
            let said = crate::cli::args::STATES.split_whitespace().any(|word| word == letters);
            assert!(said, "{letters}");
        }
    }

    #[test]
    fn the_foot_counts_in_words_with_their_base() {
        let foot = Foot {
            cases: 1,
            ours: 1,
            pressing: 0,
            asked: true,
            at_risk: 0,
            urgent: Vec::new(),
            letters: BTreeSet::from(["Q", "Wt"]),
        };
        assert_eq!(foot.legend(), "Q ready · Wt for a date");
        assert_eq!(
            foot.words(false),
            "1 case, 1 ours, 0 at risk; 0 due within the hour with nobody on it."
        );
        assert_eq!(foot.words(true), "1 case, 1 ours.");
    }
}
