//! A trace of support mail lived again, minute by minute, under a policy: Duly's own or that of a peer.
//!
//! Nothing in here reads a clock, a file or the environment: a trace comes as bytes, everything else follows from the
//! seed. The world knows what a planner may not: true minutes, coming sickness, coming waits (see [`world`]).

pub mod desk;
pub mod dice;
pub mod floor;
pub mod learnt;
pub mod ledger;
pub mod limits;
pub mod opening;
pub mod peers;
pub mod picture;
pub mod policy;
pub mod rota;
pub mod table;
pub mod trace;
pub mod world;
