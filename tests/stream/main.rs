//! A year of a real support list goes through a running desk: the whole main job on real input.
//!
//! The mails are not part of this repository: the folder is named by `DULY_CORPORA` (default `../shared/corpora`), and
//! without it these tests say so and pass. Nothing leaves the machine: all mail goes to a sink on loopback.

#[path = "../kit/mod.rs"]
mod kit;

mod history;
mod offers;
mod record;
mod replay;
