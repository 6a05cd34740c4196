//! Every verb of the command line, declared once: parser, help, man pages and completions come from here.

mod act;
mod agreed;
mod ledger;
mod simulate;

pub use act::{ContactAct, CpuAct, CustomerAct, Deliver, ImportAct, MailAct, ParticipantAct, SpoolAct, TokenAct};
pub use agreed::{AgreedVerb, AgreementAct, CalendarAct, Due};
pub use ledger::Ledger;
pub use simulate::{SIMULATE_FILES, Simulate};

use clap::{Args, ColorChoice, Parser, Subcommand};
use std::path::PathBuf;

/// Heading of the options that every verb has.
const EVERYWHERE: &str = "With every verb";

/// What the exit codes mean, for scripts.
pub const EXIT_CODES: &str = "Exit codes: 0 done, 1 failed, 2 wrong use, 3 no such case, 4 conflict, \
    5 would be a dishonest promise, 6 not allowed, 7 nothing to do, 8 mail not accepted.";

/// How a history is written, for `due`.
pub const HISTORY: &str = "A history is JSON lines, an event each:\n  \
    {\"case\":\"A-17\",\"at\":\"2026-03-02T08:00:00Z\",\"event\":\"customer\"}   with \"role\":\"other\" if it is not the requestor\n  \
    {\"case\":\"A-17\",\"at\":\"2026-03-02T09:00:00Z\",\"event\":\"reply\"}      or \"note\", which stays inside\n  \
    {\"case\":\"A-17\",\"at\":\"2026-03-02T09:00:00Z\",\"event\":\"state\",\"state\":\"pending\"}\n\
    States: new, open, pending (for the customer), hold (for others), solved, closed. In an mbox a mail from --ours is a reply, \
    any other the customer's, and a case is a thread.";

/// What the letters under ST mean.
pub const STATES: &str = "States (column ST):\n  \
    U   unsorted: nothing is promised yet, see `duly spool`\n  \
    R   ours, being worked on\n  \
    Q   ours, ready for whoever is next\n  \
    We  ours, waits for engineering; Wu upstream, Wl the lab, Wt a date\n  \
    Wc  theirs: waits for the customer\n  \
    Z   theirs: answered, closes at the time shown\n  \
    X   closed";

/// A support desk that keeps every promised reply time.
#[derive(Debug, Parser)]
#[command(name = "duly", version, max_term_width = 100, disable_help_subcommand = true)]
#[command(before_help = "Example: duly demo", after_help = EXIT_CODES)]
pub struct Cli {
    /// The data directory of the desk; else DULY_DIR in the environment
    // Not by clap's own means: its usage would then say that --dir must be given.
    #[arg(long, global = true, value_name = "DIR", help_heading = EVERYWHERE)]
    pub dir: Option<PathBuf>,
    /// Act as this engineer (for the owner of the data directory)
    #[arg(long = "as", global = true, value_name = "ADDRESS", help_heading = EVERYWHERE)]
    pub as_engineer: Option<String>,
    /// Print JSON: an object a line for lists
    #[arg(long, global = true, help_heading = EVERYWHERE)]
    pub json: bool,
    /// Never ask
    #[arg(long, global = true, help_heading = EVERYWHERE)]
    pub no_input: bool,
    /// Colour on a terminal; NO_COLOR in the environment means never
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto", help_heading = EVERYWHERE)]
    pub color: ColorChoice,
    /// Sentences instead of columns
    #[arg(long, global = true, help_heading = EVERYWHERE)]
    pub accessible: bool,
    /// What to do
    #[command(subcommand)]
    pub verb: Verb,
}

/// What can be done.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// What a running desk is asked.
    #[command(flatten)]
    Desk(DeskVerb),
    /// What is done here, without asking one.
    #[command(flatten)]
    Local(LocalVerb),
}

/// Verbs of a running desk: the same words in every interface.
#[derive(Debug, Subcommand)]
pub enum DeskVerb {
    /// List cases: what is promised first stands first
    #[command(before_help = "Example: duly ps\nExample: duly ps -a --json", after_help = STATES)]
    Ps(Ps),
    /// Take a slice: the case with the earliest promise that you may answer
    #[command(before_help = "Example: duly --as anna@acme.example next")]
    Next,
    /// Hand your slice back, with a reason of a few words
    #[command(before_help = "Example: duly skip \"needs somebody who knows storage\"")]
    Skip {
        /// Why; seen by all
        #[arg(required = true, num_args = 1..)]
        reason: Vec<String>,
    },
    /// Show a case: promise, newest words, what left and how it fared
    #[command(before_help = "Example: duly show 4711")]
    Show {
        /// Number of the case
        case: CaseNumber,
    },
    /// What happened: to a case, or with -a to all
    #[command(before_help = "Example: duly log 4711\nExample: duly log -a --json")]
    Log {
        /// Number of the case
        #[arg(required_unless_present = "all")]
        case: Option<CaseNumber>,
        /// Of every case, and of mail that has none
        #[arg(short, long, conflicts_with = "case")]
        all: bool,
    },
    /// What came and how long its answers took, as a trace for `duly simulate`
    #[command(before_help = "Example: duly history > turns.csv")]
    History,
    /// The original bytes of a mail
    #[command(before_help = "Example: duly raw 4711 > mail.eml")]
    Raw {
        /// Number of the case
        case: CaseNumber,
        /// Number of the message; else the case's first mail
        message: Option<i64>,
    },
    /// The files of a case
    #[command(before_help = "Example: duly files 4711")]
    Files {
        /// Number of the case
        case: CaseNumber,
    },
    /// Save a file of a case
    #[command(before_help = "Example: duly save 4711 3\nExample: duly save 4711 3 -o - | tar tz")]
    Save {
        /// Number of the case
        case: CaseNumber,
        /// Number of the file, as `duly files` lists it
        file: i64,
        /// Where to; - is standard output. Else under its own name, here, and never over another
        #[arg(short, long, value_name = "FILE")]
        output: Option<PathBuf>,
        /// Save it although a virus scan found something; the ledger keeps the reason
        #[arg(long, value_name = "REASON")]
        infected_because: Option<String>,
    },
    /// Answer: what keeps a promise
    #[command(before_help = "Example: duly reply 4711 -f answer.md --kind answer --then close\n\
        Example: duly reply 4711 --kind finding --then \"owe wed 10:00\"   (opens $EDITOR)")]
    Reply(Reply),
    /// Write an internal note
    #[command(before_help = "Example: duly note 4711 -m \"their core dump matches bug 118234\"")]
    Note {
        /// Number of the case
        case: CaseNumber,
        /// The words
        #[command(flatten)]
        text: Text,
    },
    /// Block on somebody until a time
    #[command(before_help = "Example: duly wait 4655 engineering thu 09:00 --because \"PR 5123 is under review\"")]
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
        /// Tell the customer in these words (Markdown) what was handed over; the mail names the next word's time
        #[arg(long, value_name = "WORDS")]
        tell: Option<String>,
        /// Although the promise would break by it: the wait will be shorter, or somebody answers meanwhile
        #[arg(long)]
        anyway: bool,
    },
    /// End a wait: the case is ours and ready
    #[command(before_help = "Example: duly wake 4655")]
    Wake {
        /// Number of the case
        case: CaseNumber,
    },
    /// Close a case that owes nothing
    #[command(before_help = "Example: duly close 4711 --as-resolution solved --because \"index rebuilt\"")]
    Close {
        /// Number of the case
        case: CaseNumber,
        /// solved, workaround, answered, fixed upstream, declined, duplicate, no reply
        #[arg(long = "as-resolution", value_name = "RESOLUTION")]
        resolution: Option<String>,
        /// Summary; a customer whom the case waited for reads it
        #[arg(long)]
        because: Option<String>,
    },
    /// Show the promises of a case, offer another time, or withdraw one
    #[command(
        before_help = "Example: duly promise 4711\nExample: duly promise 4711 --why\nExample: duly promise 4711 wed 10:00 --because \"the test takes four hours\"\nExample: duly promise 4711 --withdraw \"spam\"",
        after_help = "The promised time stands until the customer accepts another. A time that does not fit together with everything that is promised is refused (exit code 5); a lead may sign for it."
    )]
    Promise {
        /// Number of the case
        case: CaseNumber,
        /// Another time to offer
        time: Vec<String>,
        /// Ask the customer to move, to the time named or to the next honest one; with --because
        #[arg(long)]
        ask: bool,
        /// Grant the time that the customer asked for
        #[arg(long, conflicts_with_all = ["ask", "refuse", "time", "withdraw"])]
        accept: bool,
        /// Refuse the time that the customer asked for
        #[arg(long, conflicts_with_all = ["ask", "time", "withdraw"])]
        refuse: bool,
        /// One sentence why, which the customer reads
        #[arg(long, value_name = "REASON")]
        because: Option<String>,
        /// One sentence that says what is safe until then; the customer reads it
        #[arg(long, value_name = "WORDS")]
        meanwhile: Option<String>,
        /// As a lead, go over the test, with a reason that the ledger keeps
        #[arg(long, value_name = "REASON")]
        sign: Option<String>,
        /// Withdraw, with a reason that the ledger keeps
        #[arg(long, value_name = "REASON")]
        withdraw: Option<String>,
        /// Which promise, where there are several
        #[arg(long)]
        number: Option<i64>,
        /// Say why each time is what it is, as the customer is told
        #[arg(long, conflicts_with_all = ["time", "withdraw"])]
        why: bool,
        /// Language of the reason, as de
        #[arg(long, value_name = "TAG", requires = "why")]
        language: Option<String>,
    },
    /// The book of promises: made, due, kept or broken; its figures; its proof
    #[command(
        before_help = "Example: duly ledger --week\nExample: duly ledger --by customer --csv\nExample: duly ledger --verify \
        --checkpoint mail.eml\nExample: duly ledger --key"
    )]
    Ledger(Ledger),
    /// Mail that needs a look: unsorted, unread, undelivered
    #[command(before_help = "Example: duly spool\nExample: duly spool release 12\nExample: duly spool hold")]
    Spool {
        /// What to do with it; nothing lists
        #[command(subcommand)]
        act: Option<SpoolAct>,
    },
    /// Put a case into another, where a new mail belongs to it
    #[command(before_help = "Example: duly merge 12\nExample: duly merge 12 --into 7")]
    Merge {
        /// Number of the case that goes over
        case: CaseNumber,
        /// The case it goes into; else the one that was offered
        #[arg(long, value_name = "CASE")]
        into: Option<CaseNumber>,
    },
    /// Part a merged case from the other again
    #[command(before_help = "Example: duly unmerge 12")]
    Unmerge {
        /// Number of the case that went over
        case: CaseNumber,
    },
    /// Who is on a case: put somebody on it, or take them off
    #[command(before_help = "Example: duly participant add 4711 li@northwind.example")]
    Participant {
        /// What to do
        #[command(subcommand)]
        act: ParticipantAct,
    },
    /// Take back your last reply while it is held
    #[command(before_help = "Example: duly undo")]
    Undo,
    /// Find words in mails and notes
    #[command(before_help = "Example: duly grep ORA-00600\nExample: duly grep '\"replica lag\" upgrade'")]
    Grep {
        /// Words, and "phrases" in quotes; all must be there
        #[arg(required = true, num_args = 1..)]
        query: Vec<String>,
        /// Hits at most
        #[arg(short = 'n', long)]
        limit: Option<i64>,
    },
    /// People who answer: list, add, set, their absences and calendars, load, sign in at a browser, take off the desk
    #[command(
        before_help = "Example: duly cpu add anna@acme.example --name \"Anna Keller\" --zone Europe/Berlin \
        --hours \"mon-fri 09:00-17:00\""
    )]
    #[command(args_conflicts_with_subcommands = true)]
    Cpu {
        /// What is promised against the time that people have, day by day, and when nobody is there
        #[arg(long)]
        load: bool,
        /// What to do; nothing lists
        #[command(subcommand)]
        act: Option<CpuAct>,
    },
    /// Customers: list, or enter one
    #[command(before_help = "Example: duly customer add Northwind --domain northwind.example")]
    Customer {
        /// What to do; nothing lists
        #[command(subcommand)]
        act: Option<CustomerAct>,
    },
    /// Contacts: list, enter one, set zone, language and calendar entries
    #[command(
        before_help = "Example: duly contact add priya@northwind.example --name \"Priya N.\" --customer Northwind"
    )]
    Contact {
        /// What to do; nothing lists
        #[command(subcommand)]
        act: Option<ContactAct>,
    },
    /// Agreements, calendars, severity and nice.
    #[command(flatten)]
    Agreed(AgreedVerb),
    /// Secrets: make a one-time secret for an engineer, or claim a token with one
    #[command(
        before_help = "Example: duly token make anna@acme.example\nExample: duly token claim   (asks for the secret)"
    )]
    Token {
        /// What to do
        #[command(subcommand)]
        act: TokenAct,
    },
}

/// Verbs that ask no running desk: making and running one, and work on files.
#[derive(Debug, Subcommand)]
pub enum LocalVerb {
    /// Make a desk: data directory, settings, database, first administrator
    #[command(
        before_help = "Example: duly init --dir /var/lib/duly --name \"Acme Support\" --address support@acme.example \
        --zone Europe/Berlin --hours \"mon-fri 09:00-17:00\""
    )]
    Init(Init),
    /// Run the desk: mail in, mail out, alarms, pages
    #[command(before_help = "Example: duly serve --dir /var/lib/duly --smtp 0.0.0.0:25 --relay mail.acme.example:587")]
    Serve(Serve),
    /// A desk to try, on this machine only: no mail leaves
    #[command(before_help = "Example: duly demo")]
    Demo(Demo),
    /// Look whether mail leaves and comes in, and what the DNS should say
    #[command(before_help = "Example: duly doctor\nExample: duly doctor --wait 300 --json")]
    Doctor(Doctor),
    /// Work on mail files, and mail from a pipe
    #[command(
        before_help = "Example: duly mail inspect *.eml | jq .new_text\nExample: duly mail deliver --to support@acme.example"
    )]
    Mail {
        /// What to do
        #[command(subcommand)]
        act: MailAct,
    },
    /// Take in the history of another desk: no mail is sent, no promise is made
    #[command(before_help = "Example: duly import mbox archive.mbox --dry-run\nExample: duly import mbox archive.mbox")]
    Import {
        /// What to do
        #[command(subcommand)]
        act: ImportAct,
    },
    /// Print who may do what: every verb, and the roles that are let
    #[command(before_help = "Example: duly policy\nExample: duly policy --json")]
    Policy,
    /// Check what mails of a desk promised, with nothing but its published key
    #[command(
        before_help = "Example: duly receipt mail.eml --key keys.txt",
        after_help = "A desk publishes its keys under its web address: /.well-known/duly-promise-key."
    )]
    Receipt {
        /// The mail, as it came; `-` reads it from standard input
        file: PathBuf,
        /// The desk's published key, or a file that holds it
        #[arg(long)]
        key: String,
    },
    /// What a calendar makes of a target, without a desk
    #[command(
        before_help = "Example: duly due --cases cases.jsonl\n\
        Example: duly due --history old.mbox --ours acme.example --preset zendesk-next --first 4h --next 8h",
        after_help = HISTORY
    )]
    Due(Due),
    /// Live a trace of mail again under a policy: what would be kept, what would break
    #[command(
        before_help = "Example: duly simulate --turns mails.csv.gz --load 0.85 --policy all\n\
        Example: duly simulate --rota january.toml --svg january.svg",
        after_help = SIMULATE_FILES
    )]
    Simulate(Simulate),
    /// Print a completion script for a shell
    #[command(before_help = "Example: duly completions bash > /etc/bash_completion.d/duly")]
    Completions {
        /// bash, zsh, fish, …
        shell: clap_complete::Shell,
    },
    /// Write the man pages into a folder
    #[command(before_help = "Example: duly man /usr/local/share/man/man1")]
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
#[derive(Debug, Clone, Args)]
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

/// What `doctor` may be told.
#[derive(Debug, Args)]
pub struct Doctor {
    /// Seconds to wait for the mail to ourselves
    #[arg(long, value_name = "SECONDS", default_value_t = 120)]
    pub wait: u64,
    /// Ask the DNS only: send no mail, ask no running desk
    #[arg(long)]
    pub no_send: bool,
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
    /// As a lead, owe a time that does not fit, with a reason that the ledger keeps
    #[arg(long, value_name = "REASON")]
    pub sign: Option<String>,
    /// A file that goes with it: small ones in the mail, large ones as a link; may be given more than once
    #[arg(long, value_name = "FILE")]
    pub attach: Vec<PathBuf>,
}
