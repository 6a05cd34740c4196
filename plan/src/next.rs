//! Whose case is next: earliest due first.
//!
//! This is the plain rule, used until a certified timetable stands (and whenever there is none): of the cases that an
//! engineer may answer the one with the earliest promise, `nice` only between equals, then the older case. The choice
//! says why, so that every screen prints the same sentence.

use crate::target::Severity;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::fmt;

/// A case that is ready to be worked on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Candidate {
    /// Its number.
    pub case: i64,
    /// The earliest open promise.
    pub due: Timestamp,
    /// For the reader; it does not order, since the due time was made from it.
    pub severity: Severity,
    /// −20…19, lower first; orders equals, never overrides a promise.
    pub nice: i8,
    /// Depth of knowledge that it needs, 1 to 4.
    pub layer: u8,
    /// Entry point into the product.
    pub lane: String,
}

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Engineer {
    /// Depth of knowledge, 1 to 4; shallower cases can be answered as well.
    pub layer: u8,
    /// Lanes served; none named means all.
    pub lanes: Vec<String>,
}

impl Engineer {
    /// Whether this engineer may answer a case.
    pub fn may_answer(&self, candidate: &Candidate) -> bool {
        candidate.layer <= self.layer && (self.lanes.is_empty() || self.lanes.contains(&candidate.lane))
    }
}

/// What decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reason {
    /// It is the only one that this engineer can answer.
    Only,
    /// Its promise is the earliest.
    EarliestDue,
    /// Others have the same due time and a higher `nice`.
    Nicer,
    /// Others are equal; it is the oldest of them.
    Oldest,
}

/// Why a case was chosen, with the numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Why {
    /// What decided.
    pub reason: Reason,
    /// Cases that this engineer can answer.
    pub answerable: usize,
    /// Cases ready in all.
    pub ready: usize,
}

impl fmt::Display for Why {
    /// `earliest deadline of the 7 you can answer`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.reason {
            Reason::Only => f.write_str("the only case you can answer"),
            Reason::EarliestDue => write!(f, "earliest deadline of the {} you can answer", self.answerable),
            Reason::Nicer => write!(
                f,
                "earliest deadline of the {} you can answer, lowest nice of those",
                self.answerable
            ),
            Reason::Oldest => write!(
                f,
                "earliest deadline of the {} you can answer, oldest of those",
                self.answerable
            ),
        }
    }
}

/// The case to work on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Choice {
    /// Its number.
    pub case: i64,
    /// Why this one.
    pub why: Why,
}

/// The case that an engineer should take now, if any is ready that they may answer.
pub fn next(candidates: &[Candidate], engineer: &Engineer) -> Option<Choice> {
    let answerable = || candidates.iter().filter(|candidate| engineer.may_answer(candidate));
    let first = answerable().min_by_key(|candidate| (candidate.due, candidate.nice, candidate.case))?;
    let rivals = || answerable().filter(|candidate| candidate.case != first.case && candidate.due == first.due);
    let reason = if answerable().all(|candidate| candidate.case == first.case) {
        Reason::Only
    } else if rivals().next().is_none() {
        Reason::EarliestDue
    } else if rivals().all(|rival| rival.nice > first.nice) {
        Reason::Nicer
    } else {
        Reason::Oldest
    };
    let why = Why {
        reason,
        answerable: answerable().count(),
        ready: candidates.len(),
    };
    Some(Choice { case: first.case, why })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn candidate(case: i64, due_minute: i64, nice: i8, layer: u8, lane: &str) -> Candidate {
        let due = Timestamp::from_second(due_minute * 60).unwrap();
        Candidate {
            case,
            due,
            severity: Severity::Limited,
            nice,
            layer,
            lane: lane.to_owned(),
        }
    }

    fn anybody() -> Engineer {
        Engineer {
            layer: 1,
            lanes: Vec::new(),
        }
    }

    #[test]
    fn the_earliest_promise_is_next_whatever_its_nice() {
        let cases = [
            candidate(1, 30, -20, 1, "operate"),
            candidate(2, 20, 19, 1, "operate"),
            candidate(3, 40, 0, 1, "install"),
        ];
        let choice = next(&cases, &anybody()).unwrap();
        assert_eq!((choice.case, choice.why.reason), (2, Reason::EarliestDue));
        assert_eq!(choice.why.to_string(), "earliest deadline of the 3 you can answer");
    }

    #[test]
    fn nice_orders_equals_and_then_the_older_case_goes_first() {
        let mut cases = vec![candidate(7, 20, 0, 1, "operate"), candidate(5, 20, 0, 1, "operate")];
        let choice = next(&cases, &anybody()).unwrap();
        assert_eq!((choice.case, choice.why.reason), (5, Reason::Oldest));
        cases.push(candidate(9, 20, -1, 1, "operate"));
        let choice = next(&cases, &anybody()).unwrap();
        assert_eq!((choice.case, choice.why.reason), (9, Reason::Nicer));
    }

    #[test]
    fn nobody_is_given_a_case_beyond_their_layer_or_lanes() {
        let cases = [
            candidate(1, 10, 0, 2, "operate"),
            candidate(2, 20, 0, 1, "security"),
            candidate(3, 30, 0, 1, "install"),
        ];
        assert_eq!(next(&cases, &anybody()).unwrap().case, 2);
        let installer = Engineer {
            layer: 3,
            lanes: vec!["install".into()],
        };
        let choice = next(&cases, &installer).unwrap();
        assert_eq!((choice.case, choice.why.reason), (3, Reason::Only));
        let developer = Engineer {
            layer: 3,
            lanes: vec!["develop".into()],
        };
        assert_eq!(next(&cases, &developer), None);
        assert_eq!(next(&[], &anybody()), None);
    }

    #[test]
    fn the_order_of_the_list_does_not_matter() {
        let mut cases: Vec<_> = (0..20)
            .map(|n| candidate(n, 100 - n % 5, (n % 3) as i8, 1, "operate"))
            .collect();
        let forth = next(&cases, &anybody());
        cases.reverse();
        assert_eq!(forth, next(&cases, &anybody()));
    }
}
