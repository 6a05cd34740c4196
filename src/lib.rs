//! Duly: a support desk that gives every customer's mail a useful technical reply at a time both sides know.
//!
//! Three rings: pure engines (`plan`), the desk (`desk`, the domain: plain blocking code, no I/O but the store's door),
//! and doors (`mail`, `web`, `api`, `cli`). ARCHITECTURE.md has the map and the invariants.

pub mod api;
pub mod cli;
pub mod clock;
pub mod config;
pub mod demo;
pub mod desk;
pub mod files;
pub mod limits;
pub mod mail;
pub mod refusal;
pub mod serve;
pub mod speech;
pub mod store;
pub mod web;
