//! `duly due --cases FILE.jsonl`: what a calendar makes of a target, without a desk.
//!
//! One JSON object a line in, one out, in the same order; a line that cannot be answered gets a refusal and stops
//! nothing. It reads one line at a time, so the file may be of any length. An identical calendar on the next line is not
//! read twice.

use crate::limits;
use anyhow::Context;
use jiff::{SignedDuration, Timestamp};
use plan::{Calendar, Target};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;

/// One question.
#[derive(Deserialize)]
struct Case {
    from: Timestamp,
    target_minutes: Option<u32>,
    target: Option<Target>,
    #[serde(default)]
    pauses: Vec<(Timestamp, Timestamp)>,
    calendar: Value,
}

/// One answer: either the due time or why there is none.
#[derive(Serialize)]
struct Answer {
    id: Value,
    #[serde(flatten)]
    said: Said,
}

#[derive(Serialize)]
#[serde(rename_all = "lowercase")]
enum Said {
    Due(Timestamp),
    Refused(String),
}

/// Answers every case of a file.
///
/// # Errors
/// When the file cannot be read or the answers cannot be written; what is wrong inside a line is answered in its place.
pub fn run(cases: &Path, out: &mut impl Write) -> anyhow::Result<()> {
    let file = File::open(cases).with_context(|| format!("cannot read {}", cases.display()))?;
    let mut lines = BufReader::new(file);
    let mut known = None;
    let mut line = Vec::new();
    loop {
        line.clear();
        let most = limits::CASE_LINE_BYTES as u64;
        let taken = (&mut lines).take(most).read_until(b'\n', &mut line);
        if taken.with_context(|| format!("cannot read {}", cases.display()))? == 0 {
            return Ok(());
        }
        let whole = line.len() as u64 != most || line.ends_with(b"\n");
        anyhow::ensure!(whole, "a line of {} is longer than {most} bytes", cases.display());
        if line.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        serde_json::to_writer(&mut *out, &answer(&line, &mut known))?;
        out.write_all(b"\n")?;
    }
}

fn answer(line: &[u8], known: &mut Option<(Value, Calendar)>) -> Answer {
    let mut case: Value = match serde_json::from_slice(line) {
        Ok(case) => case,
        Err(cause) => {
            return Answer {
                id: Value::Null,
                said: Said::Refused(format!("the line is no JSON: {cause}")),
            };
        }
    };
    let id = case.get_mut("id").map(Value::take).unwrap_or_default();
    let said = match due(case, known) {
        Ok(due) => Said::Due(due),
        Err(why) => Said::Refused(why),
    };
    Answer { id, said }
}

fn due(case: Value, known: &mut Option<(Value, Calendar)>) -> Result<Timestamp, String> {
    let case: Case = serde_json::from_value(case).map_err(|cause| cause.to_string())?;
    if known.as_ref().is_none_or(|(text, _)| *text != case.calendar) {
        let calendar = serde_json::from_value(case.calendar.clone()).map_err(|cause| cause.to_string())?;
        *known = Some((case.calendar, calendar));
    }
    let (_, calendar) = known.as_ref().ok_or("there is no calendar")?;
    let minutes = match (case.target_minutes, case.target) {
        (Some(minutes), None) | (None, Some(Target::OpenMinutes(minutes))) => minutes,
        (None, Some(Target::BusinessDays(_))) if !case.pauses.is_empty() => {
            return Err("a target in business days takes no pauses: they would say nothing of days".into());
        }
        (None, Some(days)) => return calendar.due_of(case.from, days).map_err(|none| none.to_string()),
        (None, None) => {
            return Err("there is no target: write target_minutes, or target as \"2 business days\"".into());
        }
        (Some(_), Some(_)) => return Err("there are two targets: write target_minutes or target".into()),
    };
    let target = SignedDuration::from_mins(i64::from(minutes));
    calendar
        .due(case.from, target, &case.pauses)
        .map_err(|none| none.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answers(lines: &str) -> String {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(lines.as_bytes()).unwrap();
        let mut out = Vec::new();
        run(file.path(), &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    const CALENDAR: &str = r#"{"zone":"Europe/Berlin","hours":{"mon":["09:00-12:30","13:00-17:00"],"fri":["22:00-06:00"],
        "sat":["00:00-24:00"]},"holidays":["2026-12-25"],"exceptions":{"2026-12-24":["09:00-12:00"],"2026-12-31":[]}}"#;

    fn case(rest: &str) -> String {
        format!(r#"{{{rest},"calendar":{}}}"#, CALENDAR.replace('\n', ""))
    }

    #[test]
    fn each_line_is_answered_in_its_place() {
        let pauses = r#""pauses":[["2026-03-28T08:00:00Z","2026-03-28T09:00:00Z"]]"#;
        let first = case(&format!(
            r#""id":1,"from":"2026-03-27T16:30:17Z","target_minutes":240,{pauses}"#
        ));
        let second = case(r#""id":"b","from":"2026-03-28T16:30:17Z","target_minutes":600"#);
        assert_eq!(
            answers(&format!("{first}\n\n{second}")),
            "{\"id\":1,\"due\":\"2026-03-28T01:00:00Z\"}\n{\"id\":\"b\",\"due\":\"2026-03-30T11:00:17Z\"}\n"
        );
    }

    #[test]
    fn what_cannot_be_answered_is_refused_and_stops_nothing() {
        let said = answers(&format!(
            "{}\nnonsense\n{}\n{}\n",
            r#"{"id":1,"from":"2026-03-27T16:30:17Z","target_minutes":5,"calendar":{"zone":"Mars/Base","hours":{}}}"#,
            r#"{"id":3,"from":"2026-03-27T16:30:17Z","target_minutes":5,"calendar":{"zone":"UTC","hours":{}}}"#,
            r#"{"id":4,"target_minutes":5,"calendar":{"zone":"UTC","hours":{}}}"#,
        ));
        let lines: Vec<&str> = said.lines().collect();
        assert!(
            lines[0].starts_with(r#"{"id":1,"refused":"#) && lines[0].contains("Mars/Base"),
            "{said}"
        );
        assert!(
            lines[1].starts_with(r#"{"id":null,"refused":"the line is no JSON"#),
            "{said}"
        );
        assert_eq!(
            lines[2],
            r#"{"id":3,"refused":"the calendar has too few hours in the next eleven years"}"#
        );
        assert!(
            lines[3].starts_with(r#"{"id":4,"refused":"missing field `from`"#),
            "{said}"
        );
    }

    #[test]
    fn a_target_may_be_in_business_days_and_stands_once() {
        let of = |target: &str| answers(&case(&format!(r#""id":1,"from":"2026-11-30T10:00:00Z",{target}"#)));
        assert_eq!(
            of(r#""target":"1 business day""#),
            "{\"id\":1,\"due\":\"2026-12-05T05:00:00Z\"}\n"
        );
        assert_eq!(of(r#""target":"1h""#), of(r#""target_minutes":60"#));
        assert!(of(r#""target":"1h","target_minutes":60"#).contains("two targets"));
        assert!(of(r#""pauses":[]"#).contains("there is no target"));
    }

    #[test]
    fn a_file_that_is_not_there_is_an_error() {
        assert!(run(Path::new("/nonexistent/cases.jsonl"), &mut Vec::new()).is_err());
    }
}
