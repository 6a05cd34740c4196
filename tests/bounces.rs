//! What we read out of other people's real bounces: whom they are about, and why. The mails are not part of this
//! repository: the folder is named by `DULY_CORPORA` (default `../shared/corpora`), and without it these tests say so and pass.

use duly::mail::auto::{Auto, Reason};
use duly::mail::parse::understand;
use serde_json::Value as Json;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

fn corpora() -> Option<PathBuf> {
    let folder = std::env::var_os("DULY_CORPORA").map_or_else(|| PathBuf::from("../shared/corpora"), PathBuf::from);
    let there = folder.join("sisimai/expected.jsonl").exists();
    if !there {
        eprintln!("SKIPPED: no mail corpora at {} (set DULY_CORPORA)", folder.display());
    }
    there.then_some(folder)
}

/// What was counted over one folder.
#[derive(Default)]
struct Counts {
    bounces: usize,
    with_recipient: usize,
    with_reason: usize,
    /// Recipients that the source expects, and those of them that we found; recipients that it does not expect.
    expected: usize,
    found: usize,
    too_many: usize,
    /// Notices of delay, and those taken for one.
    delays: usize,
    delays_known: usize,
    /// Mails whose returned copy was to one address, and those about which we name it.
    copies: usize,
    copies_agree: usize,
    reasons: BTreeMap<&'static str, usize>,
}

/// The one address in `To` of the returned copy, read in a way of its own: the last header block of the mail.
fn reader_of_copy(raw: &str) -> Option<String> {
    let text = raw.replace("\r\n", "\n").replace('\r', "\n");
    let to: Vec<&str> = text
        .lines()
        .filter(|line| line.get(..3).is_some_and(|name| name.eq_ignore_ascii_case("to:")))
        .collect();
    let last = to.get(1..)?.last()?;
    let mut addresses = last[3..]
        .split([' ', '<', '>', ',', '"', '\t'])
        .filter(|word| word.contains('@'));
    let one = addresses.next()?;
    addresses.next().is_none().then(|| one.to_lowercase())
}

fn count(folder: &Path, name: &str) -> Counts {
    let mut counts = Counts::default();
    let lines = std::fs::read_to_string(folder.join(name).join("expected.jsonl")).expect("the expectations");
    for line in lines.lines() {
        let expected: Json = serde_json::from_str(line).expect("an object a line");
        let path = folder.join(name).join(expected["mail_path"].as_str().expect("a path"));
        let raw = std::fs::read(&path).expect("a mail");
        let mail = understand(&raw);
        let bounce = mail.bounce.clone().unwrap_or_default();
        let got: Vec<String> = bounce.recipients.iter().map(|one| one.to_lowercase()).collect();
        if let Some(want) = expected["expect"]["x_failed_recipients"].as_array() {
            let want: Vec<String> = want.iter().filter_map(Json::as_str).map(str::to_lowercase).collect();
            counts.expected += want.len();
            counts.found += want.iter().filter(|one| got.contains(one)).count();
            counts.too_many += got.iter().filter(|one| !want.contains(one)).count();
            if want.iter().any(|one| !got.contains(one)) {
                println!("  {}: {want:?}, found {got:?}", path.display());
            }
        }
        if expected["expect"]["x_temporary"] == true {
            counts.delays += 1;
            counts.delays_known += usize::from(mail.bounce.is_some() && !bounce.permanent);
        }
        if mail.auto != Auto::Bounce {
            continue;
        }
        counts.bounces += 1;
        counts.with_recipient += usize::from(!got.is_empty());
        let reason = bounce.failures.first().map_or(Reason::Unknown, |one| one.reason);
        counts.with_reason += usize::from(reason != Reason::Unknown);
        *counts.reasons.entry(reason.text()).or_default() += 1;
        if let Some(reader) = reader_of_copy(&String::from_utf8_lossy(&raw)) {
            counts.copies += 1;
            counts.copies_agree += usize::from(got.contains(&reader));
        }
        if got.is_empty() {
            println!("  {}: nobody was found", path.display());
        }
    }
    counts
}

fn share(part: usize, whole: usize) -> f64 {
    if whole == 0 { 1.0 } else { part as f64 / whole as f64 }
}

#[test]
fn failed_recipients_and_reasons_are_found_in_other_peoples_bounces() {
    let Some(folder) = corpora() else { return };
    for name in ["flufl-bounce", "sisimai"] {
        let counts = count(&folder, name);
        println!(
            "{name}: {} bounces; with a recipient {:.3}, with a reason {:.3}; expected recipients found {}/{} and {} beyond; \
             delays known {}/{}; the copy's reader named {}/{}",
            counts.bounces,
            share(counts.with_recipient, counts.bounces),
            share(counts.with_reason, counts.bounces),
            counts.found,
            counts.expected,
            counts.too_many,
            counts.delays_known,
            counts.delays,
            counts.copies_agree,
            counts.copies,
        );
        println!("  {:?}", counts.reasons);
        assert!(share(counts.with_recipient, counts.bounces) >= 0.98, "{name}");
        assert!(share(counts.found, counts.expected) >= 0.95, "{name}");
        assert!(counts.too_many * 20 <= counts.expected, "{name}");
        // Some say nothing but that it failed.
        assert!(share(counts.with_reason, counts.bounces) >= 0.75, "{name}");
        assert_eq!(counts.delays_known, counts.delays, "{name}");
    }
}
