//! Why a date: who can, what is promised already, what changes at the offered date. In English, with numbers.
//!
//! Staff read names and numbers; customers read numbers only, never another customer's case. Names and times are the
//! caller's: the planner knows neither.

use crate::admit::admit;
use crate::interval::Minute;
use crate::request::{NoDate, NotEarlier, Offer, Request};
use crate::snapshot::{Engineer, EngineerId, KindId, PromiseId, Snapshot};
use serde::{Deserialize, Serialize};

/// How numbers are called and times are said.
pub trait Names {
    /// An engineer: `Anna`.
    fn engineer(&self, id: EngineerId) -> String;
    /// A kind of work: `storage`.
    fn kind(&self, id: KindId) -> String;
    /// A promise, for staff: `#4711`.
    fn promise(&self, id: PromiseId) -> String;
    /// A time: `Thu 12:00`.
    fn time(&self, minute: Minute) -> String;
}

fn list(mut names: Vec<String>, most: usize) -> String {
    let more = names.len().saturating_sub(most);
    names.truncate(most);
    let all = names.join(", ");
    if more > 0 {
        format!("{all} and {more} more")
    } else {
        all
    }
}

/// Sentences for staff about an offer: why it is not earlier, and who does it when.
pub fn for_staff(offer: &Offer, request: &Request, names: &impl Names) -> String {
    let when = format!(
        "{} works on it from {}; it is done by {} at the latest and promised for {}.",
        names.engineer(offer.engineer),
        names.time(offer.starts),
        names.time(offer.finish_guaranteed),
        names.time(offer.promised)
    );
    match &offer.why_not_earlier {
        None => format!("The wanted date can be kept. {when}"),
        Some(why) => format!(
            "{} From {} it fits. {when}",
            not_earlier(why, request, names),
            names.time(offer.due)
        ),
    }
}

fn not_earlier(why: &NotEarlier, request: &Request, names: &impl Names) -> String {
    match why {
        NotEarlier::Work { alone } => format!(
            "The work itself takes up to {} minutes: with nothing else to do somebody would be done at {}.",
            request.work.worst,
            names.time(*alone)
        ),
        NotEarlier::Cut(cut) => {
            let until = cut.classes.iter().map(|&(_, until)| until).max().unwrap_or(0);
            let people = list(cut.engineers.iter().map(|&id| names.engineer(id)).collect(), 6);
            let kinds = list(cut.kinds.iter().map(|&(id, _)| names.kind(id)).collect(), 6);
            let largest = cut.largest.iter().map(|&(id, minutes, due)| {
                format!("{} ({minutes} minutes, due {})", names.promise(id), names.time(due))
            });
            format!(
                "Before {} the people who can work on {kinds} ({people}) have {} minutes. Promised work that only they can do \
                 by then needs {} with this. Largest: {}.",
                names.time(until),
                cut.capacity,
                cut.promised + cut.asked,
                list(largest.collect(), 3)
            )
        }
        NotEarlier::Timetable {
            at,
            capacity,
            promised,
            asked,
            hurt,
        } => {
            let hurt = hurt.map_or_else(
                || "it would be late itself".to_owned(),
                |id| format!("{} would be late", names.promise(id)),
            );
            format!(
                "Before {} those who can work on {} have {capacity} minutes, {promised} of them promised; this needs up to \
                 {asked} in one hand, and {hurt}.",
                names.time(*at),
                names.kind(request.kind)
            )
        }
    }
}

/// One sentence for the customer: numbers, no names of people, no other case.
pub fn for_customer(offer: &Offer, names: &impl Names) -> String {
    let when = names.time(offer.promised);
    match &offer.why_not_earlier {
        None => format!("You will have a useful technical reply by {when}."),
        Some(NotEarlier::Work { .. }) => {
            format!(
                "You will have a useful technical reply by {when}: the work takes that long, and we have begun to plan it."
            )
        }
        Some(NotEarlier::Cut(cut)) => format!(
            "You will have a useful technical reply by {when}: before that the {} people who can help have {} minutes, and {} \
             are promised already.",
            cut.engineers.len(),
            cut.capacity,
            cut.promised
        ),
        Some(NotEarlier::Timetable { capacity, promised, .. }) => format!(
            "You will have a useful technical reply by {when}: of the {capacity} minutes that the people who can help have \
             before, {promised} are promised already, and earlier dates that we gave to others would break."
        ),
    }
}

/// Why there is no date, for staff.
pub fn no_date(why: &NoDate, names: &impl Names) -> String {
    match why {
        NoDate::Nobody { kind } => format!("No engineer can work on {}.", names.kind(*kind)),
        NoDate::TooLong { minutes, most } => {
            format!("It may take {minutes} minutes; nobody who can do it works more than {most} within the horizon.")
        }
        NoDate::Full { until, .. } => format!("Nothing is free before {}.", names.time(*until)),
        NoDate::NoHours { earliest } => format!("The customer has no open hour after {}.", names.time(*earliest)),
    }
}

/// One change, and the date that it would give.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Change {
    /// This promise gives its place up (and needs another date: [`crate::renegotiate`]).
    Without(PromiseId),
    /// One engineer more of the same hours and skills as this one.
    Twin(EngineerId),
    /// The promise is bounded by so many minutes.
    Bound(i64),
}

/// What a change would bring: the date that would be promised.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counterfactual {
    /// The change.
    pub change: Change,
    /// What the customer could be told then.
    pub promised: Minute,
}

/// Changes that would make the offer earlier, the best first: each is `admit` again with one thing different.
pub fn counterfactuals(snapshot: &Snapshot, request: &Request, offer: &Offer) -> Vec<Counterfactual> {
    let mut changes: Vec<Change> = Vec::new();
    if let Some(NotEarlier::Cut(cut)) = &offer.why_not_earlier {
        changes.extend(cut.largest.iter().map(|&(id, _, _)| Change::Without(id)));
    }
    if let Some(NotEarlier::Timetable { hurt: Some(hurt), .. }) = &offer.why_not_earlier {
        changes.push(Change::Without(*hurt));
    }
    changes.push(Change::Twin(offer.engineer));
    changes.push(Change::Bound(request.work.worst / 2));
    let mut found: Vec<Counterfactual> = changes
        .into_iter()
        .filter_map(|change| {
            let promised = changed(snapshot, request, change)?;
            (promised < offer.promised).then_some(Counterfactual { change, promised })
        })
        .collect();
    found.sort_by_key(|one| one.promised);
    found
}

fn changed(snapshot: &Snapshot, request: &Request, change: Change) -> Option<Minute> {
    let (mut snapshot, mut request) = (snapshot.clone(), request.clone());
    match change {
        Change::Without(id) => snapshot.promises.retain(|promise| promise.id != id),
        Change::Twin(id) => {
            let free = (1..).find(|id| snapshot.engineers.iter().all(|one| one.id != *id))?;
            let model = snapshot.engineers.iter().find(|engineer| engineer.id == id)?;
            let twin = Engineer {
                id: free,
                running: None,
                ..model.clone()
            };
            snapshot.engineers.push(twin);
        }
        Change::Bound(minutes) => {
            request.work.worst = request.work.worst.min(minutes);
            request.work.mean = request.work.mean.min(minutes);
        }
    }
    admit(&snapshot, &request).ok().map(|offer| offer.promised)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::{desk, engineer, kind, promise};
    use crate::snapshot::Work;

    struct Plain;

    impl Names for Plain {
        fn engineer(&self, id: EngineerId) -> String {
            ["Ana", "Li"][(id - 1) as usize].to_owned()
        }
        fn kind(&self, _: KindId) -> String {
            "storage".to_owned()
        }
        fn promise(&self, id: PromiseId) -> String {
            format!("#{id}")
        }
        fn time(&self, minute: Minute) -> String {
            format!("{:02}:{:02}", minute / 60, minute % 60)
        }
    }

    fn full() -> (Snapshot, Request) {
        let people = [engineer(1, 1, &[(0, 240)]), engineer(2, 1, &[(0, 50), (180, 300)])];
        let mut snapshot = desk(&people, &[kind(1, &[1])]);
        snapshot.promises = vec![promise(4711, 1, 120, 100), promise(4698, 1, 120, 50)];
        let work = Work {
            mean: 60,
            variance: 0,
            worst: 60,
        };
        let request = Request {
            id: 1,
            kind: 1,
            severity: 2,
            want: 150,
            work,
            not_before: None,
            owner: None,
            moves: 0,
            hours: Vec::new(),
        };
        (snapshot, request)
    }

    #[test]
    fn staff_read_who_can_what_is_promised_and_what_changes() {
        let (snapshot, request) = full();
        let offer = admit(&snapshot, &request).unwrap();
        assert_eq!(
            for_staff(&offer, &request, &Plain),
            "Before 02:30 the people who can work on storage (Ana, Li) have 200 minutes. Promised work that only they can do by \
             then needs 210 with this. Largest: #4711 (100 minutes, due 02:00), #4698 (50 minutes, due 02:00). From 02:40 it \
             fits. Ana works on it from 01:40; it is done by 02:40 at the latest and promised for 03:40."
        );
    }

    #[test]
    fn customers_read_numbers_and_nobody_elses_case() {
        let (snapshot, request) = full();
        let offer = admit(&snapshot, &request).unwrap();
        let text = for_customer(&offer, &Plain);
        assert!(
            text.contains("2 people") && text.contains("200 minutes") && text.contains("150 are promised"),
            "{text}"
        );
        assert!(
            !text.contains('#') && !text.contains("Ana") && !text.contains("Li "),
            "{text}"
        );
    }

    #[test]
    fn one_promise_less_or_one_engineer_more_would_give_an_earlier_date() {
        let (snapshot, request) = full();
        let offer = admit(&snapshot, &request).unwrap();
        let found = counterfactuals(&snapshot, &request, &offer);
        assert!(
            found
                .iter()
                .any(|one| one.change == Change::Without(4711) && one.promised == 150),
            "{found:?}"
        );
        assert!(found.iter().any(|one| one.change == Change::Twin(1)), "{found:?}");
    }

    #[test]
    fn a_desk_that_cannot_says_so() {
        let (mut snapshot, mut request) = full();
        request.work.worst = 1000;
        let text = |snapshot: &Snapshot, request: &Request| no_date(&admit(snapshot, request).unwrap_err(), &Plain);
        assert_eq!(
            text(&snapshot, &request),
            "It may take 1010 minutes; nobody who can do it works more than 240 within the horizon."
        );
        snapshot.engineers.clear();
        assert_eq!(text(&snapshot, &request), "No engineer can work on storage.");
    }
}
