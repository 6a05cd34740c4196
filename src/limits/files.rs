//! Bounds of files: attachments, uploads, scans.

/// Messages that are asked for files in one transaction.
pub const FILING_AT_ONCE: i64 = 200;
/// Tries to take files out of a mail; then they are in the raw mail only, and the page says so.
pub const FILING_TRIES: i64 = 6;
/// Wall-clock time the worker may spend on the files of one mail, all of them.
pub const FILING_WALL_SECONDS: u64 = 120;
/// Bytes of a file that the worker hands over at once.
pub const FILING_PIECE_BYTES: usize = 256 * 1024;
/// Hours after which bytes that belong to no file are removed, and between two looks for them.
pub const SWEEP_HOURS: i64 = 24;
/// Names of bytes that are looked up in one transaction.
pub const SWEEP_AT_ONCE: usize = 500;
/// Longest pause before what failed or is left lying is looked at again.
pub const FILING_PAUSE_SECONDS: i64 = 10;
/// Bytes of an object that are sent to its place at once; an S3 part has at least 5 MiB, and 10,000 parts are the most.
pub const FILE_PIECE_BYTES: usize = 16 * 1024 * 1024;
/// Name of a file on disk and in headers: what file systems take.
pub const FILE_NAME_BYTES: usize = 200;
/// Bytes of a file that one answer on the local socket carries.
pub const FILE_CHUNK_BYTES: u64 = 1024 * 1024;
/// Files of a reply that go in the mail itself, all together: most servers take ten megabytes, and base64 adds a third.
pub const ENCLOSED_BYTES: u64 = 5_000_000;
/// One uploaded file.
pub const UPLOAD_BYTES: u64 = 100_000_000_000;
/// Uploads of one case in all.
pub const UPLOADS_CASE_BYTES: u64 = 500_000_000_000;
/// Uploads of one case, those that were given up as well: each is an entry of the case.
pub const UPLOADS_CASE: i64 = 1_000;
/// Uploads in all of a customer whom the desk made from an address: of anybody whose mail is verified.
pub const UPLOADS_STRANGER_BYTES: u64 = 10_000_000_000;
/// Uploads of one case under way at once.
pub const UPLOADS_OPEN: i64 = 20;
/// Days after which an upload is given up that nobody went on with.
pub const UPLOAD_DAYS: i64 = 7;
/// Bytes of an upload between two syncs: what a sender repeats after a power cut.
pub const UPLOAD_SYNC_BYTES: u64 = 16 * 1024 * 1024;
/// Files of one form, all together: who has no script has no upload that goes on.
pub const FORM_UPLOAD_BYTES: u64 = 100_000_000;
/// Files in one form.
pub const FORM_UPLOADS: usize = 20;
/// Days after its case was closed on which a link still works (SECURITY.md §5.6 of the design).
pub const LINK_DAYS: i64 = 90;
/// Wait for clamd with one file, all of it.
pub const SCAN_SECONDS: u64 = 600;
/// Wait for a connection to clamd.
pub const SCAN_CONNECT_SECONDS: u64 = 10;
/// One answer of clamd.
pub const SCAN_ANSWER_BYTES: u64 = 4 * 1024;
/// Longest pause before clamd is asked again about a file that was not scanned.
pub const SCAN_AGAIN_MINUTES: i64 = 60;
