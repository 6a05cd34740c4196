//! The verbs: everything that can be asked of the desk, in one table. Command line, local API, pages and mail commands
//! build a [`Verb`] and read an [`Answer`]; none of them has rules of its own.
//!
//! A verb either reads (one snapshot) or acts (one transaction of the writer). Times are read here, in the zone of whoever
//! asks, so that every door understands the same words and echoes the same instants.

use super::act::act;
use super::case;
use super::customer::{self, ContactRow, CustomerRow};
use super::engineer::{self, Engineer, NewEngineer, Role};
use super::file::{self, FileRow};
use super::key::NewKey;
use super::ledger::{self, Actor};
use super::queue::{self, CasePage, CaseRow, Filter, LogRow, PromiseRow};
use super::reply::Written;
use super::search::{self, Found};
use super::{CaseId, Desk, FileId, MessageNo, arrival, probe, slice, spool};
use crate::limits;
use crate::refusal::{Outcome, Refusal};
use crate::store::{Store, Tx, values};
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

    pub(super) fn may_administer(&self) -> bool {
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
        /// Keys of staged files.
        #[serde(default)]
        files: Vec<String>,
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
    /// Adds one.
    CpuAdd { engineer: NewEngineer },
    /// Sets how the desk writes to one; an engineer may set their own.
    CpuSet { address: String, mail: bool },
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
    Files(Vec<FileRow>),
    Piece(FilePiece),
    Probe(Box<probe::Probe>),
    Hits(Found),
    Engineers(Vec<EngineerRow>),
    Customers(Vec<CustomerRow>),
    Contacts(Vec<ContactRow>),
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
    /// Gets notices and digests by mail.
    #[serde(default)]
    pub by_mail: bool,
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
                | Verb::Files { .. }
                | Verb::Save { because: None, .. }
                | Verb::Probed { .. }
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

    /// Its word, as the command line has it.
    pub fn name(&self) -> String {
        let json = serde_json::to_value(self).unwrap_or_default();
        json.get("verb").and_then(Json::as_str).unwrap_or_default().to_owned()
    }

    /// Whether it is about one case that a mailed verb does not name: the mail's own.
    pub fn needs_case(&self) -> bool {
        matches!(
            self,
            Verb::Reply { .. } | Verb::Note { .. } | Verb::Wait { .. } | Verb::Wake { .. } | Verb::Close { .. }
        )
    }

    /// The same verb about this case.
    pub fn about(mut self, about: CaseId) -> Verb {
        match &mut self {
            Verb::Reply { case, .. }
            | Verb::Note { case, .. }
            | Verb::Wait { case, .. }
            | Verb::Wake { case }
            | Verb::Close { case, .. } => *case = about.0,
            _ => {}
        }
        self
    }

    /// Whether only leads, administrators and the owner may do it.
    fn administers(&self) -> bool {
        matches!(
            self,
            Verb::CpuAdd { .. }
                | Verb::CustomerAdd { .. }
                | Verb::ContactAdd { .. }
                | Verb::ContactKey { .. }
                | Verb::TokenMake { .. }
                | Verb::Hold { .. }
                | Verb::Probe
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
        Verb::Files { case } => Answer::Files(file::list(tx, CaseId(*case))?),
        Verb::Save { case, file, .. } => piece(file::given_out(tx, CaseId(*case), FileId(*file))?),
        Verb::Probed { message } => Answer::Probe(Box::new(probe::look(tx, MessageNo(*message))?)),
        Verb::Grep { query, limit } => Answer::Hits(search::grep(tx, query, limit.unwrap_or(limits::LIST_ROWS))?),
        Verb::Cpu => Answer::Engineers(people(tx, now)?),
        Verb::Customer { named } => Answer::Customers(customer::list(tx, named.as_deref())?),
        Verb::Contact { named } => Answer::Contacts(customer::contacts(tx, named.as_deref())?),
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
            by_mail: one.by_mail,
        });
    }
    Ok(rows)
}
