//! Documents that cannot quietly become untrue: links lead somewhere, commands are commands, tables are those of the code.
//!
//! `DULY_WRITE_DOCS=1 cargo test --test docs` writes the tables that come from the code.

use clap::Parser;
use duly::cli::args::Cli;
use duly::config::{KEYS, Kind};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every document, with its text.
fn documents() -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    for folder in [root().to_owned(), root().join("docs")] {
        for entry in std::fs::read_dir(folder).expect("a folder").flatten() {
            let path = entry.path();
            if path.extension().is_some_and(|extension| extension == "md") {
                let text = std::fs::read_to_string(&path).expect("a document");
                found.push((path, text));
            }
        }
    }
    assert!(found.len() >= 9, "{}", found.len());
    found
}

#[test]
fn every_link_leads_to_a_file_that_is_there() {
    for (path, text) in documents() {
        for link in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let file = link.split('#').next().unwrap_or_default();
            if file.is_empty() || file.contains("://") {
                continue;
            }
            let there = path.parent().expect("a folder").join(file);
            assert!(there.exists(), "{}: {link}", path.display());
        }
    }
}

/// The commands of a document: lines of code that begin with `duly`, `$ duly` or `export …; duly`.
fn commands(text: &str) -> Vec<String> {
    let mut pieces = text.split("\\\n");
    let first = pieces.next().unwrap_or_default().to_owned();
    let joined = pieces.fold(first, |before, rest| {
        format!("{} {}", before.trim_end(), rest.trim_start())
    });
    let code = joined
        .lines()
        .filter_map(|line| line.strip_prefix("    ").or(line.strip_prefix("$ ")));
    let commands = code.filter_map(|line| line.strip_prefix("duly ").or(line.strip_prefix("$ duly ")));
    commands.map(|rest| format!("duly {rest}")).collect()
}

/// The command without what a document says behind it: redirections, remarks, "and so on".
fn before_talk(command: &str) -> &str {
    let ends = [" >", "   ", " | ", " #", " …"];
    let end = ends.iter().filter_map(|end| command.find(end)).min();
    &command[..end.unwrap_or(command.len())]
}

/// Words as a shell parts them, as far as documents need it.
fn words(line: &str) -> Vec<String> {
    let (mut words, mut word, mut quoted) = (Vec::new(), String::new(), None);
    for one in line.chars() {
        match (one, quoted) {
            ('"' | '\'', None) => quoted = Some(one),
            (_, Some(mark)) if one == mark => quoted = None,
            (' ', None) => words.push(std::mem::take(&mut word)),
            _ => word.push(one),
        }
    }
    words.push(word);
    words.retain(|word| !word.is_empty());
    words
}

#[test]
fn every_command_in_a_document_is_read_by_the_parser() {
    let mut seen = 0;
    for (path, text) in documents() {
        for command in commands(&text) {
            let read = Cli::try_parse_from(words(before_talk(&command)));
            assert!(
                read.is_ok(),
                "{}: {command}: {}",
                path.display(),
                read.err().map(|e| e.to_string()).unwrap_or_default()
            );
            seen += 1;
        }
    }
    assert!(seen >= 10, "{seen}");
}

/// The table of settings as `docs/running.md` has it.
fn settings() -> String {
    let mut table = String::from("| key | default | meaning |\n|---|---|---|\n");
    for key in KEYS {
        let default = match key.kind {
            Kind::Text | Kind::List | Kind::Flag => key.default.replace("\"\"", ""),
        };
        let shown = match default.trim_matches(['[', ']']).is_empty() {
            true => "none".to_owned(),
            false => format!("`{default}`"),
        };
        let about = key.about.replace('\n', " ");
        let _ = writeln!(table, "| `{}.{}` | {shown} | {about} |", key.section, key.name);
    }
    table
}

#[test]
fn the_table_of_settings_is_the_table_of_the_code() {
    const BEGIN: &str = "by tests/docs.rs -->\n";
    const END: &str = "<!-- end of settings -->";
    let path = root().join("docs/running.md");
    let text = std::fs::read_to_string(&path).expect("the document");
    let from = text.find(BEGIN).expect("its beginning") + BEGIN.len();
    let to = text.find(END).expect("its end");
    if std::env::var_os("DULY_WRITE_DOCS").is_some() {
        let whole = format!("{}{}{}", &text[..from], settings(), &text[to..]);
        std::fs::write(&path, whole).expect("written");
        return;
    }
    assert_eq!(
        &text[from..to],
        settings(),
        "run `DULY_WRITE_DOCS=1 cargo test --test docs`"
    );
}

/// The tables of docs/POLICY.md: verbs by role, and paths by what they need.
fn policy() -> String {
    let mut text =
        String::from("| verb | engineer | lead | administrator | owner | but |\n|---|---|---|---|---|---|\n");
    for rule in duly::desk::policy::RULES {
        let may = rule.may().map(|may| if may { "yes" } else { "–" });
        let _ = writeln!(text, "| `{}` | {} | {} |", rule.verb, may.join(" | "), rule.but);
    }
    text.push_str("\n| path | method | what it needs |\n|---|---|---|\n");
    for (path, method, needs) in duly::web::policy() {
        let _ = writeln!(text, "| `{path}` | {method} | {} |", needs.words());
    }
    text
}

#[test]
fn the_tables_of_who_may_do_what_are_those_of_the_code() {
    const BEGIN: &str = "by tests/docs.rs -->\n";
    const END: &str = "<!-- end of policy -->";
    let path = root().join("docs/POLICY.md");
    let text = std::fs::read_to_string(&path).expect("the document");
    let from = text.find(BEGIN).expect("its beginning") + BEGIN.len();
    let to = text.find(END).expect("its end");
    if std::env::var_os("DULY_WRITE_DOCS").is_some() {
        let whole = format!("{}{}{}", &text[..from], policy(), &text[to..]);
        std::fs::write(&path, whole).expect("written");
        return;
    }
    assert_eq!(
        &text[from..to],
        policy(),
        "run `DULY_WRITE_DOCS=1 cargo test --test docs`"
    );
}

#[test]
fn every_invariant_names_a_test_that_is_there() {
    let text = std::fs::read_to_string(root().join("ARCHITECTURE.md")).expect("the document");
    let begin = text.find("## Invariants").expect("the invariants");
    let section = text[begin..].split("\n## ").next().unwrap_or_default();
    let mut sources = String::new();
    for folder in ["tests", "src", "plan", "replay", "torture"] {
        collect(&root().join(folder), &mut sources);
    }
    let mut named = 0;
    for line in section
        .lines()
        .filter(|line| line.starts_with(|one: char| one.is_ascii_digit()))
    {
        let tests: Vec<&str> = line
            .split('`')
            .skip(1)
            .step_by(2)
            .filter(|word| word.contains('_'))
            .collect();
        assert!(!tests.is_empty(), "an invariant without a test: {line}");
        for test in tests {
            assert!(sources.contains(&format!("fn {test}(")), "there is no test {test}");
            named += 1;
        }
    }
    assert!(named >= 9, "{named}");
    assert!(text.lines().count() <= 200, "ARCHITECTURE.md is read in one sitting");
}

fn collect(folder: &Path, into: &mut String) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            collect(&path, into);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            into.push_str(&std::fs::read_to_string(&path).expect("a source"));
        }
    }
}
