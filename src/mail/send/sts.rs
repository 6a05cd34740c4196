//! MTA-STS (RFC 8461): what a domain says about who takes its mail and whether that must be encrypted. Pure: what was
//! looked up and fetched comes in as text.
//!
//! A text that breaks the rules is no policy: half a policy could send mail where it must not go, or keep all of it.
//! Left out: reports to the domain (RFC 8460).

use crate::limits;

/// What is to be done with a host that does not fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Send nothing to it.
    Enforce,
    /// Send as if there were no policy.
    Testing,
    /// There is no policy any more.
    None,
}

/// A domain's policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// See [`Mode`].
    pub mode: Mode,
    /// Names of mail hosts, lower case; `*.` at the beginning stands for one label.
    pub hosts: Vec<String>,
    /// Seconds for which it is believed.
    pub max_age: i64,
}

impl Policy {
    /// Reads a policy (RFC 8461 §3.2).
    pub fn parse(text: &str) -> Option<Policy> {
        if text.len() > limits::STS_POLICY_BYTES {
            return None;
        }
        let (mut version, mut mode, mut max_age, mut hosts) = (None, None, None, Vec::new());
        for line in text.lines().filter(|line| !line.trim().is_empty()) {
            let (key, value) = line.split_once(':')?;
            let value = value.trim();
            // Of a field said twice the first stands, but for mx.
            match key.trim() {
                "version" => _ = version.get_or_insert(value),
                "mode" => _ = mode.get_or_insert(value),
                "max_age" => _ = max_age.get_or_insert(value),
                "mx" if hosts.len() < limits::STS_HOSTS => hosts.push(value.trim_end_matches('.').to_ascii_lowercase()),
                _ => {}
            }
        }
        let mode = match mode? {
            "enforce" => Mode::Enforce,
            "testing" => Mode::Testing,
            "none" => Mode::None,
            _ => return None,
        };
        let is_whole = version == Some("STSv1") && (mode == Mode::None || !hosts.is_empty());
        // Ten digits at most (RFC 8461 §3.2); more would be longer than the longest age anyway.
        let max_age: i64 = max_age.filter(|digits| digits.len() <= 10)?.parse().ok()?;
        (is_whole && max_age >= 0).then(|| Policy {
            mode,
            hosts,
            max_age: max_age.min(limits::STS_MAX_AGE_SECONDS),
        })
    }

    /// Whether it names a mail host (RFC 8461 §4.1: a star is the whole left-most label, and just one).
    pub fn names(&self, host: &str) -> bool {
        let host = host.trim_end_matches('.').to_ascii_lowercase();
        self.hosts.iter().any(|pattern| match pattern.strip_prefix("*.") {
            Some(parent) => host
                .split_once('.')
                .is_some_and(|(label, rest)| !label.is_empty() && rest == parent),
            None => *pattern == host,
        })
    }
}

/// The `id` in the records of `_mta-sts.` and a domain: none unless just one of them announces a policy (§3.1).
pub fn record_id(records: &[String]) -> Option<String> {
    let mut announcing = records.iter().filter(|record| {
        let version = record.split(';').next().unwrap_or_default();
        version
            .split_once('=')
            .is_some_and(|(key, value)| key.trim() == "v" && value.trim() == "STSv1")
    });
    let only = announcing.next().filter(|_| announcing.next().is_none())?;
    let id = only.split(';').skip(1).find_map(|field| {
        let (key, value) = field.split_once('=')?;
        (key.trim() == "id").then(|| value.trim())
    })?;
    let fits = (1..=32).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_alphanumeric());
    fits.then(|| id.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const ENFORCED: &str =
        "version: STSv1\r\nmode: enforce\r\nmx: mail.n.example\r\nmx: *.back.n.example\r\nmax_age: 604800\r\n";

    #[test]
    fn a_policy_names_hosts_and_one_label_for_a_star() {
        let policy = Policy::parse(ENFORCED).expect("a policy");
        assert_eq!((policy.mode, policy.max_age), (Mode::Enforce, 604_800));
        for named in ["mail.n.example", "MAIL.n.example.", "a.back.n.example"] {
            assert!(policy.names(named), "{named}");
        }
        for other in [
            "n.example",
            "back.n.example",
            "a.b.back.n.example",
            ".back.n.example",
            "xmail.n.example",
        ] {
            assert!(!policy.names(other), "{other}");
        }
    }

    #[test]
    fn half_a_policy_is_none() {
        for broken in [
            "",
            "version: STSv2\nmode: enforce\nmx: a.example\nmax_age: 1",
            "version: STSv1\nmode: enforce\nmax_age: 1",
            "version: STSv1\nmode: always\nmx: a.example\nmax_age: 1",
            "version: STSv1\nmode: enforce\nmx: a.example",
            "version: STSv1\nmode: enforce\nmx: a.example\nmax_age: -1",
            "version: STSv1\nmode: enforce\nmx: a.example\nmax_age: 99999999999",
            "<html>not found</html>",
        ] {
            assert_eq!(Policy::parse(broken), None, "{broken}");
        }
        let long =
            Policy::parse("version: STSv1\nmode: none\nmax_age: 9999999999").expect("a policy that ends another");
        assert_eq!((long.mode, long.max_age), (Mode::None, limits::STS_MAX_AGE_SECONDS));
    }

    #[test]
    fn a_record_announces_a_policy_alone_or_not_at_all() {
        let id = |records: &[&str]| record_id(&records.iter().map(|one| (*one).to_owned()).collect::<Vec<_>>());
        assert_eq!(id(&["v=STSv1; id=20261101T1;"]), Some("20261101T1".into()));
        assert_eq!(id(&["v=spf1 -all", "v=STSv1;id=a"]), Some("a".into()));
        for none in [
            &[][..],
            &["v=STSv1; id=a", "v=STSv1; id=b"],
            &["v=STSv1"],
            &["v=STSv1; id=a b"],
            &["v=STSv10; id=a"],
        ] {
            assert_eq!(id(none), None, "{none:?}");
        }
    }
}
