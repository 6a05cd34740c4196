//! Verbs about what was agreed: agreements, calendars, severity and nice; and `due`, which needs no desk.

use super::CaseNumber;
use clap::{Args, Subcommand};
use std::path::PathBuf;

/// Verbs about what was agreed.
#[derive(Debug, Subcommand)]
pub enum AgreedVerb {
    /// Agreements with customers: list, show, enter, amend
    #[command(before_help = "Example: duly agreement\nExample: duly agreement add Northwind northwind.toml")]
    Agreement {
        /// What to do; nothing lists
        #[command(subcommand)]
        act: Option<AgreementAct>,
    },
    /// Calendars in which targets count: list, show, write, add holidays
    #[command(before_help = "Example: duly calendar\nExample: duly calendar set berlin berlin.toml")]
    Calendar {
        /// What to do; nothing lists
        #[command(subcommand)]
        act: Option<CalendarAct>,
    },
    /// Set how badly a case hits; only later promises follow
    #[command(before_help = "Example: duly severity 4711 2 --because \"the replica is down too\"")]
    Severity {
        /// Number of the case
        case: CaseNumber,
        /// 1 (stopped), 2 (severe), 3 (limited) or 4 (question)
        severity: String,
        /// Why; the ledger keeps it
        #[arg(long)]
        because: String,
    },
    /// Say how many minutes of work a case takes in all, as far as you see: the plan reckons with it
    #[command(before_help = "Example: duly estimate 4711 90")]
    Estimate {
        /// Number of the case
        case: CaseNumber,
        /// Minutes, what is done already included
        #[arg(required_unless_present = "off")]
        minutes: Option<i64>,
        /// There is no estimate any more
        #[arg(long, conflicts_with = "minutes")]
        off: bool,
    },
    /// Order a case among those with the same due time; no promise moves
    #[command(before_help = "Example: duly nice 4711 -5 --because \"their launch is tomorrow\"")]
    Nice {
        /// Number of the case
        case: CaseNumber,
        /// -20 (first) to 19 (last)
        #[arg(allow_negative_numbers = true)]
        nice: i64,
        /// Why; the ledger keeps it
        #[arg(long)]
        because: String,
    },
}

/// What can be done with agreements.
#[derive(Debug, Subcommand)]
pub enum AgreementAct {
    /// Every version of one
    #[command(before_help = "Example: duly agreement show 3 --json")]
    Show {
        /// Number of the agreement
        agreement: i64,
    },
    /// Those of customers whose name contains this
    #[command(before_help = "Example: duly agreement find north")]
    Find {
        /// Part of the name
        name: String,
    },
    /// Enter one, from a file
    #[command(before_help = "Example: duly agreement add Northwind northwind.toml")]
    Add {
        /// Name or number of the customer
        customer: String,
        /// TOML, as `duly agreement example` shows; - is standard input
        file: PathBuf,
    },
    /// Add a version that holds from a day on; promises that are made stand
    #[command(before_help = "Example: duly agreement amend 3 northwind.toml --from 2027-04-01")]
    Amend {
        /// Number of the agreement
        agreement: i64,
        /// The whole agreement anew, TOML; - is standard input
        file: PathBuf,
        /// First day, in the desk's zone; else as the file says, else now
        #[arg(long, value_name = "DATE")]
        from: Option<String>,
    },
    /// Print a whole agreement file with what each line means
    #[command(before_help = "Example: duly agreement example > northwind.toml")]
    Example,
}

/// What can be done with calendars.
#[derive(Debug, Subcommand)]
pub enum CalendarAct {
    /// One whole, as `duly due` takes it
    #[command(before_help = "Example: duly calendar show berlin")]
    Show {
        /// Name of the calendar
        name: String,
    },
    /// Write one: a new one, or a new version
    #[command(
        before_help = "Example: duly calendar set berlin berlin.toml",
        after_help = "The file:\n  zone = \"Europe/Berlin\"\n  hours = \"mon-fri 09:00-12:30 13:00-17:00\"\n  \
        holidays = [\"2026-12-25\"]\n  [exceptions]\n  2026-12-24 = \"09:00-12:00\"\n  2026-12-31 = \"\""
    )]
    Set {
        /// Name of the calendar
        name: String,
        /// TOML; - is standard input
        file: PathBuf,
    },
    /// Add the holidays of an iCalendar file
    #[command(before_help = "Example: duly calendar holidays berlin feiertage.ics")]
    Holidays {
        /// Name of the calendar
        name: String,
        /// iCalendar (.ics); - is standard input
        file: PathBuf,
    },
    /// Add the holidays of an iCalendar feed, and look for new ones once a day
    #[command(
        before_help = "Example: duly calendar feed berlin https://feiertage.example/berlin.ics\nExample: duly calendar feed berlin --off"
    )]
    Feed {
        /// Name of the calendar
        name: String,
        /// Where it is: https only
        #[arg(required_unless_present = "off", conflicts_with = "off")]
        url: Option<String>,
        /// Follow it no more; its holidays stay
        #[arg(long)]
        off: bool,
    },
}

/// What `due` is asked.
#[derive(Debug, Args)]
pub struct Due {
    /// JSON lines: id, from, target_minutes or target, calendar, pauses
    #[arg(long, value_name = "FILE", required_unless_present_any = ["history", "zone_release"])]
    pub cases: Option<PathBuf>,
    /// Print the release of the zone database that is compiled in
    #[arg(long, conflicts_with_all = ["cases", "history"])]
    pub zone_release: bool,
    /// What happened, as .jsonl or .mbox: what a preset would have said was due when
    #[arg(long, value_name = "FILE", requires = "preset", conflicts_with = "cases")]
    pub history: Option<PathBuf>,
    /// The clock: zammad-between-updates, zammad-for-agent, rt, zendesk-next, zendesk-periodic, zendesk-pausable,
    /// zendesk-requester-wait, zendesk-agent-work, jira, glpi
    #[arg(long, value_name = "NAME")]
    pub preset: Option<String>,
    /// Hours that targets count in (TOML as for `duly calendar set`); else round the clock
    #[arg(long, value_name = "FILE", requires = "history")]
    pub calendar: Option<PathBuf>,
    /// Target of the first reply, as 4h, "2h real" or "4h + 30m real"; RT: Starts
    #[arg(long, value_name = "SPAN", requires = "history")]
    pub first: Option<String>,
    /// Target of later replies; RT: Response; Jira: the goal
    #[arg(long, value_name = "SPAN", requires = "history")]
    pub next: Option<String>,
    /// Target of keeping in touch; RT: KeepInLoop
    #[arg(long, value_name = "SPAN", requires = "history")]
    pub update: Option<String>,
    /// Target of the solution; RT: Resolve; Zendesk: requester wait, agent work
    #[arg(long, value_name = "SPAN", requires = "history")]
    pub solve: Option<String>,
    /// RT's OutOfHours: added to what starts while the calendar is closed
    #[arg(long, value_name = "SPAN", requires = "history")]
    pub out_of_hours: Option<String>,
    /// Whether pauses move the due time: "shift" or "no-shift"; else as the preset does
    #[arg(long, value_name = "RULE", value_parser = ["shift", "no-shift"], requires = "history")]
    pub pausing: Option<String>,
    /// Internal notes count as words to the customer
    #[arg(long, requires = "history")]
    pub notes_count: bool,
    /// RT: everybody outside asks, not the requestors only
    #[arg(long, requires = "history")]
    pub all_outside: bool,
    /// Domains or addresses whose mails in an mbox are ours; all others are the customer's
    #[arg(long, value_name = "WHO", value_delimiter = ',', requires = "history")]
    pub ours: Vec<String>,
    /// The end of the history; else its last event
    #[arg(long, value_name = "INSTANT", requires = "history")]
    pub until: Option<jiff::Timestamp>,
}
