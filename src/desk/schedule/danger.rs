//! Trouble said early: what the plan can no longer hold, until when one can act, what would help, and whom to ask to move
//! (SCHEDULING.md §4.8 of the design). Words and numbers for staff; nothing here is sent to a customer.

use super::decide::minutes;
use super::{Told, instant, told};
use crate::desk::engineer;
use crate::desk::queue::{CaseRow, PromiseRow};
use crate::desk::{CaseId, EngineerId, PromiseId};
use crate::limits;
use crate::refusal::Outcome;
use crate::store::Tx;
use jiff::Timestamp;
use plan::renegotiate::{self, Renegotiation};
use plan::risk::{Cause, Danger, Proposal, Risk};
use plan::schedule::Board;
use plan::{Zone, say};
use serde::{Deserialize, Serialize};

/// Why a promise is at risk, and what would help.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trouble {
    /// How likely it is late, in thousandths.
    pub permille: u32,
    /// The last moment at which somebody with nothing else to do could begin and be in time; none when it has passed.
    pub act_by: Option<Timestamp>,
    /// Why, as half a sentence.
    pub cause: String,
    /// What would help, the least harm first.
    pub proposals: Vec<String>,
}

impl Trouble {
    /// In one line.
    pub fn said(&self, zone: &Zone, now: Timestamp) -> String {
        let act_by = self.act_by.map_or(String::new(), |at| {
            format!("; somebody must begin by {}", say::short(at, zone, now))
        });
        let help = match self.proposals.is_empty() {
            true => String::new(),
            false => format!(". Could help: {}", self.proposals.join("; ")),
        };
        format!("{}{act_by}{help}", self.cause)
    }
}

/// A promise that the plan cannot hold.
#[derive(Debug, Clone)]
pub struct AtRisk {
    /// The promise.
    pub promise: PromiseId,
    /// Its case.
    pub case: CaseId,
    /// By when.
    pub due: Timestamp,
    /// See [`Trouble`].
    pub trouble: Trouble,
}

/// What a lead is to know now.
#[derive(Debug, Clone, Default)]
pub struct Outlook {
    /// Promises at risk, the nearest first.
    pub at_risk: Vec<AtRisk>,
    /// Cases of severity 1 that nobody has begun, and who is asked to take them.
    pub asked: Vec<Asked>,
    /// What each engineer is to do next, in order of time.
    pub planned: Vec<Planned>,
}

/// A piece of work in somebody's timetable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Planned {
    /// Who.
    pub engineer: EngineerId,
    /// On which case.
    pub case: CaseId,
    /// From when.
    pub from: Timestamp,
    /// Until when.
    pub until: Timestamp,
    /// By when the case is promised.
    pub due: Timestamp,
}

/// Interrupt by consent: a case of severity 1 that nobody has begun, and who is asked to take it next.
#[derive(Debug, Clone)]
pub struct Asked {
    /// The case.
    pub case: CaseId,
    /// Who is asked: whose case in hand has the most slack.
    pub engineer: EngineerId,
    /// Their name.
    pub name: String,
    /// What they have in hand.
    pub in_hand: Option<CaseId>,
}

/// Looks at the plan for trouble. A desk on which nothing is promised reads nothing more.
///
/// # Errors
/// What the database said.
pub fn outlook(tx: &mut Tx<'_>, now: Timestamp, zone: &Zone) -> Outcome<Outlook> {
    let everybody = engineer::who_answers(tx, None)?;
    let told = told(tx, now, everybody, &[])?;
    if told.pieces.is_empty() {
        return Ok(Outlook::default());
    }
    let board = Board::within(&told.snapshot, limits::PLAN_STEPS);
    Ok(Outlook {
        at_risk: told.at_risk(&board, zone),
        asked: told.asked(&board),
        planned: told.planned(&board),
    })
}

/// Marks the promises of a list that are at risk, with why and what would help.
///
/// # Errors
/// What the database said.
pub fn mark(tx: &mut Tx<'_>, now: Timestamp, zone: &Zone, rows: &mut [PromiseRow]) -> Outcome<()> {
    if rows.iter().all(|row| row.state != "open") {
        return Ok(());
    }
    let found = outlook(tx, now, zone)?.at_risk;
    for row in rows {
        let own = found.iter().find(|one| one.promise.0 == row.promise);
        row.at_risk = own.is_some();
        row.trouble = own.map(|one| one.trouble.clone());
    }
    Ok(())
}

/// Marks the cases of a list that are at risk, and those that somebody is asked to take next.
///
/// # Errors
/// What the database said.
pub fn mark_cases(tx: &mut Tx<'_>, now: Timestamp, zone: &Zone, rows: &mut [CaseRow]) -> Outcome<()> {
    if rows.iter().all(|row| row.reply_by.is_none()) {
        return Ok(());
    }
    let found = outlook(tx, now, zone)?;
    for row in rows {
        row.at_risk = found.at_risk.iter().any(|one| one.case.0 == row.case);
        let asked = found.asked.iter().find(|one| one.case.0 == row.case);
        row.asked = asked.map(|one| match one.in_hand {
            Some(case) => format!("{} is asked to take it after case {}", one.name, case.0),
            None => format!("{} is asked to take it now", one.name),
        });
    }
    Ok(())
}

/// Which dates to move so that all others are kept, where that is needed: promise, case, what was promised, what can be.
#[derive(Debug, Clone)]
pub struct Remedy {
    /// Dates to move, with what can be promised instead; none within the horizon.
    pub moves: Vec<(CaseId, Timestamp, Option<Timestamp>)>,
    /// Cases that stay late whatever is moved.
    pub lost: Vec<CaseId>,
}

/// Trouble, and the moves that do least harm: what a lead reads when somebody is away.
///
/// # Errors
/// What the database said.
pub fn least_harm(tx: &mut Tx<'_>, now: Timestamp, zone: &Zone) -> Outcome<(Vec<AtRisk>, Remedy)> {
    let everybody = engineer::who_answers(tx, None)?;
    let told = told(tx, now, everybody, &[])?;
    let board = Board::within(&told.snapshot, limits::ADVICE_STEPS);
    let at_risk = told.at_risk(&board, zone);
    let found = match at_risk.is_empty() {
        true => Renegotiation::default(),
        false => renegotiate::least_harm(&told.snapshot),
    };
    let piece = |promise: i64| told.pieces.get(promise as usize);
    let moves = found.moves.iter().filter_map(|one| {
        let piece = piece(one.promise).filter(|piece| piece.promise.is_some())?;
        let rounded = |at| plan::capacity::rounded_up(instant(at), limits::ADMITTED_STEP_MINUTES);
        Some((piece.case, piece.due, one.promised.map(rounded)))
    });
    let lost = found.lost.iter().filter_map(|&id| Some(piece(id)?.case));
    let remedy = Remedy {
        moves: moves.collect(),
        lost: lost.collect(),
    };
    Ok((at_risk, remedy))
}

impl Told {
    pub(super) fn at_risk(&self, board: &Board<'_>, zone: &Zone) -> Vec<AtRisk> {
        let certain = |risk: &Risk| risk.danger == Danger::AtRisk;
        let mut found = Vec::new();
        for risk in board.risks().iter().filter(|risk| certain(risk)) {
            let Some(piece) = self.pieces.get(risk.promise as usize) else {
                continue;
            };
            let Some(promise) = piece.promise else { continue };
            let proposals = risk.proposals.iter().map(|one| self.proposal(one, piece.case, zone));
            found.push(AtRisk {
                promise,
                case: piece.case,
                due: piece.due,
                trouble: Trouble {
                    permille: risk.permille,
                    act_by: risk.act_by.map(instant).filter(|at| *at > self.now),
                    cause: cause(&risk.cause),
                    proposals: proposals.collect(),
                },
            });
        }
        found
    }

    fn planned(&self, board: &Board<'_>) -> Vec<Planned> {
        let rows = board.timetable().rows.into_iter();
        let entries = rows.flat_map(|row| {
            let entries = row.entries.into_iter().take(limits::PLANNED_SHOWN);
            entries.map(move |entry| (row.engineer, entry))
        });
        let planned = |(engineer, entry): (i64, plan::timetable::Entry)| {
            let piece = self.pieces.get(entry.promise as usize)?;
            Some(Planned {
                engineer: EngineerId(engineer),
                case: piece.case,
                from: instant(entry.from),
                until: instant(entry.to),
                due: piece.due,
            })
        };
        entries.filter_map(planned).collect()
    }

    fn proposal(&self, proposal: &Proposal, case: CaseId, zone: &Zone) -> String {
        let name = |id: i64| self.engineer(id).map_or("somebody", |one| one.name.as_str());
        let at = |minute| say::short(instant(minute), zone, self.now);
        match *proposal {
            Proposal::GiveTo { engineer, finish } => format!("{} could be done by {}", name(engineer), at(finish)),
            Proposal::Borrow { engineer, finish } => {
                format!(
                    "{}, who serves other lanes, could be done by {}",
                    name(engineer),
                    at(finish)
                )
            }
            Proposal::Finding => "send what is known as a finding".into(),
            Proposal::Overtime {
                engineer,
                minutes: more,
            } => format!("{} stays {} longer", name(engineer), minutes(more)),
            Proposal::Move => format!(
                "ask the customer to move: duly promise {} --ask --because REASON",
                case.0
            ),
        }
    }

    /// Who is asked to take each case of severity 1 that nobody has begun who is there.
    pub(super) fn asked(&self, board: &Board<'_>) -> Vec<Asked> {
        let waits = |at: &usize| {
            let piece = &self.pieces[*at];
            let is_left = piece.begun_by.is_none_or(|owner| !self.on_duty.contains(&owner));
            piece.severity == 1 && piece.is_ready && is_left && !piece.is_further
        };
        let asked = (0..self.pieces.len()).filter(waits).filter_map(|at| {
            let who = self.engineer(board.interrupt(at as i64)?)?;
            Some(Asked {
                case: self.pieces[at].case,
                engineer: who.id,
                name: who.name.clone(),
                in_hand: self.in_hand_of(who.id).map(|own| self.pieces[own].case),
            })
        });
        asked.take(limits::NAMES_SAID).collect()
    }
}

fn cause(cause: &Cause) -> String {
    match *cause {
        Cause::Nobody => "nobody on the desk may answer it".into(),
        Cause::Past => "its planned time is past".into(),
        Cause::TooLong { minutes: long, most } => format!(
            "it may take {}, and whoever may answer it is there for {} until then",
            minutes(long),
            minutes(most)
        ),
        Cause::Behind {
            promises,
            minutes: taken,
        } => {
            let taken = minutes(taken);
            match promises {
                1 => format!("one promise due earlier takes {taken}"),
                _ => format!("{promises} promises due earlier take {taken}"),
            }
        }
    }
}
