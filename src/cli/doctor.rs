//! `duly doctor`: looks whether mail leaves and comes in, and what the DNS should say.
//!
//! It sends a mail through the running desk to its own address, by its own way out, and waits until it comes in at its own
//! door; then it asks the DNS as others do. It changes nothing but this: keys for signing that are missing are made. Exit code
//! 0 when all is good, 1 when something is not.

use super::args::{Cli, Doctor};
use super::client::Client;
use super::editor::private_file;
use super::runtime;
use crate::config::Config;
use crate::desk::probe::Probe;
use crate::desk::receipt::Public;
use crate::desk::verb::{Answer, Verb};
use crate::mail::records::{self, Advice, Wanted};
use crate::mail::resolver::resolver;
use crate::mail::send::is_outside;
use crate::mail::sign::{self, KINDS, Signer};
use crate::refusal::Refusal;
use crate::serve;
use anyhow::Context;
use indicatif::{ProgressBar, ProgressStyle};
use std::io::Write;
use std::net::IpAddr;
use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// Pause between two looks at the mail under way.
const LOOK_AGAIN: Duration = Duration::from_millis(300);

/// Runs every check and says what came of it.
///
/// # Errors
/// Settings that make no desk, or an output that is gone. What is wrong with the mail is no error but an answer.
pub fn run(cli: &Cli, dir: &Path, given: &Doctor) -> anyhow::Result<ExitCode> {
    let config = Config::read(dir, std::env::vars())?;
    let desk = serve::desk_of(dir, &config)?;
    let selector = config.text("mail", "dkim_selector");
    let domain = desk
        .address()
        .rsplit_once('@')
        .map_or("", |(_, domain)| domain)
        .to_owned();
    let mut rows = Vec::new();
    if !selector.is_empty() && make_keys(dir)? {
        let words = "Keys were made. The desk signs with them from its next start on: restart it.";
        rows.push(Advice::new("keys", "missing", words, None));
    }
    let probe = match given.no_send {
        true => None,
        false => Some(way(cli, dir, Duration::from_secs(given.wait), &mut rows)),
    };
    let signer = Signer::read(dir, selector, &domain)?;
    let wanted = Wanted {
        host: serve::host_of(&config, &desk),
        outside: outside(&config, probe.flatten().as_ref()),
        relay: Some(config.text("mail", "relay"))
            .filter(|relay| !relay.is_empty())
            .map(|relay| relay.rsplit_once(':').map_or(relay, |(host, _)| host).to_owned()),
        keys: signer.as_ref().map_or(Ok(Vec::new()), Signer::records)?,
        domain,
    };
    let receipts: Vec<_> = serve::keys::published(dir)?.iter().map(Public::record).collect();
    let (published, said) = runtime()?.block_on(async {
        let dns = resolver(config.text("mail", "resolver"))?;
        let said = records::look_up_promise_keys(&dns, &wanted.domain).await;
        Ok::<_, anyhow::Error>((records::look_up(&dns, &wanted).await, said))
    })?;
    rows.extend(records::advise(&wanted, &published));
    rows.extend(records::promise_keys(&receipts, &said));
    tell(cli, &rows)?;
    let all_good = rows.iter().all(|row| row.state == "good");
    Ok(ExitCode::from(u8::from(!all_good)))
}

/// Makes the keys that are missing; whether any was.
fn make_keys(dir: &Path) -> anyhow::Result<bool> {
    let mut made = false;
    for (kind, file, _) in KINDS {
        let path = dir.join(file);
        if !path.exists() {
            let key = sign::new_key(kind)?;
            private_file(&path, key.as_bytes()).with_context(|| format!("write {}", path.display()))?;
            made = true;
        }
    }
    Ok(made)
}

/// Sends a mail through the desk to itself and waits for it.
fn way(cli: &Cli, dir: &Path, patience: Duration, rows: &mut Vec<Advice>) -> Option<Probe> {
    let mut client = Client::new(dir, cli.as_engineer.clone());
    let sent = client.ask(Verb::Probe).map(|told| match told.answer {
        Answer::Done(done) => done.data["message"].as_i64().unwrap_or_default(),
        _ => 0,
    });
    let message = match sent {
        Ok(message) => message,
        Err(refusal) => {
            rows.push(Advice::new("way out", "wrong", refusal.text, None));
            return None;
        }
    };
    let spinner = ProgressBar::new_spinner().with_style(
        ProgressStyle::with_template("{spinner} {msg} {elapsed}").unwrap_or_else(|_| ProgressStyle::default_spinner()),
    );
    let begun = Instant::now();
    let seen = loop {
        let seen = look(&mut client, message);
        let is_over = match &seen {
            Ok(probe) => probe.came_at.is_some() || probe.state == "failed" || probe.held,
            Err(_) => true,
        };
        if is_over || begun.elapsed() >= patience {
            break seen;
        }
        if let Ok(probe) = &seen {
            spinner.set_message(format!(
                "a mail to ourselves is {}; it has not come in yet",
                probe.state
            ));
        }
        spinner.tick();
        std::thread::sleep(LOOK_AGAIN);
    };
    spinner.finish_and_clear();
    match seen {
        Ok(probe) => {
            judge(&probe, patience, rows);
            Some(probe)
        }
        Err(refusal) => {
            rows.push(Advice::new("way out", "wrong", refusal.text, None));
            None
        }
    }
}

fn look(client: &mut Client, message: i64) -> Result<Probe, Refusal> {
    match client.ask(Verb::Probed { message })?.answer {
        Answer::Probe(probe) => Ok(*probe),
        other => Err(Refusal::usage(format!("The desk answered something else: {other:?}"))),
    }
}

/// What the mail to ourselves tells.
fn judge(probe: &Probe, patience: Duration, rows: &mut Vec<Advice>) {
    let server = probe.server.as_deref().unwrap_or("nobody");
    let said = probe.said.as_deref().unwrap_or("nothing was said");
    let out = match probe.state.as_str() {
        _ if probe.held => Advice::new(
            "way out",
            "wrong",
            "The brake is on: `duly spool release all` lets mail leave.",
            None,
        ),
        "accepted" => Advice::new("way out", "good", format!("Accepted by {server}: {said}"), None),
        state => Advice::new(
            "way out",
            "wrong",
            format!("The mail is {state} ({server}): {said}"),
            None,
        ),
    };
    let left = out.state == "good";
    rows.push(out);
    let Some(came_at) = probe.came_at else {
        if left {
            let words = format!(
                "It did not come in within {} seconds: {server} has it, and does not bring it to mail.smtp. Look at its queue and \
                 at the MX record.",
                patience.as_secs()
            );
            rows.push(Advice::new("way in", "wrong", words, None));
        }
        return;
    };
    let peer = probe.peer.as_deref().unwrap_or("somebody");
    rows.push(Advice::new(
        "way in",
        "good",
        format!("It came in at {came_at} from {peer}."),
        None,
    ));
    if let Some(origin) = &probe.origin {
        use crate::desk::origin::Finding;
        let state = match origin.finding {
            Finding::Pass => "good",
            Finding::Trouble => "unknown",
            _ => "wrong",
        };
        rows.push(Advice::new(
            "as others see it",
            state,
            format!("{} [{}]", origin.reason, origin.results),
            None,
        ));
    }
}

/// The address that our mail is seen from: known where it left without a relay and came in from outside.
fn outside(config: &Config, probe: Option<&Probe>) -> Option<IpAddr> {
    let peer: IpAddr = probe?.peer.as_deref()?.parse().ok()?;
    (config.text("mail", "relay").is_empty() && is_outside(peer)).then_some(peer)
}

fn tell(cli: &Cli, rows: &[Advice]) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    if cli.json {
        for row in rows {
            writeln!(out, "{}", serde_json::to_string(row)?)?;
        }
        return Ok(());
    }
    for row in rows {
        writeln!(out, "{:<8} {:<17} {}", row.state, row.check, row.said)?;
    }
    let lines: Vec<&str> = rows.iter().filter_map(|row| row.add.as_deref()).collect();
    if !lines.is_empty() {
        writeln!(out, "\nAdd to the DNS:")?;
        for line in lines {
            writeln!(out, "    {line}")?;
        }
    }
    Ok(())
}
