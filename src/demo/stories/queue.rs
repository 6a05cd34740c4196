//! Problems of the message queue Sluice.

use super::{Part, Problem, Resolution};

pub(super) const ALL: &[&Problem] = &[
    &REBALANCE,
    &UNDER_REPLICATED,
    &TOO_LARGE,
    &RETENTION,
    &DUPLICATES,
    &OFFSETS,
    &FSYNC,
];

const REBALANCE: Problem = Problem {
    part: Part::Queue,
    lane: "performance",
    severity: 2,
    direct: true,
    subjects: &["Consumer group {group} rebalances all the time", "{group}: rebalance every {secs} s, no progress on {queue}", "Consumers of {queue} leave and join [[without end||{since}]]"],
    own: &[("poll", &["300000", "60000", "120000"])],
    question: "The group {group} with {few} members makes no progress on {queue} {since}. The coordinator {host} logs

    {t1} INFO  group {group}: member c-{hex} leaving: heartbeat expired
    {t2} INFO  group {group}: preparing rebalance, generation {count}
    {t3} INFO  group {group}: stabilised with {few} members

again and again. We did not deploy anything. [[Lag is {many},000 messages and grows.||Lag grows by the hour.]]",
    asks: "How long does a member work on one batch, at worst? It has to come back for the next within max.poll.interval.ms.
Which value do you have, and how many messages does a poll return?",
    told: "max.poll.interval.ms = {poll}, max.poll.records = 500. A message normally takes {ms} ms, but since the
database behind it got slower up to {ms2} ms.",
    finding: "500 messages at {ms2} ms do not fit into {poll} ms: the member is thrown out while it is still working, its batch is
given to another, which meets the same fate. So nothing is ever committed.",
    answer: "The batch takes longer than the group allows between two polls. At once:

    max.poll.records = 25
    max.poll.interval.ms = 600000
    group.instance.id = {group}-<number of the instance>

With the last a restart of one member no longer moves all partitions. Then look at why one message takes {ms2} ms: that
is the real limit of your throughput. Do not raise the session timeout; heartbeats are fine, polls are late.",
    more: "Lag is going down, {hours} hours to go. Can we add members to speed up?",
    coda: "Up to the number of partitions of {queue}; members beyond that idle. Adding partitions changes the order of keys, so
do that only at a quiet time and if your consumers do not depend on it.",
    ends: Resolution::Solved,
};

const UNDER_REPLICATED: Problem = Problem {
    part: Part::Queue,
    lane: "operate",
    severity: 2,
    direct: true,
    subjects: &["{many} under-replicated partitions since restart of {host}", "{host} does not get back in sync", "ISR shrinks to 1 for {queue} after patching {host}"],
    own: &[],
    question: "After patching {host} to {ver} the number of under-replicated partitions stays at {many}. {host} is up:

    {t1} WARN  replica fetcher to {host2}: truncating {queue}-{few} to offset {count}
    {t2} INFO  replica fetcher to {host2}: {few} partitions, lag {many}000 records

Two more brokers wait for the same patch. [[May we go on?||Is it safe to continue?]]",
    asks: "Please wait with the other two. Is the lag falling, if slowly? sluicectl replicas lag --broker {host}, twice with
a minute between.",
    told: "It falls by {many} MB a second in all. There are {gb} GB to fetch, as the patch took {hours} hours because of the firmware.",
    finding: "It is catching up, only slowly: one fetcher thread for each source broker. At that pace it needs {hours} hours more.",
    answer: "{host} is healthy and catching up. To make it faster, on {host}:

    num.replica.fetchers = 4
    replica.fetch.max.bytes = 8388608

It can be set without restart (sluicectl config set --broker {host} ...). Go on with the next broker only when
under-replicated is 0: with replication factor 3 and min.insync.replicas 2, a second one away would stop producers.
The \"truncating\" line is normal after a restart: the follower drops what was never confirmed.",
    more: "Zero since {clock}. Leaders are now all on {host2} and {host3}. Move them back?",
    coda: "sluicectl leaders elect --preferred --all, at a quiet time. It takes seconds; producers retry by themselves. The
automatic balancing would do it too, within five minutes of the next check.",
    ends: Resolution::Solved,
};

const TOO_LARGE: Problem = Problem {
    part: Part::Queue,
    lane: "configure",
    severity: 3,
    direct: true,
    subjects: &["RecordTooLarge on {queue}, limit already raised", "Messages of {few} MB rejected by {host}", "How to send large documents through {queue}?"],
    own: &[],
    question: "Producers to {queue} get

    RecordTooLargeException: The message is {few}482{many} bytes when serialized
      which is larger than 1048576

although the topic has max.message.bytes=16777216. [[Where is the 1 MB from?||Which limit did we miss?]]",
    asks: "The number 1048576 in this text comes from the producer itself, before anything is sent. Which client is it, and
does it compress?",
    told: "It is our own {group} service in Java, no compression, default settings.",
    finding: "The producer's own max.request.size is at its default of 1 MB. Two more limits stand behind it; I check all in
the order in which a message meets them.",
    answer: "A message passes four limits, each has to be large enough:

1. Producer: max.request.size = 16777216
2. Topic: max.message.bytes = 16777216 (you have it)
3. Broker to broker: replica.fetch.max.bytes >= 16777216, else followers fall behind
4. Consumer: max.partition.fetch.bytes, and memory for it times partitions

Before you go that way: for documents of {few} MB put the body into Cairn and send its name. The queue stays fast for
all others, and {queue} needs a hundredth of the disk.",
    more: "We take the second way. How long should bodies live in Cairn?",
    coda: "Longer than the retention of {queue} plus the longest stop of a consumer you would repair. A lifecycle rule on the
prefix does it; retention plus 7 days is a good start.",
    ends: Resolution::Answered,
};

const RETENTION: Problem = Problem {
    part: Part::Queue,
    lane: "operate",
    severity: 3,
    direct: false,
    subjects: &["{host}: disk {pct} % although {queue} keeps only 24 h", "Retention not applied on {queue}", "Old segments of {queue} are not deleted ({gb} GB)"],
    own: &[],
    question: "{queue} has retention.ms=86400000, but there are messages of {days} days ago, {gb} GB on {host}:

    -rw-r--r-- 1 sluice sluice 1073741820  00000000000{count}.log
    -rw-r--r-- 1 sluice sluice  41{many}120  00000000000{count}.log

[[Volume is at {pct} %.||The disk will be full in {hours} hours.]]",
    asks: "Retention looks at the largest timestamp in a segment. Who sets the timestamps of your messages, the producer or the
broker? sluicectl segments {queue} --times shows the newest in each.",
    told: "The producers set it. I see one with a date in the year 2031 in nearly every segment.",
    finding: "A single message dated in the future keeps its whole segment. One of the devices has a wrong clock; the name of
the producer is in the header, I send you a way to find it.",
    answer: "Messages with a future timestamp hold their segments. Now and for good:

1. To free space: sluicectl topic set {queue} retention.bytes={gb2}000000000, which looks at size, not time.
2. message.timestamp.after.max.ms=3600000 on the topic: the broker then refuses such messages.
3. Or message.timestamp.type=LogAppendTime if nobody needs the time of the device.

Deletion follows within five minutes (log.retention.check.interval.ms). Never delete files by hand.",
    more: "Space is back. With 2, is the producer told?",
    coda: "Yes, InvalidTimestamp for that message only. Make sure that it does not retry for ever; such an error never goes away.",
    ends: Resolution::Solved,
};

const DUPLICATES: Problem = Problem {
    part: Part::Queue,
    lane: "develop",
    severity: 3,
    direct: true,
    subjects: &["Duplicate messages in {queue} after broker restart", "{some} payments booked twice, {group}", "Exactly once on {queue}: what do we have to set?"],
    own: &[],
    question: "When {host} was restarted at {clock}, {some} messages arrived twice on {queue}, and {group} booked them twice.
Our producer:

    acks=all
    retries=10
    max.in.flight.requests.per.connection=5

[[How do others avoid this?||We thought acks=all was enough.]]",
    asks: "Is enable.idempotence on in that producer? And does the consumer write its result and its position in one transaction,
or one after the other?",
    told: "Idempotence is switched off explicitly, nobody knows why. The consumer commits after writing to {db}.",
    finding: "Two gaps, then: a retry after a lost acknowledgement writes again, and a crash between {db} and the commit reads
again. The first explains the {some}; the second would come one day.",
    answer: "acks=all says that nothing is lost, not that nothing is doubled. Producer:

    enable.idempotence=true

The broker then recognises a repeated batch. Consumer: store the position with the result, in the same transaction,

    insert into consumed (part, pos) values ($1, $2) on conflict do nothing;
    -- 0 rows: seen before, skip; then the booking, then commit

and on start seek to the stored position. This is simpler than transactions of the queue, which do not reach {db}.",
    more: "Implemented both. Does idempotence survive a restart of the producer?",
    coda: "No, a restarted producer is a new one. What it had not yet been told as written it will send again, so the table
consumed stays your real guard.",
    ends: Resolution::Solved,
};

const OFFSETS: Problem = Problem {
    part: Part::Queue,
    lane: "fault",
    severity: 3,
    direct: false,
    subjects: &["{group} started from the beginning of {queue}", "Offsets lost: {group} re-reads {rows} messages", "auto.offset.reset struck after the holidays"],
    own: &[],
    question: "After {days} days of standstill {group} began to read {queue} from the beginning, {rows} messages. We expected it to
continue. [[Why were the offsets gone?||Where did its position go?]]

    {t1} INFO  {group}: no committed offset for {queue}-0, reset to EARLIEST",
    asks: "How long was the last member away, and what is offsets.retention.minutes on the brokers?",
    told: "All were stopped for {days} days over the holidays. The setting is 1440, inherited from an old installation.",
    finding: "1440 minutes is one day; after that without members the position was removed, as configured. I look for a way to set
it back to the last known place instead of reading everything.",
    answer: "Positions of a group without members are kept for offsets.retention.minutes, one day with you.

1. Stop {group}.
2. sluicectl offsets reset {group} {queue} --to-time \"the evening it was stopped\" --dry-run, then without.
3. Start again; it repeats at most the few messages around that time.
4. offsets.retention.minutes = 20160 (two weeks) on all brokers.

Where a standstill is planned, note the positions first: sluicectl offsets export {group}.",
    more: "It works from the right place again. Should we use LATEST instead of EARLIEST for such a case?",
    coda: "For {group} no: LATEST would have skipped everything that came in meanwhile, silently. \"none\" is best for money: it
stops with an error and lets a person decide.",
    ends: Resolution::Solved,
};

const FSYNC: Problem = Problem {
    part: Part::Queue,
    lane: "performance",
    severity: 3,
    direct: true,
    subjects: &["p99 of produce on {host} jumps to {ms2} ms every {secs} s", "Latency spikes on {queue}, regular as a clock", "Sluice produce latency [[sawtooth||spikes]] on {os}"],
    own: &[],
    question: "Median produce latency on {queue} is {few} ms, but every {secs} seconds the 99th percentile is {ms2} ms, on {host}
only. CPU is low. iostat at that moment:

    Device   w/s    wMB/s   w_await  aqu-sz  %util
    sdb     {many}   {many}     {ms2}   {some}    100

[[What writes there?||We cannot see who writes so much at once.]]",
    asks: "It looks like writeback of the page cache in bursts. Please send sysctl vm.dirty_background_bytes vm.dirty_bytes
vm.dirty_background_ratio vm.dirty_ratio of {host} and of a quiet broker.",
    told: "{host}: ratios 10 and 20, on {ram} GB. {host2} has dirty_background_bytes = 268435456, set by a former colleague.",
    finding: "10 % of {ram} GB may gather before the kernel begins to write; then all of it comes at once. {host2} begins at 256
MB, which explains why only {host} has the spikes.",
    answer: "The kernel collects up to a tenth of memory, then writes it in one go while producers wait. Let it begin earlier:

    # /etc/sysctl.d/60-sluice.conf
    vm.dirty_background_bytes = 268435456
    vm.dirty_bytes = 2147483648

Apply with sysctl --system, no restart. Leave log.flush.interval.messages unset: safety comes from replication with
acks=all, and a flush for each message would cost you far more than the spikes.",
    more: "Flat at {few} ms now. Does that setting harm the database on the same kind of machine?",
    coda: "It helps there as well: checkpoints write steadily. On machines with much memory and slow disks these two lines are
among the first things we set.",
    ends: Resolution::Solved,
};
