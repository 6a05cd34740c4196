//! Terms of an agreement as a person writes them into a TOML file, and what is wrong with one, by line or by field.

use crate::desk::calendar::{DESK, with_line};
use crate::limits;
use crate::refusal::Refusal;
use jiff::civil::Date;
use plan::{Severity, Target};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Ways in which a customer may write.
const CHANNELS: [&str; 3] = ["mail", "web", "api"];

/// An example that is whole: `duly agreement example` prints it, and a test reads it.
pub const EXAMPLE: &str = include_str!("example.toml");

/// What happens when the schedule cannot hold the target (PRODUCT.md §3.2).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum WhenFull {
    /// The earliest honest date is the due at once.
    Date,
    /// The target stands and counts; the earliest honest time is offered.
    #[default]
    Offer,
}

/// On whose clocks a calendar's hours are read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum HoursIn {
    /// In the calendar's own zone.
    #[default]
    Calendar,
    /// In the zone of the contact who asked.
    Contact,
}

/// What a severity is given.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Given {
    /// To the first message of a case.
    pub first_reply: Target,
    /// To every later one; as the first reply where nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub follow_up: Option<Target>,
    /// The calendar that it counts in, where it is another than the agreement's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calendar: Option<String>,
}

/// The clock that a customer's old contract names, kept with its pausing rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Clock {
    /// Name of a preset, as `duly due --preset` takes it.
    pub preset: String,
    /// Whether a pause moves the due time by its length (`shift`) or only hides the clock (`no shift`).
    #[serde(default)]
    pub pausing: Option<Pausing>,
}

/// What a pause does to a due time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Pausing {
    /// The due time moves by the paused time.
    #[serde(rename = "shift")]
    Shift,
    /// The due time stays.
    #[serde(rename = "no shift")]
    NoShift,
}

/// What is agreed. Empty lists mean that nothing is left out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Terms {
    /// Who answers; empty: the desk.
    pub vendor: String,
    /// Products covered.
    pub products: Vec<String>,
    /// Components covered; kept and shown, and told apart once cases name components.
    pub components: Vec<String>,
    /// Addresses whose messages fall under it.
    pub contacts: Vec<String>,
    /// Ways in which they may write.
    pub channels: Vec<String>,
    /// Languages in which answers are given.
    pub languages: Vec<String>,
    /// When the schedule is full.
    pub when_full: WhenFull,
    /// Promises at target that the customer may have open; none: the desk's usual number.
    pub at_target: Option<i64>,
    /// The calendar of its targets.
    pub calendar: String,
    /// On whose clocks that is read.
    pub hours_in: HoursIn,
    /// Targets by severity, worst first.
    pub targets: [Given; 4],
    /// A clock that people leave behind.
    pub clock: Option<Clock>,
}

impl Terms {
    /// What a severity is given.
    pub fn given(&self, severity: Severity) -> &Given {
        &self.targets[usize::from(severity.number()) - 1]
    }

    /// Every calendar that it names.
    pub fn calendars(&self) -> impl Iterator<Item = &str> {
        let own = self.targets.iter().filter_map(|given| given.calendar.as_deref());
        std::iter::once(self.calendar.as_str()).chain(own)
    }
}

/// Terms with the dates between which they hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// What is agreed.
    pub terms: Terms,
    /// The first day; none: at once.
    pub from: Option<Date>,
    /// The first day on which it no longer holds; none: until it is superseded.
    pub until: Option<Date>,
}

/// The file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    vendor: String,
    #[serde(default)]
    products: Vec<String>,
    #[serde(default)]
    components: Vec<String>,
    #[serde(default)]
    contacts: Vec<String>,
    #[serde(default)]
    channels: Vec<String>,
    #[serde(default)]
    languages: Vec<String>,
    from: Option<toml::value::Datetime>,
    until: Option<toml::value::Datetime>,
    #[serde(default)]
    when_full: WhenFull,
    at_target: Option<i64>,
    calendar: Option<String>,
    #[serde(default)]
    hours_in: HoursIn,
    targets: BTreeMap<String, Given>,
    clock: Option<Clock>,
}

/// Reads the file of an agreement.
///
/// # Errors
/// What is wrong, with line or field; nothing of the file is taken then.
pub fn read(text: &str) -> Result<Written, Refusal> {
    read_file(text).map_err(|cause| Refusal::usage(format!("The agreement: {cause}. Nothing was changed.")))
}

fn read_file(text: &str) -> Result<Written, String> {
    if text.len() > limits::AGREEMENT_BYTES {
        return Err(format!("at most {} kB are read", limits::AGREEMENT_BYTES / 1024));
    }
    let file: File = toml::from_str(text).map_err(|cause| with_line(text, &cause))?;
    let targets = targets_of(file.targets)?;
    for (field, names) in [
        ("products", &file.products),
        ("components", &file.components),
        ("contacts", &file.contacts),
        ("channels", &file.channels),
        ("languages", &file.languages),
    ] {
        names_of(field, names)?;
    }
    if let Some(channel) = file.channels.iter().find(|one| !CHANNELS.contains(&one.as_str())) {
        return Err(format!(
            "channels: \"{channel}\" is none; there are {}",
            CHANNELS.join(", ")
        ));
    }
    let is_address = |text: &&String| {
        text.split_once('@')
            .is_some_and(|(local, host)| !local.is_empty() && !host.is_empty())
    };
    if let Some(contact) = file.contacts.iter().find(|one| !is_address(one)) {
        return Err(format!("contacts: \"{contact}\" is no mail address"));
    }
    if file.at_target.is_some_and(|most| !(1..=10_000).contains(&most)) {
        return Err("at_target: a number from 1 to 10000".into());
    }
    if let Some(clock) = &file.clock {
        clock
            .preset
            .parse::<plan::preset::Name>()
            .map_err(|cause| format!("clock: {cause}"))?;
    }
    let (from, until) = (date_of("from", file.from)?, date_of("until", file.until)?);
    if let (Some(from), Some(until)) = (from, until)
        && until <= from
    {
        return Err(format!(
            "until: {until} is not after {from}, the day from which it holds"
        ));
    }
    let terms = Terms {
        vendor: file.vendor.trim().to_owned(),
        products: file.products,
        components: file.components,
        contacts: file.contacts.iter().map(|one| one.to_lowercase()).collect(),
        channels: file.channels,
        languages: file.languages,
        when_full: file.when_full,
        at_target: file.at_target,
        calendar: file.calendar.unwrap_or_else(|| DESK.to_owned()),
        hours_in: file.hours_in,
        targets,
        clock: file.clock,
    };
    Ok(Written { terms, from, until })
}

/// A target for each severity, named by its number or its word.
fn targets_of(mut given: BTreeMap<String, Given>) -> Result<[Given; 4], String> {
    let mut found = Vec::new();
    for severity in Severity::ALL {
        let (number, name) = (severity.number().to_string(), severity.name());
        match (given.remove(&number), given.remove(name)) {
            (Some(one), None) | (None, Some(one)) => found.push(one),
            (None, None) => return Err(format!("targets: severity {severity} has none; add [targets.{number}]")),
            (Some(_), Some(_)) => return Err(format!("targets: severity {severity} stands twice")),
        }
    }
    if let Some(unknown) = given.keys().next() {
        return Err(format!(
            "targets: \"{unknown}\" is no severity; write 1 (stopped), 2 (severe), 3 (limited) or 4 (question)"
        ));
    }
    found
        .try_into()
        .map_err(|_| "targets: four severities have one each".to_owned())
}

fn names_of(field: &str, names: &[String]) -> Result<(), String> {
    if names.len() > limits::AGREEMENT_NAMES {
        return Err(format!("{field}: at most {} are taken", limits::AGREEMENT_NAMES));
    }
    match names
        .iter()
        .find(|name| name.trim().is_empty() || name.chars().count() > 200)
    {
        Some(_) => Err(format!("{field}: a name has 1 to 200 letters")),
        None => Ok(()),
    }
}

fn date_of(field: &str, written: Option<toml::value::Datetime>) -> Result<Option<Date>, String> {
    let Some(written) = written else { return Ok(None) };
    let wrong = || format!("{field}: \"{written}\" is no date; write 2026-12-01 without quotes");
    match (written.date, written.time, written.offset) {
        (Some(date), None, None) => {
            let date = i16::try_from(date.year)
                .ok()
                .and_then(|year| Date::new(year, date.month as i8, date.day as i8).ok());
            date.map(Some).ok_or_else(wrong)
        }
        _ => Err(wrong()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_is_read() {
        let written = read(EXAMPLE).unwrap();
        let terms = &written.terms;
        assert_eq!(terms.given(Severity::Stopped).calendar.as_deref(), Some("24x7"));
        assert_eq!(terms.given(Severity::Question).first_reply, Target::BusinessDays(3));
        assert_eq!(terms.given(Severity::Stopped).follow_up, Some(Target::OpenMinutes(120)));
        assert_eq!(
            written.until.map(|date| date.to_string()).as_deref(),
            Some("2028-01-01")
        );
        let kept: Terms = serde_json::from_str(&serde_json::to_string(terms).unwrap()).unwrap();
        assert_eq!(kept, *terms, "what is stored is what was read");
    }

    #[test]
    fn what_is_wrong_is_named_by_line_or_field() {
        let said = |from: &str, to: &str| {
            assert!(EXAMPLE.contains(from), "{from}");
            read(&EXAMPLE.replacen(from, to, 1)).unwrap_err().text
        };
        let line = EXAMPLE.lines().position(|line| line.starts_with("when_full")).unwrap() + 1;
        assert!(
            said("when_full = \"offer\"", "when_full = \"never\"").contains(&format!("line {line}: unknown variant"))
        );
        assert!(said("vendor", "vendro").contains("unknown field `vendro`"));
        assert!(said("first_reply = \"1h\"", "first_reply = \"soon\"").contains("\"soon\" is no target"));
        assert!(said("[targets.2]", "[targets.7]").contains("severity 2 (severe) has none"));
        assert!(
            said("[clock]", "[targets.urgent]\nfirst_reply = \"1h\"\n[clock]").contains("\"urgent\" is no severity")
        );
        assert!(said("priya@northwind.example", "Priya").contains("contacts: \"Priya\" is no mail address"));
        assert!(said("\"mail\"", "\"fax\"").contains("channels: \"fax\" is none"));
        assert!(said("until = 2028-01-01", "until = 2020-01-01").contains("until: 2020-01-01 is not after"));
        assert!(said("from = 2027-01-01", "from = 2027-01-01T09:00:00").contains("from: "));
        assert!(said("at_target = 20", "at_target = 0").contains("at_target"));
        assert!(said("zendesk-pausable", "stopwatch").contains("clock: \"stopwatch\" is no preset"));
    }
}
