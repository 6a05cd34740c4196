//! A cut: people, a time, and promised work that only they can do by then and that needs more minutes than they have.
//!
//! It proves that a date is not possible, without the planner: whoever adds up the minutes sees it (`plan-check` does).

use crate::grid::Grid;
use crate::interval::Minute;
use crate::limits;
use crate::schedule::Board;
use crate::slack::Below;
use crate::snapshot::{ClassId, EngineerId, KindId, PromiseId};
use serde::{Deserialize, Serialize};

/// Too little time before a date.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cut {
    /// For each kind of work in it: what is due by then counts.
    pub kinds: Vec<(KindId, Minute)>,
    /// For each class: its working minutes until then count. Every class that can answer one of the kinds is here, with
    /// a time no earlier than that kind's.
    pub classes: Vec<(ClassId, Minute)>,
    /// The people of those classes who work before that.
    pub engineers: Vec<EngineerId>,
    /// Minutes that they have.
    pub capacity: i64,
    /// Minutes that are promised already, planned work only.
    pub promised: i64,
    /// Minutes of what was asked for; 0 where nothing was.
    pub asked: i64,
    /// The largest of the promises in it: number, minutes, due.
    pub largest: Vec<(PromiseId, i64, Minute)>,
}

impl Cut {
    /// Minutes that are missing; positive in every cut that holds.
    pub fn missing(&self) -> i64 {
        self.promised + self.asked - self.capacity
    }
}

impl Board<'_> {
    /// Adds up what lies in a cut; `asked` is kind, planned minutes and due of what was asked for.
    pub(crate) fn cut(&self, grid: Grid, below: &Below, asked: Option<(KindId, i64, Minute)>) -> Cut {
        let team = &self.team;
        let until_of = |kind: u32| {
            below
                .kinds
                .iter()
                .find(|&&(one, _)| one == kind)
                .map(|&(_, bucket)| grid.end(bucket))
        };
        let class_until = |class: u32| {
            below
                .classes
                .iter()
                .find(|&&(one, _)| one == class)
                .map(|&(_, bucket)| grid.end(bucket))
        };
        let inside = team
            .jobs
            .iter()
            .filter(|job| until_of(job.kind).is_some_and(|until| job.due <= until));
        let mut largest: Vec<(PromiseId, i64, Minute)> =
            inside.map(|job| (job.id, i64::from(job.planned), job.due)).collect();
        let promised = largest.iter().map(|&(_, minutes, _)| minutes).sum();
        largest.sort_unstable_by_key(|&(id, minutes, _)| (-minutes, id));
        largest.truncate(limits::NAMED_IN_A_REASON);
        let working = team.people.iter().filter_map(|person| {
            let minutes = person.shift.before(class_until(person.class)?);
            (minutes > 0).then_some((person.id, minutes))
        });
        let working: Vec<(EngineerId, i64)> = working.collect();
        let is_asked = |&(kind, _, due): &(KindId, i64, Minute)| {
            team.kind_place(kind)
                .and_then(until_of)
                .is_some_and(|until| due <= until)
        };
        let mut kinds: Vec<_> = below
            .kinds
            .iter()
            .map(|&(kind, bucket)| (team.kinds[kind as usize].id, grid.end(bucket)))
            .collect();
        let mut classes: Vec<_> = below
            .classes
            .iter()
            .map(|&(class, bucket)| (team.classes[class as usize].id, grid.end(bucket)))
            .collect();
        kinds.sort_unstable();
        classes.sort_unstable();
        Cut {
            kinds,
            classes,
            engineers: working.iter().map(|&(id, _)| id).collect(),
            capacity: working.iter().map(|&(_, minutes)| minutes).sum(),
            promised,
            asked: asked.filter(is_asked).map_or(0, |(_, minutes, _)| minutes),
            largest,
        }
    }
}
