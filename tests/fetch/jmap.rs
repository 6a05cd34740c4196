//! JMAP, against a server of ours that speaks as the RFCs have it.

use super::kit::desk::{ANNA, MONDAY, TestDesk, time};
use super::kit::jmap::{Jmap, PASSWORD, USER};
use super::kit::mail::mail;
use super::{NORA, cases, fetched, keep_secret, looked};

const NOW: &str = "2026-03-02T08:00:00Z";
const LONG_AGO: &str = "2024-03-02T08:00:00Z";

fn fetching(words: &str, scenario: impl Fn(&Jmap, &mut TestDesk)) {
    for database in super::kit::databases::migrated(duly::desk::MIGRATIONS) {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .expect("a runtime");
        let jmap = runtime.block_on(Jmap::start());
        let fetch = format!("jmap+http://{USER}@{} name=main secret=secret {words}", jmap.address);
        let settings = [("mail", "unverified", "schedule"), ("mail", "fetch", fetch.as_str())];
        let mut desk = TestDesk::open(database, &settings, time(MONDAY));
        desk.hire(ANNA, "Anna Keller", duly::desk::engineer::Role::Lead);
        scenario(&jmap, &mut desk);
        desk.ends_well();
    }
}

/// Starts the desk again: it looks at once, and not after its pause.
fn look_again(desk: &mut TestDesk) {
    desk.stop();
    desk.start();
}

#[test]
fn in_shadow_mode_new_mail_is_shown_and_nothing_is_changed() {
    fetching("after=move:Done", |jmap, desk| {
        jmap.put(&mail(NORA, "Old").bytes(), LONG_AGO);
        keep_secret(desk, PASSWORD);
        looked(desk);
        jmap.put(&mail(NORA, "New").bytes(), NOW);
        look_again(desk);
        fetched(desk, 1);
        assert_eq!((cases(desk, "unsorted"), desk.sink.taken().len()), (1, 0));
        let mail = jmap.mail();
        assert!(!mail.calls.iter().any(|call| call == "Email/set"));
        assert!(mail.mails.iter().all(|one| one.folder == "inbox1" && !one.seen));
    });
}

#[test]
fn live_mail_earns_promises_comes_whole_and_moves_when_it_is_durable() {
    fetching("from=all after=move:Done live", |jmap, desk| {
        let large =
            mail(NORA, "Logs").body(&"one line of a log that is seventy bytes long, or nearly so\n".repeat(20_000));
        let letters = [mail(NORA, "One"), large, mail(NORA, "Three")];
        for letter in &letters {
            jmap.put(&letter.bytes(), NOW);
        }
        keep_secret(desk, PASSWORD);
        fetched(desk, 3);
        assert_eq!(cases(desk, "ours"), 3);
        for (at, letter) in letters.iter().enumerate() {
            let raw = desk.number(
                "SELECT arrival FROM fetched WHERE name = $1",
                &[format!("M{at}").into()],
            );
            let bytes = desk
                .store()
                .read(|tx| duly::desk::arrival::raw(tx, duly::desk::RawId(raw)));
            assert!(bytes.is_ok_and(|bytes| bytes == letter.bytes()), "{at}");
        }
        desk.wait_for("the mails to be moved", || {
            jmap.mail().mails.iter().all(|one| one.folder == "done1")
        });
        look_again(desk);
        looked(desk);
        fetched(desk, 3);
    });
}

#[test]
fn a_mail_that_is_not_given_holds_up_no_other_and_a_forgotten_state_loses_and_doubles_nothing() {
    fetching("from=new after=seen live", |jmap, desk| {
        jmap.put(&mail(NORA, "Answered long ago").bytes(), LONG_AGO);
        keep_secret(desk, PASSWORD);
        looked(desk);
        jmap.mail().refuse.push(1);
        for subject in ["Refused", "Good"] {
            jmap.put(&mail(NORA, subject).bytes(), NOW);
        }
        look_again(desk);
        fetched(desk, 1);
        assert_eq!(desk.rows("SELECT subject FROM cases", &[])[0].text(0), "Good");
        jmap.mail().refuse.clear();
        desk.minutes(2);
        jmap.put(&mail(NORA, "After the gap").bytes(), "2026-03-02T09:00:00Z");
        {
            let mut mail = jmap.mail();
            mail.forgotten = mail.state;
        }
        look_again(desk);
        fetched(desk, 3);
        assert_eq!(cases(desk, "ours"), 3);
        desk.wait_for("all to be marked", || {
            jmap.mail().mails.iter().skip(1).all(|one| one.seen)
        });
        assert!(!jmap.mail().mails[0].seen);
    });
}
