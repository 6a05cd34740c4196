//! Bounds of mailboxes elsewhere.

/// Wait for an answer of a server that holds mail, and for the next bytes of a mail that comes from it.
pub const FETCH_REPLY_SECONDS: u64 = 60;
/// IDLE is begun anew after this: half of what servers grant (RFC 2177), and a dead connection is noticed by then.
pub const FETCH_IDLE_SECONDS: u64 = 14 * 60;
/// Pause between two looks into a mailbox whose server does not tell of new mail.
pub const FETCH_POLL_SECONDS: u64 = 30;
/// First pause after a connection that broke off; it doubles.
pub const FETCH_PAUSE_SECONDS: u64 = 1;
/// Longest such pause: a server that is back is noticed within five minutes.
pub const FETCH_PAUSE_SECONDS_MOST: u64 = 300;
/// Tries to fetch one mail before it is left where it is, and said in the log.
pub const FETCH_TRIES: i64 = 5;
/// Mails of which size and date are asked at once, and rows of a mailbox handled at once.
pub const FETCH_BATCH: usize = 100;
/// Mails of one mailbox that are expected at once (first look, or a server that numbered anew).
pub const FETCH_EXPECTED: usize = 200_000;
/// One line of an IMAP server, literals apart: 200,000 numbers of mails in one SEARCH fit.
pub const FETCH_LINE_BYTES: usize = 4 * 1024 * 1024;
/// Header of a mail that is too large to be fetched.
pub const FETCH_HEADER_BYTES: u64 = 64 * 1024;
/// A JSON answer of a JMAP server.
pub const FETCH_JSON_BYTES: usize = 8 * 1024 * 1024;
/// Wait for a program that prints a token.
pub const FETCH_SECRET_SECONDS: u64 = 30;
/// A password or token.
pub const FETCH_SECRET_BYTES: usize = 16 * 1024;
