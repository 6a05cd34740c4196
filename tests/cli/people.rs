//! Who may do what: the owner of the data directory, engineers with tokens, everybody else.

use crate::desk::{ANNA, DULY, Desk, Run, init, program};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;

const LI: [&str; 9] = [
    "cpu",
    "add",
    "li@acme.example",
    "--name",
    "Li",
    "--zone",
    "UTC",
    "--hours",
    "mon-fri 09:00-17:00",
];

fn claimed(desk: &Desk, secret: &str) -> Run {
    desk.typed(&["token", "claim"], secret.as_bytes())
}

fn with_token(desk: &Desk, token: &str, args: &[&str]) -> Run {
    let mut command = desk.command(args);
    Run::of(command.env("DULY_TOKEN", token.trim()).output().expect("it runs"))
}

#[test]
fn there_is_no_default_password_and_a_secret_is_good_for_one_claim() {
    let desk = Desk::open();
    let secrets: Vec<&str> = desk
        .made
        .split_whitespace()
        .filter(|word| word.starts_with("duly_claim_"))
        .collect();
    assert_eq!(secrets.len(), 1, "{}", desk.made);
    assert_eq!(secrets[0].len(), "duly_claim_".len() + 52, "256 bits: {}", secrets[0]);
    let token = claimed(&desk, secrets[0]).done();
    assert!(token.starts_with("duly_token_"), "{token}");
    let said = claimed(&desk, secrets[0]).ends(6);
    assert!(said.contains("This secret is not valid: it was used"), "{said}");
    let other = tempfile::tempdir().expect("a folder");
    let made = init(other.path(), &other.path().join("desk")).done();
    assert!(!made.contains(secrets[0]), "every desk has its own");
    with_token(&desk, &token, &LI).done();
}

#[test]
fn an_engineers_token_speaks_for_that_engineer_only() {
    let desk = Desk::open();
    let case = desk.mail("Who?", "x").to_string();
    let secret = desk.duly(&["token", "make", ANNA]).done();
    let secret = secret.lines().next().expect("a secret");
    let token = claimed(&desk, secret).done();
    let said = with_token(&desk, &token, &LI).ends(6);
    assert!(
        said.starts_with("duly: not allowed: Only leads, administrators"),
        "{said}"
    );
    let list = desk.duly(&["cpu"]).done();
    assert!(!list.contains("li@acme.example"), "{list}");
    for act in [
        vec!["customer", "add", "Northwind"],
        vec!["contact", "add", "p@n.example", "--name", "P", "--customer", "1"],
        vec!["token", "make", ANNA],
        vec!["spool", "hold"],
        vec!["spool", "release", "all"],
    ] {
        with_token(&desk, &token, &act).ends(6);
    }
    with_token(&desk, &token, &["note", &case, "-m", "mine"]).done();
    with_token(&desk, &token, &["note", &case, "-m", "mine", "--as", ANNA]).done();
    desk.duly(&LI).done();
    let said = with_token(&desk, &token, &["next", "--as", "li@acme.example"]).ends(6);
    assert!(said.contains("A token speaks for its own engineer only"), "{said}");
    let said = with_token(&desk, "duly_token_guessed", &["ps"]).ends(6);
    assert!(said.contains("This token is not valid"), "{said}");
    assert!(
        desk.duly(&["show", &case])
            .done()
            .contains("Anna Keller <anna@acme.example> · note")
    );
}

#[test]
fn a_claimed_token_is_kept_for_the_person_and_an_owner_may_still_act_as_anybody() {
    let desk = Desk::open();
    desk.duly(&LI).done();
    let secret = desk.duly(&["token", "make", ANNA]).done();
    let secret = secret.lines().next().expect("a secret");
    let said = desk.on_a_terminal(&format!("echo {secret} | duly token claim"), &[]);
    assert!(said.out.contains("The token is kept in "), "{said:?}");
    let kept = desk.folder.path().join("config/duly/token");
    let mode = std::fs::metadata(&kept).expect("the token").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    // Without --as the kept token says who asks.
    desk.duly(&["next"]).ends(7);
    desk.duly(&["next", "--as", "li"]).ends(7);
}

#[test]
fn another_user_of_the_machine_needs_a_token() {
    if rustix::process::geteuid().as_raw() != 0 {
        println!("only root can become somebody else: this is not checked here");
        return;
    }
    let desk = Desk::open();
    let open = |path: &std::path::Path, mode| {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).expect("permissions");
    };
    // A place that nobody reaches, the program with it.
    let own = desk.folder.path().join("duly");
    std::fs::copy(DULY, &own).expect("a copy of the program");
    open(&own, 0o755);
    open(desk.folder.path(), 0o755);
    let as_nobody = |args: &[&str], token: &str| {
        let mut command = program(&own, std::path::Path::new("/nonexistent"));
        command
            .args(args)
            .env("DULY_DIR", desk.dir())
            .env("DULY_TOKEN", token)
            .uid(65_534)
            .gid(65_534);
        Run::of(command.output().expect("it runs"))
    };
    let said = as_nobody(&["ps"], "").ends(6);
    assert!(said.contains("chmod 711"), "the folder is its owner's alone: {said}");
    open(&desk.dir(), 0o711);
    let said = as_nobody(&["ps"], "").ends(6);
    assert!(
        said.contains("Only the owner of the data directory may ask without a token"),
        "{said}"
    );
    let said = as_nobody(&["ps", "--as", ANNA], "").ends(6);
    assert!(said.contains("without a token"), "{said}");
    let secret = desk.duly(&["token", "make", ANNA]).done();
    let token = claimed(&desk, secret.lines().next().expect("a secret")).done();
    as_nobody(&["ps"], token.trim()).done();
    for file in ["duly.db", "duly.key", "duly.toml"] {
        let mode = std::fs::metadata(desk.dir().join(file))
            .expect("a file")
            .permissions()
            .mode();
        assert_eq!(mode & 0o077, 0, "{file} is readable to others");
    }
}

/// The path of a sign-in link, asked for with the program's own browser: a socket.
fn page(link: &str) -> String {
    use std::io::{Read, Write};
    let rest = link.strip_prefix("http://").expect("a link on this machine");
    let (host, path) = rest.split_once('/').expect("a path");
    let mut stream = std::net::TcpStream::connect(host).expect("the desk listens");
    write!(
        stream,
        "GET /{path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
    )
    .expect("asked");
    let mut heard = String::new();
    stream.read_to_string(&mut heard).expect("an answer");
    heard
}

#[test]
fn a_sign_in_link_is_the_last_word_and_only_administrators_make_one() {
    let desk = Desk::open();
    let said = desk.duly(&["cpu", "link", ANNA]).done();
    let link = said.split_whitespace().last().expect("a link").to_owned();
    assert!(
        link.contains("/sign-in/duly_link_") && said.contains("Anna Keller"),
        "{said}"
    );
    assert!(page(&link).contains("<button"), "{}", page(&link));
    let row = desk.duly(&["cpu", "link", ANNA, "--json"]).json().remove(0);
    assert!(
        row["link"].as_str().expect("a link").starts_with("http://127.0.0.1:"),
        "{row}"
    );
    assert!(row["expires_at"].is_string() && row["address"] == ANNA, "{row}");
    desk.duly(&["cpu", "link", "nobody@acme.example"]).ends(3);
    desk.duly(&LI).done();
    let mut lead = LI.to_vec();
    lead[2] = "lea@acme.example";
    lead.extend(["--role", "lead"]);
    desk.duly(&lead).done();
    for who in [ANNA, "lea@acme.example"] {
        let said = desk.duly(&["cpu", "link", ANNA, "--as", who]).ends(6);
        assert!(said.contains("Only administrators"), "{said}");
    }
    // A lead who could make an administrator, or their token, would be one.
    let mut root = LI.to_vec();
    root[2] = "root@acme.example";
    root.extend(["--role", "administrator", "--as", "lea@acme.example"]);
    desk.duly(&root).ends(6);
    desk.duly(&["token", "make", "support@acme.example", "--as", "lea@acme.example"])
        .ends(6);
    desk.duly(&["token", "make", ANNA, "--as", "lea@acme.example"]).done();
}

#[test]
fn sessions_are_listed_for_oneself_and_administrators_and_who_is_removed_has_no_way_in() {
    let desk = Desk::open();
    desk.duly(&LI).done();
    assert_eq!(desk.duly(&["cpu", "sessions", ANNA]).done(), "");
    desk.duly(&["cpu", "sessions", ANNA, "--as", ANNA]).done();
    desk.duly(&["cpu", "sessions", ANNA, "--as", "li@acme.example"]).ends(6);
    let said = desk.duly(&["cpu", "sessions", ANNA, "--end"]).done();
    assert!(said.contains("signed in nowhere"), "{said}");
    let secret = desk.duly(&["token", "make", "li@acme.example"]).done();
    let token = claimed(&desk, secret.lines().next().expect("a secret")).done();
    with_token(&desk, &token, &["ps"]).done();
    let link = desk.duly(&["cpu", "link", "li@acme.example"]).done();
    let said = desk.duly(&["cpu", "remove", "li@acme.example"]).done();
    assert!(said.contains("Li has left the desk"), "{said}");
    with_token(&desk, &token, &["ps"]).ends(6);
    let heard = page(link.split_whitespace().last().expect("a link"));
    assert!(heard.starts_with("HTTP/1.1 404"), "{heard}");
    assert!(!desk.duly(&["cpu"]).done().contains("li@acme.example"));
    desk.duly(&LI).done();
    with_token(&desk, &token, &["ps"]).ends(6);
}

#[test]
fn the_policy_is_printed_a_line_a_verb() {
    let home = tempfile::tempdir().expect("a folder");
    let text = crate::desk::duly(home.path(), &["policy"]).done();
    let line = text
        .lines()
        .find(|line| line.starts_with("cpu-link"))
        .expect("its line");
    assert_eq!(
        line.split('\t').collect::<Vec<_>>()[..5],
        ["cpu-link", "-", "-", "yes", "yes"]
    );
    let rows = crate::desk::duly(home.path(), &["policy", "--json"]).json();
    let hold = rows.iter().find(|row| row["verb"] == "hold").expect("its row");
    assert_eq!((&hold["engineer"], &hold["lead"]), (&false.into(), &true.into()));
}

#[test]
fn who_is_away_is_said_with_what_is_at_risk_and_whom_to_ask() {
    let desk = Desk::open();
    let case = desk.mail("Who?", "x").to_string();
    desk.duly(&["cpu", "away", "nobody", "until", "mon"]).ends(3);
    desk.duly(&["cpu", "away", ANNA, "until", "yesterday"]).ends(2);
    let said = desk
        .duly(&["cpu", "away", ANNA, "until", "+20d", "--because", "ill", "--json"])
        .json()
        .remove(0);
    assert!(said["until"].is_string() && said["said"].is_string(), "{said}");
    let all = desk.duly(&["cpu"]).done();
    assert!(all.contains("away until "), "{all}");
    let ours = said["at_risk"].as_array().expect("a list");
    // The owner of the desk is an engineer as well, until she is away too.
    assert!(ours.len() <= 1, "{said}");
    let page = desk.duly(&["show", &case]).done();
    assert!(page.contains("reply by"), "{page}");
    let back = desk.anna(&["cpu", "back", ANNA]).done();
    assert!(back.contains("is back"), "{back}");
    desk.anna(&["cpu", "back", ANNA]).ends(4);
}

#[test]
fn a_person_and_their_calendar_are_set_from_the_command_line() {
    let desk = Desk::open();
    let said = desk
        .duly(&[
            "cpu",
            "set",
            ANNA,
            "--lane",
            "backup,restore",
            "--layer",
            "2",
            "--hours",
            "mon-thu 08:00-16:00",
        ])
        .done();
    assert!(
        said.starts_with("Anna Keller: engineer, mon-thu 08:00-16:00 in ")
            && said.contains("layer 2, backup, restore."),
        "{said}"
    );
    assert!(desk.duly(&["cpu"]).done().contains("backup,restore"));
    let said = desk
        .duly(&["cpu", "set", ANNA, "--lane", "", "--json"])
        .json()
        .remove(0);
    assert!(said["at_risk"].is_array(), "{said}");
    let load = desk.duly(&["cpu", "--load"]).done();
    assert!(load.contains("all lanes\tby then 0 % (0 of "), "{load}");
    assert!(desk.duly(&["cpu", "--load", "--json"]).json()[0]["people"].is_array());
    desk.duly(&["cpu", "--load", "link", ANNA]).ends(2);
    let said = desk.duly(&["cpu", "what-if", "--away", ANNA, "until", "+3d"]).done();
    assert!(
        said.contains("A new normal case could be promised by ") && said.contains("Nothing was changed."),
        "{said}"
    );
    desk.duly(&["cpu", "what-if", "--add", "fault"]).done();
    desk.duly(&["cpu", "what-if", "--move", "999", "fri"]).ends(3);
    desk.duly(&["cpu", "what-if"]).ends(2);
    let said = desk.duly(&["cpu", "set", ANNA, "--layer", "3", "--as", ANNA]).ends(6);
    assert!(said.contains("Only leads"), "{said}");
    let day = |days: i64| {
        jiff::Zoned::now()
            .checked_add(jiff::SignedDuration::from_hours(24 * days))
            .expect("a day")
    };
    let ics = format!(
        "BEGIN:VCALENDAR\nBEGIN:VEVENT\nUID:leave\nDTSTART;VALUE=DATE:{}\nDTEND;VALUE=DATE:{}\nEND:VEVENT\nEND:VCALENDAR\n",
        day(0).strftime("%Y%m%d"),
        day(3).strftime("%Y%m%d"),
    );
    let file = desk.folder.path().join("anna.ics");
    std::fs::write(&file, ics).expect("a file");
    let file = file.to_str().expect("a path");
    let said = desk.duly(&["cpu", "calendar", ANNA, file, "--as", ANNA]).done();
    assert!(said.starts_with("One event of Anna Keller"), "{said}");
    assert!(desk.duly(&["cpu"]).done().contains("away until "));
    let said = desk.duly(&["cpu", "calendar", ANNA, "--remove"]).done();
    assert!(said.contains("takes no time any more"), "{said}");
    assert!(!desk.duly(&["cpu"]).done().contains("away until "));
    std::fs::write(file, "BEGIN:VCALENDAR\nBEGIN:VEVENT\nUID:1\nDTSTART:soon\n").expect("a file");
    let said = desk.duly(&["cpu", "calendar", ANNA, file]).ends(2);
    assert!(said.contains("line 4: \"soon\" is no date"), "{said}");
}
