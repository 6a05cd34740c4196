//! Mail through a list that the desk serves: which list it was, and who really wrote.
//!
//! Promises: only lists that the desk names are looked for; the author is somebody the mail itself names, never the
//! list. Lists rewrite From ("Jane via LIST" at the list's address) so that DMARC passes; the author then stands in
//! Reply-To, X-Original-From, X-Original-Sender, Sender or Cc, and the name loses its " via LIST". Leaves out: whether
//! the author may be believed.

use crate::mail::parse::{Mailbox, Understood};

/// A mail that came through a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListMail {
    /// The served address of the list.
    pub list: String,
    /// Who wrote it.
    pub author: Mailbox,
}

/// The list of `served` that the mail came through and its author; `None` if it came through none.
pub fn author(u: &Understood, served: &[String]) -> Option<ListMail> {
    let list = served.iter().find(|address| came_through(u, address))?;
    let author = original(u, list)?;
    Some(ListMail {
        list: list.clone(),
        author,
    })
}

fn came_through(u: &Understood, list: &str) -> bool {
    let by_header = u.list.as_ref().is_some_and(|l| {
        let post = l.post.as_deref().is_some_and(|post| same(post, list));
        // List-Id names a host-like thing: desk.lists.example.org for desk@lists.example.org (RFC 2919).
        let id = l.id.as_deref().is_some_and(|id| same(id, &list.replacen('@', ".", 1)));
        post || id
    });
    let named = |mailbox: &Mailbox| same(&mailbox.address, list);
    by_header
        || u.from
            .iter()
            .chain(u.sender.iter())
            .chain(&u.to)
            .chain(&u.cc)
            .any(named)
}

/// Mail addresses, compared as lists compare them.
fn same(a: &str, b: &str) -> bool {
    a.trim().eq_ignore_ascii_case(b.trim())
}

/// Whether an address is the list's own: itself, or one of its functions (`list-bounces@`, `list-owner@`).
fn is_list(address: &str, list: &str) -> bool {
    let (Some((local, domain)), Some((list_local, list_domain))) = (address.rsplit_once('@'), list.rsplit_once('@'))
    else {
        return false;
    };
    let (local, list_local) = (local.to_lowercase(), list_local.to_lowercase());
    let function = local
        .strip_prefix(&list_local)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with(['-', '+', '=']));
    function && domain.eq_ignore_ascii_case(list_domain)
}

fn original(u: &Understood, list: &str) -> Option<Mailbox> {
    let from = u.from.as_ref()?;
    if !is_list(&from.address, list) {
        return Some(Mailbox {
            name: from.name.as_deref().map(without_via),
            address: from.address.clone(),
        });
    }
    let name = from
        .name
        .as_deref()
        .map(without_via)
        .filter(|n| !n.is_empty() && !same(n, list));
    let candidates = u.x_original_from.iter().chain(u.x_original_sender.iter());
    let candidates = candidates.chain(&u.reply_to).chain(u.sender.iter()).chain(&u.cc);
    let people: Vec<&Mailbox> = candidates
        .filter(|m| m.address.contains('@') && !is_list(&m.address, list))
        .collect();
    // A list may put several into Reply-To; the one who has the name of From is the author.
    let namesake = name
        .as_deref()
        .and_then(|name| people.iter().find(|m| m.name.as_deref().is_some_and(|n| same(n, name))));
    let found = namesake.or_else(|| people.first())?;
    let name = name
        .or_else(|| found.name.as_deref().map(without_via))
        .filter(|n| !n.contains('@'));
    Some(Mailbox {
        name,
        address: found.address.clone(),
    })
}

/// `Jane Doe via LIST` without the list.
fn without_via(name: &str) -> String {
    let name = name.trim().trim_matches(['"', '\'']);
    let cut = name.find(" via ").unwrap_or(name.len());
    name[..cut].trim().trim_matches(['"', '\'']).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn boxed(name: &str, address: &str) -> Mailbox {
        Mailbox {
            name: (!name.is_empty()).then(|| name.to_owned()),
            address: address.to_owned(),
        }
    }

    #[test]
    fn the_author_behind_a_rewritten_from_stands_in_reply_to() {
        let mail = Understood {
            from: Some(boxed("Jane Doe via Desk", "desk@lists.example.org")),
            reply_to: vec![
                boxed("", "desk@lists.example.org"),
                boxed("Jane Doe", "jane@example.net"),
            ],
            to: vec![boxed("", "desk@lists.example.org")],
            ..Understood::default()
        };
        let found = author(&mail, &["desk@lists.example.org".into()]).expect("came through the list");
        assert_eq!(found.author, boxed("Jane Doe", "jane@example.net"));
    }

    #[test]
    fn mail_through_no_served_list_has_no_list_author() {
        let mail = Understood {
            from: Some(boxed("", "a@x.org")),
            to: vec![boxed("", "b@x.org")],
            ..Understood::default()
        };
        assert_eq!(author(&mail, &["desk@lists.example.org".into()]), None);
    }
}
