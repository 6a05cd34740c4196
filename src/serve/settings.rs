//! From settings to what the workers need: names, keys, networks.

use crate::config::Config;
use crate::desk::Desk;
use crate::mail::sign::Signer;
use crate::mail::verify::{Checks, Networks};
use crate::refusal::Refusal;
use hickory_resolver::TokioResolver;
use std::path::Path;

/// What this server calls itself.
pub fn host_of(config: &Config, desk: &Desk) -> String {
    match config.text("mail", "host") {
        "" => desk
            .address()
            .rsplit_once('@')
            .map_or("localhost", |(_, domain)| domain)
            .to_owned(),
        host => host.to_owned(),
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
