//! What the desk promises, as sentences: each is played on SQLite and PostgreSQL, with real mail in and out, under a clock
//! that the test moves. What must hold on every desk is checked at the end of each (`kit/invariants.rs`).

#[path = "../kit/mod.rs"]
mod kit;

mod acknowledgement;
mod arrival;
mod bounce;
mod by_mail;
mod case;
mod entries;
mod join;
mod ledger;
mod loops;
mod merge;
mod odd;
mod participant;
mod promise;
mod reply;
mod slice;
mod spool;
mod texts;
mod ways;

/// A customer.
const NORA: &str = "nora@northwind.example";
/// Another, who has nothing to do with the first.
const EVE: &str = "eve@elsewhere.example";
