//! `duly mail deliver`: what a mail server's pipe gets for an answer, and what the desk gets for a mail.

use crate::desk::{DESK, Desk, Run, send, wait_for};
use std::io::Write;
use std::process::Stdio;

/// Runs `duly mail deliver` with this environment and this mail.
fn deliver(desk: &Desk, args: &[&str], env: &[(&str, &str)], mail: &[u8]) -> Run {
    let mut command = desk.command(&[&["mail", "deliver"], args].concat());
    for name in ["SENDER", "RECIPIENT", "ORIGINAL_RECIPIENT"] {
        command.env_remove(name);
    }
    command
        .envs(env.iter().copied())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().expect("the program runs");
    let _ = child.stdin.take().expect("a pipe").write_all(mail);
    Run::of(child.wait_with_output().expect("it ends"))
}

fn raw_of(desk: &Desk, subject: &str) -> String {
    let case = wait_for("its case", || {
        let rows = desk.duly(&["ps", "-a", "--json"]).json();
        let row = rows.into_iter().find(|row| row["subject"] == subject)?;
        row["case"].as_i64()
    });
    desk.duly(&["raw", &case.to_string()]).done()
}

#[test]
fn a_mail_in_local_form_is_taken_in_network_form_with_the_envelope_of_the_environment() {
    let desk = Desk::with(&[("DULY_MAIL_UNVERIFIED", "schedule")]);
    let mail = b"From nora@n.example Mon Mar  2 09:00:00 2026\nFrom: Nora <nora@n.example>\nTo: x@y\nSubject: piped\nMessage-ID: <p1@n.example>\n\n.dot\nlast line";
    let env = [
        ("SENDER", "bounce@n.example"),
        ("ORIGINAL_RECIPIENT", "support+x@acme.example"),
    ];
    assert_eq!(deliver(&desk, &[], &env, mail).code, 0);
    assert_eq!(
        raw_of(&desk, "piped"),
        "From: Nora <nora@n.example>\r\nTo: x@y\r\nSubject: piped\r\nMessage-ID: <p1@n.example>\r\n\r\n.dot\r\nlast line\r\n"
    );
    let by_smtp = b"From: Nora <nora@n.example>\r\nTo: x@y\r\nSubject: piped\r\nMessage-ID: <p1@n.example>\r\n\r\n.dot\r\nlast line\r\n";
    assert!(send(&desk.smtp, "nora@n.example", DESK, by_smtp).starts_with("250 "));
    wait_for("the repeat", || {
        let log = desk.duly(&["log", "-a", "--json"]).json();
        log.iter().any(|row| row["kind"] == "mail.repeat").then_some(())
    });
}

#[test]
fn what_will_never_do_is_said_and_everything_else_is_tried_again() {
    let mut desk = Desk::open();
    let mail = b"From: nora@n.example\nSubject: x\n\nbody\n";
    assert_eq!(deliver(&desk, &["--to", "nobody@acme.example"], &[], mail).code, 67);
    let long = [&mail[..], "x".repeat(70_000).as_bytes()].concat();
    assert_eq!(deliver(&desk, &["--to", DESK], &[], &long).code, 65);
    assert_eq!(
        deliver(&desk, &["--to", DESK, "--wrong"], &[], mail).code,
        75,
        "our typing is no bounce"
    );
    assert_eq!(deliver(&desk, &["--from", "no address"], &[], mail).code, 75);
    desk.stop();
    let said = deliver(&desk, &[], &[], mail);
    assert_eq!(said.code, 75);
    assert!(said.err.contains("no desk is running"), "{}", said.err);
    desk.start(&[("DULY_MAIL_UNVERIFIED", "schedule")]);
    assert_eq!(
        deliver(&desk, &[], &[], mail).code,
        0,
        "with the desk's own address and the author"
    );
    raw_of(&desk, "x");
}
