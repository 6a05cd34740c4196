//! Bounds of people's time.

/// Largest iCalendar file of a person: it comes as one request ([`LOCAL_REQUEST_BYTES`](super::LOCAL_REQUEST_BYTES)), in which
/// its lines are a little longer.
pub const AGENDA_FILE_BYTES: u64 = 3 * 1024 * 1024;
/// Days ahead of which a person's calendar is entered: what repeats would never end, and no promise reaches further.
pub const AGENDA_DAYS: i64 = 366;
/// Entries of one person's calendar within these days: eleven a day.
pub const AGENDA_ENTRIES: usize = 4_000;
/// Entries of everybody that a plan reads, those of the nearest time first: two hundred people with full calendars.
pub const AGENDA_READ: i64 = 50_000;
/// Entries that are written by one statement.
pub const AGENDA_AT_ONCE: usize = 100;
/// Days ahead of which it is said how much of somebody's hours their calendar takes.
pub const TAKEN_SAID_DAYS: i64 = 28;
