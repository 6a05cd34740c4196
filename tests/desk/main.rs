//! What the desk promises, as sentences: each is played on SQLite and PostgreSQL, with real mail in and out, under a clock
//! that the test moves. What must hold on every desk is checked at the end of each (`kit/invariants.rs`).

#[path = "../kit/mod.rs"]
mod kit;

mod acknowledgement;
mod agreement;
mod arrival;
mod bounce;
mod by_mail;
mod case;
mod checkpoint;
mod clock;
mod entries;
mod figures;
mod history;
mod join;
mod ledger;
mod life;
mod loops;
mod merge;
mod negotiate;
mod odd;
mod participant;
mod people;
mod promise;
mod reply;
mod schedule;
mod slice;
mod spool;
mod tamper;
mod texts;
mod two_days;
mod ways;

/// A customer.
const NORA: &str = "nora@northwind.example";
/// Another, who has nothing to do with the first.
const EVE: &str = "eve@elsewhere.example";
