//! Problems of replication: lag, archiving, slots, timelines, synchronous commits.

use super::{Part, Problem, Resolution};

pub(super) const ALL: &[&Problem] = &[
    &LAG,
    &ARCHIVE,
    &SLOT,
    &TIMELINE,
    &SYNCHRONOUS,
    &IDENTITY,
    &CONFLICT,
    &PAGE,
    &SEQUENCE,
];

const LAG: Problem = Problem {
    part: Part::Database,
    lane: "performance",
    severity: 2,
    direct: false,
    subjects: &[
        "Replica {host2} {min} minutes behind after upgrade to {ver}",
        "Replication lag on {host2} grows during the nightly load of {table}",
        "[[Standby||Replica]] {host2} cannot keep up with {host} ({ver})",
    ],
    own: &[],
    question: "[[We upgraded||After we went]] from {oldver} to {ver} and {since} the replica {host2} falls behind every
night while {db} is loaded. It reaches {min} minutes around {clock} and recovers only by {hours} hours later.

    {host2}=# select replay_lsn, write_lag, replay_lag from repl_status;
     replay_lsn   | write_lag    | replay_lag
    {lsn}  | 00:00:00.{ms}  | 00:{min}:{secs}

Network is idle, the disk of {host2} is at {pct2} % and one core is at 100 %. [[Is this a known change in {ver}?||What changed?]]",
    asks: "[[One core at 100 %||A single busy core]] says that replay is bound by one process. To know what it replays I need
the record statistics of ten minutes of log: tarn-waldump --stats=record from {lsn} on {host}. How many indexes
does {table} have, and is it loaded by one large statement?",
    told: "{table} has {few} indexes, two of them on text. The load is one insert ... select per partition.

    Type                N       (%)    Record size   FPI size      (%)
    Heap/insert      {count}  (21.4)      812 MB       204 MB   ( 9.1)
    Btree/insert     {count}  (58.0)     1404 MB     3 {many} MB   (71.8)
    Heap/HOT_UPDATE    {many}  ( 0.3)        6 MB        11 MB   ( 0.4)",
    finding: "[[Seven tenths of the log||About 70 % of your log volume]] are full page images of index pages. {ver} takes a checkpoint when
the log reaches max_wal_size, and yours is still the value of {oldver}, so during the load a checkpoint starts
every few minutes and each page is logged whole again. I am testing the effect on a copy of your settings.",
    answer: "The lag comes from full page images: checkpoints follow each other every few minutes during the load, and after
each of them every index page that is touched is written whole into the log. {host2} replays that on one core.

1. On {host} set max_wal_size = {gb2}GB and checkpoint_timeout = 30min; a reload is enough.
2. On {host2} set recovery_prefetch = on, so that replay does not wait for reads.
3. Watch the line \"checkpoints are occurring too frequently\": it should be gone from the first night.

In your figures that removes about two thirds of the volume, and replay on one core is then fast enough.",
    more: "Log volume is down by more than half, thank you. Does the larger max_wal_size not make recovery after a crash
of {host} longer? Our target is {min} minutes.",
    coda: "Yes, in proportion to the log since the last checkpoint. On your disks replay runs at roughly {many} MB/s,
so {gb2} GB stay well below {min} minutes. If you want to be sure, start a clone from a disk snapshot taken in
the middle of the load and time it; that is the honest measure.",
    ends: Resolution::Solved,
};

const ARCHIVE: Problem = Problem {
    part: Part::Database,
    lane: "fault",
    severity: 2,
    direct: false,
    subjects: &[
        "WAL archiving fails on {host}, log volume at {pct} %",
        "{host}: archive_command exits 1, pg log directory fills up ({gb} GB)",
        "Archiver stuck on segment {wal}",
    ],
    own: &[("code", &["1", "2", "23", "255"])],
    question: "[[The log volume of {host} is filling||We are running out of log space on {host}]]: {gb} GB of segments waiting and {pct} % used. The archiver
repeats the same segment {since}:

    {t1} [{pid}] LOG:  archive command failed with exit code {code}
    {t1} [{pid}] DETAIL:  archive_command: larder push wal/{wal}
    {t2} [{pid}] WARNING:  archiving {wal} failed too many times

We did not change anything. How long do we have, and may we delete old segments?",
    asks: "Please do not delete anything in the log directory yet. What does the push say when it is run by hand, as the
user of the server: larder push --verbose on that one segment? Exit code {code} alone fits several causes.",
    told: "By hand:

    $ sudo -u tarn larder push --verbose /var/lib/tarn/wal/{wal}
    larder: {wal} already exists in repository with different checksum
    larder: refusing to overwrite (exit {code})

The segment in the repository was written at {clock}, just before a power test in {site}.",
    finding: "The copy in the repository is shorter than a segment: it was cut off when the machine lost power at {clock}, and
larder refuses, correctly, to overwrite a segment whose content differs. I am checking whether any backup
relies on the short one before I tell you to move it.",
    answer: "You may free space safely, but in this order:

1. In the repository rename the broken copy: larder repo rename {wal} {wal}.short
2. Run larder push on the same segment by hand; it must end with 0.
3. The archiver then continues by itself, oldest first. At about {many} MB/s it needs {min} minutes for {gb} GB.

Never delete from the log directory by hand: the server removes a segment once it is archived. If the disk gets
tight before step 2, extend the volume by a few GB rather than remove anything. Take a full backup afterwards,
because the chain has been interrupted since {clock}.",
    more: "Archiving has caught up. Could we have seen this earlier? The alert came only when the disk was at {pct} %.",
    coda: "Yes: alert on the age of the oldest waiting segment, not on the disk. In Vigil that is
tarn_archiver_oldest_ready_seconds above 900 for five minutes. It would have told you at {clock2}, hours before
the volume was in danger.",
    ends: Resolution::Solved,
};

const SLOT: Problem = Problem {
    part: Part::Database,
    lane: "operate",
    severity: 3,
    direct: false,
    subjects: &[
        "{host}: {gb} GB of WAL kept although archiving works",
        "Disk usage of the log directory keeps growing on {host} [[({db})||in {site}]]",
        "Why does {host} not recycle WAL? {gb} GB and counting",
    ],
    own: &[(
        "slot",
        &["standby_{site2}", "cdc_{group}", "old_{host3}", "migration_{db}"],
    )],
    question:
        "The log directory on {host} holds {gb} GB, max_wal_size is {gb2} GB. Archiving is fine, nothing is waiting
there. It has been growing {since}. We run {ver} on {os}.

[[What keeps the segments?||Which setting holds these segments back?]]",
    asks: "The usual reason is a replication slot that nobody reads any more. Please send the output of

    select slot_name, active, restart_lsn, wal_status from repl_slots;

and tell me whether a replica or a consumer was taken out of service lately.",
    told: "    slot_name              | active | restart_lsn  | wal_status
    {slot}   | f      | {lsn}  | extended
    standby_main           | t      | {lsn2}  | reserved

The first one I do not recognise, a colleague who left set it up.",
    finding:
        "The inactive slot holds everything since {lsn}. Before it goes I want to be sure that nothing will come back to
read from it: I am looking through the connection log you sent for that name.",
    answer:
        "A replication slot keeps all log from its restart position, whether somebody reads it or not. Yours, {slot},
has no reader.

1. Make sure that no replica or consumer uses it: it has to show active = f for a whole day.
2. select drop_repl_slot('{slot}');
3. After the next checkpoint the directory shrinks to about {gb2} GB.

Set max_slot_wal_keep_size = {gb2}GB as a limit: a forgotten slot is then invalidated instead of filling the disk.",
    more: "Dropped, {gb} GB came back within {min} minutes. What happens to a real standby if the new limit strikes
while it is down for maintenance?",
    coda: "It loses its slot and needs a new base backup, unless the segments it lacks are in the archive and it has a
restore_command; then it catches up from there. Give the standby one and the limit costs you nothing but time.",
    ends: Resolution::Solved,
};

const TIMELINE: Problem = Problem {
    part: Part::Database,
    lane: "fault",
    severity: 2,
    direct: false,
    subjects: &[
        "Old primary {host} does not rejoin after failover",
        "requested timeline is not a child of this server's history ({host})",
        "Failover to {host2} worked, {host} stays out",
    ],
    own: &[("tl", &["3", "5", "8", "12"])],
    question: "Last night {host2} took over from {host} at {clock}. The service is fine, but the old primary does not come back
as a standby:

    {t1} [{pid}] LOG:  entering standby mode
    {t2} [{pid}] FATAL:  requested timeline {tl} is not a child of this server's history
    {t2} DETAIL:  latest checkpoint is at {lsn2}, but server forked off
        at {lsn}

We run without a second copy until this is solved. {db} is {gb} GB, [[a full copy takes {hours} hours||the line to {site2} is slow]].",
    asks: "The old primary wrote a little after the fork, so it cannot simply follow. It can be rewound instead of copied if
page checksums or wal_log_hints were on. What does tarnctl controldata on {host} say for both?",
    told: "    Data page checksum version:     1
    wal_log_hints setting:          off
    Database cluster state:         shut down

So checksums are on. The server on {host} is stopped.",
    finding: "Checksums are on, which is sufficient for a rewind. The records between {lsn} and {lsn2} on {host} are
transactions that no client was told were committed, except those that were committed locally. I check with you
which sessions those were before they are discarded.",
    answer: "{host} has {lsn2} in its own history after the point where {host2} branched off at {lsn}. Rewind it:

1. Keep a copy of the log segments after {lsn} if you may want to look at lost transactions.
2. On {host}: tarn-rewind --target-dir=/var/lib/tarn/data --source-server='host={host2} user=rewind'
   It copies only changed blocks, usually a few GB of your {gb}.
3. Create standby.signal, point primary_conninfo at {host2}, start.

Nothing is lost that the application was told is safe if commits were synchronous; otherwise what was committed
in the last moments before {clock} is only in the segments of step 1.",
    more: "The rewind took {min} minutes, {host} follows. Can Tether do that by itself next time?",
    coda: "Yes: set rewind = automatic in the Tether resource for {db}. It rewinds only if {host} was fenced first, so that
it cannot still be writing. I would test it once on staging with a pulled cable, not with a clean stop.",
    ends: Resolution::Solved,
};

const SYNCHRONOUS: Problem = Problem {
    part: Part::Database,
    lane: "configure",
    severity: 1,
    direct: false,
    subjects: &[
        "All commits hang on {host}",
        "{db} stopped: every insert waits, [[no locks||lock table is empty]]",
        "Production hangs since {host2} is down for maintenance",
    ],
    own: &[],
    question: "Production is stopped. {host2} went into maintenance at {clock} and {many} sessions on {host} hang in
COMMIT. No locks are visible:

    pid    | wait_event_type | wait_event | state  | query
    {pid}  | IPC             | SyncRep    | active | COMMIT
    {pid2} | IPC             | SyncRep    | active | COMMIT

Reads work. [[What can we do right now?||What is the quickest safe way out?]]",
    asks:
        "They wait for a synchronous standby that is not there. What is synchronous_standby_names on {host}, and is any
other standby connected at this moment (select application_name, sync_state from repl_status)?",
    told: "    synchronous_standby_names = 'FIRST 1 ({host2})'

    application_name | sync_state
    {host3}          | async",
    finding:
        "The list names only {host2}, so one machine in maintenance stops all commits. {host3} is connected and nearly
up to date. I am writing the exact change and the order of steps.",
    answer: "The primary waits for {host2}, the only machine named as synchronous. At once, on {host}:

    alter system set synchronous_standby_names = 'ANY 1 ({host2}, {host3})';
    select reload_conf();

The waiting sessions continue as soon as {host3} has confirmed, normally within a second; nobody needs to be
killed. Do not set the list empty except as a last resort: commits would then exist on one machine only.

For the future keep ANY 1 with at least two standbys, so that one may be down.",
    more: "Running again since {clock2}. {host3} is in {site2}; will commits now be slower all the time?",
    coda:
        "Only while {host2} is away. With ANY 1 the first confirmation counts, and that is the machine in {site}. During
maintenance a commit costs one round trip to {site2}; measure it with ping, it is close to that number.",
    ends: Resolution::Solved,
};

const IDENTITY: Problem = Problem {
    part: Part::Database,
    lane: "develop",
    severity: 3,
    direct: false,
    subjects: &[
        "cannot update table \"{table}\" because it does not have a replica identity",
        "Logical replication of {db} breaks update on {table}",
        "After adding {table} to the publication all updates fail",
    ],
    own: &[("keep", &["DEFAULT", "NOTHING"])],
    question: "We added {table} to the publication for the {group} consumer, and from then on the application fails:

    ERROR:  cannot update table \"{table}\" because it does not have a replica identity
            and publishes updates
    HINT:  To enable updating the table, set REPLICA IDENTITY using ALTER TABLE.

[[We removed it again at {clock}||We took it out again to get going]]. The table has {rows} rows and no primary key, for historical reasons.",
    asks: "Is there any column, or pair of columns, that is unique and not null in practice? And does the consumer need
updates and deletes, or would inserts be enough for it?",
    told: "(batch_no, line_no) is unique as far as we know, there is no constraint. The consumer needs updates too.

    select count(*), count(distinct (batch_no, line_no)) from {table};
      {count} | {count}",
    finding: "The pair is a candidate. The index can be built without blocking writes; what takes thought is the moment when
it becomes the identity, because that needs a short exclusive lock on {table} while long reports run.",
    answer: "Updates need a key by which the other side finds the row. Without a primary key give it a unique index:

    create unique index concurrently {table}_ident on {table} (batch_no, line_no);
    alter table {table} alter batch_no set not null, alter line_no set not null;
    alter table {table} replica identity using index {table}_ident;

The first takes a while on {rows} rows but blocks nobody. Run the other two with lock_timeout = '2s' and retry, so
that they do not queue behind a long report and stop everybody else. Avoid REPLICA IDENTITY FULL here: the
subscriber would search the whole table for each changed row.",
    more: "Index is built and the publication works. The subscriber shows one error, duplicate key, for rows we had
loaded by hand. Skip them?",
    coda: "Yes: the log names the position of the transaction, and alter subscription ... skip (lsn = '{lsn}') passes over
it. It skips the whole transaction, so compare both sides of {table} by count and checksum per batch_no afterwards.",
    ends: Resolution::Solved,
};

const CONFLICT: Problem = Problem {
    part: Part::Database,
    lane: "configure",
    severity: 3,
    direct: true,
    subjects: &[
        "Reports on {host2} cancelled: conflict with recovery",
        "canceling statement due to conflict with recovery, [[every night||several times a day]] ({host2})",
        "Long queries on the read replica of {db} die",
    ],
    own: &[],
    question: "Our reporting runs on the replica {host2}. {since} about {some} queries a night end with

    ERROR:  canceling statement due to conflict with recovery
    DETAIL:  User query might have needed to see row versions that must be removed.

The longest reports take {min} minutes. We must not slow down {host}.",
    asks:
        "Two settings decide this, max_standby_streaming_delay and hot_standby_feedback, both on {host2}. What are they
now? And may {host2} be behind by as much as the longest report, or do others read current data there?",
    told: "max_standby_streaming_delay is 30s, feedback is off. Nobody else reads there except a dashboard that may
be {min} minutes old.",
    finding:
        "With 30 seconds every report that reads recently vacuumed rows has half a minute to live. As the dashboard may
be old, delaying replay is the better of the two; I work out the value from your longest report.",
    answer:
        "The replica has to choose between following and finishing your query; at present it gives queries 30 seconds.

- On {host2}: max_standby_streaming_delay = 90min. Replay then waits for reports, {host} does not notice.
- Leave hot_standby_feedback off. It would prevent the conflict, but {host} would have to keep old row versions for
as long as a report runs, and {table} would bloat.
- Alert on a lag above two hours, so that a forgotten session does not hold up replay for days.

If the same machine is also your failover target, use two replicas: one that follows, one that reads.",
    more: "No cancelled report for two nights. The lag after the reports is {min} minutes and takes a while to go. Normal?",
    coda:
        "Yes, replay has to work through what it postponed; it catches up at disk speed, not at the speed of the load.
If it needs to be quicker, end the reports with a pause: a replica that is asked nothing for five minutes catches
up nearly all of it.",
    ends: Resolution::Solved,
};

const PAGE: Problem = Problem {
    part: Part::Database,
    lane: "fault",
    severity: 2,
    direct: false,
    subjects: &[
        "page verification failed on {host}, [[relation||table]] {table}",
        "Checksum error in {db} after storage event",
        "invalid page in block {many} of {table}",
    ],
    own: &[("fork", &["base/16402/24817", "base/16384/31990", "base/19022/40211"])],
    question: "After a controller failover in the array of {site} one table cannot be read completely:

    {t1} WARNING:  page verification failed, checksum 21874, expected 4410
    {t1} ERROR:  invalid page in block {many} of relation {fork}

That is {table} in {db}, {rows} rows. A replica exists ({host2}). Backups are from {clock}. We have not
restarted anything. [[How do we get the data back?||What is the right order now?]]",
    asks: "Good that you left it running. Does the same select succeed on {host2}? A replica has its own copy of the
block, so this decides between a repair in minutes and a restore. How many blocks are hit (tarn-amcheck {table})?",
    told: "The query works on {host2}. tarn-amcheck on {host}:

    heap table \"{db}.public.{table}\", block {many}: invalid checksum
    1 relation checked, 1 corrupt block, 0 index errors",
    finding: "One block is damaged on {host} and whole on {host2}. Since the array may have damaged more than was read so far,
I want a check of everything before the roles change. Please run tarn-amcheck --all on {host2} in the meantime.",
    answer: "The replica is sound, so nothing needs to be restored from the backup:

1. tarn-amcheck --all on {host2}. It must be clean; it only reads.
2. Planned switch to {host2}: tetherctl move {db} {host2}. Seconds of interruption.
3. Rebuild {host} from {host2} by a base backup, on storage that was checked by its vendor.

Do not use zero_damaged_pages: it makes the error go away by throwing the rows away. And keep the damaged file
{fork} for the vendor; the block shows which write was lost.",
    more: "Switched at {clock2}, clean. How do we find such damage before a user does?",
    coda: "Let larder verify every backup (verify = checksums), since a backup reads each block anyway, and run
tarn-amcheck weekly on the replica. Both write a metric, so a stale check is visible too.",
    ends: Resolution::Solved,
};

const SEQUENCE: Problem = Problem {
    part: Part::Database,
    lane: "guidance",
    severity: 4,
    direct: true,
    subjects: &[
        "Gap of 32 in ids of {table} after failover",
        "Question: are missing {table} ids a sign of data loss?",
        "Auditors ask about gaps in {table} numbers ({db})",
    ],
    own: &[],
    question: "After the switch to {host2} the ids of {table} jump by 32 or 33. Our auditors want to know [[whether rows were lost||if
something was deleted]]. Ids come from an identity column. Is there a document that explains this?",
    asks: "Are these ids shown to anybody as gapless numbers, such as invoice numbers? The answer for the auditors is
simple in one case and needs a change of design in the other.",
    told: "They were meant to be internal, but {table} prints them on a form since last year. So yes, in effect they are
treated as gapless.",
    finding: "The gap itself is harmless and explained below. For the printed form I am looking for the smallest change that
gives you numbers without gaps and without a bottleneck at {lots} rows a day.",
    answer: "No row is lost. A sequence writes its position to the log 32 values ahead, so that not every number costs a log
record. After a crash or failover the new primary continues from the logged position and the unused rest of those
32 is skipped. Rolled back transactions leave gaps as well: a sequence is unique, never gapless.

If law asks for numbers without gaps, use a counter row that is updated in the same transaction:

    update form_counter set last = last + 1 where form = 'A' returning last;

It serialises transactions of that form; at your rate that is no problem.",
    more: "Would setting the sequence cache to 1 remove the gaps at failover?",
    coda: "No. The cache of a session is a different thing from the 32 values in the log, and the latter cannot be changed.
Only a counter row gives what your auditors mean.",
    ends: Resolution::Answered,
};
