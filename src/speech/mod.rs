//! What Duly says to people in their own language, whatever door it says it at: the catalogue of texts, times, why a time
//! is what it is, and times as people write them. A language is a file, `TAG.ftl`.

pub mod catalogue;
mod grammar;
mod line;
mod time;
pub mod why;

pub use catalogue::{ENGLISH, Speech, Value, check, choose, guess, languages};
pub use grammar::in_one_grammar;
pub use line::{clip, one_line};
