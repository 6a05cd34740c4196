//! Problems of monitoring with Vigil.

use super::{Part, Problem, Resolution};

pub(super) const ALL: &[&Problem] = &[&FLAPPING, &CARDINALITY, &SCRAPE, &RATE];

const FLAPPING: Problem = Problem {
    part: Part::Monitor,
    lane: "configure",
    severity: 4,
    direct: false,
    subjects: &["Alert TarnReplicaLag flaps {some} times a night", "How to stop flapping of disk alerts on {host}", "On-call woken {few} times by the same lag alert"],
    own: &[],
    question: "This rule woke our on-call {few} times last night, each time resolved within a minute:

    - alert: TarnReplicaLag
      expr: tarn_replication_lag_seconds{role=\"standby\"} > 30
      for: 0m
      labels: { severity: page }

[[How do you set it up elsewhere?||What is a sensible rule?]]",
    asks: "What does lag mean to your users: is the standby read by anybody, or is it there for failover only? Threshold and time follow from that.",
    told: "Only failover. We promised that at most five minutes of data may be missing.",
    finding: "Five minutes is the figure to alert on, with a margin. I look at your lag of the last weeks to see how often the new rule would have fired.",
    answer: "Alert on what you promised, and give it time:

    - alert: TarnReplicaLag
      expr: min_over_time(tarn_replication_lag_seconds{role=\"standby\"}[3m]) > 120
      for: 2m
      keep_firing_for: 10m
      labels: { severity: page }

min_over_time ignores peaks, keep_firing_for prevents the on and off. A second rule without page at 30 seconds for an hour tells
you by day that something grows.",
    more: "Quiet nights. What if the exporter itself is down, does the rule then fire?",
    coda: "No, without data no alert. Add absent(tarn_replication_lag_seconds{role=\"standby\"}) for 5m, as a page of its own.",
    ends: Resolution::Answered,
};

const CARDINALITY: Problem = Problem {
    part: Part::Monitor,
    lane: "fault",
    severity: 2,
    direct: true,
    subjects: &["Vigil on {host} uses {ram} GB and restarts", "Memory of {host} doubled {since}", "Series explosion: {many},000 active series"],
    own: &[("label", &["request_id", "client_port", "query_hash", "object_key"])],
    question: "Vigil on {host} needs {ram} GB {since} and is killed every {hours} hours; replaying its log then takes {min} minutes in which we are blind.

    vigil_head_series {many}000
    {t1} level=warn msg=\"Out of memory, restarting\" component=watchdog

[[We added no hosts.||Number of hosts is unchanged.]]",
    asks: "Some label has become nearly unique. Please send the top ten of

    topk(10, count by (__name__)({__name__=~\".+\"}))
    and vigilctl analyze --label-cardinality",
    told: "    {label}         {count}12
    pod                {many}
    http_request_duration_seconds_bucket  {count}880 series",
    finding: "The label {label} came with a release of the {group} service and multiplies each histogram bucket. Dropping it at the
scrape brings relief at once, without waiting for a new release.",
    answer: "{label} has a new value with every request, times all buckets of the histogram. At once, in the scrape configuration:

    metric_relabel_configs:
      - action: labeldrop
        regex: {label}
    sample_limit: 20000

Memory falls when the head block is cut, within two hours; a restart makes it immediate. The limit refuses such a target as a
whole the next time, and up == 0 tells you who it was. The value belongs into a trace or an exemplar.",
    more: "Down to {gb2} GB. Can we delete the series that are already stored?",
    coda: "vigilctl delete-series --match '{__name__=\"http_request_duration_seconds_bucket\"}' for that time span, then clean tombstones. They would
vanish with the retention anyway, so only if queries over those days are slow.",
    ends: Resolution::Solved,
};

const SCRAPE: Problem = Problem {
    part: Part::Monitor,
    lane: "operate",
    severity: 3,
    direct: false,
    subjects: &["context deadline exceeded scraping {host2}", "Gaps in all graphs of {db} [[at noon||at night]]", "tarn exporter needs {secs} s, scrape timeout is 10 s"],
    own: &[],
    question: "Graphs of {host2} have gaps; Vigil says

    Get \"http://{ip2}:9187/metrics\": context deadline exceeded

The exporter takes between 2 and {secs} seconds. [[Longer timeout?||Is a longer timeout the answer?]] Interval is 15s.",
    asks: "Which of its queries is slow? With --log.level=debug the exporter prints the time of each collector. My guess is the size of all
relations.",
    told: "    collector=relation_size duration={secs}.{few}s tables={count}
    collector=activity      duration=0.0{few}s
    collector=replication   duration=0.00{few}s",
    finding: "The size of {count} tables means as many stat calls, every 15 seconds. It blocks all other values of the same scrape.",
    answer: "Split by how fast things change:

- Fast ones (activity, replication, locks): every 15 s, as now, with --no-collector.relation_size.
- Sizes: a second job on the same exporter with ?collect[]=relation_size, interval 30m, timeout 60s.

A timeout longer than the interval is not possible and would not help. After that the first job takes well below a second and the
gaps are gone.",
    more: "No gaps. With 30 minutes the size graph has gaps instead, it shows points only.",
    coda: "A value counts as stale after five minutes. In that panel write last_over_time(tarn_relation_size_bytes[45m]).",
    ends: Resolution::Solved,
};

const RATE: Problem = Problem {
    part: Part::Monitor,
    lane: "guidance",
    severity: 4,
    direct: true,
    subjects: &["rate() shows spikes at every restart of {group}", "Impossible values: {many},000 requests/s after failover", "Sum of counters falls, how to graph that?"],
    own: &[],
    question: "Our panel shows {many},000 requests a second at each restart, which cannot be:

    rate(sum(cairn_requests_total{site=\"{site}\"})[5m:])

[[Is the counter broken?||What do we do wrong?]]",
    asks: "The order of sum and rate matters here. Do single instances look right if you take rate without sum?",
    told: "Yes, every single one looks plausible.",
    finding: "Then it is the order. After the sum nobody can know which instance restarted, so the fall of the sum is taken for a reset of everything.",
    answer: "rate has to see each counter by itself, because a counter that starts anew is recognised by its fall. Sum afterwards:

    sum(rate(cairn_requests_total{site=\"{site}\"}[5m]))

The window should be at least four scrape intervals. The same goes for histograms: rate first, then sum by (le), then the quantile. As a
recording rule you pay for it once:

    - record: site:cairn_requests:rate5m
      expr: sum by (site) (rate(cairn_requests_total[5m]))",
    more: "Clear now. Why does increase() give {few}.{some} for an event that happened {few} times?",
    coda: "It extrapolates to the edges of the window, on the assumption of an even flow. For rare events count the changes of the
value or use a log; metrics are made for rates.",
    ends: Resolution::Answered,
};
