//! `duly init`: a desk in an empty folder.

use super::args::Init;
use super::editor::private_file;
use crate::config::Config;
use crate::desk::engineer::{self, NewEngineer, Role};
use crate::desk::ledger::{self, Actor, event};
use crate::refusal::Refusal;
use crate::serve;
use anyhow::Context;
use jiff::Timestamp;
use std::io::{BufRead, IsTerminal, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// A made desk, for what is said at the end.
pub struct Made {
    /// Address of the first administrator.
    pub administrator: String,
    /// Their one-time secret.
    pub secret: String,
}

/// Asks for what is missing, where it may.
pub fn ask(mut init: Init, no_input: bool) -> anyhow::Result<Init> {
    let may_ask = !no_input && std::io::stdin().is_terminal();
    let zone = jiff::tz::TimeZone::system().iana_name().unwrap_or("UTC").to_owned();
    question(&mut init.name, may_ask, "What does the desk call itself?", "Support")?;
    question(&mut init.address, may_ask, "Which address takes mail?", "")?;
    question(&mut init.zone, may_ask, "In which time zone does it stand?", &zone)?;
    question(
        &mut init.hours,
        may_ask,
        "In which hours do promises count?",
        "mon-fri 08:00-18:00",
    )?;
    Ok(init)
}

fn question(value: &mut Option<String>, may_ask: bool, words: &str, usual: &str) -> anyhow::Result<()> {
    if value.is_some() {
        return Ok(());
    }
    if may_ask {
        let hint = if usual.is_empty() {
            String::new()
        } else {
            format!(" [{usual}]")
        };
        eprint!("{words}{hint} ");
        std::io::stderr().flush()?;
        let mut line = String::new();
        std::io::stdin().lock().read_line(&mut line)?;
        *value = Some(line.trim().to_owned()).filter(|line| !line.is_empty());
    }
    if value.is_none() && !usual.is_empty() {
        *value = Some(usual.to_owned());
    }
    Ok(())
}

/// Makes the desk: settings, key, database, administrator. What fails leaves nothing behind.
///
/// # Errors
/// A desk or anything else in the folder; settings that make no desk.
pub fn make(dir: &Path, init: &Init, now: Timestamp) -> anyhow::Result<Made> {
    empty(dir)?;
    let address = init
        .address
        .clone()
        .ok_or_else(|| Refusal::usage("Say which address takes mail: --address support@…"))?;
    let mut config = Config::new();
    config.set("desk", "name", init.name.as_deref().unwrap_or("Support"))?;
    config.set("desk", "addresses", &address)?;
    config.set("desk", "zone", init.zone.as_deref().unwrap_or("UTC"))?;
    config.set("desk", "hours", init.hours.as_deref().unwrap_or("mon-fri 08:00-18:00"))?;
    config.set("store", "database", init.database.as_deref().unwrap_or(""))?;
    let existed = dir.exists();
    std::fs::create_dir_all(dir).with_context(|| format!("cannot make {}", dir.display()))?;
    if !existed {
        std::fs::set_permissions(dir, std::fs::Permissions::from_mode(0o700))?;
    }
    let made = fill(dir, init, &config, now);
    if made.is_err() {
        // The folder was empty: all that is in it is of this attempt.
        for entry in std::fs::read_dir(dir).into_iter().flatten().flatten() {
            let _ = std::fs::remove_file(entry.path());
        }
        if !existed {
            let _ = std::fs::remove_dir(dir);
        }
    }
    made
}

fn empty(dir: &Path) -> Result<(), Refusal> {
    let shown = dir.display();
    if dir.join("duly.toml").exists() {
        return Err(Refusal::conflict(format!(
            "There is a desk in {shown} already. Nothing was changed. Run it with `duly serve --dir {shown}`."
        )));
    }
    match std::fs::read_dir(dir).map(|entries| entries.count()) {
        Ok(1..) => Err(Refusal::conflict(format!(
            "{shown} is not empty. Nothing was changed. A desk has a folder of its own: name an empty or a new one."
        ))),
        Err(cause) if dir.exists() => Err(Refusal::usage(format!("{shown} is no folder for a desk: {cause}."))),
        _ => Ok(()),
    }
}

fn fill(dir: &Path, init: &Init, config: &Config, now: Timestamp) -> anyhow::Result<Made> {
    private_file(&dir.join("duly.key"), &random::<64>()?)?;
    let desk = serve::desk_of(dir, config)?;
    let secret = secret("claim")?;
    let administrator = init.admin.clone().unwrap_or_else(|| desk.address().to_owned());
    let new = NewEngineer {
        address: administrator.clone(),
        name: "Administrator".into(),
        zone: desk.zone.to_string(),
        hours: desk.calendar.hours().to_string(),
        layer: 1,
        lanes: Vec::new(),
        role: Role::Administrator,
    };
    let store = serve::open_store(dir, config)?;
    let kept = secret.clone();
    store.write(move |tx| {
        let id = engineer::add(tx, now, &new)?;
        engineer::keep_secret(tx, now, id, "claim", &kept, engineer::SECRET_LIFE)?;
        ledger::record(tx, now, event("desk.made", Actor::Owner))?;
        Ok(())
    })?;
    store.close();
    // Last: with this file the folder is a desk.
    private_file(&dir.join("duly.toml"), config.file().as_bytes())?;
    Ok(Made { administrator, secret })
}

/// Random bytes from the system.
pub fn random<const N: usize>() -> anyhow::Result<[u8; N]> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|cause| anyhow::anyhow!("the system gives no random bytes: {cause}"))?;
    Ok(bytes)
}

/// A secret of 256 random bits, with a beginning that scanners know.
pub fn secret(purpose: &str) -> anyhow::Result<String> {
    Ok(format!(
        "duly_{purpose}_{}",
        data_encoding::BASE32_NOPAD.encode(&random::<32>()?).to_lowercase()
    ))
}
