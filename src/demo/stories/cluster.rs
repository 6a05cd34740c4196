//! Problems of the cluster manager Tether.

use super::{Part, Problem, Resolution};

pub(super) const ALL: &[&Problem] = &[&FENCING, &FAILED_START, &VIRTUAL_IP, &TOKEN, &MIXED, &WATCHDOG, &DNS];

const FENCING: Problem = Problem {
    part: Part::Cluster,
    lane: "fault",
    severity: 2,
    direct: false,
    subjects: &["Fencing of {host2} timed out, resources stayed down", "fence agent for {host2} fails: no route to BMC", "Failover blocked by failed fencing in {site}"],
    own: &[],
    question: "{host2} lost power at {clock}. The resources did not start on {host}, because fencing failed:

    {t1} tetherd[{pid}]: notice: Requesting fencing (off) of node {host2}
    {t2} tetherd[{pid}]: error: fence_redfish: connection to {ip2} timed out
    {t3} tetherd[{pid}]: warning: Cannot recover resources of {host2}: fencing pending

We had to confirm by hand. [[Why can it not see that the node is off?||The node was plainly dead. Why wait?]]",
    asks: "Does the management controller of {host2} hang on the same power feed as the machine? Then it died as well and cannot
confirm anything. Do you have switched power sockets or a shared disk for a second method?",
    told: "Yes, the same feed. There is a managed power strip in the rack and a small shared LUN.",
    finding: "A controller without power and a network that is cut look the same from {host}, so Tether must not assume either. A
second, independent method is needed; I check that your strip is supported.",
    answer: "Fencing has one method, and that one dies with the power feed. Without proof that {host2} is off Tether may not start
the database elsewhere: two writers on one volume cost you the data. Add a second level:

    tetherctl fence level add {host2} 1 bmc-{host2}
    tetherctl fence level add {host2} 2 pdu-a-{host2},pdu-b-{host2}

For two power supplies both sockets must be off, hence the comma. Then test it: pull both cables of the controller, and
the failover must still succeed within {secs} seconds.",
    more: "Tested, failover in {secs} seconds. Is the shared disk method better?",
    coda: "It is a good third level, and the best where you have no power control: a node that cannot reach the disk resets
itself. It needs a hardware watchdog, softdog is not enough.",
    ends: Resolution::Solved,
};

const FAILED_START: Problem = Problem {
    part: Part::Cluster,
    lane: "operate",
    severity: 3,
    direct: true,
    subjects: &["Resource {db}-fs stays in FAILED on {host}", "monitor timeout {secs} s, Tether moves {db} needlessly", "Resource fails at monitor only during backup ({host})"],
    own: &[],
    question: "Every night around {clock} Tether declares {db} failed on {host} and moves it to {host2}:

    {t1} tetherd: error: {db}_monitor_20000 on {host} timed out after 20000ms
    {t2} tetherd: notice: Moving {db} from {host} to {host2}

The database works at that time, the backup is running. [[How can we make it less nervous?||Nothing is wrong with the service itself.]]",
    asks: "What does the monitor do, a query or only a look at the process? And how loaded is the disk at that time (iostat
-x 1 for two minutes around {clock})?",
    told: "It runs a query that writes into a table. Disk is at 100 %, w_await {ms2} ms.",
    finding: "The monitor writes and waits for the disk that the backup keeps busy. I see two things to change, the load and the
check; making the timeout huge would hide real failures as well.",
    answer: "The check waits behind the backup. Change three things:

1. Let larder read with limited rate: rate_limit = {many}MB/s on {host}, or take the backup from the standby.
2. tetherctl resource op {db} monitor interval=20s timeout=60s on-fail=restart
3. failure-timeout=10min and migration-threshold=3, so that one late check does not move the service.

A real failure is still noticed: a dead process answers at once, only a slow one is given a minute.",
    more: "No move for a week. What does the check cost us if the database really hangs?",
    coda: "At most 20 + 60 seconds until it is known, then the restart. If that is too long for {db}, give the backup its own
machine and go back to 20.",
    ends: Resolution::Solved,
};

const VIRTUAL_IP: Problem = Problem {
    part: Part::Cluster,
    lane: "fault",
    severity: 2,
    direct: false,
    subjects: &["Virtual address {ip} unreachable after failover", "{ip} moves to {host2}, clients keep talking to {host}", "Address switch takes {min} minutes in {site}"],
    own: &[],
    question: "After a switch from {host} to {host2} the virtual address {ip} is configured on {host2}, but clients in other networks
reach it only after {min} minutes. From the same network it works. [[ARP cache?||We suspect the new firewall.]]

    $ ip neigh show {ip}          # on the gateway
    {ip} dev vlan40 lladdr 52:54:00:a1:b2:c3 STALE",
    asks: "On which side is the wrong entry, the gateway? Please capture on it during a switch: tcpdump -eni vlan40 arp. We want to see
whether the gratuitous ARP of {host2} arrives.",
    told: "Nothing arrives at the gateway. On {host2} tcpdump shows five of them going out.",
    finding: "The announcements leave {host2} and do not arrive, so a switch between drops them. Dynamic ARP inspection is the
usual suspect; I put together what your network people need to look at.",
    answer: "The gateway keeps the old address because the gratuitous ARP never arrives: the switches drop it. With dynamic ARP
inspection an address may only be announced by the port the switch knows for it.

1. Ask for an ARP access list that permits {ip} from the ports of {host} and {host2}.
2. Meanwhile on the resource: arp_count=10 arp_interval=500 arp_unicast_refresh=gateway, which makes {host2} talk to the gateway directly.

Test with tetherctl move and ping from outside; the interruption should be below 3 seconds.",
    more: "It was exactly that. Does IPv6 have the same problem?",
    coda: "The same in other words: unsolicited neighbour advertisements, and RA guard or ND inspection on the switch. Have both
lists made in one go.",
    ends: Resolution::Solved,
};

const TOKEN: Problem = Problem {
    part: Part::Cluster,
    lane: "fault",
    severity: 3,
    direct: false,
    subjects: &["Token lost several times a night between {site} and {site2}", "{host}: a processor failed, forming new configuration", "Membership flaps, but pings are clean"],
    own: &[],
    question: "{since} {host} logs at night

    {t1} tether-comm[{pid}]: A token was not received in time ({some}00 ms)
    {t2} tether-comm[{pid}]: A processor failed, forming new configuration
    {t3} tether-comm[{pid}]: New membership: {host} {host2} {host3}

Pings show no loss at all. [[What else can delay a token?||We are at a loss.]]",
    asks: "Are the nodes virtual? A paused machine loses the token as surely as a broken cable. Please look for the word
\"steal\" in sar -u ALL at {clock}, and for snapshots at that time.",
    told: "All virtual. Steal is low, but the hypervisor makes a snapshot of all at {clock}.",
    finding: "A snapshot freezes the machine for a moment at its end. Your times and the snapshot job agree to the second in the
two nights that I compared.",
    answer: "The machine stands still for a second or two when the snapshot is removed; the token timeout is {some}00 ms. Choose:

- Best: exclude the cluster nodes from image snapshots; larder makes consistent backups anyway.
- Else: token: 5000, consensus: 6000 in tether.conf on all nodes, then tetherctl reload comm.

The price of the second is that a real failure is noticed four seconds later. Do not raise it above ten.",
    more: "Excluded, quiet since. Would live migration be a problem as well?",
    coda: "Only its last phase, usually far below a second. Put a node into standby before moving it and you need not think
about it.",
    ends: Resolution::Solved,
};

const MIXED: Problem = Problem {
    part: Part::Cluster,
    lane: "upgrade",
    severity: 3,
    direct: true,
    subjects: &["{host} refuses to join after upgrade to {ver}", "Rolling upgrade {oldver} to {ver}: feature set mismatch", "Node {host} ejected: older than the cluster's feature level"],
    own: &[],
    question: "We upgrade a cluster from {oldver} to {ver}, node by node. After the second, {host3} was rebooted by accident and does not
join any more:

    {t1} tetherd[{pid}]: error: Cannot join: feature level 3.14, cluster has 3.17

It is still on {oldver}. [[Do we have to go back?||Roll back or roll on?]]",
    asks: "Which nodes are on {ver} now, and is the service running? tetherctl status --versions on {host}, please.",
    told: "    {host}   {ver}    online
    {host2}   {ver}    online
    {host3}   {oldver}   offline (not joined)

Service is fine on {host}.",
    finding: "When {host3} left, only new nodes were left in the membership, and the cluster raised its level by itself. That cannot
be undone while it runs, and need not be.",
    answer: "Roll on. Levels rise as soon as all members know the new one, and when {host3} was away all did. So:

1. On {host3}: stop Tether, install {ver}, start. It joins at once.
2. Check tetherctl status --versions, all three on one line.

During the next upgrade hold the level: tetherctl property set feature-level-hold=true before the first node, and remove
it after the last. A node of the old version may then reboot without being locked out.",
    more: "All three are on {ver}. Is there anything in the configuration that should be converted?",
    coda: "Run tetherctl config upgrade --dry-run. It lists the few options that were renamed; the old names work until {nextver}.",
    ends: Resolution::Solved,
};

const WATCHDOG: Problem = Problem {
    part: Part::Cluster,
    lane: "fault",
    severity: 2,
    direct: false,
    subjects: &["{host} resets itself under heavy I/O", "Watchdog fired on {host}, no log", "Unexplained reboots of {host} [[at night||during the backup]]"],
    own: &[],
    question: "{host} has rebooted {few} times {since}, always around {clock}, without anything in the log. The management controller says

    Watchdog 2 | Hard Reset | Asserted

The shared disk for fencing is on the same array as the data. Is Tether doing this?",
    asks: "Probably it is the disk method: a node that cannot write its slot in time resets itself. Which timeouts are set
(tetherctl sbd dump /dev/disk/by-id/...), and how long do paths fail over?",
    told: "    Timeout (watchdog) : 5
    Timeout (msgwait)  : 10

Path failover of the array takes up to {secs} seconds says the vendor.",
    finding: "5 seconds against up to {secs}: whenever the array is busy or switches paths the node has to assume that it is cut off.
I compute timeouts that fit, together with those of the cluster that depend on them.",
    answer: "The node resets itself because it cannot reach the fencing disk for 5 seconds. The timeouts must be longer than the
worst path failover:

    watchdog = 90, msgwait = 180      (written anew: tetherctl sbd create -1 90 -4 180 ...)
    stonith-timeout = 220s            (cluster property)

All nodes stopped while the disk is initialised. A failover after a crash then takes up to three minutes; if that is
too long, use three small LUNs on different arrays instead: one may be away without harm.",
    more: "No reset since. Three LUNs are ordered. Do all three need the same size?",
    coda: "Yes, 10 MB each are plenty, and each must be on an array of its own, or you are back where you were.",
    ends: Resolution::Solved,
};

const DNS: Problem = Problem {
    part: Part::Cluster,
    lane: "configure",
    severity: 3,
    direct: true,
    subjects: &["Clients stay on {site} for {min} minutes after site switch", "DNS switch to {site2} takes far longer than the TTL", "JVM clients ignore the changed record"],
    own: &[],
    question: "In our site exercise Tether changed the record of the database to {site2} at {clock}. TTL is 30 seconds, but some
clients kept connecting to {ip} for {min} minutes, a few until they were restarted. [[Where is it cached?||Who caches so long?]]",
    asks: "Which are the ones that never followed? My guess is Java with a security manager or an old property file, and on the
Linux side a caching daemon with a minimum TTL.",
    told: "The ones that never followed are all Java. The slow ones have dnsmasq with min-cache-ttl=600.",
    finding: "That explains both groups. For the third I want to exclude that open connections are meant: a TTL never closes a
connection. I check with your pool settings.",
    answer: "Three caches, three settings:

- Java: networkaddress.cache.ttl=30 in java.security (default can be -1, for ever).
- dnsmasq: remove min-cache-ttl=600.
- Open connections: max-lifetime of the pool to 10 minutes, and TCP keepalive so that dead ones are noticed:
    net.ipv4.tcp_keepalive_time = 60

Better still, name both sites in the client and let it pick the one that accepts writes:

    host={host},{host2} target_session_attrs=read-write connect_timeout=3",
    more: "With two hosts in the URL it switches in {few} seconds. Do we still need the record?",
    coda: "For people and scripts, yes. For programs the list is better: it needs no cache to expire.",
    ends: Resolution::Solved,
};
