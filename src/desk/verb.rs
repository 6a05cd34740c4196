//! The verbs: everything that can be asked of the desk, in one table. Command line, local API, pages and mail commands
//! build a [`Verb`] and read an [`Answer`]; none of them has rules of its own.
//!
//! A verb either reads (one snapshot) or acts (one transaction of the writer). Times are read here, in the zone of whoever
//! asks, so that every door understands the same words and echoes the same instants.

use super::case::{self, Party};
use super::customer::{self, ContactRow, CustomerRow};
use super::engineer::{self, Engineer, NewEngineer, Role};
use super::ledger::{self, Actor, event};
use super::queue::{self, CasePage, CaseRow, Filter, LogRow, PromiseRow};
use super::reply::{self, Draft, Kind, Next, Written};
use super::search::{self, Hit};
use super::{CaseId, Desk, MessageNo, PromiseId, arrival, message, outbox, promise, slice, spool};
use crate::limits;
use crate::refusal::{Outcome, Refusal};
use crate::store::{Store, Tx};
use crate::values;
use jiff::Timestamp;
use plan::Zone;
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};
use std::sync::Arc;

/// Who asks.
#[derive(Debug, Clone)]
pub enum Principal {
    /// The owner of the data directory, on the machine.
    Owner,
    /// An engineer, by token or by the owner's word.
    Engineer(Box<Engineer>),
}

impl Principal {
    fn actor(&self) -> Actor {
        match self {
            Principal::Owner => Actor::Owner,
            Principal::Engineer(engineer) => Actor::Engineer(engineer.id),
        }
    }

    fn engineer(&self) -> Outcome<&Engineer> {
        match self {
            Principal::Engineer(engineer) => Ok(engineer),
            Principal::Owner => {
                Err(Refusal::usage("Say as which engineer: --as ADDRESS. `duly cpu` lists who is on the desk.").into())
            }
        }
    }

    /// The zone in which they read and type times.
    pub fn zone<'a>(&'a self, desk: &'a Desk) -> &'a Zone {
        match self {
            Principal::Owner => &desk.zone,
            Principal::Engineer(engineer) => &engineer.zone,
        }
    }

    fn may_administer(&self) -> bool {
        match self {
            Principal::Owner => true,
            Principal::Engineer(engineer) => engineer.role != Role::Engineer,
        }
    }
}

/// One request.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "verb", rename_all = "kebab-case")]
#[expect(
    missing_docs,
    reason = "fields are named after what a person types; each variant says what it does"
)]
pub enum Verb {
    /// Lists cases.
    Ps { filter: Filter, after: Option<i64> },
    /// Takes a slice.
    Next,
    /// Hands it back.
    Skip { reason: String },
    /// One case with everything about it.
    Show { case: i64, messages: Option<i64> },
    /// What happened, of one case or of all.
    Log { case: Option<i64>, after: i64 },
    /// The original bytes of a message, or of a case's first mail.
    Raw { case: i64, message: Option<i64> },
    /// Answers.
    Reply {
        case: i64,
        text: String,
        kind: String,
        then: Option<String>,
        answers: Vec<i64>,
        force_stale: bool,
    },
    /// Writes an internal note.
    Note { case: i64, text: String },
    /// Blocks on somebody until a time.
    Wait {
        case: i64,
        party: String,
        until: String,
        because: Option<String>,
    },
    /// Ends a wait.
    Wake { case: i64 },
    /// Closes.
    Close {
        case: i64,
        resolution: Option<String>,
        because: Option<String>,
    },
    /// Shows a case's promises; withdraws one.
    Promise {
        case: i64,
        offer: Option<String>,
        withdraw: Option<String>,
        number: Option<i64>,
    },
    /// The book of promises.
    Ledger { case: Option<i64>, after: i64 },
    /// Walks the ledger and proves it whole.
    Verify,
    /// What needs a look.
    Spool,
    /// Takes on an unsorted case or mail, or sends a held mail.
    Release { what: String },
    /// Sends a deferred or failed mail again.
    Retry { what: String },
    /// Declines an unsorted case.
    Decline { case: i64, because: String },
    /// Stops everything that leaves, or lets it leave again.
    Hold { hold: bool },
    /// Takes back the last reply while it is held.
    Undo,
    /// Finds words.
    Grep { query: String, limit: Option<i64> },
    /// People who answer.
    Cpu,
    /// Adds one.
    CpuAdd { engineer: NewEngineer },
    /// Customers.
    Customer { named: Option<String> },
    /// Enters one, with the mail domains that belong to it.
    CustomerAdd { name: String, domains: Vec<String> },
    /// Contacts.
    Contact { named: Option<String> },
    /// Enters one.
    ContactAdd {
        customer: String,
        name: String,
        address: String,
        zone: Option<String>,
    },
    /// Sets a contact's zone.
    ContactZone { address: String, zone: Option<String> },
    /// Makes a one-time secret for an engineer; `secret` is random and made by the door.
    TokenMake { address: String, secret: String },
    /// Turns a one-time secret into a token; `token` is random and made by the door.
    TokenClaim { secret: String, token: String },
}

/// What comes back. Lists are plain lists; acts say what they did in words that a person reads.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[expect(missing_docs, reason = "each variant carries the rows that its name says")]
pub enum Answer {
    Cases(Vec<CaseRow>),
    Slice(Box<SliceAnswer>),
    Case(Box<CasePage>),
    Log(Vec<LogRow>),
    Raw(String),
    Written(Written, String),
    Done(Done),
    Promises(Vec<PromiseRow>),
    Spool(Vec<spool::Row>),
    Hits(Vec<Hit>),
    Engineers(Vec<EngineerRow>),
    Customers(Vec<CustomerRow>),
    Contacts(Vec<ContactRow>),
}

/// An act that was done.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Done {
    /// The case it was done to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub case: Option<i64>,
    /// What was done, in words.
    pub said: String,
    /// What a script wants of it.
    #[serde(flatten)]
    pub data: Json,
}

/// A slice, with its context.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SliceAnswer {
    /// Why this one.
    pub why: String,
    /// When the slice began.
    pub began_at: Timestamp,
    /// The slice was open already.
    pub again: bool,
    /// What whoever had it last left behind.
    pub context: Option<String>,
    /// The case.
    #[serde(flatten)]
    pub row: CaseRow,
    /// Its promises that are open.
    pub promises: Vec<PromiseRow>,
    /// Its newest messages, newest first.
    pub messages: Vec<queue::MessageRow>,
}

/// An engineer as `cpu` lists them.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct EngineerRow {
    /// Number.
    pub engineer: i64,
    /// Name.
    pub name: String,
    /// Address.
    pub address: String,
    /// Zone.
    pub zone: String,
    /// Hours in that zone.
    pub hours: String,
    /// Depth, 1 to 4.
    pub layer: i64,
    /// Lanes; empty means all.
    pub lanes: Vec<String>,
    /// engineer, lead, administrator.
    pub role: String,
    /// Whether they work now.
    pub on_duty: bool,
    /// The case they work on.
    pub case: Option<i64>,
}

impl Verb {
    /// Whether it only reads.
    pub fn reads(&self) -> bool {
        matches!(
            self,
            Verb::Ps { .. }
                | Verb::Show { .. }
                | Verb::Log { .. }
                | Verb::Raw { .. }
                | Verb::Ledger { .. }
                | Verb::Verify
                | Verb::Spool
                | Verb::Grep { .. }
                | Verb::Cpu
                | Verb::Customer { named: _ }
                | Verb::Contact { named: _ }
        ) || matches!(
            self,
            Verb::Promise {
                offer: None,
                withdraw: None,
                ..
            }
        )
    }

    /// Whether only leads, administrators and the owner may do it.
    fn administers(&self) -> bool {
        matches!(
            self,
            Verb::CpuAdd { .. }
                | Verb::CustomerAdd { .. }
                | Verb::ContactAdd { .. }
                | Verb::TokenMake { .. }
                | Verb::Hold { .. }
        ) || matches!(self, Verb::Release { what } if what == "all")
    }
}

/// Does what was asked, in one snapshot or one transaction. Blocks; async doors call it where blocking is allowed.
pub fn perform(store: &Store, desk: &Arc<Desk>, now: Timestamp, who: Principal, verb: Verb) -> Outcome<Answer> {
    if verb.administers() && !who.may_administer() {
        return Err(
            Refusal::forbidden("Only leads, administrators and the owner of the data directory may do this.").into(),
        );
    }
    if verb.reads() {
        return store.read(|tx| read(tx, now, desk, &who, &verb));
    }
    let desk = Arc::clone(desk);
    store.write(move |tx| act(tx, now, &desk, &who, verb))
}

fn read(tx: &mut Tx<'_>, now: Timestamp, desk: &Desk, who: &Principal, verb: &Verb) -> Outcome<Answer> {
    Ok(match verb {
        Verb::Ps { filter, after: None } => Answer::Cases(queue::cases(tx, filter)?),
        Verb::Ps { after: Some(after), .. } => Answer::Cases(queue::cases_after(tx, *after, limits::LIST_ROWS_MAX)?),
        Verb::Show { case, messages } => Answer::Case(Box::new(queue::page(
            tx,
            CaseId(*case),
            messages.unwrap_or(limits::LIST_ROWS),
        )?)),
        Verb::Log { case, after } => {
            if let Some(case) = case {
                case::find(tx, CaseId(*case))?;
            }
            Answer::Log(queue::log(tx, desk, case.map(CaseId), *after, limits::LIST_ROWS_MAX)?)
        }
        Verb::Raw { case, message } => Answer::Raw(raw_of(tx, CaseId(*case), *message)?),
        Verb::Promise { case, .. } => {
            case::find(tx, CaseId(*case))?;
            Answer::Promises(queue::promises(tx, Some(CaseId(*case)), 0, limits::LIST_ROWS_MAX)?)
        }
        Verb::Ledger { case, after } => {
            Answer::Promises(queue::promises(tx, case.map(CaseId), *after, limits::LIST_ROWS_MAX)?)
        }
        Verb::Verify => {
            let (entries, root) = ledger::verify(tx)?;
            let said = format!("The ledger is whole: {entries} entries, root {root}");
            Answer::Done(Done {
                case: None,
                said,
                data: json!({"entries": entries, "root": root}),
            })
        }
        Verb::Spool => Answer::Spool(spool::list(tx)?),
        Verb::Grep { query, limit } => Answer::Hits(search::grep(tx, query, limit.unwrap_or(limits::LIST_ROWS))?),
        Verb::Cpu => Answer::Engineers(people(tx, now)?),
        Verb::Customer { named } => Answer::Customers(customer::list(tx, named.as_deref())?),
        Verb::Contact { named } => Answer::Contacts(customer::contacts(tx, named.as_deref())?),
        other => return Err(anyhow::anyhow!("{other:?} does not only read (asked by {who:?})").into()),
    })
}

fn act(tx: &mut Tx<'_>, now: Timestamp, desk: &Desk, who: &Principal, verb: Verb) -> Outcome<Answer> {
    match verb {
        Verb::Next => next(tx, now, who.engineer()?),
        Verb::Skip { reason } => {
            let case = slice::skip(tx, now, who.engineer()?, &reason)?;
            done(case, format!("Case {} is handed back: {reason}", case.0))
        }
        Verb::Reply {
            case,
            text,
            kind,
            then,
            answers,
            force_stale,
        } => {
            let kind: Kind = kind.parse()?;
            let next = next_of(then.as_deref(), kind, now, desk, who)?;
            let answers = answers.into_iter().map(MessageNo).collect();
            let draft = Draft {
                case: CaseId(case),
                text,
                kind,
                next,
                answers,
                force_stale,
            };
            reply(tx, now, desk, who, &draft)
        }
        Verb::Note { case, text } => note(tx, now, who.engineer()?, CaseId(case), &text),
        Verb::Wait {
            case,
            party,
            until,
            because,
        } => wait(tx, now, desk, who, CaseId(case), &party, &until, because),
        Verb::Wake { case } => {
            case::wake_with_promise(tx, now, desk, CaseId(case), who.actor(), "woken by hand")?;
            done(CaseId(case), format!("Case {case} is ours and ready."))
        }
        Verb::Close {
            case,
            resolution,
            because,
        } => {
            let resolution = resolution.unwrap_or_else(|| "answered".into());
            case::close(
                tx,
                now,
                CaseId(case),
                who.actor(),
                &resolution,
                because.as_deref().unwrap_or(""),
            )?;
            done(CaseId(case), format!("Case {case} is closed: {resolution}."))
        }
        Verb::Promise {
            case,
            offer,
            withdraw,
            number,
        } => change_promise(tx, now, who, CaseId(case), offer, withdraw, number),
        Verb::Release { what } if what == "all" => hold(tx, now, who, false),
        Verb::Release { what } => {
            let cases = spool::release(tx, now, desk, who.actor(), &what)?;
            let said = cases
                .iter()
                .map(|case| format!("Case {} is released and has a promise.", case.0))
                .collect::<Vec<_>>();
            Ok(Answer::Done(Done {
                case: cases.first().map(|case| case.0),
                said: said.join("\n"),
                data: json!({}),
            }))
        }
        Verb::Retry { what } => {
            let case = spool::retry(tx, now, who.actor(), &what)?;
            Ok(Answer::Done(Done {
                case: case.map(|case| case.0),
                said: format!("{what} is sent again now."),
                data: json!({}),
            }))
        }
        Verb::Decline { case, because } => {
            spool::decline(tx, now, who.actor(), CaseId(case), &because)?;
            done(CaseId(case), format!("Case {case} is declined: {because}"))
        }
        Verb::Hold { hold: on } => hold(tx, now, who, on),
        Verb::Undo => {
            let (case, text) = reply::undo(tx, now, who.engineer()?)?;
            let said = format!("The reply to case {} is taken back; the customer gets nothing.", case.0);
            Ok(Answer::Done(Done {
                case: Some(case.0),
                said,
                data: json!({"text": text}),
            }))
        }
        other => administer(tx, now, who, other),
    }
}

fn administer(tx: &mut Tx<'_>, now: Timestamp, who: &Principal, verb: Verb) -> Outcome<Answer> {
    let said = match verb {
        Verb::CpuAdd { engineer } => {
            let id = engineer::add(tx, now, &engineer)?;
            ledger::record(
                tx,
                now,
                event("engineer.added", who.actor()).with(json!({"engineer": id.0})),
            )?;
            format!(
                "{} is on the desk: {} in {}.",
                engineer.name, engineer.hours, engineer.zone
            )
        }
        Verb::CustomerAdd { name, domains } => {
            if name.trim().is_empty() {
                return Err(Refusal::usage("A customer has a name.").into());
            }
            let id = customer::open(tx, now, name.trim(), true)?;
            for domain in &domains {
                customer::add_domain(tx, id, domain)?;
            }
            ledger::record(
                tx,
                now,
                event("customer.entered", who.actor()).with(json!({"customer": id.0})),
            )?;
            format!("{name} is a customer with the number {}.", id.0)
        }
        Verb::ContactAdd {
            customer,
            name,
            address,
            zone,
        } => {
            let id = customer::find(tx, &customer)?;
            if customer::contact_by_address(tx, &address)?.is_some() {
                return Err(Refusal::conflict(format!(
                    "{address} is a contact already. See `duly contact find {address}`."
                ))
                .into());
            }
            let contact = customer::add_contact(tx, now, id, &name, &address, None)?;
            customer::set_zone(tx, contact, zone_of(zone)?.as_ref())?;
            ledger::record(
                tx,
                now,
                event("contact.entered", who.actor()).with(json!({"contact": contact.0})),
            )?;
            format!("{name} <{address}> is a contact.")
        }
        Verb::ContactZone { address, zone } => {
            let contact = customer::contact_by_address(tx, &address)?
                .ok_or_else(|| Refusal::missing(format!("There is no contact with the address {address}.")))?;
            let zone = zone_of(zone)?;
            customer::set_zone(tx, contact.id, zone.as_ref())?;
            match zone {
                Some(zone) => format!("Times are said to {} in {zone}.", contact.name),
                None => format!("Times are said to {} in the zone of their mail.", contact.name),
            }
        }
        Verb::TokenMake { address, secret } => {
            let engineer = engineer::find(tx, &address)?;
            engineer::keep_secret(tx, now, engineer.id, "claim", &secret, engineer::SECRET_LIFE)?;
            ledger::record(
                tx,
                now,
                event("token.offered", who.actor()).with(json!({"engineer": engineer.id.0})),
            )?;
            format!(
                "{secret}\nOne use, 30 minutes: {} claims a token with `duly token claim`.",
                engineer.name
            )
        }
        Verb::TokenClaim { secret, token } => {
            let engineer = engineer::claim_secret(tx, now, &secret)?;
            engineer::keep_secret(tx, now, engineer.id, "token", &token, engineer::TOKEN_LIFE)?;
            ledger::record(tx, now, event("token.claimed", Actor::Engineer(engineer.id)))?;
            token
        }
        other => return Err(anyhow::anyhow!("{other:?} is no act").into()),
    };
    Ok(Answer::Done(Done {
        case: None,
        said,
        data: json!({}),
    }))
}

fn zone_of(text: Option<String>) -> Outcome<Option<Zone>> {
    text.map(|text| {
        text.parse::<Zone>()
            .map_err(|cause| Refusal::usage(format!("{cause}.")).into())
    })
    .transpose()
}

fn done(case: CaseId, said: String) -> Outcome<Answer> {
    Ok(Answer::Done(Done {
        case: Some(case.0),
        said,
        data: json!({}),
    }))
}

fn hold(tx: &mut Tx<'_>, now: Timestamp, who: &Principal, on: bool) -> Outcome<Answer> {
    outbox::hold_all(tx, now, on, who.actor())?;
    let said = match on {
        true => "Nothing leaves the desk until `duly spool release all`. Promises go on counting.",
        false => "Mail leaves the desk again.",
    };
    Ok(Answer::Done(Done {
        case: None,
        said: said.into(),
        data: json!({}),
    }))
}

fn next(tx: &mut Tx<'_>, now: Timestamp, engineer: &Engineer) -> Outcome<Answer> {
    let taken = slice::next(tx, now, engineer)?;
    let page = queue::page(tx, taken.case, 10)?;
    let context = tx.first(
        "SELECT note FROM slice WHERE case_id = $1 AND ended_at IS NOT NULL AND note <> '' ORDER BY id DESC LIMIT 1",
        &values![taken.case],
    )?;
    Ok(Answer::Slice(Box::new(SliceAnswer {
        why: taken.why,
        began_at: taken.began_at,
        again: taken.again,
        context: context.and_then(|row| row.opt_text(0).map(str::to_owned)),
        row: page.row,
        promises: page
            .promises
            .into_iter()
            .filter(|promise| promise.state == "open")
            .collect(),
        messages: page.messages,
    })))
}

/// Reads `--then`: `close`, `close as solved`, `owe wed 10:00`, `wait fri 12:00`. Nothing said means: an answer or a
/// question waits five business days for the customer.
fn next_of(then: Option<&str>, kind: Kind, now: Timestamp, desk: &Desk, who: &Principal) -> Outcome<Next> {
    let Some(then) = then.map(str::trim) else {
        if kind == Kind::Finding {
            return Err(
                Refusal::usage("A finding says when the next word comes. Add it: --then \"owe wed 10:00\".").into(),
            );
        }
        let until = desk
            .calendar
            .closing_of_business_day(now, 5)
            .map_err(|cause| Refusal::usage(cause.to_string()))?;
        return Ok(Next::Wait(until));
    };
    let (word, rest) = then.split_once(char::is_whitespace).unwrap_or((then, ""));
    let rest = rest.trim();
    match word {
        "close" => {
            let resolution = rest.strip_prefix("as ").unwrap_or(rest).trim();
            let resolution = if resolution.is_empty() { "answered" } else { resolution };
            match case::RESOLUTIONS.contains(&resolution) {
                true => Ok(Next::Close(resolution.to_owned())),
                false => Err(Refusal::usage(format!(
                    "\"{resolution}\" is no resolution. Say one of: {}.",
                    case::RESOLUTIONS.join(", ")
                ))
                .into()),
            }
        }
        "owe" => Ok(Next::Owe(time(rest, now, desk, who)?)),
        "wait" => Ok(Next::Wait(time(
            rest.strip_prefix("until ").unwrap_or(rest),
            now,
            desk,
            who,
        )?)),
        _ => Err(Refusal::usage(format!(
            "\"{then}\" is not understood. After a reply: close, \"owe wed 10:00\", or \"wait fri 12:00\"."
        ))
        .into()),
    }
}

fn time(text: &str, now: Timestamp, desk: &Desk, who: &Principal) -> Outcome<Timestamp> {
    plan::phrase::parse(text, now, who.zone(desk)).map_err(|cause| Refusal::usage(format!("{cause}.")).into())
}

fn reply(tx: &mut Tx<'_>, now: Timestamp, desk: &Desk, who: &Principal, draft: &Draft) -> Outcome<Answer> {
    let engineer = who.engineer()?;
    let written = reply::write(tx, now, desk, engineer, draft)?;
    let zone = &engineer.zone;
    let after = match &draft.next {
        Next::Close(resolution) => format!("closes as {resolution}"),
        Next::Owe(at) => format!("owes the next word by {}", plan::say::short(*at, zone, now)),
        Next::Wait(at) => format!("waits for the customer until {}", plan::say::short(*at, zone, now)),
    };
    let said = format!(
        "{} {after} once this is delivered to {}. Mail: held {} s, `duly undo` to stop.",
        draft.case.0,
        written.recipients.join(", "),
        limits::HOLD_SECONDS - 3
    );
    Ok(Answer::Written(written, said))
}

fn note(tx: &mut Tx<'_>, now: Timestamp, engineer: &Engineer, id: CaseId, text: &str) -> Outcome<Answer> {
    case::find(tx, id)?;
    if text.trim().is_empty() || text.len() > limits::REPLY_BYTES {
        return Err(Refusal::usage("A note needs words, at most 1 MB of them.").into());
    }
    let number = message::note(tx, now, id, engineer.id, (&engineer.name, &engineer.address), text)?;
    let said = format!("Noted in case {}, for engineers only.", id.0);
    Ok(Answer::Done(Done {
        case: Some(id.0),
        said,
        data: json!({"message": number.0}),
    }))
}

#[expect(clippy::too_many_arguments, reason = "the words of one command, each once")]
fn wait(
    tx: &mut Tx<'_>,
    now: Timestamp,
    desk: &Desk,
    who: &Principal,
    id: CaseId,
    party: &str,
    until: &str,
    because: Option<String>,
) -> Outcome<Answer> {
    let party: Party = party.parse()?;
    let until = time(until, now, desk, who)?;
    let because = because.unwrap_or_default();
    if because.trim().is_empty() && party != Party::Customer {
        return Err(Refusal::usage("A wait needs a reason: --because \"upstream PR 5123\".").into());
    }
    match party {
        Party::Customer => case::wait_for_customer(tx, now, id, who.actor(), until, &because)?,
        _ => case::block(tx, now, id, who.actor(), party, until, &because)?,
    }
    let case = case::find(tx, id)?;
    let next_word = match case.reply_by {
        Some(due) => format!(
            " The next word is promised by {}.",
            plan::say::short(due, who.zone(desk), now)
        ),
        None => String::new(),
    };
    done(
        id,
        format!(
            "{} waits for {} until {}.{next_word}",
            id.0,
            party.text(),
            plan::say::short(until, who.zone(desk), now)
        ),
    )
}

fn change_promise(
    tx: &mut Tx<'_>,
    now: Timestamp,
    who: &Principal,
    id: CaseId,
    offer: Option<String>,
    withdraw: Option<String>,
    number: Option<i64>,
) -> Outcome<Answer> {
    case::find(tx, id)?;
    if offer.is_some() {
        return Err(Refusal::usage(
            "Offering another time is not built yet: the customer could not answer it. The promised time stands. \
             Write to them with `duly reply --kind finding --then \"owe TIME\"`, which keeps this promise and makes the next.",
        )
        .into());
    }
    let open = promise::open_of(tx, id)?;
    let chosen: Vec<_> = open
        .iter()
        .filter(|one| number.is_none_or(|number| one.id == PromiseId(number)))
        .collect();
    if chosen.is_empty() {
        return Err(Refusal::missing(format!(
            "Case {} has no such open promise. `duly promise {}` lists them.",
            id.0, id.0
        ))
        .into());
    }
    let reason = withdraw.unwrap_or_default();
    for promise in &chosen {
        promise::withdraw(tx, now, promise.id, who.actor(), &reason)?;
    }
    let case = case::find(tx, id)?;
    if case.reply_by.is_none() {
        case::shut(tx, now, id, who.actor(), "declined", &reason)?;
    }
    let plural = if chosen.len() == 1 {
        "promise is"
    } else {
        "promises are"
    };
    done(
        id,
        format!("{} {plural} withdrawn: {reason}. The ledger keeps it.", chosen.len()),
    )
}

fn raw_of(tx: &mut Tx<'_>, id: CaseId, number: Option<i64>) -> Outcome<String> {
    case::find(tx, id)?;
    let row = tx
        .first(
            "SELECT raw FROM message WHERE case_id = $1 AND raw IS NOT NULL AND (id = $2 OR $2 = 0) ORDER BY id LIMIT 1",
            &values![id, number.unwrap_or(0)],
        )?
        .ok_or_else(|| Refusal::missing(format!("Case {} has no such mail. `duly show {}` lists them.", id.0, id.0)))?;
    let bytes = arrival::raw(tx, super::RawId(row.int(0)))?;
    Ok(data_encoding::BASE64.encode(&bytes))
}

fn people(tx: &mut Tx<'_>, now: Timestamp) -> Outcome<Vec<EngineerRow>> {
    let mut rows = Vec::new();
    for one in engineer::list(tx)? {
        let open = slice::open_of(tx, one.id)?;
        rows.push(EngineerRow {
            engineer: one.id.0,
            on_duty: one.calendar()?.is_open(now),
            case: open.map(|(_, case, _)| case.0),
            name: one.name,
            address: one.address,
            zone: one.zone.to_string(),
            hours: one.hours,
            layer: one.layer,
            lanes: one.lanes,
            role: one.role.text().to_owned(),
        });
    }
    Ok(rows)
}
