//! Numbers of things, one type each, so that a case is never taken for a message.

use crate::store::Value;
use serde::{Deserialize, Serialize};

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident $sign:literal),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub i64);

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, concat!($sign, "{}"), self.0)
            }
        }
        impl From<$name> for Value {
            fn from(id: $name) -> Value {
                Value::Int(id.0)
            }
        }
    )+};
}

ids! {
    /// A case; its number is what customers and engineers say.
    CaseId "#",
    /// A message: mail in, mail out or note.
    MessageNo "message ",
    /// A promise.
    PromiseId "promise ",
    /// A person at a customer.
    ContactId "contact ",
    /// An organisation, the unit of isolation.
    CustomerId "customer ",
    /// A person who answers.
    EngineerId "engineer ",
    /// Raw bytes, and the arrival that brought them.
    RawId "raw ",
    /// The bytes of a large mail behind its first piece.
    BodyId "body ",
    /// A span of work.
    SliceId "slice ",
    /// One mail to one recipient.
    OutboxId "outbox ",
    /// A file of a case.
    FileId "file ",
    /// An engineer signed in at a browser.
    SessionId "session ",
}
