//! Bounds of the schedule: how long work is thought to take, how far and how often is planned.

/// Minutes of work that a promise is counted with, by severity, worst first: what it takes on average within its bound, with
/// what switches add. The worst case is the timetable's business; a count of worst cases would refuse what can be held.
pub const WORK_MINUTES: [i64; 4] = [25, 31, 36, 36];
/// Minutes of work after which a promise comes to a finding, by severity, worst first (M, PRODUCT.md §3.4).
pub const BOUND_MINUTES: [i64; 4] = [30, 60, 120, 120];
/// By how many minutes that is stretched, once, where the plan stays whole.
pub const STRETCH_MINUTES: i64 = 30;
/// Minutes of a quantum: after it a decision is taken (PRODUCT.md §1).
pub const QUANTUM_MINUTES: i64 = 20;
/// Minutes that it takes to write down what was found.
pub const FINDING_MINUTES: i64 = 8;
/// Minutes that it takes to change over to a case.
pub const SWITCH_MINUTES: i64 = 3;
/// A finding that says something needs this many minutes of work.
pub const USEFUL_MINUTES: i64 = 10;
/// A case that is put aside this many minutes before its due is not taken up again in time.
pub const CLOSE_MINUTES: i64 = 90;
/// Nearest open promises that a plan seats (SCHEDULING.md §4 of the design): reading them from rows is most of what a plan
/// costs, and nobody works further ahead in a day. What lies behind is counted.
pub const PROMISES_PLANNED: i64 = 300;
/// Newest pieces of work that the plan learns from: five times what a sort of work needs to speak for itself.
pub const WORK_REMEMBERED: usize = 1_000;
/// Entries of lists that the planner may look at to help what is late, at each event: see `plan::schedule::Board::within`.
pub const PLAN_STEPS: usize = 2_000;
/// The same where people wait for advice: what is at risk, and whom to ask.
pub const ADVICE_STEPS: usize = 30_000;
/// Minutes between the planned and the promised time: what one slice of another case or one stretch can cost.
pub const GUARD_MINUTES: i64 = 30;
/// Minutes to which offered times are rounded up: nobody is promised 10:43.
pub const ADMITTED_STEP_MINUTES: i64 = 5;
/// Minutes of one slot in which promised work is summed for admission; migration 0080 knows it as well.
pub const SLOT_MINUTES: i64 = 15;
/// Slots with work that admission reads: beyond so many the desk is full, and it knows no date.
pub const SLOTS_COUNTED: i64 = 1_200;
/// Cases that a reason names as the largest of what is promised.
pub const LARGEST_SAID: usize = 3;
/// Names of engineers in a refusal.
pub const NAMES_SAID: usize = 5;
/// Promises at risk that the run queue lists with what would help; the rest are counted.
pub const AT_RISK_SHOWN: usize = 5;
/// Share of people's time that is promised at most without dates getting later and later (SCHEDULING.md §1.6 of the design).
pub const LOAD_LIMIT_PERCENT: i64 = 80;
/// Working days whose load is shown.
pub const LOAD_DAYS: usize = 5;
/// Days among which these are looked for.
pub const LOAD_DAYS_LOOKED_AT: i64 = 14;
/// Lanes whose load is shown.
pub const LANES_SHOWN: usize = 50;
/// Holes that are listed; the rest are counted.
pub const HOLES_SHOWN: usize = 20;
/// The longest estimate of one answer, in minutes: a working day.
pub const ESTIMATE_MINUTES: i64 = 480;
