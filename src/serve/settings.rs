//! From settings to what the workers need: names, keys, networks.

use super::keys;
use crate::clock::{Clock, LEAP_MILLIS};
use crate::config::Config;
use crate::desk::{Desk, ledger};
use crate::limits;
use crate::mail::sign::Signer;
use crate::mail::verify::{Checks, Networks};
use crate::refusal::{Kind, Refusal};
use crate::store::Store;
use crate::web;
use hickory_resolver::TokioResolver;
use jiff::civil::Date;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

/// The domain of the address that speaks.
pub fn domain_of(desk: &Desk) -> &str {
    desk.address()
        .rsplit_once('@')
        .map_or("localhost", |(_, domain)| domain)
}

/// What this server calls itself.
pub fn host_of(config: &Config, desk: &Desk) -> String {
    match config.text("mail", "host") {
        "" => domain_of(desk).to_owned(),
        host => host.to_owned(),
    }
}

/// The time by which the desk acts: it goes on from the newest that was written down, and never backwards.
///
/// # Errors
/// A clock that is behind that by more than minutes: whatever it would promise is wrong.
pub fn steady_of(config: &Config, store: &Store, clock: Clock) -> anyhow::Result<Clock> {
    let floor = store.read(ledger::newest_at)?;
    let now = clock.now();
    if let Some(newest) = floor
        && newest.as_millisecond() - now.as_millisecond() > LEAP_MILLIS
        && !config.flag("ledger", "clock_was_ahead")
    {
        return Err(Refusal::new(
            Kind::Conflict,
            format!(
                "This machine's clock says {now}, but the ledger has an entry of {newest}. Times of promises never run backwards, \
                 so the desk is not started; mail waits with those who send it. Set the clock right. If it is right and was \
                 ahead before, start once with ledger.clock_was_ahead = true."
            ),
        )
        .into());
    }
    Ok(clock.steady(floor))
}

/// The keys that the desk publishes, one a line.
pub fn published_of(dir: &Path) -> anyhow::Result<String> {
    Ok(keys::published(dir)?.iter().map(|key| key.text() + "\n").collect())
}

/// The file that checkpoints are appended to, from the data directory on; none where the setting says "none".
pub fn checkpoint_file_of(dir: &Path, config: &Config) -> Option<PathBuf> {
    match config.text("ledger", "checkpoint_file") {
        "none" => None,
        "" => Some(dir.join(keys::CHECKPOINTS)),
        path => Some(dir.join(path)),
    }
}

/// The address that checkpoints are written to.
pub fn checkpoint_address_of(config: &Config) -> Result<Option<String>, Refusal> {
    match config.text("ledger", "checkpoint_to") {
        "" => Ok(None),
        to if to.contains('@') && !to.contains(char::is_whitespace) => Ok(Some(to.to_owned())),
        other => Err(Refusal::usage(format!(
            "ledger.checkpoint_to is a mail address, not \"{other}\"."
        ))),
    }
}

/// What signs outgoing mail; none where there is no key or no selector.
pub fn signer_of(dir: &Path, config: &Config, desk: &Desk) -> anyhow::Result<Option<Signer>> {
    let domain = desk.address().rsplit_once('@').map_or("", |(_, domain)| domain);
    Signer::read(dir, config.text("mail", "dkim_selector"), domain)
}

/// What checks who wrote a mail.
pub fn checks_of(config: &Config, resolver: TokioResolver, host: String) -> anyhow::Result<Checks> {
    let gateways = Networks::read(&config.list("mail", "gateways")).map_err(|wrong| {
        Refusal::usage(format!(
            "mail.gateways: \"{wrong}\" is no network; write it as \"10.0.0.0/8\"."
        ))
    })?;
    Ok(Checks::new(
        resolver,
        host,
        &config.list("mail", "trust_authserv"),
        gateways,
    ))
}

/// Where customers reach pages.
pub fn web_address(config: &Config) -> Result<String, Refusal> {
    let address = config.text("web", "address").trim_end_matches('/');
    let fits = address.is_empty() || address.starts_with("https://") || address.starts_with("http://");
    match fits && !address.contains(char::is_whitespace) {
        true => Ok(address.to_owned()),
        false => Err(Refusal::usage(format!(
            "web.address is \"https://…\", as customers' browsers see it, not \"{address}\"."
        ))),
    }
}

/// Where engineers reach pages through a proxy; empty: on this machine only.
///
/// # Errors
/// Anything but the root of a host that browsers reach by TLS, or of this machine: a session is never sent in clear.
pub fn web_url(config: &Config) -> Result<String, Refusal> {
    let url = config.text("web", "url").trim_end_matches('/');
    let host = |scheme: &str| url.strip_prefix(scheme).unwrap_or_default();
    let is_host =
        |host: &str| !host.is_empty() && !host.contains(|one: char| one.is_whitespace() || "/?#@".contains(one));
    if url.is_empty() || is_host(host("https://")) || web::is_this_machine(host("http://")) {
        // Browsers leave the usual port out of what they say.
        let usual = if url.starts_with("https://") { ":443" } else { ":80" };
        return Ok(url.strip_suffix(usual).unwrap_or(url).to_lowercase());
    }
    Err(Refusal::usage(format!(
        "web.url is \"https://…\" and a host, as engineers' browsers see it, without a path; \"http://\" only for this \
         machine. It is not \"{url}\"."
    )))
}

/// The desk's holidays: dates, and iCalendar files in the data directory (or by their whole path).
///
/// # Errors
/// A word that is neither, or a file that cannot be read or understood, with its line.
pub fn holidays_of(dir: &Path, words: &[String]) -> Result<Vec<Date>, String> {
    let mut dates = Vec::new();
    for word in words {
        if !word.to_lowercase().ends_with(".ics") {
            let date = word.parse().map_err(|_| {
                format!(
                    "desk.holidays: \"{word}\" is no date; write it as 2026-12-25, or name an iCalendar file (.ics)."
                )
            })?;
            dates.push(date);
            continue;
        }
        let path = dir.join(word);
        let said = |cause: String| format!("desk.holidays, {}: {cause}.", path.display());
        let mut text = String::new();
        let file = File::open(&path).map_err(|cause| said(cause.to_string()))?;
        let read = file.take(limits::HOLIDAY_FILE_BYTES).read_to_string(&mut text);
        read.map_err(|cause| said(cause.to_string()))?;
        let (from, until) = limits::HOLIDAY_YEARS;
        let found = plan::holidays::read(&text, from, until).map_err(|cause| said(cause.to_string()))?;
        dates.extend(found.into_keys());
    }
    Ok(dates)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_over_which_a_session_would_go_in_clear_is_refused_at_the_start() {
        let read = |url: &str| {
            let mut config = Config::new();
            config.set("web", "url", url).unwrap();
            web_url(&config)
        };
        for good in [
            "",
            "https://desk.acme.example",
            "https://Desk.acme.example:8443/",
            "http://localhost:8025",
        ] {
            assert_eq!(read(good).unwrap(), good.trim_end_matches('/').to_lowercase());
        }
        assert_eq!(read("https://a.example:443/").unwrap(), "https://a.example");
        for bad in [
            "desk.acme.example",
            "http://desk.acme.example",
            "https://",
            "https://a b",
            "https://a/duly",
            "https://u@a",
            "ftp://a",
        ] {
            assert!(read(bad).unwrap_err().text.contains("web.url"), "{bad}");
        }
    }

    #[test]
    fn holidays_are_dates_and_files_and_what_is_neither_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let ics = "BEGIN:VCALENDAR\nBEGIN:VEVENT\nDTSTART;VALUE=DATE:20260101\nRRULE:FREQ=YEARLY;COUNT=2\nEND:VEVENT\nEND:VCALENDAR\n";
        std::fs::write(folder.path().join("own.ics"), ics).unwrap();
        std::fs::write(folder.path().join("bad.ics"), "hello").unwrap();
        let read = |words: &[&str]| {
            let words: Vec<String> = words.iter().map(|&word| word.to_owned()).collect();
            holidays_of(folder.path(), &words)
                .map(|dates| dates.iter().map(Date::to_string).collect::<Vec<_>>().join(" "))
        };
        assert_eq!(
            read(&["2026-12-25", "own.ics"]).as_deref(),
            Ok("2026-12-25 2026-01-01 2027-01-01")
        );
        assert!(read(&["Christmas"]).unwrap_err().contains("\"Christmas\" is no date"));
        assert!(
            read(&["bad.ics"])
                .unwrap_err()
                .contains("line 1: this is no iCalendar file")
        );
        assert!(read(&["none.ics"]).unwrap_err().contains("none.ics: No such file"));
    }
}
