//! R9: due times, held against an oracle that shares nothing with the program: a walk over windows with Python's zoneinfo and
//! the same release of the zone database, over all zones, 2000 to 2045, random calendars and pauses; and a naive walk over
//! every single minute. Equal to the second, every one.
//!
//! `scripts/with-tzdata` gives the Python; without it the campaign says that it looked at nothing, and in CI it fails.
//! `DULY_TORTURE_DUE` is how many (100,000); in soak as many as its minutes hold, ten million at most.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

/// Cases that the oracle makes at once.
const ROUND: u64 = 25_000;
/// Of a run, so many in ten thousand are walked minute by minute: 10^4 of 10^5.
const BY_MINUTE: u64 = 10_000;
/// All that a soak is asked for.
const MOST: u64 = 10_000_000;

fn python() -> Option<PathBuf> {
    let named = std::env::var_os("DULY_TEST_TZDATA").map(PathBuf::from);
    if named.is_none() {
        assert!(
            std::env::var_os("CI").is_none(),
            "run this with scripts/with-tzdata: in CI the oracle must be there"
        );
        eprintln!("time: no DULY_TEST_TZDATA, so no due time was compared (scripts/with-tzdata)");
    }
    named
}

fn oracle(python: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(python);
    // Empty: the machine's own zone files, of another release, are not looked at.
    command.env("PYTHONTZPATH", "");
    command
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/oracle/due.py"))
        .args(arguments);
    command
}

fn text_of(command: &mut Command) -> String {
    let output = command.output().expect("it runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {said}");
    String::from_utf8(output.stdout).expect("text")
}

/// Makes cases, asks the program, and compares line by line; how many were compared.
fn round(python: &Path, folder: &Path, how: &str, seed: u64, count: u64) -> u64 {
    let (cases, wanted) = (
        folder.join(format!("{how}-{seed}.jsonl")),
        folder.join(format!("{how}-{seed}.wanted")),
    );
    let (seed_text, count_text) = (seed.to_string(), count.to_string());
    let (cases_text, wanted_text) = (cases.to_string_lossy(), wanted.to_string_lossy());
    text_of(&mut oracle(
        python,
        &[how, &seed_text, &count_text, &cases_text, &wanted_text],
    ));
    let said = text_of(
        Command::new(torture::desk::program().expect("the program"))
            .args(["due", "--cases"])
            .arg(&cases),
    );
    let mut lines = said.lines();
    let mut compared = 0;
    let question = |number: u64| {
        let file = BufReader::new(fs::File::open(&cases).expect("the cases"));
        file.lines()
            .nth(number as usize)
            .and_then(Result::ok)
            .unwrap_or_default()
    };
    for want in fs::read_to_string(&wanted).expect("what is wanted").lines() {
        let line = lines.next().unwrap_or("no answer");
        let answer: serde_json::Value = serde_json::from_str(line).unwrap_or_default();
        let equal = match want {
            "refused" => answer["refused"].is_string(),
            due => answer["due"] == due,
        };
        assert!(
            equal,
            "{how}, seed {seed}: {line}, the oracle says {want}: {}",
            question(compared)
        );
        assert_eq!(answer["id"], compared);
        compared += 1;
    }
    assert_eq!((compared, lines.next()), (count, None));
    fs::remove_file(&cases).and(fs::remove_file(&wanted)).expect("removed");
    compared
}

/// Two rounds at a time: the oracle is what takes the time.
fn rounds(python: &Path, folder: &Path, how: &'static str, seed: u64, count: u64, until: Option<Instant>) -> u64 {
    let work = |first: u64| {
        let mut done = 0;
        for number in (first..count.div_ceil(ROUND)).step_by(2) {
            if until.is_some_and(|until| Instant::now() >= until) {
                break;
            }
            let size = ROUND.min(count - number * ROUND);
            done += round(python, folder, how, seed.wrapping_add(number), size);
        }
        done
    };
    std::thread::scope(|scope| {
        let other = scope.spawn(|| work(1));
        let own = work(0);
        own + other.join().expect("every round is equal")
    })
}

#[test]
fn due_times_are_those_of_an_independent_walk_to_the_second() {
    let Some(python) = python() else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let release = text_of(Command::new(torture::desk::program().expect("the program")).args(["due", "--zone-release"]));
    let theirs = text_of(&mut oracle(&python, &["release"]));
    assert_eq!(
        release.trim(),
        theirs.trim(),
        "both must ask the same release of the zone database"
    );
    let seed = torture::number("DULY_TORTURE_SEED", 20_260_302);
    let minutes = torture::number("DULY_TORTURE_MINUTES", 0);
    let began = Instant::now();
    let until = (minutes > 0).then(|| began + Duration::from_secs(minutes * 60));
    let usual = if minutes > 0 { MOST } else { 100_000 };
    let count = torture::number("DULY_TORTURE_DUE", usual);
    println!("time: seed {seed}");
    let by_minute = rounds(&python, folder.path(), "minutes", seed, BY_MINUTE.min(count), None);
    let by_windows = rounds(&python, folder.path(), "windows", seed, count, until);
    assert!(by_windows > 0 && by_minute > 0, "something was compared");
    println!(
        "{{\"campaign\":\"time\",\"seed\":{seed},\"release\":\"{}\",\"windows\":{by_windows},\"minutes\":{by_minute},\"seconds\":{}}}",
        release.trim(),
        began.elapsed().as_secs()
    );
}
