//! Bounds of the ledger: proofs, checkpoints, receipts, figures.

/// Entries of the ledger that a proof reads at once.
pub const PROOF_PAGE: i64 = 2_000;
/// Entries after which a checkpoint is made (SECURITY.md §5.7 of the design).
pub const CHECKPOINT_ENTRIES: i64 = 1_000;
/// Time after which one is made if there is any new entry.
pub const CHECKPOINT_SECONDS: i64 = 600;
/// Entries that one checkpoint goes on over at most; a desk that comes to have checkpoints makes several at first.
pub const CHECKPOINT_ENTRIES_MAX: i64 = 100_000;
/// Checkpoints that a proof compares at once, spread over the ledger: each beyond the last only narrows where a forger
/// with the key began.
pub const CHECKPOINTS_COMPARED: usize = 200;
/// Largest file of checkpoints or keys that is read.
pub const CHECKPOINT_FILE_BYTES: u64 = 256 * 1024 * 1024;
/// Entries that get their code in one job when the ledger's key is made.
pub const SEAL_AT_ONCE: i64 = 5_000;
/// Largest mail in which a receipt is looked for.
pub const RECEIPT_MAIL_BYTES: u64 = 100_000_000;
/// Receipts that are checked in one mail: a thread that was forwarded has several.
pub const RECEIPTS: usize = 100;
/// Weeks of figures that one answer holds: five years.
pub const FIGURE_WEEKS: i64 = 261;
/// Sums that one answer is added up from.
pub const FIGURE_ROWS: i64 = 200_000;
/// Entries of the ledger that are counted at once.
pub const FIGURE_ENTRIES: i64 = 20_000;
/// Promises that are read at once for the sums of a week.
pub const FIGURE_PAGE: i64 = 5_000;
/// Pause between two counts on a busy desk, at least; figures are a little older than this at most.
pub const FIGURE_SECONDS: u64 = 5;
/// Counting takes at most this part of the time: one count that takes a second is followed by a minute without.
pub const FIGURE_SHARE: u32 = 60;
/// Promises of a week on one page of the ledger.
pub const BOOK_ROWS: i64 = 100;
/// Promises of a day that the ledger strip draws: more would stand on each other.
pub const STRIP_TICKS: i64 = 100;
/// Promises in one export of a week.
pub const BOOK_EXPORT: i64 = 100_000;
/// Moves of a week that the ledger's page lists.
pub const BOOK_MOVES: i64 = 200;
