//! The command line: from words to a verb of the desk, and from its answer to words.
//!
//! Data goes to standard output, talk to standard error; a refusal's kind is the exit code. Verbs on a desk go to the
//! running server over the socket in its data directory; only `init`, `serve`, `demo`, `import` and work on files (`due`, `simulate`) do
//! something themselves.

mod agreed;
pub mod args;
mod ask;
mod client;
mod deliver;
mod demo;
mod doctor;
pub mod due;
mod editor;
mod file;
mod history;
mod import;
pub mod init;
mod ledger;
pub mod mail;
mod man;
mod policy;
mod receipt;
mod render;
mod simulate;
mod why;

use crate::clock::Clock;
use crate::config::Config;
use crate::mail::worker;
use crate::refusal::{Kind, Refusal};
use crate::serve::{Running, Start};
use args::{Cli, DeskVerb, ImportAct, LocalVerb, MailAct, Verb};
use clap::{CommandFactory, Parser};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Runs the command line; what it says is said already.
pub fn run() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(mut cli) => {
            let named = || std::env::var_os("DULY_DIR").filter(|dir| !dir.is_empty());
            cli.dir = cli.dir.or_else(|| named().map(PathBuf::from));
            cli
        }
        Err(misuse) if misuse.use_stderr() && is_delivery() => {
            let _ = misuse.print();
            return ExitCode::from(deliver::LATER);
        }
        Err(misuse) => misuse.exit(),
    };
    // A reader that closes early (`duly log | head`) is no failure.
    match perform(&cli) {
        Ok(code) => code,
        Err(error) if is_closed_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            let (code, text) = match error.downcast_ref::<Refusal>() {
                Some(refusal) => (refusal.kind.exit_code(), sentence(refusal)),
                None => (1, format!("failed: {error:#}")),
            };
            let _ = writeln!(io::stderr(), "duly: {text}");
            ExitCode::from(code)
        }
    }
}

/// Whether a mail server asks: it would return a customer's mail for a mistake in its own pipe.
fn is_delivery() -> bool {
    let words: Vec<_> = std::env::args_os().collect();
    words.windows(2).any(|pair| pair[0] == "mail" && pair[1] == "deliver")
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
        .chain()
        .filter_map(|cause| cause.downcast_ref::<io::Error>())
        .any(|cause| cause.kind() == io::ErrorKind::BrokenPipe)
}

fn perform(cli: &Cli) -> anyhow::Result<ExitCode> {
    match &cli.verb {
        // Needs no desk: it is what a lead fills in before there is anything to ask.
        Verb::Desk(DeskVerb::Agreed(verb)) if agreed::is_example(verb) => {
            agreed::example(&mut io::stdout()).map(|()| ExitCode::SUCCESS)
        }
        Verb::Desk(verb) => ask::ask(cli, verb, directory(cli)?).map(|()| ExitCode::SUCCESS),
        Verb::Local(verb) => local(cli, verb),
    }
}

fn local(cli: &Cli, verb: &LocalVerb) -> anyhow::Result<ExitCode> {
    match verb {
        LocalVerb::MailWorker => return Ok(worker::run()),
        LocalVerb::Mail {
            act: MailAct::Inspect { files },
        } => {
            return mail::inspect(files, &mut io::BufWriter::new(io::stdout()));
        }
        LocalVerb::Mail {
            act: MailAct::Deliver(given),
        } => return Ok(deliver::run(cli.dir.as_deref(), given)),
        LocalVerb::Due(given) => due_of(cli, given)?,
        LocalVerb::Policy => policy::print(cli)?,
        LocalVerb::Receipt { file, key } => return receipt::run(file, key, cli.json),
        LocalVerb::Simulate(given) => simulate::run(cli, given, &mut io::stdout().lock())?,
        LocalVerb::Doctor(given) => return doctor::run(cli, directory(cli)?, given),
        LocalVerb::Init(init) => make(cli, init)?,
        LocalVerb::Serve(given) => serve(cli, given)?,
        LocalVerb::Demo(given) => demo::run(given, cli.dir.as_deref())?,
        LocalVerb::Import {
            act: ImportAct::Mbox { file, dry_run },
        } => {
            import::mbox(directory(cli)?, file, *dry_run, cli.json)?;
        }
        LocalVerb::Completions { shell } => {
            // Through memory: the generator panics where a pipe is closed early.
            let mut script = Vec::new();
            clap_complete::generate(*shell, &mut Cli::command(), "duly", &mut script);
            io::stdout().write_all(&script)?;
        }
        LocalVerb::Man { folder } => man::write(folder)?,
    }
    Ok(ExitCode::SUCCESS)
}

fn due_of(cli: &Cli, given: &args::Due) -> anyhow::Result<()> {
    let mut out = io::BufWriter::new(io::stdout());
    if given.zone_release {
        writeln!(out, "{}", plan::zone::release())?;
        return Ok(out.flush()?);
    }
    match (&given.cases, &given.history) {
        (Some(cases), _) => due::run(cases, &mut out)?,
        (None, Some(path)) => history::run(given, path, cli.json, &mut render::list_of(cli), &mut out)?,
        (None, None) => {
            return Err(Refusal::usage("Say what is to be computed: --cases FILE, or --history FILE.").into());
        }
    }
    Ok(out.flush()?)
}

fn directory(cli: &Cli) -> Result<&Path, Refusal> {
    cli.dir
        .as_deref()
        .ok_or_else(|| Refusal::usage("Say which desk: --dir DIR, or DULY_DIR in the environment."))
}

fn make(cli: &Cli, init: &args::Init) -> anyhow::Result<()> {
    let dir = directory(cli)?;
    let init = init::ask(init.clone(), cli.no_input)?;
    let made = init::make(dir, &init, Clock::System.now())?;
    let dir = dir.display();
    let mut out = io::stdout().lock();
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
    writeln!(out, "Sign in at a browser:  duly --dir {dir} cpu link ADDRESS")?;
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
    log_to_stderr(cli);
    let start = Start {
        dir: dir.to_owned(),
        config,
        clock: Clock::System,
        worker: own_worker()?,
        outside: None,
    };
    runtime()?.block_on(async {
        // Listened for before the doors open: whoever stops a desk that has just answered stops it in order.
        let told_to_stop = stop_signals()?;
        let running = Running::start(start).await?;
        tracing::info!(smtp = %running.smtp, http = %running.http, desk = running.desk.name, "the desk is open");
        let whole = tokio::select! {
            () = told_to_stop => true,
            () = running.broken() => false,
        };
        tracing::info!("stopping: what was acknowledged is finished");
        running.stop().await;
        anyhow::ensure!(
            whole,
            "the database could not be synced to disk; see the log. Look at the disk before you start again"
        );
        Ok(())
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

fn log_to_stderr(cli: &Cli) {
    let filter = tracing_subscriber::EnvFilter::try_from_env("DULY_LOG")
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("info"));
    let _ = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        .with_ansi(render::has_colour(cli.color, &io::stderr()))
        .try_init();
}

/// The program itself, for the worker process.
pub fn own_worker() -> anyhow::Result<(PathBuf, Vec<String>)> {
    Ok((std::env::current_exe()?, vec![worker::ARGUMENT.to_owned()]))
}
