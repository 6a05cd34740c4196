//! How fast mails are understood, in the process and through the worker: `cargo test --test speed -- --ignored --nocapture`.

use std::path::PathBuf;
use std::time::Instant;

use duly::mail::parse::understand;
use duly::mail::worker::{ARGUMENT, Verdict, Worker};

#[test]
#[ignore = "a measurement, not a check"]
fn mails_per_second() {
    let folder = std::env::var("DULY_SPEED").expect("DULY_SPEED names a folder of .eml files");
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder)
        .expect("folder")
        .map(|e| e.expect("entry").path())
        .collect();
    files.sort();
    let mails: Vec<Vec<u8>> = files.iter().map(|f| std::fs::read(f).expect("mail")).collect();
    let bytes: usize = mails.iter().map(Vec::len).sum();
    let report = |what: &str, seconds: f64| {
        println!(
            "{what}: {:.0} mails/s, {:.1} MB/s, {:.0} bytes a mail",
            mails.len() as f64 / seconds,
            bytes as f64 / seconds / 1e6,
            bytes as f64 / mails.len() as f64
        );
    };
    let begun = Instant::now();
    let parts: usize = mails
        .iter()
        .map(|m| {
            mail_parser::MessageParser::default()
                .parse(m.as_slice())
                .map_or(0, |m| m.parts.len())
        })
        .sum();
    report("bare mail-parser", begun.elapsed().as_secs_f64());
    let begun = Instant::now();
    let errors: usize = mails.iter().map(|m| understand(m).errors.len()).sum();
    report("understand", begun.elapsed().as_secs_f64());
    let mut worker = Worker::new(PathBuf::from(env!("CARGO_BIN_EXE_duly")), vec![ARGUMENT.into()]);
    worker.understand_batch(&[(0, b"")]);
    let begun = Instant::now();
    let mut understood = 0;
    for batch in mails.chunks(duly::limits::PARSE_BATCH) {
        let batch: Vec<(i64, &[u8])> = batch
            .iter()
            .enumerate()
            .map(|(i, m)| (i as i64, m.as_slice()))
            .collect();
        understood += worker
            .understand_batch(&batch)
            .iter()
            .filter(|(_, v)| matches!(v, Verdict::Understood(_)))
            .count();
    }
    report("worker", begun.elapsed().as_secs_f64());
    println!("{parts} parts, {errors} notes, {understood} understood");
}
