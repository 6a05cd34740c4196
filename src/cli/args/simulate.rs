//! What `duly simulate` takes.

use clap::Args;
use std::path::PathBuf;

/// The two files, for the help.
pub const SIMULATE_FILES: &str = "The trace is CSV, plain or gzipped, a row for each customer mail, with the columns\n  \
    case      what names the case\n  \
    turn      0 for its first mail, then 1, 2 …\n  \
    arrival   2012-05-07T09:30:00, in the time of the customers' calendar\n  \
    work_min  minutes that people worked for its answer\n\
    Others are passed over. Budgets are learnt from one half of the cases, the other half is lived again.\n\n\
    The rota is TOML; all but the engineers may be left out:\n  \
    begins = \"2026-12-07\"           a Monday\n  \
    zone = \"Europe/Berlin\"          the customers' calendar\n  \
    hours = \"mon-fri 08:00-18:00\"\n  \
    meeting_minutes = 60            one a day and engineer\n  \
    leave_percent = 8               chance of a week of leave, a week and engineer\n  \
    [lanes]                         of a hundred cases; what is left anybody can answer\n  \
    storage = 25\n  \
    [[engineer]]\n  \
    name = \"Anna\"\n  \
    zone = \"Europe/Berlin\"          else the one above\n  \
    hours = \"mon-thu 09:00-12:30 13:00-17:00\"\n  \
    lanes = [\"storage\"]\n  \
    leave = [\"2026-12-21/2026-12-31\"]";

/// A replay.
#[derive(Debug, Clone, Args)]
pub struct Simulate {
    /// The trace: what came, and how long it took; else what the desk in --dir has lived itself
    #[arg(long, value_name = "FILE")]
    pub turns: Option<PathBuf>,
    /// Work of the mails as a part of the engineers' planned time
    #[arg(long, default_value = "0.8")]
    pub load: f64,
    /// Everything that is drawn follows from it
    #[arg(long, default_value = "1")]
    pub seed: u64,
    /// How many engineers the usual rota has
    #[arg(long, default_value = "16", conflicts_with = "rota")]
    pub engineers: usize,
    /// Part of the days on which an engineer is ill
    #[arg(long, value_name = "SHARE", default_value = "0.03")]
    pub sickness: f64,
    /// Part of the mails whose answer must wait once for a lab or upstream
    #[arg(long, value_name = "SHARE", default_value = "0")]
    pub blocking: f64,
    /// duly, push-fifo, push-severity, fifo, severity, target, round-robin, edf, edf-lazy, or all
    #[arg(long, default_value = "duly")]
    pub policy: String,
    /// Minutes between the planned and the promised time, for duly
    #[arg(long, value_name = "MINUTES", default_value = "30", value_parser = clap::value_parser!(i64).range(0..=240))]
    pub guard: i64,
    /// A rota of your own
    #[arg(long, value_name = "FILE")]
    pub rota: Option<PathBuf>,
    /// Draw a picture of what was kept into this file
    #[arg(long, value_name = "FILE")]
    pub svg: Option<PathBuf>,
}
