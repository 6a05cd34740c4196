//! What `ledger` may be asked: its rows, its figures, its proof, its key.

use super::CaseNumber;
use clap::Args;
use std::path::PathBuf;

/// What to show of the ledger; nothing shows every promise.
#[derive(Debug, Args)]
pub struct Ledger {
    /// Only this case
    #[arg(conflicts_with_all = ["week", "by", "verify", "key", "new_key"])]
    pub case: Option<CaseNumber>,
    /// The figures week by week, up to that of a day (2026-03-02); without a day up to this week
    #[arg(long, value_name = "DAY", num_args = 0..=1, default_missing_value = "")]
    pub week: Option<String>,
    /// The figures of the last weeks by customer, agreement, vendor, lane, layer or severity
    #[arg(long, value_name = "WHAT")]
    pub by: Option<String>,
    /// How many weeks
    #[arg(long, value_name = "NUMBER", default_value_t = 13)]
    pub weeks: i64,
    /// Only this customer, by name or number
    #[arg(long)]
    pub customer: Option<String>,
    /// As CSV, for a spreadsheet
    #[arg(long, conflicts_with_all = ["verify", "key", "new_key"])]
    pub csv: bool,
    /// Walk the whole ledger and prove that nothing was changed, against the checkpoints that are kept
    #[arg(long, conflicts_with_all = ["week", "by", "key", "new_key"])]
    pub verify: bool,
    /// A checkpoint kept elsewhere: the file, or the mail that brought it
    #[arg(long, value_name = "FILE", requires = "verify")]
    pub checkpoint: Vec<PathBuf>,
    /// Print the keys with which receipts and checkpoints are checked
    #[arg(long, conflicts_with = "new_key")]
    pub key: bool,
    /// Make a new key; the desk signs with it from its next start on, and the old one stays published
    #[arg(long)]
    pub new_key: bool,
}
