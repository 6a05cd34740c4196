//! What the desk promises, as sentences: each is played on SQLite and PostgreSQL, with real mail in and out, under a clock
//! that the test moves. What must hold on every desk is checked at the end of each (`kit/invariants.rs`).

#[path = "../kit/mod.rs"]
mod kit;

mod acknowledgement;
mod arrival;
mod bounce;
mod case;
mod join;
mod ledger;
mod promise;
mod reply;
mod slice;
mod spool;
mod ways;

/// A customer.
const NORA: &str = "nora@northwind.example";
/// Another, who has nothing to do with the first.
const EVE: &str = "eve@elsewhere.example";
