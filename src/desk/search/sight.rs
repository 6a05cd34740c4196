//! What the search page shows: hits with their lines, how they spread over customers, states and months, and a way on.
//!
//! Everything is reckoned from the newest [`limits::SEARCH_HITS`] messages that have the words; beyond them counting stops, and the
//! page says so. Texts are read of the hits that are shown and of no others.

use super::asked::{Asked, Wanted};
use super::{Hit, hits_of, of_customers, terms};
use crate::desk::Zone;
use crate::desk::case::{self, State};
use crate::limits;
use crate::refusal::Outcome;
use crate::store::{Tx, Value, values};
use jiff::Timestamp;
use jiff::civil::Date;
use std::collections::BTreeMap;

/// Everything that a page of hits shows.
#[derive(Debug, Clone, Default)]
pub struct Sight {
    /// Newest cases of customers who are called so; on the first page only.
    pub named: Vec<Hit>,
    /// The hits of this page, newest first.
    pub hits: Vec<Hit>,
    /// Messages in all.
    pub total: usize,
    /// There are more than these: counting stopped.
    pub uncounted: bool,
    /// How many hits stand at each customer: number, name, hits; most first.
    pub customers: Vec<(i64, String, usize)>,
    /// How many stand in cases of each state.
    pub states: Vec<(State, usize)>,
    /// Hits of each month, without gaps, oldest first.
    pub months: Vec<(Date, usize)>,
    /// Hits before the first month that is shown.
    pub earlier: usize,
    /// The message behind which the next page begins.
    pub next: Option<i64>,
    /// Where nothing has all the words: how many messages have each.
    pub near: Vec<(String, usize)>,
}

/// What is known of a message that has the words, without its text.
pub(super) struct Fact {
    pub(super) message: i64,
    at: Timestamp,
    customer: Option<i64>,
    state: Option<State>,
    author: String,
}

/// Looks for what was asked. A page begins behind the message `before`.
pub fn look(tx: &mut Tx<'_>, zone: &Zone, asked: &Asked, before: Option<i64>) -> Outcome<Sight> {
    let (facts, uncounted) = found(tx, zone, asked)?;
    let mut sight = Sight {
        total: facts.len(),
        uncounted,
        ..Sight::default()
    };
    if before.is_none() && !asked.narrows() {
        sight.named = of_customers(tx, &terms(&asked.words), limits::LIST_ROWS)?;
    }
    let ids = facts.iter().map(|one| one.message);
    let mut here: Vec<i64> = ids
        .skip_while(|one| before.is_some_and(|before| *one >= before))
        .take(limits::PAGE_ROWS as usize + 1)
        .collect();
    if here.len() > limits::PAGE_ROWS as usize {
        here.truncate(limits::PAGE_ROWS as usize);
        sight.next = here.last().copied();
    }
    let mut sought = terms(&asked.words);
    sought.extend(terms(asked.from.as_deref().unwrap_or("")));
    sight.hits = hits_of(tx, &here, &sought)?;
    sight.customers = by_customer(tx, &facts)?;
    sight.states = by_state(&facts);
    (sight.months, sight.earlier) = by_month(&facts, zone);
    if facts.is_empty() && sight.named.is_empty() {
        sight.near = near(tx, &asked.words)?;
    }
    Ok(sight)
}

/// The messages that are meant, newest first, and whether counting stopped.
pub(super) fn found(tx: &mut Tx<'_>, zone: &Zone, asked: &Asked) -> Outcome<(Vec<Fact>, bool)> {
    let customers = match &asked.customer {
        Some(name) => Some(called(tx, name)?),
        None => None,
    };
    let index = asked.of_the_index();
    let ids = match (&customers, index.trim().is_empty()) {
        (_, false) => tx.find_text(&index, None, limits::SEARCH_HITS)?,
        (Some(customers), true) => of_their_cases(tx, customers)?,
        (None, true) => Vec::new(),
    };
    let uncounted = ids.len() as i64 == limits::SEARCH_HITS;
    let mut facts = facts(tx, &ids)?;
    let from = asked.from.as_ref().map(|from| from.to_lowercase());
    facts.retain(|one| {
        let is = |state: Wanted| one.state.is_some_and(|own| state.is(own));
        customers
            .as_ref()
            .is_none_or(|all| one.customer.is_some_and(|own| all.contains(&own)))
            && asked.state.is_none_or(is)
            && from
                .as_ref()
                .is_none_or(|from| one.author.to_lowercase().contains(from))
            && asked.month.is_none_or(|month| month_of(one.at, zone) == month)
    });
    Ok((facts, uncounted))
}

/// Customers whose name contains a text.
fn called(tx: &mut Tx<'_>, name: &str) -> Outcome<Vec<i64>> {
    let pattern = format!("%{}%", name.to_lowercase().replace(['%', '_'], ""));
    let rows = tx.query(
        "SELECT id FROM customer WHERE LOWER(name) LIKE $1 ORDER BY id LIMIT $2",
        &values![pattern, limits::LIST_ROWS],
    )?;
    Ok(rows.iter().map(|row| row.int(0)).collect())
}

/// The messages of customers' cases, where no word was asked.
fn of_their_cases(tx: &mut Tx<'_>, customers: &[i64]) -> Outcome<Vec<i64>> {
    let mut ids = Vec::new();
    for customer in customers {
        let left = limits::SEARCH_HITS - ids.len() as i64;
        if left <= 0 {
            break;
        }
        let rows = tx.query(
            "SELECT m.id FROM cases k JOIN message m ON m.case_id = k.id WHERE k.customer = $1 ORDER BY k.id DESC, m.id DESC LIMIT $2",
            &values![*customer, left],
        )?;
        ids.extend(rows.iter().map(|row| row.int(0)));
    }
    ids.sort_unstable_by(|one, other| other.cmp(one));
    Ok(ids)
}

/// One statement of one shape for any number of messages: a list that is too short names its last one again.
const AT_ONCE: usize = 500;

fn facts(tx: &mut Tx<'_>, ids: &[i64]) -> Outcome<Vec<Fact>> {
    let places: Vec<String> = (1..=AT_ONCE).map(|place| format!("${place}")).collect();
    let sql = format!(
        "SELECT m.id, m.at, k.customer, k.hand, k.party, k.slices, k.closing, m.author, m.address
         FROM message m LEFT JOIN cases k ON k.id = m.case_id WHERE m.id IN ({})",
        places.join(", ")
    );
    let mut facts = Vec::with_capacity(ids.len());
    for chunk in ids.chunks(AT_ONCE) {
        let Some(last) = chunk.last() else { break };
        let padded = chunk.iter().chain(std::iter::repeat(last)).take(AT_ONCE);
        let bound: Vec<Value> = padded.map(|id| Value::Int(*id)).collect();
        facts.extend(tx.query(&sql, &bound)?.iter().map(|row| Fact {
            message: row.int(0),
            at: row.instant(1),
            customer: row.opt_int(2),
            state: row.opt_text(3).map(|hand| {
                case::state(
                    hand,
                    row.opt_text(4).is_some(),
                    row.opt_int(5).unwrap_or(0) > 0,
                    row.opt_int(6) == Some(1),
                )
            }),
            author: format!("{} <{}>", row.text(7), row.text(8)),
        }));
    }
    facts.sort_unstable_by_key(|one| std::cmp::Reverse(one.message));
    Ok(facts)
}

fn by_customer(tx: &mut Tx<'_>, facts: &[Fact]) -> Outcome<Vec<(i64, String, usize)>> {
    let mut counts: BTreeMap<i64, usize> = BTreeMap::new();
    for customer in facts.iter().filter_map(|one| one.customer) {
        *counts.entry(customer).or_default() += 1;
    }
    let mut counts: Vec<(i64, usize)> = counts.into_iter().collect();
    counts.sort_by_key(|(customer, count)| (std::cmp::Reverse(*count), *customer));
    let mut named = Vec::new();
    for (customer, count) in counts.into_iter().take(limits::SEARCH_FACETS) {
        let row = tx.one("SELECT name FROM customer WHERE id = $1", &values![customer])?;
        named.push((customer, row.text(0).to_owned(), count));
    }
    Ok(named)
}

fn by_state(facts: &[Fact]) -> Vec<(State, usize)> {
    let count = |state: State| facts.iter().filter(|one| one.state == Some(state)).count();
    let all = super::asked::STATES.iter().map(|(_, state)| (*state, count(*state)));
    all.filter(|(_, count)| *count > 0).collect()
}

fn month_of(at: Timestamp, zone: &Zone) -> Date {
    zone.zoned(at).date().first_of_month()
}

/// Hits of each month, without gaps, and those before the first one that is shown.
fn by_month(facts: &[Fact], zone: &Zone) -> (Vec<(Date, usize)>, usize) {
    let mut counts: BTreeMap<Date, usize> = BTreeMap::new();
    for one in facts {
        *counts.entry(month_of(one.at, zone)).or_default() += 1;
    }
    let (Some(first), Some(last)) = (counts.keys().next().copied(), counts.keys().last().copied()) else {
        return (Vec::new(), 0);
    };
    let mut months = Vec::new();
    let mut month = last;
    while month >= first && months.len() < limits::SEARCH_MONTHS {
        months.push((month, counts.remove(&month).unwrap_or(0)));
        month = month.saturating_sub(jiff::Span::new().months(1));
    }
    months.reverse();
    (months, counts.values().sum())
}

/// How many messages have each of the words, where none has all.
fn near(tx: &mut Tx<'_>, words: &str) -> Outcome<Vec<(String, usize)>> {
    let mut near = Vec::new();
    let sought = terms(words);
    if sought.len() < 2 {
        return Ok(near);
    }
    for word in sought.into_iter().take(limits::SEARCH_NEAR) {
        let count = tx.find_text(&word, None, limits::LIST_ROWS)?.len();
        if count > 0 {
            near.push((word, count));
        }
    }
    Ok(near)
}
