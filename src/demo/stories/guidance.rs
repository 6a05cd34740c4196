//! Questions before the trouble: sizing, upgrade paths, support statements, plans.

use super::{Part, Problem, Resolution};

pub(super) const ALL: &[&Problem] = &[&SIZING, &UPGRADE, &SUPPORTED, &MOVING, &PARTITIONS, &ERASURE];

const SIZING: Problem = Problem {
    part: Part::Database,
    lane: "pre-sales",
    severity: 4,
    direct: false,
    subjects: &["Sizing of {db} for three regions", "What hardware for {lots} transactions a minute?", "Sizing question: {tb} TB in {site} and {site2}"],
    own: &[],
    question: "We plan {db} in three regions: {tb} TB now, {pct2} % growth a year, {count} transactions a minute at peak, nine reads to one write. Reads may be
{secs} seconds old, writes must survive the loss of a region. [[What would you start with?||What do you recommend?]]",
    asks: "Two numbers decide nearly everything: the round trip between the regions, and how long a commit may take. And what is hot, the last
weeks or everything?",
    told: "Round trips are {ms} and {some} ms. A commit may take 50 ms. Hot are about {gb} GB.",
    finding: "With {ms} ms to the nearer region a synchronous copy there fits into your 50 ms. I calculate memory and log volume from your read and write
shares.",
    answer: "A starting point, to be measured before you buy:

- Region 1: primary and one standby, {cores} cores and {ram} GB each; the hot {gb} GB should fit into memory largely.
- Region 2 ({ms} ms): synchronous standby, ANY 1 of two machines. A commit costs the round trip plus a flush.
- Region 3: asynchronous, for local reads.
- Log volume: plan for {some} MB/s at peak between regions, twice that after a checkpoint.
- Disk: three times {tb} TB on each site, so that a repack and a restore both find room.

Replay your busiest hour with tarn-replay against one such machine; its p99 tells more than any formula.",
    more: "We measured {count} a minute at {pct2} % CPU. How much reserve is right?",
    coda: "Half at peak. After losing a region the others carry its reads as well, on the very day when everybody reloads the page.",
    ends: Resolution::Answered,
};

const UPGRADE: Problem = Problem {
    part: Part::Database,
    lane: "upgrade",
    severity: 4,
    direct: false,
    subjects: &["Upgrade path {oldver} to {ver}, {gb} GB, window {min} minutes", "Can we go directly from {oldver} to {ver}?", "Plan review: upgrade of {db} on {host}"],
    own: &[],
    question: "We want to go from {oldver} to {ver} with {db}: {gb} GB, one primary, two standbys, Ferry in front, window of {min} minutes. Our plan is a dump
and restore, which takes {hours} hours. [[Is there a shorter way?||What would you do?]]",
    asks: "Which extensions are installed (select name, version from extensions)? And may the application be without standbys for an hour after the
switch?",
    told: "Three: geo 3.2, trigram 1.6 and a private one, acct_units, in C. An hour without standbys is acceptable if a backup exists.",
    finding: "geo and trigram are in {ver}. acct_units has to be built for {ver} before; without it the upgrade check refuses. I look at the other points of
the check with your settings.",
    answer: "Direct is possible, in place with links, in minutes instead of hours:

1. Weeks before: build acct_units for {ver}, run tarn-upgrade --check against a clone.
2. Full backup, verified. Pause Ferry (PAUSE {db}), stop the primary.
3. tarn-upgrade --link --jobs={few}; about two minutes, independent of the size.
4. Start, vacuum analyze in stages (analyze-new-cluster), RESUME {db}.
5. Standbys: rsync with hard links as in the manual, or new base backups.

The way back: until the new server is started the old files are untouched. After that only the backup, or logical replication back to the old
version if you prepare it.",
    more: "Rehearsal on a clone took {few} minutes. Is it normal that queries are slow right after?",
    coda: "Until statistics exist, yes. The first stage of analyze takes a minute and is enough for nearly all plans; open Ferry after that, not
before.",
    ends: Resolution::Answered,
};

const SUPPORTED: Problem = Problem {
    part: Part::Cluster,
    lane: "guidance",
    severity: 4,
    direct: false,
    subjects: &["Is {ver} supported on {os}?", "Support statement for {os}, kernel {kernel}", "Which versions run together: Tether {ver} and our Tarn"],
    own: &[],
    question: "Before we renew {site2} we need to know: are Tether {ver} and Tarn 8.4 supported on {os} with kernel {kernel}, and until when? [[Our auditors want it
in writing.||We need it for the purchase.]]",
    asks: "With which file system and which fencing? The statement names both, and one combination is excluded.",
    told: "XFS on local NVMe, fencing by Redfish. No shared disks.",
    finding: "Supported, with one condition on the kernel's watchdog module. I ask product engineering to confirm the end date for that kernel series.",
    answer: "Yes. Declared support for your combination:

- Tether {ver} on {os}: supported until the end of general support of {os}, at most until two versions after {nextver}.
- Kernel: the distribution's own, {kernel} or later of the same series; self-built kernels are not covered.
- Fencing by Redfish: supported, with a hardware watchdog as second level recommended.
- Tarn 8.4 on XFS: supported; without the mount option nobarrier.

The declaration page of the release has the same with dates; it is the binding text.",
    more: "Good. What happens to cases if we run one patch level behind?",
    coda: "You get help as always. If the trouble is mended in a later patch, the answer may be to install that; we do not build fixes for older
patch levels.",
    ends: Resolution::Answered,
};

const MOVING: Problem = Problem {
    part: Part::Database,
    lane: "guidance",
    severity: 4,
    direct: false,
    subjects: &["Moving {db} to new hardware with under {min} minutes of downtime", "Migration {site} to {site2}: {tb} TB", "Logical or physical replication for our move?"],
    own: &[],
    question: "{db} ({tb} TB, {ver}) has to move from {site} to {site2}, other processors, {os} instead of an older system. Downtime at most {min} minutes. [[Which
method fits?||Physical or logical?]] Line: 10 Gbit/s.",
    asks: "Do all tables have a primary key, and are large objects or unlogged tables in use? With that I can rule out one of the two methods.",
    told: "{few} tables without key, all small. No large objects. Some unlogged staging tables, which may be lost.",
    finding: "Logical fits: another system means another sort order of text, which makes a physical copy risky for indexes. The small tables need a key
or a full identity.",
    answer: "Logical replication, because the systems sort text differently and a physical copy would bring damaged indexes:

1. Schema to {site2}, without secondary indexes; keys for the {few} tables (or replica identity full, they are small).
2. Subscribe in groups of tables, {few} sync workers; {tb} TB over 10 Gbit/s is a day, not a week.
3. Build indexes, analyze, compare counts and checksums.
4. Switch: stop writes, wait until the positions are equal, copy sequence values (they are not replicated), point Ferry to the new side.
5. Keep replication the other way for {days} days: your way back.

Only step 4 is downtime: about {few} minutes if rehearsed.",
    more: "Rehearsed twice. DDL during the days of copying, is that allowed?",
    coda: "Freeze it if you can. If not: first at the subscriber, then at the publisher, additions only. Anything else stops the apply with a clear
error.",
    ends: Resolution::Answered,
};

const PARTITIONS: Problem = Problem {
    part: Part::Database,
    lane: "guidance",
    severity: 4,
    direct: false,
    subjects: &["Partitioning {table} by day or month?", "Review: partition plan for {table} ({rows} rows a month)", "{table} too large, partition it? ({gb} GB)"],
    own: &[],
    question: "{table} has {gb} GB and grows by {rows} rows a month; we delete after {some} months, which takes all night. We think of one partition a day. [[Good
idea?||Is a day too fine?]] Queries mostly name a customer and a time span.",
    asks: "How long is a typical time span in queries, and does {table} have a unique key without the time in it? With partitions each unique key
must contain the time.",
    told: "Usually a week, at most a quarter. The primary key is id alone, {table2} refers to it.",
    finding: "The reference from {table2} is the hard part: it would need the time as well. I look whether it can be had without touching the application.",
    answer: "By month, not by day: a day would give you {many} partitions over the time you keep, and planning time grows with it.

    create table {table}_new (like {table}) partition by range (created_at);
    primary key (id, created_at);  index on (customer_id, created_at)

- {table2} gets created_at too, and the foreign key names both columns.
- Deleting becomes detach partition concurrently, then drop: seconds.
- Create partitions three months ahead by a job, and alert if the next is missing. No default partition: it would block adding others.

Move the old data in pieces by month behind a view; it can be done without downtime.",
    more: "Three months are moved. Plans show all partitions when the time comes from a subquery. Avoidable?",
    coda: "Pruning then happens at run time: look for \"never executed\" in the plan, those cost nothing. Only planning time remains, {ms} ms
at your number.",
    ends: Resolution::Answered,
};

const ERASURE: Problem = Problem {
    part: Part::Objects,
    lane: "pre-sales",
    severity: 4,
    direct: false,
    subjects: &["Cairn layout for {tb} TB on {few} nodes: 8+4 or 4+2?", "Which erasure coding for {site}?", "Usable capacity and failures: {few} nodes"],
    own: &[],
    question: "We are going to buy {few} nodes with 12 disks each for about {tb} TB usable, mostly objects of {many} kB to {few} MB. [[8+4 or 4+2?||Which coding do you
recommend?]] The loss of a node and one more disk must not stop writes.",
    asks: "May nodes be taken down for updates one at a time while that rule still holds? Then it is a node, plus a node, plus a disk.",
    told: "Yes, updates happen by day. So two nodes and a disk, I suppose.",
    finding: "With that rule the number of nodes decides, more than the coding. I make a table for five to nine nodes.",
    answer: "Spread each set so that a node never holds more parts than you can lose divided by two:

    nodes   coding  parts/node  lost: 2 nodes + 1 disk   usable
    6       8+4     2           5 > 4: writes stop       67 %
    7       10+4    2           5 > 4: writes stop       71 %
    9       5+4     1           3 of 4: fine             56 %
    12      8+4     1           3 of 4: fine             67 %

One part a node is what your rule asks for. With fewer nodes take updates out of the rule (one node and a disk): then 8+4 on 6
nodes holds. Small objects below 128 kB are stored whole in the index anyway, count them three times.",
    more: "We take 9 nodes. Can we grow to 12 later and change to 8+4?",
    coda: "You add a second pool with 8+4; new objects go there, old ones stay in theirs until you move them by cairnctl pool drain. A set is never
converted in place.",
    ends: Resolution::Answered,
};
