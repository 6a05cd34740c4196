//! The mail door: SMTP in, understanding, SMTP out.
//!
//! In: [`listen`] and [`session`] speak SMTP, [`receive`] keeps what was sent and has it understood by the [`worker`]
//! process, where [`limit`], [`parse`], [`charset`], [`html`], [`quote`], [`auto`] and [`list`] do their work. Out:
//! [`post`] takes rows of the outbox, [`compose`] and [`texts`] write the letters, [`send`] carries them.

pub mod auto;
pub mod bounce;
pub mod charset;
pub mod compose;
pub mod decode;
pub mod filing;
pub mod header;
pub mod html;
pub mod limit;
pub mod list;
pub mod listen;
pub mod mark;
pub mod parse;
pub mod post;
pub mod quote;
pub mod receive;
pub mod send;
pub mod session;
mod tag;
pub mod texts;
mod words;
pub mod worker;
