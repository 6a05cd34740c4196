//! Holds the rules of the house that the compiler does not: who may use whom, and what belongs into which room.
//!
//! Each rule is a function from a file to its complaints, held by one test over the whole tree and by one that plants a
//! violation and wants it caught, so that no rule can only pass. The tables are data: whoever needs a new direction or an
//! exception writes it here, with the reason, and a reviewer sees it.
//! Left out: what clippy and `deny.toml` hold already (unsafe code, missing documentation, banned crates).

#[path = "house/places.rs"]
mod places;
#[path = "house/source.rs"]
mod source;

use places::*;
use source::{Kind, Source, Token, sources};
use std::collections::{BTreeMap, BTreeSet};

/// What every room may use.
const EVERYBODY: &[&str] = &["clock", "config", "limits", "metrics", "refusal"];

/// Who may use whom, apart from [`EVERYBODY`] and itself. `plan`, `plan_check` and `replay` are crates of the workspace.
const DIRECTIONS: &[(&str, &[&str])] = &[
    // What everybody uses knows nobody but its like.
    ("limits", &[]),
    ("refusal", &[]),
    ("clock", &[]),
    ("metrics", &[]),
    ("config", &[]),
    // Doors to disk know no noun.
    // Its own macro stands at the root of the crate, as macros do.
    ("store", &["values"]),
    ("files", &[]),
    // What people are told, in their language.
    ("speech", &["plan"]),
    // The domain.
    ("desk", &["plan", "store", "files"]),
    // Doors to the world: each calls the desk, none calls another.
    // Mail says and reads times.
    ("mail", &["desk", "plan", "speech", "store", "files"]),
    ("sso", &["desk", "store"]),
    ("tracker", &["desk", "store"]),
    ("hook", &["desk", "store"]),
    ("web", &["desk", "plan", "speech", "store", "files", "sso"]),
    ("api", &["desk", "store", "files", "sso"]),
    // The command line talks to a running server through `api`'s types; the rest is for verbs that work on files
    // (`init`, `mail inspect`, `import`, `due`, `simulate`) or start the process (`serve`, `demo`).
    // `replay` lives a trace again for `simulate`; nothing else needs it.
    (
        "cli",
        &[
            "api", "demo", "desk", "mail", "plan", "replay", "serve", "speech", "store",
        ],
    ),
    ("tui", &["api"]),
    // A desk that fills itself: plausible cases through the desk's own verbs.
    ("demo", &["desk", "plan", "store"]),
    // Starts every worker, so it knows every room that has one.
    (
        "serve",
        &[
            "api", "demo", "desk", "files", "hook", "mail", "plan", "speech", "sso", "store", "tracker", "web",
        ],
    ),
    ("main", &["cli"]),
];

/// The crates of the workspace that `duly` may link.
const CRATES: &[&str] = &["plan", "plan_check", "replay"];

/// Longest file of the house; a sitting is 400.
const FILE_LINES: usize = 600;

/// Names that say nothing: a folder listing is the glossary.
const EMPTY_NAMES: &[&str] = &[
    "utils", "util", "helpers", "helper", "models", "services", "managers", "common", "misc", "shared",
];

/// A complaint: where, and what to do about it.
type Complaints = Vec<String>;

fn is_in(source: &Source, places: Places) -> bool {
    places.iter().any(|(place, _)| {
        source
            .path
            .strip_prefix(place)
            .is_some_and(|rest| rest == ".rs" || rest.starts_with('/'))
    })
}

fn complaint(source: &Source, line: usize, what: impl std::fmt::Display) -> String {
    format!("{}:{line}: {what}", source.path)
}

/// Complaints about tokens outside tests and outside `places`; `finds` looks at what begins at a token.
fn outside(source: &Source, places: Places, finds: impl Fn(&[Token]) -> bool, advice: &str) -> Complaints {
    if is_in(source, places) {
        return Vec::new();
    }
    let tokens = &source.tokens;
    (0..tokens.len())
        .filter(|&at| !tokens[at].in_test && finds(&tokens[at..]))
        .map(|at| complaint(source, tokens[at].line, format_args!("`{}`: {advice}", tokens[at].text)))
        .collect()
}

fn begins(tokens: &[Token], words: &[&str]) -> bool {
    tokens.len() >= words.len() && tokens.iter().zip(words).all(|(token, word)| token.is(word))
}

fn directions(source: &Source) -> Complaints {
    let room = source.room();
    if room == "lib" {
        return Vec::new(); // declares the rooms, uses none
    }
    let Some((_, allowed)) = DIRECTIONS.iter().find(|(name, _)| *name == room) else {
        return vec![complaint(
            source,
            1,
            format_args!("room `{room}` is not in the table of tests/house.rs"),
        )];
    };
    source
        .reaches(CRATES)
        .into_iter()
        .filter(|(_, used)| used != room && !EVERYBODY.contains(&used.as_str()) && !allowed.contains(&used.as_str()))
        .map(|(line, used)| complaint(source, line, format_args!("`{room}` may not use `{used}`")))
        .collect()
}

fn length(source: &Source) -> Complaints {
    let lines = source.text.lines().count();
    if lines <= FILE_LINES {
        return Vec::new();
    }
    vec![complaint(
        source,
        lines,
        format_args!("longer than {FILE_LINES} lines: split it by noun"),
    )]
}

fn head_comment(source: &Source) -> Complaints {
    if source.text.starts_with("//!") {
        return Vec::new();
    }
    vec![complaint(
        source,
        1,
        "begins without `//!`: say what the file promises and what it leaves out",
    )]
}

fn names(source: &Source) -> Complaints {
    let empty = source
        .path
        .split('/')
        .map(|part| part.strip_suffix(".rs").unwrap_or(part));
    let files = empty
        .filter(|part| EMPTY_NAMES.contains(part))
        .map(|part| complaint(source, 1, format_args!("`{part}` says nothing: name the noun")));
    let functions = source
        .tokens
        .windows(2)
        .filter(|pair| pair[0].is("fn") && pair[1].text.starts_with("get_"));
    let functions =
        functions.map(|pair| complaint(source, pair[1].line, format_args!("`{}`: drop the get_", pair[1].text)));
    files.chain(functions).collect()
}

fn sql(source: &Source) -> Complaints {
    let finds = |tokens: &[Token]| tokens[0].kind == Kind::Text && is_sql(&tokens[0].text);
    outside(source, SQL_PLACES, finds, "SQL belongs into desk or store")
}

/// Whether a text holds an upper-case SQL verb as a word of its own; SQL in this house is written so.
fn is_sql(text: &str) -> bool {
    let mut words = text.split(|c: char| c.is_whitespace() || c == '(').peekable();
    while let Some(word) = words.next() {
        if matches!(word, "SELECT" | "INSERT" | "UPDATE" | "DELETE") && words.peek().is_some() {
            return true;
        }
    }
    false
}

fn html(source: &Source) -> Complaints {
    let finds = |tokens: &[Token]| begins(tokens, &["maud", "::"]) || begins(tokens, &["html", "!"]);
    outside(source, HTML_PLACES, finds, "HTML belongs into web or mail/compose")
}

fn wall_clock(source: &Source) -> Complaints {
    let asks = [
        ["Timestamp", "::", "now"],
        ["Zoned", "::", "now"],
        ["SystemTime", "::", "now"],
        ["Clock", "::", "System"],
    ];
    let finds = |tokens: &[Token]| asks.iter().any(|ask| begins(tokens, ask));
    outside(
        source,
        WALL_CLOCK_PLACES,
        finds,
        "only the edge asks the time: take `now` as an argument",
    )
}

fn stopwatch(source: &Source) -> Complaints {
    let finds = |tokens: &[Token]| begins(tokens, &["Instant", "::", "now"]);
    outside(
        source,
        STOPWATCH_PLACES,
        finds,
        "only the edge asks the time: take `now` as an argument",
    )
}

fn spawning(source: &Source) -> Complaints {
    let finds = |tokens: &[Token]| {
        begins(tokens, &["thread", "::", "spawn"])
            || begins(tokens, &["thread", "::", "Builder"])
            || begins(tokens, &["tokio", "::", "spawn"])
            || begins(tokens, &["task", "::", "spawn"])
            || ["spawn_blocking", "spawn_local", "JoinSet"]
                .iter()
                .any(|word| tokens[0].is(word))
    };
    outside(source, SPAWN_PLACES, finds, "only serve spawns")
}

fn sealed_reads(source: &Source) -> Complaints {
    let finds = |tokens: &[Token]| tokens[0].is("read_sealed");
    outside(
        source,
        SEAL_PLACES,
        finds,
        "pages and mail must not have the ledger's key",
    )
}

fn printing(source: &Source) -> Complaints {
    let macros = ["println", "eprintln", "print", "eprint", "dbg"];
    let finds = |tokens: &[Token]| macros.iter().any(|word| begins(tokens, &[word, "!"]));
    outside(
        source,
        PRINT_PLACES,
        finds,
        "print in cli, main or demo; elsewhere return it or trace it",
    )
}

fn waiting(source: &Source) -> Complaints {
    if !matches!(source.room(), "desk" | "plan") {
        return Vec::new();
    }
    let finds = |tokens: &[Token]| tokens[0].is("async") || tokens[0].is("await");
    outside(
        source,
        &[],
        finds,
        "the domain is plain blocking code: no transaction waits for a network",
    )
}

/// Fails with every complaint of a rule over the given files, and when there was no file to look at.
fn hold(rule: fn(&Source) -> Complaints, files: &[Source]) {
    assert!(!files.is_empty(), "no file was found: the rule looked at nothing");
    let complaints: Complaints = files.iter().flat_map(rule).collect();
    assert!(
        complaints.is_empty(),
        "{} complaints:\n{}",
        complaints.len(),
        complaints.join("\n")
    );
}

/// The folders of the whole house, campaigns and tests included.
const HOUSE: &[&str] = &[
    "src",
    "plan",
    "plan-check",
    "replay",
    "tests",
    "browser",
    "torture",
    "bench",
    "fuzz",
];

/// How many complaints a rule has about a planted text.
fn caught(rule: fn(&Source) -> Complaints, path: &str, text: &str) -> usize {
    rule(&Source::new(path, text)).len()
}

#[test]
fn no_room_uses_a_room_that_its_table_does_not_name() {
    hold(directions, &sources(&["src"]));
}

#[test]
fn a_planted_direction_is_caught() {
    assert_eq!(caught(directions, "src/desk/case.rs", "use crate::web::layout;"), 1);
    assert_eq!(
        caught(
            directions,
            "src/web/case.rs",
            "use crate::{desk::case, mail::send, api::cases};"
        ),
        2
    );
    assert_eq!(caught(directions, "src/store/mod.rs", "use super::desk::case;"), 1);
    assert_eq!(
        caught(directions, "src/api/local.rs", "fn f() { let due = plan::due(); }"),
        1
    );
    assert_eq!(caught(directions, "src/desk/case.rs", "use crate::*;"), 1);
    assert_eq!(
        caught(directions, "src/attic/mod.rs", ""),
        1,
        "a room nobody entered into the table"
    );
    assert_eq!(caught(directions, "src/main.rs", "use duly::store::Store;"), 1);
    let good = "use crate::{clock::Clock, desk::case, store::{self, Store}}; use super::layout; use plan as _;";
    assert_eq!(caught(directions, "src/web/case.rs", good), 0);
}

#[test]
fn only_proofs_read_with_the_ledgers_key() {
    hold(sealed_reads, &sources(&["src"]));
    assert_eq!(
        caught(
            sealed_reads,
            "src/web/ledger.rs",
            "fn f() { store.read_sealed(|tx| tx) }"
        ),
        1
    );
}

#[test]
fn the_table_of_directions_has_no_circle() {
    let uses: BTreeMap<&str, &[&str]> = DIRECTIONS.iter().copied().collect();
    assert_eq!(uses.len(), DIRECTIONS.len(), "a room stands twice in the table");
    for room in uses.keys() {
        let mut reached = BTreeSet::new();
        let mut next: Vec<&str> = uses[room].to_vec();
        while let Some(used) = next.pop() {
            assert_ne!(used, *room, "`{room}` uses itself through others");
            if reached.insert(used) {
                next.extend(uses.get(used).into_iter().flat_map(|further| further.iter()));
            }
        }
    }
}

#[test]
fn the_pure_crates_depend_on_nothing_of_ours() {
    // The replay lives a desk through the planner, and through nothing else of ours.
    for (pure, uses) in [("plan", &[][..]), ("plan-check", &[]), ("replay", &["plan"])] {
        let path = format!("{}/{pure}/Cargo.toml", env!("CARGO_MANIFEST_DIR"));
        let manifest = std::fs::read_to_string(&path).unwrap_or_else(|cause| panic!("{path}: {cause}"));
        assert_eq!(own_dependencies(&manifest), uses, "{path}");
    }
    assert_eq!(
        own_dependencies("[dependencies]\nplan = { path = \"../plan\" }\njiff = \"0.2\""),
        ["plan"]
    );
}

/// The dependencies of a manifest that are crates of this workspace; those of its tests are not counted.
fn own_dependencies(manifest: &str) -> Vec<String> {
    let table: toml::Table = toml::from_str(manifest).expect("a manifest is TOML");
    let dependencies = table.get("dependencies").and_then(toml::Value::as_table);
    let paths = dependencies
        .into_iter()
        .flatten()
        .filter(|(_, how)| how.get("path").is_some());
    paths.map(|(name, _)| name.clone()).collect()
}

#[test]
fn no_file_is_longer_than_a_long_sitting() {
    hold(length, &sources(HOUSE));
}

#[test]
fn a_planted_long_file_is_caught() {
    assert_eq!(caught(length, "src/desk/case.rs", &"\n".repeat(FILE_LINES + 1)), 1);
    assert_eq!(caught(length, "src/desk/case.rs", &"\n".repeat(FILE_LINES)), 0);
}

#[test]
fn every_file_begins_with_what_it_promises() {
    hold(head_comment, &sources(HOUSE));
}

#[test]
fn a_planted_file_without_a_head_comment_is_caught() {
    assert_eq!(
        caught(head_comment, "src/desk/case.rs", "use std::fmt;\n//! too late"),
        1
    );
    assert_eq!(caught(head_comment, "src/desk/case.rs", "//! A case."), 0);
}

#[test]
fn every_name_says_something() {
    hold(names, &sources(HOUSE));
}

#[test]
fn a_planted_empty_name_is_caught() {
    assert_eq!(caught(names, "src/utils.rs", ""), 1);
    assert_eq!(caught(names, "tests/common/mod.rs", ""), 1);
    assert_eq!(
        caught(
            names,
            "src/desk/case.rs",
            "pub fn get_case() {} fn getting() { db.get_row() }"
        ),
        1
    );
}

#[test]
fn sql_stands_only_in_desk_and_store() {
    hold(sql, &sources(&["src"]));
}

#[test]
fn planted_sql_is_caught() {
    assert_eq!(caught(sql, "src/web/case.rs", "tx.query(\"SELECT id FROM cases\")"), 1);
    assert_eq!(
        caught(
            sql,
            "src/mail/send.rs",
            "let s = r#\"\n  INSERT\n INTO outbox\"#; \"DELETE FROM x\"; b\"UPDATE x\";"
        ),
        3
    );
    assert_eq!(caught(sql, "src/desk/case.rs", "\"SELECT 1\""), 0);
    assert_eq!(
        caught(
            sql,
            "src/web/case.rs",
            "\"Select a case\"; // SELECT x\n \"DELETED \"; \"UPDATE\""
        ),
        0
    );
}

#[test]
fn html_stands_only_in_web_and_in_composed_mail() {
    hold(html, &sources(&["src"]));
}

#[test]
fn planted_html_is_caught() {
    assert_eq!(
        caught(html, "src/desk/case.rs", "use maud::html; fn f() { html! { p { } } }"),
        2
    );
    assert_eq!(caught(html, "src/mail/compose.rs", "use maud::html;"), 0);
}

#[test]
fn only_the_edge_asks_the_time() {
    hold(
        wall_clock,
        &sources(&["src", "plan/src", "plan-check/src", "replay/src"]),
    );
    hold(
        stopwatch,
        &sources(&["src", "plan/src", "plan-check/src", "replay/src"]),
    );
}

#[test]
fn a_planted_question_for_the_time_is_caught() {
    let text = "let a = Timestamp::now(); let b = std::time::SystemTime::now(); let c = jiff::Zoned::now(); Clock::System.now();";
    assert_eq!(caught(wall_clock, "src/desk/case.rs", text), 4);
    assert_eq!(caught(wall_clock, "plan/src/calendar.rs", "Timestamp::now()"), 1);
    assert_eq!(caught(stopwatch, "src/desk/case.rs", "std::time::Instant::now()"), 1);
    assert_eq!(caught(wall_clock, "src/clock.rs", text), 0);
    assert_eq!(
        caught(
            wall_clock,
            "src/desk/case.rs",
            "#[cfg(test)] mod tests { fn f() { Timestamp::now(); } }"
        ),
        0
    );
}

#[test]
fn only_serve_spawns() {
    hold(spawning, &sources(&["src", "plan/src", "plan-check/src", "replay/src"]));
}

#[test]
fn a_planted_spawn_is_caught() {
    let text = "std::thread::spawn(f); tokio::spawn(f); tokio::task::spawn_blocking(f); thread::Builder::new();";
    assert_eq!(caught(spawning, "src/desk/case.rs", text), 4);
    assert_eq!(caught(spawning, "src/web/live.rs", "use tokio::task::JoinSet;"), 1);
    assert_eq!(caught(spawning, "src/serve.rs", text), 0);
    assert_eq!(
        caught(spawning, "src/served/mod.rs", text),
        4,
        "a place is a whole name"
    );
    assert_eq!(
        caught(spawning, "src/mail/send.rs", "Command::new(x).spawn()"),
        0,
        "a process is not a task"
    );
}

#[test]
fn only_the_terminal_prints() {
    hold(printing, &sources(&["src", "plan/src", "plan-check/src", "replay/src"]));
}

#[test]
fn a_planted_print_is_caught() {
    assert_eq!(
        caught(
            printing,
            "src/desk/case.rs",
            "println!(); eprintln!(\"x\"); dbg!(y); print(z);"
        ),
        3
    );
    assert_eq!(caught(printing, "src/cli/show.rs", "println!()"), 0);
}

#[test]
fn nothing_waits_inside_the_domain() {
    hold(waiting, &sources(&["src", "plan/src", "replay/src"]));
}

#[test]
fn a_planted_wait_is_caught() {
    assert_eq!(caught(waiting, "src/desk/case.rs", "async fn open() { tx.await; }"), 2);
    assert_eq!(
        caught(waiting, "src/mail/post.rs", "async fn send() {}"),
        0,
        "doors may wait"
    );
}
