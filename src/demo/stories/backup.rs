//! Problems of backup and restore with Larder.

use super::{Part, Problem, Resolution};

pub(super) const ALL: &[&Problem] = &[&VIEWS, &MISSING_SEGMENT, &POINT_IN_TIME, &INCREMENTAL, &KEY, &EXPIRE];

const VIEWS: Problem = Problem {
    part: Part::Backup,
    lane: "fault",
    severity: 3,
    direct: true,
    subjects: &["larder dump of {db} skips views", "Restore test of {db} lacks {some} views", "Exit code 0 but the dump from {host} is incomplete"],
    own: &[],
    question: "Our restore test of {db} found that {some} views are missing, while larder dump ended with 0. In its log:

    {t1} warn  view v_{table}: depends on function norm_{table}(text), deferred
    {t3} info  dump complete, 0 errors

Version {ver}. [[Has every dump of the last weeks this gap?||How many of our dumps are affected?]]",
    asks: "Does that function live in an extension or was it created by hand? And is the data of the tables complete, by count?",
    told: "By hand, it calls a second view. All counts agree, it is only the views.",
    finding: "I can reproduce it: a function used by a view, which itself uses a view, makes a circle, and the deferred ones are never taken up again. It
is reported as {patch}.",
    answer: "This is a fault of larder dump ({patch}), mended in {fixver}: deferred views were not written when they depend on each other through a
function. Tables, data and indexes are not affected.

- Upgrade to {fixver}; dumps from then on are complete.
- For older dumps keep the definitions: tarn-dump --schema-only --section=post-data of today is small and fits them all.
- Physical backups (larder backup) were never affected.

From {fixver} on a deferred object that remains is an error, not a warning.",
    more: "With {fixver} all views are there. Can we compare dump and database automatically?",
    coda: "larder verify --restore-into scratch --compare counts,objects does it, nightly for a small database, weekly for one of {gb} GB.",
    ends: Resolution::FixedUpstream,
};

const MISSING_SEGMENT: Problem = Problem {
    part: Part::Backup,
    lane: "operate",
    severity: 2,
    direct: false,
    subjects: &["Restore of {db} stops: WAL {wal} not found", "could not find required segment, restore test failed", "Broken chain in the archive of {host}"],
    own: &[],
    question: "The quarterly restore test of {db} stops:

    {t1} LOG:  starting archive recovery
    {t2} ERROR: larder get {wal}: not in repository
    {t2} FATAL: recovery ended before configured recovery target was reached

All backups since then are marked ok. [[Are they usable?||Which ones can we trust?]]",
    asks: "Each backup needs the segments from its begin to its end, and more only for later points in time. Please send larder info --segments
--gaps.",
    told: "    gap: {wal} (1 segment), between full-{hex}F and incr-{hex}I
    last backup ok: incr-{hex}K",
    finding: "One gap, older than the last full backup. What was made after it stands on its own; I verify by restoring the chain from the
listing you sent.",
    answer: "One segment is missing, so points in time between that gap and the next full backup cannot be reached. Everything from the next full on is
whole. What to do:

1. larder verify full-{hex}F --deep reads each file and segment; expect {min} minutes.
2. Take a full backup today.
3. Look at archive_command: a script that ends with 0 before the file is safe makes such gaps. Use larder push itself, not cp.

And put larder info --gaps into monitoring, the check costs nothing.",
    more: "Verified, whole. It was a cp to a mount that was away. Can the gap be filled from the standby?",
    coda: "If the standby archives too (archive_mode = always) or still has the file, yes: larder push it by hand, the checksum is compared. After
{days} days it will hardly have it.",
    ends: Resolution::Solved,
};

const POINT_IN_TIME: Problem = Problem {
    part: Part::Backup,
    lane: "operate",
    severity: 1,
    direct: true,
    subjects: &["Delete without where on {table}, need {db} as of {clock}", "Urgent: {rows} rows deleted from {table}", "How to get {table} back as it was at {clock}?"],
    own: &[],
    question: "At {clock2} somebody ran a delete without condition on {table} in {db} and committed. {rows} rows are gone; the application is still running
and writing to other tables. Backups of last night and the log archive exist. [[What do we do now?||We do not want to make it worse.]]",
    asks: "Do not restore over the running database. Two questions while you stop autovacuum on that table: do you have a machine with {gb} GB free, and is any
replica delayed?",
    told: "No delayed replica. {host2} has {tb} TB free. Autovacuum is disabled on {table}.",
    finding: "Log and backup cover the time. The exact transaction can be found, so nothing before it needs to be lost. Begin the restore on {host2} now; it runs
while I look for the position.",
    answer: "Restore beside, not over:

1. tarn-waldump shows the transaction: many delete records of {table}, then COMMIT at {lsn2}.
2. On {host2}: larder restore {db} --to {host2}:/srv/pit --target-lsn {lsn2} --target-exclusive --pause
3. When it pauses, check: select count(*) from {table};
4. Copy only that table back:

    tarn-dump -h {host2} -p 5433 -t {table} --data-only {db} |
      tarnsh -h {host} {db}

Rows that were added to {table} since then stay. Sequences were not touched. Afterwards turn autovacuum on again.",
    more: "All rows are back, thank you. Step 4 fired triggers on {table}; some mails went out twice.",
    coda: "That should have been in my list: --disable-triggers, or session_replication_role = replica. I added it to our article on restoring a single
table, with your case in mind.",
    ends: Resolution::Solved,
};

const INCREMENTAL: Problem = Problem {
    part: Part::Backup,
    lane: "performance",
    severity: 4,
    direct: false,
    subjects: &["Incremental backup of {db} as large as a full one ({gb} GB)", "larder incr saves nothing {since}", "Why is every incremental {gb} GB?"],
    own: &[],
    question: "Incremental backups of {host} are nearly as large as full ones {since}, {gb} GB each. Before they were {gb2} GB. Only about {few} % of the data changes
in a day. [[What changed?||Which setting governs that?]]",
    asks: "Is anything rewriting blocks, such as a weekly VACUUM FREEZE, a repack, or a change of hint bits after a large load? And did larder's
block map setting change?",
    told: "The new maintenance job runs tarn-repack on all large tables every night.",
    finding: "A repack writes the whole table into new files. For an incremental backup every block is new then, so it has to store everything.",
    answer: "The nightly repack is the cause: it writes each table anew, and an incremental backup keeps what was written. Suggestion:

- Repack only where bloat is above 40 %, at most weekly, right before the full backup.
- Let autovacuum do the rest: autovacuum_vacuum_scale_factor = 0.02 on the three largest tables.

Log volume for your replicas falls by the same amount.",
    more: "Back to {gb2} GB. How do we find the bloat of a table without reading all of it?",
    coda: "tuplestat_approx('{table}') reads only what the visibility map does not cover; on yours that is seconds.",
    ends: Resolution::Answered,
};

const KEY: Problem = Problem {
    part: Part::Backup,
    lane: "security",
    severity: 2,
    direct: true,
    subjects: &["Old backups unreadable after key rotation", "larder: cannot decrypt manifest of full-{hex}F", "Which key belongs to which backup? ({site})"],
    own: &[],
    question: "We rotated the repository key as our policy demands, and now

    larder: full-{hex}F: cannot decrypt manifest: unknown key id k-{hex}

for everything older than {days} days. The old key is in the vault. [[How do we tell larder?||Do we have to convert all of it?]]",
    asks: "Was the rotation done with larder key rotate or by exchanging the file? With the first the old key would have been kept in the ring.",
    told: "By exchanging /etc/larder/repo.key through our configuration management.",
    finding: "Then the ring now has only the new key. Nothing is lost as long as the vault has the old one. Please do not expire anything meanwhile.",
    answer: "Larder keeps a ring of keys: one to write, several to read. Put the old one back as a reading key:

    larder key add --read-only --from-file old.key      # prints k-{hex}
    larder key list
    larder verify full-{hex}F

Data need not be converted; each backup names its key. When the last one of that key has expired, remove it. Next time use
larder key rotate, and keep a printed copy of the ring's recovery code outside of the machines that it protects.",
    more: "All readable. Does the rotation protect us if somebody copied the old key?",
    coda: "Not the old backups: who has key and files can read them. For that larder reencrypt writes them anew; {tb} TB need about {hours} hours.",
    ends: Resolution::Solved,
};

const EXPIRE: Problem = Problem {
    part: Part::Backup,
    lane: "configure",
    severity: 4,
    direct: true,
    subjects: &["Retention of {few} weeks, but only {few} backups left", "larder expire removed more than expected", "How does retention count incrementals?"],
    own: &[],
    question: "We set retain_full = {few} and thought of {few} weeks, as we make a full backup every week. Now there are only {few} days of history. [[Did expire
delete too much?||What did we misread?]] Version {ver} on {host}.",
    asks: "Were extra full backups taken lately, by hand or by a second job? larder info --all shows them with their label.",
    told: "Yes! The migration team takes a full one each evening {since}.",
    finding: "retain_full counts full backups, whoever took them. With one each evening {few} of them are {few} days.",
    answer: "Retention by number is fooled by additional backups. Use time, and mark the extra ones:

    [retention]
    window = \"{some} days\"        # every point in time within it can be restored
    retain_full = 2               # never fewer than this

    larder backup --label migration --expire-after 3d

What has been expired is gone from the repository; if the storage below is versioned, Cairn may still have it for a few days.",
    more: "We have the window now. Is the oldest full backup kept while an incremental needs it?",
    coda: "Yes, a base stays until nothing within the window depends on it. So you will see one full backup that is older than the window; that
is on purpose.",
    ends: Resolution::Answered,
};
