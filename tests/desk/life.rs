//! The whole life of promises, at random: the desk on a database does what the pure table says (campaign of SECURITY.md §4.4,
//! I2 to I5 and I13).
//!
//! A history is a case with one message and up to twenty acts of both sides and of the clock. After each act the rows must be
//! what the table of `negotiation::life` makes of the same act; what admission answered is taken from the desk. The acts of
//! a history stand in one transaction: what is tested is what the desk does, not how often it commits.

use super::kit::databases::migrated;
use duly::desk::engineer::{self, NewEngineer, Role};
use duly::desk::ledger::Actor;
use duly::desk::message::{self, Incoming};
use duly::desk::negotiation::life::{self, Effect, End, Event, Fits, Life, Talk};
use duly::desk::negotiation::{self, Heard, Offer, Way};
use duly::desk::promise::{self, Promise};
use duly::desk::{CaseId, Desk, MIGRATIONS, MessageNo, PromiseId, Unverified, alarm, arrival, proof, repeat};
use duly::refusal::{Fault, Outcome};
use duly::store::{Store, Tx, Value};
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestRng, TestRunner};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

const SEED: [u8; 32] = *b"both sides and the clock at once";

/// An act; times are minutes from when it happens.
#[derive(Debug, Clone, Copy)]
enum Act {
    Offer(i64),
    Ask(i64),
    Accept,
    Fine,
    Keep,
    Grant,
    Decline,
    Reply,
    Withdraw,
    Bounce,
    Pass(i64),
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let ahead = -20i64..3_000;
    let act = prop_oneof![
        3 => ahead.clone().prop_map(Act::Offer),
        3 => ahead.prop_map(Act::Ask),
        3 => Just(Act::Accept),
        1 => Just(Act::Fine),
        1 => Just(Act::Keep),
        1 => Just(Act::Grant),
        1 => Just(Act::Decline),
        1 => Just(Act::Reply),
        1 => Just(Act::Withdraw),
        1 => Just(Act::Bounce),
        4 => (0i64..900).prop_map(Act::Pass),
    ];
    proptest::collection::vec(act, 1..14)
}

fn rules(store: &Store) -> Arc<Desk> {
    let calendar = store.read(|tx| engineer::find(tx, "anna")?.calendar()).expect("hours");
    Arc::new(Desk {
        language: "en".into(),
        languages: vec!["en".into()],
        name: "Acme Support".into(),
        addresses: vec!["support@acme.example".into()],
        entries: Default::default(),
        zone: "Europe/Berlin".parse().expect("a zone"),
        calendar,
        own: Default::default(),
        targets: Default::default(),
        unverified: Unverified::Schedule,
        lists: Vec::new(),
        web: "https://desk.acme.example".into(),
        key: [7; 64],
    })
}

fn hire(store: &Store, now: Timestamp) {
    let anna = NewEngineer {
        address: "anna@acme.example".into(),
        name: "Anna Keller".into(),
        zone: "Europe/Berlin".into(),
        hours: "mon-fri 08:00-18:00".into(),
        layer: 1,
        lanes: Vec::new(),
        role: Role::Lead,
    };
    store
        .write(move |tx| engineer::add(tx, now, &anna))
        .expect("an engineer");
}

/// One history on a desk: rows and model side by side.
struct History<'d> {
    desk: &'d Desk,
    case: CaseId,
    now: Timestamp,
    /// Every promise of the message, as the table has it; the last is the one that may be open.
    lives: Vec<Life>,
    ids: Vec<PromiseId>,
}

impl History<'_> {
    fn open(&self, tx: &mut Tx<'_>) -> Outcome<Option<Promise>> {
        Ok(promise::open_of(tx, self.case)?.into_iter().next())
    }

    /// What the table makes of an event, with the due of what a break promises anew taken from the desk.
    fn model(&mut self, tx: &mut Tx<'_>, now: Timestamp, event: Event) -> Outcome<bool> {
        let Some(&last) = self.lives.last() else {
            return Ok(false);
        };
        let Ok((next, effects)) = life::step(last, now, event) else {
            return Ok(false);
        };
        *self.lives.last_mut().expect("it was there") = next;
        for effect in effects {
            match effect {
                Effect::Make(due, word) => self.lives.push(Life::new(now, due, word)),
                Effect::MakeEarliest => {
                    let made = self.rows(tx)?.pop().expect("a successor");
                    self.lives.push(Life::new(made.made_at, made.due, life::Word::Offered));
                }
                _ => {}
            }
        }
        Ok(true)
    }

    fn rows(&self, tx: &mut Tx<'_>) -> Outcome<Vec<Promise>> {
        let rows = tx.query(
            "SELECT id FROM promise WHERE case_id = $1 ORDER BY id LIMIT 1000",
            &[Value::from(self.case)],
        )?;
        rows.iter()
            .map(|row| promise::find(tx, PromiseId(row.int(0))))
            .collect()
    }

    fn act(&mut self, tx: &mut Tx<'_>, act: Act) -> Outcome<()> {
        let (now, desk) = (self.now, self.desk);
        let named = |ahead: i64| now + SignedDuration::from_mins(ahead);
        let open = self.open(tx)?;
        match (act, open) {
            (Act::Pass(minutes), _) => return self.pass(tx, named(minutes)),
            (Act::Bounce, _) => return self.bounce(tx),
            (_, None) => {}
            (Act::Offer(ahead), Some(promise)) => {
                let at = named(ahead);
                let offer = Offer {
                    at,
                    reason: "",
                    meanwhile: "",
                    signed: None,
                };
                let by = Actor::Desk;
                let done = negotiation::offer(tx, now, desk, by, &desk.zone, &promise, &offer);
                if let Some(step) = refusable(done)? {
                    let step = negotiation::find(tx, step)?;
                    let until = step.until.expect("an offer lapses");
                    assert!(
                        self.model(tx, now, Event::Offer(at, until))?,
                        "the table refuses an offer"
                    );
                }
            }
            (Act::Ask(ahead), Some(promise)) => {
                let wish = named(ahead);
                let done = refusable(negotiation::ask(tx, now, desk, Way::Mail, &promise, wish))?;
                let fits = match done {
                    None => None,
                    Some(Heard::Agreed(_) | Heard::Stays(_)) => Some(Fits::Yes),
                    Some(Heard::Countered(at)) => {
                        let step = negotiation::open_of(tx, promise.id)?.expect("a counter-offer");
                        Some(Fits::Counter(at, step.until.expect("an offer lapses")))
                    }
                    Some(Heard::Asked(until)) => Some(Fits::No(until)),
                };
                if let Some(fits) = fits {
                    assert!(self.model(tx, now, Event::Ask(wish, fits))?, "the table refuses a wish");
                }
            }
            (Act::Accept, Some(promise)) => {
                let Some(step) = negotiation::open_of(tx, promise.id)?.filter(|step| step.kind == "offer") else {
                    return Ok(());
                };
                match refusable(negotiation::accept(tx, now, desk, Way::Link, &step))? {
                    Some(Heard::Agreed(_)) => assert!(self.model(tx, now, Event::Accept)?),
                    Some(Heard::Countered(at)) => {
                        let step = negotiation::open_of(tx, promise.id)?.expect("a counter-offer");
                        let until = step.until.expect("an offer lapses");
                        assert!(self.model(tx, now, Event::Offer(at, until))?);
                    }
                    _ => {}
                }
            }
            (Act::Fine, Some(promise)) => {
                let done = refusable(negotiation::fine(tx, now, desk, Way::Mail, &promise))?;
                assert_eq!(done.is_some(), self.model(tx, now, Event::Fine)?);
            }
            (Act::Keep, Some(promise)) => {
                let done = refusable(negotiation::keep(tx, now, desk, Way::Mail, &promise))?;
                assert_eq!(done.is_some(), self.model(tx, now, Event::Keep)?);
            }
            (Act::Grant, Some(promise)) => {
                let done = negotiation::grant(tx, now, desk, Actor::Desk, &desk.zone, &promise, None);
                if refusable(done)?.is_some() {
                    assert!(self.model(tx, now, Event::Grant)?, "the table refuses a grant");
                }
            }
            (Act::Decline, Some(promise)) => {
                let done = refusable(negotiation::decline(tx, now, desk, Actor::Desk, &promise, ""))?;
                assert_eq!(done.is_some(), self.model(tx, now, Event::Decline)?);
            }
            (Act::Reply, Some(promise)) => {
                let reply = self.reply(tx)?;
                promise::keep(tx, now, desk, promise.id, reply, now, Actor::Desk)?;
                assert!(self.model(tx, now, Event::Reply(now))?);
            }
            (Act::Withdraw, Some(promise)) => {
                promise::withdraw(tx, now, promise.id, Actor::Desk, "nobody wants it")?;
                assert!(self.model(tx, now, Event::Withdraw)?);
            }
        }
        Ok(())
    }

    fn reply(&self, tx: &mut Tx<'_>) -> Outcome<MessageNo> {
        let anna = engineer::find(tx, "anna")?;
        message::written(
            tx,
            self.now,
            self.case,
            anna.id,
            ("Anna", "anna@acme.example"),
            "out",
            "answer",
            "x",
            "y",
        )
    }

    /// The reply that kept the last promise comes back for good.
    fn bounce(&mut self, tx: &mut Tx<'_>) -> Outcome<()> {
        let Some(last) = self.rows(tx)?.pop().filter(|last| last.state == "kept") else {
            return Ok(());
        };
        promise::reopen(tx, self.now, self.desk, &last)?;
        assert!(self.model(tx, self.now, Event::Bounce)?);
        if last.due <= self.now {
            assert!(
                self.model(tx, self.now, Event::Due)?,
                "what is due by then is broken at once"
            );
        }
        Ok(())
    }

    /// The clock reaches an instant; what rings on the way rings at its own time.
    fn pass(&mut self, tx: &mut Tx<'_>, then: Timestamp) -> Outcome<()> {
        while let Some(next) = alarm::next(tx, self.desk)?.filter(|next| *next <= then) {
            assert!(next.max(self.now) >= self.now, "I13");
            self.now = next.max(self.now);
            while alarm::ring(tx, self.now, self.desk)? {}
            while let Some(life) = self.lives.last().copied().filter(|life| life.end.is_none()) {
                let event = match life.wakes_at().filter(|wakes| *wakes <= self.now) {
                    None => break,
                    Some(_) if life.due <= self.now => Event::Due,
                    Some(_) => Event::Lapse,
                };
                assert!(self.model(tx, self.now, event)?);
            }
        }
        self.now = then;
        Ok(())
    }

    /// Rows and model agree, and what must hold holds.
    fn check(&mut self, tx: &mut Tx<'_>) -> Outcome<()> {
        let rows = self.rows(tx)?;
        assert_eq!(rows.len(), self.lives.len(), "{rows:#?}\n{:#?}", self.lives);
        assert!(!rows.is_empty(), "I2: the message has a promise");
        for (row, model) in rows.iter().zip(&self.lives) {
            let (is, _) = negotiation::life_of(tx, row)?;
            let state = match model.end {
                None => "open",
                Some(End::Kept(_)) => "kept",
                Some(End::Moved(_)) => "moved",
                Some(End::Broken) => "broken",
                Some(End::Withdrawn) => "withdrawn",
            };
            assert_eq!(row.state, state, "{row:?} {model:?}");
            assert_eq!(
                (is.due, is.word, is.talk),
                (model.due, model.word, model.talk),
                "{row:?}"
            );
            assert_eq!(model.complaint(), None);
            assert!(row.due >= row.made_at, "I4: {row:?}");
            assert_eq!(row.message, rows[0].message, "the same message is answered");
        }
        // I4: what was promised once is never edited.
        let ids: Vec<PromiseId> = rows.iter().map(|row| row.id).collect();
        assert!(ids.starts_with(&self.ids), "I4: no promise goes away");
        self.ids = ids;
        // I3: a settled promise and its one event of settling.
        let told = tx.query(
            "SELECT p.id, p.state, COUNT(v.seq) FROM promise p LEFT JOIN event v ON v.promise = p.id AND v.kind = 'promise.' || p.state
             WHERE p.case_id = $1 AND p.state <> 'open' GROUP BY p.id, p.state LIMIT 1000",
            &[Value::from(self.case)],
        )?;
        assert!(told.iter().all(|row| row.int(2) >= 1), "I3: the ledger knows why");
        // I5: a letter stands in the outbox since the instant of what caused it, and a break never lacks its letter.
        let causeless = tx.one(
            "SELECT COUNT(*) FROM outbox o WHERE o.case_id = $1 AND NOT EXISTS
                 (SELECT 1 FROM event v WHERE v.case_id = o.case_id AND v.at = o.made_at)",
            &[Value::from(self.case)],
        )?;
        let untold = tx.one(
            "SELECT COUNT(*) FROM event v WHERE v.case_id = $1 AND v.kind = 'promise.broken' AND NOT EXISTS
                 (SELECT 1 FROM outbox o WHERE o.case_id = v.case_id AND o.made_at = v.at AND o.automatic = 1)",
            &[Value::from(self.case)],
        )?;
        assert_eq!((causeless.int(0), untold.int(0)), (0, 0), "I5");
        Ok(())
    }
}

/// What the desk refuses is no failure of the test.
fn refusable<T>(outcome: Outcome<T>) -> Outcome<Option<T>> {
    match outcome {
        Ok(done) => Ok(Some(done)),
        Err(Fault::Refused(_)) => Ok(None),
        Err(fault) => Err(fault),
    }
}

/// A case with one message of somebody nobody knows yet.
fn begin(tx: &mut Tx<'_>, now: Timestamp, desk: &Desk, number: i64) -> Outcome<CaseId> {
    let from = format!("c{number}@customer.example");
    let raw = format!("{number}").into_bytes();
    let envelope = arrival::Envelope {
        way: "smtp".into(),
        from: from.clone(),
        to: vec!["support@acme.example".into()],
        peer: "127.0.0.1".into(),
        helo: "mx".into(),
    };
    let digest = repeat::digest(&raw);
    let raw = arrival::accept(tx, now, &envelope, &digest, raw)?;
    let incoming = Incoming {
        raw: raw.0,
        received_at: now,
        address: from.clone(),
        envelope_from: from,
        recipients: vec!["support@acme.example".into()],
        message_id: Some(format!("m{number}@customer.example")),
        subject: format!("Question {number}"),
        text: "It stops.".into(),
        ..Incoming::default()
    };
    let placed = message::place(tx, now, desk, &incoming)?.expect("a place");
    Ok(placed.case.expect("a case"))
}

/// Plays one history in one transaction; when it ended.
fn play(store: &Store, desk: &Arc<Desk>, number: i64, begun: Timestamp, acts: Vec<Act>) -> Timestamp {
    let rules = Arc::clone(desk);
    let ended = store.write(move |tx| {
        let case = begin(tx, begun, &rules, number)?;
        let first = promise::open_of(tx, case)?.remove(0);
        let mut history = History {
            desk: &rules,
            case,
            now: begun,
            lives: vec![Life::new(first.made_at, first.due, life::Word::Offered)],
            ids: Vec::new(),
        };
        for act in acts {
            history.act(tx, act)?;
            let now = history.now;
            history.pass(tx, now)?;
            history.check(tx)?;
        }
        // The next history begins on an empty desk.
        history.act(tx, Act::Withdraw)?;
        let left = tx.one("SELECT COUNT(*) FROM booked", &[])?;
        assert_eq!(left.int(0), 0, "nothing is booked for what is settled");
        let open = tx.one("SELECT COUNT(*) FROM negotiation WHERE state = 'open'", &[])?;
        assert_eq!(open.int(0), 0);
        let talk = matches!(history.lives.last().map(|life| life.talk), Some(Talk::Quiet));
        assert!(talk);
        Ok(history.now)
    });
    ended.unwrap_or_else(|fault| panic!("{fault:?}"))
}

fn histories(name: &str, usual: u32) -> u32 {
    let asked = std::env::var(name).ok().and_then(|text| text.parse().ok());
    asked.unwrap_or(usual)
}

#[test]
fn the_desk_does_what_the_table_says_in_every_history() {
    for database in migrated(MIGRATIONS) {
        let store = database.open(MIGRATIONS);
        let begun: Timestamp = "2026-03-02T08:00:00Z".parse().expect("a time");
        hire(&store, begun);
        let desk = rules(&store);
        let cases = match database.is_postgres() {
            true => histories("DULY_HISTORIES_POSTGRES", 500),
            false => histories("DULY_HISTORIES_SQLITE", 2_000),
        };
        println!(
            "{}: {cases} histories from seed {:?}",
            database.name,
            String::from_utf8_lossy(&SEED)
        );
        let config = Config {
            cases,
            failure_persistence: None,
            max_shrink_iters: 200,
            ..Config::default()
        };
        let mut runner = TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &SEED));
        let number = AtomicI64::new(0);
        let clock = AtomicI64::new(begun.as_second());
        let ran = runner.run(&acts(), |acts| {
            let number = number.fetch_add(1, Ordering::SeqCst);
            let at = Timestamp::from_second(clock.load(Ordering::SeqCst)).expect("a time");
            let played =
                std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| play(&store, &desk, number, at, acts)));
            match played {
                Ok(ended) => {
                    clock.store(ended.as_second() + 60, Ordering::SeqCst);
                    Ok(())
                }
                Err(_) => Err(TestCaseError::fail("see above")),
            }
        });
        ran.unwrap_or_else(|cause| panic!("{}: {cause}", database.name));
        let whole = store.read_sealed(|tx| proof::verify(tx, &[]));
        assert!(whole.is_ok(), "{whole:?}");
    }
}
