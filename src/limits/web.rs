//! Bounds of pages.

/// HTTP request head.
pub const HTTP_HEADER_BYTES: usize = 16 * 1024;
/// Wait for an HTTP request head.
pub const HTTP_HEADER_SECONDS: u64 = 10;
/// Body of a JSON request or form.
pub const HTTP_BODY_BYTES: usize = 1_000_000;
/// HTTP connections at once.
pub const HTTP_CONNECTIONS: usize = 1_000;
/// Header fields of an HTTP request: browsers send about fifteen.
pub const HTTP_HEADERS: usize = 64;
/// Wait for the body of a form.
pub const HTTP_BODY_SECONDS: u64 = 30;
/// Requests under way when the desk stops have this long to end.
pub const HTTP_FINISH_SECONDS: u64 = 5;
/// Least time between two news that a screen has changed: a burst of mail is one refresh.
pub const LIVE_MILLIS: u64 = 1_000;
/// Pause after which a screen hears that the desk still runs, and the desk notices that a screen is gone.
pub const LIVE_HEARTBEAT_SECONDS: u64 = 25;
/// Cases of one group on the run queue; the rest is one link away.
pub const PAGE_ROWS: i64 = 50;
/// Newest messages of a case on its page; older ones on demand.
pub const PAGE_MESSAGES: i64 = 30;
/// Messages of a case on one page on demand.
pub const PAGE_MESSAGES_MAX: i64 = 500;
/// Text of one message on a page; the whole is one link away.
pub const PAGE_TEXT_BYTES: usize = 64 * 1024;
/// Deadlines that the timetable is drawn from.
pub const TIMETABLE_DEADLINES: i64 = 200;
/// Engineers who have a row in the timetable; the others are counted.
pub const TIMETABLE_ROWS: usize = 14;
/// Planned slices of one engineer that the picture of the run queue draws: the page has its weight.
pub const PLANNED_SHOWN: usize = 6;
/// People whom the people page lists; the others are counted.
pub const PEOPLE_SHOWN: usize = 100;
/// People who have a row in its picture.
pub const BAND_ROWS: usize = 30;
/// Rows of the spool that are released by one press.
pub const SPOOL_MARKS: usize = 200;
/// Drafts of one engineer in one case: windows that were forgotten.
pub const DRAFTS_OF_CASE: i64 = 10;
/// What is chosen beside the words of a draft.
pub const DRAFT_CHOICES_BYTES: usize = 16 * 1024;
/// So long after a draft was last kept its writer counts as writing.
pub const WRITING_MINUTES: i64 = 5;
/// What happened while somebody wrote, told at most.
pub const NEWS_ROWS: i64 = 20;
/// Letters of each piece of news beside a reply.
pub const NEWS_CHARS: usize = 2_000;
/// Address of a page that a browser remembers while it signs in.
pub const WANTED_BYTES: usize = 512;
