//! A whole desk in this process under a clock that the test moves: mail comes in by SMTP, leaves to a sink, and alarms ring
//! when their time is reached. Made by what `duly init` does, on SQLite or PostgreSQL.
//!
//! A scenario is plain blocking code; the desk runs on a runtime beside it. Nothing sleeps for a guess: a helper returns
//! when the desk is *quiet*, that is when no arrival waits, no mail is due to leave, and no alarm has rung unheard.

use super::databases::{TestDatabase, migrated};
use super::mail::{Client, Mail};
use super::names::Names;
use super::sink::{Sink, Taken};
use duly::cli::args::Init;
use duly::clock::Clock;
use duly::config::Config;
use duly::desk::case::State;
use duly::desk::engineer::{self, NewEngineer, Role};
use duly::desk::queue::CasePage;
use duly::desk::verb::{Answer, Done, Principal, Verb, perform};
use duly::desk::{Desk, MIGRATIONS, alarm, outbox, thread};
use duly::refusal::{Kind, Outcome};
use duly::serve::{Outside, Running, Start};
use duly::store::{Row, Store, Tx, Value};
use jiff::{SignedDuration, Timestamp};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::runtime::Runtime;

/// The desk's address.
pub const DESK: &str = "support@acme.example";
/// The engineer whom [`TestDesk::hire`] adds first; the lead of the desk.
pub const ANNA: &str = "anna@acme.example";
/// Monday morning, 09:00 in Berlin, where the desk stands; it works Monday to Friday, 09:00 to 17:00.
pub const MONDAY: &str = "2026-03-02T08:00:00Z";

/// Wall-clock time in which a desk must become quiet; far more than any machine needs.
const PATIENCE: Duration = Duration::from_secs(60);

/// One desk and the world around it.
pub struct TestDesk {
    /// Which database it stands on, for messages of assertions.
    pub on: &'static str,
    pub clock: Clock,
    /// Where its mail goes.
    pub sink: Sink,
    /// Whom it asks for names; knows none but those that a test gives it.
    pub names: Names,
    running: Option<Running>,
    client: Option<Client>,
    config: Config,
    /// What reads its mail.
    worker: PathBuf,
    outside: Option<Outside>,
    runtime: Runtime,
    folder: tempfile::TempDir,
    _database: TestDatabase,
}

/// Where a mail stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    pub raw: i64,
    pub message: i64,
    pub case: Option<i64>,
}

impl Place {
    /// The case, where there must be one.
    pub fn case(&self) -> i64 {
        self.case.expect("the mail stands in a case")
    }
}

/// Plays a scenario on a desk of each database and checks what must hold at the end of every one.
pub fn on_both(scenario: impl Fn(&mut TestDesk)) {
    with(&[("mail", "unverified", "schedule")], scenario);
}

/// As [`on_both`], with other settings: unverified mail is held unless they say otherwise.
pub fn with(settings: &[(&str, &str, &str)], scenario: impl Fn(&mut TestDesk)) {
    for database in migrated(MIGRATIONS) {
        let mut desk = TestDesk::open(database, settings, time(MONDAY));
        desk.hire(ANNA, "Anna Keller", Role::Lead);
        scenario(&mut desk);
        desk.ends_well();
    }
}

/// As [`on_both`], for a scenario after which nothing holds any more.
pub fn spoiled(scenario: impl Fn(&mut TestDesk)) {
    for database in migrated(MIGRATIONS) {
        let mut desk = TestDesk::open(database, &[("mail", "unverified", "schedule")], time(MONDAY));
        desk.hire(ANNA, "Anna Keller", Role::Lead);
        scenario(&mut desk);
        desk.stop();
    }
}

/// An instant as RFC 3339 writes it.
pub fn time(text: &str) -> Timestamp {
    text.parse().unwrap_or_else(|cause| panic!("{text}: {cause}"))
}

impl TestDesk {
    /// A running desk that takes mail for [`DESK`], its clock at `now`.
    pub fn open(database: TestDatabase, settings: &[(&str, &str, &str)], now: Timestamp) -> TestDesk {
        TestDesk::open_into(database, settings, now, None)
    }

    /// As [`TestDesk::open`], with a world of its own to send into; then `mail.relay` is to be empty.
    pub fn open_into(
        database: TestDatabase,
        settings: &[(&str, &str, &str)],
        now: Timestamp,
        outside: Option<Outside>,
    ) -> TestDesk {
        TestDesk::made(database, settings, now, outside, |_| ())
    }

    /// As [`TestDesk::open`], in a folder to which something is added before the desk starts.
    pub fn prepared(
        database: TestDatabase,
        settings: &[(&str, &str, &str)],
        add: impl Fn(&std::path::Path),
    ) -> TestDesk {
        TestDesk::made(database, settings, time(MONDAY), None, add)
    }

    fn made(
        database: TestDatabase,
        settings: &[(&str, &str, &str)],
        now: Timestamp,
        outside: Option<Outside>,
        add: impl Fn(&std::path::Path),
    ) -> TestDesk {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build()
            .expect("a runtime");
        let folder = tempfile::tempdir().expect("a folder");
        let init = Init {
            name: Some("Acme Support".into()),
            address: Some(DESK.into()),
            zone: Some("Europe/Berlin".into()),
            hours: Some("mon-fri 09:00-17:00".into()),
            database: database.url(),
            admin: None,
        };
        duly::cli::init::make(folder.path(), &init, now).expect("a desk is made");
        let mut config = Config::read(folder.path(), std::iter::empty()).expect("its settings");
        let sink = runtime.block_on(Sink::start(Vec::new()));
        let names = Names::start();
        let around = [
            ("mail", "smtp", "127.0.0.1:0".to_owned()),
            ("web", "http", "127.0.0.1:0".to_owned()),
            ("mail", "relay", sink.address.to_string()),
            ("mail", "resolver", names.address.to_string()),
        ];
        for (section, name, value) in around {
            config.set(section, name, &value).expect("a setting");
        }
        for (section, name, value) in settings {
            config.set(section, name, value).expect("a setting");
        }
        let mut desk = TestDesk {
            on: database.name,
            clock: Clock::hand(now),
            sink,
            names,
            running: None,
            client: None,
            config,
            worker: PathBuf::from(env!("CARGO_BIN_EXE_duly")),
            outside,
            runtime,
            folder,
            _database: database,
        };
        add(desk.folder.path());
        desk.start();
        desk
    }

    /// Starts the desk, or starts it again.
    pub fn start(&mut self) {
        let start = Start {
            dir: self.folder.path().to_owned(),
            config: self.config.clone(),
            clock: self.clock.clone(),
            worker: (self.worker.clone(), vec!["mail-worker".into()]),
            outside: self.outside.clone(),
        };
        let running = self.runtime.block_on(Running::start(start));
        self.running = Some(running.unwrap_or_else(|cause| panic!("{}: {cause:#}", self.on)));
    }

    /// Starts a stopped desk that may refuse to: why it did.
    pub fn refuses_to_start(&mut self) -> String {
        let start = Start {
            dir: self.folder.path().to_owned(),
            config: self.config.clone(),
            clock: self.clock.clone(),
            worker: (self.worker.clone(), vec!["mail-worker".into()]),
            outside: self.outside.clone(),
        };
        match self.runtime.block_on(Running::start(start)) {
            Ok(_) => panic!("{}: the desk has started", self.on),
            Err(cause) => cause.to_string(),
        }
    }

    /// Another setting, from the next start on.
    pub fn set(&mut self, section: &str, name: &str, value: &str) {
        self.config.set(section, name, value).expect("a setting");
    }

    /// Starts a stopped desk with mails queued that it did not write: `queue` puts so many to each domain in a desk that
    /// holds all mail, and the desk is started once more without the brake.
    pub fn start_held(&mut self, mails: &[(&'static str, i64)], queue: impl Fn(&TestDesk, &'static str, i64)) {
        self.start();
        self.owner(Verb::Hold { hold: true }).expect("held");
        for (domain, count) in mails {
            queue(self, domain, *count);
        }
        self.stop();
        self.start();
        let all = "all".to_owned();
        self.owner(Verb::Release { what: all }).expect("released");
    }

    /// Stops the desk in order.
    pub fn stop(&mut self) {
        self.client = None;
        let running = self.running.take().expect("the desk runs");
        self.runtime.block_on(running.stop());
    }

    fn running(&self) -> &Running {
        self.running.as_ref().expect("the desk runs")
    }

    pub fn store(&self) -> &Store {
        &self.running().store
    }

    pub fn rules(&self) -> Arc<Desk> {
        Arc::clone(&self.running().desk)
    }

    /// Where its pages are.
    pub fn http(&self) -> std::net::SocketAddr {
        self.running().http
    }

    /// Where it takes mail.
    pub fn smtp(&self) -> std::net::SocketAddr {
        self.running().smtp
    }

    pub fn folder(&self) -> &std::path::Path {
        self.folder.path()
    }

    /// Another program to read mail with, from the next start on.
    pub fn read_mail_with(&mut self, program: PathBuf) {
        self.worker = program;
    }

    /// Rows of a statement.
    pub fn rows(&self, sql: &str, values: &[Value]) -> Vec<Row> {
        self.read(|tx| tx.query(sql, values))
    }

    /// The number that a statement gives.
    pub fn number(&self, sql: &str, values: &[Value]) -> i64 {
        self.read(|tx| Ok(tx.one(sql, values)?.int(0)))
    }

    fn read<T>(&self, job: impl FnOnce(&mut Tx<'_>) -> Outcome<T>) -> T {
        self.store()
            .read(job)
            .unwrap_or_else(|cause| panic!("{}: {cause}", self.on))
    }

    /// Does something to the tables that no verb does.
    pub fn tamper(&self, sql: &'static str) {
        let done = self.store().write(move |tx| tx.execute(sql, &[]));
        assert!(done.is_ok_and(|rows| rows > 0), "{}: {sql}", self.on);
    }

    // --- time

    /// The time by which the desk acts; of one that is stopped, what its clock says.
    pub fn now(&self) -> Timestamp {
        let running = self.running.as_ref();
        running.map_or_else(|| self.clock.now(), |running| running.clock.now())
    }

    /// Lets the time come: every alarm and every mail that is due before then has its own instant.
    pub fn at(&mut self, then: Timestamp) {
        self.quiet();
        while let Some(next) = self.next_instant().filter(|next| *next <= then) {
            self.clock.set(next.max(self.now()));
            self.quiet();
        }
        self.clock.set(then.max(self.now()));
        self.quiet();
    }

    /// Lets so many minutes pass.
    pub fn minutes(&mut self, minutes: i64) {
        self.at(self.now() + SignedDuration::from_mins(minutes));
    }

    /// Moves the clock without letting anything happen in between; for a desk that is stopped.
    pub fn jump(&self, then: Timestamp) {
        self.clock.set(then);
    }

    fn next_instant(&self) -> Option<Timestamp> {
        let rules = self.rules();
        self.read(|tx| next_instant(tx, &rules))
    }

    /// Waits until every mail that came in has its place.
    pub fn placed(&self) {
        self.wait_for("mail to be understood", || {
            self.number("SELECT COUNT(*) FROM arrival WHERE placed_at IS NULL", &[]) == 0
        });
    }

    /// Waits until nothing is left to be done now.
    pub fn quiet(&self) {
        self.placed();
        self.wait_for("alarms and the outbox to be quiet", || {
            let rules = self.rules();
            // One snapshot: a row that goes from waiting to sending between two looks would be seen by neither.
            let (sending, next) = self.read(|tx| {
                let sending = tx.first("SELECT 1 FROM outbox WHERE state = 'sending' LIMIT 1", &[])?;
                Ok((sending.is_some(), next_instant(tx, &rules)?))
            });
            !sending && next.is_none_or(|next| next > self.now())
        });
    }

    /// Looks again and again until it is so.
    pub fn wait_for(&self, what: &str, is_so: impl Fn() -> bool) {
        let begun = Instant::now();
        while !is_so() {
            assert!(
                begun.elapsed() < PATIENCE,
                "{}: waited in vain for {what}; next instant {:?}, now {}",
                self.on,
                self.next_instant(),
                self.now()
            );
            std::thread::sleep(Duration::from_micros(500));
        }
    }

    // --- mail in

    /// Hands bytes to the desk's SMTP door; the reply to the last command that was said.
    pub fn send(&mut self, raw: &[u8], from: &str, to: &[&str]) -> (u16, String) {
        let smtp = self.running().smtp;
        let client = self.client.get_or_insert_with(|| Client::connect(smtp));
        let said = client.send(raw, from, to);
        if said.0 == 421 {
            self.client = None;
        }
        said
    }

    /// A mail comes in and gets its place; nothing else is waited for.
    pub fn take(&mut self, raw: &[u8], from: &str, to: &[&str]) -> Place {
        let said = self.send(raw, from, to);
        assert_eq!(said.0, 250, "{}: {}", self.on, said.1);
        let raw = self.number("SELECT MAX(id) FROM arrival", &[]);
        self.placed();
        self.place_of(raw)
    }

    /// Where an arrival stands.
    pub fn place_of(&self, raw: i64) -> Place {
        let rows = self.rows(
            "SELECT m.id, m.case_id FROM arrival a JOIN message m ON m.id = a.message WHERE a.id = $1",
            &[Value::from(raw)],
        );
        let row = rows.first().expect("every arrival has its place");
        Place {
            raw,
            message: row.int(0),
            case: row.opt_int(1),
        }
    }

    /// A letter comes in from its author, gets its place, and what follows from it now has happened.
    pub fn receive(&mut self, mail: &Mail) -> Place {
        let to: Vec<String> = mail.recipients();
        let to: Vec<&str> = to.iter().map(String::as_str).collect();
        let place = self.take(&mail.bytes(), &mail.envelope_from(), &to);
        self.quiet();
        place
    }

    // --- verbs

    /// Adds an engineer who is always on duty.
    pub fn hire(&mut self, address: &str, name: &str, role: Role) {
        self.hire_with(NewEngineer {
            address: address.into(),
            name: name.into(),
            zone: "Europe/Berlin".into(),
            hours: "mon-sun 00:00-24:00".into(),
            layer: 1,
            lanes: Vec::new(),
            role,
        });
    }

    /// Adds an engineer.
    pub fn hire_with(&mut self, engineer: NewEngineer) {
        self.owner(Verb::CpuAdd { engineer }).expect("an engineer is added");
    }

    /// Asks as the owner of the data directory.
    pub fn owner(&self, verb: Verb) -> Outcome<Answer> {
        perform(self.store(), &self.rules(), self.now(), Principal::Owner, verb)
    }

    /// Asks as an engineer.
    pub fn by(&self, address: &str, verb: Verb) -> Outcome<Answer> {
        let engineer = self.read(|tx| engineer::find(tx, address));
        let who = Principal::Engineer(Box::new(engineer));
        perform(self.store(), &self.rules(), self.now(), who, verb)
    }

    /// Does as an engineer what must succeed, and says what the desk said.
    pub fn act(&self, address: &str, verb: Verb) -> String {
        match self.by(address, verb) {
            Ok(Answer::Done(Done { said, .. }) | Answer::Written(_, said)) => said,
            Ok(other) => panic!("{}: {other:?} is no act", self.on),
            Err(fault) => panic!("{}: {fault}", self.on),
        }
    }

    /// Asks what must be refused, and says with which words.
    pub fn refused(&self, address: &str, verb: Verb, kind: Kind) -> String {
        match self.by(address, verb.clone()) {
            Ok(answer) => panic!("{}: {verb:?} was not refused: {answer:?}", self.on),
            Err(fault) => {
                let refusal = fault.refusal();
                assert_eq!(refusal.kind, kind, "{}: {fault}", self.on);
                refusal.text
            }
        }
    }

    /// The answer of Anna, who says what happens next.
    pub fn answer(&self, case: i64, then: &str) -> String {
        self.act(ANNA, reply(case, "answer", Some(then)))
    }

    /// Anna answers, and her reply leaves after its hold.
    pub fn answered(&mut self, case: i64, then: &str) {
        self.answer(case, then);
        self.leaves();
    }

    /// What is held leaves.
    pub fn leaves(&mut self) {
        self.at(self.now() + SignedDuration::from_secs(duly::limits::HOLD_SECONDS));
    }

    /// A case with everything about it.
    pub fn page(&self, case: i64) -> CasePage {
        match self.owner(Verb::Show { case, messages: None }) {
            Ok(Answer::Case(page)) => *page,
            other => panic!("{}: {other:?}", self.on),
        }
    }

    pub fn state(&self, case: i64) -> State {
        self.page(case).row.state
    }

    /// Its promises as `state due`, oldest first; the due in UTC.
    pub fn promises(&self, case: i64) -> Vec<String> {
        let promises = self.page(case).promises;
        promises
            .iter()
            .map(|one| format!("{} {}", one.state, one.due))
            .collect()
    }

    // --- mail out

    /// The signed address from which a case writes to somebody: where their server's reports come.
    pub fn return_path(&self, case: i64, recipient: &str) -> String {
        let rows = self.rows("SELECT key FROM cases WHERE id = $1", &[Value::from(case)]);
        let key = rows.first().expect("a case").text(0).to_owned();
        thread::reply_address(&self.rules(), &key, recipient)
    }

    /// Kinds of the mails out to an address that were taken, in order.
    pub fn sent_to(&self, address: &str) -> Vec<String> {
        let rows = self.rows(
            "SELECT m.kind FROM outbox o JOIN message m ON m.id = o.message
             WHERE o.recipient = $1 AND o.state = 'accepted' ORDER BY o.settled_at, o.id",
            &[Value::from(address)],
        );
        rows.iter().map(|row| row.text(0).to_owned()).collect()
    }

    /// The Message-ID of the newest reply in a case.
    pub fn reply_id(&self, case: i64) -> String {
        let rows = self.rows(
            "SELECT message_id FROM message WHERE case_id = $1 AND way = 'out' AND engineer IS NOT NULL ORDER BY id DESC LIMIT 1",
            &[Value::from(case)],
        );
        rows.first().map(|row| row.text(0).to_owned()).expect("a reply")
    }

    /// Mails that the sink took for an address.
    pub fn mails_to(&self, address: &str) -> Vec<Taken> {
        let mut taken = self.sink.taken();
        taken.retain(|mail| mail.accepted && mail.is_to(address));
        taken
    }
}

/// When something is to happen next by itself.
fn next_instant(tx: &mut Tx<'_>, rules: &Desk) -> Outcome<Option<Timestamp>> {
    let alarm = alarm::next(tx, rules)?;
    Ok(alarm.into_iter().chain(outbox::next_due(tx)?).min())
}

/// A reply that says its kind, with words of its own.
pub fn reply(case: i64, kind: &str, then: Option<&str>) -> Verb {
    Verb::Reply {
        case,
        text: format!("This is the {kind} to case {case}."),
        kind: kind.into(),
        then: then.map(str::to_owned),
        answers: Vec::new(),
        force_stale: false,
        files: Vec::new(),
    }
}
