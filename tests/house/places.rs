//! Where a thing may be done that may be done nowhere else: data for the rules of the house.

/// Where a thing may be done, each with its reason; a place is a room or a file without `.rs`.
pub type Places = &'static [(&'static str, &'static str)];

/// SQL.
pub const SQL_PLACES: Places = &[
    ("src/desk", "a noun is its type, its rules and its SQL"),
    ("src/store", "the door to the database"),
];

/// HTML.
pub const HTML_PLACES: Places = &[
    ("src/web", "one file is one page"),
    ("src/mail/compose", "mail that we write has an HTML twin"),
];

/// Asking the time.
pub const WALL_CLOCK_PLACES: Places = &[
    ("src/clock", "is the clock"),
    ("src/main", "an edge: gives the clock to what it starts"),
    ("src/cli", "an edge: a person typed just now"),
    ("src/serve", "an edge: gives the clock to every worker"),
];

/// Measuring how long something takes.
pub const STOPWATCH_PLACES: Places = &[
    ("src/main", "start to ready is measured"),
    (
        "src/clock",
        "a leap of the machine's clock is seen against one that cannot be set",
    ),
    ("src/cli", "progress of long work"),
    ("src/serve", "waits of the accept loop"),
    ("src/store", "a group commit is closed by time as well"),
    ("src/mail/listen", "waits of a session"),
    ("src/mail/session", "waits of a session"),
    ("src/mail/worker", "CPU and wall time of the parse worker"),
    ("src/mail/verify", "how long a slow name server is remembered"),
    ("src/metrics", "durations are what it counts"),
];

/// Starting threads and tasks.
pub const SPAWN_PLACES: Places = &[
    ("src/serve", "starts every worker and stops them in order"),
    ("src/store", "the one writer thread that groups commits"),
    (
        "src/mail/listen",
        "a task for each SMTP session, counted against its limit",
    ),
    ("src/mail/worker", "the parse worker's pipes"),
    (
        "src/mail/verify",
        "a task for each mail that is checked, counted against its limit: a panic costs one verdict",
    ),
    (
        "src/mail/fetch",
        "reads of the store and files of large mails, outside of tasks",
    ),
    (
        "src/mail/receive",
        "a large mail is read back from its file outside of tasks",
    ),
    (
        "src/mail/post",
        "a letter is sealed outside of tasks: a panic at a strange key costs that letter",
    ),
    (
        "src/api/local",
        "a task for each local session, counted against its limit",
    ),
    (
        "src/web/listen",
        "a task for each connection, counted against its limit",
    ),
    ("src/cli/demo", "the mailbox of the demo's customers"),
];

/// Reading with the ledger's key.
pub const SEAL_PLACES: Places = &[
    ("src/store", "is opened with it"),
    ("src/desk/verb", "the one verb that proves the ledger"),
    ("src/serve", "the worker that proves it as it grows"),
];

/// Printing.
pub const PRINT_PLACES: Places = &[
    ("src/main", "the terminal is its door"),
    ("src/cli", "data on stdout, talk on stderr"),
    ("src/demo", "tells a newcomer where to look"),
];
