//! Every verb of the command line, declared once: parser, help, man pages and completions come from here.

use clap::{Args, Parser, Subcommand};
use std::path::PathBuf;

/// A support desk that keeps every promised reply time.
#[derive(Debug, Parser)]
#[command(name = "duly", version, max_term_width = 100, disable_help_subcommand = true)]
pub struct Cli {
    /// The data directory of the desk
    #[arg(long, global = true, env = "DULY_DIR", value_name = "DIR")]
    pub dir: Option<PathBuf>,
    /// Act as this engineer (for the owner of the data directory)
    #[arg(long = "as", global = true, value_name = "ADDRESS")]
    pub as_engineer: Option<String>,
    /// Print JSON: an object a line for lists
    #[arg(long, global = true)]
    pub json: bool,
    /// Never ask
    #[arg(long, global = true)]
    pub no_input: bool,
    /// Colour: auto, always, never (NO_COLOR is heeded)
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    pub color: String,
    /// Sentences instead of columns, no redraw
    #[arg(long, global = true)]
    pub accessible: bool,
    /// What to do
    #[command(subcommand)]
    pub verb: Verb,
}

/// What can be done.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Make a desk: data directory, settings, database, first administrator
    #[command(
        after_help = "Example: duly init --dir /var/lib/duly --name \"Acme Support\" --address support@acme.example \
        --zone Europe/Berlin --hours \"mon-fri 09:00-17:00\""
    )]
    Init(Init),
    /// Run the desk: mail in, mail out, alarms, pages
    #[command(after_help = "Example: duly serve --dir /var/lib/duly --smtp 0.0.0.0:25 --relay mail.acme.example:587")]
    Serve(Serve),
    /// A desk to try, on this machine only: no mail leaves
    #[command(after_help = "Example: duly demo")]
    Demo(Demo),
    /// List cases: what is promised first stands first
    #[command(after_help = "Example: duly ps\nExample: duly ps -a --json")]
    Ps(Ps),
    /// Take a slice: the case with the earliest promise that you may answer
    #[command(after_help = "Example: duly --as anna@acme.example next")]
    Next,
    /// Hand your slice back, with a reason of a few words
    #[command(after_help = "Example: duly skip \"needs somebody who knows storage\"")]
    Skip {
        /// Why; seen by all
        #[arg(required = true, num_args = 1..)]
        reason: Vec<String>,
    },
    /// Show a case: promise, newest words, what left and how it fared
    #[command(after_help = "Example: duly show 4711")]
    Show {
        /// Number of the case
        case: CaseNumber,
    },
    /// What happened: to a case, or with -a to all
    #[command(after_help = "Example: duly log 4711\nExample: duly log -a --json")]
    Log {
        /// Number of the case
        case: Option<CaseNumber>,
        /// Everything
        #[arg(short, long)]
        all: bool,
    },
    /// The original bytes of a mail
    #[command(after_help = "Example: duly raw 4711 > mail.eml")]
    Raw {
        /// Number of the case
        case: CaseNumber,
        /// Number of the message; else the case's first mail
        message: Option<i64>,
    },
    /// Answer: what keeps a promise
    #[command(after_help = "Example: duly reply 4711 -f answer.md --kind answer --then close\n\
        Example: duly reply 4711 --kind finding --then \"owe wed 10:00\"   (opens $EDITOR)")]
    Reply(Reply),
    /// Write an internal note
    #[command(after_help = "Example: duly note 4711 -m \"their core dump matches bug 118234\"")]
    Note {
        /// Number of the case
        case: CaseNumber,
        /// The words
        #[command(flatten)]
        text: Text,
    },
    /// Block on somebody until a time
    #[command(after_help = "Example: duly wait 4655 engineering thu 09:00 --because \"PR 5123 is under review\"")]
    Wait {
        /// Number of the case
        case: CaseNumber,
        /// customer, engineering, upstream, lab or date
        party: String,
        /// Until when: "thu 09:00", "+3h", "tomorrow 10"
        #[arg(required = true, num_args = 1..)]
        until: Vec<String>,
        /// Why
        #[arg(long)]
        because: Option<String>,
    },
    /// End a wait: the case is ours and ready
    #[command(after_help = "Example: duly wake 4655")]
    Wake {
        /// Number of the case
        case: CaseNumber,
    },
    /// Close a case that owes nothing
    #[command(after_help = "Example: duly close 4711 --as-resolution solved --because \"index rebuilt\"")]
    Close {
        /// Number of the case
        case: CaseNumber,
        /// solved, workaround, answered, fixed upstream, declined, duplicate, no reply
        #[arg(long = "as-resolution", value_name = "RESOLUTION")]
        resolution: Option<String>,
        /// Summary
        #[arg(long)]
        because: Option<String>,
    },
    /// Show the promises of a case, or withdraw one
    #[command(after_help = "Example: duly promise 4711\nExample: duly promise 4711 --withdraw \"spam\"")]
    Promise {
        /// Number of the case
        case: CaseNumber,
        /// Another time to offer
        time: Vec<String>,
        /// Withdraw, with a reason that the ledger keeps
        #[arg(long, value_name = "REASON")]
        withdraw: Option<String>,
        /// Which promise, where there are several
        #[arg(long)]
        number: Option<i64>,
    },
    /// The book of promises: made, due, kept or broken
    #[command(after_help = "Example: duly ledger --json\nExample: duly ledger --verify")]
    Ledger {
        /// Only this case
        case: Option<CaseNumber>,
        /// Walk the whole ledger and prove that nothing was changed
        #[arg(long)]
        verify: bool,
    },
    /// Mail that needs a look: unsorted, unread, undelivered
    #[command(after_help = "Example: duly spool\nExample: duly spool release 12\nExample: duly spool hold")]
    Spool {
        /// What to do with it; nothing lists
        #[command(subcommand)]
        act: Option<SpoolAct>,
    },
    /// Take back your last reply while it is held
    #[command(after_help = "Example: duly undo")]
    Undo,
    /// Find words in mails and notes
    #[command(after_help = "Example: duly grep ORA-00600\nExample: duly grep '\"replica lag\" upgrade'")]
    Grep {
        /// Words, and "phrases" in quotes; all must be there
        #[arg(required = true, num_args = 1..)]
        query: Vec<String>,
        /// Hits at most
        #[arg(short = 'n', long)]
        limit: Option<i64>,
    },
    /// People who answer: list, or add one
    #[command(
        after_help = "Example: duly cpu add anna@acme.example --name \"Anna Keller\" --zone Europe/Berlin \
        --hours \"mon-fri 09:00-17:00\""
    )]
    Cpu {
        /// What to do; nothing lists
        #[command(subcommand)]
        act: Option<CpuAct>,
    },
    /// Customers: list, or enter one
    #[command(after_help = "Example: duly customer add Northwind --domain northwind.example")]
    Customer {
        /// What to do; nothing lists
        #[command(subcommand)]
        act: Option<CustomerAct>,
    },
    /// Contacts: list, enter one, set a zone
    #[command(
        after_help = "Example: duly contact add --customer Northwind --name \"Priya N.\" priya@northwind.example"
    )]
    Contact {
        /// What to do; nothing lists
        #[command(subcommand)]
        act: Option<ContactAct>,
    },
    /// Secrets: make a one-time secret for an engineer, or claim a token with one
    #[command(
        after_help = "Example: duly token make anna@acme.example\nExample: duly token claim   (asks for the secret)"
    )]
    Token {
        /// What to do
        #[command(subcommand)]
        act: TokenAct,
    },
    /// Work on mail files, without a desk
    Mail {
        /// What to do
        #[command(subcommand)]
        act: MailAct,
    },
    /// Take in the history of another desk: no mail is sent, no promise is made
    #[command(after_help = "Example: duly import mbox archive.mbox --dry-run\nExample: duly import mbox archive.mbox")]
    Import {
        /// What to do
        #[command(subcommand)]
        act: ImportAct,
    },
    /// What a calendar makes of a target, without a desk
    #[command(after_help = "Example: duly due --cases cases.jsonl")]
    Due {
        /// JSON lines: id, from, target_minutes, calendar, pauses
        #[arg(long)]
        cases: PathBuf,
    },
    /// Print a completion script for a shell
    #[command(after_help = "Example: duly completions bash > /etc/bash_completion.d/duly")]
    Completions {
        /// bash, zsh, fish, …
        shell: clap_complete::Shell,
    },
    /// Write the man pages into a folder
    #[command(after_help = "Example: duly man /usr/local/share/man/man1")]
    Man {
        /// The folder
        folder: PathBuf,
    },
    /// The process that reads mail; started by the desk itself
    #[command(name = "mail-worker", hide = true)]
    MailWorker,
}

/// A case, written as 4711 or #4711.
#[derive(Debug, Clone, Copy)]
pub struct CaseNumber(pub i64);

impl std::str::FromStr for CaseNumber {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        text.trim_start_matches('#')
            .parse()
            .map(CaseNumber)
            .map_err(|_| format!("\"{text}\" is no case number"))
    }
}

/// What `init` asks for.
#[derive(Debug, Args)]
pub struct Init {
    /// How the desk calls itself
    #[arg(long)]
    pub name: Option<String>,
    /// The address that takes mail and speaks; several with commas
    #[arg(long)]
    pub address: Option<String>,
    /// Time zone of the desk
    #[arg(long)]
    pub zone: Option<String>,
    /// Hours in which promises count
    #[arg(long)]
    pub hours: Option<String>,
    /// PostgreSQL instead of SQLite: postgres://user@host/database
    #[arg(long, value_name = "URL")]
    pub database: Option<String>,
    /// Address of the first administrator
    #[arg(long)]
    pub admin: Option<String>,
}

/// What `serve` may be told beside the settings.
#[derive(Debug, Args)]
pub struct Serve {
    /// Where mail comes in
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub smtp: Option<String>,
    /// Where pages are served
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub http: Option<String>,
    /// Where mail leaves
    #[arg(long, value_name = "HOST:PORT")]
    pub relay: Option<String>,
    /// PostgreSQL instead of the settings' database
    #[arg(long, value_name = "URL")]
    pub database: Option<String>,
}

/// What the demo may be told.
#[derive(Debug, Args)]
pub struct Demo {
    /// Where pages are served
    #[arg(long, default_value = "127.0.0.1:8025")]
    pub http: String,
    /// Where mail comes in
    #[arg(long, default_value = "127.0.0.1:2525")]
    pub smtp: String,
    /// Closed cases in it
    #[arg(long, default_value_t = 2000)]
    pub closed: usize,
}

/// Which cases `ps` lists.
#[derive(Debug, Args)]
pub struct Ps {
    /// Closed ones too, in the order of their numbers
    #[arg(short, long)]
    pub all: bool,
    /// Only this engineer's
    #[arg(short = 'u', long = "user", value_name = "ADDRESS")]
    pub user: Option<String>,
    /// Only those that wait
    #[arg(long)]
    pub wait: bool,
    /// Columns, as: case,state,reply_by,subject
    #[arg(short = 'o', long = "columns", value_delimiter = ',')]
    pub columns: Vec<String>,
}

/// Where words come from.
#[derive(Debug, Args)]
pub struct Text {
    /// From a file; - is standard input. Without -f and -m $EDITOR opens
    #[arg(short, long, value_name = "FILE")]
    pub file: Option<PathBuf>,
    /// The words themselves
    #[arg(short, long, conflicts_with = "file")]
    pub message: Option<String>,
}

/// A reply.
#[derive(Debug, Args)]
pub struct Reply {
    /// Number of the case
    pub case: CaseNumber,
    /// The words
    #[command(flatten)]
    pub text: Text,
    /// answer, question or finding
    #[arg(long, default_value = "answer")]
    pub kind: String,
    /// What comes next: close, "close as solved", "owe wed 10:00", "wait fri 12:00"
    #[arg(long)]
    pub then: Option<String>,
    /// Messages it answers; else all open ones
    #[arg(long, value_delimiter = ',')]
    pub answers: Vec<i64>,
    /// Send although the case changed since you read it
    #[arg(long)]
    pub force_stale: bool,
}

/// What can be done in the spool.
#[derive(Debug, Subcommand)]
pub enum SpoolAct {
    /// Take on an unsorted case, a mail mN, or send oN; `all` ends a hold
    Release {
        /// Case number, mN, oN or all
        what: String,
    },
    /// Send a deferred or failed mail again now
    Retry {
        /// oN
        what: String,
    },
    /// Decline an unsorted case
    Decline {
        /// Number of the case
        case: CaseNumber,
        /// Why
        #[arg(long)]
        because: String,
    },
    /// Hold everything that leaves
    Hold,
}

/// What can be done with people.
#[derive(Debug, Subcommand)]
pub enum CpuAct {
    /// Add somebody
    Add {
        /// Mail address
        address: String,
        /// Name as customers read it
        #[arg(long)]
        name: String,
        /// Time zone
        #[arg(long)]
        zone: String,
        /// Hours in that zone
        #[arg(long)]
        hours: String,
        /// Depth of knowledge, 1 to 4
        #[arg(long, default_value_t = 1)]
        layer: i64,
        /// Lanes the person serves; none means all
        #[arg(long, value_delimiter = ',')]
        lanes: Vec<String>,
        /// engineer, lead or administrator
        #[arg(long, default_value = "engineer")]
        role: String,
    },
}

/// What can be done with customers.
#[derive(Debug, Subcommand)]
pub enum CustomerAct {
    /// Enter one
    Add {
        /// Name
        name: String,
        /// Mail domains that belong to it
        #[arg(long = "domain", value_delimiter = ',')]
        domains: Vec<String>,
    },
    /// Those whose name contains this
    Find {
        /// Part of the name
        name: String,
    },
}

/// What can be done with contacts.
#[derive(Debug, Subcommand)]
pub enum ContactAct {
    /// Enter one
    Add {
        /// Mail address
        address: String,
        /// Name
        #[arg(long)]
        name: String,
        /// Name or number of the customer
        #[arg(long)]
        customer: String,
        /// Zone in which times are said to them
        #[arg(long)]
        zone: Option<String>,
    },
    /// Set the zone in which times are said to them
    Zone {
        /// Mail address
        address: String,
        /// IANA name; nothing goes back to the zone of their mail
        zone: Option<String>,
    },
    /// Those whose name, address or customer contains this
    Find {
        /// Part of it
        name: String,
    },
}

/// What can be done with secrets.
#[derive(Debug, Subcommand)]
pub enum TokenAct {
    /// Make a one-time secret for an engineer
    Make {
        /// Mail address
        address: String,
    },
    /// Turn a one-time secret (asked for, or on standard input) into a token
    Claim,
}

/// What can be done with mail files.
#[derive(Debug, Subcommand)]
pub enum MailAct {
    /// What Duly understands of mail files: one JSON object a mail
    #[command(after_help = "Example: duly mail inspect *.eml | jq .new_text")]
    Inspect {
        /// Mail files
        #[arg(required = true)]
        files: Vec<PathBuf>,
    },
}

/// What can be imported.
#[derive(Debug, Subcommand)]
pub enum ImportAct {
    /// An mbox file
    Mbox {
        /// The file
        file: PathBuf,
        /// Count what would happen, change nothing
        #[arg(long)]
        dry_run: bool,
    },
}
