//! `duly due --history FILE --preset NAME`: what another desk's clock would have said on a history, without a desk.
//!
//! The history is JSON lines, an event each, or an mbox: there a case is a thread (by Message-ID, In-Reply-To and
//! References), a mail from `--ours` is a reply and any other the customer's, times are those of the `Date` fields, and
//! automatic mail is left out. An mbox knows no states, so clocks that pause run through. A line that is wrong is named and
//! stops everything: half a history would give false dates.

use super::agreed::words_of;
use super::args::Due;
use super::import::Mbox;
use super::render::List;
use crate::desk::calendar;
use crate::limits;
use crate::mail::auto::Auto;
use crate::mail::parse::{self, Understood};
use crate::refusal::Refusal;
use anyhow::Context;
use jiff::Timestamp;
use plan::preset::{self, Contract, End, Event, Role, Run, What};
use plan::{Calendar, Hours, Zone, say};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;

/// Mails of an mbox that are read at once.
const BATCH: usize = 100;

/// One line of a history.
#[derive(Deserialize)]
struct Line {
    case: String,
    #[serde(flatten)]
    event: Event,
}

/// One run of a clock, as it is printed.
#[derive(Serialize)]
struct Printed<'a> {
    case: &'a str,
    #[serde(flatten)]
    run: &'a Run,
}

/// Events of each case, in the order of the cases' names.
type Cases = BTreeMap<String, Vec<Event>>;

/// Prints the runs of every clock of the preset.
///
/// # Errors
/// A file that cannot be read, a line that is no event, a span that is none.
pub fn run(given: &Due, history: &Path, json: bool, list: &mut List, out: &mut impl Write) -> anyhow::Result<()> {
    let name: preset::Name = parsed(given.preset.as_deref().unwrap_or_default())?;
    let contract = contract_of(given)?;
    let calendar = match &given.calendar {
        Some(file) => calendar::read(&words_of(file, limits::AGREEMENT_BYTES as u64)?)?,
        None => Calendar::new(Zone::UTC, Hours::always()),
    };
    let is_mbox = history
        .extension()
        .is_some_and(|extension| extension.eq_ignore_ascii_case("mbox"));
    let cases = match is_mbox {
        true => of_mbox(history, &given.ours)?,
        false => of_lines(history)?,
    };
    let last = cases.values().flatten().map(|event| event.at).max();
    let now = given.until.or(last).unwrap_or(Timestamp::UNIX_EPOCH);
    for (case, events) in &cases {
        for run in preset::runs(name, &contract, &calendar, events, now) {
            match json {
                true => {
                    serde_json::to_writer(&mut *out, &Printed { case, run: &run }).map_err(std::io::Error::from)?;
                    out.write_all(b"\n")?;
                }
                false => row(list, case, &run, &calendar)?,
            }
        }
    }
    list.end()?;
    Ok(())
}

fn row(list: &mut List, case: &str, run: &Run, calendar: &Calendar) -> std::io::Result<()> {
    let time = |at: Timestamp| say::stamp(at, calendar.zone());
    let end = match run.end {
        End::Kept => "kept",
        End::Late => "late",
        End::Missed => "missed",
        End::Running => "running",
        End::Paused => "paused",
        End::Dropped => "dropped",
    };
    let cells = vec![
        case.to_owned(),
        run.clock.to_owned(),
        time(run.from),
        run.due.map_or_else(|| "-".into(), time),
        run.ended.map_or_else(|| "-".into(), time),
        end.to_owned(),
    ];
    list.row(&["CASE", "CLOCK", "FROM", "DUE", "ENDED", "STATE"], cells, false)
}

fn parsed<T: std::str::FromStr>(text: &str) -> Result<T, Refusal>
where
    T::Err: std::fmt::Display,
{
    text.parse()
        .map_err(|cause: T::Err| Refusal::usage(format!("{cause}.")))
}

fn contract_of(given: &Due) -> Result<Contract, Refusal> {
    let span = |text: &Option<String>| text.as_deref().map(parsed).transpose();
    let contract = Contract {
        first: span(&given.first)?,
        next: span(&given.next)?,
        update: span(&given.update)?,
        solve: span(&given.solve)?,
        notes_count: given.notes_count,
        all_outside: given.all_outside,
        out_of_hours: span(&given.out_of_hours)?.unwrap_or_default(),
        shift: given.pausing.as_deref().map(|rule| rule == "shift"),
    };
    let some = [contract.first, contract.next, contract.update, contract.solve];
    match some.iter().any(Option::is_some) {
        true => Ok(contract),
        false => Err(Refusal::usage(
            "No clock has a target: give --first, --next, --update or --solve, as --next 8h.",
        )),
    }
}

fn of_lines(path: &Path) -> anyhow::Result<Cases> {
    let wrong = |line: usize, what: String| Refusal::usage(format!("{}, line {line}: {what}.", path.display()));
    let file = File::open(path).with_context(|| format!("cannot read {}", path.display()))?;
    let mut lines = BufReader::new(file);
    let mut cases = Cases::new();
    let (mut at, mut count, mut line) = (0, 0, Vec::new());
    loop {
        line.clear();
        at += 1;
        let most = limits::CASE_LINE_BYTES as u64;
        if (&mut lines).take(most).read_until(b'\n', &mut line)? == 0 {
            return Ok(cases);
        }
        if line.len() as u64 == most {
            return Err(wrong(at, format!("it is longer than {most} bytes")).into());
        }
        if line.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        let read: Line = serde_json::from_slice(&line).map_err(|cause| wrong(at, cause.to_string()))?;
        count += 1;
        if count > limits::HISTORY_EVENTS {
            return Err(wrong(at, format!("at most {} events are read", limits::HISTORY_EVENTS)).into());
        }
        cases.entry(read.case).or_default().push(read.event);
    }
}

/// What is kept of a mail.
struct Kept {
    at: Timestamp,
    ids: Vec<String>,
    from: String,
    subject: String,
    ours: bool,
}

fn of_mbox(path: &Path, ours: &[String]) -> anyhow::Result<Cases> {
    if ours.is_empty() {
        return Err(Refusal::usage("Say whose mails are replies: --ours acme.example (domains or addresses).").into());
    }
    let mut mbox = Mbox::open(path)?;
    let mut mails = Vec::new();
    loop {
        let batch = mbox.batch(BATCH)?;
        if batch.is_empty() {
            break;
        }
        mails.extend(batch.iter().filter_map(|raw| kept(parse::understand(raw), ours)));
        if mails.len() > limits::HISTORY_EVENTS {
            return Err(Refusal::usage(format!("At most {} mails are read.", limits::HISTORY_EVENTS)).into());
        }
    }
    mails.sort_by_key(|mail| mail.at);
    Ok(threads(mails))
}

fn kept(mail: Understood, ours: &[String]) -> Option<Kept> {
    if !matches!(mail.auto, Auto::No | Auto::List) {
        return None;
    }
    let from = mail.from?.address.to_lowercase();
    let domain = from.rsplit_once('@').map_or("", |(_, domain)| domain);
    let is_ours = ours
        .iter()
        .any(|who| who.eq_ignore_ascii_case(&from) || who.eq_ignore_ascii_case(domain));
    let ids = mail
        .message_id
        .into_iter()
        .chain(mail.in_reply_to)
        .chain(mail.references);
    Some(Kept {
        at: mail.date?,
        ids: ids.collect(),
        subject: mail.subject,
        ours: is_ours,
        from,
    })
}

/// Mails in order of time become cases: one belongs to the oldest case that knows one of its Message-IDs.
fn threads(mails: Vec<Kept>) -> Cases {
    let mut of_id: HashMap<String, usize> = HashMap::new();
    let mut cases: Vec<(String, String, Vec<Event>)> = Vec::new();
    for mail in mails {
        let known = mail.ids.iter().filter_map(|id| of_id.get(id).copied()).min();
        let case = known.unwrap_or_else(|| {
            cases.push((mail.subject.clone(), mail.from.clone(), Vec::new()));
            cases.len() - 1
        });
        for id in mail.ids {
            of_id.entry(id).or_insert(case);
        }
        let (_, requestor, events) = &mut cases[case];
        let role = match *requestor == mail.from {
            true => Role::Requestor,
            false => Role::Other,
        };
        let what = match mail.ours {
            true => What::Reply,
            false => What::Customer { role },
        };
        events.push(Event { at: mail.at, what });
    }
    let named = cases.into_iter().enumerate().map(|(number, (subject, _, events))| {
        let subject: String = subject.chars().take(60).collect();
        (format!("{:05} {subject}", number + 1), events)
    });
    named.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::render::Form;
    use clap::Parser;

    fn due(file: &Path, more: &[&str]) -> anyhow::Result<String> {
        let file = file.to_str().unwrap();
        let words = ["duly", "due", "--history", file]
            .into_iter()
            .chain(more.iter().copied());
        let cli = crate::cli::args::Cli::try_parse_from(words)?;
        let crate::cli::args::Verb::Local(crate::cli::args::LocalVerb::Due(given)) = cli.verb else {
            panic!("not due");
        };
        let mut out = Vec::new();
        run(
            &given,
            given.history.as_deref().unwrap(),
            true,
            &mut List::new(Form::Tabs, false),
            &mut out,
        )?;
        Ok(String::from_utf8(out)?)
    }

    fn written(name: &str, text: &str) -> (tempfile::TempDir, std::path::PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        (folder, path)
    }

    #[test]
    fn a_history_of_events_says_what_was_due_when() {
        let (_folder, path) = written(
            "old.jsonl",
            "{\"case\":\"A-1\",\"at\":\"2026-03-02T08:00:00Z\",\"event\":\"customer\"}\n\n\
             {\"case\":\"A-1\",\"at\":\"2026-03-02T09:30:00Z\",\"event\":\"reply\"}\n\
             {\"case\":\"A-1\",\"at\":\"2026-03-02T10:00:00Z\",\"event\":\"customer\",\"role\":\"other\"}\n",
        );
        let said = due(&path, &["--preset", "zendesk-next", "--first", "1h", "--next", "2h"]).unwrap();
        let lines: Vec<&str> = said.lines().collect();
        assert_eq!(
            lines,
            [
                r#"{"case":"A-1","clock":"first reply time","from":"2026-03-02T08:00:00Z","due":"2026-03-02T09:00:00Z","ended":"2026-03-02T09:30:00Z","end":"late","paused_seconds":0}"#,
                r#"{"case":"A-1","clock":"next reply time","from":"2026-03-02T10:00:00Z","due":"2026-03-02T12:00:00Z","ended":null,"end":"running","paused_seconds":0}"#,
            ]
        );
    }

    #[test]
    fn an_mbox_is_a_history_by_threads_and_automatic_mail_is_left_out() {
        let (_folder, path) = written(
            "old.mbox",
            "From a Mon\nFrom: Nora <nora@n.example>\nDate: Mon, 02 Mar 2026 08:00:00 +0000\nMessage-ID: <1@n>\nSubject: Slow\n\nIt is slow.\n\n\
             From b Mon\nFrom: support@acme.example\nDate: Mon, 02 Mar 2026 08:00:05 +0000\nMessage-ID: <2@a>\nIn-Reply-To: <1@n>\nAuto-Submitted: auto-replied\nSubject: Re: Slow\n\nWe have it.\n\n\
             From c Mon\nFrom: Anna <anna@acme.example>\nDate: Mon, 02 Mar 2026 10:00:00 +0000\nMessage-ID: <3@a>\nReferences: <1@n>\nSubject: Re: Slow\n\nTry this.\n\n",
        );
        let said = due(&path, &["--preset", "jira", "--next", "4h", "--ours", "acme.example"]).unwrap();
        assert_eq!(said.lines().count(), 1, "{said}");
        assert!(
            said.contains(r#""case":"00001 Slow""#) && said.contains(r#""ended":"2026-03-02T10:00:00Z""#),
            "{said}"
        );
        let nobody = due(&path, &["--preset", "jira", "--next", "4h"])
            .unwrap_err()
            .to_string();
        assert!(nobody.contains("--ours"), "{nobody}");
    }

    #[test]
    fn a_history_that_is_wrong_is_refused_by_line_and_nothing_is_said() {
        let (_folder, path) = written(
            "old.jsonl",
            "{\"case\":\"A-1\",\"at\":\"2026-03-02T08:00:00Z\",\"event\":\"customer\"}\n{\"case\":\"A-1\",\"event\":\"reply\"}\n",
        );
        let said = |more: &[&str]| due(&path, more).unwrap_err().to_string();
        assert!(said(&["--preset", "jira", "--next", "4h"]).contains("line 2: missing field `at`"));
        assert!(said(&["--preset", "egg", "--next", "4h"]).contains("\"egg\" is no preset; there are zammad"));
        assert!(said(&["--preset", "jira", "--next", "soon"]).contains("\"soon\" is no span"));
        assert!(said(&["--preset", "jira"]).contains("No clock has a target"));
    }
}
