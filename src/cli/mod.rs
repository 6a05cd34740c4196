//! The command line: same nouns as every other door.

pub mod mail;
