//! Agreements as people list, enter and amend them.

use super::terms::{self, Terms, Written};
use crate::desk::ledger::{self, Actor, event};
use crate::desk::{CustomerId, Desk, calendar, customer};
use crate::limits;
use crate::refusal::{Fault, Outcome, Refusal};
use crate::store::{Row, Tx, values};
use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use serde_json::json;

/// A version of an agreement as lists show it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct AgreementRow {
    /// Number of the agreement.
    pub agreement: i64,
    /// The customer; none for the desk's own.
    pub customer: Option<String>,
    /// Number of the version.
    pub version: i64,
    /// The instant from which it holds.
    pub from: Timestamp,
    /// The instant from which it holds no more.
    pub until: Option<Timestamp>,
    /// Whether it holds now.
    pub in_force: bool,
    /// Number of the version before it.
    pub supersedes: Option<i64>,
    /// When it was made.
    pub made: Timestamp,
    /// By whom.
    pub by: String,
    /// What is agreed.
    #[serde(flatten)]
    pub terms: Terms,
}

const VERSION: &str =
    "SELECT a.id, u.name, v.number, v.valid_from, v.valid_until, b.number, v.made_at, v.made_by, v.terms
    FROM agreement a JOIN agreement_version v ON v.agreement = a.id LEFT JOIN customer u ON u.id = a.customer
    LEFT JOIN agreement_version b ON b.id = v.supersedes";

impl AgreementRow {
    fn of(row: &Row) -> Outcome<AgreementRow> {
        Ok(AgreementRow {
            agreement: row.int(0),
            customer: row.opt_text(1).map(str::to_owned),
            version: row.int(2),
            from: row.instant(3),
            until: row.opt_instant(4),
            in_force: false,
            supersedes: row.opt_int(5),
            made: row.instant(6),
            by: row.text(7).to_owned(),
            terms: serde_json::from_str(row.text(8)).map_err(anyhow::Error::from)?,
        })
    }
}

/// Marks the version of one agreement that holds at an instant: of those that have begun the one that began last, of
/// equals the later made, if it has not ended.
fn mark(versions: &mut [AgreementRow], at: Timestamp) {
    let begun = versions.iter_mut().filter(|one| one.from <= at);
    if let Some(last) = begun.max_by_key(|one| (one.from, one.version)) {
        last.in_force = last.until.is_none_or(|until| at < until);
    }
}

/// Every version of one agreement, newest first.
///
/// # Errors
/// There is no such agreement.
pub fn show(tx: &mut Tx<'_>, now: Timestamp, agreement: i64) -> Outcome<Vec<AgreementRow>> {
    let rows = tx.query(
        &format!("{VERSION} WHERE a.id = $1 ORDER BY v.number DESC LIMIT $2"),
        &values![agreement, limits::VERSIONS_AN_AGREEMENT],
    )?;
    if rows.is_empty() {
        return Err(missing(agreement));
    }
    let mut versions = rows.iter().map(AgreementRow::of).collect::<Outcome<Vec<_>>>()?;
    mark(&mut versions, now);
    Ok(versions)
}

fn missing(agreement: i64) -> Fault {
    Refusal::missing(format!(
        "There is no agreement {agreement}. `duly agreement` lists them."
    ))
    .into()
}

/// Of each agreement the version that holds now, else its newest; only those of customers with these words in their name.
pub fn list(tx: &mut Tx<'_>, now: Timestamp, named: Option<&str>) -> Outcome<Vec<AgreementRow>> {
    let rows = tx.query(
        &format!(
            "{VERSION} WHERE $1 = '' OR LOWER(COALESCE(u.name, '')) LIKE '%' || $1 || '%' ORDER BY a.id, v.number LIMIT $2"
        ),
        &values![named.unwrap_or("").to_lowercase(), limits::LIST_ROWS_MAX],
    )?;
    let versions = rows.iter().map(AgreementRow::of).collect::<Outcome<Vec<_>>>()?;
    let mut shown = Vec::new();
    for of_one in versions.chunk_by(|a, b| a.agreement == b.agreement) {
        let mut of_one = of_one.to_vec();
        mark(&mut of_one, now);
        let place = of_one.iter().position(|one| one.in_force).unwrap_or(of_one.len() - 1);
        shown.push(of_one.swap_remove(place));
    }
    Ok(shown)
}

/// Enters an agreement with a customer, from the words of a file.
pub fn add(tx: &mut Tx<'_>, now: Timestamp, desk: &Desk, by: Actor, named: &str, text: &str) -> Outcome<AgreementRow> {
    let customer = customer::find(tx, named)?;
    let written = terms::read(text)?;
    let count = tx.one("SELECT COUNT(*) FROM agreement WHERE customer = $1", &values![customer])?;
    if count.int(0) >= limits::AGREEMENTS_A_CUSTOMER {
        let most = limits::AGREEMENTS_A_CUSTOMER;
        return Err(Refusal::usage(format!("A customer has at most {most} agreements: amend one of them.")).into());
    }
    let agreement = tx.insert(
        "INSERT INTO agreement (customer, made_at) VALUES ($1, $2)",
        &values![customer, now],
    )?;
    version(tx, now, desk, by, (agreement, Some(customer)), &written, None)
}

/// Adds a version to an agreement, from the words of a file; `from` is the day from which it holds, else what the file
/// says, else now.
pub fn amend(
    tx: &mut Tx<'_>,
    now: Timestamp,
    desk: &Desk,
    by: Actor,
    agreement: i64,
    text: &str,
    from: Option<Date>,
) -> Outcome<AgreementRow> {
    let row = tx
        .first("SELECT customer FROM agreement WHERE id = $1", &values![agreement])?
        .ok_or_else(|| missing(agreement))?;
    let Some(customer) = row.opt_int(0) else {
        let said =
            "This is the desk's own agreement: duly.toml says what it is (desk.targets, desk.hours, desk.holidays).";
        return Err(Refusal::usage(said).into());
    };
    let written = terms::read(text)?;
    let of = (agreement, Some(CustomerId(customer)));
    version(tx, now, desk, by, of, &written, from)
}

fn version(
    tx: &mut Tx<'_>,
    now: Timestamp,
    desk: &Desk,
    by: Actor,
    (agreement, customer): (i64, Option<CustomerId>),
    written: &Written,
    from: Option<Date>,
) -> Outcome<AgreementRow> {
    for name in written.terms.calendars() {
        calendar::find(tx, name)?;
    }
    let (valid_from, valid_until) = span_of(now, desk, written, from)?;
    let known = tx.one(
        "SELECT COALESCE(MAX(number), 0), MAX(valid_from) FROM agreement_version WHERE agreement = $1",
        &values![agreement],
    )?;
    if known.int(0) >= limits::VERSIONS_AN_AGREEMENT {
        return Err(Refusal::usage("This agreement has no room for another version: enter a new agreement.").into());
    }
    let before = tx.first(
        "SELECT id FROM agreement_version WHERE agreement = $1 AND valid_from <= $2
         ORDER BY valid_from DESC, number DESC LIMIT 1",
        &values![agreement, valid_from],
    )?;
    let number = known.int(0) + 1;
    let terms = serde_json::to_string(&written.terms).map_err(anyhow::Error::from)?;
    tx.insert(
        "INSERT INTO agreement_version (agreement, number, valid_from, valid_until, terms, supersedes, made_at, made_by)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        &values![
            agreement,
            number,
            valid_from,
            valid_until,
            terms,
            before.map(|row| row.int(0)),
            now,
            by.text()
        ],
    )?;
    let data = json!({
        "agreement": agreement, "version": number, "customer": customer.map(|customer| customer.0),
        "from": valid_from.to_string(), "until": valid_until.map(|until| until.to_string()),
    });
    ledger::record(tx, now, event("agreement.version", by).with(data))?;
    let versions = show(tx, now, agreement)?;
    let made = versions.into_iter().find(|one| one.version == number);
    made.ok_or_else(|| missing(agreement))
}

/// From and until as instants: dates begin at midnight in the zone of the desk. What is over cannot be agreed anew: the
/// promises of that time name the terms that held.
fn span_of(
    now: Timestamp,
    desk: &Desk,
    written: &Written,
    from: Option<Date>,
) -> Outcome<(Timestamp, Option<Timestamp>)> {
    let zone = desk.zone.jiff();
    let today = desk.zone.local(now).date();
    let begin = |date: Date| {
        calendar::midnight(date, zone)
            .ok_or_else(|| Refusal::usage(format!("{date} is no day that anybody lives to see.")))
    };
    let valid_from = match from.or(written.from) {
        None => now,
        Some(date) if date == today => now,
        Some(date) if date < today => {
            let said = format!(
                "{date} is over: promises of that time were made under the terms that held. Terms hold from today ({today}) or \
                 a later day."
            );
            return Err(Refusal::usage(said).into());
        }
        Some(date) => begin(date)?,
    };
    let valid_until = written.until.map(begin).transpose()?;
    if valid_until.is_some_and(|until| until <= valid_from) {
        return Err(Refusal::usage("The agreement would end before it begins: until is not after from.").into());
    }
    Ok((valid_from, valid_until))
}
