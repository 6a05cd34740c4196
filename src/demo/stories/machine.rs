//! Problems of the machine under it all: kernel, memory, containers, network tables.

use super::{Part, Problem, Resolution};

pub(super) const ALL: &[&Problem] = &[&NUMA, &HUGE_PAGES, &LIMITS, &CGROUP, &THROTTLED, &CONNTRACK, &NVME];

const NUMA: Problem = Problem {
    part: Part::Database,
    lane: "performance",
    severity: 3,
    direct: false,
    subjects: &["{host}: half the throughput of {host2} on equal hardware", "NUMA: {host} swaps with {gb2} GB free", "One socket of {host} out of memory, the other idle"],
    own: &[],
    question: "{host} and {host2} are equal ({cores} cores, {ram} GB, two sockets), but {host} does {pct2} % fewer transactions and
swaps a little although memory is free:

    node 0 size: {ram}000 MB   free: 212 MB
    node 1 size: {ram}000 MB   free: {count} MB

[[We see nothing in the database.||All settings of the server are the same.]]",
    asks: "Memory is used up on one node only. Please compare numastat -m and sysctl vm.zone_reclaim_mode on both, and tell me
whether a profile of tuned or the firmware differs.",
    told: "zone_reclaim_mode is 1 on {host} and 0 on {host2}. Somebody chose the profile \"hpc-compute\" there.",
    finding: "With 1 the kernel frees pages of the near node, or swaps, before it takes memory of the far one. For a database that
is the wrong trade; I check what else this profile sets.",
    answer: "The profile makes the kernel prefer local memory at any price. For one large shared buffer:

    tuned-adm profile throughput-performance
    sysctl -w vm.zone_reclaim_mode=0
    # unit of the server:
    [Service]
    ExecStart=
    ExecStart=/usr/bin/numactl --interleave=all /usr/lib/tarn/bin/tarn -D /var/lib/tarn/data

Interleaving spreads the buffers over both nodes; it needs a restart. numastat -p then shows about equal numbers.",
    more: "Both at the same rate now. Would two instances, one a socket, be faster still?",
    coda: "If the data can be split without queries across, somewhat, in the order of a tenth. It doubles what you operate; I
would not, at this size.",
    ends: Resolution::Solved,
};

const HUGE_PAGES: Problem = Problem {
    part: Part::Database,
    lane: "performance",
    severity: 3,
    direct: true,
    subjects: &["khugepaged at 100 % on {host}, latency {ms2} ms", "Memory fragmentation on {host}: stalls of {ms2} ms", "direct compaction stalls {since} ({host})"],
    own: &[],
    question: "After about {days} days of uptime {host} has stalls of up to {ms2} ms. perf shows

    {pct2}.4%  [kernel]  [k] isolate_migratepages_block
    11.2%  [kernel]  [k] compact_zone
     6.9%  [kernel]  [k] clear_huge_page

After a reboot it is good for a while. {os}, kernel {kernel}, {ram} GB.",
    asks: "The kernel is looking for contiguous memory. What do these two say, and is shared_buffers in huge pages?

    cat /sys/kernel/mm/transparent_hugepage/{enabled,defrag}
    grep -E 'thp|compact_stall' /proc/vmstat",
    told: "    [always] madvise never
    [always] defer defer+madvise madvise never
    compact_stall {count}12

huge_pages = try, but HugePages_Total is 0, so not used.",
    finding: "Transparent huge pages with defrag on make every process wait while the kernel moves pages about. That grows with
uptime as memory gets fragmented; your profile shows nothing else.",
    answer: "Take huge pages deliberately for the buffers and switch the automatic ones off for the rest:

    # kernel command line
    transparent_hugepage=never
    # sysctl, for shared_buffers of a quarter of {ram} GB plus 2 %
    vm.nr_hugepages = $(tarn -C shared_memory_size_in_huge_pages)
    # tarn.conf
    huge_pages = on

With \"on\" instead of \"try\" the server refuses to start if they are missing, so you notice. Reserve them at boot, while
memory is not yet fragmented.",
    more: "Stalls are gone. The page tables became smaller as well, is that the same thing?",
    coda: "Yes: {many} connections each mapping the buffers in 4 kB pages need a lot of page tables. In 2 MB pages it is a
five-hundredth of that.",
    ends: Resolution::Solved,
};

const LIMITS: Problem = Problem {
    part: Part::Queue,
    lane: "install",
    severity: 3,
    direct: true,
    subjects: &["Too many open files on {host} although ulimit is 100000", "{host}: accept failed, EMFILE", "Limit of 1024 files on {os}, where does it come from?"],
    own: &[],
    question: "Sluice on {host} stops accepting connections at about a thousand:

    {t1} ERROR Acceptor: accept4: Too many open files (24)

/etc/security/limits.conf has nofile 100000 for the user and ulimit -n in a shell shows it. [[What are we missing?||Restarted twice, no change.]]",
    asks: "A service of systemd does not read limits.conf. What does the running process have?

    grep 'open files' /proc/$(pidof sluiced)/limits",
    told: "    Max open files            1024                 524288               files",
    finding: "Soft limit 1024, as expected for a unit without its own value. The package should raise it; on {os} an older unit file in
/etc overrides that of the package.",
    answer: "limits.conf is read by logins, not by services. Set it in the unit:

    systemctl edit sluice
    [Service]
    LimitNOFILE=262144
    TasksMax=infinity

    systemctl daemon-reload && systemctl restart sluice

Count three files a segment plus one a connection; with {many} partitions you are at about {lots}. And remove the old copy in
/etc/systemd/system/sluice.service, it hides the improvements of the package.",
    more: "262144 in effect. vm.max_map_count is at 65530, is that enough?",
    coda: "Not with {many} partitions: two maps a segment. Set it to 262144 as well before you find out the hard way.",
    ends: Resolution::Solved,
};

const CGROUP: Problem = Problem {
    part: Part::Database,
    lane: "fault",
    severity: 2,
    direct: false,
    subjects: &["Tarn pod killed at {ram} Gi although the heap is small", "OOMKilled in container, {host}, page cache?", "exit code 137 of {db} in the cluster of {site}"],
    own: &[],
    question: "The database container of {db} is killed about every {hours} hours, limit {ram}Gi:

    [{pid}.201{few}] Memory cgroup out of memory: Killed process {pid2} (tarn)
    [{pid}.201{few}] memory: usage 100%, limit {ram}Gi, failcnt {count}
    [{pid}.201{few}] anon {gb2}G  file {few}G  shmem {gb2}G  slab 1G

Is the page cache counted? [[Then every limit would be too small.||We thought cache is given back.]]",
    asks: "Clean cache is given back before anything is killed; shmem is not, and that is your shared_buffers. How large is it set, and is there
a memory volume (emptyDir with medium Memory) in the pod?",
    told: "shared_buffers is a quarter of the node's memory, not of the pod's. And yes, /dev/shm is such a volume.",
    finding: "The buffers were sized for the node, and /dev/shm counts as well. The sum of both with {some} sessions reaches the limit as soon
as the buffers are full, hence the {hours} hours.",
    answer: "Inside a container the settings must follow the limit, not the machine:

    shared_buffers   = a quarter of {ram}Gi
    work_mem         = 16MB
    max_connections  = {some}
    # pod
    resources: requests.memory = limits.memory = {ram}Gi

Equal request and limit put the pod in the class that is killed last. Watch container_memory_working_set_bytes against the
limit and alert at 90 %; the cache is not in it.",
    more: "No kill for days. Should the limit be left out altogether?",
    coda: "No: without it the node decides under pressure and may take another database. A limit that fits is a promise to the neighbours.",
    ends: Resolution::Solved,
};

const THROTTLED: Problem = Problem {
    part: Part::Objects,
    lane: "performance",
    severity: 3,
    direct: true,
    subjects: &["p99 {ms2} ms in containers at {pct2} % CPU", "CPU throttling of Cairn pods on {host}", "Latency only in the cluster, not on bare metal ({site})"],
    own: &[],
    question: "Cairn in containers has a p99 of {ms2} ms, the same build on bare metal {ms} ms. CPU use is {pct2} % of the limit of 4 cores. Node
{host} has {cores} cores. [[Network is excluded.||We have excluded the network.]]",
    asks: "Average use hides short bursts. Please send cpu.stat of the cgroup: nr_periods, nr_throttled, throttled_usec.",
    told: "    nr_periods {count}0
    nr_throttled, share of these: 0.{pct2}
    throttled_usec {count}884{many}",
    finding: "A large part of all 100 ms periods is throttled. The process sees {cores} cores and starts as many threads; together they use up 4 cores'
worth of a period in a few milliseconds and then all stand still.",
    answer: "The quota is 400 ms of CPU in every 100 ms, and {cores} threads burn it in the first part of the period; the rest of it every request
waits. Two remedies:

1. Threads to fit: CAIRN_WORKERS=4 (from {fixver} on it reads the quota by itself).
2. Remove the CPU limit and keep the request: shares then protect the neighbours without standing still.

I recommend both. p99 should be near that of bare metal at once.",
    more: "{ms} ms. Our platform team insists on limits. Is there a way with them?",
    coda: "cpu.max.burst lets a group save unused quota for a burst; kernel {kernel} has it if it is 5.14 or later. With 4 workers you hardly
need it.",
    ends: Resolution::Solved,
};

const CONNTRACK: Problem = Problem {
    part: Part::Queue,
    lane: "fault",
    severity: 2,
    direct: false,
    subjects: &["New connections to {host} dropped: nf_conntrack table full", "Sporadic connect timeouts to {host}:9092", "SYN lost at {host}, established connections fine"],
    own: &[],
    question: "New connections to {host} time out now and then, existing ones work. dmesg:

    [{pid}.88{few}120] nf_conntrack: nf_conntrack: table full, dropping packet
    [{pid}.89{few}733] net_ratelimit: {many} callbacks suppressed

We have only {many} clients. [[How can the table be full?||What fills it?]]",
    asks: "Which entries are in it? conntrack -L | awk '{print $4}' | sort | uniq -c, and sysctl net.netfilter.nf_conntrack_max
net.netfilter.nf_conntrack_tcp_timeout_established.",
    told: "    {count}  ESTABLISHED
      {many}  TIME_WAIT

max 65536, timeout 432000. Most ESTABLISHED ones are from {ip}, our load generator that is switched off.",
    finding: "432000 seconds are five days: connections whose end was never seen stay for that long. The generator was switched off without closing
its connections.",
    answer: "The table holds connections of a machine that no longer exists. Now: conntrack -D -s {ip}. For good:

    net.netfilter.nf_conntrack_tcp_timeout_established = 3600
    net.netfilter.nf_conntrack_max = 262144
    # or no tracking at all for the brokers' port
    nft add rule ip raw prerouting tcp dport 9092 notrack

One hour is safe with TCP keepalive below it. Untracked is best if no address translation is done on {host}.",
    more: "notrack is in place. Our firewall rule for established connections no longer matches on that port. Expected?",
    coda: "Yes, untracked packets have no state. Allow the port by address and direction in both chains; for a broker with a fixed port this is
as strict as before.",
    ends: Resolution::Solved,
};

const NVME: Problem = Problem {
    part: Part::Database,
    lane: "fault",
    severity: 2,
    direct: true,
    subjects: &["nvme timeout, controller reset on {host}", "I/O error on {host}, file system read-only", "Tarn PANIC: could not fsync, {host}"],
    own: &[("q", &["3", "7", "12", "21"])],
    question: "{host} stopped at {clock}:

    [{pid}.114{few}02] nvme nvme1: I/O tag {many} (QID {q}) timeout, aborting
    [{pid}.145{few}19] nvme nvme1: I/O tag {many} timeout, reset controller
    [{pid}.176{few}55] nvme nvme1: Device not ready; aborting reset, CSTS=0x1
    [{pid}.176{few}71] XFS (nvme1n1): log I/O error -5
    {t3} [{pid2}] PANIC:  could not fsync file \"{wal}\": Input/output error

{host2} took over. [[May we just restart {host}?||Is a restart safe?]]",
    asks: "Please leave it stopped for the moment. What are drive model and firmware (nvme list), and does nvme smart-log answer? On some platforms
deep power states cause exactly this.",
    told: "SMART answers after a power cycle, no media errors, spare 100 %. Firmware is two versions behind. Kernel {kernel}.",
    finding: "No media error, controller not ready after an abort: this fits the drive's power state handling that the vendor mended in a later firmware.
Data on {host} has to be treated as stale in any case.",
    answer: "The drive stopped answering; the server then stopped on purpose. After a failed fsync nobody knows what reached the disk, so a restart on these
files is not safe. Steps:

1. Update the drive firmware on {host}; boot with nvme_core.default_ps_max_latency_us=0 as well.
2. Check: xfs_repair -n, and four hours of fio with verify.
3. Rebuild {host} from {host2} by a base backup, then make it standby.

Do the same firmware on {host2} afterwards, with the roles exchanged.",
    more: "Firmware is on all of them. Is the kernel parameter still needed?",
    coda: "With the new firmware probably not. It costs a few watts, so I would keep it until {days} days have passed without a timeout.",
    ends: Resolution::Workaround,
};
