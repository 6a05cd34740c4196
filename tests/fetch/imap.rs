//! IMAP, against a server that does as it is told.

use super::kit::desk::DESK;
use super::kit::imap::{Imap, PASSWORD, TOKEN, USER};
use super::kit::mail::mail;
use super::{NORA, cases, fetched, fetching, keep_secret, looked};
use std::os::unix::fs::PermissionsExt;

fn entry(imap: &Imap, words: &str) -> String {
    format!("imap://{USER}@{}/INBOX name=main secret=secret {words}", imap.address)
}

#[test]
fn in_shadow_mode_new_mail_is_shown_and_nothing_follows_anywhere() {
    let imap = Imap::start();
    imap.put(&mail(NORA, "Old and answered").bytes());
    fetching(&entry(&imap, "after=move:Done"), PASSWORD, |desk| {
        looked(desk);
        let before = imap.folder().mails.len();
        imap.put(&mail(NORA, "New").bytes());
        fetched(desk, 1);
        assert_eq!((cases(desk, "unsorted"), cases(desk, "ours")), (1, 0));
        let reason = desk.rows("SELECT spool_reason FROM message WHERE way = 'in'", &[]);
        assert!(reason[0].text(0).contains("shadow"), "{:?}", reason[0]);
        desk.minutes(5 * 24 * 60);
        assert_eq!(desk.sink.taken().len(), 0, "not even a note to the lead");
        let folder = imap.folder();
        assert_eq!(folder.mails.len(), before + 1);
        assert!(folder.mails.iter().all(|mail| mail.flags.is_empty()) && folder.moved.is_empty());
        assert!(
            !folder
                .said
                .iter()
                .any(|line| line.starts_with("SELECT") || line.contains("STORE")),
            "{:?}",
            folder.said
        );
    });
}

#[test]
fn a_live_mailbox_earns_promises_and_its_mails_move_when_they_are_durable() {
    fetching_live("from=all after=move:Done", |imap, desk| {
        let letter = mail(NORA, "There before").header("Return-Path", "<bounces@northwind.example>");
        imap.put(&letter.bytes());
        imap.put(&mail(NORA, "Second").bytes());
        keep_secret(desk, PASSWORD);
        fetched(desk, 2);
        assert_eq!(cases(desk, "ours"), 2);
        assert_eq!(
            desk.sent_to(NORA).len() + desk.sent_to("bounces@northwind.example").len(),
            2
        );
        desk.wait_for("the mails to be moved", || imap.folder().moved.len() == 2);
        imap.put(&mail(NORA, "Third").bytes());
        fetched(desk, 3);
        desk.wait_for("the third to be moved", || imap.folder().moved.len() == 3);
        assert!(imap.folder().moved.iter().all(|(_, to)| to == "Done"));
        let envelope = desk.rows("SELECT envelope_from, envelope_to FROM arrival ORDER BY id", &[]);
        assert_eq!(envelope[0].text(0), "bounces@northwind.example");
        assert_eq!(envelope[1].text(0), NORA);
        assert_eq!(envelope[1].text(1), format!("[\"{DESK}\"]"));
    });
}

/// A desk with a live mailbox whose secret is not there yet.
fn fetching_live(words: &str, scenario: impl Fn(&Imap, &mut super::TestDesk)) {
    for database in super::kit::databases::migrated(duly::desk::MIGRATIONS) {
        let imap = Imap::start();
        let fetch = entry(&imap, &format!("{words} live"));
        let settings = [("mail", "unverified", "schedule"), ("mail", "fetch", fetch.as_str())];
        let mut desk = super::TestDesk::open(database, &settings, super::kit::desk::time(super::kit::desk::MONDAY));
        desk.hire(super::kit::desk::ANNA, "Anna Keller", duly::desk::engineer::Role::Lead);
        scenario(&imap, &mut desk);
        desk.ends_well();
    }
}

#[test]
fn one_mail_that_cannot_be_fetched_holds_up_no_other_and_is_tried_again() {
    fetching_live("from=new after=seen", |imap, desk| {
        keep_secret(desk, PASSWORD);
        looked(desk);
        {
            let mut folder = imap.folder();
            let next = folder.next;
            folder.refuse.push(next);
            folder.hang_up.push(next + 1);
        }
        for subject in ["Refused", "Hangs up", "Good"] {
            imap.put(&mail(NORA, subject).bytes());
        }
        fetched(desk, 1);
        let subject = desk.rows("SELECT subject FROM cases", &[]);
        assert_eq!(subject[0].text(0), "Good");
        {
            let mut folder = imap.folder();
            folder.refuse.clear();
            folder.hang_up.clear();
        }
        desk.minutes(2);
        imap.put(&mail(NORA, "Another").bytes());
        fetched(desk, 4);
        assert_eq!(cases(desk, "ours"), 4);
        desk.wait_for("all to be marked", || {
            imap.folder().mails.iter().all(|mail| mail.flags == ["\\Seen"])
        });
    });
}

#[test]
fn a_folder_that_is_numbered_anew_loses_nothing_and_doubles_nothing() {
    fetching_live("from=all", |imap, desk| {
        imap.put(&mail(NORA, "One").bytes());
        imap.put(&mail(NORA, "Two").bytes());
        keep_secret(desk, PASSWORD);
        fetched(desk, 2);
        // One lies there that was never taken: put back by somebody, and old.
        imap.renumber(&mail(NORA, "Stray").bytes(), "02-Mar-2024 09:00:00 +0100");
        fetched(desk, 5);
        assert_eq!(
            desk.number("SELECT COUNT(*) FROM message WHERE way = 'in'", &[]),
            3,
            "the two are repeats"
        );
        assert_eq!(
            (cases(desk, "ours"), cases(desk, "unsorted")),
            (2, 1),
            "the old stranger is only shown"
        );
        imap.put(&mail(NORA, "Afterwards").bytes());
        fetched(desk, 6);
        assert_eq!(cases(desk, "ours"), 3);
    });
}

#[test]
fn a_desk_that_was_stopped_goes_on_where_it_was() {
    fetching_live("from=new", |imap, desk| {
        keep_secret(desk, PASSWORD);
        looked(desk);
        imap.put(&mail(NORA, "Before").bytes());
        fetched(desk, 1);
        desk.stop();
        imap.put(&mail(NORA, "Meanwhile").bytes());
        desk.start();
        fetched(desk, 2);
        assert_eq!(cases(desk, "ours"), 2);
    });
}

#[test]
fn a_large_mail_comes_whole_and_one_too_large_is_told_of() {
    fetching_live("from=new", |imap, desk| {
        keep_secret(desk, PASSWORD);
        looked(desk);
        let large = mail(NORA, "Logs").body(&"a line of the log, seventy bytes of it, more or less\n".repeat(30_000));
        imap.put(&large.bytes());
        fetched(desk, 1);
        let raw = desk.number("SELECT MAX(id) FROM arrival", &[]);
        let bytes = desk
            .store()
            .read(|tx| duly::desk::arrival::raw(tx, duly::desk::RawId(raw)));
        assert!(bytes.is_ok_and(|bytes| bytes == large.bytes()));
        let uid = imap.folder().next;
        imap.folder().pretend = Some((uid, 120_000_000));
        imap.put(&mail(NORA, "The whole disk").bytes());
        fetched(desk, 2);
        let rows = desk.rows(
            "SELECT subject, text, address FROM message WHERE way = 'in' ORDER BY id DESC LIMIT 1",
            &[],
        );
        assert_eq!((rows[0].text(0), rows[0].text(2)), ("The whole disk", NORA));
        assert!(rows[0].text(1).contains("120000000 bytes"), "{}", rows[0].text(1));
    });
}

#[test]
fn a_bearer_token_is_what_a_program_prints_and_a_wrong_one_is_tried_anew() {
    fetching_live("from=new auth=bearer", |imap, desk| {
        let path = desk.folder().join("secret");
        keep_secret(desk, "stale");
        desk.wait_for("a refused try", || {
            imap.folder().said.iter().any(|line| line.contains("XOAUTH2"))
        });
        assert!(imap.folder().signed_in.is_empty());
        std::fs::write(&path, format!("#!/bin/sh\necho {TOKEN}\n")).expect("written");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o700)).expect("its mode");
        looked(desk);
        assert!(imap.folder().signed_in.iter().all(|way| way.contains("XOAUTH2")));
        imap.put(&mail(NORA, "New").bytes());
        fetched(desk, 1);
    });
}
