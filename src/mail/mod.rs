//! The mail door: SMTP in, understanding, SMTP out.

pub mod compose;
pub mod texts;
