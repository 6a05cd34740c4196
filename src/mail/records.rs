//! What the desk's own domain publishes about its mail, and what should be added.
//!
//! Looking up and judging are apart: [`look_up`] asks, [`advise`] is pure. Every line that is proposed is whole, as a zone
//! file takes it. Leaves out: changing anything; records are the administrator's.

use hickory_resolver::TokioResolver;
use hickory_resolver::proto::rr::RData;
use serde::Serialize;
use std::net::IpAddr;

/// What name servers said; `Err` holds why they did not.
pub type Said = Result<Vec<String>, String>;

/// What is published, as far as it could be asked for.
#[derive(Debug, Clone)]
pub struct Published {
    /// Mail hosts.
    pub mx: Said,
    /// Texts of the domain: SPF is one of them.
    pub texts: Said,
    /// Its DMARC policy.
    pub dmarc: Said,
    /// Texts under the names of our keys.
    pub keys: Vec<Said>,
    /// Name of the address that our mail is seen from.
    pub pointer: Option<Said>,
}

/// What it is compared with.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// The desk's domain.
    pub domain: String,
    /// What the server calls itself.
    pub host: String,
    /// The address that our mail is seen from by others; none where a relay stands between.
    pub outside: Option<IpAddr>,
    /// The relay's name, if there is one.
    pub relay: Option<String>,
    /// Names and texts of our keys.
    pub keys: Vec<(String, String)>,
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Advice {
    /// What: `mx`, `spf`, `dkim`, `dmarc`, `ptr`, ….
    pub check: String,
    /// `good`, `missing`, `wrong` or `unknown`.
    pub state: &'static str,
    /// In words.
    pub said: String,
    /// The line to add to the DNS.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub add: Option<String>,
}

impl Advice {
    /// Something that was looked at.
    pub fn new(check: &str, state: &'static str, said: impl Into<String>, add: Option<String>) -> Advice {
        Advice {
            check: check.to_owned(),
            state,
            said: said.into(),
            add,
        }
    }
}

/// Asks for everything that [`advise`] wants to know.
pub async fn look_up(dns: &TokioResolver, wanted: &Wanted) -> Published {
    let domain = &wanted.domain;
    let mut keys = Vec::with_capacity(wanted.keys.len());
    for (name, _) in &wanted.keys {
        keys.push(texts(dns, name).await);
    }
    let pointer = match wanted.outside {
        Some(address) => Some(pointer(dns, address).await),
        None => None,
    };
    Published {
        mx: mail_hosts(dns, domain).await,
        texts: texts(dns, domain).await,
        dmarc: texts(dns, &format!("_dmarc.{domain}")).await,
        keys,
        pointer,
    }
}

/// The published keys of promises.
pub async fn look_up_promise_keys(dns: &TokioResolver, domain: &str) -> Said {
    texts(dns, &format!("_duly-promise.{domain}")).await
}

/// Whether every key that ever signed a promise can be found by those who check one; `records` are names and texts.
pub fn promise_keys(records: &[(String, String)], said: &Said) -> Vec<Advice> {
    let judged = records.iter().map(|(name, text)| {
        let line = format!("{name}. IN TXT \"{text}\"");
        match said {
            Err(why) => unknown("promise", why),
            Ok(texts) if texts.contains(text) => Advice::new("promise", "good", format!("Published: {text}"), None),
            Ok(_) => Advice::new(
                "promise",
                "missing",
                "Customers cannot check our receipts by the DNS (they can at /.well-known/duly-promise-key).",
                Some(line),
            ),
        }
    });
    judged.collect()
}

async fn texts(dns: &TokioResolver, name: &str) -> Said {
    let found = dns.txt_lookup(format!("{name}.")).await;
    said(found, |data| match data {
        RData::TXT(text) => Some(text.txt_data.iter().map(|part| String::from_utf8_lossy(part)).collect()),
        _ => None,
    })
}

async fn mail_hosts(dns: &TokioResolver, domain: &str) -> Said {
    let found = dns.mx_lookup(format!("{domain}.")).await;
    said(found, |data| match data {
        RData::MX(mx) => Some(mx.exchange.to_ascii().trim_end_matches('.').to_lowercase()),
        _ => None,
    })
}

async fn pointer(dns: &TokioResolver, address: IpAddr) -> Said {
    let found = dns.reverse_lookup(address).await;
    said(found, |data| match data {
        RData::PTR(name) => Some(name.to_ascii().trim_end_matches('.').to_lowercase()),
        _ => None,
    })
}

fn said(
    found: Result<hickory_resolver::lookup::Lookup, hickory_resolver::net::NetError>,
    text: impl Fn(&RData) -> Option<String>,
) -> Said {
    match found {
        Ok(found) => Ok(found.answers().iter().filter_map(|record| text(&record.data)).collect()),
        Err(error) if error.is_nx_domain() || error.is_no_records_found() => Ok(Vec::new()),
        Err(error) => Err(error.to_string()),
    }
}

/// What is good, and what should be added.
pub fn advise(wanted: &Wanted, published: &Published) -> Vec<Advice> {
    let mut rows = vec![mx(wanted, &published.mx), spf(wanted, &published.texts)];
    if wanted.keys.is_empty() {
        rows.push(Advice::new(
            "dkim",
            "missing",
            "Our mail is not signed: mail.dkim_selector is empty.",
            None,
        ));
    }
    rows.extend(
        wanted
            .keys
            .iter()
            .zip(&published.keys)
            .map(|((name, text), said)| dkim(name, text, said)),
    );
    rows.push(dmarc(wanted, &published.dmarc));
    rows.extend(published.pointer.as_ref().map(|said| ptr(wanted, said)));
    rows
}

fn unknown(check: &str, why: &str) -> Advice {
    Advice::new(
        check,
        "unknown",
        format!("The name servers did not answer: {why}"),
        None,
    )
}

fn mx(wanted: &Wanted, said: &Said) -> Advice {
    let line = format!("{}. IN MX 10 {}.", wanted.domain, wanted.host);
    match said {
        Err(why) => unknown("mx", why),
        Ok(hosts) if hosts.is_empty() => {
            let words = format!("Nobody is told where mail for {} goes.", wanted.domain);
            Advice::new("mx", "missing", words, Some(line))
        }
        Ok(hosts) => Advice::new("mx", "good", format!("Mail goes to {}.", hosts.join(", ")), None),
    }
}

fn spf(wanted: &Wanted, said: &Said) -> Advice {
    let texts = match said {
        Err(why) => return unknown("spf", why),
        Ok(texts) => texts,
    };
    let is_spf = |text: &&String| text.eq_ignore_ascii_case("v=spf1") || text.to_lowercase().starts_with("v=spf1 ");
    let ours: Vec<_> = texts.iter().filter(is_spf).collect();
    match ours.as_slice() {
        [one] => Advice::new("spf", "good", format!("Published: {one}"), None),
        [] => {
            let from = match (wanted.outside, &wanted.relay) {
                (Some(IpAddr::V4(address)), _) => format!("ip4:{address} "),
                (Some(IpAddr::V6(address)), _) => format!("ip6:{address} "),
                (None, Some(relay)) if relay.contains(char::is_alphabetic) => format!("a:{relay} "),
                _ => String::new(),
            };
            let line = format!("{}. IN TXT \"v=spf1 {from}mx -all\"", wanted.domain);
            Advice::new(
                "spf",
                "missing",
                "Nobody can tell which servers send our mail.",
                Some(line),
            )
        }
        several => {
            let words = format!("{} SPF records: receivers take none. Make them one.", several.len());
            Advice::new("spf", "wrong", words, None)
        }
    }
}

fn dkim(name: &str, text: &str, said: &Said) -> Advice {
    let key = |text: &str| {
        let bare: String = text.chars().filter(|one| !one.is_whitespace()).collect();
        bare.split(';')
            .find_map(|tag| tag.strip_prefix("p=").map(str::to_owned))
    };
    match said {
        Err(why) => unknown("dkim", why),
        Ok(found) if found.iter().any(|one| key(one) == key(text)) => {
            Advice::new("dkim", "good", format!("{name} holds our key."), None)
        }
        Ok(found) => {
            let (state, words) = match found.is_empty() {
                true => (
                    "missing",
                    format!("{name} holds no key: nobody can check our signatures."),
                ),
                false => (
                    "wrong",
                    format!("{name} holds another key: every signature of ours fails."),
                ),
            };
            Advice::new("dkim", state, words, Some(line(name, text)))
        }
    }
}

/// A TXT record as a zone file takes it: strings of at most 255 bytes.
fn line(name: &str, text: &str) -> String {
    let parts: Vec<String> = text
        .as_bytes()
        .chunks(250)
        .map(|part| format!("\"{}\"", String::from_utf8_lossy(part)))
        .collect();
    match parts.as_slice() {
        [one] => format!("{name}. IN TXT {one}"),
        several => format!("{name}. IN TXT ( {} )", several.join(" ")),
    }
}

fn dmarc(wanted: &Wanted, said: &Said) -> Advice {
    match said {
        Err(why) => unknown("dmarc", why),
        Ok(texts) => match texts.iter().find(|text| text.to_uppercase().starts_with("V=DMARC1")) {
            Some(text) => Advice::new("dmarc", "good", format!("Published: {text}"), None),
            None => {
                let domain = &wanted.domain;
                let line = format!("_dmarc.{domain}. IN TXT \"v=DMARC1; p=none; rua=mailto:postmaster@{domain}\"");
                let words = "No policy: large receivers trust mail without one less. Begin with p=none.";
                Advice::new("dmarc", "missing", words, Some(line))
            }
        },
    }
}

fn ptr(wanted: &Wanted, said: &Said) -> Advice {
    let address = wanted.outside.map(|address| address.to_string()).unwrap_or_default();
    match said {
        Err(why) => unknown("ptr", why),
        Ok(names) if names.is_empty() => Advice::new(
            "ptr",
            "missing",
            format!("{address} has no name: many servers refuse mail from it. Whoever gave you the address sets it."),
            Some(format!("{address} → {}.", wanted.host)),
        ),
        Ok(names) if names.contains(&wanted.host.to_lowercase()) => {
            Advice::new("ptr", "good", format!("{address} is {}.", wanted.host), None)
        }
        Ok(names) => Advice::new(
            "ptr",
            "wrong",
            format!(
                "{address} is {}, and we call ourselves {}.",
                names.join(", "),
                wanted.host
            ),
            Some(format!("{address} → {}.", wanted.host)),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted() -> Wanted {
        Wanted {
            domain: "acme.example".into(),
            host: "mx.acme.example".into(),
            outside: "192.0.2.7".parse().ok(),
            relay: None,
            keys: vec![(
                "duly._domainkey.acme.example".into(),
                format!("v=DKIM1; k=rsa; p={}", "A".repeat(392)),
            )],
        }
    }

    fn nothing() -> Published {
        Published {
            mx: Ok(vec![]),
            texts: Ok(vec!["some-verification=1".into()]),
            dmarc: Ok(vec![]),
            keys: vec![Ok(vec![])],
            pointer: Some(Ok(vec![])),
        }
    }

    #[test]
    fn each_key_of_promises_is_published_or_its_line_is_given() {
        let record = |key: &str| ("_duly-promise.acme.example".to_owned(), format!("v=duly1; k={key}"));
        let (old, new) = (record("acme.example/duly+1+A"), record("acme.example/duly+2+B"));
        let rows = promise_keys(&[old.clone(), new], &Ok(vec![old.1]));
        assert_eq!((rows[0].state, rows[1].state), ("good", "missing"));
        let line = "_duly-promise.acme.example. IN TXT \"v=duly1; k=acme.example/duly+2+B\"";
        assert_eq!(rows[1].add.as_deref(), Some(line));
    }

    #[test]
    fn a_domain_without_records_is_given_every_line() {
        let rows = advise(&wanted(), &nothing());
        let lines: Vec<_> = rows.iter().filter_map(|row| row.add.as_deref()).collect();
        assert_eq!(lines[0], "acme.example. IN MX 10 mx.acme.example.");
        assert_eq!(lines[1], "acme.example. IN TXT \"v=spf1 ip4:192.0.2.7 mx -all\"");
        assert!(
            lines[2].starts_with("duly._domainkey.acme.example. IN TXT ( \"v=DKIM1; k=rsa; p=A"),
            "{}",
            lines[2]
        );
        let strings = lines[2].split('"').filter(|part| part.len() > 4);
        assert!(
            strings.clone().count() == 3 && strings.clone().all(|part| part.len() <= 255),
            "{}",
            lines[2]
        );
        assert!(
            lines[3].starts_with("_dmarc.acme.example. IN TXT \"v=DMARC1; p=none"),
            "{}",
            lines[3]
        );
        assert_eq!(lines[4], "192.0.2.7 → mx.acme.example.");
        assert!(rows.iter().all(|row| row.state == "missing"));
    }

    #[test]
    fn a_domain_that_says_everything_is_left_alone() {
        let published = Published {
            mx: Ok(vec!["mx.acme.example".into()]),
            texts: Ok(vec!["v=spf1 mx -all".into()]),
            dmarc: Ok(vec!["v=DMARC1; p=reject".into()]),
            keys: vec![Ok(vec![format!("k=rsa;p={} ", "A".repeat(392))])],
            pointer: Some(Ok(vec!["mx.acme.example".into()])),
        };
        let rows = advise(&wanted(), &published);
        assert!(
            rows.iter().all(|row| row.state == "good" && row.add.is_none()),
            "{rows:?}"
        );
    }

    #[test]
    fn what_is_wrong_is_told_apart_from_what_is_missing_and_unknown() {
        let published = Published {
            texts: Ok(vec!["v=spf1 -all".into(), "v=spf1 mx".into()]),
            keys: vec![Ok(vec!["v=DKIM1; p=B".into()])],
            dmarc: Err("timed out".into()),
            pointer: Some(Ok(vec!["host-7.provider.example".into()])),
            ..nothing()
        };
        let states: Vec<_> = advise(&wanted(), &published).iter().map(|row| row.state).collect();
        assert_eq!(states, ["missing", "wrong", "wrong", "unknown", "wrong"]);
    }
}
