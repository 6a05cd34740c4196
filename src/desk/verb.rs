//! The verbs: everything that can be asked of the desk, in one table. Command line, local API, pages and mail commands
//! build a [`Verb`] and read an [`Answer`]; none of them has rules of its own.
//!
//! A verb either reads (one snapshot) or acts (one transaction of the writer). Times are read here, in the zone of whoever
//! asks, so that every door understands the same words and echoes the same instants.

mod answer;
pub(super) mod people;

use super::act::act;
use super::agreement::{self, AgreementRow};
use super::calendar::{self, CalendarRow};
use super::case;
use super::customer::{self, ContactRow, CustomerRow};
use super::draft::Typed;
use super::engineer::{self, Engineer, NewEngineer};
use super::file::{self, FileRow};
use super::key::NewKey;
use super::ledger::Actor;
use super::queue::{self, CasePage, CaseRow, Filter, LogRow, PromiseRow};
use super::reply::Written;
use super::schedule::{danger, load};
use super::search::{self, Found};
use super::{CaseId, Desk, FileId, MessageNo, arrival, figures, history, policy, probe, proof, session, spool};
use crate::limits;
use crate::refusal::{Outcome, Refusal};
use crate::store::{Store, Tx, values};
use jiff::Timestamp;
use plan::Zone;
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};
use std::sync::Arc;

pub use answer::{EngineerRow, SliceAnswer};

/// Who asks.
#[derive(Debug, Clone)]
pub enum Principal {
    /// The owner of the data directory, on the machine.
    Owner,
    /// An engineer, by token or by the owner's word.
    Engineer(Box<Engineer>),
}

impl Principal {
    pub(super) fn actor(&self) -> Actor {
        match self {
            Principal::Owner => Actor::Owner,
            Principal::Engineer(engineer) => Actor::Engineer(engineer.id),
        }
    }

    pub(super) fn engineer(&self) -> Outcome<&Engineer> {
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

    /// The engineer named, if that is oneself or one is at least this.
    pub(super) fn own_or(&self, least: policy::Least, tx: &mut Tx<'_>, named: &str) -> Outcome<Engineer> {
        let engineer = engineer::find(tx, named)?;
        match self {
            Principal::Engineer(own) if own.id == engineer.id => {}
            who => policy::require(who, least)?,
        }
        Ok(engineer)
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
        /// Keys of staged files.
        #[serde(default)]
        files: Vec<String>,
    },
    /// Keeps what is being written.
    Draft(Typed),
    /// Throws a draft away.
    DraftDrop { draft: i64 },
    /// A reply whose writer saw the case up to a place in the ledger; its draft is gone with it.
    Composed {
        reply: Box<Verb>,
        seen: i64,
        draft: Option<i64>,
    },
    /// The files of a case.
    Files { case: i64 },
    /// A piece of a file, from an offset on; an infected one only to somebody who says why.
    Save {
        case: i64,
        file: i64,
        offset: u64,
        #[serde(default)]
        because: Option<String>,
    },
    /// A piece of a file that is to go with a reply; the first one makes its key, which the door draws.
    Stage {
        case: i64,
        key: Option<String>,
        name: String,
        bytes: u64,
        offset: u64,
        data: String,
    },
    /// Writes an internal note.
    Note { case: i64, text: String },
    /// Blocks on somebody until a time.
    Wait {
        case: i64,
        party: String,
        until: String,
        because: Option<String>,
        /// Words for the customer: text E goes out with them.
        #[serde(default)]
        tell: Option<String>,
        /// Although the promise would break by it.
        #[serde(default)]
        anyway: bool,
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
    /// Offers another time for a promise, asks the customer to move, or answers what they asked for.
    Negotiate {
        case: i64,
        number: Option<i64>,
        bargain: Bargain,
        time: Option<String>,
        because: Option<String>,
        /// What is safe until then, for the customer.
        #[serde(default)]
        meanwhile: Option<String>,
        /// A lead's reason to go over the test of admission.
        #[serde(default)]
        sign: Option<String>,
    },
    /// A reply whose next time a lead signs for, over the test of admission.
    Signed { reply: Box<Verb>, because: String },
    /// The book of promises.
    Ledger { case: Option<i64>, after: i64 },
    /// The figures of the ledger: of the weeks up to that of `day` (empty: this one), by week or by something else.
    Figures {
        day: String,
        weeks: i64,
        by: String,
        customer: Option<String>,
    },
    /// Walks the ledger and proves it whole, against checkpoints from outside whose signatures the door has checked.
    Verify {
        #[serde(default)]
        against: Vec<proof::Mark>,
    },
    /// What needs a look.
    Spool,
    /// Takes on an unsorted case or mail, or sends a held mail.
    Release { what: String },
    /// Sends a deferred or failed mail again.
    Retry { what: String },
    /// Declines an unsorted case.
    Decline { case: i64, because: String },
    /// Puts a case into another: the one that was offered, or the one named.
    Merge { case: i64, into: Option<i64> },
    /// Parts a merged case from the other.
    Unmerge { case: i64 },
    /// Puts somebody on a case.
    ParticipantAdd { case: i64, address: String },
    /// Takes somebody off.
    ParticipantRemove { case: i64, address: String },
    /// Stops everything that leaves, or lets it leave again.
    Hold { hold: bool },
    /// What came and how long it took, as a trace.
    History,
    /// Sends a mail to the desk itself.
    Probe,
    /// How far that mail has come.
    Probed { message: i64 },
    /// Takes back the last reply while it is held.
    Undo,
    /// Finds words.
    Grep { query: String, limit: Option<i64> },
    /// People who answer.
    Cpu,
    /// What is promised against the time that they have, and when nobody is there.
    CpuLoad,
    /// What would become of promises with one more (who serves these lanes), with somebody away, or with another date.
    CpuWhatIf {
        #[serde(default)]
        add: Option<Vec<String>>,
        #[serde(default)]
        away: Option<(String, String)>,
        #[serde(default)]
        moved: Option<(i64, String)>,
    },
    /// Adds one.
    CpuAdd { engineer: NewEngineer },
    /// An engineer is away until then; they may say so themselves.
    CpuAway {
        address: String,
        until: String,
        #[serde(default)]
        from: Option<String>,
        #[serde(default)]
        because: Option<String>,
        /// Although promises would be at risk.
        #[serde(default)]
        anyway: bool,
    },
    /// An engineer is back: every absence of theirs ends.
    CpuBack { address: String },
    /// Reads an engineer's own calendar, from the text of an iCalendar file; or forgets what it said, without one all.
    CpuCalendar {
        address: String,
        text: Option<String>,
        #[serde(default)]
        remove: bool,
        /// Although promises would be at risk.
        #[serde(default)]
        anyway: bool,
    },
    /// Sets what is said of one; an engineer may set their own hours, zone and mail.
    CpuSet {
        address: String,
        #[serde(flatten)]
        change: engineer::Change,
    },
    /// Takes somebody off the desk: their slice, sessions and tokens end at once.
    CpuRemove { address: String },
    /// Makes a sign-in link for an engineer; `secret` is random and made by the door.
    CpuLink { address: String, secret: String },
    /// The browsers somebody is signed in at; or ends all of these sessions.
    CpuSessions { address: String, end: bool },
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
        #[serde(default)]
        language: Option<String>,
    },
    /// Sets a contact's zone.
    ContactZone { address: String, zone: Option<String> },
    /// Sets how a contact is written to: language ("" goes back to that of their mail), calendar entries.
    ContactSet {
        address: String,
        language: Option<String>,
        calendar: Option<String>,
    },
    /// Gives the key with which letters to a contact are sealed, as the mail door read it; none: forgets it.
    ContactKey { address: String, key: Option<NewKey> },
    /// Agreements, each with the version that holds.
    Agreement { named: Option<String> },
    /// Every version of one.
    AgreementShow { agreement: i64 },
    /// Enters one with a customer, from the text of a file.
    AgreementAdd { customer: String, text: String },
    /// Adds a version to one, from a day on.
    AgreementAmend {
        agreement: i64,
        text: String,
        from: Option<String>,
    },
    /// Calendars, each in its newest version.
    Calendar { named: Option<String> },
    /// Writes a calendar from the text of a file.
    CalendarSet { name: String, text: String },
    /// Adds the holidays of an iCalendar file to one.
    CalendarHolidays { name: String, text: String },
    /// Lets one follow a feed of holidays; none ends that.
    CalendarFeed { name: String, url: Option<String> },
    /// Sets how badly a case hits, for the promises to come.
    Severity {
        case: i64,
        severity: String,
        because: String,
    },
    /// Says how many minutes of work a case takes in all; none takes that back.
    Estimate { case: i64, minutes: Option<i64> },
    /// Orders a case among those with the same due time.
    Nice { case: i64, nice: i64, because: String },
    /// Makes a one-time secret for an engineer; `secret` is random and made by the door.
    TokenMake { address: String, secret: String },
    /// Turns a one-time secret into a token; `token` is random and made by the door.
    TokenClaim { secret: String, token: String },
}

/// What our side does to a promised time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Bargain {
    /// Offers another time.
    Offer,
    /// Asks the customer to move, with a reason; without a time to the next honest one.
    Ask,
    /// Grants what the customer asked for.
    Accept,
    /// Refuses it.
    Refuse,
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
    Figures(Box<figures::Report>),
    Spool(Vec<spool::Row>),
    Files(Vec<FileRow>),
    Piece(FilePiece),
    Probe(Box<probe::Probe>),
    Hits(Found),
    Engineers(Vec<EngineerRow>),
    Load(Box<load::Report>),
    Link(session::Link),
    Sessions(Vec<session::SessionRow>),
    Customers(Vec<CustomerRow>),
    Contacts(Vec<ContactRow>),
    Agreements(Vec<AgreementRow>),
    Versions(Vec<AgreementRow>),
    Calendars(Vec<CalendarRow>),
}

/// A piece of a file.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct FilePiece {
    /// The file.
    #[serde(flatten)]
    pub row: FileRow,
    /// Where in its place the bytes are: for the door, which reads them.
    #[serde(skip)]
    pub customer: i64,
    /// The bytes, in base64.
    pub data: String,
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
                | Verb::Figures { .. }
                | Verb::Verify { .. }
                | Verb::Spool
                | Verb::History
                | Verb::Files { .. }
                | Verb::Save { because: None, .. }
                | Verb::Probed { .. }
                | Verb::Grep { .. }
                | Verb::Cpu
                | Verb::CpuLoad
                | Verb::CpuWhatIf { .. }
                | Verb::CpuSessions { end: false, .. }
                | Verb::Customer { named: _ }
                | Verb::Contact { named: _ }
                | Verb::Agreement { .. }
                | Verb::AgreementShow { .. }
                | Verb::Calendar { .. }
        ) || matches!(
            self,
            Verb::Promise {
                offer: None,
                withdraw: None,
                ..
            }
        )
    }

    /// Its word, as the command line has it.
    pub fn name(&self) -> String {
        let json = serde_json::to_value(self).unwrap_or_default();
        json.get("verb").and_then(Json::as_str).unwrap_or_default().to_owned()
    }

    /// Whether it is about one case that a mailed verb does not name: the mail's own.
    pub fn needs_case(&self) -> bool {
        matches!(
            self,
            Verb::Reply { .. }
                | Verb::Note { .. }
                | Verb::Wait { .. }
                | Verb::Wake { .. }
                | Verb::Close { .. }
                | Verb::Severity { .. }
                | Verb::Nice { .. }
                | Verb::Estimate { .. }
                | Verb::Negotiate { .. }
        )
    }

    /// The same verb about this case.
    pub fn about(mut self, about: CaseId) -> Verb {
        match &mut self {
            Verb::Reply { case, .. }
            | Verb::Note { case, .. }
            | Verb::Wait { case, .. }
            | Verb::Wake { case }
            | Verb::Close { case, .. }
            | Verb::Negotiate { case, .. }
            | Verb::Severity { case, .. }
            | Verb::Estimate { case, .. }
            | Verb::Nice { case, .. } => *case = about.0,
            _ => {}
        }
        self
    }
}

/// Does what was asked, in one snapshot or one transaction. Blocks; async doors call it where blocking is allowed.
pub fn perform(store: &Store, desk: &Arc<Desk>, now: Timestamp, who: Principal, verb: Verb) -> Outcome<Answer> {
    policy::allow(&who, &verb)?;
    if let Verb::Figures { .. } = verb {
        // Whoever asks here wants what is, not what was a minute ago.
        figures::count(store, now, desk)?;
    }
    if let Verb::Verify { .. } = verb {
        return store.read_sealed(|tx| read(tx, now, desk, &who, &verb));
    }
    if verb.reads() {
        return store.read(|tx| read(tx, now, desk, &who, &verb));
    }
    let desk = Arc::clone(desk);
    store.write(move |tx| act(tx, now, &desk, &who, verb))
}

fn read(tx: &mut Tx<'_>, now: Timestamp, desk: &Desk, who: &Principal, verb: &Verb) -> Outcome<Answer> {
    Ok(match verb {
        Verb::Ps { filter, after: None } => {
            let mut rows = queue::cases(tx, filter)?;
            danger::mark_cases(tx, now, who.zone(desk), &mut rows)?;
            Answer::Cases(rows)
        }
        Verb::Ps { after: Some(after), .. } => Answer::Cases(queue::cases_after(tx, *after, limits::LIST_ROWS_MAX)?),
        Verb::Show { case, messages } => {
            let mut page = queue::page(tx, CaseId(*case), messages.unwrap_or(limits::LIST_ROWS))?;
            danger::mark(tx, now, who.zone(desk), &mut page.promises)?;
            Answer::Case(Box::new(page))
        }
        Verb::Log { case, after } => {
            if let Some(case) = case {
                case::find(tx, CaseId(*case))?;
            }
            Answer::Log(queue::log(tx, desk, case.map(CaseId), *after, limits::LIST_ROWS_MAX)?)
        }
        Verb::History => Answer::Raw(data_encoding::BASE64.encode(history::turns(tx, desk)?.as_bytes())),
        Verb::Raw { case, message } => Answer::Raw(raw_of(tx, CaseId(*case), *message)?),
        Verb::Promise { case, .. } => {
            case::find(tx, CaseId(*case))?;
            let mut rows = queue::promises(tx, Some(CaseId(*case)), 0, limits::LIST_ROWS_MAX)?;
            danger::mark(tx, now, who.zone(desk), &mut rows)?;
            Answer::Promises(rows)
        }
        Verb::Ledger { case, after } => {
            Answer::Promises(queue::promises(tx, case.map(CaseId), *after, limits::LIST_ROWS_MAX)?)
        }
        Verb::Figures {
            day,
            weeks,
            by,
            customer,
        } => {
            let asked = figures::Question::of(tx, day, *weeks, by, customer.as_deref())?;
            Answer::Figures(Box::new(figures::report(tx, now, desk, &asked)?))
        }
        Verb::Verify { against } => {
            let proof = proof::verify(tx, against)?;
            let data = json!({"entries": proof.entries, "root": proof.root, "checkpoints": proof.agreed});
            let said = proof.said();
            Answer::Done(Done { case: None, said, data })
        }
        Verb::Spool => Answer::Spool(spool::list(tx)?),
        Verb::Files { case } => Answer::Files(file::list(tx, CaseId(*case))?),
        Verb::Save { case, file, .. } => piece(file::given_out(tx, CaseId(*case), FileId(*file))?),
        Verb::Probed { message } => Answer::Probe(Box::new(probe::look(tx, MessageNo(*message))?)),
        Verb::Grep { query, limit } => Answer::Hits(search::grep(
            tx,
            who.zone(desk),
            query,
            limit.unwrap_or(limits::LIST_ROWS),
        )?),
        Verb::Cpu => Answer::Engineers(people::list(tx, now)?),
        Verb::CpuWhatIf { add, away, moved } => people::what_if(tx, now, desk, who, add, away, moved)?,
        Verb::CpuLoad => Answer::Load(Box::new(load::report(tx, now, desk, who.zone(desk))?)),
        Verb::CpuSessions { address, .. } => {
            let engineer = who.own_or(policy::Least::Administrator, tx, address)?;
            Answer::Sessions(session::list(tx, now, engineer.id)?)
        }
        Verb::Customer { named } => Answer::Customers(customer::list(tx, named.as_deref())?),
        Verb::Contact { named } => Answer::Contacts(customer::contacts(tx, named.as_deref())?),
        Verb::Agreement { named } => Answer::Agreements(agreement::list(tx, now, named.as_deref())?),
        Verb::AgreementShow { agreement } => Answer::Versions(agreement::show(tx, now, *agreement)?),
        Verb::Calendar { named } => Answer::Calendars(calendar::list(tx, named.as_deref())?),
        other => return Err(anyhow::anyhow!("{other:?} does not only read (asked by {who:?})").into()),
    })
}

/// A file whose bytes the door is to add.
pub(super) fn piece(row: FileRow) -> Answer {
    Answer::Piece(FilePiece {
        customer: row.customer,
        row,
        data: String::new(),
    })
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
