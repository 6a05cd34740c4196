//! The mail door: SMTP in, understanding, SMTP out.

pub mod listen;
pub mod send;
pub mod session;
pub mod compose;
pub mod texts;
