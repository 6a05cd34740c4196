//! Offers on the recorded stream: replies that name no other mail get a case offered, and the offer is right.
//!
//! What is right is decided without the desk: a reply belongs where the words stand that it quotes (runs of six words);
//! one that quotes nothing of the stream belongs to the newest earlier mail with its subject.

use super::record::Recorded;
use duly::mail::parse::understand;
use std::collections::{HashMap, HashSet};

/// Words of a run that was quoted.
const RUN: usize = 6;
/// Runs that a quote shares with the mail it was taken from, at least.
const SHARED: usize = 2;

/// A recorded mail, as far as quoting goes.
struct Text {
    runs: HashSet<u64>,
    quoted: HashSet<u64>,
    subject: String,
}

fn runs(text: &str) -> HashSet<u64> {
    use std::hash::{DefaultHasher, Hash, Hasher};
    let words: Vec<String> = text
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_lowercase)
        .collect();
    words
        .windows(RUN)
        .map(|run| {
            let mut hasher = DefaultHasher::new();
            run.hash(&mut hasher);
            hasher.finish()
        })
        .collect()
}

fn bare(subject: &str) -> String {
    let mut rest = subject.to_lowercase().trim().to_owned();
    let additions = [
        "re:",
        "fw:",
        "fwd:",
        "aw:",
        "sv:",
        "[usrp-users]",
        "[ext]",
        "ext :",
        "[external]",
    ];
    while let Some(after) = additions.iter().find_map(|one| rest.strip_prefix(one)) {
        rest = after.trim().to_owned();
    }
    rest.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// What came of the offers.
#[derive(Debug, Default)]
pub struct Shares {
    /// Replies that name no other mail.
    pub replies: usize,
    /// Of those, with an earlier mail in the stream to which they can be seen to belong.
    pub known: usize,
    pub offered: usize,
    pub right: usize,
    /// Offers to mails that are no such replies: who begins a thread.
    pub others: usize,
}

/// Counts the offers: `case_of` and `offer_of` by Message-ID.
pub fn count(mails: &[Recorded], case_of: &HashMap<&str, i64>, offer_of: &HashMap<String, i64>) -> Shares {
    let texts: Vec<Text> = mails
        .iter()
        .map(|mail| {
            let read = understand(&mail.raw);
            Text {
                runs: runs(&read.new_text),
                quoted: runs(&read.quoted_text),
                subject: bare(&read.subject),
            }
        })
        .collect();
    let mut shares = Shares::default();
    for (at, mail) in mails.iter().enumerate() {
        let offer = offer_of.get(&mail.message_id);
        if !mail.reply_without_refs {
            shares.others += usize::from(offer.is_some());
            continue;
        }
        shares.replies += 1;
        let truth = truth(mails, &texts, at, case_of);
        shares.known += usize::from(truth.is_some());
        if let Some(offer) = offer {
            shares.offered += 1;
            match truth == Some(*offer) {
                true => shares.right += 1,
                false => println!("  offered {offer}, belongs to {truth:?}: {}", texts[at].subject),
            }
        } else if truth.is_some() {
            println!("  not offered {truth:?}: {}", texts[at].subject);
        }
    }
    shares
}

fn truth(mails: &[Recorded], texts: &[Text], at: usize, case_of: &HashMap<&str, i64>) -> Option<i64> {
    let mut votes: HashMap<i64, usize> = HashMap::new();
    for earlier in 0..at {
        let shared = texts[at].quoted.intersection(&texts[earlier].runs).count();
        if shared >= SHARED {
            let votes = votes.entry(case_of[mails[earlier].message_id.as_str()]).or_default();
            *votes = (*votes).max(shared);
        }
    }
    let quoted = votes
        .into_iter()
        .max_by_key(|(case, shared)| (*shared, *case))
        .map(|(case, _)| case);
    quoted.or_else(|| {
        let same = |earlier: &usize| texts[*earlier].subject == texts[at].subject;
        let newest = (0..at).rev().find(same)?;
        Some(case_of[mails[newest].message_id.as_str()])
    })
}
