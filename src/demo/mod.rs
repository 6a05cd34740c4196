//! The content of `duly demo`: who works at the desk, who writes to it, and what was asked and answered.
//!
//! Pure and deterministic: no clock, no store, no file. A seed gives the same desk everywhere; `serve` and the command line
//! turn it into mail and verbs. Products, people and organisations are invented; every address ends in `.example`.
//! The desk that is meant: "Acme Support", support@acme.example, supporting a bundle of Tarn (relational database),
//! Cairn (object store), Sluice (message queue), Tether (cluster manager), Vigil (monitoring) and Larder (backup).

mod dice;
mod people;
mod scene;
pub mod seed;
mod stories;
mod text;
mod tour;
mod voice;

pub use people::{DemoContact, DemoCustomer, DemoEngineer, customers, engineers};
pub use stories::{Kind, Resolution, State, Story, Then, Turn, Who, closed, open};
pub use tour::{TOUR, tour};

/// The entry points into the product that stories name.
pub const LANES: [&str; 10] = [
    "install",
    "configure",
    "operate",
    "upgrade",
    "performance",
    "fault",
    "develop",
    "security",
    "guidance",
    "pre-sales",
];
