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

/// Makes the desk: settings, key, database, administrator.
pub fn make(dir: &Path, init: &Init, now: Timestamp) -> anyhow::Result<Made> {
    if dir.join("duly.toml").exists() {
        return Err(Refusal::conflict(format!(
            "There is a desk in {} already. Nothing was changed. Run it with `duly serve --dir {}`.",
            dir.display(),
            dir.display()
        ))
        .into());
    }
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
    std::fs::create_dir_all(dir).with_context(|| format!("make {}", dir.display()))?;
    if !existed {
        std::fs::set_permissions(dir, std::fs::Permissions::from_mode(0o700))?;
    }
    std::fs::write(dir.join("duly.key"), random::<64>()?)?;
    std::fs::set_permissions(dir.join("duly.key"), std::fs::Permissions::from_mode(0o600))?;
    // Checked before anything is written that a second `init` would stumble over.
    let desk = serve::desk_of(dir, &config)?;
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
    let store = serve::open_store(dir, &config)?;
    let kept = secret.clone();
    store.write(move |tx| {
        let id = engineer::add(tx, now, &new)?;
        engineer::keep_secret(tx, now, id, "claim", &kept, engineer::SECRET_LIFE)?;
        ledger::record(tx, now, event("desk.made", Actor::Owner))?;
        Ok(())
    })?;
    store.close();
    private_file(&dir.join("duly.toml"), &config.file())?;
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
