//! Problems of statements: plans, bloat, locks, pools, collation, memory, application code.

use super::{Part, Problem, Resolution};

pub(super) const ALL: &[&Problem] = &[
    &PLAN,
    &BLOAT,
    &WRAPAROUND,
    &DDL,
    &PREPARED,
    &POOL,
    &COLLATION,
    &MEMORY,
    &CAST,
    &DEADLOCK,
    &OFFSET,
];

const PLAN: Problem = Problem {
    part: Part::Database,
    lane: "performance",
    severity: 3,
    direct: true,
    subjects: &[
        "Query on {table} takes {secs} s since {ver}, was {ms} ms",
        "Plan changed after upgrade: nested loop over {table} ({db})",
        "[[Slow report||Dashboard times out]]: join of {table} and {table2} on {host}",
    ],
    own: &[("col", &["status", "region_id", "tenant_id", "category"])],
    question: "A query that took {ms} ms on {oldver} takes {secs} seconds on {ver}. The plan:

    Nested Loop  (cost=0.86..412.11 rows=1 width=96) (actual rows={count} loops=1)
      ->  Index Scan using {table}_{col}_idx  (rows=1) (actual rows={count} loops=1)
            Index Cond: ({col} = 7) AND (kind = 'open')
      ->  Index Scan using {table2}_pkey  (rows=1) (actual rows=1 loops={count})
    Planning Time: 0.{some} ms
    Execution Time: {secs}012.{many} ms

ANALYZE did not help. [[It estimates one row and gets very many||The row estimate is off by five orders]].",
    asks: "The estimate of the first scan is the cause. Are {col} and kind related, so that one nearly follows from the
other? Please send select attname, n_distinct from column_stats where tablename = '{table}'.",
    told: "Yes, kind is 'open' for almost all rows of one {col}.

    attname  | n_distinct
    {col}    | {some}
    kind     | {few}",
    finding: "The planner multiplies the two selectivities as if the columns were independent; {oldver} did too, but had a
hash join that happened to be cheap enough. I am checking that extended statistics correct it for your values.",
    answer: "The planner takes {col} and kind as independent and expects one row. Tell it that they are not:

    create statistics {table}_stx (dependencies, mcv) on {col}, kind from {table};
    analyze {table};

Then look at the plan again: the first line should estimate some {lots} rows and choose a hash join. Do not switch
enable_nestloop off for the server; for this one report it would hide the problem, for others it would cost.",
    more: "{ms} ms again. Should we create such statistics for all pairs of columns in {table}?",
    coda: "No, each set makes ANALYZE dearer. Use them where an estimate is wrong by more than a factor of a hundred and the
plan suffers. auto_explain with log_analyze on one replica shows you those within a week.",
    ends: Resolution::Solved,
};

const BLOAT: Problem = Problem {
    part: Part::Database,
    lane: "operate",
    severity: 3,
    direct: false,
    subjects: &[
        "{table} grows although we delete: {gb} GB for {rows} rows",
        "autovacuum on {table} runs but frees nothing ({host})",
        "dead rows not removable in {db}",
    ],
    own: &[("who", &["an idle session of {user}", "a prepared transaction", "a forgotten replication slot"])],
    question: "{table} is {gb} GB on disk but a dump of it has {gb2} GB. Autovacuum runs on it all the time:

    {t1} LOG:  automatic vacuum of \"{db}.public.{table}\": index scans: 0
        pages: 0 removed, {count} remain
        tuples: 0 removed, {count} remain, {count} are dead but not yet removable
        oldest xmin: 77{many}41

[[It has been like this {since}.||Started {since}, load is unchanged.]]",
    asks: "\"Not yet removable\" means that something still looks at the old state. Please look for the oldest of the four
kinds: sessions (xact_start in session_activity), prepared transactions, replication slots (xmin), replicas with
feedback. Which one has an xmin close to 77{many}41?",
    told: "Found it, I think: {who}. It is {days} days old.

    pid {pid} | {user} | idle in transaction | xact_start {days} days ago",
    finding: "{who} holds the horizon for the whole database, so the vacuum can do nothing anywhere, not only in {table}.
Before you end it I want to know which job it belongs to, since it may hold uncommitted work.",
    answer: "A transaction that is {days} days old keeps every row version since then. Steps:

1. End it: select terminate_session({pid}). Uncommitted work of that session is rolled back.
2. vacuum (verbose) {table}; the dead rows go now, the file stays large but is reused.
3. To give the space back use tarn-repack on {table} at night: it needs {gb2} GB free and a short lock at the end.
4. idle_in_transaction_session_timeout = '15min' for {user}, so that it does not come back.

VACUUM FULL also works but locks {table} for the whole time; with {gb} GB that is {min} minutes or more.",
    more: "The vacuum removed everything. Is it normal that the indexes stayed at the same size?",
    coda: "Yes, an index reuses pages but seldom returns them. reindex index concurrently brings them down without blocking;
do the largest first and keep as much free disk as that index has.",
    ends: Resolution::Solved,
};

const WRAPAROUND: Problem = Problem {
    part: Part::Database,
    lane: "operate",
    severity: 2,
    direct: true,
    subjects: &[
        "database \"{db}\" must be vacuumed within {lots} transactions",
        "Wraparound warning on {host}, how much time is left?",
        "Anti-wraparound vacuum of {table} never ends",
    ],
    own: &[],
    question: "The log of {host} says [[once a minute||all the time]]:

    {t1} WARNING:  database \"{db}\" must be vacuumed within {count}00 transactions
    {t1} HINT:  To avoid a shutdown, execute a database-wide VACUUM in that database.

We use about {many} transactions a second. An autovacuum \"to prevent wraparound\" of {table} ({gb} GB) has been
running for {hours} hours. Will we be stopped?",
    asks: "Let us first see how far it is: select phase, heap_blks_scanned, heap_blks_total from progress_vacuum; and how
fast it may run: show autovacuum_vacuum_cost_delay; show maintenance_work_mem.",
    told: "    phase                | scanned   | total
    vacuuming indexes    | {count}  | {count}

cost_delay is 20ms, maintenance_work_mem is 64MB. It is the {few}th pass over the indexes.",
    finding: "It is slowed twice: the delay lets it read only a few MB a second, and with 64 MB it has to scan all indexes again
and again. At this pace it would not be ready in time; with both changed it will be. I am computing the margin.",
    answer: "There is time if the vacuum may work at full speed:

1. alter system set autovacuum_vacuum_cost_delay = 0; and maintenance_work_mem = '1GB'; reload.
2. End the running worker and at once start by hand: vacuum (freeze, verbose, index_cleanup off) {table};
   Leaving out the indexes this once makes it a single pass; dead rows remain for the next normal run.
3. Watch age(datfrozenxid) of {db}: it must fall below 200 million.

At your rate of {many} a second the remaining transactions last for more than a day; this needs about {min} minutes.
Afterwards set the delay to 2 ms, not back to 20.",
    more: "Age is down to {some} million. How do we make sure that we never see this again?",
    coda: "Alert when the age passes 500 million, and let large, append-only tables be frozen on the way:
autovacuum_vacuum_insert_scale_factor = 0.05 for {table}. Then no run ever has everything to do at once.",
    ends: Resolution::Solved,
};

const DDL: Problem = Problem {
    part: Part::Database,
    lane: "develop",
    severity: 2,
    direct: false,
    subjects: &[
        "ADD COLUMN on {table} stopped the application for {min} minutes",
        "Deploy blocked everything: lock queue on {table}",
        "ALTER TABLE {table} waits and all others wait behind it ({host})",
    ],
    own: &[],
    question: "During yesterday's deploy a migration did

    alter table {table} add column note_ref bigint;

which should be instant. Instead [[the whole application||every request that touches {table}]] hung for {min} minutes, {many} sessions waiting. The
documentation of {ver} says that adding a column without default does not rewrite. What went wrong, and how do we deploy safely?",
    asks: "Was there a long transaction on {table} at the time, for instance a report or a dump? If log_lock_waits is on,
the lines around {clock} name the process that the ALTER waited for.",
    told: "You are right:

    {t1} LOG:  process {pid} waits for AccessExclusiveLock on {table}
    {t1} DETAIL:  Process holding the lock: {pid2}. Wait queue: {pid}, ...

{pid2} was the {user} export, it runs {min} minutes.",
    finding: "The log confirms it: the ALTER itself was instant, but had to wait for the export, and everybody else had to
wait for the ALTER. I am putting together the pattern for your migration tool.",
    answer: "The change takes milliseconds, but needs an exclusive lock. It waited for a long reader, and lock queues are fair:
all later readers stand behind the waiting ALTER. So bound the wait and retry:

    set lock_timeout = '2s';
    alter table {table} add column note_ref bigint;
    -- on error 55P03: sleep 5 to 20 s, up to 30 times

At worst the application stands for two seconds a try. Most migration tools have a hook for it. Also let the
{user} export read from a replica; then it never holds a lock on {host}.",
    more: "The retry works nicely. Does the same apply to CREATE INDEX CONCURRENTLY?",
    coda: "Almost: it blocks nobody, but it waits for all older transactions, so it can take long. Do not give it a
lock_timeout; if it fails it leaves an invalid index which you must drop before the next try.",
    ends: Resolution::Solved,
};

const PREPARED: Problem = Problem {
    part: Part::Database,
    lane: "develop",
    severity: 3,
    direct: true,
    subjects: &[
        "prepared statement \"S_{few}\" does not exist through the pooler",
        "Ferry in transaction mode: random errors with prepared statements",
        "[[Java||Driver]] errors since we put Ferry in front of {db}",
    ],
    own: &[(
        "drv",
        &[
            "the Java driver 42.7",
            "our Go service",
            "the Rust client",
            "the .NET driver",
        ],
    )],
    question: "Since we put the pooler in front of {db}, {drv} fails now and then, about {some} times an hour:

    ERROR: prepared statement \"S_{few}\" does not exist  (SQLSTATE 26000)

ferry.ini:

    [databases]
    {db} = host={host} port=5432 pool_size={some}
    [ferry]
    pool_mode = transaction
    max_client_conn = {many}

[[Direct connections work.||Without the pooler all is well.]]",
    asks:
        "In transaction mode two transactions of one client may use different server sessions, and a prepared statement
lives in one of them. Which version of Ferry is it (ferryctl version)? From 1.22 on it can follow statements by itself.",
    told: "ferryctl says 1.21.4. The driver prepares after the fifth execution, we did not set that.",
    finding:
        "1.21 does not track prepared statements, which explains why it hits only some requests: those after the fifth
execution which get another server session. I am checking that the upgrade needs no restart of the clients.",
    answer: "Two ways, the first preferred:

1. Upgrade Ferry to 1.22 and set max_prepared_statements = 200 in [ferry]. It then re-prepares a statement on
   whichever server session is used. The upgrade takes over open sockets, clients notice nothing.
2. Until then switch server-side preparation off in the client. In the Java driver that is prepareThreshold=0 in the
   URL; costs some planning time, about {ms} % on short queries.

Session mode would help as well, but gives up most of what the pooler is for.",
    more: "Upgraded, no error since {clock}. Anything else that breaks in transaction mode?",
    coda:
        "What lives longer than a transaction: SET without LOCAL, LISTEN, temporary tables kept over commits, advisory
locks of the session kind. grep your code for these four words and you have found nearly everything.",
    ends: Resolution::Solved,
};

const POOL: Problem = Problem {
    part: Part::Database,
    lane: "operate",
    severity: 2,
    direct: false,
    subjects: &[
        "query_wait_timeout in Ferry, pool for {db} exhausted",
        "Clients wait for a connection though {host} is idle",
        "Pool of {some} always full [[at noon||in the evening]], {user}",
    ],
    own: &[],
    question: "At {clock} the application reports query_wait_timeout, while {host} itself is at {pct2} % CPU. Pools:

    database | user   | cl_active | cl_waiting | sv_active | sv_idle | maxwait
    {db}  | {user}  |        {some} |        {many} |        {some} |       0 |      {secs}

[[Should we raise pool_size?||Our first idea is to double pool_size.]] max_connections on {host} is 500.",
    asks: "Before raising it: what do the busy server sessions do? Please send, from such a moment,
select state, wait_event, count(*) from session_activity where usename = '{user}' group by 1, 2.",
    told: "    state                | wait_event | count
    idle in transaction  | ClientRead |    {some}
    active               |            |     {few}",
    finding: "Nearly all sessions are idle in transaction: the application has begun and is doing something else. More
connections would only hold more of that. I am looking for which call it is in the statements you sent.",
    answer: "The pool is full of transactions that wait for the application, not for the database. Typical cause: a call to
another service (payment, mail, HTTP) between BEGIN and COMMIT.

1. log_min_duration_statement does not show it; use idle_in_transaction_session_timeout = '30s' for {user} and the
   log names the last statement of each culprit.
2. Move the outside call before BEGIN or after COMMIT.
3. Only then size the pool: for {cores} cores about twice that number of active sessions is the useful maximum.

Raising pool_size to several hundred would move the wait from the pooler into {host}, where it costs more.",
    more: "It was a call to the address check. Now {few} sessions suffice. Why does the timeout kill the session and not only the transaction?",
    coda: "Because the client thinks it is inside a transaction; if only that were ended, its next statement would run outside.
From {nextver} on transaction_timeout bounds the transaction as a whole, which fits your case better.",
    ends: Resolution::Solved,
};

const COLLATION: Problem = Problem {
    part: Part::Database,
    lane: "upgrade",
    severity: 2,
    direct: true,
    subjects: &[
        "Duplicate keys in {table} after OS upgrade of {host}",
        "collation version mismatch in {db} after moving to {os}",
        "Lookup by name finds nothing although the row exists ({host})",
    ],
    own: &[("glibc", &["2.28", "2.31", "2.36"])],
    question: "We moved {host} to {os} by attaching the old data volume. Since then lookups by name in {table} miss rows that
exist, and a unique index let two equal names in. The log has

    WARNING:  database \"{db}\" has a collation version mismatch
    DETAIL:  The database was created using collation version 2.17, but the operating
             system provides version {glibc}.

[[Is the data damaged?||How bad is it?]]",
    asks: "The rows are fine, the order of the indexes is not. How much text is indexed: please count the indexes on text
columns, and tell me whether {host2} still runs the old system.",
    told: "{some} indexes on text, {gb} GB in all. {host2} is still on the old system, as a standby of the new one.",
    finding: "Careful: the standby on the old system reads indexes that are being repaired in the new order. It gives wrong
answers from now on until it is upgraded as well. Please take reads off {host2}; the plan for the rebuild follows.",
    answer: "The C library of {os} sorts text differently ({glibc} instead of 2.17). A B-tree built with the old order is
searched with the new one. Rows are intact, indexes must be rebuilt:

1. Stop writes to the tables with unique text keys, or accept that more duplicates may come in.
2. Find duplicates: select name, count(*) from {table} group by 1 having count(*) > 1; with enable_indexscan = off.
3. Resolve them, then reindex database {db}; on {cores} cores use tarn-reindex --jobs={few}.
4. alter database {db} refresh collation version;
5. Upgrade {host2} in the same way before it serves reads again.

To be safe next time create text columns with the builtin C.UTF-8 provider and sort by language in queries only.",
    more: "Rebuilt in {min} minutes, {few} duplicates merged by hand. Do indexes on numbers or dates need it too?",
    coda: "No, their order does not come from the C library. Partition bounds and check constraints on text do depend on it;
yours have none, I looked at the schema you sent.",
    ends: Resolution::Solved,
};

const MEMORY: Problem = Problem {
    part: Part::Database,
    lane: "configure",
    severity: 2,
    direct: true,
    subjects: &[
        "{host}: out of memory, server restarts [[in the evening||under load]]",
        "Postmaster resets all sessions: a backend was killed by signal 9",
        "OOM killer hits Tarn on {host} ({ram} GB)",
    ],
    own: &[("wm", &["256MB", "512MB", "1GB"])],
    question: "{host} with {ram} GB loses all sessions about twice a week, last at {clock}:

    {t1} [1] LOG:  server process (PID {pid}) was terminated by signal 9: Killed
    {t1} [1] DETAIL:  Failed process was running: select sum(amount) from {table} ...
    {t2} [1] LOG:  all server processes terminated; reinitializing

shared_buffers is a quarter of the memory, work_mem = {wm}, max_connections = {many}. [[Is it a leak?||Looks like a leak to us.]]",
    asks: "Probably not a leak. work_mem counts for every sort and hash of every process, parallel workers included. Could you
send the plan of that statement (explain (analyze, buffers)) and the lines of dmesg from {clock}?",
    told: "    Finalize GroupAggregate (actual rows={many})
      ->  Gather Merge  Workers Launched: {few}
            ->  Sort  Sort Method: quicksort  Memory: {many}MB
            ->  Parallel Hash Join  Memory Usage: {many}MB

dmesg: oom-kill: task=tarn, pid={pid}, total-vm:{count}88kB, anon-rss:{count}12kB",
    finding: "One such statement uses several times {wm}, in each of its workers. Two of them at the same time are too much for
what {ram} GB leave. I am computing a setting that holds for your {many} sessions.",
    answer: "One report takes work_mem x (sorts + hashes) x (workers + 1), and hash joins may take twice that. With {wm} a few
of them together exceed the machine. Proposal:

    work_mem = 32MB                      # for everybody
    hash_mem_multiplier = 2.0
    alter role {user} set work_mem = '{wm}';        # only for the reports
    alter role {user} connection limit {few};
    vm.overcommit_memory = 2             # sysctl: an error for one statement, not a kill

With overcommit off, a statement that asks too much fails with \"out of memory\" and everybody else goes on.
Swap is no replacement; keep a small one.",
    more: "Stable for days. With overcommit_memory = 2 our monitoring agent complains that it cannot allocate. Which ratio?",
    coda: "Count shared_buffers only if it is not in huge pages. vm.overcommit_ratio = 80 is sensible for a machine that runs
nothing else; look at Committed_AS against CommitLimit in /proc/meminfo and leave a tenth free.",
    ends: Resolution::Solved,
};

const CAST: Problem = Problem {
    part: Part::Database,
    lane: "develop",
    severity: 4,
    direct: true,
    subjects: &[
        "Index on {table} not used by our {group} service",
        "Seq scan on {table} although there is an index",
        "Same query fast in the shell, slow from the application ({db})",
    ],
    own: &[("ty", &["numeric", "text", "timestamptz"])],
    question: "From the shell this takes {ms} ms, from the application {ms2} ms:

    select * from {table} where ext_id = $1;

    Seq Scan on {table}  (actual rows=1 loops=1)
      Filter: ((ext_id)::{ty} = $1)
      Rows Removed by Filter: {count}00

ext_id is bigint and has an index. [[Why the cast?||Where does the cast come from?]]",
    asks: "The cast is put in because the application sends the parameter as {ty}. Which call binds it? In most drivers the
type comes from the type of the variable in the program.",
    told: "    stmt.setObject(1, id);     // id comes from a JSON field, so it is a decimal type

I see, it is not a long there.",
    finding: "That is the cause: the column is converted to {ty} for every row, and the index is on the column as it is. I check
the other statements of that service for the same pattern.",
    answer: "The parameter arrives as {ty}, so the comparison is done in {ty}, and the index on bigint cannot be used. Bind the
type of the column:

    stmt.setLong(1, id.longValueExact());

Or in SQL: where ext_id = $1::bigint. The second is good where you cannot change the program. Do not create an
index on (ext_id::{ty}): it would double the writes to hide one wrong binding.",
    more: "{ms} ms now. How do we find other statements with this problem without reading all code?",
    coda: "Look in stat_statements for mean time above 50 ms with few rows, and explain those with generic_plan. Filters that
contain \"::\" on the side of the column are the ones you want.",
    ends: Resolution::Answered,
};

const DEADLOCK: Problem = Problem {
    part: Part::Database,
    lane: "develop",
    severity: 3,
    direct: true,
    subjects: &[
        "deadlock detected in batch upsert into {table}",
        "{group} workers deadlock on {table} [[{some} times an hour||since we run {few} of them]]",
        "ERROR 40P01 under load, {db}",
    ],
    own: &[],
    question: "We run {few} workers that write batches into {table}:

    insert into {table} (sku, site, qty) values (...), (...), ...
    on conflict (sku, site) do update set qty = {table}.qty + excluded.qty;

{since} we see

    ERROR:  deadlock detected
    DETAIL:  Process {pid} waits for ShareLock on transaction 88{many}; blocked by process {pid2}.
             Process {pid2} waits for ShareLock on transaction 88{many}; blocked by process {pid}.

[[Is this a bug in ON CONFLICT?||Nothing else writes there.]]",
    asks:
        "How are the rows of a batch ordered, and how many are in one? If two workers hold the same two keys in opposite
order, this is what you get.",
    told: "The order is that of arrival from the queue, {some} rows a batch. Keys often repeat between batches.",
    finding:
        "Then the order of locking is by chance. A batch of {some} rows with repeated keys makes a cycle quite likely
with {few} workers; that fits how often you see it.",
    answer:
        "No bug: each row is locked as it is reached, and two batches lock the same keys in different order. Sort them:

    rows.sort_by(|a, b| (&a.sku, &a.site).cmp(&(&b.sku, &b.site)));
    rows.dedup_by(|b, a| if a.same_key(b) { a.qty += b.qty; true } else { false });

If everybody locks in one order no cycle can come about. Summing equal keys first also saves writes. Keep a retry
on 40P01 all the same, three tries with a random pause; other statements may join in later.",
    more: "No deadlock since the sort went in. Would a smaller batch have done the same?",
    coda:
        "It makes a cycle rarer, never impossible, and costs commits. Sorting is the only one of the two that is a cure.
{many} rows a batch are fine with sorted keys.",
    ends: Resolution::Solved,
};

const OFFSET: Problem = Problem {
    part: Part::Database,
    lane: "develop",
    severity: 4,
    direct: true,
    subjects: &[
        "Paging through {table} gets slower page by page",
        "Export of {db} with LIMIT/OFFSET takes {hours} hours",
        "[[Best way||How]] to read {rows} rows of {table} in pieces?",
    ],
    own: &[],
    question: "Our export reads {table} in pages:

    select * from {table} order by created_at limit 1000 offset 1000 * :page;

The first pages take {ms} ms, the last {ms2} ms, in all {hours} hours for {rows} rows. There is an index on
created_at. [[Is there a setting for this?||What would you do?]]",
    asks: "Is created_at unique, or can several rows have the same value? And may the export miss or repeat rows that change
while it runs?",
    told: "It is not unique, batches have the same time. Repeated rows are bad, they end up twice on a bill.",
    finding: "OFFSET already gives you repeated rows today: whenever a row is inserted before the page you are at, everything
shifts by one. So there is more to gain than speed.",
    answer: "OFFSET reads and throws away everything before the page. Continue after the last row instead:

    create index concurrently {table}_page on {table} (created_at, id);

    select * from {table}
     where (created_at, id) > (:last_created_at, :last_id)
     order by created_at, id limit 1000;

Every page then costs the same {ms} ms. For an export that must be one consistent picture use a single COPY (select
...) to stdout in a repeatable read transaction, best on a replica; it needs no pages at all.",
    more: "COPY on {host2} takes {min} minutes for everything. Can it be stopped halfway and continued?",
    coda: "Not as one transaction. Write it in ranges of id, one COPY a range, all with the same exported snapshot; a range that
failed is simply repeated while the snapshot is held open.",
    ends: Resolution::Answered,
};
