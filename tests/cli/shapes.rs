//! What scripts rely on: keys of JSON, plain lines in a pipe, flags before and after the verb, exit codes.

use crate::desk::{ANNA, Desk, duly, wait_for};
use duly::refusal::Kind;
use serde_json::Value;
use std::io::Read;
use std::process::Stdio;

/// Whether every key stands once in each object of a JSON text: a reader of JSON takes the last, and says nothing.
fn keys_stand_once(text: &str) -> bool {
    let (mut open, mut keys, mut string, mut escaped, mut word) = (Vec::new(), Vec::new(), false, false, String::new());
    let mut last = String::new();
    for one in text.chars() {
        match one {
            _ if escaped => {
                escaped = false;
                word.push(one);
            }
            '\\' if string => escaped = true,
            '"' if string => {
                string = false;
                last = std::mem::take(&mut word);
            }
            '"' => string = true,
            _ if string => word.push(one),
            ':' => {
                let level: &mut Vec<String> = keys.last_mut().expect("a key stands in an object");
                if level.contains(&last) {
                    return false;
                }
                level.push(std::mem::take(&mut last));
            }
            '{' => {
                open.push(one);
                keys.push(Vec::new());
            }
            '}' => {
                open.pop();
                keys.pop();
            }
            _ => {}
        }
    }
    open.is_empty()
}

fn keys(value: &Value) -> Vec<&str> {
    value
        .as_object()
        .expect("an object")
        .keys()
        .map(String::as_str)
        .collect()
}

#[test]
fn a_key_that_stands_twice_is_noticed() {
    assert!(keys_stand_once(r#"{"a":{"a":"\"a\":"},"b":[{"a":1}]}"#));
    assert!(!keys_stand_once(r#"{"a":1,"b":{"c":1,"c":2}}"#));
}

#[test]
fn json_has_the_keys_that_were_promised_each_once() {
    let desk = Desk::open();
    let case = desk.mail("Disk full", "It says: no space left.").to_string();
    let rows = [
        (
            "ps",
            vec!["ps", "--json"],
            vec!["case", "state", "reply_by", "owner", "customer", "subject"],
        ),
        (
            "next",
            vec!["--as", ANNA, "next", "--json"],
            vec!["case", "reply_by", "why"],
        ),
        (
            "show",
            vec!["show", &case, "--json"],
            vec!["case", "state", "promises", "messages", "people"],
        ),
        (
            "log",
            vec!["log", "-a", "--json"],
            vec!["case", "message_id", "at", "kind", "from", "matched_by"],
        ),
        (
            "ledger",
            vec!["ledger", "--json"],
            vec!["case", "made", "due", "state", "settled_at", "by"],
        ),
        (
            "promise",
            vec!["promise", &case, "--json"],
            vec!["case", "made", "due", "state", "settled_at", "by"],
        ),
        (
            "grep",
            vec!["grep", "space", "--json"],
            vec!["case", "message", "at", "from", "line"],
        ),
        (
            "cpu",
            vec!["cpu", "--json"],
            vec!["name", "address", "zone", "hours", "role", "on_duty"],
        ),
        ("customer", vec!["customer", "--json"], vec!["customer", "name"]),
        (
            "contact",
            vec!["contact", "--json"],
            vec!["contact", "name", "addresses", "customer"],
        ),
        (
            "note",
            vec!["--as", ANNA, "note", &case, "-m", "seen", "--json"],
            vec!["case", "said", "message"],
        ),
        (
            "verify",
            vec!["ledger", "--verify", "--json"],
            vec!["entries", "root", "said"],
        ),
        (
            "reply",
            vec!["--as", ANNA, "reply", &case, "-m", "Free some.", "--json"],
            vec!["case", "message", "message_id", "leaves_at", "keeps"],
        ),
        (
            "undo",
            vec!["--as", ANNA, "undo", "--json"],
            vec!["case", "said", "text"],
        ),
        (
            "wait",
            vec![
                "--as",
                ANNA,
                "wait",
                &case,
                "lab",
                "+3h",
                "--because",
                "it is built",
                "--json",
            ],
            vec!["case", "said"],
        ),
    ];
    for (name, args, wanted) in rows {
        let out = desk.duly(&args).done();
        assert!(!out.is_empty(), "{name} says nothing");
        for line in out.lines() {
            assert!(keys_stand_once(line), "{name}: {line}");
            let value: Value = serde_json::from_str(line).unwrap_or_else(|cause| panic!("{name}: {cause}: {line}"));
            for key in &wanted {
                assert!(keys(&value).contains(key), "{name} without {key}: {line}");
            }
        }
    }
    let row = &desk.duly(&["ps", "-a", "--json"]).json()[0];
    assert_eq!(
        keys(row)[..6],
        ["case", "state", "reply_by", "owner", "customer", "subject"]
    );
    assert_eq!(row["state"], "blocked");
    let due = row["reply_by"].as_str().expect("a promise is open");
    assert!(due.parse::<jiff::Timestamp>().is_ok(), "{due}");
    let log = desk.duly(&["log", "-a", "--json"]).json();
    let mail = log
        .iter()
        .find(|row| row["kind"] == "mail.in")
        .expect("the mail came in");
    assert_eq!(
        (&mail["from"], &mail["matched_by"]),
        (&"priya@n.example".into(), &"new".into())
    );
    assert_eq!(mail["schema"], "duly.log/1");
}

#[test]
fn a_pipe_gets_plain_lines_with_tabs() {
    let desk = Desk::open();
    desk.mail("Tabs\tand \u{1b}[31mcolours", "x");
    let out = desk.duly(&["ps"]).done();
    let lines: Vec<&str> = out.lines().collect();
    assert_eq!(lines.len(), 2, "a heading and a case, no foot: {out}");
    let columns = "CASE\tST\tNI\tREPLY BY\tLEFT\tWHO\tCUSTOMER\tSUBJECT";
    assert_eq!(lines[0], columns);
    assert_eq!(lines[1].matches('\t').count(), columns.matches('\t').count(), "{out}");
    assert!(!out.contains('\u{1b}'), "{out:?}");
    let out = desk.duly(&["ps", "-o", "case,subject,state"]).done();
    assert!(out.starts_with("CASE\tSUBJECT\tSTATE\n1\t"), "{out}");
}

#[test]
fn eyes_get_columns_and_a_foot_and_ears_get_sentences() {
    let desk = Desk::open();
    desk.mail(
        &"A long subject that no terminal of eighty columns holds ".repeat(3),
        "x",
    );
    let seen = desk.on_a_terminal("stty cols 80; duly ps", &[]);
    let lines: Vec<&str> = seen.out.lines().collect();
    assert_eq!(lines.len(), 4, "{seen:?}");
    assert!(lines[0].contains("\u{1b}[1mCASE"), "the heading is bold: {seen:?}");
    assert!(lines.iter().all(|line| line.chars().count() <= 90), "{seen:?}");
    assert!(
        lines[2].starts_with("1 case, 1 ours, 0 at risk; 0 due within the hour with nobody on it."),
        "{seen:?}"
    );
    assert!(lines[3].starts_with("Q ready"), "what the letters mean: {seen:?}");
    for (line, env) in [
        ("duly ps", ("NO_COLOR", "1")),
        ("duly ps --color never", ("TERM", "xterm")),
    ] {
        let seen = desk.on_a_terminal(line, &[env]);
        assert!(!seen.out.contains('\u{1b}'), "{seen:?}");
    }
    let heard = desk.duly(&["ps", "--accessible"]).done();
    assert!(heard.starts_with("Case 1, state ready, "), "{heard}");
    assert!(heard.lines().next().is_some_and(|line| line.ends_with('.')), "{heard}");
}

#[test]
fn times_are_said_in_the_zone_of_whoever_asks() {
    let desk = Desk::open();
    desk.mail("When?", "x");
    let hours = ["--zone", "Asia/Tokyo", "--hours", "mon-sun 00:00-24:00"];
    desk.duly(&[&["cpu", "add", "li@acme.example", "--name", "Li"], &hours[..]].concat())
        .done();
    let berlin = desk.duly(&["ps"]).done();
    assert!(
        berlin.contains(" CET\t") || berlin.contains(" CEST\t"),
        "the desk's zone: {berlin}"
    );
    let tokyo = desk.duly(&["--as", "li", "ps"]).done();
    assert!(tokyo.contains(" JST\t"), "the engineer's zone: {tokyo}");
}

#[test]
fn dir_and_as_stand_before_or_after_the_verb_and_the_environment_names_a_desk() {
    let desk = Desk::open();
    let case = desk.mail("Where?", "x").to_string();
    let dir = desk.dir();
    let dir = dir.to_str().expect("UTF-8");
    for args in [
        ["--dir", dir, "--as", ANNA, "note", &case, "-m", "x"],
        ["note", &case, "-m", "x", "--dir", dir, "--as", ANNA],
        ["--as", "anna", "note", "--dir", dir, &case, "-m", "x"],
    ] {
        duly(desk.folder.path(), &args).done();
    }
    desk.duly(&["ps"]).done();
    let said = duly(desk.folder.path(), &["ps"]).ends(2);
    assert!(said.contains("--dir DIR, or DULY_DIR"), "{said}");
}

#[test]
fn each_exit_code_means_what_the_help_says() {
    let desk = Desk::open();
    let nowhere = desk.folder.path().join("nowhere");
    let nowhere = nowhere.to_str().expect("UTF-8");
    desk.duly(&["ps"]).ends(0);
    desk.duly(&["ps", "--dir", nowhere]).ends(1);
    desk.duly(&["ps", "--nonsense"]).ends(2);
    desk.duly(&["show", "999"]).ends(3);
    let said = desk.anna(&["next"]).ends(7);
    assert!(said.contains("Nothing needs you now"), "{said}");
    let case = desk.mail("Conflict", "x").to_string();
    let said = desk.duly(&["close", &case]).ends(4);
    assert!(
        said.starts_with("duly: conflict: ") && said.contains("owes the customer a reply by"),
        "{said}"
    );
    assert!(said.contains(" UTC"), "a time has its zone: {said}");
    let secret = desk.duly(&["token", "make", ANNA]).done();
    let token = desk.typed(&["token", "claim"], secret.as_bytes()).done();
    let mut command = desk.command(&["spool", "hold"]);
    let refused = command.env("DULY_TOKEN", token.trim()).output().expect("it runs");
    assert_eq!(refused.status.code(), Some(6));
    // Nothing is scheduled yet and nothing is delivered by hand, so nobody hears these two; their numbers are taken.
    assert_eq!((Kind::Dishonest.exit_code(), Kind::Mail.exit_code()), (5, 8));
}

#[test]
fn a_reader_that_has_seen_enough_is_no_failure() {
    let desk = Desk::open();
    desk.mail("Enough", "x");
    for args in [
        &["log", "-a", "--json"][..],
        &["log", "-a"],
        &["completions", "bash"],
        &["cpu", "add", "--help"],
    ] {
        let mut command = desk.command(args);
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("it runs");
        drop(child.stdout.take());
        let mut said = String::new();
        let mut err = child.stderr.take().expect("a pipe");
        err.read_to_string(&mut said).expect("text");
        let code = child.wait().expect("it ends").code();
        assert!(
            !said.contains("panicked") && !said.contains("Broken pipe"),
            "{args:?}: {said}"
        );
        assert!(code == Some(0) || args.contains(&"--help"), "{args:?}: {code:?} {said}");
    }
}

#[test]
fn a_promise_is_kept_and_the_ledger_says_by_whom() {
    let desk = Desk::open();
    let case = desk.mail("Kept", "Which version has the fix?").to_string();
    let taken = desk.anna(&["next", "--json"]).json();
    assert_eq!(taken[0]["case"].to_string(), case);
    let said = desk
        .typed(
            &["--as", ANNA, "reply", &case, "-f", "-", "--then", "close"],
            b"Version 4.2 has it.\n",
        )
        .done();
    assert!(
        said.contains("closes as answered once this is delivered to priya@n.example"),
        "{said}"
    );
    assert!(said.contains("held 10 s"), "{said}");
    let kept = wait_for("the promise to be kept", || {
        let rows = desk.duly(&["ledger", &case, "--json"]).json();
        (rows[0]["state"] == "kept").then(|| rows[0].clone())
    });
    assert_eq!(kept["by"], "Anna Keller");
    let row = &desk.duly(&["ps", "-a", "--json"]).json()[0];
    assert_eq!((&row["state"], &row["reply_by"]), (&"closed".into(), &Value::Null));
    let shown = desk.duly(&["show", &case]).done();
    assert!(shown.contains("accepted by 127.0.0.1 at "), "{shown}");
    let sent = desk.sink.taken();
    let mails: Vec<String> = sent
        .iter()
        .map(|mail| String::from_utf8_lossy(&mail.raw).into_owned())
        .collect();
    assert_eq!(mails.len(), 2, "an acknowledgement and a reply");
    assert!(mails[0].contains("Auto-Submitted: auto-replied\r\n"), "{}", mails[0]);
    assert!(
        mails[1].contains("Version 4.2 has it.") && !mails[1].contains("Auto-Submitted"),
        "{}",
        mails[1]
    );
    let verified = desk.duly(&["ledger", "--verify"]).done();
    assert!(verified.starts_with("The ledger is whole: "), "{verified}");
}

#[test]
fn what_is_missing_is_said_by_its_name() {
    let desk = Desk::open();
    let said = desk.anna(&["skip"]).ends(2);
    assert!(!said.contains("--dir <DIR>") && said.contains("<REASON>"), "{said}");
    let case = desk.mail("A file", "x").to_string();
    for (args, words) in [
        (
            vec!["reply", case.as_str(), "-f", "no/such/file.md"],
            "no/such/file.md: The words cannot be read",
        ),
        (vec!["note", case.as_str(), "-f", "/"], "/: The words cannot be read"),
        (
            vec!["contact", "key", ANNA, "no-key.asc"],
            "no-key.asc: It cannot be read",
        ),
        (
            vec!["contact", "key", ANNA, "/dev/null"],
            "/dev/null: It holds neither an OpenPGP key",
        ),
        (vec!["contact", "key", ANNA], "FILE"),
        (
            vec!["contact", "key", "nobody@n.example", "--remove"],
            "no contact with the address nobody@n.example",
        ),
    ] {
        let run = desk.duly(&args);
        assert!(run.err.contains(words), "{args:?}: {run:?}");
    }
}

#[test]
fn a_search_says_what_it_does_not_show() {
    let desk = Desk::open();
    for number in 0..3 {
        desk.mail(&format!("Question {number}"), "The daemon stops.");
    }
    let run = desk.duly(&["grep", "daemon", "-n", "1"]);
    assert_eq!(run.out.lines().count(), 2, "{run:?}");
    assert!(
        run.err.starts_with("2 older ones found and not shown: `-n 3`"),
        "{run:?}"
    );
    assert_eq!(desk.duly(&["grep", "daemon"]).err, "");
}
