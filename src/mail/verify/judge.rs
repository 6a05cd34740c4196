//! From the results of the checks to one finding (PRODUCT.md §3.1). Pure: no network, no time.
//!
//! Aligned is meant as DMARC means it: where the author's domain, or one above it, publishes a policy, that says which
//! domains count; where none does, only the author's very domain counts. A policy that is not passed is a failure whatever
//! it asks receivers to do; so is a plain "no" of SPF for the author's own domain, which only a missing policy leaves to us.

use super::results::Said;
use crate::desk::origin::{Finding, Origin};
use std::fmt::Write as _;

/// How one check ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    Pass,
    Fail,
    Neutral,
    Trouble,
    None,
}

impl Ended {
    fn word(self) -> &'static str {
        match self {
            Ended::Pass => "pass",
            Ended::Fail => "fail",
            Ended::Neutral => "neutral",
            Ended::Trouble => "temperror",
            Ended::None => "none",
        }
    }
}

/// One check: which domain it was about, how it ended, and what there is to say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// Domain of the return path, or of the signature; A-label.
    pub domain: String,
    pub ended: Ended,
    /// The words of who checked; empty where the result says it all.
    pub words: String,
}

/// All that was found out about one mail.
#[derive(Debug, Clone)]
pub struct Found {
    /// The author's address, lower case.
    pub author: String,
    /// Its domain, A-label.
    pub domain: String,
    pub spf: Check,
    pub dkim: Vec<Check>,
    /// Of the author's domain: `None` where it publishes no policy.
    pub dmarc: Ended,
    pub arc: Ended,
    /// What a host says that is believed.
    pub believed: Option<Said>,
}

/// The finding, and why.
pub fn judge(found: &Found) -> Origin {
    let passed = found
        .dkim
        .iter()
        .chain([&found.spf])
        .filter(|check| check.ended == Ended::Pass)
        .map(|check| check.domain.clone())
        .collect();
    let origin = Origin {
        author: found.author.clone(),
        passed,
        policy: found.dmarc != Ended::None,
        results: results(found),
        ..Origin::default()
    };
    let domain = &found.domain;
    if let Some(said) = &found.believed {
        match said.of_author(domain) {
            Some(true) => {
                let dmarc = said
                    .methods
                    .iter()
                    .any(|one| one.name == "dmarc" && one.result == "pass");
                return Origin {
                    finding: Finding::Pass,
                    reason: format!(
                        "{}, which this desk believes, found that it comes from {domain}",
                        said.host
                    ),
                    domain: Some(domain.clone()),
                    dmarc,
                    ..origin
                };
            }
            Some(false) => {
                return Origin {
                    finding: Finding::Fail,
                    reason: format!(
                        "{}, which this desk believes, found that it does not come from {domain}",
                        said.host
                    ),
                    ..origin
                };
            }
            None => {}
        }
    }
    let aligned = |check: &&Check| check.domain == *domain || cfg!(feature = "sabotage-unaligned");
    let own = found.dkim.iter().chain([&found.spf]).filter(aligned);
    let own_passed = own.clone().find(|check| check.ended == Ended::Pass);
    match found.dmarc {
        Ended::Pass => Origin {
            finding: Finding::Pass,
            reason: format!("it passed the policy of {domain} (DMARC)"),
            domain: Some(domain.clone()),
            dmarc: true,
            ..origin
        },
        Ended::None | Ended::Fail if own_passed.is_some() && passes_alone(found.dmarc) => Origin {
            finding: Finding::Pass,
            reason: by_itself(found, domain),
            domain: Some(domain.clone()),
            ..origin
        },
        Ended::Fail | Ended::Neutral => Origin {
            finding: Finding::Fail,
            reason: format!(
                "{domain} says by its policy (DMARC) that it is not its own: {}",
                short(found)
            ),
            ..origin
        },
        Ended::Trouble => Origin {
            finding: Finding::Trouble,
            reason: format!(
                "what {domain} says of its mail could not be looked up; {}",
                short(found)
            ),
            ..origin
        },
        Ended::None => match own.map(|check| check.ended).collect::<Vec<_>>() {
            ended if ended.contains(&Ended::Trouble) => Origin {
                finding: Finding::Trouble,
                reason: format!(
                    "what {domain} says of its mail could not be looked up; {}",
                    short(found)
                ),
                ..origin
            },
            _ if found.spf.domain == *domain && found.spf.ended == Ended::Fail => Origin {
                finding: Finding::Fail,
                reason: format!("{domain} says that the server it came from may not send for it (SPF)"),
                ..origin
            },
            _ => Origin {
                finding: Finding::Nothing,
                reason: format!("nothing speaks for {domain} as its source: {}", short(found)),
                ..origin
            },
        },
    }
}

/// Whether a pass counts though no policy was passed: there is none, or this build does not look.
fn passes_alone(dmarc: Ended) -> bool {
    dmarc == Ended::None || cfg!(feature = "sabotage-unaligned")
}

fn by_itself(found: &Found, domain: &str) -> String {
    let signed = found
        .dkim
        .iter()
        .any(|check| check.ended == Ended::Pass && check.domain == domain);
    match signed {
        true => format!("{domain} signed it (DKIM)"),
        false => format!("{domain} names the server it came from as its own (SPF)"),
    }
}

/// `SPF softfail for x.example, no signature`.
fn short(found: &Found) -> String {
    let mut text = match found.spf.ended {
        Ended::None if found.spf.domain.is_empty() => "the sending server says nothing".to_owned(),
        ended => format!("SPF {} for {}", ended.word(), found.spf.domain),
    };
    match found.dkim.as_slice() {
        [] => text.push_str(", no signature"),
        checks => {
            for check in checks.iter().take(3) {
                let _ = write!(text, ", DKIM {} for {}", check.ended.word(), check.domain);
                if !check.words.is_empty() {
                    let _ = write!(text, " ({})", check.words);
                }
            }
        }
    }
    text
}

/// The checks as an Authentication-Results field without its host.
fn results(found: &Found) -> String {
    let mut text = format!("spf={}", found.spf.ended.word());
    if !found.spf.domain.is_empty() {
        let _ = write!(text, " smtp.mailfrom={}", found.spf.domain);
    }
    for check in &found.dkim {
        let _ = write!(text, "; dkim={} header.d={}", check.ended.word(), check.domain);
    }
    if found.dkim.is_empty() {
        text.push_str("; dkim=none");
    }
    let _ = write!(text, "; dmarc={} header.from={}", found.dmarc.word(), found.domain);
    if found.arc != Ended::None {
        let _ = write!(text, "; arc={}", found.arc.word());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::super::results;
    use super::*;

    fn check(domain: &str, ended: Ended) -> Check {
        Check {
            domain: domain.into(),
            ended,
            words: String::new(),
        }
    }

    fn found(spf: Check, dkim: Vec<Check>, dmarc: Ended) -> Found {
        Found {
            author: "priya@northwind.example".into(),
            domain: "northwind.example".into(),
            spf,
            dkim,
            dmarc,
            arc: Ended::None,
            believed: None,
        }
    }

    fn finding(spf: Check, dkim: Vec<Check>, dmarc: Ended) -> Finding {
        judge(&found(spf, dkim, dmarc)).finding
    }

    const OWN: &str = "northwind.example";

    #[test]
    fn without_a_policy_only_the_authors_very_domain_counts() {
        let none = || check("", Ended::None);
        assert_eq!(finding(check(OWN, Ended::Pass), vec![], Ended::None), Finding::Pass);
        assert_eq!(
            finding(none(), vec![check(OWN, Ended::Pass)], Ended::None),
            Finding::Pass
        );
        for other in ["evil.example", "mail.northwind.example", "example"] {
            let nothing = finding(check(other, Ended::Pass), vec![check(other, Ended::Pass)], Ended::None);
            assert_eq!(nothing, Finding::Nothing, "{other}");
        }
    }

    #[test]
    fn a_policy_decides_whatever_else_passed() {
        let other = || check("evil.example", Ended::Pass);
        assert_eq!(finding(other(), vec![other()], Ended::Fail), Finding::Fail);
        assert_eq!(finding(other(), vec![], Ended::Trouble), Finding::Trouble);
        let origin = judge(&found(
            other(),
            vec![check("mail.northwind.example", Ended::Pass)],
            Ended::Pass,
        ));
        assert!(origin.finding == Finding::Pass && origin.dmarc);
    }

    #[test]
    fn a_plain_no_of_spf_is_a_failure_and_a_missing_answer_is_none() {
        assert_eq!(finding(check(OWN, Ended::Fail), vec![], Ended::None), Finding::Fail);
        assert_eq!(
            finding(check(OWN, Ended::Neutral), vec![], Ended::None),
            Finding::Nothing
        );
        assert_eq!(
            finding(check(OWN, Ended::Trouble), vec![], Ended::None),
            Finding::Trouble
        );
        let forwarded = finding(check(OWN, Ended::Fail), vec![check(OWN, Ended::Pass)], Ended::None);
        assert_eq!(
            forwarded,
            Finding::Pass,
            "a forwarder breaks SPF and leaves the signature"
        );
    }

    #[test]
    fn a_believed_host_decides_both_ways() {
        let said = |text: &str| results::read(text.as_bytes(), false);
        let with = |text: &str| {
            let checks = found(check(OWN, Ended::Fail), vec![], Ended::Fail);
            judge(&Found {
                believed: said(text),
                ..checks
            })
            .finding
        };
        assert_eq!(
            with("gw.a.example; dmarc=pass header.from=northwind.example"),
            Finding::Pass
        );
        assert_eq!(
            with("gw.a.example; dmarc=fail header.from=northwind.example"),
            Finding::Fail
        );
        assert_eq!(
            with("gw.a.example; dkim=none"),
            Finding::Fail,
            "it says nothing: the checks decide"
        );
    }
}
