//! The web door through a real socket, on both databases.

#[path = "../kit/mod.rs"]
mod kit;

mod ask;
mod attach;
mod case;
mod door;
mod draft;
mod files;
mod front;
mod keeping;
mod ledger;
mod matrix;
mod password;
mod people;
mod queue;
mod scan;
mod search;
mod session;
mod spool;
