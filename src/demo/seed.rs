//! The demo's desk, lived through: every story goes through the rules of the desk at its own times, so what a newcomer sees
//! is what the desk itself made of it. Only the network is missing: what would have left is counted as accepted by a
//! server of the demo.

use super::stories::{Kind, Resolution, State, Story, Then, Turn, Who};
use super::{DemoCustomer, DemoEngineer, customers, engineers};
use crate::desk::address::Entry;
use crate::desk::admission::{self, Request, Verdict};
use crate::desk::arrival::{self, Envelope};
use crate::desk::case::{self, Party};
use crate::desk::engineer::{self, Engineer, NewEngineer, Role};
use crate::desk::ledger::Actor;
use crate::desk::message::{self, Incoming};
use crate::desk::outbox::{self, Attempted, Composed, Due, Ended};
use crate::desk::reply::{self, Draft, Next};
use crate::desk::{CaseId, Desk, alarm, customer, promise, repeat, slice};
use crate::refusal::Outcome;
use crate::store::{Store, Tx};
use jiff::{SignedDuration, Timestamp};
use plan::Severity;
use std::sync::{Arc, Mutex};

/// Composes a letter: bytes, and its words. The mail door's business, passed in.
pub type Compose = fn(&Desk, &Due) -> (Vec<u8>, String);

/// One thing that happens in one story.
#[derive(Clone, Copy)]
struct Step {
    at: Timestamp,
    story: usize,
    turn: usize,
}

/// What is remembered of a story while it is told.
#[derive(Clone, Default)]
struct Told {
    case: Option<CaseId>,
    chain: Vec<String>,
}

struct Seed {
    desk: Arc<Desk>,
    stories: Vec<Story>,
    customers: Vec<DemoCustomer>,
    engineers: Vec<Engineer>,
    told: Vec<Told>,
    compose: Compose,
}

/// Steps of one transaction.
const BATCH: usize = 400;

/// Fills an empty store with people, customers and stories that end at `now`.
pub fn fill(store: &Store, desk: &Arc<Desk>, now: Timestamp, mut stories: Vec<Story>, compose: Compose) -> Outcome<()> {
    stories.iter_mut().for_each(end_unanswered);
    let long_ago = now - SignedDuration::from_hours(24 * 500);
    let people = store.write(move |tx| enter_people(tx, long_ago))?;
    let mut steps = Vec::new();
    for (story, one) in stories.iter().enumerate() {
        let mut at = now - SignedDuration::from_mins(i64::from(one.opened_minutes_ago));
        for (turn, what) in one.turns.iter().enumerate() {
            at += SignedDuration::from_mins(i64::from(what.after_minutes));
            steps.push(Step { at, story, turn });
        }
    }
    steps.sort_by_key(|step| (step.at, step.story, step.turn));
    let told = vec![Told::default(); stories.len()];
    let seed = Seed {
        desk: Arc::clone(desk),
        stories,
        customers: customers(),
        engineers: people,
        told,
        compose,
    };
    let seed = Arc::new(Mutex::new(seed));
    for batch in steps.chunks(BATCH) {
        let (seed, batch) = (Arc::clone(&seed), batch.to_vec());
        store.write(move |tx| {
            let mut seed = seed
                .lock()
                .map_err(|_| anyhow::anyhow!("the demo's stories are broken"))?;
            for step in batch {
                seed.alarms(tx, step.at)?;
                seed.step(tx, step)?;
            }
            Ok(())
        })?;
    }
    store.write(move |tx| {
        let seed = seed
            .lock()
            .map_err(|_| anyhow::anyhow!("the demo's stories are broken"))?;
        seed.alarms(tx, now)?;
        seed.present(tx, now)
    })
}

/// A question that the customer never answered wakes its case with the next word owed: the engineer says goodbye.
fn end_unanswered(story: &mut Story) {
    let Some(last) = story.turns.last() else { return };
    if let (State::Closed(_), Some(Kind::Question), Then::Wait { minutes }) = (story.state, last.kind, last.then) {
        let goodbye = Turn {
            who: last.who,
            after_minutes: minutes + 25,
            text: "We have not heard from you and take it that this is settled or no longer matters, so we close the case.".into(),
            kind: Some(Kind::Answer),
            then: Then::Close,
        };
        story.turns.push(goodbye);
    }
}

fn enter_people(tx: &mut Tx<'_>, at: Timestamp) -> Outcome<Vec<Engineer>> {
    for DemoEngineer {
        name,
        address,
        zone,
        hours,
        layer,
        lanes,
        lead,
    } in engineers()
    {
        let new = NewEngineer {
            address: address.to_owned(),
            name: name.to_owned(),
            zone: zone.to_owned(),
            hours: hours.to_owned(),
            layer: i64::from(layer),
            lanes: lanes.iter().map(|&lane| lane.to_owned()).collect(),
            role: if lead { Role::Lead } else { Role::Engineer },
        };
        engineer::add(tx, at, &new)?;
    }
    for one in customers() {
        let id = customer::open(tx, at, one.name, true)?;
        customer::add_domain(tx, id, &one.domain)?;
        for contact in &one.contacts {
            let number = customer::add_contact(tx, at, id, contact.name, &contact.address, None)?;
            customer::set_zone(tx, number, contact.zone.parse().ok().as_ref())?;
        }
    }
    engineers().iter().map(|one| engineer::find(tx, one.address)).collect()
}

impl Seed {
    /// What the clock did before this instant: closing dates, wakes, ends of hours.
    fn alarms(&self, tx: &mut Tx<'_>, until: Timestamp) -> Outcome<()> {
        for _ in 0..1_000 {
            match alarm::next(tx, &self.desk)? {
                Some(at) if at <= until => {
                    alarm::ring(tx, at, &self.desk)?;
                    self.deliver(tx, at)?;
                }
                _ => break,
            }
        }
        Ok(())
    }

    fn step(&mut self, tx: &mut Tx<'_>, step: Step) -> Outcome<()> {
        let turn = self.stories[step.story].turns[step.turn].clone();
        match turn.who {
            Who::Customer => self.customer(tx, step, &turn)?,
            Who::Engineer(who) => self.engineer(tx, step, &turn, who)?,
        }
        self.deliver(tx, step.at + SignedDuration::from_secs(20))
    }

    fn customer(&mut self, tx: &mut Tx<'_>, step: Step, turn: &Turn) -> Outcome<()> {
        let story = &self.stories[step.story];
        let from = &self.customers[story.customer].contacts[story.contact];
        let told = &self.told[step.story];
        let id = format!(
            "{}.{}@{}",
            step.story + 1,
            step.turn + 1,
            self.customers[story.customer].domain
        );
        let subject = if step.turn == 0 {
            story.subject.clone()
        } else {
            format!("Re: {}", story.subject)
        };
        let references: Vec<String> = told.chain.iter().map(|id| format!("<{id}>")).collect();
        let thread = match references.last() {
            Some(last) => format!("In-Reply-To: {last}\r\nReferences: {}\r\n", references.join("\r\n ")),
            None => String::new(),
        };
        let bytes = format!(
            "From: {} <{}>\r\nTo: {}\r\nSubject: {subject}\r\nMessage-ID: <{id}>\r\nDate: {}\r\n{thread}\
             MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n{}\r\n",
            from.name,
            from.address,
            self.desk.address(),
            step.at.strftime("%a, %d %b %Y %H:%M:%S +0000"),
            turn.text.replace('\n', "\r\n"),
        );
        let envelope = Envelope {
            way: "demo".into(),
            from: from.address.clone(),
            to: vec![self.desk.address().to_owned()],
            peer: "127.0.0.1".into(),
            helo: "demo".into(),
        };
        let digest = repeat::digest(bytes.as_bytes());
        let raw = arrival::accept(tx, step.at, &envelope, &digest, bytes.into_bytes())?;
        let severity = Severity::try_from(story.severity).unwrap_or_default();
        let mail = Incoming {
            raw: raw.0,
            received_at: step.at,
            address: from.address.clone(),
            name: Some(from.name.to_owned()),
            envelope_from: from.address.clone(),
            message_id: Some(id.clone()),
            chain: told.chain.clone(),
            subject,
            text: turn.text.clone(),
            severity: Some(severity),
            entry: Entry {
                lane: Some(story.lane.to_owned()),
                product: None,
            },
            ..Incoming::default()
        };
        let placed = message::place(tx, step.at, &self.desk, &mail)?;
        let told = &mut self.told[step.story];
        told.case = placed.and_then(|placed| placed.case);
        told.chain.push(id);
        Ok(())
    }

    fn engineer(&mut self, tx: &mut Tx<'_>, step: Step, turn: &Turn, who: usize) -> Outcome<()> {
        let Some(case) = self.told[step.story].case else {
            return Ok(());
        };
        let engineer = &self.engineers[who];
        let kind = match turn.kind {
            Some(Kind::Answer) | None => reply::Kind::Answer,
            Some(Kind::Question) => reply::Kind::Question,
            Some(Kind::Finding) => reply::Kind::Finding,
            Some(Kind::Note) => {
                let author = (engineer.name.as_str(), engineer.address.as_str());
                message::note(tx, step.at, case, engineer.id, author, &turn.text)?;
                return case::set_owner(tx, case, engineer.id);
            }
        };
        let after = |minutes: u32| step.at + SignedDuration::from_mins(i64::from(minutes));
        let next = match turn.then {
            Then::Owe { minutes } => self.owed(tx, step.at, case, after(minutes))?,
            Then::Wait { minutes } => Next::Wait(after(minutes)),
            Then::Close => Next::Close(resolution(self.stories[step.story].resolution()).to_owned()),
            Then::Nothing => Next::Wait(after(5 * 24 * 60)),
        };
        let draft = Draft {
            case,
            text: turn.text.clone(),
            kind,
            next,
            answers: Vec::new(),
            force_stale: true,
            sign: None,
            files: Vec::new(),
        };
        let written = reply::write(tx, step.at, &self.desk, engineer, &draft)?;
        self.told[step.story].chain.push(written.message_id);
        Ok(())
    }

    /// The next word that a reply owes: at the time of the story, or the earliest that the desk of that day could keep.
    fn owed(&self, tx: &mut Tx<'_>, now: Timestamp, id: CaseId, wish: Timestamp) -> Outcome<Next> {
        let case = case::find(tx, id)?;
        let open: Vec<_> = promise::open_of(tx, id)?.iter().map(|one| one.id).collect();
        let request = Request::of(&case, case.severity, Some(wish), &open);
        Ok(match admission::admit(tx, now, &request)? {
            Verdict::Granted { at, .. } => Next::Owe(at),
            Verdict::Refused { earliest, .. } => Next::Owe(earliest),
            Verdict::NoDate { .. } => Next::Wait(wish),
        })
    }

    /// What would have left by now has been accepted.
    fn deliver(&self, tx: &mut Tx<'_>, at: Timestamp) -> Outcome<()> {
        loop {
            let rows = outbox::due(tx, at, 100)?;
            if rows.is_empty() {
                return Ok(());
            }
            for row in rows {
                let (bytes, text) = (self.compose)(&self.desk, &row);
                let composed = Composed {
                    bytes,
                    text,
                    sealed: String::new(),
                };
                // One that has to let an earlier one go first comes with the next look.
                if outbox::claim(tx, at, &row, Some(composed))? {
                    let attempt = Attempted {
                        began: at,
                        server: Some("demo.example".into()),
                        said: "250 kept".into(),
                        how: Ended::Accepted,
                        doubted: false,
                        relayed: false,
                    };
                    outbox::ended(tx, at, &self.desk, row.id, &attempt)?;
                }
            }
        }
    }

    /// What open cases look like at this instant: slices and waits that no mail tells of.
    fn present(&self, tx: &mut Tx<'_>, now: Timestamp) -> Outcome<()> {
        for (story, told) in self.stories.iter().zip(&self.told) {
            let Some(case) = told.case else { continue };
            match story.state {
                State::Running(who) => slice::open(tx, now, &self.engineers[who], case)?,
                State::Blocked { on, wake_minutes } => {
                    let until = now + SignedDuration::from_mins(i64::from(wake_minutes));
                    let party: Party = on.parse()?;
                    case::block(tx, now, case, Actor::Desk, party, until, "see the note")?;
                }
                State::Ready | State::Waiting | State::Closed(_) => {}
            }
        }
        Ok(())
    }
}

fn resolution(resolution: Option<Resolution>) -> &'static str {
    match resolution {
        Some(Resolution::Solved) => "solved",
        Some(Resolution::Workaround) => "workaround",
        Some(Resolution::FixedUpstream) => "fixed upstream",
        Some(Resolution::Declined) => "declined",
        Some(Resolution::NoReply) => "no reply",
        Some(Resolution::Answered) | None => "answered",
    }
}
