//! The worker process end to end, with the real program as the child.

#[path = "letters/bombs.rs"]
mod bombs;
#[path = "letters/packed.rs"]
mod packed;

use std::path::PathBuf;
use std::time::Duration;

use duly::mail::worker::{ARGUMENT, Verdict, Worker};

fn worker() -> Worker {
    Worker::new(PathBuf::from(env!("CARGO_BIN_EXE_duly")), vec![ARGUMENT.into()])
}

#[test]
fn a_batch_is_understood_in_order_whatever_is_in_it() {
    let mut worker = worker();
    assert!(!worker.is_running(), "nothing is started before it is needed");
    let bomb = b"Content-Type: message/rfc822\n\n".repeat(100_000);
    let mails: Vec<(i64, &[u8])> = vec![
        (1, b"Subject: one\n\nhello"),
        (2, &bomb),
        (3, b""),
        (4, b"\xff\x00\xfe"),
    ];
    let verdicts = worker.understand_batch(&mails);
    let ids: Vec<i64> = verdicts.iter().map(|(id, _)| *id).collect();
    assert_eq!(ids, [1, 2, 3, 4]);
    assert!(
        verdicts.iter().all(|(_, v)| matches!(v, Verdict::Understood(_))),
        "{verdicts:?}"
    );
    assert!(matches!(&verdicts[0].1, Verdict::Understood(mail) if mail.subject == "one"));
}

#[test]
fn an_idle_child_is_ended_and_the_next_mail_starts_another() {
    let mut worker = worker();
    worker.understand_batch(&[(1, b"a")]);
    assert!(worker.is_running());
    assert!(
        !worker.stop_if_idle(Duration::from_secs(3_600)),
        "it is not idle for so long"
    );
    assert!(worker.stop_if_idle(Duration::ZERO));
    assert!(!worker.is_running());
    let verdicts = worker.understand_batch(&[(2, b"Subject: again\n\n")]);
    assert!(matches!(&verdicts[0], (2, Verdict::Understood(_))));
}

#[test]
fn large_mails_pass_both_pipes_without_a_stop() {
    let mut mail = b"Subject: large\n\n".to_vec();
    mail.extend(b"a line of text that is long enough to count\n".repeat(200_000));
    let mails: Vec<(i64, &[u8])> = (0..8).map(|id| (id, mail.as_slice())).collect();
    let verdicts = worker().understand_batch(&mails);
    assert!(
        verdicts
            .iter()
            .all(|(_, v)| matches!(v, Verdict::Understood(m) if !m.errors.is_empty()))
    );
}

#[test]
fn a_mail_that_needs_more_memory_than_there_is_dies_alone() {
    // The real limit on memory, and one mail that is larger than it.
    let mut worker = worker();
    let mut large = b"Subject: x\n\n".to_vec();
    large.resize(99_000_000, b'\xe4');
    let verdicts = worker.understand_batch(&[(1, b"Subject: before\n\n"), (2, &large), (3, b"Subject: after\n\n")]);
    assert!(matches!(verdicts[0].1, Verdict::Understood(_)));
    if matches!(verdicts[1].1, Verdict::Died { .. }) {
        assert!(matches!(verdicts[2].1, Verdict::NotTried));
    }
    let again = worker.understand_batch(&[(3, b"Subject: after\n\n")]);
    assert!(matches!(again[0].1, Verdict::Understood(_)));
}

#[test]
fn a_worker_that_a_mail_took_over_could_open_no_file_no_socket_and_no_program() {
    let mut worker = worker();
    let confined = worker.confinement().expect("a child");
    if !confined.missing.is_empty() {
        eprintln!("SKIPPED: this kernel cannot shut the worker in: {:?}", confined.missing);
        return;
    }
    let attempts = worker.prove().expect("an answer");
    assert_eq!(attempts.len(), 10);
    for attempt in attempts {
        assert!(attempt.refused, "to {}: {}", attempt.what, attempt.answer);
    }
    // It reads mail none the less.
    let verdicts = worker.understand_batch(&[(1, b"Subject: after\n\nhello")]);
    assert!(matches!(&verdicts[0].1, Verdict::Understood(mail) if mail.subject == "after"));
}

#[cfg(target_os = "linux")]
#[test]
fn the_worker_holds_no_descriptor_but_its_pipes() {
    let inherited = std::fs::File::open("/dev/null").expect("a file");
    // As a shell would leave one open for its children.
    rustix::io::fcntl_setfd(&inherited, rustix::io::FdFlags::empty()).expect("a flag");
    let mut worker = worker();
    worker.confinement().expect("a child");
    let held: Vec<String> = std::fs::read_dir(format!("/proc/{}/fd", worker.pid().expect("a child")))
        .expect("its descriptors")
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .collect();
    assert_eq!(held.len(), 3, "standard input, output and nothing for errors: {held:?}");
}

/// CPU seconds that a process has used, and the most memory it held since that was last asked for, in bytes.
#[cfg(target_os = "linux")]
fn cost(pid: u32) -> (f64, u64) {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).expect("its figures");
    let fields: Vec<&str> = stat.rsplit(") ").next().expect("fields").split(' ').collect();
    let ticks: f64 = fields[11].parse::<f64>().expect("a number") + fields[12].parse::<f64>().expect("a number");
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("its figures");
    let peak = status.lines().find_map(|l| l.strip_prefix("VmHWM:")).expect("a peak");
    let kilobytes: u64 = peak.trim().trim_end_matches(" kB").parse().expect("a number");
    let ticks_per_second = rustix::param::clock_ticks_per_second() as f64;
    (ticks / ticks_per_second, kilobytes * 1024)
}

/// CPU that a bomb may cost; twice that much where the clock of a loaded machine counts others' work as ours.
#[cfg(target_os = "linux")]
const CPU_SECONDS: f64 = 2.0;
/// Memory that a bomb may cost the worker beyond what it is itself.
#[cfg(target_os = "linux")]
const MEMORY_BYTES: u64 = 64 * 1024 * 1024;

#[cfg(target_os = "linux")]
#[test]
fn no_bomb_costs_the_worker_more_than_two_seconds_and_sixty_four_megabytes() {
    let mut all = bombs::bombs();
    all.extend(packed::packed());
    assert!(all.len() >= 60);
    let (mut most_cpu, mut most_memory) = ((0.0, ""), (0, ""));
    for (name, raw) in &all {
        // A child of its own each: what one left in memory is not the next one's.
        let mut worker = worker();
        worker.confinement().expect("a child");
        let pid = worker.pid().expect("a child");
        let (cpu_before, base) = cost(pid);
        let verdicts = worker.understand_batch(&[(1, raw)]);
        let alive = worker.pid() == Some(pid);
        assert!(
            alive && matches!(verdicts[0].1, Verdict::Understood(_)),
            "{name}: {verdicts:?}"
        );
        let (cpu, memory) = cost(pid);
        let (cpu, memory) = (cpu - cpu_before, memory.saturating_sub(base));
        if cpu > most_cpu.0 {
            most_cpu = (cpu, name);
        }
        if memory > most_memory.0 {
            most_memory = (memory, name);
        }
        assert!(cpu <= CPU_SECONDS, "{name}: {cpu} s of CPU");
        assert!(memory <= MEMORY_BYTES, "{name}: {} MB", memory / 1_000_000);
    }
    println!(
        "{} bombs; most CPU {most_cpu:?} s, most memory {most_memory:?} bytes",
        all.len()
    );
}
