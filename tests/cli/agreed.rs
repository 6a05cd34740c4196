//! Agreements, calendars, severity and nice at the command line, and clocks of other desks without one.

use crate::desk::{Desk, duly};
use serde_json::Value;

/// Writes a file into a folder and gives its path.
fn file(folder: &tempfile::TempDir, name: &str, text: &str) -> String {
    let path = folder.path().join(name);
    std::fs::write(&path, text).expect("written");
    path.to_str().expect("UTF-8").to_owned()
}

#[test]
fn an_agreement_is_entered_from_the_example_shown_and_amended() {
    let desk = Desk::open();
    let folder = tempfile::tempdir().expect("a folder");
    let example = desk.duly(&["agreement", "example"]).done();
    // Holds from now on: the example's days are of its own year.
    let example = example
        .lines()
        .filter(|line| !line.starts_with("from") && !line.starts_with("until"));
    let path = file(&folder, "northwind.toml", &example.collect::<Vec<_>>().join("\n"));
    let missing = desk.duly(&["agreement", "add", "Northwind", &path]).ends(3);
    assert!(missing.contains("no customer \"Northwind\""), "{missing}");
    desk.duly(&["customer", "add", "Northwind"]).done();
    let said = desk.duly(&["agreement", "add", "Northwind", &path]).done();
    assert!(
        said.starts_with("Agreement 2 with Northwind, version 1, holds from now."),
        "{said}"
    );
    let listed = desk.duly(&["agreement"]).done();
    assert!(listed.contains("2\tNorthwind\t1\tin force\t"), "{listed}");
    assert!(listed.contains("1\t(everybody else)\t1\tin force\t"), "{listed}");
    let said = desk
        .duly(&["agreement", "amend", "2", &path, "--from", "2099-01-01"])
        .done();
    assert!(said.contains("version 2, holds from"), "{said}");
    let shown = desk.duly(&["agreement", "show", "2"]).done();
    assert!(
        shown.contains("supersedes version 1")
            && shown.contains("severity 1 (stopped): first reply 1h, follow-up 2h (24x7)"),
        "{shown}"
    );
    let json = desk.duly(&["agreement", "show", "2", "--json"]).done();
    let versions: Vec<Value> = json
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    assert_eq!(
        (versions[0]["version"].as_i64(), versions[1]["in_force"].as_bool()),
        (Some(2), Some(true))
    );
    let bad = file(&folder, "bad.toml", "when_full = \"never\"\n");
    let said = desk.duly(&["agreement", "add", "Northwind", &bad]).ends(2);
    assert!(said.contains("line 1: unknown variant `never`"), "{said}");
}

#[test]
fn a_calendar_is_written_from_files_and_says_its_versions() {
    let desk = Desk::open();
    let folder = tempfile::tempdir().expect("a folder");
    let hours = file(
        &folder,
        "b.toml",
        "zone = \"Europe/Berlin\"\nhours = \"mon-fri 09:00-17:00\"\n",
    );
    let said = desk.duly(&["calendar", "set", "berlin", &hours]).done();
    assert!(
        said.starts_with("Calendar berlin has version 1: mon-fri 09:00-17:00 (Europe/Berlin)"),
        "{said}"
    );
    let ics =
        "BEGIN:VCALENDAR\nBEGIN:VEVENT\nDTSTART;VALUE=DATE:20251225\nRRULE:FREQ=YEARLY\nEND:VEVENT\nEND:VCALENDAR\n";
    let ics = file(&folder, "x.ics", ics);
    let said = desk.duly(&["calendar", "holidays", "berlin", &ics]).done();
    assert!(
        said.contains("has version 2") && said.contains("holidays are new"),
        "{said}"
    );
    let again = desk.duly(&["calendar", "holidays", "berlin", &ics]).ends(4);
    assert!(again.contains("stand in \"berlin\" already"), "{again}");
    let listed = desk.duly(&["calendar"]).done();
    assert!(
        listed.contains("berlin\t2\t") && listed.contains("24x7\t1\t") && listed.contains("desk\t1\t"),
        "{listed}"
    );
    let json: Value =
        serde_json::from_str(desk.duly(&["calendar", "show", "berlin", "--json"]).done().trim()).expect("JSON");
    assert!(
        json["calendar"]["holidays"]
            .as_array()
            .is_some_and(|days| days.len() > 5),
        "{json}"
    );
}

#[test]
fn severity_and_nice_are_set_with_a_reason_and_shown_by_ps() {
    let desk = Desk::open();
    let case = desk.mail("Slow", "It is slow.").to_string();
    let said = desk
        .anna(&["nice", &case, "-5", "--because", "their launch is tomorrow"])
        .done();
    assert!(said.contains("has nice -5"), "{said}");
    let listed = desk.duly(&["ps", "-o", "case,nice,severity"]).done();
    assert!(listed.contains(&format!("{case}\t-5\t3")), "{listed}");
    let said = desk.anna(&["severity", &case, "severe", "--because", "worse"]).done();
    assert!(said.contains("severity 2 (severe)"), "{said}");
    let why = desk.duly(&["promise", &case, "--why"]).done();
    assert!(
        why.contains("Everybody without an agreement of their own gets"),
        "{why}"
    );
    let why = desk
        .duly(&["promise", &case, "--why", "--language", "de", "--json"])
        .done();
    assert!(
        why.contains("Wer keine eigene Vereinbarung hat") && why.contains("\"zone_release\""),
        "{why}"
    );
    desk.duly(&["promise", &case, "--why", "--language", "tlh"]).ends(2);
}

#[test]
fn a_history_is_answered_as_a_table_and_as_json_without_a_desk() {
    let folder = tempfile::tempdir().expect("a folder");
    let events = "{\"case\":\"A-1\",\"at\":\"2026-03-02T08:00:00Z\",\"event\":\"customer\"}\n\
                  {\"case\":\"A-1\",\"at\":\"2026-03-02T09:30:00Z\",\"event\":\"reply\"}\n";
    let events = file(&folder, "old.jsonl", events);
    let hours = file(
        &folder,
        "b.toml",
        "zone = \"Europe/Berlin\"\nhours = \"mon-fri 09:00-17:00\"\n",
    );
    let ask = |more: &[&str]| {
        let words = [
            "due",
            "--history",
            &events,
            "--preset",
            "rt",
            "--next",
            "2h",
            "--calendar",
            &hours,
        ];
        duly(folder.path(), &[&words[..], more].concat())
    };
    let table = ask(&[]).done();
    assert!(table.starts_with("CASE\tCLOCK\tFROM\tDUE\tENDED\tSTATE\n"), "{table}");
    assert!(
        table.contains("A-1\tResponse\t") && table.trim_end().ends_with("\tkept"),
        "{table}"
    );
    let json: Value = serde_json::from_str(ask(&["--json"]).done().trim()).expect("JSON");
    assert_eq!(json["due"], "2026-03-02T10:00:00Z");
    assert!(ask(&["--pausing", "maybe"]).ends(2).contains("possible values"));
    let release = duly(folder.path(), &["due", "--zone-release"]).done();
    assert_eq!(release.trim(), plan::zone::release());
}
