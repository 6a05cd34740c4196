//! Verbs about what was agreed, from words and files to requests.

use super::args::{AgreedVerb, AgreementAct, CalendarAct};
use super::client::Client;
use super::render::Screen;
use crate::desk::agreement;
use crate::desk::verb::Verb;
use crate::limits;
use crate::refusal::Refusal;
use std::io::{self, Read, Write};
use std::path::Path;

/// Asks what a verb about agreements or calendars says, and shows the answer.
///
/// # Errors
/// What the desk refused, or why a file could not be read.
pub fn ask(client: &mut Client, screen: &mut Screen, verb: &AgreedVerb) -> anyhow::Result<()> {
    screen.show(client.ask(request(verb)?)?)
}

/// Whether the example of an agreement is wanted.
pub fn is_example(verb: &AgreedVerb) -> bool {
    matches!(
        verb,
        AgreedVerb::Agreement {
            act: Some(AgreementAct::Example)
        }
    )
}

/// Writes the example of an agreement.
///
/// # Errors
/// If it cannot be written.
pub fn example(out: &mut impl Write) -> anyhow::Result<()> {
    Ok(out.write_all(agreement::EXAMPLE.as_bytes())?)
}

fn request(verb: &AgreedVerb) -> anyhow::Result<Verb> {
    Ok(match verb {
        AgreedVerb::Agreement { act } => match act {
            None | Some(AgreementAct::Example) => Verb::Agreement { named: None },
            Some(AgreementAct::Find { name }) => Verb::Agreement {
                named: Some(name.clone()),
            },
            Some(AgreementAct::Show { agreement }) => Verb::AgreementShow { agreement: *agreement },
            Some(AgreementAct::Add { customer, file }) => Verb::AgreementAdd {
                customer: customer.clone(),
                text: words_of(file, limits::AGREEMENT_BYTES as u64)?,
            },
            Some(AgreementAct::Amend { agreement, file, from }) => Verb::AgreementAmend {
                agreement: *agreement,
                text: words_of(file, limits::AGREEMENT_BYTES as u64)?,
                from: from.clone(),
            },
        },
        AgreedVerb::Calendar { act } => match act {
            None => Verb::Calendar { named: None },
            Some(CalendarAct::Show { name }) => Verb::Calendar {
                named: Some(name.clone()),
            },
            Some(CalendarAct::Set { name, file }) => Verb::CalendarSet {
                name: name.clone(),
                text: words_of(file, limits::AGREEMENT_BYTES as u64)?,
            },
            Some(CalendarAct::Holidays { name, file }) => Verb::CalendarHolidays {
                name: name.clone(),
                text: words_of(file, limits::HOLIDAY_FILE_BYTES)?,
            },
            Some(CalendarAct::Feed { name, url, .. }) => Verb::CalendarFeed {
                name: name.clone(),
                url: url.clone(),
            },
        },
        AgreedVerb::Severity {
            case,
            severity,
            because,
        } => Verb::Severity {
            case: case.0,
            severity: severity.clone(),
            because: because.clone(),
        },
        AgreedVerb::Estimate { case, minutes, off: _ } => Verb::Estimate {
            case: case.0,
            minutes: *minutes,
        },
        AgreedVerb::Nice { case, nice, because } => Verb::Nice {
            case: case.0,
            nice: *nice,
            because: because.clone(),
        },
    })
}

/// The text of a file, or of standard input for `-`; it is read here, so that the desk needs no right to it.
pub(super) fn words_of(path: &Path, most: u64) -> anyhow::Result<String> {
    let wrong = |cause: String| Refusal::usage(format!("{}: {cause}", path.display()));
    let mut text = Vec::new();
    let read = match path.as_os_str() == "-" {
        true => io::stdin().lock().take(most + 1).read_to_end(&mut text),
        false => std::fs::File::open(path).and_then(|file| file.take(most + 1).read_to_end(&mut text)),
    };
    read.map_err(|cause| wrong(format!("It cannot be read: {cause}.")))?;
    if text.len() as u64 > most {
        return Err(wrong(format!("At most {} kB are read.", most / 1024)).into());
    }
    String::from_utf8(text).map_err(|_| wrong("It is no text in UTF-8.".into()).into())
}
