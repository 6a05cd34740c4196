//! Making a desk, its settings, starting and stopping it.

use crate::desk::{DESK, Desk, duly, init, wait_for};
use duly::config::{KEYS, Kind};
use std::path::Path;

fn text(path: &Path) -> &str {
    path.to_str().expect("UTF-8")
}

fn serve(home: &Path, dir: &Path, more: &[&str], env: &[(&str, &str)]) -> crate::desk::Run {
    let args = [
        &[
            "serve",
            "--smtp",
            "127.0.0.1:0",
            "--http",
            "127.0.0.1:0",
            "--dir",
            text(dir),
        ],
        more,
    ]
    .concat();
    let mut command = crate::desk::program(crate::desk::DULY, home);
    let output = command.args(args).envs(env.iter().copied()).output();
    crate::desk::Run::of(output.expect("it runs"))
}

#[test]
fn init_takes_a_new_or_an_empty_folder_and_touches_no_other() {
    let home = tempfile::tempdir().expect("a folder");
    let new = home.path().join("deep/new");
    let said = init(home.path(), &new).done();
    assert!(said.contains("One-time secret (one use, 30 minutes):"), "{said}");
    assert!(said.contains(&format!("duly serve --dir {}", new.display())), "{said}");
    let said = init(home.path(), &new).ends(4);
    assert!(
        said.contains("There is a desk in ") && said.contains("Nothing was changed"),
        "{said}"
    );
    let empty = home.path().join("empty");
    std::fs::create_dir(&empty).expect("a folder");
    init(home.path(), &empty).done();
    let used = home.path().join("used");
    std::fs::create_dir(&used).expect("a folder");
    std::fs::write(used.join("letter"), "dear").expect("a file");
    let said = init(home.path(), &used).ends(4);
    assert!(said.contains("is not empty"), "{said}");
    assert_eq!(std::fs::read_dir(&used).expect("the folder").count(), 1);
    let said = init(home.path(), &used.join("letter")).ends(2);
    assert!(said.contains("is no folder for a desk"), "{said}");
}

#[test]
fn an_init_that_fails_leaves_nothing_and_can_be_done_again() {
    let home = tempfile::tempdir().expect("a folder");
    let dir = home.path().join("desk");
    for (flag, value, told) in [
        ("--zone", "Mars/Base", "Mars/Base"),
        ("--hours", "mon-fri 25:00-26:00", "25:00"),
        ("--address", "no address", "names no mail address"),
        ("--admin", "nobody", "is not a mail address"),
        ("--database", "postgres://nobody@127.0.0.1:1/x", ""),
    ] {
        let mut args = vec!["init", "--no-input", "--dir", text(&dir), flag, value];
        if flag != "--address" {
            args.extend(["--address", DESK]);
        }
        let run = duly(home.path(), &args);
        assert_ne!(run.code, 0, "{flag}: {run:?}");
        assert!(run.err.contains(told), "{flag}: {run:?}");
        assert!(!dir.exists(), "{flag} left something behind");
    }
    let said = duly(home.path(), &["init", "--no-input", "--dir", text(&dir)]).ends(2);
    assert!(said.contains("--address"), "{said}");
    init(home.path(), &dir).done();
}

#[test]
fn every_setting_can_be_set_in_the_environment_and_the_environment_wins() {
    let home = tempfile::tempdir().expect("a folder");
    let dir = home.path().join("desk");
    init(home.path(), &dir).done();
    // A value that no setting takes: whoever reads it says which setting it was.
    for key in KEYS {
        let name = format!("DULY_{}_{}", key.section, key.name).to_uppercase();
        let bad = match (key.section, key.name, key.kind) {
            (_, _, Kind::Flag) => "perhaps",
            ("desk", "name", _) | ("mail", "host" | "relay_login" | "lists", _) => continue,
            ("mail", "tls_certificate" | "tls_key" | "trust_authserv" | "dkim_selector", _) => continue,
            // Any file will do.
            ("ledger", "checkpoint_file", _) => continue,
            // Servers of one's own take any.
            ("files", "region", _) => continue,
            ("store", "database", _) => "postgres://nobody@127.0.0.1:1/x",
            _ => "nonsense",
        };
        let file = std::fs::read_to_string(dir.join("duly.toml")).expect("the settings");
        assert!(
            file.contains(&format!("\n{} = ", key.name)),
            "{name} is not in the file"
        );
        let mut args = vec!["serve", "--dir", text(&dir)];
        if !(key.section == "mail" && key.name == "smtp") {
            args.extend(["--smtp", "127.0.0.1:0"]);
        }
        if !(key.section == "web" && key.name == "http") {
            args.extend(["--http", "127.0.0.1:0"]);
        }
        let mut command = crate::desk::program(crate::desk::DULY, home.path());
        let output = command.args(args).env(&name, bad).output().expect("it runs");
        let run = crate::desk::Run::of(output);
        assert_ne!(run.code, 0, "{name}={bad} is taken: {run:?}");
        let named = [bad, key.name].iter().any(|word| run.err.contains(word)) || key.section == "store";
        assert!(named, "{name}: {run:?}");
    }
    // The same key in the file and in the environment.
    let path = dir.join("duly.toml");
    let file = std::fs::read_to_string(&path).expect("the settings");
    std::fs::write(&path, file.replace("unverified = \"hold\"", "unverified = \"often\"")).expect("written");
    let said = serve(home.path(), &dir, &[], &[("DULY_WEB_OPEN", "perhaps")]).ends(2);
    assert!(said.contains("web.open is true or false"), "{said}");
    let said = serve(home.path(), &dir, &[], &[("DULY_MAIL_UNVERIFIED", "never")]).ends(2);
    assert!(said.contains("not \"never\""), "the environment wins: {said}");
    let said = serve(home.path(), &dir, &[], &[]).ends(2);
    assert!(said.contains("not \"often\""), "{said}");
}

#[test]
fn a_broken_settings_file_is_named_with_the_place_in_it() {
    let home = tempfile::tempdir().expect("a folder");
    let dir = home.path().join("desk");
    init(home.path(), &dir).done();
    let path = dir.join("duly.toml");
    let good = std::fs::read_to_string(&path).expect("the settings");
    for (broken, told) in [
        (
            good.replace("relay = ", "relai = "),
            "there is no setting mail.relai. Settings of mail: smtp, host, relay",
        ),
        (good.replace("[web]", "[wep]"), "there is no setting wep.address"),
        (
            good.replace("open = false", "open = \"yes\""),
            "web.open is true or false",
        ),
        (good.replace("[desk]", "[desk"), "duly.toml: TOML parse error at line"),
        (format!("zone = \"UTC\"\n{good}"), "\"zone\" stands outside a section"),
        (good.replace("\"2h\", ", ""), "desk.targets is a list of four spans"),
        (
            good.replace("holidays = []", "holidays = [\"2026-02-30\"]"),
            "2026-02-30",
        ),
    ] {
        std::fs::write(&path, broken).expect("written");
        let said = serve(home.path(), &dir, &[], &[]).ends(2);
        assert!(said.contains(told), "{told}: {said}");
    }
    let said = serve(home.path(), &home.path().join("nothing"), &[], &[]).ends(2);
    assert!(
        said.contains("There is no desk in ") && said.contains("duly init --dir"),
        "{said}"
    );
}

#[test]
fn a_desk_runs_once_and_a_busy_port_is_named() {
    let desk = Desk::open();
    let home = desk.folder.path();
    let said = serve(home, &desk.dir(), &[], &[]).ends(4);
    assert!(
        said.contains("Another process") && said.contains("its promises are safe"),
        "{said}"
    );
    desk.duly(&["ps"]).done();
    let other = home.join("other");
    init(home, &other).done();
    for (flag, taken, key) in [("--smtp", &desk.smtp, "mail.smtp"), ("--http", &desk.http, "web.http")] {
        let mut args = vec!["serve", "--dir", text(&other), flag, taken];
        args.extend(match flag {
            "--smtp" => ["--http", "127.0.0.1:0"],
            _ => ["--smtp", "127.0.0.1:0"],
        });
        let said = duly(home, &args).ends(2);
        assert!(
            said.contains(&format!("{key} = \"{taken}\" cannot be listened on: ")),
            "{said}"
        );
    }
    let said = duly(home, &["demo", "--http", &desk.http, "--smtp", "127.0.0.1:0"]).ends(2);
    assert!(
        said.contains("--http") && !said.contains("Making a desk"),
        "before the desk is filled: {said}"
    );
}

#[test]
fn a_desk_that_is_ended_ends_well_and_knows_everything_when_it_starts_again() {
    let mut desk = Desk::open();
    let case = desk.mail("Before", "x");
    assert_eq!(desk.stop(), Some(0), "SIGTERM is a clean end");
    let said = desk.duly(&["ps"]).ends(1);
    assert!(said.contains("No desk is running in "), "{said}");
    assert!(said.contains("duly serve --dir"), "{said}");
    desk.start(&[("DULY_MAIL_UNVERIFIED", "schedule")]);
    let rows = desk.duly(&["ps", "--json"]).json();
    assert_eq!(rows[0]["case"], case);
    desk.mail("After", "x");
    wait_for("both acknowledgements", || (desk.sink.taken().len() == 2).then_some(()));
}
