//! A large desk: as many open cases as wanted, filled through the rules of the desk itself, without SMTP and worker.

use crate::report::Report;
use anyhow::{Context, Result};
use duly::config::Config;
use duly::desk::arrival::{self, Envelope};
use duly::desk::engineer::{self, Engineer, NewEngineer, Role};
use duly::desk::ledger::Actor;
use duly::desk::message::{self, Incoming};
use duly::desk::{CaseId, Desk, case, promise, repeat};
use duly::refusal::Outcome;
use duly::serve;
use duly::store::{Store, Tx};
use jiff::{SignedDuration, Timestamp};
use std::sync::Arc;
use std::time::Instant;
use torture::dice::Dice;
use torture::mail::{self, Form};
use torture::relay::Relay;

/// Cases of one transaction.
const BATCH: usize = 1_000;
const CUSTOMERS: u64 = 20_000;

/// A desk with many cases. Nobody serves it unless a measurement starts it.
pub struct Large {
    /// Its folder, and its process if one runs.
    pub program: torture::desk::Desk,
    /// Its rules.
    pub desk: Arc<Desk>,
}

impl Large {
    /// A desk with so many open cases and twelve engineers.
    pub fn filled(cases: usize, report: &mut Report) -> Result<Large> {
        let relay = Relay::start()?;
        let program = torture::desk::Desk::init(relay.address)?.with("DULY_WEB_OPEN", "true");
        let environment = [("DULY_MAIL_UNVERIFIED".to_owned(), "schedule".to_owned())];
        let config = Config::read(program.dir(), environment.into_iter())?;
        let desk = Arc::new(serve::desk_of(program.dir(), &config)?);
        let large = Large { program, desk };
        let began = Instant::now();
        let store = large.store()?;
        let now = Timestamp::now();
        store.write(move |tx| people(tx, now))?;
        let mut dice = Dice::new(20_261_122);
        for first in (0..cases).step_by(BATCH) {
            let (desk, mut own) = (Arc::clone(&large.desk), dice.fork(first as u64));
            dice.roll();
            store.write(move |tx| {
                for number in first..(first + BATCH).min(cases) {
                    open(tx, now, &desk, &mut own, number as u64)?;
                }
                Ok(())
            })?;
        }
        store.close();
        let name = format!("filling a desk with {cases} cases in transactions of {BATCH}");
        report.figure(&name, "cases/s", &[cases as f64 / began.elapsed().as_secs_f64()]);
        Ok(large)
    }

    /// The database, which must not be served at the time.
    pub fn store(&self) -> Result<Store> {
        serve::open_store(self.program.dir(), &Config::new())
    }

    /// Closes the oldest cases, until so many are open.
    pub fn close_all_but(&mut self, open: usize, report: &mut Report) -> Result<()> {
        let store = self.store()?;
        let now = Timestamp::now();
        let all = store.read(duly::desk::queue::counts)?.ours;
        let began = Instant::now();
        let last = all - open as i64;
        for first in (1..=last).step_by(BATCH) {
            store.write(move |tx| {
                (first..(first + BATCH as i64).min(last + 1)).try_for_each(|id| shut(tx, now, CaseId(id)))
            })?;
        }
        store.close();
        report.figure(
            "closing cases, promises withdrawn",
            "cases/s",
            &[last as f64 / began.elapsed().as_secs_f64()],
        );
        Ok(())
    }

    /// An engineer of the desk.
    pub fn engineer(&self, store: &Store) -> Result<Engineer> {
        let found = store.read(|tx| engineer::find(tx, "cpu3@acme.example"));
        found.context("an engineer of the large desk")
    }
}

fn people(tx: &mut Tx<'_>, now: Timestamp) -> Outcome<()> {
    for number in 1..=12 {
        let new = NewEngineer {
            address: format!("cpu{number}@acme.example"),
            name: format!("Engineer {number}"),
            zone: "Europe/Berlin".into(),
            hours: "mon-sun 00:00-24:00".into(),
            layer: 1,
            lanes: Vec::new(),
            role: Role::Engineer,
        };
        engineer::add(tx, now, &new)?;
    }
    Ok(())
}

/// One mail that opens a case. Its return path is empty, so that nothing waits in the outbox.
fn open(tx: &mut Tx<'_>, now: Timestamp, desk: &Desk, dice: &mut Dice, number: u64) -> Outcome<()> {
    let mail = mail::write(dice, number, number % CUSTOMERS, 2_000, Form::Plain);
    let received_at = now - SignedDuration::from_mins(dice.between(1, 60) as i64);
    let envelope = Envelope {
        way: "smtp".into(),
        from: String::new(),
        to: mail.to.clone(),
        peer: "127.0.0.2".into(),
        helo: "mail.customer.example".into(),
    };
    let text = String::from_utf8_lossy(&mail.raw).into_owned();
    let (_, words) = text.split_once("\r\n\r\n").unwrap_or_default();
    let digest = repeat::digest(&mail.raw);
    let raw = arrival::accept(tx, received_at, &envelope, &digest, mail.raw)?;
    let incoming = Incoming {
        raw: raw.0,
        received_at,
        address: mail.from,
        name: Some(format!("Person {}", number % CUSTOMERS)),
        recipients: mail.to,
        message_id: Some(mail.message_id),
        subject: format!("Replica lags after upgrade ({number})"),
        text: words.to_owned(),
        ..Incoming::default()
    };
    message::place(tx, now, desk, &incoming)?;
    Ok(())
}

fn shut(tx: &mut Tx<'_>, now: Timestamp, id: CaseId) -> Outcome<()> {
    for one in promise::open_of(tx, id)? {
        promise::withdraw(tx, now, one.id, Actor::Owner, "closed for a measurement")?;
    }
    case::shut(tx, now, id, Actor::Owner, "answered", "")
}
