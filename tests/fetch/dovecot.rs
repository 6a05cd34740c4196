//! The same against Debian's Dovecot: what a real server makes of our commands.

use super::kit::dovecot::{Dovecot, PASSWORD, USER};
use super::kit::mail::mail;
use super::{NORA, TestDesk, cases, fetched, fetching, looked};
use std::time::{Duration, Instant};

fn entry(dovecot: &Dovecot, words: &str) -> String {
    format!(
        "imap://{USER}@{}/INBOX name=main secret=secret {words}",
        dovecot.address
    )
}

#[test]
fn a_real_server_tells_of_new_mail_at_once_and_keeps_it_as_it_was() {
    let Some(dovecot) = Dovecot::start() else { return };
    let dovecot = std::sync::Mutex::new(dovecot);
    let entry = entry(&dovecot.lock().expect("no panic"), "");
    fetching(&entry, PASSWORD, |desk: &mut TestDesk| {
        let mut dovecot = dovecot.lock().expect("no panic");
        looked(desk);
        // The connection idles a moment after the first look.
        std::thread::sleep(Duration::from_millis(500));
        let before = dovecot.mails("").len();
        let begun = Instant::now();
        dovecot.put(&mail(NORA, "New").bytes());
        fetched(desk, 1);
        assert!(
            begun.elapsed() < Duration::from_secs(15),
            "IDLE tells: {:?}",
            begun.elapsed()
        );
        assert_eq!(cases(desk, "unsorted"), 1);
        let mails = dovecot.mails("");
        assert_eq!(mails.len(), before + 1);
        assert!(
            mails.iter().all(|name| !name.contains('S')),
            "looking marks nothing: {mails:?}"
        );
    });
}

#[test]
fn a_real_server_that_forgot_its_numbers_doubles_nothing_and_mails_move_when_they_are_taken() {
    let Some(mut dovecot) = Dovecot::start() else { return };
    dovecot.put(&mail(NORA, "One").bytes());
    dovecot.put(&mail(NORA, "Two").bytes());
    let dovecot = std::sync::Mutex::new(dovecot);
    let words = ["from=all live", "from=all after=move:Done live"];
    let entries = words.map(|words| entry(&dovecot.lock().expect("no panic"), words));
    fetching(&entries[0], PASSWORD, |desk: &mut TestDesk| {
        let mut dovecot = dovecot.lock().expect("no panic");
        fetched(desk, 2);
        assert_eq!(cases(desk, "ours"), 2);
        dovecot.forget_numbers();
        fetched(desk, 4);
        assert_eq!(
            desk.number("SELECT COUNT(*) FROM message WHERE way = 'in'", &[]),
            2,
            "repeats"
        );
    });
    let moved = std::sync::atomic::AtomicUsize::new(0);
    fetching(&entries[1], PASSWORD, |desk: &mut TestDesk| {
        let mut dovecot = dovecot.lock().expect("no panic");
        let round = moved.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        if round > 0 {
            dovecot.put(&mail(NORA, "Three").bytes());
        }
        let mails = if round > 0 { 1 } else { 2 };
        fetched(desk, mails);
        desk.wait_for("the mails to be moved", || dovecot.mails("").is_empty());
        assert_eq!(dovecot.mails(".Done").len(), 2 + round);
    });
}
