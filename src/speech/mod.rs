//! What Duly says to people in their own language, whatever door it says it at: the catalogue of texts, times, and why a time
//! is what it is. A language is a file, `TAG.ftl`.

pub mod catalogue;
mod time;
pub mod why;

pub use catalogue::{ENGLISH, Speech, Value, check, choose, guess, languages};
