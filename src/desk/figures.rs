//! The figures of the ledger (PRODUCT.md §3.9): share kept, length of promises, share moved by us, share of findings.
//! They always stand together: whoever keeps more by promising longer, moving, or answering with findings is seen to.
//!
//! A promise counts in the week of its due, in the desk's zone. The sums of a week are reckoned from its promises when the
//! ledger tells that one of them changed, by a worker beside the mail's way: updating sums with every mail would cost the
//! writer half a dozen rows a mail, and sums that are added to can drift; these are the same function of the same rows
//! each time. What people wait for reads sums, never promises. They are summed by customer, agreement, vendor, lane, layer
//! (which is the team that answered) and severity, the last three as they were when the promise was made, and never by person. Under twenty cases there is a count and no share.

use super::{CustomerId, Desk, Zone, agreement, customer};
use crate::limits;
use crate::refusal::{Outcome, Refusal};
use crate::store::{Row, Store, Tx, values};
use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Cases under which a figure is a count.
pub const FEWEST: i64 = 20;

/// What figures can be asked by, weeks apart. Vendors stand here once a promise names one.
pub const BY: [&str; 6] = ["customer", "agreement", "vendor", "lane", "layer", "severity"];

const ALL: &str = "all";

/// Sums over some promises.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sums {
    made: i64,
    open: i64,
    kept: i64,
    broken: i64,
    withdrawn: i64,
    moved_by_us: i64,
    moved: i64,
    replies: i64,
    findings: i64,
    /// Promises by length in minutes, to three digits.
    lengths: BTreeMap<i64, i64>,
}

impl Sums {
    fn of(row: &Row, from: usize) -> Sums {
        Sums {
            made: row.int(from),
            open: row.int(from + 1),
            kept: row.int(from + 2),
            broken: row.int(from + 3),
            withdrawn: row.int(from + 4),
            moved_by_us: row.int(from + 5),
            moved: row.int(from + 6),
            replies: row.int(from + 7),
            findings: row.int(from + 8),
            lengths: serde_json::from_str(row.text(from + 9)).unwrap_or_default(),
        }
    }

    fn add(&mut self, other: &Sums) {
        self.made += other.made;
        self.open += other.open;
        self.kept += other.kept;
        self.broken += other.broken;
        self.withdrawn += other.withdrawn;
        self.moved_by_us += other.moved_by_us;
        self.moved += other.moved;
        self.replies += other.replies;
        self.findings += other.findings;
        for (minutes, count) in &other.lengths {
            *self.lengths.entry(*minutes).or_default() += count;
        }
    }

    /// The length that so many hundredths of the promises do not exceed.
    fn percentile(&self, hundredths: i64) -> Option<i64> {
        let count: i64 = self.lengths.values().sum();
        if count < FEWEST {
            return None;
        }
        let wanted = (count * hundredths + 99) / 100;
        let mut seen = 0;
        let found = self.lengths.iter().find(|(_, of_it)| {
            seen += **of_it;
            seen >= wanted
        });
        found.map(|(minutes, _)| *minutes)
    }
}

fn per_mille(part: i64, whole: i64) -> Option<i64> {
    (whole >= FEWEST).then(|| (part * 1_000 + whole / 2) / whole)
}

/// The figures of a week, a customer, a lane, …; shares in thousandths, none under twenty cases.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Figures {
    /// Of what: the Monday of the week, the name of the customer, the lane, ….
    pub of: String,
    /// The number of the customer, where it is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub customer: Option<i64>,
    /// Promises whose due lies in it.
    pub made: i64,
    /// Of them open still.
    pub open: i64,
    /// Kept.
    pub kept: i64,
    /// Broken.
    pub broken: i64,
    /// Withdrawn.
    pub withdrawn: i64,
    /// kept ÷ (kept + broken).
    pub kept_per_mille: Option<i64>,
    /// Half of the promises are no longer than this.
    pub median_minutes: Option<i64>,
    /// Nine of ten are no longer than this.
    pub p90_minutes: Option<i64>,
    /// Moved to another time.
    pub moved: i64,
    /// Of them those where we had asked for it.
    pub moved_by_us: i64,
    /// moved by us ÷ made.
    pub moved_by_us_per_mille: Option<i64>,
    /// Replies that kept a promise.
    pub replies: i64,
    /// Of them findings.
    pub findings: i64,
    /// findings ÷ replies.
    pub findings_per_mille: Option<i64>,
}

impl Figures {
    fn new(of: String, customer: Option<i64>, sums: &Sums) -> Figures {
        Figures {
            of,
            customer,
            made: sums.made,
            open: sums.open,
            kept: sums.kept,
            broken: sums.broken,
            withdrawn: sums.withdrawn,
            kept_per_mille: per_mille(sums.kept, sums.kept + sums.broken),
            median_minutes: sums.percentile(50),
            p90_minutes: sums.percentile(90),
            moved: sums.moved,
            moved_by_us: sums.moved_by_us,
            moved_by_us_per_mille: per_mille(sums.moved_by_us, sums.made),
            replies: sums.replies,
            findings: sums.findings,
            findings_per_mille: per_mille(sums.findings, sums.replies),
        }
    }
}

/// Figures as somebody asked for them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// What each row is of: week, customer, lane, layer, severity.
    pub by: String,
    /// Whose promises: a customer's name; none for everybody's.
    pub customer: Option<String>,
    /// Monday of the first week.
    pub from: Date,
    /// Monday of the last week.
    pub until: Date,
    /// The rows.
    pub rows: Vec<Figures>,
    /// All of them together.
    pub total: Figures,
    /// Days since a promise was last broken, or since the first was made.
    pub unbroken_days: Option<i64>,
    /// When the sums last changed.
    pub counted_at: Timestamp,
}

/// What is asked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Question {
    /// A day of the last week; this week if none.
    pub day: Option<Date>,
    /// How many weeks.
    pub weeks: i64,
    /// week, or one of [`BY`].
    pub by: String,
    /// Whose.
    pub customer: Option<CustomerId>,
}

impl Question {
    /// Out of what somebody typed: a day or nothing, a customer's name or number.
    ///
    /// # Errors
    /// A day that is none, a customer whom nobody knows.
    pub fn of(tx: &mut Tx<'_>, day: &str, weeks: i64, by: &str, customer: Option<&str>) -> Outcome<Question> {
        let wrong = || Refusal::usage(format!("\"{day}\" is no day. Write it as 2026-03-02."));
        Ok(Question {
            day: match day {
                "" => None,
                day => Some(day.parse().map_err(|_| wrong())?),
            },
            weeks,
            by: by.to_owned(),
            customer: customer.map(|named| customer::find(tx, named)).transpose()?,
        })
    }
}

/// The Monday of an instant's week.
pub fn monday(at: Timestamp, zone: &Zone) -> Date {
    monday_of(zone.local(at).date())
}

/// The Monday of a day's week.
pub fn monday_of(day: Date) -> Date {
    let behind = i64::from(day.weekday().to_monday_zero_offset());
    day.saturating_sub(SignedDuration::from_hours(24 * behind))
}

/// Where a week begins, and where the next does.
pub fn bounds(monday: Date, zone: &Zone) -> (Timestamp, Timestamp) {
    let next = monday.saturating_add(SignedDuration::from_hours(24 * 7));
    (day_begins(monday, zone), day_begins(next, zone))
}

/// The first instant of a day: where a zone skips midnight, the one behind the gap.
pub fn day_begins(day: Date, zone: &Zone) -> Timestamp {
    let begins = zone.jiff().to_ambiguous_zoned(day.at(0, 0, 0, 0)).later();
    begins.map_or(Timestamp::MIN, |begins| begins.timestamp())
}

/// Answers a question from the sums.
///
/// # Errors
/// A division that does not exist, a number of weeks that is none.
pub fn report(tx: &mut Tx<'_>, now: Timestamp, desk: &Desk, asked: &Question) -> Outcome<Report> {
    if asked.by != "week" && !BY.contains(&asked.by.as_str()) {
        let known = BY.join(", ");
        return Err(Refusal::usage(format!("Figures are by week, {known}; not by \"{}\".", asked.by)).into());
    }
    if !(1..=limits::FIGURE_WEEKS).contains(&asked.weeks) {
        return Err(Refusal::usage(format!("Ask for 1 to {} weeks.", limits::FIGURE_WEEKS)).into());
    }
    if asked.customer.is_some() && !matches!(asked.by.as_str(), "week" | "customer") {
        return Err(Refusal::usage("The figures of one customer are by week.").into());
    }
    let last = asked.day.map_or_else(|| monday(now, &desk.zone), monday_of);
    let first = last.saturating_sub(SignedDuration::from_hours(24 * 7 * (asked.weeks - 1)));
    let from = bounds(first, &desk.zone).0;
    let until = bounds(last, &desk.zone).1;
    let (mut total, mut rows) = (Sums::default(), BTreeMap::<String, Sums>::new());
    for (week, of, sums) in read(tx, from, until, asked)? {
        total.add(&sums);
        let key = match asked.by.as_str() {
            "week" => monday(week, &desk.zone).to_string(),
            _ => of,
        };
        rows.entry(key).or_default().add(&sums);
    }
    Ok(Report {
        by: asked.by.clone(),
        customer: asked.customer.map(|id| customer::name_of(tx, id)).transpose()?,
        from: first,
        until: last,
        rows: named(tx, asked, rows)?,
        total: Figures::new("total".into(), None, &total),
        unbroken_days: unbroken_since(tx)?.map(|since| (now.duration_since(since).as_hours() / 24).max(0)),
        counted_at: tx.one("SELECT at FROM figure_mark", &[])?.instant(0),
    })
}

/// The sums that a question is about: week, key, sums.
fn read(
    tx: &mut Tx<'_>,
    from: Timestamp,
    until: Timestamp,
    asked: &Question,
) -> Outcome<Vec<(Timestamp, String, Sums)>> {
    const SUMS: &str =
        "SELECT week, of_what, made, open, kept, broken, withdrawn, moved_us, moved, replies, findings, lengths
        FROM figure WHERE week >= $1 AND week < $2 AND by_what = $3";
    let rows = match (asked.customer, asked.by.as_str()) {
        (Some(customer), _) => {
            let one = format!("{SUMS} AND of_what = $4 ORDER BY week");
            tx.query(&one, &values![from, until, "customer", customer.0.to_string()])?
        }
        (None, "week") => tx.query(&format!("{SUMS} ORDER BY week"), &values![from, until, ALL])?,
        (None, by) => {
            let all = format!("{SUMS} ORDER BY week, of_what LIMIT $4");
            tx.query(&all, &values![from, until, by, limits::FIGURE_ROWS])?
        }
    };
    let read = |row: &Row| (row.instant(0), row.text(1).to_owned(), Sums::of(row, 2));
    Ok(rows.iter().map(read).collect())
}

/// Rows with names that people know, in the order of those: never in that of a figure.
fn named(tx: &mut Tx<'_>, asked: &Question, rows: BTreeMap<String, Sums>) -> Outcome<Vec<Figures>> {
    let mut named = Vec::with_capacity(rows.len());
    for (key, sums) in rows {
        let customer = match asked.by.as_str() {
            "customer" => key.parse::<i64>().ok(),
            _ => None,
        };
        let name = match (customer, asked.by.as_str()) {
            (Some(id), _) => customer::name_of(tx, CustomerId(id))?,
            (None, "agreement") => agreement_named(tx, &key)?,
            (None, "vendor") if key.is_empty() => "the desk".to_owned(),
            (None, _) => key,
        };
        named.push(Figures::new(name, customer, &sums));
    }
    if asked.by == "customer" {
        named.sort_by_cached_key(|one| (one.of.to_lowercase(), one.customer));
    }
    Ok(named)
}

/// `agreement 3 of Northwind`; without a customer it is the desk's own.
fn agreement_named(tx: &mut Tx<'_>, key: &str) -> Outcome<String> {
    let Ok(id) = key.parse::<i64>() else {
        return Ok("settings of the desk".into());
    };
    let row = tx.first(
        "SELECT u.name FROM agreement a LEFT JOIN customer u ON u.id = a.customer WHERE a.id = $1",
        &values![id],
    )?;
    let whose = row.and_then(|row| row.opt_text(0).map(str::to_owned));
    Ok(format!("agreement {id} of {}", whose.as_deref().unwrap_or("the desk")))
}

/// Since when no promise was broken: the last that was, else the first that was made.
fn unbroken_since(tx: &mut Tx<'_>) -> Outcome<Option<Timestamp>> {
    let broken = tx.one("SELECT MAX(due) FROM promise WHERE state = 'broken'", &[])?;
    if let Some(at) = broken.opt_instant(0) {
        return Ok(Some(at));
    }
    let first = tx.first("SELECT made_at FROM promise ORDER BY id LIMIT 1", &[])?;
    Ok(first.map(|row| row.instant(0)))
}

/// What the promises of a week are divided by, of which one, and their sums.
type Part = (&'static str, String, Sums);

/// Weeks that something happened in since the last count, with what is to be written of them.
struct Counted {
    upto: i64,
    /// Whether there is more of the ledger behind.
    more: bool,
    weeks: Vec<(Timestamp, Vec<Part>)>,
}

/// Counts what the ledger has that is not counted yet. Reads beside the writer, which takes the sums in one job.
pub fn count(store: &Store, now: Timestamp, desk: &Desk) -> Outcome<()> {
    loop {
        let moves = store.read(moves_since)?;
        if !moves.is_empty() {
            store.write(move |tx| keep_moves(tx, &moves))?;
        }
        let Some(counted) = store.read(|tx| counted(tx, desk))? else {
            return Ok(());
        };
        let more = counted.more;
        store.write(move |tx| keep(tx, now, counted))?;
        if !more {
            return Ok(());
        }
    }
}

/// The next entries that tell of promises: place, kind, promise, when, data.
fn news(tx: &mut Tx<'_>) -> Outcome<(i64, bool, Vec<Row>)> {
    let from = tx.one("SELECT seq FROM figure_mark", &[])?.int(0);
    let size = super::ledger::size(tx)?;
    let upto = size.min(from + limits::FIGURE_ENTRIES);
    let rows = tx.query(
        "SELECT kind, promise, at, data FROM event WHERE seq > $1 AND seq <= $2 AND promise IS NOT NULL ORDER BY seq",
        &values![from, upto],
    )?;
    Ok((upto, upto < size, rows))
}

fn moves_since(tx: &mut Tx<'_>) -> Outcome<Vec<(i64, String, Timestamp, String)>> {
    let (_, _, rows) = news(tx)?;
    let moves = rows.iter().filter(|row| row.text(0) == "promise.moved");
    let read = |row: &Row| {
        let data: serde_json::Value = serde_json::from_str(row.text(3)).unwrap_or_default();
        let text = |name: &str| data[name].as_str().unwrap_or_default().to_owned();
        (row.int(1), text("asked_by"), row.instant(2), text("to"))
    };
    Ok(moves.map(read).collect())
}

fn keep_moves(tx: &mut Tx<'_>, moves: &[(i64, String, Timestamp, String)]) -> Outcome<()> {
    for (promise, asked_by, at, due) in moves {
        tx.execute(
            "INSERT INTO promise_move (promise, asked_by, at, due) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING",
            &values![*promise, asked_by.as_str(), *at, due.as_str()],
        )?;
    }
    Ok(())
}

fn counted(tx: &mut Tx<'_>, desk: &Desk) -> Outcome<Option<Counted>> {
    let (upto, more, rows) = news(tx)?;
    if rows.is_empty() && !more {
        return Ok(None);
    }
    let promises: BTreeSet<i64> = rows.iter().map(|row| row.int(1)).collect();
    let mut mondays = BTreeSet::new();
    for promise in promises {
        if let Some(row) = tx.first("SELECT due FROM promise WHERE id = $1", &values![promise])? {
            mondays.insert(monday(row.instant(0), &desk.zone));
        }
    }
    let mut weeks = Vec::new();
    for monday in mondays {
        let (from, until) = bounds(monday, &desk.zone);
        weeks.push((from, sums_of(tx, from, until)?));
    }
    Ok(Some(Counted { upto, more, weeks }))
}

/// The sums of one week, by everything.
fn sums_of(tx: &mut Tx<'_>, from: Timestamp, until: Timestamp) -> Outcome<Vec<Part>> {
    let mut sums = BTreeMap::<(&'static str, String), (Sums, BTreeSet<i64>)>::new();
    let mut vendors = BTreeMap::<i64, String>::new();
    let (mut after, mut id) = (from, 0);
    loop {
        let rows = tx.query(
            "SELECT p.due, p.id, p.state, p.made_at, p.severity, k.customer, p.lane, p.layer, p.reply, r.kind,
                 v.asked_by, w.agreement, p.agreement_version
             FROM promise p JOIN cases k ON k.id = p.case_id LEFT JOIN agreement_version w ON w.id = p.agreement_version
             LEFT JOIN reply r ON r.message = p.reply
             LEFT JOIN promise_move v ON v.promise = p.id
             WHERE p.due >= $1 AND p.due < $2 AND (p.due > $1 OR p.id > $3) ORDER BY p.due, p.id LIMIT $4",
            &values![after, until, id, limits::FIGURE_PAGE],
        )?;
        let Some(last) = rows.last() else { break };
        (after, id) = (last.instant(0), last.int(1));
        for row in &rows {
            let vendor = match row.opt_int(12) {
                None => String::new(),
                Some(version) => match vendors.get(&version) {
                    Some(known) => known.clone(),
                    None => vendors
                        .entry(version)
                        .or_insert(agreement::vendor(tx, version)?)
                        .clone(),
                },
            };
            let keys = [
                (ALL, String::new()),
                ("customer", row.int(5).to_string()),
                (
                    "agreement",
                    row.opt_int(11).map_or(String::new(), |agreement| agreement.to_string()),
                ),
                ("vendor", vendor),
                ("lane", row.text(6).to_owned()),
                ("layer", row.int(7).to_string()),
                ("severity", row.int(4).to_string()),
            ];
            for key in keys {
                let (sums, replies) = sums.entry(key).or_default();
                take(sums, replies, row);
            }
        }
    }
    Ok(sums.into_iter().map(|((by, of), (sums, _))| (by, of, sums)).collect())
}

/// One promise more.
fn take(sums: &mut Sums, replies: &mut BTreeSet<i64>, row: &Row) {
    sums.made += 1;
    match row.text(2) {
        "open" => sums.open += 1,
        "kept" => sums.kept += 1,
        "broken" => sums.broken += 1,
        "moved" => {
            sums.moved += 1;
            sums.moved_by_us += i64::from(row.opt_text(10) == Some("us"));
        }
        _ => sums.withdrawn += 1,
    }
    // A reply may keep several promises; it is one reply.
    if let Some(reply) = row.opt_int(8)
        && row.text(2) == "kept"
        && replies.insert(reply)
    {
        sums.replies += 1;
        sums.findings += i64::from(row.opt_text(9) == Some("finding"));
    }
    let length = row.instant(0).duration_since(row.instant(3));
    *sums
        .lengths
        .entry(three_digits((length.as_secs() + 30) / 60))
        .or_default() += 1;
}

/// A number to its first three digits: enough for a length, and few enough kinds to be kept.
fn three_digits(number: i64) -> i64 {
    let mut unit = 1;
    while number / unit >= 1_000 {
        unit *= 10;
    }
    number.max(0) / unit * unit
}

fn keep(tx: &mut Tx<'_>, now: Timestamp, counted: Counted) -> Outcome<()> {
    for (week, sums) in counted.weeks {
        tx.execute("DELETE FROM figure WHERE week = $1", &values![week])?;
        for (by, of, sums) in sums {
            let lengths = serde_json::to_string(&sums.lengths).map_err(anyhow::Error::from)?;
            tx.execute(
                "INSERT INTO figure (week, by_what, of_what, made, open, kept, broken, withdrawn, moved_us, moved, replies,
                     findings, lengths)
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
                &values![
                    week, by, of, sums.made, sums.open, sums.kept, sums.broken, sums.withdrawn, sums.moved_by_us, sums.moved,
                    sums.replies, sums.findings, lengths
                ],
            )?;
        }
    }
    tx.execute("UPDATE figure_mark SET seq = $1, at = $2", &values![counted.upto, now])?;
    Ok(())
}
