//! Every bound of the planner, with its reason. What is beyond is cut to the bound: a plan is made of any input.

/// Furthest horizon, minutes: two years of dates are dates enough, and arrays by bucket stay small.
pub const HORIZON: i64 = 2 * 366 * 24 * 60;
/// Most buckets of the far plan; a narrower bucket is widened.
pub const BUCKETS: i64 = 20_000;
/// Longest work of one promise, minutes: a working year. Keeps sums far from overflow.
pub const WORK: i64 = 120_000;
/// Engineers of a class that are asked who is done first when who is free first would be late. All, in a class of this
/// size; in larger ones those near the top of the heap, which are free first.
pub const DONE_FIRST_LOOK: usize = 64;
/// Branches of a fan-out: one case may not take the whole desk.
pub const FAN_OUT: usize = 4;
/// Dates that the search of gate 3 tries beyond those of plain insertion.
pub const SEARCHED_DATES: usize = 12;
/// Promises named in a reason: the largest.
pub const NAMED_IN_A_REASON: usize = 10;
/// Promises that one call of least-harm renegotiation moves; more than that is an outage that people must decide.
pub const MOVES: usize = 200;
/// Entries of lists that are looked at when late promises make others move over: some ten milliseconds.
pub const REPAIR_STEPS: usize = 400_000;
/// The same when a date is asked for, over all dates that are tried: a millisecond or two.
pub const ADMIT_STEPS: usize = 30_000;
/// Promises in danger for which remedies are worked out: more than a lead reads in one go.
pub const ADVISED: usize = 20;
/// Promises whose leaving is tried before one is given up.
pub const REMEDIES: usize = 12;
/// Cuts of a desk that is short of people.
pub const SHORTAGES: usize = 10;
/// More late promises than this, and the flow is asked which class takes what; fewer are helped one by one.
pub const LATE_BEFORE_FLOW: usize = 5;
/// Buckets of that flow: it guides, the list rule counts the minutes.
pub const GUIDE_BUCKETS: i64 = 64;
/// The same at the wanted date, before the flow is asked whether it is possible at all.
pub const WISH_STEPS: usize = 8_000;
