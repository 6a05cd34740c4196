//! Mailboxes elsewhere: fetched by IMAP and JMAP, in shadow mode and live, from servers of ours that misbehave on demand and
//! from Debian's Dovecot where it is installed.

#[path = "../kit/mod.rs"]
mod kit;

mod dovecot;
mod imap;
mod jmap;

use kit::desk::{TestDesk, with};
use std::os::unix::fs::PermissionsExt;

/// A customer.
const NORA: &str = "nora@northwind.example";

/// Plays a scenario on a desk of each database that takes senders at their word and fetches from this mailbox; with the
/// secret that lies in its file.
fn fetching(entry: &str, secret: &str, scenario: impl Fn(&mut TestDesk)) {
    let settings = [("mail", "unverified", "schedule"), ("mail", "fetch", entry)];
    with(&settings, |desk| {
        keep_secret(desk, secret);
        scenario(desk);
    });
}

fn keep_secret(desk: &TestDesk, secret: &str) {
    let path = desk.folder().join("secret");
    std::fs::write(&path, secret).expect("written");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).expect("its mode");
}

/// Waits until the mailbox was looked into.
fn looked(desk: &TestDesk) {
    desk.wait_for("the first look", || {
        desk.number("SELECT COUNT(*) FROM mailbox", &[]) == 1
    });
}

/// Waits until so many mails were fetched and have their place.
fn fetched(desk: &TestDesk, mails: i64) {
    desk.wait_for("mails to be fetched", || {
        let sql = "SELECT COUNT(*) FROM arrival WHERE way LIKE 'imap:%' OR way LIKE 'jmap:%'";
        desk.number(sql, &[]) >= mails
    });
    desk.quiet();
    assert_eq!(
        desk.number("SELECT COUNT(*) FROM arrival WHERE way <> 'smtp'", &[]),
        mails
    );
}

fn cases(desk: &TestDesk, hand: &str) -> i64 {
    desk.number("SELECT COUNT(*) FROM cases WHERE hand = $1", &[hand.into()])
}
