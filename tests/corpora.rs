//! What other people's real mail says of our understanding. The mails are not part of this repository: the folder is
//! named by `DULY_CORPORA` (default `../shared/corpora`), and without it these tests say so and pass.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use duly::mail::list;
use duly::mail::parse::{Understood, understand};

fn corpora() -> Option<PathBuf> {
    let folder = std::env::var_os("DULY_CORPORA").map_or_else(|| PathBuf::from("../shared/corpora"), PathBuf::from);
    let there = folder.join("tools/check_inspect.py").exists();
    if !there {
        eprintln!("SKIPPED: no mail corpora at {} (set DULY_CORPORA)", folder.display());
    }
    there.then_some(folder)
}

/// Runs one of the corpora's own tools; `None` where there is no Python.
fn python(folder: &Path, arguments: &[&str]) -> Option<(bool, String)> {
    match Command::new("python3").args(arguments).current_dir(folder).output() {
        Ok(output) => Some((
            output.status.success(),
            String::from_utf8_lossy(&output.stdout).into_owned(),
        )),
        Err(cause) => {
            eprintln!("SKIPPED: the corpora's tools need python3: {cause}");
            None
        }
    }
}

/// `passed/all` behind a level's name in the tool's last line.
fn share(output: &str, level: &str) -> (u32, u32) {
    let total = output
        .lines()
        .rev()
        .find(|l| l.starts_with("TOTAL"))
        .expect("the tool prints a total");
    let words: Vec<&str> = total.split_whitespace().collect();
    let at = words.iter().position(|w| *w == level).expect("the level is counted");
    let (passed, all) = words[at + 1].split_once('/').expect("passed/all");
    (passed.parse().expect("a number"), all.parse().expect("a number"))
}

#[test]
fn must_oracle_and_robust_hold_in_every_folder_and_should_in_nine_of_ten() {
    let Some(folder) = corpora() else { return };
    let Some((_, output)) = python(
        &folder,
        &[
            "tools/check_inspect.py",
            ".",
            "--duly",
            env!("CARGO_BIN_EXE_duly"),
            "--show",
            "3",
        ],
    ) else {
        return;
    };
    for level in ["must", "oracle", "robust"] {
        let (passed, all) = share(&output, level);
        assert_eq!(passed, all, "{level}\n{output}");
    }
    let (passed, all) = share(&output, "should");
    assert!(passed * 10 >= all * 9, "should\n{output}");
}

/// The stream's mails in their order, split by the corpora's own tool into a folder that vanishes with the value.
fn stream(folder: &Path) -> Option<(tempfile::TempDir, Vec<PathBuf>)> {
    let out = tempfile::tempdir().expect("a temporary folder");
    let path = out.path().to_str().expect("a plain path").to_owned();
    let (split, _) = python(folder, &["tools/split_mbox.py", "usrp-users", &path])?;
    assert!(split, "the stream could not be split");
    let mut files: Vec<PathBuf> = std::fs::read_dir(out.path())
        .expect("the folder")
        .map(|e| e.expect("an entry").path())
        .collect();
    files.sort();
    Some((out, files))
}

#[test]
fn new_words_and_quoted_words_of_a_real_list_are_told_apart() {
    let Some(folder) = corpora() else { return };
    let Some((out, files)) = stream(&folder) else {
        return;
    };
    let records = Command::new(env!("CARGO_BIN_EXE_duly"))
        .args(["mail", "inspect"])
        .args(&files)
        .output()
        .expect("duly runs");
    let results = out.path().join("results.jsonl");
    std::fs::write(&results, records.stdout).expect("a file");
    let results = results.to_str().expect("a plain path").to_owned();
    let checked = python(
        &folder,
        &[
            "tools/check_newtext_stream.py",
            "usrp-users",
            "--inspect",
            &results,
            "--max-leak",
            "0.03",
            "--max-loss",
            "0.03",
            "--show",
            "5",
        ],
    );
    let Some((passed, output)) = checked else {
        return;
    };
    assert!(passed, "{output}");
}

#[test]
fn the_author_behind_a_list_is_found_and_is_one_person() {
    let Some(folder) = corpora() else { return };
    let Some((_out, files)) = stream(&folder) else {
        return;
    };
    let served = ["usrp-users@lists.ettus.com".to_owned()];
    let roles = std::fs::read_to_string(folder.join("usrp-users/roles.jsonl")).expect("roles");
    let roles: Vec<serde_json::Value> = roles
        .lines()
        .map(|l| serde_json::from_str(l).expect("a role"))
        .collect();
    let mut addresses: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (role, file) in roles.iter().zip(&files) {
        let mail: Understood = understand(&std::fs::read(file).expect("a mail"));
        let found = list::author(&mail, &served).unwrap_or_else(|| panic!("no author in {}", file.display()));
        assert_ne!(found.author.address.to_lowercase(), served[0], "{}", file.display());
        assert!(
            !found.author.name.as_deref().unwrap_or_default().contains(" via "),
            "{}",
            file.display()
        );
        let author = role["author"].as_str().expect("an author").to_owned();
        addresses
            .entry(found.author.address.to_lowercase())
            .or_default()
            .insert(author);
    }
    let mixed: Vec<_> = addresses.iter().filter(|(_, authors)| authors.len() > 1).collect();
    assert!(mixed.is_empty(), "one address, several people: {mixed:?}");
}
