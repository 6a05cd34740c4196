//! The mail door: SMTP in, understanding, SMTP out.

pub mod auto;
pub mod bounce;
pub mod charset;
pub mod decode;
pub mod header;
pub mod html;
pub mod limit;
pub mod list;
pub mod mark;
pub mod parse;
pub mod quote;
mod tag;
mod words;
pub mod worker;
