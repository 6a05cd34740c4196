//! The stream is played to a running desk under a virtual clock: customers write by SMTP, engineers answer by the verb.
//!
//! The list is served as a public list. The desk keeps the hours of the list's makers, Monday to Friday 08:00-18:00 in
//! California: a default target of ten hours is then a business day, as a support desk would have it. Where nobody of the
//! engineers answered any more in the record, the lead withdraws the promise after it was broken once: a desk that runs
//! for a year does not break the same promise every day.

use super::kit::databases::{TestDatabase, migrated};
use super::kit::desk::TestDesk;
use super::offers;
use super::record::{LIST, Recorded, folder, lines, read, with_our_ids};
use duly::desk::MIGRATIONS;
use duly::desk::engineer::Role;
use duly::desk::verb::{Answer, Verb};
use duly::mail::parse::understand;
use duly::refusal::Kind;
use jiff::SignedDuration;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::Path;
use std::process::Command;
use std::time::Instant;

/// The whole stream.
const ALL: usize = 1850;
const LEAD: &str = "lead@desk.example";

/// A stream being played.
struct Play<'a> {
    mails: &'a [Recorded],
    desk: TestDesk,
    /// Case of each recorded Message-ID.
    case_of: HashMap<&'a str, i64>,
    /// Our Message-ID for each recorded one that became a reply of ours.
    ours: HashMap<String, String>,
    /// Bytes of each arrival, as they were sent.
    sent: BTreeMap<i64, Vec<u8>>,
    /// The last mail of each true thread that an engineer gives as a reply.
    last_reply: HashMap<&'a str, usize>,
    /// The true thread of a case's first mail.
    thread_of: HashMap<i64, &'a str>,
    replies: usize,
    stale: usize,
    withdrawn: usize,
}

#[test]
fn a_year_of_a_support_list_is_served_on_sqlite() {
    play_on("SQLite", ALL);
}

#[test]
fn the_beginning_of_a_support_list_is_served_on_postgresql() {
    play_on("PostgreSQL", FIRST);
}

/// As much as PostgreSQL is given: every statement is a round trip there, and the whole year takes more than a minute on two
/// busy cores. The rules are the same, and the scenarios of `tests/desk` run on both.
const FIRST: usize = 400;

fn play_on(kind: &str, most: usize) {
    let Some(stream) = folder() else { return };
    let Some(mails) = read(&stream, most) else { return };
    let Some(database) = migrated(MIGRATIONS).into_iter().find(|database| database.name == kind) else {
        return;
    };
    let begun = Instant::now();
    let mut play = Play::begin(database, &mails);
    for at in 0..mails.len() {
        play.step(at);
    }
    play.run_out();
    println!("{kind}: played in {:.1} s", begun.elapsed().as_secs_f64());
    play.every_mail_is_in_one_case_and_unchanged();
    play.every_mail_has_a_promise();
    play.nothing_automatic_went_where_it_must_not();
    play.threads_are_whole(&stream);
    play.offers_are_right();
    play.print();
    play.desk.ends_well();
    println!("{kind}: played and checked in {:.1} s", begun.elapsed().as_secs_f64());
}

impl<'a> Play<'a> {
    fn begin(database: TestDatabase, mails: &'a [Recorded]) -> Play<'a> {
        let settings = [
            ("desk", "zone", "America/Los_Angeles"),
            ("desk", "hours", "mon-fri 08:00-18:00"),
            ("mail", "lists", LIST),
            ("mail", "unverified", "schedule"),
        ];
        let mut desk = TestDesk::open(database, &settings, mails[0].date);
        desk.hire(LEAD, "Lead", Role::Lead);
        let engineers: HashSet<&str> = mails
            .iter()
            .filter(|mail| mail.by_engineer)
            .map(|mail| mail.author.as_str())
            .collect();
        for author in &engineers {
            desk.hire(&address_of(author), &format!("Engineer {author}"), Role::Engineer);
        }
        let replies = mails
            .iter()
            .enumerate()
            .filter(|(_, mail)| mail.by_engineer && mail.parent.is_some());
        let last_reply = replies.map(|(at, mail)| (mail.thread.as_str(), at)).collect();
        Play {
            mails,
            desk,
            case_of: HashMap::new(),
            ours: HashMap::new(),
            sent: BTreeMap::new(),
            last_reply,
            thread_of: HashMap::new(),
            replies: 0,
            stale: 0,
            withdrawn: 0,
        }
    }

    fn step(&mut self, at: usize) {
        let mail = &self.mails[at];
        // Mails stand in order of arrival; a Date that lies before the one before counts as that one.
        self.desk.at(mail.date.max(self.desk.now()));
        self.withdraw_what_nobody_will_answer(at);
        let answered = mail
            .parent
            .as_deref()
            .and_then(|parent| self.case_of.get(parent).copied());
        let case = match (mail.by_engineer, answered) {
            (true, Some(case)) => self.reply(mail, case),
            _ => self.arrive(mail),
        };
        self.case_of.insert(&mail.message_id, case);
        self.thread_of.entry(case).or_insert(&mail.thread);
    }

    fn arrive(&mut self, mail: &Recorded) -> i64 {
        let raw = with_our_ids(&mail.raw, &self.ours);
        let place = self.desk.take(&raw, "usrp-users-bounces@lists.ettus.com", &[LIST]);
        self.sent.insert(place.raw, raw);
        place
            .case
            .unwrap_or_else(|| panic!("{} stands in the spool", mail.message_id))
    }

    fn reply(&mut self, mail: &Recorded, case: i64) -> i64 {
        let words = understand(&mail.raw).new_text;
        let words = if words.trim().is_empty() {
            "See above.".into()
        } else {
            words
        };
        let verb = |force_stale| Verb::Reply {
            case,
            text: words.clone(),
            kind: "answer".into(),
            then: Some(format!("wait {}", self.desk.now() + SignedDuration::from_hours(7 * 24))),
            answers: Vec::new(),
            force_stale,
            files: Vec::new(),
        };
        let engineer = address_of(&mail.author);
        let first = self.desk.by(&engineer, verb(false));
        let given = match first {
            // A colleague answered already; this engineer answered too.
            Err(fault) if fault.refusal().kind == Kind::Conflict => {
                self.stale += 1;
                self.desk.by(&engineer, verb(true))
            }
            other => other,
        };
        match given {
            Ok(Answer::Written(written, _)) => self.ours.insert(mail.message_id.clone(), written.message_id),
            other => panic!("the reply {} was not taken: {other:?}", mail.message_id),
        };
        self.replies += 1;
        self.desk.leaves();
        case
    }

    /// Promises that were broken once and that the record never answers.
    fn withdraw_what_nobody_will_answer(&mut self, at: usize) {
        let open = self.desk.rows(
            "SELECT id, case_id FROM promise WHERE state = 'open' AND basis <> 'target' ORDER BY id",
            &[],
        );
        for row in open {
            let (promise, case) = (row.int(0), row.int(1));
            let thread = self.thread_of.get(&case).copied().unwrap_or_default();
            if self.last_reply.get(thread).is_some_and(|last| *last >= at) {
                continue;
            }
            let verb = Verb::Promise {
                case,
                offer: None,
                withdraw: Some("the record has no further answer".into()),
                number: Some(promise),
            };
            self.desk.act(LEAD, verb);
            self.withdrawn += 1;
        }
    }

    /// Lets the year end: what was answered closes, what was not is withdrawn.
    fn run_out(&mut self) {
        for _ in 0..20 {
            self.desk.at(self.desk.now() + SignedDuration::from_hours(24));
            self.withdraw_what_nobody_will_answer(ALL);
        }
        let open = self
            .desk
            .number("SELECT COUNT(*) FROM cases WHERE hand <> 'nobody'", &[]);
        assert_eq!(open, 0, "cases are open after the last of them should have closed");
    }

    fn every_mail_is_in_one_case_and_unchanged(&self) {
        assert_eq!(self.sent.len() + self.replies, self.mails.len());
        let messages = self.desk.number("SELECT COUNT(*) FROM message WHERE way = 'in'", &[]);
        assert_eq!(messages as usize, self.sent.len(), "each is one message");
        for (raw, bytes) in &self.sent {
            let rows = self.desk.rows(
                "SELECT m.case_id, r.bytes FROM arrival a JOIN message m ON m.id = a.message JOIN raw r ON r.id = m.raw
                 WHERE a.id = $1 AND m.raw = a.id",
                &[(*raw).into()],
            );
            assert_eq!(rows.len(), 1, "arrival {raw} is a message of its own");
            assert!(rows[0].opt_int(0).is_some(), "arrival {raw} is in a case");
            assert!(rows[0].bytes(1) == bytes.as_slice(), "arrival {raw} was changed");
        }
    }

    fn every_mail_has_a_promise(&self) {
        let without = self.desk.rows(
            "SELECT m.id FROM message m WHERE m.way = 'in' AND NOT EXISTS (SELECT 1 FROM promise p WHERE p.message = m.id)",
            &[],
        );
        assert!(without.is_empty(), "{} customers' mails have no promise", without.len());
        let first = self.desk.number(
            "SELECT COUNT(*) FROM promise p JOIN message m ON m.id = p.message WHERE p.basis = 'target' AND p.made_at = m.at",
            &[],
        );
        assert_eq!(first as usize, self.sent.len(), "each counts from its receipt");
    }

    fn nothing_automatic_went_where_it_must_not(&self) {
        let machines = self.desk.rows(
            "SELECT address FROM message WHERE way = 'in' AND auto NOT IN ('no', 'list')",
            &[],
        );
        let machines: HashSet<String> = machines.iter().map(|row| row.text(0).to_owned()).collect();
        for mail in self.desk.sink.taken().iter().filter(|mail| mail.is_automatic()) {
            assert!(!mail.is_to(LIST), "automatic mail went to the list: {:?}", mail.rcpt);
            assert!(
                !machines.iter().any(|address| mail.is_to(address)),
                "to a machine: {:?}",
                mail.rcpt
            );
        }
    }

    /// The corpora's own tool counts.
    fn threads_are_whole(&self, stream: &Path) {
        let folder = tempfile::tempdir().expect("a folder");
        let cases: String = self
            .mails
            .iter()
            .map(|mail| {
                let case = self.case_of[mail.message_id.as_str()];
                serde_json::json!({"message_id": mail.message_id, "case": case}).to_string() + "\n"
            })
            .collect();
        std::fs::write(folder.path().join("cases.jsonl"), cases).expect("written");
        let truth: String = lines(&stream.join("threads.jsonl"))
            .iter()
            .take(self.mails.len())
            .map(|line| line.to_string() + "\n")
            .collect();
        std::fs::write(folder.path().join("threads.jsonl"), truth).expect("written");
        let output = Command::new("python3")
            .arg(stream.with_file_name("tools").join("check_threads.py"))
            .arg(folder.path())
            .arg("--cases")
            .arg(folder.path().join("cases.jsonl"))
            .args(["--min-precision", "1.0", "--min-recall", "0.99"])
            .output()
            .expect("python3 ran before");
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        println!("{said}");
        assert!(output.status.success(), "{said}");
    }

    /// Replies that name no mail are offered to a case, not joined; most offers are right.
    fn offers_are_right(&self) {
        let rows = self.desk.rows(
            "SELECT message_id, facts FROM message WHERE way = 'in' AND message_id IS NOT NULL",
            &[],
        );
        let offers = rows.iter().filter_map(|row| {
            let facts: serde_json::Value = serde_json::from_str(row.text(1)).ok()?;
            Some((row.text(0).to_owned(), facts["offer"].as_i64()?))
        });
        let shares = offers::count(self.mails, &self.case_of, &offers.collect());
        println!("offers: {shares:?}");
        if self.mails.len() == ALL {
            assert!(shares.right * 100 >= shares.offered * 80, "{shares:?}");
            assert!(shares.offered * 2 >= shares.replies, "{shares:?}");
        }
    }

    fn print(&self) {
        let count = |sql: &str| self.desk.number(sql, &[]);
        println!(
            "{} mails: {} came in, {} replies given ({} beside a colleague's); {} cases; {} events",
            self.mails.len(),
            self.sent.len(),
            self.replies,
            self.stale,
            count("SELECT COUNT(*) FROM cases"),
            count("SELECT COUNT(*) FROM event"),
        );
        for row in self.desk.rows(
            "SELECT basis, state, COUNT(*) FROM promise GROUP BY basis, state ORDER BY 1, 2",
            &[],
        ) {
            println!("  promises ({}): {} {}", row.text(0), row.int(2), row.text(1));
        }
        for row in self.desk.rows(
            "SELECT m.kind, o.state, COUNT(*) FROM outbox o JOIN message m ON m.id = o.message GROUP BY m.kind, o.state ORDER BY 1, 2",
            &[],
        ) {
            println!("  mails out ({}): {} {}", row.text(0), row.int(2), row.text(1));
        }
        println!("  promises withdrawn by the lead: {}", self.withdrawn);
    }
}

fn address_of(author: &str) -> String {
    format!("{author}@desk.example")
}
