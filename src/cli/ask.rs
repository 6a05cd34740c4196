//! Verbs of a running desk: from words to a request, and through lists that are longer than one answer.

use super::agreed;
use super::args::{Cli, Ps};
use super::args::{ContactAct, CpuAct, CustomerAct, DeskVerb, ParticipantAct, SpoolAct, TokenAct};
use super::client::{self, Client};
use super::editor::{self, Words};
use super::file;
use super::init;
use super::ledger;
use super::render::Screen;
use super::why;
use crate::clock::Clock;
use crate::desk::engineer::{Change, NewEngineer, Role};
use crate::desk::key::NewKey;
use crate::desk::queue::Filter;
use crate::desk::verb::{Answer, Bargain, Verb};
use crate::limits;
use crate::mail::seal::given;
use crate::refusal::Refusal;
use std::io::{self, BufRead, IsTerminal, Read, Write};
use std::path::Path;

/// Asks the desk in `dir` and shows what it says.
///
/// # Errors
/// What the desk refused, or why nobody could be asked.
pub fn ask(cli: &Cli, verb: &DeskVerb, dir: &Path) -> anyhow::Result<()> {
    let mut screen = Screen::new(cli, Clock::System.now())?;
    let mut client = Client::new(dir, cli.as_engineer.clone());
    match verb {
        DeskVerb::Ps(given) if given.all && given.user.is_none() && !given.wait => {
            pages(&mut client, &mut screen, |after| Verb::Ps {
                filter: Filter::default(),
                after: Some(after),
            })?;
        }
        DeskVerb::Log { case, .. } => {
            let case = case.map(|case| case.0);
            pages(&mut client, &mut screen, |after| Verb::Log { case, after })?;
        }
        DeskVerb::Ledger(given) => ledger::show(&mut client, &mut screen, dir, given)?,
        DeskVerb::Reply(given) => {
            let case = given.case.0;
            let about = format!("Reply to case {case}. Lines like this one are cut off.");
            let words = editor::read(&given.text, cli.no_input, &about)?;
            let files = file::stage(&mut client, case, &given.attach)?;
            let verb = Verb::Reply {
                case,
                text: words.text.clone(),
                kind: given.kind.clone(),
                then: given.then.clone(),
                answers: given.answers.clone(),
                force_stale: given.force_stale,
                files,
            };
            let verb = match given.sign.clone() {
                Some(because) => Verb::Signed {
                    reply: Box::new(verb),
                    because,
                },
                None => verb,
            };
            send_words(&mut client, &mut screen, verb, words)?;
        }
        DeskVerb::Note { case, text } => {
            let case = case.0;
            let words = editor::read(text, cli.no_input, &format!("Note in case {case}, for engineers only."))?;
            let text = words.text.clone();
            send_words(&mut client, &mut screen, Verb::Note { case, text }, words)?;
        }
        DeskVerb::Save {
            case,
            file,
            output,
            infected_because,
        } => file::save(
            &mut client,
            case.0,
            *file,
            output.as_deref(),
            infected_because.as_deref(),
        )?,
        DeskVerb::Promise {
            case,
            why: true,
            language,
            ..
        } => why::ask(&mut client, case.0, language.as_deref(), cli.json)?,
        DeskVerb::Agreed(verb) => agreed::ask(&mut client, &mut screen, verb)?,
        DeskVerb::Token { act: TokenAct::Claim } => claim(&mut client, &mut screen)?,
        verb => screen.show(client.ask(request(verb)?)?)?,
    }
    screen.end()
}

/// What was typed is not lost when the desk refuses it.
fn send_words(client: &mut Client, screen: &mut Screen, verb: Verb, words: Words) -> anyhow::Result<()> {
    match client.ask(verb) {
        Ok(told) => {
            if let Some(draft) = words.draft {
                let _ = std::fs::remove_file(draft);
            }
            screen.show(told)
        }
        Err(mut refusal) => {
            if let Some(draft) = words.draft {
                let kept = format!(" Your draft is kept in {}.", draft.display());
                refusal.text.push_str(&kept);
            }
            Err(refusal.into())
        }
    }
}

/// Reads a list that may be longer than one answer.
pub(super) fn pages(client: &mut Client, screen: &mut Screen, verb: impl Fn(i64) -> Verb) -> anyhow::Result<()> {
    let mut after = 0;
    loop {
        let told = client.ask(verb(after))?;
        let last = match &told.answer {
            Answer::Cases(rows) => rows.last().map(|row| row.case),
            Answer::Log(rows) => rows.last().map(|row| row.seq),
            Answer::Promises(rows) => rows.last().map(|row| row.promise),
            _ => None,
        };
        screen.show(told)?;
        match last {
            Some(last) => after = last,
            None => return Ok(()),
        }
    }
}

/// A token for a one-time secret: kept for the person on a terminal, printed in a pipe.
fn claim(client: &mut Client, screen: &mut Screen) -> anyhow::Result<()> {
    if io::stdin().is_terminal() {
        write!(io::stderr(), "One-time secret: ")?;
    }
    let mut secret = String::new();
    io::stdin().lock().read_line(&mut secret)?;
    let told = client.ask(Verb::TokenClaim {
        secret: secret.trim().to_owned(),
        token: init::secret("token")?,
    })?;
    match (&told.answer, client::token_file()) {
        (Answer::Done(done), Some(path)) if io::stdout().is_terminal() => {
            std::fs::create_dir_all(path.parent().unwrap_or(Path::new(".")))?;
            editor::private_file(&path, done.said.as_bytes())?;
            writeln!(io::stderr(), "The token is kept in {}.", path.display())?;
            Ok(())
        }
        _ => screen.show(told),
    }
}

fn request(verb: &DeskVerb) -> anyhow::Result<Verb> {
    Ok(match verb {
        DeskVerb::Ps(given) => run_queue(given),
        DeskVerb::Next => Verb::Next,
        DeskVerb::Skip { reason } => Verb::Skip {
            reason: reason.join(" "),
        },
        DeskVerb::Show { case } => Verb::Show {
            case: case.0,
            messages: None,
        },
        DeskVerb::History => Verb::History,
        DeskVerb::Raw { case, message } => Verb::Raw {
            case: case.0,
            message: *message,
        },
        DeskVerb::Wait {
            case,
            party,
            until,
            because,
            tell,
            anyway,
        } => {
            let until = until.join(" ");
            Verb::Wait {
                case: case.0,
                party: party.clone(),
                until: until.strip_prefix("until ").unwrap_or(&until).to_owned(),
                because: because.clone(),
                tell: tell.clone(),
                anyway: *anyway,
            }
        }
        DeskVerb::Wake { case } => Verb::Wake { case: case.0 },
        DeskVerb::Close {
            case,
            resolution,
            because,
        } => Verb::Close {
            case: case.0,
            resolution: resolution.clone(),
            because: because.clone(),
        },
        DeskVerb::Promise {
            case,
            time,
            ask,
            accept,
            refuse,
            because,
            meanwhile,
            sign,
            withdraw,
            number,
            ..
        } => {
            let time = Some(time.join(" ")).filter(|time| !time.is_empty());
            let bargain = match (accept, refuse, ask, &time) {
                (true, ..) => Some(Bargain::Accept),
                (_, true, ..) => Some(Bargain::Refuse),
                (_, _, true, _) => Some(Bargain::Ask),
                (.., Some(_)) if withdraw.is_none() => Some(Bargain::Offer),
                _ => None,
            };
            match bargain {
                Some(bargain) => Verb::Negotiate {
                    case: case.0,
                    number: *number,
                    bargain,
                    time,
                    because: because.clone(),
                    meanwhile: meanwhile.clone(),
                    sign: sign.clone(),
                },
                None => Verb::Promise {
                    case: case.0,
                    offer: time,
                    withdraw: withdraw.clone(),
                    number: *number,
                },
            }
        }
        DeskVerb::Spool { act } => spool(act.as_ref()),
        DeskVerb::Files { case } => Verb::Files { case: case.0 },
        DeskVerb::Merge { case, into } => Verb::Merge {
            case: case.0,
            into: into.map(|into| into.0),
        },
        DeskVerb::Unmerge { case } => Verb::Unmerge { case: case.0 },
        DeskVerb::Participant { act } => match act {
            ParticipantAct::Add { case, address } => Verb::ParticipantAdd {
                case: case.0,
                address: address.clone(),
            },
            ParticipantAct::Remove { case, address } => Verb::ParticipantRemove {
                case: case.0,
                address: address.clone(),
            },
        },
        DeskVerb::Undo => Verb::Undo,
        DeskVerb::Grep { query, limit } => Verb::Grep {
            query: query.join(" "),
            limit: *limit,
        },
        DeskVerb::Cpu { load: true, .. } => Verb::CpuLoad,
        DeskVerb::Cpu { act, .. } => people(act.as_ref())?,
        DeskVerb::Customer { act } => customer(act.as_ref()),
        DeskVerb::Contact { act } => contact(act.as_ref())?,
        DeskVerb::Token {
            act: TokenAct::Make { address },
        } => Verb::TokenMake {
            address: address.clone(),
            secret: init::secret("claim")?,
        },
        // Asked in pages, or with words of their own.
        DeskVerb::Log { .. }
        | DeskVerb::Ledger(_)
        | DeskVerb::Save { .. }
        | DeskVerb::Reply(_)
        | DeskVerb::Note { .. }
        | DeskVerb::Agreed(_)
        | DeskVerb::Token { .. } => {
            return Err(Refusal::usage("This verb is asked in another way.").into());
        }
    })
}

fn run_queue(given: &Ps) -> Verb {
    let filter = Filter {
        all: given.all,
        owner: given.user.clone(),
        waiting: given.wait,
        limit: None,
    };
    Verb::Ps { filter, after: None }
}

fn spool(act: Option<&SpoolAct>) -> Verb {
    match act {
        None => Verb::Spool,
        Some(SpoolAct::Release { what }) => Verb::Release { what: what.clone() },
        Some(SpoolAct::Retry { what }) => Verb::Retry { what: what.clone() },
        Some(SpoolAct::Decline { case, because }) => Verb::Decline {
            case: case.0,
            because: because.clone(),
        },
        Some(SpoolAct::Hold) => Verb::Hold { hold: true },
    }
}

fn people(act: Option<&CpuAct>) -> anyhow::Result<Verb> {
    let (address, name, zone, hours, layer, lanes, role) = match act {
        None => return Ok(Verb::Cpu),
        Some(CpuAct::Set(given)) => {
            return Ok(Verb::CpuSet {
                address: given.address.clone(),
                change: Change {
                    name: given.name.clone(),
                    zone: given.zone.clone(),
                    hours: given.hours.clone(),
                    layer: given.layer,
                    lanes: given.lanes.clone(),
                    role: given.role.as_deref().map(str::parse).transpose()?,
                    mail: given.mail,
                },
            });
        }
        Some(CpuAct::Calendar {
            address,
            file,
            remove,
            anyway,
        }) => {
            let text = file.as_deref();
            let text = text.map(|file| agreed::words_of(file, limits::AGENDA_FILE_BYTES));
            return Ok(Verb::CpuCalendar {
                address: address.clone(),
                text: text.transpose()?,
                remove: *remove,
                anyway: *anyway,
            });
        }
        Some(CpuAct::Link { address }) => {
            return Ok(Verb::CpuLink {
                address: address.clone(),
                secret: init::secret("link")?,
            });
        }
        Some(CpuAct::Sessions { address, end }) => {
            return Ok(Verb::CpuSessions {
                address: address.clone(),
                end: *end,
            });
        }
        Some(CpuAct::Remove { address }) => {
            return Ok(Verb::CpuRemove {
                address: address.clone(),
            });
        }
        Some(CpuAct::Away {
            address,
            until,
            from,
            because,
            anyway,
        }) => {
            let until = until.join(" ");
            return Ok(Verb::CpuAway {
                address: address.clone(),
                until: until.strip_prefix("until ").unwrap_or(&until).to_owned(),
                from: from.clone(),
                because: because.clone(),
                anyway: *anyway,
            });
        }
        Some(CpuAct::WhatIf { add, away, moved }) => {
            let after = |words: &[String]| {
                let time = words.get(1..).unwrap_or_default().join(" ");
                time.strip_prefix("until ").unwrap_or(&time).to_owned()
            };
            let first = |words: &[String]| words.first().cloned().unwrap_or_default();
            let moved = moved.as_deref().map(|words| {
                let case = first(words).trim_start_matches('#').parse();
                let wrong = |_| Refusal::usage(format!("\"{}\" is no case number.", first(words)));
                case.map(|case| (case, after(words))).map_err(wrong)
            });
            return Ok(Verb::CpuWhatIf {
                add: add.clone(),
                away: away.as_deref().map(|words| (first(words), after(words))),
                moved: moved.transpose()?,
            });
        }
        Some(CpuAct::Back { address }) => {
            return Ok(Verb::CpuBack {
                address: address.clone(),
            });
        }
        Some(CpuAct::Add {
            address,
            name,
            zone,
            hours,
            layer,
            lanes,
            role,
        }) => (address, name, zone, hours, layer, lanes, role),
    };
    let engineer = NewEngineer {
        address: address.clone(),
        name: name.clone(),
        zone: zone.clone(),
        hours: hours.clone(),
        layer: *layer,
        lanes: lanes.clone(),
        role: role.parse::<Role>()?,
    };
    Ok(Verb::CpuAdd { engineer })
}

fn customer(act: Option<&CustomerAct>) -> Verb {
    match act {
        None => Verb::Customer { named: None },
        Some(CustomerAct::Find { name }) => Verb::Customer {
            named: Some(name.clone()),
        },
        Some(CustomerAct::Add { name, domains }) => Verb::CustomerAdd {
            name: name.clone(),
            domains: domains.clone(),
        },
    }
}

fn contact(act: Option<&ContactAct>) -> anyhow::Result<Verb> {
    Ok(match act {
        None => Verb::Contact { named: None },
        Some(ContactAct::Find { name }) => Verb::Contact {
            named: Some(name.clone()),
        },
        Some(ContactAct::Zone { address, zone }) => Verb::ContactZone {
            address: address.clone(),
            zone: zone.clone(),
        },
        Some(ContactAct::Add {
            address,
            name,
            customer,
            zone,
            language,
        }) => Verb::ContactAdd {
            customer: customer.clone(),
            name: name.clone(),
            address: address.clone(),
            zone: zone.clone(),
            language: language.clone(),
        },
        Some(ContactAct::Set {
            address,
            language,
            calendar,
        }) => Verb::ContactSet {
            address: address.clone(),
            language: language.clone(),
            calendar: calendar.clone(),
        },
        Some(ContactAct::Key { address, file, .. }) => Verb::ContactKey {
            address: address.clone(),
            key: file.as_deref().map(|file| key_of(file, address)).transpose()?,
        },
    })
}

/// A contact's key out of a file. It is read here, so that a strange file troubles nobody but who gave it.
fn key_of(path: &Path, address: &str) -> anyhow::Result<NewKey> {
    let wrong = |cause: String| Refusal::usage(format!("{}: {cause}", path.display()));
    let mut file = Vec::new();
    let opened =
        std::fs::File::open(path).and_then(|from| from.take(limits::KEY_FILE_BYTES + 1).read_to_end(&mut file));
    opened.map_err(|cause| wrong(format!("It cannot be read: {cause}.")))?;
    if file.len() as u64 > limits::KEY_FILE_BYTES {
        return Err(wrong(format!(
            "A key file holds at most {} kB.",
            limits::KEY_FILE_BYTES / 1024
        ))
        .into());
    }
    let given = given::read(&file, address, Clock::System.now()).map_err(wrong)?;
    Ok(NewKey {
        file: data_encoding::BASE64.encode(&file),
        scheme: given.scheme.to_string(),
        fingerprint: given.fingerprint,
        until: given.until,
    })
}
