//! Answers with more in them than one list: a slice with its context, an engineer as `cpu` lists them.

use crate::desk::queue::{self, CaseRow, PromiseRow};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// A slice, with its context.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SliceAnswer {
    /// Why this one.
    pub why: String,
    /// When the slice began.
    pub began_at: Timestamp,
    /// The slice was open already.
    pub again: bool,
    /// What else is to be known now: its bound is used up, somebody of severity 1 waits for this engineer.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub advice: Vec<String>,
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
    /// Until when they are away, if they are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub away_until: Option<Timestamp>,
    /// The case they work on.
    pub case: Option<i64>,
    /// Gets notices and digests by mail.
    #[serde(default)]
    pub by_mail: bool,
}
