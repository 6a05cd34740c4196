//! Every bound of a replay, with its reason.

/// Rows of a trace: a desk with 2,700 mails a day for a year. Beyond it a replay of weeks is better fed with a part.
pub const TRACE_ROWS: usize = 1_000_000;
/// Minutes of work for one mail: a week around the clock. More is a clock that somebody forgot to stop.
pub const WORK_MINUTES: i64 = 10_000;
/// Engineers of a rota: a replay keeps a timetable of all of them.
pub const ENGINEERS: usize = 1_000;
/// Lanes of a rota.
pub const LANES: usize = 60;
/// Characters of a name in a rota.
pub const NAME_CHARS: usize = 60;
/// Load that can be asked for, in thousandths of the planned time: beyond it every policy only shows its queue growing.
pub const LOAD_THOUSANDTHS: u32 = 2_000;
/// Promises of one replay: about what a thousand engineers get in four weeks.
pub const JOBS: usize = 400_000;
/// Bytes of a trace, taken out of its packing: some 400 for each row that is taken. A bomb of zeros ends here.
pub const TRACE_BYTES: u64 = 400 * 1_000_000;
/// Bytes of a written rota: about a kilobyte for each engineer.
pub const ROTA_BYTES: u64 = 1_000_000;
