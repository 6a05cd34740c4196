//! Help, manual pages and completions: all out of one table, an example first in each.

use crate::desk::{DULY, duly, program};
use clap::{Command, CommandFactory};
use duly::cli::args::Cli;
use std::path::Path;

fn visible(command: &Command) -> impl Iterator<Item = &Command> {
    command.get_subcommands().filter(|one| !one.is_hide_set())
}

/// Every verb with its acts, as words: `["cpu", "add"]`.
fn verbs() -> Vec<Vec<String>> {
    let mut all = Vec::new();
    for verb in visible(&Cli::command()) {
        all.push(vec![verb.get_name().to_owned()]);
        for act in visible(verb) {
            all.push(vec![verb.get_name().to_owned(), act.get_name().to_owned()]);
        }
    }
    all
}

#[test]
fn every_verb_has_an_example_first_in_its_help_that_the_program_understands() {
    let home = tempfile::tempdir().expect("a folder");
    assert!(verbs().len() >= 40);
    for verb in verbs() {
        let mut args: Vec<&str> = verb.iter().map(String::as_str).collect();
        args.push("--help");
        let help = duly(home.path(), &args).done();
        let name = verb.join(" ");
        let example = help.lines().next().unwrap_or_default();
        let says = example.starts_with("Example: duly ") && example.contains(&format!(" {name}"));
        assert!(says, "{name}: {example}");
        assert!(help.contains("With every verb:"), "{name}");
    }
}

#[test]
fn every_example_is_read_by_the_parser() {
    let mut command = Cli::command();
    command.build();
    for verb in verbs() {
        let mut at = &command;
        for name in &verb {
            at = at.find_subcommand(name).expect("it was listed");
        }
        let examples = at.get_before_help().map(ToString::to_string).unwrap_or_default();
        for example in examples.lines() {
            let line = example
                .strip_prefix("Example: ")
                .unwrap_or_else(|| panic!("{verb:?}: {example}"));
            let line = line.split(['|', '>']).next().unwrap_or_default();
            let line = line.split("   (").next().unwrap_or_default();
            let words = shell_words(line);
            let read = Cli::command().try_get_matches_from(&words);
            assert!(
                read.is_ok(),
                "{example}: {}",
                read.err().map(|e| e.to_string()).unwrap_or_default()
            );
        }
    }
}

/// Words as a shell parts them: both kinds of quotes, nothing else.
fn shell_words(line: &str) -> Vec<String> {
    let (mut words, mut word, mut quote, mut begun) = (Vec::new(), String::new(), None, false);
    for one in line.chars() {
        match (one, quote) {
            ('"' | '\'', None) => (quote, begun) = (Some(one), true),
            (_, Some(mark)) if one == mark => quote = None,
            (' ', None) if begun => {
                words.push(std::mem::take(&mut word));
                begun = false;
            }
            (' ', None) => {}
            _ => {
                word.push(one);
                begun = true;
            }
        }
    }
    if begun {
        words.push(word);
    }
    words
}

#[test]
fn a_mistyped_verb_is_answered_with_its_likely_neighbours() {
    let home = tempfile::tempdir().expect("a folder");
    let said = duly(home.path(), &["legder"]).ends(2);
    assert!(said.contains("similar") && said.contains("'ledger'"), "{said}");
    let said = duly(home.path(), &[]).ends(2);
    assert!(said.contains("Exit codes: 0 done"), "{said}");
    assert!(duly(home.path(), &["--version"]).done().starts_with("duly "));
}

#[test]
fn a_manual_page_for_each_verb_has_its_example_before_the_options() {
    let home = tempfile::tempdir().expect("a folder");
    let folder = home.path().join("share/man1");
    duly(home.path(), &["man", folder.to_str().expect("UTF-8")]).done();
    let page =
        |name: &str| std::fs::read_to_string(folder.join(name)).unwrap_or_else(|cause| panic!("{name}: {cause}"));
    for verb in verbs() {
        let text = page(&format!("duly-{}.1", verb.join("-")));
        let at = |heading: &str| {
            text.find(heading)
                .unwrap_or_else(|| panic!("{verb:?} without {heading}"))
        };
        assert!(at("EXAMPLES") < at("OPTIONS"), "{verb:?}");
        assert!(at("EXIT STATUS") > at("OPTIONS"), "{verb:?}");
    }
    assert!(page("duly.1").contains("duly\\-ps(1)"));
    assert!(!folder.join("duly-mail-worker.1").exists());
}

#[test]
fn completion_scripts_know_the_verbs() {
    let home = tempfile::tempdir().expect("a folder");
    for shell in ["bash", "zsh", "fish"] {
        let script = duly(home.path(), &["completions", shell]).done();
        assert!(script.contains("ledger") && script.contains("accessible"), "{shell}");
    }
    let script = home.path().join("duly.bash");
    std::fs::write(&script, duly(home.path(), &["completions", "bash"]).done()).expect("written");
    if Path::new("/bin/bash").exists() {
        let read = program("/bin/bash", home.path()).arg("-n").arg(&script).status();
        assert!(read.expect("bash runs").success(), "bash reads its script");
    }
    assert!(Path::new(DULY).exists());
}

#[test]
fn the_letters_of_ps_are_explained_in_its_help_and_in_its_manual_page() {
    let home = tempfile::tempdir().expect("a folder");
    let help = duly(home.path(), &["ps", "--help"]).done();
    let folder = home.path().join("man1");
    duly(home.path(), &["man", folder.to_str().expect("UTF-8")]).done();
    let page = std::fs::read_to_string(folder.join("duly-ps.1")).expect("a page");
    for words in ["ours, ready for whoever is next", "waits for the customer", "closed"] {
        assert!(help.contains(words), "{words}: {help}");
        assert!(page.contains(words), "{words}: {page}");
    }
}
