//! Problems of the object store Cairn.

use super::{Part, Problem, Resolution};

pub(super) const ALL: &[&Problem] = &[
    &COMPACTION,
    &HEALING,
    &LISTING,
    &MULTIPART,
    &SKEW,
    &WRITE_QUORUM,
    &DELETE_MARKERS,
    &BIT_ROT,
    &PRESIGNED,
];

const COMPACTION: Problem = Problem {
    part: Part::Objects,
    lane: "performance",
    severity: 3,
    direct: true,
    subjects: &[
        "Compaction backlog on {host}: {lots} segments pending",
        "Cairn index compaction never catches up in {site} ({host})",
        "PUT latency {ms2} ms while compaction runs on {host2}",
    ],
    own: &[("kb", &["4", "11", "16", "23"])],
    question: "{since} cairnctl status on {host} shows a growing backlog, and PUT latency goes from {ms} ms to {ms2} ms:

    level  segments  size     pending
    L0          {some}  {gb2} GB   {count}
    L1         {many}  {gb} GB   {some}

Bucket {bucket} takes about {lots} objects an hour, {kb} kB on average. Disks are NVMe and bored. [[What limits it?||Can it use more of them?]]",
    asks: "How many compaction workers are configured (cairnctl config show index), and how are the objects named? A time at
the beginning of the name and a random one load the index quite differently.",
    told: "index.compaction_workers = 2, the default. Names are random UUIDs, so /a3/f0/...",
    finding: "Random names touch every range of the index, so each small segment overlaps all of L1. Two workers rewrite about
{many} MB/s, you add more than that. I am testing more workers on our {cores}-core machine.",
    answer: "You write faster than two workers merge. On each node:

    [index]
    compaction_workers = 6
    l0_slowdown = 40
    segment_target = \"256MiB\"

Reload is enough. The backlog should turn within {min} minutes and be gone by tomorrow. In the longer run pack objects
of {kb} kB into batches, or begin the names with the hour: new entries then land in one range, and compaction moves a
tenth of the bytes.",
    more: "Backlog is gone. Is there harm in leaving six workers on for good?",
    coda: "Not on NVMe. They only run when there is something to merge. On the nodes with rotating disks in {site2} keep two.",
    ends: Resolution::Solved,
};

const HEALING: Problem = Problem {
    part: Part::Objects,
    lane: "operate",
    severity: 3,
    direct: true,
    subjects: &[
        "Healing after disk change on {host}: {days} days to go?",
        "Heal rate only {some} MB/s, {tb} TB left ({host})",
        "Replaced disk in {host}, Cairn heals very slowly",
    ],
    own: &[],
    question: "We replaced a failed {tb} TB disk in {host} and healing has been running {since}. It shows

    drive 7  healing  objects {count}/{count}91  rate {some} MB/s  eta {days}d{hours}h

The set is 8+3, so two more may fail, but [[our policy says 48 hours||management is nervous]]. Can we speed it up without hurting users?",
    asks: "Which limit is set (cairnctl heal show), and how large are the objects in general? With many small ones the number
of objects a second is the limit, not the megabytes.",
    told: "max_io = 10, max_sleep = 250ms. Mean object size 90 kB.",
    finding: "Small objects and a pause of up to 250 ms after each: that is the rate you see. There is room, the other disks of
the set are at {pct2} %.",
    answer: "Healing pauses after every object when there is user traffic. For the next days:

    cairnctl heal set --max-io 60 --max-sleep 15ms

Raise at night, lower by day if the 99th percentile of GET rises above what you accept. In your set I expect about
five times the rate. Until it is done do not restart {host} or {host2}: each restart makes the scanner begin anew
with the object list, though healed objects stay healed.",
    more: "It took {hours} hours in the end. Should we keep these values?",
    coda: "Put them back by day. You can give the two pairs of values a schedule in [heal.window]; then the next disk needs no
thought.",
    ends: Resolution::Solved,
};

const LISTING: Problem = Problem {
    part: Part::Objects,
    lane: "performance",
    severity: 3,
    direct: false,
    subjects: &["Listing {bucket} takes {secs} s a page", "LIST with delimiter times out on {bucket} ({rows} objects)", "Backup client gives up listing {bucket} on {host}"],
    own: &[],
    question: "LIST on {bucket} with prefix 2/ and delimiter / takes {secs} seconds and then the client gives up. There are
{rows} objects, most of them below one prefix. GET and PUT are fine. Version {ver}.

[[Is there an index we forgot?||Do we need another layout?]]",
    asks: "Is the bucket versioned, and were many objects deleted lately? Deleted entries have to be passed over while listing.",
    told: "Versioned, yes, and the cleanup job deleted {many},000 objects {days} days ago.",
    finding: "The listing walks over {many},000 delete markers to find a thousand live keys. A trace of one request would show
it as skipped entries; please run one with cairnctl trace --list --bucket {bucket}.",
    answer: "A page of a listing has to pass all delete markers in its range, and you have very many in one place. Two steps:

1. Lifecycle rule on {bucket}: expire delete markers without other versions, noncurrent versions after {days} days.
2. cairnctl index compact --bucket {bucket} --range 2/ at night; it takes about {min} minutes.

After that a page is in the order of {ms} ms. For the backup client use the inventory file of the bucket instead of
LIST; it is written daily and costs nothing to read.",
    more: "Page time is {ms} ms again. Does the delimiter cost extra?",
    coda: "Little: with a delimiter Cairn jumps from one common prefix to the next. It is expensive only if there are many
prefixes with few objects each.",
    ends: Resolution::Solved,
};

const MULTIPART: Problem = Problem {
    part: Part::Objects,
    lane: "operate",
    severity: 4,
    direct: true,
    subjects: &["{bucket}: {tb} TB used, objects add up to {gb} GB", "Space not explained by objects in {bucket}", "Difference between du and quota on {bucket} at {site}"],
    own: &[],
    question: "The quota view says {tb} TB for {bucket}, the sum of all objects is {gb} GB. Versioning is off. Where is the rest?",
    asks: "Most often in uploads that were begun and never completed. Please count them:

    cairnctl multipart list {bucket} --older-than 1d --summary",
    told: "    uploads {count}   parts {count}8   bytes {tb} TB   oldest {many} days

Our upload tool is killed by its batch system now and then.",
    finding: "{tb} TB of parts belong to uploads nobody will finish. Before they go, one check: a tool that resumes uploads
after days would lose its work, so I need to know the longest run of yours.",
    answer: "Parts of unfinished uploads count against the quota until completed or aborted. Remove them once and let a rule do
it from now on:

    cairnctl multipart abort {bucket} --older-than 7d
    cairnctl lifecycle add {bucket} --abort-incomplete 7d

Seven days is safe if no single upload of yours takes longer. Space returns within {min} minutes.",
    more: "All there again. Is the rule inherited by new buckets?",
    coda: "No. Put it into the tenant's template (cairnctl tenant edit, section defaults) and each new bucket has it.",
    ends: Resolution::Solved,
};

const SKEW: Problem = Problem {
    part: Part::Objects,
    lane: "fault",
    severity: 2,
    direct: false,
    subjects: &["403 RequestTimeTooSkewed from some clients to {host}", "Signature errors {since}, only against {host2}", "Random 403 on PUT to {bucket}"],
    own: &[("off", &["+16 min", "-17 min", "+21 min", "+58 min"])],
    question: "About a third of the requests to {bucket} fail {since}:

    <Code>RequestTimeTooSkewed</Code>
    <Message>The difference between the request time and the server's time is too large.</Message>

Clients have the right time (checked on {some} machines). [[It seems to depend on which node answers.||Repeating helps sometimes.]]",
    asks: "A third fits one node of three. Please run chronyc tracking on {host}, {host2} and {host3} at the same time.",
    told: "    {host}   System time : 0.000{some} seconds slow    Leap status : Normal
    {host2}   Leap status : Not synchronised   (date differs by {off})
    {host3}   System time : 0.000{some} seconds fast    Leap status : Normal",
    finding: "{host2} is off by {off}. It has no sources that answer; a step of the clock on a live node is not free of risk, so
take it out of the balancer first. The steps follow.",
    answer: "One node, {host2}, has a wrong clock ({off}); more than 15 minutes are refused.

1. Take {host2} out of the load balancer and stop Cairn there: locks and lifecycle use the clock too.
2. Repair its time sources: UDP 123 to your servers is the usual reason after a firewall change.
3. chronyc makestep, wait for \"Normal\", start Cairn, put it back.

In chrony.conf have at least three sources and makestep 1 3. Vigil has a ready rule, clock_offset_seconds > 0.5.",
    more: "It was the firewall. Could objects written by {host2} meanwhile have a wrong date?",
    coda: "Yes, their modification time is {off} off. It matters for lifecycle rules counted in days hardly at all, and for
\"newest version\" only if the same key was written through two nodes in that span. cairnctl audit finds such keys.",
    ends: Resolution::Solved,
};

const WRITE_QUORUM: Problem = Problem {
    part: Part::Objects,
    lane: "fault",
    severity: 1,
    direct: true,
    subjects: &["Writes fail: erasure set {few} has no write quorum", "503 SlowDownWrite on all PUT, two disks gone in {site}", "{host} and {host2} lost disks, uploads stopped"],
    own: &[],
    question: "All uploads to part of our keys fail since {clock}. Two disks died in {host} within an hour and {host2} is
rebooting after a kernel panic:

    {t1} ERROR  set={few} online=7/12 write_quorum=8 read_quorum=8
    {t2} ERROR  PutObject {bucket}: erasure write quorum not met

Reads of that set fail too. [[How do we get writes back?||What is the fastest safe way?]]",
    asks: "Is {host2} coming back, and are its disks whole? With its disks the set has quorum again at once. Please do not
format or replace anything in {host} yet: even a bad disk may still hold readable parts.",
    told: "{host2} hangs in the firmware, a controller is reported as failed. A colleague is at the rack.",
    finding: "7 of 12 are on line, 8 are needed, and one of {host2}'s disks is enough to reach that. Moving a single disk to a free
slot of {host3} is the shortest way; I write down what Cairn needs for it.",
    answer: "The set needs 8 of 12 disks for reading and writing and has 7. Nothing is lost as long as 8 can be brought together:

1. Move the disks of {host2} that belong to set {few} into free slots of {host3}. cairnctl drive scan recognises them by
   their label, whichever slot they are in.
2. From the first disk on the set has quorum; check with cairnctl status --set {few}.
3. Then replace the two of {host} one after the other, healing finished before the second.

If no slot is free, start {host2} with a spare controller; the data is on the disks, not in the machine.",
    more: "8 of 12 since {clock2}, uploads work. What should we have done differently?",
    coda: "Two things: the set has four of its disks in one machine, so a machine and one disk are nearly the limit. With {some}
disks over five nodes and 8+4, spread by node, this evening would have been a warning. I can check a layout for you.",
    ends: Resolution::Solved,
};

const DELETE_MARKERS: Problem = Problem {
    part: Part::Objects,
    lane: "guidance",
    severity: 4,
    direct: true,
    subjects: &["Deleted {gb} GB from {bucket}, usage unchanged", "Lifecycle rule runs but {bucket} does not shrink", "How does expiry work with versioning ({bucket})?"],
    own: &[],
    question: "A lifecycle rule expires everything in {bucket} after {some} days. The objects vanish from the listing, but usage stays
at {tb} TB. [[Is the scanner stuck?||Do we misread the rule?]] The bucket is versioned, {ver}.",
    asks: "Please send the rule (cairnctl lifecycle show {bucket}). I expect that it only speaks of current versions.",
    told: "    <Rule><ID>r1</ID><Status>Enabled</Status>
      <Expiration><Days>{some}</Days></Expiration></Rule>",
    finding: "As expected, the rule speaks of current versions only. I compute what would be freed by a second one so that you see it
before anything is deleted for good.",
    answer: "In a versioned bucket expiring a current version puts a delete marker on top; the data stays as a noncurrent
version. Add a rule for those:

    <NoncurrentVersionExpiration><NoncurrentDays>7</NoncurrentDays></NoncurrentVersionExpiration>
    <Expiration><ExpiredObjectDeleteMarker>true</ExpiredObjectDeleteMarker></Expiration>

Try it first with cairnctl lifecycle simulate {bucket}: it lists how many objects and bytes would go. The scanner
passes every object about once in {hours} hours, so give it a day.",
    more: "Simulation says {tb} TB, that is what we hoped for. Can somebody get back a deleted object within the seven days?",
    coda: "Yes: removing the delete marker makes the version current again. After the seven days it is gone for good, also for us.",
    ends: Resolution::Answered,
};

const BIT_ROT: Problem = Problem {
    part: Part::Objects,
    lane: "fault",
    severity: 2,
    direct: false,
    subjects: &["bitrot detected on drive 4 of {host}", "Scanner reports checksum mismatch, {some} objects in {bucket}", "Corrupt shards on {host2}, does Cairn repair them?"],
    own: &[],
    question: "The deep scan reports {some} objects with a damaged shard, all on one drive:

    {t1} WARN  bitrot {bucket}/part.{hex} drive=4 expected=9f{hex} got=00{hex}
    {t2} INFO  healed from 7 of 8 shards

[[Do we have to act?||It says healed. Is that the end of it?]] SMART is clean. Node {host}, {os}.",
    asks: "Are all the damaged shards written in the same span of time? cairnctl scan report --drive 4 --by-mtime shows it. And
does the kernel log of {host} have resets of that slot?",
    told: "All written between {clock} and {clock2} on one day, and dmesg of that day:

    [{pid}.{many}412] mpt3sas_cm0: log_info(0x31110e05): originator(PL), code(0x11)
    [{pid}.{many}977] sd 0:0:4:0: Power-on or device reset occurred",
    finding: "The shards were damaged while the slot was being reset: writes that the disk had acknowledged did not reach it. So
this is cabling, backplane or firmware, rather than the medium. I look for others written in that span.",
    answer: "Your data is whole: each object was rebuilt from the other shards and written anew. But the cause will do it again:

1. cairnctl scan deep --drive 4 --mtime {clock}-{clock2}: reads everything from that span now.
2. Switch the volatile write cache off on that node: hdparm -W0, and check that the controller keeps it.
3. Change cable or slot of drive 4; if the same disk shows resets elsewhere, return it.

SMART knows only of the medium; it does not see lost writes.",
    more: "Slot changed, cache off, PUT is {pct2} % slower on that node. Is the cache worth that?",
    coda: "With power-loss protected disks you may leave it on, they keep what they acknowledge. These do not have it, so the
slower number is the honest one.",
    ends: Resolution::Solved,
};

const PRESIGNED: Problem = Problem {
    part: Part::Objects,
    lane: "configure",
    severity: 3,
    direct: false,
    subjects: &["Presigned URLs fail behind our new proxy in {site}", "SignatureDoesNotMatch only through the load balancer", "Upload links for {bucket} broken {since}"],
    own: &[("port", &["8443", "9443", "10443"])],
    question: "Upload links made by our portal fail with SignatureDoesNotMatch since we put a proxy in front of Cairn. Direct access
to {host} works. The proxy part:

    location / {
        proxy_pass https://{host}:9000;
        proxy_set_header X-Real-IP $remote_addr;
    }

[[Do we have to sign differently?||Which side is wrong?]]",
    asks: "Under which name and port do the links point, and which name does the portal use when it signs? The host is part of
what is signed.",
    told: "Links point to files.portal.example:{port}, the portal signs for the same.",
    finding: "Then the portal is right and the proxy changes the Host header on its way to {host}:9000. I verify with a link of
yours that only the host differs in the canonical request.",
    answer: "The signature covers the Host header. proxy_pass replaces it by its own target, so Cairn computes another signature.
Pass on what the client sent, port included:

        proxy_set_header Host $http_host;
        proxy_request_buffering off;
        client_max_body_size 0;

Use $http_host and not $host: the latter drops port {port}. The other two lines let large uploads stream.",
    more: "Links work. Some clients send \"Expect: 100-continue\" and wait a second before the upload. Related?",
    coda: "Yes, the proxy answers it only when it has a connection to Cairn. keepalive {some} in the upstream block removes the
wait for nearly all requests.",
    ends: Resolution::Solved,
};
