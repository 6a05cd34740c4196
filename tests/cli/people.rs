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
