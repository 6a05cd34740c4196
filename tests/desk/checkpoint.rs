//! Checkpoints leave the house, and prove the ledger of before them.

use super::NORA;
use super::kit::desk::{TestDesk, on_both, spoiled, with};
use super::kit::mail::mail;
use duly::desk::checkpoint;
use duly::desk::proof::{self, Mark};
use duly::desk::receipt::{self, Public};
use duly::desk::verb::{Answer, Verb};
use duly::mail::parse;

const AUDIT: &str = "audit@trustee.example";

fn keys(desk: &TestDesk) -> Vec<Public> {
    let text = std::fs::read_to_string(desk.folder().join("promise.keys")).expect("published keys");
    Public::read_all(&text)
}

fn appended(desk: &TestDesk) -> Vec<Mark> {
    let text = std::fs::read_to_string(desk.folder().join("ledger.checkpoints")).unwrap_or_default();
    checkpoint::read(&text, &keys(desk)).unwrap_or_default()
}

fn entries(desk: &TestDesk) -> i64 {
    desk.number("SELECT value FROM counter WHERE name = 'ledger'", &[])
}

/// Waits until a checkpoint covers everything that is written now, ten minutes later.
fn checkpointed(desk: &mut TestDesk) -> Mark {
    desk.minutes(11);
    desk.wait_for("a checkpoint", || {
        appended(desk).last().is_some_and(|mark| mark.size == entries(desk))
    });
    appended(desk).pop().expect("a checkpoint")
}

#[test]
fn a_checkpoint_is_appended_after_ten_minutes_with_news_and_proves_the_ledger() {
    on_both(|desk| {
        desk.receive(&mail(NORA, "The daemon stops"));
        let mark = checkpointed(desk);
        let said = desk.owner(Verb::Verify {
            against: vec![mark.clone()],
        });
        let Ok(Answer::Done(done)) = said else {
            panic!("{said:?}")
        };
        assert_eq!(done.data["root"], mark.root.as_str());
        assert_eq!(done.data["checkpoints"], 1);
    });
}

#[test]
fn an_end_that_was_cut_off_with_its_count_is_found_by_a_checkpoint_alone() {
    spoiled(|desk| {
        desk.receive(&mail(NORA, "The daemon stops"));
        let mark = checkpointed(desk);
        desk.tamper("DELETE FROM event WHERE seq > 3");
        desk.tamper("UPDATE counter SET value = 3 WHERE name = 'ledger'");
        assert!(
            desk.owner(Verb::Verify { against: Vec::new() }).is_ok(),
            "nothing inside knows of it"
        );
        let said = desk
            .owner(Verb::Verify { against: vec![mark] })
            .expect_err("it is found");
        assert!(said.refusal().text.contains("entry 4"), "{said}");
    });
}

#[test]
fn a_checkpoint_is_written_to_the_address_and_a_desk_at_rest_writes_no_more() {
    let settings = [("mail", "unverified", "schedule"), ("ledger", "checkpoint_to", AUDIT)];
    with(&settings, |desk| {
        desk.receive(&mail(NORA, "The daemon stops"));
        desk.minutes(11);
        desk.wait_for("the checkpoint's mail", || desk.mails_to(AUDIT).len() >= 2);
        desk.quiet();
        let mails = desk.mails_to(AUDIT);
        let newest = mails.last().expect("a mail");
        let words = parse::understand(&newest.raw).body_text;
        let marks = checkpoint::read(&words, &keys(desk)).expect("a signed checkpoint in the mail's words");
        let proven = desk.store().read_sealed(|tx| proof::verify(tx, &marks));
        assert_eq!(proven.expect("whole").agreed, 1, "{}", desk.on);
        desk.minutes(11);
        desk.minutes(11);
        desk.minutes(11);
        assert_eq!(desk.mails_to(AUDIT).len(), mails.len(), "{}: at rest", desk.on);
    });
}

#[test]
fn nothing_is_signed_that_does_not_follow() {
    spoiled(|desk| {
        desk.receive(&mail(NORA, "The daemon stops"));
        let before = checkpointed(desk);
        desk.receive(&mail(NORA, "Another thing"));
        desk.tamper("UPDATE event SET data = data || ' ' WHERE seq = (SELECT MAX(seq) FROM event)");
        desk.minutes(11);
        desk.minutes(11);
        assert_eq!(appended(desk).last(), Some(&before), "{}", desk.on);
    });
}

#[test]
fn the_mails_of_a_promise_carry_receipts_that_anybody_can_check() {
    on_both(|desk| {
        let case = desk.receive(&mail(NORA, "The daemon stops")).case();
        let due = desk.rows("SELECT due FROM promise", &[])[0].instant(0);
        desk.at(due);
        let mails = desk.mails_to(NORA);
        assert_eq!(mails.len(), 2, "acknowledgement and broken promise");
        for (mail, promise) in mails.iter().zip([1, 2]) {
            let text = String::from_utf8_lossy(&mail.raw);
            let fields = receipt::fields_of(&text, 10);
            let said = receipt::check(&fields[0], &keys(desk)).unwrap_or_else(|wrong| panic!("{wrong}: {text}"));
            assert_eq!((said.case, said.promise), (case, Some(promise)), "{}", desk.on);
            assert_eq!((said.desk.as_str(), said.state.as_str()), ("acme.example", "offered"));
            let stored = desk.rows("SELECT due FROM promise WHERE id = $1", &[promise.into()])[0].instant(0);
            assert_eq!(said.due, stored);
            assert!(text.lines().all(|line| line.len() <= 998));
        }
    });
}
