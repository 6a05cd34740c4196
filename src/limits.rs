//! Every bound of the desk, in one place (SECURITY.md §5.9 of the design).
//!
//! A list without a limit or a loop without a bound is a defect; whoever needs a new one adds it here with its reason, in the
//! file of its topic if there is one. Sizes are bytes, times are seconds, unless the name says otherwise.

mod agreement;
mod fetch;
mod files;
mod ledger;
mod people;
mod schedule;
mod session;
mod web;

pub use agreement::*;
pub use fetch::*;
pub use files::*;
pub use ledger::*;
pub use people::*;
pub use schedule::*;
pub use session::*;
pub use web::*;

/// Largest message taken, raw bytes: announced in `SIZE`, refused with 552 beyond.
pub const MESSAGE_BYTES: usize = 50_000_000;
/// Largest header block of a message that is understood; beyond it the mail is an unsorted case.
pub const HEADER_BLOCK_BYTES: usize = 256 * 1024;
/// Largest single header field that is understood, unfolded.
pub const HEADER_BYTES: usize = 64 * 1024;
/// Header fields that are read; later ones are ignored and reported in `errors`.
pub const HEADERS: usize = 500;
/// A line of a message longer than this is refused by the SMTP session (RFC 5321 §4.5.3.1.6 allows 998; real mail does not keep it).
pub const LINE_BYTES: usize = 64 * 1024;
/// Nesting of MIME multiparts that is opened.
pub const MIME_DEPTH: usize = 32;
/// MIME parts of one message that are opened.
pub const MIME_PARTS: usize = 1_000;
/// Messages inside messages that are opened.
pub const NESTED_MESSAGES: usize = 8;
/// Header fields that are read of a part inside a mail; more tell nothing about content.
pub const PART_HEADERS: usize = 100;
/// Longest name of a header field; a line with a later colon is text.
pub const FIELD_NAME_BYTES: usize = 200;
/// Attributes of one winmail.dat that are read; a file has about six.
pub const TNEF_ATTRIBUTES: usize = 10_000;
/// Properties of one attribute of a winmail.dat that are read.
pub const TNEF_PROPERTIES: usize = 2_000;
/// Entries of one calendar part that are read; an invitation to a series has one and its exceptions.
pub const CALENDAR_ENTRIES: usize = 20;
/// Lines of one calendar part that are read.
pub const CALENDAR_LINES: usize = 50_000;
/// Seals in seals (signed in encrypted in signed), and signatures of one seal, that are looked at.
pub const SEALS: usize = 4;
/// Bytes that sealed content may open to, however small it is sealed.
pub const OPENED_BYTES: usize = 4 * 1024 * 1024;
/// How many times its size sealed content may open to beyond that; text packs ten times.
pub const OPENED_RATIO: usize = 10;
/// Files of the folder `keys/` that are read.
pub const KEY_FILES: usize = 1_000;
/// Largest key file: a key with many signatures of others.
pub const KEY_FILE_BYTES: u64 = 256 * 1024;
/// A signature may be this much ahead of our clock.
pub const DAY_SECONDS: i64 = 24 * 3_600;
/// Certificates of one signature that are read; a chain has three.
pub const CERTIFICATES: usize = 16;
/// Sentences about one mail's defects that are kept: more help nobody.
pub const NOTES: usize = 50;
/// Attachments of one mail that are listed; the parts are bounded as well ([`MIME_PARTS`]).
pub const ATTACHMENTS: usize = 500;
/// Name of an attachment that is shown and stored.
pub const FILE_NAME_CHARS: usize = 255;
/// Recipients that one bounce is believed to speak of.
pub const BOUNCED_RECIPIENTS: usize = 100;
/// Text of a bounce without a machine-readable report that is searched for the failed address.
pub const BOUNCE_TEXT_BYTES: usize = 32 * 1024;
/// Wall-clock time the worker may spend on one mail: a loaded machine gives it less CPU than this.
pub const PARSE_WALL_SECONDS: u64 = 4 * PARSE_CPU_SECONDS;
/// One answer of the worker: three texts at their limit with every character escaped, and lists.
pub const PARSE_ANSWER_BYTES: usize = 48 * 1024 * 1024;
/// Stack of the thread that understands mails; what it runs does not recurse, libraries may.
pub const PARSE_STACK_BYTES: usize = 8 * 1024 * 1024;
/// Recipients of one SMTP transaction; the rest are told 452.
pub const RECIPIENTS: usize = 100;
/// `Received` fields; more than this is a loop, refused with 554.
pub const RECEIVED: usize = 50;
/// Message-IDs kept from `References`, the newest and the first.
pub const REFERENCES: usize = 100;
/// Language tags kept of one mail.
pub const LANGUAGES: usize = 10;
/// Addresses kept of one address list.
pub const ADDRESSES: usize = 500;
/// Decoded HTML that is turned into text.
pub const HTML_BYTES: usize = 2_000_000;
/// Nesting of HTML elements that is followed.
pub const HTML_DEPTH: usize = 256;
/// HTML elements that are read.
pub const HTML_ELEMENTS: usize = 50_000;
/// Text of a message that is shown and searched; the rest is a download.
pub const TEXT_BYTES: usize = 1_000_000;
/// Encoded text that is decoded at all: [`HTML_BYTES`] with every character written as three.
pub const TEXT_ENCODED_BYTES: usize = 3 * HTML_BYTES;
/// Renditions of one text that are compared: longer ones are mails that programs write.
pub const TWIN_BYTES: usize = 128 * 1024;
/// Lines of the HTML rendition that are looked for in the plain one.
pub const TWIN_LINES: usize = 400;
/// Text of a message that enters the full-text index.
pub const INDEX_BYTES: usize = 64 * 1024;
/// CPU time the worker may spend on one mail.
pub const PARSE_CPU_SECONDS: u64 = 5;
/// Address space of the worker above what it has at start.
pub const PARSE_MEMORY_BYTES: u64 = 256 * 1024 * 1024;
/// Deaths of the worker after which a mail becomes an unsorted case with its raw bytes and the reason.
pub const PARSE_DEATHS: i64 = 2;
/// Starts of the desk that may find the same mail not understood before it is set aside.
pub const PARSE_STARTS: i64 = 10;
/// Mails given their place in one job of the writer: each job costs a savepoint and a copy of every page it touches, and a long one holds up its group.
pub const PLACE_AT_ONCE: usize = 64;
/// Jobs of [`PLACE_AT_ONCE`] mails that the writer may have before it while the next batch is read.
pub const PLACE_AHEAD: usize = 8;
/// Mails handed to the worker at once.
pub const PARSE_BATCH: usize = 64;
/// One SMTP command line, CRLF included (RFC 5321 §4.5.3.1.4, with room for SMTPUTF8 and parameters).
pub const SMTP_COMMAND_BYTES: usize = 512;
/// Wait for the next SMTP command.
pub const SMTP_COMMAND_SECONDS: u64 = 300;
/// Wait for the next block of DATA.
pub const SMTP_DATA_SECONDS: u64 = 180;
/// An SMTP session without a completed command or mail ends after this.
pub const SMTP_IDLE_SECONDS: u64 = 600;
/// SMTP sessions at once from one address.
pub const SMTP_SESSIONS_PER_ADDRESS: usize = 20;
/// SMTP sessions at once in all, where the system grants as many open files.
pub const SMTP_SESSIONS: usize = 12_000;
/// SMTP sessions beyond which patience with silent and dribbling peers is [`SMTP_CROWDED_SECONDS`]: honest peers are tens.
pub const SMTP_CROWDED: usize = 500;
/// Wait for the next command or block while the server is crowded.
pub const SMTP_CROWDED_SECONDS: u64 = 30;
/// Open files kept for everything that is no SMTP session: database, pages, mail going out.
pub const FILES_FOR_THE_REST: u64 = 1_500;
/// LMTP sessions at once: mail servers of the house and `mail deliver`.
pub const LMTP_SESSIONS: usize = 200;
/// Bytes of a mail that stay in memory while it comes, and of one piece of a stored mail; what is more goes to a file
/// and into rows of so many bytes.
pub const SPOOL_BYTES: usize = 256 * 1024;
/// Pieces of a large mail stored in one job of the writer: 1 MiB a commit keeps it for a few milliseconds.
pub const PIECES_AT_ONCE: usize = 4;
/// Bytes of messages being received that are held in memory over all sessions; beyond it a mail is told 452.
pub const SMTP_BYTES_IN_FLIGHT: usize = 256 * 1024 * 1024;
/// Bytes one mail may send in all while it is being refused: a sender that was too large by less than its own size hears 552, one that never ends is cut off.
pub const SMTP_DRAIN_BYTES: usize = 2 * MESSAGE_BYTES + MESSAGE_BYTES / 10;
/// Commands between two mails taken; more is a scan or a client that runs in circles (100 refused recipients and their mail fit).
pub const SMTP_COMMANDS: usize = 500;
/// A mail that takes longer than [`SMTP_IDLE_SECONDS`] must bring at least so many bytes a second (a 256 kbit/s line brings ten times that).
pub const SMTP_BYTES_PER_SECOND: u64 = 3_000;
/// Wait for the desk to store one mail; then the sender is told 451 and comes again.
pub const SMTP_TAKE_SECONDS: u64 = 240;
/// Wait for a TLS handshake.
pub const SMTP_HANDSHAKE_SECONDS: u64 = 30;
/// A mail half received when the desk stops has this long to end.
pub const SMTP_FINISH_SECONDS: u64 = 15;
/// Mail address on the envelope: 64 of the local part, `@`, 255 of the domain (RFC 5321 §4.5.3.1).
pub const ADDRESS_BYTES: usize = 320;
/// Text of one SMTP reply that is said or kept, so that a line stays within 512 (RFC 5321 §4.5.3.1.5).
pub const SMTP_REPLY_BYTES: usize = 480;
/// Refused commands after which a session is closed with 421.
pub const SMTP_ERRORS: usize = 20;
/// Mails an hour from one sender that is not verified.
pub const UNVERIFIED_MAILS_PER_HOUR: usize = 200;
/// Free share of the disk under which mail is told 452 (and never less than 1.5 times the announced size).
pub const FREE_DISK_SHARE: f64 = 0.05;
/// One request line on the desk's local socket (a reply's text travels in it).
pub const LOCAL_REQUEST_BYTES: usize = 4 * 1024 * 1024;
/// Jobs of one group commit; the group is closed by time as well ([`GROUP_MILLIS`]).
pub const GROUP_JOBS: usize = 128;
/// A group commit takes no further job after this many milliseconds of work.
pub const GROUP_MILLIS: u128 = 40;
/// A group that follows one of at least so many jobs waits for as many: whoever was answered together comes again together.
pub const GATHER_JOBS: usize = 16;
/// It waits so long for each of them at most.
pub const GATHER_MILLIS: u64 = 1;
/// Jobs that may wait for the writer; beyond it callers wait for a place.
pub const GROUP_QUEUE: usize = 4_096;
/// Readers of the database at once; a fifth read waits for a place. Reads are short, and each SQLite reader may hold 1 MiB of cache.
pub const READERS: usize = 4;
/// Wait for a reader's place before a read is answered as failed: only a read that never ends can cause it.
pub const READER_SECONDS: u64 = 30;
/// Prepared statements kept by one connection: more than the desk has, so that none is parsed twice.
pub const STATEMENTS: usize = 256;
/// Rows one statement may return: a statement that forgot its `LIMIT` is an error, not an empty memory.
pub const QUERY_ROWS: usize = 1_000_000;
/// Pages of 4 KiB in SQLite's write-ahead log before the writer copies them into the database.
pub const WAL_PAGES: usize = 12_000;
/// The writer gives back SQLite's caches after this long without a job.
pub const WRITER_REST_SECONDS: u64 = 5;
/// Wait for a lock on SQLite's file: only a backup program can hold one.
pub const SQLITE_BUSY_SECONDS: u64 = 5;
/// Wait for a connection to PostgreSQL; jobs waiting meanwhile are answered as failed afterwards.
pub const POSTGRES_CONNECT_SECONDS: u64 = 5;
/// Longest pause between two attempts to reach PostgreSQL again.
pub const POSTGRES_BACKOFF_MILLIS: u64 = 5_000;
/// Wait for the lock of a PostgreSQL desk: the server needs a moment to notice that a killed desk is gone.
pub const POSTGRES_LOCK_MILLIS: u64 = 1_500;
/// Rows of a list unless asked otherwise.
pub const LIST_ROWS: i64 = 200;
/// Rows of a list at most: `--json` lists of everything are read in pages of this size.
pub const LIST_ROWS_MAX: i64 = 10_000;
/// People named in one mail who are put on its case: more is a mailing, not a conversation.
pub const COPIES_JOINED: usize = 20;
/// Minutes after which the sender of a mail is looked up again whose name servers did not answer, one after the other. A
/// failure of name servers lasts minutes or hours; after the last a person decides.
pub const RECHECK_MINUTES: [i64; 4] = [5, 15, 60, 240];
/// Such mails looked up again at once.
pub const RECHECKS_AT_ONCE: i64 = 50;
/// Customers of the searched name whose cases are listed, and cases of each: the newest.
pub const CUSTOMERS_FOUND: usize = 5;
/// Cases of each of them.
pub const CASES_OF_FOUND: i64 = 10;
/// Hits of a search; beyond it the count says "more than".
pub const SEARCH_HITS: i64 = 10_000;
/// Customers by whom a search can be narrowed; most hits first.
pub const SEARCH_FACETS: usize = 12;
/// Months over which hits are drawn: four years, a bar each. Older hits are counted.
pub const SEARCH_MONTHS: usize = 48;
/// Words that are looked for alone where nothing has all of them.
pub const SEARCH_NEAR: usize = 6;
/// Query text of a search.
pub const QUERY_BYTES: usize = 2_048;
/// Words and quoted phrases of one search.
pub const QUERY_TERMS: usize = 32;
/// Words that wait for the end of their transaction to be indexed; an import of everything in one transaction has more.
pub const INDEX_WAITING_BYTES: usize = 4 * 1024 * 1024;
/// Words of one message that are indexed: a tsvector knows no position after 16,383.
pub const INDEX_WORDS: usize = 16_000;
/// Occurrences of one word of a message that are indexed: a tsvector keeps 256 positions of a word.
pub const INDEX_REPEATS: u16 = 250;
/// Bytes of one indexed word; the rest is cut in message and query alike (a tsvector takes 2,046; the longest hash in hex has 128).
pub const INDEX_WORD_BYTES: usize = 128;
/// Reply or note typed by a person.
pub const REPLY_BYTES: usize = 1_000_000;
/// Subject shown and stored.
pub const SUBJECT_CHARS: usize = 500;
/// Business days after which an offer by mail lapses (PRODUCT.md §3.12).
pub const OFFER_BUSINESS_DAYS: u32 = 2;
/// Open minutes within which somebody is told what became of a wish that the count did not grant, by a lead or by the clock.
pub const WISH_MINUTES: i64 = 60;
/// Hours within which a step that was echoed can be taken back, if none of its times falls due before.
pub const STEP_UNDO_HOURS: i64 = 24;
/// People of a case who get the echo of a step.
pub const ECHOES: usize = 20;
/// Free times that a page offers as buttons.
pub const TIMES_OFFERED: usize = 3;
/// Sentence that goes with an offer, as one line.
pub const OFFER_REASON_CHARS: usize = 300;
/// Words at the top of a mail that are looked at for a wish; nobody needs a longer line for a time.
pub const WISH_LINE_CHARS: usize = 120;
/// Seconds a reply is held before it leaves, of which ten are shown for undo (UX.md §1.0).
pub const HOLD_SECONDS: i64 = 13;
/// Seconds a reply given by mail is held: the answer that offers `#undo` has to reach its writer first. A reply whose promise
/// is close to its due is held as any other.
pub const HOLD_BY_MAIL_SECONDS: i64 = 120;
/// A reply by mail waits so long for the files of its mail to have their place; then its words go alone.
pub const COMMAND_FILES_SECONDS: i64 = 60;
/// Verbs at the top of one mail.
pub const MAIL_VERBS: usize = 10;
/// Cases in one part of a digest; the run queue has the rest.
pub const DIGEST_ROWS: i64 = 50;
/// Acknowledgements a case, address and day (PRODUCT.md §3.11).
pub const ACKNOWLEDGEMENTS_PER_DAY: i64 = 3;
/// Automatic mails in all to one address a day, over every case: the brake on loops between machines that say nothing of themselves.
pub const AUTOMATIC_PER_ADDRESS_PER_DAY: i64 = 30;
/// Automatic mails of one address within [`FLOOD_MINUTES`] from which they stand in the spool as one line: a machine that has something to say says it in fewer.
pub const FLOOD_MAILS: i64 = 30;
/// See [`FLOOD_MAILS`].
pub const FLOOD_MINUTES: i64 = 10;
/// Mails of one customer in one case that must bear the same ticket number before it stands for the case.
pub const NUMBER_SEEN: i64 = 2;
/// Subject by which cases are found for an offer; the rest of a longer one tells nothing more.
pub const LIKENESS_SUBJECT_BYTES: usize = 200;
/// Cases that are weighed for an offer.
pub const LIKENESS_CASES: usize = 5;
/// Newest cases of a customer among which open ones are looked for, for an offer.
pub const LIKENESS_NEWEST: i64 = 20;
/// Newest messages of a case that are compared with a mail for an offer.
pub const LIKENESS_MESSAGES: i64 = 12;
/// Text of a mail, and of each message it is compared with, that is looked at for an offer.
pub const LIKENESS_TEXT_BYTES: usize = 16 * 1024;
/// Quoted lines of a mail that are looked at for an offer.
pub const LIKENESS_QUOTED_LINES: usize = 400;
/// Rare words of a mail that are compared for an offer.
pub const LIKENESS_CODES: usize = 20;
/// Days for which a confirmed address counts where nothing is known of a mail (PRODUCT.md §3.1).
pub const CONFIRMED_DAYS: i64 = 90;
/// Days for which the button of text I works: a week covers a weekend and a short leave; by then a person has looked at the mail.
pub const CONFIRMATION_DAYS: i64 = 7;
/// Cases of one Message-ID that are looked at: mail in several cases is rare, mail that pretends to be is not.
pub const CASES_OF_ONE_ID: i64 = 20;
/// Time in which the sender of one mail is checked; then there is no verdict.
pub const VERIFY_SECONDS: u64 = 8;
/// Mails whose senders are checked at once: each is a few questions to name servers, and slow ones must not stand in the way.
pub const VERIFY_AT_ONCE: usize = 1_000;
/// Bytes of mails whose verdict is waited for; beyond it no further mail is read until one is there.
pub const VERIFY_BYTES: usize = 64 * 1024 * 1024;
/// Signatures of one mail that are verified (RFC 6376 §6.1 leaves the number to us); the author's own come first.
pub const VERIFY_SIGNATURES: usize = 8;
/// Pause in which new mail is looked for while verdicts are waited for.
pub const VERDICT_MILLIS: u64 = 20;
/// Days after which a signature proves nothing any more: mail that is queued for five days still passes, a replay does not.
pub const DKIM_AGE_DAYS: i64 = 14;
/// Domains with slow name servers that are remembered, and for how long.
pub const SLOW_DOMAINS: usize = 10_000;
/// See [`SLOW_DOMAINS`].
pub const SLOW_DOMAIN_SECONDS: u64 = 60;
/// Wait for one answer of a name server.
pub const DNS_SECONDS: u64 = 3;
/// Answers of name servers that are kept.
pub const DNS_ANSWERS_KEPT: u64 = 8_192;
/// An answer of a name server is asked for again after this long, whatever it says of itself.
pub const DNS_KEPT_SECONDS: u64 = 3_600;
/// Text I (sender not verified) a day in all (PRODUCT.md §3.1).
pub const UNVERIFIED_NOTES_PER_DAY: i64 = 100;
/// Known chain of Message-IDs put into `References` of our mail, root first.
pub const REFERENCES_SENT: usize = 20;
/// A wait reminds this long after our question at least: sooner it would only be impatient.
pub const REMINDER_LEAST_HOURS: i64 = 12;
/// Quarters of an hour that are searched for open hours before the middle of a wait: two weeks of holidays.
pub const REMINDER_STEPS_BACK: i32 = 14 * 24 * 4;
/// Reminders since the customer's last mail (UX.md §2.2 D: never more than two).
pub const REMINDERS_A_SILENCE: i64 = 2;
/// Reminders a case, address and day (PRODUCT.md §3.11).
pub const REMINDERS_PER_DAY: i64 = 1;
/// Lines of our own last mail under a reminder: what we asked stands at its beginning.
pub const REMINDER_LINES: usize = 20;
/// Lines of the answered mail quoted under a reply.
pub const QUOTED_LINES: usize = 60;
/// Deliveries under way at once.
pub const DELIVERIES: usize = 24;
/// Of these, deliveries to one mail domain: a slow one takes no more places from the others.
pub const DELIVERIES_PER_DOMAIN: usize = 4;
/// Of [`DELIVERIES`], those to domains that could not be reached the last time; one each.
pub const DELIVERIES_TO_FAILING: usize = 8;
/// Mail domains that are awake again with one mail that a relay took after it was away: one transaction for them.
pub const DESTINATIONS_WOKEN: i64 = 100;
/// Longest rest of a mail domain that cannot be reached: one connection then asks for all of its mail.
pub const DESTINATION_REST_MINUTES: i64 = 30;
/// Mails to a dead domain that are given up in one transaction.
pub const GIVE_UP_AT_ONCE: i64 = 100;
/// An MTA-STS policy (RFC 8461 §3.3 lets a sender refuse more than 64 KiB).
pub const STS_POLICY_BYTES: usize = 64 * 1024;
/// Wait for an MTA-STS policy, all of it (RFC 8461 §3.3: a minute).
pub const STS_FETCH_SECONDS: u64 = 60;
/// Mail hosts that one MTA-STS policy may name.
pub const STS_HOSTS: usize = 100;
/// Longest time that an MTA-STS policy is believed (RFC 8461 §3.2: about a year).
pub const STS_MAX_AGE_SECONDS: i64 = 31_557_600;
/// A policy that was announced and could not be fetched is not asked for again before.
pub const STS_RETRY_SECONDS: i64 = 3_600;
/// Hours after which an undelivered mail has failed (RFC 5321 §4.5.4.1 asks for four to five days at least; the case is told at the first deferral).
pub const DELIVERY_GIVE_UP_HOURS: i64 = 5 * 24;
/// Mail hosts of one domain that are tried, best preference first.
pub const MAIL_HOSTS: usize = 5;
/// Network addresses of one mail host that are tried.
pub const MAIL_HOST_ADDRESSES: usize = 4;
/// Wait for a connection to a mail host.
pub const DELIVERY_CONNECT_SECONDS: u64 = 30;
/// Wait for the answer to one command of ours (RFC 5321 §4.5.3.2 asks for five minutes).
pub const DELIVERY_REPLY_SECONDS: u64 = 300;
/// Wait for the answer to the final dot (RFC 5321 §4.5.3.2.6: giving up early doubles mail).
pub const DELIVERY_DOT_SECONDS: u64 = 600;
/// Bytes of one answer of another mail server; a longer one is no SMTP.
pub const DELIVERY_ANSWER_BYTES: usize = 64 * 1024;
/// Promises at target at a time for a customer that the desk made from an address (PRODUCT.md §3.2).
pub const PROMISES_OF_UNKNOWN: i64 = 3;
/// Promises at target at a time for a customer that an administrator entered (PRODUCT.md §3.2).
pub const PROMISES_OF_KNOWN: i64 = 20;
/// Notes of trouble to one lead a day; beyond it the run queue tells.
pub const NOTES_PER_LEAD_PER_DAY: i64 = 100;
/// Alarms handled in one transaction.
pub const ALARMS_AT_ONCE: i64 = 200;
/// One line of `duly due --cases`: a calendar with every holiday of two centuries fits in.
pub const CASE_LINE_BYTES: usize = 1024 * 1024;
/// Senders whose rate is remembered at once.
pub const RATE_SENDERS: usize = 100_000;
/// Free disk that is always enough for another mail, however large the disk: five percent of a big one is no shortage.
pub const FREE_DISK_BYTES_MOST: f64 = 2e9;
/// An idle desk ends its worker process after this long.
pub const WORKER_IDLE_SECONDS: u64 = 5;
/// Sessions at once on the desk's local socket.
pub const LOCAL_SESSIONS: usize = 256;
/// Promises of the desk's own past that a replay learns from and lives again, the newest of them.
pub const HISTORY_PROMISES: i64 = 100_000;
/// How long alarms wait for more of their kind to be set before the earliest is looked for again.
pub const ALARM_PATIENCE_MILLIS: u64 = 200;
