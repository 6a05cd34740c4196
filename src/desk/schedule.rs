//! The schedule: the only room that asks the planner. Dates that can be kept, who does what next, what is in danger.
//!
//! The desk at one instant is read from its rows ([`told`]) inside the transaction that asks, and planned anew: nothing of
//! a plan is held in memory, so a transaction that is taken back takes its plan with it. What is remembered is in rows:
//! who has begun a promise and for how long ([`touch`]), how long such work took ([`learnt`]), and everybody's seat in the last
//! certified timetable ([`seats`]).
//!
//! Read are the nearest [`limits::PROMISES_PLANNED`] open promises. A timetable seats them in order of their due times, so
//! what is due later never takes a seat from what is due earlier: within that window the plan is exact. What lies behind it
//! is counted, not seated ([`super::admission`]).

pub mod bound;
pub mod danger;
pub mod date;
pub mod decide;
pub(super) mod learnt;
pub mod load;
mod open;
mod people;
pub mod seats;
pub mod touch;
pub mod what_if;
mod work;

use super::engineer::Engineer;
use super::{CaseId, EngineerId, PromiseId};
use crate::limits;
use crate::refusal::Outcome;
use crate::store::Tx;
use jiff::Timestamp;
use plan::interval::{Interval, Minute};
use plan::snapshot::{KindId, Rules, Snapshot, Work};
use std::collections::BTreeMap;

/// How this desk plans.
pub fn rules() -> Rules {
    Rules {
        quantum: limits::QUANTUM_MINUTES,
        stretch: limits::STRETCH_MINUTES,
        ..Rules::default()
    }
}

/// The minute in which an instant lies.
pub fn minute(at: Timestamp) -> Minute {
    at.as_second().div_euclid(60)
}

/// The instant at which a minute begins; the last there is for one beyond it.
pub fn instant(minute: Minute) -> Timestamp {
    Timestamp::from_second(minute.saturating_mul(60)).unwrap_or(Timestamp::MAX)
}

/// One piece of the plan: an open promise, or the next word that a reply on its way will owe.
#[derive(Debug, Clone)]
pub struct Piece {
    /// The promise; none for a word that is not promised yet.
    pub promise: Option<PromiseId>,
    /// Its case.
    pub case: CaseId,
    /// By when, as the customer was told.
    pub due: Timestamp,
    /// 1 (worst) to 4.
    pub severity: u8,
    /// Orders equals.
    pub nice: i64,
    /// Entry point and depth: who may answer.
    pub lane: String,
    /// See `lane`.
    pub layer: i64,
    /// Whole minutes worked on it.
    pub worked: i64,
    /// Minutes that an engineer reckons with in all.
    pub estimate: Option<i64>,
    /// Its bound was stretched.
    pub stretched: bool,
    /// The first turn of its case.
    pub is_first: bool,
    /// An earlier promise of the same case is open: the reply to that answers this too, unless it says otherwise.
    pub is_further: bool,
    /// Somebody could begin it now: it waits for nothing.
    pub is_ready: bool,
    /// Somebody works on its case now.
    pub in_hand: bool,
    /// By how often its date was moved by us.
    moves: u8,
    begun_by: Option<i64>,
    not_before: Option<Timestamp>,
    planned_due: Timestamp,
}

/// The desk at one instant as the planner is told of it. A promise's number there is its place among `pieces`.
#[derive(Debug, Clone)]
pub struct Told {
    /// What the planner gets.
    pub snapshot: Snapshot,
    /// What its promises are.
    pub pieces: Vec<Piece>,
    /// Who answers.
    pub engineers: Vec<Engineer>,
    /// Open slices: who, on which case, since when.
    pub slices: Vec<(EngineerId, CaseId, Timestamp)>,
    /// Whose hours it is now, and who is not away.
    pub on_duty: Vec<i64>,
    /// More is promised than was read: up to this instant the window is whole.
    pub whole_until: Option<Timestamp>,
    kinds: BTreeMap<(String, i64), KindId>,
    done: Vec<learnt::Done>,
    learnt: learnt::Learnt,
    now: Timestamp,
}

/// Reads the desk. Promises of `without` are left out: their work is asked for anew.
///
/// # Errors
/// What the database said.
pub fn told(tx: &mut Tx<'_>, now: Timestamp, engineers: Vec<Engineer>, without: &[PromiseId]) -> Outcome<Told> {
    let rules = rules();
    let from = (now.as_second() + 59).div_euclid(60);
    let ahead = Interval::new(from, from + rules.horizon);
    let slices = super::queue::slices(tx)?;
    let (pieces, whole_until) = open::pieces(tx, now, without, &slices)?;
    let mut told = Told {
        snapshot: Snapshot {
            now: from,
            rules,
            engineers: Vec::new(),
            kinds: Vec::new(),
            promises: Vec::new(),
        },
        pieces,
        engineers,
        slices,
        on_duty: Vec::new(),
        whole_until,
        kinds: BTreeMap::new(),
        done: Vec::new(),
        learnt: learnt::Learnt::default(),
        now,
    };
    told.snapshot.engineers = people::planned(tx, now, &told.engineers, ahead)?;
    let is_there = |one: &&plan::snapshot::Engineer| one.free.first().is_some_and(|first| first.from <= from);
    told.on_duty = told
        .snapshot
        .engineers
        .iter()
        .filter(is_there)
        .map(|one| one.id)
        .collect();
    for at in 0..told.pieces.len() {
        let (lane, layer) = (told.pieces[at].lane.clone(), told.pieces[at].layer);
        told.kind(&lane, layer);
    }
    let seats = seats::read(tx)?;
    told.done = learnt::read(tx)?;
    told.learn();
    told.snapshot.promises = (0..told.pieces.len()).map(|at| told.promise(at, &seats)).collect();
    told.set_running();
    Ok(told)
}

/// The work that is left of a case's first open promise, as the plan reckons with it; none where nothing is promised.
///
/// # Errors
/// What the database said.
pub fn left_of(tx: &mut Tx<'_>, now: Timestamp, case: CaseId) -> Outcome<Option<Work>> {
    let everybody = super::engineer::who_answers(tx, None)?;
    let told = told(tx, now, everybody, &[])?;
    let place = told.pieces.iter().position(|piece| piece.case == case);
    Ok(place.map(|at| told.snapshot.promises[at].work))
}

impl Told {
    /// The number of what a lane and a layer need; a new one is entered with the classes that can answer it.
    pub fn kind(&mut self, lane: &str, layer: i64) -> KindId {
        if let Some(&id) = self.kinds.get(&(lane.to_owned(), layer)) {
            return id;
        }
        let id = self.kinds.len() as KindId;
        self.kinds.insert((lane.to_owned(), layer), id);
        let classes = people::able(&self.engineers, lane, layer);
        self.snapshot.kinds.push(plan::snapshot::Kind { id, classes });
        id
    }

    /// What was learnt of the kinds that are known now: a new one may have a past of its own.
    fn learn(&mut self) {
        self.learnt = learnt::learnt(&self.done, &self.kinds);
    }

    /// The piece that an engineer has in hand: the first of the case of their open slice.
    pub fn in_hand_of(&self, engineer: EngineerId) -> Option<usize> {
        let (_, case, _) = self.slices.iter().find(|slice| slice.0 == engineer)?;
        self.pieces.iter().position(|piece| piece.case == *case)
    }

    /// The engineer with this number.
    pub fn engineer(&self, id: i64) -> Option<&Engineer> {
        self.engineers.iter().find(|one| one.id.0 == id)
    }

    fn set_running(&mut self) {
        for at in 0..self.engineers.len() {
            let running = self.in_hand_of(self.engineers[at].id);
            self.snapshot.engineers[at].running = running.map(|place| place as i64);
        }
    }

    fn promise(&self, at: usize, seats: &BTreeMap<CaseId, EngineerId>) -> plan::snapshot::Promise {
        let piece = &self.pieces[at];
        let due = self.snapshot.rules.internal(minute(piece.planned_due), piece.moves);
        let kind = self.kinds[&(piece.lane.clone(), piece.layer)];
        plan::snapshot::Promise {
            id: at as i64,
            kind,
            severity: piece.severity,
            due,
            owner: piece.begun_by,
            seat: seats.get(&piece.case).map(|seat| seat.0),
            work: work::left(&self.learnt, kind, piece, self.minutes_of_owner(piece, due)),
            not_before: piece.not_before.map(minute),
            tentative: piece.promise.is_none(),
            moves: piece.moves,
        }
    }

    /// Minutes that whoever has begun a piece is there until its due; none where nobody has.
    fn minutes_of_owner(&self, piece: &Piece, due: Minute) -> Option<i64> {
        let owner = piece.begun_by?;
        let row = self.snapshot.engineers.iter().find(|one| one.id == owner)?;
        let ahead = row.free.iter().take_while(|one| one.from < due);
        Some(ahead.map(|one| one.to.min(due) - one.from).sum())
    }
}
