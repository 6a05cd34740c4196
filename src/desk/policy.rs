//! Who may do what: one line a verb, and the least that somebody must be to be let.
//!
//! Every verb stands here or the program does not build. [`verb::perform`](super::verb::perform) asks this table before
//! anything else, so that every door has the same rules; what depends on more than the verb (one's own settings, a lead's signature)
//! is decided where the verb is done, and said in `but`. `duly policy` prints the table, docs/POLICY.md holds it.
//!
//! Left out: which customers somebody sees. Today every engineer sees every case.

use super::engineer::Role;
use super::verb::{Principal, Verb};
use crate::refusal::{Outcome, Refusal};

/// The least that somebody must be. The owner of the data directory is more than all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Least {
    /// Whoever knows a one-time secret.
    Secret,
    /// An engineer.
    Engineer,
    /// A lead.
    Lead,
    /// An administrator.
    Administrator,
}

/// What somebody can be, as the printed table has it.
pub const ROLES: [&str; 4] = ["engineer", "lead", "administrator", "owner"];

/// One line of the table.
#[derive(Debug, Clone, Copy)]
pub struct Rule {
    /// The verb's word.
    pub verb: &'static str,
    /// See [`Least`].
    pub least: Least,
    /// What the verb itself decides beyond that; empty: nothing.
    pub but: &'static str,
}

impl Rule {
    /// Whether each of [`ROLES`] may do it.
    pub fn may(&self) -> [bool; 4] {
        let may = |role| self.least <= least_of(role);
        [may(Role::Engineer), may(Role::Lead), may(Role::Administrator), true]
    }
}

macro_rules! rules {
    ($($variant:ident $word:literal $least:ident $but:literal)+) => {
        /// The table.
        pub const RULES: &[Rule] = &[$(Rule { verb: $word, least: Least::$least, but: $but }),+];

        fn rule(verb: &Verb) -> Rule {
            match verb {
                $(Verb::$variant { .. } => Rule { verb: $word, least: Least::$least, but: $but }),+
            }
        }
    };
}

rules! {
    Ps "ps" Engineer ""
    Next "next" Engineer "as an engineer only"
    Skip "skip" Engineer "one's own slice"
    Show "show" Engineer ""
    Log "log" Engineer ""
    Raw "raw" Engineer ""
    Reply "reply" Engineer "as an engineer only"
    Draft "draft" Engineer "one's own"
    DraftDrop "draft-drop" Engineer "one's own"
    Composed "composed" Engineer "as an engineer only"
    Files "files" Engineer ""
    Save "save" Engineer "an infected file only with a reason"
    Stage "stage" Engineer "as an engineer only"
    Note "note" Engineer "as an engineer only"
    Wait "wait" Engineer ""
    Wake "wake" Engineer ""
    Close "close" Engineer ""
    Promise "promise" Engineer ""
    Negotiate "negotiate" Engineer "over the count only with a lead's signature"
    Signed "signed" Engineer "a lead signs"
    Ledger "ledger" Engineer ""
    Figures "figures" Engineer ""
    Verify "verify" Engineer ""
    Spool "spool" Engineer ""
    Release "release" Engineer "all that is held: a lead"
    Retry "retry" Engineer ""
    Decline "decline" Engineer ""
    Merge "merge" Engineer ""
    Unmerge "unmerge" Engineer ""
    ParticipantAdd "participant-add" Engineer ""
    ParticipantRemove "participant-remove" Engineer ""
    Hold "hold" Lead ""
    History "history" Lead ""
    Probe "probe" Lead ""
    Probed "probed" Engineer ""
    Undo "undo" Engineer "one's own reply"
    Grep "grep" Engineer ""
    Cpu "cpu" Engineer ""
    CpuLoad "cpu-load" Engineer ""
    CpuWhatIf "cpu-what-if" Engineer ""
    CpuAdd "cpu-add" Lead "an administrator adds one of their like"
    CpuAway "cpu-away" Engineer "one's own; others': a lead"
    CpuBack "cpu-back" Engineer "one's own; others': a lead"
    CpuCalendar "cpu-calendar" Engineer "one's own; others': a lead"
    CpuSet "cpu-set" Engineer "one's own hours, zone, mail; else a lead; role: as much as one is"
    CpuRemove "cpu-remove" Administrator ""
    CpuLink "cpu-link" Administrator ""
    CpuSessions "cpu-sessions" Engineer "one's own; others': an administrator"
    Customer "customer" Engineer ""
    CustomerAdd "customer-add" Lead ""
    Contact "contact" Engineer ""
    ContactAdd "contact-add" Lead ""
    ContactZone "contact-zone" Engineer ""
    ContactSet "contact-set" Engineer ""
    ContactKey "contact-key" Lead ""
    Agreement "agreement" Engineer ""
    AgreementShow "agreement-show" Engineer ""
    AgreementAdd "agreement-add" Lead ""
    AgreementAmend "agreement-amend" Lead ""
    Calendar "calendar" Engineer ""
    CalendarSet "calendar-set" Lead ""
    CalendarHolidays "calendar-holidays" Lead ""
    CalendarFeed "calendar-feed" Lead ""
    Severity "severity" Engineer ""
    Estimate "estimate" Engineer ""
    Nice "nice" Engineer ""
    TokenMake "token-make" Lead "an administrator's: an administrator"
    TokenClaim "token-claim" Secret "whoever has the secret"
}

/// What a role amounts to.
pub fn least_of(role: Role) -> Least {
    match role {
        Role::Engineer => Least::Engineer,
        Role::Lead => Least::Lead,
        Role::Administrator => Least::Administrator,
    }
}

/// Lets somebody do a verb, or says that they may not.
///
/// # Errors
/// The refusal that they read.
pub fn allow(who: &Principal, verb: &Verb) -> Outcome<()> {
    let least = match verb {
        Verb::Release { what } if what == "all" => Least::Lead,
        verb => rule(verb).least,
    };
    require(who, least)
}

/// Lets somebody pass who is at least this.
///
/// # Errors
/// The refusal that they read.
pub fn require(who: &Principal, least: Least) -> Outcome<()> {
    let is = match who {
        Principal::Owner => return Ok(()),
        Principal::Engineer(engineer) => least_of(engineer.role),
    };
    if is >= least {
        return Ok(());
    }
    Err(Refusal::forbidden(match least {
        Least::Administrator => "Only administrators and the owner of the data directory may do this.",
        _ => "Only leads, administrators and the owner of the data directory may do this.",
    })
    .into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_verb_stands_in_the_table_under_its_own_word() {
        // What serde would have taken for a verb, in its own words: `unknown variant …, expected one of …`.
        let said = serde_json::from_str::<Verb>(r#"{"verb":"?"}"#).unwrap_err().to_string();
        let known: Vec<&str> = said.split('`').skip(3).step_by(2).collect();
        let listed: Vec<&str> = RULES.iter().map(|rule| rule.verb).collect();
        assert_eq!(listed, known);
        assert_eq!(rule(&Verb::Next).verb, Verb::Next.name());
    }
}
