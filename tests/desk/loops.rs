//! Campaign S8: loops and backscatter. Whoever answers machines answers for ever; the desk is not one of the two.
//!
//! Two hundred kinds of responders answer every mail that the desk sends them, two desks face each other, and ten thousand
//! forged senders write within a day. What must hold stands in PRODUCT.md §3.1 and §3.11 of the design: at most three in
//! any loop, none to a null sender, to automatic mail, to a list or to ourselves, and at most one automatic mail in a
//! hundred to forged senders.

use super::kit::databases::migrated;
use super::kit::desk::{ANNA, DESK, TestDesk, on_both, time, with};
use super::kit::mail::{Mail, mail};
use duly::desk::arrival;
use duly::desk::engineer::Role;
use duly::desk::message::{self, Incoming};
use duly::desk::verb::{Answer, Verb};
use duly::desk::{MIGRATIONS, spool};
use jiff::SignedDuration;

const LIST: &str = "users@lists.example";

/// How a responder answers.
#[derive(Debug, Clone, Copy)]
struct Responder {
    /// What its answers say of themselves.
    signs: usize,
    /// Whether and how they name the mail they answer.
    names: usize,
    /// What their subject is.
    subject: usize,
    /// Minutes until it answers.
    after: i64,
}

const SIGNS: usize = 5;
const NAMES: usize = 2;
const SUBJECTS: usize = 5;
const DELAYS: [i64; 4] = [0, 3, 45, 200];

fn responders() -> Vec<Responder> {
    let mut all = Vec::new();
    for signs in 0..SIGNS {
        for names in 0..NAMES {
            for subject in 0..SUBJECTS {
                for after in DELAYS {
                    all.push(Responder {
                        signs,
                        names,
                        subject,
                        after,
                    });
                }
            }
        }
    }
    all
}

impl Responder {
    /// Its answer to a mail of the desk.
    fn answer(self, address: &str, number: usize, to: &str, subject: &str, id: &str) -> Mail {
        let subject = match self.subject {
            0 => format!("Re: {subject}"),
            1 => format!("AW: {subject}"),
            2 => "We have received your mail".to_owned(),
            3 => format!("[Ticket {}] We have received your mail", 10_000 + number),
            _ => format!("Auto: {subject}"),
        };
        let mut answer = mail(address, &subject)
            .to(to)
            .body(&format!("Thank you. Number {number}."));
        answer = match self.signs {
            0 => answer.header("Auto-Submitted", "auto-replied"),
            1 => answer.header("Precedence", "bulk"),
            2 => answer.envelope(""),
            3 => answer.envelope("bounce-4711@loops.example"),
            _ => answer,
        };
        // What neither names our mail nor writes to its address begins a case of its own each time: the hardest to stop.
        if self.names == 1 {
            answer.re(id)
        } else {
            answer.to(DESK)
        }
    }
}

/// The value of a field in a mail that was taken.
fn field(text: &str, name: &str) -> String {
    let head = text.split("\n\n").next().unwrap_or_default().replace("\n ", " ");
    let line = head
        .lines()
        .find(|line| line.to_lowercase().starts_with(&format!("{}:", name.to_lowercase())));
    line.and_then(|line| line.split_once(':'))
        .map_or_else(String::new, |(_, value)| value.trim().to_owned())
}

fn address_in(value: &str) -> String {
    value
        .rsplit('<')
        .next()
        .unwrap_or(value)
        .trim_end_matches('>')
        .to_owned()
}

#[test]
fn no_responder_gets_more_than_three_automatic_mails_in_a_loop() {
    let all = responders();
    assert_eq!(all.len(), 200);
    let database = migrated(MIGRATIONS).remove(0);
    let mut desk = TestDesk::open(
        database,
        &[("mail", "unverified", "schedule")],
        time("2026-03-02T08:00:00Z"),
    );
    desk.hire(ANNA, "Anna Keller", Role::Lead);
    let addresses: Vec<String> = (0..all.len()).map(|at| format!("machine-{at}@loops.example")).collect();
    // Each begins by itself; then everybody answers whatever came, round by round, within one day.
    let mut answered = vec![0_usize; all.len()];
    for (at, address) in addresses.iter().enumerate() {
        desk.receive(&mail(address, &format!("Question of machine {at}")));
    }
    let end = desk.now() + SignedDuration::from_hours(24);
    for round in 1..=8 {
        let mut quiet = true;
        for delay in DELAYS {
            for (at, responder) in all.iter().enumerate().filter(|(_, one)| one.after == delay) {
                let taken = desk.mails_to(&addresses[at]);
                for mail in &taken[answered[at].min(taken.len())..] {
                    let text = mail.text();
                    let id = address_in(&field(&text, "Message-ID"));
                    let answer = responder.answer(
                        &addresses[at],
                        round,
                        &address_in(&field(&text, "From")),
                        &field(&text, "Subject"),
                        &id,
                    );
                    desk.receive(&answer);
                    quiet = false;
                }
                answered[at] = taken.len();
            }
            if desk.now() < end - SignedDuration::from_mins(delay) {
                desk.minutes(delay);
            }
        }
        if quiet {
            break;
        }
    }
    let mut most = 0;
    for (at, address) in addresses.iter().enumerate() {
        let automatic = desk.mails_to(address).iter().filter(|mail| mail.is_automatic()).count();
        assert!(automatic <= 3, "{automatic} to {:?}", all[at]);
        most = most.max(automatic);
    }
    println!("200 responders: at most {most} automatic mails to one of them");
    assert!(most >= 2, "the responders answer");
    desk.ends_well();
}

#[test]
fn two_desks_that_face_each_other_fall_silent() {
    for database in migrated(MIGRATIONS) {
        let name = database.name;
        let mut first = TestDesk::open(
            database,
            &[("mail", "unverified", "schedule")],
            time("2026-03-02T08:00:00Z"),
        );
        first.hire(ANNA, "Anna Keller", Role::Lead);
        let other = migrated(MIGRATIONS)
            .into_iter()
            .find(|one| one.name == name)
            .expect("another database");
        let settings = [
            ("mail", "unverified", "schedule"),
            ("desk", "addresses", "help@beta.example"),
        ];
        let mut second = TestDesk::open(other, &settings, time("2026-03-02T08:00:00Z"));
        second.hire("ben@beta.example", "Ben Vogel", Role::Lead);
        // Somebody writes to the one in the name of the other, and the one's engineer answers.
        let case = first.receive(&mail("help@beta.example", "Can you help us?")).case();
        let (mut at_first, mut at_second) = (0, 0);
        let mut exchanged = 0;
        for hour in 0..24 {
            if hour == 2 {
                first.answered(case, "wait fri 12:00");
            }
            for _ in 0..20 {
                let to_second = first.mails_to("help@beta.example");
                let to_first: Vec<_> = second
                    .sink
                    .taken()
                    .into_iter()
                    .filter(|mail| mail.rcpt.iter().any(|r| r.contains("acme.example")))
                    .collect();
                let news: Vec<_> = to_second[at_second..]
                    .iter()
                    .map(|one| (true, one.clone()))
                    .chain(to_first[at_first..].iter().map(|one| (false, one.clone())))
                    .collect();
                (at_second, at_first) = (to_second.len(), to_first.len());
                if news.is_empty() {
                    break;
                }
                for (for_second, one) in news {
                    exchanged += 1;
                    let from = address_in(
                        one.mail
                            .split_once(':')
                            .map_or("", |(_, rest)| rest.split('>').next().unwrap_or("")),
                    );
                    let to = one.rcpt[0]
                        .split('<')
                        .nth(1)
                        .unwrap_or("")
                        .split('>')
                        .next()
                        .unwrap_or("")
                        .to_owned();
                    let desk = if for_second { &mut second } else { &mut first };
                    desk.take(&one.raw, &from, &[to.as_str()]);
                    desk.quiet();
                }
            }
            first.minutes(60);
            second.minutes(60);
        }
        println!("{name}: {exchanged} mails between two desks in a day");
        assert!((2..=12).contains(&exchanged), "{name}: {exchanged}");
        for (desk, address) in [(&first, "help@beta.example"), (&second, DESK)] {
            let automatic = desk
                .sink
                .taken()
                .iter()
                .filter(|one| {
                    one.is_automatic()
                        && one
                            .rcpt
                            .iter()
                            .any(|r| r.to_lowercase().contains(address.split('@').nth(1).unwrap_or("")))
                })
                .count();
            assert!(automatic <= 3, "{name}: {automatic} automatic mails to {address}");
        }
        first.ends_well();
        second.stop();
    }
}

#[test]
fn ten_thousand_forged_senders_get_at_most_a_hundred_mails_a_day() {
    let forged: i64 = std::env::var("DULY_FORGED")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(10_000);
    let database = migrated(MIGRATIONS).remove(0);
    let desk = TestDesk::open(database, &[], time("2026-03-02T08:00:00Z"));
    let (rules, now) = (desk.rules(), desk.now());
    let mut at = 0;
    while at < forged {
        let (rules, from) = (std::sync::Arc::clone(&rules), at);
        let to = (at + 200).min(forged);
        let placed = desk.store().write(move |tx| {
            for number in from..to {
                let address = format!("victim-{number}@somewhere.example");
                let said = arrival::Envelope {
                    way: "smtp".into(),
                    from: address.clone(),
                    to: vec![DESK.into()],
                    peer: "192.0.2.1".into(),
                    helo: "x".into(),
                };
                let raw = format!("From: {address}\r\n\r\n{number}").into_bytes();
                let digest = duly::desk::repeat::digest(&raw);
                let raw = arrival::accept(tx, now, &said, &digest, raw)?;
                let mail = Incoming {
                    raw: raw.0,
                    received_at: now,
                    address: address.clone(),
                    envelope_from: address,
                    recipients: vec![DESK.into()],
                    subject: format!("You have won {number}"),
                    text: "Open the page.".into(),
                    ..Incoming::default()
                };
                message::place(tx, now, &rules, &mail)?;
            }
            Ok(())
        });
        placed.expect("placed");
        at = to;
    }
    desk.quiet();
    let automatic = desk.number("SELECT COUNT(*) FROM outbox WHERE automatic = 1", &[]);
    println!("{forged} forged senders: {automatic} automatic mails");
    assert!(automatic <= 100.min(forged), "{automatic}");
    assert_eq!(desk.number("SELECT COUNT(*) FROM promise", &[]), 0);
    desk.ends_well();
}

#[test]
fn nothing_automatic_goes_to_null_senders_machines_lists_and_ourselves() {
    with(&[("mail", "unverified", "schedule"), ("mail", "lists", LIST)], |desk| {
        let list = mail("ann@one.example", "Hello all")
            .to(LIST)
            .header("List-Id", "<users.lists.example>")
            .envelope("users-bounces@lists.example");
        for letter in [
            mail("null@one.example", "Null").envelope(""),
            mail("auto@one.example", "Auto").header("Auto-Submitted", "auto-generated"),
            mail("noreply@one.example", "No reply"),
            mail("bulk@one.example", "Bulk").header("Precedence", "bulk"),
            mail("away@one.example", "Away").body("I am out of the office until 3 March with limited access to email. For urgent matters please contact Bob."),
            mail("tmda@one.example", "Confirm").body("Your message is being held. To release your message, click the link below to confirm that you are a human: https://one.example/c"),
            mail("other@one.example", "Elsewhere").header("List-Id", "<other.lists.example>").header("List-Post", "<mailto:other@lists.example>"),
            mail(DESK, "Ourselves").envelope("ann@one.example"),
        ] {
            desk.receive(&letter);
        }
        assert_eq!(
            desk.sink.taken().len(),
            0,
            "{:?}",
            desk.sink.taken().iter().map(|one| one.rcpt.clone()).collect::<Vec<_>>()
        );
        desk.receive(&list);
        assert!(desk.mails_to(LIST).is_empty());
        assert_eq!(desk.sent_to("ann@one.example"), ["acknowledgement"]);
    });
}

#[test]
fn a_flood_of_one_machine_is_braked_said_in_one_line_and_loses_nothing() {
    on_both(|desk| {
        let noisy = "monitor@noisy.example";
        for number in 0..40 {
            let alert = mail(noisy, &format!("Alert {number}")).header("Auto-Submitted", "auto-generated");
            desk.receive(&alert);
        }
        let Ok(Answer::Spool(rows)) = desk.owner(Verb::Spool) else {
            panic!("a spool")
        };
        let braked: Vec<&spool::Row> = rows.iter().filter(|row| row.state == "braked").collect();
        assert_eq!(braked.len(), 1, "{rows:?}");
        assert_eq!(braked[0].name, noisy);
        assert!(braked[0].reason.contains("nothing is lost"), "{}", braked[0].reason);
        assert_eq!(rows.len(), 31, "what came before the brake stands by itself");
        assert_eq!(
            desk.number(
                "SELECT COUNT(*) FROM message WHERE address = 'monitor@noisy.example'",
                &[]
            ),
            40
        );
        desk.act(ANNA, Verb::Release { what: noisy.into() });
        let Ok(Answer::Spool(rows)) = desk.owner(Verb::Spool) else {
            panic!("a spool")
        };
        assert_eq!(rows.len(), 40);
        assert!(rows.iter().all(|row| row.state == "auto-generated"), "{rows:?}");
    });
}
