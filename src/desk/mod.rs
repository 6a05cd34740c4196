//! The desk: the domain. Each noun is its type, its rules and its SQL in one file; plain blocking code.
//!
//! Nothing here is async, asks the time, or opens a socket: `tx` and `now` come in as arguments. Every change of a case
//! leaves one event of the [`ledger`] in the same transaction. What must not be known here: SMTP, HTML, the command line.

pub mod absence;
mod act;
pub mod address;
mod addressing;
pub mod admission;
pub mod agenda;
pub mod agreement;
pub mod alarm;
pub mod arrival;
pub mod automatic;
pub mod book;
pub mod bounce;
pub mod calendar;
pub mod case;
pub mod checkpoint;
pub mod command;
pub mod confirmation;
pub mod customer;
pub mod delivery;
pub mod destination;
pub mod draft;
pub mod engineer;
pub mod estimate;
pub mod feed;
pub mod figures;
pub mod file;
pub mod flood;
pub mod history;
pub mod id;
pub mod import;
pub mod invitation;
pub mod key;
pub mod leap;
pub mod ledger;
pub mod letter;
pub mod likeness;
pub mod link;
pub mod machine;
pub mod mailbox;
pub mod merge;
pub mod merkle;
pub mod message;
pub mod negotiation;
pub mod notice;
pub mod number;
pub mod origin;
pub mod outbox;
pub mod participant;
pub mod password;
pub mod policy;
pub mod probe;
pub mod promise;
pub mod proof;
pub mod queue;
pub mod rank;
pub mod receipt;
pub mod recheck;
pub mod reminder;
pub mod repeat;
pub mod reply;
pub mod schedule;
pub mod search;
pub mod session;
pub mod sheet;
pub mod slice;
pub mod spool;
mod staged;
pub mod thread;
pub mod undo;
pub mod unsorted;
pub mod upload;
pub mod verb;

pub use id::*;
/// Times as people read them: doors say them through the desk, so that every door says the same.
pub use plan::{Zone, say};

use crate::store::{Migration, Topic};
use plan::Calendar;
use plan::Targets;
use std::collections::BTreeMap;
use std::sync::OnceLock;

/// The schema, in order.
pub const MIGRATIONS: &[Migration] = &[
    Migration {
        number: 1,
        name: "spine",
        sql: include_str!("../../migrations/0001_spine.sql"),
        sqlite: "",
        postgres: "",
    },
    crate::store::SEARCH,
    Migration {
        number: 10,
        name: "confirmation",
        sql: include_str!("../../migrations/0010_confirmation.sql"),
        sqlite: "",
        postgres: "",
    },
    Migration {
        number: 20,
        name: "files",
        sql: include_str!("../../migrations/0020_files.sql"),
        sqlite: "",
        postgres: "",
    },
    Migration {
        number: 30,
        name: "ways",
        sql: include_str!("../../migrations/0030_ways.sql"),
        sqlite: "",
        postgres: "",
    },
    Migration {
        number: 40,
        name: "bounces",
        sql: include_str!("../../migrations/0040_bounces.sql"),
        sqlite: "",
        postgres: "",
    },
    Migration {
        number: 41,
        name: "threading",
        sql: include_str!("../../migrations/0041_threading.sql"),
        sqlite: "",
        postgres: "",
    },
    Migration {
        number: 42,
        name: "flood",
        sql: include_str!("../../migrations/0042_flood.sql"),
        sqlite: "",
        postgres: "",
    },
    Migration {
        number: 50,
        name: "texts",
        sql: include_str!("../../migrations/0050_texts.sql"),
        sqlite: "",
        postgres: "",
    },
    Migration {
        number: 51,
        name: "invitation",
        sql: include_str!("../../migrations/0051_invitation.sql"),
        sqlite: "",
        postgres: "",
    },
    Migration {
        number: 52,
        name: "engineers by mail",
        sql: include_str!("../../migrations/0052_engineers_by_mail.sql"),
        sqlite: "",
        postgres: "",
    },
    Migration {
        number: 60,
        name: "sending",
        sql: include_str!("../../migrations/0060_sending.sql"),
        sqlite: include_str!("../../migrations/0060_sending.sqlite.sql"),
        postgres: include_str!("../../migrations/0060_sending.postgres.sql"),
    },
    Migration {
        number: 62,
        name: "lean",
        sql: include_str!("../../migrations/0062_lean.sql"),
        sqlite: "",
        postgres: "",
    },
    Migration {
        number: 70,
        name: "contact key",
        sql: include_str!("../../migrations/0070_contact_key.sql"),
        sqlite: "",
        postgres: "",
    },
    Migration {
        number: 71,
        name: "participant off",
        sql: include_str!("../../migrations/0071_participant_off.sql"),
        sqlite: "",
        postgres: "",
    },
    Migration {
        number: 72,
        name: "recheck",
        sql: include_str!("../../migrations/0072_recheck.sql"),
        sqlite: "",
        postgres: "",
    },
    Migration {
        number: 80,
        name: "negotiation",
        sql: include_str!("../../migrations/0080_negotiation.sql"),
        sqlite: "",
        postgres: "",
    },
    Migration {
        number: 90,
        name: "agreement",
        sql: include_str!("../../migrations/0090_agreement.sql"),
        sqlite: "",
        postgres: "",
    },
    Migration {
        number: 100,
        name: "ledger",
        sql: include_str!("../../migrations/0100_ledger.sql"),
        sqlite: "",
        postgres: "",
    },
    Migration {
        number: 101,
        name: "figures",
        sql: include_str!("../../migrations/0101_figures.sql"),
        sqlite: "",
        postgres: "",
    },
    Migration {
        number: 110,
        name: "schedule",
        sql: include_str!("../../migrations/0110_schedule.sql"),
        sqlite: "",
        postgres: "",
    },
    Migration {
        number: 120,
        name: "session",
        sql: include_str!("../../migrations/0120_session.sql"),
        sqlite: "",
        postgres: "",
    },
    Migration {
        number: 130,
        name: "taken",
        sql: include_str!("../../migrations/0130_taken.sql"),
        sqlite: "",
        postgres: "",
    },
    Migration {
        number: 140,
        name: "draft",
        sql: include_str!("../../migrations/0140_draft.sql"),
        sqlite: "",
        postgres: "",
    },
    Migration {
        number: 160,
        name: "calendar_feed",
        sql: include_str!("../../migrations/0160_calendar_feed.sql"),
        sqlite: "",
        postgres: "",
    },
    Migration {
        number: 161,
        name: "figures_by_vendor",
        sql: include_str!("../../migrations/0161_figures_by_vendor.sql"),
        sqlite: "",
        postgres: "",
    },
    Migration {
        number: 170,
        name: "password",
        sql: include_str!("../../migrations/0170_password.sql"),
        sqlite: "",
        postgres: "",
    },
    Migration {
        number: 175,
        name: "estimate",
        sql: include_str!("../../migrations/0175_estimate.sql"),
        sqlite: "",
        postgres: "",
    },
];

/// A mail was accepted and waits to be understood.
pub const ARRIVED: Topic = Topic(0);
/// A row of the outbox may be due.
pub const OUTBOX: Topic = Topic(1);
/// An alarm may be earlier than the one waited for.
pub const ALARM: Topic = Topic(2);
/// A feed of holidays is to be read.
pub const FEED: Topic = Topic(5);
/// Something that a screen shows has changed.
pub const CHANGED: Topic = Topic(3);
/// A file may be put to its place.
pub const FILES: Topic = Topic(4);

/// What becomes of mail whose sender is not verified (`mail.unverified`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unverified {
    /// An unsorted case without a promise, released by a person (the default).
    Hold,
    /// It counts as verified: a desk behind a gateway that has checked already, or the demo.
    Schedule,
}

/// The rules of one desk: what its administrator decided, read once at start.
#[derive(Debug, Clone)]
pub struct Desk {
    /// How the desk calls itself: "Acme Support".
    pub name: String,
    /// Addresses that take mail; the first is the one that speaks. Lower case.
    pub addresses: Vec<String>,
    /// What those of them say that say anything of new cases.
    pub entries: BTreeMap<String, address::Entry>,
    /// Zone of the desk: the zone of last resort for every time that is said.
    pub zone: Zone,
    /// Language in which people are written to whose own is not known: a tag of the mail door's catalogue.
    pub language: String,
    /// Every language that people can be written to in.
    pub languages: Vec<String>,
    /// Hours of the default agreement.
    pub calendar: Calendar,
    /// Targets of the default agreement.
    pub targets: Targets,
    /// What the default agreement is entered as, once the desk has been started.
    pub own: OnceLock<agreement::Own>,
    /// See [`Unverified`].
    pub unverified: Unverified,
    /// Public lists that the desk serves: their mail is customer mail. Lower case.
    pub lists: Vec<String>,
    /// Where customers reach pages: `https://desk.acme.example`, without a slash at the end. Empty: nowhere, so that no letter
    /// carries a link.
    pub web: String,
    /// Signs reply addresses.
    pub key: [u8; 64],
}

impl Desk {
    /// The address that speaks.
    pub fn address(&self) -> &str {
        self.addresses.first().map_or("", String::as_str)
    }

    /// Whether mail to this address is for the desk: one of its addresses, with or without a `+token`, or a list it serves.
    pub fn takes(&self, address: &str) -> bool {
        let bare = without_token(address);
        self.is_own(address) || self.is_next(address) || self.lists.contains(&bare)
    }

    /// Whether mail to this address asks for the next case: `next@` beside the address that speaks, or `support+next@`.
    pub fn is_next(&self, address: &str) -> bool {
        let Some((local, domain)) = self.address().rsplit_once('@') else {
            return false;
        };
        let address = address.to_lowercase();
        address == format!("next@{domain}") || address == format!("{local}+next@{domain}")
    }

    /// Whether this is the postmaster of the desk's domains, whom every mail server must take (RFC 5321 §4.5.1).
    pub fn is_postmaster(&self, address: &str) -> bool {
        let (local, domain) = address.rsplit_once('@').unwrap_or((address, ""));
        let ours = |own: &String| {
            own.rsplit_once('@')
                .is_some_and(|(_, own)| own.eq_ignore_ascii_case(domain))
        };
        local.eq_ignore_ascii_case("postmaster") && (domain.is_empty() || self.addresses.iter().any(ours))
    }

    /// Whether the address is one of the desk's own.
    pub fn is_own(&self, address: &str) -> bool {
        self.addresses.contains(&without_token(address))
    }
}

/// The address in lower case without what stands after `+` in its local part.
pub fn without_token(address: &str) -> String {
    let address = address.to_lowercase();
    match address.rsplit_once('@') {
        Some((local, domain)) => format!("{}@{domain}", local.split('+').next().unwrap_or(local)),
        None => address,
    }
}
