//! Authentication-Results as other hosts write them (RFC 8601), and ours as text.
//!
//! Reading is all or nothing: a field that does not keep to the grammar says nothing. Whether the host that wrote it is to be
//! believed is decided by the caller, and by where the field stands.

use super::author::Head;

/// What one host says of a mail.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Said {
    /// Who says so.
    pub host: String,
    /// Each method with its result and properties, lower case.
    pub methods: Vec<Method>,
}

/// One `method=result` and what follows it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Method {
    /// `spf`, `dkim`, `dmarc`, ….
    pub name: String,
    /// `pass`, `fail`, ….
    pub result: String,
    /// `header.d`, `smtp.mailfrom`, … with their values.
    pub properties: Vec<(String, String)>,
}

impl Method {
    /// A property's value.
    pub fn property(&self, name: &str) -> Option<&str> {
        let found = self.properties.iter().find(|(one, _)| one == name);
        found.map(|(_, value)| value.as_str())
    }
}

impl Said {
    /// Whether the host says that this mail comes from the author's domain; `Some(false)` if it says that it does not.
    pub fn of_author(&self, author_domain: &str) -> Option<bool> {
        let domain_of = |value: &str| {
            value
                .rsplit('@')
                .next()
                .unwrap_or(value)
                .trim_end_matches('.')
                .to_owned()
        };
        let about = |method: &Method, names: &[&str]| {
            names
                .iter()
                .filter_map(|name| method.property(name))
                .any(|value| domain_of(value) == author_domain)
        };
        let mut dmarc = self.methods.iter().filter(|one| one.name == "dmarc");
        if let Some(dmarc) = dmarc.next() {
            // A host that names another author speaks of another mail, or the mail was changed since.
            let named = dmarc.property("header.from").map(domain_of);
            match (dmarc.result.as_str(), named) {
                ("pass", Some(named)) => return Some(named == author_domain),
                ("fail" | "reject" | "quarantine", _) => return Some(false),
                _ => {}
            }
        }
        let vouches = self.methods.iter().any(|one| {
            one.result == "pass"
                && match one.name.as_str() {
                    "dkim" => about(one, &["header.d", "header.i"]),
                    "spf" => about(one, &["smtp.mailfrom", "smtp.mail"]),
                    _ => false,
                }
        });
        vouches.then_some(true)
    }
}

/// Reads one field's value; `arc` for an ARC-Authentication-Results, which begins with its instance.
pub fn read(value: &[u8], arc: bool) -> Option<Said> {
    let text = without_comments(std::str::from_utf8(value).ok()?)?;
    let mut clauses = text.split(';').map(str::trim);
    if arc {
        clauses.next()?.strip_prefix("i=")?;
    }
    let host = clauses
        .next()?
        .split_whitespace()
        .next()?
        .trim_matches('"')
        .to_lowercase();
    let mut said = Said {
        host,
        methods: Vec::new(),
    };
    for clause in clauses.filter(|clause| !clause.is_empty() && !clause.eq_ignore_ascii_case("none")) {
        let mut words = pairs(clause)?.into_iter();
        let (name, result) = words.next()?;
        // `dkim/1`: a version of the method.
        let name = name.split('/').next().unwrap_or_default().to_owned();
        said.methods.push(Method {
            name,
            result,
            properties: words.collect(),
        });
    }
    Some(said)
}

/// `a = b` and `a=b`, in lower case, one after the other.
fn pairs(clause: &str) -> Option<Vec<(String, String)>> {
    let mut found = Vec::new();
    let mut rest = clause;
    while !rest.trim().is_empty() {
        let (name, after) = rest.split_once('=')?;
        let name = name.trim();
        if name.is_empty() || name.contains(char::is_whitespace) {
            return None;
        }
        let after = after.trim_start();
        let (value, next) = match after.strip_prefix('"') {
            Some(quoted) => quoted.split_once('"')?,
            None => after.split_once(char::is_whitespace).unwrap_or((after, "")),
        };
        found.push((name.to_lowercase(), value.to_lowercase()));
        rest = next;
    }
    Some(found)
}

/// The text without `(…)`; `;` in quoted strings is not known to any writer of this field and makes it unreadable.
fn without_comments(text: &str) -> Option<String> {
    let (mut out, mut depth, mut quoted) = (String::with_capacity(text.len()), 0_usize, false);
    for one in text.chars() {
        match one {
            '"' if depth == 0 => {
                quoted = !quoted;
                out.push(one);
            }
            ';' | '\\' if quoted => return None,
            '(' if !quoted => depth += 1,
            ')' if !quoted => depth = depth.checked_sub(1)?,
            '\r' | '\n' | '\t' if depth == 0 => out.push(' '),
            one if depth == 0 => out.push(one),
            _ => {}
        }
    }
    (depth == 0 && !quoted).then_some(out)
}

/// What a believed host that handed the mail over says of it: its field stands above the second Received, where only the
/// host that gave us the mail can have put it (RFC 8601 §5); such a host removes fields that others wrote in its name.
pub fn of_believed(head: &Head<'_>, believed: impl Fn(&str) -> bool) -> Option<Said> {
    let mut received = 0;
    for (name, value) in &head.fields {
        match name.as_str() {
            "received" if received == 1 => return None,
            "received" => received += 1,
            "authentication-results" => {
                if let Some(said) = read(value, false).filter(|said| believed(&said.host)) {
                    return Some(said);
                }
            }
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::super::author::head;
    use super::*;

    const FULL: &str = " mx.acme.example 1;\r\n spf=pass (sender is fine) smtp.mailfrom=bounce@northwind.example;\r\n \
                        dkim=pass header.d=northwind.example header.s=a; dmarc = pass (p=reject) header.from=northwind.example";

    #[test]
    fn a_field_is_read_with_its_methods() {
        let said = read(FULL.as_bytes(), false).unwrap();
        assert_eq!(said.host, "mx.acme.example");
        assert_eq!(said.methods.len(), 3);
        assert_eq!(said.of_author("northwind.example"), Some(true));
        assert_eq!(said.of_author("evil.example"), Some(false));
    }

    #[test]
    fn what_is_said_of_another_domain_vouches_for_nobody() {
        let said = |text: &str| read(text.as_bytes(), false).unwrap().of_author("northwind.example");
        assert_eq!(said("mx.a.example; dkim=pass header.d=evil.example"), None);
        assert_eq!(
            said("mx.a.example; spf=pass smtp.mailfrom=northwind.example@evil.example"),
            None
        );
        assert_eq!(said("mx.a.example; dkim=fail header.d=northwind.example"), None);
        assert_eq!(said("mx.a.example; none"), None);
        assert_eq!(
            said("mx.a.example; dkim=pass header.d=northwind.example; dmarc=fail"),
            Some(false)
        );
    }

    #[test]
    fn broken_fields_say_nothing() {
        for broken in [
            "mx.a.example; dkim=pass (open header.d=x.example",
            "mx.a.example; dkim pass",
            "mx.a.example; spf=pass reason=\"a;dmarc=pass\" x=y",
            "",
        ] {
            assert!(
                read(broken.as_bytes(), false).is_none_or(|said| said.methods.is_empty()),
                "{broken}"
            );
        }
    }

    #[test]
    fn only_the_top_of_the_trace_is_believed() {
        let mail = |fields: &str| fields.replace('\n', "\r\n") + "\r\n\r\n";
        let field = "Authentication-Results: mx.acme.example; dmarc=pass header.from=a.example\n";
        let believed = |text: &str| {
            let raw = mail(text);
            of_believed(&head(raw.as_bytes()).unwrap(), |host| host == "mx.acme.example").is_some()
        };
        assert!(believed(&format!(
            "{field}Received: from x by mx.acme.example\nFrom: a@a.example"
        )));
        assert!(believed(&format!(
            "Received: from x by mx.acme.example\n{field}From: a@a.example"
        )));
        assert!(!believed(&format!(
            "Received: by mx\nReceived: by other\n{field}From: a@a.example"
        )));
        assert!(!believed(
            "Authentication-Results: mx.evil.example; dmarc=pass\nFrom: a@a.example"
        ));
    }
}
