//! `duly promise CASE --why`: how each time of a case was found, as a customer reads it or with the numbers.

use super::client::Client;
use crate::clock::Clock;
use crate::desk::queue::PromiseRow;
use crate::desk::schedule::date::{self, Short};
use crate::desk::verb::{Answer, Verb};
use crate::refusal::Refusal;
use crate::speech::{self, Speech, why};
use plan::say;
use serde::Serialize;
use std::io::{self, Write};

/// One promise with its reason.
#[derive(Serialize)]
struct Reason<'a> {
    #[serde(flatten)]
    promise: &'a PromiseRow,
    said: String,
}

/// Asks for the promises of a case and says why each is due when it is.
///
/// # Errors
/// What the desk refused, or a language that nothing is written in.
pub fn ask(client: &mut Client, case: i64, language: Option<&str>, json: bool) -> anyhow::Result<()> {
    let wanted = language.unwrap_or(speech::ENGLISH);
    let tag = speech::choose(wanted).ok_or_else(|| {
        let languages = speech::languages().join(", ");
        Refusal::usage(format!(
            "Nothing is written in \"{wanted}\" here. Languages: {languages}."
        ))
    })?;
    let told = client.ask(Verb::Promise {
        case,
        offer: None,
        withdraw: None,
        number: None,
    })?;
    let Answer::Promises(rows) = told.answer else {
        anyhow::bail!("the desk answered something else");
    };
    let (zone, now) = (told.zone, Clock::System.now());
    let mut out = io::stdout().lock();
    for promise in &rows {
        let said = why::why(Speech::of(tag), &promise.why, &promise.basis, &zone, now);
        match json {
            true => {
                serde_json::to_writer(&mut out, &Reason { promise, said }).map_err(io::Error::from)?;
                writeln!(out)?;
            }
            false => {
                writeln!(
                    out,
                    "{} · {}: {said}",
                    say::short(promise.due, &zone, now),
                    promise.state
                )?;
                // For staff: names and numbers, which no customer reads.
                let known = [
                    Short::said_of(&promise.why, &zone, now),
                    date::by_of(&promise.why, &zone, now),
                    promise
                        .trouble
                        .as_ref()
                        .map(|trouble| format!("At risk: {}.", trouble.said(&zone, now))),
                ];
                for line in known.iter().flatten() {
                    writeln!(out, "    {line}")?;
                }
            }
        }
    }
    Ok(())
}
