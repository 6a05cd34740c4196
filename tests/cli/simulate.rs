//! `duly simulate`: the keys that scripts rely on, the table, the picture, a lead's own rota, and files that are no trace.

use crate::desk::{Desk, duly};
use std::path::Path;

/// Two hundred cases over a month: forty minutes each, a second mail in every fifth.
fn trace() -> String {
    let mut text = "case,turn,arrival,last_event,work_min,lane\n".to_owned();
    for case in 0..200 {
        let (day, hour, minute) = (1 + case % 28, 8 + case % 9, case * 7 % 60);
        text += &format!(
            "c{case},0,2024-04-{day:02}T{hour:02}:{minute:02}:00,x,{}.5,\n",
            5 + case * 13 % 70
        );
        if case % 5 == 0 {
            text += &format!("c{case},1,2024-04-{day:02}T17:{minute:02}:00,x,20,\n");
        }
    }
    text
}

fn written(home: &Path, name: &str, bytes: impl AsRef<[u8]>) -> String {
    let path = home.join(name);
    std::fs::write(&path, bytes).expect("written");
    path.to_str().expect("UTF-8").to_owned()
}

#[test]
fn the_last_line_has_the_keys_that_scripts_rely_on() {
    let home = tempfile::tempdir().expect("a folder");
    let turns = written(home.path(), "turns.csv", trace());
    let words = |policy| {
        let more = [
            "--engineers",
            "4",
            "--load",
            "0.7",
            "--seed",
            "7",
            "--sickness",
            "0.03",
            "--blocking",
            "0.3",
        ];
        let mut words = vec!["simulate", "--turns", &turns, "--policy", policy, "--json"];
        words.extend(more);
        duly(home.path(), &words).done()
    };
    let said = words("duly");
    let last: serde_json::Value = serde_json::from_str(said.lines().last().expect("a line")).expect("JSON");
    for key in [
        "promises",
        "kept",
        "broken",
        "max_late_minutes",
        "moved_share",
        "mean_move_hours",
        "findings_share",
        "length_p50_hours",
        "length_p90_hours",
        "switches_per_day",
    ] {
        assert!(last[key].is_number(), "{key}: {said}");
    }
    let count = |key: &str| last[key].as_u64().expect("a count");
    assert_eq!(last["policy"], "duly");
    assert!(count("promises") > 100, "{said}");
    assert_eq!(count("kept") + count("broken"), count("promises"), "{said}");
    assert_eq!(said, words("duly"), "a seed gives the same figures");
    assert!(words("push-severity").contains("\"policy\":\"push-severity\""));
}

#[test]
fn all_policies_stand_side_by_side_and_in_a_picture() {
    let home = tempfile::tempdir().expect("a folder");
    let turns = written(home.path(), "turns.csv", trace());
    let picture = home.path().join("kept.svg");
    let picture = picture.to_str().expect("UTF-8");
    let words = [
        "simulate",
        "--turns",
        &turns,
        "--policy",
        "all",
        "--engineers",
        "4",
        "--svg",
        picture,
    ];
    let said = duly(home.path(), &words).done();
    for policy in [
        "duly",
        "push-fifo",
        "push-severity",
        "fifo",
        "severity",
        "target",
        "round-robin",
        "edf",
        "edf-lazy",
    ] {
        assert!(
            said.lines().any(|line| line.starts_with(&format!("{policy} "))),
            "{policy}: {said}"
        );
    }
    let svg = std::fs::read_to_string(picture).expect("a picture");
    assert!(
        svg.starts_with("<svg ") && svg.contains("<title id=\"title\">") && svg.contains("<desc id=\"desc\">"),
        "{svg}"
    );
    assert!(
        svg.contains("prefers-color-scheme:dark") && svg.trim_end().ends_with("</svg>"),
        "{svg}"
    );
}

#[test]
fn a_lead_tries_a_rota_and_is_told_what_is_wrong_with_one() {
    let home = tempfile::tempdir().expect("a folder");
    let turns = written(home.path(), "turns.csv", trace());
    let try_rota = |text: &str| {
        let rota = written(home.path(), "rota.toml", text);
        duly(
            home.path(),
            &["simulate", "--turns", &turns, "--rota", &rota, "--load", "0.5"],
        )
    };
    let engineer = |name: &str, lanes: &str| {
        format!(
            "[[engineer]]\nname = \"{name}\"\nzone = \"Europe/Berlin\"\nhours = \"mon-fri 09:00-12:30 13:00-17:00\"\nlanes = [{lanes}]\n"
        )
    };
    let head = "begins = \"2026-12-07\"\nzone = \"Europe/Berlin\"\n[lanes]\nstorage = 25\n";
    let good = format!(
        "{head}{}{}leave = [\"2026-12-21/2026-12-31\"]\n",
        engineer("Anna", "\"storage\""),
        engineer("Li", "")
    );
    assert!(try_rota(&good).done().starts_with("policy"));
    let nobody = format!("{head}{}", engineer("Li", ""));
    let said = try_rota(&nobody).ends(2);
    assert!(said.contains("no engineer has the lane \"storage\""), "{said}");
    let said = try_rota(&good.replace("2026-12-07", "2026-12-08")).ends(2);
    assert!(said.contains("which is no Monday"), "{said}");
    let said = try_rota(&good.replace("09:00-12:30", "09:00-12:75")).ends(2);
    assert!(said.contains("12:75"), "{said}");
    let said = try_rota("nonsense").ends(2);
    assert!(said.contains("rota.toml"), "{said}");
}

#[test]
fn a_file_that_is_no_trace_is_refused_by_line_and_column() {
    let home = tempfile::tempdir().expect("a folder");
    let refused = |bytes: &[u8]| {
        let turns = written(home.path(), "turns.csv", bytes);
        duly(home.path(), &["simulate", "--turns", &turns, "--json"]).ends(2)
    };
    let said = refused(b"case,turn,arrival\n");
    assert!(said.contains("line 1: there is no column \"work_min\""), "{said}");
    let said = refused(b"case,turn,arrival,work_min\nc,0,2024-04-01T09:00:00,3\nc,1,yesterday,3\n");
    assert!(
        said.contains("line 3, column arrival: \"yesterday\" is no time"),
        "{said}"
    );
    let said = refused(b"case,turn,arrival,work_min\nc,0,2024-04-01T09:00:00,-3\n");
    assert!(said.contains("line 2, column work_min"), "{said}");
    let said = refused(b"");
    assert!(said.contains("line 1"), "{said}");
    let turns = written(home.path(), "turns.csv", trace());
    for (option, value) in [
        ("--load", "-1"),
        ("--load", "nan"),
        ("--sickness", "1.5"),
        ("--blocking", "2"),
        ("--engineers", "0"),
    ] {
        let option_value = format!("{option}={value}");
        let said = duly(home.path(), &["simulate", "--turns", &turns, &option_value]).ends(2);
        assert!(!said.is_empty(), "{option_value}");
    }
}

#[test]
fn a_desk_without_a_past_says_that_there_is_nothing_to_live_again() {
    let desk = Desk::open();
    assert_eq!(desk.duly(&["history"]).done(), "case,turn,arrival,work_min\n");
    let said = desk.duly(&["simulate"]).ends(2);
    assert!(
        said.contains("has answered 0 mails") && said.contains("no history to live again"),
        "{said}"
    );
    let home = tempfile::tempdir().expect("a folder");
    let said = duly(home.path(), &["simulate"]).ends(2);
    assert!(said.contains("--turns FILE") && said.contains("--dir DIR"), "{said}");
}
