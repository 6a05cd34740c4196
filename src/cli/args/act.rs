//! What follows a verb that has acts of its own: `cpu add`, `spool release`, `token claim` and their like.

use super::CaseNumber;
use clap::{Args, Subcommand};
use std::path::PathBuf;

/// What can be done in the spool.
#[derive(Debug, Subcommand)]
pub enum SpoolAct {
    /// Take on an unsorted case, a mail mN, or send oN; an address ends its brake, `all` ends a hold
    #[command(before_help = "Example: duly spool release 12")]
    Release {
        /// Case number, mN, oN, an address or all
        what: String,
    },
    /// Send a deferred or failed mail again now
    #[command(before_help = "Example: duly spool retry o31")]
    Retry {
        /// oN
        what: String,
    },
    /// Decline an unsorted case
    #[command(before_help = "Example: duly spool decline 12 --because \"advertisement\"")]
    Decline {
        /// Number of the case
        case: CaseNumber,
        /// Why
        #[arg(long)]
        because: String,
    },
    /// Hold everything that leaves
    #[command(before_help = "Example: duly spool hold")]
    Hold,
}

/// What can be done with people.
#[derive(Debug, Subcommand)]
pub enum CpuAct {
    /// Add somebody
    #[command(
        before_help = "Example: duly cpu add anna@acme.example --name \"Anna Keller\" --zone Europe/Berlin --hours \"mon-fri 09:00-17:00\""
    )]
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
    /// Print a link by which somebody signs in at a browser: one use, 15 minutes
    #[command(before_help = "Example: duly cpu link anna@acme.example")]
    Link {
        /// Mail address
        address: String,
    },
    /// The browsers somebody is signed in at; or sign them out everywhere
    #[command(before_help = "Example: duly cpu sessions anna@acme.example --end")]
    Sessions {
        /// Mail address
        address: String,
        /// End every session of theirs, and every sign-in link
        #[arg(long)]
        end: bool,
    },
    /// Take somebody off the desk who leaves: their slice, sessions and tokens end at once
    #[command(before_help = "Example: duly cpu remove anna@acme.example")]
    Remove {
        /// Mail address
        address: String,
    },
    /// Somebody is away: the plan goes without them at once, and says whom to ask
    #[command(before_help = "Example: duly cpu away anna@acme.example until mon --because \"ill\"")]
    Away {
        /// Mail address
        address: String,
        /// Until when: "mon", "thu 09:00", "+3h"
        #[arg(required = true, num_args = 1..)]
        until: Vec<String>,
        /// From when; else from now
        #[arg(long, value_name = "WHEN")]
        from: Option<String>,
        /// Why, for engineers
        #[arg(long)]
        because: Option<String>,
        /// With --from: although promises would be at risk
        #[arg(long)]
        anyway: bool,
    },
    /// Somebody's own calendar takes time: leave, meetings, time to concentrate, out of an iCalendar file
    #[command(
        before_help = "Example: duly cpu calendar anna@acme.example anna.ics",
        after_help = "Each event takes its time, unless it is cancelled, shown as free, or of the category ON-CALL. \
        Only when it is, is kept. A file that is read again replaces its events; read it at least once a year."
    )]
    Calendar {
        /// Mail address
        address: String,
        /// iCalendar (.ics); - is standard input
        #[arg(required_unless_present = "remove")]
        file: Option<PathBuf>,
        /// Forget what this file said; without a file, what all said
        #[arg(long)]
        remove: bool,
        /// Although promises would be at risk
        #[arg(long)]
        anyway: bool,
    },
    /// What would become of promises with one more, with somebody away, or with another date; nothing is changed
    #[command(
        before_help = "Example: duly cpu what-if --add upgrade,fault\nExample: duly cpu what-if --away anna@acme.example until fri\n\
        Example: duly cpu what-if --move 4711 \"fri 12:00\""
    )]
    WhatIf {
        /// One more in the desk's hours, who serves these lanes; "" means all
        #[arg(long, value_delimiter = ',', value_name = "LANES", required_unless_present_any = ["away", "moved"])]
        add: Option<Vec<String>>,
        /// Somebody is away from now until then
        #[arg(long, num_args = 2.., value_names = ["PERSON", "UNTIL"], conflicts_with = "add")]
        away: Option<Vec<String>>,
        /// What is promised next in a case has this date
        #[arg(long = "move", num_args = 2.., value_names = ["CASE", "TIME"], conflicts_with_all = ["add", "away"])]
        moved: Option<Vec<String>>,
    },
    /// Somebody is back: every absence of theirs ends
    #[command(before_help = "Example: duly cpu back anna@acme.example")]
    Back {
        /// Mail address
        address: String,
    },
    /// Set hours, zone, lanes, depth or role of somebody, or how the desk writes to them; the plan follows at once
    #[command(
        before_help = "Example: duly cpu set anna@acme.example --hours \"mon-thu 08:00-16:00\" --lane upgrade,fault"
    )]
    Set(Box<CpuSet>),
}

/// What can be set of a person; what is not named stays.
#[derive(Debug, Clone, Args)]
pub struct CpuSet {
    /// Mail address
    pub address: String,
    /// Hours in their zone
    #[arg(long)]
    pub hours: Option<String>,
    /// Time zone
    #[arg(long)]
    pub zone: Option<String>,
    /// Lanes the person serves; "" means all
    #[arg(long = "lane", visible_alias = "lanes", value_delimiter = ',', value_name = "LANES")]
    pub lanes: Option<Vec<String>>,
    /// Depth of knowledge, 1 to 4
    #[arg(long)]
    pub layer: Option<i64>,
    /// engineer, lead or administrator
    #[arg(long)]
    pub role: Option<String>,
    /// Name as customers read it
    #[arg(long)]
    pub name: Option<String>,
    /// Notices of what needs them, and a digest when their hours begin: on or off
    #[arg(long, value_parser = clap::builder::BoolishValueParser::new(), action = clap::ArgAction::Set)]
    pub mail: Option<bool>,
}

/// What can be done with customers.
#[derive(Debug, Subcommand)]
pub enum CustomerAct {
    /// Enter one
    #[command(before_help = "Example: duly customer add Northwind --domain northwind.example")]
    Add {
        /// Name
        name: String,
        /// Mail domains that belong to it
        #[arg(long = "domain", value_delimiter = ',')]
        domains: Vec<String>,
    },
    /// Those whose name contains this
    #[command(before_help = "Example: duly customer find north")]
    Find {
        /// Part of the name
        name: String,
    },
}

/// What can be done with contacts.
#[derive(Debug, Subcommand)]
pub enum ContactAct {
    /// Enter one
    #[command(
        before_help = "Example: duly contact add priya@northwind.example --name \"Priya N.\" --customer Northwind"
    )]
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
        /// Language in which they are written to
        #[arg(long, value_name = "TAG")]
        language: Option<String>,
    },
    /// Set how they are written to
    #[command(before_help = "Example: duly contact set priya@northwind.example --language de --calendar always")]
    Set {
        /// Mail address
        address: String,
        /// Language, as de; "" goes back to the language of their mail
        #[arg(long, value_name = "TAG")]
        language: Option<String>,
        /// Promised times as calendar entries: never, agreed, always
        #[arg(long, value_name = "WHICH")]
        calendar: Option<String>,
    },
    /// Set the zone in which times are said to them
    #[command(before_help = "Example: duly contact zone priya@northwind.example Asia/Kolkata")]
    Zone {
        /// Mail address
        address: String,
        /// IANA name; nothing goes back to the zone of their mail
        zone: Option<String>,
    },
    /// Give the key with which letters to them are sealed: an OpenPGP key, or a certificate for S/MIME in PEM
    #[command(before_help = "Example: duly contact key priya@northwind.example priya.asc")]
    Key {
        /// Mail address, which the key names
        address: String,
        /// The key file
        #[arg(required_unless_present = "remove")]
        file: Option<PathBuf>,
        /// Forget their key: letters leave in clear again
        #[arg(long, conflicts_with = "file")]
        remove: bool,
    },
    /// Those whose name, address or customer contains this
    #[command(before_help = "Example: duly contact find priya")]
    Find {
        /// Part of it
        name: String,
    },
}

/// What can be done with the people on a case.
#[derive(Debug, Subcommand)]
pub enum ParticipantAct {
    /// Replies go to them too, and their mail joins the case
    #[command(before_help = "Example: duly participant add 4711 li@northwind.example")]
    Add {
        /// Number of the case
        case: CaseNumber,
        /// Mail address
        address: String,
    },
    /// Replies pass them by, and their mail joins it no more
    #[command(before_help = "Example: duly participant remove 4711 li@northwind.example")]
    Remove {
        /// Number of the case
        case: CaseNumber,
        /// Mail address
        address: String,
    },
}

/// What can be done with secrets.
#[derive(Debug, Subcommand)]
pub enum TokenAct {
    /// Make a one-time secret for an engineer
    #[command(before_help = "Example: duly token make anna@acme.example")]
    Make {
        /// Mail address
        address: String,
    },
    /// Turn a one-time secret (asked for, or on standard input) into a token
    #[command(before_help = "Example: duly token claim")]
    Claim,
}

/// What can be done with mail files.
#[derive(Debug, Subcommand)]
pub enum MailAct {
    /// What Duly understands of mail files: one JSON object a mail
    #[command(before_help = "Example: duly mail inspect *.eml | jq .new_text")]
    Inspect {
        /// Mail files
        #[arg(required = true)]
        files: Vec<PathBuf>,
    },
    /// Hand one mail from standard input to the running desk: for a mail server's pipe
    #[command(
        before_help = "Example: duly mail deliver --from nora@northwind.example --to support@acme.example",
        after_help = "Exit codes (sysexits.h): 0 it is on disk, 65 this mail will never do, 67 no such address, \
        75 try again later.\n\nIn a forward file: |duly --dir /var/lib/duly mail deliver"
    )]
    Deliver(Deliver),
}

/// The envelope of a mail from a pipe.
#[derive(Debug, Clone, Args)]
pub struct Deliver {
    /// For whom; else ORIGINAL_RECIPIENT or RECIPIENT in the environment, else the desk's first address
    #[arg(long, value_name = "ADDRESS")]
    pub to: Vec<String>,
    /// Return path, empty for none; else SENDER in the environment, else as the mail says
    #[arg(long, value_name = "ADDRESS")]
    pub from: Option<String>,
}

/// What can be imported.
#[derive(Debug, Subcommand)]
pub enum ImportAct {
    /// An mbox file
    #[command(before_help = "Example: duly import mbox archive.mbox --dry-run")]
    Mbox {
        /// The file
        file: PathBuf,
        /// Count what would happen, change nothing
        #[arg(long)]
        dry_run: bool,
    },
}
