//! The command line: from words to a verb of the desk, and from its answer to words.
//!
//! Data goes to standard output, talk to standard error; a refusal's kind is the exit code. Verbs on a desk go to the
//! running server over the socket in its data directory; only `init`, `serve`, `demo`, `import` and work on files do
//! something themselves.

pub mod args;
mod client;
mod demo;
pub mod due;
mod editor;
mod import;
pub mod init;
pub mod mail;
mod render;

use crate::clock::Clock;
use crate::config::Config;
use crate::desk::engineer::{NewEngineer, Role};
use crate::desk::queue::Filter;
use crate::desk::verb::{Answer, Verb as Ask};
use crate::mail::worker;
use crate::refusal::{Kind, Refusal};
use crate::serve::{Running, Start};
use args::{Cli, ContactAct, CpuAct, CustomerAct, ImportAct, MailAct, SpoolAct, TokenAct, Verb};
use clap::{CommandFactory, Parser};
use client::Client;
use render::Screen;
use std::io::{BufRead, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Runs the command line; what it says is said already.
pub fn run() -> ExitCode {
    let cli = Cli::parse();
    // A reader that closes early (`duly log | head`) is no failure.
    match perform(&cli) {
        Ok(code) => code,
        Err(error) if is_closed_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            let (code, text) = match error.downcast_ref::<Refusal>() {
                Some(refusal) => (refusal.kind.exit_code(), sentence(refusal)),
                None => (1, format!("failed: {error:#}")),
            };
            let _ = writeln!(std::io::stderr(), "duly: {text}");
            ExitCode::from(code)
        }
    }
}

fn sentence(refusal: &Refusal) -> String {
    match refusal.kind {
        Kind::Conflict => format!("conflict: {}", refusal.text),
        Kind::Dishonest => format!("refused: {}", refusal.text),
        Kind::Forbidden => format!("not allowed: {}", refusal.text),
        _ => refusal.text.clone(),
    }
}

fn is_closed_pipe(error: &anyhow::Error) -> bool {
    error
        .downcast_ref::<std::io::Error>()
        .is_some_and(|error| error.kind() == std::io::ErrorKind::BrokenPipe)
}

fn perform(cli: &Cli) -> anyhow::Result<ExitCode> {
    match &cli.verb {
        Verb::MailWorker => return Ok(worker::run()),
        Verb::Mail {
            act: MailAct::Inspect { files },
        } => {
            return mail::inspect(files, &mut std::io::BufWriter::new(std::io::stdout()));
        }
        Verb::Due { cases } => due::run(cases, &mut std::io::stdout().lock())?,
        Verb::Init(init) => make(cli, init)?,
        Verb::Serve(given) => serve(cli, given)?,
        Verb::Demo(given) => demo::run(given, cli.dir.as_deref())?,
        Verb::Import {
            act: ImportAct::Mbox { file, dry_run },
        } => {
            let dir = directory(cli)?;
            import::mbox(dir, file, *dry_run, cli.json)?;
        }
        Verb::Completions { shell } => {
            clap_complete::generate(*shell, &mut Cli::command(), "duly", &mut std::io::stdout());
        }
        Verb::Man { folder } => clap_mangen::generate_to(Cli::command(), folder)?,
        _ => return ask(cli),
    }
    Ok(ExitCode::SUCCESS)
}

fn directory(cli: &Cli) -> Result<&Path, Refusal> {
    cli.dir
        .as_deref()
        .ok_or_else(|| Refusal::usage("Say which desk: --dir DIR, or DULY_DIR in the environment."))
}

fn make(cli: &Cli, init: &args::Init) -> anyhow::Result<()> {
    let dir = directory(cli)?;
    let init = init::ask(
        args::Init {
            name: init.name.clone(),
            address: init.address.clone(),
            zone: init.zone.clone(),
            hours: init.hours.clone(),
            database: init.database.clone(),
            admin: init.admin.clone(),
        },
        cli.no_input,
    )?;
    let made = init::make(dir, &init, Clock::System.now())?;
    let dir = dir.display();
    let mut out = std::io::stdout().lock();
    writeln!(out, "The desk is made in {dir}. Its settings are in {dir}/duly.toml.")?;
    writeln!(
        out,
        "First administrator: {}. One-time secret (one use, 30 minutes):",
        made.administrator
    )?;
    writeln!(out, "    {}", made.secret)?;
    writeln!(out, "Claim a token with it: duly --dir {dir} token claim")?;
    writeln!(out, "Start the desk:        duly serve --dir {dir}")?;
    writeln!(
        out,
        "Add an engineer:       duly --dir {dir} cpu add ADDRESS --name NAME --zone ZONE --hours HOURS"
    )?;
    Ok(())
}

fn serve(cli: &Cli, given: &args::Serve) -> anyhow::Result<()> {
    let dir = directory(cli)?;
    let mut config = Config::read(dir, std::env::vars())?;
    let flags = [
        ("mail", "smtp", &given.smtp),
        ("web", "http", &given.http),
        ("mail", "relay", &given.relay),
        ("store", "database", &given.database),
    ];
    for (section, name, value) in flags {
        if let Some(value) = value {
            config.set(section, name, value)?;
        }
    }
    log_to_stderr();
    let start = Start {
        dir: dir.to_owned(),
        config,
        clock: Clock::System,
        worker: own_worker()?,
    };
    runtime()?.block_on(async {
        // Listened for before the doors open: whoever stops a desk that has just answered stops it in order.
        let told_to_stop = stop_signals()?;
        let running = Running::start(start).await?;
        tracing::info!(smtp = %running.smtp, http = %running.http, desk = running.desk.name, "the desk is open");
        told_to_stop.await;
        tracing::info!("stopping: what was acknowledged is finished");
        running.stop().await;
        anyhow::Ok(())
    })
}

/// Two threads answer the network; what blocks has threads of its own, few and small.
fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    Ok(tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .max_blocking_threads(64)
        .thread_keep_alive(std::time::Duration::from_secs(2))
        .enable_all()
        .build()?)
}

/// Ends when the process is told to stop; told before it is awaited counts as well.
fn stop_signals() -> anyhow::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let (mut term, mut int) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    Ok(async move {
        tokio::select! {
            _ = term.recv() => {}
            _ = int.recv() => {}
        }
    })
}

fn log_to_stderr() {
    let filter = tracing_subscriber::EnvFilter::try_from_env("DULY_LOG")
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("info"));
    let colour = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    let _ = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(colour)
        .try_init();
}

/// Verbs that a running desk answers.
fn ask(cli: &Cli) -> anyhow::Result<ExitCode> {
    let mut client = Client::new(cli.dir.as_deref(), cli.as_engineer.clone())?;
    let mut screen = Screen::new(cli, Clock::System.now());
    match &cli.verb {
        Verb::Ps(given) if given.all && given.user.is_none() && !given.wait => {
            pages(&mut client, &mut screen, given, |after| Ask::Ps {
                filter: Filter::default(),
                after: Some(after),
            })?;
        }
        Verb::Log { case, .. } => {
            let case = case.map(|case| case.0);
            pages(&mut client, &mut screen, &(), |after| Ask::Log { case, after })?;
        }
        Verb::Ledger { case, verify: false } => {
            let case = case.map(|case| case.0);
            pages(&mut client, &mut screen, &(), |after| Ask::Ledger { case, after })?;
        }
        Verb::Reply(given) => {
            let about = format!("Reply to case {}. Lines like this one are cut off.", given.case.0);
            let words = editor::read(&given.text, cli.no_input, &about)?;
            let verb = Ask::Reply {
                case: given.case.0,
                text: words.text.clone(),
                kind: given.kind.clone(),
                then: given.then.clone(),
                answers: given.answers.clone(),
                force_stale: given.force_stale,
            };
            send_words(&mut client, &mut screen, verb, words)?;
        }
        Verb::Note { case, text } => {
            let words = editor::read(
                text,
                cli.no_input,
                &format!("Note in case {}, for engineers only.", case.0),
            )?;
            let verb = Ask::Note {
                case: case.0,
                text: words.text.clone(),
            };
            send_words(&mut client, &mut screen, verb, words)?;
        }
        Verb::Token { act: TokenAct::Claim } => claim(&mut client, &mut screen)?,
        verb => screen.show(client.ask(request(verb)?)?)?,
    }
    screen.end()?;
    Ok(ExitCode::SUCCESS)
}

/// What was typed is not lost when the desk refuses it.
fn send_words(client: &mut Client, screen: &mut Screen, verb: Ask, words: editor::Words) -> anyhow::Result<()> {
    match client.ask(verb) {
        Ok(answer) => {
            if let Some(draft) = words.draft {
                let _ = std::fs::remove_file(draft);
            }
            screen.show(answer)
        }
        Err(mut refusal) => {
            if let Some(draft) = words.draft {
                refusal
                    .text
                    .push_str(&format!(" Your draft is kept in {}.", draft.display()));
            }
            Err(refusal.into())
        }
    }
}

/// Reads a list that may be longer than one answer.
fn pages<T>(client: &mut Client, screen: &mut Screen, _: &T, verb: impl Fn(i64) -> Ask) -> anyhow::Result<()> {
    let mut after = 0;
    loop {
        let answer = client.ask(verb(after))?;
        let last = match &answer {
            Answer::Cases(rows) => rows.last().map(|row| row.case),
            Answer::Log(rows) => rows.last().map(|row| row.seq),
            Answer::Promises(rows) => rows.last().map(|row| row.promise),
            _ => None,
        };
        screen.show(answer)?;
        match last {
            Some(last) => after = last,
            None => return Ok(()),
        }
    }
}

fn claim(client: &mut Client, screen: &mut Screen) -> anyhow::Result<()> {
    if std::io::stdin().is_terminal() {
        eprint!("One-time secret: ");
    }
    let mut secret = String::new();
    std::io::stdin().lock().read_line(&mut secret)?;
    let verb = Ask::TokenClaim {
        secret: secret.trim().to_owned(),
        token: init::secret("token")?,
    };
    let answer = client.ask(verb)?;
    if let (Answer::Done(done), Some(path)) = (&answer, client::token_file())
        && std::io::stdout().is_terminal()
    {
        std::fs::create_dir_all(path.parent().unwrap_or(Path::new(".")))?;
        editor::private_file(&path, &done.said)?;
        eprintln!("The token is kept in {}.", path.display());
        return Ok(());
    }
    screen.show(answer)
}

fn request(verb: &Verb) -> Result<Ask, Refusal> {
    Ok(match verb {
        Verb::Ps(given) => Ask::Ps {
            filter: Filter {
                all: given.all,
                owner: given.user.clone(),
                waiting: given.wait,
                limit: None,
            },
            after: None,
        },
        Verb::Next => Ask::Next,
        Verb::Skip { reason } => Ask::Skip {
            reason: reason.join(" "),
        },
        Verb::Show { case } => Ask::Show {
            case: case.0,
            messages: None,
        },
        Verb::Raw { case, message } => Ask::Raw {
            case: case.0,
            message: *message,
        },
        Verb::Wait {
            case,
            party,
            until,
            because,
        } => {
            let until = until.join(" ");
            let until = until.strip_prefix("until ").unwrap_or(&until).to_owned();
            Ask::Wait {
                case: case.0,
                party: party.clone(),
                until,
                because: because.clone(),
            }
        }
        Verb::Wake { case } => Ask::Wake { case: case.0 },
        Verb::Close {
            case,
            resolution,
            because,
        } => Ask::Close {
            case: case.0,
            resolution: resolution.clone(),
            because: because.clone(),
        },
        Verb::Promise {
            case,
            time,
            withdraw,
            number,
        } => Ask::Promise {
            case: case.0,
            offer: Some(time.join(" ")).filter(|time| !time.is_empty()),
            withdraw: withdraw.clone(),
            number: *number,
        },
        Verb::Ledger { .. } => Ask::Verify,
        Verb::Spool { act } => match act {
            None => Ask::Spool,
            Some(SpoolAct::Release { what }) => Ask::Release { what: what.clone() },
            Some(SpoolAct::Retry { what }) => Ask::Retry { what: what.clone() },
            Some(SpoolAct::Decline { case, because }) => Ask::Decline {
                case: case.0,
                because: because.clone(),
            },
            Some(SpoolAct::Hold) => Ask::Hold { hold: true },
        },
        Verb::Undo => Ask::Undo,
        Verb::Grep { query, limit } => Ask::Grep {
            query: query.join(" "),
            limit: *limit,
        },
        Verb::Cpu { act } => people(act.as_ref())?,
        Verb::Customer { act } => match act {
            None => Ask::Customer { named: None },
            Some(CustomerAct::Find { name }) => Ask::Customer {
                named: Some(name.clone()),
            },
            Some(CustomerAct::Add { name, domains }) => Ask::CustomerAdd {
                name: name.clone(),
                domains: domains.clone(),
            },
        },
        Verb::Contact { act } => match act {
            None => Ask::Contact { named: None },
            Some(ContactAct::Find { name }) => Ask::Contact {
                named: Some(name.clone()),
            },
            Some(ContactAct::Zone { address, zone }) => Ask::ContactZone {
                address: address.clone(),
                zone: zone.clone(),
            },
            Some(ContactAct::Add {
                address,
                name,
                customer,
                zone,
            }) => Ask::ContactAdd {
                customer: customer.clone(),
                name: name.clone(),
                address: address.clone(),
                zone: zone.clone(),
            },
        },
        Verb::Token {
            act: TokenAct::Make { address },
        } => Ask::TokenMake {
            address: address.clone(),
            secret: init::secret("claim").map_err(|cause| Refusal::new(Kind::Failed, cause.to_string()))?,
        },
        other => return Err(Refusal::usage(format!("{other:?} is not asked of a desk."))),
    })
}

fn people(act: Option<&CpuAct>) -> Result<Ask, Refusal> {
    Ok(match act {
        None => Ask::Cpu,
        Some(CpuAct::Add {
            address,
            name,
            zone,
            hours,
            layer,
            lanes,
            role,
        }) => Ask::CpuAdd {
            engineer: NewEngineer {
                address: address.clone(),
                name: name.clone(),
                zone: zone.clone(),
                hours: hours.clone(),
                layer: *layer,
                lanes: lanes.clone(),
                role: role.parse::<Role>()?,
            },
        },
    })
}

/// The program itself, for the worker process.
pub fn own_worker() -> anyhow::Result<(PathBuf, Vec<String>)> {
    Ok((std::env::current_exe()?, vec![worker::ARGUMENT.to_owned()]))
}
