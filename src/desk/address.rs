//! An address of the desk as it stands in the settings, and what it says of the cases made from mail to it.
//!
//! `install@acme.example lane=install product=widget`: the address, then words. It speaks only of new cases: what a case is
//! about does not change because a later mail came to another address.

use std::collections::BTreeMap;

/// Entry points into a product (PRODUCT.md §1).
pub const LANES: [&str; 10] = [
    "install",
    "configure",
    "operate",
    "upgrade",
    "performance",
    "fault",
    "develop",
    "security",
    "guidance",
    "pre-sales",
];

/// What an address says of a new case.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Entry {
    /// Where it enters the product; the desk's usual lane if nothing is said.
    pub lane: Option<String>,
    /// The product it is about.
    pub product: Option<String>,
}

/// Reads one entry of `desk.addresses`: the address in lower case, and what it says.
///
/// # Errors
/// What is wrong with it, as the end of a sentence that names the setting.
pub fn read(text: &str) -> Result<(String, Entry), String> {
    let mut words = text.split_whitespace();
    let address = words.next().unwrap_or_default().to_lowercase();
    let is_address = address
        .split_once('@')
        .is_some_and(|(local, domain)| !local.is_empty() && !domain.is_empty() && !domain.contains(['@', '=']));
    if !is_address {
        return Err(format!("\"{text}\" names no mail address"));
    }
    let mut entry = Entry::default();
    for word in words {
        match word.split_once('=') {
            Some(("lane", lane)) if LANES.contains(&lane) => entry.lane = Some(lane.to_owned()),
            Some(("lane", lane)) => {
                return Err(format!("\"{lane}\" is no lane; lanes are {}", LANES.join(", ")));
            }
            Some(("product", product)) if is_product(product) => entry.product = Some(product.to_owned()),
            Some(("product", product)) => {
                return Err(format!(
                    "\"{product}\" is no product; write letters, digits, dots, dashes and underscores, at most 60"
                ));
            }
            _ => return Err(format!("\"{word}\" is not understood; write lane=… or product=…")),
        }
    }
    Ok((address, entry))
}

fn is_product(text: &str) -> bool {
    (1..=60).contains(&text.chars().count())
        && text
            .chars()
            .all(|c| c.is_alphanumeric() || matches!(c, '.' | '-' | '_'))
}

/// What the first of these recipients that says anything says; `entries` by address without a token, in lower case.
pub fn entry_of<'a>(entries: &'a BTreeMap<String, Entry>, recipients: impl Iterator<Item = &'a String>) -> Entry {
    let mut found = recipients.filter_map(|one| entries.get(&super::without_token(one)));
    found.next().cloned().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_says_lane_and_product_in_any_order_or_nothing() {
        let (address, entry) = read("Install@Acme.example  product=Widget-2.0 lane=install").unwrap();
        assert_eq!(address, "install@acme.example");
        assert_eq!(
            (entry.lane.as_deref(), entry.product.as_deref()),
            (Some("install"), Some("Widget-2.0"))
        );
        assert_eq!(read("a@b").unwrap(), ("a@b".into(), Entry::default()));
    }

    #[test]
    fn nonsense_is_named() {
        for (text, said) in [
            ("", "names no mail address"),
            ("lane=install a@b", "no mail address"),
            ("a@b lane=instal", "install, configure"),
            ("a@b product=", "is no product"),
            ("a@b product=a/b", "is no product"),
            ("a@b severity=1", "severity=1"),
        ] {
            let cause = read(text).unwrap_err();
            assert!(cause.contains(said), "{text}: {cause}");
        }
    }
}
