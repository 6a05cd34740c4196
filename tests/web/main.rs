//! The web door through a real socket, on both databases.

#[path = "../kit/mod.rs"]
mod kit;

mod case;
mod door;
mod files;
mod front;
mod keeping;
mod queue;
mod scan;
