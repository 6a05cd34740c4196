//! The command line: one file a verb.

pub mod due;
pub mod mail;
