//! `next` on a desk with very many open cases: inside the server, from the verb to its answer, commit included.

use crate::desk::Large;
use crate::report::Report;
use anyhow::{Result, ensure};
use duly::desk::queue::{self, Filter};
use duly::desk::verb::{Answer, Principal, Verb, perform};
use jiff::Timestamp;
use std::io::Write;
use std::time::Instant;

const WARM_UP: usize = 100;
const SAMPLES: usize = 2_000;

/// Takes a slice and hands it back, again and again; and reads the first lines of the run queue.
pub fn measure(report: &mut Report, large: &Large) -> Result<()> {
    let store = large.store()?;
    let who = Principal::Engineer(Box::new(large.engineer(&store)?));
    let open = store.read(queue::counts)?.ours;
    let (mut taking, mut reading, mut syncing) = (Vec::new(), Vec::new(), Vec::new());
    let mut file = tempfile::tempfile_in(large.program.dir())?;
    for round in 0..WARM_UP + SAMPLES {
        let began = Instant::now();
        let answer = perform(&store, &large.desk, Timestamp::now(), who.clone(), Verb::Next)?;
        let took = began.elapsed().as_secs_f64() * 1e3;
        ensure!(matches!(answer, Answer::Slice(_)), "next gave no slice");
        let skip = Verb::Skip {
            reason: "measured".into(),
        };
        perform(&store, &large.desk, Timestamp::now(), who.clone(), skip)?;
        let filter = Filter {
            limit: Some(50),
            ..Filter::default()
        };
        let began = Instant::now();
        let rows = store.read(|tx| Ok((queue::cases(tx, &filter)?, queue::counts(tx)?)))?;
        std::hint::black_box(rows);
        // What the disk alone takes, in the same moments: a commit cannot be faster.
        let again = Instant::now();
        file.write_all(&[7; 4096])?;
        file.sync_data()?;
        if round >= WARM_UP {
            syncing.push(again.elapsed().as_secs_f64() * 1e3);
            taking.push(took);
            reading.push(again.duration_since(began).as_secs_f64() * 1e3);
        }
    }
    store.close();
    report.spread(&format!("next, {open} open cases, commit included"), "ms", &taking);
    report.spread("4 kB append and fdatasync, in the same moments", "ms", &syncing);
    report.spread(&format!("first 50 cases and counts, {open} open cases"), "ms", &reading);
    Ok(())
}
