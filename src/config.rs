//! The settings of a desk: one table of keys feeds the file that `init` writes, its reading, the environment and the
//! refusals. A key is in [`KEYS`] or it does not exist.
//!
//! Order, the later wins: default, `duly.toml` in the data directory, environment (`DULY_SECTION_KEY`), a flag of `serve`.
//! Secrets are never in here: they are rows of the database or files of their own.

use crate::refusal::Refusal;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

/// What a value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Text.
    Text,
    /// A list of texts; in the environment separated by commas.
    List,
    /// true or false.
    Flag,
}

/// One setting.
#[derive(Debug)]
pub struct Key {
    /// Section of the file.
    pub section: &'static str,
    /// Name in it.
    pub name: &'static str,
    /// What its value is.
    pub kind: Kind,
    /// Value as TOML if nothing is said.
    pub default: &'static str,
    /// What it means, a line or more, as it stands above it in the file.
    pub about: &'static str,
}

macro_rules! keys {
    ($($section:ident.$name:ident $kind:ident $default:literal $about:literal)+) => {
        &[$(Key { section: stringify!($section), name: stringify!($name), kind: Kind::$kind, default: $default, about: $about }),+]
    };
}

/// Every setting there is.
pub const KEYS: &[Key] = keys! {
    desk.name Text "\"Support\"" "How the desk calls itself in mail and on screens."
    desk.addresses List "[]" "Addresses that take mail; the first is the one that speaks. Words after one say what new cases from it are about:\n\"install@acme.example lane=install product=widget\"."
    desk.zone Text "\"UTC\"" "Time zone of the desk (IANA name). Times are said in the customer's zone where it is known."
    desk.language Text "\"en\"" "Language in which people are written to whose own is not known: en or de."
    desk.hours Text "\"mon-fri 08:00-18:00\"" "Hours in which promises count, in the desk's zone."
    desk.holidays List "[]" "Days on which no window begins, as \"2026-12-25\", and iCalendar files that name them, as \"holidays.ics\" beside this file."
    desk.targets List "[\"2h\", \"4h\", \"10h\", \"30h\"]" "Target of a reply by severity 1 to 4, in the desk's hours, for first reply and follow-up alike."
    mail.smtp Text "\"127.0.0.1:2525\"" "Where mail comes in. Port 25 on all addresses is \"0.0.0.0:25\"."
    mail.host Text "\"\"" "What this server calls itself towards others; empty: the domain of the first address."
    mail.relay Text "\"\"" "Where mail leaves: \"host:port\" of a relay; empty: directly to the mail hosts of each recipient."
    mail.relay_login Text "\"\"" "Name at the relay; the password stands in the file relay.password beside this one. Empty: none."
    mail.unverified Text "\"hold\"" "Mail whose sender is not verified: \"hold\" makes an unsorted case that a person releases;\n\"schedule\" gives it a promise, for a desk behind a gateway that has checked already."
    mail.lists List "[]" "Public lists that the desk serves: their mail is customer mail, their cases are public."
    mail.trust_authserv List "[]" "Hosts whose Authentication-Results are believed when a gateway of ours handed the mail over, and domains whose ARC seals are."
    mail.dkim_selector Text "\"duly\"" "Name under which the keys that sign our mail stand in the DNS; `duly doctor` makes the keys. Empty: nothing is signed."
    mail.gateways List "[\"127.0.0.0/8\", \"::1\", \"10.0.0.0/8\", \"172.16.0.0/12\", \"192.168.0.0/16\", \"fc00::/7\"]" "Networks of our own hosts that hand over mail which others sent: their address says nothing of the sender."
    mail.resolver Text "\"\"" "Name server that is asked, as \"192.0.2.53:53\"; empty: the system's."
    mail.lmtp Text "\"\"" "Where mail servers of this machine hand over mail by LMTP: \"127.0.0.1:2424\" or \"/run/duly/lmtp.sock\"; empty: nowhere."
    mail.fetch List "[]" "Mailboxes elsewhere to fetch from, each as \"imaps://user@host/INBOX secret=FILE\" or \"jmap://user@host secret=FILE\" and\nfurther words (docs/MAIL.md). Without the word live it is shadow mode: mail is shown, nothing follows from it."
    mail.tls_certificate Text "\"\"" "PEM file with the certificate chain for STARTTLS; empty: self-signed, made at each start."
    mail.tls_key Text "\"\"" "PEM file with its key."
    web.http Text "\"127.0.0.1:8025\"" "Where pages are served."
    web.url Text "\"\"" "Where engineers reach the pages through a proxy, as \"https://desk.acme.example\"; empty: on this machine only,\nunder the address of web.http."
    web.open Flag "false" "Pages without sign-in, for a demo on this machine: loopback only, no proxy before it."
    web.address Text "\"\"" "Where customers reach the pages, as \"https://desk.acme.example\"; empty: letters carry no links."
    files.store Text "\"\"" "Where files are kept: empty for the folder files in this directory, \"s3://bucket/prefix\" for an S3-compatible store.\nIts key stands in the file files.key beside this one: name and secret, a line each."
    files.endpoint Text "\"\"" "Address of that store, as \"https://s3.acme.example\"; empty: Amazon's."
    files.region Text "\"us-east-1\"" "Region of that store; servers of one's own take any."
    files.clamd Text "\"\"" "Where clamd listens, \"unix:/run/clamav/clamd.ctl\" or \"host:port\": every file is scanned. Empty: none is."
    ledger.checkpoint_to Text "\"\"" "Address that every signed checkpoint of the ledger is written to, best one outside this desk's control; empty: none."
    ledger.checkpoint_file Text "\"\"" "File that they are appended to, seen from this directory; empty: ledger.checkpoints. \"none\": nowhere."
    ledger.clock_was_ahead Flag "false" "true: start although the ledger has entries later than this machine's clock, after that was put right. The desk's time\nstands still until the clock has come to them."
    store.database Text "\"\"" "\"postgres://…\" for PostgreSQL; empty: SQLite in this directory."
};

/// The settings of one desk.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    values: BTreeMap<(&'static str, &'static str), toml::Value>,
}

impl Config {
    /// Defaults only.
    pub fn new() -> Config {
        let values = KEYS
            .iter()
            .map(|key| {
                // The table is ours: a default that is no TOML is found by the first test that runs.
                let table: toml::Table = format!("v = {}", key.default).parse().unwrap_or_default();
                (
                    (key.section, key.name),
                    table.get("v").cloned().unwrap_or(toml::Value::Boolean(false)),
                )
            })
            .collect();
        Config { values }
    }

    /// Defaults, then the file, then the environment.
    ///
    /// # Errors
    /// A file that is not there or cannot be read, a key that does not exist, a value of the wrong kind.
    pub fn read(dir: &Path, env: impl Iterator<Item = (String, String)>) -> Result<Config, Refusal> {
        let path = dir.join("duly.toml");
        let text = std::fs::read_to_string(&path).map_err(|cause| {
            Refusal::usage(format!(
                "There is no desk in {}: {} cannot be read ({cause}). Make one with `duly init --dir {}`.",
                dir.display(),
                path.display(),
                dir.display()
            ))
        })?;
        let mut config = Config::new();
        config
            .take_file(&text)
            .map_err(|cause| Refusal::usage(format!("{}: {cause}", path.display())))?;
        config.take_environment(env)?;
        Ok(config)
    }

    fn take_file(&mut self, text: &str) -> Result<(), String> {
        let file: toml::Table = text.parse().map_err(|cause: toml::de::Error| cause.to_string())?;
        for (section, inner) in file {
            let toml::Value::Table(inner) = inner else {
                return Err(format!(
                    "\"{section}\" stands outside a section. Sections: desk, mail, web, files, ledger, store."
                ));
            };
            for (name, value) in inner {
                let key = KEYS
                    .iter()
                    .find(|key| key.section == section && key.name == name)
                    .ok_or_else(|| format!("there is no setting {section}.{name}. {}", likely(&section)))?;
                self.put(key, value)?;
            }
        }
        Ok(())
    }

    fn take_environment(&mut self, env: impl Iterator<Item = (String, String)>) -> Result<(), Refusal> {
        for (name, text) in env {
            let known = |key: &&Key| name == format!("DULY_{}_{}", key.section, key.name).to_uppercase();
            if let Some(key) = KEYS.iter().find(known) {
                self.set(key.section, key.name, &text)?;
                continue;
            }
            // `DULY_DIR`, `DULY_TOKEN` and the like are no settings; what begins like one is one that was mistyped.
            let meant = |key: &&Key| name.starts_with(&format!("DULY_{}_", key.section).to_uppercase());
            if let Some(key) = KEYS.iter().find(meant) {
                return Err(Refusal::usage(format!(
                    "There is no setting {name} (set in the environment). {}",
                    likely(key.section)
                )));
            }
        }
        Ok(())
    }

    /// Sets one value from text, as the environment and flags give it.
    ///
    /// # Errors
    /// A value of the wrong kind.
    pub fn set(&mut self, section: &str, name: &str, text: &str) -> Result<(), Refusal> {
        let key = KEYS
            .iter()
            .find(|key| key.section == section && key.name == name)
            .ok_or_else(|| Refusal::usage(format!("There is no setting {section}.{name}.")))?;
        let value = match key.kind {
            Kind::Text => toml::Value::String(text.to_owned()),
            Kind::List => toml::Value::Array(
                text.split(',')
                    .map(str::trim)
                    .filter(|one| !one.is_empty())
                    .map(|one| one.to_owned().into())
                    .collect(),
            ),
            Kind::Flag => match text {
                "true" | "1" | "yes" => true.into(),
                "false" | "0" | "no" | "" => false.into(),
                other => {
                    return Err(Refusal::usage(format!(
                        "{section}.{name} is true or false, not \"{other}\"."
                    )));
                }
            },
        };
        self.put(key, value).map_err(Refusal::usage)
    }

    fn put(&mut self, key: &'static Key, value: toml::Value) -> Result<(), String> {
        let fits = match key.kind {
            Kind::Text => value.is_str(),
            Kind::Flag => value.is_bool(),
            Kind::List => value
                .as_array()
                .is_some_and(|list| list.iter().all(toml::Value::is_str)),
        };
        if !fits {
            let wanted = match key.kind {
                Kind::Text => "a text in quotes",
                Kind::Flag => "true or false",
                Kind::List => "a list of texts, as [\"one\", \"two\"]",
            };
            return Err(format!("{}.{} is {wanted}, not {value}.", key.section, key.name));
        }
        self.values.insert((key.section, key.name), value);
        Ok(())
    }

    /// A text.
    pub fn text(&self, section: &str, name: &str) -> &str {
        self.value(section, name).and_then(toml::Value::as_str).unwrap_or("")
    }

    /// A list of texts.
    pub fn list(&self, section: &str, name: &str) -> Vec<String> {
        let list = self.value(section, name).and_then(toml::Value::as_array);
        list.map_or_else(Vec::new, |list| {
            list.iter().filter_map(|one| one.as_str().map(str::to_owned)).collect()
        })
    }

    /// A flag.
    pub fn flag(&self, section: &str, name: &str) -> bool {
        self.value(section, name)
            .and_then(toml::Value::as_bool)
            .unwrap_or(false)
    }

    fn value(&self, section: &str, name: &str) -> Option<&toml::Value> {
        self.values
            .iter()
            .find(|((s, n), _)| *s == section && *n == name)
            .map(|(_, value)| value)
    }

    /// The file that `init` writes: every key with what it means.
    pub fn file(&self) -> String {
        let mut text = String::from(
            "# The settings of this desk. Every key can also be set in the environment as DULY_SECTION_KEY\n\
             # (so DULY_MAIL_UNVERIFIED=schedule). `duly serve` reads this file when it starts.\n",
        );
        let mut section = "";
        for key in KEYS {
            if key.section != section {
                section = key.section;
                let _ = write!(text, "\n[{section}]\n");
            }
            for line in key.about.lines() {
                let _ = writeln!(text, "# {line}");
            }
            let value = self
                .value(key.section, key.name)
                .map(toml::Value::to_string)
                .unwrap_or_default();
            let _ = writeln!(text, "{} = {value}", key.name);
        }
        text
    }
}

impl Default for Config {
    fn default() -> Self {
        Config::new()
    }
}

fn likely(section: &str) -> String {
    let names: Vec<_> = KEYS
        .iter()
        .filter(|key| key.section == section)
        .map(|key| key.name)
        .collect();
    match names.is_empty() {
        true => "Sections: desk, mail, web, files, ledger, store.".into(),
        false => format!("Settings of {section}: {}.", names.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_that_init_writes_reads_back_as_what_was_written() {
        let mut config = Config::new();
        config.set("desk", "name", "Acme \"Support\"").unwrap();
        config
            .set("desk", "addresses", "support@acme.example, help@acme.example")
            .unwrap();
        config.set("web", "open", "true").unwrap();
        let mut again = Config::new();
        again.take_file(&config.file()).unwrap();
        assert_eq!(again, config);
        assert_eq!(
            again.list("desk", "addresses"),
            ["support@acme.example", "help@acme.example"]
        );
    }

    #[test]
    fn every_key_has_a_default_of_its_own_kind() {
        let mut config = Config::new();
        for key in KEYS {
            let value = config.value(key.section, key.name).cloned().unwrap();
            config.put(key, value).unwrap();
        }
    }

    #[test]
    fn the_environment_wins_over_the_file() {
        let mut config = Config::new();
        config.take_file("[mail]\nunverified = \"hold\"\n").unwrap();
        let env = [
            ("DULY_MAIL_UNVERIFIED".to_owned(), "schedule".to_owned()),
            ("DULY_DIR".to_owned(), "x".to_owned()),
        ];
        config.take_environment(env.into_iter()).unwrap();
        assert_eq!(config.text("mail", "unverified"), "schedule");
    }

    #[test]
    fn a_mistyped_key_in_the_environment_stops_the_start_with_its_name() {
        let env = [("DULY_MAIL_UNVERIFYED".to_owned(), "schedule".to_owned())];
        let said = Config::new().take_environment(env.into_iter()).unwrap_err().to_string();
        assert!(
            said.contains("DULY_MAIL_UNVERIFYED") && said.contains("unverified"),
            "{said}"
        );
        let others = [("DULY_DIR", "x"), ("DULY_TOKEN", "y"), ("DULY_LOG", "z")];
        let env = others.map(|(name, text)| (name.to_owned(), text.to_owned()));
        Config::new().take_environment(env.into_iter()).unwrap();
    }

    #[test]
    fn a_mistyped_key_is_named_with_its_neighbours() {
        let said = Config::new().take_file("[mail]\nrelai = \"x\"\n").unwrap_err();
        assert!(said.contains("mail.relai") && said.contains("relay"), "{said}");
        let said = Config::new().take_file("[web]\nopen = \"yes\"\n").unwrap_err();
        assert!(said.contains("true or false"), "{said}");
    }
}
