//! What a person reads when the desk says no.
//!
//! Three sentences at most: what happened, what it means for promises, what to do (UX.md §4). The cause chain of an
//! internal failure goes to the log and never in here.

use serde::{Deserialize, Serialize};

/// Why the desk refused, as far as a program branches on it; each has one exit code (UX.md §3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// The desk failed; the log has the cause.
    Failed,
    /// The request itself is wrong.
    Usage,
    /// There is no such case, person or promise.
    Missing,
    /// The case changed since it was read, or somebody else has it.
    Conflict,
    /// Doing it would promise a time that cannot be held.
    Dishonest,
    /// This principal may not do that.
    Forbidden,
    /// There is nothing to do.
    Nothing,
    /// Mail was not accepted, or not yet.
    Mail,
}

impl Kind {
    /// The exit code of the command line.
    pub fn exit_code(self) -> u8 {
        match self {
            Kind::Failed => 1,
            Kind::Usage => 2,
            Kind::Missing => 3,
            Kind::Conflict => 4,
            Kind::Dishonest => 5,
            Kind::Forbidden => 6,
            Kind::Nothing => 7,
            Kind::Mail => 8,
        }
    }
}

/// A refusal that a person can act on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{text}")]
pub struct Refusal {
    /// What a program branches on.
    pub kind: Kind,
    /// What happened · what it means for promises · what to do.
    pub text: String,
}

impl Refusal {
    /// A refusal of the given kind.
    pub fn new(kind: Kind, text: impl Into<String>) -> Self {
        Refusal {
            kind,
            text: text.into(),
        }
    }
    /// The request itself is wrong.
    pub fn usage(text: impl Into<String>) -> Self {
        Self::new(Kind::Usage, text)
    }
    /// There is no such thing.
    pub fn missing(text: impl Into<String>) -> Self {
        Self::new(Kind::Missing, text)
    }
    /// Somebody else was there before.
    pub fn conflict(text: impl Into<String>) -> Self {
        Self::new(Kind::Conflict, text)
    }
    /// Not allowed to this principal.
    pub fn forbidden(text: impl Into<String>) -> Self {
        Self::new(Kind::Forbidden, text)
    }
}

/// How a job of the desk ends when it does not succeed: said to a person, or kept for the log. The two never mix.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// The desk said no; the text is for whoever asked.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// Something broke underneath; the chain is for the log, the asker reads [`Fault::refusal`].
    #[error("{0:#}")]
    Failed(anyhow::Error),
}

impl From<anyhow::Error> for Fault {
    fn from(cause: anyhow::Error) -> Self {
        Fault::Failed(cause)
    }
}

impl Fault {
    /// What the asker reads.
    pub fn refusal(&self) -> Refusal {
        match self {
            Fault::Refused(refusal) => refusal.clone(),
            Fault::Failed(_) => Refusal::new(
                Kind::Failed,
                "The desk could not do this; its log has the cause. Nothing was changed and no promise is affected. \
                 Try again, and tell whoever runs the desk if it stays.",
            ),
        }
    }
}

/// What every act of the desk returns.
pub type Outcome<T> = Result<T, Fault>;
