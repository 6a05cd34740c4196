//! Bounds of agreements and calendars.

/// Largest file of an agreement or a calendar: a century of holidays has 40 kB.
pub const AGREEMENT_BYTES: usize = 256 * 1024;
/// Largest iCalendar file of holidays.
pub const HOLIDAY_FILE_BYTES: u64 = 4 * 1024 * 1024;
/// Years before this one of which holidays are taken from a file: what is being answered may be old.
pub const HOLIDAY_YEARS_BACK: i16 = 1;
/// Years after this one: beyond what any target reaches.
pub const HOLIDAY_YEARS_AHEAD: i16 = 12;
/// Agreements that one customer may have.
pub const AGREEMENTS_A_CUSTOMER: i64 = 50;
/// Versions of one agreement.
pub const VERSIONS_AN_AGREEMENT: i64 = 1_000;
/// Names of one kind in an agreement: products, contacts, channels.
pub const AGREEMENT_NAMES: usize = 500;
/// Closed dates that the reason of a due time names.
pub const WHY_DATES: usize = 10;
/// Events or mails of a history that `duly due` reads: they are held in memory.
pub const HISTORY_EVENTS: usize = 2_000_000;
/// Years of which the settings' iCalendar files give holidays: what repeats every year would never end.
pub const HOLIDAY_YEARS: (i16, i16) = (2020, 2060);
/// Address of a feed of holidays.
pub const FEED_ADDRESS_BYTES: usize = 1_000;
/// Feeds that are read at once.
pub const FEEDS_AT_ONCE: i64 = 20;
/// Hours until a feed is read again: holidays are known long before.
pub const FEED_HOURS: i64 = 24;
/// Minutes until a feed that could not be read is tried again.
pub const FEED_AGAIN_MINUTES: i64 = 60;
/// Wait for a feed, all of it.
pub const FEED_SECONDS: u64 = 60;
/// What is kept of why a feed could not be read.
pub const FEED_TROUBLE_CHARS: usize = 300;
